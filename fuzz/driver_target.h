/* driver_target.h - a verifier driver under a fuzzer: plan and verify, collateral or none. A refusal has a reason; an
 * acceptance without a valid signature would need a forgery, so none is expected. */
#pragma once
#include <assert.h>

#include "evidence/job.h"

static inline void fuzz_driver(const struct vdriver *d, const uint8_t *data, size_t size, const struct vcollateral *c, size_t c_n)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct vjob job = {.arena = a, .why = &w, .evidence = slice_of(data, size), .collateral = c, .collateral_n = c_n,
			   .no_time = true};
	rc r = d->plan ? d->plan(&job) : rc_of(OK);

	if (rc_ok(r))
		r = d->verify(&job);
	assert(rc_ok(r) ? job.results_n > 0 : !why_empty(&w));
	arena_free(a);
}
