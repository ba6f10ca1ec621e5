/* json_write.c - compact, pretty and canonical (RFC 8785) output. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/scan.h"
#include "base/utf8.h"
#include "codec/json_priv.h"

/* From the first byte on that may not stand as it is. */
static void write_escaped(struct buf *b, struct slice s, size_t plain)
{
	static const char hex[] = "0123456789abcdef";
	size_t from = 0;

	buf_putc(b, '"');
	for (size_t i = plain; i < s.n; i++) {
		char esc[6] = {'\\', 0, '0', '0', 0, 0};
		size_t n = 2;
		uint8_t c;

		i += scan_json(s.p + i, s.n - i);
		if (i == s.n)
			break;
		c = s.p[i];
		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		switch (c) {
		case '"':
		case '\\':
			esc[1] = (char)c;
			break;
		case '\b':
			esc[1] = 'b';
			break;
		case '\f':
			esc[1] = 'f';
			break;
		case '\n':
			esc[1] = 'n';
			break;
		case '\r':
			esc[1] = 'r';
			break;
		case '\t':
			esc[1] = 't';
			break;
		default:
			esc[1] = 'u';
			esc[4] = hex[c >> 4];
			esc[5] = hex[c & 15];
			n = 6;
		}
		buf_put(b, s.p + from, i - from);
		buf_put(b, esc, n);
		from = i + 1;
	}
	buf_put(b, s.p + from, s.n - from);
	buf_putc(b, '"');
}

void json_write_quoted(struct buf *b, struct slice s)
{
	size_t plain = scan_json(s.p, s.n);
	uint8_t *q;

	if (plain < s.n) {
		write_escaped(b, s, plain);
		return;
	}
	q = buf_extend(b, s.n + 2);
	if (!q)
		return;
	q[0] = '"';
	if (s.n)
		memcpy(q + 1, s.p, s.n);
	q[s.n + 1] = '"';
}

static void newline(struct buf *b, unsigned depth)
{
	buf_putc(b, '\n');
	for (unsigned i = 0; i < depth; i++)
		buf_puts(b, "  ");
}

static void write_value(struct buf *b, const struct json *v, bool pretty, unsigned depth)
{
	if (!v) {
		b->bad = true;
		return;
	}
	switch (v->kind) {
	case JSON_NULL:
		buf_puts(b, "null");
		break;
	case JSON_BOOL:
		buf_puts(b, v->boolean ? "true" : "false");
		break;
	case JSON_NUMBER:
		buf_slice(b, v->text);
		break;
	case JSON_STRING:
		json_write_quoted(b, v->text);
		break;
	case JSON_ARRAY:
		buf_putc(b, '[');
		for (size_t i = 0; i < v->n; i++) {
			if (i)
				buf_putc(b, ',');
			if (pretty)
				newline(b, depth + 1);
			write_value(b, v->items[i], pretty, depth + 1);
		}
		if (pretty && v->n)
			newline(b, depth);
		buf_putc(b, ']');
		break;
	case JSON_OBJECT:
		buf_putc(b, '{');
		for (size_t i = 0; i < v->n; i++) {
			if (i)
				buf_putc(b, ',');
			if (pretty)
				newline(b, depth + 1);
			json_write_quoted(b, v->members[i].name);
			buf_putc(b, ':');
			if (pretty)
				buf_putc(b, ' ');
			write_value(b, v->members[i].value, pretty, depth + 1);
		}
		if (pretty && v->n)
			newline(b, depth);
		buf_putc(b, '}');
		break;
	}
}

void json_write(struct buf *b, const struct json *v)
{
	write_value(b, v, false, 0);
}

void json_write_pretty(struct buf *b, const struct json *v)
{
	write_value(b, v, true, 0);
}

struct slice json_text(struct arena *a, const struct json *v)
{
	struct buf b = buf_in(a, 0);

	json_write(&b, v);
	return buf_cstr(&b) ? buf_view(&b) : (struct slice){NULL, 0};
}

/* ECMAScript Number::toString for a finite double (RFC 8785, 3.2.2.3). */
static void write_es_number(struct buf *b, double d)
{
	char t[40], digits[20];
	int exp, n = 0, prec;

	if (d == 0) {
		buf_putc(b, '0');
		return;
	}
	for (prec = 0; prec < 17; prec++) {	/* the shortest text that reads back */
		snprintf(t, sizeof(t), "%.*e", prec, d);
		if (strtod(t, NULL) == d)
			break;
	}
	if (t[0] == '-')
		buf_putc(b, '-');
	for (const char *p = t; *p && *p != 'e'; p++)
		if (*p >= '0' && *p <= '9' && n < (int)sizeof(digits))
			digits[n++] = *p;
	exp = atoi(strchr(t, 'e') + 1) + 1;	/* the point stands behind this many digits */
	if (n <= exp && exp <= 21) {
		buf_put(b, digits, (size_t)n);
		for (int i = n; i < exp; i++)
			buf_putc(b, '0');
	} else if (0 < exp && exp <= 21) {
		buf_put(b, digits, (size_t)exp);
		buf_putc(b, '.');
		buf_put(b, digits + exp, (size_t)(n - exp));
	} else if (-6 < exp && exp <= 0) {
		buf_puts(b, "0.");
		for (int i = exp; i < 0; i++)
			buf_putc(b, '0');
		buf_put(b, digits, (size_t)n);
	} else {
		buf_putc(b, digits[0]);
		if (n > 1) {
			buf_putc(b, '.');
			buf_put(b, digits + 1, (size_t)(n - 1));
		}
		buf_printf(b, "e%c%d", exp - 1 < 0 ? '-' : '+', abs(exp - 1));
	}
}

/* Order of UTF-16 code units: characters beyond the BMP sort as their high surrogate. */
static uint32_t utf16_key(int32_t cp)
{
	return cp >= 0x10000 ? 0xd800u + (((uint32_t)cp - 0x10000) >> 10) : (uint32_t)cp;
}

static int utf16_cmp(struct slice a, struct slice b)
{
	size_t i = 0, k = 0;

	while (i < a.n && k < b.n) {
		int32_t x = utf8_next(a, &i), y = utf8_next(b, &k);

		if (x < 0 || y < 0)
			return slice_cmp(a, b);
		if (x != y) {
			uint32_t u = utf16_key(x), v = utf16_key(y);

			return u != v ? (u < v ? -1 : 1) : (x < y ? -1 : 1);
		}
	}
	return (i < a.n) - (k < b.n);
}

static int by_utf16(const void *x, const void *y)
{
	const struct json_member *const *a = x, *const *b = y;

	return utf16_cmp((*a)->name, (*b)->name);
}

rc json_write_jcs(struct buf *b, const struct json *v, struct why *w)
{
	const struct json_member **sorted;
	double d;

	if (!v)
		return deny(w, E_INTERNAL, "json.jcs", "no value to write");
	switch (v->kind) {
	case JSON_NUMBER:
		d = json_double(v);
		if (!isfinite(d))
			return deny(w, E_MALFORMED, "json.jcs", "the number " SLICE_FMT " has no canonical form",
				    SLICE_ARG(slice_sub(v->text, 0, 64)));
		write_es_number(b, d);
		break;
	case JSON_ARRAY:
		buf_putc(b, '[');
		for (size_t i = 0; i < v->n; i++) {
			if (i)
				buf_putc(b, ',');
			TRY(json_write_jcs(b, v->items[i], w));
		}
		buf_putc(b, ']');
		break;
	case JSON_OBJECT:
		sorted = arena_alloc_n(b->arena, v->n ? v->n : 1, sizeof(*sorted));
		if (!sorted) {
			b->bad = true;
			break;
		}
		for (size_t i = 0; i < v->n; i++)
			sorted[i] = &v->members[i];
		qsort(sorted, v->n, sizeof(*sorted), by_utf16);
		buf_putc(b, '{');
		for (size_t i = 0; i < v->n; i++) {
			if (i)
				buf_putc(b, ',');
			json_write_quoted(b, sorted[i]->name);
			buf_putc(b, ':');
			TRY(json_write_jcs(b, sorted[i]->value, w));
		}
		buf_putc(b, '}');
		break;
	case JSON_NULL:
	case JSON_BOOL:
	case JSON_STRING:
		write_value(b, v, false, 0);
		break;
	}
	if (!buf_ok(b))
		return deny(w, E_LIMIT, "json.memory", "no room for canonical JSON");
	return rc_of(OK);
}
