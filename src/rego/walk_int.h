/* walk_int.h - private to the walk: its state, and what walk.c and walk_doc.c offer each other.
 *
 * A term can have many values and a body many solutions. Each is handed to a continuation; false from it means: no more
 * (somebody has enough, or the query failed). What binds a variable does so for as long as its continuation runs.
 */
#pragma once
#include "rego/vm.h"
#include "rego/walk.h"

enum { RV_PLACE = 20 }; /* a place of the data tree that is no plain value: only while a reference is followed */

struct binding {
	const struct binding *up;
	const struct var *var;
	struct rv value;
};

/* `with` on data: what is at path is value. The list of a frame holds no path that another one begins with. */
struct swap {
	struct swap *next;
	const struct rv *path;
	uint32_t n;
	struct rv value;
};

/* `with` on a function. */
struct swapped_fn {
	const struct swapped_fn *next;
	struct callee target, by;
	struct rv value;
};

struct scene {
	struct rv input;
	const struct swap *data;
	const struct swapped_fn *fns;
};

/* A rule whose document is being made. */
struct active {
	const struct active *up;
	const struct rule_group *group;
	const struct scene *scene;
};

struct place {
	const struct place *up;
	struct rv key;
	uint32_t n; /* keys from data to here */
	const struct tree *node;
	struct rv base;
};

struct walk {
	struct rego_query_state state; /* what builtins ask for: budgets, clock, their cache, the error */
	const struct rego_program *prog;
	struct rv data;
	const struct scene *scene;
	const struct binding *env;
	const struct active *active;
	bool patient;
	const char *stack;
};

struct k {
	bool (*fn)(struct walk *w, const struct k *k, struct rv v);
};

static inline struct vm *walk_vm(struct walk *w)
{
	return &w->state.vm;
}

/* For a continuation that wants one value: {.k = {take_first}}. */
struct first {
	struct k k;
	bool have;
	struct rv v;
};
bool take_first(struct walk *w, const struct k *k, struct rv v);

static inline bool walk_named(const struct var *v, const char *name)
{
	return strcmp(v->name->p, name) == 0;
}
/* Zeroed; NULL: the query has failed. */
void *walk_room(struct walk *w, size_t n);
/* False: the query has failed (the error is set). */
bool walk_step(struct walk *w);
/* Has a variable that evaluating the term would meet before it is known: those in brackets of references are bound by the
 * reference. */
bool walk_open(struct walk *w, const struct term *t);

/* Every value of the term; what variables in it are bound to is seen by k. */
bool walk_term(struct walk *w, const struct term *t, const struct k *k);
/* The term as a pattern for a value. */
bool walk_match(struct walk *w, const struct term *t, struct rv v, const struct k *k);
bool walk_unify(struct walk *w, const struct term *a, const struct term *b, const struct k *k);

/* walk_expr.c */
bool walk_body(struct walk *w, const struct body *b, uint32_t from, const struct k *k);

/* The query's body; k gets the value of a query that is one expression (false, too). */
bool walk_query(struct walk *w, const struct rego_query *q, const struct k *k);

/* walk_doc.c */
struct rv place_root(struct walk *w);
/* *out RV_UNDEF: nothing there. base: cur is a value of the base documents. */
bool place_step(struct walk *w, struct rv cur, struct rv key, bool *base, struct rv *out);
bool place_keys(struct walk *w, struct rv cur, const struct rv **keys, uint32_t *n);
/* A place as one document. */
bool place_value(struct walk *w, struct rv cur, struct rv *out);
bool walk_group(struct walk *w, const struct rule_group *g, struct rv *out);
bool walk_call(struct walk *w, const struct callee *f, const struct rv *args, uint32_t n, struct rv *out);
/* v with what is at path replaced; what is missing or no object on the way becomes one. */
struct rv put_at(struct walk *w, struct rv v, const struct rv *path, uint32_t n, struct rv val);
bool swap_data(struct walk *w, struct scene *s, const struct rv *path, uint32_t n, struct rv val);
