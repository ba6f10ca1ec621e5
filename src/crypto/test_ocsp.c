/* Fixtures: testdata/ocsp, a P-384 chain made for this test, whose private keys are gone, and answers about its leaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/sys.h"
#include "base/test_pace.h"
#include "crypto/ocsp.h"

struct set {
	struct arena *a;
	struct x509 *root, *ica, *leaf, *leaf2;
};

static struct slice fixture(struct arena *a, const char *name)
{
	const char *source = getenv("WARRANT_SOURCE");
	struct slice s = {0};
	struct why w = why_in(a);

	if (!source)
		skip();
	if (!rc_ok(file_read(a, arena_printf(a, "%s/src/crypto/testdata/ocsp/%s.der", source, name), 1u << 16, &s, &w)))
		fail_msg("%s", why_text(&w));
	return s;
}

static struct x509 *cert(struct arena *a, const char *name)
{
	struct x509 *c = NULL;

	assert_true(rc_ok(x509_from_der(fixture(a, name), &c, NULL)));
	return c;
}

static void begin(struct set *s)
{
	s->a = arena_new(0);
	s->root = cert(s->a, "root");
	s->ica = cert(s->a, "ica");
	s->leaf = cert(s->a, "leaf");
	s->leaf2 = cert(s->a, "leaf2");
}

static void end(struct set *s)
{
	x509_free(s->root);
	x509_free(s->ica);
	x509_free(s->leaf);
	x509_free(s->leaf2);
	arena_free(s->a);
}

static struct ocsp_rules rules_at(int64_t now_s)
{
	return (struct ocsp_rules){.malformed = "t.parse", .signature = "t.signature", .expired = "t.expired", .now_s = now_s};
}

#define YEAR_2030 1893456000

static void answers_tell_the_status_of_their_certificate(void **state)
{
	static const struct {
		const char *answer;
		bool second;	/* about leaf2 */
		const char *reason;	/* NULL: read */
		enum ocsp_status status;
	} row[] = {
		{"good", false, NULL, OCSP_GOOD},
		{"byissuer", false, NULL, OCSP_GOOD},
		{"revoked", true, NULL, OCSP_REVOKED},
		{"good", true, "t.signature", 0},	/* about another certificate */
		{"norole", false, "t.signature", 0},	/* of the same CA, but not for signing answers */
		{"leaf", false, "t.parse", 0},		/* a certificate is no answer */
	};
	const struct ocsp_rules rules = rules_at(YEAR_2030);
	struct set s;

	(void)state;
	begin(&s);
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct why w = why_in(s.a);
		struct ocsp_answer an;
		rc r = ocsp_read(s.a, fixture(s.a, row[i].answer), row[i].second ? s.leaf2 : s.leaf, s.ica, s.root, &rules, &an, &w);

		if (rc_ok(r) != !row[i].reason || (row[i].reason && strcmp(why_reason(&w), row[i].reason)))
			fail_msg("row %zu: %s %s", i, why_reason(&w), why_text(&w));
		if (!rc_ok(r))
			continue;
		assert_int_equal(an.status, row[i].status);
		if (an.status == OCSP_REVOKED) {
			assert_int_equal(an.reason, 1);	/* keyCompromise */
			assert_int_equal(an.revoked_at, time_from_civil(2025, 1, 1, 0, 0, 0));
		}
	}
	end(&s);
}

static void an_answer_holds_only_in_its_time(void **state)
{
	struct ocsp_rules rules = rules_at(0);
	struct ocsp_answer an;
	struct set s;
	struct why w;

	(void)state;
	begin(&s);
	w = why_in(s.a);
	rules.now_s = YEAR_2030;
	assert_true(rc_ok(ocsp_read(s.a, fixture(s.a, "byissuer"), s.leaf, s.ica, s.root, &rules, &an, &w)));
	rules.now_s = an.this_update - 1;
	assert_false(rc_ok(ocsp_read(s.a, fixture(s.a, "byissuer"), s.leaf, s.ica, s.root, &rules, &an, &w)));
	assert_string_equal(why_reason(&w), "t.expired");
	rules.now_s = an.next_update + 10;
	assert_false(rc_ok(ocsp_read(s.a, fixture(s.a, "byissuer"), s.leaf, s.ica, s.root, &rules, &an, &w)));
	rules.stale_s = 10;
	assert_true(rc_ok(ocsp_read(s.a, fixture(s.a, "byissuer"), s.leaf, s.ica, s.root, &rules, &an, &w)));
	rules.stale_s = 0;
	rules.no_time = true;
	assert_true(rc_ok(ocsp_read(s.a, fixture(s.a, "byissuer"), s.leaf, s.ica, s.root, &rules, &an, &w)));
	end(&s);
}

static void a_signer_under_another_root_is_refused(void **state)
{
	const struct ocsp_rules rules = rules_at(YEAR_2030);
	struct ocsp_answer an;
	struct set s;
	struct why w;

	(void)state;
	begin(&s);
	w = why_in(s.a);
	assert_false(rc_ok(ocsp_read(s.a, fixture(s.a, "good"), s.leaf, s.ica, s.leaf, &rules, &an, &w)));
	assert_string_equal(why_reason(&w), "t.signature");
	end(&s);
}

static void no_flipped_bit_and_no_cut_is_accepted(void **state)
{
	const struct ocsp_rules rules = rules_at(YEAR_2030);
	const uint8_t *carried;
	struct slice good;
	struct arena *b = arena_new(0);
	struct arena_mark m = arena_mark(b);
	struct set s;

	(void)state;
	begin(&s);
	good = fixture(s.a, "byissuer");
	for (size_t n = 0; n < good.n; n += test_step()) {
		struct ocsp_answer an;

		assert_false(rc_ok(ocsp_read(b, slice_sub(good, 0, n), s.leaf, s.ica, s.root, &rules, &an, NULL)));
		arena_reset(b, m);
	}
	/* the answer is signed by the issuer itself; its certificate stands behind and counts for nothing */
	carried = memmem(good.p, good.n, x509_der(s.ica).p, x509_der(s.ica).n);
	assert_non_null(carried);
	for (size_t bit = 0; bit < (size_t)(carried - good.p) * 8; bit += test_step()) {
		uint8_t *copy = malloc(good.n);
		struct ocsp_answer an;

		assert_non_null(copy);
		memcpy(copy, good.p, good.n);
		copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (rc_ok(ocsp_read(b, slice_of(copy, good.n), s.leaf, s.ica, s.root, &rules, &an, NULL)))
			fail_msg("bit %zu", bit);
		free(copy);
		arena_reset(b, m);
	}
	end(&s);
	arena_free(b);
}

static void requests_are_those_of_another_implementation(void **state)
{
	struct ocsp_id id, again;
	struct slice der, with_nonce;
	struct set s;
	struct why w;

	(void)state;
	begin(&s);
	w = why_in(s.a);
	assert_true(rc_ok(ocsp_id_of(s.a, DIGEST_SHA384, s.leaf, s.ica, &id, NULL)));
	assert_true(rc_ok(ocsp_id_parse(s.a, slice_cstr(ocsp_id_text(s.a, &id)), &again, &w)));
	assert_string_equal(ocsp_id_text(s.a, &again), ocsp_id_text(s.a, &id));
	assert_true(rc_ok(ocsp_request(s.a, &again, (struct slice){0}, &der, NULL)));
	assert_true(slice_eq(der, fixture(s.a, "request")));
	assert_true(rc_ok(ocsp_request(s.a, &id, SLICE_LIT("0123456789abcdef0123456789abcdef"), &with_nonce, NULL)));
	assert_true(with_nonce.n > der.n + 32);
	assert_false(rc_ok(ocsp_request(s.a, &id, slice_of(der.p, 33), &with_nonce, NULL)));
	assert_false(rc_ok(ocsp_id_parse(s.a, SLICE_LIT("sha384:00:00:01"), &again, NULL)));
	assert_false(rc_ok(ocsp_id_parse(s.a, SLICE_LIT("sha1:::"), &again, NULL)));
	assert_false(rc_ok(ocsp_id_parse(s.a, SLICE_LIT(""), &again, NULL)));
	end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_tell_the_status_of_their_certificate),
		cmocka_unit_test(an_answer_holds_only_in_its_time),
		cmocka_unit_test(a_signer_under_another_root_is_refused),
		cmocka_unit_test(no_flipped_bit_and_no_cut_is_accepted),
		cmocka_unit_test(requests_are_those_of_another_implementation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
