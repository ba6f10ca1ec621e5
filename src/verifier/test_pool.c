#include "evidence/test_shared.h"

#include <pthread.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sys.h"
#include "verifier/frame.h"
#include "sandbox/sandbox.h"
#include "verifier/pool.h"
#include "verifier/pool_int.h"

#define SAMPLE "{\"svn\":\"1\",\"report_data\":\"YWJj\"}"

struct fix {
	struct arena *a;
	struct why w;
	struct pool *pool;
	struct vjob job;
};

static void begin(struct fix *f, unsigned workers)
{
	*f = (struct fix){.a = arena_new(0)};
	f->w = why_in(f->a);
	if (!rc_ok(pool_open(&(struct pool_options){.workers = workers}, &f->pool, &f->w)))
		fail_msg("%s", why_render(&f->w, f->a));
	f->job = (struct vjob){.arena = f->a, .why = &f->w, .evidence = SLICE_LIT(SAMPLE), .insecure_sample = true};
	f->job.report_data[0] = SLICE_LIT("abc");
	f->job.report_data_n = 1;
}

static void end(struct fix *f)
{
	pool_close(f->pool);
	arena_free(f->a);
}

static void the_walls_of_a_worker_hold(void **state)
{
	struct fix f;
	struct slice out;

	(void)state;
	if (SANDBOX_COVERAGE)
		skip();
	begin(&f, 1);
	assert_true(rc_ok(pool_self_test(f.pool, f.a, &out, &f.w)));
	if (out.n)
		fail_msg("a worker could: " SLICE_FMT, SLICE_ARG(out));
	end(&f);
}

static void without_walls_the_self_test_sees_it(void **state)
{
	char out[256];
	pid_t pid;
	int st;

	(void)state;
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		worker_escape(out, sizeof(out), false);
		WRITE_COVERAGE();
		_exit(strcmp(out, "open socket ptrace fork exec kill executable-memory system ") ? 1 : 0);
	}
	/* It asked to be traced, so each signal that it gets (that its own child ended) stops it. */
	while (waitpid(pid, &st, 0) == pid && WIFSTOPPED(st))
		assert_int_equal(ptrace(PTRACE_CONT, pid, NULL, (long)WSTOPSIG(st)), 0);
	assert_true(WIFEXITED(st) && WEXITSTATUS(st) == 0);
}

static void claims_cross_intact(void **state)
{
	struct fix f;
	struct vjob here;

	(void)state;
	begin(&f, 1);
	f.job.init_data = SLICE_LIT("\x01\x02");
	here = f.job;
	assert_true(rc_ok(registry_run("sample", VERIFIER_VERIFY, &here)));
	assert_true(rc_ok(pool_run(f.pool, "sample", VERIFIER_VERIFY, &f.job, 0)));
	assert_int_equal(f.job.results_n, 1);
	assert_string_equal(f.job.results[0].tee_class, "cpu");
	assert_true(json_equal(f.job.results[0].claims, here.results[0].claims));
	end(&f);
}

static void reasons_cross_intact(void **state)
{
	struct fix f;
	struct why w;
	struct vjob here;

	(void)state;
	begin(&f, 1);
	f.job.report_data[0] = SLICE_LIT("abd");
	w = why_in(f.a);
	here = f.job;
	here.why = &w;
	assert_int_equal(registry_run("sample", VERIFIER_VERIFY, &here).code, E_DENIED);
	assert_int_equal(pool_run(f.pool, "sample", VERIFIER_VERIFY, &f.job, 0).code, E_DENIED);
	assert_string_equal(why_reason(&f.w), "sample.report-data-mismatch");
	assert_string_equal(why_render(&f.w, f.a), why_render(&w, f.a));
	assert_string_equal(f.w.first->found, w.first->found);
	assert_string_equal(f.w.first->subject, "report_data");
	end(&f);
}

static void an_unknown_tee_is_refused(void **state)
{
	struct fix f;

	(void)state;
	begin(&f, 1);
	assert_int_equal(pool_run(f.pool, "nosuch", VERIFIER_VERIFY, &f.job, 0).code, E_UNSUPPORTED);
	assert_string_equal(why_reason(&f.w), "verifier.tee");
	end(&f);
}

static void sample_evidence_is_refused_unless_configured(void **state)
{
	static const char *const tees[] = {"sample", "sampledevice"};
	struct fix f;

	(void)state;
	begin(&f, 1);
	for (size_t i = 0; i < 2; i++) {
		f.job.insecure_sample = false;
		why_clear(&f.w);
		assert_int_equal(pool_run(f.pool, tees[i], VERIFIER_VERIFY, &f.job, 0).code, E_DENIED);
		assert_non_null(strstr(why_reason(&f.w), ".not-allowed"));
		f.job.insecure_sample = true;
		assert_true(rc_ok(pool_run(f.pool, tees[i], VERIFIER_VERIFY, &f.job, 0)));
		assert_true(json_get(f.job.results[0].claims, "insecure")->boolean);
	}
	end(&f);
}

static void a_hung_worker_is_ended_at_the_deadline_and_replaced(void **state)
{
	struct fix f;
	int pid, now;

	(void)state;
	begin(&f, 1);
	assert_int_equal(pool_pids(f.pool, &pid, 1), 1);
	assert_int_equal(kill(pid, SIGSTOP), 0);
	assert_int_equal(pool_run(f.pool, "sample", VERIFIER_VERIFY, &f.job, sys_monotonic_ns() + 200000000).code, E_UNAVAILABLE);
	assert_string_equal(why_reason(&f.w), "verifier.deadline");
	assert_int_equal(pool_replaced(f.pool), 1);
	assert_int_equal(pool_pids(f.pool, &now, 1), 1);
	assert_int_not_equal(pid, now);
	why_clear(&f.w);
	assert_true(rc_ok(pool_run(f.pool, "sample", VERIFIER_VERIFY, &f.job, 0)));
	end(&f);
}

struct waiting {
	struct pool *pool;
	struct vjob job;
	rc r;
};

static void *run_waiting(void *arg)
{
	struct waiting *x = arg;

	x->r = pool_run(x->pool, "sample", VERIFIER_VERIFY, &x->job, 0);
	return NULL;
}

static void a_second_worker_starts_when_the_first_is_busy(void **state)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct waiting x;
	struct fix f;
	pthread_t t;
	int pids[2];

	(void)state;
	begin(&f, 2);
	assert_int_equal(pool_pids(f.pool, pids, 2), 1);
	assert_true(rc_ok(pool_run(f.pool, "sample", VERIFIER_VERIFY, &f.job, 0)));
	assert_int_equal(pool_pids(f.pool, pids, 2), 1);
	assert_int_equal(kill(pids[0], SIGSTOP), 0);
	x = (struct waiting){.pool = f.pool, .job = f.job, .r = {E_INTERNAL}};
	x.job.arena = a;
	x.job.why = &w;
	assert_int_equal(pthread_create(&t, NULL, run_waiting, &x), 0);
	usleep(100000);	/* it is inside */
	assert_true(rc_ok(pool_run(f.pool, "sample", VERIFIER_VERIFY, &f.job, 0)));
	assert_int_equal(pool_pids(f.pool, pids, 2), 2);
	assert_int_equal(kill(pids[0], SIGCONT), 0);
	pthread_join(t, NULL);
	assert_true(rc_ok(x.r));
	assert_int_equal(pool_replaced(f.pool), 0);
	/* in quiet times one is enough, and the next load starts another */
	pool_rest(f.pool);
	assert_int_equal(pool_pids(f.pool, pids, 2), 1);
	pool_rest(f.pool);
	assert_true(rc_ok(pool_run(f.pool, "sample", VERIFIER_VERIFY, &f.job, 0)));
	assert_int_equal(pool_pids(f.pool, pids, 2), 1);
	arena_free(a);
	end(&f);
}

/* NVIDIA's manifests need a library that no worker can load behind its walls: it is given one that has. */
static void a_driver_that_needs_more_is_given_a_prepared_worker_behind_the_same_walls(void **state)
{
	struct slice out;
	struct fix f;
	int before, now;

	(void)state;
	begin(&f, 1);
	assert_int_equal(pool_pids(f.pool, &before, 1), 1);
	assert_int_equal(pool_run(f.pool, "nvidia", VERIFIER_VERIFY, &f.job, 0).code, E_MALFORMED);
	assert_int_equal(pool_pids(f.pool, &now, 1), 1);
	assert_int_not_equal(before, now);
	before = now;
	why_clear(&f.w);
	assert_int_equal(pool_run(f.pool, "nvidia", VERIFIER_VERIFY, &f.job, 0).code, E_MALFORMED);
	why_clear(&f.w);
	assert_true(rc_ok(pool_run(f.pool, "sample", VERIFIER_VERIFY, &f.job, 0)));
	if (!SANDBOX_COVERAGE)
		assert_true(rc_ok(pool_self_test(f.pool, f.a, &out, &f.w)) && out.n == 0);
	assert_int_equal(pool_pids(f.pool, &now, 1), 1);
	assert_int_equal(before, now);
	assert_int_equal(pool_replaced(f.pool), 0);
	end(&f);
}

static void *kill_soon(void *pid)
{
	usleep(100000);
	kill(*(int *)pid, SIGKILL);
	return NULL;
}

static void a_worker_killed_mid_verification_refuses_that_request_alone(void **state)
{
	struct fix f;
	struct vjob other;
	struct why w;
	int pids[2];
	pthread_t t;

	(void)state;
	begin(&f, 2);
	assert_int_equal(pool_pids(f.pool, pids, 2), 1);
	assert_int_equal(kill(pids[0], SIGSTOP), 0);	/* the request is inside when it dies */
	assert_int_equal(pthread_create(&t, NULL, kill_soon, &pids[0]), 0);
	w = why_in(f.a);
	other = f.job;
	other.why = &w;
	assert_int_equal(pool_run(f.pool, "sample", VERIFIER_VERIFY, &f.job, 0).code, E_UNAVAILABLE);
	assert_string_equal(why_reason(&f.w), "verifier.worker-lost");
	pthread_join(t, NULL);
	assert_true(rc_ok(pool_run(f.pool, "sample", VERIFIER_VERIFY, &other, 0)));
	assert_int_equal(pool_pids(f.pool, pids, 2), 1);
	assert_int_equal(pool_replaced(f.pool), 1);
	end(&f);
}

static void a_message_beyond_the_cap_is_refused(void **state)
{
	struct fix f = {.a = arena_new(0)};
	uint8_t *big = calloc(1, 70000);

	(void)state;
	f.w = why_in(f.a);
	assert_non_null(big);
	assert_true(rc_ok(pool_open(&(struct pool_options){.workers = 1, .message_max = 65536}, &f.pool, &f.w)));
	f.job = (struct vjob){.arena = f.a, .why = &f.w, .evidence = slice_of(big, 70000)};
	assert_int_equal(pool_run(f.pool, "sample", VERIFIER_VERIFY, &f.job, 0).code, E_LIMIT);
	assert_string_equal(why_reason(&f.w), "verifier.message");
	free(big);
	end(&f);
}

static struct slice good_answer(struct arena *a)
{
	struct why w = why_in(a);
	struct vjob job = {.arena = a, .why = &w};
	struct buf b = buf_in(a, 0);
	struct json *o = vjob_result(&job, "cpu");

	json_set(a, o, "x", json_new_u64(a, 1));
	assert_true(rc_ok(vjob_want(&job, "kind", "key")) && rc_ok(frame_put_answer(&b, rc_of(OK), &job)));
	return buf_view(&b);
}

/* A worker that was taken over may write anything. */
static void an_answer_is_whole_or_refused(void **state)
{
	struct arena *a = arena_new(0);
	struct slice good = good_answer(a);
	struct why w = why_in(a);

	(void)state;
	for (size_t n = 0; n <= good.n; n++) {
		struct vjob job = {.arena = a, .why = &w};
		uint8_t *cut = exact_copy(good, n);
		rc verdict = rc_of(E_INTERNAL), r = frame_get_answer(slice_of(cut, n), &job, &verdict, &w);

		assert_int_equal(rc_ok(r), n == good.n);
		assert_int_equal(job.results_n, n == good.n);
		free(cut);
	}
	arena_free(a);
}

static void an_acceptance_with_reasons_or_a_denial_without_is_refused(void **state)
{
	struct arena *a = arena_new(0);
	struct slice good = good_answer(a);
	struct why w = why_in(a);
	struct vjob job = {.arena = a, .why = &w};
	uint8_t *bad = exact_copy(good, good.n);
	rc verdict;

	(void)state;
	bad[4] = E_DENIED;
	assert_int_equal(frame_get_answer(slice_of(bad, good.n), &job, &verdict, &w).code, E_MALFORMED);
	bad[4] = 77;
	assert_int_equal(frame_get_answer(slice_of(bad, good.n), &job, &verdict, &w).code, E_MALFORMED);
	free(bad);
	arena_free(a);
}

static void *many(void *arg)
{
	struct pool *pool = arg;

	for (unsigned i = 0; i < 50; i++) {
		struct arena *a = arena_new(0);
		struct why w = why_in(a);
		struct vjob *job = ARENA_NEW(a, struct vjob);

		job->arena = a;
		job->why = &w;
		job->evidence = SLICE_LIT(SAMPLE);
		job->insecure_sample = true;
		if (!rc_ok(pool_run(pool, "sample", VERIFIER_VERIFY, job, 0)) || job->results_n != 1)
			return pool;
		arena_free(a);
	}
	return NULL;
}

static void threads_share_a_pool(void **state)
{
	pthread_t t[8];
	struct fix f;
	void *bad;

	(void)state;
	begin(&f, 2);
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&t[i], NULL, many, f.pool), 0);
	for (unsigned i = 0; i < 8; i++) {
		pthread_join(t[i], &bad);
		assert_null(bad);
	}
	assert_int_equal(pool_replaced(f.pool), 0);
	end(&f);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_walls_of_a_worker_hold),
		cmocka_unit_test(without_walls_the_self_test_sees_it),
		cmocka_unit_test(claims_cross_intact),
		cmocka_unit_test(reasons_cross_intact),
		cmocka_unit_test(an_unknown_tee_is_refused),
		cmocka_unit_test(sample_evidence_is_refused_unless_configured),
		cmocka_unit_test(a_hung_worker_is_ended_at_the_deadline_and_replaced),
		cmocka_unit_test(a_second_worker_starts_when_the_first_is_busy),
		cmocka_unit_test(a_driver_that_needs_more_is_given_a_prepared_worker_behind_the_same_walls),
		cmocka_unit_test(a_worker_killed_mid_verification_refuses_that_request_alone),
		cmocka_unit_test(a_message_beyond_the_cap_is_refused),
		cmocka_unit_test(an_answer_is_whole_or_refused),
		cmocka_unit_test(an_acceptance_with_reasons_or_a_denial_without_is_refused),
		cmocka_unit_test(threads_share_a_pool),
	};

	pool_worker_main(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
