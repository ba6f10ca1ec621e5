/* hkd.h - host key documents of IBM Z: is this certificate that of a real machine's host key?
 *
 * The signing key of host keys is certified as a code signer, not as a CA; its own chain is ordinary. Host key document and
 * signing certificate may name different sites of IBM (Armonk, Poughkeepsie), which count as one.
 * Spec: verifiers.md 13.4. Threads: no state.
 */
#pragma once
#include "crypto/x509.h"

#define SE_CAS_MAX 8u
#define SE_CRLS_MAX 8u

struct se_hkd_check {
	const struct x509 *hkd, *signing;
	struct x509 *cas[SE_CAS_MAX];	/* between the signing certificate and the root */
	size_t cas_n;
	struct x509 *root;		/* trusted by configuration */
	const struct x509_crl *crls[SE_CRLS_MAX];
	size_t crls_n;
	bool require_crls;		/* signing certificate and document must each be covered by a list */
	bool no_time;
	int64_t now_s;
};

/* Is it named as one that signs host keys, and no authority? */
RC se_is_signer(const struct x509 *c, struct arena *a, bool *out, struct why *w);
/* E_DENIED se.chain.*, se.expired, se.crl-signature, se.crl-expired, se.crl-missing, se.revoked. */
RC se_hkd_verify(const struct se_hkd_check *in, struct arena *a, struct why *w);
