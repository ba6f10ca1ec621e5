/* A query, a zero byte, a schema: the builtins agree with each other, text and tree of a schema have the same verdict, all
 * within the budgets. */
#include <string.h>

#include "rego_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char policy[] = "package p\n"
			     "q := input[0]\n"
			     "s := input[1]\n"
			     "valid := graphql.is_valid(q, s)\n"
			     "verified := graphql.parse_and_verify(q, s)\n"
			     "parsed := graphql.parse(q, s)\n"
			     "schema := graphql.schema_is_valid(s)\n"
			     "query_tree := graphql.parse_query(q)\n"
			     "schema_tree := graphql.parse_schema(s)\n"
			     "bad contains 1 if valid != verified[0]\n"
			     "bad contains 2 if { valid; not parsed }\n"
			     "bad contains 3 if { parsed; not valid }\n"
			     "bad contains 4 if { valid; not schema }\n"
			     "bad contains 5 if parsed != [query_tree, schema_tree]\n"
			     "bad contains 6 if { valid; array.slice(verified, 1, 3) != parsed }\n"
			     "bad contains 7 if graphql.schema_is_valid(schema_tree) != schema\n"
			     "bad contains 8 if { schema; graphql.parse({}, schema_tree)[1] != schema_tree }\n"
			     "bad contains 9 if { graphql.is_valid(q, schema_tree) != valid }\n"
			     "as_tree contains graphql.is_valid(query_tree, s)\n"
			     "ok if { count(bad) == 0; count(as_tree) < 2 }\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *cut = size ? memchr(data, 0, size) : NULL;
	size_t n = cut ? (size_t)(cut - data) : size;
	struct arena *a = arena_new(0);
	struct rv_heap h = rv_heap_in(a, 0);
	struct rv both[2] = {rv_str(&h, data, n), rv_str(&h, cut ? cut + 1 : data, cut ? size - n - 1 : 0)};

	if (size <= CHECKED_BYTES_MAX)
		check_policy(policy, a, rv_array(&h, both, 2));
	arena_free(a);
	return 0;
}
