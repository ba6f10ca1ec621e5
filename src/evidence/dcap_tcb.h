/* dcap_tcb.h - Intel's signed TCB info and QE identity as models, and the evaluation of TCB levels.
 *
 * Reading checks form only: the signature, the dates and whose they are belong to dcap_collateral.h. `signed_text` is
 * the exact run of bytes that the signature covers. Spec: verifiers.md 5.4 (formats), 5.6 (evaluation). Threads: no
 * state; models are immutable and live in the arena.
 */
#pragma once
#include "evidence/dcap_quote.h"

/* In the order of verifiers.md 5.6; the last two are results, never level states. */
enum dcap_status {
	DCAP_UP_TO_DATE = 1,
	DCAP_SW_HARDENING_NEEDED,
	DCAP_CONFIGURATION_NEEDED,
	DCAP_CONFIGURATION_AND_SW_HARDENING_NEEDED,
	DCAP_OUT_OF_DATE,
	DCAP_OUT_OF_DATE_CONFIGURATION_NEEDED,
	DCAP_REVOKED,
	DCAP_TD_RELAUNCH_ADVISED,
	DCAP_TD_RELAUNCH_ADVISED_CONFIGURATION_NEEDED,
};

#define DCAP_COMPONENTS 16u
#define DCAP_LEVELS_MAX 256u
#define DCAP_MODULES_MAX 64u
#define DCAP_ADVISORIES_MAX 256u
#define DCAP_JSON_MAX (1u << 20)

struct dcap_level {
	uint8_t sgx[DCAP_COMPONENTS], tdx[DCAP_COMPONENTS];	/* platform levels */
	uint16_t pcesvn;
	uint16_t isvsvn;	/* module and QE levels */
	enum dcap_status status;
	int64_t date;		/* unix seconds */
	const struct slice *advisories;
	size_t advisories_n;
};

struct dcap_module {
	struct slice id;	/* "TDX_03"; empty for the module of version 1.0 */
	uint8_t mrsigner[48], attributes[8];
	const struct dcap_level *levels;	/* highest first */
	size_t levels_n;
};

struct dcap_tcb_info {
	struct slice signed_text;
	uint8_t signature[64];
	enum dcap_tee tee;
	unsigned version;	/* 2 or 3 */
	int64_t issue_date, next_update;
	uint8_t fmspc[6], pce_id[2];
	uint32_t evaluation;	/* tcbEvaluationDataNumber */
	bool has_module;	/* tdxModule is there */
	struct dcap_module module;
	const struct dcap_module *modules;	/* tdxModuleIdentities */
	size_t modules_n;
	bool no_tdx_components;	/* in one level or more: of no use for TDX */
	const struct dcap_level *levels;	/* sorted, highest first */
	size_t levels_n;
};

struct dcap_qe_identity {
	struct slice signed_text;
	uint8_t signature[64];
	struct slice id;	/* "QE", "TD_QE", or another enclave's */
	int64_t issue_date, next_update;
	uint32_t evaluation;
	uint8_t miscselect[4], miscselect_mask[4];	/* memory order */
	uint8_t attributes[16], attributes_mask[16];
	uint8_t mrsigner[32];
	uint16_t isvprodid;
	const struct dcap_level *levels;
	size_t levels_n;
};

/* E_MALFORMED dcap.parse.tcb-info, dcap.parse.qe-identity; E_UNSUPPORTED dcap.unsupported.tcb-info for another
 * version; E_LIMIT for their size. */
RC dcap_tcb_info_parse(struct arena *a, struct slice text, struct dcap_tcb_info *out, struct why *w);
RC dcap_qe_identity_parse(struct arena *a, struct slice text, struct dcap_qe_identity *out, struct why *w);

/* The text of the claim: "UpToDate"; NULL for no status. */
const char *dcap_status_text(enum dcap_status s);

/* What the evaluation compares. Everything comes from the PCK certificate and the signed quote. */
struct dcap_tcb_input {
	uint8_t components[DCAP_COMPONENTS];	/* PCK certificate */
	uint16_t pcesvn;			/* PCK certificate */
	uint16_t qe_isvsvn;			/* QE report */
	enum dcap_tee tee;
	enum dcap_body body_type;
	struct slice tee_tcb_svn, tee_tcb_svn2;	/* TD report */
};

struct dcap_tcb_result {
	enum dcap_status status;
	int64_t date;			/* the earliest of the matched levels */
	const struct slice *advisories;	/* sorted, each once */
	size_t advisories_n;
	enum dcap_status platform, module, qe;	/* the parts; module 0 without one */
	int64_t platform_date;
	const struct slice *platform_advisories;	/* of the platform's level alone, in Intel's order */
	size_t platform_advisories_n;
};

/* launch: the TCB that the TD or enclave was measured with; current: of the platform now (TD 1.5), else the same.
 * E_DENIED dcap.tcb-not-supported, dcap.qe-not-supported, dcap.tdx-module-mismatch, dcap.tcb-info-mismatch,
 * dcap.tcb-revoked; E_MALFORMED dcap.parse.tcb-info for TDX without TDX components. */
RC dcap_tcb_evaluate(struct arena *a, const struct dcap_tcb_info *info, const struct dcap_qe_identity *qe,
		     const struct dcap_tcb_input *in, struct dcap_tcb_result *launch, struct dcap_tcb_result *current,
		     struct why *w);

/* The module that a TD says it runs under: tdxModule, or for tee_tcb_svn[1] > 0 the identity of that major version.
 * E_DENIED dcap.tdx-module-mismatch, dcap.tcb-info-mismatch. */
RC dcap_tcb_module(const struct dcap_tcb_info *info, struct slice tee_tcb_svn, const struct dcap_module **out,
		   struct why *w);
