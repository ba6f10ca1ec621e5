/* adapters.h - the platforms that have an adapter; the list is in adapters.c. */
#pragma once
#include "cli/conformance/conformance.h"

extern const struct conf_adapter conf_azure;
extern const struct conf_adapter conf_cca;
extern const struct conf_adapter conf_cose;
extern const struct conf_adapter conf_csv;
extern const struct conf_adapter conf_nitro;
extern const struct conf_adapter conf_nvidia;
extern const struct conf_adapter conf_se;
extern const struct conf_adapter conf_sgx;
extern const struct conf_adapter conf_snp;
extern const struct conf_adapter conf_tdx;
extern const struct conf_adapter conf_eventlog;
extern const struct conf_adapter conf_tpm;
extern const struct conf_adapter conf_jose;
