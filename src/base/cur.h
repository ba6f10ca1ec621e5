/* cur.h - the only place where bytes from outside are walked.
 *
 * A message is decoded whole: every getter on a spoiled message returns zero or an empty slice, and
 * cur_end() decides once. Nothing that was read may be looked at before cur_end() returned OK. Loops run
 * on cur_more(), so they end on bad input.
 */
#pragma once
#include "base/slice.h"
#include "base/why.h"

struct msg {
	struct slice in;
	size_t bad_at;	/* offset of the first failure */
	bool bad;
};

struct cur {
	struct msg *m;
	const uint8_t *p, *end;
};

struct cur cur_open(struct msg *m, struct slice in);

uint8_t cur_u8(struct cur *c);
uint16_t cur_le16(struct cur *c);
uint32_t cur_le32(struct cur *c);
uint64_t cur_le64(struct cur *c);
uint16_t cur_be16(struct cur *c);
uint32_t cur_be32(struct cur *c);
uint64_t cur_be64(struct cur *c);

/* Empty when short; the message is then bad for good. */
struct slice cur_take(struct cur *c, size_t n);
/* A child window of n bytes; its failure spoils the whole message. */
struct cur cur_sub(struct cur *c, size_t n);
/* All that is left of the window. */
struct slice cur_rest(struct cur *c);
/* Skips n bytes that must all be zero; anything else spoils the message. */
void cur_zero(struct cur *c, size_t n);
/* Spoils the message at the present offset: for a value that makes the rest undecodable. */
void cur_spoil(struct cur *c);

static inline size_t cur_left(const struct cur *c)
{
	return c->m->bad ? 0 : (size_t)(c->end - c->p);
}
static inline bool cur_more(const struct cur *c)
{
	return cur_left(c) > 0;
}
/* Looks at the next byte without taking it. */
static inline bool cur_next_is(const struct cur *c, uint8_t byte)
{
	return cur_more(c) && *c->p == byte;
}
/* Offset in the message. */
size_t cur_at(const struct cur *c);

/* E_MALFORMED with reason `reason` when the window was short or bytes are left over. `what` names the format. */
RC cur_end(struct cur *c, struct why *w, const char *reason, const char *what);
/* The same, but bytes after the structure are allowed. */
RC cur_end_open(struct cur *c, struct why *w, const char *reason, const char *what);
