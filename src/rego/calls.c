/* What every call calls: a rule, a host function or a builtin. */
#include "rego/plan.h"

static const char *const inline_ops[] = {"eq", "assign", "equal", "neq", "lt", "lte", "gt", "gte", "internal.member_2"};

struct calls {
	struct comp *c;
	bool v1;	/* the module at hand */
	bool in_template;
	const struct term *top;	/* the call that is the expression itself: it may take its result as one more argument */
	const struct expr *e;
	const struct rule *rule;	/* NULL in a query */
};

static void in_body(struct calls *s, struct body *b, bool part);

/* A dotted name: "json.marshal"; false when a part is no name. */
static bool dotted(const struct term *t, struct buf *b)
{
	if (t->kind == T_VAR) {
		buf_put(b, t->var->name->p, t->var->name->n);
		return true;
	}
	if (t->kind != T_REF || t->items[0]->kind != T_VAR)
		return false;
	buf_put(b, t->items[0]->var->name->p, t->items[0]->var->name->n);
	for (uint32_t i = 1; i < t->n; i++) {
		if (t->items[i]->kind != T_VALUE || t->items[i]->value.kind != RV_STRING)
			return false;
		buf_putc(b, '.');
		buf_slice(b, rv_slice(t->items[i]->value));
	}
	return true;
}

static struct rule_group *group_at(struct comp *c, const struct term *t)
{
	const struct tree *n = c->tree;

	if (t->kind != T_REF || t->items[0]->kind != T_VAR || t->items[0]->var != c->v_data)
		return NULL;
	for (uint32_t i = 1; n && i < t->n; i++)
		n = t->items[i]->kind == T_VALUE ? tree_kid(n, t->items[i]->value) : NULL;
	return n ? n->group : NULL;
}

static bool denied(const struct comp *c, const char *name)
{
	for (size_t i = 0; i < c->opts->denied_builtin_count; i++) {
		if (strcmp(c->opts->denied_builtins[i], name) == 0)
			return true;
	}
	return false;
}

/* Fills *out; false when there is no such function. */
static bool find(struct comp *c, const struct term *t, struct callee *out)
{
	struct buf b = buf_in(c->arena, 0);
	const char *name;

	*out = (struct callee){0};
	if (t->kind == T_REF && t->items[0]->kind == T_VAR && t->items[0]->var == c->v_data) {
		out->fn = group_at(c, t);
		return out->fn != NULL;
	}
	if (!dotted(t, &b))
		return false;
	name = buf_cstr(&b);
	if (!name) {
		comp_oom(c);
		return false;
	}
	for (uint32_t i = 0; i < c->opts->host_fn_count; i++) {
		if (strcmp(c->opts->host_fns[i].name, name) == 0) {
			out->host = &c->prog->hosts[i];
			out->host_index = i;
			return true;
		}
	}
	if (denied(c, name))
		return false;
	out->builtin = rego_builtin_find(slice_cstr(name));
	return out->builtin != NULL;
}

static bool is_inline(const struct term *t)
{
	for (size_t i = 0; t->op && i < sizeof(inline_ops) / sizeof(*inline_ops); i++) {
		if (call_is(t, inline_ops[i]))
			return true;
	}
	return false;
}

static char *name_of(struct comp *c, const struct term *t)
{
	return term_string(c, t->items[0]);
}

static void metadata_call(struct calls *s, struct term *t)
{
	struct metadata_call *m = COMP_NEW(s->c, struct metadata_call);

	*m = (struct metadata_call){s->c->metadata_calls, t, s->rule, strcmp(t->callee.builtin->name, "rego.metadata.chain") == 0};
	s->c->metadata_calls = m;
}

static void deprecated(struct calls *s, struct loc loc, const char *name)
{
	struct deprecated_call *d = COMP_NEW(s->c, struct deprecated_call);

	*d = (struct deprecated_call){NULL, loc, name};
	*(s->c->last_deprecated ? &s->c->last_deprecated->next : &s->c->deprecated_calls) = d;
	s->c->last_deprecated = d;
}

bool stage_deprecated(struct comp *c)
{
	for (const struct deprecated_call *d = c->deprecated_calls; d; d = d->next)
		comp_error(c, ERR_TYPE, d->loc, "deprecated built-in function calls in expression: %s", d->name);
	return comp_ok(c);
}

/* A negated call is where its `not` is. */
static struct loc place(const struct calls *s, const struct term *t)
{
	return t == s->top && s->e && s->e->negated ? s->e->loc : t->loc;
}

static void call(struct calls *s, struct term *t)
{
	struct comp *c = s->c;
	uint32_t arity, given = t->n - 1;
	bool result = t == s->top;

	if (!find(c, t->items[0], &t->callee)) {
		if (!is_inline(t))
			comp_error(c, ERR_TYPE, place(s, t), "undefined function %s", name_of(c, t));
		return;
	}
	if (t->callee.fn) {
		arity = t->callee.fn->arity;
		if (t->callee.fn->kind != G_FUNCTION && (!given || (result && given == 1))) {	/* a rule is called as a function is not */
			comp_error(c, ERR_TYPE, place(s, t), "undefined function %s", name_of(c, t));
			return;
		}
		if (given != arity && !(result && given == arity + 1))
			comp_error(c, ERR_TYPE, t->loc, "function %s has arity %u, got %u argument%s", t->callee.fn->path, arity, given,
				   given == 1 ? "" : "s");
		return;
	}
	if (t->callee.builtin && !t->op && (t->callee.builtin->flags & REGO_INTERNAL)) {
		comp_error(c, ERR_TYPE, place(s, t), "undefined function %s", name_of(c, t));
		return;
	}
	if (t->callee.builtin && (t->callee.builtin->flags & REGO_VOID)) {
		comp_error(c, ERR_TYPE, t->loc, "%s used as value", term_string(c, t));
		return;
	}
	if (t->callee.builtin && (t->callee.builtin->flags & REGO_DEPRECATED) && (s->v1 || c->opts->strict))
		deprecated(s, s->e ? s->e->loc : t->loc, t->callee.builtin->name);
	if (t->callee.builtin && (t->callee.builtin->flags & REGO_RELATION) && s->in_template)
		comp_error(c, ERR_COMPILE, t->loc, "illegal call to relation built-in '%s' that may cause multiple outputs",
			   t->callee.builtin->name);
	if (t->callee.builtin && s->rule && strncmp(t->callee.builtin->name, "rego.metadata.", 14) == 0)
		metadata_call(s, t);
	arity = t->callee.host ? t->callee.host->arity : t->callee.builtin->arity;
	if (given != arity && !(result && given == arity + 1))
		comp_error(c, ERR_TYPE, t->loc, "%s: arity mismatch\n\thave: %u arguments\n\twant: %u", name_of(c, t), given, arity);
}

static void in_term(void *ctx, struct term **slot)
{
	struct calls *s = ctx;
	struct term *t = *slot;

	if (!t)
		return;
	if (t->kind == T_CALL) {
		for (uint32_t i = 1; i < t->n; i++)
			in_term(ctx, &t->items[i]);
		call(s, t);
		return;
	}
	term_each(t, in_term, ctx);
	if (t->body)
		in_body(s, t->body, false);
	if (t->kind == T_TEMPLATE) {
		for (uint32_t i = 0; i < t->n; i++) {
			struct body one = {.e = &t->parts[i], .n = 1, .cap = 1};
			bool outer = s->in_template;

			s->in_template = true;
			in_body(s, &one, true);
			s->in_template = outer;
		}
	}
}

static bool is_function(const struct callee *f)
{
	return f->builtin || f->host || (f->fn && f->fn->kind == G_FUNCTION);
}

static void in_with(struct calls *s, struct with *w)
{
	struct comp *c = s->c;
	const struct term *head = w->target->kind == T_REF ? w->target->items[0] : w->target;
	uint32_t arity, by;

	if (head->kind == T_VAR && head->var == c->v_input) {
		in_term(s, &w->value);
		return;
	}
	if (head->kind == T_VAR && head->var == c->v_data && !(group_at(c, w->target) &&
	    group_at(c, w->target)->kind == G_FUNCTION)) {
		const struct tree *n = c->tree;

		for (uint32_t i = 1; n && w->target->kind == T_REF && i < w->target->n; i++) {
			if (n->group) {
				comp_error(c, ERR_COMPILE, w->target->loc, "with keyword cannot partially replace virtual document(s)");
				return;
			}
			n = w->target->items[i]->kind == T_VALUE ? tree_kid(n, w->target->items[i]->value) : NULL;
		}
		in_term(s, &w->value);
		return;
	}
	if (!find(c, w->target, &w->callee) || !is_function(&w->callee)) {
		w->callee = (struct callee){0};
		comp_error(c, ERR_TYPE, w->target->loc, "with keyword target must reference existing input, data, or a function");
		return;
	}
	if (w->callee.builtin) {
		const struct rego_builtin *b = w->callee.builtin;

		if (b->flags & REGO_RELATION) {
			comp_error(c, ERR_COMPILE, w->target->loc, "with keyword replacing built-in function: target must not be a relation");
			return;
		}
		if (b->flags & REGO_VOID) {
			comp_error(c, ERR_COMPILE, w->target->loc, "with keyword replacing built-in function: target must not be a void function");
			return;
		}
		if (strncmp(b->name, "internal.", 9) == 0) {
			comp_error(c, ERR_COMPILE, w->target->loc, "with keyword replacing built-in function: replacement of internal function "
				   "\"%s\" invalid", b->name);
			return;
		}
		if (strncmp(b->name, "rego.metadata.", 14) == 0 || strcmp(b->name, "eq") == 0) {
			comp_error(c, ERR_COMPILE, w->target->loc, "with keyword replacing built-in function: replacement of \"%s\" invalid",
				   b->name);
			return;
		}
	}
	arity = w->callee.fn ? w->callee.fn->arity : w->callee.host ? w->callee.host->arity : w->callee.builtin->arity;
	if ((w->value->kind == T_REF || w->value->kind == T_VAR) && find(c, w->value, &w->by) && is_function(&w->by)) {
		by = w->by.fn ? w->by.fn->arity : w->by.host ? w->by.host->arity : w->by.builtin->arity;
		if (by != arity)
			comp_error(c, ERR_TYPE, w->loc, "%s: arity mismatch\n\thave: %u\n\twant: %u", term_string(c, w->target), by,
				   arity);
		return;
	}
	w->by = (struct callee){0};
	in_term(s, &w->value);
}

static bool is_print(const struct expr *e)
{
	return e->kind == EX_TERM && call_is(e->term, "print") && !e->term->op;
}

/* print(a, b) becomes internal.print([{v | v = a}, {v | v = b}]): an operand that is undefined does not stop it. */
static void print_lines(struct comp *c, struct expr *e)
{
	struct term *call = e->term, **sets = comp_alloc(c, call->n * sizeof(*sets)), **items = comp_alloc(c, 2 * sizeof(*items));

	for (uint32_t i = 1; i < call->n; i++) {
		struct term *arg = call->items[i], *set = term_new(c, T_SET_COMP, arg->loc), *v = term_var(c, var_fresh(c, NULL), arg->loc);

		set->val = v;
		set->body = body_new(c, arg->loc);
		set->op = true;
		body_add(c, set->body, expr_new(c, term_call(c, "eq", arg->loc, term_var(c, v->var, arg->loc), arg), arg->loc));
		sets[i - 1] = set;
	}
	items[0] = term_var(c, var_named(c, "internal.print", 14), call->loc);
	items[1] = term_items(c, T_ARRAY, call->loc, sets, call->n - 1);
	e->term = term_items(c, T_CALL, call->loc, items, 2);
	e->term->op = true;
	e->negated = false;	/* there is nothing to negate */
}

/* part: the expression of a template string, whose value is wanted */
static void in_body(struct calls *s, struct body *b, bool part)
{
	const struct term *top = s->top;
	const struct expr *at = s->e;
	uint32_t n = 0;

	for (uint32_t i = 0; i < b->n; i++) {
		struct expr *e = b->e[i];

		if (is_print(e) && !s->c->opts->keep_print)
			continue;	/* erased */
		if (is_print(e))
			print_lines(s->c, e);
		s->e = e;
		b->e[n++] = e;
		s->top = part ? NULL : e->term;
		if (e->term)
			in_term(s, &e->term);
		if (e->domain)
			in_term(s, &e->domain);
		for (uint32_t k = 0; k < e->nbodies; k++)
			in_body(s, e->bodies[k], false);
		for (uint32_t k = 0; k < e->nwith; k++)
			in_with(s, &e->with[k]);
	}
	if (n == 0 && b->n) {
		struct expr *e = expr_new(s->c, term_value(s->c, rv_bool(true), b->loc), b->loc);

		if (e)
			b->e[n++] = e;
	}
	b->n = n;
	s->top = top;
	s->e = at;
}

bool stage_calls(struct comp *c)
{
	struct calls s = {.c = c};

	for (uint32_t i = 0; i < c->nmods; i++) {
		s.v1 = c->mods[i]->v1;
		for (struct rule *first = c->mods[i]->first; first; first = first->next) {
			for (struct rule *r = first; r; r = r->els) {
				s.rule = r;
				in_body(&s, r->body, false);
				s.e = NULL;
				for (uint32_t k = 1; !r->is_else && k < r->nref; k++)
					in_term(&s, &r->ref[k]);
				in_term(&s, &r->key);
				in_term(&s, &r->value);
			}
		}
	}
	return comp_ok(c);
}

bool calls_query(struct comp *c, struct body *b)
{
	struct calls s = {.c = c};

	in_body(&s, b, false);
	return stage_deprecated(c);
}
