/* jwe.h - JSON Web Encryption to a guest's key: flattened JSON, A256GCM (RFC 7516, 7518; spec kbs.md 3).
 *
 * Keys: RSA with RSA-OAEP-256; EC P-256, P-384, P-521 with ECDH-ES+A256KW; RSA1_5 only where the caller allows it. The legacy
 * shape is the one of protocols 0.1.x: plain header, tag behind the ciphertext, no AAD (kbs-protocol-versions.md 3.1).
 */
#pragma once
#include "base/secret.h"
#include "codec/json.h"
#include "crypto/pkey.h"

/* E_UNSUPPORTED jwe.key: no algorithm for the key, or RSA of less than 2048 bits. */
RC jwe_encrypt(const struct json *jwk, struct slice plain, bool legacy, bool allow_rsa1_5, struct arena *a, struct slice *out,
	       struct why *w);
/* Opens with a private key; E_DENIED jwe.open with one text for every failure behind the parsing. */
RC jwe_decrypt(const struct pkey *key, struct slice message, struct secret *out, struct why *w);
