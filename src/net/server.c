/* server.c - listeners, loops, workers, and how they start and end. What one connection does is in conn.c. */
#include "net/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <event2/thread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/num.h"
#include "base/sys.h"
#include "net/server_priv.h"

static unsigned or_default(unsigned v, unsigned d)
{
	return v ? v : d;
}

/* ---- addresses ---- */

static rc parse_address(const char *text, struct sockaddr_storage *out, socklen_t *n, struct why *w)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)out;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)out;
	const char *colon = strrchr(text, ':');
	unsigned long port;
	char ip[64], *end;
	size_t len = colon ? (size_t)(colon - text) : 0;

	memset(out, 0, sizeof(*out));
	port = colon ? strtoul(colon + 1, &end, 10) : 65536;
	if (!colon || len == 0 || len >= sizeof(ip) || colon[1] < '0' || colon[1] > '9' || *end || port > 65535)
		return deny(w, E_MALFORMED, "server.address", "\"%s\" is not IP:port, with a port from 0 to 65535", text);
	if (text[0] == '[' && text[len - 1] == ']') {
		memcpy(ip, text + 1, len - 2);
		ip[len - 2] = 0;
	} else {
		memcpy(ip, text, len);
		ip[len] = 0;
	}
	if (inet_pton(AF_INET, ip, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)port);
		*n = sizeof(*v4);
	} else if (inet_pton(AF_INET6, ip, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)port);
		*n = sizeof(*v6);
	} else {
		return deny(w, E_MALFORMED, "server.address", "\"%s\": \"%s\" is not an IP address", text, ip);
	}
	return rc_of(OK);
}

void server_format_address(const struct sockaddr *sa, char out[64], bool with_port)
{
	char ip[INET6_ADDRSTRLEN] = "?";
	unsigned port = 0;

	if (sa->sa_family == AF_INET) {
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)sa;

		inet_ntop(AF_INET, &v4->sin_addr, ip, sizeof(ip));
		port = ntohs(v4->sin_port);
	} else if (sa->sa_family == AF_INET6) {
		const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)sa;

		inet_ntop(AF_INET6, &v6->sin6_addr, ip, sizeof(ip));
		port = ntohs(v6->sin6_port);
	}
	if (!with_port)
		snprintf(out, 64, "%s", ip);
	else
		snprintf(out, 64, sa->sa_family == AF_INET6 ? "[%s]:%u" : "%s:%u", ip, port);
}

/* One socket a loop and listener, all on one port: the kernel spreads connections over them. */
static rc listen_on(const char *text, struct sockaddr_storage *at, socklen_t n, int *out, struct why *w)
{
	int fd = socket(at->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0 || bind(fd, (struct sockaddr *)at, n) != 0 ||
	    listen(fd, 1024) != 0 || getsockname(fd, (struct sockaddr *)at, &n) != 0) {
		rc r = deny(w, E_UNAVAILABLE, "server.bind", "cannot listen on %s: %s", text, strerror(errno));

		if (fd >= 0)
			close(fd);
		return r;
	}
	*out = fd;
	return rc_of(OK);
}

/* ---- the queue between loops and workers ---- */

/* Under queue_lock: the worker to wake, or NULL. One is woken at a time, and wakes the next one when it leaves work behind: short
 * requests are done by few workers that stay awake, and long ones find others.
 */
static struct request_worker *to_wake(struct server *s)
{
	struct request_worker *w = s->queue && !s->waking ? s->idle : NULL;

	if (w) {
		s->idle = w->next;
		w->waits = false;
		s->waking = true;
	}
	return w;
}

static void wake(struct request_worker *w)
{
	if (w)
		pthread_cond_signal(&w->told);
}

/* Under queue_lock. */
static struct request_worker *put(struct server *s, struct task *t)
{
	t->next = NULL;
	if (s->queue_last)
		s->queue_last->next = t;
	else
		s->queue = t;
	s->queue_last = t;
	return to_wake(s);
}

void server_post(void *server, struct task *t)
{
	struct server *s = server;

	/* Woken under the lock: a caller from outside may be here still when the task has answered the last request, and the server is
	 * stopped and gone. */
	pthread_mutex_lock(&s->queue_lock);
	wake(put(s, t));
	pthread_mutex_unlock(&s->queue_lock);
}

bool server_enqueue(struct server *s, struct job *job)
{
	struct request_worker *w = NULL;
	bool ok;

	pthread_mutex_lock(&s->queue_lock);
	ok = s->under_way < s->config.queue_max + s->config.workers && !s->workers_end;
	if (ok) {
		s->under_way++;
		w = put(s, &job->task);
	}
	pthread_mutex_unlock(&s->queue_lock);
	wake(w);
	return ok;
}

/* Under queue_lock. The workers stay until the last request has its answer. */
static bool at_end(const struct server *s)
{
	return s->workers_end && s->under_way == 0;
}

static struct task *dequeue(struct server *s, struct request_worker *me)
{
	struct request_worker *w;
	struct task *t;

	pthread_mutex_lock(&s->queue_lock);
	while (!s->queue && !at_end(s)) {
		me->waits = true;
		me->next = s->idle;
		s->idle = me;
		while (me->waits && !at_end(s))
			pthread_cond_wait(&me->told, &s->queue_lock);
		s->waking = false;
	}
	t = s->queue;
	if (t) {
		s->queue = t->next;
		if (!s->queue)
			s->queue_last = NULL;
	}
	w = to_wake(s);
	pthread_mutex_unlock(&s->queue_lock);
	wake(w);
	return t;
}

static void tell_end(struct server *s)
{
	for (unsigned i = 0; at_end(s) && i < s->workers_n; i++)
		pthread_cond_signal(&s->worker[i].told);
}

/* Into the mail of its loop. The loop may be at its end: then server_stop() finds it there. */
static void send_back(struct job *job)
{
	struct loop *l = job->loop;
	struct server *s = l->server;
	bool first;

	pthread_mutex_lock(&l->mail_lock);
	first = l->mail == NULL;
	job->next = l->mail;
	l->mail = job;
	pthread_mutex_unlock(&l->mail_lock);
	if (first) {	/* one write(2) for a whole batch */
		uint64_t one = 1;

		while (write(l->mail_fd, &one, sizeof(one)) < 0 && errno == EINTR)
			;
	}
	pthread_mutex_lock(&s->queue_lock);
	s->under_way--;
	tell_end(s);
	pthread_mutex_unlock(&s->queue_lock);
}

void server_answer(struct http_request *req)
{
	send_back(req->job);
}

void server_handle(struct task *t)
{
	struct job *job = (struct job *)t;

	if (sys_monotonic_ns() >= job->req->deadline_ns)
		job->loop->server->config.refuse(job->listener->ctx, job->req->peer, 503, "server.deadline", &job->resp);
	else if (!job->listener->handle(job->listener->ctx, job->req, &job->resp))
		return;
	send_back(job);
}

static void *worker_run(void *arg)
{
	struct request_worker *me = arg;
	struct task *t;

	(void)pthread_setname_np(pthread_self(), "request");
	while ((t = dequeue(me->server, me)))
		t->run(t);
	return NULL;
}

/* ---- loops ---- */

static void on_mail(evutil_socket_t fd, short what, void *arg)
{
	struct loop *l = arg;
	struct job *job, *rest = NULL, *next;
	uint64_t n;

	(void)what;
	if (read(fd, &n, sizeof(n)) < 0 && errno != EAGAIN)
		return;
	pthread_mutex_lock(&l->mail_lock);
	job = l->mail;
	l->mail = NULL;
	pthread_mutex_unlock(&l->mail_lock);
	for (; job; job = next) {	/* the list is newest first */
		next = job->next;
		job->next = rest;
		rest = job;
	}
	for (; rest; rest = next) {
		next = rest->next;
		conn_reply(rest);
	}
	if (l->draining)
		loop_drain(l);
}

static void on_accept(struct evconnlistener *ev, evutil_socket_t fd, struct sockaddr *sa, int n, void *arg)
{
	struct loop_listener *ll = arg;

	(void)ev;
	(void)n;
	conn_open(ll->loop, ll->listener, fd, sa);
}

static void on_accept_again(evutil_socket_t fd, short what, void *arg)
{
	struct loop_listener *ll = arg;

	(void)fd;
	(void)what;
	if (ll->ev)
		evconnlistener_enable(ll->ev);
}

/* Out of descriptors: what was not taken waits in the backlog. The socket stays readable, so pause instead of spinning. */
static void on_accept_error(struct evconnlistener *ev, void *arg)
{
	const struct timeval pause = {.tv_usec = 200000};
	struct loop_listener *ll = arg;

	if (event_base_once(ll->loop->base, -1, EV_TIMEOUT, on_accept_again, ll, &pause) == 0)
		evconnlistener_disable(ev);
}

static void on_drain(evutil_socket_t fd, short what, void *arg)
{
	struct loop *l = arg;

	(void)fd;
	(void)what;
	l->draining = true;
	for (size_t i = 0; i < l->listeners_n; i++) {
		if (l->listener[i].ev)
			evconnlistener_free(l->listener[i].ev);
		l->listener[i].ev = NULL;
	}
	loop_drain(l);
}

static void on_drain_end(evutil_socket_t fd, short what, void *arg)
{
	struct loop *l = arg;

	(void)fd;
	(void)what;
	event_base_loopbreak(l->base);
}

static void *loop_run(void *arg)
{
	struct loop *l = arg;

	(void)pthread_setname_np(pthread_self(), "loop");
	event_base_loop(l->base, EVLOOP_NO_EXIT_ON_EMPTY);
	conn_close_all(l);
	return NULL;
}

static rc loop_init(struct server *s, struct loop *l, struct why *w)
{
	struct event_config *config = event_config_new();

	l->server = s;
	/* Changes of what a socket waits for go to the kernel together, and not at all when they cancel out. */
	if (config && event_config_set_flag(config, EVENT_BASE_FLAG_EPOLL_USE_CHANGELIST) == 0)
		l->base = event_base_new_with_config(config);
	if (config)
		event_config_free(config);
	l->mail_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!l->base || l->mail_fd < 0)
		return deny(w, E_UNAVAILABLE, "server.loop", "cannot make an event loop");
	pthread_mutex_init(&l->mail_lock, NULL);
	l->mail_event = event_new(l->base, l->mail_fd, EV_READ | EV_PERSIST, on_mail, l);
	l->drain_event = event_new(l->base, -1, EV_PERSIST, on_drain, l);
	l->drain_end_event = event_new(l->base, -1, 0, on_drain_end, l);
	l->listener = calloc(s->config.listeners_n, sizeof(*l->listener));
	if (!l->mail_event || !l->drain_event || !l->drain_end_event || !l->listener || event_add(l->mail_event, NULL) != 0)
		return deny(w, E_UNAVAILABLE, "server.loop", "cannot make an event loop");
	for (size_t i = 0; i < s->config.listeners_n; i++) {
		struct loop_listener *ll = &l->listener[i];
		int fd;

		*ll = (struct loop_listener){.loop = l, .listener = &s->listener[i]};
		l->listeners_n++;
		TRY(listen_on(s->listener[i].config.address, &s->listener[i].at, s->listener[i].at_n, &fd, w));
		ll->fd = fd;
	}
	return rc_of(OK);
}

static void loop_fini(struct loop *l)
{
	for (size_t i = 0; i < l->listeners_n; i++) {
		if (l->listener[i].ev)
			evconnlistener_free(l->listener[i].ev);
		else if (l->listener[i].fd > 0 && !l->started)
			close(l->listener[i].fd);
	}
	free(l->listener);
	if (l->mail_event)
		event_free(l->mail_event);
	if (l->drain_event)
		event_free(l->drain_event);
	if (l->drain_end_event)
		event_free(l->drain_end_event);
	if (l->base)
		event_base_free(l->base);
	if (l->mail_fd > 0)
		close(l->mail_fd);
}

/* ---- TLS contexts: swapped whole on reload ---- */

SSL_CTX *server_tls(struct server *s, struct listener *l)
{
	SSL_CTX *ctx;

	pthread_mutex_lock(&s->tls_lock);
	ctx = l->tls;
	if (ctx)
		SSL_CTX_up_ref(ctx);
	pthread_mutex_unlock(&s->tls_lock);
	return ctx;
}

/* All listeners, or none. */
rc server_reload_tls(struct server *s, struct why *w)
{
	SSL_CTX **fresh = calloc(s->config.listeners_n + 1, sizeof(SSL_CTX *));	/* of those that will be swapped: in, then out */
	rc r = fresh ? rc_of(OK) : deny(w, E_INTERNAL, "server.memory", "no memory");

	for (size_t i = 0; rc_ok(r) && i < s->config.listeners_n; i++)
		if (s->listener[i].config.tls)
			r = tls_context(s->listener[i].config.tls, &fresh[i], w);
	if (rc_ok(r)) {
		pthread_mutex_lock(&s->tls_lock);
		for (size_t i = 0; i < s->config.listeners_n; i++) {
			SSL_CTX *old = s->listener[i].tls;

			s->listener[i].tls = fresh[i];
			fresh[i] = old;
		}
		pthread_mutex_unlock(&s->tls_lock);
	}
	for (size_t i = 0; fresh && i < s->config.listeners_n; i++)
		SSL_CTX_free(fresh[i]);
	free(fresh);
	return r;
}

/* ---- the server ---- */

static void defaults(struct server_config *c)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	c->loops = or_default(c->loops, cpus > 0 ? (unsigned)cpus : 1);
	c->workers = or_default(c->workers, MAX_OF(8u, 8 * c->loops)); /* they wait for the disk together: one flush for all */
	c->body_max = c->body_max ? c->body_max : (size_t)2 << 20;
	c->max_connections = or_default(c->max_connections, 10000);
	c->max_per_peer = or_default(c->max_per_peer, 1000);
	c->queue_max = or_default(c->queue_max, 1024);
	c->head_ms = or_default(c->head_ms, 5000);
	c->body_ms = or_default(c->body_ms, 30000);
	c->reply_ms = or_default(c->reply_ms, 30000);
	c->idle_ms = or_default(c->idle_ms, 60000);
	c->handle_ms = or_default(c->handle_ms, 30000);
}

static rc init(struct server *s, struct why *w)
{
	for (size_t i = 0; i < s->config.listeners_n; i++) {
		struct listener *l = &s->listener[i];

		l->config = s->config.listeners[i];
		TRY(parse_address(l->config.address, &l->at, &l->at_n, w));
	}
	TRY(sys_random(s->peer_key, sizeof(s->peer_key), w));
	TRY(server_reload_tls(s, w));
	for (unsigned i = 0; i < s->config.loops; i++)
		TRY(loop_init(s, &s->loop[i], w));
	for (size_t i = 0; i < s->config.listeners_n; i++)
		server_format_address((struct sockaddr *)&s->listener[i].at, s->listener[i].text, true);
	return rc_of(OK);
}

rc server_check(const struct server_listener *listeners, size_t n, struct why *w)
{
	for (size_t i = 0; i < n; i++) {
		struct sockaddr_storage at;
		socklen_t at_n;
		SSL_CTX *ctx = NULL;

		TRY(parse_address(listeners[i].address, &at, &at_n, w));
		if (listeners[i].tls)
			TRY(tls_context(listeners[i].tls, &ctx, w));
		SSL_CTX_free(ctx);
	}
	return rc_of(OK);
}

rc server_new(const struct server_config *config, struct server **out, struct why *w)
{
	struct server *s = calloc(1, sizeof(*s));
	rc r;

	if (!s)
		return deny(w, E_INTERNAL, "server.memory", "no memory");
	evthread_use_pthreads();
	signal(SIGPIPE, SIG_IGN);
	s->config = *config;
	defaults(&s->config);
	pthread_mutex_init(&s->queue_lock, NULL);
	pthread_mutex_init(&s->tls_lock, NULL);
	pthread_mutex_init(&s->peers_lock, NULL);
	s->listener = calloc(config->listeners_n, sizeof(*s->listener));
	s->loop = calloc(s->config.loops, sizeof(*s->loop));
	s->worker = calloc(s->config.workers, sizeof(*s->worker));
	r = s->listener && s->loop && s->worker ? init(s, w) : deny(w, E_INTERNAL, "server.memory", "no memory");
	if (!rc_ok(r)) {
		server_free(s);
		return r;
	}
	*out = s;
	return r;
}

const char *server_address(const struct server *s, size_t listener)
{
	return s->listener[listener].text;
}

uint64_t server_requests(const struct server *s)
{
	return atomic_load(&s->requests);
}

rc server_start(struct server *s, struct why *w)
{
	for (; s->workers_n < s->config.workers; s->workers_n++) {
		struct request_worker *k = &s->worker[s->workers_n];

		k->server = s;
		pthread_cond_init(&k->told, NULL);
		if (pthread_create(&k->thread, NULL, worker_run, k) != 0)
			return deny(w, E_UNAVAILABLE, "server.thread", "cannot start a worker thread");
	}
	for (unsigned i = 0; i < s->config.loops; i++) {
		struct loop *l = &s->loop[i];

		for (size_t k = 0; k < l->listeners_n; k++) {
			l->listener[k].ev = evconnlistener_new(l->base, on_accept, &l->listener[k], LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC,
							       0, l->listener[k].fd);
			if (!l->listener[k].ev)
				return deny(w, E_UNAVAILABLE, "server.loop", "cannot listen");
			evconnlistener_set_error_cb(l->listener[k].ev, on_accept_error);
		}
		l->started = true;
		if (pthread_create(&l->thread, NULL, loop_run, l) != 0)
			return deny(w, E_UNAVAILABLE, "server.thread", "cannot start a loop thread");
		s->loops_n++;
	}
	return rc_of(OK);
}

void server_stop(struct server *s, unsigned grace_ms)
{
	struct timeval grace = {grace_ms / 1000, (int)(grace_ms % 1000) * 1000};

	for (unsigned i = 0; i < s->loops_n; i++) {
		event_add(s->loop[i].drain_end_event, &grace);
		event_active(s->loop[i].drain_event, EV_TIMEOUT, 0);
	}
	for (unsigned i = 0; i < s->loops_n; i++)
		pthread_join(s->loop[i].thread, NULL);
	s->loops_n = 0;
	pthread_mutex_lock(&s->queue_lock);
	s->workers_end = true;
	tell_end(s);
	pthread_mutex_unlock(&s->queue_lock);
	for (unsigned i = 0; i < s->workers_n; i++)
		pthread_join(s->worker[i].thread, NULL);
	s->workers_n = 0;
	for (unsigned i = 0; i < s->config.loops; i++) {	/* replies that came after their loop had ended */
		struct job *job = s->loop[i].mail;

		while (job) {
			struct job *next = job->next;

			conn_discard(job);
			job = next;
		}
		s->loop[i].mail = NULL;
	}
}

void server_free(struct server *s)
{
	if (!s)
		return;
	for (unsigned i = 0; s->loop && i < s->config.loops; i++)
		loop_fini(&s->loop[i]);
	for (size_t i = 0; s->listener && i < s->config.listeners_n; i++)
		SSL_CTX_free(s->listener[i].tls);
	free(s->listener);
	free(s->loop);
	free(s->worker);
	pthread_mutex_destroy(&s->queue_lock);
	pthread_mutex_destroy(&s->tls_lock);
	pthread_mutex_destroy(&s->peers_lock);
	free(s);
}
