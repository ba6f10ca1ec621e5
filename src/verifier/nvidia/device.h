/* device.h - one NVIDIA device of the evidence: its report, its certificates, and what binds them.
 *
 * Spec: verifiers.md 14.1 to 14.3, 14.6. Threads: no state.
 */
#pragma once
#include "crypto/x509.h"
#include "evidence/job.h"
#include "evidence/spdm.h"
#include "verifier/nvidia/revocation.h"

#define NV_CERTS_MAX 8u

enum nv_arch { NV_HOPPER, NV_BLACKWELL, NV_LS10 };

struct nv_device {
	enum nv_arch arch;
	struct slice uuid;
	struct spdm_report report;
	struct x509 *certs[NV_CERTS_MAX];	/* leaf first */
	size_t certs_n;
	struct x509_path path;	/* set by nv_device_check */
	struct nv_chain chain;
	const char *hwmodel;	/* common name of the device's identity: "GH100 A01 GSP BROM" */
	const char *chip;	/* "GH100" */
	bool fwid_in_report;
};

const char *nv_arch_name(enum nv_arch arch);	/* "Hopper", "Blackwell", "LS10" */
bool nv_is_switch(enum nv_arch arch);

/* One member of device_evidence_list. E_MALFORMED nvidia.parse.*, E_UNSUPPORTED nvidia.unsupported.*. Close with
 * nv_device_close, which accepts a half-built one. */
RC nv_device_read(struct vjob *job, const struct json *v, struct nv_device *out);
void nv_device_close(struct nv_device *d);

/* Signature of the report by the leaf, chain to the pinned root, firmware id, architecture, revocation. Not the nonce.
 * Planning names OCSP answers instead of reading them. */
RC nv_device_check(struct vjob *job, bool planning, struct nv_device *d);

/* What tells devices apart: the key of the identity that never changes, or of the leaf where there is no other. Checked
 * devices only. */
const uint8_t *nv_device_identity(const struct nv_device *d);
