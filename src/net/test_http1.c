/* test_http1.c - what the reader takes, what it refuses, at every split. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/num.h"
#include "net/battery.h"
#include "net/http1.h"

struct run {
	struct http1 *h;
	enum http1_event last;
	size_t used;
};

static void feed(struct run *r, struct slice in, size_t step)
{
	while (r->used < in.n && (r->last == HTTP1_MORE || r->last == HTTP1_CONTINUE)) {
		struct slice part = slice_sub(in, r->used, step);
		size_t taken;

		r->last = http1_feed(r->h, part.p, part.n, &taken);
		r->used += taken;
	}
}

static struct run run_in(struct slice in, size_t step, size_t arena_max)
{
	const struct http1_limits limits = {.body_max = 65536, .arena_max = arena_max};
	struct run r = {.h = http1_new(&limits), .last = HTTP1_MORE};

	assert_non_null(r.h);
	feed(&r, in, step ? step : in.n);
	return r;
}

static void end(struct run *r)
{
	if (r->last == HTTP1_REQUEST) {
		struct arena *a = http1_request(r->h)->arena;

		http1_next(r->h);
		arena_free(a);
	}
	http1_free(r->h);
}

static void every_row_of_the_battery_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(battery); i++) {
		for (size_t step = 0; step < 4; step++) {
			char text[1024];
			size_t n = battery[i].n, taken = 1;

			assert_true(n + sizeof(SMUGGLED) < sizeof(text));
			memcpy(text, battery[i].bytes, n);
			memcpy(text + n, SMUGGLED, sizeof(SMUGGLED));
			struct run r = run_in(slice_of(text, n + sizeof(SMUGGLED) - 1), step, 0);
			if (r.last != HTTP1_REFUSED || http1_status(r.h) != (int)battery[i].status)
				fail_msg("%s (pieces of %zu): event %d, status %d %s, not %u", battery[i].name, step, (int)r.last,
					 http1_status(r.h), http1_refusal(r.h) ? http1_refusal(r.h) : "", battery[i].status);
			assert_false(http1_keep_alive(r.h));
			/* and it stays refused */
			assert_int_equal(http1_feed(r.h, (const uint8_t *)SMUGGLED, sizeof(SMUGGLED) - 1, &taken), HTTP1_REFUSED);
			assert_int_equal(taken, 0);
			end(&r);
		}
	}
}

static const char good[] = "POST /kbs/v0/a%20b/%C3%A4?x=1&y=a+b%26 HTTP/1.1\r\nHoSt: kbs.example:8080\r\n"
			   "Cookie: a=1; kbs-session-id=\"s3\"; b=2\r\nAuthorization: Bearer abc.def\r\n"
			   "Transfer-Encoding: Chunked\r\nX-Empty:\r\n\r\n"
			   "3;a;b=c;d=\"e\\\" f\"\r\nabc\r\n00A\r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n";

static void check_good(struct run *r)
{
	assert_int_equal(r->last, HTTP1_REQUEST);
	assert_int_equal(r->used, sizeof(good) - 1);
	struct http_request *q = http1_request(r->h);
	assert_true(slice_is(q->method, "POST"));
	assert_int_equal(q->segments, 4);
	assert_true(slice_is(q->segment[2], "a b"));
	assert_true(slice_is(q->path, "/kbs/v0/a b/\xc3\xa4"));
	assert_true(slice_is(json_get(q->query, "y")->text, "a b&"));
	assert_true(slice_is(q->body, "abc0123456789"));
	assert_true(slice_is(http_cookie(q, "kbs-session-id"), "s3"));
	assert_true(slice_is(http_header(q, "host"), "kbs.example:8080"));
	assert_null(http_header(q, "x-sum").p);
	assert_true(slice_is(http_bearer(q), "abc.def"));
	assert_true(http1_keep_alive(r->h));
}

static void a_request_reads_the_same_at_every_split(void **state)
{
	struct slice all = slice_of(good, sizeof(good) - 1);

	(void)state;
	for (size_t step = 0; step < all.n; step++) {
		struct run r = run_in(all, step, 0);

		check_good(&r);
		end(&r);
	}
	for (size_t at = 1; at < all.n; at++) {
		struct run r = run_in(slice_sub(all, 0, at), 0, 0);

		assert_int_equal(r.last, HTTP1_MORE);
		assert_int_equal(r.used, at);
		feed(&r, all, all.n);
		check_good(&r);
		end(&r);
	}
}

static void no_memory_is_a_refusal(void **state)
{
	unsigned refused = 0, served = 0;

	(void)state;
	for (size_t room = 64; room < 65536; room += 512) {
		struct run r = run_in(slice_of(good, sizeof(good) - 1), 0, room);

		if (r.last == HTTP1_REFUSED) {
			refused++;
			assert_true(http1_status(r.h) >= 400);
		} else {
			served++;
			check_good(&r);
		}
		end(&r);
	}
	assert_true(refused > 0 && served > 0);
}

static int status_of(const char *text, size_t n)
{
	struct run r = run_in(slice_of(text, n), 0, 0);
	int status = r.last == HTTP1_REFUSED ? http1_status(r.h) : r.last == HTTP1_REQUEST ? 200 : 0;

	end(&r);
	return status;
}

static void limits_hold_at_their_edges(void **state)
{
	static char text[300000];

	(void)state;
	for (unsigned count = 95; count <= 97; count++) {
		int n = snprintf(text, sizeof(text), GET_HEAD);

		for (unsigned i = 1; i < count; i++)
			n += snprintf(text + n, sizeof(text) - (size_t)n, "X-%u: a\r\n", i);
		n += snprintf(text + n, sizeof(text) - (size_t)n, "\r\n");
		assert_int_equal(status_of(text, (size_t)n), count > 96 ? 431 : 200);
	}
	for (unsigned more = 0; more < 2; more++) {
		char *p = mempcpy(text, GET_HEAD "X: ", sizeof(GET_HEAD "X: ") - 1);
		size_t fill = HTTP_HEAD_MAX - (sizeof(GET_HEAD "X: \r\n\r\n") - 1) + more;

		memset(p, 'a', fill);
		memcpy(p + fill, "\r\n\r\n", 4);
		assert_int_equal(status_of(text, HTTP_HEAD_MAX + more), more ? 431 : 200);
	}
	/* Trailers together are capped, not only each of them. */
	int n = snprintf(text, sizeof(text), CHUNKED "0\r\n");
	for (unsigned i = 0; i < 4000; i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "X-%u: a\r\n", i);
	assert_int_equal(status_of(text, (size_t)n), 431);
}

static void keep_alive_follows_the_version(void **state)
{
	static const struct {
		const char *text;
		bool keep;
	} rows[] = {{"GET / HTTP/1.1\r\nHost: a\r\n\r\n", true},
		    {"GET / HTTP/1.1\r\nHost: a\r\nConnection: Close\r\n\r\n", false},
		    {"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade, close\r\nUpgrade: h2c\r\n\r\n", false},
		    {"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nConnection: close\r\n\r\n", false},
		    {"GET / HTTP/1.0\r\n\r\n", false},
		    {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true},
		    {"GET http://a/x HTTP/1.1\r\nHost: A\r\n\r\n", true}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct run r = run_in(slice_cstr(rows[i].text), 0, 0);

		if (r.last != HTTP1_REQUEST || http1_keep_alive(r.h) != rows[i].keep)
			fail_msg("row %zu: event %d, keep %d", i, (int)r.last, (int)http1_keep_alive(r.h));
		end(&r);
	}
}

static void credentials_that_stand_twice_are_not_taken(void **state)
{
	static const char text[] = GET_HEAD "Authorization: Bearer a\r\nAuthorization: Bearer b\r\nCookie: s=1; s=2\r\n\r\n";
	struct run r = run_in(slice_of(text, sizeof(text) - 1), 0, 0);

	(void)state;
	assert_int_equal(r.last, HTTP1_REQUEST);
	assert_null(http_bearer(http1_request(r.h)).p);
	assert_null(http_cookie(http1_request(r.h), "s").p);
	end(&r);
}

static void a_refusable_request_line_is_refused_at_its_end(void **state)
{
	static const struct {
		const char *bytes;
		int status;
	} rows[] = {{"GET / HTTP/2.0\r\n", 505}, {"GET / HTTP/1.2\r\n", 505}, {"GET  / HTTP/1.1\r\n", 400}, {"hello\r\n", 400},
		    {"\x16\x03\x01\x02\x00", 400}, {" ", 400}, {"\r", 400}};
	static char longest[8192 + 3];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct run r = run_in(i == 4 ? SLICE_LIT("\x16\x03\x01\x02\0") : slice_cstr(rows[i].bytes), 0, 0);

		if (r.last != HTTP1_REFUSED || http1_status(r.h) != rows[i].status)
			fail_msg("row %zu: event %d, status %d", i, (int)r.last, http1_status(r.h));
		end(&r);
	}
	/* A line that does not end costs no more than its limit. */
	memset(longest, 'a', sizeof(longest));
	for (size_t step = 0; step < 2; step++) {
		struct run r = run_in(slice_of(longest, sizeof(longest) - 1), step, 0);

		assert_int_equal(r.last, HTTP1_MORE);
		end(&r);
		r = run_in(slice_of(longest, sizeof(longest)), step, 0);
		assert_int_equal(r.last, HTTP1_REFUSED);
		assert_int_equal(http1_status(r.h), 414);
		end(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_of_the_battery_is_refused),
		cmocka_unit_test(a_request_reads_the_same_at_every_split),
		cmocka_unit_test(no_memory_is_a_refusal),
		cmocka_unit_test(limits_hold_at_their_edges),
		cmocka_unit_test(keep_alive_follows_the_version),
		cmocka_unit_test(credentials_that_stand_twice_are_not_taken),
		cmocka_unit_test(a_refusable_request_line_is_refused_at_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
