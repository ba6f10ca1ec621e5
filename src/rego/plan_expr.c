/* From ordered bodies to linear code: expressions, rules, queries. */
#include "rego/plan_int.h"

static enum plan_op test_of(const struct term *t)
{
	static const struct {
		const char *name;
		enum plan_op op;
	} tests[] = {{"equal", OP_EQ}, {"neq", OP_NE}, {"lt", OP_LT}, {"lte", OP_LE}, {"gt", OP_GT}, {"gte", OP_GE},
		     {"internal.member_2", OP_IN}};

	if (!t->op && t->callee.fn)
		return OP_END;
	for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++) {
		if (call_is(t, tests[i].name))
			return tests[i].op;
	}
	return OP_END;
}

static uint32_t arity_of(const struct term *t)
{
	return t->callee.fn ? (t->callee.fn->kind == G_FUNCTION ? t->callee.fn->arity : 0)
	       : t->callee.host ? t->callee.host->arity
	       : t->callee.builtin ? t->callee.builtin->arity : 2;
}

static void plan_call(struct planner *p, struct term *t)
{
	enum plan_op test = test_of(t);
	uint32_t arity = arity_of(t), given = t->n - 1, ops[32], out;
	bool late[32];
	struct term *result = given > arity ? t->items[t->n - 1] : NULL;

	if ((call_is(t, "eq") || call_is(t, "assign")) && !t->callee.fn && given == 2) {
		plan_unify(p, t->items[1], t->items[2]);
		return;
	}
	if (t->callee.builtin && (t->callee.builtin->flags & REGO_VOID)) {
		result = NULL;
		arity = given;
	}
	if (arity > 32) {
		comp_error(p->c, ERR_COMPILE, t->loc, "too many arguments (limit is 32)");
		p->bad = true;
		return;
	}
	/* what other arguments bind comes after them: `i == xs[i]` */
	for (int pass = 0; pass < 2; pass++) {
		for (uint32_t i = 0; i < arity; i++) {
			if (pass == 0)
				late[i] = plan_open(p, t->items[i + 1]);
			if (late[i] == (pass == 1))
				ops[i] = plan_term(p, t->items[i + 1]);
		}
	}
	if (test != OP_END && !result) {
		plan_emit(p, test, 0, ops[0], ops[1])->flags = test == OP_EQ; /* no `=`: `with` may replace it */
		return;
	}
	out = plan_reg(p);
	if (test != OP_END) {
		plan_emit(p, OP_CMP, out, ops[0], ops[1])->n = (uint16_t)test;
	} else if (t->callee.fn && t->callee.fn->kind != G_FUNCTION) {
		plan_emit(p, OP_GROUP, out, t->callee.fn->id, 0);
	} else {
		enum plan_op op = t->callee.fn ? OP_CALL_RULE : t->callee.host ? OP_CALL_HOST : OP_CALL_BUILTIN;
		uint32_t l = plan_list(p, ops, arity), f = plan_callee(p, t->callee);

		plan_emit(p, op, out, l, f)->n = (uint16_t)arity;
		if (op == OP_CALL_BUILTIN && (t->callee.builtin->flags & REGO_RELATION))
			(void)plan_iterate(p, out, &out);
	}
	if (result)
		plan_match(p, result, out);
	else
		plan_emit(p, OP_TRUTH, 0, out, 0);
}

static void plan_plain(struct planner *p, struct expr *e)
{
	struct term *t = e->term;
	uint32_t v;

	if (t->kind == T_CALL) {
		plan_call(p, t);
		return;
	}
	v = plan_term(p, t);
	plan_emit(p, OP_TRUTH, 0, v, 0);
}

static void plan_every(struct planner *p, struct expr *e)
{
	uint32_t saved = p->fail, mark = p->ntrail, d = plan_term(p, e->domain), outer = p->fail;
	uint32_t it = plan_reg(p), key, val, next = plan_label(p), done = plan_label(p), miss = plan_label(p);

	(void)saved;
	(void)plan_reg(p);
	key = plan_reg(p);
	val = plan_reg(p);
	plan_emit(p, OP_ITER, it, d, 0)->flags = 1;
	plan_here(p, next);
	plan_emit(p, OP_NEXT, it, key, val)->t = done;
	if (e->key)
		plan_bind(p, e->key->var, key);
	plan_bind(p, e->val->var, val);
	p->fail = miss;
	plan_body(p, e->bodies[0]);
	plan_jump(p, next);
	plan_here(p, miss);
	plan_jump(p, outer);
	plan_here(p, done);
	plan_unbind(p, mark);
	p->fail = outer;
}

static void plan_inner(struct planner *p, struct expr *e)
{
	uint32_t saved = p->fail, mark = p->ntrail, end, other;

	switch (e->kind) {
	case EX_TERM:
	case EX_SOME:
		plan_plain(p, e);
		return;
	case EX_EVERY:
		plan_every(p, e);
		return;
	case EX_NOT:
		end = plan_label(p);
		p->fail = end;
		plan_body(p, e->bodies[0]);
		plan_jump(p, saved);
		plan_here(p, end);
		break;
	case EX_AND:
		for (uint32_t i = 0; i < e->nbodies; i++) {
			p->fail = saved;
			plan_body(p, e->bodies[i]);
			plan_unbind(p, mark);
		}
		break;
	case EX_OR:
		end = plan_label(p);
		for (uint32_t i = 0; i < e->nbodies; i++) {
			bool last = i + 1 == e->nbodies;

			other = last ? saved : plan_label(p);
			p->fail = other;
			plan_body(p, e->bodies[i]);
			plan_unbind(p, mark);
			if (!last) {
				plan_jump(p, end);
				plan_here(p, other);
			}
		}
		plan_here(p, end);
		break;
	}
	plan_unbind(p, mark);
	p->fail = saved;
}

static void plan_signed(struct planner *p, struct expr *e)
{
	uint32_t saved = p->fail, mark = p->ntrail, end;

	if (!e->negated) {
		plan_inner(p, e);
		return;
	}
	end = plan_label(p);
	p->fail = end;
	plan_inner(p, e);
	plan_jump(p, saved);
	plan_here(p, end);
	plan_unbind(p, mark);
	p->fail = saved;
}

static void plan_with(struct planner *p, struct expr *e)
{
	uint32_t w = plan_reg(p), saved, out = plan_label(p), after = plan_label(p), vals[64];

	if (e->nwith > 64) {
		comp_error(p->c, ERR_COMPILE, e->loc, "too many with modifiers (limit is 64)");
		p->bad = true;
		return;
	}
	for (uint32_t k = 0; k < e->nwith; k++) {
		if (!e->with[k].by.fn && !e->with[k].by.builtin && !e->with[k].by.host)
			vals[k] = plan_term(p, e->with[k].value);
	}
	saved = p->fail;
	plan_emit(p, OP_WITH, w, 0, 0);
	for (uint32_t k = 0; k < e->nwith; k++) {
		struct with *x = &e->with[k];
		const struct term *head = x->target->kind == T_REF ? x->target->items[0] : x->target;
		uint32_t ops[64], n = 0;

		if (x->callee.fn || x->callee.builtin || x->callee.host) {
			bool by = x->by.fn || x->by.builtin || x->by.host;
			uint32_t f = plan_callee(p, x->callee), g = by ? plan_callee(p, x->by) : 0xffff;

			if (g > 0xffff)
				p->bad = true;
			plan_emit(p, OP_WITH_FN, w, by ? 0 : vals[k], f)->n = (uint16_t)g;
			continue;
		}
		for (uint32_t i = 1; x->target->kind == T_REF && i < x->target->n && n < 64; i++)
			ops[n++] = plan_term(p, x->target->items[i]);
		{
			uint32_t l = plan_list(p, ops, n);

			plan_emit(p, head->var == p->c->v_input ? OP_WITH_INPUT : OP_WITH_DATA, w, vals[k], l)->n = (uint16_t)n;
		}
	}
	plan_emit(p, OP_FRAME_IN, w, 0, 0);
	p->fail = out;
	plan_signed(p, e);
	plan_emit(p, OP_FRAME_OUT, w, 0, 0);
	plan_jump(p, after);
	plan_here(p, out);
	plan_emit(p, OP_FRAME_OUT, w, 0, 0);
	plan_jump(p, saved);
	if (p->fail != out) {	/* it iterates: coming back means entering again */
		uint32_t again = plan_label(p), in = p->fail;

		plan_here(p, again);
		plan_emit(p, OP_FRAME_IN, w, 0, 0);
		plan_jump(p, in);
		p->fail = again;
	} else {
		p->fail = saved;
	}
	plan_here(p, after);
}

void plan_body(struct planner *p, struct body *b)
{
	for (uint32_t i = 0; i < b->n && !p->bad; i++) {
		struct loc at = p->at;

		p->at = b->e[i]->loc;
		if (b->e[i]->nwith)
			plan_with(p, b->e[i]);
		else
			plan_signed(p, b->e[i]);
		p->at = at;
	}
}

/* ---- whole pieces ---- */

static void finish(struct planner *p, struct code *out)
{
	for (uint32_t i = 0; i < p->n && !p->bad; i++) {
		if (p->labels[p->ins[i].t] != UINT32_MAX)
			p->ins[i].t = p->labels[p->ins[i].t];
		else
			p->ins[i].t = p->n - 1;
	}
	*out = (struct code){.ins = p->ins, .n = p->n, .nregs = p->nregs, .consts = p->consts, .lists = p->lists,
			     .locs = p->locs, .callees = p->callees};
	plan_unbind(p, 0);
}

bool plan_rule_code(struct comp *c, struct rule *r, struct plan_rule *out)
{
	struct planner p = {.c = c, .at = r->loc};
	uint32_t end, prefix = rule_prefix(r), ops[70], n = 0;
	struct term *value = r->value, yes = {.kind = T_VALUE, .loc = r->loc, .value = rv_bool(true)};

	if (!value)
		value = &yes;
	p.fail = end = plan_label(&p);
	p.nregs = r->nargs;
	for (uint32_t i = 0; i < r->nargs; i++)
		plan_match(&p, r->args[i], i);
	plan_body(&p, r->body);
	p.at = r->loc;
	if (r->group->kind == G_PARTIAL) {
		for (uint32_t i = prefix; i < r->nref; i++)
			ops[n++] = plan_term(&p, r->ref[i]);
		ops[n++] = plan_term(&p, r->key ? r->key : value);
		plan_emit(&p, OP_EMIT_PATH, r->key != NULL, plan_list(&p, ops, n), 0)->n = (uint16_t)(n - 1);
	} else {
		uint32_t v = plan_term(&p, value);

		plan_emit(&p, OP_EMIT, 0, v, 0);
		if (plan_ground(value)) {
			out->fixed = true;
			out->value = plan_fold(&p, value);
		} else if ((v & OPERAND_CONST) && !p.bad) {	/* `v = 1` moved into the body */
			out->fixed = true;
			out->value = p.consts[v & ~OPERAND_CONST];
		}
	}
	plan_here(&p, end);
	plan_emit(&p, OP_END, 0, 0, 0);
	finish(&p, &out->code);
	out->code.early = out->fixed;
	out->loc = r->loc;
	out->src = r;
	return !p.bad && comp_ok(c);
}

/* The columns of a query: its variables as the user named them. */
static void columns(struct planner *p, struct rego_query *q, uint32_t *ops)
{
	uint32_t n = 0;

	q->names = comp_alloc(p->c, (p->ntrail + 1) * sizeof(*q->names));
	if (!q->names)
		return;
	for (uint32_t i = 0; i < p->ntrail && n < 1000; i++) {
		struct var *v = p->trail[i];

		if (v->wildcard || (v->generated && !v->orig))
			continue;
		q->names[n] = var_shown(v);
		ops[n++] = v->reg - 1;
	}
	q->ncols = n;
}

/* `count(xs)` and `x > 1` have a value; `x = 1`, `x := 1` and `count(xs, n)` only hold. */
static bool has_value(const struct term *t)
{
	const struct callee *f = &t->callee;

	if (t->kind != T_CALL)
		return true;
	if (call_is(t, "eq") || call_is(t, "assign"))
		return false;
	if (f->builtin)
		return f->builtin->arity == t->n - 1 && !(f->builtin->flags & (REGO_RELATION | REGO_VOID));
	return f->fn ? f->fn->arity == t->n - 1 : f->host && f->host->arity == t->n - 1;
}

/* The operand with the term's value; a call gets one more argument for it. */
static uint32_t query_value(struct planner *p, struct term *t)
{
	struct term more = *t;
	struct var *v;

	if (t->kind != T_CALL)
		return plan_term(p, t);
	v = var_fresh(p->c, NULL);
	more.items = comp_alloc(p->c, (t->n + 1) * sizeof(*more.items));
	if (!v || !more.items) {
		p->bad = true;
		return 0;
	}
	memcpy(more.items, t->items, t->n * sizeof(*more.items));
	more.items[more.n++] = term_var(p->c, v, t->loc);
	plan_call(p, &more);
	return plan_term(p, more.items[t->n]);
}

/* A query of expressions that all have a value: how many those are; 0 for any other. */
static uint32_t values_of(const struct body *b)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < b->n; i++) {
		const struct expr *e = b->e[i];

		if (e->generated && b->n > 1)
			continue;
		if (e->kind != EX_TERM || e->negated || e->nwith || !has_value(e->term))
			return 0;
		n++;
	}
	return n;
}

bool plan_query_code(struct comp *c, struct body *b, struct rego_query *q)
{
	struct planner p = {.c = c, .at = b->loc};
	uint32_t end, n = values_of(b), *ops = comp_alloc(c, (1024 + n) * sizeof(*ops)), *values;

	values = comp_alloc(c, (n + 1) * sizeof(*values));
	if (!ops || !values)
		return false;
	q->body = b;
	p.fail = end = plan_label(&p);
	q->has_value = n == 1 && b->n == 1;
	if (q->has_value) {	/* `data.policy.allow`: its value is wanted, false included */
		values[q->nvalues++] = query_value(&p, b->e[0]->term);
	} else {
		for (uint32_t i = 0; i < b->n && !p.bad; i++) {
			struct body one = {.e = &b->e[i], .n = 1};
			struct term t;

			if (!n || b->e[i]->generated) {
				plan_body(&p, &one);
				continue;
			}
			p.at = b->e[i]->loc;
			t = *b->e[i]->term;	/* the body stays as it is written */
			values[q->nvalues] = query_value(&p, &t);
			plan_emit(&p, OP_TRUTH, 0, values[q->nvalues++], 0);
		}
	}
	columns(&p, q, ops);
	memcpy(ops + q->ncols, values, q->nvalues * sizeof(*ops));
	n = q->ncols + q->nvalues;
	if (n > UINT16_MAX)
		return comp_error(c, ERR_COMPILE, b->loc, "too many expressions in a query (limit is %u)", UINT16_MAX);
	{
		uint32_t l = plan_list(&p, ops, n);

		plan_emit(&p, OP_ROW, 0, l, 0)->n = (uint16_t)n;
	}
	plan_here(&p, end);
	plan_emit(&p, OP_END, 0, 0, 0);
	finish(&p, &q->code);
	return !p.bad && comp_ok(c);
}
