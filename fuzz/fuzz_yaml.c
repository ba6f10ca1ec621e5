/* A YAML document: the builtins agree whether it is one, and what is read is written so that it is read again, all within the
 * budgets. */
#include <assert.h>

#include "base/buf.h"
#include "rego/value.h"
#include "warrant/rego.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char policy[] = "package p\n"
			     "valid := yaml.is_valid(input)\n"
			     "read := [yaml.unmarshal(input)]\n"
			     "again := [yaml.unmarshal(yaml.marshal(read[0]))]\n"
			     "bad contains 1 if { valid; not read }\n"
			     "bad contains 2 if { read; not valid }\n"
			     "bad contains 3 if { read; not again }\n"
			     "bad contains 4 if again != read\n"
			     "ok if count(bad) == 0\n";

/* Compiled once: the policy is not what is looked for. */
static const struct rego_query *compiled(void)
{
	static struct rego_query *q;
	struct rego_module m = {"m.rego", policy, sizeof(policy) - 1};
	static struct rego_program *p;

	if (!q) {
		p = rego_compile(&m, 1, NULL, NULL);
		assert(p);
		q = rego_query_compile(p, "data.p.ok", 9, NULL);
		assert(q);
	}
	return q;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rego_eval_options o = {.size = sizeof(o), .budget = {.steps = 200000, .memory_bytes = 64 << 20, .time_ns = 20000000000u}};
	struct arena *a = arena_new(0);
	struct rv_heap h = rv_heap_in(a, 0);
	struct buf b = buf_in(a, 0);
	struct rego_result *r;

	rv_to_json(&b, rv_str(&h, data, size));
	if (buf_ok(&b) && size <= 50000) {
		o.input = (const char *)b.p;
		o.input_len = b.n;
		r = rego_eval(compiled(), &o);
		if (r) {
			const struct rego_error *e = rego_result_error(r);

			assert(e ? e->budget != NULL : rego_result_allowed(r));
		}
		rego_result_free(r);
	}
	arena_free(a);
	return 0;
}
