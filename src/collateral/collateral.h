/* collateral.h - what verifiers need beside the evidence: certificates, revocation lists, TCB info, kept so that a vendor's
 * outage is not ours.
 *
 * A piece is looked for in the store's cache, in the operator's folder, and upstream, in that order. However many guests wait for
 * one piece, it is fetched once; a vendor that fails or says 429 is left alone for a growing while. A cached piece is used as it
 * is; one that is due is refreshed in the background, and no request waits for that, save where the piece is behind its
 * nextUpdate by more than stale_s. What is cached is never replaced by something older. Thread-safe.
 *
 * Kinds and keys: collateral/kinds.h, docs/collateral.md. Whether a piece is too old for a verdict is for the
 * verifier to say, from its own signed dates.
 */
#pragma once
#include "base/sys.h"
#include "base/why.h"
#include "store/store.h"

struct collateral;

#define COLLATERAL_PIECE_MAX ((size_t)4 << 20)

/* One piece; a fetch may yield several (a TCB info comes with its chain). */
struct collateral_piece {
	const char *kind, *key;
	struct slice bytes;
};

#define COLLATERAL_PIECES_MAX 8u

/* Where pieces come from when nothing here has them. */
struct collateral_source {
	/* Which vendor's budget a kind counts against: "amd", "intel", ...; NULL: this source has no such kind. */
	const char *(*vendor)(void *ctx, const char *kind);
	/* Fills pieces (in the arena). E_UNAVAILABLE and E_LIMIT (429) put the vendor off for a while. */
	RC (*fetch)(void *ctx, const char *kind, const char *key, struct arena *a, struct collateral_piece *pieces, size_t *n,
		    struct why *w);
	void *ctx;
};

struct collateral_config {
	const char *dir;			/* operator's folder, or NULL: <dir>/<kind>/<key>, other characters than [A-Za-z0-9.-] of
						 * the key written as '_'; an empty key as "default" */
	const struct collateral_source *source;	/* NULL: nothing is fetched */
	int64_t refresh_s;			/* age at which a cached piece is refreshed; 0: 86,400 */
	int64_t stale_s;			/* how long behind its nextUpdate verdicts still take a piece */
	bool background;			/* a thread refreshes; else whoever finds a piece due does */
};

/* store and config's pointers are borrowed. */
RC collateral_open(struct store *store, const struct clock *clock, const struct collateral_config *config, struct collateral **out,
		   struct why *w);
void collateral_close(struct collateral *c);

/* E_NOTFOUND collateral.absent; E_UNAVAILABLE collateral.put-off: the vendor failed lately. */
RC collateral_get(struct collateral *c, const char *kind, const char *key, struct arena *a, struct slice *out, struct why *w);
/* Puts pieces into the cache, all or none: imports. E_DENIED collateral.older, collateral.future; E_MALFORMED
 * collateral.content; E_LIMIT collateral.pieces, collateral.size. */
RC collateral_put(struct collateral *c, const struct collateral_piece *pieces, size_t n, struct why *w);

/* Fetches every cached piece that is due; what the background thread does. */
void collateral_refresh(struct collateral *c);

/* For metrics and tests: fetches that were begun. */
uint64_t collateral_fetches(const struct collateral *c);
