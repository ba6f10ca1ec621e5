#include "collateral/cache.h"

#include "base/num.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "crypto/digest.h"

#define TRIES	  8u
#define SKEW_S	  300	/* a vendor's clock may be ahead of ours by so much */
#define PUT_ARENA ((size_t)128 << 20)

static RC no_memory(struct why *w)
{
	return deny(w, E_INTERNAL, "collateral.memory", "no memory for collateral");
}

static RC row_of(struct arena *a, const char *kind, const char *key, const char **out, struct why *w)
{
	uint8_t d[32];

	TRY(digest(DIGEST_SHA256, slice_cstr(key), d, w));
	*out = arena_printf(a, "%s/%s", kind, hex_text(a, slice_of(d, 16)));
	return *out ? rc_of(OK) : no_memory(w);
}

/* ---- rows ---- */

static RC read_row(struct store *store, const char *row, struct arena *a, struct cache_row *out, struct why *w)
{
	struct slice value, kind, key, body, etag = {0}, modified = {0};
	struct cache_row r = {.next_s = INT64_MAX};
	const struct json *next;
	struct json *doc;

	TRY(store_get(store, CACHE_NS, row, a, &value, &r.rev, NULL, w));
	TRY(json_parse(a, value, NULL, &doc, w));
	TRY(json_need_str(doc, "kind", &kind, "cached collateral", w));
	TRY(json_need_str(doc, "key", &key, "cached collateral", w));
	TRY(json_need_str(doc, "body", &body, "cached collateral", w));
	TRY(json_opt_str(doc, "etag", &etag, "cached collateral", w));
	TRY(json_opt_str(doc, "modified", &modified, "cached collateral", w));
	next = json_get(doc, "next");
	if (!json_i64(json_get(doc, "fetched"), &r.fetched_s) || (next && !json_i64(next, &r.next_s)))
		return deny(w, E_MALFORMED, "collateral.row", "the cached row %s has no times", row);
	TRY(b64_decode(a, B64_STD, body, &r.bytes, "cached collateral", w));
	r.kind = (const char *)kind.p;	/* strings of a document end with a NUL */
	r.key = (const char *)key.p;
	r.etag = (const char *)etag.p;
	r.modified = (const char *)modified.p;
	*out = r;
	return rc_of(OK);
}

static RC write_row(struct arena *a, const struct cache_row *r, struct slice *out, struct why *w)
{
	struct json *doc = json_new_object(a);

	json_set(a, doc, "kind", json_new_cstr(a, r->kind));
	json_set(a, doc, "key", json_new_cstr(a, r->key));
	json_set(a, doc, "fetched", json_new_i64(a, r->fetched_s));
	if (r->next_s != INT64_MAX)
		json_set(a, doc, "next", json_new_i64(a, r->next_s));
	if (r->etag)
		json_set(a, doc, "etag", json_new_cstr(a, r->etag));
	if (r->modified)
		json_set(a, doc, "modified", json_new_cstr(a, r->modified));
	json_set(a, doc, "body", json_new_b64(a, r->bytes));
	*out = json_text(a, doc);
	return arena_bad(a) || !out->p ? no_memory(w) : rc_of(OK);
}

rc cache_get(struct store *store, const char *kind, const char *key, struct arena *a, struct cache_row *out, struct why *w)
{
	struct why inner = why_in(a);
	struct cache_row r;
	const char *row;
	rc v;

	TRY(row_of(a, kind, key, &row, w));
	v = read_row(store, row, a, &r, &inner);
	if (v.code == E_NOTFOUND)
		return deny(w, E_NOTFOUND, "collateral.absent", "%s \"%s\" is not cached", kind, key);
	if (!rc_ok(v))
		return deny(w, v.code, "collateral.cache", "%s", why_text(&inner));
	if (strcmp(r.key, key) != 0 || strcmp(r.kind, kind) != 0)
		return deny(w, E_NOTFOUND, "collateral.absent", "the cached row is of another piece");
	*out = r;
	return v;
}

/* ---- replacing ---- */

/* One change of the cache: all of its pieces. */
struct put {
	struct store *store;
	const struct clock *clock;
	const struct signed_trust *trust;	/* NULL: no signature is looked at */
	const struct collateral_piece *pieces;
	size_t n;
};

/* Certificates of that kind and key: of the change itself, else cached. p == NULL: neither. */
static struct slice chain_at_hand(const struct put *put, const char *kind, const char *key, bool held, struct arena *a)
{
	struct cache_row row;

	for (size_t i = 0; i < put->n && !held; i++)
		if (strcmp(put->pieces[i].kind, kind) == 0 && strcmp(put->pieces[i].key, key) == 0)
			return put->pieces[i].bytes;
	return rc_ok(cache_get(put->store, kind, key, a, &row, NULL)) ? row.bytes : (struct slice){0};
}

/* held: the bytes are those of the cache, which came with other certificates than the change's. */
static enum signer signer_of(const struct put *put, const struct collateral_piece *p, struct slice bytes, bool held, struct arena *a)
{
	const struct signed_kind *k = put->trust ? signed_kind_find(p->kind) : NULL;
	struct slice pem[SIGNED_ISSUERS_MAX];
	size_t n = 0;

	if (!k)
		return SIGNER_UNKNOWN;
	for (size_t i = 0; k->issuers && i < COUNT_OF(k->keys); i++) {
		const char *key = k->keys[i] ? k->keys[i] : i ? NULL : p->key;
		struct slice chain = key ? chain_at_hand(put, k->issuers, key, held, a) : (struct slice){0};

		if (chain.p)
			pem[n++] = chain;
	}
	return signed_by(k, bytes, pem, n, put->trust, a);
}

/* May the piece be kept at all? is: what is known of its signer; was: of the one held. */
static RC check_signer(const struct collateral_piece *p, enum signer is, enum signer was, struct why *w)
{
	if (is == SIGNER_BAD)
		return deny(w, E_DENIED, "collateral.signature", "%s \"%s\" names an issuer that counts, and is not signed by it", p->kind, p->key);
	if (is == SIGNER_UNKNOWN && was == SIGNER_GOOD)
		return deny(w, E_DENIED, "collateral.signature", "%s \"%s\" is not known to be its vendor's, and the one held is", p->kind, p->key);
	return rc_of(OK);
}

static RC deny_older(const struct collateral_piece *p, const struct collateral_facts *next, const struct collateral_facts *held, struct why *w)
{
	char found[32], expected[32];
	rc r;

	time_rfc3339(next->issued_s, found);
	time_rfc3339(held->issued_s, expected);
	r = deny(w, E_DENIED, "collateral.older", "%s \"%s\" of %s, number %llu, is older than the one held, of %s, number %llu", p->kind, p->key,
		 found, (unsigned long long)next->number, expected, (unsigned long long)held->number);
	why_compared(w, "issued", found, expected);
	return r;
}

static RC deny_future(const struct collateral_piece *p, int64_t issued_s, int64_t now_s, struct why *w)
{
	char issued[32], now[32];
	rc r;

	time_rfc3339(issued_s, issued);
	time_rfc3339(now_s, now);
	r = deny(w, E_DENIED, "collateral.future", "%s \"%s\" is issued at %s, and now it is %s", p->kind, p->key, issued, now);
	why_compared(w, "issued", issued, now);
	return r;
}

/* The new row is not older than the one that is held, which it is compared with and bound to. */
static RC replace(const struct put *put, const struct collateral_piece *p, struct arena *a, struct store_op *op, struct why *w)
{
	struct collateral_facts next, held;
	struct cache_row row = {.kind = p->kind, .key = p->key, .bytes = p->bytes, .fetched_s = clock_now_s(put->clock), .etag = p->etag,
				.modified = p->modified}, old = {.rev = 0};
	enum signer is, was = SIGNER_UNKNOWN;
	struct why inner = why_in(a);
	const char *name;
	rc r;

	if (p->bytes.n > COLLATERAL_PIECE_MAX)
		return deny(w, E_LIMIT, "collateral.size", "%s of %zu bytes, the most is %zu", p->kind, p->bytes.n, COLLATERAL_PIECE_MAX);
	TRY(collateral_facts(p->kind, p->bytes, a, &next, w));
	if (next.dated && next.issued_s > row.fetched_s + SKEW_S)
		return deny_future(p, next.issued_s, row.fetched_s, w);
	r = cache_get(put->store, p->kind, p->key, a, &old, &inner);
	if (!rc_ok(r) && r.code != E_NOTFOUND)
		return deny(w, r.code, "collateral.cache", "%s", why_text(&inner));
	is = signer_of(put, p, p->bytes, false, a);
	if (rc_ok(r))
		was = signer_of(put, p, old.bytes, true, a);
	TRY(check_signer(p, is, was, w));
	/* What cannot be read any more is no reason to keep it, nor is what the vendor is not known to have made. */
	if (rc_ok(r) && (was == SIGNER_GOOD || is != SIGNER_GOOD) &&
	    rc_ok(collateral_facts(p->kind, old.bytes, a, &held, NULL)) && collateral_is_older(&next, &held, row.fetched_s))
		return deny_older(p, &next, &held, w);
	row.next_s = next.next_s;
	TRY(row_of(a, p->kind, p->key, &name, w));
	*op = (struct store_op){.kind = STORE_CAS, .ns = CACHE_NS, .key = name, .if_rev = old.rev};
	return write_row(a, &row, &op->value, w);
}

static RC put_once(const struct put *put, struct arena *a, bool *changed, struct why *w)
{
	struct store_op ops[COLLATERAL_PIECES_MAX];
	struct why inner = why_in(a);
	rc r;

	for (size_t i = 0; i < put->n; i++)
		TRY(replace(put, &put->pieces[i], a, &ops[i], w));
	r = store_commit(put->store, ops, put->n, &inner);
	*changed = r.code == E_DENIED;
	return rc_ok(r) ? r : deny(w, r.code == E_DENIED ? E_UNAVAILABLE : r.code, "collateral.cache", "%s", why_text(&inner));
}

rc cache_put(struct store *store, const struct clock *clock, const struct signed_trust *trust, const struct collateral_piece *pieces,
	     size_t n, struct why *w)
{
	const struct put put = {store, clock, trust, pieces, n};
	rc r = rc_of(OK);
	bool again = n > 0;

	if (n > COLLATERAL_PIECES_MAX)
		return deny(w, E_LIMIT, "collateral.pieces", "%zu pieces at once, the most is %u", n, COLLATERAL_PIECES_MAX);
	for (unsigned i = 0; again && i < TRIES; i++) {
		struct arena *a = arena_new(PUT_ARENA);

		again = false;
		why_clear(w);
		r = a ? put_once(&put, a, &again, w) : no_memory(w);
		arena_free(a);
	}
	return r;
}

rc cache_touch(struct store *store, const struct clock *clock, const char *kind, const char *key, struct why *w)
{
	struct arena *a = arena_new(PUT_ARENA);
	struct store_op op = {.kind = STORE_CAS, .ns = CACHE_NS};
	struct cache_row row;
	rc r = a ? cache_get(store, kind, key, a, &row, w) : no_memory(w);

	if (rc_ok(r)) {
		row.fetched_s = clock_now_s(clock);
		op.if_rev = row.rev;
		r = row_of(a, kind, key, &op.key, w);
	}
	if (rc_ok(r))
		r = write_row(a, &row, &op.value, w);
	if (rc_ok(r)) {
		r = store_commit(store, &op, 1, NULL);
		if (r.code == E_DENIED)	/* somebody put a newer one in its place */
			r = rc_of(OK);
		else if (!rc_ok(r))
			r = deny(w, r.code, "collateral.cache", "the cache cannot be written");
	}
	arena_free(a);
	return r;
}

rc cache_list(struct store *store, const char *kind, const char *after, size_t limit, struct arena *a, struct cache_row **rows,
	      char ***names, size_t *n, struct why *w)
{
	char *prefix = kind ? arena_printf(a, "%s/", kind) : NULL;

	TRY(store_list(store, CACHE_NS, prefix, after, limit, a, names, n, w));
	*rows = arena_array(a, *n + 1, struct cache_row);
	if (!*rows || (kind && !prefix))
		return no_memory(w);
	for (size_t i = 0; i < *n; i++) {
		/* One that goes away meanwhile, or cannot be read, takes the others not with it: it stays without kind. */
		rc r = read_row(store, (*names)[i], a, &(*rows)[i], w);

		if (r.code == E_NOTFOUND || r.code == E_MALFORMED)
			why_clear(w);
		else if (!rc_ok(r))
			return r;
	}
	return rc_of(OK);
}
