#include "verifier/test_driver.h"

#include "evidence/snp.h"
#include "verifier/snp/snp.h"
#include "verifier/snp/wire.h"

static const struct snp_reasons words = {.parse = "snp.parse.report", .unsupported = "snp.unsupported.report"};

struct vector {
	const char *report, *vek, *ask, *ark;
};

static const struct vector milan = {"snp/milan-v2-trustee/report.bin", "snp/milan-v2-trustee/vcek.der", "snp/certs/milan_ask.pem",
				    "snp/certs/milan_ark.pem"};
static const struct vector genoa = {"snp/genoa-v3-trustee-e2e/report.bin", "snp/genoa-v3-trustee-e2e/vcek.der",
				    "snp/certs/genoa_ask.pem", "snp/certs/genoa_ark.pem"};
static const struct vector turin = {"snp/turin-v5-openanolis/report.bin", "snp/turin-v5-openanolis/vcek.der",
				    "snp/certs/turin_ask.pem", "snp/certs/turin_ark.pem"};
static const struct vector vlek = {"snp/milan-vlek-v3-aws/report.bin", "snp/milan-vlek-v3-aws/vlek.der", "snp/certs/milan_asvk.pem",
				   "snp/certs/milan_ark.pem"};

static struct arena *files;	/* of the group: read once */

static struct slice file(const char *path)
{
	return shared_of_group(files, path);
}

/* A trial over the evidence, with the vector's certificates as collateral, and AMD's own anchors. */
static void begin(struct trial *t, const struct vector *v, struct slice evidence)
{
	struct slice ask = file(v->ask), ark = file(v->ark);
	struct buf chain;

	trial_begin(t, evidence);
	chain = buf_in(t->a, 0);
	buf_slice(&chain, ask);
	buf_slice(&chain, ark);
	trial_collateral(t, "amd-vcek", "", file(v->vek));
	trial_collateral(t, "amd-vlek", "", file(v->vek));
	trial_collateral(t, "amd-ask-ark", "", buf_view(&chain));
	t->job.only_configured_anchors = false;
}

static void expect(const struct vector *v, struct slice evidence, const char *class)
{
	struct trial t;
	rc r;

	begin(&t, v, evidence);
	r = trial_run(&t, &snp_driver);
	if (class ? rc_ok(r) || strcmp(trial_class(&t), class) : !rc_ok(r))
		fail_msg("expected %s: %s (%s)", class ? class : "ok", why_reason(&t.why), why_text(&t.why));
	trial_end(&t);
}

static void reports_of_every_generation_verify(void **state)
{
	static const struct vector *const all[] = {&milan, &genoa, &turin, &vlek};

	(void)state;
	for (size_t i = 0; i < 4; i++)
		expect(all[i], file(all[i]->report), NULL);
}

static void a_report_truncated_at_any_length_is_refused(void **state)
{
	struct slice whole = file(turin.report);

	(void)state;
	for (size_t n = 0; n < whole.n; n++) {
		struct arena *a = arena_new(0);
		struct why w = why_in(a);
		uint8_t *cut = exact_copy(whole, n);
		struct snp_report r;

		assert_false(rc_ok(snp_report_parse(slice_of(cut, n), &words, &r, &w)));
		assert_string_equal(why_reason(&w), "snp.parse.report");
		free(cut);
		arena_free(a);
	}
}

/* The signed part and the signature. */
static void a_flipped_bit_of_the_report_is_never_accepted(void **state)
{
	struct slice whole = file(genoa.report);
	size_t bits = (0x2a0 + 144) * 8, step = flip_step(bits, 1100), tried = 0;

	(void)state;
	for (size_t bit = 0; bit < bits; bit += step) {
		uint8_t *bad = exact_copy(whole, whole.n);
		struct trial t;

		bad[bit / 8] ^= (uint8_t)(1u << (bit % 8));
		begin(&t, &genoa, slice_of(bad, whole.n));
		if (rc_ok(trial_run(&t, &snp_driver)))
			fail_msg("accepted with bit %zu flipped", bit);
		trial_end(&t);
		free(bad);
		tried++;
	}
	flips_enough(tried, 1000);
	flips_told("snp report", tried);
}

static void a_flipped_bit_of_the_vcek_is_never_accepted(void **state)
{
	struct slice cert = file(genoa.vek);
	size_t step = flip_step(cert.n * 8, 1100), tried = 0;

	(void)state;
	for (size_t bit = 0; bit < cert.n * 8; bit += step) {
		uint8_t *bad = exact_copy(cert, cert.n);
		struct trial t;

		bad[bit / 8] ^= (uint8_t)(1u << (bit % 8));
		begin(&t, &genoa, file(genoa.report));
		t.collateral[0].bytes = slice_of(bad, cert.n);
		if (rc_ok(trial_run(&t, &snp_driver)))
			fail_msg("accepted with bit %zu of the certificate flipped", bit);
		trial_end(&t);
		free(bad);
		tried++;
	}
	flips_enough(tried, 1000);
	flips_told("snp vcek", tried);
}

/* The authorities: the pin holds the root, its key holds the other. */
static void a_flipped_bit_of_an_authority_is_never_accepted(void **state)
{
	struct slice ask = file(genoa.ask);
	size_t all = pem_bits(ask), step = flip_step(all, 400), tried = 0;

	(void)state;
	for (size_t bit = 0; bit < all; bit += step, tried++) {
		struct trial t;
		struct buf chain;

		begin(&t, &genoa, file(genoa.report));
		chain = buf_in(t.a, 0);
		buf_slice(&chain, pem_flipped(t.a, ask, bit));
		buf_slice(&chain, file(genoa.ark));
		t.collateral[2].bytes = buf_view(&chain);
		if (rc_ok(trial_run(&t, &snp_driver)))
			fail_msg("accepted with bit %zu of the ASK flipped", bit);
		trial_end(&t);
	}
	flips_told("snp ask", tried);
}

/* Pitfall: the part behind the signature was ignored, so one report had many forms. */
static void bytes_behind_the_signature_must_be_zero(void **state)
{
	struct slice whole = file(milan.report);

	(void)state;
	for (size_t at = 0x330; at < whole.n; at += 13) {
		uint8_t *bad = exact_copy(whole, whole.n);

		bad[at] = 1;
		expect(&milan, slice_of(bad, whole.n), "parse");
		free(bad);
	}
}

/* Pitfall: the chip id was compared only where the subject read "VCEK", which no genuine certificate does. */
static void the_chip_id_of_a_genuine_certificate_is_compared(void **state)
{
	static const struct vector other = {"snp/synthetic-pki/report.bin", "snp/synthetic-pki/vcek-other-chip.der",
					    "snp/synthetic-pki/ask.pem", "snp/synthetic-pki/ark.pem"};
	struct x509 *ark = NULL;
	struct trial t;

	(void)state;
	begin(&t, &other, file(other.report));
	assert_true(rc_ok(x509_from_any(file(other.ark), &ark, NULL)));
	trial_anchor(&t, "amd-ark", x509_der(ark));
	x509_free(ark);
	assert_false(rc_ok(trial_run(&t, &snp_driver)));
	assert_string_equal(why_reason(&t.why), "snp.chip-id-mismatch");
	trial_end(&t);
}

/* Pitfall: eight bytes of Turin's chip id against sixty-four. */
static void the_chip_id_of_turin_is_eight_bytes(void **state)
{
	(void)state;
	expect(&turin, file(turin.report), NULL);
}

/* Pitfall: no dates were looked at; the recorded VLEK ended in the same year. */
static void dates_are_checked(void **state)
{
	struct trial t;

	(void)state;
	begin(&t, &vlek, file(vlek.report));
	t.job.no_time = false;
	t.job.now_s = time_from_civil(2026, 6, 1, 0, 0, 0);
	assert_false(rc_ok(trial_run(&t, &snp_driver)));
	assert_string_equal(why_reason(&t.why), "snp.expired");
	t.job.now_s = time_from_civil(2025, 6, 1, 0, 0, 0);
	why_clear(&t.why);
	assert_true(rc_ok(trial_run(&t, &snp_driver)));
	trial_end(&t);
}

static void a_revocation_list_that_is_none_is_refused(void **state)
{
	struct trial t;

	(void)state;
	begin(&t, &milan, file(milan.report));
	trial_collateral(&t, "amd-crl", "", SLICE_LIT("nothing"));
	assert_false(rc_ok(trial_run(&t, &snp_driver)));
	assert_string_equal(trial_class(&t), "parse");
	trial_end(&t);
}

static void without_certificates_the_report_is_refused(void **state)
{
	struct trial t;

	(void)state;
	trial_begin(&t, file(milan.report));
	assert_int_equal(trial_run(&t, &snp_driver).code, E_UNAVAILABLE);
	assert_string_equal(why_reason(&t.why), "snp.chain.missing");
	trial_end(&t);
}

static void the_plan_names_what_the_report_needs(void **state)
{
	struct trial t;

	(void)state;
	trial_begin(&t, file(turin.report));
	assert_true(rc_ok(snp_driver.plan(&t.job)));
	assert_int_equal(t.job.wants_n, 3);
	assert_string_equal(t.job.wants[0].kind, "amd-vcek");
	assert_string_equal(t.job.wants[0].key, "Turin/0910b4f884ff4ba9/3.2.5.97.1");
	assert_string_equal(t.job.wants[1].key, "Turin");
	assert_string_equal(t.job.wants[2].kind, "amd-crl");
	trial_end(&t);
	trial_begin(&t, file(milan.report));	/* version 2 does not say whether Milan or Genoa */
	assert_true(rc_ok(snp_driver.plan(&t.job)));
	assert_int_equal(t.job.wants_n, 6);
	trial_end(&t);
}

/* ---- the JSON form ---- */

static struct json *octets(struct arena *a, struct slice s)
{
	struct json *v = json_new_array(a);

	for (size_t i = 0; i < s.n; i++)
		json_push(a, v, json_new_u64(a, s.p[i]));
	return v;
}

static struct json *tcb_json(struct arena *a, const struct snp_tcb *t, bool is_turin)
{
	struct json *o = json_new_object(a);

	json_set(a, o, "fmc", is_turin ? json_new_u64(a, t->fmc) : json_new_null(a));
	json_set(a, o, "bootloader", json_new_u64(a, t->bootloader));
	json_set(a, o, "tee", json_new_u64(a, t->tee));
	json_set(a, o, "snp", json_new_u64(a, t->snp));
	json_set(a, o, "microcode", json_new_u64(a, t->microcode));
	return o;
}

static struct json *version_json(struct arena *a, struct snp_version v)
{
	struct json *o = json_new_object(a);

	json_set(a, o, "major", json_new_u64(a, v.major));
	json_set(a, o, "minor", json_new_u64(a, v.minor));
	json_set(a, o, "build", json_new_u64(a, v.build));
	return o;
}

static struct json *cpuid(struct arena *a, const struct snp_report *r, uint8_t v)
{
	return r->version >= 3 ? json_new_u64(a, v) : json_new_null(a);
}

/* What a guest sends for a binary report. */
static struct json *as_guest(struct arena *a, struct slice bin)
{
	struct json *o = json_new_object(a), *sig = json_new_object(a), *doc = json_new_object(a);
	struct snp_report r;
	bool is_turin;

	assert_true(rc_ok(snp_report_parse(bin, &words, &r, NULL)));
	is_turin = r.generation == SNP_TURIN;
	json_set(a, o, "version", json_new_u64(a, r.version));
	json_set(a, o, "guest_svn", json_new_u64(a, r.guest_svn));
	json_set(a, o, "policy", json_new_u64(a, r.policy));
	json_set(a, o, "family_id", octets(a, r.family_id));
	json_set(a, o, "image_id", octets(a, r.image_id));
	json_set(a, o, "vmpl", json_new_u64(a, r.vmpl));
	json_set(a, o, "sig_algo", json_new_u64(a, 1));
	json_set(a, o, "current_tcb", tcb_json(a, &r.current_tcb, is_turin));
	json_set(a, o, "plat_info", json_new_u64(a, r.platform_info));
	json_set(a, o, "key_info", json_new_u64(a, r.key_info));
	json_set(a, o, "report_data", octets(a, r.report_data));
	json_set(a, o, "measurement", octets(a, r.measurement));
	json_set(a, o, "host_data", octets(a, r.host_data));
	json_set(a, o, "id_key_digest", octets(a, r.id_key_digest));
	json_set(a, o, "author_key_digest", octets(a, r.author_key_digest));
	json_set(a, o, "report_id", octets(a, r.report_id));
	json_set(a, o, "report_id_ma", octets(a, r.report_id_ma));
	json_set(a, o, "reported_tcb", tcb_json(a, &r.reported_tcb, is_turin));
	json_set(a, o, "cpuid_fam_id", cpuid(a, &r, r.family));
	json_set(a, o, "cpuid_mod_id", cpuid(a, &r, r.model));
	json_set(a, o, "cpuid_step", cpuid(a, &r, r.stepping));
	json_set(a, o, "chip_id", octets(a, r.chip_id));
	json_set(a, o, "committed_tcb", tcb_json(a, &r.committed_tcb, is_turin));
	json_set(a, o, "current", version_json(a, r.current));
	json_set(a, o, "committed", version_json(a, r.committed));
	json_set(a, o, "launch_tcb", tcb_json(a, &r.launch_tcb, is_turin));
	json_set(a, o, "launch_mit_vector", r.version >= 5 ? json_new_u64(a, r.launch_mit) : json_new_null(a));
	json_set(a, o, "current_mit_vector", r.version >= 5 ? json_new_u64(a, r.current_mit) : json_new_null(a));
	json_set(a, sig, "r", octets(a, slice_sub(bin, 0x2a0, 72)));
	json_set(a, sig, "s", octets(a, slice_sub(bin, 0x2e8, 72)));
	json_set(a, o, "signature", sig);
	json_set(a, doc, "attestation_report", o);
	json_set(a, doc, "cert_chain", json_new_null(a));
	return doc;
}

static void the_json_form_becomes_the_signed_bytes(void **state)
{
	static const struct vector *const all[] = {&milan, &genoa, &turin, &vlek};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct slice bin = file(all[i]->report), again;
		struct arena *a = arena_new(0);
		struct why w = why_in(a);
		struct json *doc = as_guest(a, bin), *v;

		/* through text, as it comes over the wire */
		assert_true(rc_ok(json_parse(a, json_text(a, doc), NULL, &v, &w)));
		assert_true(rc_ok(snp_from_json(a, json_get(v, "attestation_report"), &again, &w)));
		assert_true(slice_eq(bin, again));
		expect(all[i], json_text(a, doc), NULL);
		arena_free(a);
	}
}

static void the_certificates_of_the_evidence_are_used(void **state)
{
	struct arena *a;
	struct json *doc, *chain, *one;
	struct slice bin = file(genoa.report), der[3] = {file(genoa.vek), file(genoa.ask), file(genoa.ark)};
	static const char *const type[3] = {"VCEK", "ASK", "ARK"};
	struct trial t;

	(void)state;
	a = arena_new(0);
	doc = as_guest(a, bin);
	chain = json_new_array(a);
	for (unsigned i = 0; i < 3; i++) {
		one = json_new_object(a);
		json_set(a, one, "cert_type", json_new_cstr(a, type[i]));
		json_set(a, one, "data", octets(a, der[i]));
		json_push(a, chain, one);
	}
	json_set(a, doc, "cert_chain", chain);
	trial_begin(&t, json_text(a, doc));
	t.job.only_configured_anchors = false;
	assert_true(rc_ok(trial_run(&t, &snp_driver)));
	assert_int_equal(t.job.wants_n, 1);	/* the revocation list alone */
	trial_end(&t);
	arena_free(a);
}

/* Pitfall: a Turin report without fmc was an abort. */
static void a_turin_report_without_fmc_is_refused(void **state)
{
	struct slice bin = file(turin.report);
	struct arena *a = arena_new(0);
	struct json *doc = as_guest(a, bin), *v;

	(void)state;
	v = json_new_object(a);
	json_set(a, v, "fmc", json_new_null(a));
	for (unsigned i = 0; i < 4; i++)
		json_set(a, v, (const char *const[]){"bootloader", "tee", "snp", "microcode"}[i], json_new_u64(a, 1));
	json_set_path(a, doc, "attestation_report.reported_tcb", v);
	expect(&turin, json_text(a, doc), "parse");
	arena_free(a);
}

/* Pitfall: certificate bytes shorter than a PEM header were an abort. */
static void short_certificates_are_refused(void **state)
{
	struct slice bin = file(genoa.report);

	(void)state;
	for (size_t n = 0; n < 30; n++) {
		struct trial t;

		begin(&t, &genoa, bin);
		t.collateral[0].bytes = slice_sub(file(genoa.vek), 0, n);
		assert_false(rc_ok(trial_run(&t, &snp_driver)));
		assert_string_equal(trial_class(&t), "parse");
		trial_end(&t);
	}
}

static void report_and_init_data_are_bound(void **state)
{
	struct trial t;
	struct slice bin = file(milan.report);

	(void)state;
	begin(&t, &milan, bin);
	t.job.report_data[0] = slice_sub(bin, 0x50, 32);	/* zeros behind it */
	t.job.report_data_n = 1;
	assert_true(rc_ok(trial_run(&t, &snp_driver)));
	t.job.report_data[0] = slice_sub(bin, 0x50, 31);
	assert_false(rc_ok(trial_run(&t, &snp_driver)));
	assert_string_equal(why_reason(&t.why), "snp.report-data-mismatch");
	t.job.report_data_n = 0;
	why_clear(&t.why);
	t.job.init_data = SLICE_LIT("\1");
	assert_false(rc_ok(trial_run(&t, &snp_driver)));
	assert_string_equal(why_reason(&t.why), "snp.init-data-mismatch");
	trial_end(&t);
}

static void memory_that_runs_out_is_a_refusal(void **state)
{
	struct trial t;

	(void)state;
	begin(&t, &milan, file(milan.report));
	assert_true(trial_starve(&t, &snp_driver, 1000, 1) > 50);
	trial_end(&t);
}

static int group_begin(void **state)
{
	(void)state;
	files = arena_new(0);
	return files ? 0 : -1;
}

static int group_end(void **state)
{
	(void)state;
	files = arena_free(files);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reports_of_every_generation_verify),
		cmocka_unit_test(a_report_truncated_at_any_length_is_refused),
		cmocka_unit_test(a_flipped_bit_of_the_report_is_never_accepted),
		cmocka_unit_test(a_flipped_bit_of_the_vcek_is_never_accepted),
		cmocka_unit_test(a_flipped_bit_of_an_authority_is_never_accepted),
		cmocka_unit_test(bytes_behind_the_signature_must_be_zero),
		cmocka_unit_test(the_chip_id_of_a_genuine_certificate_is_compared),
		cmocka_unit_test(the_chip_id_of_turin_is_eight_bytes),
		cmocka_unit_test(dates_are_checked),
		cmocka_unit_test(a_revocation_list_that_is_none_is_refused),
		cmocka_unit_test(without_certificates_the_report_is_refused),
		cmocka_unit_test(the_plan_names_what_the_report_needs),
		cmocka_unit_test(the_json_form_becomes_the_signed_bytes),
		cmocka_unit_test(the_certificates_of_the_evidence_are_used),
		cmocka_unit_test(a_turin_report_without_fmc_is_refused),
		cmocka_unit_test(short_certificates_are_refused),
		cmocka_unit_test(report_and_init_data_are_bound),
		cmocka_unit_test(memory_that_runs_out_is_a_refusal),
	};

	return cmocka_run_group_tests(tests, group_begin, group_end);
}
