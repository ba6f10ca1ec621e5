/* http1.h - strict HTTP/1.1 (RFC 9112), without any I/O: bytes in, requests out.
 *
 * What RFC 9110 and RFC 9112 say must be refused is refused, and the connection ends there: a message whose end two parsers
 * might see at different places is never served. Feed bytes in any pieces. The battery: battery.h.
 *
 * Threads: a codec belongs to one.
 */
#pragma once
#include "net/http.h"

enum http1_event {
	HTTP1_MORE,	/* all bytes were taken; more are needed */
	HTTP1_CONTINUE,	/* the client waits for "100 Continue"; feed on */
	HTTP1_REQUEST,	/* http1_request() is complete; call http1_next() before feeding on */
	HTTP1_REFUSED,	/* http1_status() and the reason; nothing more is read on this connection */
};

struct http1_limits {
	size_t head_max;	/* 0: HTTP_HEAD_MAX */
	size_t body_max;	/* 0: 2 MiB */
	/* The limit of this request's body, known once the head is; NULL: body_max. */
	size_t (*body_limit)(void *ctx, const struct http_request *r);
	void *ctx;
	size_t arena_max;	/* 0: 64 MiB */
};

struct http1;

struct http1 *http1_new(const struct http1_limits *limits);	/* NULL without memory */
void http1_free(struct http1 *h);
enum http1_event http1_feed(struct http1 *h, const uint8_t *p, size_t n, size_t *taken);
/* Valid until http1_next(). The arena is given away with it: the caller frees request->arena. */
struct http_request *http1_request(struct http1 *h);
/* Ready for the next message on the connection. */
void http1_next(struct http1 *h);
bool http1_keep_alive(const struct http1 *h);
/* Has a message begun? Tells an idle connection from a slow one. */
bool http1_started(const struct http1 *h);
bool http1_in_body(const struct http1 *h);
int http1_status(const struct http1 *h);
const char *http1_refusal(const struct http1 *h);	/* stable reason */
/* Head of a response, ready to send; the body follows. date_s: unix seconds. */
void http1_write_head(struct buf *b, const struct http_response *r, size_t body_n, bool keep_alive, int64_t date_s);
