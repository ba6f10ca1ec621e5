/* kbs.h - the key broker: handshake, attested sessions, resources under policy, administration.
 *
 * No socket and no HTTP status in here: api/kbs_http maps results, tests and fuzzers call these functions directly.
 * Thread-safe. Nothing is kept for a peer before its evidence has verified (challenge.h); a secret leaves only after its
 * audit record is durable.
 *
 * Spec: kbs.md; where we part from the reference: ARCHITECTURE.md, "Wire compatibility".
 */
#pragma once
#include "as/as.h"
#include "audit/audit.h"
#include "kbs/admin.h"
#include "kbs/token.h"
#include "kms/kms.h"
#include "rvps/rvps.h"
#include "store/store.h"

struct kbs;

struct kbs_env {
	struct store *store;
	struct as *as;		/* NULL: passport model, tokens of others only */
	struct kms *kms;
	struct audit *audit;
	struct rvps *rvps;	/* NULL without `as` */
	const struct secret *challenge_key;	/* 32 bytes, the same in all replicas; borrowed */
	const struct clock *clock;
	const struct executor *later;	/* for what may block; NULL: done where it comes up */
};

struct kbs_config {
	unsigned challenge_min;		/* minutes a challenge lives; 0: 5, at most 1440 */
	bool allow_rsa1_5;		/* said in words by the configuration, for 0.1.x clients */
	bool resource_plugin;		/* the resource plug-in is configured */
	struct admin_config admin;
	struct token_config token;
};

RC kbs_open(const struct kbs_env *env, const struct kbs_config *config, struct kbs **out, struct why *w);
void kbs_close(struct kbs *k);

#define KBS_SEGMENTS_MAX 16u

struct kbs_caller {
	struct slice cookie;	/* value of kbs-session-id; p == NULL: none */
	struct slice bearer;	/* JWT of the Authorization header; p == NULL: none */
	const char *peer;	/* address, for records */
};

/* What happened, besides the rc: filled on success and failure. */
struct kbs_outcome {
	const char *type;	/* error type of the wire: "AttestationError", "PolicyDeny", ... */
	char decision[24];	/* id of the verdict, where there was one; "" otherwise */
};

/* ---- handshake ---- */

struct kbs_challenge {
	struct slice body;	/* JSON Challenge */
	struct slice cookie;
	int64_t expires_s;
};

RC kbs_auth(struct kbs *k, struct slice body, struct arena *a, struct kbs_challenge *out, struct kbs_outcome *o, struct why *w);

struct kbs_attested {
	struct slice token;
	struct slice cookie;	/* the same value again */
	int64_t expires_s;
	const char *tee;	/* of the primary evidence */
};

/* One attestation that is begun and answered later. All is in `arena`, and as untouched by others as what is borrowed, until done(). */
struct kbs_attest {
	struct kbs_caller caller;
	struct slice body;
	struct arena *arena;
	struct kbs_outcome *o;
	struct why *w;
	void (*done)(struct kbs_attest *t, rc r);	/* once, on any thread, that of kbs_attest_start too; must not block */
	void *ctx;
	struct kbs_attested reply;	/* when OK */
	struct kbs_attest_work *work;	/* the broker's own */
};

void kbs_attest_start(struct kbs *k, struct kbs_attest *t);
/* The same, and waits. E_UNAUTH kbs.cookie-missing, challenge.*: attest again from the start; E_DENIED: a verdict; E_LIMIT kbs.attempts. */
RC kbs_attest(struct kbs *k, const struct kbs_caller *c, struct slice body, struct arena *a, struct kbs_attested *out,
	      struct kbs_outcome *o, struct why *w);

/* ---- resources ---- */

/* One release that is begun and answered later, as above. */
struct kbs_release {
	struct kbs_caller caller;
	struct slice plugin;
	const struct slice *path;
	size_t path_n;
	const struct json *query;
	struct arena *arena;
	struct kbs_outcome *o;
	struct why *w;
	void (*done)(struct kbs_release *t, rc r);
	void *ctx;
	struct slice jwe;	/* when OK */
	struct slice sealed;	/* the broker's own: what leaves when the record is durable */
	struct audit_call record;
};

void kbs_get_start(struct kbs *k, struct kbs_release *t);
/* The same, and waits. The JWE of resource <path[0]>/<path[1]>/<path[2]> of plug-in `plugin`. E_UNAUTH: no usable token; E_DENIED
 * policy.denied, policy.undefined and the like; E_NOTFOUND; E_UNAVAILABLE when the record could not be made durable. */
RC kbs_get(struct kbs *k, const struct kbs_caller *c, struct slice plugin, const struct slice *path, size_t path_n,
	   const struct json *query, struct arena *a, struct slice *jwe, struct kbs_outcome *o, struct why *w);

/* Is there a plug-in of that name? */
bool kbs_has_plugin(const struct kbs *k, struct slice plugin);

/* ---- administration: the caller was let in by kbs_admin, which names the role for the records ---- */

RC kbs_admin(struct kbs *k, const struct kbs_caller *c, const char *method, struct slice path, struct arena *a,
	     struct admin_identity *who, struct why *w);

RC kbs_put_resource(struct kbs *k, const struct admin_identity *who, const struct slice *path, size_t path_n,
		    struct slice value, struct kbs_outcome *o, struct why *w);
RC kbs_delete_resource(struct kbs *k, const struct admin_identity *who, const struct slice *path, size_t path_n,
		       struct kbs_outcome *o, struct why *w);
RC kbs_list_resources(struct kbs *k, const char *prefix, const char *after, size_t limit, struct arena *a, char ***names,
		      size_t *n, struct why *w);
/* body: {"policy": base64url of Rego}. */
RC kbs_set_resource_policy(struct kbs *k, const struct admin_identity *who, struct slice body, struct kbs_outcome *o,
			   struct why *w);
RC kbs_resource_policy(struct kbs *k, struct arena *a, struct slice *rego, struct why *w);
/* body: {"policy_id", "policy": base64url}. */
RC kbs_set_attestation_policy(struct kbs *k, const struct admin_identity *who, struct slice body, struct kbs_outcome *o,
			      struct why *w);
RC kbs_attestation_policy(struct kbs *k, struct slice id, struct arena *a, struct slice *rego, struct why *w);
RC kbs_list_attestation_policies(struct kbs *k, struct arena *a, char ***ids, size_t *n, struct why *w);
/* body: the register message of rvps.h. */
RC kbs_register_reference_values(struct kbs *k, const struct admin_identity *who, struct slice body, struct kbs_outcome *o,
				 struct why *w);
RC kbs_delete_reference_value(struct kbs *k, const struct admin_identity *who, struct slice id, struct kbs_outcome *o, struct why *w);
RC kbs_list_reference_values(struct kbs *k, const char *after, size_t limit, struct arena *a, char ***names, size_t *n, struct why *w);
RC kbs_reference_value(struct kbs *k, struct slice id, struct arena *a, struct slice *json_text, struct why *w);
/* Trusts a key or certificate (PEM) as an anchor of `set`, e.g. a TPM's attestation key in "tpm-ak". */
RC kbs_add_anchor(struct kbs *k, const struct admin_identity *who, struct slice set, struct slice pem, struct kbs_outcome *o,
		  struct why *w);
/* By the SHA-256 of its SubjectPublicKeyInfo, in hex. */
RC kbs_remove_anchor(struct kbs *k, const struct admin_identity *who, struct slice set, struct slice sha256_hex, struct kbs_outcome *o,
		     struct why *w);
/* "<set>/<digest>". */
RC kbs_list_anchors(struct kbs *k, struct arena *a, char ***names, size_t *n, struct why *w);
RC kbs_decision(struct kbs *k, struct slice id, struct arena *a, struct json **out, struct why *w);

struct audit *kbs_audit(struct kbs *k);
struct as *kbs_as(struct kbs *k);
RC kbs_health(struct kbs *k, struct why *w);
