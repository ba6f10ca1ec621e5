/* Whichever allocation fails, of compiling or of evaluating: an error or the right result, no crash, no leak (the sanitizer
 * looks). Linked with --wrap: no program holds a way to make allocations fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "rego/test_policies.h"
#include "rego/value.h"
#include "warrant/rego.h"

#define TOO_MANY 20000u

static uint64_t fail_at; /* the allocation of the next arena that fails, from 1; 0: none */

struct arena *__real_arena_new(size_t limit_bytes);
struct arena *__wrap_arena_new(size_t limit_bytes);

struct arena *__wrap_arena_new(size_t limit_bytes)
{
	struct arena *a = __real_arena_new(limit_bytes);

	if (a && fail_at)
		arena_fail_at(a, fail_at);
	fail_at = 0;
	return a;
}

/* Values are carved from pieces of some size: here each gets an allocation of its own, so that each can be the one that fails. */
struct rv_heap __real_rv_heap_in(struct arena *a, size_t limit_bytes);
struct rv_heap __wrap_rv_heap_in(struct arena *a, size_t limit_bytes);

struct rv_heap __wrap_rv_heap_in(struct arena *a, size_t limit_bytes)
{
	struct rv_heap h = __real_rv_heap_in(a, limit_bytes);

	h.chunk = 0;
	return h;
}

static void reference(void *ctx, struct rego_host_call *c)
{
	static const char reply[] = "[\"aaaa1111\", \"bbbb2222\"]";

	(void)ctx;
	(void)rego_host_reply_json(c, reply, sizeof(reply) - 1);
}

static const struct rego_host_fn hosts[] = {{"reference", 1, 0, reference}};

static struct rego_program *compile(const struct test_policy *t, uint64_t fail, struct rego_errors **e)
{
	struct rego_module m = {"policy.rego", t->text, strlen(t->text)};
	struct rego_compile_options o = {.size = sizeof(o), .host_fns = hosts, .host_fn_count = 1};

	fail_at = fail;
	return rego_compile(&m, 1, &o, e);
}

static struct rego_query *query(const struct test_policy *t, const struct rego_program *p, uint64_t fail)
{
	const char *text = t->query ? t->query : "data.p.x";

	fail_at = fail;
	return rego_query_compile(p, text, strlen(text), NULL);
}

static bool is_memory(const struct rego_error *e)
{
	return (e->budget && strcmp(e->budget, "memory") == 0) || strcmp(e->code, "eval_internal_error") == 0;
}

/* NULL: right. *whole: nothing was missing. */
static const char *judge(const struct test_policy *t, const struct rego_result *r, bool *whole)
{
	const struct rego_error *e = r ? rego_result_error(r) : NULL;
	const char *v = r ? rego_result_value(r, NULL) : NULL;

	*whole = false;
	if (!r || (e && is_memory(e)))
		return NULL;
	*whole = true;
	if (e)
		return t->want && t->want[0] == '!' && strcmp(e->code, t->want + 1) == 0 ? NULL : e->code;
	if (!t->want)
		return v || rego_result_rows(r) ? "defined" : NULL;
	if (t->want[0] == '!')
		return "no error";
	if (v)
		return strcmp(v, t->want) == 0 ? NULL : v;
	*whole = false; /* the text of a good result may be what found no memory */
	return rego_result_rows(r) == 0 && strcmp(t->want, "false") != 0 ? "undefined" : NULL;
}

static void evaluate(const struct test_policy *t, const struct rego_query *q, int explain)
{
	struct rego_doc *data = t->data ? rego_doc_parse(t->data, strlen(t->data)) : NULL;
	struct rego_eval_options o = {.size = sizeof(o), .input = t->input, .input_len = t->input ? strlen(t->input) : 0, .data = data,
				      .explain = explain, .budget = {.time_ns = 60000000000u}};
	uint64_t n = 1;

	/* three in a row: beyond the last allocation of the evaluation and of its text */
	for (int good = 0; good < 3 && n < TOO_MANY; n++) {
		struct rego_result *r;
		const char *wrong;
		bool whole;

		fail_at = n;
		r = rego_eval(q, &o);
		wrong = judge(t, r, &whole);
		if (wrong)
			fail_msg("%s: allocation %llu: %s, expected %s", t->text, (unsigned long long)n, wrong, t->want ? t->want : "undefined");
		good = whole ? good + 1 : 0;
		rego_result_free(r);
	}
	if (n <= 4 || n == TOO_MANY) /* it has needed memory, and it came to an end */
		fail_msg("%s: %llu allocations", t->text, (unsigned long long)n);
	rego_doc_free(data);
}

static void evaluations_give_an_error_or_the_right_result(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(test_policies) / sizeof(*test_policies); i++) {
		const struct test_policy *t = &test_policies[i];
		struct rego_program *p = compile(t, 0, NULL);
		struct rego_query *q = p ? query(t, p, 0) : NULL;

		for (int explain = 0; q && explain < 2; explain++)
			evaluate(t, q, explain);
		assert_true(q || (t->want && strcmp(t->want, "!compile") == 0));
		rego_query_free(q);
		rego_program_free(p);
	}
}

static void compilations_give_an_error_or_a_program(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(test_policies) / sizeof(*test_policies); i += 4) {
		const struct test_policy *t = &test_policies[i];
		struct rego_program *p = NULL;
		struct rego_query *q = NULL;
		uint64_t n;
		bool whole;

		if (t->want && strcmp(t->want, "!compile") == 0)
			continue;
		for (n = 1; !p && n < TOO_MANY; n++) {
			struct rego_errors *e = NULL;

			p = compile(t, n, &e);
			assert_true(p || rego_errors_count(e) == 1);
			if (!p)
				assert_string_equal(rego_errors_at(e, 0)->message, "out of memory");
			rego_errors_free(e);
		}
		assert_true(n > 20);
		for (n = 1; p && !q && n < TOO_MANY; n++)
			q = query(t, p, n);
		assert_true(q && n > 10);
		/* what came through is whole */
		{
			struct rego_doc *data = t->data ? rego_doc_parse(t->data, strlen(t->data)) : NULL;
			struct rego_eval_options o = {.size = sizeof(o), .input = t->input, .input_len = t->input ? strlen(t->input) : 0,
						      .data = data, .budget = {.time_ns = 60000000000u}};
			struct rego_result *r = rego_eval(q, &o);

			assert_null(judge(t, r, &whole));
			assert_true(whole);
			rego_result_free(r);
			rego_doc_free(data);
		}
		rego_query_free(q);
		rego_program_free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(evaluations_give_an_error_or_the_right_result),
		cmocka_unit_test(compilations_give_an_error_or_a_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
