/* sprintf.c - sprintf, and the text of template strings. */
#include <math.h>
#include <stdlib.h>

#include "rego/builtin/decfloat.h"
#include "rego/builtin/gofmt.h"
#include "rego/builtin/lib.h"

static struct slice text_of(struct rego_call *c, struct rv v)
{
	struct buf b = lib_buf(c);

	rv_to_text(&b, v);
	return buf_view(&b);
}

/* How upstream hands a number to Go's formatter depends on how it is written: an integer that fits is an int64, one
 * that does not a big.Int, a text with a point a float64; anything else ("1e3") goes as a string. */
static RC number_arg(struct rego_call *c, struct rv v, struct gofmt_arg *a, mpz_t z)
{
	struct slice text;
	char scratch[24];
	bool point = false, plain = true;

	if (v.sub == 0) {
		*a = (struct gofmt_arg){.kind = GOFMT_INT, .i = v.i};
		return rc_of(OK);
	}
	text = rv_number_text(v, scratch);
	for (size_t i = 0; i < text.n; i++) {
		point = point || text.p[i] == '.';
		plain = plain && (text.p[i] == '-' || (text.p[i] >= '0' && text.p[i] <= '9'));
	}
	if (plain && v.num->fits) {
		*a = (struct gofmt_arg){.kind = GOFMT_INT, .i = v.num->i64};
		return rc_of(OK);
	}
	*a = (struct gofmt_arg){.kind = GOFMT_STRING, .s = text};
	if (point) {
		if (decfloat_parse(text, &a->f) && isfinite(a->f))
			a->kind = GOFMT_FLOAT;
	} else if (plain) {
		TRY(rego_charge(c, v.num->nd / 8));
		if (!lib_to_mpz(v, z))
			return lib_no_memory(c);
		a->kind = GOFMT_BIG;
		a->big = z;
	}
	return rc_of(OK);
}

static RC format(struct rego_call *c, struct slice fmt, struct rv list, struct gofmt_arg *a, mpz_t *z, struct rv *out)
{
	struct buf b = lib_buf(c);

	for (size_t i = 0; i < rv_len(list); i++) {
		struct rv v = rv_at(list, i);

		TRY(rego_charge(c, 1 + rv_len(v)));
		if (v.kind == RV_NUMBER)
			TRY(number_arg(c, v, &a[i], z[i]));
		else
			a[i] = (struct gofmt_arg){.kind = GOFMT_STRING, .s = v.kind == RV_STRING ? rv_slice(v) : text_of(c, v)};
	}
	gofmt(&b, fmt, a, rv_len(list));
	return lib_buffer(c, &b, out);
}

static rc sprintf_(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct gofmt_arg *a;
	size_t len;
	mpz_t *z;
	rc r;

	(void)n;
	ARG_STRING(c, args, 0);
	ARG_ARRAY(c, args, 1);
	len = rv_len(args[1]);
	TRY(rego_charge(c, len + args[0].str->n / 16));
	a = rv_alloc(c->heap, (len + 1) * sizeof(*a));
	z = rv_alloc(c->heap, (len + 1) * sizeof(*z));
	if (!a || !z)
		return lib_no_memory(c);
	for (size_t i = 0; i < len; i++)
		mpz_init(z[i]);
	r = format(c, rv_slice(args[0]), args[1], a, z, out);
	for (size_t i = 0; i < len; i++)
		mpz_clear(z[i]);
	return r;
}

const struct rego_builtin builtin_sprintf[] = {
	{"sprintf", "string, array[any] -> string", sprintf_, 2, 0, 4},
	{0},
};
