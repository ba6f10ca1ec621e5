/* remote.h - the broker that a command talks to: URL, trust, admin token. The server is verified before anything is sent.
 *
 * Threads: one.
 */
#pragma once
#include "agent/guest.h"
#include "cli/cli.h"

#define REMOTE_DEFAULT_URL "http://127.0.0.1:8080"

struct remote_options {
	const char *url;	/* NULL: the default */
	const char *cert_file;	/* extra root, PEM; NULL: the system's */
};

/* The options before the sub-command; set once by main. */
extern struct remote_options remote_options;

struct remote;

RC remote_open(const struct remote_options *o, struct remote **out, struct why *w);
void remote_close(struct remote *r);
struct transport remote_transport(struct remote *r);

/* A token of a file, trimmed, in the arena. E_MALFORMED client.token when it holds what no header may. */
RC remote_token(const char *file, size_t max_bytes, struct arena *a, struct slice *token, struct why *w);
/* The admin token: the file, else $HOME/.trustee/admin-token, else none with a warning. In the arena, trimmed. */
RC remote_admin_token(const char *file, struct arena *a, struct slice *token, struct why *w);

/* `text` as it may stand in the path or query of a URL: what is no letter, digit, '-', '.', '_' or (with `slashes`) '/' is encoded, so that
 * the broker sees what was typed, and refuses it by name where it is wrong. NULL without memory. */
char *remote_quote(struct arena *a, const char *text, bool slashes);

/* One admin request; anything but 200 is the broker's refusal. */
RC remote_admin(struct remote *r, struct slice token, const char *method, const char *path, const char *content_type,
		struct slice body, const char *doing, struct arena *a, struct slice *reply, struct why *w);
