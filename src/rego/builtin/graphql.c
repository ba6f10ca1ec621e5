/* graphql.c - the graphql builtins, and what the passes share. */
#include "rego/builtin/graphql.h"

/* ---- state ---- */

bool gql_spend(struct gql *g, uint32_t steps)
{
	if (gql_stop(g))
		return false;
	g->owed += steps;
	if (g->owed >= 256) {
		g->end = rego_charge(g->c, g->owed);
		g->owed = 0;
	}
	return rc_ok(g->end);
}

void *gql_alloc(struct gql *g, size_t n)
{
	void *p = gql_stop(g) ? NULL : arena_alloc(g->a, n);

	if (!p && !gql_stop(g))
		g->end = rc_of(E_LIMIT);
	return p;
}

void gql_too_deep(struct gql *g)
{
	if (!gql_stop(g)) {
		g->c->heap->deep = true;
		g->end = rc_of(E_LIMIT);
	}
}

void gql_refuse(struct gql *g, const char *fmt, ...)
{
	va_list ap;

	if (gql_stop(g))
		return;
	va_start(ap, fmt);
	g->error = arena_vprintf(g->a, fmt, ap);
	va_end(ap);
	if (!g->error)
		g->end = rc_of(E_LIMIT);
}

/* ---- builtins ---- */

/* Trees live as long as the call, within what memory the query has left. */
static struct gql open_call(struct rego_call *c)
{
	size_t left = c->heap->left, most = 32u << 20, least = 4096; /* 0 would be the default of arenas */

	return (struct gql){.c = c, .a = arena_new(left > most ? most : left < least ? least : left)};
}

/* Ends a call: what refused the document is the builtin's failure. */
static RC close_call(struct gql *g)
{
	rc r;

	if (!g->a || arena_bad(g->a))
		r = lib_no_memory(g->c);
	else if (g->error)
		r = rego_fail(g->c, "%s", g->error);
	else
		r = rc_ok(g->end) && g->owed ? rego_charge(g->c, g->owed) : g->end;
	g->a = arena_free(g->a);
	return r;
}

static rc parse_query(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct rv v = rv_undef();
	struct gql_query q;
	struct gql g;

	(void)n;
	ARG_STRING(c, args, 0);
	g = open_call(c);
	if (g.a) {
		gql_parse_query(&g, rv_slice(args[0]), &q);
		if (!gql_stop(&g))
			v = gql_query_value(&g, &q);
	}
	TRY(close_call(&g));
	return lib_return(c, v, out);
}

static rc parse_schema(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct rv v = rv_undef();
	struct gql_document d;
	struct gql g;

	(void)n;
	ARG_STRING(c, args, 0);
	g = open_call(c);
	if (g.a) {
		gql_parse_schema(&g, rv_slice(args[0]), false, &d);
		if (!gql_stop(&g))
			v = gql_schema_value(&g, &d);
	}
	TRY(close_call(&g));
	return lib_return(c, v, out);
}

static bool document_kind(struct rv v)
{
	return v.kind == RV_STRING || v.kind == RV_OBJECT;
}

static void read_query(struct gql *g, struct rv v, struct gql_query *out)
{
	if (v.kind == RV_STRING)
		gql_parse_query(g, rv_slice(v), out);
	else
		gql_query_from(g, v, out);
}

static void read_schema(struct gql *g, struct rv v, struct gql_document *out)
{
	if (v.kind == RV_STRING)
		gql_parse_schema(g, rv_slice(v), false, out);
	else
		gql_schema_from(g, v, out);
}

/* Both documents, read and checked against each other; their values when asked for. Where there is no schema, the query is
 * only read. */
static void verify(struct gql *g, const struct rv *args, bool quiet, struct rv values[2])
{
	struct gql_schema s;
	struct gql_document d;
	struct gql_query q;

	read_query(g, args[0], &q);
	if (gql_stop(g) || !document_kind(args[1]))
		return;
	read_schema(g, args[1], &d);
	if (values && !gql_stop(g))
		values[1] = gql_schema_value(g, &d);
	if (gql_stop(g))
		return;
	gql_schema_build(g, &d, &s);
	if (values && !gql_stop(g))
		values[0] = gql_query_value(g, &q);
	if (!gql_stop(g))
		gql_check(g, &s, &q, quiet);
}

/* Ends a call whose result is a verdict. */
static RC close_verdict(struct gql *g, bool *valid)
{
	*valid = g->a && !g->error;
	g->error = NULL;
	return close_call(g);
}

/* These operands are counted from 0. */
static RC no_document(struct rego_call *c, const struct rv *args, unsigned i)
{
	return rego_operand_text(c, 0, "operand %u must be one of {string, object} but got %s", i, rego_type_name(args[i]));
}

static rc parse(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct rv values[2] = {rv_undef(), rv_undef()};
	struct gql g;

	(void)n;
	if (!document_kind(args[0]))
		return no_document(c, args, 0);
	g = open_call(c);
	if (g.a)
		verify(&g, args, false, values);
	TRY(close_call(&g));
	if (!document_kind(args[1]))
		return no_document(c, args, 1);
	return lib_return(c, rv_array(c->heap, values, 2), out);
}

static rc parse_and_verify(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct rv parts[3] = {rv_bool(false), rv_empty_object(c->heap), rv_empty_object(c->heap)};
	struct rv values[2] = {rv_undef(), rv_undef()};
	bool valid = false;
	struct gql g;

	if (document_kind(args[0]) && document_kind(args[1])) {
		g = open_call(c);
		if (g.a)
			verify(&g, args, true, values);
		TRY(close_verdict(&g, &valid));
	}
	(void)n;
	if (valid) {
		parts[0] = rv_bool(true);
		parts[1] = values[0];
		parts[2] = values[1];
	}
	return lib_return(c, rv_array(c->heap, parts, 3), out);
}

static rc is_valid(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	bool valid = false;
	struct gql g;

	(void)n;
	if (document_kind(args[0]) && document_kind(args[1])) {
		g = open_call(c);
		if (g.a)
			verify(&g, args, true, NULL);
		TRY(close_verdict(&g, &valid));
	}
	*out = rv_bool(valid);
	return rc_of(OK);
}

static rc schema_is_valid(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	bool valid = false;
	struct gql_document d;
	struct gql_schema s;
	struct gql g;

	(void)n;
	if (document_kind(args[0])) {
		g = open_call(c);
		if (g.a)
			read_schema(&g, args[0], &d);
		if (g.a && !gql_stop(&g))
			gql_schema_build(&g, &d, &s);
		TRY(close_verdict(&g, &valid));
	}
	*out = rv_bool(valid);
	return rc_of(OK);
}

#define DOCUMENT "string | object[any:any]"

const struct rego_builtin builtin_graphql[] = {
	{"graphql.parse", "query: " DOCUMENT ", schema: " DOCUMENT " -> array<object[any:any], object[any:any]>", parse, 2, 0, 20},
	{"graphql.parse_and_verify", "query: " DOCUMENT ", schema: " DOCUMENT " -> array<boolean, object[any:any], object[any:any]>",
	 parse_and_verify, 2, 0, 20},
	{"graphql.parse_query", "query: string -> object[any:any]", parse_query, 1, 0, 20},
	{"graphql.parse_schema", "schema: string -> object[any:any]", parse_schema, 1, 0, 20},
	{"graphql.is_valid", "query: " DOCUMENT ", schema: " DOCUMENT " -> boolean", is_valid, 2, 0, 20},
	{"graphql.schema_is_valid", "schema: " DOCUMENT " -> boolean", schema_is_valid, 1, 0, 20},
	{0},
};
