/* Rules that contradict each other: kinds, arities, defaults, packages; recursion. */
#include "rego/plan.h"

bool stage_check(struct comp *c)
{
	return comp_ok(c);
}

bool stage_types(struct comp *c)
{
	return comp_ok(c);
}
