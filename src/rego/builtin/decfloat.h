/* decfloat.h - binary64 to decimal digits and back, exactly rounded, whatever the locale is.
 *
 * Threads: no state. GMP numbers are bounded: a double has at most 767 significant digits.
 */
#pragma once
#include "base/slice.h"

#define DECFLOAT_DIGITS 800

/* 0.d1d2d3... times ten to the power `point`; no zeros at either end; n == 0 is zero. */
struct decfloat {
	char d[DECFLOAT_DIGITS];
	int n, point;
	bool neg;
};

/* All digits of a finite v. */
void decfloat_exact(double v, struct decfloat *out);
/* The fewest digits that read back as v (finite). */
void decfloat_shortest(double v, struct decfloat *out);
/* Keeps n digits, half to even. */
void decfloat_round(struct decfloat *d, int n);

/* Nearest double of a JSON number text; ±HUGE_VAL beyond the range. false when `text` is no decimal number. */
bool decfloat_parse(struct slice text, double *out);
