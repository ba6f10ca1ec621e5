/* slice.h - borrowed bytes: a pointer and a length that live as long as their message. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* On large arrays that are written before they are read: without the zeroing that the build adds to every variable. */
#define UNSET __attribute__((uninitialized))

struct slice {
	const uint8_t *p;
	size_t n;
};

#define SLICE_LIT(s) ((struct slice){(const uint8_t *)("" s), sizeof(s) - 1})

static inline struct slice slice_of(const void *p, size_t n)
{
	return (struct slice){(const uint8_t *)p, n};
}

static inline struct slice slice_cstr(const char *s)
{
	return (struct slice){(const uint8_t *)s, s ? strlen(s) : 0};
}

static inline bool slice_eq(struct slice a, struct slice b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool slice_is(struct slice a, const char *s)
{
	return slice_eq(a, slice_cstr(s));
}

static inline bool slice_starts(struct slice a, struct slice prefix)
{
	return a.n >= prefix.n && (prefix.n == 0 || memcmp(a.p, prefix.p, prefix.n) == 0);
}

/* Zeros alone, and so is nothing. */
static inline bool slice_is_zero(struct slice a)
{
	uint8_t any = 0;

	for (size_t i = 0; i < a.n; i++)
		any |= a.p[i];
	return any == 0;
}

/* Byte order, then the shorter first: <0, 0, >0. */
static inline int slice_cmp(struct slice a, struct slice b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n ? memcmp(a.p, b.p, n) : 0;

	return c ? c : (a.n > b.n) - (a.n < b.n);
}

/* The part [from, from+n), cut to what there is. */
static inline struct slice slice_sub(struct slice a, size_t from, size_t n)
{
	if (from > a.n)
		from = a.n;
	if (n > a.n - from)
		n = a.n - from;
	return (struct slice){a.p ? a.p + from : NULL, n};
}

/* For printf("%.*s"): capped, since a precision is an int. */
#define SLICE_FMT "%.*s"
#define SLICE_ARG(s) (int)((s).n > 4096 ? 4096 : (s).n), (const char *)(s).p
