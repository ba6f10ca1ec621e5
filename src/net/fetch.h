/* fetch.h - outbound HTTPS for collateral and back ends: one bounded exchange at a time.
 *
 * https only, the server verified, no redirects, no proxy from the environment, deadline and size cap on every call.
 * A URL comes from the configuration, never from a request. Any thread; one fetcher is safe for many threads.
 */
#pragma once
#include "base/secret.h"
#include "base/why.h"

struct fetch_header {
	const char *name;
	struct slice value;
};

struct fetch_config {
	const char *ca_file;	/* PEM, instead of the system's roots; NULL: the system's */
	const char *pinned_key;	/* "sha256//base64" of the SPKI, as libcurl takes it; NULL: none */
	const char *client_cert, *client_key;	/* PEM files; NULL: none */
	size_t max_reply;	/* bytes; 0: 4 MiB */
	unsigned timeout_ms;	/* the whole exchange; 0: 10,000 */
	unsigned connect_ms;	/* 0: 3,000 */
	bool allow_loopback_http;	/* http:// to 127.0.0.1 or [::1]: for tests and local agents, in words */
};

struct fetch_request {
	const char *method;	/* NULL: GET */
	const char *url;
	const struct fetch_header *headers;
	size_t n_headers;
	struct slice body;
	int64_t deadline_ns;	/* monotonic; 0: the timeout alone counts; else the earlier */
};

struct fetch_reply {
	unsigned status;	/* any; the caller judges */
	struct slice body;
	struct fetch_header *headers;	/* names in lower case */
	size_t n_headers;
};

struct fetcher;

RC fetcher_new(const struct fetch_config *config, struct fetcher **out, struct why *w);
void fetcher_free(struct fetcher *f);
/* The reply is in the arena. E_MALFORMED fetch.url (scheme, credentials in the URL, control characters);
 * E_UNAVAILABLE fetch.connect, fetch.tls, fetch.timeout, fetch.io; E_LIMIT fetch.size. */
RC fetch(struct fetcher *f, const struct fetch_request *req, struct arena *a, struct fetch_reply *out, struct why *w);
/* The same with the body in secret memory; out->body stays empty. */
RC fetch_secret(struct fetcher *f, const struct fetch_request *req, struct arena *a, struct fetch_reply *out,
		struct secret *body, struct why *w);
/* .p is NULL when there is none. */
struct slice fetch_header_get(const struct fetch_reply *reply, const char *name);
