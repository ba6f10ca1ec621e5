/* log.c - opening and appending.
 *
 * Group commit: whoever waits and finds no leader leads; for those who do not wait a thread does. The leader takes what
 * has queued up, gives out indices, and writes records, nodes, head and the callers' own operations in one batch; then
 * the next in the queue leads. Several processes may append to one store: the newest head moves by compare-and-swap, and who loses reads the
 * edge of the tree again.
 */
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>

#include "audit/audit_int.h"
#include "base/num.h"
#include "base/waiter.h"

#define GROUP_MAX       256u
#define GROUP_OPS_MAX   3500u /* leaves room for nodes and heads below STORE_BATCH_MAX */
#define GROUP_BYTES_MAX (STORE_BATCH_BYTES_MAX / 2)
#define APPEND_OPS_MAX  1024u
#define RACES_MAX       1000u /* heads lost to other processes in a row */
#define PACE_NS         2000000 /* from the start of one batch to the next, while several come at once: a sync and a signature for more */
#define PACE_ENOUGH     64u     /* so many do not wait for more */

struct audit {
	struct arena *arena; /* holds this struct; not used after opening */
	struct store *store;
	const struct pkey *signer;
	const char *origin;
	const struct clock *clock;

	pthread_mutex_t lock; /* guards the queue */
	struct audit_call *first, **last;
	bool led;
	pthread_t thread; /* leads for those who do not wait; runs since the first of them came */
	pthread_cond_t told;
	bool runs, end, asleep;
	size_t queued;
	int64_t next_ns; /* when the thread begins its next batch, if not enough wait before */

	/* the leader's alone */
	struct edge edge;
	uint64_t head_rev;
	bool stale; /* another process has moved the head, or a commit ended without a clear answer */
};

/* A batch as it is made. */
struct group {
	struct arena *a;
	struct store_op *op;
	size_t n, cap;
	struct audit_call **owner; /* of each op; NULL: the log's own */
};

static rc corrupt_head(struct why *w)
{
	return deny(w, E_DENIED, "audit.corrupt", "there are records but no head");
}

static rc read_latest(const struct audit *l, struct arena *a, struct head *out, uint64_t *rev, struct why *w)
{
	struct slice jws;

	TRY(store_get(l->store, NS_HEAD, KEY_LATEST, a, &jws, rev, NULL, w));
	TRY(head_open(l->signer, jws, a, out, w));
	if (!slice_is(out->origin, l->origin))
		return deny(w, E_DENIED, "audit.corrupt", "the log has the origin \"" SLICE_FMT "\", expected \"%s\"",
		            SLICE_ARG(out->origin), l->origin);
	return rc_of(OK);
}

static rc load(struct audit *l, struct why *w)
{
	struct arena *a = arena_new(1 << 20);
	uint8_t root[HASH];
	uint64_t rev = 0;
	struct edge e;
	struct head h;
	rc r = read_latest(l, a, &h, &rev, w);

	if (rc_ok(r))
		r = edge_load(l->store, h.pub.size, &e, w);
	if (rc_ok(r)) {
		edge_root(&e, root);
		if (memcmp(root, h.pub.root, HASH) != 0)
			r = deny(w, E_DENIED, "audit.corrupt",
			         "the nodes give another root than the head of size %" PRIu64, h.pub.size);
	}
	if (rc_ok(r)) {
		l->edge = e;
		l->head_rev = rev;
		l->stale = false;
	}
	arena_free(a);
	return r;
}

/* ---- making a batch ---- */

static void push(struct group *g, struct audit_call *owner, struct store_op op)
{
	if (g->n == g->cap) {
		g->op = arena_grow(g->a, g->op, g->cap * sizeof(*g->op), (g->cap + 256) * sizeof(*g->op));
		g->owner = arena_grow(g->a, g->owner, g->cap * sizeof(*g->owner), (g->cap + 256) * sizeof(*g->owner));
		g->cap += 256;
	}
	if (!arena_bad(g->a)) {
		g->op[g->n] = op;
		g->owner[g->n++] = owner;
	}
}

static void push_own(struct group *g, enum store_op_kind kind, const char *ns, const char key[KEY_SIZE],
                     struct slice value)
{
	push(g, NULL, (struct store_op){.kind = kind, .ns = ns, .key = arena_strdup(g->a, key), .value = value});
}

static rc push_tile(void *ctx, unsigned level, uint64_t index, struct slice hashes, struct why *w)
{
	struct group *g = ctx;
	char key[KEY_SIZE];

	tile_key(level, index, key);
	push_own(g, STORE_PUT, NS_NODE, key, arena_dup(g->a, hashes));
	return arena_bad(g->a) ? store_refuse_memory(w) : rc_of(OK);
}

static rc push_append(struct group *g, struct edge *e, struct audit_call *p, int64_t now_s, struct why *w)
{
	const struct edge_sink sink = {push_tile, g};
	struct slice record = record_bytes(g->a, e->size, now_s, p->body);
	uint8_t leaf[HASH];
	char key[KEY_SIZE];

	if (!record.p)
		return store_refuse_memory(w);
	p->index = e->size;
	leaf_key(e->size, key);
	push_own(g, STORE_INSERT, NS_LEAF, key, record);
	for (size_t i = 0; i < p->n_ops; i++)
		push(g, p, p->ops[i]);
	audit_leaf_hash(record, leaf);
	return edge_append(e, leaf, &sink, w);
}

/* The first operation of every batch: refused exactly when another process was faster. */
#define OP_LATEST 0u

static rc make_batch(const struct audit *l, struct audit_call *first, struct edge *e, struct group *g, struct why *w)
{
	const struct edge_sink sink = {push_tile, g};
	int64_t now_s = clock_now_s(l->clock);
	uint64_t from = e->size;
	uint8_t root[HASH];
	char key[KEY_SIZE];
	struct slice jws;

	push(g, NULL, (struct store_op){.kind = STORE_CAS, .ns = NS_HEAD, .key = KEY_LATEST, .if_rev = l->head_rev});
	for (struct audit_call *p = first; p; p = p->next)
		if (rc_ok(p->result))
			TRY(push_append(g, e, p, now_s, w));
	TRY(edge_flush(e, from, &sink, w));
	edge_root(e, root);
	TRY(head_sign(l->signer, l->origin, e->size, from, root, now_s, g->a, &jws, w));
	head_key(e->size, key);
	push_own(g, STORE_INSERT, NS_HEAD, key, jws);
	if (arena_bad(g->a))
		return store_refuse_memory(w);
	g->op[OP_LATEST].value = jws;
	return rc_of(OK);
}

/* ---- leading ---- */

static void refuse_all(struct audit_call *first, rc r, const struct why *w)
{
	for (struct audit_call *p = first; p; p = p->next)
		if (rc_ok(p->result))
			p->result = deny(p->w, r.code, why_reason(w), "%s", why_text(w));
}

static bool any_left(const struct audit_call *first)
{
	for (; first; first = first->next)
		if (rc_ok(first->result))
			return true;
	return false;
}

/* What became of a batch that was refused: true when it is worth another try. */
static bool after_refusal(struct audit *l, const struct group *g, size_t refused, rc r, struct audit_call *first,
                          unsigned *races, const struct why *w)
{
	bool verdict = r.code == E_DENIED || r.code == E_NOTFOUND;

	l->stale = true;
	if (verdict && refused == OP_LATEST && ++*races < RACES_MAX)
		return true;
	if (verdict && refused < g->n && g->owner[refused]) {
		struct audit_call *p = g->owner[refused];

		/* The one caller whose operation it was; `reason` is a literal of the store. */
		p->result = deny(p->w, r.code, why_reason(w), "%s", why_text(w));
		l->stale = false;
		return true;
	}
	if (verdict && refused != OP_LATEST) {
		struct why own = why_in(w->arena);

		refuse_all(first, deny(&own, E_DENIED, "audit.corrupt", "beyond the newest head: %s", why_text(w)),
		           &own);
		return false;
	}
	if (verdict) {
		struct why own = why_in(w->arena);

		refuse_all(first, deny(&own, E_UNAVAILABLE, "audit.busy", "lost to other writers %u times", *races),
		           &own);
		return false;
	}
	refuse_all(first, r, w);
	return false;
}

static bool try_group(struct audit *l, struct audit_call *first, unsigned *races)
{
	struct group g = {.a = arena_new((size_t)256 << 20)};
	struct why w = why_in(g.a);
	struct edge *e = ARENA_NEW(g.a, struct edge);
	bool again = false;
	size_t refused = 0;
	rc r = e ? rc_of(OK) : store_refuse_memory(&w);

	if (rc_ok(r) && l->stale)
		r = load(l, &w);
	if (rc_ok(r)) {
		*e = l->edge;
		r = make_batch(l, first, e, &g, &w);
	}
	if (!rc_ok(r)) {
		refuse_all(first, r, &w);
		arena_free(g.a);
		return false;
	}
	r = store_commit_at(l->store, g.op, g.n, &refused, &w);
	if (rc_ok(r)) {
		uint64_t rev;
		struct slice jws;

		/* The revision of our own head: nobody else moves it while we lead, save another process. */
		l->stale = !rc_ok(store_get(l->store, NS_HEAD, KEY_LATEST, g.a, &jws, &rev, NULL, NULL)) ||
		           !slice_eq(jws, g.op[OP_LATEST].value);
		if (!l->stale) {
			l->edge = *e;
			l->head_rev = rev;
		}
	} else {
		again = after_refusal(l, &g, refused, r, first, races, &w);
	}
	arena_free(g.a);
	return again;
}

static void lead(struct audit *l, struct audit_call *first)
{
	unsigned races = 0;

	while (any_left(first) && try_group(l, first, &races))
		;
}

/* Takes the head of the queue. Called with the lock. */
static struct audit_call *take_group(struct audit *l)
{
	struct audit_call *first = l->first, *end = first;
	size_t n = 1, ops = first->n_ops + 2, bytes = first->bytes;

	while (end->next && n < GROUP_MAX && ops + end->next->n_ops + 2 <= GROUP_OPS_MAX &&
	       bytes + end->next->bytes <= GROUP_BYTES_MAX) {
		end = end->next;
		ops += end->n_ops + 2;
		bytes += end->bytes;
		n++;
	}
	l->first = end->next;
	if (!l->first)
		l->last = &l->first;
	end->next = NULL;
	l->queued -= n;
	l->next_ns = n > 1 ? sys_monotonic_ns() + PACE_NS : 0;
	return first;
}

/* The next in the queue is told that nobody leads. Called with the lock. */
static void pass_on(struct audit *l)
{
	if (l->first)
		pthread_cond_signal(l->first->waits ? &l->first->wake : &l->told);
}

/* Serves the head of the queue. Called with the lock, which is open meanwhile. */
static void lead_once(struct audit *l)
{
	struct audit_call *group = take_group(l), *next, *later = NULL, **last = &later;

	l->led = true;
	pthread_mutex_unlock(&l->lock);
	lead(l, group);
	pthread_mutex_lock(&l->lock);
	for (; group; group = next) {
		next = group->next; /* once it is ready, the call is gone */
		if (group->waits) {
			group->ready = true;
			pthread_cond_signal(&group->wake);
		} else {
			*last = group;
			last = &group->next;
		}
	}
	*last = NULL;
	l->led = false;
	pass_on(l);
	if (!later)
		return;
	pthread_mutex_unlock(&l->lock);
	for (; later; later = next) {
		next = later->next;
		later->done(later, later->result);
	}
	pthread_mutex_lock(&l->lock);
}

/* Whether it waited for more to come. Called with the lock, which is open meanwhile. */
static bool pace(struct audit *l)
{
	if (l->end || l->queued >= PACE_ENOUGH || l->first->waits || sys_monotonic_ns() >= l->next_ns)
		return false;
	(void)timed_cond_wait(&l->told, &l->lock, l->next_ns);
	return true;
}

static void *leader_run(void *arg)
{
	struct audit *l = arg;

	(void)pthread_setname_np(pthread_self(), "audit");
	pthread_mutex_lock(&l->lock);
	while (!l->end || l->first) {
		if (l->first && !l->led) {
			if (!pace(l))
				lead_once(l);
			continue;
		}
		l->asleep = true;
		pthread_cond_wait(&l->told, &l->lock);
		l->asleep = false;
	}
	pthread_mutex_unlock(&l->lock);
	return NULL;
}

/* Called with the lock. */
static bool have_leader(struct audit *l)
{
	sigset_t all, old;

	if (l->runs)
		return true;
	/* Signals are for the threads of `main`. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	l->runs = pthread_create(&l->thread, NULL, leader_run, l) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return l->runs;
}

/* Called with the lock. */
static void queue_up(struct audit *l, struct audit_call *c)
{
	c->next = NULL;
	*l->last = c;
	l->last = &c->next;
	l->queued++;
}

static rc prepare(struct audit_call *c)
{
	TRY(record_body(c->arena, c->record, &c->body, c->w));
	if (c->n_ops > APPEND_OPS_MAX)
		return deny(c->w, E_LIMIT, "audit.size", "%zu operations beside a record, the limit is %u", c->n_ops,
		            APPEND_OPS_MAX);
	c->bytes = c->body.n + 256;
	for (size_t i = 0; i < c->n_ops; i++)
		c->bytes += c->ops[i].value.n;
	if (c->bytes > GROUP_BYTES_MAX)
		return deny(c->w, E_LIMIT, "audit.size", "%zu bytes beside a record, the limit is %zu", c->bytes,
		            GROUP_BYTES_MAX);
	c->result = rc_of(OK);
	return rc_of(OK);
}

void audit_start(struct audit *l, struct audit_call *c)
{
	rc r = prepare(c);
	bool runs = true;

	c->waits = false;
	if (rc_ok(r)) {
		pthread_mutex_lock(&l->lock);
		runs = have_leader(l);
		if (runs) {
			queue_up(l, c);
			if (l->asleep || l->queued == PACE_ENOUGH)
				pthread_cond_signal(&l->told);
		}
		pthread_mutex_unlock(&l->lock);
	}
	if (!runs)
		r = deny(c->w, E_UNAVAILABLE, "audit.busy", "no thread for the audit log");
	if (!rc_ok(r))
		c->done(c, r);
}

/* Waits until the append is done, leading when nobody does: the own group, or one before it. */
static void run(struct audit *l, struct audit_call *me)
{
	me->waits = true;
	pthread_cond_init(&me->wake, NULL);
	pthread_mutex_lock(&l->lock);
	queue_up(l, me);
	while (!me->ready) {
		if (l->led)
			pthread_cond_wait(&me->wake, &l->lock);
		else
			lead_once(l);
	}
	pthread_mutex_unlock(&l->lock);
	pthread_cond_destroy(&me->wake);
}

rc audit_append(struct audit *l, const struct json *record, const struct store_op *ops, size_t n_ops, uint64_t *index,
                struct why *w)
{
	struct audit_call me = {.record = record, .ops = ops, .n_ops = n_ops, .arena = arena_new((size_t)16 << 20), .w = w};
	rc r = prepare(&me);

	if (rc_ok(r)) {
		run(l, &me);
		r = me.result;
	}
	arena_free(me.arena);
	if (rc_ok(r) && index)
		*index = me.index;
	return r;
}

rc audit_head(struct audit *l, struct arena *arena, struct audit_head *out, struct why *w)
{
	struct head h;
	uint64_t rev;

	TRY(read_latest(l, arena, &h, &rev, w));
	*out = h.pub;
	return rc_of(OK);
}

struct store *audit_store(const struct audit *l)
{
	return l->store;
}

/* ---- opening ---- */

/* An empty log has a head too: from then on a log without one is a log that lost it. */
static rc found(struct audit *l, struct why *w)
{
	struct arena *a = arena_new(1 << 20);
	struct edge e = {0};
	uint8_t root[HASH];
	char key[KEY_SIZE], **keys;
	struct slice jws;
	size_t n;
	rc r = store_list(l->store, NS_LEAF, NULL, NULL, 1, a, &keys, &n, w);

	if (rc_ok(r) && n)
		r = corrupt_head(w);
	if (rc_ok(r)) {
		edge_root(&e, root);
		r = head_sign(l->signer, l->origin, 0, 0, root, clock_now_s(l->clock), a, &jws, w);
	}
	if (rc_ok(r)) {
		head_key(0, key);
		r = store_commit(l->store,
		                 (const struct store_op[]){
		                         {.kind = STORE_CAS, .ns = NS_HEAD, .key = KEY_LATEST, .value = jws},
		                         {.kind = STORE_INSERT, .ns = NS_HEAD, .key = key, .value = jws},
		                 },
		                 2, w);
		/* E_DENIED: another process founded it between our look and our commit. Loading decides. */
		if (r.code == E_DENIED)
			r = rc_of(OK);
	}
	arena_free(a);
	return r;
}

static rc open_log(struct audit *l, struct why *w)
{
	rc r;

	if (pkey_kind(l->signer) != KEY_P256 || !pkey_is_private(l->signer))
		return deny(w, E_UNSUPPORTED, "audit.key", "the log is signed with a private P-256 key");
	r = load(l, w);
	if (r.code != E_NOTFOUND)
		return r;
	TRY(found(l, w));
	return load(l, w);
}

rc audit_open(struct store *store, const struct pkey *signer, const char *origin, const struct clock *clock,
              struct audit **out, struct why *w)
{
	struct arena *a = arena_new(1 << 20);
	struct audit *l = ARENA_NEW(a, struct audit);
	rc r;

	if (!l || !(l->origin = arena_strdup(a, origin))) {
		arena_free(a);
		return store_refuse_memory(w);
	}
	l->arena = a;
	l->store = store;
	l->signer = signer;
	l->clock = clock;
	l->last = &l->first;
	pthread_mutex_init(&l->lock, NULL);
	timed_cond_init(&l->told);
	r = note(w, open_log(l, w), "opening the audit log");
	if (rc_ok(r))
		*out = l;
	else
		audit_close(l);
	return r;
}

void audit_close(struct audit *l)
{
	if (!l)
		return;
	pthread_mutex_lock(&l->lock);
	l->end = true;
	pthread_cond_signal(&l->told);
	pthread_mutex_unlock(&l->lock);
	if (l->runs)
		pthread_join(l->thread, NULL);
	pthread_cond_destroy(&l->told);
	pthread_mutex_destroy(&l->lock);
	arena_free(l->arena);
}
