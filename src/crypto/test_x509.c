#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/sys.h"
#include "base/test_pace.h"
#include "codec/base64.h"
#include "crypto/x509.h"

static const struct x509_rules rules = {.chain = "t.chain", .expired = "t.expired"};

static struct slice shared(struct arena *a, const char *path)
{
	const char *root = getenv("WARRANT_SHARED");
	struct slice s = {0};

	if (!root || !rc_ok(file_read(a, arena_printf(a, "%s/evidence/%s", root, path), 1u << 20, &s, NULL))) {
		arena_free(a);	/* skip() does not come back */
		skip();
	}
	return s;
}

static void a_device_chain_is_followed_in_any_order(void **state)
{
	struct arena *a = arena_new(0);
	struct x509 *c[8], *mixed[5];
	struct x509_path p;
	size_t n;

	(void)state;
	assert_true(rc_ok(x509_list_from_pem(shared(a, "nvidia/hopper-trustee/certs.pem"), c, 8, &n, NULL)));
	assert_int_equal(n, 5);
	for (size_t i = 0; i < 5; i++)
		mixed[i] = c[(i * 3 + 4) % 5];
	assert_true(rc_ok(x509_path_build(c[0], mixed, 5, &rules, &p, NULL)));
	assert_int_equal(p.n, 5);
	assert_ptr_equal(p.c[4], c[4]);
	assert_string_equal(hex_text(a, slice_of(x509_sha256(p.c[4]), 32)),
			    "102bf659d5419614c9d8e6aecebc80454eb26b1df6a769ac720b9a690b167b48");
	assert_string_equal(hex_text(a, slice_of(x509_spki_sha256(p.c[4]), 32)),
			    "a90c4eb5acfd3e3d03a25db6a26b84f720ad0503196c627c21ddd48dd85b06a4");
	assert_string_equal(x509_subject_cn(c[1], a), "GH100 A01 GSP BROM");
	assert_string_equal(hex_text(a, x509_serial(c[0], a)), "53c22ba15e5d68088282da074ed9fb37aa585771");
	assert_true(rc_ok(x509_path_valid_at(&p, time_from_civil(2025, 1, 1, 0, 0, 0), &rules, NULL)));
	assert_false(rc_ok(x509_path_valid_at(&p, time_from_civil(2021, 1, 1, 0, 0, 0), &rules, NULL)));
	assert_true(rc_ok(x509_path_valid_at(&p, time_from_civil(9999, 12, 31, 23, 59, 59), &rules, NULL)));
	x509_free_all(c, n);
	arena_free(a);
}

static void a_missing_or_foreign_link_is_refused(void **state)
{
	static const char *const file[] = {"nvidia/negative/hopper_cert_chain_case3.pem",
					   "nvidia/negative/mutated/chain-swapped-l2.pem"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct arena *a = arena_new(0);
		struct why w = why_in(a);
		struct x509 *c[8];
		struct x509_path p;
		size_t n;

		assert_true(rc_ok(x509_list_from_pem(shared(a, file[i]), c, 8, &n, NULL)));
		assert_false(rc_ok(x509_path_build(c[0], c, n, &rules, &p, &w)));
		assert_string_equal(why_reason(&w), "t.chain");
		x509_free_all(c, n);
		arena_free(a);
	}
}

/* Every bit of the certificate behind the leaf: neither accepted as its issuer, nor under its own. */
static void no_flipped_bit_of_an_intermediate_is_accepted(void **state)
{
	struct arena *a = arena_new(0);
	struct x509 *c[8];
	size_t n;
	struct slice der;

	(void)state;
	assert_true(rc_ok(x509_list_from_pem(shared(a, "nvidia/hopper-trustee/certs.pem"), c, 8, &n, NULL)));
	der = x509_der(c[1]);
	for (size_t bit = 0; bit <= der.n * 8; bit += 7 * test_step()) {
		uint8_t *copy = malloc(der.n);
		struct x509 *mutant = NULL, *pool[4];
		struct x509_path p;
		bool ok = false;

		assert_non_null(copy);
		memcpy(copy, der.p, der.n);
		if (bit < der.n * 8)
			copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
		if (rc_ok(x509_from_der(slice_of(copy, der.n), &mutant, NULL))) {
			pool[0] = mutant;
			memcpy(pool + 1, c + 2, 3 * sizeof(pool[0]));
			ok = rc_ok(x509_path_build(c[0], pool, 4, &rules, &p, NULL));
		}
		if (ok && bit < der.n * 8)
			fail_msg("bit %zu", bit);
		x509_free(mutant);
		free(copy);
	}
	x509_free_all(c, n);
	arena_free(a);
}

static void revocation_lists_are_held_to_their_issuer_and_time(void **state)
{
	struct arena *a = arena_new(0);
	int64_t at = time_from_civil(2024, 3, 23, 0, 0, 0);
	struct x509 *ibm, *host, *revoked, *inter;
	struct x509_crl *crl, *fake, *early, *inter_crl;
	struct why w = why_in(a);

	(void)state;
	assert_true(rc_ok(x509_from_any(shared(a, "se/hkd/ibm.crt"), &ibm, NULL)));
	assert_true(rc_ok(x509_from_any(shared(a, "se/hkd/host.crt"), &host, NULL)));
	assert_true(rc_ok(x509_from_any(shared(a, "se/hkd/host_rev.crt"), &revoked, NULL)));
	assert_true(rc_ok(x509_crl_from(shared(a, "se/hkd/ibm.crl"), &crl, NULL)));
	assert_true(rc_ok(x509_crl_from(shared(a, "se/hkd/fake_ibm.crl"), &fake, NULL)));
	assert_true(rc_ok(x509_crl_from(shared(a, "se/hkd/ibm_outdated_early.crl"), &early, NULL)));
	if (!rc_ok(x509_crl_signed_by(crl, ibm, "t.crl-signature", &w)))
		fail_msg("%s", why_text(&w));
	/* its signer is no CA and may not sign lists */
	assert_false(rc_ok(x509_crl_by(crl, ibm, "t.crl-signature", NULL)));
	assert_true(rc_ok(x509_crl_from(shared(a, "se/hkd/inter_ca.crl"), &inter_crl, NULL)));
	assert_true(rc_ok(x509_from_any(shared(a, "se/hkd/inter_ca.crt"), &inter, NULL)));
	assert_true(rc_ok(x509_crl_by(inter_crl, inter, "t.crl-signature", NULL)));
	assert_false(rc_ok(x509_crl_by(crl, inter, "t.crl-signature", NULL)));
	assert_true(rc_ok(x509_issued_by(ibm, inter, "t.chain", NULL)));
	assert_false(rc_ok(x509_issued_by(host, ibm, "t.chain", NULL)));
	assert_true(rc_ok(x509_signed_by(host, ibm, "t.chain", NULL)));
	assert_false(rc_ok(x509_signed_by(host, inter, "t.chain", NULL)));
	x509_crl_free(inter_crl);
	x509_free(inter);
	assert_true(rc_ok(x509_crl_valid_at(crl, at, "t.crl-expired", NULL)));
	assert_false(x509_crl_lists(crl, host));
	assert_true(x509_crl_lists(crl, revoked));
	assert_false(rc_ok(x509_crl_signed_by(fake, ibm, "t.crl-signature", NULL)));
	assert_false(rc_ok(x509_crl_valid_at(early, at, "t.crl-expired", NULL)));
	x509_free(ibm);
	x509_free(host);
	x509_free(revoked);
	x509_crl_free(crl);
	x509_crl_free(fake);
	x509_crl_free(early);
	arena_free(a);
}

static void what_is_no_certificate_is_refused(void **state)
{
	struct arena *a = arena_new(0);
	struct slice pem = shared(a, "nvidia/hopper-trustee/certs.pem");
	struct x509 *c[8], *one;
	size_t n;
	struct buf b = buf_in(a, 0);
	struct why w = why_in(a);

	(void)state;
	assert_false(rc_ok(x509_list_from_pem(SLICE_LIT("no"), c, 8, &n, NULL)));
	assert_false(rc_ok(x509_list_from_pem((struct slice){0}, c, 8, &n, NULL)));
	assert_false(rc_ok(x509_list_from_pem(pem, c, 4, &n, &w)));
	assert_string_equal(why_reason(&w), "x509.count");
	assert_true(rc_ok(x509_list_from_pem(pem, c, 8, &n, NULL)));
	buf_slice(&b, x509_der(c[0]));
	buf_putc(&b, 0);
	assert_false(rc_ok(x509_from_der(buf_view(&b), &one, NULL)));
	for (size_t cut = 0; cut < x509_der(c[0]).n; cut++)
		assert_false(rc_ok(x509_from_der(slice_sub(x509_der(c[0]), 0, cut), &one, NULL)));
	/* a block that does not decode is no end of the list */
	b = buf_in(a, 0);
	buf_slice(&b, pem);
	buf_puts(&b, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
	x509_free_all(c, n);
	assert_false(rc_ok(x509_list_from_pem(buf_view(&b), c, 8, &n, NULL)));
	b = buf_in(a, 0);
	buf_slice(&b, pem);
	buf_puts(&b, "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n");
	assert_false(rc_ok(x509_list_from_pem(buf_view(&b), c, 8, &n, NULL)));
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_device_chain_is_followed_in_any_order),
		cmocka_unit_test(a_missing_or_foreign_link_is_refused),
		cmocka_unit_test(no_flipped_bit_of_an_intermediate_is_accepted),
		cmocka_unit_test(revocation_lists_are_held_to_their_issuer_and_time),
		cmocka_unit_test(what_is_no_certificate_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
