#include "evidence/dcap_claim_rows.h"
#include "evidence/dcap_verify.h"
#include "verifier/az_vtpm/az_priv.h"
#include "verifier/az_vtpm/az_vtpm.h"

static const struct az_words words = {
	.parse = "az-tdx-vtpm.parse.evidence",
	.unsupported = "az-tdx-vtpm.unsupported.evidence",
	.memory = "az-tdx-vtpm.memory",
	.binding = "az-tdx-vtpm.binding-vardata",
	.user_data = "az-tdx-vtpm.report-data-mismatch",
	.nonce = "az-tdx-vtpm.nonce-mismatch",
	.selection = "az-tdx-vtpm.pcr-mismatch.selection",
	.init_data = "az-tdx-vtpm.init-data-mismatch",
	.tpm = {.parse = "az-tdx-vtpm.parse.quote",
		.bad_magic = "az-tdx-vtpm.bad-magic",
		.not_a_quote = "az-tdx-vtpm.not-a-quote",
		.signature = "az-tdx-vtpm.signature-tpm",
		.pcr_mismatch = "az-tdx-vtpm.pcr-mismatch"},
};

static RC read_all(struct vjob *job, struct az_state *s, struct dcap_quote *q)
{
	TRY(az_evidence_read(job, false, &words, &s->ev));
	TRY(hcl_parse(job->arena, s->ev.hcl_report, &s->hcl, job->why));
	if (s->hcl.type != HCL_TDX)
		return deny(job->why, E_UNSUPPORTED, "az-tdx-vtpm.unsupported.report", "the HCL report is not of TDX");
	TRY(dcap_quote_parse(s->ev.hardware, q, job->why));
	if (q->tee != DCAP_TDX)
		return deny(job->why, E_UNSUPPORTED, "az-tdx-vtpm.unsupported.tee-type", "the quote is of SGX, not of TDX");
	return rc_of(OK);
}

static RC plan(struct vjob *job)
{
	struct az_state s = {0};
	struct dcap_quote q;

	TRY(read_all(job, &s, &q));
	return dcap_plan(job, &q);
}

/* Here there are two signatures: that of the hardware has a name of its own. */
static RC check_hardware(struct vjob *job, const struct dcap_quote *q, struct dcap_verdict *v)
{
	rc r = dcap_verify(job, q, v);
	const char *text;

	if (rc_ok(r) || strcmp(why_reason(job->why), "dcap.signature") != 0)
		return r;
	text = why_text(job->why);
	why_clear(job->why);
	return deny(job->why, r.code, "az-tdx-vtpm.signature-hw", "%s", text);
}

static RC verify(struct vjob *job)
{
	struct az_state s = {0};
	struct dcap_verdict v;
	struct dcap_quote q;
	struct json *claims;

	TRY(read_all(job, &s, &q));
	TRY(check_hardware(job, &q, &v));
	TRY(az_check(job, &s, q.td.report_data, &words));
	claims = vjob_result(job, "cpu");
	dcap_td_claims(job->arena, claims, &q);
	dcap_claims(job->arena, claims, &v);
	az_claims(job->arena, claims, &s);
	return vjob_done(job);
}

static const struct vclaim claim_rows[] = {AZ_CLAIM_ROWS, DCAP_TD_ROWS, DCAP_VERDICT_ROWS, {NULL}};

const struct vdriver az_tdx_vtpm_driver = {.tee = "az-tdx-vtpm", .plan = plan, .verify = verify, .claims = claim_rows};
