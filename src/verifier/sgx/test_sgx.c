#include "verifier/test_dcap.h"

#include "verifier/sgx/sgx.h"

#define GOOD "sgx-v3-automata-00606a"
#define FLIPS 2000u

static void every_recorded_case_has_its_verdict(void **state)
{
	(void)state;
	run_cases("sgx", &sgx_driver, false);
}

static void a_verdict_is_the_same_with_memory(void **state)
{
	(void)state;
	run_cases("sgx", &sgx_driver, true);
}

static void the_debug_bit_is_a_claim(void **state)
{
	struct arena *a = arena_new(0);

	(void)state;
	for (int debug = 0; debug < 2; debug++) {
		const struct json *c = shared_case(a, "sgx", debug ? "sgx-synth-v3-debug-enclave" : "sgx-synth-v3-ok");
		struct trial t;

		dcap_begin(&t, c);
		assert_true(rc_ok(dcap_run(&t, &sgx_driver, c)));
		assert_int_equal(json_get(t.job.results[0].claims, "debug")->boolean, debug);
		assert_int_equal(json_pointer(t.job.results[0].claims, "/enclave_attributes/debug")->boolean, debug);
		assert_non_null(json_pointer(t.job.results[0].claims, "/body/attributes.flags"));
		trial_end(&t);
	}
	arena_free(a);
}

/* The TCB of a verdict comes from the certificate: what the enclave's own report says of CPUSVN has no say. */
static void the_tcb_is_taken_from_the_certificate(void **state)
{
	struct arena *a = arena_new(0);
	const struct json *c = shared_case(a, "sgx", GOOD), *svns = json_get(json_get(c, "facts"), "pck_sgx_tcb");
	struct trial t;

	(void)state;
	dcap_begin(&t, c);
	assert_true(rc_ok(dcap_run(&t, &sgx_driver, c)));
	assert_true(json_equal(svns, json_get(t.job.results[0].claims, "tcb_components")));
	trial_end(&t);
	arena_free(a);
}

static void init_data_is_the_configuration_id(void **state)
{
	struct arena *a = arena_new(0);
	const struct json *c = shared_case(a, "sgx", GOOD);
	uint8_t other[64] = {1}, same[64] = {0};

	(void)state;
	for (int bad = 0; bad < 2; bad++) {
		struct trial t;

		dcap_begin(&t, c);
		t.job.init_data = slice_of(bad ? other : same, 64);
		assert_int_equal(rc_ok(dcap_run(&t, &sgx_driver, c)), !bad);
		if (bad)
			assert_string_equal(why_reason(&t.why), "sgx.init-data-mismatch");
		trial_end(&t);
	}
	arena_free(a);
}

static void a_quote_of_tdx_is_no_evidence_of_sgx(void **state)
{
	struct arena *a = arena_new(0);
	struct trial t;

	(void)state;
	dcap_begin(&t, shared_case(a, "tdx", "tdx-synth-v4-ok"));
	assert_int_equal(sgx_driver.plan(&t.job).code, E_UNSUPPORTED);
	assert_string_equal(why_reason(&t.why), "sgx.unsupported.tee-type");
	trial_end(&t);
	arena_free(a);
}

static void no_flipped_bit_of_a_quote_is_accepted(void **state)
{
	(void)state;
	flip_quote("sgx", GOOD, &sgx_driver, FLIPS);
}

static void no_flipped_bit_of_collateral_changes_a_verdict(void **state)
{
	(void)state;
	flip_collateral("sgx", GOOD, &sgx_driver, FLIPS / 4);
}

static void a_quote_cut_at_any_length_is_malformed(void **state)
{
	(void)state;
	cut_quote("sgx", GOOD, &sgx_driver);
}

static void no_failed_allocation_gives_half_a_verdict(void **state)
{
	(void)state;
	fail_every_allocation("sgx", GOOD, &sgx_driver);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_recorded_case_has_its_verdict),
		cmocka_unit_test(a_verdict_is_the_same_with_memory),
		cmocka_unit_test(the_debug_bit_is_a_claim),
		cmocka_unit_test(the_tcb_is_taken_from_the_certificate),
		cmocka_unit_test(init_data_is_the_configuration_id),
		cmocka_unit_test(a_quote_of_tdx_is_no_evidence_of_sgx),
		cmocka_unit_test(no_flipped_bit_of_a_quote_is_accepted),
		cmocka_unit_test(no_flipped_bit_of_collateral_changes_a_verdict),
		cmocka_unit_test(a_quote_cut_at_any_length_is_malformed),
		cmocka_unit_test(no_failed_allocation_gives_half_a_verdict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
