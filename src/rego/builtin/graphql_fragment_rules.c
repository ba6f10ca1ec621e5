/* graphql_fragment_rules.c - rules that follow fragments: cycles, introspection that nests lists, roots of subscriptions. */
#include "rego/builtin/gofmt.h"
#include "rego/builtin/graphql_check.h"

/* ---- cycles ---- */

struct gql_path {
	const struct gql_path *up;
	const struct gql_selection *spread;
};

struct set_stack {
	const struct gql_selection_list **sets;
	uint32_t n, cap;
};

static void push(struct gql *g, struct set_stack *s, const struct gql_selection_list *l)
{
	if (!l->n)
		return;
	if (s->n == s->cap) {
		uint32_t cap = s->cap ? s->cap * 2 : 16;
		const struct gql_selection_list **bigger = gql_alloc(g, cap * sizeof(*bigger));

		if (!bigger)
			return;
		if (s->n)
			memcpy(bigger, s->sets, s->n * sizeof(*bigger));
		s->sets = bigger;
		s->cap = cap;
	}
	s->sets[s->n++] = l;
}

/* The spreads from the one that follows `target` on the path to the last. */
static void cycle(struct gql_check *k, const struct gql_selection *spread, const struct gql_fragment *target,
		  const struct gql_path *up, uint32_t n)
{
	const struct gql_selection **path = gql_alloc(k->g, (n + 1) * sizeof(*path));
	struct buf via = buf_in(k->g->a, 0);
	uint32_t at = n;

	if (!path)
		return;
	for (; up; up = up->up)
		path[--at] = up->spread;
	for (at = target->path_at - 1; at < n; at++)
		buf_printf(&via, "%s\"%s\"", at == target->path_at - 1 ? " via " : ", ", gql_cstr(k->g, path[at]->name));
	gql_report(k, spread->pos, "Cannot spread fragment \"%s\" within itself%s.", gql_cstr(k->g, spread->name),
		   via.n ? gql_cstr(k->g, buf_view(&via)) : "");
	if (!buf_ok(&via))
		k->g->end = rc_of(E_LIMIT);
}

/* `up`: the n spreads that led here. */
static void follow(struct gql_check *k, struct gql_fragment *f, const struct gql_path *up, uint32_t n)
{
	struct set_stack stack = {0};

	if (f->followed || !gql_descend(k))
		return;
	f->followed = true;
	f->path_at = n + 1;
	push(k->g, &stack, &f->selections);
	while (stack.n && !gql_check_stop(k)) {
		const struct gql_selection_list *l = stack.sets[--stack.n];

		for (const struct gql_selection *s = l->first; s && gql_spend(k->g, 1); s = s->next) {
			struct gql_fragment *next = s->kind == GQL_SPREAD ? gql_fragment_find(k, s->name) : NULL;
			struct gql_path here = {up, s};

			if (s->kind != GQL_SPREAD)
				push(k->g, &stack, &s->selections);
			else if (next && next->path_at)
				cycle(k, s, next, up, n);
			else if (next)
				follow(k, next, &here, n + 1);
		}
	}
	f->path_at = 0;
	gql_leave(k);
}

void gql_no_cycle(struct gql_check *k, struct gql_fragment *f)
{
	follow(k, f, NULL, 0);
}

/* ---- introspection ---- */

#define INTROSPECTION_LISTS 3u

static bool too_many_lists(struct gql_check *k, const struct gql_selection_list *l, unsigned lists)
{
	static const char *const names[] = {"fields", "interfaces", "possibleTypes", "inputFields"};
	bool bad = false;

	if (!gql_descend(k))
		return false;
	for (const struct gql_selection *s = l->first; s && !bad && gql_spend(k->g, 1); s = s->next) {
		unsigned here = lists;

		if (s->kind == GQL_SPREAD) {
			if (!s->fragment || s->fragment->visited)
				continue;
			s->fragment->visited = true;
			bad = too_many_lists(k, &s->fragment->selections, lists);
			s->fragment->visited = false;
			continue;
		}
		for (size_t i = 0; s->kind == GQL_FIELD && i < sizeof(names) / sizeof(*names); i++)
			here += slice_is(s->name, names[i]);
		bad = here >= INTROSPECTION_LISTS || too_many_lists(k, &s->selections, here);
	}
	gql_leave(k);
	return bad;
}

void gql_introspection_depth(struct gql_check *k, struct gql_selection *f)
{
	if ((slice_is(f->name, "__schema") || slice_is(f->name, "__type")) && too_many_lists(k, &f->selections, 0))
		gql_report(k, f->pos, "Maximum introspection depth exceeded");
}

/* ---- subscriptions ---- */

struct top {
	struct gql_map names;
	struct gql_selection **fields;
	uint32_t n, cap;
};

static void add_top(struct gql_check *k, struct top *t, struct gql_selection *f)
{
	if (!gql_map_add(k->g, &t->names, f->name, f))
		return;
	if (t->n == t->cap) {
		uint32_t cap = t->cap ? t->cap * 2 : 4;
		struct gql_selection **bigger = gql_alloc(k->g, cap * sizeof(*bigger));

		if (!bigger)
			return;
		if (t->n)
			memcpy(bigger, t->fields, t->n * sizeof(*bigger));
		t->fields = bigger;
		t->cap = cap;
	}
	t->fields[t->n++] = f;
}

static void collect_top(struct gql_check *k, struct top *t, struct gql_selection_list *l)
{
	if (!gql_descend(k))
		return;
	for (struct gql_selection *s = l->first; s && gql_spend(k->g, 1); s = s->next) {
		if (s->kind == GQL_FIELD) {
			add_top(k, t, s);
		} else if (s->kind == GQL_INLINE) {
			collect_top(k, t, &s->selections);
		} else if (!s->fragment) {
			break;
		} else if (!s->fragment->visited) {
			s->fragment->visited = true;
			collect_top(k, t, &s->fragment->selections);
		}
	}
	gql_leave(k);
}

void gql_single_subscription(struct gql_check *k, struct gql_operation *o)
{
	struct buf b = buf_in(k->g->a, 0);
	struct top top = {0};
	const char *name;

	if (o->kind != GQL_SUBSCRIPTION || !k->s->roots[GQL_SUBSCRIPTION])
		return;
	collect_top(k, &top, &o->selections);
	for (struct gql_fragment *f = k->q->fragments.first; f; f = f->next)
		f->visited = false;
	if (o->name.n) {
		buf_puts(&b, "Subscription ");
		gofmt_quote(&b, o->name, false);
	}
	name = o->name.n ? buf_cstr(&b) : "Anonymous Subscription";
	if (!name) {
		k->g->end = rc_of(E_LIMIT);
		return;
	}
	if (top.n > 1)
		gql_report(k, top.fields[1]->pos, "%s must select only one top level field.", name);
	for (uint32_t i = 0; i < top.n && !gql_check_stop(k); i++)
		if (slice_starts(top.fields[i]->name, SLICE_LIT("__")))
			gql_report(k, top.fields[i]->pos, "%s must not select an introspection top level field.", name);
}
