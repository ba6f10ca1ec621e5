/* A message that parses has an algorithm of the list and a signature; a refusal has a reason. */
#include <assert.h>

#include "crypto/cose/cose.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct cose_sign1 m;

	if (rc_ok(cose_sign1_parse(a, slice_of(data, size), COSE_TAG_OPTIONAL, &m, &w)))
		assert(m.alg < 0 && m.signature.n > 0 && m.unprotected);
	else
		assert(!why_empty(&w));
	arena_free(a);
	return 0;
}
