/* waiter.h - waits for one thing that another thread does. */
#pragma once
#include <pthread.h>
#include <stdbool.h>

#include "base/rc.h"

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
	pthread_cond_init(&w->told, NULL);
}

static inline void waiter_tell(struct waiter *w, rc r)
{
	pthread_mutex_lock(&w->lock);
	w->result = r;
	w->done = true;
	pthread_cond_signal(&w->told);
	pthread_mutex_unlock(&w->lock);
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
