#include "verifier/tdx/tdx.h"

#include "evidence/dcap_verify.h"

static RC read_quote(struct vjob *job, struct dcap_quote *q, const struct json **doc)
{
	struct slice raw;

	TRY(dcap_evidence(job, &raw, doc));
	TRY(dcap_quote_parse(raw, q, job->why));
	if (q->tee != DCAP_TDX)
		return deny(job->why, E_UNSUPPORTED, "tdx.unsupported.tee-type", "the quote is of SGX, not of TDX");
	return rc_of(OK);
}

static RC plan(struct vjob *job)
{
	const struct json *doc;
	struct dcap_quote q;

	TRY(read_quote(job, &q, &doc));
	return dcap_plan(job, &q);
}

static RC verify(struct vjob *job)
{
	const struct json *doc;
	struct dcap_verdict v;
	struct dcap_quote q;
	struct json *claims;

	TRY(read_quote(job, &q, &doc));
	TRY(dcap_verify(job, &q, &v));
	TRY(vjob_check_report_data(job, q.td.report_data, FIT_ZERO_PAD, "tdx.report-data-mismatch"));
	/* MRCONFIGID has 48 bytes: of a longer digest the guest's launcher put in the first 48. */
	TRY(vjob_check_init_data(job, q.td.mr_config_id, FIT_FIRST, "tdx.init-data-mismatch"));
	claims = vjob_result(job, "cpu");
	dcap_td_claims(job->arena, claims, &q);
	dcap_claims(job->arena, claims, &v);
	if (!claims || arena_bad(job->arena))
		return deny(job->why, E_INTERNAL, "tdx.memory", "no memory for the claims");
	return rc_of(OK);
}

const struct vdriver tdx_driver = {.tee = "tdx", .plan = plan, .verify = verify};
