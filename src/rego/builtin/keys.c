#include "rego/builtin/keys.h"

#include "base/num.h"
#include "codec/base64.h"
#include "crypto/der.h"
#include "crypto/jose/jwk.h"

/* ---- PEM ---- */

static size_t find(struct slice s, const char *lit)
{
	const uint8_t *p = s.p && s.n ? memmem(s.p, s.n, lit, strlen(lit)) : NULL;

	return p ? (size_t)(p - s.p) : s.n;
}

static struct slice from(struct slice s, size_t i)
{
	return slice_sub(s, i, s.n);
}

/* The base64 between the lines of a block; header lines ("Proc-Type: ...") end at an empty line. */
static bool block_bytes(struct arena *a, struct slice body, struct slice *der)
{
	struct buf b = buf_in(a, 0);
	size_t colon = find(body, ":");

	if (colon < body.n) {
		size_t blank = find(body, "\n\n");

		body = from(body, blank < body.n ? blank + 2 : body.n);
	}
	for (size_t i = 0; i < body.n; i++)
		if (body.p[i] != '\n' && body.p[i] != '\r' && body.p[i] != ' ' && body.p[i] != '\t')
			buf_putc(&b, (char)body.p[i]);
	return buf_ok(&b) && rc_ok(b64_decode(a, B64_STD, buf_view(&b), der, "PEM", NULL));
}

bool pem_next(struct arena *a, struct slice *rest, struct slice *type, struct slice *der)
{
	while (rest->n) {
		size_t begin = find(*rest, "-----BEGIN "), end;
		struct slice s = from(*rest, begin + 11), body, tail;

		if (begin >= rest->n)
			return false;
		end = find(s, "-----");
		*type = slice_sub(s, 0, end);
		s = from(s, end + 5);
		end = find(s, "-----END ");
		body = slice_sub(s, 0, end);
		tail = from(s, end + 9);
		*rest = s;
		if (end >= s.n || !slice_starts(tail, *type) || !slice_starts(from(tail, type->n), SLICE_LIT("-----")))
			continue;
		*rest = from(tail, type->n + 5);
		while (rest->n && (rest->p[0] == '\n' || rest->p[0] == '\r' || rest->p[0] == ' ' || rest->p[0] == '\t'))
			*rest = from(*rest, 1);
		if (block_bytes(a, body, der))
			return true;
	}
	return false;
}

/* ---- private keys ---- */

static const struct {
	const char *oid, *name;
	uint8_t der[10];
	size_t der_n, width;
} curves[] = {
	{"1.2.840.10045.3.1.7", "P-256", {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07}, 10, 32},
	{"1.3.132.0.34", "P-384", {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22}, 7, 48},
	{"1.3.132.0.35", "P-521", {0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23}, 7, 66},
};

static RC pkcs1(struct slice der, struct raw_key *k, struct why *w)
{
	struct msg m;
	struct cur top = cur_open(&m, der), c = der_enter(&top, DER_SEQUENCE);

	k->form = FORM_RSA;
	der_magnitude(&c);	/* version */
	k->n = der_magnitude(&c);
	k->e = der_magnitude(&c);
	k->d = der_magnitude(&c);
	k->p = der_magnitude(&c);
	k->q = der_magnitude(&c);
	k->dp = der_magnitude(&c);
	k->dq = der_magnitude(&c);
	k->qi = der_magnitude(&c);
	return cur_end(&c, w, "key.malformed", "RSA private key");
}

static bool set_curve(struct raw_key *k, struct slice oid)
{
	for (size_t i = 0; i < COUNT_OF(curves); i++)
		if (oid_is(oid, curves[i].oid))
			k->curve = curves[i].name;
	return k->curve != NULL;
}

static size_t curve_width(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(curves); i++)
		if (name && strcmp(name, curves[i].name) == 0)
			return curves[i].width;
	return 0;
}

/* The point of a key without its public part. */
static RC public_part(struct arena *a, struct raw_key *k, struct why *w)
{
	struct pkey *handle;
	rc r;

	TRY(raw_key_open(a, k, &handle, w));
	r = pkey_ec_xy(handle, a, &k->x, &k->y, w);
	pkey_free(handle);
	return r;
}

static RC sec1(struct arena *a, struct slice der, struct raw_key *k, struct why *w)
{
	struct msg m;
	struct cur top = cur_open(&m, der), c = der_enter(&top, DER_SEQUENCE), part;
	struct slice point = {0};

	k->form = FORM_EC;
	der_magnitude(&c);
	k->d = der_take(&c, DER_OCTET_STRING);
	if (der_next_is(&c, DER_CONTEXT_CONS(0))) {
		part = der_enter(&c, DER_CONTEXT_CONS(0));
		if (!set_curve(k, der_take(&part, DER_OID)))
			return deny(w, E_UNSUPPORTED, "key.kind", "elliptic curve of a private key");
	}
	if (der_next_is(&c, DER_CONTEXT_CONS(1))) {
		part = der_enter(&c, DER_CONTEXT_CONS(1));
		point = der_bytes(&part);
	}
	TRY(cur_end(&c, w, "key.malformed", "EC private key"));
	if (!k->curve)
		return deny(w, E_UNSUPPORTED, "key.kind", "EC private key without a curve");
	if (point.n == 1 + 2 * curve_width(k->curve) && point.p[0] == 4) {
		k->x = slice_sub(point, 1, curve_width(k->curve));
		k->y = from(point, 1 + curve_width(k->curve));
		return rc_of(OK);
	}
	return public_part(a, k, w);
}

static RC pkcs8(struct arena *a, struct slice der, struct raw_key *k, struct why *w)
{
	struct msg m, m2;
	struct cur top = cur_open(&m, der), c = der_enter(&top, DER_SEQUENCE), alg, inner;
	struct slice key, oid;

	der_magnitude(&c);
	alg = der_enter(&c, DER_SEQUENCE);
	oid = der_take(&alg, DER_OID);
	key = der_take(&c, DER_OCTET_STRING);
	if (m.bad)
		return deny(w, E_MALFORMED, "key.malformed", "private key is cut short");
	if (oid_is(oid, "1.2.840.113549.1.1.1"))
		return pkcs1(key, k, w);
	if (oid_is(oid, "1.2.840.10045.2.1")) {
		if (!set_curve(k, der_take(&alg, DER_OID)))
			return deny(w, E_UNSUPPORTED, "key.kind", "elliptic curve of a private key");
		return sec1(a, key, k, w);
	}
	if (oid_is(oid, "1.3.101.112")) {
		struct pkey *handle;
		struct slice spki;
		rc r;

		inner = cur_open(&m2, key);
		k->form = FORM_ED;
		k->d = der_take(&inner, DER_OCTET_STRING);
		TRY(cur_end(&inner, w, "key.malformed", "Ed25519 private key"));
		TRY(raw_key_open(a, k, &handle, w));
		r = pkey_to_spki(handle, a, &spki, w);
		pkey_free(handle);
		k->x = rc_ok(r) && spki.n > 32 ? from(spki, spki.n - 32) : k->x;
		return r;
	}
	return deny(w, E_UNSUPPORTED, "key.kind", "algorithm of a private key");
}

RC raw_key_from_der(struct arena *a, struct slice type, struct slice der, struct raw_key *out, struct why *w)
{
	struct raw_key k = {0};

	if (slice_is(type, "RSA PRIVATE KEY"))
		TRY(pkcs1(der, &k, w));
	else if (slice_is(type, "EC PRIVATE KEY"))
		TRY(sec1(a, der, &k, w));
	else if (slice_is(type, "PRIVATE KEY"))
		TRY(pkcs8(a, der, &k, w));
	else
		return deny(w, E_UNSUPPORTED, "key.kind", "PEM block \"" SLICE_FMT "\"", SLICE_ARG(type));
	*out = k;
	return rc_of(OK);
}

static RC member(struct arena *a, const struct json *jwk, const char *name, struct slice *out, struct why *w)
{
	struct slice text;

	TRY(json_need_str(jwk, name, &text, "JWK", w));
	return b64_decode(a, B64_URL, text, out, name, w);
}

RC raw_key_from_jwk(struct arena *a, const struct json *jwk, struct raw_key *out, struct why *w)
{
	struct raw_key k = {0};
	struct slice kty, crv = {0};

	TRY(json_need_str(jwk, "kty", &kty, "JWK", w));
	if (slice_is(kty, "RSA")) {
		const struct {
			const char *name;
			struct slice *part;
		} parts[] = {{"n", &k.n}, {"e", &k.e},	 {"d", &k.d},	{"p", &k.p},
			     {"q", &k.q}, {"dp", &k.dp}, {"dq", &k.dq}, {"qi", &k.qi}};

		for (size_t i = 0; i < COUNT_OF(parts); i++)
			TRY(member(a, jwk, parts[i].name, parts[i].part, w));
		k.form = FORM_RSA;
	} else if (slice_is(kty, "EC") || slice_is(kty, "OKP")) {
		TRY(json_need_str(jwk, "crv", &crv, "JWK", w));
		TRY(member(a, jwk, "d", &k.d, w));
		TRY(member(a, jwk, "x", &k.x, w));
		k.form = slice_is(kty, "EC") ? FORM_EC : FORM_ED;
		if (k.form == FORM_EC)
			TRY(member(a, jwk, "y", &k.y, w));
		for (size_t i = 0; i < COUNT_OF(curves); i++)
			if (slice_is(crv, curves[i].name))
				k.curve = curves[i].name;
		if (k.form == FORM_EC ? !k.curve : !slice_is(crv, "Ed25519"))
			return deny(w, E_UNSUPPORTED, "key.kind", "curve \"" SLICE_FMT "\"", SLICE_ARG(crv));
	} else {
		return deny(w, E_UNSUPPORTED, "key.kind", "key type \"" SLICE_FMT "\"", SLICE_ARG(kty));
	}
	*out = k;
	return rc_of(OK);
}

/* ---- PKCS#8 again, for the library that signs ---- */

static void put_tlv(struct buf *b, uint8_t tag, struct slice body)
{
	buf_putc(b, (char)tag);
	if (body.n < 0x80) {
		buf_putc(b, (char)body.n);
	} else if (body.n < 0x100) {
		buf_putc(b, (char)0x81);
		buf_putc(b, (char)body.n);
	} else {
		buf_putc(b, (char)0x82);
		buf_be16(b, (uint16_t)body.n);
	}
	buf_slice(b, body);
}

static void put_uint(struct buf *b, struct slice s)
{
	struct buf t = buf_in(b->arena, 0);

	while (s.n && s.p[0] == 0)
		s = from(s, 1);
	if (s.n == 0 || s.p[0] & 0x80)
		buf_putc(&t, 0);
	buf_slice(&t, s);
	put_tlv(b, DER_INTEGER, buf_view(&t));
}

static struct slice wrapped(struct arena *a, uint8_t tag, const struct buf *inner)
{
	struct buf b = buf_in(a, 0);

	put_tlv(&b, tag, buf_view(inner));
	b.bad = b.bad || !buf_ok(inner);
	return buf_ok(&b) ? buf_view(&b) : (struct slice){0};
}

static struct slice inner_key(struct arena *a, const struct raw_key *k)
{
	const struct slice one = SLICE_LIT("\x01");
	struct buf b = buf_in(a, 0), t = buf_in(a, 0);

	if (k->form == FORM_ED) {
		put_tlv(&b, DER_OCTET_STRING, k->d);
		return buf_ok(&b) ? buf_view(&b) : (struct slice){0};
	}
	if (k->form == FORM_RSA) {
		const struct slice parts[] = {{0}, k->n, k->e, k->d, k->p, k->q, k->dp, k->dq, k->qi};

		for (size_t i = 0; i < COUNT_OF(parts); i++)
			put_uint(&b, parts[i]);
	} else {
		size_t width = curve_width(k->curve);

		put_uint(&b, one);
		for (size_t i = k->d.n; i < width; i++)	/* to the curve's width */
			buf_putc(&t, 0);
		buf_slice(&t, k->d);
		put_tlv(&b, DER_OCTET_STRING, buf_view(&t));
	}
	return wrapped(a, DER_SEQUENCE, &b);
}

static struct slice pkcs8_of(struct arena *a, const struct raw_key *k)
{
	static const uint8_t rsa[] = {0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};
	static const uint8_t ec[] = {0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};
	static const uint8_t ed[] = {0x06, 0x03, 0x2b, 0x65, 0x70};
	struct buf b = buf_in(a, 0), alg = buf_in(a, 0);

	if (k->form == FORM_RSA)
		buf_put(&alg, rsa, sizeof(rsa));
	else if (k->form == FORM_ED)
		buf_put(&alg, ed, sizeof(ed));
	else
		buf_put(&alg, ec, sizeof(ec));
	for (size_t i = 0; i < COUNT_OF(curves); i++)
		if (k->form == FORM_EC && strcmp(k->curve, curves[i].name) == 0)
			buf_put(&alg, curves[i].der, curves[i].der_n);
	put_uint(&b, (struct slice){0});
	put_tlv(&b, DER_SEQUENCE, buf_view(&alg));
	put_tlv(&b, DER_OCTET_STRING, inner_key(a, k));
	return wrapped(a, DER_SEQUENCE, &b);
}

RC raw_key_open(struct arena *a, const struct raw_key *k, struct pkey **out, struct why *w)
{
	struct slice der = pkcs8_of(a, k), b64 = b64_text(a, B64_STD, der);
	struct buf pem = buf_in(a, 0);
	SECRET(s);

	buf_puts(&pem, "-----BEGIN PRIVATE KEY-----\n");
	for (size_t i = 0; i < b64.n; i += 64) {
		buf_slice(&pem, slice_sub(b64, i, 64));
		buf_putc(&pem, '\n');
	}
	buf_puts(&pem, "-----END PRIVATE KEY-----\n");
	if (!der.p || !b64.p || !buf_ok(&pem))
		return deny(w, E_INTERNAL, "key.memory", "no memory for a key");
	TRY(secret_copy(&s, buf_view(&pem), w));
	return pkey_from_private_pem(&s, out, w);
}

/* ---- keys that verify ---- */

void verify_keys_free(struct verify_keys *k)
{
	for (size_t i = 0; i < k->n; i++)
		pkey_free(k->k[i].key);
	k->n = 0;
}

static bool known_alg(struct slice alg)
{
	return jwa_by_name(alg) != 0 || slice_is(alg, "HS256") || slice_is(alg, "HS384") || slice_is(alg, "HS512");
}

static void add_jwk(const struct json *jwk, struct verify_keys *out)
{
	struct verify_key *k = &out->k[out->n];

	*k = (struct verify_key){0};
	if (!rc_ok(json_opt_str(jwk, "alg", &k->alg, "JWK", NULL)) || !rc_ok(json_opt_str(jwk, "kid", &k->kid, "JWK", NULL)) ||
	    (k->alg.n && !known_alg(k->alg)) || !rc_ok(jwk_to_pkey(jwk, &k->key, NULL)))
		return;
	out->n++;
}

static RC from_jwks(struct rego_call *c, struct slice text, struct verify_keys *out)
{
	struct arena *a = c->heap->arena;
	struct why w = why_in(a);
	const struct json *keys;
	struct json *doc;

	if (!rc_ok(json_parse(a, text, NULL, &doc, &w)))
		return rego_fail(c, "failed to parse a JWK key (set): %s", why_text(&w));
	keys = json_get(doc, "keys");
	if (!keys) {
		add_jwk(doc, out);
		return out->n ? rc_of(OK) : rego_fail(c, "failed to parse a JWK key (set): not a key");
	}
	if (!json_is(keys, JSON_ARRAY))
		return rego_fail(c, "failed to parse a JWK key (set): \"keys\" is no array");
	if (keys->n > VERIFY_KEYS_MAX)
		return rego_fail(c, "JWK set of %zu keys, %u at most", keys->n, VERIFY_KEYS_MAX);
	for (size_t i = 0; i < keys->n; i++) {
		rc r = rego_charge(c, 50);

		if (!rc_ok(r)) {
			verify_keys_free(out);
			return r;
		}
		add_jwk(keys->items[i], out);
	}
	return rc_of(OK);
}

RC verify_keys_read(struct rego_call *c, struct slice text, struct verify_keys *out)
{
	struct why w = why_in(c->heap->arena);
	struct slice rest = text, type, der;

	memset(out, 0, sizeof(*out));
	TRY(rego_charge(c, 50 + text.n / 16));
	if (!pem_next(c->heap->arena, &rest, &type, &der))
		return from_jwks(c, text, out);
	if (rest.n)
		return rego_fail(c, "extra data after a PEM certificate block");
	if (!slice_is(type, "CERTIFICATE") && !slice_is(type, "PUBLIC KEY"))
		return rego_fail(c, "failed to extract a Key from the PEM certificate");
	if (!rc_ok(pkey_from_pem(text, &out->k[0].key, &w)))
		return rego_fail(c, "failed to parse a PEM %s: %s", slice_is(type, "CERTIFICATE") ? "certificate" : "public key",
				 why_text(&w));
	out->n = 1;
	return rc_of(OK);
}
