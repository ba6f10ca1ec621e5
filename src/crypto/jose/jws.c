#include "crypto/jose/jws.h"

#include <math.h>

#include "codec/base64.h"
#include "crypto/jose/jwk.h"

rc jws_parse(struct slice text, struct arena *a, struct jws *out, struct why *w)
{
	const uint8_t *first, *second;
	struct slice part[3], header, alg;
	struct jws j = {0};
	struct json *doc;

	if (text.n > JWS_MAX)
		return deny(w, E_LIMIT, "jws.size", "a JWS of %zu bytes, at most %zu are taken", text.n, JWS_MAX);
	first = text.n ? memchr(text.p, '.', text.n) : NULL;
	second = first ? memchr(first + 1, '.', (size_t)(text.p + text.n - first - 1)) : NULL;
	if (!second || memchr(second + 1, '.', (size_t)(text.p + text.n - second - 1)))
		return deny(w, E_MALFORMED, "jws.malformed", "a compact JWS has three parts with dots between");
	part[0] = slice_of(text.p, (size_t)(first - text.p));
	part[1] = slice_of(first + 1, (size_t)(second - first - 1));
	part[2] = slice_of(second + 1, (size_t)(text.p + text.n - second - 1));
	TRY(b64_decode(a, B64_URL, part[0], &header, "JWS header", w));
	TRY(b64_decode(a, B64_URL, part[1], &j.payload, "JWS payload", w));
	TRY(b64_decode(a, B64_URL, part[2], &j.signature, "JWS signature", w));
	TRY(json_parse(a, header, &(struct json_limits){.max_depth = 16, .max_nodes = 4096}, &doc, w));
	TRY(json_need_str(doc, "alg", &alg, "JWS header", w));
	if (json_get(doc, "crit") || json_get(doc, "b64"))
		return deny(w, E_UNSUPPORTED, "jws.crit", "the JWS header has critical extensions");
	j.alg = jwa_by_name(alg);
	if (!j.alg)
		return deny(w, E_UNSUPPORTED, "jws.alg", "the algorithm \"" SLICE_FMT "\" is not taken", SLICE_ARG(slice_sub(alg, 0, 32)));
	j.header = doc;
	j.signing_input = slice_of(text.p, (size_t)(second - text.p));
	*out = j;
	return rc_of(OK);
}

rc jws_verify(const struct jws *j, const struct pkey *key, enum sig_alg alg, struct why *w)
{
	if (j->alg != alg)
		return deny(w, E_UNSUPPORTED, "jws.alg", "the header says %s, the key is for %s", jwa_name(j->alg), jwa_name(alg));
	return pkey_verify(key, alg, j->signing_input, j->signature, "jws.signature", w);
}

rc jws_verify_json(struct slice text, const struct pkey *key, enum sig_alg alg, struct arena *a, struct json **payload,
		   struct why *w)
{
	struct json *doc;
	struct jws j;

	TRY(jws_parse(text, a, &j, w));
	TRY(jws_verify(&j, key, alg, w));
	TRY(json_parse(a, j.payload, NULL, &doc, w));
	if (doc->kind != JSON_OBJECT)
		return deny(w, E_MALFORMED, "jws.malformed", "the payload must be an object, it is %s", json_kind_name(doc));
	*payload = doc;
	return rc_of(OK);
}

rc jws_sign(const struct pkey *key, enum sig_alg alg, const struct json *header, struct slice payload, struct arena *a,
	    struct slice *out, struct why *w)
{
	struct json *h = json_new_object(a);
	struct buf b = buf_in(a, JWS_MAX * 2);
	struct slice sig;

	if (!header || !json_get(header, "alg"))
		json_set(a, h, "alg", json_new_cstr(a, jwa_name(alg)));
	for (size_t i = 0; header && i < header->n; i++)
		json_set_slice(a, h, header->members[i].name, header->members[i].value);
	b64_write(&b, B64_URL, json_text(a, h));
	buf_putc(&b, '.');
	b64_write(&b, B64_URL, payload);
	if (!buf_ok(&b) || arena_bad(a))
		return deny(w, E_LIMIT, "jws.size", "no room for the token");
	TRY(pkey_sign(key, alg, buf_view(&b), a, &sig, w));
	buf_putc(&b, '.');
	b64_write(&b, B64_URL, sig);
	if (!buf_cstr(&b))
		return deny(w, E_LIMIT, "jws.size", "no room for the token");
	*out = buf_view(&b);
	return rc_of(OK);
}

/* A NumericDate; false when the claim is absent. Fractions are cut. */
static rc numeric_date(const struct json *claims, const char *name, bool *have, int64_t *out, struct why *w)
{
	const struct json *v = json_get(claims, name);
	double d;

	*have = v != NULL;
	if (!v)
		return rc_of(OK);
	if (v->kind != JSON_NUMBER)
		return deny(w, E_MALFORMED, "jwt.claims", "the claim \"%s\" must be a number, it is %s", name, json_kind_name(v));
	d = json_double(v);
	if (!(d > -1e15 && d < 1e15))
		return deny(w, E_MALFORMED, "jwt.claims", "the claim \"%s\" is out of range", name);
	*out = (int64_t)floor(d);
	return rc_of(OK);
}

static rc check_audience(const struct json *claims, const char *audience, struct why *w)
{
	const struct json *aud = json_get(claims, "aud");

	if (!audience)
		return rc_of(OK);
	if (json_is(aud, JSON_STRING) && slice_is(aud->text, audience))
		return rc_of(OK);
	for (size_t i = 0; json_is(aud, JSON_ARRAY) && i < aud->n; i++)
		if (json_is(aud->items[i], JSON_STRING) && slice_is(aud->items[i]->text, audience))
			return rc_of(OK);
	return deny(w, E_DENIED, "jwt.audience", "the token is not for the audience \"%s\"", audience);
}

rc jwt_check(const struct json *claims, const struct jwt_rules *rules, struct why *w)
{
	static const char *const strings[] = {"iss", "sub", "jti"};
	const struct json *aud = json_get(claims, "aud"), *iss = json_get(claims, "iss");
	int64_t exp = 0, nbf = 0, iat = 0;
	bool have_exp, have_nbf, have_iat;

	for (size_t i = 0; i < 3; i++)
		if (json_get(claims, strings[i]) && !json_is(json_get(claims, strings[i]), JSON_STRING))
			return deny(w, E_MALFORMED, "jwt.claims", "the claim \"%s\" must be a string, it is %s", strings[i],
				    json_kind_name(json_get(claims, strings[i])));
	if (aud && aud->kind != JSON_STRING && aud->kind != JSON_ARRAY)
		return deny(w, E_MALFORMED, "jwt.claims", "the claim \"aud\" must be a string or an array, it is %s", json_kind_name(aud));
	TRY(numeric_date(claims, "exp", &have_exp, &exp, w));
	TRY(numeric_date(claims, "nbf", &have_nbf, &nbf, w));
	TRY(numeric_date(claims, "iat", &have_iat, &iat, w));
	if (!have_exp && rules->require_exp)
		return deny(w, E_DENIED, "jwt.expired", "the token has no exp");
	if (have_exp && !rules->no_time && exp < rules->now_s - rules->leeway_s)
		return deny(w, E_DENIED, "jwt.expired", "the token expired %lld s ago", (long long)(rules->now_s - exp));
	if (have_nbf && !rules->no_time && nbf > rules->now_s + rules->leeway_s)
		return deny(w, E_DENIED, "jwt.not-yet", "the token is good in %lld s", (long long)(nbf - rules->now_s));
	if (rules->issuer && !(json_is(iss, JSON_STRING) && slice_is(iss->text, rules->issuer)))
		return deny(w, E_DENIED, "jwt.issuer", "the token is not of the issuer \"%s\"", rules->issuer);
	return check_audience(claims, rules->audience, w);
}
