#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "evidence/memo.h"

static void forget(void *value)
{
	(*(int *)value)++;
}

static struct memo_key key_of(const char *kind, const uint8_t *byte)
{
	return (struct memo_key){.kind = kind, .part = {slice_of(byte, 1)}, .n = 1};
}

static uint8_t numbers[256];

static int number_them(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 256; i++)
		numbers[i] = (uint8_t)i;
	return 0;
}

static void a_value_is_found_by_kind_and_key(void **state)
{
	struct memo *m = memo_new(0);
	int a = 0, b = 0;
	struct memo_key chain = key_of("chain", &numbers[1]), crl = key_of("crl", &numbers[1]), none = key_of("chain", &numbers[2]);

	(void)state;
	memo_put(m, &chain, &a, forget);
	memo_put(m, &crl, &b, forget);
	assert_ptr_equal(memo_get(m, &chain), &a);
	assert_ptr_equal(memo_get(m, &crl), &b);
	assert_null(memo_get(m, &none));
	assert_null(memo_get(NULL, &chain));
	assert_int_equal(memo_count(m), 2);
	assert_null(memo_free(m));
	assert_int_equal(a, 1);
	assert_int_equal(b, 1);
}

/* The same bytes, cut in another place, are another key. */
static void a_byte_cannot_move_from_one_part_to_the_next(void **state)
{
	static const uint8_t bytes[] = "abcdef";
	struct memo *m = memo_new(0);
	int a = 0;
	struct memo_key three = {.kind = "k", .part = {slice_of(bytes, 3), slice_of(bytes + 3, 3)}, .n = 2};
	struct memo_key four = {.kind = "k", .part = {slice_of(bytes, 4), slice_of(bytes + 4, 2)}, .n = 2};
	struct memo_key one = {.kind = "k", .part = {slice_of(bytes, 6)}, .n = 1};
	struct memo_key with_empty = {.kind = "k", .part = {slice_of(bytes, 3), {NULL, 0}, slice_of(bytes + 3, 3)}, .n = 3};

	(void)state;
	memo_put(m, &three, &a, forget);
	assert_ptr_equal(memo_get(m, &three), &a);
	assert_null(memo_get(m, &four));
	assert_null(memo_get(m, &one));
	assert_null(memo_get(m, &with_empty));
	memo_free(m);
}

static void the_one_unused_for_longest_leaves(void **state)
{
	struct memo *m = memo_new(MEMO_MIN);
	int gone[MEMO_MIN + 1] = {0};
	struct memo_key zero = key_of("k", &numbers[0]), one = key_of("k", &numbers[1]);

	(void)state;
	for (unsigned i = 0; i <= MEMO_MIN; i++) {
		struct memo_key k = key_of("k", &numbers[i]);

		memo_put(m, &k, &gone[i], forget);
		if (i < MEMO_MIN)
			assert_non_null(memo_get(m, &zero));
	}
	assert_int_equal(memo_count(m), MEMO_MIN);
	assert_int_equal(gone[0], 0);
	assert_int_equal(gone[1], 1);
	assert_null(memo_get(m, &one));
	memo_free(m);
}

/* What a verdict holds must outlive the other values of the same verdict. */
static void a_value_outlives_the_promised_number_of_puts(void **state)
{
	struct memo *m = memo_new(MEMO_MIN);
	int gone[2 * MEMO_MIN] = {0};

	(void)state;
	for (unsigned i = 0; i < 2 * MEMO_MIN - 1; i++) {
		struct memo_key k = key_of("k", &numbers[i]);

		memo_put(m, &k, &gone[i], forget);
	}
	assert_int_equal(gone[MEMO_MIN - 1], 0);
	assert_int_equal(gone[MEMO_MIN - 2], 1);
	memo_free(m);
}

static void the_same_key_again_replaces(void **state)
{
	struct memo *m = memo_new(MEMO_MIN);
	int a = 0, b = 0;
	struct memo_key k = key_of("k", &numbers[1]);

	(void)state;
	memo_put(m, &k, &a, forget);
	memo_put(m, &k, &b, forget);
	assert_int_equal(a, 1);
	assert_ptr_equal(memo_get(m, &k), &b);
	assert_int_equal(memo_count(m), 1);
	memo_free(m);
}

/* A flood of chains that anybody can make leaves what was proven where it is. */
static void claimed_values_do_not_push_out_proven_ones(void **state)
{
	struct memo *m = memo_new(2 * MEMO_MIN);
	int gone[256] = {0};

	(void)state;
	for (unsigned i = 0; i < MEMO_MIN; i++) {
		struct memo_key k = key_of("k", &numbers[i]);

		memo_put(m, &k, &gone[i], forget);
		memo_prove(m, &k);
	}
	for (unsigned i = MEMO_MIN; i < 256; i++) {
		struct memo_key k = key_of("k", &numbers[i]);

		memo_put(m, &k, &gone[i], forget);
	}
	for (unsigned i = 0; i < MEMO_MIN; i++)
		assert_int_equal(gone[i], 0);
	assert_int_equal(gone[MEMO_MIN], 1);
	assert_int_equal(gone[255], 0);
	memo_free(m);
}

/* Keys are capped together: a value whose key has no room is owned, and never found. */
static void keys_beyond_the_cap_are_not_kept(void **state)
{
	struct memo *m = memo_new(MEMO_MIN);
	uint8_t *big = calloc(1, MEMO_KEY_MAX);
	int a = 0, b = 0;
	struct memo_key whole = {.kind = "k", .part = {slice_of(big, MEMO_KEY_MAX)}, .n = 1}, one = key_of("k", &numbers[1]);

	(void)state;
	assert_non_null(big);
	memo_put(m, &whole, &a, forget);
	assert_ptr_equal(memo_get(m, &whole), &a);
	memo_put(m, &one, &b, forget);
	assert_null(memo_get(m, &one));
	assert_int_equal(b, 0);
	memo_free(m);
	assert_int_equal(b, 1);
	free(big);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_value_is_found_by_kind_and_key),
		cmocka_unit_test(a_byte_cannot_move_from_one_part_to_the_next),
		cmocka_unit_test(the_one_unused_for_longest_leaves),
		cmocka_unit_test(a_value_outlives_the_promised_number_of_puts),
		cmocka_unit_test(the_same_key_again_replaces),
		cmocka_unit_test(claimed_values_do_not_push_out_proven_ones),
		cmocka_unit_test(keys_beyond_the_cap_are_not_kept),
	};

	return cmocka_run_group_tests(tests, number_them, NULL);
}
