#include "evidence/test_shared.h"

#include "base/buf.h"
#include "evidence/dcap_pck.h"

/* OID 1.2.840.113741.1.13.1 and below, as bytes. */
static const uint8_t base_oid[] = {0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 0x01, 0x0d, 0x01};

static void put_tlv(struct buf *b, uint8_t tag, struct slice content)
{
	buf_putc(b, (char)tag);
	if (content.n >= 0x100) {
		buf_putc(b, (char)0x82);
		buf_be16(b, (uint16_t)content.n);
	} else if (content.n >= 0x80) {
		buf_putc(b, (char)0x81);
		buf_putc(b, (char)content.n);
	} else {
		buf_putc(b, (char)content.n);
	}
	buf_slice(b, content);
}

/* SEQUENCE { oid.arc[.arc2], value } */
static void put_item(struct buf *b, unsigned arc, unsigned arc2, uint8_t tag, struct slice value)
{
	struct buf oid = buf_in(b->arena, 0), item = buf_in(b->arena, 0);

	buf_put(&oid, base_oid, sizeof(base_oid));
	buf_putc(&oid, (char)arc);
	if (arc2)
		buf_putc(&oid, (char)arc2);
	put_tlv(&item, 0x06, buf_view(&oid));
	put_tlv(&item, tag, value);
	put_tlv(b, 0x30, buf_view(&item));
}

struct shape {
	unsigned skip, twice;		/* members left out or doubled; 0: none */
	unsigned skip_component;
	bool platform;			/* .6 and .7 */
	unsigned wide;			/* component 1 is 256 */
	const char *behind;
	unsigned also, also_tcb, also_config;	/* one more member of this arc; 256: of arc 0 */
	bool big_type;
	bool foreign;	/* and one under another prefix */
};

static struct slice extension(struct arena *a, const struct shape *s)
{
	static const uint8_t ones[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
	static const uint8_t wide[] = {1, 0}, pcesvn[] = {0x01, 0x0b}, standard[] = {0}, big[] = {1, 0, 0}, yes[] = {0xff};
	struct buf tcb = buf_in(a, 0), config = buf_in(a, 0), all = buf_in(a, 0), out = buf_in(a, 0);

	for (unsigned i = 1; i <= 16; i++)
		if (i != s->skip_component)
			put_item(&tcb, 2, i, 0x02, s->wide == i ? slice_of(wide, 2) : slice_of(&ones[i - 1], 1));
	put_item(&tcb, 2, 17, 0x02, slice_of(pcesvn, 2));
	put_item(&tcb, 2, 18, 0x04, slice_of(ones, 16));
	if (s->also_tcb)
		put_item(&tcb, s->foreign ? 3 : 2, s->also_tcb, 0x02, slice_of(ones, 1));
	for (unsigned i = 1; i <= 3; i++)
		put_item(&config, 7, i, 0x01, slice_of(yes, 1));
	if (s->also_config)
		put_item(&config, s->foreign ? 6 : 7, s->also_config, 0x01, slice_of(yes, 1));
	for (unsigned i = 1; i <= (s->platform ? 7 : 5); i++)
		for (unsigned n = 0; n < (i == s->skip ? 0u : i == s->twice ? 2u : 1u); n++) {
			if (i == 2 || i == 7)
				put_item(&all, i, 0, 0x30, buf_view(i == 2 ? &tcb : &config));
			else if (i == 5)
				put_item(&all, i, 0, 0x0a, s->big_type ? slice_of(big, 3) : slice_of(standard, 1));
			else
				put_item(&all, i, 0, 0x04, slice_of(ones, i == 3 ? 2 : i == 4 ? 6 : 16));
		}
	if (s->also)
		put_item(&all, s->also, s->foreign ? 1 : 0, 0x04, slice_of(ones, 1));
	put_tlv(&out, 0x30, buf_view(&all));
	buf_puts(&out, s->behind ? s->behind : "");
	return buf_view(&out);
}

static void the_members_are_read(void **state)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct dcap_pck p;

	(void)state;
	if (!rc_ok(dcap_pck_parse(extension(a, &(struct shape){.platform = true}), &p, &w)))
		fail_msg("%s", why_text(&w));
	assert_int_equal(p.components[0], 1);
	assert_int_equal(p.components[15], 16);
	assert_int_equal(p.pcesvn, 0x10b);
	assert_int_equal(p.fmspc[5], 6);
	assert_true(p.has_instance_id && p.has_config && p.smt_enabled && p.dynamic_platform && p.cached_keys);
	assert_true(rc_ok(dcap_pck_parse(extension(a, &(struct shape){0}), &p, &w)));
	assert_false(p.has_instance_id || p.has_config);
	arena_free(a);
}

static void an_extension_that_is_not_whole_is_refused(void **state)
{
	(void)state;
	for (unsigned i = 1; i <= 7; i++) {
		const struct shape shapes[] = {{.skip = i, .platform = true}, {.twice = i, .platform = true}};

		for (size_t k = 0; k < 2; k++) {
			struct arena *a = arena_new(0);
			struct dcap_pck p;
			rc r = dcap_pck_parse(extension(a, &shapes[k]), &p, NULL);

			/* the last two are optional here: the chain knows whether its CA must have them */
			assert_int_equal(r.code, k == 0 && i > 5 ? OK : E_MALFORMED);
			arena_free(a);
		}
	}
	for (unsigned i = 1; i <= 16; i++) {
		const struct shape shapes[] = {{.skip_component = i}, {.wide = i}};

		for (size_t k = 0; k < 2; k++) {
			struct arena *a = arena_new(0);
			struct dcap_pck p;

			assert_int_equal(dcap_pck_parse(extension(a, &shapes[k]), &p, NULL).code, E_MALFORMED);
			arena_free(a);
		}
	}
}

static void a_member_that_the_extension_does_not_have_is_refused(void **state)
{
	static const struct shape shapes[] = {
		{.platform = true, .also = 8}, {.platform = true, .also = 256}, {.platform = true, .also = 0x81}, {.platform = true, .also = 7, .foreign = true},
		{.platform = true, .also_tcb = 19}, {.platform = true, .also_tcb = 256}, {.platform = true, .also_tcb = 1},
		{.platform = true, .also_tcb = 1, .foreign = true}, {.platform = true, .also_config = 4}, {.platform = true, .also_config = 1},
		{.platform = true, .also_config = 256}, {.platform = true, .also_config = 1, .foreign = true}, {.big_type = true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		struct arena *a = arena_new(0);
		struct why w = why_in(a);
		struct dcap_pck p = {.pcesvn = 77};

		if (dcap_pck_parse(extension(a, &shapes[i]), &p, &w).code != E_MALFORMED)
			fail_msg("row %zu is taken", i);
		assert_string_equal(why_reason(&w), "dcap.parse.pck");
		assert_int_equal(p.pcesvn, 77);
		arena_free(a);
	}
}

static void bytes_behind_or_missing_are_refused(void **state)
{
	struct arena *a = arena_new(0);
	struct slice whole = extension(a, &(struct shape){.platform = true});
	struct dcap_pck p;

	(void)state;
	assert_int_equal(dcap_pck_parse(extension(a, &(struct shape){.behind = "x"}), &p, NULL).code, E_MALFORMED);
	for (size_t n = 0; n < whole.n; n++) {
		uint8_t *cut = exact_copy(whole, n);

		assert_int_equal(dcap_pck_parse(slice_of(cut, n), &p, NULL).code, E_MALFORMED);
		free(cut);
	}
	arena_free(a);
}

static void recorded_chains_load(void **state)
{
	struct arena *a = arena_new(0);
	struct dcap_chain *ch;
	struct why w = why_in(a);
	struct slice signing = shared_file(a, "dcap/certs/tcb_signing_2025.pem");

	(void)state;
	assert_true(rc_ok(dcap_signing_chain_load(signing, &ch, &w)));
	assert_null(ch->ca);
	dcap_chain_free(ch);
	assert_false(rc_ok(dcap_pck_chain_load(signing, &ch, &w)));
	assert_string_equal(why_reason(&w), "dcap.chain.length");
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_members_are_read),
		cmocka_unit_test(an_extension_that_is_not_whole_is_refused),
		cmocka_unit_test(a_member_that_the_extension_does_not_have_is_refused),
		cmocka_unit_test(bytes_behind_or_missing_are_refused),
		cmocka_unit_test(recorded_chains_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
