#include "rego/builtin/globs.h"

#include "base/buf.h"
#include "base/num.h"
#include "rego/builtin/unicode.h"

#define INVALID ": the input provided is invalid"

struct range {
	int32_t lo, hi;
};

/* One character out of the ranges; star: any number of them. */
struct token {
	const struct range *ranges;
	size_t n;
	bool star;
};

struct globs {
	struct arena *a;
	struct why *w;
	struct slice text;
	const int32_t *in;
	size_t n_in, at;
	struct token *tokens;
	size_t n;
};

static RC bad(const struct globs *g, size_t pos, const char *what)
{
	return deny(g->w, E_MALFORMED, "globs.syntax", "input:" SLICE_FMT ", pos:%zu, %s" INVALID, SLICE_ARG(g->text), pos,
		    what);
}

/* One character with its escape. *end: there is none. */
static RC next(struct globs *g, int32_t *c, bool *escaped, bool *end)
{
	*end = g->at >= g->n_in;
	*escaped = false;
	if (*end)
		return rc_of(OK);
	if (g->in[g->at] == '\\') {
		if (g->at + 1 >= g->n_in)
			return bad(g, g->at, "input ends with a \\ (escape) character");
		*escaped = true;
		g->at++;
	}
	*c = g->in[g->at++];
	return rc_of(OK);
}

static RC range_end(struct globs *g, struct range *r)
{
	bool escaped, end;
	int32_t c = 0;

	if (g->at + 1 >= g->n_in)
		return bad(g, g->at, "range character '-' must be followed by a Unicode character");
	TRY(next(g, &c, &escaped, &end));
	if (!escaped && (c == ']' || c == '-'))
		return bad(g, g->at, "range character '-' cannot be followed by a special symbol");
	if (c < r->lo)
		return bad(g, g->at, "range is out of order");
	r->hi = c;
	return rc_of(OK);
}

/* Behind the '['. */
static RC set(struct globs *g, struct token *t)
{
	struct range *r = arena_array(g->a, g->n_in - g->at + 1, struct range);
	bool escaped, end, prev = false;
	int32_t c = 0;
	size_t n = 0;

	if (!r)
		return deny(g->w, E_INTERNAL, "globs.memory", "no memory for a pattern");
	for (;;) {
		TRY(next(g, &c, &escaped, &end));
		if (end)
			return bad(g, g->at, "found [ without matching ]");
		if (!escaped && c == ']')
			break;
		if (!escaped && c == '-') {
			if (!prev)
				return bad(g, g->at, "range character '-' must be preceded by a Unicode character");
			TRY(range_end(g, &r[n - 1]));
			prev = false;
			continue;
		}
		r[n++] = (struct range){c, c};
		prev = true;
	}
	t->ranges = r;
	t->n = n;
	return rc_of(OK);
}

static RC token(struct globs *g, struct token *t, int32_t c, bool escaped)
{
	static const struct range any = {0, 0x10ffff};
	struct range *r;

	if (!escaped && c == ']')
		return bad(g, g->at, "set-close ']' with no preceding '['");
	if (!escaped && (c == '+' || c == '*'))
		return bad(g, g->at, c == '+' ? "flag '+' must be preceded by a non-flag" : "flag '*' must be preceded by a non-flag");
	if (!escaped && c == '[')
		return set(g, t);
	t->n = 1;
	t->ranges = &any;
	if (!escaped && c == '.')
		return rc_of(OK);
	r = ARENA_NEW(g->a, struct range);
	if (!r)
		return deny(g->w, E_INTERNAL, "globs.memory", "no memory for a pattern");
	*r = (struct range){c, c};
	t->ranges = r;
	return rc_of(OK);
}

static RC tokenize(struct globs *g)
{
	int32_t *in = arena_array(g->a, g->text.n + 1, int32_t), c = 0;
	bool escaped, end;

	g->tokens = arena_array(g->a, 2 * g->text.n + 1, struct token);	/* x+ becomes x x* */
	if (!in || !g->tokens)
		return deny(g->w, E_INTERNAL, "globs.memory", "no memory for a pattern");
	for (size_t i = 0; i < g->text.n;)
		in[g->n_in++] = uni_next(g->text, &i);
	g->in = in;
	for (;;) {
		struct token t = {0};

		TRY(next(g, &c, &escaped, &end));
		if (end)
			return rc_of(OK);
		TRY(token(g, &t, c, escaped));
		if (g->at < g->n_in && g->in[g->at] == '+')
			g->tokens[g->n++] = t;
		if (g->at < g->n_in && (g->in[g->at] == '+' || g->in[g->at] == '*')) {
			t.star = true;
			g->at++;
		}
		g->tokens[g->n++] = t;
	}
}

static bool share(const struct token *a, const struct token *b)
{
	for (size_t i = 0; i < a->n; i++)
		for (size_t k = 0; k < b->n; k++)
			if (a->ranges[i].lo <= b->ranges[k].hi && b->ranges[k].lo <= a->ranges[i].hi)
				return true;
	return false;
}

/* Places (i, j) in both patterns that some common prefix can reach. A step moves right or down, or stays at a star,
 * so one sweep in order finds all. */
static bool meet(const struct globs *l, const struct globs *r, uint8_t *reached)
{
	size_t wide = r->n + 1;

	reached[0] = 1;
	for (size_t i = 0; i <= l->n; i++) {
		for (size_t j = 0; j <= r->n; j++) {
			const struct token *a = &l->tokens[i], *b = &r->tokens[j];

			if (!reached[i * wide + j])
				continue;
			if (i < l->n && a->star)
				reached[(i + 1) * wide + j] = 1;
			if (j < r->n && b->star)
				reached[i * wide + j + 1] = 1;
			if (i == l->n || j == r->n || !share(a, b))
				continue;
			if (!a->star || !b->star)	/* one character: a star stays where it is */
				reached[(i + !a->star) * wide + j + !b->star] = 1;
		}
	}
	return reached[l->n * wide + r->n];
}

RC globs_intersect(struct arena *a, struct slice left, struct slice right, bool *out, struct why *w)
{
	struct globs l = {.a = a, .w = w, .text = left}, r = {.a = a, .w = w, .text = right};
	uint8_t *reached;

	if (left.n > GLOBS_MAX || right.n > GLOBS_MAX)
		return deny(w, E_LIMIT, "globs.size", "pattern of %zu bytes, %u at most", MAX_OF(left.n, right.n), GLOBS_MAX);
	TRY(tokenize(&l));
	TRY(tokenize(&r));
	reached = arena_alloc_n(a, l.n + 1, r.n + 1);
	if (!reached)
		return deny(w, E_INTERNAL, "globs.memory", "no memory to compare patterns");
	*out = meet(&l, &r, reached);
	return rc_of(OK);
}
