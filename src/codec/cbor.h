/* cbor.h - the one CBOR reader (RFC 8949), and what is needed to write it.
 *
 * A reader of our own rather than libcbor: values keep the slice of source they came from, so a signature is checked over
 * the received bytes; memory is the arena's and not that of a process-wide allocator. Reading is strict: nothing behind the
 * value, duplicate map keys refused (compared by value, whatever their encoding), text is UTF-8, depth, size and node
 * count capped. Indefinite lengths are read. Values are immutable. Threads: no state.
 */
#pragma once
#include "base/buf.h"
#include "base/why.h"

enum cbor_kind {
	CBOR_UINT,	/* u */
	CBOR_NINT,	/* -1 - u */
	CBOR_BYTES,
	CBOR_TEXT,
	CBOR_ARRAY,
	CBOR_MAP,
	CBOR_TAG,	/* number u, one item */
	CBOR_BOOL,	/* u is 0 or 1 */
	CBOR_NULL,
	CBOR_UNDEFINED,
	CBOR_FLOAT,	/* f */
	CBOR_SIMPLE,	/* u */
};

struct cbor {
	enum cbor_kind kind;
	uint64_t u;
	double f;
	struct slice bytes;	/* bytes, text: the content, chunks joined */
	size_t n;		/* array, map: items, pairs */
	struct cbor **items;	/* array; tag: one; map: key, value, key, value ... in source order */
	struct slice raw;	/* the source bytes of this value */
};

struct cbor_limits {
	size_t max_bytes;	/* 0: 16 MiB */
	unsigned max_depth;	/* 0: 32 */
	size_t max_nodes;	/* 0: 200,000 */
};

/* Borrows `in`. E_MALFORMED cbor.syntax, cbor.utf8, cbor.duplicate, cbor.trailing; E_LIMIT cbor.size, cbor.depth, cbor.nodes. */
RC cbor_parse(struct arena *a, struct slice in, const struct cbor_limits *limits, struct cbor **out, struct why *w);

/* ---- reading ---- */

static inline bool cbor_is(const struct cbor *v, enum cbor_kind k)
{
	return v && v->kind == k;
}
const char *cbor_kind_name(const struct cbor *v);	/* "absent" for NULL */
const struct cbor *cbor_at(const struct cbor *v, size_t i);	/* of an array; NULL beyond */
/* Of a map; NULL when v is none or has no such key. */
const struct cbor *cbor_get_int(const struct cbor *v, int64_t key);
const struct cbor *cbor_get_text(const struct cbor *v, const char *key);
const struct cbor *cbor_get_slice(const struct cbor *v, struct slice text_key);
/* False when v is no integer or does not fit. */
bool cbor_i64(const struct cbor *v, int64_t *out);
bool cbor_u64(const struct cbor *v, uint64_t *out);
/* The item of a tag of that number; NULL otherwise. */
const struct cbor *cbor_untag(const struct cbor *v, uint64_t number);

/* ---- writing: shortest heads, definite lengths ---- */

void cbor_put_uint(struct buf *b, uint64_t v);
void cbor_put_int(struct buf *b, int64_t v);
void cbor_put_bytes(struct buf *b, struct slice s);
void cbor_put_text(struct buf *b, struct slice s);
void cbor_put_array(struct buf *b, uint64_t n);	/* n items follow */
void cbor_put_map(struct buf *b, uint64_t n);	/* n pairs follow */
void cbor_put_tag(struct buf *b, uint64_t number);
void cbor_put_bool(struct buf *b, bool v);
void cbor_put_null(struct buf *b);
