/* Every pinned digest is that of a recorded certificate of its vendor: a digest with a wrong digit is a vendor whose evidence never
 * verifies, and no made-up root in a test can show it. */
#include "evidence/test_shared.h"

#include "base/num.h"
#include "crypto/digest.h"
#include "crypto/x509.h"
#include "evidence/pins.h"

static const struct {
	const char *set, *path;
	bool raw;	/* no X.509: the bytes themselves are pinned */
} roots[] = {
	{"amd-ark", "snp/certs/milan_ark.pem", false},
	{"amd-ark", "snp/certs/genoa_ark.pem", false},
	{"amd-ark", "snp/certs/turin_ark.pem", false},
	{"hygon-hrk", "csv/certs/hrk.cert", true},
	{"nvidia-device-root", "nvidia/certs/nvidia_device_root.pem", false},
	{"nvidia-rim-root", "nvidia/certs/verifier_RIM_root.pem", false},
	{"aws-nitro-root", "nitro/certs/aws_nitro_root_g1.pem", false},
	{"intel-sgx-root", "dcap/certs/intel_sgx_root_ca.pem", false},
};

struct digests {
	uint8_t whole[32], key[32];
};

static struct digests digests_of(struct slice bytes, bool raw)
{
	struct digests d = {0};
	struct x509 *c;

	if (raw) {
		assert_true(rc_ok(digest(DIGEST_SHA256, bytes, d.whole, NULL)));
		return d;
	}
	assert_true(rc_ok(x509_from_any(bytes, &c, NULL)));
	memcpy(d.whole, x509_sha256(c), 32);
	memcpy(d.key, x509_spki_sha256(c), 32);
	x509_free(c);
	return d;
}

static void every_recorded_root_is_pinned_and_every_pin_is_of_one(void **state)
{
	struct arena *a = arena_new(0);
	bool proven[64] = {false};

	(void)state;
	assert_true(pins_n <= 64);
	for (size_t i = 0; i < COUNT_OF(roots); i++) {
		struct digests d = digests_of(shared_file(a, roots[i].path), roots[i].raw);

		if (!pin_matches(roots[i].set, d.whole) && !pin_matches(roots[i].set, d.key))
			fail_msg("%s is not pinned in %s", roots[i].path, roots[i].set);
		for (size_t k = 0; k < pins_n; k++) {
			uint8_t pin[32];

			assert_true(rc_ok(hex_decode_into(slice_cstr(pins[k].sha256), pin, 32, "pin", NULL)));
			if (!strcmp(pins[k].set, roots[i].set))
				proven[k] = proven[k] || !memcmp(pin, d.whole, 32) || !memcmp(pin, d.key, 32);
		}
	}
	for (size_t k = 0; k < pins_n; k++)
		if (!proven[k])
			fail_msg("pin %zu of %s is of no recorded root", k, pins[k].set);
	arena_free(a);
}

static void a_pin_counts_in_its_own_set_alone(void **state)
{
	(void)state;
	for (size_t k = 0; k < pins_n; k++) {
		uint8_t pin[32];

		assert_true(rc_ok(hex_decode_into(slice_cstr(pins[k].sha256), pin, 32, "pin", NULL)));
		for (size_t i = 0; i < COUNT_OF(roots); i++)
			assert_int_equal(pin_matches(roots[i].set, pin), !strcmp(roots[i].set, pins[k].set));
		pin[31] ^= 1;
		assert_false(pin_matches(pins[k].set, pin));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_recorded_root_is_pinned_and_every_pin_is_of_one),
		cmocka_unit_test(a_pin_counts_in_its_own_set_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
