/* Trust anchors of operators: added, listed, removed, and no more of them than are read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <unistd.h>

#include "as/anchors.h"
#include "base/sys.h"
#include "codec/base64.h"
#include "crypto/digest.h"
#include "crypto/pkey.h"

struct fix {
	struct arena *a;
	struct why w;
	struct store *store;
	struct anchors *an;
};

static int setup(void **state)
{
	struct fix *f = test_calloc(1, sizeof(*f));

	f->a = arena_new(0);
	f->w = why_in(f->a);
	assert_true(rc_ok(store_open_memory(&clock_system, &f->store, &f->w)));
	assert_true(rc_ok(anchors_open(f->store, &f->an, &f->w)));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fix *f = *state;

	anchors_close(f->an);
	store_close(f->store);
	arena_free(f->a);
	test_free(f);
	return 0;
}

static struct slice new_pem(struct fix *f)
{
	struct pkey *key;
	struct slice pem;

	assert_true(rc_ok(pkey_generate(KEY_P256, 0, &key, &f->w)));
	assert_true(rc_ok(pkey_to_public_pem(key, f->a, &pem, &f->w)));
	pkey_free(key);
	return pem;
}

static size_t count(struct fix *f)
{
	const struct vanchor *list;
	size_t n;

	assert_true(rc_ok(anchors_get(f->an, f->a, &list, &n, &f->w)));
	return n;
}

static void refused_at(struct fix *f, rc r, enum rc_code code, const char *reason, int line)
{
	if (r.code != code || strcmp(why_reason(&f->w), reason) != 0)
		fail_msg("line %d: %s %s (%s)", line, rc_name(r.code), why_reason(&f->w), why_text(&f->w));
	why_clear(&f->w);
}

#define REFUSED(call, code, reason) refused_at(f, (call), (code), (reason), __LINE__)

static void an_anchor_counts_from_its_enrolment_to_its_removal(void **state)
{
	struct fix *f = *state;
	struct slice one = new_pem(f), two = new_pem(f);
	char **names;
	size_t n;

	assert_true(rc_ok(anchors_add(f->an, SLICE_LIT("tpm-ak"), one, NULL, &f->w)));
	assert_true(rc_ok(anchors_add(f->an, SLICE_LIT("tpm-ak"), two, NULL, &f->w)));
	assert_true(rc_ok(anchors_add(f->an, SLICE_LIT("tpm-ak"), two, NULL, &f->w)));	/* the same again */
	assert_int_equal(count(f), 2);
	assert_true(rc_ok(anchors_list(f->an, f->a, &names, &n, &f->w)));
	assert_int_equal(n, 2);
	assert_memory_equal(names[0], "tpm-ak/", 7);
	REFUSED(anchors_remove(f->an, SLICE_LIT("amd-ark"), slice_cstr(names[0] + 7), NULL, &f->w), E_NOTFOUND, "as.anchor-absent");
	assert_true(rc_ok(anchors_remove(f->an, SLICE_LIT("tpm-ak"), slice_cstr(names[0] + 7), NULL, &f->w)));
	assert_int_equal(count(f), 1);	/* at once, not after a second */
	REFUSED(anchors_remove(f->an, SLICE_LIT("tpm-ak"), slice_cstr(names[0] + 7), NULL, &f->w), E_NOTFOUND, "as.anchor-absent");
}

static void bad_names_and_keys_are_refused(void **state)
{
	static const char *const sets[] = {"", "A", "a/b", "a_b", "abcdefghijklmnopqrstuvwxyz-0123456"}, *const digests[] = {"", "00", "zz", "../x"};
	struct fix *f = *state;
	struct slice pem = new_pem(f);

	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		REFUSED(anchors_add(f->an, slice_cstr(sets[i]), pem, NULL, &f->w), E_MALFORMED, "as.anchor");
		REFUSED(anchors_remove(f->an, slice_cstr(sets[i]), SLICE_LIT("00"), NULL, &f->w), E_MALFORMED, "as.anchor");
	}
	for (size_t i = 0; i < sizeof(digests) / sizeof(digests[0]); i++)
		REFUSED(anchors_remove(f->an, SLICE_LIT("tpm-ak"), slice_cstr(digests[i]), NULL, &f->w), E_MALFORMED, "as.anchor");
	assert_false(rc_ok(anchors_add(f->an, SLICE_LIT("tpm-ak"), SLICE_LIT("no PEM"), NULL, &f->w)));
	assert_int_equal(count(f), 0);
}

/* One that is stored but not read would look enrolled and count for nothing. */
static void the_anchor_that_would_not_be_read_is_refused(void **state)
{
	struct fix *f = *state;
	struct slice pem = new_pem(f);
	uint8_t d[32];

	assert_true(rc_ok(anchors_add(f->an, SLICE_LIT("tpm-ak"), pem, NULL, &f->w)));
	for (unsigned i = 1; i < ANCHORS_MAX; i++) {
		assert_true(rc_ok(digest(DIGEST_SHA256, slice_of(&i, sizeof(i)), d, &f->w)));
		assert_true(rc_ok(store_put(f->store, "trust_anchor", arena_printf(f->a, "tpm-ak/%s", hex_text(f->a, slice_of(d, 32))), SLICE_LIT("x"),
					    &f->w)));
	}
	REFUSED(anchors_add(f->an, SLICE_LIT("tpm-ak"), new_pem(f), NULL, &f->w), E_LIMIT, "as.anchors");
	assert_true(rc_ok(anchors_add(f->an, SLICE_LIT("tpm-ak"), pem, NULL, &f->w)));	/* there already */
	assert_int_equal(count(f), ANCHORS_MAX);
}

/* CVE-2025-1057 */
static void a_row_that_cannot_be_read_leaves_the_others(void **state)
{
	struct fix *f = *state;
	struct anchors *again;

	assert_true(rc_ok(anchors_add(f->an, SLICE_LIT("tpm-ak"), new_pem(f), NULL, &f->w)));
	assert_true(rc_ok(store_put(f->store, "trust_anchor", "no slash", SLICE_LIT("x"), &f->w)));
	assert_true(rc_ok(store_put(f->store, "trust_anchor", "tpm-ak/short", SLICE_LIT("x"), &f->w)));
	assert_true(rc_ok(store_put(f->store, "trust_anchor", "a-set-with-a-name-that-is-longer-than-any/00", SLICE_LIT("x"), &f->w)));
	assert_true(rc_ok(anchors_open(f->store, &again, &f->w)));
	anchors_close(f->an);
	f->an = again;
	assert_int_equal(count(f), 1);
}

static rc no_record(void *ctx, const struct store_op *ops, size_t n, struct why *w)
{
	(void)ctx;
	(void)ops;
	(void)n;
	return deny(w, E_UNAVAILABLE, "store.full", "no room for the record");
}

static void an_anchor_that_cannot_be_recorded_does_not_count(void **state)
{
	const struct store_committer by = {no_record, NULL};
	struct fix *f = *state;

	REFUSED(anchors_add(f->an, SLICE_LIT("tpm-ak"), new_pem(f), &by, &f->w), E_UNAVAILABLE, "store.full");
	assert_int_equal(count(f), 0);
}

static bool store_is_down;
static const struct store_vtable *own;

static rc list_or_not(struct store *s, const char *ns, const char *prefix, const char *after, size_t limit, int64_t now_s, struct arena *a,
		      char ***keys, size_t *n, struct why *w)
{
	if (store_is_down)
		return deny(w, E_UNAVAILABLE, "store.down", "down");
	return own->list(s, ns, prefix, after, limit, now_s, a, keys, n, w);
}

/* Another replica may have taken an anchor back: while that cannot be seen, nobody goes on with the old list, and not only the first who looks. */
static void while_the_store_cannot_be_read_no_anchor_counts(void **state)
{
	struct fix *f = *state;
	const struct vanchor *list;
	struct store_vtable vt = *f->store->vt;
	size_t n;

	own = f->store->vt;
	vt.list = list_or_not;
	f->store->vt = &vt;
	assert_true(rc_ok(anchors_add(f->an, SLICE_LIT("tpm-ak"), new_pem(f), NULL, &f->w)));
	assert_int_equal(count(f), 1);
	store_is_down = true;
	usleep(1100000);	/* what was read counts for a second */
	for (unsigned i = 0; i < 3; i++)
		REFUSED(anchors_get(f->an, f->a, &list, &n, &f->w), E_UNAVAILABLE, "store.down");
	store_is_down = false;
	assert_int_equal(count(f), 1);
	f->store->vt = own;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(while_the_store_cannot_be_read_no_anchor_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(an_anchor_counts_from_its_enrolment_to_its_removal, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_names_and_keys_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(the_anchor_that_would_not_be_read_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(a_row_that_cannot_be_read_leaves_the_others, setup, teardown),
		cmocka_unit_test_setup_teardown(an_anchor_that_cannot_be_recorded_does_not_count, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
