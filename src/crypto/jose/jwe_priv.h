/* jwe_priv.h - for the tests of jwe.c alone: the random parts are given, so that published messages can be compared. */
#pragma once
#include "crypto/jose/jwe.h"

struct jwe_random {
	const struct secret *cek;	/* 32 bytes */
	const uint8_t *iv;		/* 12 bytes */
	const struct pkey *ephemeral;	/* private, on the curve of the recipient; NULL for RSA */
};

RC jwe_encrypt_with(const struct json *jwk, struct slice plain, bool legacy, bool allow_rsa1_5, const struct jwe_random *fixed,
		    struct arena *a, struct slice *out, struct why *w);
