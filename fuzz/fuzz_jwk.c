/* Keys of any JSON: a key that is read is written back as the same key. */
#include <assert.h>

#include "crypto/jose/jwk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct json *v, *again;
	struct pkey *k, *same;

	if (rc_ok(json_parse(a, slice_of(data, size), NULL, &v, NULL))) {
		if (rc_ok(jwk_to_pkey(v, &k, &w))) {
			bool ok = rc_ok(jwk_from_pkey(k, a, &again, NULL)) && rc_ok(jwk_to_pkey(again, &same, NULL));

			assert(ok && pkey_same(k, same));
			pkey_free(same);
			pkey_free(k);
		} else {
			assert(!why_empty(&w));
		}
		(void)jwk_find(v, SLICE_LIT("a"));
	}
	arena_free(a);
	return 0;
}
