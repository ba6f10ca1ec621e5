/* Recorded quotes of tdx and sgx. */
#include "cli/conformance/dcap.h"

#include "base/num.h"
#include "cli/conformance/adapters.h"
#include "codec/base64.h"
#include "crypto/x509.h"

/* A quote lies bare, behind a header of some library, or in hex in a member of a JSON document. */
static RC read_quote(struct arena *a, const struct conf_case *c, struct slice *out, struct why *w)
{
	struct slice raw, field = conf_text(c, "quote_json_field");
	const struct json *member;
	struct json *doc;
	uint64_t offset;

	TRY(conf_file(a, c, "quote", &raw, w));
	if (json_u64(json_get(c->inputs, "quote_offset"), &offset))
		raw = slice_sub(raw, offset, raw.n);
	if (field.n) {
		TRY(json_parse(a, raw, NULL, &doc, w));
		member = json_get_slice(doc, field);
		if (!json_is(member, JSON_STRING))
			return deny(w, E_MALFORMED, "conformance.input", "%s: the quote's member is no text", c->id);
		TRY(hex_decode(a, member->text, &raw, "quote", w));
	}
	*out = raw;
	return rc_of(OK);
}

static RC add_collateral(struct arena *a, const struct conf_case *c, struct vjob *job, struct why *w)
{
	static const struct {
		const char *kind, *role;
	} roles[] = {
		{"intel-tcb-info", "tcb_info"},	      {"intel-tcb-info-chain", "tcb_signing_chain"},
		{"intel-qe-identity", "qe_identity"}, {"intel-qe-identity-chain", "tcb_signing_chain"},
		{"intel-pck-crl", "pck_crl"},	      {"intel-root-crl", "root_crl"},
	};

	for (size_t i = 0; i < COUNT_OF(roles); i++) {
		struct slice bytes;

		TRY(conf_file(a, c, roles[i].role, &bytes, w));
		if (bytes.p)
			TRY(conf_collateral(a, job, roles[i].kind, "", bytes, w));
	}
	/* A case that lists no collateral asks for a verdict without it. */
	if (!conf_has(c, "tcb_info"))
		job->without |= VJOB_WITHOUT_TCB;
	if (!conf_has(c, "pck_crl") || !conf_has(c, "root_crl"))
		job->without |= VJOB_WITHOUT_CRL;
	return rc_of(OK);
}

/* The root of a made-up hierarchy: its key is the anchor, as the pin of Intel's is. */
static RC add_anchor(struct arena *a, const struct conf_case *c, struct vjob *job, struct why *w)
{
	struct slice bytes;
	struct x509 *root;
	rc r;

	TRY(conf_file(a, c, "trust_anchor", &bytes, w));
	if (!bytes.p)
		return rc_of(OK);
	TRY(x509_from_any(bytes, &root, w));
	r = conf_anchor(a, job, "intel-sgx-root", x509_spki_sha256(root), w);
	x509_free(root);
	job->only_configured_anchors = true;
	return r;
}

RC conf_dcap_prepare(struct arena *a, const struct conf_case *c, struct vjob *job, struct why *w)
{
	struct slice data;

	TRY(read_quote(a, c, &job->evidence, w));
	TRY(add_collateral(a, c, job, w));
	TRY(add_anchor(a, c, job, w));
	TRY(conf_hex(a, c, "expected_report_data", &data, w));
	if (data.p)
		job->report_data[job->report_data_n++] = data;
	return rc_of(OK);
}

static RC prepare(struct arena *a, const struct conf_case *c, struct vjob *job, const char **tee, struct why *w)
{
	(void)tee;
	return conf_dcap_prepare(a, c, job, w);
}

/* ---- facts ---- */

enum form { SAME, MODULE, LITTLE_ENDIAN, SGX_TYPE, CA_NAME, FRONT };

/* A fact and the claim that must say the same. The cases state the date of the platform's level alone. */
static const struct row {
	const char *fact, *claim;
	enum form form;
} rows[] = {
	{"tee_tcb_svn", "/quote/body/tcb_svn", SAME},
	{"tee_tcb_svn2", "/quote/body/tee_tcb_svn2", SAME},
	{"mrseam", "/quote/body/mr_seam", SAME},
	{"seamattributes", "/quote/body/seam_attributes", SAME},
	{"tdattributes", "/quote/body/td_attributes", SAME},
	{"xfam", "/quote/body/xfam", SAME},
	{"mrtd", "/quote/body/mr_td", SAME},
	{"mrconfigid", "/init_data", SAME},
	{"mrservicetd", "/quote/body/mr_servicetd", SAME},
	{"rtmr0", "/quote/body/rtmr_0", SAME},
	{"rtmr1", "/quote/body/rtmr_1", SAME},
	{"rtmr2", "/quote/body/rtmr_2", SAME},
	{"rtmr3", "/quote/body/rtmr_3", SAME},
	{"td_debug", "/td_attributes/debug", SAME},
	{"tdx_level_status", "/tcb_status_platform", SAME},
	{"tdx_module_status", "/tcb_status_tdx_module", MODULE},
	{"cpusvn", "/body/cpu_svn", SAME},
	{"miscselect", "/body/misc_select", LITTLE_ENDIAN},
	{"mrenclave", "/body/mr_enclave", SAME},
	{"mrsigner", "/body/mr_signer", SAME},
	{"isvprodid", "/isv_prod_id", SAME},
	{"isvsvn", "/isv_svn", SAME},
	{"debug", "/debug", SAME},
	{"sha256_of_held_data", "/report_data", FRONT},
	{"qe_isvsvn", "/qe_isv_svn", SAME},
	{"fmspc", "/fmspc", SAME},
	{"pceid", "/pce_id", SAME},
	{"pce_svn", "/pce_svn", SAME},
	{"pck_sgx_tcb", "/tcb_components", SAME},
	{"pck_ca", "/pck_ca", CA_NAME},
	{"sgx_type", "/sgx_type", SGX_TYPE},
	{"tcb_eval_data_number", "/tcb_eval_num", SAME},
	{"tcb_date", "/tcb_date_platform", SAME},
	{"qe_status", "/tcb_status_qe", SAME},
	{"tcb_status", "/tcb_status", SAME},
};

/* What the claim says, in the words of the fact. */
static const struct json *worded(struct arena *a, const struct json *claim, const struct json *fact, enum form form)
{
	static const char *const types[] = {"Standard", "Scalable", "Scalable with Integrity"};
	struct slice bytes;
	uint64_t v = 0;

	switch (form) {
	case SAME:
		return claim;
	case MODULE:	/* module 1.0 has no level of its own: the cases call that up to date */
		return claim ? claim : json_new_cstr(a, "UpToDate");
	case LITTLE_ENDIAN:
		if (!json_is(claim, JSON_STRING) || !rc_ok(hex_decode(a, claim->text, &bytes, "claim", NULL)) || bytes.n > 8)
			return NULL;
		for (size_t i = bytes.n; i-- > 0;)
			v = v << 8 | bytes.p[i];
		return json_new_u64(a, v);
	case SGX_TYPE:
		for (size_t i = 0; json_is(claim, JSON_STRING) && i < COUNT_OF(types); i++)
			if (slice_is(claim->text, types[i]))
				return json_new_u64(a, i);
		return NULL;
	case CA_NAME:
		if (!json_is(claim, JSON_STRING))
			return NULL;
		return json_new_cstr(a, slice_is(claim->text, "platform") ? "Intel SGX PCK Platform CA" :
									    "Intel SGX PCK Processor CA");
	case FRONT:
		return json_is(claim, JSON_STRING) && json_is(fact, JSON_STRING) ?
			       json_new_str(a, slice_sub(claim->text, 0, fact->text.n)) : NULL;
	}
	return NULL;
}

static bool all_in(const struct json *list, const struct json *whole)
{
	for (size_t i = 0; list && i < list->n; i++) {
		bool found = false;

		for (size_t k = 0; whole && k < whole->n && !found; k++)
			found = json_equal(json_at(list, i), json_at(whole, k));
		if (!found)
			return false;
	}
	return true;
}

/* The cases state those of the platform and of the TDX module; the claim has those of the quoting enclave too. */
static RC compare_advisories(struct arena *a, const struct json *stated, const struct json *claims, struct why *w)
{
	const struct json *all = json_get(claims, "advisory_ids");

	if (all && all_in(stated, all) && all_in(json_get(claims, "advisory_ids_platform"), stated))
		return rc_of(OK);
	return conf_same(a, "advisories", all, stated, w);
}

RC conf_dcap_facts(struct arena *a, const struct json *facts, const struct json *claims, struct why *w)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct json *fact = json_get(facts, rows[i].fact), *claim = json_pointer(claims, rows[i].claim);

		if (fact)
			TRY(conf_same(a, rows[i].fact, worded(a, claim, fact, rows[i].form), fact, w));
	}
	if (json_get(facts, "advisories"))
		TRY(compare_advisories(a, json_get(facts, "advisories"), claims, w));
	if (json_get(facts, "reportdata"))
		TRY(conf_same(a, "reportdata", json_get(claims, "report_data"), json_get(facts, "reportdata"), w));
	return rc_of(OK);
}

static RC facts(struct arena *a, const struct conf_case *c, const struct vjob *job, struct why *w)
{
	return conf_dcap_facts(a, c->facts, job->results[0].claims, w);
}

const struct conf_adapter conf_tdx = {.platform = "tdx", .tee = "tdx", .prepare = prepare, .facts = facts};
const struct conf_adapter conf_sgx = {.platform = "sgx", .tee = "sgx", .prepare = prepare, .facts = facts};
