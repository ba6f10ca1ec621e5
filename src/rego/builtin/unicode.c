#include "rego/builtin/unicode.h"

#include "base/num.h"
#include "base/utf8.h"
#include "rego/builtin/unicode_tables.h"

int32_t uni_next(struct slice s, size_t *at)
{
	int32_t cp = utf8_next(s, at);

	if (cp >= 0)
		return cp;
	++*at;
	return 0xfffd;
}

int32_t uni_prev(struct slice s, size_t *at)
{
	/* the longest of the last four bytes that decode as one code point ending here */
	for (size_t back = MIN_OF(*at, (size_t)4); back > 0; back--) {
		struct slice tail = slice_sub(s, *at - back, back);
		size_t end = 0;
		int32_t cp = utf8_next(tail, &end);

		if (cp >= 0 && end == back) {
			*at -= back;
			return cp;
		}
	}
	--*at;
	return 0xfffd;
}

size_t uni_count(struct slice s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; n++) {
		if (s.p[i] < 0x80)
			i++;
		else
			uni_next(s, &i);
	}
	return n;
}

size_t uni_offset(struct slice s, size_t n)
{
	size_t i = 0;

	while (n-- > 0 && i < s.n)
		uni_next(s, &i);
	return i;
}

bool uni_ascii(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] >= 0x80)
			return false;
	return true;
}

void uni_put(struct buf *b, int32_t cp)
{
	uint8_t u[4];
	unsigned n = utf8_put((uint32_t)cp, u);

	if (n == 0)
		n = utf8_put(0xfffd, u);
	buf_put(b, u, n);
}

static int32_t mapped(const struct case_range *table, size_t n, int32_t cp)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;
		const struct case_range *r = &table[mid];

		if ((uint32_t)cp < r->first)
			hi = mid;
		else if ((uint32_t)cp > r->last)
			lo = mid + 1;
		else
			return ((uint32_t)cp - r->first) % r->step == 0 ? cp + r->delta : cp;
	}
	return cp;
}

int32_t uni_upper(int32_t cp)
{
	if (cp < 0x80)
		return cp >= 'a' && cp <= 'z' ? cp - 32 : cp;
	return mapped(to_upper, COUNT_OF(to_upper), cp);
}

int32_t uni_lower(int32_t cp)
{
	if (cp < 0x80)
		return cp >= 'A' && cp <= 'Z' ? cp + 32 : cp;
	return mapped(to_lower, COUNT_OF(to_lower), cp);
}

bool uni_space(int32_t cp)
{
	return (cp >= '\t' && cp <= '\r') || cp == ' ' || cp == 0x85 || cp == 0xa0 || cp == 0x1680 ||
	       (cp >= 0x2000 && cp <= 0x200a) || cp == 0x2028 || cp == 0x2029 || cp == 0x202f || cp == 0x205f ||
	       cp == 0x3000;
}

bool uni_printable(uint32_t cp)
{
	size_t lo = 0, hi = COUNT_OF(printable);

	if (cp < 0x80)
		return cp >= ' ' && cp < 0x7f;
	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (cp < printable[mid].first)
			hi = mid;
		else if (cp > printable[mid].last)
			lo = mid + 1;
		else
			return true;
	}
	return false;
}
