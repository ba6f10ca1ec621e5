/* memo.h - what a worker remembers between verdicts: results of pure functions, so that a verdict stays one.
 *
 * The key is all that the remembered result depends on, byte by byte. Nothing that depends on time, on trust in a root or
 * on revocation is ever kept. Owned by one worker process; not thread safe.
 */
#pragma once
#include "base/slice.h"

struct memo;

#define MEMO_MIN 16u
#define MEMO_MAX 4096u
#define MEMO_PARTS_MAX 6u
#define MEMO_KEY_MAX ((size_t)4 << 20)	/* bytes of all keys together */

/* Holds at most `entries` values (between MEMO_MIN and MEMO_MAX). NULL without memory. */
struct memo *memo_new(unsigned entries);
/* Accepts NULL. Returns NULL. */
struct memo *memo_free(struct memo *m);

/* What a result was computed from: of which kind, and from which pieces of bytes. */
struct memo_key {
	const char *kind;	/* a literal that names the type of the value */
	struct slice part[MEMO_PARTS_MAX];
	unsigned n;
};

/* NULL when nothing is remembered, or without a memo. A value stays good for MEMO_MIN - 1 further memo_put calls at least. */
const void *memo_get(struct memo *m, const struct memo_key *key);
/* What senders choose freely must not push out what only few can make: a value counts as claimed until it is proven, and
 * claimed ones leave first once there are MEMO_MIN of them. Proven: under a trusted root, say. */
void memo_prove(struct memo *m, const struct memo_key *key);
/* Takes the value over, also when it cannot keep the key: then the value lives as if it had been remembered, but is never
 * found. The one unused for longest leaves when the memo is full, a claimed one first. */
void memo_put(struct memo *m, const struct memo_key *key, void *value, void (*free_value)(void *));
unsigned memo_count(const struct memo *m);
