/* A sealed secret of any bytes does not open, and says so: a random text cannot carry a valid tag. */
#include <assert.h>

#include "kms/envelope.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t *room(void *ctx, size_t n)
{
	struct arena *a = ctx;

	return arena_alloc(a, n + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct envelope_keys k = {0};
	SECRET(master);
	rc r = secret_new(&master, AEAD_KEY, &w); /* all zero: the corpus can hold its key id */

	if (rc_ok(r))
		r = envelope_keys_derive(&master, &k, &w);
	assert(rc_ok(r));
	r = envelope_open(&k, "a/b/c", 1, slice_of(data, size), room, a, &w);
	assert(rc_ok(r) || !why_empty(&w));
	envelope_keys_free(&k);
	arena_free(a);
	return 0;
}
