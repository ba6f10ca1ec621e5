/* Text forms of values: JSON in and out, Rego source text, and the document type of codec/json.h. */
#include <stdio.h>

#include "base/num.h"
#include "base/utf8.h"
#include "rego/value.h"

/* ---- reading JSON ---- */

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

/* ---- writing ---- */

struct style {
	bool html;
	const char *prefix, *indent;	/* NULL: compact */
};

static void write_json_string(struct buf *b, struct slice s, bool html)
{
	size_t from = 0, i = 0;

	buf_putc(b, '"');
	while (i < s.n) {
		uint8_t c = s.p[i];
		const char *esc = NULL;
		char hex[8];
		size_t next = i + 1;

		if (c >= 0x80) {
			size_t k = i;
			int32_t cp = utf8_next(s, &k);

			if (cp < 0)
				esc = "\\ufffd";
			else
				next = k;
			if (html && (cp == 0x2028 || cp == 0x2029))
				esc = cp == 0x2028 ? "\\u2028" : "\\u2029";
		} else if (c == '"' || c == '\\') {
			esc = c == '"' ? "\\\"" : "\\\\";
		} else if (c < 0x20 || (html && (c == '<' || c == '>' || c == '&'))) {
			static const char short_of[] = "btnvfr";

			if (c >= 8 && c <= 13 && c != 11) {
				snprintf(hex, sizeof(hex), "\\%c", short_of[c - 8]);
			} else {
				snprintf(hex, sizeof(hex), "\\u%04x", c);
			}
			esc = hex;
		}
		if (esc) {
			buf_put(b, s.p + from, i - from);
			buf_puts(b, esc);
			from = next;
		}
		i = next;
	}
	buf_put(b, s.p + from, s.n - from);
	buf_putc(b, '"');
}

static void new_line(struct buf *b, const struct style *st, unsigned level)
{
	if (!st->indent)
		return;
	buf_putc(b, '\n');
	buf_puts(b, st->prefix);
	for (unsigned i = 0; i < level; i++)
		buf_puts(b, st->indent);
}

static void write_json(struct buf *b, struct rv v, const struct style *st, unsigned level);

static void write_key(struct buf *b, struct rv k, const struct style *st)
{
	const struct style compact = {.html = st->html};
	struct buf text;

	if (k.kind == RV_STRING) {
		write_json_string(b, rv_slice(k), st->html);
		return;
	}
	text = buf_in(b->arena, b->max);
	write_json(&text, k, &compact, 0);
	if (buf_ok(&text))
		write_json_string(b, buf_view(&text), st->html);
	else
		b->bad = true;
}

static void write_json(struct buf *b, struct rv v, const struct style *st, unsigned level)
{
	char scratch[24];
	bool object = v.kind == RV_OBJECT;
	uint32_t n = rv_len(v);

	if (b->bad)
		return;
	switch ((enum rv_kind)v.kind) {
	case RV_UNDEF:
	case RV_NULL:
		buf_puts(b, "null");
		return;
	case RV_BOOL:
		buf_puts(b, v.sub ? "true" : "false");
		return;
	case RV_NUMBER:
		buf_slice(b, rv_number_text(v, scratch));
		return;
	case RV_STRING:
		write_json_string(b, rv_slice(v), st->html);
		return;
	case RV_ARRAY:
	case RV_SET:
	case RV_OBJECT:
		break;
	}
	rv_sort(v);
	buf_putc(b, object ? '{' : '[');
	for (uint32_t i = 0; i < n; i++) {
		if (i)
			buf_putc(b, ',');
		new_line(b, st, level + 1);
		if (object) {
			write_key(b, rv_key(v, i), st);
			buf_puts(b, st->indent ? ": " : ":");
			write_json(b, rv_val(v, i), st, level + 1);
		} else {
			write_json(b, v.kind == RV_ARRAY ? rv_at(v, i) : rv_key(v, i), st, level + 1);
		}
	}
	if (n)
		new_line(b, st, level);
	buf_putc(b, object ? '}' : ']');
}

void rv_to_json(struct buf *b, struct rv v)
{
	const struct style st = {0};

	write_json(b, v, &st, 0);
}

void rv_to_json_html(struct buf *b, struct rv v)
{
	const struct style st = {.html = true};

	write_json(b, v, &st, 0);
}

void rv_to_json_pretty(struct buf *b, struct rv v, const char *prefix, const char *indent)
{
	const struct style st = {.html = true, .prefix = prefix, .indent = indent};

	write_json(b, v, &st, 0);
}

/* Shown as it is: not a control, format, private-use or surrogate code point. */
static bool printable(int32_t cp)
{
	if (cp < 0x20 || (cp >= 0x7f && cp <= 0xa0) || cp == 0xad)
		return false;
	if ((cp >= 0x2000 && cp <= 0x200f) || (cp >= 0x2028 && cp <= 0x202f) || (cp >= 0x205f && cp <= 0x206f))
		return false;
	if (cp == 0x3000 || cp == 0x1680 || cp == 0x180e || cp == 0xfeff || (cp >= 0xe000 && cp <= 0xf8ff))
		return false;
	return (cp & 0xfffe) != 0xfffe && !(cp >= 0xfff0 && cp <= 0xfffb) && cp < 0xe0000;
}

void rv_quote(struct buf *b, struct slice s)
{
	size_t i = 0;

	buf_putc(b, '"');
	while (i < s.n) {
		size_t from = i;
		int32_t cp = utf8_next(s, &i);

		if (cp < 0) {
			buf_printf(b, "\\x%02x", s.p[i++]);
		} else if (cp == '"' || cp == '\\') {
			buf_putc(b, '\\');
			buf_putc(b, (char)cp);
		} else if (cp >= 7 && cp <= 13) {
			buf_putc(b, '\\');
			buf_putc(b, "abtnvfr"[cp - 7]);
		} else if (printable(cp)) {
			buf_put(b, s.p + from, i - from);
		} else if (cp < 0x80) {
			buf_printf(b, "\\x%02x", (unsigned)cp);
		} else {
			buf_printf(b, cp < 0x10000 ? "\\u%04x" : "\\U%08x", (unsigned)cp);
		}
	}
	buf_putc(b, '"');
}

void rv_to_text(struct buf *b, struct rv v)
{
	uint32_t n = rv_len(v);

	if (b->bad)
		return;
	if (v.kind < RV_ARRAY) {
		const struct style st = {0};

		if (v.kind == RV_STRING)
			rv_quote(b, rv_slice(v));
		else if (v.kind == RV_UNDEF)
			buf_puts(b, "<undefined>");
		else
			write_json(b, v, &st, 0);
		return;
	}
	if (v.kind == RV_SET && n == 0) {
		buf_puts(b, "set()");
		return;
	}
	rv_sort(v);
	buf_putc(b, v.kind == RV_ARRAY ? '[' : '{');
	for (uint32_t i = 0; i < n; i++) {
		if (i)
			buf_puts(b, ", ");
		rv_to_text(b, v.kind == RV_ARRAY ? rv_at(v, i) : rv_key(v, i));
		if (v.kind == RV_OBJECT) {
			buf_puts(b, ": ");
			rv_to_text(b, rv_val(v, i));
		}
	}
	buf_putc(b, v.kind == RV_ARRAY ? ']' : '}');
}

static struct rv as_value(struct rv_heap *h, struct rv v, void (*write)(struct buf *, struct rv))
{
	struct buf b = buf_in(h->arena, h->left < ((size_t)64 << 20) ? h->left : 0);

	write(&b, v);
	if (!buf_ok(&b)) {
		h->bad = true;
		return rv_undef();
	}
	return rv_str(h, b.p, b.n);
}

struct rv rv_text_value(struct rv_heap *h, struct rv v)
{
	return v.kind == RV_STRING ? v : as_value(h, v, rv_to_text);
}

struct rv rv_json_value(struct rv_heap *h, struct rv v)
{
	return as_value(h, v, rv_to_json);
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

/* Bytes that are no UTF-8, which only strings made by a policy hold, become U+FFFD as in text. */
static struct json *doc_string(struct arena *a, struct slice s)
{
	struct buf b = buf_in(a, 0);

	if (utf8_valid(s))
		return json_new_str(a, s);
	for (size_t i = 0; i < s.n;) {
		size_t from = i;

		if (utf8_next(s, &i) >= 0)
			buf_put(&b, s.p + from, i - from);
		else
			buf_puts(&b, "\xef\xbf\xbd"), i++;
	}
	return buf_ok(&b) ? json_new_str(a, buf_view(&b)) : NULL;
}

/* The keys of an object differ, so its members are filled in without looking for each. */
static struct json *doc_object(struct arena *a, struct rv v)
{
	struct json *out = json_new_object(a);
	struct json_member *m = arena_array(a, rv_len(v) + 1u, struct json_member);

	if (!out || !m)
		return NULL;
	for (uint32_t i = 0; i < rv_len(v); i++) {
		struct rv k = rv_key(v, i);

		if (k.kind != RV_STRING || !utf8_valid(rv_slice(k)))
			return NULL;
		m[i].name = arena_dup(a, rv_slice(k));
		m[i].value = rv_to_doc(a, rv_val(v, i));
		if (!m[i].name.p || !m[i].value)
			return NULL;
	}
	out->members = m;
	out->n = rv_len(v);
	out->cap = out->n + 1;
	return out;
}

static struct json *doc_array(struct arena *a, struct rv v)
{
	struct json *out = json_new_array(a);

	for (uint32_t i = 0; out && i < rv_len(v); i++) {
		struct json *item = rv_to_doc(a, v.kind == RV_ARRAY ? rv_at(v, i) : rv_key(v, i));

		if (!item)
			return NULL;
		json_push(a, out, item);
	}
	return out;
}

struct json *rv_to_doc(struct arena *a, struct rv v)
{
	char scratch[24];

	rv_sort(v);
	switch ((enum rv_kind)v.kind) {
	case RV_UNDEF:
		return NULL;
	case RV_NULL:
		return json_new_null(a);
	case RV_BOOL:
		return json_new_bool(a, v.sub);
	case RV_NUMBER:
		return json_new_number(a, rv_number_text(v, scratch));
	case RV_STRING:
		return doc_string(a, rv_slice(v));
	case RV_ARRAY:
	case RV_SET:
		return doc_array(a, v);
	case RV_OBJECT:
		return doc_object(a, v);
	}
	return NULL;
}
