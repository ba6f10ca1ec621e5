/* crypto.c - digests and message authentication codes, in hex. */
#include "base/secret.h"
#include "crypto/digest.h"
#include "rego/builtin/lib.h"

static RC hex(struct rego_call *c, const uint8_t *p, size_t n, struct rv *out)
{
	char text[2 * DIGEST_MAX + 1];

	for (size_t i = 0; i < n; i++) {
		text[2 * i] = "0123456789abcdef"[p[i] >> 4];
		text[2 * i + 1] = "0123456789abcdef"[p[i] & 15];
	}
	return lib_return(c, rv_str(c->heap, text, 2 * n), out);
}

static RC hash(struct rego_call *c, const struct rv *args, enum digest_alg alg, struct rv *out)
{
	uint8_t d[DIGEST_MAX];
	struct why w = why_in(c->heap->arena);
	rc r;

	ARG_STRING(c, args, 0);
	TRY(rego_charge(c, 10 + args[0].str->n / 16));
	r = digest(alg, rv_slice(args[0]), d, &w);
	return rc_ok(r) ? hex(c, d, digest_size(alg), out) : lib_refused(c, r, &w);
}

static RC mac(struct rego_call *c, const struct rv *args, enum digest_alg alg, struct rv *out)
{
	uint8_t d[DIGEST_MAX];
	struct why w = why_in(c->heap->arena);
	rc r;

	ARG_STRING(c, args, 0);
	ARG_STRING(c, args, 1);
	TRY(rego_charge(c, 20 + (args[0].str->n + args[1].str->n) / 16));
	r = hmac(alg, rv_slice(args[1]), rv_slice(args[0]), d, &w);
	return rc_ok(r) ? hex(c, d, digest_size(alg), out) : lib_refused(c, r, &w);
}

#define DIGEST(name, how, alg)                                                                      \
	static rc name(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)      \
	{                                                                                           \
		(void)n;                                                                            \
		return how(c, args, alg, out);                                                      \
	}
DIGEST(md5, hash, DIGEST_MD5)
DIGEST(sha1, hash, DIGEST_SHA1)
DIGEST(sha256, hash, DIGEST_SHA256)
DIGEST(hmac_md5, mac, DIGEST_MD5)
DIGEST(hmac_sha1, mac, DIGEST_SHA1)
DIGEST(hmac_sha256, mac, DIGEST_SHA256)
DIGEST(hmac_sha512, mac, DIGEST_SHA512)

static rc hmac_equal(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	(void)n;
	ARG_STRING(c, args, 0);
	ARG_STRING(c, args, 1);
	TRY(rego_charge(c, args[0].str->n / 16));
	*out = rv_bool(secret_eq(rv_slice(args[0]), rv_slice(args[1])));
	return rc_of(OK);
}

const struct rego_builtin builtin_crypto[] = {
	{"crypto.md5", "string -> string", md5, 1, 0, 2},
	{"crypto.sha1", "string -> string", sha1, 1, 0, 2},
	{"crypto.sha256", "string -> string", sha256, 1, 0, 2},
	{"crypto.hmac.md5", "string, string -> string", hmac_md5, 2, 0, 2},
	{"crypto.hmac.sha1", "string, string -> string", hmac_sha1, 2, 0, 2},
	{"crypto.hmac.sha256", "string, string -> string", hmac_sha256, 2, 0, 2},
	{"crypto.hmac.sha512", "string, string -> string", hmac_sha512, 2, 0, 2},
	{"crypto.hmac.equal", "string, string -> boolean", hmac_equal, 2, 0, 2},
	{0},
};
