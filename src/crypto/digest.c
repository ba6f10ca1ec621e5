#include "crypto/digest.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pthread.h>

#include "base/num.h"
#include "crypto/crypto_priv.h"

static const struct {
	const char *name, *fetch;
	size_t size;
} table[] = {
	[DIGEST_SHA1] = {"sha1", "SHA1", 20},	    [DIGEST_SHA256] = {"sha256", "SHA2-256", 32},
	[DIGEST_SHA384] = {"sha384", "SHA2-384", 48}, [DIGEST_SHA512] = {"sha512", "SHA2-512", 64},
	[DIGEST_SM3] = {"sm3", "SM3", 32},	    [DIGEST_MD5] = {"md5", "MD5", 16},
};

/* Fetched once: a fetch walks the provider tables. Never changed after. */
static EVP_MD *fetched[COUNT_OF(table)];
static pthread_once_t fetch_once = PTHREAD_ONCE_INIT;

static void fetch_all(void)
{
	for (size_t i = 1; i < COUNT_OF(table); i++)
		fetched[i] = EVP_MD_fetch(NULL, table[i].fetch, NULL);
}

static bool known(enum digest_alg alg)
{
	return alg >= DIGEST_SHA1 && alg <= DIGEST_MD5;
}

const EVP_MD *digest_evp(enum digest_alg alg)
{
	pthread_once(&fetch_once, fetch_all);
	return known(alg) ? fetched[alg] : NULL;
}

size_t digest_size(enum digest_alg alg)
{
	return known(alg) ? table[alg].size : 0;
}

const char *digest_name(enum digest_alg alg)
{
	return known(alg) ? table[alg].name : "unknown";
}

enum digest_alg digest_by_name(struct slice name)
{
	char flat[16];
	size_t n = 0;

	for (size_t i = 0; i < name.n; i++) {
		uint8_t c = name.p[i];

		if (c == '-' && n == 3)	/* SHA-256 */
			continue;
		if (n + 1 >= sizeof(flat))
			return 0;
		flat[n++] = (char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
	}
	flat[n] = 0;
	for (size_t i = 1; i < COUNT_OF(table); i++)
		if (strcmp(flat, table[i].name) == 0)
			return (enum digest_alg)i;
	return 0;
}

rc digest_parts(enum digest_alg alg, const struct slice *parts, size_t n, uint8_t *out, struct why *w)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = ctx && digest_evp(alg) && EVP_DigestInit_ex2(ctx, digest_evp(alg), NULL) == 1;

	for (size_t i = 0; ok && i < n; i++)
		ok = EVP_DigestUpdate(ctx, parts[i].p, parts[i].n) == 1;
	ok = ok && EVP_DigestFinal_ex(ctx, out, NULL) == 1;
	EVP_MD_CTX_free(ctx);
	return ok ? rc_of(OK) : deny(w, E_INTERNAL, "crypto.digest", "%s cannot be computed here", digest_name(alg));
}

rc digest(enum digest_alg alg, struct slice in, uint8_t *out, struct why *w)
{
	if (digest_evp(alg) && EVP_Digest(in.p, in.n, out, NULL, digest_evp(alg), NULL) == 1)
		return rc_of(OK);
	return deny(w, E_INTERNAL, "crypto.digest", "%s cannot be computed here", digest_name(alg));
}

rc hmac(enum digest_alg alg, struct slice key, struct slice in, uint8_t *out, struct why *w)
{
	static const uint8_t none;
	unsigned n = 0;

	if (digest_evp(alg) && key.n <= INT32_MAX &&
	    HMAC(digest_evp(alg), key.p ? key.p : &none, (int)key.n, in.p ? in.p : &none, in.n, out, &n))
		return rc_of(OK);
	return deny(w, E_INTERNAL, "crypto.hmac", "HMAC with %s cannot be computed here", digest_name(alg));
}
