#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "codec/base64.h"
#include "codec/cbor.h"

static struct slice hex(struct arena *a, const char *text)
{
	struct slice out = {0};

	assert_true(rc_ok(hex_decode(a, slice_cstr(text), &out, "test", NULL)));
	return out;
}

/* A short notation for what was read, so that one table holds inputs and results. */
static void show(struct buf *b, const struct cbor *v)
{
	switch (v->kind) {
	case CBOR_UINT:
		buf_printf(b, "%llu", (unsigned long long)v->u);
		return;
	case CBOR_NINT:
		buf_printf(b, "-1-%llu", (unsigned long long)v->u);
		return;
	case CBOR_BYTES:
		buf_puts(b, "h'");
		hex_write(b, v->bytes);
		buf_putc(b, '\'');
		return;
	case CBOR_TEXT:
		buf_printf(b, "\"" SLICE_FMT "\"", SLICE_ARG(v->bytes));
		return;
	case CBOR_ARRAY:
	case CBOR_MAP:
		buf_putc(b, v->kind == CBOR_ARRAY ? '[' : '{');
		for (size_t i = 0; i < v->n * (v->kind == CBOR_MAP ? 2 : 1); i++) {
			if (i)
				buf_putc(b, v->kind == CBOR_MAP && i % 2 ? ':' : ',');
			show(b, v->items[i]);
		}
		buf_putc(b, v->kind == CBOR_ARRAY ? ']' : '}');
		return;
	case CBOR_TAG:
		buf_printf(b, "%llu(", (unsigned long long)v->u);
		show(b, v->items[0]);
		buf_putc(b, ')');
		return;
	case CBOR_BOOL:
		buf_puts(b, v->u ? "true" : "false");
		return;
	case CBOR_NULL:
		buf_puts(b, "null");
		return;
	case CBOR_UNDEFINED:
		buf_puts(b, "undefined");
		return;
	case CBOR_FLOAT:
		buf_printf(b, "%gf", v->f);
		return;
	case CBOR_SIMPLE:
		buf_printf(b, "simple(%llu)", (unsigned long long)v->u);
		return;
	}
}

/* Mostly RFC 8949 appendix A. */
static void encoded_values_are_read(void **state)
{
	static const struct {
		const char *in, *out;
	} row[] = {
		{"00", "0"}, {"17", "23"}, {"1818", "24"}, {"1903e8", "1000"}, {"1a000f4240", "1000000"},
		{"1bffffffffffffffff", "18446744073709551615"}, {"20", "-1-0"}, {"3bffffffffffffffff", "-1-18446744073709551615"},
		{"3903e7", "-1-999"}, {"1800", "0"}, {"f90000", "0f"}, {"f93c00", "1f"}, {"f93e00", "1.5f"}, {"f97bff", "65504f"},
		{"f90001", "5.96046e-08f"}, {"f9c400", "-4f"}, {"fa47c35000", "100000f"}, {"fbc010666666666666", "-4.1f"},
		{"f97c00", "inff"}, {"f4", "false"}, {"f5", "true"}, {"f6", "null"}, {"f7", "undefined"}, {"f0", "simple(16)"},
		{"f8ff", "simple(255)"}, {"c11a514b67b0", "1(1363896240)"}, {"d818456449455446", "24(h'6449455446')"},
		{"40", "h''"}, {"4401020304", "h'01020304'"}, {"60", "\"\""}, {"62c3bc", "\"\xc3\xbc\""}, {"80", "[]"},
		{"8301820203820405", "[1,[2,3],[4,5]]"}, {"a0", "{}"}, {"a201020304", "{1:2,3:4}"},
		{"a26161016162820203", "{\"a\":1,\"b\":[2,3]}"}, {"5f42010243030405ff", "h'0102030405'"},
		{"7f657374726561646d696e67ff", "\"streaming\""}, {"9fff", "[]"}, {"9f018202039f0405ffff", "[1,[2,3],[4,5]]"},
		{"bf61610161629f0203ffff", "{\"a\":1,\"b\":[2,3]}"}, {"5fff", "h''"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct arena *a = arena_new(0);
		struct why w = why_in(a);
		struct slice in = hex(a, row[i].in);
		struct buf b = buf_in(a, 0);
		struct cbor *v;

		if (!rc_ok(cbor_parse(a, in, NULL, &v, &w)))
			fail_msg("%s: %s", row[i].in, why_text(&w));
		show(&b, v);
		assert_string_equal(buf_cstr(&b), row[i].out);
		assert_true(v->raw.p == in.p && v->raw.n == in.n);
		arena_free(a);
	}
}

static void what_is_not_well_formed_is_refused(void **state)
{
	static const struct {
		const char *in, *reason;
	} row[] = {
		{"", "cbor.syntax"}, {"18", "cbor.syntax"}, {"19ff", "cbor.syntax"}, {"41", "cbor.syntax"}, {"81", "cbor.syntax"},
		{"a101", "cbor.syntax"}, {"c1", "cbor.syntax"}, {"ff", "cbor.syntax"}, {"1c", "cbor.syntax"}, {"1f", "cbor.syntax"},
		{"3f", "cbor.syntax"}, {"df00", "cbor.syntax"}, {"f818", "cbor.syntax"}, {"fc", "cbor.syntax"}, {"9f", "cbor.syntax"},
		{"bf01ff", "cbor.syntax"}, {"5f00ff", "cbor.syntax"}, {"5f6161ff", "cbor.syntax"}, {"5f5f4100ffff", "cbor.syntax"},
		{"81ff", "cbor.syntax"}, {"a1ff", "cbor.syntax"}, {"9bffffffffffffffff", "cbor.syntax"},
		{"bbffffffffffffffff", "cbor.syntax"}, {"5bffffffffffffffff00", "cbor.syntax"}, {"9b8000000000000000", "cbor.syntax"},
		{"61ff", "cbor.utf8"}, {"7f61c361bcff", "ok"}, {"0000", "cbor.trailing"}, {"f6ff", "cbor.trailing"},
		{"a201020103", "cbor.duplicate"}, {"a20102180103", "cbor.duplicate"}, {"a2616101616102", "cbor.duplicate"},
		{"a241610141617f", "cbor.syntax"}, {"a2f601f602", "cbor.duplicate"}, {"a281010181010f", "cbor.duplicate"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct arena *a = arena_new(0);
		struct why w = why_in(a);
		struct slice in = hex(a, row[i].in);
		struct cbor *v;
		rc r = cbor_parse(a, in, NULL, &v, &w);

		if (!strcmp(row[i].reason, "ok") ? !rc_ok(r) : rc_ok(r) || strcmp(why_reason(&w), row[i].reason))
			fail_msg("%s: %s, expected %s", row[i].in, why_reason(&w), row[i].reason);
		arena_free(a);
	}
}

static void size_depth_and_count_are_capped(void **state)
{
	const struct cbor_limits lim = {.max_bytes = 100, .max_depth = 4, .max_nodes = 10};
	struct arena *a = arena_new(0);
	uint8_t big[101] = {0x58, 99};
	struct cbor *v;
	struct why w = why_in(a);

	(void)state;
	assert_true(rc_ok(cbor_parse(a, hex(a, "81818100"), &lim, &v, NULL)));
	assert_false(rc_ok(cbor_parse(a, hex(a, "8181818100"), &lim, &v, &w)));
	assert_string_equal(why_reason(&w), "cbor.depth");
	why_clear(&w);
	assert_true(rc_ok(cbor_parse(a, hex(a, "89000102030405060708"), &lim, &v, NULL)));
	assert_false(rc_ok(cbor_parse(a, hex(a, "8a00010203040506070809"), &lim, &v, &w)));
	assert_string_equal(why_reason(&w), "cbor.nodes");
	why_clear(&w);
	assert_false(rc_ok(cbor_parse(a, slice_of(big, 101), &lim, &v, &w)));
	assert_string_equal(why_reason(&w), "cbor.size");
	why_clear(&w);
	assert_false(rc_ok(cbor_parse(a, slice_of(memset(arena_alloc(a, 5000), 0xc1, 5000), 5000), NULL, &v, &w)));
	assert_string_equal(why_reason(&w), "cbor.depth");
	arena_free(a);
}

static void members_are_found_by_key(void **state)
{
	struct arena *a = arena_new(0);
	struct cbor *v;
	int64_t i;
	uint64_t u;

	(void)state;
	assert_true(rc_ok(cbor_parse(a, hex(a, "a40a0138229f02ff616b03d90100f6f5"), NULL, &v, NULL)));
	assert_true(cbor_i64(cbor_get_int(v, 10), &i) && i == 1);
	assert_true(cbor_u64(cbor_at(cbor_get_int(v, -35), 0), &u) && u == 2);
	assert_true(cbor_i64(cbor_get_text(v, "k"), &i) && i == 3);
	assert_null(cbor_get_int(v, 11));
	assert_null(cbor_get_text(v, "kk"));
	assert_null(cbor_at(v, 0));
	assert_false(cbor_i64(NULL, &i));
	assert_true(rc_ok(cbor_parse(a, hex(a, "3b8000000000000000"), NULL, &v, NULL)));
	assert_false(cbor_i64(v, &i));
	assert_true(rc_ok(cbor_parse(a, hex(a, "3b7fffffffffffffff"), NULL, &v, NULL)));
	assert_true(cbor_i64(v, &i) && i == INT64_MIN);
	arena_free(a);
}

static void what_is_written_has_the_shortest_form_and_reads_back(void **state)
{
	struct arena *a = arena_new(0);
	struct buf b = buf_in(a, 0), text = buf_in(a, 0);
	struct cbor *v;

	(void)state;
	cbor_put_tag(&b, 18);
	cbor_put_array(&b, 4);
	cbor_put_map(&b, 2);
	cbor_put_int(&b, -35);
	cbor_put_uint(&b, 65536);
	cbor_put_text(&b, SLICE_LIT("x"));
	cbor_put_bytes(&b, SLICE_LIT("\x01\x02"));
	cbor_put_int(&b, 255);
	cbor_put_bool(&b, true);
	cbor_put_null(&b);
	assert_string_equal(hex_text(a, buf_view(&b)), "d284a238221a00010000617842010218fff5f6");
	assert_true(rc_ok(cbor_parse(a, buf_view(&b), NULL, &v, NULL)));
	show(&text, v);
	assert_string_equal(buf_cstr(&text), "18([{-1-34:65536,\"x\":h'0102'},255,true,null])");
	arena_free(a);
}

static void without_memory_reading_fails_cleanly(void **state)
{
	struct arena *a = arena_new(0);
	struct slice in = hex(a, "a301820203026178035f410141020fff"), good = hex(a, "a301820203026178035f41014102ff");
	unsigned n = 0;
	struct cbor *v;
	rc r;

	(void)state;
	assert_false(rc_ok(cbor_parse(a, in, NULL, &v, NULL)));
	do {
		struct arena *b = arena_new(0);

		arena_fail_at(b, ++n);
		r = cbor_parse(b, good, NULL, &v, NULL);
		assert_true(rc_ok(r) || r.code == E_INTERNAL);
		arena_free(b);
	} while (!rc_ok(r) && n < 100);
	assert_true(rc_ok(r) && n > 5);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(encoded_values_are_read),
		cmocka_unit_test(what_is_not_well_formed_is_refused),
		cmocka_unit_test(size_depth_and_count_are_capped),
		cmocka_unit_test(members_are_found_by_key),
		cmocka_unit_test(what_is_written_has_the_shortest_form_and_reads_back),
		cmocka_unit_test(without_memory_reading_fails_cleanly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
