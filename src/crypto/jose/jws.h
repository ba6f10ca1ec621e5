/* jws.h - JSON Web Signatures, compact form (RFC 7515), and the checks of JWT claims (RFC 7519).
 *
 * Strict: three parts of base64url without padding, headers and claims without duplicate members, `crit` refused, `alg` must be
 * the one that the caller found for the key. The header decides nothing by itself.
 */
#pragma once
#include "codec/json.h"
#include "crypto/pkey.h"

#define JWS_MAX ((size_t)1 << 20)

struct jws {
	const struct json *header;
	struct slice signing_input;	/* as received */
	struct slice payload;		/* decoded */
	struct slice signature;
	enum sig_alg alg;		/* of the header, from the allow-list */
};

/* Takes apart; checks no signature. E_MALFORMED jws.malformed, json.*; E_UNSUPPORTED jws.alg, jws.crit. */
RC jws_parse(struct slice text, struct arena *a, struct jws *out, struct why *w);
/* E_DENIED jws.signature; E_UNSUPPORTED jws.alg when the header names another algorithm than `alg`. */
RC jws_verify(const struct jws *j, const struct pkey *key, enum sig_alg alg, struct why *w);
/* Both, with a JSON object as payload. */
RC jws_verify_json(struct slice text, const struct pkey *key, enum sig_alg alg, struct arena *a, struct json **payload,
		   struct why *w);
/* header: further members behind "alg" (which is put first unless the header holds one); may be NULL. */
RC jws_sign(const struct pkey *key, enum sig_alg alg, const struct json *header, struct slice payload, struct arena *a,
	    struct slice *out, struct why *w);

struct jwt_rules {
	int64_t now_s, leeway_s;
	bool require_exp;
	bool no_time;	/* exp and nbf are held to their types alone */
	const char *issuer, *audience;	/* NULL: not compared */
};

/* E_DENIED jwt.expired, jwt.not-yet, jwt.issuer, jwt.audience; E_MALFORMED jwt.claims: a registered claim of the wrong type. */
RC jwt_check(const struct json *claims, const struct jwt_rules *rules, struct why *w);
