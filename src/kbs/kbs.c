/* kbs.c - the broker as a whole: what it is made of, the handshake, and the release of a secret. */
#include "kbs/kbs.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/num.h"
#include "base/waiter.h"
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
	bool due;
	rc r;

	pthread_mutex_lock(&k->health_lock);
	/* One asks; the others are told what was last known: a store that hangs must not hold every thread. */
	due = !k->health_asked && (!k->health_ns || now - k->health_ns >= HEALTH_NS);
	k->health_asked = k->health_asked || due;
	r = rc_of(k->health);
	pthread_mutex_unlock(&k->health_lock);
	if (due) {
		r = store_health(k->env.store, w);
		pthread_mutex_lock(&k->health_lock);
		k->health = r.code;
		k->health_ns = sys_monotonic_ns();
		k->health_asked = false;
		pthread_mutex_unlock(&k->health_lock);
	}
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

/* One attestation under way: read, then verified and appraised, then recorded. */
struct kbs_attest_work {
	struct kbs *k;
	struct kbs_attest *t;
	struct challenge c;
	struct rcar_attestation at;
	struct as_evidence evidence[RCAR_ITEMS_MAX];
	struct as_call appraisal;
	struct slice thumbprint;
	struct json *facts;
	struct session session;
	struct store_op op;
	struct audit_call record;
	struct task task;
	rc refused;
};

/* On a thread that may block: the refusal is kept. */
static void keep_refusal(struct task *task)
{
	struct kbs_attest_work *x = (struct kbs_attest_work *)((char *)task - offsetof(struct kbs_attest_work, task));
	struct kbs_attest *t = x->t;
	struct why store_why = why_in(t->arena);

	if (!x->facts)
		x->facts = attest_facts(t->arena, &x->c, &t->caller, NULL);
	/* The verdict stands even where its record cannot be kept. */
	if (!rc_ok(records_denied(x->k->records, t->o->decision, "attest", t->w, x->facts, false, t->arena, &store_why)))
		t->o->decision[0] = 0;
	t->done(t, x->refused);
}

/* The end of an attestation that has a decision's id. */
static void judged(struct kbs_attest_work *x, rc r)
{
	struct kbs_attest *t = x->t;

	if (rc_ok(r) || r.code == E_UNAVAILABLE || r.code == E_INTERNAL)
		attempts_return(x->k->attempts, x->c.id);
	if (!rc_ok(r)) {
		x->refused = r;
		x->task = (struct task){.run = keep_refusal};
		executor_post(x->k->env.later, &x->task);
		return;
	}
	t->reply.cookie = t->caller.cookie;
	t->reply.tee = x->c.tee;
	t->done(t, r);
}

static void again(struct task *task)
{
	struct kbs_attest_work *x = (struct kbs_attest_work *)((char *)task - offsetof(struct kbs_attest_work, task));

	judged(x, succeeded_before(x->k, &x->c, x->thumbprint, x->t->arena, &x->t->reply, x->t->w));
}

static void recorded(struct audit_call *record, rc r)
{
	struct kbs_attest_work *x = record->ctx;

	x->t->reply.token = x->session.token;
	x->t->reply.expires_s = x->c.expires_s;
	if (strcmp(why_reason(x->t->w), "store.exists") == 0) {
		x->task = (struct task){.run = again};
		executor_post(x->k->env.later, &x->task);
		return;
	}
	judged(x, r);
}

static void appraised(struct as_call *call, rc r)
{
	struct kbs_attest_work *x = call->ctx;
	struct arena *a = x->t->arena;
	const struct as_result *result = &call->result;

	if (!rc_ok(r)) {
		judged(x, r);
		return;
	}
	json_set(a, x->facts, "key", json_new_str(a, x->thumbprint));
	json_set(a, x->facts, "status", json_new_cstr(a, ear_tier_name(result->status)));
	if (result->appraisal)
		json_set(a, x->facts, "appraisal", result->appraisal);
	if (result->init_data_not_bound)
		json_set(a, x->facts, "init_data_not_bound", result->init_data_not_bound);
	x->session = (struct session){.token = result->token, .version = x->c.version, .key = x->thumbprint, .expires_s = x->c.expires_s};
	x->op = session_op(a, &x->c, &x->session);
	x->record = (struct audit_call){.done = recorded, .ctx = x};
	records_allowed_start(x->k->records, x->t->o->decision, "attest", x->facts, &x->op, 1, a, &x->record, x->t->w);
}

static void appraise(struct kbs_attest_work *x)
{
	for (unsigned i = 0; i < x->at.items_n; i++) {
		const struct rcar_item *item = &x->at.items[i];
		struct as_evidence *ev = &x->evidence[i];

		ev->tee = item->tee;
		ev->evidence = item->evidence;
		ev->report_data_n = item->digest_n;
		memcpy(ev->report_data, item->digest, sizeof(item->digest));
		ev->runtime_claims = item->runtime_data;
		ev->challenge = x->c.text;
		if (i == 0)
			ev->init_toml = x->at.init_data;
	}
	x->appraisal = (struct as_call){.id = x->t->o->decision, .evidence = x->evidence, .n = x->at.items_n, .arena = x->t->arena, .w = x->t->w,
					.done = appraised, .ctx = x};
	as_start(x->k->env.as, &x->appraisal);
}

/* What the guest's message says; *facts as soon as there are any. */
static rc read_attestation(struct kbs_attest_work *x)
{
	struct kbs_attest *t = x->t;
	struct arena *a = t->arena;

	TRY(rcar_parse_attestation(a, t->body, x->c.version, x->c.tee, challenge_text(&x->c, a), x->c.hash, x->k->config.allow_rsa1_5, &x->at,
				   t->w));
	x->facts = attest_facts(a, &x->c, &t->caller, &x->at);
	return jwk_thumbprint(x->at.tee_pubkey, a, &x->thumbprint, t->w);
}

/* Before there is a verdict: who has no challenge of ours is told so, and nothing is kept. */
static rc open_attestation(struct kbs *k, struct kbs_attest *t, struct kbs_attest_work *x)
{
	rc r;

	if (!k->env.as)
		return deny(t->w, E_NOTFOUND, "kbs.no-as", "this broker has no attestation service");
	if (!t->caller.cookie.p)
		return deny(t->w, E_UNAUTH, "kbs.cookie-missing", "no cookie kbs-session-id: ask for a challenge first");
	if (!x)
		return deny(t->w, E_INTERNAL, "kbs.memory", "no memory");
	x->k = k;
	x->t = t;
	TRY(challenge_open(k->sealer, t->caller.cookie, clock_now_s(k->env.clock), t->arena, &x->c, t->w));
	if (!attempts_take(k->attempts, x->c.id))
		return deny(t->w, E_LIMIT, "kbs.attempts", "%u attestations failed or run on this challenge: ask for a new one", ATTEMPTS_MAX);
	r = records_new_id(k->records, t->o->decision, t->w);
	if (!rc_ok(r))
		attempts_return(k->attempts, x->c.id);
	return r;
}

void kbs_attest_start(struct kbs *k, struct kbs_attest *t)
{
	struct kbs_attest_work *x = ARENA_NEW(t->arena, struct kbs_attest_work);
	rc r;

	*t->o = (struct kbs_outcome){.type = "AttestationError"};
	t->reply = (struct kbs_attested){0};
	t->work = x;
	r = open_attestation(k, t, x);
	if (!rc_ok(r)) {
		t->done(t, r);
		return;
	}
	r = read_attestation(x);
	if (rc_ok(r))
		appraise(x);
	else
		judged(x, r);
}

static void tell_attested(struct kbs_attest *t, rc r)
{
	waiter_tell(t->ctx, r);
}

rc kbs_attest(struct kbs *k, const struct kbs_caller *caller, struct slice body, struct arena *a, struct kbs_attested *out,
	      struct kbs_outcome *o, struct why *w)
{
	struct waiter wait;
	struct kbs_attest t = {.caller = *caller, .body = body, .arena = a, .o = o, .w = w, .done = tell_attested, .ctx = &wait};
	rc r;

	waiter_open(&wait);
	kbs_attest_start(k, &t);
	r = waiter_wait(&wait);
	if (rc_ok(r))
		*out = t.reply;
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

/* The record is durable, or the secret stays here. */
static void released(struct audit_call *record, rc r)
{
	struct kbs_release *t = record->ctx;

	if (rc_ok(r))
		t->jwe = t->sealed;
	t->done(t, r);
}

/* All but the record, which is begun when this is OK. */
static rc prepare_release(struct kbs *k, struct kbs_release *t, struct json *facts)
{
	struct arena *a = t->arena;
	struct kbs_outcome *o = t->o;
	struct why *w = t->w;
	enum rcar_version version;
	uint64_t secret_version;
	struct slice jwt;
	SECRET(secret);
	struct token token;
	char *name;
	rc r;

	if (!kbs_has_plugin(k, t->plugin)) {
		o->type = "PluginNotFound";
		return deny(w, E_NOTFOUND, "kbs.plugin", "Plugin " SLICE_FMT " not found", SLICE_ARG(slice_sub(t->plugin, 0, 64)));
	}
	TRY(find_token(k, &t->caller, a, &jwt, &version, w));
	o->type = "TokenVerifierError";
	TRY(kbs_token_verify(&k->config.token, jwt, clock_now_s(k->env.clock), a, &token, w));
	o->type = "PluginInternalError";
	name = resource_name(a, t->path, t->path_n, w);
	if (!name)
		return rc_of(E_MALFORMED);
	json_set(a, facts, "resource", json_new_cstr(a, name));
	json_set(a, facts, "token", json_new_cstr(a, token.id));
	if (t->caller.peer)
		json_set(a, facts, "peer", json_new_cstr(a, t->caller.peer));
	r = policy_allows(k->policy, token.claims, policy_data(a, t->plugin, t->path, t->path_n, t->query), a, w);
	if (!rc_ok(r)) {
		o->type = policy_type(r, w);
		return refuse_release(k, r, &token, facts, a, o, w);
	}
	TRY(kms_get(k->env.kms, name, 0, &secret, &secret_version, w));
	o->type = "JweError";
	TRY(jwe_encrypt(token.tee_pubkey, secret_view(&secret), version == RCAR_010 || version == RCAR_011, k->config.allow_rsa1_5, a,
			&t->sealed, w));
	json_set(a, facts, "version", json_new_u64(a, secret_version));
	o->type = "PluginInternalError";
	return records_new_id(k->records, o->decision, w);
}

void kbs_get_start(struct kbs *k, struct kbs_release *t)
{
	struct json *facts = json_new_object(t->arena);
	rc r;

	*t->o = (struct kbs_outcome){.type = "TokenNotFound"};
	t->jwe = (struct slice){0};
	r = prepare_release(k, t, facts);
	if (!rc_ok(r)) {
		t->done(t, r);
		return;
	}
	t->record = (struct audit_call){.done = released, .ctx = t};
	records_allowed_start(k->records, t->o->decision, "release", facts, NULL, 0, t->arena, &t->record, t->w);
}

static void tell_released(struct kbs_release *t, rc r)
{
	waiter_tell(t->ctx, r);
}

rc kbs_get(struct kbs *k, const struct kbs_caller *caller, struct slice plugin, const struct slice *path, size_t path_n,
	   const struct json *query, struct arena *a, struct slice *jwe, struct kbs_outcome *o, struct why *w)
{
	struct waiter wait;
	struct kbs_release t = {.caller = *caller, .plugin = plugin, .path = path, .path_n = path_n, .query = query, .arena = a, .o = o, .w = w,
				.done = tell_released, .ctx = &wait};
	rc r;

	waiter_open(&wait);
	kbs_get_start(k, &t);
	r = waiter_wait(&wait);
	if (rc_ok(r))
		*jwe = t.jwe;
	return r;
}
