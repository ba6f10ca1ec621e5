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

/* Both forms end in the same bytes and the same decoder. */
static RC read_evidence(struct vjob *job, struct snp_report *r, struct snp_certs *c)
{
	struct slice report = job->evidence;

	if (job->evidence.n != SNP_REPORT_SIZE && job->evidence.n && strchr(" \t\r\n{", job->evidence.p[0])) {
		struct why inner = why_in(job->arena);
		rc res = read_json(job->arena, job->evidence, &report, c, &inner);

		TRY(recast(res, &inner, "snp.parse.evidence", "snp.unsupported.evidence", job->why));
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
	return arena_bad(job->arena) || !o ? deny(job->why, E_INTERNAL, "snp.memory", "no memory for claims") : rc_of(OK);
}

static RC snp_verify(struct vjob *job)
{
	struct snp_certs c = {.memo = job->memo};
	rc r = verify_with(job, &c);

	snp_certs_free(&c);
	return r;
}

const struct vdriver snp_driver = {.tee = "snp", .plan = snp_plan_driver, .verify = snp_verify};
