/* Calls, expressions and bodies. */
#include "rego/walk_int.h"

/* False: the query has failed. */
static bool holds(struct walk *w, const struct body *b, bool *yes)
{
	struct first f = {.k = {take_first}};

	(void)walk_body(w, b, 0, &f.k);
	*yes = f.have;
	return !walk_vm(w)->failed;
}

/* ---- calls ---- */

struct k_call {
	struct k k;
	const struct term *t;
	uint32_t arity, at;
	struct rv *args;
	bool *known;
	const struct term *result;
	bool value; /* next wants the value, false too */
	const struct k *next;
};

static bool truthy(struct walk *w, const struct k *k, struct rv v)
{
	return v.kind == RV_UNDEF || rv_is_false(v) || k->fn(w, k, v);
}

static bool called(struct walk *w, const struct k_call *c)
{
	const struct callee *f = &c->t->callee;
	bool many = f->builtin && (f->builtin->flags & REGO_RELATION);
	struct rv v;

	if (!walk_call(w, f, c->args, c->arity, &v))
		return false;
	if (v.kind == RV_UNDEF)
		return true;
	for (uint32_t i = 0; i < (many ? rv_len(v) : 1); i++) {
		struct rv one = many ? rv_at(v, i) : v;

		if (!(c->result  ? walk_match(w, c->result, one, c->next)
		      : c->value ? c->next->fn(w, c->next, one)
		                 : truthy(w, c->next, one)))
			return false;
	}
	return true;
}

/* Arguments in order; those that others bind (i == xs[i]) come last. */
static bool next_arg(struct walk *w, const struct k *k, struct rv v)
{
	struct k_call c = *(const struct k_call *)k;
	uint32_t pick = c.arity;
	bool more;

	if (c.at < c.arity)
		c.args[c.at] = v;
	for (uint32_t i = 0; i < c.arity && pick == c.arity; i++) {
		if (!c.known[i] && !walk_open(w, c.t->items[i + 1]))
			pick = i;
	}
	if (pick == c.arity) {
		for (uint32_t i = 0; i < c.arity; i++) {
			if (!c.known[i])
				return vm_fail(walk_vm(w), "walk_unbound", "argument %u has no value", i + 1);
		}
		return called(w, &c);
	}
	c.at = pick;
	c.known[pick] = true;
	more = walk_term(w, c.t->items[pick + 1], &c.k);
	c.known[pick] = false;
	return more;
}

static bool call(struct walk *w, const struct term *t, bool value, const struct k *k)
{
	const struct callee *f = &t->callee;
	uint32_t given = t->n - 1;
	struct k_call c = {.k = {next_arg}, .t = t, .value = value, .next = k};

	if (t->n == 3 && !f->fn && (call_is(t, "eq") || call_is(t, "assign")))
		return walk_unify(w, t->items[1], t->items[2], k);
	c.arity = f->fn ? f->fn->arity : f->host ? f->host->arity : f->builtin->arity;
	if (f->builtin && (f->builtin->flags & REGO_VOID))
		c.arity = given;
	c.result = given > c.arity ? t->items[given] : NULL;
	c.at = c.arity;
	c.args = walk_room(w, c.arity * sizeof(*c.args));
	c.known = c.args ? walk_room(w, c.arity) : NULL;
	return c.known && next_arg(w, &c.k, rv_undef());
}

/* ---- expressions ---- */

static bool every(struct walk *w, const struct expr *e, struct rv domain, bool *yes)
{
	const struct binding *env = w->env;
	const struct rv *keys;
	uint32_t n;

	*yes = domain.kind >= RV_ARRAY;
	if (!place_keys(w, domain, &keys, &n))
		return false;
	for (uint32_t i = 0; i < n && *yes; i++) {
		struct binding key = {env, e->key ? e->key->var : NULL, keys[i]};
		struct binding val = {&key, e->val->var, rv_step(domain, keys[i])};
		bool ok;

		w->env = &val;
		ok = holds(w, e->bodies[0], yes);
		w->env = env;
		if (!ok)
			return false;
	}
	return true;
}

struct k_every {
	struct k k;
	const struct expr *e;
	const struct k *next;
};

static bool over_domain(struct walk *w, const struct k *k, struct rv v)
{
	const struct k_every *d = (const struct k_every *)k;
	bool yes;

	return every(w, d->e, v, &yes) && (!yes || d->next->fn(w, d->next, v));
}

struct k_truth {
	struct k k;
	const struct k *next;
};

static bool if_true(struct walk *w, const struct k *k, struct rv v)
{
	return truthy(w, ((const struct k_truth *)k)->next, v);
}

static bool plain(struct walk *w, const struct expr *e, const struct k *k)
{
	struct k_truth truth = {{if_true}, k};
	struct k_every domain = {{over_domain}, e, k};
	bool yes = false;

	switch (e->kind) {
	case EX_TERM:
	case EX_SOME:
		return e->term->kind == T_CALL ? call(w, e->term, false, k) : walk_term(w, e->term, &truth.k);
	case EX_EVERY:
		return walk_term(w, e->domain, &domain.k);
	case EX_NOT:
		return holds(w, e->bodies[0], &yes) && (yes || k->fn(w, k, rv_undef()));
	case EX_AND:
	case EX_OR:
		for (uint32_t i = 0; i < e->nbodies && (i == 0 || yes == (e->kind == EX_AND)); i++) {
			if (!holds(w, e->bodies[i], &yes))
				return false;
		}
		return !yes || k->fn(w, k, rv_undef());
	}
	return false;
}

static bool negated(struct walk *w, const struct expr *e, const struct k *k)
{
	struct first f = {.k = {take_first}};

	if (!e->negated)
		return plain(w, e, k);
	(void)plain(w, e, &f.k);
	return !walk_vm(w)->failed && (f.have || k->fn(w, k, rv_undef()));
}

/* ---- with ---- */

struct k_with {
	struct k k;
	const struct expr *e;
	uint32_t at;
	struct rv *vals;
	const struct scene *outer;
	const struct k *next;
};

/* What follows the expression sees the world as it was. */
static bool leave(struct walk *w, const struct k *k, struct rv v)
{
	const struct k_with *x = (const struct k_with *)k;
	const struct scene *inner = w->scene;
	bool more;

	w->scene = x->outer;
	more = x->next->fn(w, x->next, v);
	w->scene = inner;
	return more;
}

static bool is_callee(const struct callee *f)
{
	return f->fn || f->builtin || f->host;
}

/* One replacement more in s. */
static bool replace(struct walk *w, const struct with *x, struct rv v, struct scene *s)
{
	const struct term *t = x->target, *head = t->kind == T_REF ? t->items[0] : t;
	uint32_t n = t->kind == T_REF ? t->n - 1 : 0;
	struct rv *path = walk_room(w, n * sizeof(*path));
	struct swapped_fn *fn;

	if (!path)
		return false;
	if (is_callee(&x->callee)) {
		fn = walk_room(w, sizeof(*fn));
		if (!fn)
			return false;
		*fn = (struct swapped_fn){s->fns, x->callee, x->by, v};
		s->fns = fn;
		return true;
	}
	for (uint32_t i = 0; i < n; i++) {
		struct first f = {.k = {take_first}};

		(void)walk_term(w, t->items[i + 1], &f.k);
		if (!f.have)
			return !walk_vm(w)->failed &&
			       vm_fail(walk_vm(w), "walk_unbound", "with: a target without a value");
		path[i] = f.v;
	}
	if (!walk_named(head->var, "input"))
		return swap_data(w, s, path, n, v);
	s->input = put_at(w, s->input, path, n, v);
	return vm_heap_ok(walk_vm(w));
}

/* The values of all replacements, then the expression among them. */
static bool next_with(struct walk *w, const struct k *k, struct rv v)
{
	struct k_with x = *(const struct k_with *)k;
	struct scene *s = walk_room(w, sizeof(*s));
	const struct with *with = x.e->with;
	bool ok;

	if (!s)
		return false;
	if (x.at)
		x.vals[x.at - 1] = v;
	while (x.at < x.e->nwith && is_callee(&with[x.at].by))
		x.at++;
	if (x.at < x.e->nwith) {
		x.at++;
		return walk_term(w, with[x.at - 1].value, &x.k);
	}
	*s = *w->scene;
	for (uint32_t i = 0; i < x.e->nwith; i++) {
		if (!replace(w, &with[i], x.vals[i], s))
			return false;
	}
	x.outer = w->scene;
	x.k.fn = leave;
	w->scene = s;
	ok = negated(w, x.e, &x.k);
	w->scene = x.outer;
	return ok;
}

/* ---- bodies ---- */

struct k_body {
	struct k k;
	const struct body *b;
	uint32_t at;
	const struct k *next;
};

static bool next_expr(struct walk *w, const struct k *k, struct rv v)
{
	const struct k_body *b = (const struct k_body *)k;

	(void)v;
	return walk_body(w, b->b, b->at + 1, b->next);
}

bool walk_body(struct walk *w, const struct body *b, uint32_t from, const struct k *k)
{
	struct k_body next = {{next_expr}, b, from, k};
	struct k_with with = {.k = {next_with}, .next = &next.k};

	if (from == b->n)
		return k->fn(w, k, rv_undef());
	if (!walk_step(w))
		return false;
	walk_vm(w)->here = &b->e[from]->loc;
	if (!b->e[from]->nwith)
		return negated(w, b->e[from], &next.k);
	with.e = b->e[from];
	with.vals = walk_room(w, with.e->nwith * sizeof(struct rv));
	return with.vals && next_with(w, &with.k, rv_undef());
}

bool walk_query(struct walk *w, const struct rego_query *q, const struct k *k)
{
	const struct term *t = q->has_value ? q->body->e[0]->term : NULL;

	if (!t)
		return walk_body(w, q->body, 0, k);
	walk_vm(w)->here = &q->body->e[0]->loc;
	return t->kind == T_CALL ? call(w, t, true, k) : walk_term(w, t, k);
}
