/* az_priv.h - shared by the files of az_vtpm/. */
#pragma once
#include "evidence/hcl.h"
#include "evidence/job.h"
#include "evidence/tpm.h"

/* A driver's own words. */
struct az_words {
	const char *parse, *unsupported, *memory;
	const char *binding;		/* of the variable data */
	const char *user_data;
	const char *nonce, *selection, *init_data;
	struct tpm_reasons tpm;
};

/* The evidence document of either driver, version 0 to 2, decoded. */
struct az_evidence {
	unsigned version;
	struct slice signature, message;	/* raw RSA; TPMS_ATTEST */
	struct tpm_pcrs pcrs;			/* one bank of 24 values */
	struct slice hcl_report;
	struct slice hardware;			/* VCEK in DER or PEM; or the TD quote */
};

/* `hardware` names the member that holds the VCEK or the quote. */
RC az_evidence_read(struct vjob *job, bool snp, const struct az_words *words, struct az_evidence *out);

/* What the paravisor and the vTPM say, once the hardware has spoken. */
struct az_state {
	struct az_evidence ev;
	struct hcl_report hcl;
	struct slice hw_report_data;	/* of the SNP report or the TD quote, once it binds the variable data */
	struct tpm_quote quote;
};

/* After the hardware report has verified: `report_data` is of that report. Binding, quote signature, nonce, selection,
 * PCR values, user data, init-data. */
RC az_check(struct vjob *job, struct az_state *s, struct slice report_data, const struct az_words *words);
/* tpm, init_data, report_data, and what the reference leaves out: tpm_quote, hcl, hardware_report_data. */
void az_claims(struct arena *a, struct json *claims, const struct az_state *s);

#define AZ_CLAIM_ROWS                                                                                                  \
	{"tpm.*", "string", "pcr00 to pcr23 of the SHA-256 bank", "pcrs, bound by the quote"},                        \
	{"tpm_quote.pcr_digest", "string", "digest over the selected PCRs", "TPMS_QUOTE_INFO"},                       \
	{"tpm_quote.safe", "boolean", "the clock has not gone back", "TPMS_CLOCK_INFO"},                              \
	{"tpm_quote.*", "number", "clock, firmware_version, reset_count, restart_count", "TPMS_ATTEST"},              \
	{"hcl.version", "number", "version of the HCL report", "HCL report 4"},                                       \
	{"hcl.report_type", "number", "2 SNP, 4 TDX", "HCL report 0x4C8"},                                            \
	{"hcl.var_data_sha256", "string", "digest of the variable data", "report data of the hardware"},              \
	{"hcl.user_data", "string", "what the guest gave to the paravisor", "user-data of the variable data"},        \
	{"hcl.vm_configuration", "object", "configuration of the VM as the paravisor saw it",                          \
	 "vm-configuration of the variable data"},                                                                     \
	{"hardware_report_data", "string", "report data of the hardware report", "SNP report 0x50, TD report 520"}
