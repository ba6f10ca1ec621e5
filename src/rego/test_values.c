/* Values: order, numbers, text, collections. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "rego/value.h"

static struct arena *arena;
static struct rv_heap heap;

static int setup(void **state)
{
	(void)state;
	arena = arena_new(0);
	heap = rv_heap_in(arena, 0);
	return arena ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	arena = arena_free(arena);
	return 0;
}

static struct rv json(const char *text)
{
	struct rv v = rv_from_json(&heap, slice_cstr(text), NULL, NULL, NULL);

	assert_int_not_equal(v.kind, RV_UNDEF);
	return v;
}

static const char *shown(struct rv v)
{
	struct rv t = rv_text_value(&heap, v);

	assert_int_equal(t.kind, RV_STRING);
	return t.str->p;
}

static void the_order_of_all_kinds_is_that_of_the_language(void **state)
{
	static const char *const in_order[] = {"null", "false", "true", "-1e400", "-2", "-1.5", "0", "0.1234567890123456788",
					       "0.1234567890123456789", "1", "9007199254740993", "18446744073709551616", "1e399",
					       "1e400", "\"\"", "\"a\"", "\"aa\"", "\"b\"", "[]", "[1]", "[1,1]", "[2]", "{}",
					       "{\"a\":1}", "{\"a\":1,\"b\":0}", "{\"a\":2}", "{\"b\":0}"};
	size_t n = sizeof(in_order) / sizeof(*in_order);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < n; k++) {
			int c = rv_cmp(json(in_order[i]), json(in_order[k]));

			assert_int_equal((c > 0) - (c < 0), (i > k) - (i < k));
			assert_int_equal(rv_eq(json(in_order[i]), json(in_order[k])), i == k);
		}
	}
}

static void one_number_has_one_hash_and_one_place_however_it_is_written(void **state)
{
	static const char *const same[][2] = {{"1", "1.0"}, {"1", "1e0"}, {"0", "-0"}, {"100", "1e2"}, {"1.50", "1.5"},
					      {"1e30", "1000000000000000000000000000000"}, {"0.001", "1e-3"}};

	(void)state;
	for (size_t i = 0; i < sizeof(same) / sizeof(*same); i++) {
		struct rv_builder b = rv_set_builder(&heap, 0);

		assert_true(rv_eq(json(same[i][0]), json(same[i][1])));
		assert_int_equal(rv_hash(json(same[i][0])), rv_hash(json(same[i][1])));
		assert_true(rv_set_add(&b, json(same[i][0])));
		assert_false(rv_set_add(&b, json(same[i][1])));
	}
}

static void numbers_keep_their_text(void **state)
{
	static const char *const texts[] = {"1.50", "1e3", "-0", "0.10", "123456789012345678901234567890", "1E+2"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert_string_equal(shown(json(texts[i])), texts[i]);
}

static void arithmetic_is_exact_on_integers_and_64_bit_floats_otherwise(void **state)
{
	static const struct {
		const char *a, *op, *b, *want;
	} cases[] = {{"1", "+", "2", "3"}, {"9223372036854775807", "+", "1", "9223372036854775808"},
		     {"9223372036854775808", "-", "1", "9223372036854775807"}, {"1e30", "*", "1e30",
		     "1000000000000000000000000000000000000000000000000000000000000"}, {"0.1", "+", "0.2", "0.3"},
		     {"1", "/", "3", "0.33333333333333333334"}, {"6", "/", "3", "2"}, {"1", "/", "4", "0.25"}, {"-7", "%", "3", "-1"},
		     {"4.0", "+", "1", "5"}, {"1234567", "+", "0.5", "1.2345675e+06"}, {"0.000015", "+", "0.5", "0.500015"},
		     /* whole and large: the digits that tell it, then zeros */
		     {"123456789012345678901234567890", "/", "1", "123456789012345678900000000000"},
		     {"99999999999999999999.5", "-", "100", "99999999999999999900"}, {"-0.0", "*", "1.5", "-0"}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_string_equal(shown(rv_arith(&heap, cases[i].op[0], json(cases[i].a), json(cases[i].b))), cases[i].want);
	assert_int_equal(rv_arith(&heap, '/', rv_int(1), rv_int(0)).kind, RV_UNDEF);
	assert_int_equal(rv_arith(&heap, '%', rv_int(1), json("0.5")).kind, RV_UNDEF);
}

static void numbers_beyond_the_caps_are_refused_before_they_are_made(void **state)
{
	struct rv big = json("1e99999");

	(void)state;
	assert_int_equal(rv_arith(&heap, '*', big, big).kind, RV_UNDEF);
	assert_int_equal(rv_number(&heap, slice_cstr("1e100001")).kind, RV_UNDEF);
	assert_int_equal(rv_number(&heap, slice_cstr("01")).kind, RV_UNDEF);
	assert_int_equal(rv_number(&heap, slice_cstr("1.")).kind, RV_UNDEF);
	assert_false(rv_heap_bad(&heap));
}

static void objects_and_sets_find_what_was_put_in_and_iterate_in_order(void **state)
{
	struct rv_builder b = rv_object_builder(&heap, 0);
	struct rv o;

	(void)state;
	for (int i = 999; i >= 0; i--)
		rv_object_put(&b, rv_int(i * 7 % 1000), rv_int(i));
	o = rv_builder_done(&b);
	assert_int_equal(rv_len(o), 1000);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(rv_get(o, rv_int(i * 7 % 1000))->i, i);
	rv_sort(o);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(rv_key(o, (size_t)i).i, i);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(rv_get(o, rv_int(i * 7 % 1000))->i, i);
	assert_null(rv_get(o, rv_int(1000)));
}

static void json_that_is_not_json_is_refused(void **state)
{
	static const char *const bad[] = {"", "{", "[1,]", "{\"a\" 1}", "tru", "1 2", "\"\x01\"", "\"\\x\"", "[1", "{\"a\":1,}",
					  "-", "+1", "\"\xff\"", "nan"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		const char *err = NULL;

		assert_int_equal(rv_from_json(&heap, slice_cstr(bad[i]), NULL, &err, NULL).kind, RV_UNDEF);
		assert_non_null(err);
	}
}

static void a_value_may_neither_nest_nor_weigh_without_end(void **state)
{
	struct rv v = rv_null();
	unsigned i;

	(void)state;
	for (i = 0; i < 2 * RV_MAX_DEPTH && v.kind != RV_UNDEF; i++)
		v = rv_array(&heap, &v, 1);
	assert_int_equal(i, RV_MAX_DEPTH + 1);
	assert_true(heap.deep);
	heap = rv_heap_in(arena, 0);
	v = rv_null();
	for (i = 0; i < 64 && v.kind != RV_UNDEF; i++) {
		struct rv two[2] = {v, v};

		v = rv_array(&heap, two, 2);
	}
	assert_in_range(i, 20, 24);
	assert_true(heap.deep);
}

static void without_memory_there_is_no_value_and_no_crash(void **state)
{
	static const char text[] = "{\"a\": [1, 2.5, \"x\\n\", {\"b\": null}], \"c\": [[], {}, true], \"d\": 123456789012345678901}";

	(void)state;
	for (uint64_t n = 1; n < 20; n++) {
		struct arena *a = arena_new(0);
		struct rv_heap h = rv_heap_in(a, 0);
		struct rv v;

		h.chunk = 64;	/* so that the arena is asked often */
		arena_fail_at(a, n);
		v = rv_from_json(&h, slice_cstr(text), NULL, NULL, NULL);
		if (v.kind != RV_UNDEF)
			assert_true(rv_eq(v, json(text)));
		else
			assert_true(h.bad);
		arena_free(a);
	}
}

static void rego_text_is_as_in_source(void **state)
{
	struct rv_builder b = rv_set_builder(&heap, 0);

	(void)state;
	assert_string_equal(shown(rv_builder_done(&b)), "set()");
	rv_set_add(&b, rv_int(2));
	rv_set_add(&b, rv_cstr(&heap, "a\"\n"));
	assert_string_equal(shown(rv_builder_done(&b)), "{2, \"a\\\"\\n\"}");
	assert_string_equal(shown(json("{\"b\":[1,null],\"a\":{}}")), "{\"a\": {}, \"b\": [1, null]}");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(the_order_of_all_kinds_is_that_of_the_language),
		T(one_number_has_one_hash_and_one_place_however_it_is_written),
		T(numbers_keep_their_text),
		T(arithmetic_is_exact_on_integers_and_64_bit_floats_otherwise),
		T(numbers_beyond_the_caps_are_refused_before_they_are_made),
		T(objects_and_sets_find_what_was_put_in_and_iterate_in_order),
		T(json_that_is_not_json_is_refused),
		T(a_value_may_neither_nest_nor_weigh_without_end),
		T(without_memory_there_is_no_value_and_no_crash),
		T(rego_text_is_as_in_source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
