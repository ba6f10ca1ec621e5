/* kbs.c - the broker as a whole: what it is made of, the handshake, and the release of a secret. */
#include "kbs/kbs.h"

#include <stdlib.h>

#include "base/num.h"
#include "codec/base64.h"
#include "crypto/jose/jwe.h"
#include "crypto/jose/jwk.h"
#include "kbs/attempts.h"
#include "kbs/challenge.h"
#include "kbs/kbs_priv.h"
#include "kbs/records.h"
#include "kbs/session.h"

rc kbs_open(const struct kbs_env *env, const struct kbs_config *config, struct kbs **out, struct why *w)
{
	struct kbs *k = calloc(1, sizeof(*k));
	rc r;

	if (!k)
		return deny(w, E_INTERNAL, "kbs.memory", "no memory");
	k->env = *env;
	k->config = *config;
	if (!k->config.challenge_min)
		k->config.challenge_min = 5;
	pthread_mutex_init(&k->health_lock, NULL);
	r = challenge_sealer_open(env->challenge_key, &k->sealer, w);
	if (rc_ok(r))
		r = records_open(env->store, env->audit, env->clock, &k->records, w);
	if (rc_ok(r))
		r = policy_open(env->store, env->clock, &k->policy, w);
	if (rc_ok(r))
		r = admin_open(&config->admin, env->clock, &k->admin, w);
	k->attempts = attempts_new();
	k->config.token.seen = seen_new();
	if (rc_ok(r) && (!k->attempts || !k->config.token.seen))
		r = deny(w, E_INTERNAL, "kbs.memory", "no memory");
	if (!rc_ok(r)) {
		kbs_close(k);
		return note(w, r, "opening the key broker");
	}
	*out = k;
	return r;
}

void kbs_close(struct kbs *k)
{
	if (!k)
		return;
	admin_close(k->admin);
	policy_close(k->policy);
	records_close(k->records);
	attempts_free(k->attempts);
	seen_free(k->config.token.seen);
	challenge_sealer_close(k->sealer);
	pthread_mutex_destroy(&k->health_lock);
	free(k);
}

struct audit *kbs_audit(struct kbs *k)
{
	return k->env.audit;
}

struct as *kbs_as(struct kbs *k)
{
	return k->env.as;
}

rc kbs_health(struct kbs *k, struct why *w)
{
	int64_t now = sys_monotonic_ns();
	rc r;

	pthread_mutex_lock(&k->health_lock);
	if (!k->health_ns || now - k->health_ns >= HEALTH_NS) {
		k->health = store_health(k->env.store, w).code;
		k->health_ns = now;
	}
	r = rc_of(k->health);
	pthread_mutex_unlock(&k->health_lock);
	return rc_ok(r) || !why_empty(w) ? r : deny(w, r.code, "kbs.health", "the store could not be written a moment ago");
}

bool kbs_has_plugin(const struct kbs *k, struct slice plugin)
{
	return k->config.resource_plugin && slice_is(plugin, "resource");
}

/* ---- handshake ---- */

rc kbs_auth(struct kbs *k, struct slice body, struct arena *a, struct kbs_challenge *out, struct kbs_outcome *o, struct why *w)
{
	int64_t now = clock_now_s(k->env.clock);
	struct kbs_challenge reply;
	struct rcar_request q;
	struct challenge c;
	struct slice nonce;

	*o = (struct kbs_outcome){.type = "AttestationError"};
	if (!k->env.as)
		return deny(w, E_NOTFOUND, "kbs.no-as", "this broker has no attestation service");
	TRY(rcar_parse_request(a, body, &q, w));
	reply.expires_s = now + (int64_t)k->config.challenge_min * 60;
	TRY(challenge_new(q.version, q.tee, 0, reply.expires_s, &c, w));
	TRY(as_challenge(k->env.as, q.tee, reply.expires_s, a, &c.text, w));
	if (c.text.p)
		TRY(rcar_select_hash(&q, DIGEST_SHA512, &c.hash, w));
	nonce = challenge_text(&c, a);
	reply.body = rcar_challenge(a, nonce, c.hash);
	if (!nonce.p || !reply.body.p)
		return deny(w, E_INTERNAL, "kbs.memory", "no memory");
	TRY(challenge_seal(k->sealer, &c, now, a, &reply.cookie, w));
	*out = reply;
	return rc_of(OK);
}

/* The facts of an attestation that its records keep: digests and names, never evidence. */
static struct json *attest_facts(struct arena *a, const struct challenge *c, const struct kbs_caller *caller,
				 const struct rcar_attestation *at)
{
	struct json *f = json_new_object(a), *pieces = json_new_array(a);

	json_set(a, f, "tee", json_new_cstr(a, c->tee));
	json_set(a, f, "protocol", json_new_cstr(a, rcar_version_name(c->version)));
	json_set(a, f, "challenge", json_new_hex(a, slice_of(c->id, sizeof(c->id))));
	if (caller->peer)
		json_set(a, f, "peer", json_new_cstr(a, caller->peer));
	for (unsigned i = 0; at && i < at->items_n; i++) {
		struct json *piece = json_new_object(a);
		uint8_t d[32];

		json_set(a, piece, "tee", json_new_cstr(a, at->items[i].tee));
		if (rc_ok(digest(DIGEST_SHA256, at->items[i].evidence, d, NULL)))
			json_set(a, piece, "sha256", json_new_hex(a, slice_of(d, sizeof(d))));
		json_push(a, pieces, piece);
	}
	if (at)
		json_set(a, f, "evidence", pieces);
	return f;
}

static rc evaluate(struct kbs *k, const char *id, const struct challenge *c, const struct rcar_attestation *at, struct arena *a, struct as_result *out,
		   struct why *w)
{
	struct as_evidence ev[RCAR_ITEMS_MAX] = {0};

	for (unsigned i = 0; i < at->items_n; i++) {
		const struct rcar_item *item = &at->items[i];

		ev[i].tee = item->tee;
		ev[i].evidence = item->evidence;
		ev[i].report_data_n = item->digest_n;
		memcpy(ev[i].report_data, item->digest, sizeof(item->digest));
		ev[i].runtime_claims = item->runtime_data;
		ev[i].challenge = c->text;
		if (i == 0)
			ev[i].init_toml = at->init_data;
	}
	return as_evaluate(k->env.as, id, ev, at->items_n, NULL, a, out, w);
}

/* A challenge that has succeeded already: the evidence verified again, so the same guest gets its token again. */
static rc succeeded_before(struct kbs *k, const struct challenge *c, struct slice thumbprint, struct arena *a,
			   struct kbs_attested *out, struct why *w)
{
	struct session s;

	TRY(session_get(k->env.store, c, a, &s, w));
	if (!slice_eq(s.key, thumbprint))
		return deny(w, E_DENIED, "kbs.challenge-used", "the challenge was used already, with another key");
	out->token = s.token;
	out->expires_s = s.expires_s;
	return rc_of(OK);
}

static rc attest(struct kbs *k, const struct kbs_caller *caller, const struct challenge *c, struct slice body, const char *id,
		 struct arena *a, struct json **facts, struct kbs_attested *out, struct why *w)
{
	struct slice nonce = challenge_text(c, a), thumbprint;
	struct rcar_attestation at;
	struct as_result result;
	struct session session;
	struct store_op op;
	rc r;

	TRY(rcar_parse_attestation(a, body, c->version, c->tee, nonce, c->hash, k->config.allow_rsa1_5, &at, w));
	*facts = attest_facts(a, c, caller, &at);
	TRY(jwk_thumbprint(at.tee_pubkey, a, &thumbprint, w));
	TRY(evaluate(k, id, c, &at, a, &result, w));
	json_set(a, *facts, "key", json_new_str(a, thumbprint));
	json_set(a, *facts, "status", json_new_cstr(a, ear_tier_name(result.status)));
	if (result.appraisal)
		json_set(a, *facts, "appraisal", result.appraisal);
	if (result.init_data_not_bound)
		json_set(a, *facts, "init_data_not_bound", result.init_data_not_bound);
	session = (struct session){.token = result.token, .version = c->version, .key = thumbprint, .expires_s = c->expires_s};
	op = session_op(a, c, &session);
	r = records_allowed(k->records, id, "attest", *facts, &op, 1, a, w);
	out->token = result.token;
	out->expires_s = c->expires_s;
	if (strcmp(why_reason(w), "store.exists") == 0)
		return succeeded_before(k, c, thumbprint, a, out, w);
	return r;
}

rc kbs_attest(struct kbs *k, const struct kbs_caller *caller, struct slice body, struct arena *a, struct kbs_attested *out,
	      struct kbs_outcome *o, struct why *w)
{
	struct kbs_attested reply = {0};
	struct json *facts = NULL;
	struct why store_why = why_in(a);
	struct challenge c;
	rc r;

	*o = (struct kbs_outcome){.type = "AttestationError"};
	if (!k->env.as)
		return deny(w, E_NOTFOUND, "kbs.no-as", "this broker has no attestation service");
	if (!caller->cookie.p)
		return deny(w, E_UNAUTH, "kbs.cookie-missing", "no cookie kbs-session-id: ask for a challenge first");
	TRY(challenge_open(k->sealer, caller->cookie, clock_now_s(k->env.clock), a, &c, w));
	if (!attempts_take(k->attempts, c.id))
		return deny(w, E_LIMIT, "kbs.attempts", "%u attestations failed or run on this challenge: ask for a new one", ATTEMPTS_MAX);
	r = records_new_id(k->records, o->decision, w);
	if (!rc_ok(r)) {
		attempts_return(k->attempts, c.id);
		return r;
	}
	r = attest(k, caller, &c, body, o->decision, a, &facts, &reply, w);
	if (rc_ok(r) || r.code == E_UNAVAILABLE || r.code == E_INTERNAL)
		attempts_return(k->attempts, c.id);
	if (!rc_ok(r)) {
		if (!facts)
			facts = attest_facts(a, &c, caller, NULL);
		/* The verdict stands even where its record cannot be kept. */
		if (!rc_ok(records_denied(k->records, o->decision, "attest", w, facts, false, a, &store_why)))
			o->decision[0] = 0;
		return r;
	}
	reply.cookie = caller->cookie;
	reply.tee = c.tee;
	*out = reply;
	return r;
}

/* ---- release ---- */

/* The token of an attested session, else the Bearer one. */
static rc find_token(struct kbs *k, const struct kbs_caller *caller, struct arena *a, struct slice *jwt,
		     enum rcar_version *version, struct why *w)
{
	struct challenge c;
	struct session s;
	rc r;

	*version = 0;
	if (caller->cookie.p) {
		r = challenge_open(k->sealer, caller->cookie, clock_now_s(k->env.clock), a, &c, w);
		if (rc_ok(r))
			r = session_get(k->env.store, &c, a, &s, w);
		if (rc_ok(r)) {
			*jwt = s.token;
			*version = s.version;
			return r;
		}
		if (r.code != E_NOTFOUND && r.code != E_UNAUTH)
			return r;
	}
	if (caller->bearer.p) {
		*jwt = caller->bearer;
		return rc_of(OK);
	}
	return deny(w, E_UNAUTH, "kbs.no-token", "neither an attested session nor a Bearer token");
}

static struct json *policy_data(struct arena *a, struct slice plugin, const struct slice *path, size_t path_n,
				const struct json *query)
{
	struct json *d = json_new_object(a), *segments = json_new_array(a);

	for (size_t i = 0; i < path_n; i++)
		json_push(a, segments, json_new_str(a, path[i]));
	json_set(a, d, "plugin", json_new_str(a, plugin));
	json_set(a, d, "resource-path", segments);
	json_set(a, d, "query", query ? query : json_new_object(a));
	json_set(a, d, "method", json_new_cstr(a, "GET"));
	return d;
}

static char *resource_name(struct arena *a, const struct slice *path, size_t path_n, struct why *w)
{
	if (path_n != 3) {
		(void)deny(w, E_MALFORMED, "kms.name", "a resource is named repository/type/tag, this path has %zu parts", path_n).code;
		return NULL;
	}
	if (!rc_ok(kms_check_name(path[0], path[1], path[2], w)))
		return NULL;
	return arena_printf(a, SLICE_FMT "/" SLICE_FMT "/" SLICE_FMT, SLICE_ARG(path[0]), SLICE_ARG(path[1]), SLICE_ARG(path[2]));
}

/* Why a guest that attested was refused is often in its appraisal: the policy saw a status, the appraisal knows the claim. */
static void add_appraisal(struct kbs *k, const struct token *t, struct arena *a, struct json *facts)
{
	static const char *const part[] = {"appraisal", "init_data_not_bound"};
	struct json *attest;

	if (!t->id[0] || !rc_ok(records_get(k->records, t->id, a, &attest, NULL)))
		return;
	json_set(a, facts, "attestation", json_new_cstr(a, t->id));
	for (size_t i = 0; i < COUNT_OF(part); i++)
		if (json_get(json_get(attest, "facts"), part[i]))
			json_set(a, facts, part[i], json_get(json_get(attest, "facts"), part[i]));
}

static rc refuse_release(struct kbs *k, rc r, const struct token *t, struct json *facts, struct arena *a, struct kbs_outcome *o,
			 struct why *w)
{
	struct why store_why = why_in(a);

	add_appraisal(k, t, a, facts);
	if (!rc_ok(records_new_id(k->records, o->decision, &store_why)) ||
	    !rc_ok(records_denied(k->records, o->decision, "release", w, facts, true, a, &store_why)))
		o->decision[0] = 0;
	return r;
}

static const char *policy_type(rc r, const struct why *w)
{
	return r.code == E_DENIED && strcmp(why_reason(w), "policy.error") != 0 && strcmp(why_reason(w), "policy.budget") != 0
		       ? "PolicyDeny"
		       : "PolicyEngineError";
}

rc kbs_get(struct kbs *k, const struct kbs_caller *caller, struct slice plugin, const struct slice *path, size_t path_n,
	   const struct json *query, struct arena *a, struct slice *jwe, struct kbs_outcome *o, struct why *w)
{
	struct json *facts = json_new_object(a);
	enum rcar_version version;
	uint64_t secret_version;
	struct slice jwt, out;
	SECRET(secret);
	struct token t;
	char *name;
	rc r;

	*o = (struct kbs_outcome){.type = "TokenNotFound"};
	if (!kbs_has_plugin(k, plugin)) {
		o->type = "PluginNotFound";
		return deny(w, E_NOTFOUND, "kbs.plugin", "Plugin " SLICE_FMT " not found", SLICE_ARG(slice_sub(plugin, 0, 64)));
	}
	TRY(find_token(k, caller, a, &jwt, &version, w));
	o->type = "TokenVerifierError";
	TRY(kbs_token_verify(&k->config.token, jwt, clock_now_s(k->env.clock), a, &t, w));
	o->type = "PluginInternalError";
	name = resource_name(a, path, path_n, w);
	if (!name)
		return rc_of(E_MALFORMED);
	json_set(a, facts, "resource", json_new_cstr(a, name));
	json_set(a, facts, "token", json_new_cstr(a, t.id));
	if (caller->peer)
		json_set(a, facts, "peer", json_new_cstr(a, caller->peer));
	r = policy_allows(k->policy, t.claims, policy_data(a, plugin, path, path_n, query), a, w);
	if (!rc_ok(r)) {
		o->type = policy_type(r, w);
		return refuse_release(k, r, &t, facts, a, o, w);
	}
	TRY(kms_get(k->env.kms, name, 0, &secret, &secret_version, w));
	o->type = "JweError";
	TRY(jwe_encrypt(t.tee_pubkey, secret_view(&secret), version == RCAR_010 || version == RCAR_011, k->config.allow_rsa1_5, a, &out,
			w));
	json_set(a, facts, "version", json_new_u64(a, secret_version));
	o->type = "PluginInternalError";
	TRY(records_new_id(k->records, o->decision, w));
	TRY(records_allowed(k->records, o->decision, "release", facts, NULL, 0, a, w));
	*jwe = out;	/* the record is durable */
	return rc_of(OK);
}
