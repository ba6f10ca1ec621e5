/* client.h - the client of one broker: base URL, trust, kept-alive connection and cookies.
 *
 * For the command line and the guest agent. Cookies are those of this broker only. One thread at a time.
 */
#pragma once
#include "net/fetch.h"

struct client_config {
	const char *base_url;	/* "https://kbs.example:8080"; http:// is taken where `allow_http` says so */
	bool allow_http;	/* the broker's own replies are encrypted to the guest; the command line needs http://127.0.0.1 */
	const char *ca_file;	/* PEM roots instead of the system's; NULL */
	unsigned timeout_ms;	/* 0: 60,000 */
	size_t max_reply;	/* 0: 16 MiB */
	bool keep_cookies;
};

struct client;

RC client_new(const struct client_config *config, struct client **out, struct why *w);
void client_free(struct client *c);
/* path begins with "/" and is sent as it is, behind the base URL. Errors as fetch(). */
RC client_call(struct client *c, const char *method, const char *path, const struct fetch_header *headers,
	       size_t n_headers, struct slice body, struct arena *a, struct fetch_reply *out, struct why *w);
/* The present value of a cookie; .p is NULL without one. In the arena. */
struct slice client_cookie(struct client *c, const char *name, struct arena *a);
