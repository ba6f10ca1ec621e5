/* The input, cut in two at its first NUL, as the two sealed texts of an answer: nothing opens under a key that sealed nothing. */
#include <assert.h>

#include "evidence/se_challenge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);
	const uint8_t *nul = size ? memchr(data, 0, size) : NULL;
	size_t at = nul ? (size_t)(nul - data) : size;
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	SECRET(key);
	SECRET(pair);
	rc r = secret_new(&key, 32, &w);

	assert(rc_ok(r));
	r = se_challenge_open(&key, slice_sub(in, 0, at), slice_sub(in, at + 1, size), 0, a, &pair, &w);
	assert(!rc_ok(r) && !why_empty(&w));
	arena_free(a);
	return 0;
}
