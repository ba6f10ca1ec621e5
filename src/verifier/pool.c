#include "verifier/pool.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/sys.h"
#include "sandbox/sandbox.h"
#include "verifier/frame.h"
#include "verifier/plugin.h"
#include "verifier/pool_int.h"

#define WORKERS_MAX	64u
#define DEADLINE_NS	INT64_C(10000000000)
#define START_NS	INT64_C(10000000000)
#define MESSAGE_DEFAULT ((size_t)24 << 20)

struct worker {
	pid_t pid;	/* 0: none */
	int fd;
	bool busy, prepared;
};

struct pool {
	pthread_mutex_t lock;
	pthread_cond_t freed;
	struct worker w[WORKERS_MAX];
	unsigned n;
	uint64_t replaced;
	size_t memory, message_max;
	const char *const *plugins;
	size_t plugins_n;
};

static void end_worker(struct worker *w)
{
	bool ended = false;

	if (w->pid <= 0)
		return;
	close(w->fd);
	for (int i = 0; SANDBOX_COVERAGE && !ended && i < 500; i++) { /* it writes its figures */
		usleep(10000);
		ended = waitpid(w->pid, NULL, WNOHANG) != 0;
	}
	if (!ended)
		kill(w->pid, SIGKILL);
	while (!ended && waitpid(w->pid, NULL, 0) < 0 && errno == EINTR)
		;
	w->pid = 0;
	w->fd = -1;
}

/* Starts one, tells it its limits, and waits until it says that its sandbox is closed. */
static RC start_worker(const struct pool *p, struct worker *w, struct why *why)
{
	struct arena *a = arena_new(1u << 18);
	struct pool_hello hello = {.memory = p->memory, .message_max = p->message_max, .prepared = w->prepared};
	struct buf plugins = buf_in(a, PLUGIN_PATHS_MAX);
	struct slice answer;
	rc r;

	for (size_t i = 0; a && i < p->plugins_n; i++)
		buf_put(&plugins, p->plugins[i], strlen(p->plugins[i]) + 1);
	if (!a || !buf_ok(&plugins)) {
		arena_free(a);
		return deny(why, E_LIMIT, "verifier.worker", "no memory, or the paths of plug-ins are longer than %zu bytes", PLUGIN_PATHS_MAX);
	}
	r = sandbox_spawn(POOL_WORKER_ARG, &w->pid, &w->fd, why);
	if (rc_ok(r)) {
		int64_t until = sys_monotonic_ns() + START_NS;

		r = sandbox_send(w->fd, slice_of(&hello, sizeof(hello)), buf_view(&plugins), until, why);
		if (rc_ok(r))
			r = sandbox_recv(w->fd, a, 1024, until, &answer, why);
		if (rc_ok(r) && !slice_is(answer, POOL_READY))
			r = deny(why, E_UNAVAILABLE, "verifier.worker", "a worker cannot begin: " SLICE_FMT, SLICE_ARG(answer));
		if (!rc_ok(r))
			end_worker(w);
	}
	arena_free(a);
	return note(why, r, "starting a verifier worker");
}

rc pool_open(const struct pool_options *o, struct pool **out, struct why *w)
{
	static const struct pool_options none = {0};
	struct pool *p = calloc(1, sizeof(*p));
	pthread_condattr_t attr;
	rc r = rc_of(OK);

	if (!p)
		return deny(w, E_INTERNAL, "verifier.worker", "no memory");
	o = o ? o : &none;
	p->n = o->workers ? o->workers : (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
	p->n = p->n < 1 ? 1 : p->n > WORKERS_MAX ? WORKERS_MAX : p->n;
	p->memory = o->memory_bytes;
	p->message_max = o->message_max ? o->message_max : MESSAGE_DEFAULT;
	p->plugins = o->plugins;
	p->plugins_n = o->plugins_n;
	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->freed, &attr);
	pthread_condattr_destroy(&attr);
	r = start_worker(p, &p->w[0], w);	/* the others when they are first needed: a worker is megabytes */
	if (!rc_ok(r)) {
		pool_close(p);
		return r;
	}
	*out = p;
	return rc_of(OK);
}

void pool_close(struct pool *p)
{
	if (!p)
		return;
	for (unsigned i = 0; i < p->n; i++)
		end_worker(&p->w[i]);
	pthread_cond_destroy(&p->freed);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

/* Which of two free workers suits better: one that runs, and that is prepared as it must be; NULL is worse than any. */
static unsigned suits(const struct worker *w, bool prepared)
{
	return !w ? 0 : w->pid && (w->prepared || !prepared) ? 3 : w->pid ? 1 : 2;
}

/* A free worker, or NULL at the deadline. */
static struct worker *take(struct pool *p, bool prepared, int64_t deadline_ns)
{
	struct timespec ts = {.tv_sec = deadline_ns / 1000000000, .tv_nsec = deadline_ns % 1000000000};
	struct worker *w = NULL;
	int e = 0;

	pthread_mutex_lock(&p->lock);
	while (!w && e != ETIMEDOUT) {
		for (unsigned i = 0; i < p->n; i++)
			if (!p->w[i].busy && suits(&p->w[i], prepared) > suits(w, prepared))
				w = &p->w[i];
		if (!w)
			e = pthread_cond_timedwait(&p->freed, &p->lock, &ts);
	}
	if (w)
		w->busy = true;
	pthread_mutex_unlock(&p->lock);
	return w;
}

static void give_back(struct pool *p, struct worker *w, bool lost)
{
	pthread_mutex_lock(&p->lock);
	w->busy = false;
	p->replaced += lost;
	pthread_cond_signal(&p->freed);
	pthread_mutex_unlock(&p->lock);
}

void pool_rest(struct pool *p)
{
	for (unsigned i = 1; i < p->n; i++) {
		struct worker *w = &p->w[i];
		bool free;

		pthread_mutex_lock(&p->lock);
		free = !w->busy && w->pid;
		w->busy = w->busy || free;
		pthread_mutex_unlock(&p->lock);
		if (!free)
			continue;
		end_worker(w);
		w->prepared = false;
		give_back(p, w, false);
	}
}

/* The exchange itself; *lost when the worker is of no more use. */
static RC exchange(struct pool *p, struct worker *w, struct slice head, struct vjob *job, int64_t deadline_ns, rc *verdict,
		   bool *lost, struct why *why)
{
	struct slice answer;

	*lost = true;
	TRY(sandbox_send(w->fd, head, job->evidence, deadline_ns, why));
	TRY(sandbox_recv(w->fd, job->arena, p->message_max, deadline_ns, &answer, why));
	TRY(frame_get_answer(answer, job, verdict, why));
	*lost = false;
	return rc_of(OK);
}

/* What went wrong with the process itself, in the pool's words. */
static RC lost_reason(struct vjob *job, const struct why *why, const char *tee)
{
	if (!strcmp(why_reason(why), "sandbox.deadline"))
		return deny(job->why, E_UNAVAILABLE, "verifier.deadline", "the verification of %s took too long", tee);
	return deny(job->why, E_UNAVAILABLE, "verifier.worker-lost", "the worker that verified %s is lost: %s", tee, why_text(why));
}

static RC run_on(struct pool *p, struct worker *w, const char *tee, bool prepared, struct slice head, struct vjob *job,
		 int64_t deadline_ns)
{
	struct why why = why_in(job->arena);
	rc r = rc_of(OK), verdict = rc_of(E_INTERNAL);
	bool lost = false;

	if (prepared && !w->prepared) {	/* its walls are closed: nothing can be loaded any more */
		end_worker(w);
		w->prepared = true;
	}
	if (w->pid == 0)	/* not needed so far, or could not be replaced when it was lost */
		r = start_worker(p, w, &why);
	if (rc_ok(r))
		r = exchange(p, w, head, job, deadline_ns, &verdict, &lost, &why);
	if (lost) {
		end_worker(w);
		(void)start_worker(p, w, NULL).code;	/* tried again by the next job */
	}
	give_back(p, w, lost);
	return rc_ok(r) ? verdict : lost_reason(job, &why, tee);
}

rc pool_run(struct pool *p, const char *tee, enum verifier_step step, struct vjob *job, int64_t deadline_ns)
{
	const struct vdriver *driver = registry_find(tee);
	bool prepared = driver && driver->prepare;
	struct buf head = buf_in(job->arena, p->message_max);
	struct worker *w;

	if (deadline_ns == 0)
		deadline_ns = sys_monotonic_ns() + DEADLINE_NS;
	TRY(frame_put_request(&head, tee, step, job));
	if (head.n + job->evidence.n > p->message_max)
		return deny(job->why, E_LIMIT, "verifier.message", "evidence and collateral are %zu bytes, at most %zu",
			    head.n + job->evidence.n, p->message_max);
	w = take(p, prepared, deadline_ns);
	if (!w)
		return deny(job->why, E_UNAVAILABLE, "verifier.busy", "no verifier came free in time");
	return run_on(p, w, tee, prepared, buf_view(&head), job, deadline_ns);
}

uint64_t pool_replaced(struct pool *p)
{
	uint64_t n;

	pthread_mutex_lock(&p->lock);
	n = p->replaced;
	pthread_mutex_unlock(&p->lock);
	return n;
}

unsigned pool_pids(struct pool *p, int *out, unsigned max)
{
	unsigned n = 0;

	pthread_mutex_lock(&p->lock);
	for (unsigned i = 0; i < p->n && n < max; i++)
		if (p->w[i].pid > 0)
			out[n++] = p->w[i].pid;
	pthread_mutex_unlock(&p->lock);
	return n;
}

rc pool_self_test(struct pool *p, struct arena *a, struct slice *out, struct why *w)
{
	struct slice ask = SANDBOX_SANITIZED ? SLICE_LIT(POOL_SELF_TEST) : SLICE_LIT(POOL_SELF_TEST "+memory");
	int64_t until = sys_monotonic_ns() + DEADLINE_NS;
	struct worker *k = take(p, false, until);
	rc r;

	if (!k)
		return deny(w, E_UNAVAILABLE, "verifier.busy", "no verifier came free in time");
	r = sandbox_send(k->fd, ask, (struct slice){0}, until, w);
	if (rc_ok(r))
		r = sandbox_recv(k->fd, a, 1024, until, out, w);
	give_back(p, k, false);
	return r;
}
