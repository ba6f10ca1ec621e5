/* graphql_names.c - finding things by name, and types as text. */
#include "rego/builtin/graphql.h"

/* ---- maps ---- */

/* When the pass stops here, a slot that does not matter. */
static struct gql_map_slot *slot_of(const struct gql_map *m, struct slice key)
{
	uint32_t i = rv_hash_bytes(key.p, key.n) & m->mask;

	for (uint32_t probes = 1; m->slots[i].val && !slice_eq(m->slots[i].key, key); probes++) {
		if (probes % 16 == 0 && !gql_spend(m->g, 4))
			break;
		i = (i + 1) & m->mask;
	}
	return &m->slots[i];
}

void *gql_map_get(const struct gql_map *m, struct slice key)
{
	return m->slots ? slot_of(m, key)->val : NULL;
}

static bool grow(struct gql *g, struct gql_map *m)
{
	uint32_t cap = m->slots ? (m->mask + 1) * 2 : 8;
	struct gql_map bigger = {.g = g, .mask = cap - 1, .n = m->n};

	if (!gql_spend(g, cap / 8))
		return false;
	bigger.slots = gql_alloc(g, cap * sizeof(*bigger.slots));
	if (!bigger.slots)
		return false;
	for (uint32_t i = 0; m->slots && i <= m->mask; i++)
		if (m->slots[i].val)
			*slot_of(&bigger, m->slots[i].key) = m->slots[i];
	*m = bigger;
	return true;
}

void gql_map_put(struct gql *g, struct gql_map *m, struct slice key, void *val)
{
	struct gql_map_slot *s;

	if (!gql_spend(g, 1))
		return;
	if ((!m->slots || m->n >= m->mask / 2) && !grow(g, m))
		return;
	s = slot_of(m, key);
	if (gql_stop(g))
		return;
	m->n += !s->val;
	*s = (struct gql_map_slot){key, val};
}

bool gql_map_add(struct gql *g, struct gql_map *m, struct slice key, void *val)
{
	if (gql_map_get(m, key))
		return false;
	gql_map_put(g, m, key, val);
	return true;
}

/* ---- lists ---- */

struct gql_member *gql_member_find(struct gql *g, const struct gql_member_list *l, struct slice name)
{
	struct gql_member *m = l->first;

	(void)gql_spend(g, 1 + l->n / 8);
	while (m && !slice_eq(m->name, name))
		m = m->next;
	return m;
}

struct gql_arg *gql_arg_find(struct gql *g, const struct gql_arg_list *l, struct slice name)
{
	struct gql_arg *a = l->first;

	(void)gql_spend(g, 1 + l->n / 8);
	while (a && !slice_eq(a->name, name))
		a = a->next;
	return a;
}

struct gql_directive *gql_directive_find(struct gql *g, const struct gql_directive_list *l, const char *name)
{
	struct gql_directive *d = l->first;

	(void)gql_spend(g, 1 + l->n / 8);
	while (d && !slice_is(d->name, name))
		d = d->next;
	return d;
}

/* ---- types ---- */

struct gql_def *gql_type_of(const struct gql_schema *s, const struct gql_type *t)
{
	while (t->elem)
		t = t->elem;
	return gql_map_get(&s->types, t->name);
}

bool gql_is_composite(const struct gql_def *d)
{
	return d->kind == GQL_OBJECT_TYPE || d->kind == GQL_INTERFACE || d->kind == GQL_UNION;
}

bool gql_is_input(const struct gql_def *d)
{
	return d->kind == GQL_SCALAR || d->kind == GQL_ENUM_TYPE || d->kind == GQL_INPUT;
}

static void type_text(struct buf *b, const struct gql_type *t)
{
	if (t->elem) {
		buf_putc(b, '[');
		type_text(b, t->elem);
		buf_putc(b, ']');
	} else {
		buf_slice(b, t->name);
	}
	if (t->non_null)
		buf_putc(b, '!');
}

const char *gql_type_cstr(struct gql *g, const struct gql_type *t)
{
	struct buf b = buf_in(g->a, 0);
	const char *s;

	type_text(&b, t);
	s = buf_cstr(&b);
	if (!s)
		g->end = rc_of(E_LIMIT);
	return s ? s : "";
}

bool gql_type_fits(const struct gql_type *t, const struct gql_type *want, bool want_non_null)
{
	if (!slice_eq(t->name, want->name) || !t->elem != !want->elem)
		return false;
	if (t->elem && !gql_type_fits(t->elem, want->elem, want->elem->non_null))
		return false;
	return t->non_null || !want_non_null;
}

const char *gql_cstr(struct gql *g, struct slice s)
{
	const char *out = arena_strndup(g->a, s.n ? (const void *)s.p : "", s.n);

	if (!out && !gql_stop(g))
		g->end = rc_of(E_LIMIT);
	return out ? out : "";
}
