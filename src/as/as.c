/* as.c - one evaluation: verify each piece in a worker, appraise its claims by policy, sign one token for all. */
#include "as/as.h"

#include <stddef.h>
#include <stdlib.h>

#include "as/anchors.h"
#include "as/ear.h"
#include "as/initdata.h"
#include "as/policies.h"
#include "as/se.h"
#include "base/num.h"
#include "base/waiter.h"
#include "collateral/collateral.h"
#include "crypto/jose/jwk.h"
#include "crypto/jose/jws.h"
#include "evidence/se_challenge.h"
#include "rego/host.h"
#include "verifier/pool.h"

struct as {
	struct as_env env;
	struct as_config config;
	struct policies *policies;
	struct anchors *anchors;
	struct arena *arena;	/* process life: the token's constant parts */
	struct json *jwk;
};

/* ---- reference values, as policies see them ---- */

/* What the host function needs for one evaluation. */
struct appraisal {
	struct as *as;
	struct arena *a;
	struct why *w;
	struct json *expired;	/* names of values that had expired, for the explanation */
};

static void query_reference_value(void *ctx, struct rego_host_call *call)
{
	struct appraisal *ap = ctx;
	enum rvps_state state;
	struct json *value;
	int64_t expires_s;
	const char *name;
	size_t n;

	name = rego_host_arg_string(call, 0, &n);
	if (!name) {
		rego_host_fail(call, "query_reference_value: operand 1 must be string");
		return;
	}
	if (!rc_ok(rvps_query(ap->as->env.rvps, slice_of(name, n), ap->a, &state, &value, &expires_s, ap->w))) {
		if (strcmp(why_reason(ap->w), "rvps.name") == 0)	/* a name that cannot be registered is unknown */
			(void)rego_host_reply_json(call, "null", 4);
		else
			rego_host_abort(call, why_text(ap->w));
		return;
	}
	if (state == RV_EXPIRED)
		json_push(ap->a, ap->expired, json_new_str(ap->a, slice_of(name, n)));
	if (state == RV_FOUND)
		host_reply_parsed(call, value);
	else
		(void)rego_host_reply_json(call, "null", 4);
}

static const struct rego_host_fn host_fns[] = {{"query_reference_value", 1, 0, query_reference_value}};

/* ---- opening ---- */

static bool counts_as_anchor(void *ctx, const char *set, const uint8_t sha256[32])
{
	return anchors_has(ctx, set, sha256);
}

rc as_open(const struct as_env *env, const struct as_config *config, struct as **out, struct why *w)
{
	struct as *as = calloc(1, sizeof(*as));
	rc r;

	if (!as)
		return deny(w, E_INTERNAL, "as.memory", "no memory");
	as->env = *env;
	as->config = *config;
	if (!as->config.duration_min)
		as->config.duration_min = 5;
	if (!as->config.issuer)
		as->config.issuer = "CoCo-Attestation-Service";
	if (!as->config.developer)
		as->config.developer = "https://confidentialcontainers.org";
	if (!as->config.build)
		as->config.build = "attestation-service 0.1.0";
	if (!as->config.profile)
		as->config.profile = "tag:github.com,2024:confidential-containers/Trustee";
	if (!as->config.verify_timeout_ms)
		as->config.verify_timeout_ms = 10000;
	as->arena = arena_new(1 << 20);
	r = pkey_kind(config->signer) == KEY_P256 && pkey_is_private(config->signer)
		    ? jwk_from_pkey(config->signer, as->arena, &as->jwk, w)
		    : deny(w, E_UNSUPPORTED, "as.signer", "the token signing key must be a private key on P-256");
	if (rc_ok(r)) {
		json_set(as->arena, as->jwk, "alg", json_new_cstr(as->arena, "ES256"));
		if (config->x5u)
			json_set(as->arena, as->jwk, "x5u", json_new_cstr(as->arena, config->x5u));
		if (config->x5c)
			json_set(as->arena, as->jwk, "x5c", config->x5c);
		r = policies_open(env->store, host_fns, COUNT_OF(host_fns), &as->policies, w);
	}
	if (rc_ok(r))
		r = anchors_open(env->store, &as->anchors, w);
	if (!rc_ok(r)) {
		as_close(as);
		return note(w, r, "opening the attestation service");
	}
	if (env->collateral)
		collateral_trust(env->collateral, counts_as_anchor, as->anchors);
	*out = as;
	return r;
}

void as_close(struct as *as)
{
	if (!as)
		return;
	if (as->env.collateral)
		collateral_trust(as->env.collateral, NULL, NULL);
	anchors_close(as->anchors);
	policies_close(as->policies);
	arena_free(as->arena);
	free(as);
}

/* ---- appraisal ---- */

/* Members of the input that are there for any TEE. */
static const char *const common[] = {"input.init_data", "input.report_data", "input.runtime_data"};

static bool speaks_of(struct slice text, const char *what)
{
	return what && memmem(text.p, text.n, what, strlen(what));
}

/* Does the explanation speak of this TEE and of a claim that is not affirming? The definitions for other TEEs were tried as well,
 * and all they say is that their TEE is not there. */
static bool telling(const struct json *e, const char *tee, const struct ear_vector *v, struct arena *a)
{
	const struct json *rule = json_get(e, "rule"), *text = json_get(e, "expression"), *found = json_get(e, "found");
	const char *dot = arena_printf(a, "input.%s.", tee), *bracket = arena_printf(a, "input[\"%s\"]", tee);

	if (!json_is(text, JSON_STRING) || !json_is(found, JSON_STRING) || !dot || !bracket)
		return false;
	for (unsigned i = 0; json_is(rule, JSON_STRING) && i < EAR_CLAIMS; i++) {
		char *name = arena_printf(a, "data.policy.%s", ear_claim_name(i));

		for (char *p = name; p && *p; p++)
			if (*p == '-')
				*p = '_';
		if (name && slice_is(rule->text, name) && !(v->set[i] && ear_tier_of(v->value[i]) > EAR_AFFIRMING))
			return false;
	}
	for (size_t i = 0; i < COUNT_OF(common); i++)
		if (speaks_of(text->text, common[i]))
			return true;
	return speaks_of(text->text, dot) || speaks_of(text->text, bracket) || !speaks_of(text->text, "input");
}

static struct json *keep_telling(const struct json *all, const char *tee, const struct ear_vector *v, struct arena *a)
{
	struct json *kept = json_new_array(a);

	for (size_t i = 0; i < all->n; i++)
		if (telling(all->items[i], tee, v, a))
			json_push(a, kept, all->items[i]);
	return kept;
}

/* Why a submodule is not affirming: the definitions that policy tried and the expressions that stopped them. */
static rc explain(struct as *as, const struct rego_unit *unit, const struct rego_doc *claims, const char *tee, const char *mod,
		  const struct ear_vector *v,
		  struct appraisal *ap, struct json *out, struct why *w)
{
	struct rego_unit_call call = {.query = POLICY_TRUST_CLAIMS, .ready = claims, .now_ns = clock_now_ns(as->env.clock), .host_ctx = ap,
				      .explain = true};
	struct json *entry = json_new_object(ap->a), *vector = json_new_object(ap->a);
	struct rego_unit_result result;

	for (unsigned i = 0; i < EAR_CLAIMS; i++)
		if (v->set[i] && ear_tier_of(v->value[i]) > EAR_AFFIRMING)
			json_set(ap->a, vector, ear_claim_name(i), json_new_i64(ap->a, v->value[i]));
	json_set(ap->a, entry, "status", json_new_cstr(ap->a, ear_tier_name(ear_vector_status(v))));
	json_set(ap->a, entry, "not_affirming", vector);
	TRY(rego_unit_eval(unit, &call, ap->a, &result, w));
	if (result.explanations)
		json_set(ap->a, entry, "why", keep_telling(result.explanations, tee, v, ap->a));
	if (ap->expired->n)
		json_set(ap->a, entry, "expired_reference_values", ap->expired);
	json_set(ap->a, out, mod, entry);
	return rc_of(OK);
}

static rc appraise(struct as *as, const char *policy_id, const char *tee, const char *mod, const char *tee_class,
		   const struct json *tcb_claims,
		   struct arena *a, struct json *submods, struct json *appraisal, enum ear_tier *worst, struct why *w)
{
	struct appraisal ap = {as, a, w, json_new_array(a)};
	struct rego_unit_call call = {.now_ns = clock_now_ns(as->env.clock), .host_ctx = &ap};
	struct rego_unit_result trust, extensions;
	char *id = arena_printf(a, "%s_%s", policy_id, tee_class);
	struct rego_unit *unit;
	struct ear_vector v;
	struct json *sub;
	rc r;

	if (!id)
		return deny(w, E_INTERNAL, "as.memory", "no memory");
	r = policies_get(as->policies, id, &unit, w);
	if (!rc_ok(r))	/* what the service lacks is no fault of the guest's message */
		return note(w, r.code == E_NOTFOUND ? rc_of(E_DENIED) : r, "appraising %s by policy %s", mod, id);
	r = rego_unit_ready(a, tcb_claims, &call.ready, w);	/* once, for two or three evaluations */
	if (rc_ok(r))
		r = rego_unit_eval(unit, &call, a, &trust, w);
	if (rc_ok(r) && !trust.value)
		r = deny(w, E_DENIED, "as.policy-undefined", "policy %s leaves data.policy.trust_claims undefined", id);
	if (rc_ok(r))
		r = ear_vector_read(trust.value, &v, w);
	call.query = POLICY_EXTENSIONS;
	if (rc_ok(r))
		r = rego_unit_eval(unit, &call, a, &extensions, w);
	if (rc_ok(r))
		r = ear_submod(a, &v, policy_id, tcb_claims, extensions.value, &sub, w);
	if (rc_ok(r) && ear_vector_status(&v) > EAR_AFFIRMING)
		r = explain(as, unit, call.ready, tee, mod, &v, &ap, appraisal, w);
	rego_unit_free(unit);
	if (!rc_ok(r))	/* a policy that asks for too much is not a message that is too large */
		return note(w, strcmp(why_reason(w), "rego.budget") == 0 ? rc_of(E_DENIED) : r, "appraising %s by policy %s", mod, id);
	json_set(a, submods, mod, sub);
	*worst = MAX_OF(*worst, ear_vector_status(&v));
	return r;
}

/* ---- verification ---- */

/* The first piece that was nowhere to be had, and why. */
struct lost_piece {
	const char *kind, *reason, *text;
};

static rc find_collateral(struct as *as, const struct as_evidence *e, const struct vcollateral *want, int64_t now_s, struct arena *a,
			  struct slice *out, struct why *w)
{
	if (se_own_kind(want->kind))
		return se_own(as->config.se, want->kind, want->key, e->challenge, now_s, a, out, w);
	if (!as->env.collateral)
		return deny(w, E_NOTFOUND, "as.collateral", "this service has no collateral");
	return collateral_get(as->env.collateral, want->kind, want->key, a, out, w);
}

/* What the driver named and what there is none of yet. */
static void find_wants(struct as *as, const struct as_evidence *e, struct vjob *job, struct vcollateral *have, struct lost_piece *lost)
{
	job->collateral = have;
	for (unsigned i = 0; i < job->wants_n && job->collateral_n < VJOB_WANTS_MAX; i++) {
		const struct vcollateral *want = &job->wants[i];
		struct vcollateral *next = &have[job->collateral_n];
		struct why inner = why_in(job->arena);

		if (vjob_collateral(job, want->kind, want->key).p)
			continue;
		if (rc_ok(find_collateral(as, e, want, job->now_s, job->arena, &next->bytes, &inner))) {
			next->kind = want->kind;
			next->key = want->key;
			job->collateral_n++;
		} else if (!lost->kind) {
			*lost = (struct lost_piece){want->kind, why_reason(&inner), why_text(&inner)};
		}
	}
}

/* cpu0, gpu0, gpu1, ...: counted by class, in the order of evaluation. */
struct counter {
	const char *tee_class[16];
	unsigned n[16], classes;
};

static rc submod_name(struct counter *c, const char *tee_class, struct arena *a, char **out, struct why *w)
{
	unsigned i = 0;

	while (i < c->classes && strcmp(c->tee_class[i], tee_class) != 0)
		i++;
	if (i == COUNT_OF(c->n))
		return deny(w, E_LIMIT, "as.classes", "too many classes of devices");
	if (i == c->classes)
		c->tee_class[c->classes++] = tee_class;
	*out = arena_printf(a, "%s%u", tee_class, c->n[i]++);
	return *out ? rc_of(OK) : deny(w, E_INTERNAL, "as.memory", "no memory");
}

static int by_name(const void *x, const void *y)
{
	const struct json_member *a = x, *b = y;

	return slice_cmp(a->name, b->name);
}

static rc sign(struct as *as, const char *id, const struct json *submods, struct arena *a, struct as_result *out, struct why *w)
{
	struct json *payload = json_new_object(a), *verifier = json_new_object(a), *header = json_new_object(a);
	int64_t now = clock_now_s(as->env.clock), exp = now + (int64_t)as->config.duration_min * 60;

	json_set(a, verifier, "developer", json_new_cstr(a, as->config.developer));
	json_set(a, verifier, "build", json_new_cstr(a, as->config.build));
	json_set(a, payload, "eat_profile", json_new_cstr(a, as->config.profile));
	json_set(a, payload, "iat", json_new_i64(a, now));
	json_set(a, payload, "ear.verifier-id", verifier);
	json_set(a, payload, "submods", submods);
	json_set(a, payload, "exp", json_new_i64(a, exp));
	json_set(a, payload, "iss", json_new_cstr(a, as->config.issuer));
	if (id)
		json_set(a, payload, "jti", json_new_cstr(a, id));
	if (as->config.insecure_sample)
		json_set(a, payload, "warrant.insecure", json_new_cstr(a, "this service accepts sample evidence, which proves nothing"));
	json_set(a, header, "typ", json_new_cstr(a, "JWT"));
	json_set(a, header, "alg", json_new_cstr(a, "ES256"));
	json_set(a, header, "jwk", as->jwk);
	if (arena_bad(a))
		return deny(w, E_LIMIT, "as.memory", "no room for the token");
	TRY(jws_sign(as->config.signer, SIG_ES256, header, json_text(a, payload), a, &out->token, w));
	out->payload = payload;
	out->expires_s = exp;
	return rc_of(OK);
}

/* One evaluation under way: its pieces one after another, each planned and verified by workers. */
struct as_work {
	struct as *as;
	struct as_call *call;
	size_t at;		/* the piece that it is at */
	const struct json *init_claims;
	struct json *submods, *appraisal, *unbound;
	struct counter counter;
	struct vjob *job;
	struct pool_call step;
	struct task task;
	int64_t deadline_ns;
	unsigned rounds;	/* of planning that are left */
	size_t before;		/* pieces of collateral before this round */
	struct vcollateral *have;
	struct lost_piece lost;
};

static void begin_piece(struct as_work *k);

static void finish(struct as_work *k, rc r)
{
	k->call->done(k->call, r);
}

static void give_up(struct as_work *k, rc r)
{
	finish(k, note(k->call->w, r, "verifying the evidence of %s", k->call->evidence[k->at].tee));
}

static rc appraise_piece(struct as_work *k)
{
	const struct as_call *c = k->call;
	const struct as_evidence *e = &c->evidence[k->at];

	for (unsigned i = 0; i < k->job->results_n; i++) {
		struct json *claims = ear_tcb_claims(c->arena, e->tee, k->job->results[i].claims, e->runtime_claims, k->init_claims,
						     k->job->init_data.p != NULL, k->as->config.terse_token);
		char *mod;

		TRY(submod_name(&k->counter, k->job->results[i].tee_class, c->arena, &mod, c->w));
		if (k->job->init_data.p && !vresult_binds_init_data(&k->job->results[i]))
			json_push(c->arena, k->unbound, json_new_cstr(c->arena, mod));
		TRY(appraise(k->as, c->policy_id ? c->policy_id : "default", e->tee, mod, k->job->results[i].tee_class, claims, c->arena,
			     k->submods, k->appraisal, &k->call->result.status, c->w));
	}
	return rc_of(OK);
}

static rc conclude(struct as_work *k)
{
	struct as_call *c = k->call;

	qsort(k->submods->members, k->submods->n, sizeof(*k->submods->members), by_name);
	TRY(sign(k->as, c->id, k->submods, c->arena, &c->result, c->w));
	c->result.appraisal = k->appraisal->n ? k->appraisal : NULL;
	c->result.init_data_not_bound = k->unbound->n ? k->unbound : NULL;
	return rc_of(OK);
}

static void judge(struct task *t)
{
	struct as_work *k = (struct as_work *)((char *)t - offsetof(struct as_work, task));
	rc r = appraise_piece(k);

	if (rc_ok(r) && ++k->at < k->call->n)
		begin_piece(k);
	else
		finish(k, rc_ok(r) ? conclude(k) : r);
}

/* On a worker's thread. */
static void verified(struct pool_call *step, rc r)
{
	struct as_work *k = step->ctx;
	struct as_call *c = k->call;

	/* the verifier knows that a piece is missing, and not why */
	if (k->lost.kind)
		r = note(c->w, r, "looking for %s: %s [%s]", k->lost.kind, k->lost.text, k->lost.reason);
	if (rc_ok(r) && k->job->results_n == 0)
		r = deny(c->w, E_DENIED, "as.no-result", "the %s verifier gave no result", c->evidence[k->at].tee);
	if (!rc_ok(r)) {
		give_up(k, r);
		return;
	}
	k->task = (struct task){.run = judge};
	executor_post(k->as->env.store_far ? k->as->env.later : NULL, &k->task);
}

static void start_step(struct as_work *k, enum verifier_step step, void (*done)(struct pool_call *step, rc r))
{
	k->step = (struct pool_call){.tee = k->call->evidence[k->at].tee, .step = step, .job = k->job, .deadline_ns = k->deadline_ns, .done = done,
				     .ctx = k};
	pool_start(k->as->env.pool, &k->step);
}

static void start_verify(struct as_work *k)
{
	k->job->now_s = clock_now_s(k->as->env.clock);	/* fetching took time: what was issued meanwhile is not of the future */
	start_step(k, VERIFIER_VERIFY, verified);
}

static void planned(struct pool_call *step, rc r);

static void start_plan(struct as_work *k)
{
	k->job->wants_n = 0;
	k->before = k->job->collateral_n;
	start_step(k, VERIFIER_PLAN, planned);
}

/* What was named may have to be fetched. */
static void look_for_wants(struct task *t)
{
	struct as_work *k = (struct as_work *)((char *)t - offsetof(struct as_work, task));

	find_wants(k->as, &k->call->evidence[k->at], k->job, k->have, &k->lost);
	k->rounds--;
	if (k->rounds && k->job->collateral_n != k->before)
		start_plan(k);
	else
		start_verify(k);
}

static void planned(struct pool_call *step, rc r)
{
	struct as_work *k = step->ctx;

	if (!rc_ok(r)) {
		give_up(k, r);
		return;
	}
	k->task = (struct task){.run = look_for_wants};
	executor_post(k->as->env.later, &k->task);
}

/* What the driver names while planning is gathered, as far as there is any: a piece that is missing is the driver's to refuse. A driver that
 * is not built in may be a plug-in's, which plans where it wants to. */
static rc prepare_piece(struct as_work *k, bool *plans)
{
	const struct as *as = k->as;
	const struct as_evidence *e = &k->call->evidence[k->at];
	const struct vdriver *driver = registry_find(e->tee);
	struct arena *a = k->call->arena;
	struct why *w = k->call->w;
	struct vjob *job = ARENA_NEW(a, struct vjob);
	struct initdata init;

	k->job = job;
	k->init_claims = NULL;
	k->lost = (struct lost_piece){NULL};
	k->deadline_ns = sys_monotonic_ns() + (int64_t)as->config.verify_timeout_ms * 1000000;
	if (!job)
		return deny(w, E_INTERNAL, "as.memory", "no memory");
	*job = (struct vjob){.arena = a, .why = w, .evidence = e->evidence, .report_data_n = e->report_data_n, .init_data = e->init_digest,
			     .now_s = clock_now_s(as->env.clock), .insecure_sample = as->config.insecure_sample, .stale_s = as->config.stale_s};
	memcpy(job->report_data, e->report_data, sizeof(job->report_data));
	if (e->init_toml.p) {
		TRY(initdata_parse(a, e->init_toml, &init, w));
		job->init_data = init.digest;
		k->init_claims = init.claims;
	}
	TRY(anchors_get(as->anchors, a, &job->anchors, &job->anchors_n, w));
	*plans = (as->env.collateral || as->config.se) && (!driver || driver->plan);
	if (!*plans)
		return rc_of(OK);
	k->rounds = driver && driver->plan_again ? 2 : 1;
	k->have = arena_array(a, VJOB_WANTS_MAX, struct vcollateral);
	return k->have ? rc_of(OK) : deny(w, E_INTERNAL, "as.memory", "no memory");
}

static void begin_piece(struct as_work *k)
{
	bool plans = false;
	rc r = prepare_piece(k, &plans);

	if (!rc_ok(r))
		give_up(k, r);
	else if (plans)
		start_plan(k);
	else
		start_verify(k);
}

void as_start(struct as *as, struct as_call *c)
{
	struct as_work *k = ARENA_NEW(c->arena, struct as_work);

	c->result = (struct as_result){.status = EAR_NONE};
	if (c->n == 0 || c->n > AS_EVIDENCE_MAX) {
		c->done(c, deny(c->w, E_MALFORMED, "as.evidence", "%zu pieces of evidence, from 1 to %u are taken", c->n, AS_EVIDENCE_MAX));
		return;
	}
	if (!k) {
		c->done(c, deny(c->w, E_INTERNAL, "as.memory", "no memory"));
		return;
	}
	*k = (struct as_work){.as = as, .call = c, .submods = json_new_object(c->arena), .appraisal = json_new_object(c->arena), .unbound = json_new_array(c->arena)};
	c->work = k;
	begin_piece(k);
}

static void tell(struct as_call *c, rc r)
{
	waiter_tell(c->ctx, r);
}

rc as_evaluate(struct as *as, const char *id, const struct as_evidence *evidence, size_t n, const char *policy_id,
	       struct arena *a, struct as_result *out, struct why *w)
{
	struct waiter wait;
	struct as_call c = {.id = id, .evidence = evidence, .n = n, .policy_id = policy_id, .arena = a, .w = w, .done = tell, .ctx = &wait};
	rc r;

	waiter_open(&wait);
	as_start(as, &c);
	r = waiter_wait(&wait);
	if (rc_ok(r))
		*out = c.result;
	return r;
}

rc as_challenge(struct as *as, const char *tee, int64_t expires_s, struct arena *a, struct slice *out, struct why *w)
{
	const struct as_se *se = as->config.se;
	struct se_challenge_env env;
	struct json *doc;

	*out = (struct slice){0};
	if (strcmp(tee, "se") != 0)
		return rc_of(OK);
	if (!se)
		return deny(w, E_UNSUPPORTED, "as.se", "guests of Secure Execution need a host key and an image header, which this service has not");
	env = (struct se_challenge_env){.seal_key = se->seal_key, .host_keys = se->host_keys, .host_keys_n = se->host_keys_n,
					.image_tags = se->image_tags, .expires_s = expires_s};
	TRY(se_challenge_make(&env, a, &doc, w));
	*out = json_text(a, doc);
	return out->p ? rc_of(OK) : deny(w, E_INTERNAL, "as.memory", "no memory");
}

/* ---- what administrators set ---- */

rc as_set_policy(struct as *as, struct slice id, struct slice rego, const struct store_committer *by, struct why *w)
{
	return policies_set(as->policies, id, rego, by, w);
}

rc as_policy_text(struct as *as, struct slice id, struct arena *a, struct slice *out, struct why *w)
{
	return policies_text(as->policies, id, a, out, w);
}

rc as_list_policies(struct as *as, struct arena *a, char ***ids, size_t *n, struct why *w)
{
	return policies_list(as->policies, a, ids, n, w);
}

rc as_add_anchor(struct as *as, struct slice set, struct slice pem, const struct store_committer *by, struct why *w)
{
	return anchors_add(as->anchors, set, pem, by, w);
}

rc as_remove_anchor(struct as *as, struct slice set, struct slice sha256_hex, const struct store_committer *by, struct why *w)
{
	return anchors_remove(as->anchors, set, sha256_hex, by, w);
}

rc as_list_anchors(struct as *as, struct arena *a, char ***names, size_t *n, struct why *w)
{
	return anchors_list(as->anchors, a, names, n, w);
}

rc as_jwks(struct as *as, struct arena *a, struct slice *out, struct why *w)
{
	struct json *set = json_new_object(a), *keys = json_new_array(a);

	json_push(a, keys, as->jwk);
	json_set(a, set, "keys", keys);
	*out = json_text(a, set);
	return out->p ? rc_of(OK) : deny(w, E_INTERNAL, "as.memory", "no memory");
}

const struct pkey *as_signer(const struct as *as)
{
	return as->config.signer;
}
