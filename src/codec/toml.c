/* toml.c - recursive descent over the text. Tables under construction are nodes that know how they were made, since
 * TOML forbids making one twice; the finished tree is turned into JSON objects. */
#include "codec/toml.h"

#include <stdio.h>

#include "base/num.h"
#include "base/sys.h"
#include "base/utf8.h"

enum origin {
	BY_PATH,	/* made on the way to something deeper: a header may still define it */
	BY_HEADER,	/* [a.b] */
	BY_DOTTED,	/* a.b = 1: only more dotted keys of the same section may add to it */
	TABLE_ARRAY,	/* [[a.b]]: `kids` of each element */
	PLAIN,		/* a value; closed */
};

struct node {
	struct node *next, *kids, *kids_end;
	struct slice name, at;	/* at: behind the key in the source, no bytes */
	enum origin origin;
	struct json *value;	/* PLAIN */
	struct node *section;	/* BY_DOTTED: the section that made it */
};

struct reader {
	struct arena *a;
	struct slice in;
	size_t at;
	unsigned keys, depth;
	const char *what;
	struct why *w;
};

static rc refuse(struct reader *r, enum rc_code code, const char *reason, const char *text)
{
	size_t line = 1, from = 0, end = MIN_OF(r->at, r->in.n);

	for (size_t i = 0; i < end; i++)
		if (r->in.p[i] == '\n') {
			line++;
			from = i + 1;
		}
	return deny(r->w, code, reason, "%s:%zu:%zu: %s", r->what, line, end - from + 1, text);
}

static rc syntax(struct reader *r, const char *text)
{
	return refuse(r, E_MALFORMED, "toml.syntax", text);
}

static rc no_memory(struct reader *r)
{
	return refuse(r, E_LIMIT, "toml.memory", "no room left");
}

static int peek(const struct reader *r)
{
	return r->at < r->in.n ? r->in.p[r->at] : -1;
}

static bool accept(struct reader *r, const char *text)
{
	size_t n = strlen(text);

	if (r->in.n - r->at < n || memcmp(r->in.p + r->at, text, n) != 0)
		return false;
	r->at += n;
	return true;
}

static void skip_blanks(struct reader *r)
{
	while (peek(r) == ' ' || peek(r) == '\t')
		r->at++;
}

static bool accept_newline(struct reader *r)
{
	return accept(r, "\n") || accept(r, "\r\n");
}

static rc skip_comment(struct reader *r)
{
	if (!accept(r, "#"))
		return rc_of(OK);
	while (r->at < r->in.n && peek(r) != '\n') {
		int c = peek(r);

		if (c == '\r' && r->at + 1 < r->in.n && r->in.p[r->at + 1] == '\n')
			break;
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return syntax(r, "control character in a comment");
		r->at++;
	}
	return rc_of(OK);
}

/* Blanks, comments and line ends. */
static rc skip_lines(struct reader *r)
{
	do {
		skip_blanks(r);
		TRY(skip_comment(r));
	} while (accept_newline(r));
	return rc_of(OK);
}

static rc line_end(struct reader *r)
{
	skip_blanks(r);
	TRY(skip_comment(r));
	if (r->at < r->in.n && !accept_newline(r))
		return syntax(r, "expected the end of the line");
	return rc_of(OK);
}

/* ---- strings ---- */

static rc read_escape(struct reader *r, struct buf *b)
{
	static const char from[] = "btnfr\"\\", to[] = "\b\t\n\f\r\"\\";
	int c = peek(r);
	const char *hit = c > 0 ? strchr(from, c) : NULL;
	unsigned digits = c == 'u' ? 4 : c == 'U' ? 8 : 0;
	uint32_t cp = 0;
	uint8_t out[4];
	unsigned n;

	r->at++;
	if (hit) {
		buf_putc(b, to[hit - from]);
		return rc_of(OK);
	}
	if (!digits)
		return syntax(r, "unknown escape");
	for (unsigned i = 0; i < digits; i++, r->at++) {
		int h = peek(r);

		if (h >= '0' && h <= '9')
			cp = cp << 4 | (uint32_t)(h - '0');
		else if ((h | 0x20) >= 'a' && (h | 0x20) <= 'f')
			cp = cp << 4 | (uint32_t)((h | 0x20) - 'a' + 10);
		else
			return syntax(r, "bad hexadecimal digit in an escape");
	}
	n = utf8_put(cp, out);
	if (!n)
		return syntax(r, "the escape is no Unicode scalar value");
	buf_put(b, out, n);
	return rc_of(OK);
}

/* A backslash at the end of a line swallows white space up to the next character. */
static bool line_ending_backslash(struct reader *r)
{
	size_t at = r->at;

	while (peek(r) == ' ' || peek(r) == '\t')
		r->at++;
	if (!accept_newline(r)) {
		r->at = at;
		return false;
	}
	while (peek(r) == ' ' || peek(r) == '\t' || accept_newline(r))
		if (peek(r) == ' ' || peek(r) == '\t')
			r->at++;
	return true;
}

static rc read_string(struct reader *r, bool may_be_long, struct slice *out)
{
	bool literal = peek(r) == '\'', is_long = false;
	const char *one = literal ? "'" : "\"", *three = literal ? "'''" : "\"\"\"";
	struct buf b = buf_in(r->a, 0);

	if (may_be_long && accept(r, three)) {
		is_long = true;
		(void)accept_newline(r);
	} else {
		r->at++;
	}
	for (;;) {
		int c = peek(r);

		if (c < 0 || (!is_long && (c == '\n' || c == '\r')))
			return syntax(r, "the string does not end");
		if (is_long && accept(r, three)) {
			for (int i = 0; i < 2 && accept(r, one); i++)	/* up to two quotes may stand before the end */
				buf_puts(&b, one);
			break;
		}
		if (!is_long && accept(r, one))
			break;
		if (c == '\\' && !literal) {
			r->at++;
			if (!is_long || !line_ending_backslash(r))
				TRY(read_escape(r, &b));
			continue;
		}
		if (c == '\r' && (r->at + 1 >= r->in.n || r->in.p[r->at + 1] != '\n'))
			return syntax(r, "bare carriage return");
		if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f)
			return syntax(r, "control character in a string");
		buf_putc(&b, (char)c);
		r->at++;
	}
	if (!buf_cstr(&b))
		return no_memory(r);
	*out = buf_view(&b);
	return rc_of(OK);
}

/* ---- keys ---- */

static bool is_bare(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

static rc read_simple_key(struct reader *r, struct slice *out)
{
	size_t from;

	if (++r->keys > TOML_KEYS_MAX)
		return refuse(r, E_LIMIT, "toml.keys", "too many keys");
	skip_blanks(r);
	if (peek(r) == '"' || peek(r) == '\'') {
		TRY(read_string(r, false, out));
	} else {
		for (from = r->at; is_bare(peek(r));)
			r->at++;
		*out = slice_sub(r->in, from, r->at - from);
		if (!out->n)
			return syntax(r, "expected a key");
	}
	skip_blanks(r);
	return rc_of(OK);
}

/* ---- values ---- */

static rc read_value(struct reader *r, struct json **out);

static rc enter(struct reader *r)
{
	return ++r->depth > TOML_DEPTH_MAX ? refuse(r, E_LIMIT, "toml.depth", "nested too deep") : rc_of(OK);
}

static rc read_array(struct reader *r, struct json **out)
{
	struct json *arr = json_new_array(r->a);

	TRY(enter(r));
	r->at++;
	for (;;) {
		struct json *v;

		TRY(skip_lines(r));
		if (accept(r, "]"))
			break;
		if (++r->keys > TOML_KEYS_MAX)
			return refuse(r, E_LIMIT, "toml.keys", "too many elements");
		TRY(read_value(r, &v));
		json_push(r->a, arr, v);
		TRY(skip_lines(r));
		if (accept(r, "]"))
			break;
		if (!accept(r, ","))
			return syntax(r, "expected ',' or ']'");
	}
	r->depth--;
	*out = arr;
	return rc_of(OK);
}

static struct node *find(struct node *table, struct slice name)
{
	for (struct node *k = table->kids; k; k = k->next)
		if (slice_eq(k->name, name))
			return k;
	return NULL;
}

static struct node *add(struct reader *r, struct node *table, struct slice name, enum origin origin)
{
	struct node *k = ARENA_NEW(r->a, struct node);

	if (!k)
		return NULL;
	k->name = name;
	k->at = slice_sub(r->in, r->at, 0);
	k->origin = origin;
	if (table->kids_end)
		table->kids_end->next = k;
	else
		table->kids = k;
	table->kids_end = k;
	return k;
}

static rc duplicate(struct reader *r, struct slice name)
{
	char text[160];
	struct slice cut = slice_sub(name, 0, 64);

	snprintf(text, sizeof(text), "\"" SLICE_FMT "\" is defined already", SLICE_ARG(cut));
	return refuse(r, E_MALFORMED, "toml.duplicate", text);
}

/* key = value in `section`: dotted keys make tables on the way. */
static rc read_pair(struct reader *r, struct node *section)
{
	struct node *table = section, *leaf;
	struct slice name;
	unsigned parts = 0;

	TRY(read_simple_key(r, &name));
	while (accept(r, ".")) {
		struct node *k = find(table, name);

		if (++parts + r->depth > TOML_DEPTH_MAX)
			return refuse(r, E_LIMIT, "toml.depth", "nested too deep");
		if (k && !(k->origin == BY_DOTTED && k->section == section) && k->origin != BY_PATH)
			return duplicate(r, name);
		if (!k) {
			k = add(r, table, name, BY_DOTTED);
			if (!k)
				return no_memory(r);
			k->section = section;
		}
		table = k;
		TRY(read_simple_key(r, &name));
	}
	if (!accept(r, "="))
		return syntax(r, "expected '=' behind the key");
	if (find(table, name))
		return duplicate(r, name);
	leaf = add(r, table, name, PLAIN);
	if (!leaf)
		return no_memory(r);
	skip_blanks(r);
	r->depth += parts;	/* dotted keys nest as well */
	TRY(read_value(r, &leaf->value));
	r->depth -= parts;
	return rc_of(OK);
}

static struct json *to_json(struct arena *a, const struct node *n);

static struct json *table_json(struct arena *a, const struct node *n)
{
	struct json *o = json_new_object(a);

	for (const struct node *k = n->kids; k; k = k->next)
		json_set_slice(a, o, k->name, to_json(a, k));
	if (o)
		o->raw = n->at;
	return o;
}

static struct json *to_json(struct arena *a, const struct node *n)
{
	struct json *arr;

	if (n->origin == PLAIN)
		return n->value;
	if (n->origin != TABLE_ARRAY)
		return table_json(a, n);
	arr = json_new_array(a);
	for (const struct node *k = n->kids; k; k = k->next)
		json_push(a, arr, table_json(a, k));
	if (arr)
		arr->raw = n->at;
	return arr;
}

static rc read_inline_table(struct reader *r, struct json **out)
{
	struct node table = {.origin = BY_HEADER};

	TRY(enter(r));
	r->at++;
	skip_blanks(r);
	if (!accept(r, "}")) {
		for (;;) {
			TRY(read_pair(r, &table));
			skip_blanks(r);
			if (accept(r, "}"))
				break;
			if (!accept(r, ","))
				return syntax(r, "expected ',' or '}'");
		}
	}
	r->depth--;
	*out = table_json(r->a, &table);
	return *out ? rc_of(OK) : no_memory(r);
}

static bool is_digit(int c)
{
	return c >= '0' && c <= '9';
}

/* Digits of a base with single underscores between them; false when the rule is broken. */
static bool integer_digits(struct slice s, unsigned base, uint64_t *out)
{
	uint64_t v = 0;

	for (size_t i = 0; i < s.n; i++) {
		int c = s.p[i], d;

		if (c == '_') {
			if (i == 0 || i + 1 == s.n || s.p[i + 1] == '_')
				return false;
			continue;
		}
		d = is_digit(c) ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : 99;
		if (d >= (int)base || __builtin_mul_overflow(v, (uint64_t)base, &v) ||
		    __builtin_add_overflow(v, (uint64_t)d, &v))
			return false;
	}
	*out = v;
	return s.n > 0;
}

static rc new_integer(struct reader *r, struct slice digits, unsigned base, bool neg, struct json **out)
{
	uint64_t v;

	if (!integer_digits(digits, base, &v) || v > (uint64_t)INT64_MAX + (neg ? 1u : 0u))
		return syntax(r, "not a 64-bit integer");
	*out = json_new_i64(r->a, neg ? (int64_t)(0 - v) : (int64_t)v);
	return *out ? rc_of(OK) : no_memory(r);
}

/* A date, time or both begins with 4 digits and '-', or 2 digits and ':'. Kept as text once it is one: what is left out is put in place, and
 * then it must be a time of RFC 3339. */
static bool is_date(struct reader *r, struct slice s)
{
	struct slice date = SLICE_LIT("2000-01-01"), clock = SLICE_LIT("00:00:00"), zone = SLICE_LIT("Z");
	bool has_date = s.n >= 10 && s.p[4] == '-';
	const char *text;
	int64_t t;
	size_t i = 0;

	if (has_date) {
		date = slice_sub(s, 0, 10);
		s = slice_sub(s, 10, s.n);
		if (s.n && s.p[0] != 'T' && s.p[0] != 't' && s.p[0] != ' ')
			return false;
	}
	if (s.n || !has_date) {
		s = slice_sub(s, has_date, s.n);
		while (i < s.n && !strchr("Zz+-", s.p[i]))
			i++;
		clock = slice_sub(s, 0, i);
		if (i < s.n)
			zone = slice_sub(s, i, s.n);
		if (i < s.n && !has_date)
			return false;
	}
	text = arena_printf(r->a, SLICE_FMT "T" SLICE_FMT SLICE_FMT, SLICE_ARG(date), SLICE_ARG(clock), SLICE_ARG(zone));
	return text && rc_ok(time_parse_rfc3339(slice_cstr(text), &t, NULL));
}

static rc read_float(struct reader *r, struct slice s, struct json **out)
{
	struct buf b = buf_in(r->a, 0);
	size_t i = s.p[0] == '+' ? 1 : 0;

	for (; i < s.n; i++) {
		if (s.p[i] == '_') {
			if (i == 0 || i + 1 >= s.n || !is_digit(s.p[i - 1]) || !is_digit(s.p[i + 1]))
				return syntax(r, "misplaced '_' in a number");
			continue;
		}
		buf_putc(&b, (char)s.p[i]);
	}
	*out = buf_ok(&b) ? json_new_number(r->a, buf_view(&b)) : NULL;
	return *out ? rc_of(OK) : syntax(r, "not a number");
}

static rc read_number_or_date(struct reader *r, struct json **out)
{
	size_t from = r->at, i = 0;
	struct slice s;
	bool neg;

	while (is_bare(peek(r)) || peek(r) == '+' || peek(r) == '.' || peek(r) == ':')
		r->at++;
	/* "1979-05-27 07:32:00": one space may stand for the T */
	if (r->at - from == 10 && peek(r) == ' ' && r->at + 1 < r->in.n && is_digit(r->in.p[r->at + 1]) &&
	    r->in.p[from + 4] == '-') {
		r->at++;
		while (is_bare(peek(r)) || peek(r) == '+' || peek(r) == '.' || peek(r) == ':')
			r->at++;
	}
	s = slice_sub(r->in, from, r->at - from);
	if (!s.n)
		return syntax(r, "expected a value");
	if ((s.n >= 5 && s.p[4] == '-' && is_digit(s.p[0])) || (s.n >= 3 && s.p[2] == ':')) {
		if (!is_date(r, s))
			return syntax(r, "not a date or time");
		*out = json_new_str(r->a, s);
		return *out ? rc_of(OK) : no_memory(r);
	}
	neg = s.p[0] == '-';
	if (s.p[0] == '+' || neg)
		i = 1;
	if (slice_is(slice_sub(s, i, s.n), "inf") || slice_is(slice_sub(s, i, s.n), "nan"))
		return refuse(r, E_UNSUPPORTED, "toml.float", "inf and nan are not taken");
	if (i == 0 && s.n > 2 && s.p[0] == '0' && (s.p[1] == 'x' || s.p[1] == 'o' || s.p[1] == 'b'))
		return new_integer(r, slice_sub(s, 2, s.n), s.p[1] == 'x' ? 16 : s.p[1] == 'o' ? 8 : 2, false, out);
	if (s.n - i > 1 && s.p[i] == '0' && (is_digit(s.p[i + 1]) || s.p[i + 1] == '_'))
		return syntax(r, "a number may not begin with 0");
	for (size_t k = i; k < s.n; k++)
		if (s.p[k] == '.' || (s.p[k] | 0x20) == 'e')
			return read_float(r, s, out);
	return new_integer(r, slice_sub(s, i, s.n), 10, neg, out);
}

static rc read_kind(struct reader *r, struct json **out)
{
	struct slice s;
	int c = peek(r);

	if (c == '"' || c == '\'') {
		TRY(read_string(r, true, &s));
		*out = json_new_str(r->a, s);
		return *out ? rc_of(OK) : no_memory(r);
	}
	if (c == '[')
		return read_array(r, out);
	if (c == '{')
		return read_inline_table(r, out);
	if (accept(r, "true") || accept(r, "false")) {
		*out = json_new_bool(r->a, r->in.p[r->at - 2] == 'u');
		return *out ? rc_of(OK) : no_memory(r);
	}
	return read_number_or_date(r, out);
}

static rc read_value(struct reader *r, struct json **out)
{
	size_t from = r->at;

	TRY(read_kind(r, out));
	if (*out)
		(*out)->raw = slice_sub(r->in, from, r->at - from);
	return rc_of(OK);
}

/* ---- sections ---- */

/* [a.b] and [[a.b]]: yields the table that following pairs go to. */
static rc read_header(struct reader *r, struct node *root, struct node **section)
{
	bool many = accept(r, "[[");
	struct node *table = root, *k;
	struct slice name;
	unsigned parts = 0;

	if (!many)
		r->at++;
	TRY(read_simple_key(r, &name));
	while (accept(r, ".")) {
		if (++parts > TOML_DEPTH_MAX)
			return refuse(r, E_LIMIT, "toml.depth", "nested too deep");
		k = find(table, name);
		if (k && k->origin == PLAIN)
			return duplicate(r, name);
		if (!k)
			k = add(r, table, name, BY_PATH);
		if (!k)
			return no_memory(r);
		table = k->origin == TABLE_ARRAY ? k->kids_end : k;
		TRY(read_simple_key(r, &name));
	}
	if (!accept(r, many ? "]]" : "]"))
		return syntax(r, many ? "expected ']]'" : "expected ']'");
	k = find(table, name);
	if (many) {
		if (k && k->origin != TABLE_ARRAY)
			return duplicate(r, name);
		if (!k)
			k = add(r, table, name, TABLE_ARRAY);
		*section = k ? add(r, k, (struct slice){NULL, 0}, BY_HEADER) : NULL;
		return *section ? rc_of(OK) : no_memory(r);
	}
	if (k && k->origin != BY_PATH)
		return duplicate(r, name);
	if (!k)
		k = add(r, table, name, BY_HEADER);
	if (!k)
		return no_memory(r);
	k->origin = BY_HEADER;
	*section = k;
	return rc_of(OK);
}

rc toml_parse(struct arena *a, struct slice in, struct json **out, const char *what, struct why *w)
{
	struct reader r = {.a = a, .in = in, .what = what, .w = w};
	struct node root = {.origin = BY_HEADER}, *section = &root;
	struct json *v;

	if (in.n > TOML_BYTES_MAX)
		return refuse(&r, E_LIMIT, "toml.size", "larger than 4 MiB");
	if (!utf8_valid(in))
		return refuse(&r, E_MALFORMED, "toml.utf8", "not UTF-8");
	for (;;) {
		TRY(skip_lines(&r));
		if (r.at >= in.n)
			break;
		if (peek(&r) == '[')
			TRY(read_header(&r, &root, &section));
		else
			TRY(read_pair(&r, section));
		TRY(line_end(&r));
	}
	v = table_json(a, &root);
	if (!v || arena_bad(a))
		return no_memory(&r);
	*out = v;
	return rc_of(OK);
}
