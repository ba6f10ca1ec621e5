/* value.h - the values of Rego: immutable, tagged, 16 bytes, with one total order.
 *
 * Spec: Rego reference, "scalar values", "composite values"; OPA ordering of values.
 * Ownership: all that a value points to lives in the heap it was made in (or one that lives longer), so values are
 * copied and compared freely and never freed. Threads: a value that was frozen may be shared; others belong to one
 * thread, because objects and sets are put in order at the first iteration.
 *
 * Constructors give RV_UNDEF when there is no memory or a value nests too deep; the heap is then bad for good and says
 * why (rv_heap_state). So a result is built first and the heap asked once.
 */
#pragma once
#include "base/arena.h"
#include "base/buf.h"
#include "base/rc.h"
#include "codec/json.h"

/* In the order of the language. RV_UNDEF is the absence of a value: it is never stored in a collection. */
enum rv_kind { RV_UNDEF = 0, RV_NULL, RV_BOOL, RV_NUMBER, RV_STRING, RV_ARRAY, RV_OBJECT, RV_SET };

#define RV_MAX_DEPTH 400u	/* nesting of one value */
#define RV_MAX_DIGITS 100000u	/* decimal digits of one number */
#define RV_MAX_ITEMS (1u << 26)
/* Scalars in one value, with shared parts counted as often as they are met: what walking it costs. */
#define RV_MAX_WEIGHT (1u << 23)

struct rv_str {
	uint32_t n;
	uint32_t hash;
	char p[];	/* UTF-8, NUL behind it */
};

/* A number that is no plain int64: its text, and its exact decimal form sign 0.DIGITS * 10^exp10. */
struct rv_num {
	uint32_t text_n;
	uint32_t nd;	/* significant digits, without zeros at either end; 0: the number is 0 */
	int64_t exp10;
	int64_t i64;	/* when fits */
	uint32_t hash;
	bool neg;
	bool integral;
	bool fits;	/* integral, and i64 holds it */
	const char *digits;	/* '0'..'9', nd of them; NUL behind them */
	const char *text;	/* as written or as computed; NUL behind it */
};

struct rv;
struct rv_source;

/* How far a collection of an input has been read (see rv_lazy_json). Everything else is read. */
enum rv_lazy { RV_READ = 0, RV_AJAR = 1 /* some of its elements are not */, RV_CLOSED = 2 };

struct rv_arr {
	uint32_t n;
	uint16_t depth;
	uint8_t lazy;	/* enum rv_lazy */
	bool frozen;
	uint32_t hash;	/* 0: not computed. Closed: its place in the source */
	uint32_t weight;
	union {
		const struct rv *items;
		const struct rv_source *source;	/* closed */
	};
};

struct rv_slot {
	uint32_t at;	/* position + 1; 0: free */
	uint32_t hash;
};

/* An object, or a set (vals == NULL). */
struct rv_coll {
	uint32_t n;	/* closed: equal keys are still counted each */
	uint16_t depth;
	uint8_t lazy;	/* enum rv_lazy */
	bool frozen : 1;
	bool sorted : 1;
	uint32_t hash;	/* 0: not computed. Closed: its place in the source */
	uint32_t weight;
	union {
		uint32_t mask;	/* of index; 0: no index, search by order */
		uint32_t peeks;	/* closed: how often it was looked into */
	};
	union {
		struct rv_slot *index;	/* by hash of the key */
		const struct rv_source *source;	/* closed */
	};
	struct rv *keys;	/* members of a set */
	struct rv *vals;
};

struct rv {
	uint8_t kind;	/* enum rv_kind */
	uint8_t sub;	/* RV_BOOL: 0 or 1. RV_NUMBER: 0 plain int64 in i, 1 num */
	uint16_t base;	/* private to the evaluator: part of a base document; 0 in everything that is stored */
	uint32_t hash;	/* RV_STRING: same as in the string; else 0 */
	union {
		int64_t i;
		const struct rv_num *num;
		const struct rv_str *str;
		struct rv_arr *arr;
		struct rv_coll *coll;
		void *ptr;
	};
};

/* ---- memory ---- */

struct rv_strtab;	/* strings of a program, by hash: values made with it get the same pointers */

struct rv_heap {
	struct arena *arena;
	uint8_t *p, *end;	/* the present chunk */
	size_t chunk;	/* size of the next one */
	size_t left;	/* bytes that may still be taken from the arena */
	const struct rv_strtab *tab;	/* may be NULL */
	bool bad;	/* no memory, or beyond the limit */
	bool deep;	/* a value nests deeper than RV_MAX_DEPTH, or is heavier than RV_MAX_WEIGHT */
};

/* limit_bytes 0: what the arena allows. */
struct rv_heap rv_heap_in(struct arena *a, size_t limit_bytes);
void *rv_alloc_slow(struct rv_heap *h, size_t n);
/* Not zeroed, aligned to 8; NULL beyond the limit. */
static inline void *rv_alloc(struct rv_heap *h, size_t n)
{
	size_t up = (n + 7) & ~(size_t)7;

	if (n > (size_t)1 << 40 || up > (size_t)(h->end - h->p))
		return rv_alloc_slow(h, n);
	h->p += up;
	return h->p - up;
}
static inline bool rv_heap_bad(const struct rv_heap *h)
{
	return h->bad || h->deep;
}

/* ---- scalars ---- */

static inline struct rv rv_undef(void)
{
	return (struct rv){.kind = RV_UNDEF};
}
static inline struct rv rv_null(void)
{
	return (struct rv){.kind = RV_NULL};
}
static inline struct rv rv_bool(bool b)
{
	return (struct rv){.kind = RV_BOOL, .sub = b};
}
static inline struct rv rv_int(int64_t i)
{
	return (struct rv){.kind = RV_NUMBER, .i = i};
}
static inline bool rv_is_true(struct rv v)
{
	return v.kind == RV_BOOL && v.sub;
}
static inline bool rv_is_false(struct rv v)
{
	return v.kind == RV_BOOL && !v.sub;
}

/* Copies. */
struct rv rv_str(struct rv_heap *h, const void *p, size_t n);
struct rv rv_cstr(struct rv_heap *h, const char *s);
struct rv rv_strf(struct rv_heap *h, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A string of n bytes to be filled in through *p, then given to rv_str_done. NULL without memory. */
struct rv_str *rv_str_new(struct rv_heap *h, size_t n);
/* n: the final length, at most what was asked for. */
struct rv rv_str_done(struct rv_str *s, size_t n);
static inline struct slice rv_slice(struct rv v)
{
	return slice_of(v.str->p, v.str->n);
}
uint32_t rv_hash_bytes(const void *p, size_t n);
bool rv_is_str(struct rv v, const char *s);

/* ---- numbers (number.c) ---- */

/* A JSON number, kept as written. RV_UNDEF without touching the heap's state when the text is no number, or has more
 * than RV_MAX_DIGITS digits or an exponent beyond 100,000. */
struct rv rv_number(struct rv_heap *h, struct slice text);
/* Nearest long double to text as the language writes floats: integral in full digits, else shortest round trip. */
struct rv rv_float(struct rv_heap *h, long double f);
struct rv rv_u64(struct rv_heap *h, uint64_t u);
/* An integer given by its decimal digits. */
struct rv rv_integer(struct rv_heap *h, bool neg, const char *digits, size_t n);
/* Integral by value: 4, 4.0, 1e30. */
bool rv_is_integral(struct rv v);
/* Integral and in range. */
bool rv_i64(struct rv v, int64_t *out);
long double rv_ld(struct rv v);
/* The text that output shows; somewhere in scratch for plain integers. */
struct slice rv_number_text(struct rv v, char scratch[24]);
/* The decimal digits of an integral number without sign, in heap memory. */
struct slice rv_integer_digits(struct rv_heap *h, struct rv v);
int rv_number_cmp(struct rv a, struct rv b);
/* Exact for two integral operands, through the float otherwise. op is one of + - * / %. RV_UNDEF when the result is
 * beyond the limits, for / or % by zero, and for % of what is not integral: the caller looks at its operands first. */
struct rv rv_arith(struct rv_heap *h, char op, struct rv a, struct rv b);

/* ---- collections ---- */

/* Copies the items. */
struct rv rv_array(struct rv_heap *h, const struct rv *items, size_t n);
/* Takes heap memory as it is. */
struct rv rv_array_own(struct rv_heap *h, struct rv *items, size_t n);

struct rv_vec {
	struct rv_heap *h;
	struct rv *items;
	size_t n, cap;
};
static inline struct rv_vec rv_vec(struct rv_heap *h)
{
	return (struct rv_vec){.h = h};
}
/* An RV_UNDEF value is not appended. */
void rv_push(struct rv_vec *v, struct rv item);
struct rv rv_vec_done(struct rv_vec *v);

/* Objects and sets are built by adding. */
struct rv_builder {
	struct rv_heap *h;
	struct rv_coll *c;
	size_t cap;
	bool pairs;
};
struct rv_builder rv_set_builder(struct rv_heap *h, size_t expect);
struct rv_builder rv_object_builder(struct rv_heap *h, size_t expect);
/* False when it was there already (or no memory). */
bool rv_set_add(struct rv_builder *b, struct rv v);
/* A key that is there gets the new value. */
void rv_object_put(struct rv_builder *b, struct rv key, struct rv val);
void rv_object_put_c(struct rv_builder *b, const char *key, struct rv val);
/* The value under key while building, or NULL. */
const struct rv *rv_builder_get(const struct rv_builder *b, struct rv key);
struct rv rv_builder_done(struct rv_builder *b);

static inline struct rv rv_empty_set(struct rv_heap *h)
{
	struct rv_builder b = rv_set_builder(h, 0);
	return rv_builder_done(&b);
}
static inline struct rv rv_empty_object(struct rv_heap *h)
{
	struct rv_builder b = rv_object_builder(h, 0);
	return rv_builder_done(&b);
}

/* ---- what is read when it is touched ---- */

static inline bool rv_is_lazy(struct rv v)
{
	return (v.kind == RV_ARRAY && v.arr->lazy) || (v.kind == RV_OBJECT && v.coll->lazy) || (v.kind == RV_SET && v.coll->lazy);
}
void rv_open_slow(struct rv v);
/* Reads a closed collection; to be called before its elements or members are looked at other than through the functions
 * here. Without memory it comes out shorter: the heap is then bad, so nothing that is made of it is ever told. */
static inline void rv_open(struct rv v)
{
	if ((v.kind == RV_ARRAY && v.arr->lazy == RV_CLOSED) || (v.kind == RV_OBJECT && v.coll->lazy == RV_CLOSED))
		rv_open_slow(v);
}
/* The same for all that is below. */
void rv_open_all(struct rv v);
/* What a closed object holds under a string, without reading the rest: false when it has to be opened. */
bool rv_peek(struct rv_coll *c, struct rv key, struct rv *out);

/* Elements of an array, object or set; 0 for others. */
static inline uint32_t rv_len(struct rv v)
{
	return v.kind == RV_ARRAY ? v.arr->n : v.kind == RV_OBJECT || v.kind == RV_SET ? v.coll->n : 0;
}
static inline struct rv rv_at(struct rv arr, size_t i)
{
	return arr.arr->items[i];
}
/* Puts an object or set in order (others: nothing); call before rv_key and rv_val where the order matters. */
void rv_sort(struct rv v);
/* The i-th key or member, the i-th value; in order after rv_sort. */
static inline struct rv rv_key(struct rv coll, size_t i)
{
	return coll.coll->keys[i];
}
static inline struct rv rv_val(struct rv obj, size_t i)
{
	return obj.coll->vals[i];
}
/* The value under a key of an object, or the member of a set that equals key; NULL when absent. */
const struct rv *rv_get(struct rv coll, struct rv key);
const struct rv *rv_get_c(struct rv obj, const char *key);
/* One step of a reference: object key, array index, set member. RV_UNDEF when there is nothing. */
struct rv rv_step(struct rv v, struct rv key);

/* <0, 0, >0 in the order of the language; RV_UNDEF before all. */
int rv_cmp(struct rv a, struct rv b);
bool rv_eq(struct rv a, struct rv b);
uint32_t rv_hash(struct rv v);
unsigned rv_depth(struct rv v);
/* 1 for scalars, more for long strings and numbers, the sum for collections. */
static inline uint32_t rv_weight(struct rv v)
{
	return v.kind == RV_ARRAY ? v.arr->weight : v.kind == RV_OBJECT || v.kind == RV_SET ? v.coll->weight
	       : v.kind == RV_STRING ? 1 + v.str->n / 64 : v.kind == RV_NUMBER && v.sub ? 1 + v.num->nd / 64 : 1;
}
/* Computes all that is lazy, so that threads may share it. */
void rv_freeze(struct rv v);
/* A deep copy into another heap, strings looked up in its table. */
struct rv rv_copy(struct rv_heap *h, struct rv v);

const char *rv_kind_name(enum rv_kind k);	/* "null", "boolean", "number", "string", "array", "object", "set" */

/* ---- string table ---- */

/* Immutable once made: the strings that a program names. */
struct rv_strtab *rv_strtab_new(struct arena *a, size_t expect);
/* The one string with these bytes; added when it is not there. */
const struct rv_str *rv_strtab_add(struct rv_strtab *t, struct rv_heap *h, const void *p, size_t n);
/* A table of its own with the same strings. */
struct rv_strtab *rv_strtab_copy(struct arena *a, const struct rv_strtab *from);
const struct rv_str *rv_strtab_find(const struct rv_strtab *t, const void *p, size_t n, uint32_t hash);

/* ---- text forms ---- */

struct rv_json_opts {
	bool refuse_duplicates;	/* else the last one wins */
	bool relaxed;		/* invalid UTF-8 is kept */
};
/* Reads JSON text. On failure RV_UNDEF, and *err tells what and *at where (unless it is the heap that failed). */
struct rv rv_from_json(struct rv_heap *h, struct slice text, const struct rv_json_opts *opts, const char **err,
		       size_t *at);
/* The same value, without options: the whole text is checked, but its collections are read when they are touched. The text and
 * the heap must live as long. */
struct rv rv_lazy_json(struct rv_heap *h, struct slice text, const char **err, size_t *at);
/* Compact JSON: sets as arrays, keys that are no strings as their JSON text. */
void rv_to_json(struct buf *b, struct rv v);
/* The same with <, > and & as \u003c and so on, as json.marshal writes them. */
void rv_to_json_html(struct buf *b, struct rv v);
/* With `indent` before each level and newlines after `prefix`, as Go's encoder lays it out. */
void rv_to_json_pretty(struct buf *b, struct rv v, const char *prefix, const char *indent);
/* As in source: {"a": 1}, {1, 2}, set(). */
void rv_to_text(struct buf *b, struct rv v);
void rv_quote(struct buf *b, struct slice utf8);
/* Text forms as values in the heap. */
struct rv rv_text_value(struct rv_heap *h, struct rv v);
struct rv rv_json_value(struct rv_heap *h, struct rv v);

/* RV_UNDEF, too, for a number beyond the limits of rv_number: then the heap is still good. */
struct rv rv_from_doc(struct rv_heap *h, const struct json *doc);
/* Sets as arrays. NULL without memory, and where a key is no UTF-8 string: two keys might have the same text. */
struct json *rv_to_doc(struct arena *a, struct rv v);
