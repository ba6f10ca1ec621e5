#include "codec/base64.h"

#include "base/num.h"

static const char std_chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static bool is_url(enum b64 v)
{
	return v == B64_URL || v == B64_URL_PAD;
}

static bool is_padded(enum b64 v)
{
	return v == B64_STD || v == B64_URL_PAD;
}

/* Characters behind those of the whole groups of three bytes. */
static size_t tail_of(enum b64 variant, size_t n)
{
	return n % 3 == 0 ? 0 : is_padded(variant) ? 4 : n % 3 + 1;
}

static void encode(enum b64 variant, struct slice in, uint8_t *q)
{
	const char *set = is_url(variant) ? url_chars : std_chars;
	size_t whole = in.n / 3, rest = in.n % 3;
	const uint8_t *p = in.p;

	for (; whole--; p += 3, q += 4) {
		uint32_t v = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];

		q[0] = (uint8_t)set[v >> 18];
		q[1] = (uint8_t)set[v >> 12 & 63];
		q[2] = (uint8_t)set[v >> 6 & 63];
		q[3] = (uint8_t)set[v & 63];
	}
	if (rest) {
		uint32_t v = (uint32_t)p[0] << 16 | (rest == 2 ? (uint32_t)p[1] << 8 : 0);
		const char end[4] = {set[v >> 18], set[v >> 12 & 63], rest == 2 ? set[v >> 6 & 63] : '=', '='};

		memcpy(q, end, tail_of(variant, in.n));
	}
}

void b64_write(struct buf *b, enum b64 variant, struct slice in)
{
	uint8_t *q = in.n <= SIZE_MAX / 2 ? buf_extend(b, in.n / 3 * 4 + tail_of(variant, in.n)) : NULL;

	if (q)
		encode(variant, in, q);
}

struct slice b64_text(struct arena *a, enum b64 variant, struct slice in)
{
	size_t n = in.n / 3 * 4 + tail_of(variant, in.n);
	uint8_t *q = in.n <= SIZE_MAX / 2 ? arena_alloc_raw(a, n + 1) : NULL;

	if (!q)
		return (struct slice){NULL, 0};
	encode(variant, in, q);
	q[n] = 0;
	return (struct slice){q, n};
}

/* The six bits of a character, and 64 for what is none: index is the character, the last two that count depend on the alphabet. */
#define X8 64, 64, 64, 64, 64, 64, 64, 64
#define X32 X8, X8, X8, X8
#define B64_VALUES(plus, minus, slash, under)                                                                                          \
	{                                                                                                                              \
		X32, X8, 64, 64, 64, plus, 64, minus, 64, slash, 52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 64, 64, 64, 64, 64, 64, 64, 0, 1, 2, 3, \
			4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 64, 64, 64, 64, under, 64, 26, 27, \
			28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, 64, 64, 64, 64,  \
			64, X32, X32, X32, X32                                                                                         \
	}

static const uint8_t std_values[256] = B64_VALUES(62, 64, 63, 64), url_values[256] = B64_VALUES(64, 62, 64, 63);

size_t b64_decoded_max(size_t n)
{
	return n / 4 * 3 + 3;
}

static rc bad_character(enum b64 variant, struct slice in, size_t from, const char *what, struct why *w)
{
	const uint8_t *values = is_url(variant) ? url_values : std_values;

	while (values[in.p[from]] < 64)
		from++;
	return deny(w, E_MALFORMED, "base64.malformed", "%s: character 0x%02x at %zu is not base64%s", what, in.p[from], from,
		    is_url(variant) ? "url" : "");
}

rc b64_decode_into(enum b64 variant, struct slice in, uint8_t *out, size_t *out_n, const char *what, struct why *w)
{
	const uint8_t *values = is_url(variant) ? url_values : std_values, *p = in.p;
	size_t n = in.n, done = 0, i = 0;

	if (is_padded(variant)) {
		if (n % 4)
			return deny(w, E_MALFORMED, "base64.malformed", "%s: %zu characters, base64 with padding has a multiple of 4",
				    what, n);
		if (n && in.p[n - 1] == '=')
			n -= in.p[n - 2] == '=' ? 2 : 1;
	}
	if (n % 4 == 1)
		return deny(w, E_MALFORMED, "base64.malformed", "%s: %zu characters cannot be base64", what, n);
	for (; n - i >= 4; i += 4) {
		uint32_t a = values[p[i]], b = values[p[i + 1]], c = values[p[i + 2]], d = values[p[i + 3]];
		uint32_t v = a << 18 | b << 12 | c << 6 | d;

		if ((a | b | c | d) & 64)
			return bad_character(variant, in, i, what, w);
		out[done++] = (uint8_t)(v >> 16);
		out[done++] = (uint8_t)(v >> 8);
		out[done++] = (uint8_t)v;
	}
	if (n % 4) {
		uint32_t a = values[p[i]], b = values[p[i + 1]], c = n % 4 == 3 ? values[p[i + 2]] : 0;

		if ((a | b | c) & 64)
			return bad_character(variant, in, i, what, w);
		if (n % 4 == 2 ? b & 15 : c & 3)
			return deny(w, E_MALFORMED, "base64.malformed", "%s: bits behind the last byte are not zero", what);
		out[done++] = (uint8_t)(a << 2 | b >> 4);
		if (n % 4 == 3)
			out[done++] = (uint8_t)(b << 4 | c >> 2);
	}
	*out_n = done;
	return rc_of(OK);
}

rc b64_decode(struct arena *a, enum b64 variant, struct slice in, struct slice *out, const char *what, struct why *w)
{
	uint8_t *p = arena_alloc_raw(a, b64_decoded_max(in.n) + 1);
	size_t n;

	if (!p)
		return deny(w, E_LIMIT, "base64.memory", "%s: no room to decode", what);
	TRY(b64_decode_into(variant, in, p, &n, what, w));
	p[n] = 0;
	*out = (struct slice){p, n};
	return rc_of(OK);
}

static void encode_hex(struct slice in, uint8_t *q)
{
	static const char set[] = "0123456789abcdef";

	for (size_t i = 0; i < in.n; i++) {
		q[2 * i] = (uint8_t)set[in.p[i] >> 4];
		q[2 * i + 1] = (uint8_t)set[in.p[i] & 15];
	}
}

void hex_write(struct buf *b, struct slice in)
{
	uint8_t *q = in.n <= SIZE_MAX / 2 ? buf_extend(b, 2 * in.n) : NULL;

	if (q)
		encode_hex(in, q);
}

char *hex_text(struct arena *a, struct slice in)
{
	uint8_t *q = in.n < SIZE_MAX / 2 ? arena_alloc_raw(a, 2 * in.n + 1) : NULL;

	if (!q)
		return NULL;
	encode_hex(in, q);
	q[2 * in.n] = 0;
	return (char *)q;
}

/* The value of a digit, and 16 for what is none; the index is the character. */
#define H8 16, 16, 16, 16, 16, 16, 16, 16
#define H32 H8, H8, H8, H8
static const uint8_t hex_values[256] = {H32,	 H8, H8, 0,  1,	 2,  3,	 4,  5,	 6,  7,	 8,  9,	 16, 16, 16, 16, 16, 16,
					16, 10, 11, 12, 13, 14, 15, 16, H8, H8, H8, 16, 10, 11, 12, 13, 14, 15, 16,
					H8,	 H8, H8, H32, H32, H32, H32};

rc hex_decode_into(struct slice in, uint8_t *out, size_t n, const char *what, struct why *w)
{
	if (in.n % 2)
		return deny(w, E_MALFORMED, "hex.malformed", "%s: %zu hex digits, expected an even number", what, in.n);
	if (in.n / 2 != n)
		return deny(w, E_MALFORMED, "hex.malformed", "%s: %zu hex digits, expected %zu", what, in.n, n * 2);
	for (size_t i = 0; i < n; i++) {
		unsigned hi = hex_values[in.p[2 * i]], lo = hex_values[in.p[2 * i + 1]];

		if ((hi | lo) & 16)
			return deny(w, E_MALFORMED, "hex.malformed", "%s: no hex digit at %zu", what, 2 * i);
		out[i] = (uint8_t)(hi << 4 | lo);
	}
	return rc_of(OK);
}

rc hex_decode(struct arena *a, struct slice in, struct slice *out, const char *what, struct why *w)
{
	uint8_t *p = arena_alloc_raw(a, in.n / 2 + 1);

	if (!p)
		return deny(w, E_LIMIT, "hex.memory", "%s: no room to decode", what);
	TRY(hex_decode_into(in, p, in.n / 2, what, w));
	p[in.n / 2] = 0;
	*out = (struct slice){p, in.n / 2};
	return rc_of(OK);
}
