#include "evidence/test_shared.h"

#include "base/buf.h"
#include "crypto/digest.h"
#include "evidence/hcl.h"

#define KEY "{\"kid\":\"HCLAkPub\",\"kty\":\"RSA\",\"n\":\"AQIDBA\",\"e\":\"AQAB\"}"

static struct slice report(struct arena *a, uint32_t version, uint32_t type, uint32_t hash, const char *var)
{
	struct buf b = buf_in(a, 0);

	buf_puts(&b, "HCLA");
	buf_le32(&b, version);
	(void)buf_reserve(&b, 24 + HCL_HW_REPORT);
	buf_le32(&b, 20 + (uint32_t)strlen(var));
	buf_le32(&b, 1);
	buf_le32(&b, type);
	buf_le32(&b, hash);
	buf_le32(&b, (uint32_t)strlen(var));
	buf_puts(&b, var);
	(void)buf_reserve(&b, 100);
	return buf_view(&b);
}

static void the_key_and_the_user_data_are_found(void **state)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct hcl_report r;

	(void)state;
	if (!rc_ok(hcl_parse(a, report(a, 2, HCL_SNP, 1, "{\"keys\":[{\"kid\":\"X\"}," KEY "],\"user-data\":\"0A0b\"}"), &r, &w)))
		fail_msg("%s", why_text(&w));
	assert_string_equal(hex_text(a, r.ak_n), "01020304");
	assert_string_equal(hex_text(a, r.user_data), "0a0b");
	assert_int_equal(r.hw_report.n, HCL_HW_REPORT);
	assert_true(rc_ok(hcl_parse(a, report(a, 1, HCL_TDX, 1, "{\"keys\":[" KEY "]}"), &r, &w)));
	assert_null(r.user_data.p);
	arena_free(a);
}

static void a_report_that_is_not_what_it_must_be_is_refused(void **state)
{
	static const struct {
		uint32_t version, type, hash;
		const char *var, *reason;
	} table[] = {
		{3, HCL_SNP, 1, "{\"keys\":[" KEY "]}", "hcl.unsupported.version"},
		{1, 3, 1, "{\"keys\":[" KEY "]}", "hcl.unsupported.type"},
		{1, HCL_SNP, 2, "{\"keys\":[" KEY "]}", "hcl.unsupported.hash"},
		{1, HCL_SNP, 1, "{\"keys\":[" KEY "," KEY "]}", "hcl.parse.var-data"},
		{1, HCL_SNP, 1, "{\"keys\":[]}", "hcl.parse.var-data"},
		{1, HCL_SNP, 1, "{\"keys\":{}}", "hcl.parse.var-data"},
		{1, HCL_SNP, 1, "{\"keys\":[" KEY "]} ", NULL},
		{1, HCL_SNP, 1, "{\"keys\":[" KEY "]}x", "hcl.parse.var-data"},
		{1, HCL_SNP, 1, "{\"keys\":[" KEY "],\"user-data\":\"0\"}", "hcl.parse.var-data"},
		{1, HCL_SNP, 1, "{\"keys\":[" KEY "],\"user-data\":7}", "hcl.parse.var-data"},
		{1, HCL_SNP, 1, "{\"keys\":[" KEY "],\"keys\":[" KEY "]}", "hcl.parse.var-data"},
		{1, HCL_SNP, 1, "{\"keys\":[{\"kid\":\"HCLAkPub\",\"kty\":\"EC\"}]}", "hcl.parse.var-data"},
		{1, HCL_SNP, 1, "{\"keys\":[{\"kid\":\"HCLAkPub\",\"kty\":\"RSA\",\"n\":\"a\",\"e\":\"AQAB\"}]}", "hcl.parse.var-data"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct arena *a = arena_new(0);
		struct why w = why_in(a);
		struct hcl_report r;
		rc v = hcl_parse(a, report(a, table[i].version, table[i].type, table[i].hash, table[i].var), &r, &w);

		assert_int_equal(rc_ok(v), table[i].reason == NULL);
		assert_string_equal(why_reason(&w), table[i].reason ? table[i].reason : "none");
		arena_free(a);
	}
}

static void a_report_cut_at_any_length_is_malformed(void **state)
{
	struct arena *a = arena_new(0);
	struct slice in = report(a, 2, HCL_SNP, 1, "{\"keys\":[" KEY "]}");

	(void)state;
	for (size_t n = 0; n < in.n - 100; n++) {
		struct arena *scratch = arena_new(0);
		uint8_t *cut = exact_copy(in, n);
		struct hcl_report r;

		assert_int_equal(hcl_parse(scratch, slice_of(cut, n), &r, NULL).code, E_MALFORMED);
		free(cut);
		arena_free(scratch);
	}
	arena_free(a);
}

/* Both halves of the report data count: what is not the digest must be zero. */
static void variable_data_is_bound_by_the_whole_report_data(void **state)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct hcl_report r;
	uint8_t data[64] = {0};

	(void)state;
	assert_true(rc_ok(hcl_parse(a, report(a, 2, HCL_SNP, 1, "{\"keys\":[" KEY "]}"), &r, NULL)));
	assert_true(rc_ok(digest(DIGEST_SHA256, r.var_data, data, NULL)));
	assert_true(rc_ok(hcl_binds(&r, slice_of(data, 64), "t.binding-vardata", &w)));
	for (size_t i = 0; i < 64; i++) {
		data[i] ^= 0x40;
		assert_int_equal(hcl_binds(&r, slice_of(data, 64), "t.binding-vardata", &w).code, E_DENIED);
		data[i] ^= 0x40;
	}
	assert_int_equal(hcl_binds(&r, slice_of(data, 32), "t.binding-vardata", &w).code, E_DENIED);
	assert_string_equal(why_reason(&w), "t.binding-vardata");
	arena_free(a);
}

static void recorded_reports_are_read(void **state)
{
	static const struct {
		const char *path;
		uint32_t version;
		enum hcl_type type;
	} table[] = {
		{"azure/parts-snp/hcl-report.bin", 1, HCL_SNP},
		{"azure/parts-tdx/hcl-report.bin", 2, HCL_TDX},
		{"azure/hcl-only/hcl-report-snp-2048.bin", 1, HCL_SNP},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct arena *a = arena_new(0);
		struct why w = why_in(a);
		struct hcl_report r;

		if (!rc_ok(hcl_parse(a, shared_file(a, table[i].path), &r, &w)))
			fail_msg("%s: %s", table[i].path, why_text(&w));
		assert_int_equal(r.version, table[i].version);
		assert_int_equal(r.type, table[i].type);
		assert_int_equal(r.ak_n.n, 256);
		if (r.type == HCL_SNP)
			assert_true(rc_ok(hcl_binds(&r, slice_sub(r.hw_report, 0x50, 64), "t.binding-vardata", &w)));
		arena_free(a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_key_and_the_user_data_are_found),
		cmocka_unit_test(a_report_that_is_not_what_it_must_be_is_refused),
		cmocka_unit_test(a_report_cut_at_any_length_is_malformed),
		cmocka_unit_test(variable_data_is_bound_by_the_whole_report_data),
		cmocka_unit_test(recorded_reports_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
