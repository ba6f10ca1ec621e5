#include "codec/base64.h"
#include "evidence/snp.h"
#include "verifier/az_vtpm/az_priv.h"
#include "verifier/az_vtpm/az_vtpm.h"

static const struct az_words words = {
	.parse = "az-snp-vtpm.parse.evidence",
	.unsupported = "az-snp-vtpm.unsupported.evidence",
	.memory = "az-snp-vtpm.memory",
	.binding = "az-snp-vtpm.binding-vardata",
	.user_data = "az-snp-vtpm.report-data-mismatch",
	.nonce = "az-snp-vtpm.nonce-mismatch",
	.selection = "az-snp-vtpm.pcr-mismatch.selection",
	.init_data = "az-snp-vtpm.init-data-mismatch",
	.tpm = {.parse = "az-snp-vtpm.parse.quote",
		.bad_magic = "az-snp-vtpm.bad-magic",
		.not_a_quote = "az-snp-vtpm.not-a-quote",
		.signature = "az-snp-vtpm.signature-tpm",
		.pcr_mismatch = "az-snp-vtpm.pcr-mismatch"},
};

static const struct snp_reasons hardware = {
	.parse = "az-snp-vtpm.parse.report",
	.certificate = "az-snp-vtpm.parse.certificate",
	.unsupported = "az-snp-vtpm.unsupported.report",
	.missing = "az-snp-vtpm.chain.missing",
	.chain = "az-snp-vtpm.chain",
	.root = "az-snp-vtpm.untrusted-root",
	.expired = "az-snp-vtpm.expired",
	.crl = "az-snp-vtpm.crl-signature",
	.revoked = "az-snp-vtpm.revoked",
	.signature = "az-snp-vtpm.signature-hw",
	.tcb = "az-snp-vtpm.tcb-mismatch",
	.chip_id = "az-snp-vtpm.chip-id-mismatch",
};

static RC read_all(struct vjob *job, struct az_state *s, struct snp_report *report)
{
	TRY(az_evidence_read(job, true, &words, &s->ev));
	TRY(hcl_parse(job->arena, s->ev.hcl_report, &s->hcl, job->why));
	if (s->hcl.type != HCL_SNP)
		return deny(job->why, E_UNSUPPORTED, "az-snp-vtpm.unsupported.report", "the HCL report is not of SNP");
	return snp_report_parse(s->hcl.hw_report, &hardware, report, job->why);
}

static RC plan(struct vjob *job)
{
	struct az_state s = {0};
	struct snp_report report;

	TRY(read_all(job, &s, &report));
	return snp_plan(job, &report, true, false);
}

static RC check_report(struct vjob *job, const struct az_state *s, struct snp_report *report)
{
	struct snp_certs certs = {.memo = job->memo};
	bool crl;
	rc r = snp_certs_set_vek(&certs, s->ev.hardware, &hardware, job->why);

	if (rc_ok(r))
		r = snp_collect(job, report, &hardware, &certs);
	if (rc_ok(r))
		r = snp_check(job, report, &certs, &hardware, &crl);
	snp_certs_free(&certs);
	TRY(r);
	/* The paravisor runs at VMPL 0. A report of another level was asked for by the guest itself, with data of its choice. */
	if (report->vmpl != 0)
		return deny(job->why, E_DENIED, "az-snp-vtpm.binding.vmpl", "the report is of VMPL %u, the paravisor's is 0",
			    (unsigned)report->vmpl);
	return rc_of(OK);
}

/* Policies written for this TEE know every value as text, and the measurement in base64. */
static void text_claims(struct arena *a, struct json *claims, const struct snp_report *report)
{
	struct json *typed = json_new_object(a);

	snp_claims(a, typed, report);
	for (size_t i = 0; typed && i < typed->n; i++) {
		const struct json *v = typed->members[i].value;
		const struct json *text = v;

		if (json_is(v, JSON_BOOL))
			text = json_new_cstr(a, v->boolean ? "true" : "false");
		else if (json_is(v, JSON_NUMBER))
			text = json_new_str(a, v->text);
		json_set_slice(a, claims, typed->members[i].name, text);
	}
	json_set(a, claims, "measurement", json_new_b64(a, report->measurement));
	json_set(a, claims, "host_data", json_new_hex(a, report->host_data));	/* init_data is PCR 8 here */
}

static RC verify(struct vjob *job)
{
	struct az_state s = {0};
	struct snp_report report;
	struct json *claims;

	TRY(read_all(job, &s, &report));
	TRY(check_report(job, &s, &report));
	TRY(az_check(job, &s, report.report_data, &words));
	claims = vjob_result(job, "cpu");
	text_claims(job->arena, claims, &report);
	az_claims(job->arena, claims, &s);
	if (!claims || arena_bad(job->arena))
		return deny(job->why, E_INTERNAL, words.memory, "no memory for the claims");
	return rc_of(OK);
}

const struct vdriver az_snp_vtpm_driver = {.tee = "az-snp-vtpm", .plan = plan, .verify = verify};
