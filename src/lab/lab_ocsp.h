/* lab_ocsp.h - answers of a responder about certificates made here (RFC 6960), signed by their issuer. Threads: no state. */
#pragma once
#include "base/why.h"

struct lab_ocsp {
	struct slice cert, issuer;	/* DER */
	struct slice issuer_key;	/* PEM */
	bool revoked;
	bool unknown;	/* the responder does not know the certificate */
	int64_t this_s, next_s;
};

/* `name` is the key under which drivers look for the answer; NULL: not wanted. */
RC lab_ocsp(const struct lab_ocsp *o, struct arena *a, struct slice *der, const char **name, struct why *w);
