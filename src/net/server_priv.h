/* server_priv.h - shared by server.c and conn.c. */
#pragma once
#include <event2/bufferevent.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <sys/socket.h>

#include "net/http1.h"
#include "net/server.h"
#include "net/tls.h"

#define PEER_SLOTS 4096u

struct conn;
struct loop;

/* One request on its way through a worker. */
struct job {
	struct job *next;
	struct loop *loop;
	struct conn *conn;	/* NULL once the connection has gone */
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

struct server {
	struct server_config config;
	struct listener *listener;
	struct loop *loop;
	unsigned loops_n;
	pthread_t *worker;
	unsigned workers_n;
	pthread_mutex_t queue_lock, tls_lock, peers_lock;
	pthread_cond_t queue_more;
	struct job *queue, *queue_last;
	unsigned queued;
	bool workers_end;
	atomic_uint connections;
	/* Connections by hash of the peer's address: peers that share a slot share its cap, so memory is fixed. */
	unsigned short peer[PEER_SLOTS];	/* under peers_lock */
};

bool server_enqueue(struct server *s, struct job *job);
SSL_CTX *server_tls(struct server *s, struct listener *l);
void server_format_address(const struct sockaddr *sa, char out[64], bool with_port);

void conn_open(struct loop *l, struct listener *listener, int fd, const struct sockaddr *sa);
void conn_reply(struct job *job);
void conn_discard(struct job *job);
void conn_close_all(struct loop *l);
void loop_drain(struct loop *l);
