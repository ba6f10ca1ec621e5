/* graphql_overlap.c - fields that answer under one name must be one field (October 2021, section 5.3.2).
 *
 * Sets of fields are compared within and between each other, and with the fragments that are spread beside them, as the
 * reference does. The number of comparisons is not bounded by the size of the query: the budget of steps ends it.
 */
#include <stdlib.h>

#include "rego/builtin/graphql_check.h"

struct node {
	struct node *next;
	struct gql_selection *f;
};
GQL_LIST(node);

struct group {
	struct group *next;
	struct slice name;
	struct node_list fields;
};
GQL_LIST(group);

/* What a selection set holds by itself and through inline fragments; spreads apart. */
struct gql_fields {
	struct group_list groups;
	struct gql_map by_name;
	struct node_list spreads;
};

/* What is wrong with two fields: a text, or what is wrong with their subfields. */
struct conflict {
	struct conflict *next;
	const char *text;
	struct slice name;
	struct gql_pos pos;
	struct conflict *inner;
};
GQL_LIST(conflict);

/* ---- collecting ---- */

static void add_node(struct gql_check *k, struct node_list *l, struct gql_selection *f)
{
	struct node *n = GQL_NEW(k->g, struct node);

	if (n)
		n->f = f;
	GQL_ADD(l, n);
}

static struct slice response_name(const struct gql_selection *f)
{
	return f->alias.n ? f->alias : f->name;
}

static void gather(struct gql_check *k, struct gql_fields *out, struct gql_selection_list *l)
{
	if (!gql_descend(k))
		return;
	for (struct gql_selection *s = l->first; s && gql_spend(k->g, 1); s = s->next) {
		struct group *group;

		if (s->kind == GQL_SPREAD)
			add_node(k, &out->spreads, s);
		if (s->kind == GQL_INLINE)
			gather(k, out, &s->selections);
		if (s->kind != GQL_FIELD)
			continue;
		group = gql_map_get(&out->by_name, response_name(s));
		if (!group) {
			group = GQL_NEW(k->g, struct group);
			if (!group)
				return;
			group->name = response_name(s);
			GQL_ADD(&out->groups, group);
			gql_map_put(k->g, &out->by_name, group->name, group);
		}
		add_node(k, &group->fields, s);
	}
	gql_leave(k);
}

/* NULL when the pass must stop. */
static const struct gql_fields *fields_of(struct gql_check *k, struct gql_selection_list *l)
{
	struct gql_fields *out;

	if (l->fields)
		return gql_check_stop(k) ? NULL : l->fields;
	out = GQL_NEW(k->g, struct gql_fields);
	if (!out)
		return NULL;
	gather(k, out, l);
	if (gql_check_stop(k))
		return NULL;
	l->fields = out;
	return out;
}

/* ---- two fields ---- */

static int by_name(const void *a, const void *b)
{
	const struct gql_arg *x = *(struct gql_arg *const *)a, *y = *(struct gql_arg *const *)b;

	return slice_cmp(x->name, y->name);
}

static const struct gql_arg **in_order(struct gql_check *k, const struct gql_arg_list *l, bool sort)
{
	const struct gql_arg **all = gql_alloc(k->g, (l->n + 1) * sizeof(*all));
	uint32_t n = 0;

	if (!all)
		return NULL;
	for (const struct gql_arg *a = l->first; a; a = a->next)
		all[n++] = a;
	if (sort)
		qsort(all, n, sizeof(*all), by_name);
	return all;
}

static bool same_value(struct gql_check *k, const struct gql_value *a, const struct gql_value *b)
{
	const struct gql_arg **as, **bs;
	bool same = true;

	if (!gql_spend(k->g, 1 + a->children.n) || a->kind != b->kind || !slice_eq(a->raw, b->raw) ||
	    a->children.n != b->children.n)
		return false;
	if (!a->children.n)
		return true;
	as = in_order(k, &a->children, a->kind == GQL_OBJECT);
	bs = in_order(k, &b->children, a->kind == GQL_OBJECT);
	for (uint32_t i = 0; as && bs && i < a->children.n && same; i++)
		same = slice_eq(as[i]->name, bs[i]->name) && same_value(k, as[i]->value, bs[i]->value);
	return same;
}

static bool same_arguments(struct gql_check *k, const struct gql_arg_list *a, const struct gql_arg_list *b)
{
	if (a->n != b->n)
		return false;
	for (const struct gql_arg *x = a->first; x && !gql_check_stop(k); x = x->next) {
		bool found = false;

		for (const struct gql_arg *y = b->first; y && !found && gql_spend(k->g, 1); y = y->next)
			found = slice_eq(x->name, y->name) && same_value(k, x->value, y->value);
		if (!found)
			return false;
	}
	return true;
}

/* Could an answer not have both types at once? */
static bool types_conflict(struct gql_check *k, const struct gql_type *a, const struct gql_type *b)
{
	const struct gql_def *x, *y;

	if (a->elem || b->elem)
		return !a->elem || !b->elem || types_conflict(k, a->elem, b->elem);
	if (a->non_null != b->non_null)
		return true;
	x = gql_map_get(&k->s->types, a->name);
	y = gql_map_get(&k->s->types, b->name);
	return x && y && (x->kind == GQL_SCALAR || x->kind == GQL_ENUM_TYPE) &&
	       (y->kind == GQL_SCALAR || y->kind == GQL_ENUM_TYPE) && !slice_eq(x->name, y->name);
}

static void conflict(struct gql_check *k, struct conflict_list *out, const struct gql_selection *a,
		     const struct gql_selection *b, const char *text, struct conflict *inner)
{
	struct conflict *c;

	if (k->quiet) {
		gql_report(k, b->pos, "conflict");
		return;
	}
	c = GQL_NEW(k->g, struct conflict);
	if (!c)
		return;
	*c = (struct conflict){.text = text, .name = response_name(a), .pos = b->pos, .inner = inner};
	if (!text && !inner)
		k->g->end = rc_of(E_LIMIT);
	GQL_ADD(out, c);
}

static void between_selections(struct gql_check *k, struct conflict_list *out, bool exclusive, struct gql_selection_list *a,
			       struct gql_selection_list *b);

/* exclusive: no object can answer to both */
static void compare(struct gql_check *k, struct conflict_list *out, bool exclusive, struct gql_selection *a,
		    struct gql_selection *b)
{
	struct conflict_list inner = {0};
	struct arena *mem = k->g->a;

	if (!a->parent || !b->parent || !gql_descend(k))
		return;
	exclusive = exclusive || (!slice_eq(a->parent->name, b->parent->name) && a->parent->kind == GQL_OBJECT_TYPE &&
				  b->parent->kind == GQL_OBJECT_TYPE && a->def && b->def);
	if (!exclusive && !slice_eq(a->name, b->name)) {
		conflict(k, out, a, b,
			 k->quiet ? NULL
				  : arena_printf(mem, "\"%s\" and \"%s\" are different fields", gql_cstr(k->g, a->name),
						 gql_cstr(k->g, b->name)),
			 NULL);
	} else if (!exclusive && !same_arguments(k, &a->args, &b->args)) {
		conflict(k, out, a, b, "they have differing arguments", NULL);
	} else if (a->def && b->def && types_conflict(k, a->def->type, b->def->type)) {
		conflict(k, out, a, b,
			 k->quiet ? NULL
				  : arena_printf(mem, "they return conflicting types \"%s\" and \"%s\"",
						 gql_type_cstr(k->g, a->def->type), gql_type_cstr(k->g, b->def->type)),
			 NULL);
	} else {
		between_selections(k, &inner, exclusive, &a->selections, &b->selections);
		if (inner.n)
			conflict(k, out, a, b, NULL, inner.first);
	}
	gql_leave(k);
}

/* ---- sets of fields ---- */

static void within(struct gql_check *k, struct conflict_list *out, const struct gql_fields *l)
{
	for (const struct group *g = l->groups.first; g && gql_spend(k->g, 1); g = g->next)
		for (const struct node *a = g->fields.first; a && !gql_check_stop(k); a = a->next)
			for (const struct node *b = a->next; b && !gql_check_stop(k); b = b->next)
				compare(k, out, false, a->f, b->f);
}

static void between(struct gql_check *k, struct conflict_list *out, bool exclusive, const struct gql_fields *l,
		    const struct gql_fields *r)
{
	for (const struct group *g = l->groups.first; g && gql_spend(k->g, 1); g = g->next) {
		const struct group *other = gql_map_get(&r->by_name, g->name);

		for (const struct node *a = other ? g->fields.first : NULL; a && !gql_check_stop(k); a = a->next)
			for (const struct node *b = other->fields.first; b && !gql_check_stop(k); b = b->next)
				compare(k, out, exclusive, a->f, b->f);
	}
}

static void fields_and_fragment(struct gql_check *k, struct conflict_list *out, bool exclusive, const struct gql_fields *l,
				const struct gql_selection *spread)
{
	struct gql_fragment *f = spread->fragment;
	const struct gql_fields *r;

	if (!gql_spend(k->g, 1) || !f || f->compared == k->compared || !gql_descend(k))
		return;
	f->compared = k->compared;
	r = fields_of(k, &f->selections);
	if (r && r != l) {
		between(k, out, exclusive, l, r);
		for (const struct node *n = r->spreads.first; n && !gql_check_stop(k); n = n->next)
			if (!slice_eq(n->f->name, spread->name))
				fields_and_fragment(k, out, exclusive, l, n->f);
	}
	gql_leave(k);
}

/* Notes that two fragments are compared. False when they were, as strictly as now. */
static bool first_time(struct gql_check *k, const struct gql_fragment *a, const struct gql_fragment *b, bool exclusive)
{
	static const char kinds[2];
	uint32_t pair[2] = {a->index < b->index ? a->index : b->index, a->index < b->index ? b->index : a->index};
	struct slice key = slice_of(pair, sizeof(pair));
	const char *was = gql_map_get(&k->compared_pairs, key);

	if (was && (exclusive || was == &kinds[0]))
		return false;
	if (!was) {
		key = arena_dup(k->g->a, key);
		if (!key.p)
			k->g->end = rc_of(E_LIMIT);
	}
	gql_map_put(k->g, &k->compared_pairs, key, (void *)(uintptr_t)&kinds[exclusive]);
	return true;
}

static void two_fragments(struct gql_check *k, struct conflict_list *out, bool exclusive, const struct gql_selection *a,
			  const struct gql_selection *b)
{
	const struct gql_fields *l, *r;

	if (!gql_spend(k->g, 1) || slice_eq(a->name, b->name) || !a->fragment || !b->fragment ||
	    !first_time(k, a->fragment, b->fragment, exclusive) || !gql_descend(k))
		return;
	l = fields_of(k, &a->fragment->selections);
	r = fields_of(k, &b->fragment->selections);
	if (l && r) {
		between(k, out, exclusive, l, r);
		for (const struct node *n = r->spreads.first; n && !gql_check_stop(k); n = n->next)
			two_fragments(k, out, exclusive, a, n->f);
		for (const struct node *n = l->spreads.first; n && !gql_check_stop(k); n = n->next)
			two_fragments(k, out, exclusive, n->f, b);
	}
	gql_leave(k);
}

static void between_selections(struct gql_check *k, struct conflict_list *out, bool exclusive, struct gql_selection_list *a,
			       struct gql_selection_list *b)
{
	const struct gql_fields *l = fields_of(k, a), *r = fields_of(k, b);

	if (!l || !r)
		return;
	between(k, out, exclusive, l, r);
	for (const struct node *n = r->spreads.first; n && !gql_check_stop(k); n = n->next) {
		k->compared++;
		fields_and_fragment(k, out, exclusive, l, n->f);
	}
	for (const struct node *n = l->spreads.first; n && !gql_check_stop(k); n = n->next) {
		k->compared++;
		fields_and_fragment(k, out, exclusive, r, n->f);
	}
	for (const struct node *n = l->spreads.first; n && !gql_check_stop(k); n = n->next)
		for (const struct node *m = r->spreads.first; m && !gql_check_stop(k); m = m->next)
			two_fragments(k, out, exclusive, n->f, m->f);
}

/* ---- the rule ---- */

static void tell(struct gql_check *k, struct buf *b, const struct conflict *c)
{
	if (c->text)
		buf_puts(b, c->text);
	for (const struct conflict *i = c->inner; i && gql_spend(k->g, 1); i = i->next) {
		buf_puts(b, "subfields \"");
		buf_slice(b, i->name);
		buf_puts(b, "\" conflict because ");
		tell(k, b, i);
		if (i->next)
			buf_puts(b, " and ");
	}
}

void gql_no_overlap(struct gql_check *k, struct gql_selection_list *l)
{
	struct conflict_list found = {0};
	const struct gql_fields *all = l->n && !gql_check_stop(k) ? fields_of(k, l) : NULL;

	if (!all)
		return;
	within(k, &found, all);
	k->compared++;
	for (const struct node *a = all->spreads.first; a && !gql_check_stop(k); a = a->next) {
		fields_and_fragment(k, &found, false, all, a->f);
		for (const struct node *b = a->next; b && !gql_check_stop(k); b = b->next)
			two_fragments(k, &found, false, a->f, b->f);
	}
	for (const struct conflict *c = found.first; c && !gql_check_stop(k); c = c->next) {
		struct buf b = buf_in(k->g->a, 0);

		tell(k, &b, c);
		gql_report(k, c->pos,
			   "Fields \"%s\" conflict because %s. Use different aliases on the fields to fetch both if this was "
			   "intentional.",
			   gql_cstr(k->g, c->name), gql_cstr(k->g, buf_view(&b)));
		if (!buf_ok(&b))
			k->g->end = rc_of(E_LIMIT);
	}
}
