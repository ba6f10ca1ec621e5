/* plan.h - the compiled form: linear code over numbered registers, one piece a rule definition.
 *
 * A failure is a jump that was known at compile time: to the iteration around it, or to the end. So there is no
 * backtracking machinery and no undoing of bindings. An operand with the high bit is a constant.
 */
#pragma once
#include "rego/tree.h"

#define OPERAND_CONST 0x80000000u

/* Each line: name, operands, meaning. `t` is where a failure goes. */
#define PLAN_OPS(X)                                                                                      \
	X(OP_JMP, "t", "go to t")                                                                        \
	X(OP_MOVE, "a b", "a = b")                                                                       \
	X(OP_INPUT, "a t", "a = input")                                                                  \
	X(OP_GROUP, "a b t", "a = document of group b")                                                  \
	X(OP_CURSOR, "a b", "a = place b of the data tree")                                              \
	X(OP_FORCE, "a b t", "a = the document at place b")                                              \
	X(OP_STEP, "a b c t", "a = b[c]")                                                                \
	X(OP_ITER, "a b t", "a = iteration over b (a+1: position)")                                      \
	X(OP_NEXT, "a b c t", "b, c = next key and value of iteration a")                                \
	X(OP_ARRAY_N, "b n t", "b is an array of n elements")                                            \
	X(OP_OBJECT_N, "b n t", "b is an object of n keys")                                              \
	X(OP_ELEM, "a b n", "a = element n of array b")                                                  \
	X(OP_FIELD, "a b c t", "a = value of key c in object b")                                         \
	X(OP_EQ, "b c t", "b == c")                                                                      \
	X(OP_NE, "b c t", "b != c")                                                                      \
	X(OP_LT, "b c t", "b < c")                                                                       \
	X(OP_LE, "b c t", "b <= c")                                                                      \
	X(OP_GT, "b c t", "b > c")                                                                       \
	X(OP_GE, "b c t", "b >= c")                                                                      \
	X(OP_IN, "b c t", "b is a member of c")                                                          \
	X(OP_CMP, "a b c n", "a = b cmp c as a boolean; n: the test's code")                             \
	X(OP_TRUTH, "b t", "b is not false")                                                             \
	X(OP_MAKE_ARRAY, "a b n", "a = array of n operands from list b")                                 \
	X(OP_MAKE_SET, "a b n", "a = set of n operands from list b")                                     \
	X(OP_MAKE_OBJECT, "a b n", "a = object of n operands from list b")                               \
	X(OP_BUILD, "a n", "a = new builder; n: 0 array, 1 set, 2 object")                               \
	X(OP_ADD, "a b", "add b to builder a")                                                           \
	X(OP_PUT, "a b c", "put c under b into builder a; a clash is a conflict")                        \
	X(OP_BUILT, "a b", "a = what builder b made")                                                    \
	X(OP_CALL_BUILTIN, "a b c n t", "a = builtin c of n operands from list b")                       \
	X(OP_CALL_RULE, "a b c n t", "a = function group c of n operands from list b")                   \
	X(OP_CALL_HOST, "a b c n t", "a = host function c of n operands from list b")                    \
	X(OP_UNDEF, "a", "a = undefined")                                                                \
	X(OP_TEXT, "a b n", "a = text of n operands from list b")                                        \
	X(OP_WITH, "a", "a = new frame")                                                                 \
	X(OP_WITH_INPUT, "a b c n t", "in frame a: input at path (list c, n) is b")                      \
	X(OP_WITH_DATA, "a b c n t", "in frame a: data at path (list c, n) is b")                        \
	X(OP_WITH_FN, "a b c n", "in frame a: callee c is replaced by callee n, or by value b")          \
	X(OP_FRAME_IN, "a", "enter frame a")                                                             \
	X(OP_FRAME_OUT, "a", "leave frame a")                                                            \
	X(OP_EMIT, "b t", "a solution: its value is b; then go to t for the next")                       \
	X(OP_EMIT_PATH, "a b n t", "a solution: n path operands from list b, then the value; a: 1 a set member") \
	X(OP_ROW, "b n t", "a row of the query: n operands from list b")                                 \
	X(OP_END, "", "no more solutions")

enum plan_op {
#define X(name, operands, meaning) name,
	PLAN_OPS(X)
#undef X
};

struct ins {
	uint8_t op;
	uint8_t flags;
	uint16_t n;
	uint32_t a, b, c, t;
	uint32_t at;	/* index into locs */
};

struct code {
	struct ins *ins;
	uint32_t n;
	uint32_t nregs;
	const struct rv *consts;
	const uint32_t *lists;
	const struct loc *locs;
	const struct callee *callees;
	bool early;	/* one solution is enough: the value is a constant */
};

struct plan_rule {
	struct code code;
	uint64_t need;	/* keys that `input` has to have, as bits of the program's; 0: it is always run */
	struct plan_rule *els;
	struct loc loc;
	const struct rule *src;
	bool fixed;	/* the value is the constant `value` */
	struct rv value;
};

#define INDEX_STEPS 4u	/* of the place that is compared */
#define INDEX_KEYS  64u

struct plan_slot {
	struct rv value;
	uint32_t first;
};

/* Definitions of a group by the constant that a place below `input` has to equal (index.c). */
struct plan_index {
	struct rv step[INDEX_STEPS];
	uint32_t n, mask;
	struct plan_slot *slots;
	uint32_t *next;	/* chains of definitions, in order */
	uint32_t always;	/* those that compare something else */
};

struct plan_group {
	const struct rule_group *src;
	const struct tree *node;
	enum group_kind kind;
	uint32_t id, arity, n;
	struct plan_rule *rules;
	struct plan_rule *def;
	const struct rv *path;	/* keys from data down */
	uint32_t npath;
	bool same;	/* every definition has the same fixed value */
	bool is_set;
	bool picky;	/* some definitions say first what they need */
	struct plan_index *index;	/* NULL: none */
	bool lone;	/* nothing of the tree is below the node */
	const char *name;
};

#define CONSTANT_SLOTS 512u

struct constant {
	const char *area;
	struct rv key;
	void *object;	/* NULL: free */
	void (*drop)(void *object);
};

struct rego_program {
	struct arena *arena;
	struct rv_strtab *tab;
	const struct tree *tree;
	struct plan_group *groups;
	uint32_t ngroups;
	const struct rego_host_fn *hosts;
	uint32_t nhosts;
	const char *const *mod_names;
	const struct slice *mod_texts;
	uint32_t nmods;
	struct rv input_keys[INDEX_KEYS];	/* that definitions ask for first */
	uint32_t ninput_keys;
	struct constant *constants;	/* by key; CONSTANT_SLOTS of them, or NULL */
	uint32_t nconstants;
	struct comp comp;	/* what a query's compilation starts from; not changed by it */
};

struct rego_query {
	const struct rego_program *prog;
	struct arena *arena;
	struct code code;
	const struct body *body;	/* what the code was made from */
	const char **names;	/* columns */
	uint32_t ncols;
	bool has_value;		/* one expression, and the last column is its value, false included */
	uint32_t nvalues;	/* the last columns are the values of that many expressions */
	const char *text;
	size_t text_n;
};

/* Code for one rule definition (without its else). False: an error was recorded. */
bool plan_rule_code(struct comp *c, struct rule *r, struct plan_rule *out);
bool plan_query_code(struct comp *c, struct body *b, struct rego_query *q);
/* Finds what the first tests of a group's definitions are. */
bool index_make(struct comp *c, struct rego_program *p, struct plan_group *g);
/* Makes what builtins make of constant operands, once all code is there; gives it back. */
void constants_make(struct rego_program *p);
void constants_drop(struct rego_program *p);
void *constants_get(const struct rego_program *p, const char *area, struct rv key);
/* A listing, one instruction a line. */
void plan_dump(struct buf *b, const struct rego_program *p);
