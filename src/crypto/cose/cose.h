/* cose.h - COSE_Sign1 and COSE_Key (RFC 9052, RFC 9053): parsing and verification.
 *
 * The Sig_structure is built from the received bytes of the protected header and of the payload, never from a decoded form.
 * The algorithm stands in the protected header, unless a caller allows otherwise, and must be of the allow-list.
 * Threads: no state.
 */
#pragma once
#include "codec/cbor.h"
#include "crypto/pkey.h"

enum cose_alg {
	COSE_ES256 = -7,
	COSE_EDDSA = -8,
	COSE_ES384 = -35,
	COSE_ES512 = -36,
	COSE_PS256 = -37,
	COSE_PS384 = -38,
	COSE_PS512 = -39,
};

#define COSE_TAG_SIGN1 18u

struct cose_sign1 {
	struct slice protected_raw;		/* content of the byte string; empty for an empty map (RFC 9052 4.4) */
	const struct cbor *protected_map;	/* NULL for an empty header */
	const struct cbor *unprotected;		/* a map */
	struct slice payload;			/* p == NULL: detached */
	struct slice signature;
	int64_t alg;
};

/* What a format allows beyond the strict form; together by |. */
#define COSE_TAG_REQUIRED    0u
#define COSE_TAG_OPTIONAL    (1u << 0)	/* no tag 18 in front */
#define COSE_ALG_UNPROTECTED (1u << 1)	/* the algorithm may stand in the unprotected header: it is not signed then */

/* From a decoded value: an array of four, tagged 18 or, where the format allows it, not.
 * E_MALFORMED cose.parse.*; E_UNSUPPORTED cose.unsupported.* (critical headers, an algorithm that is absent or not of the
 * list). A header that stands in both maps is malformed. */
RC cose_sign1_from(struct arena *a, const struct cbor *v, unsigned flags, struct cose_sign1 *out, struct why *w);
/* The same from bytes, nothing behind them. */
RC cose_sign1_parse(struct arena *a, struct slice in, unsigned flags, struct cose_sign1 *out, struct why *w);

/* payload: p == NULL takes the one in the message; else the detached one. external: usually empty.
 * E_DENIED `reason`; E_UNSUPPORTED cose.unsupported.key when the key does not suit the algorithm. */
RC cose_sign1_verify(const struct cose_sign1 *m, struct slice payload, struct slice external, const struct pkey *key,
		     struct arena *a, const char *reason, struct why *w);

/* The bytes that are signed; empty without memory. */
struct slice cose_sig_structure(struct arena *a, struct slice protected_raw, struct slice external, struct slice payload);

/* A public COSE_Key: EC2 on P-256, P-384, P-521 with full coordinates, or OKP Ed25519.
 * E_MALFORMED cose.parse.key (not on the curve included), E_UNSUPPORTED cose.unsupported.key. */
RC cose_key_from(const struct cbor *v, struct pkey **out, struct why *w);
