#include "rego/builtin/simple.h"

#include <stddef.h>
#include <string.h>

#define DOT 0x100u

/* Step i takes one character; the set of steps that may come next is a word, with bit n for the end. */
struct steps {
	uint16_t c[SIMPLE_PATTERN_MAX + 2];	/* the character, or DOT */
	uint64_t again;	/* steps that may be taken any number of times */
	uint64_t skip;	/* steps that may be left out */
	unsigned n;
	unsigned literal;	/* leading steps that are just characters */
	bool from_start, to_end;
	bool dots;
};

static bool add(struct steps *s, uint16_t c, bool again, bool skip)
{
	if (s->n == SIMPLE_PATTERN_MAX)
		return false;
	s->c[s->n] = c;
	s->again |= (uint64_t)again << s->n;
	s->skip |= (uint64_t)skip << s->n;
	s->n++;
	return true;
}

static bool plain(uint8_t c)
{
	return c >= 0x20 && c < 0x7f && !strchr("\\^$.|?*+()[]{}", c);
}

/* The character at p[*i], which moves behind it; false when it is of another kind. */
static bool one(struct slice p, size_t *i, uint16_t *c)
{
	uint8_t b = p.p[*i];

	++*i;
	if (plain(b) || b == '.') {
		*c = b == '.' ? DOT : b;
		return true;
	}
	/* escaped punctuation is itself; escaped letters and digits have meanings */
	if (b != '\\' || *i == p.n || !strchr("\\^$.|?*+()[]{}-/", p.p[*i]) || p.p[*i] == 0)
		return false;
	*c = p.p[(*i)++];
	return true;
}

static bool read_steps(struct slice p, struct steps *s)
{
	size_t i = 0;
	bool literal = true;

	if (p.n && p.p[0] == '^') {
		s->from_start = true;
		i = 1;
	}
	while (i < p.n) {
		uint16_t c;
		uint8_t how;

		if (p.p[i] == '$' && i + 1 == p.n) {
			s->to_end = true;
			break;
		}
		if (!one(p, &i, &c))
			return false;
		s->dots = s->dots || c == DOT;
		how = i < p.n ? p.p[i] : 0;
		if (how != '*' && how != '+' && how != '?') {
			literal = literal && c != DOT;
			s->literal += literal;
			if (!add(s, c, false, false))
				return false;
			continue;
		}
		literal = false;
		i++;
		if (i < p.n && p.p[i] == '?')	/* takes less where it can: whether there is a match stays the same */
			i++;
		if (i < p.n && (p.p[i] == '*' || p.p[i] == '+' || p.p[i] == '?'))
			return false;
		if ((how == '+' && !add(s, c, false, false)) || !add(s, c, how != '?', true))
			return false;
	}
	return true;
}

/* With what may be left out. */
static uint64_t closed(const struct steps *s, uint64_t now)
{
	for (uint64_t more; (more = now | (now & s->skip) << 1) != now;)
		now = more;
	return now;
}

static bool run(const struct steps *s, const uint8_t *p, const uint8_t *end)
{
	const uint64_t start = closed(s, 1), last = 1ull << s->n;
	uint64_t now = start;

	for (; p < end; p++) {
		uint64_t next = s->from_start ? 0 : start;

		if ((now & last) && !s->to_end)
			return true;
		for (uint64_t left = now & ~last; left; left &= left - 1) {
			unsigned i = (unsigned)__builtin_ctzll(left);

			if (s->c[i] == *p || (s->c[i] == DOT && *p != '\n'))
				next |= s->again >> i & 1 ? 1ull << i : 2ull << i;
		}
		now = closed(s, next);
		if (!now)
			return false;
	}
	return (now & last) != 0;
}

static bool ascii(struct slice s)
{
	uint8_t any = 0;

	for (size_t i = 0; i < s.n; i++)
		any |= s.p[i];
	return any < 0x80;
}

enum simple simple_match(struct slice pattern, struct slice text)
{
	struct steps s __attribute__((uninitialized));
	char literal[SIMPLE_PATTERN_MAX];
	const uint8_t *from = text.p;

	memset(&s.again, 0, sizeof(s) - offsetof(struct steps, again));
	if (pattern.n > 2 * SIMPLE_PATTERN_MAX || text.n > SIMPLE_TEXT_MAX || !read_steps(pattern, &s) || (s.dots && !ascii(text)))
		return SIMPLE_NOT;
	/* no match begins before the first place of what it has to begin with */
	for (unsigned i = 0; i < s.literal; i++)
		literal[i] = (char)s.c[i];
	if (s.literal && !s.from_start) {
		from = memmem(text.p, text.n, literal, s.literal);
		if (!from)
			return SIMPLE_MISS;
	} else if (s.literal && (text.n < s.literal || memcmp(text.p, literal, s.literal) != 0)) {
		return SIMPLE_MISS;
	}
	return run(&s, from, text.p + text.n) ? SIMPLE_HIT : SIMPLE_MISS;
}
