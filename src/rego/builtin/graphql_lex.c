/* graphql_lex.c - characters to tokens. */
#include "rego/builtin/graphql_lex.h"

#include "base/utf8.h"

/* ---- characters ---- */

/* Bytes that are no UTF-8 become U+FFFD, one each, as they would when the tree is written as JSON. */
static struct slice repaired(struct gql *g, struct slice text)
{
	struct buf b = buf_in(g->a, 0);
	size_t at = 0;

	if (utf8_valid(text))
		return text;
	while (at < text.n) {
		size_t from = at;

		if (utf8_next(text, &at) >= 0) {
			buf_put(&b, text.p + from, at - from);
		} else {
			buf_puts(&b, "\xef\xbf\xbd");
			at++;
		}
	}
	if (!buf_ok(&b))
		g->end = rc_of(E_LIMIT);
	return buf_view(&b);
}

void gql_lex_open(struct gql_lexer *l, struct gql *g, struct slice text)
{
	*l = (struct gql_lexer){.g = g, .line = 1};
	/* places are int32_t */
	if (text.n > INT32_MAX / 4)
		g->end = rc_of(E_LIMIT);
	else if (gql_spend(g, 20 + (uint32_t)(text.n / 8)))
		l->in = repaired(g, text);
}

static uint8_t byte_at(const struct gql_lexer *l, size_t ahead)
{
	return l->at + ahead < l->in.n ? l->in.p[l->at + ahead] : 0;
}

static bool more(const struct gql_lexer *l)
{
	return l->at < l->in.n;
}

static bool looking_at(const struct gql_lexer *l, const char *s)
{
	return slice_starts(slice_sub(l->in, l->at, l->in.n), slice_cstr(s));
}

/* n bytes of one character each. */
static void ascii(struct gql_lexer *l, size_t n)
{
	l->at += n;
	l->runes += (int32_t)n;
}

/* One character of any length; the text is valid. */
static void character(struct gql_lexer *l)
{
	do
		l->at++;
	while ((byte_at(l, 0) & 0xc0) == 0x80);
	l->runes++;
}

static void new_line(struct gql_lexer *l)
{
	l->line++;
	l->line_runes = l->runes;
}

static void blanks(struct gql_lexer *l)
{
	for (;;) {
		uint8_t ch = byte_at(l, 0);

		if (ch == '\t' || ch == ' ' || ch == ',') {
			ascii(l, 1);
		} else if (ch == '\n') {
			ascii(l, 1);
			new_line(l);
		} else if (ch == '\r') {
			/* the place counts the \n of a pair to the next line, as the reference does */
			ascii(l, 1);
			new_line(l);
			if (byte_at(l, 0) == '\n')
				ascii(l, 1);
		} else if (ch == 0xef && looking_at(l, "\xef\xbb\xbf")) {
			character(l);
		} else {
			return;
		}
	}
}

/* ---- tokens ---- */

struct start {
	size_t at;
	int32_t runes;
};

static struct gql_token token(const struct gql_lexer *l, enum gql_tok kind, struct slice text, int32_t runes)
{
	return (struct gql_token){kind, text, {l->line, runes - l->line_runes + 1}};
}

static struct gql_token plain(const struct gql_lexer *l, enum gql_tok kind, struct start s)
{
	return token(l, kind, slice_sub(l->in, s.at, l->at - s.at), s.runes);
}

/* Its place is where reading stopped. */
static struct gql_token invalid(const struct gql_lexer *l)
{
	return token(l, GQL_T_INVALID, SLICE_LIT(""), l->runes);
}

static bool digit(uint8_t ch)
{
	return ch >= '0' && ch <= '9';
}

static bool name_start(uint8_t ch)
{
	return ch == '_' || ((ch | 32) >= 'a' && (ch | 32) <= 'z');
}

static size_t digits(struct gql_lexer *l)
{
	size_t from = l->at;

	while (digit(byte_at(l, 0)))
		ascii(l, 1);
	return l->at - from;
}

static struct gql_token number(struct gql_lexer *l, struct start s)
{
	enum gql_tok kind = GQL_T_INT;

	if (byte_at(l, 0) == '-')
		ascii(l, 1);
	if (byte_at(l, 0) == '0') {
		ascii(l, 1);
		if (digit(byte_at(l, 0)))
			return invalid(l);
	} else if (!digits(l)) {
		return invalid(l);
	}
	if (byte_at(l, 0) == '.') {
		kind = GQL_T_FLOAT;
		ascii(l, 1);
		if (!digits(l))
			return invalid(l);
	}
	if ((byte_at(l, 0) | 32) == 'e') {
		kind = GQL_T_FLOAT;
		ascii(l, 1);
		if (byte_at(l, 0) == '-' || byte_at(l, 0) == '+')
			ascii(l, 1);
		if (!digits(l))
			return invalid(l);
	}
	return plain(l, kind, s);
}

static struct gql_token comment(struct gql_lexer *l, struct start s)
{
	while (more(l) && (byte_at(l, 0) > 0x1f || byte_at(l, 0) == '\t'))
		character(l);
	return plain(l, GQL_T_COMMENT, s);
}

static bool hex4(const uint8_t *p, uint32_t *out)
{
	*out = 0;
	for (unsigned i = 0; i < 4; i++) {
		uint8_t ch = p[i], low = ch | 32;

		if (!digit(ch) && !(low >= 'a' && low <= 'f'))
			return false;
		*out = *out << 4 | (uint32_t)(digit(ch) ? ch - '0' : low - 'a' + 10);
	}
	return true;
}

/* Behind a backslash; false leaves the place one behind it. */
static bool escape(struct gql_lexer *l, struct buf *b)
{
	static const char from[] = "\"/\\bfnrt", to[] = "\"/\\\b\f\n\r\t";
	uint8_t ch = byte_at(l, 1), utf8[4];
	const char *hit = l->at + 1 < l->in.n && ch ? strchr(from, ch) : NULL;
	uint32_t cp;
	unsigned n;

	if (hit) {
		buf_putc(b, to[hit - from]);
		ascii(l, 2);
		return true;
	}
	if (ch != 'u' || l->at + 6 >= l->in.n || !hex4(l->in.p + l->at + 2, &cp)) {
		ascii(l, 1);
		return false;
	}
	n = utf8_put(cp, utf8);
	if (n)
		buf_put(b, utf8, n);
	else
		buf_puts(b, "\xef\xbf\xbd"); /* half of a surrogate pair stands for nothing */
	ascii(l, 6);
	return true;
}

/* Behind the opening quote. */
static struct gql_token string(struct gql_lexer *l)
{
	struct buf b = buf_in(l->g->a, 0);
	struct start s = {l->at, l->runes};
	size_t from = l->at; /* what is not in b yet */

	while (more(l)) {
		uint8_t ch = byte_at(l, 0);

		if (ch == '"') {
			struct gql_token t = plain(l, GQL_T_STRING, s);

			if (from != s.at) {
				buf_put(&b, l->in.p + from, l->at - from);
				t.text = buf_view(&b);
			}
			if (!buf_ok(&b))
				l->g->end = rc_of(E_LIMIT);
			ascii(l, 1);
			return t;
		}
		if (ch == '\\') {
			buf_put(&b, l->in.p + from, l->at - from);
			if (!escape(l, &b))
				return invalid(l);
			from = l->at;
		} else if (ch < 0x20 && ch != '\t') {
			return invalid(l);
		} else {
			character(l);
		}
	}
	return invalid(l);
}

/* ---- block strings ---- */

static struct slice next_line(struct slice *rest)
{
	const uint8_t *nl = rest->n ? memchr(rest->p, '\n', rest->n) : NULL;
	struct slice line = slice_sub(*rest, 0, nl ? (size_t)(nl - rest->p) : rest->n);

	*rest = nl ? slice_sub(*rest, line.n + 1, rest->n) : (struct slice){0};
	return line;
}

static size_t indent_of(struct slice line)
{
	size_t i = 0;

	while (i < line.n && (line.p[i] == ' ' || line.p[i] == '\t'))
		i++;
	return i;
}

static bool blank(struct slice line)
{
	return indent_of(line) == line.n;
}

/* The value of a block string: common indentation and blank lines at both ends are no part of it. The first line counts
 * for the common indentation, too, and keeps its own. */
static struct slice block_value(struct gql *g, struct slice raw)
{
	struct buf b = buf_in(g->a, 0);
	struct slice rest = raw, line;
	size_t common = SIZE_MAX, kept = 0;
	bool first = true, any = false;

	while (rest.p) {
		line = next_line(&rest);
		if (!blank(line) && indent_of(line) < common)
			common = indent_of(line);
	}
	for (rest = raw; rest.p; first = false) {
		line = next_line(&rest);
		if (!first && common != SIZE_MAX)
			line = slice_sub(line, common, line.n);
		if (blank(line) && !any)
			continue;
		if (any)
			buf_putc(&b, '\n');
		any = true;
		buf_slice(&b, line);
		if (!blank(line))
			kept = b.n;
	}
	if (!buf_ok(&b))
		g->end = rc_of(E_LIMIT);
	return slice_sub(buf_view(&b), 0, kept);
}

static size_t quotes(const struct gql_lexer *l)
{
	size_t n = 0;

	while (byte_at(l, n) == '"')
		n++;
	return n;
}

/* Behind the opening quotes. */
static struct gql_token block(struct gql_lexer *l)
{
	struct buf b = buf_in(l->g->a, 0);
	int32_t start = l->runes;

	buf_puts(&b, "");
	while (more(l)) {
		uint8_t ch = byte_at(l, 0);
		size_t from = l->at, n = quotes(l);

		if (n >= 3) {
			struct gql_token t;

			/* the last three close it */
			buf_put(&b, l->in.p + l->at, n - 3);
			t = token(l, GQL_T_BLOCK, buf_ok(&b) ? block_value(l->g, buf_view(&b)) : SLICE_LIT(""), start);
			if (!buf_ok(&b))
				l->g->end = rc_of(E_LIMIT);
			ascii(l, n);
			return t;
		}
		if (ch == '\\' && looking_at(l, "\\\"\"\"")) {
			buf_puts(&b, "\"\"\"");
			ascii(l, 4);
		} else if (ch == '\r' || ch == '\n') {
			ascii(l, ch == '\r' && byte_at(l, 1) == '\n' ? 2 : 1);
			buf_putc(&b, '\n');
			new_line(l);
		} else if (ch < 0x20 && ch != '\t') {
			return invalid(l);
		} else {
			character(l);
			buf_put(&b, l->in.p + from, l->at - from);
		}
	}
	return invalid(l);
}

struct gql_token gql_lex(struct gql_lexer *l)
{
	static const char marks[] = "!$&():=@[]{}|";
	static const uint8_t kinds[] = {GQL_T_BANG, GQL_T_DOLLAR, GQL_T_AMP, GQL_T_PAREN_L, GQL_T_PAREN_R, GQL_T_COLON,
					GQL_T_EQUALS, GQL_T_AT, GQL_T_BRACKET_L, GQL_T_BRACKET_R, GQL_T_BRACE_L,
					GQL_T_BRACE_R, GQL_T_PIPE};
	struct start s;
	const char *hit;
	uint8_t ch;

	blanks(l);
	s = (struct start){l->at, l->runes};
	if (!more(l) || gql_stop(l->g))
		return plain(l, GQL_T_EOF, s);
	ch = byte_at(l, 0);
	if (name_start(ch)) {
		while (name_start(byte_at(l, 0)) || digit(byte_at(l, 0)))
			ascii(l, 1);
		return plain(l, GQL_T_NAME, s);
	}
	hit = ch ? strchr(marks, ch) : NULL;
	if (hit) {
		ascii(l, 1);
		return token(l, (enum gql_tok)kinds[hit - marks], SLICE_LIT(""), s.runes);
	}
	if (ch == '.' && looking_at(l, "...")) {
		ascii(l, 3);
		return token(l, GQL_T_SPREAD, SLICE_LIT(""), s.runes);
	}
	if (ch == '#')
		return comment(l, s);
	if (ch == '-' || digit(ch))
		return number(l, s);
	if (ch == '"' && looking_at(l, "\"\"\"")) {
		ascii(l, 3);
		return block(l);
	}
	if (ch == '"') {
		ascii(l, 1);
		return string(l);
	}
	return invalid(l);
}
