/* challenge.h - the handshake's memory, sealed into the cookie: a server keeps nothing for strangers.
 *
 * The cookie is base64url(epoch || nonce || AES-256-GCM(version, tee, id, expiry, hash, nonce, text)). The key of an epoch (one
 * hour) is derived from a key that all replicas share through the store, so any of them can finish what another began. A
 * cookie can be used until it expires; that it succeeds at most once is for the session record to say.
 */
#pragma once
#include "base/secret.h"
#include "base/sys.h"
#include "crypto/digest.h"
#include "kbs/rcar.h"

#define CHALLENGE_NONCE 32u
#define CHALLENGE_COOKIE_MAX 512u	/* without a text of its own */
#define CHALLENGE_TEXT_MAX   2600u	/* a cookie of 4,096 bytes is what clients keep */

struct challenge {
	enum rcar_version version;
	const char *tee;
	uint8_t id[16];		/* names the session record: in order of time, then random */
	uint8_t nonce[CHALLENGE_NONCE];
	struct slice text;	/* what the guest was asked instead; p == NULL: the nonce in base64 */
	enum digest_alg hash;	/* 0: the default */
	int64_t expires_s;
};

/* What stands in the message as its nonce; p == NULL without memory. */
struct slice challenge_text(const struct challenge *c, struct arena *a);

struct challenge_sealer;

/* key: 32 bytes, the same in all replicas; borrowed until the sealer is closed. Thread-safe. */
RC challenge_sealer_open(const struct secret *key, struct challenge_sealer **out, struct why *w);
void challenge_sealer_close(struct challenge_sealer *s);

/* Fills id and nonce with random bytes. */
RC challenge_new(enum rcar_version version, const char *tee, enum digest_alg hash, int64_t expires_s, struct challenge *out,
		 struct why *w);
/* E_LIMIT challenge.text: too long for a cookie. */
RC challenge_seal(struct challenge_sealer *s, const struct challenge *c, int64_t now_s, struct arena *a, struct slice *cookie,
		  struct why *w);
/* E_UNAUTH challenge.malformed, challenge.tampered, challenge.expired. */
RC challenge_open(struct challenge_sealer *s, struct slice cookie, int64_t now_s, struct arena *a, struct challenge *out,
		  struct why *w);
