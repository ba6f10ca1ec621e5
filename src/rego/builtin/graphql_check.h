/* graphql_check.h - the state of checking a query, and the rules by the event that they look at.
 *
 * The walk (graphql_check.c) visits each operation with the fragments that it uses, then each fragment by itself. It first
 * notes in the tree what the schema says about a node, then tells the rules, children before their parents. What is wrong
 * twice, because a fragment is walked twice, is told twice, as the reference does; the order of findings is its order, too.
 */
#pragma once
#include "rego/builtin/graphql.h"

#define GQL_FINDINGS 65536u /* bytes of text about one query; beyond it the walk ends */

struct gql_check {
	struct gql *g;
	const struct gql_schema *s;
	struct gql_query *q;
	bool quiet;
	unsigned findings;
	struct gql_pos first; /* of the first finding */
	struct buf errors;
	struct gql_map fragments;	      /* struct gql_fragment by name; the first of each */
	const struct gql_operation *operation; /* that is walked; NULL: a fragment by itself */
	uint32_t walk;			      /* mark of the present operation or fragment */
	uint32_t depth;
	bool in_fragments;		      /* operations are done, and the first fragment */
	struct gql_type typename_type;
	struct gql_member typename_field;
	/* rules */
	struct gql_map operation_names;
	struct gql_map compared_pairs; /* graphql_overlap.c */
	uint32_t compared;
};

static inline bool gql_check_stop(const struct gql_check *k)
{
	return gql_stop(k->g);
}
static inline struct gql_fragment *gql_fragment_find(const struct gql_check *k, struct slice name)
{
	return gql_map_get(&k->fragments, name);
}

/* A finding. The last one that there is room for ends the walk. */
void gql_report(struct gql_check *k, struct gql_pos at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Recursion of any rule: false when it is too deep. Pair each true with gql_leave. */
bool gql_descend(struct gql_check *k);
static inline void gql_leave(struct gql_check *k)
{
	k->depth--;
}

/* ---- rules by event ---- */

/* graphql_rules.c */
void gql_on_operation(struct gql_check *k, struct gql_operation *o);
void gql_on_field(struct gql_check *k, struct gql_selection *f);
void gql_on_inline(struct gql_check *k, struct gql_selection *f);
void gql_on_spread(struct gql_check *k, struct gql_selection *f);
void gql_on_fragment(struct gql_check *k, struct gql_fragment *f);
void gql_on_directive(struct gql_check *k, struct gql_directive *d, const struct gql_directive_def *def, uint32_t location);
void gql_on_directives(struct gql_check *k, const struct gql_directive_list *l);
void gql_on_variable(struct gql_check *k, const struct gql_var *v);

/* graphql_value_rules.c */
void gql_on_value(struct gql_check *k, struct gql_value *v);

/* graphql_fragment_rules.c: through fragments */
void gql_no_cycle(struct gql_check *k, struct gql_fragment *f);
void gql_introspection_depth(struct gql_check *k, struct gql_selection *f);
void gql_single_subscription(struct gql_check *k, struct gql_operation *o);

/* graphql_overlap.c: fields with the same response name must be mergeable */
void gql_no_overlap(struct gql_check *k, struct gql_selection_list *l);

/* ---- "Did you mean" (graphql_suggest.c) ---- */

struct gql_suggestions {
	struct gql *g;
	struct slice typed;
	struct gql_suggestion {
		struct slice name;
		uint32_t rank;	/* less is better */
		uint32_t added; /* its place among those added */
	} *items;
	uint32_t n, cap;
	bool by_name;
};
/* Adds a name that is near to what was typed. */
void gql_suggest(struct gql_suggestions *l, struct slice name);
/* Adds a name with a rank of its own; equal ranks then go by name, and not as they were added. */
void gql_suggest_ranked(struct gql_suggestions *l, struct slice name, uint32_t rank);
/* " PREFIX "a", "b", or "c"?", or "" when there is none. */
const char *gql_suggestions_text(struct gql_suggestions *l, const char *prefix, bool quoted);
