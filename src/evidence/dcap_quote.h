/* dcap_quote.h - an Intel ECDSA quote (SGX v3, v4, v5; TDX v4, v5), decoded whole and strictly.
 *
 * Every slice points into the quote. Bytes behind the signature data are allowed, as in the field: platforms pad with
 * zeros or text; `trailing` counts them, and no signature covers them. Spec: verifiers.md 5.1. Threads: no state.
 */
#pragma once
#include "base/why.h"

enum dcap_tee { DCAP_SGX = 1, DCAP_TDX };
enum dcap_body { DCAP_BODY_SGX = 1, DCAP_BODY_TD10, DCAP_BODY_TD15 };

#define DCAP_QUOTE_MAX (64u << 10)
#define DCAP_HEADER 48u
#define DCAP_SGX_REPORT 384u
#define DCAP_TD10_REPORT 584u
#define DCAP_TD15_REPORT 648u

/* An SGX report, as the body of an SGX quote and as the quoting enclave's own. */
struct dcap_enclave {
	struct slice cpu_svn, misc_select, reserved1, isv_ext_prod_id, flags, xfrm, mr_enclave, reserved2, mr_signer,
		reserved3, config_id, isv_prod_id, isv_svn, config_svn, reserved4, isv_family_id, report_data;
	struct slice attributes;	/* flags and xfrm together */
	uint64_t flags_value;
	uint16_t isv_prod_id_value, isv_svn_value;
};

struct dcap_td {
	struct slice tee_tcb_svn, mr_seam, mrsigner_seam, seam_attributes, td_attributes, xfam, mr_td, mr_config_id,
		mr_owner, mr_owner_config, rtmr[4], report_data;
	struct slice tee_tcb_svn2, mr_servicetd;	/* TD 1.5 only; else empty */
	uint64_t td_attributes_value;
};

struct dcap_quote {
	uint16_t version;
	enum dcap_tee tee;
	enum dcap_body body_type;
	/* header fields as they stand in the quote */
	struct slice h_version, h_key_type, h_tee_type, h_reserved, h_qe_svn, h_pce_svn, h_vendor_id, h_user_data;
	struct slice v5_type, v5_size;	/* version 5 only; else empty */
	struct slice signed_part;	/* header and body */
	struct slice body;
	struct dcap_enclave enclave;	/* body_type DCAP_BODY_SGX */
	struct dcap_td td;		/* else */
	struct slice signature;		/* r || s over signed_part */
	struct slice key;		/* attestation key x || y */
	struct slice qe_report;
	struct dcap_enclave qe;
	struct slice qe_signature;
	struct slice qe_auth;
	struct slice pck_pem;		/* the PCK chain, without the NUL that some platforms put behind it */
	size_t trailing;
};

/* A report body alone, of exactly 384 bytes: of evidence that is no ECDSA quote. E_MALFORMED dcap.parse. */
RC dcap_enclave_parse(struct slice in, struct dcap_enclave *out, struct why *w);

/* SGX enclave attribute flags (Intel SDM 3D, 38.7.1). */
#define DCAP_SGX_FLAG_DEBUG 0x2u
/* TD attributes (Intel TDX Module ABI, ATTRIBUTES). */
#define DCAP_TD_UNDER_DEBUG UINT64_C(0xff)	/* any of them: the TD is under debug, whatever the reserved ones will mean */

/* E_MALFORMED dcap.parse[.detail]; E_UNSUPPORTED dcap.unsupported.{version,key-type,tee-type,vendor,body-type,
 * certification}; E_LIMIT dcap.parse.size. *out is written on success only. */
RC dcap_quote_parse(struct slice in, struct dcap_quote *out, struct why *w);
