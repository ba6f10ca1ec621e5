/* as.h - the attestation service: evidence in, a signed EAR token out. What kbs and api may see of it.
 *
 * One evaluation: a worker verifies each piece of evidence, its claims are appraised by policy with reference values,
 * and one token speaks of all. A token is issued whenever every piece verified; what policy thinks of them is in the
 * trustworthiness vectors. Thread-safe; policies are compiled when they are stored, never on the way of a request.
 *
 * Spec: attestation-service.md; tokens: draft-ietf-rats-ear, AR4SI.
 */
#pragma once
#include "base/task.h"
#include "codec/json.h"
#include "crypto/digest.h"
#include "crypto/pkey.h"
#include "rvps/rvps.h"
#include "store/store.h"

struct as;
struct pool;		/* verifier/pool.h */
struct collateral;	/* collateral/collateral.h; may be NULL: none is fetched */

/* For guests of IBM Secure Execution, which are asked by a request that their ultravisor alone can open (evidence/se_challenge.h). */
struct as_se {
	const struct secret *seal_key;		/* 32 bytes, the same in all replicas */
	const struct pkey *const *host_keys;	/* of host key documents that were verified */
	size_t host_keys_n;
	struct slice image_header, image_tags;	/* of the image that is to be attested; the tags are in the header */
};

struct as_config {
	unsigned duration_min;	/* 0: 5 */
	const char *issuer, *developer, *build, *profile;	/* NULL: the reference's texts */
	bool terse_token;	/* leaves additional-evidence out of the token */
	const struct pkey *signer;	/* P-256, private; borrowed */
	const struct json *x5c;	/* array of base64 DER, leaf first; or NULL */
	const char *x5u;	/* or NULL */
	bool insecure_sample;	/* stamped into every token: "warrant.insecure" */
	unsigned verify_timeout_ms;	/* 0: 10,000 */
	const struct as_se *se;	/* NULL: Secure Execution guests are not asked */
	int64_t stale_s;	/* how long behind its nextUpdate collateral still counts; the claims say so */
};

struct as_env {
	struct store *store;
	struct rvps *rvps;
	struct pool *pool;
	struct collateral *collateral;
	const struct clock *clock;
	const struct executor *later;	/* for what may block, such as fetching collateral; NULL: done where it comes up */
	bool store_far;		/* reading it may take long: appraisal, which reads, blocks too */
};

RC as_open(const struct as_env *env, const struct as_config *config, struct as **out, struct why *w);
void as_close(struct as *as);

#define AS_EVIDENCE_MAX 17u

/* One piece of evidence and what it must be bound to. */
struct as_evidence {
	const char *tee;
	struct slice evidence;		/* JSON text */
	struct slice report_data[4];	/* unpadded; any of them is right; n 0: not compared */
	unsigned report_data_n;
	const struct json *runtime_claims;	/* what was hashed, for the token; NULL: null */
	struct slice init_toml;		/* p == NULL: none */
	struct slice init_digest;	/* instead of init_toml */
	struct slice challenge;		/* of as_challenge(): what the evidence must answer; p == NULL: any of ours */
};

enum ear_tier { EAR_NONE = 0, EAR_AFFIRMING = 2, EAR_WARNING = 32, EAR_CONTRAINDICATED = 96 };

struct as_result {
	struct slice token;		/* compact JWS */
	const struct json *payload;	/* what it says */
	enum ear_tier status;		/* the worst of all submodules */
	const struct json *appraisal;	/* for the decision record: per submodule and claim, why it is not affirming */
	const struct json *init_data_not_bound;	/* for the same: submodules whose evidence does not bind the init-data given; or NULL */
	int64_t expires_s;
};

/* What a guest of this TEE is asked instead of a nonce, as JSON text; p == NULL for all but "se". E_UNSUPPORTED as.se: the service
 * is not set up for it. */
RC as_challenge(struct as *as, const char *tee, int64_t expires_s, struct arena *a, struct slice *out, struct why *w);

/* One evaluation that is begun and answered later. */
struct as_call {
	const char *id;		/* becomes the token's jti */
	const struct as_evidence *evidence;
	size_t n;
	const char *policy_id;	/* NULL: "default" */
	struct arena *arena;	/* as untouched by others as all that is borrowed, until done() */
	struct why *w;
	/* Once, on any thread, that of as_start too; for how long it may block see pool_call (verifier/pool.h). The call is the
	 * caller's again. */
	void (*done)(struct as_call *c, rc r);
	void *ctx;
	struct as_result result;
	struct as_work *work;	/* the service's own */
};

void as_start(struct as *as, struct as_call *c);
/* The same, and waits for the answer.
 * E_DENIED, E_MALFORMED ... of the verifiers; E_DENIED as.policy-absent, as.policy-undefined, rego.budget,
 * rego.error: no appraisal, so no token; E_UNAVAILABLE as.policy-broken, verifier pool, or store. */
RC as_evaluate(struct as *as, const char *id, const struct as_evidence *evidence, size_t n, const char *policy_id,
	       struct arena *a, struct as_result *out, struct why *w);

/* Stores after compiling; E_MALFORMED as.policy with "file:line:col: message" when it does not compile. The id is
 * [A-Za-z0-9._-]{1,128}. */
RC as_set_policy(struct as *as, struct slice id, struct slice rego, const struct store_committer *by, struct why *w);
RC as_policy_text(struct as *as, struct slice id, struct arena *a, struct slice *out, struct why *w);
RC as_list_policies(struct as *as, struct arena *a, char ***ids, size_t *n, struct why *w);

/* Anchors that operators add while the service runs, in namespace trust_anchor: the SHA-256 of the SubjectPublicKeyInfo of a PEM key
 * or certificate, under a set that verifiers know ("tpm-ak", "tpm-ek-root", ...). E_MALFORMED as.anchor; E_LIMIT as.anchors;
 * E_NOTFOUND as.anchor-absent. As above, `by` may be NULL. */
RC as_add_anchor(struct as *as, struct slice set, struct slice pem, const struct store_committer *by, struct why *w);
RC as_remove_anchor(struct as *as, struct slice set, struct slice sha256_hex, const struct store_committer *by, struct why *w);
RC as_list_anchors(struct as *as, struct arena *a, char ***names, size_t *n, struct why *w);

/* {"keys":[JWK]} */
RC as_jwks(struct as *as, struct arena *a, struct slice *out, struct why *w);
const struct pkey *as_signer(const struct as *as);
const char *ear_tier_name(enum ear_tier t);
