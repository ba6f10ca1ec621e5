/* pool_process.c - one worker process: how it starts and ends, and one exchange with it. */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sys.h"
#include "verifier/plugin.h"
#include "verifier/pool.h"
#include "verifier/pool_int.h"

#define START_NS INT64_C(10000000000)

void worker_end(struct worker *w)
{
	bool ended = false;

	if (w->pid <= 0)
		return;
	close(w->fd);
	for (int i = 0; SANDBOX_COVERAGE && !ended && i < 500; i++) { /* it writes its figures */
		usleep(10000);
		ended = waitpid(w->pid, NULL, WNOHANG) != 0;
	}
	if (!ended)
		kill(w->pid, SIGKILL);
	while (!ended && waitpid(w->pid, NULL, 0) < 0 && errno == EINTR)
		;
	*w = (struct worker){.fd = -1};
}

/* Tells it its limits, and waits until it says that its sandbox is closed. */
static RC greet(struct worker *w, const struct pool_hello *hello, struct slice plugins, struct arena *a, struct why *why)
{
	int64_t until = sys_monotonic_ns() + START_NS;
	struct slice answer;

	TRY(sandbox_send(w->fd, slice_of(hello, sizeof(*hello)), plugins, until, why));
	TRY(sandbox_recv(w->fd, &w->in, a, 1024, until, &answer, why));
	if (!slice_is(answer, POOL_READY))
		return deny(why, E_UNAVAILABLE, "verifier.worker", "a worker cannot begin: " SLICE_FMT, SLICE_ARG(answer));
	return rc_of(OK);
}

rc worker_start(const struct pool_hello *hello, const char *const *plugins, size_t plugins_n, struct worker *w, struct why *why)
{
	struct arena *a = arena_new(1u << 18);
	struct buf paths = buf_in(a, PLUGIN_PATHS_MAX);
	rc r;

	for (size_t i = 0; a && i < plugins_n; i++)
		buf_put(&paths, plugins[i], strlen(plugins[i]) + 1);
	if (!a || !buf_ok(&paths)) {
		arena_free(a);
		return deny(why, E_LIMIT, "verifier.worker", "no memory, or the paths of plug-ins are longer than %zu bytes", PLUGIN_PATHS_MAX);
	}
	w->in.have = 0;
	w->prepared = hello->prepared;
	r = sandbox_spawn(POOL_WORKER_ARG, &w->pid, &w->fd, why);
	if (rc_ok(r)) {
		r = greet(w, hello, buf_view(&paths), a, why);
		if (!rc_ok(r))
			worker_end(w);
	}
	arena_free(a);
	return note(why, r, "starting a verifier worker");
}
