/* serve.h - the vendors of lab/vendor.h on a socket of this host, and of no other.
 *
 * Plain blocking sockets, so that a fault is what it says to the byte: half a body, no answer, an answer that is late. One thread a
 * connection, SERVE_CONNECTIONS_MAX of them at once, each closed behind its answer.
 */
#pragma once
#include "base/why.h"

#define SERVE_CONNECTIONS_MAX 64u

struct vendor;

struct serve_config {
	const char *listen;	/* "127.0.0.1:PORT", "[::1]:PORT"; port 0: the system chooses */
	unsigned idle_s;	/* ends when nobody asks for so long; 0: 600 */
	/* Called once it listens, with "127.0.0.1:PORT". */
	void (*ready)(void *ctx, const char *address);
	void *ctx;
};

/* Returns when it was idle for idle_s. E_DENIED lab.listen: not an address of this host itself; E_UNAVAILABLE lab.socket. */
RC lab_serve(struct vendor *v, const struct serve_config *c, struct why *w);
