/* conn2.c - HTTP/2 of one connection: the session's requests to the workers, their answers to the session, its output to the peer. */
#include <event2/buffer.h>
#include <event2/event.h>
#include <stdlib.h>

#include "base/num.h"
#include "base/sys.h"
#include "net/server_priv.h"

#define OUTPUT_MAX ((size_t)256 << 10)	/* beyond it nothing is written, and nothing read, until the peer has taken it */

struct lent {
	void (*done)(void *held);
	void *held;
};

static bool out_copy(void *ctx, struct slice bytes)
{
	struct evbuffer *out = bufferevent_get_output(((struct conn *)ctx)->bev);

	return evbuffer_get_length(out) < OUTPUT_MAX && evbuffer_add(out, bytes.p, bytes.n) == 0;
}

static void out_sent(const void *p, size_t n, void *extra)
{
	struct lent *l = extra;

	(void)p;
	(void)n;
	l->done(l->held);
	free(l);
}

static bool out_lend(void *ctx, struct slice bytes, void (*done)(void *held), void *held)
{
	struct lent *l = malloc(sizeof(*l));

	if (!l)
		return false;
	*l = (struct lent){done, held};
	if (evbuffer_add_reference(bufferevent_get_output(((struct conn *)ctx)->bev), bytes.p, bytes.n, out_sent, l) == 0)
		return true;
	free(l);
	return false;
}

static void refuse(struct conn *c, const struct http2_ask *ask, int status, const char *reason)
{
	struct http_response r = {.arena = arena_new(1 << 20)};

	c->loop->server->config.refuse(c->listener->config.ctx, c->peer, status, reason, &r);
	http2_respond(c->h2, ask->stream, &r, false, clock_now_s(&clock_system), sys_monotonic_ns());
}

/* A connection never has more requests with the workers than it may have streams, however many it resets. */
static void dispatch(struct conn *c)
{
	struct http2_ask ask;
	enum http2_event e;

	while (c->jobs_n < HTTP2_STREAMS_MAX && (e = http2_next(c->h2, &ask)) != HTTP2_NONE) {
		if (e == HTTP2_REFUSED)
			refuse(c, &ask, ask.status, ask.reason);
		else if (!conn_dispatch(c, ask.req, ask.stream, true))
			refuse(c, &ask, 503, "server.busy");
	}
}

/* What every event ends with. May close the connection. */
static void settle(struct conn *c)
{
	size_t waiting;

	dispatch(c);
	c->closing = !http2_flush(c->h2) || http2_done(c->h2);
	waiting = evbuffer_get_length(bufferevent_get_output(c->bev));
	if (c->closing) {
		bufferevent_disable(c->bev, EV_READ);
		c->sending = true;
		conn_deadline(c, (int64_t)c->loop->server->config.reply_ms * 1000000);
		if (!waiting)
			conn_linger(c);
		return;
	}
	if (waiting >= OUTPUT_MAX)
		bufferevent_disable(c->bev, EV_READ);
	else if (!(bufferevent_get_enabled(c->bev) & EV_READ))
		bufferevent_enable(c->bev, EV_READ);
	conn_deadline(c, http2_deadline(c->h2) - sys_monotonic_ns());
}

void conn2_open(struct conn *c)
{
	const struct server_config *s = &c->loop->server->config;
	const struct http2_limits limits = {.body_max = s->body_max, .body_limit = c->listener->config.body_limit,
					    .ctx = c->listener->config.ctx, .head_ms = s->head_ms, .body_ms = s->body_ms,
					    .handle_ms = s->handle_ms, .reply_ms = s->reply_ms, .idle_ms = s->idle_ms};
	const struct http2_sink sink = {out_copy, out_lend, c};

	c->h2 = http2_new(&limits, &sink, sys_monotonic_ns());
	if (!c->h2)
		conn_close(c);
	else
		settle(c);
}

void conn2_read(struct conn *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	struct evbuffer_iovec v;
	int64_t now = sys_monotonic_ns();

	if (c->closing)
		return;
	while (evbuffer_get_length(in) || conn_take_pending(c)) {
		bool more;

		if (evbuffer_peek(in, -1, NULL, &v, 1) < 1)
			break;
		more = http2_feed(c->h2, slice_of(v.iov_base, v.iov_len), now);
		evbuffer_drain(in, v.iov_len);
		if (!more)
			break;
	}
	settle(c);
}

void conn2_written(struct conn *c)
{
	if (!c->closing)
		settle(c);
	else if (!c->lingering && !evbuffer_get_length(bufferevent_get_output(c->bev)))
		conn_linger(c);
}

void conn2_reply(struct conn *c, struct job *job)
{
	http2_expire(c->h2, sys_monotonic_ns());	/* so that a late answer finds its stream refused */
	dispatch(c);
	http2_respond(c->h2, job->stream, &job->resp, slice_is(job->req->method, "HEAD"), clock_now_s(&clock_system), sys_monotonic_ns());
	if (!c->closing)
		settle(c);
}

void conn2_expired(struct conn *c)
{
	http2_expire(c->h2, sys_monotonic_ns());
	settle(c);
}

void conn2_drain(struct conn *c)
{
	if (c->closing)
		return;
	http2_drain(c->h2);
	settle(c);
}
