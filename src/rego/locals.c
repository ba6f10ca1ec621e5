/* Declared variables (:=, some, every, arguments) get names of their own, so that a name means one thing in a rule. */
#include "rego/tree.h"

enum occurrence { SEEN, ASSIGNED, DECLARED, ARG };

struct decl {
	struct var *v, *to;
	enum occurrence occ;
	struct loc loc;
	bool used;
};

struct frame {
	struct frame *up;
	struct decl *d;
	uint32_t n, cap;
};

struct locals {
	struct comp *c;
	struct frame *top;
};

static void do_body(struct locals *l, struct body *b);
static void do_term(struct locals *l, struct term *t);

static struct decl *in_frame(const struct frame *f, const struct var *v)
{
	for (uint32_t i = 0; i < f->n; i++) {
		if (f->d[i].v == v)
			return &f->d[i];
	}
	return NULL;
}

static struct decl *declared(const struct locals *l, const struct var *v)
{
	for (struct frame *f = l->top; f; f = f->up) {
		struct decl *d = in_frame(f, v);

		if (d && d->to)
			return d;
	}
	return NULL;
}

static struct decl *insert(struct locals *l, struct decl d)
{
	struct frame *f = l->top;

	if (f->n == f->cap) {
		uint32_t cap = f->cap ? f->cap * 2 : 8;

		f->d = arena_grow(l->c->arena, f->d, f->cap * sizeof(d), cap * sizeof(d));
		f->cap = cap;
		if (!f->d) {
			f->n = f->cap = 0;
			comp_oom(l->c);
			return NULL;
		}
	}
	f->d[f->n] = d;
	return &f->d[f->n++];
}

/* `at`: where errors about it are told. */
static void declare(struct locals *l, struct term *t, enum occurrence occ, struct loc at)
{
	struct decl *d;
	struct var *v = t->var;

	if (v->wildcard)
		return;
	d = in_frame(l->top, v);
	if (d) {
		const char *name = var_shown(v);

		switch (d->occ) {
		case SEEN:
			comp_error(l->c, ERR_COMPILE, at, "var %s referenced above", name);
			break;
		case ASSIGNED:
			comp_error(l->c, ERR_COMPILE, at, "var %s assigned above", name);
			break;
		case DECLARED:
			comp_error(l->c, ERR_COMPILE, at, "var %s declared above", name);
			break;
		case ARG:
			comp_error(l->c, ERR_COMPILE, at, "arg %s redeclared", name);
			break;
		}
		return;
	}
	{
		struct var *to = var_fresh(l->c, v);

		if (to && insert(l, (struct decl){.v = v, .to = to, .occ = occ, .loc = at}))
			t->var = to;
	}
}

static void push(struct locals *l, struct frame *f)
{
	*f = (struct frame){.up = l->top};
	l->top = f;
}

/* Reports what was declared and never used. */
static void pop(struct locals *l)
{
	struct frame *f = l->top;
	bool ok = comp_ok(l->c);

	for (uint32_t i = 0; i < f->n && ok; i++) {
		struct decl *d = &f->d[i];

		if (!d->used && d->occ == DECLARED)
			comp_error(l->c, ERR_COMPILE, d->loc, "declared var %s unused", var_shown(d->v));
		else if (!d->used && l->c->opts->strict && d->occ == ASSIGNED)
			comp_error(l->c, ERR_COMPILE, d->loc, "assigned var %s unused", var_shown(d->v));
		else if (!d->used && l->c->opts->strict && d->occ == ARG)
			comp_error(l->c, ERR_COMPILE, d->loc, "unused argument %s. (hint: use _ (wildcard variable) instead)",
				   var_shown(d->v));
	}
	l->top = f->up;
}

static void do_slot(void *ctx, struct term **slot)
{
	do_term(ctx, *slot);
}

static void do_term(struct locals *l, struct term *t)
{
	struct frame f;
	struct decl *d;

	if (!t)
		return;
	switch (t->kind) {
	case T_VALUE:
		return;
	case T_VAR:
		if (t->var->generated || t->var->wildcard)
			return;
		d = declared(l, t->var);
		if (d) {
			d->used = true;
			t->var = d->to;
		} else if (!in_frame(l->top, t->var)) {
			insert(l, (struct decl){.v = t->var, .occ = SEEN, .loc = t->loc, .used = true});
		}
		return;
	case T_CALL:
		if (!t->op) {
			struct term *head = t->items[0]->kind == T_REF ? t->items[0]->items[0] : t->items[0];

			if (head->kind == T_VAR && declared(l, head->var)) {
				comp_error(l->c, ERR_COMPILE, t->loc, "called function %s shadowed", term_string(l->c, head));
			} else if (t->items[0]->kind == T_REF) {
				for (uint32_t i = 1; i < t->items[0]->n; i++)
					do_term(l, t->items[0]->items[i]);
			}
		}
		for (uint32_t i = 1; i < t->n; i++)
			do_term(l, t->items[i]);
		return;
	case T_REF:
	case T_ARRAY:
	case T_SET:
	case T_OBJECT:
		term_each(t, do_slot, l);
		return;
	case T_ARRAY_COMP:
	case T_SET_COMP:
	case T_OBJECT_COMP:
		push(l, &f);
		do_body(l, t->body);
		do_term(l, t->key);
		do_term(l, t->val);
		pop(l);
		return;
	case T_TEMPLATE:
		for (uint32_t i = 0; i < t->n; i++) {
			struct body one = {.e = &t->parts[i], .n = 1};

			push(l, &f);
			do_body(l, &one);
			pop(l);
		}
		return;
	}
}

/* The left side of :=. */
static void pattern(struct locals *l, struct term *t)
{
	switch (t->kind) {
	case T_VAR:
		declare(l, t, ASSIGNED, t->loc);
		return;
	case T_ARRAY:
		for (uint32_t i = 0; i < t->n; i++)
			pattern(l, t->items[i]);
		return;
	case T_OBJECT:
		for (uint32_t i = 0; i < t->n; i += 2) {
			do_term(l, t->items[i]);
			pattern(l, t->items[i + 1]);
		}
		return;
	case T_VALUE:
	case T_REF:
	case T_CALL:
	case T_SET:
	case T_ARRAY_COMP:
	case T_SET_COMP:
	case T_OBJECT_COMP:
	case T_TEMPLATE:
		break;
	}
	comp_error(l->c, ERR_COMPILE, t->loc, "cannot assign to %s", term_kind_name(t));
}

static void pattern_part(struct locals *l, struct term *t)
{
	if (t->kind == T_ARRAY || t->kind == T_OBJECT) {
		for (uint32_t i = 0; i < t->n; i++) {
			if (t->kind == T_OBJECT && i % 2 == 0)
				do_term(l, t->items[i]);
			else
				pattern_part(l, t->items[i]);
		}
		return;
	}
	pattern(l, t);
}

static void assignment(struct locals *l, struct expr *e)
{
	struct term *t = e->term;

	if (e->negated) {
		comp_error(l->c, ERR_COMPILE, e->loc, "cannot assign vars inside negated expression");
		return;
	}
	do_term(l, t->items[2]);
	for (uint32_t k = 0; k < e->nwith; k++) {
		do_term(l, e->with[k].target);
		do_term(l, e->with[k].value);
	}
	if (t->items[1]->kind == T_ARRAY || t->items[1]->kind == T_OBJECT)
		pattern_part(l, t->items[1]);
	else
		pattern(l, t->items[1]);
}

static void in_pattern(struct locals *l, struct term *t, struct loc at)
{
	if (t->kind == T_VAR) {
		declare(l, t, DECLARED, at);
		if (t->var->declared && t->var->orig)
			in_frame(l->top, t->var->orig)->used = true;
		return;
	}
	if (t->kind == T_ARRAY || t->kind == T_OBJECT || t->kind == T_SET) {
		for (uint32_t i = 0; i < t->n; i++) {
			if (t->kind == T_OBJECT && i % 2 == 0)
				do_term(l, t->items[i]);
			else if (t->items[i]->kind == T_VAR && in_frame(l->top, t->items[i]->var) &&
				 in_frame(l->top, t->items[i]->var)->to)
				t->items[i]->var = in_frame(l->top, t->items[i]->var)->to;
			else
				in_pattern(l, t->items[i], at);
		}
		return;
	}
	do_term(l, t);
}

/* some k, v in xs becomes xs[k] = v. */
static void some_in(struct locals *l, struct expr *e)
{
	struct term *t = e->term, *xs = t->items[t->n - 1], *key, *val, **items, *ref;
	uint32_t n;

	do_term(l, xs);
	if (t->n == 4) {
		key = t->items[1];
		in_pattern(l, key, e->loc);
		val = t->items[2];
	} else {
		key = term_var(l->c, var_named(l->c, "_", 1), t->loc);
		key->var->generated = true;
		val = t->items[1];
	}
	in_pattern(l, val, e->loc);
	for (uint32_t k = 0; k < e->nwith; k++) {
		do_term(l, e->with[k].target);
		do_term(l, e->with[k].value);
	}
	n = xs->kind == T_REF ? xs->n : 1;
	items = comp_alloc(l->c, (n + 1) * sizeof(*items));
	if (!items)
		return;
	if (xs->kind == T_REF)
		memcpy(items, xs->items, n * sizeof(*items));
	else
		items[0] = xs;
	items[n] = key;
	ref = term_items(l->c, T_REF, xs->loc, items, n + 1);
	e->kind = EX_TERM;
	e->term = ref ? term_call(l->c, "eq", t->loc, ref, val) : NULL;
	if (!e->term)
		comp_oom(l->c);
}

static void do_expr(struct locals *l, struct expr *e)
{
	struct frame f;

	switch (e->kind) {
	case EX_TERM:
		if (call_is(e->term, "assign") && e->term->op && e->term->n == 3) {
			assignment(l, e);
			return;
		}
		do_term(l, e->term);
		break;
	case EX_SOME:
		if (e->term) {
			some_in(l, e);
			return;
		}
		for (uint32_t k = 0; k < e->ndecls; k++)
			declare(l, e->decls[k], DECLARED, e->loc);
		break;
	case EX_EVERY:
		do_term(l, e->domain);
		push(l, &f);
		if (e->key)
			declare(l, e->key, DECLARED, e->bodies[0]->loc);
		declare(l, e->val, DECLARED, e->bodies[0]->loc);
		if (e->key && e->key->var->orig && f.n)
			f.d[0].used = true;	/* a key may go unused */
		do_body(l, e->bodies[0]);
		pop(l);
		break;
	case EX_NOT:
	case EX_AND:
	case EX_OR:
		for (uint32_t k = 0; k < e->nbodies; k++) {
			push(l, &f);
			do_body(l, e->bodies[k]);
			pop(l);
		}
		break;
	}
	for (uint32_t k = 0; k < e->nwith; k++) {
		do_term(l, e->with[k].target);
		do_term(l, e->with[k].value);
	}
}

static void do_body(struct locals *l, struct body *b)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < b->n; i++) {
		struct expr *e = b->e[i];
		bool drop = e->kind == EX_SOME && !e->term;

		do_expr(l, e);
		if (!drop)
			b->e[n++] = e;
	}
	if (n == 0 && b->n) {	/* only declarations: holds */
		struct expr *e = expr_new(l->c, term_value(l->c, rv_bool(true), b->loc), b->loc);

		if (e)
			b->e[n++] = e;
	}
	b->n = n;
}

static void args(struct locals *l, struct term *t, struct loc rule)
{
	struct decl *d;

	if (t->kind == T_VAR) {
		d = in_frame(l->top, t->var);
		if (d && d->to) {
			t->var = d->to;
			d->used = true;
		} else {
			declare(l, t, ARG, rule);
		}
		return;
	}
	if (t->kind == T_REF || t->kind == T_TEMPLATE) {
		do_term(l, t);
		return;
	}
	for (uint32_t i = 0; t->items && i < t->n; i++)
		args(l, t->items[i], rule);
}

bool stage_locals(struct comp *c)
{
	struct locals l = {.c = c};

	for (uint32_t i = 0; i < c->nmods; i++) {
		for (struct rule *first = c->mods[i]->first; first; first = first->next) {
			for (struct rule *r = first; r; r = r->els) {
				struct frame f;

				push(&l, &f);
				for (uint32_t k = 0; k < r->nargs; k++)
					args(&l, r->args[k], r->loc);
				do_body(&l, r->body);
				for (uint32_t k = 1; !r->is_else && k < r->nref; k++)
					do_term(&l, r->ref[k]);
				do_term(&l, r->key);
				do_term(&l, r->value);
				pop(&l);
			}
		}
	}
	return comp_ok(c);
}

bool locals_query(struct comp *c, struct body *b)
{
	struct locals l = {.c = c};
	struct frame f;

	push(&l, &f);
	do_body(&l, b);
	pop(&l);
	return comp_ok(c);
}
