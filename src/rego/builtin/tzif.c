#include "rego/builtin/tzif.h"

#include "base/cur.h"
#include "base/num.h"
#include "rego/builtin/gotime.h"

#define ABBREV_MAX 16

struct zone_type {
	int32_t offset;
	bool dst;
	char abbrev[ABBREV_MAX];
};

/* When a year's change happens: M month.week.day, J day without leap day, or plain day; seconds after midnight. */
struct zone_rule {
	enum { RULE_MONTH, RULE_JULIAN, RULE_DAY } kind;
	int month, week, day;
	int32_t time;
};

struct zone {
	size_t n_times, n_types;
	int64_t *times;
	uint8_t *index;		/* type from times[i] on */
	struct zone_type *types;
	bool has_rule, has_dst;	/* the footer */
	struct zone_type std, dst;
	struct zone_rule to_dst, to_std;
};

/* ---- the footer: "CET-1CEST,M3.5.0,M10.5.0/3" ---- */

struct text {
	struct slice s;
	size_t at;
};

static bool more(const struct text *t)
{
	return t->at < t->s.n;
}

static bool eat(struct text *t, char c)
{
	if (!more(t) || t->s.p[t->at] != (uint8_t)c)
		return false;
	t->at++;
	return true;
}

static bool number(struct text *t, int max, int *out)
{
	size_t from = t->at;
	int n = 0;

	while (more(t) && t->s.p[t->at] >= '0' && t->s.p[t->at] <= '9' && n <= max)
		n = n * 10 + t->s.p[t->at++] - '0';
	*out = n;
	return t->at > from && n <= max;
}

static bool tz_name(struct text *t, char *out)
{
	size_t n = 0;
	bool quoted = eat(t, '<');

	while (more(t)) {
		uint8_t c = t->s.p[t->at];

		if (quoted ? c == '>' : !((c | 32) >= 'a' && (c | 32) <= 'z'))
			break;
		if (n + 1 >= ABBREV_MAX)
			return false;
		out[n++] = (char)c;
		t->at++;
	}
	out[n] = 0;
	return n >= 3 && (!quoted || eat(t, '>'));
}

/* [+-]hh[:mm[:ss]] in seconds. */
static bool clock_time(struct text *t, int max_hours, int32_t *out)
{
	int h, m = 0, s = 0;
	bool neg = eat(t, '-');

	if (!neg)
		eat(t, '+');
	if (!number(t, max_hours, &h))
		return false;
	if (eat(t, ':') && !number(t, 59, &m))
		return false;
	if (m >= 0 && eat(t, ':') && !number(t, 59, &s))
		return false;
	*out = (h * 60 + m) * 60 + s;
	if (neg)
		*out = -*out;
	return true;
}

static bool rule(struct text *t, struct zone_rule *r)
{
	if (!eat(t, ','))
		return false;
	if (eat(t, 'M')) {
		r->kind = RULE_MONTH;
		if (!number(t, 12, &r->month) || !eat(t, '.') || !number(t, 5, &r->week) || !eat(t, '.') ||
		    !number(t, 6, &r->day) || r->month < 1 || r->week < 1)
			return false;
	} else {
		r->kind = eat(t, 'J') ? RULE_JULIAN : RULE_DAY;
		if (!number(t, 365, &r->day) || (r->kind == RULE_JULIAN && r->day < 1))
			return false;
	}
	r->time = 2 * 3600;
	return !eat(t, '/') || clock_time(t, 24 * 7, &r->time);
}

static bool footer(struct zone *z, struct slice s)
{
	struct text t = {.s = s};

	if (!tz_name(&t, z->std.abbrev) || !clock_time(&t, 24, &z->std.offset))
		return false;
	z->std.offset = -z->std.offset;	/* POSIX counts west */
	z->has_rule = true;
	if (!more(&t))
		return true;
	if (!tz_name(&t, z->dst.abbrev))
		return false;
	z->dst.offset = z->std.offset + 3600;
	z->dst.dst = true;
	if (more(&t) && t.s.p[t.at] != ',') {
		if (!clock_time(&t, 24, &z->dst.offset))
			return false;
		z->dst.offset = -z->dst.offset;
	}
	z->has_dst = true;
	return rule(&t, &z->to_dst) && rule(&t, &z->to_std) && !more(&t);
}

/* Seconds of local clock time since 1970 at which the rule fires in the year. */
static int64_t rule_at(const struct zone_rule *r, int64_t year)
{
	int64_t first = gotime_days_from_civil(year, 1, 1), day = 0;

	if (r->kind == RULE_DAY) {
		day = first + r->day;
	} else if (r->kind == RULE_JULIAN) {
		day = first + r->day - 1 + (r->day >= 60 && gotime_days_in(year, 2) == 29);
	} else {
		int64_t start = gotime_days_from_civil(year, r->month, 1);
		int wday = (int)(((start + 4) % 7 + 7) % 7), d = (r->day - wday + 7) % 7 + 7 * (r->week - 1);

		while (d >= gotime_days_in(year, r->month))
			d -= 7;
		day = start + d;
	}
	return day * 86400 + r->time;
}

static const struct zone_type *by_rule(const struct zone *z, int64_t t)
{
	struct gotime at = {.sec = t, .offset = z->std.offset, .abbrev = ""};
	int64_t year, from, to;
	bool dst;

	if (!z->has_dst)
		return &z->std;
	year = gotime_civil(&at).year;
	from = rule_at(&z->to_dst, year) - z->std.offset;
	to = rule_at(&z->to_std, year) - z->dst.offset;
	dst = from < to ? t >= from && t < to : !(t >= to && t < from);
	return dst ? &z->dst : &z->std;
}

void zone_lookup(const struct zone *z, int64_t t, int32_t *offset, const char **abbrev)
{
	const struct zone_type *type;
	size_t lo = 0, hi = z->n_times;

	while (lo < hi) {	/* how many changes are not after t */
		size_t mid = (lo + hi) / 2;

		if (z->times[mid] <= t)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == z->n_times && z->has_rule) {
		type = by_rule(z, t);
	} else if (lo) {
		type = &z->types[z->index[lo - 1]];
	} else {	/* before the first change: the first type that is not summer time */
		type = &z->types[0];
		for (size_t i = 0; i < z->n_types && type->dst; i++)
			if (!z->types[i].dst)
				type = &z->types[i];
	}
	*offset = type->offset;
	*abbrev = type->abbrev;
}

/* ---- the file ---- */

struct head {
	uint8_t version;
	uint32_t isutc, isstd, leap, times, types, chars;
};

static RC read_head(struct cur *c, struct head *h, struct why *w)
{
	struct slice magic = cur_take(c, 4);

	h->version = cur_u8(c);
	cur_take(c, 15);
	h->isutc = cur_be32(c);
	h->isstd = cur_be32(c);
	h->leap = cur_be32(c);
	h->times = cur_be32(c);
	h->types = cur_be32(c);
	h->chars = cur_be32(c);
	if (!slice_is(magic, "TZif") || c->m->bad)
		return deny(w, E_MALFORMED, "zone.malformed", "no TZif header");
	if (h->times > ZONE_MAX_TIMES || h->types > 256 || h->types == 0 || h->chars > 4096 || h->leap > 256 ||
	    h->isutc > 256 || h->isstd > 256)
		return deny(w, E_LIMIT, "zone.size", "time zone with %u changes and %u types", h->times, h->types);
	return rc_of(OK);
}

static RC read_types(struct cur *c, const struct head *h, struct zone *z, struct why *w)
{
	struct slice types = cur_take(c, 6 * (size_t)h->types), chars = cur_take(c, h->chars);
	struct msg m;
	struct cur t = cur_open(&m, types);

	for (uint32_t i = 0; i < h->types && !c->m->bad; i++) {
		struct slice name;
		size_t n;

		z->types[i].offset = (int32_t)cur_be32(&t);
		z->types[i].dst = cur_u8(&t) != 0;
		name = slice_sub(chars, cur_u8(&t), ABBREV_MAX - 1);
		for (n = 0; n < name.n && name.p[n]; n++)
			z->types[i].abbrev[n] = (char)name.p[n];
		if (z->types[i].offset < -25 * 3600 || z->types[i].offset > 26 * 3600)	/* RFC 9636 section 3.2 */
			return deny(w, E_MALFORMED, "zone.malformed", "offset of %d s", z->types[i].offset);
	}
	return rc_of(OK);
}

RC zone_parse(struct arena *a, struct slice in, struct zone **out, struct why *w)
{
	struct zone *z = ARENA_NEW(a, struct zone);
	struct slice index, line;
	struct head h;
	struct msg m;
	struct cur c = cur_open(&m, in);

	if (in.n > ZONE_MAX_BYTES)
		return deny(w, E_LIMIT, "zone.size", "time zone of %zu bytes, %zu at most", in.n, ZONE_MAX_BYTES);
	TRY(read_head(&c, &h, w));
	if (h.version < '2')
		return deny(w, E_MALFORMED, "zone.malformed", "time zone data of version 1");
	/* the first block, with 32-bit times, is for old readers */
	cur_take(&c, (size_t)h.times * 5 + (size_t)h.types * 6 + h.chars + (size_t)h.leap * 8 + h.isstd + h.isutc);
	TRY(read_head(&c, &h, w));
	if (z) {
		z->n_times = h.times;
		z->n_types = h.types;
		z->times = arena_array(a, h.times + 1, int64_t);
		z->index = arena_array(a, h.times + 1, uint8_t);
		z->types = arena_array(a, h.types, struct zone_type);
	}
	if (!z || !z->times || !z->index || !z->types)
		return deny(w, E_INTERNAL, "zone.memory", "no memory for a time zone");
	for (uint32_t i = 0; i < h.times && cur_more(&c); i++)
		z->times[i] = (int64_t)cur_be64(&c);
	index = cur_take(&c, h.times);
	TRY(read_types(&c, &h, z, w));
	cur_take(&c, (size_t)h.leap * 12 + h.isstd + h.isutc);
	line = cur_rest(&c);
	TRY(cur_end(&c, w, "zone.malformed", "time zone"));
	for (uint32_t i = 0; i < h.times; i++) {
		if (index.p[i] >= h.types || (i && z->times[i] <= z->times[i - 1]))
			return deny(w, E_MALFORMED, "zone.malformed", "change %u is out of order or of no type", i);
		z->index[i] = index.p[i];
	}
	if (line.n < 2 || line.p[0] != '\n' || line.p[line.n - 1] != '\n')
		return deny(w, E_MALFORMED, "zone.malformed", "no footer");
	line = slice_sub(line, 1, line.n - 2);
	if (line.n && !footer(z, line))
		return deny(w, E_MALFORMED, "zone.malformed", "footer \"" SLICE_FMT "\"", SLICE_ARG(line));
	*out = z;
	return rc_of(OK);
}

bool zone_name_ok(struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if (!((c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '/' || c == '_' || c == '-' ||
		      c == '+'))
			return false;
		if (c == '/' && (i == 0 || i + 1 == s.n || s.p[i - 1] == '/'))
			return false;
	}
	return s.n > 0 && s.n < 64;
}
