/* envelope.h - a secret version at rest: AES-256-GCM under a data key of its own, which is wrapped (RFC 3394) under
 * a key derived from the master key.
 *
 *   0   4   "WrS1"
 *   4   8   id of the master key
 *   12  40  wrapped data key
 *   52  12  nonce
 *   64  n   ciphertext and tag
 *
 * The associated data binds what stands before the nonce, the name and the version: an envelope opens only where it
 * was put.
 */
#pragma once
#include "base/secret.h"
#include "crypto/aead.h"

#define ENVELOPE_KEY_ID 8u
#define ENVELOPE_HEAD 64u

/* What the master key gives: it is not used itself. */
struct envelope_keys {
	struct secret wrap;
	uint8_t id[ENVELOPE_KEY_ID];
};

RC envelope_keys_derive(const struct secret *master, struct envelope_keys *out, struct why *w);
void envelope_keys_free(struct envelope_keys *k);

RC envelope_seal(const struct envelope_keys *k, const char *name, uint64_t version, struct slice plain, struct arena *a,
		 struct slice *sealed, struct why *w);
/* `room` gives memory for n bytes of plaintext, or NULL; it is wiped by whoever owns it. E_DENIED kms.integrity. */
RC envelope_open(const struct envelope_keys *k, const char *name, uint64_t version, struct slice sealed,
		 uint8_t *(*room)(void *ctx, size_t n), void *ctx, struct why *w);
