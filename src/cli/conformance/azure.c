/* Recorded evidence of Azure's confidential VMs: whole documents, and parts of them. */
#include "base/num.h"
#include "cli/conformance/adapters.h"
#include "cli/conformance/dcap.h"
#include "codec/base64.h"
#include "crypto/digest.h"
#include "crypto/pkey.h"
#include "evidence/hcl.h"
#include "evidence/octets.h"
#include "evidence/tpm.h"

static const struct tpm_reasons tpm_words = {.parse = "azure.parse.quote",
					     .bad_magic = "azure.bad-magic",
					     .not_a_quote = "azure.not-a-quote",
					     .signature = "azure.signature-tpm",
					     .pcr_mismatch = "azure.pcr-mismatch"};

/* The intermediates and roots of every product: the evidence brings the VCEK alone. */
static RC add_amd_chain(struct arena *a, const struct conf_case *c, struct vjob *job, struct why *w)
{
	static const char *const files[] = {"snp/certs/milan_ask.pem", "snp/certs/milan_ark.pem", "snp/certs/genoa_ask.pem",
					    "snp/certs/genoa_ark.pem"};
	struct buf all = buf_in(a, 0);

	for (size_t i = 0; i < COUNT_OF(files); i++) {
		struct slice pem;

		TRY(conf_path(a, c, slice_cstr(files[i]), &pem, w));
		buf_slice(&all, pem);
		buf_puts(&all, "\n");
	}
	return conf_collateral(a, job, "amd-ask-ark", "", buf_view(&all), w);
}

static RC message_of(struct arena *a, const struct json *doc, struct slice *out, struct why *w)
{
	const struct json *quote = json_get(doc, "tpm_quote") ? json_get(doc, "tpm_quote") : json_get(doc, "quote");
	const struct json *message = json_get(quote, "message");

	if (json_is(message, JSON_STRING))
		return hex_decode(a, message->text, out, "message", w);
	return octets_need(a, quote, "message", 0, TPM_ATTEST_MAX, out, "quote", w);
}

/* The nonce that the case states. A case without one is not about the nonce: then the quote's own is expected. */
static RC add_nonce(struct arena *a, const struct conf_case *c, const struct json *doc, struct vjob *job, struct why *w)
{
	struct tpm_quote quote;
	struct slice nonce, message;

	TRY(conf_hex(a, c, "expected_nonce", &nonce, w));
	if (!nonce.p && rc_ok(message_of(a, doc, &message, NULL)) && rc_ok(tpm_quote_parse(message, &tpm_words, &quote, NULL)))
		nonce = quote.extra_data;
	if (!nonce.p)
		nonce = SLICE_LIT("");
	job->report_data[job->report_data_n++] = nonce;
	return rc_of(OK);
}

/* Report, quote and certificate in files of their own: the document that a guest would have made of them. */
static RC join_parts(struct arena *a, const struct conf_case *c, struct slice *out, struct why *w)
{
	struct json *doc = json_new_object(a), *quote;
	struct slice hcl, text, vcek;

	TRY(conf_file(a, c, "hcl_report", &hcl, w));
	TRY(conf_file(a, c, "tpm_quote", &text, w));
	TRY(conf_file(a, c, "vcek", &vcek, w));
	TRY(json_parse(a, text, NULL, &quote, w));
	json_set(a, doc, "version", json_new_u64(a, 1));
	json_set(a, doc, "tpm_quote", quote);
	json_set(a, doc, "hcl_report", json_new_str(a, b64_text(a, B64_URL_PAD, hcl)));
	json_set(a, doc, "vcek", json_new_str(a, b64_text(a, B64_URL_PAD, vcek)));
	*out = json_text(a, doc);
	return rc_of(OK);
}

static RC prepare(struct arena *a, const struct conf_case *c, struct vjob *job, const char **tee, struct why *w)
{
	struct json *doc;

	if (conf_has(c, "quote")) {
		*tee = "tdx";
		return conf_dcap_prepare(a, c, job, w);
	}
	if (conf_has(c, "evidence")) {
		TRY(conf_file(a, c, "evidence", &job->evidence, w));
	} else if (conf_has(c, "tpm_quote")) {
		TRY(join_parts(a, c, &job->evidence, w));
	} else {
		*tee = NULL;
		return rc_of(OK);
	}
	TRY(json_parse(a, job->evidence, NULL, &doc, w));
	*tee = json_get(doc, "td_quote") ? "az-tdx-vtpm" : "az-snp-vtpm";
	/* The recordings have no collateral of Intel beside them. */
	job->without = VJOB_WITHOUT_TCB | VJOB_WITHOUT_CRL;
	TRY(add_nonce(a, c, doc, job, w));
	return add_amd_chain(a, c, job, w);
}

/* A report, or a report with a quote that some key signed: no evidence for a driver, but two of its checks. */
static RC run(struct vjob *job, const struct conf_case *c)
{
	struct arena *a = job->arena;
	struct json *claims = vjob_result(job, "cpu");
	struct slice raw, message, signature, report_data;
	struct tpm_signature sig = {.scheme = TPM_RSASSA, .hash = DIGEST_SHA256};
	struct hcl_report hcl;
	struct pkey *ak;
	rc r;

	TRY(conf_file(a, c, "hcl_report", &raw, job->why));
	TRY(conf_file(a, c, "tpm_quote_msg", &message, job->why));
	TRY(conf_file(a, c, "tpm_quote_sig", &signature, job->why));
	TRY(hcl_parse(a, raw, &hcl, job->why));
	report_data = slice_sub(hcl.hw_report, 0x50, 64);
	TRY(hcl_binds(&hcl, report_data, "azure.binding-vardata", job->why));
	if (message.p) {
		sig.rsa = signature;
		TRY(pkey_from_rsa(hcl.ak_n, hcl.ak_e, &ak, job->why));
		r = tpm_signature_check(&sig, ak, message, a, &tpm_words, job->why);
		pkey_free(ak);
		TRY(r);
	}
	json_set(a, claims, "var_data_sha256", json_new_hex(a, slice_sub(report_data, 0, 32)));
	json_set(a, claims, "report_data", json_new_hex(a, report_data));
	json_set(a, claims, "measurement", json_new_hex(a, slice_sub(hcl.hw_report, 0x90, 48)));
	json_set(a, claims, "binding", json_new_bool(a, true));
	return rc_of(OK);
}

/* ---- facts ---- */

static const struct row {
	const char *fact, *claim;
} rows[] = {
	{"hcl_version", "/hcl/version"},
	{"report_type", "/hcl/report_type"},
	{"var_data_sha256", "/hcl/var_data_sha256"},
	{"user_data", "/hcl/user_data"},
	{"vm_configuration", "/hcl/vm_configuration"},
	{"tpm_extra_data", "/report_data"},
	{"tpm_pcr_digest", "/tpm_quote/pcr_digest"},
	{"pcr_digest", "/tpm_quote/pcr_digest"},
};

/* Claims of az-snp-vtpm are text, the measurement is in base64. */
static const struct row snp_rows[] = {
	{"report_data", "/hardware_report_data"}, {"host_data", "/host_data"}, {"chip_id", "/chip_id"}, {"policy", "/policy"},
};

static RC compare_rows(struct arena *a, const struct row *table, size_t n, const struct json *facts, const struct json *claims,
		       struct why *w)
{
	for (size_t i = 0; i < n; i++)
		if (json_get(facts, table[i].fact))
			TRY(conf_same(a, table[i].fact, json_pointer(claims, table[i].claim), json_get(facts, table[i].fact), w));
	return rc_of(OK);
}

static RC compare_snp(struct arena *a, const struct json *facts, const struct json *claims, struct why *w)
{
	static const char *const numbers[] = {"version", "vmpl"};
	const struct json *m = json_get(claims, "measurement");
	struct slice bytes = {0};

	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		const struct json *claim = json_get(claims, numbers[i]), *fact = json_get(facts, numbers[i]);

		if (fact)
			TRY(conf_same(a, numbers[i], json_is(claim, JSON_STRING) ? json_new_number(a, claim->text) : NULL, fact, w));
	}
	if (json_get(facts, "measurement")) {
		if (json_is(m, JSON_STRING))
			TRY(b64_decode(a, B64_STD, m->text, &bytes, "measurement", w));
		TRY(conf_same(a, "measurement", json_new_hex(a, bytes), json_get(facts, "measurement"), w));
	}
	return compare_rows(a, snp_rows, COUNT_OF(snp_rows), facts, claims, w);
}

static RC compare_pcrs(struct arena *a, const struct json *facts, const struct json *claims, struct why *w)
{
	const struct json *pcrs = json_get(facts, "pcrs_sha256");

	for (size_t i = 0; pcrs && i < pcrs->n; i++) {
		struct slice n = pcrs->members[i].name;
		const char *name = arena_printf(a, "/tpm/pcr%s" SLICE_FMT, n.n == 1 ? "0" : "", SLICE_ARG(n));

		TRY(conf_same(a, name, json_pointer(claims, name), pcrs->members[i].value, w));
	}
	return rc_of(OK);
}

static RC facts(struct arena *a, const struct conf_case *c, const struct vjob *job, struct why *w)
{
	const struct json *claims = job->results[0].claims, *f = c->facts;

	if (conf_has(c, "quote"))
		return conf_dcap_facts(a, f, claims, w);
	if (json_get(f, "binding"))	/* a report alone */
		return conf_same(a, "var_data_sha256", json_get(claims, "var_data_sha256"), json_get(f, "var_data_sha256"), w);
	TRY(compare_rows(a, rows, COUNT_OF(rows), f, claims, w));
	TRY(compare_pcrs(a, f, claims, w));
	if (json_get(f, "tdx")) {
		const struct json *hw = json_get(claims, "hardware_report_data"), *said = json_pointer(f, "/tdx/reportdata");
		struct json *td = json_new_object(a);

		/* report_data is the nonce here; the TD's own has another name */
		for (size_t i = 0; i < json_get(f, "tdx")->n; i++)
			if (!slice_is(json_get(f, "tdx")->members[i].name, "reportdata"))
				json_set_slice(a, td, json_get(f, "tdx")->members[i].name, json_get(f, "tdx")->members[i].value);
		TRY(conf_same(a, "reportdata", hw, said, w));
		return conf_dcap_facts(a, td, claims, w);
	}
	return compare_snp(a, json_get(f, "snp") ? json_get(f, "snp") : f, claims, w);
}

const struct conf_adapter conf_azure = {
	.platform = "azure", .tee = "az-snp-vtpm", .prepare = prepare, .facts = facts, .run = run};
