/* builtin.h - what a built-in function is, and what it may ask of the engine.
 *
 * A builtin is a row of a const table: a pure function of its arguments, save for the clock, the cache of the query and
 * the budget that it finds in its call. Operands arrive checked for number, not for type: each function checks its own,
 * so that the error texts are those of the language.
 *
 * A function returns OK with *out set (RV_UNDEF: the call is undefined), or what rego_operand_error() and
 * rego_fail() return: the call is then undefined, or, in strict mode, the query fails. E_LIMIT and E_INTERNAL end the
 * query.
 */
#pragma once
#include "rego/value.h"

struct rego_call;

typedef rc rego_builtin_fn(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out);

enum rego_builtin_flags {
	REGO_PURE = 0,
	REGO_NONDET = 1,	/* depends on clock, random source or environment */
	REGO_DEPRECATED = 2,	/* refused in v1 */
	REGO_RELATION = 4,	/* *out is an array: each element is one result */
	REGO_VOID = 8,		/* no result: print */
	REGO_REFUSED = 16,	/* exists so that its name is known; calling it is eval_internal_error; fn, if any, checks the arguments */
	REGO_INTERNAL = 32,	/* cannot be named in source */
	REGO_SHALLOW = 64,	/* walks no operand: looks at kinds, at how many there are, or at one key */
};

struct rego_builtin {
	const char *name;
	/* Argument and result types for the checker: "string, array[string] | set[string] -> string".
	 * any null boolean number string array[T] set[T] object[K:V] array<T,T> object<name:T,...>; a union by |.
	 * An argument may have a name for messages: "x: number". No argument: "-> number". */
	const char *type;
	rego_builtin_fn *fn;
	uint8_t arity;
	uint8_t flags;
	uint16_t cost;	/* steps charged for each call, beside what it charges itself */
};

/* The tables of builtin/, each ended by a row with name NULL. The list of tables ends with NULL. */
extern const struct rego_builtin *const rego_builtin_tables[];
/* By name; NULL when there is none. */
const struct rego_builtin *rego_builtin_find(struct slice name);

/* What a call sees. */
struct rego_call {
	struct rv_heap *heap;	/* results go here */
	const struct rego_builtin *self;
	struct rego_query_state *query;	/* private: budget, cache, clock */
};

/* ---- errors ---- */

/* "operand N must be WANT but got GOT" (eval_type_error); operand counts from 1. want: "string", "one of {array, set}". */
RC rego_operand_error(struct rego_call *c, unsigned operand, const char *want, struct rv got);
/* "operand N TEXT", for what the usual form does not say: "must be array of strings but got array containing number".
 * operand 0: the text alone. */
RC rego_operand_text(struct rego_call *c, unsigned operand, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* A failure of the builtin itself (eval_builtin_error): "NAME: TEXT". */
RC rego_fail(struct rego_call *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* None of the three is ever OK. Said here in a way that the compiler sees: it then knows that a caller goes no further. */
static inline RC rego_refusal(rc r)
{
	return rc_ok(r) ? rc_of(E_INTERNAL) : r;
}
#define rego_operand_error(...) rego_refusal((rego_operand_error)(__VA_ARGS__))
#define rego_operand_text(...)	rego_refusal((rego_operand_text)(__VA_ARGS__))
#define rego_fail(...)		rego_refusal((rego_fail)(__VA_ARGS__))

/* The name of a value's type for messages; numbers are "number". */
const char *rego_type_name(struct rv v);

/* ---- budget ---- */

/* Charges work: about one step for each value touched or 64 bytes handled. E_LIMIT when the budget is spent, the time
 * is over or the query was cancelled. */
RC rego_charge(struct rego_call *c, uint64_t steps);
/* A result that would take n bytes or items: E_LIMIT before it is made when it cannot fit. */
RC rego_reserve(struct rego_call *c, size_t bytes);

/* What a number of many digits costs to turn into binary, to work with and to turn back, in steps. */
static inline uint64_t rego_number_cost(struct rv v)
{
	uint64_t n = !v.sub ? 0 : v.num->integral && v.num->exp10 > v.num->nd ? (uint64_t)v.num->exp10 : v.num->nd;

	return n + n * n / 16384;
}

/* ---- the world, as far as it is let in ---- */

/* The time of the evaluation, the same during one query. */
int64_t rego_now_ns(struct rego_call *c);
/* Random bytes; E_UNAVAILABLE is an eval_internal_error. */
RC rego_random(struct rego_call *c, void *out, size_t n);

/* Does the host take what print says? Then a line for it, without its end. */
bool rego_prints(struct rego_call *c);
void rego_print_line(struct rego_call *c, struct slice line);
/* The TZif bytes of a time zone, from the host; in the heap. E_NOTFOUND when it has none. */
RC rego_zone_bytes(struct rego_call *c, const char *name, struct slice *out);

/* Values kept for the rest of the query, under the builtin's name and a key. */
bool rego_cache_get(struct rego_call *c, struct rv key, struct rv *out);
RC rego_cache_put(struct rego_call *c, struct rv key, struct rv val);
/* The same for a foreign object (a compiled regular expression); `drop` is called at the end of the query. `area` sets
 * users apart (a literal; compared as text). At most 128 objects are kept: put may drop it at once, so it hands back
 * true only when the object stays; when false the caller still owns it. */
void *rego_object_get(struct rego_call *c, const char *area, struct rv key);
bool rego_object_put(struct rego_call *c, const char *area, struct rv key, void *object, void (*drop)(void *));

/* rego.parse_module and the like. */
struct rv rego_parse_to_value(struct rego_call *c, struct slice name, struct slice text, const char **err);

/* ---- for the compiler, done beside the builtins ---- */

/* The YAML of annotations: yes, on and the like are strings there. *bad is a text when it is not YAML. */
struct rv rego_yaml_read(struct rv_heap *h, struct slice text, const char **bad);
/* Why the text is no reference to a resource; NULL when it is one. */
const char *rego_uri_refusal(struct arena *a, struct slice text);

/* ---- shorthands ---- */

#define ARG_KIND(c, args, i, k)                                                                    \
	do {                                                                                       \
		if ((args)[i].kind != (k))                                                         \
			return rego_operand_error((c), (i) + 1, rv_kind_name(k), (args)[i]);       \
	} while (0)
