/* graphql_schema.c - a document becomes a schema: joined with what every schema has, extended, and checked.
 *
 * Spec: October 2021, section 3, and 4.2 for the introspection types.
 */
#include <stdlib.h>

#include "rego/builtin/graphql.h"

/* Scalars, directives and introspection types that need no definition. @defer and isOneOf are younger than the spec. */
static const char prelude[] =
	"scalar Int scalar Float scalar String scalar Boolean scalar ID "
	"directive @defer(if: Boolean = true, label: String) on FRAGMENT_SPREAD | INLINE_FRAGMENT "
	"directive @include(if: Boolean!) on FIELD | FRAGMENT_SPREAD | INLINE_FRAGMENT "
	"directive @skip(if: Boolean!) on FIELD | FRAGMENT_SPREAD | INLINE_FRAGMENT "
	"directive @deprecated(reason: String = \"No longer supported\") on FIELD_DEFINITION | ARGUMENT_DEFINITION | "
	"INPUT_FIELD_DEFINITION | ENUM_VALUE "
	"directive @specifiedBy(url: String!) on SCALAR "
	"directive @oneOf on INPUT_OBJECT "
	"type __Schema { description: String types: [__Type!]! queryType: __Type! mutationType: __Type subscriptionType: __Type "
	"directives: [__Directive!]! } "
	"type __Type { kind: __TypeKind! name: String description: String specifiedByURL: String "
	"fields(includeDeprecated: Boolean = false): [__Field!] interfaces: [__Type!] possibleTypes: [__Type!] "
	"enumValues(includeDeprecated: Boolean = false): [__EnumValue!] "
	"inputFields(includeDeprecated: Boolean = false): [__InputValue!] ofType: __Type isOneOf: Boolean } "
	"enum __TypeKind { SCALAR OBJECT INTERFACE UNION ENUM INPUT_OBJECT LIST NON_NULL } "
	"type __Field { name: String! description: String args(includeDeprecated: Boolean = false): [__InputValue!]! type: __Type! "
	"isDeprecated: Boolean! deprecationReason: String } "
	"type __InputValue { name: String! description: String type: __Type! defaultValue: String isDeprecated: Boolean! "
	"deprecationReason: String } "
	"type __EnumValue { name: String! description: String isDeprecated: Boolean! deprecationReason: String } "
	"type __Directive { name: String! description: String isRepeatable: Boolean! locations: [__DirectiveLocation!]! "
	"args(includeDeprecated: Boolean = false): [__InputValue!]! } "
	"enum __DirectiveLocation { QUERY MUTATION SUBSCRIPTION FIELD FRAGMENT_DEFINITION FRAGMENT_SPREAD INLINE_FRAGMENT "
	"VARIABLE_DEFINITION SCHEMA SCALAR OBJECT FIELD_DEFINITION ARGUMENT_DEFINITION INTERFACE UNION ENUM ENUM_VALUE INPUT_OBJECT "
	"INPUT_FIELD_DEFINITION }";

void gql_schema_bad(struct gql *g, struct gql_pos at, const char *fmt, ...)
{
	const char *text;
	va_list ap;

	if (gql_stop(g))
		return;
	va_start(ap, fmt);
	text = arena_vprintf(g->a, fmt, ap);
	va_end(ap);
	if (!text)
		g->end = rc_of(E_LIMIT);
	else
		gql_refuse(g, "Error in gqlparser SchemaDocument to Schema conversion: input:%d:%d: %s", at.line ? at.line : -1,
			   at.line ? at.col : -1, text);
}

/* ---- putting together ---- */

static void declare(struct gql *g, struct gql_schema *s, struct gql_document *d)
{
	struct gql_def *next;

	for (struct gql_def *def = d->definitions.first; def; def = next) {
		next = def->next;
		def->next = NULL;
		if (!gql_map_add(g, &s->types, def->name, def))
			gql_schema_bad(g, def->pos, "Cannot redeclare type %s.", gql_cstr(g, def->name));
		GQL_ADD(&s->defs, def);
	}
}

static void extend(struct gql *g, struct gql_schema *s, struct gql_def *ext)
{
	struct gql_def *def = gql_map_get(&s->types, ext->name);

	if (!def) {
		def = GQL_NEW(g, struct gql_def);
		if (!def)
			return;
		*def = (struct gql_def){.kind = ext->kind, .name = ext->name, .pos = ext->pos};
		gql_map_put(g, &s->types, def->name, def);
		GQL_ADD(&s->defs, def);
	}
	if (def->kind != ext->kind)
		gql_schema_bad(g, ext->pos, "Cannot extend type %s because the base type is a %s, not %s.", gql_cstr(g, ext->name),
			       gql_kind_name(def->kind), gql_kind_name(ext->kind));
	if (gql_stop(g))
		return;
	GQL_JOIN(&def->directives, &ext->directives);
	GQL_JOIN(&def->interfaces, &ext->interfaces);
	GQL_JOIN(&def->fields, &ext->fields);
	GQL_JOIN(&def->types, &ext->types);
	GQL_JOIN(&def->values, &ext->values);
}

/* `def` may stand where `of` is declared. */
static void possible(struct gql *g, struct gql_def *of, struct gql_def *def)
{
	struct gql_ref *r = of && def && gql_spend(g, 1) ? GQL_NEW(g, struct gql_ref) : NULL;

	if (r) {
		r->def = def;
		GQL_ADD(&of->possible, r);
	}
}

static void relate(struct gql *g, struct gql_schema *s)
{
	for (struct gql_def *def = s->defs.first; def && !gql_stop(g); def = def->next) {
		for (const struct gql_name *n = def->kind == GQL_UNION ? def->types.first : NULL; n; n = n->next)
			possible(g, def, gql_map_get(&s->types, n->text));
		if (def->kind != GQL_OBJECT_TYPE && def->kind != GQL_INTERFACE && def->kind != GQL_INPUT)
			continue;
		for (const struct gql_name *n = def->interfaces.first; n; n = n->next)
			possible(g, gql_map_get(&s->types, n->text), def);
		if (def->kind != GQL_INTERFACE)
			possible(g, def, def);
	}
}

/* Directives of the spec may be defined again: a service may be older or newer than this list. */
static bool well_known(struct slice name)
{
	static const char *const names[] = {"include", "skip", "deprecated", "specifiedBy", "defer", "oneOf"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (slice_is(name, names[i]))
			return true;
	return false;
}

static void declare_directives(struct gql *g, struct gql_schema *s, const struct gql_document *d)
{
	for (struct gql_directive_def *dir = d->directives.first; dir && !gql_stop(g); dir = dir->next) {
		if (gql_map_get(&s->directives, dir->name) && !well_known(dir->name))
			gql_schema_bad(g, dir->pos, "Cannot redeclare directive %s.", gql_cstr(g, dir->name));
		gql_map_put(g, &s->directives, dir->name, dir);
	}
}

/* ---- roots ---- */

static void take_entry(struct gql *g, struct gql_schema *s, const struct gql_entry *e)
{
	for (const struct gql_root *r = e->roots.first; r && !gql_stop(g); r = r->next) {
		s->roots[r->kind] = gql_map_get(&s->types, r->type);
		if (!s->roots[r->kind])
			gql_schema_bad(g, r->pos, "Schema root %s refers to a type %s that does not exist.",
				       gql_operation_name(r->kind), gql_cstr(g, r->type));
	}
	gql_check_directives(g, s, &e->directives, GQL_ON_SCHEMA, NULL, true);
}

static void take_entries(struct gql *g, struct gql_schema *s, const struct gql_document *d)
{
	if (d->schema.n > 1)
		gql_schema_bad(g, d->schema.first->next->pos,
			       "Cannot have multiple schema entry points, consider schema extensions instead.");
	if (d->schema.n && !gql_stop(g))
		take_entry(g, s, d->schema.first);
	for (const struct gql_entry *e = d->schema_extensions.first; e && !gql_stop(g); e = e->next)
		take_entry(g, s, e);
}

/* Without a schema definition, types of these names are the roots. */
static void default_roots(struct gql_schema *s)
{
	static const char *const names[] = {"Query", "Mutation", "Subscription"};

	for (unsigned k = GQL_QUERY; k <= GQL_SUBSCRIPTION; k++)
		if (!s->roots[k])
			s->roots[k] = gql_map_get(&s->types, slice_cstr(names[k]));
}

/* The fields by which a query asks for the schema itself. */
static void introspection(struct gql *g, struct gql_schema *s)
{
	static const char text[] = "type Query { __schema: __Schema! __type(name: String!): __Type }";
	struct gql_document d;

	if (!s->roots[GQL_QUERY])
		return;
	gql_parse_schema(g, slice_cstr(text), true, &d);
	if (gql_stop(g))
		return;
	for (struct gql_member *m = d.definitions.first->fields.first; m; m = m->next)
		m->pos = (struct gql_pos){0};
	GQL_JOIN(&s->roots[GQL_QUERY]->fields, &d.definitions.first->fields);
}

/* ---- in the order of names ---- */

static int by_type_name(const void *a, const void *b)
{
	return slice_cmp((*(struct gql_def *const *)a)->name, (*(struct gql_def *const *)b)->name);
}

static int by_directive_name(const void *a, const void *b)
{
	return slice_cmp((*(struct gql_directive_def *const *)a)->name, (*(struct gql_directive_def *const *)b)->name);
}

/* All values of a map in the order of `cmp`; NULL ends the query. */
static void **sorted(struct gql *g, const struct gql_map *m, int (*cmp)(const void *, const void *))
{
	void **all = gql_alloc(g, (m->n + 1) * sizeof(*all));
	size_t n = 0;

	if (!all || !gql_spend(g, m->n / 4))
		return NULL;
	for (uint32_t i = 0; m->slots && i <= m->mask; i++)
		if (m->slots[i].val)
			all[n++] = m->slots[i].val;
	qsort(all, n, sizeof(*all), cmp);
	return all;
}

void gql_schema_build(struct gql *g, struct gql_document *d, struct gql_schema *s)
{
	struct gql_document base;
	void **types, **directives;

	*s = (struct gql_schema){0};
	gql_parse_schema(g, slice_cstr(prelude), true, &base);
	for (struct gql_def *def = base.definitions.first; def; def = def->next)
		def->pos = (struct gql_pos){0};
	if (gql_stop(g))
		return;
	GQL_JOIN(&base.directives, &d->directives);
	d->directives = base.directives;
	declare(g, s, &base);
	declare(g, s, d);
	for (struct gql_def *ext = d->extensions.first; ext && !gql_stop(g); ext = ext->next)
		extend(g, s, ext);
	relate(g, s);
	declare_directives(g, s, d);
	take_entries(g, s, d);
	types = sorted(g, &s->types, by_type_name);
	directives = sorted(g, &s->directives, by_directive_name);
	for (uint32_t i = 0; types && i < s->types.n && !gql_stop(g); i++)
		gql_check_definition(g, s, types[i]);
	for (uint32_t i = 0; types && i < s->types.n && !gql_stop(g); i++)
		gql_check_input_cycles(g, s, types[i]);
	for (uint32_t i = 0; directives && i < s->directives.n && !gql_stop(g); i++)
		gql_check_directive_definition(g, s, directives[i]);
	if (gql_stop(g))
		return;
	if (!d->schema.n)
		default_roots(s);
	introspection(g, s);
}
