/* snp.h - AMD SEV-SNP attestation reports: decoding, the chain of the key that signed them, and the claims.
 *
 * Shared by the drivers whose evidence holds such a report. Spec: verifiers.md 4; AMD 56860 (SEV-SNP firmware ABI) table 23,
 * AMD 57230 (VCEK certificate and KDS interface). Threads: no state.
 */
#pragma once
#include "crypto/x509.h"
#include "evidence/job.h"

#define SNP_REPORT_SIZE 1184u
#define SNP_SIGNED_SIZE 0x2a0u

enum snp_generation { SNP_UNKNOWN, SNP_MILAN, SNP_GENOA, SNP_TURIN };

/* A driver's own words for each refusal. */
struct snp_reasons {
	const char *parse;		/* "snp.parse.report" */
	const char *certificate;	/* "snp.parse.certificate" */
	const char *unsupported;	/* "snp.unsupported.report" */
	const char *missing;		/* "snp.chain.missing": a certificate that nobody has */
	const char *chain;		/* "snp.chain" */
	const char *root;		/* "snp.untrusted-root" */
	const char *expired;		/* "snp.expired" */
	const char *crl;		/* "snp.crl-signature" */
	const char *revoked;		/* "snp.revoked" */
	const char *signature;		/* "snp.signature" */
	const char *tcb;		/* "snp.tcb-mismatch" */
	const char *chip_id;		/* "snp.chip-id-mismatch" */
};

struct snp_tcb {
	uint8_t fmc, bootloader, tee, snp, microcode;	/* fmc: Turin only */
	uint64_t raw;
};

struct snp_version {
	uint8_t major, minor, build;
};

struct snp_report {
	struct slice raw;	/* all 1184 bytes as received (or as rebuilt from the wire form) */
	uint32_t version, guest_svn, vmpl, key_info;
	uint64_t policy, platform_info, launch_mit, current_mit;
	struct slice family_id, image_id, report_data, measurement, host_data, id_key_digest, author_key_digest, report_id,
		report_id_ma, chip_id;
	struct snp_tcb current_tcb, reported_tcb, committed_tcb, launch_tcb;
	uint8_t family, model, stepping;	/* version 3 and later; else 0 */
	struct snp_version current, committed;
	enum snp_generation generation;		/* SNP_UNKNOWN: version 2 names no processor; Milan or Genoa */
};

const char *snp_generation_name(enum snp_generation g);	/* "Milan" */
/* Of family and model; SNP_UNKNOWN for others. */
enum snp_generation snp_generation_of(unsigned family, unsigned model);
/* Report signing key: 0 VCEK, 1 VLEK, 7 none. */
static inline unsigned snp_signing_key(const struct snp_report *r)
{
	return r->key_info >> 2 & 7;
}

/* Exactly one report of version 2 to 5; reserved areas must be zero. E_MALFORMED parse; E_UNSUPPORTED unsupported. */
RC snp_report_parse(struct slice in, const struct snp_reasons *why_not, struct snp_report *out, struct why *w);

/* The certificates at hand. Owned: snp_certs_free. */
#define SNP_CERTS_MAX 8u
struct snp_certs {
	struct x509 *vek;	/* VCEK or VLEK */
	struct x509 *pool[SNP_CERTS_MAX];	/* ASK or ASVK, and ARK, in any order */
	size_t pool_n;
	struct memo *memo;	/* of the job; may be NULL: certificates that were read before are not read again */
};
void snp_certs_free(struct snp_certs *c);
/* DER or PEM; the VEK, or all certificates of a chain file. E_MALFORMED certificate. */
RC snp_certs_set_vek(struct snp_certs *c, struct slice bytes, const struct snp_reasons *why_not, struct why *w);
RC snp_certs_add(struct snp_certs *c, struct slice bytes, const struct snp_reasons *why_not, struct why *w);

/* Names what is missing: "amd-vcek" key "Milan/<chip id>/<bootloader>.<tee>.<snp>.<microcode>[.<fmc>]" (both of Milan and Genoa
 * where the report does not say), "amd-vlek" key "Milan", "amd-ask-ark" and "amd-crl" key "Milan" or "Milan/vlek". */
RC snp_plan(struct vjob *job, const struct snp_report *r, bool have_vek, bool have_chain);
/* Adds what the plan named from the job's collateral; key "" is taken for any. */
RC snp_collect(struct vjob *job, const struct snp_report *r, const struct snp_reasons *why_not, struct snp_certs *c);

/* All checks of a report under its certificates: chain to a pinned or configured ARK (anchor set "amd-ark"), role of each
 * certificate, dates, revocation lists that are at hand, signature, each TCB part and the chip id against the certificate's own
 * extensions. Sets the generation of a version 2 report. */
enum snp_crl { SNP_CRL_NONE, SNP_CRL_CHECKED, SNP_CRL_STALE };	/* stale: behind its nextUpdate, within the job's grace */
RC snp_check(struct vjob *job, struct snp_report *r, const struct snp_certs *c, const struct snp_reasons *why_not,
	     enum snp_crl *crl);

/* Claims of verifiers.md 4.6 and what they leave out, into `o`. */
void snp_claims(struct arena *a, struct json *o, const struct snp_report *r);
