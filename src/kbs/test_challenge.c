/* The sealed challenge. The program is linked with --wrap, so that the random source can fail and derivations are counted. */
#include "kbs/test_fix.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "codec/base64.h"
#include "crypto/kdf.h"
#include "kbs/challenge.h"

#define HOUR 3600
#define DAY  86400
#define LIFE 300

static bool random_is_down;
static atomic_uint derivations;

rc __real_sys_random(void *out, size_t n, struct why *w);
rc __wrap_sys_random(void *out, size_t n, struct why *w);
rc __real_hkdf_sha256(const struct secret *key, struct slice salt, struct slice info, size_t out_n, struct secret *out, struct why *w);
rc __wrap_hkdf_sha256(const struct secret *key, struct slice salt, struct slice info, size_t out_n, struct secret *out, struct why *w);

rc __wrap_sys_random(void *out, size_t n, struct why *w)
{
	return random_is_down ? deny(w, E_UNAVAILABLE, "sys.random", "the random source is down") : __real_sys_random(out, n, w);
}

rc __wrap_hkdf_sha256(const struct secret *key, struct slice salt, struct slice info, size_t out_n, struct secret *out, struct why *w)
{
	atomic_fetch_add(&derivations, 1);
	return __real_hkdf_sha256(key, salt, info, out_n, out, w);
}

struct sealed {
	struct secret *key;
	struct challenge_sealer *sealer;
	struct challenge c;
	struct slice cookie;
};

static struct sealed seal_at(struct fix *f, int64_t at, int64_t life)
{
	struct sealed s = {0};

	s.key = test_calloc(1, sizeof(*s.key));
	OK_OR_FAIL(secret_new(s.key, 32, &f->w), &f->w);
	memset(s.key->p, 0x5a, 32);
	OK_OR_FAIL(challenge_sealer_open(s.key, &s.sealer, &f->w), &f->w);
	OK_OR_FAIL(challenge_new(RCAR_040, rcar_tee(SLICE_LIT("snp"), f->a), DIGEST_SHA384, at + life, &s.c, &f->w), &f->w);
	OK_OR_FAIL(challenge_seal(s.sealer, &s.c, at, f->a, &s.cookie, &f->w), &f->w);
	return s;
}

static void done(struct sealed *s)
{
	challenge_sealer_close(s->sealer);
	secret_free(s->key);
	test_free(s->key);
}

static bool same(const struct challenge *a, const struct challenge *b)
{
	return a->version == b->version && strcmp(a->tee, b->tee) == 0 && a->hash == b->hash && a->expires_s == b->expires_s &&
	       memcmp(a->id, b->id, sizeof(a->id)) == 0 && memcmp(a->nonce, b->nonce, sizeof(a->nonce)) == 0;
}

static void what_was_sealed_is_what_opens(void **state)
{
	static const char *const tees[] = {"snp", "tdx", "az-snp-vtpm", "sample"};
	struct fix *f = *state;
	struct sealed s = seal_at(f, NOW, LIFE);
	struct challenge back;
	struct slice cookie;

	for (enum rcar_version v = RCAR_010; v <= RCAR_040; v++) {
		for (size_t i = 0; i < COUNT_OF(tees); i++) {
			OK_OR_FAIL(challenge_new(v, rcar_tee(slice_cstr(tees[i]), f->a), i % 2 ? DIGEST_SHA512 : 0, NOW + LIFE, &s.c, &f->w), &f->w);
			OK_OR_FAIL(challenge_seal(s.sealer, &s.c, NOW, f->a, &cookie, &f->w), &f->w);
			OK_OR_FAIL(challenge_open(s.sealer, cookie, NOW, f->a, &back, &f->w), &f->w);
			assert_true(same(&s.c, &back));
			assert_true(cookie.n <= CHALLENGE_COOKIE_MAX);
		}
	}
	done(&s);
}

/* What a Secure Execution guest is asked comes back whole; a text that no client would keep is refused when it is made. */
static void a_text_of_its_own_travels_in_the_cookie(void **state)
{
	static const size_t sizes[] = {1, 1300, CHALLENGE_TEXT_MAX};
	struct fix *f = *state;
	struct sealed s = seal_at(f, NOW, LIFE);
	char *text = arena_alloc(f->a, CHALLENGE_TEXT_MAX + 1);
	struct challenge back;
	struct slice cookie;

	memset(text, 'x', CHALLENGE_TEXT_MAX + 1);
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		s.c.text = slice_of(text, sizes[i]);
		OK_OR_FAIL(challenge_seal(s.sealer, &s.c, NOW, f->a, &cookie, &f->w), &f->w);
		assert_true(cookie.n < 4096);
		OK_OR_FAIL(challenge_open(s.sealer, cookie, NOW, f->a, &back, &f->w), &f->w);
		assert_true(same(&s.c, &back));
		assert_true(slice_eq(back.text, s.c.text));
		assert_true(slice_eq(challenge_text(&back, f->a), s.c.text));
	}
	s.c.text = slice_of(text, CHALLENGE_TEXT_MAX + 1);
	REFUSED(challenge_seal(s.sealer, &s.c, NOW, f->a, &cookie, &f->w), &f->w, E_LIMIT, "challenge.text");
	s.c.text = (struct slice){0};
	OK_OR_FAIL(challenge_seal(s.sealer, &s.c, NOW, f->a, &cookie, &f->w), &f->w);
	OK_OR_FAIL(challenge_open(s.sealer, cookie, NOW, f->a, &back, &f->w), &f->w);
	assert_null(back.text.p);
	assert_true(slice_eq(challenge_text(&back, f->a), b64_text(f->a, B64_STD, slice_of(s.c.nonce, sizeof(s.c.nonce)))));
	done(&s);
}

static void a_cookie_shows_nothing_of_what_it_holds(void **state)
{
	struct fix *f = *state;
	struct sealed s = seal_at(f, NOW, LIFE);
	struct slice wire, again;

	OK_OR_FAIL(b64_decode(f->a, B64_URL, s.cookie, &wire, "cookie", &f->w), &f->w);
	assert_null(memmem(wire.p, wire.n, s.c.nonce, 8));
	assert_null(memmem(wire.p, wire.n, s.c.id, 8));
	assert_null(memmem(wire.p, wire.n, "snp", 3));
	/* Sealed twice, the same challenge gives two cookies: the AEAD nonce is fresh. */
	OK_OR_FAIL(challenge_seal(s.sealer, &s.c, NOW, f->a, &again, &f->w), &f->w);
	assert_false(slice_eq(again, s.cookie));
	done(&s);
}

static bool is_refusal(const char *reason)
{
	return strcmp(reason, "challenge.malformed") == 0 || strcmp(reason, "challenge.tampered") == 0 ||
	       strcmp(reason, "challenge.expired") == 0;
}

/* The attempt is refused as the guest's doing, with a reason, and leaves `out` as it was. */
static void must_not_open(struct fix *f, struct sealed *s, struct slice cookie, int64_t now, const char *what, size_t at)
{
	struct arena_mark m = arena_mark(f->a);
	struct why w = why_in(f->a);
	struct challenge out, before;
	rc r;

	memset(&out, 0xa5, sizeof(out));
	before = out;
	r = challenge_open(s->sealer, cookie, now, f->a, &out, &w);
	if (rc_ok(r))
		fail_msg("%s at %zu opened", what, at);
	if (r.code != E_UNAUTH || !is_refusal(why_reason(&w)))
		fail_msg("%s at %zu: %s %s", what, at, rc_name(r.code), why_reason(&w));
	assert_memory_equal(&out, &before, sizeof(out));
	arena_reset(f->a, m);
}

static void a_cookie_changed_in_any_character_is_refused(void **state)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=. \n";
	struct fix *f = *state;
	struct sealed s = seal_at(f, NOW, LIFE);
	char *text = arena_strndup(f->a, s.cookie.p, s.cookie.n);

	for (size_t i = 0; i < s.cookie.n; i++) {
		for (size_t k = 0; k < sizeof(alphabet); k++) {	/* the NUL too */
			if (alphabet[k] == (char)s.cookie.p[i])
				continue;
			text[i] = alphabet[k];
			must_not_open(f, &s, slice_of(text, s.cookie.n), NOW, "a change", i);
		}
		text[i] = (char)s.cookie.p[i];
	}
	done(&s);
}

static void a_cookie_changed_in_any_bit_is_refused(void **state)
{
	struct fix *f = *state;
	struct sealed s = seal_at(f, NOW, LIFE);
	struct slice wire;
	uint8_t *bytes;

	OK_OR_FAIL(b64_decode(f->a, B64_URL, s.cookie, &wire, "cookie", &f->w), &f->w);
	bytes = arena_alloc(f->a, wire.n);
	memcpy(bytes, wire.p, wire.n);
	for (size_t bit = 0; bit < wire.n * 8; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
		must_not_open(f, &s, b64_text(f->a, B64_URL, slice_of(bytes, wire.n)), NOW, "a flipped bit", bit);
		bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
	}
	done(&s);
}

static void a_cookie_cut_or_grown_at_any_length_is_refused(void **state)
{
	struct fix *f = *state;
	struct sealed s = seal_at(f, NOW, LIFE);
	char *longer = arena_alloc(f->a, CHALLENGE_COOKIE_MAX * 4);

	for (size_t n = 0; n < s.cookie.n; n++)
		must_not_open(f, &s, slice_of(s.cookie.p, n), NOW, "a cut", n);
	for (size_t n = 1; n < s.cookie.n; n++)
		must_not_open(f, &s, slice_of(s.cookie.p + n, s.cookie.n - n), NOW, "a cut of the front", n);
	memset(longer, 'A', CHALLENGE_COOKIE_MAX * 4);
	memcpy(longer, s.cookie.p, s.cookie.n);
	for (size_t n = s.cookie.n + 1; n <= CHALLENGE_COOKIE_MAX * 4; n++)
		must_not_open(f, &s, slice_of(longer, n), NOW, "growth", n);
	done(&s);
}

static void a_cookie_opens_until_it_expires_and_not_a_second_longer(void **state)
{
	static const int64_t lives[] = {1, LIFE, HOUR, DAY};
	struct fix *f = *state;

	for (size_t i = 0; i < COUNT_OF(lives); i++) {
		/* On both sides of the turn of an hour, where the key changes. */
		for (int64_t at = NOW / HOUR * HOUR - 1; at <= NOW / HOUR * HOUR; at++) {
			struct sealed s = seal_at(f, at, lives[i]);
			struct challenge out;

			OK_OR_FAIL(challenge_open(s.sealer, s.cookie, at + lives[i], f->a, &out, &f->w), &f->w);
			REFUSED(challenge_open(s.sealer, s.cookie, at + lives[i] + 1, f->a, &out, &f->w), &f->w, E_UNAUTH,
				"challenge.expired");
			done(&s);
		}
	}
}

static void replicas_share_cookies_and_strangers_do_not(void **state)
{
	struct fix *f = *state;
	struct sealed ours = seal_at(f, NOW, LIFE), replica = seal_at(f, NOW, LIFE);
	struct challenge_sealer *stranger;
	struct challenge out;
	SECRET(other);

	OK_OR_FAIL(challenge_open(replica.sealer, ours.cookie, NOW, f->a, &out, &f->w), &f->w);
	assert_true(same(&out, &ours.c));
	OK_OR_FAIL(secret_copy(&other, secret_view(ours.key), &f->w), &f->w);
	other.p[31] ^= 1;
	OK_OR_FAIL(challenge_sealer_open(&other, &stranger, &f->w), &f->w);
	REFUSED(challenge_open(stranger, ours.cookie, NOW, f->a, &out, &f->w), &f->w, E_UNAUTH, "challenge.tampered");
	challenge_sealer_close(stranger);
	done(&ours);
	done(&replica);
}

static void a_replica_may_be_one_hour_ahead_and_no_more(void **state)
{
	struct fix *f = *state;
	struct sealed ahead = seal_at(f, NOW + HOUR, LIFE), far = seal_at(f, NOW + 2 * HOUR, LIFE);
	struct challenge out;

	OK_OR_FAIL(challenge_open(ahead.sealer, ahead.cookie, NOW, f->a, &out, &f->w), &f->w);
	REFUSED(challenge_open(far.sealer, far.cookie, NOW, f->a, &out, &f->w), &f->w, E_UNAUTH, "challenge.expired");
	done(&ahead);
	done(&far);
}

/* Replicas of two releases share the key while they are upgraded: what the other one sealed is a cookie, and need not be known here. */
static void what_another_release_sealed_is_refused(void **state)
{
	struct fix *f = *state;
	struct sealed s = seal_at(f, NOW, 300);
	struct challenge c, other[3] = {s.c, s.c, s.c};
	struct slice cookie;

	other[0].version = (enum rcar_version)0;
	other[1].version = (enum rcar_version)(RCAR_040 + 1);
	other[2].tee = "nosuch";
	for (size_t i = 0; i < COUNT_OF(other); i++) {
		OK_OR_FAIL(challenge_seal(s.sealer, &other[i], NOW, f->a, &cookie, &f->w), &f->w);
		REFUSED(challenge_open(s.sealer, cookie, NOW, f->a, &c, &f->w), &f->w, E_UNAUTH, "challenge.malformed");
	}
	done(&s);
}

/* The hour of such a time is no index. */
static void before_1970_there_is_no_challenge(void **state)
{
	struct fix *f = *state;
	struct sealed s = seal_at(f, NOW, 300);
	static const int64_t before[] = {-1, -3601, INT64_MIN};
	struct challenge c;
	struct slice cookie;

	for (size_t i = 0; i < COUNT_OF(before); i++) {
		REFUSED(challenge_seal(s.sealer, &s.c, before[i], f->a, &cookie, &f->w), &f->w, E_INTERNAL, "challenge.clock");
		REFUSED(challenge_open(s.sealer, s.cookie, before[i], f->a, &c, &f->w), &f->w, E_UNAUTH, "challenge.expired");
	}
	OK_OR_FAIL(challenge_seal(s.sealer, &s.c, 0, f->a, &cookie, &f->w), &f->w);
	done(&s);
}

static void a_sealing_key_has_32_bytes(void **state)
{
	static const size_t sizes[] = {0, 16, 31, 33, 64};
	struct challenge_sealer *s = NULL;
	struct fix *f = *state;

	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		SECRET(key);

		OK_OR_FAIL(secret_new(&key, sizes[i], &f->w), &f->w);
		REFUSED(challenge_sealer_open(&key, &s, &f->w), &f->w, E_INTERNAL, "challenge.key");
		assert_null(s);
	}
}

/* What strangers send names any of the 26 hours that a cookie may be of: each costs one derivation, once. */
static void strangers_cannot_make_us_derive_keys_again_and_again(void **state)
{
	struct fix *f = *state;
	struct sealed s = seal_at(f, NOW, LIFE);
	struct challenge out;
	struct slice wire;
	uint8_t *bytes;

	OK_OR_FAIL(b64_decode(f->a, B64_URL, s.cookie, &wire, "cookie", &f->w), &f->w);
	bytes = arena_alloc(f->a, wire.n);
	memcpy(bytes, wire.p, wire.n);
	atomic_store(&derivations, 0);
	for (unsigned round = 0; round < 20; round++) {
		for (int64_t epoch = NOW / HOUR - 40; epoch <= NOW / HOUR + 40; epoch++) {
			for (unsigned i = 0; i < 4; i++)
				bytes[i] = (uint8_t)((uint64_t)epoch >> (8 * (3 - i)));
			if (epoch != NOW / HOUR)
				must_not_open(f, &s, b64_text(f->a, B64_URL, slice_of(bytes, wire.n)), NOW, "another epoch", (size_t)epoch);
		}
		OK_OR_FAIL(challenge_open(s.sealer, s.cookie, NOW, f->a, &out, &f->w), &f->w);
	}
	assert_in_range(atomic_load(&derivations), 1, 26);
	done(&s);
}

struct opener {
	const struct sealed *s;
	const struct slice *cookies;
	size_t n, first, refused;
};

static void *open_all(void *arg)
{
	struct opener *o = arg;
	struct arena *a = arena_new(0);

	for (size_t round = 0; round < 50; round++) {
		for (size_t i = 0; i < o->n; i++) {
			struct arena_mark m = arena_mark(a);
			struct challenge out;

			o->refused += !rc_ok(challenge_open(o->s->sealer, o->cookies[(i + o->first) % o->n], NOW, a, &out, NULL));
			arena_reset(a, m);
		}
	}
	arena_free(a);
	return NULL;
}

static void cookies_of_all_hours_open_side_by_side_in_threads(void **state)
{
	struct fix *f = *state;
	struct sealed s = seal_at(f, NOW, LIFE), fresh;
	struct slice cookies[26];
	struct opener o[4];
	pthread_t t[4];

	for (size_t i = 0; i < COUNT_OF(cookies); i++) {
		fresh = seal_at(f, NOW - (int64_t)i * HOUR + HOUR, 2 * DAY);
		cookies[i] = fresh.cookie;
		done(&fresh);
	}
	for (size_t i = 0; i < COUNT_OF(t); i++) {
		o[i] = (struct opener){.s = &s, .cookies = cookies, .n = COUNT_OF(cookies), .first = i * 7};
		assert_int_equal(pthread_create(&t[i], NULL, open_all, &o[i]), 0);
	}
	for (size_t i = 0; i < COUNT_OF(t); i++) {
		pthread_join(t[i], NULL);
		assert_int_equal(o[i].refused, 0);
	}
	done(&s);
}

static void without_random_bytes_there_is_no_challenge(void **state)
{
	struct fix *f = *state;
	struct sealed s = seal_at(f, NOW, LIFE);
	struct challenge out, before;
	struct slice cookie = {NULL, 0};
	rc made, sealed;

	memset(&out, 0xa5, sizeof(out));
	before = out;
	random_is_down = true;
	made = challenge_new(RCAR_040, s.c.tee, 0, NOW + LIFE, &out, &f->w);
	sealed = challenge_seal(s.sealer, &s.c, NOW, f->a, &cookie, &f->w);
	random_is_down = false;
	assert_int_equal(made.code, E_UNAVAILABLE);
	assert_memory_equal(&out, &before, sizeof(out));
	assert_int_equal(sealed.code, E_UNAVAILABLE);
	assert_null(cookie.p);
	done(&s);
}

static void without_memory_nothing_is_sealed_or_opened(void **state)
{
	struct fix *f = *state;
	struct sealed s = seal_at(f, NOW, LIFE);
	struct challenge out;
	bool sealed = false, opened = false;

	for (uint64_t n = 1; n < 40 && !(sealed && opened); n++) {
		struct arena *a = arena_new(0);
		struct slice cookie = {NULL, 0};

		arena_fail_at(a, n);
		sealed = rc_ok(challenge_seal(s.sealer, &s.c, NOW, a, &cookie, NULL));
		assert_true(sealed || !cookie.p);
		arena_free(a);
		a = arena_new(0);
		arena_fail_at(a, n);
		memset(&out, 0xa5, sizeof(out));
		opened = rc_ok(challenge_open(s.sealer, s.cookie, NOW, a, &out, NULL));
		assert_true(opened ? same(&out, &s.c) : (unsigned)out.version == 0xa5a5a5a5u);
		arena_free(a);
	}
	assert_true(sealed && opened);
	done(&s);
}

static int by_bytes(const void *x, const void *y)
{
	return memcmp(x, y, CHALLENGE_NONCE);
}

/* CVE-2026-6420: a challenge nonce that a constant had replaced. */
static void a_million_nonces_are_unique_and_random_over_their_full_length(void **state)
{
	enum { N = 1000000 };
	static uint32_t seen[CHALLENGE_NONCE][256];
	uint8_t(*nonces)[CHALLENGE_NONCE] = malloc(sizeof(*nonces) * N);
	struct fix *f = *state;
	struct challenge c;

	assert_non_null(nonces);
	for (size_t i = 0; i < N; i++) {
		OK_OR_FAIL(challenge_new(RCAR_040, "snp", 0, NOW + LIFE, &c, &f->w), &f->w);
		memcpy(nonces[i], c.nonce, CHALLENGE_NONCE);
		for (size_t k = 0; k < CHALLENGE_NONCE; k++)
			seen[k][c.nonce[k]]++;
	}
	qsort(nonces, N, sizeof(*nonces), by_bytes);
	for (size_t i = 1; i < N; i++)
		assert_memory_not_equal(nonces[i - 1], nonces[i], CHALLENGE_NONCE);
	/* 3906 expected of each value at each place; ten standard deviations are 624. */
	for (size_t k = 0; k < CHALLENGE_NONCE; k++)
		for (size_t v = 0; v < 256; v++)
			assert_in_range(seen[k][v], 3282, 4530);
	free(nonces);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BEHAVIOUR(what_was_sealed_is_what_opens),
		BEHAVIOUR(a_text_of_its_own_travels_in_the_cookie),
		BEHAVIOUR(a_cookie_shows_nothing_of_what_it_holds),
		BEHAVIOUR(a_cookie_changed_in_any_character_is_refused),
		BEHAVIOUR(a_cookie_changed_in_any_bit_is_refused),
		BEHAVIOUR(a_cookie_cut_or_grown_at_any_length_is_refused),
		BEHAVIOUR(a_cookie_opens_until_it_expires_and_not_a_second_longer),
		BEHAVIOUR(replicas_share_cookies_and_strangers_do_not),
		BEHAVIOUR(a_replica_may_be_one_hour_ahead_and_no_more),
		BEHAVIOUR(what_another_release_sealed_is_refused),
		BEHAVIOUR(before_1970_there_is_no_challenge),
		BEHAVIOUR(a_sealing_key_has_32_bytes),
		BEHAVIOUR(strangers_cannot_make_us_derive_keys_again_and_again),
		BEHAVIOUR(cookies_of_all_hours_open_side_by_side_in_threads),
		BEHAVIOUR(without_random_bytes_there_is_no_challenge),
		BEHAVIOUR(without_memory_nothing_is_sealed_or_opened),
		BEHAVIOUR(a_million_nonces_are_unique_and_random_over_their_full_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
