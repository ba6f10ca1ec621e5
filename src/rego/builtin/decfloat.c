#include "rego/builtin/decfloat.h"

#include <gmp.h>
#include <math.h>
#include <stdlib.h>

#include "base/sys.h"

#define PARSE_DIGITS 1200	/* digits behind these cannot change a rounded double, save as "not exactly half" */

/* Digits of m * 2^e2 (m > 0). With e2 < 0 that is m * 5^-e2 with the point moved: always finite. */
static void digits_of(uint64_t m, long e2, struct decfloat *out)
{
	size_t n;
	mpz_t z, p;

	mpz_init_set_ui(z, m);
	mpz_init(p);
	if (e2 >= 0) {
		mpz_mul_2exp(z, z, (mp_bitcnt_t)e2);
	} else {
		mpz_ui_pow_ui(p, 5, (unsigned long)-e2);
		mpz_mul(z, z, p);
	}
	/* 53 bits times 2^971, or times 5^1076: under DECFLOAT_DIGITS */
	n = mpz_sizeinbase(z, 10);
	if (n < sizeof(out->d) - 2) {
		mpz_get_str(out->d, 10, z);
		n = strlen(out->d);
	}
	out->n = (int)n;
	out->point = (int)n + (e2 < 0 ? (int)e2 : 0);
	while (out->n > 0 && out->d[out->n - 1] == '0')
		out->n--;
	mpz_clear(z);
	mpz_clear(p);
}

static void split(double v, uint64_t *m, long *e2, bool *neg)
{
	uint64_t bits;
	unsigned exp;

	memcpy(&bits, &v, sizeof(bits));
	*neg = bits >> 63;
	exp = (unsigned)(bits >> 52) & 0x7ff;
	*m = bits & 0xfffffffffffffull;
	if (exp)
		*m |= 1ull << 52;
	*e2 = (exp ? (long)exp : 1) - 1075;
}

void decfloat_exact(double v, struct decfloat *out)
{
	uint64_t m;
	long e2;

	split(v, &m, &e2, &out->neg);
	if (m == 0) {
		out->n = 0;
		out->point = 0;
		return;
	}
	digits_of(m, e2, out);
}

void decfloat_round(struct decfloat *d, int n)
{
	bool up;

	if (n < 0) {
		d->n = 0;
		d->point = 0;
		return;
	}
	if (n >= d->n)
		return;
	up = d->d[n] > '5' || (d->d[n] == '5' && (n + 1 < d->n || (n > 0 && (d->d[n - 1] - '0') % 2 != 0)));
	d->n = n;
	if (up) {
		while (d->n > 0 && d->d[d->n - 1] == '9')
			d->n--;
		if (d->n == 0) {
			d->d[0] = '1';
			d->n = 1;
			d->point++;
		} else {
			d->d[d->n - 1]++;
		}
	}
	while (d->n > 0 && d->d[d->n - 1] == '0')
		d->n--;
	if (d->n == 0)
		d->point = 0;
}

/* The shortest digit string inside the interval that rounds to v: the digits are taken one by one until rounding
 * up or down there stays within the half-way points, which belong to v when its mantissa is even. */
void decfloat_shortest(double v, struct decfloat *out)
{
	struct decfloat hi, lo;
	uint64_t m;
	long e2;
	bool even, low_gap;

	split(v, &m, &e2, &out->neg);
	if (m == 0) {
		out->n = 0;
		out->point = 0;
		return;
	}
	digits_of(m, e2, out);
	even = m % 2 == 0;
	low_gap = m == 1ull << 52 && e2 > -1074;	/* the gap below a power of two is half as wide */
	digits_of(m * 2 + 1, e2 - 1, &hi);
	if (low_gap)
		digits_of(m * 4 - 1, e2 - 2, &lo);
	else
		digits_of(m * 2 - 1, e2 - 1, &lo);

	for (int i = 0, above = 0;; i++) {
		/* hi may have one digit more before the point than v; index by decimal place */
		int at_lo = i - hi.point + lo.point, at_v = i - hi.point + out->point;
		char l = at_lo >= 0 && at_lo < lo.n ? lo.d[at_lo] : '0';
		char c = at_v >= 0 && at_v < out->n ? out->d[at_v] : '0';
		char u = i < hi.n ? hi.d[i] : '0';
		bool down_ok, up_ok;

		if (at_v >= out->n)
			return;
		/* cutting here is fine when lo differs already (or is itself allowed and ends here) */
		down_ok = l != c || (even && at_lo + 1 == lo.n);
		/* above: how far hi is beyond v's prefix in the last place, 2 meaning "2 or more" */
		if (above == 0 && c + 1 < u)
			above = 2;
		else if (above == 0 && c < u)
			above = 1;
		else if (above == 1 && (c != '9' || u != '0'))
			above = 2;
		up_ok = above > 0 && (even || above > 1 || i + 1 < hi.n);
		if (at_v < 0)
			continue;
		if (down_ok && up_ok) {
			decfloat_round(out, at_v + 1);
			return;
		}
		if (down_ok) {
			out->n = at_v + 1;
			while (out->n > 0 && out->d[out->n - 1] == '0')
				out->n--;
			return;
		}
		if (up_ok) {
			/* round up at this place */
			out->n = at_v + 1;
			while (out->n > 0 && out->d[out->n - 1] == '9')
				out->n--;
			if (out->n == 0) {
				out->d[0] = '1';
				out->n = 1;
				out->point++;
			} else {
				out->d[out->n - 1]++;
			}
			return;
		}
	}
}

/* Nearest double of z * 10^e10 (z > 0), half to even, by one exact division. */
static double scale(mpz_t z, long e10, bool sticky)
{
	mpz_t den, rem;
	long shift, e2;
	size_t bits;
	uint64_t q;
	double d;
	int drop;

	mpz_init_set_ui(den, 1);
	mpz_init(rem);
	if (e10 >= 0) {
		mpz_ui_pow_ui(rem, 10, (unsigned long)e10);
		mpz_mul(z, z, rem);
	} else {
		mpz_ui_pow_ui(den, 10, (unsigned long)-e10);
	}
	/* quotient of 54 or 55 bits: mantissa and guard bits, but never below the last place of a subnormal */
	shift = 55 - (long)mpz_sizeinbase(z, 2) + (long)mpz_sizeinbase(den, 2);
	e2 = -shift;
	if (e2 < -1076) {
		shift = 1076;
		e2 = -1076;
	}
	if (shift > 0)
		mpz_mul_2exp(z, z, (mp_bitcnt_t)shift);
	else
		mpz_mul_2exp(den, den, (mp_bitcnt_t)-shift);
	mpz_tdiv_qr(z, rem, z, den);
	sticky = sticky || mpz_sgn(rem) != 0;
	bits = mpz_sgn(z) ? mpz_sizeinbase(z, 2) : 0;
	q = mpz_get_ui(z);
	mpz_clear(den);
	mpz_clear(rem);
	/* drop to 53 bits; below the normal range to whole multiples of 2^-1074 */
	drop = bits > 53 ? (int)bits - 53 : 0;
	if (e2 + drop < -1074)
		drop = (int)(-1074 - e2);
	if (drop > 0) {
		uint64_t low = q & ((1ull << drop) - 1), half = 1ull << (drop - 1);

		q >>= drop;
		e2 += drop;
		if (low > half || (low == half && (sticky || q % 2 != 0)))
			q++;
	}
	d = ldexp((double)q, (int)(e2 > 2000 ? 2000 : e2));
	return d;
}

bool decfloat_parse(struct slice text, double *out)
{
	char digits[PARSE_DIGITS + 2];
	size_t i = 0, n = 0;
	bool neg = false, frac = false, any = false, sticky = false;
	long e10 = 0, exp = 0;
	double d = 0;
	mpz_t z;

	if (i < text.n && (text.p[i] == '-' || text.p[i] == '+'))
		neg = text.p[i++] == '-';
	for (; i < text.n; i++) {
		uint8_t c = text.p[i];

		if (c == '.' && !frac) {
			frac = true;
			continue;
		}
		if (c < '0' || c > '9')
			break;
		any = true;
		if (n == 0 && c == '0') {
			e10 -= frac;
			continue;
		}
		if (n < PARSE_DIGITS) {
			digits[n++] = (char)c;
			e10 -= frac;
		} else {
			sticky = sticky || c != '0';
			e10 += !frac;
		}
	}
	if (!any)
		return false;
	if (i < text.n && (text.p[i] == 'e' || text.p[i] == 'E')) {
		bool eneg = false;

		if (++i < text.n && (text.p[i] == '-' || text.p[i] == '+'))
			eneg = text.p[i++] == '-';
		if (i == text.n)
			return false;
		for (; i < text.n && text.p[i] >= '0' && text.p[i] <= '9'; i++)
			exp = exp < 100000000 ? exp * 10 + (text.p[i] - '0') : exp;
		e10 += eneg ? -exp : exp;
	}
	if (i != text.n)
		return false;
	if (n) {
		/* the value is below 10^(n + e10) and at least a tenth of that */
		if ((long)n + e10 > 310) {
			d = HUGE_VAL;
		} else if ((long)n + e10 > -330) {
			digits[n] = 0;
			mpz_init(z);
			mpz_set_str(z, digits, 10);
			d = scale(z, e10, sticky);
			mpz_clear(z);
		}
	}
	*out = neg ? -d : d;
	return true;
}
