/* http.h - a request and a response, whatever protocol version carried them.
 *
 * A request is complete and bounded when a handler sees it: head parsed strictly, path decoded once and canonical, body whole.
 * Everything lives in the request's arena, until the response has been handed to the connection.
 *
 * Threads: no state; one request belongs to one thread at a time.
 */
#pragma once
#include "base/buf.h"
#include "base/secret.h"
#include "codec/json.h"

#define HTTP_HEADERS_MAX  96u
#define HTTP_HEAD_MAX	  ((size_t)128 << 10)
#define HTTP_SEGMENTS_MAX 32u
#define HTTP_QUERY_MAX	  64u

struct http_header {
	struct slice name;	/* as received; compared without case */
	struct slice value;	/* without white space around it */
};

struct http_request {
	struct arena *arena;
	struct slice method;
	struct slice target;	/* as received */
	struct slice path;	/* decoded, canonical: "/kbs/v0/resource/a/b/c" */
	struct slice segment[HTTP_SEGMENTS_MAX];
	size_t segments;
	const struct json *query;	/* object of strings; never NULL */
	struct http_header header[HTTP_HEADERS_MAX];
	size_t headers;
	struct slice body;
	const char *peer;	/* "127.0.0.1" */
	unsigned major, minor;	/* 1.0, 1.1, 2.0 */
	bool tls;
	int64_t deadline_ns;	/* monotonic: a reply later than this is not sent */
	void *job;		/* the server's own */
};

struct http_response {
	struct arena *arena;	/* of the request */
	int status;
	const char *content_type;	/* NULL: none */
	struct slice body;		/* in the arena; or */
	struct secret secret_body;	/* moved in; wiped once it was sent */
	struct http_header header[8];	/* further ones: names and values without control characters */
	size_t headers;
	bool close;			/* end the connection behind the response */
};

/* The first header of that name; p == NULL when there is none. */
struct slice http_header(const struct http_request *r, const char *name);
/* The value of a cookie (RFC 6265), percent-decoding nothing; p == NULL when there is none, or more than one. */
struct slice http_cookie(const struct http_request *r, const char *name);
/* The token behind "Bearer "; p == NULL when there is none, or more than one Authorization header. */
struct slice http_bearer(const struct http_request *r);
void http_response_header(struct http_response *r, const char *name, const char *value);
const char *http_reason(int status);

/* The one path canonicaliser: decodes percent signs once, and refuses what is no plain path: broken or overlong encodings, NUL and
 * control characters, an encoded slash, backslashes, "." and ".." and empty segments. Sets path, segments and query.
 * E_MALFORMED http.path.* */
RC http_target(struct http_request *r, struct why *w);
