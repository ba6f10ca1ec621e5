/* Numbers: exact decimals for order, exact integers for + - * %, 64-bit-mantissa floats for the rest. */
#include <float.h>
#include <gmp.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"
#include "rego/value.h"

_Static_assert(LDBL_MANT_DIG == 64, "the language's floats have a 64-bit mantissa");

#define MAX_EXP 100000

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* The parts of a number's text. */
struct parts {
	bool neg, plain;	/* plain: digits only */
	size_t int_at, int_n, frac_at, frac_n;
	int64_t exp;
};

static bool split(struct slice t, struct parts *p)
{
	size_t i = 0;

	*p = (struct parts){.plain = true};
	if (i < t.n && t.p[i] == '-') {
		p->neg = true;
		i++;
	}
	p->int_at = i;
	while (i < t.n && is_digit(t.p[i]))
		i++;
	p->int_n = i - p->int_at;
	if (p->int_n == 0 || (p->int_n > 1 && t.p[p->int_at] == '0'))
		return false;
	if (i < t.n && t.p[i] == '.') {
		p->plain = false;
		p->frac_at = ++i;
		while (i < t.n && is_digit(t.p[i]))
			i++;
		p->frac_n = i - p->frac_at;
		if (p->frac_n == 0)
			return false;
	}
	if (i < t.n && (t.p[i] == 'e' || t.p[i] == 'E')) {
		bool neg = false;
		size_t from;

		p->plain = false;
		i++;
		if (i < t.n && (t.p[i] == '+' || t.p[i] == '-'))
			neg = t.p[i++] == '-';
		from = i;
		for (; i < t.n && is_digit(t.p[i]); i++) {
			if (p->exp <= MAX_EXP)
				p->exp = p->exp * 10 + (t.p[i] - '0');
		}
		if (i == from)
			return false;
		p->exp = neg ? -p->exp : p->exp;
	}
	return i == t.n;
}

static bool digits_i64(bool neg, const uint8_t *p, size_t n, int64_t *out)
{
	uint64_t u = 0;

	if (n > 19)
		return false;
	for (size_t i = 0; i < n; i++)
		u = u * 10 + (uint64_t)(p[i] - '0');
	if (u > (uint64_t)INT64_MAX + neg)
		return false;
	*out = neg ? (int64_t)(0 - u) : (int64_t)u;
	return true;
}

static uint32_t hash_num(const struct rv_num *m)
{
	return rv_hash_bytes(m->digits, m->nd) * 31u + (uint32_t)m->exp10 * 2u + m->neg;
}

/* Fits: the value as int64 when integral and in range. */
static void fit(struct rv_num *m)
{
	uint8_t full[20];

	m->integral = m->nd == 0 || m->exp10 >= (int64_t)m->nd;
	if (m->nd == 0) {
		m->fits = true;
		return;
	}
	if (!m->integral || m->exp10 > 19)
		return;
	memset(full, '0', sizeof(full));
	memcpy(full, m->digits, m->nd);
	m->fits = digits_i64(m->neg, full, (size_t)m->exp10, &m->i64);
}

struct rv rv_number(struct rv_heap *h, struct slice t)
{
	struct parts p;
	struct rv_num *m;
	char *text, *digits;
	size_t n, lead = 0;
	int64_t i;

	if (!split(t, &p))
		return rv_undef();
	if (p.plain && !(p.neg && t.p[1] == '0') && digits_i64(p.neg, t.p + p.int_at, p.int_n, &i))
		return rv_int(i);
	n = p.int_n + p.frac_n;
	if (n > RV_MAX_DIGITS || p.exp > MAX_EXP || p.exp < -MAX_EXP)
		return rv_undef();
	m = rv_alloc(h, sizeof(*m) + t.n + 1 + n + 1);
	if (!m)
		return rv_undef();
	text = (char *)(m + 1);
	digits = text + t.n + 1;
	memcpy(text, t.p, t.n);
	text[t.n] = 0;
	memcpy(digits, t.p + p.int_at, p.int_n);
	if (p.frac_n)
		memcpy(digits + p.int_n, t.p + p.frac_at, p.frac_n);
	while (lead < n && digits[lead] == '0')
		lead++;
	while (n > lead && digits[n - 1] == '0')
		n--;
	digits[n] = 0;
	*m = (struct rv_num){.text_n = (uint32_t)t.n, .text = text, .digits = digits + lead, .nd = (uint32_t)(n - lead)};
	if (m->nd) {
		m->neg = p.neg;
		m->exp10 = (int64_t)p.int_n - (int64_t)lead + p.exp;
	}
	m->hash = hash_num(m);
	fit(m);
	return (struct rv){.kind = RV_NUMBER, .sub = 1, .num = m};
}

struct rv rv_u64(struct rv_heap *h, uint64_t u)
{
	char s[24];

	if (u <= INT64_MAX)
		return rv_int((int64_t)u);
	return rv_number(h, slice_of(s, (size_t)snprintf(s, sizeof(s), "%llu", (unsigned long long)u)));
}

struct rv rv_integer(struct rv_heap *h, bool neg, const char *digits, size_t n)
{
	char *s;

	while (n > 1 && *digits == '0') {
		digits++;
		n--;
	}
	if (n > RV_MAX_DIGITS)
		return rv_undef();
	s = rv_alloc(h, n + 2);
	if (!s)
		return rv_undef();
	neg = neg && !(n == 1 && *digits == '0');
	s[0] = '-';
	memcpy(s + neg, digits, n);
	return rv_number(h, slice_of(s, n + neg));
}

bool rv_is_integral(struct rv v)
{
	return v.kind == RV_NUMBER && (!v.sub || v.num->integral);
}

bool rv_i64(struct rv v, int64_t *out)
{
	if (v.kind != RV_NUMBER || (v.sub && !v.num->fits))
		return false;
	*out = v.sub ? v.num->i64 : v.i;
	return true;
}

struct slice rv_number_text(struct rv v, char scratch[24])
{
	uint64_t u = v.i < 0 ? 0 - (uint64_t)v.i : (uint64_t)v.i;
	char *p;

	if (v.sub)
		return slice_of(v.num->text, v.num->text_n);
	for (p = scratch + 24; u >= 10; u /= 10)
		*--p = (char)('0' + u % 10);
	*--p = (char)('0' + u);
	if (v.i < 0)
		*--p = '-';
	return slice_of(p, (size_t)(scratch + 24 - p));
}

int rv_number_cmp(struct rv a, struct rv b)
{
	const struct rv_num *x, *y;
	struct rv_num small[2];
	char text[2][24];
	int sign, c;
	int64_t i, k;

	if (rv_i64(a, &i) && rv_i64(b, &k))
		return (i > k) - (i < k);
	/* a plain one as a decimal of its own */
	for (int s = 0; s < 2; s++) {
		struct rv v = s ? b : a;

		if (!v.sub) {
			struct slice t = rv_number_text(v, text[s]);
			bool neg = v.i < 0;
			size_t n = t.n - neg, cut = n;

			while (cut > 0 && t.p[neg + cut - 1] == '0')
				cut--;
			small[s] = (struct rv_num){.nd = (uint32_t)cut, .exp10 = cut ? (int64_t)n : 0, .neg = neg,
						   .digits = (const char *)t.p + neg};
		}
	}
	x = a.sub ? a.num : &small[0];
	y = b.sub ? b.num : &small[1];
	if (!x->nd || !y->nd)
		return !x->nd && !y->nd ? 0 : !x->nd ? (y->neg ? 1 : -1) : (x->neg ? -1 : 1);
	if (x->neg != y->neg)
		return x->neg ? -1 : 1;
	sign = x->neg ? -1 : 1;
	if (x->exp10 != y->exp10)
		return x->exp10 < y->exp10 ? -sign : sign;
	c = slice_cmp(slice_of(x->digits, x->nd), slice_of(y->digits, y->nd));
	return c < 0 ? -sign : c > 0 ? sign : 0;
}

/* ---- floats ---- */

/* strtold in the "C" locale, whatever the program has set: newlocale gives its static object for "C". */
static long double read_ld(const char *s)
{
	locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);

	return c ? strtold_l(s, NULL, c) : strtold(s, NULL);
}

long double rv_ld(struct rv v)
{
	return v.sub ? read_ld(v.num->text) : (long double)v.i;
}

/* d.ddd of `prec` digits: digits without the point into out, decimal exponent. */
static int digits_of(long double f, int prec, char out[32], char text[64])
{
	int n = 0, exp = 0;
	const char *e;

	snprintf(text, 64, "%.*Le", prec - 1, f);
	for (const char *p = text; *p && *p != 'e'; p++) {
		if (*p >= '0' && *p <= '9')
			out[n++] = *p;
		/* the radix character of the locale is skipped, and put right for reading back */
	}
	out[n] = 0;
	e = strchr(text, 'e');
	if (e) {
		bool neg = e[1] == '-';

		for (const char *p = e + 2; *p; p++)
			exp = exp * 10 + (*p - '0');
		exp = neg ? -exp : exp;
	}
	return exp;
}

static bool round_trips(long double f, const char *digits, int exp)
{
	char text[64];

	snprintf(text, sizeof(text), "%c.%se%d", digits[0], digits + 1, exp);
	return read_ld(text) == f;
}

/* The fewest digits that read back as f > 0, without zeros at their end; the decimal exponent of the first. */
static int shortest(long double f, char best[32])
{
	char digits[32], text[64];
	int lo = 1, hi = 21, exp, best_exp = 0;
	size_t n;

	best[0] = 0;
	while (lo <= hi) {
		int mid = (lo + hi) / 2;

		exp = digits_of(f, mid, digits, text);
		if (round_trips(f, digits, exp)) {
			memcpy(best, digits, sizeof(digits));
			best_exp = exp;
			hi = mid - 1;
		} else {
			lo = mid + 1;
		}
	}
	if (!best[0])
		best_exp = digits_of(f, 21, best, text);
	for (n = strlen(best); n > 1 && best[n - 1] == '0'; n--)
		best[n - 1] = 0;
	return best_exp;
}

/* A whole number beyond int64: the shortest digits, then zeros. */
static struct rv big_whole(struct rv_heap *h, const char *digits, int exp, bool neg)
{
	size_t n = strlen(digits), full = MAX_OF((size_t)exp + 1, n);
	char *out = rv_alloc(h, full + 2);

	if (!out)
		return rv_undef();
	out[0] = '-';
	memcpy(out + neg, digits, n);
	memset(out + neg + n, '0', full - n);
	return rv_number(h, slice_of(out, neg + full));
}

struct rv rv_float(struct rv_heap *h, long double f)
{
	char digits[32], out[64];
	const char *sign = signbit(f) ? "-" : "";
	int exp;

	if (isnan(f) || isinf(f))
		return rv_undef();
	if (f == 0)
		return signbit(f) ? rv_number(h, SLICE_LIT("-0")) : rv_int(0);
	if (f == truncl(f) && f >= -9223372036854775808.0L && f < 9223372036854775808.0L)
		return rv_int((int64_t)f);
	exp = shortest(fabsl(f), digits);
	if (f == truncl(f))
		return big_whole(h, digits, exp, f < 0);
	if (exp < -4 || exp >= 6)
		snprintf(out, sizeof(out), "%s%c%s%se%c%02d", sign, digits[0], digits[1] ? "." : "", digits + 1, exp < 0 ? '-' : '+',
			 exp < 0 ? -exp : exp);
	else if (exp < 0)
		snprintf(out, sizeof(out), "%s0.%.*s%s", sign, -exp - 1, "0000", digits);
	else
		snprintf(out, sizeof(out), "%s%.*s.%s", sign, exp + 1, digits, digits + exp + 1);
	return rv_number(h, slice_cstr(out));
}

/* ---- exact integers ---- */

struct slice rv_integer_digits(struct rv_heap *h, struct rv v)
{
	char scratch[24], *p;
	size_t n;

	if (!v.sub) {
		struct slice t = rv_number_text(v, scratch);
		size_t skip = v.i < 0;

		p = rv_alloc(h, t.n + 1);
		if (!p)
			return (struct slice){NULL, 0};
		memcpy(p, t.p + skip, t.n - skip);
		p[t.n - skip] = 0;
		return slice_of(p, t.n - skip);
	}
	if (v.num->nd == 0)
		return SLICE_LIT("0");
	n = v.num->exp10 > 0 ? (size_t)v.num->exp10 : 0;
	p = rv_alloc(h, n + 1);
	if (!p)
		return (struct slice){NULL, 0};
	memset(p, '0', n);
	memcpy(p, v.num->digits, v.num->nd < n ? v.num->nd : n);
	p[n] = 0;
	return slice_of(p, n);
}

static size_t digit_count(struct rv v)
{
	return !v.sub ? 20 : v.num->exp10 > 0 ? (size_t)v.num->exp10 : 1;
}

static bool is_neg(struct rv v)
{
	return v.sub ? v.num->neg : v.i < 0;
}

static struct rv big_arith(struct rv_heap *h, char op, struct rv a, struct rv b)
{
	size_t na = digit_count(a), nb = digit_count(b), need = op == '*' ? na + nb : MAX_OF(na, nb) + 1;
	struct slice da, db;
	struct rv out = rv_undef();
	mpz_t x, y;
	char *text;

	if (need > RV_MAX_DIGITS)	/* before GMP sees it: it aborts on what it cannot hold */
		return rv_undef();
	da = rv_integer_digits(h, a);
	db = rv_integer_digits(h, b);
	text = rv_alloc(h, need + 3);
	if (!da.p || !db.p || !text)
		return rv_undef();
	mpz_init(x);
	mpz_init(y);
	if (mpz_set_str(x, (const char *)da.p, 10) == 0 && mpz_set_str(y, (const char *)db.p, 10) == 0) {
		if (is_neg(a))
			mpz_neg(x, x);
		if (is_neg(b))
			mpz_neg(y, y);
		if (op == '+')
			mpz_add(x, x, y);
		else if (op == '-')
			mpz_sub(x, x, y);
		else if (op == '*')
			mpz_mul(x, x, y);
		else if (mpz_sgn(y) != 0)
			mpz_tdiv_r(x, x, y);
		if (op != '%' || mpz_sgn(y) != 0) {
			mpz_get_str(text, 10, x);
			out = rv_number(h, slice_cstr(text));
		}
	}
	mpz_clear(x);
	mpz_clear(y);
	return out;
}

struct rv rv_arith(struct rv_heap *h, char op, struct rv a, struct rv b)
{
	int64_t r;
	long double x, y;

	if (!(a.sub | b.sub)) {
		if (op == '+' && !__builtin_add_overflow(a.i, b.i, &r))
			return rv_int(r);
		if (op == '-' && !__builtin_sub_overflow(a.i, b.i, &r))
			return rv_int(r);
		if (op == '*' && !__builtin_mul_overflow(a.i, b.i, &r))
			return rv_int(r);
		if (op == '%')
			return b.i == 0 ? rv_undef() : rv_int(b.i == -1 ? 0 : a.i % b.i);
	}
	if (op != '/' && rv_is_integral(a) && rv_is_integral(b))
		return big_arith(h, op, a, b);
	if (op == '%')
		return rv_undef();
	x = rv_ld(a);
	y = rv_ld(b);
	if (op == '/')
		return y == 0 ? rv_undef() : rv_float(h, x / y);
	return rv_float(h, op == '+' ? x + y : op == '-' ? x - y : x * y);
}
