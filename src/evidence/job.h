/* job.h - one verification, as the drivers of this tree see it.
 *
 * Built-in drivers are C functions over this struct; `verifier/registry` puts the public table of
 * include/warrant/verifier.h around plug-ins from outside. A driver reads evidence, bindings, collateral and time
 * from here and adds results; it has no other input.
 */
#pragma once
#include "base/why.h"
#include "codec/json.h"

/* One attested component. The claims object is what stands under the TEE's name in the token, plus the two
 * strings "report_data" and "init_data" that appraisal moves up (attestation-service.md 5.1). */
struct vresult {
	const char *tee_class;	/* "cpu", "gpu", "switch", "ppcie", "dcu" */
	struct json *claims;
};

struct vcollateral {
	const char *kind;	/* "amd-vcek", "amd-crl", "intel-tcb-info", ... one list in docs/collateral.md */
	const char *key;	/* which one; "" where the kind has only one */
	struct slice bytes;	/* p == NULL: the host has none */
};

struct vanchor {
	const char *set;	/* "amd-ark", "intel-sgx-root", "tpm-ak", ... */
	uint8_t sha256[32];	/* of the certificate or the public key, as the set says */
};

#define VJOB_RESULTS_MAX 64u
#define VJOB_WANTS_MAX 64u

/* For replays of recorded evidence whose collateral is lost. What is missing without these is a denial; what is there
 * is enforced in any case. */
#define VJOB_WITHOUT_TCB (1u << 0)	/* TCB info and QE identity: a verdict on signatures alone */
#define VJOB_WITHOUT_CRL (1u << 1)
#define VJOB_WITHOUT_REPORT_DATA (1u << 3)	/* a request that the evidence is bound to, where its TEE demands one */
#define VJOB_WITHOUT_ISSUERS (1u << 2)	/* certificates above those of the evidence: a verdict on its own signatures alone */

struct memo;

struct vjob {
	struct arena *arena;	/* limited; everything of the verdict lives here */
	struct why *why;
	struct slice evidence;
	struct slice report_data[4];	/* any of them is right */
	unsigned report_data_n;		/* 0: not compared */
	struct slice init_data;		/* p == NULL: not compared */
	int64_t now_s;			/* the time of the verdict */
	bool no_time;			/* no validity dates are checked (offline replay of evidence without a time) */
	int64_t stale_s;		/* how long behind its nextUpdate collateral still counts; then the claims say so */
	unsigned without;		/* VJOB_WITHOUT_*: collateral that the caller does without, in words */
	struct memo *memo;		/* of the worker; NULL: nothing is remembered (evidence/memo.h) */
	bool insecure_sample;		/* the configuration allows sample evidence in words */
	const struct vcollateral *collateral;
	size_t collateral_n;
	const struct vanchor *anchors;	/* configured ones; the pinned table is code (evidence/pins.h) */
	size_t anchors_n;
	bool only_configured_anchors;	/* the pinned table does not count: test roots of --trust */
	/* out */
	struct vresult results[VJOB_RESULTS_MAX];
	unsigned results_n;
	struct vcollateral wants[VJOB_WANTS_MAX];	/* bytes unused */
	unsigned wants_n;
};

/* One claim that a driver emits, for docs/claims.md, which is made from these tables and checked by a test. */
struct vclaim {
	const char *path;	/* "policy.nodbg"; "pcrs.*" for any name, "list[]" for each item of an array */
	const char *type;	/* "string", "number", "boolean", "object", "array", "null"; alternatives joined by " or " */
	const char *meaning;
	const char *source;	/* offset in the evidence, or section of the specification */
};

struct vdriver {
	const char *tee;
	RC (*plan)(struct vjob *job);	/* may be NULL */
	bool plan_again;		/* what is at hand names more: the host plans once more with it */
	RC (*verify)(struct vjob *job);
	void (*prepare)(void);	/* what must be loaded before a worker's walls close; NULL: nothing */
	const struct vclaim *claims;	/* ends with a row whose path is NULL; NULL: not documented */
};

/* Claims object of a new result; NULL when there are too many or no memory. */
struct json *vjob_result(struct vjob *job, const char *tee_class);
/* The end of a driver that accepts: OK, or E_INTERNAL job.memory when there was no memory for a part of the claims. */
RC vjob_done(struct vjob *job);
RC vjob_want(struct vjob *job, const char *kind, const char *key);
/* p == NULL when absent. key NULL: the first of the kind. */
struct slice vjob_collateral(const struct vjob *job, const char *kind, const char *key);
/* Is the digest an anchor of the set, pinned or configured? */
bool vjob_anchor(const struct vjob *job, const char *set, const uint8_t sha256[32]);
struct x509;
/* Is a certificate an anchor, itself or by its key? Operators name keys. */
bool vjob_anchor_cert(const struct vjob *job, const char *set, const struct x509 *c);

/* What a refusal of a path is called: "nitro.chain", "nitro.untrusted-root", "nitro.expired". */
struct vpath_reasons {
	const char *chain, *root, *expired;
};
struct x509_path;
/* From leaf through pool to an anchor of the set, as x509_path_build() says. E_DENIED chain or root. Nothing about time or
 * revocation. */
RC vjob_anchored_path(struct vjob *job, const struct x509 *leaf, struct x509 *const *pool, size_t n, const char *set,
		      const struct vpath_reasons *is, struct x509_path *out);
/* The dates of all of it, unless the job does without time. E_DENIED expired. */
RC vjob_path_at(struct vjob *job, const struct x509_path *path, int64_t at_s, const struct vpath_reasons *is);
/* Both, at the time of the verdict. */
RC vjob_trusted_path(struct vjob *job, const struct x509 *leaf, struct x509 *const *pool, size_t n, const char *set,
		     const struct vpath_reasons *is, struct x509_path *out);

enum vfit { FIT_EXACT, FIT_ZERO_PAD, FIT_FIRST };	/* equal length; zeros behind; the first n bytes of a longer digest */

bool vjob_fits(struct slice found, struct slice expected, enum vfit fit);
/* Compares `found` with the expected report data. Nothing expected: OK. `reason` "<tee>.report-data-mismatch". */
RC vjob_check_report_data(struct vjob *job, struct slice found, enum vfit fit, const char *reason);
/* The same for init-data. */
RC vjob_check_init_data(struct vjob *job, struct slice found, enum vfit fit, const char *reason);
/* A driver whose evidence has no field for init-data leaves it alone and emits no claim "init_data": then nothing is bound, and who
 * gave init-data must say so in the verdict. */
bool vresult_binds_init_data(const struct vresult *r);
/* For TEEs whose evidence counts only for the request that it is bound to: E_DENIED `reason` when nothing is expected. */
RC vjob_need_report_data(struct vjob *job, const char *reason);
