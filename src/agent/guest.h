/* guest.h - the guest's side of the protocol: a handshake with a broker, and secrets opened with the guest's key.
 *
 * Speaks RCAR 0.4.0. The transport is given, so that a test can stand in for a server.
 *
 * Threads: a guest belongs to one.
 */
#pragma once
#include "agent/attester.h"
#include "base/secret.h"
#include "crypto/pkey.h"

struct http_call {
	const char *method, *path;	/* "/kbs/v0/auth" */
	const char *content_type;	/* NULL: none */
	struct slice body;
	struct slice cookie;		/* value of kbs-session-id; p == NULL: none */
	struct slice bearer;		/* p == NULL: none */
};

struct http_answer {
	int status;
	struct slice body;
	struct slice cookie;		/* kbs-session-id as set by the server; p == NULL: none */
};

struct transport {
	RC (*call)(void *ctx, const struct http_call *call, struct arena *a, struct http_answer *out, struct why *w);
	void *ctx;
};

struct guest {
	struct transport transport;
	const struct attester *attester;
	struct attester_options options;
	const struct pkey *key;		/* private: P-256, P-384, P-521 or RSA; borrowed */
	struct slice init_data;		/* TOML text; p == NULL: none */
	/* after guest_attest */
	struct slice cookie;
	struct slice token;
};

/* auth and attest. E_DENIED with the broker's words and its decision id; E_UNAVAILABLE when it cannot be reached. */
RC guest_attest(struct guest *g, struct arena *a, struct why *w);
/* GET /kbs/v0/<path> with the session's cookie, or with g->token as Bearer when there is no cookie. */
RC guest_get(struct guest *g, const char *path, struct arena *a, struct secret *out, struct why *w);
/* Turns a refusal of a broker into a reason: its words, and the decision that `kbs-client explain` takes. */
RC guest_refused(const struct http_answer *answer, const char *doing, struct arena *a, struct why *w);
