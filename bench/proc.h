/* proc.h - what a process and those that it started have used, read from /proc. Linux only; for benchmarks. */
#pragma once
#include <stdint.h>

#define PROC_NAMES 16u

struct proc_use {
	uint64_t cpu_ns, rss_kib; /* of all; time to the tick, as the kernel gives it for processes */
	/* by name of thread, those of a name together; of processes below the first with "worker/" before it */
	struct proc_thread {
		char name[32];
		uint64_t ns;
	} thread[PROC_NAMES];
	unsigned threads;
};

/* Of what has ended meanwhile there is no figure by thread. */
void proc_use(long pid, struct proc_use *out);
/* {"name":us,...} per operation, the difference of two looks, the most expensive first. */
void proc_print_threads(const struct proc_use *before, const struct proc_use *after, uint64_t count);
