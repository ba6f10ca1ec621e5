#include "cli/conformance/adapters.h"

const struct conf_adapter *const conf_adapters[] = {
	&conf_azure,
	&conf_cca,
	&conf_cose,
	&conf_csv,
	&conf_nitro,
	&conf_nvidia,
	&conf_se,
	&conf_sgx,
	&conf_snp,
	&conf_tdx,
	&conf_eventlog,
	&conf_tpm,
	&conf_jose,
	NULL,
};
