/* unsafe.h - private to the compiler: how a variable that nothing binds is told. Places and names are those that the language's users know. */
#pragma once
#include "rego/tree.h"

/* The first place where t names v; NULL when it does not. */
const struct term *unsafe_find(const struct term *t, const struct var *v);
/* The expression is a head's value that needs no body, such as [x, y]. */
bool unsafe_in_head(const struct expr *e);
/* The argument that takes a call's result; NULL when there is none. */
const struct term *unsafe_result(const struct expr *e);
/* Where the expression names the variable: the expression, which an inner call is, too; for a head's constant the name itself. */
struct loc unsafe_loc(const struct expr *e, const struct var *v);
/* A name that tells a reader nothing: ours, or one of those that a compiler writes into its output. */
bool unsafe_nameless(const struct var *v);
/* Records the error. rule: the one it is in, NULL in a query; head: the variable stands in the rule's head. */
void unsafe_var(struct comp *c, const struct rule *rule, const struct var *v, struct loc loc, bool head);
