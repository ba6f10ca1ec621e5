/* pool.h - verification in worker processes that can read their socket, compute, and write their socket.
 *
 * A worker is this same program, started again with a hidden argument: every main() that opens a pool begins with
 * pool_worker_main(). Each worker does one job at a time, and a few small ones wait for it in its socket. One that crashes, is killed,
 * hangs past the deadline or answers nonsense is ended and replaced, and the request that it was at is refused; those behind it go
 * to the new one. A driver that needs more than what every worker has is given one that loaded it before its walls closed.
 *
 * Threads: every function is for any number of them; each worker has a thread of the pool that waits for its answers. Memory of the
 * answer is in the job's arena.
 */
#pragma once
#include "evidence/job.h"
#include "verifier/registry.h"

struct pool;

struct pool_options {
	unsigned workers;	/* at most, 0: one for each processor, 64 in all; the first starts at once, others when it is busy */
	size_t memory_bytes;	/* address space for the data of a worker; 0: 192 MiB */
	size_t message_max;	/* largest request or answer; 0: 24 MiB */
	const char *const *plugins;	/* absolute paths, for verifiers from outside (verifier/plugin.h); borrowed until pool_close */
	size_t plugins_n;
};

#define POOL_WORKER_ARG "--verifier-worker"

/* First thing in main(): when argv says that this process is a worker, does the worker's life and never returns. */
void pool_worker_main(int argc, char **argv);

/* Starts the first worker. E_UNAVAILABLE verifier.worker when one does not start: its sandbox cannot be closed, or a plug-in not be
 * loaded. */
RC pool_open(const struct pool_options *options, struct pool **out, struct why *w);
void pool_close(struct pool *p);	/* accepts NULL; no job may be under way */

/* One job that is begun and answered later. */
struct pool_call {
	const char *tee;
	enum verifier_step step;
	struct vjob *job;	/* with its arena, and what it borrows, as untouched by others as the call, until done() */
	int64_t deadline_ns;	/* on the monotonic clock (sys_monotonic_ns); 0: ten seconds from now */
	/* Once, on a thread of the pool, or on that of pool_start when nothing could be begun. It must not block for long: other
	 * jobs of the worker wait behind it. The call is the caller's again. */
	void (*done)(struct pool_call *c, rc verdict);
	void *ctx;
	/* the pool's own */
	struct pool_call *next;
	struct slice head;
	int64_t allotted_ns;
	bool prepared;
};

/* registry_run() in a worker: reads the job's inputs, fills its results or wants, and its why. Besides the driver's refusals:
 * E_UNAVAILABLE verifier.worker-lost, verifier.deadline, verifier.busy (no worker came free in time); E_LIMIT
 * verifier.message. */
void pool_start(struct pool *p, struct pool_call *c);
/* The same, and waits for the answer. */
RC pool_run(struct pool *p, const char *tee, enum verifier_step step, struct vjob *job, int64_t deadline_ns);

/* Nothing is asked at present: ends the workers beyond the first that have no job. They start again when they are needed. */
void pool_rest(struct pool *p);

/* For tests and metrics. */
uint64_t pool_replaced(struct pool *p);		/* workers that were lost so far */
/* Process ids of the workers, at most max; how many. */
unsigned pool_pids(struct pool *p, int *out, unsigned max);
