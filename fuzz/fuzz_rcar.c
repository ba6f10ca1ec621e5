/* Requests and attestations of every protocol version: what is taken is bound by digests of the right size, and its key can be
 * named. The first byte chooses: 0 a request, else the version of an attestation. */
#include <assert.h>

#include "crypto/jose/jwk.h"
#include "kbs/rcar.h"

#define NONCE "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void request(struct arena *a, struct slice body)
{
	struct why w = why_in(a);
	struct rcar_request q;

	if (rc_ok(rcar_parse_request(a, body, &q, &w)))
		assert(q.tee && rcar_tee(slice_cstr(q.tee), a) && rcar_version_name(q.version) && q.extra_params);
	else
		assert(!why_empty(&w));
}

static void attestation(struct arena *a, struct slice body, enum rcar_version version, bool rsa1_5)
{
	struct why w = why_in(a);
	struct rcar_attestation at;
	struct slice thumb;

	if (!rc_ok(rcar_parse_attestation(a, body, version, "sample", SLICE_LIT(NONCE), 0, rsa1_5, &at, &w))) {
		assert(!why_empty(&w));
		return;
	}
	assert(at.items_n >= 1 && at.items_n <= RCAR_ITEMS_MAX && json_is(at.tee_pubkey, JSON_OBJECT));
	assert(rsa1_5 || !slice_is(json_get(at.tee_pubkey, "alg")->text, "RSA1_5"));
	assert(rc_ok(jwk_thumbprint(at.tee_pubkey, a, &thumb, NULL)));
	for (unsigned i = 0; i < at.items_n; i++) {
		assert(at.items[i].digest_n >= 1 && at.items[i].digest_n <= 2 && at.items[i].evidence.p);
		for (unsigned k = 0; k < at.items[i].digest_n; k++)
			assert(at.items[i].digest[k].n == digest_size(DIGEST_SHA384));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(0);

	if (size && data[0] % 6 == 0)
		request(a, slice_of(data + 1, size - 1));
	else if (size)
		attestation(a, slice_of(data + 1, size - 1), (enum rcar_version)(data[0] % 6), data[0] & 0x80);
	arena_free(a);
	return 0;
}
