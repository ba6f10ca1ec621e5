#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "audit/audit_int.h"
#include "base/num.h"
#include "codec/base64.h"

#define LEAVES 300u

struct fix {
	struct arena *a;
	struct why w;
	struct store *store;
	struct pkey *key, *other;
	struct audit *log;
};

static int set_up(void **state)
{
	struct fix *f = calloc(1, sizeof(*f));

	f->a = arena_new((size_t)512 << 20);
	f->w = why_in(f->a);
	if (!rc_ok(store_open_memory(&clock_system, &f->store, &f->w)) ||
	    !rc_ok(pkey_generate(KEY_P256, 0, &f->key, &f->w)) ||
	    !rc_ok(pkey_generate(KEY_P256, 0, &f->other, &f->w)) ||
	    !rc_ok(audit_open(f->store, f->key, "test", &clock_system, &f->log, &f->w)))
		fail_msg("%s", why_text(&f->w));
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fix *f = *state;

	audit_close(f->log);
	store_close(f->store);
	pkey_free(f->key);
	pkey_free(f->other);
	arena_free(f->a);
	free(f);
	return 0;
}

static struct json *record(struct arena *a, const char *what, uint64_t n)
{
	struct json *o = json_new_object(a);

	json_set(a, o, "event", json_new_cstr(a, what));
	json_set(a, o, "n", json_new_u64(a, n));
	return o;
}

static void append(struct fix *f, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (!rc_ok(audit_append(f->log, record(f->a, "release", i), NULL, 0, NULL, &f->w)))
			fail_msg("%s", why_text(&f->w));
}

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

/* ---- verification: what somebody with the database, but without the key, can do ---- */

static struct slice read_value(struct fix *f, const char *ns, const char *key)
{
	struct slice v;

	if (!rc_ok(store_get(f->store, ns, key, f->a, &v, NULL, NULL, &f->w)))
		fail_msg("%s", why_text(&f->w));
	return v;
}

static void write_value(struct fix *f, const char *ns, const char *key, struct slice v)
{
	assert_true(rc_ok(store_put(f->store, ns, key, v, &f->w)));
}

static void drop(struct fix *f, const char *ns, const char *key)
{
	assert_true(rc_ok(store_delete(f->store, ns, key, &f->w)));
}

static void verdict(struct fix *f, const char *reason)
{
	uint64_t size = 12345;
	rc r = audit_verify(f->store, f->key, NULL, &size, &f->w);

	if (r.code != E_DENIED || strcmp(why_reason(&f->w), reason) != 0)
		fail_msg("%s %s (%s), expected %s", rc_name(r.code), why_reason(&f->w), why_text(&f->w), reason);
	assert_int_equal(size, 12345);
}

static const char *leaf(struct fix *f, uint64_t i)
{
	return arena_printf(f->a, "%020llu", (unsigned long long)i);
}

static void a_sound_log_verifies(void **state)
{
	struct fix *f = *state;
	uint64_t size = 9;

	assert_true(rc_ok(audit_verify(f->store, f->key, NULL, &size, &f->w)));
	assert_int_equal(size, 0);
	append(f, LEAVES);
	assert_true(rc_ok(audit_verify(f->store, f->key, NULL, &size, &f->w)));
	assert_int_equal(size, LEAVES);
	assert_int_equal(audit_verify(f->store, f->other, NULL, &size, &f->w).code, E_DENIED);
	assert_string_equal(why_reason(&f->w), "audit.head-forged");
}

static void a_flipped_byte_is_found(void **state)
{
	struct fix *f = *state;

	append(f, 20);
	for (uint64_t i = 0; i < 20; i += 3) {
		struct slice v = read_value(f, NS_LEAF, leaf(f, i));

		for (size_t at = 0; at < v.n; at++) {
			struct slice bad = arena_dup(f->a, v);
			rc r;

			((uint8_t *)(uintptr_t)bad.p)[at] ^= 1;
			write_value(f, NS_LEAF, leaf(f, i), bad);
			r = audit_verify(f->store, f->key, NULL, NULL, &f->w);
			assert_int_equal(r.code, E_DENIED);
			assert_true(strcmp(why_reason(&f->w), "audit.record-changed") == 0 ||
			            strcmp(why_reason(&f->w), "audit.order") == 0 ||
			            strcmp(why_reason(&f->w), "audit.root") == 0);
		}
		write_value(f, NS_LEAF, leaf(f, i), v);
	}
	assert_true(rc_ok(audit_verify(f->store, f->key, NULL, NULL, &f->w)));
}

/* The value "release" becomes "rELEASE": sound JSON, the right index, another record; the report names it. */
static void a_rewritten_record_is_named(void **state)
{
	struct fix *f = *state;
	struct slice v;
	uint8_t *at;

	append(f, 40);
	v = read_value(f, NS_LEAF, leaf(f, 17));
	at = memmem(v.p, v.n, "release", 7);
	memcpy(at, "RELEASE", 7);
	write_value(f, NS_LEAF, leaf(f, 17), v);
	/* Each append had a head of its own here, so the first head over it names it alone. */
	verdict(f, "audit.root");
	assert_non_null(strstr(why_text(&f->w), "records 17 to 17"));
}

static void a_rewritten_record_with_its_nodes_is_found(void **state)
{
	struct fix *f = *state;
	struct slice v, tile;
	uint8_t *at;

	append(f, 20);
	v = read_value(f, NS_LEAF, leaf(f, 5));
	at = memmem(v.p, v.n, "release", 7);
	memcpy(at, "RELEASE", 7);
	write_value(f, NS_LEAF, leaf(f, 5), v);
	tile = read_value(f, NS_NODE, "0/0000000000000000");
	audit_leaf_hash(v, (uint8_t *)(uintptr_t)tile.p + 5 * HASH);
	write_value(f, NS_NODE, "0/0000000000000000", tile);
	verdict(f, "audit.root");
}

static void a_dropped_record_is_found(void **state)
{
	struct fix *f = *state;

	append(f, 20);
	drop(f, NS_LEAF, leaf(f, 11));
	verdict(f, "audit.record-missing");
	assert_non_null(strstr(why_text(&f->w), "record 11 "));
}

static void reordered_records_are_found(void **state)
{
	struct fix *f = *state;
	struct slice a, b;

	append(f, 20);
	a = read_value(f, NS_LEAF, leaf(f, 3));
	b = read_value(f, NS_LEAF, leaf(f, 7));
	write_value(f, NS_LEAF, leaf(f, 3), b);
	write_value(f, NS_LEAF, leaf(f, 7), a);
	verdict(f, "audit.order");
	assert_non_null(strstr(why_text(&f->w), "place 3 "));
}

static void a_truncated_log_is_found(void **state)
{
	struct fix *f = *state;

	append(f, 20);
	drop(f, NS_LEAF, leaf(f, 19));
	verdict(f, "audit.record-missing");
	drop(f, NS_HEAD, leaf(f, 20));
	verdict(f, "audit.head-missing");
}

static void a_deleted_head_is_found(void **state)
{
	struct fix *f = *state;

	append(f, 20);
	drop(f, NS_HEAD, leaf(f, 8));
	verdict(f, "audit.head-missing");
	drop(f, NS_HEAD, KEY_LATEST);
	verdict(f, "audit.head-missing");
	audit_close(f->log);
	f->log = NULL;
	assert_int_equal(audit_open(f->store, f->key, "test", &clock_system, &f->log, &f->w).code, E_DENIED);
	assert_string_equal(why_reason(&f->w), "audit.corrupt");
}

static void an_older_head_in_place_of_the_newest_is_found(void **state)
{
	struct fix *f = *state;

	append(f, 20);
	write_value(f, NS_HEAD, KEY_LATEST, read_value(f, NS_HEAD, leaf(f, 12)));
	verdict(f, "audit.head-missing");
	for (uint64_t i = 13; i <= 20; i++)
		drop(f, NS_HEAD, leaf(f, i));
	verdict(f, "audit.record-extra");
}

static void a_forged_head_is_found(void **state)
{
	struct fix *f = *state;
	uint8_t root[HASH] = {1};
	struct slice jws, good;

	append(f, 20);
	assert_true(rc_ok(head_sign(f->other, "test", 20, 19, root, 0, f->a, &jws, &f->w)));
	write_value(f, NS_HEAD, KEY_LATEST, jws);
	verdict(f, "audit.head-forged");
	good = read_value(f, NS_HEAD, leaf(f, 20));
	write_value(f, NS_HEAD, KEY_LATEST, good);
	write_value(f, NS_HEAD, leaf(f, 6), jws);
	verdict(f, "audit.head-forged");
	write_value(f, NS_HEAD, leaf(f, 6), good);
	verdict(f, "audit.head-forged");
	/* The header decides nothing: "none" and others are not read. */
	write_value(f, NS_HEAD, leaf(f, 6), SLICE_LIT("eyJhbGciOiJub25lIn0.e30."));
	verdict(f, "audit.head-forged");
}

static void changed_nodes_are_found(void **state)
{
	static const char *const tile[] = {"0/0000000000000000", "0/0000000000000002", "1/0000000000000000"};
	struct fix *f = *state;

	append(f, 40);
	for (size_t i = 0; i < COUNT_OF(tile); i++) {
		struct slice good = read_value(f, NS_NODE, tile[i]), bad = arena_dup(f->a, good);

		((uint8_t *)(uintptr_t)bad.p)[0] ^= 1;
		write_value(f, NS_NODE, tile[i], bad);
		verdict(f, i < 2 ? "audit.record-changed" : "audit.corrupt");
		write_value(f, NS_NODE, tile[i], slice_sub(good, 0, good.n - 1));
		verdict(f, "audit.corrupt");
		drop(f, NS_NODE, tile[i]);
		verdict(f, "audit.corrupt");
		write_value(f, NS_NODE, tile[i], good);
	}
	assert_true(rc_ok(audit_verify(f->store, f->key, NULL, NULL, &f->w)));
}

static void an_empty_store_holds_no_log(void **state)
{
	struct fix *f = *state;
	struct store *s;

	assert_true(rc_ok(store_open_memory(&clock_system, &s, &f->w)));
	assert_int_equal(audit_verify(s, f->key, NULL, NULL, &f->w).code, E_NOTFOUND);
	assert_true(rc_ok(store_put(s, NS_LEAF, leaf(f, 0), SLICE_LIT("{}"), &f->w)));
	assert_int_equal(audit_verify(s, f->key, NULL, NULL, &f->w).code, E_DENIED);
	assert_string_equal(why_reason(&f->w), "audit.head-missing");
	store_close(s);
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
	        T(another_origin_or_key_does_not_open_the_log),
	        T(a_sound_log_verifies),
	        T(a_flipped_byte_is_found),
	        T(a_rewritten_record_is_named),
	        T(a_rewritten_record_with_its_nodes_is_found),
	        T(a_dropped_record_is_found),
	        T(reordered_records_are_found),
	        T(a_truncated_log_is_found),
	        T(a_deleted_head_is_found),
	        T(an_older_head_in_place_of_the_newest_is_found),
	        T(a_forged_head_is_found),
	        T(changed_nodes_are_found),
	        T(an_empty_store_holds_no_log),
	};

	return cmocka_run_group_tests_name("audit log", tests, NULL, NULL);
}
