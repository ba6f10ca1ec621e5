/* plan_int.h - private to the planner: its state, and what plan.c and plan_expr.c offer each other. */
#pragma once
#include "rego/plan.h"

struct planner {
	struct comp *c;
	struct ins *ins;
	uint32_t n, cap;
	uint32_t *labels, nlabels, cap_labels;
	struct rv *consts;
	uint32_t nconsts, cap_consts;
	uint32_t *lists, nlists, cap_lists;
	struct loc *locs;
	uint32_t nlocs, cap_locs;
	struct callee *callees;
	uint32_t ncallees, cap_callees;
	uint32_t nregs;
	uint32_t fail;		/* the label a failure goes to */
	struct var **trail;	/* variables bound so far */
	uint32_t ntrail, cap_trail;
	struct loc at;
	bool bad;
};

struct ins *plan_emit(struct planner *p, enum plan_op op, uint32_t a, uint32_t b, uint32_t c);
uint32_t plan_label(struct planner *p);
void plan_here(struct planner *p, uint32_t l);
void plan_jump(struct planner *p, uint32_t l);
uint32_t plan_reg(struct planner *p);
uint32_t plan_list(struct planner *p, const uint32_t *ops, uint32_t n);
uint32_t plan_callee(struct planner *p, struct callee f);
void plan_bind(struct planner *p, struct var *v, uint32_t op);
void plan_unbind(struct planner *p, uint32_t mark);
/* The term has a variable that nothing binds before evaluation meets it. */
bool plan_open(const struct planner *p, const struct term *t);
/* A constant through and through, and its value. */
bool plan_ground(const struct term *t);
struct rv plan_fold(struct planner *p, const struct term *t);
/* A loop over coll: the register of its keys; *val gets that of its values. */
uint32_t plan_iterate(struct planner *p, uint32_t coll, uint32_t *val);
/* The operand that holds the term's value; failure when it is undefined. */
uint32_t plan_term(struct planner *p, struct term *t);
/* The term as a pattern for what an operand holds. */
void plan_match(struct planner *p, struct term *t, uint32_t op);
void plan_unify(struct planner *p, struct term *a, struct term *b);
void plan_body(struct planner *p, struct body *b);
