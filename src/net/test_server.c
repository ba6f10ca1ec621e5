/* test_server.c - a real server on a loopback port: what is refused on the wire, deadlines, caps, drain; and fetch against it. */
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/num.h"
#include "base/sys.h"
#include "base/test_pace.h"
#include "net/battery.h"
#include "net/fetch.h"
#include "net/test_support.h"

static struct server *start(unsigned per_peer)
{
	const struct server_listener listener = {.address = "127.0.0.1:0", .kind = "test", .handle = rig_handle, .quick = rig_quick};
	const struct server_config config = {.listeners = &listener, .listeners_n = 1, .loops = 2, .workers = 2, .body_max = 65536,
					     .max_per_peer = per_peer, .head_ms = 300, .body_ms = 300, .idle_ms = 300, .refuse = rig_refuse};
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct server *s = NULL;

	if (!rc_ok(server_new(&config, &s, &w)) || !rc_ok(server_start(s, &w)))
		fail_msg("%s", why_text(&w));
	arena_free(a);
	return s;
}

static void end(struct server *s)
{
	server_stop(s, 2000);
	server_free(s);
}

static int dial(const struct server *s)
{
	return dial_port((unsigned short)strtoul(strrchr(server_address(s, 0), ':') + 1, NULL, 10));
}

static void every_row_of_the_battery_is_refused_on_the_wire(void **state)
{
	struct server *s = start(0);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(battery); i++) {
		char sent[1024], got[4096], want[32];
		size_t n = battery[i].n;
		bool closed;
		int fd = dial(s);

		memcpy(sent, battery[i].bytes, n);
		memcpy(sent + n, SMUGGLED, sizeof(SMUGGLED));
		assert_int_equal(write(fd, sent, n + sizeof(SMUGGLED) - 1), (ssize_t)(n + sizeof(SMUGGLED) - 1));
		read_all(fd, got, sizeof(got), &closed);
		snprintf(want, sizeof(want), "HTTP/1.1 %u ", battery[i].status);
		if (strncmp(got, want, strlen(want)) != 0 || !closed || strstr(got + 1, "HTTP/1.1") || !strstr(got, "{\"type\""))
			fail_msg("%s: closed %d, answer: %s", battery[i].name, (int)closed, got);
		close(fd);
	}
	assert_int_equal(atomic_load(&rig_smuggled), 0);
	end(s);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
	static const char sent[] = "GET /slow HTTP/1.1\r\nHost: a\r\n\r\nHEAD /two HTTP/1.1\r\nHost: a\r\n\r\n"
				   "GET /secret HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
	struct server *s = start(0);
	char got[4096];
	bool closed;
	int fd = dial(s);

	(void)state;
	assert_int_equal(write(fd, sent, sizeof(sent) - 1), (ssize_t)sizeof(sent) - 1);
	size_t n = read_all(fd, got, sizeof(got), &closed);
	assert_true(closed);
	const char *one = strstr(got, "/slow"), *two = strstr(got, "content-length: 4\r\n");
	assert_true(one && two && one < two && !strstr(got, "/two"));
	assert_string_equal(got + n - 6, "sesame");
	close(fd);
	end(s);
}

static void what_is_quick_is_answered_by_the_loop_and_nothing_else(void **state)
{
	static const char sent[] = "GET /quick/thread HTTP/1.1\r\nHost: a\r\n\r\nGET /a/thread HTTP/1.1\r\nHost: a\r\n\r\n"
				   "HEAD /quick/thread HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
	struct server *s = start(0);
	char got[4096], *loop, *request;
	bool closed;
	int fd = dial(s);

	(void)state;
	assert_int_equal(write(fd, sent, sizeof(sent) - 1), (ssize_t)sizeof(sent) - 1);
	read_all(fd, got, sizeof(got), &closed);
	assert_true(closed);
	loop = strstr(got, "\r\n\r\nloop");
	request = loop ? strstr(loop, "\r\n\r\nrequest") : NULL;
	assert_non_null(request);
	assert_null(strstr(loop + 4, "\r\n\r\nloop"));	/* the body of a HEAD */
	close(fd);
	end(s);
}

/* Thousands in one go, with others between: one after the other, in their order, whoever answers them. */
static void quick_requests_and_others_keep_their_order(void **state)
{
	enum { N = 3000, EACH = 64 };
	struct server *s = start(0);
	char *sent = calloc(N, EACH), *got = calloc(N, 256), *at = got;
	size_t n = 0, done = 0;
	bool closed = false;
	int fd = dial(s);

	(void)state;
	assert_true(sent && got);
	for (unsigned i = 0; i < N; i++)
		n += (size_t)snprintf(sent + n, EACH, "GET /%s/%u HTTP/1.1\r\nHost: a\r\n%s\r\n", i % 50 == 7 ? "other" : "quick", i,
				      i + 1 == N ? "Connection: close\r\n" : "");
	for (size_t from = 0; from < n;) {	/* both ways at once: neither side may wait for the other for ever */
		struct pollfd p = {.fd = fd, .events = POLLIN | POLLOUT};
		ssize_t k;

		assert_int_equal(poll(&p, 1, 3000), 1);
		if (p.revents & POLLIN) {
			k = recv(fd, got + done, N * 256 - 1 - done, MSG_DONTWAIT);
			assert_true(k > 0);
			done += (size_t)k;
		}
		k = p.revents & POLLOUT ? send(fd, sent + from, n - from, MSG_DONTWAIT) : 0;
		from += k > 0 ? (size_t)k : 0;
	}
	read_all(fd, got + done, N * 256 - done, &closed);
	assert_true(closed);
	for (unsigned i = 0; i < N; i++) {
		char want[48];

		snprintf(want, sizeof(want), "\r\n\r\n/%s/%u", i % 50 == 7 ? "other" : "quick", i);
		at = strstr(at, "\r\n\r\n");
		if (!at || strncmp(at, want, strlen(want)) != 0)
			fail_msg("answer %u is %.40s", i, at ? at : "missing");
		at += strlen(want);
	}
	close(fd);
	free(sent);
	free(got);
	end(s);
}

/* A head that begins behind a quick answer, in the same bytes, has no more time than any other. */
static void a_slow_head_behind_a_quick_answer_is_cut_off(void **state)
{
	static const char *const rows[] = {"GET /quick HTTP/1.1\r\nHost: a\r\n\r\nGET / HTT",
					   "GET /quick HTTP/1.1\r\nHost: a\r\n\r\n" POST_HEAD "Content-Length: 5\r\n\r\na"};
	const struct server_listener listener = {.address = "127.0.0.1:0", .kind = "test", .handle = rig_handle, .quick = rig_quick};
	const struct server_config config = {.listeners = &listener, .listeners_n = 1, .loops = 1, .workers = 1, .body_max = 65536,
					     .head_ms = 300, .body_ms = 300, .idle_ms = 60000, .refuse = rig_refuse};
	struct server *s;

	(void)state;
	assert_true(rc_ok(server_new(&config, &s, NULL)) && rc_ok(server_start(s, NULL)));
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		char got[4096];
		bool closed;
		int fd = dial(s);

		for (size_t cut = strlen(rows[i]) - 2, from = 0; from < strlen(rows[i]); from = cut, cut = strlen(rows[i])) {
			assert_int_equal(write(fd, rows[i] + from, cut - from), (ssize_t)(cut - from));
			usleep(20000);
		}
		read_all(fd, got, sizeof(got), &closed);
		assert_true(closed);
		assert_int_equal(strncmp(got, "HTTP/1.1 200", 12), 0);
		assert_non_null(strstr(got, "HTTP/1.1 408"));
		close(fd);
	}
	end(s);
}

static void slow_senders_are_cut_off(void **state)
{
	static const struct {
		const char *sent;
		bool answered;
	} rows[] = {{"GET / HTT", true}, {POST_HEAD "Content-Length: 5\r\n\r\na", true}, {"", false}};
	struct server *s = start(0);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		int64_t began = sys_monotonic_ns();
		char got[4096];
		bool closed;
		int fd = dial(s);

		assert_int_equal(write(fd, rows[i].sent, strlen(rows[i].sent)), (ssize_t)strlen(rows[i].sent));
		read_all(fd, got, sizeof(got), &closed);
		assert_true(closed && sys_monotonic_ns() - began < 2000000000);
		assert_int_equal(strncmp(got, "HTTP/1.1 408", 12) == 0, rows[i].answered);
		close(fd);
	}
	end(s);
}

static void one_address_has_a_cap(void **state)
{
	struct server *s = start(3);
	int fd[5];
	unsigned closed = 0;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(fd); i++)
		fd[i] = dial(s);
	for (size_t i = 0; i < COUNT_OF(fd); i++) {
		struct pollfd p = {.fd = fd[i], .events = POLLIN};

		closed += poll(&p, 1, 40) == 1;
	}
	assert_int_equal(closed, 2);
	for (size_t i = 0; i < COUNT_OF(fd); i++)
		close(fd[i]);
	end(s);
}

static void what_is_under_way_is_answered_when_draining(void **state)
{
	static const char sent[] = "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n";
	struct server *s = start(0);
	unsigned before = atomic_load(&rig_served);
	char got[4096];
	bool closed;
	int fd = dial(s);

	(void)state;
	assert_int_equal(write(fd, sent, sizeof(sent) - 1), (ssize_t)sizeof(sent) - 1);
	for (unsigned i = 0; i < 200 && atomic_load(&rig_served) == before; i++)
		usleep(5000);
	server_stop(s, 2000);
	read_all(fd, got, sizeof(got), &closed);
	assert_true(closed && strncmp(got, "HTTP/1.1 200", 12) == 0 && strstr(got, "connection: close"));
	close(fd);
	server_free(s);
}

static void fetch_is_bounded_and_follows_nothing(void **state)
{
	struct server *s = start(0);
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct fetch_reply reply;
	struct fetcher *f, *tiny, *strict;
	SECRET(body);
	struct fetch_request req = {.url = arena_printf(a, "http://%s/moved", server_address(s, 0))};
	static const char *const bad[] = {"http://example.org/", "ftp://127.0.0.1/", "https://u:p@127.0.0.1/", "https://a\\b/", "file:///",
					  "http://127.0.0.1.example.org/", "https://a/ b", ""};

	(void)state;
	assert_true(rc_ok(fetcher_new(&(struct fetch_config){.allow_loopback_http = true}, &f, &w)));
	assert_true(rc_ok(fetcher_new(&(struct fetch_config){.allow_loopback_http = true, .max_reply = 3}, &tiny, &w)));
	assert_true(rc_ok(fetcher_new(&(struct fetch_config){0}, &strict, &w)));
	assert_true(rc_ok(fetch(f, &req, a, &reply, &w)));
	assert_int_equal(reply.status, 302);
	assert_true(slice_is(fetch_header_get(&reply, "location"), "/elsewhere"));
	assert_true(slice_is(reply.body, "/moved"));
	assert_int_equal(fetch(tiny, &req, a, &reply, &w).code, E_LIMIT);
	assert_int_equal(fetch(strict, &req, a, &reply, &w).code, E_MALFORMED);
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_int_equal(fetch(f, &(struct fetch_request){.url = bad[i]}, a, &reply, &w).code, E_MALFORMED);
	req.url = arena_printf(a, "http://%s/secret", server_address(s, 0));
	assert_true(rc_ok(fetch_secret(f, &req, a, &reply, &body, &w)));
	assert_true(slice_is(secret_view(&body), "sesame") && reply.body.n == 0);
	req.url = arena_printf(a, "http://%s/slow", server_address(s, 0));
	req.deadline_ns = sys_monotonic_ns() + 50000000;
	why_clear(&w);
	assert_int_equal(fetch(f, &req, a, &reply, &w).code, E_UNAVAILABLE);
	assert_string_equal(why_reason(&w), "fetch.timeout");
	fetcher_free(f);
	fetcher_free(tiny);
	fetcher_free(strict);
	arena_free(a);
	end(s);
}

static rc ask(const struct server *s, const char *ca, struct arena *a, struct why *w)
{
	struct fetch_request req = {.url = arena_printf(a, "https://%s/x", server_address(s, 0))};
	struct fetch_reply reply;
	struct fetcher *f;
	rc r = fetcher_new(&(struct fetch_config){.ca_file = ca, .timeout_ms = 10000 * test_pace()}, &f, w);

	assert_true(rc_ok(r));
	why_clear(w);
	r = fetch(f, &req, a, &reply, w);
	fetcher_free(f);
	return r;
}

static void a_broken_certificate_is_not_taken_over(void **state)
{
	char dir[] = "/tmp/warrant-net-XXXXXX";
	struct arena *a = arena_new(0);
	struct why w = why_in(a);

	(void)state;
	assert_non_null(mkdtemp(dir));
	const char *cert = arena_printf(a, "%s/cert.pem", dir), *key = arena_printf(a, "%s/key.pem", dir);
	const char *old = arena_printf(a, "%s/old.pem", dir), *other = arena_printf(a, "%s/other.pem", dir);
	const char *cert2 = arena_printf(a, "%s/cert2.pem", dir), *key2 = arena_printf(a, "%s/key2.pem", dir);
	const struct tls_config tls = {.certificate = cert, .private_key = key};
	const struct tls_config second = {.certificate = cert2, .private_key = key2};
	const struct server_listener listener[] = {{.address = "127.0.0.1:0", .kind = "test", .handle = rig_handle, .tls = &tls},
						   {.address = "127.0.0.1:0", .kind = "two", .handle = rig_handle, .tls = &second}};
	const struct server_config config = {.listeners = listener, .listeners_n = 2, .loops = 1, .workers = 1,
					     .head_ms = 5000 * test_pace(), .refuse = rig_refuse};
	struct server *s;
	struct slice pem;

	make_certificate(cert, key);
	make_certificate(cert2, key2);
	make_certificate(other, arena_printf(a, "%s/other-key.pem", dir));
	assert_true(rc_ok(file_read(a, cert, 65536, &pem, &w)) && rc_ok(file_write_atomic(old, pem, 0600, &w)));
	assert_true(rc_ok(server_new(&config, &s, &w)) && rc_ok(server_start(s, &w)));
	assert_true(rc_ok(ask(s, old, a, &w)));
	assert_int_equal(ask(s, other, a, &w).code, E_UNAVAILABLE);
	assert_string_equal(why_reason(&w), "fetch.tls");
	assert_int_equal(ask(s, NULL, a, &w).code, E_UNAVAILABLE);
	assert_true(rc_ok(file_write_atomic(cert, SLICE_LIT("broken"), 0600, &w)));
	assert_false(rc_ok(server_reload_tls(s, &w)));
	assert_true(rc_ok(ask(s, old, a, &w)));
	/* The first listener's pair is good again, the second's is broken: neither is taken over. */
	make_certificate(cert, key);
	assert_true(rc_ok(file_write_atomic(cert2, SLICE_LIT("broken"), 0600, &w)));
	assert_false(rc_ok(server_reload_tls(s, &w)));
	assert_true(rc_ok(ask(s, old, a, &w)));
	make_certificate(cert2, key2);
	assert_true(rc_ok(server_reload_tls(s, &w)));
	assert_int_equal(ask(s, old, a, &w).code, E_UNAVAILABLE);
	assert_true(rc_ok(ask(s, cert, a, &w)));
	end(s);
	static const char *const names[] = {"cert.pem", "key.pem", "old.pem", "other.pem", "other-key.pem", "cert2.pem", "key2.pem"};
	for (size_t i = 0; i < COUNT_OF(names); i++)
		unlink(arena_printf(a, "%s/%s", dir, names[i]));
	rmdir(dir);
	arena_free(a);
}

/* The body has a deadline of its own, also when it begins in the same piece as the head. */
static void a_slow_body_has_its_own_deadline(void **state)
{
	static const char sent[] = POST_HEAD "Content-Length: 5\r\n\r\na";
	int64_t began;
	char got[4096];
	struct rig r;
	bool closed;
	int fd;

	(void)state;
	rig_init(&r, false);
	r.config.head_ms = 200;
	r.config.body_ms = 900;
	rig_start(&r);
	fd = dial_port(rig_port(&r));
	began = sys_monotonic_ns();
	assert_int_equal(write(fd, sent, sizeof(sent) - 1), (ssize_t)sizeof(sent) - 1);
	read_all(fd, got, sizeof(got), &closed);
	assert_true(closed && strncmp(got, "HTTP/1.1 408", 12) == 0);
	assert_true(sys_monotonic_ns() - began >= 890000000);
	close(fd);
	rig_end(&r);
}

/* A handler that goes on when it is told, so that no clock has to be met. */
static atomic_bool held, let_go;
static atomic_uint begun;

static bool hold(void *ctx, struct http_request *req, struct http_response *resp)
{
	(void)ctx;
	if (slice_is(req->path, "/hold")) {
		atomic_store(&held, true);
		while (!atomic_load(&let_go))
			usleep(1000);
	} else {
		atomic_fetch_add(&begun, 1);
	}
	resp->status = 200;
	resp->body = req->path;
	return true;
}

static void rig_hold(struct rig *r)
{
	atomic_store(&held, false);
	atomic_store(&let_go, false);
	atomic_store(&begun, 0);
	rig_init(r, false);
	r->listener.handle = hold;
	r->config.workers = 1;
	r->config.handle_ms = 100;
	rig_start(r);
}

static int ask_for(struct rig *r, const char *path)
{
	char line[128];
	int fd = dial_port(rig_port(r)), n = snprintf(line, sizeof(line), "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path);

	assert_int_equal(write(fd, line, (size_t)n), n);
	return fd;
}

static void an_answer_after_the_deadline_is_not_sent(void **state)
{
	char got[4096];
	struct rig r;
	bool closed;
	int fd;

	(void)state;
	rig_hold(&r);
	fd = ask_for(&r, "/hold");
	read_all(fd, got, sizeof(got), &closed);	/* while the handler still runs */
	assert_true(closed && strncmp(got, "HTTP/1.1 503", 12) == 0 && strstr(got, "server.deadline") && !strstr(got, "/hold"));
	close(fd);
	atomic_store(&let_go, true);	/* it ends, and finds nobody */
	rig_end(&r);
}

static void an_answer_may_come_later_and_the_next_request_waits_for_it(void **state)
{
	static const char sent[] = "GET /later HTTP/1.1\r\nHost: a\r\n\r\nGET /next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
	struct server *s = start(0);
	char got[4096], *late, *next;
	bool closed;
	int fd = dial(s);

	(void)state;
	assert_int_equal(write(fd, sent, sizeof(sent) - 1), (ssize_t)sizeof(sent) - 1);
	read_all(fd, got, sizeof(got), &closed);
	late = strstr(got, "\r\n\r\nlate");
	next = strstr(got, "\r\n\r\n/next");
	assert_true(late && next && late < next);
	close(fd);
	end(s);
}

static void a_stop_waits_for_answers_that_come_later(void **state)
{
	static const char sent[] = "GET /later HTTP/1.1\r\nHost: a\r\n\r\n";
	struct server *s = start(0);
	unsigned before = atomic_load(&rig_served);
	char got[4096];
	bool closed;
	int fd[2];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(fd); i++) {
		fd[i] = dial(s);
		assert_int_equal(write(fd[i], sent, sizeof(sent) - 1), (ssize_t)sizeof(sent) - 1);
	}
	close(fd[1]);	/* nobody waits for this one any more */
	while (atomic_load(&rig_served) - before < 2)
		usleep(1000);
	end(s);
	read_all(fd[0], got, sizeof(got), &closed);
	assert_non_null(strstr(got, "\r\n\r\nlate"));
	close(fd[0]);
}

struct counted {
	struct task task;
	atomic_uint *n;
};

static void count(struct task *t)
{
	atomic_fetch_add(((struct counted *)t)->n, 1);
}

static void tasks_are_done_by_the_threads_that_run_handlers(void **state)
{
	struct counted task[100];
	struct server *s = start(0);
	atomic_uint n = 0;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(task); i++) {
		task[i] = (struct counted){.task = {.run = count}, .n = &n};
		server_post(s, &task[i].task);
	}
	end(s);
	assert_int_equal(atomic_load(&n), COUNT_OF(task));
}

struct last_post {
	struct task task;
	struct server *s;
	atomic_bool done;
};

static void last_done(struct task *t)
{
	atomic_store(&((struct last_post *)t)->done, true);
}

static void *post_last(void *arg)
{
	struct last_post *p = arg;

	server_post(p->s, &p->task);
	return NULL;
}

/* Seen by the tools that watch threads and memory. */
static void a_server_may_end_while_the_thread_that_posted_last_still_returns(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 50; i++) {
		struct last_post p = {.task.run = last_done, .s = start(0)};
		pthread_t t;

		assert_int_equal(pthread_create(&t, NULL, post_last, &p), 0);
		while (!atomic_load(&p.done))
			usleep(50);
		end(p.s);
		pthread_join(t, NULL);
	}
}

/* What waited for a thread until nobody waits for it is not begun: its handler could release a secret to no one. */
static void a_request_that_waited_too_long_is_never_begun(void **state)
{
	char got[4096];
	struct rig r;
	bool closed;
	int fd[2];

	(void)state;
	rig_hold(&r);
	fd[0] = ask_for(&r, "/hold");
	while (!atomic_load(&held))	/* the one thread has it */
		usleep(1000);
	fd[1] = ask_for(&r, "/next");
	read_all(fd[1], got, sizeof(got), &closed);
	assert_true(closed && strncmp(got, "HTTP/1.1 503", 12) == 0);
	close(fd[0]);
	close(fd[1]);
	atomic_store(&let_go, true);
	rig_end(&r);	/* the thread has come to it */
	assert_int_equal(atomic_load(&begun), 0);
}

/* A refused sender is listened to for a while, so that it reads why; but not without end. */
static void who_sends_on_after_a_refusal_is_cut_off(void **state)
{
	static const char bad[] = "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n";
	static uint8_t more[65536];
	size_t taken = 0;
	int64_t until;
	struct rig r;
	int fd;

	(void)state;
	rig_init(&r, false);
	rig_start(&r);
	fd = dial_port(rig_port(&r));
	assert_int_equal(write(fd, bad, sizeof(bad) - 1), (ssize_t)sizeof(bad) - 1);
	until = sys_monotonic_ns() + 3000000000;
	while (sys_monotonic_ns() < until) {
		ssize_t n = send(fd, more, sizeof(more), MSG_NOSIGNAL);

		if (n <= 0)
			break;
		taken += (size_t)n;
	}
	assert_in_range(taken, 1, 24 << 20);	/* one MiB, and what the system's buffers hold */
	close(fd);
	rig_end(&r);
}

static void beyond_the_queue_the_answer_is_503(void **state)
{
	static const char sent[] = "GET /slow HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
	unsigned busy = 0, ok = 0;
	struct rig r;
	int fd[6];

	(void)state;
	rig_init(&r, false);
	r.config.workers = 1;
	r.config.queue_max = 2;
	rig_start(&r);
	for (size_t i = 0; i < COUNT_OF(fd); i++) {
		fd[i] = dial_port(rig_port(&r));
		assert_int_equal(write(fd[i], sent, sizeof(sent) - 1), (ssize_t)sizeof(sent) - 1);
	}
	for (size_t i = 0; i < COUNT_OF(fd); i++) {
		char got[4096];
		bool closed;

		read_all(fd[i], got, sizeof(got), &closed);
		busy += strncmp(got, "HTTP/1.1 503", 12) == 0 && strstr(got, "server.busy");
		ok += strncmp(got, "HTTP/1.1 200", 12) == 0;
		close(fd[i]);
	}
	assert_int_equal(busy + ok, COUNT_OF(fd));
	assert_in_range(ok, 2, 3);	/* one with the worker, when it was quick enough, and two that wait */
	rig_end(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_of_the_battery_is_refused_on_the_wire),
		cmocka_unit_test(pipelined_requests_are_answered_in_order),
		cmocka_unit_test(what_is_quick_is_answered_by_the_loop_and_nothing_else),
		cmocka_unit_test(quick_requests_and_others_keep_their_order),
		cmocka_unit_test(a_slow_head_behind_a_quick_answer_is_cut_off),
		cmocka_unit_test(slow_senders_are_cut_off),
		cmocka_unit_test(one_address_has_a_cap),
		cmocka_unit_test(what_is_under_way_is_answered_when_draining),
		cmocka_unit_test(fetch_is_bounded_and_follows_nothing),
		cmocka_unit_test(a_broken_certificate_is_not_taken_over),
		cmocka_unit_test(a_slow_body_has_its_own_deadline),
		cmocka_unit_test(an_answer_after_the_deadline_is_not_sent),
		cmocka_unit_test(an_answer_may_come_later_and_the_next_request_waits_for_it),
		cmocka_unit_test(a_stop_waits_for_answers_that_come_later),
		cmocka_unit_test(tasks_are_done_by_the_threads_that_run_handlers),
		cmocka_unit_test(a_server_may_end_while_the_thread_that_posted_last_still_returns),
		cmocka_unit_test(beyond_the_queue_the_answer_is_503),
		cmocka_unit_test(a_request_that_waited_too_long_is_never_begun),
		cmocka_unit_test(who_sends_on_after_a_refusal_is_cut_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
