/* bundle.h - collateral in one signed file, for machines that reach no vendor.
 *
 * Lines: a compact JWS over the manifest (kind, key, SHA-256 of each piece), then one line of base64 a piece, in the manifest's
 * order. Who made it signs with a key of his own; who imports it names that key. Reading checks the signature before it looks
 * at any piece. Threads: no state.
 */
#pragma once
#include "collateral/collateral.h"
#include "crypto/pkey.h"

#define BUNDLE_TYPE	  "warrant-collateral+jws"
#define BUNDLE_PIECES_MAX 2048u
#define BUNDLE_MAX	  ((size_t)256 << 20)

struct bundle {
	int64_t made_s;
	struct collateral_piece *pieces;
	size_t n;
};

/* What is cached, of a kind or (NULL) of all kinds. E_LIMIT bundle.pieces. */
RC bundle_export(struct store *store, const struct clock *clock, const char *kind, struct arena *a, struct bundle *out, struct why *w);
RC bundle_write(const struct bundle *b, const struct pkey *key, struct arena *a, struct slice *out, struct why *w);
/* E_DENIED jws.signature, bundle.digest (a piece is not the one that was signed for); E_MALFORMED bundle.*, jws.*; E_LIMIT
 * bundle.size, bundle.pieces. Pieces are in the arena. */
RC bundle_read(struct slice text, const struct pkey *key, struct arena *a, struct bundle *out, struct why *w);

struct bundle_result {
	size_t imported, older, refused;
};
/* For each piece that was not taken: `why` says the reason. */
typedef void bundle_refused_fn(const struct collateral_piece *p, const struct why *why, void *ctx);

/* Into the cache, a document together with its chain. Pieces older than those held, and those that are not what they are
 * called, stay outside and are told and counted; the others are taken. Fails only where the store does. */
RC bundle_import(struct store *store, const struct clock *clock, const struct bundle *b, bundle_refused_fn *refused, void *ctx,
		 struct bundle_result *out, struct why *w);
