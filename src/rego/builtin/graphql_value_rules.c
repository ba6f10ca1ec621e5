/* graphql_value_rules.c - rules for values: variables that exist, types that fit. */
#include <stdlib.h>

#include "base/num.h"
#include "rego/builtin/decfloat.h"
#include "rego/builtin/gofmt.h"
#include "rego/builtin/graphql_check.h"

/* As in a query; strings as they were read, quoted anew. */
static void write_value(struct gql *g, struct buf *b, const struct gql_value *v)
{
	(void)gql_spend(g, 1);
	switch (v->kind) {
	case GQL_VARIABLE:
		buf_putc(b, '$');
		buf_slice(b, v->raw);
		break;
	case GQL_INT:
	case GQL_FLOAT:
	case GQL_BOOLEAN:
	case GQL_NULL:
	case GQL_ENUM:
		buf_slice(b, v->raw);
		break;
	case GQL_STRING:
	case GQL_BLOCK:
		gofmt_quote(b, v->raw, false);
		break;
	case GQL_LIST_VALUE:
	case GQL_OBJECT:
		buf_putc(b, v->kind == GQL_OBJECT ? '{' : '[');
		for (const struct gql_arg *c = v->children.first; c; c = c->next) {
			if (c != v->children.first)
				buf_putc(b, ',');
			if (v->kind == GQL_OBJECT) {
				buf_slice(b, c->name);
				buf_putc(b, ':');
			}
			write_value(g, b, c->value);
		}
		buf_putc(b, v->kind == GQL_OBJECT ? '}' : ']');
		break;
	}
}

static const char *value_text(struct gql_check *k, const struct gql_value *v)
{
	struct buf b = buf_in(k->g->a, 0);
	const char *s;

	if (k->quiet)
		return "";
	write_value(k->g, &b, v);
	s = buf_cstr(&b);
	if (!s)
		k->g->end = rc_of(E_LIMIT);
	return s ? s : "";
}

/* ---- types ---- */

static bool one_of(const struct gql_def *d, const char *const *names)
{
	for (; *names; names++)
		if (slice_is(d->name, *names))
			return true;
	return false;
}

static const char *const built_in[] = {"Int", "Float", "String", "Boolean", "ID", NULL};
static const char *const for_int[] = {"Int", "Float", "ID", NULL};
static const char *const for_float[] = {"Float", NULL};
static const char *const for_string[] = {"String", "ID", NULL};
static const char *const for_boolean[] = {"Boolean", NULL};

static bool int_form(struct slice s)
{
	size_t sign = s.n && (s.p[0] == '-' || s.p[0] == '+');

	for (size_t i = sign; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return s.n > sign;
}

/* Beyond `bits` bits: the text is an integer otherwise. */
static bool int_overflows(struct slice s, unsigned bits)
{
	uint64_t v = 0, max = ((uint64_t)1 << (bits - 1)) - 1;
	bool neg = s.n && s.p[0] == '-';

	for (size_t i = s.n && (s.p[0] == '-' || s.p[0] == '+'); i < s.n; i++) {
		uint64_t d = (uint64_t)(s.p[i] - '0');

		if (v > (max + neg - d) / 10)
			return true;
		v = v * 10 + d;
	}
	return false;
}

/* Can the text be read as what its kind says? Looks through lists, objects and defaults of variables. */
static bool readable(struct gql_check *k, const struct gql_value *v)
{
	double d;

	if (!v || !gql_spend(k->g, 1))
		return true;
	switch (v->kind) {
	case GQL_VARIABLE:
		return !v->var || readable(k, v->var->default_value);
	case GQL_INT:
		return int_form(v->raw) && !int_overflows(v->raw, 64);
	case GQL_FLOAT:
		return decfloat_parse(v->raw, &d) && d - d == 0;
	case GQL_BOOLEAN:
		return slice_is(v->raw, "true") || slice_is(v->raw, "false");
	case GQL_LIST_VALUE:
	case GQL_OBJECT:
		for (const struct gql_arg *c = v->children.first; c; c = c->next)
			if (!readable(k, c->value))
				return false;
		return true;
	case GQL_STRING:
	case GQL_BLOCK:
	case GQL_NULL:
	case GQL_ENUM:
		break;
	}
	return true;
}

static void unexpected(struct gql_check *k, const struct gql_value *v, const char *hint)
{
	static const struct {
		const char *types[3];
		const char *text;
	} texts[] = {
		{{"String", "String!", "[String]"}, "String cannot represent a non string value: "},
		{{"Boolean", "Boolean!", ""}, "Boolean cannot represent a non boolean value: "},
		{{"Float", "Float!", ""}, "Float cannot represent non numeric value: "},
		{{"ID", "ID!", ""}, "ID cannot represent a non-string and non-integer value: "},
	};
	struct slice type = k->quiet ? SLICE_LIT("") : slice_cstr(gql_type_cstr(k->g, v->expected));
	const char *text = NULL;

	if (slice_is(type, "Int") || slice_is(type, "Int!"))
		text = int_form(v->raw) && int_overflows(v->raw, 32) ? "Int cannot represent non 32-bit signed integer value: "
								     : "Int cannot represent non-integer value: ";
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts) && !text; i++)
		for (size_t n = 0; n < 3; n++)
			if (type.n && slice_is(type, texts[i].types[n]))
				text = texts[i].text;
	if (text)
		gql_report(k, v->pos, "%s%s%s", text, value_text(k, v), hint);
	else if (v->def->kind == GQL_ENUM_TYPE)
		gql_report(k, v->pos, "Enum \"%s\" cannot represent non-enum value: %s.%s", gql_cstr(k->g, type), value_text(k, v),
			   hint);
	else
		gql_report(k, v->pos, "Expected value of type \"%s\", found %s.%s", gql_cstr(k->g, type), value_text(k, v), hint);
}

/* ---- kinds of values ---- */

static const char *near_values(struct gql_check *k, const struct gql_value *v, bool quoted)
{
	struct gql_suggestions near = {.g = k->g, .typed = v->raw};

	for (const struct gql_member *m = k->quiet ? NULL : v->def->values.first; m; m = m->next)
		gql_suggest(&near, m->name);
	return gql_suggestions_text(&near, "Did you mean the enum value", quoted);
}

static void enum_value(struct gql_check *k, const struct gql_value *v)
{
	if (v->def->kind != GQL_ENUM_TYPE)
		unexpected(k, v, near_values(k, v, false));
	else if (!gql_member_find(k->g, &v->def->values, v->raw))
		gql_report(k, v->pos, "Value \"%s\" does not exist in \"%s\" enum.%s", value_text(k, v),
			   gql_type_cstr(k->g, v->expected), near_values(k, v, true));
}

static void string_value(struct gql_check *k, const struct gql_value *v)
{
	if (v->def->kind == GQL_ENUM_TYPE)
		gql_report(k, v->pos, "Enum \"%s\" cannot represent non-enum value: %s.%s", gql_type_cstr(k->g, v->expected),
			   value_text(k, v), near_values(k, v, true));
	else if (!one_of(v->def, for_string))
		unexpected(k, v, "");
}

/* @oneOf: exactly one field, and not null. The field that is named is the type's first, as in the reference. */
static void one_field(struct gql_check *k, const struct gql_value *v)
{
	if (v->children.n != 1)
		gql_report(k, v->pos, "OneOf Input Object \"%s\" must specify exactly one key.", gql_cstr(k->g, v->def->name));
	else if (v->children.first->value->kind == GQL_NULL && v->def->fields.n)
		gql_report(k, v->children.first->value->pos, "Field \"%s.%s\" must be non-null.", gql_cstr(k->g, v->def->name),
			   gql_cstr(k->g, v->def->fields.first->name));
}

static void object_value(struct gql_check *k, const struct gql_value *v)
{
	for (const struct gql_member *m = v->def->fields.first; m && gql_spend(k->g, 1); m = m->next)
		if (m->type->non_null && !m->default_value && !gql_arg_find(k->g, &v->children, m->name))
			gql_report(k, v->pos, "Field \"%s.%s\" of required type \"%s\" was not provided.",
				   gql_cstr(k->g, v->def->name), gql_cstr(k->g, m->name), gql_type_cstr(k->g, m->type));
	for (const struct gql_directive *d = v->def->directives.first; d && gql_spend(k->g, 1); d = d->next)
		if (slice_is(d->name, "oneOf"))
			one_field(k, v);
	for (const struct gql_arg *c = v->children.first; c && !gql_check_stop(k); c = c->next) {
		struct gql_suggestions near = {.g = k->g, .typed = c->name};

		if (gql_member_find(k->g, &v->def->fields, c->name))
			continue;
		for (const struct gql_member *m = k->quiet ? NULL : v->def->fields.first; m; m = m->next)
			gql_suggest(&near, m->name);
		gql_report(k, c->pos, "Field \"%s\" is not defined by type \"%s\".%s", gql_cstr(k->g, c->name),
			   gql_cstr(k->g, v->def->name), gql_suggestions_text(&near, "Did you mean", true));
	}
}

static void fits(struct gql_check *k, const struct gql_value *v)
{
	if (!v->def || !v->expected)
		return;
	if (v->kind == GQL_NULL && v->expected->non_null)
		gql_report(k, v->pos, "Expected value of type \"%s\", found %s.", gql_type_cstr(k->g, v->expected),
			   value_text(k, v));
	if (v->def->kind == GQL_SCALAR && !one_of(v->def, built_in))
		return;
	if (!readable(k, v))
		unexpected(k, v, "");
	switch (v->kind) {
	case GQL_LIST_VALUE:
		if (!v->expected->elem)
			unexpected(k, v, "");
		break;
	case GQL_INT:
		if (!one_of(v->def, for_int))
			unexpected(k, v, "");
		break;
	case GQL_FLOAT:
		if (!one_of(v->def, for_float))
			unexpected(k, v, "");
		break;
	case GQL_STRING:
	case GQL_BLOCK:
		string_value(k, v);
		break;
	case GQL_ENUM:
		enum_value(k, v);
		break;
	case GQL_BOOLEAN:
		if (!one_of(v->def, for_boolean))
			unexpected(k, v, "");
		break;
	case GQL_OBJECT:
		object_value(k, v);
		break;
	case GQL_NULL:
	case GQL_VARIABLE:
		break;
	}
}

/* ---- variables ---- */

static void variable_exists(struct gql_check *k, const struct gql_value *v)
{
	if (!k->operation || v->kind != GQL_VARIABLE || v->var)
		return;
	if (k->operation->name.n)
		gql_report(k, v->pos, "Variable \"$%s\" is not defined by operation \"%s\".", gql_cstr(k->g, v->raw),
			   gql_cstr(k->g, k->operation->name));
	else
		gql_report(k, v->pos, "Variable \"$%s\" is not defined.", gql_cstr(k->g, v->raw));
}

static void variable_fits(struct gql_check *k, const struct gql_value *v)
{
	bool has_default;

	if (!k->operation || v->kind != GQL_VARIABLE || !v->expected || !v->var)
		return;
	has_default = v->expected_has_default || (v->var->default_value && v->var->default_value->kind != GQL_NULL);
	if (!gql_type_fits(v->var->type, v->expected, v->expected->non_null && !has_default))
		gql_report(k, v->pos, "Variable \"$%s\" of type \"%s\" used in position expecting type \"%s\".",
			   gql_cstr(k->g, v->raw), gql_type_cstr(k->g, v->var->type), gql_type_cstr(k->g, v->expected));
}

static void variable_in_one_of(struct gql_check *k, const struct gql_value *v)
{
	if (v->kind != GQL_OBJECT || !v->def || !gql_directive_find(k->g, &v->def->directives, "oneOf"))
		return;
	for (const struct gql_arg *c = v->children.first; c && gql_spend(k->g, 1); c = c->next) {
		const struct gql_var *var = c->value->kind == GQL_VARIABLE ? c->value->var : NULL;

		if (var && !var->type->non_null)
			gql_report(k, var->pos,
				   "Variable \"$%s\" is of type \"%s\" but must be non-nullable to be used for OneOf Input Object "
				   "\"%s\".",
				   gql_cstr(k->g, c->value->raw), gql_type_cstr(k->g, var->type), gql_cstr(k->g, v->def->name));
	}
}

static void unique_fields(struct gql_check *k, const struct gql_value *v)
{
	struct gql_map seen = {0};

	for (struct gql_arg *c = v->kind == GQL_OBJECT && v->children.n > 1 ? v->children.first : NULL; c && !gql_check_stop(k);
	     c = c->next)
		if (!gql_map_add(k->g, &seen, c->name, c) && !gql_check_stop(k))
			gql_report(k, c->pos, "There can be only one input field named \"%s\".", gql_cstr(k->g, c->name));
}

void gql_on_value(struct gql_check *k, struct gql_value *v)
{
	if (gql_check_stop(k))
		return;
	variable_exists(k, v);
	unique_fields(k, v);
	fits(k, v);
	variable_fits(k, v);
	variable_in_one_of(k, v);
}
