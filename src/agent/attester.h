/* attester.h - the guest's side of evidence: what this machine can prove about itself, bound to report data.
 *
 * Spec: agent.md 5, verifiers.md 17. An attester reads devices of the machine it runs on; it is for programs in the guest
 * and for the command line, never for a server.
 *
 * Threads: no state; a device may be asked by one at a time.
 */
#pragma once
#include "codec/json.h"

struct attester_options {
	const char *tcti;	/* of a TPM: "swtpm:host=127.0.0.1,port=2321", "device:/dev/tpmrm0"; NULL: found */
	uint32_t ak_handle;	/* 0: 0x81010002 */
	const char *ak_cert;	/* file with the certificate of that key and those above it; NULL: none goes with the quote */
	const char *event_log;	/* boot log; NULL: the kernel's, where there is one */
	struct slice challenge;	/* text that the broker asked with; for TEEs whose hardware answers it (se) */
	const void *lab;	/* of an attester from elsewhere; else NULL */
};

struct attester {
	const char *tee;
	/* Can it work here? Cheap. */
	bool (*detect)(const struct attester_options *o);
	/* The evidence document as the wire carries it; report_data is fitted to the TEE's field. E_UNAVAILABLE attester.*. */
	RC (*evidence)(const struct attester_options *o, struct slice report_data, struct arena *a, struct slice *out,
		       struct why *w);
};

/* By name; NULL when this build has none for it. */
const struct attester *attester_find(const char *tee);
/* The first that detects its TEE, in the reference's order; the sample attester, which proves nothing, is last. */
const struct attester *attester_detect(const struct attester_options *o);

extern const struct attester attester_tpm;
extern const struct attester attester_sample;

/* The TPM's attestation key as SubjectPublicKeyInfo, for enrolment. */
RC attester_tpm_ak(const struct attester_options *o, struct arena *a, struct slice *spki, struct why *w);
