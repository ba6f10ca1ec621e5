/* route.h - which requests exist, how large they may be, and who may make them.
 *
 * Every route declares its admission rule. A rule that is left out or is zero does not compile with ROUTE(), and
 * routes_check() refuses a table that was made otherwise. Tables are immutable; any thread may look up.
 */
#pragma once
#include "net/http.h"

/* No zero: an entry that was forgotten is not a rule. */
enum admission {
	ADMIT_ANYONE = 1,	/* no credentials: health, the challenge */
	ADMIT_CHALLENGE,	/* holder of an open challenge (cookie) */
	ADMIT_ATTESTED,		/* an attested session or token, then policy */
	ADMIT_ADMIN,
	ADMIT_BY_PLUGIN,	/* the plug-in says for each call whether it is for admins or for guests */
	ADMIT_LOOPBACK,		/* peers on this host only */
};

typedef void (*http_handler)(void *ctx, struct http_request *req, struct http_response *resp);

struct route {
	unsigned methods;	/* of enum http_method; GET includes HEAD */
	const char *pattern;	/* "/kbs/v0/auth", `*` for one segment, a last `**` for any number, none included */
	size_t body_limit;	/* bytes; more is 413 before the body is read */
	enum admission admission;
	http_handler handle;
	const char *name;	/* for logs and metrics: a fixed set of labels */
};

#define ROUTE_ADMISSION(rule)                                                                                  \
	((enum admission)((rule) + 0 * sizeof(struct {                                                         \
				  _Static_assert((rule) >= ADMIT_ANYONE && (rule) <= ADMIT_LOOPBACK,           \
						 "a route declares who may use it");                           \
				  char unused;                                                                 \
			  })))
/* One entry of a table. All six are needed. */
#define ROUTE(NAME, METHODS, PATTERN, BODY_LIMIT, RULE, HANDLE)                                                \
	{.methods = (METHODS), .pattern = (PATTERN), .body_limit = (BODY_LIMIT),                               \
	 .admission = ROUTE_ADMISSION(RULE), .handle = (HANDLE), .name = (NAME)}

struct routes {
	const struct route *items;
	size_t n;
};

/* E_INTERNAL route.admission, route.pattern, route.handler, route.methods. */
RC routes_check(struct routes table, struct why *w);
/* The first entry whose pattern and method fit. NULL: *allowed holds the methods that the path knows; 0 means 404. */
const struct route *routes_find(struct routes table, enum http_method method, const struct http_target *target,
				unsigned *allowed);
/* Segment i behind the fixed part of the pattern: what `*` and `**` stand for. .p is NULL beyond the end. */
struct slice route_arg(const struct http_request *req, size_t i);
size_t route_args(const struct http_request *req);
