/* Headers of vendors: an issuer chain that is taken is PEM in printable characters, and never longer than what came; a time to wait is
 * none that would overflow. */
#include <assert.h>

#include "collateral/upstream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct slice out;

	if (rc_ok(upstream_header_chain(a, slice_of(data, size), &out, &w))) {
		assert(out.n <= size && slice_starts(out, SLICE_LIT("-----BEGIN CERTIFICATE-----")));
		for (size_t i = 0; i < out.n; i++)
			assert((out.p[i] >= 0x20 && out.p[i] < 0x7f) || out.p[i] == '\n' || out.p[i] == '\r');
	} else {
		assert(!why_empty(&w));
	}
	assert(upstream_retry_after(slice_of(data, size), SLICE_LIT("Mon, 23 Nov 2026 17:29:49 GMT")) <= INT32_MAX);
	arena_free(a);
	return 0;
}
