/* json_read.c - the reader: one pass, recursive descent with a counted depth. */
#include <stdlib.h>

#include "base/num.h"
#include "base/scan.h"
#include "base/utf8.h"
#include "codec/json_priv.h"

struct reader {
	struct arena *a;
	struct slice in;
	size_t at;
	size_t nodes, max_nodes;
	unsigned depth, max_depth;
	struct why *w;
};

static rc syntax(struct reader *r, const char *expected)
{
	if (r->at >= r->in.n)
		return deny(r->w, E_MALFORMED, "json.syntax", "JSON ends at byte %zu, expected %s", r->at, expected);
	return deny(r->w, E_MALFORMED, "json.syntax", "JSON: unexpected byte 0x%02x at %zu, expected %s",
		    r->in.p[r->at], r->at, expected);
}

static rc no_memory(struct reader *r)
{
	return deny(r->w, E_LIMIT, "json.memory", "JSON: no room left at byte %zu", r->at);
}

static void skip_space(struct reader *r)
{
	while (r->at < r->in.n) {
		uint8_t c = r->in.p[r->at];

		if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
			break;
		r->at++;
	}
}

static bool accept(struct reader *r, char c)
{
	if (r->at < r->in.n && r->in.p[r->at] == (uint8_t)c) {
		r->at++;
		return true;
	}
	return false;
}

static int hex4(struct reader *r)
{
	int v = 0;

	if (r->in.n - r->at < 4)
		return -1;
	for (unsigned i = 0; i < 4; i++) {
		uint8_t c = r->in.p[r->at + i];

		if (c >= '0' && c <= '9')
			v = v * 16 + (c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			v = v * 16 + ((c | 0x20) - 'a' + 10);
		else
			return -1;
	}
	r->at += 4;
	return v;
}

/* After the backslash. Returns bytes written, 0 on a bad escape. */
static unsigned read_escape(struct reader *r, uint8_t out[4])
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *hit;
	int hi, lo;

	if (r->at >= r->in.n)
		return 0;
	if (r->in.p[r->at] != 'u') {
		hit = r->in.p[r->at] ? strchr(from, r->in.p[r->at]) : NULL;
		if (!hit)
			return 0;
		r->at++;
		out[0] = (uint8_t)to[hit - from];
		return 1;
	}
	r->at++;
	hi = hex4(r);
	if (hi < 0 || (hi >= 0xdc00 && hi < 0xe000))
		return 0;
	if (hi < 0xd800 || hi >= 0xe000)
		return utf8_put((uint32_t)hi, out);
	if (!accept(r, '\\') || !accept(r, 'u'))
		return 0;
	lo = hex4(r);
	if (lo < 0xdc00 || lo >= 0xe000)
		return 0;
	return utf8_put(0x10000u + (((uint32_t)hi - 0xd800) << 10) + ((uint32_t)lo - 0xdc00), out);
}

/* At the opening quote. */
static rc read_string(struct reader *r, struct slice *out)
{
	size_t from, n = 0, end;
	bool plain = true, ascii = true;
	uint8_t *p;

	if (!accept(r, '"'))
		return syntax(r, "a string");
	from = r->at;
	for (end = from; end < r->in.n; end++) {
		end += scan_json(r->in.p + end, r->in.n - end);
		if (end >= r->in.n || r->in.p[end] == '"')
			break;
		if (r->in.p[end] < 0x20) {
			r->at = end;
			return syntax(r, "no control character in a string");
		}
		if (r->in.p[end] == '\\') {
			plain = false;
			end++;
		} else {
			ascii = false;
		}
	}
	if (end >= r->in.n) {
		r->at = r->in.n;
		return syntax(r, "the end of a string");
	}
	p = arena_alloc_raw(r->a, end - from + 1);	/* decoding never makes it longer */
	if (!p)
		return no_memory(r);
	if (plain) {
		n = end - from;
		memcpy(p, r->in.p + from, n);
		r->at = end;
	} else {
		while (r->at < end) {
			uint8_t c = r->in.p[r->at], esc[4];
			unsigned k;

			if (c != '\\') {
				p[n++] = c;
				r->at++;
				continue;
			}
			r->at++;
			k = read_escape(r, esc);
			if (!k)
				return syntax(r, "a valid escape");
			memcpy(p + n, esc, k);
			n += k;
		}
	}
	p[n] = 0;
	*out = (struct slice){p, n};
	/* Plain ASCII needs no look; what an escape makes, and may hide behind its backslash, does. */
	if (!(plain && ascii) && !utf8_valid(*out))
		return deny(r->w, E_MALFORMED, "json.utf8", "JSON: the string at byte %zu is not UTF-8", from);
	r->at++;	/* the closing quote */
	return rc_of(OK);
}

bool json_number_ok(struct slice s)
{
	size_t i = 0;

	if (i < s.n && s.p[i] == '-')
		i++;
	if (i >= s.n)
		return false;
	if (s.p[i] == '0') {
		i++;
	} else {
		size_t from = i;

		while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
			i++;
		if (i == from)
			return false;
	}
	if (i < s.n && s.p[i] == '.') {
		size_t from = ++i;

		while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
			i++;
		if (i == from)
			return false;
	}
	if (i < s.n && (s.p[i] | 0x20) == 'e') {
		size_t from;

		i++;
		if (i < s.n && (s.p[i] == '+' || s.p[i] == '-'))
			i++;
		for (from = i; i < s.n && s.p[i] >= '0' && s.p[i] <= '9';)
			i++;
		if (i == from)
			return false;
	}
	return i == s.n;
}

static rc read_number(struct reader *r, struct json *v)
{
	size_t from = r->at;

	while (r->at < r->in.n && r->in.p[r->at] && strchr("+-.0123456789eE", r->in.p[r->at]))
		r->at++;
	v->kind = JSON_NUMBER;
	v->text = slice_sub(r->in, from, r->at - from);
	if (!json_number_ok(v->text)) {
		r->at = from;
		return syntax(r, "a value");
	}
	return rc_of(OK);
}

static rc read_value(struct reader *r, struct json **out);

static rc enter(struct reader *r)
{
	if (++r->depth > r->max_depth)
		return deny(r->w, E_LIMIT, "json.depth", "JSON is nested deeper than %u at byte %zu", r->max_depth,
			    r->at);
	return rc_of(OK);
}

static rc read_array(struct reader *r, struct json *v)
{
	size_t cap = 0;

	v->kind = JSON_ARRAY;
	TRY(enter(r));
	r->at++;
	skip_space(r);
	if (!accept(r, ']')) {
		for (;;) {
			struct json *item;

			TRY(read_value(r, &item));
			if (v->n == cap) {
				size_t next = cap ? cap * 2 : 4;
				struct json **grown = arena_array(r->a, next, struct json *);

				if (!grown)
					return no_memory(r);
				if (cap)
					memcpy(grown, v->items, cap * sizeof(*grown));
				v->items = grown;
				cap = next;
			}
			v->items[v->n++] = item;
			skip_space(r);
			if (accept(r, ']'))
				break;
			if (!accept(r, ','))
				return syntax(r, "',' or ']'");
		}
	}
	v->cap = cap;
	r->depth--;
	return rc_of(OK);
}

static rc twice(struct reader *r, struct slice name)
{
	return deny(r->w, E_MALFORMED, "json.duplicate", "JSON: the member \"" SLICE_FMT "\" stands twice",
		    SLICE_ARG(slice_sub(name, 0, 64)));
}

/* A table of places, the slot by ends and length of the name. Names that all want one slot cost what comparing each with each does,
 * which for so few is little. */
#define DUP_SLOTS 256u
_Static_assert(JSON_INDEX_FROM < DUP_SLOTS, "a table that is never full");

static rc check_few(struct reader *r, const struct json *v)
{
	uint8_t slot[DUP_SLOTS] = {0};	/* place + 1; 0: free */

	for (size_t i = 0; i < v->n; i++) {
		struct slice name = v->members[i].name;
		size_t at = name.n;

		for (size_t k = 0; k < 4 && k < name.n; k++)
			at = at * 31 + name.p[name.n - 1 - k];
		for (at %= DUP_SLOTS; slot[at]; at = (at + 1) % DUP_SLOTS)
			if (json_same_name(v->members[slot[at] - 1].name, name))
				return twice(r, name);
		slot[at] = (uint8_t)(i + 1);
	}
	return rc_of(OK);
}

static rc check_duplicates(struct reader *r, struct json *v)
{
	if (v->n <= JSON_FEW) {
		for (size_t i = 1; i < v->n; i++)
			for (size_t k = 0; k < i; k++)
				if (json_same_name(v->members[i].name, v->members[k].name))
					return twice(r, v->members[i].name);
		return rc_of(OK);
	}
	if (v->n <= JSON_INDEX_FROM)
		return check_few(r, v);
	if (!json_index(r->a, v))
		return no_memory(r);
	for (size_t i = 1; i < v->n; i++)
		if (slice_eq(v->members[v->index[i]].name, v->members[v->index[i - 1]].name))
			return twice(r, v->members[v->index[i]].name);
	return rc_of(OK);
}

static rc read_object(struct reader *r, struct json *v)
{
	size_t cap = 0;

	v->kind = JSON_OBJECT;
	TRY(enter(r));
	r->at++;
	skip_space(r);
	if (!accept(r, '}')) {
		for (;;) {
			struct json_member m;

			skip_space(r);
			TRY(read_string(r, &m.name));
			skip_space(r);
			if (!accept(r, ':'))
				return syntax(r, "':'");
			TRY(read_value(r, &m.value));
			if (v->n == cap) {
				size_t next = cap ? cap * 2 : 8;
				struct json_member *grown = arena_array(r->a, next, struct json_member);

				if (!grown)
					return no_memory(r);
				if (cap)
					memcpy(grown, v->members, cap * sizeof(*grown));
				v->members = grown;
				cap = next;
			}
			v->members[v->n++] = m;
			skip_space(r);
			if (accept(r, '}'))
				break;
			if (!accept(r, ','))
				return syntax(r, "',' or '}'");
		}
	}
	v->cap = cap;
	r->depth--;
	return check_duplicates(r, v);
}

static bool accept_word(struct reader *r, const char *word)
{
	size_t n = strlen(word);

	if (r->in.n - r->at < n || memcmp(r->in.p + r->at, word, n) != 0)
		return false;
	r->at += n;
	return true;
}

static rc read_value(struct reader *r, struct json **out)
{
	struct json *v;
	size_t from;

	skip_space(r);
	from = r->at;
	if (r->at >= r->in.n)
		return syntax(r, "a value");
	if (++r->nodes > r->max_nodes)
		return deny(r->w, E_LIMIT, "json.nodes", "JSON has more than %zu values", r->max_nodes);
	v = ARENA_NEW(r->a, struct json);
	if (!v)
		return no_memory(r);
	switch (r->in.p[r->at]) {
	case '{':
		TRY(read_object(r, v));
		break;
	case '[':
		TRY(read_array(r, v));
		break;
	case '"':
		v->kind = JSON_STRING;
		TRY(read_string(r, &v->text));
		break;
	default:
		if (accept_word(r, "true")) {
			v->kind = JSON_BOOL;
			v->boolean = true;
		} else if (accept_word(r, "false")) {
			v->kind = JSON_BOOL;
		} else if (accept_word(r, "null")) {
			v->kind = JSON_NULL;
		} else {
			TRY(read_number(r, v));
		}
	}
	v->raw = slice_sub(r->in, from, r->at - from);
	*out = v;
	return rc_of(OK);
}

rc json_parse(struct arena *a, struct slice in, const struct json_limits *limits, struct json **out, struct why *w)
{
	struct json_limits l = limits ? *limits : (struct json_limits){0};
	size_t max_bytes = l.max_bytes ? l.max_bytes : (size_t)16 << 20;
	struct reader r = {.a = a, .in = in, .w = w};
	struct json *v;

	r.max_depth = l.max_depth ? MIN_OF(l.max_depth, JSON_DEPTH_CEILING) : 64;
	r.max_nodes = l.max_nodes ? l.max_nodes : 1000000;
	if (in.n > max_bytes)
		return deny(w, E_LIMIT, "json.size", "JSON of %zu bytes, at most %zu are taken", in.n, max_bytes);
	TRY(read_value(&r, &v));
	skip_space(&r);
	if (r.at != in.n)
		return deny(w, E_MALFORMED, "json.trailing", "JSON: %zu bytes behind the value, at byte %zu",
			    in.n - r.at, r.at);
	*out = v;
	return rc_of(OK);
}
