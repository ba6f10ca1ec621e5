/* anchors.h - trust anchors that operators add: digests in the store, read once a second, handed to each verification.
 *
 * Threads: any. Once a look at the store has failed, every look-up fails until one succeeds.
 */
#pragma once
#include "evidence/job.h"
#include "store/store.h"

#define ANCHORS_MAX 4096u

struct anchors;

RC anchors_open(struct store *store, struct anchors **out, struct why *w);
void anchors_close(struct anchors *an);
/* PEM key or certificate; set: [a-z0-9-]{1,32}. E_LIMIT as.anchors: there are ANCHORS_MAX already. `by` may be NULL. */
RC anchors_add(struct anchors *an, struct slice set, struct slice pem, const struct store_committer *by, struct why *w);
/* The one of that set and digest (64 hex digits). E_NOTFOUND as.anchor-absent. Counts no more at once. */
RC anchors_remove(struct anchors *an, struct slice set, struct slice sha256_hex, const struct store_committer *by, struct why *w);
/* "<set>/<digest>", in byte order. */
RC anchors_list(struct anchors *an, struct arena *a, char ***names, size_t *n, struct why *w);
/* Does it count for that set, be it added or pinned? False too while nobody can tell. */
bool anchors_has(struct anchors *an, const char *set, const uint8_t sha256[32]);
/* All of them, in the arena. */
RC anchors_get(struct anchors *an, struct arena *a, const struct vanchor **out, size_t *n, struct why *w);
