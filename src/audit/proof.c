/* proof.c - records and proofs out of the store (RFC 9162 2.1.3.1, 2.1.4.1). A proof reads O(log n) tiles. */
#include <inttypes.h>

#include "audit/audit_int.h"
#include "base/num.h"

struct prover {
	struct store *store;
	struct arena *a;
	struct buf out;
	struct why *w;
};

/* The largest power of two below n; n > 1. */
static uint64_t split(uint64_t n)
{
	return (uint64_t)1 << (63 - __builtin_clzll(n - 1));
}

static rc perfect(struct prover *p, uint64_t lo, unsigned height, uint8_t out[HASH])
{
	unsigned level = height / TILE_BITS;
	size_t n = (size_t)1 << (height % TILE_BITS);
	uint64_t entry = lo >> (level * TILE_BITS);
	uint8_t row[TILE][HASH];
	struct slice tile;
	size_t at = (size_t)(entry % TILE);

	TRY(tile_read(p->store, level, entry / TILE, at + n, p->a, &tile, p->w));
	memcpy(row, tile.p + at * HASH, n * HASH);
	perfect_root(row, n, out);
	return rc_of(OK);
}

/* MTH of the leaves [lo, lo + n). Depth is at most 64: n halves at least every second step. */
static rc subtree(struct prover *p, uint64_t lo, uint64_t n, uint8_t out[HASH])
{
	uint8_t left[HASH], right[HASH];
	uint64_t k;

	if ((n & (n - 1)) == 0)
		return perfect(p, lo, (unsigned)__builtin_ctzll(n), out);
	k = split(n);
	TRY(subtree(p, lo, k, left));
	TRY(subtree(p, lo + k, n - k, right));
	node_hash(left, right, out);
	return rc_of(OK);
}

static rc emit(struct prover *p, uint64_t lo, uint64_t n)
{
	uint8_t h[HASH];

	TRY(subtree(p, lo, n, h));
	buf_put(&p->out, h, HASH);
	return rc_of(OK);
}

static rc path(struct prover *p, uint64_t m, uint64_t lo, uint64_t n)
{
	uint64_t k;

	if (n == 1)
		return rc_of(OK);
	k = split(n);
	if (m < k) {
		TRY(path(p, m, lo, k));
		return emit(p, lo + k, n - k);
	}
	TRY(path(p, m - k, lo + k, n - k));
	return emit(p, lo, k);
}

static rc subproof(struct prover *p, uint64_t m, uint64_t lo, uint64_t n, bool whole)
{
	uint64_t k;

	if (m == n)
		return whole ? rc_of(OK) : emit(p, lo, n);
	k = split(n);
	if (m <= k) {
		TRY(subproof(p, m, lo, k, whole));
		return emit(p, lo + k, n - k);
	}
	TRY(subproof(p, m - k, lo + k, n - k, false));
	return emit(p, lo, k);
}

static rc check_size(struct audit *l, uint64_t size, struct arena *arena, struct why *w)
{
	struct audit_head h;

	TRY(audit_head(l, arena, &h, w));
	if (size > h.size)
		return deny(w, E_NOTFOUND, "audit.absent",
		            "the log has %" PRIu64 " records, asked for a tree of %" PRIu64, h.size, size);
	return rc_of(OK);
}

static rc finish(struct prover *p, struct slice *hashes)
{
	if (!buf_ok(&p->out))
		return store_refuse_memory(p->w);
	*hashes = buf_view(&p->out);
	return rc_of(OK);
}

rc audit_inclusion(struct audit *l, uint64_t index, uint64_t size, struct arena *arena, struct slice *hashes,
                   struct why *w)
{
	struct prover p = {audit_store(l), arena, buf_in(arena, 64 * HASH), w};

	if (index >= size)
		return deny(w, E_NOTFOUND, "audit.absent", "record %" PRIu64 " is not in a tree of %" PRIu64, index,
		            size);
	TRY(check_size(l, size, arena, w));
	TRY(path(&p, index, 0, size));
	return finish(&p, hashes);
}

rc audit_consistency(struct audit *l, uint64_t first, uint64_t second, struct arena *arena, struct slice *hashes,
                     struct why *w)
{
	struct prover p = {audit_store(l), arena, buf_in(arena, 66 * HASH), w};

	if (first > second)
		return deny(w, E_NOTFOUND, "audit.absent", "a tree of %" PRIu64 " is not part of one of %" PRIu64,
		            first, second);
	TRY(check_size(l, second, arena, w));
	if (first > 0 && first < second)
		TRY(subproof(&p, first, 0, second, true));
	return finish(&p, hashes);
}

rc audit_get(struct audit *l, uint64_t index, struct arena *arena, struct slice *record, struct why *w)
{
	char key[KEY_SIZE];
	rc r;

	leaf_key(index, key);
	r = store_get(audit_store(l), NS_LEAF, key, arena, record, NULL, NULL, w);
	if (r.code == E_NOTFOUND)
		return deny(w, E_NOTFOUND, "audit.absent", "there is no record %" PRIu64, index);
	return r;
}
