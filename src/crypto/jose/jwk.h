/* jwk.h - JSON Web Keys (RFC 7517, 7518, 8037): RSA, EC P-256, P-384, P-521, and Ed25519. Public keys only. */
#pragma once
#include "codec/json.h"
#include "crypto/pkey.h"

/* E_MALFORMED key.*, E_UNSUPPORTED key.kind. Coordinates must have the curve's full width. */
RC jwk_to_pkey(const struct json *jwk, struct pkey **out, struct why *w);
/* {"kty", ...}: no alg, no kid. EC: crv, kty, x, y; RSA: e, kty, n; OKP: crv, kty, x. */
RC jwk_from_pkey(const struct pkey *k, struct arena *a, struct json **out, struct why *w);
/* RFC 7638 with SHA-256, base64url. */
RC jwk_thumbprint(const struct json *jwk, struct arena *a, struct slice *out, struct why *w);
/* The key of a set ({"keys":[...]}) with that kid; NULL when there is none. */
const struct json *jwk_find(const struct json *set, struct slice kid);
/* Do "use" and "key_ops", where they stand, leave the key to verify signatures? */
bool jwk_may_verify(const struct json *jwk);
/* The signature algorithm that "alg" names; 0 when it is none that we take. */
enum sig_alg jwa_by_name(struct slice name);
const char *jwa_name(enum sig_alg alg);
/* The one algorithm that a key is used with when nothing else is said: ES256, ES384, ES512, RS256, EdDSA. */
enum sig_alg jwa_default(const struct pkey *k);
