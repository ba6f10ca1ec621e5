/* Checking GraphQL: findings in queries, schemas, and trees that a policy hands over. */
#include "rego/builtin/test_graphql.h"

/* ---- verdicts ---- */

/* Findings of graphql.parse against the zoo; NULL: none. All four builtins must agree. */
struct finding {
	const char *query, *text;
};

static void check_findings(const struct finding *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *query = rows[i].query;
		char *input = strings(query, strlen(query), zoo, sizeof(zoo) - 1);
		char *parsed = outcome("parse", input, true, NULL), *valid = outcome("is_valid", input, true, NULL);
		char *verified = outcome("parse_and_verify", input, true, NULL);
		bool want = rows[i].text == NULL;

		if (want ? parsed[0] == '!' : strncmp(parsed, "!graphql.parse: ", 16) != 0 || strcmp(parsed + 16, rows[i].text) != 0)
			fail_msg("%s\n  want %s\n  got  %s", query, want ? "no finding" : rows[i].text, parsed);
		if (strcmp(valid, want ? "{\"x\":true}" : "{\"x\":false}") != 0)
			fail_msg("%s: is_valid gives %s", query, valid);
		if (want ? strncmp(verified, "{\"x\":[true,{\"", 13) != 0 : strcmp(verified, "{\"x\":[false,{},{}]}") != 0)
			fail_msg("%s: parse_and_verify gives %s", query, verified);
		free(verified);
		free(valid);
		free(parsed);
		free(input);
	}
}

#define CHECK_FINDINGS(rows) check_findings((rows), sizeof(rows) / sizeof(*(rows)))

static void fields_must_exist_and_be_selected_as_their_types_say(void **state)
{
	static const struct finding rows[] = {
		{"{dog {id __typename}}", NULL},
		{"{__schema {types {name}} __type(name: \"Dog\") {name}}", NULL},
		{"{dog {ids}}", AT("Cannot query field \"ids\" on type \"Dog\". Did you mean \"id\"?\n", "1:7")},
		{"{node {name}}",
		 AT("Cannot query field \"name\" on type \"Node\". Did you mean to use an inline fragment on \"Named\", \"Named\", or \"Dog\"?\n", "1:8")},
		{"{pet(id: 1) {id}}",
		 AT("Cannot query field \"id\" on type \"Pet\". Did you mean to use an inline fragment on \"Node\", \"Named\", \"Cat\", or "
		    "\"Dog\"?\n", "1:14")},
		{"{dog}", AT("Field \"dog\" of type \"Dog\" must have a selection of subfields. Did you mean \"dog { ... }\"?\n", "1:2")},
		{"{dog {id {__typename}}}", AT("Field \"id\" must not have a selection since type \"ID\" has no subfields", "1:7")},
		{"mutation {a}", AT("Schema does not support operation type \"mutation\"\n", "1:1")},
		{"subscription {dog {id} cat {id}}", AT("Anonymous Subscription must select only one top level field", "1:24")},
		{"subscription S {... on Subscription {__typename}}",
		 AT("Subscription \"S\" must not select an introspection top level field", "1:38")},
		{"{__schema {types {fields {type {fields {type {fields {name}}}}}}}}", AT("Maximum introspection depth exceeded\n", "1:2")},
		/* all findings, in the order of the walk */
		{"{dog {x y}}", AT("Cannot query field \"x\" on type \"Dog\".\ninput:1:9: Cannot query field \"y\" on type \"Dog\"", "1:7")},
	};

	(void)state;
	CHECK_FINDINGS(rows);
}

static void arguments_and_directives_must_be_known_and_complete(void **state)
{
	static const struct finding rows[] = {
		{"query @tag(name: \"a\") @tag(name: \"b\") {dog {id @skip(if: true)}}", NULL},
		{"{pet {__typename}}", AT("Field \"pet\" argument \"id\" of type \"ID!\" is required, but it was not provided", "1:2")},
		{"{pet(id: 1, idd: 2) {__typename}}", AT("Unknown argument \"idd\" on field \"Query.pet\". Did you mean \"id\"?\n", "1:2")},
		{"{pet(id: 1, id: 2, id: 3) {__typename}}", AT("There can be only one argument named \"id\"", "1:13")},
		{"{dog {id @skip}}",
		 AT("Directive \"@skip\" argument \"if\" of type \"Boolean!\" is required, but it was not provided", "1:11")},
		{"{dog {id @skip(if: true, of: 1)}}", AT("Unknown argument \"of\" on directive \"@skip\". Did you mean \"if\"?\n", "1:11")},
		{"{dog {id @nope}}", AT("Unknown directive \"@nope\"", "1:11")},
		{"{dog {id @specifiedBy(url: \"x\")}}", AT("Directive \"@specifiedBy\" may not be used on FIELD", "1:11")},
		{"{dog {id @skip(if: true) @skip(if: true)}}", AT("The directive \"@skip\" can only be used once at this location", "1:27")},
	};

	(void)state;
	CHECK_FINDINGS(rows);
}

static void values_must_fit_their_types(void **state)
{
	static const struct finding rows[] = {
		{"{moods(in: [GOOD, BAD])}", NULL},
		{"{person {pets(of: {must: true, min: 1, tags: \"one\", since: [1], inner: {must: false}}) {__typename}}}", NULL},
		{"{moods(in: [GOOF])}", AT("Value \"GOOF\" does not exist in \"Mood!\" enum. Did you mean the enum value \"GOOD\"?\n", "1:13")},
		{"{moods(in: \"GOOD\")}",
		 AT("Enum \"[Mood!]\" cannot represent non-enum value: \"GOOD\". Did you mean the enum value \"GOOD\"?\n", "1:13")},
		{"{moods(in: [null])}", AT("Expected value of type \"Mood!\", found null", "1:13")},
		{"{moods(in: 1)}", AT("Enum \"[Mood!]\" cannot represent non-enum value: 1", "1:12")},
		{"{person {pets(first: 2147483648) {__typename}}}", NULL},
		{"{person {pets(first: 9223372036854775808) {__typename}}}",
		 AT("Int cannot represent non 32-bit signed integer value: 9223372036854775808\n", "1:22")},
		{"{person {pets(first: 1.5) {__typename}}}", AT("Int cannot represent non-integer value: 1.5\n", "1:22")},
		{"{person {pets(first: [1]) {__typename}}}", AT("Int cannot represent non-integer value: [1]\n", "1:22")},
		{"{person {pets(of: {must: 1}) {__typename}}}", AT("Boolean cannot represent a non boolean value: 1\n", "1:26")},
		{"{person {pets(of: {must: true, min: 1e999}) {__typename}}}", AT("Float cannot represent non numeric value: 1e999\n"
		    "input:1:19: Expected value of type \"Filter\", found {must:true,min:1e999}", "1:37")},
		{"{person {pets(of: {}) {__typename}}}", AT("Field \"Filter.must\" of required type \"Boolean!\" was not provided", "1:19")},
		{"{person {pets(of: {must: true, musk: 1}) {__typename}}}",
		 AT("Field \"musk\" is not defined by type \"Filter\". Did you mean \"must\"?\n", "1:32")},
		{"{person {pets(of: {must: true, must: true}) {__typename}}}",
		 AT("There can be only one input field named \"must\"", "1:32")},
		{"{person(key: {id: 1}) {id}}", NULL},
		{"{person(key: {id: 1, number: 2}) {id}}", AT("OneOf Input Object \"Key\" must specify exactly one key", "1:14")},
		{"{person(key: {number: null}) {id}}", AT("Field \"Key.id\" must be non-null", "1:23")},
	};

	(void)state;
	CHECK_FINDINGS(rows);
}

static void variables_must_be_declared_used_and_fit(void **state)
{
	static const struct finding rows[] = {
		{"query Q($id: ID!) {...F} fragment F on Query {pet(id: $id) {__typename}}", NULL},
		{"query Q($id: ID = 1) {pet(id: $id) {__typename}}", NULL},
		{"query Q($n: Int) {person {pets(first: $n) {__typename}}}", NULL},
		{"query Q($id: ID) {pet(id: $id) {__typename}}",
		 AT("Variable \"$id\" of type \"ID\" used in position expecting type \"ID!\"", "1:27")},
		{"query Q($id: ID = null) {pet(id: $id) {__typename}}",
		 AT("Variable \"$id\" of type \"ID\" used in position expecting type \"ID!\"", "1:34")},
		{"query Q($m: [Mood]) {moods(in: $m)}",
		 AT("Variable \"$m\" of type \"[Mood]\" used in position expecting type \"[Mood!]\"", "1:32")},
		{"{pet(id: $id) {__typename}}", AT("Variable \"$id\" is not defined", "1:10")},
		{"query Q {pet(id: $id) {__typename}}", AT("Variable \"$id\" is not defined by operation \"Q\"", "1:18")},
		{"query Q($a: Int) {dog {id}}", AT("Variable \"$a\" is never used in operation \"Q\"", "1:9")},
		{"query ($a: Int, $a: Int) {person {pets(first: $a) {__typename}}}",
		 AT("Variable \"$a\" is never used.\ninput:1:17: There can be only one variable named \"$a\"", "1:17")},
		{"query ($a: Nope) {dog {id @tag(name: $a)}}", AT("Unknown type \"Nope\".\ninput:1:38: Variable \"$a\" of type \"Nope\" used in "
							     "position expecting type \"String!\"", "1:8")},
		{"query ($a: Dog) {moods(in: $a)}", AT("Variable \"$a\" of type \"Dog\" used in position expecting type \"[Mood!]\".\n"
						      "input:1:8: Variable \"$a\" cannot be non-input type \"Dog\"", "1:28")},
		{"query ($a: Boolean = 5) {dog {id @skip(if: $a)}}", AT("Boolean cannot represent a non boolean value: 5\n", "1:22")},
		{"query ($n: Int) {person(key: {number: $n}) {id}}",
		 AT("Variable \"$n\" is of type \"Int\" but must be non-nullable to be used for OneOf Input Object \"Key\"", "1:8")},
	};

	(void)state;
	CHECK_FINDINGS(rows);
}

static void fragments_must_be_possible_used_and_without_cycles(void **state)
{
	static const struct finding rows[] = {
		{"{node {...F ... on Cat {lives}}} fragment F on Named {name}", NULL},
		{"{dog {...F}}", AT("Unknown fragment \"F\"", "1:10")},
		{"{dog {id}} fragment F on Dog {id}", AT("Fragment \"F\" is never used", "1:12")},
		{"{dog {...F}} fragment F on Dog {id} fragment F on Dog {id}", AT("There can be only one fragment named \"F\"", "1:37")},
		{"{dog {... on Mood {__typename}}}", AT("Fragment cannot condition on non composite type \"Mood\"", "1:11")},
		{"{dog {... on Cow {x}}}", AT("Unknown type \"Cow\"", "1:11")},
		{"{dog {... on Cat {id}}}",
		 AT("Fragment cannot be spread here as objects of type \"Dog\" can never be of type \"Cat\"", "1:11")},
		{"{dog {...F}} fragment F on Cat {id}",
		 AT("Fragment \"F\" cannot be spread here as objects of type \"Dog\" can never be of type \"Cat\"", "1:10")},
		{"{dog {...F}} fragment F on Dog {owner {pets {...G}}} fragment G on Dog {...F}",
		 AT("Cannot spread fragment \"F\" within itself via \"G\"", "1:76")},
		{"{dog {...F}} fragment F on Dog {...F}", AT("Cannot spread fragment \"F\" within itself", "1:36")},
		{"query A {dog {id}} {dog {id}}", AT("This anonymous operation must be the only defined operation", "1:20")},
		{"query A {dog {id}} query A {dog {id}}", AT("There can be only one operation named \"A\"", "1:20")},
	};

	(void)state;
	CHECK_FINDINGS(rows);
}

#define CONFLICT(name, why, at)                                                                                        \
	AT("Fields \"" name "\" conflict because " why ". Use different aliases on the fields to fetch both if this was intentional", at)

static void fields_of_one_name_must_be_one_field(void **state)
{
	static const struct finding rows[] = {
		{"{dog {id id} dog {mood}}", NULL},
		{"{pet(id: 1) {... on Dog {x: id} ... on Cat {x: id}}}", NULL},
		{"{person {pets(of: {must: true, min: 1}) {__typename} pets(of: {min: 1, must: true}) {__typename}}}", NULL},
		{"{person {pets(of: {must: true}) {__typename} pets(of: {must: false}) {__typename}}}",
		 CONFLICT("pets", "they have differing arguments", "1:46")},
		{"{dog {x: id x: mood}}", CONFLICT("x", "\"id\" and \"mood\" are different fields", "1:13")},
		{"{pet(id: 1) {... on Dog {m: mood} ... on Cat {m: mood}}}",
		 CONFLICT("m", "they return conflicting types \"Mood\" and \"Mood!\"", "1:47")},
		{"{x: dog {y: id} ...F} fragment F on Query {x: dog {y: mood}}",
		 CONFLICT("x", "subfields \"y\" conflict because \"id\" and \"mood\" are different fields", "1:44")},
		{"{...F ...G} fragment F on Query {x: dog {id}} fragment G on Query {x: cat {id}}",
		 CONFLICT("x", "\"dog\" and \"cat\" are different fields", "1:68")},
	};

	(void)state;
	CHECK_FINDINGS(rows);
}

/* ---- schemas ---- */

#define BAD(text, place) "!graphql.parse: Error in gqlparser SchemaDocument to Schema conversion: input:" place ": " text

static void schemas_are_checked(void **state)
{
	static const struct {
		const char *schema, *text;
	} rows[] = {
		{zoo, NULL},
		{"", NULL},
		{"extend type A { a: Int } extend type A { b: A }", NULL},
		{"directive @deprecated on FIELD_DEFINITION type A { a: Int @deprecated }", NULL},
		{"input A { a: [A!]! b: A }", NULL},
		{"type A { a: Int } type A { b: Int }", BAD("Cannot redeclare type A.", "1:24")},
		{"directive @a on FIELD directive @a on FIELD", BAD("Cannot redeclare directive a.", "1:34")},
		{"enum A { B } extend type A { a: Int }",
		 BAD("Cannot extend type A because the base type is a ENUM, not OBJECT.", "1:26")},
		{"type A { a: B }", BAD("Undefined type B.", "1:13")},
		{"type A { a: In } input In { b: Int }",
		 BAD("OBJECT A: field must be one of SCALAR, OBJECT, INTERFACE, UNION, ENUM.", "1:10")},
		{"input In { b: A } type A { a: Int }", BAD("OBJECT b: field must be one of SCALAR, ENUM, INPUT_OBJECT.", "1:12")},
		{"type A { a(b: A): Int }", BAD("cannot use A as argument b because OBJECT is not a valid input type", "1:12")},
		{"type A { a: Int a: Int }", BAD("Field A.a can only be defined once.", "1:17")},
		{"enum A { B C B }", BAD("Enum value A.B can only be defined once.", "1:14")},
		{"enum A { true }", BAD("ENUM A: non-enum value true.", "1:6")},
		{"type A", BAD("OBJECT A: must define one or more fields.", "1:6")},
		{"type A { a: Int } union U = A | A", BAD("Union type U can only include type A once.", "1:33")},
		{"union U = Int", BAD("UNION type \"Int\" must be OBJECT.", "1:7")},
		{"type __A { a: Int }", BAD("Name \"__A\" must not begin with \"__\", which is reserved by GraphQL introspection.", "1:6")},
		{"type A implements I { a: Int } interface I { b: Int }",
		 BAD("For A to implement I it must have a field called b.", "1:6")},
		{"type A implements I { b: Int } interface I { b: Int! }",
		 BAD("For A to implement I the field b must have type Int!.", "1:23")},
		{"type A implements I { b(d: Int!): Int } interface I { b: Int }",
		 BAD("For A to implement I any additional arguments on b must be optional or have a default value but d is required.", "1:25")},
		{"type A implements I { b: Int } interface I implements J { b: Int } interface J { b: Int }",
		 BAD("Type A must implement J because it is implemented by I.", "1:6")},
		{"interface I implements J { a: Int } interface J implements I { a: Int }",
		 BAD("Type I cannot implement J because it would create a circular reference.", "1:11")},
		{"directive @a(b: Int @a) on ARGUMENT_DEFINITION", BAD("Directive a cannot refer to itself.", "1:22")},
		{"type A @deprecated { a: Int }", BAD("Directive deprecated is not applicable on OBJECT.", "1:9")},
		{"scalar A @specifiedBy", BAD("Argument url for directive specifiedBy cannot be null.", "1:11")},
		{"schema { query: A }", BAD("Schema root query refers to a type A that does not exist.", "1:10")},
		{"type A { a: Int } schema { query: A } schema { query: A }",
		 BAD("Cannot have multiple schema entry points, consider schema extensions instead.", "1:46")},
		{"input A { b: B! } input B { a: A! }",
		 BAD("Cannot reference Input Object \"A\" within itself through a series of non-null fields: \"b.a\".", "1:11")},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char *one = strings(rows[i].schema, strlen(rows[i].schema), NULL, 0);
		char *both = strings("", 0, rows[i].schema, strlen(rows[i].schema));
		char *valid = outcome("schema_is_valid", one, false, NULL), *parsed = outcome("parse", both, true, NULL);

		if (rows[i].text ? strcmp(parsed, rows[i].text) != 0 : parsed[0] == '!')
			fail_msg("%s\n  want %s\n  got  %s", rows[i].schema, rows[i].text ? rows[i].text : "no finding", parsed);
		if (strcmp(valid, rows[i].text ? "{\"x\":false}" : "{\"x\":true}") != 0)
			fail_msg("%s: schema_is_valid gives %s", rows[i].schema, valid);
		free(parsed);
		free(valid);
		free(both);
		free(one);
	}
}

/* ---- trees as arguments ---- */

#define ROOT "{\"Definitions\": [{\"Kind\": \"OBJECT\", \"Name\": \"Query\", \"Fields\": [{\"Name\": \"a\", \"Type\": {\"NamedType\": \"Int\"}}]}]}"

static void trees_are_taken_where_text_is(void **state)
{
	(void)state;
	expect_json("is_valid", true, "[{\"Operations\": [{\"SelectionSet\": [{\"Name\": \"a\"}]}]}, " ROOT "]", "{\"x\":true}");
	expect_json("is_valid", true, "[\"{a}\", " ROOT "]", "{\"x\":true}");
	expect_json("is_valid", true, "[\"{b}\", " ROOT "]", "{\"x\":false}");
	/* a tree has no places */
	expect_json("parse", true, "[{\"Operations\": [{\"SelectionSet\": [{\"Name\": \"b\"}]}]}, " ROOT "]",
		    "!graphql.parse: GraphQL parse error: input: Cannot query field \"b\" on type \"Query\". Did you mean \"a\"?\n");
	expect_json("parse", true, "[\"\", {\"Definitions\": [{\"Kind\": \"UNION\", \"Name\": \"U\", \"Types\": [\"A\"]}]}]",
		    "!graphql.parse: Error in gqlparser SchemaDocument to Schema conversion: input:-1:-1: Undefined type \"A\".");
	expect_json("parse", true, "[{}, " ROOT "]",
		    "{\"x\":[{},{\"Definitions\":[{\"BuiltIn\":false,\"Description\":\"\",\"Fields\":[{\"Description\":\"\",\"Name\":\"a\","
		    "\"Type\":{\"NamedType\":\"Int\",\"NonNull\":false}}],\"Kind\":\"OBJECT\",\"Name\":\"Query\"}]}]}");
}

static void what_is_no_tree_is_refused(void **state)
{
	static const char *const bad[] = {
		"{\"Operations\": 5}",
		"{\"Operations\": [5]}",
		"{\"Operations\": [{\"Operation\": \"delete\"}]}",
		"{\"Operations\": [{\"SelectionSet\": [{\"Name\": []}]}]}",
		"{\"Operations\": [{\"SelectionSet\": [{\"Arguments\": [{\"Name\": \"x\"}]}]}]}",
		"{\"Operations\": [{\"SelectionSet\": [{\"Arguments\": [{\"Value\": 1}]}]}]}",
		"{\"Operations\": [{\"SelectionSet\": [{\"Arguments\": [{\"Value\": {\"Kind\": 10}}]}]}]}",
		"{\"Operations\": [{\"VariableDefinitions\": [{\"Variable\": \"x\"}]}]}",
		"{\"Operations\": [{\"VariableDefinitions\": [{\"Type\": {}}]}]}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char input[1024], *got;

		snprintf(input, sizeof(input), "[%s, \"type Query {a: Int}\"]", bad[i]);
		expect_json("is_valid", true, input, "{\"x\":false}");
		got = outcome("parse", input, true, NULL);
		if (strncmp(got, "!graphql.parse: GraphQL AST: ", 29) != 0)
			fail_msg("%s: %s", bad[i], got);
		free(got);
	}
	expect_json("schema_is_valid", false, "[{\"Definitions\": [{\"Kind\": \"CLASS\", \"Name\": \"A\"}]}]", "{\"x\":false}");
}

static void what_is_neither_text_nor_tree_is_invalid(void **state)
{
	(void)state;
	expect_json("is_valid", true, "[5, \"\"]", "{\"x\":false}");
	expect_json("is_valid", true, "[\"\", null]", "{\"x\":false}");
	expect_json("schema_is_valid", false, "[[]]", "{\"x\":false}");
	expect_json("parse_and_verify", true, "[true, \"\"]", "{\"x\":[false,{},{}]}");
	expect_json("parse", true, "[5, 5]", "!graphql.parse: operand 0 must be one of {string, object} but got number");
	expect_json("parse", true, "[\"\", 5]", "!graphql.parse: operand 1 must be one of {string, object} but got number");
	expect_json("parse", true, "[\"{\", 5]", "!graphql.parse: " AT("Expected Name, found <EOF>", "1:2"));
}

/* The same fragments through each other, where comparing would never end. */
static void cycles_have_a_verdict(void **state)
{
	char *input = strings("{...A} fragment A on Query {f {...B f {...A}} f {...B}} fragment B on Query {f {...A} f {f {...B}}}", 97,
			      "type Query {f: Query}", 21);

	(void)state;
	expect_json("is_valid", true, input, "{\"x\":false}");
	free(input);
}

static void the_text_about_a_query_has_an_end(void **state)
{
	char *query = malloc(5000 * 7 + 3), *input, *got;
	size_t n = 0;

	(void)state;
	assert_non_null(query);
	query[n++] = '{';
	for (unsigned i = 0; i < 5000; i++)
		n += (size_t)snprintf(query + n, 8, " x%u", i);
	query[n++] = '}';
	input = strings(query, n, zoo, sizeof(zoo) - 1);
	got = outcome("parse", input, true, NULL);
	assert_true(strncmp(got, "!graphql.parse: Cannot query field \"x0\"", 38) == 0);
	assert_in_range(strlen(got), 65536, 66000);
	assert_string_equal(got + strlen(got) - 34, " in GraphQL string at location 1:3");
	free(got);
	free(input);
	free(query);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_must_exist_and_be_selected_as_their_types_say),
		cmocka_unit_test(arguments_and_directives_must_be_known_and_complete),
		cmocka_unit_test(values_must_fit_their_types),
		cmocka_unit_test(variables_must_be_declared_used_and_fit),
		cmocka_unit_test(fragments_must_be_possible_used_and_without_cycles),
		cmocka_unit_test(fields_of_one_name_must_be_one_field),
		cmocka_unit_test(schemas_are_checked),
		cmocka_unit_test(trees_are_taken_where_text_is),
		cmocka_unit_test(what_is_no_tree_is_refused),
		cmocka_unit_test(what_is_neither_text_nor_tree_is_invalid),
		cmocka_unit_test(cycles_have_a_verdict),
		cmocka_unit_test(the_text_about_a_query_has_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
