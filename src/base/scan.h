/* scan.h - how far a text is plain, eight bytes at a time. */
#pragma once
#include <stdint.h>
#include <string.h>

/* The top bit of each byte that is below `least`, or is `a` or `b`, or beyond ASCII. A borrow may set one above a byte that is, never
 * one below: the lowest is right.
 */
static inline uint64_t scan_mask(const uint8_t *p, uint8_t least, uint8_t a, uint8_t b)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), high = UINT64_C(0x8080808080808080);
	uint64_t v, x, y;

	memcpy(&v, p, sizeof(v));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	v = __builtin_bswap64(v);
#endif
	x = v ^ ones * a;
	y = v ^ ones * b;
	return (((v - ones * least) & ~v) | ((x - ones) & ~x) | ((y - ones) & ~y) | v) & high;
}

/* Bytes before the first that is a control character, a quote, a backslash or no ASCII: what JSON writes as it stands. */
static inline size_t scan_json(const uint8_t *p, size_t n)
{
	size_t i = 0;

	for (; n - i >= 8; i += 8) {
		uint64_t m = scan_mask(p + i, 0x20, '"', '\\');

		if (m)
			return i + (size_t)__builtin_ctzll(m) / 8;
	}
	while (i < n && p[i] >= 0x20 && p[i] < 0x80 && p[i] != '"' && p[i] != '\\')
		i++;
	return i;
}

/* Bytes before the first that is no ASCII. */
static inline size_t scan_ascii(const uint8_t *p, size_t n)
{
	size_t i = 0;

	for (; n - i >= 8; i += 8) {
		uint64_t v;

		memcpy(&v, p + i, sizeof(v));
		if (v & UINT64_C(0x8080808080808080))
			break;
	}
	while (i < n && p[i] < 0x80)
		i++;
	return i;
}
