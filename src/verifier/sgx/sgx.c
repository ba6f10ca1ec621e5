#include "verifier/sgx/sgx.h"

#include "evidence/dcap_claim_rows.h"
#include "evidence/dcap_verify.h"
#include "verifier/sgx/ias.h"

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

/* A stored report of Intel's retired service instead of a quote; NULL: it is none. What cannot be read here, the quote's reader names. */
static const struct json *ias_document(struct vjob *job)
{
	const struct json_limits limits = {.max_bytes = 256u << 10, .max_depth = 4, .max_nodes = 64};
	struct why inner = why_in(job->arena);
	struct json *doc;

	if (job->evidence.n == 0 || job->evidence.p[0] != '{' || !rc_ok(json_parse(job->arena, job->evidence, &limits, &doc, &inner)))
		return NULL;
	return sgx_ias_is(doc) ? doc : NULL;
}

static RC plan(struct vjob *job)
{
	struct dcap_quote q;

	if (ias_document(job))
		return rc_of(OK);
	TRY(read_quote(job, &q));
	return dcap_plan(job, &q);
}

static RC verify(struct vjob *job)
{
	struct dcap_verdict v;
	struct dcap_quote q;
	const struct json *ias = ias_document(job);
	struct json *claims;

	if (ias)
		return sgx_ias_verify(job, ias);
	TRY(read_quote(job, &q));
	TRY(dcap_verify(job, &q, &v));
	TRY(vjob_check_report_data(job, q.enclave.report_data, FIT_ZERO_PAD, "sgx.report-data-mismatch"));
	TRY(vjob_check_init_data(job, q.enclave.config_id, FIT_ZERO_PAD, "sgx.init-data-mismatch"));
	claims = vjob_result(job, "cpu");
	dcap_enclave_claims(job->arena, claims, &q);
	dcap_claims(job->arena, claims, &v);
	return vjob_done(job);
}

static const struct vclaim claim_rows[] = {DCAP_ENCLAVE_ROWS, DCAP_VERDICT_ROWS, SGX_IAS_ROWS, {NULL}};

const struct vdriver sgx_driver = {.tee = "sgx", .plan = plan, .verify = verify, .claims = claim_rows};
