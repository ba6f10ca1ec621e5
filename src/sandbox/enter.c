#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "sandbox/sandbox.h"

#define MEMORY_DEFAULT ((size_t)192 << 20)

static RC failed(const char *what, struct why *w)
{
	return deny(w, E_UNAVAILABLE, "sandbox.enter", "%s: %s", what, strerror(errno));
}

static RC limit(int what, rlim_t n, const char *name, struct why *w)
{
	struct rlimit l = {n, n};

	return setrlimit((__rlimit_resource_t)what, &l) == 0 ? rc_of(OK) : failed(name, w);
}

static RC limits(const struct sandbox_limits *in, struct sandbox_state *s, struct why *w)
{
	size_t memory = in->memory_bytes ? in->memory_bytes : MEMORY_DEFAULT;

	TRY(limit(RLIMIT_CORE, 0, "core", w));
	TRY(limit(RLIMIT_FSIZE, 0, "file size", w));
	TRY(limit(RLIMIT_NOFILE, SANDBOX_FD + 1, "files", w));
	TRY(limit(RLIMIT_MEMLOCK, 0, "locked memory", w));
	TRY(limit(RLIMIT_MSGQUEUE, 0, "message queues", w));
	s->memory = !SANDBOX_SANITIZED;
	if (!SANDBOX_SANITIZED)	/* private writable memory: what a hostile input could make us take */
		TRY(limit(RLIMIT_DATA, memory, "memory", w));
	return rc_of(OK);
}

/* A ruleset that handles every access and allows none. */
static RC landlock(struct sandbox_state *s, struct why *w)
{
	struct landlock_ruleset_attr attr = {0};
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	long fd;
	int e;

	if (abi < 1)	/* not in this kernel */
		return rc_of(OK);
	attr.handled_access_fs = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE |
				 LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
				 LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
				 LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |
				 LANDLOCK_ACCESS_FS_MAKE_SYM;
	fd = syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (fd < 0)
		return failed("landlock", w);
	e = (int)syscall(SYS_landlock_restrict_self, fd, 0);
	close((int)fd);
	if (e != 0)
		return failed("landlock", w);
	s->landlock = true;
	return rc_of(OK);
}

/* Reading and writing what is open, memory that is not executable, the clock, the end. */
static int allow_plain(scmp_filter_ctx f)
{
	static const int calls[] = {
		SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(readv), SCMP_SYS(writev), SCMP_SYS(recvfrom), SCMP_SYS(recvmsg),
		SCMP_SYS(sendto), SCMP_SYS(sendmsg), SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(close), SCMP_SYS(brk),
		SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(futex), SCMP_SYS(clock_gettime), SCMP_SYS(clock_nanosleep),
		SCMP_SYS(gettimeofday), SCMP_SYS(getrandom), SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(sched_yield),
		SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigprocmask), SCMP_SYS(restart_syscall), SCMP_SYS(exit), SCMP_SYS(exit_group),
	};
	static const int sanitizer[] = {SCMP_SYS(sigaltstack), SCMP_SYS(rt_sigaction), SCMP_SYS(sched_getaffinity), SCMP_SYS(getrlimit),
					SCMP_SYS(prlimit64)};
	int e = 0;

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		e |= seccomp_rule_add(f, SCMP_ACT_ALLOW, calls[i], 0);
	for (size_t i = 0; SANDBOX_SANITIZED && i < sizeof(sanitizer) / sizeof(sanitizer[0]); i++)
		e |= seccomp_rule_add(f, SCMP_ACT_ALLOW, sanitizer[i], 0);
	return e;
}

static int allow_memory(scmp_filter_ctx f)
{
	int e = 0;

	/* The processor time of the next job (sandbox_job). */
	e |= seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 2, SCMP_A0(SCMP_CMP_EQ, 0), SCMP_A1(SCMP_CMP_EQ, RLIMIT_CPU));
	/* Anonymous only: a file cannot be mapped, and no page may be executable. */
	e |= seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 2, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0),
			      SCMP_A3(SCMP_CMP_MASKED_EQ, MAP_ANONYMOUS, MAP_ANONYMOUS));
	e |= seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	return e;
}

static RC seccomp(struct sandbox_state *s, struct why *w)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int e;

	if (!f)
		return deny(w, E_UNAVAILABLE, "sandbox.enter", "no seccomp filter");
	e = allow_plain(f) | allow_memory(f);
	if (!e)
		e = seccomp_load(f);
	seccomp_release(f);
	if (e)
		return deny(w, E_UNAVAILABLE, "sandbox.enter", "the seccomp filter does not load: %s", strerror(e < 0 ? -e : e));
	s->seccomp = true;
	return rc_of(OK);
}

rc sandbox_enter(const struct sandbox_limits *in, struct sandbox_state *state, struct why *w)
{
	struct sandbox_state s = {0};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return failed("prctl", w);
	if (SANDBOX_COVERAGE) {
		s.seccomp = true;
	} else {
		TRY(landlock(&s, w));
		TRY(limits(in, &s, w));
		TRY(seccomp(&s, w));
	}
	*state = s;
	return rc_of(OK);
}

void sandbox_job(unsigned cpu_s)
{
	static rlim_t limit;	/* a worker has one thread and one limit: it is set again when half of it is used, not for each job */
	struct timespec used = {0};
	struct rlimit l = {.rlim_max = RLIM_INFINITY};

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	if (limit >= (rlim_t)used.tv_sec + cpu_s + 1)
		return;
	l.rlim_cur = (rlim_t)used.tv_sec + 2 * cpu_s;
	if (setrlimit(RLIMIT_CPU, &l) == 0)
		limit = l.rlim_cur;
}
