/* http.h - one HTTP request and its reply, the same for HTTP/1.1 and HTTP/2.
 *
 * A request is whole and bounded when a handler sees it: head and body have been read, checked and capped. All of its
 * memory is the request's arena, gone when the reply has been written. One thread at a time.
 * Spec: RFC 9110, RFC 9112, RFC 9113; http-refusals.md; kbs.md 1.1 and 1.5.
 */
#pragma once
#include "base/secret.h"
#include "base/why.h"

enum http_method {
	HTTP_NONE = 0,
	HTTP_GET = 1 << 0,
	HTTP_HEAD = 1 << 1,
	HTTP_POST = 1 << 2,
	HTTP_PUT = 1 << 3,
	HTTP_DELETE = 1 << 4,
	HTTP_PATCH = 1 << 5,
	HTTP_OPTIONS = 1 << 6,
	HTTP_OTHER = 1 << 7,	/* a token that we do not know; `method_text` has it */
};

enum http_protocol { HTTP_1_0 = 1, HTTP_1_1, HTTP_2 };

struct http_header {
	struct slice name;	/* in requests: lower case */
	struct slice value;	/* without the white space around it */
};

struct http_pair {
	struct slice name, value;	/* decoded */
};

/* The one canonical form of a target: percent-decoded once, split at `/`. */
struct http_target {
	struct slice raw;	/* as received, origin form */
	struct slice path;	/* canonical: "/" and the decoded segments joined by "/" */
	struct slice *segments;	/* "/" has none */
	size_t n_segments;
	struct http_pair *query;	/* one entry a name: the last duplicate wins */
	size_t n_query;
};

struct route;

struct http_request {
	uint64_t id;	/* unique in the process; for logs */
	enum http_method method;
	enum http_protocol protocol;
	struct slice method_text;
	struct slice authority;	/* Host or :authority; empty in 1.0 without Host */
	struct http_target target;
	struct http_header *headers;
	size_t n_headers;
	struct slice body;
	bool tls;
	const char *peer;	/* "192.0.2.1:4711", "[2001:db8::1]:4711" */
	const struct route *route;	/* never NULL in a handler */
	struct arena *arena;
	int64_t deadline_ns;	/* sys_monotonic_ns() by which the handler must have returned */
};

struct http_response {
	struct arena *arena;	/* of the request */
	unsigned status;	/* 0 until set: answered as 500 */
	struct http_header *headers;
	size_t n_headers, cap_headers;
	struct slice body;	/* in the arena, or static */
	struct secret secret;	/* when .p is set: the body instead of `body`; wiped once it is encrypted */
	struct http_header *trailers;	/* HTTP/2 only; left out otherwise */
	size_t n_trailers, cap_trailers;
	bool close;	/* HTTP/1: close after this reply */
	bool failed;	/* no memory, or a header that cannot be sent: answered as 500 */
};

/* Splits, decodes and checks a target in origin form. E_MALFORMED with http.path.escape, .nul, .slash, .control, .utf8,
 * .backslash, .dot, .empty, .form, or http.query.escape, .utf8, .nul; E_LIMIT http.path.segments, http.query.pairs. */
RC http_target_parse(struct http_target *out, struct slice raw, struct arena *a, struct why *w);

enum http_method http_method_of(struct slice text);
/* "Not Found"; "Status" for numbers without a name. */
const char *http_status_text(unsigned status);
/* The status that belongs to a result; OK is 200. */
unsigned http_status_of(enum rc_code code);

/* The value of the first header with that name (lower case); .p is NULL when there is none. */
struct slice http_header(const struct http_request *req, const char *name);
/* How many headers have that name: fields that carry credentials are refused unless this is 1. */
unsigned http_header_count(const struct http_request *req, const char *name);
struct slice http_query(const struct http_request *req, const char *name);
/* The cookie's value, without quotes; .p is NULL when absent or when it is there twice. */
struct slice http_cookie(const struct http_request *req, const char *name);
/* The token of the one `Authorization: Bearer`. E_NOTFOUND http.bearer.none; E_MALFORMED http.bearer (two, another scheme,
 * bytes that are not a token68). */
RC http_bearer(const struct http_request *req, struct slice *token, struct why *w);

/* Both copy. A name or value with bytes that no header may hold sets resp->failed. */
void http_set_header(struct http_response *resp, const char *name, struct slice value);
void http_set_trailer(struct http_response *resp, const char *name, struct slice value);
/* The body is borrowed. content_type NULL: none. */
void http_reply(struct http_response *resp, unsigned status, const char *content_type, struct slice body);
/* Moves the secret: *body becomes {0}. */
void http_reply_secret(struct http_response *resp, unsigned status, const char *content_type, struct secret *body);
/* {"type":type,"detail":detail} as application/json. */
void http_reply_error(struct http_response *resp, unsigned status, const char *type, const char *detail);
/* Forgets all that was set, for a handler that changes its mind; wipes the secret. */
void http_response_clear(struct http_response *resp);
