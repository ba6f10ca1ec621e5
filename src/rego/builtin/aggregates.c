/* aggregates.c - one value out of many, and membership. */
#include "rego/builtin/lib.h"
#include "rego/builtin/unicode.h"

#include <stdlib.h>

#define LISTS "one of {set, array}"

static rc count(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct rv v = args[0];

	(void)n;
	if (v.kind == RV_STRING) {
		TRY(rego_charge(c, v.str->n / 64));
		*out = rv_int((int64_t)uni_count(rv_slice(v)));
	} else if (v.kind == RV_ARRAY || v.kind == RV_OBJECT || v.kind == RV_SET) {
		*out = rv_int(rv_len(v));
	} else {
		return rego_operand_error(c, 1, "one of {array, object, set, string}", v);
	}
	return rc_of(OK);
}

static rc fold(struct rego_call *c, const struct rv *args, char op, int64_t start, struct rv *out)
{
	struct rv sum = rv_int(start);
	const struct rv *items;
	size_t n;

	items = lib_items(args[0], &n);
	if (!items && args[0].kind != RV_ARRAY && args[0].kind != RV_SET)
		return rego_operand_error(c, 1, LISTS, args[0]);
	TRY(rego_charge(c, n));
	for (size_t i = 0; i < n; i++)
		if (items[i].kind != RV_NUMBER)
			return lib_element_error(c, 1, args[0], "number", items[i]);
	for (size_t i = 0; i < n; i++) {
		if (sum.sub | items[i].sub)
			TRY(rego_charge(c, rego_number_cost(sum) + rego_number_cost(items[i])));
		sum = rv_arith(c->heap, op, sum, items[i]);
		if (sum.kind == RV_UNDEF)
			break;
	}
	return lib_return(c, sum, out);
}

static rc sum(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	(void)n;
	return fold(c, args, '+', 0, out);
}

static rc product(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	(void)n;
	return fold(c, args, '*', 1, out);
}

static rc extreme(struct rego_call *c, const struct rv *args, int sign, struct rv *out)
{
	const struct rv *items, *best;
	size_t n;

	items = lib_items(args[0], &n);
	if (args[0].kind != RV_ARRAY && args[0].kind != RV_SET)
		return rego_operand_error(c, 1, LISTS, args[0]);
	TRY(rego_charge(c, n));
	*out = rv_undef();
	if (n == 0)
		return rc_of(OK);
	best = &items[0];
	for (size_t i = 1; i < n; i++)
		if (rv_cmp(items[i], *best) * sign >= 0)
			best = &items[i];
	*out = *best;
	return rc_of(OK);
}

static rc max(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	(void)n;
	return extreme(c, args, 1, out);
}

static rc min(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	(void)n;
	return extreme(c, args, -1, out);
}

/* Merges the sorted halves of items[0..n) through tmp: stable. */
static void merge_sort(struct rv *items, struct rv *tmp, size_t n)
{
	size_t half = n / 2, i = 0, k = half, o = 0;

	if (n < 2)
		return;
	merge_sort(items, tmp, half);
	merge_sort(items + half, tmp, n - half);
	if (rv_cmp(items[half - 1], items[half]) <= 0)
		return;
	while (i < half && k < n)
		tmp[o++] = rv_cmp(items[k], items[i]) < 0 ? items[k++] : items[i++];
	while (i < half)
		tmp[o++] = items[i++];
	memcpy(items, tmp, o * sizeof(*items));
}

static rc sort(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	size_t len, log2n = 1;
	const struct rv *items = lib_items(args[0], &len);
	struct rv *copy, *tmp;

	(void)n;
	if (args[0].kind != RV_ARRAY && args[0].kind != RV_SET)
		return rego_operand_error(c, 1, LISTS, args[0]);
	if (args[0].kind == RV_SET)
		return lib_return(c, rv_array(c->heap, items, len), out);
	while (len >> log2n)
		log2n++;
	TRY(rego_charge(c, len * log2n));
	copy = rv_alloc(c->heap, (len + 1) * sizeof(*copy));
	tmp = rv_alloc(c->heap, (len + 1) * sizeof(*tmp));
	if (!copy || !tmp)
		return lib_no_memory(c);
	if (len)
		memcpy(copy, items, len * sizeof(*copy));
	merge_sort(copy, tmp, len);
	return lib_return(c, rv_array_own(c->heap, copy, len), out);
}

static rc all_or_any(struct rego_call *c, const struct rv *args, bool any, struct rv *out)
{
	size_t n;
	const struct rv *items = lib_items(args[0], &n);
	bool found = false;	/* what decides: a true one for any, another one for all */

	if (args[0].kind != RV_ARRAY && args[0].kind != RV_SET)
		return rego_operand_error(c, 1, "one of {array, set}", args[0]);
	TRY(rego_charge(c, n));
	for (size_t i = 0; i < n && !found; i++)
		found = rv_is_true(items[i]) == any;
	*out = rv_bool(found == any);
	return rc_of(OK);
}

static rc all(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	(void)n;
	return all_or_any(c, args, false, out);
}

static rc any(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	(void)n;
	return all_or_any(c, args, true, out);
}

static rc member_2(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct rv x = args[0], coll = args[1];
	bool found = false;

	(void)n;
	if (coll.kind == RV_SET) {
		found = rv_get(coll, x) != NULL;
	} else if (coll.kind == RV_ARRAY || coll.kind == RV_OBJECT) {
		const struct rv *items = coll.kind == RV_ARRAY ? coll.arr->items : coll.coll->vals;

		TRY(rego_charge(c, rv_len(coll) / 4));
		for (size_t i = 0; i < rv_len(coll) && !found; i++)
			found = rv_eq(x, items[i]);
	}
	*out = rv_bool(found);
	return rc_of(OK);
}

static rc member_3(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct rv v = rv_step(args[2], args[0]);

	(void)c;
	(void)n;
	*out = rv_bool(v.kind != RV_UNDEF && rv_eq(v, args[1]));
	return rc_of(OK);
}

const struct rego_builtin builtin_aggregates[] = {
	{"count", "string | array[any] | object[any:any] | set[any] -> number", count, 1, REGO_SHALLOW, 1},
	{"sum", "array[number] | set[number] -> number", sum, 1, 0, 1},
	{"product", "array[number] | set[number] -> number", product, 1, 0, 1},
	{"max", "array[any] | set[any] -> any", max, 1, 0, 1},
	{"min", "array[any] | set[any] -> any", min, 1, 0, 1},
	{"sort", "array[any] | set[any] -> array[any]", sort, 1, 0, 1},
	{"all", "array[any] | set[any] -> boolean", all, 1, REGO_DEPRECATED, 1},
	{"any", "array[any] | set[any] -> boolean", any, 1, REGO_DEPRECATED, 1},
	{"internal.member_2", "any, any -> boolean", member_2, 2, REGO_INTERNAL, 1},
	{"internal.member_3", "any, any, any -> boolean", member_3, 3, REGO_INTERNAL, 1},
	{0},
};
