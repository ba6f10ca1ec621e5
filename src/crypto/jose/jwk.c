#include "crypto/jose/jwk.h"

#include "base/num.h"
#include "codec/base64.h"

static const struct {
	const char *name;
	enum sig_alg alg;
} algs[] = {{"ES256", SIG_ES256}, {"ES384", SIG_ES384}, {"ES512", SIG_ES512}, {"RS256", SIG_RS256}, {"RS384", SIG_RS384},
	    {"RS512", SIG_RS512}, {"PS256", SIG_PS256}, {"PS384", SIG_PS384}, {"PS512", SIG_PS512}, {"EdDSA", SIG_EDDSA}};

static const struct {
	const char *name;
	enum key_kind kind;
	size_t width;
} crvs[] = {{"P-256", KEY_P256, 32}, {"P-384", KEY_P384, 48}, {"P-521", KEY_P521, 66}};

enum sig_alg jwa_by_name(struct slice name)
{
	for (size_t i = 0; i < COUNT_OF(algs); i++)
		if (slice_is(name, algs[i].name))
			return algs[i].alg;
	return 0;
}

const char *jwa_name(enum sig_alg alg)
{
	for (size_t i = 0; i < COUNT_OF(algs); i++)
		if (algs[i].alg == alg)
			return algs[i].name;
	return "none";
}

enum sig_alg jwa_default(const struct pkey *k)
{
	switch (pkey_kind(k)) {
	case KEY_P256:
		return SIG_ES256;
	case KEY_P384:
		return SIG_ES384;
	case KEY_P521:
		return SIG_ES512;
	case KEY_RSA:
		return SIG_RS256;
	case KEY_ED25519:
		return SIG_EDDSA;
	case KEY_SM2:
		return SIG_SM2;
	}
	return 0;
}

static rc member(const struct json *jwk, const char *name, struct arena *a, struct slice *out, struct why *w)
{
	struct slice text;

	TRY(json_need_str(jwk, name, &text, "JWK", w));
	if (text.n > 2048)
		return deny(w, E_LIMIT, "key.malformed", "JWK: member \"%s\" has %zu characters", name, text.n);
	return b64_decode(a, B64_URL, text, out, name, w);
}

static rc ec_to_pkey(const struct json *jwk, struct arena *a, struct pkey **out, struct why *w)
{
	struct slice crv, x, y;

	TRY(json_need_str(jwk, "crv", &crv, "JWK", w));
	TRY(member(jwk, "x", a, &x, w));
	TRY(member(jwk, "y", a, &y, w));
	for (size_t i = 0; i < COUNT_OF(crvs); i++) {
		if (!slice_is(crv, crvs[i].name))
			continue;
		if (x.n != crvs[i].width || y.n != crvs[i].width)
			return deny(w, E_MALFORMED, "key.malformed", "JWK: coordinates of %zu and %zu bytes on %s, expected %zu", x.n, y.n,
				    crvs[i].name, crvs[i].width);
		return pkey_from_ec_xy(crvs[i].kind, x, y, out, w);
	}
	return deny(w, E_UNSUPPORTED, "key.kind", "JWK: curve \"" SLICE_FMT "\", taken are P-256, P-384 and P-521",
		    SLICE_ARG(slice_sub(crv, 0, 32)));
}

static rc okp_to_pkey(const struct json *jwk, struct arena *a, struct pkey **out, struct why *w)
{
	struct slice crv, x;

	TRY(json_need_str(jwk, "crv", &crv, "JWK", w));
	TRY(member(jwk, "x", a, &x, w));
	if (!slice_is(crv, "Ed25519"))
		return deny(w, E_UNSUPPORTED, "key.kind", "JWK: curve \"" SLICE_FMT "\", taken is Ed25519", SLICE_ARG(slice_sub(crv, 0, 32)));
	return pkey_from_ed25519(x, out, w);
}

rc jwk_to_pkey(const struct json *jwk, struct pkey **out, struct why *w)
{
	struct arena *a = arena_new(65536);
	struct slice kty, n, e;
	rc r;

	if (!json_is(jwk, JSON_OBJECT)) {
		arena_free(a);
		return deny(w, E_MALFORMED, "key.malformed", "a JWK must be an object, it is %s", json_kind_name(jwk));
	}
	r = json_need_str(jwk, "kty", &kty, "JWK", w);
	if (rc_ok(r) && slice_is(kty, "EC")) {
		r = ec_to_pkey(jwk, a, out, w);
	} else if (rc_ok(r) && slice_is(kty, "RSA")) {
		r = member(jwk, "n", a, &n, w);
		if (rc_ok(r))
			r = member(jwk, "e", a, &e, w);
		if (rc_ok(r))
			r = pkey_from_rsa(n, e, out, w);
	} else if (rc_ok(r) && slice_is(kty, "OKP")) {
		r = okp_to_pkey(jwk, a, out, w);
	} else if (rc_ok(r)) {
		r = deny(w, E_UNSUPPORTED, "key.kind", "JWK: kty \"" SLICE_FMT "\", taken are EC, RSA and OKP", SLICE_ARG(slice_sub(kty, 0, 32)));
	}
	arena_free(a);
	return r;
}

static void set_b64(struct arena *a, struct json *o, const char *name, struct slice bytes)
{
	json_set(a, o, name, json_new_str(a, b64_text(a, B64_URL, bytes)));
}

rc jwk_from_pkey(const struct pkey *k, struct arena *a, struct json **out, struct why *w)
{
	struct json *o = json_new_object(a);
	struct slice x, y;

	if (pkey_kind(k) == KEY_RSA) {
		TRY(pkey_rsa_ne(k, a, &x, &y, w));
		set_b64(a, o, "e", y);
		json_set(a, o, "kty", json_new_cstr(a, "RSA"));
		set_b64(a, o, "n", x);
	} else if (pkey_kind(k) == KEY_ED25519) {
		TRY(pkey_raw_public(k, a, &x, w));
		json_set(a, o, "crv", json_new_cstr(a, "Ed25519"));
		json_set(a, o, "kty", json_new_cstr(a, "OKP"));
		set_b64(a, o, "x", x);
	} else {
		TRY(pkey_ec_xy(k, a, &x, &y, w));
		for (size_t i = 0; i < COUNT_OF(crvs); i++)
			if (crvs[i].kind == pkey_kind(k))
				json_set(a, o, "crv", json_new_cstr(a, crvs[i].name));
		json_set(a, o, "kty", json_new_cstr(a, "EC"));
		set_b64(a, o, "x", x);
		set_b64(a, o, "y", y);
	}
	*out = o;
	return arena_bad(a) ? deny(w, E_INTERNAL, "key.memory", "no memory") : rc_of(OK);
}

rc jwk_thumbprint(const struct json *jwk, struct arena *a, struct slice *out, struct why *w)
{
	static const char *const ec[] = {"crv", "kty", "x", "y", NULL}, *const rsa[] = {"e", "kty", "n", NULL},
				 *const okp[] = {"crv", "kty", "x", NULL}, *const akp[] = {"alg", "kty", "pub", NULL};
	struct json *o = json_new_object(a);
	const char *const *names;
	struct slice kty, text;
	uint8_t d[32];

	TRY(json_need_str(jwk, "kty", &kty, "JWK", w));
	names = slice_is(kty, "EC") ? ec : slice_is(kty, "RSA") ? rsa : slice_is(kty, "OKP") ? okp : slice_is(kty, "AKP") ? akp : NULL;
	if (!names)
		return deny(w, E_UNSUPPORTED, "key.kind", "JWK: no thumbprint for kty \"" SLICE_FMT "\"", SLICE_ARG(slice_sub(kty, 0, 32)));
	for (; *names; names++) {
		TRY(json_need_str(jwk, *names, &text, "JWK", w));
		json_set(a, o, *names, json_new_str(a, text));
	}
	TRY(digest(DIGEST_SHA256, json_text(a, o), d, w));
	*out = b64_text(a, B64_URL, slice_of(d, sizeof(d)));
	return out->p ? rc_of(OK) : deny(w, E_INTERNAL, "key.memory", "no memory");
}

const struct json *jwk_find(const struct json *set, struct slice kid)
{
	const struct json *keys = json_get(set, "keys");

	for (size_t i = 0; keys && keys->kind == JSON_ARRAY && i < keys->n; i++) {
		const struct json *k = json_get(keys->items[i], "kid");

		if (json_is(k, JSON_STRING) && slice_eq(k->text, kid))
			return keys->items[i];
	}
	return NULL;
}

bool jwk_may_verify(const struct json *jwk)
{
	const struct json *use = json_get(jwk, "use"), *ops = json_get(jwk, "key_ops");

	if (use && !(use->kind == JSON_STRING && slice_is(use->text, "sig")))
		return false;
	if (!ops)
		return true;
	for (size_t i = 0; ops->kind == JSON_ARRAY && i < ops->n; i++)
		if (json_is(ops->items[i], JSON_STRING) && slice_is(ops->items[i]->text, "verify"))
			return true;
	return false;
}
