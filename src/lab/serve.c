#include "lab/serve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/num.h"
#include "lab/vendor.h"
#include "net/http1.h"

#define IDLE_S	     600u
#define READ_S	     10
#define TICK_MS	     200

struct server {
	struct vendor *vendor;
	int fd;
	atomic_uint open;	/* connections */
	_Atomic int64_t last_ns;	/* when somebody was last here */
};

struct connection {
	struct server *server;
	int fd;
};

/* ---- the address ---- */

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/* A number, never a name: no resolver has a say in where this listens. */
static RC read_address(const char *text, union address *out, socklen_t *n, struct why *w)
{
	bool six = text[0] == '[';
	const char *colon = strrchr(text, ':');
	char host[64] = "", *end;
	unsigned long port;
	union address at = {0};

	if (!colon || colon[1] == '\0' || (size_t)(colon - text) >= sizeof(host))
		return deny(w, E_MALFORMED, "lab.listen", "\"%s\" is not ADDRESS:PORT", text);
	port = strtoul(colon + 1, &end, 10);
	(void)snprintf(host, sizeof(host), "%.*s", (int)(colon - text) - 2 * six, text + six);
	if (*end || port > 65535 || (six && colon[-1] != ']'))
		return deny(w, E_MALFORMED, "lab.listen", "\"%s\" is not ADDRESS:PORT", text);
	if (six ? inet_pton(AF_INET6, host, &at.v6.sin6_addr) != 1 : inet_pton(AF_INET, host, &at.v4.sin_addr) != 1)
		return deny(w, E_MALFORMED, "lab.listen", "\"%s\" is no address", host);
	if (six ? !IN6_IS_ADDR_LOOPBACK(&at.v6.sin6_addr) : ntohl(at.v4.sin_addr.s_addr) >> 24 != 127)
		return deny(w, E_DENIED, "lab.listen", "%s is not this host's own address: false vendors are for nobody else", host);
	at.any.sa_family = six ? AF_INET6 : AF_INET;
	*(six ? &at.v6.sin6_port : &at.v4.sin_port) = htons((uint16_t)port);
	*n = six ? sizeof(at.v6) : sizeof(at.v4);
	*out = at;
	return rc_of(OK);
}

static RC listen_at(const char *text, int *fd, char name[64], struct why *w)
{
	union address at;
	char host[48] = "";
	socklen_t n;
	int one = 1;

	TRY(read_address(text, &at, &n, w));
	*fd = socket(at.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*fd < 0 || setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 || bind(*fd, &at.any, n) != 0 ||
	    listen(*fd, 64) != 0 || getsockname(*fd, &at.any, &n) != 0) {
		rc r = deny(w, E_UNAVAILABLE, "lab.socket", "cannot listen at %s: %s", text, strerror(errno));

		if (*fd >= 0)
			close(*fd);
		return r;
	}
	if (at.any.sa_family == AF_INET6)
		(void)snprintf(name, 64, "[%s]:%u", inet_ntop(AF_INET6, &at.v6.sin6_addr, host, sizeof(host)), ntohs(at.v6.sin6_port));
	else
		(void)snprintf(name, 64, "%s:%u", inet_ntop(AF_INET, &at.v4.sin_addr, host, sizeof(host)), ntohs(at.v4.sin_port));
	return rc_of(OK);
}

/* ---- a connection ---- */

static bool send_all(int fd, struct slice s)
{
	while (s.n) {
		ssize_t k = send(fd, s.p, s.n, MSG_NOSIGNAL);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return false;
		s = slice_sub(s, (size_t)k, s.n);
	}
	return true;
}

static void send_reply(int fd, const struct vendor_reply *reply, struct arena *a)
{
	struct buf head = buf_in(a, 0);

	if (reply->drop)
		return;
	if (reply->delay_ms)
		usleep(reply->delay_ms * 1000);
	http1_write_head(&head, &reply->head, reply->head.body.n, false, clock_now_s(&clock_system));
	if (buf_ok(&head) && send_all(fd, buf_view(&head)))
		(void)send_all(fd, slice_sub(reply->head.body, 0, reply->cut ? reply->head.body.n / 2 : reply->head.body.n));
}

/* False when the client is gone, too slow, or speaks no HTTP. */
static bool read_request(int fd, struct http1 *h)
{
	enum http1_event e = HTTP1_MORE;
	uint8_t in[4096];

	while (e == HTTP1_MORE || e == HTTP1_CONTINUE) {
		ssize_t k = recv(fd, in, sizeof(in), 0);
		size_t taken = 0, at = 0;

		if (k <= 0)
			return false;
		do {	/* the head is taken alone */
			e = http1_feed(h, in + at, (size_t)k - at, &taken);
			at += taken;
		} while ((e == HTTP1_MORE || e == HTTP1_CONTINUE) && at < (size_t)k);
	}
	return e == HTTP1_REQUEST;
}

static void *converse(void *ctx)
{
	struct connection *c = ctx;
	struct server *s = c->server;
	struct timeval limit = {.tv_sec = READ_S};
	struct http1 *h = http1_new(&(struct http1_limits){0});

	(void)setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	(void)setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (h && read_request(c->fd, h)) {
		struct http_request *r = http1_request(h);
		struct arena *a = r->arena;
		struct vendor_reply reply;

		vendor_answer(s->vendor, r, &reply);
		send_reply(c->fd, &reply, a);
		http1_next(h);
		arena_free(a);
	}
	http1_free(h);
	close(c->fd);
	free(c);
	atomic_store(&s->last_ns, sys_monotonic_ns());
	atomic_fetch_sub(&s->open, 1);
	return NULL;
}

static void welcome(struct server *s, int fd)
{
	struct connection *c = calloc(1, sizeof(*c));
	pthread_attr_t detached;
	pthread_t t;

	atomic_fetch_add(&s->open, 1);
	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	if (c)
		*c = (struct connection){s, fd};
	if (!c || pthread_create(&t, &detached, converse, c) != 0) {
		free(c);
		close(fd);
		atomic_fetch_sub(&s->open, 1);
	}
	pthread_attr_destroy(&detached);
}

static bool is_idle(struct server *s, unsigned idle_s)
{
	return atomic_load(&s->open) == 0 && sys_monotonic_ns() - atomic_load(&s->last_ns) > (int64_t)idle_s * 1000000000;
}

rc lab_serve(struct vendor *v, const struct serve_config *c, struct why *w)
{
	struct server s = {.vendor = v};
	char name[64];

	TRY(listen_at(c->listen, &s.fd, name, w));
	atomic_store(&s.last_ns, sys_monotonic_ns());
	if (c->ready)
		c->ready(c->ctx, name);
	while (!is_idle(&s, c->idle_s ? c->idle_s : IDLE_S)) {
		struct pollfd p = {.fd = s.fd, .events = POLLIN};
		bool full = atomic_load(&s.open) >= SERVE_CONNECTIONS_MAX;
		int fd;

		/* at the limit, who comes next waits in the system's queue */
		if (full || poll(&p, 1, TICK_MS) <= 0) {
			if (full)
				usleep(1000);
			continue;
		}
		fd = accept4(s.fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0)
			welcome(&s, fd);
	}
	close(s.fd);
	return rc_of(OK);
}
