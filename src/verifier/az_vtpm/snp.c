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

static RC check_report(struct vjob *job, const struct az_state *s, struct snp_report *report, enum snp_crl *crl)
{
	struct snp_certs certs = {.memo = job->memo};
	rc r = snp_certs_set_vek(&certs, s->ev.hardware, &hardware, job->why);

	if (rc_ok(r))
		r = snp_collect(job, report, &hardware, &certs);
	if (rc_ok(r))
		r = snp_check(job, report, &certs, &hardware, crl);
	snp_certs_free(&certs);
	TRY(r);
	/* The paravisor runs at VMPL 0. A report of another level was asked for by the guest itself, with data of its choice. */
	if (report->vmpl != 0)
		return deny(job->why, E_DENIED, "az-snp-vtpm.binding.vmpl", "the report is of VMPL %u, the paravisor's is 0",
			    (unsigned)report->vmpl);
	return rc_of(OK);
}

/* Policies written for this TEE know every value as text, and the measurement in base64. */
static void text_claims(struct arena *a, struct json *claims, const struct snp_report *report, enum snp_crl crl)
{
	struct json *typed = json_new_object(a);

	snp_claims(a, typed, report);
	json_set(a, typed, "crl_checked", json_new_bool(a, crl != SNP_CRL_NONE));
	json_set(a, typed, "crl_stale", json_new_bool(a, crl == SNP_CRL_STALE));
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
	enum snp_crl crl = SNP_CRL_NONE;
	struct snp_report report;
	struct json *claims;

	TRY(read_all(job, &s, &report));
	TRY(check_report(job, &s, &report, &crl));
	TRY(az_check(job, &s, report.report_data, &words));
	claims = vjob_result(job, "cpu");
	text_claims(job->arena, claims, &report, crl);
	az_claims(job->arena, claims, &s);
	return vjob_done(job);
}

/* Every value is text here. */
static const struct vclaim claim_rows[] = {
	AZ_CLAIM_ROWS,
	{"measurement", "string", "launch measurement, base64", "SNP report 0x90"},
	{"host_data", "string", "HOST_DATA", "SNP report 0xC0"},
	{"init_data", "string", "PCR 8", "pcrs"},
	{"report_data", "string", "the nonce", "extraData of the quote"},
	{"chip_id", "string", "id of the chip", "SNP report 0x1A0"},
	{"version", "string", "version of the report", "SNP report 0"},
	{"vmpl", "string", "\"0\": the paravisor's level", "SNP report 0x30"},
	{"guest_svn", "string", "SVN of the guest", "SNP report 4"},
	{"generation", "string", "Milan, Genoa or Turin", "SNP report 0x188"},
	{"policy_debug_allowed", "string", "\"true\": the host may debug, nothing is secret", "SNP report 8, bit 19"},
	{"policy", "string", "the guest policy as a number", "SNP report 8"},
	{"policy_*", "string", "flags and ABI version of the guest policy", "SNP report 8"},
	{"platform_*", "string", "flags of the platform, and their number", "SNP report 0x40"},
	{"reported_tcb_*", "string", "bootloader, tee, snp, microcode, fmc: as the VCEK certificate says", "SNP report 0x180"},
	{"current_tcb_*", "string", "the same, running now", "SNP report 0x38"},
	{"committed_tcb_*", "string", "the same, lowest that can be gone back to", "SNP report 0x1E0"},
	{"launch_tcb_*", "string", "the same, at launch", "SNP report 0x1F0"},
	{"signing_key", "string", "vcek, vlek or none", "SNP report 0x48"},
	{"author_key_*", "string", "whether there was an author key, and its digest", "SNP report 0x48, 0x110"},
	{"chip_key_masked", "string", "the chip key is masked", "SNP report 0x48"},
	{"family_id", "string", "family id of the id block", "SNP report 0x10"},
	{"image_id", "string", "image id of the id block", "SNP report 0x20"},
	{"report_id", "string", "id of the guest's report", "SNP report 0x140"},
	{"report_id_ma", "string", "id of its migration agent's", "SNP report 0x160"},
	{"id_key_digest", "string", "digest of the id key", "SNP report 0xE0"},
	{"current_version", "string", "firmware running now", "SNP report 0x1E8"},
	{"committed_version", "string", "firmware that can be gone back to", "SNP report 0x1EC"},
	{"cpuid_*", "string", "family, model, stepping", "SNP report 0x188"},
	{"launch_mitigations", "string", "mitigations at launch", "SNP report 0x1F8"},
	{"current_mitigations", "string", "mitigations now", "SNP report 0x200"},
	{"crl_checked", "string", "\"true\": AMD's revocation list was at hand, and lists none of the chain", "collateral amd-crl"},
	{"crl_stale", "string", "\"true\": that list is behind its nextUpdate, within the configured grace", "collateral amd-crl"},
	{NULL},
};

const struct vdriver az_snp_vtpm_driver = {.tee = "az-snp-vtpm", .plan = plan, .verify = verify, .claims = claim_rows};
