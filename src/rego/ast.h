/* ast.h - the parsed form of a policy, and what the stages of the compiler hand to each other.
 *
 * lex -> parse -> resolve -> locals -> expand -> safety -> check -> plan. Everything lives in the arena of one
 * compilation. A variable is a `struct var`: two terms are the same variable when they point to the same one.
 */
#pragma once
#include <setjmp.h>

#include "rego/builtin.h"
#include "rego/value.h"
#include "warrant/rego.h"

struct loc {
	uint32_t row, col;	/* from 1 */
	uint32_t off, len;	/* bytes in the module's text */
	uint32_t mod;		/* index of the module; queries are behind the last one */
};

struct ty;
struct term;

struct var {
	const struct rv_str *name;
	struct var *orig;	/* the variable of the source that a renamed one stands for */
	bool wildcard;		/* written as _ */
	bool generated;		/* made by the compiler */
	bool declared;		/* a local of :=, some, every or arguments */
	uint32_t mark;		/* scratch of a stage */
	uint32_t reg;		/* plan: register + 1 */
	const struct ty *ty;	/* scratch of the type checker */
	const struct term *stands_for;	/* the call that was hoisted into this variable */
};

enum term_kind {
	T_VALUE,	/* a scalar, or a composite known at compile time */
	T_VAR,
	T_REF,		/* items[0] is the head, the others the parts */
	T_CALL,		/* items[0] is the operator (a T_VAR or T_REF), the others the arguments */
	T_ARRAY,
	T_SET,
	T_OBJECT,	/* key, value, key, value */
	T_ARRAY_COMP,
	T_SET_COMP,
	T_OBJECT_COMP,
	T_TEMPLATE,
};

struct rule_group;
struct ty;

/* What a call calls, once it is resolved. */
struct callee {
	const struct rego_builtin *builtin;
	struct rule_group *fn;
	const struct rego_host_fn *host;
	uint32_t host_index;
};

struct term {
	enum term_kind kind;
	struct loc loc;
	uint32_t n;
	bool paren;		/* was written in parentheses */
	bool op;		/* T_CALL: written as an operator, so that no rule of that name is meant; T_SET_COMP: an operand of print */
	struct rv value;	/* T_VALUE; T_CALL of rego.metadata: what it gives */
	struct var *var;
	struct term **items;
	struct term *key, *val;	/* comprehensions */
	struct body *body;
	struct expr **parts;	/* T_TEMPLATE: n of them; a literal part is an expression of a string */
	struct callee callee;
};

struct with {
	struct term *target, *value;
	struct loc loc;
	struct callee callee;	/* target is a function */
	struct callee by;	/* value is a function */
};

enum expr_kind {
	EX_TERM,	/* term holds; calls, =, := and comparisons are T_CALL terms */
	EX_SOME,	/* declarations: decls; or `some x in xs`: term is the call of internal.member */
	EX_EVERY,
	EX_NOT,		/* bodies[0] has no solution */
	EX_AND,
	EX_OR,
};

struct expr {
	enum expr_kind kind;
	struct loc loc;
	bool negated;
	bool generated;
	bool explicit_body;	/* EX_NOT { ... } with braces */
	struct term *term;
	struct term **decls;
	uint32_t ndecls;
	struct term *key, *val, *domain;	/* every */
	struct body **bodies;	/* every: 1; not: 1; and, or: operands */
	uint32_t nbodies;
	struct with *with;
	uint32_t nwith;
	uint32_t mark;
};

struct body {
	struct expr **e;
	uint32_t n, cap;
	struct loc loc;
	bool braces;
};

struct rule {
	struct rule *next;	/* of the module, in order */
	struct module *mod;
	struct loc loc;
	struct rule *els;
	bool is_default, is_else;
	bool has_args, has_value, has_body, contains, assign, has_if;
	bool bare;		/* head only: p[x] in v0 */
	bool no_args;		/* written with empty parentheses */
	bool chained;		/* `{ body }` behind a rule: its head again */
	struct term **ref;	/* items of the head's reference: a T_VAR, then parts */
	uint32_t nref;
	struct term **args;
	uint32_t nargs;
	struct term *key, *value;
	struct body *body;
	struct rule_group *group;
	uint32_t nlocals;
};

struct import {
	struct term **path;	/* data/input, then strings */
	uint32_t n;
	struct var *alias;
	struct loc loc, alias_loc;
	bool used;
	bool aliased;		/* `as` was written */
	bool keyword;		/* rego.v1, future.keywords: nothing to resolve */
};

struct module {
	const char *name;
	struct slice text;
	uint32_t index;
	struct rv *path;	/* package, behind data */
	struct loc *path_locs;
	uint32_t npath;
	struct loc package_loc;
	struct import *imports;
	uint32_t nimports, cap_imports;
	struct rule *first, *last;
	struct loc *comments;	/* each from its # to the end of the line */
	uint32_t ncomments, cap_comments;
	bool v1;		/* parsed by the rules of v1, natively or by import rego.v1 */
	bool kw_in, kw_every, kw_if, kw_contains, kw_not, kw_and, kw_or;
	bool is_query;
};

/* ---- a compilation ---- */

struct comp_error {
	const char *code, *message;
	struct loc loc;
};

struct tree;

/* A call of rego.metadata.rule or .chain, and the rule (or else) that it stands in. */
struct metadata_call {
	struct metadata_call *next;
	struct term *call;
	const struct rule *rule;
	bool chain;
};

/* A call of a builtin that this dialect has no more: told when all else is well. */
struct deprecated_call {
	struct deprecated_call *next;
	struct loc loc;
	const char *name;
};

struct comp {
	struct arena *arena;
	struct rv_heap heap;
	struct rv_strtab *tab;
	const struct rego_compile_options *opts;
	struct module **mods;
	uint32_t nmods;
	struct comp_error *errors;
	uint32_t nerrors, cap_errors, max_errors;
	bool no_memory;
	jmp_buf *out;	/* where comp_oom goes */
	struct var **vars;	/* by name: open addressing */
	uint32_t nvars, cap_vars;
	uint32_t serial;	/* of generated names */
	struct var *v_data, *v_input, *v_future, *v_rego;
	struct tree *tree;
	struct rego_program *prog;
	uint32_t nrules;
	struct metadata_call *metadata_calls;
	bool typed;	/* the type of some rule is known: data is more than a document of any kind */
	struct deprecated_call *deprecated_calls, *last_deprecated;
};

/* Records an error; after max_errors one more says that the limit was reached. Returns false. */
bool comp_error(struct comp *c, const char *code, struct loc loc, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
static inline bool comp_ok(const struct comp *c)
{
	return c->nerrors == 0 && !c->no_memory;
}
/* No memory: leaves the compilation. All that it made is in its arena, so there is nothing to undo on the way. */
void comp_oom(struct comp *c);
/* Runs fn; false when it returned false or ran out of memory. */
bool comp_guard(struct comp *c, bool (*fn)(void *), void *arg);
void *comp_alloc(struct comp *c, size_t n);	/* zeroed; does not return without memory (inside comp_guard) */
#define COMP_NEW(c, T) ((T *)comp_alloc((c), sizeof(T)))

extern const char ERR_PARSE[], ERR_COMPILE[], ERR_TYPE[], ERR_UNSAFE[], ERR_RECURSION[];

/* ---- building ---- */

struct var *var_named(struct comp *c, const char *name, size_t n);
struct var *var_fresh(struct comp *c, struct var *orig);	/* generated, or a renamed `orig` */
const char *var_shown(const struct var *v);
struct term *term_new(struct comp *c, enum term_kind k, struct loc loc);
struct term *term_var(struct comp *c, struct var *v, struct loc loc);
struct term *term_value(struct comp *c, struct rv v, struct loc loc);
struct term *term_str(struct comp *c, const char *s, struct loc loc);
struct term *term_items(struct comp *c, enum term_kind k, struct loc loc, struct term **items, uint32_t n);
struct term *term_call(struct comp *c, const char *op, struct loc loc, struct term *a, struct term *b);
struct term *term_copy(struct comp *c, const struct term *t);
struct expr *expr_new(struct comp *c, struct term *t, struct loc loc);
struct body *body_new(struct comp *c, struct loc loc);
void body_add(struct comp *c, struct body *b, struct expr *e);

/* The name of the operator of a call: "eq", "count", or NULL when it is not a plain name. */
bool call_is(const struct term *t, const char *op);
/* "ref", "call", "array", "arraycomprehension", ... */
const char *term_kind_name(const struct term *t);
/* As in source. */
void term_text(struct buf *b, const struct term *t);
void expr_text(struct buf *b, const struct expr *e);
void body_text(struct buf *b, const struct body *body);
char *term_string(struct comp *c, const struct term *t);
/* A reference's path: data.a.b["c d"][x]. */
void ref_text(struct buf *b, struct term *const *items, uint32_t n);

/* Calls fn for each direct sub-term, with closures' bodies left out. */
typedef void term_visit(void *ctx, struct term **slot);
void term_each(struct term *t, term_visit *fn, void *ctx);

/* ---- stages ---- */

/* Reads one module, or a query (is_query: the body is in *query). False: errors were recorded. */
bool parse_module(struct comp *c, struct module *m);
bool parse_query(struct comp *c, struct module *m, struct body **query);

bool stage_resolve(struct comp *c);
bool stage_locals(struct comp *c);
bool stage_expand(struct comp *c);
bool stage_safety(struct comp *c);
bool stage_check(struct comp *c);
bool check_recursion(struct comp *c, uint32_t ngroups);
bool stage_types(struct comp *c);
/* Finds what every call calls; unknown functions and wrong arities are errors. */
bool stage_calls(struct comp *c);
/* Annotations: read where a rule asks for them or the host does; the calls that stage_calls found get their values. */
bool stage_metadata(struct comp *c);
bool calls_query(struct comp *c, struct body *b);
bool stage_deprecated(struct comp *c);
bool resolve_query(struct comp *c, struct module *m, struct body *b);
bool locals_query(struct comp *c, struct body *b);
bool expand_query(struct comp *c, struct body *b);
bool safety_query(struct comp *c, struct body *b);
