/* x5c.h - a key endorsed by a certificate chain in a JOSE header (RFC 7515 4.1.6; spec kbs.md 4.2). */
#pragma once
#include "codec/json.h"
#include "crypto/pkey.h"

/* x5c: array of base64 DER, leaf first. The leaf must carry `key`; the chain must end in a certificate of the trusted PEM
 * bundles. E_UNAUTH x5c.*: missing, another key, not trusted, not valid at now_s. */
RC x5c_verify(const struct json *x5c, const struct pkey *key, const struct slice *trusted_pems, size_t n, int64_t now_s,
	      struct arena *a, struct why *w);
