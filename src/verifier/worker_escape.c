/* worker_escape.c - a worker that tries to get out: the proof that its walls hold, run by the tests. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "verifier/pool_int.h"

static bool try_open(void)
{
	return open("/etc/passwd", O_RDONLY) >= 0 || open("/dev/null", O_WRONLY) >= 0;
}

static bool try_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) >= 0 || socket(AF_UNIX, SOCK_STREAM, 0) >= 0;
}

static bool try_ptrace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0;
}

static bool try_fork(void)
{
	long pid = syscall(SYS_fork);

	if (pid == 0)
		_exit(0);
	return pid > 0;
}

static bool try_exec(void)
{
	char *const argv[] = {NULL};

	/* Refused before the path is looked at, or not at all. */
	execve("/nonexistent", argv, argv);
	return errno != EPERM;
}

static bool try_kill(void)
{
	return kill(getppid(), 0) == 0;
}

static bool try_executable_memory(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	void *q = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p != MAP_FAILED || q == MAP_FAILED || mprotect(q, 4096, PROT_READ | PROT_EXEC) == 0;
}

static bool try_memory(void)
{
	return mmap(NULL, (size_t)4 << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}

static bool try_environment(void)
{
	return syscall(SYS_chdir, "/") == 0 || syscall(SYS_unlink, "/nonexistent") == 0 || syscall(SYS_setuid, 0) == 0;
}

void worker_escape(char *out, size_t n, bool memory)
{
	static const struct {
		const char *name;
		bool (*succeeds)(void);
	} tries[] = {
		{"open", try_open}, {"socket", try_socket}, {"ptrace", try_ptrace}, {"fork", try_fork}, {"exec", try_exec},
		{"kill", try_kill}, {"executable-memory", try_executable_memory}, {"system", try_environment}, {"memory", try_memory},
	};
	size_t used = 0;

	out[0] = 0;
	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++)
		if ((memory || strcmp(tries[i].name, "memory")) && tries[i].succeeds() && used < n)
			used += (size_t)snprintf(out + used, n - used, "%s ", tries[i].name);
}
