/* client.h - HTTP requests of command lines and guests, by libcurl: TLS verified, no redirects, deadlines and caps.
 *
 * One client a thread; connections are kept.
 */
#pragma once
#include "base/why.h"

struct client;

struct client_options {
	const char *ca_file;	/* extra root, PEM; NULL: the system's */
	unsigned timeout_ms;	/* 0: 60,000 */
	size_t reply_max;	/* 0: 64 MiB */
	const char *user_agent;	/* NULL: "warrant" */
};

struct client_call {
	const char *method, *url;
	const char *content_type;	/* NULL: none */
	struct slice body;
	const char *const *headers;	/* "name: value", NULL ends; may be NULL */
};

struct client_reply {
	int status;
	struct slice body;		/* in the arena */
	struct slice set_cookie;	/* of the last Set-Cookie header; p == NULL: none */
};

RC client_new(const struct client_options *o, struct client **out, struct why *w);
void client_free(struct client *c);
/* E_UNAVAILABLE client.connect, client.ca, client.tls, client.timeout; E_LIMIT client.size; E_MALFORMED client.url. */
RC client_do(struct client *c, const struct client_call *call, struct arena *a, struct client_reply *out, struct why *w);
