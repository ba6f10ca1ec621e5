/* tpm.h - structures of a TPM 2.0 quote, decoded whole and strictly, and the checks over them.
 *
 * Nothing that is signed is taken from outside of the signed structure: which PCRs, of which bank, and the nonce come from
 * TPMS_ATTEST alone. Every slice points into the input. Source: TCG TPM 2.0 Library part 2 (10.12 attestation structures,
 * 11.2 keys, 11.3 signatures); verifiers.md 8, 9. Threads: no state.
 */
#pragma once
#include "codec/json.h"
#include "crypto/digest.h"
#include "crypto/pkey.h"

#define TPM_PCRS	   24u
#define TPM_SELECTIONS_MAX 8u
#define TPM_ATTEST_MAX	   2048u

/* TPM_ALG_ID (part 2, 6.3) of a hash; 0 for one that we cannot compute, or none. */
enum digest_alg tpm_hash(uint16_t alg_id);

/* A caller's own words for each refusal. */
struct tpm_reasons {
	const char *parse;		/* "tpm.parse.quote" */
	const char *bad_magic;		/* "tpm.bad-magic" */
	const char *not_a_quote;	/* "tpm.not-a-quote" */
	const char *signature;		/* "tpm.signature" */
	const char *pcr_mismatch;	/* "tpm.pcr-mismatch" */
};

struct tpm_selection {
	enum digest_alg bank;
	uint32_t pcrs;	/* bit n: PCR n */
};

struct tpm_quote {
	struct slice message;	/* TPMS_ATTEST as received: what the signature covers */
	struct slice qualified_signer, extra_data;
	uint64_t clock, firmware;
	uint32_t reset_count, restart_count;
	bool safe;
	struct tpm_selection sel[TPM_SELECTIONS_MAX];
	size_t sel_n;
	struct slice pcr_digest;
};

/* Exactly one TPMS_ATTEST of type quote. Refused too: no PCR at all, a PCR beyond 23, one bank named twice, an unknown
 * bank. E_MALFORMED parse, bad_magic, not_a_quote. */
RC tpm_quote_parse(struct slice in, const struct tpm_reasons *why_not, struct tpm_quote *out, struct why *w);
/* Is the PCR in the signed selection? */
bool tpm_quote_selects(const struct tpm_quote *q, enum digest_alg bank, unsigned pcr);

enum tpm_scheme { TPM_RSASSA = 0x0014, TPM_RSAPSS = 0x0016, TPM_ECDSA = 0x0018 };

struct tpm_signature {
	enum tpm_scheme scheme;
	enum digest_alg hash;	/* SHA-256, SHA-384, SHA-512; SHA-1 is refused */
	struct slice rsa;	/* RSA */
	struct slice r, s;	/* ECDSA, without leading zeros or with */
};

const char *tpm_scheme_name(enum tpm_scheme s);	/* "rsassa" */
/* Exactly one TPMT_SIGNATURE. E_MALFORMED parse; E_DENIED signature (SHA-1: no signature counts that uses it). */
RC tpm_signature_parse(struct slice in, const struct tpm_reasons *why_not, struct tpm_signature *out, struct why *w);
/* Over `message` as received. E_DENIED signature, also when key and scheme do not suit. */
RC tpm_signature_check(const struct tpm_signature *s, const struct pkey *ak, struct slice message, struct arena *a,
		       const struct tpm_reasons *why_not, struct why *w);

/* Object attributes (TPMA_OBJECT). */
#define TPM_FIXED_TPM	(1u << 1)
#define TPM_RESTRICTED	(1u << 16)
#define TPM_DECRYPT	(1u << 17)
#define TPM_SIGN	(1u << 18)

struct tpm_key {
	struct pkey *key;	/* owned: tpm_key_free */
	uint8_t spki_sha256[32];
	/* With a TPMT_PUBLIC only: */
	bool has_public;
	uint32_t attributes;
	uint8_t name_sha256[32];	/* of the TPMT_PUBLIC: the name without its algorithm, where that is SHA-256 */
};

/* SubjectPublicKeyInfo in DER or PEM, TPMT_PUBLIC or TPM2B_PUBLIC; told apart by their first bytes. A TPMT_PUBLIC that is no
 * restricted signing key of a TPM is refused: such a key signs whatever it is given. E_MALFORMED parse; E_UNSUPPORTED key.kind. */
RC tpm_key_parse(struct slice in, struct arena *a, const struct tpm_reasons *why_not, struct tpm_key *out, struct why *w);
void tpm_key_free(struct tpm_key *k);	/* accepts an empty one */

/* PCR values that came beside the quote: nothing until tpm_pcrs_check() said that the quote is over them. */
struct tpm_bank {
	enum digest_alg alg;
	uint32_t have;	/* bit n: value[n] is set */
	struct slice value[TPM_PCRS];
};
struct tpm_pcrs {
	struct tpm_bank bank[TPM_SELECTIONS_MAX];
	size_t n;
};

/* Two forms: an array of exactly 24 hex strings, by PCR number, of the one bank that the quote selects; or an object of
 * banks, {"sha256": {"0": hex, ...}}. E_MALFORMED parse. */
RC tpm_pcrs_from_json(struct arena *a, const struct json *v, const struct tpm_quote *q, const struct tpm_reasons *why_not,
		      struct tpm_pcrs *out, struct why *w);
/* The digest of the selected values, by the hash of the signature, is the quote's. Every selected value must be there.
 * E_DENIED pcr_mismatch. */
RC tpm_pcrs_check(const struct tpm_quote *q, const struct tpm_pcrs *pcrs, enum digest_alg hash, struct arena *a,
		  const struct tpm_reasons *why_not, struct why *w);
/* The value of a PCR that the quote selects; empty otherwise. */
struct slice tpm_pcr(const struct tpm_quote *q, const struct tpm_pcrs *pcrs, enum digest_alg bank, unsigned pcr);
/* PCR 8 must be zeros extended once by the digest, in the bank of the digest's size. `reason` "<tee>.init-data-mismatch". */
RC tpm_check_init_data(const struct tpm_quote *q, const struct tpm_pcrs *pcrs, struct slice digest_bytes, struct arena *a,
		       const char *reason, struct why *w);
