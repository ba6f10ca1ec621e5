/* keys.h - keys as texts: PEM and JWK, for tokens and certificates in policies.
 *
 * A private key that a policy handles is a string of that policy already: it is treated as data here and lives in the
 * evaluation's arena. Only the handle that signs holds it in secret memory.
 */
#pragma once
#include "crypto/pkey.h"
#include "rego/builtin/lib.h"

/* The next PEM block of *rest: its type and decoded bytes. False when there is none; what precedes it is skipped. */
bool pem_next(struct arena *a, struct slice *rest, struct slice *type, struct slice *der);

enum key_form { FORM_RSA, FORM_EC, FORM_ED };

/* Big-endian numbers. RSA: n e d p q dp dq qi. EC: d x y of the curve's width. Ed25519: d (seed) and x. */
struct raw_key {
	enum key_form form;
	const char *curve;	/* "P-256" ... */
	struct slice n, e, d, p, q, dp, dq, qi, x, y;
};

/* PKCS#1, SEC1 or PKCS#8 DER of a PEM block of that type; E_MALFORMED key.malformed, E_UNSUPPORTED key.kind. */
RC raw_key_from_der(struct arena *a, struct slice type, struct slice der, struct raw_key *out, struct why *w);
/* A JWK with its private part. */
RC raw_key_from_jwk(struct arena *a, const struct json *jwk, struct raw_key *out, struct why *w);
/* The handle that signs. Freed with pkey_free. */
RC raw_key_open(struct arena *a, const struct raw_key *k, struct pkey **out, struct why *w);

/* A key that tokens are verified with. */
struct verify_key {
	struct pkey *key;
	struct slice alg, kid;	/* of a JWK; empty otherwise */
};

#define VERIFY_KEYS_MAX 64u

struct verify_keys {
	struct verify_key k[VERIFY_KEYS_MAX];
	size_t n;
};

/* A PEM certificate or public key, a JWK or a JWK set. What cannot be used is left out of a set. On failure nothing is
 * to be freed; else verify_keys_free. */
RC verify_keys_read(struct rego_call *c, struct slice text, struct verify_keys *out);
void verify_keys_free(struct verify_keys *k);
