/* Input that is read when it is touched: the same values as when all is read at once, and the same refusals, whatever the processor. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/num.h"
#include "rego/lazy.h"
#include "rego/scan.h"

static struct arena *arena;
static struct rv_heap heap;

static int setup(void **state)
{
	(void)state;
	arena = arena_new((size_t)256 << 20);
	heap = rv_heap_in(arena, 0);
	return arena ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	arena = arena_free(arena);
	return 0;
}

static struct rv source(struct slice text, const struct tape *tape)
{
	struct rv_source *s = rv_alloc(&heap, sizeof(*s));

	*s = (struct rv_source){.heap = &heap, .text = text, .tape = tape};
	return lazy_value(s, 0);
}

static const char *json_of(struct rv v)
{
	struct buf b = buf_in(arena, 0);

	rv_to_json(&b, v);
	return buf_cstr(&b);
}

/* In memory of its own size, so that the sanitizer sees a look behind the end. Returns whether the index was made. */
static bool same(const void *text, size_t n)
{
	uint8_t *exact = malloc(n ? n : 1);
	struct slice s = {exact, n};
	struct rv eager;
	bool made = false;

	assert_non_null(exact);
	memcpy(exact, text, n);
	eager = rv_from_json(&heap, s, NULL, NULL, NULL);
	for (int level = SCAN_WORDS; level <= (int)scan_best(); level++) {
		const struct tape *tape = lazy_index(&heap, s, level);

		if (level == SCAN_WORDS)
			made = tape != NULL;
		if ((tape != NULL) != made || (tape && eager.kind == RV_UNDEF))
			fail_msg("level %d %s what %s: %.*s", level, tape ? "takes" : "refuses", eager.kind ? "is JSON" : "is none", (int)n,
				 (const char *)text);
		if (tape) {
			assert_true(rv_eq(source(s, tape), eager));
			assert_int_equal(rv_cmp(eager, source(s, tape)), 0);
			assert_int_equal(rv_hash(source(s, tape)), rv_hash(eager));
			assert_int_equal(rv_depth(source(s, tape)), rv_depth(eager));
			assert_true(rv_weight(source(s, tape)) + 1 >= rv_len(eager));
			assert_string_equal(json_of(source(s, tape)), json_of(eager));
		}
	}
	assert_false(rv_heap_bad(&heap));
	free(exact);
	return made;
}

static const char *const good[] = {
	"{}", "[]", " [ ] ", "\n{\t}\r\n", "[1]", "[-0]", "[0.5e-10,1E+2,12345678901234567890123]", "[true,false,null]", "[[],{},[[]]]",
	"{\"a\":1}", "{ \"a\" : { \"b\" : [ 1 , \"two\" , null ] } , \"c\" : false }", "{\"\":\"\"}", "[\"\\\"\"]", "[\"\\\\\"]",
	"[\"\\u0041\\ud83d\\ude00\\ud800x\\n\\/\"]", "{\"k\\u0065y\":1,\"key\":2}", "{\"a\":1,\"a\":2,\"b\":3,\"a\":{\"c\":[]}}",
	"[\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"]", "{\"\xc3\xa9\":\"\x7f\"}", "[\"]\",\"}\",\",\",\":\"]",
	"{\"a\":[{\"b\":1},{\"b\":2},{\"b\":3}],\"long\":\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789\"}",
};

static void what_is_json_gives_the_same_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++)
		if (!same(good[i], strlen(good[i])))
			fail_msg("not taken: %s", good[i]);
}

static void what_is_no_json_is_refused(void **state)
{
	static const char *const bad[] = {
		"", " ", "{", "[", "}", "]", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "{,}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{\"a\" 1}", "{a:1}",
		"{1:2}", "[1]]", "[1}", "{\"a\":1]", "{}{}", "[] 1", "1]", "\"a\"]", "true]", ",]", "[01]", "[-]", "[+1]", "[1.]", "[.5]", "[1e]",
		"[1e+]", "[0x1]", "[tru]", "[truee]", "[nul]", "[True]", "[fals]", "[\"a]", "[\"a\\\"]", "[\"\\x\"]", "[\"\\u12g4\"]", "[\"\\u123\"]",
		"[\"\\\"]", "[\\\"a\\\"]", "[\"a\"\\]", "[\"\n\"]", "[\"\x1f\"]", "[\x01]", "[\"\xff\"]", "[\"\xc0\x80\"]", "[\"\xed\xa0\x80\"]", "[\xc3\xa9]",
		"[\"a\"\"b\"]", "[\"a\",\"b\" \"c\"]", "{\"a\":1 \"b\":2}", "[1,\v2]", "[[[[]]]", "{\"a\":{\"b\":{}}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(same(bad[i], strlen(bad[i])));
	assert_false(same("[\"\0\"]", 5));
	assert_false(same("[1]\0", 4));
}

/* Everything that a block of 64 bytes can cut in two. */
static void blocks_and_chunks_cut_nothing(void **state)
{
	static const char *const piece[] = {"\"\\\"\"", "\"\\\\\"", "\"\\u0041\"", "\"\xe2\x82\xac\"", "\"ab\"", "-12.5e3", "false", "{\"k\":[]}",
					    "\"\x01\"", "\"\\q\"", "\"\xff\"", "\"\\u00\"", "\\\"\"", "\"\\\\\\\"\\\\\""};
	char *text = malloc(3000);

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < COUNT_OF(piece); i++) {
		for (size_t pad = 0; pad < 1300; pad += pad < 150 || pad > 980 ? 1 : 64) {
			for (int in_string = 0; in_string < 2; in_string++) {
				int n = snprintf(text, 3000, "[%s%*s%s%s , %s,\"%*s\",%s]", in_string ? "\"" : "", (int)pad, "", in_string ? "\"," : "",
						 piece[i], piece[i], (int)(pad % 71), "", piece[i]);

				assert_int_equal(same(text, (size_t)n), i < 8 || i == 13);
			}
		}
	}
	free(text);
}

static void changed_bytes_are_judged_alike(void **state)
{
	static const char set[] = "\"\\{}[],: \n\x01\xc3\xa9" "0e-tfn.u";
	uint32_t seed = 12345;
	char text[256];

	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		const char *from = good[round % COUNT_OF(good)];
		size_t n = strlen(from);

		memcpy(text, from, n);
		for (unsigned k = 0; k <= round % 3 && n; k++) {
			seed = seed * 1664525u + 1013904223u;
			text[(seed >> 8) % n] = set[(seed >> 24) % (sizeof(set) - 1)];
		}
		same(text, n);
		if (round % 500 == 0) {
			teardown(NULL);
			setup(NULL);
		}
	}
}

static void nesting_is_capped_as_it_is_for_all_values(void **state)
{
	char text[2 * RV_MAX_DEPTH + 2];

	(void)state;
	memset(text, '[', RV_MAX_DEPTH + 1);
	memset(text + RV_MAX_DEPTH + 1, ']', RV_MAX_DEPTH + 1);
	assert_false(same(text, sizeof(text)));
	assert_true(same(text + 1, sizeof(text) - 2));
}

/* What the index leaves to the other reader, which is exact about it. */
static void unusual_texts_are_read_all_the_same(void **state)
{
	static const char *const text[] = {"1", "\"a\"", "null", " true ",
					   "[123456789012345678901234567890123456789012345678901234567890123456789]", "[1e99999]"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(text); i++) {
		assert_false(same(text[i], strlen(text[i])));
		assert_int_not_equal(rv_lazy_json(&heap, slice_cstr(text[i]), NULL, NULL).kind, RV_UNDEF);
	}
	assert_int_equal(rv_lazy_json(&heap, slice_cstr("[1e100001]"), NULL, NULL).kind, RV_UNDEF);
	assert_false(rv_heap_bad(&heap));
}

static void an_error_is_told_with_its_place(void **state)
{
	const char *err = NULL;
	size_t at = 0;

	(void)state;
	assert_int_equal(rv_lazy_json(&heap, slice_cstr("{\"a\": [1, 2}"), &err, &at).kind, RV_UNDEF);
	assert_string_equal(err, "invalid character after array element");
	assert_int_equal(at, 12);
}

/* A closed object answers for scalars without being read, and always with the last of equal keys. */
static void steps_into_closed_objects_find_what_is_there(void **state)
{
	static const char text[] = "{\"a\":1,\"b\":{\"c\":[10,20]},\"a\":\"last\",\"n\":null,\"\\u0065\":5}";
	struct rv v, b, key = rv_cstr(&heap, "a");

	(void)state;
	v = rv_lazy_json(&heap, slice_cstr(text), NULL, NULL);
	for (int i = 0; i < 20; i++) {
		assert_true(rv_is_str(rv_step(v, key), "last"));
		assert_int_equal(rv_step(v, rv_cstr(&heap, "missing")).kind, RV_UNDEF);
		assert_int_equal(rv_step(v, rv_cstr(&heap, "e")).i, 5);
		assert_int_equal(rv_step(v, rv_int(1)).kind, RV_UNDEF);
	}
	v = rv_lazy_json(&heap, slice_cstr(text), NULL, NULL);
	b = rv_step(v, rv_cstr(&heap, "b"));
	assert_true(rv_is_lazy(b));
	assert_ptr_equal(rv_step(v, rv_cstr(&heap, "b")).coll, b.coll);
	assert_int_equal(rv_step(rv_step(b, rv_cstr(&heap, "c")), rv_int(1)).i, 20);
	assert_int_equal(rv_step(rv_step(b, rv_cstr(&heap, "c")), rv_int(2)).kind, RV_UNDEF);
	assert_int_equal(rv_len(v), 4);
	assert_true(rv_is_lazy(v));
	rv_open_all(v);
	assert_false(rv_is_lazy(v));
	assert_false(rv_is_lazy(b));
}

static void what_is_built_of_unread_values_knows_it(void **state)
{
	struct rv v = rv_lazy_json(&heap, slice_cstr("[[1],{\"a\":[2]}]"), NULL, NULL), two[2] = {v, rv_int(1)}, arr, o;
	struct rv_builder b = rv_object_builder(&heap, 0);

	(void)state;
	arr = rv_array(&heap, two, 2);
	assert_true(rv_is_lazy(arr));
	rv_object_put(&b, rv_int(1), rv_null());
	assert_false(rv_is_lazy(rv_builder_done(&b)));
	rv_object_put(&b, rv_int(1), arr);
	o = rv_builder_done(&b);
	assert_true(rv_is_lazy(o));
	rv_open_all(o);
	assert_false(rv_is_lazy(v) || rv_is_lazy(arr) || rv_is_lazy(o));
	assert_string_equal(json_of(o), "{\"1\":[[[1],{\"a\":[2]}],1]}");
}

static void without_memory_the_heap_says_so(void **state)
{
	static const char text[] = "{\"a\": [1, 2.5, \"x\\n\", {\"b\": null}], \"c\": [[], {}, true], \"d\": 123456789012345678901}";
	unsigned good_runs = 0;

	(void)state;
	for (uint64_t n = 1; n < 60; n++) {
		struct arena *a = arena_new(0);
		struct rv_heap h = rv_heap_in(a, 0);
		struct rv v;

		h.chunk = 64;	/* so that the arena is asked often */
		arena_fail_at(a, n);
		v = rv_lazy_json(&h, slice_cstr(text), NULL, NULL);
		if (v.kind != RV_UNDEF)
			rv_open_all(v);
		if (!rv_heap_bad(&h)) {
			assert_true(rv_eq(v, rv_from_json(&heap, slice_cstr(text), NULL, NULL, NULL)));
			good_runs++;
		}
		arena_free(a);
	}
	assert_in_range(good_runs, 10, 55);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(what_is_json_gives_the_same_values),
		T(what_is_no_json_is_refused),
		T(blocks_and_chunks_cut_nothing),
		T(changed_bytes_are_judged_alike),
		T(nesting_is_capped_as_it_is_for_all_values),
		T(unusual_texts_are_read_all_the_same),
		T(an_error_is_told_with_its_place),
		T(steps_into_closed_objects_find_what_is_there),
		T(what_is_built_of_unread_values_knows_it),
		T(without_memory_the_heap_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
