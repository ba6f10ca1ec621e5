#include "verifier/test_driver.h"

#include "evidence/eventlog.h"
#include "evidence/memo.h"
#include "evidence/tpm.h"
#include "evidence/tpm_ak.h"
#include "verifier/tpm/tpm.h"

static const struct tpm_reasons words = {"t.parse", "t.bad-magic", "t.not-a-quote", "t.signature", "t.pcr-mismatch"};

struct parts {
	struct slice ak, msg, sig, pcrs, log;
};

static struct parts gce(struct arena *of_group, const char *bank)
{
	return (struct parts){
		.ak = shared_of_group(of_group, "tpm/gce-cos85-nonce9009/ak.tpmt"),
		.msg = shared_of_group(of_group, arena_printf(of_group, "tpm/gce-cos85-nonce9009/quote-%s.msg", bank)),
		.sig = shared_of_group(of_group, arena_printf(of_group, "tpm/gce-cos85-nonce9009/quote-%s.sig", bank)),
		.pcrs = shared_of_group(of_group, "tpm/gce-cos85-nonce9009/pcrs.json"),
	};
}

static struct slice wire(struct arena *a, const struct parts *p)
{
	struct json *doc = json_new_object(a), *q = json_new_object(a), *v;

	json_set(a, q, "message", json_new_b64(a, p->msg));
	json_set(a, q, "signature", json_new_b64(a, p->sig));
	if (p->pcrs.p) {
		assert_true(rc_ok(json_parse(a, p->pcrs, NULL, &v, NULL)));
		json_set(a, q, "pcrs", v);
	}
	json_set(a, doc, "ak_public", json_new_b64(a, p->ak));
	json_set(a, doc, "tpm_quote", q);
	if (p->log.p)
		json_set(a, doc, "eventlog", json_new_b64(a, p->log));
	return json_text(a, doc);
}

static void enrol(struct trial *t, struct slice ak)
{
	struct tpm_key k = {0};

	assert_true(rc_ok(tpm_key_parse(ak, t->a, &words, &k, &t->why)));
	t->anchors[t->job.anchors_n].set = "tpm-ak";
	memcpy(t->anchors[t->job.anchors_n++].sha256, k.spki_sha256, 32);
	tpm_key_free(&k);
}

/* NULL: verifies. */
static void expect(const struct parts *p, const char *reason)
{
	struct trial t;
	rc r;

	trial_begin(&t, (struct slice){0});
	t.job.evidence = wire(t.a, p);
	enrol(&t, p->ak);
	r = trial_run(&t, &tpm_driver);
	if (reason ? rc_ok(r) || strncmp(why_reason(&t.why), reason, strlen(reason)) : !rc_ok(r))
		fail_msg("expected %s: %s (%s)", reason ? reason : "ok", why_reason(&t.why), why_text(&t.why));
	trial_end(&t);
}

static struct arena *group;

static void a_quote_of_each_bank_verifies(void **state)
{
	static const char *const banks[] = {"sha1", "sha256", "sha384"};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct parts p = gce(group, banks[i]);

		expect(&p, NULL);
	}
}

/* Pitfall: the attestation key was taken from the evidence itself. */
static void a_key_that_only_came_with_the_evidence_is_refused(void **state)
{
	struct parts p = gce(group, "sha256");
	struct trial t;

	(void)state;
	trial_begin(&t, (struct slice){0});
	t.job.evidence = wire(t.a, &p);
	assert_int_equal(trial_run(&t, &tpm_driver).code, E_DENIED);
	assert_string_equal(why_reason(&t.why), "tpm.untrusted-root.ak");
	trial_end(&t);
}

static void a_certified_key_is_believed_under_its_root_alone(void **state)
{
	struct slice cert = shared_of_group(group, "tpm/gce-cos85-nonce9009/ak_cert.der"),
		     mid = shared_of_group(group, "tpm/certs/gce_tpm_ek_intermediate_2.crt"),
		     root = shared_of_group(group, "tpm/certs/gce_tpm_ek_root_1.der");
	struct parts p = gce(group, "sha256");
	struct json *doc, *chain;
	struct trial t;

	(void)state;
	trial_begin(&t, (struct slice){0});
	assert_true(rc_ok(json_parse(t.a, wire(t.a, &p), NULL, &doc, NULL)));
	chain = json_new_array(t.a);
	json_push(t.a, chain, json_new_b64(t.a, mid));
	json_push(t.a, chain, json_new_b64(t.a, root));
	json_set(t.a, doc, "ak_cert", json_new_b64(t.a, cert));
	json_set(t.a, doc, "ak_cert_chain", chain);
	t.job.evidence = json_text(t.a, doc);
	assert_false(rc_ok(trial_run(&t, &tpm_driver)));
	assert_string_equal(why_reason(&t.why), "tpm.untrusted-root");
	trial_anchor(&t, "tpm-ek-root", root);
	why_clear(&t.why);
	assert_true(rc_ok(trial_run(&t, &tpm_driver)));
	assert_true(slice_is(json_get(t.job.results[0].claims, "ak_trust")->text, "certificate"));
	/* the same certificate beside another key */
	p = (struct parts){.ak = shared_of_group(group, "tpm/swtpm/rsassa.ak.tss"), .msg = p.msg, .sig = p.sig};
	json_set(t.a, doc, "ak_public", json_new_b64(t.a, p.ak));
	t.job.evidence = json_text(t.a, doc);
	assert_false(rc_ok(trial_run(&t, &tpm_driver)));
	assert_string_equal(why_reason(&t.why), "tpm.chain");
	trial_end(&t);
}

/* What a worker remembers of a key is how it reads: not that it is trusted, nor anything that it signed. */
/* CVE-2022-1053: the key that was checked was not the key that was used. */
static void a_remembered_key_is_trusted_and_held_to_its_signature_anew(void **state)
{
	struct parts p = gce(group, "sha256"), bad = p;	/* skips where it is absent, so it comes first */
	struct slice other = shared_of_group(group, "tpm/swtpm/rsassa.ak.tss");
	struct memo *memo = memo_new(MEMO_MIN);
	uint8_t *sig = exact_copy(p.sig, p.sig.n);

	(void)state;
	assert_non_null(memo);
	sig[p.sig.n - 1] ^= 1;
	bad.sig = slice_of(sig, p.sig.n);
	for (unsigned round = 0; round < 6; round++) {
		bool enrolled = round != 0 && round != 3, forged = round == 4;
		struct trial t;
		rc r;

		trial_begin(&t, (struct slice){0});
		t.job.memo = memo;
		t.job.evidence = wire(t.a, forged ? &bad : &p);
		if (enrolled)
			enrol(&t, p.ak);
		r = trial_run(&t, &tpm_driver);
		assert_int_equal(rc_ok(r), enrolled && !forged);
		if (!rc_ok(r))
			assert_string_equal(why_reason(&t.why), forged ? "tpm.signature" : "tpm.untrusted-root.ak");
		assert_int_equal(memo_count(memo), 1);
		trial_end(&t);
	}
	/* another key is another entry, and is not taken for the first */
	p.ak = other;
	for (unsigned round = 0; round < 2; round++) {
		struct trial t;

		trial_begin(&t, (struct slice){0});
		t.job.memo = memo;
		t.job.evidence = wire(t.a, &p);
		enrol(&t, p.ak);
		assert_false(rc_ok(trial_run(&t, &tpm_driver)));
		assert_string_equal(why_reason(&t.why), "tpm.signature");
		assert_int_equal(memo_count(memo), 2);
		trial_end(&t);
	}
	memo_free(memo);
	free(sig);
}

static void a_flipped_bit_is_never_accepted(void **state)
{
	struct parts good = gce(group, "sha256");
	struct slice *const which[2] = {&good.msg, &good.sig};
	size_t tried = 0;

	(void)state;
	for (unsigned k = 0; k < 2; k++) {
		struct slice was = *which[k];

		for (size_t bit = 0, step = flip_step(was.n * 8, 1100); bit < was.n * 8; bit += step, tried++) {
			uint8_t *bad = exact_copy(was, was.n);
			struct trial t;

			bad[bit / 8] ^= (uint8_t)(1u << (bit % 8));
			*which[k] = slice_of(bad, was.n);
			trial_begin(&t, (struct slice){0});
			t.job.evidence = wire(t.a, &good);
			enrol(&t, good.ak);
			if (rc_ok(trial_run(&t, &tpm_driver)))
				fail_msg("accepted with bit %zu of part %u flipped", bit, k);
			trial_end(&t);
			free(bad);
		}
		*which[k] = was;
	}
	flips_enough(tried, 2000);
	flips_told("tpm quote", tried);
}

static void structures_truncated_at_any_length_are_refused(void **state)
{
	struct parts p = gce(group, "sha256");
	struct tpm_signature sig;
	struct tpm_quote q;
	struct tpm_key key;

	(void)state;
	for (size_t n = 0; n < p.msg.n; n++) {
		uint8_t *cut = exact_copy(p.msg, n);

		assert_false(rc_ok(tpm_quote_parse(slice_of(cut, n), &words, &q, NULL)));
		free(cut);
	}
	for (size_t n = 0; n < p.sig.n; n++) {
		uint8_t *cut = exact_copy(p.sig, n);

		assert_false(rc_ok(tpm_signature_parse(slice_of(cut, n), &words, &sig, NULL)));
		free(cut);
	}
	for (size_t n = 0; n < p.ak.n; n++) {
		struct arena *a = arena_new(0);
		struct why w = why_in(a);
		uint8_t *cut = exact_copy(p.ak, n);

		assert_false(rc_ok(tpm_key_parse(slice_of(cut, n), a, &words, &key, &w)));
		free(cut);
		arena_free(a);
	}
}

/* ---- quotes of our own making: the bytes before a signature is looked at ---- */

static struct slice attest(struct arena *a, uint32_t magic, uint16_t type, const uint16_t *banks, const uint8_t (*pcrs)[3], uint32_t n)
{
	struct buf b = buf_in(a, 0);

	buf_be32(&b, magic);
	buf_be16(&b, type);
	buf_be16(&b, 0);	/* qualified signer */
	buf_be16(&b, 2);
	buf_puts(&b, "no");
	buf_reserve(&b, 8 + 4 + 4);
	buf_putc(&b, 1);
	buf_be64(&b, 7);
	buf_be32(&b, n);
	for (uint32_t i = 0; i < n; i++) {
		buf_be16(&b, banks[i]);
		buf_putc(&b, 3);
		buf_put(&b, pcrs[i], 3);
	}
	buf_be16(&b, 32);
	buf_reserve(&b, 32);
	return buf_view(&b);
}

static void refused(struct slice s, const char *reason)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct tpm_quote q;

	assert_false(rc_ok(tpm_quote_parse(s, &words, &q, &w)));
	assert_string_equal(why_reason(&w), reason);
	arena_free(a);
}

static void a_quote_of_our_own_reads(void **state)
{
	struct arena *a = arena_new(0);
	struct tpm_quote q;

	(void)state;
	assert_true(rc_ok(tpm_quote_parse(attest(a, 0xff544347, 0x8018, (const uint16_t[]){0xb}, (const uint8_t[][3]){{0x81, 0, 0x80}}, 1),
					  &words, &q, NULL)));
	assert_true(tpm_quote_selects(&q, DIGEST_SHA256, 0) && tpm_quote_selects(&q, DIGEST_SHA256, 7));
	assert_true(tpm_quote_selects(&q, DIGEST_SHA256, 23));
	assert_false(tpm_quote_selects(&q, DIGEST_SHA256, 1) || tpm_quote_selects(&q, DIGEST_SHA1, 0));
	assert_true(slice_is(q.extra_data, "no"));
	arena_free(a);
}

/* CVE-2024-29039: the magic was not looked at. */
static void magic_and_type_are_checked(void **state)
{
	struct arena *a = arena_new(0);

	(void)state;
	refused(attest(a, 0, 0x8018, (const uint16_t[]){0xb}, (const uint8_t[][3]){{1, 0, 0}}, 1), "t.bad-magic");
	refused(attest(a, 0xff544347, 0x8017, (const uint16_t[]){0xb}, (const uint8_t[][3]){{1, 0, 0}}, 1), "t.not-a-quote");
	arena_free(a);
}

/* CVE-2022-0317: a quote over nothing was a quote. */
static void a_quote_over_no_pcr_is_refused(void **state)
{
	struct arena *a = arena_new(0);

	(void)state;
	refused(attest(a, 0xff544347, 0x8018, NULL, NULL, 0), "t.parse");
	refused(attest(a, 0xff544347, 0x8018, (const uint16_t[]){0xb}, (const uint8_t[][3]){{0, 0, 0}}, 1), "t.parse");
	arena_free(a);
}

static void one_bank_named_twice_or_unknown_is_refused(void **state)
{
	struct arena *a = arena_new(0);

	(void)state;
	refused(attest(a, 0xff544347, 0x8018, (const uint16_t[]){0xb, 0xb}, (const uint8_t[][3]){{1, 0, 0}, {2, 0, 0}}, 2), "t.parse");
	refused(attest(a, 0xff544347, 0x8018, (const uint16_t[]){0x99}, (const uint8_t[][3]){{1, 0, 0}}, 1), "t.parse");
	arena_free(a);
}

/* TPM 2.0 has 24 PCRs: a bit behind them would be a PCR that has no value, and no name. */
static void a_pcr_beyond_the_last_is_refused(void **state)
{
	struct arena *a = arena_new(0);
	struct tpm_quote q;
	struct slice good = attest(a, 0xff544347, 0x8018, (const uint16_t[]){0xb}, (const uint8_t[][3]){{1, 0, 0}}, 1);
	size_t at = good.n - 34 - 4;	/* digest with its size, then the count of octets and the octets */

	(void)state;
	for (unsigned octets = 4; octets <= 9; octets++)
		for (uint8_t beyond = 0; beyond < 2; beyond++) {
			struct buf b = buf_in(a, 0);

			buf_slice(&b, slice_sub(good, 0, at));
			buf_putc(&b, (char)octets);
			buf_slice(&b, slice_sub(good, at + 1, 3));
			for (unsigned i = 3; i < octets; i++)
				buf_putc(&b, (char)(i + 1 == octets ? beyond : 0));
			buf_slice(&b, slice_sub(good, at + 4, good.n));
			if (beyond || octets > 8)
				refused(buf_view(&b), "t.parse");
			else
				assert_true(rc_ok(tpm_quote_parse(buf_view(&b), &words, &q, NULL)));
		}
	arena_free(a);
}

static struct json *hex_list(struct arena *a, unsigned n)
{
	struct json *v = json_new_array(a);
	uint8_t zero[32] = {0};

	for (unsigned i = 0; i < n; i++)
		json_push(a, v, json_new_hex(a, slice_of(zero, 32)));
	return v;
}

/* Pitfall 8: a quote over eleven PCRs and the debug PCR 16, with a list of twelve values, named PCR 16 "pcr11". */
static void a_resettable_pcr_is_never_presented_as_another(void **state)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct tpm_pcrs pcrs;
	struct tpm_quote q;

	(void)state;
	/* 0 to 10, and 16 */
	assert_true(rc_ok(tpm_quote_parse(attest(a, 0xff544347, 0x8018, (const uint16_t[]){0xb}, (const uint8_t[][3]){{0xff, 0x07, 0x01}}, 1),
					  &words, &q, NULL)));
	for (unsigned n = 0; n < 30; n++)
		assert_int_equal(rc_ok(tpm_pcrs_from_json(a, hex_list(a, n), &q, &words, &pcrs, &w)), n == 24);
	assert_true(rc_ok(tpm_pcrs_from_json(a, hex_list(a, 24), &q, &words, &pcrs, &w)));
	assert_null(tpm_pcr(&q, &pcrs, DIGEST_SHA256, 11).p);
	assert_null(tpm_pcr(&q, &pcrs, DIGEST_SHA256, 8 + 4).p);
	assert_non_null(tpm_pcr(&q, &pcrs, DIGEST_SHA256, 16).p);
	arena_free(a);
}

static void pcrs_that_are_not_quoted_are_no_claims(void **state)
{
	struct parts p = {.ak = shared_of_group(group, "tpm/swtpm/rsapss.ak.tss"),
			  .msg = shared_of_group(group, "tpm/swtpm/rsapss-sha256.quote.msg"),
			  .sig = shared_of_group(group, "tpm/swtpm/rsapss-sha256.quote.sig"),
			  .pcrs = shared_of_group(group, "tpm/swtpm/pcrs.json")};
	struct trial t;

	(void)state;
	trial_begin(&t, (struct slice){0});
	t.job.evidence = wire(t.a, &p);
	enrol(&t, p.ak);
	assert_true(rc_ok(trial_run(&t, &tpm_driver)));
	assert_non_null(json_get(t.job.results[0].claims, "pcr14"));
	assert_null(json_get(t.job.results[0].claims, "pcr08"));
	assert_null(json_get(t.job.results[0].claims, "init_data"));
	trial_end(&t);
}

/* Pitfall: an init-data digest of another length than 32 was an abort. */
static void init_data_of_any_length_is_compared_or_refused(void **state)
{
	struct parts p = gce(group, "sha256");
	uint8_t bytes[80] = {0};

	(void)state;
	for (size_t n = 0; n <= sizeof(bytes); n++) {
		struct trial t;

		trial_begin(&t, (struct slice){0});
		t.job.evidence = wire(t.a, &p);
		enrol(&t, p.ak);
		t.job.init_data = slice_of(bytes, n);
		assert_int_equal(trial_run(&t, &tpm_driver).code, E_DENIED);
		assert_string_equal(why_reason(&t.why), "tpm.init-data-mismatch");
		trial_end(&t);
	}
}

static void init_data_is_pcr_8_extended_once(void **state)
{
	static const enum digest_alg algs[2] = {DIGEST_SHA256, DIGEST_SHA384};
	static const uint16_t ids[2] = {0xb, 0xc};
	struct arena *a = arena_new(0);
	struct why w = why_in(a);

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		size_t n = digest_size(algs[i]);
		uint8_t zero[64] = {0}, init[64], v[64];
		struct tpm_pcrs pcrs = {.n = 1};
		struct tpm_quote q;

		memset(init, 7, sizeof(init));
		assert_true(rc_ok(tpm_quote_parse(attest(a, 0xff544347, 0x8018, &ids[i], (const uint8_t[][3]){{0, 1, 0}}, 1), &words, &q, NULL)));
		assert_true(rc_ok(digest_parts(algs[i], (const struct slice[]){{zero, n}, {init, n}}, 2, v, NULL)));
		pcrs.bank[0] = (struct tpm_bank){.alg = algs[i], .have = 1u << 8};
		pcrs.bank[0].value[8] = slice_of(v, n);
		assert_true(rc_ok(tpm_check_init_data(&q, &pcrs, slice_of(init, n), a, "t.init", &w)));
		init[0] ^= 1;
		assert_false(rc_ok(tpm_check_init_data(&q, &pcrs, slice_of(init, n), a, "t.init", &w)));
	}
	arena_free(a);
}

/* Extra data of one byte must not stand for a digest that begins with it. */
static void a_short_nonce_is_no_nonce(void **state)
{
	struct parts p = gce(group, "sha256");	/* its nonce is 90 09 */
	struct trial t;

	(void)state;
	trial_begin(&t, (struct slice){0});
	t.job.evidence = wire(t.a, &p);
	enrol(&t, p.ak);
	t.job.report_data[0] = SLICE_LIT("\x90\x09\x01\x02");
	t.job.report_data_n = 1;
	assert_false(rc_ok(trial_run(&t, &tpm_driver)));
	assert_string_equal(why_reason(&t.why), "tpm.nonce-mismatch");
	t.job.report_data[0] = SLICE_LIT("\x90\x09");
	why_clear(&t.why);
	assert_true(rc_ok(trial_run(&t, &tpm_driver)));
	trial_end(&t);
}

static void a_boot_log_must_lead_to_the_quoted_values(void **state)
{
	struct parts p = gce(group, "sha256");
	struct slice log = shared_of_group(group, "tpm/gce-cos85-nonce9009/eventlog.bin"),
		     other = shared_of_group(group, "eventlog/tcg2/rhel8-uefi.bin");
	struct trial t;

	(void)state;
	p.log = log;
	trial_begin(&t, (struct slice){0});
	t.job.evidence = wire(t.a, &p);
	enrol(&t, p.ak);
	if (!rc_ok(trial_run(&t, &tpm_driver)))
		fail_msg("%s (%s)", why_reason(&t.why), why_text(&t.why));
	assert_true(json_get(t.job.results[0].claims, "uefi_event_logs")->n > 10);
	/* only the quoted bank speaks */
	for (size_t i = 0; i < json_get(t.job.results[0].claims, "uefi_event_logs")->n; i++) {
		const struct json *e = json_at(json_get(t.job.results[0].claims, "uefi_event_logs"), i), *d = json_get(e, "digests");

		if (!slice_is(json_get(e, "type_name")->text, "EV_NO_ACTION"))
			assert_true(d->n == 1 && slice_is(json_get(json_at(d, 0), "alg")->text, "SHA-256"));
	}
	trial_end(&t);
	p.log = other;
	expect(&p, "tpm.pcr-mismatch.eventlog");
	p.log = SLICE_LIT("no log");
	expect(&p, "tpm.parse.eventlog");
}

/* A key that signs whatever it is given could sign a made-up TPMS_ATTEST. */
static void an_unrestricted_key_is_refused(void **state)
{
	struct slice ak = shared_of_group(group, "tpm/gce-cos85-nonce9009/ak.tpmt");
	uint8_t *bad = exact_copy(ak, ak.n);
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct tpm_key k;

	(void)state;
	bad[5] &= (uint8_t)~1u;	/* TPMA_OBJECT bit 16, restricted */
	assert_int_equal(tpm_key_parse(slice_of(bad, ak.n), a, &words, &k, &w).code, E_DENIED);
	free(bad);
	arena_free(a);
}

static int begin_group(void **state)
{
	(void)state;
	group = arena_new(0);
	return group ? 0 : -1;
}

static int end_group(void **state)
{
	(void)state;
	group = arena_free(group);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_quote_of_each_bank_verifies),
		cmocka_unit_test(a_key_that_only_came_with_the_evidence_is_refused),
		cmocka_unit_test(a_certified_key_is_believed_under_its_root_alone),
		cmocka_unit_test(a_remembered_key_is_trusted_and_held_to_its_signature_anew),
		cmocka_unit_test(a_flipped_bit_is_never_accepted),
		cmocka_unit_test(structures_truncated_at_any_length_are_refused),
		cmocka_unit_test(a_quote_of_our_own_reads),
		cmocka_unit_test(magic_and_type_are_checked),
		cmocka_unit_test(a_quote_over_no_pcr_is_refused),
		cmocka_unit_test(one_bank_named_twice_or_unknown_is_refused),
		cmocka_unit_test(a_pcr_beyond_the_last_is_refused),
		cmocka_unit_test(a_resettable_pcr_is_never_presented_as_another),
		cmocka_unit_test(pcrs_that_are_not_quoted_are_no_claims),
		cmocka_unit_test(init_data_of_any_length_is_compared_or_refused),
		cmocka_unit_test(init_data_is_pcr_8_extended_once),
		cmocka_unit_test(a_short_nonce_is_no_nonce),
		cmocka_unit_test(a_boot_log_must_lead_to_the_quoted_values),
		cmocka_unit_test(an_unrestricted_key_is_refused),
	};

	return cmocka_run_group_tests(tests, begin_group, end_group);
}
