#include "crypto/kdf.h"

#include "base/num.h"
#include "crypto/digest.h"

rc hkdf_sha256(const struct secret *key, struct slice salt, struct slice info, size_t out_n, struct secret *out, struct why *w)
{
	uint8_t block[32 + 512 + 1];
	size_t had = 0, done = 0;
	SECRET(prk);
	SECRET(okm);
	rc r = rc_of(OK);

	if (info.n > 512 || out_n > 255 * 32)
		return deny(w, E_INTERNAL, "kdf.use", "HKDF cannot give %zu bytes with %zu bytes of info", out_n, info.n);
	TRY(secret_new(&prk, 32, w));
	TRY(secret_new(&okm, out_n, w));
	TRY(hmac(DIGEST_SHA256, salt, secret_view(key), prk.p, w));
	for (uint8_t i = 1; done < out_n && rc_ok(r); i++) {
		uint8_t t[32];

		if (info.n)
			memcpy(block + had, info.p, info.n);
		block[had + info.n] = i;
		r = hmac(DIGEST_SHA256, secret_view(&prk), slice_of(block, had + info.n + 1), t, w);
		memcpy(okm.p + done, t, MIN_OF(out_n - done, sizeof(t)));
		done += MIN_OF(out_n - done, sizeof(t));
		memcpy(block, t, sizeof(t));
		had = sizeof(t);
		secret_wipe(t, sizeof(t));
	}
	secret_wipe(block, sizeof(block));
	if (rc_ok(r))
		*out = secret_move(&okm);
	return r;
}

static void be32(uint8_t out[4], size_t v)
{
	for (unsigned i = 0; i < 4; i++)
		out[i] = (uint8_t)(v >> (24 - 8 * i));
}

rc concat_kdf(const struct secret *z, struct slice alg, size_t out_n, struct secret *out, struct why *w)
{
	uint8_t round[4], alg_n[4], none[8] = {0}, bits[4], d[32];
	const struct slice parts[] = {{round, 4}, secret_view(z), {alg_n, 4}, alg, {none, 8}, {bits, 4}};
	SECRET(key);
	rc r;

	if (out_n > 32)
		return deny(w, E_INTERNAL, "kdf.use", "one round gives 32 bytes, not %zu", out_n);
	be32(round, 1);
	be32(alg_n, alg.n);
	be32(bits, out_n * 8);
	TRY(secret_new(&key, out_n, w));
	r = digest_parts(DIGEST_SHA256, parts, COUNT_OF(parts), d, w);
	if (rc_ok(r)) {
		memcpy(key.p, d, out_n);
		*out = secret_move(&key);
	}
	secret_wipe(d, sizeof(d));
	return r;
}
