#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sandbox/sandbox.h"

static int actions(posix_spawn_file_actions_t *fa, int child)
{
	int e = 0;

	e |= posix_spawn_file_actions_addopen(fa, 0, "/dev/null", O_RDONLY, 0);
	if (!SANDBOX_SANITIZED) {	/* a sanitizer's report is worth more than the wall */
		e |= posix_spawn_file_actions_addopen(fa, 1, "/dev/null", O_WRONLY, 0);
		e |= posix_spawn_file_actions_addopen(fa, 2, "/dev/null", O_WRONLY, 0);
	}
	e |= posix_spawn_file_actions_adddup2(fa, child, SANDBOX_FD);
	e |= posix_spawn_file_actions_addclosefrom_np(fa, SANDBOX_FD + 1);
	return e;
}

/* Never descriptor 3 itself: a dup2 onto itself would keep close-on-exec. */
static RC pair(int fd[2], struct why *w)
{
	int moved;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) != 0)
		return deny(w, E_UNAVAILABLE, "sandbox.spawn", "no socket pair: %s", strerror(errno));
	moved = fcntl(fd[1], F_DUPFD_CLOEXEC, SANDBOX_FD + 1);
	close(fd[1]);
	fd[1] = moved;
	if (moved >= 0)
		return rc_of(OK);
	close(fd[0]);
	return deny(w, E_UNAVAILABLE, "sandbox.spawn", "no file descriptor: %s", strerror(errno));
}

/* Only what sanitizers and coverage read; everything else of the environment may hold secrets. */
static void environment(char *env[6])
{
	static const char *const names[] = {"ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LD_LIBRARY_PATH"};
	static char openssl[] = "OPENSSL_CONF=/dev/null";
	unsigned n = 0;

	env[n++] = openssl;
	for (unsigned i = 0; SANDBOX_SANITIZED && i < sizeof(names) / sizeof(names[0]); i++) {
		char *v = getenv(names[i]);

		if (v)
			env[n++] = v - strlen(names[i]) - 1;	/* getenv points behind "NAME=" */
	}
	env[n] = NULL;
}

rc sandbox_spawn(const char *arg, pid_t *pid, int *fd, struct why *w)
{
	static char self[] = "/proc/self/exe";
	char text[64], *argv[3] = {self, text, NULL}, *env[6];
	posix_spawn_file_actions_t fa;
	int ends[2], e;

	if (strlen(arg) >= sizeof(text))
		return deny(w, E_INTERNAL, "sandbox.spawn", "the argument is too long");
	memcpy(text, arg, strlen(arg) + 1);
	TRY(pair(ends, w));
	environment(env);
	if (posix_spawn_file_actions_init(&fa) != 0) {
		close(ends[0]);
		close(ends[1]);
		return deny(w, E_INTERNAL, "sandbox.spawn", "no memory to start a process");
	}
	e = actions(&fa, ends[1]);
	if (!e)
		e = posix_spawn(pid, self, &fa, NULL, argv, env);
	posix_spawn_file_actions_destroy(&fa);
	close(ends[1]);
	if (e) {
		close(ends[0]);
		return deny(w, E_UNAVAILABLE, "sandbox.spawn", "the worker does not start: %s", strerror(e));
	}
	*fd = ends[0];
	return rc_of(OK);
}
