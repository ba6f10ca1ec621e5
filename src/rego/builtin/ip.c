#include "rego/builtin/ip.h"

#include <stdlib.h>

#define V4_MAPPED ((unsigned __int128)0xffff << 32)

static unsigned width(bool v4)
{
	return v4 ? 32 : 128;
}

/* The host bits of a prefix. */
static unsigned __int128 host_mask(bool v4, unsigned bits)
{
	unsigned n = width(v4) - bits;

	return n == 128 ? ~(unsigned __int128)0 : ((unsigned __int128)1 << n) - 1;
}

static bool parse_v4(struct slice s, unsigned __int128 *out)
{
	size_t i = 0;
	uint32_t v = 0;

	for (int k = 0; k < 4; k++) {
		unsigned n = 0;
		size_t from;

		if (k && (i >= s.n || s.p[i++] != '.'))
			return false;
		for (from = i; i < s.n && s.p[i] >= '0' && s.p[i] <= '9' && i - from < 4; i++)
			n = n * 10 + s.p[i] - '0';
		if (i == from || n > 255 || (i - from > 1 && s.p[from] == '0'))
			return false;
		v = v << 8 | n;
	}
	*out = v;
	return i == s.n;
}

static bool hex_group(struct slice s, size_t *at, unsigned *out)
{
	size_t from = *at;
	unsigned v = 0;

	for (; *at < s.n && *at - from < 5; ++*at) {
		uint8_t c = s.p[*at];

		if (c >= '0' && c <= '9')
			v = v << 4 | (unsigned)(c - '0');
		else if ((c | 32) >= 'a' && (c | 32) <= 'f')
			v = v << 4 | (unsigned)((c | 32) - 'a' + 10);
		else
			break;
	}
	*out = v;
	return *at > from && *at - from <= 4;
}

static bool parse_v6(struct slice s, unsigned __int128 *out)
{
	unsigned __int128 head = 0, tail = 0;
	int n_head = 0, n_tail = 0;	/* groups before and after the "::" */
	bool gap = false;
	size_t i = 0;

	if (slice_starts(s, SLICE_LIT("::"))) {
		gap = true;
		i = 2;
	}
	while (i < s.n) {
		unsigned __int128 v4;
		size_t from = i;
		unsigned g;

		if (n_head + n_tail >= 8 || !hex_group(s, &i, &g))
			return false;
		if (i < s.n && s.p[i] == '.') {	/* the last 32 bits in dotted form */
			if (n_head + n_tail > 6 || !parse_v4(slice_sub(s, from, s.n), &v4))
				return false;
			if (gap) {
				tail = tail << 32 | v4;
				n_tail += 2;
			} else {
				head = head << 32 | v4;
				n_head += 2;
			}
			break;
		}
		if (gap) {
			tail = tail << 16 | g;
			n_tail++;
		} else {
			head = head << 16 | g;
			n_head++;
		}
		if (i == s.n)
			break;
		if (s.p[i++] != ':' || i == s.n)
			return false;
		if (s.p[i] == ':') {
			if (gap)
				return false;
			gap = true;
			i++;
		}
	}
	if (gap ? n_head + n_tail > 7 : n_head != 8)
		return false;
	*out = (n_head ? head << (16 * (8 - n_head)) : 0) | tail;
	return true;
}

/* Without taking IPv4-mapped addresses for IPv4. */
static bool parse_raw(struct slice s, struct ip *out)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '.') {
			out->v4 = true;
			return parse_v4(s, &out->v);
		}
		if (s.p[i] == ':') {
			out->v4 = false;
			return parse_v6(s, &out->v);
		}
	}
	return false;
}

static bool mapped(unsigned __int128 v)
{
	return v >> 32 == V4_MAPPED >> 32;
}

bool ip_parse(struct slice s, struct ip *out)
{
	struct ip ip;

	if (!parse_raw(s, &ip))
		return false;
	if (!ip.v4 && mapped(ip.v)) {
		ip.v4 = true;
		ip.v &= 0xffffffff;
	}
	*out = ip;
	return true;
}

void ip_write(struct buf *b, struct ip ip)
{
	unsigned group[8];
	int best = -1, best_n = 1;

	if (ip.v4) {
		uint32_t v = (uint32_t)ip.v;

		buf_printf(b, "%u.%u.%u.%u", v >> 24, v >> 16 & 255, v >> 8 & 255, v & 255);
		return;
	}
	for (int i = 0; i < 8; i++)
		group[i] = (unsigned)(ip.v >> (112 - 16 * i)) & 0xffff;
	for (int i = 0; i < 8; i++) {
		int n = 0;

		while (i + n < 8 && group[i + n] == 0)
			n++;
		if (n > best_n) {
			best = i;
			best_n = n;
		}
	}
	for (int i = 0; i < 8; i++) {
		if (i == best) {
			buf_puts(b, "::");
			i += best_n - 1;
			continue;
		}
		if (i && i != best + best_n)
			buf_putc(b, ':');
		buf_printf(b, "%x", group[i]);
	}
}

bool ipnet_parse(struct slice s, struct ipnet *out)
{
	struct ipnet n = {0};
	size_t i;

	for (i = 0; i < s.n && s.p[i] != '/';)
		i++;
	if (i == s.n || i + 1 == s.n || !parse_raw(slice_sub(s, 0, i), &n.ip))
		return false;
	while (++i < s.n) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		n.bits = n.bits * 10 + s.p[i] - '0';
		if (n.bits > width(n.ip.v4))
			return false;
	}
	n.ip.v &= ~host_mask(n.ip.v4, n.bits);
	if (!n.ip.v4 && n.bits >= 96 && mapped(n.ip.v)) {
		n.ip.v4 = true;
		n.ip.v &= 0xffffffff;
		n.bits -= 96;
	}
	*out = n;
	return true;
}

void ipnet_write(struct buf *b, const struct ipnet *n)
{
	ip_write(b, n->ip);
	buf_printf(b, "/%u", n->bits);
}

bool ipnet_contains(const struct ipnet *n, struct ip ip)
{
	return n->ip.v4 == ip.v4 && (ip.v & ~host_mask(ip.v4, n->bits)) == (n->ip.v & ~host_mask(ip.v4, n->bits));
}

struct ip ipnet_last(const struct ipnet *n)
{
	struct ip last = n->ip;

	last.v |= host_mask(n->ip.v4, n->bits);
	return last;
}

unsigned ip_class_bits(struct ip ip)
{
	uint32_t top = (uint32_t)ip.v >> 24;

	return top < 0x80 ? 8 : top < 0xc0 ? 16 : 24;
}

/* ---- merging ---- */

static int cmp_ip(struct ip a, struct ip b)
{
	if (a.v4 != b.v4)
		return a.v4 ? -1 : 1;
	return (a.v > b.v) - (a.v < b.v);
}

static int by_last(const void *pa, const void *pb)
{
	const struct ipmerge *a = pa, *b = pb;
	int c = cmp_ip(a->last, b->last);

	return c ? c : cmp_ip(a->first, b->first);
}

size_t ip_merge(struct ipmerge *r, size_t n)
{
	size_t kept = 0;

	qsort(r, n, sizeof(*r), by_last);
	/* from the highest down: what touches or overlaps the range above joins it */
	for (size_t i = n; i > 0; i--) {
		struct ipmerge *above = kept ? &r[n - kept] : NULL, this = r[i - 1];

		if (above && above->first.v4 == this.last.v4 &&
		    (above->first.v == 0 || above->first.v - 1 <= this.last.v)) {
			if (this.first.v < above->first.v)
				above->first = this.first;
			above->merged = true;
		} else {
			r[n - ++kept] = this;
		}
	}
	memmove(r, r + (n - kept), kept * sizeof(*r));
	return kept;
}

bool ip_cover(struct ip *first, struct ip last, struct ipnet *out, bool *done)
{
	unsigned bits = width(first->v4);

	if (*done)
		return false;
	/* the widest network that starts here and ends within the range */
	while (bits > 0) {
		unsigned __int128 mask = host_mask(first->v4, bits - 1);

		if ((first->v & mask) != 0 || (first->v | mask) > last.v)
			break;
		bits--;
	}
	*out = (struct ipnet){.ip = *first, .bits = bits};
	*done = ipnet_last(out).v >= last.v;
	if (!*done)
		first->v = ipnet_last(out).v + 1;
	return true;
}
