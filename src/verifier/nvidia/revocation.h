/* revocation.h - whether the certificates of a chain are revoked, by the OCSP answers at hand.
 *
 *   "nvidia-ocsp"  key: the name of a certificate as crypto/ocsp.h writes it (SHA-384); bytes: the answer in DER
 *
 * An answer that is there is enforced; without one the claims say "unknown", and the default policies affirm nothing.
 */
#pragma once
#include "crypto/x509.h"
#include "evidence/job.h"

#define NV_COLLATERAL_OCSP "nvidia-ocsp"

struct nv_chain {
	int64_t expires;	/* the first certificate to end */
	bool ocsp_good;		/* every certificate that is asked about has an answer, and it is good */
};

/* Planning names the answers for the certificates from number `from` up to the root, which nobody asks about; verifying
 * reads them. E_DENIED nvidia.revoked, nvidia.chain.ocsp, nvidia.expired.ocsp; E_MALFORMED nvidia.parse.ocsp. */
RC nv_chain_look(struct vjob *job, const struct x509_path *path, size_t from, bool planning, struct nv_chain *out);
