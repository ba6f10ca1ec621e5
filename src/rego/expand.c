/* Nested calls become expressions of their own, in front of the one they stand in; values of heads move into bodies. */
#include "rego/tree.h"

struct expand {
	struct comp *c;
	struct body *out;	/* where support expressions go */
	const struct expr *at;	/* the expression they are for */
};

static void hoist(struct expand *x, struct term **slot, bool top);
static bool expand_body(struct comp *c, struct body *b);

static void hoist_slot(void *ctx, struct term **slot)
{
	hoist(ctx, slot, false);
}

static void support(struct expand *x, struct term *t, struct term **slot)
{
	struct term *v = term_var(x->c, var_fresh(x->c, NULL), t->loc), **items;
	struct expr *e;

	if (!v)
		return;
	v->var->stands_for = t;
	if (t->kind == T_CALL && t->value.kind != RV_UNDEF)
		t = term_value(x->c, t->value, t->loc);
	if (t->kind == T_CALL && !(call_is(t, "eq") && t->op)) {	/* f(a, v): the result binds v */
		items = comp_alloc(x->c, (t->n + 1) * sizeof(*items));
		if (!items)
			return;
		memcpy(items, t->items, t->n * sizeof(*items));
		items[t->n] = v;
		t = term_items(x->c, T_CALL, t->loc, items, t->n + 1);
		if (t) {
			t->op = (*slot)->op;
			t->callee = (*slot)->callee;
		}
	} else {
		t = term_call(x->c, "eq", t->loc, v, t);
	}
	e = t ? expr_new(x->c, t, x->at ? x->at->loc : t->loc) : NULL;
	if (!e) {
		comp_oom(x->c);
		return;
	}
	e->generated = true;
	if (x->at) {
		e->with = x->at->with;
		e->nwith = x->at->nwith;
	}
	body_add(x->c, x->out, e);
	*slot = term_var(x->c, v->var, v->loc);
}

/* A reference with a variable in its brackets: it may bind it. */
static bool may_bind(const struct term *t)
{
	for (uint32_t i = 0; t->items && i < t->n; i++) {
		if ((t->kind == T_REF && i > 0 && t->items[i]->kind == T_VAR) || may_bind(t->items[i]))
			return true;
	}
	return false;
}

/* What the head of a closure needs is made after the body, and at its end. */
static void closure(struct comp *c, struct term *t)
{
	struct expand in = {.c = c, .out = t->body};
	struct term **heads[] = {&t->key, &t->val};

	expand_body(c, t->body);
	for (size_t i = 0; i < 2; i++) {
		if (!*heads[i])
			continue;
		hoist(&in, heads[i], false);
		if (may_bind(*heads[i]))
			support(&in, *heads[i], heads[i]);
	}
}

/* An operand or key that is undefined makes a negated expression undefined, and not true: it stands before. */
static void operands(struct expand *x, struct term *t, uint32_t from)
{
	for (uint32_t i = from; x->at && x->at->negated && i < t->n; i++) {
		if (t->items[i]->kind == T_REF)
			support(x, t->items[i], &t->items[i]);
	}
}

static void hoist(struct expand *x, struct term **slot, bool top)
{
	struct term *t = *slot;

	if (!t)
		return;
	switch (t->kind) {
	case T_VALUE:
	case T_VAR:
		return;
	case T_CALL:
		for (uint32_t i = 1; i < t->n; i++)
			hoist(x, &t->items[i], false);
		if (!call_is(t, "eq") && !call_is(t, "equal"))
			operands(x, t, 1);
		if (!top)
			support(x, t, slot);
		else if (t->value.kind != RV_UNDEF)
			*slot = t->n == 1 ? term_value(x->c, t->value, t->loc)
					  : term_call(x->c, "eq", t->loc, t->items[1], term_value(x->c, t->value, t->loc));
		return;
	case T_REF:
	case T_ARRAY:
	case T_SET:
	case T_OBJECT:
		term_each(t, hoist_slot, x);
		if (t->kind == T_REF && t->items[0]->kind != T_VAR && t->items[0]->kind != T_VALUE)
			support(x, t->items[0], &t->items[0]);
		operands(x, t, t->kind == T_REF ? 1 : 0);
		return;
	case T_ARRAY_COMP:
	case T_SET_COMP:
	case T_OBJECT_COMP:
		closure(x->c, t);
		return;
	case T_TEMPLATE:
		for (uint32_t i = 0; i < t->n; i++) {	/* each part becomes a body of its own: v = part */
			struct expr *part = t->parts[i];
			struct body *b;

			if (part->term && part->term->kind == T_VALUE)
				continue;
			b = body_new(x->c, part->loc);
			if (!b)
				return;
			part->val = term_var(x->c, var_fresh(x->c, NULL), part->loc);
			if (part->term->kind == T_CALL) {
				struct expand in = {.c = x->c, .out = b, .at = part};

				hoist(&in, &part->term, false);
				part->val = part->term;
			} else {
				struct expand in = {.c = x->c, .out = b, .at = part};
				struct expr *e;

				hoist(&in, &part->term, false);
				e = expr_new(x->c, term_call(x->c, "eq", part->loc, part->val, part->term), part->loc);
				if (e) {
					e->with = part->with;
					e->nwith = part->nwith;
				}
				body_add(x->c, b, e);
			}
			part->bodies = comp_alloc(x->c, sizeof(*part->bodies));
			if (!part->bodies)
				return;
			part->bodies[0] = b;
			part->nbodies = 1;
		}
		return;
	}
}

/* Values of `with` are computed before the expression and outside of its own replacements. */
static void with_values(struct expand *x, struct expr *e)
{
	for (uint32_t k = 0; k < e->nwith; k++) {
		struct term *v = e->with[k].value;
		struct expand in = {.c = x->c, .out = x->out};

		if (v->kind == T_VALUE || v->kind == T_VAR)
			continue;
		if (e->with[k].by.fn || e->with[k].by.builtin || e->with[k].by.host)
			continue;
		hoist(&in, &e->with[k].value, false);
		v = e->with[k].value;
		if (v->kind != T_VAR)
			support(&in, v, &e->with[k].value);
	}
}

static void expand_expr(struct expand *x, struct expr *e)
{
	with_values(x, e);
	x->at = e;
	switch (e->kind) {
	case EX_TERM:
	case EX_SOME:
		hoist(x, &e->term, true);
		break;
	case EX_EVERY:
		hoist(x, &e->domain, false);
		if (e->domain->kind != T_VAR) {
			struct loc at = e->domain->loc;

			support(x, e->domain, &e->domain);
			if (x->out->n)
				x->out->e[x->out->n - 1]->loc = at;	/* an expression of its own, where the domain is */
		}
		expand_body(x->c, e->bodies[0]);
		break;
	case EX_NOT:
	case EX_AND:
	case EX_OR:
		for (uint32_t k = 0; k < e->nbodies; k++)
			expand_body(x->c, e->bodies[k]);
		break;
	}
	body_add(x->c, x->out, e);
}

static bool expand_body(struct comp *c, struct body *b)
{
	struct body *out = body_new(c, b->loc);
	struct expand x = {.c = c, .out = out};

	if (!out)
		return false;
	for (uint32_t i = 0; i < b->n; i++)
		expand_expr(&x, b->e[i]);
	b->e = out->e;
	b->n = out->n;
	b->cap = out->cap;
	return comp_ok(c);
}

static bool simple(const struct term *t)
{
	return t->kind == T_VALUE || t->kind == T_VAR;
}

/* A head term that must be evaluated: into the body, with a variable in its place. */
static void head_term(struct comp *c, struct rule *r, struct term **slot)
{
	struct expand x = {.c = c, .out = r->body};

	if (!*slot || simple(*slot))
		return;
	hoist(&x, slot, false);
	if (!simple(*slot))
		support(&x, *slot, slot);
}

static bool has_call(const struct term *t)
{
	if (t->kind == T_CALL)
		return true;
	for (uint32_t i = 0; t->items && i < t->n; i++) {
		if (has_call(t->items[i]))
			return true;
	}
	return false;
}

/* A template string in an argument is a value to match: a variable there, and a comparison in the body. */
static void template_args(struct comp *c, struct body *b, struct term **slot)
{
	struct term *t = *slot, *v;

	if (t->kind == T_TEMPLATE) {
		v = term_var(c, var_fresh(c, NULL), t->loc);
		if (!v)
			return;
		body_add(c, b, expr_new(c, term_call(c, "eq", t->loc, term_var(c, v->var, t->loc), t), t->loc));
		*slot = v;
		return;
	}
	for (uint32_t i = 0; t->items && i < t->n; i++)
		template_args(c, b, &t->items[i]);
}

bool stage_expand(struct comp *c)
{
	for (uint32_t i = 0; i < c->nmods; i++) {
		for (struct rule *first = c->mods[i]->first; first; first = first->next) {
			for (struct rule *r = first; r; r = r->els) {
				for (uint32_t k = 0; k < r->nargs; k++) {
					if (has_call(r->args[k]))
						comp_error(c, ERR_COMPILE, r->args[k]->loc, "rule arguments cannot contain calls");
				}
				for (uint32_t k = 0; k < r->nargs; k++)
					template_args(c, r->body, &r->args[k]);
				if (!expand_body(c, r->body))
					return false;
				for (uint32_t k = 1; !r->is_else && k < r->nref; k++)
					head_term(c, r, &r->ref[k]);
				head_term(c, r, &r->key);
				head_term(c, r, &r->value);
			}
		}
	}
	return comp_ok(c);
}

bool expand_query(struct comp *c, struct body *b)
{
	return expand_body(c, b);
}
