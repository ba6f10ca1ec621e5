/* Published messages of the protocol (kbs.md 3.3, kbs-protocol-versions.md 4.5, 6) and what must be refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

#include "base/test_pace.h"
#include "codec/base64.h"
#include "crypto/aead.h"
#include "crypto/crypto_priv.h"
#include "crypto/jose/jwe_priv.h"
#include "crypto/jose/jwk.h"
#include "crypto/jose/jws.h"
#include "crypto/kdf.h"

/* The private key whose scalar is the 16-byte integer 0x1111...11 or 0x2222...22. */
static struct pkey *scalar_key(const char *group, uint8_t fill)
{
	uint8_t d[16], pub[200];
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EC_GROUP *g = EC_GROUP_new_by_curve_name(OBJ_txt2nid(group));
	EC_POINT *p = EC_POINT_new(g);
	EVP_PKEY *evp = NULL;
	struct pkey *k;
	BIGNUM *bn;
	size_t n;

	memset(d, fill, sizeof(d));
	bn = BN_bin2bn(d, sizeof(d), NULL);
	assert_int_equal(EC_POINT_mul(g, p, bn, NULL, NULL, NULL), 1);
	n = EC_POINT_point2oct(g, p, POINT_CONVERSION_UNCOMPRESSED, pub, sizeof(pub), NULL);
	OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, group, 0);
	OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, pub, n);
	OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PRIV_KEY, bn);
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
	assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
	assert_int_equal(EVP_PKEY_fromdata(ctx, &evp, EVP_PKEY_KEYPAIR, params), 1);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	EVP_PKEY_CTX_free(ctx);
	EC_POINT_free(p);
	EC_GROUP_free(g);
	BN_free(bn);
	assert_true(rc_ok(pkey_wrap(evp, true, false, &k, NULL)));
	return k;
}

static struct json *parse(struct arena *a, const char *text)
{
	struct json *v;

	assert_true(rc_ok(json_parse(a, slice_cstr(text), NULL, &v, NULL)));
	return v;
}

static struct json *public_of(struct arena *a, const struct pkey *k, const char *alg)
{
	struct json *jwk;

	assert_true(rc_ok(jwk_from_pkey(k, a, &jwk, NULL)));
	json_set(a, jwk, "alg", json_new_cstr(a, alg));
	return jwk;
}

static void the_published_p256_message_is_made_byte_for_byte(void **state)
{
	struct arena *a = arena_new(0);
	struct pkey *tee = scalar_key("prime256v1", 0x11), *eph = scalar_key("prime256v1", 0x22);
	uint8_t iv[12], cek_bytes[32];
	struct jwe_random fixed = {.iv = iv, .ephemeral = eph};
	struct slice out;
	SECRET(cek);
	SECRET(plain);

	(void)state;
	for (uint8_t i = 0; i < 32; i++)
		cek_bytes[i] = i;
	memcpy(iv, cek_bytes, 12);
	assert_true(rc_ok(secret_copy(&cek, slice_of(cek_bytes, 32), NULL)));
	fixed.cek = &cek;
	assert_true(rc_ok(jwe_encrypt_with(public_of(a, tee, "ECDH-ES+A256KW"), SLICE_LIT("hello"), false, false, &fixed, a, &out, NULL)));
	assert_string_equal((const char *)out.p,
			    "{\"protected\":\"eyJhbGciOiJFQ0RILUVTK0EyNTZLVyIsImVuYyI6IkEyNTZHQ00iLCJlcGsiOnsiY3J2IjoiUC0yNTYiLCJrdHkiOiJFQyIs"
			    "IngiOiJRRWV2Q2NVZnBidUtCZjVVNHhPNGZIM2pmWEg5Rk9tcWYyR0pyNE54RWk4IiwieSI6IjdGWTMwSlBzb2JhaUdqaHNKQWFlOVk3M0J2R3BE"
			    "SXQ3RFVYNjQwbGpDWXcifX0\",\"encrypted_key\":\"hWodhWlONH_--wtCNPMi7MFL9Ou2uMGEetEyRoE3CpiRSmZNXFQU2Q\","
			    "\"iv\":\"AAECAwQFBgcICQoL\",\"ciphertext\":\"L2e6d6o\",\"tag\":\"sB21-hbrV90sTW0ZnJDufQ\"}");
	assert_true(rc_ok(jwe_decrypt(tee, out, &plain, NULL)));
	assert_true(secret_eq(secret_view(&plain), SLICE_LIT("hello")));
	pkey_free(tee);
	pkey_free(eph);
	arena_free(a);
}

static void the_concat_kdf_gives_the_published_key(void **state)
{
	uint8_t z_bytes[32], want[32];
	SECRET(z);
	SECRET(out);

	(void)state;
	for (uint8_t i = 0; i < 32; i++)
		z_bytes[i] = i;
	assert_true(rc_ok(secret_copy(&z, slice_of(z_bytes, 32), NULL)));
	assert_true(rc_ok(concat_kdf(&z, SLICE_LIT("ECDH-ES+A256KW"), 32, &out, NULL)));
	assert_true(rc_ok(hex_decode_into(SLICE_LIT("ead36a3ab953bb6e5a6709471c0fd35fcc62cf920994cede2f3aa2544e9f47ac"), want, 32, "t", NULL)));
	assert_memory_equal(out.p, want, 32);
}

static void hkdf_gives_the_rfc_5869_vector(void **state)
{
	struct arena *a = arena_new(0);
	struct slice ikm, salt, info;
	SECRET(key);
	SECRET(out);

	(void)state;
	assert_true(rc_ok(hex_decode(a, SLICE_LIT("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"), &ikm, "t", NULL)));
	assert_true(rc_ok(hex_decode(a, SLICE_LIT("000102030405060708090a0b0c"), &salt, "t", NULL)));
	assert_true(rc_ok(hex_decode(a, SLICE_LIT("f0f1f2f3f4f5f6f7f8f9"), &info, "t", NULL)));
	assert_true(rc_ok(secret_copy(&key, ikm, NULL)));
	assert_true(rc_ok(hkdf_sha256(&key, salt, info, 42, &out, NULL)));
	assert_string_equal(hex_text(a, secret_view(&out)),
			    "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
	arena_free(a);
}

static void every_key_kind_round_trips_and_a_changed_message_does_not_open(void **state)
{
	static const struct {
		enum key_kind kind;
		const char *alg;
	} row[] = {{KEY_P256, "ECDH-ES+A256KW"}, {KEY_P384, "ECDH-ES+A256KW"}, {KEY_P521, "ECDH-ES+A256KW"}, {KEY_RSA, "RSA-OAEP-256"}};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct arena *a = arena_new(0);
		struct pkey *k, *other;
		struct slice out;
		SECRET(plain);

		assert_true(rc_ok(pkey_generate(row[i].kind, 2048, &k, NULL)));
		assert_true(rc_ok(pkey_generate(row[i].kind, 2048, &other, NULL)));
		assert_true(rc_ok(jwe_encrypt(public_of(a, k, row[i].alg), SLICE_LIT("secret"), false, false, a, &out, NULL)));
		assert_true(rc_ok(jwe_decrypt(k, out, &plain, NULL)));
		assert_true(secret_eq(secret_view(&plain), SLICE_LIT("secret")));
		assert_false(rc_ok(jwe_decrypt(other, out, &plain, NULL)));
		for (size_t at = 0; at < out.n; at += 7 * test_step()) {
			struct slice bad = arena_dup(a, out);
			uint8_t *p = (uint8_t *)(uintptr_t)bad.p;
			SECRET(none);

			p[at] = p[at] == 'A' ? 'B' : 'A';
			assert_false(rc_ok(jwe_decrypt(k, bad, &none, NULL)));
			assert_null(none.p);
		}
		pkey_free(k);
		pkey_free(other);
		arena_free(a);
	}
}

static void keys_without_an_allowed_algorithm_are_refused(void **state)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct pkey *rsa, *ec, *ed;
	struct slice out;

	(void)state;
	assert_true(rc_ok(pkey_generate(KEY_RSA, 2048, &rsa, NULL)));
	assert_true(rc_ok(pkey_generate(KEY_P256, 0, &ec, NULL)));
	assert_true(rc_ok(pkey_generate(KEY_ED25519, 0, &ed, NULL)));
	assert_int_equal(jwe_encrypt(public_of(a, rsa, "RSA1_5"), SLICE_LIT("x"), false, false, a, &out, &w).code, E_UNSUPPORTED);
	assert_int_equal(jwe_encrypt(public_of(a, rsa, "RSA-OAEP"), SLICE_LIT("x"), false, true, a, &out, &w).code, E_UNSUPPORTED);
	assert_int_equal(jwe_encrypt(public_of(a, ec, "RSA1_5"), SLICE_LIT("x"), false, true, a, &out, &w).code, E_UNSUPPORTED);
	assert_int_equal(jwe_encrypt(public_of(a, ed, "ECDH-ES+A256KW"), SLICE_LIT("x"), false, false, a, &out, &w).code, E_UNSUPPORTED);
	assert_true(rc_ok(jwe_encrypt(public_of(a, rsa, "RSA1_5"), SLICE_LIT("x"), true, true, a, &out, &w)));
	pkey_free(rsa);
	pkey_free(ec);
	pkey_free(ed);
	arena_free(a);
}

static void a_point_off_the_curve_is_no_key(void **state)
{
	struct arena *a = arena_new(0);
	struct pkey *k;

	(void)state;
	assert_false(rc_ok(jwk_to_pkey(parse(a, "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\",\"y\":"
					       "\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\"}"), &k, NULL)));
	assert_false(rc_ok(jwk_to_pkey(parse(a, "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"}"), &k, NULL)));
	assert_false(rc_ok(jwk_to_pkey(parse(a, "{\"kty\":\"oct\",\"k\":\"AA\"}"), &k, NULL)));
	assert_false(rc_ok(jwk_to_pkey(parse(a, "{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQ\"}"), &k, NULL)));
	arena_free(a);
}

static void signatures_verify_for_their_key_algorithm_and_text_only(void **state)
{
	static const struct {
		enum key_kind kind;
		enum sig_alg alg;
	} row[] = {{KEY_P256, SIG_ES256}, {KEY_P384, SIG_ES384}, {KEY_P521, SIG_ES512}, {KEY_RSA, SIG_RS256}, {KEY_RSA, SIG_PS384},
		   {KEY_ED25519, SIG_EDDSA}};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct arena *a = arena_new(0);
		struct why w = why_in(a);
		struct json *payload;
		struct pkey *k, *other;
		struct slice text, bad;

		assert_true(rc_ok(pkey_generate(row[i].kind, 2048, &k, NULL)));
		assert_true(rc_ok(pkey_generate(row[i].kind, 2048, &other, NULL)));
		assert_true(rc_ok(jws_sign(k, row[i].alg, NULL, SLICE_LIT("{\"a\":1}"), a, &text, &w)));
		assert_true(rc_ok(jws_verify_json(text, k, row[i].alg, a, &payload, &w)));
		assert_int_equal(jws_verify_json(text, other, row[i].alg, a, &payload, &w).code, E_DENIED);
		assert_string_equal(why_reason(&w), "jws.signature");
		for (size_t at = 0; at < text.n; at += 5 * test_step()) {
			bad = arena_dup(a, text);
			((uint8_t *)(uintptr_t)bad.p)[at] ^= 1;
			assert_false(rc_ok(jws_verify_json(bad, k, row[i].alg, a, &payload, &w)));
		}
		for (size_t n = 0; n < text.n; n += test_step())
			assert_false(rc_ok(jws_verify_json(slice_sub(text, 0, n), k, row[i].alg, a, &payload, &w)));
		pkey_free(k);
		pkey_free(other);
		arena_free(a);
	}
}

static void headers_cannot_choose(void **state)
{
	static const struct {
		const char *header, *reason;
	} row[] = {{"{\"alg\":\"none\"}", "jws.alg"}, {"{\"alg\":\"HS256\"}", "jws.alg"}, {"{\"alg\":\"ES256\",\"crit\":[\"x\"]}", "jws.crit"},
		   {"{\"alg\":\"ES256\",\"alg\":\"none\"}", "json.duplicate"}, {"{}", "json.member"}, {"[]", "json.member"},
		   {"{\"alg\":\"RS256\"}", "jws.alg"}, {"{\"alg\":1}", "json.member"}};
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct json *payload;
	struct pkey *k;

	(void)state;
	assert_true(rc_ok(pkey_generate(KEY_P256, 0, &k, NULL)));
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct buf b = buf_in(a, 0);

		b64_write(&b, B64_URL, slice_cstr(row[i].header));
		buf_puts(&b, ".e30.");
		for (int n = 0; n < 86; n++)
			buf_putc(&b, 'A');
		assert_false(rc_ok(jws_verify_json(buf_view(&b), k, SIG_ES256, a, &payload, &w)));
		assert_string_equal(why_reason(&w), row[i].reason);
	}
	pkey_free(k);
	arena_free(a);
}

static void registered_claims_are_checked_and_typed_advisory_cve_2026_25537(void **state)
{
	static const struct {
		const char *claims, *reason;
	} row[] = {
		{"{\"exp\":1000}", "none"}, {"{\"exp\":940}", "none"}, {"{\"exp\":939}", "jwt.expired"}, {"{}", "jwt.expired"},
		{"{\"exp\":\"1000\"}", "jwt.claims"}, {"{\"exp\":null}", "jwt.claims"}, {"{\"exp\":[1000]}", "jwt.claims"}, {"{\"exp\":1e300}", "jwt.claims"},
		{"{\"exp\":2000,\"nbf\":1060}", "none"}, {"{\"exp\":2000,\"nbf\":1061}", "jwt.not-yet"}, {"{\"exp\":2000,\"nbf\":\"0\"}", "jwt.claims"},
		{"{\"exp\":2000,\"iat\":true}", "jwt.claims"}, {"{\"exp\":2000,\"iss\":1}", "jwt.claims"}, {"{\"exp\":2000,\"aud\":{}}", "jwt.claims"},
	};
	struct jwt_rules rules = {.now_s = 1000, .leeway_s = 60, .require_exp = true};
	struct arena *a = arena_new(0);

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct why w = why_in(a);

		(void)jwt_check(parse(a, row[i].claims), &rules, &w).code;
		assert_string_equal(why_reason(&w), row[i].reason);
	}
	rules.issuer = "i";
	rules.audience = "a";
	assert_true(rc_ok(jwt_check(parse(a, "{\"exp\":2000,\"iss\":\"i\",\"aud\":\"a\"}"), &rules, NULL)));
	assert_true(rc_ok(jwt_check(parse(a, "{\"exp\":2000,\"iss\":\"i\",\"aud\":[\"b\",\"a\"]}"), &rules, NULL)));
	assert_false(rc_ok(jwt_check(parse(a, "{\"exp\":2000,\"iss\":\"i\",\"aud\":[\"b\"]}"), &rules, NULL)));
	assert_false(rc_ok(jwt_check(parse(a, "{\"exp\":2000,\"iss\":\"i\"}"), &rules, NULL)));
	assert_false(rc_ok(jwt_check(parse(a, "{\"exp\":2000,\"iss\":\"x\",\"aud\":\"a\"}"), &rules, NULL)));
	arena_free(a);
}

static void the_rfc_7638_thumbprint(void **state)
{
	struct arena *a = arena_new(0);
	struct slice t;

	(void)state;
	assert_true(rc_ok(jwk_thumbprint(
		parse(a, "{\"kty\":\"RSA\",\"n\":\"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWK"
			 "RXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d"
			 "0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kE"
			 "gU8awapJzKnqDKgw\",\"e\":\"AQAB\",\"alg\":\"RS256\",\"kid\":\"2011-04-29\"}"), a, &t, NULL)));
	assert_true(slice_is(t, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"));
	arena_free(a);
}

static void sealed_texts_open_whole_or_not_at_all(void **state)
{
	uint8_t nonce[12] = {1}, out[64], back[64];
	SECRET(key);

	(void)state;
	assert_true(rc_ok(secret_random(&key, 32, NULL)));
	assert_true(rc_ok(aead_seal(&key, nonce, SLICE_LIT("aad"), SLICE_LIT("text"), out, NULL)));
	assert_true(rc_ok(aead_open(&key, nonce, SLICE_LIT("aad"), slice_of(out, 20), back, NULL)));
	assert_memory_equal(back, "text", 4);
	assert_int_equal(aead_open(&key, nonce, SLICE_LIT("aaD"), slice_of(out, 20), back, NULL).code, E_DENIED);
	for (size_t n = 0; n < 20; n++)
		assert_int_equal(aead_open(&key, nonce, SLICE_LIT("aad"), slice_of(out, n), back, NULL).code, E_DENIED);
	for (size_t i = 0; i < 20; i++) {
		out[i] ^= 1;
		assert_int_equal(aead_open(&key, nonce, SLICE_LIT("aad"), slice_of(out, 20), back, NULL).code, E_DENIED);
		out[i] ^= 1;
	}
}

/* RFC 7518 3.3: 2048 bits at least, whoever vouches for the key. */
static void a_short_rsa_key_signs_nothing_and_keeps_no_secret(void **state)
{
	static const size_t bits[] = {1024, 1536, 2048};
	const struct slice msg = SLICE_LIT("message");

	(void)state;
	for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++) {
		EVP_PKEY *evp = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", bits[i]);
		struct arena *a = arena_new(0);
		struct why w = why_in(a);
		EVP_MD_CTX *c = EVP_MD_CTX_new();
		unsigned char *spki = NULL;
		int n = i2d_PUBKEY(evp, &spki);
		struct pkey *k = NULL;
		uint8_t sig[512];
		size_t sig_n = sizeof(sig);
		rc r;

		assert_true(n > 0 && rc_ok(pkey_from_spki(slice_of(spki, (size_t)n), &k, NULL)));
		assert_int_equal(EVP_DigestSignInit(c, NULL, EVP_sha256(), NULL, evp), 1);
		assert_int_equal(EVP_DigestSign(c, sig, &sig_n, msg.p, msg.n), 1);
		r = pkey_verify(k, SIG_RS256, msg, slice_of(sig, sig_n), "t.signature", &w);
		assert_int_equal(r.code, bits[i] < 2048 ? E_DENIED : OK);
		if (bits[i] < 2048)
			assert_string_equal(why_reason(&w), "t.signature");
		r = pkey_verify_hash(k, DIGEST_SHA256, false, msg, slice_of(sig, sig_n), "t.signature", &w);
		assert_int_equal(r.code, bits[i] < 2048 ? E_DENIED : OK);
		/* and no secret is wrapped for it */
		for (int legacy = 0; legacy < 2; legacy++) {
			struct slice out;

			r = jwe_encrypt(public_of(a, k, legacy ? "RSA1_5" : "RSA-OAEP-256"), msg, false, legacy, a, &out, &w);
			assert_int_equal(r.code, bits[i] < 2048 ? E_UNSUPPORTED : OK);
		}
		pkey_free(k);
		EVP_MD_CTX_free(c);
		OPENSSL_free(spki);
		EVP_PKEY_free(evp);
		arena_free(a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_published_p256_message_is_made_byte_for_byte),
		cmocka_unit_test(the_concat_kdf_gives_the_published_key),
		cmocka_unit_test(hkdf_gives_the_rfc_5869_vector),
		cmocka_unit_test(every_key_kind_round_trips_and_a_changed_message_does_not_open),
		cmocka_unit_test(keys_without_an_allowed_algorithm_are_refused),
		cmocka_unit_test(a_point_off_the_curve_is_no_key),
		cmocka_unit_test(signatures_verify_for_their_key_algorithm_and_text_only),
		cmocka_unit_test(a_short_rsa_key_signs_nothing_and_keeps_no_secret),
		cmocka_unit_test(headers_cannot_choose),
		cmocka_unit_test(registered_claims_are_checked_and_typed_advisory_cve_2026_25537),
		cmocka_unit_test(the_rfc_7638_thumbprint),
		cmocka_unit_test(sealed_texts_open_whole_or_not_at_all),
	};

	return cmocka_run_group_tests_name("jose", tests, NULL, NULL);
}
