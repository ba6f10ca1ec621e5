#include "verifier/test_driver.h"

#include "verifier/nvidia/measure.h"
#include "verifier/nvidia/nvidia.h"
#include "verifier/nvidia/rims.h"

struct piece {
	const char *arch;
	struct slice report, certs;
};

static struct slice document(struct arena *a, const struct piece *p, size_t n)
{
	struct json *o = json_new_object(a), *list = json_new_array(a);

	for (size_t i = 0; i < n; i++) {
		struct json *d = json_new_object(a);

		json_set(a, d, "arch", json_new_cstr(a, p[i].arch));
		json_set(a, d, "evidence", i % 2 ? json_new_hex(a, p[i].report) : json_new_b64(a, p[i].report));
		json_set(a, d, "certificate", json_new_b64(a, p[i].certs));
		json_push(a, list, d);
	}
	json_set(a, o, "device_evidence_list", list);
	return json_text(a, o);
}

static struct piece shared_piece(struct arena *a, const char *arch, const char *report, const char *certs)
{
	return (struct piece){arch, shared_file(a, report), shared_file(a, certs)};
}

/* The pinned roots are under test. */
static void begin(struct trial *t, struct slice doc)
{
	trial_begin(t, doc);
	t->job.only_configured_anchors = false;
}

static rc run_one(struct trial *t, const char *arch, struct slice report, struct slice certs)
{
	struct piece p = {arch, report, certs};

	begin(t, (struct slice){0});
	t->job.evidence = document(t->a, &p, 1);
	return trial_run(t, &nvidia_driver);
}

static const struct {
	const char *arch, *report, *certs, *class;
} cases[] = {
	{"HOPPER", "hopper-trustee/report.bin", "hopper-trustee/certs.pem", NULL},
	{"Hopper", "hopper-coco1/report.bin", "hopper-coco1/certs.pem", NULL},
	{"HOPPER", "hopper-sdk-580/report.bin", "hopper-sdk-580/certs.pem", NULL},
	{"HOPPER", "hopper-sdk-535/report.bin", "hopper-sdk-535/certs.pem", NULL},
	{"BLACKWELL", "blackwell-sdk/report.bin", "blackwell-sdk/certs.pem", NULL},
	{"LS10", "switch-sdk/report.bin", "switch-sdk/certs.pem", NULL},
	{"BLACKWELL", "hopper-trustee/report.bin", "hopper-trustee/certs.pem", "binding"},
	{"LS10", "hopper-trustee/report.bin", "hopper-trustee/certs.pem", "binding"},
	{"AMPERE", "hopper-trustee/report.bin", "hopper-trustee/certs.pem", "unsupported"},
	{"HOPPER", "hopper-trustee/report.bin", "negative/hopper_cert_chain_case2.pem", "signature"},
	{"HOPPER", "hopper-trustee/report.bin", "negative/hopper_cert_chain_case3.pem", "chain"},
	{"HOPPER", "hopper-trustee/report.bin", "negative/hopper_cert_chain_case4.pem", "signature"},
	{"HOPPER", "hopper-trustee/report.bin", "negative/mutated/chain-swapped-l2.pem", "chain"},
	{"HOPPER", "hopper-trustee/report.bin", "hopper-coco1/certs.pem", "signature"},
	{"HOPPER", "negative/sdk-hopper-invalid-signature/report.bin", "hopper-sdk-535/certs.pem", "signature"},
	{"LS10", "negative/sdk-switch-invalid-signature/report.bin", "switch-sdk/certs.pem", "signature"},
	{"HOPPER", "negative/mutated/sig-flip.bin", "hopper-trustee/certs.pem", "signature"},
	{"HOPPER", "negative/mutated/measurement-flip.bin", "hopper-trustee/certs.pem", "signature"},
	{"HOPPER", "negative/mutated/req-nonce-flip.bin", "hopper-trustee/certs.pem", "signature"},
	{"HOPPER", "negative/mutated/reclen-huge.bin", "hopper-trustee/certs.pem", "parse"},
	{"HOPPER", "negative/mutated/nblocks-255.bin", "hopper-trustee/certs.pem", "parse"},
	{"HOPPER", "negative/mutated/truncated-4116.bin", "hopper-trustee/certs.pem", "parse"},
	{"HOPPER", "synthetic/report.bin", "synthetic/certs.pem", "untrusted-root"},
};

static void recorded_devices_verify_and_mutations_have_their_class(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena *a = arena_new(0);
		struct trial t;
		rc r = run_one(&t, cases[i].arch, shared_file(a, arena_printf(a, "nvidia/%s", cases[i].report)),
			       shared_file(a, arena_printf(a, "nvidia/%s", cases[i].certs)));

		if (rc_ok(r) != !cases[i].class || (cases[i].class && strcmp(trial_class(&t), cases[i].class)))
			fail_msg("%s %s: %s %s", cases[i].report, cases[i].certs, why_reason(&t.why), why_text(&t.why));
		trial_end(&t);
		arena_free(a);
	}
}

static void claims_have_the_names_of_the_remote_service(void **state)
{
	static const char *const same[] = {"hwmodel", "ueid", "oemid", "eat_nonce", "x-nvidia-gpu-driver-version",
					   "x-nvidia-gpu-vbios-version", "x-nvidia-gpu-arch-check",
					   "x-nvidia-gpu-attestation-report-parsed", "x-nvidia-gpu-attestation-report-signature-verified",
					   "x-nvidia-gpu-attestation-report-cert-chain-fwid-match"};
	struct arena *a = arena_new(0);
	struct json *service = NULL;
	const struct json *known, *o, *chain;
	struct trial t;

	(void)state;
	assert_true(rc_ok(json_parse(a, shared_file(a, "nvidia/nras/hopper_decoded.json"), NULL, &service, NULL)));
	known = json_get(service, "GPU-0");
	assert_true(rc_ok(run_one(&t, "HOPPER", shared_file(a, "nvidia/hopper-trustee/report.bin"),
				  shared_file(a, "nvidia/hopper-trustee/certs.pem"))));
	assert_string_equal(t.job.results[0].tee_class, "gpu");
	o = t.job.results[0].claims;
	/* the service's answer is about the same device */
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		if (!json_equal(json_get(o, same[i]), json_get(known, same[i])))
			fail_msg("%s: %s", same[i], (const char *)json_text(a, json_get(o, same[i])).p);
	chain = json_get(o, "x-nvidia-gpu-attestation-report-cert-chain");
	assert_true(slice_is(json_get(chain, "x-nvidia-cert-status")->text, "valid"));
	assert_true(slice_is(json_get(chain, "x-nvidia-cert-expiration-date")->text, "9999-12-31T23:59:59Z"));
	/* nothing was compared, so nothing is claimed of it */
	assert_false(json_get(o, "x-nvidia-gpu-vbios-rim-fetched")->boolean);
	assert_null(json_get(o, "measres"));
	assert_null(json_get(o, "secboot"));
	trial_end(&t);
	arena_free(a);
}

static void the_nonce_of_the_request_is_compared_with_the_first_32_bytes(void **state)
{
	struct arena *a = arena_new(0);
	struct slice report = shared_file(a, "nvidia/hopper-trustee/report.bin"), certs = shared_file(a, "nvidia/hopper-trustee/certs.pem");
	uint8_t nonce[48] = {0};

	(void)state;
	memcpy(nonce, slice_sub(report, 4, 32).p, 32);
	for (unsigned i = 0; i < 3; i++) {
		struct piece p = {"HOPPER", report, certs};
		struct trial t;

		begin(&t, (struct slice){0});
		t.job.evidence = document(t.a, &p, 1);
		nonce[i == 2 ? 31 : 47] ^= 1;
		t.job.report_data[0] = slice_of(nonce, i == 0 ? 32 : 48);
		t.job.report_data_n = 1;
		assert_int_equal(rc_ok(trial_run(&t, &nvidia_driver)), i < 2);
		if (i == 2)
			assert_string_equal(trial_class(&t), "nonce-mismatch");
		else
			assert_true(json_get(t.job.results[0].claims, "x-nvidia-gpu-attestation-report-nonce-match")->boolean);
		trial_end(&t);
	}
	arena_free(a);
}

static void devices_that_no_request_is_expected_of_are_refused(void **state)
{
	struct arena *a = arena_new(0);
	struct piece p = shared_piece(a, "HOPPER", "nvidia/hopper-trustee/report.bin", "nvidia/hopper-trustee/certs.pem");
	struct trial t;

	(void)state;
	begin(&t, document(a, &p, 1));
	t.job.without = 0;
	assert_false(rc_ok(trial_run(&t, &nvidia_driver)));
	assert_string_equal(why_reason(&t.why), "nvidia.nonce-mismatch.none");
	trial_end(&t);
	arena_free(a);
}

static const struct json *eight(struct arena *a)
{
	struct json *v = NULL;

	assert_true(rc_ok(json_parse(a, shared_file(a, "nvidia/eight-gpu/gpu_evidence.json"), NULL, &v, NULL)));
	return v;
}

static void several_devices_make_several_results_in_their_order(void **state)
{
	struct arena *a = arena_new(0);
	const struct json *list = eight(a);
	struct json *o = json_new_object(a);
	struct trial t;

	(void)state;
	json_set(a, o, "device_evidence_list", list);
	begin(&t, json_text(a, o));
	if (!rc_ok(trial_run(&t, &nvidia_driver)))
		fail_msg("%s", why_text(&t.why));
	assert_int_equal(t.job.results_n, 8);
	/* these GPUs are in a protected PCIe domain whose switches are not here: a missing piece is visible */
	assert_false(json_get(t.job.results[0].claims, "ppcie_complete")->boolean);
	for (unsigned i = 1; i < 8; i++)
		assert_false(json_equal(json_get(t.job.results[i].claims, "ueid"), json_get(t.job.results[0].claims, "ueid")));
	trial_end(&t);
	arena_free(a);
}

static void the_same_device_twice_is_refused(void **state)
{
	struct arena *a = arena_new(0);
	struct piece p[2];
	struct trial t;

	(void)state;
	p[0] = p[1] = shared_piece(a, "HOPPER", "nvidia/hopper-trustee/report.bin", "nvidia/hopper-trustee/certs.pem");
	begin(&t, document(a, p, 2));
	assert_false(rc_ok(trial_run(&t, &nvidia_driver)));
	assert_string_equal(why_reason(&t.why), "nvidia.binding.duplicate-device");
	trial_end(&t);
	p[1] = shared_piece(a, "HOPPER", "nvidia/hopper-coco1/report.bin", "nvidia/hopper-coco1/certs.pem");
	begin(&t, document(a, p, 2));
	assert_true(rc_ok(trial_run(&t, &nvidia_driver)));
	trial_end(&t);
	/* one bad device spoils the list */
	p[1].report = shared_file(a, "nvidia/negative/mutated/sig-flip.bin");
	begin(&t, document(a, p, 2));
	assert_false(rc_ok(trial_run(&t, &nvidia_driver)));
	trial_end(&t);
	arena_free(a);
}

/* Certificates that are no part of the path must not lend a device another name or another identity. */
static void a_foreign_certificate_among_those_of_a_device_changes_nothing(void **state)
{
	struct arena *a = arena_new(0);
	struct slice other = shared_file(a, "nvidia/blackwell-sdk/certs.pem");
	struct piece p[2];
	struct buf b = buf_in(a, 0);
	const char *cut;
	struct trial t;

	(void)state;
	p[0] = p[1] = shared_piece(a, "HOPPER", "nvidia/hopper-trustee/report.bin", "nvidia/hopper-trustee/certs.pem");
	/* behind the first certificate, the identity of another device */
	cut = strstr((const char *)p[1].certs.p, "-----END CERTIFICATE-----");
	assert_non_null(cut);
	buf_put(&b, p[1].certs.p, (size_t)(cut - (const char *)p[1].certs.p) + 26);
	cut = strstr((const char *)other.p, "-----END CERTIFICATE-----") + 26;
	buf_put(&b, cut, (size_t)(strstr(cut, "-----END CERTIFICATE-----") - cut) + 26);
	buf_slice(&b, slice_sub(p[1].certs, (size_t)(strstr((const char *)p[1].certs.p, "-----END CERTIFICATE-----") + 26 -
						     (const char *)p[1].certs.p), p[1].certs.n));
	p[1].certs = buf_view(&b);
	begin(&t, document(a, p + 1, 1));
	if (!rc_ok(trial_run(&t, &nvidia_driver)))
		fail_msg("%s", why_text(&t.why));
	assert_true(slice_is(json_get(t.job.results[0].claims, "hwmodel")->text, "GH100 A01 GSP BROM"));
	trial_end(&t);
	begin(&t, document(a, p, 2));
	assert_false(rc_ok(trial_run(&t, &nvidia_driver)));
	assert_string_equal(why_reason(&t.why), "nvidia.binding.duplicate-device");
	trial_end(&t);
	p[1].arch = "BLACKWELL";
	begin(&t, document(a, p + 1, 1));
	assert_false(rc_ok(trial_run(&t, &nvidia_driver)));
	assert_string_equal(why_reason(&t.why), "nvidia.binding.arch");
	trial_end(&t);
	arena_free(a);
}

static void no_device_is_no_attestation(void **state)
{
	struct trial t;

	(void)state;
	begin(&t, SLICE_LIT("{\"device_evidence_list\":[]}"));
	assert_false(rc_ok(trial_run(&t, &nvidia_driver)));
	assert_string_equal(trial_class(&t), "parse");
	assert_int_equal(t.job.results_n, 0);
	trial_end(&t);
}

/* ---- manifests ---- */

#define RIM_535 "nvidia/rim/1010_0200_882_96005E0001_PROD.swidtag"
#define RIM_OTHER "nvidia/rim/1010_0205_862_960074001F_PROD.swidtag"

static void collateral_is_named_for_genuine_devices_only(void **state)
{
	struct arena *a = arena_new(0);
	struct piece p = shared_piece(a, "HOPPER", "nvidia/hopper-sdk-535/report.bin", "nvidia/hopper-sdk-535/certs.pem");
	struct piece s = shared_piece(a, "LS10", "nvidia/switch-sdk/report.bin", "nvidia/switch-sdk/certs.pem");
	struct piece b = shared_piece(a, "BLACKWELL", "nvidia/blackwell-sdk/report.bin", "nvidia/blackwell-sdk/certs.pem");
	uint8_t *copy;
	struct trial t;

	(void)state;
	begin(&t, document(a, &p, 1));
	assert_true(rc_ok(nvidia_driver.plan(&t.job)));
	/* answers for the three certificates between the signing one and the root, then the two manifests */
	assert_int_equal(t.job.wants_n, 5);
	assert_string_equal(t.job.wants[0].kind, "nvidia-ocsp");
	assert_true(!strncmp(t.job.wants[0].key, "sha384:", 7));
	assert_string_equal(t.job.wants[3].key, "NV_GPU_DRIVER_GH100_535.86.09");
	assert_string_equal(t.job.wants[4].key, "NV_GPU_VBIOS_1010_0200_882_96005E0001");
	trial_end(&t);
	/* planned again with a manifest at hand, its chain is asked about as well */
	begin(&t, document(a, &p, 1));
	trial_collateral(&t, "nvidia-rim", "NV_GPU_VBIOS_1010_0200_882_96005E0001", shared_file(a, RIM_535));
	assert_true(rc_ok(nvidia_driver.plan(&t.job)));
	assert_int_equal(t.job.wants_n, 8);
	trial_end(&t);
	begin(&t, document(a, &s, 1));
	assert_true(rc_ok(nvidia_driver.plan(&t.job)));
	assert_int_equal(t.job.wants_n, 4);
	assert_string_equal(t.job.wants[3].key, "NV_SWITCH_BIOS_5612_0002_890_9610550001");
	trial_end(&t);
	begin(&t, document(a, &b, 1));
	assert_true(rc_ok(nvidia_driver.plan(&t.job)));
	assert_string_equal(t.job.wants[3].key, "NV_GPU_CC_DRIVER_GB100_575.32");
	trial_end(&t);
	/* unsigned text makes the host fetch nothing */
	copy = exact_copy(p.report, p.report.n);
	copy[p.report.n - 1] ^= 1;
	p.report = slice_of(copy, p.report.n);
	begin(&t, document(a, &p, 1));
	assert_false(rc_ok(nvidia_driver.plan(&t.job)));
	assert_int_equal(t.job.wants_n, 0);
	trial_end(&t);
	free(copy);
	arena_free(a);
}

static rc with_rim(struct trial *t, struct arena *a, const char *file, const char *key)
{
	struct piece p = shared_piece(a, "HOPPER", "nvidia/hopper-sdk-535/report.bin", "nvidia/hopper-sdk-535/certs.pem");

	begin(t, document(a, &p, 1));
	t->job.no_time = false;
	t->job.now_s = time_from_civil(2023, 12, 1, 0, 0, 0);
	trial_collateral(t, "nvidia-rim", key, shared_file(a, file));
	return trial_run(t, &nvidia_driver);
}

static void a_manifest_that_is_there_must_be_right(void **state)
{
	static const struct {
		const char *file, *key, *class;
	} row[] = {
		{RIM_535, "NV_GPU_VBIOS_1010_0200_882_96005E0001", NULL},
		{RIM_OTHER, "NV_GPU_VBIOS_1010_0200_882_96005E0001", "measurement"},
		{RIM_535, "NV_GPU_DRIVER_GH100_535.86.09", "measurement"},
		{"nvidia/negative/rim-hash-flip.swidtag", "NV_GPU_VBIOS_1010_0200_882_96005E0001", "signature"},
		{"nvidia/negative/rim-version-changed.swidtag", "NV_GPU_VBIOS_1010_0200_882_96005E0001", "signature"},
		{"nvidia/hopper-trustee/certs.pem", "NV_GPU_VBIOS_1010_0200_882_96005E0001", "parse"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct arena *a = arena_new(0);
		struct trial t;
		rc r = with_rim(&t, a, row[i].file, row[i].key);

		if (rc_ok(r) != !row[i].class || (row[i].class && strcmp(trial_class(&t), row[i].class)))
			fail_msg("row %zu: %s %s", i, why_reason(&t.why), why_text(&t.why));
		if (rc_ok(r)) {
			const struct json *o = t.job.results[0].claims;

			assert_true(json_get(o, "x-nvidia-gpu-vbios-rim-signature-verified")->boolean);
			assert_false(json_get(o, "x-nvidia-gpu-driver-rim-fetched")->boolean);
			assert_null(json_get(o, "measres"));	/* one of two was compared */
		}
		trial_end(&t);
		arena_free(a);
	}
}

static void a_manifest_counts_only_while_its_chain_does(void **state)
{
	struct arena *a = arena_new(0);
	struct x509 *root = NULL;
	struct trial t;
	rc r;

	(void)state;
	r = with_rim(&t, a, RIM_535, "NV_GPU_VBIOS_1010_0200_882_96005E0001");
	assert_true(rc_ok(r));
	t.job.results_n = 0;
	t.job.now_s = time_from_civil(2030, 1, 1, 0, 0, 0);
	assert_false(rc_ok(nvidia_driver.verify(&t.job)));
	assert_string_equal(why_reason(&t.why), "nvidia.expired.rim");
	/* the device root alone does not make manifests trusted */
	t.job.only_configured_anchors = true;
	assert_true(rc_ok(x509_from_any(shared_file(a, "nvidia/certs/nvidia_device_root.pem"), &root, NULL)));
	trial_anchor(&t, "nvidia-device-root", x509_der(root));
	x509_free(root);
	assert_false(rc_ok(nvidia_driver.verify(&t.job)));
	assert_string_equal(why_reason(&t.why), "nvidia.untrusted-root.rim");
	trial_end(&t);
	arena_free(a);
}

static void an_answer_that_is_there_must_be_right(void **state)
{
	struct arena *a = arena_new(0);
	struct piece p = shared_piece(a, "HOPPER", "nvidia/hopper-sdk-535/report.bin", "nvidia/hopper-sdk-535/certs.pem");
	const char *source = getenv("WARRANT_SOURCE");
	struct slice foreign = {0};
	const struct json *chain;
	struct trial t;

	(void)state;
	if (!source || !rc_ok(file_read(a, arena_printf(a, "%s/src/crypto/testdata/ocsp/good.der", source), 1u << 16, &foreign, NULL)))
		skip();
	begin(&t, document(a, &p, 1));
	assert_true(rc_ok(trial_run(&t, &nvidia_driver)));
	chain = json_get(t.job.results[0].claims, "x-nvidia-gpu-attestation-report-cert-chain");
	assert_true(slice_is(json_get(chain, "x-nvidia-cert-ocsp-status")->text, "unknown"));
	t.job.results_n = 0;
	/* good, but of another authority and about another certificate */
	trial_collateral(&t, "nvidia-ocsp", t.job.wants[0].key, foreign);
	assert_false(rc_ok(nvidia_driver.verify(&t.job)));
	assert_string_equal(why_reason(&t.why), "nvidia.chain.ocsp");
	t.collateral[0].bytes = SLICE_LIT("0");
	assert_false(rc_ok(nvidia_driver.verify(&t.job)));
	assert_string_equal(why_reason(&t.why), "nvidia.parse.ocsp");
	trial_end(&t);
	arena_free(a);
}

static void golden_values_are_compared_one_by_one(void **state)
{
	struct arena *a = arena_new(0);
	struct rim rim, again;
	const struct rim *two[] = {&rim, &again};
	struct spdm_report rep;
	struct nv_compared c;
	struct why w = why_in(a);

	(void)state;
	assert_true(rc_ok(rim_parse(a, shared_file(a, RIM_535), &rim, NULL)));
	assert_true(rc_ok(spdm_parse(a, shared_file(a, "nvidia/hopper-sdk-535/report.bin"), &rep, NULL)));
	nv_compare(&rep, two, 1, &c);
	assert_int_equal(c.active, 12);
	assert_int_equal(c.matching, 12);
	assert_true(rc_ok(nv_check(&rep, two, 1, a, NULL)));
	again = rim;
	assert_false(rc_ok(nv_check(&rep, two, 2, a, &w)));
	assert_string_equal(why_reason(&w), "nvidia.measurement.index-conflict");
	assert_false(rc_ok(nv_check(&rep, two, 0, a, &w)));
	assert_string_equal(why_reason(&w), "nvidia.measurement.none");
	assert_true(rc_ok(rim_parse(a, shared_file(a, RIM_OTHER), &rim, NULL)));
	assert_false(rc_ok(nv_check(&rep, two, 1, a, &w)));
	assert_string_equal(why_reason(&w), "nvidia.measurement.mismatch");
	arena_free(a);
}

/* ---- properties ---- */

static void without_memory_a_device_is_refused(void **state)
{
	struct piece p;
	struct trial t;

	(void)state;
	begin(&t, (struct slice){0});
	p = shared_piece(t.a, "HOPPER", "nvidia/hopper-sdk-535/report.bin", "nvidia/hopper-sdk-535/certs.pem");
	t.job.evidence = document(t.a, &p, 1);
	trial_collateral(&t, "nvidia-rim", "NV_GPU_VBIOS_1010_0200_882_96005E0001", shared_file(t.a, RIM_535));
	assert_true(trial_starve(&t, &nvidia_driver, 60, 37) > 50);
	trial_end(&t);
}

static void truncation_at_any_length_is_refused(void **state)
{
	struct arena *a = arena_new(0);
	struct piece p = shared_piece(a, "LS10", "nvidia/switch-sdk/report.bin", "nvidia/switch-sdk/certs.pem");
	struct slice doc = document(a, &p, 1);

	(void)state;
	for (size_t n = 0; n < doc.n; n += 3) {
		uint8_t *cut = exact_copy(doc, n);
		struct trial t;

		begin(&t, slice_of(cut, n));
		assert_false(rc_ok(trial_run(&t, &nvidia_driver)));
		trial_end(&t);
		free(cut);
	}
	for (size_t n = 0; n < p.report.n; n += 7) {
		struct trial t;

		assert_false(rc_ok(run_one(&t, "LS10", slice_sub(p.report, 0, n), p.certs)));
		assert_string_equal(trial_class(&t), "parse");
		trial_end(&t);
	}
	arena_free(a);
}

static void no_flipped_bit_is_accepted(void **state)
{
	struct arena *a = arena_new(0);
	struct slice report = shared_file(a, "nvidia/switch-sdk/report.bin"), certs = shared_file(a, "nvidia/switch-sdk/certs.pem");
	size_t all = report.n * 8, step = flip_step(all, 2100), tried = 0;

	(void)state;
	/* the last step changes nothing and must verify */
	for (size_t bit = 0; bit <= all; bit = bit < all && bit + step > all ? all : bit + step) {
		uint8_t *copy = exact_copy(report, report.n);
		struct trial t;

		if (bit < all)
			copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (rc_ok(run_one(&t, "LS10", slice_of(copy, report.n), certs)) != (bit == all))
			fail_msg("bit %zu is not protected", bit);
		trial_end(&t);
		free(copy);
		tried++;
	}
	flips_enough(tried, 2000);
	flips_told("nvidia report", tried - 1);
	arena_free(a);
}

static void no_flipped_bit_of_a_certificate_is_accepted(void **state)
{
	struct arena *a = arena_new(0);
	struct slice report = shared_file(a, "nvidia/switch-sdk/report.bin"), certs = shared_file(a, "nvidia/switch-sdk/certs.pem");
	size_t all = pem_bits(certs), step = flip_step(all, 700), tried = 0;

	(void)state;
	for (size_t bit = 0; bit < all; bit += step, tried++) {
		struct arena_mark m = arena_mark(a);
		struct trial t;

		if (rc_ok(run_one(&t, "LS10", report, pem_flipped(a, certs, bit))))
			fail_msg("bit %zu of the certificates is not protected", bit);
		trial_end(&t);
		arena_reset(a, m);
	}
	flips_told("nvidia certificates", tried);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recorded_devices_verify_and_mutations_have_their_class),
		cmocka_unit_test(claims_have_the_names_of_the_remote_service),
		cmocka_unit_test(the_nonce_of_the_request_is_compared_with_the_first_32_bytes),
		cmocka_unit_test(devices_that_no_request_is_expected_of_are_refused),
		cmocka_unit_test(several_devices_make_several_results_in_their_order),
		cmocka_unit_test(the_same_device_twice_is_refused),
		cmocka_unit_test(a_foreign_certificate_among_those_of_a_device_changes_nothing),
		cmocka_unit_test(no_device_is_no_attestation),
		cmocka_unit_test(collateral_is_named_for_genuine_devices_only),
		cmocka_unit_test(a_manifest_that_is_there_must_be_right),
		cmocka_unit_test(a_manifest_counts_only_while_its_chain_does),
		cmocka_unit_test(an_answer_that_is_there_must_be_right),
		cmocka_unit_test(golden_values_are_compared_one_by_one),
		cmocka_unit_test(without_memory_a_device_is_refused),
		cmocka_unit_test(truncation_at_any_length_is_refused),
		cmocka_unit_test(no_flipped_bit_is_accepted),
		cmocka_unit_test(no_flipped_bit_of_a_certificate_is_accepted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
