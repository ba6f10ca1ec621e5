/* adapters.h - the platforms that have an adapter; the list is in adapters.c. */
#pragma once
#include "cli/conformance/conformance.h"

extern const struct conf_adapter conf_azure;
extern const struct conf_adapter conf_sgx;
extern const struct conf_adapter conf_snp;
extern const struct conf_adapter conf_tdx;
extern const struct conf_adapter conf_eventlog;
