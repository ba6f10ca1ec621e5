#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>


#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cur.h"
#include "base/log.h"
#include "base/num.h"
#include "base/secret.h"
#include "base/sys.h"
#include "base/utf8.h"

static void a_short_message_is_bad_for_good(void **state)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct msg m;
	struct cur c = cur_open(&m, SLICE_LIT("\x01\x02\x03\x04\x05"));

	(void)state;
	assert_int_equal(cur_le16(&c), 0x0201);
	assert_int_equal(cur_be32(&c), 0);
	assert_int_equal(cur_u8(&c), 0);
	assert_false(cur_more(&c));
	assert_int_equal(cur_end(&c, &w, "t.parse", "t").code, E_MALFORMED);
	assert_string_equal(why_reason(&w), "t.parse");
	arena_free(a);
}

static void left_over_bytes_are_refused(void **state)
{
	struct msg m;
	struct cur c = cur_open(&m, SLICE_LIT("\x01\x02")), sub = cur_sub(&c, 1);

	(void)state;
	assert_int_equal(cur_u8(&sub), 1);
	assert_true(rc_ok(cur_end(&sub, NULL, "t", "t")));
	assert_int_equal(cur_end(&c, NULL, "t", "t").code, E_MALFORMED);
	assert_true(rc_ok(cur_end_open(&c, NULL, "t", "t")));
}

static void a_child_window_spoils_its_message(void **state)
{
	struct msg m;
	struct cur c = cur_open(&m, SLICE_LIT("\x01\x02\x03")), sub = cur_sub(&c, 1);

	(void)state;
	assert_int_equal(cur_le32(&sub), 0);
	assert_int_equal(cur_u8(&c), 0);
	assert_int_equal(cur_end(&c, NULL, "t", "t").code, E_MALFORMED);
}

static void the_arena_keeps_its_limit_and_its_marks(void **state)
{
	struct arena *a = arena_new(10000);
	struct arena_mark m;

	(void)state;
	assert_non_null(arena_alloc(a, 4000));
	m = arena_mark(a);
	assert_non_null(arena_alloc(a, 4000));
	assert_null(arena_alloc(a, 4000));
	assert_true(arena_bad(a));
	arena_reset(a, m);
	assert_false(arena_bad(a));
	assert_non_null(arena_alloc(a, 4000));
	assert_null(arena_alloc_n(a, SIZE_MAX / 2, 3));
	arena_free(a);
}

static void an_arena_that_is_cleared_starts_anew(void **state)
{
	struct arena *a = arena_new(1 << 20);

	(void)state;
	arena_clear(NULL);
	arena_clear(a);
	for (unsigned round = 0; round < 5; round++) {
		uint8_t *p;

		for (unsigned i = 0; i < 40; i++) {
			p = arena_alloc(a, 9000 + 1000 * i);
			assert_true(p == NULL || p[0] == 0);
			if (p)
				memset(p, 0xa5, 9000 + 1000 * i);
		}
		assert_true(arena_bad(a));
		arena_clear(a);
		assert_false(arena_bad(a));
		assert_int_equal(arena_used(a), 0);
		p = arena_alloc(a, 5000);	/* what is kept is given out as zeros again */
		for (unsigned i = 0; i < 5000; i++)
			assert_int_equal(p[i], 0);
	}
	assert_non_null(arena_alloc(a, 700 << 10));	/* the limit counts from the start again */
	arena_free(a);
}

static void what_grows_in_place_is_zero_where_it_is_new(void **state)
{
	(void)state;
	for (size_t n = 1; n < 40; n++) {
		struct arena *a = arena_new(1 << 16);
		uint8_t *p = arena_alloc_raw(a, 400), *q;

		arena_expect(NULL, 1);
		assert_non_null(p);
		memset(p, 0xa5, 400);
		arena_clear(a);	/* the block is used again as it is */
		p = arena_alloc(a, n);
		q = arena_grow(a, p, n, 90);
		assert_ptr_equal(p, q);
		for (size_t i = 0; i < 90; i++)
			assert_int_equal(q[i], 0);
		arena_free(a);
	}
}

static void an_arena_that_expects_much_takes_it_at_once(void **state)
{
	struct arena *a = arena_new(1 << 20), *tight = arena_new(8192);
	uint8_t *p, *q;

	(void)state;
	arena_expect(a, 100000);
	p = arena_alloc_raw(a, 16);
	q = arena_alloc_raw(a, 90000);
	assert_ptr_equal(p + 16, q);
	arena_expect(tight, 100000);	/* within its limit all the same */
	assert_non_null(arena_alloc(tight, 5000));
	assert_null(arena_alloc(tight, 5000));
	arena_free(tight);
	arena_free(a);
}

static void growing_keeps_the_bytes(void **state)
{
	struct arena *a = arena_new(0);
	struct buf b = buf_in(a, 0), other = buf_in(a, 0);

	(void)state;
	for (int i = 0; i < 5000; i++) {
		buf_printf(&b, "%d,", i);
		buf_putc(&other, 'x');
	}
	assert_true(buf_ok(&b));
	assert_memory_equal(buf_cstr(&b), "0,1,2,3,4,", 10);
	assert_memory_equal(b.p + b.n - 5, "4999,", 5);
	arena_free(a);
}

static void a_buffer_stops_at_its_maximum(void **state)
{
	struct arena *a = arena_new(0);
	struct buf b = buf_in(a, 4);

	(void)state;
	buf_puts(&b, "abc");
	buf_puts(&b, "de");
	buf_putc(&b, 'f');
	assert_false(buf_ok(&b));
	assert_int_equal(b.n, 3);
	assert_null(buf_cstr(&b));
	arena_free(a);
}

static void a_reason_keeps_its_cause_and_its_context(void **state)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	rc r = deny(&w, E_DENIED, "t.too_old", "is %d", 8);

	(void)state;
	why_compared(&w, "tcb.snp", "8", "10");
	r = note(&w, r, "checking %s", "Milan");
	assert_int_equal(r.code, E_DENIED);
	assert_string_equal(why_reason(&w), "t.too_old");
	assert_non_null(strstr(why_render(&w, a), "expected  10"));
	assert_non_null(strstr(why_render(&w, a), "while    checking Milan"));
	assert_true(rc_ok(note(&w, rc_of(OK), "nothing")));
	arena_free(a);
}

static void a_reason_without_memory_still_refuses(void **state)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);

	(void)state;
	arena_fail_at(a, 1);
	assert_int_equal(deny(&w, E_DENIED, "t.x", "x").code, E_DENIED);
	assert_false(why_empty(&w));
	arena_free(a);
}

/* Pages are kept for the next secret: more of them than are kept, and none shows what was in it. */
static void a_page_of_an_ended_secret_comes_back_wiped(void **state)
{
	struct secret s[80] = {{0}};
	static const uint8_t zero[4096];

	(void)state;
	for (unsigned round = 0; round < 3; round++) {
		for (size_t i = 0; i < COUNT_OF(s); i++) {
			size_t n = i % 7 == 6 ? 5000 : 100 * (i % 7);

			assert_true(rc_ok(secret_new(&s[i], n, NULL)));
			assert_int_equal(s[i].n, n);
			assert_memory_equal(s[i].p, zero, MIN_OF(s[i].mapped, sizeof(zero)));
			memset(s[i].p, 0xa5, s[i].mapped);
			for (size_t k = 0; k < i; k++)
				assert_ptr_not_equal(s[i].p, s[k].p);
		}
		for (size_t i = 0; i < COUNT_OF(s); i++)
			secret_free(&s[i]);
	}
}

static void secrets_compare_move_and_end(void **state)
{
	SECRET(s);
	struct secret t;

	(void)state;
	assert_true(rc_ok(secret_copy(&s, SLICE_LIT("top secret"), NULL)));
	assert_true(secret_eq(secret_view(&s), SLICE_LIT("top secret")));
	assert_false(secret_eq(secret_view(&s), SLICE_LIT("top secreT")));
	assert_false(secret_eq(secret_view(&s), SLICE_LIT("top")));
	t = secret_move(&s);
	assert_null(s.p);
	secret_shrink(&t, 3);
	assert_true(secret_eq(secret_view(&t), SLICE_LIT("top")));
	assert_int_equal(t.p[4], 0);
	secret_free(&t);
	secret_free(&t);
}

static void times_round_trip_and_nonsense_is_refused(void **state)
{
	static const char *const bad[] = {"2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-01 00:00:00Z",
					  "2026-01-01T24:00:00Z", "2026-01-01T00:00:00", "2026-01-01T00:00:00.Z",
					  "2026-01-01T00:00:00Zx", "", "2026-01-01T00:00:00+24:00"};
	char out[32];
	int64_t t;

	(void)state;
	time_rfc3339(1795557718, out);
	assert_string_equal(out, "2026-11-24T22:01:58Z");
	assert_true(rc_ok(time_parse_rfc3339(slice_cstr(out), &t, NULL)));
	assert_int_equal(t, 1795557718);
	assert_true(rc_ok(time_parse_rfc3339(SLICE_LIT("2026-11-25T00:01:58.123+02:00"), &t, NULL)));
	assert_int_equal(t, 1795557718);
	time_imf(1795454989, out);
	assert_string_equal(out, "Mon, 23 Nov 2026 17:29:49 GMT");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(time_parse_rfc3339(slice_cstr(bad[i]), &t, NULL).code, E_MALFORMED);
}

static void files_are_whole_private_and_exclusive(void **state)
{
	char dir[] = "/tmp/warrant-base-XXXXXX", path[64];
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct slice got;
	struct stat st;
	SECRET(s);

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/f", dir);
	assert_true(rc_ok(file_write_atomic(path, SLICE_LIT("one"), 0600, &w)));
	assert_true(rc_ok(file_write_atomic(path, SLICE_LIT("two"), 0600, &w)));
	assert_int_equal(file_create(path, SLICE_LIT("three"), 0600, &w).code, E_DENIED);
	assert_true(rc_ok(file_read(a, path, 3, &got, &w)));
	assert_true(slice_is(got, "two"));
	assert_int_equal(file_read(a, path, 2, &got, &w).code, E_LIMIT);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_true(rc_ok(file_read_secret(path, 10, &s, &w)));
	chmod(path, 0644);
	assert_int_equal(file_read_secret(path, 10, &s, &w).code, E_DENIED);
	assert_string_equal(why_reason(&w), "file.permissions");
	unlink(path);
	assert_int_equal(file_read(a, path, 2, &got, &w).code, E_NOTFOUND);
	assert_int_equal(rmdir(dir), 0);	/* no temporary file was left behind */
	arena_free(a);
}

static void text_of_strangers_is_written_so_that_json_and_terminals_bear_it(void **state)
{
	static const struct {
		const char *in, *json, *terminal;
	} row[] = {{"plain", "plain", "plain"},
		   {"cut \xc3", "cut \\xc3", "cut \\xc3"},
		   {"\xc3\xa4\xe2\x82", "\xc3\xa4\\xe2\\x82", "\xc3\xa4\\xe2\\x82"},
		   {"a\nb\x1b[2J", "a\nb\x1b[2J", "a\\u000ab\\u001b[2J"},
		   {"\xc2\x9b\x7f", "\xc2\x9b\x7f", "\\u009b\\u007f"},
		   {"\xe2\x80\xae", "\xe2\x80\xae", "\\u202e"}};
	struct arena *a = arena_new(0);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(row); i++) {
		struct buf json = buf_in(a, 0), terminal = buf_in(a, 0);

		utf8_write(&json, slice_cstr(row[i].in));
		utf8_write_terminal(&terminal, slice_cstr(row[i].in));
		assert_string_equal(buf_cstr(&json), row[i].json);
		assert_string_equal(buf_cstr(&terminal), row[i].terminal);
	}
	arena_free(a);
}

static void a_level_is_found_among_the_directives_of_others(void **state)
{
	static const struct {
		const char *text;
		enum log_level level;
	} row[] = {{"error", LOG_ERROR}, {"WARN", LOG_WARN}, {"kbs=debug,info", LOG_INFO}, {"info,kbs=error", LOG_INFO}, {"trace", LOG_DEBUG},
		   {"debug", LOG_DEBUG}, {"", LOG_WARN}, {"kbs=debug", LOG_WARN}, {"inf", LOG_WARN}, {"information", LOG_WARN}, {",,", LOG_WARN}};

	(void)state;
	assert_int_equal(log_level_of(NULL, LOG_WARN), LOG_WARN);
	for (size_t i = 0; i < COUNT_OF(row); i++)
		assert_int_equal(log_level_of(row[i].text, LOG_WARN), row[i].level);
}

static void utf8_is_strict(void **state)
{
	static const char *const bad[] = {"\x80", "\xc1\xbf", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc3", "\xf8"};

	(void)state;
	assert_true(utf8_valid(SLICE_LIT("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80")));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(utf8_valid(slice_cstr(bad[i])));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_short_message_is_bad_for_good),
		cmocka_unit_test(left_over_bytes_are_refused),
		cmocka_unit_test(a_child_window_spoils_its_message),
		cmocka_unit_test(the_arena_keeps_its_limit_and_its_marks),
		cmocka_unit_test(an_arena_that_is_cleared_starts_anew),
		cmocka_unit_test(what_grows_in_place_is_zero_where_it_is_new),
		cmocka_unit_test(an_arena_that_expects_much_takes_it_at_once),
		cmocka_unit_test(growing_keeps_the_bytes),
		cmocka_unit_test(a_buffer_stops_at_its_maximum),
		cmocka_unit_test(a_reason_keeps_its_cause_and_its_context),
		cmocka_unit_test(a_reason_without_memory_still_refuses),
		cmocka_unit_test(secrets_compare_move_and_end),
		cmocka_unit_test(a_page_of_an_ended_secret_comes_back_wiped),
		cmocka_unit_test(times_round_trip_and_nonsense_is_refused),
		cmocka_unit_test(files_are_whole_private_and_exclusive),
		cmocka_unit_test(utf8_is_strict),
		cmocka_unit_test(a_level_is_found_among_the_directives_of_others),
		cmocka_unit_test(text_of_strangers_is_written_so_that_json_and_terminals_bear_it),
	};

	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
