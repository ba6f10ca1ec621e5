/* der.h - DER, element by element, on the byte cursor: definite lengths in their shortest form, one-byte tags. */
#pragma once
#include "base/cur.h"

#define DER_BOOL 0x01
#define DER_INT 0x02
#define DER_BITS 0x03
#define DER_OCTETS 0x04
#define DER_OID 0x06
#define DER_SEQ 0x30
#define DER_SET 0x31
#define DER_CTX(n) (0xa0 | (n))	/* constructed, context-specific */
#define DER_CTX_PRIM(n) (0x80 | (n))

struct der {
	uint8_t tag;
	struct slice body, whole;
};

/* The next element; a zeroed one on a spoiled message. */
struct der der_next(struct cur *c);
/* The next element must have the tag, else the message is spoiled. */
struct der der_want(struct cur *c, uint8_t tag);
/* The tag of the next element, 0 at the end. */
uint8_t der_peek(const struct cur *c);
/* A cursor over the inside of the next element, which must have the tag. */
struct cur der_enter(struct cur *c, uint8_t tag);
/* "1.2.840.113549" into out; false when it does not fit or is malformed. */
bool der_oid_text(struct slice body, char *out, size_t n);
/* The magnitude of a non-negative INTEGER, without leading zeros; empty for 0. Negative ones spoil. */
struct slice der_uint(struct cur *c);
/* A BIT STRING without unused bits. */
struct slice der_bits(struct cur *c);
