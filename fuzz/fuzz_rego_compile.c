/* Any bytes as a policy: compiled, or refused with a reason; twice, with the same outcome; and given out as a syntax tree.
 * First byte: dialect and options. */
#include <assert.h>
#include <string.h>

#include "rego/host.h"

/* What rego.parse_module says of the text: a tree or a reason. */
static void tree(const uint8_t *data, size_t size)
{
	static const char query[] = "rego.parse_module(\"m.rego\", input)";
	struct arena *a = arena_new((size_t)16 << 20);
	struct rv_heap h = rv_heap_in(a, 0);
	struct rv text = rv_json_value(&h, rv_str(&h, data, size));
	struct rego_program *p = rego_compile(NULL, 0, NULL, NULL);
	struct rego_query *q = p ? rego_query_compile(p, query, sizeof(query) - 1, NULL) : NULL;
	struct rego_eval_options o = {.size = sizeof(o), .strict_errors = 1, .budget = {.time_ns = 60000000000u}};
	struct rego_result *r;

	if (q && text.kind == RV_STRING) {
		o.input = text.str->p;
		o.input_len = text.str->n;
		r = rego_eval(q, &o);
		assert(!r || rego_result_error(r) || rego_result_value(r, NULL));
		rego_result_free(r);
	}
	rego_query_free(q);
	rego_program_free(p);
	arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rego_compile_options o = {.size = sizeof(o)};
	struct rego_module m = {"m.rego", (const char *)data + 1, size - 1};

	if (size < 1 || size > 20000)
		return 0;
	o.dialect = data[0] & 1 ? REGO_V0 : REGO_V1;
	o.strict = data[0] >> 1 & 1;
	o.experimental_keywords = data[0] >> 2 & 1;
	o.keep_print = data[0] >> 3 & 1;
	o.check_annotations = data[0] >> 4 & 1;
	for (int i = 0; i < 2; i++) {
		struct rego_errors *e = NULL;
		struct rego_program *p = rego_compile(&m, 1, &o, &e);

		assert(p || rego_errors_count(e) > 0);
		rego_errors_free(e);
		rego_program_free(p);
	}
	if (data[0] >> 5 & 1)
		tree(data + 1, size - 1);
	return 0;
}
