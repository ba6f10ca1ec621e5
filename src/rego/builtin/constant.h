/* constant.h - builtins that make something costly of an operand: it is made when a policy is compiled, where the operand is a
 * constant, and rego_object_get() finds it. */
#pragma once
#include "rego/value.h"

struct lib_constant {
	const char *builtin;
	uint8_t args, key;	/* how many operands (at most 4), and which one it is found by: a string */
	const char *area;	/* as in rego_object_get */
	/* args: RV_UNDEF where an operand is no constant. NULL: nothing can be made of them, or no memory. */
	void *(*make)(const struct rv *args);
	void (*drop)(void *object);
};

/* Ended by a row without name. */
extern const struct lib_constant lib_constants[];
