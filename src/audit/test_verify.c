#include "audit/test_fix.h"

#define LEAVES 300u

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

	return cmocka_run_group_tests_name("audit verify", tests, NULL, NULL);
}
