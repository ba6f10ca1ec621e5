#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <stdio.h>

#include "codec/json.h"

static void accepts_and_refuses_by_rfc8259(void **state)
{
	static const struct {
		const char *in, *reason;	/* NULL: accepted */
	} row[] = {
		{"{}", NULL}, {" [1, 2.50e+3 ,-0] ", NULL}, {"\"\\ud83d\\ude00\\u0000\"", NULL}, {"18446744073709551615", NULL},
		{"", "json.syntax"}, {"01", "json.syntax"}, {"1.", "json.syntax"}, {"+1", "json.syntax"},
		{"[1,]", "json.syntax"}, {"{\"a\":1,}", "json.syntax"}, {"{a:1}", "json.syntax"}, {"[1 2]", "json.syntax"},
		{"\"\\x\"", "json.syntax"}, {"\"\\ud800\"", "json.syntax"}, {"\"\\udc00\"", "json.syntax"},
		{"\"a\nb\"", "json.syntax"}, {"\"abc", "json.syntax"}, {"\"abc\\", "json.syntax"}, {"nul", "json.syntax"},
		{"\"\xff\"", "json.utf8"}, {"\"\xc0\x80\"", "json.utf8"}, {"\"\xed\xa0\x80\"", "json.utf8"},
		{"1 1", "json.trailing"}, {"{}x", "json.trailing"}, {"{\"a\":1,\"a\":2}", "json.duplicate"},
		{"{\"a\":1,\"\\u0061\":2}", "json.duplicate"}, {"NaN", "json.syntax"}, {"// c\n1", "json.syntax"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct arena *a = arena_new(0);
		struct why w = why_in(a);
		struct json *v;
		rc r = json_parse(a, slice_cstr(row[i].in), NULL, &v, &w);

		if (row[i].reason)
			assert_string_equal(why_reason(&w), row[i].reason);
		else
			assert_true(rc_ok(r));
		arena_free(a);
	}
}

static void caps_on_depth_nodes_and_size_hold(void **state)
{
	struct json_limits l = {.max_depth = 3, .max_nodes = 5, .max_bytes = 20};
	static const struct {
		const char *in, *reason;
	} row[] = {{"[[[1]]]", "none"}, {"[[[[1]]]]", "json.depth"}, {"[1,2,3,4]", "none"}, {"[1,2,3,4,5]", "json.nodes"},
		   {"\"123456789012345678\"", "none"}, {"\"1234567890123456789\"", "json.size"}};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct arena *a = arena_new(0);
		struct why w = why_in(a);
		struct json *v;
		rc r = json_parse(a, slice_cstr(row[i].in), &l, &v, &w);

		assert_string_equal(why_reason(&w), row[i].reason);
		assert_int_equal(rc_ok(r), strcmp(row[i].reason, "none") == 0);
		arena_free(a);
	}
}

static void large_objects_find_members_and_duplicates(void **state)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct buf b = buf_in(a, 0);
	struct json *v;
	int64_t n;

	(void)state;
	buf_putc(&b, '{');
	for (int i = 0; i < 1000; i++)
		buf_printf(&b, "%s\"k%d\":%d", i ? "," : "", i * 7919 % 1000, i);
	buf_puts(&b, "}");
	assert_true(rc_ok(json_parse(a, buf_view(&b), NULL, &v, &w)));
	for (int i = 0; i < 1000; i++) {
		char name[16];

		snprintf(name, sizeof(name), "k%d", i * 7919 % 1000);
		assert_true(json_i64(json_get(v, name), &n));
		assert_int_equal(n, i);
	}
	assert_null(json_get(v, "k1000"));
	b.n--;
	buf_puts(&b, ",\"k5\":0}");
	assert_false(rc_ok(json_parse(a, buf_view(&b), NULL, &v, &w)));
	assert_string_equal(why_reason(&w), "json.duplicate");
	arena_free(a);
}

/* Small ones are compared, larger ones hashed, the largest sorted. The names end alike, so that they all want one place. */
static void a_name_that_stands_twice_is_refused_in_objects_of_any_size(void **state)
{
	(void)state;
	for (int n = 1; n < 80; n++) {
		for (int twice = -1; twice < n; twice++) {
			struct arena *a = arena_new(0);
			struct why w = why_in(a);
			struct buf b = buf_in(a, 0);
			struct json *v;
			bool ok;

			buf_putc(&b, '{');
			for (int i = 0; i < n; i++)
				buf_printf(&b, "\"%03d same\":%d,", i, i);
			buf_printf(&b, "\"%03d same\":0}", twice < 0 ? n : twice);
			ok = rc_ok(json_parse(a, buf_view(&b), NULL, &v, &w));
			assert_int_equal(ok, twice < 0);
			if (ok)
				assert_int_equal(v->n, n + 1);
			else
				assert_string_equal(why_reason(&w), "json.duplicate");
			for (int i = 0; ok && i <= n; i++)
				assert_ptr_equal(json_get(v, arena_printf(a, "%03d same", i)), v->members[i].value);
			arena_free(a);
		}
	}
}

static void canonical_form_follows_rfc8785(void **state)
{
	static const struct {
		const char *in, *out;
	} row[] = {
		{"{\"numbers\":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"
		 "\"string\":\"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\",\"literals\":[null,true,false]}",
		 "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],"
		 "\"string\":\"\xe2\x82\xac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}"},
		{"{\"\\ud83d\\ude00\":1,\"\\ufb33\":2,\"\\u20ac\":3,\"1\":4,\"\\r\":5}",
		 "{\"\\r\":5,\"1\":4,\"\xe2\x82\xac\":3,\"\xf0\x9f\x98\x80\":1,\"\xef\xac\xb3\":2}"},
		{"[-0,1e21,1e20,123456789012345680000,1e-6,1e-7,5e-324,1.7976931348623157e308]",
		 "[0,1e+21,100000000000000000000,123456789012345680000,0.000001,1e-7,5e-324,1.7976931348623157e+308]"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct arena *a = arena_new(0);
		struct buf b = buf_in(a, 0);
		struct json *v;

		assert_true(rc_ok(json_parse(a, slice_cstr(row[i].in), NULL, &v, NULL)));
		assert_true(rc_ok(json_write_jcs(&b, v, NULL)));
		assert_string_equal(buf_cstr(&b), row[i].out);
		arena_free(a);
	}
}

static void numbers_are_compared_by_exact_value(void **state)
{
	static const struct {
		const char *x, *y;
		int same;
	} row[] = {{"1", "1.0", 1}, {"10", "1e1", 1}, {"0.10", "1e-1", 1}, {"-0", "0", 1}, {"0e9", "0.00", 1},
		   {"9007199254740993", "9007199254740992", 0}, {"1", "-1", 0}, {"12.5e2", "1250", 1}, {"1e400", "1e399", 0},
		   {"0.001", "1E-3", 1}, {"100", "10", 0}, {"1.01", "1.1", 0}};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct arena *a = arena_new(0);
		struct json *x = json_new_number(a, slice_cstr(row[i].x)), *y = json_new_number(a, slice_cstr(row[i].y));

		assert_int_equal(json_equal(x, y), row[i].same);
		arena_free(a);
	}
}

static void integers_at_their_limits(void **state)
{
	struct arena *a = arena_new(0);
	uint64_t u;
	int64_t i;

	(void)state;
	assert_true(json_u64(json_new_number(a, SLICE_LIT("18446744073709551615")), &u) && u == UINT64_MAX);
	assert_false(json_u64(json_new_number(a, SLICE_LIT("18446744073709551616")), &u));
	assert_true(json_i64(json_new_number(a, SLICE_LIT("-9223372036854775808")), &i) && i == INT64_MIN);
	assert_false(json_i64(json_new_number(a, SLICE_LIT("9223372036854775808")), &i));
	assert_false(json_i64(json_new_number(a, SLICE_LIT("1.0")), &i));
	assert_false(json_i64(json_new_cstr(a, "1"), &i));
	arena_free(a);
}

static void raw_slices_are_the_received_bytes(void **state)
{
	struct arena *a = arena_new(0);
	struct slice in = SLICE_LIT("{ \"tcbInfo\" : { \"a\": [ 1 ] } , \"signature\":\"x\"}");
	struct json *v;

	(void)state;
	assert_true(rc_ok(json_parse(a, in, NULL, &v, NULL)));
	assert_true(slice_is(json_get(v, "tcbInfo")->raw, "{ \"a\": [ 1 ] }"));
	assert_true(slice_is(json_pointer(v, "/tcbInfo/a/0")->text, "1"));
	assert_null(json_pointer(v, "/tcbInfo/a/1"));
	assert_null(json_pointer(v, "/tcbInfo/a/00"));
	arena_free(a);
}

static void allocation_failure_at_every_step_is_a_refusal(void **state)
{
	struct slice in = SLICE_LIT("{\"a\":[1,\"two\",{\"b\":null}],\"c\":\"\\u0041\"}");

	(void)state;
	for (uint64_t n = 1;; n++) {
		struct arena *a = arena_new(0);
		struct json *v = NULL;
		rc r;

		arena_fail_at(a, n);
		r = json_parse(a, in, NULL, &v, NULL);
		if (rc_ok(r)) {
			arena_free(a);
			assert_true(n > 5);
			break;
		}
		assert_int_equal(r.code, E_LIMIT);
		assert_null(v);
		arena_free(a);
	}
}

static void building_and_paths(void **state)
{
	struct arena *a = arena_new(0);
	struct json *o = json_new_object(a), *arr = json_new_array(a);

	(void)state;
	json_set_path(a, o, "quote.body.mr_td", json_new_hex(a, SLICE_LIT("\x01\xff")));
	json_set_path(a, o, "quote.body.x", json_new_u64(a, UINT64_MAX));
	json_push(a, arr, json_new_i64(a, -3));
	json_set(a, o, "list", arr);
	json_set(a, o, "list", json_new_bool(a, true));
	assert_true(slice_is(json_text(a, o), "{\"quote\":{\"body\":{\"mr_td\":\"01ff\",\"x\":18446744073709551615}},\"list\":true}"));
	assert_false(arena_bad(a));
	json_set(a, o, "bad", json_new_str(a, SLICE_LIT("\xff")));
	assert_true(arena_bad(a));
	arena_free(a);
}

static void integers_are_written_to_their_last_digit(void **state)
{
	static const int64_t rows[] = {0, 7, -1, 10, 99, 100, -1000, INT64_MAX, INT64_MIN};
	struct arena *a = arena_new(0);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char want[32];

		snprintf(want, sizeof(want), "%lld", (long long)rows[i]);
		assert_true(slice_is(json_new_i64(a, rows[i])->text, want));
		if (rows[i] >= 0)
			assert_true(slice_is(json_new_u64(a, (uint64_t)rows[i])->text, want));
	}
	assert_true(slice_is(json_new_u64(a, UINT64_MAX)->text, "18446744073709551615"));
	arena_free(a);
}

/* Text is read and written eight bytes at a time: what is special must be seen at each place of eight, and beside each other. */
static void what_is_special_is_seen_at_every_place(void **state)
{
	static const struct {
		uint8_t byte;
		const char *written;	/* NULL: refused when it stands in the source as it is */
	} rows[] = {{'"', "\\\""}, {'\\', "\\\\"}, {'\n', "\\n"}, {0x1f, "\\u001f"}, {0, "\\u0000"}, {0x7f, "\x7f"}, {'!', "!"}, {'#', "#"},
		    {' ', " "}, {']', "]"}, {'[', "["}};
	struct arena *a = arena_new(0);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t n = 1; n < 20; n++)
			for (size_t at = 0; at < n; at++) {
				struct arena_mark m = arena_mark(a);
				struct buf b = buf_in(a, 0), want = buf_in(a, 0);
				uint8_t text[20];
				struct json *v;
				rc r;

				memset(text, 'x', sizeof(text));
				text[at] = rows[i].byte;
				buf_printf(&want, "\"%.*s%s%.*s\"", (int)at, "xxxxxxxxxxxxxxxxxxxx", rows[i].written, (int)(n - at - 1),
					   "xxxxxxxxxxxxxxxxxxxx");
				json_write_quoted(&b, slice_of(text, n));
				assert_true(slice_eq(buf_view(&b), buf_view(&want)));
				assert_true(rc_ok(json_parse(a, buf_view(&b), NULL, &v, NULL)));
				assert_true(slice_eq(v->text, slice_of(text, n)));
				b = buf_in(a, 0);
				buf_putc(&b, '"');
				buf_put(&b, text, n);
				buf_putc(&b, '"');
				r = json_parse(a, buf_view(&b), NULL, &v, NULL);
				assert_int_equal(rc_ok(r), rows[i].byte >= 0x20 && rows[i].byte != '"' && rows[i].byte != '\\');
				arena_reset(a, m);
			}
	arena_free(a);
}

static void text_that_is_no_utf8_is_refused_at_every_place(void **state)
{
	static const char *const bad[] = {"\xff", "\x80", "\xc3", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc0\xaf"}, *const good[] = {"\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
	struct arena *a = arena_new(0);
	struct json *v;

	(void)state;
	for (int at = 0; at < 18; at++)
		for (int behind = 0; behind < 10; behind++) {
			for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
				const char *t = arena_printf(a, "\"%.*s%s%.*s\"", at, "xxxxxxxxxxxxxxxxxx", bad[i], behind, "xxxxxxxxxx");

				assert_int_equal(json_parse(a, slice_cstr(t), NULL, &v, NULL).code, E_MALFORMED);
			}
			for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
				const char *t = arena_printf(a, "\"%.*s%s%.*s\"", at, "xxxxxxxxxxxxxxxxxx", good[i], behind, "xxxxxxxxxx");

				assert_true(rc_ok(json_parse(a, slice_cstr(t), NULL, &v, NULL)));
				assert_true(slice_eq(v->text, slice_of(t + 1, strlen(t) - 2)));
			}
		}
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_are_written_to_their_last_digit),
		cmocka_unit_test(what_is_special_is_seen_at_every_place),
		cmocka_unit_test(text_that_is_no_utf8_is_refused_at_every_place),
		cmocka_unit_test(accepts_and_refuses_by_rfc8259),
		cmocka_unit_test(caps_on_depth_nodes_and_size_hold),
		cmocka_unit_test(large_objects_find_members_and_duplicates),
		cmocka_unit_test(a_name_that_stands_twice_is_refused_in_objects_of_any_size),
		cmocka_unit_test(canonical_form_follows_rfc8785),
		cmocka_unit_test(numbers_are_compared_by_exact_value),
		cmocka_unit_test(integers_at_their_limits),
		cmocka_unit_test(raw_slices_are_the_received_bytes),
		cmocka_unit_test(allocation_failure_at_every_step_is_a_refusal),
		cmocka_unit_test(building_and_paths),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
