#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/num.h"
#include "codec/base64.h"
#include "collateral/bundle.h"
#include "collateral/test_make.h"
#include "crypto/digest.h"
#include "crypto/jose/jws.h"

#define NOW 1795557718
#define DAY 86400

static int64_t fixed_now(void *ctx)
{
	(void)ctx;
	return (int64_t)NOW * 1000000000;
}

static const struct clock fixed_clock = {fixed_now, NULL};

struct fixture {
	struct arena *a;
	struct why w;
	struct store *store, *other;
	struct pkey *key, *wrong;
	struct collateral *c;
	struct bundle b;
	struct slice text;
};

static rc put(struct fixture *f, const char *kind, const char *key, struct slice bytes)
{
	const struct collateral_piece p = {kind, key, bytes};

	return collateral_put(f->c, &p, 1, &f->w);
}

static int setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));
	const struct collateral_config config = {.dir = NULL};

	f->a = arena_new((size_t)256 << 20);
	f->w = why_in(f->a);
	assert_true(rc_ok(store_open_memory(&fixed_clock, &f->store, &f->w)));
	assert_true(rc_ok(store_open_memory(&fixed_clock, &f->other, &f->w)));
	assert_true(rc_ok(pkey_generate(KEY_ED25519, 0, &f->key, &f->w)));
	assert_true(rc_ok(pkey_generate(KEY_ED25519, 0, &f->wrong, &f->w)));
	assert_true(rc_ok(collateral_open(f->store, &fixed_clock, &config, &f->c, &f->w)));
	assert_true(rc_ok(put(f, "amd-crl", "Milan", make_crl(f->a, "ARK", 7, NOW - DAY, NOW + DAY))));
	assert_true(rc_ok(put(f, "nvidia-rim", "NV_GPU_1", SLICE_LIT("<rim/>"))));
	assert_true(rc_ok(put(f, "hygon-hrk", "", SLICE_LIT("hrk"))));
	assert_true(rc_ok(bundle_export(f->store, &fixed_clock, NULL, f->a, &f->b, &f->w)));
	assert_true(rc_ok(bundle_write(&f->b, f->key, f->a, &f->text, &f->w)));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	collateral_close(f->c);
	store_close(f->store);
	store_close(f->other);
	pkey_free(f->key);
	pkey_free(f->wrong);
	arena_free(f->a);
	test_free(f);
	return 0;
}

static rc read_back(struct fixture *f, struct slice text)
{
	return bundle_read(text, f->key, f->a, &f->b, &f->w);
}

static void what_is_exported_is_imported_elsewhere(void **state)
{
	struct fixture *f = *state;
	const struct collateral_config config = {.dir = NULL};
	struct bundle_result result;
	struct collateral *c;
	struct slice out;

	assert_int_equal(f->b.n, 3);
	assert_true(rc_ok(read_back(f, f->text)));
	assert_int_equal(f->b.n, 3);
	assert_int_equal(f->b.made_s, NOW);
	assert_true(rc_ok(bundle_import(f->other, &fixed_clock, &f->b, NULL, NULL, &result, &f->w)));
	assert_int_equal(result.imported, 3);
	assert_int_equal(result.older + result.refused, 0);
	assert_true(rc_ok(collateral_open(f->other, &fixed_clock, &config, &c, &f->w)));
	assert_true(rc_ok(collateral_get(c, "nvidia-rim", "NV_GPU_1", f->a, &out, &f->w)));
	assert_true(slice_is(out, "<rim/>"));
	assert_true(rc_ok(collateral_get(c, "hygon-hrk", "", f->a, &out, &f->w)));
	collateral_close(c);
}

static void one_kind_alone_is_exported(void **state)
{
	struct fixture *f = *state;

	assert_true(rc_ok(bundle_export(f->store, &fixed_clock, "amd-crl", f->a, &f->b, &f->w)));
	assert_int_equal(f->b.n, 1);
	assert_string_equal(f->b.pieces[0].kind, "amd-crl");
}

static void many_pieces_are_exported_page_by_page(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 300; i++)
		assert_true(rc_ok(put(f, "cca-cpak", arena_printf(f->a, "%d", i), SLICE_LIT("key"))));
	assert_true(rc_ok(bundle_export(f->store, &fixed_clock, NULL, f->a, &f->b, &f->w)));
	assert_int_equal(f->b.n, 303);
	assert_true(rc_ok(bundle_write(&f->b, f->key, f->a, &f->text, &f->w)));
	assert_true(rc_ok(read_back(f, f->text)));
	assert_int_equal(f->b.n, 303);
}

static void a_bundle_of_another_signer_is_refused(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(bundle_read(f->text, f->wrong, f->a, &f->b, &f->w).code, E_DENIED);
	assert_string_equal(why_reason(&f->w), "jws.signature");
}

/* Every byte of the file counts: no change of one leaves a bundle that reads. */
static void a_changed_byte_anywhere_is_refused(void **state)
{
	struct fixture *f = *state;
	uint8_t *copy = arena_alloc(f->a, f->text.n);

	for (size_t i = 0; i < f->text.n; i++) {
		struct arena_mark m = arena_mark(f->a);

		memcpy(copy, f->text.p, f->text.n);
		copy[i] ^= 1;
		if (rc_ok(read_back(f, slice_of(copy, f->text.n))))
			fail_msg("byte %zu changed, and the bundle reads", i);
		why_clear(&f->w);
		arena_reset(f->a, m);
	}
}

static void a_cut_or_longer_bundle_is_refused(void **state)
{
	struct fixture *f = *state;
	uint8_t *copy = arena_alloc(f->a, f->text.n + 1);

	memcpy(copy, f->text.p, f->text.n);
	copy[f->text.n] = '\n';
	assert_int_equal(read_back(f, slice_of(copy, f->text.n + 1)).code, E_MALFORMED);
	assert_string_equal(why_reason(&f->w), "bundle.trailing");
	for (size_t n = 0; n < f->text.n; n++) {
		struct arena_mark m = arena_mark(f->a);

		assert_false(rc_ok(read_back(f, slice_of(copy, n))));
		why_clear(&f->w);
		arena_reset(f->a, m);
	}
}

static void pieces_that_were_swapped_are_refused(void **state)
{
	struct fixture *f = *state;
	struct slice line[5], rest = f->text;
	struct buf b = buf_in(f->a, 0);
	size_t n = 0;

	while (rest.n) {
		line[n].p = rest.p;
		line[n].n = (size_t)((const uint8_t *)memchr(rest.p, '\n', rest.n) - rest.p) + 1;
		rest = slice_sub(rest, line[n++].n, rest.n);
	}
	assert_int_equal(n, 4);
	for (size_t i = 0; i < n; i++)
		buf_slice(&b, line[i == 2 ? 3 : i == 3 ? 2 : i]);
	assert_int_equal(read_back(f, buf_view(&b)).code, E_DENIED);
	assert_string_equal(why_reason(&f->w), "bundle.digest");
}

/* The signer's key signs other things too; none of them is a bundle. */
static void a_token_of_the_same_key_is_no_bundle(void **state)
{
	struct fixture *f = *state;
	struct buf b = buf_in(f->a, 0);
	struct slice jws;

	assert_true(rc_ok(jws_sign(f->key, SIG_EDDSA, NULL,
				   SLICE_LIT("{\"format\":\"warrant-collateral-bundle/1\",\"made\":\"2026-01-01T00:00:00Z\",\"pieces\":[]}"), f->a,
				   &jws, &f->w)));
	buf_slice(&b, jws);
	buf_putc(&b, '\n');
	assert_int_equal(read_back(f, buf_view(&b)).code, E_DENIED);
	assert_string_equal(why_reason(&f->w), "bundle.type");
}

struct seen {
	unsigned n;
	const char *reason;
};

static void on_refused(const struct collateral_piece *p, const struct why *why, void *ctx)
{
	struct seen *s = ctx;

	assert_string_equal(p->kind, "amd-crl");
	s->n++;
	s->reason = why_reason(why);
}

static void an_older_list_in_a_bundle_stays_outside(void **state)
{
	struct fixture *f = *state;
	struct slice newer = make_crl(f->a, "ARK", 8, NOW - 10, NOW + DAY), out;
	struct bundle_result result;
	struct seen seen = {0};

	assert_true(rc_ok(put(f, "amd-crl", "Milan", newer)));
	assert_true(rc_ok(read_back(f, f->text)));
	assert_true(rc_ok(bundle_import(f->store, &fixed_clock, &f->b, on_refused, &seen, &result, &f->w)));
	assert_int_equal(result.older, 1);
	assert_int_equal(result.imported, 2);
	assert_int_equal(seen.n, 1);
	assert_string_equal(seen.reason, "collateral.older");
	assert_true(rc_ok(collateral_get(f->c, "amd-crl", "Milan", f->a, &out, &f->w)));
	assert_true(slice_eq(out, newer));
}

static void a_piece_that_is_not_what_it_is_called_stays_outside(void **state)
{
	struct fixture *f = *state;
	struct collateral_piece p = {"amd-crl", "Genoa", SLICE_LIT("no list")};
	const struct bundle b = {.made_s = NOW, .pieces = &p, .n = 1};
	struct bundle_result result;
	struct seen seen = {0};

	assert_true(rc_ok(bundle_import(f->store, &fixed_clock, &b, on_refused, &seen, &result, &f->w)));
	assert_int_equal(result.refused, 1);
	assert_string_equal(seen.reason, "collateral.content");
}

static void a_bundle_of_too_many_pieces_is_not_written(void **state)
{
	struct fixture *f = *state;
	struct bundle b = {.n = BUNDLE_PIECES_MAX + 1};

	assert_int_equal(bundle_write(&b, f->key, f->a, &f->text, &f->w).code, E_LIMIT);
}

static void reading_survives_each_failed_allocation(void **state)
{
	struct fixture *f = *state;
	bool done = false;

	for (unsigned n = 1; n < 500 && !done; n++) {
		struct arena *a = arena_new(0);
		struct bundle b;

		arena_fail_at(a, n);
		done = rc_ok(bundle_read(f->text, f->key, a, &b, NULL));
		arena_free(a);
	}
	assert_true(done);
}

int main(void)
{
#define ROW(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		ROW(what_is_exported_is_imported_elsewhere),
		ROW(one_kind_alone_is_exported),
		ROW(many_pieces_are_exported_page_by_page),
		ROW(a_bundle_of_another_signer_is_refused),
		ROW(a_changed_byte_anywhere_is_refused),
		ROW(a_cut_or_longer_bundle_is_refused),
		ROW(pieces_that_were_swapped_are_refused),
		ROW(a_token_of_the_same_key_is_no_bundle),
		ROW(an_older_list_in_a_bundle_stays_outside),
		ROW(a_piece_that_is_not_what_it_is_called_stays_outside),
		ROW(a_bundle_of_too_many_pieces_is_not_written),
		ROW(reading_survives_each_failed_allocation),
	};

	return cmocka_run_group_tests_name("bundle", tests, NULL, NULL);
}
