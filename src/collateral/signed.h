/* signed.h - was a piece signed by whom it says, as far as that can be told from what is at hand?
 *
 * Of this folder. Verifiers check every signature in any case. This is for the cache: a list of a stranger, dated and numbered as the
 * newest, must not take the place of the vendor's own, nor keep it out. A signature is judged where the issuer's certificate is at hand
 * and leads to a root that counts: it came with the piece, or is cached. Where it does not, nothing is known, which is not the same as
 * bad: guests may bring the certificates themselves. Threads: no state.
 */
#pragma once
#include "base/why.h"

enum signer {
	SIGNER_UNKNOWN,	/* the issuer is not at hand, or nothing says that it counts; forms without a signature of their own */
	SIGNER_GOOD,
	SIGNER_BAD,	/* the issuer that counts did not sign it */
};

struct signed_trust {
	bool (*anchor)(void *ctx, const char *set, const uint8_t sha256[32]);	/* a root that counts, by certificate or key */
	void *ctx;
};

#define SIGNED_ISSUERS_MAX 6u

/* Where the certificates stand above a piece of that kind: pieces of `issuers` under one of `keys`; NULL: under the piece's own. */
struct signed_kind {
	const char *kind, *set;
	const char *issuers;		/* NULL: they are the piece itself */
	const char *keys[2];
	bool apart;			/* the vendor hands them out by themselves, and not with the piece */
};

/* NULL: nothing is told of that kind. */
const struct signed_kind *signed_kind_find(const char *kind);
/* `pem`: texts of certificates. What cannot be read of them is passed over. */
enum signer signed_by(const struct signed_kind *k, struct slice bytes, const struct slice *pem, size_t n, const struct signed_trust *trust,
		      struct arena *a);
