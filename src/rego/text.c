/* Text forms of values: JSON and Rego source text, and the document type of codec/json.h. */
#include <stdio.h>

#include "base/num.h"
#include "base/utf8.h"
#include "rego/value.h"

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
	uint32_t n;

	if (b->bad)
		return;
	rv_open(v);
	n = rv_len(v);
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
	uint32_t n;

	if (b->bad)
		return;
	rv_open(v);
	n = rv_len(v);
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
