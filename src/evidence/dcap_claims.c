#include "base/num.h"
#include "base/sys.h"
#include "codec/base64.h"
#include "evidence/dcap_verify.h"
#include "evidence/octets.h"

#define EVIDENCE_MAX ((size_t)8 << 20)

static void set_date(struct arena *a, struct json *o, const char *name, int64_t t)
{
	char text[32];

	time_rfc3339(t, text);
	json_set(a, o, name, json_new_cstr(a, text));
}

static void set_hex(struct arena *a, struct json *o, const char *name, const uint8_t *p, size_t n)
{
	json_set(a, o, name, json_new_hex(a, slice_of(p, n)));
}

static struct json *texts(struct arena *a, const struct slice *list, size_t n)
{
	struct json *ids = json_new_array(a);

	for (size_t i = 0; i < n; i++)
		json_push(a, ids, json_new_str(a, list[i]));
	return ids;
}

static void set_result(struct arena *a, struct json *o, const struct dcap_tcb_result *t, const char *status, const char *date,
		       const char *advisories)
{
	json_set(a, o, status, json_new_cstr(a, dcap_status_text(t->status)));
	json_set(a, o, advisories, texts(a, t->advisories, t->advisories_n));
	set_date(a, o, date, t->date);
}

static void set_part(struct arena *a, struct json *o, const char *name, enum dcap_status s)
{
	if (dcap_status_text(s))
		json_set(a, o, name, json_new_cstr(a, dcap_status_text(s)));
}

static void tcb_claims(struct arena *a, struct json *o, const struct dcap_verdict *v)
{
	set_result(a, o, &v->launch, "tcb_status", "tcb_date", "advisory_ids");
	set_result(a, o, &v->current, "tcb_status_current", "tcb_date_current", "advisory_ids_current");
	json_set(a, o, "tcb_eval_num", json_new_u64(a, v->evaluation));
	set_part(a, o, "tcb_status_platform", v->launch.platform);
	set_date(a, o, "tcb_date_platform", v->launch.platform_date);
	json_set(a, o, "advisory_ids_platform",
		 texts(a, v->launch.platform_advisories, v->launch.platform_advisories_n));
	set_part(a, o, "tcb_status_qe", v->launch.qe);
	set_part(a, o, "tcb_status_tdx_module", v->launch.module);
}

static const char *type_text(struct arena *a, unsigned type)
{
	static const char *const names[] = {"Standard", "Scalable", "Scalable with Integrity"};

	return type < COUNT_OF(names) ? names[type] : arena_printf(a, "Unknown (%u)", type);
}

static void pck_claims(struct arena *a, struct json *o, const struct dcap_pck *p)
{
	struct json *svns = json_new_array(a);
	uint8_t reversed[sizeof(p->instance_id)];

	set_hex(a, o, "platform_provider_id", p->ppid, sizeof(p->ppid));
	json_set(a, o, "sgx_type", json_new_cstr(a, type_text(a, p->sgx_type)));
	if (p->sgx_type > 0 && p->has_config) {
		json_set(a, o, "is_dynamic_platform", json_new_bool(a, p->dynamic_platform));
		json_set(a, o, "is_cached_keys", json_new_bool(a, p->cached_keys));
		json_set(a, o, "is_smt_enabled", json_new_bool(a, p->smt_enabled));
	}
	if (p->has_instance_id) {
		for (size_t i = 0; i < sizeof(reversed); i++)
			reversed[i] = p->instance_id[sizeof(reversed) - 1 - i];
		set_hex(a, o, "platform_instance_id", reversed, sizeof(reversed));
	}
	set_hex(a, o, "fmspc", p->fmspc, sizeof(p->fmspc));
	set_hex(a, o, "pce_id", p->pce_id, sizeof(p->pce_id));
	json_set(a, o, "pce_svn", json_new_u64(a, p->pcesvn));
	for (size_t i = 0; i < DCAP_COMPONENTS; i++)
		json_push(a, svns, json_new_u64(a, p->components[i]));
	json_set(a, o, "tcb_components", svns);
}

void dcap_claims(struct arena *a, struct json *claims, const struct dcap_verdict *v)
{
	if (v->has_tcb)
		tcb_claims(a, claims, v);
	json_set(a, claims, "collateral_expiration_status", json_new_cstr(a, v->stale ? "1" : "0"));
	set_date(a, claims, "earliest_issue_date", v->earliest_issue);
	set_date(a, claims, "latest_issue_date", v->latest_issue);
	set_date(a, claims, "earliest_expiration_date", v->earliest_expiration);
	if (v->has_crls) {
		json_set(a, claims, "pck_crl_num", json_new_u64(a, v->pck_crl_number));
		json_set(a, claims, "root_ca_crl_num", json_new_u64(a, v->root_crl_number));
	}
	pck_claims(a, claims, &v->pck);
	set_hex(a, claims, "root_key_id", v->root_key_id, sizeof(v->root_key_id));
	json_set(a, claims, "qe_isv_svn", json_new_u64(a, v->qe_isv_svn));
	json_set(a, claims, "pck_ca", json_new_cstr(a, v->ca_kind == DCAP_CA_PLATFORM ? "platform" : "processor"));
}

/* ---- what the quote says ---- */

struct hex_claim {
	const char *name;
	struct slice bytes;
};

static struct json *hex_object(struct arena *a, const struct hex_claim *list, size_t n)
{
	struct json *o = json_new_object(a);

	for (size_t i = 0; i < n; i++)
		if (list[i].bytes.p)
			json_set(a, o, list[i].name, json_new_hex(a, list[i].bytes));
	return o;
}

static struct json *td_body(struct arena *a, const struct dcap_td *t)
{
	const struct hex_claim list[] = {
		{"tcb_svn", t->tee_tcb_svn},	   {"mr_seam", t->mr_seam},	{"mrsigner_seam", t->mrsigner_seam},
		{"seam_attributes", t->seam_attributes}, {"td_attributes", t->td_attributes}, {"xfam", t->xfam},
		{"mr_td", t->mr_td},		   {"mr_config_id", t->mr_config_id}, {"mr_owner", t->mr_owner},
		{"mr_owner_config", t->mr_owner_config}, {"rtmr_0", t->rtmr[0]}, {"rtmr_1", t->rtmr[1]},
		{"rtmr_2", t->rtmr[2]},		   {"rtmr_3", t->rtmr[3]},	{"report_data", t->report_data},
		{"tee_tcb_svn2", t->tee_tcb_svn2}, {"mr_servicetd", t->mr_servicetd},
	};

	return hex_object(a, list, COUNT_OF(list));
}

static struct json *bits_object(struct arena *a, uint64_t value, const char *const *names, const unsigned *bits, size_t n)
{
	struct json *o = json_new_object(a);

	for (size_t i = 0; i < n; i++)
		json_set(a, o, names[i], json_new_bool(a, value >> bits[i] & 1));
	return o;
}

void dcap_td_claims(struct arena *a, struct json *claims, const struct dcap_quote *q)
{
	static const char *const names[] = {"lass", "septve_disable", "migratable", "protection_keys", "key_locker",
					    "tpa", "perfmon"};
	static const unsigned bits[] = {27, 28, 29, 30, 31, 62, 63};
	const struct hex_claim header[] = {
		{"version", q->h_version},   {"att_key_type", q->h_key_type}, {"tee_type", q->h_tee_type},
		{"reserved", q->h_reserved}, {"vendor_id", q->h_vendor_id},   {"user_data", q->h_user_data},
	};
	const struct hex_claim descriptor[] = {{"type", q->v5_type}, {"size", q->v5_size}};
	struct json *quote = hex_object(a, descriptor, COUNT_OF(descriptor)), *td;

	json_set(a, quote, "header", hex_object(a, header, COUNT_OF(header)));
	json_set(a, quote, "body", td_body(a, &q->td));
	json_set(a, claims, "quote", quote);
	td = bits_object(a, q->td.td_attributes_value, names, bits, COUNT_OF(names));
	json_set(a, td, "debug", json_new_bool(a, q->td.td_attributes_value & DCAP_TD_UNDER_DEBUG));
	json_set(a, claims, "td_attributes", td);
	json_set(a, claims, "report_data", json_new_hex(a, q->td.report_data));
	json_set(a, claims, "init_data", json_new_hex(a, q->td.mr_config_id));
}

static struct json *enclave_body(struct arena *a, const struct dcap_enclave *e)
{
	/* Two names hold a dot: they are names, not paths. */
	const struct hex_claim list[] = {
		{"cpu_svn", e->cpu_svn},	 {"misc_select", e->misc_select}, {"reserved1", e->reserved1},
		{"isv_ext_prod_id", e->isv_ext_prod_id}, {"attributes.flags", e->flags}, {"attributes.xfrm", e->xfrm},
		{"mr_enclave", e->mr_enclave},	 {"reserved2", e->reserved2},	  {"mr_signer", e->mr_signer},
		{"reserved3", e->reserved3},	 {"config_id", e->config_id},	  {"isv_prod_id", e->isv_prod_id},
		{"isv_svn", e->isv_svn},	 {"config_svn", e->config_svn},	  {"reserved4", e->reserved4},
		{"isv_family_id", e->isv_family_id}, {"report_data", e->report_data},
	};

	return hex_object(a, list, COUNT_OF(list));
}

void dcap_enclave_claims(struct arena *a, struct json *claims, const struct dcap_quote *q)
{
	static const char *const names[] = {"init", "debug", "mode64bit", "provision_key", "einittoken_key", "kss", "aex_notify"};
	static const unsigned bits[] = {0, 1, 2, 4, 5, 7, 10};
	const struct dcap_enclave *e = &q->enclave;
	const struct hex_claim header[] = {
		{"version", q->h_version}, {"att_key_type", q->h_key_type}, {"att_key_data_0", q->h_tee_type},
		{"qe_svn", q->h_qe_svn},   {"pce_svn", q->h_pce_svn},	    {"vendor_id", q->h_vendor_id},
		{"user_data", q->h_user_data},
	};

	json_set(a, claims, "header", hex_object(a, header, COUNT_OF(header)));
	json_set(a, claims, "body", enclave_body(a, e));
	json_set(a, claims, "enclave_attributes", bits_object(a, e->flags_value, names, bits, COUNT_OF(names)));
	json_set(a, claims, "debug", json_new_bool(a, e->flags_value & DCAP_SGX_FLAG_DEBUG));
	json_set(a, claims, "isv_prod_id", json_new_u64(a, e->isv_prod_id_value));
	json_set(a, claims, "isv_svn", json_new_u64(a, e->isv_svn_value));
	json_set(a, claims, "report_data", json_new_hex(a, e->report_data));
	json_set(a, claims, "init_data", json_new_hex(a, e->config_id));
}

/* ---- evidence ---- */

static bool is_json(struct slice in)
{
	size_t i = 0;

	while (i < in.n && (in.p[i] == ' ' || in.p[i] == '\t' || in.p[i] == '\n' || in.p[i] == '\r'))
		i++;
	return i < in.n && (in.p[i] == '{' || in.p[i] == '[');
}

static RC read_document(struct vjob *job, struct slice *quote, const struct json **doc, struct why *w)
{
	struct json_limits limits = {.max_bytes = EVIDENCE_MAX, .max_depth = 8, .max_nodes = 1000};
	struct json *v;
	struct slice text;

	TRY(json_parse(job->arena, job->evidence, &limits, &v, w));
	TRY(json_need_str(v, "quote", &text, "evidence", w));
	TRY(b64_decode(job->arena, B64_STD, text, quote, "quote", w));
	*doc = v;
	return rc_of(OK);
}

RC dcap_evidence(struct vjob *job, struct slice *quote, const struct json **doc)
{
	struct why inner = why_in(job->arena);

	*doc = NULL;
	if (is_json(job->evidence))
		return recast(read_document(job, quote, doc, &inner), &inner, "dcap.parse.evidence", "dcap.parse.evidence",
			      job->why);
	*quote = job->evidence;
	return rc_of(OK);
}
