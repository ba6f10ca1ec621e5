/* Reports of the retired service, made here: signed as Intel's were, under a root that the test names. */
#include "verifier/test_driver.h"

#include "base/num.h"
#include "lab/lab_x509.h"
#include "verifier/sgx/sgx.h"

#define NOW ((int64_t)1795557718)	/* 2026-11-24T22:01:58Z */
#define DAY 86400

static struct {
	struct arena *a;
	struct slice key, pem, root;
} s;

static int set_up(void **state)
{
	struct slice root_key, der[2];
	struct lab_cert c = {.subject = "CN=Lab IAS root", .issuer = "CN=Lab IAS root", .serial = 1, .from_s = NOW - 100 * DAY, .to_s = NOW + DAY,
			     .ca = true};
	struct buf b;

	(void)state;
	s.a = arena_new(0);
	b = buf_in(s.a, 0);
	assert_true(rc_ok(lab_key_new(LAB_RSA2048, s.a, &root_key, NULL)) && rc_ok(lab_key_new(LAB_RSA2048, s.a, &s.key, NULL)));
	c.key = c.signer = root_key;
	assert_true(rc_ok(lab_cert(&c, s.a, &der[0], NULL)));
	/* the signing certificate has ended since: what counts is the time of the report */
	c = (struct lab_cert){.subject = "CN=Lab IAS signer", .issuer = c.subject, .serial = 2, .from_s = NOW - 100 * DAY, .to_s = NOW - 10 * DAY,
			      .key = s.key, .signer = root_key};
	assert_true(rc_ok(lab_cert(&c, s.a, &der[1], NULL)));
	buf_slice(&b, lab_pem("CERTIFICATE", der[1], s.a));
	buf_slice(&b, lab_pem("CERTIFICATE", der[0], s.a));
	s.pem = buf_view(&b);
	s.root = der[0];
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	s.a = arena_free(s.a);
	return 0;
}

struct changes {
	const char *status, *timestamp, *version, *more;	/* NULL: as it should be */
	size_t quote_n;
	bool unsigned_body;
};

static struct slice evidence(struct arena *a, const struct changes *c)
{
	uint8_t quote[432] = {2, 0, 1, 0, 0xaa, 0xbb, 0xcc, 0xdd};
	struct json *doc = json_new_object(a);
	struct slice body, sig;

	memset(quote + 48 + 64, 0xe1, 32);	/* MRENCLAVE */
	memset(quote + 48 + 128, 0x51, 32);	/* MRSIGNER */
	memset(quote + 48 + 320, 0x77, 8);	/* report data */
	quote[48 + 48] = 5;
	body = slice_cstr(arena_printf(a, "{\"id\":\"1\",\"timestamp\":\"%s\",\"version\":%s,\"isvEnclaveQuoteStatus\":\"%s\",\"isvEnclaveQuoteBody\":\"%s\","
					  "\"advisoryURL\":\"https://x.example\",\"advisoryIDs\":[\"INTEL-SA-00334\"]%s}",
				       c->timestamp ? c->timestamp : "2026-10-01T12:34:56.789012", c->version ? c->version : "4", c->status ? c->status : "OK",
				       (const char *)b64_text(a, B64_STD, slice_of(quote, c->quote_n ? c->quote_n : sizeof(quote))).p, c->more ? c->more : ""));
	assert_true(rc_ok(lab_sign(s.key, LAB_PKCS1, DIGEST_SHA256, c->unsigned_body ? SLICE_LIT("{}") : body, a, &sig, NULL)));
	json_set(a, doc, "ias_report", json_new_b64(a, body));
	json_set(a, doc, "ias_signature", json_new_b64(a, sig));
	json_set(a, doc, "ias_certificates", json_new_str(a, s.pem));
	return json_text(a, doc);
}

static void begin(struct trial *t, struct slice ev)
{
	static const uint8_t expected[8] = {0x77, 0x77, 0x77, 0x77, 0x77, 0x77, 0x77, 0x77};

	trial_begin(t, ev);
	t->job.without = 0;
	t->job.no_time = false;
	t->job.now_s = NOW;
	t->job.report_data[0] = slice_of(expected, 8);
	t->job.report_data_n = 1;
	trial_anchor(t, "intel-ias-root", s.root);
}

static void a_stored_report_is_verified_at_its_own_time(void **state)
{
	const struct json *o;
	struct trial t;

	(void)state;
	begin(&t, evidence(s.a, &(struct changes){.status = "SW_HARDENING_NEEDED"}));
	if (!rc_ok(trial_run(&t, &sgx_driver)))
		fail_msg("%s", why_render(&t.why, t.a));
	assert_int_equal(t.job.wants_n, 0);
	o = t.job.results[0].claims;
	assert_true(slice_is(json_get(o, "tcb_status")->text, "SWHardeningNeeded"));
	assert_true(slice_is(json_pointer(o, "/ias/status")->text, "SW_HARDENING_NEEDED"));
	assert_true(slice_is(json_pointer(o, "/ias/epid_group_id")->text, "aabbccdd"));
	assert_true(slice_is(json_pointer(o, "/advisory_ids/0")->text, "INTEL-SA-00334"));
	assert_true(slice_starts(json_pointer(o, "/body/mr_enclave")->text, SLICE_LIT("e1e1")));
	assert_true(slice_starts(json_pointer(o, "/body/mr_signer")->text, SLICE_LIT("5151")));
	assert_true(slice_is(json_pointer(o, "/ias/age_s")->text, "4699622"));
	assert_null(json_get(o, "collateral_expiration_status"));	/* nothing says that */
	assert_false(json_get(o, "debug")->boolean);
	trial_end(&t);
}

static void what_is_wrong_with_a_report_is_named(void **state)
{
	static const struct {
		struct changes c;
		const char *reason;
	} row[] = {
		{{.unsigned_body = true}, "sgx.signature.ias"},
		{{.status = "SIGNATURE_INVALID"}, "sgx.ias-status"},
		{{.status = "GROUP_REVOKED"}, "sgx.ias-status"},
		{{.status = "KEY_REVOKED"}, "sgx.ias-status"},
		{{.status = "SIGRL_VERSION_MISMATCH"}, "sgx.ias-status"},
		{{.status = "ok"}, "sgx.ias-status"},
		{{.timestamp = "2026-11-20T00:00:00.0"}, "sgx.expired.ias"},	/* the signing certificate had ended */
		{{.timestamp = "2020-01-01T00:00:00.0"}, "sgx.expired.ias"},
		{{.timestamp = "2026-11-25T00:00:00.0"}, "sgx.expired.ias"},	/* of the future */
		{{.timestamp = "2026-10-01 12:34:56"}, "sgx.parse.ias"},
		{{.timestamp = "2026-13-01T12:34:56"}, "sgx.parse.ias"},
		{{.timestamp = "now"}, "sgx.parse.ias"},
		{{.version = "3"}, "sgx.unsupported.ias"},
		{{.version = "\"4\""}, "sgx.parse.ias"},
		{{.quote_n = 431}, "sgx.parse.ias"},
		{{.more = ",\"id\":\"2\""}, "sgx.parse.ias"},
	};
	static const uint8_t other[8] = {1};
	struct trial t;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(row); i++) {
		begin(&t, evidence(s.a, &row[i].c));
		if (rc_ok(trial_run(&t, &sgx_driver)) || strcmp(why_reason(&t.why), row[i].reason) != 0)
			fail_msg("row %zu: %s (%s), expected %s", i, why_reason(&t.why), why_text(&t.why), row[i].reason);
		trial_end(&t);
	}
	/* of the future, while its certificate held */
	begin(&t, evidence(s.a, &(struct changes){0}));
	t.job.now_s = NOW - 60 * DAY;
	assert_int_equal(trial_run(&t, &sgx_driver).code, E_DENIED);
	assert_string_equal(why_reason(&t.why), "sgx.expired.ias");
	assert_non_null(strstr(why_text(&t.why), "future"));
	trial_end(&t);
	begin(&t, evidence(s.a, &(struct changes){0}));
	t.job.anchors_n = 0;
	t.job.only_configured_anchors = false;
	assert_int_equal(trial_run(&t, &sgx_driver).code, E_DENIED);
	assert_string_equal(why_reason(&t.why), "sgx.untrusted-root.ias");
	trial_end(&t);
	begin(&t, evidence(s.a, &(struct changes){0}));
	t.job.report_data[0] = slice_of(other, 8);
	assert_int_equal(trial_run(&t, &sgx_driver).code, E_DENIED);
	assert_string_equal(why_reason(&t.why), "sgx.report-data-mismatch");
	trial_end(&t);
}

static void no_flipped_bit_of_a_report_is_accepted(void **state)
{
	static const char *const part[] = {"ias_report", "ias_signature"};
	struct slice ev = evidence(s.a, &(struct changes){0});
	struct json *doc;
	size_t tried = 0;

	(void)state;
	assert_true(rc_ok(json_parse(s.a, ev, NULL, &doc, NULL)));
	for (size_t k = 0; k < COUNT_OF(part); k++) {
		struct slice bytes;

		assert_true(rc_ok(b64_decode(s.a, B64_STD, json_get(doc, part[k])->text, &bytes, part[k], NULL)));
		for (size_t bit = 0, step = flip_step(bytes.n * 8, 1000); bit < bytes.n * 8; bit += step, tried++) {
			uint8_t *copy = exact_copy(bytes, bytes.n);
			struct json *changed;
			struct trial t;

			copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
			begin(&t, (struct slice){0});
			assert_true(rc_ok(json_parse(t.a, ev, NULL, &changed, NULL)));
			json_set(t.a, changed, part[k], json_new_b64(t.a, slice_of(copy, bytes.n)));
			t.job.evidence = json_text(t.a, changed);
			if (rc_ok(trial_run(&t, &sgx_driver)))
				fail_msg("bit %zu of %s is not protected", bit, part[k]);
			trial_end(&t);
			free(copy);
		}
	}
	flips_enough(tried, 2000);
	flips_told("sgx ias", tried);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stored_report_is_verified_at_its_own_time),
		cmocka_unit_test(what_is_wrong_with_a_report_is_named),
		cmocka_unit_test(no_flipped_bit_of_a_report_is_accepted),
	};

	return cmocka_run_group_tests_name("ias", tests, set_up, tear_down);
}
