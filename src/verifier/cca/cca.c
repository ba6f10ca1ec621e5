#include "verifier/cca/cca.h"

#include "codec/base64.h"
#include "crypto/jose/jwk.h"
#include "evidence/octets.h"
#include "verifier/cca/token.h"

#define TOKEN_MAX (64u << 10)

static RC read_token(struct vjob *job, struct cca_token *out)
{
	const struct json_limits limits = {.max_bytes = 512u << 10, .max_depth = 4, .max_nodes = TOKEN_MAX + 16};
	struct why inner = why_in(job->arena);
	struct slice token = job->evidence;
	struct json *v;
	rc r;

	/* a CBOR tag never looks like white space or a bracket */
	if (token.n == 0 || token.p[0] < 0xc0) {
		r = json_parse(job->arena, token, &limits, &v, &inner);
		if (rc_ok(r))
			r = octets_need(job->arena, v, "token", 1, TOKEN_MAX, &token, "CCA evidence", &inner);
		TRY(recast(r, &inner, "cca.parse.evidence", "cca.unsupported.evidence", job->why));
	}
	return cca_token_parse(job->arena, token, out, job->why);
}

/* ---- the platform key ---- */

static RC key_from(struct vjob *job, struct slice bytes, struct pkey **out, struct why *w)
{
	struct json *v;

	if (bytes.n && bytes.p[0] == '{') {
		TRY(json_parse(job->arena, bytes, NULL, &v, w));
		return jwk_to_pkey(v, out, w);
	}
	if (bytes.n && bytes.p[0] == 0x30)
		return pkey_from_spki(bytes, out, w);
	return pkey_from_pem(bytes, out, w);
}

static RC load_cpak(struct vjob *job, const struct cca_token *t, struct pkey **out)
{
	const char *id = hex_text(job->arena, t->platform.instance_id);
	struct slice bytes = id ? vjob_collateral(job, CCA_COLLATERAL_CPAK, id) : (struct slice){0}, spki;
	struct why inner = why_in(job->arena);
	struct pkey *key = NULL;
	uint8_t sha[32];
	rc r;

	if (!bytes.p)
		return deny(job->why, E_UNAVAILABLE, "cca.untrusted-root.unknown-platform", "no platform key is enrolled for %s",
			    id ? id : "this platform");
	TRY(recast(key_from(job, bytes, &key, &inner), &inner, "cca.parse.cpak", "cca.unsupported.cpak", job->why));
	r = pkey_to_spki(key, job->arena, &spki, job->why);
	if (rc_ok(r))
		r = digest(DIGEST_SHA256, spki, sha, job->why);
	if (rc_ok(r) && !vjob_anchor(job, CCA_COLLATERAL_CPAK, sha)) {
		r = deny(job->why, E_DENIED, "cca.untrusted-root", "the platform key is not an enrolled one");
		why_compared(job->why, "cpak.sha256", hex_text(job->arena, slice_of(sha, 32)), "an anchor of cca-cpak");
	}
	if (rc_ok(r))
		*out = key;
	else
		pkey_free(key);
	return r;
}

/* ---- verification ---- */

/* An unsuitable key is a signature that does not verify: the token names the algorithm, not the key. */
static RC check_signature(struct vjob *job, const struct cose_sign1 *m, const struct pkey *key, const char *reason)
{
	struct why inner = why_in(job->arena);
	rc r = cose_sign1_verify(m, (struct slice){0}, (struct slice){0}, key, job->arena, reason, &inner);

	if (rc_ok(r))
		return r;
	return deny(job->why, r.code == E_INTERNAL ? E_INTERNAL : E_DENIED, reason, "%s", why_text(&inner));
}

/* What makes two tokens one: the platform token vouches for the key of the realm token. */
static RC check_binding(struct vjob *job, const struct cca_token *t)
{
	enum digest_alg alg = digest_by_name(t->realm.rak_hash_alg);
	uint8_t md[DIGEST_MAX];
	rc r;

	if (alg != DIGEST_SHA256 && alg != DIGEST_SHA384 && alg != DIGEST_SHA512)
		return deny(job->why, E_UNSUPPORTED, "cca.unsupported.hash", "the realm key is hashed by " SLICE_FMT,
			    SLICE_ARG(t->realm.rak_hash_alg));
	TRY(digest(alg, t->realm.rak, md, job->why));
	if (slice_eq(slice_of(md, digest_size(alg)), t->platform.challenge))
		return rc_of(OK);
	r = deny(job->why, E_DENIED, "cca.binding", "the platform token vouches for another realm key");
	why_compared(job->why, "cca-platform-challenge", hex_text(job->arena, t->platform.challenge),
		     hex_text(job->arena, slice_of(md, digest_size(alg))));
	return r;
}

static RC check_tokens(struct vjob *job, const struct cca_token *t)
{
	struct pkey *cpak = NULL, *rak = NULL;
	rc r;

	TRY(load_cpak(job, t, &cpak));
	r = check_signature(job, &t->platform_cose, cpak, "cca.signature-platform");
	pkey_free(cpak);
	TRY(r);
	TRY(cca_rak(&t->realm, job->arena, &rak, job->why));
	r = check_signature(job, &t->realm_cose, rak, "cca.signature-realm");
	pkey_free(rak);
	TRY(r);
	return check_binding(job, t);
}

/* ---- claims ---- */

static void set_b64(struct arena *a, struct json *o, const char *name, struct slice v)
{
	json_set(a, o, name, json_new_b64(a, v));
}

static void set_text(struct arena *a, struct json *o, const char *name, struct slice v)
{
	if (v.p)
		json_set(a, o, name, json_new_str(a, v));
}

static struct json *platform_json(struct arena *a, const struct cca_platform *p)
{
	struct json *o = json_new_object(a), *list = json_new_array(a);

	set_text(a, o, "cca-platform-profile", p->profile);
	set_b64(a, o, "cca-platform-instance-id", p->instance_id);
	set_b64(a, o, "cca-platform-implementation-id", p->implementation_id);
	set_b64(a, o, "cca-platform-challenge", p->challenge);
	set_b64(a, o, "cca-platform-config", p->config);
	json_set(a, o, "cca-platform-lifecycle", json_new_u64(a, p->lifecycle));
	json_set(a, o, "cca-platform-secured", json_new_bool(a, p->lifecycle >> 8 == 0x30));
	for (unsigned i = 0; i < p->sw_n; i++) {
		struct json *sw = json_new_object(a);

		set_text(a, sw, "measurement-type", p->sw[i].type);
		set_b64(a, sw, "measurement-value", p->sw[i].measurement);
		set_b64(a, sw, "signer-id", p->sw[i].signer);
		set_text(a, sw, "version", p->sw[i].version);
		set_text(a, sw, "hash-algo-id", p->sw[i].hash_alg);
		json_push(a, list, sw);
	}
	json_set(a, o, "cca-platform-sw-components", list);
	set_text(a, o, "cca-platform-service-indicator", p->service);
	set_text(a, o, "cca-platform-hash-algo-id", p->hash_alg);
	return o;
}

static struct json *realm_json(struct arena *a, const struct cca_realm *r)
{
	struct json *o = json_new_object(a), *list = json_new_array(a);

	set_text(a, o, "cca-realm-profile", r->profile);
	set_b64(a, o, "cca-realm-challenge", r->challenge);
	set_b64(a, o, "cca-realm-personalization-value", r->personalization);
	set_b64(a, o, "cca-realm-initial-measurement", r->rim);
	for (unsigned i = 0; i < CCA_REMS; i++)
		json_push(a, list, json_new_b64(a, r->rem[i]));
	json_set(a, o, "cca-realm-extensible-measurements", list);
	set_text(a, o, "cca-realm-hash-algo-id", r->hash_alg);
	set_b64(a, o, "cca-realm-public-key", r->rak);
	set_text(a, o, "cca-realm-public-key-hash-algo-id", r->rak_hash_alg);
	return o;
}

static RC add_claims(struct vjob *job, const struct cca_token *t)
{
	struct arena *a = job->arena;
	struct json *o = vjob_result(job, "cpu");

	json_set(a, o, "platform", platform_json(a, &t->platform));
	json_set(a, o, "realm", realm_json(a, &t->realm));
	json_set(a, o, "report_data", json_new_hex(a, t->realm.challenge));
	json_set(a, o, "init_data", json_new_hex(a, t->realm.personalization));
	return vjob_done(job);
}

static RC cca_plan(struct vjob *job)
{
	struct cca_token t;
	const char *id;

	TRY(read_token(job, &t));
	id = hex_text(job->arena, t.platform.instance_id);
	return id ? vjob_want(job, CCA_COLLATERAL_CPAK, id) : deny(job->why, E_INTERNAL, "cca.memory", "no memory");
}

static RC cca_verify(struct vjob *job)
{
	struct cca_token t;

	TRY(vjob_need_report_data(job, "cca.nonce-mismatch.none"));
	TRY(read_token(job, &t));
	TRY(check_tokens(job, &t));
	TRY(vjob_check_report_data(job, t.realm.challenge, FIT_ZERO_PAD, "cca.nonce-mismatch"));
	TRY(vjob_check_init_data(job, t.realm.personalization, FIT_ZERO_PAD, "cca.init-data-mismatch"));
	return add_claims(job, &t);
}

static const struct vclaim cca_claims[] = {
	{"platform.cca-platform-profile", "string", "profile of the platform token", "claim 265"},
	{"platform.cca-platform-instance-id", "string", "instance of the platform, base64; selects the enrolled key",
	 "claim 256"},
	{"platform.cca-platform-implementation-id", "string", "kind of platform, base64", "claim 2396"},
	{"platform.cca-platform-challenge", "string", "hash of the realm key, base64: binds the two tokens",
	 "claim 10"},
	{"platform.cca-platform-config", "string", "configuration of the platform, base64", "claim 2401"},
	{"platform.cca-platform-lifecycle", "number", "state in the platform's life", "claim 2395"},
	{"platform.cca-platform-secured", "boolean", "the state is a secured one (0x30xx)", "claim 2395"},
	{"platform.cca-platform-sw-components[].measurement-type", "string", "what was measured", "claim 2399, 1"},
	{"platform.cca-platform-sw-components[].measurement-value", "string", "its measurement, base64",
	 "claim 2399, 2"},
	{"platform.cca-platform-sw-components[].signer-id", "string", "hash of its signer's key, base64",
	 "claim 2399, 5"},
	{"platform.cca-platform-sw-components[].version", "string", "its version", "claim 2399, 4"},
	{"platform.cca-platform-sw-components[].hash-algo-id", "string", "algorithm of its measurement",
	 "claim 2399, 6"},
	{"platform.cca-platform-service-indicator", "string", "verification service that the token names; never called",
	 "claim 2400"},
	{"platform.cca-platform-hash-algo-id", "string", "hash algorithm of the platform", "claim 2402"},
	{"realm.cca-realm-profile", "string", "profile of the realm token; absent in the older one", "claim 265"},
	{"realm.cca-realm-challenge", "string", "64 bytes that the guest bound, base64", "claim 10"},
	{"realm.cca-realm-personalization-value", "string", "64 bytes given at the realm's creation, base64",
	 "claim 44235"},
	{"realm.cca-realm-initial-measurement", "string", "measurement of the realm at its creation, base64",
	 "claim 44238"},
	{"realm.cca-realm-extensible-measurements[]", "string", "the four registers that the realm extends, base64",
	 "claim 44239"},
	{"realm.cca-realm-hash-algo-id", "string", "hash algorithm of the realm", "claim 44236"},
	{"realm.cca-realm-public-key", "string", "realm attestation key as the token carries it, base64",
	 "claim 44237"},
	{"realm.cca-realm-public-key-hash-algo-id", "string", "algorithm by which the platform hashed it",
	 "claim 44240"},
	{"report_data", "string", "the realm challenge", "claim 10"},
	{"init_data", "string", "the personalization value", "claim 44235"},
	{NULL},
};

const struct vdriver cca_driver = {.tee = "cca", .plan = cca_plan, .verify = cca_verify, .claims = cca_claims};
