/* Names: rules of the package, imports, input and data become full references; everything else stays a local. */
#include "rego/tree.h"

struct scope {
	struct comp *c;
	struct module *m;
	struct tree *package;
};

static void resolve_body(struct scope *s, struct body *b);
static void resolve_slot(void *ctx, struct term **slot);

/* ---- declarations: a variable whose mark is not zero is local here ---- */

static void mark_vars(struct term *t, int by)
{
	if (!t)
		return;
	if (t->kind == T_VAR) {
		t->var->mark = (uint32_t)((int)t->var->mark + by);
		return;
	}
	if (t->kind == T_REF || t->kind == T_CALL) {	/* the head is no declaration; brackets may be */
		for (uint32_t i = 1; i < t->n; i++)
			mark_vars(t->items[i], by);
		return;
	}
	for (uint32_t i = 0; t->items && i < t->n; i++)
		mark_vars(t->items[i], by);
}

/* What a body declares: left sides of :=, some. */
static void mark_body(struct body *b, int by)
{
	for (uint32_t i = 0; i < b->n; i++) {
		struct expr *e = b->e[i];

		if (e->kind == EX_SOME) {
			for (uint32_t k = 0; k < e->ndecls; k++)
				mark_vars(e->decls[k], by);
			for (uint32_t k = 1; e->term && k + 1 < e->term->n; k++)
				mark_vars(e->term->items[k], by);
		} else if (e->kind == EX_TERM && call_is(e->term, "assign") && e->term->n == 3) {
			mark_vars(e->term->items[1], by);
		}
	}
}

/* ---- look-up ---- */

static struct import *import_named(const struct module *m, const struct var *v)
{
	for (uint32_t i = m->nimports; i-- > 0;) {
		if (!m->imports[i].keyword && m->imports[i].alias == v)
			return &m->imports[i];
	}
	return NULL;
}

static bool rule_named(const struct scope *s, const struct var *v)
{
	struct tree *k;

	if (!s->package)
		return false;
	k = tree_kid(s->package, (struct rv){.kind = RV_STRING, .hash = v->name->hash, .str = v->name});
	/* a node is a rule, or the start of one: not a package below ours */
	return k && (k->group || (k->nkids && !k->package));
}

static bool starts_rule(const struct tree *t)
{
	if (t->group)
		return true;
	for (uint32_t i = 0; i < t->nkids; i++) {
		if (!t->kids[i]->package && starts_rule(t->kids[i]))
			return true;
	}
	return false;
}

/* The global that v means, as items of a reference; NULL when it is a local. */
static struct term **global(struct scope *s, struct var *v, struct loc loc, uint32_t *n)
{
	struct term **items;
	struct import *im;

	if (v->mark || v->wildcard || v == s->c->v_data || v == s->c->v_input)
		return NULL;
	im = import_named(s->m, v);
	if (im) {
		im->used = true;
		items = comp_alloc(s->c, im->n * sizeof(*items));
		for (uint32_t i = 0; items && i < im->n; i++) {
			items[i] = term_copy(s->c, im->path[i]);
			if (items[i])
				items[i]->loc = loc;
		}
		*n = im->n;
		return items;
	}
	if (!rule_named(s, v))
		return NULL;
	{
		struct tree *k = tree_kid(s->package, (struct rv){.kind = RV_STRING, .hash = v->name->hash, .str = v->name});

		if (k->package && !starts_rule(k))
			return NULL;
	}
	*n = s->m->npath + 2;
	items = comp_alloc(s->c, *n * sizeof(*items));
	if (!items)
		return NULL;
	items[0] = term_var(s->c, s->c->v_data, loc);
	for (uint32_t i = 0; i < s->m->npath; i++)
		items[1 + i] = term_value(s->c, s->m->path[i], loc);
	items[*n - 1] = term_value(s->c, (struct rv){.kind = RV_STRING, .hash = v->name->hash, .str = v->name}, loc);
	return items;
}

static void splice(struct scope *s, struct term *t, struct term **head, uint32_t n)
{
	struct term **items = comp_alloc(s->c, (n + t->n - 1) * sizeof(*items));

	if (!items)
		return;
	memcpy(items, head, n * sizeof(*items));
	if (t->n > 1)
		memcpy(items + n, t->items + 1, (t->n - 1) * sizeof(*items));
	t->items = items;
	t->n += n - 1;
}

static void resolve_term(struct scope *s, struct term *t)
{
	struct term **head;
	uint32_t n, from = 0;

	if (!t)
		return;
	switch (t->kind) {
	case T_VALUE:
		return;
	case T_VAR:
		head = global(s, t->var, t->loc, &n);
		if (head && n == 1) {
			t->var = head[0]->var;
		} else if (head) {
			t->kind = T_REF;
			t->items = head;
			t->n = n;
		}
		return;
	case T_REF:
		if (t->items[0]->kind == T_VAR) {
			head = global(s, t->items[0]->var, t->items[0]->loc, &n);
			if (head)
				splice(s, t, head, n);
			from = 1;
		}
		for (uint32_t i = from; i < t->n; i++)
			resolve_term(s, t->items[i]);
		return;
	case T_CALL:
		if (!t->op)
			resolve_term(s, t->items[0]);
		for (uint32_t i = 1; i < t->n; i++)
			resolve_term(s, t->items[i]);
		return;
	case T_ARRAY:
	case T_SET:
	case T_OBJECT:
		term_each(t, resolve_slot, s);
		return;
	case T_ARRAY_COMP:
	case T_SET_COMP:
	case T_OBJECT_COMP:
		mark_body(t->body, 1);
		resolve_term(s, t->key);
		resolve_term(s, t->val);
		resolve_body(s, t->body);
		mark_body(t->body, -1);
		return;
	case T_TEMPLATE:
		for (uint32_t i = 0; i < t->n; i++) {
			struct body one = {.e = &t->parts[i], .n = 1};

			resolve_body(s, &one);
		}
		return;
	}
}

static void resolve_slot(void *ctx, struct term **slot)
{
	resolve_term(ctx, *slot);
}

static void resolve_closure(struct scope *s, struct body *b)
{
	mark_body(b, 1);
	resolve_body(s, b);
	mark_body(b, -1);
}

static void resolve_body(struct scope *s, struct body *b)
{
	for (uint32_t i = 0; i < b->n; i++) {
		struct expr *e = b->e[i];

		resolve_term(s, e->term);
		if (e->kind == EX_EVERY) {
			resolve_term(s, e->domain);
			mark_vars(e->key, 1);
			mark_vars(e->val, 1);
			resolve_closure(s, e->bodies[0]);
			mark_vars(e->key, -1);
			mark_vars(e->val, -1);
		} else {
			for (uint32_t k = 0; k < e->nbodies; k++) {
				if (e->bodies[k]->braces || e->kind == EX_NOT)
					resolve_closure(s, e->bodies[k]);
				else
					resolve_body(s, e->bodies[k]);
			}
		}
		for (uint32_t k = 0; k < e->nwith; k++) {
			resolve_term(s, e->with[k].target);
			resolve_term(s, e->with[k].value);
		}
	}
}

static void check_shadow(struct scope *s, struct term *t, const char *what, const char *use)
{
	if (!t)
		return;
	if (t->kind == T_VAR && (t->var == s->c->v_data || t->var == s->c->v_input))
		comp_error(s->c, ERR_COMPILE, t->loc, "%s must not shadow %s (use a different %s name)", what,
			   t->var->name->p, use);
	for (uint32_t i = t->kind == T_REF ? 1 : 0; t->items && i < t->n; i++)
		check_shadow(s, t->items[i], what, use);
}

static void shadows_in_body(struct scope *s, struct body *b);

static void shadows_in_term(void *ctx, struct term **slot)
{
	struct scope *s = ctx;

	if (!*slot)
		return;
	if ((*slot)->body)
		shadows_in_body(s, (*slot)->body);
	term_each(*slot, shadows_in_term, s);
}

static void shadows_in_body(struct scope *s, struct body *b)
{
	for (uint32_t i = 0; i < b->n; i++) {
		struct expr *e = b->e[i];

		if (e->kind == EX_TERM && call_is(e->term, "assign") && e->term->n == 3)
			check_shadow(s, e->term->items[1], "variables", "variable");
		if (e->kind == EX_SOME) {
			for (uint32_t k = 0; k < e->ndecls; k++)
				check_shadow(s, e->decls[k], "variables", "variable");
			for (uint32_t k = 1; e->term && k + 1 < e->term->n; k++)
				check_shadow(s, e->term->items[k], "variables", "variable");
		}
		if (e->kind == EX_EVERY) {
			check_shadow(s, e->key, "variables", "variable");
			check_shadow(s, e->val, "variables", "variable");
		}
		if (e->term)
			shadows_in_term(s, &e->term);
		if (e->domain)
			shadows_in_term(s, &e->domain);
		for (uint32_t k = 0; k < e->nbodies; k++)
			shadows_in_body(s, e->bodies[k]);
	}
}

static void resolve_rule(struct scope *s, struct rule *r)
{
	for (; r; r = r->els) {
		for (uint32_t i = 0; i < r->nargs; i++)
			mark_vars(r->args[i], 1);
		mark_body(r->body, 1);
		for (uint32_t i = 1; !r->is_else && i < r->nref; i++)
			resolve_term(s, r->ref[i]);
		for (uint32_t i = 0; i < r->nargs; i++) {
			if (r->args[i]->kind == T_TEMPLATE)
				resolve_term(s, r->args[i]);
			else if (r->args[i]->kind != T_VAR)
				term_each(r->args[i], resolve_slot, s);
		}
		if (!r->bare || r->key)
			resolve_term(s, r->key);
		resolve_term(s, r->value);
		resolve_body(s, r->body);
		mark_body(r->body, -1);
		for (uint32_t i = 0; i < r->nargs; i++)
			mark_vars(r->args[i], -1);
	}
}

/* What v1 (and strict mode) refuse: imports of one name, and names that hide input or data. */
static void v1_checks(struct scope *s, struct module *m)
{
	for (uint32_t i = 0; i < m->nimports; i++) {
		for (uint32_t k = 0; k < i; k++) {
			if (!m->imports[i].keyword && !m->imports[k].keyword && m->imports[i].alias == m->imports[k].alias) {
				struct buf b = buf_in(s->c->arena, 0);
				const struct import *im = &m->imports[k];
				const char *text;

				ref_text(&b, im->path, im->n);
				if (im->n > 1 && !rv_is_str(im->path[im->n - 1]->value, im->alias->name->p))
					buf_printf(&b, " as %s", im->alias->name->p);
				text = buf_cstr(&b);
				comp_error(s->c, ERR_COMPILE, m->imports[i].loc, "import must not shadow import %s", text ? text : "");
				break;
			}
		}
	}
	for (struct rule *r = m->first; r; r = r->next) {
		check_shadow(s, r->ref[0], "rules", "rule");
		for (struct rule *e = r; e; e = e->els) {
			for (uint32_t i = 0; i < e->nargs; i++)
				check_shadow(s, e->args[i], "args", "argument");
			shadows_in_body(s, e->body);
			if (e->value)
				shadows_in_term(s, &e->value);
			if (e->key)
				shadows_in_term(s, &e->key);
		}
	}
}

bool stage_resolve(struct comp *c)
{
	for (uint32_t i = 0; i < c->nmods; i++) {
		struct scope s = {.c = c, .m = c->mods[i]};

		if (c->mods[i]->v1 || c->opts->strict)
			v1_checks(&s, c->mods[i]);
	}
	for (uint32_t i = 0; i < c->nmods; i++) {
		struct scope s = {.c = c, .m = c->mods[i], .package = tree_package(c, c->mods[i])};

		for (struct rule *r = c->mods[i]->first; r; r = r->next)
			resolve_rule(&s, r);
		for (uint32_t k = 0; c->opts->strict && k < c->mods[i]->nimports; k++) {
			const struct import *im = &c->mods[i]->imports[k];
			struct buf b = buf_in(c->arena, 0);

			if (im->keyword || im->used || !im->n)
				continue;
			ref_text(&b, im->path, im->n);
			if (im->n > 1 && !rv_is_str(im->path[im->n - 1]->value, im->alias->name->p))
				buf_printf(&b, " as %s", im->alias->name->p);
			comp_error(c, ERR_COMPILE, im->loc, "import %s unused", buf_cstr(&b));
		}
	}
	return comp_ok(c);
}

bool resolve_query(struct comp *c, struct module *m, struct body *b)
{
	struct scope s = {.c = c, .m = m};

	mark_body(b, 1);
	resolve_body(&s, b);
	mark_body(b, -1);
	return comp_ok(c);
}
