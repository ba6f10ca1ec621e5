#include "verifier/test_dcap.h"

#include "evidence/dcap_quote.h"
#include "verifier/tdx/tdx.h"

#define GOOD "tdx-v4-trustee-50806f"
#define GOOD_V5 "tdx-v5-oe-00806f05"
#define FLIPS 2000u

static void every_recorded_case_has_its_verdict(void **state)
{
	(void)state;
	run_cases("tdx", &tdx_driver, false);
}

/* What a worker remembers must not change a verdict, in whatever order the cases came. */
static void a_verdict_is_the_same_with_memory(void **state)
{
	(void)state;
	run_cases("tdx", &tdx_driver, true);
}

/* The list of dcap_verify.h: a check without a case that it refuses could be taken out unseen. */
static void every_check_has_a_case_that_it_refuses(void **state)
{
	static const char *const checks[] = {
		"dcap.chain", "dcap.chain.length", "dcap.untrusted-root", "dcap.qe-signature",
		"dcap.qe-binding", "dcap.signature", "dcap.expired.certificate", "dcap.expired.pck-crl",
		"dcap.expired.tcb-info", "dcap.expired.qe-identity", "dcap.revoked.pck", "dcap.revoked.pck-ca",
		"dcap.revoked.tcb-signing", "dcap.collateral-mismatch.crl", "dcap.collateral-signature.crl",
		"dcap.collateral-signature.tcb-info", "dcap.collateral-signature.qe-identity", "dcap.tcb-info-mismatch",
		"dcap.fmspc-mismatch", "dcap.pceid-mismatch", "dcap.tdx-module-mismatch.mrsigner",
		"dcap.tdx-module-mismatch.attributes", "dcap.qe-identity-mismatch.id",
		"dcap.qe-identity-mismatch.miscselect", "dcap.qe-identity-mismatch.attributes",
		"dcap.qe-identity-mismatch.mrsigner", "dcap.qe-identity-mismatch.isvprodid", "dcap.qe-not-supported",
		"dcap.tcb-not-supported", "dcap.tcb-revoked", "dcap.parse.crl", "tdx.report-data-mismatch",
	};
	bool seen[sizeof(checks) / sizeof(checks[0])] = {0};
	struct arena *a = arena_new(0);
	const struct json *cases = shared_cases(a, "tdx");

	(void)state;
	for (size_t i = 0; i < cases->n; i++) {
		struct trial t;

		dcap_begin(&t, json_at(cases, i));
		if (!rc_ok(dcap_run(&t, &tdx_driver, json_at(cases, i))))
			for (size_t k = 0; k < sizeof(checks) / sizeof(checks[0]); k++)
				seen[k] |= !strcmp(checks[k], why_reason(&t.why));
		trial_end(&t);
	}
	for (size_t k = 0; k < sizeof(checks) / sizeof(checks[0]); k++)
		if (!seen[k])
			fail_msg("no case is refused with %s", checks[k]);
	arena_free(a);
}

static void missing_collateral_is_a_refusal_whichever_is_missing(void **state)
{
	struct arena *a = arena_new(0);
	const struct json *c = shared_case(a, "tdx", GOOD);

	(void)state;
	for (size_t drop = 0; drop < 6; drop++) {
		struct trial t;

		dcap_begin(&t, c);
		assert_true(rc_ok(tdx_driver.plan(&t.job)));
		assert_int_equal(t.job.wants_n, 6);
		answer_wants(&t, c);
		assert_int_equal(t.job.collateral_n, 6);
		t.collateral[drop].bytes = (struct slice){0};
		assert_int_equal(tdx_driver.verify(&t.job).code, E_UNAVAILABLE);
		assert_string_equal(why_reason(&t.why), "dcap.collateral-missing");
		trial_end(&t);
	}
	arena_free(a);
}

/* Doing without lists must not switch off those that are there. */
static void what_is_there_is_enforced_also_where_it_may_be_missing(void **state)
{
	static const char *const cases[][2] = {
		{"tdx-synth-v4-pck-revoked", "dcap.revoked.pck"},
		{"tdx-synth-v4-pckca-revoked", "dcap.revoked.pck-ca"},
		{"tdx-synth-v4-tcbsigner-revoked", "dcap.revoked.tcb-signing"},
		{"tdx-synth-v4-tcb-revoked", "dcap.tcb-revoked"},
		{"tdx-synth-v4-qe-mrsigner", "dcap.qe-identity-mismatch.mrsigner"},
	};
	struct arena *a = arena_new(0);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct json *c = shared_case(a, "tdx", cases[i][0]);
		struct trial t;

		dcap_begin(&t, c);
		t.job.without = VJOB_WITHOUT_CRL | VJOB_WITHOUT_TCB;
		assert_int_equal(dcap_run(&t, &tdx_driver, c).code, E_DENIED);
		assert_string_equal(why_reason(&t.why), cases[i][1]);
		trial_end(&t);
	}
	arena_free(a);
}

/* Half a pair of documents is no verdict on signatures alone. */
static void tcb_info_without_qe_identity_is_a_refusal_in_any_case(void **state)
{
	struct arena *a = arena_new(0);
	const struct json *c = shared_case(a, "tdx", GOOD);
	struct trial t;

	(void)state;
	dcap_begin(&t, c);
	assert_true(rc_ok(tdx_driver.plan(&t.job)));
	answer_wants(&t, c);
	t.job.without = VJOB_WITHOUT_TCB;
	for (size_t i = 0; i < t.job.collateral_n; i++)
		if (!strcmp(t.collateral[i].kind, "intel-qe-identity"))
			t.collateral[i].bytes = (struct slice){0};
	assert_int_equal(tdx_driver.verify(&t.job).code, E_UNAVAILABLE);
	trial_end(&t);
	arena_free(a);
}

static void collateral_is_named_only_for_a_platform_under_a_trusted_root(void **state)
{
	static const struct {
		const char *id, *reason;
	} table[] = {
		{GOOD, NULL},
		{"tdx-neg-preprod-root", "dcap.untrusted-root"},
		{"tdx-synth-v4-untrusted-root", "dcap.untrusted-root"},
		{"tdx-neg-v4-chain-no-root", "dcap.chain.length"},
	};
	struct arena *a = arena_new(0);

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct trial t;

		dcap_begin(&t, shared_case(a, "tdx", table[i].id));
		assert_int_equal(rc_ok(tdx_driver.plan(&t.job)), table[i].reason == NULL);
		assert_int_equal(t.job.wants_n, table[i].reason ? 0 : 6);
		if (table[i].reason)
			assert_string_equal(why_reason(&t.why), table[i].reason);
		else
			assert_string_equal(t.job.wants[0].key, "tdx/50806f000000");
		trial_end(&t);
	}
	arena_free(a);
}

/* nextUpdate of this collateral is 2026-04-15T22:..Z. */
static void collateral_behind_its_update_counts_within_the_grace_and_the_claims_say_so(void **state)
{
	static const struct {
		const char *time;
		int64_t grace;
		const char *status;	/* NULL: refused */
	} table[] = {
		{"2026-04-15T12:00:00Z", 0, "0"},	  {"2026-04-16T12:00:00Z", 0, NULL},
		{"2026-04-16T12:00:00Z", 86400, "1"},	  {"2026-04-18T12:00:00Z", 86400, NULL},
		{"2026-03-01T00:00:00Z", INT64_MAX, NULL}, {"2029-01-01T00:00:00Z", INT64_MAX, "1"},
		/* certificates have no grace: the PCK certificate of this platform has ended by then */
		{"2031-01-01T00:00:00Z", INT64_MAX, NULL},
	};
	struct arena *a = arena_new(0);
	const struct json *c = shared_case(a, "tdx", GOOD);

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct trial t;
		rc r;

		dcap_begin(&t, c);
		assert_true(rc_ok(time_parse_rfc3339(slice_cstr(table[i].time), &t.job.now_s, NULL)));
		t.job.stale_s = table[i].grace;
		r = dcap_run(&t, &tdx_driver, c);
		if (rc_ok(r) != (table[i].status != NULL))
			fail_msg("row %zu: %s", i, why_reason(&t.why));
		if (table[i].status)
			assert_string_equal(case_text(t.job.results[0].claims, "collateral_expiration_status"), table[i].status);
		else
			assert_int_equal(strncmp(why_reason(&t.why), "dcap.expired.", 13), 0);
		trial_end(&t);
	}
	arena_free(a);
}

/* The chains of other collateral, or of other roles, put in its place. */
static void a_swapped_issuer_chain_is_refused(void **state)
{
	static const struct {
		const char *kind, *file, *class;
	} table[] = {
		{"intel-tcb-info-chain", "tdx/synthetic-pki-v4/tcb_signing_chain.pem", "collateral-signature"},
		{"intel-qe-identity-chain", "tdx/synthetic-pki-v4/tcb_signing_chain.pem", "collateral-signature"},
		{"intel-qe-identity-chain", "dcap/collateral/2025-03-tdx-90c06f/pck_crl_issuer_chain.pem", "chain"},
		{"intel-tcb-info-chain", "dcap/certs/intel_sgx_root_ca.pem", "chain"},
		{"intel-qe-identity-chain", "dcap/certs/tcb_signing_2018.pem", "expired"},
	};
	struct arena *a = arena_new(0);
	const struct json *c = shared_case(a, "tdx", GOOD);

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct trial t;

		dcap_begin(&t, c);
		assert_true(rc_ok(tdx_driver.plan(&t.job)));
		answer_wants(&t, c);
		for (size_t k = 0; k < t.job.collateral_n; k++)
			if (!strcmp(t.collateral[k].kind, table[i].kind))
				t.collateral[k].bytes = shared_file(t.a, table[i].file);
		assert_false(rc_ok(tdx_driver.verify(&t.job)));
		if (strcmp(trial_class(&t), table[i].class) != 0)
			fail_msg("row %zu: %s", i, why_reason(&t.why));
		trial_end(&t);
	}
	arena_free(a);
}

/* Platform and collateral each under a root that counts, but not under the same. */
static void collateral_under_another_trusted_root_is_refused(void **state)
{
	struct arena *a = arena_new(0);
	const struct json *c = shared_case(a, "tdx", "tdx-synth-v4-ok"), *real = shared_case(a, "tdx", GOOD);
	struct trial t;

	(void)state;
	dcap_begin(&t, c);
	t.job.only_configured_anchors = false;
	t.job.no_time = true;
	t.job.without = VJOB_WITHOUT_CRL;
	assert_true(rc_ok(tdx_driver.plan(&t.job)));
	answer_wants(&t, real);
	for (size_t k = 0; k < t.job.collateral_n; k++)
		if (strstr(t.collateral[k].kind, "crl"))
			t.collateral[k].bytes = (struct slice){0};
	assert_int_equal(tdx_driver.verify(&t.job).code, E_DENIED);
	assert_string_equal(why_reason(&t.why), "dcap.untrusted-root.signing");
	trial_end(&t);
	arena_free(a);
}

static void the_debug_bit_is_a_claim(void **state)
{
	struct arena *a = arena_new(0);

	(void)state;
	for (int debug = 0; debug < 2; debug++) {
		const struct json *c = shared_case(a, "tdx", debug ? "tdx-synth-v4-debug-td" : "tdx-synth-v4-ok");
		struct trial t;

		dcap_begin(&t, c);
		assert_true(rc_ok(dcap_run(&t, &tdx_driver, c)));
		assert_int_equal(json_pointer(t.job.results[0].claims, "/td_attributes/debug")->boolean, debug);
		trial_end(&t);
	}
	arena_free(a);
}

static void report_data_and_init_data_are_compared_whole(void **state)
{
	struct arena *a = arena_new(0);
	const struct json *c = shared_case(a, "tdx", GOOD);
	struct slice quote = case_quote(a, c);
	uint8_t data[65] = {0};

	(void)state;
	memcpy(data, quote.p + 48 + 520, 64);
	for (int bad = 0; bad < 3; bad++) {
		struct trial t;

		dcap_begin(&t, c);
		t.job.report_data[0] = slice_of(data, bad == 2 ? 65 : bad ? 63 : 64);
		t.job.report_data_n = 1;
		assert_int_equal(rc_ok(dcap_run(&t, &tdx_driver, c)), !bad);
		trial_end(&t);
	}
	memcpy(data, quote.p + 48 + 184, 48);
	for (int bad = 0; bad < 2; bad++) {
		struct trial t;

		dcap_begin(&t, c);
		data[47] ^= (uint8_t)bad;
		t.job.init_data = slice_of(data, 48);
		assert_int_equal(rc_ok(dcap_run(&t, &tdx_driver, c)), !bad);
		if (bad)
			assert_string_equal(why_reason(&t.why), "tdx.init-data-mismatch");
		trial_end(&t);
	}
	arena_free(a);
}

static void evidence_is_json_or_the_quote_itself(void **state)
{
	static const struct {
		const char *before, *behind;
		bool ok;
	} table[] = {
		{"{\"cc_eventlog\":null,\"quote\":\"", "\"}", true},
		{" \n{\"quote\":\"", "\"}", true},
		{"[\"", "\"]", false},
		{"{\"quote\":\"", "\"", false},
		{"{\"quote\":\"", "=\"}", false},
		{"{\"quote\":[\"", "\"]}", false},
	};
	struct arena *a = arena_new(0);
	const struct json *c = shared_case(a, "tdx", GOOD);
	struct slice b64 = b64_text(a, B64_STD, case_quote(a, c));

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct trial t;
		rc r;

		dcap_begin(&t, c);
		t.job.evidence = slice_cstr(arena_printf(a, "%s" SLICE_FMT "%s", table[i].before, (int)b64.n, (const char *)b64.p,
							 table[i].behind));
		r = dcap_run(&t, &tdx_driver, c);
		if (rc_ok(r) != table[i].ok)
			fail_msg("row %zu: %s", i, why_text(&t.why));
		if (!table[i].ok)
			assert_string_equal(why_reason(&t.why), "dcap.parse.evidence");
		trial_end(&t);
	}
	arena_free(a);
}

/* A recorded guest whose log is JSON: its events in the form of a CCEL. `spoil` is what to do to the last event. */
enum spoil { AS_IT_IS, DIGEST_FLIPPED, EVENT_LEFT_OUT, DATA_CHANGED, OTHER_REGISTER, UNBOUND_ADDED };

static struct slice ccel_of(struct arena *a, const struct json *events, enum spoil spoil)
{
	static const uint8_t spec_id[] = "Spec ID Event03\0\0\0\0\0\0\2\0\2\1\0\0\0\x0c\0\x30\0";
	struct buf b = buf_in(a, 0);
	bool spoiled = false;

	buf_le32(&b, 0);
	buf_le32(&b, 3);
	(void)buf_reserve(&b, 20);
	buf_le32(&b, sizeof(spec_id));
	buf_put(&b, spec_id, sizeof(spec_id));	/* the NUL behind is the length of the vendor's part */
	for (size_t i = 0; i < events->n; i++) {
		const struct json *e = json_at(events, i);
		uint64_t imr = 0, type = 0;
		struct slice digest, data;
		uint8_t flipped[48];

		assert_true(json_u64(json_get(e, "imr"), &imr) && json_u64(json_get(e, "event_type"), &type));
		assert_true(rc_ok(hex_decode(a, json_get(e, "digest")->text, &digest, "digest", NULL)) && digest.n == 48);
		assert_true(rc_ok(hex_decode(a, json_get(e, "event_payload")->text, &data, "data", NULL)));
		memcpy(flipped, digest.p, 48);
		if (type == 4 && !spoiled && spoil != AS_IT_IS && spoil != UNBOUND_ADDED) {	/* a separator: data is under its digest */
			spoiled = true;
			if (spoil == EVENT_LEFT_OUT)
				continue;
			if (spoil == DATA_CHANGED)
				data = SLICE_LIT("\1\0\0\0");
			flipped[0] ^= spoil == DIGEST_FLIPPED;
			imr ^= spoil == OTHER_REGISTER;
		}
		buf_le32(&b, (uint32_t)imr + 1);
		buf_le32(&b, (uint32_t)type);
		buf_le32(&b, 1);
		buf_le16(&b, 0x0c);
		buf_put(&b, flipped, 48);
		buf_le32(&b, (uint32_t)data.n);
		buf_slice(&b, data);
	}
	if (spoil == UNBOUND_ADDED) {	/* of the build-time register, which no log is compared with: it could say anything */
		buf_le32(&b, 0);
		buf_le32(&b, 0x0d);
		buf_le32(&b, 1);
		buf_le16(&b, 0x0c);
		(void)buf_reserve(&b, 48);
		buf_le32(&b, 4);
		buf_puts(&b, "lies");
	}
	return buf_view(&b);
}

static void an_event_log_must_replay_to_every_register(void **state)
{
	static const struct {
		enum spoil spoil;
		const char *reason;
	} table[] = {
		{AS_IT_IS, NULL},
		{UNBOUND_ADDED, NULL},
		{DIGEST_FLIPPED, "tdx.rtmr-mismatch"},
		{EVENT_LEFT_OUT, "tdx.rtmr-mismatch"},
		{OTHER_REGISTER, "tdx.rtmr-mismatch"},
		{DATA_CHANGED, "tdx.event-digest-mismatch"},
	};
	struct arena *a = arena_new(0);
	const struct json *c = shared_case(a, "tdx", "tdx-v4-dstack-eventlog"), *events;
	struct json *recorded;

	(void)state;
	assert_true(rc_ok(json_parse(a, case_file(a, c, "quote"), NULL, &recorded, NULL)));
	events = json_get(recorded, "event_log");
	if (json_is(events, JSON_STRING)) {
		struct json *inner;

		assert_true(rc_ok(json_parse(a, events->text, NULL, &inner, NULL)));
		events = inner;
	}
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct json *doc = json_new_object(a);
		struct trial t;

		json_set(a, doc, "quote", json_new_b64(a, case_quote(a, c)));
		json_set(a, doc, "cc_eventlog", json_new_b64(a, ccel_of(a, events, table[i].spoil)));
		dcap_begin(&t, c);
		t.job.evidence = json_text(a, doc);
		if (rc_ok(dcap_run(&t, &tdx_driver, c)) != !table[i].reason)
			fail_msg("row %zu: %s (%s)", i, why_reason(&t.why), why_text(&t.why));
		if (table[i].reason)
			assert_string_equal(why_reason(&t.why), table[i].reason);
		else
			assert_int_equal(json_get(t.job.results[0].claims, "uefi_event_logs")->n, events->n + 1);	/* the Spec ID event */
		trial_end(&t);
	}
	arena_free(a);
}

static void an_event_log_that_cannot_be_read_is_refused(void **state)
{
	static const char *const logs[] = {"7", "\"!\"", "\"AAAA\"", "[]"};
	struct arena *a = arena_new(0);
	const struct json *c = shared_case(a, "tdx", GOOD);
	struct slice b64 = b64_text(a, B64_STD, case_quote(a, c));

	(void)state;
	for (size_t i = 0; i < sizeof(logs) / sizeof(logs[0]); i++) {
		struct trial t;

		dcap_begin(&t, c);
		t.job.evidence = slice_cstr(arena_printf(a, "{\"cc_eventlog\":%s,\"quote\":\"%.*s\"}", logs[i], (int)b64.n,
							 (const char *)b64.p));
		assert_false(rc_ok(dcap_run(&t, &tdx_driver, c)));
		if (strcmp(trial_class(&t), "parse") != 0)
			fail_msg("row %zu: %s", i, why_reason(&t.why));
		trial_end(&t);
	}
	arena_free(a);
}

/* The chain in a quote is not signed as a text: platforms write it in more than one order. */
static void certificates_may_stand_in_any_order_behind_the_leaf(void **state)
{
	struct arena *a = arena_new(0);
	const struct json *c = shared_case(a, "tdx", GOOD);
	struct slice quote = case_quote(a, c);
	struct dcap_quote q;
	const char *leaf, *ca, *root, *end;
	uint8_t *bytes = exact_copy(quote, quote.n), *at;
	struct trial t;

	(void)state;
	assert_true(rc_ok(dcap_quote_parse(quote, &q, NULL)));
	leaf = arena_strndup(a, q.pck_pem.p, q.pck_pem.n);
	ca = strstr(leaf + 1, "-----BEGIN");
	root = strstr(ca + 1, "-----BEGIN");
	end = leaf + strlen(leaf);
	assert_true(ca && root && root[-1] == '\n' && end[-1] == '\n');
	at = bytes + (q.pck_pem.p - quote.p) + (ca - leaf);
	memcpy(at, root, (size_t)(end - root));
	memcpy(at + (end - root), ca, (size_t)(root - ca));
	dcap_begin(&t, c);
	t.job.evidence = slice_of(bytes, quote.n);
	if (!rc_ok(dcap_run(&t, &tdx_driver, c)))
		fail_msg("%s", why_text(&t.why));
	trial_end(&t);
	free(bytes);
	arena_free(a);
}

static void a_quote_of_sgx_is_no_evidence_of_tdx(void **state)
{
	struct arena *a = arena_new(0);
	struct trial t;

	(void)state;
	dcap_begin(&t, shared_case(a, "sgx", "sgx-synth-v3-ok"));
	assert_int_equal(tdx_driver.plan(&t.job).code, E_UNSUPPORTED);
	assert_string_equal(why_reason(&t.why), "tdx.unsupported.tee-type");
	trial_end(&t);
	arena_free(a);
}

static void no_flipped_bit_of_a_quote_is_accepted(void **state)
{
	(void)state;
	flip_quote("tdx", GOOD, &tdx_driver, FLIPS / 2);
	flip_quote("tdx", GOOD_V5, &tdx_driver, FLIPS / 2);
}

static void no_flipped_bit_of_collateral_changes_a_verdict(void **state)
{
	(void)state;
	flip_collateral("tdx", GOOD, &tdx_driver, FLIPS / 4);
}

static void a_quote_cut_at_any_length_is_malformed(void **state)
{
	(void)state;
	cut_quote("tdx", GOOD, &tdx_driver);
	cut_quote("tdx", GOOD_V5, &tdx_driver);
}

static void no_failed_allocation_gives_half_a_verdict(void **state)
{
	(void)state;
	fail_every_allocation("tdx", GOOD_V5, &tdx_driver);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_recorded_case_has_its_verdict),
		cmocka_unit_test(a_verdict_is_the_same_with_memory),
		cmocka_unit_test(every_check_has_a_case_that_it_refuses),
		cmocka_unit_test(missing_collateral_is_a_refusal_whichever_is_missing),
		cmocka_unit_test(what_is_there_is_enforced_also_where_it_may_be_missing),
		cmocka_unit_test(tcb_info_without_qe_identity_is_a_refusal_in_any_case),
		cmocka_unit_test(collateral_is_named_only_for_a_platform_under_a_trusted_root),
		cmocka_unit_test(collateral_behind_its_update_counts_within_the_grace_and_the_claims_say_so),
		cmocka_unit_test(a_swapped_issuer_chain_is_refused),
		cmocka_unit_test(collateral_under_another_trusted_root_is_refused),
		cmocka_unit_test(the_debug_bit_is_a_claim),
		cmocka_unit_test(report_data_and_init_data_are_compared_whole),
		cmocka_unit_test(evidence_is_json_or_the_quote_itself),
		cmocka_unit_test(an_event_log_must_replay_to_every_register),
		cmocka_unit_test(an_event_log_that_cannot_be_read_is_refused),
		cmocka_unit_test(certificates_may_stand_in_any_order_behind_the_leaf),
		cmocka_unit_test(a_quote_of_sgx_is_no_evidence_of_tdx),
		cmocka_unit_test(no_flipped_bit_of_a_quote_is_accepted),
		cmocka_unit_test(no_flipped_bit_of_collateral_changes_a_verdict),
		cmocka_unit_test(a_quote_cut_at_any_length_is_malformed),
		cmocka_unit_test(no_failed_allocation_gives_half_a_verdict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
