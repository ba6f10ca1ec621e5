#include "collateral/collateral.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"
#include "base/waiter.h"
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
	double starts;		/* fetches that may begin now */
	int64_t counted_ns;	/* monotonic: when `starts` was right; 0: never yet */
};

struct collateral {
	struct store *store;
	const struct clock *clock;
	struct collateral_config config;
	pthread_mutex_t lock;	/* of what follows; never held over storage or network */
	pthread_cond_t landed;
	struct flight *flights;
	struct vendor vendor[VENDORS];
	pthread_rwlock_t trust_lock;	/* of what follows; held while pieces are judged and written */
	struct signed_trust trust;
	atomic_ullong fetches;
	/* the refresher */
	pthread_t thread;
	pthread_cond_t wake;
	bool threaded, poked;
	atomic_bool ending;
};

rc collateral_put(struct collateral *c, const struct collateral_piece *pieces, size_t n, struct why *w)
{
	rc r;

	pthread_rwlock_rdlock(&c->trust_lock);
	r = cache_put(c->store, c->clock, c->trust.anchor ? &c->trust : NULL, pieces, n, w);
	pthread_rwlock_unlock(&c->trust_lock);
	return r;
}

void collateral_trust(struct collateral *c, collateral_anchor_fn *anchor, void *ctx)
{
	pthread_rwlock_wrlock(&c->trust_lock);
	c->trust = (struct signed_trust){anchor, ctx};
	pthread_rwlock_unlock(&c->trust_lock);
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
static void settle(struct vendor *v, rc result, unsigned retry_after_s)
{
	int64_t asked_for = (int64_t)MIN_OF(retry_after_s, COLLATERAL_RETRY_AFTER_MAX_S) * 1000000000;

	if (rc_ok(result) || result.code == E_NOTFOUND) {
		v->until_ns = v->wait_ns = 0;
		return;
	}
	v->wait_ns = v->wait_ns ? MIN_OF(v->wait_ns * 2, PUT_OFF_MAX) : PUT_OFF_FIRST;
	v->until_ns = sys_monotonic_ns() + MAX_OF(v->wait_ns, asked_for);
}

/* Under the lock. Anybody can send evidence of chips that do not exist: what he names must not use up what refreshing needs. */
static bool may_start(const struct collateral *c, struct vendor *v, bool refresh)
{
	double full = c->config.starts_per_min;
	int64_t now = sys_monotonic_ns();

	v->starts = v->counted_ns ? MIN_OF(full, v->starts + full * (double)(now - v->counted_ns) / 60e9) : full;
	v->counted_ns = now;
	if (v->starts < 1 + (refresh ? 0 : full / 4))
		return false;
	v->starts -= 1;
	return true;
}

/* All pieces together, or what is held stays; those that did not change are as good as new. */
static rc keep(struct collateral *c, const struct collateral_answer *answer, struct arena *a, struct why *w)
{
	struct collateral_piece changed[COLLATERAL_PIECES_MAX];
	struct why inner = why_in(a);
	size_t n = 0;
	rc r;

	for (size_t i = 0; i < answer->n; i++)
		if (answer->piece[i].bytes.p)
			changed[n++] = answer->piece[i];
	r = collateral_put(c, changed, n, &inner);
	if (r.code == E_DENIED && strcmp(why_reason(&inner), "collateral.older") == 0)
		n = 0;	/* a mirror behind: what is held is the newest that there is */
	else if (!rc_ok(r))
		return deny(w, r.code, "collateral.answer", "%s", why_text(&inner));
	for (size_t i = 0; i < answer->n; i++)
		if (n == 0 || !answer->piece[i].bytes.p)
			TRY(cache_touch(c->store, c->clock, answer->piece[i].kind, answer->piece[i].key, w));
	return rc_of(OK);
}

static rc fetch(struct collateral *c, const char *kind, const char *key, int64_t seen_s, struct why *w);

/* Guests may bring the certificates above theirs themselves; then nobody has asked for those that tell whose a list is. Without them it
 * is as good as before, and judged by its verifier alone. */
static void get_issuers(struct collateral *c, const char *kind, const char *key, struct arena *a)
{
	const struct signed_kind *k = signed_kind_find(kind);
	struct cache_row row;
	struct slice provided;
	bool trusting;

	pthread_rwlock_rdlock(&c->trust_lock);
	trusting = c->trust.anchor != NULL;
	pthread_rwlock_unlock(&c->trust_lock);
	if (trusting && k && k->apart && cache_get(c->store, k->issuers, key, a, &row, NULL).code == E_NOTFOUND &&
	    !rc_ok(folder_get(c, k->issuers, key, a, &provided, NULL)))
		(void)fetch(c, k->issuers, key, INT64_MIN, NULL).code;
}

/* seen_s: when the row that the caller has was fetched; INT64_MIN: it has none. */
static rc fly(struct collateral *c, const char *kind, const char *key, int64_t seen_s, unsigned *retry_after_s, struct why *w)
{
	struct collateral_answer answer = {.n = 0};
	struct collateral_piece held = {.kind = kind, .key = key};
	struct arena *a = arena_new(FLIGHT_ARENA);
	struct cache_row row;
	bool have;
	rc r;

	if (!a)
		return deny(w, E_INTERNAL, "collateral.memory", "no memory");
	have = rc_ok(cache_get(c->store, kind, key, a, &row, NULL));
	/* Somebody may have landed between the caller's look and its turn. */
	if (have && row.fetched_s > seen_s) {
		arena_free(a);
		return rc_of(OK);
	}
	if (have) {
		held.bytes = row.bytes;
		held.etag = row.etag;
		held.modified = row.modified;
	}
	atomic_fetch_add(&c->fetches, 1);
	r = c->config.source->fetch(c->config.source->ctx, kind, key, have ? &held : NULL, a, &answer, w);
	if (rc_ok(r)) {
		get_issuers(c, kind, key, a);
		r = keep(c, &answer, a, w);
	}
	*retry_after_s = answer.retry_after_s;
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
	unsigned retry_after_s = 0;
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
	if (!may_start(c, v, seen_s != INT64_MIN)) {
		pthread_mutex_unlock(&c->lock);
		return deny(w, E_UNAVAILABLE, "collateral.budget", "%s may be asked %u times within a minute, and was", name,
			    c->config.starts_per_min);
	}
	f = calloc(1, sizeof(*f));
	if (f) {
		*f = (struct flight){.next = c->flights, .kind = kind, .key = key};
		c->flights = f;
	}
	pthread_mutex_unlock(&c->lock);
	if (!f)
		return deny(w, E_INTERNAL, "collateral.memory", "no memory");
	r = fly(c, kind, key, seen_s, &retry_after_s, w);
	pthread_mutex_lock(&c->lock);
	for (at = &c->flights; *at != f; at = &(*at)->next)
		;
	*at = f->next;
	f->landed = true;
	f->result = r;
	mine = f->waiting == 0;
	settle(v, r, retry_after_s);
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
		int64_t until = sys_monotonic_ns() + (int64_t)SCAN_S * 1000000000;

		while (!atomic_load(&c->ending) && !c->poked && timed_cond_wait(&c->wake, &c->lock, until))
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

	if (!c)
		return deny(w, E_INTERNAL, "collateral.memory", "no memory");
	c->store = store;
	c->clock = clock;
	c->config = *config;
	if (!c->config.refresh_s)
		c->config.refresh_s = 86400;
	if (!c->config.starts_per_min)
		c->config.starts_per_min = COLLATERAL_STARTS_PER_MIN;
	pthread_mutex_init(&c->lock, NULL);
	pthread_rwlock_init(&c->trust_lock, NULL);
	pthread_cond_init(&c->landed, NULL);
	timed_cond_init(&c->wake);
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
	pthread_rwlock_destroy(&c->trust_lock);
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
