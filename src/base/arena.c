#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"

#define ALIGN 16u
#define BLOCK_MIN (size_t)4096
#define BLOCK_MAX (size_t)(256 * 1024)
#define DEFAULT_LIMIT ((size_t)64 << 20)

struct block {
	struct block *prev;
	size_t size;	/* bytes behind this head */
	size_t used;
	size_t pad_;
};

struct arena {
	struct block *top;
	size_t limit;
	size_t total;	/* bytes in all blocks */
	size_t next_block;
	uint64_t fail_in;	/* 0: never */
	bool bad;
};

static uint8_t *block_data(struct block *b)
{
	return (uint8_t *)(b + 1);
}

struct arena *arena_new(size_t limit_bytes)
{
	struct arena *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->limit = limit_bytes ? limit_bytes : DEFAULT_LIMIT;
	a->next_block = BLOCK_MIN;
	return a;
}

void arena_expect(struct arena *a, size_t bytes)
{
	if (a && bytes > a->next_block)
		a->next_block = MIN_OF(bytes, BLOCK_MAX);
}

struct arena *arena_free(struct arena *a)
{
	if (a) {
		arena_reset(a, (struct arena_mark){NULL, 0, 0});
		free(a);
	}
	return NULL;
}

static void *fail(struct arena *a)
{
	a->bad = true;
	return NULL;
}

static bool push_block(struct arena *a, size_t need)
{
	size_t size = MAX_OF(a->next_block, need), total;
	struct block *b;

	if (!num_add(a->total, size, &total) || total > a->limit) {
		size = need;	/* near the limit: just what is asked for */
		if (!num_add(a->total, size, &total) || total > a->limit)
			return false;
	}
	b = malloc(sizeof(*b) + size);
	if (!b)
		return false;
	b->prev = a->top;
	b->size = size;
	b->used = 0;
	a->top = b;
	a->total = total;
	if (a->next_block < BLOCK_MAX)
		a->next_block *= 2;
	return true;
}

void *arena_alloc_raw(struct arena *a, size_t n)
{
	size_t need;
	void *p;

	if (!a)
		return NULL;
	if (a->fail_in && --a->fail_in == 0)
		return fail(a);
	if (n == 0)
		n = 1;
	if (!num_add(n, ALIGN - 1, &need))
		return fail(a);
	need &= ~(size_t)(ALIGN - 1);
	if ((!a->top || a->top->size - a->top->used < need) && !push_block(a, need))
		return fail(a);
	p = block_data(a->top) + a->top->used;
	a->top->used += need;
	return p;
}

void *arena_alloc(struct arena *a, size_t n)
{
	void *p = arena_alloc_raw(a, n);

	/* up to the end of what was taken: arena_grow gives that out as zero, too */
	return p ? memset(p, 0, n + (ALIGN - n % ALIGN) % ALIGN) : NULL;
}

void *arena_alloc_n(struct arena *a, size_t count, size_t size)
{
	size_t n;

	if (!num_mul(count, size, &n))
		return a ? fail(a) : NULL;
	return arena_alloc(a, n);
}

void *arena_grow(struct arena *a, void *p, size_t old_n, size_t new_n)
{
	size_t old_up = (MAX_OF(old_n, (size_t)1) + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	void *q;

	if (!a)
		return NULL;
	if (new_n <= old_n && p)
		return p;
	if (p && a->top && !a->fail_in && new_n <= a->limit) {
		uint8_t *end = block_data(a->top) + a->top->used;
		size_t new_up = (new_n + ALIGN - 1) & ~(size_t)(ALIGN - 1);

		if ((uint8_t *)p + old_up == end && a->top->size - a->top->used >= new_up - old_up) {
			memset(end, 0, new_up - old_up);
			a->top->used += new_up - old_up;
			return p;
		}
	}
	q = arena_alloc(a, new_n);
	if (q && p && old_n)
		memcpy(q, p, old_n);
	return q;
}

struct slice arena_dup(struct arena *a, struct slice s)
{
	uint8_t *p = arena_alloc(a, s.n + 1);	/* s.n + 1 wraps only for SIZE_MAX, which no slice has */

	if (!p)
		return (struct slice){NULL, 0};
	if (s.n)
		memcpy(p, s.p, s.n);
	return (struct slice){p, s.n};
}

char *arena_strndup(struct arena *a, const void *p, size_t n)
{
	char *q = arena_alloc(a, n + 1);

	if (q && n)
		memcpy(q, p, n);
	return q;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return arena_strndup(a, s, s ? strlen(s) : 0);
}

char *arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
	va_list again;
	char *p;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0)
		return NULL;
	p = arena_alloc(a, (size_t)n + 1);
	if (p)
		vsnprintf(p, (size_t)n + 1, fmt, ap);
	return p;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	char *p;

	va_start(ap, fmt);
	p = arena_vprintf(a, fmt, ap);
	va_end(ap);
	return p;
}

bool arena_bad(const struct arena *a)
{
	return !a || a->bad;
}

size_t arena_used(const struct arena *a)
{
	size_t n = 0;

	for (struct block *b = a ? a->top : NULL; b; b = b->prev)
		n += b->used;
	return n;
}

struct arena_mark arena_mark(struct arena *a)
{
	if (!a || !a->top)
		return (struct arena_mark){NULL, 0, 0};
	return (struct arena_mark){a->top, a->top->used, a->total};
}

void arena_reset(struct arena *a, struct arena_mark m)
{
	if (!a)
		return;
	while (a->top && a->top != m.block) {
		struct block *b = a->top;

		a->top = b->prev;
		a->total -= b->size;
		free(b);
	}
	if (a->top)
		a->top->used = m.used;
	if (!a->top)
		a->next_block = BLOCK_MIN;
	a->bad = false;
}

void arena_clear(struct arena *a)
{
	struct block *keep = NULL, *prev;

	if (!a)
		return;
	for (struct block *b = a->top; b; b = prev) {
		prev = b->prev;
		if (b->size <= BLOCK_MAX && (!keep || b->size > keep->size)) {
			free(keep);
			keep = b;
		} else {
			free(b);
		}
	}
	if (keep) {
		keep->prev = NULL;
		keep->used = 0;
	}
	a->top = keep;
	a->total = keep ? keep->size : 0;
	a->bad = false;
	a->fail_in = 0;
}

void arena_fail_at(struct arena *a, uint64_t n)
{
	a->fail_in = n;
}
