#include "verifier/test_driver.h"

#include "evidence/hygon.h"
#include "verifier/csv/csv.h"
#include "verifier/csv/report.h"

/* The files of a case; absent ones are NULL. */
struct files {
	const char *evidence, *hrk, *pair;
};

/* Collateral and anchor as an operator would give them; the pair under the serial number that the driver asks for. */
static rc run(struct trial *t, struct slice evidence, struct slice hrk, struct slice pair)
{
	rc r;

	trial_begin(t, evidence);
	trial_collateral(t, "hygon-hrk", "", hrk);
	trial_anchor(t, "hygon-hrk", hrk);
	r = csv_driver.plan(&t->job);
	for (unsigned i = 0; rc_ok(r) && pair.p && i < t->job.wants_n; i++)
		if (!strcmp(t->job.wants[i].kind, "hygon-hsk-cek"))
			trial_collateral(t, "hygon-hsk-cek", t->job.wants[i].key, pair);
	if (rc_ok(r))
		r = csv_driver.verify(&t->job);
	if (rc_ok(r))
		trial_documented(t, &csv_driver);
	return r;
}

static void recorded_evidence_verifies_and_mutations_have_their_class(void **state)
{
	static const struct {
		struct files f;
		const char *class;	/* NULL: accepted */
	} row[] = {
		{{"csv/report-v1/report.bin", "csv/certs/hrk.cert", "csv/certs/hsk_cek.cert"}, NULL},
		{{"csv/report-v1/evidence.json", "csv/certs/hrk.cert", NULL}, NULL},
		{{"csv/synthetic-v2/evidence-v2.json", "csv/synthetic-v2/hrk.cert", NULL}, NULL},
		{{"csv/synthetic-v2/evidence-v2.json", "csv/certs/hrk.cert", NULL}, "chain"},
		{{"csv/evidence-trustee/evidence.json", "csv/certs/hrk.cert", NULL}, "chain"},
		{{"csv/evidence-trustee/evidence.json", "csv/certs/hrk.cert", "csv/certs/hsk_cek.cert"}, "chain"},
		{{"csv/negative/report-sig-flip.bin", "csv/certs/hrk.cert", "csv/certs/hsk_cek.cert"}, "signature"},
		{{"csv/negative/measure-flip.bin", "csv/certs/hrk.cert", "csv/certs/hsk_cek.cert"}, "signature"},
		{{"csv/negative/pek-pubkey-flip.bin", "csv/certs/hrk.cert", "csv/certs/hsk_cek.cert"}, "chain"},
		{{"csv/negative/report-truncated-2547.bin", "csv/certs/hrk.cert", "csv/certs/hsk_cek.cert"}, "parse"},
		{{"csv/report-v1/report.bin", "csv/certs/hrk.cert", "csv/negative/cek-sig-flip.bin"}, "chain"},
		{{"csv/report-v1/report.bin", "csv/certs/hrk.cert", "csv/negative/hsk-body-flip.bin"}, "chain"},
		{{"csv/report-v1/report.bin", "csv/certs/hrk.cert", "csv/negative/hsk_cek-truncated.bin"}, "parse"},
		{{"csv/report-v1/report.bin", "csv/negative/hrk-sig-flip.bin", "csv/certs/hsk_cek.cert"}, "chain"},
		{{"csv/negative/synth-rtmr3-flip.json", "csv/synthetic-v2/hrk.cert", NULL}, "signature"},
		{{"csv/negative/synth-flags-7.json", "csv/synthetic-v2/hrk.cert", NULL}, "parse"},
		{{"csv/negative/synth-no-hsk-cek.json", "csv/synthetic-v2/hrk.cert", NULL}, "chain"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct arena *a = arena_new(0);
		struct slice pair = row[i].f.pair ? shared_file(a, row[i].f.pair) : (struct slice){0};
		struct trial t;
		rc r = run(&t, shared_file(a, row[i].f.evidence), shared_file(a, row[i].f.hrk), pair);

		if (rc_ok(r) != !row[i].class || (row[i].class && strcmp(trial_class(&t), row[i].class)))
			fail_msg("%s: %s %s, expected %s", row[i].f.evidence, why_reason(&t.why), why_text(&t.why),
				 row[i].class ? row[i].class : "acceptance");
		trial_end(&t);
		arena_free(a);
	}
}

static void a_root_key_that_is_no_anchor_is_refused(void **state)
{
	struct arena *a = arena_new(0);
	struct slice hrk = shared_file(a, "csv/synthetic-v2/hrk.cert");
	struct trial t;

	(void)state;
	trial_begin(&t, shared_file(a, "csv/synthetic-v2/evidence-v2.json"));
	trial_collateral(&t, "hygon-hrk", "", hrk);
	trial_anchor(&t, "amd-ark", hrk);
	assert_false(rc_ok(trial_run(&t, &csv_driver)));
	assert_string_equal(why_reason(&t.why), "csv.untrusted-root");
	trial_end(&t);
	arena_free(a);
}

static void a_lost_chain_is_done_without_only_in_words_and_told(void **state)
{
	struct arena *a = arena_new(0);
	struct slice ev = shared_file(a, "csv/evidence-trustee/evidence.json");
	struct trial t;

	(void)state;
	trial_begin(&t, ev);
	assert_false(rc_ok(trial_run(&t, &csv_driver)));
	trial_end(&t);
	trial_begin(&t, ev);
	t.job.without |= VJOB_WITHOUT_ISSUERS;
	assert_true(rc_ok(trial_run(&t, &csv_driver)));
	assert_false(json_get(t.job.results[0].claims, "chain_verified")->boolean);
	assert_true(json_is(json_get(t.job.results[0].claims, "chain_verified"), JSON_BOOL));
	trial_end(&t);
	/* what is there is enforced */
	trial_begin(&t, ev);
	t.job.without |= VJOB_WITHOUT_ISSUERS;
	trial_collateral(&t, "hygon-hrk", "", shared_file(a, "csv/certs/hrk.cert"));
	trial_anchor(&t, "hygon-hrk", shared_file(a, "csv/certs/hrk.cert"));
	trial_collateral(&t, "hygon-hsk-cek", "KPA64911240507", shared_file(a, "csv/certs/hsk_cek.cert"));
	assert_false(rc_ok(trial_run(&t, &csv_driver)));
	assert_string_equal(trial_class(&t), "chain");
	trial_end(&t);
	arena_free(a);
}

static void claims_are_those_of_the_report(void **state)
{
	struct arena *a = arena_new(0);
	const struct json *facts = json_get(shared_case(a, "csv", "csv-report-v1"), "facts");
	static const char *const same[] = {"user_pubkey_digest", "vm_id", "vm_version", "report_data", "mnonce", "measure"};
	const struct json *o;
	struct trial t;

	(void)state;
	assert_true(rc_ok(run(&t, shared_file(a, "csv/report-v1/report.bin"), shared_file(a, "csv/certs/hrk.cert"),
			      shared_file(a, "csv/certs/hsk_cek.cert"))));
	o = t.job.results[0].claims;
	assert_string_equal(t.job.results[0].tee_class, "cpu");
	for (size_t i = 0; i < 6; i++)
		assert_true(json_equal(json_get(o, same[i]), json_get(facts, same[i])));
	assert_true(json_equal(json_get(o, "serial_number"), json_get(facts, "serial")));
	assert_true(slice_is(json_get(o, "version")->text, "1"));
	assert_true(slice_is(json_get(o, "sig_usage")->text, "02100000"));
	assert_true(slice_is(json_get(o, "anonce")->text, "9b429112"));
	assert_true(slice_is(json_pointer(o, "/policy/nodbg")->text, "1"));
	assert_true(slice_is(json_pointer(o, "/policy/api_minor")->text, "64"));
	trial_end(&t);
	arena_free(a);
}

static void expected_report_data_is_compared_padded_with_zeros(void **state)
{
	static const struct {
		const char *expected;
		bool ok;
	} row[] = {{"user data", true}, {"user datb", false}, {"user data ", false}, {"user dat", false}};
	struct arena *a = arena_new(0);
	struct slice ev = shared_file(a, "csv/report-v1/report.bin"), hrk = shared_file(a, "csv/certs/hrk.cert");
	struct slice pair = shared_file(a, "csv/certs/hsk_cek.cert");

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct trial t;

		trial_begin(&t, ev);
		t.job.report_data[0] = slice_cstr(row[i].expected);
		t.job.report_data_n = 1;
		trial_collateral(&t, "hygon-hrk", "", hrk);
		trial_anchor(&t, "hygon-hrk", hrk);
		trial_collateral(&t, "hygon-hsk-cek", "NZA9T14052605", pair);
		assert_int_equal(rc_ok(trial_run(&t, &csv_driver)), row[i].ok);
		if (!row[i].ok)
			assert_string_equal(trial_class(&t), "report-data-mismatch");
		trial_end(&t);
	}
	arena_free(a);
}

/* The serial number names a file and a query parameter on the host. */
static void a_serial_number_that_is_no_plain_text_is_refused_before_anything_is_asked_for(void **state)
{
	static const char *const bad[] = {"../../etc/passwd", "A&snumber=B", "a b", "a/b", "%2e", "\xc3\xa9", "", "a\0b"};
	struct arena *a = arena_new(0);

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint8_t field[64] = {0};
		struct why w = why_in(a);
		struct slice out = {0};

		memcpy(field, bad[i], i == 7 ? 3 : strlen(bad[i]));
		assert_false(rc_ok(hygon_serial(slice_of(field, 64), "csv.parse.serial-number", &out, &w)));
		assert_string_equal(why_reason(&w), "csv.parse.serial-number");
		assert_null(out.p);
	}
	arena_free(a);
}

/* Its length is a number of the certificate, not of the field. */
static void a_user_id_longer_than_its_field_is_refused(void **state)
{
	uint8_t cert[HYGON_CA_SIZE] = {0}, csv[HYGON_CSV_SIZE] = {0};
	struct hygon_cert out;
	struct arena *a = arena_new(0);
	struct why w = why_in(a);

	(void)state;
	cert[0x40] = csv[0x10] = HYGON_CURVE_SM2;
	cert[0xD4] = csv[0xA4] = 254;
	assert_true(rc_ok(hygon_ca_parse(slice_of(cert, sizeof(cert)), "HSK", &out, NULL)));
	assert_true(rc_ok(hygon_csv_parse(slice_of(csv, sizeof(csv)), "CEK", &out, NULL)));
	cert[0xD4] = csv[0xA4] = 255;
	assert_false(rc_ok(hygon_ca_parse(slice_of(cert, sizeof(cert)), "HSK", &out, &w)));
	assert_string_equal(why_reason(&w), "hygon.parse.user-id");
	assert_false(rc_ok(hygon_csv_parse(slice_of(csv, sizeof(csv)), "CEK", &out, NULL)));
	cert[0xD4] = 254;
	cert[HYGON_CA_SIZE - 1] = 1;	/* reserved, not signed: nothing may hide there */
	assert_false(rc_ok(hygon_ca_parse(slice_of(cert, sizeof(cert)), "HSK", &out, NULL)));
	arena_free(a);
}

/* A crypto-agile log with one SM3 event in register 2, and the register that it leaves. */
static struct slice made_log(struct arena *a, uint8_t rtmr2[32])
{
	static const uint8_t zero[32];
	struct buf b = buf_in(a, 0), spec = buf_in(a, 0);
	uint8_t event[32];
	struct slice parts[2] = {{zero, 32}, {event, 32}};

	buf_put(&spec, "Spec ID Event03\0", 16);
	buf_put(&spec, (const uint8_t[]){0, 0, 0, 0, 0, 2, 0, 2}, 8);
	buf_le32(&spec, 1);
	buf_le16(&spec, 0x12);
	buf_le16(&spec, 32);
	buf_putc(&spec, 0);
	buf_le32(&b, 0);
	buf_le32(&b, 3);
	buf_put(&b, zero, 20);
	buf_le32(&b, (uint32_t)spec.n);
	buf_slice(&b, buf_view(&spec));
	assert_true(rc_ok(digest(DIGEST_SM3, SLICE_LIT("data"), event, NULL)));
	buf_le32(&b, 2);
	buf_le32(&b, 0x0d);
	buf_le32(&b, 1);
	buf_le16(&b, 0x12);
	buf_put(&b, event, 32);
	buf_le32(&b, 4);
	buf_puts(&b, "data");
	assert_true(rc_ok(digest_parts(DIGEST_SM3, parts, 2, rtmr2, NULL)));
	return buf_view(&b);
}

static void an_event_log_must_leave_the_registers_of_the_report(void **state)
{
	static const uint8_t zero[32];
	uint8_t rtmr2[32];
	struct arena *a = arena_new(0);
	struct slice bytes = made_log(a, rtmr2);
	struct csv_report rep = {.version = 2};
	struct eventlog log;
	struct why w = why_in(a);
	struct json *doc = NULL;
	struct trial t;

	(void)state;
	for (unsigned i = 0; i < 5; i++)
		rep.rtmr[i] = slice_of(i == 2 ? rtmr2 : zero, 32);
	assert_true(rc_ok(eventlog_parse(a, bytes, EVENTLOG_CC, "csv.parse.eventlog", &log, NULL)));
	if (!rc_ok(csv_report_check_log(&rep, &log, a, &w)))
		fail_msg("%s", why_text(&w));
	for (unsigned i = 1; i < 5; i++) {
		uint8_t other[32] = {1};
		struct slice keep = rep.rtmr[i];

		rep.rtmr[i] = slice_of(other, 32);
		assert_false(rc_ok(csv_report_check_log(&rep, &log, a, &w)));
		assert_string_equal(why_reason(&w), "csv.rtmr-mismatch");
		rep.rtmr[i] = keep;
	}
	/* in the driver: a genuine report with a log that is not its own, and one that is no log */
	for (unsigned i = 0; i < 2; i++) {
		assert_true(rc_ok(json_parse(a, shared_file(a, "csv/synthetic-v2/evidence-v2.json"), NULL, &doc, NULL)));
		json_set(a, doc, "cc_eventlog", json_new_b64(a, i ? slice_sub(bytes, 0, 40) : bytes));
		assert_false(rc_ok(run(&t, json_text(a, doc), shared_file(a, "csv/synthetic-v2/hrk.cert"), (struct slice){0})));
		assert_string_equal(trial_class(&t), i ? "parse" : "rtmr-mismatch");
		trial_end(&t);
	}
	arena_free(a);
}

static void truncation_at_any_length_is_refused(void **state)
{
	struct arena *a = arena_new(0);
	struct slice raw = shared_file(a, "csv/report-v1/report.bin"), hrk = shared_file(a, "csv/certs/hrk.cert");
	struct slice pair = shared_file(a, "csv/certs/hsk_cek.cert"), json = shared_file(a, "csv/report-v1/evidence.json");

	(void)state;
	for (size_t n = 0; n < raw.n; n++) {
		uint8_t *cut = exact_copy(raw, n);
		struct trial t;

		assert_false(rc_ok(run(&t, slice_of(cut, n), hrk, pair)));
		assert_string_equal(trial_class(&t), "parse");
		trial_end(&t);
		free(cut);
	}
	for (size_t n = 0; n < json.n; n += 37) {
		uint8_t *cut = exact_copy(json, n);
		struct trial t;

		if (rc_ok(run(&t, slice_of(cut, n), hrk, pair)))
			fail_msg("%zu bytes were accepted", n);
		trial_end(&t);
		free(cut);
	}
	arena_free(a);
}

/* Signed part, masks and signature of the report, and what the chain signs: every bit of a sample counts. */
static void no_flipped_bit_is_accepted(void **state)
{
	struct arena *a = arena_new(0);
	struct slice raw = shared_file(a, "csv/report-v1/report.bin"), hrk = shared_file(a, "csv/certs/hrk.cert");
	struct slice pair = shared_file(a, "csv/certs/hsk_cek.cert");
	/* report and PEK with its first signature; HSK, then CEK with its first. The second signature slots are other
	 * signers' and count for nothing */
	const size_t raw_bits = (CSV_V1_SIZE + 0x414 + 520) * 8, pair_bits = (HYGON_CA_SIZE + 0x414 + 520) * 8;
	unsigned tried = 0;

	(void)state;
	/* the last step changes nothing and must verify */
	for (size_t bit = 0, all = raw_bits + pair_bits, step = flip_step(all, 2100); bit <= all;
	     bit = bit < all && bit + step > all ? all : bit + step) {
		uint8_t *r = exact_copy(raw, raw.n), *p = exact_copy(pair, pair.n);
		struct trial t;

		if (bit < raw_bits)
			r[bit / 8] ^= (uint8_t)(1u << bit % 8);
		else if (bit < all)
			p[(bit - raw_bits) / 8] ^= (uint8_t)(1u << bit % 8);
		if (rc_ok(run(&t, slice_of(r, raw.n), hrk, slice_of(p, pair.n))) != (bit == all))
			fail_msg("bit %zu is not protected", bit);
		trial_end(&t);
		free(r);
		free(p);
		tried++;
	}
	flips_enough(tried, 2000);
	flips_told("csv", tried - 1);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recorded_evidence_verifies_and_mutations_have_their_class),
		cmocka_unit_test(a_root_key_that_is_no_anchor_is_refused),
		cmocka_unit_test(a_lost_chain_is_done_without_only_in_words_and_told),
		cmocka_unit_test(claims_are_those_of_the_report),
		cmocka_unit_test(expected_report_data_is_compared_padded_with_zeros),
		cmocka_unit_test(a_serial_number_that_is_no_plain_text_is_refused_before_anything_is_asked_for),
		cmocka_unit_test(a_user_id_longer_than_its_field_is_refused),
		cmocka_unit_test(an_event_log_must_leave_the_registers_of_the_report),
		cmocka_unit_test(truncation_at_any_length_is_refused),
		cmocka_unit_test(no_flipped_bit_is_accepted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
