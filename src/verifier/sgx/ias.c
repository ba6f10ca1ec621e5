#include "verifier/sgx/ias.h"

#include "base/sys.h"
#include "codec/base64.h"
#include "crypto/x509.h"
#include "evidence/dcap_verify.h"
#include "evidence/octets.h"

#define BODY_MAX    (64u << 10)
#define QUOTE_SIZE  432u	/* header and report body; the signature is the service's business */
#define CERTS_MAX   4u
#define ADVISORIES_MAX 64u

static const struct vpath_reasons path_reasons = {"sgx.chain.ias", "sgx.untrusted-root.ias", "sgx.expired.ias"};

/* What the service may say. A status without a claim is a denial. */
static const struct {
	const char *ias, *claim;
} statuses[] = {
	{"OK", "UpToDate"},
	{"GROUP_OUT_OF_DATE", "OutOfDate"},
	{"CONFIGURATION_NEEDED", "ConfigurationNeeded"},
	{"SW_HARDENING_NEEDED", "SWHardeningNeeded"},
	{"CONFIGURATION_AND_SW_HARDENING_NEEDED", "ConfigurationAndSWHardeningNeeded"},
};

struct report {
	struct slice body, signature, pem;	/* as the evidence has them */
	struct slice id, timestamp, status, quote, advisory_url;
	uint64_t version;
	int64_t at_s;
	const struct json *advisories;	/* NULL: none */
	struct dcap_quote q;
};

bool sgx_ias_is(const struct json *doc)
{
	return json_get(doc, "ias_report") != NULL;
}

/* ---- reading ---- */

static RC need_b64(struct arena *a, const struct json *v, const char *name, size_t max, struct slice *out, struct why *w)
{
	struct slice text;

	TRY(json_need_str(v, name, &text, "the report", w));
	if (text.n > (max + 2) / 3 * 4)
		return deny(w, E_MALFORMED, "sgx.parse.ias", "%s is longer than %zu bytes", name, max);
	return b64_decode(a, B64_STD, text, out, name, w);
}

/* "2020-05-20T12:34:56.123456": UTC, without the letter that says so. */
static RC read_time(struct arena *a, struct slice t, int64_t *out, struct why *w)
{
	const char *text = arena_printf(a, SLICE_FMT "Z", SLICE_ARG(slice_sub(t, 0, 40)));

	return text ? time_parse_rfc3339(slice_cstr(text), out, w) : deny(w, E_INTERNAL, "sgx.memory", "no memory for a time");
}

/* The header is that of an EPID quote; the report body is the one that other quotes have. */
static RC read_quote(struct report *r, struct why *w)
{
	struct slice q = r->quote;

	if (q.n != QUOTE_SIZE)
		return deny(w, E_MALFORMED, "sgx.parse.ias", "the quote in the report has %zu bytes, expected %u", q.n, QUOTE_SIZE);
	r->q.h_version = slice_sub(q, 0, 2);
	r->q.h_key_type = slice_sub(q, 2, 2);
	r->q.h_tee_type = slice_sub(q, 4, 4);	/* the EPID group here */
	r->q.h_qe_svn = slice_sub(q, 8, 2);
	r->q.h_pce_svn = slice_sub(q, 10, 2);
	r->q.h_vendor_id = slice_sub(q, 12, 4);	/* extended EPID group */
	r->q.h_user_data = slice_sub(q, 16, 32);	/* basename */
	return dcap_enclave_parse(slice_sub(q, DCAP_HEADER, DCAP_SGX_REPORT), &r->q.enclave, w);
}

static RC read_body(struct arena *a, struct report *r, struct why *w)
{
	const struct json_limits limits = {.max_bytes = BODY_MAX, .max_depth = 6, .max_nodes = 512};
	struct json *v;

	TRY(json_parse(a, r->body, &limits, &v, w));
	TRY(json_need_str(v, "id", &r->id, "the report", w));
	TRY(json_need_str(v, "timestamp", &r->timestamp, "the report", w));
	TRY(json_need_u64(v, "version", 99, &r->version, "the report", w));
	TRY(json_need_str(v, "isvEnclaveQuoteStatus", &r->status, "the report", w));
	TRY(need_b64(a, v, "isvEnclaveQuoteBody", QUOTE_SIZE, &r->quote, w));
	TRY(json_opt_str(v, "advisoryURL", &r->advisory_url, "the report", w));
	r->advisories = json_get(v, "advisoryIDs");
	if (r->advisories && (r->advisories->kind != JSON_ARRAY || r->advisories->n > ADVISORIES_MAX))
		return deny(w, E_MALFORMED, "sgx.parse.ias", "advisoryIDs is no list, or too long");
	for (size_t i = 0; r->advisories && i < r->advisories->n; i++)
		if (!json_is(r->advisories->items[i], JSON_STRING))
			return deny(w, E_MALFORMED, "sgx.parse.ias", "an advisory id is no text");
	if (r->version != 4 && r->version != 5)
		return deny(w, E_UNSUPPORTED, "sgx.unsupported.ias", "report version %llu, taken are 4 and 5", (unsigned long long)r->version);
	TRY(read_time(a, r->timestamp, &r->at_s, w));
	return read_quote(r, w);
}

static RC read_report(struct vjob *job, const struct json *doc, struct report *r)
{
	struct why inner = why_in(job->arena);
	rc x = need_b64(job->arena, doc, "ias_report", BODY_MAX, &r->body, &inner);

	if (rc_ok(x))
		x = need_b64(job->arena, doc, "ias_signature", 1024, &r->signature, &inner);
	if (rc_ok(x))
		x = json_need_str(doc, "ias_certificates", &r->pem, "evidence", &inner);
	return recast(x, &inner, "sgx.parse.ias", "sgx.unsupported.ias", job->why);
}

/* ---- is it the service's? ---- */

/* The body is looked at once its signature holds: all that is needed before is when it was made, which is then proven too. */
static RC check_certs(struct vjob *job, struct report *r, struct x509 *const *certs, size_t n)
{
	struct why inner = why_in(job->arena);
	struct x509_path path;
	rc x;

	TRY(vjob_anchored_path(job, certs[0], certs, n, "intel-ias-root", &path_reasons, &path));
	if (path.n < 2)
		return deny(job->why, E_DENIED, "sgx.chain.ias", "the root itself signed the report");
	if (!x509_key(certs[0]))
		return deny(job->why, E_UNSUPPORTED, "sgx.unsupported.ias", "the service's certificate has an unknown kind of key");
	x = pkey_verify(x509_key(certs[0]), SIG_RS256, r->body, r->signature, "sgx.signature.ias", &inner);
	if (!rc_ok(x))
		return deny(job->why, x.code == E_INTERNAL ? E_INTERNAL : E_DENIED, "sgx.signature.ias", "the report is not signed by the service: %s",
			    why_text(&inner));
	TRY(recast(read_body(job->arena, r, &inner), &inner, "sgx.parse.ias", "sgx.unsupported.ias", job->why));
	if (!job->no_time && r->at_s > job->now_s)
		return deny(job->why, E_DENIED, "sgx.expired.ias", "the report is of the future");
	return vjob_path_at(job, &path, r->at_s, &path_reasons);
}

static RC check_signed(struct vjob *job, struct report *r)
{
	struct why inner = why_in(job->arena);
	struct x509 *certs[CERTS_MAX];
	size_t n = 0;
	rc x;

	TRY(recast(x509_list_from_pem(r->pem, certs, CERTS_MAX, &n, &inner), &inner, "sgx.parse.ias", "sgx.unsupported.ias", job->why));
	x = check_certs(job, r, certs, n);
	x509_free_all(certs, n);
	return x;
}

static const char *claim_of(struct slice status)
{
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		if (slice_is(status, statuses[i].ias))
			return statuses[i].claim;
	return NULL;
}

static RC add_claims(struct vjob *job, const struct report *r, const char *status)
{
	struct json *claims = vjob_result(job, "cpu"), *ias = json_new_object(job->arena);
	struct arena *a = job->arena;

	dcap_enclave_claims(a, claims, &r->q);
	json_set(a, claims, "tcb_status", json_new_cstr(a, status));
	json_set(a, claims, "advisory_ids", r->advisories ? r->advisories : json_new_array(a));
	json_set(a, ias, "status", json_new_str(a, r->status));
	json_set(a, ias, "id", json_new_str(a, r->id));
	json_set(a, ias, "version", json_new_u64(a, r->version));
	json_set(a, ias, "timestamp", json_new_str(a, r->timestamp));
	json_set(a, ias, "age_s", json_new_i64(a, job->now_s - r->at_s));
	json_set(a, ias, "epid_group_id", json_new_hex(a, r->q.h_tee_type));
	if (r->advisory_url.p)
		json_set(a, ias, "advisory_url", json_new_str(a, r->advisory_url));
	json_set(a, claims, "ias", ias);
	return arena_bad(a) || !claims ? deny(job->why, E_INTERNAL, "sgx.memory", "no memory for the claims") : rc_of(OK);
}

rc sgx_ias_verify(struct vjob *job, const struct json *doc)
{
	struct report *r = ARENA_NEW(job->arena, struct report);
	const char *status;
	rc x;

	if (!r)
		return deny(job->why, E_INTERNAL, "sgx.memory", "no memory for a report");
	TRY(read_report(job, doc, r));
	TRY(check_signed(job, r));
	status = claim_of(r->status);
	if (!status) {
		x = deny(job->why, E_DENIED, "sgx.ias-status", "the service refused the quote");
		why_compared(job->why, "ias.status", arena_strndup(job->arena, r->status.p, r->status.n), "OK, or one that policy may take");
		return x;
	}
	TRY(vjob_check_report_data(job, r->q.enclave.report_data, FIT_ZERO_PAD, "sgx.report-data-mismatch"));
	TRY(vjob_check_init_data(job, r->q.enclave.config_id, FIT_ZERO_PAD, "sgx.init-data-mismatch"));
	return add_claims(job, r, status);
}
