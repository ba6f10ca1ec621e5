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
	size_t left = c->heap->left;

	return (struct gql){.c = c, .a = arena_new(left && left < (32u << 20) ? left : 32u << 20)};
}

/* Ends a call: what refused the document is the builtin's failure. */
static RC close_call(struct gql *g)
{
	rc r = g->a ? gql_state(g) : rc_of(E_LIMIT);

	if (rc_ok(r) && g->owed)
		r = rego_charge(g->c, g->owed);
	if (!rc_ok(r) && r.code != E_MALFORMED && (!g->a || arena_bad(g->a)))
		r = lib_no_memory(g->c);
	if (r.code == E_MALFORMED)
		r = rego_fail(g->c, "%s", g->error);
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

const struct rego_builtin builtin_graphql[] = {
	{"graphql.parse_query", "query: string -> object[any:any]", parse_query, 1, 0, 20},
	{"graphql.parse_schema", "schema: string -> object[any:any]", parse_schema, 1, 0, 20},
	{0},
};
