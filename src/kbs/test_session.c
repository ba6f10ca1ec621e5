/* What a challenge leaves behind: the record of its one success, and the count of its failures. */
#include "kbs/test_fix.h"

#include <pthread.h>

#include "codec/base64.h"
#include "kbs/attempts.h"
#include "kbs/session.h"

#define LIFE 300

static struct challenge challenge_of(uint8_t first)
{
	struct challenge c = {.version = RCAR_030, .tee = "snp", .expires_s = NOW + LIFE};

	for (unsigned i = 0; i < sizeof(c.id); i++)
		c.id[i] = (uint8_t)(first + i);
	return c;
}

static struct session session_for(const struct challenge *c, const char *token)
{
	return (struct session){.token = slice_cstr(token), .version = c->version, .key = SLICE_LIT("thumb"), .expires_s = c->expires_s};
}

static rc keep(struct fix *f, const struct challenge *c, const char *token)
{
	struct session s = session_for(c, token);
	struct store_op op = session_op(f->a, c, &s);

	return store_commit(f->store, &op, 1, &f->w);
}

static void an_attested_session_is_found_by_its_challenge(void **state)
{
	struct fix *f = *state;
	struct challenge c = challenge_of(1), other = challenge_of(2);
	struct session s;

	OK_OR_FAIL(keep(f, &c, "a.b.c"), &f->w);
	OK_OR_FAIL(session_get(f->store, &c, f->a, &s, &f->w), &f->w);
	assert_true(slice_is(s.token, "a.b.c") && slice_is(s.key, "thumb"));
	assert_int_equal(s.version, RCAR_030);
	assert_int_equal(s.expires_s, NOW + LIFE);
	REFUSED(session_get(f->store, &other, f->a, &s, &f->w), &f->w, E_NOTFOUND, "store.absent");
}

/* Kept as bytes, given back to the last character; what has another form is kept as it is. */
static void a_token_comes_back_as_it_was(void **state)
{
	static const char *const token[] = {"eyJhbGciOiJFUzI1NiJ9.eyJhIjoxfQ.AAECAwQ", "eyJhbGciOiJFUzI1NiJ9.e30.", "..", "a.b.c", "AA.AA", "AA.AA.AA.AA",
					    "AB.AA.AA", "AA.AA.A=", "AA.AA=.AA", "AA.A\n.AA", ".", "x"};
	struct fix *f = *state;

	for (size_t i = 0; i < COUNT_OF(token); i++) {
		struct challenge c = challenge_of((uint8_t)(40 + i));
		struct session s;

		OK_OR_FAIL(keep(f, &c, token[i]), &f->w);
		OK_OR_FAIL(session_get(f->store, &c, f->a, &s, &f->w), &f->w);
		if (!slice_is(s.token, token[i]))
			fail_msg("%s came back as " SLICE_FMT, token[i], SLICE_ARG(s.token));
	}
}

/* By what a base64url part costs less than its text. */
static void a_token_is_kept_as_bytes(void **state)
{
	static const char head[] = "eyJhbGciOiJFUzI1NiJ9.", tail[] = ".AAAA";
	struct fix *f = *state;
	struct challenge c = challenge_of(1);
	char token[4095];

	memset(token, 'A', sizeof(token));
	memcpy(token, head, sizeof(head) - 1);
	memcpy(token + sizeof(token) - sizeof(tail), tail, sizeof(tail));
	assert_true(session_op(f->a, &c, &(struct session){.token = slice_cstr(token), .key = SLICE_LIT("k")}).value.n < sizeof(token) * 77 / 100);
}

static void a_challenge_succeeds_once(void **state)
{
	struct fix *f = *state;
	struct challenge c = challenge_of(1);
	struct session s;

	OK_OR_FAIL(keep(f, &c, "first"), &f->w);
	REFUSED(keep(f, &c, "second"), &f->w, E_DENIED, "store.exists");
	OK_OR_FAIL(session_get(f->store, &c, f->a, &s, &f->w), &f->w);
	assert_true(slice_is(s.token, "first"));
}

static void a_session_ends_with_its_challenge(void **state)
{
	struct fix *f = *state;
	struct challenge c = challenge_of(1);
	struct session s;

	OK_OR_FAIL(keep(f, &c, "a.b.c"), &f->w);
	f->now_s = NOW + LIFE - 1;
	OK_OR_FAIL(session_get(f->store, &c, f->a, &s, &f->w), &f->w);
	f->now_s = NOW + LIFE;
	REFUSED(session_get(f->store, &c, f->a, &s, &f->w), &f->w, E_NOTFOUND, "store.absent");
}

static void takes(struct fix *f, const struct challenge *c, const char *key, struct slice row)
{
	struct session s;

	OK_OR_FAIL(store_put(f->store, SESSION_NS, key, row, &f->w), &f->w);
	if (rc_ok(session_get(f->store, c, f->a, &s, &f->w)))
		fail_msg("a damaged row of %zu bytes was taken", row.n);
	assert_string_not_equal(why_reason(&f->w), "store.absent");
	why_clear(&f->w);
}

/* Rows that another hand wrote: refused, each alone. */
static void a_damaged_session_record_is_refused(void **state)
{
	static const struct {
		size_t at;
		uint8_t byte;
	} bad[] = {{0, 0}, {0, 2}, {1, 0}, {1, 6}, {2, 0}, {2, 2}, {2, 255}, {3, 1}, {5, 255}, {7, 0}, {7, 2}, {10, 255}};
	struct fix *f = *state;
	struct challenge c = challenge_of(1), good = challenge_of(2);
	struct store_op op = session_op(f->a, &c, &(struct session){.token = SLICE_LIT("t"), .key = SLICE_LIT("k"), .version = RCAR_040,
								    .expires_s = c.expires_s});
	struct session s;

	OK_OR_FAIL(keep(f, &good, "a.b.c"), &f->w);
	for (size_t n = 0; n < op.value.n; n++)
		takes(f, &c, op.key, slice_sub(op.value, 0, n));
	takes(f, &c, op.key, SLICE_LIT("{\"token\":\"t\",\"key\":\"k\",\"version\":5}"));
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct slice row = arena_dup(f->a, op.value);

		((uint8_t *)(uintptr_t)row.p)[bad[i].at] = bad[i].byte;
		takes(f, &c, op.key, row);
	}
	OK_OR_FAIL(session_get(f->store, &good, f->a, &s, &f->w), &f->w);
}

static void a_challenge_sees_so_many_failures_and_no_more(void **state)
{
	struct attempts *t = attempts_new();
	struct challenge c = challenge_of(1);

	(void)state;
	assert_non_null(t);
	for (unsigned i = 0; i < 1000; i++) {	/* what succeeds costs nothing */
		assert_true(attempts_take(t, c.id));
		attempts_return(t, c.id);
	}
	for (unsigned i = 0; i < ATTEMPTS_MAX; i++)
		assert_true(attempts_take(t, c.id));
	for (unsigned i = 0; i < 1000; i++)
		assert_false(attempts_take(t, c.id));
	attempts_return(t, c.id);
	assert_true(attempts_take(t, c.id));
	assert_false(attempts_take(t, c.id));
	attempts_free(t);
}

static void failures_of_one_challenge_leave_all_others_alone(void **state)
{
	struct attempts *t = attempts_new();
	struct challenge c = challenge_of(1), twin = c, next = c;
	uint32_t h;

	(void)state;
	memcpy(&h, c.id + 12, sizeof(h));
	h++;
	memcpy(next.id + 12, &h, sizeof(h));
	twin.id[0] ^= 1;	/* the same slot */
	for (unsigned i = 0; i < ATTEMPTS_MAX; i++)
		assert_true(attempts_take(t, c.id));
	assert_false(attempts_take(t, c.id));
	assert_true(attempts_take(t, next.id));
	assert_false(attempts_take(t, c.id));
	assert_true(attempts_take(t, twin.id));	/* takes the slot over, with a count of its own */
	attempts_return(t, c.id);	/* is not the twin's */
	for (unsigned i = 1; i < ATTEMPTS_MAX; i++)
		assert_true(attempts_take(t, twin.id));
	assert_false(attempts_take(t, twin.id));
	attempts_free(t);
}

struct taker {
	struct attempts *t;
	pthread_barrier_t *start;
	unsigned taken;
};

static void *take_often(void *arg)
{
	struct taker *x = arg;
	struct challenge c = challenge_of(1);

	pthread_barrier_wait(x->start);
	for (unsigned i = 0; i < 100; i++)
		x->taken += attempts_take(x->t, c.id);
	return NULL;
}

/* Attestations that run side by side never exceed the cap together. */
static void threads_share_the_attempts_of_a_challenge(void **state)
{
	enum { THREADS = 32 };
	struct attempts *t = attempts_new();
	struct taker taker[THREADS];
	pthread_t thread[THREADS];
	pthread_barrier_t start;
	unsigned taken = 0;

	(void)state;
	assert_int_equal(pthread_barrier_init(&start, NULL, THREADS), 0);
	for (unsigned i = 0; i < THREADS; i++) {
		taker[i] = (struct taker){t, &start, 0};
		assert_int_equal(pthread_create(&thread[i], NULL, take_often, &taker[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(thread[i], NULL);
		taken += taker[i].taken;
	}
	assert_int_equal(taken, ATTEMPTS_MAX);
	pthread_barrier_destroy(&start);
	attempts_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BEHAVIOUR(an_attested_session_is_found_by_its_challenge),
		BEHAVIOUR(a_token_comes_back_as_it_was),
		BEHAVIOUR(a_token_is_kept_as_bytes),
		BEHAVIOUR(a_challenge_succeeds_once),
		BEHAVIOUR(a_session_ends_with_its_challenge),
		BEHAVIOUR(a_damaged_session_record_is_refused),
		cmocka_unit_test(a_challenge_sees_so_many_failures_and_no_more),
		cmocka_unit_test(failures_of_one_challenge_leave_all_others_alone),
		cmocka_unit_test(threads_share_the_attempts_of_a_challenge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
