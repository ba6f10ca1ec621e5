#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "base/num.h"
#include "base/sys.h"
#include "rego/builtin/decfloat.h"
#include "rego/builtin/glob.h"
#include "rego/builtin/globs.h"
#include "rego/builtin/gofmt.h"
#include "rego/builtin/gotime.h"
#include "rego/builtin/ip.h"
#include "rego/builtin/regex.h"
#include "rego/builtin/semver.h"
#include "rego/builtin/simple.h"
#include "rego/builtin/tzif.h"
#include "rego/builtin/unicode.h"
#include "rego/builtin/units.h"
#include "rego/builtin/uri.h"

static struct arena *arena;

static int setup(void **state)
{
	(void)state;
	arena = arena_new(0);
	return arena ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	arena = arena_free(arena);
	return 0;
}

#define assert_text(b, want) assert_string_equal(buf_cstr(&(b)), want)

static struct gofmt_arg arg_s(const char *s)
{
	return (struct gofmt_arg){.kind = GOFMT_STRING, .s = slice_cstr(s)};
}

static struct gofmt_arg arg_i(int64_t i)
{
	return (struct gofmt_arg){.kind = GOFMT_INT, .i = i};
}

static struct gofmt_arg arg_f(double f)
{
	return (struct gofmt_arg){.kind = GOFMT_FLOAT, .f = f};
}

static void formats_print_what_go_prints(void **state)
{
	const struct {
		const char *fmt, *want;
		struct gofmt_arg a;
	} rows[] = {
		{"%d", "42", arg_i(42)},
		{"%5d|", "   42|", arg_i(42)},
		{"%-5d|", "42   |", arg_i(42)},
		{"%05d", "-0042", arg_i(-42)},
		{"%+.3d", "+042", arg_i(42)},
		{"%x %[1]X %#[1]x", "2a 2A 0x2a", arg_i(42)},
		{"%o %O %b", "52 %!O(MISSING) %!b(MISSING)", arg_i(42)},
		{"%c%[1]q%[1]U", "A'A'U+0041", arg_i(65)},
		{"%d", "%!d(string=x)", arg_s("x")},
		{"%z", "%!z(int64=1)", arg_i(1)},
		{"%", "%!(NOVERB)%!(EXTRA int64=1)", arg_i(1)},
		{"%[5]d", "%!d(BADINDEX)", arg_i(1)},
		{"%*d", "%!(BADWIDTH)%!d(MISSING)", arg_s("w")},
		{"%.20000001d", "%!(NOVERB)%!(EXTRA int64=1)", arg_i(1)},
		{"none", "none%!(EXTRA string=x)", arg_s("x")},
		{"%q %[1]x % [1]x", "\"h\xc3\xa9\\n\" 68c3a90a 68 c3 a9 0a", arg_s("h\xc3\xa9\n")},
		{"%8.2s|", "      h\xc3\xa9|", arg_s("h\xc3\xa9llo")},
		{"%+q", "\"\\u00e9\"", arg_s("\xc3\xa9")},
		{"%v", "1e+06", arg_f(1e6)},
		{"%v", "0.1", arg_f(0.1)},
		{"%.3f %[1]e %[1]g", "3.142 3.141593e+00 3.14159265", arg_f(3.14159265)},
		{"%08.3f", "-003.142", arg_f(-3.14159265)},
		{"%#g", "1.00000", arg_f(1)},
		{"%x", "0x1.8p+01", arg_f(3)},
		{"%T", "float64", arg_f(3)},
		{"%t", "%!t(int64=1)", arg_i(1)},
		{"%%|%v", "%|1", arg_i(1)},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct buf b = buf_in(arena, 0);

		gofmt(&b, slice_cstr(rows[i].fmt), &rows[i].a, 1);
		assert_text(b, rows[i].want);
	}
}

static void a_big_integer_is_formatted_in_full(void **state)
{
	struct buf b = buf_in(arena, 0);
	struct gofmt_arg a = {.kind = GOFMT_BIG};
	mpz_t z;

	(void)state;
	mpz_init_set_str(z, "-340282366920938463463374607431768211456", 10);
	a.big = z;
	gofmt(&b, SLICE_LIT("%d|%x|%50s|%f"), (const struct gofmt_arg[]){a, a, a, a}, 4);
	assert_text(b, "-340282366920938463463374607431768211456|-100000000000000000000000000000000|"
		       "          -340282366920938463463374607431768211456|"
		       "%!f(big.Int=-340282366920938463463374607431768211456)");
	mpz_clear(z);
}

static void a_format_stops_at_the_limit_of_its_buffer(void **state)
{
	struct buf b = buf_in(arena, 1000);
	struct gofmt_arg a = arg_i(1);

	(void)state;
	gofmt(&b, SLICE_LIT("%1000000d"), &a, 1);
	assert_false(buf_ok(&b));
}

static void doubles_survive_their_shortest_text(void **state)
{
	const double rows[] = {0.1, 1.0 / 3, 5e-324, 1.7976931348623157e308, 123456789012345680.0, 2.2250738585072014e-308,
			       9007199254740993.0, 1e23, 0.3, 4503599627370496.5};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct buf b = buf_in(arena, 0);
		double back = 0;

		gofmt_float(&b, rows[i], 'e', -1);
		assert_true(decfloat_parse(buf_view(&b), &back));
		assert_true(back == rows[i]);
		assert_true(b.n <= 24);
	}
}

static void decimals_are_read_to_the_nearest_double(void **state)
{
	const struct {
		const char *text;
		double want;
	} rows[] = {
		{"9007199254740993", 9007199254740992.0},	/* half-way: to even */
		{"9007199254740993.0000000000000000000000000000001", 9007199254740994.0},
		{"2.4703282292062328e-324", 5e-324},
		{"2.4703282292062327e-324", 0},
		{"1e400", HUGE_VAL},
		{"-1e400", -HUGE_VAL},
		{"1e-400", 0},
		{"0.000001e6", 1},
	};
	double d = 7;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		assert_true(decfloat_parse(slice_cstr(rows[i].text), &d));
		assert_true(d == rows[i].want);
	}
	assert_false(decfloat_parse(SLICE_LIT("1x"), &d));
	assert_false(decfloat_parse(SLICE_LIT("."), &d));
	assert_false(decfloat_parse(SLICE_LIT("1e"), &d));
}

static void case_and_classes_follow_unicode_and_no_locale(void **state)
{
	(void)state;
	assert_int_equal(uni_upper('a'), 'A');
	assert_int_equal(uni_upper(0xe9), 0xc9);
	assert_int_equal(uni_upper(0xdf), 0xdf);
	assert_int_equal(uni_lower(0x130), 'i');
	assert_int_equal(uni_lower(0x10400), 0x10428);
	assert_int_equal(uni_upper(0x1c6), 0x1c4);
	assert_true(uni_space(0x3000) && uni_space('\v') && !uni_space(0x200b));
	assert_true(uni_printable(0xe9) && !uni_printable(0x200b) && !uni_printable(0xa0));
	assert_int_equal(uni_count(SLICE_LIT("a\xff\xc3\xa9\xc3")), 4);
}

static bool glob_says(const char *pattern, const char *seps, const char *text)
{
	struct why w = why_in(arena);
	int32_t sep[8];
	struct glob *g;
	size_t n = 0;
	bool yes = false;
	rc r;

	for (; seps[n]; n++)
		sep[n] = seps[n];
	r = glob_compile(arena, slice_cstr(pattern), sep, n, &g, &w);
	assert_true(rc_ok(r));
	r = glob_match(g, slice_cstr(text), arena, &yes, &w);
	assert_true(rc_ok(r));
	return yes;
}

static void globs_match_whole_strings(void **state)
{
	const struct {
		const char *pattern, *seps, *text;
		bool want;
	} rows[] = {
		{"*.github.com", ".", "api.github.com", true},
		{"*.github.com", ".", "api.cdn.github.com", false},
		{"*hub.com", ".", "github.com", true},
		{"*hub.com", ".", "api.cdn.github.com", false},
		{"**.github.com", ".", "api.cdn.github.com", true},
		{"?at", "", "cat", true},
		{"?at", "", "at", false},
		{"?", ".", ".", false},
		{"[abc]at", "", "bat", true},
		{"[!abc]at", "", "bat", false},
		{"[a-c]at", "", "cat", true},
		{"[!a-c]at", "", "lat", true},
		{"{cat,bat,[fr]at}", "", "rat", true},
		{"{cat,bat,[fr]at}", "", "mat", false},
		{"{a,{b,c}d}e", "", "cde", true},
		{"{a,}b", "", "b", true},
		{"\\*", "", "*", true},
		{"\\*", "", "x", false},
		{"a*b*c*d*e*f*g*h*i*j*", "", "abcdefghij", true},
		{"", "", "", true},
		{"", "", "a", false},
		{"}", "", "}", true},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (glob_says(rows[i].pattern, rows[i].seps, rows[i].text) != rows[i].want)
			fail_msg("%s %s", rows[i].pattern, rows[i].text);
}

static void a_glob_is_refused_with_a_reason(void **state)
{
	const char *const rows[] = {"[", "[a", "[]", "[z-a]", "[a-", "[a-bc]", "\xff", "{a", "{a,{b,c}", "test\\"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct why w = why_in(arena);
		struct glob *g;
		rc r = glob_compile(arena, slice_cstr(rows[i]), NULL, 0, &g, &w);

		assert_int_equal(r.code, E_MALFORMED);
		assert_false(why_empty(&w));
	}
}

static void nested_stars_cost_no_more_than_the_product(void **state)
{
	struct buf p = buf_in(arena, 0), t = buf_in(arena, 0);

	(void)state;
	for (int i = 0; i < 200; i++)
		buf_puts(&p, "*a");
	buf_putc(&p, 'b');
	for (int i = 0; i < 2000; i++)
		buf_putc(&t, 'a');
	assert_false(glob_says(buf_cstr(&p), "", buf_cstr(&t)));
}

static void two_patterns_share_a_string_or_not(void **state)
{
	const struct {
		const char *a, *b;
		bool want;
	} rows[] = {
		{"a.a.[0-9]+z", ".b.b2359825792*594823z", true}, {"[a-z]+", "[0-9]*", false}, {"b.*", "bar", true},
		{"[a-z]+\\[[0-9]+\\]", "foo\\[1\\]", true}, {"[a-z]*", "[0-9]*", true}, {"", "a*", true}, {"a", "", false},
	};
	struct why w = why_in(arena);
	bool yes;
	rc r;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		r = globs_intersect(arena, slice_cstr(rows[i].a), slice_cstr(rows[i].b), &yes, &w);
		assert_true(rc_ok(r));
		if (yes != rows[i].want)
			fail_msg("%s %s", rows[i].a, rows[i].b);
	}
	r = globs_intersect(arena, SLICE_LIT("pqrs]"), SLICE_LIT("[a-b]+"), &yes, &w);
	assert_int_equal(r.code, E_MALFORMED);
	assert_string_equal(why_text(&w),
			    "input:pqrs], pos:5, set-close ']' with no preceding '[': the input provided is invalid");
}

static void versions_are_ordered_as_semver_says(void **state)
{
	static const char *const rising[] = {"0.0.1",	     "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta",
					     "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1",  "v1.0.0",		 "1.0.1",
					     "1.1.0",	     "2.0.0"};
	static const char *const bad[] = {"1", "1.2", "1.2.3.4", "01.2.3", "1.2.3-", "1.2.3+", "1.2.3-01", "1.2.3-a..b",
					  "1.2.x", "", "1.2.9223372036854775808"};
	struct semver a, b;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rising); i++) {
		for (size_t k = 0; k < COUNT_OF(rising); k++) {
			assert_true(semver_parse(slice_cstr(rising[i]), &a) && semver_parse(slice_cstr(rising[k]), &b));
			assert_int_equal(semver_compare(&a, &b), (i > k) - (i < k));
		}
	}
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(semver_parse(slice_cstr(bad[i]), &a));
}

static void amounts_are_exact(void **state)
{
	const struct {
		bool bytes;
		const char *text, *want;	/* NULL: refused */
	} rows[] = {
		{false, "10", "10"}, {false, "1.5Ki", "1536"}, {false, "100m", "0.1000000000"}, {false, "2M", "2000000"},
		{false, "1e3", "1000"}, {false, "0.00000000005", "0.0000000001"}, {false, "-1.5", "-1.5000000000"},
		{false, "1e", "1000000000000000000"}, {false, "1 Ki", NULL}, {false, "", NULL}, {false, "Ki", NULL},
		{false, "1xx", NULL}, {false, "1.2.3", NULL}, {false, "1e1000000", NULL}, {true, "1KiB", "1024"},
		{true, "\"1.5kb\"", "1500"}, {true, "12.9", "12"}, {true, "1e3", "1000"}, {true, "1e9999999", NULL},
		{true, "1m", "1000000"}, {true, "0.1kib", "102"}, {true, "18446744073709551617", "18446744073709551616"},
		{true, "1qb", "1000000000000000000000000000000"}, {true, "2YiB", "2417851639229258349412352"}, {true, "-1.5z", "-1500000000000000000000"},
		{true, "1xib", NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct why w = why_in(arena);
		struct slice out = {0};
		rc r = rows[i].bytes ? units_parse_bytes(arena, slice_cstr(rows[i].text), &out, &w)
				     : units_parse(arena, slice_cstr(rows[i].text), &out, &w);

		if (rc_ok(r) != (rows[i].want != NULL) || (rows[i].want && !slice_is(out, rows[i].want)))
			fail_msg("%s: %.*s", rows[i].text, SLICE_ARG(out));
	}
}

static void times_are_read_and_written_by_layout(void **state)
{
	const struct {
		const char *layout, *value;
		int64_t want;
	} rows[] = {
		{"RFC3339", "2017-10-05T00:00:00Z", 1507161600000000000},
		{"RFC3339", "2017-10-05T00:00:00.123+02:00", 1507154400123000000},
		{"ANSIC", "Thu Oct  5 00:00:00 2017", 1507161600000000000},
		{"2006-002", "2020-366", 1609372800000000000},
		{"Jan 2 3:04pm 06", "Feb 29 12:30am 68", 3097701000000000000},
	};
	int64_t ns;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct why w = why_in(arena);
		struct slice layout = gotime_layout(slice_cstr(rows[i].layout));
		struct buf b = buf_in(arena, 0);
		struct gotime t;
		rc r = gotime_parse(layout, slice_cstr(rows[i].value), &t, &w);

		assert_true(rc_ok(r));
		assert_true(gotime_ns(&t, &ns));
		assert_true(ns == rows[i].want);
		t = gotime_at(ns, NULL);
		gotime_format(&b, &t, layout);
		if (i != 1)	/* the zone of the text is not kept */
			assert_text(b, rows[i].value);
	}
}

static void a_wrong_time_is_refused_in_the_words_of_go(void **state)
{
	const struct {
		const char *layout, *value, *want;
	} rows[] = {
		{"RFC3339", "2017-13-05T00:00:00Z", "parsing time \"2017-13-05T00:00:00Z\": month out of range"},
		{"RFC3339", "2017-02-29T00:00:00Z", "parsing time \"2017-02-29T00:00:00Z\": day out of range"},
		{"RFC3339", "x", "parsing time \"x\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"x\" as \"2006\""},
		{"15:04", "10:30:00", "parsing time \"10:30:00\": extra text: \":00\""},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct why w = why_in(arena);
		struct gotime t;
		rc r = gotime_parse(gotime_layout(slice_cstr(rows[i].layout)), slice_cstr(rows[i].value), &t, &w);

		assert_int_equal(r.code, E_MALFORMED);
		assert_string_equal(why_text(&w), rows[i].want);
	}
}

static void durations_know_days_weeks_and_years(void **state)
{
	const struct {
		const char *text;
		int64_t want;	/* -1: refused */
	} rows[] = {
		{"1h15m30.5s", 4530500000000}, {"-2us", -2000}, {"1d", 86400000000000}, {"1w2d3h", 788400000000000},
		{"0.5y", 15768000000000000}, {"0", 0}, {"1dh", -1}, {"", -1}, {"5", -1}, {"1x", -1}, {"300y", -1},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct why w = why_in(arena);
		int64_t ns = -1;
		rc r = gotime_duration(slice_cstr(rows[i].text), &ns, &w);

		if (rc_ok(r) != (rows[i].want != -1) || ns != rows[i].want)
			fail_msg("%s: %lld", rows[i].text, (long long)ns);
	}
}

static void calendar_arithmetic_normalises(void **state)
{
	struct gotime t = gotime_at(1580428800000000000, NULL), u;	/* 2020-01-31 */
	struct buf b = buf_in(arena, 0);

	(void)state;
	u = gotime_add_date(&t, 0, 1, 0, NULL);
	gotime_format(&b, &u, SLICE_LIT("2006-01-02 "));
	u = gotime_add_date(&t, -1, -13, 400, NULL);
	gotime_format(&b, &u, SLICE_LIT("2006-01-02 "));
	u = gotime_add_date(&t, INT64_MAX, 0, 0, NULL);
	assert_text(b, "2020-03-02 2019-02-04 ");
	assert_false(gotime_ns(&u, &(int64_t){0}));
}

/* A zone of our own making: one change at 0 to +1 h "AAA", and European summer time from then on. */
static struct slice zone_file(const char *footer)
{
	struct buf b = buf_in(arena, 0);

	for (uint32_t block = 0; block < 2; block++) {
		buf_puts(&b, "TZif2");
		buf_reserve(&b, 15 + 12);
		buf_be32(&b, block);	/* changes */
		buf_be32(&b, 1 + block);	/* types */
		buf_be32(&b, 4);
		if (block) {
			buf_be64(&b, 0);
			buf_putc(&b, 1);
		}
		for (uint32_t t = 0; t <= block; t++) {
			buf_be32(&b, t * 3600);
			buf_be16(&b, 0);
		}
		buf_put(&b, "AAA", 4);
	}
	buf_printf(&b, "\n%s\n", footer);
	assert_true(buf_ok(&b));
	return buf_view(&b);
}

static void a_zone_follows_its_table_and_then_its_rule(void **state)
{
	struct why w = why_in(arena);
	const char *abbrev;
	struct zone *z;
	int32_t off;
	rc r = zone_parse(arena, zone_file("CET-1CEST,M3.5.0,M10.5.0/3"), &z, &w);

	(void)state;
	assert_true(rc_ok(r));
	zone_lookup(z, -1, &off, &abbrev);
	assert_int_equal(off, 0);
	zone_lookup(z, 1711846799, &off, &abbrev);	/* 2024-03-31T00:59:59Z */
	assert_int_equal(off, 3600);
	assert_string_equal(abbrev, "CET");
	zone_lookup(z, 1711846800, &off, &abbrev);
	assert_int_equal(off, 7200);
	assert_string_equal(abbrev, "CEST");
	zone_lookup(z, 1729990799, &off, &abbrev);	/* 2024-10-27T00:59:59Z */
	assert_int_equal(off, 7200);
	zone_lookup(z, 1729990800, &off, &abbrev);
	assert_int_equal(off, 3600);
}

static void a_broken_zone_is_refused(void **state)
{
	static const char *const footers[] = {"CET", "CET-1CEST", "CET-1CEST,M13.1.0,M10.5.0", "CET-1CEST,M3.5.0",
					      "X-1", "CET-1CEST,M3.5.0,M10.5.0/3junk"};
	struct slice good = zone_file("CET-1");
	struct zone *z;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(footers); i++) {
		struct why w = why_in(arena);

		assert_int_equal(zone_parse(arena, zone_file(footers[i]), &z, &w).code, E_MALFORMED);
		assert_false(why_empty(&w));
	}
	for (size_t n = 0; n < good.n; n++)
		assert_false(rc_ok(zone_parse(arena, slice_sub(good, 0, n), &z, NULL)));
	assert_true(rc_ok(zone_parse(arena, good, &z, NULL)));
	assert_true(zone_name_ok(SLICE_LIT("America/Argentina/Buenos_Aires")) && zone_name_ok(SLICE_LIT("Etc/GMT+1")));
	assert_false(zone_name_ok(SLICE_LIT("../etc/passwd")) || zone_name_ok(SLICE_LIT("/etc/passwd")) ||
		     zone_name_ok(SLICE_LIT("a//b")) || zone_name_ok(SLICE_LIT("a.b")) || zone_name_ok(SLICE_LIT("")));
}

static void addresses_are_read_strictly_and_written_short(void **state)
{
	const struct {
		const char *text, *want;	/* NULL: refused */
	} rows[] = {
		{"10.0.0.1", "10.0.0.1"}, {"2001:DB8::0:1", "2001:db8::1"}, {"::", "::"}, {"1:0:0:2:0:0:0:3", "1:0:0:2::3"},
		{"::ffff:1.2.3.4", "1.2.3.4"}, {"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"}, {"1.2.3", NULL},
		{"1.2.3.04", NULL}, {"1.2.3.256", NULL}, {"1:2:3:4:5:6:7:8:9", NULL}, {"1::2::3", NULL}, {"12345::", NULL},
		{"1:2:3:4:5:6:7::8", NULL}, {"fe80::1%eth0", NULL}, {":", NULL}, {"", NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct buf b = buf_in(arena, 0);
		struct ip ip;
		bool ok = ip_parse(slice_cstr(rows[i].text), &ip);

		if (ok != (rows[i].want != NULL))
			fail_msg("%s", rows[i].text);
		if (ok) {
			ip_write(&b, ip);
			assert_text(b, rows[i].want);
		}
	}
}

static void networks_contain_and_merge(void **state)
{
	static const char *const nets[] = {"192.0.2.0/25", "192.0.2.128/25", "198.51.100.0/24", "2001:db8::/33",
					   "2001:db8:8000::/33", "192.0.2.77/32"};
	struct ipmerge r[COUNT_OF(nets)] = {0};
	struct buf b = buf_in(arena, 0);
	struct ipnet net;
	struct ip ip = {0};
	size_t n;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(nets); i++) {
		assert_true(ipnet_parse(slice_cstr(nets[i]), &r[i].net));
		r[i].first = r[i].net.ip;
		r[i].last = ipnet_last(&r[i].net);
	}
	n = ip_merge(r, COUNT_OF(nets));
	for (size_t i = 0; i < n; i++) {
		bool done = false;

		while (ip_cover(&r[i].first, r[i].last, &net, &done)) {
			ipnet_write(&b, &net);
			buf_putc(&b, ' ');
		}
	}
	assert_text(b, "192.0.2.0/24 198.51.100.0/24 2001:db8::/32 ");
	assert_true(ipnet_parse(SLICE_LIT("10.1.2.3/8"), &net) && ip_parse(SLICE_LIT("10.255.0.1"), &ip));
	assert_true(ipnet_contains(&net, ip));
	assert_true(ip_parse(SLICE_LIT("::1"), &ip));
	assert_false(ipnet_contains(&net, ip));
	assert_false(ipnet_parse(SLICE_LIT("10.0.0.0/33"), &net) || ipnet_parse(SLICE_LIT("10.0.0.0/"), &net) ||
		     ipnet_parse(SLICE_LIT("10.0.0.0"), &net));
	assert_true(ipnet_parse(SLICE_LIT("::/0"), &net) && ipnet_contains(&net, ip));
}

static void uris_are_taken_apart(void **state)
{
	struct why w = why_in(arena);
	struct uri u;
	rc r = uri_parse(arena, SLICE_LIT("HTTPS://me:pw@[::1]:8080/a%2Fb?q=1#top"), &u, &w);

	(void)state;
	assert_true(rc_ok(r));
	assert_true(slice_is(u.scheme, "https") && slice_is(u.hostname, "::1") && slice_is(u.port, "8080"));
	assert_true(slice_is(u.path, "/a/b") && slice_is(u.raw_path, "/a%2Fb"));
	assert_true(slice_is(u.raw_query, "q=1") && slice_is(u.fragment, "top"));
	assert_int_equal(uri_parse(arena, SLICE_LIT("http://[invalid"), &u, &w).code, E_MALFORMED);
	assert_string_equal(why_text(&w), "parse \"http://[invalid\": missing ']' in host");
	assert_int_equal(uri_parse(arena, SLICE_LIT("http://a/%zz"), &u, NULL).code, E_MALFORMED);
	assert_int_equal(uri_parse(arena, SLICE_LIT(":x"), &u, NULL).code, E_MALFORMED);
	assert_int_equal(uri_parse(arena, SLICE_LIT("a\nb"), &u, NULL).code, E_MALFORMED);
}

static void expressions_are_linear_and_their_errors_are_told(void **state)
{
	struct regex *re;
	ptrdiff_t span[8];
	char err[200];
	const uint8_t *p = (const uint8_t *)"(?<k>a+)-(b)?";

	(void)state;
	assert_int_equal(regex_new(p, strlen((const char *)p), &re, err, sizeof(err)), REGEX_OK);
	assert_int_equal(regex_group_count(re), 2);
	assert_int_equal(regex_group_by_name(re, (const uint8_t *)"k", 1), 1);
	assert_int_equal(regex_find(re, (const uint8_t *)"xaa-", 4, 0, 3, span), 1);
	assert_true(span[0] == 1 && span[1] == 4 && span[2] == 1 && span[3] == 3 && span[4] == -1 && span[5] == -1);
	assert_int_equal(regex_find(re, (const uint8_t *)"xaa-", 4, 3, 3, span), 0);
	regex_free(re);
	assert_int_equal(regex_new((const uint8_t *)"(a", 2, &re, err, sizeof(err)), REGEX_BAD);
	assert_null(re);
	assert_string_equal(err, "error parsing regexp: missing closing ): `(a`");
	assert_int_equal(regex_new((const uint8_t *)"((a{100}){100}){100}", 20, &re, err, sizeof(err)), REGEX_BAD);
	assert_int_equal(regex_new((const uint8_t *)"[(?<]x\\Q(?<\\E", 13, &re, err, sizeof(err)), REGEX_OK);
	assert_int_equal(regex_find(re, (const uint8_t *)"<x(?<", 5, 0, 1, span), 1);
	regex_free(re);
}

static bool by_re2(struct slice pattern, struct slice text, bool *hit)
{
	ptrdiff_t span[2];
	struct regex *re;
	char err[200];

	if (regex_new(pattern.p, pattern.n, &re, err, sizeof(err)) != REGEX_OK)
		return false;
	*hit = regex_find(re, text.p, text.n, 0, 0, span) == 1;
	regex_free(re);
	return true;
}

static unsigned pick(uint32_t *seed, unsigned n)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (*seed >> 12) % n;
}

static void simple_expressions_match_what_re2_matches(void **state)
{
	static const char in_pattern[] = "aab.*+?^$\\/x-|(]{\n\xc3", in_text[] = "aaabbx/.-\n\xc3\xa9*";
	uint32_t seed = 99;
	unsigned taken = 0, hits = 0;

	(void)state;
	for (unsigned round = 0; round < 60000; round++) {
		uint8_t pattern[12], text[16];
		struct slice p = {pattern, 0}, t = {text, 0};
		enum simple got;
		bool hit = false;

		for (unsigned n = pick(&seed, 9); p.n < n; p.n++)
			pattern[p.n] = (uint8_t)in_pattern[pick(&seed, round % 4 ? 10 : sizeof(in_pattern) - 1)];
		for (unsigned n = pick(&seed, 13); t.n < n; t.n++)
			text[t.n] = (uint8_t)in_text[pick(&seed, round % 3 ? 6 : sizeof(in_text) - 1)];
		got = simple_match(p, t);
		if (got == SIMPLE_NOT)
			continue;
		taken++;
		hits += got == SIMPLE_HIT;
		if (!by_re2(p, t, &hit) || hit != (got == SIMPLE_HIT))
			fail_msg("\"" SLICE_FMT "\" on \"" SLICE_FMT "\": %d", SLICE_ARG(p), SLICE_ARG(t), got);
	}
	assert_true(taken > 15000 && hits > 5000 && taken - hits > 4000);
}

static void simple_expressions_leave_the_others_to_re2(void **state)
{
	static const struct {
		const char *pattern, *text;
		enum simple want;
	} rows[] = {
		{"", "", SIMPLE_HIT}, {"^$", "", SIMPLE_HIT}, {"^$", "a", SIMPLE_MISS}, {"^/api/v1/.*$", "/api/v1/x", SIMPLE_HIT},
		{"/x-0/*", "a/x-0b", SIMPLE_HIT}, {"/x-0/*", "/x-10/", SIMPLE_MISS}, {"a.c", "a\nc", SIMPLE_MISS}, {"a\\.c", "abc", SIMPLE_MISS},
		{"a.c", "a\xc3\xa9" "c", SIMPLE_NOT}, {"ac", "\xc3\xa9" "ac", SIMPLE_HIT}, {"a+b?c*$", "xaac", SIMPLE_HIT}, {"a+?", "a", SIMPLE_HIT},
		{"a|b", "a", SIMPLE_NOT}, {"(a)", "a", SIMPLE_NOT}, {"[a]", "a", SIMPLE_NOT}, {"a{2}", "aa", SIMPLE_NOT}, {"a**", "a", SIMPLE_NOT},
		{"*a", "a", SIMPLE_NOT}, {"^*", "", SIMPLE_NOT}, {"a$b", "a", SIMPLE_NOT}, {"a^", "a", SIMPLE_NOT}, {"\\d", "1", SIMPLE_NOT}, {"a\\", "a", SIMPLE_NOT},
		{"\xc3\xa9", "\xc3\xa9", SIMPLE_NOT},
		{"0123456789012345678901234567890123456789012345678901234567890", "", SIMPLE_NOT},
		{"012345678901234567890123456789012345678901234567890123456789$", "x012345678901234567890123456789012345678901234567890123456789", SIMPLE_HIT},
	};
	char *text = calloc(1, SIMPLE_TEXT_MAX + 1);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (simple_match(slice_cstr(rows[i].pattern), slice_cstr(rows[i].text)) != rows[i].want)
			fail_msg("%s on %s", rows[i].pattern, rows[i].text);
	assert_non_null(text);
	assert_int_equal(simple_match(slice_cstr("a"), slice_of(text, SIMPLE_TEXT_MAX)), SIMPLE_MISS);
	assert_int_equal(simple_match(slice_cstr("a"), slice_of(text, SIMPLE_TEXT_MAX + 1)), SIMPLE_NOT);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(formats_print_what_go_prints, setup, teardown),
		cmocka_unit_test_setup_teardown(a_big_integer_is_formatted_in_full, setup, teardown),
		cmocka_unit_test_setup_teardown(a_format_stops_at_the_limit_of_its_buffer, setup, teardown),
		cmocka_unit_test_setup_teardown(doubles_survive_their_shortest_text, setup, teardown),
		cmocka_unit_test_setup_teardown(decimals_are_read_to_the_nearest_double, setup, teardown),
		cmocka_unit_test_setup_teardown(case_and_classes_follow_unicode_and_no_locale, setup, teardown),
		cmocka_unit_test_setup_teardown(globs_match_whole_strings, setup, teardown),
		cmocka_unit_test_setup_teardown(a_glob_is_refused_with_a_reason, setup, teardown),
		cmocka_unit_test_setup_teardown(nested_stars_cost_no_more_than_the_product, setup, teardown),
		cmocka_unit_test_setup_teardown(two_patterns_share_a_string_or_not, setup, teardown),
		cmocka_unit_test_setup_teardown(versions_are_ordered_as_semver_says, setup, teardown),
		cmocka_unit_test_setup_teardown(amounts_are_exact, setup, teardown),
		cmocka_unit_test_setup_teardown(times_are_read_and_written_by_layout, setup, teardown),
		cmocka_unit_test_setup_teardown(a_wrong_time_is_refused_in_the_words_of_go, setup, teardown),
		cmocka_unit_test_setup_teardown(durations_know_days_weeks_and_years, setup, teardown),
		cmocka_unit_test_setup_teardown(calendar_arithmetic_normalises, setup, teardown),
		cmocka_unit_test_setup_teardown(a_zone_follows_its_table_and_then_its_rule, setup, teardown),
		cmocka_unit_test_setup_teardown(a_broken_zone_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(addresses_are_read_strictly_and_written_short, setup, teardown),
		cmocka_unit_test_setup_teardown(networks_contain_and_merge, setup, teardown),
		cmocka_unit_test_setup_teardown(uris_are_taken_apart, setup, teardown),
		cmocka_unit_test_setup_teardown(expressions_are_linear_and_their_errors_are_told, setup, teardown),
		cmocka_unit_test_setup_teardown(simple_expressions_match_what_re2_matches, setup, teardown),
		cmocka_unit_test_setup_teardown(simple_expressions_leave_the_others_to_re2, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
