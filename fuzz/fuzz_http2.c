/* Bytes of a peer into an HTTP/2 session, whole and in pieces. Every request that comes out is well formed and is answered. The client's
 * preface and an empty SETTINGS frame stand before the input, so that it is frames.
 */
#include <assert.h>

#include "net/http2.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct reading {
	bool alive;
	unsigned requests, refusals;
	size_t bytes;
};

static bool copy(void *ctx, struct slice bytes)
{
	(void)bytes;
	return ctx != NULL;
}

static bool lend(void *ctx, struct slice bytes, void (*done)(void *held), void *held)
{
	(void)ctx;
	(void)bytes;
	done(held);
	return true;
}

static void answer(struct http2 *h, struct reading *r)
{
	struct http2_ask ask;
	enum http2_event e;

	while ((e = http2_next(h, &ask)) != HTTP2_NONE) {
		struct http_response resp = {.arena = ask.req ? ask.req->arena : arena_new(0), .status = ask.status ? ask.status : 200};

		r->requests += e == HTTP2_REQUEST;
		r->refusals += e == HTTP2_REFUSED;
		assert((ask.req != NULL) == (e == HTTP2_REQUEST));
		if (ask.req) {
			assert(ask.req->path.n && ask.req->path.p[0] == '/' && ask.req->headers <= HTTP_HEADERS_MAX && ask.req->query);
			r->bytes += ask.req->path.n + ask.req->body.n;
			resp.body = ask.req->path;
		}
		http2_respond(h, ask.stream, &resp, false, 0, 1);
	}
}

static struct reading read_in(struct slice in, size_t step)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0";
	const struct http2_limits limits = {.body_max = 4096};
	const struct http2_sink sink = {copy, lend, &(int){0}};
	struct http2 *h = http2_new(&limits, &sink, 1);
	struct reading r = {0};

	if (!h)
		return r;
	r.alive = http2_feed(h, slice_of(preface, sizeof(preface) - 1), 1);
	assert(r.alive);
	for (size_t at = 0; at < in.n && r.alive; at += step) {
		r.alive = http2_feed(h, slice_sub(in, at, step), 1);
		if (step == 1 || at + step >= in.n) {
			answer(h, &r);
			r.alive = http2_flush(h) && r.alive;
		}
	}
	(void)http2_expire(h, INT64_MAX / 2);
	http2_flush(h);
	http2_free(h);
	return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	(void)read_in(slice_of(data, size), size ? size : 1);
	(void)read_in(slice_of(data, size), 1);
	return 0;
}
