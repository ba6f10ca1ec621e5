/* A YAML document: the builtins agree whether it is one, and what is read is written so that it is read again, all within the
 * budgets. */
#include <string.h>

#include "rego_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char policy[] = "package p\n"
			     "valid := yaml.is_valid(input)\n"
			     "read := [yaml.unmarshal(input)]\n"
			     "again := [yaml.unmarshal(yaml.marshal(read[0]))]\n"
			     "bad contains 1 if { valid; not read }\n"
			     "bad contains 2 if { read; not valid }\n"
			     "bad contains 3 if { read; not again }\n"
			     "bad contains 4 if again != read\n"
			     "ok if count(bad) == 0\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(0);
	struct rv_heap h = rv_heap_in(a, 0);

	if (size <= CHECKED_BYTES_MAX)
		check_policy(policy, a, rv_str(&h, data, size));
	arena_free(a);
	return 0;
}
