#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/sys.h"
#include "sandbox/sandbox.h"

/* Waits for the socket; false at the deadline. */
static RC wait_for(int fd, short what, int64_t deadline_ns, struct why *w)
{
	struct pollfd p = {.fd = fd, .events = what};

	for (;;) {
		int64_t left = deadline_ns ? deadline_ns - sys_monotonic_ns() : 1;
		struct timespec ts = {.tv_sec = left / 1000000000, .tv_nsec = left % 1000000000};
		int n;

		if (left <= 0)
			return deny(w, E_UNAVAILABLE, "sandbox.deadline", "no answer in time");
		n = ppoll(&p, 1, deadline_ns ? &ts : NULL, NULL);
		if (n > 0)
			return rc_of(OK);
		if (n < 0 && errno != EINTR)
			return deny(w, E_UNAVAILABLE, "sandbox.closed", "poll: %s", strerror(errno));
	}
}

static RC closed(struct why *w)
{
	return deny(w, E_UNAVAILABLE, "sandbox.closed", "the other side is gone");
}

rc sandbox_send(int fd, struct slice head, struct slice body, int64_t deadline_ns, struct why *w)
{
	uint32_t n = (uint32_t)(head.n + body.n);
	uint8_t len[4] = {(uint8_t)n, (uint8_t)(n >> 8), (uint8_t)(n >> 16), (uint8_t)(n >> 24)};
	struct slice part[3] = {{len, 4}, head, body};
	unsigned i = 0;

	if (head.n > UINT32_MAX / 2 || body.n > UINT32_MAX / 2)
		return deny(w, E_LIMIT, "sandbox.message", "a message of more than 4 GiB");
	while (i < 3) {
		struct iovec v[3];
		ssize_t sent;

		for (unsigned k = i; k < 3; k++)
			v[k - i] = (struct iovec){.iov_base = (void *)(uintptr_t)part[k].p, .iov_len = part[k].n};
		/* sendmsg for MSG_NOSIGNAL: a worker that died must not end the service by SIGPIPE. */
		sent = sendmsg(fd, &(struct msghdr){.msg_iov = v, .msg_iovlen = 3 - i}, MSG_NOSIGNAL | (deadline_ns ? MSG_DONTWAIT : 0));
		if (sent < 0 && errno == EAGAIN) {
			TRY(wait_for(fd, POLLOUT, deadline_ns, w));
			continue;
		}
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return closed(w);
		for (size_t rest = (size_t)sent; i < 3 && rest >= part[i].n; i++)
			rest -= part[i].n, sent = (ssize_t)rest;
		if (i < 3)
			part[i] = slice_sub(part[i], (size_t)sent, part[i].n);
	}
	return rc_of(OK);
}

/* Some bytes, at least one. */
static RC read_some(int fd, uint8_t *p, size_t n, int64_t deadline_ns, size_t *got, struct why *w)
{
	for (;;) {
		ssize_t k = recv(fd, p, n, deadline_ns ? MSG_DONTWAIT : 0);

		if (k > 0) {
			*got = (size_t)k;
			return rc_of(OK);
		}
		if (k == 0 || (errno != EAGAIN && errno != EINTR))
			return closed(w);
		if (errno == EAGAIN)
			TRY(wait_for(fd, POLLIN, deadline_ns, w));
	}
}

/* From what lies ahead of the stream already, then from the socket, until there are `n` bytes. */
static RC fill(int fd, struct sandbox_in *in, size_t n, int64_t deadline_ns, struct why *w)
{
	size_t k;

	while (in->have < n) {	/* nearly always with the whole message behind it */
		TRY(read_some(fd, in->bytes + in->have, sizeof(in->bytes) - in->have, deadline_ns, &k, w));
		in->have += k;
	}
	return rc_of(OK);
}

static void take(struct sandbox_in *in, uint8_t *out, size_t n)
{
	memcpy(out, in->bytes, n);
	in->have -= n;
	memmove(in->bytes, in->bytes + n, in->have);
}

rc sandbox_recv(int fd, struct sandbox_in *in, struct arena *a, size_t max_bytes, int64_t deadline_ns, struct slice *out, struct why *w)
{
	uint8_t len[4], *p;
	size_t have, n, k;

	TRY(fill(fd, in, sizeof(len), deadline_ns, w));
	take(in, len, sizeof(len));
	n = (size_t)len[0] | (size_t)len[1] << 8 | (size_t)len[2] << 16 | (size_t)len[3] << 24;
	if (n > max_bytes)
		return deny(w, E_LIMIT, "sandbox.message", "a message of %zu bytes, at most %zu", n, max_bytes);
	p = arena_alloc_raw(a, n + 1);
	if (!p)
		return deny(w, E_LIMIT, "sandbox.message", "no memory for a message of %zu bytes", n);
	have = n < in->have ? n : in->have;
	take(in, p, have);
	while (have < n) {
		TRY(read_some(fd, p + have, n - have, deadline_ns, &k, w));
		have += k;
	}
	p[n] = 0;
	*out = slice_of(p, n);
	return rc_of(OK);
}
