#include "rego/lex.h"

#include "base/utf8.h"

#define MAX_TEMPLATES 32

struct lexer {
	struct comp *c;
	struct module *m;
	const uint8_t *p;
	size_t at, n;
	uint32_t row, line_at;
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
	t->loc = (struct loc){.row = row, .col = (uint32_t)from - line_at + 1, .off = (uint32_t)from,
			      .len = (uint32_t)(l->at - from), .mod = l->m->index};
	return t;
}

static void illegal(struct lexer *l, size_t from, const char *err)
{
	struct token *t = add(l, K_ILLEGAL, from, l->row, l->line_at);

	if (t)
		t->err = err;
	l->stop = true;
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
	m->comments[m->ncomments++] = (struct loc){.row = l->row, .col = (uint32_t)from - l->line_at + 1, .off = (uint32_t)from,
						   .len = (uint32_t)(end - from), .mod = m->index};
}

/* White space and comments; true when there was any. */
static bool skip(struct lexer *l)
{
	size_t from = l->at;

	for (;;) {
		int c = peek(l, 0);

		if (c == '\n') {
			l->at++;
			l->row++;
			l->line_at = (uint32_t)l->at;
		} else if (c == ' ' || c == '\t' || c == '\r') {
			l->at++;
		} else if (c == '#') {
			comment(l);
		} else {
			return l->at != from;
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

static void string(struct lexer *l)
{
	size_t from = l->at++;
	struct buf b = buf_in(l->c->arena, 0);
	struct token *t;

	for (;;) {
		int c = peek(l, 0);

		if (c < 0 || c == '\n') {
			illegal(l, from, "non-terminated string");
			return;
		}
		l->at++;
		if (c == '"')
			break;
		if (c == '\\') {
			if (!escape(l, &b, false)) {
				illegal(l, from, "illegal string escape sequence");
				return;
			}
		} else if (c < 0x20 && c != '\t') {
			illegal(l, from, "invalid character in string");
			return;
		} else {
			buf_putc(&b, (char)c);
		}
	}
	t = add(l, K_STRING, from, l->row, l->line_at);
	if (t)
		t->text = buf_view(&b);
	if (!buf_ok(&b))
		comp_oom(l->c);
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
		illegal(l, from, "non-terminated string");
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
	struct buf b = buf_in(l->c->arena, 0);
	struct token *t;
	bool more = false;

	for (;;) {
		int c = peek(l, 0);

		if (c < 0 || (c == '\n' && !raw)) {
			illegal(l, from, "non-terminated string");
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
		if (c == '\\' && raw) {
			if (peek(l, 0) == '{')
				buf_putc(&b, (char)l->p[l->at++]);
			else
				buf_putc(&b, '\\');
		} else if (c == '\\') {
			if (!escape(l, &b, true)) {
				illegal(l, from, "illegal string escape sequence");
				return;
			}
		} else {
			buf_putc(&b, (char)c);
		}
	}
	t = add(l, more ? K_TEMPLATE : K_TEMPLATE_END, from, row, line_at);
	if (!t)
		return;
	t->text = buf_view(&b);
	t->raw = raw;
	if (more) {
		if (l->nopen == MAX_TEMPLATES) {
			illegal(l, from, "template strings nest too deep");
			return;
		}
		l->open[l->nopen].braces = 0;
		l->open[l->nopen++].raw = raw;
	}
}

static void number(struct lexer *l)
{
	size_t from = l->at, digits = l->at;
	struct token *t;
	bool dot_first;

	if (peek(l, 0) == '-')
		l->at++;
	digits = l->at;
	while (is_digit(peek(l, 0)))
		l->at++;
	if (l->at - digits > 1 && l->p[digits] == '0') {
		while (is_digit(peek(l, 0)) || peek(l, 0) == '.')
			l->at++;
		illegal(l, from, "unexpected number token: expected number without leading zero");
		return;
	}
	dot_first = l->at == digits;
	if (peek(l, 0) == '.' && is_digit(peek(l, 1))) {
		l->at++;
		while (is_digit(peek(l, 0)))
			l->at++;
	} else if (peek(l, 0) == '.') {
		l->at++;
		illegal(l, from, "expected fraction");
		return;
	}
	if ((peek(l, 0) | 32) == 'e') {
		l->at++;
		if (peek(l, 0) == '+' || peek(l, 0) == '-')
			l->at++;
		if (!is_digit(peek(l, 0))) {
			illegal(l, from, "expected exponent");
			return;
		}
		while (is_digit(peek(l, 0)))
			l->at++;
	}
	if (is_letter(peek(l, 0))) {
		illegal(l, from, "illegal number format");
		return;
	}
	t = add(l, K_NUMBER, from, l->row, l->line_at);
	if (t && dot_first) {	/* .5 is 0.5 */
		char *s = arena_printf(l->c->arena, "%s0%.*s", digits > from ? "-" : "", (int)(l->at - digits),
				       (const char *)l->p + digits);

		t->text = slice_cstr(s);
		if (!s)
			comp_oom(l->c);
	}
}

static enum tok word(struct slice s)
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
	uint32_t before = l->ntoks;
	enum tok k;

	if (c < 0) {
		add(l, K_EOF, from, l->row, l->line_at);
		l->stop = true;
	} else if (is_letter(c)) {
		while (is_letter(peek(l, 0)) || is_digit(peek(l, 0)))
			l->at++;
		add(l, word(slice_of(l->p + from, l->at - from)), from, l->row, l->line_at);
	} else if (is_digit(c) || (c == '.' && is_digit(peek(l, 1)) && (space || l->ntoks == 0 ||
		   (l->toks[l->ntoks - 1].kind > K_OR && l->toks[l->ntoks - 1].kind != K_RBRACK &&
		    l->toks[l->ntoks - 1].kind != K_RPAREN && l->toks[l->ntoks - 1].kind != K_RBRACE)))) {
		number(l);
	} else if (c == '-' && (is_digit(peek(l, 1)) || (peek(l, 1) == '.' && is_digit(peek(l, 2)))) &&
		   !(l->ntoks && (l->toks[l->ntoks - 1].kind == K_IDENT || l->toks[l->ntoks - 1].kind == K_NUMBER ||
				  l->toks[l->ntoks - 1].kind == K_RBRACK || l->toks[l->ntoks - 1].kind == K_RPAREN ||
				  l->toks[l->ntoks - 1].kind == K_RBRACE))) {
		number(l);
	} else if (c == '"') {
		string(l);
	} else if (c == '`') {
		raw_string(l);
	} else if (c == '$' && (peek(l, 1) == '"' || peek(l, 1) == '`')) {
		bool raw = peek(l, 1) == '`';

		l->at += 2;
		template_part(l, from, raw);
	} else {
		if (c == '{' && l->nopen) {
			l->open[l->nopen - 1].braces++;
		} else if (c == '}' && l->nopen && l->open[l->nopen - 1].braces-- == 0) {
			/* the end of an expression inside a template string */
			l->at++;
			template_part(l, from, l->open[--l->nopen].raw);
			goto out;
		}
		k = symbol(l);
		if (k == K_ILLEGAL) {
			l->at++;
			illegal(l, from, c == 0 ? "illegal null character" : "illegal token");
		} else {
			add(l, k, from, l->row, l->line_at);
		}
	}
out:
	if (l->ntoks > before)
		l->toks[before].space = space;
}

bool lex_all(struct comp *c, struct module *m, struct token **out, uint32_t *n)
{
	struct lexer l = {.c = c, .m = m, .p = m->text.p, .n = m->text.n, .row = 1};

	while (!l.stop)
		next(&l);
	*out = l.toks;
	*n = l.ntoks;
	return !c->no_memory;
}
