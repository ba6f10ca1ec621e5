#include "rego/tree.h"

#include <stdio.h>

struct tree *tree_kid(const struct tree *t, struct rv key)
{
	for (uint32_t i = 0; i < t->nkids; i++) {
		if (rv_eq(t->kids[i]->key, key))
			return t->kids[i];
	}
	return NULL;
}

struct tree *tree_add(struct comp *c, struct tree *t, struct rv key)
{
	struct tree *k = tree_kid(t, key);

	if (k)
		return k;
	k = COMP_NEW(c, struct tree);
	if (!k)
		return NULL;
	k->parent = t;
	k->key = key;
	if (key.kind == RV_STRING) {	/* so that look-ups by input keys meet equal pointers */
		const struct rv_str *s = rv_strtab_add(c->tab, &c->heap, key.str->p, key.str->n);

		if (!s)
			return NULL;
		k->key.str = s;
	}
	if (t->nkids == t->cap_kids) {
		uint32_t cap = t->cap_kids ? t->cap_kids * 2 : 4;

		t->kids = arena_grow(c->arena, t->kids, t->cap_kids * sizeof(struct tree *), cap * sizeof(struct tree *));
		if (!t->kids) {
			t->nkids = t->cap_kids = 0;
			comp_oom(c);
			return NULL;
		}
		t->cap_kids = cap;
	}
	t->kids[t->nkids++] = k;
	return k;
}

struct tree *tree_package(struct comp *c, const struct module *m)
{
	struct tree *t = c->tree;

	for (uint32_t i = 0; t && i < m->npath; i++)
		t = tree_add(c, t, m->path[i]);
	return t;
}

static void path_text(struct buf *b, const struct tree *t)
{
	struct term part = {.kind = T_VALUE};

	if (!t->parent) {
		buf_puts(b, "data");
		return;
	}
	path_text(b, t->parent);
	part.value = t->key;
	{
		struct term none = {.kind = T_VALUE}, *items[2] = {&none, &part};
		struct buf tmp = buf_in(b->arena, 0);

		none.value = rv_null();
		ref_text(&tmp, items, 2);
		if (buf_ok(&tmp) && tmp.n > 4)
			buf_put(b, tmp.p + 4, tmp.n - 4);	/* behind "null" */
	}
}

char *tree_path(struct comp *c, const struct tree *t)
{
	struct buf b = buf_in(c->arena, 0);
	char *s;

	path_text(&b, t);
	s = buf_cstr(&b);
	if (!s)
		comp_oom(c);
	return s ? s : arena_strdup(c->arena, "data");
}

uint32_t rule_prefix(const struct rule *r)
{
	uint32_t n = 1;

	while (n < r->nref && r->ref[n]->kind == T_VALUE)
		n++;
	return n;
}

static bool group_add(struct comp *c, struct rule_group *g, struct rule *r)
{
	if (g->n == g->cap) {
		uint32_t cap = g->cap ? g->cap * 2 : 4;

		g->rules = arena_grow(c->arena, g->rules, g->cap * sizeof(struct rule *), cap * sizeof(struct rule *));
		if (!g->rules) {
			g->n = g->cap = 0;
			comp_oom(c);
			return false;
		}
		g->cap = cap;
	}
	g->rules[g->n++] = r;
	return true;
}

static enum group_kind kind_of(const struct rule *r)
{
	if (r->has_args)
		return G_FUNCTION;
	return r->key || rule_prefix(r) < r->nref ? G_PARTIAL : G_COMPLETE;
}

static bool place(struct comp *c, struct module *m, struct rule *r)
{
	struct tree *t = tree_package(c, m);
	uint32_t prefix = rule_prefix(r);
	struct rule_group *g;

	if (!t)
		return false;
	t = tree_add(c, t, (struct rv){.kind = RV_STRING, .hash = r->ref[0]->var->name->hash, .str = r->ref[0]->var->name});
	for (uint32_t i = 1; t && i < prefix; i++)
		t = tree_add(c, t, r->ref[i]->value);
	if (!t)
		return false;
	g = t->group;
	if (!g) {
		g = t->group = COMP_NEW(c, struct rule_group);
		if (!g)
			return false;
		g->node = t;
		g->path = tree_path(c, t);
		g->kind = kind_of(r);
		g->arity = r->nargs;
		g->is_set = r->key != NULL && prefix == r->nref;
	}
	for (struct rule *e = r; e; e = e->els)
		e->group = g;
	if (kind_of(r) == G_PARTIAL) {
		if (prefix < r->nref) {
			for (struct tree *up = t; up; up = up->parent)
				up->deep = true;
		}
		if (g->kind == G_COMPLETE && !r->is_default && g->n == 0)
			g->kind = G_PARTIAL;
	}
	if (r->is_default) {
		if (!g->def)
			g->def = r;
		else if (!g->def2)
			g->def2 = r;
		return true;
	}
	return group_add(c, g, r);
}

bool tree_build(struct comp *c)
{
	c->tree = COMP_NEW(c, struct tree);
	for (uint32_t i = 0; c->tree && i < c->nmods; i++) {
		struct tree *t = tree_package(c, c->mods[i]);

		if (!t)
			return false;
		if (!t->package)
			t->mod = i;
		t->package = true;
	}
	for (uint32_t i = 0; c->tree && i < c->nmods; i++) {
		for (struct rule *r = c->mods[i]->first; r; r = r->next) {
			if (!place(c, c->mods[i], r))
				return false;
		}
	}
	return comp_ok(c);
}
