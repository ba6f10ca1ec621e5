/* From terms to linear code: operands, references, unification. */
#include "rego/plan_int.h"

static void *room(struct planner *p, void *array, uint32_t n, uint32_t *cap, size_t size)
{
	uint32_t more = *cap ? *cap * 2 : 16;
	void *q;

	if (n < *cap)
		return array;
	q = arena_grow(p->c->arena, array, *cap * size, more * size);
	if (!q) {
		p->bad = true;
		comp_oom(p->c);
		return NULL;
	}
	*cap = more;
	return q;
}

static bool same_loc(struct loc a, struct loc b)
{
	return a.off == b.off && a.len == b.len && a.mod == b.mod;
}

struct ins *plan_emit(struct planner *p, enum plan_op op, uint32_t a, uint32_t b, uint32_t c)
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

uint32_t plan_label(struct planner *p)
{
	if (!(p->labels = room(p, p->labels, p->nlabels, &p->cap_labels, sizeof(*p->labels))))
		return 0;
	p->labels[p->nlabels] = UINT32_MAX;
	return p->nlabels++;
}

void plan_here(struct planner *p, uint32_t l)
{
	if (!p->bad)
		p->labels[l] = p->n;
}

void plan_jump(struct planner *p, uint32_t l)
{
	plan_emit(p, OP_JMP, 0, 0, 0)->t = l;
}

uint32_t plan_reg(struct planner *p)
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

uint32_t plan_list(struct planner *p, const uint32_t *ops, uint32_t n)
{
	uint32_t at = p->nlists;

	for (uint32_t i = 0; i < n; i++) {
		if (p->bad || !(p->lists = room(p, p->lists, p->nlists, &p->cap_lists, sizeof(*p->lists))))
			return 0;
		p->lists[p->nlists++] = ops[i];
	}
	return at;
}

uint32_t plan_callee(struct planner *p, struct callee f)
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

void plan_bind(struct planner *p, struct var *v, uint32_t op)
{
	if (p->bad || !(p->trail = room(p, p->trail, p->ntrail, &p->cap_trail, sizeof(struct var *))))
		return;
	/* constants keep their flag: 0 is "not bound", so operands are stored plus one */
	v->reg = op + 1;
	p->trail[p->ntrail++] = v;
}

void plan_unbind(struct planner *p, uint32_t mark)
{
	while (p->ntrail > mark)
		p->trail[--p->ntrail]->reg = 0;
}

static bool is_root(const struct planner *p, const struct var *v)
{
	return v == p->c->v_data || v == p->c->v_input;
}

/* Variables that references on the way will have bound. */
struct soon {
	const struct var *v[16];
	uint32_t n;
};

static bool evaluable(const struct planner *p, const struct term *t, struct soon *soon);

/* A part of a reference: its variables are bound by going through the keys. */
static void part_binds(const struct planner *p, const struct term *t, struct soon *soon)
{
	if (t->kind == T_VAR && soon->n < sizeof(soon->v) / sizeof(soon->v[0]))
		soon->v[soon->n++] = t->var;
	else if (t->kind == T_REF)
		(void)evaluable(p, t, soon);
	else if (t->kind == T_ARRAY || t->kind == T_OBJECT)
		for (uint32_t i = 0; i < t->n; i++)
			part_binds(p, t->items[i], soon);
}

static bool evaluable(const struct planner *p, const struct term *t, struct soon *soon)
{
	bool yes = true;

	switch (t->kind) {
	case T_VAR:
		yes = is_root(p, t->var) || bound(t->var);
		for (uint32_t i = 0; i < soon->n && !yes; i++)
			yes = soon->v[i] == t->var;
		return yes;
	case T_REF:
		for (uint32_t i = 1; i < t->n; i++)
			part_binds(p, t->items[i], soon);
		return true;
	case T_ARRAY:
	case T_SET:
	case T_OBJECT:
		for (uint32_t i = 0; i < t->n && yes; i++)
			yes = evaluable(p, t->items[i], soon);
		return yes;
	case T_VALUE:
	case T_CALL:
	case T_ARRAY_COMP:
	case T_SET_COMP:
	case T_OBJECT_COMP:
	case T_TEMPLATE:
		break;
	}
	return true;
}

/* Has a variable that evaluation would meet before anything binds it: references bind what stands in their brackets. */
bool plan_open(const struct planner *p, const struct term *t)
{
	return !evaluable(p, t, &(struct soon){.n = 0});
}

/* A constant through and through. */
bool plan_ground(const struct term *t)
{
	if (t->kind == T_VALUE)
		return true;
	if (t->kind != T_ARRAY && t->kind != T_SET && t->kind != T_OBJECT)
		return false;
	for (uint32_t i = 0; i < t->n; i++) {
		if (!plan_ground(t->items[i]))
			return false;
	}
	return true;
}

struct rv plan_fold(struct planner *p, const struct term *t)
{
	struct rv_heap *h = &p->c->heap;

	if (t->kind == T_VALUE)
		return t->value;
	if (t->kind == T_ARRAY) {
		struct rv_vec v = rv_vec(h);

		for (uint32_t i = 0; i < t->n; i++)
			rv_push(&v, plan_fold(p, t->items[i]));
		return rv_vec_done(&v);
	}
	if (t->kind == T_SET) {
		struct rv_builder b = rv_set_builder(h, t->n);

		for (uint32_t i = 0; i < t->n; i++)
			rv_set_add(&b, plan_fold(p, t->items[i]));
		return rv_builder_done(&b);
	}
	{
		struct rv_builder b = rv_object_builder(h, t->n / 2);

		for (uint32_t i = 0; i < t->n; i += 2)
			rv_object_put(&b, plan_fold(p, t->items[i]), plan_fold(p, t->items[i + 1]));
		return rv_builder_done(&b);
	}
}

/* ---- references ---- */

uint32_t plan_iterate(struct planner *p, uint32_t coll, uint32_t *val)
{
	uint32_t it = plan_reg(p), key, next;

	(void)plan_reg(p);	/* the position */
	key = plan_reg(p);
	*val = plan_reg(p);
	plan_emit(p, OP_ITER, it, coll, 0);
	next = plan_label(p);
	plan_here(p, next);
	plan_emit(p, OP_NEXT, it, key, *val);
	p->fail = next;
	return key;
}

static uint32_t part(struct planner *p, uint32_t cur, struct term *t, bool data)
{
	uint32_t out, key, val;

	if (plan_open(p, t)) {
		key = plan_iterate(p, cur, &val);
		plan_match(p, t, key);
		return val;
	}
	key = plan_term(p, t);
	out = plan_reg(p);
	plan_emit(p, OP_STEP, out, cur, key)->flags = data;
	return out;
}

/* The part of the data tree that constants lead to; what is left of the reference goes on from there. */
static uint32_t data_start(struct planner *p, struct term *t, uint32_t *from, bool *cursor)
{
	const struct tree *n = p->c->tree;
	uint32_t i = 1, out = plan_reg(p);

	for (; i < t->n && !n->group; i++) {
		const struct tree *k = t->items[i]->kind == T_VALUE ? tree_kid(n, t->items[i]->value) : NULL;

		if (!k || (k->group && k->group->kind == G_FUNCTION))
			break;
		n = k;
	}
	*from = i;
	*cursor = !n->group;
	if (n->group) {
		plan_emit(p, OP_GROUP, out, n->group->id, 0);
	} else {
		struct callee place = {.fn = NULL, .host = (const struct rego_host_fn *)(const void *)n};

		plan_emit(p, OP_CURSOR, out, plan_callee(p, place), 0);
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
		cur = part(p, cur, t->items[from], cursor);
	if (!cursor)
		return cur;
	out = plan_reg(p);
	plan_emit(p, OP_FORCE, out, cur, 0);
	return out;
}

/* ---- terms ---- */

static uint32_t comprehension(struct planner *p, struct term *t)
{
	uint32_t saved = p->fail, mark = p->ntrail, b = plan_reg(p), out = plan_reg(p), end = plan_label(p), v, k = 0;

	plan_emit(p, OP_BUILD, b, 0, 0)->n = t->kind == T_ARRAY_COMP ? 0 : t->kind == T_SET_COMP ? 1 : 2;
	p->fail = end;
	plan_body(p, t->body);
	if (t->key)
		k = plan_term(p, t->key);
	v = plan_term(p, t->val);
	if (t->key)
		plan_emit(p, OP_PUT, b, k, v);
	else
		plan_emit(p, OP_ADD, b, v, 0);
	plan_jump(p, p->fail);
	plan_here(p, end);
	plan_unbind(p, mark);
	p->fail = saved;
	plan_emit(p, OP_BUILT, out, b, 0);
	return out;
}

static uint32_t template(struct planner *p, struct term *t)
{
	uint32_t *ops = comp_alloc(p->c, (t->n + 1) * sizeof(*ops)), out = plan_reg(p);

	if (!ops)
		return 0;
	for (uint32_t i = 0; i < t->n; i++) {
		struct expr *e = t->parts[i];
		uint32_t saved = p->fail, mark = p->ntrail, miss, end, v;

		if (!e->nbodies) {
			ops[i] = constant(p, e->term->value);
			continue;
		}
		ops[i] = plan_reg(p);
		miss = plan_label(p);
		end = plan_label(p);
		p->fail = miss;
		plan_body(p, e->bodies[0]);
		v = plan_term(p, e->val);
		plan_emit(p, OP_MOVE, ops[i], v, 0);
		plan_jump(p, end);
		plan_here(p, miss);
		plan_emit(p, OP_UNDEF, ops[i], 0, 0);
		plan_here(p, end);
		plan_unbind(p, mark);
		p->fail = saved;
	}
	plan_emit(p, OP_TEXT, out, plan_list(p, ops, t->n), 0)->n = (uint16_t)t->n;
	return out;
}

static uint32_t composite(struct planner *p, struct term *t)
{
	static const enum plan_op ops_of[] = {[T_ARRAY] = OP_MAKE_ARRAY, [T_SET] = OP_MAKE_SET, [T_OBJECT] = OP_MAKE_OBJECT};
	uint32_t *ops, out;

	if (plan_ground(t))
		return constant(p, plan_fold(p, t));
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
	out = plan_reg(p);
	plan_emit(p, ops_of[t->kind], out, plan_list(p, ops, t->n), 0)->n = (uint16_t)t->n;
	return out;
}

uint32_t plan_term(struct planner *p, struct term *t)
{
	uint32_t out;

	if (p->bad || !t)
		return 0;
	switch (t->kind) {
	case T_VALUE:
		return constant(p, t->value);
	case T_VAR:
		if (t->var == p->c->v_input) {
			out = plan_reg(p);
			plan_emit(p, OP_INPUT, out, 0, 0);
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

void plan_match(struct planner *p, struct term *t, uint32_t op)
{
	if (p->bad)
		return;
	if (t->kind == T_VAR && !is_root(p, t->var) && !bound(t->var)) {
		plan_bind(p, t->var, op);
		return;
	}
	if (t->kind == T_ARRAY && !plan_ground(t)) {
		plan_emit(p, OP_ARRAY_N, 0, op, 0)->n = (uint16_t)t->n;
		for (uint32_t i = 0; i < t->n; i++) {
			uint32_t e;

			if (t->items[i]->kind == T_VAR && t->items[i]->var->wildcard && !bound(t->items[i]->var))
				continue;
			e = plan_reg(p);
			plan_emit(p, OP_ELEM, e, op, 0)->n = (uint16_t)i;
			plan_match(p, t->items[i], e);
		}
		return;
	}
	if (t->kind == T_OBJECT && !plan_ground(t)) {
		plan_emit(p, OP_OBJECT_N, 0, op, 0)->n = (uint16_t)(t->n / 2);
		for (uint32_t i = 0; i < t->n; i += 2) {
			uint32_t k = plan_term(p, t->items[i]), e = plan_reg(p);

			plan_emit(p, OP_FIELD, e, op, k);
			plan_match(p, t->items[i + 1], e);
		}
		return;
	}
	{
		uint32_t v = plan_term(p, t);

		plan_emit(p, OP_EQ, 0, v, op);
	}
}

/* Pairs of terms that are to be equal. */
struct pairs {
	struct {
		struct term *a, *b;
		bool done;
	} * v;
	uint32_t n, cap;
};

/* Composites with open variables, down to pairs of which one is none. False: they cannot be equal. */
static bool take_apart(struct planner *p, struct pairs *q, struct term *a, struct term *b)
{
	bool open_a = plan_open(p, a), open_b = plan_open(p, b);

	if ((open_a || open_b) && a->kind == T_ARRAY && b->kind == T_ARRAY) {
		for (uint32_t i = 0; i < a->n && a->n == b->n; i++) {
			if (!take_apart(p, q, a->items[i], b->items[i]))
				return false;
		}
		return a->n == b->n;
	}
	if (open_a && open_b && a->kind == T_OBJECT && b->kind == T_OBJECT) {
		for (uint32_t i = 0; i < a->n && a->n == b->n; i += 2) {
			const struct term *x = a->items[i], *y = NULL;
			uint32_t k = 0;

			for (; k < b->n; k += 2) {
				y = b->items[k];
				if ((x->kind == T_VALUE && y->kind == T_VALUE && rv_eq(x->value, y->value)) ||
				    (x->kind == T_VAR && y->kind == T_VAR && x->var == y->var))
					break;
			}
			if (k == b->n || !take_apart(p, q, a->items[i + 1], b->items[k + 1]))
				return false;
		}
		return a->n == b->n;
	}
	if (p->bad || !(q->v = room(p, q->v, q->n, &q->cap, sizeof(*q->v))))
		return true;
	q->v[q->n].a = a;
	q->v[q->n].b = b;
	q->v[q->n++].done = false;
	return true;
}

/* What follows is not reached, but its variables must be known. */
static void bind_open(struct planner *p, struct term *t)
{
	if (t->kind == T_VAR && plan_open(p, t))
		plan_bind(p, t->var, constant(p, rv_null()));
	else if (t->kind == T_ARRAY || t->kind == T_OBJECT)
		for (uint32_t i = 0; i < t->n; i++)
			bind_open(p, t->items[i]);
}

static void unify_pair(struct planner *p, struct term *a, struct term *b)
{
	bool open_a = plan_open(p, a), open_b = plan_open(p, b);
	uint32_t x, y;

	if (open_a && open_b) {
		comp_error(p->c, ERR_UNSAFE, p->at, "expression is unsafe");
		p->bad = true;
	} else if (open_a || open_b) {
		x = plan_term(p, open_a ? b : a);
		plan_match(p, open_a ? a : b, x);
	} else {
		x = plan_term(p, a);
		y = plan_term(p, b);
		plan_emit(p, OP_EQ, 0, x, y);
	}
}

/* A pair waits until one side is known; others may bind what it needs. */
void plan_unify(struct planner *p, struct term *a, struct term *b)
{
	struct pairs q = {0};

	if (p->bad)
		return;
	if (!take_apart(p, &q, a, b)) {
		plan_jump(p, p->fail);
		bind_open(p, a);
		bind_open(p, b);
		return;
	}
	for (uint32_t left = q.n, before = left + 1; left && !p->bad;) {
		bool stuck = left == before;

		before = left;
		for (uint32_t i = 0; i < q.n && !p->bad; i++) {
			if (q.v[i].done || (!stuck && plan_open(p, q.v[i].a) && plan_open(p, q.v[i].b)))
				continue;
			q.v[i].done = true;
			left--;
			unify_pair(p, q.v[i].a, q.v[i].b);
		}
	}
}
