/* crypto_priv.h - shared by the files of crypto/; the only header with OpenSSL types. */
#pragma once
#include <openssl/evp.h>
#include <stdatomic.h>

#include "crypto/digest.h"
#include "crypto/pkey.h"

#define RSA_BITS_MIN 2048u	/* of keys whose signatures count, and that secrets are wrapped for */

struct pkey {
	EVP_PKEY *evp;
	enum key_kind kind;
	bool is_private;
	atomic_uint refs;
	/* Of a key on a curve that was used once: contexts for the curve's own hash, to be copied. Setting one up costs as much as a tenth
	 * of the signature. NULL: none yet. */
	_Atomic(EVP_PKEY_CTX *) ready_sign, ready_verify;
	atomic_bool verified;
};

const EVP_MD *digest_evp(enum digest_alg alg);
/* Takes the EVP_PKEY over, also when it refuses. */
RC pkey_wrap(EVP_PKEY *evp, bool is_private, bool allow_small_rsa, struct pkey **out, struct why *w);
/* The text of OpenSSL's newest error; empties its queue. */
const char *crypto_error(char out[256]);
