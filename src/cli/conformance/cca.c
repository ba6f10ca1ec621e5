/* cca.c - Arm CCA cases: a token and the key of its platform. */
#include "cli/conformance/adapters.h"
#include "codec/base64.h"
#include "crypto/jose/jwk.h"
#include "verifier/registry.h"

/* A JWK, or a trust-anchor store of which the first entry counts. */
static RC read_cpak(struct arena *a, const struct conf_case *c, const struct json **out, struct why *w)
{
	struct slice text;
	struct json *v;

	TRY(conf_file(a, c, "cpak", &text, w));
	TRY(json_parse(a, text, NULL, &v, w));
	*out = v->kind == JSON_ARRAY ? json_get(json_at(v, 0), "pkey") : v;
	return rc_of(OK);
}

/* The case's key is enrolled, whatever instance the token names. */
static RC enrol(struct arena *a, const struct json *jwk, struct vjob *job, struct why *w)
{
	struct pkey *key = NULL;
	struct slice spki;
	uint8_t sha[32];
	rc r = jwk_to_pkey(jwk, &key, NULL);

	if (!rc_ok(r))
		return rc_of(OK);	/* a bad key is the driver's to refuse */
	r = pkey_to_spki(key, a, &spki, w);
	pkey_free(key);
	TRY(r);
	TRY(digest(DIGEST_SHA256, spki, sha, w));
	return conf_anchor(a, job, "cca-cpak", sha, w);
}

static RC cca_prepare(struct arena *a, const struct conf_case *c, struct vjob *job, const char **tee, struct why *w)
{
	const struct json *jwk = NULL;
	struct vjob plan;
	struct why inner = why_in(a);
	struct slice challenge;

	(void)tee;
	TRY(conf_file(a, c, "token", &job->evidence, w));
	TRY(read_cpak(a, c, &jwk, w));
	TRY(enrol(a, jwk, job, w));
	TRY(conf_hex(a, c, "expected_challenge", &challenge, w));
	job->without |= VJOB_WITHOUT_REPORT_DATA;	/* recorded evidence, bound to a request of long ago */
	if (challenge.p) {
		job->report_data[0] = challenge;
		job->report_data_n = 1;
	}
	/* the driver names the instance; a token that does not parse names none */
	plan = *job;
	plan.why = &inner;
	if (rc_ok(registry_run("cca", VERIFIER_PLAN, &plan)))
		for (unsigned i = 0; i < plan.wants_n; i++)
			TRY(conf_collateral(a, job, "cca-cpak", plan.wants[i].key, json_text(a, jwk), w));
	return rc_of(OK);
}

/* ---- facts: claims by their numbers, bytes in hex ---- */

static const struct {
	const char *number, *path;
	bool bytes;
} names[] = {
	{"/platform_claims/265", "/platform/cca-platform-profile", false},
	{"/platform_claims/10", "/platform/cca-platform-challenge", true},
	{"/platform_claims/2396", "/platform/cca-platform-implementation-id", true},
	{"/platform_claims/256", "/platform/cca-platform-instance-id", true},
	{"/platform_claims/2401", "/platform/cca-platform-config", true},
	{"/platform_claims/2395", "/platform/cca-platform-lifecycle", false},
	{"/platform_claims/2400", "/platform/cca-platform-service-indicator", false},
	{"/platform_claims/2402", "/platform/cca-platform-hash-algo-id", false},
	{"/realm_claims/265", "/realm/cca-realm-profile", false},
	{"/realm_claims/10", "/realm/cca-realm-challenge", true},
	{"/realm_claims/44235", "/realm/cca-realm-personalization-value", true},
	{"/realm_claims/44236", "/realm/cca-realm-hash-algo-id", false},
	{"/realm_claims/44237", "/realm/cca-realm-public-key", true},
	{"/realm_claims/44238", "/realm/cca-realm-initial-measurement", true},
	{"/realm_claims/44240", "/realm/cca-realm-public-key-hash-algo-id", false},
};

static const struct {
	const char *number, *name;
	bool bytes;
} sw_names[] = {
	{"1", "measurement-type", false}, {"2", "measurement-value", true}, {"4", "version", false},
	{"5", "signer-id", true}, {"6", "hash-algo-id", false},
};

/* A claim as the case writes it: base64 becomes hex. */
static RC as_stated(struct arena *a, const struct json *claim, bool bytes, const struct json **out, struct why *w)
{
	struct slice raw;

	*out = claim;
	if (!bytes || !json_is(claim, JSON_STRING))
		return rc_of(OK);
	TRY(b64_decode(a, B64_STD, claim->text, &raw, "claim", w));
	*out = json_new_hex(a, raw);
	return rc_of(OK);
}

static RC compare_one(struct arena *a, const char *name, const struct json *claim, bool bytes, const struct json *stated,
		      struct why *w)
{
	const struct json *v;

	if (!stated)
		return rc_of(OK);
	TRY(as_stated(a, claim, bytes, &v, w));
	return conf_same(a, name, v, stated, w);
}

static RC compare_lists(struct arena *a, const struct json *facts, const struct json *claims, struct why *w)
{
	const struct json *sw = json_pointer(facts, "/platform_claims/2399"), *rem = json_pointer(facts, "/realm_claims/44239");
	const struct json *my_sw = json_pointer(claims, "/platform/cca-platform-sw-components");
	const struct json *my_rem = json_pointer(claims, "/realm/cca-realm-extensible-measurements");

	for (size_t i = 0; sw && i < sw->n; i++)
		for (size_t k = 0; k < sizeof(sw_names) / sizeof(sw_names[0]); k++)
			TRY(compare_one(a, sw_names[k].name, json_get(json_at(my_sw, i), sw_names[k].name), sw_names[k].bytes,
					json_get(json_at(sw, i), sw_names[k].number), w));
	if (sw && (!my_sw || sw->n != my_sw->n))
		return deny(w, E_DENIED, "conformance.fact", "another number of software components");
	for (size_t i = 0; rem && i < rem->n; i++)
		TRY(compare_one(a, "extensible-measurement", json_at(my_rem, i), true, json_at(rem, i), w));
	return rc_of(OK);
}

static RC cca_facts(struct arena *a, const struct conf_case *c, const struct vjob *job, struct why *w)
{
	const struct json *claims = job->results[0].claims;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		TRY(compare_one(a, names[i].path, json_pointer(claims, names[i].path), names[i].bytes,
				json_pointer(c->facts, names[i].number), w));
	return compare_lists(a, c->facts, claims, w);
}

const struct conf_adapter conf_cca = {.platform = "cca", .tee = "cca", .prepare = cca_prepare, .facts = cca_facts};
