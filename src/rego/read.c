/* Values from JSON text, all of it at once, and from documents of codec/json.h. */
#include "base/utf8.h"
#include "rego/lazy.h"

struct reader {
	struct rv_heap *h;
	const uint8_t *p, *end, *start;
	const struct rv_json_opts *opts;
	struct rv *stack;	/* elements of the collections that are still open */
	size_t n, cap;
	unsigned depth;
	const char *err;
};

static struct rv read_value(struct reader *r);

static struct rv bad(struct reader *r, const char *err)
{
	if (!r->err)
		r->err = err;
	return rv_undef();
}

static void skip_space(struct reader *r)
{
	while (r->p < r->end && (*r->p == ' ' || *r->p == '\n' || *r->p == '\t' || *r->p == '\r'))
		r->p++;
}

static bool stack_push(struct reader *r, struct rv v)
{
	if (r->n == r->cap) {
		size_t cap = r->cap ? r->cap * 2 : 64;
		struct rv *s = rv_alloc(r->h, cap * sizeof(*s));

		if (!s)
			return false;
		if (r->n)
			memcpy(s, r->stack, r->n * sizeof(*s));
		r->stack = s;
		r->cap = cap;
	}
	r->stack[r->n++] = v;
	return true;
}

static int hex4(const uint8_t *p)
{
	int v = 0;

	for (int i = 0; i < 4; i++) {
		uint8_t c = p[i];
		int d = c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;

		if (d < 0)
			return -1;
		v = v << 4 | d;
	}
	return v;
}

/* The escape at r->p (behind the backslash) into out; number of bytes, or 0. Lone surrogates become U+FFFD. */
static unsigned read_escape(struct reader *r, uint8_t out[4])
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *at;
	int v, low;

	if (r->p >= r->end)
		return 0;
	if (*r->p != 'u') {
		at = *r->p ? strchr(from, *r->p) : NULL;
		if (!at)
			return 0;
		out[0] = (uint8_t)to[at - from];
		r->p++;
		return 1;
	}
	if (r->end - r->p < 5 || (v = hex4(r->p + 1)) < 0)
		return 0;
	r->p += 5;
	if (v >= 0xd800 && v < 0xdc00 && r->end - r->p >= 6 && r->p[0] == '\\' && r->p[1] == 'u' &&
	    (low = hex4(r->p + 2)) >= 0xdc00 && low < 0xe000) {
		r->p += 6;
		v = 0x10000 + ((v - 0xd800) << 10) + (low - 0xdc00);
	} else if (v >= 0xd800 && v < 0xe000) {
		v = 0xfffd;
	}
	return utf8_put((uint32_t)v, out);
}

/* Behind the bytes that stand for themselves: up to a quote, a backslash or a control. *any gathers their bits. */
static const uint8_t *plain_run(const uint8_t *p, const uint8_t *end, uint8_t *any)
{
	const uint64_t ones = 0x0101010101010101ull, high = 0x8080808080808080ull;
	uint64_t seen = 0;

	while (end - p >= 8) {
		uint64_t w, quote, back, stop;

		memcpy(&w, p, 8);
		quote = w ^ ones * '"';
		back = w ^ ones * '\\';
		/* the usual test for a zero byte, and for one below 0x20; it may see one too many, never one too few */
		stop = ((quote - ones) & ~quote) | ((back - ones) & ~back) | ((w - ones * 0x20) & ~w);
		if (stop & high)
			break;
		seen |= w;
		p += 8;
	}
	*any |= (seen & high) ? 0x80 : 0;
	while (p < end && *p != '"' && *p != '\\' && *p >= 0x20)
		*any |= *p++;
	return p;
}

static struct rv read_string(struct reader *r)
{
	const uint8_t *from = ++r->p, *p = from;
	uint8_t any = 0;
	struct rv_str *s;
	size_t n = 0;

	p = plain_run(p, r->end, &any);
	if (p < r->end && *p == '"') {
		r->p = p + 1;
		if (any >= 0x80 && !(r->opts && r->opts->relaxed) && !utf8_valid(slice_of(from, (size_t)(p - from))))
			return bad(r, "invalid UTF-8");
		return rv_str(r->h, from, (size_t)(p - from));
	}
	/* with escapes: find the end first, the decoded form is never longer */
	for (p = from; p < r->end && *p != '"'; p++) {
		if (*p < 0x20)
			return bad(r, "invalid character in string literal");
		if (*p == '\\' && ++p == r->end)
			break;
	}
	if (p >= r->end)
		return bad(r, "unexpected end of JSON input");
	s = rv_str_new(r->h, (size_t)(p - from));
	if (!s)
		return rv_undef();
	while (*r->p != '"') {
		if (*r->p == '\\') {
			uint8_t out[4];
			unsigned k;

			r->p++;
			k = read_escape(r, out);
			if (!k)
				return bad(r, "invalid escape in string literal");
			memcpy(s->p + n, out, k);
			n += k;
		} else {
			s->p[n++] = (char)*r->p++;
		}
	}
	r->p++;
	if (!(r->opts && r->opts->relaxed) && !utf8_valid(slice_of(s->p, n)))
		return bad(r, "invalid UTF-8");
	return rv_str_done(s, n);
}

static struct rv read_number(struct reader *r)
{
	const uint8_t *from = r->p, *p = from;
	bool neg = *p == '-';
	int64_t i = 0;
	struct rv v;

	p += neg;
	while (p < r->end && *p >= '0' && *p <= '9' && p - from < 18)
		i = i * 10 + (*p++ - '0');
	if (p - from > neg && (from[neg] != '0' || p - from == 1) &&
	    (p == r->end || (*p != '.' && *p != 'e' && *p != 'E' && !(*p >= '0' && *p <= '9')))) {
		r->p = p;
		return rv_int(neg ? -i : i);
	}
	while (p < r->end && ((*p >= '0' && *p <= '9') || *p == '.' || *p == 'e' || *p == 'E' || *p == '+' || *p == '-'))
		p++;
	v = rv_number(r->h, slice_of(from, (size_t)(p - from)));
	if (v.kind == RV_UNDEF && !r->h->bad)
		return bad(r, "invalid number");
	r->p = p;
	return v;
}

static struct rv read_word(struct reader *r, const char *word, struct rv v)
{
	size_t n = strlen(word);

	if ((size_t)(r->end - r->p) < n || memcmp(r->p, word, n) != 0)
		return bad(r, "invalid character looking for beginning of value");
	r->p += n;
	return v;
}

static struct rv read_array(struct reader *r)
{
	size_t base = r->n;
	struct rv out;

	r->p++;
	skip_space(r);
	if (r->p < r->end && *r->p == ']') {
		r->p++;
		return rv_array(r->h, NULL, 0);
	}
	for (;;) {
		struct rv v = read_value(r);

		if (v.kind == RV_UNDEF || !stack_push(r, v))
			return rv_undef();
		skip_space(r);
		if (r->p >= r->end)
			return bad(r, "unexpected end of JSON input");
		if (*r->p == ']')
			break;
		if (*r->p++ != ',')
			return bad(r, "invalid character after array element");
	}
	r->p++;
	out = rv_array(r->h, r->stack + base, r->n - base);
	r->n = base;
	return out;
}

static struct rv close_object(struct reader *r, size_t base)
{
	size_t n = (r->n - base) / 2;
	struct rv_builder b = rv_object_builder(r->h, n);

	for (size_t i = 0; i < n && b.c; i++) {
		struct rv k = r->stack[base + 2 * i];

		if (r->opts && r->opts->refuse_duplicates && rv_builder_get(&b, k))
			return bad(r, "duplicate member");
		rv_object_put(&b, k, r->stack[base + 2 * i + 1]);
	}
	r->n = base;
	return rv_builder_done(&b);
}

static struct rv read_object(struct reader *r)
{
	size_t base = r->n;

	r->p++;
	skip_space(r);
	if (r->p < r->end && *r->p == '}') {
		r->p++;
		return rv_empty_object(r->h);
	}
	for (;;) {
		struct rv k, v;

		skip_space(r);
		if (r->p >= r->end || *r->p != '"')
			return bad(r, r->p >= r->end ? "unexpected end of JSON input"
						     : "invalid character looking for beginning of object key string");
		k = read_string(r);
		if (k.kind == RV_UNDEF)
			return k;
		skip_space(r);
		if (r->p >= r->end || *r->p++ != ':')
			return bad(r, "invalid character after object key");
		v = read_value(r);
		if (v.kind == RV_UNDEF || !stack_push(r, k) || !stack_push(r, v))
			return rv_undef();
		skip_space(r);
		if (r->p >= r->end)
			return bad(r, "unexpected end of JSON input");
		if (*r->p == '}')
			break;
		if (*r->p++ != ',')
			return bad(r, "invalid character after object key:value pair");
	}
	r->p++;
	return close_object(r, base);
}

static struct rv read_value(struct reader *r)
{
	struct rv v;

	skip_space(r);
	if (r->p >= r->end)
		return bad(r, "unexpected end of JSON input");
	switch (*r->p) {
	case '"':
		return read_string(r);
	case '{':
	case '[':
		if (r->depth >= RV_MAX_DEPTH)
			return bad(r, "exceeded max depth");
		r->depth++;
		v = *r->p == '{' ? read_object(r) : read_array(r);
		r->depth--;
		return v;
	case 't':
		return read_word(r, "true", rv_bool(true));
	case 'f':
		return read_word(r, "false", rv_bool(false));
	case 'n':
		return read_word(r, "null", rv_null());
	default:
		if (*r->p == '-' || (*r->p >= '0' && *r->p <= '9'))
			return read_number(r);
		return bad(r, "invalid character looking for beginning of value");
	}
}

struct rv read_scalar(struct rv_heap *h, struct slice text)
{
	struct reader r = {.h = h, .p = text.p, .start = text.p, .end = text.p + text.n};
	struct rv v = read_value(&r);

	if (v.kind == RV_UNDEF)
		h->bad = true;	/* checked before: there is no other reason */
	return v;
}

struct rv rv_from_json(struct rv_heap *h, struct slice text, const struct rv_json_opts *opts, const char **err,
		       size_t *at)
{
	struct reader r = {.h = h, .p = text.p, .start = text.p, .end = text.p + text.n, .opts = opts};
	struct rv v = read_value(&r);

	if (v.kind != RV_UNDEF) {
		skip_space(&r);
		if (r.p != r.end)
			v = bad(&r, "invalid character after top-level value");
	}
	if (h->bad)
		v = rv_undef();
	if (v.kind == RV_UNDEF) {
		if (err)
			*err = r.err ? r.err : "out of memory";
		if (at)
			*at = (size_t)(r.p - r.start);
	}
	return v;
}

/* ---- documents of codec/json.h ---- */

struct rv rv_from_doc(struct rv_heap *h, const struct json *doc)
{
	struct rv_builder b;
	struct rv *items;

	if (!doc)
		return rv_undef();
	switch (doc->kind) {
	case JSON_NULL:
		return rv_null();
	case JSON_BOOL:
		return rv_bool(doc->boolean);
	case JSON_NUMBER:
		return rv_number(h, doc->text);
	case JSON_STRING:
		return rv_str(h, doc->text.p, doc->text.n);
	case JSON_ARRAY:
		items = doc->n ? rv_alloc(h, doc->n * sizeof(*items)) : NULL;
		if (doc->n && !items)
			return rv_undef();
		for (size_t i = 0; i < doc->n; i++) {
			items[i] = rv_from_doc(h, doc->items[i]);
			if (items[i].kind == RV_UNDEF)
				return rv_undef();
		}
		return rv_array_own(h, items, doc->n);
	case JSON_OBJECT:
		b = rv_object_builder(h, doc->n);
		for (size_t i = 0; i < doc->n; i++) {
			struct rv v = rv_from_doc(h, doc->members[i].value);

			if (v.kind == RV_UNDEF)
				return v;
			rv_object_put(&b, rv_str(h, doc->members[i].name.p, doc->members[i].name.n), v);
		}
		return rv_builder_done(&b);
	}
	return rv_undef();
}
