/* server_priv.h - shared by server.c, conn.c and conn2.c. */
#pragma once
#include <event2/bufferevent.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <sys/socket.h>

#include "net/http1.h"
#include "net/http2.h"
#include "net/server.h"
#include "net/tls.h"

#define PEER_SLOTS 4096u

struct loop;
struct listener;
struct job;

/* One connection, of one loop. HTTP/1.1 has one job under way, HTTP/2 several. */
struct conn {
	struct conn *next, **link;	/* of the loop */
	struct loop *loop;
	struct listener *listener;
	struct bufferevent *bev;
	struct http1 *codec;
	struct http2 *h2;	/* NULL: HTTP/1.1 */
	struct job *jobs;	/* requests under way; of HTTP/1.1 one, pipelined ones wait in the input */
	unsigned jobs_n;
	struct event *deadline;
	char peer[64];
	unsigned peer_slot;
	bool closing;		/* ends when the output is sent */
	bool *gone;		/* set when the connection is freed; NULL: nobody asks */
	bool sending;
	bool lingering;		/* our side is shut; what still comes is thrown away, so that no reset overtakes the reply */
	size_t thrown;
};

/* One request on its way through a worker; in the arena of the request. */
struct job {
	struct task task;	/* first: the handler's turn */
	struct job *next;	/* in the mail */
	struct loop *loop;
	struct conn *conn;	/* NULL once nobody waits for the answer */
	struct job *next_of_conn, **link_of_conn;
	int32_t stream;		/* of HTTP/2 */
	const struct server_listener *listener;
	struct http_request *req;
	struct http_response resp;
	bool keep_alive;
	int64_t started_ns;
};

struct listener {
	struct server_listener config;
	struct sockaddr_storage at;
	socklen_t at_n;
	char text[64];
	SSL_CTX *tls;	/* under tls_lock */
};

struct loop_listener {
	struct loop *loop;
	struct listener *listener;
	struct evconnlistener *ev;
	int fd;
};

struct loop {
	struct server *server;
	struct event_base *base;
	pthread_t thread;
	struct loop_listener *listener;
	size_t listeners_n;
	struct conn *conns;	/* of this loop */
	bool draining, started;
	int mail_fd;
	struct event *mail_event, *drain_event, *drain_end_event;
	pthread_mutex_t mail_lock;
	struct job *mail;	/* newest first */
};

/* A thread that runs handlers. */
struct request_worker {
	struct server *server;
	pthread_t thread;
	pthread_cond_t told;
	bool waits;		/* in the list of those who wait; under queue_lock */
	struct request_worker *next;
};

struct server {
	struct server_config config;
	struct listener *listener;
	struct loop *loop;
	unsigned loops_n;
	struct request_worker *worker;
	unsigned workers_n;
	pthread_mutex_t queue_lock, tls_lock, peers_lock;
	struct task *queue, *queue_last;
	unsigned under_way;	/* requests without an answer */
	struct request_worker *idle;	/* who waits; the last one to come is the first to go, its stack and memory are still warm */
	bool waking;		/* one was told, and has not come yet */
	bool workers_end;
	atomic_uint connections;
	atomic_ullong requests;
	/* Connections by hash of the peer's address: peers that share a slot share its cap, so memory is fixed. */
	unsigned short peer[PEER_SLOTS];	/* under peers_lock */
	uint8_t peer_key[32];
};

bool server_enqueue(struct server *s, struct job *job);
void server_handle(struct task *t);	/* of a job */
SSL_CTX *server_tls(struct server *s, struct listener *l);
void server_format_address(const struct sockaddr *sa, char out[64], bool with_port);

void conn_open(struct loop *l, struct listener *listener, int fd, const struct sockaddr *sa);
/* Hands a request to the workers. false: too many wait; the request is gone. */
bool conn_dispatch(struct conn *c, struct http_request *req, int32_t stream, bool keep_alive);
void conn_close(struct conn *c);
/* The watermark may cut a TLS record in two: its rest then lies decrypted in OpenSSL, and no socket event will tell of it. Takes it into
 * the input. false: nothing was left.
 */
bool conn_take_pending(struct conn *c);
void conn_deadline(struct conn *c, int64_t ns_from_now);
/* Behind the last byte that was sent: shuts our side and waits for the peer's. */
void conn_linger(struct conn *c);
void conn_reply(struct job *job);
void conn_discard(struct job *job);
void conn_close_all(struct loop *l);
void loop_drain(struct loop *l);

/* HTTP/2 of a connection, from the end of its TLS handshake. Each may close it. */
void conn2_open(struct conn *c);
void conn2_read(struct conn *c);
void conn2_written(struct conn *c);
void conn2_reply(struct conn *c, struct job *job);	/* takes the response and its arena */
void conn2_expired(struct conn *c);
void conn2_drain(struct conn *c);
