/* Structures of the ultravisor, built here and bent field by field. */
#include "evidence/test_shared.h"

#include "base/num.h"
#include "verifier/se/uv.h"

/* ---- image header: 0x1A0 bytes, key slots of 80, the encrypted area, a tag of 16 ---- */

struct header {
	const char *magic;
	uint32_t version, size;	/* size: off the right one */
	uint64_t slots, sea;	/* as stated, off what is there */
};

static struct slice header(struct arena *a, const struct header *h)
{
	struct buf b = buf_in(a, 0);
	const uint32_t slots = 2, sea = 32, size = 0x1A0 + slots * 80 + sea + 16;

	buf_put(&b, h->magic, 8);
	buf_be32(&b, h->version);
	buf_be32(&b, size + h->size);
	buf_reserve(&b, 16);
	buf_be64(&b, slots + h->slots);
	buf_be64(&b, sea + h->sea);
	buf_reserve(&b, size - b.n);
	return buf_view(&b);
}

static void a_header_says_what_it_holds(void **state)
{
	static const struct {
		struct header h;
		enum rc_code code;
	} rows[] = {
		{{"IBMSecEx", 0x100, 0, 0, 0}, OK},
		{{"IBMSecEy", 0x100, 0, 0, 0}, E_MALFORMED},
		{{"IBMSecEx", 0x200, 0, 0, 0}, E_UNSUPPORTED},
		{{"IBMSecEx", 0x100, 1, 0, 0}, E_MALFORMED},
		{{"IBMSecEx", 0x100, 0, 1, 0}, E_MALFORMED},
		{{"IBMSecEx", 0x100, 0, 0, 16}, E_MALFORMED},
		{{"IBMSecEx", 0x100, 0, 2, (uint64_t)-160}, E_MALFORMED},	/* the sum is right, and no sum of what is there */
		{{"IBMSecEx", 0x100, 0, UINT64_MAX / 80, 0}, E_MALFORMED},
		{{"IBMSecEx", 0x100, 0, 0, UINT64_MAX - 32}, E_MALFORMED},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct arena *a = arena_new(0);
		struct why w = why_in(a);
		struct se_header h = {.version = 77};

		if (se_header_parse(header(a, &rows[i].h), &h, &w).code != rows[i].code)
			fail_msg("row %zu: %s", i, why_text(&w));
		assert_int_equal(h.version, rows[i].code == OK ? 0x100 : 77);
		arena_free(a);
	}
}

/* ---- attestation request ---- */

struct request {
	uint64_t magic;
	uint32_t version, size;
	uint8_t slots;
	uint32_t encrypted;
	uint64_t flags;
	uint32_t algorithm;
};

static struct slice request(struct arena *a, const struct request *r)
{
	struct buf b = buf_in(a, 0);
	const size_t n = 224 + 80u * r->slots + r->encrypted + 16;

	buf_be64(&b, r->magic);
	buf_be32(&b, r->version);
	buf_be32(&b, (uint32_t)n + r->size);
	buf_reserve(&b, 12 + 11);
	buf_putc(&b, (char)r->slots);
	buf_be32(&b, 0);
	buf_be32(&b, r->encrypted);
	buf_be64(&b, r->flags);
	buf_be32(&b, r->algorithm);
	buf_reserve(&b, n - b.n);
	return buf_view(&b);
}

#define NONCE (UINT64_C(1) << 62)

static void a_request_is_of_the_one_form_that_is_known(void **state)
{
	static const struct {
		struct request r;
		enum rc_code code;
	} rows[] = {
		{{0, 0x100, 0, 1, 64, 0, 1}, OK},	    {{0, 0x100, 0, 1, 80, NONCE, 1}, OK},	 {{0, 0x100, 0, SE_ARCB_KEY_SLOTS_MAX, 64, 0, 1}, OK},
		{{1, 0x100, 0, 1, 64, 0, 1}, E_MALFORMED},  {{0, 0x200, 0, 1, 64, 0, 1}, E_MALFORMED},	 {{0, 0x100, 1, 1, 64, 0, 1}, E_MALFORMED},
		{{0, 0x100, 0, 0, 64, 0, 1}, E_MALFORMED},  {{0, 0x100, 0, SE_ARCB_KEY_SLOTS_MAX + 1, 64, 0, 1}, E_MALFORMED},
		{{0, 0x100, 0, 1, 64, 0, 2}, E_MALFORMED},  {{0, 0x100, 0, 1, 80, 0, 1}, E_MALFORMED},	 {{0, 0x100, 0, 1, 64, NONCE, 1}, E_MALFORMED},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct arena *a = arena_new(0);
		struct why w = why_in(a);
		struct se_arcb r = {.version = 77};

		if (se_arcb_parse(request(a, &rows[i].r), &r, &w).code != rows[i].code)
			fail_msg("row %zu: %s", i, why_text(&w));
		assert_int_equal(r.version, rows[i].code == OK ? 0x100 : 77);
		arena_free(a);
	}
}

/* ---- what is measured ---- */

static void what_is_measured_has_the_sizes_of_the_ultravisor(void **state)
{
	static const struct {
		size_t cuid, user, additional, nonce;
		bool good;
	} rows[] = {
		{16, 0, 0, 0, true},	 {16, 256, 32768, 16, true}, {15, 0, 0, 0, false}, {17, 0, 0, 0, false},
		{16, 257, 0, 0, false},	 {16, 0, 32769, 0, false},   {16, 0, 0, 15, false}, {16, 0, 0, 17, false},
	};
	static const uint8_t zeros[40000], key[64];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct arena *a = arena_new(0);
		const struct se_measured m = {.tags = {slice_of(zeros, 64), slice_of(zeros, 64), slice_of(zeros, 64), slice_of(zeros, 16)},
					      .cuid = slice_of(zeros, rows[i].cuid), .user_data = slice_of(zeros, rows[i].user),
					      .additional = slice_of(zeros, rows[i].additional), .nonce = slice_of(zeros, rows[i].nonce)};
		uint8_t out[64];

		assert_int_equal(se_measure(a, &m, slice_of(key, 64), out, NULL).code, rows[i].good ? OK : E_MALFORMED);
		if (rows[i].good) {
			struct arena *b = arena_new(0);

			arena_fail_at(b, 1);
			assert_int_equal(se_measure(b, &m, slice_of(key, 64), out, NULL).code, E_INTERNAL);
			arena_free(b);
		}
		arena_free(a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_header_says_what_it_holds),
		cmocka_unit_test(a_request_is_of_the_one_form_that_is_known),
		cmocka_unit_test(what_is_measured_has_the_sizes_of_the_ultravisor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
