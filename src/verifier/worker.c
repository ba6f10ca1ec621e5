/* worker.c - a worker's life: close the sandbox, then one job after another until the socket closes. */
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/sys.h"
#include "evidence/memo.h"
#include "sandbox/sandbox.h"
#include "crypto/digest.h"
#include "crypto/pkey.h"
#include "verifier/frame.h"
#include "verifier/plugin.h"
#include "verifier/pool.h"
#include "verifier/pool_int.h"

#define JOB_CPU_S     30u
#define MEMO_ENTRIES  256u
#define ARENA_JOB     ((size_t)96 << 20)

/* The answer to one request; what cannot be answered otherwise is a short refusal. */
static RC answer(struct arena *a, struct slice in, struct memo *memo, const struct plugins *plugins, struct buf *out)
{
	struct why w = why_in(a);
	struct vjob *job = ARENA_NEW(a, struct vjob);
	enum verifier_step step;
	char tee[32];
	rc r;

	if (!job)
		return rc_of(E_LIMIT);
	job->arena = a;
	job->why = &w;
	job->memo = memo;
	r = frame_get_request(in, tee, &step, job);
	if (rc_ok(r))
		r = registry_find(tee) ? registry_run(tee, step, job) : plugins_run(plugins, tee, step, job);
	if (!rc_ok(r))
		job->results_n = job->wants_n = 0;
	return frame_put_answer(out, r, job);
}

static RC refuse(struct arena *a, struct buf *out)
{
	struct why w = why_in(a);
	struct vjob job = {.arena = a, .why = &w};

	return frame_put_answer(out, deny(&w, E_LIMIT, "verifier.memory", "the verification needs more memory than it may have"), &job);
}

static RC self_test(int fd, struct slice in, bool *was)
{
	char text[256];

	*was = slice_starts(in, SLICE_LIT(POOL_SELF_TEST));
	if (!*was)
		return rc_of(OK);
	worker_escape(text, sizeof(text), in.n > strlen(POOL_SELF_TEST));
	return sandbox_send(fd, slice_cstr(text), (struct slice){0}, 0, NULL);
}

/* What a worker works in, job after job. */
struct room {
	struct sandbox_in *stream;
	struct arena *in, *job, *spare;
	struct memo *memo;
};

static RC serve_one(int fd, size_t message_max, const struct plugins *plugins, struct room *room)
{
	struct buf out = buf_in(room->job, message_max), little = buf_in(room->spare, 0);
	struct slice in;
	bool was;

	TRY(sandbox_recv(fd, room->stream, room->in, message_max, 0, &in, NULL));
	TRY(self_test(fd, in, &was));
	if (was)
		return rc_of(OK);
	sandbox_job(JOB_CPU_S);
	if (rc_ok(answer(room->job, in, room->memo, plugins, &out)))
		return sandbox_send(fd, buf_view(&out), (struct slice){0}, 0, NULL);
	TRY(refuse(room->spare, &little));
	return sandbox_send(fd, buf_view(&little), (struct slice){0}, 0, NULL);
}

int worker_serve(int fd, struct sandbox_in *stream, size_t message_max, const struct plugins *plugins)
{
	struct room room = {.stream = stream, .in = arena_new(message_max + 4096), .job = arena_new(ARENA_JOB), .spare = arena_new(1u << 16),
			    .memo = memo_new(MEMO_ENTRIES)};
	rc r = room.in && room.job && room.spare ? rc_of(OK) : rc_of(E_LIMIT);

	while (rc_ok(r)) {
		r = serve_one(fd, message_max, plugins, &room);
		arena_clear(room.in);
		arena_clear(room.job);
		arena_clear(room.spare);
	}
	arena_free(room.in);
	arena_free(room.job);
	arena_free(room.spare);
	memo_free(room.memo);
	return 0;
}

/* What OpenSSL loads late must be loaded before the walls close: algorithms, error texts, the random generator's first call. */
static void warm_up(void)
{
	uint8_t out[DIGEST_MAX], random[16];
	static const enum digest_alg algs[] = {DIGEST_SHA1, DIGEST_SHA256, DIGEST_SHA384, DIGEST_SHA512, DIGEST_SM3, DIGEST_MD5};
	struct pkey *k = NULL;

	for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++)
		(void)digest(algs[i], SLICE_LIT("warm"), out, NULL).code;
	(void)sys_random(random, sizeof(random), NULL).code;
	if (rc_ok(pkey_from_spki(SLICE_LIT("no key"), &k, NULL)))
		pkey_free(k);
}

void pool_worker_main(int argc, char **argv)
{
	struct arena *a;
	struct why w;
	struct pool_hello hello;
	struct sandbox_state state = {0};
	struct plugins *plugins;
	struct sandbox_in *stream;
	struct slice in;
	bool ready;
	rc r;

	if (argc != 2 || strcmp(argv[1], POOL_WORKER_ARG))
		return;
	a = arena_new(1u << 18);	/* lives as long as the process: plug-ins are in it */
	w = why_in(a);
	stream = ARENA_NEW(a, struct sandbox_in);
	r = stream ? sandbox_recv(SANDBOX_FD, stream, a, sizeof(hello) + PLUGIN_PATHS_MAX, 0, &in, &w) : rc_of(E_LIMIT);
	if (!rc_ok(r) || in.n < sizeof(hello))
		_exit(1);
	memcpy(&hello, in.p, sizeof(hello));
	(void)prctl(PR_SET_NAME, "verifier");	/* or it is called "exe" in lists of processes */
	warm_up();
	for (size_t i = 0; hello.prepared && registry[i]; i++)
		if (registry[i]->prepare)
			registry[i]->prepare();
	r = plugins_load(slice_sub(in, sizeof(hello), in.n), a, &plugins, &w);
	if (rc_ok(r))
		r = sandbox_enter(&(struct sandbox_limits){.memory_bytes = hello.memory}, &state, &w);
	ready = rc_ok(r) && state.seccomp;
	r = sandbox_send(SANDBOX_FD, slice_cstr(ready ? POOL_READY : why_text(&w)), (struct slice){0}, 0, NULL);
	if (rc_ok(r) && ready)
		(void)worker_serve(SANDBOX_FD, stream, hello.message_max, plugins);
	WRITE_COVERAGE();
	/* No exit handlers: they may want what the sandbox forbids. */
	_exit(rc_ok(r) && ready ? 0 : 1);
}
