#include "codec/cbor.h"

#include <math.h>
#include <stdlib.h>

#include "base/cur.h"
#include "base/num.h"
#include "base/utf8.h"

#define INDEFINITE 31u

struct reader {
	struct arena *a;
	struct why *w;
	struct msg m;
	struct cur c;
	size_t nodes;
	unsigned max_depth;
	size_t max_nodes;
};

static RC syntax(struct reader *r, const char *what)
{
	return deny(r->w, E_MALFORMED, "cbor.syntax", "CBOR: %s at byte %zu", what, r->m.bad ? r->m.bad_at : cur_at(&r->c));
}

/* The argument behind an initial byte; additional information 28 to 31 is the caller's. */
static uint64_t argument(struct reader *r, unsigned info)
{
	switch (info) {
	case 24:
		return cur_u8(&r->c);
	case 25:
		return cur_be16(&r->c);
	case 26:
		return cur_be32(&r->c);
	case 27:
		return cur_be64(&r->c);
	default:
		return info;
	}
}

/* RFC 8949 appendix D */
static double half(uint16_t h)
{
	unsigned exp = h >> 10 & 0x1f, mant = h & 0x3ff;
	double v = exp == 0 ? ldexp(mant, -24) : exp != 31 ? ldexp(mant + 1024, (int)exp - 25) : mant ? NAN : INFINITY;

	return h & 0x8000 ? -v : v;
}

static RC read_value(struct reader *r, unsigned depth, struct cbor **out);

/* A string of chunks: each a definite string of the same major type. */
static RC read_chunks(struct reader *r, unsigned major, struct cbor *v)
{
	struct buf b = buf_in(r->a, 0);

	for (;;) {
		uint8_t head = cur_u8(&r->c);
		uint64_t n;

		if (head == 0xff && !r->m.bad)
			break;
		if (r->m.bad || head >> 5 != major || (head & 31) > 27)
			return syntax(r, "a string chunk of another kind");
		n = argument(r, head & 31);
		if (n > cur_left(&r->c))
			return syntax(r, "a string longer than the input");
		buf_slice(&b, cur_take(&r->c, (size_t)n));
	}
	if (!buf_ok(&b))
		return deny(r->w, E_INTERNAL, "cbor.memory", "no memory for a string");
	v->bytes = buf_view(&b);
	return rc_of(OK);
}

static RC read_string(struct reader *r, unsigned major, unsigned info, struct cbor *v)
{
	v->kind = major == 2 ? CBOR_BYTES : CBOR_TEXT;
	if (info == INDEFINITE) {
		TRY(read_chunks(r, major, v));
	} else {
		uint64_t n = argument(r, info);

		if (r->m.bad || n > cur_left(&r->c))
			return syntax(r, "a string longer than the input");
		v->bytes = cur_take(&r->c, (size_t)n);
	}
	if (major == 3 && !utf8_valid(v->bytes))
		return deny(r->w, E_MALFORMED, "cbor.utf8", "CBOR: text that is not UTF-8");
	return rc_of(OK);
}

/* Total order of keys by value: kind, number, content; other kinds by their encoding. */
static int key_cmp(const struct cbor *x, const struct cbor *y)
{
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	switch (x->kind) {
	case CBOR_UINT:
	case CBOR_NINT:
	case CBOR_BOOL:
	case CBOR_SIMPLE:
		return (x->u > y->u) - (x->u < y->u);
	case CBOR_BYTES:
	case CBOR_TEXT:
		return slice_cmp(x->bytes, y->bytes);
	case CBOR_NULL:
	case CBOR_UNDEFINED:
		return 0;
	case CBOR_ARRAY:
	case CBOR_MAP:
	case CBOR_TAG:
	case CBOR_FLOAT:
		break;
	}
	return slice_cmp(x->raw, y->raw);
}

static int key_order(const void *x, const void *y)
{
	return key_cmp(*(struct cbor *const *)x, *(struct cbor *const *)y);
}

static RC refuse_duplicates(struct reader *r, const struct cbor *map)
{
	struct arena_mark mark = arena_mark(r->a);
	struct cbor **keys = arena_array(r->a, map->n ? map->n : 1, struct cbor *);
	bool twice = false;

	if (!keys)
		return deny(r->w, E_INTERNAL, "cbor.memory", "no memory for a map");
	for (size_t i = 0; i < map->n; i++)
		keys[i] = map->items[2 * i];
	qsort(keys, map->n, sizeof(struct cbor *), key_order);
	for (size_t i = 1; i < map->n; i++)
		twice = twice || key_cmp(keys[i - 1], keys[i]) == 0;
	arena_reset(r->a, mark);
	return twice ? deny(r->w, E_MALFORMED, "cbor.duplicate", "CBOR: a map key stands twice") : rc_of(OK);
}

/* n items, or up to the break when n is UINT64_MAX. */
static RC read_items(struct reader *r, uint64_t n, unsigned depth, struct cbor *v, size_t *count)
{
	size_t cap = 0, have = 0;

	while (have < n) {
		if (n == UINT64_MAX && cur_next_is(&r->c, 0xff)) {
			(void)cur_u8(&r->c);
			break;
		}
		if (have == cap) {
			size_t grown = cap ? cap * 2 : 8;
			struct cbor **items = arena_grow(r->a, v->items, cap * sizeof(*items), grown * sizeof(*items));

			if (!items)
				return deny(r->w, E_INTERNAL, "cbor.memory", "no memory for %zu items", grown);
			v->items = items;
			cap = grown;
		}
		TRY(read_value(r, depth + 1, &v->items[have]));
		have++;
	}
	*count = have;
	return rc_of(OK);
}

static RC read_container(struct reader *r, unsigned major, unsigned info, unsigned depth, struct cbor *v)
{
	uint64_t n = info == INDEFINITE ? UINT64_MAX : argument(r, info);
	size_t count;

	v->kind = major == 4 ? CBOR_ARRAY : CBOR_MAP;
	/* each item is at least a byte: a count beyond the input is refused before memory is taken for it */
	if (r->m.bad || (info != INDEFINITE && n > cur_left(&r->c)))
		return syntax(r, "more items than the input has bytes");
	if (major == 5 && info != INDEFINITE)
		n *= 2;
	TRY(read_items(r, n, depth, v, &count));
	if (major == 4) {
		v->n = count;
		return rc_of(OK);
	}
	if (count % 2)
		return syntax(r, "a map key without a value");
	v->n = count / 2;
	return refuse_duplicates(r, v);
}

static RC read_simple(struct reader *r, unsigned info, struct cbor *v)
{
	union {
		uint32_t u;
		float f;
	} single;
	union {
		uint64_t u;
		double f;
	} wide;

	v->kind = CBOR_FLOAT;
	switch (info) {
	case 20:
	case 21:
		v->kind = CBOR_BOOL;
		v->u = info == 21;
		break;
	case 22:
		v->kind = CBOR_NULL;
		break;
	case 23:
		v->kind = CBOR_UNDEFINED;
		break;
	case 25:
		v->f = half(cur_be16(&r->c));
		break;
	case 26:
		single.u = cur_be32(&r->c);
		v->f = (double)single.f;
		break;
	case 27:
		wide.u = cur_be64(&r->c);
		v->f = wide.f;
		break;
	default:
		v->kind = CBOR_SIMPLE;
		v->u = argument(r, info);
		if (info > 24 || (info == 24 && v->u < 32))
			return syntax(r, "a break or a simple value out of place");
		break;
	}
	return rc_of(OK);
}

static RC read_tagged(struct reader *r, unsigned info, unsigned depth, struct cbor *v)
{
	v->kind = CBOR_TAG;
	v->u = argument(r, info);
	v->items = arena_array(r->a, 1, struct cbor *);
	if (!v->items)
		return deny(r->w, E_INTERNAL, "cbor.memory", "no memory for a tag");
	v->n = 1;
	return read_value(r, depth + 1, &v->items[0]);
}

static RC read_value(struct reader *r, unsigned depth, struct cbor **out)
{
	size_t start = cur_at(&r->c);
	struct cbor *v = ARENA_NEW(r->a, struct cbor);
	uint8_t head = cur_u8(&r->c);
	unsigned major = head >> 5, info = head & 31;

	if (!v)
		return deny(r->w, E_INTERNAL, "cbor.memory", "no memory for a value");
	if (r->m.bad)
		return syntax(r, "the input ends");
	if (depth > r->max_depth)
		return deny(r->w, E_LIMIT, "cbor.depth", "CBOR: nested deeper than %u", r->max_depth);
	if (++r->nodes > r->max_nodes)
		return deny(r->w, E_LIMIT, "cbor.nodes", "CBOR: more than %zu values", r->max_nodes);
	if (info > 27 && !(info == INDEFINITE && major >= 2 && major <= 5))
		return syntax(r, "reserved additional information");
	switch (major) {
	case 0:
	case 1:
		v->kind = major ? CBOR_NINT : CBOR_UINT;
		v->u = argument(r, info);
		break;
	case 2:
	case 3:
		TRY(read_string(r, major, info, v));
		break;
	case 4:
	case 5:
		TRY(read_container(r, major, info, depth, v));
		break;
	case 6:
		TRY(read_tagged(r, info, depth, v));
		break;
	default:
		TRY(read_simple(r, info, v));
		break;
	}
	if (r->m.bad)
		return syntax(r, "the input ends");
	v->raw = slice_sub(r->m.in, start, cur_at(&r->c) - start);
	*out = v;
	return rc_of(OK);
}

RC cbor_parse(struct arena *a, struct slice in, const struct cbor_limits *limits, struct cbor **out, struct why *w)
{
	size_t max_bytes = limits && limits->max_bytes ? limits->max_bytes : 16u << 20;
	struct reader r = {
		.a = a,
		.w = w,
		.max_depth = limits && limits->max_depth ? limits->max_depth : 32,
		.max_nodes = limits && limits->max_nodes ? limits->max_nodes : 200000,
	};
	struct cbor *v;

	if (in.n > max_bytes)
		return deny(w, E_LIMIT, "cbor.size", "CBOR: %zu bytes, at most %zu are read", in.n, max_bytes);
	r.c = cur_open(&r.m, in);
	TRY(read_value(&r, 1, &v));
	if (cur_more(&r.c))
		return deny(w, E_MALFORMED, "cbor.trailing", "CBOR: %zu bytes behind the value", cur_left(&r.c));
	*out = v;
	return rc_of(OK);
}

/* ---- reading ---- */

const char *cbor_kind_name(const struct cbor *v)
{
	static const char *const names[] = {"unsigned integer", "negative integer", "byte string", "text", "array", "map", "tag",
					    "boolean", "null", "undefined", "float", "simple value"};

	return v ? names[v->kind] : "absent";
}

const struct cbor *cbor_at(const struct cbor *v, size_t i)
{
	return cbor_is(v, CBOR_ARRAY) && i < v->n ? v->items[i] : NULL;
}

static const struct cbor *get(const struct cbor *v, const struct cbor *key)
{
	if (!cbor_is(v, CBOR_MAP))
		return NULL;
	for (size_t i = 0; i < v->n; i++)
		if (key_cmp(v->items[2 * i], key) == 0)
			return v->items[2 * i + 1];
	return NULL;
}

const struct cbor *cbor_get_int(const struct cbor *v, int64_t key)
{
	struct cbor k = {.kind = key < 0 ? CBOR_NINT : CBOR_UINT, .u = key < 0 ? (uint64_t)(-1 - key) : (uint64_t)key};

	return get(v, &k);
}

const struct cbor *cbor_get_slice(const struct cbor *v, struct slice text_key)
{
	struct cbor k = {.kind = CBOR_TEXT, .bytes = text_key};

	return get(v, &k);
}

const struct cbor *cbor_get_text(const struct cbor *v, const char *key)
{
	return cbor_get_slice(v, slice_cstr(key));
}

bool cbor_u64(const struct cbor *v, uint64_t *out)
{
	if (!cbor_is(v, CBOR_UINT))
		return false;
	*out = v->u;
	return true;
}

bool cbor_i64(const struct cbor *v, int64_t *out)
{
	if (!v || (v->kind != CBOR_UINT && v->kind != CBOR_NINT) || v->u > INT64_MAX)
		return false;
	*out = v->kind == CBOR_UINT ? (int64_t)v->u : -1 - (int64_t)v->u;
	return true;
}

const struct cbor *cbor_untag(const struct cbor *v, uint64_t number)
{
	return cbor_is(v, CBOR_TAG) && v->u == number ? v->items[0] : NULL;
}

/* ---- writing ---- */

static void put_head(struct buf *b, unsigned major, uint64_t v)
{
	unsigned m = major << 5;

	if (v < 24) {
		buf_putc(b, (char)(uint8_t)(m | v));
	} else if (v <= UINT8_MAX) {
		buf_putc(b, (char)(uint8_t)(m | 24));
		buf_putc(b, (char)(uint8_t)v);
	} else if (v <= UINT16_MAX) {
		buf_putc(b, (char)(uint8_t)(m | 25));
		buf_be16(b, (uint16_t)v);
	} else if (v <= UINT32_MAX) {
		buf_putc(b, (char)(uint8_t)(m | 26));
		buf_be32(b, (uint32_t)v);
	} else {
		buf_putc(b, (char)(uint8_t)(m | 27));
		buf_be64(b, v);
	}
}

void cbor_put_uint(struct buf *b, uint64_t v)
{
	put_head(b, 0, v);
}

void cbor_put_int(struct buf *b, int64_t v)
{
	if (v < 0)
		put_head(b, 1, (uint64_t)(-1 - v));
	else
		put_head(b, 0, (uint64_t)v);
}

void cbor_put_bytes(struct buf *b, struct slice s)
{
	put_head(b, 2, s.n);
	buf_slice(b, s);
}

void cbor_put_text(struct buf *b, struct slice s)
{
	put_head(b, 3, s.n);
	buf_slice(b, s);
}

void cbor_put_array(struct buf *b, uint64_t n)
{
	put_head(b, 4, n);
}

void cbor_put_map(struct buf *b, uint64_t n)
{
	put_head(b, 5, n);
}

void cbor_put_tag(struct buf *b, uint64_t number)
{
	put_head(b, 6, number);
}

void cbor_put_bool(struct buf *b, bool v)
{
	buf_putc(b, (char)(v ? 0xf5 : 0xf4));
}

void cbor_put_null(struct buf *b)
{
	buf_putc(b, (char)0xf6);
}
