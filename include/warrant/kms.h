/* kms.h - the interface of a secret back end: where secrets are kept, behind one table.
 *
 * A secret has a name "repo/type/tag" (each part [A-Za-z0-9_-][A-Za-z0-9_.-]*, checked by the host) and versions
 * 1, 2, ... A back end without versions calls its only one 1. Bytes of a secret pass through memory of the host
 * (`secret`), never through strings, and never into a reason.
 *
 * All slots may be called from several threads at once. `self` is the back end's own; `job` is the handle of one call
 * and good for that call only. Each slot returns a code of enum warrant_code, what `deny` or `note` returned included.
 *
 * ABI: structs begin with `size` and grow only at the end; whoever reads a slot first checks that `size` covers it.
 */
#pragma once
#include "warrant/verifier.h"

#ifdef __cplusplus
extern "C" {
#endif

#define WARRANT_KMS_ABI 1u

enum warrant_kms_op {
	WARRANT_KMS_INSERT = 1,	/* refused when the key exists */
	WARRANT_KMS_CAS = 2,	/* refused unless the revision is if_rev; 0: absent */
	WARRANT_KMS_DELETE = 3,	/* refused when the key is absent */
	WARRANT_KMS_ERASE = 4,
};

struct warrant_kms_host {
	uint32_t abi, size;
	/* n bytes of locked memory for the secret of this job, or NULL. Once a job. n may be 0. */
	uint8_t *(*secret)(void *job, size_t n);
	/* Listing: one name, in byte order. Anything but 0: enough. */
	int32_t (*name)(void *job, const char *name);
	/* Planning: one operation on the broker's store. Copies. */
	int32_t (*op)(void *job, enum warrant_kms_op op, const char *ns, const char *key, struct warrant_bytes value,
		      uint64_t if_rev);
	/* The root cause of a refusal: a stable reason "kms.<class>" and one sentence. Returns `code`. */
	int32_t (*deny)(void *job, int32_t code, const char *reason, const char *text);
	/* One frame of context around it. Returns `code`. */
	int32_t (*note)(void *job, int32_t code, const char *text);
};

struct warrant_kms {
	uint32_t abi, size;
	const char *name;	/* "kvstore", "vault" */
	/* Version 0: the newest. WARRANT_NOTFOUND kms.absent; WARRANT_DENIED kms.integrity; WARRANT_UNAVAILABLE. */
	int32_t (*get)(void *self, const struct warrant_kms_host *host, void *job, const char *name, uint64_t version,
		       uint64_t *got_version);
	/* May be NULL: a back end that is only read. Durable when it returns WARRANT_OK. */
	int32_t (*put)(void *self, const struct warrant_kms_host *host, void *job, const char *name,
		       struct warrant_bytes value, uint64_t *version);
	/* May be NULL. All versions. */
	int32_t (*remove)(void *self, const struct warrant_kms_host *host, void *job, const char *name);
	/* May be NULL. Names with the prefix behind `after` ("": from the start), at most `limit`. */
	int32_t (*list)(void *self, const struct warrant_kms_host *host, void *job, const char *prefix, const char *after,
			uint64_t limit);
	/* May be NULL: always well. */
	int32_t (*health)(void *self, const struct warrant_kms_host *host, void *job);
	/* May be NULL. Ends all use of `self`. */
	void (*close)(void *self);
	/* For a back end that lives in the broker's store; NULL elsewhere. They name through `op` what put and remove
	 * would do, for a caller that commits it together with its own operations. */
	int32_t (*plan_put)(void *self, const struct warrant_kms_host *host, void *job, const char *name,
			    struct warrant_bytes value, uint64_t *version);
	int32_t (*plan_remove)(void *self, const struct warrant_kms_host *host, void *job, const char *name);
};

#ifdef __cplusplus
}
#endif
