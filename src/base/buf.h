/* buf.h - a growing byte buffer in an arena, with a maximum and a sticky failure.
 *
 * After the first append that did not fit, nothing more is appended and buf_ok() is false: check once.
 */
#pragma once
#include <stdarg.h>

#include "base/arena.h"

struct buf {
	struct arena *arena;
	uint8_t *p;
	size_t n, cap, max;
	bool bad;
};

/* max_bytes 0: 64 MiB. */
struct buf buf_in(struct arena *a, size_t max_bytes);
void buf_put(struct buf *b, const void *p, size_t n);
void buf_putc(struct buf *b, char c);
void buf_puts(struct buf *b, const char *s);
void buf_slice(struct buf *b, struct slice s);
void buf_u64(struct buf *b, uint64_t v);	/* decimal */
void buf_printf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_be16(struct buf *b, uint16_t v);
void buf_be32(struct buf *b, uint32_t v);
void buf_be64(struct buf *b, uint64_t v);
void buf_le16(struct buf *b, uint16_t v);
void buf_le32(struct buf *b, uint32_t v);
void buf_le64(struct buf *b, uint64_t v);
/* n zeroed bytes to fill in, or NULL. */
uint8_t *buf_reserve(struct buf *b, size_t n);
/* n bytes that must be filled in, or NULL. */
uint8_t *buf_extend(struct buf *b, size_t n);
static inline bool buf_ok(const struct buf *b)
{
	return !b->bad;
}
static inline struct slice buf_view(const struct buf *b)
{
	return (struct slice){b->p, b->n};
}
/* The bytes with a NUL behind them; NULL after a failure. */
char *buf_cstr(struct buf *b);
