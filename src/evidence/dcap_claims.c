#include "base/num.h"
#include "base/sys.h"
#include "evidence/dcap_verify.h"

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

static void set_result(struct arena *a, struct json *o, const struct dcap_tcb_result *t, const char *status, const char *date,
		       const char *advisories)
{
	struct json *ids = json_new_array(a);

	for (size_t i = 0; i < t->advisories_n; i++)
		json_push(a, ids, json_new_str(a, t->advisories[i]));
	json_set(a, o, status, json_new_cstr(a, dcap_status_text(t->status)));
	json_set(a, o, advisories, ids);
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
	json_set(a, claims, "pck_ca", json_new_cstr(a, v->ca_kind == DCAP_CA_PLATFORM ? "platform" : "processor"));
}
