/* The plan and the plain walk of the same policies give the same: what they should. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "rego/plan.h"
#include "rego/test_policies.h"
#include "rego/walk.h"

static void reference(void *ctx, struct rego_host_call *c)
{
	(void)ctx;
	assert_int_equal(rego_host_reply_json(c, "[\"aaaa1111\", \"bbbb2222\"]", 24), 0);
}

static const struct rego_host_fn hosts[] = {{"reference", 1, 0, reference}};

/* NULL: the policy is refused. */
static struct rego_query *compile(const struct test_policy *t, struct rego_program **p)
{
	struct rego_module m = {"policy.rego", t->text, strlen(t->text)};
	struct rego_compile_options c = {.size = sizeof(c), .host_fns = hosts, .host_fn_count = 1};
	const char *query = t->query ? t->query : "data.p.x";

	*p = rego_compile(&m, 1, &c, NULL);
	return *p ? rego_query_compile(*p, query, strlen(query), NULL) : NULL;
}

/* NULL when the result is what the table says. */
static const char *wrong(struct arena *a, const struct test_policy *t, const struct walk_result *r)
{
	struct rv_heap h = rv_heap_in(a, 0);
	struct rv json = r->value.kind == RV_UNDEF ? rv_cstr(&h, "undefined") : rv_json_value(&h, r->value);
	const char *got = r->code ? arena_printf(a, "!%s", r->code) : json.str->p,
	           *want = t->want ? t->want : "undefined";

	return strcmp(got, want) == 0 ? NULL : arena_printf(a, "%s, expected %s", got, want);
}

static const char *run(struct arena *a, const struct test_policy *t)
{
	struct rego_program *p;
	struct rego_query *q = compile(t, &p);
	struct rego_doc *data = t->data ? rego_doc_parse(t->data, strlen(t->data)) : NULL;
	struct rego_eval_options o = {.size = sizeof(o),
	                              .input = t->input,
	                              .input_len = t->input ? strlen(t->input) : 0,
	                              .data = data,
	                              .budget = {.time_ns = 10000000000u}};
	struct walk_result *r = q ? walk_eval(q, &o, false) : NULL;
	const char *bad = NULL, *text = "";
	bool refused = t->want && strcmp(t->want, "!compile") == 0;

	if (!q != refused)
		bad = q ? "compiles" : "does not compile";
	else if (q)
		bad = wrong(a, t, r);
	if (q && !bad && walk_compare(a, q, &o, &text) != WALK_SAME)
		bad = text;
	walk_free(r);
	rego_doc_free(data);
	rego_query_free(q);
	rego_program_free(p);
	return bad;
}

static void the_walk_gives_what_is_expected_and_the_plan_the_same(void **state)
{
	struct arena *a = arena_new(0);
	unsigned bad = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(test_policies) / sizeof(*test_policies); i++) {
		const char *text = run(a, &test_policies[i]);

		if (text)
			print_error("%s\n  %s\n", test_policies[i].text, text);
		bad += text != NULL;
	}
	arena_free(a);
	assert_int_equal(bad, 0);
}

/* The comparison itself: the plan of one query and the tree of another. */
static void a_difference_is_seen(void **state)
{
	static const struct {
		const char *planned, *walked;
		enum walk_verdict want;
	} cases[] = {
	        {"{1, 2}", "{2, 1}", WALK_SAME},
	        {"{1, 2}", "[1, 2]", WALK_DIFFERS}, /* the same as JSON */
	        {"true", "false", WALK_DIFFERS},
	        {"1", "input.none", WALK_DIFFERS},
	        {"input.none", "1", WALK_DIFFERS},
	        {"x := 1", "x := 2", WALK_DIFFERS},
	        {"x := [1, 2][_]", "x := [1][_]", WALK_DIFFERS},
	        {"data.p.x", "1", WALK_DIFFERS}, /* a conflict */
	        {"1", "data.p.x", WALK_DIFFERS},
	        {"data.p.x", "data.p.x", WALK_SAME},
	};
	static const struct test_policy t = {"package p\nx := input[_]"};
	struct rego_program *p;
	struct rego_query *any = compile(&t, &p);
	struct rego_eval_options o = {.size = sizeof(o), .input = "[1,2]", .input_len = 5};
	struct arena *a = arena_new(0);
	const char *text;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct rego_query *q = rego_query_compile(p, cases[i].planned, strlen(cases[i].planned), NULL);
		struct rego_query *r = rego_query_compile(p, cases[i].walked, strlen(cases[i].walked), NULL), mixed;

		assert_non_null(q);
		assert_non_null(r);
		mixed = *q;
		mixed.body = r->body;
		if (walk_compare(a, &mixed, &o, &text) != cases[i].want)
			fail_msg("%s, %s: %s", cases[i].planned, cases[i].walked, text);
		rego_query_free(q);
		rego_query_free(r);
	}
	arena_free(a);
	rego_query_free(any);
	rego_program_free(p);
}

static void a_walk_that_takes_too_long_says_nothing(void **state)
{
	static const struct test_policy slow = {
	        "package p\nn := numbers.range(1, 100)\nx := count([1 | n[_] > 0; n[_] > 0; n[_] > 0])"};
	struct rego_program *p;
	struct rego_query *q = compile(&slow, &p);
	struct rego_eval_options o = {.size = sizeof(o), .budget = {.steps = 1000}};
	struct arena *a = arena_new(0);
	const char *text;

	(void)state;
	assert_int_equal(walk_compare(a, q, &o, &text), WALK_BUDGET);
	arena_free(a);
	rego_query_free(q);
	rego_program_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_walk_gives_what_is_expected_and_the_plan_the_same),
	        cmocka_unit_test(a_difference_is_seen),
	        cmocka_unit_test(a_walk_that_takes_too_long_says_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
