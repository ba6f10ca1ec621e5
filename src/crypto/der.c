#include "crypto/der.h"

static size_t length(struct cur *c)
{
	uint8_t first = cur_u8(c);
	unsigned bytes = first & 0x7fu;
	size_t n = 0;

	if (first < 0x80)
		return first;
	if (bytes == 0 || bytes > 4) {	/* indefinite, or beyond any message */
		cur_spoil(c);
		return 0;
	}
	for (unsigned i = 0; i < bytes; i++)
		n = n << 8 | cur_u8(c);
	if (n < 0x80 || n >> (8 * (bytes - 1)) == 0)
		cur_spoil(c);
	return n;
}

struct slice der_any(struct cur *c, uint8_t *tag)
{
	uint8_t t = cur_u8(c);

	if ((t & 0x1f) == 0x1f || t == 0)	/* tags of several bytes; end of contents */
		cur_spoil(c);
	*tag = t;
	return cur_take(c, length(c));
}

struct slice der_take(struct cur *c, uint8_t tag)
{
	if (!cur_next_is(c, tag)) {
		cur_spoil(c);
		return (struct slice){0};
	}
	return der_any(c, &tag);
}

struct slice der_raw(struct cur *c)
{
	const uint8_t *from = c->p;
	uint8_t tag;
	struct slice body = der_any(c, &tag);

	if (c->m->bad)
		return (struct slice){0};
	return slice_of(from, (size_t)(body.p + body.n - from));
}

struct cur der_enter(struct cur *c, uint8_t tag)
{
	if (!cur_next_is(c, tag))
		cur_spoil(c);
	cur_u8(c);
	return cur_sub(c, length(c));
}

void der_leave(struct cur *child)
{
	if (cur_more(child))
		cur_spoil(child);
}

bool der_bool(struct cur *c)
{
	struct slice v = der_take(c, DER_BOOLEAN);

	if (v.n != 1 || (v.p[0] != 0 && v.p[0] != 0xff)) {
		cur_spoil(c);
		return false;
	}
	return v.p[0] == 0xff;
}

static struct slice magnitude(struct cur *c, uint8_t tag)
{
	struct slice v = der_take(c, tag);

	if (v.n == 0 || (v.p[0] & 0x80) || (v.n > 1 && v.p[0] == 0 && !(v.p[1] & 0x80))) {
		cur_spoil(c);
		return (struct slice){0};
	}
	return v.n > 1 && v.p[0] == 0 ? slice_sub(v, 1, v.n - 1) : v;
}

struct slice der_magnitude(struct cur *c)
{
	return magnitude(c, DER_INTEGER);
}

static uint64_t number(struct cur *c, uint8_t tag)
{
	struct slice v = magnitude(c, tag);
	uint64_t n = 0;

	if (v.n > 8) {
		cur_spoil(c);
		return 0;
	}
	for (size_t i = 0; i < v.n; i++)
		n = n << 8 | v.p[i];
	return n;
}

uint64_t der_u64(struct cur *c)
{
	return number(c, DER_INTEGER);
}

uint64_t der_enumerated(struct cur *c)
{
	return number(c, DER_ENUMERATED);
}

struct slice der_bytes(struct cur *c)
{
	struct slice v = der_take(c, DER_BIT_STRING);

	if (v.n == 0 || v.p[0] != 0) {
		cur_spoil(c);
		return (struct slice){0};
	}
	return slice_sub(v, 1, v.n - 1);
}

struct slice der_oid(struct cur *c)
{
	struct slice v = der_take(c, DER_OID);
	bool start = true;

	for (size_t i = 0; i < v.n; i++) {
		if (start && v.p[i] == 0x80)
			cur_spoil(c);
		start = !(v.p[i] & 0x80);
	}
	if (v.n == 0 || !start) {
		cur_spoil(c);
		return (struct slice){0};
	}
	return v;
}

size_t oid_encode(const char *dotted, uint8_t out[64])
{
	uint64_t first = 0;
	size_t n = 0;

	for (unsigned at = 0;; at++) {
		uint64_t arc = 0;
		unsigned groups = 1;

		if (*dotted < '0' || *dotted > '9')
			return 0;
		for (; *dotted >= '0' && *dotted <= '9'; dotted++) {
			if (arc > UINT32_MAX)
				return 0;
			arc = arc * 10 + (uint64_t)(*dotted - '0');
		}
		if (at == 0) {
			first = arc;
		} else {
			if (at == 1)
				arc += first * 40;
			for (uint64_t v = arc >> 7; v; v >>= 7)
				groups++;
			if (n + groups > 64)
				return 0;
			for (unsigned g = groups; g-- > 0;)
				out[n++] = (uint8_t)((arc >> (7 * g) & 0x7f) | (g ? 0x80 : 0));
		}
		if (*dotted == 0)
			return at ? n : 0;
		if (*dotted++ != '.')
			return 0;
	}
}

bool oid_is(struct slice oid, const char *dotted)
{
	uint8_t want[64];
	size_t n = oid_encode(dotted, want);

	return n && slice_eq(oid, slice_of(want, n));
}

static void check_element(struct cur *c, unsigned depth)
{
	uint8_t tag;
	struct cur look = *c, in;
	struct slice body = der_any(c, &tag);

	if (!(tag & 0x20) || c->m->bad)
		return;
	if (depth == 0) {
		cur_spoil(c);
		return;
	}
	cur_u8(&look);
	in = cur_sub(&look, length(&look));
	while (cur_more(&in))
		check_element(&in, depth - 1);
	(void)body;
}

rc der_check(struct slice in, struct why *w, const char *reason, const char *what)
{
	struct msg m;
	struct cur c = cur_open(&m, in);

	check_element(&c, DER_DEPTH_MAX);
	return cur_end(&c, w, reason, what);
}
