/* regexes.c - the builtins around RE2, with the rules of Go for successive and empty matches. */
#include "base/num.h"
#include "rego/builtin/globs.h"
#include "rego/builtin/lib.h"
#include "rego/builtin/regex.h"
#include "rego/builtin/simple.h"
#include "rego/builtin/unicode.h"

#define ERR_MAX 512

/* A borrowed expression: done() gives it back. */
struct use {
	struct regex *re;
	bool drop;
};

static RC use(struct rego_call *c, struct rv pattern, struct use *u)
{
	char err[ERR_MAX];
	rc r = lib_regex(c, pattern, &u->re, &u->drop, err, sizeof(err));

	return r.code == E_MALFORMED ? rego_fail(c, "%s", err) : r;
}

static void done(struct use *u)
{
	if (u->drop)
		regex_free(u->re);
}

/* Once over n bytes. Automata are built as the text asks for them; where that is too much, all states are kept at each byte. */
static uint64_t match_cost(const struct use *u, size_t n)
{
	return 1 + n / 64 + (uint64_t)n * regex_cost(u->re) / 128;
}

/* Successive matches: an empty one right behind the last is skipped. */
struct scan {
	struct rego_call *c;
	const struct regex *re;
	struct slice s;
	size_t at;
	ptrdiff_t last_end;
	bool over;
	int groups;
	uint64_t cost;
	ptrdiff_t span[2 * REGEX_GROUPS];
};

/* *found is false at the end. */
static RC next_match(struct scan *m, bool *found)
{
	*found = false;
	while (!m->over && m->at <= m->s.n) {
		bool accept = true;
		int hit;

		TRY(rego_charge(m->c, 2 + (m->s.n - m->at) / 256 + m->cost));
		m->cost = 0;	/* once for the whole text */
		hit = regex_find(m->re, m->s.p, m->s.n, m->at, m->groups, m->span);
		if (hit < 0)
			return lib_no_memory(m->c);
		if (hit == 0)
			break;
		if (m->span[1] == (ptrdiff_t)m->at) {	/* empty, where we stand */
			accept = m->span[0] != m->last_end;
			if (m->at < m->s.n)
				uni_next(m->s, &m->at);
			else
				m->over = true;
		} else {
			m->at = (size_t)m->span[1];
		}
		m->last_end = m->span[1];
		if (accept) {
			*found = true;
			return rc_of(OK);
		}
	}
	m->over = true;
	return rc_of(OK);
}

static struct slice group(const struct scan *m, int g)
{
	if (g >= m->groups || m->span[2 * g] < 0)
		return (struct slice){0};
	return slice_sub(m->s, (size_t)m->span[2 * g], (size_t)(m->span[2 * g + 1] - m->span[2 * g]));
}

static struct scan scan(struct rego_call *c, const struct use *u, struct slice s, bool groups)
{
	struct scan m = {.c = c, .re = u->re, .s = s, .last_end = -1, .groups = 1, .cost = match_cost(u, s.n)};

	if (groups)
		m.groups += regex_group_count(u->re);
	if (m.groups > REGEX_GROUPS)
		m.groups = REGEX_GROUPS;
	return m;
}

static rc is_valid(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct use u;
	char err[ERR_MAX];
	rc r;

	(void)n;
	*out = rv_bool(false);
	if (args[0].kind != RV_STRING)
		return rc_of(OK);
	r = lib_regex(c, args[0], &u.re, &u.drop, err, sizeof(err));
	if (r.code == E_MALFORMED)
		return rc_of(OK);
	TRY(r);
	done(&u);
	*out = rv_bool(true);
	return rc_of(OK);
}

static RC matches(struct rego_call *c, struct rv pattern, struct slice s, struct rv *out)
{
	ptrdiff_t span[2];
	struct use u;
	int hit;
	rc r;

	TRY(rego_charge(c, 1 + s.n / 64 + (s.n <= SIMPLE_TEXT_MAX ? s.n * MIN_OF(pattern.str->n, SIMPLE_PATTERN_MAX) / 1024 : 0)));
	switch (simple_match(rv_slice(pattern), s)) {
	case SIMPLE_MISS:
		*out = rv_bool(false);
		return rc_of(OK);
	case SIMPLE_HIT:
		*out = rv_bool(true);
		return rc_of(OK);
	case SIMPLE_NOT:
		break;
	}
	TRY(use(c, pattern, &u));
	r = rego_charge(c, match_cost(&u, s.n));
	hit = rc_ok(r) ? regex_find(u.re, s.p, s.n, 0, 0, span) : 0;
	done(&u);
	TRY(r);
	if (hit < 0)
		return lib_no_memory(c);
	*out = rv_bool(hit > 0);
	return rc_of(OK);
}

static rc match(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	(void)n;
	ARG_STRING(c, args, 0);
	ARG_STRING(c, args, 1);
	return matches(c, args[0], rv_slice(args[1]), out);
}

static RC collect(struct scan *m, bool groups, int64_t max, struct rv *out)
{
	struct rv_vec v = rv_vec(m->c->heap);
	bool found;

	while (max < 0 || (int64_t)v.n < max) {
		struct rv_vec inner = rv_vec(m->c->heap);

		TRY(next_match(m, &found));
		if (!found)
			break;
		for (int g = 0; g < m->groups; g++)
			rv_push(&inner, rv_str(m->c->heap, group(m, g).p, group(m, g).n));
		rv_push(&v, groups ? rv_vec_done(&inner) : inner.items ? inner.items[0] : rv_undef());
		if (rv_heap_bad(m->c->heap))
			return lib_no_memory(m->c);
	}
	return lib_return(m->c, rv_vec_done(&v), out);
}

static RC find_all(struct rego_call *c, const struct rv *args, bool groups, struct rv *out)
{
	struct scan m;
	struct use u;
	int64_t max;
	rc r;

	ARG_STRING(c, args, 0);
	ARG_STRING(c, args, 1);
	TRY(lib_int(c, args, 2, &max));
	TRY(use(c, args[0], &u));
	m = scan(c, &u, rv_slice(args[1]), groups);
	r = collect(&m, groups, max, out);
	done(&u);
	return r;
}

static rc find_n(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	(void)n;
	return find_all(c, args, false, out);
}

static rc find_submatch_n(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	(void)n;
	return find_all(c, args, true, out);
}

static RC split_by(struct scan *m, struct rv *out)
{
	struct rv_vec v = rv_vec(m->c->heap);
	size_t begin = 0, end = 0;
	bool found;

	for (;;) {
		TRY(next_match(m, &found));
		if (!found)
			break;
		end = (size_t)m->span[0];
		if (m->span[1] != 0)
			rv_push(&v, rv_str(m->c->heap, m->s.p + begin, end - begin));
		begin = (size_t)m->span[1];
		if (rv_heap_bad(m->c->heap))
			return lib_no_memory(m->c);
	}
	if (end != m->s.n || m->s.n == 0)
		rv_push(&v, rv_str(m->c->heap, m->s.p + begin, m->s.n - begin));
	return lib_return(m->c, rv_vec_done(&v), out);
}

static rc split(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct scan m;
	struct use u;
	rc r;

	(void)n;
	ARG_STRING(c, args, 0);
	ARG_STRING(c, args, 1);
	TRY(use(c, args[0], &u));
	m = scan(c, &u, rv_slice(args[1]), false);
	m.over = args[1].str->n == 0 && args[0].str->n > 0;	/* "" is one empty part, whatever would match */
	r = split_by(&m, out);
	done(&u);
	return r;
}

/* ---- replacing ---- */

static bool word(uint8_t c)
{
	return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_';
}

/* The name behind a '$': "1", "{name}"; its length with braces, 0 when malformed. */
static size_t reference(struct slice s, struct slice *name)
{
	size_t i = 0;

	if (s.n && s.p[0] == '{') {
		for (i = 1; i < s.n && word(s.p[i]);)
			i++;
		*name = slice_sub(s, 1, i - 1);
		return i > 1 && i < s.n && s.p[i] == '}' ? i + 1 : 0;
	}
	while (i < s.n && word(s.p[i]))
		i++;
	*name = slice_sub(s, 0, i);
	return i;
}

static int group_of(const struct scan *m, struct slice name)
{
	int g = 0;

	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] < '0' || name.p[i] > '9' || g > REGEX_GROUPS)
			return regex_group_by_name(m->re, name.p, name.n);
		g = g * 10 + name.p[i] - '0';
	}
	return g;
}

static void expand(struct buf *b, const struct scan *m, struct slice with)
{
	for (size_t i = 0; i < with.n; i++) {
		struct slice rest = slice_sub(with, i + 1, with.n), name;
		size_t n;
		int g;

		if (with.p[i] != '$') {
			buf_putc(b, (char)with.p[i]);
			continue;
		}
		if (rest.n && rest.p[0] == '$') {
			buf_putc(b, '$');
			i++;
			continue;
		}
		n = reference(rest, &name);
		if (n == 0) {
			buf_putc(b, '$');
			continue;
		}
		g = group_of(m, name);
		if (g >= 0)
			buf_slice(b, group(m, g));
		i += n;
	}
}

static RC replace_with(struct scan *m, struct slice with, struct rv *out)
{
	struct buf b = lib_buf(m->c);
	size_t last = 0;
	bool found;

	for (;;) {
		TRY(next_match(m, &found));
		if (!found)
			break;
		buf_put(&b, m->s.p + last, (size_t)m->span[0] - last);
		expand(&b, m, with);
		last = (size_t)m->span[1];
		TRY(rego_charge(m->c, with.n / 64));
		if (!buf_ok(&b))
			return lib_no_memory(m->c);
	}
	buf_put(&b, m->s.p + last, m->s.n - last);
	return lib_buffer(m->c, &b, out);
}

static rc replace(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct scan m;
	struct use u;
	rc r;

	(void)n;
	for (unsigned i = 0; i < 3; i++)
		ARG_STRING(c, args, i);
	TRY(use(c, args[1], &u));
	m = scan(c, &u, rv_slice(args[0]), true);
	r = replace_with(&m, rv_slice(args[2]), out);
	done(&u);
	return r;
}

/* ---- templates and globs ---- */

static void quote_meta(struct buf *b, struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] && strchr("\\.+*?()|[]{}^$", s.p[i]))
			buf_putc(b, '\\');
		buf_putc(b, (char)s.p[i]);
	}
}

/* Text outside the delimiters is literal, text inside an expression of its own. */
static RC template_pattern(struct rego_call *c, struct slice t, char open, char close, struct buf *b)
{
	size_t begin = 0, end = 0;
	struct buf q = lib_buf(c);
	int level = 0;

	buf_putc(b, '^');
	for (size_t i = 0; i < t.n; i++) {
		/* equal delimiters open only: the text is then unbalanced, as upstream has it */
		if (t.p[i] == (uint8_t)open && ++level == 1) {
			begin = i;
		} else if (t.p[i] == (uint8_t)close && open != close && --level == 0) {
			quote_meta(b, slice_sub(t, end, begin - end));
			buf_putc(b, '(');
			buf_put(b, t.p + begin + 1, i - begin - 1);
			buf_putc(b, ')');
			end = i + 1;
		}
		if (level < 0)
			break;
	}
	if (level != 0) {
		rv_quote(&q, t);
		return rego_fail(c, "unbalanced braces in " SLICE_FMT, SLICE_ARG(buf_view(&q)));
	}
	quote_meta(b, slice_sub(t, end, t.n));
	buf_putc(b, '$');
	return rc_of(OK);
}

static rc template_match(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct buf b = lib_buf(c);
	struct rv pattern;

	(void)n;
	for (unsigned i = 0; i < 4; i++)
		ARG_STRING(c, args, i);
	if (args[2].str->n != 1)
		return rego_fail(c, "start delimiter has to be exactly one character long but is %u long", args[2].str->n);
	if (args[3].str->n != 1)
		return rego_fail(c, "end delimiter has to be exactly one character long but is %u long", args[2].str->n);
	TRY(template_pattern(c, rv_slice(args[0]), args[2].str->p[0], args[3].str->p[0], &b));
	TRY(lib_buffer(c, &b, &pattern));
	return matches(c, pattern, rv_slice(args[1]), out);
}

static rc globs_match(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct why w = why_in(c->heap->arena);
	bool yes;
	rc r;

	(void)n;
	ARG_STRING(c, args, 0);
	ARG_STRING(c, args, 1);
	TRY(rego_charge(c, ((uint64_t)args[0].str->n + 1) * (args[1].str->n + 1) / 16));
	r = globs_intersect(c->heap->arena, rv_slice(args[0]), rv_slice(args[1]), &yes, &w);
	if (!rc_ok(r))
		return lib_refused(c, r, &w);
	*out = rv_bool(yes);
	return rc_of(OK);
}

const struct rego_builtin builtin_regex[] = {
	{"regex.match", "string, string -> boolean", match, 2, 0, 4},
	{"re_match", "string, string -> boolean", match, 2, REGO_DEPRECATED, 4},
	{"regex.is_valid", "string -> boolean", is_valid, 1, 0, 4},
	{"regex.find_n", "string, string, number -> array[string]", find_n, 3, 0, 4},
	{"regex.find_all_string_submatch_n", "string, string, number -> array[array[string]]", find_submatch_n, 3, 0, 4},
	{"regex.replace", "string, string, string -> string", replace, 3, 0, 4},
	{"regex.split", "string, string -> array[string]", split, 2, 0, 4},
	{"regex.template_match", "string, string, string, string -> boolean", template_match, 4, 0, 4},
	{"regex.globs_match", "string, string -> boolean", globs_match, 2, 0, 4},
	{0},
};
