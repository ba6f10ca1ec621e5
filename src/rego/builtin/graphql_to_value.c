/* graphql_to_value.c - a tree as a value: the fields of the reference's structs by their names, less places, nulls, and
 * collections that are empty. */
#include "rego/builtin/graphql.h"

/* ---- pieces ---- */

static struct rv text(struct gql *g, struct slice s)
{
	return rv_str(g->c->heap, s.p, s.n);
}

static bool empty(struct rv v)
{
	return v.kind == RV_UNDEF || ((v.kind == RV_ARRAY || v.kind == RV_OBJECT) && rv_len(v) == 0);
}

static void put(struct rv_builder *b, const char *key, struct rv v)
{
	if (!empty(v))
		rv_object_put_c(b, key, v);
}

static void put_text(struct gql *g, struct rv_builder *b, const char *key, struct slice s)
{
	rv_object_put_c(b, key, text(g, s));
}

static struct rv_builder object(struct gql *g)
{
	(void)gql_spend(g, 4);
	return rv_object_builder(g->c->heap, 8);
}

/* An array of all of a list, each by the function `one`. */
#define ARRAY_OF(g, list, T, one)                                                                                      \
	({                                                                                                             \
		struct rv_vec vec_ = rv_vec((g)->c->heap);                                                             \
		for (const struct T *it_ = (list)->first; it_ && !gql_stop(g); it_ = it_->next)                        \
			rv_push(&vec_, one((g), it_));                                                                 \
		rv_vec_done(&vec_);                                                                                    \
	})

static struct rv name_text(struct gql *g, const struct gql_name *n)
{
	(void)gql_spend(g, 1);
	return text(g, n->text);
}

static struct rv comment_line(struct gql *g, const struct gql_name *n)
{
	struct rv_builder b = object(g);

	put_text(g, &b, "Value", n->text);
	return rv_builder_done(&b);
}

static void put_comment(struct gql *g, struct rv_builder *b, const char *key, const struct gql_name_list *comment)
{
	struct rv_builder group;

	if (!comment)
		return;
	group = object(g);
	put(&group, "List", ARRAY_OF(g, comment, gql_name, comment_line));
	put(b, key, rv_builder_done(&group));
}

/* ---- values, types, directives ---- */

static struct rv value(struct gql *g, const struct gql_value *v);

static struct rv arg(struct gql *g, const struct gql_arg *a)
{
	struct rv_builder b = object(g);

	put_text(g, &b, "Name", a->name);
	put(&b, "Value", value(g, a->value));
	put_comment(g, &b, "Comment", a->comment);
	return rv_builder_done(&b);
}

static struct rv value(struct gql *g, const struct gql_value *v)
{
	struct rv_builder b;

	if (!v)
		return rv_undef();
	b = object(g);
	put_text(g, &b, "Raw", v->raw);
	put(&b, "Children", ARRAY_OF(g, &v->children, gql_arg, arg));
	put(&b, "Kind", rv_int(v->kind));
	put_comment(g, &b, "Comment", v->comment);
	put(&b, "ExpectedTypeHasDefault", rv_bool(false));
	return rv_builder_done(&b);
}

static struct rv type(struct gql *g, const struct gql_type *t)
{
	struct rv_builder b;

	if (!t)
		return rv_undef();
	b = object(g);
	put_text(g, &b, "NamedType", t->name);
	put(&b, "Elem", type(g, t->elem));
	put(&b, "NonNull", rv_bool(t->non_null));
	return rv_builder_done(&b);
}

static struct rv directive(struct gql *g, const struct gql_directive *d)
{
	struct rv_builder b = object(g);

	put_text(g, &b, "Name", d->name);
	put(&b, "Arguments", ARRAY_OF(g, &d->args, gql_arg, arg));
	put_text(g, &b, "Location", SLICE_LIT(""));
	return rv_builder_done(&b);
}

static void put_directives(struct gql *g, struct rv_builder *b, const struct gql_directive_list *l)
{
	put(b, "Directives", ARRAY_OF(g, l, gql_directive, directive));
}

/* ---- queries ---- */

static struct rv selection(struct gql *g, const struct gql_selection *s)
{
	struct rv_builder b = object(g);

	if (s->kind == GQL_FIELD)
		put_text(g, &b, "Alias", s->alias);
	put_text(g, &b, s->kind == GQL_INLINE ? "TypeCondition" : "Name", s->name);
	put(&b, "Arguments", ARRAY_OF(g, &s->args, gql_arg, arg));
	put_directives(g, &b, &s->directives);
	put(&b, "SelectionSet", ARRAY_OF(g, &s->selections, gql_selection, selection));
	put_comment(g, &b, "Comment", s->comment);
	return rv_builder_done(&b);
}

static void put_selections(struct gql *g, struct rv_builder *b, const struct gql_selection_list *l)
{
	put(b, "SelectionSet", ARRAY_OF(g, l, gql_selection, selection));
}

static struct rv variable(struct gql *g, const struct gql_var *v)
{
	struct rv_builder b = object(g);

	put_text(g, &b, "Variable", v->name);
	put(&b, "Type", type(g, v->type));
	put(&b, "DefaultValue", value(g, v->default_value));
	put_directives(g, &b, &v->directives);
	put_comment(g, &b, "Comment", v->comment);
	put(&b, "Used", rv_bool(v->used));
	return rv_builder_done(&b);
}

static struct rv operation(struct gql *g, const struct gql_operation *o)
{
	struct rv_builder b = object(g);

	put_text(g, &b, "Operation", slice_cstr(gql_operation_name(o->kind)));
	put_text(g, &b, "Name", o->name);
	put(&b, "VariableDefinitions", ARRAY_OF(g, &o->vars, gql_var, variable));
	put_directives(g, &b, &o->directives);
	put_selections(g, &b, &o->selections);
	put_comment(g, &b, "Comment", o->comment);
	return rv_builder_done(&b);
}

static struct rv fragment(struct gql *g, const struct gql_fragment *f)
{
	struct rv_builder b = object(g);

	put_text(g, &b, "Name", f->name);
	put(&b, "VariableDefinition", ARRAY_OF(g, &f->vars, gql_var, variable));
	put_text(g, &b, "TypeCondition", f->type_condition);
	put_directives(g, &b, &f->directives);
	put_selections(g, &b, &f->selections);
	put_comment(g, &b, "Comment", f->comment);
	return rv_builder_done(&b);
}

struct rv gql_query_value(struct gql *g, const struct gql_query *q)
{
	struct rv_builder b = object(g);

	put(&b, "Operations", ARRAY_OF(g, &q->operations, gql_operation, operation));
	put(&b, "Fragments", ARRAY_OF(g, &q->fragments, gql_fragment, fragment));
	return rv_builder_done(&b);
}

/* ---- schemas ---- */

static void put_comments(struct gql *g, struct rv_builder *b, const struct gql_name_list *before,
			 const struct gql_name_list *after)
{
	put_comment(g, b, "BeforeDescriptionComment", before);
	put_comment(g, b, "AfterDescriptionComment", after);
}

static struct rv member(struct gql *g, const struct gql_member *m)
{
	struct rv_builder b = object(g);

	put_text(g, &b, "Description", m->description);
	put_text(g, &b, "Name", m->name);
	put(&b, "Arguments", ARRAY_OF(g, &m->args, gql_member, member));
	put(&b, "DefaultValue", value(g, m->default_value));
	put(&b, "Type", type(g, m->type));
	put_directives(g, &b, &m->directives);
	put_comments(g, &b, m->before, m->after);
	return rv_builder_done(&b);
}

static struct rv definition(struct gql *g, const struct gql_def *d)
{
	struct rv_builder b = object(g);

	put_text(g, &b, "Kind", slice_cstr(gql_kind_name(d->kind)));
	put_text(g, &b, "Description", d->description);
	put_text(g, &b, "Name", d->name);
	put_directives(g, &b, &d->directives);
	put(&b, "Interfaces", ARRAY_OF(g, &d->interfaces, gql_name, name_text));
	put(&b, "Fields", ARRAY_OF(g, &d->fields, gql_member, member));
	put(&b, "Types", ARRAY_OF(g, &d->types, gql_name, name_text));
	put(&b, "EnumValues", ARRAY_OF(g, &d->values, gql_member, member));
	put(&b, "BuiltIn", rv_bool(d->builtin));
	put_comments(g, &b, d->before, d->after);
	put_comment(g, &b, "EndOfDefinitionComment", d->at_end);
	return rv_builder_done(&b);
}

static struct rv directive_definition(struct gql *g, const struct gql_directive_def *d)
{
	struct rv_builder b = object(g);

	put_text(g, &b, "Description", d->description);
	put_text(g, &b, "Name", d->name);
	put(&b, "Arguments", ARRAY_OF(g, &d->args, gql_member, member));
	put(&b, "Locations", ARRAY_OF(g, &d->location_names, gql_name, name_text));
	put(&b, "IsRepeatable", rv_bool(d->repeatable));
	put_comments(g, &b, d->before, d->after);
	return rv_builder_done(&b);
}

static struct rv root(struct gql *g, const struct gql_root *r)
{
	struct rv_builder b = object(g);

	put_text(g, &b, "Operation", slice_cstr(gql_operation_name(r->kind)));
	put_text(g, &b, "Type", r->type);
	put_comment(g, &b, "Comment", r->comment);
	return rv_builder_done(&b);
}

static struct rv entry(struct gql *g, const struct gql_entry *e)
{
	struct rv_builder b = object(g);

	put_text(g, &b, "Description", e->description);
	put_directives(g, &b, &e->directives);
	put(&b, "OperationTypes", ARRAY_OF(g, &e->roots, gql_root, root));
	put_comments(g, &b, e->before, e->after);
	put_comment(g, &b, "EndOfDefinitionComment", e->at_end);
	return rv_builder_done(&b);
}

struct rv gql_schema_value(struct gql *g, const struct gql_document *d)
{
	struct rv_builder b = object(g);

	put(&b, "Schema", ARRAY_OF(g, &d->schema, gql_entry, entry));
	put(&b, "SchemaExtension", ARRAY_OF(g, &d->schema_extensions, gql_entry, entry));
	put(&b, "Directives", ARRAY_OF(g, &d->directives, gql_directive_def, directive_definition));
	put(&b, "Definitions", ARRAY_OF(g, &d->definitions, gql_def, definition));
	put(&b, "Extensions", ARRAY_OF(g, &d->extensions, gql_def, definition));
	put_comment(g, &b, "Comment", d->comment);
	return rv_builder_done(&b);
}
