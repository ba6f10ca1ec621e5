/* The wrapper for services: documents go in and results come out without text in between. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/num.h"
#include "rego/host.h"
#include "rego/unit.h"

static void reference(void *ctx, struct rego_host_call *c)
{
	host_reply_parsed(c, ctx);
}

static const struct rego_host_fn fns[] = {{"reference", 1, 0, reference}};

static struct rego_unit *unit(const char *text, struct why *w)
{
	static const char *const queries[] = {"data.p.x"};
	struct rego_unit *u;

	if (!rc_ok(rego_unit_new("p.rego", slice_cstr(text), fns, 1, queries, 1, "test.policy", &u, w)))
		fail_msg("%s", why_text(w));
	return u;
}

static const struct json *doc(struct arena *a, const char *text)
{
	struct why w = why_in(a);
	struct json *v;

	if (!rc_ok(json_parse(a, slice_cstr(text), NULL, &v, &w)))
		fail_msg("%s", why_text(&w));
	return v;
}

static const struct {
	const char *policy, *input, *want;	/* want NULL: undefined */
} table[] = {
	{"package p\nx := input.a", "{\"a\": 12345678901234567890123}", "12345678901234567890123"},
	{"package p\nx := input.a", "{\"a\": 1.50}", "1.50"},
	{"package p\nx := input", "{\"b\": [null, true, {\"c\": \"\\u00e9\"}], \"a\": {}}", "{\"a\":{},\"b\":[null,true,{\"c\":\"\xc3\xa9\"}]}"},
	{"package p\nx := {v | some v in input}", "[3, 1, 2, 1]", "[1,2,3]"},
	{"package p\nx := {1: \"a\", [2]: \"b\"}", "null", "{\"1\":\"a\",\"[2]\":\"b\"}"},
	{"package p\nx := base64.decode(\"/zEy\")", "null", "\"\xef\xbf\xbd" "12\""},
	{"package p\nx := {base64.decode(\"/w==\"): 1}", "null", "{\"\xef\xbf\xbd\":1}"},
	{"package p\nx := reference(\"n\")", "null", "{\"n\":[7]}"},
	{"package p\nx := input.missing", "{}", NULL},
	{"package p\nx if false", "{}", NULL},
};

static void results_are_those_that_text_would_have_given(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(table); i++) {
		struct arena *a = arena_new(0);
		struct why w = why_in(a);
		struct rego_unit *u = unit(table[i].policy, &w);
		struct rego_unit_call call = {.input = doc(a, table[i].input), .host_ctx = (void *)(uintptr_t)doc(a, "{\"n\": [7]}")};
		struct rego_unit_result out;

		if (!rc_ok(rego_unit_eval(u, &call, a, &out, &w)))
			fail_msg("row %zu: %s", i, why_text(&w));
		if (table[i].want) {
			assert_non_null(out.value);
			assert_string_equal((const char *)json_text(a, out.value).p, table[i].want);
			assert_true(json_equal(out.value, doc(a, table[i].want)));
		} else {
			assert_null(out.value);
		}
		rego_unit_free(u);
		arena_free(a);
	}
}

static void claims_made_ready_once_serve_several_policies(void **state)
{
	static const char *const policies[] = {"package p\nx := count(input.log)", "package p\nx := [e | some e in input.log; e.n > 1]",
					       "package p\nx := input == input", "package p\nx := {k | some k, _ in input}"};
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct rego_unit_call ready = {0}, each = {.input = doc(a, "{\"log\": [{\"n\": 1}, {\"n\": 2}, {\"n\": 3}], \"tee\": \"tdx\"}")};

	(void)state;
	assert_true(rc_ok(rego_unit_ready(a, each.input, &ready.ready, &w)));
	for (size_t k = 0; k < 2 * COUNT_OF(policies); k++) {
		struct rego_unit *u = unit(policies[k % COUNT_OF(policies)], &w);
		struct rego_unit_result one, other;

		assert_true(rc_ok(rego_unit_eval(u, &ready, a, &one, &w)));
		assert_true(rc_ok(rego_unit_eval(u, &each, a, &other, &w)));
		assert_true(json_equal(one.value, other.value));
		rego_unit_free(u);
	}
	arena_free(a);
}

static char *nested(struct arena *a, size_t levels)
{
	char *s = arena_alloc(a, 2 * levels + 1);

	assert_non_null(s);
	memset(s, '[', levels);
	memset(s + levels, ']', levels);
	return s;
}

static void what_does_not_fit_is_refused_with_its_reason(void **state)
{
	struct arena *a = arena_new((size_t)16 << 20), *tiny = arena_new(8192);
	struct why w = why_in(a);
	struct rego_unit *u = unit("package p\nx := [[input]]", &w);
	struct buf digits = buf_in(a, 0);
	const struct rego_doc *ready = NULL;
	struct rego_unit_call call = {.input = doc(a, nested(a, 64))};
	struct rego_unit_result out = {0};
	struct json *deep = json_new_array(a);

	(void)state;
	for (unsigned i = 0; i < RV_MAX_DIGITS + 1; i++)
		buf_putc(&digits, '7');
	assert_int_equal(rego_unit_ready(a, json_new_number(a, buf_view(&digits)), &ready, &w).code, E_LIMIT);
	assert_string_equal(why_reason(&w), "rego.number");
	for (unsigned i = 0; i < RV_MAX_DEPTH + 1; i++) {
		struct json *outer = json_new_array(a);

		json_push(a, outer, deep);
		deep = outer;
	}
	why_clear(&w);
	assert_int_equal(rego_unit_ready(a, deep, &ready, &w).code, E_LIMIT);
	assert_string_equal(why_reason(&w), "rego.depth");
	why_clear(&w);
	call.input = doc(a, nested(a, 64));
	assert_true(rc_ok(rego_unit_eval(u, &call, a, &out, &w)));
	out = (struct rego_unit_result){0};
	for (unsigned i = 0; i < 127 - 64; i++) {
		struct json *outer = json_new_array(a);

		json_push(a, outer, call.input);
		call.input = outer;
	}
	assert_int_equal(rego_unit_eval(u, &call, a, &out, &w).code, E_LIMIT);
	assert_string_equal(why_reason(&w), "rego.result");
	assert_null(out.value);
	why_clear(&w);
	assert_int_equal(rego_unit_ready(tiny, doc(a, "[1, 2, 3, \"four\", {\"five\": 5}]"), &ready, &w).code, OK);
	while (!arena_bad(tiny))
		arena_alloc(tiny, 64);
	assert_int_equal(rego_unit_ready(tiny, doc(a, "[1]"), &ready, &w).code, E_LIMIT);
	assert_string_equal(why_reason(&w), "rego.memory");
	rego_unit_free(u);
	arena_free(tiny);
	arena_free(a);
}

/* Two keys that have the same text cannot both be told. */
static void keys_with_one_text_are_refused(void **state)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct rego_unit *u = unit("package p\nx := {1: \"a\", \"1\": \"b\"}", &w);
	struct rego_unit_call call = {0};
	struct rego_unit_result out = {0};

	(void)state;
	assert_int_equal(rego_unit_eval(u, &call, a, &out, &w).code, E_MALFORMED);
	assert_string_equal(why_reason(&w), "json.duplicate");
	assert_null(out.value);
	rego_unit_free(u);
	arena_free(a);
}

static void when_any_allocation_fails_there_is_a_refusal_and_no_result(void **state)
{
	struct arena *keep = arena_new(0);
	struct why w = why_in(keep);
	struct rego_unit *u = unit("package p\nx := {\"in\": input, \"set\": {1, 2}, \"t\": reference(1)}", &w);
	int good = 0;

	(void)state;
	for (uint64_t n = 1; n < 500 && good < 2; n++) {
		struct arena *a = arena_new(0);
		struct rego_unit_call call = {.input = doc(keep, "{\"a\": [1, \"two\"]}"), .host_ctx = (void *)(uintptr_t)doc(keep, "[\"r\"]")};
		struct rego_unit_result out = {0};
		rc r;

		arena_fail_at(a, n);
		r = rego_unit_eval(u, &call, a, &out, &w);
		if (rc_ok(r)) {
			arena_fail_at(a, 0);
			assert_string_equal((const char *)json_text(a, out.value).p, "{\"in\":{\"a\":[1,\"two\"]},\"set\":[1,2],\"t\":[\"r\"]}");
			good++;
		} else {
			assert_int_equal(r.code, E_LIMIT);
			assert_null(out.value);
		}
		arena_free(a);
	}
	assert_int_equal(good, 2);
	rego_unit_free(u);
	arena_free(keep);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(results_are_those_that_text_would_have_given),
		cmocka_unit_test(claims_made_ready_once_serve_several_policies),
		cmocka_unit_test(what_does_not_fit_is_refused_with_its_reason),
		cmocka_unit_test(keys_with_one_text_are_refused),
		cmocka_unit_test(when_any_allocation_fails_there_is_a_refusal_and_no_result),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
