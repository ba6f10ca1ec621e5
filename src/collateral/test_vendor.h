/* test_vendor.h - a vendor's service on loopback, with faults on demand. */
#pragma once
#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/slice.h"

enum fault {
	FAULT_NONE,
	FAULT_SLOW,	/* answers after a second */
	FAULT_CUT,	/* promises more bytes than it sends */
	FAULT_DROP,	/* closes without an answer */
	FAULT_ENDLESS,	/* never stops sending */
};

struct route {
	const char *target;	/* path and query, as asked */
	unsigned status;
	const char *header;	/* whole line with its end, or "" */
	struct slice body;
};

struct vendor {
	int fd;
	pthread_t thread;
	char base[48];
	const struct route *routes;	/* ends with NULL target */
	_Atomic(enum fault) fault;
	atomic_uint status;	/* instead of the routes'; 0: theirs */
	atomic_int asked;
	char method[8], last[1024];	/* of the last request; read it when nothing is under way */
	uint8_t body[4096];
	size_t body_n;
};

static inline void vendor_send(int fd, const void *p, size_t n)
{
	while (n) {
		ssize_t k = send(fd, p, n, MSG_NOSIGNAL);

		if (k <= 0)
			return;
		p = (const char *)p + k;
		n -= (size_t)k;
	}
}

static inline void vendor_reply(struct vendor *v, int fd, const struct route *r)
{
	enum fault fault = atomic_load(&v->fault);
	unsigned status = atomic_load(&v->status) ? atomic_load(&v->status) : r->target ? r->status : 404;
	size_t promised = r->body.n + (fault == FAULT_CUT ? 100 : 0);
	char head[16384];
	int n;

	if (fault == FAULT_DROP)
		return;
	if (fault == FAULT_SLOW)
		sleep(1);
	n = snprintf(head, sizeof(head), "HTTP/1.1 %u X\r\n%sContent-Length: %zu\r\nConnection: close\r\n\r\n", status,
		     r->target ? r->header : "", fault == FAULT_ENDLESS ? (size_t)1 << 40 : promised);
	vendor_send(fd, head, (size_t)n);
	vendor_send(fd, r->body.p, r->body.n);
	for (int i = 0; fault == FAULT_ENDLESS && i < 1024; i++)
		vendor_send(fd, head, sizeof(head));
}

/* What follows the head: read to its end, or closing would throw the answer away. */
static inline void vendor_body(struct vendor *v, int fd, const char *in, size_t n)
{
	const char *end = strstr(in, "\r\n\r\n"), *length = strcasestr(in, "\r\ncontent-length:");
	size_t promised = length && end ? strtoul(length + 17, NULL, 10) : 0;

	v->body_n = end ? n - (size_t)(end + 4 - in) : 0;
	if (v->body_n > sizeof(v->body))
		v->body_n = 0;
	if (v->body_n)
		memcpy(v->body, end + 4, v->body_n);
	while (v->body_n < promised && v->body_n < sizeof(v->body)) {
		ssize_t k = recv(fd, v->body + v->body_n, sizeof(v->body) - v->body_n, 0);

		if (k <= 0)
			return;
		v->body_n += (size_t)k;
	}
}

static inline void *vendor_run(void *ctx)
{
	struct vendor *v = ctx;
	int fd;

	while ((fd = accept(v->fd, NULL, NULL)) >= 0) {
		const struct route *r = v->routes;
		char in[4096];
		size_t n = 0;
		ssize_t k;

		while (n < sizeof(in) - 1 && (k = recv(fd, in + n, sizeof(in) - 1 - n, 0)) > 0) {
			n += (size_t)k;
			in[n] = '\0';
			if (strstr(in, "\r\n\r\n"))
				break;
		}
		in[n] = '\0';
		vendor_body(v, fd, in, n);
		if (sscanf(in, "%7s %1023s HTTP/1.1", v->method, v->last) == 2) {
			atomic_fetch_add(&v->asked, 1);
			while (r->target && strcmp(r->target, v->last) != 0)
				r++;
			vendor_reply(v, fd, r);
		}
		close(fd);
	}
	return NULL;
}

static inline void vendor_start(struct vendor *v, const struct route *routes)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(at);

	*v = (struct vendor){.routes = routes, .fd = socket(AF_INET, SOCK_STREAM, 0)};
	assert_true(v->fd >= 0);
	assert_int_equal(bind(v->fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(v->fd, 64), 0);
	assert_int_equal(getsockname(v->fd, (struct sockaddr *)&at, &n), 0);
	snprintf(v->base, sizeof(v->base), "http://127.0.0.1:%u", ntohs(at.sin_port));
	assert_int_equal(pthread_create(&v->thread, NULL, vendor_run, v), 0);
}

/* Down: connections are refused from here on. */
static inline void vendor_stop(struct vendor *v)
{
	shutdown(v->fd, SHUT_RDWR);
	pthread_join(v->thread, NULL);
	close(v->fd);
}
