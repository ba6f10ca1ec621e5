/* initdata.h - init-data: a TOML document that the guest was started with, bound by its digest.
 *
 * Spec: attestation-service.md 5 (step 3), kbs.md 2.6.
 *
 * Threads: no state.
 */
#pragma once
#include "codec/json.h"
#include "crypto/digest.h"

#define INITDATA_MAX ((size_t)1 << 20)

struct initdata {
	struct slice digest;		/* of the text, by the algorithm it names */
	const struct json *claims;	/* the data map, its TOML and policy_data members turned into objects */
};

/* E_MALFORMED, E_UNSUPPORTED initdata.*; toml.*. */
RC initdata_parse(struct arena *a, struct slice toml, struct initdata *out, struct why *w);
