#include "verifier/test_driver.h"

#include "base/num.h"
#include "crypto/x509.h"
#include "lab/lab_snp.h"
#include "verifier/snp/snp.h"

#define NOW 1795557718

struct world {
	struct lab_snp *lab;
	struct arena *a;
	struct slice ark, chain, vcek, crl;
};

static struct world w;

static int make(const char *generation)
{
	const struct lab_snp_options o = {.generation = generation, .rsa_bits = 2048, .now_s = NOW};

	w.a = arena_new(0);
	assert_true(rc_ok(lab_snp_new(&o, &w.lab, NULL)));
	assert_true(rc_ok(lab_snp_certificates(w.lab, w.a, &w.ark, &w.chain, &w.vcek, NULL)));
	assert_true(rc_ok(lab_snp_crl(w.lab, 1, NOW - 100, NOW + 100, false, w.a, &w.crl, NULL)));
	return 0;
}

static int setup(void **state)
{
	(void)state;
	return make("Genoa");
}

static int teardown(void **state)
{
	(void)state;
	lab_snp_free(w.lab);
	w.a = arena_free(w.a);
	return 0;
}

static struct slice report(const char *fields)
{
	struct json *v = NULL;
	struct slice out;
	struct why why = why_in(w.a);

	if (fields)
		assert_true(rc_ok(json_parse(w.a, slice_cstr(fields), NULL, &v, NULL)));
	if (!rc_ok(lab_snp_report(w.lab, v, w.a, &out, &why)))
		fail_msg("%s", why_text(&why));
	return out;
}

static void begin(struct trial *t, struct slice evidence)
{
	struct x509 *ark = NULL;

	trial_begin(t, evidence);
	t->job.no_time = false;
	t->job.now_s = NOW;
	trial_collateral(t, "amd-vcek", "", w.vcek);
	trial_collateral(t, "amd-ask-ark", "", w.chain);
	trial_collateral(t, "amd-crl", "", w.crl);
	assert_true(rc_ok(x509_from_any(w.ark, &ark, NULL)));
	trial_anchor(t, "amd-ark", x509_der(ark));
	x509_free(ark);
}

static void a_report_of_the_lab_verifies_for_every_generation(void **state)
{
	static const char *const all[] = {"Milan", "Genoa", "Turin"};

	for (size_t i = 0; i < COUNT_OF(all); i++) {
		struct json *doc;
		struct slice bin;
		struct trial t;

		teardown(state);
		make(all[i]);
		bin = report(NULL);
		begin(&t, bin);
		if (!rc_ok(trial_run(&t, &snp_driver)))
			fail_msg("%s: %s", all[i], why_render(&t.why, t.a));
		assert_true(slice_is(json_get(t.job.results[0].claims, "generation")->text, all[i]));
		trial_end(&t);
		assert_true(rc_ok(lab_snp_evidence(bin, w.a, &doc, NULL)));
		begin(&t, json_text(w.a, doc));
		if (!rc_ok(trial_run(&t, &snp_driver)))
			fail_msg("%s as JSON: %s", all[i], why_render(&t.why, t.a));
		trial_end(&t);
	}
}

static void nobody_trusts_the_lab_unless_it_is_named(void **state)
{
	struct trial t;

	(void)state;
	begin(&t, report(NULL));
	t.job.anchors_n = 0;
	t.job.only_configured_anchors = false;
	assert_int_equal(trial_run(&t, &snp_driver).code, E_DENIED);
	assert_string_equal(why_reason(&t.why), "snp.untrusted-root");
	trial_end(&t);
}

/* One field differs from what the certificate or the guest says: the explanation names it, and names nothing else. */
static void one_changed_field_is_named_and_no_other(void **state)
{
	static const struct {
		const char *fields, *reason, *subject;
	} all[] = {
		{"{\"reported_tcb\": \"0401000000001648\"}", "snp.tcb-mismatch", "reported_tcb_bootloader"},
		{"{\"reported_tcb\": \"0302000000001648\"}", "snp.tcb-mismatch", "reported_tcb_tee"},
		{"{\"reported_tcb\": \"0301000000001748\"}", "snp.tcb-mismatch", "reported_tcb_snp"},
		{"{\"reported_tcb\": \"0301000000001649\"}", "snp.tcb-mismatch", "reported_tcb_microcode"},
		{"{\"chip_id\": \"" "00010203040506070809000102030405060708090001020304050607080900010203040506070809000102030405060708090001020304050607080900010203" "\"}",
		 "snp.chip-id-mismatch", "chip_id"},
		{"{\"report_data\": \"" "01000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000" "\"}",
		 "snp.report-data-mismatch", "report_data"},
		{"{\"host_data\": \"0100000000000000000000000000000000000000000000000000000000000000\"}", "snp.init-data-mismatch", "init_data"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		static const uint8_t zero[64];
		struct trial t;

		begin(&t, report(all[i].fields));
		t.job.report_data[0] = slice_of(zero, sizeof(zero));
		t.job.report_data_n = 1;
		t.job.without = 0;
		t.job.init_data = slice_of(zero, 32);
		assert_int_equal(trial_run(&t, &snp_driver).code, E_DENIED);
		assert_string_equal(why_reason(&t.why), all[i].reason);
		if (!t.why.first->subject || strcmp(t.why.first->subject, all[i].subject) != 0)
			fail_msg("%s: the explanation names %s", all[i].subject, t.why.first->subject);
		trial_end(&t);
	}
}

/* Every field that is a claim: set to something else, that claim changes and no other. */
static void one_changed_field_changes_its_claim_and_no_other(void **state)
{
	static const struct {
		const char *fields, *claims[4];
	} all[] = {
		{"{\"vmpl\": 1}", {"vmpl"}},
		{"{\"guest_svn\": 7}", {"guest_svn"}},
		{"{\"policy\": 196609}", {"policy", "policy_abi_minor"}},
		{"{\"policy\": 196864}", {"policy", "policy_abi_major"}},
		{"{\"policy\": 131072}", {"policy", "policy_smt_allowed"}},
		{"{\"policy\": 458752}", {"policy", "policy_migrate_ma"}},
		{"{\"policy\": 720896}", {"policy", "policy_debug_allowed"}},
		{"{\"policy\": 1245184}", {"policy", "policy_single_socket"}},
		{"{\"platform_info\": 0}", {"platform_info", "platform_smt_enabled"}},
		{"{\"platform_info\": 3}", {"platform_info", "platform_tsme_enabled"}},
		{"{\"key_info\": 1}", {"author_key_enabled"}},
		{"{\"family_id\": \"01000000000000000000000000000000\"}", {"family_id"}},
		{"{\"image_id\": \"01000000000000000000000000000000\"}", {"image_id"}},
		{"{\"report_id\": \"0100000000000000000000000000000000000000000000000000000000000000\"}", {"report_id"}},
		{"{\"report_id_ma\": \"0100000000000000000000000000000000000000000000000000000000000000\"}", {"report_id_ma"}},
		{"{\"host_data\": \"0100000000000000000000000000000000000000000000000000000000000000\"}", {"init_data"}},
		{"{\"cpuid_stepping\": 2}", {"cpuid_stepping"}},
		{"{\"current_tcb\": \"0401000000001648\"}", {"current_tcb_bootloader"}},
		{"{\"committed_tcb\": \"0301000000001549\"}", {"committed_tcb_snp", "committed_tcb_microcode"}},
		{"{\"launch_tcb\": \"0300000000001648\"}", {"launch_tcb_tee"}},
	};
	struct trial good, t;
	const struct json *before;

	(void)state;
	begin(&good, report(NULL));
	assert_true(rc_ok(trial_run(&good, &snp_driver)));
	before = good.job.results[0].claims;
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		const struct json *after;
		unsigned expected = 0, changed = 0;

		begin(&t, report(all[i].fields));
		if (!rc_ok(trial_run(&t, &snp_driver)))
			fail_msg("%s: %s", all[i].fields, why_render(&t.why, t.a));
		after = t.job.results[0].claims;
		assert_int_equal(before->n, after->n);
		for (size_t k = 0; k < after->n; k++)
			changed += !json_equal(after->members[k].value, json_get_slice(before, after->members[k].name));
		for (; expected < 4 && all[i].claims[expected]; expected++)
			if (json_equal(json_get(before, all[i].claims[expected]), json_get(after, all[i].claims[expected])))
				fail_msg("%s leaves the claim %s as it was", all[i].fields, all[i].claims[expected]);
		if (changed != expected)
			fail_msg("%s changes %u claims, expected %u", all[i].fields, changed, expected);
		trial_end(&t);
	}
	trial_end(&good);
}

static void a_revoked_authority_and_an_old_list_are_refused(void **state)
{
	struct slice revoked;
	struct trial t;

	(void)state;
	assert_true(rc_ok(lab_snp_crl(w.lab, 2, NOW - 100, NOW + 100, true, w.a, &revoked, NULL)));
	begin(&t, report(NULL));
	t.collateral[2].bytes = revoked;
	assert_int_equal(trial_run(&t, &snp_driver).code, E_DENIED);
	assert_string_equal(why_reason(&t.why), "snp.revoked");
	trial_end(&t);
	begin(&t, report(NULL));
	t.job.now_s = NOW + 101;
	assert_int_equal(trial_run(&t, &snp_driver).code, E_DENIED);
	assert_string_equal(why_reason(&t.why), "snp.expired");
	why_clear(&t.why);
	t.job.results_n = t.job.wants_n = 0;
	t.job.stale_s = 1000;
	assert_true(rc_ok(trial_run(&t, &snp_driver)));
	assert_true(json_get(t.job.results[0].claims, "crl_stale")->boolean);
	trial_end(&t);
}

static void a_field_that_does_not_fit_is_refused(void **state)
{
	static const char *const bad[] = {"{\"nope\": 1}", "{\"vmpl\": 4294967296}", "{\"measurement\": 1}", "{\"measurement\": \"00\"}",
					  "{\"vmpl\": \"0000000g\"}", "{\"vmpl\": true}", "{\"cpuid_model\": 256}"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct json *v;
		struct slice out;

		assert_true(rc_ok(json_parse(w.a, slice_cstr(bad[i]), NULL, &v, NULL)));
		assert_int_equal(lab_snp_report(w.lab, v, w.a, &out, NULL).code, E_MALFORMED);
	}
}

int main(void)
{
#define ROW(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		ROW(a_report_of_the_lab_verifies_for_every_generation),
		ROW(nobody_trusts_the_lab_unless_it_is_named),
		ROW(one_changed_field_is_named_and_no_other),
		ROW(one_changed_field_changes_its_claim_and_no_other),
		ROW(a_revoked_authority_and_an_old_list_are_refused),
		ROW(a_field_that_does_not_fit_is_refused),
	};

	return cmocka_run_group_tests_name("lab", tests, NULL, NULL);
}
