/* The worked exchange of each protocol version (kbs.md 2.5, kbs-protocol-versions.md 4.5 to 8), and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "codec/base64.h"
#include "kbs/rcar.h"

#define NONCE "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define MOD_URL                                                                                                              \
	"tteO1GO0MRX46Tfl4vu_PsXviZMgUSisk6oe_f6xbB-XDIqRBU6PmA0MzAoG0K7FWNHThjVLJP_uvIdEioozIhMJFi6cUgAUhcSaUVSUFNkdVAdS_"  \
	"-2fu4I4d8AZTF5QR71nUt5sq4eQDMsiAso9XPPGnJRKpORNZef1oPNmZJk"
#define MOD_STD                                                                                                              \
	"tteO1GO0MRX46Tfl4vu/PsXviZMgUSisk6oe/f6xbB+XDIqRBU6PmA0MzAoG0K7FWNHThjVLJP/uvIdEioozIhMJFi6cUgAUhcSaUVSUFNkdVAdS/"  \
	"+2fu4I4d8AZTF5QR71nUt5sq4eQDMsiAso9XPPGnJRKpORNZef1oPNmZJk="
#define EC_KEY                                                                                                               \
	"{\"kty\":\"EC\",\"crv\":\"P-256\",\"alg\":\"ECDH-ES+A256KW\",\"x\":\"IJOPF7JtAIvbkjwHy3k4ETq0LNoXNjGRN1pDi5RXNoQ\"," \
	"\"y\":\"3Zd9YjtaJDt0oRRoAmkq09fD2jectqtHVK0jAfON3z4\"}"
#define RSA_KEY "{\"kty\":\"RSA\",\"alg\":\"RSA1_5\",\"n\":\"" MOD_URL "\",\"e\":\"AQAB\"}"
#define DEVICE_TEXT                                                                                                          \
	"{\\\"sampledevice\\\":{\\\"svn\\\":\\\"2\\\",\\\"report_data\\\":\\\"hgexyK0YoDGsHVM7BsOfYjJJusSM0FJNt4mbM7BwHO9I1iXLxE"   \
	"xBzDzv7fsV/m/I\\\"}}"

static const char concat_12[] = "905ce8f747d5db63934517517cac329689c9ce85583784b3c54cabecaee15f29a42cabe01f4a970df58d4fd85b322b7c";
static const char concat_3[] = "c821ea6e522dccfbb2c362cd55525480bd2da4c1b12fbd3afa4d9ab943b756e62b350c2e272ea4d9e58b8683881bb7c7";
static const char sorted_rsa[] = "0a21af8a964ecae94f02b490f759cfcc86d3d41a497360a0f24e40b8c323af1528817480fc0a4f59fb3a7f8c6effa79d";
static const char device_ec[] = "8607b1c8ad18a031ac1d533b06c39f623249bac48cd0524db7899b33b0701cef48d625cbc44c41cc3cefedfb15fe6fc8";
static const char primary_ec[] = "6229750a5f5538e1ad537889741775f7991ac02669b2edd3a441d6c4b95a18c1cf24702d6a0779d97f0bf2bf0bce55a8";
static const char primary_dev[] = "f0ae492dfd8293557c4e1122e8bc3123859c797a8151bf1cc756badbac13bd266941fe0049d1e08ac5619cb6e84c5b0e";

struct exchange {
	enum rcar_version version;
	const char *body;
	const char *digests[2];
	unsigned items;
	const char *hash;
};

static const struct exchange exchanges[] = {
	{RCAR_010, "{\"tee-pubkey\":{\"alg\":\"RSA1_5\",\"k-mod\":\"" MOD_STD "\",\"k-exp\":\"AQAB\"},\"tee-evidence\":\"{}\"}",
	 {concat_12}, 1, NULL},
	{RCAR_010, "{\"tee-pubkey\":{\"alg\":\"RSA1_5\",\"n\":\"" MOD_STD "\",\"e\":\"AQAB\"},\"tee-evidence\":\"{}\"}", {concat_12}, 1,
	 NULL},
	{RCAR_010, "{\"tee-pubkey\":" RSA_KEY ",\"tee-evidence\":\"{\\\"svn\\\":\\\"1\\\"}\"}", {concat_3, sorted_rsa}, 1, NULL},
	{RCAR_011, "{\"tee-pubkey\":" RSA_KEY ",\"tee-evidence\":{\"svn\":\"1\"}}", {sorted_rsa}, 1, NULL},
	{RCAR_020, "{\"tee-pubkey\":" EC_KEY ",\"tee-evidence\":{\"svn\":\"1\"}}", {device_ec}, 1, NULL},
	{RCAR_020, "{\"tee-pubkey\":" EC_KEY ",\"tee-evidence\":{\"svn\":\"1\"}}",
	 {"f843b839214f947d2bdd4c5d9973ab04fc74a6f8cae3331c239c8f0ce7d0388c"}, 1, "sha256"},
	{RCAR_030, "{\"tee-pubkey\":" EC_KEY ",\"tee-evidence\":{\"primary_evidence\":{\"svn\":\"1\"},\"additional_evidence\":\"\"}}",
	 {primary_ec}, 1, NULL},
	{RCAR_040,
	 "{\"init-data\":null,\"runtime-data\":{\"nonce\":\"" NONCE "\",\"tee-pubkey\":" EC_KEY
	 "},\"tee-evidence\":{\"primary_evidence\":{\"svn\":\"1\"},\"additional_evidence\":\"\"}}",
	 {primary_ec}, 1, NULL},
	{RCAR_040,
	 "{\"runtime-data\":{\"nonce\":\"" NONCE "\",\"tee-pubkey\":" EC_KEY
	 "},\"tee-evidence\":{\"primary_evidence\":{\"svn\":\"1\"},\"additional_evidence\":\"" DEVICE_TEXT "\"}}",
	 {primary_dev}, 2, NULL},
};

static rc parse(struct arena *a, const struct exchange *e, struct rcar_attestation *at, struct why *w)
{
	return rcar_parse_attestation(a, slice_cstr(e->body), e->version, "sample", SLICE_LIT(NONCE),
				      e->hash ? digest_by_name(slice_cstr(e->hash)) : 0, true, at, w);
}

static void each_version_binds_as_its_worked_exchange(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(exchanges) / sizeof(exchanges[0]); i++) {
		const struct exchange *e = &exchanges[i];
		struct arena *a = arena_new(0);
		struct why w = why_in(a);
		struct rcar_attestation at;

		if (!rc_ok(parse(a, e, &at, &w)))
			fail_msg("exchange %zu: %s", i, why_text(&w));
		assert_int_equal(at.items_n, e->items);
		assert_int_equal(at.items[0].digest_n, e->digests[1] ? 2 : 1);
		for (unsigned k = 0; k < at.items[0].digest_n; k++)
			assert_string_equal(hex_text(a, at.items[0].digest[k]), e->digests[k]);
		if (e->items == 2) {
			assert_string_equal(at.items[1].tee, "sampledevice");
			assert_string_equal(hex_text(a, at.items[1].digest[0]), device_ec);
		}
		assert_true(slice_is(json_get(at.tee_pubkey, "kty")->text, e->version <= RCAR_011 ? "RSA" : "EC"));
		if (e->version == RCAR_010)
			assert_true(slice_is(json_get(at.tee_pubkey, "n")->text, MOD_URL));
		arena_free(a);
	}
}

static void unknown_key_members_do_not_change_the_binding(void **state)
{
	struct arena *a = arena_new(0);
	struct exchange e = exchanges[7];
	struct rcar_attestation at;

	(void)state;
	e.body = "{\"runtime-data\":{\"x\":1,\"nonce\":\"" NONCE "\",\"tee-pubkey\":{\"use\":\"enc\",\"crv\":\"P-256\",\"kty\":\"EC\","
		 "\"y\":\"3Zd9YjtaJDt0oRRoAmkq09fD2jectqtHVK0jAfON3z4\",\"alg\":\"ECDH-ES+A256KW\","
		 "\"x\":\"IJOPF7JtAIvbkjwHy3k4ETq0LNoXNjGRN1pDi5RXNoQ\"}},"
		 "\"tee-evidence\":{\"primary_evidence\":{},\"additional_evidence\":\"\"}}";
	assert_true(rc_ok(parse(a, &e, &at, NULL)));
	assert_string_equal(hex_text(a, at.items[0].digest[0]), primary_ec);
	arena_free(a);
}

static void bad_attestations_are_refused_with_a_reason(void **state)
{
	static const struct {
		enum rcar_version version;
		const char *body, *reason, *text;	/* NULL: any */
	} row[] = {
		{RCAR_040, "", "json.syntax"},
		{RCAR_040, "[]", "json.member", "must be an object, it is array"},
		{RCAR_020, "null", "json.member", "must be an object, it is null"},
		/* each version, without its evidence or its key, or with another kind of thing in their place */
		{RCAR_010, "{\"tee-pubkey\":" RSA_KEY "}", "json.member", "\"tee-evidence\" is absent"},
		{RCAR_011, "{\"tee-pubkey\":" RSA_KEY "}", "json.member", "\"tee-evidence\" is absent"},
		{RCAR_020, "{\"tee-pubkey\":" EC_KEY "}", "json.member", "\"tee-evidence\" is absent"},
		{RCAR_030, "{\"tee-pubkey\":" EC_KEY "}", "json.member", "\"tee-evidence\" is absent"},
		{RCAR_030, "{\"tee-pubkey\":" EC_KEY ",\"tee-evidence\":1}", "json.member", "\"primary_evidence\" is absent"},
		{RCAR_040, "{\"runtime-data\":{\"nonce\":\"" NONCE "\",\"tee-pubkey\":" EC_KEY "}}", "json.member", "\"tee-evidence\" is absent"},
		{RCAR_010, "{\"tee-evidence\":\"{}\"}", "json.member", "\"tee-pubkey\" must be object, it is absent"},
		{RCAR_020, "{\"tee-pubkey\":[],\"tee-evidence\":{}}", "json.member", "\"tee-pubkey\" must be object, it is array"},
		{RCAR_040, "{}", "json.member"},
		{RCAR_040, "{\"runtime-data\":{\"nonce\":1}}", "json.member"},
		{RCAR_040, "{\"runtime-data\":{\"nonce\":\"other\",\"tee-pubkey\":" EC_KEY "},\"tee-evidence\":{}}", "rcar.nonce-mismatch"},
		{RCAR_040, "{\"runtime-data\":{\"nonce\":\"" NONCE "\",\"tee-pubkey\":" EC_KEY "},\"tee-evidence\":{}}", "json.member"},
		{RCAR_040, "{\"runtime-data\":{\"nonce\":\"" NONCE "\",\"tee-pubkey\":\"x\"},\"tee-evidence\":{\"primary_evidence\":1,"
			   "\"additional_evidence\":\"\"}}", "json.member"},
		{RCAR_040, "{\"runtime-data\":{\"nonce\":\"" NONCE "\",\"tee-pubkey\":{\"kty\":\"oct\"}},\"tee-evidence\":{"
			   "\"primary_evidence\":1,\"additional_evidence\":\"\"}}", "rcar.key"},
		{RCAR_040, "{\"runtime-data\":{\"nonce\":\"" NONCE "\",\"tee-pubkey\":" EC_KEY "},\"tee-evidence\":{\"primary_evidence\":1,"
			   "\"additional_evidence\":\"[]\"}}", "rcar.additional"},
		{RCAR_040, "{\"runtime-data\":{\"nonce\":\"" NONCE "\",\"tee-pubkey\":" EC_KEY "},\"tee-evidence\":{\"primary_evidence\":1,"
			   "\"additional_evidence\":\"{\\\"sev\\\":1}\"}}", "rcar.tee"},
		{RCAR_040, "{\"runtime-data\":{\"nonce\":\"" NONCE "\",\"tee-pubkey\":" EC_KEY "},\"tee-evidence\":{\"primary_evidence\":1,"
			   "\"additional_evidence\":\"{\\\"azsnpvtpm\\\":1,\\\"az-snp-vtpm\\\":1}\"}}", "rcar.additional"},
		{RCAR_040, "{\"init-data\":{\"format\":\"json\",\"body\":\"\"},\"runtime-data\":{\"nonce\":\"" NONCE "\",\"tee-pubkey\":"
			   EC_KEY "},\"tee-evidence\":{\"primary_evidence\":1,\"additional_evidence\":\"\"}}", "rcar.init-data"},
		/* a 0.1.0 body on a 0.4.0 challenge, and the other way round */
		{RCAR_040, "{\"tee-pubkey\":" RSA_KEY ",\"tee-evidence\":\"{}\"}", "json.member"},
		{RCAR_010, "{\"tee-pubkey\":" RSA_KEY ",\"tee-evidence\":{}}", "json.member"},
		{RCAR_010, "{\"tee-pubkey\":" RSA_KEY ",\"tee-evidence\":\"not json\"}", "json.syntax"},
		{RCAR_010, "{\"tee-pubkey\":" EC_KEY ",\"tee-evidence\":\"{}\"}", "rcar.key"},
		{RCAR_020, "{\"tee-pubkey\":" RSA_KEY ",\"tee-evidence\":{}}", "rcar.rsa1_5"},
		{RCAR_040, "{\"runtime-data\":{\"nonce\":\"" NONCE "\",\"tee-pubkey\":" RSA_KEY "},\"tee-evidence\":{\"primary_evidence\":1,"
			   "\"additional_evidence\":\"\"}}", "rcar.rsa1_5"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct arena *a = arena_new(0);
		struct why w = why_in(a);
		struct rcar_attestation at;

		assert_false(rc_ok(rcar_parse_attestation(a, slice_cstr(row[i].body), row[i].version, "sample", SLICE_LIT(NONCE), 0,
							  true, &at, &w)));
		if (strcmp(why_reason(&w), row[i].reason) != 0)
			fail_msg("row %zu: %s, expected %s", i, why_reason(&w), row[i].reason);
		if (row[i].text && !strstr(why_text(&w), row[i].text))
			fail_msg("row %zu: %s, expected %s", i, why_text(&w), row[i].text);
		arena_free(a);
	}
}

/* The binding of 0.1.0 covers no algorithm: whoever is on the way could choose another. */
static void a_key_of_0_1_0_is_for_rsa1_5_alone(void **state)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct rcar_attestation at;

	(void)state;
	assert_int_equal(rcar_parse_attestation(a, SLICE_LIT("{\"tee-pubkey\":{\"kty\":\"RSA\",\"alg\":\"RSA-OAEP-256\",\"n\":\"AQAB\",\"e\":\"AQAB\"},"
						     "\"tee-evidence\":\"{}\"}"),
						RCAR_010, "sample", SLICE_LIT(NONCE), 0, true, &at, &w).code,
			 E_UNSUPPORTED);
	assert_string_equal(why_reason(&w), "rcar.key");
	arena_free(a);
}

/* Sixteen devices, and no seventeenth. */
static void additional_evidence_has_a_limit(void **state)
{
	for (unsigned n = RCAR_ITEMS_MAX - 1; n <= RCAR_ITEMS_MAX; n++) {
		struct arena *a = arena_new(0);
		struct why w = why_in(a);
		struct rcar_attestation at;
		struct buf b = buf_in(a, 0);
		rc r;

		(void)state;
		buf_puts(&b, "{\"runtime-data\":{\"nonce\":\"" NONCE "\",\"tee-pubkey\":" EC_KEY "},\"tee-evidence\":{\"primary_evidence\":1,"
			     "\"additional_evidence\":\"{");
		for (unsigned i = 0; i < n; i++)
			buf_printf(&b, "%s\\\"x-dev%02u\\\":1", i ? "," : "", n - i);	/* not in the order of their names */
		buf_puts(&b, "}\"}}");
		r = rcar_parse_attestation(a, buf_view(&b), RCAR_040, "snp", SLICE_LIT(NONCE), 0, false, &at, &w);
		if (n == RCAR_ITEMS_MAX) {
			assert_int_equal(r.code, E_LIMIT);
			assert_string_equal(why_reason(&w), "rcar.additional");
		} else {
			assert_true(rc_ok(r));
			assert_int_equal(at.items_n, RCAR_ITEMS_MAX);
			for (unsigned i = 2; i < at.items_n; i++)
				assert_true(strcmp(at.items[i - 1].tee, at.items[i].tee) < 0);
		}
		arena_free(a);
	}
}

/* Anybody may send one. */
static void a_request_is_small_and_flat(void **state)
{
	struct arena *a = arena_new(0);
	struct rcar_request q;

	(void)state;
	for (unsigned over = 0; over < 2; over++) {
		struct why w = why_in(a);
		struct buf deep = buf_in(a, 0), wide = buf_in(a, 0), large = buf_in(a, 0);

		buf_puts(&deep, "{\"version\":\"0.4.0\",\"tee\":\"snp\",\"extra-params\":");
		for (unsigned i = 0; i < 15 + over; i++)
			buf_putc(&deep, '[');
		for (unsigned i = 0; i < 15 + over; i++)
			buf_putc(&deep, ']');
		buf_putc(&deep, '}');
		assert_int_equal(rcar_parse_request(a, buf_view(&deep), &q, &w).code, over ? E_LIMIT : OK);
		buf_puts(&wide, "{\"version\":\"0.4.0\",\"tee\":\"snp\",\"extra-params\":[1");
		for (unsigned i = 0; i < 4000 + over * 200; i++)
			buf_puts(&wide, ",1");
		buf_puts(&wide, "]}");
		assert_int_equal(rcar_parse_request(a, buf_view(&wide), &q, &w).code, over ? E_LIMIT : OK);
		buf_puts(&large, "{\"version\":\"0.4.0\",\"tee\":\"snp\",\"extra-params\":\"\"}");
		while (large.n < 65536 + over)
			buf_putc(&large, ' ');
		assert_int_equal(rcar_parse_request(a, buf_view(&large), &q, &w).code, over ? E_LIMIT : OK);
	}
	arena_free(a);
}

static void rsa1_5_needs_the_configuration(void **state)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct rcar_attestation at;

	(void)state;
	assert_int_equal(rcar_parse_attestation(a, slice_cstr(exchanges[3].body), RCAR_011, "sample", SLICE_LIT(NONCE), 0, false, &at,
						&w).code,
			 E_UNSUPPORTED);
	assert_string_equal(why_reason(&w), "rcar.rsa1_5");
	arena_free(a);
}

static void requests_name_a_version_and_a_tee(void **state)
{
	static const struct {
		const char *version;
		int want;	/* 0: refused */
	} row[] = {{"0.4.0", RCAR_040}, {"0.4.0+x.1", RCAR_040}, {"0.3.0", RCAR_030}, {"0.2.0", RCAR_020}, {"0.1.1", RCAR_011},
		   {"0.1.0", RCAR_010}, {"0.0.0", RCAR_010}, {"0.4.0-rc1", 0}, {"0.4.1", 0}, {"0.5.0", 0}, {"1.4.0", 0}, {"0.1.2", 0},
		   {"00.4.0", 0}, {"0.4", 0}, {"", 0}, {"0.4.0+", 0}, {"0.4.0 ", 0}, {"99999999999999999999.0.0", 0}};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct arena *a = arena_new(0);
		struct why w = why_in(a);
		struct rcar_request q;
		char *body = arena_printf(a, "{\"version\":\"%s\",\"tee\":\"aztdxvtpm\",\"extra-params\":\"\"}", row[i].version);
		rc r = rcar_parse_request(a, slice_cstr(body), &q, &w);

		if (row[i].want) {
			assert_true(rc_ok(r));
			assert_int_equal((int)q.version, row[i].want);
			assert_string_equal(q.tee, "az-tdx-vtpm");
		} else {
			assert_string_equal(why_reason(&w), "rcar.version");
			assert_non_null(strstr(why_text(&w), "KBS Client Protocol Version Mismatch"));
		}
		arena_free(a);
	}
}

static void a_request_without_extra_params_or_with_an_unknown_tee_is_refused(void **state)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct rcar_request q;

	(void)state;
	assert_int_equal(rcar_parse_request(a, SLICE_LIT("{\"version\":\"0.4.0\",\"tee\":\"snp\"}"), &q, &w).code, E_MALFORMED);
	assert_int_equal(rcar_parse_request(a, SLICE_LIT("{\"version\":\"0.4.0\",\"tee\":\"SNP\",\"extra-params\":\"\"}"), &q, &w).code,
			 E_UNSUPPORTED);
	assert_string_equal(why_reason(&w), "rcar.tee");
	assert_int_equal(rcar_parse_request(a, SLICE_LIT("{\"version\":1,\"tee\":\"snp\",\"extra-params\":\"\"}"), &q, &w).code,
			 E_MALFORMED);
	arena_free(a);
}

static void the_challenge_is_byte_exact(void **state)
{
	struct arena *a = arena_new(0);

	(void)state;
	assert_true(slice_is(rcar_challenge(a, SLICE_LIT(NONCE), 0), "{\"nonce\":\"" NONCE "\",\"extra-params\":\"\"}"));
	assert_true(slice_is(rcar_challenge(a, SLICE_LIT(NONCE), DIGEST_SHA512),
			     "{\"nonce\":\"" NONCE "\",\"extra-params\":{\"selected-hash-algorithm\":\"sha512\"}}"));
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_version_binds_as_its_worked_exchange),
		cmocka_unit_test(unknown_key_members_do_not_change_the_binding),
		cmocka_unit_test(bad_attestations_are_refused_with_a_reason),
		cmocka_unit_test(a_key_of_0_1_0_is_for_rsa1_5_alone),
		cmocka_unit_test(additional_evidence_has_a_limit),
		cmocka_unit_test(a_request_is_small_and_flat),
		cmocka_unit_test(rsa1_5_needs_the_configuration),
		cmocka_unit_test(requests_name_a_version_and_a_tee),
		cmocka_unit_test(a_request_without_extra_params_or_with_an_unknown_tee_is_refused),
		cmocka_unit_test(the_challenge_is_byte_exact),
	};

	return cmocka_run_group_tests_name("rcar", tests, NULL, NULL);
}
