/* server.h - TLS, HTTP/1.1 and HTTP/2 over loops and workers: a loop thread owns its sockets, a worker thread runs handlers.
 *
 * A complete, bounded request goes to a worker through a queue and its response comes back through the loop's mailbox; of HTTP/1.1
 * those that are quick() are answered by the loop itself. Handlers of others may block until the request's deadline, or return and
 * have the answer given later; they share what the application gives them and nothing else.
 */
#pragma once
#include "base/task.h"
#include "net/http.h"
#include "net/metrics.h"

struct server;

enum tls_profile { TLS_INTERMEDIATE = 1, TLS_MODERN, TLS_OLD, TLS_CUSTOM };

struct tls_config {
	const char *certificate, *private_key;	/* PEM files; both or none */
	enum tls_profile profile;		/* 0: intermediate */
	const char *min_version, *max_version;	/* "1.2", "1.3"; NULL: of the profile */
	const char *ciphers;			/* OpenSSL names, TLS 1.3 suites among them; NULL: of the profile */
	const char *groups;			/* NULL: the library's best */
};

struct server_listener {
	const char *address;	/* "127.0.0.1:8080", "[::1]:0": IP and port */
	const char *kind;	/* for the log: "public", "metrics" */
	const struct tls_config *tls;	/* NULL: plain */
	/* true: the response is there. false: it will be, when server_answer() is called, which may be before this returns. Requests
	 * that are quick are answered at once. */
	bool (*handle)(void *ctx, struct http_request *req, struct http_response *resp);
	/* Is the request of a kind whose handling takes microseconds and waits for nothing? Then the loop runs the handler itself, which
	 * spares two changes of threads. NULL: none is. */
	bool (*quick)(void *ctx, const struct http_request *req);
	size_t (*body_limit)(void *ctx, const struct http_request *req);	/* NULL: body_max */
	void *ctx;
};

struct server_config {
	const struct server_listener *listeners;
	size_t listeners_n;
	unsigned loops;			/* 0: one a processor */
	unsigned workers;		/* 0: 8 x loops: they wait together for one flush of the store */
	size_t body_max;		/* 0: 2 MiB */
	unsigned max_connections;	/* 0: 10,000 */
	unsigned max_per_peer;		/* 0: 1,000 */
	unsigned queue_max;		/* requests that wait for a worker, or for an answer that comes later; 0: 1,024; beyond it: 503 */
	unsigned head_ms, body_ms, reply_ms, idle_ms, handle_ms;	/* 0: 5,000 30,000 30,000 60,000 30,000 */
	/* Body of an answer that no handler gave (400, 404, 408, 413, 429, 431, 501, 503, ...); ctx is the listener's. Any thread. */
	void (*refuse)(void *ctx, const char *peer, int status, const char *reason, struct http_response *resp);
	struct metrics *metrics;	/* may be NULL */
};

/* Would server_new take these listeners? Reads their certificates and keys; binds nothing. The same errors. */
RC server_check(const struct server_listener *listeners, size_t n, struct why *w);
/* Binds and listens; nothing is served before server_start. E_UNAVAILABLE server.bind, E_MALFORMED server.address, tls.*. */
RC server_new(const struct server_config *config, struct server **out, struct why *w);
/* "127.0.0.1:43121" of a listener, with the port that the system chose. */
const char *server_address(const struct server *s, size_t listener);
RC server_start(struct server *s, struct why *w);
/* The response of a request whose handler returned false is there. Any thread; the request is gone then. */
void server_answer(struct http_request *req);
/* Work for the threads that run handlers: an executor's post() whose ctx is the server. Until server_stop() has returned, which waits for
 * every request's answer. */
void server_post(void *server, struct task *t);
/* Reads certificates and keys again; on failure the old ones stay in use. */
RC server_reload_tls(struct server *s, struct why *w);
/* Requests that handlers were given so far. Any thread. */
uint64_t server_requests(const struct server *s);
/* No new connections; requests under way are answered, at most grace_ms; then all threads end. */
void server_stop(struct server *s, unsigned grace_ms);
void server_free(struct server *s);	/* after server_stop; accepts NULL */
