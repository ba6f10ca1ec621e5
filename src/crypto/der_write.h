/* der_write.h - DER being written: each call makes one element, from the inside out, in the arena.
 *
 * p == NULL when there is no memory; then the arena is bad too, so a whole structure is made and checked once. An empty slice among
 * the parts of a structure is a part that is left out. Tags: crypto/der.h. Threads: no state.
 */
#pragma once
#include "crypto/der.h"

struct slice der_put(struct arena *a, uint8_t tag, struct slice contents);
struct slice der_put_parts(struct arena *a, uint8_t tag, const struct slice *parts, size_t n);
/* der_put_of(a, DER_SEQUENCE, first, second) */
#define der_put_of(a, tag, ...)                                                                                                   \
	der_put_parts((a), (tag), (const struct slice[]){__VA_ARGS__}, sizeof((const struct slice[]){__VA_ARGS__}) / sizeof(struct slice))

struct slice der_put_bool(struct arena *a, bool v);
/* INTEGER or ENUMERATED. */
struct slice der_put_u64(struct arena *a, uint8_t tag, uint64_t v);
/* INTEGER of a magnitude, big endian; zeros in front are dropped. */
struct slice der_put_magnitude(struct arena *a, struct slice be);
/* BIT STRING of whole bytes. */
struct slice der_put_bits(struct arena *a, struct slice bytes);
/* `dotted` is a literal. */
struct slice der_put_oid(struct arena *a, const char *dotted);
struct slice der_put_text(struct arena *a, uint8_t tag, const char *text);
/* UTCTime until 2049, GeneralizedTime for other years (RFC 5280 4.1.2.5). */
struct slice der_put_time(struct arena *a, int64_t unix_s);
/* GeneralizedTime for every year. */
struct slice der_put_generalized(struct arena *a, int64_t unix_s);
/* r || s of n bytes each to an ECDSA-Sig-Value. */
struct slice der_put_ecdsa(struct arena *a, struct slice raw);
