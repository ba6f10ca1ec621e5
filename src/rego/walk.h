/* walk.h - a second evaluator, for tests alone: a plain walk of the ordered tree, to hold the results of the plan
 * against.
 *
 * It reads what the stages of the compiler leave (after safety, before the plan) and has no registers, no jumps and no
 * cache: a document or a function is evaluated anew each time it is named. Values, builtins and host functions are the
 * engine's own. So it is slow, exponentially so where the engine remembers; the budgets of the options bound it.
 *
 * In no installed program: a static library beside the engine's (ARCHITECTURE.md, "Testing").
 */
#pragma once
#include "rego/host.h"

struct walk_result {
	struct arena *arena;
	const char *code, *budget, *message; /* code NULL: no error */
	bool defined;
	struct rv value; /* of the first expression in the first row, as rego_result_value tells it */
	struct rv rows;  /* the set of rows: objects from the query's named variables */
};

/* `patient`: what fails in a definition or an iteration that can only repeat a value which the document has already is
 * passed over, as an evaluator that stops early never sees it. Values that differ are a conflict all the same.
 * NULL without memory. */
struct walk_result *walk_eval(const struct rego_query *q, const struct rego_eval_options *o, bool patient);
void walk_free(struct walk_result *r);

enum walk_verdict { WALK_SAME, WALK_BUDGET, WALK_DIFFERS };

/* Evaluates q both ways. WALK_BUDGET: one of them ran out of a budget, so nothing can be said. *text (in arena a) tells
 * what came of it. */
enum walk_verdict walk_compare(struct arena *a, const struct rego_query *q, const struct rego_eval_options *o,
                               const char **text);
