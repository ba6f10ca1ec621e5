/* A report that parses has a key, and all its parts lie in the input. */
#include <assert.h>

#include "evidence/hcl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct hcl_report r;

	if (!rc_ok(hcl_parse(a, slice_of(data, size), &r, &w))) {
		assert(!why_empty(&w));
	} else {
		assert(r.hw_report.n == HCL_HW_REPORT && r.var_data.p + r.var_data.n <= data + size);
		assert(r.ak_n.p && r.ak_e.p);
	}
	arena_free(a);
	return 0;
}
