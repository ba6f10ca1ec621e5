/* Any bytes as a policy: compiled, or refused with a reason; twice, with the same outcome. First byte: dialect. */
#include <assert.h>
#include <string.h>

#include "warrant/rego.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rego_compile_options o = {.size = sizeof(o)};
	struct rego_module m = {"m.rego", (const char *)data + 1, size - 1};

	if (size < 1 || size > 20000)
		return 0;
	o.dialect = data[0] & 1 ? REGO_V0 : REGO_V1;
	o.strict = data[0] >> 1 & 1;
	o.experimental_keywords = data[0] >> 2 & 1;
	o.keep_print = data[0] >> 3 & 1;
	for (int i = 0; i < 2; i++) {
		struct rego_errors *e = NULL;
		struct rego_program *p = rego_compile(&m, 1, &o, &e);

		assert(p || rego_errors_count(e) > 0);
		rego_errors_free(e);
		rego_program_free(p);
	}
	return 0;
}
