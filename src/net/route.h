/* route.h - a table of routes. Each row says who is let in: a row without an admission rule does not compile, and the table
 * is checked once more when the service starts.
 */
#pragma once
#include "net/http.h"

enum admission {
	ADMIT_ANYONE = 1,	/* strangers: what it does must cost them more than us */
	ADMIT_COOKIE,		/* whoever holds a challenge; the handler opens it */
	ADMIT_ATTESTED,		/* an attested session or token; the handler verifies it */
	ADMIT_ADMIN,		/* administrators; checked before the handler runs */
};

struct route_call;

struct route {
	const char *method;
	const char *path;	/* "/kbs/v0/auth"; a last segment "*" takes one or more further segments, "?*" none or more */
	enum admission admission;
	void (*run)(struct route_call *c);
	size_t body_max;	/* 0: the server's */
	bool later;		/* run() only begins, and may end on another thread before it returns */
	bool quick;		/* runs in microseconds and waits for nothing: no disk, no lock that is held for long, no worker */
};

/* A wrong admission is a negative array size. */
#define ROUTE(method_, path_, admission_, run_, body_max_, ...)                                                              \
	{                                                                                                                    \
		.method = (method_), .path = (path_),                                                                        \
		.admission = (enum admission)((admission_) + 0 * sizeof(char[(admission_) >= ADMIT_ANYONE && (admission_) <= ADMIT_ADMIN ? 1 : -1])), \
		.run = (run_), .body_max = (body_max_), __VA_ARGS__                                                          \
	}

/* The route of a request; NULL when there is none. *rest is the number of segments before those that a star took. */
const struct route *route_find(const struct route *table, size_t n, const struct http_request *r, size_t *rest);
/* E_INTERNAL route.admission: a row declares none. */
RC route_check(const struct route *table, size_t n, struct why *w);
