/* audit_int.h - shared by the parts of the log: tree, heads, appending, proofs, verification.
 *
 * Stored form. Records: audit_leaf/<index, 20 digits>. Nodes: tiles of 16 hashes, audit_node/<level>/<index, 16 hex
 * digits>; the entry i of a tile of level L is the root of the perfect subtree of 16^L leaves, so a tile grows and
 * is never rewritten otherwise, and a proof reads O(log n) of them. Heads: audit_head/<size, 20 digits>, each naming
 * the size of the one before it, and audit_head/latest, which moves by compare-and-swap.
 */
#pragma once
#include "audit/audit.h"

#define HASH 32u
#define TILE 16u	/* hashes of a tile */
#define TILE_BITS 4u
#define TILE_LEVELS 16u	/* 16 levels of 4 bits: any 64-bit size */

#define NS_LEAF "audit_leaf"
#define NS_NODE "audit_node"
#define NS_HEAD "audit_head"
#define KEY_LATEST "!latest"	/* before the numbers: a new number is the highest key, which a store can tell without a look */
#define KEY_SIZE 24u

void leaf_key(uint64_t index, char out[KEY_SIZE]);
void tile_key(unsigned level, uint64_t index, char out[KEY_SIZE]);
void head_key(uint64_t size, char out[KEY_SIZE]);

/* ---- tree.c ---- */

/* The right edge of a tree: the unfinished tile of each level. All that appending needs. */
struct edge {
	uint64_t size;
	uint8_t tile[TILE_LEVELS][TILE][HASH];
};

/* Called for each tile that became full, then by edge_flush for the unfinished ones. */
struct edge_sink {
	rc (*tile)(void *ctx, unsigned level, uint64_t index, struct slice hashes, struct why *w);
	void *ctx;
};

RC edge_append(struct edge *e, const uint8_t leaf[HASH], const struct edge_sink *sink, struct why *w);
/* The unfinished tiles that hold anything appended since the size was `from`. */
RC edge_flush(const struct edge *e, uint64_t from, const struct edge_sink *sink, struct why *w);
void edge_root(const struct edge *e, uint8_t out[HASH]);
/* Reads the edge of a tree of that size. E_DENIED audit.corrupt. */
RC edge_load(struct store *s, uint64_t size, struct edge *out, struct why *w);

void node_hash(const uint8_t left[HASH], const uint8_t right[HASH], uint8_t out[HASH]);
/* Root of n hashes, 1 <= n <= TILE, a power of two. */
void perfect_root(const uint8_t (*hash)[HASH], size_t n, uint8_t out[HASH]);
/* Reads at least `need` hashes of a tile. E_DENIED audit.corrupt. */
RC tile_read(struct store *s, unsigned level, uint64_t index, size_t need, struct arena *a, struct slice *out,
	     struct why *w);

/* ---- log.c ---- */

struct store *audit_store(const struct audit *l);

/* ---- head.c ---- */

struct head {
	struct audit_head pub;
	uint64_t prev;	/* size of the head before; equal to the own size for the first */
	struct slice origin;
};

RC head_sign(const struct pkey *signer, const char *origin, uint64_t size, uint64_t prev, const uint8_t root[HASH],
	     int64_t time_s, struct arena *a, struct slice *jws, struct why *w);
/* Strict. E_DENIED audit.head-forged when it is malformed or not signed by the key. Borrows jws. */
RC head_open(const struct pkey *key, struct slice jws, struct arena *a, struct head *out, struct why *w);
/* The same without the signature, for the fuzzer: what a head may look like. */
RC head_parse(struct slice payload, struct arena *a, struct head *out, struct why *w);

/* ---- record.c ---- */

/* The bytes of a record: {"index":N,"time":"...", then `body`, the members of the caller's object without braces. */
struct slice record_bytes(struct arena *a, uint64_t index, int64_t time_s, struct slice body);
/* E_MALFORMED audit.record: no object, or with members "index" or "time" of its own. */
RC record_body(struct arena *a, const struct json *record, struct slice *body, struct why *w);
/* E_DENIED audit.record-changed, audit.order. */
RC record_check(struct arena *a, struct slice bytes, uint64_t index, struct why *w);
