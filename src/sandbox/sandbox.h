/* sandbox.h - processes that may read their socket, compute, and write their socket.
 *
 * A worker is this same program started again (posix_spawn of /proc/self/exe: safe beside threads, and nothing of the
 * parent's memory, keys or files is in it). It has file descriptor 3, an inherited socket, and descriptors 0 to 2 on
 * /dev/null. sandbox_enter() then gives up the rest: no new privileges, no core, limits on memory, files and processes,
 * Landlock without any rule, and a seccomp allow-list under which opening a file, a socket, a process or executable
 * memory is refused. Linux only.
 */
#pragma once
#include <sys/types.h>

#include "base/buf.h"
#include "base/why.h"

#define SANDBOX_FD 3

/* A build with a sanitizer that keeps shadow memory: it needs all of the address space, and its reports need descriptor 2. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANDBOX_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define SANDBOX_SANITIZED 1
#endif
#endif
#ifndef SANDBOX_SANITIZED
#define SANDBOX_SANITIZED 0
#endif

/* A build that measures what tests reach (-Db_coverage=true): a worker has no walls, since it writes its figures when its
 * socket closes, and is waited for. Never for use; the broker says so at its start. */
#ifndef SANDBOX_COVERAGE
#define SANDBOX_COVERAGE 0
#endif

/* Starts "/proc/self/exe arg" and returns its end of the socket pair. The child has no environment but what sanitizers
 * need. E_UNAVAILABLE sandbox.spawn. */
RC sandbox_spawn(const char *arg, pid_t *pid, int *fd, struct why *w);

struct sandbox_limits {
	size_t memory_bytes;	/* private memory; 0: 192 MiB */
};

/* What holds after sandbox_enter(). */
struct sandbox_state {
	bool seccomp, landlock, memory;	/* memory: false in a build with an address sanitizer, which needs all of it */
};

/* For good. E_UNAVAILABLE sandbox.<what>; Landlock alone may be absent from the kernel: seccomp has closed files already. */
RC sandbox_enter(const struct sandbox_limits *limits, struct sandbox_state *state, struct why *w);

/* A job begins: it may take so many seconds of processor time, and no more than twice as many, then the process is killed. This ends
 * a worker whose parent is gone and cannot watch the deadline any more. */
void sandbox_job(unsigned cpu_s);

/* ---- messages: a length of 4 bytes, little endian, and so many bytes. Several may be on their way. ---- */

/* Until deadline_ns on the monotonic clock; 0: without end. E_UNAVAILABLE sandbox.closed, sandbox.deadline. */
RC sandbox_send(int fd, struct slice head, struct slice body, int64_t deadline_ns, struct why *w);

/* What one recv(2) brought beyond the message that was asked for. Zeroed at first, with each socket. */
struct sandbox_in {
	size_t have;
	uint8_t bytes[16384];	/* most messages are shorter */
};

/* A message over max_bytes is E_LIMIT sandbox.message; the stream is then of no more use. */
RC sandbox_recv(int fd, struct sandbox_in *in, struct arena *a, size_t max_bytes, int64_t deadline_ns, struct slice *out, struct why *w);
