/* Strict framing of any bytes: a refusal has a reason, and what passes is one element that der_raw gives back whole. */
#include <assert.h>

#include "crypto/der.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct slice in = slice_of(data, size);
	struct msg m;
	struct cur c = cur_open(&m, in);

	if (rc_ok(der_check(in, &w, "t.der", "DER")))
		assert(der_raw(&c).n == size);
	else
		assert(!why_empty(&w));
	arena_free(a);
	return 0;
}
