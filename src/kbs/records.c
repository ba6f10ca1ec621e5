#include "kbs/records.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define RING "denied_ring"
#define DECISIONS "decision"

struct records {
	struct store *store;
	struct audit *audit;
	const struct clock *clock;
	atomic_uint next;	/* ring slot; starts at a random place, so replicas rarely meet */
};

rc records_open(struct store *store, struct audit *audit, const struct clock *clock, struct records **out, struct why *w)
{
	struct records *r;
	unsigned start;

	TRY(sys_random(&start, sizeof(start), w));
	r = calloc(1, sizeof(*r));
	if (!r)
		return deny(w, E_INTERNAL, "kbs.memory", "no memory");
	r->store = store;
	r->audit = audit;
	r->clock = clock;
	atomic_store(&r->next, start);
	*out = r;
	return rc_of(OK);
}

void records_close(struct records *r)
{
	free(r);
}

rc records_new_id(struct records *r, char out[24], struct why *w)
{
	return decision_new_id(r->clock, out, w);
}

rc records_get(struct records *r, const char *id, struct arena *a, struct json **out, struct why *w)
{
	return decision_get(r->store, id, a, out, w);
}

/* What the log keeps of a verdict: everything but the reason tree, which may be long and is in the decision. */
static struct json *audit_record(struct arena *a, const char *id, const char *kind, const char *verdict, const char *reason,
				 const struct json *facts)
{
	struct json *rec = json_new_object(a);

	json_set(a, rec, "decision", json_new_cstr(a, id));
	json_set(a, rec, "kind", json_new_cstr(a, kind));
	json_set(a, rec, "verdict", json_new_cstr(a, verdict));
	if (reason)
		json_set(a, rec, "reason", json_new_cstr(a, reason));
	for (size_t i = 0; facts && i < facts->n; i++)
		if (facts->members[i].value->kind != JSON_OBJECT)
			json_set_slice(a, rec, facts->members[i].name, facts->members[i].value);
	return rec;
}

/* The caller's operations and that of the decision; NULL without memory. */
static struct store_op *with_decision(struct records *r, const char *id, const char *kind, const struct json *facts,
				      const struct store_op *ops, size_t n_ops, struct arena *a)
{
	const struct json *decision = decision_json(a, id, kind, "allowed", NULL, facts);
	struct store_op *all = arena_array(a, n_ops + 1, struct store_op);

	if (!all || arena_bad(a))
		return NULL;
	if (n_ops)
		memcpy(all, ops, n_ops * sizeof(*ops));
	all[n_ops] = decision_op(a, id, decision, clock_now_s(r->clock) + RECORDS_KEEP_S);
	return all;
}

rc records_allowed(struct records *r, const char *id, const char *kind, const struct json *facts, const struct store_op *ops,
		   size_t n_ops, struct arena *a, struct why *w)
{
	const struct store_op *all = with_decision(r, id, kind, facts, ops, n_ops, a);

	if (!all)
		return deny(w, E_INTERNAL, "kbs.memory", "no memory for the record");
	return audit_append(r->audit, audit_record(a, id, kind, "allowed", NULL, facts), all, n_ops + 1, NULL, w);
}

void records_allowed_start(struct records *r, const char *id, const char *kind, const struct json *facts, const struct store_op *ops,
			   size_t n_ops, struct arena *a, struct audit_call *call, struct why *w)
{
	call->ops = with_decision(r, id, kind, facts, ops, n_ops, a);
	call->n_ops = n_ops + 1;
	call->record = audit_record(a, id, kind, "allowed", NULL, facts);
	call->arena = a;
	call->w = w;
	if (call->ops)
		audit_start(r->audit, call);
	else
		call->done(call, deny(w, E_INTERNAL, "kbs.memory", "no memory for the record"));
}

rc records_denied(struct records *r, const char *id, const char *kind, const struct why *why, const struct json *facts,
		  bool audited, struct arena *a, struct why *w)
{
	const struct json *decision = decision_json(a, id, kind, "denied", why, facts);
	struct store_op ops[3];
	struct slice old;
	char slot[16];
	size_t n = 0;
	rc got;

	snprintf(slot, sizeof(slot), "%05u", atomic_fetch_add(&r->next, 1) % RECORDS_DENIED_MAX);
	got = store_get(r->store, RING, slot, a, &old, NULL, NULL, NULL);
	if (rc_ok(got))
		ops[n++] = (struct store_op){.kind = STORE_ERASE, .ns = DECISIONS, .key = arena_strndup(a, old.p, old.n)};
	ops[n++] = (struct store_op){.kind = STORE_PUT, .ns = RING, .key = slot, .value = slice_cstr(id)};
	ops[n++] = decision_op(a, id, decision, clock_now_s(r->clock) + RECORDS_KEEP_S);
	if (arena_bad(a))
		return deny(w, E_INTERNAL, "kbs.memory", "no memory for the record");
	if (audited)
		return audit_append(r->audit, audit_record(a, id, kind, "denied", why_reason(why), facts), ops, n, NULL, w);
	return store_commit(r->store, ops, n, w);
}
