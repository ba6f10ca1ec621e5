/* lab_rim.h - a reference integrity manifest made here: a SWID tag with golden measurements under an enveloped XML signature.
 *
 * The text is written in its exclusive canonical form, so what is signed is what stands there and no canonicaliser is needed;
 * evidence/rim.h, which shares no code with it, must find the same bytes. Threads: no state.
 */
#pragma once
#include "base/why.h"

struct lab_golden {
	unsigned index;		/* of the manifest: block index + 1 */
	struct slice value;
};

struct lab_rim {
	const char *product, *version;
	const struct lab_golden *golden;
	size_t golden_n;
	const struct slice *chain;	/* DER, the signer first */
	size_t chain_n;
	struct slice key;		/* PEM, P-384 */
};

RC lab_rim(const struct lab_rim *r, struct arena *a, struct slice *xml, struct why *w);
