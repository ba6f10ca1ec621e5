/* dcap.h - what the adapters of tdx, sgx and azure share: a quote with Intel's collateral. */
#pragma once
#include "cli/conformance/conformance.h"

/* Quote, collateral, anchor and expected report data of a case, under the roles quote, tcb_info, ... */
RC conf_dcap_prepare(struct arena *a, const struct conf_case *c, struct vjob *job, struct why *w);
/* The facts of a quote against the claims of its verdict. */
RC conf_dcap_facts(struct arena *a, const struct json *facts, const struct json *claims, struct why *w);
