#include "rego/builtin/glob.h"

#include "base/utf8.h"
#include "rego/builtin/unicode.h"

enum glob_op { G_CHAR, G_ONE, G_ANY, G_SUPER, G_CLASS, G_SPLIT, G_JUMP, G_MATCH };

/* G_ANY and G_SUPER loop on themselves; G_SPLIT goes on at the next instruction and at `to`. */
struct glob_ins {
	enum glob_op op;
	bool negated;
	int32_t lo, hi;		/* G_CHAR: lo; G_CLASS: a range, or with hi < 0 the list */
	struct slice list;	/* G_CLASS: members */
	size_t to;		/* G_SPLIT, G_JUMP */
};

struct glob {
	struct glob_ins *ins;
	size_t n;
	const int32_t *seps;
	size_t n_seps;
};

/* Depth of nested {}; each level keeps where its alternatives have to jump. */
#define GLOB_DEPTH 64

struct parser {
	struct arena *a;
	struct slice s;
	size_t at;
	struct glob *g;
	struct why *w;
	size_t split[GLOB_DEPTH], jumps[GLOB_DEPTH];	/* last split; chain of jumps to the end of the group */
	unsigned depth;
};

#define NOWHERE SIZE_MAX

static struct glob_ins *emit(struct parser *p, enum glob_op op)
{
	struct glob_ins *i = &p->g->ins[p->g->n++];

	i->op = op;
	return i;
}

static RC read_char(struct parser *p, int32_t *out)
{
	*out = utf8_next(p->s, &p->at);
	if (*out < 0)
		return deny(p->w, E_MALFORMED, "glob.syntax", "syntax error in pattern: could not read rune");
	return rc_of(OK);
}

static bool done(const struct parser *p)
{
	return p->at >= p->s.n;
}

static RC class_list(struct parser *p, struct glob_ins *ins)
{
	struct buf b = buf_in(p->a, 0);
	bool escaped = false;
	int32_t c;

	while (!done(p)) {
		size_t before = p->at;

		TRY(read_char(p, &c));
		if (!escaped && c == '\\') {
			escaped = true;
			continue;
		}
		if (!escaped && c == ']') {
			p->at = before;
			break;
		}
		escaped = false;
		uni_put(&b, c);
	}
	if (done(p))
		return deny(p->w, E_MALFORMED, "glob.syntax", "syntax error in pattern: unexpected end of input");
	if (b.n == 0)
		return deny(p->w, E_MALFORMED, "glob.syntax", "syntax error in pattern: could not parse range");
	if (!buf_ok(&b))
		return deny(p->w, E_INTERNAL, "glob.memory", "no memory for a pattern");
	ins->list = buf_view(&b);
	return rc_of(OK);
}

/* Behind the '['. */
static RC class_of(struct parser *p)
{
	struct glob_ins *ins = emit(p, G_CLASS);
	size_t before;
	int32_t c;

	ins->hi = -1;
	if (!done(p) && p->s.p[p->at] == '!') {
		ins->negated = true;
		p->at++;
	}
	if (done(p))
		return deny(p->w, E_MALFORMED, "glob.syntax", "syntax error in pattern: unexpected end of input");
	before = p->at;
	TRY(read_char(p, &c));
	if (!done(p) && p->s.p[p->at] == '-') {
		p->at++;
		if (done(p))
			return deny(p->w, E_MALFORMED, "glob.syntax", "syntax error in pattern: unexpected end of input");
		ins->lo = c;
		TRY(read_char(p, &ins->hi));
		if (ins->hi < ins->lo) {
			uint8_t lo[5] = {0}, hi[5] = {0};

			utf8_put((uint32_t)ins->lo, lo);
			utf8_put((uint32_t)ins->hi, hi);
			return deny(p->w, E_MALFORMED, "glob.syntax", "syntax error in pattern: hi character '%s' should be greater than lo '%s'", hi, lo);
		}
	} else {
		p->at = before;
		TRY(class_list(p, ins));
	}
	if (done(p))
		return deny(p->w, E_MALFORMED, "glob.syntax", "syntax error in pattern: unexpected end of input");
	if (p->s.p[p->at++] != ']')
		return deny(p->w, E_MALFORMED, "glob.syntax", "syntax error in pattern: expected close range character");
	return rc_of(OK);
}

static RC open_group(struct parser *p)
{
	if (p->depth == GLOB_DEPTH)
		return deny(p->w, E_LIMIT, "glob.depth", "pattern nests deeper than %d", GLOB_DEPTH);
	p->split[p->depth] = p->g->n;
	p->jumps[p->depth++] = NOWHERE;
	emit(p, G_SPLIT)->to = NOWHERE;
	return rc_of(OK);
}

/* A ',' in a group: the alternative before jumps to the end, the split before it points here. */
static void next_alternative(struct parser *p)
{
	unsigned d = p->depth - 1;

	emit(p, G_JUMP)->to = p->jumps[d];
	p->jumps[d] = p->g->n - 1;
	p->g->ins[p->split[d]].to = p->g->n;
	p->split[d] = p->g->n;
	emit(p, G_SPLIT)->to = NOWHERE;
}

static void close_group(struct parser *p)
{
	unsigned d = --p->depth;
	size_t at = p->jumps[d];

	p->g->ins[p->split[d]].op = G_JUMP;	/* the last alternative: no other way */
	p->g->ins[p->split[d]].to = p->split[d] + 1;
	while (at != NOWHERE) {
		size_t before = p->g->ins[at].to;

		p->g->ins[at].to = p->g->n;
		at = before;
	}
}

static RC one(struct parser *p)
{
	int32_t c;

	TRY(read_char(p, &c));
	if (c == '*') {
		if (!done(p) && p->s.p[p->at] == '*') {
			p->at++;
			emit(p, G_SUPER);
		} else {
			emit(p, G_ANY);
		}
	} else if (c == '?') {
		emit(p, G_ONE);
	} else if (c == '[') {
		return class_of(p);
	} else if (c == '{') {
		return open_group(p);
	} else if (c == ',' && p->depth) {
		next_alternative(p);
	} else if (c == '}' && p->depth) {
		close_group(p);
	} else if (c == '\\') {
		if (done(p))
			return deny(p->w, E_MALFORMED, "glob.syntax", "syntax error in pattern: trailing backslash");
		TRY(read_char(p, &c));
		emit(p, G_CHAR)->lo = c;
	} else {
		emit(p, G_CHAR)->lo = c;
	}
	return rc_of(OK);
}

RC glob_compile(struct arena *a, struct slice pattern, const int32_t *seps, size_t n_seps, struct glob **out,
		struct why *w)
{
	struct parser p = {.a = a, .s = pattern, .w = w};
	int32_t *copy;

	if (pattern.n > GLOB_MAX)
		return deny(w, E_LIMIT, "glob.size", "pattern of %zu bytes, %u at most", pattern.n, GLOB_MAX);
	p.g = ARENA_NEW(a, struct glob);
	copy = arena_array(a, n_seps + 1, int32_t);
	if (p.g)	/* a character makes two instructions at most */
		p.g->ins = arena_array(a, 2 * pattern.n + 2, struct glob_ins);
	if (!p.g || !copy || !p.g->ins)
		return deny(w, E_INTERNAL, "glob.memory", "no memory for a pattern");
	if (n_seps)
		memcpy(copy, seps, n_seps * sizeof(*seps));
	p.g->seps = copy;
	p.g->n_seps = n_seps;
	while (!done(&p))
		TRY(one(&p));
	if (p.depth)
		return deny(w, E_MALFORMED, "glob.syntax", "syntax error in pattern: unclosed `{`");
	emit(&p, G_MATCH);
	*out = p.g;
	return rc_of(OK);
}

size_t glob_cost(const struct glob *g)
{
	return g->n;
}

/* ---- running ---- */

struct run {
	const struct glob *g;
	size_t *list, *next;	/* instructions that wait for a character */
	uint32_t *seen;		/* step at which an instruction was entered last */
	size_t *stack;
	size_t n;
	uint32_t step;
};

/* Enters an instruction and all that follow without reading. */
static void enter(struct run *r, size_t at)
{
	size_t top = 0;

	r->stack[top++] = at;
	while (top) {
		const struct glob_ins *i;

		at = r->stack[--top];
		if (r->seen[at] == r->step)
			continue;
		r->seen[at] = r->step;
		i = &r->g->ins[at];
		switch (i->op) {
		case G_JUMP:
			r->stack[top++] = i->to;
			break;
		case G_SPLIT:
			r->stack[top++] = i->to;
			r->stack[top++] = at + 1;
			break;
		case G_ANY:
		case G_SUPER:	/* may read nothing */
			r->next[r->n++] = at;
			r->stack[top++] = at + 1;
			break;
		case G_CHAR:
		case G_ONE:
		case G_CLASS:
		case G_MATCH:
			r->next[r->n++] = at;
			break;
		}
	}
}

static bool is_sep(const struct glob *g, int32_t c)
{
	for (size_t i = 0; i < g->n_seps; i++)
		if (g->seps[i] == c)
			return true;
	return false;
}

static bool in_class(const struct glob_ins *i, int32_t c)
{
	bool in = false;

	if (i->hi >= 0)
		return (c >= i->lo && c <= i->hi) != i->negated;
	for (size_t at = 0; at < i->list.n && !in;)
		in = uni_next(i->list, &at) == c;
	return in != i->negated;
}

static void step(struct run *r, size_t at, int32_t c, bool sep)
{
	const struct glob_ins *i = &r->g->ins[at];

	switch (i->op) {
	case G_CHAR:
		if (c == i->lo)
			enter(r, at + 1);
		break;
	case G_ONE:
		if (!sep)
			enter(r, at + 1);
		break;
	case G_ANY:
		if (!sep)
			enter(r, at);
		break;
	case G_SUPER:
		enter(r, at);
		break;
	case G_CLASS:
		if (in_class(i, c))
			enter(r, at + 1);
		break;
	case G_SPLIT:
	case G_JUMP:
	case G_MATCH:
		break;
	}
}

RC glob_match(const struct glob *g, struct slice s, struct arena *a, bool *out, struct why *w)
{
	struct run r = {.g = g, .step = 1};
	size_t at = 0;

	r.list = arena_array(a, g->n, size_t);
	r.next = arena_array(a, g->n, size_t);
	r.seen = arena_array(a, g->n, uint32_t);
	r.stack = arena_array(a, 2 * g->n + 2, size_t);
	if (!r.list || !r.next || !r.seen || !r.stack)
		return deny(w, E_INTERNAL, "glob.memory", "no memory to match a pattern");
	enter(&r, 0);
	while (at < s.n && r.n) {
		int32_t c = uni_next(s, &at);
		size_t *waiting = r.next, n = r.n;
		bool sep = is_sep(g, c);

		r.next = r.list;
		r.list = waiting;
		r.n = 0;
		r.step++;
		for (size_t i = 0; i < n; i++)
			step(&r, waiting[i], c, sep);
	}
	*out = false;
	for (size_t i = 0; i < r.n; i++)
		*out = *out || g->ins[r.next[i]].op == G_MATCH;
	return rc_of(OK);
}

void glob_quote(struct buf *b, struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] && strchr("*?\\[]{}", s.p[i]))
			buf_putc(b, '\\');
		buf_putc(b, (char)s.p[i]);
	}
}
