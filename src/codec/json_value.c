/* json_value.c - looking into values, and building them. */
#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"
#include "base/utf8.h"
#include "codec/base64.h"
#include "codec/json_priv.h"

static const char *const kind_name[] = {"null", "boolean", "number", "string", "array", "object"};

const char *json_kind_name(const struct json *v)
{
	return v ? kind_name[v->kind] : "absent";
}

static int by_name(const void *x, const void *y, void *members)
{
	const struct json_member *m = members;
	uint32_t i = *(const uint32_t *)x, k = *(const uint32_t *)y;
	int c = slice_cmp(m[i].name, m[k].name);

	return c ? c : (i > k) - (i < k);
}

bool json_index(struct arena *a, struct json *v)
{
	v->index = arena_array(a, v->n, uint32_t);
	if (!v->index)
		return false;
	for (size_t i = 0; i < v->n; i++)
		v->index[i] = (uint32_t)i;
	qsort_r(v->index, v->n, sizeof(*v->index), by_name, v->members);
	return true;
}

static struct json_member *find(const struct json *v, struct slice name)
{
	if (!v || v->kind != JSON_OBJECT)
		return NULL;
	if (!v->index) {
		for (size_t i = 0; i < v->n; i++)
			if (json_same_name(v->members[i].name, name))
				return &v->members[i];
		return NULL;
	}
	for (size_t lo = 0, hi = v->n; lo < hi;) {
		size_t mid = lo + (hi - lo) / 2;
		struct json_member *m = &v->members[v->index[mid]];
		int c = slice_cmp(name, m->name);

		if (c == 0)
			return m;
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

const struct json *json_get_slice(const struct json *v, struct slice name)
{
	struct json_member *m = find(v, name);

	return m ? m->value : NULL;
}

const struct json *json_get(const struct json *v, const char *name)
{
	return json_get_slice(v, slice_cstr(name));
}

const struct json *json_at(const struct json *v, size_t i)
{
	return v && v->kind == JSON_ARRAY && i < v->n ? v->items[i] : NULL;
}

const struct json *json_pointer(const struct json *v, const char *pointer)
{
	while (v && *pointer) {
		char name[256];
		size_t n = 0;

		if (*pointer++ != '/')
			return NULL;
		while (*pointer && *pointer != '/') {
			char c = *pointer++;

			if (c == '~') {
				if (*pointer != '0' && *pointer != '1')
					return NULL;
				c = *pointer++ == '0' ? '~' : '/';
			}
			if (n == sizeof(name))
				return NULL;
			name[n++] = c;
		}
		if (v->kind == JSON_ARRAY) {
			size_t i = 0;

			if (n == 0 || n > 9 || (n > 1 && name[0] == '0'))
				return NULL;
			for (size_t k = 0; k < n; k++) {
				if (name[k] < '0' || name[k] > '9')
					return NULL;
				i = i * 10 + (size_t)(name[k] - '0');
			}
			v = json_at(v, i);
		} else {
			v = json_get_slice(v, slice_of(name, n));
		}
	}
	return v;
}

static rc member_error(const struct json *obj, const char *name, const char *expected, const char *what, struct why *w)
{
	const struct json *v = json_get(obj, name);
	rc r;

	if (!json_is(obj, JSON_OBJECT))
		return deny(w, E_MALFORMED, "json.member", "%s: expected an object, found %s", what,
			    json_kind_name(obj));
	r = deny(w, E_MALFORMED, "json.member", "%s: member \"%s\" must be %s, it is %s", what, name, expected,
		 json_kind_name(v));
	why_compared(w, name, json_kind_name(v), expected);
	return r;
}

rc json_need(const struct json *obj, const char *name, enum json_kind kind, const struct json **out, const char *what,
	     struct why *w)
{
	const struct json *v = json_get(obj, name);

	if (!json_is(v, kind))
		return member_error(obj, name, kind_name[kind], what, w);
	*out = v;
	return rc_of(OK);
}

rc json_need_str(const struct json *obj, const char *name, struct slice *out, const char *what, struct why *w)
{
	const struct json *v;

	TRY(json_need(obj, name, JSON_STRING, &v, what, w));
	*out = v->text;
	return rc_of(OK);
}

rc json_need_u64(const struct json *obj, const char *name, uint64_t max, uint64_t *out, const char *what, struct why *w)
{
	uint64_t n;

	if (!json_u64(json_get(obj, name), &n) || n > max) {
		char expected[64];

		snprintf(expected, sizeof(expected), "an integer from 0 to %llu", (unsigned long long)max);
		return member_error(obj, name, expected, what, w);
	}
	*out = n;
	return rc_of(OK);
}

static bool given(const struct json *obj, const char *name)
{
	const struct json *v = json_get(obj, name);

	return v && v->kind != JSON_NULL;
}

rc json_opt_str(const struct json *obj, const char *name, struct slice *out, const char *what, struct why *w)
{
	return given(obj, name) ? json_need_str(obj, name, out, what, w) : rc_of(OK);
}

rc json_opt_u64(const struct json *obj, const char *name, uint64_t max, uint64_t *out, const char *what, struct why *w)
{
	return given(obj, name) ? json_need_u64(obj, name, max, out, what, w) : rc_of(OK);
}

rc json_opt_bool(const struct json *obj, const char *name, bool *out, const char *what, struct why *w)
{
	const struct json *v;

	if (!given(obj, name))
		return rc_of(OK);
	TRY(json_need(obj, name, JSON_BOOL, &v, what, w));
	*out = v->boolean;
	return rc_of(OK);
}

bool json_u64(const struct json *v, uint64_t *out)
{
	uint64_t n = 0;
	size_t i = 0;

	if (!json_is(v, JSON_NUMBER) || v->text.n == 0)
		return false;
	if (slice_is(v->text, "-0")) {
		*out = 0;
		return true;
	}
	for (; i < v->text.n; i++) {
		uint8_t c = v->text.p[i];

		if (c < '0' || c > '9' || __builtin_mul_overflow(n, 10u, &n) ||
		    __builtin_add_overflow(n, (uint64_t)(c - '0'), &n))
			return false;
	}
	*out = n;
	return true;
}

bool json_i64(const struct json *v, int64_t *out)
{
	bool neg = json_is(v, JSON_NUMBER) && v->text.n > 1 && v->text.p[0] == '-';
	struct json abs;
	uint64_t n;

	if (!json_is(v, JSON_NUMBER))
		return false;
	abs = *v;
	if (neg)
		abs.text = slice_sub(abs.text, 1, abs.text.n);
	if (!json_u64(&abs, &n) || n > (uint64_t)INT64_MAX + (neg ? 1 : 0))
		return false;
	*out = neg ? (int64_t)(0 - n) : (int64_t)n;
	return true;
}

double json_double(const struct json *v)
{
	char small[64], *p = small;
	double d;

	if (!json_is(v, JSON_NUMBER))
		return 0;
	if (v->text.n >= sizeof(small))
		p = malloc(v->text.n + 1);
	if (!p)
		return 0;
	memcpy(p, v->text.p, v->text.n);
	p[v->text.n] = 0;
	d = strtod(p, NULL);	/* the process keeps the "C" locale */
	if (p != small)
		free(p);
	return d;
}

/* A decimal as sign, digits without zeros at either end, and the exponent of the first digit. */
struct decimal {
	bool neg, zero;
	int64_t exp;
	size_t n;
};

static struct decimal decimal_scan(struct slice s, size_t *first)
{
	struct decimal d = {.zero = true};
	int64_t point = 0, exp = 0;
	bool dot = false, eneg = false;
	size_t i = 0, last = 0;

	if (i < s.n && s.p[i] == '-')
		d.neg = true, i++;
	for (; i < s.n && (s.p[i] | 0x20) != 'e'; i++) {
		if (s.p[i] == '.') {
			dot = true;
			continue;
		}
		if (s.p[i] == '0' && d.zero) {	/* leading zeros count behind the point only */
			point -= dot;
			continue;
		}
		if (d.zero)
			*first = i;
		d.zero = false;
		if (s.p[i] != '0')
			last = i;
		point += !dot;
	}
	if (i < s.n) {
		i++;
		if (s.p[i] == '-' || s.p[i] == '+')
			eneg = s.p[i++] == '-';
		for (; i < s.n; i++)
			if (exp < INT64_C(1000000000000))
				exp = exp * 10 + (s.p[i] - '0');
	}
	d.exp = point + (eneg ? -exp : exp);
	d.n = d.zero ? 0 : last - *first + 1;
	return d;
}

static bool number_equal(struct slice x, struct slice y)
{
	size_t fx = 0, fy = 0;
	struct decimal a = decimal_scan(x, &fx), b = decimal_scan(y, &fy);
	size_t i = fx, k = fy, ex = fx + a.n, ey = fy + b.n;

	if (a.zero || b.zero)
		return a.zero == b.zero;
	if (a.neg != b.neg || a.exp != b.exp)
		return false;
	for (;;) {
		if (i < ex && x.p[i] == '.')
			i++;
		if (k < ey && y.p[k] == '.')
			k++;
		if (i >= ex || k >= ey)
			return i >= ex && k >= ey;
		if (x.p[i++] != y.p[k++])
			return false;
	}
}

bool json_equal(const struct json *a, const struct json *b)
{
	if (!a || !b)
		return a == b;
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case JSON_NULL:
		return true;
	case JSON_BOOL:
		return a->boolean == b->boolean;
	case JSON_NUMBER:
		return number_equal(a->text, b->text);
	case JSON_STRING:
		return slice_eq(a->text, b->text);
	case JSON_ARRAY:
		if (a->n != b->n)
			return false;
		for (size_t i = 0; i < a->n; i++)
			if (!json_equal(a->items[i], b->items[i]))
				return false;
		return true;
	case JSON_OBJECT:
		if (a->n != b->n)
			return false;
		for (size_t i = 0; i < a->n; i++) {
			const struct json *v = json_get_slice(b, a->members[i].name);

			if (!v || !json_equal(a->members[i].value, v))
				return false;
		}
		return true;
	}
	return false;
}

static struct json *new_value(struct arena *a, enum json_kind kind)
{
	struct json *v = ARENA_NEW(a, struct json);

	if (v)
		v->kind = kind;
	return v;
}

struct json *json_new_null(struct arena *a)
{
	return new_value(a, JSON_NULL);
}

struct json *json_new_bool(struct arena *a, bool b)
{
	struct json *v = new_value(a, JSON_BOOL);

	if (v)
		v->boolean = b;
	return v;
}

static struct json *new_text(struct arena *a, enum json_kind kind, struct slice s)
{
	struct json *v = new_value(a, kind);

	if (!v)
		return NULL;
	v->text = arena_dup(a, s);
	return v->text.p ? v : NULL;
}

static struct json *new_integer(struct arena *a, bool negative, uint64_t n)
{
	char t[24], *p = num_digits(t + sizeof(t), n);

	if (negative)
		*--p = '-';
	return new_text(a, JSON_NUMBER, slice_of(p, (size_t)(t + sizeof(t) - p)));
}

struct json *json_new_i64(struct arena *a, int64_t n)
{
	return new_integer(a, n < 0, n < 0 ? 0 - (uint64_t)n : (uint64_t)n);
}

struct json *json_new_u64(struct arena *a, uint64_t n)
{
	return new_integer(a, false, n);
}

struct json *json_new_number(struct arena *a, struct slice text)
{
	return json_number_ok(text) ? new_text(a, JSON_NUMBER, text) : NULL;
}

struct json *json_new_str(struct arena *a, struct slice s)
{
	return utf8_valid(s) ? new_text(a, JSON_STRING, s) : NULL;
}

struct json *json_new_cstr(struct arena *a, const char *s)
{
	return json_new_str(a, slice_cstr(s));
}

struct json *json_new_hex(struct arena *a, struct slice bytes)
{
	struct json *v = new_value(a, JSON_STRING);
	char *t = hex_text(a, bytes);

	if (!v || !t)
		return NULL;
	v->text = slice_of(t, bytes.n * 2);
	return v;
}

struct json *json_new_b64(struct arena *a, struct slice bytes)
{
	struct json *v = new_value(a, JSON_STRING);

	if (!v)
		return NULL;
	v->text = b64_text(a, B64_STD, bytes);
	return v->text.p ? v : NULL;
}

struct json *json_new_array(struct arena *a)
{
	return new_value(a, JSON_ARRAY);
}

struct json *json_new_object(struct arena *a)
{
	return new_value(a, JSON_OBJECT);
}

/* Makes room for one more element of `size` bytes; false marks the arena bad by itself. */
static bool grow(struct arena *a, struct json *v, void **elems, size_t size)
{
	size_t cap;
	void *p;

	if (v->n < v->cap)
		return true;
	cap = v->cap ? v->cap * 2 : 8;
	p = arena_alloc_n(a, cap, size);
	if (!p)
		return false;
	if (v->n)
		memcpy(p, *elems, v->n * size);
	*elems = p;
	v->cap = cap;
	return true;
}

/* An over-large request fails and leaves the arena bad: the builder's caller checks once. */
static void spoil(struct arena *a)
{
	(void)arena_alloc_n(a, SIZE_MAX, 2);
}

void json_push(struct arena *a, struct json *arr, const struct json *v)
{
	void *elems;

	if (!arr || arr->kind != JSON_ARRAY || !v) {
		spoil(a);
		return;
	}
	elems = arr->items;
	if (!grow(a, arr, &elems, sizeof(*arr->items)))
		return;
	arr->items = elems;
	arr->items[arr->n++] = (struct json *)(uintptr_t)v;	/* values are immutable once built */
}

void json_set_slice(struct arena *a, struct json *obj, struct slice name, const struct json *v)
{
	struct json_member *m;
	struct slice copy;
	void *elems;

	if (!obj || obj->kind != JSON_OBJECT || !v || !utf8_valid(name)) {
		spoil(a);
		return;
	}
	m = find(obj, name);
	if (m) {
		m->value = (struct json *)(uintptr_t)v;
		return;
	}
	elems = obj->members;
	copy = arena_dup(a, name);
	if (!copy.p || !grow(a, obj, &elems, sizeof(*obj->members)))
		return;
	obj->members = elems;
	obj->index = NULL;	/* stale: look-ups go through the list again */
	obj->members[obj->n++] = (struct json_member){copy, (struct json *)(uintptr_t)v};
}

void json_set(struct arena *a, struct json *obj, const char *name, const struct json *v)
{
	json_set_slice(a, obj, slice_cstr(name), v);
}

bool json_remove(struct json *obj, const char *name)
{
	struct json_member *m = find(obj, slice_cstr(name));
	size_t i;

	if (!m)
		return false;
	i = (size_t)(m - obj->members);
	memmove(m, m + 1, (obj->n - i - 1) * sizeof(*m));
	obj->n--;
	obj->index = NULL;
	return true;
}

void json_set_path(struct arena *a, struct json *obj, const char *dotted, const struct json *v)
{
	const char *dot;

	while ((dot = strchr(dotted, '.'))) {
		struct slice name = slice_of(dotted, (size_t)(dot - dotted));
		struct json_member *m = find(obj, name);
		struct json *next = m ? m->value : json_new_object(a);

		if (!m)
			json_set_slice(a, obj, name, next);
		obj = next;
		dotted = dot + 1;
	}
	json_set(a, obj, dotted, v);
}
