/* An answer over a fixed certificate: read or refused with a reason, never accepted without a valid signature. */
#include <assert.h>

#include "crypto/ocsp.h"
#include "ocsp_cert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct ocsp_rules rules = {.malformed = "t.parse", .signature = "t.signature", .expired = "t.expired", .no_time = true};
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct x509 *c = NULL;
	struct ocsp_answer an;
	struct ocsp_id id;
	rc r = x509_from_der(slice_of(ocsp_cert, sizeof(ocsp_cert)), &c, &w);

	assert(rc_ok(r));
	r = ocsp_read(a, slice_of(data, size), c, c, c, &rules, &an, &w);
	assert(!rc_ok(r) && !why_empty(&w));
	(void)!rc_ok(ocsp_id_parse(a, slice_of(data, size), &id, NULL));
	x509_free(c);
	arena_free(a);
	return 0;
}
