/* types.c - what kind a value is, casts, and comparison. */
#include "rego/builtin/lib.h"

#define IS(name, k)                                                                                 \
	static rc name(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)      \
	{                                                                                           \
		(void)c;                                                                            \
		(void)n;                                                                            \
		*out = rv_bool(args[0].kind == (k));                                                \
		return rc_of(OK);                                                                   \
	}
IS(is_null, RV_NULL)
IS(is_boolean, RV_BOOL)
IS(is_number, RV_NUMBER)
IS(is_string, RV_STRING)
IS(is_array, RV_ARRAY)
IS(is_object, RV_OBJECT)
IS(is_set, RV_SET)

static rc type_name(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	(void)n;
	return lib_return(c, rv_cstr(c->heap, rv_kind_name(args[0].kind)), out);
}

#define CAST(name, k)                                                                               \
	static rc name(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)      \
	{                                                                                           \
		(void)n;                                                                            \
		ARG_KIND(c, args, 0, k);                                                            \
		*out = args[0];                                                                     \
		return rc_of(OK);                                                                   \
	}
CAST(cast_null, RV_NULL)
CAST(cast_boolean, RV_BOOL)
CAST(cast_string, RV_STRING)
CAST(cast_object, RV_OBJECT)

static rc cast_array(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	size_t len;

	(void)n;
	*out = args[0];
	if (args[0].kind == RV_ARRAY)
		return rc_of(OK);
	if (args[0].kind != RV_SET)
		return rego_operand_error(c, 1, "one of {array, set}", args[0]);
	TRY(rego_charge(c, rv_len(args[0])));
	return lib_return(c, rv_array(c->heap, lib_items(args[0], &len), rv_len(args[0])), out);
}

static rc cast_set(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct rv_builder b;

	(void)n;
	*out = args[0];
	if (args[0].kind == RV_SET)
		return rc_of(OK);
	if (args[0].kind != RV_ARRAY)
		return rego_operand_error(c, 1, "one of {array, set}", args[0]);
	TRY(rego_charge(c, rv_len(args[0])));
	b = rv_set_builder(c->heap, rv_len(args[0]));
	for (size_t i = 0; i < rv_len(args[0]); i++)
		rv_set_add(&b, rv_at(args[0], i));
	return lib_return(c, rv_builder_done(&b), out);
}

#define COMPARE(name, expr)                                                                         \
	static rc name(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)      \
	{                                                                                           \
		(void)c;                                                                            \
		(void)n;                                                                            \
		*out = rv_bool(expr);                                                               \
		return rc_of(OK);                                                                   \
	}
COMPARE(equal, rv_eq(args[0], args[1]))
COMPARE(neq, !rv_eq(args[0], args[1]))
COMPARE(lt, rv_cmp(args[0], args[1]) < 0)
COMPARE(lte, rv_cmp(args[0], args[1]) <= 0)
COMPARE(gt, rv_cmp(args[0], args[1]) > 0)
COMPARE(gte, rv_cmp(args[0], args[1]) >= 0)

const struct rego_builtin builtin_types[] = {
	{"is_null", "any -> boolean", is_null, 1, REGO_SHALLOW, 1},
	{"is_boolean", "any -> boolean", is_boolean, 1, REGO_SHALLOW, 1},
	{"is_number", "any -> boolean", is_number, 1, REGO_SHALLOW, 1},
	{"is_string", "any -> boolean", is_string, 1, REGO_SHALLOW, 1},
	{"is_array", "any -> boolean", is_array, 1, REGO_SHALLOW, 1},
	{"is_object", "any -> boolean", is_object, 1, REGO_SHALLOW, 1},
	{"is_set", "any -> boolean", is_set, 1, REGO_SHALLOW, 1},
	{"type_name", "any -> string", type_name, 1, REGO_SHALLOW, 1},
	{"cast_null", "any -> null", cast_null, 1, REGO_DEPRECATED, 1},
	{"cast_boolean", "any -> boolean", cast_boolean, 1, REGO_DEPRECATED, 1},
	{"cast_string", "any -> string", cast_string, 1, REGO_DEPRECATED, 1},
	{"cast_object", "any -> object[any:any]", cast_object, 1, REGO_DEPRECATED, 1},
	{"cast_array", "any -> array[any]", cast_array, 1, REGO_DEPRECATED, 1},
	{"cast_set", "any -> set[any]", cast_set, 1, REGO_DEPRECATED, 1},
	{0},
};

const struct rego_builtin builtin_compare[] = {
	{"eq", "any, any -> boolean", equal, 2, 0, 1},
	{"equal", "any, any -> boolean", equal, 2, 0, 1},
	{"neq", "any, any -> boolean", neq, 2, 0, 1},
	{"lt", "any, any -> boolean", lt, 2, 0, 1},
	{"lte", "any, any -> boolean", lte, 2, 0, 1},
	{"gt", "any, any -> boolean", gt, 2, 0, 1},
	{"gte", "any, any -> boolean", gte, 2, 0, 1},
	{0},
};
