/* Answers of an attestation service whose keys are made here: signed as NVIDIA's are, and pinned by the test. */
#include "verifier/test_driver.h"

#include "base/num.h"
#include "crypto/jose/jwk.h"
#include "crypto/jose/jws.h"
#include "lab/lab_x509.h"
#include "verifier/nvidia/nvidia.h"

#define NOW ((int64_t)1795557718)
#define ISS "https://nras.attestation.nvidia.com"

struct service {
	struct arena *a;
	struct pkey *key;
	struct slice root, jwks;	/* PEM; key set */
	struct slice other_jwks;	/* the same key beside the certificate of another */
};

static struct service s;

static struct pkey *open_key(struct slice pem)
{
	struct pkey *key = NULL;
	SECRET(text);

	assert_true(rc_ok(secret_copy(&text, pem, NULL)));
	assert_true(rc_ok(pkey_from_private_pem(&text, &key, NULL)));
	return key;
}

static int set_up(void **state)
{
	struct slice root_key, leaf_key, der[2];
	struct lab_cert c = {.subject = "CN=Lab NRAS root", .issuer = "CN=Lab NRAS root", .serial = 1, .from_s = NOW - 86400, .to_s = NOW + 86400, .ca = true};
	struct json *set, *keys, *jwk, *x5c;

	(void)state;
	s.a = arena_new(0);
	set = json_new_object(s.a);
	keys = json_new_array(s.a);
	x5c = json_new_array(s.a);
	assert_true(rc_ok(lab_key_new(LAB_P384, s.a, &root_key, NULL)));
	assert_true(rc_ok(lab_key_new(LAB_P384, s.a, &leaf_key, NULL)));
	c.key = c.signer = root_key;
	assert_true(rc_ok(lab_cert(&c, s.a, &der[0], NULL)));
	c = (struct lab_cert){.subject = "CN=Lab NRAS signer", .issuer = c.subject, .serial = 2, .from_s = c.from_s, .to_s = c.to_s, .key = leaf_key,
			      .signer = root_key};
	assert_true(rc_ok(lab_cert(&c, s.a, &der[1], NULL)));
	s.root = der[0];
	s.key = open_key(leaf_key);
	assert_true(rc_ok(jwk_from_pkey(s.key, s.a, &jwk, NULL)));
	json_set(s.a, jwk, "kid", json_new_cstr(s.a, "lab-1"));
	json_push(s.a, x5c, json_new_b64(s.a, der[1]));
	json_push(s.a, x5c, json_new_b64(s.a, der[0]));
	json_set(s.a, jwk, "x5c", x5c);
	json_push(s.a, keys, jwk);
	json_set(s.a, set, "keys", keys);
	s.jwks = json_text(s.a, set);
	c.key = root_key;
	assert_true(rc_ok(lab_cert(&c, s.a, &der[1], NULL)));
	x5c = json_new_array(s.a);
	json_push(s.a, x5c, json_new_b64(s.a, der[1]));
	json_push(s.a, x5c, json_new_b64(s.a, der[0]));
	json_set(s.a, jwk, "x5c", x5c);
	s.other_jwks = json_text(s.a, set);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	pkey_free(s.key);
	s.a = arena_free(s.a);
	return 0;
}

static const uint8_t request[48] = {0x93, 0x1d, 0x8d};

/* What a test changes; NULL: as it should be. */
struct changes {
	const char *overall, *device;	/* members to set, as JSON */
	const char *kid;
	bool other_digest, one_more;
	const char *second;	/* members of a second device that the overall token vouches for as well */
	bool without_second;	/* whose token is left out */
};

static struct slice sign(struct arena *a, const char *kid, struct json *claims)
{
	struct json *header = json_new_object(a);
	struct slice out;

	json_set(a, header, "kid", json_new_cstr(a, kid));
	assert_true(rc_ok(jws_sign(s.key, SIG_ES384, header, json_text(a, claims), a, &out, NULL)));
	return out;
}

static struct json *claims_of(struct arena *a, const char *more)
{
	struct json *c, *set;

	assert_true(rc_ok(json_parse(a, slice_cstr(arena_printf(a, "{\"iss\":\"" ISS "\",\"iat\":%lld,\"nbf\":%lld,\"exp\":%lld,\"jti\":\"1\"}", (long long)NOW - 10,
							       (long long)NOW - 10, (long long)NOW + 3600)), NULL, &c, NULL)));
	json_set(a, c, "eat_nonce", json_new_hex(a, slice_of(request, 32)));
	if (more) {
		assert_true(rc_ok(json_parse(a, slice_cstr(more), NULL, &set, NULL)));
		for (size_t i = 0; i < set->n; i++)
			json_set_slice(a, c, set->members[i].name, set->members[i].value);
	}
	return c;
}

static struct json *voucher(struct arena *a, const uint8_t d[32])
{
	struct json *entry = json_new_array(a), *pair = json_new_array(a);

	json_push(a, pair, json_new_cstr(a, "SHA-256"));
	json_push(a, pair, json_new_hex(a, slice_of(d, 32)));
	json_push(a, entry, json_new_cstr(a, "DIGEST"));
	json_push(a, entry, pair);
	return entry;
}

static struct slice answer(struct arena *a, const struct changes *c)
{
	struct json *all = json_new_array(a), *first = json_new_array(a), *devices = json_new_object(a), *overall, *device;
	struct json *submods = json_new_object(a);
	struct slice token, second;
	uint8_t d[32];

	device = claims_of(a, "{\"x-nvidia-gpu-attestation-report-nonce-match\":true,\"secboot\":true,\"measres\":\"success\",\"hwmodel\":\"GH100\"}");
	if (c->device) {
		struct json *set;

		assert_true(rc_ok(json_parse(a, slice_cstr(c->device), NULL, &set, NULL)));
		for (size_t i = 0; i < set->n; i++)
			json_set_slice(a, device, set->members[i].name, set->members[i].value);
	}
	token = sign(a, c->kid ? c->kid : "lab-1", device);
	assert_true(rc_ok(digest(DIGEST_SHA256, token, d, NULL)));
	d[0] ^= c->other_digest;
	json_set(a, submods, "GPU-0", voucher(a, d));
	if (c->second) {
		struct json *other = claims_of(a, c->second);

		json_set(a, other, "x-nvidia-gpu-attestation-report-nonce-match", json_new_bool(a, true));
		second = sign(a, "lab-1", other);
		assert_true(rc_ok(digest(DIGEST_SHA256, second, d, NULL)));
		json_set(a, submods, "GPU-1", voucher(a, d));
		if (!c->without_second)
			json_set(a, devices, "GPU-1", json_new_str(a, second));
	}
	overall = claims_of(a, "{\"x-nvidia-overall-att-result\":true}");
	json_set(a, overall, "submods", submods);
	if (c->overall) {
		struct json *set;

		assert_true(rc_ok(json_parse(a, slice_cstr(c->overall), NULL, &set, NULL)));
		for (size_t i = 0; i < set->n; i++)
			json_set_slice(a, overall, set->members[i].name, set->members[i].value);
	}
	json_push(a, first, json_new_cstr(a, "JWT"));
	json_push(a, first, json_new_str(a, sign(a, "lab-1", overall)));
	json_push(a, all, first);
	json_set(a, devices, "GPU-0", json_new_str(a, token));
	if (c->one_more)
		json_set(a, devices, "GPU-1", json_new_str(a, token));
	json_push(a, all, devices);
	return json_text(a, all);
}

static void begin(struct trial *t, struct slice evidence)
{
	struct x509 *root = NULL;

	trial_begin(t, evidence);
	t->job.without = 0;
	t->job.no_time = false;
	t->job.now_s = NOW;
	t->job.report_data[0] = slice_of(request, sizeof(request));
	t->job.report_data_n = 1;
	trial_collateral(t, "nvidia-nras-jwks", "", s.jwks);
	assert_true(rc_ok(x509_from_der(s.root, &root, NULL)));
	trial_anchor(t, "nvidia-nras", x509_der(root));
	x509_free(root);
}

static void an_answer_of_the_pinned_service_counts_with_its_claims(void **state)
{
	const struct json *o;
	struct trial t;

	(void)state;
	begin(&t, answer(s.a, &(struct changes){0}));
	if (!rc_ok(trial_run(&t, &nvidia_driver)))
		fail_msg("%s", why_render(&t.why, t.a));
	assert_int_equal(t.job.wants_n, 1);
	assert_string_equal(t.job.wants[0].kind, "nvidia-nras-jwks");
	assert_int_equal(t.job.results_n, 1);
	assert_string_equal(t.job.results[0].tee_class, "gpu");
	o = t.job.results[0].claims;
	assert_true(slice_is(json_get(o, "hwmodel")->text, "GH100"));
	assert_true(json_get(o, "x-nvidia-overall-att-result")->boolean);
	assert_true(json_equal(json_get(o, "report_data"), json_get(o, "eat_nonce")));
	trial_end(&t);
}

/* Pitfalls of the reference: tokens not tied to each other by digest, issuer not checked, '-' and '_' not decoded. */
static void whatever_is_wrong_with_an_answer_is_named(void **state)
{
	static const struct {
		struct changes c;
		const char *reason;
	} row[] = {
		{{.other_digest = true}, "nvidia.binding.nras"},
		{{.one_more = true}, "nvidia.binding.nras"},
		{{.kid = "other"}, "nvidia.signature.nras"},
		{{.overall = "{\"x-nvidia-overall-att-result\":false}"}, "nvidia.nras-result"},
		{{.overall = "{\"x-nvidia-overall-att-result\":\"true\"}"}, "nvidia.nras-result"},
		{{.overall = "{\"iss\":\"https://elsewhere.example\"}"}, "nvidia.binding.nras"},
		{{.overall = "{\"exp\":1}"}, "nvidia.expired.nras"},
		{{.overall = "{\"submods\":{}}"}, "nvidia.binding.nras"},
		{{.overall = "{\"eat_nonce\":\"0000000000000000000000000000000000000000000000000000000000000000\"}"}, "nvidia.nonce-mismatch"},
		{{.overall = "{\"eat_nonce\":\"00\"}"}, "nvidia.parse.nras"},
		{{.device = "{\"eat_nonce\":\"0000000000000000000000000000000000000000000000000000000000000000\"}"}, "nvidia.nonce-mismatch"},
		{{.device = "{\"x-nvidia-gpu-attestation-report-nonce-match\":false}"}, "nvidia.nonce-mismatch"},
		{{.device = "{\"exp\":1}"}, "nvidia.expired.nras"},
		{{.device = "{\"nbf\":9999999999}"}, "nvidia.expired.nras"},
		{{.device = "{\"iss\":\"x\"}"}, "nvidia.binding.nras"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(row); i++) {
		struct trial t;

		begin(&t, answer(s.a, &row[i].c));
		if (rc_ok(trial_run(&t, &nvidia_driver)) || strcmp(why_reason(&t.why), row[i].reason) != 0)
			fail_msg("row %zu: %s (%s), expected %s", i, why_reason(&t.why), why_text(&t.why), row[i].reason);
		trial_end(&t);
	}
}

/* The service does not mind a list that names one device twice; a policy that counts GPUs would. */
static void one_device_sent_twice_is_refused(void **state)
{
	struct trial t;

	(void)state;
	begin(&t, answer(s.a, &(struct changes){.device = "{\"ueid\":\"4711\"}", .second = "{\"ueid\":\"4712\"}"}));
	if (!rc_ok(trial_run(&t, &nvidia_driver)))
		fail_msg("%s", why_render(&t.why, t.a));
	assert_int_equal(t.job.results_n, 2);
	trial_end(&t);
	begin(&t, answer(s.a, &(struct changes){.device = "{\"ueid\":\"4711\"}", .second = "{\"ueid\":\"4711\"}"}));
	assert_int_equal(trial_run(&t, &nvidia_driver).code, E_DENIED);
	assert_string_equal(why_reason(&t.why), "nvidia.binding.duplicate-device");
	trial_end(&t);
}

/* A guest that leaves one of its devices out would hide it from policy. */
static void an_attested_device_cannot_be_left_out(void **state)
{
	struct trial t;

	(void)state;
	begin(&t, answer(s.a, &(struct changes){.device = "{\"ueid\":\"4711\"}", .second = "{\"ueid\":\"4712\"}", .without_second = true}));
	assert_int_equal(trial_run(&t, &nvidia_driver).code, E_DENIED);
	assert_string_equal(why_reason(&t.why), "nvidia.binding.nras");
	trial_end(&t);
}

/* Certificates beside a key count for that key: anybody can copy a chain. */
static void a_key_beside_the_certificate_of_another_is_refused(void **state)
{
	struct trial t;

	(void)state;
	begin(&t, answer(s.a, &(struct changes){0}));
	t.collateral[0].bytes = s.other_jwks;
	assert_int_equal(trial_run(&t, &nvidia_driver).code, E_DENIED);
	assert_string_equal(why_reason(&t.why), "nvidia.chain.nras");
	trial_end(&t);
}

static void nobody_trusts_the_service_unless_it_is_pinned(void **state)
{
	struct slice ev = answer(s.a, &(struct changes){0}), spki;
	struct trial t;

	(void)state;
	begin(&t, ev);
	t.job.anchors_n = 0;
	t.job.only_configured_anchors = false;
	assert_int_equal(trial_run(&t, &nvidia_driver).code, E_DENIED);
	assert_string_equal(why_reason(&t.why), "nvidia.untrusted-root.nras");
	trial_end(&t);
	/* by the key itself, whatever its certificates say */
	begin(&t, ev);
	t.job.anchors_n = 0;
	assert_true(rc_ok(pkey_to_spki(s.key, t.a, &spki, NULL)));
	trial_anchor(&t, "nvidia-nras", spki);
	assert_true(rc_ok(trial_run(&t, &nvidia_driver)));
	trial_end(&t);
	/* the chain of the key has ended */
	begin(&t, ev);
	t.job.now_s = NOW + 86401;
	assert_int_equal(trial_run(&t, &nvidia_driver).code, E_DENIED);
	assert_string_equal(why_reason(&t.why), "nvidia.expired.nras");
	trial_end(&t);
	begin(&t, ev);
	t.job.collateral_n = 0;
	assert_int_equal(trial_run(&t, &nvidia_driver).code, E_UNAVAILABLE);
	assert_string_equal(why_reason(&t.why), "nvidia.chain.jwks");
	trial_end(&t);
}

static void no_flipped_bit_of_an_answer_is_accepted(void **state)
{
	struct slice ev = answer(s.a, &(struct changes){0});
	size_t all = ev.n * 8, step = flip_step(all, 700), tried = 0;

	(void)state;
	for (size_t bit = 0; bit < all; bit += step, tried++) {
		uint8_t *copy = exact_copy(ev, ev.n);
		struct trial t;

		copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
		begin(&t, slice_of(copy, ev.n));
		if (rc_ok(trial_run(&t, &nvidia_driver)))
			fail_msg("bit %zu is not protected", bit);
		trial_end(&t);
		free(copy);
	}
	flips_told("nvidia nras", tried);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_of_the_pinned_service_counts_with_its_claims),
		cmocka_unit_test(whatever_is_wrong_with_an_answer_is_named),
		cmocka_unit_test(one_device_sent_twice_is_refused),
		cmocka_unit_test(an_attested_device_cannot_be_left_out),
		cmocka_unit_test(a_key_beside_the_certificate_of_another_is_refused),
		cmocka_unit_test(nobody_trusts_the_service_unless_it_is_pinned),
		cmocka_unit_test(no_flipped_bit_of_an_answer_is_accepted),
	};

	return cmocka_run_group_tests_name("nras", tests, set_up, tear_down);
}
