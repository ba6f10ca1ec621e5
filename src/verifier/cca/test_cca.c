#include "verifier/test_driver.h"

#include "crypto/jose/jwk.h"
#include "verifier/cca/cca.h"
#include "verifier/cca/token.h"

/* The instance id decides which key is asked for; the test gives `jwk` whatever it is, as an anchor. */
static rc run(struct trial *t, struct slice evidence, const struct json *jwk)
{
	struct slice spki;
	struct pkey *key = NULL;
	rc r;

	trial_begin(t, evidence);
	if (rc_ok(jwk_to_pkey(jwk, &key, NULL))) {
		assert_true(rc_ok(pkey_to_spki(key, t->a, &spki, NULL)));
		trial_anchor(t, "cca-cpak", spki);
		pkey_free(key);
	}
	r = cca_driver.plan(&t->job);
	if (!rc_ok(r))
		return r;
	assert_int_equal(t->job.wants_n, 1);
	trial_collateral(t, "cca-cpak", t->job.wants[0].key, json_text(t->a, jwk));
	r = cca_driver.verify(&t->job);
	if (rc_ok(r))
		trial_documented(t, &cca_driver);
	return r;
}

static const struct json *jwk_of(struct arena *a, const char *file)
{
	struct json *v = NULL;

	assert_true(rc_ok(json_parse(a, shared_file(a, file), NULL, &v, NULL)));
	return v->kind == JSON_ARRAY ? json_get(json_at(v, 0), "pkey") : v;
}

static const struct {
	const char *token, *cpak, *class;
} cases[] = {
	{"cca/trustee-token/token.cbor", "cca/keys/cpak-tfa.json", NULL},
	{"cca/tf-rmm-token/token.cbor", "cca/keys/cpak-tfa.json", NULL},
	{"cca/rust-02/token.cbor", "cca/keys/ta-02-p256.json", NULL},
	{"cca/draft-ffm/token.cbor", "cca/keys/cpak-tfa.json", NULL},
	{"cca/negative/bug-33-repro.cbor", "cca/keys/cpak-tfa.json", "binding"},
	{"cca/negative/platform-sig-flip.cbor", "cca/keys/cpak-tfa.json", "signature-platform"},
	{"cca/negative/realm-sig-flip.cbor", "cca/keys/cpak-tfa.json", "signature-realm"},
	{"cca/negative/rim-flip.cbor", "cca/keys/cpak-tfa.json", "signature-realm"},
	{"cca/negative/platform-challenge-flip.cbor", "cca/keys/cpak-tfa.json", "signature-platform"},
	{"cca/negative/rak-flip.cbor", "cca/keys/cpak-tfa.json", "parse"},
	{"cca/negative/realm-token-swapped.cbor", "cca/keys/cpak-tfa.json", "binding"},
	{"cca/negative/tag-400.cbor", "cca/keys/cpak-tfa.json", "parse"},
	{"cca/trustee-token/token.cbor", "cca/keys/ta-02-p256.json", "signature-platform"},
	{"cca/rust-02/token.cbor", "cca/keys/ta-02-bad-point.json", "parse"},
};

static void recorded_tokens_verify_and_mutations_have_their_class(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena *a = arena_new(0);
		struct trial t;
		rc r = run(&t, shared_file(a, cases[i].token), jwk_of(a, cases[i].cpak));

		if (rc_ok(r) != !cases[i].class || (cases[i].class && strcmp(trial_class(&t), cases[i].class)))
			fail_msg("%s: %s %s", cases[i].token, why_reason(&t.why), why_text(&t.why));
		trial_end(&t);
		arena_free(a);
	}
}

static void claims_carry_the_names_that_policies_use(void **state)
{
	struct arena *a = arena_new(0);
	const struct json *facts = json_get(shared_case(a, "cca", "cca-trustee-token"), "facts"), *o, *realm, *sw;
	struct trial t;
	struct slice raw;

	(void)state;
	assert_true(rc_ok(run(&t, shared_file(a, "cca/trustee-token/token.cbor"), jwk_of(a, "cca/keys/cpak-tfa.json"))));
	o = t.job.results[0].claims;
	realm = json_get(facts, "realm_claims");
	assert_true(json_equal(json_get(o, "report_data"), json_get(realm, "10")));
	assert_true(json_equal(json_get(o, "init_data"), json_get(realm, "44235")));
	assert_true(rc_ok(b64_decode(a, B64_STD, json_pointer(o, "/realm/cca-realm-initial-measurement")->text, &raw, "rim", NULL)));
	assert_true(slice_is(json_get(realm, "44238")->text, hex_text(a, raw)));
	assert_true(slice_is(json_pointer(o, "/realm/cca-realm-hash-algo-id")->text, "sha-512"));
	assert_int_equal(json_pointer(o, "/realm/cca-realm-extensible-measurements")->n, 4);
	assert_true(slice_is(json_pointer(o, "/platform/cca-platform-lifecycle")->text, "12291"));
	assert_true(json_pointer(o, "/platform/cca-platform-secured")->boolean);
	sw = json_pointer(o, "/platform/cca-platform-sw-components");
	assert_true(slice_is(json_get(json_at(sw, 0), "measurement-type")->text, "RSE_BL1_2"));
	trial_end(&t);
	arena_free(a);
}

static void a_platform_key_that_nobody_enrolled_is_refused(void **state)
{
	struct arena *a = arena_new(0);
	struct trial t;

	(void)state;
	trial_begin(&t, shared_file(a, "cca/trustee-token/token.cbor"));
	assert_false(rc_ok(trial_run(&t, &cca_driver)));
	assert_string_equal(why_reason(&t.why), "cca.untrusted-root.unknown-platform");
	trial_end(&t);

	trial_begin(&t, shared_file(a, "cca/trustee-token/token.cbor"));
	trial_collateral(&t, "cca-cpak", "0107060504030201000f0e0d0c0b0a090817161514131211101f1e1d1c1b1a1918",
			 shared_file(a, "cca/keys/cpak-tfa.json"));
	assert_false(rc_ok(trial_run(&t, &cca_driver)));
	assert_string_equal(why_reason(&t.why), "cca.untrusted-root");
	trial_end(&t);
	arena_free(a);
}

static void challenge_and_personalization_are_compared_with_every_digest_length(void **state)
{
	struct arena *a = arena_new(0);
	const struct json *jwk = jwk_of(a, "cca/keys/cpak-tfa.json");
	struct slice token = shared_file(a, "cca/tf-rmm-token/token.cbor");
	uint8_t challenge[64], other[64];
	/* the personalization value of this token is 64 bytes of text */
	const char *text = "The quick brown fox jumps over 13 lazy dogs.The quick brown fox ";

	(void)state;
	memset(challenge, 0xab, 64);
	memset(other, 0xab, 64);
	other[63] = 0;
	for (unsigned i = 0; i < 5; i++) {
		struct slice spki = {0};
		struct pkey *key = NULL;
		struct trial t;

		trial_begin(&t, token);
		assert_true(rc_ok(jwk_to_pkey(jwk, &key, NULL)) && rc_ok(pkey_to_spki(key, t.a, &spki, NULL)));
		pkey_free(key);
		trial_anchor(&t, "cca-cpak", spki);
		trial_collateral(&t, "cca-cpak", "0107060504030201000f0e0d0c0b0a090817161514131211101f1e1d1c1b1a1918",
				 json_text(t.a, jwk));
		t.job.report_data[0] = slice_of(i == 1 ? other : challenge, i == 2 ? 48 : 64);
		t.job.report_data_n = 1;
		t.job.init_data = i == 3 ? slice_of(text, 48) : slice_of(text, 64);
		assert_int_equal(rc_ok(trial_run(&t, &cca_driver)), i == 0 || i == 4);
		if (i == 1 || i == 2)
			assert_string_equal(trial_class(&t), "nonce-mismatch");
		if (i == 3)
			assert_string_equal(trial_class(&t), "init-data-mismatch");
		trial_end(&t);
	}
	arena_free(a);
}

static void a_token_that_no_request_is_expected_of_is_refused(void **state)
{
	struct trial t;

	(void)state;
	trial_begin(&t, (struct slice){0});
	t.job.evidence = shared_file(t.a, "cca/trustee-token/token.cbor");
	t.job.without = 0;
	assert_false(rc_ok(trial_run(&t, &cca_driver)));
	assert_string_equal(why_reason(&t.why), "cca.nonce-mismatch.none");
	trial_end(&t);
}

static void the_wire_document_holds_the_same_token(void **state)
{
	struct arena *a = arena_new(0);
	struct slice token = shared_file(a, "cca/trustee-token/token.cbor");
	struct buf b = buf_in(a, 0);
	struct trial t;

	(void)state;
	buf_puts(&b, "{\"token\":[");
	for (size_t i = 0; i < token.n; i++)
		buf_printf(&b, "%s%u", i ? "," : "", token.p[i]);
	buf_puts(&b, "]}");
	if (!rc_ok(run(&t, buf_view(&b), jwk_of(a, "cca/keys/cpak-tfa.json"))))
		fail_msg("%s", why_text(&t.why));
	trial_end(&t);
	arena_free(a);
}

static void truncation_at_any_length_is_refused(void **state)
{
	struct arena *a = arena_new(0);
	struct slice token = shared_file(a, "cca/trustee-token/token.cbor");
	const struct json *jwk = jwk_of(a, "cca/keys/cpak-tfa.json");

	(void)state;
	for (size_t n = 0; n < token.n; n++) {
		uint8_t *cut = exact_copy(token, n);
		struct trial t;

		assert_false(rc_ok(run(&t, slice_of(cut, n), jwk)));
		assert_string_equal(trial_class(&t), "parse");
		trial_end(&t);
		free(cut);
	}
	arena_free(a);
}

static void without_memory_a_token_is_refused(void **state)
{
	struct pkey *key = NULL;
	struct slice jwk, spki;
	struct trial t;

	(void)state;
	trial_begin(&t, (struct slice){0});
	t.job.evidence = shared_file(t.a, "cca/trustee-token/token.cbor");
	jwk = shared_file(t.a, "cca/keys/cpak-tfa.json");
	assert_true(rc_ok(jwk_to_pkey(jwk_of(t.a, "cca/keys/cpak-tfa.json"), &key, NULL)));
	assert_true(rc_ok(pkey_to_spki(key, t.a, &spki, NULL)));
	pkey_free(key);
	trial_anchor(&t, "cca-cpak", spki);
	trial_collateral(&t, "cca-cpak", "0107060504030201000f0e0d0c0b0a090817161514131211101f1e1d1c1b1a1918", jwk);
	assert_true(trial_starve(&t, &cca_driver, 1000, 3) > 50);
	trial_end(&t);
}

static void no_flipped_bit_is_accepted(void **state)
{
	struct arena *a = arena_new(0);
	struct slice token = shared_file(a, "cca/trustee-token/token.cbor");
	const struct json *jwk = jwk_of(a, "cca/keys/cpak-tfa.json");
	size_t all = token.n * 8, step = flip_step(all, 2100), tried = 0;

	(void)state;
	/* the last step changes nothing and must verify */
	for (size_t bit = 0; bit <= all; bit = bit < all && bit + step > all ? all : bit + step) {
		uint8_t *copy = exact_copy(token, token.n);
		struct trial t;

		if (bit < all)
			copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (rc_ok(run(&t, slice_of(copy, token.n), jwk)) != (bit == all))
			fail_msg("bit %zu is not protected: %s", bit, why_text(&t.why));
		trial_end(&t);
		free(copy);
		tried++;
	}
	flips_enough(tried, 2000);
	flips_told("cca", tried - 1);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recorded_tokens_verify_and_mutations_have_their_class),
		cmocka_unit_test(claims_carry_the_names_that_policies_use),
		cmocka_unit_test(a_platform_key_that_nobody_enrolled_is_refused),
		cmocka_unit_test(challenge_and_personalization_are_compared_with_every_digest_length),
		cmocka_unit_test(a_token_that_no_request_is_expected_of_is_refused),
		cmocka_unit_test(the_wire_document_holds_the_same_token),
		cmocka_unit_test(truncation_at_any_length_is_refused),
		cmocka_unit_test(without_memory_a_token_is_refused),
		cmocka_unit_test(no_flipped_bit_is_accepted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
