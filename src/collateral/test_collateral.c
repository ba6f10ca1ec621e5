#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collateral/collateral.h"

static int64_t fake_now = 1795557718;

static int64_t fake_now_ns(void *ctx)
{
	(void)ctx;
	return fake_now * 1000000000;
}

static const struct clock fake_clock = {fake_now_ns, NULL};

struct fake {
	atomic_int calls;
	enum rc_code fails;
	unsigned slow_ms;
};

static const char *fake_vendor(void *ctx, const char *kind)
{
	(void)ctx;
	return strncmp(kind, "amd-", 4) == 0 ? "amd" : NULL;
}

static rc fake_fetch(void *ctx, const char *kind, const char *key, struct arena *a, struct collateral_piece *pieces, size_t *n,
		     struct why *w)
{
	struct fake *f = ctx;
	int call = atomic_fetch_add(&f->calls, 1);

	if (f->slow_ms)
		usleep(f->slow_ms * 1000);
	if (f->fails)
		return deny(w, f->fails, "fake.down", "down");
	pieces[0] = (struct collateral_piece){kind, key, slice_cstr(arena_printf(a, "%s %s %d", kind, key, call))};
	pieces[1] = (struct collateral_piece){"amd-chain", key, SLICE_LIT("chain")};
	*n = 2;
	return rc_of(OK);
}

struct fixture {
	struct arena *a;
	struct why w;
	struct store *store;
	struct fake fake;
	struct collateral_source source;
	struct collateral *c;
	char dir[64];
};

static int setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));
	struct collateral_config config = {.dir = f->dir, .refresh_s = 1000};

	snprintf(f->dir, sizeof(f->dir), "/tmp/warrant-collateral-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	f->a = arena_new(0);
	f->w = why_in(f->a);
	f->source = (struct collateral_source){fake_vendor, fake_fetch, &f->fake};
	config.source = &f->source;
	assert_true(rc_ok(store_open_memory(&fake_clock, &f->store, &f->w)));
	assert_true(rc_ok(collateral_open(f->store, &fake_clock, &config, &f->c, &f->w)));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char cmd[128];

	collateral_close(f->c);
	store_close(f->store);
	arena_free(f->a);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", f->dir);
	assert_int_equal(system(cmd), 0);
	test_free(f);
	return 0;
}

static void *one_guest(void *arg)
{
	struct fixture *f = arg;
	struct arena *a = arena_new(0);
	struct slice out;
	rc r = collateral_get(f->c, "amd-vcek", "Milan/1", a, &out, NULL);
	bool ok = rc_ok(r) && slice_is(out, "amd-vcek Milan/1 0");

	arena_free(a);
	return ok ? f : NULL;
}

static void a_thousand_guests_on_a_cold_cache_make_one_fetch(void **state)
{
	struct fixture *f = *state;
	pthread_t t[1000];
	void *ok;

	f->fake.slow_ms = 200;
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(pthread_create(&t[i], NULL, one_guest, f), 0);
	for (size_t i = 0; i < 1000; i++) {
		pthread_join(t[i], &ok);
		assert_non_null(ok);
	}
	assert_int_equal(atomic_load(&f->fake.calls), 1);
	assert_int_equal(collateral_fetches(f->c), 1);
}

static void a_cached_piece_and_what_came_with_it_are_not_fetched(void **state)
{
	struct fixture *f = *state;
	struct slice out;

	assert_true(rc_ok(collateral_get(f->c, "amd-vcek", "k", f->a, &out, &f->w)));
	assert_true(rc_ok(collateral_get(f->c, "amd-vcek", "k", f->a, &out, &f->w)));
	assert_true(rc_ok(collateral_get(f->c, "amd-chain", "k", f->a, &out, &f->w)));
	assert_true(slice_is(out, "chain"));
	assert_int_equal(atomic_load(&f->fake.calls), 1);
}

static void a_vendor_that_fails_is_left_alone_for_a_while(void **state)
{
	struct fixture *f = *state;
	struct slice out;

	f->fake.fails = E_LIMIT;
	assert_int_equal(collateral_get(f->c, "amd-vcek", "k", f->a, &out, &f->w).code, E_LIMIT);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(collateral_get(f->c, "amd-vcek", "k", f->a, &out, &f->w).code, E_UNAVAILABLE);
		assert_string_equal(why_reason(&f->w), "collateral.put-off");
	}
	assert_int_equal(atomic_load(&f->fake.calls), 1);
}

static void guests_with_cached_collateral_go_on_while_the_vendor_is_down(void **state)
{
	struct fixture *f = *state;
	struct slice out;

	assert_true(rc_ok(collateral_get(f->c, "amd-vcek", "k", f->a, &out, &f->w)));
	f->fake.fails = E_UNAVAILABLE;
	fake_now += 86400;
	assert_true(rc_ok(collateral_get(f->c, "amd-vcek", "k", f->a, &out, &f->w)));
	assert_true(slice_is(out, "amd-vcek k 0"));
	fake_now -= 86400;
}

static void a_piece_that_is_due_is_refreshed(void **state)
{
	struct fixture *f = *state;
	struct slice out;

	assert_true(rc_ok(collateral_get(f->c, "amd-vcek", "k", f->a, &out, &f->w)));
	fake_now += 1000;
	assert_true(rc_ok(collateral_get(f->c, "amd-vcek", "k", f->a, &out, &f->w)));
	assert_true(slice_is(out, "amd-vcek k 1"));
	fake_now -= 1000;
}

static void the_folder_is_read_and_a_key_cannot_leave_it(void **state)
{
	struct fixture *f = *state;
	char path[128];
	struct slice out;

	snprintf(path, sizeof(path), "%s/intel-root-crl", f->dir);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/intel-root-crl/default", f->dir);
	assert_true(rc_ok(file_write_atomic(path, SLICE_LIT("crl"), 0600, &f->w)));
	assert_true(rc_ok(collateral_get(f->c, "intel-root-crl", "", f->a, &out, &f->w)));
	assert_true(slice_is(out, "crl"));
	assert_int_equal(collateral_get(f->c, "intel-root-crl", "../intel-root-crl/default", f->a, &out, &f->w).code, E_NOTFOUND);
	assert_int_equal(collateral_get(f->c, "intel-root-crl", "..", f->a, &out, &f->w).code, E_NOTFOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_thousand_guests_on_a_cold_cache_make_one_fetch, setup, teardown),
		cmocka_unit_test_setup_teardown(a_cached_piece_and_what_came_with_it_are_not_fetched, setup, teardown),
		cmocka_unit_test_setup_teardown(a_vendor_that_fails_is_left_alone_for_a_while, setup, teardown),
		cmocka_unit_test_setup_teardown(guests_with_cached_collateral_go_on_while_the_vendor_is_down, setup, teardown),
		cmocka_unit_test_setup_teardown(a_piece_that_is_due_is_refreshed, setup, teardown),
		cmocka_unit_test_setup_teardown(the_folder_is_read_and_a_key_cannot_leave_it, setup, teardown),
	};

	return cmocka_run_group_tests_name("collateral", tests, NULL, NULL);
}
