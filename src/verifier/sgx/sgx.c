#include "verifier/sgx/sgx.h"

#include "evidence/dcap_claim_rows.h"
#include "evidence/dcap_verify.h"

static RC read_quote(struct vjob *job, struct dcap_quote *q)
{
	const struct json *doc;
	struct slice raw;

	TRY(dcap_evidence(job, &raw, &doc));
	TRY(dcap_quote_parse(raw, q, job->why));
	if (q->tee != DCAP_SGX)
		return deny(job->why, E_UNSUPPORTED, "sgx.unsupported.tee-type", "the quote is of TDX, not of SGX");
	return rc_of(OK);
}

static RC plan(struct vjob *job)
{
	struct dcap_quote q;

	TRY(read_quote(job, &q));
	return dcap_plan(job, &q);
}

static RC verify(struct vjob *job)
{
	struct dcap_verdict v;
	struct dcap_quote q;
	struct json *claims;

	TRY(read_quote(job, &q));
	TRY(dcap_verify(job, &q, &v));
	TRY(vjob_check_report_data(job, q.enclave.report_data, FIT_ZERO_PAD, "sgx.report-data-mismatch"));
	TRY(vjob_check_init_data(job, q.enclave.config_id, FIT_ZERO_PAD, "sgx.init-data-mismatch"));
	claims = vjob_result(job, "cpu");
	dcap_enclave_claims(job->arena, claims, &q);
	dcap_claims(job->arena, claims, &v);
	return vjob_done(job);
}

static const struct vclaim claim_rows[] = {DCAP_ENCLAVE_ROWS, DCAP_VERDICT_ROWS, {NULL}};

const struct vdriver sgx_driver = {.tee = "sgx", .plan = plan, .verify = verify, .claims = claim_rows};
