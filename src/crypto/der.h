/* der.h - reading DER (X.690) strictly: the bodies of certificate extensions and other small structures.
 *
 * Works on a cursor of base/cur.h: a wrong tag, a length that is not the shortest, an indefinite length or a number with
 * needless bytes spoils the message, and cur_end() refuses it. Tags are of one byte. A child that was entered must be
 * closed with der_leave(), which spoils the message when bytes are left in it.
 */
#pragma once
#include "base/cur.h"

enum {
	DER_BOOLEAN = 0x01,
	DER_INTEGER = 0x02,
	DER_BIT_STRING = 0x03,
	DER_OCTET_STRING = 0x04,
	DER_NULL = 0x05,
	DER_OID = 0x06,
	DER_ENUMERATED = 0x0a,
	DER_UTF8 = 0x0c,
	DER_PRINTABLE = 0x13,
	DER_IA5 = 0x16,
	DER_UTC_TIME = 0x17,
	DER_TIME = 0x18,
	DER_SEQUENCE = 0x30,
	DER_SET = 0x31,
};
#define DER_CONTEXT(n)	     ((uint8_t)(0x80 | (n)))	/* [n] IMPLICIT, primitive */
#define DER_CONTEXT_CONS(n) ((uint8_t)(0xa0 | (n)))	/* [n], constructed */

#define DER_DEPTH_MAX 32u

/* The contents of the next element, which must have this tag. */
struct slice der_take(struct cur *c, uint8_t tag);
/* The contents of the next element, whatever it is. */
struct slice der_any(struct cur *c, uint8_t *tag);
/* The next element with its tag and length. */
struct slice der_raw(struct cur *c);
/* A window on the contents of the next element, which must have this tag. */
struct cur der_enter(struct cur *c, uint8_t tag);
void der_leave(struct cur *child);
static inline bool der_next_is(const struct cur *c, uint8_t tag)
{
	return cur_next_is(c, tag);
}

bool der_bool(struct cur *c);
/* INTEGER that is not negative and fits; anything else spoils. */
uint64_t der_u64(struct cur *c);
/* INTEGER that is not negative: magnitude, big endian, without a leading zero (0 is one zero byte). */
struct slice der_magnitude(struct cur *c);
uint64_t der_enumerated(struct cur *c);
/* BIT STRING of whole bytes. */
struct slice der_bytes(struct cur *c);
/* Contents of an OBJECT IDENTIFIER; well formed. */
struct slice der_oid(struct cur *c);

/* Is it this one? `dotted` is a literal: "1.2.840.113741.1.13.1". */
bool oid_is(struct slice oid, const char *dotted);
/* Contents for a dotted literal, at most 64 bytes; how many, 0 when it is none. */
size_t oid_encode(const char *dotted, uint8_t out[64]);

/* The whole of `in` is one element, and so is everything in it, down to DER_DEPTH_MAX. E_MALFORMED `reason`. */
RC der_check(struct slice in, struct why *w, const char *reason, const char *what);
