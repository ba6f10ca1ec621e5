/* schema_validate.c - a document against a checked schema. */
#include <math.h>

#include "base/num.h"
#include "rego/builtin/gofmt.h"
#include "rego/builtin/schema.h"
#include "rego/builtin/unicode.h"

/* Where in the document we are: a chain of names up to the root. */
struct where {
	const struct where *up;
	struct slice name;
};

struct run {
	struct schema *s;
	struct rego_call *c;
	struct rv_vec *errors;	/* NULL: only whether there are any */
	size_t n_errors, score;
};

static void write_where(struct buf *b, const struct where *w)
{
	if (w->up && w->up->up) {
		write_where(b, w->up);
		buf_putc(b, '.');
	}
	buf_slice(b, w->name);
}

static void add_text(struct run *r, const struct where *w, const char *type, struct rv desc)
{
	struct buf field = lib_buf(r->c), whole = lib_buf(r->c);
	struct rv_builder b;

	r->n_errors++;
	if (!r->errors || desc.kind != RV_STRING)
		return;
	write_where(&field, w);
	buf_slice(&whole, buf_view(&field));
	buf_puts(&whole, ": ");
	buf_slice(&whole, rv_slice(desc));
	b = rv_object_builder(r->c->heap, 4);
	rv_object_put_c(&b, "desc", desc);
	rv_object_put_c(&b, "error", rv_str(r->c->heap, whole.p, whole.n));
	rv_object_put_c(&b, "field", rv_str(r->c->heap, field.p, field.n));
	rv_object_put_c(&b, "type", rv_cstr(r->c->heap, type));
	rv_push(r->errors, rv_builder_done(&b));
}

/* A member of the wanted kind. A reference may lead to a place that was not checked as a schema: what does not fit there
 * says nothing. */
static const struct rv *want(struct rv m, const char *key, enum rv_kind kind)
{
	const struct rv *v = rv_get_c(m, key);

	return v && v->kind == kind ? v : NULL;
}

#define ADD(r, w, type, ...) add_text((r), (w), (type), rv_strf((r)->c->heap, __VA_ARGS__))

static struct slice field_name(struct run *r, const struct where *w)
{
	struct buf b = lib_buf(r->c);

	write_where(&b, w);
	return buf_view(&b);
}

static struct slice json_of(struct run *r, struct rv v)
{
	struct buf b = lib_buf(r->c);

	rv_to_json(&b, v);
	return buf_view(&b);
}

static struct slice number_of(struct run *r, struct rv v)
{
	struct buf b = lib_buf(r->c);

	gofmt_float(&b, (double)rv_ld(v), 'g', 10);
	return buf_view(&b);
}

static RC check(struct run *r, struct rv schema, struct rv doc, const struct where *w);

/* The same with errors of its own, which the caller may take over. */
static RC apart(struct run *r, struct rv schema, struct rv doc, const struct where *w, struct rv_vec *errors, size_t *n,
		size_t *score)
{
	struct run sub = {.s = r->s, .c = r->c, .errors = errors};

	*errors = rv_vec(r->c->heap);
	TRY(check(&sub, schema, doc, w));
	*n = sub.n_errors;
	*score = sub.score;
	return rc_of(OK);
}

static void take_over(struct run *r, const struct rv_vec *errors)
{
	for (size_t i = 0; i < errors->n; i++) {
		r->n_errors++;
		if (r->errors)
			rv_push(r->errors, errors->items[i]);
	}
}

/* ---- types ---- */

static bool type_is(struct rv type, struct rv doc)
{
	if (type.kind != RV_STRING)
		return true;
	if (rv_is_str(type, "integer"))
		return doc.kind == RV_NUMBER && rv_is_integral(doc);
	return rv_is_str(type, rego_type_name(doc));
}

static bool type_ok(struct run *r, struct rv types, struct rv doc, const struct where *w)
{
	struct buf b = lib_buf(r->c);
	size_t n = types.kind == RV_ARRAY ? rv_len(types) : 1;

	for (size_t i = 0; i < n; i++)
		if (type_is(types.kind == RV_ARRAY ? rv_at(types, i) : types, doc))
			return true;
	if (n > 1)
		buf_putc(&b, '[');
	for (size_t i = 0; i < n; i++) {
		if (i)
			buf_putc(&b, ',');
		buf_slice(&b, rv_slice(types.kind == RV_ARRAY ? rv_at(types, i) : types));
	}
	if (n > 1)
		buf_putc(&b, ']');
	ADD(r, w, "invalid_type", "Invalid type. Expected: " SLICE_FMT ", given: %s", SLICE_ARG(buf_view(&b)),
	    doc.kind == RV_NUMBER && rv_is_integral(doc) ? "integer" : rego_type_name(doc));
	return false;
}

/* ---- combinations ---- */

static RC combine(struct run *r, struct rv list, struct rv doc, const struct where *w, const char *how)
{
	struct rv_vec best = rv_vec(r->c->heap);
	size_t valid = 0, best_score = 0;
	bool have_best = false;

	for (size_t i = 0; i < rv_len(list); i++) {
		struct rv_vec e;
		size_t n, score;

		if (strcmp(how, "anyOf") == 0 && valid)
			break;
		TRY(apart(r, rv_at(list, i), doc, w, &e, &n, &score));
		valid += n == 0;
		if (strcmp(how, "allOf") == 0)
			take_over(r, &e);
		else if (n && !valid && (!have_best || score > best_score))
			best = e, best_score = score, have_best = true;
	}
	if (strcmp(how, "allOf") == 0) {
		if (valid != rv_len(list))
			ADD(r, w, "number_all_of", "Must validate all the schemas (allOf)");
	} else if (strcmp(how, "anyOf") == 0 ? valid == 0 : valid != 1) {
		if (strcmp(how, "anyOf") == 0)
			ADD(r, w, "number_any_of", "Must validate at least one schema (anyOf)");
		else
			ADD(r, w, "number_one_of", "Must validate one and only one schema (oneOf)");
		if (valid == 0)
			take_over(r, &best);
	}
	return rc_of(OK);
}

static RC conditions(struct run *r, struct rv m, struct rv doc, const struct where *w)
{
	const struct rv *cond = rv_get_c(m, "if"), *not = rv_get_c(m, "not"), *then;
	struct rv_vec e;
	size_t n, score;

	if (not) {
		TRY(apart(r, *not, doc, w, &e, &n, &score));
		if (n == 0)
			ADD(r, w, "number_not", "Must not validate the schema (not)");
	}
	if (!cond)
		return rc_of(OK);
	TRY(apart(r, *cond, doc, w, &e, &n, &score));
	then = rv_get_c(m, n == 0 ? "then" : "else");
	if (!then)
		return rc_of(OK);
	cond = n == 0 ? cond : NULL;
	TRY(apart(r, *then, doc, w, &e, &n, &score));
	if (n == 0)
		return rc_of(OK);
	if (cond)
		ADD(r, w, "condition_then", "Must validate \"then\" as \"if\" was valid");
	else
		ADD(r, w, "condition_else", "Must validate \"else\" as \"if\" was not valid");
	take_over(r, &e);
	return rc_of(OK);
}

static RC combinations(struct run *r, struct rv m, struct rv doc, const struct where *w)
{
	static const char *const lists[] = {"anyOf", "oneOf", "allOf"};
	const struct rv *v = want(m, "dependencies", RV_OBJECT);

	for (size_t i = 0; i < COUNT_OF(lists); i++) {
		const struct rv *list = rv_get_c(m, lists[i]);

		if (list && list->kind == RV_ARRAY && rv_len(*list))
			TRY(combine(r, *list, doc, w, lists[i]));
	}
	for (size_t i = 0; v && doc.kind == RV_OBJECT && i < rv_len(*v); i++) {
		struct rv dep = rv_val(*v, i);

		if (!rv_get(doc, rv_key(*v, i)))
			continue;
		for (size_t k = 0; dep.kind == RV_ARRAY && k < rv_len(dep); k++)
			if (rv_at(dep, k).kind == RV_STRING && !rv_get(doc, rv_at(dep, k)))
				ADD(r, w, "missing_dependency", "Has a dependency on %s", rv_at(dep, k).str->p);
		if (dep.kind != RV_ARRAY)
			TRY(check(r, dep, doc, w));
	}
	r->score++;
	return conditions(r, m, doc, w);
}

static void common(struct run *r, struct rv m, struct rv doc, const struct where *w)
{
	const struct rv *v = rv_get_c(m, "const");
	struct buf b = lib_buf(r->c);
	bool found = false;

	if (v && !rv_eq(*v, doc))
		ADD(r, w, "const", SLICE_FMT " does not match: " SLICE_FMT, SLICE_ARG(field_name(r, w)), SLICE_ARG(json_of(r, *v)));
	v = want(m, "enum", RV_ARRAY);
	for (size_t i = 0; v && i < rv_len(*v); i++) {
		found = found || rv_eq(rv_at(*v, i), doc);
		if (i)
			buf_puts(&b, ", ");
		buf_slice(&b, json_of(r, rv_at(*v, i)));
	}
	if (v && rv_len(*v) && !found)
		ADD(r, w, "enum", SLICE_FMT " must be one of the following: " SLICE_FMT, SLICE_ARG(field_name(r, w)),
		    SLICE_ARG(buf_view(&b)));
	v = want(m, "format", RV_STRING);
	if (v && v->kind == RV_STRING && doc.kind == RV_STRING && !schema_format_ok(rv_slice(*v), rv_slice(doc)))
		ADD(r, w, "format", "Does not match format '%s'", v->str->p);
	r->score++;
}

/* ---- kinds ---- */

static void numbers(struct run *r, struct rv m, struct rv doc, const struct where *w)
{
	const struct rv *min = want(m, "minimum", RV_NUMBER), *max = want(m, "maximum", RV_NUMBER), *xmin = rv_get_c(m, "exclusiveMinimum"),
			*xmax = rv_get_c(m, "exclusiveMaximum"), *v = want(m, "multipleOf", RV_NUMBER);
	long double q;

	if (v) {
		q = rv_ld(doc) / rv_ld(*v);
		if (q != truncl(q))
			ADD(r, w, "multiple_of", "Must be a multiple of " SLICE_FMT, SLICE_ARG(number_of(r, *v)));
	}
	/* draft 4 says by a boolean that the limit itself is outside */
	if (xmax && xmax->kind == RV_BOOL)
		xmax = xmax->sub ? max : NULL, max = xmax ? NULL : max;
	if (xmin && xmin->kind == RV_BOOL)
		xmin = xmin->sub ? min : NULL, min = xmin ? NULL : min;
	if (max && rv_number_cmp(doc, *max) > 0)
		ADD(r, w, "number_lte", "Must be less than or equal to " SLICE_FMT, SLICE_ARG(number_of(r, *max)));
	if (xmax && xmax->kind == RV_NUMBER && rv_number_cmp(doc, *xmax) >= 0)
		ADD(r, w, "number_lt", "Must be less than " SLICE_FMT, SLICE_ARG(number_of(r, *xmax)));
	if (min && rv_number_cmp(doc, *min) < 0)
		ADD(r, w, "number_gte", "Must be greater than or equal to " SLICE_FMT, SLICE_ARG(number_of(r, *min)));
	if (xmin && xmin->kind == RV_NUMBER && rv_number_cmp(doc, *xmin) <= 0)
		ADD(r, w, "number_gt", "Must be greater than " SLICE_FMT, SLICE_ARG(number_of(r, *xmin)));
	r->score++;
}

/* The limits of a count: true and the number when it is broken. */
static bool broken(struct rv m, const char *key, size_t count, int sign, int64_t *limit)
{
	const struct rv *v = rv_get_c(m, key);

	return v && v->kind == RV_NUMBER && rv_i64(*v, limit) && (sign < 0 ? (int64_t)count < *limit : (int64_t)count > *limit);
}

static void strings(struct run *r, struct rv m, struct rv doc, const struct where *w)
{
	const struct rv *v = want(m, "pattern", RV_STRING);
	size_t n = uni_count(rv_slice(doc));
	int64_t limit;
	bool valid;

	if (broken(m, "minLength", n, -1, &limit))
		ADD(r, w, "string_gte", "String length must be greater than or equal to %lld", (long long)limit);
	if (broken(m, "maxLength", n, 1, &limit))
		ADD(r, w, "string_lte", "String length must be less than or equal to %lld", (long long)limit);
	if (v && !schema_regex(r->s, rv_slice(*v), rv_slice(doc), &valid))
		ADD(r, w, "pattern", "Does not match pattern '%s'", v->str->p);
	r->score++;
}

static struct where inside(struct run *r, const struct where *w, size_t i)
{
	struct rv name = rv_strf(r->c->heap, "%zu", i);

	return (struct where){w, name.kind == RV_STRING ? rv_slice(name) : SLICE_LIT("?")};
}

static RC items(struct run *r, struct rv m, struct rv doc, const struct where *w)
{
	const struct rv *v = rv_get_c(m, "items"), *more = rv_get_c(m, "additionalItems");

	for (size_t i = 0; v && i < rv_len(doc); i++) {
		struct where at = inside(r, w, i);

		if (v->kind != RV_ARRAY)
			TRY(check(r, *v, rv_at(doc, i), &at));
		else if (i < rv_len(*v))
			TRY(check(r, rv_at(*v, i), rv_at(doc, i), &at));
		else if (more && more->kind == RV_OBJECT)
			TRY(check(r, *more, rv_at(doc, i), &at));
	}
	if (v && v->kind == RV_ARRAY && rv_len(*v) && rv_len(*v) < rv_len(doc) && more && rv_is_false(*more))
		ADD(r, w, "array_no_additional_items", "No additional items allowed on array");
	return rc_of(OK);
}

static RC arrays(struct run *r, struct rv m, struct rv doc, const struct where *w)
{
	const struct rv *v = rv_get_c(m, "uniqueItems");
	int64_t limit;

	TRY(items(r, m, doc, w));
	if (broken(m, "minItems", rv_len(doc), -1, &limit))
		ADD(r, w, "array_min_items", "Array must have at least %lld items", (long long)limit);
	if (broken(m, "maxItems", rv_len(doc), 1, &limit))
		ADD(r, w, "array_max_items", "Array must have at most %lld items", (long long)limit);
	for (size_t i = 0; v && rv_is_true(*v) && i < rv_len(doc); i++) {
		TRY(rego_charge(r->c, i + 1));
		for (size_t k = i; k > 0; k--) {
			if (!rv_eq(rv_at(doc, k - 1), rv_at(doc, i)))
				continue;
			ADD(r, w, "unique", "array items[%zu,%zu] must be unique", k - 1, i);
			break;
		}
	}
	v = rv_get_c(m, "contains");
	if (v) {
		struct rv_vec best = rv_vec(r->c->heap), e;
		size_t n = 1, score, best_score = 0;

		for (size_t i = 0; i < rv_len(doc) && n; i++) {
			struct where at = inside(r, w, i);

			TRY(apart(r, *v, rv_at(doc, i), &at, &e, &n, &score));
			if (i == 0 || score > best_score)
				best = e, best_score = score;
		}
		if (n) {
			ADD(r, w, "contains", "At least one of the items must match");
			take_over(r, &best);
		}
	}
	r->score++;
	return rc_of(OK);
}

/* A property that "properties" or a pattern covers; patterns are checked on the way. */
static RC covered(struct run *r, struct rv m, struct rv name, struct rv val, const struct where *w, bool *yes)
{
	const struct rv *props = want(m, "properties", RV_OBJECT), *patterns = want(m, "patternProperties", RV_OBJECT);
	bool valid;

	*yes = props && rv_get(*props, name);
	for (size_t i = 0; patterns && i < rv_len(*patterns); i++) {
		struct where at = {w, rv_slice(name)};

		if (!schema_regex(r->s, rv_slice(rv_key(*patterns, i)), rv_slice(name), &valid))
			continue;
		*yes = true;
		TRY(check(r, rv_val(*patterns, i), val, &at));
	}
	return rc_of(OK);
}

static RC properties(struct run *r, struct rv m, struct rv doc, const struct where *w)
{
	const struct rv *more = rv_get_c(m, "additionalProperties"), *names = rv_get_c(m, "propertyNames"),
			*props = want(m, "properties", RV_OBJECT);
	struct rv_vec e;
	size_t n, score;
	bool yes;

	rv_sort(doc);
	for (size_t i = 0; i < rv_len(doc); i++) {
		struct rv name = rv_key(doc, i);
		struct where at = {w, rv_slice(name)};

		TRY(rego_charge(r->c, 2));
		TRY(covered(r, m, name, rv_val(doc, i), w, &yes));
		if (!yes && more && rv_is_false(*more))
			ADD(r, w, "additional_property_not_allowed", "Additional property %s is not allowed", name.str->p);
		else if (!yes && more && more->kind == RV_OBJECT)
			TRY(check(r, *more, rv_val(doc, i), &at));
		if (!names)
			continue;
		TRY(apart(r, *names, name, w, &e, &n, &score));
		if (n) {
			ADD(r, w, "invalid_property_name", "Property name of \"%s\" does not match", name.str->p);
			take_over(r, &e);
		}
	}
	if (!props)
		return rc_of(OK);
	rv_sort(*props);
	for (size_t i = 0; i < rv_len(*props); i++) {
		const struct rv *val = rv_get(doc, rv_key(*props, i));
		struct where at = {w, rv_slice(rv_key(*props, i))};

		if (val)
			TRY(check(r, rv_val(*props, i), *val, &at));
	}
	return rc_of(OK);
}

static RC objects(struct run *r, struct rv m, struct rv doc, const struct where *w)
{
	const struct rv *v = want(m, "required", RV_ARRAY);
	int64_t limit;

	if (broken(m, "minProperties", rv_len(doc), -1, &limit))
		ADD(r, w, "array_min_properties", "Must have at least %lld properties", (long long)limit);
	if (broken(m, "maxProperties", rv_len(doc), 1, &limit))
		ADD(r, w, "array_max_properties", "Must have at most %lld properties", (long long)limit);
	for (size_t i = 0; v && i < rv_len(*v); i++) {
		if (rv_at(*v, i).kind != RV_STRING || rv_get(doc, rv_at(*v, i)))
			r->score++;
		else
			ADD(r, w, "required", "%s is required", rv_at(*v, i).str->p);
	}
	return properties(r, m, doc, w);
}

static RC check(struct run *r, struct rv m, struct rv doc, const struct where *w)
{
	const struct rv *v;

	TRY(rego_charge(r->c, 5));
	if (rv_heap_bad(r->c->heap))
		return lib_no_memory(r->c);
	if (m.kind == RV_BOOL) {
		if (!m.sub)
			ADD(r, w, "false", "False always fails validation");
		return rc_of(OK);
	}
	if (m.kind != RV_OBJECT)
		return rc_of(OK);
	if (++r->s->depth > SCHEMA_DEPTH)
		return rego_reserve(r->c, SIZE_MAX);
	v = want(m, "$ref", RV_STRING);
	if (v) {
		v = schema_ref(r->s, rv_slice(*v));
		TRY(check(r, v ? *v : rv_bool(false), doc, w));
		r->s->depth--;
		return rc_of(OK);
	}
	v = rv_get_c(m, "type");
	if (!v || type_ok(r, *v, doc, w)) {
		TRY(combinations(r, m, doc, w));
		if (doc.kind == RV_NUMBER)
			numbers(r, m, doc, w);
		if (doc.kind == RV_ARRAY)
			TRY(arrays(r, m, doc, w));
		if (doc.kind == RV_OBJECT)
			TRY(objects(r, m, doc, w));
		common(r, m, doc, w);
		if (doc.kind == RV_STRING)
			strings(r, m, doc, w);
		r->score++;
	}
	r->s->depth--;
	return rc_of(OK);
}

RC schema_validate(struct schema *s, struct rv doc, struct rv *errors)
{
	struct rv_vec list = rv_vec(s->c->heap);
	const struct where root = {NULL, SLICE_LIT("(Root)")};
	struct run r = {.s = s, .c = s->c, .errors = &list};

	TRY(check(&r, s->root, doc, &root));
	return lib_return(s->c, rv_vec_done(&list), errors);
}
