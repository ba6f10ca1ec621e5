#include "base/cur.h"

struct cur cur_open(struct msg *m, struct slice in)
{
	static const uint8_t none;

	*m = (struct msg){.in = in};
	if (!in.p)
		m->in = (struct slice){&none, 0};
	return (struct cur){m, m->in.p, m->in.p + m->in.n};
}

size_t cur_at(const struct cur *c)
{
	return (size_t)(c->p - c->m->in.p);
}

void cur_spoil(struct cur *c)
{
	if (!c->m->bad) {
		c->m->bad = true;
		c->m->bad_at = cur_at(c);
	}
}

struct slice cur_take(struct cur *c, size_t n)
{
	struct slice s;

	if (c->m->bad)
		return (struct slice){NULL, 0};
	if ((size_t)(c->end - c->p) < n) {
		c->m->bad = true;
		c->m->bad_at = (size_t)(c->end - c->m->in.p);
		return (struct slice){NULL, 0};
	}
	s = (struct slice){c->p, n};
	c->p += n;
	return s;
}

struct cur cur_sub(struct cur *c, size_t n)
{
	struct slice s = cur_take(c, n);

	if (!s.p)
		return (struct cur){c->m, c->p, c->p};
	return (struct cur){c->m, s.p, s.p + s.n};
}

struct slice cur_rest(struct cur *c)
{
	return cur_take(c, cur_left(c));
}

void cur_zero(struct cur *c, size_t n)
{
	size_t at = cur_at(c);
	struct slice s = cur_take(c, n);

	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] != 0 && !c->m->bad) {
			c->m->bad = true;
			c->m->bad_at = at + i;
		}
}

static uint64_t take_le(struct cur *c, unsigned n)
{
	struct slice s = cur_take(c, n);
	uint64_t v = 0;

	for (size_t i = 0; i < s.n; i++)
		v |= (uint64_t)s.p[i] << (8 * i);
	return v;
}

static uint64_t take_be(struct cur *c, unsigned n)
{
	struct slice s = cur_take(c, n);
	uint64_t v = 0;

	for (size_t i = 0; i < s.n; i++)
		v = v << 8 | s.p[i];
	return v;
}

uint8_t cur_u8(struct cur *c)
{
	return (uint8_t)take_le(c, 1);
}

uint16_t cur_le16(struct cur *c)
{
	return (uint16_t)take_le(c, 2);
}

uint32_t cur_le32(struct cur *c)
{
	return (uint32_t)take_le(c, 4);
}

uint64_t cur_le64(struct cur *c)
{
	return take_le(c, 8);
}

uint16_t cur_be16(struct cur *c)
{
	return (uint16_t)take_be(c, 2);
}

uint32_t cur_be32(struct cur *c)
{
	return (uint32_t)take_be(c, 4);
}

uint64_t cur_be64(struct cur *c)
{
	return take_be(c, 8);
}

rc cur_end_open(struct cur *c, struct why *w, const char *reason, const char *what)
{
	if (c->m->bad)
		return deny(w, E_MALFORMED, reason, "%s: truncated or malformed at byte %zu of %zu", what,
			    c->m->bad_at, c->m->in.n);
	return rc_of(OK);
}

rc cur_end(struct cur *c, struct why *w, const char *reason, const char *what)
{
	TRY(cur_end_open(c, w, reason, what));
	if (c->p != c->end)
		return deny(w, E_MALFORMED, reason, "%s: %zu bytes left over at byte %zu of %zu", what,
			    (size_t)(c->end - c->p), cur_at(c), c->m->in.n);
	return rc_of(OK);
}
