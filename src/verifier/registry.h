/* registry.h - the drivers of this tree by name, and running one here.
 *
 * Services call the pool (verifier/pool.h), which runs the same functions in a sandboxed process. Threads: no state.
 */
#pragma once
#include "evidence/job.h"

extern const struct vdriver *const registry[];	/* ends with NULL */

/* NULL when there is none. */
const struct vdriver *registry_find(const char *tee);

enum verifier_step { VERIFIER_PLAN = 1, VERIFIER_VERIFY = 2 };

/* E_UNSUPPORTED verifier.tee for an unknown one. A verification that returns OK has at least one result: otherwise
 * E_INTERNAL verifier.no-result. Every refusal has a reason. */
RC registry_run(const char *tee, enum verifier_step step, struct vjob *job);
