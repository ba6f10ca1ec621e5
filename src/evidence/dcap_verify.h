/* dcap_verify.h - the complete verification of an Intel quote: one core for tdx, sgx and az-tdx-vtpm.
 *
 * The quote is proven up to a pinned root first; what collateral says is looked at afterwards. Missing collateral is a
 * denial, unless the job does without it in words (VJOB_WITHOUT_*). Collateral behind its nextUpdate is a denial too,
 * unless the job grants a grace (stale_s): then collateral_expiration_status is "1". Spec: verifiers.md 5.5 to 5.7.
 *
 * Reasons: dcap.{chain, untrusted-root, qe-signature, qe-binding, signature, expired, revoked, collateral-missing,
 * collateral-mismatch, collateral-signature, tcb-info-mismatch, fmspc-mismatch, pceid-mismatch, tdx-module-mismatch,
 * qe-identity-mismatch, qe-not-supported, tcb-not-supported, tcb-revoked, parse, unsupported}[.detail].
 */
#pragma once
#include "evidence/dcap_pck.h"
#include "evidence/job.h"

struct dcap_verdict {
	struct dcap_pck pck;
	enum dcap_ca ca_kind;
	uint8_t root_key_id[48];
	uint16_t qe_isv_svn;
	bool has_tcb;		/* false: a verdict on signatures alone */
	bool stale;		/* something was used behind its nextUpdate */
	struct dcap_tcb_result launch, current;
	uint32_t evaluation;	/* the lower tcbEvaluationDataNumber of the two documents */
	bool has_crls;
	uint64_t root_crl_number, pck_crl_number;
	int64_t earliest_issue, latest_issue, earliest_expiration;
};

/* Planning: names the collateral of the platform, once its PCK chain leads to a trusted root, so that nobody can make
 * the host fetch for a platform of his invention. */
RC dcap_plan(struct vjob *job, const struct dcap_quote *q);
/* Everything in the verdict that is not by value lives in the job's arena. */
RC dcap_verify(struct vjob *job, const struct dcap_quote *q, struct dcap_verdict *out);

/* The claims of verifiers.md 5.7 into the TEE object, and what the reference leaves out: fmspc, pce_id, pce_svn,
 * pck_ca, qe_isv_svn, tcb_components, platform_instance_id, tcb_status_platform, tcb_date_platform,
 * advisory_ids_platform, tcb_status_qe, tcb_status_tdx_module. */
void dcap_claims(struct arena *a, struct json *claims, const struct dcap_verdict *v);

/* The claims of verifiers.md 6: quote.header, quote.body, td_attributes, report_data, init_data. */
void dcap_td_claims(struct arena *a, struct json *claims, const struct dcap_quote *q);
/* Of verifiers.md 7: header, body, report_data, init_data; and enclave_attributes, debug, isv_prod_id, isv_svn. */
void dcap_enclave_claims(struct arena *a, struct json *claims, const struct dcap_quote *q);

/* Evidence of tdx and sgx: a JSON object with "quote" in base64, or the quote itself. *doc is NULL for the latter.
 * E_MALFORMED dcap.parse.evidence. */
RC dcap_evidence(struct vjob *job, struct slice *quote, const struct json **doc);
