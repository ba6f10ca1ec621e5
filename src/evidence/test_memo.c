#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "evidence/memo.h"

static void forget(void *value)
{
	(*(int *)value)++;
}

static void a_value_is_found_by_kind_and_key(void **state)
{
	struct memo *m = memo_new(0);
	int a = 0, b = 0;
	uint8_t one[32] = {1}, two[32] = {2};

	(void)state;
	memo_put(m, "chain", one, &a, forget);
	memo_put(m, "crl", one, &b, forget);
	assert_ptr_equal(memo_get(m, "chain", one), &a);
	assert_ptr_equal(memo_get(m, "crl", one), &b);
	assert_null(memo_get(m, "chain", two));
	assert_int_equal(memo_count(m), 2);
	assert_null(memo_free(m));
	assert_int_equal(a, 1);
	assert_int_equal(b, 1);
}

static void the_one_unused_for_longest_leaves(void **state)
{
	struct memo *m = memo_new(MEMO_MIN);
	int gone[MEMO_MIN + 1] = {0};

	(void)state;
	for (uint8_t i = 0; i < MEMO_MIN; i++)
		memo_put(m, "k", (uint8_t[32]){i}, &gone[i], forget);
	assert_non_null(memo_get(m, "k", (uint8_t[32]){0}));
	memo_put(m, "k", (uint8_t[32]){MEMO_MIN}, &gone[MEMO_MIN], forget);
	assert_int_equal(memo_count(m), MEMO_MIN);
	assert_int_equal(gone[0], 0);
	assert_int_equal(gone[1], 1);
	assert_null(memo_get(m, "k", (uint8_t[32]){1}));
	memo_free(m);
}

/* What a verdict holds must outlive the other values of the same verdict. */
static void a_value_outlives_the_promised_number_of_puts(void **state)
{
	struct memo *m = memo_new(MEMO_MIN);
	int gone[2 * MEMO_MIN] = {0};

	(void)state;
	for (uint8_t i = 0; i < 2 * MEMO_MIN - 1; i++)
		memo_put(m, "k", (uint8_t[32]){i}, &gone[i], forget);
	assert_int_equal(gone[MEMO_MIN - 1], 0);
	assert_int_equal(gone[MEMO_MIN - 2], 1);
	memo_free(m);
}

static void the_same_key_again_replaces(void **state)
{
	struct memo *m = memo_new(MEMO_MIN);
	int a = 0, b = 0;

	(void)state;
	memo_put(m, "k", (uint8_t[32]){1}, &a, forget);
	memo_put(m, "k", (uint8_t[32]){1}, &b, forget);
	assert_int_equal(a, 1);
	assert_ptr_equal(memo_get(m, "k", (uint8_t[32]){1}), &b);
	assert_int_equal(memo_count(m), 1);
	memo_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_is_found_by_kind_and_key),
		cmocka_unit_test(the_one_unused_for_longest_leaves),
		cmocka_unit_test(a_value_outlives_the_promised_number_of_puts),
		cmocka_unit_test(the_same_key_again_replaces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
