/* Reading GraphQL: trees, refusals, budgets, failing allocations. Linked with --wrap=arena_new: no program holds a way to make
 * allocations fail. */
#include "rego/builtin/test_graphql.h"

static unsigned arena_nr;     /* the arena, from 1, whose allocation fails; 0: none */
static uint64_t alloc_nr;     /* and which */

struct arena *__real_arena_new(size_t limit_bytes);
struct arena *__wrap_arena_new(size_t limit_bytes);

struct arena *__wrap_arena_new(size_t limit_bytes)
{
	struct arena *a = __real_arena_new(limit_bytes);

	if (a && arena_nr && --arena_nr == 0)
		arena_fail_at(a, alloc_nr);
	return a;
}

struct row {
	const char *fn, *first, *second;
	const char *want;	/* JSON of {"x": result}, or "!" and the failure */
};

static void check(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct row *r = &rows[i];
		char *input = strings(r->first, strlen(r->first), r->second, r->second ? strlen(r->second) : 0);
		char *got = outcome(r->fn, input, r->second != NULL, NULL);

		if (strcmp(got, r->want) != 0)
			fail_msg("%s %s\n  want %s\n  got  %s", r->fn, input, r->want, got);
		free(got);
		free(input);
	}
}

#define CHECK(rows) check((rows), sizeof(rows) / sizeof(*(rows)))

/* ---- trees ---- */

#define FIELD(name) "{\"Alias\":\"" name "\",\"Name\":\"" name "\"}"
#define VALUE(kind, raw) "\"Value\":{\"ExpectedTypeHasDefault\":false,\"Kind\":" #kind ",\"Raw\":\"" raw "\"}"
#define QUERY(selections) "{\"x\":{\"Operations\":[{\"Name\":\"\",\"Operation\":\"query\",\"SelectionSet\":[" selections "]}]}}"
#define ARGS(args) QUERY("{\"Alias\":\"a\",\"Arguments\":[" args "],\"Name\":\"a\"}")
#define ARG(kind, raw) ARGS("{\"Name\":\"v\"," VALUE(kind, raw) "}")

static void queries_become_trees(void **state)
{
	static const struct row rows[] = {
		{"parse_query", "", NULL, "{\"x\":{}}"},
		{"parse_query", "{a, b}", NULL, QUERY(FIELD("a") "," FIELD("b"))},
		{"parse_query", "{x:a}", NULL, QUERY("{\"Alias\":\"x\",\"Name\":\"a\"}")},
		{"parse_query", "{...F @d ...{a} ... on T {b}}", NULL,
		 QUERY("{\"Directives\":[{\"Location\":\"\",\"Name\":\"d\"}],\"Name\":\"F\"},"
		       "{\"SelectionSet\":[" FIELD("a") "],\"TypeCondition\":\"\"},"
		       "{\"SelectionSet\":[" FIELD("b") "],\"TypeCondition\":\"T\"}")},
		{"parse_query", "{a(v: $w)}", NULL, ARG(0, "w")},
		{"parse_query", "{a(v: -12)}", NULL, ARG(1, "-12")},
		{"parse_query", "{a(v: 1.5E-3)}", NULL, ARG(2, "1.5E-3")},
		{"parse_query", "{a(v: \"b\\u00e9\\n\\/\")}", NULL, ARG(3, "b\xc3\xa9\\n/")},
		{"parse_query", "{a(v: \"\\uD83D\")}", NULL, ARG(3, "\xef\xbf\xbd")},
		{"parse_query", "{a(v: true)}", NULL, ARG(5, "true")},
		{"parse_query", "{a(v: null)}", NULL, ARG(6, "null")},
		{"parse_query", "{a(v: EAST)}", NULL, ARG(7, "EAST")},
		{"parse_query", "{a(v: [1 {k: 2}])}", NULL,
		 ARGS("{\"Name\":\"v\",\"Value\":{\"Children\":[{\"Name\":\"\"," VALUE(1, "1") "},{\"Name\":\"\",\"Value\":{\"Children\":[{"
		      "\"Name\":\"k\"," VALUE(1, "2") "}],\"ExpectedTypeHasDefault\":false,\"Kind\":9,\"Raw\":\"\"}}],"
		      "\"ExpectedTypeHasDefault\":false,\"Kind\":8,\"Raw\":\"\"}}")},
		{"parse_query", "query Q($v: [Int!] = 3) {a}", NULL,
		 "{\"x\":{\"Operations\":[{\"Name\":\"Q\",\"Operation\":\"query\",\"SelectionSet\":[" FIELD("a") "],\"VariableDefinitions\":"
		 "[{\"DefaultValue\":{\"ExpectedTypeHasDefault\":false,\"Kind\":1,\"Raw\":\"3\"},\"Type\":{\"Elem\":{\"NamedType\":\"Int\","
		 "\"NonNull\":true},\"NamedType\":\"\",\"NonNull\":false},\"Used\":false,\"Variable\":\"v\"}]}]}}"},
		{"parse_query", "fragment F on T {a}", NULL,
		 "{\"x\":{\"Fragments\":[{\"Name\":\"F\",\"SelectionSet\":[" FIELD("a") "],\"TypeCondition\":\"T\"}]}}"},
		/* comments stay with what follows them */
		{"parse_query", "{ # one\n # two\n a }", NULL,
		 QUERY("{\"Alias\":\"a\",\"Comment\":{\"List\":[{\"Value\":\"# one\"},{\"Value\":\"# two\"}]},\"Name\":\"a\"}")},
	};

	(void)state;
	CHECK(rows);
}

static void block_strings_lose_their_indentation(void **state)
{
	static const struct row rows[] = {
		{"parse_query", "{a(v: \"\"\"\"\"\")}", NULL, ARG(4, "")},
		{"parse_query", "{a(v: \"\"\"\n    x\r\n      y\n\t\n  \"\"\")}", NULL, ARG(4, "x\\n  y")},
		{"parse_query", "{a(v: \"\"\"x\n    y\"\"\")}", NULL, ARG(4, "x\\n    y")},
		{"parse_query", "{a(v: \"\"\"a\\\"\"\"b\\n\"\"\"\")}", NULL, ARG(4, "a\\\"\\\"\\\"b\\\\n\\\"")},
		{"parse_query", "{a(v: \"\"\"a\n\n\nb\"\"\")}", NULL, ARG(4, "a\\n\\n\\nb")},
	};

	(void)state;
	CHECK(rows);
}

#define DEF(kind, name, rest)                                                                                          \
	"{\"x\":{\"Definitions\":[{\"BuiltIn\":false,\"Description\":\"\"," rest "\"Kind\":\"" kind "\",\"Name\":\"" name "\"}]}}"
#define INT "\"Type\":{\"NamedType\":\"Int\",\"NonNull\":false}"

static void schemas_become_trees(void **state)
{
	static const struct row rows[] = {
		{"parse_schema", "", NULL, "{\"x\":{}}"},
		{"parse_schema", "scalar S", NULL, DEF("SCALAR", "S", "")},
		{"parse_schema", "type T { \"d\" a(b: Int): Int }", NULL,
		 DEF("OBJECT", "T",
		     "\"Fields\":[{\"Arguments\":[{\"Description\":\"\",\"Name\":\"b\"," INT "}],\"Description\":\"d\",\"Name\":\"a\"," INT
		     "}],")},
		{"parse_schema", "enum E { A }", NULL,
		 DEF("ENUM", "E", "\"EnumValues\":[{\"Description\":\"\",\"Name\":\"A\"}],")},
		{"parse_schema", "extend union U = | A | B", NULL,
		 "{\"x\":{\"Extensions\":[{\"BuiltIn\":false,\"Description\":\"\",\"Kind\":\"UNION\",\"Name\":\"U\",\"Types\":[\"A\",\"B\"]}]}}"},
		{"parse_schema", "directive @d repeatable on | FIELD | ENUM", NULL,
		 "{\"x\":{\"Directives\":[{\"Description\":\"\",\"IsRepeatable\":true,\"Locations\":[\"FIELD\",\"ENUM\"],\"Name\":\"d\"}]}}"},
		{"parse_schema", "# c\nschema { query: Q }", NULL,
		 "{\"x\":{\"Schema\":[{\"AfterDescriptionComment\":{\"List\":[{\"Value\":\"# c\"}]},\"Description\":\"\",\"OperationTypes\":[{"
		 "\"Operation\":\"query\",\"Type\":\"Q\"}]}]}}"},
		{"parse_schema", "extend type T implements A & B", NULL,
		 "{\"x\":{\"Extensions\":[{\"BuiltIn\":false,\"Description\":\"\",\"Interfaces\":[\"A\",\"B\"],\"Kind\":\"OBJECT\",\"Name\":\"T\"}]}}"},
	};

	(void)state;
	CHECK(rows);
}

#define NO(fn, text, what, at) {fn, text, NULL, "!graphql." fn ": " what " in GraphQL string at location " at}

static void what_is_no_graphql_is_refused_with_its_place(void **state)
{
	static const struct row rows[] = {
		NO("parse_query", "{", "Expected Name, found <EOF>", "1:2"),
		NO("parse_query", "{}", "expected at least one definition, found }", "1:2"),
		NO("parse_query", "\n  {a(b: 01)}", "Unexpected <Invalid>", "2:10"),
		NO("parse_query", "\r\n{a(b: 1.)}", "Unexpected <Invalid>", "2:10"),
		NO("parse_query", "{a(b: \"\xc3\xa9\\x\")}", "Unexpected <Invalid>", "1:10"),
		NO("parse_query", "{a(b: \"\n\")}", "Unexpected <Invalid>", "1:8"),
		NO("parse_query", "{a(b: \"\"\"\n\")}", "Unexpected <Invalid>", "2:4"),
		NO("parse_query", "{a(b: \x01)}", "Unexpected <Invalid>", "1:7"),
		NO("parse_query", "query ($a: Int = $b) {a}", "Unexpected $", "1:18"),
		NO("parse_query", "fragment on on T {a}", "Unexpected Name \"on\"", "1:10"),
		NO("parse_query", "type T", "Unexpected Name \"type\"", "1:1"),
		NO("parse_schema", "type T {}", "expected at least one definition, found }", "1:9"),
		NO("parse_schema", "extend scalar S", "Unexpected <EOF>", "1:16"),
		NO("parse_schema", "\"x\" extend scalar S @d", "Unexpected String \"x\"", "1:2"),
		NO("parse_schema", "directive @d on NOWHERE", "Unexpected Name \"NOWHERE\"", "1:17"),
		NO("parse_schema", "input I { a(b: Int): Int }", "Expected :, found (", "1:12"),
		NO("parse_schema", "schema { queries: Q }", "Unexpected Name \"queries\"", "1:10"),
		/* a block string of several lines starts before its line: there is no such column */
		{"parse_schema", "\"\"\"a\nbcdefg\n\"\"\" extend", NULL,
		 "!graphql.parse_schema: GraphQL parse error: input:3:-8: Unexpected BlockString \"a\\nbcdefg\""},
	};

	(void)state;
	CHECK(rows);
}

static void only_text_is_parsed(void **state)
{
	char *got = outcome("parse_query", "[5]", false, NULL);

	(void)state;
	assert_string_equal(got, "!graphql.parse_query: operand 1 must be string but got number");
	free(got);
}

/* ---- limits ---- */

/* n times `open`, `middle`, n times `close`. */
static char *nested(const char *open, const char *middle, const char *close, size_t n)
{
	size_t open_n = strlen(open), middle_n = strlen(middle), close_n = strlen(close);
	char *out = malloc(n * (open_n + close_n) + middle_n + 1), *p = out;

	assert_non_null(out);
	for (size_t i = 0; i < n; i++, p += open_n)
		memcpy(p, open, open_n);
	memcpy(p, middle, middle_n + 1);
	p += middle_n;
	for (size_t i = 0; i < n; i++, p += close_n)
		memcpy(p, close, close_n + 1);
	return out;
}

static void expect_budget(const char *fn, const char *first, const char *second, const char *name)
{
	char *input = strings(first, strlen(first), second, second ? strlen(second) : 0);
	char *got = outcome(fn, input, second != NULL, NULL);

	if (got[0] != '!' || strncmp(got + 1, name, strlen(name)) != 0)
		fail_msg("%s: want the budget %s, got %.300s", fn, name, got);
	free(got);
	free(input);
}

static void nesting_bombs_end_in_the_depth_budget(void **state)
{
	static const struct {
		const char *fn, *head, *open, *close, *tail;
	} bombs[] = {
		{"parse_query", "", "{a", "}", ""},
		{"parse_query", "", "{...", "}", ""},
		{"parse_query", "{a(b:", "[", "]", ")}"},
		{"parse_query", "{a(b:", "{c:", "}", ")}"},
		{"parse_schema", "type T {a:", "[", "]", "}"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bombs) / sizeof(*bombs); i++) {
		char *in = nested(bombs[i].open, "", bombs[i].close, 100000);
		size_t n = strlen(in) + 64;
		char *text = malloc(n);

		assert_non_null(text);
		snprintf(text, n, "%s%s%s", bombs[i].head, in, bombs[i].tail);
		expect_budget(bombs[i].fn, text, NULL, "depth");
		free(text);
		free(in);
	}
}

static void a_long_document_ends_in_the_budget_that_it_exhausts(void **state)
{
	static const struct {
		struct rego_budget budget;
		const char *want;
	} rows[] = {
		{{.steps = 2000}, "!steps"},
		{{.memory_bytes = 600000, .time_ns = 60000000000u}, "!memory"},
	};
	char *in = nested("a ", "", "", 5000), *text = malloc(strlen(in) + 3), *input;

	(void)state;
	assert_non_null(text);
	snprintf(text, strlen(in) + 3, "{%s}", in);
	input = strings(text, strlen(text), NULL, 0);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char *got = outcome("parse_query", input, false, &rows[i].budget);

		if (strncmp(got, rows[i].want, strlen(rows[i].want)) != 0)
			fail_msg("want %s, got %.200s", rows[i].want, got);
		free(got);
	}
	free(input);
	free(text);
	free(in);
}

/* `head`, n links with their numbers i and i + 1, `tail`. */
static char *chain(const char *head, const char *link, const char *tail, unsigned n)
{
	size_t size = strlen(head) + strlen(tail) + (strlen(link) + 24) * n + 1;
	char *out = malloc(size), *p = out;

	assert_non_null(out);
	p += snprintf(p, size, "%s", head);
	for (unsigned i = 0; i < n; i++) {
		for (const char *c = link; *c; c++) {
			if (*c == '<' || *c == '>')
				p += snprintf(p, 12, "%u", *c == '<' ? i : i + 1);
			else
				*p++ = *c;
		}
	}
	snprintf(p, size - (size_t)(p - out), "%s", tail);
	return out;
}

static void long_ways_through_fragments_end_in_the_depth_budget(void **state)
{
	char *query = chain("{...F0}", "fragment F< on Query {...F>}", "fragment F3000 on Query {a}", 3000);
	char *schema = chain("type Query {a: Int} input I3000 {a: Int}", "input I< {a: I>!}", "", 3000);

	(void)state;
	expect_budget("is_valid", query, "type Query {a: Int}", "depth");
	expect_budget("schema_is_valid", schema, NULL, "depth");
	free(schema);
	free(query);
}

/* Documents of a few kilobytes that take more comparisons than anyone has time for. */
static void costly_documents_end_in_a_budget(void **state)
{
	static const char schema[] = "type Query {f: Query a: Int}";
	char *wide = nested("f {a} ", "", "", 3000);
	char *twice = chain("{__schema {types {...F0}}}", "fragment F< on __Type {a: ofType {...F>} b: ofType {...F>}}",
			    "fragment F40 on __Type {name}", 40);
	size_t n = strlen(wide) + 3;
	char *query = malloc(n);
	struct rego_budget steps = {.time_ns = 60000000000u};

	(void)state;
	assert_non_null(query);
	snprintf(query, n, "{%s}", wide);
	for (unsigned i = 0; i < 2; i++) {
		char *input = strings(i ? twice : query, strlen(i ? twice : query), schema, sizeof(schema) - 1);
		char *got = outcome("is_valid", input, true, &steps);

		assert_true(strncmp(got, "!steps", 6) == 0);
		free(got);
		got = outcome("parse", input, true, NULL);
		assert_true(strncmp(got, "!steps", 6) == 0 || strncmp(got, "!time", 5) == 0);
		free(got);
		free(input);
	}
	free(query);
	free(twice);
	free(wide);
}

/* ---- failing allocations ---- */

/* Each allocation of each arena fails once: an error or the right answer, nothing else. */
static void fails_cleanly(const char *fn, const char *first, const char *second)
{
	char *input = strings(first, strlen(first), second, second ? strlen(second) : 0), *want = outcome(fn, input, second != NULL, NULL);
	struct rego_program *p = rego_compile(NULL, 0, NULL, NULL);
	struct rego_query *q = query_of(p, fn, second != NULL);
	unsigned failed = 0;

	assert_non_null(q);
	for (unsigned arena = 1; arena <= 3; arena++) {
		unsigned good = 0;

		for (uint64_t n = 1; n < 5000 && good < 3; n++) {
			struct rego_eval_options o = {
				.size = sizeof(o), .input = input, .input_len = strlen(input), .strict_errors = 1};
			const struct rego_error *e;
			struct rego_result *r;
			const char *row;

			arena_nr = arena;
			alloc_nr = n;
			r = rego_eval(q, &o);
			arena_nr = 0;
			row = r ? rego_result_row(r, 0, NULL) : NULL;
			e = r ? rego_result_error(r) : NULL;
			if (row && !e) {
				assert_string_equal(row, want);
				good++;
			} else if (e && strcmp(e->message, want + 1) == 0) {
				good++;
			} else {
				/* the text of a failure may be what found no memory */
				if (e && !e->budget && strncmp(e->message, want + 1, strlen(e->message)) != 0)
					fail_msg("%s: arena %u, allocation %u: %s", fn, arena, (unsigned)n, e->message);
				failed++;
			}
			rego_result_free(r);
		}
		assert_int_equal(good, 3);
	}
	assert_true(failed > 10);
	rego_query_free(q);
	rego_program_free(p);
	free(want);
	free(input);
}

static void when_any_allocation_fails_there_is_an_error_and_no_wrong_answer(void **state)
{
	(void)state;
	fails_cleanly("parse_query",
		      "# c\nquery Q($a: [Int!] = [1, {b: \"\\n\"}] @d) { a: b(c: $a, d: \"\"\"x\n y\"\"\") @e { ...F ... on T { c } } } "
		      "fragment F on T { d }",
		      NULL);
	fails_cleanly("parse_schema",
		      "# c\n\"d\" type T implements I & J @d(a: 1) { \"e\" a(b: Int = 1): [Int!] } enum E { A B } union U = A | B "
		      "input N { a: Int = 5 } directive @d repeatable on FIELD schema { query: T } extend scalar S @x # end",
		      NULL);
	fails_cleanly("parse",
		      "query Q($k: Key, $v: Boolean!) @tag(name: \"n\") { p: person(key: $k) { pets(of: {must: $v, tags: [\"a\"]}) { ...F "
		      "... on Cat { mood } } } node { ... on Named { name } } } fragment F on Dog { id @skip(if: $v) }",
		      zoo);
	fails_cleanly("parse",
		      "query Q($k: Nope) { dog { x: id x: mood ids ...F } subject } fragment F on Dog { ...F } mutation { a }", zoo);
	fails_cleanly("is_valid", "{dog {x: id ...F}} fragment F on Dog {x: mood}", zoo);
	fails_cleanly("schema_is_valid", zoo, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(queries_become_trees),
		cmocka_unit_test(block_strings_lose_their_indentation),
		cmocka_unit_test(schemas_become_trees),
		cmocka_unit_test(what_is_no_graphql_is_refused_with_its_place),
		cmocka_unit_test(only_text_is_parsed),
		cmocka_unit_test(nesting_bombs_end_in_the_depth_budget),
		cmocka_unit_test(a_long_document_ends_in_the_budget_that_it_exhausts),
		cmocka_unit_test(long_ways_through_fragments_end_in_the_depth_budget),
		cmocka_unit_test(costly_documents_end_in_a_budget),
		cmocka_unit_test(when_any_allocation_fails_there_is_an_error_and_no_wrong_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
