/* A quote that parses lies whole inside the input, part beside part. */
#include <assert.h>

#include "evidence/dcap_quote.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct dcap_quote q;

	if (!rc_ok(dcap_quote_parse(slice_of(data, size), &q, &w))) {
		assert(!why_empty(&w));
	} else {
		assert(q.signed_part.p == data && q.body.p + q.body.n == data + q.signed_part.n);
		assert(q.qe_report.n == DCAP_SGX_REPORT && q.key.n == 64 && q.signature.n == 64);
		assert(q.pck_pem.n + q.trailing <= size);
	}
	arena_free(a);
	return 0;
}
