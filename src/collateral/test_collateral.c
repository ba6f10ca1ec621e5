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

#include "collateral/cache.h"
#include "base/num.h"
#include "collateral/collateral.h"
#include "collateral/kinds.h"
#include "collateral/test_make.h"
#include "lab/intel.h"

static _Atomic int64_t fake_now = 1795557718;

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
	struct slice crl;	/* what "amd-crl" gives */
	const char *etag;	/* with that name */
	bool unchanged;		/* or says that it has not changed */
	unsigned retry_after_s;
	char asked_etag[32];	/* of the last call */
};

static const char *fake_vendor(void *ctx, const char *kind)
{
	(void)ctx;
	return strncmp(kind, "amd-", 4) == 0 ? "amd" : NULL;
}

static rc fake_fetch(void *ctx, const char *kind, const char *key, const struct collateral_piece *held, struct arena *a,
		     struct collateral_answer *out, struct why *w)
{
	struct fake *f = ctx;
	int call = atomic_fetch_add(&f->calls, 1);

	*out = (struct collateral_answer){.retry_after_s = f->retry_after_s};
	snprintf(f->asked_etag, sizeof(f->asked_etag), "%s", held && held->etag ? held->etag : "");

	if (f->slow_ms)
		usleep(f->slow_ms * 1000);
	if (f->fails)
		return deny(w, f->fails, "fake.down", "down");
	if (strcmp(kind, "amd-crl") == 0) {
		out->piece[0] = (struct collateral_piece){kind, key, f->unchanged ? (struct slice){0} : f->crl, f->etag, NULL};
		out->n = 1;
		return rc_of(OK);
	}
	out->piece[0] = (struct collateral_piece){kind, key, slice_cstr(arena_printf(a, "%s %s %d", kind, key, call)), NULL, NULL};
	out->piece[1] = (struct collateral_piece){"amd-chain", key, SLICE_LIT("chain"), NULL, NULL};
	out->n = 2;
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

#define DAY 86400

static struct slice crl_of(struct fixture *f, long number, int64_t from)
{
	return make_crl(f->a, "ARK-Test", number, from, from + 30 * DAY);
}

/* As if the process had begun anew: put-offs and budgets are forgotten, the cache is not. */
static void begin_anew(struct fixture *f, unsigned starts_per_min)
{
	const struct collateral_config config = {.dir = f->dir, .refresh_s = 1000, .source = &f->source, .starts_per_min = starts_per_min};

	collateral_close(f->c);
	assert_true(rc_ok(collateral_open(f->store, &fake_clock, &config, &f->c, &f->w)));
}

static void *one_guest(void *arg)
{
	struct fixture *f = arg;
	struct arena *a = arena_new(0);
	struct slice out;
	rc r = collateral_get(f->c, "amd-piece", "Milan/1", a, &out, NULL);
	bool ok = rc_ok(r) && slice_is(out, "amd-piece Milan/1 0");

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

	assert_true(rc_ok(collateral_get(f->c, "amd-piece", "k", f->a, &out, &f->w)));
	assert_true(rc_ok(collateral_get(f->c, "amd-piece", "k", f->a, &out, &f->w)));
	assert_true(rc_ok(collateral_get(f->c, "amd-chain", "k", f->a, &out, &f->w)));
	assert_true(slice_is(out, "chain"));
	assert_int_equal(atomic_load(&f->fake.calls), 1);
}

static void a_vendor_that_fails_is_left_alone_for_a_while(void **state)
{
	struct fixture *f = *state;
	struct slice out;

	f->fake.fails = E_LIMIT;
	assert_int_equal(collateral_get(f->c, "amd-piece", "k", f->a, &out, &f->w).code, E_LIMIT);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(collateral_get(f->c, "amd-piece", "k", f->a, &out, &f->w).code, E_UNAVAILABLE);
		assert_string_equal(why_reason(&f->w), "collateral.put-off");
	}
	assert_int_equal(atomic_load(&f->fake.calls), 1);
}

/* What it says counts where it is longer than our own patience, and up to a cap. */
static void a_vendor_is_left_alone_as_long_as_it_asks_for(void **state)
{
	static const struct {
		unsigned asks_for_s;
		unsigned long long at_least_ms, at_most_ms;
	} all[] = {{0, 1, 1000}, {1, 1, 1000}, {20, 15000, 20000}, {UINT32_MAX, 3590000, 3600000}};
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT_OF(all); i++) {
		unsigned long long ms;
		struct slice out;

		begin_anew(f, 0);
		f->fake.fails = E_LIMIT;
		f->fake.retry_after_s = all[i].asks_for_s;
		assert_int_equal(collateral_get(f->c, "amd-piece", "k", f->a, &out, &f->w).code, E_LIMIT);
		why_clear(&f->w);
		assert_int_equal(collateral_get(f->c, "amd-piece", "k", f->a, &out, &f->w).code, E_UNAVAILABLE);
		assert_string_equal(why_reason(&f->w), "collateral.put-off");
		assert_int_equal(sscanf(why_text(&f->w), "amd failed lately; it is asked again in %llu ms", &ms), 1);
		if (ms < all[i].at_least_ms || ms > all[i].at_most_ms)
			fail_msg("it asked for %u s and gets %llu ms", all[i].asks_for_s, ms);
		why_clear(&f->w);
	}
	assert_int_equal(atomic_load(&f->fake.calls), COUNT_OF(all));
}

static void a_word_of_the_vendor_ends(void **state)
{
	struct fixture *f = *state;
	struct slice out;

	f->fake.fails = E_UNAVAILABLE;
	f->fake.retry_after_s = 2;
	assert_int_equal(collateral_get(f->c, "amd-piece", "k", f->a, &out, NULL).code, E_UNAVAILABLE);
	f->fake.fails = OK;
	usleep(1200 * 1000);	/* our own put-off is over */
	assert_int_equal(collateral_get(f->c, "amd-piece", "k", f->a, &out, NULL).code, E_UNAVAILABLE);
	usleep(1000 * 1000);
	assert_true(rc_ok(collateral_get(f->c, "amd-piece", "k", f->a, &out, NULL)));
	assert_int_equal(atomic_load(&f->fake.calls), 2);
}

/* Names of chips cost nothing: after so many fetches the rest is for what is cached, and time gives more. */
static void guests_that_invent_chips_spend_a_budget_that_refreshing_does_not_share(void **state)
{
	struct fixture *f = *state;
	unsigned served = 0;
	struct slice out;

	begin_anew(f, 40);
	for (unsigned i = 0; i < 200; i++) {
		rc r = collateral_get(f->c, "amd-piece", arena_printf(f->a, "chip-%u", i), f->a, &out, &f->w);

		served += rc_ok(r);
		if (!rc_ok(r)) {
			assert_int_equal(r.code, E_UNAVAILABLE);
			assert_string_equal(why_reason(&f->w), "collateral.budget");
		}
		why_clear(&f->w);
	}
	assert_int_equal(served, 30);	/* three quarters of 40 */
	assert_int_equal(atomic_load(&f->fake.calls), 30);
	fake_now += 1000;		/* all thirty are due */
	for (unsigned i = 0; i < 30; i++)
		assert_true(rc_ok(collateral_get(f->c, "amd-piece", arena_printf(f->a, "chip-%u", i), f->a, &out, NULL)));
	assert_in_range(atomic_load(&f->fake.calls), 39, 41);	/* ten were left, and what a moment brings */
	fake_now -= 1000;
	begin_anew(f, 6000);
	while (rc_ok(collateral_get(f->c, "amd-piece", arena_printf(f->a, "fresh-%u", served), f->a, &out, NULL)))
		assert_true(served++ < 100000);
	usleep(50 * 1000);	/* a hundred a second */
	assert_true(rc_ok(collateral_get(f->c, "amd-piece", "fresh", f->a, &out, &f->w)));
}

static void a_piece_that_has_not_changed_stays_and_is_as_good_as_new(void **state)
{
	struct fixture *f = *state;
	struct slice first, out;

	f->fake.crl = crl_of(f, 7, fake_now - DAY);
	f->fake.etag = "\"seven\"";
	assert_true(rc_ok(collateral_get(f->c, "amd-crl", "Milan", f->a, &first, &f->w)));
	assert_string_equal(f->fake.asked_etag, "");
	f->fake.unchanged = true;
	for (int i = 1; i < 4; i++) {
		fake_now += 1000;
		assert_true(rc_ok(collateral_get(f->c, "amd-crl", "Milan", f->a, &out, &f->w)));
		assert_true(slice_eq(out, first));
		assert_string_equal(f->fake.asked_etag, "\"seven\"");
		assert_int_equal(atomic_load(&f->fake.calls), i + 1);
		assert_true(rc_ok(collateral_get(f->c, "amd-crl", "Milan", f->a, &out, &f->w)));
		assert_int_equal(atomic_load(&f->fake.calls), i + 1);	/* not due any more */
	}
	/* What changed takes its place, under its own name. */
	f->fake.unchanged = false;
	f->fake.crl = crl_of(f, 8, fake_now);
	f->fake.etag = "\"eight\"";
	for (int i = 0; i < 2; i++) {
		fake_now += 1000;
		assert_true(rc_ok(collateral_get(f->c, "amd-crl", "Milan", f->a, &out, &f->w)));
		assert_true(slice_eq(out, f->fake.crl));
		assert_string_equal(f->fake.asked_etag, i ? "\"eight\"" : "\"seven\"");
	}
	fake_now -= 5000;
}

static void guests_with_cached_collateral_go_on_while_the_vendor_is_down(void **state)
{
	struct fixture *f = *state;
	struct slice out;

	assert_true(rc_ok(collateral_get(f->c, "amd-piece", "k", f->a, &out, &f->w)));
	f->fake.fails = E_UNAVAILABLE;
	fake_now += 86400;
	assert_true(rc_ok(collateral_get(f->c, "amd-piece", "k", f->a, &out, &f->w)));
	assert_true(slice_is(out, "amd-piece k 0"));
	fake_now -= 86400;
}

static void a_piece_that_is_due_is_refreshed(void **state)
{
	struct fixture *f = *state;
	struct slice out;

	assert_true(rc_ok(collateral_get(f->c, "amd-piece", "k", f->a, &out, &f->w)));
	fake_now += 1000;
	assert_true(rc_ok(collateral_get(f->c, "amd-piece", "k", f->a, &out, &f->w)));
	assert_true(slice_is(out, "amd-piece k 1"));
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

/* ---- never back ---- */



static rc put_crl(struct fixture *f, struct slice crl)
{
	const struct collateral_piece p = {"amd-crl", "Milan", crl};

	return collateral_put(f->c, &p, 1, &f->w);
}

/* CVE-2024-23332: a trusted artefact of yesterday in place of today's. */
static void an_older_revocation_list_does_not_replace_a_newer_one(void **state)
{
	struct fixture *f = *state;
	struct slice held = crl_of(f, 7, fake_now - DAY), out;

	assert_true(rc_ok(put_crl(f, held)));
	assert_int_equal(put_crl(f, crl_of(f, 7, fake_now - 2 * DAY)).code, E_DENIED);
	assert_string_equal(why_reason(&f->w), "collateral.older");
	assert_int_equal(put_crl(f, crl_of(f, 6, fake_now - DAY)).code, E_DENIED);
	assert_string_equal(why_reason(&f->w), "collateral.older");
	assert_true(rc_ok(collateral_get(f->c, "amd-crl", "Milan", f->a, &out, &f->w)));
	assert_true(slice_eq(out, held));
	assert_true(rc_ok(put_crl(f, crl_of(f, 8, fake_now))));
}

/* A signed TCB info or QE identity of this evaluation; DAY is how long it holds. */
static struct slice document(struct fixture *f, bool qe, unsigned evaluation, int64_t issued)
{
	const struct lab_options o = {.now_s = fake_now};
	const struct lab_dates d = {issued, issued + DAY};
	struct lab_world l;
	struct json *with;
	struct slice out;

	assert_true(rc_ok(lab_make("tdx", &o, f->a, &l, &f->w)));
	assert_true(rc_ok(json_parse(f->a, slice_cstr(arena_printf(f->a, "{\"tcbEvaluationDataNumber\":%u}", evaluation)), NULL, &with, &f->w)));
	if (qe)
		assert_true(rc_ok(lab_intel_qe_identity(&l, true, d, with, f->a, &out, &f->w)));
	else
		assert_true(rc_ok(lab_intel_tcb_info(&l, true, LAB_FMSPC, d, with, f->a, &out, &f->w)));
	return out;
}

/* The vendor signs documents of earlier evaluations with dates of today as well: a mirror that serves those would undo a recovery of the
 * TCB. Who chose the slower publication gets it once what is held has ended. */
static void a_document_of_an_earlier_evaluation_waits_for_the_end_of_the_later_one(void **state)
{
	struct fixture *f = *state;

	for (int qe = 0; qe < 2; qe++) {
		const char *kind = qe ? "intel-qe-identity" : "intel-tcb-info", *key = qe ? "tdx" : "tdx/" LAB_FMSPC;
		const int64_t began = fake_now;
		struct collateral_piece p = {kind, key, document(f, qe, 18, began)};

		assert_true(rc_ok(collateral_put(f->c, &p, 1, &f->w)));
		p.bytes = document(f, qe, 17, began + 60);
		assert_int_equal(collateral_put(f->c, &p, 1, &f->w).code, E_DENIED);
		assert_string_equal(why_reason(&f->w), "collateral.older");
		p.bytes = document(f, qe, 18, began + 60);
		assert_true(rc_ok(collateral_put(f->c, &p, 1, &f->w)));
		p.bytes = document(f, qe, 19, began + 120);
		assert_true(rc_ok(collateral_put(f->c, &p, 1, &f->w)));
		fake_now = began + 120 + DAY;	/* the last second of what is held */
		p.bytes = document(f, qe, 18, fake_now);
		assert_int_equal(collateral_put(f->c, &p, 1, &f->w).code, E_DENIED);
		fake_now++;
		assert_true(rc_ok(collateral_put(f->c, &p, 1, &f->w)));
	}
}

static void one_older_piece_refuses_its_whole_import(void **state)
{
	struct fixture *f = *state;
	struct slice out;

	assert_true(rc_ok(put_crl(f, crl_of(f, 7, fake_now - DAY))));
	const struct collateral_piece two[] = {{"amd-piece", "new", SLICE_LIT("x")}, {"amd-crl", "Milan", crl_of(f, 1, fake_now - 9 * DAY)}};
	assert_int_equal(collateral_put(f->c, two, 2, &f->w).code, E_DENIED);
	f->fake.fails = E_UNAVAILABLE;
	assert_false(rc_ok(collateral_get(f->c, "amd-piece", "new", f->a, &out, &f->w)));
}

static void a_new_issuer_may_count_anew(void **state)
{
	struct fixture *f = *state;

	assert_true(rc_ok(put_crl(f, crl_of(f, 700, fake_now - DAY))));
	assert_true(rc_ok(put_crl(f, make_crl(f->a, "ARK-Next", 1, fake_now, fake_now + DAY))));
}

static void a_vendor_that_gives_an_older_list_is_not_followed(void **state)
{
	struct fixture *f = *state;
	struct slice held = crl_of(f, 7, fake_now - DAY), out;

	assert_true(rc_ok(put_crl(f, held)));
	f->fake.crl = crl_of(f, 3, fake_now - 20 * DAY);
	fake_now += 1000;
	for (int i = 0; i < 3; i++) {
		assert_true(rc_ok(collateral_get(f->c, "amd-crl", "Milan", f->a, &out, &f->w)));
		assert_true(slice_eq(out, held));
	}
	/* It was asked once, and is no vendor that failed. */
	assert_int_equal(atomic_load(&f->fake.calls), 1);
	assert_true(rc_ok(collateral_get(f->c, "amd-piece", "k", f->a, &out, &f->w)));
	fake_now -= 1000;
}

static void a_list_of_tomorrow_is_refused(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(put_crl(f, crl_of(f, 7, fake_now + DAY)).code, E_DENIED);
	assert_string_equal(why_reason(&f->w), "collateral.future");
	assert_true(rc_ok(put_crl(f, crl_of(f, 7, fake_now + 60))));
}

static void what_is_no_list_is_not_cached_as_one(void **state)
{
	struct fixture *f = *state;
	struct slice out;

	f->fake.crl = SLICE_LIT("<html>please log in</html>");
	assert_int_equal(collateral_get(f->c, "amd-crl", "Milan", f->a, &out, &f->w).code, E_MALFORMED);
	assert_string_equal(why_reason(&f->w), "collateral.answer");
	assert_int_equal(collateral_get(f->c, "amd-crl", "Milan", f->a, &out, &f->w).code, E_UNAVAILABLE);
	assert_string_equal(why_reason(&f->w), "collateral.put-off");
}

struct importer {
	struct fixture *f;
	struct slice crl;
};

static void *import_one(void *arg)
{
	const struct importer *i = arg;
	const struct collateral_piece p = {"amd-crl", "Milan", i->crl};

	for (int k = 0; k < 20; k++)
		(void)collateral_put(i->f->c, &p, 1, NULL).code;
	return NULL;
}

static void racing_imports_leave_the_newest(void **state)
{
	struct fixture *f = *state;
	struct importer i[4];
	pthread_t t[4];
	struct slice out;

	for (int k = 0; k < 4; k++) {
		i[k] = (struct importer){f, crl_of(f, 10 + k, fake_now - 10 + k)};
		assert_int_equal(pthread_create(&t[k], NULL, import_one, &i[k]), 0);
	}
	for (int k = 0; k < 4; k++)
		pthread_join(t[k], NULL);
	assert_true(rc_ok(collateral_get(f->c, "amd-crl", "Milan", f->a, &out, &f->w)));
	assert_true(slice_eq(out, i[3].crl));
}

/* ---- the refresher ---- */

static void reopen(struct fixture *f, int64_t stale_s)
{
	const struct collateral_config config = {.source = &f->source, .refresh_s = 1000, .background = true, .stale_s = stale_s};

	collateral_close(f->c);
	assert_true(rc_ok(collateral_open(f->store, &fake_clock, &config, &f->c, &f->w)));
}

static void no_request_waits_for_a_piece_that_is_only_due(void **state)
{
	struct fixture *f = *state;
	int64_t from;
	struct slice out;

	reopen(f, 0);
	assert_true(rc_ok(collateral_get(f->c, "amd-piece", "k", f->a, &out, &f->w)));
	f->fake.slow_ms = 300;
	fake_now += 1000;
	from = sys_monotonic_ns();
	assert_true(rc_ok(collateral_get(f->c, "amd-piece", "k", f->a, &out, &f->w)));
	assert_true(sys_monotonic_ns() - from < 200 * 1000000LL);
	assert_true(slice_is(out, "amd-piece k 0"));
	fake_now -= 1000;
}

static void a_due_list_is_refreshed_in_the_background(void **state)
{
	struct fixture *f = *state;
	struct slice held = crl_of(f, 7, fake_now - DAY), out = held;

	reopen(f, 0);
	assert_true(rc_ok(put_crl(f, held)));
	f->fake.crl = crl_of(f, 8, fake_now);
	fake_now += 1000;
	for (int i = 0; i < 500 && slice_eq(out, held); i++) {
		assert_true(rc_ok(collateral_get(f->c, "amd-crl", "Milan", f->a, &out, &f->w)));
		usleep(10000);
	}
	assert_true(slice_eq(out, f->fake.crl));
	assert_int_equal(atomic_load(&f->fake.calls), 1);
	fake_now -= 1000;
}

static void a_list_behind_its_grace_is_fetched_for_the_request(void **state)
{
	struct fixture *f = *state;
	struct slice held = make_crl(f->a, "ARK-Test", 7, fake_now - DAY, fake_now + 100), out;

	reopen(f, 0);
	assert_true(rc_ok(put_crl(f, held)));
	f->fake.crl = crl_of(f, 8, fake_now);
	fake_now += 700;
	assert_true(rc_ok(collateral_get(f->c, "amd-crl", "Milan", f->a, &out, &f->w)));
	assert_true(slice_eq(out, f->fake.crl));
	fake_now -= 700;
}

static void a_row_that_cannot_be_read_stops_no_refresh(void **state)
{
	struct fixture *f = *state;

	for (char k = 'a'; k <= 'z'; k++)
		assert_true(rc_ok(collateral_put(f->c, &(struct collateral_piece){"amd-crl", arena_strndup(f->a, &k, 1), crl_of(f, 7, fake_now - DAY)},
						 1, &f->w)));
	assert_true(rc_ok(store_put(f->store, CACHE_NS, "amd-crl/0", SLICE_LIT("no document"), &f->w)));
	f->fake.crl = crl_of(f, 8, fake_now);
	fake_now += 1000;
	collateral_refresh(f->c);
	assert_int_equal(atomic_load(&f->fake.calls), 26);
	fake_now -= 1000;
}

static void facts_are_read_only_from_what_is_of_the_form(void **state)
{
	struct fixture *f = *state;
	struct collateral_facts facts;

	for (const struct collateral_kind *k = collateral_kinds; k->name; k++) {
		rc r = collateral_facts(k->name, SLICE_LIT("neither"), f->a, &facts, &f->w);

		assert_int_equal(r.code, k->form == COLLATERAL_OTHER ? OK : E_MALFORMED);
	}
	assert_true(rc_ok(collateral_facts("amd-crl", crl_of(f, 7, fake_now), f->a, &facts, &f->w)));
	assert_true(facts.dated);
	assert_int_equal(facts.issued_s, fake_now);
	assert_int_equal(facts.next_s, fake_now + 30 * DAY);
	assert_int_equal(facts.number, 7);
}

/* ---- one list ---- */

static void every_kind_is_documented_and_no_other(void **state)
{
	struct fixture *f = *state;
	char *path = arena_printf(f->a, "%s/docs/collateral.md", getenv("WARRANT_SOURCE"));
	unsigned rows = 0, kinds = 0;
	struct slice text;

	assert_true(rc_ok(file_read(f->a, path, 1 << 20, &text, &f->w)));
	for (const char *p = (const char *)text.p; (p = strstr(p, "\n| `")); p++)
		rows++;
	for (const struct collateral_kind *k = collateral_kinds; k->name; k++, kinds++)
		if (!strstr((const char *)text.p, arena_printf(f->a, "\n| `%s` | ", k->name)))
			fail_msg("%s is not in docs/collateral.md", k->name);
	assert_int_equal(rows, kinds);
}

/* The literals of vjob_want() and of the macros that name kinds. */
static void every_kind_that_a_driver_asks_for_is_in_the_table(void **state)
{
	struct fixture *f = *state;
	char *cmd = arena_printf(f->a,
				 "cd %s/src && grep -rhE 'vjob_want\\(|define [A-Z]+_COLLATERAL_' --include='*.[ch]' --exclude='test_*' verifier "
				 "evidence | grep -oE '\"[a-z]+(-[a-z]+)+\"' | tr -d '\"' | sort -u",
				 getenv("WARRANT_SOURCE"));
	FILE *p = popen(cmd, "r");
	unsigned found = 0;
	char kind[64];

	assert_non_null(p);
	while (fscanf(p, "%63s", kind) == 1) {
		if (!collateral_kind_find(kind))
			fail_msg("a driver asks for %s, which collateral/kinds.c does not know", kind);
		found++;
	}
	assert_int_equal(pclose(p), 0);
	assert_true(found >= 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_thousand_guests_on_a_cold_cache_make_one_fetch, setup, teardown),
		cmocka_unit_test_setup_teardown(a_cached_piece_and_what_came_with_it_are_not_fetched, setup, teardown),
		cmocka_unit_test_setup_teardown(a_vendor_that_fails_is_left_alone_for_a_while, setup, teardown),
		cmocka_unit_test_setup_teardown(a_vendor_is_left_alone_as_long_as_it_asks_for, setup, teardown),
		cmocka_unit_test_setup_teardown(a_word_of_the_vendor_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(guests_that_invent_chips_spend_a_budget_that_refreshing_does_not_share, setup, teardown),
		cmocka_unit_test_setup_teardown(a_piece_that_has_not_changed_stays_and_is_as_good_as_new, setup, teardown),
		cmocka_unit_test_setup_teardown(guests_with_cached_collateral_go_on_while_the_vendor_is_down, setup, teardown),
		cmocka_unit_test_setup_teardown(a_piece_that_is_due_is_refreshed, setup, teardown),
		cmocka_unit_test_setup_teardown(the_folder_is_read_and_a_key_cannot_leave_it, setup, teardown),
		cmocka_unit_test_setup_teardown(an_older_revocation_list_does_not_replace_a_newer_one, setup, teardown),
		cmocka_unit_test_setup_teardown(a_document_of_an_earlier_evaluation_waits_for_the_end_of_the_later_one, setup, teardown),
		cmocka_unit_test_setup_teardown(one_older_piece_refuses_its_whole_import, setup, teardown),
		cmocka_unit_test_setup_teardown(a_new_issuer_may_count_anew, setup, teardown),
		cmocka_unit_test_setup_teardown(a_vendor_that_gives_an_older_list_is_not_followed, setup, teardown),
		cmocka_unit_test_setup_teardown(a_list_of_tomorrow_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_no_list_is_not_cached_as_one, setup, teardown),
		cmocka_unit_test_setup_teardown(racing_imports_leave_the_newest, setup, teardown),
		cmocka_unit_test_setup_teardown(no_request_waits_for_a_piece_that_is_only_due, setup, teardown),
		cmocka_unit_test_setup_teardown(a_due_list_is_refreshed_in_the_background, setup, teardown),
		cmocka_unit_test_setup_teardown(a_list_behind_its_grace_is_fetched_for_the_request, setup, teardown),
		cmocka_unit_test_setup_teardown(a_row_that_cannot_be_read_stops_no_refresh, setup, teardown),
		cmocka_unit_test_setup_teardown(facts_are_read_only_from_what_is_of_the_form, setup, teardown),
		cmocka_unit_test_setup_teardown(every_kind_is_documented_and_no_other, setup, teardown),
		cmocka_unit_test_setup_teardown(every_kind_that_a_driver_asks_for_is_in_the_table, setup, teardown),
	};

	return cmocka_run_group_tests_name("collateral", tests, NULL, NULL);
}
