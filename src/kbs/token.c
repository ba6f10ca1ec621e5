#include "kbs/token.h"

#include "base/num.h"
#include "crypto/jose/jwk.h"
#include "crypto/jose/jws.h"
#include "crypto/jose/x5c.h"

#define LEEWAY_S 60

/* Where the key of the guest may stand, in the order of kbs.md 4.3. */
static const char *const tee_key_paths[] = {"/tdx/attester_runtime_data/tee-pubkey", "/tdx/attester_user_data/tee-pubkey",
					    "/customized_claims/runtime_data/tee-pubkey",
					    "/submods/cpu0/ear.veraison.annotated-evidence/runtime_data_claims/tee-pubkey", "/tee-pubkey"};

static rc untrusted(struct why *w, const char *text)
{
	return deny(w, E_UNAUTH, "token.untrusted", "%s", text);
}

/* The key that the header names, once it is trusted; *alg is the key's own algorithm. */
static rc key_of(const struct token_config *c, const struct jws *j, int64_t now_s, struct arena *a, struct pkey **out,
		 enum sig_alg *alg, struct why *w)
{
	const struct json *jwk = json_get(j->header, "jwk"), *kid = json_get(j->header, "kid"), *found = NULL, *name;
	struct pkey *key;
	rc r;

	if (jwk) {
		TRY(jwk_to_pkey(jwk, &key, w));
		name = json_get(jwk, "alg");
		*alg = json_is(name, JSON_STRING) ? jwa_by_name(name->text) : jwa_default(key);
		if (c->own_key && pkey_same(key, c->own_key))
			r = rc_of(OK);
		else if (c->insecure_header_jwk)
			r = rc_of(OK);
		else if (c->trusted_pems_n)
			r = x5c_verify(json_get(jwk, "x5c") ? json_get(jwk, "x5c") : json_get(j->header, "x5c"), key, c->trusted_pems,
				       c->trusted_pems_n, now_s, a, w);
		else
			r = untrusted(w, "the token's key is neither this service's nor certified by a trusted CA");
		if (!rc_ok(r)) {
			pkey_free(key);
			return r;
		}
		*out = key;
		return rc_of(OK);
	}
	for (size_t i = 0; json_is(kid, JSON_STRING) && !found && i < c->jwk_sets_n; i++)
		found = jwk_find(c->jwk_sets[i], kid->text);
	if (!found)
		return untrusted(w, "the token's header names no key that is trusted");
	name = json_get(found, "alg");
	if (!json_is(name, JSON_STRING) || !jwa_by_name(name->text))
		return untrusted(w, "the trusted key names no algorithm that is taken");
	*alg = jwa_by_name(name->text);
	return jwk_to_pkey(found, out, w);
}

static const struct json *tee_key(const struct token_config *c, const struct json *claims)
{
	const struct json *v = NULL;

	for (size_t i = 0; !v && i < c->extra_teekey_paths_n; i++)
		v = json_pointer(claims, c->extra_teekey_paths[i]);
	for (size_t i = 0; !v && i < COUNT_OF(tee_key_paths); i++)
		v = json_pointer(claims, tee_key_paths[i]);
	return v;
}

static rc verify(const struct token_config *c, struct slice jwt, int64_t now_s, struct arena *a, struct token *out, struct why *w)
{
	const struct jwt_rules rules = {.now_s = now_s, .leeway_s = LEEWAY_S, .require_exp = true, .issuer = c->issuer, .audience = c->audience};
	const struct json *id;
	enum sig_alg alg;
	struct token t = {.id = ""};
	struct pkey *key;
	struct json *claims;
	struct jws j;
	rc r;

	TRY(jws_parse(jwt, a, &j, w));
	TRY(key_of(c, &j, now_s, a, &key, &alg, w));
	r = jws_verify(&j, key, alg, w);
	pkey_free(key);
	TRY(r);
	TRY(json_parse(a, j.payload, NULL, &claims, w));
	if (claims->kind != JSON_OBJECT)
		return deny(w, E_MALFORMED, "token.claims", "the token's claims are no object");
	TRY(jwt_check(claims, &rules, w));
	t.claims = claims;
	t.tee_pubkey = tee_key(c, claims);
	if (!json_is(t.tee_pubkey, JSON_OBJECT))
		return deny(w, E_UNAUTH, "token.no-key", "the token names no key of the guest");
	id = json_get(claims, "jti");
	if (id)
		t.id = (const char *)id->text.p;
	t.expires_s = (int64_t)json_double(json_get(claims, "exp"));
	*out = t;
	return rc_of(OK);
}

rc token_verify(const struct token_config *config, struct slice jwt, int64_t now_s, struct arena *a, struct token *out,
		struct why *w)
{
	rc r = verify(config, jwt, now_s, a, out, w);

	/* Whatever is wrong with a token, the remedy is one: attest again. */
	return rc_ok(r) || r.code == E_INTERNAL || r.code == E_LIMIT ? r : note(w, rc_of(E_UNAUTH), "verifying the attestation token");
}
