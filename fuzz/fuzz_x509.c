/* Certificates of any bytes: what parses can be asked everything and be its own leaf in a chain check. */
#include <assert.h>

#include "crypto/x509_chain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct slice in = slice_of(data, size), ext;
	enum x509_fault fault;
	struct x509 *c;

	if (rc_ok(x509_from_any(in, &c, &w))) {
		struct x509_chain_rules r = {.anchors = &c, .n_anchors = 1, .no_time = true};

		(void)x509_subject_cn(c, a);
		(void)x509_serial(c, a);
		assert(x509_tbs(c).n < x509_der(c).n);
		(void)rc_ok(x509_ext(c, a, "2.5.29.17", &ext, NULL, NULL));
		(void)rc_ok(x509_chain_verify(c, &c, 1, &r, NULL, &fault, NULL));
		r.n_anchors = 0;
		assert(!rc_ok(x509_chain_verify(c, &c, 1, &r, NULL, &fault, NULL)) && fault != X509_FINE);
		x509_free(c);
	} else {
		assert(!why_empty(&w));
	}
	arena_free(a);
	return 0;
}
