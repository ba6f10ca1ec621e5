/* Terms and unification. */
#include "rego/walk_int.h"

#define MAX_STACK ((size_t)4 << 20) /* of the C stack: a walk that nests deeper ends in the budget "depth" */

bool walk_step(struct walk *w)
{
	const char *here = __builtin_frame_address(0);

	if ((size_t)(w->stack > here ? w->stack - here : here - w->stack) > MAX_STACK)
		return vm_budget(walk_vm(w), "depth", "the walk nests too deep");
	return vm_charge(walk_vm(w), 1) && vm_heap_ok(walk_vm(w));
}

void *walk_room(struct walk *w, size_t n)
{
	void *p = rv_alloc(&walk_vm(w)->heap, n + 1);

	if (p)
		memset(p, 0, n + 1);
	else
		(void)vm_heap_ok(walk_vm(w));
	return p;
}

static bool is_root(const struct var *v)
{
	return walk_named(v, "data") || walk_named(v, "input");
}

static const struct rv *look_up(const struct walk *w, const struct var *v)
{
	for (const struct binding *b = w->env; b; b = b->up) {
		if (b->var == v)
			return &b->value;
	}
	return NULL;
}

/* The walk of a term in the order of its evaluation: what references bind on the way is put into `env`. False: a variable is
 * met before it is known. */
static bool foresee(struct walk *w, const struct term *t, const struct binding **env, bool in_brackets)
{
	struct binding *b;

	if (t->kind == T_VAR) {
		for (const struct binding *x = *env; x; x = x->up) {
			if (x->var == t->var)
				return true;
		}
		if (!in_brackets || is_root(t->var))
			return is_root(t->var);
		b = walk_room(w, sizeof(*b));
		if (b) {
			*b = (struct binding){*env, t->var, rv_null()};
			*env = b;
		}
		return true;
	}
	if (t->kind == T_REF) {
		for (uint32_t i = 1; i < t->n; i++)
			(void)foresee(w, t->items[i], env, true);
		return true;
	}
	if (t->kind != T_ARRAY && t->kind != T_SET && t->kind != T_OBJECT)
		return true;
	for (uint32_t i = 0; i < t->n; i++) {
		if (!foresee(w, t->items[i], env, in_brackets))
			return false;
	}
	return true;
}

bool walk_open(struct walk *w, const struct term *t)
{
	const struct binding *env = w->env;

	return !foresee(w, t, &env, false);
}

static bool bind(struct walk *w, const struct var *var, struct rv v, const struct k *k)
{
	struct binding b = {w->env, var, v};
	bool more;

	w->env = &b;
	more = k->fn(w, k, v);
	w->env = b.up;
	return more;
}

bool take_first(struct walk *w, const struct k *k, struct rv v)
{
	struct first *f = (struct first *)(uintptr_t)k;

	(void)w;
	f->have = true;
	f->v = v;
	return false;
}

/* ---- references ---- */

struct k_ref {
	struct k k;
	const struct term *ref;
	uint32_t at;
	struct rv cur;
	bool base;
	const struct k *next;
};

static bool follow(struct walk *w, const struct term *ref, uint32_t at, struct rv cur, bool base, const struct k *k);

static bool after_match(struct walk *w, const struct k *k, struct rv v)
{
	const struct k_ref *r = (const struct k_ref *)k;

	(void)v;
	return follow(w, r->ref, r->at + 1, r->cur, r->base, r->next);
}

static bool by_key(struct walk *w, const struct k *k, struct rv key)
{
	const struct k_ref *r = (const struct k_ref *)k;
	bool base = r->base;
	struct rv v;

	if (!place_step(w, r->cur, key, &base, &v))
		return false;
	return v.kind == RV_UNDEF || follow(w, r->ref, r->at + 1, v, base, r->next);
}

/* Every key of cur that the pattern matches. */
static bool each_key(struct walk *w, const struct k_ref *r)
{
	const struct rv *keys;
	uint32_t n;

	if (!place_keys(w, r->cur, &keys, &n))
		return false;
	for (uint32_t i = 0; i < n; i++) {
		struct k_ref one = *r;

		one.k.fn = after_match;
		if (!place_step(w, r->cur, keys[i], &one.base, &one.cur))
			return false;
		if (one.cur.kind != RV_UNDEF && !walk_match(w, r->ref->items[r->at], keys[i], &one.k))
			return false;
	}
	return true;
}

static bool follow(struct walk *w, const struct term *ref, uint32_t at, struct rv cur, bool base, const struct k *k)
{
	struct k_ref r = {{by_key}, ref, at, cur, base, k};

	if (!walk_step(w))
		return false;
	if (at < ref->n)
		return walk_open(w, ref->items[at]) ? each_key(w, &r) : walk_term(w, ref->items[at], &r.k);
	if (!place_value(w, cur, &cur))
		return false;
	return cur.kind == RV_UNDEF || k->fn(w, k, cur);
}

static bool from_head(struct walk *w, const struct k *k, struct rv v)
{
	const struct k_ref *r = (const struct k_ref *)k;

	return follow(w, r->ref, 1, v, false, r->next);
}

static bool reference(struct walk *w, const struct term *t, const struct k *k)
{
	struct k_ref r = {.k = {from_head}, .ref = t, .next = k};

	if (t->items[0]->kind == T_VAR && walk_named(t->items[0]->var, "data"))
		return follow(w, t, 1, place_root(w), true, k);
	return walk_term(w, t->items[0], &r.k);
}

/* ---- composites ---- */

struct k_items {
	struct k k;
	const struct term *t;
	uint32_t at;
	struct rv *vals;
	const struct k *next;
};

static struct rv composite(struct walk *w, const struct term *t, const struct rv *v)
{
	struct rv_heap *h = &walk_vm(w)->heap;
	struct rv_builder b;

	if (t->kind == T_ARRAY)
		return rv_array(h, v, t->n);
	b = t->kind == T_SET ? rv_set_builder(h, t->n) : rv_object_builder(h, t->n / 2);
	for (uint32_t i = 0; i < t->n; i += t->kind == T_SET ? 1 : 2) {
		const struct rv *old = t->kind == T_SET ? NULL : rv_builder_get(&b, v[i]);

		if (t->kind == T_SET)
			rv_set_add(&b, v[i]);
		else if (old && !rv_eq(*old, v[i + 1]))
			return vm_fail(walk_vm(w), "eval_conflict_error", "object keys must be unique"), rv_undef();
		else
			rv_object_put(&b, v[i], v[i + 1]);
	}
	return rv_builder_done(&b);
}

static bool next_item(struct walk *w, const struct k *k, struct rv v)
{
	struct k_items r = *(const struct k_items *)k;

	if (r.at > 0)
		r.vals[r.at - 1] = v;
	if (r.at < r.t->n) {
		const struct term *item = r.t->items[r.at];

		r.at++;
		return walk_term(w, item, &r.k);
	}
	v = composite(w, r.t, r.vals);
	return !walk_vm(w)->failed && vm_heap_ok(walk_vm(w)) && r.next->fn(w, r.next, v);
}

static bool items(struct walk *w, const struct term *t, const struct k *k)
{
	struct k_items r = {{next_item}, t, 0, walk_room(w, t->n * sizeof(struct rv)), k};

	return r.vals && next_item(w, &r.k, rv_undef());
}

/* ---- comprehensions and templates ---- */

struct k_collect {
	struct k k;
	const struct term *t;
	struct rv_vec *vec;
	struct rv_builder *b;
	struct rv key;
};

static bool collect_value(struct walk *w, const struct k *k, struct rv v)
{
	const struct k_collect *c = (const struct k_collect *)k;
	const struct rv *old;

	if (c->t->kind == T_ARRAY_COMP) {
		rv_push(c->vec, v);
	} else if (c->t->kind == T_SET_COMP) {
		rv_set_add(c->b, v);
	} else {
		old = rv_builder_get(c->b, c->key);
		if (old && !rv_eq(*old, v))
			return vm_fail(walk_vm(w), "eval_conflict_error", "object keys must be unique");
		rv_object_put(c->b, c->key, v);
	}
	return vm_heap_ok(walk_vm(w));
}

static bool collect_key(struct walk *w, const struct k *k, struct rv v)
{
	struct k_collect c = *(const struct k_collect *)k;

	c.k.fn = collect_value;
	c.key = v;
	return walk_term(w, c.t->val, &c.k);
}

static bool collect_solution(struct walk *w, const struct k *k, struct rv v)
{
	struct k_collect c = *(const struct k_collect *)k;

	(void)v;
	c.k.fn = c.t->key ? collect_key : collect_value;
	return walk_term(w, c.t->key ? c.t->key : c.t->val, &c.k);
}

static bool comprehension(struct walk *w, const struct term *t, const struct k *k)
{
	struct rv_heap *h = &walk_vm(w)->heap;
	struct rv_vec vec = rv_vec(h);
	struct rv_builder b = t->kind == T_OBJECT_COMP ? rv_object_builder(h, 0) : rv_set_builder(h, 0);
	struct k_collect c = {.k = {collect_solution}, .t = t, .vec = &vec, .b = &b};
	struct rv v;

	(void)walk_body(w, t->body, 0, &c.k);
	if (walk_vm(w)->failed)
		return false;
	v = t->kind == T_ARRAY_COMP ? rv_vec_done(&vec) : rv_builder_done(&b);
	return vm_heap_ok(walk_vm(w)) && k->fn(w, k, v);
}

struct k_part {
	struct k k;
	const struct term *val;
	const struct k *next;
};

static bool part_value(struct walk *w, const struct k *k, struct rv v)
{
	const struct k_part *p = (const struct k_part *)k;

	(void)v;
	return walk_term(w, p->val, p->next);
}

static bool template(struct walk *w, const struct term *t, const struct k *k)
{
	struct vm *vm = walk_vm(w);
	struct buf b = buf_in(vm->heap.arena, vm->heap.left);
	struct rv text;

	for (uint32_t i = 0; i < t->n; i++) {
		const struct expr *e = t->parts[i];
		struct first f = {.k = {take_first}, .v = rv_undef()};
		struct k_part p = {{part_value}, e->val, &f.k};

		if (!e->nbodies)
			f.v = e->term->value;
		else
			(void)walk_body(w, e->bodies[0], 0, &p.k);
		if (vm->failed)
			return false;
		if (f.v.kind == RV_UNDEF)
			buf_puts(&b, "<undefined>");
		else if (f.v.kind == RV_STRING)
			buf_slice(&b, rv_slice(f.v));
		else
			rv_to_text(&b, f.v);
	}
	if (!buf_ok(&b))
		vm->heap.bad = true;
	text = buf_ok(&b) ? rv_str(&vm->heap, b.p, b.n) : rv_undef();
	return vm_heap_ok(vm) && k->fn(w, k, text);
}

/* ---- terms ---- */

static bool variable(struct walk *w, const struct var *v, const struct k *k)
{
	const struct rv *known = look_up(w, v);
	struct rv all;

	if (walk_named(v, "input"))
		return w->scene->input.kind == RV_UNDEF || k->fn(w, k, w->scene->input);
	if (walk_named(v, "data"))
		return place_value(w, place_root(w), &all) && (all.kind == RV_UNDEF || k->fn(w, k, all));
	if (!known)
		return vm_fail(walk_vm(w), "walk_unbound", "variable %s has no value", v->name->p);
	return k->fn(w, k, *known);
}

bool walk_term(struct walk *w, const struct term *t, const struct k *k)
{
	if (!walk_step(w))
		return false;
	switch (t->kind) {
	case T_VALUE:
		return k->fn(w, k, t->value);
	case T_VAR:
		return variable(w, t->var, k);
	case T_REF:
		return reference(w, t, k);
	case T_ARRAY:
	case T_SET:
	case T_OBJECT:
		return items(w, t, k);
	case T_ARRAY_COMP:
	case T_SET_COMP:
	case T_OBJECT_COMP:
		return comprehension(w, t, k);
	case T_TEMPLATE:
		return template(w, t, k);
	case T_CALL:
		break;
	}
	return vm_fail(walk_vm(w), "walk_unbound", "a call that is no expression");
}

/* ---- patterns ---- */

struct k_match {
	struct k k;
	const struct term *t;
	uint32_t at;
	struct rv v;
	const struct k *next;
};

static bool match_rest(struct walk *w, const struct k *k, struct rv v);

/* The value under a key that the pattern names. */
static bool match_field(struct walk *w, const struct k *k, struct rv key)
{
	struct k_match m = *(const struct k_match *)k;
	const struct rv *field = rv_get(m.v, key);

	m.k.fn = match_rest;
	m.at += 2;
	return !field || walk_match(w, m.t->items[m.at - 1], *field, &m.k);
}

static bool match_rest(struct walk *w, const struct k *k, struct rv v)
{
	struct k_match m = *(const struct k_match *)k;

	(void)v;
	if (m.at == m.t->n)
		return m.next->fn(w, m.next, m.v);
	if (m.t->kind == T_ARRAY) {
		m.at++;
		return walk_match(w, m.t->items[m.at - 1], rv_at(m.v, m.at - 1), &m.k);
	}
	m.k.fn = match_field;
	return walk_term(w, m.t->items[m.at], &m.k);
}

static bool if_equal(struct walk *w, const struct k *k, struct rv v)
{
	const struct k_match *m = (const struct k_match *)k;

	return !rv_eq(v, m->v) || m->next->fn(w, m->next, v);
}

bool walk_match(struct walk *w, const struct term *t, struct rv v, const struct k *k)
{
	struct k_match m = {{match_rest}, t, 0, v, k};

	if (!walk_step(w))
		return false;
	if (!walk_open(w, t)) {
		m.k.fn = if_equal;
		return walk_term(w, t, &m.k);
	}
	if (t->kind == T_VAR)
		return bind(w, t->var, v, k);
	if (t->kind == T_ARRAY)
		return v.kind != RV_ARRAY || rv_len(v) != t->n || match_rest(w, &m.k, v);
	if (t->kind == T_OBJECT)
		return v.kind != RV_OBJECT || rv_len(v) != t->n / 2 || match_rest(w, &m.k, v);
	return vm_fail(walk_vm(w), "walk_unbound", "a set as a pattern");
}

/* ---- unification ---- */

/* Two terms that are to be equal, taken apart as far as both are composites with variables in them. */
struct equations {
	struct {
		const struct term *a, *b;
		bool solved;
	} * e;
	uint32_t n, cap;
	const struct k *next;
};

/* False: they cannot be equal (or the query has failed). */
static bool take_apart(struct walk *w, struct equations *q, const struct term *a, const struct term *b)
{
	bool open = walk_open(w, a) || walk_open(w, b), both = walk_open(w, a) && walk_open(w, b);

	if (open && a->kind == T_ARRAY && b->kind == T_ARRAY) {
		for (uint32_t i = 0; i < a->n && a->n == b->n; i++) {
			if (!take_apart(w, q, a->items[i], b->items[i]))
				return false;
		}
		return a->n == b->n;
	}
	if (both && a->kind == T_OBJECT && b->kind == T_OBJECT) {
		for (uint32_t i = 0; i < a->n && a->n == b->n; i += 2) {
			const struct term *x = a->items[i], *y = NULL;
			uint32_t k = 0;

			for (; k < b->n; k += 2) {
				y = b->items[k];
				if ((x->kind == T_VALUE && y->kind == T_VALUE && rv_eq(x->value, y->value)) ||
				    (x->kind == T_VAR && y->kind == T_VAR && x->var == y->var))
					break;
			}
			if (k == b->n || !take_apart(w, q, a->items[i + 1], b->items[k + 1]))
				return false;
		}
		return a->n == b->n;
	}
	if (q->n == q->cap) {
		uint32_t cap = q->cap ? q->cap * 2 : 8;
		void *e = walk_room(w, cap * sizeof(*q->e));

		if (!e)
			return false;
		if (q->n)
			memcpy(e, q->e, q->n * sizeof(*q->e));
		q->e = e;
		q->cap = cap;
	}
	q->e[q->n].a = a;
	q->e[q->n++].b = b;
	return true;
}

struct k_solve {
	struct k k;
	struct equations *q;
	uint32_t at;
	const struct term *other;
};

static bool solve(struct walk *w, struct equations *q);

static bool solve_rest(struct walk *w, const struct k *k, struct rv v)
{
	(void)v;
	return solve(w, ((const struct k_solve *)k)->q);
}

static bool solve_one(struct walk *w, const struct k *k, struct rv v)
{
	struct k_solve s = *(const struct k_solve *)k;

	s.k.fn = solve_rest;
	return walk_match(w, s.other, v, &s.k);
}

/* The first equation of which one side can be evaluated; the others after it. */
static bool solve(struct walk *w, struct equations *q)
{
	bool left = false, more;

	for (uint32_t i = 0; i < q->n; i++) {
		const struct term *a = q->e[i].a, *b = q->e[i].b;
		bool by_a = !walk_open(w, a);
		struct k_solve s = {{solve_one}, q, i, by_a ? b : a};

		left = left || !q->e[i].solved;
		if (q->e[i].solved || (!by_a && walk_open(w, b)))
			continue;
		q->e[i].solved = true;
		more = walk_term(w, by_a ? a : b, &s.k);
		q->e[i].solved = false;
		return more;
	}
	if (left)
		return vm_fail(walk_vm(w), "walk_unbound", "an equation without a known side");
	return q->next->fn(w, q->next, rv_undef());
}

bool walk_unify(struct walk *w, const struct term *a, const struct term *b, const struct k *k)
{
	struct equations q = {.next = k};

	if (!take_apart(w, &q, a, b))
		return !walk_vm(w)->failed;
	return solve(w, &q);
}
