#include "rego/lex.h"

#include <limits.h>

#include "base/num.h"
#include "base/utf8.h"

#define MAX_TEMPLATES 32

struct lexer {
	struct comp *c;
	struct module *m;
	const uint8_t *p;
	size_t at, n;
	uint32_t row, line_at;
	/* columns count characters: bytes that only continue one, on the line at `wide_line` and before `wide_at` */
	uint32_t wide_line, wide_at, wide;
	struct token *toks;
	uint32_t ntoks, cap;
	/* template strings that are open: the depth of braces inside each */
	struct {
		unsigned braces;
		bool raw;
	} open[MAX_TEMPLATES];
	unsigned nopen;
	bool stop;
};

static const char *const names[] = {
	[K_EOF] = "eof", [K_ILLEGAL] = "illegal", [K_IDENT] = "identifier", [K_STRING] = "string", [K_RAW] = "string",
	[K_NUMBER] = "number", [K_TEMPLATE] = "template-string", [K_TEMPLATE_END] = "template-string",
	[K_PACKAGE] = "package", [K_IMPORT] = "import", [K_AS] = "as", [K_DEFAULT] = "default", [K_ELSE] = "else",
	[K_NOT] = "not", [K_SOME] = "some", [K_WITH] = "with", [K_NULL] = "null", [K_TRUE] = "true",
	[K_FALSE] = "false", [K_IN] = "in", [K_EVERY] = "every", [K_CONTAINS] = "contains", [K_IF] = "if",
	[K_AND] = "and", [K_OR] = "or", [K_LBRACK] = "[", [K_RBRACK] = "]", [K_LBRACE] = "{", [K_RBRACE] = "}",
	[K_LPAREN] = "(", [K_RPAREN] = ")", [K_COMMA] = ",", [K_COLON] = ":", [K_SEMI] = ";", [K_DOT] = ".",
	[K_PLUS] = "plus", [K_MINUS] = "minus", [K_MUL] = "mul", [K_DIV] = "div", [K_REM] = "rem", [K_AMP] = "and",
	[K_BAR] = "or", [K_UNIFY] = "eq", [K_ASSIGN] = "assign", [K_EQ] = "equal", [K_NE] = "neq", [K_LT] = "lt",
	[K_LE] = "lte", [K_GT] = "gt", [K_GE] = "gte",
};

const char *tok_name(enum tok k)
{
	return names[k];
}

bool tok_is_keyword(enum tok k)
{
	return k >= K_PACKAGE && k <= K_OR;
}

static int peek(const struct lexer *l, size_t ahead)
{
	return l->at + ahead < l->n ? l->p[l->at + ahead] : -1;
}

static bool is_letter(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(int c)
{
	return c >= '0' && c <= '9';
}

/* The column of a byte of the line that begins at line_at. Asked from left to right, so that each byte is seen once. */
static uint32_t column(struct lexer *l, size_t at, uint32_t line_at)
{
	if (l->wide_line != line_at || l->wide_at > at) {
		l->wide_line = l->wide_at = line_at;
		l->wide = 0;
	}
	for (; l->wide_at < at; l->wide_at++)
		l->wide += (l->p[l->wide_at] & 0xc0) == 0x80;
	return (uint32_t)at - line_at - l->wide + 1;
}

static struct token *add(struct lexer *l, enum tok k, size_t from, uint32_t row, uint32_t line_at)
{
	struct token *t;

	if (l->ntoks == l->cap) {
		uint32_t cap = l->cap ? l->cap * 2 : 256;
		struct token *more = arena_grow(l->c->arena, l->toks, l->cap * sizeof(*more), cap * sizeof(*more));

		if (!more) {
			comp_oom(l->c);
			l->stop = true;
			return NULL;
		}
		l->toks = more;
		l->cap = cap;
	}
	t = &l->toks[l->ntoks++];
	*t = (struct token){.kind = k, .text = slice_of(l->p + from, l->at - from)};
	t->loc = (struct loc){.row = row, .col = column(l, from, line_at), .off = (uint32_t)from,
			      .len = (uint32_t)(l->at - from), .mod = l->m->index};
	return t;
}

static void illegal(struct lexer *l, size_t from, uint32_t row, uint32_t line_at, const char *err)
{
	struct token *t = add(l, K_ILLEGAL, from, row, line_at);

	if (t)
		t->err = err;
}

static void comment(struct lexer *l)
{
	struct module *m = l->m;
	size_t from = l->at, end;

	while (l->at < l->n && l->p[l->at] != '\n')
		l->at++;
	end = l->at > from + 1 && l->p[l->at - 1] == '\r' ? l->at - 1 : l->at;
	if (m->ncomments == m->cap_comments) {
		uint32_t cap = m->cap_comments ? m->cap_comments * 2 : 16;

		m->comments = arena_grow(l->c->arena, m->comments, m->cap_comments * sizeof(struct loc), cap * sizeof(struct loc));
		if (!m->comments) {
			m->ncomments = m->cap_comments = 0;
			comp_oom(l->c);
			return;
		}
		m->cap_comments = cap;
	}
	m->comments[m->ncomments++] = (struct loc){.row = l->row, .col = column(l, from, l->line_at), .off = (uint32_t)from,
						   .len = (uint32_t)(end - from), .mod = m->index};
}

/* What no source may hold, in a comment or string neither; NULL when all is well. `from` is the byte before. */
static const char *bad_byte(const struct lexer *l, size_t from)
{
	size_t i = from;

	if (i < l->n && utf8_next(slice_of(l->p, l->n), &i) < 0)
		i++;
	while (i <= l->at && i < l->n) {
		int32_t cp = l->p[i];

		if (cp == 0)
			return "illegal null character";
		if (cp < 0x80) {
			i++;
			continue;
		}
		cp = utf8_next(slice_of(l->p, l->n), &i);
		if (cp < 0)
			return "illegal utf-8 character";
		if (cp == 0xfeff)
			return "illegal byte-order mark";
	}
	return NULL;
}

/* White space and comments; true when there was any. A bad byte is told at what stands before it. */
static bool skip(struct lexer *l)
{
	size_t start = l->at;

	for (;;) {
		int c = peek(l, 0);
		size_t from = l->at;
		const char *bad;

		if (c == '\n') {
			l->at++;
			l->row++;
			l->line_at = (uint32_t)l->at;
		} else if (c == ' ' || c == '\t' || c == '\r') {
			l->at++;
		} else if (c == '#') {
			comment(l);
		} else {
			return l->at != start;
		}
		bad = bad_byte(l, from);
		if (bad) {
			illegal(l, from, l->row, l->line_at, bad);
			l->stop = true;
			return true;
		}
	}
}

static int hex4(const struct lexer *l)
{
	int v = 0;

	for (size_t i = 0; i < 4; i++) {
		int c = peek(l, i), d = is_digit(c) ? c - '0' : -1;

		if ((c | 32) >= 'a' && (c | 32) <= 'f')
			d = (c | 32) - 'a' + 10;
		if (d < 0)
			return -1;
		v = v << 4 | d;
	}
	return v;
}

/* The escape behind a backslash at l->at; false when there is no such escape. */
static bool escape(struct lexer *l, struct buf *b, bool in_template)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	int c = peek(l, 0), v, low;
	const char *at = c > 0 ? strchr(from, c) : NULL;
	uint8_t out[4];

	if (at) {
		buf_putc(b, to[at - from]);
		l->at++;
		return true;
	}
	if (in_template && c == '{') {
		buf_putc(b, (char)c);
		l->at++;
		return true;
	}
	if (c != 'u')
		return false;
	l->at++;
	v = hex4(l);
	if (v < 0)
		return false;
	l->at += 4;
	if (v >= 0xd800 && v < 0xdc00 && peek(l, 0) == '\\' && peek(l, 1) == 'u') {
		l->at += 2;
		low = hex4(l);
		l->at -= 2;
		if (low >= 0xdc00 && low < 0xe000) {
			v = 0x10000 + ((v - 0xd800) << 10) + (low - 0xdc00);
			l->at += 6;
		}
	}
	if (v >= 0xd800 && v < 0xe000)
		v = 0xfffd;
	buf_put(b, out, utf8_put((uint32_t)v, out));
	return true;
}

/* Behind a string's backslash, where its end is looked for. */
static void skip_escape(struct lexer *l, const char **err, bool in_template)
{
	int c = peek(l, 0);

	if (c > 0 && (strchr("\\\"/bfnrt", c) || (in_template && c == '{')))
		l->at++;
	else if (c == 'u')
		l->at = MIN_OF(l->at + 4, l->n);	/* what they are is seen to later */
	else
		*err = "illegal escape sequence";
}

/* The text of a string without its quotes. False for what looks like escapes and is none. */
static bool unescape(struct lexer *l, size_t from, size_t end, bool in_template, struct slice *out)
{
	size_t at = l->at;
	struct buf b = buf_in(l->c->arena, 0);
	bool escapes = memchr(l->p + from, '\\', end - from) != NULL, good = true;

	for (l->at = from; l->at < end && good;) {
		uint8_t c = l->p[l->at++];

		if (c == '\\')
			good = escape(l, &b, in_template);
		else if (c < 0x20 && escapes)
			good = false;
		else
			buf_putc(&b, (char)c);
	}
	l->at = at;
	if (!buf_ok(&b))
		comp_oom(l->c);
	*out = buf_view(&b);
	return good;
}

static void string(struct lexer *l)
{
	size_t from = l->at++;
	const char *err = NULL;
	struct slice text;
	struct token *t;

	for (;;) {
		int c = peek(l, 0);

		if (c < 0 || c == '\n') {
			illegal(l, from, l->row, l->line_at, err ? err : "non-terminated string");
			return;
		}
		l->at++;
		if (c == '"')
			break;
		if (c == '\\')
			skip_escape(l, &err, false);
	}
	if (!err && !unescape(l, from + 1, l->at - 1, false, &text))
		err = arena_printf(l->c->arena, "illegal string literal: %.*s", (int)(l->at - from), (const char *)l->p + from);
	if (err) {
		illegal(l, from, l->row, l->line_at, err);
		return;
	}
	t = add(l, K_STRING, from, l->row, l->line_at);
	if (t)
		t->text = text;
}

static void raw_string(struct lexer *l)
{
	size_t from = l->at++, end;
	uint32_t row = l->row, line_at = l->line_at;
	struct buf b = buf_in(l->c->arena, 0);
	struct token *t;

	for (end = l->at; end < l->n && l->p[end] != '`'; end++)
		;
	if (end >= l->n) {
		l->at = l->n;
		illegal(l, from, row, line_at, "non-terminated string");
		return;
	}
	for (; l->at < end; l->at++) {
		uint8_t c = l->p[l->at];

		if (c == '\n') {
			l->row++;
			l->line_at = (uint32_t)l->at + 1;
		}
		buf_putc(&b, (char)c);
	}
	l->at++;
	t = add(l, K_RAW, from, row, line_at);
	if (t)
		t->text = buf_view(&b);
}

/* The text of a template string from l->at on: up to a brace that opens an expression, or the end. */
static void template_part(struct lexer *l, size_t from, bool raw)
{
	uint32_t row = l->row, line_at = l->line_at;
	size_t start = l->at;
	struct slice text = {NULL, 0};
	const char *err = NULL;
	struct token *t;
	bool more = false;

	for (;;) {
		int c = peek(l, 0);

		if (c < 0 || (c == '\n' && !raw)) {
			illegal(l, from, row, line_at, err ? err : "non-terminated string");
			return;
		}
		l->at++;
		if (c == (raw ? '`' : '"'))
			break;
		if (c == '{') {
			more = true;
			break;
		}
		if (c == '\n') {
			l->row++;
			l->line_at = (uint32_t)l->at;
		}
		if (c == '\\' && !raw)
			skip_escape(l, &err, true);
		else if (c == '\\' && peek(l, 0) == '{')
			l->at++;
	}
	if (raw) {
		struct buf b = buf_in(l->c->arena, 0);

		for (size_t i = start; i < l->at - 1; i++) {
			if (l->p[i] != '\\' || l->p[i + 1] != '{' || i + 1 == l->at - 1)
				buf_putc(&b, (char)l->p[i]);
		}
		if (!buf_ok(&b))
			comp_oom(l->c);
		text = buf_view(&b);
	} else if (!err && !unescape(l, start, l->at - 1, true, &text)) {
		err = arena_printf(l->c->arena, "illegal template-string part: %.*s", (int)(l->at - from), (const char *)l->p + from);
	}
	if (more && l->nopen == MAX_TEMPLATES) {
		err = "template strings nest too deep";
	} else if (more) {
		l->open[l->nopen].braces = 0;
		l->open[l->nopen++].raw = raw;
	}
	if (err) {
		illegal(l, from, row, line_at, err);
		return;
	}
	t = add(l, more ? K_TEMPLATE : K_TEMPLATE_END, from, row, line_at);
	if (!t)
		return;
	t->text = text;
	t->raw = raw;
}

/* Digits with what belongs to them; a sign or a point in front is a token of its own, and the parser's. */
static void number(struct lexer *l)
{
	size_t from = l->at;
	const char *err = NULL;

	while (is_digit(peek(l, 0)))
		l->at++;
	if (peek(l, 0) == '.') {
		l->at++;
		if (!is_digit(peek(l, 0)))
			err = "expected fraction";
		while (is_digit(peek(l, 0)))
			l->at++;
	}
	if ((peek(l, 0) | 32) == 'e') {
		l->at++;
		if (peek(l, 0) == '+' || peek(l, 0) == '-')
			l->at++;
		if (!is_digit(peek(l, 0)) && !err)
			err = "expected exponent";
		while (is_digit(peek(l, 0)))
			l->at++;
	}
	if (is_letter(peek(l, 0)) && !err)
		err = "illegal number format";
	while (is_letter(peek(l, 0)) || (err && is_digit(peek(l, 0))))
		l->at++;
	if (err)
		illegal(l, from, l->row, l->line_at, err);
	else
		add(l, K_NUMBER, from, l->row, l->line_at);
}

enum tok tok_of_word(struct slice s)
{
	for (enum tok k = K_PACKAGE; k <= K_OR; k++) {
		if (slice_is(s, names[k]))
			return k;
	}
	return K_IDENT;
}

static enum tok symbol(struct lexer *l)
{
	int c = peek(l, 0), d = peek(l, 1);
	static const char one[] = "[]{}(),:;.+-*/%&|=<>";
	static const enum tok kinds[] = {K_LBRACK, K_RBRACK, K_LBRACE, K_RBRACE, K_LPAREN, K_RPAREN, K_COMMA,
					 K_COLON, K_SEMI, K_DOT, K_PLUS, K_MINUS, K_MUL, K_DIV, K_REM, K_AMP, K_BAR,
					 K_UNIFY, K_LT, K_GT};
	const char *at;

	if (d == '=') {
		enum tok two = c == ':' ? K_ASSIGN : c == '=' ? K_EQ : c == '!' ? K_NE : c == '<' ? K_LE
			     : c == '>' ? K_GE : K_EOF;

		if (two != K_EOF) {
			l->at += 2;
			return two;
		}
	}
	at = c > 0 ? strchr(one, c) : NULL;
	if (!at)
		return K_ILLEGAL;
	l->at++;
	return kinds[at - one];
}

static void next(struct lexer *l)
{
	bool space = skip(l);
	size_t from = l->at;
	int c = peek(l, 0);
	uint32_t before = l->ntoks, row = l->row, line_at = l->line_at;
	const char *bad;
	enum tok k;

	if (l->stop)
		return;
	if (c < 0) {
		add(l, K_EOF, from, l->row, l->line_at);
		l->stop = true;
		if (l->ntoks > before)	/* it stands on the last character, as messages have it */
			l->toks[before].loc.col--;
	} else if (is_letter(c)) {
		while (is_letter(peek(l, 0)) || is_digit(peek(l, 0)))
			l->at++;
		add(l, tok_of_word(slice_of(l->p + from, l->at - from)), from, l->row, l->line_at);
	} else if (is_digit(c)) {
		number(l);
	} else if (c == '"') {
		string(l);
	} else if (c == '`') {
		raw_string(l);
	} else if (c == '$' && (peek(l, 1) == '"' || peek(l, 1) == '`')) {
		bool raw = peek(l, 1) == '`';

		l->at += 2;
		template_part(l, from, raw);
	} else if (c == '}' && l->nopen && l->open[l->nopen - 1].braces == 0) {
		/* the end of an expression inside a template string */
		l->at++;
		template_part(l, from, l->open[--l->nopen].raw);
	} else {
		if ((c == '{' || c == '}') && l->nopen)
			l->open[l->nopen - 1].braces += c == '{' ? 1u : UINT_MAX;
		k = symbol(l);
		if (k == K_ILLEGAL) {
			size_t end = from;

			if (utf8_next(slice_of(l->p, l->n), &end) == 0xa0)
				illegal(l, from, row, line_at, "illegal non-breaking space character, use a regular space instead");
			else
				illegal(l, from, row, line_at, c == '$' ? "illegal $ character" : c == '!' ? "illegal ! character" : NULL);
			l->at = end > from ? end : from + 1;
		} else {
			add(l, k, from, l->row, l->line_at);
		}
	}
	bad = bad_byte(l, from);
	if (bad) {
		l->ntoks = before;
		illegal(l, from, row, line_at, bad);
		l->stop = true;
	}
	if (l->ntoks > before)
		l->toks[before].space = space;
}

bool lex_all(struct comp *c, struct module *m, struct token **out, uint32_t *n)
{
	struct lexer l = {.c = c, .m = m, .p = m->text.p, .n = m->text.n, .row = 1};

	if (slice_starts(m->text, SLICE_LIT("\xef\xbb\xbf")))
		l.at = 3;
	if (l.n && (l.p[0] == 0 || (l.p[0] >= 0x80 && !l.at && utf8_next(m->text, &(size_t){0}) < 0))) {
		illegal(&l, 0, 1, 0, l.p[0] ? "illegal utf-8 character" : "illegal null character");
		l.stop = true;
	}
	while (!l.stop)
		next(&l);
	*out = l.toks;
	*n = l.ntoks;
	return !c->no_memory;
}
