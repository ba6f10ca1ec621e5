/* Policies that ask for too much, each by the name of what it does, end in the budget that it exhausts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/num.h"
#include "rego/hostile.h"
#include "warrant/rego.h"

/* The budgets are the default ones, but for time: how fast this machine is must not decide which one it is. */
static void ends_in_its_budget(void **state)
{
	const struct hostile *h = *state;
	char *text = hostile_text(h);
	struct rego_module m = {"p.rego", text, text ? strlen(text) : 0};
	struct rego_eval_options o = {.size = sizeof(o), .input = h->input, .input_len = h->input ? strlen(h->input) : 0};
	struct rego_errors *errors = NULL;
	struct rego_program *p;
	struct rego_query *q;
	struct rego_result *r;

	assert_non_null(text);
	p = rego_compile(&m, 1, NULL, &errors);
	if (strcmp(h->budget, "compile") == 0) {
		assert_null(p);
		assert_true(rego_errors_count(errors) > 0);
		rego_errors_free(errors);
		free(text);
		return;
	}
	if (!p)
		fail_msg("%s", rego_errors_at(errors, 0)->message);
	q = rego_query_compile(p, "data.p.x", 8, NULL);
	assert_non_null(q);
	o.budget.time_ns = 600000000000u;
	r = rego_eval(q, &o);
	assert_non_null(r);
	if (!rego_result_error(r))
		fail_msg("came to an end");
	assert_string_equal(rego_result_error(r)->code, "eval_cancel_error");
	assert_string_equal(rego_result_error(r)->budget, h->budget);
	assert_null(rego_result_value(r, NULL));
	assert_int_equal(rego_result_allowed(r), 0);
	rego_result_free(r);
	rego_query_free(q);
	rego_program_free(p);
	free(text);
}

int main(void)
{
	struct CMUnitTest tests[COUNT_OF(hostile)];

	for (size_t i = 0; i < COUNT_OF(hostile); i++)
		tests[i] = (struct CMUnitTest){.name = hostile[i].name, .test_func = ends_in_its_budget, .initial_state = (void *)(uintptr_t)&hostile[i]};
	return cmocka_run_group_tests_name("hostile", tests, NULL, NULL);
}
