#include "rego/ty.h"

#include "base/num.h"

#define MAX_UNION 12u
#define MAX_DEPTH 12u
#define MAX_STATIC 100u

const struct ty ty_any = {.kind = TY_ANY}, ty_null = {.kind = TY_NULL}, ty_bool = {.kind = TY_BOOL},
		ty_number = {.kind = TY_NUMBER}, ty_string = {.kind = TY_STRING};

static const struct ty *or_any(const struct ty *t)
{
	return t ? t : &ty_any;
}

static unsigned deepest(const struct ty *t, unsigned d)
{
	return t && t->depth > d ? t->depth : d;
}

static struct ty *make(struct comp *c, enum ty_kind k)
{
	struct ty *t = COMP_NEW(c, struct ty);

	if (t)
		t->kind = k;
	return t;
}

const struct ty *ty_array(struct comp *c, const struct ty **items, uint32_t n, const struct ty *rest)
{
	struct ty *t;
	unsigned d = deepest(rest, 0);

	if (n > MAX_STATIC) {
		for (uint32_t i = 0; i < n; i++)
			rest = ty_or(c, rest, or_any(items[i]));
		n = 0;
	}
	for (uint32_t i = 0; i < n; i++)
		d = deepest(items[i], d);
	t = d < MAX_DEPTH ? make(c, TY_ARRAY) : NULL;
	if (!t)
		return &ty_any;
	t->items = items;
	t->n = n;
	t->rest = rest;
	t->depth = (uint8_t)(d + 1);
	return t;
}

const struct ty *ty_object(struct comp *c, const struct rv *keys, const struct ty **vals, uint32_t n, const struct ty *rest_key,
			   const struct ty *rest)
{
	struct ty *t;
	unsigned d = deepest(rest, deepest(rest_key, 0));

	if (n > MAX_STATIC) {
		for (uint32_t i = 0; i < n; i++) {
			rest_key = ty_or(c, rest_key, ty_of_value(c, keys[i]));
			rest = ty_or(c, rest, or_any(vals[i]));
		}
		n = 0;
	}
	for (uint32_t i = 0; i < n; i++)
		d = deepest(vals[i], d);
	t = d < MAX_DEPTH ? make(c, TY_OBJECT) : NULL;
	if (!t)
		return &ty_any;
	t->keys = keys;
	t->items = vals;
	t->n = n;
	t->rest_key = rest_key;
	t->rest = rest;
	t->depth = (uint8_t)(d + 1);
	return t;
}

const struct ty *ty_set(struct comp *c, const struct ty *of)
{
	struct ty *t = deepest(of, 0) < MAX_DEPTH ? make(c, TY_SET) : NULL;

	if (!t)
		return &ty_any;
	t->of = of;
	t->depth = (uint8_t)(deepest(of, 0) + 1);
	return t;
}

static bool same(const struct ty *a, const struct ty *b)
{
	if (a == b)
		return true;
	if (!a || !b || a->kind != b->kind || a->n != b->n)
		return false;
	for (uint32_t i = 0; i < a->n; i++) {
		if (a->kind == TY_OBJECT && !rv_eq(a->keys[i], b->keys[i]))
			return false;
		if (!same(a->items[i], b->items[i]))
			return false;
	}
	return same(a->rest, b->rest) && same(a->rest_key, b->rest_key) && same(a->of, b->of);
}

static bool gather(const struct ty *t, const struct ty **out, uint32_t *n)
{
	if (t->kind == TY_UNION) {
		for (uint32_t i = 0; i < t->n; i++) {
			if (!gather(t->items[i], out, n))
				return false;
		}
		return true;
	}
	if (t->kind == TY_ANY)
		return false;
	for (uint32_t i = 0; i < *n; i++) {
		if (same(out[i], t))
			return true;
	}
	if (*n == MAX_UNION)
		return false;
	out[(*n)++] = t;
	return true;
}

const struct ty *ty_or(struct comp *c, const struct ty *a, const struct ty *b)
{
	const struct ty *all[MAX_UNION], **items;
	struct ty *t;
	uint32_t n = 0;

	if (!a || !b)
		return a ? a : b;
	if (a == b)
		return a;
	if (!gather(a, all, &n) || !gather(b, all, &n))
		return &ty_any;
	if (n == 1)
		return all[0];
	items = comp_alloc(c, n * sizeof(*items));
	t = items ? make(c, TY_UNION) : NULL;
	if (!t)
		return &ty_any;
	memcpy(items, all, n * sizeof(*items));
	t->items = items;
	t->n = n;
	for (uint32_t i = 0; i < n; i++)
		t->depth = (uint8_t)deepest(all[i], t->depth);
	return t;
}

static bool arrays(const struct ty *a, const struct ty *b)
{
	uint32_t n = MAX_OF(a->n, b->n);

	if ((a->n < n && !a->rest) || (b->n < n && !b->rest))
		return false;
	for (uint32_t i = 0; i < n; i++) {
		if (!ty_overlap(i < a->n ? a->items[i] : a->rest, i < b->n ? b->items[i] : b->rest))
			return false;
	}
	return !a->rest || !b->rest || ty_overlap(a->rest, b->rest);
}

static const struct ty *field(const struct ty *t, struct rv key)
{
	for (uint32_t i = 0; i < t->n; i++) {
		if (rv_eq(t->keys[i], key))
			return or_any(t->items[i]);
	}
	return NULL;
}

static enum ty_kind kind_of_value(struct rv v)
{
	static const enum ty_kind kinds[] = {[RV_UNDEF] = TY_ANY, [RV_NULL] = TY_NULL, [RV_BOOL] = TY_BOOL,
					     [RV_NUMBER] = TY_NUMBER, [RV_STRING] = TY_STRING, [RV_ARRAY] = TY_ARRAY,
					     [RV_OBJECT] = TY_OBJECT, [RV_SET] = TY_SET};

	return kinds[v.kind];
}

/* The constant can be of type t, as far as its kind tells. */
static bool may_be(const struct ty *t, struct rv v)
{
	if (!t || t->kind == TY_ANY)
		return true;
	if (t->kind == TY_UNION) {
		for (uint32_t i = 0; i < t->n; i++) {
			if (may_be(t->items[i], v))
				return true;
		}
		return false;
	}
	return t->kind == kind_of_value(v);
}

static bool has_fields(const struct ty *a, const struct ty *b)
{
	for (uint32_t i = 0; i < a->n; i++) {
		const struct ty *f = field(b, a->keys[i]);

		if (!f && b->rest && may_be(b->rest_key, a->keys[i]))
			f = b->rest;
		if (!f || !ty_overlap(a->items[i], f))
			return false;
	}
	return true;
}

bool ty_overlap(const struct ty *a, const struct ty *b)
{
	if (!a || !b || a->kind == TY_ANY || b->kind == TY_ANY || a == b)
		return true;
	if (a->kind == TY_UNION || b->kind == TY_UNION) {
		const struct ty *u = a->kind == TY_UNION ? a : b, *o = u == a ? b : a;

		for (uint32_t i = 0; i < u->n; i++) {
			if (ty_overlap(u->items[i], o))
				return true;
		}
		return false;
	}
	if (a->kind != b->kind)
		return false;
	if (a->kind == TY_ARRAY)
		return arrays(a, b);
	if (a->kind == TY_OBJECT)
		return has_fields(a, b) && has_fields(b, a);
	return a->kind != TY_SET || ty_overlap(a->of, b->of);
}

static const struct ty *in_array(struct comp *c, const struct ty *t, const struct rv *key, const struct ty *key_ty)
{
	const struct ty *all = t->rest;
	int64_t i;

	if (key) {
		if (!rv_i64(*key, &i) || i < 0)
			return NULL;
		return i < (int64_t)t->n ? or_any(t->items[i]) : t->rest;
	}
	if (!ty_overlap(key_ty, &ty_number))
		return NULL;
	for (uint32_t k = 0; k < t->n; k++)
		all = ty_or(c, all, or_any(t->items[k]));
	return all ? all : t->n ? &ty_any : NULL;
}

static const struct ty *in_object(struct comp *c, const struct ty *t, const struct rv *key, const struct ty *key_ty)
{
	const struct ty *all = NULL;

	if (key) {
		all = field(t, *key);
		if (!all && t->rest && may_be(t->rest_key, *key))
			all = t->rest;
		return all;
	}
	for (uint32_t i = 0; i < t->n; i++) {
		if (may_be(key_ty, t->keys[i]))
			all = ty_or(c, all, or_any(t->items[i]));
	}
	if (t->rest && ty_overlap(t->rest_key, key_ty))
		all = ty_or(c, all, t->rest);
	return all;
}

const struct ty *ty_select(struct comp *c, const struct ty *t, const struct rv *key, const struct ty *key_ty)
{
	const struct ty *all = NULL;

	if (!t || t->kind == TY_ANY)
		return &ty_any;
	switch (t->kind) {
	case TY_ARRAY:
		return in_array(c, t, key, key_ty);
	case TY_OBJECT:
		return in_object(c, t, key, key_ty);
	case TY_SET:
		if (key ? !ty_overlap(t->of, ty_of_value(c, *key)) : !ty_overlap(t->of, key_ty))
			return NULL;
		return or_any(t->of);
	case TY_UNION:
		for (uint32_t i = 0; i < t->n; i++) {
			const struct ty *one = ty_select(c, t->items[i], key, key_ty);

			if (one)
				all = ty_or(c, all, one);
		}
		return all;
	case TY_ANY:
	case TY_NULL:
	case TY_BOOL:
	case TY_NUMBER:
	case TY_STRING:
		break;
	}
	return NULL;
}

const struct ty *ty_keys(struct comp *c, const struct ty *t)
{
	const struct ty *all = NULL;

	if (!t || t->kind == TY_ANY)
		return &ty_any;
	switch (t->kind) {
	case TY_ARRAY:
		return &ty_number;
	case TY_OBJECT:
		all = t->rest ? or_any(t->rest_key) : NULL;
		for (uint32_t i = 0; i < t->n; i++)
			all = ty_or(c, all, ty_of_value(c, t->keys[i]));
		return or_any(all);
	case TY_SET:
		return or_any(t->of);
	case TY_UNION:
		for (uint32_t i = 0; i < t->n; i++) {
			const struct ty *one = ty_keys(c, t->items[i]);

			if (one)
				all = ty_or(c, all, one);
		}
		return all;
	case TY_ANY:
	case TY_NULL:
	case TY_BOOL:
	case TY_NUMBER:
	case TY_STRING:
		break;
	}
	return NULL;
}

const struct ty *ty_of_value(struct comp *c, struct rv v)
{
	const struct ty **items = NULL, *all = NULL;
	uint32_t n = rv_len(v);

	switch ((enum rv_kind)v.kind) {
	case RV_UNDEF:
		return &ty_any;
	case RV_NULL:
		return &ty_null;
	case RV_BOOL:
		return &ty_bool;
	case RV_NUMBER:
		return &ty_number;
	case RV_STRING:
		return &ty_string;
	case RV_ARRAY:
	case RV_OBJECT:
		items = comp_alloc(c, (n + 1) * sizeof(*items));
		for (uint32_t i = 0; items && i < n; i++)
			items[i] = ty_of_value(c, v.kind == RV_ARRAY ? rv_at(v, i) : rv_val(v, i));
		if (!items)
			return &ty_any;
		return v.kind == RV_ARRAY ? ty_array(c, items, n, NULL) : ty_object(c, v.coll->keys, items, n, NULL, NULL);
	case RV_SET:
		for (uint32_t i = 0; i < n; i++)
			all = ty_or(c, all, ty_of_value(c, rv_key(v, i)));
		return ty_set(c, all);
	}
	return &ty_any;
}

/* ---- signatures ---- */

struct sig {
	struct comp *c;
	const char *p;
	unsigned depth;
};

static void space(struct sig *s)
{
	while (*s->p == ' ')
		s->p++;
}

static bool take(struct sig *s, char ch)
{
	space(s);
	if (*s->p != ch)
		return false;
	s->p++;
	return true;
}

static size_t word(struct sig *s)
{
	size_t n = 0;

	space(s);
	while ((s->p[n] >= 'a' && s->p[n] <= 'z') || (s->p[n] >= 'A' && s->p[n] <= 'Z') || s->p[n] == '_' ||
	       (s->p[n] >= '0' && s->p[n] <= '9'))
		n++;
	return n;
}

static bool is(const char *p, size_t n, const char *w)
{
	return strlen(w) == n && memcmp(p, w, n) == 0;
}

static const struct ty *sig_union(struct sig *s);

static const struct ty *sig_fields(struct sig *s, bool object)
{
	const struct ty *items[16], **copy;
	struct rv keys[16], *key_copy;
	uint32_t n = 0;

	while (n < 16 && !take(s, '>')) {
		if (object) {
			size_t k = word(s);

			keys[n] = rv_str(&s->c->heap, s->p, k);
			s->p += k;
			if (!take(s, ':'))
				break;
		}
		items[n++] = sig_union(s);
		if (!take(s, ',') && *s->p != '>')
			break;
	}
	copy = comp_alloc(s->c, (n + 1) * sizeof(*copy));
	key_copy = comp_alloc(s->c, (n + 1) * sizeof(*key_copy));
	if (!copy || !key_copy)
		return &ty_any;
	memcpy(copy, items, n * sizeof(*copy));
	if (object)
		memcpy(key_copy, keys, n * sizeof(*key_copy));
	/* fields of options are optional and not alone */
	return object ? ty_object(s->c, NULL, NULL, 0, &ty_any, &ty_any) : ty_array(s->c, copy, n, NULL);
}

static const struct ty *sig_one(struct sig *s)
{
	size_t n = word(s);
	const char *w = s->p;
	const struct ty *k, *v;

	s->p += n;
	if (is(w, n, "null"))
		return &ty_null;
	if (is(w, n, "boolean"))
		return &ty_bool;
	if (is(w, n, "number"))
		return &ty_number;
	if (is(w, n, "string"))
		return &ty_string;
	if (is(w, n, "array") || is(w, n, "set")) {
		if (take(s, '<'))
			return sig_fields(s, false);
		if (!take(s, '['))
			return &ty_any;
		v = sig_union(s);
		(void)take(s, ']');
		v = v->kind == TY_ANY ? &ty_any : v;
		return w[0] == 'a' ? ty_array(s->c, NULL, 0, v) : ty_set(s->c, v);
	}
	if (is(w, n, "object")) {
		if (take(s, '<'))
			return sig_fields(s, true);
		if (!take(s, '['))
			return &ty_any;
		k = sig_union(s);
		(void)take(s, ':');
		v = sig_union(s);
		(void)take(s, ']');
		return ty_object(s->c, NULL, NULL, 0, k, v);
	}
	return &ty_any;
}

static const struct ty *sig_union(struct sig *s)
{
	const struct ty *t;

	if (s->depth > 8)
		return &ty_any;
	s->depth++;
	t = sig_one(s);
	while (take(s, '|'))
		t = ty_or(s->c, t, sig_one(s));
	s->depth--;
	return t;
}

uint32_t ty_signature(struct comp *c, const char *text, const struct ty **args, uint32_t max, const struct ty **result)
{
	struct sig s = {.c = c, .p = text};
	uint32_t n = 0;

	*result = &ty_any;
	while (n < max) {
		size_t k;

		space(&s);
		if (s.p[0] == '-' && s.p[1] == '>')
			break;
		k = word(&s);
		if (k && s.p[k] == ':')
			s.p += k + 1;	/* a name */
		args[n++] = sig_union(&s);
		if (!take(&s, ','))
			break;
	}
	space(&s);
	if (s.p[0] == '-' && s.p[1] == '>') {
		s.p += 2;
		*result = sig_union(&s);
	}
	return n;
}

void ty_text(struct buf *b, const struct ty *t)
{
	static const char *const names[] = {"any", "null", "boolean", "number", "string", "array", "object", "set", "any<"};

	t = or_any(t);
	buf_puts(b, names[t->kind]);
	if (t->kind == TY_UNION) {
		for (uint32_t i = 0; i < t->n; i++) {
			if (i)
				buf_puts(b, ", ");
			ty_text(b, t->items[i]);
		}
		buf_putc(b, '>');
	} else if (t->kind == TY_SET) {
		buf_putc(b, '[');
		ty_text(b, t->of);
		buf_putc(b, ']');
	} else if (t->kind == TY_ARRAY) {
		for (uint32_t i = 0; i < t->n; i++) {
			buf_puts(b, i ? ", " : "<");
			ty_text(b, t->items[i]);
		}
		buf_puts(b, t->n ? ">" : "");
		if (t->rest) {
			buf_putc(b, '[');
			ty_text(b, t->rest);
			buf_putc(b, ']');
		}
	} else if (t->kind == TY_OBJECT) {
		for (uint32_t i = 0; i < t->n; i++) {
			buf_puts(b, i ? ", " : "<");
			if (t->keys[i].kind == RV_STRING)
				buf_put(b, t->keys[i].str->p, t->keys[i].str->n);
			else
				rv_to_text(b, t->keys[i]);
			buf_puts(b, ": ");
			ty_text(b, t->items[i]);
		}
		buf_puts(b, t->n ? ">" : "");
		if (t->rest) {
			buf_putc(b, '[');
			ty_text(b, t->rest_key);
			buf_puts(b, ": ");
			ty_text(b, t->rest);
			buf_putc(b, ']');
		}
	}
}
