/* PCR values beside a quote: two forms, one way to write each, and nothing that the quote is not over. */
#include "evidence/test_shared.h"

#include "base/num.h"
#include "evidence/octets.h"
#include "evidence/tpm.h"

#define V32 "0101010101010101010101010101010101010101010101010101010101010101"
#define V20 "0202020202020202020202020202020202020202"

static const struct tpm_reasons words = {"t.parse", "t.magic", "t.quote", "t.signature", "t.mismatch"};
static const struct tpm_quote one_bank = {.sel = {{DIGEST_SHA256, 0xffffff}}, .sel_n = 1};
static const struct tpm_quote two_banks = {.sel = {{DIGEST_SHA256, 3}, {DIGEST_SHA1, 1}}, .sel_n = 2};

static rc read_pcrs(struct arena *a, const char *text, const struct tpm_quote *q, struct tpm_pcrs *out, struct why *w)
{
	struct json *v = NULL;

	assert_true(rc_ok(json_parse(a, slice_cstr(text), NULL, &v, NULL)));
	return tpm_pcrs_from_json(a, v, q, &words, out, w);
}

static void banks_are_read_by_name_and_number(void **state)
{
	struct arena *a = arena_new(0);
	struct tpm_pcrs p;

	(void)state;
	assert_true(rc_ok(read_pcrs(a, "{\"sha256\": {\"0\": \"" V32 "\", \"23\": \"" V32 "\"}, \"sha1\": {\"0\": \"" V20 "\"}}", &two_banks, &p, NULL)));
	assert_int_equal(p.n, 2);
	assert_int_equal(p.bank[0].have, 1u << 23 | 1);
	assert_int_equal(tpm_pcr(&two_banks, &p, DIGEST_SHA256, 0).n, 32);
	assert_int_equal(tpm_pcr(&two_banks, &p, DIGEST_SHA1, 0).n, 20);
	assert_null(tpm_pcr(&two_banks, &p, DIGEST_SHA256, 23).p);	/* given, and not quoted */
	assert_null(tpm_pcr(&two_banks, &p, DIGEST_SHA256, 1).p);	/* quoted, and not given */
	assert_null(tpm_pcr(&two_banks, &p, DIGEST_SHA384, 0).p);
	assert_true(rc_ok(read_pcrs(a, "{}", &one_bank, &p, NULL)));
	assert_int_equal(p.n, 0);
	arena_free(a);
}

static void values_of_another_form_are_refused(void **state)
{
	static const char *const bad[] = {
		"1", "null", "\"" V32 "\"", "{\"sha256\": 1}", "{\"sha256\": []}", "{\"md5\": {}}", "{\"sha3-256\": {}}", "{\"\": {}}",
		"{\"sha256\": {\"\": \"" V32 "\"}}", "{\"sha256\": {\"00\": \"" V32 "\"}}", "{\"sha256\": {\"01\": \"" V32 "\"}}",
		"{\"sha256\": {\"24\": \"" V32 "\"}}", "{\"sha256\": {\"99\": \"" V32 "\"}}", "{\"sha256\": {\"100\": \"" V32 "\"}}",
		"{\"sha256\": {\"a\": \"" V32 "\"}}", "{\"sha256\": {\"1x\": \"" V32 "\"}}", "{\"sha256\": {\"-1\": \"" V32 "\"}}",
		"{\"sha256\": {\"+1\": \"" V32 "\"}}", "{\"sha256\": {\"0\": 1}}", "{\"sha256\": {\"0\": null}}", "{\"sha256\": {\"0\": \"\"}}",
		"{\"sha256\": {\"0\": \"" V20 "\"}}", "{\"sha256\": {\"0\": \"" V32 "01\"}}", "{\"sha256\": {\"0\": \"x" V32 "\"}}",
		"{\"sha1\": {\"0\": \"" V32 "\"}}", "[]", "[\"" V32 "\"]",
		/* the same bank under two names */
		"{\"sha256\": {\"0\": \"" V32 "\"}, \"SHA-256\": {\"0\": \"" V32 "\"}}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct arena *a = arena_new(0);
		struct why w = why_in(a);
		struct tpm_pcrs p = {.n = 77};

		if (read_pcrs(a, bad[i], &one_bank, &p, &w).code != E_MALFORMED)
			fail_msg("%s is taken", bad[i]);
		assert_string_equal(why_reason(&w), "t.parse");
		assert_int_equal(p.n, 77);
		arena_free(a);
	}
}

static struct json *list_of(struct arena *a, size_t n, size_t bad)
{
	struct json *list = json_new_array(a);

	for (size_t i = 0; i < n; i++)
		json_push(a, list, json_new_cstr(a, i == bad ? V20 : V32));
	return list;
}

static void a_list_has_one_value_for_each_pcr_of_the_one_bank(void **state)
{
	struct arena *a = arena_new(0);
	struct tpm_pcrs p;

	(void)state;
	assert_true(rc_ok(tpm_pcrs_from_json(a, list_of(a, 24, 99), &one_bank, &words, &p, NULL)));
	assert_int_equal(p.bank[0].have, 0xffffff);
	assert_int_equal(tpm_pcrs_from_json(a, list_of(a, 23, 99), &one_bank, &words, &p, NULL).code, E_MALFORMED);
	assert_int_equal(tpm_pcrs_from_json(a, list_of(a, 25, 99), &one_bank, &words, &p, NULL).code, E_MALFORMED);
	assert_int_equal(tpm_pcrs_from_json(a, list_of(a, 24, 23), &one_bank, &words, &p, NULL).code, E_MALFORMED);
	assert_int_equal(tpm_pcrs_from_json(a, list_of(a, 24, 99), &two_banks, &words, &p, NULL).code, E_MALFORMED);
	arena_free(a);
}

static void values_count_only_as_the_quote_has_them(void **state)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct tpm_quote q = two_banks;
	uint8_t values[84], d[DIGEST_MAX];
	struct tpm_pcrs p;

	(void)state;
	memset(values, 1, 64);
	memset(values + 64, 2, 20);
	assert_true(rc_ok(digest(DIGEST_SHA256, slice_of(values, sizeof(values)), d, NULL)));
	q.pcr_digest = slice_of(d, 32);
	assert_true(rc_ok(read_pcrs(a, "{\"sha1\": {\"0\": \"" V20 "\"}, \"sha256\": {\"0\": \"" V32 "\", \"1\": \"" V32 "\"}}", &q, &p, NULL)));
	assert_true(rc_ok(tpm_pcrs_check(&q, &p, DIGEST_SHA256, a, &words, &w)));
	assert_int_equal(tpm_pcrs_check(&q, &p, DIGEST_SHA384, a, &words, &w).code, E_DENIED);
	why_clear(&w);
	q.sel[1].pcrs = 3;	/* a value that is not given */
	assert_int_equal(tpm_pcrs_check(&q, &p, DIGEST_SHA256, a, &words, &w).code, E_DENIED);
	assert_string_equal(why_reason(&w), "t.mismatch");
	q.sel[1].pcrs = 0;	/* the quote is over less */
	assert_int_equal(tpm_pcrs_check(&q, &p, DIGEST_SHA256, a, &words, &w).code, E_DENIED);
	arena_free(a);
}

static void pcr_8_is_zeros_extended_once_by_the_digest(void **state)
{
	static const struct {
		const char *bank;
		enum digest_alg alg;
	} rows[] = {{"sha1", DIGEST_SHA1}, {"sha256", DIGEST_SHA256}, {"sha384", DIGEST_SHA384}, {"sha512", DIGEST_SHA512}};
	static const uint8_t bound[64] = {5, 6}, zeros[64];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct arena *a = arena_new(0);
		struct why w = why_in(a);
		size_t n = digest_size(rows[i].alg);
		struct slice init = slice_of(bound, n);
		struct tpm_quote q = {.sel = {{rows[i].alg, 1u << 8}}, .sel_n = 1};
		struct tpm_pcrs p;
		uint8_t d[DIGEST_MAX];
		char *text;

		assert_true(rc_ok(digest_parts(rows[i].alg, (const struct slice[]){slice_of(zeros, n), init}, 2, d, NULL)));
		text = arena_printf(a, "{\"%s\": {\"8\": \"%s\"}}", rows[i].bank, hex_text(a, slice_of(d, n)));
		assert_true(rc_ok(read_pcrs(a, text, &q, &p, NULL)));
		assert_true(rc_ok(tpm_check_init_data(&q, &p, init, a, "t.init", &w)));
		assert_int_equal(tpm_check_init_data(&q, &p, slice_of(zeros, n), a, "t.init", &w).code, E_DENIED);
		assert_string_equal(w.first->subject, "init_data");
		why_clear(&w);
		q.sel[0].pcrs = 1;	/* given, and not quoted */
		assert_int_equal(tpm_check_init_data(&q, &p, init, a, "t.init", &w).code, E_DENIED);
		assert_string_equal(w.first->found, "not quoted");
		assert_int_equal(tpm_check_init_data(&q, &p, slice_of(bound, 31), a, "t.init", NULL).code, E_DENIED);
		arena_free(a);
	}
}

static void without_memory_there_are_no_values(void **state)
{
	struct arena *a = arena_new(0);
	struct json *v = NULL;
	bool done = false;
	uint64_t n;

	(void)state;
	assert_true(rc_ok(json_parse(a, SLICE_LIT("{\"sha256\": {\"0\": \"" V32 "\", \"1\": \"" V32 "\"}}"), NULL, &v, NULL)));
	for (n = 1; !done; n++) {
		struct arena *b = arena_new(0);
		struct tpm_pcrs p = {.n = 77};

		arena_fail_at(b, n);
		done = rc_ok(tpm_pcrs_from_json(b, v, &one_bank, &words, &p, NULL));
		assert_int_equal(p.n, done ? 1 : 77);
		assert_int_equal(arena_bad(b), !done);
		arena_free(b);
	}
	assert_true(n > 3);
	arena_free(a);
}

/* ---- arrays of numbers ---- */

static void octets_are_numbers_of_a_byte_and_as_many_as_must_be(void **state)
{
	static const struct {
		const char *text;
		enum rc_code code;
	} rows[] = {
		{"{\"x\": [1, 2]}", OK}, {"{\"x\": [0, 127, 255]}", OK}, {"{\"x\": [1]}", E_MALFORMED}, {"{\"x\": [1, 2, 3, 4]}", E_MALFORMED},
		{"{\"x\": [1, 256]}", E_MALFORMED}, {"{\"x\": [1, -1]}", E_MALFORMED}, {"{\"x\": [1, 1.5]}", E_MALFORMED},
		{"{\"x\": [1, \"2\"]}", E_MALFORMED}, {"{\"x\": [1, null]}", E_MALFORMED}, {"{\"x\": [1, true]}", E_MALFORMED},
		{"{\"x\": \"0102\"}", E_MALFORMED}, {"{\"x\": {}}", E_MALFORMED}, {"{\"x\": null}", E_MALFORMED}, {"{}", E_MALFORMED},
		{"[1, 2]", E_MALFORMED}, {"{\"x\": [1, 99999999999999999999999]}", E_MALFORMED},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct arena *a = arena_new(0);
		struct why w = why_in(a);
		struct slice out = {0};
		struct json *v;

		assert_true(rc_ok(json_parse(a, slice_cstr(rows[i].text), NULL, &v, NULL)));
		if (octets_need(a, v, "x", 2, 3, &out, "test", &w).code != rows[i].code)
			fail_msg("%s: %s", rows[i].text, why_text(&w));
		assert_int_equal(out.p != NULL, rows[i].code == OK);
		arena_fail_at(a, 1);
		if (rows[i].code == OK)
			assert_int_equal(octets_need(a, v, "x", 2, 3, &out, "test", NULL).code, E_INTERNAL);
		arena_free(a);
	}
}

static void a_reason_is_recast_by_its_code(void **state)
{
	struct arena *a = arena_new(0);
	struct why inner = why_in(a), w = why_in(a);

	(void)state;
	assert_true(rc_ok(recast(rc_of(OK), &inner, "t.malformed", "t.unsupported", &w)) && why_empty(&w));
	assert_int_equal(recast(deny(&inner, E_UNSUPPORTED, "in.side", "x"), &inner, "t.malformed", "t.unsupported", &w).code, E_UNSUPPORTED);
	assert_string_equal(why_reason(&w), "t.unsupported");
	why_clear(&w);
	assert_int_equal(recast(rc_of(E_LIMIT), &inner, "t.malformed", "t.unsupported", &w).code, E_LIMIT);
	assert_string_equal(why_reason(&w), "t.malformed");
	assert_string_equal(why_text(&w), "x (in.side)");
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(banks_are_read_by_name_and_number),
		cmocka_unit_test(values_of_another_form_are_refused),
		cmocka_unit_test(a_list_has_one_value_for_each_pcr_of_the_one_bank),
		cmocka_unit_test(values_count_only_as_the_quote_has_them),
		cmocka_unit_test(pcr_8_is_zeros_extended_once_by_the_digest),
		cmocka_unit_test(without_memory_there_are_no_values),
		cmocka_unit_test(octets_are_numbers_of_a_byte_and_as_many_as_must_be),
		cmocka_unit_test(a_reason_is_recast_by_its_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
