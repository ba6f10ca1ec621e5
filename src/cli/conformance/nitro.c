/* nitro.c - AWS Nitro cases: a document, its root, and what the caller expects of nonce and PCRs. */
#include "cli/conformance/adapters.h"
#include "verifier/registry.h"

static RC nitro_prepare(struct arena *a, const struct conf_case *c, struct vjob *job, const char **tee, struct why *w)
{
	struct slice root, nonce;

	/* expectations of PCRs are policy: such a case is judged here, on the claims */
	if (json_get(c->inputs, "expected_pcrs"))
		*tee = NULL;
	TRY(conf_file(a, c, "document", &job->evidence, w));
	TRY(conf_file(a, c, "root", &root, w));
	if (root.p)
		TRY(conf_anchor_cert(a, job, "aws-nitro-root", root, w));
	TRY(conf_hex(a, c, "expected_nonce", &nonce, w));
	if (nonce.p) {
		job->report_data[0] = nonce;
		job->report_data_n = 1;
	}
	return rc_of(OK);
}

/* PCRs are claims; what a caller expects of them is a policy over the claims. A PCR that is expected and not there fails. */
static RC check_pcrs(struct vjob *job, const struct conf_case *c)
{
	const struct json *expected = json_get(c->inputs, "expected_pcrs"), *found = json_get(job->results[0].claims, "pcrs");
	rc r;

	for (size_t i = 0; expected && i < expected->n; i++) {
		const struct json *pcr = json_get_slice(found, expected->members[i].name);

		if (json_equal(pcr, expected->members[i].value))
			continue;
		r = deny(job->why, E_DENIED, "nitro.pcr-mismatch", "PCR " SLICE_FMT " is not the expected one",
			 SLICE_ARG(expected->members[i].name));
		why_compared(job->why, "nitro.pcr", pcr ? (const char *)pcr->text.p : NULL,
			     (const char *)expected->members[i].value->text.p);
		return r;
	}
	return rc_of(OK);
}

static RC nitro_run(struct vjob *job, const struct conf_case *c)
{
	TRY(registry_run("nitro", VERIFIER_VERIFY, job));
	return check_pcrs(job, c);
}

/* Facts are named as the claims, but for times in words. */
static RC nitro_facts(struct arena *a, const struct conf_case *c, const struct vjob *job, struct why *w)
{
	static const char *const same[] = {"module_id", "digest", "timestamp", "pcrs", "nonce", "user_data", "public_key"};

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		const struct json *stated = json_get(c->facts, same[i]);

		if (stated && stated->kind != JSON_NULL)
			TRY(conf_same(a, same[i], json_get(job->results[0].claims, same[i]), stated, w));
	}
	if (json_get(c->facts, "debug_mode"))
		TRY(conf_same(a, "debug_mode", json_get(job->results[0].claims, "debug"), json_get(c->facts, "debug_mode"), w));
	return rc_of(OK);
}

const struct conf_adapter conf_nitro = {.platform = "nitro", .tee = "nitro", .prepare = nitro_prepare, .facts = nitro_facts,
				       .run = nitro_run};
