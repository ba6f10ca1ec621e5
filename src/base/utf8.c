#include "base/utf8.h"

#include "base/scan.h"

int32_t utf8_next(struct slice s, size_t *at)
{
	static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
	size_t i = *at;
	unsigned more;
	uint32_t cp;
	uint8_t c;

	if (i >= s.n)
		return -1;
	c = s.p[i++];
	if (c < 0x80)
		more = 0, cp = c;
	else if (c >= 0xc2 && c < 0xe0)
		more = 1, cp = c & 0x1f;
	else if (c >= 0xe0 && c < 0xf0)
		more = 2, cp = c & 0x0f;
	else if (c >= 0xf0 && c < 0xf5)
		more = 3, cp = c & 0x07;
	else
		return -1;
	if (s.n - i < more)
		return -1;
	for (unsigned k = 0; k < more; k++, i++) {
		if ((s.p[i] & 0xc0) != 0x80)
			return -1;
		cp = cp << 6 | (s.p[i] & 0x3f);
	}
	if (cp < least[more] || cp > 0x10ffff || (cp >= 0xd800 && cp < 0xe000))
		return -1;
	*at = i;
	return (int32_t)cp;
}

bool utf8_valid(struct slice s)
{
	size_t i = 0;

	while (i < s.n) {
		i += scan_ascii(s.p + i, s.n - i);
		if (i < s.n && utf8_next(s, &i) < 0)
			return false;
	}
	return true;
}

unsigned utf8_put(uint32_t cp, uint8_t out[4])
{
	if (cp < 0x80) {
		out[0] = (uint8_t)cp;
		return 1;
	}
	if (cp < 0x800) {
		out[0] = (uint8_t)(0xc0 | cp >> 6);
		out[1] = (uint8_t)(0x80 | (cp & 0x3f));
		return 2;
	}
	if (cp >= 0xd800 && cp < 0xe000)
		return 0;
	if (cp < 0x10000) {
		out[0] = (uint8_t)(0xe0 | cp >> 12);
		out[1] = (uint8_t)(0x80 | (cp >> 6 & 0x3f));
		out[2] = (uint8_t)(0x80 | (cp & 0x3f));
		return 3;
	}
	if (cp > 0x10ffff)
		return 0;
	out[0] = (uint8_t)(0xf0 | cp >> 18);
	out[1] = (uint8_t)(0x80 | (cp >> 12 & 0x3f));
	out[2] = (uint8_t)(0x80 | (cp >> 6 & 0x3f));
	out[3] = (uint8_t)(0x80 | (cp & 0x3f));
	return 4;
}

static bool moves_a_terminal(int32_t cp)
{
	return cp < 0x20 || (cp >= 0x7f && cp < 0xa0) || (cp >= 0x200e && cp <= 0x200f) || (cp >= 0x2028 && cp <= 0x202e) ||
	       (cp >= 0x2066 && cp <= 0x2069);
}

static void write_clean(struct buf *b, struct slice s, bool terminal)
{
	for (size_t at = 0; at < s.n;) {
		size_t from = at;
		int32_t cp = utf8_next(s, &at);

		if (cp < 0)
			buf_printf(b, "\\x%02x", s.p[at++]);
		else if (terminal && moves_a_terminal(cp))
			buf_printf(b, "\\u%04x", (unsigned)cp);
		else
			buf_put(b, s.p + from, at - from);
	}
}

void utf8_write(struct buf *b, struct slice s)
{
	write_clean(b, s, false);
}

void utf8_write_terminal(struct buf *b, struct slice s)
{
	write_clean(b, s, true);
}
