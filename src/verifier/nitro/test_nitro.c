#include "verifier/test_driver.h"

#include "codec/cbor.h"
#include "crypto/x509.h"
#include "verifier/nitro/nitro.h"

static const char *const good[] = {"nitro-evervault-beta-prod", "nitro-evervault-beta-debug", "nitro-evervault-ga",
				   "nitro-anjuna-prod", "nitro-anjuna-prod-pubkey", "nitro-anjuna-full"};

static int64_t case_time(const struct json *c)
{
	int64_t t = 0;

	assert_true(rc_ok(time_parse_rfc3339(json_get(json_get(c, "inputs"), "time")->text, &t, NULL)));
	return t;
}

static void begin(struct trial *t, struct slice doc, int64_t now_s)
{
	trial_begin(t, doc);
	t->job.only_configured_anchors = false;	/* the pinned root is under test */
	t->job.no_time = false;
	t->job.now_s = now_s;
}

static void recorded_documents_verify_with_the_pinned_root_at_their_time(void **state)
{
	static const char *const same[] = {"module_id", "digest", "timestamp", "pcrs"};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct arena *a = arena_new(0);
		const struct json *c = shared_case(a, "nitro", good[i]), *facts = json_get(c, "facts"), *o;
		const char *path = (const char *)json_get(json_get(c, "inputs"), "document")->text.p;
		struct trial t;

		begin(&t, shared_file(a, path), case_time(c));
		if (!rc_ok(trial_run(&t, &nitro_driver)))
			fail_msg("%s: %s", good[i], why_text(&t.why));
		o = t.job.results[0].claims;
		for (size_t k = 0; k < 4; k++)
			assert_true(json_equal(json_get(o, same[k]), json_get(facts, same[k])));
		assert_int_equal(json_get(o, "debug")->boolean, strstr(good[i], "prod") == NULL);
		trial_end(&t);
		arena_free(a);
	}
}

static void changed_documents_have_their_class(void **state)
{
	static const struct {
		const char *file, *class;
	} row[] = {
		{"sig-flip", "signature"}, {"pcr0-flip", "signature"}, {"nonce-flip", "signature"}, {"leaf-tbs-flip", "chain"},
		{"ca-sig-flip", "chain"}, {"trailing", "parse"}, {"no-pcrs", "parse"}, {"leaf-swapped", "signature"},
		{"alg-es256", "unsupported"}, {"truncated-2327", "parse"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct arena *a = arena_new(0);
		struct trial t;

		begin(&t, shared_file(a, arena_printf(a, "nitro/negative/%s.cbor", row[i].file)), 1665651782);
		assert_false(rc_ok(trial_run(&t, &nitro_driver)));
		if (strcmp(trial_class(&t), row[i].class))
			fail_msg("%s: %s %s", row[i].file, why_reason(&t.why), why_text(&t.why));
		trial_end(&t);
		arena_free(a);
	}
}

static void a_root_of_the_same_name_is_refused(void **state)
{
	struct arena *a = arena_new(0);
	struct trial t;

	(void)state;
	begin(&t, shared_file(a, "nitro/synthetic/doc-own-root.cbor"), time_from_civil(2023, 1, 1, 0, 0, 0));
	assert_false(rc_ok(trial_run(&t, &nitro_driver)));
	assert_string_equal(why_reason(&t.why), "nitro.untrusted-root");
	trial_end(&t);
	/* and the real root counts for nothing where only configured anchors do */
	begin(&t, shared_file(a, "nitro/evervault-beta-prod/doc.cbor"), 1665651782);
	t.job.only_configured_anchors = true;
	assert_false(rc_ok(trial_run(&t, &nitro_driver)));
	assert_string_equal(why_reason(&t.why), "nitro.untrusted-root");
	trial_end(&t);
	arena_free(a);
}

static void a_document_too_old_or_too_early_is_refused(void **state)
{
	struct arena *a = arena_new(0);
	struct slice doc = shared_file(a, "nitro/evervault-beta-prod/doc.cbor");

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct trial t;

		begin(&t, doc, 1665651782 + (i ? -86400 : 4 * 3600));
		assert_false(rc_ok(trial_run(&t, &nitro_driver)));
		assert_string_equal(why_reason(&t.why), "nitro.expired");
		trial_end(&t);
	}
	arena_free(a);
}

static void the_nonce_or_the_user_data_must_carry_what_is_expected(void **state)
{
	static const struct {
		const char *doc, *expected;
		bool ok;
	} row[] = {
		{"nitro/anjuna-full/doc.cbor", "Nonce\n", true},
		{"nitro/anjuna-full/doc.cbor", "Nonce", false},
		{"nitro/anjuna-full/doc.cbor", "Hello World!\n", true},
		{"nitro/anjuna-full/doc.cbor", "Hello", false},
		{"nitro/anjuna-prod/doc.cbor", "x", false},	/* binds nothing */
		{"nitro/anjuna-prod/doc.cbor", "", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct arena *a = arena_new(0);
		struct slice doc = shared_file(a, row[i].doc);
		struct trial t;

		begin(&t, doc, 0);
		t.job.no_time = true;
		t.job.report_data[0] = slice_cstr(row[i].expected);
		t.job.report_data_n = 1;
		if (rc_ok(trial_run(&t, &nitro_driver)) != row[i].ok)
			fail_msg("row %zu", i);
		if (!row[i].ok)
			assert_string_equal(trial_class(&t), "nonce-mismatch");
		else	/* the claim is what was compared, not the other field */
			assert_string_equal(json_get(t.job.results[0].claims, "report_data")->text.p,
					    hex_text(a, slice_cstr(row[i].expected)));
		trial_end(&t);
		arena_free(a);
	}
}

static void truncation_at_any_length_is_refused(void **state)
{
	struct arena *a = arena_new(0);
	struct slice doc = shared_file(a, "nitro/anjuna-prod/doc.cbor");

	(void)state;
	for (size_t n = 0; n < doc.n; n++) {
		uint8_t *cut = exact_copy(doc, n);
		struct trial t;

		begin(&t, slice_of(cut, n), 1616018815);
		assert_false(rc_ok(trial_run(&t, &nitro_driver)));
		assert_string_equal(trial_class(&t), "parse");
		trial_end(&t);
		free(cut);
	}
	arena_free(a);
}

static void without_memory_a_document_is_refused(void **state)
{
	struct trial t;

	(void)state;
	begin(&t, (struct slice){0}, 1616018815);
	t.job.evidence = shared_file(t.a, "nitro/anjuna-prod/doc.cbor");
	assert_true(trial_starve(&t, &nitro_driver, 1000, 1) > 50);
	trial_end(&t);
}

/* Bits of the whole document: COSE headers, payload with all certificates, signature. */
static void no_flipped_bit_is_accepted(void **state)
{
	struct arena *a = arena_new(0);
	struct slice doc = shared_file(a, "nitro/anjuna-prod/doc.cbor");
	size_t all = doc.n * 8, step = flip_step(all, 2100), tried = 0;

	(void)state;
	/* the last step changes nothing and must verify */
	for (size_t bit = 0; bit <= all; bit = bit < all && bit + step > all ? all : bit + step) {
		uint8_t *copy = exact_copy(doc, doc.n);
		struct trial t;

		if (bit < all)
			copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
		begin(&t, slice_of(copy, doc.n), 1616018815);
		if (rc_ok(trial_run(&t, &nitro_driver)) != (bit == all))
			fail_msg("bit %zu is not protected: %s", bit, why_text(&t.why));
		trial_end(&t);
		free(copy);
		tried++;
	}
	flips_enough(tried, 2000);
	flips_told("nitro", tried - 1);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recorded_documents_verify_with_the_pinned_root_at_their_time),
		cmocka_unit_test(changed_documents_have_their_class),
		cmocka_unit_test(a_root_of_the_same_name_is_refused),
		cmocka_unit_test(a_document_too_old_or_too_early_is_refused),
		cmocka_unit_test(the_nonce_or_the_user_data_must_carry_what_is_expected),
		cmocka_unit_test(truncation_at_any_length_is_refused),
		cmocka_unit_test(without_memory_a_document_is_refused),
		cmocka_unit_test(no_flipped_bit_is_accepted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
