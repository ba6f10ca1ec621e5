#include "kbs/policy.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/num.h"
#include "kbs/policies.h"
#include "rego/unit.h"

#define NS	 "kbs"
#define KEY	 "resource-policy.rego"
#define FRESH_NS ((int64_t)1000000000)	/* how long another replica's change may go unseen */

static const char *const queries[] = {"data.policy.allow"};

struct policy {
	struct store *store;
	const struct clock *clock;
	pthread_mutex_t lock;	/* of what follows; never held over storage or evaluation */
	struct rego_unit *unit;
	uint64_t rev;
	int64_t checked_ns;
};

static rc compile(struct slice rego, struct rego_unit **out, struct why *w)
{
	return rego_unit_new(KEY, rego, NULL, 0, queries, COUNT_OF(queries), "policy.compile", out, w);
}

static void install(struct policy *p, struct rego_unit *unit, uint64_t rev)
{
	struct rego_unit *old;

	pthread_mutex_lock(&p->lock);
	old = p->unit;
	p->unit = unit;
	p->rev = rev;
	p->checked_ns = sys_monotonic_ns();
	pthread_mutex_unlock(&p->lock);
	rego_unit_free(old);
}

/* Nobody takes the present program for fresh before it was looked at again. */
static void expire(struct policy *p)
{
	pthread_mutex_lock(&p->lock);
	p->checked_ns = sys_monotonic_ns() - FRESH_NS;
	pthread_mutex_unlock(&p->lock);
}

/* The present program, one owner more. Looks at the store when it last did a second ago. While the store cannot be read, or
 * holds a text that does not compile, there is none: what an administrator replaced must not go on deciding. */
static rc current(struct policy *p, struct rego_unit **out, struct why *w)
{
	int64_t now = sys_monotonic_ns();
	struct rego_unit *unit;
	struct slice text;
	struct arena *a;
	uint64_t rev, have;
	bool fresh;
	rc r;

	pthread_mutex_lock(&p->lock);
	fresh = p->unit && now - p->checked_ns < FRESH_NS;
	if (!fresh)
		p->checked_ns = now;	/* one thread looks, the others go on with what there is */
	unit = p->unit ? rego_unit_ref(p->unit) : NULL;
	have = p->rev;
	pthread_mutex_unlock(&p->lock);
	if (fresh) {
		*out = unit;
		return rc_of(OK);
	}
	a = arena_new(0);
	r = store_get(p->store, NS, KEY, a, &text, &rev, NULL, w);
	if (rc_ok(r) && (rev != have || !unit)) {
		rego_unit_free(unit);
		unit = NULL;
		r = compile(text, &unit, w);
		if (rc_ok(r)) {
			install(p, rego_unit_ref(unit), rev);
		} else {	/* our trouble, not that of who asks */
			char *text_of_it = arena_strdup(a, why_text(w));

			r = deny(w, E_UNAVAILABLE, "policy.broken", "the stored resource policy does not compile: %s",
				 text_of_it ? text_of_it : KEY);
		}
	}
	arena_free(a);
	if (!rc_ok(r)) {
		expire(p);
		rego_unit_free(unit);
		return note(w, r, "loading the resource policy");
	}
	*out = unit;
	return r;
}

rc policy_open(struct store *store, const struct clock *clock, struct policy **out, struct why *w)
{
	struct policy *p = calloc(1, sizeof(*p));
	struct rego_unit *unit = NULL;
	rc r;

	if (!p)
		return deny(w, E_INTERNAL, "kbs.memory", "no memory");
	p->store = store;
	p->clock = clock;
	pthread_mutex_init(&p->lock, NULL);
	r = store_insert(store, NS, KEY, policy_builtin("default"), 0, w);
	if (!rc_ok(r) && strcmp(why_reason(w), "store.exists") == 0)
		r = rc_of(OK);
	if (rc_ok(r))
		r = current(p, &unit, w);
	rego_unit_free(unit);
	if (!rc_ok(r)) {
		policy_close(p);
		return r;
	}
	why_clear(w);
	*out = p;
	return r;
}

void policy_close(struct policy *p)
{
	if (p) {
		rego_unit_free(p->unit);
		pthread_mutex_destroy(&p->lock);
		free(p);
	}
}

struct slice policy_builtin(const char *name)
{
	const struct embedded *e = embedded_find(kbs_policies, name);

	return e ? e->text : (struct slice){NULL, 0};
}

rc policy_set(struct policy *p, struct slice rego, const struct store_committer *by, struct why *w)
{
	struct rego_unit *unit;
	struct arena *a;
	struct slice text;
	uint64_t rev = 0;
	bool ours;
	rc r;

	TRY(compile(rego, &unit, w));
	r = store_commit_by(p->store, by, &(struct store_op){.kind = STORE_PUT, .ns = NS, .key = KEY, .value = rego}, 1, w);
	if (!rc_ok(r)) {
		rego_unit_free(unit);
		return r;
	}
	/* Another writer may have come between: his revision must not be taken for that of our program. */
	a = arena_new(0);
	ours = rc_ok(store_get(p->store, NS, KEY, a, &text, &rev, NULL, NULL)) && slice_eq(text, rego);
	arena_free(a);
	if (ours) {
		install(p, unit, rev);
	} else {
		rego_unit_free(unit);
		expire(p);
	}
	return rc_of(OK);
}

rc policy_text(struct policy *p, struct arena *a, struct slice *rego, struct why *w)
{
	return store_get(p->store, NS, KEY, a, rego, NULL, NULL, w);
}

static const char *text_of(const struct json *v, const char *name)
{
	const struct json *m = json_get(v, name);

	return json_is(m, JSON_STRING) ? (const char *)m->text.p : NULL;
}

/* Puts what the policy compared into the reason: of the definition of `allow` that stopped latest. */
static void explain(const struct rego_unit *unit, struct rego_unit_call *call, struct arena *a, struct why *w)
{
	struct rego_unit_result result;
	const struct json *last = NULL;
	const char *expression, *rule;

	call->explain = true;
	if (!rc_ok(rego_unit_eval(unit, call, a, &result, NULL)) || !result.explanations || result.explanations->n == 0)
		return;
	last = result.explanations->items[result.explanations->n - 1];
	for (size_t i = 0; i < result.explanations->n; i++) {
		rule = text_of(result.explanations->items[i], "rule");
		if (rule && strcmp(rule, "data.policy.allow") == 0)
			last = result.explanations->items[i];
	}
	expression = text_of(last, "expression");
	why_compared(w, expression ? expression : "data.policy.allow", text_of(last, "found"), text_of(last, "expected"));
	if (text_of(last, "nearest"))
		why_nearest(w, text_of(last, "nearest"));
	if (text_of(last, "at"))
		why_rule(w, text_of(last, "at"));
}

/* What the engine could not finish allows nothing; the text of its error stays the reason. */
static rc failed(rc r, struct arena *a, struct why *w)
{
	char *text = arena_strdup(a, why_text(w));

	if (r.code != E_DENIED && r.code != E_LIMIT)
		return r;
	return deny(w, E_DENIED, r.code == E_LIMIT ? "policy.budget" : "policy.error", "%s", text ? text : "the policy failed");
}

rc policy_allows(struct policy *p, const struct json *claims, const struct json *data, struct arena *a, struct why *w)
{
	struct rego_unit_call call = {.input = claims, .data = data, .now_ns = clock_now_ns(p->clock)};
	struct rego_unit_result result = {0};
	struct rego_unit *unit;
	rc r;

	TRY(current(p, &unit, w));
	r = rego_unit_eval(unit, &call, a, &result, w);
	if (!rc_ok(r)) {
		r = failed(r, a, w);
	} else if (!json_is(result.value, JSON_BOOL) || !result.value->boolean) {
		if (!result.value)
			r = deny(w, E_DENIED, "policy.undefined", "data.policy.allow is undefined: the policy says nothing of this request");
		else if (result.value->kind != JSON_BOOL)
			r = deny(w, E_DENIED, "policy.undefined", "data.policy.allow is %s, only true allows", json_kind_name(result.value));
		else
			r = deny(w, E_DENIED, "policy.denied", "data.policy.allow is false");
		explain(unit, &call, a, w);
	}
	rego_unit_free(unit);
	return r;
}
