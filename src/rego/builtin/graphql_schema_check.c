/* graphql_schema_check.c - what makes a schema's definitions valid (October 2021, section 3). */
#include "rego/builtin/gofmt.h"
#include "rego/builtin/graphql.h"

static const char *quoted(struct gql *g, struct slice s)
{
	struct buf b = buf_in(g->a, 0);
	const char *out;

	gofmt_quote(&b, s, false);
	out = buf_cstr(&b);
	if (!out)
		g->end = rc_of(E_LIMIT);
	return out ? out : "";
}

/* Names of that form belong to introspection. */
static void check_name(struct gql *g, struct gql_pos at, struct slice name)
{
	if (slice_starts(name, SLICE_LIT("__")))
		gql_schema_bad(g, at, "Name \"%s\" must not begin with \"__\", which is reserved by GraphQL introspection.",
			       gql_cstr(g, name));
}

static void check_type(struct gql *g, const struct gql_schema *s, const struct gql_type *t)
{
	const struct gql_type *inner = t;

	while (inner->elem)
		inner = inner->elem;
	if (!gql_map_get(&s->types, inner->name))
		gql_schema_bad(g, t->pos, "Undefined type %s.", gql_cstr(g, inner->name));
}

/* ---- uses of directives ---- */

static void check_directive(struct gql *g, const struct gql_directive_def *def, const struct gql_directive *dir)
{
	for (const struct gql_arg *a = dir->args.first; a && !gql_stop(g); a = a->next)
		if (!gql_member_find(g, &def->args, a->name))
			gql_schema_bad(g, a->pos, "Undefined argument %s for directive %s.", gql_cstr(g, a->name),
				       gql_cstr(g, dir->name));
	for (const struct gql_member *m = def->args.first; m && !gql_stop(g); m = m->next) {
		const struct gql_arg *a;

		if (!m->type->non_null || m->default_value)
			continue;
		a = gql_arg_find(g, &dir->args, m->name);
		if (!a || a->value->kind == GQL_NULL)
			gql_schema_bad(g, dir->pos, "Argument %s for directive %s cannot be null.", gql_cstr(g, m->name),
				       gql_cstr(g, dir->name));
	}
}

void gql_check_directives(struct gql *g, const struct gql_schema *s, const struct gql_directive_list *l, uint32_t location,
			  const struct gql_directive_def *inside, bool one_place)
{
	struct gql_map seen = {0};

	for (struct gql_directive *dir = l->first; dir && gql_spend(g, 1); dir = dir->next) {
		const struct gql_directive_def *def = gql_map_get(&s->directives, dir->name);

		check_name(g, dir->pos, dir->name);
		if (inside && slice_eq(dir->name, inside->name))
			gql_schema_bad(g, dir->pos, "Directive %s cannot refer to itself.", gql_cstr(g, dir->name));
		if (!def) {
			gql_schema_bad(g, dir->pos, "Undefined directive %s.", gql_cstr(g, dir->name));
			return;
		}
		if (one_place && l->n > 1 && !gql_map_add(g, &seen, dir->name, dir) && !def->repeatable)
			gql_schema_bad(g, dir->pos, "The directive %s can only be used once at this location.",
				       gql_cstr(g, dir->name));
		if (!(def->locations & location))
			gql_schema_bad(g, dir->pos, "Directive %s is not applicable on %s.", gql_cstr(g, dir->name),
				       gql_location_name(location));
		check_directive(g, def, dir);
	}
}

/* ---- interfaces ---- */

static bool named(const struct gql_name_list *l, struct slice name)
{
	for (const struct gql_name *n = l->first; n; n = n->next)
		if (slice_eq(n->text, name))
			return true;
	return false;
}

/* May a field of type `actual` stand for one of type `required`? */
static bool covariant(struct gql *g, const struct gql_schema *s, const struct gql_type *required, const struct gql_type *actual)
{
	const struct gql_def *def;

	if (required->non_null && !actual->non_null)
		return false;
	if (required->elem)
		return actual->elem && covariant(g, s, required->elem, actual->elem);
	if (slice_eq(required->name, actual->name))
		return true;
	def = gql_map_get(&s->types, required->name);
	for (const struct gql_ref *r = def ? def->possible.first : NULL; r && gql_spend(g, 1); r = r->next)
		if (slice_eq(r->def->name, actual->name))
			return true;
	return false;
}

#define FOR_IMPLEMENTING "For %s to implement %s "

static void check_arguments_of(struct gql *g, const struct gql_def *def, const struct gql_def *face,
			       const struct gql_member *required, const struct gql_member *found)
{
	const char *name = gql_cstr(g, def->name), *face_name = gql_cstr(g, face->name), *field = gql_cstr(g, required->name);

	for (const struct gql_member *want = required->args.first; want && !gql_stop(g); want = want->next) {
		const struct gql_member *have = gql_member_find(g, &found->args, want->name);

		if (!have)
			gql_schema_bad(g, found->pos,
				       FOR_IMPLEMENTING "the field %s must have the same arguments but it is missing %s.", name,
				       face_name, field, gql_cstr(g, want->name));
		else if (!gql_type_fits(want->type, have->type, have->type->non_null))
			gql_schema_bad(g, have->pos,
				       FOR_IMPLEMENTING "the field %s must have the same arguments but %s has the wrong type.", name,
				       face_name, field, gql_cstr(g, want->name));
	}
	for (const struct gql_member *have = found->args.first; have && !gql_stop(g); have = have->next)
		if (have->type->non_null && !have->default_value && !gql_member_find(g, &required->args, have->name))
			gql_schema_bad(g, have->pos,
				       FOR_IMPLEMENTING "any additional arguments on %s must be optional or have a default value but "
							"%s is required.",
				       name, face_name, field, gql_cstr(g, have->name));
}

static void check_implements(struct gql *g, const struct gql_schema *s, const struct gql_def *def, struct slice face_name)
{
	const struct gql_def *face = gql_map_get(&s->types, face_name);

	if (!face || face->kind != GQL_INTERFACE) {
		if (face)
			gql_schema_bad(g, def->pos, "%s is a non interface type %s.", quoted(g, face_name),
				       gql_kind_name(face->kind));
		else
			gql_schema_bad(g, def->pos, "Undefined type %s.", quoted(g, face_name));
		return;
	}
	for (const struct gql_member *want = face->fields.first; want && !gql_stop(g); want = want->next) {
		const struct gql_member *have = gql_member_find(g, &def->fields, want->name);

		if (!have) {
			gql_schema_bad(g, def->pos, FOR_IMPLEMENTING "it must have a field called %s.", gql_cstr(g, def->name),
				       gql_cstr(g, face->name), gql_cstr(g, want->name));
			return;
		}
		if (!covariant(g, s, want->type, have->type))
			gql_schema_bad(g, have->pos, FOR_IMPLEMENTING "the field %s must have type %s.", gql_cstr(g, def->name),
				       gql_cstr(g, face->name), gql_cstr(g, want->name), gql_type_cstr(g, want->type));
		check_arguments_of(g, def, face, want, have);
	}
	for (const struct gql_name *above = face->interfaces.first; above && gql_spend(g, 1 + def->interfaces.n / 8);
	     above = above->next) {
		if (named(&def->interfaces, above->text))
			continue;
		if (slice_eq(above->text, def->name))
			gql_schema_bad(g, def->pos, "Type %s cannot implement %s because it would create a circular reference.",
				       gql_cstr(g, def->name), gql_cstr(g, face_name));
		gql_schema_bad(g, def->pos, "Type %s must implement %s because it is implemented by %s.", gql_cstr(g, def->name),
			       gql_cstr(g, above->text), gql_cstr(g, face_name));
	}
}

/* ---- members ---- */

static void check_args(struct gql *g, const struct gql_schema *s, const struct gql_member_list *l,
		       const struct gql_directive_def *inside)
{
	for (const struct gql_member *a = l->first; a && gql_spend(g, 1); a = a->next) {
		const struct gql_def *def;

		check_name(g, a->pos, a->name);
		check_type(g, s, a->type);
		if (gql_stop(g))
			return;
		def = gql_type_of(s, a->type);
		if (!gql_is_input(def))
			gql_schema_bad(g, a->pos, "cannot use %s as argument %s because %s is not a valid input type",
				       gql_type_cstr(g, a->type), gql_cstr(g, a->name), gql_kind_name(def->kind));
		gql_check_directives(g, s, &a->directives, GQL_ON_ARGUMENT_DEFINITION, inside, true);
	}
}

void gql_check_directive_definition(struct gql *g, const struct gql_schema *s, const struct gql_directive_def *def)
{
	check_name(g, def->pos, def->name);
	check_args(g, s, &def->args, def);
}

static void check_fields(struct gql *g, const struct gql_schema *s, const struct gql_def *def)
{
	uint32_t place = def->kind == GQL_INPUT ? GQL_ON_INPUT_FIELD_DEFINITION : GQL_ON_FIELD_DEFINITION;

	for (const struct gql_member *f = def->fields.first; f && gql_spend(g, 1); f = f->next) {
		check_name(g, f->pos, f->name);
		check_type(g, s, f->type);
		check_args(g, s, &f->args, NULL);
		gql_check_directives(g, s, &f->directives, place, NULL, true);
	}
}

static void check_union(struct gql *g, const struct gql_schema *s, const struct gql_def *def)
{
	for (const struct gql_name *n = def->types.first; n && gql_spend(g, 1); n = n->next) {
		const struct gql_def *member = gql_map_get(&s->types, n->text);

		if (!member)
			gql_schema_bad(g, def->pos, "Undefined type %s.", quoted(g, n->text));
		else if (member->kind != GQL_OBJECT_TYPE)
			gql_schema_bad(g, def->pos, "%s type %s must be OBJECT.", gql_kind_name(def->kind), quoted(g, n->text));
	}
}

static void check_output(struct gql *g, const struct gql_schema *s, const struct gql_def *def)
{
	if (!def->fields.n)
		gql_schema_bad(g, def->pos, "%s %s: must define one or more fields.", gql_kind_name(def->kind),
			       gql_cstr(g, def->name));
	for (const struct gql_member *f = def->fields.first; f && !gql_stop(g); f = f->next)
		if (gql_type_of(s, f->type)->kind == GQL_INPUT)
			gql_schema_bad(g, f->pos, "%s %s: field must be one of SCALAR, OBJECT, INTERFACE, UNION, ENUM.",
				       gql_kind_name(def->kind), gql_cstr(g, def->name));
}

static void check_input(struct gql *g, const struct gql_schema *s, const struct gql_def *def)
{
	if (!def->fields.n)
		gql_schema_bad(g, def->pos, "%s %s: must define one or more input fields.", gql_kind_name(def->kind),
			       gql_cstr(g, def->name));
	for (const struct gql_member *f = def->fields.first; f && !gql_stop(g); f = f->next) {
		const struct gql_def *type = gql_type_of(s, f->type);

		if (!gql_is_input(type))
			gql_schema_bad(g, f->pos, "%s %s: field must be one of SCALAR, ENUM, INPUT_OBJECT.", gql_kind_name(type->kind),
				       gql_cstr(g, f->name));
	}
}

static void check_enum(struct gql *g, const struct gql_schema *s, const struct gql_def *def)
{
	if (!def->values.n)
		gql_schema_bad(g, def->pos, "%s %s: must define one or more unique enum values.", gql_kind_name(def->kind),
			       gql_cstr(g, def->name));
	for (const struct gql_member *v = def->values.first; v && gql_spend(g, 1); v = v->next) {
		if (slice_is(v->name, "true") || slice_is(v->name, "false") || slice_is(v->name, "null"))
			gql_schema_bad(g, def->pos, "%s %s: non-enum value %s.", gql_kind_name(def->kind),
				       gql_cstr(g, def->name), gql_cstr(g, v->name));
		gql_check_directives(g, s, &v->directives, GQL_ON_ENUM_VALUE, NULL, true);
	}
}

/* ---- once only ---- */

/* The member that repeats the earliest one that is repeated. */
static const struct gql_member *repeated_member(struct gql *g, const struct gql_member_list *l)
{
	struct gql_map seen = {0};
	bool any = false;

	for (struct gql_member *m = l->first; m && !any && !gql_stop(g); m = m->next)
		any = !gql_map_add(g, &seen, m->name, m);
	for (const struct gql_member *m = any ? l->first : NULL; m && gql_spend(g, 1 + l->n / 8); m = m->next)
		for (const struct gql_member *o = m->next; o; o = o->next)
			if (slice_eq(m->name, o->name))
				return o;
	return NULL;
}

static const struct gql_name *repeated_name(struct gql *g, const struct gql_name_list *l)
{
	for (const struct gql_name *n = l->first; n && gql_spend(g, 1 + l->n / 8); n = n->next)
		for (const struct gql_name *o = n->next; o; o = o->next)
			if (slice_eq(n->text, o->text))
				return o;
	return NULL;
}

static void check_repeats(struct gql *g, const struct gql_def *def)
{
	const struct gql_member *m = repeated_member(g, &def->fields);
	const struct gql_name *n;

	if (m)
		gql_schema_bad(g, m->pos, "Field %s.%s can only be defined once.", gql_cstr(g, def->name), gql_cstr(g, m->name));
	m = repeated_member(g, &def->values);
	if (m)
		gql_schema_bad(g, m->pos, "Enum value %s.%s can only be defined once.", gql_cstr(g, def->name),
			       gql_cstr(g, m->name));
	n = repeated_name(g, &def->types);
	if (n)
		gql_schema_bad(g, n->pos.line ? n->pos : def->pos, "Union type %s can only include type %s once.",
			       gql_cstr(g, def->name), gql_cstr(g, n->text));
}

void gql_check_definition(struct gql *g, const struct gql_schema *s, const struct gql_def *def)
{
	static const uint32_t places[] = {GQL_ON_SCALAR, GQL_ON_OBJECT, GQL_ON_INTERFACE,
					  GQL_ON_UNION,	 GQL_ON_ENUM,	GQL_ON_INPUT_OBJECT};

	check_fields(g, s, def);
	check_union(g, s, def);
	for (const struct gql_name *n = def->interfaces.first; n && gql_spend(g, 1); n = n->next)
		check_implements(g, s, def, n->text);
	if (gql_stop(g))
		return;
	switch (def->kind) {
	case GQL_OBJECT_TYPE:
	case GQL_INTERFACE:
		check_output(g, s, def);
		break;
	case GQL_ENUM_TYPE:
		check_enum(g, s, def);
		break;
	case GQL_INPUT:
		check_input(g, s, def);
		break;
	case GQL_SCALAR:
	case GQL_UNION:
		break;
	}
	check_repeats(g, def);
	if (!def->builtin)
		check_name(g, def->pos, def->name);
	/* a type and its extensions are several places */
	gql_check_directives(g, s, &def->directives, places[def->kind], NULL, false);
}

/* ---- input objects that can never be written down ---- */

enum { UNSEEN, ON_PATH, DONE };

struct step {
	const struct step *up;
	const struct gql_def *def;
	const struct gql_member *field;
	unsigned depth;
};

/* From the step that left `def` to the last one. */
static void refuse_cycle(struct gql *g, const struct step *last, const struct gql_def *def)
{
	const struct step *first = last;
	const struct step **path = gql_alloc(g, last->depth * sizeof(struct step *));
	struct buf b = buf_in(g->a, 0);
	size_t n = 0;

	if (!path)
		return;
	path[n++] = last;
	for (; first->def != def; path[n++] = first)
		first = first->up;
	while (n) {
		buf_slice(&b, path[--n]->field->name);
		if (n)
			buf_putc(&b, '.');
	}
	gql_schema_bad(g, first->field->pos, "Cannot reference Input Object %s within itself through a series of non-null fields: %s.",
		       quoted(g, def->name), quoted(g, buf_view(&b)));
}

static void follow(struct gql *g, const struct gql_schema *s, struct gql_def *def, const struct step *up)
{
	struct step here = {.up = up, .def = def, .depth = up ? up->depth + 1 : 1};

	if (here.depth > GQL_WALK_DEPTH) {
		gql_too_deep(g);
		return;
	}
	def->cycle = ON_PATH;
	for (const struct gql_member *f = def->fields.first; f && gql_spend(g, 1); f = f->next) {
		struct gql_def *next = f->type->elem || !f->type->non_null ? NULL : gql_type_of(s, f->type);

		if (!next || next->kind != GQL_INPUT)
			continue;
		here.field = f;
		if (next->cycle == ON_PATH)
			refuse_cycle(g, &here, next);
		else if (next->cycle == UNSEEN)
			follow(g, s, next, &here);
	}
	def->cycle = DONE;
}

void gql_check_input_cycles(struct gql *g, const struct gql_schema *s, struct gql_def *def)
{
	if (def->kind == GQL_INPUT && def->cycle == UNSEEN)
		follow(g, s, def, NULL);
}
