/* objects.c - objects by key, merged and compared. */
#include "rego/builtin/lib.h"

/* Is key among the keys given as an array, set or object? The array is made a set first. */
static RC key_set(struct rego_call *c, const struct rv *args, struct rv *out)
{
	struct rv_builder b;

	if (args[1].kind == RV_SET || args[1].kind == RV_OBJECT) {
		*out = args[1];
		return rc_of(OK);
	}
	if (args[1].kind != RV_ARRAY)
		return rego_operand_error(c, 2, "one of {object, set, array}", args[1]);
	TRY(rego_charge(c, rv_len(args[1])));
	b = rv_set_builder(c->heap, rv_len(args[1]));
	for (size_t i = 0; i < rv_len(args[1]); i++)
		rv_set_add(&b, rv_at(args[1], i));
	return lib_return(c, rv_builder_done(&b), out);
}

static RC pick(struct rego_call *c, const struct rv *args, bool keep, struct rv *out)
{
	struct rv_builder b;
	struct rv keys;

	ARG_OBJECT(c, args, 0);
	TRY(key_set(c, args, &keys));
	TRY(rego_charge(c, rv_len(args[0])));
	b = rv_object_builder(c->heap, 0);
	for (size_t i = 0; i < rv_len(args[0]); i++)
		if ((rv_get(keys, rv_key(args[0], i)) != NULL) == keep)
			rv_object_put(&b, rv_key(args[0], i), rv_val(args[0], i));
	return lib_return(c, rv_builder_done(&b), out);
}

static rc filter(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	(void)n;
	return pick(c, args, true, out);
}

static rc remove_keys(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	(void)n;
	return pick(c, args, false, out);
}

static rc keys(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct rv_builder b;

	(void)n;
	ARG_OBJECT(c, args, 0);
	TRY(rego_charge(c, rv_len(args[0])));
	b = rv_set_builder(c->heap, rv_len(args[0]));
	for (size_t i = 0; i < rv_len(args[0]); i++)
		rv_set_add(&b, rv_key(args[0], i));
	return lib_return(c, rv_builder_done(&b), out);
}

static rc get(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct rv v = args[0];

	(void)n;
	ARG_OBJECT(c, args, 0);
	if (args[1].kind != RV_ARRAY) {
		v = rv_step(v, args[1]);
	} else {
		TRY(rego_charge(c, rv_len(args[1])));
		for (size_t i = 0; i < rv_len(args[1]) && v.kind != RV_UNDEF; i++)
			v = rv_step(v, rv_at(args[1], i));
	}
	*out = v.kind == RV_UNDEF ? args[2] : v;
	return rc_of(OK);
}

/* b wins, save where both have objects: these merge. Depth is bounded by that of values. */
static RC merge(struct rego_call *c, struct rv a, struct rv b, struct rv *out)
{
	struct rv_builder r;

	*out = rv_len(b) ? b : a;
	if (rv_len(a) == 0 || rv_len(b) == 0)
		return rc_of(OK);
	TRY(rego_charge(c, (uint64_t)rv_len(a) + rv_len(b)));
	r = rv_object_builder(c->heap, (size_t)rv_len(a) + rv_len(b));
	for (size_t i = 0; i < rv_len(a); i++)
		rv_object_put(&r, rv_key(a, i), rv_val(a, i));
	for (size_t i = 0; i < rv_len(b); i++) {
		const struct rv *old = rv_get(a, rv_key(b, i));
		struct rv v = rv_val(b, i);

		if (old && old->kind == RV_OBJECT && v.kind == RV_OBJECT)
			TRY(merge(c, *old, v, &v));
		rv_object_put(&r, rv_key(b, i), v);
	}
	return lib_return(c, rv_builder_done(&r), out);
}

static rc object_union(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	(void)n;
	ARG_OBJECT(c, args, 0);
	ARG_OBJECT(c, args, 1);
	return merge(c, args[0], args[1], out);
}

static rc union_n(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct rv acc = rv_empty_object(c->heap);

	(void)n;
	ARG_ARRAY(c, args, 0);
	for (size_t i = 0; i < rv_len(args[0]); i++)
		if (rv_at(args[0], i).kind != RV_OBJECT)
			return lib_element_error(c, 1, args[0], "object", rv_at(args[0], i));
	for (size_t i = 0; i < rv_len(args[0]); i++)
		TRY(merge(c, acc, rv_at(args[0], i), &acc));
	return lib_return(c, acc, out);
}

/* ---- subset ---- */

static RC subset(struct rego_call *c, struct rv super, struct rv sub, bool *yes);

static RC object_subset(struct rego_call *c, struct rv super, struct rv sub, bool *yes)
{
	*yes = true;
	TRY(rego_charge(c, rv_len(sub)));
	for (size_t i = 0; i < rv_len(sub) && *yes; i++) {
		const struct rv *v = rv_get(super, rv_key(sub, i));

		*yes = v && rv_eq(*v, rv_val(sub, i));
		if (v && !*yes && v->kind == rv_val(sub, i).kind)
			TRY(subset(c, *v, rv_val(sub, i), yes));
	}
	return rc_of(OK);
}

/* As upstream searches: after a mismatch it goes on one further, with the first element of sub. */
static RC array_subset(struct rego_call *c, struct rv super, struct rv sub, bool *yes)
{
	size_t at = 0, matched = 0;

	*yes = false;
	if (rv_len(sub) > rv_len(super))
		return rc_of(OK);
	while (matched < rv_len(sub)) {
		if (at + matched == rv_len(super))
			return rc_of(OK);
		TRY(rego_charge(c, 1));
		if (rv_eq(rv_at(super, at + matched), rv_at(sub, matched))) {
			matched++;
		} else {
			at++;
			matched = 0;
		}
	}
	*yes = true;
	return rc_of(OK);
}

static RC set_subset(struct rego_call *c, struct rv super, struct rv sub, bool *yes)
{
	struct rv have = super;

	if (super.kind == RV_ARRAY) {
		struct rv_builder b = rv_set_builder(c->heap, rv_len(super));

		TRY(rego_charge(c, rv_len(super)));
		for (size_t i = 0; i < rv_len(super); i++)
			rv_set_add(&b, rv_at(super, i));
		TRY(lib_return(c, rv_builder_done(&b), &have));
	}
	*yes = true;
	TRY(rego_charge(c, rv_len(sub)));
	for (size_t i = 0; i < rv_len(sub) && *yes; i++)
		*yes = rv_get(have, rv_key(sub, i)) != NULL;
	return rc_of(OK);
}

static RC subset(struct rego_call *c, struct rv super, struct rv sub, bool *yes)
{
	if (sub.kind == RV_OBJECT)
		return object_subset(c, super, sub, yes);
	if (sub.kind == RV_ARRAY)
		return array_subset(c, super, sub, yes);
	if (sub.kind == RV_SET)
		return set_subset(c, super, sub, yes);
	*yes = rv_eq(super, sub);
	return rc_of(OK);
}

static rc is_subset(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	uint8_t a = args[0].kind, b = args[1].kind;
	bool yes = false;

	(void)n;
	/* This text names no operand. */
	if (!(a == b && (a == RV_OBJECT || a == RV_SET || a == RV_ARRAY)) && !(a == RV_ARRAY && b == RV_SET))
		return rego_operand_text(c, 0, "both arguments object.subset must be of the same type or array and set");
	TRY(subset(c, args[0], args[1], &yes));
	*out = rv_bool(yes);
	return rc_of(OK);
}

#define KEYS "array[any] | set[any] | object[any:any]"

const struct rego_builtin builtin_objects[] = {
	{"object.get", "object[any:any], any, any -> any", get, 3, REGO_SHALLOW, 1},
	{"object.keys", "object[any:any] -> set[any]", keys, 1, 0, 1},
	{"object.remove", "object[any:any], " KEYS " -> object[any:any]", remove_keys, 2, 0, 1},
	{"object.filter", "object[any:any], " KEYS " -> object[any:any]", filter, 2, 0, 1},
	{"object.union", "object[any:any], object[any:any] -> object[any:any]", object_union, 2, 0, 1},
	{"object.union_n", "array[object[any:any]] -> object[any:any]", union_n, 1, 0, 1},
	{"object.subset", KEYS ", " KEYS " -> boolean", is_subset, 2, 0, 1},
	{0},
};
