/* attempts.h - how often an attestation failed on one challenge: a table of fixed size, so strangers cost no memory.
 *
 * A full slot is taken over by the newest challenge; that only gives back attempts which a new challenge would have given
 * anyway. Thread-safe.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#define ATTEMPTS_MAX   10u	/* failed attestations a challenge may see */
#define ATTEMPTS_SLOTS 8192u

struct attempts;

struct attempts *attempts_new(void);	/* NULL without memory */
void attempts_free(struct attempts *t);
/* May one more attestation be tried on the challenge? */
bool attempts_left(struct attempts *t, const uint8_t id[16]);
void attempts_failed(struct attempts *t, const uint8_t id[16]);
