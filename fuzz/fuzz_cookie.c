/* Cookies of strangers. Plain bytes must not open. Under the key of this program nobody else can seal, so a plaintext is also
 * sealed here and opened: what opens is sealed and opened again, and stays the same. */
#include <assert.h>

#include "base/cur.h"
#include "base/num.h"
#include "codec/base64.h"
#include "crypto/aead.h"
#include "crypto/kdf.h"
#include "kbs/challenge.h"

#define NOW ((int64_t)1795557718)
#define LABEL "warrant challenge v1"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The format of challenge.h, made without challenge.c. */
static struct slice seal(struct arena *a, const struct secret *root, struct slice plain)
{
	static const uint8_t nonce[12] = {1};
	struct buf info = buf_in(a, 0), wire = buf_in(a, 0);
	uint64_t epoch = NOW / 3600;
	SECRET(key);
	uint8_t *sealed;

	buf_put(&info, LABEL, sizeof(LABEL));
	buf_le64(&info, epoch);
	buf_be32(&wire, (uint32_t)epoch);
	buf_put(&wire, nonce, sizeof(nonce));
	sealed = buf_reserve(&wire, plain.n + AEAD_TAG);
	if (!sealed || !rc_ok(hkdf_sha256(root, SLICE_LIT(""), buf_view(&info), 32, &key, NULL)) ||
	    !rc_ok(aead_seal(&key, nonce, slice_of(wire.p, 4), plain, sealed, NULL)))
		return (struct slice){NULL, 0};
	return b64_text(a, B64_URL, buf_view(&wire));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct challenge_sealer *s;
	struct challenge c, again;
	struct slice cookie;
	SECRET(root);

	if (!rc_ok(secret_new(&root, 32, NULL)) || !rc_ok(challenge_sealer_open(&root, &s, NULL)))
		return 0;
	assert(!rc_ok(challenge_open(s, slice_of(data, size), NOW, a, &c, &w)) && !why_empty(&w));
	cookie = seal(a, &root, slice_of(data, MIN_OF(size, (size_t)400)));
	if (cookie.p && rc_ok(challenge_open(s, cookie, NOW, a, &c, NULL))) {
		assert(c.tee && c.version >= RCAR_010 && c.version <= RCAR_040 && c.expires_s >= NOW);
		assert(rc_ok(challenge_seal(s, &c, NOW, a, &cookie, NULL)) && rc_ok(challenge_open(s, cookie, NOW, a, &again, NULL)));
		assert(memcmp(c.nonce, again.nonce, sizeof(c.nonce)) == 0 && c.expires_s == again.expires_s && c.hash == again.hash);
	}
	challenge_sealer_close(s);
	arena_free(a);
	return 0;
}
