/* hostkeys.h - host keys of an operator's machines: from documents, and from what vouches for them.
 *
 * Signing certificates, the authorities above them, revocation lists and documents may come in any order and in any number of pieces:
 * a document counts when one of the signing certificates vouches for it (hkd.h), whichever that is. So the old and the new one of a
 * service, or those of both of its sites, lie side by side. A public key by itself is the operator's own word.
 * Spec: verifiers.md 13.4. Threads: no state.
 */
#pragma once
#include "verifier/se/hkd.h"

#define SE_SIGNERS_MAX 8u

struct se_trust {
	struct x509 *signer[SE_SIGNERS_MAX];
	size_t signers_n;
	struct x509 *ca[SE_CAS_MAX];
	size_t cas_n;
	struct x509_crl *list[SE_CRLS_MAX];
	size_t lists_n;
	struct x509 *root;	/* trusted by configuration; NULL: none */
};

/* Certificates of one file, DER or PEM, each to where its name says it belongs. E_MALFORMED x509.*; E_LIMIT se.host-key.certificates. On
 * failure those before the one at fault stay. */
RC se_trust_certificates(struct se_trust *t, struct slice bytes, struct arena *a, struct why *w);
/* E_LIMIT se.host-key.lists. */
RC se_trust_list(struct se_trust *t, struct slice bytes, struct why *w);
RC se_trust_root(struct se_trust *t, struct slice bytes, struct why *w);
void se_trust_free(struct se_trust *t);

/* The key of a document, DER or PEM, or a public key in PEM. Each certificate needs its revocation list. E_DENIED as se_hkd_verify(): of the
 * signing certificate that is nearest to vouching; se.host-key.untrusted: there is none, or no root. E_UNSUPPORTED se.host-key.kind. Free
 * with pkey_free. */
RC se_host_key(const struct se_trust *t, struct slice bytes, int64_t now_s, struct arena *a, struct pkey **out, struct why *w);
