/* A database that takes its time: it holds the guest whose appraisal asks it, and no other that a worker could verify meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <unistd.h>

#include "as/as.h"
#include "base/task.h"
#include "base/waiter.h"
#include "codec/base64.h"
#include "rvps/rvps.h"
#include "store/store.h"
#include "verifier/pool.h"

#define SECOND INT64_C(1000000000)

/* A store whose reads of policies wait while it is told to. */
struct slow {
	struct store base;
	struct store *inner;
	pthread_mutex_t lock;
	pthread_cond_t told;
	bool hangs, asked;
};

static rc slow_commit(struct store *s, const struct store_op *ops, size_t n, int64_t now_s, size_t *refused, struct why *w)
{
	struct store *inner = ((struct slow *)s)->inner;

	return inner->vt->commit(inner, ops, n, now_s, refused, w);
}

static rc slow_get(struct store *s, const char *ns, const char *key, int64_t now_s, struct arena *a, struct slice *value, uint64_t *rev,
		   int64_t *expires_s, struct why *w)
{
	struct slow *z = (struct slow *)s;

	pthread_mutex_lock(&z->lock);
	if (strcmp(ns, "attestation_service_policy") == 0 && z->hangs) {
		z->asked = true;
		pthread_cond_broadcast(&z->told);
		while (z->hangs)
			pthread_cond_wait(&z->told, &z->lock);
	}
	pthread_mutex_unlock(&z->lock);
	return z->inner->vt->get(z->inner, ns, key, now_s, a, value, rev, expires_s, w);
}

static rc slow_list(struct store *s, const char *ns, const char *prefix, const char *after, size_t limit, int64_t now_s, struct arena *a,
		    char ***keys, size_t *n, struct why *w)
{
	struct store *inner = ((struct slow *)s)->inner;

	return inner->vt->list(inner, ns, prefix, after, limit, now_s, a, keys, n, w);
}

static rc slow_health(struct store *s, struct why *w)
{
	(void)s;
	(void)w;
	return rc_of(OK);
}

static const struct store_vtable slow_vt = {.name = "slow", .commit = slow_commit, .get = slow_get, .list = slow_list, .health = slow_health};

static void hang(struct slow *z, bool hangs)
{
	pthread_mutex_lock(&z->lock);
	z->hangs = hangs;
	pthread_cond_broadcast(&z->told);
	pthread_mutex_unlock(&z->lock);
}

/* A thread for each task. */
static void *run_task(void *task)
{
	struct task *t = task;

	t->run(t);
	return NULL;
}

static void post(void *ctx, struct task *t)
{
	pthread_t thread;

	(void)ctx;
	assert_int_equal(pthread_create(&thread, NULL, run_task, t), 0);
	assert_int_equal(pthread_detach(thread), 0);
}

static void tell(struct as_call *c, rc r)
{
	waiter_tell(c->ctx, r);
}

static struct slice evidence(struct arena *a)
{
	static const uint8_t digest[48] = {1};

	return slice_cstr(arena_printf(a, "{\"svn\":\"1\",\"report_data\":\"%s\"}", (const char *)b64_text(a, B64_STD, slice_of(digest, 48)).p));
}

static void a_slow_database_holds_one_guest_and_no_worker(void **state)
{
	struct slow z = {.base = {&slow_vt, &clock_system}, .lock = PTHREAD_MUTEX_INITIALIZER, .told = PTHREAD_COND_INITIALIZER};
	struct arena *a = arena_new(0);
	struct why w = why_in(a), w2 = why_in(a);
	const struct executor later = {post, NULL};
	struct as_evidence guest = {.tee = "sample", .evidence = evidence(a)};
	struct vjob job = {.arena = a, .why = &w2, .evidence = guest.evidence, .insecure_sample = true, .without = VJOB_WITHOUT_REPORT_DATA};
	struct as_config config = {.insecure_sample = true};
	struct pkey *signer = NULL;
	struct rvps *rvps = NULL;
	struct pool *pool = NULL;
	struct as *as = NULL;
	struct waiter wait;
	struct as_call call;

	(void)state;
	assert_true(rc_ok(store_open_memory(&clock_system, &z.inner, &w)));
	assert_true(rc_ok(rvps_open(&z.base, &clock_system, &rvps, &w)));
	assert_true(rc_ok(pool_open(&(struct pool_options){.workers = 1}, &pool, &w)));
	assert_true(rc_ok(pkey_generate(KEY_P256, 0, &signer, &w)));
	config.signer = signer;
	assert_true(rc_ok(as_open(&(struct as_env){.store = &z.base, .rvps = rvps, .pool = pool, .clock = &clock_system, .later = &later,
						   .store_far = true}, &config, &as, &w)));
	waiter_open(&wait);
	call = (struct as_call){.id = "1", .evidence = &guest, .n = 1, .arena = arena_new(0), .w = &w, .done = tell, .ctx = &wait};
	hang(&z, true);
	as_start(as, &call);
	pthread_mutex_lock(&z.lock);
	while (!z.asked)
		pthread_cond_wait(&z.told, &z.lock);
	pthread_mutex_unlock(&z.lock);

	/* the only worker verifies for others */
	assert_true(rc_ok(pool_run(pool, "sample", VERIFIER_VERIFY, &job, sys_monotonic_ns() + 60 * SECOND)));
	assert_int_equal(job.results_n, 1);

	hang(&z, false);
	if (!rc_ok(waiter_wait(&wait)))
		fail_msg("%s", why_text(&w));
	assert_true(call.result.token.n > 0);
	as_close(as);
	pool_close(pool);
	rvps_close(rvps);
	pkey_free(signer);
	store_close(z.inner);
	arena_free(call.arena);
	arena_free(a);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_slow_database_holds_one_guest_and_no_worker),
	};

	pool_worker_main(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
