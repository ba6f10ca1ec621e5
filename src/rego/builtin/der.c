#include "rego/builtin/der.h"

#include <stdio.h>

struct der der_next(struct cur *c)
{
	const uint8_t *from = c->p;
	struct der d = {.tag = cur_u8(c)};
	size_t n = cur_u8(c);

	if ((d.tag & 0x1f) == 0x1f)
		cur_spoil(c);
	if (n & 0x80) {
		unsigned bytes = n & 0x7f;

		n = 0;
		if (bytes == 0 || bytes > 4)
			cur_spoil(c);
		for (unsigned i = 0; i < bytes && !c->m->bad; i++) {
			n = n << 8 | cur_u8(c);
			if (i == 0 && n == 0)
				cur_spoil(c);
		}
		if (n < 0x80)
			cur_spoil(c);
	}
	d.body = cur_take(c, n);
	if (c->m->bad)
		return (struct der){0};
	d.whole = slice_of(from, (size_t)(c->p - from));
	return d;
}

uint8_t der_peek(const struct cur *c)
{
	return cur_more(c) ? c->p[0] : 0;
}

struct der der_want(struct cur *c, uint8_t tag)
{
	if (der_peek(c) != tag)
		cur_spoil(c);
	return der_next(c);
}

struct cur der_enter(struct cur *c, uint8_t tag)
{
	struct der d = der_want(c, tag);

	return (struct cur){.m = c->m, .p = d.body.p, .end = d.body.p ? d.body.p + d.body.n : NULL};
}

bool der_oid_text(struct slice body, char *out, size_t n)
{
	size_t used = 0;
	uint64_t v = 0;
	bool first = true;

	if (body.n == 0 || n == 0)
		return false;
	out[0] = 0;
	for (size_t i = 0; i < body.n; i++) {
		int w;

		if (v >> 56)
			return false;
		v = v << 7 | (body.p[i] & 0x7f);
		if (body.p[i] & 0x80)
			continue;
		if (first) {
			uint64_t top = v < 80 ? v / 40 : 2;

			w = snprintf(out, n, "%llu.%llu", (unsigned long long)top, (unsigned long long)(v - top * 40));
		} else {
			w = snprintf(out + used, n - used, ".%llu", (unsigned long long)v);
		}
		if (w < 0 || (size_t)w >= n - used)
			return false;
		used += (size_t)w;
		first = false;
		v = 0;
	}
	return (body.p[body.n - 1] & 0x80) == 0;
}

struct slice der_uint(struct cur *c)
{
	struct slice s = der_want(c, DER_INT).body;

	if (s.n == 0 || s.p[0] & 0x80)
		cur_spoil(c);
	while (s.n && s.p[0] == 0)
		s = slice_sub(s, 1, s.n);
	return s;
}

struct slice der_bits(struct cur *c)
{
	struct slice s = der_want(c, DER_BITS).body;

	if (s.n == 0 || s.p[0] != 0) {
		cur_spoil(c);
		return (struct slice){0};
	}
	return slice_sub(s, 1, s.n);
}
