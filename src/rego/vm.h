/* vm.h - private to the evaluator: its state, and what vm.c, doc.c and call.c offer each other. */
#pragma once
#include "rego/plan.h"

enum { RV_CURSOR = 8, RV_PNODE = 9, RV_ITER = 10, RV_FRAME = 11, RV_BUILD = 12 };	/* kinds only in registers */

/* Replaced places of the data tree. */
struct overlay {
	struct rv key;
	struct rv value;	/* RV_UNDEF: only something below is replaced */
	struct overlay *kids, *next;
};

/* A place in the data tree that is not a plain value. */
struct cursor {
	const struct tree *node;	/* NULL: no rules here or below */
	const struct overlay *over;
	struct rv base;	/* RV_UNDEF: no base document */
};

struct mock {
	struct mock *next;
	struct callee target, by;
	struct rv value;
};

struct memo_table;

struct frame {
	struct frame *outer;
	struct rv input;
	const struct overlay *data;
	const struct mock *mocks;
	struct rv *cache;	/* by group: kind RV_UNDEF with sub 0 unknown, 1 undefined, 2 being computed */
	uint64_t keys;	/* which of the program's keys `input` has */
	bool keys_known;
	struct memo_table *memo;	/* results of functions by arguments */
};

/* By default, of one evaluation: so that with what libraries take beside it no more than 64 MiB are in use. */
#define VM_MEMORY ((size_t)48 << 20)

#define OBJECT_SLOTS 256u

struct object_slot {
	const char *area;
	struct rv key;
	void *object;
	void (*drop)(void *);
};

struct rego_query_state;

struct vm {
	const struct rego_program *prog;
	struct rv_heap heap;
	struct frame *frame;
	struct rv data;
	uint64_t steps, max_steps;
	uint64_t next_look;	/* steps at which the clock is read again */
	int64_t deadline;	/* monotonic */
	int64_t now_ns;
	const volatile int *cancel;
	void (*see)(void *ctx, const struct loc *at);	/* looks at each step; NULL: none */
	void *see_ctx;
	uint32_t depth, max_depth;
	void *host_ctx;
	void (*print)(void *ctx, const char *line, size_t len, const char *file, uint32_t row);
	void (*zone)(void *ctx, const char *name, struct rego_zone *z);
	bool strict, explain;
	/* registers */
	struct rv *regs, *regs_end;
	/* the error that ends the query */
	bool failed;
	const char *code, *budget;
	char *message;
	struct loc at;
	/* the first error of a builtin, for strict mode */
	bool soft;
	const char *soft_code;
	char *soft_message;
	struct loc soft_at;
	const struct loc *here;	/* of the present instruction */
	struct memo_table *answers;	/* of functions of the host, by arguments */
	struct rv cache;	/* builtins' values by (name, key); RV_UNDEF: none yet */
	struct rv_builder cache_b;
	bool has_cache;
	/* query rows */
	struct rv *rows;
	uint32_t nrows, cap_rows, row_width;
	struct explain *explains;
	const struct plan_group *group;	/* whose rule runs, for explanations */
	const struct plan_rule *rule;
	uint32_t nobjects;
	struct object_slot objects[OBJECT_SLOTS / 2];	/* this and what follows is not cleared */
	uint8_t object_at[OBJECT_SLOTS];
};

struct rego_query_state {
	struct vm vm;
};

/* Where solutions go. */
struct pnode;
struct emit {
	bool have;
	bool fixed_stop;
	struct rv value;
	struct pnode *root;
	const char *conflict;
};

struct explain {
	struct explain *next;
	const struct plan_group *group;
	const struct plan_rule *rule;
	struct loc at;
	uint8_t op;
	struct rv left, right;
};

/* Definitions that may hold, in order (index.c). */
struct candidates {
	const struct plan_group *g;
	const struct plan_index *x;	/* NULL: a counts through all */
	uint64_t keys;
	uint32_t a, b;	/* next of those that are always run, and of those of the value */
};
struct candidates index_start(struct vm *vm, const struct plan_group *g);
const struct plan_rule *index_next(struct candidates *c);
uint64_t index_keys(struct vm *vm, struct frame *f);

/* Runs code with its registers set; false: vm->failed. */
bool vm_run(struct vm *vm, const struct code *code, struct rv *r, struct emit *em);
/* A window of registers, or NULL (the error is set). Give back with vm_pop. */
struct rv *vm_push(struct vm *vm, uint32_t n, struct rv **old);
bool vm_fail(struct vm *vm, const char *code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
bool vm_budget(struct vm *vm, const char *name, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Slow part of counting steps. */
bool vm_look(struct vm *vm);
static inline bool vm_charge(struct vm *vm, uint64_t n)
{
	vm->steps += n;
	return vm->steps < vm->next_look || vm_look(vm);
}
/* Turns a bad heap into the error it means; true when it was fine. */
bool vm_heap_ok(struct vm *vm);

/* doc.c */
bool doc_group(struct vm *vm, const struct plan_group *g, struct rv *out);
bool doc_step(struct vm *vm, struct rv cur, struct rv key, struct rv *out);
bool doc_force(struct vm *vm, struct rv cur, struct rv *out);
struct rv doc_cursor(struct vm *vm, const struct tree *node);
/* The keys of a place, as an array in order. */
bool doc_keys(struct vm *vm, struct rv cur, struct rv *out);
bool doc_emit(struct vm *vm, struct emit *em, const struct rv *path, uint32_t n, struct rv v, bool member);
bool doc_with_data(struct vm *vm, struct frame *f, const struct rv *path, uint32_t n, struct rv v);
bool doc_with_input(struct vm *vm, struct frame *f, const struct rv *path, uint32_t n, struct rv v);

/* call.c: *out RV_UNDEF is undefined. */
bool call_function(struct vm *vm, const struct plan_group *g, const struct rv *args, struct rv *out);
bool call_builtin(struct vm *vm, const struct rego_builtin *b, const struct rv *args, unsigned n, struct rv *out);
bool call_host(struct vm *vm, const struct callee *f, const struct rv *args, unsigned n, struct rv *out);
/* Applies replacements that are in force; true when one was: then *out is set or vm->failed. */
bool call_mocked(struct vm *vm, const struct callee *f, const struct rv *args, unsigned n, struct rv *out);
void explain_add(struct vm *vm, const struct ins *i, const struct code *code, struct rv left, struct rv right);
