#include "base/buf.h"

#include <stdio.h>

#include "base/num.h"

struct buf buf_in(struct arena *a, size_t max_bytes)
{
	return (struct buf){.arena = a, .max = max_bytes ? max_bytes : (size_t)64 << 20};
}

static bool room(struct buf *b, size_t n)
{
	size_t need, cap;
	uint8_t *p;

	if (b->bad || !num_add(b->n, n, &need) || need > b->max) {
		b->bad = true;
		return false;
	}
	if (need < b->cap)	/* one byte is kept for a NUL */
		return true;
	cap = b->cap ? b->cap : 64;
	while (cap <= need)
		cap *= 2;
	p = arena_grow(b->arena, b->p, b->cap, cap);
	if (!p) {
		b->bad = true;
		return false;
	}
	b->p = p;
	b->cap = cap;
	return true;
}

void buf_put(struct buf *b, const void *p, size_t n)
{
	if (room(b, n) && n) {
		memcpy(b->p + b->n, p, n);
		b->n += n;
	}
}

void buf_putc(struct buf *b, char c)
{
	if (room(b, 1))
		b->p[b->n++] = (uint8_t)c;
}

void buf_puts(struct buf *b, const char *s)
{
	buf_put(b, s, strlen(s));
}

void buf_slice(struct buf *b, struct slice s)
{
	buf_put(b, s.p, s.n);
}

void buf_u64(struct buf *b, uint64_t v)
{
	char t[20], *p = num_digits(t + sizeof(t), v);

	buf_put(b, p, (size_t)(t + sizeof(t) - p));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || !room(b, (size_t)n)) {
		b->bad = true;
		return;
	}
	va_start(ap, fmt);
	vsnprintf((char *)b->p + b->n, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->n += (size_t)n;
}

uint8_t *buf_extend(struct buf *b, size_t n)
{
	if (!room(b, n))
		return NULL;
	b->n += n;
	return b->p + b->n - n;
}

uint8_t *buf_reserve(struct buf *b, size_t n)
{
	uint8_t *p = buf_extend(b, n);

	if (p)
		memset(p, 0, n);
	return p;
}

static void put_be(struct buf *b, uint64_t v, unsigned n)
{
	uint8_t *p = buf_reserve(b, n);

	if (p)
		for (unsigned i = 0; i < n; i++)
			p[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
}

static void put_le(struct buf *b, uint64_t v, unsigned n)
{
	uint8_t *p = buf_reserve(b, n);

	if (p)
		for (unsigned i = 0; i < n; i++)
			p[i] = (uint8_t)(v >> (8 * i));
}

void buf_be16(struct buf *b, uint16_t v)
{
	put_be(b, v, 2);
}

void buf_be32(struct buf *b, uint32_t v)
{
	put_be(b, v, 4);
}

void buf_be64(struct buf *b, uint64_t v)
{
	put_be(b, v, 8);
}

void buf_le16(struct buf *b, uint16_t v)
{
	put_le(b, v, 2);
}

void buf_le32(struct buf *b, uint32_t v)
{
	put_le(b, v, 4);
}

void buf_le64(struct buf *b, uint64_t v)
{
	put_le(b, v, 8);
}

char *buf_cstr(struct buf *b)
{
	if (!room(b, 0))
		return NULL;
	b->p[b->n] = 0;
	return (char *)b->p;
}
