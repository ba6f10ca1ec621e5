/* conn.c - one connection: bytes to the codec, requests to the workers, responses back in their order, and its deadlines.
 * What is particular to HTTP/2 is in conn2.c.
 */
#include <arpa/inet.h>
#include <assert.h>
#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/num.h"
#include "base/sys.h"
#include "crypto/digest.h"
#include "net/server_priv.h"

enum { LINGER_MS = 1000, LINGER_BYTES = 1 << 20, WRITE_NOW_MAX = 16384 };

static void sent(struct conn *c);

/* The slot of an address, keyed: nobody outside can choose addresses that share one. Of IPv6 the first 64 bits count, since one
 * host has all the others.
 */
static unsigned hash_peer(const struct server *s, const struct sockaddr *sa)
{
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)sa;
	struct slice address = slice_of(&((const struct sockaddr_in *)sa)->sin_addr, 4);
	uint8_t mac[DIGEST_MAX] = {0};

	if (sa->sa_family == AF_INET6)
		address = IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr) ? slice_of(&v6->sin6_addr.s6_addr[12], 4) : slice_of(&v6->sin6_addr, 8);
	if (!rc_ok(hmac(DIGEST_SHA256, slice_of(s->peer_key, sizeof(s->peer_key)), address, mac, NULL)))
		return 0;	/* without memory all share one */
	return ((unsigned)mac[0] << 8 | mac[1]) % PEER_SLOTS;
}

static bool peer_enter(struct server *s, unsigned slot)
{
	bool ok;

	pthread_mutex_lock(&s->peers_lock);
	ok = s->peer[slot] < s->config.max_per_peer && s->peer[slot] < UINT16_MAX;
	if (ok)
		s->peer[slot]++;
	pthread_mutex_unlock(&s->peers_lock);
	return ok;
}

static void peer_leave(struct server *s, unsigned slot)
{
	pthread_mutex_lock(&s->peers_lock);
	s->peer[slot]--;
	pthread_mutex_unlock(&s->peers_lock);
}

static void set_deadline(struct conn *c, unsigned ms)
{
	struct timeval tv = {ms / 1000, (int)(ms % 1000) * 1000};

	event_add(c->deadline, &tv);
}

void conn_deadline(struct conn *c, int64_t ns)
{
	struct timeval tv = {0};

	if (ns > 0) {
		tv.tv_sec = ns / 1000000000;
		tv.tv_usec = ns % 1000000000 / 1000 + 1;	/* never too early */
	}
	event_add(c->deadline, &tv);
}

/* The answer of a job that nobody waits for is dropped when it comes. */
static void detach(struct job *job)
{
	*job->link_of_conn = job->next_of_conn;
	if (job->next_of_conn)
		job->next_of_conn->link_of_conn = job->link_of_conn;
	job->conn->jobs_n--;
	job->conn = NULL;
}

void conn_close(struct conn *c)
{
	struct server *s = c->loop->server;
	struct loop *l = c->loop;

	while (c->jobs)
		detach(c->jobs);
	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
	event_free(c->deadline);
	if (c->bev)
		bufferevent_free(c->bev);
	http1_free(c->codec);
	http2_free(c->h2);
	if (c->gone)
		*c->gone = true;
	peer_leave(s, c->peer_slot);
	atomic_fetch_sub(&s->connections, 1);
	free(c);
	if (l->draining && !l->conns)
		event_base_loopbreak(l->base);
}

void conn_close_all(struct loop *l)
{
	while (l->conns)
		conn_close(l->conns);
}

/* Idle connections go at once; one with a request under way goes behind its response. */
void loop_drain(struct loop *l)
{
	struct conn *c, *next;

	for (c = l->conns; c; c = next) {
		next = c->next;
		if (c->h2)
			conn2_drain(c);
		else if (!c->lingering && !c->jobs && !c->sending && !http1_started(c->codec))
			conn_close(c);
	}
	if (!l->conns)
		event_base_loopbreak(l->base);
}

static void secret_sent(const void *data, size_t n, void *extra)
{
	struct secret *s = extra;

	(void)data;
	(void)n;
	secret_free(s);
	free(s);
}

/* Writes at once what a socket mostly takes at once. false: nothing was written, and the output buffer must take it all. */
static bool write_now(struct conn *c, const struct buf *b)
{
	SSL *ssl = bufferevent_openssl_get_ssl(c->bev);
	int r;

	if (!ssl || b->n > WRITE_NOW_MAX || evbuffer_get_length(bufferevent_get_output(c->bev)))
		return false;
	ERR_clear_error();
	r = SSL_write(ssl, b->p, (int)b->n);	/* at most one record: it is repeated whole from the output buffer, or not at all */
	ERR_clear_error();
	return r == (int)b->n;
}

static bool add_secret(struct evbuffer *out, struct secret *body)
{
	struct secret *s = malloc(sizeof(*s));

	if (!s)
		return false;
	*s = secret_move(body);
	if (evbuffer_add_reference(out, s->p, s->n, secret_sent, s) == 0)
		return true;
	secret_sent(NULL, 0, s);
	return false;
}

/* May close the connection. */
static void send_response(struct conn *c, struct http_response *r, bool keep_alive, bool head_only, struct arena *a)
{
	struct evbuffer *out = bufferevent_get_output(c->bev);
	size_t n = r->secret_body.p ? r->secret_body.n : r->body.n;
	struct buf head = buf_in(a, 65536);
	bool ok;

	c->closing = !keep_alive || r->close || c->loop->draining;
	http1_write_head(&head, r, n, !c->closing, clock_now_s(&clock_system));
	if (!head_only && !r->secret_body.p && n && n <= WRITE_NOW_MAX) {
		buf_slice(&head, r->body);
		n = 0;
	}
	ok = buf_ok(&head);
	c->sending = true;
	if (ok && (head_only || !n) && write_now(c, &head)) {
		sent(c);
		return;
	}
	ok = ok && evbuffer_add(out, head.p, head.n) == 0;
	if (ok && n && !head_only)
		ok = r->secret_body.p ? add_secret(out, &r->secret_body) : evbuffer_add(out, r->body.p, r->body.n) == 0;
	if (ok)
		set_deadline(c, c->loop->server->config.reply_ms);
	else
		conn_close(c);
}

static void refuse(struct conn *c, int status, const char *reason)
{
	struct http_response r = {.status = status, .close = true};
	struct arena *a = arena_new(1 << 20);

	r.arena = a;
	c->loop->server->config.refuse(c->listener->config.ctx, c->peer, status, reason, &r);
	send_response(c, &r, false, false, a);
	arena_free(a);
}

bool conn_dispatch(struct conn *c, struct http_request *req, int32_t stream, bool keep_alive)
{
	struct server *s = c->loop->server;
	struct job *job = ARENA_NEW(req->arena, struct job);

	req->peer = arena_strdup(req->arena, c->peer);	/* the connection may go first */
	if (!job || !req->peer) {
		arena_free(req->arena);
		return false;
	}
	req->tls = c->listener->config.tls != NULL;
	*job = (struct job){.task = {.run = server_handle}, .resp = {.arena = req->arena}, .loop = c->loop, .conn = c, .listener = &c->listener->config, .req = req, .stream = stream,
			    .keep_alive = keep_alive, .started_ns = sys_monotonic_ns(), .next_of_conn = c->jobs, .link_of_conn = &c->jobs};
	req->job = job;
	req->deadline_ns = job->started_ns + (int64_t)s->config.handle_ms * 1000000;
	if (c->jobs)
		c->jobs->link_of_conn = &job->next_of_conn;
	c->jobs = job;
	c->jobs_n++;
	atomic_fetch_add(&s->requests, 1);
	if (!server_enqueue(s, job)) {
		detach(job);
		conn_discard(job);
		return false;
	}
	return true;
}

enum fed {
	FED_ALL,	/* nothing is left of what has arrived */
	FED_ANSWERED,	/* one request was answered at once; there may be more */
	FED_ENOUGH,	/* a request is with a worker, or was refused; the connection may be gone */
};

/* By the loop itself. */
static enum fed answer_now(struct conn *c, struct http_request *req)
{
	struct http_response resp = {.arena = req->arena};
	bool head_only = slice_is(req->method, "HEAD"), gone = false;

	req->peer = c->peer;
	req->tls = c->listener->config.tls != NULL;
	atomic_fetch_add(&c->loop->server->requests, 1);
	req->deadline_ns = sys_monotonic_ns() + (int64_t)c->loop->server->config.handle_ms * 1000000;
	if (!c->listener->config.handle(c->listener->config.ctx, req, &resp))
		assert(false);	/* a quick handler answers at once */
	c->gone = &gone;
	send_response(c, &resp, http1_keep_alive(c->codec), head_only, req->arena);
	secret_free(&resp.secret_body);
	arena_free(req->arena);
	if (gone)
		return FED_ENOUGH;
	c->gone = NULL;
	return c->sending || c->closing ? FED_ENOUGH : FED_ANSWERED;
}

static enum fed dispatch(struct conn *c)
{
	struct http_request *req = http1_request(c->codec);

	http1_next(c->codec);
	if (c->listener->config.quick && c->listener->config.quick(c->listener->config.ctx, req))
		return answer_now(c, req);
	if (!conn_dispatch(c, req, 0, http1_keep_alive(c->codec)))
		refuse(c, 503, "server.busy");
	else
		set_deadline(c, c->loop->server->config.handle_ms);
	return FED_ENOUGH;
}

bool conn_take_pending(struct conn *c)
{
	SSL *ssl = bufferevent_openssl_get_ssl(c->bev);
	UNSET uint8_t rest[16384];	/* the most that a record holds: RFC 8446, section 5.1 */
	int n = ssl && SSL_pending(ssl) > 0 ? SSL_read(ssl, rest, sizeof(rest)) : 0;

	return n > 0 && evbuffer_add(bufferevent_get_input(c->bev), rest, (size_t)n) == 0;
}

/* Feeds what has arrived until a request is complete, or nothing is left. What comes behind a request waits in the input, which the
 * watermark bounds.
 */
static enum fed feed(struct conn *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);

	while (evbuffer_get_length(in) || conn_take_pending(c)) {
		struct evbuffer_iovec v;
		enum http1_event e;
		size_t taken;

		if (evbuffer_peek(in, -1, NULL, &v, 1) < 1)
			return FED_ALL;
		e = http1_feed(c->codec, v.iov_base, v.iov_len, &taken);
		evbuffer_drain(in, taken);
		switch (e) {
		case HTTP1_MORE:
			break;
		case HTTP1_CONTINUE:
			evbuffer_add(bufferevent_get_output(c->bev), "HTTP/1.1 100 Continue\r\n\r\n", 25);
			break;
		case HTTP1_REQUEST:
			return dispatch(c);
		case HTTP1_REFUSED:
			bufferevent_disable(c->bev, EV_READ);
			refuse(c, http1_status(c->codec), http1_refusal(c->codec));
			return FED_ENOUGH;
		}
	}
	return FED_ALL;
}

static void throw_away(struct conn *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);

	c->thrown += evbuffer_get_length(in);
	evbuffer_drain(in, evbuffer_get_length(in));
	if (c->thrown > LINGER_BYTES)
		conn_close(c);
}

void conn_linger(struct conn *c)
{
	SSL *ssl = bufferevent_openssl_get_ssl(c->bev);

	c->lingering = true;
	set_deadline(c, LINGER_MS);
	if (ssl)
		SSL_shutdown(ssl);
	shutdown(bufferevent_getfd(c->bev), SHUT_WR);
	bufferevent_enable(c->bev, EV_READ);
	throw_away(c);
}

static void on_read(struct bufferevent *bev, void *arg)
{
	struct conn *c = arg;
	enum fed fed = FED_ANSWERED;
	bool started, in_body;

	(void)bev;
	if (c->lingering) {
		throw_away(c);
		return;
	}
	if (c->h2) {
		conn2_read(c);
		return;
	}
	if (c->jobs || c->sending || c->gone)	/* c->gone: answer_now() is at work, and whoever called it goes on */
		return;
	while (fed == FED_ANSWERED) {
		started = http1_started(c->codec);
		in_body = http1_in_body(c->codec);
		fed = feed(c);
	}
	/* Deadlines run from the first byte of a head, and from the first of a body: a slow sender gains nothing by single bytes. */
	if (fed == FED_ALL && http1_started(c->codec)) {
		if (http1_in_body(c->codec) && !in_body)
			set_deadline(c, c->loop->server->config.body_ms);
		else if (!started)
			set_deadline(c, c->loop->server->config.head_ms);
	}
}

/* The response has left: the next request, or the end. */
static void sent(struct conn *c)
{
	c->sending = false;
	if (c->closing) {
		conn_linger(c);
		return;
	}
	set_deadline(c, c->loop->server->config.idle_ms);
	on_read(c->bev, c);	/* what was pipelined */
}

static void on_write(struct bufferevent *bev, void *arg)
{
	struct conn *c = arg;

	if (c->h2)
		conn2_written(c);
	else if (c->sending && !evbuffer_get_length(bufferevent_get_output(bev)))
		sent(c);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	struct conn *c = arg;

	if (what & BEV_EVENT_CONNECTED) {	/* the TLS handshake is done */
		set_deadline(c, c->loop->server->config.head_ms);
		if (tls_is_h2(bufferevent_openssl_get_ssl(bev)))
			conn2_open(c);
		return;
	}
	/* A client may end its side before it has read ours. */
	if ((what & BEV_EVENT_EOF) && !c->h2 && (c->jobs || (c->sending && evbuffer_get_length(bufferevent_get_output(bev))))) {
		bufferevent_disable(bev, EV_READ);
		if (c->jobs)
			c->jobs->keep_alive = false;
		c->closing = true;
		return;
	}
	conn_close(c);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	(void)fd;
	(void)what;
	if (c->lingering || c->sending) {
		conn_close(c);
	} else if (c->h2) {
		conn2_expired(c);
	} else if (c->jobs) {	/* the handler overran: its answer is not sent any more */
		detach(c->jobs);
		refuse(c, 503, "server.deadline");
	} else if (http1_started(c->codec)) {
		bufferevent_disable(c->bev, EV_READ);
		refuse(c, 408, "http.timeout");
	} else {
		conn_close(c);
	}
}

void conn_open(struct loop *l, struct listener *listener, int fd, const struct sockaddr *sa)
{
	struct server *s = l->server;
	struct http1_limits limits = {.body_max = s->config.body_max, .body_limit = listener->config.body_limit, .ctx = listener->config.ctx};
	SSL_CTX *ctx = server_tls(s, listener);
	struct conn *c = calloc(1, sizeof(*c));
	SSL *ssl = NULL;
	int on = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (!c || (ctx && !(ssl = SSL_new(ctx))))
		goto fail;
	server_format_address(sa, c->peer, false);
	c->peer_slot = hash_peer(s, sa);
	if (atomic_fetch_add(&s->connections, 1) >= s->config.max_connections || !peer_enter(s, c->peer_slot)) {
		atomic_fetch_sub(&s->connections, 1);
		goto fail;
	}
	c->loop = l;
	c->listener = listener;
	c->codec = http1_new(&limits);
	c->deadline = evtimer_new(l->base, on_deadline, c);
	c->bev = ssl ? bufferevent_openssl_socket_new(l->base, fd, ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE)
		     : bufferevent_socket_new(l->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!c->bev || !c->codec || !c->deadline) {
		atomic_fetch_sub(&s->connections, 1);
		peer_leave(s, c->peer_slot);
		goto fail;
	}
	if (ssl)
		bufferevent_openssl_set_allow_dirty_shutdown(c->bev, 1);
	SSL_CTX_free(ctx);
	c->next = l->conns;
	c->link = &l->conns;
	if (c->next)
		c->next->link = &c->next;
	l->conns = c;
	bufferevent_setcb(c->bev, on_read, on_write, on_event, c);
	bufferevent_setwatermark(c->bev, EV_READ, 0, 65536);
	bufferevent_enable(c->bev, EV_READ | EV_WRITE);
	set_deadline(c, s->config.head_ms);
	return;
fail:
	if (c) {
		http1_free(c->codec);
		if (c->deadline)
			event_free(c->deadline);
		if (c->bev) {
			bufferevent_free(c->bev);	/* closes fd and ssl */
			fd = -1;
			ssl = NULL;
		}
	}
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	if (fd >= 0)
		close(fd);
	free(c);
}

void conn_discard(struct job *job)
{
	secret_free(&job->resp.secret_body);
	arena_free(job->req->arena);	/* the job is in it */
}

void conn_reply(struct job *job)
{
	struct conn *c = job->conn;

	if (c) {
		bool head_only = slice_is(job->req->method, "HEAD");

		detach(job);
		if (c->h2) {
			conn2_reply(c, job);
			return;
		}
		if (sys_monotonic_ns() > job->req->deadline_ns)
			refuse(c, 503, "server.deadline");
		else
			send_response(c, &job->resp, job->keep_alive, head_only, job->req->arena);
	}
	conn_discard(job);
}
