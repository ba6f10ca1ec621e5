/* lab_x509.h - keys, certificates and revocation lists of any shape, made here.
 *
 * Keys are texts (PKCS#8 PEM), certificates DER: all in the caller's arena, so a world of the lab is plain bytes. What these
 * functions write is read by crypto/x509.h, which shares no code with them. Threads: no state.
 */
#pragma once
#include "base/why.h"
#include "crypto/digest.h"

enum lab_key { LAB_P256, LAB_P384, LAB_P521, LAB_RSA2048, LAB_RSA4096, LAB_SM2 };

RC lab_key_new(enum lab_key kind, struct arena *a, struct slice *pem, struct why *w);
/* SubjectPublicKeyInfo of a private key. */
RC lab_key_public(struct slice key_pem, struct arena *a, struct slice *spki, struct why *w);
/* Coordinates of an EC key, big endian, as wide as its field. */
RC lab_key_xy(struct slice key_pem, struct arena *a, struct slice *x, struct slice *y, struct why *w);
/* Modulus of an RSA key, big endian. */
RC lab_key_modulus(struct slice key_pem, struct arena *a, struct slice *n, struct why *w);

enum lab_scheme {
	LAB_ECDSA,	/* r || s, big endian, as wide as the curve's order */
	LAB_ECDSA_DER,
	LAB_PKCS1,
	LAB_PSS,	/* salt as long as the hash */
};

RC lab_sign(struct slice key_pem, enum lab_scheme scheme, enum digest_alg hash, struct slice msg, struct arena *a, struct slice *sig,
	    struct why *w);
/* SM2 with SM3 over a message and an identity; r || s. */
RC lab_sign_sm2(struct slice key_pem, struct slice id, struct slice msg, struct arena *a, struct slice *sig, struct why *w);

struct lab_ext {
	const char *oid;	/* dotted */
	bool critical;
	struct slice value;	/* DER, what stands inside the OCTET STRING */
};

struct lab_cert {
	const char *subject, *issuer;	/* "CN=x" or "CN=x,O=y,C=z", in this order; no commas within a value */
	uint64_t serial;
	int64_t from_s, to_s;
	struct slice key, signer;	/* PEM; of the key only the public part is used */
	bool pss;			/* RSA signers: PSS instead of PKCS#1 v1.5 */
	enum digest_alg hash;		/* 0: SHA-384 for P-384, SHA-512 for P-521 signers, else SHA-256 */
	bool ca;			/* basic constraints and key usage of an authority; else of an end entity that signs */
	uint8_t usage;			/* key usage, bit 0 the highest; 0: as `ca` says */
	const struct lab_ext *ext;	/* more extensions */
	size_t ext_n;
};

RC lab_cert(const struct lab_cert *c, struct arena *a, struct slice *der, struct why *w);

struct lab_crl {
	const char *issuer;
	struct slice signer;		/* PEM */
	uint64_t number;		/* 0: no CRL number */
	int64_t this_s, next_s;		/* next_s INT64_MIN: none */
	const uint64_t *revoked;	/* serial numbers */
	size_t revoked_n;
	bool pss;
	struct slice authority_key;	/* PEM of the key whose id stands in authorityKeyIdentifier; p == NULL: the signer's */
};

RC lab_crl(const struct lab_crl *c, struct arena *a, struct slice *der, struct why *w);

/* "CERTIFICATE", "PUBLIC KEY", "X509 CRL" */
struct slice lab_pem(const char *label, struct slice der, struct arena *a);
