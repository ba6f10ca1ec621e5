/* lab_snp.h - a world of AMD's shape for tests: ARK, ASK and VCEK of keys made here, and reports with chosen fields.
 *
 * Not for services: no room but main's warrant-lab and tests includes it. Nothing trusts these roots unless a configuration
 * names them. Threads: one at a time. Spec: verifiers.md 4.
 */
#pragma once
#include "base/why.h"
#include "codec/json.h"

struct lab_snp;

struct lab_snp_options {
	const char *generation;	/* "Milan", "Genoa", "Turin"; NULL: Genoa */
	unsigned rsa_bits;	/* of ARK and ASK; 0: 4096 as AMD's */
	int64_t now_s;		/* certificates hold from a day before for a year */
};

RC lab_snp_new(const struct lab_snp_options *options, struct lab_snp **out, struct why *w);
void lab_snp_free(struct lab_snp *l);	/* accepts NULL */

/* PEM of the ARK, PEM of ASK and ARK (the vendor's cert_chain), DER of the VCEK. In the arena. */
RC lab_snp_certificates(const struct lab_snp *l, struct arena *a, struct slice *ark, struct slice *chain, struct slice *vcek,
			struct why *w);
/* The ARK's list, DER: number, dates, and whether the ASK is on it. */
RC lab_snp_crl(const struct lab_snp *l, uint64_t number, int64_t from_s, int64_t to_s, bool revoke_ask, struct arena *a,
	       struct slice *out, struct why *w);

/* One report, signed. Everything has a good value; `fields` may name others: a number or hex string in the order of the bytes for
 * each of the names of lab_snp_field(). Fields of the certificate (chip id, TCB parts) can be set so that they differ from it. */
RC lab_snp_report(const struct lab_snp *l, const struct json *fields, struct arena *a, struct slice *out, struct why *w);
/* The i-th name, or NULL behind the last. */
const char *lab_snp_field(size_t i);

/* The VCEK's private key, PEM, and another report of the same chip under it: `base` with the fields set anew. */
RC lab_snp_key(const struct lab_snp *l, struct arena *a, struct slice *pem, struct why *w);
RC lab_snp_again(struct slice base, struct slice key_pem, const struct json *fields, struct arena *a, struct slice *out, struct why *w);

/* As a guest sends it, without certificates: {"attestation_report": ..., "cert_chain": null}. */
RC lab_snp_evidence(struct slice report, struct arena *a, struct json **out, struct why *w);
