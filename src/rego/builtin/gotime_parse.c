/* gotime_parse.c - reading times by a layout. */
#include "base/num.h"
#include "rego/builtin/gotime.h"

/* What has been read so far. -1: not seen. */
struct fields {
	int year, month, day, yday, hour, min, sec;
	int32_t nsec;
	bool am, pm, utc, offset_set;
	int32_t offset;
	const char *range;	/* name of the field that is out of range */
};

static bool digit(struct slice s, size_t i)
{
	return i < s.n && s.p[i] >= '0' && s.p[i] <= '9';
}

static struct slice drop(struct slice s, size_t n)
{
	return slice_sub(s, n, s.n);
}

/* One or two digits; fixed: exactly two. */
static bool getnum(struct slice *s, bool fixed, int *out)
{
	if (!digit(*s, 0) || (fixed && !digit(*s, 1)))
		return false;
	*out = s->p[0] - '0';
	if (digit(*s, 1))
		*out = *out * 10 + s->p[1] - '0';
	*s = drop(*s, digit(*s, 1) ? 2 : 1);
	return true;
}

static bool getnum3(struct slice *s, bool fixed, int *out)
{
	size_t i;
	int n = 0;

	for (i = 0; i < 3 && digit(*s, i); i++)
		n = n * 10 + s->p[i] - '0';
	if (i == 0 || (fixed && i != 3))
		return false;
	*out = n;
	*s = drop(*s, i);
	return true;
}

/* Signed digits, all of s. */
static bool atoi_all(struct slice s, int *out)
{
	size_t i = s.n && (s.p[0] == '-' || s.p[0] == '+');
	int n = 0;

	if (i == s.n)
		return false;
	for (size_t k = i; k < s.n; k++) {
		if (!digit(s, k))
			return false;
		n = n * 10 + s.p[k] - '0';
	}
	*out = i && s.p[0] == '-' ? -n : n;
	return true;
}

static bool name(struct slice *s, const char *const *names, int n, size_t cut, int *out)
{
	for (int i = 0; i < n; i++) {
		size_t len = cut ? cut : strlen(names[i]), k;

		if (s->n < len)
			continue;
		for (k = 0; k < len && (s->p[k] | 32) == (names[i][k] | 32); k++)
			;
		if (k == len) {
			*s = drop(*s, len);
			*out = i;
			return true;
		}
	}
	return false;
}

/* Spaces in the layout stand for any run of spaces. On failure *v is where it differs. */
static bool skip(struct slice *v, struct slice prefix)
{
	while (prefix.n) {
		if (prefix.p[0] == ' ') {
			if (v->n && v->p[0] != ' ')
				return false;
			while (prefix.n && prefix.p[0] == ' ')
				prefix = drop(prefix, 1);
			while (v->n && v->p[0] == ' ')
				*v = drop(*v, 1);
			continue;
		}
		if (!v->n || v->p[0] != prefix.p[0])
			return false;
		prefix = drop(prefix, 1);
		*v = drop(*v, 1);
	}
	return true;
}

/* n bytes: the separator and digits. Digits beyond nanoseconds are dropped. */
static bool fraction(struct slice *v, size_t n, int32_t *nsec)
{
	int32_t ns = 0;

	if (v->n < n || n == 0 || (v->p[0] != '.' && v->p[0] != ','))
		return false;
	for (size_t i = 1; i < 10; i++) {
		if (i < n && !digit(*v, i))
			return false;
		ns = ns * 10 + (i < n ? v->p[i] - '0' : 0);
	}
	*nsec = ns;
	*v = drop(*v, n);
	return true;
}

static size_t digits_from(struct slice v, size_t i)
{
	while (digit(v, i))
		i++;
	return i;
}

static bool second(struct slice *v, struct slice rest, bool fixed, struct fields *f)
{
	enum layout_std next;

	if (!getnum(v, fixed, &f->sec))
		return false;
	if (f->sec >= 60) {
		f->range = "second";
		return true;
	}
	/* a fraction may follow even where the layout shows none */
	if (v->n >= 2 && (v->p[0] == '.' || v->p[0] == ',') && digit(*v, 1)) {
		next = gotime_chunk(rest).std;
		if (next != STD_FRAC0 && next != STD_FRAC9)
			return fraction(v, digits_from(*v, 2), &f->nsec);
	}
	return true;
}

static bool half_day(struct slice *v, const char *am, const char *pm, struct fields *f)
{
	if (v->n < 2)
		return false;
	f->am = f->am || slice_is(slice_sub(*v, 0, 2), am);
	f->pm = f->pm || slice_is(slice_sub(*v, 0, 2), pm);
	if (!slice_is(slice_sub(*v, 0, 2), am) && !slice_is(slice_sub(*v, 0, 2), pm))
		return false;
	*v = drop(*v, 2);
	return true;
}

static bool numeric_zone(struct slice *v, enum layout_std std, struct fields *f)
{
	/* length, and where minutes and seconds stand; 0: they do not */
	static const struct {
		uint8_t n, m_at, s_at;
	} shape[] = {
		[STD_ISO_TZ] = {5, 3, 0},		[STD_NUM_TZ] = {5, 3, 0},
		[STD_ISO_SHORT_TZ] = {3, 0, 0},		[STD_NUM_SHORT_TZ] = {3, 0, 0},
		[STD_ISO_COLON_TZ] = {6, 4, 0},		[STD_NUM_COLON_TZ] = {6, 4, 0},
		[STD_ISO_SECONDS_TZ] = {7, 3, 5},	[STD_NUM_SECONDS_TZ] = {7, 3, 5},
		[STD_ISO_COLON_SECONDS_TZ] = {9, 4, 7}, [STD_NUM_COLON_SECONDS_TZ] = {9, 4, 7},
	};
	size_t n = shape[std].n, m_at = shape[std].m_at, s_at = shape[std].s_at;
	int h = 0, m = 0, s = 0;
	struct slice part;
	bool ok;

	if (v->n < n || (m_at == 4 && v->p[3] != ':') || (s_at == 7 && v->p[6] != ':'))
		return false;
	part = slice_sub(*v, 1, 2);
	ok = getnum(&part, true, &h);
	part = slice_sub(*v, m_at, 2);
	ok = ok && (!m_at || getnum(&part, true, &m));
	part = slice_sub(*v, s_at, 2);
	ok = ok && (!s_at || getnum(&part, true, &s));
	if (h > 24)
		f->range = "time zone offset hour";
	if (m > 60)
		f->range = "time zone offset minute";
	if (s > 60)
		f->range = "time zone offset second";
	f->offset = ((h * 60 + m) * 60 + s) * (v->p[0] == '-' ? -1 : 1);
	f->offset_set = true;
	ok = ok && (v->p[0] == '-' || v->p[0] == '+');
	*v = drop(*v, n);
	return ok || f->range;	/* an error of range is told first */
}

/* "+3", "-04": length, 0 when it is none. */
static size_t signed_offset(struct slice v)
{
	size_t i = 1;
	int x = 0;

	if (!v.n || (v.p[0] != '+' && v.p[0] != '-'))
		return 0;
	for (; digit(v, i); i++)
		x = x < 1000 ? x * 10 + v.p[i] - '0' : x;
	return i > 1 && x <= 23 ? i : 0;
}

/* Length of a zone abbreviation; 0 when there is none. Three capitals, or four or five that end in T, and such. */
static size_t abbreviation(struct slice v)
{
	size_t n = 0;

	if (v.n < 3)
		return 0;
	if (slice_starts(v, SLICE_LIT("ChST")) || slice_starts(v, SLICE_LIT("MeST")))
		return 4;
	if (slice_starts(v, SLICE_LIT("GMT")))
		return 3 + signed_offset(drop(v, 3));
	if (v.p[0] == '+' || v.p[0] == '-')
		return signed_offset(v);
	while (n < 6 && n < v.n && v.p[n] >= 'A' && v.p[n] <= 'Z')
		n++;
	if (n == 3 || (n == 5 && v.p[4] == 'T') ||
	    (n == 4 && (v.p[3] == 'T' || slice_starts(v, SLICE_LIT("WITA")))))
		return n;
	return 0;
}

static bool element(struct slice *v, const struct layout_chunk *c, struct fields *f)
{
	size_t n;
	int skipped;

	switch (c->std) {
	case STD_NONE:
		return true;
	case STD_YEAR:
		if (v->n < 2 || !atoi_all(slice_sub(*v, 0, 2), &f->year))
			return false;
		f->year += f->year >= 69 ? 1900 : 2000;
		*v = drop(*v, 2);
		return true;
	case STD_LONG_YEAR:
		if (v->n < 4 || !digit(*v, 0) || !atoi_all(slice_sub(*v, 0, 4), &f->year))
			return false;
		*v = drop(*v, 4);
		return true;
	case STD_MONTH:
	case STD_LONG_MONTH:
		if (!name(v, gotime_months, 12, c->std == STD_MONTH ? 3 : 0, &f->month))
			return false;
		f->month++;
		return true;
	case STD_NUM_MONTH:
	case STD_ZERO_MONTH:
		if (!getnum(v, c->std == STD_ZERO_MONTH, &f->month))
			return false;
		if (f->month < 1 || f->month > 12)
			f->range = "month";
		return true;
	case STD_WEEKDAY:
	case STD_LONG_WEEKDAY:
		return name(v, gotime_days, 7, c->std == STD_WEEKDAY ? 3 : 0, &skipped);
	case STD_DAY:
	case STD_UNDER_DAY:
	case STD_ZERO_DAY:
		if (c->std == STD_UNDER_DAY && v->n && v->p[0] == ' ')
			*v = drop(*v, 1);
		return getnum(v, c->std == STD_ZERO_DAY, &f->day);
	case STD_UNDER_YDAY:
	case STD_ZERO_YDAY:
		for (int i = 0; i < 2 && c->std == STD_UNDER_YDAY && v->n && v->p[0] == ' '; i++)
			*v = drop(*v, 1);
		return getnum3(v, c->std == STD_ZERO_YDAY, &f->yday);
	case STD_HOUR:
	case STD_HOUR12:
	case STD_ZERO_HOUR12:
		if (!getnum(v, c->std == STD_ZERO_HOUR12, &f->hour))
			return false;
		if (f->hour > (c->std == STD_HOUR ? 23 : 12))
			f->range = "hour";
		return true;
	case STD_MINUTE:
	case STD_ZERO_MINUTE:
		if (!getnum(v, c->std == STD_ZERO_MINUTE, &f->min))
			return false;
		if (f->min >= 60)
			f->range = "minute";
		return true;
	case STD_SECOND:
	case STD_ZERO_SECOND:
		return second(v, c->rest, c->std == STD_ZERO_SECOND, f);
	case STD_UPPER_PM:
		return half_day(v, "AM", "PM", f);
	case STD_LOWER_PM:
		return half_day(v, "am", "pm", f);
	case STD_ISO_TZ:
	case STD_ISO_SECONDS_TZ:
	case STD_ISO_SHORT_TZ:
	case STD_ISO_COLON_TZ:
	case STD_ISO_COLON_SECONDS_TZ:
		if (v->n && v->p[0] == 'Z') {
			*v = drop(*v, 1);
			f->utc = true;
			return true;
		}
		return numeric_zone(v, c->std, f);
	case STD_NUM_TZ:
	case STD_NUM_SECONDS_TZ:
	case STD_NUM_SHORT_TZ:
	case STD_NUM_COLON_TZ:
	case STD_NUM_COLON_SECONDS_TZ:
		return numeric_zone(v, c->std, f);
	case STD_TZ:
		if (slice_starts(*v, SLICE_LIT("UTC"))) {
			*v = drop(*v, 3);
			f->utc = true;
			return true;
		}
		n = abbreviation(*v);
		*v = drop(*v, n);
		return n > 0;
	case STD_FRAC0:
		return fraction(v, 1 + (size_t)c->digits, &f->nsec);
	case STD_FRAC9:
		if (v->n < 2 || (v->p[0] != '.' && v->p[0] != ',') || !digit(*v, 1))
			return true;
		return fraction(v, digits_from(*v, 1), &f->nsec);
	}
	return false;
}

struct parse {
	struct slice layout, value;	/* as given */
	struct why *w;
};

static RC cannot(const struct parse *p, struct slice elem, struct slice at)
{
	struct buf b;

	if (!p->w)
		return rc_of(E_MALFORMED);
	b = buf_in(p->w->arena, 0);
	buf_puts(&b, "parsing time ");
	gotime_quote(&b, p->value);
	buf_puts(&b, " as ");
	gotime_quote(&b, p->layout);
	buf_puts(&b, ": cannot parse ");
	gotime_quote(&b, at);
	buf_puts(&b, " as ");
	gotime_quote(&b, elem);
	return deny(p->w, E_MALFORMED, "time.syntax", SLICE_FMT, SLICE_ARG(buf_view(&b)));
}

/* "parsing time "x"" and the message; extra is quoted behind it unless it is empty. */
static RC refused(const struct parse *p, const char *message, const char *tail, struct slice extra)
{
	struct buf b;

	if (!p->w)
		return rc_of(E_MALFORMED);
	b = buf_in(p->w->arena, 0);
	buf_puts(&b, "parsing time ");
	gotime_quote(&b, p->value);
	buf_printf(&b, ": %s%s", message, tail);
	if (extra.n)
		gotime_quote(&b, extra);
	return deny(p->w, E_MALFORMED, "time.syntax", SLICE_FMT, SLICE_ARG(buf_view(&b)));
}

static RC day_of_year(const struct parse *p, struct fields *f)
{
	const struct slice none = {0};
	int y = f->yday, m = 1, last = gotime_days_in(f->year, 2) == 29 ? 366 : 365;

	if (y < 1 || y > last)
		return refused(p, "day-of-year", " out of range", none);
	while (y > gotime_days_in(f->year, m))
		y -= gotime_days_in(f->year, m++);
	if (f->month >= 0 && f->month != m)
		return refused(p, "day-of-year", " does not match month", none);
	f->month = m;
	if (f->day >= 0 && f->day != y)
		return refused(p, "day-of-year", " does not match day", none);
	f->day = y;
	return rc_of(OK);
}

static RC finish(const struct parse *p, struct fields *f, struct gotime *out)
{
	struct gotime t = {.nsec = f->nsec, .abbrev = "UTC"};

	if (f->pm && f->hour < 12)
		f->hour += 12;
	else if (f->am && f->hour == 12)
		f->hour = 0;
	if (f->yday >= 0)
		TRY(day_of_year(p, f));
	f->month = f->month < 0 ? 1 : f->month;
	f->day = f->day < 0 ? 1 : f->day;
	if (f->day < 1 || f->day > gotime_days_in(f->year, f->month))
		return refused(p, "day", " out of range", (struct slice){0});
	t.sec = gotime_days_from_civil(f->year, f->month, f->day) * 86400 + f->hour * 3600 + f->min * 60 + f->sec;
	if (!f->utc && f->offset_set)	/* an abbreviation alone gives no offset: the clock is taken as UTC, as Go does */
		t.sec -= f->offset;
	*out = t;
	return rc_of(OK);
}

RC gotime_parse(struct slice layout, struct slice value, struct gotime *out, struct why *w)
{
	struct fields f = {.month = -1, .day = -1, .yday = -1};
	struct parse p = {.layout = layout, .value = value, .w = w};

	for (;;) {
		struct layout_chunk c = gotime_chunk(layout);
		struct slice hold;

		if (!skip(&value, c.prefix))
			return cannot(&p, c.prefix, value);
		if (c.std == STD_NONE) {
			if (value.n)
				return refused(&p, "extra text", ": ", value);
			return finish(&p, &f, out);
		}
		hold = value;
		if (!element(&value, &c, &f))
			return cannot(&p, c.text, hold);
		if (f.range)
			return refused(&p, f.range, " out of range", (struct slice){0});
		layout = c.rest;
	}
}
