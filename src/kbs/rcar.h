/* rcar.h - the messages of the RCAR handshake, protocol versions 0.1.0 to 0.4.0: reading, and what evidence must be
 * bound to. Pure functions; no state.
 *
 * Spec: kbs.md 2 and kbs-protocol-versions.md. What a peer may choose is fixed by the version it named when it asked
 * for a challenge; nothing is tried across versions.
 */
#pragma once
#include "codec/json.h"
#include "crypto/digest.h"

enum rcar_version { RCAR_010 = 1, RCAR_011, RCAR_020, RCAR_030, RCAR_040 };

#define RCAR_ITEMS_MAX 17u	/* the primary evidence and 16 devices */
#define RCAR_NONCE_MAX 4096u

/* Canonical name of a TEE as its verifier knows it ("azsnpvtpm" is "az-snp-vtpm"); NULL when unknown. Names of plug-ins,
 * "x-..." in lower case, are taken as they are, into the arena: whether there is such a plug-in its verifier says. */
const char *rcar_tee(struct slice name, struct arena *a);

struct rcar_request {
	enum rcar_version version;
	const char *tee;
	const struct json *extra_params;
};

/* E_UNSUPPORTED rcar.version (the text holds "KBS Client Protocol Version Mismatch", which clients look for),
 * rcar.tee; E_MALFORMED json.*. */
RC rcar_parse_request(struct arena *a, struct slice body, struct rcar_request *out, struct why *w);
const char *rcar_version_name(enum rcar_version v);

/* Where the peer names the hashes that it can, `alg` must be one of them and becomes *selected; where it names none, *selected is 0,
 * the default. E_UNSUPPORTED rcar.hash. */
RC rcar_select_hash(const struct rcar_request *q, enum digest_alg alg, enum digest_alg *selected, struct why *w);

/* {"nonce":..,"extra-params":""}, or with {"selected-hash-algorithm":..} when hash is given. */
struct slice rcar_challenge(struct arena *a, struct slice nonce, enum digest_alg selected_or_0);

/* One piece of evidence, with the digests that its report data may hold (any of them is right). */
struct rcar_item {
	const char *tee;
	struct slice evidence;	/* JSON text, as received */
	struct slice digest[2];
	unsigned digest_n;
	const struct json *runtime_data;	/* the object that was hashed: claims of the token */
};

struct rcar_attestation {
	struct rcar_item items[RCAR_ITEMS_MAX];	/* [0] is the primary one; devices follow in the order of their names */
	unsigned items_n;
	const struct json *tee_pubkey;	/* JWK, known members only, {kty, ...} in every version */
	struct slice init_data;		/* TOML text; p == NULL: none */
};

/* `nonce` is the text that the challenge gave. hash 0: SHA-384.
 * E_DENIED rcar.nonce-mismatch; E_UNSUPPORTED rcar.rsa1_5 unless allow_rsa1_5; E_MALFORMED. */
RC rcar_parse_attestation(struct arena *a, struct slice body, enum rcar_version version, const char *tee, struct slice nonce,
			  enum digest_alg hash, bool allow_rsa1_5, struct rcar_attestation *out, struct why *w);
