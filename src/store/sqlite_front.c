/* sqlite_front.c - commits: into memory and the journal, many callers with one write and one sync.
 *
 * Group commit without a thread: whoever finds no leader leads. The leader checks each batch against what is durable and
 * what the batches before it in the group will make so, writes one record, and only when that is durable lets readers see
 * it. A refusal waits for the record too, since what it saw may be a neighbour's.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/num.h"
#include "base/waiter.h"
#include "store/sqlite_int.h"

#define ABSORB_BYTES    ((size_t)4 << 20)  /* of the front: the database takes it at once */
#define FRONT_BYTES_MAX ((size_t)96 << 20) /* beyond this commits wait for the database */
#define UNPIN_STEP      128u               /* nodes removed while readers wait */

void sq_front_init(struct sq_front *f)
{
	*f = (struct sq_front){.file = {{.fd = -1}, {.fd = -1}}};
	f->map.seed = (uint64_t)sys_monotonic_ns() | 1;
	f->last = &f->first;
	store_rwlock_init(&f->lock);
	pthread_mutex_init(&f->queue, NULL);
	pthread_cond_init(&f->free, NULL);
}

void sq_front_free(struct sq_front *f)
{
	while (f->map.root) {
		free(f->map.root->v);
		omap_remove(&f->map, f->map.root);
	}
	for (unsigned i = 0; i < COUNT_OF(f->file); i++)
		journal_close(&f->file[i]);
	journal_record_free(&f->record);
	free(f->row);
	pthread_rwlock_destroy(&f->lock);
	pthread_mutex_destroy(&f->queue);
	pthread_cond_destroy(&f->free);
}

static size_t cost(const struct onode *n, const struct sq_val *v)
{
	return sizeof(*n) + sizeof(*v) + v->n + strlen(n->ns) + strlen(n->key) + 2;
}

bool sq_front_find(const struct sq_front *f, const char *ns, const char *key, int64_t now_s, const struct sq_val **v)
{
	const struct onode *n = omap_find(&f->map, ns, key);
	const struct sq_val *there = n ? n->v : NULL;

	if (!there)
		return false;
	*v = there->gone || store_expired(there->expires_s, now_s) ? NULL : there;
	return true;
}

/* ---- what is there ---- */

/* Called with the lock. NULL: the namespace was not looked at yet, or there are too many. */
static struct sq_top *top_of(struct sq_front *f, const char *ns)
{
	for (unsigned i = 0; i < f->tops; i++)
		if (strcmp(f->top[i].ns, ns) == 0)
			return &f->top[i];
	return NULL;
}

static rc learn_top(struct sq *q, const char *ns, struct why *w)
{
	struct sq_front *f = &q->front;
	struct sq_top t;

	rc r;

	if (f->tops == SQ_TOPS)
		return rc_of(OK);
	memcpy(t.ns, ns, strlen(ns) + 1);
	/* With the lock: what the writer thread moves into the database stays in the map until it has the lock, and then
	 * finds this top to raise. */
	pthread_rwlock_wrlock(&f->lock);
	r = sq_base_top(q, ns, t.key, w);
	if (rc_ok(r))
		f->top[f->tops++] = t;
	pthread_rwlock_unlock(&f->lock);
	return r;
}

static const struct sq_val *latest(const struct onode *n)
{
	return n ? n->next ? n->next : n->v : NULL;
}

/* The key's revision as the leader sees it: pending, durable in the front, or in the database. 0: absent. *hidden: the
 * database may hold something under this name. */
static rc rev_now(struct sq *q, const struct store_op *op, int64_t now_s, uint64_t *rev, bool *hidden, struct why *w)
{
	struct sq_front *f = &q->front;
	const struct sq_val *v;
	const struct sq_top *top;
	bool known;

	*rev = 0;
	*hidden = true;
	pthread_rwlock_rdlock(&f->lock);
	v = latest(omap_find(&f->map, op->ns, op->key));
	if (v && !v->gone && !store_expired(v->expires_s, now_s))
		*rev = v->rev;
	top = top_of(f, op->ns);
	known = top != NULL;
	if (!v && top && strcmp(op->key, top->key) > 0)
		*hidden = false;
	pthread_rwlock_unlock(&f->lock);
	if (v || !*hidden)
		return rc_of(OK);
	if (!known) {
		TRY(learn_top(q, op->ns, w));
		if (f->tops < SQ_TOPS)
			return rev_now(q, op, now_s, rev, hidden, w);
	}
	if (op->kind == STORE_PUT || op->kind == STORE_ERASE)
		return rc_of(OK);
	return sq_base_rev(q, op->ns, op->key, now_s, rev, w);
}

/* ---- one batch ---- */

static bool row_room(struct sq_front *f)
{
	size_t cap = f->rows_cap ? f->rows_cap * 2 : 64;
	struct sq_row *p;

	if (f->rows < f->rows_cap)
		return true;
	p = realloc(f->row, cap * sizeof(*p));
	if (!p)
		return false;
	f->row = p;
	f->rows_cap = cap;
	return true;
}

static struct sq_val *val_new(const struct store_op *op, uint64_t rev, uint64_t gen)
{
	bool gone = op->kind == STORE_DELETE || op->kind == STORE_ERASE;
	size_t n = gone ? 0 : op->value.n;
	struct sq_val *v = malloc(sizeof(*v) + n);

	if (!v)
		return NULL;
	*v = (struct sq_val){.rev = rev, .gen = gen, .expires_s = gone ? 0 : op->expires_s, .n = n, .gone = gone};
	if (n)
		memcpy(v->bytes, op->value.p, n);
	return v;
}

static rc apply(struct sq *q, const struct store_op *op, int64_t now_s, struct why *w)
{
	struct sq_front *f = &q->front;
	struct sq_val *v;
	struct onode *n;
	bool hidden;
	uint64_t there;

	TRY(rev_now(q, op, now_s, &there, &hidden, w));
	TRY(store_may_apply(op, there, w));
	if (op->kind == STORE_ERASE && !there && !hidden)
		return rc_of(OK);
	v = row_room(f) ? val_new(op, f->rev, f->file[f->active].gen) : NULL;
	if (!v)
		return store_refuse_memory(w);
	pthread_rwlock_wrlock(&f->lock);
	n = omap_add(&f->map, op->ns, op->key);
	if (n) {
		f->row[f->rows++] = (struct sq_row){n, n->next};
		n->next = v;
	}
	pthread_rwlock_unlock(&f->lock);
	if (!n) {
		free(v);
		return store_refuse_memory(w);
	}
	f->rev++;
	journal_record_add(&f->record, &(struct journal_op){.ns = op->ns,
	                                                    .key = op->key,
	                                                    .value = op->value,
	                                                    .rev = v->rev,
	                                                    .expires_s = op->expires_s,
	                                                    .gone = v->gone});
	return rc_of(OK);
}

/* Takes back what was done since there were `from` rows, the newest first. */
static void take_back(struct sq_front *f, size_t from)
{
	pthread_rwlock_wrlock(&f->lock);
	while (f->rows > from) {
		const struct sq_row *r = &f->row[--f->rows];
		struct onode *n = r->node;

		free(n->next);
		n->next = r->before;
		if (!n->v && !n->next)
			omap_remove(&f->map, n);
	}
	pthread_rwlock_unlock(&f->lock);
}

static void retire(struct sq_front *f, struct sq_val *v)
{
	if (f->pinned) {
		v->grave = f->grave;
		f->grave = v;
	} else {
		free(v);
	}
}

/* The record is durable: readers may see it. */
static void show(struct sq_front *f)
{
	pthread_rwlock_wrlock(&f->lock);
	for (size_t i = 0; i < f->rows; i++) {
		struct onode *n = f->row[i].node;

		free(f->row[i].before); /* replaced within the group */
		if (!n->next)
			continue; /* shown by a row before */
		if (n->v) {
			f->bytes -= cost(n, n->v);
			retire(f, n->v);
		}
		n->v = n->next;
		n->next = NULL;
		f->bytes += cost(n, n->v);
	}
	f->rows = 0;
	pthread_rwlock_unlock(&f->lock);
}

/* ---- leading ---- */

static void run_job(struct sq *q, struct sq_job *j)
{
	struct sq_front *f = &q->front;
	size_t rows = f->rows, n = f->record.n;

	j->result = rc_of(OK);
	for (size_t i = 0; i < j->n && rc_ok(j->result); i++) {
		j->result = apply(q, &j->ops[i], j->now_s, j->w);
		j->refused = i;
	}
	if (!rc_ok(j->result)) {
		take_back(f, rows);
		f->record.n = n;
	}
}

/* All that is not refused in one record, or nothing of it. */
static rc run_group(struct sq *q, struct sq_job *group, const struct sq_job *end, struct why *w)
{
	struct sq_front *f = &q->front;
	rc r;

	journal_record_start(&f->record);
	for (struct sq_job *j = group; j != end; j = j->next)
		run_job(q, j);
	if (f->rows == 0)
		return rc_of(OK);
	r = journal_append(&f->file[f->active], &f->record, w);
	if (rc_ok(r))
		show(f);
	else
		take_back(f, 0);
	return r;
}

/* A group that failed is tried again batch by batch, so that one too large for the disk fails alone. */
static void serve(struct sq *q, struct sq_job *group)
{
	if (group->next && rc_ok(run_group(q, group, NULL, NULL)))
		return;
	for (struct sq_job *j = group; j; j = j->next) {
		rc r = run_group(q, j, j->next, j->w);

		if (!rc_ok(r))
			j->result = r;
	}
}

/* Tells the writer thread what there is to absorb. False: the front is too full to take more. */
static bool report(struct sq *q)
{
	struct sq_front *f = &q->front;
	bool room = true;
	size_t bytes;

	pthread_rwlock_rdlock(&f->lock);
	bytes = f->bytes;
	pthread_rwlock_unlock(&f->lock);
	pthread_mutex_lock(&q->lock);
	if (bytes && (!q->dirty_ns || (bytes >= ABSORB_BYTES && !q->full))) {
		q->dirty_ns = q->dirty_ns ? q->dirty_ns : sys_monotonic_ns();
		q->full = bytes >= ABSORB_BYTES;
		pthread_cond_signal(&q->work);
	}
	if (bytes > FRONT_BYTES_MAX)
		room = timed_cond_wait(&q->absorbed, &q->lock, sys_monotonic_ns() + (int64_t)SQ_BUSY_MS * 1000000);
	pthread_mutex_unlock(&q->lock);
	return room;
}

static void pass_on(struct sq_front *f)
{
	f->led = false;
	if (f->wanted)
		pthread_cond_signal(&f->free);
	else if (f->first)
		pthread_cond_signal(&f->first->wake);
}

/* Serves the head of the queue. Called with the queue's lock, which is open meanwhile. */
static void lead(struct sq *q)
{
	struct sq_front *f = &q->front;
	struct sq_job *group = sq_take_group(&f->first, &f->last), *next;

	f->led = true;
	pthread_mutex_unlock(&f->queue);
	if (report(q)) {
		serve(q, group);
		(void)report(q);
	} else {
		pthread_mutex_lock(&q->lock);
		for (struct sq_job *j = group; j; j = j->next)
			j->result = deny(j->w, E_UNAVAILABLE, q->stuck ? q->stuck : "store.full",
			                 "the database takes nothing more: %s", q->stuck ? q->stuck_text : "it is too slow");
		pthread_mutex_unlock(&q->lock);
	}
	pthread_mutex_lock(&f->queue);
	for (; group; group = next) {
		next = group->next; /* once `done` is seen, the job is gone */
		group->done = true;
		pthread_cond_signal(&group->wake);
	}
	pass_on(f);
}

rc sq_front_commit(struct sq *q, struct sq_job *j)
{
	struct sq_front *f = &q->front;

	pthread_mutex_lock(&f->queue);
	*f->last = j;
	f->last = &j->next;
	while (!j->done) {
		if (f->led || f->wanted)
			pthread_cond_wait(&j->wake, &f->queue);
		else
			lead(q);
	}
	pthread_mutex_unlock(&f->queue);
	return j->result;
}

/* ---- for the writer thread ---- */

rc sq_front_rotate(struct sq *q, uint64_t *gen, uint64_t *rev, struct why *w)
{
	struct sq_front *f = &q->front;
	rc r;

	pthread_mutex_lock(&f->queue);
	f->wanted = true;
	while (f->led)
		pthread_cond_wait(&f->free, &f->queue);
	f->wanted = false;
	f->led = true;
	pthread_mutex_unlock(&f->queue);
	r = journal_restart(&f->file[!f->active], f->file[f->active].gen + 1, w);
	if (rc_ok(r)) {
		*gen = f->file[f->active].gen;
		*rev = f->rev;
		f->active = !f->active;
	}
	pthread_mutex_lock(&f->queue);
	pass_on(f);
	pthread_mutex_unlock(&f->queue);
	return r;
}

rc sq_front_pin(struct sq_front *f, uint64_t gen, struct sq_item **items, size_t *n, struct why *w)
{
	struct sq_item *list = NULL;
	size_t got = 0, cap = 0;
	bool memory = true;

	pthread_rwlock_wrlock(&f->lock);
	for (struct onode *at = omap_seek(&f->map, "", "", false); at; at = omap_seek(&f->map, at->ns, at->key, true)) {
		const struct sq_val *v = at->v;
		struct sq_item *more;

		if (!v || v->gen > gen)
			continue;
		if (got == cap) {
			cap = cap ? cap * 2 : 256;
			more = realloc(list, cap * sizeof(*list));
			memory = more != NULL;
			if (!memory)
				break;
			list = more;
		}
		list[got++] = (struct sq_item){at, v};
	}
	f->pinned = memory;
	pthread_rwlock_unlock(&f->lock);
	if (!memory) {
		free(list);
		return store_refuse_memory(w);
	}
	*items = list;
	*n = got;
	return rc_of(OK);
}

static void forget(struct sq_front *f, const struct sq_item *it)
{
	struct sq_top *top = top_of(f, it->node->ns);

	if (top && !it->v->gone && strcmp(it->node->key, top->key) > 0)
		memcpy(top->key, it->node->key, strlen(it->node->key) + 1);
	if (it->node->v != it->v || it->node->next)
		return;
	f->bytes -= cost(it->node, it->v);
	free(it->node->v);
	omap_remove(&f->map, it->node);
}

void sq_front_unpin(struct sq_front *f, struct sq_item *items, size_t n, bool kept)
{
	struct sq_val *v, *next;

	for (size_t i = 0; kept && i < n;) {
		pthread_rwlock_wrlock(&f->lock);
		for (size_t k = 0; k < UNPIN_STEP && i < n; k++)
			forget(f, &items[i++]);
		pthread_rwlock_unlock(&f->lock);
	}
	pthread_rwlock_wrlock(&f->lock);
	v = f->grave;
	f->grave = NULL;
	f->pinned = false;
	pthread_rwlock_unlock(&f->lock);
	for (; v; v = next) {
		next = v->grave;
		free(v);
	}
	free(items);
}
