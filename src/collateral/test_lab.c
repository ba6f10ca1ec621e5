/* The cache against the vendors of the laboratory, over real sockets: what is asked, and what is asked only whether it changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/num.h"
#include "base/test_pace.h"
#include "collateral/cache.h"
#include "collateral/upstream.h"
#include "crypto/x509.h"
#include "evidence/job.h"
#include "lab/lab.h"
#include "lab/serve.h"
#include "lab/vendor.h"
#include "net/fetch.h"

#define DAY 86400

static _Atomic int64_t shift_s;

static int64_t shifted_now_ns(void *ctx)
{
	(void)ctx;
	return clock_now_ns(&clock_system) + shift_s * 1000000000;
}

/* The broker and the vendors live in one time, which passes when a test says so. */
static const struct clock shifted = {shifted_now_ns, NULL};

struct fixture {
	struct arena *a;
	struct why w;
	char dir[64], base[64];
	struct vendor *vendor;
	pthread_t thread;
	atomic_bool ready;
	struct fetcher *fetcher;
	struct store *store;
	struct upstream *upstream;
	struct collateral *c;
	struct vanchor root[4];
	size_t roots_n;
};

static void is_ready(void *ctx, const char *address)
{
	struct fixture *f = ctx;

	(void)snprintf(f->base, sizeof(f->base), "http://%s", address);
	atomic_store(&f->ready, true);
}

static void *serve(void *ctx)
{
	struct fixture *f = ctx;
	const struct serve_config c = {.listen = "127.0.0.1:0", .idle_s = 2 + test_pace() / 4, .ready = is_ready, .ctx = f};

	return rc_ok(lab_serve(f->vendor, &c, NULL)) ? f : NULL;
}

static void open_cache(struct fixture *f)
{
	const struct upstream_config u = {.amd = {{false, f->base}}, .amd_n = 1, .intel = f->base, .timeout_ms = 3000 * test_pace(), .loopback_http = true};
	struct collateral_config c = {.refresh_s = DAY};

	assert_true(rc_ok(upstream_open(&u, &f->upstream, &f->w)));
	c.source = upstream_source(f->upstream);
	assert_true(rc_ok(collateral_open(f->store, &shifted, &c, &f->c, &f->w)));
}

static void reopen_cache(struct fixture *f)
{
	collateral_close(f->c);
	upstream_close(f->upstream);
	open_cache(f);
}

/* As an operator would enrol the lab's roots: by their keys. */
static bool is_lab_root(void *ctx, const char *set, const uint8_t sha256[32])
{
	struct fixture *f = ctx;
	bool found = false;

	for (size_t i = 0; i < f->roots_n && !found; i++)
		found = strcmp(f->root[i].set, set) == 0 && memcmp(f->root[i].sha256, sha256, 32) == 0;
	return found;
}

static void enrol(struct fixture *f, const struct lab_world *l)
{
	for (size_t i = 0; i < l->n; i++) {
		struct x509 *c = NULL;

		if (!l->item[i].anchor)
			continue;
		assert_true(f->roots_n < COUNT_OF(f->root) && rc_ok(x509_from_any(l->item[i].bytes, &c, NULL)));
		f->root[f->roots_n].set = l->item[i].anchor;
		memcpy(f->root[f->roots_n++].sha256, x509_spki_sha256(c), 32);
		x509_free(c);
	}
}

static int setup(void **state)
{
	struct fixture *f = test_calloc(1, sizeof(*f));
	static const char *const tees[] = {"snp", "tdx"};

	f->a = arena_new(0);
	f->w = why_in(f->a);
	snprintf(f->dir, sizeof(f->dir), "/tmp/warrant-lab-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	for (size_t i = 0; i < COUNT_OF(tees); i++) {
		const struct lab_options o = {.now_s = clock_now_s(&clock_system), .small_keys = true};
		struct lab_world l;

		assert_true(rc_ok(lab_make(tees[i], &o, f->a, &l, &f->w)));
		assert_true(rc_ok(lab_save(&l, f->dir, f->a, &f->w)));
		enrol(f, &l);
	}
	assert_true(rc_ok(vendor_open(f->dir, &shifted, &f->vendor, &f->w)));
	assert_int_equal(pthread_create(&f->thread, NULL, serve, f), 0);
	while (!atomic_load(&f->ready))
		usleep(1000);
	assert_true(rc_ok(fetcher_new(&(struct fetch_config){.allow_loopback_http = true}, &f->fetcher, &f->w)));
	assert_true(rc_ok(store_open_memory(&shifted, &f->store, &f->w)));
	open_cache(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char cmd[128];
	void *ended;

	collateral_close(f->c);
	upstream_close(f->upstream);
	store_close(f->store);
	fetcher_free(f->fetcher);
	pthread_join(f->thread, &ended);	/* it ends by itself */
	assert_ptr_equal(ended, f);
	vendor_close(f->vendor);
	arena_free(f->a);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", f->dir);
	assert_int_equal(system(cmd), 0);
	shift_s = 0;
	test_free(f);
	return 0;
}

/* How often the vendors were asked, and how often they said that nothing has changed. */
static void count(struct fixture *f, unsigned *all, unsigned *unchanged)
{
	const struct fetch_request req = {.url = arena_printf(f->a, "%s/lab/asked", f->base)};
	struct fetch_reply reply;
	struct json *list;

	assert_true(rc_ok(fetch(f->fetcher, &req, f->a, &reply, &f->w)));
	assert_true(rc_ok(json_parse(f->a, reply.body, NULL, &list, &f->w)));
	*all = (unsigned)list->n;
	*unchanged = 0;
	for (size_t i = 0; i < list->n; i++) {
		uint64_t status = 0;

		assert_true(json_u64(json_get(list->items[i], "status"), &status));
		*unchanged += status == 304;
	}
}

static const struct {
	const char *kind, *key;
} pieces[] = {
	{"amd-ask-ark", "Genoa"},	   {"amd-crl", "Genoa"},	   {"amd-crl", "Genoa/vlek"},
	{"intel-tcb-info", "tdx/00906ed50000"}, {"intel-tcb-info-chain", "tdx/00906ed50000"}, {"intel-qe-identity", "sgx"},
	{"intel-qe-identity-chain", "sgx"}, {"intel-pck-crl", "processor"}, {"intel-root-crl", ""},
};

static void get_all(struct fixture *f, struct slice out[COUNT_OF(pieces)])
{
	for (size_t i = 0; i < COUNT_OF(pieces); i++)
		if (!rc_ok(collateral_get(f->c, pieces[i].kind, pieces[i].key, f->a, &out[i], &f->w)))
			fail_msg("%s %s: %s", pieces[i].kind, pieces[i].key, why_text(&f->w));
}

static void a_refresh_asks_whether_something_has_changed(void **state)
{
	struct slice first[COUNT_OF(pieces)], second[COUNT_OF(pieces)];
	struct fixture *f = *state;
	unsigned all, unchanged;

	get_all(f, first);
	count(f, &all, &unchanged);
	assert_int_equal(all, 7);	/* Intel's chains came with their documents */
	assert_int_equal(unchanged, 0);
	shift_s = DAY;
	collateral_refresh(f->c);
	count(f, &all, &unchanged);
	assert_int_equal(all, 14);	/* and a chain is as good as its document */
	assert_int_equal(unchanged, 7);
	get_all(f, second);
	for (size_t i = 0; i < COUNT_OF(pieces); i++)
		assert_true(slice_eq(first[i], second[i]));
	count(f, &all, &unchanged);
	assert_int_equal(all, 14);
}

/* What came along may be gone meanwhile: what was asked for is as good as new all the same. */
static void a_list_that_has_not_changed_needs_no_chain_to_be_as_good_as_new(void **state)
{
	struct fixture *f = *state;
	struct store_op op = {.kind = STORE_DELETE, .ns = CACHE_NS};
	struct cache_row *rows, row;
	struct slice out;
	char **names;
	size_t n = 0;

	assert_true(rc_ok(collateral_get(f->c, "intel-pck-crl", "platform", f->a, &out, &f->w)));
	assert_true(rc_ok(cache_list(f->store, "intel-pck-crl-chain", NULL, 8, f->a, &rows, &names, &n, &f->w)));
	assert_int_equal(n, 1);
	op.key = names[0];
	assert_true(rc_ok(store_commit(f->store, &op, 1, &f->w)));
	shift_s = DAY;
	collateral_refresh(f->c);
	assert_true(rc_ok(cache_get(f->store, "intel-pck-crl", "platform", f->a, &row, &f->w)));
	assert_true(row.fetched_s >= clock_now_s(&shifted) - 60);
	assert_true(rc_ok(collateral_get(f->c, "intel-root-crl", "", f->a, &out, &f->w)));	/* and the vendor is not put off */
}

/* Guests may bring AMD's certificates: then it is for the list that they are asked for, once, by whoever trusts their root. */
static void who_signs_a_list_is_asked_for_once(void **state)
{
	struct fixture *f = *state;
	unsigned all, unchanged;
	struct slice out;

	collateral_trust(f->c, is_lab_root, f);
	for (int i = 0; i < 2; i++)
		assert_true(rc_ok(collateral_get(f->c, "amd-crl", "Genoa", f->a, &out, &f->w)));
	count(f, &all, &unchanged);
	assert_int_equal(all, 2);
	assert_true(rc_ok(collateral_get(f->c, "amd-ask-ark", "Genoa", f->a, &out, &f->w)));
	count(f, &all, &unchanged);
	assert_int_equal(all, 2);
	assert_true(rc_ok(collateral_get(f->c, "amd-ask-ark", "Genoa/vlek", f->a, &out, &f->w)));
	assert_true(rc_ok(collateral_get(f->c, "amd-crl", "Genoa/vlek", f->a, &out, &f->w)));
	count(f, &all, &unchanged);
	assert_int_equal(all, 4);
}

static void what_was_issued_anew_takes_its_place(void **state)
{
	struct slice first[COUNT_OF(pieces)], second[COUNT_OF(pieces)];
	struct fixture *f = *state;
	unsigned all, unchanged;

	get_all(f, first);
	assert_true(rc_ok(vendor_set_faults(f->vendor, SLICE_LIT("{}"), &f->w)));	/* everything is issued again */
	shift_s = DAY;
	collateral_refresh(f->c);
	get_all(f, second);
	count(f, &all, &unchanged);
	assert_int_equal(all, 14);
	assert_int_equal(unchanged, 1);	/* AMD's chain, which is the same whenever it is asked for */
	for (size_t i = 0; i < COUNT_OF(pieces); i++)
		assert_int_equal(slice_eq(first[i], second[i]), i == 0 || strstr(pieces[i].kind, "-chain") != NULL);
}

static void a_list_that_revokes_replaces_one_that_does_not_and_never_the_other_way(void **state)
{
	struct fixture *f = *state;
	struct slice good, bad, out;

	assert_true(rc_ok(collateral_get(f->c, "intel-pck-crl", "platform", f->a, &good, &f->w)));
	assert_true(rc_ok(vendor_set_faults(f->vendor, SLICE_LIT("{\"intel-pck-crl\": \"revoked\"}"), &f->w)));
	shift_s = DAY;
	assert_true(rc_ok(collateral_get(f->c, "intel-pck-crl", "platform", f->a, &bad, &f->w)));
	assert_false(slice_eq(good, bad));
	assert_true(rc_ok(vendor_set_faults(f->vendor, SLICE_LIT("{\"intel-pck-crl\": \"gap=7.4\"}"), &f->w)));
	shift_s = 2 * DAY;
	assert_true(rc_ok(collateral_get(f->c, "intel-pck-crl", "platform", f->a, &out, &f->w)));
	assert_true(slice_eq(out, bad));
}

/* Pitfall: lists were believed until somebody used them, so a forged one could keep the vendor's out. */
static void a_list_with_a_forged_signature_is_not_kept(void **state)
{
	static const struct {
		const char *kind, *key;
	} row[] = {
		{"amd-crl", "Genoa"}, {"intel-tcb-info", "tdx/00906ed50000"}, {"intel-qe-identity", "tdx"}, {"intel-pck-crl", "platform"},
		{"intel-root-crl", ""},
	};
	struct fixture *f = *state;
	struct slice out;

	collateral_trust(f->c, is_lab_root, f);
	/* who signs Intel's root list is known from other answers */
	assert_true(rc_ok(collateral_get(f->c, "intel-qe-identity", "sgx", f->a, &out, &f->w)));
	assert_true(rc_ok(vendor_set_faults(f->vendor, SLICE_LIT("{\"*\": \"signature\"}"), &f->w)));
	for (size_t i = 0; i < COUNT_OF(row); i++) {
		if (collateral_get(f->c, row[i].kind, row[i].key, f->a, &out, &f->w).code != E_DENIED)
			fail_msg("%s: %s", row[i].kind, why_text(&f->w));
		assert_string_equal(why_reason(&f->w), "collateral.answer");
		assert_non_null(strstr(why_text(&f->w), "is not signed by it"));
		why_clear(&f->w);
		reopen_cache(f);	/* the vendor was put off */
		collateral_trust(f->c, is_lab_root, f);
	}
	assert_true(rc_ok(vendor_set_faults(f->vendor, SLICE_LIT("{}"), &f->w)));
	for (size_t i = 0; i < COUNT_OF(row); i++)
		if (!rc_ok(collateral_get(f->c, row[i].kind, row[i].key, f->a, &out, &f->w)))
			fail_msg("%s: %s", row[i].kind, why_text(&f->w));
	/* and one that is forged later leaves the good one where it is */
	assert_true(rc_ok(vendor_set_faults(f->vendor, SLICE_LIT("{\"*\": \"signature\"}"), &f->w)));
	shift_s = DAY;
	for (size_t i = 0; i < COUNT_OF(row); i++) {
		struct slice was, is;

		shift_s = 0;
		assert_true(rc_ok(collateral_get(f->c, row[i].kind, row[i].key, f->a, &was, &f->w)));
		shift_s = DAY;
		reopen_cache(f);
		collateral_trust(f->c, is_lab_root, f);
		assert_true(rc_ok(collateral_get(f->c, row[i].kind, row[i].key, f->a, &is, &f->w)));
		assert_true(slice_eq(was, is));
	}
}

static void a_busy_vendor_says_how_long(void **state)
{
	struct fixture *f = *state;
	unsigned long long ms;
	struct slice out;

	assert_true(rc_ok(vendor_set_faults(f->vendor, SLICE_LIT("{\"*\": \"busy=30\"}"), &f->w)));
	assert_int_equal(collateral_get(f->c, "intel-root-crl", "", f->a, &out, &f->w).code, E_LIMIT);
	assert_string_equal(why_reason(&f->w), "upstream.busy");
	why_clear(&f->w);
	assert_int_equal(collateral_get(f->c, "intel-root-crl", "", f->a, &out, &f->w).code, E_UNAVAILABLE);
	assert_int_equal(sscanf(why_text(&f->w), "intel failed lately; it is asked again in %llu ms", &ms), 1);
	assert_in_range(ms, 25000, 30000);
	why_clear(&f->w);
	/* AMD has not said so yet. */
	assert_int_equal(collateral_get(f->c, "amd-crl", "Genoa", f->a, &out, &f->w).code, E_LIMIT);
}

int main(void)
{
#define ROW(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		ROW(a_refresh_asks_whether_something_has_changed),
		ROW(what_was_issued_anew_takes_its_place),
		ROW(a_list_that_revokes_replaces_one_that_does_not_and_never_the_other_way),
		ROW(a_list_that_has_not_changed_needs_no_chain_to_be_as_good_as_new),
		ROW(who_signs_a_list_is_asked_for_once),
		ROW(a_list_with_a_forged_signature_is_not_kept),
		ROW(a_busy_vendor_says_how_long),
	};

	return cmocka_run_group_tests_name("lab", tests, NULL, NULL);
}
