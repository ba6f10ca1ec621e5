/* ear.h - the EAR token: trustworthiness vectors, status tiers, payload and signature.
 *
 * Spec: attestation-service.md 5.1 and 7; draft-ietf-rats-ear; AR4SI (draft-ietf-rats-ar4si).
 *
 * Threads: no state.
 */
#pragma once
#include "as/as.h"

#define EAR_CLAIMS 8u

/* -128 to 127 as policy said; `set` tells which were. In the order of the table in attestation-service.md 7.3. */
struct ear_vector {
	int8_t value[EAR_CLAIMS];
	bool set[EAR_CLAIMS];
};

const char *ear_claim_name(unsigned i);
enum ear_tier ear_tier_of(int8_t value);
enum ear_tier ear_vector_status(const struct ear_vector *v);

/* From the object `trust_claims` of a policy. E_DENIED as.trust-claims: no object, an unknown name, a value that is no
 * integer from -128 to 127, or none at all. */
RC ear_vector_read(const struct json *trust_claims, struct ear_vector *out, struct why *w);

/* "TCB claims" (5.1): moves report_data and init_data out of the TEE's claims, adds runtime and init-data claims. Init-data that was
 * given beside evidence that does not bind it is no claim; "init_data_bound": false tells policy that there was some. */
struct json *ear_tcb_claims(struct arena *a, const char *tee, const struct json *claims, const struct json *runtime_claims,
			    const struct json *init_claims, bool init_given, bool terse);

/* One submodule; extensions is an array of {"name","key","value"} or NULL. E_DENIED as.extensions: another shape, or a name that
 * is taken. */
RC ear_submod(struct arena *a, const struct ear_vector *v, const char *policy_id, const struct json *tcb_claims,
	      const struct json *extensions, struct json **out, struct why *w);
