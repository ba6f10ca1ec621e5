/* time.c - instants as nanoseconds since 1970.
 *
 * A named zone is asked of the host; "Local" is UTC.
 */
#include <math.h>

#include "base/num.h"
#include "rego/builtin/gotime.h"
#include "rego/builtin/lib.h"
#include "rego/builtin/tzif.h"

#define EITHER "either number (ns) or [number (ns), string (tz)]"

static RC read_zone(struct rego_call *c, struct rv name, struct arena *a, struct zone **out)
{
	struct why w = why_in(a);
	struct slice data;
	rc r;

	if (!zone_name_ok(rv_slice(name)))
		return rego_fail(c, "time: invalid location name");
	r = rego_zone_bytes(c, name.str->p, &data);
	if (r.code == E_LIMIT)
		return lib_no_memory(c);
	if (!rc_ok(r) || !rc_ok(zone_parse(a, data, out, &w)))
		return rego_fail(c, "unknown time zone %s", name.str->p);
	return rc_of(OK);
}

static void nothing(void *zone)
{
	(void)zone;	/* it lives in the arena of the evaluation */
}

/* NULL: UTC. */
static RC zone_of(struct rego_call *c, struct rv name, const struct zone **out)
{
	struct zone *z;

	*out = NULL;
	if (name.str->n == 0 || rv_is_str(name, "UTC") || rv_is_str(name, "Local"))
		return rc_of(OK);
	z = rego_object_get(c, "zone", name);
	if (!z) {
		TRY(rego_charge(c, 500));
		TRY(read_zone(c, name, c->heap->arena, &z));
		rego_object_put(c, "zone", name, z, nothing);
	}
	*out = z;
	return rc_of(OK);
}

/* ns, or [ns, zone], or [ns, zone, layout] as operand i (from 0). */
static RC time_arg(struct rego_call *c, struct rv v, struct gotime *t, const struct zone **zone, struct slice *layout)
{
	struct rv num = v;
	int64_t ns;
	long double f;

	*zone = NULL;
	*layout = (struct slice){0};
	if (v.kind == RV_ARRAY && rv_len(v) > 0) {
		num = rv_at(v, 0);
		if (num.kind != RV_NUMBER)
			return rego_operand_error(c, 1, "number", num);
		if (rv_len(v) > 1) {
			if (rv_at(v, 1).kind != RV_STRING)
				return rego_operand_error(c, 1, "string", rv_at(v, 1));
			TRY(zone_of(c, rv_at(v, 1), zone));
		}
		if (rv_len(v) > 2) {
			if (rv_at(v, 2).kind != RV_STRING)
				return rego_operand_error(c, 1, "string", rv_at(v, 2));
			*layout = rv_slice(rv_at(v, 2));
		}
	} else if (v.kind != RV_NUMBER) {
		return rego_operand_error(c, 1, EITHER, v);
	}
	f = rv_ld(num);
	if (f != truncl(f) || f < -0x1p63L || f >= 0x1p63L)
		return rego_fail(c, "timestamp too big");
	ns = (int64_t)f;
	*t = gotime_at(ns, *zone);
	return rc_of(OK);
}

static RC give_ns(struct rego_call *c, const struct gotime *t, struct rv *out)
{
	int64_t ns;

	if (!gotime_ns(t, &ns))
		return rego_fail(c, "time outside of valid range");
	*out = rv_int(ns);
	return rc_of(OK);
}

static RC ints(struct rego_call *c, const int64_t *v, size_t n, struct rv *out)
{
	struct rv items[8];

	for (size_t i = 0; i < n; i++)
		items[i] = rv_int(v[i]);
	return lib_return(c, rv_array(c->heap, items, n), out);
}

static rc now_ns(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	(void)args;
	(void)n;
	*out = rv_int(rego_now_ns(c));
	return rc_of(OK);
}

static RC parse(struct rego_call *c, struct slice layout, struct slice value, struct rv *out)
{
	struct why w = why_in(c->heap->arena);
	struct gotime t;
	rc r;

	TRY(rego_charge(c, (layout.n + value.n) / 8));
	r = gotime_parse(layout, value, &t, &w);
	if (!rc_ok(r))
		return lib_refused(c, r, &w);
	return give_ns(c, &t, out);
}

static rc parse_ns(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	(void)n;
	ARG_STRING(c, args, 0);
	ARG_STRING(c, args, 1);
	return parse(c, gotime_layout(rv_slice(args[0])), rv_slice(args[1]), out);
}

static rc parse_rfc3339_ns(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	(void)n;
	ARG_STRING(c, args, 0);
	return parse(c, gotime_layout(SLICE_LIT("RFC3339")), rv_slice(args[0]), out);
}

static rc parse_duration_ns(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct why w = why_in(c->heap->arena);
	int64_t ns;
	rc r;

	(void)n;
	ARG_STRING(c, args, 0);
	TRY(rego_charge(c, args[0].str->n / 8));
	r = gotime_duration(rv_slice(args[0]), &ns, &w);
	if (!rc_ok(r))
		return lib_refused(c, r, &w);
	*out = rv_int(ns);
	return rc_of(OK);
}

static rc format(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct buf b = lib_buf(c);
	const struct zone *zone;
	struct slice layout;
	struct gotime t;

	(void)n;
	TRY(time_arg(c, args[0], &t, &zone, &layout));
	TRY(rego_charge(c, layout.n / 8));
	gotime_format(&b, &t, gotime_layout(layout.n ? layout : SLICE_LIT("RFC3339Nano")));
	return lib_buffer(c, &b, out);
}

static RC civil_of(struct rego_call *c, struct rv v, struct civil *out)
{
	const struct zone *zone;
	struct slice layout;
	struct gotime t;

	TRY(time_arg(c, v, &t, &zone, &layout));
	*out = gotime_civil(&t);
	return rc_of(OK);
}

static rc date(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct civil v;

	(void)n;
	TRY(civil_of(c, args[0], &v));
	return ints(c, (const int64_t[]){v.year, v.month, v.day}, 3, out);
}

static rc clock_(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct civil v;

	(void)n;
	TRY(civil_of(c, args[0], &v));
	return ints(c, (const int64_t[]){v.hour, v.min, v.sec}, 3, out);
}

static rc weekday(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct civil v;

	(void)n;
	TRY(civil_of(c, args[0], &v));
	return lib_return(c, rv_cstr(c->heap, gotime_days[v.wday]), out);
}

static rc add_date(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	int64_t years, months, days;
	const struct zone *zone;
	struct slice layout;
	struct gotime t;

	(void)n;
	TRY(time_arg(c, args[0], &t, &zone, &layout));
	TRY(lib_int(c, args, 1, &years));
	TRY(lib_int(c, args, 2, &months));
	TRY(lib_int(c, args, 3, &days));
	t = gotime_add_date(&t, years, months, days, zone);
	return give_ns(c, &t, out);
}

static rc diff(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	const struct zone *zone, *other;
	struct civil a, b;
	struct slice layout;
	struct gotime t, u;
	int64_t d[6], ns;

	(void)n;
	TRY(time_arg(c, args[0], &t, &zone, &layout));
	TRY(time_arg(c, args[1], &u, &other, &layout));
	if (gotime_ns(&u, &ns))	/* both on the clock of the first */
		u = gotime_at(ns, zone);
	if (t.sec > u.sec || (t.sec == u.sec && t.nsec > u.nsec)) {
		struct gotime swap = t;

		t = u;
		u = swap;
	}
	a = gotime_civil(&t);
	b = gotime_civil(&u);
	d[0] = b.year - a.year;
	d[1] = b.month - a.month;
	d[2] = b.day - a.day;
	d[3] = b.hour - a.hour;
	d[4] = b.min - a.min;
	d[5] = b.sec - a.sec;
	/* borrow from the next larger unit */
	if (d[5] < 0)
		d[5] += 60, d[4]--;
	if (d[4] < 0)
		d[4] += 60, d[3]--;
	if (d[3] < 0)
		d[3] += 24, d[2]--;
	if (d[2] < 0)
		d[2] += gotime_days_in(a.year, a.month), d[1]--;
	if (d[1] < 0)
		d[1] += 12, d[0]--;
	return ints(c, d, 6, out);
}

#define WHEN "number | array<number, string>"

const struct rego_builtin builtin_time[] = {
	{"time.now_ns", "-> number", now_ns, 0, REGO_NONDET, 1},
	{"time.parse_ns", "string, string -> number", parse_ns, 2, 0, 2},
	{"time.parse_rfc3339_ns", "string -> number", parse_rfc3339_ns, 1, 0, 2},
	{"time.parse_duration_ns", "string -> number", parse_duration_ns, 1, 0, 2},
	{"time.format", WHEN " | array<number, string, string> -> string", format, 1, 0, 2},
	{"time.date", WHEN " -> array<number, number, number>", date, 1, 0, 2},
	{"time.clock", WHEN " -> array<number, number, number>", clock_, 1, 0, 2},
	{"time.weekday", WHEN " -> string", weekday, 1, 0, 2},
	{"time.add_date", "number, number, number, number -> number", add_date, 4, 0, 2},
	{"time.diff", WHEN ", " WHEN " -> array<number, number, number, number, number, number>", diff, 2, 0, 2},
	{0},
};
