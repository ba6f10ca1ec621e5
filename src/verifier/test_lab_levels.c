/* What a vendor of the laboratory says about a platform, and what it has revoked or not renewed, decides as it must: every state of
 * a TCB, every document that is of something else, every list. */
#include "verifier/test_world.h"

#include "base/num.h"
#include "lab/intel.h"
#include "lab/snp.h"

#define DAY  86400
#define Z_32 "0000000000000000000000000000000000000000000000000000000000000000"
#define Z_47 Z_32 "000000000000000000000000000000"
#define Z_48 Z_47 "00"

/* The piece of that kind that stands among the collateral, with these bytes in its place. */
static void replace(struct trial *t, const char *kind, const char *key, struct slice bytes)
{
	unsigned found = 0;

	for (size_t i = 0; i < t->job.collateral_n; i++)
		if (strcmp(t->collateral[i].kind, kind) == 0 && (!key || strcmp(t->collateral[i].key, key) == 0)) {
			t->collateral[i].bytes = bytes;
			found++;
		}
	assert_true(found > 0);
}

/* TCB info and QE identity with members of their own; documents: {"tcb": {...}, "qe": {...}}. */
static void publish(struct trial *t, const struct world *w, const char *documents)
{
	bool tdx = strcmp(w->lab.tee, "tdx") == 0;
	struct lab_dates d = {NOW - DAY, NOW + DAY};
	struct slice tcb, qe;
	struct json *v;

	assert_true(rc_ok(json_parse(w->a, slice_cstr(documents), NULL, &v, NULL)));
	assert_true(rc_ok(lab_intel_tcb_info(&w->lab, tdx, LAB_FMSPC, d, json_get(v, "tcb"), w->a, &tcb, NULL)));
	assert_true(rc_ok(lab_intel_qe_identity(&w->lab, tdx, d, json_get(v, "qe"), w->a, &qe, NULL)));
	replace(t, "intel-tcb-info", tdx ? "tdx/" LAB_FMSPC : "sgx/" LAB_FMSPC, tcb);
	replace(t, "intel-qe-identity", w->lab.tee, qe);
}

/* ---- states ---- */

#define COMPONENTS(x) "{\"pck_components\": \"" x x x x x x x x "0000000000000000\"}"
#define LEVEL(status) "{\"tcb\": {\"tcbLevels\": [" LEVEL_TCB ", \"tcbDate\": \"2026-01-01T00:00:00Z\", \"tcbStatus\": \"" status "\"}]}}"
#define SVN1	      "{\"svn\": 1}"
#define SVN4	      SVN1 "," SVN1 "," SVN1 "," SVN1
#define SVN0	      "{\"svn\": 0}"
#define SVN12	      SVN0 "," SVN0 "," SVN0 "," SVN0 "," SVN0 "," SVN0 "," SVN0 "," SVN0 "," SVN0 "," SVN0 "," SVN0 "," SVN0
#define LEVEL_TCB                                                                                                                 \
	"{\"tcb\": {\"sgxtcbcomponents\": [" SVN4 "," SVN12 "], \"pcesvn\": 1, \"tdxtcbcomponents\": [" SVN1 "," SVN0 "," SVN0 "," SVN0 \
	"," SVN12 "]}"
#define TD15(launch, current)                                                                                                     \
	"{\"version\": 5, \"body_type\": 3, \"tee_tcb_svn\": \"" launch "030600000000000000000000000000\","                           \
	"\"tee_tcb_svn2\": \"" current "030600000000000000000000000000\"}"

static const struct state {
	const char *tee, *fields, *documents;
	const char *status, *current, *advisories;	/* current NULL: as status */
} states[] = {
	{"tdx", NULL, NULL, "UpToDate", NULL, "[]"},
	{"tdx", COMPONENTS("06"), NULL, "SWHardeningNeeded", NULL, "[\"INTEL-SA-00615\"]"},
	{"tdx", COMPONENTS("05"), NULL, "ConfigurationNeeded", NULL, "[\"INTEL-SA-00657\"]"},
	{"tdx", COMPONENTS("04"), NULL, "OutOfDate", NULL, "[\"INTEL-SA-00837\"]"},
	{"tdx", "{\"pck_pcesvn\": 12}", NULL, "OutOfDate", NULL, "[\"INTEL-SA-00837\"]"},
	{"tdx", "{\"qe_isv_svn\": 7}", NULL, "OutOfDate", NULL, "[\"INTEL-SA-00828\"]"},
	{"tdx", "{\"tee_tcb_svn\": \"06030600000000000000000000000000\"}", NULL, "OutOfDate", NULL, "[\"INTEL-SA-01036\"]"},
	{"tdx", "{\"tee_tcb_svn\": \"08030500000000000000000000000000\"}", NULL, "SWHardeningNeeded", NULL, "[\"INTEL-SA-00615\"]"},
	{"tdx", "{\"pck_components\": \"05050505050505050000000000000000\", \"qe_isv_svn\": 7}", NULL, "OutOfDateConfigurationNeeded", NULL,
	 "[\"INTEL-SA-00657\",\"INTEL-SA-00828\"]"},
	{"tdx", TD15("06", "08"), NULL, "TDRelaunchAdvised", "UpToDate", "[\"INTEL-SA-01036\"]"},
	{"tdx", TD15("06", "06"), NULL, "OutOfDate", NULL, "[\"INTEL-SA-01036\"]"},
	{"tdx", TD15("08", "06"), NULL, "UpToDate", "OutOfDate", "[]"},
	{"tdx", NULL, LEVEL("ConfigurationAndSWHardeningNeeded"), "ConfigurationAndSWHardeningNeeded", NULL, "[]"},
	{"tdx", NULL, LEVEL("OutOfDateConfigurationNeeded"), "OutOfDateConfigurationNeeded", NULL, "[]"},
	{"sgx", NULL, NULL, "UpToDate", NULL, "[]"},
	{"sgx", COMPONENTS("06"), NULL, "SWHardeningNeeded", NULL, "[\"INTEL-SA-00615\"]"},
	{"sgx", COMPONENTS("03"), NULL, "OutOfDate", NULL, "[\"INTEL-SA-00837\"]"},
	{"sgx", "{\"qe_isv_svn\": 6}", NULL, "OutOfDate", NULL, "[\"INTEL-SA-00828\"]"},
	{"sgx", NULL, LEVEL("ConfigurationNeeded"), "ConfigurationNeeded", NULL, "[]"},
};

static void every_state_of_a_platform_is_told_with_its_advisories(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(states); i++) {
		const struct state *s = &states[i];
		const struct json *claims;
		struct world w;
		struct trial t;

		world_open(&w, s->tee, NULL);
		begin(&t, &w, s->fields);
		if (s->documents)
			publish(&t, &w, s->documents);
		if (!rc_ok(trial_run(&t, w.driver)))
			fail_msg("%s row %zu: %s", s->tee, i, why_render(&t.why, t.a));
		claims = t.job.results[0].claims;
		if (!slice_is(json_get(claims, "tcb_status")->text, s->status) ||
		    !slice_is(json_get(claims, "tcb_status_current")->text, s->current ? s->current : s->status) ||
		    !slice_is(json_text(t.a, json_get(claims, "advisory_ids")), s->advisories))
			fail_msg("%s row %zu: %s", s->tee, i, (const char *)json_text(t.a, claims).p);
		trial_end(&t);
		world_close(&w);
	}
}

/* ---- documents ---- */

#define MODULE_1 "{\"tcb\": {\"tdxModuleIdentities\": [{\"id\": \"TDX_01\", \"mrsigner\": \"" Z_48 "\", \"attributes\": \"0000000000000000\","    \
		 "\"attributesMask\": \"ffffffffffffffff\", \"tcbLevels\": []}]}}"

/* A module whose attributes the vendor states: they must be those of the TD, and zero all the same. */
#define MODULE_3 "{\"tcb\": {\"tdxModuleIdentities\": [{\"id\": \"TDX_03\", \"mrsigner\": \"" Z_48 "\", \"attributes\": \"0100000000000000\","    \
		 "\"attributesMask\": \"0000000000000000\", \"tcbLevels\": [{\"tcb\": {\"isvsvn\": 0}, \"tcbDate\": \"2026-01-01T00:00:00Z\","     \
		 "\"tcbStatus\": \"UpToDate\"}]}]}}"

static const struct refusal {
	const char *tee, *fields, *documents, *reason;
} refusals[] = {
	{"tdx", COMPONENTS("02"), NULL, "dcap.tcb-revoked"},
	{"tdx", COMPONENTS("00"), NULL, "dcap.tcb-not-supported"},
	{"tdx", "{\"pck_pcesvn\": 4}", NULL, "dcap.tcb-not-supported"},
	{"tdx", "{\"tee_tcb_svn\": \"01030600000000000000000000000000\"}", NULL, "dcap.tcb-revoked"},
	{"tdx", "{\"tee_tcb_svn\": \"00030600000000000000000000000000\"}", NULL, "dcap.tcb-not-supported.module"},
	{"tdx", "{\"tee_tcb_svn\": \"08020600000000000000000000000000\"}", NULL, "dcap.tdx-module-mismatch.identity"},
	{"tdx", TD15("08", "01"), NULL, "dcap.tcb-revoked"},
	{"tdx", NULL, LEVEL("Revoked"), "dcap.tcb-revoked"},
	{"tdx", NULL, LEVEL("TDRelaunchAdvised"), "dcap.parse.tcb-info"},
	{"tdx", NULL, "{\"tcb\": {\"fmspc\": \"000000000001\"}}", "dcap.fmspc-mismatch"},
	{"tdx", NULL, "{\"tcb\": {\"pceId\": \"0001\"}}", "dcap.pceid-mismatch"},
	{"tdx", NULL, "{\"tcb\": {\"id\": \"SGX\"}}", "dcap.tcb-info-mismatch"},
	{"tdx", NULL, "{\"tcb\": {\"version\": 4}}", "dcap.unsupported.tcb-info"},
	{"tdx", NULL, "{\"tcb\": {\"tcbType\": 1}}", "dcap.unsupported.tcb-info"},
	{"tdx", NULL, "{\"tcb\": {\"tcbLevels\": []}}", "dcap.tcb-not-supported"},
	{"tdx", NULL, "{\"tcb\": {\"tdxModuleIdentities\": []}}", "dcap.tcb-info-mismatch.module"},
	{"tdx", NULL, MODULE_1, "dcap.tdx-module-mismatch.identity"},
	{"tdx", NULL, MODULE_3, "dcap.tdx-module-mismatch.attributes"},
	{"tdx", "{\"seam_attributes\": \"0100000000000000\"}", MODULE_3, "dcap.tdx-module-mismatch.attributes"},
	{"tdx", "{\"seam_attributes\": \"0100000000000000\"}", NULL, "dcap.tdx-module-mismatch.attributes"},
	{"tdx", "{\"mrsigner_seam\": \"01" Z_47 "\"}", NULL, "dcap.tdx-module-mismatch.mrsigner"},
	{"tdx", NULL, "{\"qe\": {\"id\": \"QE\"}}", "dcap.qe-identity-mismatch.id"},
	{"tdx", NULL, "{\"qe\": {\"isvprodid\": 1}}", "dcap.qe-identity-mismatch.isvprodid"},
	{"tdx", NULL, "{\"qe\": {\"mrsigner\": \"" Z_32 "\"}}", "dcap.qe-identity-mismatch.mrsigner"},
	{"tdx", NULL, "{\"qe\": {\"miscselect\": \"01000000\"}}", "dcap.qe-identity-mismatch.miscselect"},
	{"tdx", NULL, "{\"qe\": {\"attributes\": \"13000000000000000000000000000000\"}}", "dcap.qe-identity-mismatch.attributes"},
	/* what the mask leaves out must not be asked for: the two contradict each other */
	{"tdx", NULL, "{\"qe\": {\"miscselect\": \"01000000\", \"miscselectMask\": \"00000000\"}}", "dcap.qe-identity-mismatch.miscselect"},
	{"tdx", NULL, "{\"qe\": {\"attributesMask\": \"00000000000000000000000000000000\"}}", "dcap.qe-identity-mismatch.attributes"},
	{"tdx", NULL, "{\"qe\": {\"tcbLevels\": []}}", "dcap.qe-not-supported"},
	{"sgx", NULL, LEVEL("Revoked"), "dcap.tcb-revoked"},
	{"sgx", NULL, "{\"tcb\": {\"id\": \"TDX\"}}", "dcap.tcb-info-mismatch"},
	{"sgx", NULL, "{\"tcb\": {\"fmspc\": \"000000000001\"}}", "dcap.fmspc-mismatch"},
	{"sgx", NULL, "{\"qe\": {\"id\": \"TD_QE\"}}", "dcap.qe-identity-mismatch.id"},
	{"sgx", NULL, "{\"qe\": {\"isvprodid\": 2}}", "dcap.qe-identity-mismatch.isvprodid"},
};

/* CVE-2026-22696, GHSA-796p-j2gh-9m2q: the identity of the quoting enclave was fetched, and neither its signer, product nor level
 * enforced. */
static void what_a_vendor_signs_about_something_else_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(refusals); i++) {
		const struct refusal *r = &refusals[i];
		struct world w;
		struct trial t;

		world_open(&w, r->tee, NULL);
		begin(&t, &w, r->fields);
		if (r->documents)
			publish(&t, &w, r->documents);
		if (rc_ok(trial_run(&t, w.driver)) || strcmp(why_reason(&t.why), r->reason) != 0)
			fail_msg("%s row %zu: %s, expected %s", r->tee, i, why_reason(&t.why), r->reason);
		trial_end(&t);
		world_close(&w);
	}
}

/* Intel TDX Module ABI, ATTRIBUTES: bits 0 to 7 are one group, and any of them says that the TD is under debug. */
static void any_bit_of_its_group_puts_a_td_under_debug(void **state)
{
	static const struct {
		const char *attributes;
		bool debug, migratable;
	} row[] = {
		{"0000001000000000", false, false}, {"0100001000000000", true, false}, {"0200000000000000", true, false},
		{"8000000000000000", true, false},  {"0001000000000000", false, false}, {"0000003000000000", false, true},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(row); i++) {
		const struct json *c;
		struct world w;
		struct trial t;

		world_open(&w, "tdx", NULL);
		begin(&t, &w, arena_printf(w.a, "{\"td_attributes\":\"%s\"}", row[i].attributes));
		assert_true(rc_ok(trial_run(&t, w.driver)));
		c = json_get(t.job.results[0].claims, "td_attributes");
		assert_int_equal(json_get(c, "debug")->boolean, row[i].debug);
		assert_int_equal(json_get(c, "migratable")->boolean, row[i].migratable);
		trial_end(&t);
		world_close(&w);
	}
}

/* A vendor publishes documents of several evaluations side by side: what counts is the older of the two that were used. */
static void the_lower_evaluation_of_the_two_documents_is_told(void **state)
{
	static const char *const documents[] = {
		"{\"tcb\": {\"tcbEvaluationDataNumber\": 17}, \"qe\": {\"tcbEvaluationDataNumber\": 18}}",
		"{\"tcb\": {\"tcbEvaluationDataNumber\": 18}, \"qe\": {\"tcbEvaluationDataNumber\": 17}}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(documents); i++) {
		struct world w;
		struct trial t;

		world_open(&w, "tdx", NULL);
		begin(&t, &w, NULL);
		publish(&t, &w, documents[i]);
		assert_true(rc_ok(trial_run(&t, w.driver)));
		assert_true(slice_is(json_get(t.job.results[0].claims, "tcb_eval_num")->text, "17"));
		trial_end(&t);
		world_close(&w);
	}
}

/* ---- lists ---- */

/* One list of the world, issued anew. */
static void issue_list(struct trial *t, const struct world *w, const char *kind, const char *key, struct lab_dates d, bool revoke, bool signer)
{
	const struct lab_intel_crl c = {.by = strcmp(kind, "intel-root-crl") == 0 ? LAB_INTEL_ROOT
					     : strcmp(key, "processor") == 0	  ? LAB_INTEL_PROCESSOR
										  : LAB_INTEL_PLATFORM,
					.number = 2, .dates = d, .revoke = revoke, .revoke_signer = signer};
	struct slice der;

	if (strncmp(kind, "amd-", 4) == 0)
		assert_true(rc_ok(lab_snp_crl(&w->lab, 2, d.from_s, d.to_s, revoke, w->a, &der, NULL)));
	else
		assert_true(rc_ok(lab_intel_crl(&w->lab, &c, w->a, &der, NULL)));
	replace(t, kind, key, der);
}

static const struct list {
	const char *tee, *fields, *kind, *key;
	bool signer;
	const char *revoked, *expired;
} lists[] = {
	{"snp", NULL, "amd-crl", "Genoa", false, "snp.revoked", "snp.expired"},
	{"snp", "{\"signing_key\": \"vlek\"}", "amd-crl", "Genoa/vlek", false, "snp.revoked", "snp.expired"},
	{"tdx", NULL, "intel-root-crl", "", false, "dcap.revoked.pck-ca", "dcap.expired.root-crl"},
	{"tdx", NULL, "intel-root-crl", "", true, "dcap.revoked.tcb-signing", "dcap.expired.root-crl"},
	{"tdx", NULL, "intel-pck-crl", "platform", false, "dcap.revoked.pck", "dcap.expired.pck-crl"},
	{"tdx", "{\"pck_ca\": \"processor\"}", "intel-pck-crl", "processor", false, "dcap.revoked.pck", "dcap.expired.pck-crl"},
	{"sgx", NULL, "intel-root-crl", "", false, "dcap.revoked.pck-ca", "dcap.expired.root-crl"},
	{"sgx", NULL, "intel-pck-crl", "platform", false, "dcap.revoked.pck", "dcap.expired.pck-crl"},
};

/* CVE-2024-2660, CVE-2022-41316: a list that was at hand was not honoured. */
static void what_is_on_a_list_is_refused_fresh_or_stale(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(lists) * 2; i++) {
		const struct list *l = &lists[i / 2];
		struct lab_dates d = {NOW - 9 * DAY, i % 2 ? NOW - DAY : NOW + DAY};
		struct world w;
		struct trial t;

		world_open(&w, l->tee, NULL);
		begin(&t, &w, l->fields);
		t.job.stale_s = 2 * DAY;
		issue_list(&t, &w, l->kind, l->key, d, !l->signer, l->signer);
		if (rc_ok(trial_run(&t, w.driver)) || strcmp(why_reason(&t.why), l->revoked) != 0)
			fail_msg("%s %s: %s, expected %s", l->tee, l->kind, why_reason(&t.why), l->revoked);
		trial_end(&t);
		world_close(&w);
	}
}

/* To the second: behind its nextUpdate a list counts as long as the grace says, and the claims say that it was so. */
static void a_list_counts_within_its_grace_to_the_second(void **state)
{
	static const struct {
		int64_t late_s, grace_s;
		bool accepted, stale;
	} all[] = {{0, 0, true, false}, {1, 0, false, false}, {3600, 3600, true, true}, {3601, 3600, false, false}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(lists) * COUNT_OF(all); i++) {
		const struct list *l = &lists[i / COUNT_OF(all)];
		size_t k = i % COUNT_OF(all);
		/* Intel's dates end where the next update is due, AMD's a second later */
		bool intel = strcmp(l->tee, "snp") != 0;
		struct lab_dates d = {NOW - 9 * DAY, NOW - all[k].late_s + (intel && !all[k].late_s)};
		struct world w;
		struct trial t;
		rc r;

		world_open(&w, l->tee, NULL);
		begin(&t, &w, l->fields);
		t.job.stale_s = all[k].grace_s;
		issue_list(&t, &w, l->kind, l->key, d, false, false);
		r = trial_run(&t, w.driver);
		if (rc_ok(r) != all[k].accepted || (!rc_ok(r) && strcmp(why_reason(&t.why), l->expired) != 0))
			fail_msg("%s %s row %zu: %s", l->tee, l->kind, k, why_reason(&t.why));
		if (rc_ok(r)) {
			const struct json *c = t.job.results[0].claims;
			bool stale = intel ? slice_is(json_get(c, "collateral_expiration_status")->text, "1") : json_get(c, "crl_stale")->boolean;

			assert_int_equal(stale, all[k].stale);
		}
		trial_end(&t);
		world_close(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_state_of_a_platform_is_told_with_its_advisories),
		cmocka_unit_test(what_a_vendor_signs_about_something_else_is_refused),
		cmocka_unit_test(any_bit_of_its_group_puts_a_td_under_debug),
		cmocka_unit_test(the_lower_evaluation_of_the_two_documents_is_told),
		cmocka_unit_test(what_is_on_a_list_is_refused_fresh_or_stale),
		cmocka_unit_test(a_list_counts_within_its_grace_to_the_second),
	};

	return cmocka_run_group_tests_name("lab_levels", tests, NULL, forget_worlds);
}
