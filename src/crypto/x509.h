/* x509.h - certificates, paths of them, and revocation lists (RFC 5280), over OpenSSL's decoder.
 *
 * Every check is called by name and names its own refusal: callers need "chain", "untrusted-root", "expired" and "revoked" told
 * apart. There is no trust store and no clock here: the caller decides which root is an anchor, and passes the time. Objects
 * are immutable after construction; share freely between threads.
 */
#pragma once
#include "base/arena.h"
#include "crypto/pkey.h"

struct x509;
struct x509_crl;

#define X509_DER_MAX (64u << 10)
#define X509_CRL_MAX (8u << 20)
#define X509_PATH_MAX 10u

/* Exactly one certificate in DER. E_MALFORMED x509.malformed. Free with x509_free, which accepts NULL. */
RC x509_from_der(struct slice der, struct x509 **out, struct why *w);
/* The first certificate of a PEM text, or DER. */
RC x509_from_any(struct slice in, struct x509 **out, struct why *w);
/* All "CERTIFICATE" blocks of a PEM text, at most `max` of them (E_LIMIT x509.count); none is E_MALFORMED. What was read is
 * in out[0..n); on failure nothing is. NULs behind the text are allowed. */
RC x509_list_from_pem(struct slice pem, struct x509 **out, size_t max, size_t *n, struct why *w);
void x509_free(struct x509 *c);
void x509_free_all(struct x509 **list, size_t n);
struct x509 *x509_ref(const struct x509 *c);	/* another owner */

/* ---- reading ---- */

struct slice x509_der(const struct x509 *c);		/* lives as long as the certificate */
struct slice x509_tbs(const struct x509 *c);		/* the signed part, as received */
const uint8_t *x509_sha256(const struct x509 *c);	/* 32 bytes: of the DER */
const uint8_t *x509_spki_sha256(const struct x509 *c);	/* 32 bytes: of the SubjectPublicKeyInfo */
bool x509_same(const struct x509 *a, const struct x509 *b);
/* The public key; owned by the certificate. NULL when it is of a kind that we do not take. */
const struct pkey *x509_key(const struct x509 *c);
/* Common name as UTF-8 in the arena; NULL when there is none, more than one, or no memory. */
const char *x509_subject_cn(const struct x509 *c, struct arena *a);
const char *x509_issuer_cn(const struct x509 *c, struct arena *a);
/* The whole name for people, RFC 2253: "CN=...,O=...,C=...". NULL without memory. */
const char *x509_subject_text(const struct x509 *c, struct arena *a);
/* Names in DER. */
struct slice x509_subject(const struct x509 *c, struct arena *a);
struct slice x509_issuer(const struct x509 *c, struct arena *a);
struct slice x509_serial(const struct x509 *c, struct arena *a);	/* magnitude, big endian, no leading zeros */
int64_t x509_not_before(const struct x509 *c);
int64_t x509_not_after(const struct x509 *c);
bool x509_is_ca(const struct x509 *c);
bool x509_self_issued(const struct x509 *c);	/* subject equals issuer */
bool x509_may_sign_data(const struct x509 *c);	/* key usage: digitalSignature or nonRepudiation, or none stated */
bool x509_has_eku(const struct x509 *c, const char *oid);	/* extended key usage lists it, by itself; `oid` is dotted text */
/* The content of an extension (inside its OCTET STRING) in the arena. found: NULL p when it is absent. Twice is
 * E_MALFORMED x509.extension. `oid` is dotted text. */
RC x509_ext(const struct x509 *c, struct arena *a, const char *oid, struct slice *found, bool *critical, struct why *w);

/* ---- paths ---- */

struct x509_path {
	const struct x509 *c[X509_PATH_MAX];	/* leaf first; the last is self-signed */
	size_t n;
};

struct x509_rules {
	const char *chain;	/* reason for a broken link: "nitro.chain" */
	const char *expired;
	const char *const *critical;	/* more critical extensions that the caller looks at; ends with NULL; may be NULL */
};

/* From `leaf` by issuer names through `pool` (any order, duplicates allowed, may hold the leaf) up to a self-signed
 * certificate. Each link: names equal, key identifiers where both have one, issuer is a CA that may sign certificates, path
 * length kept, signature of an allowed algorithm. The leaf's key usage, where stated, allows signatures over data. Unknown
 * critical extensions are refused. Nothing is said about trust in the last one, or about time. E_DENIED rules->chain.
 * The path borrows the certificates. */
RC x509_path_build(const struct x509 *leaf, struct x509 *const *pool, size_t pool_n, const struct x509_rules *rules,
		   struct x509_path *out, struct why *w);
/* Every certificate of the path is valid at now_s. E_DENIED rules->expired; too early counts too. */
RC x509_path_valid_at(const struct x509_path *p, int64_t now_s, const struct x509_rules *rules, struct why *w);
/* One link: child was issued and signed by issuer, as above but for path length. E_DENIED `reason`. */
RC x509_issued_by(const struct x509 *child, const struct x509 *issuer, const char *reason, struct why *w);
/* The signature alone, of an allowed algorithm: for schemes whose signers are no CAs. The caller looks at names. */
RC x509_signed_by(const struct x509 *child, const struct x509 *signer, const char *reason, struct why *w);
RC x509_valid_at(const struct x509 *c, int64_t now_s, const char *reason, struct why *w);

/* ---- revocation lists ---- */

/* DER or PEM ("X509 CRL"). E_MALFORMED x509.crl. */
RC x509_crl_from(struct slice in, struct x509_crl **out, struct why *w);
void x509_crl_free(struct x509_crl *crl);
/* Issued and signed by that CA; no delta list, no unknown critical extension. E_DENIED `reason`. */
RC x509_crl_by(const struct x509_crl *crl, const struct x509 *issuer, const char *reason, struct why *w);
/* The same without the CA's name and key usage. */
RC x509_crl_signed_by(const struct x509_crl *crl, const struct x509 *signer, const char *reason, struct why *w);
/* thisUpdate <= now, and now <= nextUpdate; a list without nextUpdate never holds. E_DENIED `reason`. */
RC x509_crl_valid_at(const struct x509_crl *crl, int64_t now_s, const char *reason, struct why *w);
struct slice x509_crl_issuer(const struct x509_crl *crl, struct arena *a);	/* name in DER */
bool x509_crl_is_issuer(const struct x509_crl *crl, const struct x509 *issuer);	/* by name */
bool x509_crl_lists(const struct x509_crl *crl, const struct x509 *c);		/* by serial number */
int64_t x509_crl_this_update(const struct x509_crl *crl);
int64_t x509_crl_next_update(const struct x509_crl *crl);	/* INT64_MIN when absent */
/* The CRL number, 0 when absent or beyond 64 bits. */
uint64_t x509_crl_number(const struct x509_crl *crl);
