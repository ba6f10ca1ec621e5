/* collections.c - arrays and sets. */
#include "base/num.h"
#include "rego/builtin/lib.h"

static rc array_concat(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	size_t a, b;
	struct rv *items;

	(void)n;
	ARG_ARRAY(c, args, 0);
	ARG_ARRAY(c, args, 1);
	a = rv_len(args[0]);
	b = rv_len(args[1]);
	*out = b ? args[1] : args[0];
	if (a == 0 || b == 0)
		return rc_of(OK);
	TRY(rego_charge(c, (a + b) / 4));
	items = rv_alloc(c->heap, (a + b) * sizeof(*items));
	if (!items)
		return lib_no_memory(c);
	memcpy(items, args[0].arr->items, a * sizeof(*items));
	memcpy(items + a, args[1].arr->items, b * sizeof(*items));
	return lib_return(c, rv_array_own(c->heap, items, a + b), out);
}

static rc array_slice(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	int64_t from, to, len;

	(void)n;
	ARG_ARRAY(c, args, 0);
	TRY(lib_int(c, args, 1, &from));
	TRY(lib_int(c, args, 2, &to));
	len = rv_len(args[0]);
	to = MIN_OF(MAX_OF(to, 0), len);
	from = MIN_OF(MAX_OF(from, 0), to);
	TRY(rego_charge(c, (uint64_t)(to - from) / 4));
	return lib_return(c, rv_array(c->heap, args[0].arr->items + from, (size_t)(to - from)), out);
}

static rc array_reverse(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct rv_vec v = rv_vec(c->heap);

	(void)n;
	ARG_ARRAY(c, args, 0);
	TRY(rego_charge(c, rv_len(args[0])));
	for (size_t i = rv_len(args[0]); i > 0; i--)
		rv_push(&v, rv_at(args[0], i - 1));
	return lib_return(c, rv_vec_done(&v), out);
}

static rc array_flatten(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct rv_vec v = rv_vec(c->heap);

	(void)n;
	ARG_ARRAY(c, args, 0);
	for (size_t i = 0; i < rv_len(args[0]); i++) {
		struct rv item = rv_at(args[0], i);

		TRY(rego_charge(c, 1 + rv_len(item)));
		if (item.kind != RV_ARRAY)
			rv_push(&v, item);
		else
			for (size_t k = 0; k < rv_len(item); k++)
				rv_push(&v, rv_at(item, k));
	}
	return lib_return(c, rv_vec_done(&v), out);
}

/* Members of a that are (or are not) in b. */
static RC select_members(struct rego_call *c, struct rv a, struct rv b, bool in, struct rv *out)
{
	struct rv_builder r = rv_set_builder(c->heap, 0);

	TRY(rego_charge(c, rv_len(a)));
	for (size_t i = 0; i < rv_len(a); i++)
		if ((rv_get(b, rv_key(a, i)) != NULL) == in)
			rv_set_add(&r, rv_key(a, i));
	return lib_return(c, rv_builder_done(&r), out);
}

static rc set_and(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	bool swap;

	(void)n;
	ARG_SET(c, args, 0);
	ARG_SET(c, args, 1);
	swap = rv_len(args[0]) > rv_len(args[1]);
	return select_members(c, args[swap], args[!swap], true, out);
}

static rc set_diff(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	(void)n;
	ARG_SET(c, args, 0);
	ARG_SET(c, args, 1);
	return select_members(c, args[0], args[1], false, out);
}

static RC add_all(struct rego_call *c, struct rv_builder *b, struct rv set)
{
	TRY(rego_charge(c, rv_len(set)));
	for (size_t i = 0; i < rv_len(set); i++)
		rv_set_add(b, rv_key(set, i));
	return rc_of(OK);
}

static rc set_or(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct rv_builder b;

	(void)n;
	ARG_SET(c, args, 0);
	ARG_SET(c, args, 1);
	*out = rv_len(args[0]) ? args[0] : args[1];
	if (rv_len(args[0]) == 0 || rv_len(args[1]) == 0)
		return rc_of(OK);
	b = rv_set_builder(c->heap, (size_t)rv_len(args[0]) + rv_len(args[1]));
	TRY(add_all(c, &b, args[0]));
	TRY(add_all(c, &b, args[1]));
	return lib_return(c, rv_builder_done(&b), out);
}

/* Every member of the set must be a set. */
static RC sets_only(struct rego_call *c, const struct rv *args)
{
	ARG_SET(c, args, 0);
	rv_sort(args[0]);
	TRY(rego_charge(c, rv_len(args[0])));
	for (size_t i = 0; i < rv_len(args[0]); i++)
		if (rv_key(args[0], i).kind != RV_SET)
			return rego_operand_error(c, 1, "set", rv_key(args[0], i));
	return rc_of(OK);
}

static rc intersection(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct rv acc;

	(void)n;
	TRY(sets_only(c, args));
	if (rv_len(args[0]) == 0)
		return lib_return(c, rv_empty_set(c->heap), out);
	acc = rv_key(args[0], 0);
	for (size_t i = 1; i < rv_len(args[0]); i++)
		TRY(select_members(c, acc, rv_key(args[0], i), true, &acc));
	*out = acc;
	return rc_of(OK);
}

static rc set_union(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct rv_builder b;

	(void)n;
	TRY(sets_only(c, args));
	b = rv_set_builder(c->heap, 0);
	for (size_t i = 0; i < rv_len(args[0]); i++)
		TRY(add_all(c, &b, rv_key(args[0], i)));
	return lib_return(c, rv_builder_done(&b), out);
}

const struct rego_builtin builtin_collections[] = {
	{"array.concat", "array[any], array[any] -> array[any]", array_concat, 2, 0, 1},
	{"array.flatten", "array[any] -> array[any]", array_flatten, 1, 0, 1},
	{"array.reverse", "array[any] -> array[any]", array_reverse, 1, 0, 1},
	{"array.slice", "array[any], number, number -> array[any]", array_slice, 3, 0, 1},
	{"and", "set[any], set[any] -> set[any]", set_and, 2, 0, 1},
	{"or", "set[any], set[any] -> set[any]", set_or, 2, 0, 1},
	{"set_diff", "set[any], set[any] -> set[any]", set_diff, 2, REGO_DEPRECATED, 1},
	{"intersection", "set[set[any]] -> set[any]", intersection, 1, 0, 1},
	{"union", "set[set[any]] -> set[any]", set_union, 1, 0, 1},
	{0},
};
