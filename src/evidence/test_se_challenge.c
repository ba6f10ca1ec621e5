/* The challenge of a Secure Execution guest: what is sealed opens for its servers alone, once and in time. */
#include "evidence/test_shared.h"

#include "base/num.h"
#include "evidence/se_challenge.h"

#define EXPIRES 1000

struct fix {
	struct arena *a;
	struct why w;
	struct secret seal_key;
	struct pkey *host;
	uint8_t tags[SE_IMAGE_TAGS_SIZE];
	struct se_challenge_env env;
	struct slice key, nonce;	/* of the challenge that begin() made */
};

static void texts(const struct json *challenge, struct slice *key, struct slice *nonce)
{
	*key = json_get(challenge, "encr_measurement_key")->text;
	*nonce = json_get(challenge, "encr_request_nonce")->text;
}

static void begin(struct fix *f)
{
	struct json *o;

	*f = (struct fix){.a = arena_new(0)};
	f->w = why_in(f->a);
	assert_true(rc_ok(secret_random(&f->seal_key, 32, NULL)));
	assert_true(rc_ok(pkey_generate(KEY_P521, 0, &f->host, NULL)));
	f->env = (struct se_challenge_env){.seal_key = &f->seal_key, .host_keys = (const struct pkey *const *)&f->host, .host_keys_n = 1,
					   .image_tags = {f->tags, sizeof(f->tags)}, .expires_s = EXPIRES};
	assert_true(rc_ok(se_challenge_make(&f->env, f->a, &o, &f->w)));
	texts(o, &f->key, &f->nonce);
}

static void end(struct fix *f)
{
	secret_free(&f->seal_key);
	pkey_free(f->host);
	arena_free(f->a);
}

static const char *opened(struct fix *f, struct slice key, struct slice nonce, int64_t now_s)
{
	struct secret pair = {0};
	rc r;

	why_clear(&f->w);
	r = se_challenge_open(&f->seal_key, key, nonce, now_s, f->a, &pair, &f->w);
	assert_int_equal(pair.n, rc_ok(r) ? SE_PAIR_SIZE : 0);
	secret_free(&pair);
	return rc_ok(r) ? "opened" : why_reason(&f->w);
}

static void a_challenge_opens_until_it_ends(void **state)
{
	struct fix f;

	(void)state;
	begin(&f);
	assert_string_equal(opened(&f, f.key, f.nonce, 0), "opened");
	assert_string_equal(opened(&f, f.key, f.nonce, EXPIRES), "opened");
	assert_string_equal(opened(&f, f.key, f.nonce, EXPIRES + 1), "se.expired.challenge");
	end(&f);
}

static void what_is_none_of_our_sealed_texts_is_refused(void **state)
{
	struct fix f;
	struct slice raw, longer;
	uint8_t *copy;

	(void)state;
	begin(&f);
	assert_string_equal(opened(&f, SLICE_LIT("not base64!"), f.nonce, 0), "se.decrypt.sealed");
	assert_string_equal(opened(&f, SLICE_LIT(""), f.nonce, 0), "se.decrypt.sealed");
	assert_string_equal(opened(&f, f.key, SLICE_LIT("AQ=="), 0), "se.decrypt.sealed");
	assert_string_equal(opened(&f, f.nonce, f.key, 0), "se.decrypt.sealed");
	assert_true(rc_ok(b64_decode(f.a, B64_STD, f.key, &raw, "key", NULL)));
	copy = exact_copy(raw, raw.n);
	for (size_t n = 0; n < raw.n; n++)
		assert_string_equal(opened(&f, b64_text(f.a, B64_STD, slice_of(copy, n)), f.nonce, 0), "se.decrypt.sealed");
	for (size_t bit = 0; bit < raw.n * 8; bit++) {	/* the version, the expiry, the id, the nonce, the key and the tag */
		copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_string_equal(opened(&f, b64_text(f.a, B64_STD, slice_of(copy, raw.n)), f.nonce, 0), "se.decrypt.sealed");
		copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	longer = arena_dup(f.a, raw);
	longer.n++;	/* the NUL behind a copy */
	assert_string_equal(opened(&f, b64_text(f.a, B64_STD, longer), f.nonce, 0), "se.decrypt.sealed");
	free(copy);
	end(&f);
}

static void halves_of_two_challenges_are_no_challenge(void **state)
{
	struct fix f;
	struct json *o;
	struct slice key, nonce;

	(void)state;
	begin(&f);
	for (int64_t later = 0; later < 2; later++) {
		f.env.expires_s = EXPIRES + later;
		assert_true(rc_ok(se_challenge_make(&f.env, f.a, &o, &f.w)));
		texts(o, &key, &nonce);
		assert_string_equal(opened(&f, key, nonce, 0), "opened");
		assert_string_equal(opened(&f, f.key, nonce, 0), "se.decrypt.sealed");
		assert_string_equal(opened(&f, key, f.nonce, 0), "se.decrypt.sealed");
	}
	end(&f);
}

static void what_a_challenge_is_made_of_is_checked(void **state)
{
	struct fix f;
	struct pkey *p256;
	const struct pkey *many[SE_HOST_KEYS_MAX + 1];
	struct se_challenge_env env;
	struct json *o = NULL;

	(void)state;
	begin(&f);
	assert_true(rc_ok(pkey_generate(KEY_P256, 0, &p256, NULL)));
	for (size_t i = 0; i < COUNT_OF(many); i++)
		many[i] = f.host;
	env = f.env;
	env.host_keys_n = 0;
	assert_int_equal(se_challenge_make(&env, f.a, &o, &f.w).code, E_UNSUPPORTED);
	env.host_keys = many;
	env.host_keys_n = COUNT_OF(many);
	assert_int_equal(se_challenge_make(&env, f.a, &o, &f.w).code, E_UNSUPPORTED);
	env.host_keys_n = SE_HOST_KEYS_MAX;
	assert_true(rc_ok(se_challenge_make(&env, f.a, &o, &f.w)));
	many[3] = p256;
	env.host_keys_n = 3;
	assert_true(rc_ok(se_challenge_make(&env, f.a, &o, &f.w)));
	env.host_keys_n = 4;
	why_clear(&f.w);
	assert_int_equal(se_challenge_make(&env, f.a, &o, &f.w).code, E_UNSUPPORTED);
	assert_string_equal(why_reason(&f.w), "se.challenge.key");
	env = f.env;
	env.image_tags.n--;
	why_clear(&f.w);
	assert_int_equal(se_challenge_make(&env, f.a, &o, &f.w).code, E_MALFORMED);
	assert_string_equal(why_reason(&f.w), "se.challenge.tags");
	pkey_free(p256);
	end(&f);
}

/* Half a challenge would be a key that its guest cannot use, or a text that no server opens. */
static void a_challenge_without_memory_is_none(void **state)
{
	struct fix f;
	bool done = false;
	uint64_t n;

	(void)state;
	begin(&f);
	for (n = 1; !done; n++) {
		struct arena *a = arena_new(0);
		struct json *o = NULL;
		struct slice key, nonce;
		rc r;

		arena_fail_at(a, n);
		r = se_challenge_make(&f.env, a, &o, NULL);
		arena_fail_at(a, 0);
		done = rc_ok(r);
		assert_int_equal(o != NULL, done);
		assert_int_equal(arena_bad(a), !done);
		if (done) {
			texts(o, &key, &nonce);
			assert_string_equal(opened(&f, key, nonce, 0), "opened");
		}
		arena_free(a);
	}
	assert_true(n > 15);
	end(&f);
}

static void without_memory_nothing_is_opened(void **state)
{
	struct fix f;
	bool done = false;
	uint64_t n;

	(void)state;
	begin(&f);
	for (n = 1; !done; n++) {
		struct arena *a = arena_new(0);
		struct secret pair = {0};

		arena_fail_at(a, n);
		done = rc_ok(se_challenge_open(&f.seal_key, f.key, f.nonce, 0, a, &pair, NULL));
		assert_int_equal(pair.n, done ? SE_PAIR_SIZE : 0);
		assert_int_equal(arena_bad(a), !done);
		secret_free(&pair);
		arena_free(a);
	}
	assert_true(n > 3);
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_challenge_opens_until_it_ends),
		cmocka_unit_test(what_is_none_of_our_sealed_texts_is_refused),
		cmocka_unit_test(halves_of_two_challenges_are_no_challenge),
		cmocka_unit_test(what_a_challenge_is_made_of_is_checked),
		cmocka_unit_test(a_challenge_without_memory_is_none),
		cmocka_unit_test(without_memory_nothing_is_opened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
