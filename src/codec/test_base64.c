#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "codec/base64.h"

static void rfc4648_vectors_round_trip(void **state)
{
	static const struct {
		const char *plain, *std, *url;
	} row[] = {{"", "", ""}, {"f", "Zg==", "Zg"}, {"fo", "Zm8=", "Zm8"}, {"foo", "Zm9v", "Zm9v"},
		   {"foobar", "Zm9vYmFy", "Zm9vYmFy"}, {"\xfb\xff\xfe", "+//+", "-__-"}};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct arena *a = arena_new(0);
		struct slice out;

		assert_true(slice_is(b64_text(a, B64_STD, slice_cstr(row[i].plain)), row[i].std));
		assert_true(slice_is(b64_text(a, B64_URL, slice_cstr(row[i].plain)), row[i].url));
		assert_true(rc_ok(b64_decode(a, B64_STD, slice_cstr(row[i].std), &out, "t", NULL)));
		assert_true(slice_is(out, row[i].plain));
		assert_true(rc_ok(b64_decode(a, B64_URL, slice_cstr(row[i].url), &out, "t", NULL)));
		assert_true(slice_is(out, row[i].plain));
		arena_free(a);
	}
}

static void lenient_forms_are_refused(void **state)
{
	static const struct {
		enum b64 v;
		const char *in;
	} row[] = {{B64_STD, "Zg"}, {B64_STD, "Zg="}, {B64_STD, "Zg==="}, {B64_STD, "Zh=="}, {B64_STD, "Zm9="}, {B64_STD, "Z g="},
		   {B64_STD, "Zg==\n"}, {B64_STD, "-_-_"}, {B64_URL, "Zg=="}, {B64_URL, "+/+/"}, {B64_URL, "Z"},
		   {B64_URL, "Zh"}, {B64_STD, "===="}, {B64_STD, "=g=="}};
	struct arena *a = arena_new(0);
	struct slice out;

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct why w = why_in(a);

		assert_int_equal(b64_decode(a, row[i].v, slice_cstr(row[i].in), &out, "t", &w).code, E_MALFORMED);
		assert_string_equal(why_reason(&w), "base64.malformed");
	}
	arena_free(a);
}

static void hex_is_exact(void **state)
{
	struct arena *a = arena_new(0);
	struct slice out;
	uint8_t two[2];

	(void)state;
	assert_true(rc_ok(hex_decode(a, SLICE_LIT("00fFA1"), &out, "t", NULL)));
	assert_true(slice_eq(out, SLICE_LIT("\x00\xff\xa1")));
	assert_false(rc_ok(hex_decode(a, SLICE_LIT("0"), &out, "t", NULL)));
	assert_false(rc_ok(hex_decode(a, SLICE_LIT("0g"), &out, "t", NULL)));
	assert_false(rc_ok(hex_decode_into(SLICE_LIT("001122"), two, 2, "t", NULL)));
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc4648_vectors_round_trip),
		cmocka_unit_test(lenient_forms_are_refused),
		cmocka_unit_test(hex_is_exact),
	};

	return cmocka_run_group_tests_name("base64", tests, NULL, NULL);
}
