#include "rego/lazy.h"

#include <string.h>

#include "base/num.h"
#include "base/utf8.h"
#include "rego/scan.h"

#define NUMBER_MAX 64u	/* bytes; longer ones are left to rv_from_json, which knows the limits of numbers */
#define PEEKS	   16u	/* scalars taken from a closed object before it is worth opening */
#define PEEK_IN	   24u	/* members of an object that is looked through */

/* ---- first: all places, while the text is checked ---- */

/* A collection that is still open. */
struct level {
	uint32_t at;	/* its first entry */
	uint32_t count;	/* of elements so far */
	uint32_t height;	/* the most that nests in it, and itself */
	bool object;
};

struct indexer {
	struct rv_heap *h;
	const uint8_t *text, *end;	/* from the first bracket to behind the last one */
	struct tape *t;
	uint32_t cap;
	struct scan scan;
	struct level around[RV_MAX_DEPTH];
};

/* Room behind the n entries there are. */
static bool more_tape(struct indexer *x, size_t n)
{
	uint32_t cap = x->cap * 2;
	struct tape *t = cap > x->cap ? rv_alloc(x->h, cap * sizeof(*t)) : NULL;

	if (!t)
		return false;
	memcpy(t, x->t, n * sizeof(*t));
	x->t = t;
	x->cap = cap;
	return true;
}

/* The two quotes of a string, when they are not both in the chunk at hand. */
static bool quotes_apart(struct scan *s, uint32_t at[2])
{
	for (unsigned i = 0; i < 2; i++) {
		if (s->q == s->end && !scan_more(s))
			return false;
		at[i] = *s->q++;
	}
	return true;
}

/* The text ends in a bracket, which stops each of these: none looks for the end. */

static inline const uint8_t *space(const uint8_t *p)
{
	while (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r')
		p++;
	return p;
}
#define SPACE(p)                                       \
	do {                                           \
		if (__builtin_expect(*(p) <= ' ', 0))  \
			(p) = space(p);                \
	} while (0)

static inline const uint8_t *digits(const uint8_t *p)
{
	while (*p >= '0' && *p <= '9')
		p++;
	return p;
}

static inline const uint8_t *number(const uint8_t *first)
{
	const uint8_t *p = first + (*first == '-'), *from = p;

	p = digits(p);
	if (p == from || (*from == '0' && p - from > 1))
		return NULL;
	if (*p == '.') {
		from = ++p;
		p = digits(p);
		if (p == from)
			return NULL;
	}
	if ((*p | 0x20) == 'e') {
		p++;
		p += *p == '+' || *p == '-';
		from = p;
		p = digits(p);
		if (p == from || p - from > 4)
			return NULL;
	}
	return p - first > NUMBER_MAX ? NULL : p;
}

static inline const uint8_t *word(const uint8_t *p, const uint8_t *end)
{
	if (end - p > 4 && memcmp(p, "true", 4) == 0)
		return p + 4;
	if (end - p > 5 && memcmp(p, "false", 5) == 0)
		return p + 5;
	return end - p > 4 && memcmp(p, "null", 4) == 0 ? p + 4 : NULL;
}

/* A string at p, into entry *e. */
#define STRING(p, e)                                                                                  \
	do {                                                                                          \
		uint32_t at[2];                                                                       \
                                                                                                      \
		if (__builtin_expect(qend - q >= 2, 1)) {                                             \
			at[0] = q[0];                                                                 \
			at[1] = q[1];                                                                 \
			q += 2;                                                                       \
		} else {                                                                              \
			x->scan.q = q;                                                                \
			if (!quotes_apart(&x->scan, at))                                              \
				return false;                                                         \
			q = x->scan.q;                                                                \
			qend = x->scan.end;                                                           \
		}                                                                                     \
		if (at[0] != (uint32_t)((p) - text))                                                  \
			return false;                                                                 \
		/* the mark for escapes comes through the subtraction as it is */                     \
		*(e) = (struct tape){at[0], at[1] - at[0] - 1};                                       \
		(p) = text + (at[1] & ~SCAN_ESCAPED) + 1;                                             \
	} while (0)

/* One pass without a stack of calls: `me` is the innermost open collection. */
static bool values(struct indexer *x)
{
	const uint8_t *const text = x->text, *p = text, *from;
	const uint32_t *q = x->scan.q, *qend = x->scan.end;
	struct tape *e = x->t, *full = x->t + x->cap - 4;
	struct level me = {0};
	unsigned depth = 0;

	SPACE(p);
	if (*p != '{' && *p != '[')	/* a scalar is left to rv_from_json; from here on something is open until the end */
		return false;
	for (;;) {
		SPACE(p);
		if (__builtin_expect(e > full, 0)) {
			size_t n = (size_t)(e - x->t);

			if (!more_tape(x, n))
				return false;
			e = x->t + n;
			full = x->t + x->cap - 4;
		}
		if (*p == '"') {
			STRING(p, e);
			e++;
		} else if (*p == '{' || *p == '[') {
			if (depth == RV_MAX_DEPTH)
				return false;
			x->around[depth++] = me;
			me = (struct level){.at = (uint32_t)(e - x->t), .height = 1, .object = *p == '{'};
			e->at = (uint32_t)(p - text) | LAZY_COLLECTION;
			e += 2;
			p++;
			SPACE(p);
			if (*p == (me.object ? '}' : ']'))
				goto end;
			if (me.object)
				goto key;
			continue;
		} else {
			from = p;
			p = *p <= '9' ? number(p) : word(p, x->end);
			if (!p)
				return false;
			*e++ = (struct tape){(uint32_t)(from - text), (uint32_t)(p - from)};
		}
behind:
		me.count++;
		SPACE(p);
		if (*p != ',') {
			if (*p != (me.object ? '}' : ']'))
				return false;
			goto end;
		}
		p++;
		if (!me.object)
			continue;
		SPACE(p);
key:
		if (*p != '"')
			return false;
		STRING(p, e);
		e++;
		SPACE(p);
		if (*p++ != ':')
			return false;
		continue;
end:
		x->t[me.at].x = (uint32_t)(e - x->t);
		x->t[me.at + 1] = (struct tape){me.count, me.height};
		x->around[depth - 1].height = MAX_OF(x->around[depth - 1].height, me.height + 1);
		me = x->around[--depth];
		p++;
		if (depth == 0)
			break;
		if (p == x->end)	/* that was the last bracket, and something is still open */
			return false;
		goto behind;
	}
	x->scan.q = q;
	return p == x->end;
}

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

const struct tape *lazy_index(struct rv_heap *h, struct slice text, int level)
{
	struct indexer x __attribute__((uninitialized));

	if (text.n > SCAN_TEXT_MAX)
		return NULL;
	x.h = h;
	x.text = text.p;
	x.end = text.p + text.n;
	while (x.end > x.text && is_space(x.end[-1]))
		x.end--;
	/* a bracket at the end stops all that runs */
	if (x.end - x.text < 2 || (x.end[-1] != '}' && x.end[-1] != ']'))
		return NULL;
	x.cap = (uint32_t)(text.n / 14) + 16;
	x.t = rv_alloc(h, x.cap * sizeof(*x.t));
	if (!x.t)
		return NULL;
	scan_start(&x.scan, text.p, text.n, (enum scan_level)level);
	if (!values(&x) || !scan_finish(&x.scan) || (x.scan.high && !utf8_valid(text)))
		return NULL;
	return x.t;
}

/* ---- then: values ---- */

static struct rv text_string(const struct rv_source *s, struct tape e)
{
	if (e.x & SCAN_ESCAPED)
		return read_scalar(s->heap, slice_sub(s->text, e.at, s->text.n));
	return rv_str(s->heap, s->text.p + e.at + 1, e.x);
}

static inline bool is_collection(const struct rv_source *s, uint32_t i)
{
	return (s->tape[i].at & LAZY_COLLECTION) != 0;
}

static inline uint32_t behind(const struct rv_source *s, uint32_t i)
{
	return is_collection(s, i) ? s->tape[i].x : i + 1;
}

/* What walking a closed collection costs at most: its entries, and the length of its strings. */
static uint32_t weight(const struct rv_source *s, uint32_t i)
{
	const struct tape *t = s->tape;
	uint32_t end = t[i].x, from = t[i].at & ~LAZY_COLLECTION;
	/* the last entry is a scalar's, or the second one of an empty collection */
	uint32_t last = end > i + 2 ? t[end - 1].at & ~LAZY_COLLECTION : from;
	uint64_t w = (uint64_t)end - i + (last > from ? (last - from) / 64 : 0);

	return w < RV_MAX_WEIGHT ? (uint32_t)w : RV_MAX_WEIGHT;
}

static struct rv closed(const struct rv_source *s, uint32_t i)
{
	struct tape more = s->tape[i + 1];
	struct rv_coll *c;
	struct rv_arr *a;

	if (s->text.p[s->tape[i].at & ~LAZY_COLLECTION] == '[') {
		if (more.at == 0)
			return rv_array(s->heap, NULL, 0);
		a = rv_alloc(s->heap, sizeof(*a));
		if (!a)
			return rv_undef();
		*a = (struct rv_arr){.n = more.at, .depth = (uint16_t)more.x, .lazy = RV_CLOSED, .hash = i, .weight = weight(s, i), .source = s};
		return (struct rv){.kind = RV_ARRAY, .arr = a};
	}
	if (more.at == 0)
		return rv_empty_object(s->heap);
	c = rv_alloc(s->heap, sizeof(*c));
	if (!c)
		return rv_undef();
	*c = (struct rv_coll){.n = more.at, .depth = (uint16_t)more.x, .lazy = RV_CLOSED, .hash = i, .weight = weight(s, i), .source = s};
	return (struct rv){.kind = RV_OBJECT, .coll = c};
}

struct rv lazy_value(const struct rv_source *s, uint32_t i)
{
	struct tape e = s->tape[i];

	if (e.at & LAZY_COLLECTION)
		return closed(s, i);
	switch (s->text.p[e.at]) {
	case '"':
		return text_string(s, e);
	case 't':
		return rv_bool(true);
	case 'f':
		return rv_bool(false);
	case 'n':
		return rv_null();
	default:
		return read_scalar(s->heap, slice_sub(s->text, e.at, e.x));
	}
}

static void open_array(struct rv_arr *a)
{
	const struct rv_source *s = a->source;
	struct rv *items = rv_alloc(s->heap, a->n * sizeof(*items));
	uint32_t at = a->hash + 2, n = 0;
	bool ajar = false;

	for (; items && n < a->n; n++) {
		items[n] = lazy_value(s, at);
		ajar = ajar || rv_is_lazy(items[n]);
		if (items[n].kind == RV_UNDEF)
			break;
		at = behind(s, at);
	}
	a->n = n;	/* less without memory: the heap is bad then, and no result is told */
	a->items = items;
	a->hash = 0;
	a->lazy = ajar ? RV_AJAR : 0;
}

static void open_object(struct rv_coll *c)
{
	const struct rv_source *s = c->source;
	uint32_t at = c->hash, n = c->n, weight = c->weight;
	uint16_t depth = c->depth;
	struct rv_builder b = rv_refill(s->heap, c, n);

	at += 2;
	for (uint32_t i = 0; b.c && i < n; i++) {
		struct rv k = text_string(s, s->tape[at]);

		rv_object_put(&b, k, lazy_value(s, at + 1));	/* of equal keys the last one counts */
		at = behind(s, at + 1);
	}
	c->sorted = c->n < 2;
	c->weight = weight;
	c->depth = depth;
}

void rv_open_slow(struct rv v)
{
	if (v.kind == RV_ARRAY)
		open_array(v.arr);
	else
		open_object(v.coll);
}

void rv_open_all(struct rv v)
{
	if (!rv_is_lazy(v))
		return;
	rv_open(v);
	if (v.kind == RV_ARRAY) {
		for (uint32_t i = 0; i < v.arr->n; i++)
			rv_open_all(v.arr->items[i]);
		v.arr->lazy = 0;
		return;
	}
	for (uint32_t i = 0; i < v.coll->n; i++) {
		rv_open_all(v.coll->keys[i]);
		if (v.kind == RV_OBJECT)
			rv_open_all(v.coll->vals[i]);
	}
	v.coll->lazy = 0;
}

bool rv_peek(struct rv_coll *c, struct rv key, struct rv *out)
{
	const struct rv_source *s = c->source;
	uint32_t at = c->hash + 2, found = 0, n = key.str->n;

	if (c->n > PEEK_IN || c->peeks >= PEEKS)
		return false;
	for (uint32_t i = 0; i < c->n; i++) {
		struct tape k = s->tape[at++];

		if (k.x & SCAN_ESCAPED)
			return false;
		if (k.x == n && memcmp(s->text.p + k.at + 1, key.str->p, n) == 0)
			found = at;
		at = behind(s, at);
	}
	if (found && is_collection(s, found))
		return false;	/* the same one must be found again */
	c->peeks++;
	*out = !found ? rv_undef() : lazy_value(s, found);
	return true;
}

struct rv rv_lazy_json(struct rv_heap *h, struct slice text, const char **err, size_t *at)
{
	struct rv_source *s = rv_alloc(h, sizeof(*s));

	if (s) {
		*s = (struct rv_source){.heap = h, .text = text};
		s->tape = lazy_index(h, text, (int)scan_best());
		if (s->tape)
			return lazy_value(s, 0);
	}
	return rv_from_json(h, text, NULL, err, at);
}
