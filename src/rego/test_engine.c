/* The engine as a library: language, budgets, explanations, failing allocations. Linked with --wrap=arena_new: no program holds a
 * way to make allocations fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/num.h"
#include "rego/host.h"
#include "rego/plan.h"

static uint64_t fail_at;	/* the allocation of the next arena that fails, from 1; 0: none */

struct arena *__real_arena_new(size_t limit_bytes);
struct arena *__wrap_arena_new(size_t limit_bytes);

struct arena *__wrap_arena_new(size_t limit_bytes)
{
	struct arena *a = __real_arena_new(limit_bytes);

	if (a && fail_at)
		arena_fail_at(a, fail_at);
	fail_at = 0;
	return a;
}

static void ref_value(void *ctx, struct rego_host_call *c)
{
	size_t n;
	const char *name = rego_host_arg_string(c, 0, &n);
	int *calls = ctx;

	if (calls)
		++*calls;
	if (!name)
		rego_host_fail(c, "operand 1 must be string");
	else if (strcmp(name, "digests") == 0)
		assert_int_equal(rego_host_reply_json(c, "[\"aaaa1111\", \"bbbb2222\"]", 24), 0);
	else if (strcmp(name, "down") == 0)
		rego_host_abort(c, "no answer");
	else
		assert_int_equal(rego_host_reply_json(c, "null", 4), 0);
}

static const struct rego_host_fn hosts[] = {{"reference", 1, 0, ref_value}};

struct run {
	struct rego_program *p;
	struct rego_query *q;
	struct rego_result *r;
};

static struct run evaluate(const char *text, const char *query, const char *input, struct rego_eval_options o, int dialect)
{
	struct rego_module m = {"policy.rego", text, strlen(text)};
	struct rego_compile_options c = {.size = sizeof(c), .dialect = dialect, .host_fns = hosts, .host_fn_count = 1};
	struct rego_errors *e = NULL;
	struct run x = {.p = rego_compile(&m, 1, &c, &e)};

	if (!x.p)
		fail_msg("%u:%u: %s", rego_errors_at(e, 0)->row, rego_errors_at(e, 0)->col, rego_errors_at(e, 0)->message);
	x.q = rego_query_compile(x.p, query, strlen(query), &e);
	if (!x.q)
		fail_msg("%s: %s", query, rego_errors_at(e, 0)->message);
	o.size = sizeof(o);
	o.input = input;
	o.input_len = input ? strlen(input) : 0;
	x.r = rego_eval(x.q, &o);
	assert_non_null(x.r);
	return x;
}

static void done(struct run x)
{
	rego_result_free(x.r);
	rego_query_free(x.q);
	rego_program_free(x.p);
}

static void policies_give_their_documents(void **state)
{
	static const struct {
		const char *text, *query, *input, *want;
	} cases[] = {
		{"package p\nx := 1 + 2", "data.p.x", NULL, "3"},
		{"package p\nx if not {\"a\": 1}[input.y]", "data.p.x", "{}", NULL},
		{"package p\nx if not startswith(input.y, \"a\")", "data.p.x", "{}", NULL},
		{"package p\nx if not input.y in [1]", "data.p.x", "{}", NULL},
		{"package p\nx if not [input.y] == [1]", "data.p.x", "{}", NULL},
		{"package p\nx if not input.y == 1", "data.p.x", "{}", "true"},
		{"package p\nx if not {\"a\": 1}[input.y]", "data.p.x", "{\"y\": \"b\"}", "true"},
		{"package p\nx := json.marshal({9: {1: 2}, 10: [{{3: 4}}], \"9\": 5})", "data.p.x", NULL,
		 "\"{\\\"10\\\":[[{\\\"3\\\":4}]],\\\"9\\\":5}\""},
		{"package p\nallow if input.a == 1", "data.p.allow", "{\"a\": 1}", "true"},
		{"package p\nallow if input.a == 1", "data.p.allow", "{\"a\": 2}", NULL},
		{"package p\ndefault allow := false\nallow if input.a == 1", "data.p.allow", "{}", "false"},
		{"package p\ns contains x if some x in input\n", "data.p.s", "[3, 1, 2, 1]", "[1,2,3]"},
		{"package p\nm[k] := v if some k, v in input", "data.p.m", "[\"a\", \"b\"]", "{\"0\":\"a\",\"1\":\"b\"}"},
		{"package p\na.b[x].c := y if some x, y in input", "data.p", "{\"k\": 1}", "{\"a\":{\"b\":{\"k\":{\"c\":1}}}}"},
		{"package p\nf(x) := x * 2\nx := [f(y) | some y in input]", "data.p.x", "[1, 2]", "[2,4]"},
		{"package p\nx := 1 if input.a else := 2 if input.b else := 3", "data.p.x", "{\"b\": true}", "2"},
		{"package p\nall_ok if every x in input { x > 0 }", "data.p.all_ok", "[1, 2]", "true"},
		{"package p\nall_ok if every x in input { x > 0 }", "data.p.all_ok", "[1, -2]", NULL},
		{"package p\nq := input.x\nx := y if y := q with input.x as 7", "data.p.x", "{}", "7"},
		{"package p\nx := $\"a {input.b} {input.c}\"", "data.p.x", "{\"b\": [1]}", "\"a [1] <undefined>\""},
		{"package p\nx if { not input.a }", "data.p.x", "{}", "true"},
		{"package p\nx := [a, b] if [a, {\"k\": b}] = input", "data.p.x", "[1, {\"k\": 2}]", "[1,2]"},
		{"package p\nx if \"aaaa1111\" in reference(\"digests\")", "data.p.x", NULL, "true"},
		{"package p\nx if \"a\" in reference(\"none\")", "data.p.x", NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct run x = evaluate(cases[i].text, cases[i].query, cases[i].input, (struct rego_eval_options){0}, REGO_V1);
		const char *got = rego_result_value(x.r, NULL);

		if (rego_result_error(x.r))
			fail_msg("%s: %s", cases[i].text, rego_result_error(x.r)->message);
		if (cases[i].want)
			assert_string_equal(got ? got : "undefined", cases[i].want);
		else
			assert_null(got);
		done(x);
	}
}

static void conflicts_are_errors_with_their_place(void **state)
{
	struct run x = evaluate("package p\n\nx := 1 if true\nx := 2 if true", "data.p.x", NULL, (struct rego_eval_options){0}, REGO_V1);
	const struct rego_error *e = rego_result_error(x.r);

	(void)state;
	assert_non_null(e);
	assert_string_equal(e->code, "eval_conflict_error");
	assert_string_equal(e->file, "policy.rego");
	assert_int_equal(e->row, 4);
	assert_null(rego_result_value(x.r, NULL));
	done(x);
}

static void a_host_that_cannot_answer_ends_the_query(void **state)
{
	int calls = 0;
	struct run x = evaluate("package p\nx if reference(\"down\")", "data.p.x", NULL, (struct rego_eval_options){.host_ctx = &calls},
				REGO_V1);

	(void)state;
	assert_string_equal(rego_result_error(x.r)->code, "eval_builtin_error");
	assert_int_equal(rego_result_allowed(x.r), 0);
	done(x);
	x = evaluate("package p\nx if { reference(\"a\") == null; reference(\"a\") == null }", "data.p.x", NULL,
		     (struct rego_eval_options){.host_ctx = &calls}, REGO_V1);
	assert_int_equal(calls, 2);	/* one each: equal arguments are asked once */
	assert_int_equal(rego_result_allowed(x.r), 1);
	done(x);
}

/* Budgets that a caller sets; what the default ones end is in test_hostile. */
static void an_evaluation_ends_in_the_budget_that_its_caller_set(void **state)
{
	static const struct {
		const char *text, *budget;
		struct rego_budget limits;
	} cases[] = {
		{"package p\nn := numbers.range(1, 300)\nx := count([1 | some a in n; some b in n])", "steps", {.steps = 1000, .time_ns = 60000000000u}},
		{"package p\nn := numbers.range(1, 2000)\nx := [[a, b] | some a in n; some b in n]", "memory",
		 {.memory_bytes = 1 << 20, .time_ns = 60000000000u}},
		{"package p\nx := [1 | some a in numbers.range(1, 3000); some b in numbers.range(1, 3000); a == b + 0.5]", "time",
		 {.time_ns = 1000000, .steps = 1000000000}},
		{"package p\nf(x) := g([x])\ng(x) := h([x])\nh(x) := count(x)\nx := f(1)", "depth", {.depth = 2}},
		{"package p\na := [1, 2]\nx := [a, a, a, a]", "result", {.result_bytes = 8}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct rego_eval_options o = {.budget = cases[i].limits, .strict_errors = 1};
		struct run x = evaluate(cases[i].text, "data.p.x", NULL, o, REGO_V1);
		const struct rego_error *e = rego_result_error(x.r);

		if (!e)
			fail_msg("case %zu came to an end", i);
		assert_string_equal(e->code, "eval_cancel_error");
		assert_string_equal(e->budget, cases[i].budget);
		done(x);
	}
}

static void nesting_bombs_are_parse_errors(void **state)
{
	static const char *const bombs[][2] = {{"[", "]"}, {"{", "}"}, {"(", ")"}, {"{1:", "}"}, {"f(", ")"}, {"[x|x=", "]"}, {"-x-", ""},
					       {"1+", ""}, {"x[", "]"}, {"$\"{", "}\""}, {"not {", "}"}};

	(void)state;
	for (size_t i = 0; i < sizeof(bombs) / sizeof(*bombs); i++) {
		char text[40000];
		size_t at = (size_t)snprintf(text, sizeof(text), "package p\nimport future.keywords.not\np if { x := ");
		struct rego_module m = {"m", text, 0};
		struct rego_errors *e = NULL;
		struct rego_program *p;

		for (int k = 0; k < 5000 && at < sizeof(text) - 10; k++)
			at += (size_t)snprintf(text + at, sizeof(text) - at, "%s", bombs[i][0]);
		m.len = at;
		p = rego_compile(&m, 1, NULL, &e);
		assert_null(p);
		assert_true(rego_errors_count(e) > 0);
		rego_errors_free(e);
	}
}

static void a_denial_tells_the_expression_and_the_nearest_member(void **state)
{
	struct run x = evaluate("package p\n\nok if {\n\tinput.kind == \"tdx\"\n\tinput.digest in reference(\"digests\")\n}\n", "data.p.ok",
				"{\"kind\": \"tdx\", \"digest\": \"aaaa1112\"}", (struct rego_eval_options){.explain = 1}, REGO_V1);
	const struct rego_explanation *ex;

	(void)state;
	assert_int_equal(rego_result_rows(x.r), 0);
	assert_true(rego_result_explanations(x.r) >= 1);
	ex = rego_result_explanation(x.r, rego_result_explanations(x.r) - 1);
	assert_string_equal(ex->rule, "data.p.ok");
	assert_int_equal(ex->row, 5);
	assert_int_equal(ex->col, 2);
	assert_string_equal(ex->op, "in");
	assert_string_equal(ex->text, "input.digest in reference(\"digests\")");
	assert_string_equal(ex->left, "\"aaaa1112\"");
	assert_string_equal(ex->nearest, "\"aaaa1111\"");
	done(x);
}

static void a_missing_field_is_told(void **state)
{
	struct run x = evaluate("package p\nok if input.a.b == 1", "data.p.ok", "{\"a\": {\"c\": 1}}",
				(struct rego_eval_options){.explain = 1}, REGO_V1);

	(void)state;
	assert_int_equal(rego_result_explanations(x.r), 1);
	assert_string_equal(rego_result_explanation(x.r, 0)->text, "input.a.b == 1");
	done(x);
}

struct lines {
	char text[256];
	size_t n;
	int fail;
};

static void take_line(void *ctx, const char *line, size_t len, const char *file, uint32_t row)
{
	struct lines *l = ctx;

	l->n += (size_t)snprintf(l->text + l->n, sizeof(l->text) - l->n, "%s:%u:%.*s|", file, row, (int)len, line);
}

static void print_tells_the_host_what_it_is_given(void **state)
{
	static const char text[] = "package p\nx if {\n\tprint(\"a\", 1, [input.b, \"c\"], input.none, {2, 1})\n\tprint()\n}\n"
				   "y if every z in [1, 2] {\n\tprint(z)\n}\nf(v) := v if print(\"f\", v)\nz if print(f(7))\n";
	static const struct {
		const char *query;
		int32_t keep;
		const char *want;
	} rows[] = {
		{"data.p.x", 1, "m:3:a 1 [true, \"c\"] <undefined> {1, 2}|m:4:|"},
		{"data.p.y", 1, "m:7:1|m:7:2|"},
		{"data.p.z", 1, "m:9:f 7|m:10:7|"},
		{"data.p.x", 0, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct rego_module m = {"m", text, sizeof(text) - 1};
		struct rego_compile_options c = {.size = sizeof(c), .keep_print = rows[i].keep};
		struct rego_program *p = rego_compile(&m, 1, &c, NULL);
		struct rego_query *q = p ? rego_query_compile(p, rows[i].query, strlen(rows[i].query), NULL) : NULL;
		struct lines l = {.n = 0};
		struct rego_eval_options o = {.size = sizeof(o), .input = "{\"b\": true}", .input_len = 11, .host_ctx = &l, .print = take_line};
		struct rego_result *r;

		assert_non_null(q);
		r = rego_eval(q, &o);
		assert_int_equal(rego_result_allowed(r), 1);
		assert_string_equal(l.text, rows[i].want);
		rego_result_free(r);
		/* built with a header that has no such member yet: it is not looked at */
		o.size = offsetof(struct rego_eval_options, print);
		l = (struct lines){.n = 0};
		r = rego_eval(q, &o);
		assert_int_equal(rego_result_allowed(r), 1);
		assert_string_equal(l.text, "");
		rego_result_free(r);
		rego_query_free(q);
		rego_program_free(p);
	}
}

/* Two hours east, without a change. */
static void give_zone(void *ctx, const char *name, struct rego_zone *z)
{
#define FIVE "\0\0\0\0\0"
#define HEAD "TZif2" FIVE FIVE FIVE	/* counts: none of the first four; one type, four characters */ \
	"\0\0\0\0" "\0\0\0\0" "\0\0\0\0" "\0\0\0\0" "\0\0\0\1" "\0\0\0\4" "\0\0\x1c\x20\0\0TWO\0"
	static const uint8_t two[] = HEAD HEAD "\nTWO-2\n";
	struct lines *l = ctx;

	l->n++;
	if (l->fail == 1)
		rego_zone_reply(z, "TZif2 and no more", 17);
	else if (l->fail == 0 && strcmp(name, "My/Zone") == 0)
		rego_zone_reply(z, two, sizeof(two) - 1);
}

static void zones_come_from_the_host(void **state)
{
	static const struct {
		const char *zone;
		bool hook;
		int fail;
		const char *want;	/* of time.clock at 0; NULL: an error */
	} rows[] = {
		{"My/Zone", true, 0, "[2,0,0]"}, {"My/Zone", true, 1, NULL}, {"My/Zone", true, 2, NULL}, {"My/Zone", false, 0, NULL},
		{"Europe/Berlin", false, 0, NULL}, {"UTC", false, 0, "[0,0,0]"}, {"Local", true, 1, "[0,0,0]"}, {"../x", true, 0, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct lines l = {.fail = rows[i].fail};
		struct rego_eval_options o = {.host_ctx = &l, .zone = rows[i].hook ? give_zone : NULL, .strict_errors = 1};
		char text[128];
		struct run x;

		snprintf(text, sizeof(text), "package p\nx := time.clock([0, \"%s\"])\ny := [x, time.clock([0, \"%s\"])]", rows[i].zone, rows[i].zone);
		x = evaluate(text, "data.p.x", NULL, o, REGO_V1);
		if (rows[i].want) {
			const char *got = rego_result_value(x.r, NULL);

			assert_string_equal(got ? got : rego_result_error(x.r)->message, rows[i].want);
		} else {
			assert_string_equal(rego_result_error(x.r)->code, "eval_builtin_error");
		}
		assert_true(l.n <= 1);	/* one evaluation asks once */
		done(x);
	}
}

static void errors_of_builtins_are_undefined_unless_strict(void **state)
{
	struct run x = evaluate("package p\nx := 1 / input", "data.p.x", "0", (struct rego_eval_options){0}, REGO_V1);

	(void)state;
	assert_null(rego_result_error(x.r));
	assert_null(rego_result_value(x.r, NULL));
	done(x);
	x = evaluate("package p\nx := 1 / input", "data.p.x", "0", (struct rego_eval_options){.strict_errors = 1}, REGO_V1);
	assert_string_equal(rego_result_error(x.r)->code, "eval_builtin_error");
	assert_string_equal(rego_result_error(x.r)->message, "div: divide by zero");
	done(x);
}

/* What a constant pattern costs is paid when the policy is compiled: an evaluation may have no steps to spare for it. */
static void constant_patterns_are_made_with_the_policy(void **state)
{
	static const struct {
		const char *text;
		uint32_t constants;
		uint64_t steps;
		bool fits;
	} rows[] = {
		{"x if regex.match(`^[a-z]+(-[0-9]+)?$`, input)", 1, 50, true},
		{"x if regex.match(concat(\"\", [`^[a-z]+`, `(-[0-9]+)?$`]), input)", 0, 50, false},
		{"x if { regex.match(`^[a-z]+`, input)\n regex.split(`[a-z]+`, input)[1] == \"-17\"\n regex.find_n(`[a-z]+`, input, 1) == [\"name\"] }", 2,
		 100, true},
		{"x if regex.replace(input, `[a-z]+(-)[0-9]+(x|y)?`, `ok`) == \"ok\"", 1, 50, true},
		{"x if regex.replace(input, concat(\"\", [`[a-z]+(-)`, `[0-9]+(x|y)?`]), `ok`) == \"ok\"", 0, 50, false},
		/* the same pattern with other delimiters is another one */
		{"x if { glob.match(`name-*`, [\"-\"], input)\n not glob.match(`name*`, [\"-\"], input)\n glob.match(`name*`, [\"/\"], input) }", 2, 100,
		 true},
		{"x if { g := concat(\"-\", [`name`, `*`])\n every i in [1, 2] { i > 0\n glob.match(g, [], input)\n not glob.match(g, [\"1\"], input) } }", 0, 200,
		 true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		for (int tight = 0; tight < 2; tight++) {
			struct rego_eval_options o = {.budget = {.steps = tight ? rows[i].steps : 0}};
			char text[400];
			struct run x;
			const struct rego_error *e;

			snprintf(text, sizeof(text), "package p\n%s", rows[i].text);
			x = evaluate(text, "data.p.x", "\"name-17\"", o, REGO_V1);
			e = rego_result_error(x.r);
			if (rego_result_allowed(x.r) != (!tight || rows[i].fits))
				fail_msg("row %zu, tight %d: %s", i, tight, e ? e->message : "undefined");
			if (e)
				assert_string_equal(e->budget, "steps");
			assert_int_equal(x.p->nconstants, rows[i].constants);
			done(x);
		}
	}
}

/* With explanations every definition is run, without them those that may hold: what comes out is the same. */
static void definitions_that_cannot_hold_are_left_out_and_change_nothing(void **state)
{
	static const char *const policies[] = {
		"x := 1 if input.k == \"a\"\nx := 2 if input.k == \"b\"\nx := 3 if input.k == \"c\"\nx := 4 if input.k == \"d\"\nx := 5 if input.other",
		"default x := 0\nx := 1 if input.k == 1\nx := 2 if input.k == 2\nx := 3 if input.k == true\nx := 4 if input.k == null\nx := 1 if { input.n > 0 }",
		/* conflicts, and the one that is told first */
		"x := 1 if input.k == \"a\"\nx := 2 if input.k == \"a\"\nx := 3 if input.k == \"a\"\nx := 4 if input.k == \"b\"",
		"x := 1 if input.other\nx := 2 if input.k == \"b\"\nx := 3 if input.k == \"b\"\nx := 4 if input.k == \"b\"\nx := 5 if input.k == \"c\"",
		/* else parts belong to their definition */
		"x := 1 if { input.k == \"a\"; input.missing } else := 2 if input.k == \"b\" else := 3 if input.k\nx := 3 if input.k == \"z\"",
		"x := 1 if input.a.b else := 2 if input.a.c else := 3 if input.other",
		"x contains 1 if input.k == \"a\"\nx contains 2 if input.k == \"b\"\nx contains 3 if input.k == \"a\"\nx contains 4 if \"b\" == input.k\n"
		"x contains 5 if { some i in [1, 2]; i == input.n }\nx contains 6 if not input.k == \"a\"\nx contains 7 if not input.k",
		"x[k] := 1 if { input.k == \"a\"; k := \"p\" }\nx[k] := 2 if { input.k == \"b\"; k := input.k }\nx[\"q\"] := 3 if input.k == \"c\"\nx[\"r\"] := 4 if input.k == \"b\"",
		"f(v) := 1 if { input.k == \"a\"; v > 0 }\nf(v) := 2 if { input.k == \"b\"; v > 0 }\nf(v) := 3 if { input.k == \"c\"; v > 0 }\nf(v) := 4 if { input.k == \"d\" }\nx := f(1)",
		/* other inputs in force while a rule runs */
		"y := 1 if input.k == \"a\"\ny := 2 if input.k == \"b\"\ny := 3 if input.k == \"c\"\ny := 4 if input.k == \"d\"\n"
		"x := v if v := y with input.k as \"b\"",
		"y := 1 if input.k == \"a\"\ny := 2 if input.k == \"b\"\ny := 3 if input.k == \"c\"\ny := 4 if input.new == \"d\"\n"
		"x := [v | some k in [\"a\", \"c\", \"q\"]; v := y with input as {\"k\": k}]\nz := v if v := y with input.new as \"d\"",
		"x := 1 if input.a.b == \"v\"\nx := 2 if input.a.b == \"w\"\nx := 3 if input.a.b == [1]\nx := 4 if input.a.b == {\"c\": 1}\nx := 5 if input.a.b == 1e2\nx := 6 if input.a.b == 0",
		"x if input == 1\nx if input.k == input.n\nx if input[\"k\"] == \"a\"\nx if input.a[0] == 1",
		"x := 1 if input.k == \"a\"\nx := 1 if input.k == \"b\"\nx := 1 if input.k == \"c\"\nx := 1 if { some v in input; v == \"x\" }",
	};
	static const char *const inputs[] = {
		NULL, "null", "1", "\"k\"", "[\"k\"]", "{}", "{\"k\":\"a\"}", "{\"k\":\"b\",\"other\":false}", "{\"k\":\"b\",\"other\":1}", "{\"k\":\"d\",\"n\":1}",
		"{\"k\":\"q\"}", "{\"k\":1.0}", "{\"k\":2e0,\"n\":2}", "{\"k\":true}", "{\"k\":null}", "{\"k\":[\"a\"]}", "{\"k\":\"a\",\"k\":\"c\"}",
		"{\"a\":{\"b\":\"v\"}}", "{\"a\":{\"b\":[1]}}", "{\"a\":{\"b\":{\"c\":1}}}", "{\"a\":{\"b\":100}}", "{\"a\":{\"b\":-0}}", "{\"a\":[1]}", "{\"a\":{\"c\":2}}",
		"{\"k\":\"x\",\"n\":\"x\"}", "{\"new\":\"d\",\"k\":\"a\"}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(policies); i++) {
		char text[1200];

		snprintf(text, sizeof(text), "package p\n%s", policies[i]);
		for (size_t k = 0; k < COUNT_OF(inputs); k++) {
			struct run all = evaluate(text, "data.p", inputs[k], (struct rego_eval_options){.explain = 1}, REGO_V1);
			struct run some = evaluate(text, "data.p", inputs[k], (struct rego_eval_options){0}, REGO_V1);
			const struct rego_error *e = rego_result_error(all.r), *f = rego_result_error(some.r);
			const char *v = rego_result_value(all.r, NULL), *w = rego_result_value(some.r, NULL);

			if (!e != !f || !v != !w || (v && strcmp(v, w) != 0))
				fail_msg("policy %zu, input %s: %s or %s", i, inputs[k] ? inputs[k] : "none", v ? v : e->message, w ? w : f ? f->message : "nothing");
			if (e) {
				assert_string_equal(e->message, f->message);
				assert_int_equal(e->row, f->row);
			}
			done(all);
			done(some);
		}
	}
}

static void a_definition_is_found_among_thousands_by_what_it_compares(void **state)
{
	struct rego_eval_options few = {.budget = {.steps = 60}};
	size_t room = 200000, n = 10;
	char *text = malloc(room);
	struct run x;

	(void)state;
	assert_non_null(text);
	n = (size_t)snprintf(text, room, "package p\n");
	for (unsigned i = 0; i < 3000; i++)
		n += (size_t)snprintf(text + n, room - n, "x := %u if { input.path == \"/p%u\"; input.n }\n", i, i);
	x = evaluate(text, "data.p.x", "{\"path\":\"/p2718\",\"n\":1}", few, REGO_V1);
	assert_null(rego_result_error(x.r));
	assert_string_equal(rego_result_value(x.r, NULL), "2718");
	done(x);
	x = evaluate(text, "data.p.x", "{\"path\":\"/q\",\"n\":1}", few, REGO_V1);
	assert_null(rego_result_error(x.r));
	assert_null(rego_result_value(x.r, NULL));
	done(x);
	few.explain = 1;
	x = evaluate(text, "data.p.x", "{\"path\":\"/p2718\",\"n\":1}", few, REGO_V1);
	assert_string_equal(rego_result_error(x.r)->budget, "steps");
	done(x);
	free(text);
}

/* Each allocation fails once: no crash, no leak (the sanitizer looks), and never another answer. */
static void when_any_allocation_fails_there_is_an_error_and_no_wrong_answer(void **state)
{
	static const char text[] = "package p\nimport rego.v1\ndefault allow := false\nallow if { some r in input.roles; r in data.ok }\n"
				   "s contains x if { some x in input.roles; not x == \"b\" }\nf(x) := {\"k\": x} if x > 1\nelse := [x]\n"
				   "o[k] := f(v) if some k, v in [1, 2, 3]\n# METADATA\n# title: a\n# authors: [b <c>]\n"
				   "x := {\"s\": s, \"o\": o, \"t\": $\"v {count(s)}\", \"m\": rego.metadata.rule()}";
	static const char want[] = "{\"m\":{\"authors\":[{\"email\":\"c\",\"name\":\"b\"}],\"scope\":\"rule\",\"title\":\"a\"},\"o\":{\"0\":[1],\"1\":{\"k\":2},\"2\":{\"k\":3}},\"s\":[\"a\",\"c\"],\"t\":\"v 2\"}";
	struct rego_module m = {"m", text, sizeof(text) - 1};
	struct rego_program *p = NULL;
	struct rego_query *q;
	uint64_t n;
	int good = 0;

	(void)state;
	for (n = 1; n < 20000 && !p; n++) {
		struct rego_errors *e = NULL;

		fail_at = n;
		p = rego_compile(&m, 1, NULL, &e);
		if (!p && e)
			assert_true(rego_errors_count(e) > 0);
		rego_errors_free(e);
	}
	assert_non_null(p);
	assert_true(n > 20);
	q = rego_query_compile(p, "data.p.x", 8, NULL);
	assert_non_null(q);
	for (n = 1; n < 5000 && good < 3; n++) {
		struct rego_eval_options o = {.size = sizeof(o), .input = "{\"roles\": [\"a\", \"b\", \"c\"]}", .input_len = 26};
		struct rego_result *r;
		const char *v;

		fail_at = n;
		r = rego_eval(q, &o);
		v = r ? rego_result_value(r, NULL) : NULL;

		if (v) {
			assert_string_equal(v, want);
			good++;
		} else if (r) {
			/* the text of a good result may be what found no memory */
			assert_true(rego_result_error(r) != NULL || rego_result_rows(r) == 1);
		}
		rego_result_free(r);
	}
	assert_int_equal(good, 3);
	rego_query_free(q);
	rego_program_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(policies_give_their_documents),
		cmocka_unit_test(conflicts_are_errors_with_their_place),
		cmocka_unit_test(a_host_that_cannot_answer_ends_the_query),
		cmocka_unit_test(an_evaluation_ends_in_the_budget_that_its_caller_set),
		cmocka_unit_test(nesting_bombs_are_parse_errors),
		cmocka_unit_test(a_denial_tells_the_expression_and_the_nearest_member),
		cmocka_unit_test(a_missing_field_is_told),
		cmocka_unit_test(print_tells_the_host_what_it_is_given),
		cmocka_unit_test(zones_come_from_the_host),
		cmocka_unit_test(errors_of_builtins_are_undefined_unless_strict),
		cmocka_unit_test(constant_patterns_are_made_with_the_policy),
		cmocka_unit_test(definitions_that_cannot_hold_are_left_out_and_change_nothing),
		cmocka_unit_test(a_definition_is_found_among_thousands_by_what_it_compares),
		cmocka_unit_test(when_any_allocation_fails_there_is_an_error_and_no_wrong_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
