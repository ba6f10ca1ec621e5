/* test_parts.c - routes and metrics. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/num.h"
#include "net/metrics.h"
#include "net/route.h"

static void run(struct route_call *c)
{
	(void)c;
}

static const struct route table[] = {
	ROUTE("GET", "/kbs/v0/auth", ADMIT_ANYONE, run, 0),
	ROUTE("POST", "/kbs/v0/auth", ADMIT_ANYONE, run, 100),
	ROUTE("GET", "/kbs/v0/*", ADMIT_ATTESTED, run, 0),
	ROUTE("DELETE", "/a/?*", ADMIT_ADMIN, run, 0),
};

static struct http_request request(struct arena *a, const char *method, const char *target)
{
	struct http_request r = {.arena = a, .method = slice_cstr(method), .target = slice_cstr(target)};
	struct why w = why_in(a);

	assert_true(rc_ok(http_target(&r, &w)));
	return r;
}

static void the_first_row_that_fits_is_the_route(void **state)
{
	static const struct {
		const char *method, *target;
		int row;	/* -1: none */
		size_t rest;
	} rows[] = {
		{"GET", "/kbs/v0/auth", 0, 3},	   {"POST", "/kbs/v0/auth?x=1", 1, 3}, {"GET", "/kbs/v0/resource/a/b", 2, 2},
		{"GET", "/kbs/v0/auth/x", 2, 2},   {"GET", "/kbs/v0", -1, 0},	       {"GET", "/kbs", -1, 0},
		{"GET", "/", -1, 0},		   {"POST", "/kbs/v0/auth/x", -1, 0},  {"get", "/kbs/v0/auth", -1, 0},
		{"PUT", "/kbs/v0/auth", -1, 0},	   {"GET", "/KBS/v0/auth", -1, 0},     {"GET", "/kbs/v0%2e/auth", -1, 0},
		{"GET", "/kbs/v0/%61uth", 0, 3},   {"DELETE", "/a", 3, 1},	       {"DELETE", "/a/b/c", 3, 1},
		{"DELETE", "/ab", -1, 0},	   {"GET", "/kbs/v0/authx", 2, 2},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct arena *a = arena_new(0);
		struct http_request r = request(a, rows[i].method, rows[i].target);
		size_t rest = 0;
		const struct route *got = route_find(table, COUNT_OF(table), &r, &rest);

		if (got != (rows[i].row < 0 ? NULL : &table[rows[i].row]) || (got && rest != rows[i].rest))
			fail_msg("%s %s: row %d, rest %zu", rows[i].method, rows[i].target, got ? (int)(got - table) : -1, rest);
		arena_free(a);
	}
}

static void a_row_without_an_admission_rule_is_refused(void **state)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	const struct route bad[] = {
		{.method = "GET", .path = "/a", .run = run},
		{.method = "GET", .path = "/a", .run = run, .admission = (enum admission)9},
		{.method = "GET", .path = "/a", .admission = ADMIT_ADMIN},
		{.method = "GET", .path = "a", .run = run, .admission = ADMIT_ADMIN},
	};

	(void)state;
	assert_true(rc_ok(route_check(table, COUNT_OF(table), &w)));
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		why_clear(&w);
		assert_int_equal(route_check(&bad[i], 1, &w).code, E_INTERNAL);
		assert_string_equal(why_reason(&w), "route.admission");
	}
	arena_free(a);
}

enum { REQUESTS, OPEN, SECONDS };

static const char *const statuses[] = {"200", "401", "other", NULL};
static const double buckets[] = {0.1, 1, 0};
static const struct metric set[] = {
	[REQUESTS] = {"requests_total", "Requests.", METRIC_COUNTER, "status", statuses, NULL},
	[OPEN] = {"open", "Open connections.", METRIC_GAUGE, NULL, NULL, NULL},
	[SECONDS] = {"seconds", "Time.", METRIC_HISTOGRAM, NULL, NULL, buckets},
	{0},
};

/* Whatever a peer sends, the set of series is the table's. */
static void labels_are_a_closed_set(void **state)
{
	struct arena *a = arena_new(0);
	struct buf b = buf_in(a, 0);
	struct metrics *m = metrics_new(set);
	size_t lines = 0;
	char *text;

	(void)state;
	metrics_add(m, REQUESTS, "200", 2);
	for (unsigned i = 0; i < 1000; i++)
		metrics_add(m, REQUESTS, arena_printf(a, "\"}\n%u", i), 1);
	metrics_add(m, REQUESTS, NULL, 1);
	metrics_add(m, OPEN, "ignored", 5);
	metrics_add(m, OPEN, NULL, -2);
	metrics_add(m, 99, NULL, 1);
	metrics_observe(m, 99, 1);
	metrics_observe(m, OPEN, 1);
	metrics_observe(m, SECONDS, 0.1);
	metrics_observe(m, SECONDS, 0.5);
	metrics_observe(m, SECONDS, 2);
	metrics_observe(m, SECONDS, -1);
	metrics_write(m, &b);
	text = buf_cstr(&b);
	assert_non_null(text);
	assert_string_equal(text, "# HELP requests_total Requests.\n# TYPE requests_total counter\n"
				  "requests_total{status=\"200\"} 2\nrequests_total{status=\"other\"} 1001\n"
				  "# HELP open Open connections.\n# TYPE open gauge\nopen 3\n"
				  "# HELP seconds Time.\n# TYPE seconds histogram\n"
				  "seconds_bucket{le=\"0.1\"} 2\nseconds_bucket{le=\"1\"} 3\nseconds_bucket{le=\"+Inf\"} 4\n"
				  "seconds_sum 2.600000\nseconds_count 4\n");
	for (const char *p = text; *p; p++)
		lines += *p == '\n';
	assert_int_equal(lines, 14);
	metrics_add(NULL, 0, NULL, 1);
	metrics_observe(NULL, 0, 1);
	metrics_free(m);
	metrics_free(NULL);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_row_that_fits_is_the_route),
		cmocka_unit_test(a_row_without_an_admission_rule_is_refused),
		cmocka_unit_test(labels_are_a_closed_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
