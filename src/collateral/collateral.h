/* collateral.h - what verifiers need beside the evidence: certificates, revocation lists, TCB info, kept so that a vendor's
 * outage is not ours.
 *
 * A piece is looked for in the store's cache, in the operator's folder, and upstream, in that order. However many guests wait for
 * one piece, it is fetched once; a vendor that fails or says 429 is left alone for a growing while, or as long as it asks for, and
 * guests that name ever other pieces spend a budget, not the vendor's patience. A cached piece is used as it is; one that is due is refreshed in the background, and no request waits for that, save where the piece is behind its
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
	struct slice bytes;		/* of a fetch, p == NULL: what is held has not changed */
	const char *etag, *modified;	/* the vendor's names of this state (RFC 9110 8.8); NULL: it gives none */
};

#define COLLATERAL_PIECES_MAX	  8u
#define COLLATERAL_STARTS_PER_MIN 120u
/* A vendor that asks for more time than that is asked again all the same. */
#define COLLATERAL_RETRY_AFTER_MAX_S 3600u

/* What a fetch brings, in its arena. */
struct collateral_answer {
	struct collateral_piece piece[COLLATERAL_PIECES_MAX];
	size_t n;
	unsigned retry_after_s;	/* of a refusal: how long the vendor wants to be left alone; 0: it does not say */
};

/* Where pieces come from when nothing here has them. */
struct collateral_source {
	/* Which vendor's budget a kind counts against: "amd", "intel", ...; NULL: this source has no such kind. */
	const char *(*vendor)(void *ctx, const char *kind);
	/* `held`: the piece as it is cached, so that the vendor can be asked whether it changed; NULL: there is none.
	 * E_UNAVAILABLE and E_LIMIT (429) put the vendor off for a while, at least for retry_after_s. */
	RC (*fetch)(void *ctx, const char *kind, const char *key, const struct collateral_piece *held, struct arena *a,
		    struct collateral_answer *out, struct why *w);
	void *ctx;
};

struct collateral_config {
	const char *dir;			/* operator's folder, or NULL: <dir>/<kind>/<key>, other characters than [A-Za-z0-9.-] of
						 * the key written as '_'; an empty key as "default" */
	const struct collateral_source *source;	/* NULL: nothing is fetched */
	int64_t refresh_s;			/* age at which a cached piece is refreshed; 0: 86,400 */
	int64_t stale_s;			/* how long behind its nextUpdate verdicts still take a piece */
	bool background;			/* a thread refreshes; else whoever finds a piece due does */
	unsigned starts_per_min;		/* fetches of one vendor that may begin within a minute, all at once or spread; a quarter
						 * is kept for what is cached already; 0: COLLATERAL_STARTS_PER_MIN */
};

/* store and config's pointers are borrowed. */
RC collateral_open(struct store *store, const struct clock *clock, const struct collateral_config *config, struct collateral **out,
		   struct why *w);
void collateral_close(struct collateral *c);

/* The roots that count, by set and by SHA-256 of certificate or key (evidence/job.h); without them no signature is looked at before a
 * piece is cached (collateral/signed.h). NULL: none. Returns when no call of the one before is under way. */
typedef bool collateral_anchor_fn(void *ctx, const char *set, const uint8_t sha256[32]);
void collateral_trust(struct collateral *c, collateral_anchor_fn *anchor, void *ctx);

/* E_NOTFOUND collateral.absent; E_UNAVAILABLE collateral.put-off: the vendor failed lately, or asked to be left alone;
 * collateral.budget: it was asked too often within a minute. */
RC collateral_get(struct collateral *c, const char *kind, const char *key, struct arena *a, struct slice *out, struct why *w);
/* Puts pieces into the cache, all or none: imports. E_DENIED collateral.older, collateral.future, collateral.signature; E_MALFORMED
 * collateral.content; E_LIMIT collateral.pieces, collateral.size. */
RC collateral_put(struct collateral *c, const struct collateral_piece *pieces, size_t n, struct why *w);

/* Fetches every cached piece that is due; what the background thread does. */
void collateral_refresh(struct collateral *c);

/* For metrics and tests: fetches that were begun. */
uint64_t collateral_fetches(const struct collateral *c);
