/* intel.h - a world of Intel's shape, shared by sgx and tdx: what its certification service would have of it.
 *
 * Everything is signed anew with the world's keys, with chosen dates and contents: a vendor on loopback and tests of collateral
 * ask here. Spec: verifiers.md 5.2, 5.4.
 */
#pragma once
#include "lab/lab.h"

/* The platform's family as evidence has it when nothing else is chosen. */
#define LAB_FMSPC "00906ed50000"

/* When a document or list was issued, and when the next one is due. */
struct lab_dates {
	int64_t from_s, to_s;
};

/* `fmspc`: 12 hex digits. `with`: members of tcbInfo that stand in place of the good ones, or are added; NULL: none. */
RC lab_intel_tcb_info(const struct lab_world *l, bool tdx, const char *fmspc, struct lab_dates d, const struct json *with, struct arena *a,
		      struct slice *out, struct why *w);
/* The same with members of enclaveIdentity. */
RC lab_intel_qe_identity(const struct lab_world *l, bool tdx, struct lab_dates d, const struct json *with, struct arena *a,
			 struct slice *out, struct why *w);

enum lab_intel_authority { LAB_INTEL_ROOT, LAB_INTEL_PLATFORM, LAB_INTEL_PROCESSOR };

/* The list of an authority in DER. `revoke`: what it issued is on it: of the root its authorities, of these the PCK certificates.
 * `signer`: revoke_signer puts the TCB signing certificate on the root's. */
struct lab_intel_crl {
	enum lab_intel_authority by;
	uint64_t number;
	struct lab_dates dates;
	bool revoke, revoke_signer;
};

RC lab_intel_crl(const struct lab_world *l, const struct lab_intel_crl *c, struct arena *a, struct slice *out, struct why *w);
/* PEM: the chain of who signs documents, and the chain of one who issues PCK certificates. */
struct slice lab_intel_signing_chain(const struct lab_world *l, struct arena *a);
struct slice lab_intel_pck_chain(const struct lab_world *l, enum lab_intel_authority by, struct arena *a);
/* PEM of the PCK certificate that the service would hand out for a platform: the "pck_" fields of a quote, all others good. */
RC lab_intel_pck(const struct lab_world *l, const struct json *fields, int64_t now_s, struct arena *a, struct slice *pem, struct why *w);
