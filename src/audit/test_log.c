#include "audit/test_fix.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#define LEAVES 300u

/* ---- the tree, against a second way of making it ---- */

/* RFC 9162 2.1.1, as it is written. */
static void naive_root(uint8_t (*leaf)[HASH], size_t n, uint8_t out[HASH])
{
	uint8_t l[HASH], r[HASH];
	size_t k = 1;

	if (n == 0) {
		assert_true(rc_ok(digest(DIGEST_SHA256, (struct slice){0}, out, NULL)));
		return;
	}
	if (n == 1) {
		memcpy(out, leaf[0], HASH);
		return;
	}
	while (k * 2 < n)
		k *= 2;
	naive_root(leaf, k, l);
	naive_root(leaf + k, n - k, r);
	node_hash(l, r, out);
}

static void roots_are_those_of_the_published_vectors(void **state)
{
	/* The well-known eight leaves of certificate transparency. */
	static const struct slice leaf[] = {
	        SLICE_LIT(""),
	        SLICE_LIT("\x00"),
	        SLICE_LIT("\x10"),
	        SLICE_LIT("\x20\x21"),
	        SLICE_LIT("\x30\x31"),
	        SLICE_LIT("\x40\x41\x42\x43"),
	        SLICE_LIT("\x50\x51\x52\x53\x54\x55\x56\x57"),
	        SLICE_LIT("\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f")};
	static const char *const root[] = {"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
	                                   "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
	                                   "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
	                                   "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
	                                   "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
	                                   "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
	                                   "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
	                                   "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
	                                   "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
	struct edge e = {0};
	uint8_t h[HASH], want[HASH];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(root); i++) {
		edge_root(&e, h);
		assert_true(rc_ok(hex_decode_into(slice_cstr(root[i]), want, HASH, "root", NULL)));
		assert_memory_equal(h, want, HASH);
		if (i < COUNT_OF(leaf)) {
			audit_leaf_hash(leaf[i], h);
			assert_true(rc_ok(edge_append(&e, h, NULL, NULL)));
		}
	}
}

static void every_root_equals_the_recursive_definition(void **state)
{
	static uint8_t leaf[LEAVES][HASH];
	struct edge e = {0};
	uint8_t h[HASH], want[HASH];

	(void)state;
	for (uint32_t i = 0; i < LEAVES; i++) {
		edge_root(&e, h);
		naive_root(leaf, i, want);
		assert_memory_equal(h, want, HASH);
		audit_leaf_hash(slice_of(&i, sizeof(i)), leaf[i]);
		assert_true(rc_ok(edge_append(&e, leaf[i], NULL, NULL)));
	}
}

static void leaves_and_root(struct fix *f, uint8_t (*leaf)[HASH], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct slice bytes;

		assert_true(rc_ok(audit_get(f->log, i, f->a, &bytes, &f->w)));
		audit_leaf_hash(bytes, leaf[i]);
	}
}

static void inclusion_is_proved_for_every_record_of_every_size(void **state)
{
	static uint8_t leaf[LEAVES][HASH];
	struct fix *f = *state;
	uint8_t root[HASH];

	append(f, LEAVES);
	leaves_and_root(f, leaf, LEAVES);
	for (size_t n = 1; n <= LEAVES; n += n < 40 ? 1 : 37) {
		naive_root(leaf, n, root);
		for (size_t i = 0; i < n; i++) {
			struct arena_mark m = arena_mark(f->a);
			struct slice proof;

			assert_true(rc_ok(audit_inclusion(f->log, i, n, f->a, &proof, &f->w)));
			assert_true(rc_ok(audit_check_inclusion(leaf[i], i, n, proof, root, &f->w)));
			assert_int_equal(audit_check_inclusion(leaf[i], i ^ 1, n, proof, root, &f->w).code == OK,
			                 n == 1 && i == 1);
			assert_false(rc_ok(audit_check_inclusion(leaf[(i + 1) % LEAVES], i, n, proof, root, &f->w)));
			if (proof.n) {
				assert_false(rc_ok(audit_check_inclusion(
				        leaf[i], i, n, slice_sub(proof, 0, proof.n - HASH), root, NULL)));
				assert_false(rc_ok(audit_check_inclusion(
				        leaf[i], i, n, slice_sub(proof, 0, proof.n - 1), root, NULL)));
				((uint8_t *)(uintptr_t)proof.p)[(i * 7) % proof.n] ^= 1;
				assert_false(rc_ok(audit_check_inclusion(leaf[i], i, n, proof, root, NULL)));
			}
			arena_reset(f->a, m);
		}
	}
	assert_int_equal(audit_inclusion(f->log, LEAVES, LEAVES, f->a, &(struct slice){0}, &f->w).code, E_NOTFOUND);
	assert_int_equal(audit_inclusion(f->log, 0, LEAVES + 1, f->a, &(struct slice){0}, &f->w).code, E_NOTFOUND);
	assert_string_equal(why_reason(&f->w), "audit.absent");
}

static void consistency_is_proved_for_every_pair_of_sizes(void **state)
{
	static uint8_t leaf[LEAVES][HASH];
	struct fix *f = *state;

	append(f, LEAVES);
	leaves_and_root(f, leaf, LEAVES);
	for (size_t second = 1; second <= LEAVES; second += second < 36 ? 1 : 33) {
		uint8_t r1[HASH], r2[HASH];

		naive_root(leaf, second, r2);
		for (size_t first = 1; first <= second; first++) {
			struct arena_mark m = arena_mark(f->a);
			struct slice proof;

			naive_root(leaf, first, r1);
			assert_true(rc_ok(audit_consistency(f->log, first, second, f->a, &proof, &f->w)));
			assert_true(rc_ok(audit_check_consistency(first, r1, second, r2, proof, &f->w)));
			r1[3] ^= 4;
			assert_false(rc_ok(audit_check_consistency(first, r1, second, r2, proof, NULL)));
			r1[3] ^= 4;
			r2[9] ^= 1;
			assert_false(rc_ok(audit_check_consistency(first, r1, second, r2, proof, NULL)));
			r2[9] ^= 1;
			if (proof.n) {
				assert_false(rc_ok(audit_check_consistency(first, r1, second, r2,
				                                           slice_sub(proof, 0, proof.n - HASH), NULL)));
				((uint8_t *)(uintptr_t)proof.p)[(first * 5) % proof.n] ^= 1;
				assert_false(rc_ok(audit_check_consistency(first, r1, second, r2, proof, NULL)));
			}
			arena_reset(f->a, m);
		}
	}
	assert_false(rc_ok(audit_check_consistency(3, leaf[0], 2, leaf[1], (struct slice){0}, &f->w)));
}

/* ---- appending ---- */

static void a_record_has_its_index_and_time_and_a_signed_head(void **state)
{
	struct fix *f = *state;
	struct audit_head h;
	struct head opened;
	struct slice bytes;
	struct json *o;
	uint64_t index = 99, n;

	append(f, 2);
	assert_true(rc_ok(audit_append(f->log, record(f->a, "x", 7), NULL, 0, &index, &f->w)));
	assert_int_equal(index, 2);
	assert_true(rc_ok(audit_append(f->log, json_new_object(f->a), NULL, 0, &index, &f->w)));
	assert_int_equal(index, 3);
	assert_true(rc_ok(audit_get(f->log, 3, f->a, &bytes, &f->w)));
	assert_true(rc_ok(json_parse(f->a, bytes, NULL, &o, &f->w)));
	assert_int_equal(o->n, 2);
	assert_true(rc_ok(audit_get(f->log, 2, f->a, &bytes, &f->w)));
	assert_true(rc_ok(json_parse(f->a, bytes, NULL, &o, &f->w)));
	assert_true(rc_ok(json_need_u64(o, "index", 10, &n, "t", &f->w)));
	assert_int_equal(n, 2);
	assert_true(json_is(json_get(o, "time"), JSON_STRING));
	assert_true(slice_is(json_get(o, "event")->text, "x"));
	assert_true(rc_ok(audit_head(f->log, f->a, &h, &f->w)));
	assert_int_equal(h.size, 4);
	assert_true(rc_ok(head_open(f->key, h.jws, f->a, &opened, &f->w)));
	assert_int_equal(head_open(f->other, h.jws, f->a, &opened, &f->w).code, E_DENIED);
	assert_string_equal(why_reason(&f->w), "audit.head-forged");
	assert_int_equal(audit_get(f->log, 4, f->a, &bytes, &f->w).code, E_NOTFOUND);
}

static void a_record_that_is_no_object_or_names_an_index_is_refused(void **state)
{
	struct fix *f = *state;
	struct json *o = json_new_object(f->a);

	json_set(f->a, o, "index", json_new_u64(f->a, 1));
	assert_int_equal(audit_append(f->log, o, NULL, 0, NULL, &f->w).code, E_MALFORMED);
	assert_string_equal(why_reason(&f->w), "audit.record");
	assert_int_equal(audit_append(f->log, json_new_array(f->a), NULL, 0, NULL, &f->w).code, E_MALFORMED);
	assert_int_equal(audit_append(f->log, NULL, NULL, 0, NULL, &f->w).code, E_MALFORMED);
}

static void limits_are_kept(void **state)
{
	static struct store_op many[1025];
	static char big[(1 << 20) + 10];
	struct fix *f = *state;
	struct json *o = json_new_object(f->a);

	for (size_t i = 0; i < COUNT_OF(many); i++)
		many[i] = (struct store_op){.kind = STORE_PUT, .ns = "t", .key = "k"};
	assert_int_equal(audit_append(f->log, record(f->a, "x", 0), many, 1025, NULL, &f->w).code, E_LIMIT);
	assert_string_equal(why_reason(&f->w), "audit.size");
	assert_true(rc_ok(audit_append(f->log, record(f->a, "x", 0), many, 1024, NULL, &f->w)));
	memset(big, 'b', sizeof(big) - 1);
	json_set(f->a, o, "big", json_new_cstr(f->a, big));
	assert_int_equal(audit_append(f->log, o, NULL, 0, NULL, &f->w).code, E_LIMIT);
	assert_string_equal(why_reason(&f->w), "audit.size");
}

static void a_refused_operation_refuses_its_append_alone(void **state)
{
	const struct store_op guard = {.kind = STORE_INSERT, .ns = "guard", .key = "once", .value = SLICE_LIT("x")};
	const struct store_op gone = {.kind = STORE_DELETE, .ns = "guard", .key = "none"};
	struct fix *f = *state;
	uint64_t index = 77, size;

	assert_true(rc_ok(audit_append(f->log, record(f->a, "first", 0), &guard, 1, &index, &f->w)));
	assert_int_equal(audit_append(f->log, record(f->a, "second", 0), &guard, 1, &index, &f->w).code, E_DENIED);
	assert_string_equal(why_reason(&f->w), "store.exists");
	assert_int_equal(audit_append(f->log, record(f->a, "third", 0), &gone, 1, &index, &f->w).code, E_NOTFOUND);
	assert_string_equal(why_reason(&f->w), "store.absent");
	assert_int_equal(index, 0);
	append(f, 1);
	assert_true(rc_ok(audit_verify(f->store, f->key, NULL, &size, &f->w)));
	assert_int_equal(size, 2);
}

#define THREADS 64u
#define ROUNDS  20u

struct worker {
	struct audit *log;
	unsigned id, ok, refused;
	bool broke;
	pthread_t thread;
};

/* Every thread appends ROUNDS records, each with a guard that all threads fight for. */
static void *fight(void *arg)
{
	struct worker *me = arg;

	for (unsigned i = 0; i < ROUNDS; i++) {
		struct arena *a = arena_new(0);
		struct why w = why_in(a);
		struct store_op op = {.kind = STORE_INSERT, .ns = "guard", .value = SLICE_LIT("x")};
		rc r;

		op.key = arena_printf(a, "%u", i);
		r = audit_append(me->log, record(a, "fight", me->id), &op, 1, NULL, &w);
		if (rc_ok(r))
			me->ok++;
		else if (r.code == E_DENIED && strcmp(why_reason(&w), "store.exists") == 0)
			me->refused++;
		else
			me->broke = true;
		if (!rc_ok(audit_append(me->log, record(a, "plain", me->id), NULL, 0, NULL, &w)))
			me->broke = true;
		arena_free(a);
	}
	return NULL;
}

static void run_workers(struct worker *worker, unsigned n, struct audit *one, struct audit *two)
{
	for (unsigned i = 0; i < n; i++) {
		worker[i] = (struct worker){.log = i & 1 ? two : one, .id = i};
		assert_int_equal(pthread_create(&worker[i].thread, NULL, fight, &worker[i]), 0);
	}
	for (unsigned i = 0; i < n; i++) {
		pthread_join(worker[i].thread, NULL);
		assert_false(worker[i].broke);
	}
}

static void check_fight(struct fix *f, const struct worker *worker, unsigned n)
{
	unsigned ok = 0, refused = 0;
	uint64_t size = 0;

	for (unsigned i = 0; i < n; i++) {
		ok += worker[i].ok;
		refused += worker[i].refused;
	}
	assert_int_equal(ok, ROUNDS);
	assert_int_equal(refused, (n - 1) * ROUNDS);
	if (!rc_ok(audit_verify(f->store, f->key, NULL, &size, &f->w)))
		fail_msg("%s", why_text(&f->w));
	assert_int_equal(size, ROUNDS + n * ROUNDS);
}

static void sixty_four_threads_append_and_each_guard_is_taken_once(void **state)
{
	static struct worker worker[THREADS];
	struct fix *f = *state;

	run_workers(worker, THREADS, f->log, f->log);
	check_fight(f, worker, THREADS);
}

static void two_replicas_append_to_one_log(void **state)
{
	static struct worker worker[THREADS];
	struct fix *f = *state;
	struct audit *second;

	assert_true(rc_ok(audit_open(f->store, f->key, "test", &clock_system, &second, &f->w)));
	run_workers(worker, 16, f->log, second);
	check_fight(f, worker, 16);
	audit_close(second);
}

static void a_log_goes_on_where_it_was(void **state)
{
	struct fix *f = *state;
	uint64_t size, index;

	for (unsigned i = 0; i < 40; i++) {
		append(f, 7);
		audit_close(f->log);
		f->log = NULL;
		assert_true(rc_ok(audit_open(f->store, f->key, "test", &clock_system, &f->log, &f->w)));
	}
	assert_true(rc_ok(audit_append(f->log, record(f->a, "x", 7), NULL, 0, &index, &f->w)));
	assert_int_equal(index, 280);
	assert_true(rc_ok(audit_verify(f->store, f->key, NULL, &size, &f->w)));
	assert_int_equal(size, 281);
}

static void another_origin_or_key_does_not_open_the_log(void **state)
{
	struct fix *f = *state;
	struct audit *l;

	append(f, 3);
	assert_int_equal(audit_open(f->store, f->key, "other", &clock_system, &l, &f->w).code, E_DENIED);
	assert_string_equal(why_reason(&f->w), "audit.corrupt");
	assert_int_equal(audit_open(f->store, f->other, "test", &clock_system, &l, &f->w).code, E_DENIED);
	assert_string_equal(why_reason(&f->w), "audit.head-forged");
}

/* Appending to a tree that is not the head's would make a head that no record leads to. */
static void nodes_that_do_not_give_the_heads_root_do_not_open_the_log(void **state)
{
	struct fix *f = *state;
	struct audit *l;
	struct slice tile, bad;

	append(f, 40);
	assert_true(rc_ok(store_get(f->store, NS_NODE, "0/0000000000000002", f->a, &tile, NULL, NULL, &f->w)));
	bad = arena_dup(f->a, tile);
	((uint8_t *)(uintptr_t)bad.p)[5] ^= 1;
	assert_true(rc_ok(store_put(f->store, NS_NODE, "0/0000000000000002", bad, &f->w)));
	assert_int_equal(audit_open(f->store, f->key, "test", &clock_system, &l, &f->w).code, E_DENIED);
	assert_string_equal(why_reason(&f->w), "audit.corrupt");
	assert_true(rc_ok(store_put(f->store, NS_NODE, "0/0000000000000002", tile, &f->w)));
	assert_true(rc_ok(audit_open(f->store, f->key, "test", &clock_system, &l, &f->w)));
	audit_close(l);
}

/* Somebody put an older head in place of the newest: the records beyond it are not written over. */
static void a_log_set_back_behind_its_records_takes_no_more(void **state)
{
	struct fix *f = *state;
	struct slice head, before, after;
	char key[KEY_SIZE];

	append(f, 9);
	head_key(5, key);
	assert_true(rc_ok(store_get(f->store, NS_HEAD, key, f->a, &head, NULL, NULL, &f->w)));
	assert_true(rc_ok(store_put(f->store, NS_HEAD, KEY_LATEST, head, &f->w)));
	leaf_key(5, key);
	assert_true(rc_ok(store_get(f->store, NS_LEAF, key, f->a, &before, NULL, NULL, &f->w)));
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(audit_append(f->log, record(f->a, "x", 0), NULL, 0, NULL, &f->w).code, E_DENIED);
		assert_string_equal(why_reason(&f->w), "audit.corrupt");
	}
	assert_true(rc_ok(store_get(f->store, NS_LEAF, key, f->a, &after, NULL, NULL, &f->w)));
	assert_true(slice_eq(before, after));
}

/* ---- a store that fails ---- */

/* Passes everything to another store, save that commits fail: before they happen, or after. */
struct flaky {
	struct store base;
	struct store *real;
	int before, after; /* commits that fail so */
};

static rc flaky_commit(struct store *s, const struct store_op *ops, size_t n, int64_t now_s, size_t *refused,
                       struct why *w)
{
	struct flaky *f = (struct flaky *)(void *)s;
	rc r;

	if (f->before > 0) {
		f->before--;
		return deny(w, E_UNAVAILABLE, "store.full", "no space");
	}
	r = f->real->vt->commit(f->real, ops, n, now_s, refused, w);
	if (rc_ok(r) && f->after > 0) {
		f->after--;
		return deny(w, E_UNAVAILABLE, "store.down", "the answer was lost");
	}
	return r;
}

static rc flaky_get(struct store *s, const char *ns, const char *key, int64_t now_s, struct arena *a,
                    struct slice *value, uint64_t *rev, int64_t *expires_s, struct why *w)
{
	struct flaky *f = (struct flaky *)(void *)s;

	return f->real->vt->get(f->real, ns, key, now_s, a, value, rev, expires_s, w);
}

static rc flaky_list(struct store *s, const char *ns, const char *prefix, const char *after, size_t limit,
                     int64_t now_s, struct arena *a, char ***keys, size_t *n, struct why *w)
{
	struct flaky *f = (struct flaky *)(void *)s;

	return f->real->vt->list(f->real, ns, prefix, after, limit, now_s, a, keys, n, w);
}

static const struct store_vtable flaky_vt = {
        .name = "flaky", .commit = flaky_commit, .get = flaky_get, .list = flaky_list};

static void a_full_or_silent_store_refuses_and_the_log_goes_on(void **state)
{
	struct fix *f = *state;
	struct flaky flaky = {{&flaky_vt, &clock_system}, f->store, 0, 0};
	struct audit *l;
	uint64_t index = 55, size;

	assert_true(rc_ok(audit_open(&flaky.base, f->key, "test", &clock_system, &l, &f->w)));
	assert_true(rc_ok(audit_append(l, record(f->a, "x", 0), NULL, 0, &index, &f->w)));
	flaky.before = 1;
	assert_int_equal(audit_append(l, record(f->a, "full", 1), NULL, 0, &index, &f->w).code, E_UNAVAILABLE);
	assert_string_equal(why_reason(&f->w), "store.full");
	assert_int_equal(index, 0);
	assert_true(rc_ok(audit_append(l, record(f->a, "x", 2), NULL, 0, &index, &f->w)));
	assert_int_equal(index, 1);
	/* Refused to the caller, though it is in the log: a record without a release is allowed, the reverse is not. */
	flaky.after = 1;
	assert_int_equal(audit_append(l, record(f->a, "lost", 3), NULL, 0, &index, &f->w).code, E_UNAVAILABLE);
	assert_true(rc_ok(audit_append(l, record(f->a, "x", 4), NULL, 0, &index, &f->w)));
	assert_int_equal(index, 3);
	assert_true(rc_ok(audit_verify(f->store, f->key, NULL, &size, &f->w)));
	assert_int_equal(size, 4);
	audit_close(l);
}

static void append_for_ever(struct store *s, const struct pkey *key, int fd)
{
	struct audit *l;

	if (!rc_ok(audit_open(s, key, "test", &clock_system, &l, NULL)))
		_exit(2);
	for (;;) {
		struct arena *a = arena_new(0);
		struct store_op op = {.kind = STORE_INSERT, .ns = "release", .value = SLICE_LIT("x")};
		uint64_t index, salt;

		if (!rc_ok(sys_random(&salt, sizeof(salt), NULL)))
			_exit(3);
		op.key = arena_printf(a, "%llx", (unsigned long long)salt);
		if (!rc_ok(audit_append(l, record(a, op.key, 0), &op, 1, &index, NULL)) ||
		    write(fd, &index, sizeof(index)) != sizeof(index))
			_exit(1);
		arena_free(a);
	}
}

/* After a kill at any moment: what was acknowledged is recorded, and what happened beside it has its record. */
static void a_kill_loses_no_record_and_leaves_no_release_without_one(void **state)
{
	char dir[] = "/tmp/audit-test-XXXXXX", path[64];
	struct fix *f = *state;
	uint64_t acknowledged = 0, size = 0;
	struct store *s;
	char **keys;
	size_t n;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/kv.db", dir);
	for (unsigned round = 0; round < 15; round++) {
		uint64_t index;
		int fd[2];
		pid_t pid;
		rc r;

		assert_int_equal(pipe(fd), 0);
		pid = fork();
		if (pid == 0) {
			if (!rc_ok(store_open_sqlite(path, &clock_system, &s, NULL)))
				_exit(4);
			append_for_ever(s, f->key, fd[1]);
		}
		close(fd[1]);
		/* Some die while starting, some at work, however slow the machine is. */
		if (round % 3 && read(fd[0], &index, sizeof(index)) == sizeof(index))
			acknowledged = index + 1;
		usleep(1000 + 1777 * round);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		while (read(fd[0], &index, sizeof(index)) == sizeof(index))
			acknowledged = index + 1;
		close(fd[0]);
		assert_true(rc_ok(store_open_sqlite(path, &clock_system, &s, &f->w)));
		r = audit_verify(s, f->key, NULL, &size, &f->w);
		if (!rc_ok(r) && r.code != E_NOTFOUND)
			fail_msg("%s", why_text(&f->w));
		assert_true(size >= acknowledged);
		assert_true(rc_ok(store_list(s, "release", NULL, NULL, 1000000, f->a, &keys, &n, &f->w)));
		assert_int_equal(n, size);
		store_close(s);
	}
	assert_true(acknowledged > 0);
	for (size_t i = 0; i < 4; i++) {
		static const char *const part[] = {"", "-wal", "-shm", ".lock"};

		(void)unlink(arena_printf(f->a, "%s%s", path, part[i]));
	}
	rmdir(dir);
}

struct begun {
	struct audit_call call;
	struct why w;
	rc r;
	atomic_uint *done;
};

static void note_done(struct audit_call *c, rc r)
{
	struct begun *b = c->ctx;

	b->r = r;
	atomic_fetch_add(b->done, 1);
}

/* Those who do not wait are told once, in order, also beside those who do; and closing the log waits for all. */
static void records_that_nobody_waits_for_are_written_in_their_order(void **state)
{
	struct fix *f = *state;
	static const struct store_op guard = {.kind = STORE_INSERT, .ns = "guard", .key = "later", .value = SLICE_LIT("x")};
	struct begun b[300];
	atomic_uint done = 0;
	uint64_t before, index;

	assert_true(rc_ok(audit_append(f->log, record(f->a, "x", 0), NULL, 0, &before, &f->w)));
	for (unsigned i = 0; i < COUNT_OF(b); i++) {
		struct arena *own = arena_new(0);

		b[i] = (struct begun){.w = why_in(own), .done = &done};
		b[i].call = (struct audit_call){.record = i == 7 ? json_new_array(f->a) : record(f->a, "later", i), .ops = &guard,
		                                .n_ops = i == 3 || i == 4, .arena = own, .w = &b[i].w, .done = note_done,
		                                .ctx = &b[i]};
		audit_start(f->log, &b[i].call);
		if (i == 150)
			assert_true(rc_ok(audit_append(f->log, record(f->a, "waits", 0), NULL, 0, &index, &f->w)));
	}
	audit_close(f->log);
	assert_int_equal(atomic_load(&done), COUNT_OF(b));
	for (unsigned i = 0; i < COUNT_OF(b); i++) {
		assert_true(b[i].r.code == (i == 4 ? E_DENIED : i == 7 ? E_MALFORMED : OK));
		if (rc_ok(b[i].r))
			assert_true(b[i].call.index == before + 1 + i - (uint64_t)(i > 4) - (uint64_t)(i > 7) + (uint64_t)(i > 150));
	}
	assert_string_equal(why_reason(&b[4].w), "store.exists");
	for (unsigned i = 0; i < COUNT_OF(b); i++)
		arena_free(b[i].call.arena);
	assert_true(rc_ok(audit_open(f->store, f->key, "test", &clock_system, &f->log, &f->w)));
}

int main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(roots_are_those_of_the_published_vectors),
	        cmocka_unit_test(every_root_equals_the_recursive_definition),
	        T(inclusion_is_proved_for_every_record_of_every_size),
	        T(consistency_is_proved_for_every_pair_of_sizes),
	        T(a_record_has_its_index_and_time_and_a_signed_head),
	        T(a_record_that_is_no_object_or_names_an_index_is_refused),
	        T(limits_are_kept),
	        T(a_refused_operation_refuses_its_append_alone),
	        T(sixty_four_threads_append_and_each_guard_is_taken_once),
	        T(two_replicas_append_to_one_log),
	        T(a_log_goes_on_where_it_was),
	        T(a_log_set_back_behind_its_records_takes_no_more),
	        T(a_full_or_silent_store_refuses_and_the_log_goes_on),
	        T(a_kill_loses_no_record_and_leaves_no_release_without_one),
	        T(records_that_nobody_waits_for_are_written_in_their_order),
	        T(another_origin_or_key_does_not_open_the_log),
	        T(nodes_that_do_not_give_the_heads_root_do_not_open_the_log),
	};

	return cmocka_run_group_tests_name("audit log", tests, NULL, NULL);
}
