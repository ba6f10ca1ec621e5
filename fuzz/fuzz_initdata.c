/* Init-data of any text: what is taken has a digest of its algorithm and a map of claims that can be written as JSON. */
#include <assert.h>

#include "as/initdata.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct initdata d = {0};

	if (rc_ok(initdata_parse(a, slice_of(data, size), &d, &w)))
		assert((d.digest.n == 32 || d.digest.n == 48 || d.digest.n == 64) && json_is(d.claims, JSON_OBJECT) &&
		       json_text(a, d.claims).p);
	else
		assert(!why_empty(&w) && !d.digest.p && !d.claims);
	arena_free(a);
	return 0;
}
