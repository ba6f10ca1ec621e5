#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/test_pace.h"
#include "codec/base64.h"
#include "crypto/cose/cose.h"

static struct slice hex(struct arena *a, const char *text)
{
	struct slice out = {0};

	assert_true(rc_ok(hex_decode(a, slice_cstr(text), &out, "test", NULL)));
	return out;
}

/* A message signed with a fresh key: protected {1: alg}, payload "payload". */
static struct slice make(struct arena *a, const struct pkey *key, enum sig_alg how, int64_t alg, struct slice external)
{
	struct buf hdr = buf_in(a, 0), b = buf_in(a, 0);
	struct slice sig = {0};

	cbor_put_map(&hdr, 1);
	cbor_put_uint(&hdr, 1);
	cbor_put_int(&hdr, alg);
	assert_true(rc_ok(pkey_sign(key, how, cose_sig_structure(a, buf_view(&hdr), external, SLICE_LIT("payload")), a, &sig, NULL)));
	cbor_put_tag(&b, COSE_TAG_SIGN1);
	cbor_put_array(&b, 4);
	cbor_put_bytes(&b, buf_view(&hdr));
	cbor_put_map(&b, 0);
	cbor_put_bytes(&b, SLICE_LIT("payload"));
	cbor_put_bytes(&b, sig);
	return buf_view(&b);
}

static void each_algorithm_signs_and_no_flipped_bit_passes(void **state)
{
	static const struct {
		enum key_kind kind;
		enum sig_alg how;
		int64_t alg;
	} row[] = {
		{KEY_P256, SIG_ES256, COSE_ES256}, {KEY_P384, SIG_ES384, COSE_ES384}, {KEY_P521, SIG_ES512, COSE_ES512},
		{KEY_ED25519, SIG_EDDSA, COSE_EDDSA}, {KEY_RSA, SIG_PS384, COSE_PS384},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct arena *a = arena_new(0);
		struct pkey *key = NULL;
		struct slice msg;
		struct arena_mark m;

		assert_true(rc_ok(pkey_generate(row[i].kind, 2048, &key, NULL)));
		msg = make(a, key, row[i].how, row[i].alg, SLICE_LIT("ext"));
		m = arena_mark(a);
		for (size_t bit = 0, all = msg.n * 8, step = test_step(); bit <= all;
		     bit = bit < all && bit + step > all ? all : bit + step) {
			uint8_t *copy = arena_alloc(a, msg.n);
			struct cose_sign1 s;
			bool ok;

			memcpy(copy, msg.p, msg.n);
			if (bit < all)
				copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
			ok = rc_ok(cose_sign1_parse(a, slice_of(copy, msg.n), COSE_TAG_REQUIRED, &s, NULL)) &&
			     rc_ok(cose_sign1_verify(&s, (struct slice){0}, SLICE_LIT("ext"), key, a, "t.signature", NULL));
			if (ok != (bit == all))
				fail_msg("row %zu: bit %zu", i, bit);
			if (ok)
				assert_false(rc_ok(cose_sign1_verify(&s, (struct slice){0}, SLICE_LIT("other"), key, a, "t.signature", NULL)));
			arena_reset(a, m);
		}
		pkey_free(key);
		arena_free(a);
	}
}

static void what_the_structure_forbids_is_refused(void **state)
{
	static const struct {
		const char *in, *reason;
	} row[] = {
		{"d28443a10126a04141", "cbor.syntax"},
		{"d28343a10126a04141", "cose.parse.structure"},
		{"d38443a10126a041414142", "cose.parse.structure"},
		{"8443a10126a041414142", "cose.parse.structure"},	/* no tag where one is required */
		{"d284a10126a041414142", "cose.parse.protected"},
		{"d2844101a041414142", "cose.parse.protected"},
		{"d28443a101268041414142", "cose.parse.unprotected"},
		{"d28443a10126a061414142", "cose.parse.payload"},
		{"d28443a10126a0414140", "cose.parse.signature"},
		{"d28443a10126a041416141", "cose.parse.signature"},
		{"d28440a041414142", "cose.unsupported.algorithm"},
		{"d28440a1012641414142", "cose.unsupported.algorithm"},	/* the algorithm must be protected */
		{"d28443a10100a041414142", "cose.unsupported.algorithm"},
		{"d28443a10105a041414142", "cose.unsupported.algorithm"},	/* a MAC */
		{"d28443a10126a1012641414142", "cose.parse.headers"},
		{"d28446a2012602810aa041414142", "cose.unsupported.critical"},
		{"d28443a10126a102810a41414142", "cose.unsupported.critical"},
		{"d28445a201260126a041414142", "cbor.duplicate"},
	};
	struct arena *a = arena_new(0);

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct why w = why_in(a);
		struct cose_sign1 s;

		assert_false(rc_ok(cose_sign1_parse(a, hex(a, row[i].in), COSE_TAG_REQUIRED, &s, &w)));
		if (strcmp(why_reason(&w), row[i].reason))
			fail_msg("%s: %s, expected %s", row[i].in, why_reason(&w), row[i].reason);
	}
	arena_free(a);
}

/* An empty or absent payload was a crash elsewhere. */
/* CVE-2026-23831: a message without a payload. */
static void a_detached_payload_must_be_given(void **state)
{
	struct arena *a = arena_new(0);
	struct pkey *key = NULL;
	struct cose_sign1 s;
	struct why w = why_in(a);

	(void)state;
	assert_true(rc_ok(pkey_generate(KEY_P256, 0, &key, NULL)));
	assert_true(rc_ok(cose_sign1_parse(a, hex(a, "d28443a10126a0f64142"), COSE_TAG_REQUIRED, &s, NULL)));
	assert_null(s.payload.p);
	assert_false(rc_ok(cose_sign1_verify(&s, (struct slice){0}, (struct slice){0}, key, a, "t.signature", &w)));
	assert_string_equal(why_reason(&w), "cose.parse.payload");
	assert_true(rc_ok(cose_sign1_parse(a, hex(a, "d28443a10126a0404142"), COSE_TAG_REQUIRED, &s, NULL)));
	assert_non_null(s.payload.p);
	why_clear(&w);
	assert_false(rc_ok(cose_sign1_verify(&s, (struct slice){0}, (struct slice){0}, key, a, "t.signature", &w)));
	pkey_free(key);
	arena_free(a);
}

static void an_unprotected_algorithm_counts_only_where_it_is_allowed(void **state)
{
	struct arena *a = arena_new(0);
	struct pkey *key = NULL;
	struct slice sig = {0};
	struct cose_sign1 s;
	struct buf b = buf_in(a, 0);
	struct why w = why_in(a);

	(void)state;
	assert_true(rc_ok(pkey_generate(KEY_P256, 0, &key, NULL)));
	/* an empty map is signed as an empty string, however it is encoded */
	assert_true(rc_ok(pkey_sign(key, SIG_ES256, cose_sig_structure(a, (struct slice){0}, (struct slice){0}, SLICE_LIT("x")), a, &sig,
				    NULL)));
	buf_slice(&b, hex(a, "d28441a0a101264178"));
	cbor_put_bytes(&b, sig);
	assert_false(rc_ok(cose_sign1_parse(a, buf_view(&b), COSE_TAG_REQUIRED, &s, &w)));
	assert_string_equal(why_reason(&w), "cose.unsupported.algorithm");
	assert_true(rc_ok(cose_sign1_parse(a, buf_view(&b), COSE_ALG_UNPROTECTED, &s, NULL)));
	assert_true(rc_ok(cose_sign1_verify(&s, (struct slice){0}, (struct slice){0}, key, a, "t.signature", NULL)));
	pkey_free(key);
	arena_free(a);
}

static void a_key_of_another_kind_is_refused(void **state)
{
	struct arena *a = arena_new(0);
	struct pkey *ec = NULL, *ed = NULL;
	struct cose_sign1 s;
	struct why w = why_in(a);

	(void)state;
	assert_true(rc_ok(pkey_generate(KEY_P256, 0, &ec, NULL)) && rc_ok(pkey_generate(KEY_ED25519, 0, &ed, NULL)));
	assert_true(rc_ok(cose_sign1_parse(a, make(a, ec, SIG_ES256, COSE_ES256, (struct slice){0}), COSE_TAG_REQUIRED, &s, NULL)));
	assert_true(rc_ok(cose_sign1_verify(&s, (struct slice){0}, (struct slice){0}, ec, a, "t.signature", NULL)));
	assert_false(rc_ok(cose_sign1_verify(&s, (struct slice){0}, (struct slice){0}, ed, a, "t.signature", &w)));
	assert_string_equal(why_reason(&w), "cose.unsupported.key");
	pkey_free(ec);
	pkey_free(ed);
	arena_free(a);
}

static void public_keys_are_read_and_points_off_the_curve_refused(void **state)
{
	struct arena *a = arena_new(0);
	struct pkey *key = NULL, *again = NULL;
	struct slice x = {0}, y = {0};
	struct buf b = buf_in(a, 0);
	struct cbor *v;
	uint8_t *bytes;

	(void)state;
	assert_true(rc_ok(pkey_generate(KEY_P384, 0, &key, NULL)) && rc_ok(pkey_ec_xy(key, a, &x, &y, NULL)));
	cbor_put_map(&b, 4);
	cbor_put_uint(&b, 1);
	cbor_put_uint(&b, 2);
	cbor_put_int(&b, -1);
	cbor_put_uint(&b, 2);
	cbor_put_int(&b, -2);
	cbor_put_bytes(&b, x);
	cbor_put_int(&b, -3);
	cbor_put_bytes(&b, y);
	assert_true(rc_ok(cbor_parse(a, buf_view(&b), NULL, &v, NULL)) && rc_ok(cose_key_from(v, &again, NULL)));
	assert_true(pkey_same(key, again));
	pkey_free(again);
	bytes = b.p;
	bytes[b.n - 1] ^= 1;
	assert_true(rc_ok(cbor_parse(a, buf_view(&b), NULL, &v, NULL)));
	assert_false(rc_ok(cose_key_from(v, &again, NULL)));
	pkey_free(key);
	arena_free(a);
}

/* A header that must be understood, and one that says two things, each in a message that is signed over it. */
static void headers_that_must_be_understood_or_contradict_are_refused(void **state)
{
	static const struct {
		const char *protected, *unprotected;	/* CBOR */
		const char *reason;			/* NULL: read */
	} row[] = {
		{"a10126", "a0", NULL},
		{"a10126", "a10442beef", NULL},				/* a key id beside it */
		{"a201260281182a", "a0", "cose.unsupported.critical"},	/* crit: [42] */
		{"a10126", "a10281182a", "cose.unsupported.critical"},
		{"a20126028101", "a0", "cose.unsupported.critical"},	/* of a header that is known */
		{"a10126", "a10126", "cose.parse.headers"},
		{"a10126", "a10122", "cose.parse.headers"},
		{"a2012663616263f6", "a163616263f6", "cose.parse.headers"},	/* a name */
		{"a0", "a10126", "cose.unsupported.algorithm"},		/* an algorithm that is not signed */
		{"a10105", "a0", "cose.unsupported.algorithm"},		/* a MAC */
		{"", "a0", "cose.unsupported.algorithm"},
		{"a201260122", "a0", "cbor.duplicate"},
	};
	struct pkey *key = NULL;

	(void)state;
	assert_true(rc_ok(pkey_generate(KEY_P256, 0, &key, NULL)));
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct arena *a = arena_new(0);
		struct why w = why_in(a);
		struct buf b = buf_in(a, 0), hdr = buf_in(a, 0);
		struct cose_sign1 m;
		struct slice sig;
		rc r;

		buf_slice(&hdr, hex(a, row[i].protected));
		assert_true(rc_ok(pkey_sign(key, SIG_ES256, cose_sig_structure(a, buf_view(&hdr), (struct slice){0}, SLICE_LIT("payload")), a, &sig, NULL)));
		cbor_put_tag(&b, COSE_TAG_SIGN1);
		cbor_put_array(&b, 4);
		cbor_put_bytes(&b, buf_view(&hdr));
		buf_slice(&b, hex(a, row[i].unprotected));
		cbor_put_bytes(&b, SLICE_LIT("payload"));
		cbor_put_bytes(&b, sig);
		r = cose_sign1_parse(a, buf_view(&b), COSE_TAG_REQUIRED, &m, &w);
		if (rc_ok(r) != !row[i].reason || (row[i].reason && strcmp(why_reason(&w), row[i].reason) != 0))
			fail_msg("row %zu: %s (%s)", i, why_reason(&w), why_text(&w));
		arena_free(a);
	}
	pkey_free(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_algorithm_signs_and_no_flipped_bit_passes),
		cmocka_unit_test(what_the_structure_forbids_is_refused),
		cmocka_unit_test(a_detached_payload_must_be_given),
		cmocka_unit_test(an_unprotected_algorithm_counts_only_where_it_is_allowed),
		cmocka_unit_test(a_key_of_another_kind_is_refused),
		cmocka_unit_test(public_keys_are_read_and_points_off_the_curve_refused),
		cmocka_unit_test(headers_that_must_be_understood_or_contradict_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
