/* The same text as TCB info and as QE identity: models have levels in order, refusals have reasons. */
#include <assert.h>

#include "evidence/dcap_tcb.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct dcap_tcb_info info;
	struct dcap_qe_identity qe;

	if (rc_ok(dcap_tcb_info_parse(a, slice_of(data, size), &info, &w))) {
		assert(info.signed_text.p >= data && info.signed_text.n <= size);
		for (size_t i = 1; i < info.levels_n; i++)
			assert(memcmp(info.levels[i - 1].sgx, info.levels[i].sgx, DCAP_COMPONENTS) >= 0);
	} else {
		assert(!why_empty(&w));
	}
	why_clear(&w);
	if (!rc_ok(dcap_qe_identity_parse(a, slice_of(data, size), &qe, &w)))
		assert(!why_empty(&w));
	arena_free(a);
	return 0;
}
