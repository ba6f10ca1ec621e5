/* json.h - the one JSON reader and writer (RFC 8259, RFC 8785).
 *
 * Reading is strict: UTF-8 checked, duplicate member names refused, nothing behind the value, depth, size and
 * node count capped. Numbers keep their text, so 64-bit integers and decimals stay exact. Each value keeps the
 * slice of source it came from, so that a signature over a part is checked over the received bytes.
 *
 * Values are immutable once built and live in the arena; strings are decoded there. Builders return NULL when
 * there is no memory and accept NULL parents, so a whole document is built first and checked once.
 */
#pragma once
#include "base/buf.h"
#include "base/why.h"

enum json_kind { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json_member;

struct json {
	enum json_kind kind;
	bool boolean;
	struct slice text;	/* string: decoded bytes (NUL behind them); number: its text as written */
	size_t n;		/* array, object: how many */
	union {
		struct json **items;		/* array */
		struct json_member *members;	/* object, in source order */
	};
	struct slice raw;	/* the source bytes of this value; a table of TOML: none, at its header; p == NULL for built values */
	uint32_t *index;	/* private: members sorted by name, for large objects */
	size_t cap;		/* private: builders */
};

struct json_member {
	struct slice name;
	struct json *value;
};

struct json_limits {
	size_t max_bytes;	/* 0: 16 MiB */
	unsigned max_depth;	/* 0: 64 */
	size_t max_nodes;	/* 0: 1,000,000 */
};

/* Borrows `in` (raw slices point into it): it must live as long as the arena.
 * E_MALFORMED json.syntax, json.utf8, json.duplicate, json.trailing; E_LIMIT json.size, json.depth, json.nodes. */
RC json_parse(struct arena *a, struct slice in, const struct json_limits *limits, struct json **out, struct why *w);

/* ---- reading ---- */

/* NULL when v is no object (or NULL), or has no such member. */
const struct json *json_get(const struct json *v, const char *name);
const struct json *json_get_slice(const struct json *v, struct slice name);
/* RFC 6901 pointer, "/submods/cpu0/ear.status"; NULL when absent. */
const struct json *json_pointer(const struct json *v, const char *pointer);
const struct json *json_at(const struct json *v, size_t i);
static inline bool json_is(const struct json *v, enum json_kind k)
{
	return v && v->kind == k;
}
const char *json_kind_name(const struct json *v);	/* "absent" for NULL */

/* Required members: absent or of another type is E_MALFORMED json.member, naming `what` and the member. */
RC json_need(const struct json *obj, const char *name, enum json_kind kind, const struct json **out, const char *what,
	     struct why *w);
RC json_need_str(const struct json *obj, const char *name, struct slice *out, const char *what, struct why *w);
RC json_need_u64(const struct json *obj, const char *name, uint64_t max, uint64_t *out, const char *what, struct why *w);
/* Absent or null leaves *out untouched; another type is E_MALFORMED. */
RC json_opt_str(const struct json *obj, const char *name, struct slice *out, const char *what, struct why *w);
RC json_opt_u64(const struct json *obj, const char *name, uint64_t max, uint64_t *out, const char *what, struct why *w);
RC json_opt_bool(const struct json *obj, const char *name, bool *out, const char *what, struct why *w);

/* An integer written without fraction and exponent ("-0" is 0); false when it is not one or does not fit. */
bool json_i64(const struct json *v, int64_t *out);
bool json_u64(const struct json *v, uint64_t *out);
double json_double(const struct json *v);	/* nearest; 0 for other kinds */
/* Deep equality; numbers by exact decimal value, objects without order. */
bool json_equal(const struct json *a, const struct json *b);

/* ---- building ---- */

struct json *json_new_null(struct arena *a);
struct json *json_new_bool(struct arena *a, bool b);
struct json *json_new_i64(struct arena *a, int64_t v);
struct json *json_new_u64(struct arena *a, uint64_t v);
struct json *json_new_number(struct arena *a, struct slice text);	/* text must be a JSON number; NULL otherwise */
struct json *json_new_str(struct arena *a, struct slice s);	/* copies; NULL when it is not UTF-8 */
struct json *json_new_cstr(struct arena *a, const char *s);
struct json *json_new_hex(struct arena *a, struct slice bytes);	/* lower case */
struct json *json_new_b64(struct arena *a, struct slice bytes);	/* padded standard alphabet */
struct json *json_new_array(struct arena *a);
struct json *json_new_object(struct arena *a);
/* Appends. A NULL value or no memory marks the arena bad (arena_bad). */
void json_push(struct arena *a, struct json *arr, const struct json *v);
/* Sets or replaces. The name is copied. */
void json_set(struct arena *a, struct json *obj, const char *name, const struct json *v);
void json_set_slice(struct arena *a, struct json *obj, struct slice name, const struct json *v);
/* Removes a member; false when it was not there. */
bool json_remove(struct json *obj, const char *name);
/* Sets at "quote.body.mr_td": objects on the way are made. A component may hold no dot. */
void json_set_path(struct arena *a, struct json *obj, const char *dotted, const struct json *v);

/* ---- writing ---- */

void json_write(struct buf *b, const struct json *v);	/* compact, member order kept */
void json_write_pretty(struct buf *b, const struct json *v);	/* two spaces */
/* RFC 8785. E_MALFORMED json.jcs for a number beyond binary64. */
RC json_write_jcs(struct buf *b, const struct json *v, struct why *w);
void json_write_quoted(struct buf *b, struct slice utf8);
/* Compact text in the arena; empty slice without memory. */
struct slice json_text(struct arena *a, const struct json *v);
