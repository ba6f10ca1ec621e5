/* server.h - listens, speaks TLS and HTTP, and hands whole bounded requests to worker threads.
 *
 * One loop per core owns its sockets; handlers run on worker threads and may block until the request's deadline. They
 * share only what the application made immutable or locked. Every refusal made here is rendered by the application, so
 * that all bodies are alike. Spec: kbs.md 1.5 and 7.2; http-refusals.md.
 */
#pragma once
#include "net/metrics.h"
#include "net/route.h"

enum tls_profile { TLS_INTERMEDIATE = 0, TLS_MODERN, TLS_OLD, TLS_CUSTOM };
enum tls_version { TLS_UNSET = 0, TLS_V1_2, TLS_V1_3 };

struct server_tls {
	const char *certificate, *private_key;	/* PEM files; the certificate is the chain. NULL: plain HTTP */
	enum tls_profile profile;
	enum tls_version min, max;	/* TLS_UNSET: the profile's */
	const char *ciphers;	/* OpenSSL list with names of 1.2 and 1.3 mixed, split by us; NULL: the profile's */
	const char *groups;	/* colon list; NULL: X25519MLKEM768 where OpenSSL has it, then X25519 and the NIST curves */
	bool no_http2;
};

/* Zero means the value in brackets. */
struct server_limits {
	size_t head_bytes;	/* [131072] 431 */
	unsigned headers;	/* [96] 431 */
	size_t target_bytes;	/* [16384] 414 */
	unsigned connections;	/* [25000] over all loops; more are closed at once */
	unsigned connections_per_peer;	/* [1024] per address */
	unsigned queue;		/* [1024] requests waiting for a worker; more are 503 */
	unsigned requests_per_connection;	/* [100000] then the connection is closed */
	unsigned head_ms;	/* [5000] from the first byte, or from the accept, TLS handshake included: 408 */
	unsigned body_ms;	/* [30000] from the end of the head: 408 */
	unsigned handle_ms;	/* [30000] what a handler may take; a later reply is discarded, 503 */
	unsigned write_ms;	/* [30000] until the peer has taken the reply */
	unsigned idle_ms;	/* [5000] between requests */
	unsigned drain_ms;	/* [30000] after server_drain() */
};

struct server_config {
	const char *const *listen;	/* "127.0.0.1:8080", "[::1]:0" */
	size_t n_listen;
	struct server_tls tls;
	struct server_limits limits;
	unsigned loops;		/* 0: one a processor */
	unsigned workers;	/* 0: four a processor */
	struct routes routes;
	void *ctx;		/* for all calls below and for the handlers of routes */
	/* On a worker, before the handler of any route that is not ADMIT_ANYONE or ADMIT_LOOPBACK. False: resp holds the
	 * refusal. A table with such a route does not start without it. */
	bool (*admit)(void *ctx, struct http_request *req, struct http_response *resp);
	/* On a loop thread: fills in a refusal (400 404 405 408 413 414 417 429 431 500 501 503). `reason` is stable
	 * ("http.two-lengths"). Must not block. NULL: {"type","detail"}. */
	void (*refuse)(void *ctx, unsigned status, const char *reason, struct http_response *resp);
	/* On a loop thread, once a request was answered: for the access log. Must not block. May be NULL. */
	void (*done)(void *ctx, const struct http_request *req, unsigned status, size_t bytes, int64_t took_ns);
	struct metrics *metrics;	/* NULL: none */
};

struct server;

/* Binds and loads; nothing is served before server_run. The config and what it points to are used until server_free.
 * E_MALFORMED server.listen, server.tls; E_UNAVAILABLE server.bind; E_NOTFOUND, E_DENIED for the files. */
RC server_new(const struct server_config *config, struct server **out, struct why *w);
/* Serves until drained or stopped. Blocks; starts its own threads. */
RC server_run(struct server *s, struct why *w);
/* These three from any thread, not from a signal handler. */
/* No new connections or requests; what is under way is finished, up to drain_ms; then server_run returns. */
void server_drain(struct server *s);
/* Closes all at once; handlers that run are waited for. */
void server_stop(struct server *s);
/* Reads certificate and key again. On failure the old ones stay in use. Connections keep what they began with. */
RC server_reload_tls(struct server *s, struct why *w);
/* After server_run returned. Accepts NULL. */
void server_free(struct server *s);

/* The port that listener i got (for ":0"). */
unsigned server_port(const struct server *s, size_t i);
struct server_stats {
	uint64_t connections, accepted, requests, refused, dropped;
};
struct server_stats server_stats(const struct server *s);
