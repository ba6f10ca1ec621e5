#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/num.h"
#include "kms/envelope.h"
#include "kms/kms_int.h"

#define CANARY "canary-5f2a9e7711d0-do-not-leak"

struct fix {
	struct arena *a;
	struct why w;
	char dir[64];
	char *db, *master;
	struct store *store;
	struct kms *kms;
};

static void open_all(struct fix *f)
{
	const struct kms_seal seal = kms_seal_file(f->master);

	if (!rc_ok(store_open_sqlite(f->db, &clock_system, &f->store, &f->w)) ||
	    !rc_ok(kms_open_kvstore(f->store, &seal, &f->kms, &f->w)))
		fail_msg("%s: %s", why_reason(&f->w), why_text(&f->w));
}

static void close_all(struct fix *f)
{
	kms_close(f->kms);
	store_close(f->store);
	f->kms = NULL;
	f->store = NULL;
}

static int set_up(void **state)
{
	struct fix *f = calloc(1, sizeof(*f));

	f->a = arena_new((size_t)256 << 20);
	f->w = why_in(f->a);
	memcpy(f->dir, "/tmp/kms-test-XXXXXX", 21);
	if (!mkdtemp(f->dir))
		return 1;
	f->db = arena_printf(f->a, "%s/kv.db", f->dir);
	f->master = arena_printf(f->a, "%s/master.key", f->dir);
	*state = f;
	open_all(f);
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static int tear_down(void **state)
{
	struct fix *f = *state;

	close_all(f);
	(void)nftw(f->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	arena_free(f->a);
	free(f);
	return 0;
}

static uint64_t put(struct fix *f, const char *name, const char *value)
{
	uint64_t version = 0;

	if (!rc_ok(kms_put(f->kms, name, slice_cstr(value), NULL, 0, &version, &f->w)))
		fail_msg("%s: %s", why_reason(&f->w), why_text(&f->w));
	return version;
}

static void expect(struct fix *f, const char *name, uint64_t version, const char *value, uint64_t got_version)
{
	SECRET(s);
	uint64_t got = 0;

	if (!rc_ok(kms_get(f->kms, name, version, &s, &got, &f->w)))
		fail_msg("%s: %s", why_reason(&f->w), why_text(&f->w));
	assert_true(slice_is(secret_view(&s), value));
	assert_int_equal(got, got_version);
}

static void refused(struct fix *f, rc r, enum rc_code code, const char *reason)
{
	assert_int_equal(r.code, code);
	assert_string_equal(why_reason(&f->w), reason);
}

static void the_newest_version_is_served_and_older_ones_are_kept(void **state)
{
	struct fix *f = *state;
	SECRET(s);

	refused(f, kms_get(f->kms, "a/b/c", 0, &s, NULL, &f->w), E_NOTFOUND, "kms.absent");
	assert_int_equal(put(f, "a/b/c", "one"), 1);
	assert_int_equal(put(f, "a/b/c", ""), 2);
	assert_int_equal(put(f, "a/b/c", "three"), 3);
	expect(f, "a/b/c", 0, "three", 3);
	expect(f, "a/b/c", 1, "one", 1);
	expect(f, "a/b/c", 2, "", 2);
	refused(f, kms_get(f->kms, "a/b/c", 4, &s, NULL, &f->w), E_NOTFOUND, "kms.absent");
	assert_null(s.p);
	close_all(f);
	open_all(f);
	expect(f, "a/b/c", 0, "three", 3);
	assert_int_equal(put(f, "a/b/c", "four"), 4);
}

static void only_64_versions_are_kept(void **state)
{
	struct fix *f = *state;
	SECRET(s);

	for (unsigned i = 1; i <= 66; i++)
		assert_int_equal(put(f, "a/b/c", "x"), i);
	refused(f, kms_get(f->kms, "a/b/c", 2, &s, NULL, &f->w), E_NOTFOUND, "kms.absent");
	expect(f, "a/b/c", 3, "x", 3);
	expect(f, "a/b/c", 0, "x", 66);
}

static void deleting_removes_every_version(void **state)
{
	struct fix *f = *state;
	char **keys;
	size_t n;
	SECRET(s);

	put(f, "a/b/c", "one");
	put(f, "a/b/c", "two");
	put(f, "a/b/cc", "stays");
	assert_true(rc_ok(kms_delete(f->kms, "a/b/c", &f->w)));
	refused(f, kms_get(f->kms, "a/b/c", 1, &s, NULL, &f->w), E_NOTFOUND, "kms.absent");
	refused(f, kms_delete(f->kms, "a/b/c", &f->w), E_NOTFOUND, "kms.absent");
	assert_true(rc_ok(store_list(f->store, "kms_secret", NULL, NULL, 10, f->a, &keys, &n, &f->w)));
	assert_int_equal(n, 1);
	expect(f, "a/b/cc", 0, "stays", 1);
	assert_int_equal(put(f, "a/b/c", "anew"), 1);
}

static void names_are_listed_without_their_values(void **state)
{
	struct fix *f = *state;
	char **names;
	size_t n;

	put(f, "b/x/1", "v");
	put(f, "a/x/2", "v");
	put(f, "a/x/1", "v");
	put(f, "a/x/1", "w");
	assert_true(rc_ok(kms_list(f->kms, "a/", NULL, 10, f->a, &names, &n, &f->w)));
	assert_int_equal(n, 2);
	assert_string_equal(names[0], "a/x/1");
	assert_string_equal(names[1], "a/x/2");
	assert_true(rc_ok(kms_list(f->kms, NULL, "a/x/1", 1, f->a, &names, &n, &f->w)));
	assert_int_equal(n, 1);
	assert_string_equal(names[0], "a/x/2");
	assert_true(rc_ok(kms_health(f->kms, &f->w)));
}

static void names_follow_the_rule(void **state)
{
	static const char *const good[] = {"a/b/c", "A_-/0/z.Z..", "-/_/9"};
	static const char *const bad[] = {"",        "a",       "a/b",     "a/b/c/d",      "/b/c",
	                                  "a//c",    "a/b/",    ".a/b/c",  "a/../c",       "a/b/.",
	                                  "a b/c/d", "a/b/c\n", "a/b/%2e", "\xc3\xa4/b/c", "a/b/c?x"};
	char long_part[200];
	struct fix *f = *state;
	SECRET(s);

	for (size_t i = 0; i < COUNT_OF(good); i++)
		put(f, good[i], "x");
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		refused(f, kms_put(f->kms, bad[i], SLICE_LIT("x"), NULL, 0, NULL, &f->w), E_MALFORMED, "kms.name");
		refused(f, kms_get(f->kms, bad[i], 0, &s, NULL, &f->w), E_MALFORMED, "kms.name");
		refused(f, kms_delete(f->kms, bad[i], &f->w), E_MALFORMED, "kms.name");
	}
	memset(long_part, 'l', sizeof(long_part));
	assert_true(rc_ok(kms_check_name(slice_of(long_part, 150), SLICE_LIT("b"), SLICE_LIT("c"), &f->w)));
	refused(f, kms_check_name(slice_of(long_part, 151), SLICE_LIT("b"), SLICE_LIT("c"), &f->w), E_MALFORMED,
	        "kms.name");
	put(f, arena_printf(f->a, "%.150s/%.150s/%.150s", long_part, long_part, long_part), "x");
}

static void a_secret_over_the_limit_is_refused(void **state)
{
	struct fix *f = *state;
	uint8_t *big = calloc(1, KMS_SECRET_MAX + 1);
	SECRET(s);

	refused(f, kms_put(f->kms, "a/b/c", slice_of(big, KMS_SECRET_MAX + 1), NULL, 0, NULL, &f->w), E_LIMIT,
	        "kms.size");
	assert_true(rc_ok(kms_put(f->kms, "a/b/c", slice_of(big, KMS_SECRET_MAX), NULL, 0, NULL, &f->w)));
	assert_true(rc_ok(kms_get(f->kms, "a/b/c", 0, &s, NULL, &f->w)));
	assert_int_equal(s.n, KMS_SECRET_MAX);
	free(big);
}

static int find_canary(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	struct arena *a = arena_new((size_t)64 << 20);
	struct slice all;
	bool found = false;

	(void)st;
	(void)ftw;
	if (kind == FTW_F && rc_ok(file_read(a, path, (size_t)32 << 20, &all, NULL)))
		found = memmem(all.p, all.n, "canary-5f2a", 11) != NULL;
	arena_free(a);
	return found;
}

static void the_secret_is_in_no_file(void **state)
{
	struct fix *f = *state;

	put(f, "default/key/canary", CANARY);
	put(f, "default/key/canary", CANARY CANARY);
	/* Database and write-ahead log while it is open, the database alone after. */
	assert_int_equal(nftw(f->dir, find_canary, 8, FTW_PHYS), 0);
	assert_true(file_exists(arena_printf(f->a, "%s-wal", f->db)));
	close_all(f);
	assert_int_equal(nftw(f->dir, find_canary, 8, FTW_PHYS), 0);
	/* The search finds what is there. */
	assert_true(rc_ok(file_create(arena_printf(f->a, "%s/plain", f->dir), SLICE_LIT("x" CANARY), 0600, &f->w)));
	assert_int_equal(nftw(f->dir, find_canary, 8, FTW_PHYS), 1);
}

#define KEY1 "a/b/c/00000000000000000001"

static void an_envelope_opens_only_where_it_was_put(void **state)
{
	struct fix *f = *state;
	struct slice one, two, other;
	SECRET(s);

	put(f, "a/b/c", "one");
	put(f, "a/b/c", "two");
	put(f, "a/b/d", "other");
	assert_true(rc_ok(store_get(f->store, "kms_secret", KEY1, f->a, &one, NULL, NULL, &f->w)));
	assert_true(
	        rc_ok(store_get(f->store, "kms_secret", "a/b/c/00000000000000000002", f->a, &two, NULL, NULL, &f->w)));
	assert_true(rc_ok(
	        store_get(f->store, "kms_secret", "a/b/d/00000000000000000001", f->a, &other, NULL, NULL, &f->w)));
	assert_true(rc_ok(store_put(f->store, "kms_secret", KEY1, two, &f->w)));
	refused(f, kms_get(f->kms, "a/b/c", 1, &s, NULL, &f->w), E_DENIED, "kms.integrity");
	assert_true(rc_ok(store_put(f->store, "kms_secret", KEY1, other, &f->w)));
	refused(f, kms_get(f->kms, "a/b/c", 1, &s, NULL, &f->w), E_DENIED, "kms.integrity");
	assert_true(rc_ok(store_put(f->store, "kms_secret", KEY1, one, &f->w)));
	expect(f, "a/b/c", 1, "one", 1);
}

static void a_changed_or_cut_envelope_does_not_open(void **state)
{
	struct fix *f = *state;
	struct slice good;

	put(f, "a/b/c", "value");
	assert_true(rc_ok(store_get(f->store, "kms_secret", KEY1, f->a, &good, NULL, NULL, &f->w)));
	assert_int_equal(good.n, ENVELOPE_HEAD + 5 + AEAD_TAG);
	for (size_t i = 0; i < good.n; i++) {
		struct slice bad = arena_dup(f->a, good);
		SECRET(s);

		((uint8_t *)(uintptr_t)bad.p)[i] ^= 0x10;
		assert_true(rc_ok(store_put(f->store, "kms_secret", KEY1, bad, &f->w)));
		refused(f, kms_get(f->kms, "a/b/c", 1, &s, NULL, &f->w), E_DENIED, "kms.integrity");
		assert_null(s.p);
		assert_true(rc_ok(store_put(f->store, "kms_secret", KEY1, slice_sub(good, 0, i), &f->w)));
		refused(f, kms_get(f->kms, "a/b/c", 1, &s, NULL, &f->w), E_DENIED, "kms.integrity");
	}
	assert_true(rc_ok(store_put(f->store, "kms_name", "a/b/c", SLICE_LIT("1234567"), &f->w)));
	refused(f, kms_get(f->kms, "a/b/c", 0, &(struct secret){0}, NULL, &f->w), E_DENIED, "kms.integrity");
}

static void the_master_key_is_private_and_belongs_to_the_store(void **state)
{
	struct fix *f = *state;
	struct kms_seal seal = kms_seal_file(f->master);
	struct stat st;
	struct kms *k;

	assert_int_equal(stat(f->master, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_size, 32);
	put(f, "a/b/c", "x");
	chmod(f->master, 0640);
	refused(f, kms_open_kvstore(f->store, &seal, &k, &f->w), E_DENIED, "file.permissions");
	chmod(f->master, 0600);
	assert_int_equal(unlink(f->master), 0);
	refused(f, kms_open_kvstore(f->store, &seal, &k, &f->w), E_DENIED, "kms.master-key");
	assert_int_equal(unlink(f->master), 0);
	assert_true(rc_ok(file_create(f->master, SLICE_LIT("short"), 0600, &f->w)));
	refused(f, kms_open_kvstore(f->store, &seal, &k, &f->w), E_DENIED, "kms.master-key");
}

struct racer {
	const char *path;
	struct secret key;
	bool ok;
	pthread_t thread;
};

static void *unseal_one(void *arg)
{
	struct racer *r = arg;
	const struct kms_seal seal = kms_seal_file(r->path);

	r->ok = rc_ok(seal.unseal(seal.ctx, &r->key, NULL));
	return NULL;
}

static void a_first_start_of_many_makes_one_key(void **state)
{
	struct fix *f = *state;
	struct racer racer[16];

	for (unsigned round = 0; round < 20; round++) {
		const char *path = arena_printf(f->a, "%s/race%u", f->dir, round);

		for (size_t i = 0; i < COUNT_OF(racer); i++) {
			racer[i] = (struct racer){.path = path};
			assert_int_equal(pthread_create(&racer[i].thread, NULL, unseal_one, &racer[i]), 0);
		}
		for (size_t i = 0; i < COUNT_OF(racer); i++)
			pthread_join(racer[i].thread, NULL);
		for (size_t i = 0; i < COUNT_OF(racer); i++) {
			assert_true(racer[i].ok);
			assert_true(secret_eq(secret_view(&racer[i].key), secret_view(&racer[0].key)));
		}
		for (size_t i = 0; i < COUNT_OF(racer); i++)
			secret_free(&racer[i].key);
	}
}

struct writer {
	struct kms *kms;
	bool with_extra, ok;
	pthread_t thread;
};

static void *put_ten(void *arg)
{
	struct writer *me = arg;
	const struct store_op extra = {.kind = STORE_PUT, .ns = "t", .key = "k", .value = SLICE_LIT("v")};

	me->ok = true;
	for (unsigned i = 0; i < 4; i++)
		me->ok = me->ok && rc_ok(kms_put(me->kms, "a/b/c", SLICE_LIT("x"), &extra, me->with_extra, NULL, NULL));
	return NULL;
}

static void concurrent_writers_take_a_version_each(void **state)
{
	struct fix *f = *state;
	struct writer writer[12];

	for (size_t i = 0; i < COUNT_OF(writer); i++) {
		writer[i] = (struct writer){.kms = f->kms, .with_extra = i & 1};
		assert_int_equal(pthread_create(&writer[i].thread, NULL, put_ten, &writer[i]), 0);
	}
	for (size_t i = 0; i < COUNT_OF(writer); i++) {
		pthread_join(writer[i].thread, NULL);
		assert_true(writer[i].ok);
	}
	expect(f, "a/b/c", 0, "x", 48);
	for (uint64_t v = 1; v <= 48; v++)
		expect(f, "a/b/c", v, "x", v);
}

static void a_put_and_its_companions_happen_together(void **state)
{
	const struct store_op bad = {.kind = STORE_DELETE, .ns = "t", .key = "absent"};
	const struct store_op good = {.kind = STORE_INSERT, .ns = "t", .key = "k", .value = SLICE_LIT("v")};
	struct fix *f = *state;
	struct store_op *ops;
	uint64_t version;
	struct slice v;
	size_t n;
	SECRET(s);

	refused(f, kms_put(f->kms, "a/b/c", SLICE_LIT("x"), &bad, 1, NULL, &f->w), E_NOTFOUND, "store.absent");
	refused(f, kms_get(f->kms, "a/b/c", 0, &s, NULL, &f->w), E_NOTFOUND, "kms.absent");
	assert_true(rc_ok(kms_put(f->kms, "a/b/c", SLICE_LIT("x"), &good, 1, &version, &f->w)));
	assert_int_equal(version, 1);
	assert_true(rc_ok(store_get(f->store, "t", "k", f->a, &v, NULL, NULL, &f->w)));
	refused(f, kms_put(f->kms, "a/b/c", SLICE_LIT("y"), &good, 1, &version, &f->w), E_DENIED, "store.exists");
	/* The same, committed by the caller; a plan that came too late is refused. */
	assert_true(rc_ok(kms_put_ops(f->kms, "a/b/c", SLICE_LIT("z"), f->a, &ops, &n, &version, &f->w)));
	assert_int_equal(version, 2);
	expect(f, "a/b/c", 0, "x", 1);
	put(f, "a/b/c", "faster");
	refused(f, store_commit(f->store, ops, n, &f->w), E_DENIED, "store.changed");
	assert_true(rc_ok(kms_delete_ops(f->kms, "a/b/c", f->a, &ops, &n, &f->w)));
	expect(f, "a/b/c", 0, "faster", 2);
	put(f, "a/b/c", "faster again");
	refused(f, store_commit(f->store, ops, n, &f->w), E_DENIED, "store.changed");
	assert_true(rc_ok(kms_delete_ops(f->kms, "a/b/c", f->a, &ops, &n, &f->w)));
	assert_true(rc_ok(store_commit(f->store, ops, n, &f->w)));
	refused(f, kms_get(f->kms, "a/b/c", 0, &s, NULL, &f->w), E_NOTFOUND, "kms.absent");
}

/* ---- a back end from outside ---- */

static int32_t one_get(void *self, const struct warrant_kms_host *host, void *job, const char *name, uint64_t version,
                       uint64_t *got)
{
	uint8_t *p;

	(void)self;
	(void)version;
	if (strcmp(name, "silent/a/b") == 0)
		return 999;
	if (strcmp(name, "empty/a/b") == 0)
		return WARRANT_OK;
	if (strcmp(name, "down/a/b") == 0)
		return (host->deny)(job, WARRANT_UNAVAILABLE, "kms.down", "no answer");
	p = host->secret(job, 3);
	if (!p || host->secret(job, 3)) /* once a job */
		return WARRANT_INTERNAL;
	memcpy(p, "abc", 3);
	*got = 1;
	return WARRANT_OK;
}

static void a_back_end_that_only_reads_has_a_smaller_table(void **state)
{
	static const struct warrant_kms table = {
	        .abi = WARRANT_KMS_ABI, .size = offsetof(struct warrant_kms, put), .name = "one", .get = one_get};
	struct warrant_kms wrong = table;
	struct fix *f = *state;
	struct store_op *ops;
	uint64_t version;
	struct kms *k;
	size_t n;
	SECRET(s);
	SECRET(none);

	assert_true(rc_ok(kms_open_table(&table, NULL, NULL, &k, &f->w)));
	assert_true(rc_ok(kms_get(k, "a/b/c", 0, &s, NULL, &f->w)));
	assert_true(slice_is(secret_view(&s), "abc"));
	refused(f, kms_get(k, "silent/a/b", 0, &none, NULL, &f->w), E_INTERNAL, "kms.refused");
	refused(f, kms_get(k, "empty/a/b", 0, &none, NULL, &f->w), E_INTERNAL, "kms.refused");
	refused(f, kms_get(k, "down/a/b", 0, &none, NULL, &f->w), E_UNAVAILABLE, "kms.down");
	refused(f, kms_put(k, "a/b/c", SLICE_LIT("x"), NULL, 0, NULL, &f->w), E_UNSUPPORTED, "kms.unsupported");
	refused(f, kms_delete(k, "a/b/c", &f->w), E_UNSUPPORTED, "kms.unsupported");
	refused(f, kms_put_ops(k, "a/b/c", SLICE_LIT("x"), f->a, &ops, &n, &version, &f->w), E_UNSUPPORTED,
	        "kms.unsupported");
	assert_true(rc_ok(kms_health(k, &f->w)));
	kms_close(k);
	wrong.abi = 2;
	refused(f, kms_open_table(&wrong, NULL, NULL, &k, &f->w), E_UNSUPPORTED, "kms.abi");
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	        T(the_newest_version_is_served_and_older_ones_are_kept),
	        T(only_64_versions_are_kept),
	        T(deleting_removes_every_version),
	        T(names_are_listed_without_their_values),
	        T(names_follow_the_rule),
	        T(a_secret_over_the_limit_is_refused),
	        T(the_secret_is_in_no_file),
	        T(an_envelope_opens_only_where_it_was_put),
	        T(a_changed_or_cut_envelope_does_not_open),
	        T(the_master_key_is_private_and_belongs_to_the_store),
	        T(a_first_start_of_many_makes_one_key),
	        T(concurrent_writers_take_a_version_each),
	        T(a_put_and_its_companions_happen_together),
	        T(a_back_end_that_only_reads_has_a_smaller_table),
	};

	return cmocka_run_group_tests_name("kms", tests, NULL, NULL);
}
