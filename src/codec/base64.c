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

void b64_write(struct buf *b, enum b64 variant, struct slice in)
{
	const char *set = is_url(variant) ? url_chars : std_chars;
	size_t i = 0;

	for (; in.n - i >= 3; i += 3) {
		uint32_t v = (uint32_t)in.p[i] << 16 | (uint32_t)in.p[i + 1] << 8 | in.p[i + 2];
		char q[4] = {set[v >> 18], set[v >> 12 & 63], set[v >> 6 & 63], set[v & 63]};

		buf_put(b, q, 4);
	}
	if (in.n - i == 1) {
		char q[4] = {set[in.p[i] >> 2], set[(in.p[i] & 3) << 4], '=', '='};

		buf_put(b, q, is_padded(variant) ? 4 : 2);
	} else if (in.n - i == 2) {
		char q[4] = {set[in.p[i] >> 2], set[(in.p[i] & 3) << 4 | in.p[i + 1] >> 4],
			     set[(in.p[i + 1] & 15) << 2], '='};

		buf_put(b, q, is_padded(variant) ? 4 : 3);
	}
}

struct slice b64_text(struct arena *a, enum b64 variant, struct slice in)
{
	struct buf b = buf_in(a, 0);

	b64_write(&b, variant, in);
	return buf_cstr(&b) ? buf_view(&b) : (struct slice){NULL, 0};
}

static int value_of(enum b64 variant, uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == (is_url(variant) ? '-' : '+'))
		return 62;
	if (c == (is_url(variant) ? '_' : '/'))
		return 63;
	return -1;
}

size_t b64_decoded_max(size_t n)
{
	return n / 4 * 3 + 3;
}

rc b64_decode_into(enum b64 variant, struct slice in, uint8_t *out, size_t *out_n, const char *what, struct why *w)
{
	size_t n = in.n, done = 0, i = 0;
	uint32_t v = 0;

	if (is_padded(variant)) {
		if (n % 4)
			return deny(w, E_MALFORMED, "base64.malformed", "%s: %zu characters, base64 with padding has a multiple of 4",
				    what, n);
		if (n && in.p[n - 1] == '=')
			n -= in.p[n - 2] == '=' ? 2 : 1;
	}
	if (n % 4 == 1)
		return deny(w, E_MALFORMED, "base64.malformed", "%s: %zu characters cannot be base64", what, n);
	for (; i < n; i++) {
		int d = value_of(variant, in.p[i]);

		if (d < 0)
			return deny(w, E_MALFORMED, "base64.malformed", "%s: character 0x%02x at %zu is not base64%s", what,
				    in.p[i], i, is_url(variant) ? "url" : "");
		v = v << 6 | (uint32_t)d;
		if (i % 4 == 3) {
			out[done++] = (uint8_t)(v >> 16);
			out[done++] = (uint8_t)(v >> 8);
			out[done++] = (uint8_t)v;
			v = 0;
		}
	}
	if ((n % 4 == 2 && (v & 15)) || (n % 4 == 3 && (v & 3)))
		return deny(w, E_MALFORMED, "base64.malformed", "%s: bits behind the last byte are not zero", what);
	if (n % 4 == 2)
		out[done++] = (uint8_t)(v >> 4);
	if (n % 4 == 3) {
		out[done++] = (uint8_t)(v >> 10);
		out[done++] = (uint8_t)(v >> 2);
	}
	*out_n = done;
	return rc_of(OK);
}

rc b64_decode(struct arena *a, enum b64 variant, struct slice in, struct slice *out, const char *what, struct why *w)
{
	uint8_t *p = arena_alloc(a, b64_decoded_max(in.n) + 1);
	size_t n;

	if (!p)
		return deny(w, E_LIMIT, "base64.memory", "%s: no room to decode", what);
	TRY(b64_decode_into(variant, in, p, &n, what, w));
	p[n] = 0;
	*out = (struct slice){p, n};
	return rc_of(OK);
}

void hex_write(struct buf *b, struct slice in)
{
	static const char set[] = "0123456789abcdef";

	for (size_t i = 0; i < in.n; i++) {
		char q[2] = {set[in.p[i] >> 4], set[in.p[i] & 15]};

		buf_put(b, q, 2);
	}
}

char *hex_text(struct arena *a, struct slice in)
{
	struct buf b = buf_in(a, 0);

	hex_write(&b, in);
	return buf_cstr(&b);
}

static int hex_digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

rc hex_decode_into(struct slice in, uint8_t *out, size_t n, const char *what, struct why *w)
{
	if (in.n % 2 || in.n / 2 != n)
		return deny(w, E_MALFORMED, "hex.malformed", "%s: %zu hex digits, expected %zu", what, in.n, n * 2);
	for (size_t i = 0; i < n; i++) {
		int hi = hex_digit(in.p[2 * i]), lo = hex_digit(in.p[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return deny(w, E_MALFORMED, "hex.malformed", "%s: no hex digit at %zu", what, 2 * i);
		out[i] = (uint8_t)(hi << 4 | lo);
	}
	return rc_of(OK);
}

rc hex_decode(struct arena *a, struct slice in, struct slice *out, const char *what, struct why *w)
{
	uint8_t *p = arena_alloc(a, in.n / 2 + 1);

	if (!p)
		return deny(w, E_LIMIT, "hex.memory", "%s: no room to decode", what);
	TRY(hex_decode_into(in, p, in.n / 2, what, w));
	*out = (struct slice){p, in.n / 2};
	return rc_of(OK);
}
