/* cache.h - collateral in the store: rows that only move forward in time.
 *
 * Of this folder, and of the command line that shows the rows. Rows are in the namespace CACHE_NS under `<kind>/<digest of the key>`, since a key may be
 * long and hold anything. Thread-safe, also between processes: a row is replaced only if it is the one that was compared.
 */
#pragma once
#include "collateral/collateral.h"
#include "collateral/kinds.h"
#include "collateral/signed.h"

#define CACHE_NS "shared_collateral"	/* kbs-client reads and writes it beside the broker */

struct cache_row {
	const char *kind, *key;
	struct slice bytes;
	int64_t fetched_s;	/* when it was last fetched, or found to be the newest that there is */
	int64_t next_s;		/* as in struct collateral_facts */
	const char *etag, *modified;	/* as in struct collateral_piece */
	uint64_t rev;
};

/* E_NOTFOUND collateral.absent. */
RC cache_get(struct store *store, const char *kind, const char *key, struct arena *a, struct cache_row *out, struct why *w);
/* All pieces or none. E_DENIED collateral.older: one would be a step back; collateral.future: one is dated beyond now;
 * collateral.signature: one is not signed by its vendor, or is not known to be while the one held is. A row that is known to be
 * the vendor's takes the place of one that is not, however that one is dated. E_MALFORMED collateral.content; E_LIMIT
 * collateral.pieces, collateral.size. trust NULL: no signature is looked at. */
RC cache_put(struct store *store, const struct clock *clock, const struct signed_trust *trust, const struct collateral_piece *pieces,
	     size_t n, struct why *w);
/* The row was found to be the newest that there is. */
RC cache_touch(struct store *store, const struct clock *clock, const char *kind, const char *key, struct why *w);
/* Up to `limit` rows of a kind (NULL: of any), behind the row `after` (NULL: from the start); names[n - 1] is where to go on. */
RC cache_list(struct store *store, const char *kind, const char *after, size_t limit, struct arena *a, struct cache_row **rows,
	      char ***names, size_t *n, struct why *w);
