/* Every driver without memory, for each allocation that can fail: a refusal, and never a verdict with a part of it missing. */
#include "verifier/test_world.h"

#include "base/num.h"
#include "evidence/memo.h"

/* How often a verification of its kind can be repeated: the first allocations one by one, then one of `stride`. Variants begin at
 * different ones. */
static const struct pace {
	const char *tee;
	bool remembers;	/* certificates that were seen before (evidence/memo.h) */
	uint64_t all_up_to, stride;
} paces[] = {
	{"snp", true, 300, 7},	  {"tdx", true, 1000, 1},    {"sgx", true, 1000, 1},	{"tpm", false, 1000, 1},
	{"cca", false, 300, 5},	  {"nitro", false, 1000, 1}, {"nvidia", false, 60, 7}, {"csv", false, 200, 37},
	{"hygondcu", false, 1000, 1},
};

static const struct pace *pace;	/* of the test that runs */
static unsigned variant;

/* As in a worker that has seen nothing yet, and then as in one that remembers. */
static void starve(const struct trial *good, const struct vdriver *d)
{
	struct trial t = *good;

	assert_true(trial_starve(good, d, pace->all_up_to + variant, pace->stride) > 20);
	if (!pace->remembers)
		return;
	t.job.memo = memo_new(0);
	assert_non_null(t.job.memo);
	assert_true(trial_starve(&t, d, pace->all_up_to + variant, pace->stride) > 20);
	memo_free(t.job.memo);
}

static void starve_variant(struct world *w)
{
	struct trial t;

	if (strcmp(w->lab.tee, pace->tee) != 0)
		return;
	begin(&t, w, NULL);
	starve(&t, w->driver);
	trial_end(&t);
	variant++;
}

static void starve_tee(const char *tee)
{
	variant = 0;
	for (pace = paces; strcmp(pace->tee, tee) != 0; pace++)
		assert_true(pace < paces + COUNT_OF(paces) - 1);
	each_variant(starve_variant);
	assert_true(variant > 0);
}

static void snp_without_memory_is_refused(void **state)
{
	(void)state;
	starve_tee("snp");
}

static void tdx_without_memory_is_refused(void **state)
{
	(void)state;
	starve_tee("tdx");
}

static void sgx_without_memory_is_refused(void **state)
{
	(void)state;
	starve_tee("sgx");
}

static void tpm_without_memory_is_refused(void **state)
{
	(void)state;
	starve_tee("tpm");
}

static void cca_without_memory_is_refused(void **state)
{
	(void)state;
	starve_tee("cca");
}

static void nitro_without_memory_is_refused(void **state)
{
	(void)state;
	starve_tee("nitro");
}

static void nvidia_without_memory_is_refused(void **state)
{
	(void)state;
	starve_tee("nvidia");
}

static void csv_without_memory_is_refused(void **state)
{
	(void)state;
	starve_tee("csv");
}

static void dcu_without_memory_is_refused(void **state)
{
	(void)state;
	starve_tee("hygondcu");
}

static void sample_without_memory_is_refused(void **state)
{
	static const char *const tees[] = {"sample", "sampledevice"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct trial t;

		trial_begin(&t, SLICE_LIT("{\"svn\": \"1\", \"report_data\": \"YWJj\"}"));
		t.job.insecure_sample = true;
		t.job.report_data[0] = SLICE_LIT("abc");
		t.job.report_data_n = 1;
		t.job.init_data = SLICE_LIT("\1");
		assert_true(trial_starve(&t, registry_find(tees[i]), 100, 1) > 10);
		trial_end(&t);
	}
}

/* The words of a driver may be what finds no memory. */
/* CVE-2022-3500, CVE-2023-3674: an error within a verification, and a failure that was only logged, left the guest trusted. */
static void the_registry_refuses_with_a_reason_and_accepts_only_what_is_whole(void **state)
{
	bool done = false;
	uint64_t n;

	(void)state;
	for (n = 1; !done; n++) {
		struct trial t;
		rc r;

		trial_begin(&t, n % 2 ? SLICE_LIT("{\"svn\": \"1\", \"report_data\": \"YWJj\"}") : SLICE_LIT("{\"svn\": \"1\"}"));
		t.job.insecure_sample = true;
		arena_fail_at(t.a, (n + 1) / 2);
		r = registry_run("sample", VERIFIER_PLAN, &t.job);
		if (rc_ok(r))
			r = registry_run("sample", VERIFIER_VERIFY, &t.job);
		arena_fail_at(t.a, 0);
		done = rc_ok(r);
		assert_int_equal(rc_ok(r), why_empty(&t.why));
		assert_false(done && arena_bad(t.a));
		trial_end(&t);
	}
	assert_true(n > 20);
}

static void the_registry_knows_its_drivers_and_no_others(void **state)
{
	struct trial t;

	(void)state;
	trial_begin(&t, SLICE_LIT("{}"));
	assert_int_equal(registry_run("no-such", VERIFIER_PLAN, &t.job).code, E_UNSUPPORTED);
	assert_string_equal(why_reason(&t.why), "verifier.tee");
	trial_end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(snp_without_memory_is_refused),
		cmocka_unit_test(tdx_without_memory_is_refused),
		cmocka_unit_test(sgx_without_memory_is_refused),
		cmocka_unit_test(tpm_without_memory_is_refused),
		cmocka_unit_test(cca_without_memory_is_refused),
		cmocka_unit_test(nitro_without_memory_is_refused),
		cmocka_unit_test(nvidia_without_memory_is_refused),
		cmocka_unit_test(csv_without_memory_is_refused),
		cmocka_unit_test(dcu_without_memory_is_refused),
		cmocka_unit_test(sample_without_memory_is_refused),
		cmocka_unit_test(the_registry_refuses_with_a_reason_and_accepts_only_what_is_whole),
		cmocka_unit_test(the_registry_knows_its_drivers_and_no_others),
	};

	return cmocka_run_group_tests(tests, NULL, forget_worlds);
}
