/* memo.h - what a worker remembers between verdicts: results of pure functions, so that a verdict stays one.
 *
 * A key is a digest over everything that the remembered result depends on. Nothing that depends on time, on trust in
 * a root or on revocation is ever kept. Owned by one worker process; not thread safe.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct memo;

#define MEMO_MIN 16u
#define MEMO_MAX 4096u

/* Holds at most `entries` values (between MEMO_MIN and MEMO_MAX). NULL without memory. */
struct memo *memo_new(unsigned entries);
/* Accepts NULL. Returns NULL. */
struct memo *memo_free(struct memo *m);

/* NULL when nothing is remembered. `kind` is a literal that names the type of the value. A value stays good for
 * MEMO_MIN - 1 further memo_put calls at least. */
const void *memo_get(struct memo *m, const char *kind, const uint8_t key[32]);
/* Takes the value over; the one unused for longest leaves when the memo is full. */
void memo_put(struct memo *m, const char *kind, const uint8_t key[32], void *value, void (*free_value)(void *));
unsigned memo_count(const struct memo *m);
