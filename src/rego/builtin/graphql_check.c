/* graphql_check.c - walking a query beside its schema. */
#include "rego/builtin/graphql_check.h"

/* ---- findings ---- */

/* All findings as one text. The first one's place goes behind it when it has a sensible one. Ends the walk. */
static void conclude(struct gql_check *k)
{
	struct slice all = buf_view(&k->errors), rest = all;

	if (gql_check_stop(k) || !k->findings)
		return;
	if (!k->first.line || k->first.col < 0) {
		gql_refuse(k->g, "GraphQL parse error: %s", gql_cstr(k->g, all));
		return;
	}
	for (unsigned colons = 0; colons < 3; rest = slice_sub(rest, 1, rest.n))
		colons += rest.p[0] == ':';
	rest = slice_sub(rest, 1, rest.n);
	if (rest.n >= 2 && rest.p[rest.n - 2] == '.')
		rest.n -= 2;
	gql_refuse(k->g, "%s in GraphQL string at location %d:%d", gql_cstr(k->g, rest), k->first.line, k->first.col);
}

void gql_report(struct gql_check *k, struct gql_pos at, const char *fmt, ...)
{
	const char *text;
	va_list ap;

	if (gql_check_stop(k))
		return;
	if (k->quiet) {
		gql_refuse(k->g, "invalid");
		return;
	}
	va_start(ap, fmt);
	text = arena_vprintf(k->g->a, fmt, ap);
	va_end(ap);
	if (k->findings++ == 0)
		k->first = at;
	if (at.line)
		buf_printf(&k->errors, "input:%d:%d: %s\n", at.line, at.col, text ? text : "");
	else
		buf_printf(&k->errors, "input: %s\n", text ? text : "");
	(void)gql_spend(k->g, 2);
	if (!text || !buf_ok(&k->errors))
		k->g->end = rc_of(E_LIMIT);
	else if (k->errors.n > GQL_FINDINGS)
		conclude(k);
}

bool gql_descend(struct gql_check *k)
{
	if (!gql_spend(k->g, 1))
		return false;
	if (++k->depth <= GQL_WALK_DEPTH)
		return true;
	gql_too_deep(k->g);
	return false;
}

/* ---- values ---- */

static void expect(struct gql_check *k, struct gql_value *v, const struct gql_member *m)
{
	v->expected = m->type;
	v->expected_has_default = m->default_value && m->default_value->kind != GQL_NULL;
	v->def = gql_type_of(k->s, m->type);
}

static struct gql_var *variable(struct gql_check *k, struct slice name)
{
	struct gql_var *v = k->operation->vars.first;

	(void)gql_spend(k->g, 1 + k->operation->vars.n / 8);
	while (v && !slice_eq(v->name, name))
		v = v->next;
	return v;
}

static void walk_value(struct gql_check *k, struct gql_value *v)
{
	if (!gql_descend(k))
		return;
	if (v->kind == GQL_VARIABLE && k->operation) {
		v->var = variable(k, v->raw);
		if (v->var)
			v->var->used = true;
	}
	for (struct gql_arg *c = v->children.first; c && !gql_check_stop(k); c = c->next) {
		const struct gql_member *m;

		if (v->kind == GQL_OBJECT) {
			m = v->def ? gql_member_find(k->g, &v->def->fields, c->name) : NULL;
			if (m)
				expect(k, c->value, m);
			walk_value(k, c->value);
		} else if (v->kind == GQL_LIST_VALUE) {
			if (v->expected && v->expected->elem) {
				c->value->expected = v->expected->elem;
				c->value->def = v->def;
			}
			walk_value(k, c->value);
		}
	}
	gql_on_value(k, v);
	gql_leave(k);
}

static void walk_args(struct gql_check *k, const struct gql_member_list *defs, const struct gql_arg_list *args)
{
	for (struct gql_arg *a = args->first; a && !gql_check_stop(k); a = a->next) {
		const struct gql_member *m = defs ? gql_member_find(k->g, defs, a->name) : NULL;

		if (m)
			expect(k, a->value, m);
		walk_value(k, a->value);
	}
}

static void walk_directives(struct gql_check *k, const struct gql_directive_list *l, uint32_t location)
{
	for (struct gql_directive *d = l->first; d && gql_spend(k->g, 1); d = d->next) {
		const struct gql_directive_def *def = gql_map_get(&k->s->directives, d->name);

		walk_args(k, def ? &def->args : NULL, &d->args);
		gql_on_directive(k, d, def, location);
	}
	gql_on_directives(k, l);
}

/* ---- selections ---- */

static void walk_selections(struct gql_check *k, struct gql_def *parent, struct gql_selection_list *l);

static void walk_field(struct gql_check *k, struct gql_def *parent, struct gql_selection *f)
{
	f->parent = parent;
	if (slice_is(f->name, "__typename"))
		f->def = &k->typename_field;
	else
		f->def = parent ? gql_member_find(k->g, &parent->fields, f->name) : NULL;
	walk_args(k, f->def ? &f->def->args : NULL, &f->args);
	walk_directives(k, &f->directives, GQL_ON_FIELD);
	walk_selections(k, f->def ? gql_type_of(k->s, f->def->type) : NULL, &f->selections);
	gql_on_field(k, f);
}

static void walk_inline(struct gql_check *k, struct gql_def *parent, struct gql_selection *f)
{
	f->parent = parent;
	walk_directives(k, &f->directives, GQL_ON_INLINE_FRAGMENT);
	walk_selections(k, f->name.n ? gql_map_get(&k->s->types, f->name) : parent, &f->selections);
	gql_on_inline(k, f);
}

static void walk_spread(struct gql_check *k, struct gql_def *parent, struct gql_selection *f)
{
	struct gql_fragment *def = gql_fragment_find(k, f->name);

	f->parent = parent;
	f->fragment = def;
	walk_directives(k, &f->directives, GQL_ON_FRAGMENT_SPREAD);
	if (def && def->walked != k->walk) {
		def->walked = k->walk;
		walk_directives(k, &def->directives, GQL_ON_FRAGMENT_DEFINITION);
		walk_selections(k, gql_map_get(&k->s->types, def->type_condition), &def->selections);
	}
	gql_on_spread(k, f);
}

static void walk_selections(struct gql_check *k, struct gql_def *parent, struct gql_selection_list *l)
{
	if (!gql_descend(k))
		return;
	for (struct gql_selection *f = l->first; f && gql_spend(k->g, 1); f = f->next) {
		switch (f->kind) {
		case GQL_FIELD:
			walk_field(k, parent, f);
			break;
		case GQL_INLINE:
			walk_inline(k, parent, f);
			break;
		case GQL_SPREAD:
			walk_spread(k, parent, f);
			break;
		}
	}
	gql_leave(k);
}

/* ---- documents ---- */

static void walk_operation(struct gql_check *k, struct gql_operation *o)
{
	static const uint32_t places[] = {GQL_ON_QUERY, GQL_ON_MUTATION, GQL_ON_SUBSCRIPTION};

	k->operation = o;
	k->walk++;
	for (struct gql_var *v = o->vars.first; v && gql_spend(k->g, 1); v = v->next) {
		v->def = gql_type_of(k->s, v->type);
		gql_on_variable(k, v);
		if (v->default_value) {
			v->default_value->expected = v->type;
			v->default_value->def = v->def;
		}
	}
	for (struct gql_var *v = o->vars.first; v && !gql_check_stop(k); v = v->next) {
		if (v->default_value)
			walk_value(k, v->default_value);
		walk_directives(k, &v->directives, GQL_ON_VARIABLE_DEFINITION);
	}
	walk_directives(k, &o->directives, places[o->kind]);
	walk_selections(k, k->s->roots[o->kind], &o->selections);
	gql_on_operation(k, o);
	k->operation = NULL;
}

static void walk_fragment(struct gql_check *k, struct gql_fragment *f)
{
	k->walk++;
	walk_directives(k, &f->directives, GQL_ON_FRAGMENT_DEFINITION);
	walk_selections(k, gql_map_get(&k->s->types, f->type_condition), &f->selections);
	gql_on_fragment(k, f);
}

void gql_check(struct gql *g, const struct gql_schema *s, struct gql_query *q, bool quiet)
{
	struct gql_check k = {.g = g, .s = s, .q = q, .quiet = quiet, .errors = buf_in(g->a, 0)};
	uint32_t fragments = 0;

	k.typename_type.name = SLICE_LIT("String");
	k.typename_field = (struct gql_member){.name = SLICE_LIT("__typename"), .type = &k.typename_type};
	for (struct gql_fragment *f = q->fragments.first; f && !gql_stop(g); f = f->next) {
		f->index = fragments++;
		(void)gql_map_add(g, &k.fragments, f->name, f);
	}
	/* with only a verdict to give, cycles are looked for first: other rules could follow them for long */
	for (struct gql_fragment *f = q->fragments.first; f && quiet && !gql_stop(g); f = f->next)
		gql_no_cycle(&k, f);
	for (struct gql_operation *o = q->operations.first; o && !gql_stop(g); o = o->next)
		walk_operation(&k, o);
	for (struct gql_fragment *f = q->fragments.first; f && !gql_stop(g); f = f->next)
		walk_fragment(&k, f);
	conclude(&k);
}
