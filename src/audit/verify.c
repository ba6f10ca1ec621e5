/* verify.c - the whole log against its heads, without the program that wrote it.
 *
 * Records are hashed in order; nodes are made anew and compared with the stored ones; at the size of every stored head
 * the root must be the head's, and each head must name the one before it. The newest head is signed, so whoever
 * cannot sign cannot drop, change or add a record without a trace. One thing shows only against a head kept elsewhere:
 * a store that was put back whole to an earlier state (audit_check_consistency is for that).
 */
#include <inttypes.h>

#include "audit/audit_int.h"
#include "base/num.h"
#include "codec/base64.h"

#define PAGE 256u

struct verifier {
	struct store *store;
	const struct pkey *key;
	struct edge edge;
	uint64_t covered; /* size of the head that was checked last */
	uint64_t total;
	bool any;
	uint8_t last_head[HASH]; /* hash of the head that was checked last */
	struct arena *a;         /* one page */
	void (*progress)(uint64_t, uint64_t);
};

/* A tile made from the records against the stored one. */
static rc compare_tile(void *ctx, unsigned level, uint64_t index, struct slice hashes, struct why *w)
{
	struct verifier *v = ctx;
	struct arena_mark m = arena_mark(v->a);
	struct slice stored;
	rc r = tile_read(v->store, level, index, hashes.n / HASH, v->a, &stored, w);

	for (size_t i = 0; rc_ok(r) && i < hashes.n / HASH; i++) {
		uint64_t at = index * TILE + i;

		if (memcmp(stored.p + i * HASH, hashes.p + i * HASH, HASH) == 0)
			continue;
		r = level == 0 ? deny(w, E_DENIED, "audit.record-changed",
		                      "record %" PRIu64 " has another hash than when it was written", at)
		               : deny(w, E_DENIED, "audit.corrupt",
		                      "node %" PRIu64 " of level %u is not made of its records", at, level);
	}
	arena_reset(v->a, m);
	return r;
}

static rc check_record(struct verifier *v, uint64_t index, const struct audit_head *head, struct why *w)
{
	const struct edge_sink sink = {compare_tile, v};
	struct arena_mark m = arena_mark(v->a);
	uint8_t leaf[HASH];
	char key[KEY_SIZE];
	struct slice bytes;
	rc r;

	leaf_key(index, key);
	r = store_get(v->store, NS_LEAF, key, v->a, &bytes, NULL, NULL, w);
	if (r.code == E_NOTFOUND)
		return deny(w, E_DENIED, "audit.record-missing",
		            "record %" PRIu64 " is not there; the head of size %" PRIu64 " covers it", index,
		            head->size);
	TRY(r);
	TRY(record_check(v->a, bytes, index, w));
	audit_leaf_hash(bytes, leaf);
	arena_reset(v->a, m);
	TRY(edge_append(&v->edge, leaf, &sink, w));
	if (v->progress && (index + 1) % 1024 == 0)
		v->progress(index + 1, v->total);
	return rc_of(OK);
}

static rc check_head(struct verifier *v, const char *key, struct why *w)
{
	char want[KEY_SIZE];
	uint8_t root[HASH];
	struct slice jws;
	struct head h;

	TRY(store_get(v->store, NS_HEAD, key, v->a, &jws, NULL, NULL, w));
	TRY(head_open(v->key, jws, v->a, &h, w));
	head_key(h.pub.size, want);
	if (strcmp(want, key) != 0)
		return deny(w, E_DENIED, "audit.head-forged", "the head stored as size %s is of size %" PRIu64, key,
		            h.pub.size);
	if (h.prev != v->covered || (!v->any && h.pub.size != 0))
		return deny(w, E_DENIED, "audit.head-missing",
		            "the head of size %" PRIu64 " follows one of size %" PRIu64
		            ", the one before it in the store has %" PRIu64,
		            h.pub.size, h.prev, v->covered);
	for (uint64_t i = v->edge.size; i < h.pub.size; i++)
		TRY(check_record(v, i, &h.pub, w));
	edge_root(&v->edge, root);
	if (memcmp(root, h.pub.root, HASH) != 0) {
		rc r = deny(w, E_DENIED, "audit.root",
		            "records %" PRIu64 " to %" PRIu64 " do not give the root of the head of size %" PRIu64,
		            v->covered, h.pub.size ? h.pub.size - 1 : 0, h.pub.size);

		why_compared(w, "root", hex_text(v->a, slice_of(root, HASH)),
		             hex_text(v->a, slice_of(h.pub.root, HASH)));
		return r;
	}
	v->covered = h.pub.size;
	v->any = true;
	audit_leaf_hash(jws, v->last_head);
	return rc_of(OK);
}

static rc check_heads(struct verifier *v, struct why *w)
{
	char after[KEY_SIZE] = "", **keys;
	size_t n;

	do {
		struct arena_mark page = arena_mark(v->a), keep;

		TRY(store_list(v->store, NS_HEAD, "0", after, PAGE, v->a, &keys, &n, w));
		for (size_t i = 0; i < n; i++) {
			if (strlen(keys[i]) >= sizeof(after))
				return deny(w, E_DENIED, "audit.head-forged", "a head is stored as \"%s\"", keys[i]);
			memcpy(after, keys[i], strlen(keys[i]) + 1);
			keep = arena_mark(v->a);
			TRY(check_head(v, after, w));
			arena_reset(v->a, keep);
		}
		arena_reset(v->a, page);
	} while (n == PAGE);
	return rc_of(OK);
}

/* Nothing may lie beyond the newest head. */
static rc check_end(struct verifier *v, struct why *w)
{
	const struct edge_sink sink = {compare_tile, v};
	char after[KEY_SIZE], **keys;
	size_t n;

	TRY(edge_flush(&v->edge, UINT64_MAX, &sink, w));
	leaf_key(v->covered ? v->covered - 1 : 0, after);
	TRY(store_list(v->store, NS_LEAF, NULL, v->covered ? after : NULL, 1, v->a, &keys, &n, w));
	if (n)
		return deny(w, E_DENIED, "audit.record-extra", "record %s is beyond the newest head, of size %" PRIu64,
		            keys[0], v->covered);
	return rc_of(OK);
}

static rc verify(struct verifier *v, struct why *w)
{
	uint8_t latest_hash[HASH];
	struct slice latest;
	struct head h;
	char **keys;
	size_t n;
	rc r = store_get(v->store, NS_HEAD, KEY_LATEST, v->a, &latest, NULL, NULL, w);

	if (r.code == E_NOTFOUND) {
		TRY(store_list(v->store, NS_LEAF, NULL, NULL, 1, v->a, &keys, &n, w));
		return n ? deny(w, E_DENIED, "audit.head-missing", "there are records but no newest head")
		         : deny(w, E_NOTFOUND, "audit.absent", "the store holds no log");
	}
	TRY(r);
	TRY(head_open(v->key, latest, v->a, &h, w));
	v->total = h.pub.size;
	audit_leaf_hash(latest, latest_hash);
	TRY(check_heads(v, w));
	if (memcmp(latest_hash, v->last_head, HASH) != 0)
		return deny(w, E_DENIED, "audit.head-missing",
		            "the newest head has size %" PRIu64 ", the last one in the history %" PRIu64, h.pub.size,
		            v->covered);
	TRY(check_end(v, w));
	if (v->progress)
		v->progress(v->total, v->total);
	return rc_of(OK);
}

rc audit_verify(struct store *store, const struct pkey *key, void (*progress)(uint64_t, uint64_t), uint64_t *size,
                struct why *w)
{
	struct arena *a = arena_new((size_t)64 << 20);
	struct verifier *v = ARENA_NEW(a, struct verifier);
	rc r;

	if (v) {
		*v = (struct verifier){.store = store, .key = key, .a = a, .progress = progress};
		r = verify(v, w);
	} else {
		r = store_refuse_memory(w);
	}
	if (rc_ok(r) && size)
		*size = v->covered;
	arena_free(a);
	return note(w, r, "verifying the audit log");
}
