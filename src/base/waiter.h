/* waiter.h - waits for what another thread does. */
#pragma once
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/rc.h"

/* A condition whose deadlines are those of sys_monotonic_ns(). */
static inline void timed_cond_init(pthread_cond_t *c)
{
	pthread_condattr_t a;

	pthread_condattr_init(&a);
	pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
	pthread_cond_init(c, &a);
	pthread_condattr_destroy(&a);
}

/* False: the time has come. Spurious wake-ups are possible, as ever. */
static inline bool timed_cond_wait(pthread_cond_t *c, pthread_mutex_t *lock, int64_t until_ns)
{
	const struct timespec ts = {.tv_sec = until_ns / 1000000000, .tv_nsec = until_ns % 1000000000};

	return pthread_cond_timedwait(c, lock, &ts) != ETIMEDOUT;
}

/* Waits for one thing. */
struct waiter {
	pthread_mutex_t lock;
	pthread_cond_t told;
	bool done;
	rc result;
};

static inline void waiter_open(struct waiter *w)
{
	w->done = false;
	pthread_mutex_init(&w->lock, NULL);
	timed_cond_init(&w->told);
}

static inline void waiter_tell(struct waiter *w, rc r)
{
	pthread_mutex_lock(&w->lock);
	w->result = r;
	w->done = true;
	pthread_cond_signal(&w->told);
	pthread_mutex_unlock(&w->lock);
}

/* Whether it was done before the deadline. */
static inline bool waiter_done_by(struct waiter *w, int64_t until_ns)
{
	bool in_time = true, done;

	pthread_mutex_lock(&w->lock);
	while (!w->done && in_time)
		in_time = timed_cond_wait(&w->told, &w->lock, until_ns);
	done = w->done;
	pthread_mutex_unlock(&w->lock);
	return done;
}

/* And closes it. */
static inline RC waiter_wait(struct waiter *w)
{
	pthread_mutex_lock(&w->lock);
	while (!w->done)
		pthread_cond_wait(&w->told, &w->lock);
	pthread_mutex_unlock(&w->lock);
	pthread_cond_destroy(&w->told);
	pthread_mutex_destroy(&w->lock);
	return w->result;
}
