/* se_challenge.h - what a Secure Execution guest is asked, and how the server finds its measurement key again.
 *
 * The request goes to the ultravisor, which alone can open it with its host key. The measurement key and the nonce in it are
 * drawn here, and travel with the guest as well: sealed (AES-256-GCM) under a key that only the servers have, with an
 * expiry and an id that ties the two together. So no server remembers anything, and no client can choose a key.
 * The document and its members are those of verifiers.md 13.1; the request is 13.4. Threads: no state.
 */
#pragma once
#include "codec/json.h"
#include "crypto/pkey.h"

#define SE_HOST_KEYS_MAX 31u
#define SE_PAIR_SIZE 80u	/* measurement key 64, nonce 16 */
#define SE_IMAGE_TAGS_SIZE 208u

struct se_challenge_env {
	const struct secret *seal_key;		/* 32 bytes, the same in all replicas */
	const struct pkey *const *host_keys;	/* P-521, of host key documents that were verified */
	size_t host_keys_n;
	struct slice image_tags;		/* pld, ald, tld, tag of the configured image */
	int64_t expires_s;
};

/* E_UNSUPPORTED se.challenge.key: no host key, too many, or not on P-521; E_MALFORMED se.challenge.tags. */
RC se_challenge_make(const struct se_challenge_env *env, struct arena *a, struct json **out, struct why *w);

/* What a driver asks its host for by name: the pair of these two sealed texts, joined by a dot. E_MALFORMED se.parse.sealed: one of
 * them is no base64. */
RC se_challenge_name(struct arena *a, struct slice sealed_key, struct slice sealed_nonce, const char **out, struct why *w);
/* se_challenge_open() by that name. */
RC se_challenge_open_name(const struct secret *seal_key, const char *name, int64_t now_s, struct arena *a, struct secret *pair,
			  struct why *w);

/* The pair of a challenge that this server or a replica made: measurement key, then nonce. The texts are the evidence's
 * encr_measurement_key and encr_request_nonce. E_DENIED se.decrypt.sealed (not ours, changed, of two challenges),
 * se.expired.challenge. */
RC se_challenge_open(const struct secret *seal_key, struct slice sealed_key, struct slice sealed_nonce, int64_t now_s,
		     struct arena *a, struct secret *pair, struct why *w);
