#include "verifier/snp/snp.h"

#include "evidence/octets.h"
#include "evidence/snp.h"
#include "verifier/snp/wire.h"

#define CERT_MAX (16u << 10)
#define CHAIN_MAX 16u

static const struct snp_reasons reasons = {
	.parse = "snp.parse.report",
	.certificate = "snp.parse.certificate",
	.unsupported = "snp.unsupported.report",
	.missing = "snp.chain.missing",
	.chain = "snp.chain",
	.root = "snp.untrusted-root",
	.expired = "snp.expired",
	.crl = "snp.crl-signature",
	.revoked = "snp.revoked",
	.signature = "snp.signature",
	.tcb = "snp.tcb-mismatch",
	.chip_id = "snp.chip-id-mismatch",
};

static RC add_certificate(struct arena *a, const struct json *entry, struct snp_certs *c, struct why *w)
{
	const struct json *type = json_get(entry, "cert_type");
	bool vek, ca;
	struct slice data;

	if (!json_is(type, JSON_STRING))
		return rc_of(OK);	/* {"OTHER": uuid}: nothing of ours */
	vek = slice_is(type->text, "VCEK") || slice_is(type->text, "VLEK");
	ca = slice_is(type->text, "ASK") || slice_is(type->text, "ARK");
	if (!ca && (!vek || c->vek))	/* the first one is the one */
		return rc_of(OK);
	TRY(octets_need(a, entry, "data", 0, CERT_MAX, &data, "SNP certificate", w));
	return vek ? snp_certs_set_vek(c, data, &reasons, w) : snp_certs_add(c, data, &reasons, w);
}

static RC read_json(struct arena *a, struct slice in, struct slice *report, struct snp_certs *c, struct why *w)
{
	const struct json_limits limits = {.max_bytes = 1u << 20, .max_depth = 8, .max_nodes = 200000};
	const struct json *att, *chain;
	struct json *v;

	TRY(json_parse(a, in, &limits, &v, w));
	TRY(json_need(v, "attestation_report", JSON_OBJECT, &att, "SNP evidence", w));
	TRY(snp_from_json(a, att, report, w));
	chain = json_get(v, "cert_chain");
	if (!chain || chain->kind == JSON_NULL)
		return rc_of(OK);
	if (chain->kind != JSON_ARRAY || chain->n > CHAIN_MAX)
		return deny(w, E_MALFORMED, "snp.parse.certificate", "cert_chain must be a list of at most %u certificates", CHAIN_MAX);
	for (size_t i = 0; i < chain->n; i++)
		TRY(add_certificate(a, json_at(chain, i), c, w));
	return rc_of(OK);
}

/* No version of a report is a bracket; one might be a blank. */
static bool is_json(struct slice in)
{
	return in.n && (in.p[0] == '{' || (in.n != SNP_REPORT_SIZE && memchr(" \t\r\n", in.p[0], 4)));
}

/* Both forms end in the same bytes and the same decoder. */
static RC read_evidence(struct vjob *job, struct snp_report *r, struct snp_certs *c)
{
	struct slice report = job->evidence;

	if (is_json(job->evidence)) {
		struct why inner = why_in(job->arena);
		rc res = read_json(job->arena, job->evidence, &report, c, &inner);

		TRY(recast(res, &inner, "snp.parse.evidence", "snp.unsupported.evidence", job->why));
	} else if (job->evidence.n != SNP_REPORT_SIZE) {
		return deny(job->why, E_MALFORMED, "snp.parse.report", "%zu bytes are neither a JSON document nor a report, which has %u",
			    job->evidence.n, SNP_REPORT_SIZE);
	}
	return snp_report_parse(report, &reasons, r, job->why);
}

static RC snp_plan_driver(struct vjob *job)
{
	struct snp_certs c = {.memo = job->memo};
	struct snp_report r;
	rc res = read_evidence(job, &r, &c);

	if (rc_ok(res))
		res = snp_plan(job, &r, c.vek != NULL, c.pool_n >= 2);
	snp_certs_free(&c);
	return res;
}

static RC verify_with(struct vjob *job, struct snp_certs *c)
{
	struct snp_report r;
	enum snp_crl crl = SNP_CRL_NONE;
	struct json *o;

	TRY(read_evidence(job, &r, c));
	TRY(snp_collect(job, &r, &reasons, c));
	TRY(snp_check(job, &r, c, &reasons, &crl));
	TRY(vjob_check_report_data(job, r.report_data, FIT_ZERO_PAD, "snp.report-data-mismatch"));
	/* HOST_DATA has 32 bytes: guests put the front of a longer digest there. */
	TRY(vjob_check_init_data(job, r.host_data, FIT_FIRST, "snp.init-data-mismatch"));
	o = vjob_result(job, "cpu");
	snp_claims(job->arena, o, &r);
	json_set(job->arena, o, "crl_checked", json_new_bool(job->arena, crl != SNP_CRL_NONE));
	json_set(job->arena, o, "crl_stale", json_new_bool(job->arena, crl == SNP_CRL_STALE));
	return vjob_done(job);
}

static RC snp_verify(struct vjob *job)
{
	struct snp_certs c = {.memo = job->memo};
	rc r = verify_with(job, &c);

	snp_certs_free(&c);
	return r;
}

static const struct vclaim claim_rows[] = {
	{"measurement", "string", "launch measurement", "report 0x90"},
	{"report_data", "string", "what the guest bound", "report 0x50"},
	{"init_data", "string", "HOST_DATA", "report 0xC0"},
	{"chip_id", "string", "id of the chip; zeros with a VLEK or where it is masked", "report 0x1A0"},
	{"policy_abi_major", "number", "least firmware ABI", "policy 8-15"},
	{"policy_abi_minor", "number", "least firmware ABI", "policy 0-7"},
	{"policy_smt_allowed", "boolean", "SMT is allowed", "policy 16"},
	{"policy_migrate_ma", "boolean", "a migration agent is allowed", "policy 18"},
	{"policy_debug_allowed", "boolean", "the host may debug the guest", "policy 19"},
	{"policy_single_socket", "boolean", "one socket only", "policy 20"},
	{"policy_cxl_allowed", "boolean", "CXL is allowed", "policy 21"},
	{"policy_mem_aes_256_xts", "boolean", "AES-256-XTS is required", "policy 22"},
	{"policy_rapl_disabled", "boolean", "RAPL must be off", "policy 23"},
	{"policy_ciphertext_hiding", "boolean", "ciphertext hiding is required", "policy 24"},
	{"policy_page_swap_disabled", "boolean", "page swapping must be off", "policy 25"},
	{"platform_smt_enabled", "boolean", "SMT is on", "platform info 0"},
	{"platform_tsme_enabled", "boolean", "TSME is on", "platform info 1"},
	{"platform_ecc_enabled", "boolean", "memory has ECC", "platform info 2"},
	{"platform_rapl_disabled", "boolean", "RAPL is off", "platform info 3"},
	{"platform_ciphertext_hiding", "boolean", "ciphertext hiding is on", "platform info 4"},
	{"platform_alias_check_complete", "boolean", "memory aliasing was checked", "platform info 5"},
	{"platform_tio_enabled", "boolean", "trusted I/O is on", "platform info 7"},
	{"reported_tcb_*", "number", "bootloader, tee, snp, microcode, fmc (Turin): as the VEK certificate says", "report 0x180"},
	{"current_tcb_*", "number", "the same parts, running", "report 0x38"},
	{"committed_tcb_*", "number", "the same parts, to which the platform cannot go back", "report 0x1E0"},
	{"launch_tcb_*", "number", "the same parts, when the guest was launched", "report 0x1F0"},
	{"version", "number", "version of the report", "report 0"},
	{"vmpl", "number", "privilege level of who asked for the report", "report 0x30"},
	{"guest_svn", "number", "SVN of the guest", "report 4"},
	{"generation", "string", "Milan, Genoa, Turin", "report 0x188, certificates"},
	{"policy", "string", "all bits, as 0x and hexadecimal", "report 8"},
	{"platform_info", "string", "all bits, as 0x and hexadecimal", "report 0x40"},
	{"signing_key", "string", "vcek or vlek", "key info 2-4"},
	{"author_key_enabled", "boolean", "the ID key is signed by an author key", "key info 0"},
	{"chip_key_masked", "boolean", "the host masks the chip's key", "key info 1"},
	{"family_id", "string", "of the ID block", "report 0x10"},
	{"image_id", "string", "of the ID block", "report 0x20"},
	{"id_key_digest", "string", "key that signed the ID block", "report 0xE0"},
	{"author_key_digest", "string", "key that signed the ID key", "report 0x110"},
	{"report_id", "string", "id of the guest's reports", "report 0x140"},
	{"report_id_ma", "string", "id of its migration agent", "report 0x160"},
	{"current_version", "string", "firmware, running", "report 0x1E8"},
	{"committed_version", "string", "firmware, committed", "report 0x1EC"},
	{"cpuid_family", "number", "from version 3", "report 0x188"},
	{"cpuid_model", "number", "from version 3", "report 0x189"},
	{"cpuid_stepping", "number", "from version 3", "report 0x18A"},
	{"launch_mitigations", "string", "from version 5, as 0x and hexadecimal", "report 0x1F8"},
	{"current_mitigations", "string", "from version 5, as 0x and hexadecimal", "report 0x200"},
	{"crl_checked", "boolean", "AMD's revocation list was at hand, and lists none of the chain", "collateral amd-crl"},
	{"crl_stale", "boolean", "that list is behind its nextUpdate, within the configured grace", "collateral amd-crl"},
	{NULL},
};

const struct vdriver snp_driver = {.tee = "snp", .plan = snp_plan_driver, .verify = snp_verify, .claims = claim_rows};
