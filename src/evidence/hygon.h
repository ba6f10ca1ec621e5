/* hygon.h - Hygon's own certificates and the chain HRK -> HSK -> CEK, shared by CSV and DCU evidence.
 *
 * Two fixed layouts, little endian: a CA certificate (832 bytes: HRK, HSK) and a CSV certificate (2084 bytes: CEK, PEK).
 * Signatures are SM2 with SM3 under the signer's own user id. There is no validity time and no revocation.
 * Spec: verifiers.md 11.1, 11.3. Threads: no state.
 */
#pragma once
#include "codec/json.h"
#include "evidence/job.h"

#define HYGON_CA_SIZE 832u
#define HYGON_CSV_SIZE 2084u
#define HYGON_FIELD 72u	/* r, s, x, y: little endian, 32 bytes count, the rest is zero */

enum hygon_usage {
	HYGON_HRK = 0,
	HYGON_HSK = 0x13,
	HYGON_INVALID = 0x1000,
	HYGON_OCA = 0x1001,
	HYGON_PEK = 0x1002,
	HYGON_PDH = 0x1003,
	HYGON_CEK = 0x1004,
};
#define HYGON_SM2_SIGN 4u
#define HYGON_CURVE_SM2 3u

struct hygon_sig {
	uint32_t usage, algo;	/* of the signer's key; 0 where the layout has none */
	struct slice r, s;	/* HYGON_FIELD bytes each */
};

/* Either certificate. Slices point into the bytes that were parsed. */
struct hygon_cert {
	const char *name;	/* for refusals: "HSK" */
	uint32_t version, usage, algo, curve;
	uint8_t fw_major, fw_minor;	/* CSV certificates */
	struct slice kid, sid;	/* kid: empty in CSV certificates */
	struct slice x, y, user_id;
	struct slice body;	/* the signed part */
	struct hygon_sig sigs[2];
	unsigned sigs_n;
};

/* Exactly one certificate. E_MALFORMED hygon.parse.*: length, a user id longer than its field, an unknown curve. */
RC hygon_ca_parse(struct slice der, const char *name, struct hygon_cert *out, struct why *w);
RC hygon_csv_parse(struct slice der, const char *name, struct hygon_cert *out, struct why *w);

/* The JSON forms of 11.1, written out as the binary layouts. */
RC hygon_ca_from_json(struct arena *a, const struct json *v, struct slice *out, struct why *w);
RC hygon_csv_from_json(struct arena *a, const struct json *v, struct slice *out, struct why *w);

/* SM2 over msg with the key and the user id of `signer`. E_DENIED `reason`. */
RC hygon_verify(const struct hygon_cert *signer, struct slice msg, const struct hygon_sig *sig, const char *reason,
		struct arena *a, struct why *w);

/* One of child's signatures names the usage and algorithm of signer's key, and verifies. E_DENIED `reason`. */
RC hygon_signed_by(const struct hygon_cert *child, const struct hygon_cert *signer, const char *reason, struct arena *a,
		   struct why *w);

/* Names the collateral of a chip: "hygon-hrk" and, unless the evidence has them, "hygon-hsk-cek" under the chip's
 * serial number. */
RC hygon_plan(struct vjob *job, struct slice serial, bool has_hsk_cek);

/* What a refusal is called, a set for each kind of evidence. */
struct hygon_reasons {
	const char *parse, *unsupported, *root, *hrk_absent, *hrk, *pair_absent, *hsk, *cek;
};
extern const struct hygon_reasons hygon_csv_reasons, hygon_dcu_reasons;

/* The chain down to the CEK. hsk, cek: from the evidence, or empty to take them from collateral. The HRK comes as
 * collateral and counts only if its SHA-256, or that of its key, is an anchor of "hygon-hrk". E_UNAVAILABLE when a certificate is not at
 * hand. */
RC hygon_chain(struct vjob *job, const struct hygon_reasons *is, struct slice serial, struct slice hsk, struct slice cek,
	       struct hygon_cert *out);

/* Serial numbers and chip ids become file names and query parameters on the host: letters and digits only, 1 to 64,
 * after the NULs behind them are cut. E_MALFORMED `reason`. */
RC hygon_serial(struct slice field, const char *reason, struct slice *out, struct why *w);
