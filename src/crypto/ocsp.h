/* ocsp.h - asking whether a certificate is revoked, and reading the answer (RFC 6960).
 *
 * Answers are collateral: they come from a cache, so there is no nonce in them, and their own times decide. Decoded here, over
 * crypto/der.h; the signature is checked over the received bytes. Threads: no state.
 */
#pragma once
#include "crypto/x509.h"

/* What names a certificate to a responder: hashes of its issuer's name and key, and its serial number. */
struct ocsp_id {
	enum digest_alg alg;
	uint8_t name_hash[DIGEST_MAX], key_hash[DIGEST_MAX];
	struct slice serial;	/* magnitude; in the arena */
};

RC ocsp_id_of(struct arena *a, enum digest_alg alg, const struct x509 *cert, const struct x509 *issuer, struct ocsp_id *out,
	      struct why *w);
/* "sha384:<name>:<key>:<serial>", all in hex: a key for a cache, from which the request can be made again. */
const char *ocsp_id_text(struct arena *a, const struct ocsp_id *id);
/* E_MALFORMED ocsp.id. */
RC ocsp_id_parse(struct arena *a, struct slice text, struct ocsp_id *out, struct why *w);
/* The request in DER; nonce: 1 to 32 bytes, or empty for none. */
RC ocsp_request(struct arena *a, const struct ocsp_id *id, struct slice nonce, struct slice *out, struct why *w);

enum ocsp_status { OCSP_GOOD, OCSP_REVOKED, OCSP_UNKNOWN };

struct ocsp_answer {
	enum ocsp_status status;
	int64_t this_update, next_update;	/* next: INT64_MIN when absent */
	int64_t revoked_at;			/* of OCSP_REVOKED */
	int reason;				/* CRLReason of OCSP_REVOKED; -1 when not said */
};

struct ocsp_rules {
	const char *malformed;	/* reasons: the answer does not decode, or is an error message */
	const char *signature;	/* it is not signed by who may say so, or not about this certificate */
	const char *expired;	/* its times, or those of its signer */
	bool no_time;
	int64_t now_s;
	int64_t stale_s;	/* how long behind nextUpdate it still counts */
};

/* For caches, which look at no signature: the times of the first answer in it. E_MALFORMED `reason`. */
RC ocsp_times(struct arena *a, struct slice der, const char *reason, struct ocsp_answer *out, struct why *w);
/* The same: is an answer in it about this certificate? E_MALFORMED `reason`. */
RC ocsp_about(struct arena *a, struct slice der, const struct ocsp_id *id, const char *reason, struct why *w);

/* The answer about `cert`. It must be signed by the issuer, or by a certificate for OCSP signing that leads to `root`, the
 * same that cert leads to. A status of revoked or unknown is no refusal here: the caller decides. */
RC ocsp_read(struct arena *a, struct slice der, const struct x509 *cert, const struct x509 *issuer, const struct x509 *root,
	     const struct ocsp_rules *rules, struct ocsp_answer *out, struct why *w);
