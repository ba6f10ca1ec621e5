#include "rego/builtin/gotime.h"

#include <stdio.h>

#include "base/num.h"
#include "rego/builtin/tzif.h"

const char *const gotime_months[12] = {"January", "February", "March",	   "April",   "May",	  "June",
				       "July",	  "August",   "September", "October", "November", "December"};
const char *const gotime_days[7] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* Days since 1970-01-01; years are counted from March, so the leap day is the last of the year. */
int64_t gotime_days_from_civil(int64_t y, int m, int d)
{
	int64_t era, yoe, doy;

	y -= m <= 2;
	era = floor_div(y, 400);
	yoe = y - era * 400;
	doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static bool leap(int64_t y)
{
	return y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
}

int gotime_days_in(int64_t y, int m)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return days[m - 1] + (m == 2 && leap(y));
}

struct civil gotime_civil(const struct gotime *t)
{
	int64_t local = t->sec + t->offset, days = floor_div(local, 86400), rest = local - days * 86400;
	int64_t z = days + 719468, era = floor_div(z, 146097), doe = z - era * 146097;
	int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
	struct civil c;

	c.day = (int)(doy - (153 * mp + 2) / 5 + 1);
	c.month = (int)(mp + (mp < 10 ? 3 : -9));
	c.year = yoe + era * 400 + (c.month <= 2);
	c.hour = (int)(rest / 3600);
	c.min = (int)(rest / 60 % 60);
	c.sec = (int)(rest % 60);
	c.yday = (int)(days - gotime_days_from_civil(c.year, 1, 1) + 1);
	c.wday = (int)(((days + 4) % 7 + 7) % 7);
	return c;
}

struct gotime gotime_at(int64_t ns, const struct zone *zone)
{
	struct gotime t = {.sec = floor_div(ns, 1000000000), .abbrev = "UTC"};

	t.nsec = (int32_t)(ns - t.sec * 1000000000);
	if (zone)
		zone_lookup(zone, t.sec, &t.offset, &t.abbrev);
	return t;
}

/* The instant at which clocks of the zone show `local`: the offset in force there taken as UTC is a guess, and the
 * offset at the instant it leads to is used. That also decides gaps and overlaps, as Go does. */
static struct gotime in_zone(int64_t local, int32_t nsec, const struct zone *zone)
{
	struct gotime t = {.sec = local, .nsec = nsec, .abbrev = "UTC"};
	int32_t guess = 0;

	if (!zone)
		return t;
	zone_lookup(zone, local, &guess, &t.abbrev);
	zone_lookup(zone, local - guess, &t.offset, &t.abbrev);
	t.sec = local - t.offset;
	zone_lookup(zone, t.sec, &t.offset, &t.abbrev);
	return t;
}

struct gotime gotime_add_date(const struct gotime *t, int64_t years, int64_t months, int64_t days,
			      const struct zone *zone)
{
	struct civil c = gotime_civil(t);
	int64_t far = (int64_t)1 << 36, m, y, day;

	/* far beyond what toSafe accepts, far below an overflow */
	years = MIN_OF(MAX_OF(years, -far), far);
	months = MIN_OF(MAX_OF(months, -far), far);
	days = MIN_OF(MAX_OF(days, -far), far);
	m = c.month - 1 + months;
	y = c.year + years + floor_div(m, 12);
	m = m - floor_div(m, 12) * 12;
	day = gotime_days_from_civil(y, (int)m + 1, 1) + c.day - 1 + days;
	return in_zone(day * 86400 + c.hour * 3600 + c.min * 60 + c.sec, t->nsec, zone);
}

bool gotime_ns(const struct gotime *t, int64_t *ns)
{
	__int128 v = (__int128)t->sec * 1000000000 + t->nsec;

	if (v < INT64_MIN || v > INT64_MAX)
		return false;
	*ns = (int64_t)v;
	return true;
}

struct slice gotime_layout(struct slice name)
{
	static const struct {
		const char *name, *layout;
	} known[] = {
		{"ANSIC", "Mon Jan _2 15:04:05 2006"},
		{"UnixDate", "Mon Jan _2 15:04:05 MST 2006"},
		{"RubyDate", "Mon Jan 02 15:04:05 -0700 2006"},
		{"RFC822", "02 Jan 06 15:04 MST"},
		{"RFC822Z", "02 Jan 06 15:04 -0700"},
		{"RFC850", "Monday, 02-Jan-06 15:04:05 MST"},
		{"RFC1123", "Mon, 02 Jan 2006 15:04:05 MST"},
		{"RFC1123Z", "Mon, 02 Jan 2006 15:04:05 -0700"},
		{"RFC3339", "2006-01-02T15:04:05Z07:00"},
		{"RFC3339Nano", "2006-01-02T15:04:05.999999999Z07:00"},
	};

	for (size_t i = 0; i < COUNT_OF(known); i++)
		if (slice_is(name, known[i].name))
			return slice_cstr(known[i].layout);
	return name;
}

/* ---- layouts ---- */

static bool at(struct slice s, size_t i, const char *lit)
{
	return slice_starts(slice_sub(s, i, s.n), slice_cstr(lit));
}

static bool digit_at(struct slice s, size_t i)
{
	return i < s.n && s.p[i] >= '0' && s.p[i] <= '9';
}

/* Elements in the order in which they are tried at one place. */
static const struct {
	const char *text;
	enum layout_std std;
	bool whole_word;	/* not before a lower-case letter */
} elements[] = {
	{"January", STD_LONG_MONTH, false}, {"Jan", STD_MONTH, true},
	{"Monday", STD_LONG_WEEKDAY, false}, {"Mon", STD_WEEKDAY, true}, {"MST", STD_TZ, false},
	{"01", STD_ZERO_MONTH, false}, {"02", STD_ZERO_DAY, false}, {"03", STD_ZERO_HOUR12, false},
	{"04", STD_ZERO_MINUTE, false}, {"05", STD_ZERO_SECOND, false}, {"06", STD_YEAR, false},
	{"002", STD_ZERO_YDAY, false}, {"15", STD_HOUR, false}, {"1", STD_NUM_MONTH, false},
	{"2006", STD_LONG_YEAR, false}, {"2", STD_DAY, false}, {"_2", STD_UNDER_DAY, false},
	{"__2", STD_UNDER_YDAY, false}, {"3", STD_HOUR12, false}, {"4", STD_MINUTE, false}, {"5", STD_SECOND, false},
	{"PM", STD_UPPER_PM, false}, {"pm", STD_LOWER_PM, false}, {"-070000", STD_NUM_SECONDS_TZ, false},
	{"-07:00:00", STD_NUM_COLON_SECONDS_TZ, false}, {"-0700", STD_NUM_TZ, false},
	{"-07:00", STD_NUM_COLON_TZ, false}, {"-07", STD_NUM_SHORT_TZ, false}, {"Z070000", STD_ISO_SECONDS_TZ, false},
	{"Z07:00:00", STD_ISO_COLON_SECONDS_TZ, false}, {"Z0700", STD_ISO_TZ, false},
	{"Z07:00", STD_ISO_COLON_TZ, false}, {"Z07", STD_ISO_SHORT_TZ, false},
};

static bool fraction(struct slice l, size_t i, struct layout_chunk *c)
{
	size_t j = i + 1;

	if ((l.p[i] != '.' && l.p[i] != ',') || j >= l.n || (l.p[j] != '0' && l.p[j] != '9'))
		return false;
	while (j < l.n && l.p[j] == l.p[i + 1])
		j++;
	if (digit_at(l, j))
		return false;
	c->std = l.p[i + 1] == '0' ? STD_FRAC0 : STD_FRAC9;
	c->digits = (int)MIN_OF(j - i - 1, (size_t)0xfff);
	c->sep = (char)l.p[i];
	c->text = slice_sub(l, i, j - i);
	return true;
}

struct layout_chunk gotime_chunk(struct slice l)
{
	struct layout_chunk c = {.prefix = l, .rest = slice_sub(l, l.n, 0), .text = slice_sub(l, l.n, 0)};

	for (size_t i = 0; i < l.n; i++) {
		size_t from = i;

		if (at(l, i, "_2006"))	/* a plain _ and the year */
			from = i + 1;
		for (size_t e = 0; e < COUNT_OF(elements) && !c.std; e++) {
			size_t n = strlen(elements[e].text);

			if (!at(l, from, elements[e].text))
				continue;
			if (elements[e].whole_word && from + n < l.n && l.p[from + n] >= 'a' && l.p[from + n] <= 'z')
				continue;
			c.std = elements[e].std;
			c.text = slice_sub(l, from, n);
		}
		if (c.std || fraction(l, i, &c)) {
			c.prefix = slice_sub(l, 0, from);
			c.rest = slice_sub(l, from + c.text.n, l.n);
			return c;
		}
	}
	return c;
}

static void put_int(struct buf *b, int64_t v, int width)
{
	if (v < 0) {
		buf_putc(b, '-');
		v = -v;
	}
	buf_printf(b, "%0*lld", width, (long long)v);
}

static void put_zone(struct buf *b, enum layout_std std, int32_t offset)
{
	bool iso = std >= STD_ISO_TZ && std <= STD_ISO_COLON_SECONDS_TZ;
	bool colon = std == STD_ISO_COLON_TZ || std == STD_NUM_COLON_TZ || std == STD_ISO_COLON_SECONDS_TZ ||
		     std == STD_NUM_COLON_SECONDS_TZ;
	bool seconds = std == STD_ISO_SECONDS_TZ || std == STD_NUM_SECONDS_TZ || std == STD_ISO_COLON_SECONDS_TZ ||
		       std == STD_NUM_COLON_SECONDS_TZ;
	int zone = offset / 60;

	if (iso && offset == 0) {
		buf_putc(b, 'Z');
		return;
	}
	buf_putc(b, zone < 0 ? '-' : '+');
	if (zone < 0) {
		zone = -zone;
		offset = -offset;
	}
	put_int(b, zone / 60, 2);
	if (std == STD_NUM_SHORT_TZ || std == STD_ISO_SHORT_TZ)
		return;
	if (colon)
		buf_putc(b, ':');
	put_int(b, zone % 60, 2);
	if (seconds) {
		if (colon)
			buf_putc(b, ':');
		put_int(b, offset % 60, 2);
	}
}

static void put_fraction(struct buf *b, const struct layout_chunk *c, int32_t nsec)
{
	int n = c->digits;
	char d[16];

	if (c->std == STD_FRAC9 && nsec == 0)
		return;
	snprintf(d, sizeof(d), "%09d", nsec);
	n = MIN_OF(n, 9);
	if (c->std == STD_FRAC9) {
		while (n > 0 && d[n - 1] == '0')
			n--;
		if (n == 0)
			return;
	}
	buf_putc(b, c->sep);
	buf_put(b, d, (size_t)n);
}

static void put_element(struct buf *b, const struct layout_chunk *c, const struct gotime *t, const struct civil *v)
{
	int hour12 = v->hour % 12 ? v->hour % 12 : 12;

	switch (c->std) {
	case STD_NONE:
		break;
	case STD_LONG_MONTH:
		buf_puts(b, gotime_months[v->month - 1]);
		break;
	case STD_MONTH:
		buf_put(b, gotime_months[v->month - 1], 3);
		break;
	case STD_NUM_MONTH:
	case STD_ZERO_MONTH:
		put_int(b, v->month, c->std == STD_NUM_MONTH ? 0 : 2);
		break;
	case STD_LONG_WEEKDAY:
		buf_puts(b, gotime_days[v->wday]);
		break;
	case STD_WEEKDAY:
		buf_put(b, gotime_days[v->wday], 3);
		break;
	case STD_DAY:
	case STD_ZERO_DAY:
		put_int(b, v->day, c->std == STD_DAY ? 0 : 2);
		break;
	case STD_UNDER_DAY:
		buf_printf(b, "%2d", v->day);
		break;
	case STD_UNDER_YDAY:
		buf_printf(b, "%3d", v->yday);
		break;
	case STD_ZERO_YDAY:
		put_int(b, v->yday, 3);
		break;
	case STD_HOUR:
		put_int(b, v->hour, 2);
		break;
	case STD_HOUR12:
	case STD_ZERO_HOUR12:
		put_int(b, hour12, c->std == STD_HOUR12 ? 0 : 2);
		break;
	case STD_MINUTE:
	case STD_ZERO_MINUTE:
		put_int(b, v->min, c->std == STD_MINUTE ? 0 : 2);
		break;
	case STD_SECOND:
	case STD_ZERO_SECOND:
		put_int(b, v->sec, c->std == STD_SECOND ? 0 : 2);
		break;
	case STD_LONG_YEAR:
		put_int(b, v->year, 4);
		break;
	case STD_YEAR:
		put_int(b, (v->year < 0 ? -v->year : v->year) % 100, 2);
		break;
	case STD_UPPER_PM:
		buf_puts(b, v->hour >= 12 ? "PM" : "AM");
		break;
	case STD_LOWER_PM:
		buf_puts(b, v->hour >= 12 ? "pm" : "am");
		break;
	case STD_TZ:
		if (*t->abbrev)
			buf_puts(b, t->abbrev);
		else
			put_zone(b, STD_NUM_TZ, t->offset);
		break;
	case STD_ISO_TZ:
	case STD_ISO_SECONDS_TZ:
	case STD_ISO_SHORT_TZ:
	case STD_ISO_COLON_TZ:
	case STD_ISO_COLON_SECONDS_TZ:
	case STD_NUM_TZ:
	case STD_NUM_SECONDS_TZ:
	case STD_NUM_SHORT_TZ:
	case STD_NUM_COLON_TZ:
	case STD_NUM_COLON_SECONDS_TZ:
		put_zone(b, c->std, t->offset);
		break;
	case STD_FRAC0:
	case STD_FRAC9:
		put_fraction(b, c, t->nsec);
		break;
	}
}

void gotime_format(struct buf *b, const struct gotime *t, struct slice layout)
{
	struct civil v = gotime_civil(t);

	for (;;) {
		struct layout_chunk c = gotime_chunk(layout);

		buf_slice(b, c.prefix);
		if (c.std == STD_NONE)
			return;
		put_element(b, &c, t, &v);
		layout = c.rest;
	}
}

void gotime_quote(struct buf *b, struct slice s)
{
	buf_putc(b, '"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] >= 0x80 || s.p[i] < ' ') {
			buf_printf(b, "\\x%02x", s.p[i]);
			continue;
		}
		if (s.p[i] == '"' || s.p[i] == '\\')
			buf_putc(b, '\\');
		buf_putc(b, (char)s.p[i]);
	}
	buf_putc(b, '"');
}
