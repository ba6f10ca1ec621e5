/* A policy, a zero byte, an input: evaluated twice with the same outcome, within its budgets; explanations on and off
 * change nothing. */
#include <assert.h>
#include <string.h>

#include "warrant/rego.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *cut = size ? memchr(data, 0, size) : NULL;
	size_t n = cut ? (size_t)(cut - data) : size;
	struct rego_module m = {"m.rego", (const char *)data, n};
	struct rego_program *p = size <= 20000 ? rego_compile(&m, 1, NULL, NULL) : NULL;
	struct rego_query *q = p ? rego_query_compile(p, "data", 4, NULL) : NULL;
	struct rego_eval_options o = {.size = sizeof(o), .budget = {.steps = 50000, .memory_bytes = 8 << 20, .time_ns = 5000000000u}};
	struct rego_result *r[2];

	if (cut) {
		o.input = (const char *)cut + 1;
		o.input_len = size - n - 1;
	}
	if (q) {
		r[0] = rego_eval(q, &o);
		o.explain = 1;
		o.budget.memory_bytes = 16 << 20;
		r[1] = rego_eval(q, &o);
		if (r[0] && r[1] && !rego_result_error(r[0]) && !rego_result_error(r[1])) {
			size_t len[2] = {0, 0};
			const char *v[2] = {rego_result_value(r[0], &len[0]), rego_result_value(r[1], &len[1])};

			assert(!v[0] == !v[1]);
			assert(!v[0] || (len[0] == len[1] && memcmp(v[0], v[1], len[0]) == 0));
		}
		rego_result_free(r[0]);
		rego_result_free(r[1]);
	}
	rego_query_free(q);
	rego_program_free(p);
	return 0;
}
