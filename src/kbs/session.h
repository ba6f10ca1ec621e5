/* session.h - what remains of a successful handshake: the token under the challenge's id, until the challenge expires.
 *
 * Its insertion is the single-use guard: of two attestations on one challenge, one inserts and the other finds it.
 */
#pragma once
#include "kbs/challenge.h"
#include "store/store.h"

#define SESSION_NS "kbs_session"

struct session {
	struct slice token;
	enum rcar_version version;
	struct slice key;	/* RFC 7638 thumbprint of the guest's key, base64url */
	int64_t expires_s;
};

/* The operation that inserts the record; in the arena. */
struct store_op session_op(struct arena *a, const struct challenge *c, const struct session *s);
/* E_NOTFOUND store.absent. */
RC session_get(struct store *store, const struct challenge *c, struct arena *a, struct session *out, struct why *w);
