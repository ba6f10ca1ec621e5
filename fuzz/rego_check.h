/* rego_check.h - a fixed policy over what is fuzzed: data.p.ok must hold, or a budget end the evaluation. */
#pragma once
#include <assert.h>

#include "base/buf.h"
#include "rego/value.h"
#include "warrant/rego.h"

#define CHECKED_BYTES_MAX 50000u

/* Compiled once: the policy is not what is looked for. */
static const struct rego_query *checked_policy(const char *policy)
{
	static struct rego_query *q;
	static struct rego_program *p;
	struct rego_module m = {"m.rego", policy, strlen(policy)};

	if (!q) {
		p = rego_compile(&m, 1, NULL, NULL);
		assert(p);
		q = rego_query_compile(p, "data.p.ok", 9, NULL);
		assert(q);
	}
	return q;
}

static void check_policy(const char *policy, struct arena *a, struct rv input)
{
	struct rego_eval_options o = {.size = sizeof(o), .budget = {.steps = 200000, .memory_bytes = 64 << 20, .time_ns = 20000000000u}};
	struct buf b = buf_in(a, 0);
	const struct rego_error *e;
	struct rego_result *r;

	rv_to_json(&b, input);
	if (!buf_ok(&b))
		return;
	o.input = (const char *)b.p;
	o.input_len = b.n;
	r = rego_eval(checked_policy(policy), &o);
	if (!r)
		return;
	e = rego_result_error(r);
	assert(e ? e->budget != NULL : rego_result_allowed(r));
	rego_result_free(r);
}
