/* aead.h - AES-256-GCM and AES key wrap (RFC 3394).
 *
 * Keys are secrets; nonces are 12 bytes and must never repeat under one key; tags are always 16 bytes.
 */
#pragma once
#include "base/secret.h"
#include "base/why.h"

#define AEAD_KEY   32u
#define AEAD_NONCE 12u
#define AEAD_TAG   16u

/* out holds plain.n + AEAD_TAG bytes: ciphertext, then tag. */
RC aead_seal(const struct secret *key, const uint8_t nonce[AEAD_NONCE], struct slice aad, struct slice plain, uint8_t *out,
	     struct why *w);
/* out holds sealed.n - AEAD_TAG bytes. E_DENIED aead.open; nothing of the plaintext is left in out then. */
RC aead_open(const struct secret *key, const uint8_t nonce[AEAD_NONCE], struct slice aad, struct slice sealed, uint8_t *out,
	     struct why *w);

/* key of 16, 24 or 32 bytes; in.n a multiple of 8, at least 16; out holds in.n + 8 bytes. */
RC keywrap(const struct secret *key, struct slice in, uint8_t *out, struct why *w);
/* out holds in.n - 8 bytes. E_DENIED aead.unwrap. */
RC keyunwrap(const struct secret *key, struct slice in, uint8_t *out, struct why *w);
