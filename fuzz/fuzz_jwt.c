/* Tokens of any bytes: what is taken apart has an algorithm of the list; its claims can be checked. */
#include <assert.h>

#include "crypto/jose/jwk.h"
#include "crypto/jose/jws.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct jwt_rules rules = {.now_s = 1700000000, .leeway_s = 60, .audience = "kbs"};
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct json *claims;
	struct jws j;

	if (rc_ok(jws_parse(slice_of(data, size), a, &j, &w))) {
		assert(j.alg && j.signing_input.n < size && json_get(j.header, "alg"));
		if (rc_ok(json_parse(a, j.payload, NULL, &claims, NULL)))
			(void)rc_ok(jwt_check(claims, &rules, NULL));
	} else {
		assert(!why_empty(&w));
	}
	arena_free(a);
	return 0;
}
