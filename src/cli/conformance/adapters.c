#include "cli/conformance/adapters.h"

const struct conf_adapter *const conf_adapters[] = {
	&conf_azure,
	&conf_sgx,
	&conf_snp,
	&conf_tdx,
	&conf_eventlog,
	NULL,
};
