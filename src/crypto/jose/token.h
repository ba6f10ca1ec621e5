/* token.h - verifying a JWT when the key is found through the token: a given key, a set by `kid`, the JWK of the header, or the
 * x5c of the header. The caller names the one source that it trusts; the token cannot choose another. Threads: no state.
 */
#pragma once
#include "crypto/jose/jws.h"

enum token_source {
	TOKEN_JWK,	/* `jwk` */
	TOKEN_JWKS,	/* `jwk` is a set; the header's kid picks from it */
	TOKEN_HEADER,	/* the JWK of the header, endorsed by nothing: integrity alone */
	TOKEN_HEADER_X5C,	/* the JWK of the header, endorsed by its own x5c or the header's */
	TOKEN_X5C,	/* the key of the header's x5c */
};

struct token_rules {
	enum token_source source;
	const struct json *jwk;
	const struct slice *trusted_pems;	/* for the two with x5c */
	size_t n_trusted;
	const struct pkey *key;	/* with TOKEN_HEADER: the key that the JWK of the header was found to be; NULL: it is read from there */
	bool verified;		/* this very token has verified under these rules before: all is looked at but key and signature */
	bool any_time;		/* neither dates of certificates nor exp and nbf are looked at */
	struct jwt_rules claims;
};

/* The algorithm is the JWK's "alg"; a JWK without one, and a certificate, leave those that suit the key to the header.
 * E_UNAUTH token.key: no such key; x5c.*; E_UNSUPPORTED jws.alg, key.algorithm; E_DENIED jws.signature, jwt.*; E_MALFORMED. */
RC token_verify(struct slice text, const struct token_rules *rules, struct arena *a, struct json **claims, struct why *w);
/* The same of a token that was taken apart: for callers whose trust depends on which key the header names. */
RC token_verify_parsed(const struct jws *j, const struct token_rules *rules, struct arena *a, struct json **claims, struct why *w);
