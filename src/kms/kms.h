/* kms.h - secrets at rest: one interface, many back ends. This header is the host's side; include/warrant/kms.h is
 * what a back end implements.
 *
 * A secret has a name "repo/type/tag" (spec kbs.md 8.1: each part [A-Za-z0-9_-][A-Za-z0-9_.-]*), and versions 1, 2, ...
 * The newest is served. Back end `kvstore` keeps AES-256-GCM ciphertexts in the store: a data key per secret version,
 * wrapped under the master key; AAD binds name and version. It keeps the newest 64 versions of a secret; deleting one
 * removes all of them, and a secret made again begins at version 1. Thread-safe.
 *
 * A back end that cannot do what is asked is E_UNSUPPORTED kms.unsupported.
 */
#pragma once
#include "base/secret.h"
#include "base/why.h"
#include "store/store.h"
#include "warrant/kms.h"

struct kms;

#define KMS_SECRET_MAX ((size_t)8 << 20)

/* Where the master key comes from: a 0600 file now; TPM, PKCS#11 or a KMS seal can stand behind the same table. */
struct kms_seal {
	const char *name;
	/* Yields the 32-byte key. */
	RC (*unseal)(void *ctx, struct secret *key, struct why *w);
	void *ctx;
};

/* Reads the 32-byte key file (0600), or makes it when absent. `path` is borrowed. */
struct kms_seal kms_seal_file(const char *path);

/* Before the first unseal of a file: E_DENIED kms.master-key when it is absent and the store is sealed already. A new key would open
 * nothing, and would stand where the old one has to be put back. */
RC kms_expect_master(struct store *store, const char *path, struct why *w);

/* `store` is borrowed. E_DENIED kms.master-key when the store's secrets are sealed under another key. */
RC kms_open_kvstore(struct store *store, const struct kms_seal *seal, struct kms **out, struct why *w);
/* Any back end of the public table. `store` for one that plans operations on it, else NULL. E_UNSUPPORTED kms.abi. Takes
 * `self` over only when it succeeds. */
RC kms_open_table(const struct warrant_kms *table, void *self, struct store *store, struct kms **out, struct why *w);
void kms_close(struct kms *k);

/* E_MALFORMED kms.name. Checks one path part, or the whole of three. */
RC kms_check_name(struct slice repo, struct slice type, struct slice tag, struct why *w);

/* Newest version when version is 0. E_NOTFOUND kms.absent; E_DENIED kms.integrity; E_UNAVAILABLE. */
RC kms_get(struct kms *k, const char *name, uint64_t version, struct secret *out, uint64_t *got_version, struct why *w);
/* Stores a new version. `extra` operations ride in the same durable batch. */
RC kms_put(struct kms *k, const char *name, struct slice value, const struct store_op *extra, size_t n_extra,
	   uint64_t *version, struct why *w);
/* All versions. E_NOTFOUND kms.absent. */
RC kms_delete(struct kms *k, const char *name, struct why *w);
RC kms_health(struct kms *k, struct why *w);
/* The operations of a put or a delete, for a caller that commits them itself (audit_append). In the arena. The commit
 * is refused with store.changed when another writer was faster: plan again. */
RC kms_put_ops(struct kms *k, const char *name, struct slice value, struct arena *a, struct store_op **ops, size_t *n,
	       uint64_t *version, struct why *w);
RC kms_delete_ops(struct kms *k, const char *name, struct arena *a, struct store_op **ops, size_t *n, struct why *w);
/* Names with the prefix, in order. */
RC kms_list(struct kms *k, const char *prefix, const char *after, size_t limit, struct arena *a, char ***names, size_t *n,
	    struct why *w);
