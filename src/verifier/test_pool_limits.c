/* A pool at its limits: no worker free, none that can be started, requests that are never sent. */
#include "evidence/test_shared.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/num.h"
#include "base/sys.h"
#include "verifier/plugin.h"
#include "verifier/pool.h"

#define SAMPLE "{\"svn\":\"1\",\"report_data\":\"YWJj\"}"
#define MS INT64_C(1000000)

struct fix {
	struct arena *a;
	struct why w;
	struct pool *pool;
	struct vjob job;
};

static void fresh(struct fix *f)
{
	f->w = why_in(f->a);
	f->job = (struct vjob){.arena = f->a, .why = &f->w, .evidence = SLICE_LIT(SAMPLE), .insecure_sample = true};
}

static void begin(struct fix *f, const struct pool_options *o)
{
	*f = (struct fix){.a = arena_new(0)};
	fresh(f);
	if (!rc_ok(pool_open(o, &f->pool, &f->w)))
		fail_msg("%s", why_render(&f->w, f->a));
}

static void end(struct fix *f)
{
	pool_close(f->pool);
	arena_free(f->a);
}

static rc run(struct fix *f, int64_t ms)
{
	fresh(f);
	return pool_run(f->pool, "sample", VERIFIER_VERIFY, &f->job, ms ? sys_monotonic_ns() + ms * MS : 0);
}

static void *occupy(void *arg)
{
	struct fix other = {.a = arena_new(0), .pool = arg};
	rc r = run(&other, 2000);

	assert_string_equal(why_reason(&other.w), "verifier.deadline");
	arena_free(other.a);
	return rc_ok(r) ? arg : NULL;
}

static void a_request_that_finds_no_worker_free_is_told_so(void **state)
{
	struct fix f;
	pthread_t t;
	void *bad;
	int pid;

	(void)state;
	begin(&f, &(struct pool_options){.workers = 1});
	assert_int_equal(pool_pids(f.pool, &pid, 1), 1);
	assert_int_equal(kill(pid, SIGSTOP), 0);
	assert_int_equal(pthread_create(&t, NULL, occupy, f.pool), 0);
	usleep(300000);
	assert_int_equal(run(&f, 100).code, E_UNAVAILABLE);
	assert_string_equal(why_reason(&f.w), "verifier.busy");
	pthread_join(t, &bad);
	assert_null(bad);
	assert_true(rc_ok(run(&f, 0)));
	end(&f);
}

static void a_worker_that_cannot_be_replaced_is_started_by_a_later_job(void **state)
{
	struct rlimit was, none;
	struct fix f;
	int pid;

	(void)state;
	begin(&f, &(struct pool_options){.workers = 1});
	assert_int_equal(pool_pids(f.pool, &pid, 1), 1);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	none = was;
	none.rlim_cur = 3;	/* no descriptor more: no socket for a new one */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(run(&f, 0).code, E_UNAVAILABLE);
	assert_string_equal(why_reason(&f.w), "verifier.worker-lost");
	assert_int_equal(pool_pids(f.pool, &pid, 1), 0);
	assert_int_equal(run(&f, 0).code, E_UNAVAILABLE);
	assert_string_equal(why_reason(&f.w), "verifier.worker-lost");
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	assert_true(rc_ok(run(&f, 0)));
	assert_int_equal(pool_pids(f.pool, &pid, 1), 1);
	assert_int_equal(pool_replaced(f.pool), 1);
	end(&f);
}

/* Jobs that are begun without waiting. */
struct begun {
	struct fix f;
	struct pool_call call;
	rc verdict;
	atomic_uint *answered;
	unsigned place;
};

static void note_answer(struct pool_call *c, rc verdict)
{
	struct begun *b = c->ctx;

	b->verdict = verdict;
	b->place = atomic_load(b->answered);	/* there is one worker, so one thread comes here */
	atomic_fetch_add(b->answered, 1);
}

static void start(struct begun *b, struct pool *pool, struct slice evidence, atomic_uint *answered)
{
	*b = (struct begun){.f = {.a = arena_new(0), .pool = pool}, .verdict = {E_INTERNAL}, .answered = answered};
	fresh(&b->f);
	b->f.job.evidence = evidence;
	b->call = (struct pool_call){.tee = "sample", .step = VERIFIER_VERIFY, .job = &b->f.job, .done = note_answer, .ctx = b};
	pool_start(pool, &b->call);
}

static void wait_for(atomic_uint *answered, unsigned n)
{
	while (atomic_load(answered) < n)
		usleep(1000);
}

static void jobs_behind_one_that_loses_its_worker_go_to_the_new_one(void **state)
{
	struct begun b[12];
	atomic_uint answered = 0;
	struct fix f;
	int pid;

	(void)state;
	begin(&f, &(struct pool_options){.workers = 1});
	assert_int_equal(pool_pids(f.pool, &pid, 1), 1);
	assert_int_equal(kill(pid, SIGSTOP), 0);
	for (unsigned i = 0; i < COUNT_OF(b); i++)
		start(&b[i], f.pool, SLICE_LIT(SAMPLE), &answered);
	usleep(50000);	/* some lie in the socket, some in the queue */
	assert_int_equal(atomic_load(&answered), 0);
	assert_int_equal(kill(pid, SIGKILL), 0);
	wait_for(&answered, COUNT_OF(b));
	assert_int_equal(b[0].verdict.code, E_UNAVAILABLE);
	assert_string_equal(why_reason(&b[0].f.w), "verifier.worker-lost");
	for (unsigned i = 0; i < COUNT_OF(b); i++) {
		assert_int_equal(b[i].place, i);	/* one worker: in their order */
		if (i)
			assert_true(rc_ok(b[i].verdict) && b[i].f.job.results_n == 1);
		arena_free(b[i].f.a);
	}
	assert_int_equal(pool_replaced(f.pool), 1);
	end(&f);
}

/* What does not fit into the socket beside an answer waits in the queue: nobody may wait for a worker that waits for him. */
static void large_jobs_and_small_ones_pass_through_one_worker(void **state)
{
	size_t large = (size_t)3 << 20;
	struct begun b[9];
	atomic_uint answered = 0;
	struct fix f;
	uint8_t *bytes = malloc(large);

	(void)state;
	assert_non_null(bytes);
	memset(bytes, ' ', large);
	memcpy(bytes, SAMPLE, sizeof(SAMPLE) - 1);
	begin(&f, &(struct pool_options){.workers = 1});
	for (unsigned i = 0; i < COUNT_OF(b); i++)
		start(&b[i], f.pool, i % 3 == 1 ? slice_of(bytes, large) : SLICE_LIT(SAMPLE), &answered);
	wait_for(&answered, COUNT_OF(b));
	for (unsigned i = 0; i < COUNT_OF(b); i++) {
		bool is_large = i % 3 == 1;

		assert_string_equal(why_reason(&b[i].f.w), is_large ? "sample.parse" : "none");	/* the driver's own word: it has seen it */
		assert_int_equal(b[i].f.job.results_n, !is_large);
		arena_free(b[i].f.a);
	}
	assert_int_equal(pool_replaced(f.pool), 0);
	free(bytes);
	end(&f);
}

static void a_job_begun_too_late_reaches_no_worker(void **state)
{
	struct begun b[2];
	atomic_uint answered = 0;
	struct fix f;
	int pid, now;

	(void)state;
	begin(&f, &(struct pool_options){.workers = 1});
	assert_int_equal(pool_pids(f.pool, &pid, 1), 1);
	b[0] = (struct begun){.f = {.a = arena_new(0)}, .answered = &answered};
	fresh(&b[0].f);
	b[0].call = (struct pool_call){.tee = "sample", .step = VERIFIER_VERIFY, .job = &b[0].f.job, .deadline_ns = sys_monotonic_ns() - 1,
				       .done = note_answer, .ctx = &b[0]};
	pool_start(f.pool, &b[0].call);
	wait_for(&answered, 1);
	assert_int_equal(b[0].verdict.code, E_UNAVAILABLE);
	assert_string_equal(why_reason(&b[0].f.w), "verifier.busy");
	start(&b[1], f.pool, SLICE_LIT(SAMPLE), &answered);
	wait_for(&answered, 2);
	assert_true(rc_ok(b[1].verdict));
	assert_true(pool_pids(f.pool, &now, 1) == 1 && now == pid);
	arena_free(b[0].f.a);
	arena_free(b[1].f.a);
	end(&f);
}

static void a_pool_whose_workers_cannot_start_is_none(void **state)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	char *path = arena_printf(a, "/%0*d", (int)PLUGIN_PATHS_MAX, 0);
	const char *const plugins[] = {path};
	struct pool *pool = NULL;

	(void)state;
	assert_int_equal(pool_open(&(struct pool_options){.workers = 2, .plugins = plugins, .plugins_n = 1}, &pool, &w).code, E_LIMIT);
	assert_null(pool);
	assert_string_equal(why_reason(&w), "verifier.worker");
	arena_free(a);
}

static void without_options_a_pool_begins_with_one_worker(void **state)
{
	struct fix f;
	int pids[64];

	(void)state;
	begin(&f, NULL);
	assert_int_equal(pool_pids(f.pool, pids, 64), 1);
	assert_int_equal(pool_pids(f.pool, pids, 0), 0);	/* no more than are asked for */
	assert_true(rc_ok(run(&f, 0)));
	end(&f);
}

static void a_request_that_no_frame_holds_reaches_no_worker(void **state)
{
	struct fix f;

	(void)state;
	begin(&f, &(struct pool_options){.workers = 1});
	fresh(&f);
	assert_int_equal(pool_run(f.pool, "a-name-that-has-32-characters-xx", VERIFIER_VERIFY, &f.job, 0).code, E_LIMIT);
	assert_string_equal(why_reason(&f.w), "verifier.message");
	assert_int_equal(pool_replaced(f.pool), 0);
	pool_close(NULL);
	end(&f);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_that_finds_no_worker_free_is_told_so),
		cmocka_unit_test(a_worker_that_cannot_be_replaced_is_started_by_a_later_job),
		cmocka_unit_test(jobs_behind_one_that_loses_its_worker_go_to_the_new_one),
		cmocka_unit_test(large_jobs_and_small_ones_pass_through_one_worker),
		cmocka_unit_test(a_job_begun_too_late_reaches_no_worker),
		cmocka_unit_test(a_pool_whose_workers_cannot_start_is_none),
		cmocka_unit_test(without_options_a_pool_begins_with_one_worker),
		cmocka_unit_test(a_request_that_no_frame_holds_reaches_no_worker),
	};

	pool_worker_main(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
