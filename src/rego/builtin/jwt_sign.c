/* jwt_sign.c - making tokens. */
#include "codec/base64.h"
#include "crypto/digest.h"
#include "crypto/jose/jwk.h"
#include "rego/builtin/jwt.h"
#include "rego/builtin/keys.h"

/* The first key of a set, or the key itself. */
static RC first_key(struct rego_call *c, struct slice text, const struct json **out)
{
	struct why w = why_in(c->heap->arena);
	const struct json *keys;
	struct json *doc;

	if (!rc_ok(json_parse(c->heap->arena, text, NULL, &doc, &w)))
		return rego_fail(c, "failed to parse JWK: %s", why_text(&w));
	*out = doc;
	keys = json_get(doc, "keys");
	if (!keys)
		return rc_of(OK);
	*out = json_at(keys, 0);
	return *out ? rc_of(OK) : rego_fail(c, "no keys found in JWK set");
}

static RC algorithm(struct rego_call *c, struct slice header, struct slice *alg, bool *is_jwt)
{
	static const char missing[] = "missing or invalid 'alg' header: ";
	const struct rv *v, *typ;
	const char *err;
	size_t at;
	struct rv h;

	if (header.n == 0)
		return rego_fail(c, "%scannot parse JSON: cannot parse empty string", missing);
	h = rv_from_json(c->heap, header, NULL, &err, &at);
	if (rv_heap_bad(c->heap))
		return lib_no_memory(c);
	if (h.kind == RV_UNDEF)
		return rego_fail(c, "%scannot parse JSON: %s", missing, err ? err : "malformed");
	v = h.kind == RV_OBJECT ? rv_get_c(h, "alg") : NULL;
	if (!v)
		return rego_fail(c, "%sjwsbb: header \"alg\" not found", missing);
	if (v->kind != RV_STRING)
		return rego_fail(c, "%snot a string", missing);
	*alg = rv_slice(*v);
	typ = rv_get_c(h, "typ");
	*is_jwt = !typ || typ->kind != RV_STRING || rv_is_str(*typ, "JWT");
	return rc_of(OK);
}

static RC mac_of(struct rego_call *c, const struct json *jwk, struct slice alg, struct slice text, struct slice *sig)
{
	enum digest_alg d = slice_is(alg, "HS256")   ? DIGEST_SHA256
			    : slice_is(alg, "HS384") ? DIGEST_SHA384
						     : DIGEST_SHA512;
	struct why w = why_in(c->heap->arena);
	uint8_t *mac = arena_alloc(c->heap->arena, DIGEST_MAX);
	struct slice k, key;

	if (!mac)
		return lib_no_memory(c);
	if (!rc_ok(json_need_str(jwk, "k", &k, "JWK", &w)) || !rc_ok(b64_decode(c->heap->arena, B64_URL, k, &key, "k", &w)) ||
	    !rc_ok(hmac(d, key, text, mac, &w)))
		return rego_fail(c, "%s", why_text(&w));
	*sig = slice_of(mac, digest_size(d));
	return rc_of(OK);
}

static RC signature_of(struct rego_call *c, const struct json *jwk, struct slice alg, struct slice text, struct slice *sig)
{
	struct why w = why_in(c->heap->arena);
	struct raw_key raw;
	struct pkey *key;
	rc r;

	TRY(rego_charge(c, 2000));
	r = raw_key_from_jwk(c->heap->arena, jwk, &raw, &w);
	if (rc_ok(r))
		r = raw_key_open(c->heap->arena, &raw, &key, &w);
	if (!rc_ok(r))
		return lib_refused(c, r, &w);
	r = pkey_sign(key, jwa_by_name(alg), text, c->heap->arena, sig, &w);
	pkey_free(key);
	return rc_ok(r) ? r : lib_refused(c, r, &w);
}

static bool is_json(struct rego_call *c, struct slice s)
{
	const char *err;
	size_t at;

	return rv_from_json(c->heap, s, NULL, &err, &at).kind != RV_UNDEF;
}

static RC sign(struct rego_call *c, struct slice header, struct slice payload, struct slice key, struct rv *out)
{
	struct buf b = lib_buf(c);
	const struct json *jwk;
	struct slice alg, sig;
	bool is_jwt = false, mac;

	TRY(rego_charge(c, 50 + (header.n + payload.n + key.n) / 16));
	TRY(first_key(c, key, &jwk));
	TRY(algorithm(c, header, &alg, &is_jwt));
	mac = slice_is(alg, "HS256") || slice_is(alg, "HS384") || slice_is(alg, "HS512");
	if (!mac && !jwa_by_name(alg))
		return rego_fail(c, "unknown JWS algorithm: " SLICE_FMT, SLICE_ARG(alg));
	if (is_jwt && !is_json(c, payload))
		return rego_fail(c, "type is JWT but payload is not JSON");
	b64_write(&b, B64_URL, header);
	buf_putc(&b, '.');
	b64_write(&b, B64_URL, payload);
	if (!buf_ok(&b))
		return lib_no_memory(c);
	if (mac)
		TRY(mac_of(c, jwk, alg, buf_view(&b), &sig));
	else
		TRY(signature_of(c, jwk, alg, buf_view(&b), &sig));
	buf_putc(&b, '.');
	b64_write(&b, B64_URL, sig);
	return lib_buffer(c, &b, out);
}

static rc encode_sign_raw(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	(void)n;
	ARG_STRING(c, args, 2);
	ARG_STRING(c, args, 0);
	ARG_STRING(c, args, 1);
	return sign(c, rv_slice(args[0]), rv_slice(args[1]), rv_slice(args[2]), out);
}

static rc encode_sign(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct slice text[3];

	for (unsigned i = 0; i < n && i < 3; i++)
		TRY(lib_json_text(c, args[i], &text[i]));
	return sign(c, text[0], text[1], text[2], out);
}

const struct rego_builtin builtin_jwt_sign[] = {
	{"io.jwt.encode_sign", "object[string:any], object[string:any], object[string:any] -> string", encode_sign, 3,
	 REGO_NONDET, 20},
	{"io.jwt.encode_sign_raw", "string, string, string -> string", encode_sign_raw, 3, REGO_NONDET, 20},
	{0},
};
