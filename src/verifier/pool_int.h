/* pool_int.h - between the pool and its workers, which are the same program. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "base/why.h"
#include "sandbox/sandbox.h"

#define POOL_READY "ready"

/* Before _exit(), which writes no figures of what was run. */
#if SANDBOX_COVERAGE
void __gcov_dump(void);
#define WRITE_COVERAGE() __gcov_dump()
#else
#define WRITE_COVERAGE() ((void)0)
#endif

/* Instead of an ordinary job, for tests: the worker tries what it may not, and answers with what succeeded. */
#define POOL_SELF_TEST "self-test"

/* Behind it in the same message: the paths of plug-ins, each with a NUL behind it. */
struct pool_hello {
	size_t memory, message_max;
	bool prepared;	/* with what the drivers that have a prepare() need */
};

struct pool;
struct plugins;

/* A worker process as the service sees it. */
struct worker {
	pid_t pid;	/* 0: none */
	int fd;
	bool prepared;
	struct sandbox_in in;	/* answers behind the one that was read */
};

/* Both fail with E_LIMIT or E_UNAVAILABLE; then there is no process. */
RC worker_start(const struct pool_hello *hello, const char *const *plugins, size_t plugins_n, struct worker *w, struct why *why);
void worker_end(struct worker *w);

/* One worker's self-test; *out are names as of worker_escape(). */
RC pool_self_test(struct pool *p, struct arena *a, struct slice *out, struct why *w);

/* The worker's life behind the sandbox; returns when its socket is closed. */
int worker_serve(int fd, struct sandbox_in *stream, size_t message_max, const struct plugins *plugins);
/* Names of the forbidden things that succeeded, separated by spaces; "" when the walls hold. `memory`: the limit is set. */
void worker_escape(char *out, size_t n, bool memory);
