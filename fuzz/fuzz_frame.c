/* What a worker sends and gets: an answer that reads is consistent, a request that reads runs or is refused. */
#include <assert.h>

#include "verifier/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a), own = why_in(a);
	struct vjob *job = arena_alloc(a, sizeof(*job)), *asked = arena_alloc(a, sizeof(*asked));
	enum verifier_step step;
	rc verdict, r;
	char tee[32];

	assert(job && asked);
	job->arena = asked->arena = a;
	job->why = &own;
	asked->why = &w;
	if (rc_ok(frame_get_answer(slice_of(data, size), job, &verdict, &w)))
		assert(rc_ok(verdict) == why_empty(&own) && (rc_ok(verdict) || job->results_n == 0));
	else
		assert(!why_empty(&w));
	why_clear(&w);
	if (!rc_ok(frame_get_request(slice_of(data, size), tee, &step, asked))) {
		assert(!why_empty(&w));
	} else {
		r = registry_run(tee, step, asked);
		assert(rc_ok(r) || !why_empty(&w));
	}
	arena_free(a);
	return 0;
}
