/* x509_chain.h - one call for the whole check of a certificate: path to an anchor, roles, dates, revocation.
 *
 * A search: every certificate that bears the issuer's name is tried, so several roots or cross-signed authorities of one
 * name do no harm. The name decides nothing, signatures and anchors do. For formats that need the single steps there is
 * x509.h. Threads: no state.
 */
#pragma once
#include "crypto/x509.h"

/* What a caller maps; the stable reason tells more. In the order of how near to success the refusal is. */
enum x509_fault {
	X509_FINE,
	X509_BAD_CHAIN,		/* x509.chain.*: signature, issuer-missing, role, depth, critical, eku, constraints */
	X509_BAD_ROOT,		/* x509.untrusted-root */
	X509_BAD_TIME,		/* x509.expired, x509.crl-expired: too early counts too */
	X509_BAD_CRL,		/* x509.crl-signature, x509.crl-missing */
	X509_BAD_REVOKED,	/* x509.revoked */
};

struct x509_chain_rules {
	/* Trusted: these, byte for byte, and whatever is_anchor accepts (looks at a digest or a key, never at names). An
	 * anchor need not be self-signed. */
	struct x509 *const *anchors;
	size_t n_anchors;
	bool (*is_anchor)(const struct x509 *c, void *ctx);
	void *ctx;
	int64_t now_s;
	bool no_time;				/* dates of certificates and lists are not looked at */
	bool no_pss;				/* RSA-PSS signatures are refused */
	unsigned max_depth;			/* certificates, leaf and anchor counted; 0: X509_PATH_MAX */
	const char *eku;			/* dotted; the leaf must list it; NULL: not asked */
	const char *const *critical;		/* more critical extensions that the caller looks at; ends with NULL; may be NULL */
	/* Lists that were found. A list that holds a certificate refuses it, fresh or not. With require_crls each
	 * certificate below the anchor needs a fresh one. */
	const struct x509_crl *const *crls;
	size_t n_crls;
	bool require_crls;
};

/* From leaf through `pool` (any order; may hold anchors). E_DENIED with a reason of enum x509_fault. path and fault may be
 * NULL; fault is always set, path on success only: leaf first, anchor last, borrowed. */
RC x509_chain_verify(const struct x509 *leaf, struct x509 *const *pool, size_t pool_n, const struct x509_chain_rules *rules,
		     struct x509_path *path, enum x509_fault *fault, struct why *w);
