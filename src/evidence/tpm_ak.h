/* tpm_ak.h - why a TPM's attestation key is believed: somebody enrolled it, or a certificate chain vouches for it.
 *
 * A key that merely came with the evidence proves nothing: anybody can make one. Anchor sets: "tpm-ak" (SHA-256 of the
 * SubjectPublicKeyInfo, or of the TPMT_PUBLIC), "tpm-ek-root" (SHA-256 of the root certificate or of its key).
 */
#pragma once
#include "evidence/job.h"
#include "evidence/tpm.h"

enum tpm_ak_trust { TPM_AK_ENROLLED = 1, TPM_AK_CERTIFIED };

struct tpm_ak_reasons {
	const char *certificate;	/* "tpm.parse.certificate" */
	const char *chain;		/* "tpm.chain" */
	const char *root;		/* "tpm.untrusted-root" */
	const char *expired;		/* "tpm.expired" */
	const char *untrusted;		/* "tpm.untrusted-root.ak": neither enrolled nor certified */
};

#define TPM_AK_CHAIN_MAX 8u

/* `cert` (DER or PEM; p == NULL: none) must be for the key and lead to a trusted root over `chain` (DER or PEM, each). */
RC tpm_ak_trusted(struct vjob *job, const struct tpm_key *key, struct slice cert, const struct slice *chain, size_t chain_n,
		  const struct tpm_ak_reasons *why_not, enum tpm_ak_trust *trust);
/* The certificate part alone; key NULL: any. */
RC tpm_ak_certified(struct vjob *job, const struct tpm_key *key, struct slice cert, const struct slice *chain, size_t chain_n,
		    const struct tpm_ak_reasons *why_not);
