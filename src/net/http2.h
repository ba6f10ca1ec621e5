/* http2.h - HTTP/2 (RFC 9113) of one connection, without any I/O: bytes in, requests out, responses in, bytes out.
 *
 * Framing and HPACK are libnghttp2's. A request is the same struct, under the same rules, as that of http1.h: the crumbs of a
 * cookie are joined and the authority stands as Host. What a stream may hold and how long each of its parts may take is capped;
 * a connection that spends our time without asking for anything is ended with GOAWAY (ENHANCE_YOUR_CALM). One thread at a time.
 */
#pragma once
#include "net/http.h"

#define HTTP2_STREAMS_MAX	32u
#define HTTP2_RESETS_MAX	100u	/* streams that a client had reset, or made us reset, on one connection */
#define HTTP2_CONTINUATIONS_MAX 16u	/* frames behind one HEADERS */
#define HTTP2_NOISE_MAX		1000u	/* frames that ask for nothing, since the last whole request */

/* Where bytes for the peer go. false: no room now; http2_flush() is called again later. */
struct http2_sink {
	bool (*copy)(void *ctx, struct slice bytes);
	/* The bytes stay where they are until done(held) is called. NULL `done` never comes. false: no memory. */
	bool (*lend)(void *ctx, struct slice bytes, void (*done)(void *held), void *held);
	void *ctx;
};

struct http2_limits {
	size_t body_max;	/* 0: 2 MiB; all bodies under way on the connection: four times as much */
	size_t (*body_limit)(void *ctx, const struct http_request *r);	/* NULL: body_max */
	void *ctx;
	size_t arena_max;	/* of one request; 0: 64 MiB */
	unsigned head_ms, body_ms, handle_ms, reply_ms, idle_ms;	/* 0: 5,000 30,000 30,000 30,000 60,000 */
};

enum http2_event {
	HTTP2_NONE,
	HTTP2_REQUEST,	/* complete; the caller owns req->arena */
	HTTP2_REFUSED,	/* answer with status and reason; no request */
};

struct http2_ask {
	int32_t stream;
	struct http_request *req;
	int status;
	const char *reason;
};

struct http2;

/* NULL without memory. now_ns, here and below: monotonic. */
struct http2 *http2_new(const struct http2_limits *limits, const struct http2_sink *sink, int64_t now_ns);
void http2_free(struct http2 *h);
/* false: the connection is over; what http2_flush() still writes (GOAWAY) is all. */
bool http2_feed(struct http2 *h, struct slice bytes, int64_t now_ns);
/* The oldest request or refusal that nobody has taken. */
enum http2_event http2_next(struct http2 *h, struct http2_ask *out);
/* Takes resp->arena and resp->secret_body over, also when the stream has gone or was answered. */
void http2_respond(struct http2 *h, int32_t stream, struct http_response *resp, bool head_only, int64_t date_s, int64_t now_ns);
/* Writes what there is and what the peer's windows let through. false: the connection is over. */
bool http2_flush(struct http2 *h);
/* Nothing is left to read or to write: the connection may be closed. */
bool http2_done(const struct http2 *h);
/* No further requests; those under way are finished. */
void http2_drain(struct http2 *h);
/* The next moment at which http2_expire() has something to do. */
int64_t http2_deadline(const struct http2 *h);
/* Refuses what took too long (408, 503), resets what the peer does not take. false: the connection is over. */
bool http2_expire(struct http2 *h, int64_t now_ns);
