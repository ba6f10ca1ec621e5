/* graphql_from_value.c - a value as a tree: what graphql.parse_query and parse_schema gave, or what a policy put together.
 *
 * What is absent is empty; other members are ignored; what has the wrong type refuses the whole. Sets count as arrays.
 * A tree that was read has no places. A selection is always a field: as in the reference, an object does not tell a
 * fragment's use from a field, so queries with fragments are to be checked as text.
 */
#include "rego/builtin/graphql.h"

/* ---- pieces ---- */

static const struct rv *get(struct gql *g, struct rv v, const char *key)
{
	const struct rv *m;

	if (!gql_spend(g, 1) || v.kind != RV_OBJECT)
		return NULL;
	m = rv_get_c(v, key);
	return m && m->kind != RV_NULL ? m : NULL;
}

static void wrong(struct gql *g, const char *key, const char *want, struct rv got)
{
	gql_refuse(g, "GraphQL AST: %s must be %s but got %s", key, want, rv_kind_name(got.kind));
}

static struct slice text(struct gql *g, struct rv v, const char *key)
{
	const struct rv *m = get(g, v, key);

	if (!m)
		return SLICE_LIT("");
	if (m->kind != RV_STRING) {
		wrong(g, key, "string", *m);
		return SLICE_LIT("");
	}
	return rv_slice(*m);
}

static bool flag(struct gql *g, struct rv v, const char *key)
{
	const struct rv *m = get(g, v, key);

	if (m && m->kind != RV_BOOL)
		wrong(g, key, "boolean", *m);
	return m && rv_is_true(*m);
}

/* The members of a list; none when it is absent. */
static const struct rv *list(struct gql *g, struct rv v, const char *key, size_t *n)
{
	const struct rv *m = get(g, v, key), *items = NULL;

	*n = 0;
	if (m && m->kind != RV_ARRAY && m->kind != RV_SET)
		wrong(g, key, "array", *m);
	else if (m)
		items = lib_items(*m, n);
	return items;
}

/* Reads each object of a list by the function `one`, which gives NULL when it refuses. */
#define READ_LIST(g, v, key, out, one)                                                                                 \
	do {                                                                                                           \
		size_t n_;                                                                                             \
		const struct rv *items_ = list((g), (v), (key), &n_);                                                  \
		for (size_t i_ = 0; i_ < n_ && !gql_stop(g); i_++) {                                                   \
			if (items_[i_].kind == RV_OBJECT)                                                              \
				GQL_ADD((out), one((g), items_[i_]));                                                  \
			else                                                                                           \
				wrong((g), (key), "array of objects", items_[i_]);                                     \
		}                                                                                                      \
	} while (0)

static void names(struct gql *g, struct rv v, const char *key, struct gql_name_list *out)
{
	size_t n;
	const struct rv *items = list(g, v, key, &n);

	for (size_t i = 0; i < n && gql_spend(g, 1); i++) {
		struct gql_name *name = items[i].kind == RV_STRING ? GQL_NEW(g, struct gql_name) : NULL;

		if (items[i].kind != RV_STRING)
			wrong(g, key, "array of strings", items[i]);
		if (name)
			name->text = rv_slice(items[i]);
		GQL_ADD(out, name);
	}
}

static struct gql_name *comment_line(struct gql *g, struct rv v)
{
	struct gql_name *line = GQL_NEW(g, struct gql_name);

	if (line)
		line->text = text(g, v, "Value");
	return line;
}

static const struct gql_name_list *comment(struct gql *g, struct rv v, const char *key)
{
	const struct rv *m = get(g, v, key);
	struct gql_name_list *out;

	if (!m)
		return NULL;
	if (m->kind != RV_OBJECT)
		wrong(g, key, "object", *m);
	out = GQL_NEW(g, struct gql_name_list);
	if (out)
		READ_LIST(g, *m, "List", out, comment_line);
	return out;
}

/* ---- values, types, directives ---- */

static struct gql_value *value(struct gql *g, struct rv v);

static struct gql_arg *arg(struct gql *g, struct rv v)
{
	struct gql_arg *a = GQL_NEW(g, struct gql_arg);
	const struct rv *m = get(g, v, "Value");

	if (!a)
		return NULL;
	a->name = text(g, v, "Name");
	a->comment = comment(g, v, "Comment");
	if (m)
		a->value = value(g, *m);
	else
		gql_refuse(g, "GraphQL AST: Value is missing");
	return a;
}

static struct gql_value *value(struct gql *g, struct rv v)
{
	struct gql_value *out = GQL_NEW(g, struct gql_value);
	const struct rv *kind = get(g, v, "Kind");
	int64_t k = 0;

	if (!out)
		return NULL;
	if (v.kind != RV_OBJECT)
		wrong(g, "Value", "object", v);
	if (kind && (!rv_i64(*kind, &k) || k < GQL_VARIABLE || k > GQL_OBJECT))
		gql_refuse(g, "GraphQL AST: Kind is not one of 0 to 9");
	else
		out->kind = (enum gql_value_kind)k;
	out->raw = text(g, v, "Raw");
	out->comment = comment(g, v, "Comment");
	READ_LIST(g, v, "Children", &out->children, arg);
	return out;
}

static struct gql_value *default_value(struct gql *g, struct rv v)
{
	const struct rv *m = get(g, v, "DefaultValue");

	return m ? value(g, *m) : NULL;
}

static struct gql_type *type(struct gql *g, struct rv v, const char *key)
{
	const struct rv *m = get(g, v, key);
	struct gql_type *t = GQL_NEW(g, struct gql_type);

	if (!t)
		return NULL;
	if (!m || m->kind != RV_OBJECT) {
		gql_refuse(g, "GraphQL AST: %s is no object", key);
		return NULL;
	}
	t->name = text(g, *m, "NamedType");
	t->non_null = flag(g, *m, "NonNull");
	if (!t->name.n)
		t->elem = type(g, *m, "Elem");
	return t;
}

static struct gql_directive *directive(struct gql *g, struct rv v)
{
	struct gql_directive *d = GQL_NEW(g, struct gql_directive);

	if (!d)
		return NULL;
	d->name = text(g, v, "Name");
	READ_LIST(g, v, "Arguments", &d->args, arg);
	return d;
}

/* ---- queries ---- */

static struct gql_selection *selection(struct gql *g, struct rv v)
{
	struct gql_selection *s = GQL_NEW(g, struct gql_selection);

	if (!s)
		return NULL;
	s->kind = GQL_FIELD;
	s->alias = text(g, v, "Alias");
	s->name = text(g, v, "Name");
	READ_LIST(g, v, "Arguments", &s->args, arg);
	READ_LIST(g, v, "Directives", &s->directives, directive);
	READ_LIST(g, v, "SelectionSet", &s->selections, selection);
	return s;
}

static struct gql_var *variable(struct gql *g, struct rv v)
{
	struct gql_var *out = GQL_NEW(g, struct gql_var);

	if (!out)
		return NULL;
	out->name = text(g, v, "Variable");
	out->type = type(g, v, "Type");
	out->default_value = default_value(g, v);
	READ_LIST(g, v, "Directives", &out->directives, directive);
	out->comment = comment(g, v, "Comment");
	out->used = flag(g, v, "Used");
	return out;
}

static enum gql_operation_kind operation_kind(struct gql *g, struct rv v)
{
	struct slice word = text(g, v, "Operation");
	enum gql_operation_kind k = GQL_QUERY;

	if (word.n && !gql_operation_kind(word, &k))
		gql_refuse(g, "GraphQL AST: Operation \"" SLICE_FMT "\" is not known", SLICE_ARG(word));
	return k;
}

static struct gql_operation *operation(struct gql *g, struct rv v)
{
	struct gql_operation *o = GQL_NEW(g, struct gql_operation);

	if (!o)
		return NULL;
	o->kind = operation_kind(g, v);
	o->name = text(g, v, "Name");
	READ_LIST(g, v, "VariableDefinitions", &o->vars, variable);
	READ_LIST(g, v, "Directives", &o->directives, directive);
	READ_LIST(g, v, "SelectionSet", &o->selections, selection);
	return o;
}

static struct gql_fragment *fragment(struct gql *g, struct rv v)
{
	struct gql_fragment *f = GQL_NEW(g, struct gql_fragment);

	if (!f)
		return NULL;
	f->name = text(g, v, "Name");
	READ_LIST(g, v, "VariableDefinition", &f->vars, variable);
	f->type_condition = text(g, v, "TypeCondition");
	READ_LIST(g, v, "Directives", &f->directives, directive);
	READ_LIST(g, v, "SelectionSet", &f->selections, selection);
	return f;
}

void gql_query_from(struct gql *g, struct rv v, struct gql_query *out)
{
	*out = (struct gql_query){0};
	READ_LIST(g, v, "Operations", &out->operations, operation);
	READ_LIST(g, v, "Fragments", &out->fragments, fragment);
}

/* ---- schemas ---- */

static struct gql_member *member(struct gql *g, struct rv v, bool typed)
{
	struct gql_member *m = GQL_NEW(g, struct gql_member);

	if (!m)
		return NULL;
	m->description = text(g, v, "Description");
	m->name = text(g, v, "Name");
	if (typed) {
		m->type = type(g, v, "Type");
		m->default_value = default_value(g, v);
	}
	READ_LIST(g, v, "Directives", &m->directives, directive);
	m->before = comment(g, v, "BeforeDescriptionComment");
	m->after = comment(g, v, "AfterDescriptionComment");
	return m;
}

static struct gql_member *argument_def(struct gql *g, struct rv v)
{
	return member(g, v, true);
}

static struct gql_member *field_def(struct gql *g, struct rv v)
{
	struct gql_member *m = member(g, v, true);

	if (m)
		READ_LIST(g, v, "Arguments", &m->args, argument_def);
	return m;
}

static struct gql_member *enum_value(struct gql *g, struct rv v)
{
	return member(g, v, false);
}

static enum gql_kind kind_of(struct gql *g, struct rv v)
{
	struct slice word = text(g, v, "Kind");

	for (unsigned k = GQL_SCALAR; k <= GQL_INPUT; k++)
		if (slice_is(word, gql_kind_name((enum gql_kind)k)))
			return (enum gql_kind)k;
	gql_refuse(g, "GraphQL AST: Kind \"" SLICE_FMT "\" is not known", SLICE_ARG(word));
	return GQL_SCALAR;
}

static struct gql_def *definition(struct gql *g, struct rv v)
{
	struct gql_def *d = GQL_NEW(g, struct gql_def);

	if (!d)
		return NULL;
	d->kind = kind_of(g, v);
	d->description = text(g, v, "Description");
	d->name = text(g, v, "Name");
	READ_LIST(g, v, "Directives", &d->directives, directive);
	names(g, v, "Interfaces", &d->interfaces);
	names(g, v, "Types", &d->types);
	READ_LIST(g, v, "Fields", &d->fields, field_def);
	READ_LIST(g, v, "EnumValues", &d->values, enum_value);
	d->builtin = flag(g, v, "BuiltIn");
	d->before = comment(g, v, "BeforeDescriptionComment");
	d->after = comment(g, v, "AfterDescriptionComment");
	d->at_end = comment(g, v, "EndOfDefinitionComment");
	return d;
}

static struct gql_root *root(struct gql *g, struct rv v)
{
	struct gql_root *r = GQL_NEW(g, struct gql_root);

	if (!r)
		return NULL;
	r->kind = operation_kind(g, v);
	r->type = text(g, v, "Type");
	r->comment = comment(g, v, "Comment");
	return r;
}

static struct gql_entry *entry(struct gql *g, struct rv v)
{
	struct gql_entry *e = GQL_NEW(g, struct gql_entry);

	if (!e)
		return NULL;
	e->description = text(g, v, "Description");
	READ_LIST(g, v, "Directives", &e->directives, directive);
	READ_LIST(g, v, "OperationTypes", &e->roots, root);
	e->before = comment(g, v, "BeforeDescriptionComment");
	e->after = comment(g, v, "AfterDescriptionComment");
	e->at_end = comment(g, v, "EndOfDefinitionComment");
	return e;
}

static struct gql_directive_def *directive_definition(struct gql *g, struct rv v)
{
	struct gql_directive_def *d = GQL_NEW(g, struct gql_directive_def);

	if (!d)
		return NULL;
	d->description = text(g, v, "Description");
	d->name = text(g, v, "Name");
	READ_LIST(g, v, "Arguments", &d->args, argument_def);
	names(g, v, "Locations", &d->location_names);
	for (const struct gql_name *n = d->location_names.first; n; n = n->next)
		d->locations |= gql_location(n->text);
	d->repeatable = flag(g, v, "IsRepeatable");
	d->before = comment(g, v, "BeforeDescriptionComment");
	d->after = comment(g, v, "AfterDescriptionComment");
	return d;
}

void gql_schema_from(struct gql *g, struct rv v, struct gql_document *out)
{
	*out = (struct gql_document){0};
	READ_LIST(g, v, "Schema", &out->schema, entry);
	READ_LIST(g, v, "SchemaExtension", &out->schema_extensions, entry);
	READ_LIST(g, v, "Directives", &out->directives, directive_definition);
	READ_LIST(g, v, "Definitions", &out->definitions, definition);
	READ_LIST(g, v, "Extensions", &out->extensions, definition);
	out->comment = comment(g, v, "Comment");
}
