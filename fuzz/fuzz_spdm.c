/* A report that parses can be turned into claims; a refusal has a reason. */
#include <assert.h>

#include "evidence/spdm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct spdm_report rep;
	rc r = spdm_parse(a, slice_of(data, size), &rep, &w);

	if (!rc_ok(r)) {
		assert(!why_empty(&w));
	} else {
		assert(rep.body.n + rep.signature.n + rep.trailing == size);
		assert(spdm_blocks_json(a, &rep) && spdm_opaque_json(a, &rep));
	}
	arena_free(a);
	return 0;
}
