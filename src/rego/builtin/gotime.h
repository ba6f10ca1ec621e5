/* gotime.h - dates, clocks, layouts and durations as Go's time package has them: "2006-01-02T15:04:05Z07:00".
 *
 * Proleptic Gregorian calendar, no leap seconds, no locale, no zone of the machine: "Local" is UTC here, so that the
 * same policy gives the same answer everywhere.
 */
#pragma once
#include "base/buf.h"
#include "base/why.h"

struct zone;	/* tzif.h */

/* An instant as seen in a zone. */
struct gotime {
	int64_t sec;		/* since 1970, UTC */
	int32_t nsec;		/* 0 to 999,999,999 */
	int32_t offset;		/* seconds east */
	const char *abbrev;	/* "UTC", "CEST"; "" when the zone has no name */
};

struct civil {
	int64_t year;
	int month, day;		/* from 1 */
	int hour, min, sec;
	int yday, wday;		/* from 1; Sunday is 0 */
};

extern const char *const gotime_months[12], *const gotime_days[7];

int64_t gotime_days_from_civil(int64_t y, int m, int d);
int gotime_days_in(int64_t y, int m);
/* Any instant within about 290,000 million years. */
struct civil gotime_civil(const struct gotime *t);
struct gotime gotime_at(int64_t ns, const struct zone *zone);
/* Calendar arithmetic; 31 January plus a month is 3 March. In the zone of t. */
struct gotime gotime_add_date(const struct gotime *t, int64_t years, int64_t months, int64_t days,
			      const struct zone *zone);
/* Nanoseconds since 1970; false outside the years 1677 to 2262. */
bool gotime_ns(const struct gotime *t, int64_t *ns);

/* "RFC3339" and the other names of constants become their layouts; anything else is a layout already. */
struct slice gotime_layout(struct slice name);
void gotime_format(struct buf *b, const struct gotime *t, struct slice layout);
/* The instant, in UTC. E_MALFORMED time.syntax, with Go's text. */
RC gotime_parse(struct slice layout, struct slice value, struct gotime *out, struct why *w);

/* "1h15m30.918s", and d, w, y (24 h, 7 d, 365 d). E_MALFORMED time.duration. */
RC gotime_duration(struct slice s, int64_t *ns, struct why *w);

/* Go's quoting of texts in time errors. */
void gotime_quote(struct buf *b, struct slice s);

/* ---- private to gotime*.c: the pieces of a layout ---- */

enum layout_std {
	STD_NONE,
	STD_LONG_MONTH, STD_MONTH, STD_NUM_MONTH, STD_ZERO_MONTH, STD_LONG_WEEKDAY, STD_WEEKDAY, STD_DAY, STD_UNDER_DAY,
	STD_ZERO_DAY, STD_UNDER_YDAY, STD_ZERO_YDAY, STD_HOUR, STD_HOUR12, STD_ZERO_HOUR12, STD_MINUTE, STD_ZERO_MINUTE,
	STD_SECOND, STD_ZERO_SECOND, STD_LONG_YEAR, STD_YEAR, STD_UPPER_PM, STD_LOWER_PM, STD_TZ, STD_ISO_TZ, STD_ISO_SECONDS_TZ,
	STD_ISO_SHORT_TZ, STD_ISO_COLON_TZ, STD_ISO_COLON_SECONDS_TZ, STD_NUM_TZ, STD_NUM_SECONDS_TZ, STD_NUM_SHORT_TZ,
	STD_NUM_COLON_TZ, STD_NUM_COLON_SECONDS_TZ, STD_FRAC0, STD_FRAC9,
};

struct layout_chunk {
	struct slice prefix, text, rest;	/* before the element, the element, behind it */
	enum layout_std std;
	int digits;	/* STD_FRAC0, STD_FRAC9 */
	char sep;	/* '.' or ',' */
};

struct layout_chunk gotime_chunk(struct slice layout);
