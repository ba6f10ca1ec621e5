/* The same verdict in a worker as in this process, with everything that drivers use: SM2, COSE, certificates, XML, OCSP. */
#include "verifier/test_driver.h"

#include "verifier/pool.h"
#include "verifier/registry.h"

static struct pool *pool;

static int open_pool(void **state)
{
	(void)state;
	return rc_ok(pool_open(&(struct pool_options){.workers = 1}, &pool, NULL)) ? 0 : -1;
}

static int close_pool(void **state)
{
	(void)state;
	pool_close(pool);
	return 0;
}

/* Runs plan and verify both ways and compares results, wants and reasons. The trial is ended. */
static void same_both_ways(struct trial *t, const char *tee)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct vjob job = t->job;
	rc here = registry_run(tee, VERIFIER_PLAN, &t->job), there;

	job.arena = a;
	job.why = &w;
	there = pool_run(pool, tee, VERIFIER_PLAN, &job, 0);
	assert_int_equal(here.code, there.code);
	/* after a refusal nobody looks at what was named */
	if (rc_ok(here))
		assert_int_equal(t->job.wants_n, job.wants_n);
	for (unsigned i = 0; rc_ok(here) && i < job.wants_n; i++) {
		assert_string_equal(t->job.wants[i].kind, job.wants[i].kind);
		assert_string_equal(t->job.wants[i].key, job.wants[i].key);
	}
	if (rc_ok(here)) {
		here = registry_run(tee, VERIFIER_VERIFY, &t->job);
		there = pool_run(pool, tee, VERIFIER_VERIFY, &job, 0);
	}
	if (here.code != there.code || strcmp(why_reason(&t->why), why_reason(&w)))
		fail_msg("%s: here %s (%s), in a worker %s (%s)", tee, rc_name(here.code), why_reason(&t->why), rc_name(there.code),
			 why_text(&w));
	assert_int_equal(t->job.results_n, job.results_n);
	for (unsigned i = 0; i < job.results_n; i++)
		assert_true(json_equal(t->job.results[i].claims, job.results[i].claims));
	arena_free(a);
	trial_end(t);
}

static void hygon_csv(void **state)
{
	struct trial t;

	(void)state;
	trial_begin(&t, (struct slice){0});
	t.job.evidence = shared_file(t.a, "csv/report-v1/evidence.json");
	t.job.only_configured_anchors = false;
	trial_collateral(&t, "hygon-hrk", "", shared_file(t.a, "csv/certs/hrk.cert"));
	same_both_ways(&t, "csv");
}

static void nitro(void **state)
{
	struct trial t;

	(void)state;
	trial_begin(&t, (struct slice){0});
	t.job.evidence = shared_file(t.a, "nitro/anjuna-full/doc.cbor");
	t.job.only_configured_anchors = false;
	same_both_ways(&t, "nitro");
}

static void cca_without_an_enrolled_key(void **state)
{
	struct trial t;

	(void)state;
	trial_begin(&t, (struct slice){0});
	t.job.evidence = shared_file(t.a, "cca/draft-ffm/token.cbor");
	same_both_ways(&t, "cca");
}

static void nvidia_with(const char *rim, const char *ocsp)
{
	struct trial t;
	struct json *o, *list, *d;

	trial_begin(&t, (struct slice){0});
	o = json_new_object(t.a);
	list = json_new_array(t.a);
	d = json_new_object(t.a);
	json_set(t.a, d, "arch", json_new_cstr(t.a, "HOPPER"));
	json_set(t.a, d, "evidence", json_new_b64(t.a, shared_file(t.a, "nvidia/hopper-sdk-535/report.bin")));
	json_set(t.a, d, "certificate", json_new_b64(t.a, shared_file(t.a, "nvidia/hopper-sdk-535/certs.pem")));
	json_push(t.a, list, d);
	json_set(t.a, o, "device_evidence_list", list);
	t.job.evidence = json_text(t.a, o);
	t.job.only_configured_anchors = false;
	trial_collateral(&t, "nvidia-rim", "NV_GPU_VBIOS_1010_0200_882_96005E0001", shared_file(t.a, rim));
	if (ocsp) {
		struct vjob plan = t.job;

		assert_true(rc_ok(registry_run("nvidia", VERIFIER_PLAN, &plan)));
		trial_collateral(&t, "nvidia-ocsp", plan.wants[0].key, slice_cstr(ocsp));
	}
	same_both_ways(&t, "nvidia");
}

static void nvidia_and_its_manifest(void **state)
{
	(void)state;
	nvidia_with("nvidia/rim/1010_0200_882_96005E0001_PROD.swidtag", NULL);
	nvidia_with("nvidia/negative/rim-hash-flip.swidtag", NULL);
	nvidia_with("nvidia/rim/1010_0200_882_96005E0001_PROD.swidtag", "no answer");
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hygon_csv),
		cmocka_unit_test(nitro),
		cmocka_unit_test(cca_without_an_enrolled_key),
		cmocka_unit_test(nvidia_and_its_manifest),
	};

	pool_worker_main(argc, argv);
	return cmocka_run_group_tests(tests, open_pool, close_pool);
}
