#include "crypto/der_write.h"

#include "base/buf.h"
#include "base/sys.h"

struct slice der_put(struct arena *a, uint8_t tag, struct slice contents)
{
	struct buf b = buf_in(a, 0);
	unsigned bytes = 0;

	for (size_t n = contents.n; n; n >>= 8)
		bytes++;
	buf_putc(&b, (char)tag);
	if (contents.n < 0x80) {
		buf_putc(&b, (char)(uint8_t)contents.n);
	} else {
		buf_putc(&b, (char)(uint8_t)(0x80 | bytes));
		for (unsigned i = bytes; i-- > 0;)
			buf_putc(&b, (char)(uint8_t)(contents.n >> (8 * i)));
	}
	buf_slice(&b, contents);
	return buf_ok(&b) ? buf_view(&b) : (struct slice){0};
}

struct slice der_put_parts(struct arena *a, uint8_t tag, const struct slice *parts, size_t n)
{
	struct buf b = buf_in(a, 0);

	for (size_t i = 0; i < n; i++)
		buf_slice(&b, parts[i]);
	return buf_ok(&b) ? der_put(a, tag, buf_view(&b)) : (struct slice){0};
}

struct slice der_put_bool(struct arena *a, bool v)
{
	return der_put(a, DER_BOOLEAN, v ? SLICE_LIT("\xff") : SLICE_LIT("\0"));
}

static struct slice number(struct arena *a, uint8_t tag, struct slice be)
{
	struct buf b = buf_in(a, 0);

	while (be.n && be.p[0] == 0)
		be = slice_sub(be, 1, be.n);
	/* numbers are signed: one whose first bit is set needs a zero in front, and zero is a byte */
	if (be.n == 0 || be.p[0] & 0x80)
		buf_putc(&b, 0);
	buf_slice(&b, be);
	return buf_ok(&b) ? der_put(a, tag, buf_view(&b)) : (struct slice){0};
}

struct slice der_put_u64(struct arena *a, uint8_t tag, uint64_t v)
{
	uint8_t be[8];

	for (unsigned i = 0; i < 8; i++)
		be[i] = (uint8_t)(v >> (56 - 8 * i));
	return number(a, tag, slice_of(be, sizeof(be)));
}

struct slice der_put_magnitude(struct arena *a, struct slice be)
{
	return number(a, DER_INTEGER, be);
}

struct slice der_put_bits(struct arena *a, struct slice bytes)
{
	return der_put_of(a, DER_BIT_STRING, SLICE_LIT("\0"), bytes);
}

struct slice der_put_oid(struct arena *a, const char *dotted)
{
	uint8_t oid[64];
	size_t n = oid_encode(dotted, oid);

	return der_put(a, DER_OID, slice_of(oid, n));
}

struct slice der_put_text(struct arena *a, uint8_t tag, const char *text)
{
	return der_put(a, tag, slice_cstr(text));
}

/* "20261124220158Z": RFC 3339 without its separators. */
static void digits(int64_t unix_s, char out[16])
{
	char text[32];
	size_t n = 0;

	time_rfc3339(unix_s, text);
	for (const char *p = text; *p && n < 15; p++)
		if (*p != '-' && *p != ':' && *p != 'T')
			out[n++] = *p;
	out[n] = '\0';
}

struct slice der_put_generalized(struct arena *a, int64_t unix_s)
{
	char text[16];

	digits(unix_s, text);
	return der_put_text(a, DER_TIME, text);
}

struct slice der_put_time(struct arena *a, int64_t unix_s)
{
	char text[16];

	digits(unix_s, text);
	if (strncmp(text, "1950", 4) < 0 || strncmp(text, "2050", 4) >= 0)
		return der_put_text(a, DER_TIME, text);
	return der_put_text(a, DER_UTC_TIME, text + 2);
}

struct slice der_put_ecdsa(struct arena *a, struct slice raw)
{
	return der_put_of(a, DER_SEQUENCE, der_put_magnitude(a, slice_sub(raw, 0, raw.n / 2)),
			  der_put_magnitude(a, slice_sub(raw, raw.n / 2, raw.n)));
}
