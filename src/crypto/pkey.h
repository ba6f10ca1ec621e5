/* pkey.h - public and private keys and signatures, over OpenSSL EVP.
 *
 * Immutable after construction; share freely between threads. Algorithms are an allow-list: what a caller asks for
 * must suit the key, whatever the input says.
 */
#pragma once
#include "base/secret.h"
#include "base/why.h"
#include "codec/json.h"
#include "crypto/digest.h"

struct pkey;

enum key_kind { KEY_RSA, KEY_P256, KEY_P384, KEY_P521, KEY_ED25519, KEY_SM2 };

enum sig_alg {
	SIG_ES256 = 1,	/* ECDSA P-256 SHA-256 */
	SIG_ES384,	/* ECDSA P-384 SHA-384 */
	SIG_ES512,	/* ECDSA P-521 SHA-512 */
	SIG_RS256, SIG_RS384, SIG_RS512,	/* RSASSA-PKCS1-v1_5 */
	SIG_PS256, SIG_PS384, SIG_PS512,	/* RSASSA-PSS, MGF1 of the same hash, salt = hash length */
	SIG_EDDSA,
	SIG_SM2,	/* with a distinguishing id: pkey_verify_sm2 */
};

/* Accepts NULL. */
void pkey_free(struct pkey *k);
struct pkey *pkey_ref(const struct pkey *k);	/* another owner */
enum key_kind pkey_kind(const struct pkey *k);
unsigned pkey_bits(const struct pkey *k);
bool pkey_is_private(const struct pkey *k);
/* Same public key? */
bool pkey_same(const struct pkey *a, const struct pkey *b);

/* Public keys. E_MALFORMED key.malformed (not on the curve included), E_UNSUPPORTED key.kind (curve, RSA under 1024 or over 8192
 * bits). Signatures by RSA keys of less than 2048 bits never verify; private keys of that size are not taken. */
RC pkey_from_spki(struct slice der, struct pkey **out, struct why *w);
RC pkey_from_pem(struct slice pem, struct pkey **out, struct why *w);	/* "PUBLIC KEY", or the key of a CERTIFICATE */
RC pkey_from_ec_xy(enum key_kind curve, struct slice x, struct slice y, struct pkey **out, struct why *w);
RC pkey_from_rsa(struct slice n, struct slice e, struct pkey **out, struct why *w);	/* big endian */
RC pkey_from_ed25519(struct slice raw, struct pkey **out, struct why *w);	/* 32 bytes */
/* Private keys: PKCS#8, SEC1 or PKCS#1 PEM. The text stays in secret memory. */
RC pkey_from_private_pem(const struct secret *pem, struct pkey **out, struct why *w);
RC pkey_generate(enum key_kind kind, unsigned rsa_bits, struct pkey **out, struct why *w);
/* PKCS#8 PEM (PKCS#1 for RSA when legacy). */
RC pkey_to_private_pem(const struct pkey *k, struct secret *out, struct why *w);
RC pkey_to_spki(const struct pkey *k, struct arena *a, struct slice *der, struct why *w);
RC pkey_to_public_pem(const struct pkey *k, struct arena *a, struct slice *pem, struct why *w);
/* EC: fixed-width big endian coordinates. */
RC pkey_ec_xy(const struct pkey *k, struct arena *a, struct slice *x, struct slice *y, struct why *w);
RC pkey_raw_public(const struct pkey *k, struct arena *a, struct slice *raw, struct why *w);	/* Ed25519 */
RC pkey_rsa_ne(const struct pkey *k, struct arena *a, struct slice *n, struct slice *e, struct why *w);

/* Signatures of EC keys are r || s, fixed width, big endian (IEEE P1363); DER is converted at the edge.
 * E_DENIED with `reason` when it does not verify; E_UNSUPPORTED key.algorithm when alg does not suit the key. */
RC pkey_verify(const struct pkey *k, enum sig_alg alg, struct slice msg, struct slice sig, const char *reason,
	       struct why *w);
RC pkey_verify_digest(const struct pkey *k, enum sig_alg alg, struct slice digest, struct slice sig, const char *reason,
		      struct why *w);
/* ECDSA or RSA with a hash that is not the curve's usual one (TPM, Nitro ...): hash named apart. */
RC pkey_verify_hash(const struct pkey *k, enum digest_alg hash, bool pss, struct slice msg, struct slice sig,
		    const char *reason, struct why *w);
RC pkey_verify_sm2(const struct pkey *k, struct slice id, struct slice msg, struct slice sig, const char *reason,
		   struct why *w);
RC pkey_sign(const struct pkey *k, enum sig_alg alg, struct slice msg, struct arena *a, struct slice *sig, struct why *w);
/* DER ECDSA-Sig-Value to r || s of n bytes each, strict. */
RC sig_der_to_raw(struct slice der, size_t n, struct arena *a, struct slice *raw, const char *reason, struct why *w);
