/* keyring.h - the service's own long-lived keys: in the store, sealed under a key derived from the master key.
 *
 * All replicas on one store share them: whoever asks first for a name makes the key, the others find it.
 *
 * Threads: any.
 */
#pragma once
#include "crypto/pkey.h"
#include "kms/kms.h"

struct keyring;

/* `store` is borrowed. The master key is unsealed once; what is kept is derived from it. */
RC keyring_open(struct store *store, const struct kms_seal *seal, struct keyring **out, struct why *w);
void keyring_close(struct keyring *k);

/* n random bytes under a name [a-z0-9-]; the same bytes ever after. E_DENIED keyring.integrity: sealed under another master key, or
 * changed. */
RC keyring_bytes(struct keyring *k, const char *name, size_t n, struct secret *out, struct why *w);
/* A signing key. E_DENIED keyring.integrity also where the name has one of another kind. */
RC keyring_key(struct keyring *k, const char *name, enum key_kind kind, struct pkey **out, struct why *w);
