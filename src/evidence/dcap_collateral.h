/* dcap_collateral.h - Intel's collateral with its signatures checked, and the attestation key that a quoting enclave vouches for.
 *
 * All of it is remembered by its bytes: a platform sends the same ones with every quote.
 *
 * What these return was signed by whom it must; dates, revocation and the trust in the signing chain's root are for the
 * caller, since they change from verdict to verdict. Values belong to the memo. Spec: verifiers.md 5.4, 5.5 steps 2-4.
 */
#pragma once
#include "evidence/dcap_pck.h"
#include "evidence/memo.h"

struct dcap_signed {
	struct arena *arena;
	const struct dcap_chain *chain;	/* the signing chain */
	struct dcap_chain *own_chain;	/* private */
	struct dcap_tcb_info info;	/* one of the two */
	struct dcap_qe_identity qe;
};

/* E_MALFORMED dcap.parse.*; E_DENIED dcap.chain.* */
RC dcap_pck_chain(struct memo *memo, struct slice pem, const struct dcap_chain **out, struct why *w);
/* Its root is trusted: worth remembering more than what anybody can send. */
void dcap_pck_chain_trusted(struct memo *memo, struct slice pem);
/* Document and issuer chain (PEM). Also E_DENIED dcap.collateral-signature.{tcb-info,qe-identity}. */
RC dcap_signed_tcb_info(struct memo *memo, struct slice text, struct slice chain_pem, const struct dcap_signed **out,
			struct why *w);
RC dcap_signed_qe_identity(struct memo *memo, struct slice text, struct slice chain_pem, const struct dcap_signed **out,
			   struct why *w);
/* A list named and signed by that issuer. E_DENIED dcap.collateral-mismatch.crl, dcap.collateral-signature.crl. */
RC dcap_signed_crl(struct memo *memo, struct slice der, const struct x509 *issuer, const struct x509_crl **out,
		   struct why *w);
/* The key that signs quotes, of a chain under a trusted root: QE report under the PCK key (step 8), key and data bound by it (step 9), a point on the curve.
 * E_DENIED dcap.qe-signature, dcap.qe-binding; E_MALFORMED dcap.parse.attestation-key. */
RC dcap_attestation_key(struct memo *memo, const struct dcap_quote *q, const struct dcap_chain *pck, const struct pkey **out,
			struct why *w);
