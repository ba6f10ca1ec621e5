/* store.h - the one contract of storage: bytes under (namespace, key), changed in atomic, durable batches.
 *
 * Back ends: memory, sqlite, files, postgres. All pass the one suite in store/test_contract.c. Thread-safe. A value is
 * opaque; what is secret was encrypted above (kms/). Namespaces: [a-z0-9_]{1,64}. Keys: 1 to 512 bytes of printable
 * ASCII. A name that is neither is E_MALFORMED store.namespace or store.key; a size over a limit is E_LIMIT store.size.
 *
 * Namespaces that begin with `shared_` are those that tools may read and write beside the process that owns the store
 * (store_open_sqlite_shared); a batch is on such namespaces alone, or on none of them (E_INTERNAL store.argument).
 *
 * A batch is all or nothing, and durable when store_commit() returns OK; concurrent batches share one sync
 * (group commit). Its operations apply in order, and each sees what those before it did, so a key may come twice.
 * Expired values are not seen, and are removed in passing. A revision is never used twice for one key, not even after
 * the key was deleted and made again.
 */
#pragma once
#include <pthread.h>

#include "base/sys.h"
#include "base/why.h"

struct store;

#define STORE_NS_MAX 64u
#define STORE_KEY_MAX 512u
#define STORE_VALUE_MAX ((size_t)16 << 20)
#define STORE_BATCH_MAX 4096u	/* operations of one batch */
#define STORE_BATCH_BYTES_MAX ((size_t)64 << 20)

enum store_op_kind {
	STORE_PUT,	/* insert or replace */
	STORE_INSERT,	/* the whole batch is refused (E_DENIED store.exists) when the key is there */
	STORE_CAS,	/* the batch is refused (E_DENIED store.changed) unless the revision is if_rev; 0: absent */
	STORE_DELETE,	/* the batch is refused (E_NOTFOUND store.absent) when the key is absent */
	STORE_ERASE,	/* delete; absent is fine */
};

struct store_op {
	enum store_op_kind kind;
	const char *ns, *key;
	struct slice value;
	uint64_t if_rev;
	int64_t expires_s;	/* unix seconds; 0: never */
};

/* E_UNAVAILABLE store.down, store.full, store.locked: nothing was changed. */
RC store_commit(struct store *s, const struct store_op *ops, size_t n, struct why *w);
/* The same; where an operation refused the batch, *refused is its place among ops (for a caller who merged the wishes
 * of several others into one batch). */
RC store_commit_at(struct store *s, const struct store_op *ops, size_t n, size_t *refused, struct why *w);
/* How a change becomes durable when more must be durable with it: a room that makes operations hands them to whoever adds his own,
 * such as the record of an administrator's change, and commits all as one batch. */
struct store_committer {
	rc (*commit)(void *ctx, const struct store_op *ops, size_t n, struct why *w);
	void *ctx;
};
/* by NULL: nothing goes with them. */
RC store_commit_by(struct store *s, const struct store_committer *by, const struct store_op *ops, size_t n, struct why *w);
/* E_NOTFOUND store.absent. rev and expires_s may be NULL. The value is copied into the arena. */
RC store_get(struct store *s, const char *ns, const char *key, struct arena *a, struct slice *value, uint64_t *rev,
	     int64_t *expires_s, struct why *w);
/* Keys with the prefix, in byte order, behind `after` (NULL: from the start), at most `limit`. */
RC store_list(struct store *s, const char *ns, const char *prefix, const char *after, size_t limit, struct arena *a,
	      char ***keys, size_t *n, struct why *w);
/* Accepts NULL. */
void store_close(struct store *s);
/* Cheap: can it be written now? For readiness. */
RC store_health(struct store *s, struct why *w);

/* One-operation forms. */
RC store_put(struct store *s, const char *ns, const char *key, struct slice value, struct why *w);
RC store_insert(struct store *s, const char *ns, const char *key, struct slice value, int64_t expires_s, struct why *w);
RC store_delete(struct store *s, const char *ns, const char *key, struct why *w);

RC store_open_memory(const struct clock *clock, struct store **out, struct why *w);
/* path: the database file; made 0600 when absent, refused (E_DENIED store.permissions) when others can read it. Commits are
 * durable in a journal beside it (path.j0, path.j1) and move into the database seconds later and at the close. One process
 * owns it: a second one is refused, E_UNAVAILABLE store.locked. A newer schema than ours is E_UNSUPPORTED store.schema. */
RC store_open_sqlite(const char *path, const struct clock *clock, struct store **out, struct why *w);
/* Beside the process that owns it: for command line tools. The file must exist (E_NOTFOUND store.absent). Writes on shared_
 * namespaces only (E_DENIED store.not-shared); what it reads elsewhere may be some seconds old. */
RC store_open_sqlite_shared(const char *path, const struct clock *clock, struct store **out, struct why *w);
/* dir: the layout of spec kbs.md 9 (LocalFs): <dir>/<namespace>/<key>, `/` in a key written \x2F. One process owns it. */
RC store_open_files(const char *dir, const struct clock *clock, struct store **out, struct why *w);
/* conninfo: as libpq takes it. TLS with a verified server is the default (sslmode=verify-full), save over a Unix socket;
 * the string may say otherwise. Makes its table, warrant_kv. Any number of processes. E_UNSUPPORTED store.postgres in a
 * build without libpq. */
RC store_open_postgres(const char *conninfo, const struct clock *clock, struct store **out, struct why *w);

/* What a back end implements; store.c checks names, sizes and arguments once for all. *refused is set with
 * E_DENIED and E_NOTFOUND of commit. */
struct store_vtable {
	const char *name;
	RC (*commit)(struct store *s, const struct store_op *ops, size_t n, int64_t now_s, size_t *refused,
		     struct why *w);
	RC (*get)(struct store *s, const char *ns, const char *key, int64_t now_s, struct arena *a, struct slice *value,
		  uint64_t *rev, int64_t *expires_s, struct why *w);
	RC (*list)(struct store *s, const char *ns, const char *prefix, const char *after, size_t limit, int64_t now_s,
		   struct arena *a, char ***keys, size_t *n, struct why *w);
	RC (*health)(struct store *s, struct why *w);
	void (*close)(struct store *s);
};

struct store {
	const struct store_vtable *vt;
	const struct clock *clock;
};

/* For back ends: a lock on which writers do not starve behind readers. */
void store_rwlock_init(pthread_rwlock_t *lock);
/* For back ends: the refusals that all of them word alike. */
RC store_refuse_exists(const struct store_op *op, struct why *w);
RC store_refuse_changed(const struct store_op *op, uint64_t found, struct why *w);	/* found 0: absent */
RC store_refuse_absent(const char *ns, const char *key, struct why *w);
RC store_refuse_memory(struct why *w);
/* May the operation be done where the key's revision is `there` (0: absent)? */
RC store_may_apply(const struct store_op *op, uint64_t there, struct why *w);
/* Appends a copy of `key` to a list that list() gives back; *cap begins as 0. */
RC store_keys_push(struct arena *a, char ***keys, size_t *n, size_t *cap, const char *key, struct why *w);
static inline bool store_ns_shared(const char *ns)
{
	return strncmp(ns, "shared_", 7) == 0;
}
static inline bool store_expired(int64_t expires_s, int64_t now_s)
{
	return expires_s && expires_s <= now_s;
}
