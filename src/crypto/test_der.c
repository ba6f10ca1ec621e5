#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/num.h"
#include "crypto/der_write.h"

static void framing_has_one_form_only(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		bool ok;
	} row[] = {
		{"\x30\x00", 2, true},			{"\x30\x03\x02\x01\x05", 5, true},
		{"", 0, false},				{"\x30", 1, false},
		{"\x30\x80\x00\x00", 4, false},		{"\x30\x81\x00", 3, false},
		{"\x04\x81\x01\x41", 4, false},		{"\x04\x82\x00\x01\x41", 5, false},
		{"\x30\x03\x02\x02\x05", 5, false},	{"\x30\x00\x00", 3, false},
		{"\x1f\x01\x00", 3, false},		{"\x00\x00", 2, false},
		{"\x30\x02\x02\x81", 4, false},		{"\x04\x85\x00\x00\x00\x00\x01\x41", 8, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(row); i++)
		if (rc_ok(der_check(slice_of(row[i].bytes, row[i].n), NULL, "t", "t")) != row[i].ok)
			fail_msg("row %zu", i);
}

static void nesting_is_capped(void **state)
{
	uint8_t b[2 * (DER_DEPTH_MAX + 2)];

	(void)state;
	for (size_t depth = DER_DEPTH_MAX - 1; depth <= DER_DEPTH_MAX + 1; depth++) {
		for (size_t i = 0; i < depth; i++) {
			b[2 * i] = DER_SEQUENCE;
			b[2 * i + 1] = (uint8_t)(2 * (depth - 1 - i));
		}
		assert_int_equal(rc_ok(der_check(slice_of(b, 2 * depth), NULL, "t", "t")), depth <= DER_DEPTH_MAX);
	}
}

static void numbers_are_shortest_and_not_negative(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		bool ok;
		uint64_t v;
	} row[] = {
		{"\x02\x01\x00", 3, true, 0},
		{"\x02\x02\x00\x80", 4, true, 128},
		{"\x02\x09\x00\xff\xff\xff\xff\xff\xff\xff\xff", 11, true, UINT64_MAX},
		{"\x02\x09\x01\xff\xff\xff\xff\xff\xff\xff\xff", 11, false, 0},
		{"\x02\x02\x00\x7f", 4, false, 0},
		{"\x02\x01\x80", 3, false, 0},
		{"\x02\x00", 2, false, 0},
		{"\x0a\x01\x00", 3, false, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(row); i++) {
		struct msg m;
		struct cur c = cur_open(&m, slice_of(row[i].bytes, row[i].n));
		uint64_t v = der_u64(&c);

		if (rc_ok(cur_end(&c, NULL, "t", "t")) != row[i].ok || (row[i].ok && v != row[i].v))
			fail_msg("row %zu", i);
	}
}

static void identifiers_compare_by_their_arcs(void **state)
{
	uint8_t out[64];

	(void)state;
	assert_true(oid_is(SLICE_LIT("\x2a\x86\x48\x86\xf8\x4d\x01\x0d\x01"), "1.2.840.113741.1.13.1"));
	assert_true(oid_is(SLICE_LIT("\x2b\x06\x01\x04\x01\x9c\x78\x01\x03\x01"), "1.3.6.1.4.1.3704.1.3.1"));
	assert_true(oid_is(SLICE_LIT("\x67\x81\x05\x05\x04\x01"), "2.23.133.5.4.1"));
	assert_true(oid_is(SLICE_LIT("\x88\x37\x03"), "2.999.3"));
	assert_false(oid_is(SLICE_LIT("\x67\x81\x05\x05\x04"), "2.23.133.5.4.1"));
	assert_int_equal(oid_encode("1", out), 0);
	assert_int_equal(oid_encode("1.", out), 0);
	assert_int_equal(oid_encode("1..2", out), 0);
	assert_int_equal(oid_encode("1.2x", out), 0);
	assert_int_equal(oid_encode("", out), 0);
}

static void odd_values_spoil_the_message(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		char what;
		bool ok;
	} row[] = {
		{"\x01\x01\xff", 3, 'b', true},	     {"\x01\x01\x01", 3, 'b', false}, {"\x01\x02\xff\xff", 4, 'b', false},
		{"\x03\x02\x00\x41", 4, 's', true},  {"\x03\x02\x01\x40", 4, 's', false}, {"\x03\x00", 2, 's', false},
		{"\x06\x02\x2a\x03", 4, 'o', true},  {"\x06\x02\x2a\x83", 4, 'o', false}, {"\x06\x00", 2, 'o', false},
		{"\x06\x03\x2a\x80\x01", 5, 'o', false}, {"\x0a\x01\x07", 3, 'e', true}, {"\x02\x01\x07", 3, 'e', false},
		{"\x30\x02\x05\x00", 4, 'l', false}, {"\x30\x00", 2, 'l', true},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(row); i++) {
		struct msg m;
		struct cur c = cur_open(&m, slice_of(row[i].bytes, row[i].n)), in;

		if (row[i].what == 'b')
			der_bool(&c);
		else if (row[i].what == 's')
			der_bytes(&c);
		else if (row[i].what == 'o')
			der_oid(&c);
		else if (row[i].what == 'e')
			der_enumerated(&c);
		else {
			in = der_enter(&c, DER_SEQUENCE);
			der_leave(&in);
		}
		if (rc_ok(cur_end(&c, NULL, "t", "t")) != row[i].ok)
			fail_msg("row %zu", i);
	}
}

static void what_is_written_reads_back(void **state)
{
	static const uint64_t numbers[] = {0, 1, 127, 128, 255, 256, 65535, 65536, UINT64_MAX};
	static const int64_t times[] = {-631152001, -631152000, 0, 1795557718, 2524607999, 2524608000};
	static const size_t sizes[] = {0, 1, 127, 128, 255, 256, 65535, 65536};
	struct arena *a = arena_new(0);
	struct msg m;
	struct cur c;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		c = cur_open(&m, der_put_u64(a, DER_INTEGER, numbers[i]));
		assert_true(der_u64(&c) == numbers[i]);
		assert_true(rc_ok(cur_end(&c, NULL, "t", "number")));
	}
	for (size_t i = 0; i < COUNT_OF(times); i++) {
		bool utc = times[i] >= -631152000 && times[i] < 2524608000;

		c = cur_open(&m, der_put_time(a, times[i]));
		assert_int_equal(der_take(&c, utc ? DER_UTC_TIME : DER_TIME).n, utc ? 13 : 15);
		assert_true(rc_ok(cur_end(&c, NULL, "t", "time")));
	}
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		struct slice bytes = slice_of(arena_alloc(a, sizes[i] + 1), sizes[i]);

		c = cur_open(&m, der_put_bits(a, bytes));
		assert_true(slice_eq(der_bytes(&c), bytes));
		assert_true(rc_ok(cur_end(&c, NULL, "t", "bits")));
	}
	c = cur_open(&m, der_put_oid(a, "1.2.840.113741.1.13.1"));
	assert_true(oid_is(der_oid(&c), "1.2.840.113741.1.13.1"));
	c = cur_open(&m, der_put_magnitude(a, slice_of("\0\0\x80", 3)));
	assert_true(slice_eq(der_magnitude(&c), slice_of("\x80", 1)));
	c = cur_open(&m, der_put_bool(a, true));
	assert_true(der_bool(&c));
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(framing_has_one_form_only),
		cmocka_unit_test(nesting_is_capped),
		cmocka_unit_test(numbers_are_shortest_and_not_negative),
		cmocka_unit_test(identifiers_compare_by_their_arcs),
		cmocka_unit_test(odd_values_spoil_the_message),
		cmocka_unit_test(what_is_written_reads_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
