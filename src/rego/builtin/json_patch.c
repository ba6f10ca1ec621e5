/* json_patch.c - RFC 6902 on values: paths also go through sets, where a member is its own key.
 *
 * Values are immutable, so each operation makes the containers along its path anew; a patch costs the size of what it
 * walks through, and that is charged.
 */
#include "base/num.h"
#include "rego/builtin/json_path.h"

enum edit { EDIT_INSERT, EDIT_DELETE };

struct step {
	enum edit edit;
	struct rv path;	/* array */
	struct rv value;
};

static struct slice shown(struct rego_call *c, struct rv v)
{
	struct buf b = lib_buf(c);

	rv_to_text(&b, v);
	return buf_view(&b);
}

/* An index into an array of n: a number, digits, or "-" for the end. */
static RC to_index(struct rego_call *c, struct rv key, size_t n, size_t *out)
{
	int64_t i = 0;

	if (key.kind == RV_NUMBER) {
		if (key.sub && !(key.num->fits && key.num->text[key.num->text_n - 1] != '0'))
			return rego_fail(c, "invalid number type for indexing");
		if (!rv_i64(key, &i))
			return rego_fail(c, "invalid number type for indexing");
	} else if (key.kind != RV_STRING) {
		return rego_fail(c, "invalid type for indexing");
	} else if (rv_is_str(key, "-")) {
		*out = n;
		return rc_of(OK);
	} else {
		struct slice s = rv_slice(key);

		for (size_t k = 0; k < s.n; k++) {
			if (s.p[k] < '0' || s.p[k] > '9' || k > 9)
				return rego_fail(c, "invalid string for indexing");
			i = i * 10 + s.p[k] - '0';
		}
		if (s.n == 0)
			return rego_fail(c, "invalid string for indexing");
		if (s.n > 1 && s.p[0] == '0')
			return rego_fail(c, "leading zeros are not allowed in JSON paths");
	}
	*out = i < 0 ? SIZE_MAX : (size_t)i;
	return rc_of(OK);
}

static RC missing(struct rego_call *c, struct rv key, const char *what, struct rv v)
{
	struct slice k = shown(c, key), in = shown(c, v);

	return rego_fail(c, "path " SLICE_FMT " does not exist in %s term " SLICE_FMT, SLICE_ARG(k), what, SLICE_ARG(in));
}

static RC edit_at(struct rego_call *c, struct rv v, const struct step *s, size_t depth, struct rv *out);

static RC edit_array(struct rego_call *c, struct rv v, const struct step *s, size_t depth, struct rv *out)
{
	struct rv key = rv_at(s->path, depth), changed;
	size_t n = rv_len(v), i;
	bool last = depth + 1 == rv_len(s->path);
	struct rv_vec r = rv_vec(c->heap);

	TRY(to_index(c, key, n, &i));
	if (last && s->edit == EDIT_INSERT) {
		if (i > n)
			return rego_fail(c, "index for array insertion out of bounds");
		changed = s->value;
	} else if (last) {
		if (i >= n)
			return rego_fail(c, "index for array delete out of bounds");
		changed = rv_undef();
	} else {
		if (i >= n)
			return missing(c, key, "array", v);
		TRY(edit_at(c, rv_at(v, i), s, depth + 1, &changed));
	}
	for (size_t k = 0; k < n; k++) {
		if (k == i)
			rv_push(&r, changed);	/* nothing, when deleted */
		if (k != i || (last && s->edit == EDIT_INSERT))
			rv_push(&r, rv_at(v, k));
	}
	if (i == n)
		rv_push(&r, changed);
	return lib_return(c, rv_vec_done(&r), out);
}

static RC edit_object(struct rego_call *c, struct rv v, const struct step *s, size_t depth, struct rv *out)
{
	struct rv key = rv_at(s->path, depth), changed = s->value;
	const struct rv *old = rv_get(v, key);
	bool last = depth + 1 == rv_len(s->path);
	struct rv_builder b;

	if (!old && last && s->edit == EDIT_DELETE) {
		struct slice k = shown(c, key);

		return rego_fail(c, "cannot delete child key " SLICE_FMT " that does not exist", SLICE_ARG(k));
	}
	if (!old && !last)
		return missing(c, key, "object", v);
	if (!last)
		TRY(edit_at(c, *old, s, depth + 1, &changed));
	b = rv_object_builder(c->heap, (size_t)rv_len(v) + 1);
	for (size_t i = 0; i < rv_len(v); i++)
		if (!rv_eq(rv_key(v, i), key))
			rv_object_put(&b, rv_key(v, i), rv_val(v, i));
	if (!last || s->edit == EDIT_INSERT)
		rv_object_put(&b, key, changed);
	return lib_return(c, rv_builder_done(&b), out);
}

static RC edit_set(struct rego_call *c, struct rv v, const struct step *s, size_t depth, struct rv *out)
{
	struct rv key = rv_at(s->path, depth), changed = s->value;
	bool last = depth + 1 == rv_len(s->path), insert = last && s->edit == EDIT_INSERT;
	struct rv_builder b;

	if (insert && !rv_eq(key, s->value)) {
		struct slice k = shown(c, key), val = shown(c, s->value);

		return rego_fail(c, "set key " SLICE_FMT " does not equal value to be inserted " SLICE_FMT, SLICE_ARG(k),
				 SLICE_ARG(val));
	}
	if (!insert && !rv_get(v, key)) {
		struct slice k = shown(c, key);

		if (last)
			return rego_fail(c, "cannot delete child key " SLICE_FMT " that does not exist", SLICE_ARG(k));
		return missing(c, key, "set", v);
	}
	if (!last)
		TRY(edit_at(c, key, s, depth + 1, &changed));
	b = rv_set_builder(c->heap, (size_t)rv_len(v) + 1);
	for (size_t i = 0; i < rv_len(v); i++)
		if (insert || !rv_eq(rv_key(v, i), key))
			rv_set_add(&b, rv_key(v, i));
	if (!last || insert)
		rv_set_add(&b, changed);
	return lib_return(c, rv_builder_done(&b), out);
}

/* v with the step done below it. A path has at most JSON_PATH_MAX segments. */
static RC edit_at(struct rego_call *c, struct rv v, const struct step *s, size_t depth, struct rv *out)
{
	struct slice k, val;

	TRY(rego_charge(c, 1 + rv_len(v)));
	if (depth == rv_len(s->path)) {	/* the document itself */
		*out = s->edit == EDIT_INSERT ? s->value : rv_undef();
		return rc_of(OK);
	}
	if (v.kind == RV_ARRAY)
		return edit_array(c, v, s, depth, out);
	if (v.kind == RV_OBJECT)
		return edit_object(c, v, s, depth, out);
	if (v.kind == RV_SET)
		return edit_set(c, v, s, depth, out);
	if (v.kind == RV_UNDEF)
		return rego_fail(c, "nil value encountered where composite value was expected");
	k = shown(c, rv_at(s->path, depth));
	val = shown(c, v);
	return rego_fail(c, "expected composite type for path " SLICE_FMT ", found value: " SLICE_FMT, SLICE_ARG(k),
			 SLICE_ARG(val));
}

/* The value at a path. */
static RC look(struct rego_call *c, struct rv v, struct rv path, struct rv *out)
{
	for (size_t i = 0; i < rv_len(path); i++) {
		struct rv key = rv_at(path, i);

		if (v.kind == RV_ARRAY) {
			size_t at;

			TRY(to_index(c, key, rv_len(v), &at));
			if (at >= rv_len(v))
				return missing(c, key, "array", v);
			v = rv_at(v, at);
		} else if (v.kind == RV_OBJECT || v.kind == RV_SET) {
			struct rv next = rv_step(v, key);

			if (next.kind == RV_UNDEF)
				return missing(c, key, v.kind == RV_SET ? "set" : "object", v);
			v = next;
		} else {
			return rego_fail(c, "expected composite type on the way of the path");
		}
	}
	if (v.kind == RV_UNDEF)
		return rego_fail(c, "deleted node encountered");
	*out = v;
	return rc_of(OK);
}

/* A required attribute of an operation. */
static RC attribute(struct rego_call *c, struct rv op, const char *name, struct rv *out)
{
	const struct rv *v = rv_get_c(op, name);

	if (!v)
		return rego_fail(c, "missing required attribute '%s'", name);
	*out = *v;
	return rc_of(OK);
}

static RC insert(struct rego_call *c, struct rv path, struct rv value, struct rv *doc)
{
	struct step s = {EDIT_INSERT, path, value};

	return edit_at(c, *doc, &s, 0, doc);
}

static RC delete(struct rego_call *c, struct rv path, struct rv *doc)
{
	struct step s = {EDIT_DELETE, path, {0}};

	return edit_at(c, *doc, &s, 0, doc);
}

static RC from_elsewhere(struct rego_call *c, struct rv op, struct rv path, bool move, struct rv *doc)
{
	struct rv from, chunk;

	TRY(attribute(c, op, "from", &from));
	TRY(json_path(c, from, 2, &from));
	TRY(look(c, *doc, from, &chunk));
	if (move)
		TRY(delete(c, from, doc));
	return insert(c, path, chunk, doc);
}

static RC test(struct rego_call *c, struct rv op, struct rv path, struct rv doc)
{
	struct rv chunk, value;
	struct slice want, got;

	TRY(look(c, doc, path, &chunk));
	TRY(attribute(c, op, "value", &value));
	if (rv_eq(chunk, value))
		return rc_of(OK);
	want = shown(c, value);
	got = shown(c, chunk);
	return rego_fail(c, "value from EditTree != patch value.\n\nExpected: " SLICE_FMT "\n\nFound: " SLICE_FMT,
			 SLICE_ARG(want), SLICE_ARG(got));
}

static RC one(struct rego_call *c, struct rv op, struct rv *doc)
{
	struct rv path, name, value;

	if (op.kind != RV_OBJECT)
		return rego_fail(c, "must be an array of JSON-Patch objects, but at least one element is not an object");
	TRY(attribute(c, op, "path", &path));
	TRY(attribute(c, op, "op", &name));
	if (name.kind != RV_STRING)
		return rego_fail(c, "attribute 'op' must be a string but found: %s", rego_type_name(name));
	TRY(json_path(c, path, 2, &path));
	if (rv_is_str(name, "add")) {
		TRY(attribute(c, op, "value", &value));
		return insert(c, path, value, doc);
	}
	if (rv_is_str(name, "remove"))
		return delete(c, path, doc);
	if (rv_is_str(name, "replace")) {
		TRY(delete(c, path, doc));
		TRY(attribute(c, op, "value", &value));
		return insert(c, path, value, doc);
	}
	if (rv_is_str(name, "move") || rv_is_str(name, "copy"))
		return from_elsewhere(c, op, path, rv_is_str(name, "move"), doc);
	if (rv_is_str(name, "test"))
		return test(c, op, path, *doc);
	return rego_fail(c, "unrecognized op: '" SLICE_FMT "'", SLICE_ARG(rv_slice(name)));
}

static rc patch(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct rv doc = args[0];

	(void)n;
	ARG_ARRAY(c, args, 1);
	for (size_t i = 0; i < rv_len(args[1]); i++)
		TRY(one(c, rv_at(args[1], i), &doc));
	*out = doc;	/* undefined when the document itself was removed */
	return rc_of(OK);
}

const struct rego_builtin builtin_json_patch[] = {
	{"json.patch", "any, array[object<op:string, path:any>] -> any", patch, 2, 0, 4},
	{0},
};
