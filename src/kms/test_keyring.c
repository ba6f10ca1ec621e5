/* The service's own keys: the same for whoever shares store and master key, and nothing for anybody else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/num.h"
#include "base/sys.h"
#include "kms/keyring.h"

#define NS "service_key"

struct fix {
	struct arena *a;
	struct why w;
	struct store *store;
	struct keyring *k;
};

/* A seal whose key is 32 times the byte that ctx points to. */
static rc unseal(void *ctx, struct secret *key, struct why *w)
{
	rc r = secret_new(key, 32, w);

	if (rc_ok(r))
		memset(key->p, *(const uint8_t *)ctx, 32);
	return r;
}

static uint8_t mine = 7, other = 8;

static struct keyring *open_with(struct fix *f, uint8_t *byte)
{
	const struct kms_seal seal = {"test", unseal, byte};
	struct keyring *k;

	assert_true(rc_ok(keyring_open(f->store, &seal, &k, &f->w)));
	return k;
}

static int setup(void **state)
{
	struct fix *f = test_calloc(1, sizeof(*f));

	f->a = arena_new(0);
	f->w = why_in(f->a);
	assert_true(rc_ok(store_open_memory(&clock_system, &f->store, &f->w)));
	f->k = open_with(f, &mine);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fix *f = *state;

	keyring_close(f->k);
	store_close(f->store);
	arena_free(f->a);
	test_free(f);
	return 0;
}

static void refused_at(struct fix *f, rc r, const char *reason, int line)
{
	if (r.code != E_DENIED || strcmp(why_reason(&f->w), reason) != 0)
		fail_msg("line %d: %s %s (%s)", line, rc_name(r.code), why_reason(&f->w), why_text(&f->w));
	why_clear(&f->w);
}

#define REFUSED(call, reason) refused_at(f, (call), (reason), __LINE__)

static void replicas_share_keys_and_names_do_not(void **state)
{
	struct fix *f = *state;
	struct keyring *replica = open_with(f, &mine);
	struct pkey *key, *same;
	SECRET(one);
	SECRET(again);
	SECRET(another);

	assert_true(rc_ok(keyring_bytes(f->k, "one", 32, &one, &f->w)));
	assert_true(rc_ok(keyring_bytes(replica, "one", 32, &again, &f->w)));
	assert_true(rc_ok(keyring_bytes(replica, "two", 32, &another, &f->w)));
	assert_true(secret_eq(secret_view(&one), secret_view(&again)));
	assert_false(secret_eq(secret_view(&one), secret_view(&another)));
	assert_true(rc_ok(keyring_key(f->k, "signer", KEY_P256, &key, &f->w)));
	assert_true(rc_ok(keyring_key(replica, "signer", KEY_P256, &same, &f->w)));
	assert_true(pkey_same(key, same) && pkey_is_private(same) && pkey_kind(key) == KEY_P256);
	pkey_free(key);
	pkey_free(same);
	keyring_close(replica);
}

static void under_another_master_key_nothing_opens(void **state)
{
	struct fix *f = *state;
	struct keyring *stranger = open_with(f, &other);
	struct pkey *key = NULL;
	SECRET(bytes);
	SECRET(none);

	assert_true(rc_ok(keyring_bytes(f->k, "one", 32, &bytes, &f->w)));
	REFUSED(keyring_bytes(stranger, "one", 32, &none, &f->w), "keyring.integrity");
	REFUSED(keyring_key(stranger, "one", KEY_P256, &key, &f->w), "keyring.integrity");
	assert_true(!none.p && !key);	/* outputs change on success only */
	keyring_close(stranger);
}

static void a_key_of_another_size_or_kind_is_not_that_key(void **state)
{
	struct fix *f = *state;
	struct pkey *key, *none = NULL;
	SECRET(bytes);
	SECRET(nothing);

	assert_true(rc_ok(keyring_bytes(f->k, "one", 32, &bytes, &f->w)));
	REFUSED(keyring_bytes(f->k, "one", 16, &nothing, &f->w), "keyring.integrity");
	assert_null(nothing.p);
	assert_true(rc_ok(keyring_key(f->k, "signer", KEY_P256, &key, &f->w)));
	REFUSED(keyring_key(f->k, "signer", KEY_ED25519, &none, &f->w), "keyring.integrity");
	assert_null(none);
	pkey_free(key);
}

/* Cut at any length, changed in any byte, or put under another name. */
static void a_stored_key_that_was_changed_does_not_open(void **state)
{
	struct fix *f = *state;
	struct slice stored;
	SECRET(bytes);
	SECRET(none);

	assert_true(rc_ok(keyring_bytes(f->k, "one", 32, &bytes, &f->w)));
	assert_true(rc_ok(store_get(f->store, NS, "one", f->a, &stored, NULL, NULL, &f->w)));
	for (size_t n = 0; n < stored.n; n++) {
		struct slice changed = arena_dup(f->a, stored);

		assert_true(rc_ok(store_put(f->store, NS, "one", slice_sub(stored, 0, n), &f->w)));
		REFUSED(keyring_bytes(f->k, "one", 32, &none, &f->w), "keyring.integrity");
		((uint8_t *)(uintptr_t)changed.p)[n] ^= 1;
		assert_true(rc_ok(store_put(f->store, NS, "one", changed, &f->w)));
		REFUSED(keyring_bytes(f->k, "one", 32, &none, &f->w), "keyring.integrity");
	}
	assert_true(rc_ok(store_put(f->store, NS, "two", stored, &f->w)));
	REFUSED(keyring_bytes(f->k, "two", 32, &none, &f->w), "keyring.integrity");
	assert_true(rc_ok(store_put(f->store, NS, "one", stored, &f->w)));
	assert_true(rc_ok(keyring_bytes(f->k, "one", 32, &none, &f->w)));
	assert_true(secret_eq(secret_view(&bytes), secret_view(&none)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(replicas_share_keys_and_names_do_not, setup, teardown),
		cmocka_unit_test_setup_teardown(under_another_master_key_nothing_opens, setup, teardown),
		cmocka_unit_test_setup_teardown(a_key_of_another_size_or_kind_is_not_that_key, setup, teardown),
		cmocka_unit_test_setup_teardown(a_stored_key_that_was_changed_does_not_open, setup, teardown),
	};

	return cmocka_run_group_tests_name("keyring", tests, NULL, NULL);
}
