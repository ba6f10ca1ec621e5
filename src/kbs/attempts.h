/* attempts.h - how often an attestation failed, or is under way, on one challenge: a table of fixed size, so strangers cost no memory.
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
/* Takes one attempt, before the attestation is looked at: those that run side by side count as well. false: none is left. */
bool attempts_take(struct attempts *t, const uint8_t id[16]);
/* Gives one back: the attestation did not fail, or not by the guest's fault. */
void attempts_return(struct attempts *t, const uint8_t id[16]);
