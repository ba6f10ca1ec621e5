/* Modules that compile and modules that do not, with their errors; and that reading them takes little time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include <time.h>

#include "base/num.h"
#include "base/sys.h"
#include "rego/host.h"

static struct rego_compile_options options = {.size = sizeof(options)};

/* The first error's text; NULL when the text compiles. In `out`. */
static const char *refusal(const char *text, size_t len, struct rego_compile_options o, char out[512])
{
	struct rego_module m = {"m.rego", text, len};
	struct rego_errors *e = NULL;
	struct rego_program *p = rego_compile(&m, 1, &o, &e);
	const struct rego_error *first = rego_errors_at(e, 0);

	snprintf(out, 512, "%s:%u:%u: %s", first ? first->code : "", first ? first->row : 0, first ? first->col : 0,
		 first ? first->message : "no reason");
	rego_errors_free(e);
	rego_program_free(p);
	return p ? NULL : out;
}

struct row {
	const char *text;	/* behind "package p\n" */
	const char *want;	/* a part of the error; NULL: compiles */
	int32_t v0;
};

static void check(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char text[2048], out[512];
		int len = snprintf(text, sizeof(text), "package p\n%s\n", rows[i].text);
		struct rego_compile_options o = options;
		const char *got;

		o.dialect = rows[i].v0 ? REGO_V0 : REGO_V1;
		got = refusal(text, (size_t)len, o, out);
		if (!got != !rows[i].want || (got && !strstr(got, rows[i].want)))
			fail_msg("%s\ngot %s", rows[i].text, got ? got : "no error");
	}
}

static void only_a_whole_expression_takes_its_result_as_an_argument(void **state)
{
	static const struct row rows[] = {
		{"p if count([1], 1)", NULL, 0},
		{"f(x) := x\np if f(1, 1)", NULL, 0},
		{"p if count([y | some y in [1]; count([1], 1)], 1)", NULL, 0},
		{"p := count([1], 1)", "count: arity mismatch", 0},
		{"p if x := count([1], 1)", "count: arity mismatch", 0},
		{"f(x) := x\np if f(f(1, 1))", "function data.p.f has arity 1, got 2 arguments", 0},
		{"p := $\"{count([1], 1)}\"", "count: arity mismatch", 0},
	};

	(void)state;
	check(rows, COUNT_OF(rows));
}

static void a_bar_is_a_union_where_a_list_goes_on(void **state)
{
	static const struct row rows[] = {
		{"p := [{1} | {2}, 3]", NULL, 0},
		{"p := [{1} | {2}, 5 in {5}, 6]", NULL, 0},
		{"p := {{1} | {2}, 3}", NULL, 0},
		{"p := {\"a\": {1} | {2}, \"b\": 3}", NULL, 0},
		{"p := {\"a\": {1} | {2}}", NULL, 0},
		{"p := [, 1, 2]", NULL, 0},
		{"p := [1 | ]", "found empty body", 0},
		{"p := {\"a\": 1 | }", "unexpected } token", 0},
		{"p := {\"a\": 1 2}", "non-terminated object", 0},
		{"p := {1 2}", "non-terminated set", 0},
	};

	(void)state;
	check(rows, COUNT_OF(rows));
}

static void heads_are_written_freely(void **state)
{
	static const struct row rows[] = {
		{"f (x) := x if { true }\np := f(1)", NULL, 0},
		{"p [x] := 1 if { x := \"a\" }", NULL, 0},
		{"p := 1 q := 2 r contains 1", NULL, 0},
		{"p[\"s\"] q { x := 1; x > 0 }", NULL, 1},
		{"f (x) := 5", "var cannot be used for rule name", 0},
		{"p. q := 1", "2:3: unexpected whitespace token: expected identifier", 0},
		{"p if { true };", "2:14: unexpected ; token", 0},
		{"p := 1; q := 2", "multiple expressions cannot be used for rule head", 0},
		{"p := 1;", "unexpected eof token", 0},
		{"count(x)", "rule name conflicts with built-in function", 0},
		{"\"a\" = x", "string cannot be used for rule name", 0},
		{"[x] := y", "array cannot be used for rule name", 0},
		{"p { true }\nq := )", "3:6: unexpected ) token", 0},	/* before what v1 asks of p */
		{"p := (1, 2)", "non-terminated expression", 0},
		{"p := . x", "unexpected identifier token: expected number", 0},
		{"p", "var cannot be used for rule name", 1},
		{"allow if { true }", "var cannot be used for rule name", 1},
		{"p[\"x\"]", "`contains` keyword is required", 0},
		{"default p := [x]", "illegal default rule (value cannot contain var)", 0},
		{"p := - -1", "2:8: unexpected minus token: expected number", 0},
		{"p := -\"a\"", "unexpected string token: expected number", 0},
		{"p := \"a\"[0]", "illegal ref (head cannot be string)", 0},
	};

	(void)state;
	check(rows, COUNT_OF(rows));
}

static void a_package_has_any_name(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"package\n\nnot.in[\"a b\"]\nx := 1", NULL}, {"package true x := 1", NULL}, {"x := 1", "1:1: package expected"},
		{"x := )", "1:6: unexpected ) token"}, {"package a\npackage b", "2:1: unexpected package"}, {"package a[b]", "expecting string"},
		{"", "empty module"}, {"# only words", "empty module"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char out[512];
		const char *got = refusal(rows[i].text, strlen(rows[i].text), options, out);

		if (!got != !rows[i].want || (got && !strstr(got, rows[i].want)))
			fail_msg("%s\ngot %s", rows[i].text, got ? got : "no error");
	}
}

static void heads_of_closures_bind_what_their_brackets_name(void **state)
{
	static const struct row rows[] = {
		{"p := {[1, 2][_]: 1 | true}", NULL, 0},
		{"p := [[1, 2][i] | true]", NULL, 0},
		{"p := [x | true]", "var x is unsafe", 0},
	};

	(void)state;
	check(rows, COUNT_OF(rows));
}

/* Each way of nesting, 30 deep and then closed or broken off: a reader that tries twice at each level would take 2^30 steps. */
/* What may be read in more than one way, nested in itself: before, the innermost, behind. */
static const char *const ways[][3] = {
	{"{", "true", "} and {true}"}, {"{", "true", "} or {true}"}, {"{true} and {", "true", "}"}, {"({", "true", "} and {true})"},
	{"not {", "true", "}"}, {"not ({x | x = 1; ", "true", "})"}, {"([x | x := 1; ", "true", "])"}, {"{x | x = 1; {", "true", "}}"},
	{"[1 | ", "true", ", 2]"}, {"{1 | ", "true", ", 2}"}, {"{{x | ", "true", ", 2}}"}, {"((", "true", "))"},
	{"not (", "true", ")"}, {"{1: 2 | ", "3", ", 4: 5}"}, {"$\"{[x | x := 1; ", "true", "]}\""}, {"every x in [y | y := 1] {", "x", "}"},
};

/* A body that holds way w, `depth` times in itself. Returns the length. */
static size_t nested(char *text, size_t size, size_t w, int depth, bool end)
{
	size_t at = (size_t)snprintf(text, size, "package p\nimport future.keywords.not\nimport future.keywords.and\n"
				     "import future.keywords.or\nq if {\n");

	for (int k = 0; k < depth; k++)
		at += (size_t)snprintf(text + at, size - at, "%s", ways[w][0]);
	at += (size_t)snprintf(text + at, size - at, "%s", ways[w][1]);
	for (int k = 0; end && k < depth; k++)
		at += (size_t)snprintf(text + at, size - at, "%s", ways[w][2]);
	return at + (size_t)snprintf(text + at, size - at, "%s", end ? "\n}\n" : "");
}

static size_t allocations;

void *__real_arena_alloc(struct arena *a, size_t n);
void *__wrap_arena_alloc(struct arena *a, size_t n);

void *__wrap_arena_alloc(struct arena *a, size_t n)
{
	allocations++;
	return __real_arena_alloc(a, n);
}

/* Each reading of a term allocates it, so allocations count readings. What failed at a token is not tried there again: a level is read
 * once for each level around it at most, and twice as much nesting costs four times as many readings, never a power. */
static void the_cost_of_nesting_is_bounded(void **state)
{
	struct rego_compile_options o = options;

	(void)state;
	o.experimental_keywords = 1;
	o.parse_only = 1;
	for (size_t i = 0; i < COUNT_OF(ways); i++) {
		for (int end = 0; end < 2; end++) {
			char text[8192], out[512];
			size_t cost[3];

			for (int k = 0; k < 3; k++) {
				size_t n = nested(text, sizeof(text), i, 8 << k, end);

				allocations = 0;
				(void)refusal(text, n, o, out);
				cost[k] = allocations;
			}
			assert_true(cost[0] > 8);
			if (cost[2] - cost[1] > (cost[1] - cost[0]) * 17 / 4 + 8)
				fail_msg("%s ... %s: %zu, %zu, %zu allocations", ways[i][0], end ? ways[i][2] : "", cost[0], cost[1], cost[2]);
		}
	}
}

static void what_is_nested_is_read_in_little_time(void **state)
{
	struct rego_compile_options o = options;

	(void)state;
	o.experimental_keywords = 1;
	o.parse_only = 1;
	for (size_t i = 0; i < COUNT_OF(ways); i++) {
		for (int end = 0; end < 2; end++) {
			char text[8192], out[512];
			size_t n = nested(text, sizeof(text), i, 30, end);
			clock_t from = clock(); /* processor time: other work on the machine does not count */

			(void)refusal(text, n, o, out);
			if (clock() - from > 20 * CLOCKS_PER_SEC) /* 2^30 steps take minutes */
				fail_msg("%s ... %s: too long", ways[i][0], end ? ways[i][2] : "");
		}
	}
}

/* What `query` gives for `input`, or the error's text. */
static void gives(const char *text, const char *query, const char *input, const char *want)
{
	struct rego_module m = {"m.rego", text, strlen(text)};
	struct rego_program *p = rego_compile(&m, *text ? 1 : 0, NULL, NULL);
	struct rego_query *q = rego_query_compile(p, query, strlen(query), NULL);
	struct rego_eval_options o = {.size = sizeof(o), .input = input, .input_len = strlen(input), .strict_errors = 1};
	struct rego_result *r = rego_eval(q, &o);
	const struct rego_error *e = rego_result_error(r);
	const char *got = e ? e->message : rego_result_value(r, NULL);

	if (!got || !strstr(got, want))
		fail_msg("%s %s\nwant %s\ngot  %s", text, input, want, got ? got : "undefined");
	rego_result_free(r);
	rego_query_free(q);
	rego_program_free(p);
}

static void a_module_is_given_as_its_tree(void **state)
{
#define TRUE "{\"generated\":true,\"index\":0,\"terms\":{\"type\":\"boolean\",\"value\":true}}"
#define VAR(x) "{\"type\":\"var\",\"value\":\"" x "\"}"
#define STR(x) "{\"type\":\"string\",\"value\":\"" x "\"}"
#define NUM(x) "{\"type\":\"number\",\"value\":" x "}"
#define REF(x) "{\"type\":\"ref\",\"value\":[" x "]}"
	static const char *const rows[][2] = {
		{"package p\n# one\nx := 1.50", "{\"comments\":[{\"Location\":{\"col\":1,\"file\":\"m.rego\",\"row\":2},\"Text\":\"IG9uZQ==\"}],"
		 "\"package\":{\"path\":[" VAR("data") "," STR("p") "]},\"rules\":[{\"body\":[" TRUE "],\"head\":{\"assign\":true,\"name\":\"x\","
		 "\"ref\":[" VAR("x") "],\"value\":" NUM("1.50") "}}]}"},
		{"package p\nimport data.a as b\nimport input.c", "\"imports\":[{\"alias\":\"b\",\"path\":" REF(VAR("data") "," STR("a")) "},"
		 "{\"path\":" REF(VAR("input") "," STR("c")) "}]"},
		/* wildcards are numbered as they are read; an else has arguments of its own */
		{"package p\nf(_) if _ else := 2", "{\"body\":[{\"index\":0,\"terms\":" VAR("$1") "}],\"else\":{\"body\":[" TRUE "],\"head\":{"
		 "\"args\":[" VAR("$2") "],\"assign\":true,\"name\":\"f\",\"ref\":[" VAR("f") "],\"value\":" NUM("2") "}},\"head\":{\"args\":["
		 VAR("$0") "]"},
		/* members and keys are sorted by what they are */
		{"package p\nx := {y, \"b\", 2, y, {3: 1, 1: 2}}", "\"value\":{\"type\":\"set\",\"value\":[" NUM("2") "," STR("b") "," VAR("y") ","
		 "{\"type\":\"object\",\"value\":[[" NUM("1") "," NUM("2") "],[" NUM("3") "," NUM("1") "]]}]}"},
		{"package p\nx[k] := 1 if { some k in input; not k == 1 with input as 2 }",
		 "\"body\":[{\"index\":0,\"terms\":{\"symbols\":[{\"type\":\"call\",\"value\":[" REF(VAR("internal") "," STR("member_2")) ","
		 VAR("k") "," REF(VAR("input")) "]}]}},{\"index\":1,\"negated\":true,\"terms\":[" REF(VAR("equal")) "," VAR("k") "," NUM("1") "],"
		 "\"with\":[{\"target\":" REF(VAR("input")) ",\"value\":" NUM("2") "}]}],\"head\":{\"assign\":true,\"key\":" VAR("k") ","
		 "\"name\":\"x\",\"ref\":[" VAR("x") "," VAR("k") "]"},
		{"package p\nx := $`a {1} {y}`", "{\"multi_line\":true,\"parts\":[" STR("a ") "," NUM("1") "," STR(" ") ",{\"index\":0,\"terms\":" VAR("y")
		 "}]}"},
		{"package p\n\nx = ", "rego.parse_module: 1 error occurred: m.rego:3: rego_parse_error: unexpected eof token"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct arena *a = arena_new(0);
		struct rv_heap h = rv_heap_in(a, 0);
		struct rv text = rv_json_value(&h, rv_cstr(&h, rows[i][0]));

		gives("", "rego.parse_module(\"m.rego\", input)", text.str->p, rows[i][1]);
		arena_free(a);
	}
}

static void annotations_are_constants_of_their_rules(void **state)
{
	static const char *const rows[][3] = {
		{"# METADATA\n# scope: subpackages\n# title: sub\npackage p.q\n# METADATA\n# title: one\n# METADATA\n# title: two\n"
		 "x := [rego.metadata.rule(), rego.metadata.chain()]", "data.p.q.x",
		 "[{\"scope\":\"rule\",\"title\":\"one\"},[{\"annotations\":{\"scope\":\"rule\",\"title\":\"two\"},\"path\":[\"p\",\"q\",\"x\"]},"
		 "{\"annotations\":{\"scope\":\"rule\",\"title\":\"one\"},\"path\":[\"p\",\"q\",\"x\"]},"
		 "{\"annotations\":{\"scope\":\"subpackages\",\"title\":\"sub\"},\"path\":[\"p\",\"q\"]}]]"},
		{"package p\n# METADATA\n# title: 12\n# entrypoint: true\n# authors:\n# - Jo  Doe <jo@x.y>\n# - {name: Al}\n# related_resources:\n"
		 "# - http://a.b\n# schemas:\n# - input.x: schema.y\n# organizations: [a, 1]\n# custom: {k: [yes, 2020-1-2]}\nx if false\n"
		 "y := rego.metadata.rule()\nx := rego.metadata.chain()[1]", "data.p.x",
		 "{\"annotations\":{\"authors\":[{\"email\":\"jo@x.y\",\"name\":\"Jo Doe\"},{\"name\":\"Al\"}],\"custom\":{\"k\":[\"yes\","
		 "\"2020-01-02T00:00:00Z\"]},\"entrypoint\":true,\"organizations\":[\"a\",\"1\"],\"related_resources\":[{\"ref\":\"http://a.b\"}],"
		 "\"schemas\":[{\"path\":[\"input\",\"x\"],\"schema\":[\"schema\",\"y\"]}],\"scope\":\"document\",\"title\":\"12\"},\"path\":[\"p\",\"x\"]}"},
		{"package p\nx := rego.metadata.rule()", "data.p.x", "{}"},
		{"package p\nx := y if rego.metadata.chain(y)", "data.p.x", "[{\"path\":[\"p\",\"x\"]}]"},
		{"package p", "rego.metadata.rule()", "the rego.metadata.rule function must only be called within the scope of a rule"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		gives(rows[i][0], rows[i][1], "null", rows[i][2]);
}

static void bad_annotations_are_refused_where_a_rule_asks(void **state)
{
#define ASKS "\nx := rego.metadata.rule()"
	static const struct row rows[] = {
		{"# METADATA\n#" ASKS, "2:1: expected METADATA block, found whitespace", 0},
		{"# METADATA\n# title: [" ASKS, "rego_parse_error:3:1: yaml: line 1: ", 0},
		{"# METADATA\n# title: [a]" ASKS, "cannot unmarshal !!seq into string", 0},
		{"# METADATA\n# text" ASKS, "cannot unmarshal !!str `text` into", 0},
		{"# METADATA\n# title: a\n# title: b" ASKS, "mapping key \"title\" already defined at line 1", 0},
		{"# METADATA\n# a: b\n# title:x" ASKS, "Hint: on line 4, symbol(s) ['x'] immediately following", 0},
		{"# METADATA\n# scope: x" ASKS, "invalid annotation scope 'x'. Use one of", 0},
		{"# METADATA\n# scope: package" ASKS, "annotation scope 'package' must be applied to package (have rule)", 0},
		{"# METADATA\n# scope: rule\n# entrypoint: true" ASKS, "annotation entrypoint applied to non-document or package scope 'rule'", 0},
		{"# METADATA\n# entrypoint: maybe" ASKS, "cannot unmarshal !!str `maybe` into bool", 0},
		{"# METADATA\n# authors: [\"\"]" ASKS, "author is an empty string", 0},
		{"# METADATA\n# related_resources: [\"http://[::1\"]" ASKS, "missing ']' in host", 0},
		{"# METADATA\n# schemas: [{x: schema}]" ASKS, "invalid document reference", 0},
		{"# METADATA\n# schemas: [{input: x}]" ASKS, "invalid schema reference", 0},
		{"# METADATA\n# custom: {a: {1: x}}" ASKS, "invalid map key type(s)", 0},
		{"# METADATA\n# scope: document\nx := 1 if false\n# METADATA\n# scope: document" ASKS, "document annotation redeclared: m.rego:2", 0},
		{"y := rego.metadata.rule().nothing", "undefined ref: rego.metadata.rule().nothing", 0},
		{"# METADATA\n# text\nx := 1", NULL, 0},	/* nobody asks */
		{" # METADATA\n# text" ASKS, NULL, 0},	/* not at the start of its line */
	};
	char out[512];
	static const char text[] = "package p\n# METADATA\n# text\nx := 1";
	struct rego_compile_options o = options;

	(void)state;
	check(rows, COUNT_OF(rows));
	o.check_annotations = 1;
	assert_non_null(refusal(text, sizeof(text) - 1, o, out));
}

/* All errors of a text, one after the other. */
static void unsafe_variables_are_all_named(void **state)
{
	static const char *const rows[][2] = {
		{"package p\nx if { a = y; b = a; a + 1 = 2 }", "a y b "},
		{"package p\nx if { a := y; b := a + c }", "y c "},	/* what := would bind is no cause */
		{"package p\nx if { a := b; b := a }", "b "},
		{"package p\nimport future.keywords.not\nx if { not { a = y; b = a; a + 1 = 2 } }", "a y b "},
		{"package p\nx if { y = z; y = [z | z = 1] }", "y z "},
		{"package p\nx := y if { count(z.a, y) }", "z "},	/* the result would be bound */
		{"package p\nx if { count(y, y) }", "y "},
		{"package p\nx if { [y] = null }", "y "},	/* no array */
		{"package p\nx if { some y in z }", "z y "},
		{"package p\nx if and", "and "},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct rego_module m = {"m.rego", rows[i][0], strlen(rows[i][0])};
		struct rego_errors *e = NULL;
		struct rego_program *p = rego_compile(&m, 1, NULL, &e);
		char got[128] = "";

		assert_null(p);
		for (size_t k = 0; k < rego_errors_count(e); k++) {
			char name[16] = "?";

			(void)sscanf(rego_errors_at(e, k)->message, "var %15s is unsafe", name);
			snprintf(got + strlen(got), sizeof(got) - strlen(got), "%s ", name);
		}
		if (strcmp(got, rows[i][1]) != 0)
			fail_msg("%s\nwant %s\ngot  %s", rows[i][0], rows[i][1], got);
		rego_errors_free(e);
	}
}

static void print_is_no_value_and_binds_nothing(void **state)
{
	static const struct row rows[] = {
		{"x if { print(1, input.y); not print() }", NULL, 0},
		{"x := print(1)", "print(1) used as value", 0},
		{"x if print(y)", "var y is undeclared", 0},
		{"x if { every z in [1] { print(y, z) } }", "var y is undeclared", 0},
		{"x if print(input.y[_])", "var _ is undeclared", 0},
		{"x if { true with print as 1 }", "target must not be a void function", 0},
		{"f(_) := 1\nx if { true with internal.print as f }", "replacement of internal function \"internal.print\" invalid", 0},
		{"x if { true with http.send as crypto.md5 }", "http.send: arity mismatch", 0},
		{"x if { true with json.marshal as crypto.md5 }", NULL, 0},
		{"import future.keywords.not\nimport future.keywords.or\nx if { not ({a | b} or y) }", "ambiguous `{ ... | ... }` operand", 0},
	};

	(void)state;
	options.keep_print = 1;
	options.experimental_keywords = 1;
	check(rows, COUNT_OF(rows));
	options.keep_print = 0;
	options.experimental_keywords = 0;
}

/* Where the first error of a text is, and what it says: rows count from the package's. */
static void errors_are_where_they_are_looked_for(void **state)
{
	static const struct row rows[] = {
		/* a statement without a body is an expression first */
		{"p := 1 with input as 2", "2:1: expressions using with keyword cannot be used for rule head", 0},
		{"p := 1; q := 2", "2:1: multiple expressions cannot be used for rule head", 0},
		{"some x", "2:1: 'some' declarations cannot be used for rule head", 0},
		{"not p", "2:1: negated expressions cannot be used for rule head", 0},
		{"x + 1", "2:1: rule name conflicts with built-in function", 0},
		{"f()", "2:1: rule argument list must take at least one argument", 0},
		{"f(x).y := 1", "2:1: invalid rule head: f(x).y", 0},
		{"$\"a\"", "2:1: templatestring cannot be used for rule name", 0},
		{"p := f (x)", "2:8: var cannot be used for rule name", 0},
		{"contains := 1", "2:1: contains keyword cannot be used for rule name", 0},
		{"or := 1\nand := 2", NULL, 0},
		{"p := a in[1]", "2:8: in keyword cannot be used for rule name", 0},
		{"p { 1 } else { 2 } { 3 }", "2:20: expected else keyword", 0},
		/* what cannot be read is told before what is no rule */
		{"x\ny := [", "4:0: unexpected eof token", 0},
		{"default p", NULL, 0},
		{"default p[1]", "2:1: illegal default rule (must have a value)", 0},
		{"default f(x, x) := 2", "2:1: illegal default rule (arguments cannot be repeated x)", 0},
		{"default p := input", "2:1: illegal default rule (value cannot contain ref)", 0},
		{"default x := $\"a{1}\"", NULL, 0},
		/* the end of a text is at its last character, columns are characters */
		{"p if {", "3:0: unexpected eof token", 0},
		{"p := \"\u00e4\u00f6\" ]", "unexpected ] token", 0},
		{"p := \"\xc3\xa4\xc3\xb6\" ]", "2:11: unexpected ] token", 0},
		{"p := x. y", "2:8: unexpected whitespace token: expected identifier", 0},
		{"p := 1.2.3", "2:6: illegal ref (head cannot be number)", 0},
		{"p := -01", "2:7: unexpected number token: expected number without leading zero", 0},
		{"p := - .5", NULL, 0},
		{"p := \"a\\x\"", "2:6: illegal escape sequence", 0},
		{"p := $x", "2:6: illegal $ character", 0},
		{"p := !x", "2:6: illegal ! character", 0},
		{"p := \xc3\xa9", "2:6: illegal token", 0},
		{"p := \xff", "2:5: illegal utf-8 character", 0},
		{"p := $\"a\"", "template strings are not supported", 1},
		{"p if every 1 in [1] { true }", "2:21: unexpected { token: expected value to be a variable", 0},
		{"p if some f(x)", "expected `x in xs` or `x, y in xs` expression", 0},
		{"p := not.x", "2:6: unexpected not keyword", 0},
		{"p if not.x", "var not is unsafe", 0},
		{"m := v> if { true }", "2:9: unexpected if keyword", 0},
		{"import data.if", "2:13: unexpected import path, must not end with a keyword, got: if (hint: import a different path", 0},
		/* an inner call is an expression of its own */
		{"p if count(y) > 10", "2:6: var y is unsafe", 0},
		{"obj := {\n\"a\": 1,\n\"b\": y}", "4:6: var y is unsafe", 0},
		{"f(x[y]) := 0", "2:3: var x is unsafe", 0},
		{"f(data.a) := 0", "2:3: var data is unsafe", 0},
		{"p if { true with nope as 1 }", "2:18: with keyword target must reference existing", 0},
		{"f(x) if { some x in [1] }", "2:11: arg x redeclared", 0},
		/* what every and the bodies of not hold is seen when it runs */
		{"p if { every v in [1] { v == \"a\" } }", NULL, 0},
		{"q := 1\np if { every v in [1] { v; q.x == \"a\" } }", "undefined ref: data.p.q.x", 0},
		{"p if { x := 1; x == \"a\" }", "match error", 0},
		{"p if { {\"a\": 1} == {\"a\": \"b\"} }", "object<a: number>", 0},
		{"p if { y := 1 / null }", "2:13: div: invalid argument(s)", 0},
		{"p if { not lower(1) }", "2:8: lower: invalid argument(s)", 0},
		{"q := 1\np := data[2]", "3:6: undefined ref: data[2]", 0},
		{"p := data[2]", NULL, 0},
		{"f(x) := x\np if { [f] }", "3:9: function data.p.f used as reference, not called", 0},
		/* a closure is where the call or expression that holds it is */
		{"p if { _ = [u | true] }", "2:8: var u is unsafe", 0},
		{"p if { y := count([u | true]) }", "2:13: var u is unsafe", 0},
		{"p if { every z in [u | true] { z } }", "2:19: var u is unsafe", 0},
		{"p if { every z in nope { z } }", "2:19: var nope is unsafe", 0},
		{"p := $\"a {x}\"", "2:6: var x is unsafe", 0},
		/* names that a compiler made say nothing, so the expression is told; names come first */
		{"p if { __local0__ = __local1__ }", "2:8: expression is unsafe", 0},
		{"p if { __local0__ = x }", "2:8: var x is unsafe", 0},
		{"a.b if { x == 2 } q if { true }", "2:10: var x is unsafe in rule a.b", 0},
		/* what a call names */
		{"p if { bits.if(1, 2) }", "2:8: undefined function bits[\"if\"]", 0},
		{"p if { not f(1) }", "2:8: undefined function f", 0},
		{"p if { {\"a\": 1}.f(2) }", "2:8: undefined function {\"a\": 1}.f", 0},
		{"f() := 1\np if { f(1, 2) }", "3:8: function data.p.f has arity 0, got 2 arguments", 0},
		{"f(x) := 1\np if { g := 2; any([u]) }", "3:16: var u is unsafe", 0},
		{"p if { any([true]) }", "2:8: deprecated built-in function calls in expression: any", 0},
		{"f(x + 1) := 1", "2:3: rule arguments cannot contain calls", 0},
		{"p := $\"{walk([1])}\"", "illegal call to relation built-in 'walk'", 0},
		/* conflicts name all that is in the way */
		{"p := x if { x := 1 }\np.r[s] := 2 if { s := \"f\" }\np.q := 1",
		 "2:1: rule data.p.p conflicts with:\n  rule data.p.p.r[s] at m.rego:3\n  rule data.p.p.q at m.rego:4", 0},
		{"default p := 1\ndefault p := 2", "1:1: multiple default rules data.p.p found at m.rego:2, m.rego:3", 0},
		{"import rego.false", "2:13: unexpected import path, must not end with a keyword, got: false", 0},
	};

	(void)state;
	check(rows, COUNT_OF(rows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_a_whole_expression_takes_its_result_as_an_argument),
		cmocka_unit_test(a_bar_is_a_union_where_a_list_goes_on),
		cmocka_unit_test(heads_are_written_freely),
		cmocka_unit_test(a_package_has_any_name),
		cmocka_unit_test(heads_of_closures_bind_what_their_brackets_name),
		cmocka_unit_test(the_cost_of_nesting_is_bounded),
		cmocka_unit_test(what_is_nested_is_read_in_little_time),
		cmocka_unit_test(a_module_is_given_as_its_tree),
		cmocka_unit_test(annotations_are_constants_of_their_rules),
		cmocka_unit_test(bad_annotations_are_refused_where_a_rule_asks),
		cmocka_unit_test(unsafe_variables_are_all_named),
		cmocka_unit_test(print_is_no_value_and_binds_nothing),
		cmocka_unit_test(errors_are_where_they_are_looked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
