#include "rego/value.h"

#include <stdio.h>

#include "base/num.h"
#include "rego/lazy.h"

#define SMALL 8u	/* collections up to this size are searched in a row, without an index */

/* Hashing is seeded by the address that the loader chose, so that collisions cannot be prepared. Nothing that an
 * evaluation returns depends on hashes: iteration is in value order. */
static const uint8_t seed_here;

static inline uint64_t mix(uint64_t a, uint64_t b)
{
	unsigned __int128 m = (unsigned __int128)a * b;

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static inline uint64_t seed(void)
{
	return (uint64_t)(uintptr_t)&seed_here ^ 0xa0761d6478bd642full;
}

static inline uint64_t load64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, 8);
	return v;
}

uint32_t rv_hash_bytes(const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	uint64_t h = seed() ^ n, w = 0;
	size_t left = n;

	for (; left > 8; left -= 8, p += 8)
		h = mix(h ^ load64(p), 0xe7037ed1a0b428dbull);
	if (left)
		memcpy(&w, p, left);
	h = mix(h ^ w, 0x8ebc6af09c88c6e3ull);
	return (uint32_t)(h ^ h >> 32);
}

static inline uint32_t hash_u64(uint64_t a, uint64_t b)
{
	uint64_t h = mix(a ^ seed(), b ^ 0x8ebc6af09c88c6e3ull);

	return (uint32_t)(h ^ h >> 32);
}

/* ---- memory ---- */

struct rv_heap rv_heap_in(struct arena *a, size_t limit_bytes)
{
	return (struct rv_heap){.arena = a, .chunk = 4096, .left = limit_bytes ? limit_bytes : SIZE_MAX};
}

void *rv_alloc_slow(struct rv_heap *h, size_t n)
{
	size_t up = (n + 7) & ~(size_t)7, take;
	uint8_t *p;

	if (h->bad || n > (size_t)1 << 40)
		goto bad;
	if (up <= (size_t)(h->end - h->p)) {
		h->p += up;
		return h->p - up;
	}
	take = up > h->chunk ? up : h->chunk;
	if (take > h->left)
		take = up;
	if (take > h->left)
		goto bad;
	p = arena_alloc_raw(h->arena, take);
	if (!p)
		goto bad;
	h->left -= take;
	if (h->chunk < 64 * 1024)
		h->chunk *= 2;
	if (take == up)
		return p;	/* a large one: the chunk in use keeps its rest */
	h->p = p + up;
	h->end = p + take;
	return p;
bad:
	h->bad = true;
	return NULL;
}

/* ---- strings ---- */

struct rv_str *rv_str_new(struct rv_heap *h, size_t n)
{
	struct rv_str *s;

	if (n >= UINT32_MAX - 64) {
		h->bad = true;
		return NULL;
	}
	s = rv_alloc(h, sizeof(*s) + n + 1);
	if (s)
		s->n = (uint32_t)n;
	return s;
}

struct rv rv_str_done(struct rv_str *s, size_t n)
{
	if (!s)
		return rv_undef();
	s->n = (uint32_t)n;
	s->p[n] = 0;
	s->hash = rv_hash_bytes(s->p, n);
	return (struct rv){.kind = RV_STRING, .hash = s->hash, .str = s};
}

struct rv rv_str(struct rv_heap *h, const void *p, size_t n)
{
	uint32_t hash = rv_hash_bytes(p, n);
	struct rv_str *s;

	if (h->tab) {
		const struct rv_str *known = rv_strtab_find(h->tab, p, n, hash);

		if (known)
			return (struct rv){.kind = RV_STRING, .hash = hash, .str = known};
	}
	s = rv_str_new(h, n);
	if (!s)
		return rv_undef();
	if (n)
		memcpy(s->p, p, n);
	s->p[n] = 0;
	s->hash = hash;
	return (struct rv){.kind = RV_STRING, .hash = hash, .str = s};
}

struct rv rv_cstr(struct rv_heap *h, const char *s)
{
	return rv_str(h, s, strlen(s));
}

struct rv rv_strf(struct rv_heap *h, const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	s = arena_vprintf(h->arena, fmt, ap);
	va_end(ap);
	if (!s) {
		h->bad = true;
		return rv_undef();
	}
	return rv_cstr(h, s);
}

bool rv_is_str(struct rv v, const char *s)
{
	size_t n = strlen(s);

	return v.kind == RV_STRING && v.str->n == n && memcmp(v.str->p, s, n) == 0;
}

/* ---- arrays ---- */

unsigned rv_depth(struct rv v)
{
	if (v.kind == RV_ARRAY)
		return v.arr->depth;
	if (v.kind == RV_OBJECT || v.kind == RV_SET)
		return v.coll->depth;
	return 0;
}

static unsigned deepest(const struct rv *items, size_t n, unsigned deep, uint64_t *weight, bool *lazy)
{
	for (size_t i = 0; i < n; i++) {
		*weight += rv_weight(items[i]);
		if (items[i].kind >= RV_ARRAY) {
			unsigned d = rv_depth(items[i]);

			deep = d > deep ? d : deep;
			*lazy = *lazy || rv_is_lazy(items[i]);
		}
	}
	return deep;
}

struct rv rv_array_own(struct rv_heap *h, struct rv *items, size_t n)
{
	struct rv_arr *a;
	unsigned depth;
	uint64_t weight = 1;
	bool lazy = false;

	if (n > RV_MAX_ITEMS || (n && !items)) {
		h->bad = true;
		return rv_undef();
	}
	depth = 1 + deepest(items, n, 0, &weight, &lazy);
	if (depth > RV_MAX_DEPTH || weight > RV_MAX_WEIGHT) {
		h->deep = true;
		return rv_undef();
	}
	a = rv_alloc(h, sizeof(*a));
	if (!a)
		return rv_undef();
	*a = (struct rv_arr){.n = (uint32_t)n, .depth = (uint16_t)depth, .lazy = lazy, .items = items, .weight = (uint32_t)weight};
	return (struct rv){.kind = RV_ARRAY, .arr = a};
}

struct rv rv_array(struct rv_heap *h, const struct rv *items, size_t n)
{
	struct rv *copy = NULL;

	if (n > RV_MAX_ITEMS) {
		h->bad = true;
		return rv_undef();
	}
	if (n) {
		copy = rv_alloc(h, n * sizeof(*copy));
		if (!copy)
			return rv_undef();
		memcpy(copy, items, n * sizeof(*copy));
	}
	return rv_array_own(h, copy, n);
}

void rv_push(struct rv_vec *v, struct rv item)
{
	if (item.kind == RV_UNDEF || v->h->bad)
		return;
	if (v->n == v->cap) {
		size_t cap = v->cap ? v->cap * 2 : 8;
		struct rv *items = cap <= RV_MAX_ITEMS ? rv_alloc(v->h, cap * sizeof(*items)) : NULL;

		if (!items) {
			v->h->bad = true;
			return;
		}
		if (v->n)
			memcpy(items, v->items, v->n * sizeof(*items));
		v->items = items;
		v->cap = cap;
	}
	v->items[v->n++] = item;
}

struct rv rv_vec_done(struct rv_vec *v)
{
	return v->h->bad ? rv_undef() : rv_array_own(v->h, v->items, v->n);
}

/* ---- equality and hash ---- */

static inline bool str_eq(struct rv a, struct rv b)
{
	return a.str == b.str ||
	       (a.hash == b.hash && a.str->n == b.str->n && memcmp(a.str->p, b.str->p, a.str->n) == 0);
}

static bool coll_eq(struct rv a, struct rv b)
{
	if (a.coll == b.coll)
		return true;
	rv_open(a);
	rv_open(b);
	if (a.coll->n != b.coll->n || (a.coll->hash && b.coll->hash && a.coll->hash != b.coll->hash))
		return false;
	for (uint32_t i = 0; i < a.coll->n; i++) {
		const struct rv *other = rv_get(b, a.coll->keys[i]);

		if (!other || (a.kind == RV_OBJECT && !rv_eq(a.coll->vals[i], *other)))
			return false;
	}
	return true;
}

bool rv_eq(struct rv a, struct rv b)
{
	if (a.kind != b.kind)
		return false;
	switch ((enum rv_kind)a.kind) {
	case RV_UNDEF:
	case RV_NULL:
		return true;
	case RV_BOOL:
		return a.sub == b.sub;
	case RV_NUMBER:
		return !(a.sub | b.sub) ? a.i == b.i : rv_number_cmp(a, b) == 0;
	case RV_STRING:
		return str_eq(a, b);
	case RV_ARRAY:
		if (a.arr == b.arr)
			return true;
		if (a.arr->n != b.arr->n)
			return false;
		rv_open(a);
		rv_open(b);
		if (a.arr->n != b.arr->n)	/* one found no memory */
			return false;
		for (uint32_t i = 0; i < a.arr->n; i++) {
			if (!rv_eq(a.arr->items[i], b.arr->items[i]))
				return false;
		}
		return true;
	case RV_OBJECT:
	case RV_SET:
		return coll_eq(a, b);
	}
	return false;
}

static uint32_t hash_coll(struct rv v)
{
	uint64_t sum = v.kind;

	rv_open(v);
	if (v.coll->hash)
		return v.coll->hash;
	/* a sum, so that order does not matter */
	for (uint32_t i = 0; i < v.coll->n; i++)
		sum += mix(rv_hash(v.coll->keys[i]) ^ 0x589965cc75374cc3ull,
			   v.coll->vals ? rv_hash(v.coll->vals[i]) ^ 0x1d8e4e27c47d124full : 0x1d8e4e27c47d124full);
	v.coll->hash = hash_u64(sum, v.coll->n) | 1;
	return v.coll->hash;
}

uint32_t rv_hash(struct rv v)
{
	uint64_t h;

	switch ((enum rv_kind)v.kind) {
	case RV_UNDEF:
	case RV_NULL:
		return 7;
	case RV_BOOL:
		return 11u + v.sub;
	case RV_NUMBER:
		if (!v.sub)
			return hash_u64((uint64_t)v.i, 3);
		return v.num->fits ? hash_u64((uint64_t)v.num->i64, 3) : v.num->hash;
	case RV_STRING:
		return v.hash;
	case RV_ARRAY:
		rv_open(v);
		if (v.arr->hash)
			return v.arr->hash;
		h = v.arr->n;
		for (uint32_t i = 0; i < v.arr->n; i++)
			h = mix(h ^ rv_hash(v.arr->items[i]), 0xe7037ed1a0b428dbull);
		v.arr->hash = hash_u64(h, 5) | 1;
		return v.arr->hash;
	case RV_OBJECT:
	case RV_SET:
		return hash_coll(v);
	}
	return 0;
}

/* ---- objects and sets ---- */

static inline bool key_eq(struct rv a, struct rv b)
{
	if (a.kind != b.kind)
		return false;
	return a.kind == RV_STRING ? str_eq(a, b) : rv_eq(a, b);
}

static int64_t find_key(const struct rv_coll *c, struct rv key)
{
	uint32_t i, hash;

	if (!c->mask) {
		for (i = 0; i < c->n; i++) {
			if (key_eq(c->keys[i], key))
				return i;
		}
		return -1;
	}
	hash = rv_hash(key);
	for (i = hash & c->mask; c->index[i].at; i = (i + 1) & c->mask) {
		if (c->index[i].hash == hash && key_eq(c->keys[c->index[i].at - 1], key))
			return (int64_t)c->index[i].at - 1;
	}
	return -1;
}

static void slot_put(struct rv_coll *c, struct rv_slot slot)
{
	uint32_t i = slot.hash & c->mask;

	while (c->index[i].at)
		i = (i + 1) & c->mask;
	c->index[i] = slot;
}

static void index_put(struct rv_coll *c, uint32_t pos)
{
	slot_put(c, (struct rv_slot){pos + 1, rv_hash(c->keys[pos])});
}

static bool index_make(struct rv_heap *h, struct rv_coll *c, size_t cap)
{
	const struct rv_slot *old = c->index;
	uint32_t size = 32, old_size = c->mask ? c->mask + 1 : 0;

	while (size < cap * 2)
		size *= 2;
	if (size == old_size)
		return true;
	c->index = rv_alloc(h, size * sizeof(*c->index));
	if (!c->index) {
		c->mask = 0;
		return false;
	}
	c->mask = size - 1;
	memset(c->index, 0, size * sizeof(*c->index));
	/* the keys are not looked at again */
	for (uint32_t i = 0; i < old_size; i++)
		if (old[i].at)
			slot_put(c, old[i]);
	for (uint32_t i = 0; !old_size && i < c->n; i++)
		index_put(c, i);
	return true;
}

static bool grow(struct rv_builder *b, size_t cap)
{
	struct rv *keys, *vals = NULL;

	if (cap > RV_MAX_ITEMS) {
		b->h->bad = true;
		return false;
	}
	keys = rv_alloc(b->h, cap * sizeof(*keys));
	if (b->pairs)
		vals = rv_alloc(b->h, cap * sizeof(*vals));
	if (!keys || (b->pairs && !vals))
		return false;
	if (b->c->n) {
		memcpy(keys, b->c->keys, b->c->n * sizeof(*keys));
		if (b->pairs)
			memcpy(vals, b->c->vals, b->c->n * sizeof(*vals));
	}
	b->c->keys = keys;
	b->c->vals = vals;
	b->cap = cap;
	return cap <= SMALL || index_make(b->h, b->c, cap);
}

static struct rv_builder builder(struct rv_heap *h, size_t expect, bool pairs)
{
	struct rv_builder b = {.h = h, .pairs = pairs, .c = rv_alloc(h, sizeof(*b.c))};
	static const struct rv none;

	if (!b.c)
		return b;
	/* vals is never NULL in an object: that is what tells it from a set */
	*b.c = (struct rv_coll){.depth = 1, .weight = 1, .vals = pairs ? (struct rv *)(uintptr_t)&none : NULL};
	if (expect && !grow(&b, expect))
		b.c = NULL;
	return b;
}

struct rv_builder rv_set_builder(struct rv_heap *h, size_t expect)
{
	return builder(h, expect, false);
}

struct rv_builder rv_object_builder(struct rv_heap *h, size_t expect)
{
	return builder(h, expect, true);
}

struct rv_builder rv_refill(struct rv_heap *h, struct rv_coll *c, size_t n)
{
	struct rv_builder b = {.h = h, .pairs = true, .c = c};
	static const struct rv none;

	*c = (struct rv_coll){.depth = 1, .weight = 1, .vals = (struct rv *)(uintptr_t)&none};
	if (!grow(&b, n))
		b.c = NULL;
	return b;
}

static bool append(struct rv_builder *b, struct rv key, struct rv val)
{
	uint64_t weight = b->c->weight;
	bool lazy = b->c->lazy;
	unsigned d = deepest(&val, 1, deepest(&key, 1, 0, &weight, &lazy), &weight, &lazy) + 1;

	if (d > RV_MAX_DEPTH || weight > RV_MAX_WEIGHT) {
		b->h->deep = true;
		return false;
	}
	if (b->c->n == b->cap && !grow(b, b->cap ? b->cap * 2 : 4))
		return false;
	b->c->keys[b->c->n] = key;
	if (b->pairs)
		b->c->vals[b->c->n] = val;
	b->c->n++;
	b->c->lazy = lazy;
	b->c->weight = (uint32_t)weight;
	if (b->c->mask)
		index_put(b->c, b->c->n - 1);
	if (d > b->c->depth)
		b->c->depth = (uint16_t)d;
	return true;
}

bool rv_set_add(struct rv_builder *b, struct rv v)
{
	if (!b->c || rv_heap_bad(b->h) || v.kind == RV_UNDEF || find_key(b->c, v) >= 0)
		return false;
	return append(b, v, rv_undef());
}

void rv_object_put(struct rv_builder *b, struct rv key, struct rv val)
{
	int64_t at;

	if (!b->c || rv_heap_bad(b->h) || key.kind == RV_UNDEF || val.kind == RV_UNDEF)
		return;
	at = find_key(b->c, key);
	if (at >= 0) {
		unsigned d = rv_depth(val) + 1;
		uint64_t weight = (uint64_t)b->c->weight + rv_weight(val);

		if (d > RV_MAX_DEPTH || weight > RV_MAX_WEIGHT) {
			b->h->deep = true;
			return;
		}
		b->c->vals[at] = val;
		b->c->lazy = b->c->lazy || rv_is_lazy(val);
		b->c->weight = (uint32_t)weight;
		if (d > b->c->depth)
			b->c->depth = (uint16_t)d;
	} else {
		(void)append(b, key, val);
	}
}

void rv_object_put_c(struct rv_builder *b, const char *key, struct rv val)
{
	rv_object_put(b, rv_cstr(b->h, key), val);
}

const struct rv *rv_builder_get(const struct rv_builder *b, struct rv key)
{
	int64_t at = b->c ? find_key(b->c, key) : -1;

	return at < 0 ? NULL : b->pairs ? &b->c->vals[at] : &b->c->keys[at];
}

struct rv rv_builder_done(struct rv_builder *b)
{
	if (!b->c || rv_heap_bad(b->h))
		return rv_undef();
	b->c->sorted = b->c->n < 2;
	return (struct rv){.kind = b->pairs ? RV_OBJECT : RV_SET, .coll = b->c};
}

const struct rv *rv_get(struct rv v, struct rv key)
{
	int64_t at;

	if (v.kind != RV_OBJECT && v.kind != RV_SET)
		return NULL;
	rv_open(v);
	at = find_key(v.coll, key);
	return at < 0 ? NULL : v.kind == RV_OBJECT ? &v.coll->vals[at] : &v.coll->keys[at];
}

const struct rv *rv_get_c(struct rv obj, const char *key)
{
	if (obj.kind != RV_OBJECT)
		return NULL;
	rv_open(obj);
	for (uint32_t i = 0; i < obj.coll->n; i++) {
		if (rv_is_str(obj.coll->keys[i], key))
			return &obj.coll->vals[i];
	}
	return NULL;
}

struct rv rv_step(struct rv v, struct rv key)
{
	struct rv got;
	int64_t i;

	if (v.kind == RV_OBJECT || v.kind == RV_SET) {
		if (v.coll->lazy == RV_CLOSED) {
			if (key.kind == RV_STRING && rv_peek(v.coll, key, &got))
				return got;
			rv_open(v);
		}
		i = find_key(v.coll, key);
		return i < 0 ? rv_undef() : v.kind == RV_OBJECT ? v.coll->vals[i] : v.coll->keys[i];
	}
	if (v.kind == RV_ARRAY && rv_i64(key, &i) && i >= 0) {
		rv_open(v);
		if (i < (int64_t)v.arr->n)
			return v.arr->items[i];
	}
	return rv_undef();
}

/* ---- order ---- */

static inline void swap_at(struct rv_coll *c, size_t i, size_t k)
{
	struct rv t = c->keys[i];

	c->keys[i] = c->keys[k];
	c->keys[k] = t;
	if (c->vals) {
		t = c->vals[i];
		c->vals[i] = c->vals[k];
		c->vals[k] = t;
	}
}

static void sift(struct rv_coll *c, size_t at, size_t n)
{
	for (;;) {
		size_t kid = 2 * at + 1;

		if (kid >= n)
			return;
		if (kid + 1 < n && rv_cmp(c->keys[kid], c->keys[kid + 1]) < 0)
			kid++;
		if (rv_cmp(c->keys[at], c->keys[kid]) >= 0)
			return;
		swap_at(c, at, kid);
		at = kid;
	}
}

/* In place, so that sorting needs no memory and cannot fail. */
static void sort_coll(struct rv_coll *c)
{
	size_t i;

	for (i = 1; i < c->n && rv_cmp(c->keys[i - 1], c->keys[i]) < 0; i++)
		;
	if (i < c->n && c->n <= 12) {
		for (; i < c->n; i++) {
			for (size_t k = i; k > 0 && rv_cmp(c->keys[k - 1], c->keys[k]) > 0; k--)
				swap_at(c, k - 1, k);
		}
	} else if (i < c->n) {
		for (i = c->n / 2; i-- > 0;)
			sift(c, i, c->n);
		for (i = c->n; i-- > 1;) {
			swap_at(c, 0, i);
			sift(c, 0, i);
		}
	} else {
		c->sorted = true;
		return;
	}
	c->sorted = true;
	if (c->mask) {
		memset(c->index, 0, (c->mask + (size_t)1) * sizeof(*c->index));
		for (uint32_t k = 0; k < c->n; k++)
			index_put(c, k);
	}
}

void rv_sort(struct rv v)
{
	rv_open(v);
	if ((v.kind == RV_OBJECT || v.kind == RV_SET) && !v.coll->sorted)
		sort_coll(v.coll);
}

static int cmp_coll(struct rv a, struct rv b)
{
	uint32_t n = a.coll->n < b.coll->n ? a.coll->n : b.coll->n;

	if (a.coll == b.coll)
		return 0;
	rv_sort(a);
	rv_sort(b);
	for (uint32_t i = 0; i < n; i++) {
		int c = rv_cmp(a.coll->keys[i], b.coll->keys[i]);

		if (!c && a.kind == RV_OBJECT)
			c = rv_cmp(a.coll->vals[i], b.coll->vals[i]);
		if (c)
			return c;
	}
	return (a.coll->n > b.coll->n) - (a.coll->n < b.coll->n);
}

int rv_cmp(struct rv a, struct rv b)
{
	if (a.kind != b.kind)
		return a.kind < b.kind ? -1 : 1;
	switch ((enum rv_kind)a.kind) {
	case RV_UNDEF:
	case RV_NULL:
		return 0;
	case RV_BOOL:
		return a.sub - b.sub;
	case RV_NUMBER:
		return !(a.sub | b.sub) ? (a.i > b.i) - (a.i < b.i) : rv_number_cmp(a, b);
	case RV_STRING:
		return a.str == b.str ? 0 : slice_cmp(rv_slice(a), rv_slice(b));
	case RV_ARRAY:
		rv_open(a);
		rv_open(b);
		for (uint32_t i = 0; a.arr != b.arr && i < a.arr->n && i < b.arr->n; i++) {
			int c = rv_cmp(a.arr->items[i], b.arr->items[i]);

			if (c)
				return c;
		}
		return (a.arr->n > b.arr->n) - (a.arr->n < b.arr->n);
	case RV_OBJECT:
	case RV_SET:
		return cmp_coll(a, b);
	}
	return 0;
}

void rv_freeze(struct rv v)
{
	rv_open(v);
	if (v.kind == RV_ARRAY && !v.arr->frozen) {
		for (uint32_t i = 0; i < v.arr->n; i++)
			rv_freeze(v.arr->items[i]);
		(void)rv_hash(v);
		v.arr->frozen = true;
	} else if ((v.kind == RV_OBJECT || v.kind == RV_SET) && !v.coll->frozen) {
		for (uint32_t i = 0; i < v.coll->n; i++) {
			rv_freeze(v.coll->keys[i]);
			if (v.coll->vals)
				rv_freeze(v.coll->vals[i]);
		}
		rv_sort(v);
		(void)rv_hash(v);
		v.coll->frozen = true;
	}
}

static struct rv copy_number(struct rv_heap *h, struct rv v)
{
	return v.sub ? rv_number(h, slice_of(v.num->text, v.num->text_n)) : v;
}

struct rv rv_copy(struct rv_heap *h, struct rv v)
{
	struct rv_builder b;
	struct rv *items;

	rv_open(v);
	switch ((enum rv_kind)v.kind) {
	case RV_UNDEF:
	case RV_NULL:
	case RV_BOOL:
		return v;
	case RV_NUMBER:
		return copy_number(h, v);
	case RV_STRING:
		return rv_str(h, v.str->p, v.str->n);
	case RV_ARRAY:
		items = v.arr->n ? rv_alloc(h, v.arr->n * sizeof(*items)) : NULL;
		if (v.arr->n && !items)
			return rv_undef();
		for (uint32_t i = 0; i < v.arr->n; i++)
			items[i] = rv_copy(h, v.arr->items[i]);
		return h->bad ? rv_undef() : rv_array_own(h, items, v.arr->n);
	case RV_OBJECT:
	case RV_SET:
		b = builder(h, v.coll->n, v.kind == RV_OBJECT);
		for (uint32_t i = 0; i < v.coll->n && b.c; i++) {
			if (v.kind == RV_OBJECT)
				rv_object_put(&b, rv_copy(h, v.coll->keys[i]), rv_copy(h, v.coll->vals[i]));
			else
				rv_set_add(&b, rv_copy(h, v.coll->keys[i]));
		}
		return rv_builder_done(&b);
	}
	return rv_undef();
}

const char *rv_kind_name(enum rv_kind k)
{
	static const char *const names[] = {"undefined", "null", "boolean", "number", "string", "array", "object", "set"};

	return names[k];
}
