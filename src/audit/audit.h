/* audit.h - the append-only Merkle log (RFC 9162 tree) and the decision records.
 *
 * A record is a JSON object. Its leaf hash is SHA-256(0x00 || bytes). audit_append returns only when the record
 * and a signed tree head that covers it are durable; concurrent appends share one commit (group commit), and the
 * caller's own store operations ride in the same batch: a release and its record, or a decision and its guard,
 * happen together or not at all. Thread-safe.
 */
#pragma once
#include <pthread.h>

#include "base/why.h"
#include "codec/json.h"
#include "crypto/pkey.h"
#include "store/store.h"

struct audit;

/* Opens the log in the store's namespaces audit_leaf, audit_node, audit_head; makes an empty one when there is none.
 * `signer` (P-256) is borrowed for the life of the log; heads are ES256. E_DENIED audit.corrupt when head and leaves
 * disagree. */
RC audit_open(struct store *store, const struct pkey *signer, const char *origin, const struct clock *clock,
	      struct audit **out, struct why *w);
void audit_close(struct audit *a);	/* what was begun is finished first */

/* Appends `record` (an object without secrets; time and index are added) and commits `ops` with it.
 * A refused op (store.exists, store.changed, store.absent) refuses this append alone and is returned unchanged.
 * E_MALFORMED audit.record; E_LIMIT audit.size (1 MiB, 1024 ops, 32 MiB with the ops); E_UNAVAILABLE as of the store, and
 * audit.busy when other processes moved the head every time. */
RC audit_append(struct audit *a, const struct json *record, const struct store_op *ops, size_t n_ops, uint64_t *index,
		struct why *w);

/* One append that is begun and answered later. */
struct audit_call {
	const struct json *record;
	const struct store_op *ops;
	size_t n_ops;
	struct arena *arena;	/* for the text of the record; as untouched by others as all the rest until done() */
	struct why *w;
	/* Once, on a thread of the log, or on that of audit_start when nothing could be begun. It must not block: other records wait
	 * behind it. The call is the caller's again. */
	void (*done)(struct audit_call *c, rc r);
	void *ctx;
	uint64_t index;	/* out */
	/* the log's own */
	struct slice body;
	size_t bytes;
	rc result;
	bool waits, ready;	/* somebody sleeps until it is ready */
	pthread_cond_t wake;
	struct audit_call *next;
};

/* As audit_append, without waiting. */
void audit_start(struct audit *a, struct audit_call *c);

struct audit_head {
	uint64_t size;
	uint8_t root[32];
	int64_t time_s;
	struct slice jws;	/* compact JWS over {"origin","size","root","time","prev"}; prev: size of the head before */
};

RC audit_head(struct audit *a, struct arena *arena, struct audit_head *out, struct why *w);
/* Record bytes exactly as hashed. E_NOTFOUND audit.absent. */
RC audit_get(struct audit *a, uint64_t index, struct arena *arena, struct slice *record, struct why *w);
/* RFC 9162 2.1.3 and 2.1.4: audit path and consistency proof; hashes are 32 bytes each, in order. */
RC audit_inclusion(struct audit *a, uint64_t index, uint64_t size, struct arena *arena, struct slice *hashes, struct why *w);
RC audit_consistency(struct audit *a, uint64_t first, uint64_t second, struct arena *arena, struct slice *hashes,
		     struct why *w);

/* Offline: reads every leaf of the store, recomputes the tree, checks the newest and all stored heads.
 * E_DENIED audit.record-changed, record-missing, record-extra, order, root, corrupt, head-missing, head-forged name the
 * record and what differs. A store that was put back whole to an earlier state shows only against a head kept
 * elsewhere: audit_check_consistency. progress(done, total) may be NULL. */
RC audit_verify(struct store *store, const struct pkey *key, void (*progress)(uint64_t, uint64_t), uint64_t *size,
		struct why *w);

/* Pure checks for those who hold a proof: RFC 9162 2.1.3.2, 2.1.4.2. */
void audit_leaf_hash(struct slice record, uint8_t out[32]);
RC audit_check_inclusion(const uint8_t leaf[32], uint64_t index, uint64_t size, struct slice hashes,
			 const uint8_t root[32], struct why *w);
RC audit_check_consistency(uint64_t first, const uint8_t first_root[32], uint64_t second, const uint8_t second_root[32],
			   struct slice hashes, struct why *w);

/* ---- decisions (namespace decision) ---- */

/* A new id: time-ordered, 20 characters [0-9a-z-]. */
RC decision_new_id(const struct clock *clock, char out[24], struct why *w);
/* The JSON of a decision: {id, kind, verdict, class, code, reason, time, facts, why: [frames]}. class is the outermost
 * code ("E_DENIED"), code the stable reason ("snp.measurement"), reason its sentence; time is that of the id. Never
 * secrets. kind: "attest", "release", "admin". NULL without memory. */
struct json *decision_json(struct arena *a, const char *id, const char *kind, const char *verdict, const struct why *why,
			   const struct json *facts);
/* The store operation that keeps it (ride it in audit_append or store_commit). Expires after keep_s. */
struct store_op decision_op(struct arena *a, const char *id, const struct json *decision, int64_t expires_s);
RC decision_get(struct store *store, const char *id, struct arena *a, struct json **out, struct why *w);
/* The text that `kbs-client explain` shows. */
char *decision_render(struct arena *a, const struct json *decision);
