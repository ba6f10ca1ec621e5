#include "crypto/jose/token.h"

#include "crypto/jose/jwk.h"
#include "crypto/jose/x5c.h"

/* The one that the JWK binds; else the header's, which pkey_verify() holds against the kind of the key. */
static rc algorithm(const struct json *jwk, const struct jws *j, enum sig_alg *out, struct why *w)
{
	struct slice alg = {0};

	if (jwk)
		TRY(json_opt_str(jwk, "alg", &alg, "JWK", w));
	*out = alg.p ? jwa_by_name(alg) : j->alg;
	return *out ? rc_of(OK) : deny(w, E_UNSUPPORTED, "jws.alg", "the key is for an algorithm that is not taken");
}

static rc find_jwk(const struct token_rules *rules, const struct jws *j, const struct json **jwk, struct why *w)
{
	struct slice kid = {0};

	switch (rules->source) {
	case TOKEN_JWK:
		*jwk = rules->jwk;
		break;
	case TOKEN_JWKS:
		TRY(json_opt_str(j->header, "kid", &kid, "JWS header", w));
		*jwk = kid.p ? jwk_find(rules->jwk, kid) : NULL;
		break;
	case TOKEN_HEADER:
	case TOKEN_HEADER_X5C:
		*jwk = json_get(j->header, "jwk");
		break;
	case TOKEN_X5C:
		return rc_of(OK);
	}
	if (*jwk && jwk_may_verify(*jwk))
		return rc_of(OK);
	return deny(w, E_UNAUTH, "token.key", *jwk ? "the token's key is not for signatures" : "there is no key for the token");
}

static rc find_key(const struct token_rules *rules, const struct jws *j, const struct json *jwk, struct arena *a,
		   struct pkey **key, struct why *w)
{
	int64_t now = rules->any_time ? X5C_ANY_TIME : rules->claims.now_s;
	struct pkey *k = NULL;
	rc r;

	if (rules->source == TOKEN_X5C)
		return x5c_key(json_get(j->header, "x5c"), rules->trusted_pems, rules->n_trusted, now, a, key, w);
	if (rules->source == TOKEN_HEADER && rules->key) {
		*key = pkey_ref(rules->key);
		return rc_of(OK);
	}
	TRY(jwk_to_pkey(jwk, &k, w));
	r = rc_of(OK);
	if (rules->source == TOKEN_HEADER_X5C)
		r = x5c_verify(json_get(jwk, "x5c") ? json_get(jwk, "x5c") : json_get(j->header, "x5c"), k, rules->trusted_pems,
			       rules->n_trusted, now, a, w);
	if (!rc_ok(r)) {
		pkey_free(k);
		return r;
	}
	*key = k;
	return r;
}

/* Claims without those that time decides, whose types still count. */
static rc check_claims(const struct json *claims, const struct token_rules *rules, struct why *w)
{
	struct jwt_rules r = rules->claims;

	if (rules->any_time) {
		r.require_exp = false;
		r.no_time = true;
	}
	return jwt_check(claims, &r, w);
}

static rc check_signature(const struct jws *j, const struct token_rules *rules, struct arena *a, struct why *w)
{
	const struct json *jwk = NULL;
	struct pkey *key = NULL;
	enum sig_alg alg;
	rc r;

	TRY(find_jwk(rules, j, &jwk, w));
	TRY(algorithm(jwk, j, &alg, w));
	TRY(find_key(rules, j, jwk, a, &key, w));
	r = jws_verify(j, key, alg, w);
	pkey_free(key);
	return r;
}

rc token_verify_parsed(const struct jws *j, const struct token_rules *rules, struct arena *a, struct json **claims, struct why *w)
{
	struct json *doc;

	/* form before signature: what is no token at all is told so */
	TRY(json_parse(a, j->payload, NULL, &doc, w));
	if (doc->kind != JSON_OBJECT)
		return deny(w, E_MALFORMED, "jws.malformed", "the payload must be an object, it is %s", json_kind_name(doc));
	if (!rules->verified)
		TRY(check_signature(j, rules, a, w));
	TRY(check_claims(doc, rules, w));
	*claims = doc;
	return rc_of(OK);
}

rc token_verify(struct slice text, const struct token_rules *rules, struct arena *a, struct json **claims, struct why *w)
{
	struct jws j;

	TRY(jws_parse(text, a, &j, w));
	return token_verify_parsed(&j, rules, a, claims, w);
}
