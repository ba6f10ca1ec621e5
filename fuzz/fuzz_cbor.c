/* A value that reads covers the whole input; a refusal has a reason. */
#include <assert.h>

#include "codec/cbor.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct cbor *v;

	if (rc_ok(cbor_parse(a, slice_of(data, size), NULL, &v, &w)))
		assert(v->raw.n == size);
	else
		assert(!why_empty(&w));
	arena_free(a);
	return 0;
}
