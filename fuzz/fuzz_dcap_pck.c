/* The SGX extension of a PCK certificate. */
#include <assert.h>

#include "evidence/dcap_pck.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct dcap_pck p;

	if (!rc_ok(dcap_pck_parse(slice_of(data, size), &p, &w)))
		assert(!why_empty(&w));
	arena_free(a);
	return 0;
}
