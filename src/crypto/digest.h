/* digest.h - hashes and HMAC. */
#pragma once
#include "base/why.h"

enum digest_alg { DIGEST_SHA1 = 1, DIGEST_SHA256, DIGEST_SHA384, DIGEST_SHA512, DIGEST_SM3, DIGEST_MD5 };

#define DIGEST_MAX 64u

size_t digest_size(enum digest_alg alg);
const char *digest_name(enum digest_alg alg);	/* "sha256" */
/* "sha256", "SHA-256", case-insensitive; 0 when unknown. */
enum digest_alg digest_by_name(struct slice name);

/* out holds digest_size(alg) bytes. Failure of libcrypto is E_INTERNAL. */
RC digest(enum digest_alg alg, struct slice in, uint8_t *out, struct why *w);
/* Of several pieces, one after another. */
RC digest_parts(enum digest_alg alg, const struct slice *parts, size_t n, uint8_t *out, struct why *w);
RC hmac(enum digest_alg alg, struct slice key, struct slice in, uint8_t *out, struct why *w);
