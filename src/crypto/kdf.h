/* kdf.h - deriving keys from keys. */
#pragma once
#include "base/secret.h"
#include "base/why.h"

/* RFC 5869 with SHA-256. out_n at most 8160. */
RC hkdf_sha256(const struct secret *key, struct slice salt, struct slice info, size_t out_n, struct secret *out, struct why *w);
/* RFC 7518 4.6.2 (Concat KDF, SHA-256) with empty apu and apv, one round: out_n at most 32. `alg` is the text that is
 * hashed ("ECDH-ES+A256KW"). */
RC concat_kdf(const struct secret *z, struct slice alg, size_t out_n, struct secret *out, struct why *w);
