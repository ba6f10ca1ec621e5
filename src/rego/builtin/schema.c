/* schema.c - checking schemas, and the two builtins. */
#include "rego/builtin/schema.h"

#include "base/num.h"
#include "rego/builtin/gotime.h"
#include "rego/builtin/ip.h"
#include "rego/builtin/regex.h"
#include "rego/builtin/uri.h"

#define INVALID_TYPE "Invalid type. Expected: %s, given: %s"

static rc refuse(struct schema *s, const char *fmt, ...) __attribute__((format(printf, 2, 3), warn_unused_result));

static rc refuse(struct schema *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	s->error = arena_vprintf(s->c->heap->arena, fmt, ap);
	va_end(ap);
	if (!s->error)
		return lib_no_memory(s->c);
	return rc_of(E_MALFORMED);
}

const struct rv *schema_ref(const struct schema *s, struct slice ref)
{
	struct rv v = s->root;
	const struct rv *at = &s->root;

	if (ref.n == 0 || ref.p[0] != '#')
		return NULL;
	ref = slice_sub(ref, 1, ref.n);
	while (ref.n) {
		struct buf b = buf_in(s->c->heap->arena, 0);
		size_t end = 1;

		if (ref.p[0] != '/')
			return NULL;
		for (; end < ref.n && ref.p[end] != '/'; end++) {
			if (ref.p[end] == '~' && end + 1 < ref.n)
				buf_putc(&b, ref.p[++end] == '1' ? '/' : '~');
			else
				buf_putc(&b, (char)ref.p[end]);
		}
		ref = slice_sub(ref, end, ref.n);
		if (v.kind == RV_ARRAY) {
			size_t i = 0;

			for (size_t k = 0; k < b.n && i < RV_MAX_ITEMS; k++)
				i = i * 10 + (size_t)(b.p[k] - '0');
			at = i < rv_len(v) ? &v.arr->items[i] : NULL;
		} else {
			at = v.kind == RV_OBJECT ? rv_get(v, rv_str(s->c->heap, b.p, b.n)) : NULL;
		}
		if (!at)
			return NULL;
		v = *at;
	}
	return at;
}

bool schema_regex(struct schema *s, struct slice pattern, struct slice text, bool *valid)
{
	struct rv p = rv_str(s->c->heap, pattern.p, pattern.n);
	struct regex *re = NULL;
	ptrdiff_t span[2];
	bool drop = false, hit;
	char err[64];

	*valid = p.kind != RV_UNDEF && rc_ok(lib_regex(s->c, p, &re, &drop, err, sizeof(err)));
	hit = *valid && regex_find(re, text.p, text.n, 0, 0, span) == 1;
	if (drop)
		regex_free(re);
	return hit;
}

/* ---- formats ---- */

static bool layout_ok(struct slice s, const char *layout)
{
	struct gotime t;

	return rc_ok(gotime_parse(slice_cstr(layout), s, &t, NULL));
}

static bool host_ok(struct slice s)
{
	size_t label = 0;

	for (size_t i = 0; i <= s.n; i++) {
		uint8_t c = i < s.n ? s.p[i] : '.';

		if (c == '.') {
			if (label == 0 || label > 63 || s.p[i - 1] == '-')
				return false;
			label = 0;
			continue;
		}
		if (!((c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || (c == '-' && label)))
			return false;
		label++;
	}
	return s.n > 0 && s.n <= 253;
}

static bool email_ok(struct slice s)
{
	size_t at = s.n;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] <= ' ')
			return false;
		if (s.p[i] == '@')
			at = i;
	}
	return at > 0 && at + 1 < s.n;
}

static bool uuid_ok(struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? s.p[i] != '-' : !((s.p[i] >= '0' && s.p[i] <= '9') || ((s.p[i] | 32) >= 'a' && (s.p[i] | 32) <= 'f')))
			return false;
	}
	return s.n == 36;
}

static bool uri_ok(struct slice s, bool relative)
{
	struct arena *a = arena_new(1 << 20);
	struct uri u;
	bool ok = a && rc_ok(uri_parse(a, s, &u, NULL)) && (relative || u.scheme.n) &&
		  !memchr(s.n ? (const void *)s.p : "", '\\', s.n);

	arena_free(a);
	return ok;
}

bool schema_format_ok(struct slice format, struct slice s)
{
	struct ip ip;

	if (slice_is(format, "date"))
		return layout_ok(s, "2006-01-02");
	if (slice_is(format, "time"))
		return layout_ok(s, "15:04:05") || layout_ok(s, "15:04:05Z07:00");
	if (slice_is(format, "date-time"))
		return layout_ok(s, "2006-01-02T15:04:05Z07:00") || layout_ok(s, "15:04:05") || layout_ok(s, "15:04:05Z07:00") ||
		       layout_ok(s, "2006-01-02");
	if (slice_is(format, "hostname"))
		return host_ok(s);
	if (slice_is(format, "email") || slice_is(format, "idn-email"))
		return email_ok(s);
	if (slice_is(format, "ipv4"))
		return ip_parse(s, &ip) && memchr(s.p, '.', s.n) && !memchr(s.p, ':', s.n);
	if (slice_is(format, "ipv6"))
		return ip_parse(s, &ip) && memchr(s.p, ':', s.n);
	if (slice_is(format, "uuid"))
		return uuid_ok(s);
	if (slice_is(format, "uri") || slice_is(format, "iri"))
		return uri_ok(s, false);
	if (slice_is(format, "uri-reference") || slice_is(format, "iri-reference"))
		return uri_ok(s, true);
	if (slice_is(format, "json-pointer"))
		return s.n == 0 || s.p[0] == '/';
	return true;	/* others say nothing */
}

/* ---- is it a schema? ---- */

static bool is_type(struct rv v)
{
	static const char *const types[] = {"array", "boolean", "integer", "number", "null", "object", "string"};

	for (size_t i = 0; i < COUNT_OF(types); i++)
		if (rv_is_str(v, types[i]))
			return true;
	return false;
}

static RC check_types(struct schema *s, struct rv v)
{
	size_t n = v.kind == RV_ARRAY ? rv_len(v) : 1;

	if (v.kind != RV_STRING && v.kind != RV_ARRAY)
		return refuse(s, INVALID_TYPE, "type", "string/Array Of Strings");
	for (size_t i = 0; i < n; i++) {
		struct rv t = v.kind == RV_ARRAY ? rv_at(v, i) : v;

		if (t.kind != RV_STRING)
			return refuse(s, INVALID_TYPE, "type", "string/Array Of Strings");
		if (!is_type(t))
			return refuse(s,
				      "has a primitive type that is NOT VALID -- given: /%s/ Expected valid values are:[array "
				      "boolean integer number null object string]",
				      t.str->p);
		for (size_t k = 0; k < i; k++)
			if (rv_eq(rv_at(v, k), t))
				return refuse(s, "%s type is duplicated", t.str->p);
	}
	return rc_of(OK);
}

static RC check_numbers(struct schema *s, struct rv m)
{
	static const char *const counts[] = {"minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"};
	static const char *const limits[] = {"minimum", "maximum"};
	const struct rv *v = rv_get_c(m, "multipleOf");

	if (v && v->kind != RV_NUMBER)
		return refuse(s, INVALID_TYPE, "Number", "multipleOf");
	if (v && rv_number_cmp(*v, rv_int(0)) <= 0)
		return refuse(s, "multipleOf must be strictly greater than 0");
	for (size_t i = 0; i < COUNT_OF(limits); i++)
		if ((v = rv_get_c(m, limits[i])) && v->kind != RV_NUMBER)
			return refuse(s, "%s must be of a Number", limits[i]);
	for (size_t i = 0; i < COUNT_OF(counts); i++) {
		const struct rv *low = i % 2 ? rv_get_c(m, counts[i - 1]) : NULL;

		v = rv_get_c(m, counts[i]);
		if (!v)
			continue;
		if (!rv_is_integral(*v) || v->kind != RV_NUMBER)
			return refuse(s, "%s must be of an integer", counts[i]);
		if (rv_number_cmp(*v, rv_int(0)) < 0)
			return refuse(s, "%s must be greater than or equal to 0", counts[i]);
		if (low && rv_number_cmp(*low, *v) > 0)
			return refuse(s, "%s cannot be greater than %s", counts[i - 1], counts[i]);
	}
	return rc_of(OK);
}

static RC check_map(struct schema *s, struct rv m, const char *key, const char *expected, bool patterns)
{
	const struct rv *v = rv_get_c(m, key);
	bool valid;

	if (!v)
		return rc_of(OK);
	if (v->kind != RV_OBJECT)
		return refuse(s, INVALID_TYPE, expected, key);
	rv_sort(*v);
	for (size_t i = 0; i < rv_len(*v); i++) {
		struct rv name = rv_key(*v, i), sub = rv_val(*v, i);

		if (patterns) {
			schema_regex(s, rv_slice(name), SLICE_LIT(""), &valid);
			if (!valid)
				return refuse(s, "Invalid regex pattern '%s'", name.str->p);
		}
		if (sub.kind == RV_ARRAY && strcmp(key, "dependencies") == 0)
			continue;
		TRY(schema_check(s, sub));
	}
	return rc_of(OK);
}

static RC check_list(struct schema *s, struct rv m, const char *key)
{
	const struct rv *v = rv_get_c(m, key);

	if (!v)
		return rc_of(OK);
	if (v->kind != RV_ARRAY)
		return refuse(s, "%s must be of an array", key);
	for (size_t i = 0; i < rv_len(*v); i++)
		TRY(schema_check(s, rv_at(*v, i)));
	return rc_of(OK);
}

static RC check_sub(struct schema *s, struct rv m, const char *key, bool list)
{
	const struct rv *v = rv_get_c(m, key);

	if (!v || v->kind == RV_BOOL)
		return rc_of(OK);
	if (list && v->kind == RV_ARRAY)
		return check_list(s, m, key);
	if (v->kind != RV_OBJECT)
		return refuse(s, INVALID_TYPE, list ? "Valid Schema/Array Of Schemas" : "boolean/Valid Schema", key);
	return schema_check(s, *v);
}

static RC check_strings(struct schema *s, struct rv m)
{
	const struct rv *v = rv_get_c(m, "required");
	bool valid = true;

	if (v && v->kind != RV_ARRAY)
		return refuse(s, "required must be of an array");
	for (size_t i = 0; v && i < rv_len(*v); i++) {
		if (rv_at(*v, i).kind != RV_STRING)
			return refuse(s, "required items must be string");
		for (size_t k = 0; k < i; k++)
			if (rv_eq(rv_at(*v, k), rv_at(*v, i)))
				return refuse(s, "required items must be unique");
	}
	v = rv_get_c(m, "pattern");
	if (v && v->kind != RV_STRING)
		return refuse(s, "pattern must be of a string");
	if (v)
		schema_regex(s, rv_slice(*v), SLICE_LIT(""), &valid);
	if (!valid)
		return refuse(s, "pattern must be a valid regex");
	v = rv_get_c(m, "uniqueItems");
	if (v && v->kind != RV_BOOL)
		return refuse(s, "uniqueItems must be of a boolean");
	v = rv_get_c(m, "enum");
	if (v && v->kind != RV_ARRAY)
		return refuse(s, "enum must be of an array");
	return rc_of(OK);
}

RC schema_check(struct schema *s, struct rv m)
{
	static const char *const maps[] = {"definitions", "properties", "patternProperties", "dependencies"};
	static const char *const expected[] = {"Array Of Schemas", "object", "object", "object"};
	static const char *const lists[] = {"allOf", "anyOf", "oneOf"};
	static const char *const subs[] = {"additionalProperties", "additionalItems", "propertyNames", "contains",
					   "not",		   "if",	      "then",	       "else"};
	const struct rv *v;

	TRY(rego_charge(s->c, 10));
	if (m.kind == RV_BOOL)
		return rc_of(OK);
	if (m.kind != RV_OBJECT)
		return refuse(s, "Expected: Valid Schema, given: Invalid JSON");
	if (++s->depth > SCHEMA_DEPTH)
		return refuse(s, "schema nests deeper than %u", SCHEMA_DEPTH);
	v = rv_get_c(m, "$ref");
	if (v && v->kind != RV_STRING)
		return refuse(s, INVALID_TYPE, "string", "$ref");
	if (v && !schema_ref(s, rv_slice(*v)))
		return refuse(s, "Object has no key for reference '%s'", v->str->p);
	v = rv_get_c(m, "type");
	if (v)
		TRY(check_types(s, *v));
	for (size_t i = 0; i < COUNT_OF(maps); i++)
		TRY(check_map(s, m, maps[i], expected[i], i == 2));
	TRY(check_numbers(s, m));
	TRY(check_strings(s, m));
	for (size_t i = 0; i < COUNT_OF(lists); i++)
		TRY(check_list(s, m, lists[i]));
	for (size_t i = 0; i < COUNT_OF(subs); i++)
		TRY(check_sub(s, m, subs[i], false));
	TRY(check_sub(s, m, "items", true));
	s->depth--;
	return rc_of(OK);
}

/* ---- builtins ---- */

/* JSON text, or an object or array in its JSON form (sets become arrays). *bad: neither. */
static RC document(struct rego_call *c, struct rv v, struct rv *out, const char **bad)
{
	struct buf b = lib_buf(c);
	struct slice text;
	const char *err;
	size_t at;

	*bad = NULL;
	if (v.kind != RV_STRING && v.kind != RV_OBJECT && v.kind != RV_ARRAY) {
		*bad = "wrong type, expected string or object";
		return rc_of(OK);
	}
	TRY(rego_charge(c, 20 + rv_len(v)));
	if (v.kind != RV_STRING)
		rv_to_json(&b, v);
	if (!buf_ok(&b))
		return lib_no_memory(c);
	text = v.kind == RV_STRING ? rv_slice(v) : buf_view(&b);
	TRY(rego_charge(c, text.n / 8));
	*out = rv_from_json(c->heap, text, NULL, &err, &at);
	if (rv_heap_bad(c->heap))
		return lib_no_memory(c);
	if (out->kind == RV_UNDEF)
		*bad = "invalid JSON string";
	return rc_of(OK);
}

static rc verify_schema(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct rv parts[2] = {rv_bool(true), rv_null()};
	struct schema s = {.c = c};
	const char *bad;
	rc r = rc_of(OK);

	(void)n;
	TRY(document(c, args[0], &s.root, &bad));
	if (!bad)
		r = schema_check(&s, s.root);
	if (!rc_ok(r) && r.code != E_MALFORMED)
		return r;
	if (bad || !rc_ok(r)) {
		parts[0] = rv_bool(false);
		parts[1] = rv_strf(c->heap, "jsonschema: %s", bad ? bad : s.error);
	}
	return lib_return(c, rv_array(c->heap, parts, 2), out);
}

static rc match_schema(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct schema s = {.c = c};
	struct rv parts[2], doc;
	const char *bad;
	rc r;

	(void)n;
	TRY(document(c, args[0], &doc, &bad));
	if (bad)
		return rego_fail(c, "%s", bad);
	TRY(document(c, args[1], &s.root, &bad));
	if (bad)
		return rego_fail(c, "%s", bad);
	r = schema_check(&s, s.root);
	if (r.code == E_MALFORMED)
		return rego_fail(c, "%s", s.error);
	TRY(r);
	s.depth = 0;
	TRY(schema_validate(&s, doc, &parts[1]));
	parts[0] = rv_bool(rv_len(parts[1]) == 0);
	return lib_return(c, rv_array(c->heap, parts, 2), out);
}

#define DOC "string | object[any:any]"

const struct rego_builtin builtin_schema[] = {
	{"json.verify_schema", DOC " -> array<boolean, null | string>", verify_schema, 1, 0, 20},
	{"json.match_schema",
	 DOC ", " DOC " -> array<boolean, array[object<desc:string, error:string, field:string, type:string>]>", match_schema, 2,
	 0, 20},
	{0},
};
