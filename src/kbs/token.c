#include "kbs/token.h"

#include "base/num.h"
#include "crypto/digest.h"
#include "crypto/jose/jwk.h"
#include "crypto/jose/token.h"

#define LEEWAY_S 60

/* Where the key of the guest may stand, in the order of kbs.md 4.3. */
static const char *const tee_key_paths[] = {"/tdx/attester_runtime_data/tee-pubkey", "/tdx/attester_user_data/tee-pubkey",
					    "/customized_claims/runtime_data/tee-pubkey",
					    "/submods/cpu0/ear.veraison.annotated-evidence/runtime_data_claims/tee-pubkey", "/tee-pubkey"};

static rc untrusted(struct why *w, const char *text)
{
	return deny(w, E_UNAUTH, "token.untrusted", "%s", text);
}

/* What makes the key in the header trusted, if anything does. */
static rc header_source(const struct token_config *c, const struct json *jwk, struct token_rules *rules, struct why *w)
{
	struct pkey *key;
	bool own;

	TRY(jwk_to_pkey(jwk, &key, w));
	own = c->own_key && pkey_same(key, c->own_key);
	pkey_free(key);
	rules->key = own ? c->own_key : NULL;
	if (own || c->insecure_header_jwk)
		rules->source = TOKEN_HEADER;
	else if (c->trusted_pems_n)
		rules->source = TOKEN_HEADER_X5C;
	else
		return untrusted(w, "the token's key is neither this service's nor certified by a trusted CA");
	return rc_of(OK);
}

/* The key that a configured set has under the header's kid. It must say what it is for: the token does not choose. */
static rc kid_source(const struct token_config *c, const struct jws *j, struct token_rules *rules, struct why *w)
{
	const struct json *found = NULL;
	struct slice kid = {0};

	TRY(json_opt_str(j->header, "kid", &kid, "JWS header", w));
	for (size_t i = 0; kid.p && !found && i < c->jwk_sets_n; i++)
		found = jwk_find(c->jwk_sets[i], kid);
	if (!found)
		return untrusted(w, "the token's header names no key that is trusted");
	if (!json_is(json_get(found, "alg"), JSON_STRING))
		return untrusted(w, "the trusted key names no algorithm");
	rules->source = TOKEN_JWK;
	rules->jwk = found;
	return rc_of(OK);
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
	struct token_rules rules = {.trusted_pems = c->trusted_pems, .n_trusted = c->trusted_pems_n,
				    .claims = {.now_s = now_s, .leeway_s = LEEWAY_S, .require_exp = true, .issuer = c->issuer,
					       .audience = c->audience}};
	const struct json *id, *jwk;
	struct token t = {.id = ""};
	struct json *claims;
	uint8_t sha256[32];
	struct jws j;

	TRY(jws_parse(jwt, a, &j, w));
	if (c->seen) {
		TRY(digest(DIGEST_SHA256, jwt, sha256, w));
		rules.verified = seen_has(c->seen, sha256);
	}
	jwk = json_get(j.header, "jwk");
	if (!rules.verified)
		TRY(jwk ? header_source(c, jwk, &rules, w) : kid_source(c, &j, &rules, w));
	TRY(token_verify_parsed(&j, &rules, a, &claims, w));
	if (c->seen && !rules.verified && rules.source != TOKEN_HEADER_X5C)
		seen_add(c->seen, sha256);
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

rc kbs_token_verify(const struct token_config *config, struct slice jwt, int64_t now_s, struct arena *a, struct token *out,
		    struct why *w)
{
	rc r = verify(config, jwt, now_s, a, out, w);

	/* Whatever is wrong with a token, the remedy is one: attest again. */
	return rc_ok(r) || r.code == E_INTERNAL || r.code == E_LIMIT ? r : note(w, rc_of(E_UNAUTH), "verifying the attestation token");
}
