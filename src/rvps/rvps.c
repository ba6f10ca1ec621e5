#include "rvps/rvps.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"
#include "codec/base64.h"

#define NS "reference_value"
#define CACHE_SLOTS 1024u

/* One remembered answer of the store; `value` NULL: the name is unknown. */
struct entry {
	char *name;
	char *value;
	size_t value_n;
	int64_t expires_s;
	int64_t until_ns;	/* monotonic */
};

struct rvps {
	struct store *store;
	const struct clock *clock;
	pthread_mutex_t lock;
	uint64_t changes;	/* own writes: an answer that was fetched before one is not remembered */
	struct entry cache[CACHE_SLOTS];
};

rc rvps_open(struct store *store, const struct clock *clock, struct rvps **out, struct why *w)
{
	struct rvps *r = calloc(1, sizeof(*r));

	if (!r)
		return deny(w, E_INTERNAL, "rvps.memory", "no memory");
	r->store = store;
	r->clock = clock;
	pthread_mutex_init(&r->lock, NULL);
	*out = r;
	return rc_of(OK);
}

static void entry_clear(struct entry *e)
{
	free(e->name);
	free(e->value);
	*e = (struct entry){0};
}

void rvps_close(struct rvps *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < CACHE_SLOTS; i++)
		entry_clear(&r->cache[i]);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

static struct entry *slot_of(struct rvps *r, const char *name)
{
	uint32_t h = 2166136261u;

	for (const char *p = name; *p; p++)
		h = (h ^ (uint8_t)*p) * 16777619u;
	return &r->cache[h % CACHE_SLOTS];
}

static rc name_ok(struct slice name, struct arena *a, char **out, struct why *w)
{
	if (name.n == 0 || name.n > STORE_KEY_MAX)
		return deny(w, E_MALFORMED, "rvps.name", "a reference value name has 1 to %u bytes, this has %zu",
			    STORE_KEY_MAX, name.n);
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] <= 0x20 || name.p[i] >= 0x7f)
			return deny(w, E_MALFORMED, "rvps.name", "byte 0x%02x at %zu is not allowed in a reference value name",
				    name.p[i], i);
	*out = arena_strndup(a, name.p, name.n);
	return *out ? rc_of(OK) : deny(w, E_INTERNAL, "rvps.memory", "no memory");
}

static bool cached(struct rvps *r, const char *name, struct arena *a, struct slice *value, bool *known, int64_t *expires_s,
		   uint64_t *changes)
{
	struct entry *e = slot_of(r, name);
	bool hit;

	pthread_mutex_lock(&r->lock);
	*changes = r->changes;
	hit = e->name && strcmp(e->name, name) == 0 && e->until_ns > sys_monotonic_ns();
	if (hit) {
		*known = e->value != NULL;
		*expires_s = e->expires_s;
		*value = *known ? arena_dup(a, slice_of(e->value, e->value_n)) : (struct slice){NULL, 0};
	}
	pthread_mutex_unlock(&r->lock);
	return hit;
}

static void remember(struct rvps *r, const char *name, struct slice value, bool known, int64_t expires_s, uint64_t changes)
{
	struct entry e = {.name = strdup(name), .expires_s = expires_s, .value_n = value.n}, *slot = slot_of(r, name);

	if (known) {
		e.value = malloc(value.n + 1);
		if (e.value)
			memcpy(e.value, value.p, value.n);
	}
	e.until_ns = sys_monotonic_ns() + (int64_t)RVPS_CACHE_MS * 1000000;
	pthread_mutex_lock(&r->lock);
	if (e.name && (!known || e.value) && r->changes == changes) {
		entry_clear(slot);
		*slot = e;
		e = (struct entry){0};
	}
	pthread_mutex_unlock(&r->lock);
	entry_clear(&e);
}

static void forget(struct rvps *r, const char *name)
{
	struct entry *e = slot_of(r, name);

	pthread_mutex_lock(&r->lock);
	r->changes++;
	entry_clear(e);
	pthread_mutex_unlock(&r->lock);
}

static rc read_record(struct slice record, struct arena *a, struct slice *value, int64_t *expires_s, struct why *w)
{
	const struct json *v;
	struct slice expiration;
	struct json *doc;

	TRY(json_parse(a, record, NULL, &doc, w));
	TRY(json_need_str(doc, "expiration", &expiration, "reference value", w));
	TRY(time_parse_rfc3339(expiration, expires_s, w));
	v = json_get(doc, "value");
	if (!v)
		return deny(w, E_MALFORMED, "rvps.record", "the stored reference value has no value");
	*value = v->raw;
	return rc_of(OK);
}

rc rvps_query(struct rvps *r, struct slice name, struct arena *a, enum rvps_state *state, struct json **value,
	      int64_t *expires_s, struct why *w)
{
	struct slice record, text;
	bool known = true;
	uint64_t changes;
	char *key;
	rc got;

	TRY(name_ok(name, a, &key, w));
	*expires_s = 0;
	if (!cached(r, key, a, &text, &known, expires_s, &changes)) {
		got = store_get(r->store, NS, key, a, &record, NULL, NULL, w);
		known = rc_ok(got);
		if (!known && got.code != E_NOTFOUND)
			return note(w, got, "reading the reference value \"%s\"", key);
		text = (struct slice){NULL, 0};
		if (known)
			TRY(read_record(record, a, &text, expires_s, w));
		remember(r, key, text, known, *expires_s, changes);
	}
	if (!known) {
		*state = RV_UNKNOWN;
		return rc_of(OK);
	}
	if (*expires_s <= clock_now_s(r->clock)) {
		*state = RV_EXPIRED;
		return rc_of(OK);
	}
	TRY(json_parse(a, text, NULL, value, w));
	*state = RV_FOUND;
	return rc_of(OK);
}

/* now + 12 calendar months, the day cut to the month's length by going through its last day. */
static int64_t default_expiry(int64_t now_s)
{
	char text[32];
	int64_t t;

	time_rfc3339(now_s, text);
	for (int back = 0; back < 4; back++) {
		char try[32];
		unsigned year = (unsigned)strtoul((char[]){text[0], text[1], text[2], text[3], 0}, NULL, 10) + 1;
		unsigned day = (unsigned)((text[8] - '0') * 10 + text[9] - '0') - (unsigned)back;

		snprintf(try, sizeof(try), "%04u-%.2s-%02uT%.9s", year % 10000, text + 5, day % 100, text + 11);
		if (rc_ok(time_parse_rfc3339(slice_cstr(try), &t, NULL)))
			return t;
	}
	return now_s + (int64_t)365 * 86400;
}

static rc make_op(struct rvps *r, struct slice name, const struct json *value, int64_t expires_s, struct arena *a,
		  struct store_op *op, struct why *w)
{
	struct json *doc = json_new_object(a);
	char when[32], *key;

	TRY(name_ok(name, a, &key, w));
	time_rfc3339(expires_s ? expires_s : default_expiry(clock_now_s(r->clock)), when);
	json_set(a, doc, "version", json_new_cstr(a, "0.1.0"));
	json_set(a, doc, "name", json_new_cstr(a, key));
	json_set(a, doc, "expiration", json_new_cstr(a, when));
	json_set(a, doc, "value", value);
	*op = (struct store_op){.kind = STORE_PUT, .ns = NS, .key = key, .value = json_text(a, doc)};
	if (arena_bad(a))
		return deny(w, E_LIMIT, "rvps.memory", "no room for the reference value \"%s\"", key);
	return rc_of(OK);
}

rc rvps_set(struct rvps *r, struct slice name, const struct json *value, int64_t expires_s, struct why *w)
{
	struct arena *a = arena_new(0);
	struct store_op op;
	rc result = make_op(r, name, value, expires_s, a, &op, w);

	if (rc_ok(result))
		result = store_commit(r->store, &op, 1, w);
	if (rc_ok(result))
		forget(r, op.key);
	arena_free(a);
	return result;
}

rc rvps_delete(struct rvps *r, struct slice name, const struct store_committer *by, struct why *w)
{
	struct arena *a = arena_new(0);
	char *key;
	rc result = name_ok(name, a, &key, w);

	if (rc_ok(result)) {
		result = store_commit_by(r->store, by, &(struct store_op){.kind = STORE_DELETE, .ns = NS, .key = key}, 1, w);
		forget(r, key);
	}
	arena_free(a);
	return result;
}

rc rvps_list(struct rvps *r, const char *after, size_t limit, struct arena *a, char ***names, size_t *n, struct why *w)
{
	return store_list(r->store, NS, "", after, limit, a, names, n, w);
}

static rc sample_payload(struct arena *a, struct slice payload, const struct json **values, struct why *w)
{
	struct slice text;
	struct json *doc;

	TRY(b64_decode(a, B64_STD, payload, &text, "payload", w));
	TRY(json_parse(a, text, NULL, &doc, w));
	if (doc->kind != JSON_OBJECT || doc->n == 0)
		return deny(w, E_MALFORMED, "rvps.payload", "the payload must be a JSON object of name -> value, it is %s",
			    doc->n || doc->kind != JSON_OBJECT ? json_kind_name(doc) : "empty");
	*values = doc;
	return rc_of(OK);
}

static rc register_in(struct rvps *r, struct slice message, int64_t expires_s, const struct store_committer *by, struct arena *a,
		      size_t *stored, struct why *w)
{
	struct slice version = SLICE_LIT("0.1.0"), type, payload;
	const struct json *values;
	struct store_op *ops;
	struct json *doc;

	TRY(json_parse(a, message, &(struct json_limits){.max_bytes = RVPS_MESSAGE_MAX}, &doc, w));
	TRY(json_opt_str(doc, "version", &version, "reference value message", w));
	if (!slice_is(version, "0.1.0"))
		return deny(w, E_UNSUPPORTED, "rvps.version", "message version \"" SLICE_FMT "\", only 0.1.0 is taken",
			    SLICE_ARG(slice_sub(version, 0, 64)));
	TRY(json_need_str(doc, "type", &type, "reference value message", w));
	TRY(json_need_str(doc, "payload", &payload, "reference value message", w));
	if (!slice_is(type, "sample"))
		return deny(w, E_UNSUPPORTED, "rvps.type", "message type \"" SLICE_FMT "\", taken is: sample",
			    SLICE_ARG(slice_sub(type, 0, 64)));
	TRY(sample_payload(a, payload, &values, w));
	if (values->n > RVPS_VALUES_MAX)
		return deny(w, E_LIMIT, "rvps.values", "%zu values in one message, at most %u", values->n, RVPS_VALUES_MAX);
	ops = arena_array(a, values->n, struct store_op);
	if (!ops)
		return deny(w, E_LIMIT, "rvps.memory", "no room for %zu values", values->n);
	for (size_t i = 0; i < values->n; i++)
		TRY(make_op(r, values->members[i].name, values->members[i].value, expires_s, a, &ops[i], w));
	TRY(store_commit_by(r->store, by, ops, values->n, w));
	for (size_t i = 0; i < values->n; i++)
		forget(r, ops[i].key);
	*stored = values->n;
	return rc_of(OK);
}

rc rvps_register(struct rvps *r, struct slice message, int64_t expires_s, const struct store_committer *by, size_t *stored,
		 struct why *w)
{
	struct arena *a = arena_new((size_t)16 << 20);
	rc result = a ? register_in(r, message, expires_s, by, a, stored, w) : deny(w, E_INTERNAL, "rvps.memory", "no memory");

	arena_free(a);
	return result;
}
