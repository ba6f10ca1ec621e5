/* graphql.h - GraphQL documents for the graphql builtins: reading text, the tree, checking, the tree as a value.
 *
 * Spec: GraphQL, October 2021 edition: sections 2 and 3 (language, type system), 5 (validation). Where the reference
 * engine's library differs from it (lenient block strings, directive @defer, introspection depth), the library wins:
 * policies are written against it, and the field names of the values are those of its structs.
 *
 * Memory: a tree lives in the arena of its struct gql and borrows from the text that it was read from. Threads: one.
 * Text and trees are hostile: nesting ends at GQL_DEPTH, and every pass charges the budget of the call. Passes return
 * nothing; they set `end` in struct gql (the query ends: budget or memory) or `error` (the document is refused), and the
 * caller looks once with gql_stop().
 */
#pragma once
#include "rego/builtin/lib.h"

#define GQL_DEPTH 200u	     /* nesting of selections, values and types, each counted where it nests */
#define GQL_WALK_DEPTH 1000u /* the same through fragments, which may each add GQL_DEPTH */

struct gql {
	struct rego_call *c;
	struct arena *a;
	rc end;		   /* not OK: the query ends */
	const char *error; /* why the document is refused; NULL: it is not */
	uint32_t owed;	   /* steps not yet charged */
};

/* False when the pass must stop. */
bool gql_spend(struct gql *g, uint32_t steps);
/* Memory of the tree, zeroed; NULL ends the query. */
void *gql_alloc(struct gql *g, size_t n);
#define GQL_NEW(g, T) ((T *)gql_alloc((g), sizeof(T)))
/* Nesting beyond a limit: ends the query. */
void gql_too_deep(struct gql *g);
/* The first refusal counts. */
void gql_refuse(struct gql *g, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static inline bool gql_stop(const struct gql *g)
{
	return g->error || !rc_ok(g->end);
}

/* ---- the tree ---- */

/* Line and column of the text, from 1; the column of a block string may be below 1. line 0: there is no place. */
struct gql_pos {
	int32_t line, col;
};

#define GQL_LIST(T)                                                                                                    \
	struct T##_list {                                                                                              \
		struct T *first, *last;                                                                                \
		uint32_t n;                                                                                            \
	}
/* Appends what is not NULL. */
#define GQL_ADD(list, item)                                                                                            \
	do {                                                                                                           \
		__typeof__((list)->last) gql_item_ = (item);                                                           \
		if (!gql_item_)                                                                                        \
			break;                                                                                         \
		if ((list)->last)                                                                                      \
			(list)->last->next = gql_item_;                                                                \
		else                                                                                                   \
			(list)->first = gql_item_;                                                                     \
		(list)->last = gql_item_;                                                                              \
		(list)->n++;                                                                                           \
	} while (0)
/* Moves all of `from` behind `to`. */
#define GQL_JOIN(to, from)                                                                                             \
	do {                                                                                                           \
		if (!(from)->first)                                                                                    \
			break;                                                                                         \
		if ((to)->last)                                                                                        \
			(to)->last->next = (from)->first;                                                              \
		else                                                                                                   \
			(to)->first = (from)->first;                                                                   \
		(to)->last = (from)->last;                                                                             \
		(to)->n += (from)->n;                                                                                  \
	} while (0)

/* A name in a list: an interface, a member of a union, a location; also a line of comment. */
struct gql_name {
	struct gql_name *next;
	struct slice text;
	struct gql_pos pos;
};
GQL_LIST(gql_name);

struct gql_type {
	struct gql_type *elem; /* a list of it; NULL: named */
	struct slice name;
	bool non_null;
	struct gql_pos pos;
};

/* Numbers are those of the "Kind" in values. */
enum gql_value_kind {
	GQL_VARIABLE,
	GQL_INT,
	GQL_FLOAT,
	GQL_STRING,
	GQL_BLOCK,
	GQL_BOOLEAN,
	GQL_NULL,
	GQL_ENUM,
	GQL_LIST_VALUE,
	GQL_OBJECT,
};

/* An argument, a field of an object value, an element of a list value (no name). */
struct gql_arg {
	struct gql_arg *next;
	struct slice name;
	struct gql_value *value;
	const struct gql_name_list *comment;
	struct gql_pos pos;
	bool repeated; /* graphql_rules.c */
};
GQL_LIST(gql_arg);

struct gql_value {
	enum gql_value_kind kind;
	struct slice raw;
	struct gql_arg_list children;
	const struct gql_name_list *comment;
	struct gql_pos pos;
	/* set while checking */
	struct gql_def *def; /* the named type expected here */
	struct gql_var *var;
	const struct gql_type *expected;
	bool expected_has_default;
};

/* Places of directives, as bits. */
enum gql_location {
	GQL_ON_QUERY = 1 << 0,
	GQL_ON_MUTATION = 1 << 1,
	GQL_ON_SUBSCRIPTION = 1 << 2,
	GQL_ON_FIELD = 1 << 3,
	GQL_ON_FRAGMENT_DEFINITION = 1 << 4,
	GQL_ON_FRAGMENT_SPREAD = 1 << 5,
	GQL_ON_INLINE_FRAGMENT = 1 << 6,
	GQL_ON_VARIABLE_DEFINITION = 1 << 7,
	GQL_ON_SCHEMA = 1 << 8,
	GQL_ON_SCALAR = 1 << 9,
	GQL_ON_OBJECT = 1 << 10,
	GQL_ON_FIELD_DEFINITION = 1 << 11,
	GQL_ON_ARGUMENT_DEFINITION = 1 << 12,
	GQL_ON_INTERFACE = 1 << 13,
	GQL_ON_UNION = 1 << 14,
	GQL_ON_ENUM = 1 << 15,
	GQL_ON_ENUM_VALUE = 1 << 16,
	GQL_ON_INPUT_OBJECT = 1 << 17,
	GQL_ON_INPUT_FIELD_DEFINITION = 1 << 18,
};
/* 0 for a name that is none. */
uint32_t gql_location(struct slice name);
const char *gql_location_name(uint32_t bit);

struct gql_directive {
	struct gql_directive *next;
	struct slice name;
	struct gql_arg_list args;
	struct gql_pos pos;
	bool misplaced; /* was told */
};
GQL_LIST(gql_directive);

struct gql_selection_list {
	struct gql_selection *first, *last;
	uint32_t n;
	const struct gql_fields *fields; /* by response name (graphql_overlap.c); NULL: not collected yet */
};

enum gql_selection_kind { GQL_FIELD, GQL_SPREAD, GQL_INLINE };

struct gql_selection {
	struct gql_selection *next;
	enum gql_selection_kind kind;
	struct slice alias; /* of a field: its name when it has none */
	struct slice name;  /* of the field, of the fragment, or the type condition ("" without one) */
	struct gql_arg_list args;
	struct gql_directive_list directives;
	struct gql_selection_list selections;
	const struct gql_name_list *comment;
	struct gql_pos pos;
	/* set while checking */
	struct gql_def *parent;
	const struct gql_member *def;  /* of a field */
	struct gql_fragment *fragment; /* of a spread */
};

struct gql_var {
	struct gql_var *next;
	struct slice name;
	struct gql_type *type;
	struct gql_value *default_value;
	struct gql_directive_list directives;
	const struct gql_name_list *comment;
	struct gql_pos pos;
	bool used;
	bool repeated; /* graphql_rules.c */
	struct gql_def *def;
};
GQL_LIST(gql_var);

enum gql_operation_kind { GQL_QUERY, GQL_MUTATION, GQL_SUBSCRIPTION };

struct gql_operation {
	struct gql_operation *next;
	enum gql_operation_kind kind;
	struct slice name;
	struct gql_var_list vars;
	struct gql_directive_list directives;
	struct gql_selection_list selections;
	const struct gql_name_list *comment;
	struct gql_pos pos;
};
GQL_LIST(gql_operation);

struct gql_fragment {
	struct gql_fragment *next;
	struct slice name, type_condition;
	struct gql_var_list vars;
	struct gql_directive_list directives;
	struct gql_selection_list selections;
	const struct gql_name_list *comment;
	struct gql_pos pos;
	/* set while checking */
	uint32_t walked;   /* mark of the operation that has walked it */
	uint32_t compared; /* mark of graphql_overlap.c */
	uint32_t index;	   /* its place among the fragments */
	uint32_t path_at;  /* its place on the path of graphql_fragment_rules.c, from 1; 0: not on it */
	bool used, followed, visited;
};
GQL_LIST(gql_fragment);

struct gql_query {
	struct gql_operation_list operations;
	struct gql_fragment_list fragments;
};

GQL_LIST(gql_member);

/* A field, an argument, an input field, a value of an enumeration (no type). */
struct gql_member {
	struct gql_member *next;
	struct slice description, name;
	struct gql_member_list args;
	struct gql_value *default_value;
	struct gql_type *type;
	struct gql_directive_list directives;
	const struct gql_name_list *before, *after; /* comments around the description */
	struct gql_pos pos;
};

enum gql_kind { GQL_SCALAR, GQL_OBJECT_TYPE, GQL_INTERFACE, GQL_UNION, GQL_ENUM_TYPE, GQL_INPUT };
const char *gql_kind_name(enum gql_kind k); /* "SCALAR" */

/* An object, an interface or a union: has fields to select, or stands for one that has. */
bool gql_is_composite(const struct gql_def *d);
/* May be the type of an argument, an input field or a variable. */
bool gql_is_input(const struct gql_def *d);

struct gql_ref {
	struct gql_ref *next;
	struct gql_def *def;
};
GQL_LIST(gql_ref);

struct gql_def {
	struct gql_def *next;
	enum gql_kind kind;
	struct slice description, name;
	struct gql_directive_list directives;
	struct gql_name_list interfaces, types;
	struct gql_member_list fields, values;
	const struct gql_name_list *before, *after, *at_end;
	struct gql_pos pos;
	bool builtin;
	uint8_t cycle; /* graphql_schema_check.c */
	struct gql_ref_list possible; /* types that an object of this type may have; set while checking */
};
GQL_LIST(gql_def);

struct gql_root {
	struct gql_root *next;
	enum gql_operation_kind kind;
	struct slice type;
	const struct gql_name_list *comment;
	struct gql_pos pos;
};
GQL_LIST(gql_root);

struct gql_entry {
	struct gql_entry *next;
	struct slice description;
	struct gql_directive_list directives;
	struct gql_root_list roots;
	const struct gql_name_list *before, *after, *at_end;
	struct gql_pos pos;
};
GQL_LIST(gql_entry);

struct gql_directive_def {
	struct gql_directive_def *next;
	struct slice description, name;
	struct gql_member_list args;
	struct gql_name_list location_names;
	uint32_t locations; /* bits */
	bool repeatable;
	const struct gql_name_list *before, *after;
	struct gql_pos pos;
};
GQL_LIST(gql_directive_def);

struct gql_document {
	struct gql_entry_list schema, schema_extensions;
	struct gql_directive_def_list directives;
	struct gql_def_list definitions, extensions;
	const struct gql_name_list *comment;
};

const char *gql_operation_name(enum gql_operation_kind k); /* "query" */
bool gql_operation_kind(struct slice name, enum gql_operation_kind *out);

/* ---- passes ---- */

/* Text to tree (graphql_parse_query.c, graphql_parse_schema.c). `builtin` marks the types. */
void gql_parse_query(struct gql *g, struct slice text, struct gql_query *out);
void gql_parse_schema(struct gql *g, struct slice text, bool builtin, struct gql_document *out);

/* Tree to value, without what is empty (graphql_to_value.c), in the heap of the call. RV_UNDEF ends the query. */
struct rv gql_query_value(struct gql *g, const struct gql_query *q);
struct rv gql_schema_value(struct gql *g, const struct gql_document *d);

/* Value to tree (graphql_from_value.c). */
void gql_query_from(struct gql *g, struct rv v, struct gql_query *out);
void gql_schema_from(struct gql *g, struct rv v, struct gql_document *out);

/* ---- finding by name (graphql_names.c) ---- */

/* Starts zeroed. Names that collide cost the steps that they take. */
struct gql_map {
	struct gql *g; /* since the first put */
	struct gql_map_slot {
		struct slice key;
		void *val;
	} *slots;
	uint32_t mask, n;
};
/* The value under a name, or NULL. */
void *gql_map_get(const struct gql_map *m, struct slice key);
/* The one that was there is replaced. */
void gql_map_put(struct gql *g, struct gql_map *m, struct slice key, void *val);
/* False, and nothing done, when there is one. */
bool gql_map_add(struct gql *g, struct gql_map *m, struct slice key, void *val);

/* The first of that name, or NULL. */
struct gql_member *gql_member_find(struct gql *g, const struct gql_member_list *l, struct slice name);
struct gql_arg *gql_arg_find(struct gql *g, const struct gql_arg_list *l, struct slice name);
struct gql_directive *gql_directive_find(struct gql *g, const struct gql_directive_list *l, const char *name);

/* For messages; never NULL. */
const char *gql_cstr(struct gql *g, struct slice s);
/* "[Int!]!" */
const char *gql_type_cstr(struct gql *g, const struct gql_type *t);
/* Could what has type t be used where `want` is expected? Whether `want` itself may be null is told apart. */
bool gql_type_fits(const struct gql_type *t, const struct gql_type *want, bool want_non_null);

/* ---- schemas ---- */

struct gql_schema {
	struct gql_map types;	   /* struct gql_def */
	struct gql_map directives; /* struct gql_directive_def */
	struct gql_def_list defs;
	struct gql_def *roots[3]; /* by enum gql_operation_kind */
};

/* Joins the document with the types that every schema has, and checks it. Takes the document apart: make its value
 * first. */
void gql_schema_build(struct gql *g, struct gql_document *d, struct gql_schema *out);
/* The definition of the named type inside; NULL when there is none. */
struct gql_def *gql_type_of(const struct gql_schema *s, const struct gql_type *t);

/* Parts of gql_schema_build (graphql_schema_check.c). */
void gql_schema_bad(struct gql *g, struct gql_pos at, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void gql_check_definition(struct gql *g, const struct gql_schema *s, const struct gql_def *def);
void gql_check_directive_definition(struct gql *g, const struct gql_schema *s, const struct gql_directive_def *def);
/* An input object that needs itself without end. */
void gql_check_input_cycles(struct gql *g, const struct gql_schema *s, struct gql_def *def);
/* Uses of directives at a place. `inside`: in the definition of this directive. one_place: all stand at one place. */
void gql_check_directives(struct gql *g, const struct gql_schema *s, const struct gql_directive_list *l, uint32_t location,
			  const struct gql_directive_def *inside, bool one_place);

/* Checks a query against a schema (graphql_check.c and the rules). `quiet`: the first finding ends it, its text does not
 * matter; else all findings are in error. */
void gql_check(struct gql *g, const struct gql_schema *s, struct gql_query *q, bool quiet);
