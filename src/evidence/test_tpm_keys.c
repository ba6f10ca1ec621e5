/* Attestation keys and signatures as a TPM writes them: every curve and scheme, and one field bent at a time. */
#include "evidence/test_shared.h"

#include "base/num.h"
#include "evidence/tpm.h"

static const struct tpm_reasons words = {"t.parse", "t.magic", "t.quote", "t.signature", "t.mismatch"};

#define GOOD (TPM_FIXED_TPM | TPM_RESTRICTED | TPM_SIGN)

static const struct {
	enum key_kind kind;
	uint16_t id;
} curves[] = {{KEY_P256, 3}, {KEY_P384, 4}, {KEY_P521, 5}};

static struct pkey *key_of(enum key_kind kind)
{
	struct pkey *k = NULL;

	assert_true(rc_ok(pkey_generate(kind, kind == KEY_RSA ? 2048 : 0, &k, NULL)));
	return k;
}

/* ---- TPMT_PUBLIC ---- */

struct area {
	uint16_t type, name_alg;
	uint32_t attributes;
	uint16_t symmetric, scheme, curve, kdf;
	struct slice x, y;
};

static void put_sized(struct buf *b, struct slice s)
{
	buf_be16(b, (uint16_t)s.n);
	buf_slice(b, s);
}

static struct slice ecc(struct arena *a, const struct area *p)
{
	struct buf b = buf_in(a, 0);

	buf_be16(&b, p->type);
	buf_be16(&b, p->name_alg);
	buf_be32(&b, p->attributes);
	buf_be16(&b, 0);
	buf_be16(&b, p->symmetric);
	buf_be16(&b, p->scheme);
	if (p->scheme != 0x0010)
		buf_be16(&b, 0x000b);
	buf_be16(&b, p->curve);
	buf_be16(&b, p->kdf);
	put_sized(&b, p->x);
	put_sized(&b, p->y);
	return buf_view(&b);
}

static struct slice in_2b(struct arena *a, struct slice area)
{
	struct buf b = buf_in(a, 0);

	put_sized(&b, area);
	return buf_view(&b);
}

static void keys_of_every_curve_are_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(curves); i++) {
		struct arena *a = arena_new(0);
		struct why w = why_in(a);
		struct pkey *key = key_of(curves[i].kind);
		struct area p = {0x0023, 0x000b, GOOD, 0x0010, 0x0018, curves[i].id, 0x0010, {0}, {0}};
		uint8_t wide[2][80] = {{0}};

		assert_true(rc_ok(pkey_ec_xy(key, a, &p.x, &p.y, &w)));
		for (int form = 0; form < 4; form++) {
			struct tpm_key k;

			if (form == 2)
				p.scheme = 0x0010;	/* none of its own */
			if (form == 3) {	/* leading zeros say nothing */
				memcpy(wide[0] + 10, p.x.p, p.x.n);
				memcpy(wide[1] + 10, p.y.p, p.y.n);
				p.x = slice_of(wide[0], p.x.n + 10);
				p.y = slice_of(wide[1], p.y.n + 10);
			}
			if (!rc_ok(tpm_key_parse(form == 1 ? in_2b(a, ecc(a, &p)) : ecc(a, &p), a, &words, &k, &w)))
				fail_msg("%s", why_text(&w));
			assert_true(k.has_public && pkey_same(k.key, key));
			assert_int_equal(k.attributes, GOOD);
			tpm_key_free(&k);
		}
		pkey_free(key);
		arena_free(a);
	}
}

static void a_key_with_one_field_bent_is_refused(void **state)
{
	static const uint8_t longer[67] = {1};
	static const struct area good = {0x0023, 0x000b, GOOD, 0x0010, 0x0018, 3, 0x0010, {0}, {0}};
	struct arena *a = arena_new(0);
	struct pkey *key = key_of(KEY_P256);
	struct area bent[14];
	struct slice x, y;

	(void)state;
	assert_true(rc_ok(pkey_ec_xy(key, a, &x, &y, NULL)));
	for (size_t i = 0; i < COUNT_OF(bent); i++) {
		bent[i] = good;
		bent[i].x = x;
		bent[i].y = y;
	}
	bent[0].type = 0x0008;		/* a keyed hash */
	bent[1].name_alg = 0x0010;
	bent[2].attributes = GOOD & ~TPM_FIXED_TPM;
	bent[3].attributes = GOOD & ~TPM_RESTRICTED;
	bent[4].attributes = GOOD & ~TPM_SIGN;
	bent[5].attributes = GOOD | TPM_DECRYPT;
	bent[6].symmetric = 0x0006;
	bent[7].scheme = 0x001a;	/* anonymous */
	bent[8].curve = 0x0020;
	bent[9].kdf = 0x0020;
	bent[10].x = slice_of(longer, 33);
	bent[11].y = slice_of(longer, 33);
	bent[12].x = y;		/* no point of the curve */
	bent[13].curve = 4;
	for (size_t i = 0; i < COUNT_OF(bent); i++) {
		struct why w = why_in(a);
		struct tpm_key k = {0};

		/* with its length before it: any type is read as an area then */
		if (rc_ok(tpm_key_parse(in_2b(a, ecc(a, &bent[i])), a, &words, &k, &w)))
			fail_msg("row %zu is taken", i);
		assert_false(why_empty(&w));
		assert_null(k.key);
	}
	pkey_free(key);
	arena_free(a);
}

static void what_is_no_key_is_refused(void **state)
{
	static const char *const bad[] = {"", "123", "\1\2\3\4", "0123456789", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"};
	struct arena *a = arena_new(0);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct why w = why_in(a);
		struct tpm_key k = {0};

		assert_int_equal(tpm_key_parse(slice_cstr(bad[i]), a, &words, &k, &w).code, E_MALFORMED);
		assert_string_equal(why_reason(&w), "t.parse");
	}
	arena_free(a);
}

static void a_key_in_pem_or_der_is_read_as_it_is(void **state)
{
	struct arena *a = arena_new(0);
	struct pkey *key = key_of(KEY_P256);
	struct slice spki;
	struct tpm_key k;
	char *pem;

	(void)state;
	assert_true(rc_ok(pkey_to_spki(key, a, &spki, NULL)));
	assert_true(rc_ok(tpm_key_parse(spki, a, &words, &k, NULL)));
	assert_true(!k.has_public && pkey_same(k.key, key));
	tpm_key_free(&k);
	pem = arena_printf(a, "-----BEGIN PUBLIC KEY-----\n" SLICE_FMT "\n-----END PUBLIC KEY-----\n", SLICE_ARG(b64_text(a, B64_STD, spki)));
	for (int i = 0; i < 4; i++) {	/* with whatever stands around it */
		static const char *const around[4][2] = {{"", ""}, {"\n\n", ""}, {"Public-Key: (256 bit)\n", "\n \n"}, {"# key\r\n", "text"}};

		assert_true(rc_ok(tpm_key_parse(slice_cstr(arena_printf(a, "%s%s%s", around[i][0], pem, around[i][1])), a, &words, &k, NULL)));
		assert_true(!k.has_public && pkey_same(k.key, key));
		tpm_key_free(&k);
	}
	pkey_free(key);
	arena_free(a);
}

/* ---- TPMT_SIGNATURE ---- */

static struct slice signature(struct arena *a, uint16_t scheme, uint16_t hash, struct slice r, struct slice s)
{
	struct buf b = buf_in(a, 0);

	buf_be16(&b, scheme);
	buf_be16(&b, hash);
	put_sized(&b, r);
	if (scheme == 0x0018)
		put_sized(&b, s);
	return buf_view(&b);
}

static void only_hashes_without_known_collisions_count(void **state)
{
	static const struct {
		uint16_t scheme, hash;
		enum rc_code code;
	} rows[] = {
		{0x0018, 0x000b, OK}, {0x0014, 0x000c, OK}, {0x0016, 0x000d, OK}, {0x0018, 0x0004, E_DENIED}, {0x0014, 0x0012, E_DENIED},
		{0x0014, 0x0027, E_DENIED}, {0x001a, 0x000b, E_MALFORMED}, {0x0010, 0x000b, E_MALFORMED},
	};
	struct arena *a = arena_new(0);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct why w = why_in(a);
		struct tpm_signature s;

		assert_int_equal(tpm_signature_parse(signature(a, rows[i].scheme, rows[i].hash, SLICE_LIT("r"), SLICE_LIT("s")), &words, &s, &w).code,
				 rows[i].code);
		if (rows[i].code != OK)
			assert_string_equal(why_reason(&w), rows[i].code == E_DENIED ? "t.signature" : "t.parse");
		else
			assert_string_not_equal(tpm_scheme_name(s.scheme), "unknown");
	}
	arena_free(a);
}

static void r_and_s_count_with_zeros_before_them_or_without(void **state)
{
	static const uint8_t zeros[200], ones[200] = {1};
	const struct slice message = SLICE_LIT("what was quoted");

	(void)state;
	for (size_t i = 0; i < COUNT_OF(curves); i++) {
		static const enum sig_alg algs[] = {SIG_ES256, SIG_ES384, SIG_ES512};
		static const enum digest_alg hashes[] = {DIGEST_SHA256, DIGEST_SHA384, DIGEST_SHA512};
		struct arena *a = arena_new(0);
		struct pkey *key = key_of(curves[i].kind);
		struct slice raw;
		struct tpm_signature s = {.scheme = TPM_ECDSA, .hash = hashes[i]};
		struct buf r = buf_in(a, 0), t = buf_in(a, 0);

		assert_true(rc_ok(pkey_sign(key, algs[i], message, a, &raw, NULL)));
		s.r = slice_sub(raw, 0, raw.n / 2);
		s.s = slice_sub(raw, raw.n / 2, raw.n);
		assert_true(rc_ok(tpm_signature_check(&s, key, message, a, &words, NULL)));
		buf_put(&r, zeros, 5);
		buf_slice(&r, s.r);
		buf_put(&t, zeros, 60);
		buf_slice(&t, s.s);
		s.r = buf_view(&r);
		s.s = buf_view(&t);
		assert_true(rc_ok(tpm_signature_check(&s, key, message, a, &words, NULL)));
		assert_int_equal(tpm_signature_check(&s, key, SLICE_LIT("another"), a, &words, NULL).code, E_DENIED);
		s.r = slice_of(ones, 128);
		assert_int_equal(tpm_signature_check(&s, key, message, a, &words, NULL).code, E_DENIED);
		s.r = slice_of(zeros, 128);	/* nothing is left of it */
		assert_int_equal(tpm_signature_check(&s, key, message, a, &words, NULL).code, E_DENIED);
		s.r = buf_view(&r);
		s.s = slice_of(ones, 128);
		assert_int_equal(tpm_signature_check(&s, key, message, a, &words, NULL).code, E_DENIED);
		pkey_free(key);
		arena_free(a);
	}
}

static void a_signature_of_another_kind_of_key_is_refused(void **state)
{
	static const enum key_kind kinds[] = {KEY_P256, KEY_RSA, KEY_ED25519};
	struct arena *a = arena_new(0);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		struct pkey *key = key_of(kinds[i]);
		const struct tpm_signature rsa = {.scheme = TPM_RSASSA, .hash = DIGEST_SHA256, .rsa = SLICE_LIT("x")};
		const struct tpm_signature ec = {.scheme = TPM_ECDSA, .hash = DIGEST_SHA256, .r = SLICE_LIT("x"), .s = SLICE_LIT("y")};
		struct why w = why_in(a);

		assert_int_equal(tpm_signature_check(&rsa, key, SLICE_LIT("m"), a, &words, &w).code, E_DENIED);
		assert_string_equal(why_reason(&w), "t.signature");
		assert_int_equal(tpm_signature_check(&ec, key, SLICE_LIT("m"), a, &words, NULL).code, E_DENIED);
		pkey_free(key);
	}
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_of_every_curve_are_read),
		cmocka_unit_test(a_key_with_one_field_bent_is_refused),
		cmocka_unit_test(what_is_no_key_is_refused),
		cmocka_unit_test(a_key_in_pem_or_der_is_read_as_it_is),
		cmocka_unit_test(only_hashes_without_known_collisions_count),
		cmocka_unit_test(r_and_s_count_with_zeros_before_them_or_without),
		cmocka_unit_test(a_signature_of_another_kind_of_key_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
