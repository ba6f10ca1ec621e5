/* tpm.c - cases of TPM quotes: their raw parts become the wire document, and the key of the case is enrolled; cases of
 * attestation key certificates alone run here. */
#include "cli/conformance/adapters.h"
#include "cli/conformance/cert.h"
#include "codec/base64.h"
#include "evidence/tpm.h"
#include "evidence/tpm_ak.h"

static const struct tpm_reasons reasons = {"tpm.parse.quote", "tpm.bad-magic", "tpm.not-a-quote", "tpm.signature", "tpm.pcr-mismatch"};
static const struct tpm_ak_reasons ak_reasons = {"tpm.parse.certificate", "tpm.chain", "tpm.untrusted-root", "tpm.expired",
						 "tpm.untrusted-root.ak"};

/* Cases without a quote: the chain of an attestation key's certificate. */
static RC run(struct vjob *job, const struct conf_case *c)
{
	struct arena *a = job->arena;
	struct slice cert, chain[2];
	struct x509 *x = NULL;
	struct json *claims = vjob_result(job, "cpu");
	rc r;

	TRY(conf_file(a, c, "cert", &cert, job->why));
	TRY(conf_file(a, c, "intermediate", &chain[0], job->why));
	TRY(conf_file(a, c, "root", &chain[1], job->why));
	TRY(conf_anchor_cert(a, job, "tpm-ek-root", chain[1], job->why));
	TRY(tpm_ak_certified(job, NULL, cert, chain, 2, &ak_reasons));
	r = x509_from_any(cert, &x, job->why);
	if (rc_ok(r)) {
		json_set(a, claims, "not_before", conf_spaced_time(a, x509_not_before(x)));
		json_set(a, claims, "not_after", conf_spaced_time(a, x509_not_after(x)));
	}
	x509_free(x);
	return r;
}

static RC wire(struct arena *a, const struct conf_case *c, struct slice ak, struct slice *out, struct why *w)
{
	struct slice msg, sig, pcrs, log;
	struct json *doc = json_new_object(a), *q = json_new_object(a), *values;

	TRY(conf_file(a, c, "quote_msg", &msg, w));
	TRY(conf_file(a, c, "quote_sig", &sig, w));
	TRY(conf_file(a, c, "pcrs", &pcrs, w));
	TRY(conf_file(a, c, "eventlog", &log, w));
	json_set(a, q, "message", json_new_b64(a, msg));
	json_set(a, q, "signature", json_new_b64(a, sig));
	if (pcrs.p) {
		TRY(json_parse(a, pcrs, NULL, &values, w));
		json_set(a, q, "pcrs", values);
	}
	json_set(a, doc, "ak_public", json_new_b64(a, ak));
	json_set(a, doc, "tpm_quote", q);
	if (log.p)
		json_set(a, doc, "eventlog", json_new_b64(a, log));
	*out = json_text(a, doc);
	return rc_of(OK);
}

static RC prepare(struct arena *a, const struct conf_case *c, struct vjob *job, const char **tee, struct why *w)
{
	struct tpm_key key = {0};
	struct slice ak;
	rc r;

	if (conf_has(c, "cert")) {
		*tee = NULL;
		return rc_of(OK);
	}
	TRY(conf_file(a, c, "ak", &ak, w));
	TRY(tpm_key_parse(ak, a, &reasons, &key, w));
	r = conf_anchor(a, job, "tpm-ak", key.spki_sha256, w);
	tpm_key_free(&key);
	TRY(r);
	TRY(wire(a, c, ak, &job->evidence, w));
	TRY(conf_hex(a, c, "expected_nonce", &job->report_data[0], w));
	job->report_data_n = job->report_data[0].p ? 1 : 0;
	return rc_of(OK);
}

/* The case writes the selection as a list of [bank, [numbers]]. */
static struct json *selection(struct arena *a, const struct json *claim)
{
	struct json *out = json_new_array(a);

	for (size_t i = 0; claim && i < claim->n; i++) {
		struct json *pair = json_new_array(a);

		json_push(a, pair, json_new_str(a, claim->members[i].name));
		json_push(a, pair, claim->members[i].value);
		json_push(a, out, pair);
	}
	return out;
}

static const struct json *claim_of(struct arena *a, const char *fact, const struct json *claims)
{
	static const struct {
		const char *fact, *claim;
	} same[] = {{"extra_data", "report_data"}, {"firmware", "firmware_version"}, {"sig_alg", "signature_scheme"},
		    {"sig_hash", "signature_hash"}};

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		if (!strcmp(fact, same[i].fact))
			return json_get(claims, same[i].claim);
	if (!strcmp(fact, "selection"))
		return selection(a, json_get(claims, "pcr_selection"));
	return json_get(claims, fact);
}

static RC facts(struct arena *a, const struct conf_case *c, const struct vjob *job, struct why *w)
{
	for (size_t i = 0; c->facts && i < c->facts->n; i++) {
		const char *name = arena_strndup(a, c->facts->members[i].name.p, c->facts->members[i].name.n);

		TRY(conf_same(a, name, claim_of(a, name, job->results[0].claims), c->facts->members[i].value, w));
	}
	return rc_of(OK);
}

const struct conf_adapter conf_tpm = {.platform = "tpm", .tee = "tpm", .prepare = prepare, .facts = facts, .run = run};
