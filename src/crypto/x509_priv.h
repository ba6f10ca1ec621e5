/* x509_priv.h - shared by the files of x509. */
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
/* That with the hash of its parameters, and a key of a kind and size that we take. */
bool x509_may_sign(const struct x509 *signer, const X509_ALGOR *alg);
/* No critical extension but the usual ones, `more` and `own` (each ends with NULL; may be NULL), and none damaged. */
bool x509_critical_ok(const struct x509 *c, const char *const *more, const char *const *own);
/* Common name for a text: printable ASCII. */
void x509_cn_text(const struct x509 *c, char out[96]);
