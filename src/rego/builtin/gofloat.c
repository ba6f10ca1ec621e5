/* gofloat.c - strconv.FormatFloat: one double as text. */
#include <math.h>

#include "base/num.h"
#include "rego/builtin/decfloat.h"
#include "rego/builtin/gofmt.h"

static void put_exp(struct buf *b, const struct decfloat *d, char verb, int prec)
{
	int exp = d->n ? d->point - 1 : 0;

	buf_putc(b, d->n ? d->d[0] : '0');
	if (prec > 0) {
		buf_putc(b, '.');
		for (int i = 1; i <= prec && buf_ok(b); i++)
			buf_putc(b, i < d->n ? d->d[i] : '0');
	}
	buf_printf(b, "%c%c%02d", verb, exp < 0 ? '-' : '+', exp < 0 ? -exp : exp);
}

static void put_fixed(struct buf *b, const struct decfloat *d, int prec)
{
	if (d->point <= 0)
		buf_putc(b, '0');
	for (int i = 0; i < d->point; i++)
		buf_putc(b, i < d->n ? d->d[i] : '0');
	if (prec > 0) {
		buf_putc(b, '.');
		for (int i = 0; i < prec && buf_ok(b); i++) {
			int at = d->point + i;

			buf_putc(b, at >= 0 && at < d->n ? d->d[at] : '0');
		}
	}
}

/* %x of a float: 0x1.8p+01; prec: hexadecimal digits behind the point, -1 as needed. */
static void put_hexfloat(struct buf *b, double v, bool big, int prec)
{
	const char *digits = big ? "0123456789ABCDEF" : "0123456789abcdef";
	uint64_t bits, mant;
	int exp;

	memcpy(&bits, &v, sizeof(bits));
	mant = bits & 0xfffffffffffffull;
	exp = (int)(bits >> 52 & 0x7ff);
	if (exp) {
		mant |= 1ull << 52;
		exp -= 1023;
	} else if (mant) {
		exp = -1022;
		for (; !(mant >> 52); exp--)
			mant <<= 1;
	}
	mant <<= 8;	/* the leading 1 at bit 60 */
	if (prec >= 0 && prec < 15) {
		unsigned shift = (unsigned)prec * 4;
		uint64_t extra = mant << shift & ((1ull << 60) - 1), half = 1ull << 59;

		mant >>= 60 - shift;
		if (extra > half || (extra == half && mant % 2 != 0))
			mant++;
		mant <<= 60 - shift;
		if (mant >> 61) {
			mant >>= 1;
			exp++;
		}
	}
	if (v < 0)
		buf_putc(b, '-');
	buf_puts(b, big ? "0X" : "0x");
	buf_putc(b, (char)('0' + (mant >> 60 & 1)));
	mant <<= 4;
	if (prec < 0 ? mant != 0 : prec > 0) {
		buf_putc(b, '.');
		for (int i = 0; prec < 0 ? mant != 0 : i < prec && buf_ok(b); i++, mant <<= 4)
			buf_putc(b, digits[mant >> 60]);
	}
	buf_printf(b, "%c%c%02d", big ? 'P' : 'p', exp < 0 ? '-' : '+', exp < 0 ? -exp : exp);
}

void gofmt_float(struct buf *b, double v, char verb, int prec)
{
	struct decfloat d;
	bool shortest = prec < 0;

	if (isnan(v) || isinf(v)) {
		buf_puts(b, isnan(v) ? "NaN" : v > 0 ? "+Inf" : "-Inf");
		return;
	}
	if (verb == 'x' || verb == 'X') {
		put_hexfloat(b, v, verb == 'X', prec);
		return;
	}
	if (shortest)
		decfloat_shortest(v, &d);
	else
		decfloat_exact(v, &d);
	if (verb == 'e' || verb == 'E') {
		prec = shortest ? MAX_OF(d.n - 1, 0) : prec;
		decfloat_round(&d, prec + 1);
	} else if (verb == 'f') {
		prec = shortest ? MAX_OF(d.n - d.point, 0) : prec;
		decfloat_round(&d, d.point + prec);
	} else {
		prec = shortest ? d.n : prec == 0 ? 1 : prec;
		decfloat_round(&d, prec);
	}
	if (signbit(v))
		buf_putc(b, '-');
	if (verb == 'e' || verb == 'E') {
		put_exp(b, &d, verb, prec);
	} else if (verb == 'f') {
		put_fixed(b, &d, prec);
	} else {
		int eprec = prec, exp = d.n ? d.point - 1 : -1;

		if (eprec > d.n && d.n >= d.point)
			eprec = d.n;
		if (shortest)
			eprec = 6;
		if (exp < -4 || exp >= eprec)
			put_exp(b, &d, verb == 'g' ? 'e' : 'E', MIN_OF(prec, d.n) - 1);
		else
			put_fixed(b, &d, MAX_OF(d.n - d.point, 0));
	}
}
