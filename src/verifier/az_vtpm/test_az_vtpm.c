#include "verifier/test_dcap.h"
#include "verifier/test_members.h"

#include "evidence/hcl.h"
#include "verifier/az_vtpm/az_vtpm.h"

static const char nonce_text[] = "challenge";

static const struct vdriver *driver_of(const char *path)
{
	return strstr(path, "tdx") ? &az_tdx_vtpm_driver : &az_snp_vtpm_driver;
}

/* What the plan wants of AMD: the intermediate and the root of either generation, as one PEM text a product. */
static void give_amd(struct trial *t)
{
	for (unsigned i = 0; i < t->job.wants_n; i++) {
		const char *key = t->job.wants[i].key;
		bool genoa = !strncmp(key, "Genoa", 5);
		struct slice ask, ark;
		struct buf b = buf_in(t->a, 0);

		if (strcmp(t->job.wants[i].kind, "amd-ask-ark") != 0 || (!genoa && strncmp(key, "Milan", 5) != 0))
			continue;
		ask = shared_file(t->a, genoa ? "snp/certs/genoa_ask.pem" : "snp/certs/milan_ask.pem");
		ark = shared_file(t->a, genoa ? "snp/certs/genoa_ark.pem" : "snp/certs/milan_ark.pem");
		buf_slice(&b, ask);
		buf_puts(&b, "\n");
		buf_slice(&b, ark);
		trial_collateral(t, "amd-ask-ark", key, buf_view(&b));
	}
}

static void az_begin(struct trial *t, struct slice evidence, struct slice nonce)
{
	trial_begin(t, evidence);
	t->job.only_configured_anchors = false;
	t->job.without = VJOB_WITHOUT_TCB | VJOB_WITHOUT_CRL;
	t->job.report_data[0] = nonce;
	t->job.report_data_n = nonce.p ? 1 : 0;
}

static rc az_run(struct trial *t, const struct vdriver *d)
{
	rc r = d->plan(&t->job);

	if (!rc_ok(r))
		return r;
	give_amd(t);
	r = d->verify(&t->job);
	if (rc_ok(r))
		trial_documented(t, d);
	return r;
}

/* The nonce that a case expects: stated, or the one that the quote is known to have. */
static struct slice case_nonce(struct arena *a, const struct json *c)
{
	const char *text = case_text(json_get(c, "inputs"), "expected_nonce");
	struct slice out = slice_of(nonce_text, 9);

	if (!text)
		text = case_text(json_get(c, "facts"), "tpm_extra_data");
	if (text)
		assert_true(rc_ok(hex_decode(a, slice_cstr(text), &out, "nonce", NULL)));
	return out;
}

static void every_recorded_case_has_its_verdict(void **state)
{
	struct arena *a = arena_new(0);
	const struct json *cases = shared_cases(a, "azure");
	unsigned wrong = 0, seen = 0;

	(void)state;
	for (size_t i = 0; i < cases->n; i++) {
		const struct json *c = json_at(cases, i);
		const char *path = case_text(json_get(c, "inputs"), "evidence"), *classes = case_text(c, "error_class");
		struct trial t;
		rc r;

		if (!path)
			continue;
		az_begin(&t, shared_file(a, path), case_nonce(a, c));
		r = az_run(&t, driver_of(path));
		if (rc_ok(r) != !strcmp(case_text(c, "expect"), "ok") || (!rc_ok(r) && !class_fits(why_reason(&t.why), classes))) {
			print_error("%s: %s %s (%s), expected %s\n", case_text(c, "id"), rc_name(r.code), why_reason(&t.why),
				    why_text(&t.why), classes ? classes : "ok");
			wrong++;
		}
		seen++;
		trial_end(&t);
	}
	assert_int_equal(wrong, 0);
	assert_true(seen >= 18);
	arena_free(a);
}

static void claims_are_those_that_policies_know(void **state)
{
	struct arena *a = arena_new(0);

	(void)state;
	for (int tdx = 0; tdx < 2; tdx++) {
		const struct json *c = shared_case(a, "azure", tdx ? "azure-tdx-v1" : "azure-snp-milan-v1");
		const struct json *facts = json_get(c, "facts"), *claims;
		const char *path = case_text(json_get(c, "inputs"), "evidence");
		struct trial t;

		az_begin(&t, shared_file(a, path), case_nonce(a, c));
		assert_true(rc_ok(az_run(&t, driver_of(path))));
		claims = t.job.results[0].claims;
		assert_string_equal(case_text(claims, "report_data"), case_text(facts, "tpm_extra_data"));
		assert_string_equal(case_text(claims, "init_data"), case_text(json_get(facts, "pcrs_sha256"), "8"));
		assert_string_equal(case_text(json_get(claims, "tpm"), "pcr04"), case_text(json_get(facts, "pcrs_sha256"), "4"));
		assert_string_equal(case_text(json_get(claims, "tpm"), "pcr23"), case_text(json_get(facts, "pcrs_sha256"), "23"));
		assert_true(json_equal(json_pointer(claims, "/hcl/vm_configuration"), json_get(facts, "vm_configuration")));
		if (tdx) {
			assert_string_equal((const char *)json_pointer(claims, "/quote/body/mr_td")->text.p,
					    case_text(json_get(facts, "tdx"), "mrtd"));
		} else {
			struct slice m;

			assert_true(rc_ok(hex_decode(a, slice_cstr(case_text(json_get(facts, "snp"), "measurement")), &m, "m", NULL)));
			assert_true(slice_eq(b64_text(a, B64_STD, m), json_get(claims, "measurement")->text));
			assert_true(json_is(json_get(claims, "policy_debug_allowed"), JSON_STRING));
			assert_true(json_is(json_get(claims, "reported_tcb_snp"), JSON_STRING));
		}
		trial_end(&t);
	}
	arena_free(a);
}

static void evidence_without_a_nonce_to_compare_is_refused(void **state)
{
	static const char *const paths[] = {"azure/snp-milan-v1/evidence.json", "azure/tdx-v1/evidence.json"};
	struct arena *a = arena_new(0);

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct trial t;

		az_begin(&t, shared_file(a, paths[i]), (struct slice){0});
		assert_int_equal(az_run(&t, driver_of(paths[i])).code, E_DENIED);
		assert_string_equal(trial_class(&t), "nonce-mismatch");
		trial_end(&t);
	}
	arena_free(a);
}

/* A nonce is the whole of extraData: neither a part of it nor one with zeros behind. */
static void a_nonce_is_compared_exactly(void **state)
{
	static const struct {
		const char *nonce;
		size_t n;
	} wrong[] = {{"challeng", 8}, {"challenge\0", 10}, {"", 0}, {"Challenge", 9}};
	struct arena *a = arena_new(0);
	struct slice evidence = shared_file(a, "azure/snp-milan-v1/evidence.json");

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct trial t;

		az_begin(&t, evidence, slice_of(wrong[i].nonce, wrong[i].n));
		assert_int_equal(az_run(&t, &az_snp_vtpm_driver).code, E_DENIED);
		assert_string_equal(why_reason(&t.why), "az-snp-vtpm.nonce-mismatch");
		trial_end(&t);
	}
	arena_free(a);
}

/* The text of a v1 document with one edit. */
static struct slice edited(struct arena *a, const char *path, const char *find, const char *put)
{
	struct slice text = shared_file(a, path);
	const char *at = strstr((const char *)text.p, find);
	struct buf b = buf_in(a, 0);

	assert_non_null(at);
	buf_put(&b, text.p, (size_t)(at - (const char *)text.p));
	buf_puts(&b, put);
	buf_puts(&b, at + strlen(find));
	return buf_view(&b);
}

/* The recorded document is of version 1. As version 2 it lacks the nonce in the paravisor's data. */
static void from_version_2_on_the_hardware_report_must_be_of_this_request(void **state)
{
	struct arena *a = arena_new(0);
	struct trial t;

	(void)state;
	az_begin(&t, edited(a, "azure/snp-milan-v1/evidence.json", "\"version\": 1", "\"version\": 2"), slice_of(nonce_text, 9));
	assert_int_equal(az_run(&t, &az_snp_vtpm_driver).code, E_DENIED);
	assert_string_equal(why_reason(&t.why), "az-snp-vtpm.report-data-mismatch");
	trial_end(&t);
	arena_free(a);
}

static void a_document_of_another_form_is_refused(void **state)
{
	static const struct {
		const char *find, *put, *class;
	} table[] = {
		{"\"version\": 1", "\"version\": 3", "unsupported"},
		{"\"version\": 1", "\"version\": 0", "unsupported"},
		{"\"version\": 1", "\"version\": \"1\"", "parse"},
		{"\"version\": 1,", "", "parse"},
		{"\"hcl_report\": \"", "\"hcl_report\": \"!", "parse"},
		{"\"message\": \"ff", "\"message\": \"f", "parse"},
		{"\"pcrs\": [", "\"pcrs\": [\"00\",", "parse"},
		{"\"pcrs\": [", "\"pcrs\": {\"x\":[", "parse"},
	};
	struct arena *a = arena_new(0);

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct trial t;

		az_begin(&t, edited(a, "azure/snp-milan-v1/evidence.json", table[i].find, table[i].put), slice_of(nonce_text, 9));
		assert_false(rc_ok(az_run(&t, &az_snp_vtpm_driver)));
		if (strcmp(trial_class(&t), table[i].class) != 0)
			fail_msg("row %zu: %s (%s)", i, why_reason(&t.why), why_text(&t.why));
		trial_end(&t);
	}
	arena_free(a);
}

static void evidence_of_one_tee_is_none_of_the_other(void **state)
{
	struct arena *a = arena_new(0);
	struct trial t;

	(void)state;
	az_begin(&t, shared_file(a, "azure/tdx-v1/evidence.json"), slice_of(nonce_text, 9));
	assert_false(rc_ok(az_run(&t, &az_snp_vtpm_driver)));
	trial_end(&t);
	az_begin(&t, shared_file(a, "azure/snp-milan-v1/evidence.json"), slice_of(nonce_text, 9));
	assert_false(rc_ok(az_run(&t, &az_tdx_vtpm_driver)));
	trial_end(&t);
	arena_free(a);
}

/* PCR 8 of the recorded guests is zero: no init-data was ever extended. A digest of any length is a refusal, not a crash. */
static void init_data_that_was_not_extended_is_refused(void **state)
{
	static const uint8_t zeros[64];
	struct arena *a = arena_new(0);

	(void)state;
	for (size_t n = 0; n <= 64; n += 16) {
		struct trial t;

		az_begin(&t, shared_file(a, "azure/snp-milan-v1/evidence.json"), slice_of(nonce_text, 9));
		t.job.init_data = slice_of(zeros, n);
		assert_false(rc_ok(az_run(&t, &az_snp_vtpm_driver)));
		assert_string_equal(trial_class(&t), "init-data-mismatch");
		trial_end(&t);
	}
	arena_free(a);
}

/* The same evidence with and without padding behind its base64. */
static void padding_behind_base64_may_be_left_away(void **state)
{
	struct arena *a = arena_new(0);
	struct slice text = shared_file(a, "azure/snp-milan-v1/evidence.json");
	struct buf b = buf_in(a, 0);
	struct trial t;

	(void)state;
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] != '=')
			buf_putc(&b, (char)text.p[i]);
	assert_true(b.n < text.n);
	az_begin(&t, buf_view(&b), slice_of(nonce_text, 9));
	assert_true(rc_ok(az_run(&t, &az_snp_vtpm_driver)));
	trial_end(&t);
	arena_free(a);
}

/* A document of version 1 whose parts a test may change. */
struct parts {
	struct slice message, signature, hcl, hardware;
	const struct json *pcrs;
	bool tdx;
};

static struct parts take_apart(struct arena *a, const char *path)
{
	struct json *doc;
	struct parts p = {.tdx = strstr(path, "tdx") != NULL};
	const struct json *q;

	assert_true(rc_ok(json_parse(a, shared_file(a, path), NULL, &doc, NULL)));
	q = json_get(doc, "tpm_quote");
	p.pcrs = json_get(q, "pcrs");
	assert_true(rc_ok(hex_decode(a, json_get(q, "message")->text, &p.message, "m", NULL)));
	assert_true(rc_ok(hex_decode(a, json_get(q, "signature")->text, &p.signature, "s", NULL)));
	assert_true(rc_ok(b64_decode(a, B64_URL_PAD, json_get(doc, "hcl_report")->text, &p.hcl, "h", NULL)));
	assert_true(rc_ok(b64_decode(a, B64_URL_PAD, json_get(doc, p.tdx ? "td_quote" : "vcek")->text, &p.hardware, "v", NULL)));
	return p;
}

static struct slice put_together(struct arena *a, const struct parts *p)
{
	struct json *doc = json_new_object(a), *q = json_new_object(a);

	json_set(a, doc, "version", json_new_u64(a, 1));
	json_set(a, q, "message", json_new_hex(a, p->message));
	json_set(a, q, "signature", json_new_hex(a, p->signature));
	json_set(a, q, "pcrs", p->pcrs);
	json_set(a, doc, "tpm_quote", q);
	json_set(a, doc, "hcl_report", json_new_str(a, b64_text(a, B64_URL_PAD, p->hcl)));
	json_set(a, doc, p->tdx ? "td_quote" : "vcek", json_new_str(a, b64_text(a, B64_URL_PAD, p->hardware)));
	return json_text(a, doc);
}

/* Which bytes of the HCL report are held by nothing: its headers, for TDX the report that is not the quote, the padding, and
 * of an SNP report the reserved area behind the signature (which must be zero, so a flip there is refused too). */
static bool is_held(const struct parts *p, const struct hcl_report *hcl, const struct slice *part, size_t at)
{
	size_t var = (size_t)(hcl->var_data.p - p->hcl.p);

	if (part != &p->hcl)
		return true;
	if (at >= var && at < var + hcl->var_data.n)
		return true;
	return !p->tdx && at >= 32 && at < 32 + HCL_HW_REPORT;
}

static void flip_all(const char *path, size_t samples)
{
	struct arena *a = arena_new(0);
	struct parts p = take_apart(a, path);
	struct slice *const part[] = {&p.message, &p.signature, &p.hcl, &p.hardware};
	struct memo *m = memo_new(0);
	struct hcl_report hcl;
	uint64_t x = 0x2545f4914f6cdd1d;
	struct trial good;
	struct slice said;

	assert_true(rc_ok(hcl_parse(a, p.hcl, &hcl, NULL)));
	az_begin(&good, put_together(a, &p), slice_of(nonce_text, 9));
	if (!rc_ok(az_run(&good, driver_of(path))))
		fail_msg("%s: %s", path, why_text(&good.why));
	said = claims_text(&good);	/* once: with every bit it would fill the arena */
	for (size_t k = 0; k < 4; k++) {
		struct slice whole = *part[k];
		uint8_t *bytes = exact_copy(whole, whole.n);
		size_t n = flips_of(whole.n, samples / 4);

		*part[k] = slice_of(bytes, whole.n);
		for (size_t i = 0; i < n; i++) {
			size_t bit = flip_at(whole.n, n, i, &x);
			struct trial t;
			bool ok;

			bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
			az_begin(&t, (struct slice){0}, slice_of(nonce_text, 9));
			t.job.evidence = put_together(t.a, &p);
			t.job.memo = m;
			ok = rc_ok(az_run(&t, driver_of(path)));
			/* what decodes to the same certificates, or is padding, says the same */
			if (ok && !slice_eq(claims_text(&t), said) && is_held(&p, &hcl, part[k], bit / 8))
				fail_msg("%s: part %zu, bit %zu of byte %zu changes the claims", path, k, bit % 8, bit / 8);
			if (ok && k != 2 && !(k == 3 && p.tdx))
				fail_msg("%s: part %zu, bit %zu of byte %zu may be anything", path, k, bit % 8, bit / 8);
			trial_end(&t);
			bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		free(bytes);
		flips_told(path, n);
		*part[k] = whole;
	}
	trial_end(&good);
	memo_free(m);
	arena_free(a);
}

static void no_flipped_bit_is_accepted(void **state)
{
	(void)state;
	flip_all("azure/snp-milan-v1/evidence.json", 2000);
	flip_all("azure/tdx-v1/evidence.json", 2000);
}

/* Values in another order, or one too few: positions are names here. */
static void pcr_values_out_of_place_are_refused(void **state)
{
	struct arena *a = arena_new(0);
	struct parts p = take_apart(a, "azure/snp-milan-v1/evidence.json");

	(void)state;
	for (int row = 0; row < 3; row++) {
		struct json *list = json_new_array(a);
		struct parts bent = p;
		struct trial t;

		for (size_t i = 0; i < p.pcrs->n; i++) {
			if (row == 0 && i == 23)
				continue;
			json_push(a, list, json_at(p.pcrs, row == 1 && i < 2 ? 1 - i : i));
		}
		if (row == 2)
			json_push(a, list, json_at(p.pcrs, 0));
		bent.pcrs = list;
		az_begin(&t, put_together(a, &bent), slice_of(nonce_text, 9));
		assert_false(rc_ok(az_run(&t, &az_snp_vtpm_driver)));
		assert_string_equal(trial_class(&t), row == 1 ? "pcr-mismatch" : "parse");
		trial_end(&t);
	}
	arena_free(a);
}

static void evidence_can_do_without_no_member(void **state)
{
	static const struct {
		const char *path, *accepted;
	} rows[] = {
		/* pages with room behind what stands in them */
		{"azure/snp-milan-v0/evidence.json", "/report=short /report=more"},
		{"azure/snp-milan-v1/evidence.json", ""},
		{"azure/tdx-v0/evidence.json", "/hcl_report=short /hcl_report=more /td_quote=short /td_quote=more"},
		{"azure/tdx-v1/evidence.json", ""},
	};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		const struct vdriver *d = driver_of(rows[i].path);
		struct trial t;

		az_begin(&t, (struct slice){0}, slice_of(nonce_text, 9));
		t.job.evidence = shared_file(t.a, rows[i].path);
		assert_true(rc_ok(az_run(&t, d)));	/* collateral is there from now on */
		expect_members(&t, d, rows[i].accepted);
		trial_end(&t);
	}
}

static void without_memory_evidence_is_refused(void **state)
{
	static const char *const path[] = {"azure/snp-milan-v1/evidence.json", "azure/tdx-v1/evidence.json"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct trial t;

		az_begin(&t, (struct slice){0}, slice_of(nonce_text, 9));
		t.job.evidence = shared_file(t.a, path[i]);
		assert_true(rc_ok(az_run(&t, driver_of(path[i]))));	/* collateral is there from now on */
		assert_true(trial_starve(&t, driver_of(path[i]), 400, 3) > 50);
		trial_end(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_recorded_case_has_its_verdict),
		cmocka_unit_test(claims_are_those_that_policies_know),
		cmocka_unit_test(evidence_without_a_nonce_to_compare_is_refused),
		cmocka_unit_test(a_nonce_is_compared_exactly),
		cmocka_unit_test(from_version_2_on_the_hardware_report_must_be_of_this_request),
		cmocka_unit_test(a_document_of_another_form_is_refused),
		cmocka_unit_test(evidence_of_one_tee_is_none_of_the_other),
		cmocka_unit_test(init_data_that_was_not_extended_is_refused),
		cmocka_unit_test(padding_behind_base64_may_be_left_away),
		cmocka_unit_test(pcr_values_out_of_place_are_refused),
		cmocka_unit_test(evidence_can_do_without_no_member),
		cmocka_unit_test(without_memory_evidence_is_refused),
		cmocka_unit_test(no_flipped_bit_is_accepted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
