/* numbers.c - arithmetic and everything else that makes numbers. */
#include <math.h>

#include "base/num.h"
#include "rego/builtin/decfloat.h"
#include "rego/builtin/lib.h"
#include "rego/builtin/unicode.h"

static rc arith(struct rego_call *c, char op, const struct rv *args, struct rv *out)
{
	ARG_NUMBER(c, args, 0);
	ARG_NUMBER(c, args, 1);
	for (int i = 0; i < 2; i++)
		if (args[i].sub)
			TRY(rego_charge(c, args[i].num->nd / 16));
	return lib_return(c, rv_arith(c->heap, op, args[0], args[1]), out);
}

static rc plus(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	(void)n;
	return arith(c, '+', args, out);
}

static rc mul(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	(void)n;
	if (args[0].kind == RV_NUMBER && args[1].kind == RV_NUMBER && args[0].sub && args[1].sub)
		TRY(rego_charge(c, (uint64_t)args[0].num->nd * args[1].num->nd / 4096));
	return arith(c, '*', args, out);
}

static rc minus(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct rv_builder b;

	(void)n;
	if (args[0].kind != RV_NUMBER && args[0].kind != RV_SET)
		return rego_operand_error(c, 1, "one of {number, set}", args[0]);
	if (args[1].kind != args[0].kind) {
		/* what operand 2 should have been depends on whether it might be the one that is right */
		if (args[1].kind == RV_NUMBER)
			return rego_operand_error(c, 2, "set", args[1]);
		return rego_operand_error(c, 2, "number", args[1]);
	}
	if (args[0].kind == RV_NUMBER)
		return arith(c, '-', args, out);
	TRY(rego_charge(c, rv_len(args[0])));
	b = rv_set_builder(c->heap, 0);
	rv_sort(args[0]);
	for (size_t i = 0; i < rv_len(args[0]); i++)
		if (!rv_get(args[1], rv_key(args[0], i)))
			rv_set_add(&b, rv_key(args[0], i));
	return lib_return(c, rv_builder_done(&b), out);
}

static rc divide(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	long double y;

	(void)n;
	ARG_NUMBER(c, args, 0);
	ARG_NUMBER(c, args, 1);
	y = rv_ld(args[1]);
	if (y == 0)
		return rego_fail(c, "divide by zero");
	return lib_return(c, rv_float(c->heap, rv_ld(args[0]) / y), out);
}

static rc rem(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	mpz_t x, y;
	rc r;

	(void)n;
	ARG_NUMBER(c, args, 0);
	ARG_NUMBER(c, args, 1);
	if (args[0].sub == 0 && args[1].sub == 0) {
		if (args[1].i == 0)
			return rego_fail(c, "modulo by zero");
		*out = rv_int(args[1].i == -1 ? 0 : args[0].i % args[1].i);
		return rc_of(OK);
	}
	if (!rv_is_integral(args[0]) || !rv_is_integral(args[1]))
		return rego_fail(c, "modulo on floating-point number");
	mpz_init(x);
	mpz_init(y);
	r = lib_bigint(c, args, 0, x);
	if (rc_ok(r))
		r = lib_bigint(c, args, 1, y);
	if (rc_ok(r) && mpz_sgn(y) == 0)
		r = rego_fail(c, "modulo by zero");
	else if (rc_ok(r))
		r = rego_charge(c, mpz_size(x) * mpz_size(y) / 64);
	if (rc_ok(r)) {
		mpz_tdiv_r(x, x, y);
		r = lib_from_mpz(c, x, out);
	}
	mpz_clear(x);
	mpz_clear(y);
	return r;
}

/* The float functions leave an integer that a float holds exactly as it is. */
static bool plain(struct rv v)
{
	return v.kind == RV_NUMBER && v.sub == 0;
}

static rc absolute(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	(void)n;
	ARG_NUMBER(c, args, 0);
	if (plain(args[0]) && args[0].i >= 0)
		*out = args[0];
	else
		return lib_return(c, rv_float(c->heap, fabsl(rv_ld(args[0]))), out);
	return rc_of(OK);
}

static rc round_number(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	long double v;

	(void)n;
	ARG_NUMBER(c, args, 0);
	if (plain(args[0])) {
		*out = args[0];
		return rc_of(OK);
	}
	v = rv_ld(args[0]);
	return lib_return(c, rv_float(c->heap, truncl(v + (signbit(v) ? -0.5L : 0.5L))), out);
}

static rc ceiling(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	(void)n;
	ARG_NUMBER(c, args, 0);
	*out = args[0];
	return plain(args[0]) ? rc_of(OK) : lib_return(c, rv_float(c->heap, ceill(rv_ld(args[0]))), out);
}

static rc floor_number(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	(void)n;
	ARG_NUMBER(c, args, 0);
	*out = args[0];
	return plain(args[0]) ? rc_of(OK) : lib_return(c, rv_float(c->heap, floorl(rv_ld(args[0]))), out);
}

/* ---- ranges ---- */

static RC make_range(struct rego_call *c, mpz_t from, mpz_t to, mpz_t step, struct rv *out)
{
	struct rv_vec v = rv_vec(c->heap);
	bool down = mpz_cmp(from, to) > 0;
	uint64_t count;
	mpz_t d;
	rc r = rc_of(OK);

	mpz_init(d);
	mpz_sub(d, to, from);
	mpz_abs(d, d);
	mpz_tdiv_q(d, d, step);
	count = mpz_cmp_ui(d, RV_MAX_ITEMS) >= 0 ? RV_MAX_ITEMS : mpz_get_ui(d) + 1;
	mpz_clear(d);
	TRY(rego_reserve(c, count * sizeof(struct rv)));
	for (uint64_t i = 0; i < count && rc_ok(r); i++) {
		struct rv item;

		if (i % 1024 == 0)
			r = rego_charge(c, 1024);
		if (rc_ok(r))
			r = lib_from_mpz(c, from, &item);
		if (rc_ok(r))
			rv_push(&v, item);
		if (down)
			mpz_sub(from, from, step);
		else
			mpz_add(from, from, step);
	}
	return rc_ok(r) ? lib_return(c, rv_vec_done(&v), out) : r;
}

static rc range_of(struct rego_call *c, const struct rv *args, bool stepped, struct rv *out)
{
	mpz_t x, y, step;
	rc r;

	mpz_init(x);
	mpz_init(y);
	mpz_init_set_ui(step, 1);
	r = lib_bigint(c, args, 0, x);
	if (rc_ok(r))
		r = lib_bigint(c, args, 1, y);
	if (rc_ok(r) && stepped)
		r = lib_bigint(c, args, 2, step);
	if (rc_ok(r) && mpz_sgn(step) <= 0)
		r = rego_fail(c, "numbers.range_step: step must be a positive integer");
	else if (rc_ok(r))
		r = make_range(c, x, y, step, out);
	mpz_clear(x);
	mpz_clear(y);
	mpz_clear(step);
	return r;
}

static rc range(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	(void)n;
	return range_of(c, args, false, out);
}

static rc range_step(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	(void)n;
	return range_of(c, args, true, out);
}

static rc rand_intn(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct rv key[2] = {args[0]}, k;
	uint64_t bound, r, limit;
	int64_t max;

	(void)n;
	ARG_STRING(c, args, 0);
	TRY(lib_int(c, args, 1, &max));
	*out = rv_int(0);
	if (max == 0)
		return rc_of(OK);
	bound = max < 0 ? 0 - (uint64_t)max : (uint64_t)max;
	key[1] = max == INT64_MIN ? args[1] : rv_int((int64_t)bound);
	k = rv_array(c->heap, key, 2);
	if (rego_cache_get(c, k, out))
		return rc_of(OK);
	limit = UINT64_MAX - UINT64_MAX % bound;	/* beyond it the remainder would favour small numbers */
	do
		TRY(rego_random(c, &r, sizeof(r)));
	while (r >= limit);
	TRY(lib_return(c, rv_u64(c->heap, r % bound), out));
	return rego_cache_put(c, k, *out);
}

/* ---- texts ---- */

/* What strconv.ParseFloat takes: decimal or hexadecimal, underscores never without a base prefix. */
static bool float_syntax(struct slice s)
{
	size_t i = s.n && (s.p[0] == '+' || s.p[0] == '-'), digits = 0;
	bool point = false;

	for (; i < s.n && ((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] == '.' && !point)); i++) {
		point = point || s.p[i] == '.';
		digits += s.p[i] != '.';
	}
	if (!digits)
		return false;
	if (i < s.n && (s.p[i] | 32) == 'e') {
		size_t from;

		i++;
		if (i < s.n && (s.p[i] == '+' || s.p[i] == '-'))
			i++;
		from = i;
		while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
			i++;
		if (i == from)
			return false;
	}
	return i == s.n;
}

static bool no_number_word(struct slice s)
{
	static const char *const words[] = {"inf", "infinity", "nan"};
	size_t sign = 0;

	while (sign < s.n && (s.p[sign] == '+' || s.p[sign] == '-'))
		sign++;
	s = slice_sub(s, sign, s.n);
	for (size_t w = 0; w < COUNT_OF(words); w++) {
		size_t i;

		for (i = 0; i < s.n && words[w][i] && uni_lower(s.p[i]) == words[w][i]; i++)
			;
		if (i == s.n && !words[w][i])
			return true;
	}
	return false;
}

/* The number of a text that Go reads as a float: our numbers have JSON's form, so a plus sign, leading zeros and a bare
 * point are put right. */
static struct rv text_number(struct rego_call *c, struct slice s)
{
	struct buf b = lib_buf(c);
	size_t i = 0;

	if (s.p[0] == '-')
		buf_putc(&b, '-');
	i = s.p[0] == '-' || s.p[0] == '+';
	while (i + 1 < s.n && s.p[i] == '0' && s.p[i + 1] >= '0' && s.p[i + 1] <= '9')
		i++;
	if (s.p[i] == '.')
		buf_putc(&b, '0');
	for (; i < s.n; i++) {
		if (s.p[i] == '.' && (i + 1 == s.n || s.p[i + 1] < '0' || s.p[i + 1] > '9'))
			continue;
		buf_putc(&b, (char)s.p[i]);
	}
	return buf_ok(&b) ? rv_number(c->heap, buf_view(&b)) : rv_undef();
}

static rc to_number(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct buf q;

	(void)n;
	if (args[0].kind == RV_NULL)
		*out = rv_int(0);
	else if (args[0].kind == RV_BOOL)
		*out = rv_int(args[0].sub);
	else if (args[0].kind == RV_NUMBER)
		*out = args[0];
	else if (args[0].kind != RV_STRING)
		return rego_operand_error(c, 1, "one of {null, boolean, number, string}", args[0]);
	else if (no_number_word(rv_slice(args[0])))
		return rego_operand_error(c, 1, "valid number string", args[0]);
	else {
		bool number = float_syntax(rv_slice(args[0])), fits = false;
		double d;

		TRY(rego_charge(c, (uint64_t)args[0].str->n * args[0].str->n / 65536));
		if (number)
			fits = decfloat_parse(rv_slice(args[0]), &d) && isfinite(d);
		*out = fits ? text_number(c, rv_slice(args[0])) : rv_undef();
		if (out->kind == RV_UNDEF) {
			q = lib_buf(c);
			rv_quote(&q, rv_slice(args[0]));
			return rego_fail(c, "strconv.ParseFloat: parsing " SLICE_FMT ": %s", SLICE_ARG(buf_view(&q)),
					 number ? "value out of range" : "invalid syntax");
		}
	}
	return rc_of(OK);
}

static rc format_int(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	int64_t base = 0;
	struct buf b = lib_buf(c);
	char *text;
	mpz_t z;

	(void)n;
	ARG_NUMBER(c, args, 0);
	ARG_NUMBER(c, args, 1);
	if (args[1].sub || !rv_i64(args[1], &base) || (base != 2 && base != 8 && base != 10 && base != 16))
		return rego_operand_text(c, 2, "must be one of {2, 8, 10, 16}");
	mpz_init(z);
	if (rv_is_integral(args[0])) {
		rc r = lib_bigint(c, args, 0, z);

		if (!rc_ok(r)) {
			mpz_clear(z);
			return r;
		}
	} else {
		/* the float cut toward zero, taken apart so that no double is in the way */
		int exp;
		long double m = frexpl(truncl(rv_ld(args[0])), &exp);

		mpz_set_ui(z, (uint64_t)ldexpl(fabsl(m), 64));
		if (exp > 64)
			mpz_mul_2exp(z, z, (mp_bitcnt_t)(exp - 64));
		else
			mpz_tdiv_q_2exp(z, z, (mp_bitcnt_t)(64 - exp));
		if (signbit(m))
			mpz_neg(z, z);
	}
	text = (char *)buf_reserve(&b, mpz_sizeinbase(z, (int)base) + 2);
	if (text) {
		mpz_get_str(text, (int)base, z);
		b.n = strlen(text);
	}
	mpz_clear(z);
	return lib_buffer(c, &b, out);
}

const struct rego_builtin builtin_numbers[] = {
	{"plus", "number, number -> number", plus, 2, 0, 1},
	{"minus", "number | set[any], number | set[any] -> number | set[any]", minus, 2, 0, 1},
	{"mul", "number, number -> number", mul, 2, 0, 1},
	{"div", "number, number -> number", divide, 2, 0, 1},
	{"rem", "number, number -> number", rem, 2, 0, 1},
	{"abs", "number -> number", absolute, 1, 0, 1},
	{"round", "number -> number", round_number, 1, 0, 1},
	{"ceil", "number -> number", ceiling, 1, 0, 1},
	{"floor", "number -> number", floor_number, 1, 0, 1},
	{"numbers.range", "number, number -> array[number]", range, 2, 0, 2},
	{"numbers.range_step", "number, number, number -> array[number]", range_step, 3, 0, 2},
	{"rand.intn", "string, number -> number", rand_intn, 2, REGO_NONDET, 10},
	{"to_number", "null | boolean | number | string -> number", to_number, 1, 0, 2},
	{"format_int", "number, number -> string", format_int, 2, 0, 4},
	{0},
};
