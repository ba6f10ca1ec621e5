/* arena.h - memory with a named lifetime and a limit.
 *
 * One thread at a time. Nothing in an arena is freed alone: the owner frees the arena, or resets it to a
 * mark. A pointer may go from a shorter life to a longer one, never back. Secrets never live here.
 */
#pragma once
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct arena;

struct arena_mark {
	void *block;
	size_t used;
	size_t total;
};

/* limit_bytes: all that the arena may ever hold; 0 means 64 MiB. NULL when there is no memory. */
struct arena *arena_new(size_t limit_bytes);
/* About how much will be asked for: the next block is made that large, within the limit, so that one is enough. Accepts NULL. */
void arena_expect(struct arena *a, size_t bytes);
/* Accepts NULL. Returns NULL, so `a = arena_free(a)`. */
struct arena *arena_free(struct arena *a);

/* Zeroed, aligned to 16. NULL beyond the limit, or when there is no memory: then arena_bad() holds for good. */
void *arena_alloc(struct arena *a, size_t n);
/* The same, not zeroed: for memory that is filled at once. */
void *arena_alloc_raw(struct arena *a, size_t n);
void *arena_alloc_n(struct arena *a, size_t count, size_t size);
#define arena_array(a, count, T) ((T *)arena_alloc_n((a), (count), sizeof(T)))
#define ARENA_NEW(a, T) ((T *)arena_alloc((a), sizeof(T)))

/* Grows the newest allocation in place where it can, else copies. */
void *arena_grow(struct arena *a, void *p, size_t old_n, size_t new_n);

/* Copies; the copy has a NUL behind it. `.p` is NULL when there is no room. */
struct slice arena_dup(struct arena *a, struct slice s);
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const void *p, size_t n);
char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *a, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

bool arena_bad(const struct arena *a);
size_t arena_used(const struct arena *a);

/* A scratch scope: everything allocated after the mark is gone at the reset. */
struct arena_mark arena_mark(struct arena *a);
void arena_reset(struct arena *a, struct arena_mark m);
/* Everything is gone, and one block is kept, of at most a few hundred KiB: for an owner who fills it again and again. Accepts NULL. */
void arena_clear(struct arena *a);

/* Fault injection for tests: the n-th allocation from now fails (1 = the next one); 0 turns it off. */
void arena_fail_at(struct arena *a, uint64_t n);
