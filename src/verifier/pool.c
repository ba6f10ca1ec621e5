/* pool.c - who does which job: a queue, the workers, and a thread for each worker that waits for its answers. */
#include "verifier/pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/sys.h"
#include "base/waiter.h"
#include "verifier/frame.h"
#include "verifier/pool_int.h"

#define WORKERS_MAX	64u
#define DEADLINE_NS	INT64_C(10000000000)
#define MESSAGE_DEFAULT ((size_t)24 << 20)
/* What may lie in a worker's socket behind the job it does. Little enough that sending it never waits for the worker, who may be
 * waiting to send us an answer. */
#define AHEAD_CALLS 3u
#define AHEAD_BYTES ((size_t)48 << 10)

struct slot {
	struct pool *pool;
	struct worker w;	/* of whoever has made the slot busy; pid is written under the lock */
	pthread_t thread;
	pthread_cond_t told;
	bool busy;		/* has calls, or was taken by someone else */
	struct pool_call *first, *last;	/* in the order of sending */
	unsigned calls, sent;
	size_t bytes;		/* of all of them */
};

struct pool {
	pthread_mutex_t lock;
	pthread_cond_t freed;
	struct slot *slot;
	unsigned n, threads;
	struct pool_call *first, *last;	/* for whom no slot was free */
	bool end;
	uint64_t replaced;
	size_t memory, message_max;
	const char *const *plugins;
	size_t plugins_n;
};

static size_t size_of(const struct pool_call *c)
{
	return c->head.n + c->job->evidence.n;
}

static void push(struct pool_call **first, struct pool_call **last, struct pool_call *c)
{
	c->next = NULL;
	if (*first)
		(*last)->next = c;
	else
		*first = c;
	*last = c;
}

static struct pool_call *pop(struct pool_call **first, struct pool_call **last)
{
	struct pool_call *c = *first;

	*first = c->next;
	if (!*first)
		*last = NULL;
	return c;
}

/* ---- who takes what; all with the lock ---- */

/* Which of two free slots suits better: one whose worker runs, and is prepared as it must be; NULL is worse than any. */
static unsigned suits(const struct slot *s, bool prepared)
{
	return !s ? 0 : s->w.pid && (s->w.prepared || !prepared) ? 3 : s->w.pid ? 1 : 2;
}

static struct slot *free_slot(struct pool *p, bool prepared)
{
	struct slot *best = NULL;

	for (unsigned i = 0; i < p->n; i++)
		if (!p->slot[i].busy && suits(&p->slot[i], prepared) > suits(best, prepared))
			best = &p->slot[i];
	return best;
}

static void give(struct slot *s, struct pool_call *c)
{
	push(&s->first, &s->last, c);
	s->calls++;
	s->bytes += size_of(c);
}

/* Calls that wait, to slots that are free. */
static void hand_out(struct pool *p)
{
	struct slot *s;

	while (p->first && (s = free_slot(p, p->first->prepared))) {
		s->busy = true;
		give(s, pop(&p->first, &p->last));
		pthread_cond_signal(&s->told);
	}
}

/* No slot is free: what is small goes into this worker's socket meanwhile. */
static void take_ahead(struct slot *s)
{
	struct pool *p = s->pool;

	while (p->first && s->calls <= AHEAD_CALLS && s->bytes + size_of(p->first) <= AHEAD_BYTES &&
	       (s->w.prepared || !p->first->prepared))
		give(s, pop(&p->first, &p->last));
}

static void release(struct slot *s)
{
	s->busy = false;
	hand_out(s->pool);
	pthread_cond_broadcast(&s->pool->freed);
}

/* A slot for the caller itself; NULL at the deadline. Takes the lock. */
static struct slot *take_slot(struct pool *p, int64_t deadline_ns)
{
	struct slot *s;
	bool in_time = true;

	pthread_mutex_lock(&p->lock);
	while (!(s = free_slot(p, false)) && in_time)
		in_time = timed_cond_wait(&p->freed, &p->lock, deadline_ns);
	if (s)
		s->busy = true;
	pthread_mutex_unlock(&p->lock);
	return s;
}

/* ---- the thread of a slot ---- */

static RC begin_worker(struct slot *s, bool prepared, struct why *why)
{
	struct pool *p = s->pool;
	struct pool_hello hello = {.memory = p->memory, .message_max = p->message_max, .prepared = prepared};
	struct worker fresh = {.fd = -1};
	rc r = worker_start(&hello, p->plugins, p->plugins_n, &fresh, why);

	pthread_mutex_lock(&p->lock);
	s->w = fresh;
	pthread_mutex_unlock(&p->lock);
	return r;
}

static void end_worker(struct slot *s)
{
	struct worker old = s->w;

	pthread_mutex_lock(&s->pool->lock);
	s->w = (struct worker){.fd = -1};
	pthread_mutex_unlock(&s->pool->lock);
	worker_end(&old);
}

/* A worker as the first call needs it. */
static RC have_worker(struct slot *s, struct why *why)
{
	bool prepared = s->first->prepared || s->w.prepared;

	if (s->w.pid && s->w.prepared == prepared)
		return rc_of(OK);
	end_worker(s);	/* its walls are closed: nothing can be loaded any more */
	s->sent = 0;
	return begin_worker(s, prepared, why);	/* none so far, or it could not be replaced when it was lost */
}

static RC send_all(struct slot *s, struct why *why)
{
	struct pool_call *c = s->first;

	for (unsigned i = 0; i < s->calls; i++, c = c->next) {
		if (i < s->sent)
			continue;
		TRY(sandbox_send(s->w.fd, c->head, c->job->evidence, c->deadline_ns, why));
		s->sent++;
	}
	return rc_of(OK);
}

static RC exchange(struct slot *s, rc *verdict, bool *lost, struct why *why)
{
	struct pool_call *c = s->first;
	struct slice answer;

	if (!s->sent && sys_monotonic_ns() >= c->deadline_ns)
		return deny(why, E_UNAVAILABLE, "verifier.busy", "no verifier came free in time");
	TRY(have_worker(s, why));
	*lost = true;
	TRY(send_all(s, why));
	TRY(sandbox_recv(s->w.fd, &s->w.in, c->job->arena, s->pool->message_max, c->deadline_ns, &answer, why));
	TRY(frame_get_answer(answer, c->job, verdict, why));
	*lost = false;
	return rc_of(OK);
}

/* What went wrong with the process itself, in the pool's words. */
static RC lost_reason(struct pool_call *c, const struct why *why)
{
	if (!strcmp(why_reason(why), "sandbox.deadline"))
		return deny(c->job->why, E_UNAVAILABLE, "verifier.deadline", "the verification of %s took too long", c->tee);
	if (!strcmp(why_reason(why), "verifier.busy"))
		return deny(c->job->why, E_UNAVAILABLE, "verifier.busy", "%s", why_text(why));
	return deny(c->job->why, E_UNAVAILABLE, "verifier.worker-lost", "the worker that verified %s is lost: %s", c->tee, why_text(why));
}

/* The first call was the worker's last. Those behind it had not begun. */
static void replace_worker(struct slot *s)
{
	bool prepared = s->w.prepared;

	end_worker(s);
	(void)begin_worker(s, prepared, NULL).code;	/* tried again by the next call */
	s->sent = 0;
}

/* A call that waited in a worker's socket has all its time from when it becomes the first: the wait was not its fault. */
static void renew(struct pool_call *c)
{
	if (c)
		c->deadline_ns = sys_monotonic_ns() + c->allotted_ns;
}

/* The first call of the slot, from beginning to end; the slot is free again when it was the only one. */
static void serve_first(struct slot *s)
{
	struct pool_call *c = s->first;
	struct why why = why_in(c->job->arena);
	rc verdict = rc_of(E_INTERNAL), r;
	bool lost = false;

	r = exchange(s, &verdict, &lost, &why);
	if (lost)
		replace_worker(s);
	pthread_mutex_lock(&s->pool->lock);
	s->pool->replaced += lost;
	s->bytes -= size_of(pop(&s->first, &s->last));
	s->calls--;
	s->sent -= s->sent > 0;
	renew(s->first);
	take_ahead(s);
	if (!s->first)
		release(s);
	pthread_mutex_unlock(&s->pool->lock);
	c->done(c, rc_ok(r) ? verdict : lost_reason(c, &why));
}

static void *slot_run(void *arg)
{
	struct slot *s = arg;
	struct pool *p = s->pool;

	(void)pthread_setname_np(pthread_self(), "verifier");
	pthread_mutex_lock(&p->lock);
	while (!p->end || s->first) {
		if (!s->first) {
			pthread_cond_wait(&s->told, &p->lock);
			continue;
		}
		pthread_mutex_unlock(&p->lock);
		serve_first(s);
		pthread_mutex_lock(&p->lock);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

/* ---- opening ---- */

static RC start_threads(struct pool *p, struct why *w)
{
	sigset_t all, old;
	int e = 0;

	/* Signals are for the threads of `main`. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	for (; !e && p->threads < p->n; p->threads += !e)
		e = pthread_create(&p->slot[p->threads].thread, NULL, slot_run, &p->slot[p->threads]);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return e ? deny(w, E_UNAVAILABLE, "verifier.worker", "cannot start a thread: %s", strerror(e)) : rc_of(OK);
}

rc pool_open(const struct pool_options *o, struct pool **out, struct why *w)
{
	static const struct pool_options none = {0};
	struct pool *p = calloc(1, sizeof(*p));
	rc r;

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
	timed_cond_init(&p->freed);
	p->slot = calloc(p->n, sizeof(*p->slot));
	r = p->slot ? rc_of(OK) : deny(w, E_INTERNAL, "verifier.worker", "no memory");
	for (unsigned i = 0; rc_ok(r) && i < p->n; i++) {
		p->slot[i] = (struct slot){.pool = p, .w = {.fd = -1}};
		pthread_cond_init(&p->slot[i].told, NULL);
	}
	if (rc_ok(r))
		r = begin_worker(&p->slot[0], false, w);	/* the others when they are first needed: a worker is megabytes */
	if (rc_ok(r))
		r = start_threads(p, w);
	if (rc_ok(r))
		*out = p;
	else
		pool_close(p);
	return r;
}

void pool_close(struct pool *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->end = true;
	for (unsigned i = 0; p->slot && i < p->n; i++)
		pthread_cond_signal(&p->slot[i].told);
	pthread_mutex_unlock(&p->lock);
	while (p->threads)
		pthread_join(p->slot[--p->threads].thread, NULL);
	for (unsigned i = 0; p->slot && i < p->n; i++) {
		worker_end(&p->slot[i].w);
		pthread_cond_destroy(&p->slot[i].told);
	}
	free(p->slot);
	pthread_cond_destroy(&p->freed);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

/* ---- jobs ---- */

static RC prepare_call(const struct pool *p, struct pool_call *c)
{
	const struct vdriver *driver = registry_find(c->tee);
	struct buf head = buf_in(c->job->arena, p->message_max);
	int64_t now = sys_monotonic_ns();

	c->prepared = driver && driver->prepare;
	c->allotted_ns = c->deadline_ns ? c->deadline_ns - now : DEADLINE_NS;
	c->deadline_ns = now + c->allotted_ns;
	TRY(frame_put_request(&head, c->tee, c->step, c->job));
	c->head = buf_view(&head);
	if (size_of(c) > p->message_max)
		return deny(c->job->why, E_LIMIT, "verifier.message", "evidence and collateral are %zu bytes, at most %zu", size_of(c), p->message_max);
	return rc_of(OK);
}

void pool_start(struct pool *p, struct pool_call *c)
{
	rc r = prepare_call(p, c);

	if (!rc_ok(r)) {
		c->done(c, r);
		return;
	}
	pthread_mutex_lock(&p->lock);
	push(&p->first, &p->last, c);
	hand_out(p);
	pthread_mutex_unlock(&p->lock);
}

/* Takes a call back that no worker has seen. */
static bool take_back(struct pool *p, struct pool_call *c)
{
	struct pool_call *list, *last = NULL, *next;
	bool found = false;

	pthread_mutex_lock(&p->lock);
	list = p->first;
	p->first = NULL;
	for (; list; list = next) {
		next = list->next;
		if (list == c)
			found = true;
		else
			push(&p->first, &last, list);
	}
	p->last = last;
	pthread_mutex_unlock(&p->lock);
	return found;
}

static void tell(struct pool_call *c, rc verdict)
{
	waiter_tell(c->ctx, verdict);
}

rc pool_run(struct pool *p, const char *tee, enum verifier_step step, struct vjob *job, int64_t deadline_ns)
{
	struct waiter w;
	struct pool_call c = {.tee = tee, .step = step, .job = job, .deadline_ns = deadline_ns, .done = tell, .ctx = &w};

	waiter_open(&w);
	pool_start(p, &c);
	if (!waiter_done_by(&w, deadline_ns ? deadline_ns : sys_monotonic_ns() + DEADLINE_NS) && take_back(p, &c))
		tell(&c, deny(job->why, E_UNAVAILABLE, "verifier.busy", "no verifier came free in time"));
	return waiter_wait(&w);
}

void pool_rest(struct pool *p)
{
	for (unsigned i = 1; i < p->n; i++) {
		struct slot *s = &p->slot[i];
		bool rests;

		pthread_mutex_lock(&p->lock);
		rests = !s->busy && s->w.pid;
		s->busy = s->busy || rests;
		pthread_mutex_unlock(&p->lock);
		if (!rests)
			continue;
		end_worker(s);
		pthread_mutex_lock(&p->lock);
		release(s);
		pthread_mutex_unlock(&p->lock);
	}
}

/* ---- for tests and metrics ---- */

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
		if (p->slot[i].w.pid > 0)
			out[n++] = p->slot[i].w.pid;
	pthread_mutex_unlock(&p->lock);
	return n;
}

rc pool_self_test(struct pool *p, struct arena *a, struct slice *out, struct why *w)
{
	struct slice ask = SANDBOX_SANITIZED ? SLICE_LIT(POOL_SELF_TEST) : SLICE_LIT(POOL_SELF_TEST "+memory");
	int64_t until = sys_monotonic_ns() + DEADLINE_NS;
	struct slot *s = take_slot(p, until);
	rc r;

	if (!s)
		return deny(w, E_UNAVAILABLE, "verifier.busy", "no verifier came free in time");
	r = sandbox_send(s->w.fd, ask, (struct slice){0}, until, w);
	if (rc_ok(r))
		r = sandbox_recv(s->w.fd, &s->w.in, a, 1024, until, out, w);
	pthread_mutex_lock(&p->lock);
	release(s);
	pthread_mutex_unlock(&p->lock);
	return r;
}
