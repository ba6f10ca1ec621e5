/* x5c.h - a key endorsed by a certificate chain in a JOSE header (RFC 7515 4.1.6; spec kbs.md 4.2). */
#pragma once
#include "codec/json.h"
#include "crypto/pkey.h"

#define X5C_ANY_TIME INT64_MIN	/* as now_s: dates are not looked at */

/* x5c: array of base64 DER, leaf first; line breaks in it and the URL alphabet are taken. The chain must end in a self-signed
 * certificate of the trusted PEM bundles; their other certificates only help to build it. E_UNAUTH x5c.missing, x5c.malformed,
 * x5c.untrusted, x5c.expired; E_MALFORMED, E_LIMIT x509.* for the trusted ones. The key of the leaf; free with pkey_free. */
RC x5c_key(const struct json *x5c, const struct slice *trusted_pems, size_t n, int64_t now_s, struct arena *a, struct pkey **out,
	   struct why *w);
/* The same, and the leaf must carry `key`: E_UNAUTH x5c.key. */
RC x5c_verify(const struct json *x5c, const struct pkey *key, const struct slice *trusted_pems, size_t n, int64_t now_s,
	      struct arena *a, struct why *w);
