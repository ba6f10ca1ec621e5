/* goduration.c - "1h15m30.918s", with d, w and y on top of Go's units. */
#include <math.h>

#include "base/num.h"
#include "rego/builtin/decfloat.h"
#include "rego/builtin/gotime.h"

#define TOO_LONG ((uint64_t)1 << 63)

static const struct {
	const char *name;
	uint64_t ns;
	unsigned hours;	/* not 0: one of ours, counted in hours */
} units[] = {
	{"ns", 1, 0},
	{"us", 1000, 0},
	{"\xc2\xb5s", 1000, 0},
	{"\xce\xbcs", 1000, 0},
	{"ms", 1000000, 0},
	{"s", 1000000000, 0},
	{"m", 60000000000, 0},
	{"h", 3600000000000, 0},
	{"d", 3600000000000, 24},
	{"w", 3600000000000, 7 * 24},
	{"y", 3600000000000, 365 * 24},
};

static RC bad(struct why *w, const char *what, struct slice unit, struct slice whole)
{
	struct buf b;

	if (!w)
		return rc_of(E_MALFORMED);
	b = buf_in(w->arena, 0);
	buf_printf(&b, "time: %s", what);
	if (unit.n) {
		gotime_quote(&b, unit);
		buf_puts(&b, " in duration");
	}
	buf_putc(&b, ' ');
	gotime_quote(&b, whole);
	return deny(w, E_MALFORMED, "time.duration", SLICE_FMT, SLICE_ARG(buf_view(&b)));
}

static bool digit(struct slice s, size_t i)
{
	return i < s.n && s.p[i] >= '0' && s.p[i] <= '9';
}

/* Leading digits as an integer and a fraction f / scale. False when there are none, or too many. */
static bool amount(struct slice *s, uint64_t *v, uint64_t *f, double *scale)
{
	size_t i = 0, from;
	bool any, over = false;

	*v = 0;
	*f = 0;
	*scale = 1;
	for (; digit(*s, i); i++) {
		if (*v > TOO_LONG / 10)
			return false;
		*v = *v * 10 + (uint64_t)(s->p[i] - '0');
		if (*v > TOO_LONG)
			return false;
	}
	any = i > 0;
	if (i < s->n && s->p[i] == '.') {
		for (from = ++i; digit(*s, i); i++) {
			uint64_t next;

			over = over || *f > (TOO_LONG - 1) / 10;
			next = over ? 0 : *f * 10 + (uint64_t)(s->p[i] - '0');
			if (over || next > TOO_LONG) {
				over = true;
				continue;
			}
			*f = next;
			*scale *= 10;
		}
		any = any || i > from;
	}
	*s = slice_sub(*s, i, s->n);
	return any;
}

/* A segment in days, weeks or years is rewritten as hours before it is read, so its fraction is a double's. */
static bool in_hours(struct slice digits, unsigned hours, uint64_t *v, uint64_t *f, double *scale)
{
	struct arena *a = arena_new(64 << 10);
	struct buf b = buf_in(a, 0);
	struct decfloat d;
	struct slice text;
	double x;
	bool ok = decfloat_parse(digits, &x) && isfinite(x * hours);

	if (ok) {
		decfloat_shortest(x * hours, &d);
		for (int i = 0; i < MAX_OF(d.point, 1); i++)
			buf_putc(&b, d.point > 0 && i < d.n ? d.d[i] : '0');
		if (d.n > d.point) {
			buf_putc(&b, '.');
			for (int i = d.point; i < d.n; i++)
				buf_putc(&b, i >= 0 ? d.d[i] : '0');
		}
		text = buf_view(&b);
		ok = buf_ok(&b) && amount(&text, v, f, scale);
	}
	arena_free(a);
	return ok;
}

static bool extended(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] && strchr("dwy", s.p[i]))
			return true;
	return false;
}

/* With d, w, y about the whole is looked at first: amounts of digits and points, each with a unit of one letter or a
 * known one of two. */
static size_t extended_unit(struct slice s)
{
	static const char *const two[] = {"ms", "us", "\xc2\xb5s", "ns"};

	for (size_t i = 0; i < COUNT_OF(two); i++)
		if (slice_starts(s, slice_cstr(two[i])))
			return strlen(two[i]);
	return s.n && s.p[0] >= 'a' && s.p[0] <= 'z';
}

static bool extended_form(struct slice s)
{
	while (s.n) {
		size_t i = 0, n;
		double x;

		while (digit(s, i) || (i < s.n && s.p[i] == '.'))
			i++;
		n = extended_unit(slice_sub(s, i, s.n));
		if (i == 0 || n == 0 || (strchr("dwy", s.p[i]) && !decfloat_parse(slice_sub(s, 0, i), &x)))
			return false;
		s = slice_sub(s, i + n, s.n);
	}
	return true;
}

/* The unit in front of s, its length in *n. Without d, w, y about, it is all up to the next digit or point, as in Go. */
static size_t find_unit(struct slice s, bool ours, size_t *n)
{
	size_t best = COUNT_OF(units);

	*n = ours ? extended_unit(s) : 0;
	if (!ours)
		while (*n < s.n && s.p[*n] != '.' && !digit(s, *n))
			++*n;
	for (size_t i = 0; i < COUNT_OF(units); i++) {
		if (slice_is(slice_sub(s, 0, *n), units[i].name))
			best = i;
	}
	return best;
}

RC gotime_duration(struct slice s, int64_t *ns, struct why *w)
{
	const struct slice whole = s, none = {0};
	bool neg = false, ours = extended(s);
	uint64_t sum = 0;

	if (s.n && (s.p[0] == '-' || s.p[0] == '+')) {
		neg = s.p[0] == '-';
		s = slice_sub(s, 1, s.n);
	}
	if (slice_is(s, "0")) {
		*ns = 0;
		return rc_of(OK);
	}
	if (s.n == 0 || (ours && !extended_form(s)))
		return bad(w, "invalid duration", none, whole);
	while (s.n) {
		struct slice digits = s;
		uint64_t v, f;
		double scale;
		size_t n, u;

		if (!amount(&s, &v, &f, &scale))
			return bad(w, "invalid duration", none, whole);
		digits.n -= s.n;
		u = find_unit(s, ours, &n);
		if (n == 0)
			return bad(w, "missing unit in duration", none, whole);
		if (u == COUNT_OF(units))
			return bad(w, "unknown unit ", slice_sub(s, 0, n), whole);
		s = slice_sub(s, n, s.n);
		if (units[u].hours && !in_hours(digits, units[u].hours, &v, &f, &scale))
			return bad(w, "invalid duration", none, whole);
		if (v > TOO_LONG / units[u].ns)
			return bad(w, "invalid duration", none, whole);
		v *= units[u].ns;
		if (f)
			v += (uint64_t)((double)f * ((double)units[u].ns / scale));
		sum += v;
		if (v > TOO_LONG || sum > TOO_LONG)
			return bad(w, "invalid duration", none, whole);
	}
	if (!neg && sum > TOO_LONG - 1)
		return bad(w, "invalid duration", none, whole);
	*ns = neg ? (int64_t)(0 - sum) : (int64_t)sum;
	return rc_of(OK);
}
