#include "rego/builtin/units.h"

#include <gmp.h>

#include "base/buf.h"
#include "base/num.h"
#include "rego/builtin/unicode.h"

#define EXPONENT_DIGITS 6u	/* of an amount: "1e999999" is the largest power */
#define AMOUNT_MAX 65536u	/* bytes of an amount */

struct prefix {
	const char *name;
	unsigned power;	/* of 1000 or 1024 */
	bool binary;
};

static const struct prefix parse_prefixes[] = {
	{"", 0, false},	  {"k", 1, false},  {"K", 1, false}, {"ki", 1, true}, {"Ki", 1, true}, {"M", 2, false},
	{"mi", 2, true},  {"Mi", 2, true},  {"g", 3, false}, {"G", 3, false}, {"gi", 3, true}, {"Gi", 3, true},
	{"t", 4, false},  {"T", 4, false},  {"ti", 4, true}, {"Ti", 4, true}, {"p", 5, false}, {"P", 5, false},
	{"pi", 5, true},  {"Pi", 5, true},  {"e", 6, false}, {"E", 6, false}, {"ei", 6, true}, {"Ei", 6, true},
};

static const struct prefix byte_prefixes[] = {
	{"", 0, false},	  {"kb", 1, false}, {"k", 1, false}, {"kib", 1, true}, {"ki", 1, true},	{"mb", 2, false},
	{"m", 2, false},  {"mib", 2, true}, {"mi", 2, true}, {"gb", 3, false}, {"g", 3, false},	{"gib", 3, true},
	{"gi", 3, true},  {"tb", 4, false}, {"t", 4, false}, {"tib", 4, true}, {"ti", 4, true},	{"pb", 5, false},
	{"p", 5, false},  {"pib", 5, true}, {"pi", 5, true}, {"eb", 6, false}, {"e", 6, false},	{"eib", 6, true},
	{"ei", 6, true},
	/* Open Policy Agent knows none beyond */
	{"zb", 7, false}, {"z", 7, false},  {"zib", 7, true}, {"zi", 7, true}, {"yb", 8, false}, {"y", 8, false},
	{"yib", 8, true}, {"yi", 8, true},  {"rb", 9, false}, {"r", 9, false}, {"qb", 10, false}, {"q", 10, false},
};

/* NULL when there is no such unit. */
static const struct prefix *lookup(const struct prefix *table, size_t n, struct slice unit)
{
	for (size_t i = 0; i < n; i++) {
		if (slice_is(unit, table[i].name))
			return &table[i];
	}
	return NULL;
}

static void factor_of(const struct prefix *p, mpz_t out)
{
	mpz_ui_pow_ui(out, p->binary ? 1024 : 1000, p->power);
}

static bool digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* Where the number ends and the unit begins; false when an exponent has too many digits. */
static bool number_end(struct slice s, size_t *end)
{
	size_t i;

	for (i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];
		size_t from, to;

		if (digit(c) || c == '.' || c == '+' || c == '-')
			continue;
		if (c != 'e' && c != 'E')
			break;
		if (i + 1 == s.n || (!digit(s.p[i + 1]) && s.p[i + 1] != '+' && s.p[i + 1] != '-'))
			break;
		if (s.p[i + 1] == '+' || s.p[i + 1] == '-')
			i++;
		for (from = to = i + 1; to < s.n && digit(s.p[to]);)
			to++;
		if (to - from > EXPONENT_DIGITS)
			return false;
	}
	*end = i;
	return true;
}

/* [+-] digits [. digits] [e [+-] digits] as a rational; false when it is not that. */
static bool rational(struct arena *a, struct slice s, mpq_t out)
{
	char *digits = arena_alloc(a, s.n + 2);
	size_t i = 0, n = 0;
	bool neg = false, frac = false;
	long e10 = 0, exp = 0;
	mpz_t p;

	if (!digits)
		return false;
	if (i < s.n && (s.p[i] == '+' || s.p[i] == '-'))
		neg = s.p[i++] == '-';
	for (; i < s.n && (digit(s.p[i]) || (s.p[i] == '.' && !frac)); i++) {
		if (s.p[i] == '.') {
			frac = true;
			continue;
		}
		digits[n++] = (char)s.p[i];
		e10 -= frac;
	}
	if (n == 0)
		return false;
	if (i < s.n && (s.p[i] == 'e' || s.p[i] == 'E')) {
		bool eneg = false;

		if (++i < s.n && (s.p[i] == '+' || s.p[i] == '-'))
			eneg = s.p[i++] == '-';
		if (i == s.n)
			return false;
		for (; i < s.n && digit(s.p[i]); i++)	/* at most EXPONENT_DIGITS of them */
			exp = exp * 10 + (s.p[i] - '0');
		e10 += eneg ? -exp : exp;
	}
	if (i != s.n)
		return false;
	digits[n] = 0;
	mpz_set_str(mpq_numref(out), digits, 10);
	if (neg)
		mpz_neg(mpq_numref(out), mpq_numref(out));
	mpz_init(p);
	mpz_ui_pow_ui(p, 10, (unsigned long)(e10 < 0 ? -e10 : e10));
	if (e10 < 0)
		mpz_set(mpq_denref(out), p);
	else
		mpz_mul(mpq_numref(out), mpq_numref(out), p);
	mpz_clear(p);
	mpq_canonicalize(out);
	return true;
}

static RC integer_text(struct arena *a, mpz_srcptr z, struct slice *out, struct why *w)
{
	char *t = arena_alloc(a, mpz_sizeinbase(z, 10) + 2);

	if (!t)
		return deny(w, E_INTERNAL, "units.memory", "no memory for a number");
	mpz_get_str(t, 10, z);
	*out = slice_cstr(t);
	return rc_of(OK);
}

/* Ten decimals, halves away from zero. */
static RC decimal_text(struct arena *a, mpq_srcptr q, struct slice *out, struct why *w)
{
	struct buf b = buf_in(a, 0);
	struct slice t = {0};
	bool neg = mpq_sgn(q) < 0;
	mpz_t z, p;
	rc r;

	mpz_init(z);
	mpz_init(p);
	mpz_ui_pow_ui(p, 10, 10);
	mpz_mul(z, mpq_numref(q), p);
	mpz_abs(z, z);
	mpz_mul_2exp(z, z, 1);
	mpz_add(z, z, mpq_denref(q));
	mpz_mul_2exp(p, mpq_denref(q), 1);
	mpz_tdiv_q(z, z, p);
	r = integer_text(a, z, &t, w);
	mpz_clear(z);
	mpz_clear(p);
	TRY(r);
	if (neg)
		buf_putc(&b, '-');
	if (t.n <= 10)
		buf_putc(&b, '0');
	else
		buf_put(&b, t.p, t.n - 10);
	buf_putc(&b, '.');
	for (size_t i = t.n; i < 10; i++)
		buf_putc(&b, '0');
	buf_slice(&b, t.n > 10 ? slice_sub(t, t.n - 10, 10) : t);
	if (!buf_ok(&b))
		return deny(w, E_INTERNAL, "units.memory", "no memory for a number");
	*out = buf_view(&b);
	return rc_of(OK);
}

/* The text without double quotes, lower case from byte `lower_from` on. */
static struct slice cleaned(struct arena *a, struct slice s, bool lower)
{
	struct buf b = buf_in(a, 0);

	for (size_t i = 0; i < s.n;) {
		size_t at = i;
		int32_t c = uni_next(s, &i);

		if (c == '"')
			continue;
		if (lower)
			uni_put(&b, uni_lower(c));
		else
			buf_put(&b, s.p + at, i - at);
	}
	return buf_ok(&b) ? buf_view(&b) : (struct slice){0};
}

static RC split_amount(struct slice s, const char *name, const char *kind, struct slice *num, struct slice *unit,
		       struct why *w)
{
	size_t end;

	if (s.n > AMOUNT_MAX)
		return deny(w, E_LIMIT, "units.size", "%s: amount of %zu bytes, %u at most", name, s.n, AMOUNT_MAX);
	if (memchr(s.p ? (const void *)s.p : "", ' ', s.n))
		return deny(w, E_MALFORMED, "units.syntax", "%s: spaces not allowed in resource strings", name);
	if (!number_end(s, &end))
		return deny(w, E_MALFORMED, "units.syntax", "%s: exponent too large", name);
	if (end == 0)
		return deny(w, E_MALFORMED, "units.syntax", "%s: no %samount provided", name, kind);
	*num = slice_sub(s, 0, end);
	*unit = slice_sub(s, end, s.n);
	return rc_of(OK);
}

static RC parse_amount(struct arena *a, struct slice num, struct slice unit, mpq_t q, struct slice *out, struct why *w)
{
	const struct prefix *p = lookup(parse_prefixes, COUNT_OF(parse_prefixes), unit);
	mpq_t x;
	rc r;

	mpq_init(x);
	if (slice_is(unit, "m")) {
		mpq_set_d(x, 0.001);	/* the double, as upstream has it */
	} else if (p) {
		factor_of(p, mpq_numref(x));
	} else {
		mpq_clear(x);
		return deny(w, E_MALFORMED, "units.syntax", "units.parse: unit " SLICE_FMT " not recognized", SLICE_ARG(unit));
	}
	if (!rational(a, num, q)) {
		r = deny(w, E_MALFORMED, "units.syntax", "units.parse: could not parse amount to a number");
	} else {
		mpq_mul(q, q, x);
		r = mpz_cmp_ui(mpq_denref(q), 1) == 0 ? integer_text(a, mpq_numref(q), out, w) : decimal_text(a, q, out, w);
	}
	mpq_clear(x);
	return r;
}

RC units_parse(struct arena *a, struct slice s, struct slice *out, struct why *w)
{
	struct slice num, unit;
	struct buf b = buf_in(a, 0);
	mpq_t q;
	rc r;

	TRY(split_amount(cleaned(a, s, false), "units.parse", "", &num, &unit, w));
	if (unit.n > 1) {	/* the first letter keeps its case: m is a thousandth, M a million */
		buf_put(&b, unit.p, 1);
		buf_slice(&b, cleaned(a, slice_sub(unit, 1, unit.n), true));
		unit = buf_view(&b);
	}
	mpq_init(q);
	r = parse_amount(a, num, unit, q, out, w);
	mpq_clear(q);
	return r;
}

/* Rounds |num/den| * 2^-*exp to 64 bits, half to even: the nearest float with that mantissa. num, den > 0. */
static void mantissa64(mpz_t num, mpz_t den, long *exp)
{
	long shift = 66 - (long)mpz_sizeinbase(num, 2) + (long)mpz_sizeinbase(den, 2);
	mpz_t rem;
	size_t extra;

	mpz_init(rem);
	if (shift > 0)
		mpz_mul_2exp(num, num, (mp_bitcnt_t)shift);
	else
		mpz_mul_2exp(den, den, (mp_bitcnt_t)-shift);
	mpz_tdiv_qr(num, rem, num, den);
	*exp -= shift;
	extra = mpz_sizeinbase(num, 2);
	extra = extra > 64 ? extra - 64 : 0;
	if (extra) {
		bool half = mpz_tstbit(num, extra - 1), rest = mpz_sgn(rem) != 0 || mpz_scan1(num, 0) < extra - 1;

		mpz_fdiv_q_2exp(num, num, extra);
		*exp += (long)extra;
		if (half && (rest || mpz_odd_p(num)))
			mpz_add_ui(num, num, 1);
	}
	mpz_clear(rem);
}

#define ROUNDED_UP_TO 6	/* powers that the product with is rounded to 64 bits, as upstream has it; beyond, it is exact */

static void times_prefix(mpq_t q, const struct prefix *p)
{
	bool neg = mpq_sgn(q) < 0;
	mpz_ptr num = mpq_numref(q), den = mpq_denref(q);
	long exp = 0;
	mpz_t factor;

	if (mpq_sgn(q) == 0)
		return;
	mpz_init(factor);
	factor_of(p, factor);
	mpz_abs(num, num);
	if (p->power > ROUNDED_UP_TO) {
		mpz_mul(num, num, factor);
		mpz_tdiv_q(num, num, den);
	} else {
		mantissa64(num, den, &exp);
		mpz_mul(num, num, factor);
		mpz_set_ui(den, 1);
		mantissa64(num, den, &exp);
	}
	if (exp > 0)
		mpz_mul_2exp(num, num, (mp_bitcnt_t)exp);
	else
		mpz_tdiv_q_2exp(num, num, (mp_bitcnt_t)-exp);
	if (neg)
		mpz_neg(num, num);
	mpz_clear(factor);
}

RC units_parse_bytes(struct arena *a, struct slice s, struct slice *out, struct why *w)
{
	struct slice num, unit;
	const struct prefix *p;
	mpq_t q;
	rc r;

	TRY(split_amount(cleaned(a, s, true), "units.parse_bytes", "byte ", &num, &unit, w));
	p = lookup(byte_prefixes, COUNT_OF(byte_prefixes), unit);
	if (!p)
		return deny(w, E_MALFORMED, "units.syntax", "units.parse_bytes: byte unit " SLICE_FMT " not recognized",
			    SLICE_ARG(unit));
	mpq_init(q);
	if (!rational(a, num, q)) {
		r = deny(w, E_MALFORMED, "units.syntax", "units.parse_bytes: could not parse byte amount to a number");
	} else {
		times_prefix(q, p);
		r = integer_text(a, mpq_numref(q), out, w);
	}
	mpq_clear(q);
	return r;
}
