/* hcl.h - the report of Azure's paravisor (HCL): a hardware report, and the variable data that it is bound to.
 *
 * The variable data carries the attestation key of the vTPM. Reading proves nothing: the key counts once the hardware
 * report has verified and hcl_binds() said that its report data is the digest of the variable data, and of nothing
 * else. Spec: verifiers.md 8.2. Threads: no state.
 */
#pragma once
#include "base/why.h"

enum hcl_type { HCL_SNP = 2, HCL_TDX = 4 };

#define HCL_REPORT_MAX (64u << 10)
#define HCL_HW_REPORT 1184u

struct hcl_report {
	uint32_t version;	/* of the header, 1 or 2 */
	enum hcl_type type;
	struct slice hw_report;	/* 1184 bytes: an SNP report, or a TDREPORT and zeros */
	struct slice var_data;	/* JSON as received */
	struct slice ak_n, ak_e;	/* key HCLAkPub, RSA, big endian */
	struct slice user_data;	/* decoded; p == NULL where the report has none */
	struct slice vm_configuration;	/* JSON text; empty where the report has none */
};

/* Borrows `in`. E_MALFORMED hcl.parse[.detail]; E_UNSUPPORTED hcl.unsupported.{version,hash,type}. */
RC hcl_parse(struct arena *a, struct slice in, struct hcl_report *out, struct why *w);

/* The first half of `report_data` (64 bytes, signed by the hardware) must be SHA-256 of the variable data, the second
 * half zero. E_DENIED with `reason`. */
RC hcl_binds(const struct hcl_report *r, struct slice report_data, const char *reason, struct why *w);
