/* snp.c - cases of SEV-SNP reports: the binary report, and the certificates as collateral. */
#include "cli/conformance/adapters.h"

static RC prepare(struct arena *a, const struct conf_case *c, struct vjob *job, const char **tee, struct why *w)
{
	struct slice vek, ask, ark, anchor, crl;

	(void)tee;
	TRY(conf_file(a, c, "report", &job->evidence, w));
	TRY(conf_file(a, c, "vek", &vek, w));
	TRY(conf_file(a, c, "ask", &ask, w));
	TRY(conf_file(a, c, "ark", &ark, w));
	TRY(conf_file(a, c, "trust_anchor", &anchor, w));
	TRY(conf_file(a, c, "crl", &crl, w));
	if (vek.p) {
		TRY(conf_collateral(a, job, "amd-vcek", "", vek, w));
		TRY(conf_collateral(a, job, "amd-vlek", "", vek, w));
	}
	if (ask.p) {
		struct buf chain = buf_in(a, 0);

		buf_slice(&chain, ask);
		buf_slice(&chain, ark);
		TRY(conf_collateral(a, job, "amd-ask-ark", "", buf_view(&chain), w));
	}
	if (crl.p)
		TRY(conf_collateral(a, job, "amd-crl", "", crl, w));
	if (anchor.p)
		TRY(conf_anchor_cert(a, job, "amd-ark", anchor, w));
	TRY(conf_hex(a, c, "expected_report_data", &job->report_data[0], w));
	job->report_data_n = job->report_data[0].p ? 1 : 0;
	return conf_hex(a, c, "expected_host_data", &job->init_data, w);
}

/* The case writes the signing key and flags as the number in KEY_INFO, the TCB as the hexadecimal of its bytes. */
static const struct json *claim_of(struct arena *a, const char *fact, const struct conf_case *c, const struct vjob *job)
{
	const struct json *claims = job->results[0].claims;
	struct slice rep = job->evidence;

	(void)c;
	if (!strcmp(fact, "signing_key"))
		return json_new_u64(a, slice_is(json_get(claims, "signing_key")->text, "vlek"));
	if (!strcmp(fact, "mask_chip_key"))
		return json_new_u64(a, json_get(claims, "chip_key_masked")->boolean);
	if (!strcmp(fact, "author_key_en"))
		return json_new_u64(a, json_get(claims, "author_key_enabled")->boolean);
	if (!strcmp(fact, "host_data"))
		return json_get(claims, "init_data");
	if (!strcmp(fact, "policy_debug"))
		return json_get(claims, "policy_debug_allowed");
	if (!strcmp(fact, "policy_smt"))
		return json_get(claims, "policy_smt_allowed");
	if (!strcmp(fact, "current_ver"))
		return json_get(claims, "current_version");
	if (!strcmp(fact, "committed_ver"))
		return json_get(claims, "committed_version");
	if (!strcmp(fact, "cpuid"))
		return json_new_hex(a, slice_sub(rep, 0x188, 3));
	if (!strcmp(fact, "current_tcb"))
		return json_new_hex(a, slice_sub(rep, 0x38, 8));
	if (!strcmp(fact, "reported_tcb"))
		return json_new_hex(a, slice_sub(rep, 0x180, 8));
	if (!strcmp(fact, "committed_tcb"))
		return json_new_hex(a, slice_sub(rep, 0x1e0, 8));
	if (!strcmp(fact, "launch_tcb"))
		return json_new_hex(a, slice_sub(rep, 0x1f0, 8));
	return json_get(claims, fact);
}

static RC facts(struct arena *a, const struct conf_case *c, const struct vjob *job, struct why *w)
{
	for (size_t i = 0; c->facts && i < c->facts->n; i++) {
		const char *name = arena_strndup(a, c->facts->members[i].name.p, c->facts->members[i].name.n);

		TRY(conf_same(a, name, claim_of(a, name, c, job), c->facts->members[i].value, w));
	}
	return rc_of(OK);
}

const struct conf_adapter conf_snp = {.platform = "snp", .tee = "snp", .prepare = prepare, .facts = facts};
