/* Revocation lists of any bytes: a refusal has a reason, a list that is read can be asked for its dates. */
#include <assert.h>

#include "crypto/x509.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct x509_crl *l;

	if (rc_ok(x509_crl_from(slice_of(data, size), &l, &w))) {
		bool early = rc_ok(x509_crl_valid_at(l, x509_crl_this_update(l) - 1, "t", NULL));

		assert(!early);
		(void)x509_crl_number(l);
		x509_crl_free(l);
	} else {
		assert(!why_empty(&w));
	}
	arena_free(a);
	return 0;
}
