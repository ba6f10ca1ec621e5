#include "evidence/test_shared.h"

#include "evidence/job.h"
#include "evidence/pins.h"

static struct vjob job_in(struct arena *a, struct why *w)
{
	*w = why_in(a);
	return (struct vjob){.arena = a, .why = w};
}

static void report_data_is_compared_as_its_field_says(void **state)
{
	static const struct {
		const char *found;
		size_t found_n;
		const char *expected;
		enum vfit fit;
		bool ok;
	} row[] = {
		{"abcd", 4, "abcd", FIT_EXACT, true},	 {"abc\0", 4, "abc", FIT_EXACT, false},
		{"abc\0", 4, "abc", FIT_ZERO_PAD, true}, {"abcx", 4, "abc", FIT_ZERO_PAD, false},
		{"abcd", 4, "abcde", FIT_ZERO_PAD, false}, /* a longer digest is never cut unasked */
		{"abcd", 4, "abcde", FIT_FIRST, true},	 {"abc\0", 4, "abc", FIT_FIRST, true},
		{"abcd", 4, "abc", FIT_FIRST, false},	 {"abcd", 4, "abxd", FIT_FIRST, false},
		{"", 0, "a", FIT_ZERO_PAD, false},	 {"\0\0", 2, "", FIT_ZERO_PAD, true},
	};
	struct arena *a = arena_new(0);

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct slice found = slice_of(row[i].found, row[i].found_n);
		struct why w;
		struct vjob job = job_in(a, &w);

		job.report_data[0] = SLICE_LIT("something else");
		job.report_data[1] = slice_cstr(row[i].expected);
		job.report_data_n = 2;	/* any of them is right */
		if (rc_ok(vjob_check_report_data(&job, found, row[i].fit, "t.report-data-mismatch")) != row[i].ok)
			fail_msg("row %zu", i);
		job.init_data = slice_cstr(row[i].expected);
		assert_int_equal(rc_ok(vjob_check_init_data(&job, found, row[i].fit, "t.init-data-mismatch")), row[i].ok);
		if (!row[i].ok)
			assert_string_equal(why_reason(&w), "t.init-data-mismatch");
		job.report_data_n = 0;
		job.init_data = (struct slice){0};
		assert_true(rc_ok(vjob_check_report_data(&job, found, row[i].fit, "t")));
		assert_true(rc_ok(vjob_check_init_data(&job, found, row[i].fit, "t")));
	}
	arena_free(a);
}

static void collateral_is_named_once_and_capped(void **state)
{
	struct arena *a = arena_new(0);
	struct why w;
	struct vjob job = job_in(a, &w);

	(void)state;
	for (unsigned i = 0; i < VJOB_WANTS_MAX; i++) {
		const char *key = arena_printf(a, "%u", i);

		assert_true(rc_ok(vjob_want(&job, "k", key)) && rc_ok(vjob_want(&job, "k", key)));
	}
	assert_int_equal(job.wants_n, VJOB_WANTS_MAX);
	assert_false(rc_ok(vjob_want(&job, "other", "0")));
	assert_string_equal(why_reason(&w), "job.wants");
	for (unsigned i = 0; i < VJOB_RESULTS_MAX; i++)
		assert_non_null(vjob_result(&job, "gpu"));
	assert_null(vjob_result(&job, "gpu"));
	arena_free(a);
}

static void collateral_is_found_by_kind_and_key(void **state)
{
	const struct vcollateral have[] = {{"a", "1", SLICE_LIT("x")}, {"a", "2", SLICE_LIT("y")}, {"b", "", {0}}};
	struct vjob job = {.collateral = have, .collateral_n = 3};

	(void)state;
	assert_true(slice_is(vjob_collateral(&job, "a", "2"), "y"));
	assert_true(slice_is(vjob_collateral(&job, "a", NULL), "x"));
	assert_null(vjob_collateral(&job, "a", "3").p);
	assert_null(vjob_collateral(&job, "b", "").p);
}

static void anchors_are_pins_and_what_is_configured(void **state)
{
	struct vanchor own = {.set = "mine", .sha256 = {1}};
	struct vjob job = {.anchors = &own, .anchors_n = 1};
	uint8_t sha[32];

	(void)state;
	assert_true(vjob_anchor(&job, "mine", own.sha256));
	assert_false(vjob_anchor(&job, "other", own.sha256));
	assert_true(pins_n > 0);
	for (size_t i = 0; i < pins_n; i++) {
		assert_true(rc_ok(hex_decode_into(slice_cstr(pins[i].sha256), sha, 32, "pin", NULL)));
		assert_true(vjob_anchor(&job, pins[i].set, sha));
		assert_false(vjob_anchor(&job, "mine", sha));
		job.only_configured_anchors = true;
		assert_false(vjob_anchor(&job, pins[i].set, sha));
		job.only_configured_anchors = false;
		sha[31] ^= 1;
		assert_false(vjob_anchor(&job, pins[i].set, sha));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(report_data_is_compared_as_its_field_says),
		cmocka_unit_test(collateral_is_named_once_and_capped),
		cmocka_unit_test(collateral_is_found_by_kind_and_key),
		cmocka_unit_test(anchors_are_pins_and_what_is_configured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
