/* gofmt.h - formatting as Go's fmt.Sprintf does it, for the argument kinds that sprintf of Rego hands over.
 *
 * Misuse never fails: it prints the texts that Go prints ("%!d(string=x)", "%!v(MISSING)"). No locale. Output is
 * bounded by the buffer; width and precision by Go's own limit of 1,000,000.
 */
#pragma once
#include <gmp.h>

#include "base/buf.h"

enum gofmt_kind { GOFMT_INT, GOFMT_BIG, GOFMT_FLOAT, GOFMT_STRING };

struct gofmt_arg {
	enum gofmt_kind kind;
	int64_t i;
	mpz_srcptr big;
	double f;
	struct slice s;
};

void gofmt(struct buf *out, struct slice fmt, const struct gofmt_arg *args, size_t n);
/* strconv.Quote: double quotes, Go's escapes; ascii: everything beyond ASCII is escaped. */
void gofmt_quote(struct buf *out, struct slice s, bool ascii);
/* strconv.FormatFloat(v, verb, prec, 64); prec -1: the fewest digits. verb: e E f g G. */
void gofmt_float(struct buf *out, double v, char verb, int prec);
