/* report.h - the Hygon CSV attestation report, versions 1 and 2.
 *
 * On the wire a version 1 report is XORed with the repeating four bytes of ANONCE, and the signature covers the XORed
 * bytes. ANONCE itself, the signature usage and its algorithm are not signed: the two latter must come out as the only
 * values there are, so that ANONCE cannot be changed alone.
 * Spec: verifiers.md 11.2. Threads: no state.
 */
#pragma once
#include "base/why.h"
#include "evidence/eventlog.h"
#include "evidence/hygon.h"

struct csv_report {
	unsigned version;	/* 1 or 2 */
	struct slice user_pubkey_digest, vm_id, vm_version, report_data, mnonce, measure;
	uint32_t policy, sig_usage, sig_algo;
	uint32_t anonce;	/* version 1 */
	uint32_t build;		/* version 2 from here */
	uint16_t rtmr_version;
	struct slice reserved0, rtmr[5], reserved1;
	struct hygon_sig sig;
	struct slice body;	/* the signed bytes as received */
};

#define CSV_V1_SIZE 0x150u
#define CSV_V2_SIZE 0x490u
#define CSV_V1_RAW_SIZE 2548u	/* report, PEK, serial number, reserved, MAC: as the firmware returns it */

/* `in` begins with the report; bytes behind it are not looked at. Fields of version 1 are copied into `a` without
 * the XOR. E_MALFORMED csv.parse.* */
RC csv_report_parse(struct arena *a, struct slice in, unsigned version, struct csv_report *out, struct why *w);

/* Version 1 as the firmware returns it: exactly CSV_V1_RAW_SIZE bytes. PEK and serial number without the XOR. */
RC csv_report_parse_raw(struct arena *a, struct slice in, struct csv_report *out, struct slice *pek, struct slice *serial,
			struct why *w);

/* The report's signature under the PEK, whatever signed the PEK. E_DENIED csv.signature. */
RC csv_report_check_signature(const struct csv_report *rep, const struct hygon_cert *pek, struct arena *a, struct why *w);

/* Registers 1 to 4 of a version 2 report are what the log leaves in its SM3 bank; what stands in the log for other registers and
 * banks is dropped from it. E_DENIED csv.rtmr-mismatch, csv.event-digest-mismatch. */
RC csv_report_check_log(const struct csv_report *rep, struct eventlog *log, struct arena *a, struct why *w);
