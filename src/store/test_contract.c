#include "store/test_contract.h"

#include <ftw.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/num.h"

#define THREADS 64
#define ROUNDS  12

struct fix {
	const struct contract *c;
	char *dir;
	struct store *s;
	struct arena *a;
	struct why w;
	int64_t now_s;
	struct clock clock;
};

char *scratch_new(void)
{
	char *dir = strdup("/tmp/store-test-XXXXXX");

	return dir && mkdtemp(dir) ? dir : NULL;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

void scratch_free(char *dir)
{
	if (dir)
		(void)nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(dir);
}

static int64_t fix_now(void *ctx)
{
	const struct fix *f = ctx;

	return __atomic_load_n(&f->now_s, __ATOMIC_RELAXED) * 1000000000;
}

static void reopen(struct fix *f)
{
	store_close(f->s);
	f->s = NULL;
	if (!rc_ok(f->c->open(f->dir, &f->clock, &f->s, &f->w)))
		fail_msg("cannot open: %s", why_text(&f->w));
}

static int set_up(void **state)
{
	struct fix *f = calloc(1, sizeof(*f));

	f->c = *state;
	f->dir = scratch_new();
	f->a = arena_new((size_t)256 << 20);
	f->w = why_in(f->a);
	f->now_s = 1764000000;
	f->clock = (struct clock){fix_now, f};
	if (f->c->wipe)
		f->c->wipe();
	*state = f;
	reopen(f);
	return 0;
}

static int tear_down(void **state)
{
	struct fix *f = *state;

	store_close(f->s);
	scratch_free(f->dir);
	arena_free(f->a);
	free(f);
	return 0;
}

static enum rc_code commit(struct fix *f, const struct store_op *ops, size_t n)
{
	return store_commit(f->s, ops, n, &f->w).code;
}

#define COMMIT(f, ...)                                                                                                 \
	commit((f), (const struct store_op[]){__VA_ARGS__},                                                            \
	       sizeof((const struct store_op[]){__VA_ARGS__}) / sizeof(struct store_op))
#define PUT(k, v)                                                                                                      \
	{                                                                                                              \
		.kind = STORE_PUT, .ns = "t", .key = (k), .value = SLICE_LIT(v)                                        \
	}
#define INSERT(k, v)                                                                                                   \
	{                                                                                                              \
		.kind = STORE_INSERT, .ns = "t", .key = (k), .value = SLICE_LIT(v)                                     \
	}
#define CAS(k, v, r)                                                                                                   \
	{                                                                                                              \
		.kind = STORE_CAS, .ns = "t", .key = (k), .value = SLICE_LIT(v), .if_rev = (r)                         \
	}
#define DEL(k)                                                                                                         \
	{                                                                                                              \
		.kind = STORE_DELETE, .ns = "t", .key = (k)                                                            \
	}
#define ERASE(k)                                                                                                       \
	{                                                                                                              \
		.kind = STORE_ERASE, .ns = "t", .key = (k)                                                             \
	}

static uint64_t rev_of(struct fix *f, const char *key)
{
	struct slice v;
	uint64_t rev = 0;

	if (!rc_ok(store_get(f->s, "t", key, f->a, &v, &rev, NULL, &f->w)))
		fail_msg("%s: %s", key, why_text(&f->w));
	return rev;
}

static void expect(struct fix *f, const char *key, const char *value)
{
	struct slice v = {0};
	rc r = store_get(f->s, "t", key, f->a, &v, NULL, NULL, &f->w);

	if (!value) {
		assert_int_equal(r.code, E_NOTFOUND);
		assert_string_equal(why_reason(&f->w), "store.absent");
		return;
	}
	if (!rc_ok(r))
		fail_msg("%s: %s", key, why_text(&f->w));
	if (!slice_is(v, value))
		fail_msg("%s is \"" SLICE_FMT "\", expected \"%s\"", key, SLICE_ARG(v), value);
}

static void refused(struct fix *f, enum rc_code found, enum rc_code code, const char *reason)
{
	assert_int_equal(found, code);
	assert_string_equal(why_reason(&f->w), reason);
}

static void what_is_put_is_got(void **state)
{
	struct fix *f = *state;
	uint8_t all[256];
	struct slice v;

	for (unsigned i = 0; i < 256; i++)
		all[i] = (uint8_t)i;
	expect(f, "a", NULL);
	assert_int_equal(COMMIT(f, PUT("a", "1")), OK);
	expect(f, "a", "1");
	assert_int_equal(COMMIT(f, PUT("a", "2")), OK);
	expect(f, "a", "2");
	assert_int_equal(COMMIT(f, PUT("a", "")), OK);
	expect(f, "a", "");
	assert_true(rc_ok(store_put(f->s, "t", "all", slice_of(all, 256), &f->w)));
	assert_true(rc_ok(store_get(f->s, "t", "all", f->a, &v, NULL, NULL, &f->w)));
	assert_true(slice_eq(v, slice_of(all, 256)));
	assert_int_equal(store_get(f->s, "other", "a", f->a, &v, NULL, NULL, &f->w).code, E_NOTFOUND);
}

static void insert_refuses_what_exists(void **state)
{
	struct fix *f = *state;

	assert_int_equal(COMMIT(f, INSERT("a", "1")), OK);
	refused(f, COMMIT(f, INSERT("a", "2")), E_DENIED, "store.exists");
	expect(f, "a", "1");
	assert_int_equal(COMMIT(f, DEL("a")), OK);
	assert_int_equal(COMMIT(f, INSERT("a", "3")), OK);
	expect(f, "a", "3");
}

static void cas_needs_the_revision(void **state)
{
	struct fix *f = *state;
	uint64_t first, second;

	refused(f, COMMIT(f, CAS("a", "1", 7)), E_DENIED, "store.changed");
	assert_int_equal(COMMIT(f, CAS("a", "1", 0)), OK);
	refused(f, COMMIT(f, CAS("a", "2", 0)), E_DENIED, "store.changed");
	first = rev_of(f, "a");
	assert_int_equal(COMMIT(f, CAS("a", "2", first)), OK);
	refused(f, COMMIT(f, CAS("a", "3", first)), E_DENIED, "store.changed");
	expect(f, "a", "2");
	second = rev_of(f, "a");
	assert_int_not_equal(first, second);
}

static void a_revision_does_not_come_back_after_delete(void **state)
{
	struct fix *f = *state;
	uint64_t seen[4];

	for (size_t i = 0; i < COUNT_OF(seen); i++) {
		assert_int_equal(COMMIT(f, INSERT("a", "same")), OK);
		seen[i] = rev_of(f, "a");
		for (size_t k = 0; k < i; k++)
			assert_int_not_equal(seen[k], seen[i]);
		assert_int_equal(COMMIT(f, DEL("a")), OK);
		if (f->c->durable)
			reopen(f);
	}
	refused(f, COMMIT(f, CAS("a", "x", seen[0])), E_DENIED, "store.changed");
}

static void delete_needs_the_key_and_erase_does_not(void **state)
{
	struct fix *f = *state;

	refused(f, COMMIT(f, DEL("a")), E_NOTFOUND, "store.absent");
	assert_int_equal(COMMIT(f, ERASE("a")), OK);
	assert_int_equal(COMMIT(f, PUT("a", "1"), PUT("b", "1")), OK);
	assert_int_equal(COMMIT(f, DEL("a"), ERASE("b")), OK);
	expect(f, "a", NULL);
	expect(f, "b", NULL);
}

static void a_refused_batch_changes_nothing(void **state)
{
	static const struct store_op bad[] = {INSERT("there", "x"), CAS("there", "x", 0), CAS("absent", "x", 9),
	                                      DEL("absent")};
	struct fix *f = *state;
	uint64_t rev;

	assert_int_equal(COMMIT(f, PUT("there", "old"), PUT("gone", "old")), OK);
	rev = rev_of(f, "there");
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		for (size_t at = 0; at < 4; at++) {
			struct store_op ops[4] = {PUT("new", "n"), PUT("there", "n"), ERASE("gone"), PUT("new2", "n")};
			size_t where = 99;

			if (at == 3 || bad[i].key[0] != 't')
				ops[1].key = "new3";
			ops[at] = bad[i];
			assert_false(rc_ok(store_commit_at(f->s, ops, 4, &where, &f->w)));
			assert_int_equal(where, at);
			expect(f, "there", "old");
			expect(f, "gone", "old");
			expect(f, "new", NULL);
			expect(f, "new2", NULL);
			expect(f, "new3", NULL);
			assert_int_equal(rev_of(f, "there"), rev);
		}
	}
}

static void a_key_may_come_twice_in_a_batch(void **state)
{
	struct fix *f = *state;
	size_t where = 0;

	assert_int_equal(COMMIT(f, INSERT("a", "1"), PUT("a", "2"), DEL("a"), INSERT("a", "3")), OK);
	expect(f, "a", "3");
	assert_int_equal(COMMIT(f, PUT("b", "1"), ERASE("b")), OK);
	expect(f, "b", NULL);
	refused(f, COMMIT(f, INSERT("c", "1"), INSERT("c", "2")), E_DENIED, "store.exists");
	expect(f, "c", NULL);
	refused(f, COMMIT(f, ERASE("a"), DEL("a")), E_NOTFOUND, "store.absent");
	expect(f, "a", "3");
	assert_int_equal(
	        store_commit_at(f->s, (const struct store_op[]){CAS("d", "1", 0), CAS("d", "2", 0)}, 2, &where, &f->w)
	                .code,
	        E_DENIED);
	assert_int_equal(where, 1);
	expect(f, "d", NULL);
}

static void keys_are_listed_in_byte_order(void **state)
{
	static const char *const want[] = {"a", "a b", "a!", "a.b", "a/1", "a/10", "a/2", "aZ", "aa", "a~", "b"};
	struct fix *f = *state;
	const char *after = NULL;
	char **keys;
	size_t n, at = 0;

	/* Put backwards, and in the wrong name space too. */
	for (size_t i = COUNT_OF(want); i-- > 0;) {
		assert_true(rc_ok(store_put(f->s, "t", want[i], SLICE_LIT("x"), &f->w)));
		assert_true(rc_ok(store_put(f->s, "t0", want[i], SLICE_LIT("x"), &f->w)));
	}
	assert_true(rc_ok(store_list(f->s, "t", "a/", NULL, 100, f->a, &keys, &n, &f->w)));
	assert_int_equal(n, 3);
	assert_string_equal(keys[0], "a/1");
	assert_string_equal(keys[2], "a/2");
	assert_true(rc_ok(store_list(f->s, "t", "a/", "a/1", 1, f->a, &keys, &n, &f->w)));
	assert_int_equal(n, 1);
	assert_string_equal(keys[0], "a/10");
	assert_true(rc_ok(store_list(f->s, "t", "a/", "b", 5, f->a, &keys, &n, &f->w)));
	assert_int_equal(n, 0);
	assert_true(rc_ok(store_list(f->s, "t", "a~", "a", 5, f->a, &keys, &n, &f->w)));
	assert_int_equal(n, 1);
	assert_true(rc_ok(store_list(f->s, "t", "", NULL, 0, f->a, &keys, &n, &f->w)));
	assert_int_equal(n, 0);
	assert_true(rc_ok(store_list(f->s, "nothing", "", NULL, 9, f->a, &keys, &n, &f->w)));
	assert_int_equal(n, 0);
	/* Page by page, everything once. "!" is before "." is before "/": strcmp says which. */
	do {
		assert_true(rc_ok(store_list(f->s, "t", NULL, after, 4, f->a, &keys, &n, &f->w)));
		for (size_t i = 0; i < n; i++) {
			assert_true(!after || strcmp(after, keys[i]) < 0);
			after = keys[i];
		}
		at += n;
	} while (n == 4);
	assert_int_equal(at, COUNT_OF(want));
}

static void odd_keys_are_only_names(void **state)
{
	static const char *const odd[] = {".",
	                                  "..",
	                                  "../x",
	                                  "/",
	                                  "//",
	                                  "/etc/passwd",
	                                  "a/../b",
	                                  "a\\x2Fb",
	                                  "a\\",
	                                  "\\e",
	                                  "-rf",
	                                  "%s%n",
	                                  "'; DROP TABLE kv; --",
	                                  "\"",
	                                  " ",
	                                  "a b",
	                                  "~",
	                                  "*",
	                                  "a.tmp",
	                                  ".journal",
	                                  "A",
	                                  "a"};
	char longest[STORE_KEY_MAX + 1], slashes[STORE_KEY_MAX + 1];
	struct fix *f = *state;
	char **keys;
	size_t n;

	memset(longest, 'k', STORE_KEY_MAX);
	memset(slashes, '/', STORE_KEY_MAX);
	longest[STORE_KEY_MAX] = slashes[STORE_KEY_MAX] = 0;
	for (size_t i = 0; i < COUNT_OF(odd); i++)
		assert_true(rc_ok(store_insert(f->s, "t", odd[i], slice_cstr(odd[i]), 0, &f->w)));
	assert_true(rc_ok(store_insert(f->s, "t", longest, slice_cstr(longest), 0, &f->w)));
	assert_true(rc_ok(store_insert(f->s, "t", slashes, slice_cstr(slashes), 0, &f->w)));
	for (size_t i = 0; i < COUNT_OF(odd); i++)
		expect(f, odd[i], odd[i]);
	expect(f, longest, longest);
	expect(f, slashes, slashes);
	assert_true(rc_ok(store_list(f->s, "t", NULL, NULL, 100, f->a, &keys, &n, &f->w)));
	assert_int_equal(n, COUNT_OF(odd) + 2);
	assert_int_equal(COMMIT(f, DEL(longest), DEL(slashes), DEL("..")), OK);
	expect(f, longest, NULL);
	expect(f, "..", NULL);
	expect(f, ".", ".");
}

static void expired_values_are_not_seen(void **state)
{
	struct fix *f = *state;
	struct slice v;
	int64_t expires = 0;
	char **keys;
	size_t n;

	assert_true(rc_ok(store_insert(f->s, "t", "a", SLICE_LIT("1"), f->now_s + 10, &f->w)));
	assert_true(rc_ok(store_insert(f->s, "t", "b", SLICE_LIT("1"), f->now_s + 10, &f->w)));
	assert_true(rc_ok(store_insert(f->s, "t", "c", SLICE_LIT("1"), f->now_s + 10, &f->w)));
	assert_true(rc_ok(store_insert(f->s, "t", "keep", SLICE_LIT("1"), 0, &f->w)));
	refused(f, COMMIT(f, INSERT("a", "2")), E_DENIED, "store.exists");
	assert_true(rc_ok(store_get(f->s, "t", "a", f->a, &v, NULL, &expires, &f->w)));
	assert_int_equal(expires, f->now_s + 10);
	f->now_s += 10;
	expect(f, "a", NULL);
	expect(f, "keep", "1");
	assert_true(rc_ok(store_list(f->s, "t", NULL, NULL, 9, f->a, &keys, &n, &f->w)));
	assert_int_equal(n, 1);
	refused(f, COMMIT(f, DEL("b")), E_NOTFOUND, "store.absent");
	assert_int_equal(COMMIT(f, INSERT("a", "2"), CAS("c", "2", 0)), OK);
	expect(f, "a", "2");
	expect(f, "c", "2");
	f->now_s += 1000;
	expect(f, "a", "2");
	/* From lasting to passing and back. */
	assert_int_equal(COMMIT(f, {.kind = STORE_PUT, .ns = "t", .key = "a", .expires_s = f->now_s + 5}), OK);
	assert_int_equal(COMMIT(f, PUT("a", "3")), OK);
	f->now_s += 5;
	expect(f, "a", "3");
}

static void limits_are_kept(void **state)
{
	static uint8_t big[STORE_VALUE_MAX + 1];
	static struct store_op many[STORE_BATCH_MAX + 1];
	char key[STORE_KEY_MAX + 2], ns[STORE_NS_MAX + 2];
	struct fix *f = *state;
	struct slice v;
	static const struct {
		const char *ns, *key;
		const char *reason;
	} bad[] = {{"", "k", "store.namespace"},    {NULL, "k", "store.namespace"},   {"A", "k", "store.namespace"},
	           {"a-b", "k", "store.namespace"}, {"../x", "k", "store.namespace"}, {"t", "", "store.key"},
	           {"t", NULL, "store.key"},        {"t", "a\n", "store.key"},        {"t", "a\x7f", "store.key"},
	           {"t", "\xc3\xa4", "store.key"}};

	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		refused(f, store_put(f->s, bad[i].ns, bad[i].key, SLICE_LIT("x"), &f->w).code, E_MALFORMED,
		        bad[i].reason);
		refused(f, store_get(f->s, bad[i].ns, bad[i].key, f->a, &v, NULL, NULL, &f->w).code, E_MALFORMED,
		        bad[i].reason);
	}
	memset(key, 'k', sizeof(key));
	memset(ns, 'n', sizeof(ns));
	key[STORE_KEY_MAX + 1] = ns[STORE_NS_MAX + 1] = 0;
	refused(f, store_put(f->s, "t", key, SLICE_LIT("x"), &f->w).code, E_MALFORMED, "store.key");
	refused(f, store_put(f->s, ns, "k", SLICE_LIT("x"), &f->w).code, E_MALFORMED, "store.namespace");
	ns[STORE_NS_MAX] = 0;
	assert_true(rc_ok(store_put(f->s, ns, "k", SLICE_LIT("x"), &f->w)));
	memset(big, 'b', sizeof(big));
	refused(f, store_put(f->s, "t", "big", slice_of(big, sizeof(big)), &f->w).code, E_LIMIT, "store.size");
	assert_true(rc_ok(store_put(f->s, "t", "big", slice_of(big, STORE_VALUE_MAX), &f->w)));
	if (!rc_ok(store_get(f->s, "t", "big", f->a, &v, NULL, NULL, &f->w)))
		fail_msg("%s: %s", why_reason(&f->w), why_text(&f->w));
	assert_int_equal(v.n, STORE_VALUE_MAX);
	for (size_t i = 0; i < COUNT_OF(many); i++)
		many[i] = (struct store_op){.kind = STORE_PUT, .ns = "t", .key = "same"};
	refused(f, commit(f, many, STORE_BATCH_MAX + 1), E_LIMIT, "store.size");
	for (size_t i = 0; i < 5; i++)
		many[i].value = slice_of(big, STORE_VALUE_MAX);
	refused(f, commit(f, many, 5), E_LIMIT, "store.size");
	assert_int_equal(commit(f, NULL, 0), OK);
}

struct worker {
	struct fix *f;
	unsigned id, wins, lost;
	char broke[256]; /* why, if it did */
	pthread_t thread;
};

/* Counts what came of it; a failure other than a lost race ends the thread, and the test says it. */
static void count(struct worker *me, rc r, const struct why *w)
{
	if (rc_ok(r))
		me->wins++;
	else if (r.code == E_DENIED)
		me->lost++;
	else
		snprintf(me->broke, sizeof(me->broke), "%s: %s", why_reason(w), why_text(w));
}

/* Adds one to "n" by CAS until it succeeded ROUNDS times. */
static void *count_up(void *arg)
{
	struct worker *me = arg;

	while (me->wins < ROUNDS && !*me->broke) {
		struct arena *a = arena_new(0);
		struct store_op op = CAS("n", "", 0);
		struct slice v = SLICE_LIT("0");
		char next[32];
		struct why w = why_in(a);
		rc r = store_get(me->f->s, "t", "n", a, &v, &op.if_rev, NULL, &w);

		snprintf(next, sizeof(next), "%lu", strtoul((const char *)v.p, NULL, 10) + 1);
		op.value = slice_cstr(next);
		if (rc_ok(r) || r.code == E_NOTFOUND) {
			why_clear(&w);
			r = store_commit(me->f->s, &op, 1, &w);
		}
		count(me, r, &w);
		arena_free(a);
	}
	return NULL;
}

/* Every thread tries to insert every one of ROUNDS keys; each key has one winner. */
static void *insert_all(void *arg)
{
	struct worker *me = arg;
	char key[32];

	for (unsigned i = 0; i < ROUNDS && !*me->broke; i++) {
		struct arena *a = arena_new(0);
		struct why w = why_in(a);

		snprintf(key, sizeof(key), "one/%u", i);
		count(me, store_insert(me->f->s, "t", key, SLICE_LIT("x"), 0, &w), &w);
		arena_free(a);
	}
	return NULL;
}

static unsigned run_threads(struct fix *f, void *(*body)(void *))
{
	static struct worker worker[THREADS];
	unsigned wins = 0;

	for (unsigned i = 0; i < THREADS; i++) {
		worker[i] = (struct worker){.f = f, .id = i};
		assert_int_equal(pthread_create(&worker[i].thread, NULL, body, &worker[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(worker[i].thread, NULL);
		if (*worker[i].broke)
			fail_msg("thread %u: %s", i, worker[i].broke);
		wins += worker[i].wins;
	}
	return wins;
}

static void a_counter_loses_no_step_between_64_threads(void **state)
{
	struct fix *f = *state;

	assert_int_equal(run_threads(f, count_up), THREADS * ROUNDS);
	expect(f, "n", "768");
}

static void an_insert_has_one_winner_among_64_threads(void **state)
{
	assert_int_equal(run_threads(*state, insert_all), ROUNDS);
}

static void what_was_committed_is_there_after_reopening(void **state)
{
	struct fix *f = *state;
	uint64_t rev;

	if (!f->c->durable) {
		assert_int_equal(COMMIT(f, PUT("a", "1")), OK);
		reopen(f);
		expect(f, "a", NULL);
		return;
	}
	assert_int_equal(COMMIT(f, PUT("a", "1"), PUT("b", "2"), PUT("gone", "3")), OK);
	assert_int_equal(COMMIT(f, DEL("gone")), OK);
	assert_true(rc_ok(store_insert(f->s, "t", "brief", SLICE_LIT("x"), f->now_s + 50, &f->w)));
	rev = rev_of(f, "a");
	reopen(f);
	expect(f, "a", "1");
	expect(f, "b", "2");
	expect(f, "gone", NULL);
	expect(f, "brief", "x");
	assert_int_equal(rev_of(f, "a"), rev);
	assert_int_equal(COMMIT(f, CAS("a", "2", rev)), OK);
	f->now_s += 50;
	expect(f, "brief", NULL);
}

static void a_list_or_value_larger_than_the_arena_is_refused(void **state)
{
	struct fix *f = *state;
	struct arena *small = arena_new(20000);
	static uint8_t big[40000];
	struct slice v = SLICE_LIT("untouched");
	char key[300], **keys = NULL;
	size_t n = 77;

	assert_true(rc_ok(store_put(f->s, "t", "big", slice_of(big, sizeof(big)), &f->w)));
	assert_false(rc_ok(store_get(f->s, "t", "big", small, &v, NULL, NULL, &f->w)));
	assert_true(slice_is(v, "untouched"));
	for (unsigned i = 0; i < 100; i++) {
		snprintf(key, sizeof(key), "%0256u", i);
		assert_true(rc_ok(store_put(f->s, "t", key, SLICE_LIT("x"), &f->w)));
	}
	assert_int_equal(store_list(f->s, "t", NULL, NULL, 1000, small, &keys, &n, &f->w).code, E_LIMIT);
	assert_int_equal(n, 77);
	arena_free(small);
}

/* Commits pairs until it is killed, and says over the pipe which ones are durable. */
static void commit_for_ever(struct fix *f, int fd)
{
	for (uint32_t i = 0;; i++) {
		char a[32], b[32];

		snprintf(a, sizeof(a), "a/%u", i);
		snprintf(b, sizeof(b), "b/%u", i);
		if (COMMIT(f, INSERT(a, "1"), INSERT(b, "2")) != OK || write(fd, &i, sizeof(i)) != sizeof(i))
			_exit(1);
	}
}

/* `awake`: the time counts from the first commit, however slow the machine is; else from the start. */
static uint32_t kill_while_committing(struct fix *f, bool awake, useconds_t after_us)
{
	uint32_t acknowledged = 0, i;
	int fd[2];
	pid_t pid;

	assert_int_equal(pipe(fd), 0);
	pid = fork();
	if (pid == 0) {
		if (!rc_ok(f->c->open(f->dir, &f->clock, &f->s, NULL)))
			_exit(2);
		commit_for_ever(f, fd[1]);
	}
	close(fd[1]);
	if (awake && read(fd[0], &i, sizeof(i)) == sizeof(i))
		acknowledged = i + 1;
	usleep(after_us);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	while (read(fd[0], &i, sizeof(i)) == sizeof(i))
		acknowledged = i + 1;
	close(fd[0]);
	return acknowledged;
}

static void what_was_acknowledged_survives_kill_9(void **state)
{
	struct fix *f = *state;
	unsigned total = 0;

	if (!f->c->durable)
		return;
	for (unsigned round = 0; round < 25; round++) {
		uint32_t acknowledged;
		char key[32];

		store_close(f->s);
		f->s = NULL;
		acknowledged = kill_while_committing(f, round % 3 != 0, 500 + 1777 * round);
		reopen(f);
		for (uint32_t i = 0;; i++) {
			snprintf(key, sizeof(key), "a/%u", i);
			if (COMMIT(f, DEL(key)) == E_NOTFOUND) {
				/* Unacknowledged ones may be there; halves may not. */
				assert_true(i >= acknowledged);
				key[0] = 'b';
				expect(f, key, NULL);
				break;
			}
			key[0] = 'b';
			expect(f, key, "2");
			assert_int_equal(COMMIT(f, DEL(key)), OK);
		}
		total += acknowledged;
	}
	assert_true(total > 0);
}

static void it_says_that_it_can_be_written(void **state)
{
	struct fix *f = *state;

	assert_true(rc_ok(store_health(f->s, &f->w)));
}

int contract_main(const struct contract *c, const struct CMUnitTest *own, size_t own_n)
{
#define T(fn)                                                                                                          \
	{                                                                                                              \
#fn, fn, set_up, tear_down, NULL                                                                       \
	}
	static const struct CMUnitTest suite[] = {
	        T(what_is_put_is_got),
	        T(insert_refuses_what_exists),
	        T(cas_needs_the_revision),
	        T(a_revision_does_not_come_back_after_delete),
	        T(delete_needs_the_key_and_erase_does_not),
	        T(a_refused_batch_changes_nothing),
	        T(a_key_may_come_twice_in_a_batch),
	        T(keys_are_listed_in_byte_order),
	        T(odd_keys_are_only_names),
	        T(expired_values_are_not_seen),
	        T(limits_are_kept),
	        T(a_counter_loses_no_step_between_64_threads),
	        T(an_insert_has_one_winner_among_64_threads),
	        T(what_was_committed_is_there_after_reopening),
	        T(a_list_or_value_larger_than_the_arena_is_refused),
	        T(what_was_acknowledged_survives_kill_9),
	        T(it_says_that_it_can_be_written),
	};
	static struct CMUnitTest all[64];
	size_t n = 0;

	for (; n < COUNT_OF(suite); n++) {
		all[n] = suite[n];
		all[n].initial_state = (void *)(uintptr_t)c;
	}
	for (size_t i = 0; i < own_n; i++)
		all[n++] = own[i];
	return _cmocka_run_group_tests(c->name, all, n, NULL, NULL);
}
