/* jose.c - cases of tokens and keys: signature under the key of the case, times, audience; keys that a certificate vouches for.
 * There is no driver behind them: tokens are checked by crypto/jose in the service itself. */
#include "cli/conformance/adapters.h"
#include "cli/conformance/cert.h"
#include "codec/base64.h"
#include "crypto/jose/jwk.h"
#include "crypto/jose/jws.h"

/* The words of the cases for a refusal of crypto/jose. */
static RC in_words(rc r, const struct why *inner, struct why *w)
{
	static const struct {
		const char *from, *to;
	} words[] = {
		{"jws.alg", "jose.alg-not-allowed"}, {"key.algorithm", "jose.alg-not-allowed"}, {"jws.signature", "jose.signature"},
		{"jwt.expired", "jose.expired"},     {"jwt.not-yet", "jose.expired"},		  {"jwt.audience", "jose.audience-mismatch"},
	};

	if (rc_ok(r))
		return r;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(why_reason(inner), words[i].from))
			return deny(w, r.code, words[i].to, "%s", why_text(inner));
	return deny(w, r.code, "jose.parse", "%s: %s", why_reason(inner), why_text(inner));
}

static RC read_x5c(struct arena *a, const struct json *x5c, struct conf_chain *ch, struct why *w)
{
	if (!json_is(x5c, JSON_ARRAY) || x5c->n == 0)
		return deny(w, E_DENIED, "jose.no-x5c", "the key comes without a certificate");
	for (size_t i = 0; i < x5c->n; i++) {
		const struct json *one = json_at(x5c, i);
		struct slice der;

		if (!json_is(one, JSON_STRING))
			return deny(w, E_MALFORMED, "jose.parse", "x5c must hold base64");
		TRY(b64_decode(a, B64_STD, one->text, &der, "x5c", w));
		TRY(conf_chain_add(ch, der, "jose.parse", w));
	}
	return rc_of(OK);
}

/* The chain leads to one of the trusted certificates. */
static RC trusted(struct arena *a, const struct conf_case *c, const char *role, const struct conf_chain *ch, struct why *w)
{
	struct x509 *roots[CONF_CHAIN_MAX];
	struct x509_path path;
	struct slice pem;
	bool found = false;
	size_t n = 0;
	rc r;

	TRY(conf_file(a, c, role, &pem, w));
	TRY(x509_list_from_pem(pem, roots, CONF_CHAIN_MAX, &n, w));
	r = conf_chain_check(ch, roots, n, "jose.chain", &path, w);
	for (size_t i = 0; rc_ok(r) && i < n; i++)
		found |= x509_same(path.c[path.n - 1], roots[i]);
	if (rc_ok(r) && !found)
		r = deny(w, E_DENIED, "jose.untrusted-root", "the chain ends in no trusted certificate");
	if (rc_ok(r) && c->has_time)
		r = x509_path_valid_at(&path, c->time_s, &(struct x509_rules){.chain = "jose.chain", .expired = "jose.expired"}, w);
	x509_free_all(roots, n);
	return r;
}

/* The key that the case says: configured, in the header, or in the header under a trusted root. NULL: only the form is looked at. */
static RC find_key(struct arena *a, const struct conf_case *c, const struct json *header, struct conf_chain *ch, struct pkey **key,
		   struct why *w)
{
	struct slice text;
	struct json *jwk;

	*key = NULL;
	if (conf_has(c, "jwk")) {
		TRY(conf_file(a, c, "jwk", &text, w));
		TRY(json_parse(a, text, NULL, &jwk, w));
		return jwk_to_pkey(jwk, key, w);
	}
	if (slice_is(conf_text(c, "key_source"), "embedded-jwk"))
		return jwk_to_pkey(json_get(header, "jwk"), key, w);
	if (!conf_has(c, "x5c_root"))
		return rc_of(OK);
	TRY(read_x5c(a, json_get(header, "x5c"), ch, w));
	TRY(trusted(a, c, "x5c_root", ch, w));
	if (!x509_key(ch->c[0]))
		return deny(w, E_UNSUPPORTED, "jose.unsupported", "the certificate's key is of no known kind");
	*key = pkey_ref(x509_key(ch->c[0]));
	return rc_of(OK);
}

static RC check_token(struct arena *a, const struct conf_case *c, const struct jws *j, const struct json *claims, const struct pkey *key,
		      struct why *w)
{
	struct slice audience = conf_text(c, "audience");
	struct jwt_rules rules = {.now_s = c->time_s, .audience = audience.p ? arena_strndup(a, audience.p, audience.n) : NULL};

	if (!key)
		return rc_of(OK);
	TRY(jws_verify(j, key, jwa_default(key), w));
	return c->has_time ? jwt_check(claims, &rules, w) : rc_of(OK);
}

static RC token_facts(struct vjob *job, const struct jws *j, const struct json *payload, const struct conf_chain *ch, bool checked)
{
	struct arena *a = job->arena;
	struct json *o = vjob_result(job, "jose"), *header = json_new_object(a);

	for (size_t i = 0; i < j->header->n; i++) {
		const struct json_member *m = &j->header->members[i];

		json_set_slice(a, header, m->name,
			       slice_is(m->name, "x5c") ? json_new_cstr(a, arena_printf(a, "%zu certificates", m->value->n)) : m->value);
	}
	json_set(a, o, "header", header);
	json_set(a, o, "claims", payload);
	json_set(a, o, "signature_checked", json_new_bool(a, checked));
	json_set(a, o, "x5c_subjects", conf_chain_subjects(a, ch));
	json_set(a, o, "x5c_validity", conf_chain_validity(a, ch));
	return rc_of(OK);
}

static struct slice trimmed(struct slice s)
{
	while (s.n && (s.p[s.n - 1] == '\n' || s.p[s.n - 1] == '\r'))
		s.n--;
	return s;
}

static RC token(struct vjob *job, const struct conf_case *c, struct conf_chain *ch)
{
	struct arena *a = job->arena;
	struct why inner = why_in(a);
	struct pkey *key = NULL;
	struct json *payload;
	struct slice text;
	struct jws j;
	rc r;

	TRY(conf_file(a, c, "jwt", &text, job->why));
	TRY(in_words(jws_parse(trimmed(text), a, &j, &inner), &inner, job->why));
	TRY(in_words(json_parse(a, j.payload, NULL, &payload, &inner), &inner, job->why));
	if (payload->kind != JSON_OBJECT)
		return deny(job->why, E_MALFORMED, "jose.parse", "the payload is no object");
	TRY(find_key(a, c, j.header, ch, &key, job->why));
	r = in_words(check_token(a, c, &j, payload, key, &inner), &inner, job->why);
	if (rc_ok(r))
		r = token_facts(job, &j, payload, ch, key != NULL);
	pkey_free(key);
	return r;
}

/* A key of a token service: believed when its certificate is for it and leads to the trusted ones. */
static RC trusted_key(struct vjob *job, const struct conf_case *c, struct conf_chain *ch)
{
	struct pkey *key = NULL;
	struct json *jwk;
	struct slice text;
	rc r = rc_of(OK);

	TRY(conf_file(job->arena, c, "jwk", &text, job->why));
	TRY(json_parse(job->arena, text, NULL, &jwk, job->why));
	TRY(read_x5c(job->arena, json_get(jwk, "x5c"), ch, job->why));
	TRY(jwk_to_pkey(jwk, &key, job->why));
	if (!x509_key(ch->c[0]) || !pkey_same(key, x509_key(ch->c[0])))
		r = deny(job->why, E_DENIED, "jose.key-mismatch", "the certificate is for another key");
	pkey_free(key);
	TRY(r);
	TRY(trusted(job->arena, c, "trust", ch, job->why));
	(void)vjob_result(job, "jose");
	return rc_of(OK);
}

static RC run(struct vjob *job, const struct conf_case *c)
{
	struct conf_chain ch = {0};
	rc r = conf_has(c, "jwt") ? token(job, c, &ch) : trusted_key(job, c, &ch);

	conf_chain_free(&ch);
	return r;
}

/* The case states some of the claims; each must be there with that value. */
static RC facts(struct arena *a, const struct conf_case *c, const struct vjob *job, struct why *w)
{
	const struct json *o = job->results[0].claims;

	for (size_t i = 0; c->facts && i < c->facts->n; i++) {
		const struct json_member *m = &c->facts->members[i];

		if (slice_is(m->name, "claims"))
			TRY(conf_facts(a, m->value, json_get(o, "claims"), w));
		else
			TRY(conf_same(a, arena_strndup(a, m->name.p, m->name.n), json_get_slice(o, m->name), m->value, w));
	}
	return rc_of(OK);
}

const struct conf_adapter conf_jose = {.platform = "jose", .run = run, .facts = facts};
