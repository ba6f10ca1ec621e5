/* token.h - which attestation tokens are believed, and what they say.
 *
 * Spec: kbs.md 4. The own attestation service's key is always trusted. Others by certificate chain (header jwk + x5c) or by
 * a configured JWK set (header kid). A key that stands in the header alone is trusted only where the configuration says so
 * in words. exp is required; iss, aud and nbf are checked when configured or present; a claim of the wrong type is a refusal.
 *
 * Threads: no state but `seen`, which any may use. The configuration is borrowed.
 */
#pragma once
#include "base/sys.h"
#include "codec/json.h"
#include "crypto/pkey.h"
#include "kbs/seen.h"

struct token_config {
	const struct pkey *own_key;		/* of the attestation service inside; NULL: none */
	const struct slice *trusted_pems;	/* PEM bundles of CA certificates */
	size_t trusted_pems_n;
	const struct json *const *jwk_sets;	/* {"keys":[...]} each */
	size_t jwk_sets_n;
	bool insecure_header_jwk;
	const char *issuer, *audience;		/* NULL: not compared */
	const char *const *extra_teekey_paths;	/* JSON pointers, tried first */
	size_t extra_teekey_paths_n;
	struct seen *seen;	/* signatures that have verified under this very configuration; NULL: none is remembered */
};

struct token {
	const struct json *claims;
	const struct json *tee_pubkey;	/* JWK object */
	const char *id;		/* jti; "" when there is none */
	int64_t expires_s;
};

/* E_UNAUTH token.untrusted, token.no-key, and what jose/token.h refuses: signature, algorithm, times, issuer, audience, form.
 * E_LIMIT, E_INTERNAL otherwise. */
RC kbs_token_verify(const struct token_config *config, struct slice jwt, int64_t now_s, struct arena *a, struct token *out,
		    struct why *w);
