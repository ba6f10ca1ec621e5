#include "cli/conformance/adapters.h"

const struct conf_adapter *const conf_adapters[] = {
	&conf_snp,
	NULL,
};
