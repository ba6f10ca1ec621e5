#include "rego/builtin/lib.h"

#include <stdlib.h>

#include "rego/builtin/regex.h"

RC lib_no_memory(struct rego_call *c)
{
	c->heap->bad = true;
	return rc_of(E_LIMIT);
}

RC lib_return(struct rego_call *c, struct rv v, struct rv *out)
{
	/* a scratch buffer that found no memory may have left a part of the text out */
	if (v.kind == RV_UNDEF || rv_heap_bad(c->heap) || arena_bad(c->heap->arena))
		return lib_no_memory(c);
	*out = v;
	return rc_of(OK);
}

RC lib_string(struct rego_call *c, struct slice s, struct rv *out)
{
	TRY(rego_charge(c, s.n / 64));
	return lib_return(c, rv_str(c->heap, s.p, s.n), out);
}

struct buf lib_buf(struct rego_call *c)
{
	return buf_in(c->heap->arena, 0);
}

RC lib_buffer(struct rego_call *c, const struct buf *b, struct rv *out)
{
	if (!buf_ok(b))
		return lib_no_memory(c);
	return lib_string(c, buf_view(b), out);
}

RC lib_refused(struct rego_call *c, rc r, const struct why *w)
{
	if (r.code == E_INTERNAL)
		return lib_no_memory(c);
	return rego_fail(c, "%s", why_text(w));
}

RC lib_int(struct rego_call *c, const struct rv *args, unsigned i, int64_t *out)
{
	struct rv v = args[i];
	char scratch[24];
	struct slice text;

	ARG_NUMBER(c, args, i);
	if (v.sub == 0) {
		*out = v.i;
		return rc_of(OK);
	}
	text = rv_number_text(v, scratch);
	for (size_t k = 0; k < text.n && v.num->fits; k++)
		if (text.p[k] != '-' && (text.p[k] < '0' || text.p[k] > '9'))
			return rego_operand_text(c, i + 1, "must be integer number but got floating-point number");
	if (!v.num->fits)
		return rego_operand_text(c, i + 1, "must be integer number but got floating-point number");
	*out = v.num->i64;
	return rc_of(OK);
}

bool lib_to_mpz(struct rv v, mpz_t z)
{
	const struct rv_num *n = v.num;
	mpz_t p;

	if (v.sub == 0) {
		mpz_set_si(z, v.i);
		return true;
	}
	/* the exponent counts from before the first digit: beyond the digits come zeros */
	if (n->nd == 0) {
		mpz_set_ui(z, 0);
		return true;
	}
	if (!n->integral || n->exp10 > RV_MAX_DIGITS || n->exp10 < n->nd)
		return false;
	mpz_set_str(z, n->digits, 10);
	mpz_init(p);
	mpz_ui_pow_ui(p, 10, (unsigned long)(n->exp10 - n->nd));
	mpz_mul(z, z, p);
	mpz_clear(p);
	if (n->neg)
		mpz_neg(z, z);
	return true;
}

RC lib_bigint(struct rego_call *c, const struct rv *args, unsigned i, mpz_t z)
{
	if (args[i].kind != RV_NUMBER)
		return rego_operand_error(c, i + 1, "integer", args[i]);
	if (!rv_is_integral(args[i]))
		return rego_operand_text(c, i + 1, "must be integer number but got floating-point number");
	if (!lib_to_mpz(args[i], z))
		return lib_no_memory(c);
	return rc_of(OK);
}

RC lib_from_mpz(struct rego_call *c, mpz_srcptr z, struct rv *out)
{
	size_t n = mpz_sizeinbase(z, 10);
	char *text;

	if (mpz_fits_slong_p(z))
		return lib_return(c, rv_int(mpz_get_si(z)), out);
	if (n > RV_MAX_DIGITS)
		return rego_reserve(c, SIZE_MAX);
	TRY(rego_charge(c, n / 8));
	TRY(rego_reserve(c, n));
	text = rv_alloc(c->heap, n + 2);
	if (!text)
		return lib_no_memory(c);
	mpz_get_str(text, 10, z);
	text += *text == '-';
	return lib_return(c, rv_integer(c->heap, mpz_sgn(z) < 0, text, strlen(text)), out);
}

RC lib_element_error(struct rego_call *c, unsigned operand, struct rv coll, const char *want, struct rv got)
{
	const char *kind = rego_type_name(coll);

	return rego_operand_text(c, operand, "must be %s of %ss but got %s containing %s", kind, want, kind,
				 rego_type_name(got));
}

const struct rv *lib_items(struct rv v, size_t *n)
{
	*n = rv_len(v);
	if (v.kind == RV_ARRAY)
		return v.arr->items;
	if (v.kind != RV_SET)
		return NULL;
	rv_sort(v);
	return v.coll->keys;
}

RC lib_strings(struct rego_call *c, const struct rv *args, unsigned i, bool one, const struct rv **items, size_t *n)
{
	if (one && args[i].kind == RV_STRING) {
		*items = &args[i];
		*n = 1;
		return rc_of(OK);
	}
	if (args[i].kind != RV_ARRAY && args[i].kind != RV_SET)
		return rego_operand_error(c, i + 1, one ? "one of {string, set, array}" : "one of {set, array}", args[i]);
	*items = lib_items(args[i], n);
	for (size_t k = 0; k < *n; k++)
		if ((*items)[k].kind != RV_STRING)
			return lib_element_error(c, i + 1, args[i], "string", (*items)[k]);
	return rego_charge(c, *n);
}

/* What a kept expression may take is taken from the budget; so few are kept that the rest is left for values. */
#define REGEX_KEPT_BELOW ((size_t)36 << 20)

static void drop_regex(void *re)
{
	regex_free(re);
}

RC lib_regex(struct rego_call *c, struct rv pattern, struct regex **out, bool *drop, char *err, size_t err_n)
{
	struct regex *re = rego_object_get(c, "regex", pattern);

	*drop = false;
	if (!re) {
		/* compiling costs far more than matching, and an expression may take REGEX_MEMORY */
		TRY(rego_charge(c, 50 + pattern.str->n));
		switch (regex_new((const uint8_t *)pattern.str->p, pattern.str->n, &re, err, err_n)) {
		case REGEX_OK:
			break;
		case REGEX_BAD:
			return rc_of(E_MALFORMED);
		case REGEX_NO_MEMORY:
			return lib_no_memory(c);
		}
		*drop = c->heap->left < REGEX_KEPT_BELOW || !rego_object_put(c, "regex", pattern, re, drop_regex);
		if (!*drop)
			c->heap->left -= REGEX_MEMORY;
		if (!rc_ok(rego_charge(c, regex_cost(re) * 24))) {
			if (*drop)
				regex_free(re);
			return rc_of(E_LIMIT);
		}
	}
	*out = re;
	return rc_of(OK);
}
