/* From ordered bodies to linear code. */
#include "rego/plan.h"

struct planner {
	struct comp *c;
	struct ins *ins;
	uint32_t n, cap;
	uint32_t *labels, nlabels, cap_labels;
	struct rv *consts;
	uint32_t nconsts, cap_consts;
	uint32_t *lists, nlists, cap_lists;
	struct loc *locs;
	uint32_t nlocs, cap_locs;
	struct callee *callees;
	uint32_t ncallees, cap_callees;
	uint32_t nregs;
	uint32_t fail;		/* the label a failure goes to */
	struct var **trail;	/* variables bound so far */
	uint32_t ntrail, cap_trail;
	struct loc at;
	bool bad;
};

static uint32_t plan_term(struct planner *p, struct term *t);
static void plan_body(struct planner *p, struct body *b);
static void match(struct planner *p, struct term *t, uint32_t op);
static void unify(struct planner *p, struct term *a, struct term *b);

static void *room(struct planner *p, void *array, uint32_t n, uint32_t *cap, size_t size)
{
	uint32_t more = *cap ? *cap * 2 : 16;
	void *q;

	if (n < *cap)
		return array;
	q = arena_grow(p->c->arena, array, *cap * size, more * size);
	if (!q) {
		p->c->no_memory = p->bad = true;
		return NULL;
	}
	*cap = more;
	return q;
}

static bool same_loc(struct loc a, struct loc b)
{
	return a.off == b.off && a.len == b.len && a.mod == b.mod;
}

static struct ins *emit(struct planner *p, enum plan_op op, uint32_t a, uint32_t b, uint32_t c)
{
	static struct ins sink;

	if (p->bad || !(p->ins = room(p, p->ins, p->n, &p->cap, sizeof(*p->ins))))
		return &sink;
	if (!p->nlocs || !same_loc(p->locs[p->nlocs - 1], p->at)) {
		if (!(p->locs = room(p, p->locs, p->nlocs, &p->cap_locs, sizeof(*p->locs))))
			return &sink;
		p->locs[p->nlocs++] = p->at;
	}
	p->ins[p->n] = (struct ins){.op = (uint8_t)op, .a = a, .b = b, .c = c, .t = p->fail, .at = p->nlocs - 1};
	return &p->ins[p->n++];
}

static uint32_t label(struct planner *p)
{
	if (!(p->labels = room(p, p->labels, p->nlabels, &p->cap_labels, sizeof(*p->labels))))
		return 0;
	p->labels[p->nlabels] = UINT32_MAX;
	return p->nlabels++;
}

static void here(struct planner *p, uint32_t l)
{
	if (!p->bad)
		p->labels[l] = p->n;
}

static void jump(struct planner *p, uint32_t l)
{
	emit(p, OP_JMP, 0, 0, 0)->t = l;
}

static uint32_t reg(struct planner *p)
{
	if (p->nregs >= 60000) {
		p->bad = true;
		comp_error(p->c, ERR_COMPILE, p->at, "rule needs too many registers (limit is 60000)");
		return 0;
	}
	return p->nregs++;
}

static uint32_t constant(struct planner *p, struct rv v)
{
	for (uint32_t i = p->nconsts > 32 ? p->nconsts - 32 : 0; i < p->nconsts; i++) {
		struct rv k = p->consts[i];

		if (k.kind == v.kind && k.sub == v.sub && k.i == v.i)
			return i | OPERAND_CONST;
	}
	if (p->bad || !(p->consts = room(p, p->consts, p->nconsts, &p->cap_consts, sizeof(*p->consts))))
		return OPERAND_CONST;
	rv_freeze(v);
	p->consts[p->nconsts] = v;
	return p->nconsts++ | OPERAND_CONST;
}

static uint32_t list(struct planner *p, const uint32_t *ops, uint32_t n)
{
	uint32_t at = p->nlists;

	for (uint32_t i = 0; i < n; i++) {
		if (p->bad || !(p->lists = room(p, p->lists, p->nlists, &p->cap_lists, sizeof(*p->lists))))
			return 0;
		p->lists[p->nlists++] = ops[i];
	}
	return at;
}

static uint32_t callee(struct planner *p, struct callee f)
{
	if (p->bad || !(p->callees = room(p, p->callees, p->ncallees, &p->cap_callees, sizeof(*p->callees))))
		return 0;
	p->callees[p->ncallees] = f;
	return p->ncallees++;
}

/* ---- bindings ---- */

static bool bound(const struct var *v)
{
	return v->reg != 0;
}

static void bind(struct planner *p, struct var *v, uint32_t op)
{
	if (p->bad || !(p->trail = room(p, p->trail, p->ntrail, &p->cap_trail, sizeof(struct var *))))
		return;
	/* constants keep their flag: 0 is "not bound", so operands are stored plus one */
	v->reg = op + 1;
	p->trail[p->ntrail++] = v;
}

static void unbind(struct planner *p, uint32_t mark)
{
	while (p->ntrail > mark)
		p->trail[--p->ntrail]->reg = 0;
}

static bool is_root(const struct planner *p, const struct var *v)
{
	return v == p->c->v_data || v == p->c->v_input;
}

/* A variable that evaluation itself would not bind: outside of references. */
static bool open(const struct planner *p, const struct term *t)
{
	if (t->kind == T_VAR)
		return !is_root(p, t->var) && !bound(t->var);
	if (t->kind == T_ARRAY || t->kind == T_SET || t->kind == T_OBJECT) {
		for (uint32_t i = 0; i < t->n; i++) {
			if (open(p, t->items[i]))
				return true;
		}
	}
	return false;
}

/* A constant through and through. */
static bool ground(const struct term *t)
{
	if (t->kind == T_VALUE)
		return true;
	if (t->kind != T_ARRAY && t->kind != T_SET && t->kind != T_OBJECT)
		return false;
	for (uint32_t i = 0; i < t->n; i++) {
		if (!ground(t->items[i]))
			return false;
	}
	return true;
}

static struct rv fold(struct planner *p, const struct term *t)
{
	struct rv_heap *h = &p->c->heap;

	if (t->kind == T_VALUE)
		return t->value;
	if (t->kind == T_ARRAY) {
		struct rv_vec v = rv_vec(h);

		for (uint32_t i = 0; i < t->n; i++)
			rv_push(&v, fold(p, t->items[i]));
		return rv_vec_done(&v);
	}
	if (t->kind == T_SET) {
		struct rv_builder b = rv_set_builder(h, t->n);

		for (uint32_t i = 0; i < t->n; i++)
			rv_set_add(&b, fold(p, t->items[i]));
		return rv_builder_done(&b);
	}
	{
		struct rv_builder b = rv_object_builder(h, t->n / 2);

		for (uint32_t i = 0; i < t->n; i += 2)
			rv_object_put(&b, fold(p, t->items[i]), fold(p, t->items[i + 1]));
		return rv_builder_done(&b);
	}
}

/* ---- references ---- */

static uint32_t iterate(struct planner *p, uint32_t coll, uint32_t *val)
{
	uint32_t it = reg(p), key, next;

	(void)reg(p);	/* the position */
	key = reg(p);
	*val = reg(p);
	emit(p, OP_ITER, it, coll, 0);
	next = label(p);
	here(p, next);
	emit(p, OP_NEXT, it, key, *val);
	p->fail = next;
	return key;
}

static uint32_t part(struct planner *p, uint32_t cur, struct term *t)
{
	uint32_t out, key, val;

	if (open(p, t)) {
		key = iterate(p, cur, &val);
		match(p, t, key);
		return val;
	}
	key = plan_term(p, t);
	out = reg(p);
	emit(p, OP_STEP, out, cur, key);
	return out;
}

/* The part of the data tree that constants lead to; what is left of the reference goes on from there. */
static uint32_t data_start(struct planner *p, struct term *t, uint32_t *from, bool *cursor)
{
	const struct tree *n = p->c->tree;
	uint32_t i = 1, out = reg(p);

	for (; i < t->n && !n->group; i++) {
		const struct tree *k = t->items[i]->kind == T_VALUE ? tree_kid(n, t->items[i]->value) : NULL;

		if (!k || (k->group && k->group->kind == G_FUNCTION))
			break;
		n = k;
	}
	*from = i;
	*cursor = !n->group;
	if (n->group) {
		emit(p, OP_GROUP, out, n->group->id, 0);
	} else {
		struct callee place = {.fn = NULL, .host = (const struct rego_host_fn *)(const void *)n};

		emit(p, OP_CURSOR, out, callee(p, place), 0);
	}
	return out;
}

static uint32_t plan_ref(struct planner *p, struct term *t)
{
	struct term *head = t->items[0];
	uint32_t cur, from = 1, out;
	bool cursor = false;

	if (head->kind == T_VAR && head->var == p->c->v_data) {
		cur = data_start(p, t, &from, &cursor);
	} else {
		cur = plan_term(p, head);
	}
	for (; from < t->n; from++)
		cur = part(p, cur, t->items[from]);
	if (!cursor)
		return cur;
	out = reg(p);
	emit(p, OP_FORCE, out, cur, 0);
	return out;
}

/* ---- terms ---- */

static uint32_t comprehension(struct planner *p, struct term *t)
{
	uint32_t saved = p->fail, mark = p->ntrail, b = reg(p), out = reg(p), end = label(p), v, k = 0;

	emit(p, OP_BUILD, b, 0, 0)->n = t->kind == T_ARRAY_COMP ? 0 : t->kind == T_SET_COMP ? 1 : 2;
	p->fail = end;
	plan_body(p, t->body);
	if (t->key)
		k = plan_term(p, t->key);
	v = plan_term(p, t->val);
	if (t->key)
		emit(p, OP_PUT, b, k, v);
	else
		emit(p, OP_ADD, b, v, 0);
	jump(p, p->fail);
	here(p, end);
	unbind(p, mark);
	p->fail = saved;
	emit(p, OP_BUILT, out, b, 0);
	return out;
}

static uint32_t template(struct planner *p, struct term *t)
{
	uint32_t *ops = comp_alloc(p->c, (t->n + 1) * sizeof(*ops)), out = reg(p);

	if (!ops)
		return 0;
	for (uint32_t i = 0; i < t->n; i++) {
		struct expr *e = t->parts[i];
		uint32_t saved = p->fail, mark = p->ntrail, miss, end, v;

		if (!e->nbodies) {
			ops[i] = constant(p, e->term->value);
			continue;
		}
		ops[i] = reg(p);
		miss = label(p);
		end = label(p);
		p->fail = miss;
		plan_body(p, e->bodies[0]);
		v = plan_term(p, e->val);
		emit(p, OP_MOVE, ops[i], v, 0);
		jump(p, end);
		here(p, miss);
		emit(p, OP_UNDEF, ops[i], 0, 0);
		here(p, end);
		unbind(p, mark);
		p->fail = saved;
	}
	emit(p, OP_TEXT, out, list(p, ops, t->n), 0)->n = (uint16_t)t->n;
	return out;
}

static uint32_t composite(struct planner *p, struct term *t)
{
	static const enum plan_op ops_of[] = {[T_ARRAY] = OP_MAKE_ARRAY, [T_SET] = OP_MAKE_SET, [T_OBJECT] = OP_MAKE_OBJECT};
	uint32_t *ops, out;

	if (ground(t))
		return constant(p, fold(p, t));
	if (t->n > 60000) {
		comp_error(p->c, ERR_COMPILE, t->loc, "too many elements (limit is 60000)");
		p->bad = true;
		return 0;
	}
	ops = comp_alloc(p->c, (t->n + 1) * sizeof(*ops));
	if (!ops)
		return 0;
	for (uint32_t i = 0; i < t->n; i++)
		ops[i] = plan_term(p, t->items[i]);
	out = reg(p);
	emit(p, ops_of[t->kind], out, list(p, ops, t->n), 0)->n = (uint16_t)t->n;
	return out;
}

static uint32_t plan_term(struct planner *p, struct term *t)
{
	uint32_t out;

	if (p->bad || !t)
		return 0;
	switch (t->kind) {
	case T_VALUE:
		return constant(p, t->value);
	case T_VAR:
		if (t->var == p->c->v_input) {
			out = reg(p);
			emit(p, OP_INPUT, out, 0, 0);
			return out;
		}
		if (t->var == p->c->v_data) {
			struct term *items[1] = {t}, ref = {.kind = T_REF, .loc = t->loc, .items = items, .n = 1};

			return plan_ref(p, &ref);
		}
		if (!bound(t->var)) {
			comp_error(p->c, ERR_UNSAFE, t->loc, "var %s is unsafe", var_shown(t->var));
			p->bad = true;
			return 0;
		}
		return t->var->reg - 1;
	case T_REF:
		return plan_ref(p, t);
	case T_ARRAY:
	case T_SET:
	case T_OBJECT:
		return composite(p, t);
	case T_ARRAY_COMP:
	case T_SET_COMP:
	case T_OBJECT_COMP:
		return comprehension(p, t);
	case T_TEMPLATE:
		return template(p, t);
	case T_CALL:
		break;	/* hoisted before */
	}
	p->bad = true;
	comp_error(p->c, ERR_COMPILE, t->loc, "call in an unexpected place");
	return 0;
}

/* ---- unification ---- */

static void match(struct planner *p, struct term *t, uint32_t op)
{
	if (p->bad)
		return;
	if (t->kind == T_VAR && !is_root(p, t->var) && !bound(t->var)) {
		bind(p, t->var, op);
		return;
	}
	if (t->kind == T_ARRAY && !ground(t)) {
		emit(p, OP_ARRAY_N, 0, op, 0)->n = (uint16_t)t->n;
		for (uint32_t i = 0; i < t->n; i++) {
			uint32_t e;

			if (t->items[i]->kind == T_VAR && t->items[i]->var->wildcard && !bound(t->items[i]->var))
				continue;
			e = reg(p);
			emit(p, OP_ELEM, e, op, 0)->n = (uint16_t)i;
			match(p, t->items[i], e);
		}
		return;
	}
	if (t->kind == T_OBJECT && !ground(t)) {
		emit(p, OP_OBJECT_N, 0, op, 0)->n = (uint16_t)(t->n / 2);
		for (uint32_t i = 0; i < t->n; i += 2) {
			uint32_t k = plan_term(p, t->items[i]), e = reg(p);

			emit(p, OP_FIELD, e, op, k);
			match(p, t->items[i + 1], e);
		}
		return;
	}
	{
		uint32_t v = plan_term(p, t);

		emit(p, OP_EQ, 0, v, op);
	}
}

static bool can_eval(const struct planner *p, const struct term *t)
{
	return !open(p, t);
}

/* Two array patterns, element by element; what neither side knows yet comes again. */
static void unify_arrays(struct planner *p, struct term *a, struct term *b)
{
	bool *done = comp_alloc(p->c, a->n + 1);
	uint32_t left = a->n, before;

	if (a->n != b->n) {
		jump(p, p->fail);
		/* what follows is not reached, but its variables must be known */
		for (uint32_t k = 0; k < 2; k++) {
			struct term *t = k ? b : a;

			for (uint32_t i = 0; i < t->n; i++) {
				if (open(p, t->items[i]))
					match(p, t->items[i], constant(p, rv_null()));
			}
		}
		return;
	}
	if (!done)
		return;
	do {
		before = left;
		for (uint32_t i = 0; i < a->n; i++) {
			struct term *x = a->items[i], *y = b->items[i];

			if (done[i] || (!can_eval(p, x) && !can_eval(p, y) && !(x->kind == T_ARRAY && y->kind == T_ARRAY) &&
					!(x->kind == T_OBJECT && y->kind == T_OBJECT)))
				continue;
			done[i] = true;
			left--;
			unify(p, x, y);
		}
	} while (left && left < before);
	for (uint32_t i = 0; i < a->n; i++) {
		if (!done[i])
			unify(p, a->items[i], b->items[i]);
	}
}

static void unify_objects(struct planner *p, struct term *a, struct term *b)
{
	if (a->n != b->n) {
		jump(p, p->fail);
		return;
	}
	for (int pass = 0; pass < 2; pass++) {
		for (uint32_t i = 0; i < a->n; i += 2) {
			bool found = false;

			for (uint32_t k = 0; k < b->n && !found; k += 2) {
				struct term *x = a->items[i], *y = b->items[k];

				if ((x->kind == T_VALUE && y->kind == T_VALUE && rv_eq(x->value, y->value)) ||
				    (x->kind == T_VAR && y->kind == T_VAR && x->var == y->var)) {
					bool ready = can_eval(p, a->items[i + 1]) || can_eval(p, b->items[k + 1]);

					found = true;
					if ((pass == 0) == ready)
						unify(p, a->items[i + 1], b->items[k + 1]);
				}
			}
			if (!found && pass == 0)
				jump(p, p->fail);
		}
	}
}

static void unify(struct planner *p, struct term *a, struct term *b)
{
	uint32_t op;

	if (p->bad)
		return;
	if (a->kind == T_VAR && open(p, a)) {
		if (open(p, b) && b->kind != T_VAR) {
			comp_error(p->c, ERR_UNSAFE, p->at, "expression is unsafe");
			p->bad = true;
			return;
		}
		op = plan_term(p, b);
		match(p, a, op);
	} else if (b->kind == T_VAR && open(p, b)) {
		op = plan_term(p, a);
		match(p, b, op);
	} else if (open(p, a) && a->kind == T_ARRAY && b->kind == T_ARRAY) {
		unify_arrays(p, a, b);
	} else if (open(p, b) && a->kind == T_ARRAY && b->kind == T_ARRAY) {
		unify_arrays(p, a, b);
	} else if (open(p, a) && open(p, b) && a->kind == T_OBJECT && b->kind == T_OBJECT) {
		unify_objects(p, a, b);
	} else if (open(p, a)) {
		op = plan_term(p, b);
		match(p, a, op);
	} else if (open(p, b)) {
		op = plan_term(p, a);
		match(p, b, op);
	} else {
		uint32_t x = plan_term(p, a), y = plan_term(p, b);

		emit(p, OP_EQ, 0, x, y);
	}
}

/* ---- expressions ---- */

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
	struct term *result = given > arity ? t->items[t->n - 1] : NULL;

	if ((call_is(t, "eq") || call_is(t, "assign")) && !t->callee.fn && given == 2) {
		unify(p, t->items[1], t->items[2]);
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
	for (uint32_t i = 0; i < arity; i++)
		ops[i] = plan_term(p, t->items[i + 1]);
	if (test != OP_END && !result) {
		emit(p, test, 0, ops[0], ops[1]);
		return;
	}
	out = reg(p);
	if (test != OP_END) {
		emit(p, OP_CMP, out, ops[0], ops[1])->n = (uint16_t)test;
	} else if (t->callee.fn && t->callee.fn->kind != G_FUNCTION) {
		emit(p, OP_GROUP, out, t->callee.fn->id, 0);
	} else {
		enum plan_op op = t->callee.fn ? OP_CALL_RULE : t->callee.host ? OP_CALL_HOST : OP_CALL_BUILTIN;
		uint32_t l = list(p, ops, arity), f = callee(p, t->callee);

		emit(p, op, out, l, f)->n = (uint16_t)arity;
		if (op == OP_CALL_BUILTIN && (t->callee.builtin->flags & REGO_RELATION))
			(void)iterate(p, out, &out);
	}
	if (result)
		match(p, result, out);
	else
		emit(p, OP_TRUTH, 0, out, 0);
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
	emit(p, OP_TRUTH, 0, v, 0);
}

static void plan_every(struct planner *p, struct expr *e)
{
	uint32_t saved = p->fail, mark = p->ntrail, d = plan_term(p, e->domain), outer = p->fail;
	uint32_t it = reg(p), key, val, next = label(p), done = label(p), miss = label(p);

	(void)saved;
	(void)reg(p);
	key = reg(p);
	val = reg(p);
	emit(p, OP_ITER, it, d, 0)->flags = 1;
	here(p, next);
	emit(p, OP_NEXT, it, key, val)->t = done;
	if (e->key)
		bind(p, e->key->var, key);
	bind(p, e->val->var, val);
	p->fail = miss;
	plan_body(p, e->bodies[0]);
	jump(p, next);
	here(p, miss);
	jump(p, outer);
	here(p, done);
	unbind(p, mark);
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
		end = label(p);
		p->fail = end;
		plan_body(p, e->bodies[0]);
		jump(p, saved);
		here(p, end);
		break;
	case EX_AND:
		for (uint32_t i = 0; i < e->nbodies; i++) {
			p->fail = saved;
			plan_body(p, e->bodies[i]);
			unbind(p, mark);
		}
		break;
	case EX_OR:
		end = label(p);
		for (uint32_t i = 0; i < e->nbodies; i++) {
			bool last = i + 1 == e->nbodies;

			other = last ? saved : label(p);
			p->fail = other;
			plan_body(p, e->bodies[i]);
			unbind(p, mark);
			if (!last) {
				jump(p, end);
				here(p, other);
			}
		}
		here(p, end);
		break;
	}
	unbind(p, mark);
	p->fail = saved;
}

static void plan_signed(struct planner *p, struct expr *e)
{
	uint32_t saved = p->fail, mark = p->ntrail, end;

	if (!e->negated) {
		plan_inner(p, e);
		return;
	}
	end = label(p);
	p->fail = end;
	plan_inner(p, e);
	jump(p, saved);
	here(p, end);
	unbind(p, mark);
	p->fail = saved;
}

static void plan_with(struct planner *p, struct expr *e)
{
	uint32_t w = reg(p), saved, out = label(p), after = label(p), vals[64];

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
	emit(p, OP_WITH, w, 0, 0);
	for (uint32_t k = 0; k < e->nwith; k++) {
		struct with *x = &e->with[k];
		const struct term *head = x->target->kind == T_REF ? x->target->items[0] : x->target;
		uint32_t ops[64], n = 0;

		if (x->callee.fn || x->callee.builtin || x->callee.host) {
			bool by = x->by.fn || x->by.builtin || x->by.host;
			uint32_t f = callee(p, x->callee), g = by ? callee(p, x->by) : 0xffff;

			if (g > 0xffff)
				p->bad = true;
			emit(p, OP_WITH_FN, w, by ? 0 : vals[k], f)->n = (uint16_t)g;
			continue;
		}
		for (uint32_t i = 1; x->target->kind == T_REF && i < x->target->n && n < 64; i++)
			ops[n++] = plan_term(p, x->target->items[i]);
		{
			uint32_t l = list(p, ops, n);

			emit(p, head->var == p->c->v_input ? OP_WITH_INPUT : OP_WITH_DATA, w, vals[k], l)->n = (uint16_t)n;
		}
	}
	emit(p, OP_FRAME_IN, w, 0, 0);
	p->fail = out;
	plan_signed(p, e);
	emit(p, OP_FRAME_OUT, w, 0, 0);
	jump(p, after);
	here(p, out);
	emit(p, OP_FRAME_OUT, w, 0, 0);
	jump(p, saved);
	if (p->fail != out) {	/* it iterates: coming back means entering again */
		uint32_t again = label(p), in = p->fail;

		here(p, again);
		emit(p, OP_FRAME_IN, w, 0, 0);
		jump(p, in);
		p->fail = again;
	} else {
		p->fail = saved;
	}
	here(p, after);
}

static void plan_body(struct planner *p, struct body *b)
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
	unbind(p, 0);
}

bool plan_rule_code(struct comp *c, struct rule *r, struct plan_rule *out)
{
	struct planner p = {.c = c, .at = r->loc};
	uint32_t end, prefix = rule_prefix(r), ops[70], n = 0;
	struct term *value = r->value, yes = {.kind = T_VALUE, .loc = r->loc, .value = rv_bool(true)};

	if (!value)
		value = &yes;
	p.fail = end = label(&p);
	p.nregs = r->nargs;
	for (uint32_t i = 0; i < r->nargs; i++)
		match(&p, r->args[i], i);
	plan_body(&p, r->body);
	p.at = r->loc;
	if (r->group->kind == G_PARTIAL) {
		for (uint32_t i = prefix; i < r->nref; i++)
			ops[n++] = plan_term(&p, r->ref[i]);
		ops[n++] = plan_term(&p, r->key ? r->key : value);
		emit(&p, OP_EMIT_PATH, r->key != NULL, list(&p, ops, n), 0)->n = (uint16_t)(n - 1);
	} else {
		uint32_t v = plan_term(&p, value);

		emit(&p, OP_EMIT, 0, v, 0);
		if (ground(value)) {
			out->fixed = true;
			out->value = fold(&p, value);
		} else if ((v & OPERAND_CONST) && !p.bad) {	/* `v = 1` moved into the body */
			out->fixed = true;
			out->value = p.consts[v & ~OPERAND_CONST];
		}
	}
	here(&p, end);
	emit(&p, OP_END, 0, 0, 0);
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

bool plan_query_code(struct comp *c, struct body *b, struct rego_query *q)
{
	struct planner p = {.c = c, .at = b->loc};
	uint32_t end, *ops = comp_alloc(c, 1024 * sizeof(*ops)), value = 0;
	bool plain = b->n && b->e[b->n - 1]->kind == EX_TERM && !b->e[b->n - 1]->negated && !b->e[b->n - 1]->nwith &&
		     b->n == 1 && b->e[0]->term->kind != T_CALL;

	if (!ops)
		return false;
	p.fail = end = label(&p);
	if (plain) {	/* `data.policy.allow`: its value is wanted, false included */
		value = plan_term(&p, b->e[0]->term);
		q->has_value = true;
	} else {
		plan_body(&p, b);
	}
	columns(&p, q, ops);
	if (plain)
		ops[q->ncols] = value;
	{
		uint32_t l = list(&p, ops, q->ncols + plain);

		emit(&p, OP_ROW, 0, l, 0)->n = (uint16_t)(q->ncols + plain);
	}
	here(&p, end);
	emit(&p, OP_END, 0, 0, 0);
	finish(&p, &q->code);
	return !p.bad && comp_ok(c);
}
