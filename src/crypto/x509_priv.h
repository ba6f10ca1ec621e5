/* x509_priv.h - shared by x509.c, x509_path.c and x509_crl.c. */
#pragma once
#include <openssl/x509.h>
#include <stdatomic.h>

#include "base/sys.h"
#include "crypto/x509.h"

struct x509 {
	X509 *x;
	uint8_t *der;
	size_t der_n;
	struct pkey *key;	/* NULL: of a kind that we do not take */
	uint8_t sha256[32], spki_sha256[32];
	int64_t not_before, not_after;
	atomic_uint refs;
};

struct x509_crl {
	X509_CRL *crl;
	int64_t this_update, next_update;
	uint64_t number;
};

bool x509_time(const ASN1_TIME *t, int64_t *out);
/* Is the signature algorithm one that we take? SHA-1 and MD5 are not. */
bool x509_sig_allowed(int nid);
/* That, and a key of a kind and size that we take. */
bool x509_may_sign(const struct x509 *signer, int nid);
