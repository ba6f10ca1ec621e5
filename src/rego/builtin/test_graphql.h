/* test_graphql.h - for the tests of the graphql builtins: calls through the engine, and a schema to ask about. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/buf.h"
#include "rego/value.h"
#include "warrant/rego.h"

/* JSON text of an array of strings. */
static inline char *strings(const char *first, size_t first_n, const char *second, size_t second_n)
{
	struct arena *a = arena_new(256 << 20);
	struct rv_heap h = rv_heap_in(a, 0);
	struct rv items[2] = {rv_str(&h, first, first_n), second ? rv_str(&h, second, second_n) : rv_undef()};
	struct buf b = buf_in(a, 0);
	char *out;

	rv_to_json(&b, rv_array(&h, items, second ? 2 : 1));
	assert_true(buf_ok(&b));
	out = malloc(b.n + 1);
	assert_non_null(out);
	memcpy(out, b.p, b.n);
	out[b.n] = 0;
	arena_free(a);
	return out;
}

static inline struct rego_query *query_of(const struct rego_program *p, const char *name, bool two)
{
	char text[128];

	snprintf(text, sizeof(text), "x := graphql.%s(input[0]%s)", name, two ? ", input[1]" : "");
	return rego_query_compile(p, text, strlen(text), NULL);
}

/* The result as JSON, "!TEXT" for a failure, "!BUDGET: TEXT" for a budget; malloc'd. */
static inline char *outcome(const char *name, const char *input, bool two, const struct rego_budget *budget)
{
	struct rego_program *p = rego_compile(NULL, 0, NULL, NULL);
	struct rego_query *q = query_of(p, name, two);
	struct rego_eval_options o = {.size = sizeof(o), .input = input, .input_len = strlen(input), .strict_errors = 1};
	const struct rego_error *e;
	struct rego_result *r;
	char *out = malloc(1 << 20);
	size_t n;
	const char *row;

	assert_non_null(q);
	assert_non_null(out);
	if (budget)
		o.budget = *budget;
	if (!o.budget.time_ns)
		o.budget.time_ns = 60000000000u; /* what is held to here is not the pace of the machine */
	r = rego_eval(q, &o);
	assert_non_null(r);
	e = rego_result_error(r);
	row = rego_result_row(r, 0, &n);
	if (e)
		snprintf(out, 1 << 20, "!%s%s%s", e->budget ? e->budget : "", e->budget ? ": " : "", e->message);
	else
		snprintf(out, 1 << 20, "%s", row ? row : "undefined");
	rego_result_free(r);
	rego_query_free(q);
	rego_program_free(p);
	return out;
}

static inline void expect_json(const char *fn, bool two, const char *input, const char *want)
{
	char *got = outcome(fn, input, two, NULL);

	if (strcmp(got, want) != 0)
		fail_msg("%s %s\n  want %s\n  got  %s", fn, input, want, got);
	free(got);
}

#define AT(text, at) text " in GraphQL string at location " at

static const char zoo[] =
	"interface Node { id: ID! }\n"
	"interface Named implements Node { id: ID! name(short: Boolean = true): String }\n"
	"type Dog implements Node & Named { id: ID! name(short: Boolean = true): String mood: Mood owner: Person }\n"
	"type Cat implements Node { id: ID! mood: Mood! lives: Int }\n"
	"type Person { id: String! pets(first: Int! = 3, of: Filter): [Pet!] }\n"
	"union Pet = Dog | Cat\n"
	"enum Mood { GOOD BAD }\n"
	"scalar Date\n"
	"input Filter { mood: Mood min: Float must: Boolean! tags: [String!] since: Date inner: Filter }\n"
	"input Key @oneOf { id: ID number: Int }\n"
	"directive @tag(name: String!) repeatable on FIELD | QUERY\n"
	"type Query { pet(id: ID!): Pet dog: Dog cat: Cat person(key: Key): Person node: Node moods(in: [Mood!]): Int }\n"
	"type Subscription { dog: Dog cat: Cat }\n";
