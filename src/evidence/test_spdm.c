#include "evidence/test_shared.h"

#include "evidence/spdm.h"

static const char *const gpu_reports[] = {"hopper-trustee", "hopper-coco1", "hopper-sdk-580", "hopper-sdk-535", "blackwell-sdk",
					  "switch-sdk"};

static void recorded_reports_have_their_known_fields(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(gpu_reports) / sizeof(gpu_reports[0]); i++) {
		struct arena *a = arena_new(0);
		const struct json *c = shared_case(a, "nvidia", arena_printf(a, "nvidia-%s", gpu_reports[i]));
		const struct json *facts = json_get(c, "facts"), *digests = json_get(facts, "measurement_digests");
		struct slice in = shared_file(a, arena_printf(a, "nvidia/%s/report.bin", gpu_reports[i]));
		struct why w = why_in(a);
		struct spdm_report rep;
		uint64_t n, trailing;

		if (!rc_ok(spdm_parse(a, in, &rep, &w)))
			fail_msg("%s: %s", gpu_reports[i], why_text(&w));
		assert_string_equal(hex_text(a, rep.nonce), (const char *)json_get(facts, "nonce")->text.p);
		assert_string_equal(hex_text(a, rep.response_nonce), (const char *)json_get(facts, "response_nonce")->text.p);
		assert_true(json_u64(json_get(facts, "measurements"), &n) && n == rep.blocks_n);
		assert_true(json_u64(json_get(facts, "trailing_bytes"), &trailing) && trailing == rep.trailing);
		assert_true(json_equal(digests, spdm_blocks_json(a, &rep)));
		if (json_is(json_get(facts, "driver_version"), JSON_STRING))
			assert_string_equal(spdm_text(a, spdm_opaque(&rep, SPDM_DRIVER_VERSION)),
					    (const char *)json_get(facts, "driver_version")->text.p);
		assert_string_equal(hex_text(a, spdm_opaque(&rep, SPDM_VBIOS_VERSION)),
				    (const char *)json_get(facts, "vbios_version_raw")->text.p);
		arena_free(a);
	}
}

static void the_opaque_fields_have_the_names_and_texts_that_policies_know(void **state)
{
	struct arena *a = arena_new(0);
	struct slice in = shared_file(a, "nvidia/hopper-trustee/report.bin");
	struct json *known = NULL, *mine;
	struct spdm_report rep;
	const struct json *config;

	(void)state;
	assert_true(rc_ok(json_parse(a, shared_file(a, "nvidia/hopper-trustee/claims_upstream.json"), NULL, &known, NULL)));
	config = json_get(known, "config");
	assert_true(rc_ok(spdm_parse(a, in, &rep, NULL)));
	mine = spdm_opaque_json(a, &rep);
	assert_non_null(config);
	for (size_t i = 0; i < config->n; i++) {
		const struct json *v = json_get_slice(mine, config->members[i].name);

		if (!json_equal(v, config->members[i].value))
			fail_msg(SLICE_FMT ": %s, expected %s", SLICE_ARG(config->members[i].name),
				 (const char *)json_text(a, v).p, (const char *)json_text(a, config->members[i].value).p);
	}
	assert_int_equal(config->n, mine->n);
	arena_free(a);
}

static void a_report_cut_at_any_length_is_refused(void **state)
{
	struct arena *a = arena_new(0);
	struct slice in = shared_file(a, "nvidia/switch-sdk/report.bin");
	struct arena *b = arena_new(0);
	struct arena_mark m = arena_mark(b);

	(void)state;
	for (size_t n = 0; n < in.n; n++) {
		uint8_t *cut = exact_copy(in, n);
		struct why w = why_in(b);
		struct spdm_report rep;

		assert_false(rc_ok(spdm_parse(b, slice_of(cut, n), &rep, &w)));
		assert_false(why_empty(&w));
		free(cut);
		arena_reset(b, m);
	}
	arena_free(a);
	arena_free(b);
}

/* ---- made by hand: one block, two opaque fields ---- */

struct made {
	unsigned version, code, spec, index2, value_size, opaque2;
	unsigned request;	/* 0: GET_MEASUREMENTS */
};

static const struct made good = {0x11, 0x60, 1, 2, 4, 6, 0};

static struct slice make(struct arena *a, struct made how)
{
	struct buf b = buf_in(a, 4096);
	static const uint8_t zero[96];

	buf_put(&b, (const uint8_t[]){0x11, (uint8_t)(how.request ? how.request : 0xE0), 1, 0xFF}, 4);
	buf_put(&b, zero, 32);
	buf_putc(&b, 0);
	buf_put(&b, (const uint8_t[]){(uint8_t)how.version, (uint8_t)how.code, 0, 0, 2}, 5);
	buf_put(&b, (const uint8_t[]){22, 0, 0}, 3);
	buf_put(&b, (const uint8_t[]){1, (uint8_t)how.spec, 7, 0, 1, (uint8_t)how.value_size, 0, 9, 9, 9, 9}, 11);
	buf_put(&b, (const uint8_t[]){(uint8_t)how.index2, 1, 7, 0, 1, 4, 0, 8, 8, 8, 8}, 11);
	buf_put(&b, zero, 32);
	buf_le16(&b, 13);
	buf_put(&b, (const uint8_t[]){3, 0, 4, 0, '5', '5', '0', 0}, 8);
	buf_put(&b, (const uint8_t[]){(uint8_t)how.opaque2, 0, 1, 0, 7}, 5);
	buf_put(&b, zero, 96);
	return buf_view(&b);
}

static void what_the_format_forbids_is_refused(void **state)
{
	static const struct {
		struct made how;
		const char *reason;
	} row[] = {
		{{0x12, 0x60, 1, 2, 4, 6}, "spdm.unsupported.version"},
		{{0x11, 0x61, 1, 2, 4, 6}, "spdm.parse.response"},
		{{0x11, 0x60, 1, 2, 4, 6, 0xE1}, "spdm.parse.request"},	/* an answer to something else */
		{{0x11, 0x60, 2, 2, 4, 6}, "spdm.unsupported.block"},
		{{0x11, 0x60, 1, 1, 4, 6}, "spdm.parse.block-index"},
		{{0x11, 0x60, 1, 0, 4, 6}, "spdm.parse.block-index"},
		{{0x11, 0x60, 1, 2, 5, 6}, "spdm.parse.block"},
		{{0x11, 0x60, 1, 2, 3, 6}, "spdm.parse.block"},
		{{0x11, 0x60, 1, 2, 4, 3}, "spdm.parse.opaque"},
	};
	struct arena *a = arena_new(0);
	struct spdm_report rep;

	(void)state;
	assert_true(rc_ok(spdm_parse(a, make(a, good), &rep, NULL)));
	assert_int_equal(spdm_block(&rep, 2)->value.p[0], 8);
	assert_null(spdm_block(&rep, 3));
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct why w = why_in(a);

		assert_false(rc_ok(spdm_parse(a, make(a, row[i].how), &rep, &w)));
		assert_string_equal(why_reason(&w), row[i].reason);
	}
	arena_free(a);
}

static void too_many_opaque_fields_are_refused(void **state)
{
	struct arena *a = arena_new(0);
	struct buf b = buf_in(a, 1u << 16);
	static const uint8_t zero[96];
	struct spdm_report rep;
	struct why w = why_in(a);

	(void)state;
	buf_put(&b, (const uint8_t[]){0x11, 0xE0, 1, 0xFF}, 4);
	buf_put(&b, zero, 33);
	buf_put(&b, (const uint8_t[]){0x11, 0x60, 0, 0, 0, 0, 0, 0}, 8);
	buf_put(&b, zero, 32);
	buf_le16(&b, (SPDM_OPAQUE_MAX + 1) * 4);
	for (uint16_t i = 0; i <= SPDM_OPAQUE_MAX; i++) {
		buf_le16(&b, (uint16_t)(100 + i));
		buf_le16(&b, 0);
	}
	buf_put(&b, zero, 96);
	assert_false(rc_ok(spdm_parse(a, buf_view(&b), &rep, &w)));
	assert_string_equal(why_reason(&w), "spdm.parse.opaque");
	arena_free(a);
}

static void version_texts_follow_the_kind_of_device(void **state)
{
	struct arena *a = arena_new(0);

	(void)state;
	assert_string_equal(spdm_vbios_text(a, slice_of("\x00\x9f\x00\x96\x01\0\0\0", 8), true), "96.00.9F.00.01");
	assert_string_equal(spdm_vbios_text(a, slice_of("\x00\x9f\x00\x96\x01\0\0\0", 8), false), "96.00.9f.00.01");
	assert_string_equal(spdm_vbios_text(a, SLICE_LIT("96.10.55.00.01"), true), "96.10.55.00.01");
	assert_null(spdm_vbios_text(a, SLICE_LIT("96.10.x"), true));
	assert_null(spdm_text(a, slice_of("5\x01", 2)));
	assert_null(spdm_text(a, slice_of("\0", 1)));
	arena_free(a);
}

static void without_memory_parsing_fails_cleanly(void **state)
{
	struct arena *a = arena_new(0);
	struct slice in = make(a, good);
	unsigned n = 0;
	rc r;

	(void)state;
	do {
		struct arena *b = arena_new(0);
		struct spdm_report rep;

		arena_fail_at(b, ++n);
		r = spdm_parse(b, in, &rep, NULL);
		assert_true(rc_ok(r) || r.code == E_INTERNAL);
		arena_free(b);
	} while (!rc_ok(r) && n < 50);
	assert_true(rc_ok(r));
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recorded_reports_have_their_known_fields),
		cmocka_unit_test(the_opaque_fields_have_the_names_and_texts_that_policies_know),
		cmocka_unit_test(a_report_cut_at_any_length_is_refused),
		cmocka_unit_test(what_the_format_forbids_is_refused),
		cmocka_unit_test(too_many_opaque_fields_are_refused),
		cmocka_unit_test(version_texts_follow_the_kind_of_device),
		cmocka_unit_test(without_memory_parsing_fails_cleanly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
