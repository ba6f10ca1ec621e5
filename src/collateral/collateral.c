#include "collateral/collateral.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "crypto/digest.h"

#define NS	      "collateral"
#define VENDORS	      8u
#define PUT_OFF_FIRST ((int64_t)1000000000)
#define PUT_OFF_MAX   ((int64_t)300 * 1000000000)

/* One fetch under way; those who want the same piece wait for it. */
struct flight {
	struct flight *next;
	const char *kind, *key;	/* of the thread that flies */
	bool landed;
	rc result;
	unsigned waiting;
};

struct vendor {
	char name[16];
	int64_t until_ns;	/* monotonic: left alone until then */
	int64_t wait_ns;	/* the next put-off */
};

struct collateral {
	struct store *store;
	const struct clock *clock;
	struct collateral_config config;
	pthread_mutex_t lock;	/* of what follows; never held over storage or network */
	pthread_cond_t landed;
	struct flight *flights;
	struct vendor vendor[VENDORS];
	atomic_ullong fetches;
};

rc collateral_open(struct store *store, const struct clock *clock, const struct collateral_config *config, struct collateral **out,
		   struct why *w)
{
	struct collateral *c = calloc(1, sizeof(*c));

	if (!c)
		return deny(w, E_INTERNAL, "collateral.memory", "no memory");
	c->store = store;
	c->clock = clock;
	c->config = *config;
	if (!c->config.refresh_s)
		c->config.refresh_s = 86400;
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->landed, NULL);
	*out = c;
	return rc_of(OK);
}

void collateral_close(struct collateral *c)
{
	if (c) {
		pthread_mutex_destroy(&c->lock);
		pthread_cond_destroy(&c->landed);
		free(c);
	}
}

uint64_t collateral_fetches(const struct collateral *c)
{
	return atomic_load(&c->fetches);
}

/* ---- the cache ---- */

/* A key may be long and hold anything: the row is named by its digest, and holds the key itself. */
static char *row_of(struct arena *a, const char *kind, const char *key)
{
	uint8_t d[32];

	if (!rc_ok(digest(DIGEST_SHA256, slice_cstr(key), d, NULL)))
		return NULL;
	return arena_printf(a, "%s/%s", kind, hex_text(a, slice_of(d, 16)));
}

static rc cache_get(struct collateral *c, const char *kind, const char *key, struct arena *a, struct slice *out, int64_t *fetched_s,
		    struct why *w)
{
	char *row = row_of(a, kind, key);
	struct slice value, stored_key, body;
	const struct json *at;
	struct json *doc;

	if (!row)
		return deny(w, E_INTERNAL, "collateral.memory", "no memory");
	TRY(store_get(c->store, NS, row, a, &value, NULL, NULL, w));
	TRY(json_parse(a, value, &(struct json_limits){.max_bytes = STORE_VALUE_MAX}, &doc, w));
	TRY(json_need_str(doc, "key", &stored_key, "cached collateral", w));
	TRY(json_need_str(doc, "body", &body, "cached collateral", w));
	at = json_get(doc, "fetched");
	if (!slice_is(stored_key, key) || !json_i64(at, fetched_s))
		return deny(w, E_NOTFOUND, "collateral.absent", "the cached row is of another piece");
	return b64_decode(a, B64_STD, body, out, "cached collateral", w);
}

rc collateral_put(struct collateral *c, const struct collateral_piece *pieces, size_t n, struct why *w)
{
	struct arena *a = arena_new((size_t)64 << 20);
	struct store_op ops[COLLATERAL_PIECES_MAX];
	rc r = rc_of(OK);

	if (n > COLLATERAL_PIECES_MAX)
		r = deny(w, E_LIMIT, "collateral.pieces", "%zu pieces at once", n);
	for (size_t i = 0; rc_ok(r) && i < n; i++) {
		struct json *doc = json_new_object(a);

		if (pieces[i].bytes.n > COLLATERAL_PIECE_MAX) {
			r = deny(w, E_LIMIT, "collateral.size", "%s of %zu bytes", pieces[i].kind, pieces[i].bytes.n);
			break;
		}
		json_set(a, doc, "kind", json_new_cstr(a, pieces[i].kind));
		json_set(a, doc, "key", json_new_cstr(a, pieces[i].key));
		json_set(a, doc, "fetched", json_new_i64(a, clock_now_s(c->clock)));
		json_set(a, doc, "body", json_new_b64(a, pieces[i].bytes));
		ops[i] = (struct store_op){.kind = STORE_PUT, .ns = NS, .key = row_of(a, pieces[i].kind, pieces[i].key),
					   .value = json_text(a, doc)};
	}
	if (rc_ok(r) && arena_bad(a))
		r = deny(w, E_INTERNAL, "collateral.memory", "no memory");
	if (rc_ok(r) && n)
		r = store_commit(c->store, ops, n, w);
	arena_free(a);
	return r;
}

/* ---- the operator's folder ---- */

static rc folder_get(struct collateral *c, const char *kind, const char *key, struct arena *a, struct slice *out, struct why *w)
{
	char *path, *name;

	if (!c->config.dir)
		return deny(w, E_NOTFOUND, "collateral.absent", "%s \"%s\" is neither cached nor provided", kind, key);
	path = arena_printf(a, "%s/%s/%s", c->config.dir, kind, key[0] ? key : "default");
	if (!path)
		return deny(w, E_INTERNAL, "collateral.memory", "no memory");
	/* The key came from evidence: no character of it may lead elsewhere. */
	for (name = path + strlen(c->config.dir) + strlen(kind) + 2; *name; name++)
		if (!((*name >= '0' && *name <= '9') || ((*name | 0x20) >= 'a' && (*name | 0x20) <= 'z') || *name == '.' || *name == '-'))
			*name = '_';
	name = path + strlen(c->config.dir) + strlen(kind) + 2;
	if (name[0] == '.')
		name[0] = '_';
	return file_read(a, path, COLLATERAL_PIECE_MAX, out, w);
}

/* ---- upstream ---- */

static struct vendor *vendor_of(struct collateral *c, const char *name)
{
	for (size_t i = 0; i < VENDORS; i++) {
		if (!c->vendor[i].name[0])
			snprintf(c->vendor[i].name, sizeof(c->vendor[i].name), "%s", name);
		if (strcmp(c->vendor[i].name, name) == 0)
			return &c->vendor[i];
	}
	return &c->vendor[VENDORS - 1];
}

/* Under the lock. */
static void settle(struct vendor *v, rc result)
{
	if (rc_ok(result) || result.code == E_NOTFOUND) {
		v->until_ns = v->wait_ns = 0;
		return;
	}
	v->wait_ns = v->wait_ns ? MIN_OF(v->wait_ns * 2, PUT_OFF_MAX) : PUT_OFF_FIRST;
	v->until_ns = sys_monotonic_ns() + v->wait_ns;
}

static rc fly(struct collateral *c, const char *kind, const char *key, struct why *w)
{
	struct collateral_piece pieces[COLLATERAL_PIECES_MAX];
	struct arena *a = arena_new((size_t)64 << 20);
	size_t n = 0;
	rc r;

	atomic_fetch_add(&c->fetches, 1);
	r = c->config.source->fetch(c->config.source->ctx, kind, key, a, pieces, &n, w);
	if (rc_ok(r))
		r = collateral_put(c, pieces, n, w);
	arena_free(a);
	return r;
}

/* Under the lock: a flight for the piece; the caller waits for it, or flies it. */
static struct flight *find_flight(struct collateral *c, const char *kind, const char *key)
{
	for (struct flight *f = c->flights; f; f = f->next)
		if (!f->landed && strcmp(f->kind, kind) == 0 && strcmp(f->key, key) == 0)
			return f;
	return NULL;
}

static rc wait_for(struct collateral *c, struct flight *f, struct why *w)
{
	rc r;

	f->waiting++;
	while (!f->landed)
		pthread_cond_wait(&c->landed, &c->lock);
	r = f->result;
	if (--f->waiting == 0)
		free(f);
	return rc_ok(r) ? r : deny(w, r.code, "collateral.fetch", "another request could not fetch it either");
}

static rc fetch(struct collateral *c, const char *kind, const char *key, struct why *w)
{
	const struct collateral_source *s = c->config.source;
	const char *name = s ? s->vendor(s->ctx, kind) : NULL;
	struct flight *f, **at;
	struct vendor *v;
	bool mine;
	rc r;

	if (!name)
		return deny(w, E_NOTFOUND, "collateral.absent", "%s \"%s\" is neither cached nor provided, and is not fetched", kind, key);
	pthread_mutex_lock(&c->lock);
	f = find_flight(c, kind, key);
	if (f) {
		r = wait_for(c, f, w);
		pthread_mutex_unlock(&c->lock);
		return r;
	}
	v = vendor_of(c, name);
	if (v->until_ns > sys_monotonic_ns()) {
		int64_t ms = (v->until_ns - sys_monotonic_ns()) / 1000000;

		pthread_mutex_unlock(&c->lock);
		return deny(w, E_UNAVAILABLE, "collateral.put-off", "%s failed lately; it is asked again in %lld ms", name, (long long)ms);
	}
	f = calloc(1, sizeof(*f));
	if (f) {
		*f = (struct flight){.next = c->flights, .kind = kind, .key = key};
		c->flights = f;
	}
	pthread_mutex_unlock(&c->lock);
	if (!f)
		return deny(w, E_INTERNAL, "collateral.memory", "no memory");
	r = fly(c, kind, key, w);
	pthread_mutex_lock(&c->lock);
	for (at = &c->flights; *at != f; at = &(*at)->next)
		;
	*at = f->next;
	f->landed = true;
	f->result = r;
	mine = f->waiting == 0;
	settle(v, r);
	pthread_cond_broadcast(&c->landed);
	pthread_mutex_unlock(&c->lock);
	if (mine)
		free(f);
	return r;
}

rc collateral_get(struct collateral *c, const char *kind, const char *key, struct arena *a, struct slice *out, struct why *w)
{
	int64_t fetched_s = 0;
	rc r = cache_get(c, kind, key, a, out, &fetched_s, w);

	if (rc_ok(r)) {
		/* Due, but here: one try upstream, and what there is when that fails. */
		if (c->config.source && clock_now_s(c->clock) - fetched_s >= c->config.refresh_s && rc_ok(fetch(c, kind, key, NULL)))
			r = cache_get(c, kind, key, a, out, &fetched_s, w);
		return r;
	}
	if (r.code != E_NOTFOUND)
		return note(w, r, "looking for %s \"%s\" in the cache", kind, key);
	r = folder_get(c, kind, key, a, out, w);
	if (rc_ok(r) || r.code != E_NOTFOUND)
		return r;
	TRY(note(w, fetch(c, kind, key, w), "fetching %s \"%s\"", kind, key));
	return cache_get(c, kind, key, a, out, &fetched_s, w);
}
