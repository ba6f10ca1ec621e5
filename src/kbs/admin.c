#include "kbs/admin.h"

#include <stdlib.h>

#include "base/num.h"
#include "crypto/jose/jwk.h"
#include "crypto/jose/jws.h"
#include "rego/builtin/regex.h"

#define LEEWAY_S 60

struct admin {
	struct admin_config config;
	const struct clock *clock;
	struct regex **acl;	/* of config.acls */
};

void admin_close(struct admin *ad)
{
	if (!ad)
		return;
	for (size_t i = 0; ad->acl && i < ad->config.acls_n; i++)
		regex_free(ad->acl[i]);
	free(ad->acl);
	free(ad);
}

/* The pattern must be one by itself, so that it cannot close the group that anchors it: "x)|(?:y" is none. Then the whole of
 * it is anchored, and an alternation cannot escape the anchors that its text shows. */
static rc compile(const struct admin_acl *acl, struct regex **out, struct why *w)
{
	struct arena *a = arena_new(65536);
	char *whole = arena_printf(a, "\\A(?:%s)\\z", acl->pattern), err[256] = "no memory";
	struct regex *alone = NULL;
	bool ok = whole && regex_new((const uint8_t *)acl->pattern, strlen(acl->pattern), &alone, err, sizeof(err)) == REGEX_OK &&
		  regex_new((const uint8_t *)whole, strlen(whole), out, err, sizeof(err)) == REGEX_OK;

	regex_free(alone);
	arena_free(a);
	return ok ? rc_of(OK) : deny(w, E_MALFORMED, "admin.acl", "allowed_endpoints \"%s\" is no regular expression: %s", acl->pattern, err);
}

rc admin_open(const struct admin_config *config, const struct clock *clock, struct admin **out, struct why *w)
{
	struct admin *ad = calloc(1, sizeof(*ad));
	rc r = rc_of(OK);

	if (!ad)
		return deny(w, E_INTERNAL, "admin.memory", "no memory");
	ad->config = *config;
	ad->clock = clock;
	ad->acl = calloc(config->acls_n + 1, sizeof(struct regex *));
	if (!ad->acl)
		r = deny(w, E_INTERNAL, "admin.memory", "no memory");
	if (config->mode == ADMIN_AUTHENTICATED && (!config->providers_n || !config->acls_n))
		r = deny(w, E_MALFORMED, "admin.provider", "authenticated administration needs an identity provider and an access rule");
	for (size_t i = 0; rc_ok(r) && i < config->acls_n; i++)
		r = compile(&config->acls[i], &ad->acl[i], w);
	if (!rc_ok(r)) {
		admin_close(ad);
		return r;
	}
	*out = ad;
	return r;
}

static rc provider_key(const struct admin_provider *p, const struct jws *j, struct pkey **out, enum sig_alg *alg, struct why *w)
{
	const struct json *kid = json_get(j->header, "kid"), *jwk, *name;

	if (p->jwks && json_is(kid, JSON_STRING) && (jwk = jwk_find(p->jwks, kid->text))) {
		name = json_get(jwk, "alg");
		*alg = json_is(name, JSON_STRING) ? jwa_by_name(name->text) : 0;
		if (!*alg || !jwk_may_verify(jwk))
			return deny(w, E_UNAUTH, "admin.token", "the key of the set names no algorithm that is taken, or another use");
		return jwk_to_pkey(jwk, out, w);
	}
	if (!p->key)
		return deny(w, E_UNAUTH, "admin.token", "no key of this provider fits the token");
	*out = pkey_ref(p->key);
	*alg = j->alg;	/* must suit the key; what it may be is the allow-list of crypto */
	return rc_of(OK);
}

/* One provider: signature, times, issuer, audience, role. */
static rc check_provider(struct admin *ad, const struct admin_provider *p, struct slice bearer, struct arena *a,
			 const struct json **claims, struct why *w)
{
	const struct jwt_rules rules = {.now_s = clock_now_s(ad->clock), .leeway_s = LEEWAY_S, .require_exp = true, .issuer = p->issuer,
					.audience = p->audience};
	struct json *doc;
	struct pkey *key;
	enum sig_alg alg;
	struct jws j;
	rc r;

	TRY(jws_parse(bearer, a, &j, w));
	TRY(provider_key(p, &j, &key, &alg, w));
	r = jws_verify(&j, key, alg, w);
	pkey_free(key);
	TRY(r);
	TRY(json_parse(a, j.payload, NULL, &doc, w));
	TRY(jwt_check(doc, &rules, w));
	if (!json_is(json_get(doc, "role"), JSON_STRING))
		return deny(w, E_UNAUTH, "admin.token", "the token has no role");
	*claims = doc;
	return rc_of(OK);
}

static bool method_ok(const char *methods, const char *method)
{
	size_t n = strlen(method);

	if (!methods)
		return true;
	for (const char *p = methods; *p;) {
		size_t k = strcspn(p, ", ");

		if (k && k == n && memcmp(p, method, n) == 0)
			return true;
		p += k + (p[k] != 0);
	}
	return false;
}

static rc check_acl(struct admin *ad, const char *method, struct slice path, struct slice role, struct why *w)
{
	for (size_t i = 0; i < ad->config.acls_n; i++) {
		ptrdiff_t span[2];

		if (slice_is(role, ad->config.acls[i].role) && method_ok(ad->config.acls[i].methods, method) &&
		    regex_find(ad->acl[i], path.p, path.n, 0, 1, span) > 0)
			return rc_of(OK);
	}
	return deny(w, E_DENIED, "admin.role", "Admin access denied: Role " SLICE_FMT " not allowed for path " SLICE_FMT,
		    SLICE_ARG(slice_sub(role, 0, 64)), SLICE_ARG(slice_sub(path, 0, 256)));
}

rc admin_check(struct admin *ad, const char *method, struct slice path, struct slice bearer, struct arena *a,
	       struct admin_identity *who, struct why *w)
{
	const struct json *claims = NULL, *subject;
	bool verified = false;

	*who = (struct admin_identity){.role = "", .subject = ""};
	switch (ad->config.mode) {
	case ADMIN_DENY_ALL:
		return deny(w, E_DENIED, "admin.deny-all",
			    "Admin access denied: Admin access denied as DenyAll authorization_mode is enabled");
	case ADMIN_INSECURE_ALLOW_ALL:
		who->role = "anonymous (InsecureAllowAll)";
		return rc_of(OK);
	case ADMIN_AUTHENTICATED:
		break;
	}
	if (!bearer.p)
		return deny(w, E_UNAUTH, "admin.no-token", "Admin access denied: Failed to parse HTTP Auth Bearer header: there is none");
	for (size_t i = 0; !verified && i < ad->config.providers_n; i++)
		verified = rc_ok(check_provider(ad, &ad->config.providers[i], bearer, a, &claims, w));
	if (!verified) {
		char *last = arena_strdup(a, why_text(w));

		return deny(w, E_UNAUTH, "admin.token", "Admin access denied: Cannot verify token with any of the issuers: %s",
			    last ? last : "");
	}
	TRY(check_acl(ad, method, path, json_get(claims, "role")->text, w));
	why_clear(w);
	who->role = arena_strndup(a, json_get(claims, "role")->text.p, json_get(claims, "role")->text.n);
	subject = json_get(claims, "sub");
	if (json_is(subject, JSON_STRING))
		who->subject = arena_strndup(a, subject->text.p, subject->text.n);
	return who->role && who->subject ? rc_of(OK) : deny(w, E_INTERNAL, "admin.memory", "no memory");
}
