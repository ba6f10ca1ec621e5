/* A manifest that parses has what its caps allow; a refusal has a reason. */
#include <assert.h>

#include "evidence/rim.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct rim rim;
	rc r = rim_parse(a, slice_of(data, size), &rim, &w);

	if (!rc_ok(r))
		assert(!why_empty(&w));
	else
		assert(rim.measures_n <= RIM_MEASURES_MAX && rim.certs_n > 0 && rim.certs_n <= RIM_CERTS_MAX && rim.signed_info.n > 0);
	arena_free(a);
	return 0;
}
