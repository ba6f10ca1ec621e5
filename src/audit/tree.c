/* tree.c - the Merkle tree of RFC 9162 2.1: hashes, the right edge, and the two checks. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "audit/audit_int.h"
#include "base/num.h"

void leaf_key(uint64_t index, char out[KEY_SIZE])
{
	snprintf(out, KEY_SIZE, "%020" PRIu64, index);
}

void tile_key(unsigned level, uint64_t index, char out[KEY_SIZE])
{
	snprintf(out, KEY_SIZE, "%x/%016" PRIx64, level & 15u, index);
}

void head_key(uint64_t size, char out[KEY_SIZE])
{
	leaf_key(size, out);
}

/* SHA-256 of a few bytes fails only when libcrypto cannot work at all; a wrong hash must not come of it. */
static void sha256(const struct slice *parts, size_t n, uint8_t out[HASH])
{
	if (!rc_ok(digest_parts(DIGEST_SHA256, parts, n, out, NULL)))
		abort();
}

void audit_leaf_hash(struct slice record, uint8_t out[HASH])
{
	const struct slice parts[] = {SLICE_LIT("\0"), record};

	sha256(parts, COUNT_OF(parts), out);
}

void node_hash(const uint8_t left[HASH], const uint8_t right[HASH], uint8_t out[HASH])
{
	const struct slice parts[] = {SLICE_LIT("\1"), slice_of(left, HASH), slice_of(right, HASH)};
	uint8_t h[HASH];

	sha256(parts, COUNT_OF(parts), h);
	memcpy(out, h, HASH);
}

void perfect_root(const uint8_t (*hash)[HASH], size_t n, uint8_t out[HASH])
{
	uint8_t row[TILE][HASH];

	memcpy(row, hash, n * HASH);
	for (; n > 1; n /= 2)
		for (size_t i = 0; i < n / 2; i++)
			node_hash(row[2 * i], row[2 * i + 1], row[i]);
	memcpy(out, row[0], HASH);
}

rc edge_append(struct edge *e, const uint8_t leaf[HASH], const struct edge_sink *sink, struct why *w)
{
	uint64_t at = e->size;
	uint8_t h[HASH];

	memcpy(h, leaf, HASH);
	for (unsigned level = 0; level < TILE_LEVELS; level++) {
		memcpy(e->tile[level][at % TILE], h, HASH);
		if (at % TILE != TILE - 1)
			break;
		if (sink)
			TRY(sink->tile(sink->ctx, level, at / TILE, slice_of(e->tile[level], TILE * HASH), w));
		perfect_root(e->tile[level], TILE, h);
		at /= TILE;
	}
	e->size++;
	return rc_of(OK);
}

rc edge_flush(const struct edge *e, uint64_t from, const struct edge_sink *sink, struct why *w)
{
	uint64_t at = e->size;

	for (unsigned level = 0; level < TILE_LEVELS && at != from; level++) {
		if (at % TILE)
			TRY(sink->tile(sink->ctx, level, at / TILE,
			               slice_of(e->tile[level], (size_t)(at % TILE) * HASH), w));
		at /= TILE;
		from /= TILE;
	}
	return rc_of(OK);
}

/* The tree is a row of perfect subtrees, larger ones to the left; the hash folds them from the right. */
void edge_root(const struct edge *e, uint8_t out[HASH])
{
	uint64_t at = e->size;
	bool any = false;

	if (at == 0)
		sha256(NULL, 0, out);
	for (unsigned level = 0; level < TILE_LEVELS && at; level++, at /= TILE) {
		size_t n = (size_t)(at % TILE);

		for (size_t bit = 1; bit < TILE; bit *= 2) {
			uint8_t sub[HASH];

			if (!(n & bit))
				continue;
			n -= bit;
			perfect_root(e->tile[level] + n, bit, sub);
			if (any)
				node_hash(sub, out, out);
			else
				memcpy(out, sub, HASH);
			any = true;
		}
	}
}

rc tile_read(struct store *s, unsigned level, uint64_t index, size_t need, struct arena *a, struct slice *out,
             struct why *w)
{
	char key[KEY_SIZE];
	struct slice v;
	rc r;

	tile_key(level, index, key);
	r = store_get(s, NS_NODE, key, a, &v, NULL, NULL, w);
	if (r.code == E_NOTFOUND)
		return deny(w, E_DENIED, "audit.corrupt", "the node tile %s is not there", key);
	TRY(r);
	if (v.n % HASH || v.n > TILE * HASH || v.n < need * HASH)
		return deny(w, E_DENIED, "audit.corrupt", "the node tile %s has %zu bytes, expected %zu or more", key,
		            v.n, need * HASH);
	*out = v;
	return rc_of(OK);
}

rc edge_load(struct store *s, uint64_t size, struct edge *out, struct why *w)
{
	struct arena *a = arena_new(1 << 20);
	rc r = rc_of(OK);
	struct edge e = {.size = size};

	for (unsigned level = 0; level < TILE_LEVELS && rc_ok(r); level++, size /= TILE) {
		size_t n = (size_t)(size % TILE);
		struct slice v;

		if (n == 0)
			continue;
		r = tile_read(s, level, size / TILE, n, a, &v, w);
		if (rc_ok(r))
			memcpy(e.tile[level], v.p, n * HASH);
	}
	arena_free(a);
	if (rc_ok(r))
		*out = e;
	return r;
}

/* ---- RFC 9162 2.1.3.2 ---- */

static rc proof_fails(const char *what, struct why *w)
{
	return deny(w, E_DENIED, "audit.proof", "%s", what);
}

rc audit_check_inclusion(const uint8_t leaf[HASH], uint64_t index, uint64_t size, struct slice hashes,
                         const uint8_t root[HASH], struct why *w)
{
	uint64_t fn = index, sn = size - 1;
	uint8_t r[HASH];

	if (size == 0 || index >= size || hashes.n % HASH)
		return proof_fails("the index is not below the size, or the proof is not whole hashes", w);
	memcpy(r, leaf, HASH);
	for (size_t i = 0; i < hashes.n; i += HASH) {
		const uint8_t *p = hashes.p + i;

		if (sn == 0)
			return proof_fails("the inclusion proof is too long", w);
		if ((fn & 1) || fn == sn) {
			node_hash(p, r, r);
			while (fn && !(fn & 1)) {
				fn >>= 1;
				sn >>= 1;
			}
		} else {
			node_hash(r, p, r);
		}
		fn >>= 1;
		sn >>= 1;
	}
	if (sn != 0)
		return proof_fails("the inclusion proof is too short", w);
	return memcmp(r, root, HASH) == 0 ? rc_of(OK) : proof_fails("the inclusion proof gives another root", w);
}

/* ---- RFC 9162 2.1.4.2 ---- */

/* One step of the loop: the next proof hash into both running hashes. */
static void consistency_step(uint64_t *fn, uint64_t *sn, uint8_t fr[HASH], uint8_t sr[HASH], const uint8_t *c)
{
	if ((*fn & 1) || *fn == *sn) {
		node_hash(c, fr, fr);
		node_hash(c, sr, sr);
		while (*fn && !(*fn & 1)) {
			*fn >>= 1;
			*sn >>= 1;
		}
	} else {
		node_hash(sr, c, sr);
	}
	*fn >>= 1;
	*sn >>= 1;
}

rc audit_check_consistency(uint64_t first, const uint8_t first_root[HASH], uint64_t second,
                           const uint8_t second_root[HASH], struct slice hashes, struct why *w)
{
	uint64_t fn = first - 1, sn = second - 1;
	uint8_t fr[HASH], sr[HASH];
	size_t i = 0;

	if (first > second || hashes.n % HASH)
		return proof_fails("the first size is above the second, or the proof is not whole hashes", w);
	if (first == second || first == 0) {
		if (hashes.n || (first == second && memcmp(first_root, second_root, HASH) != 0))
			return proof_fails("equal or empty trees need no proof, and equal ones have one root", w);
		return rc_of(OK);
	}
	if (hashes.n == 0)
		return proof_fails("the consistency proof is empty", w);
	if ((first & (first - 1)) == 0) {
		memcpy(fr, first_root, HASH);
	} else {
		memcpy(fr, hashes.p, HASH);
		i = HASH;
	}
	memcpy(sr, fr, HASH);
	while (fn & 1) {
		fn >>= 1;
		sn >>= 1;
	}
	for (; i < hashes.n; i += HASH) {
		if (sn == 0)
			return proof_fails("the consistency proof is too long", w);
		consistency_step(&fn, &sn, fr, sr, hashes.p + i);
	}
	if (sn != 0)
		return proof_fails("the consistency proof is too short", w);
	if (memcmp(fr, first_root, HASH) != 0)
		return proof_fails("the consistency proof gives another first root", w);
	return memcmp(sr, second_root, HASH) == 0 ? rc_of(OK)
	                                          : proof_fails("the consistency proof gives another second root", w);
}
