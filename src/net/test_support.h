/* test_support.h - a server with a certificate of its own, and small clients, for the tests over sockets. */
#pragma once
#include <stdatomic.h>

#include "net/server.h"

struct rig {
	char dir[64];
	char cert[96], key[96];		/* in dir */
	struct tls_config tls;
	struct server_listener listener;
	struct server_config config;	/* change before rig_start */
	struct server *server;
	struct arena *arena;
	struct why why;
};

extern atomic_uint rig_smuggled, rig_served;

/* "/slow" takes 300 ms, "/moved" redirects, "/secret" answers from secret memory, "/big" with a mebibyte, a path that ends in "/thread"
 * with the name of the thread, others with their path. */
bool rig_handle(void *ctx, struct http_request *req, struct http_response *resp);
/* Paths that begin with "/quick". */
bool rig_quick(void *ctx, const struct http_request *req);
void rig_refuse(void *ctx, const char *peer, int status, const char *reason, struct http_response *resp);
/* Deadlines of 300 ms, bodies of 64 KiB, two loops and workers; TLS with a fresh certificate of 127.0.0.1. */
void rig_init(struct rig *r, bool tls);
void rig_start(struct rig *r);
/* Stops the server, removes the folder with all files that are in it. */
void rig_end(struct rig *r);
/* A self-signed certificate of 127.0.0.1 and localhost, and its key. */
void make_certificate(const char *cert_path, const char *key_path);
unsigned short rig_port(const struct rig *r);
int dial_port(unsigned short port);
/* All that comes until the server closes, at most 3 seconds; NUL-terminated. *closed: it did close. */
size_t read_all(int fd, char *out, size_t max, bool *closed);
/* Runs a shell command, its output in the arena. *status: of the exit. */
char *run_command(struct arena *a, int *status, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
