/* secret.h - bytes that must not be seen: own pages, locked, left out of core files, wiped on fork and free.
 *
 * A secret is never in an arena, never a `char *`, never an argument of a format. There is no way to
 * print one. Compare with secret_eq: its time depends on the lengths only.
 */
#pragma once
#include "base/why.h"

struct secret {
	uint8_t *p;
	size_t n;
	size_t mapped;	/* private: bytes of the mapping */
};

#define DEFER(fn) __attribute__((cleanup(fn)))
#define SECRET(name) DEFER(secret_free) struct secret name = {0}

/* Zeroed. E_UNAVAILABLE when memory cannot be had or locked. n may be 0. */
RC secret_new(struct secret *out, size_t n, struct why *w);
RC secret_copy(struct secret *out, struct slice from, struct why *w);
/* Fills with random bytes. */
RC secret_random(struct secret *out, size_t n, struct why *w);
/* Accepts {0}. Wipes, then unmaps or keeps a few pages for the next ones; leaves {0}. */
void secret_free(struct secret *s);
/* Moves: *from becomes {0}. */
struct secret secret_move(struct secret *from);
/* Wipes what is beyond n and makes n the length. n must not exceed the present one. */
void secret_shrink(struct secret *s, size_t n);

static inline struct slice secret_view(const struct secret *s)
{
	return (struct slice){s->p, s->n};
}

bool secret_eq(struct slice a, struct slice b);
void secret_wipe(void *p, size_t n);
