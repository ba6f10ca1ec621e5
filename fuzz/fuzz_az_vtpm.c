/* Evidence documents of the Azure drivers, planned and verified: nothing made up may be accepted. */
#include <assert.h>

#include "evidence/job.h"
#include "verifier/az_vtpm/az_vtpm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_driver(const struct vdriver *d, struct slice in)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct vjob job = {.arena = a, .why = &w, .evidence = in, .no_time = true, .only_configured_anchors = true};
	rc r = d->plan(&job);

	if (rc_ok(r))
		r = d->verify(&job);
	assert(!rc_ok(r) && !why_empty(&w));
	arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	try_driver(&az_snp_vtpm_driver, slice_of(data, size));
	try_driver(&az_tdx_vtpm_driver, slice_of(data, size));
	return 0;
}
