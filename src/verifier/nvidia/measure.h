/* measure.h - the measurements of a device against the golden values of its manifests.
 *
 * Golden index i is SPDM block i+1. Every active golden value must be met in one of its alternatives; the same index active
 * in two manifests is a contradiction. Spec: verifiers.md 14.6.
 */
#pragma once
#include "evidence/rim.h"
#include "evidence/spdm.h"

struct nv_compared {
	unsigned active, matching;
	bool conflict;			/* an index is active in two manifests */
	unsigned first_bad;		/* golden index of the first that differs; UINT_MAX when none does */
	struct slice found, expected;	/* of it */
};

/* Never fails: the caller turns the result into claims or a refusal. */
void nv_compare(const struct spdm_report *rep, const struct rim *const *rims, size_t rims_n, struct nv_compared *out);

/* All there, all equal, at least one compared. E_DENIED nvidia.measurement.* */
RC nv_check(const struct spdm_report *rep, const struct rim *const *rims, size_t rims_n, struct arena *a, struct why *w);
