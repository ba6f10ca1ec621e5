#include "rego/builtin/semver.h"

static bool digits(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return s.n > 0;
}

/* Takes what stands before the next `sep` (or all) off the front of *s. */
static struct slice take(struct slice *s, char sep)
{
	size_t i = 0;
	struct slice head;

	while (i < s->n && s->p[i] != sep)
		i++;
	head = slice_sub(*s, 0, i);
	*s = slice_sub(*s, i < s->n ? i + 1 : i, s->n);
	return head;
}

static bool part(struct slice s, uint64_t *out)
{
	uint64_t v = 0;

	if (!digits(s) || (s.n > 1 && s.p[0] == '0'))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (__builtin_mul_overflow(v, 10u, &v) || __builtin_add_overflow(v, (uint64_t)(s.p[i] - '0'), &v) ||
		    v > INT64_MAX)
			return false;
	}
	*out = v;
	return true;
}

static bool identifiers(struct slice s, bool numbers_strict)
{
	size_t from = 0;

	for (size_t i = 0; i <= s.n; i++) {
		struct slice id;
		uint8_t c = i < s.n ? s.p[i] : '.';

		if (c != '.') {
			if (!((c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '-'))
				return false;
			continue;
		}
		id = slice_sub(s, from, i - from);
		if (id.n == 0 || (numbers_strict && digits(id) && id.n > 1 && id.p[0] == '0'))
			return false;
		from = i + 1;
	}
	return true;
}

bool semver_parse(struct slice s, struct semver *out)
{
	struct semver v = {0};
	struct slice rest;
	size_t i;

	if (s.n && s.p[0] == 'v')
		s = slice_sub(s, 1, s.n);
	for (i = 0; i < s.n && s.p[i] != '+';)
		i++;
	if (i < s.n) {
		v.build = slice_sub(s, i + 1, s.n);
		if (!identifiers(v.build, false))
			return false;
	}
	rest = slice_sub(s, 0, i);
	for (i = 0; i < rest.n && rest.p[i] != '-';)
		i++;
	if (i < rest.n) {
		v.pre = slice_sub(rest, i + 1, rest.n);
		if (!identifiers(v.pre, true))
			return false;
	}
	rest = slice_sub(rest, 0, i);
	for (i = 0; i < 3; i++) {
		size_t before = rest.n;
		struct slice p = take(&rest, '.');

		if ((i < 2) != (p.n < before) || !part(p, &v.part[i]))
			return false;
	}
	*out = v;
	return true;
}

static int sign(int c)
{
	return (c > 0) - (c < 0);
}

static int compare_identifier(struct slice a, struct slice b)
{
	bool na = digits(a), nb = digits(b);

	if (na != nb)
		return na ? -1 : 1;
	if (na && a.n != b.n)	/* no leading zeros, so the longer is the larger */
		return a.n < b.n ? -1 : 1;
	return sign(slice_cmp(a, b));
}

int semver_compare(const struct semver *a, const struct semver *b)
{
	struct slice pa = a->pre, pb = b->pre;

	for (int i = 0; i < 3; i++)
		if (a->part[i] != b->part[i])
			return a->part[i] < b->part[i] ? -1 : 1;
	if (pa.n == 0 || pb.n == 0)
		return (pa.n == 0) - (pb.n == 0);
	while (pa.n && pb.n) {
		int c = compare_identifier(take(&pa, '.'), take(&pb, '.'));

		if (c)
			return c;
	}
	return (pa.n > 0) - (pb.n > 0);
}
