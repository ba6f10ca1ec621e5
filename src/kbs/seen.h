/* seen.h - tokens whose signatures have verified: of the same bytes under the same keys that stays true, and a guest shows its token
 * with every secret that it asks for.
 *
 * A set of fixed size, by SHA-256 of the whole token; a newer one takes the place of an older. Only that the signature is good under
 * one configuration's keys is remembered: times, issuer, audience and form are looked at each time, and what rests on certificates,
 * whose dates pass, is never kept. Thread-safe.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define SEEN_SLOTS 2048u

struct seen;

struct seen *seen_new(void);	/* NULL without memory */
void seen_free(struct seen *s);	/* accepts NULL */
bool seen_has(struct seen *s, const uint8_t sha256[32]);
void seen_add(struct seen *s, const uint8_t sha256[32]);
