#include "collateral/collateral.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"
#include "collateral/cache.h"

#define VENDORS	      8u
#define PUT_OFF_FIRST ((int64_t)1000000000)
#define PUT_OFF_MAX   ((int64_t)300 * 1000000000)
#define FLIGHT_ARENA  ((size_t)64 << 20)
#define SCAN_S	      300	/* how often the refresher looks through the cache */
#define SCAN_ROWS     8u
#define SCAN_ARENA    ((size_t)256 << 20)	/* that many rows of the largest pieces */
#define EXPIRED_S     600	/* how often the vendor is asked for what is behind its nextUpdate */

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
	/* the refresher */
	pthread_t thread;
	pthread_cond_t wake;
	bool threaded, poked;
	atomic_bool ending;
};

rc collateral_put(struct collateral *c, const struct collateral_piece *pieces, size_t n, struct why *w)
{
	return cache_put(c->store, c->clock, pieces, n, w);
}

uint64_t collateral_fetches(const struct collateral *c)
{
	return atomic_load(&c->fetches);
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

/* seen_s: when the row that the caller has was fetched; INT64_MIN: it has none. */
static rc fly(struct collateral *c, const char *kind, const char *key, int64_t seen_s, struct why *w)
{
	struct collateral_piece pieces[COLLATERAL_PIECES_MAX];
	struct arena *a = arena_new(FLIGHT_ARENA);
	struct cache_row row;
	size_t n = 0;
	rc r;

	/* Somebody may have landed between the caller's look and its turn. */
	if (rc_ok(cache_get(c->store, kind, key, a, &row, NULL)) && row.fetched_s > seen_s) {
		arena_free(a);
		return rc_of(OK);
	}
	atomic_fetch_add(&c->fetches, 1);
	r = c->config.source->fetch(c->config.source->ctx, kind, key, a, pieces, &n, w);
	if (rc_ok(r)) {
		struct why inner = why_in(a);

		r = cache_put(c->store, c->clock, pieces, n, &inner);
		if (r.code == E_DENIED && strcmp(why_reason(&inner), "collateral.older") == 0)
			r = cache_touch(c->store, c->clock, kind, key, w);	/* a mirror behind: what is held stays */
		else if (!rc_ok(r))
			r = deny(w, r.code, "collateral.answer", "%s", why_text(&inner));
	}
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

static rc fetch(struct collateral *c, const char *kind, const char *key, int64_t seen_s, struct why *w)
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
	r = fly(c, kind, key, seen_s, w);
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

/* ---- age ---- */

static bool is_due(const struct collateral *c, const struct cache_row *row)
{
	int64_t now = clock_now_s(c->clock), age = now - row->fetched_s;

	return c->config.source && (age >= c->config.refresh_s || (now >= row->next_s && age >= EXPIRED_S));
}

/* Behind nextUpdate by more than verdicts allow: it is of no use as it is. */
static bool is_useless(const struct collateral *c, const struct cache_row *row)
{
	int64_t last;

	if (!num_add_i64(row->next_s, c->config.stale_s, &last))
		return false;
	return clock_now_s(c->clock) > last;
}

static void refresh_kind(struct collateral *c, const char *kind)
{
	const char *after = NULL;
	char last[STORE_KEY_MAX + 1];
	size_t n = SCAN_ROWS;

	while (n == SCAN_ROWS) {
		struct arena *a = arena_new(SCAN_ARENA);
		struct cache_row *rows;
		char **names;

		if (!a || !rc_ok(cache_list(c->store, kind, after, SCAN_ROWS, a, &rows, &names, &n, NULL)))
			n = 0;
		for (size_t i = 0; i < n && !atomic_load(&c->ending); i++)
			if (rows[i].kind && is_due(c, &rows[i]))
				(void)fetch(c, rows[i].kind, rows[i].key, rows[i].fetched_s, NULL).code;
		if (n) {
			snprintf(last, sizeof(last), "%s", names[n - 1]);
			after = last;
		}
		arena_free(a);
	}
}

void collateral_refresh(struct collateral *c)
{
	for (const struct collateral_kind *k = collateral_kinds; c->config.source && k->name; k++)
		/* Certificates do not change; each has its own key. */
		if (k->form != COLLATERAL_CERTIFICATE && c->config.source->vendor(c->config.source->ctx, k->name))
			refresh_kind(c, k->name);
}

static void *refresher(void *ctx)
{
	struct collateral *c = ctx;

	pthread_mutex_lock(&c->lock);
	while (!atomic_load(&c->ending)) {
		struct timespec until;

		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += SCAN_S;
		while (!atomic_load(&c->ending) && !c->poked && pthread_cond_timedwait(&c->wake, &c->lock, &until) == 0)
			;
		c->poked = false;
		if (atomic_load(&c->ending))
			break;
		pthread_mutex_unlock(&c->lock);
		collateral_refresh(c);
		pthread_mutex_lock(&c->lock);
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

static void poke(struct collateral *c)
{
	pthread_mutex_lock(&c->lock);
	c->poked = true;
	pthread_cond_signal(&c->wake);
	pthread_mutex_unlock(&c->lock);
}

/* ---- opening, asking ---- */

rc collateral_open(struct store *store, const struct clock *clock, const struct collateral_config *config, struct collateral **out,
		   struct why *w)
{
	struct collateral *c = calloc(1, sizeof(*c));
	pthread_condattr_t monotonic;

	if (!c)
		return deny(w, E_INTERNAL, "collateral.memory", "no memory");
	c->store = store;
	c->clock = clock;
	c->config = *config;
	if (!c->config.refresh_s)
		c->config.refresh_s = 86400;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->landed, NULL);
	pthread_cond_init(&c->wake, &monotonic);
	pthread_condattr_destroy(&monotonic);
	if (config->background && config->source) {
		c->threaded = pthread_create(&c->thread, NULL, refresher, c) == 0;
		if (!c->threaded) {
			collateral_close(c);
			return deny(w, E_UNAVAILABLE, "collateral.thread", "the refresher does not start");
		}
	}
	*out = c;
	return rc_of(OK);
}

void collateral_close(struct collateral *c)
{
	if (!c)
		return;
	if (c->threaded) {
		pthread_mutex_lock(&c->lock);
		atomic_store(&c->ending, true);
		pthread_cond_signal(&c->wake);
		pthread_mutex_unlock(&c->lock);
		pthread_join(c->thread, NULL);
	}
	pthread_mutex_destroy(&c->lock);
	pthread_cond_destroy(&c->landed);
	pthread_cond_destroy(&c->wake);
	free(c);
}

/* A cached piece is used as it is, whoever refreshes it; only one that no verdict would take is worth a wait. */
static rc use_cached(struct collateral *c, struct cache_row *row, struct arena *a, struct slice *out)
{
	if (is_due(c, row)) {
		if (c->threaded && !is_useless(c, row))
			poke(c);
		else if (rc_ok(fetch(c, row->kind, row->key, row->fetched_s, NULL)))
			(void)cache_get(c->store, row->kind, row->key, a, row, NULL).code;
	}
	*out = row->bytes;
	return rc_of(OK);
}

rc collateral_get(struct collateral *c, const char *kind, const char *key, struct arena *a, struct slice *out, struct why *w)
{
	struct cache_row row;
	rc r = cache_get(c->store, kind, key, a, &row, w);

	if (rc_ok(r))
		return use_cached(c, &row, a, out);
	if (r.code != E_NOTFOUND)
		return note(w, r, "looking for %s \"%s\" in the cache", kind, key);
	r = folder_get(c, kind, key, a, out, w);
	if (rc_ok(r) || r.code != E_NOTFOUND)
		return r;
	TRY(note(w, fetch(c, kind, key, INT64_MIN, w), "fetching %s \"%s\"", kind, key));
	TRY(cache_get(c->store, kind, key, a, &row, w));
	*out = row.bytes;
	return rc_of(OK);
}
