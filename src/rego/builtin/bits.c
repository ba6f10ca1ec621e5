/* bits.c - integers of any size as endless two's complement. */
#include "rego/builtin/lib.h"

enum bit_op { BIT_AND, BIT_OR, BIT_XOR, BIT_NOT, BIT_LSH, BIT_RSH };

static RC shift(struct rego_call *c, enum bit_op op, mpz_t x, mpz_t by)
{
	if (mpz_sgn(by) < 0)
		return rego_operand_text(c, 2, "must be an unsigned integer number but got a negative integer");
	if (op == BIT_RSH) {
		/* past the last bit there is the sign only */
		unsigned long n = mpz_fits_ulong_p(by) ? mpz_get_ui(by) : mpz_sizeinbase(x, 2);

		mpz_fdiv_q_2exp(x, x, n > mpz_sizeinbase(x, 2) ? mpz_sizeinbase(x, 2) : n);
		return rc_of(OK);
	}
	if (mpz_sgn(x) == 0)
		return rc_of(OK);
	/* a digit is worth more than three bits */
	if (mpz_cmp_ui(by, 4 * RV_MAX_DIGITS) > 0)
		return rego_reserve(c, SIZE_MAX);
	TRY(rego_charge(c, mpz_get_ui(by) / 64));
	mpz_mul_2exp(x, x, mpz_get_ui(by));
	return rc_of(OK);
}

static rc bits(struct rego_call *c, enum bit_op op, const struct rv *args, struct rv *out)
{
	mpz_t x, y;
	rc r;

	mpz_init(x);
	mpz_init(y);
	r = lib_bigint(c, args, 0, x);
	if (rc_ok(r) && op != BIT_NOT)
		r = lib_bigint(c, args, 1, y);
	if (rc_ok(r)) {
		switch (op) {
		case BIT_AND:
			mpz_and(x, x, y);
			break;
		case BIT_OR:
			mpz_ior(x, x, y);
			break;
		case BIT_XOR:
			mpz_xor(x, x, y);
			break;
		case BIT_NOT:
			mpz_com(x, x);
			break;
		case BIT_LSH:
		case BIT_RSH:
			r = shift(c, op, x, y);
			break;
		}
	}
	if (rc_ok(r))
		r = lib_from_mpz(c, x, out);
	mpz_clear(x);
	mpz_clear(y);
	return r;
}

#define BITS(name, op)                                                                              \
	static rc name(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)      \
	{                                                                                           \
		(void)n;                                                                            \
		return bits(c, op, args, out);                                                      \
	}
BITS(bits_and, BIT_AND)
BITS(bits_or, BIT_OR)
BITS(bits_xor, BIT_XOR)
BITS(bits_negate, BIT_NOT)
BITS(bits_lsh, BIT_LSH)
BITS(bits_rsh, BIT_RSH)

const struct rego_builtin builtin_bits[] = {
	{"bits.and", "number, number -> number", bits_and, 2, 0, 2},
	{"bits.or", "number, number -> number", bits_or, 2, 0, 2},
	{"bits.xor", "number, number -> number", bits_xor, 2, 0, 2},
	{"bits.negate", "number -> number", bits_negate, 1, 0, 2},
	{"bits.lsh", "number, number -> number", bits_lsh, 2, 0, 2},
	{"bits.rsh", "number, number -> number", bits_rsh, 2, 0, 2},
	{0},
};
