/* sqlite_writer.c - one thread writes the database.
 *
 * It absorbs what the front holds, once that is large or a few seconds old: all in one transaction, and then the journal
 * behind it is used again. And it serves the batches that go past the front: those on namespaces shared with tools, and
 * all of a tool. Batches that wait share one transaction and one sync. Each runs in a savepoint, so one that is refused leaves the others alone. A caller is answered when the
 * transaction that holds its batch is durable; a refusal waits for it too, since what it saw may be a neighbour's.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

#include "base/num.h"
#include "base/waiter.h"
#include "store/sqlite_int.h"

#define GROUP_MAX       512u /* batches of one transaction */
#define GROUP_BYTES_MAX STORE_BATCH_BYTES_MAX
#define SWEEP_ROWS      32 /* expired rows removed with each transaction, at least */
#define WRITER_CACHE_KIB "16384"
#define ABSORB_AFTER_NS 2000000000
#define RETRY_NS        1000000000
#define REPLAY_MAX      ((size_t)512 << 20)

static const char *const sql[SQ_STMT_N] = {
        [SQ_BEGIN] = "BEGIN IMMEDIATE",
        [SQ_COMMIT] = "COMMIT",
        [SQ_ROLLBACK] = "ROLLBACK",
        [SQ_SAVE] = "SAVEPOINT batch",
        [SQ_BACK] = "ROLLBACK TO batch",
        [SQ_RELEASE] = "RELEASE batch",
        [SQ_REV] = "SELECT rev FROM kv WHERE ns = ?1 AND key = ?2 AND (expires = 0 OR expires > ?3)",
        [SQ_NEXT_REV] = "SELECT value FROM counter WHERE name = 'rev'",
        [SQ_SET_REV] = "UPDATE counter SET value = max(value, ?1) WHERE name = 'rev'",
        [SQ_SET_GEN] = "UPDATE counter SET value = max(value, ?1) WHERE name = 'journal'",
        [SQ_PUT] = "INSERT INTO kv (ns, key, value, rev, expires) VALUES (?1, ?2, ?3, ?4, ?5)"
                   " ON CONFLICT DO UPDATE SET value = excluded.value, rev = excluded.rev, expires = excluded.expires",
        [SQ_DELETE] = "DELETE FROM kv WHERE ns = ?1 AND key = ?2",
        [SQ_SWEEP] = "DELETE FROM kv WHERE (ns, key) IN (SELECT ns, key FROM kv WHERE expires <> 0 AND expires <= ?1"
                     " ORDER BY expires LIMIT ?2)",
};

/* Runs a statement that gives no row, and makes it ready for the next time. */
static int run(struct sq *q, enum sq_stmt which)
{
	int e;

	errno = 0;
	e = sqlite3_step(q->stmt[which]);
	q->sys = errno;
	sqlite3_reset(q->stmt[which]);
	sqlite3_clear_bindings(q->stmt[which]);
	return e == SQLITE_DONE || e == SQLITE_ROW ? SQLITE_OK : e;
}

static void bind_name(sqlite3_stmt *st, const char *ns, const char *key)
{
	sqlite3_bind_text(st, 1, ns, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 2, key, -1, SQLITE_STATIC);
}

static int read_i64(sqlite3_stmt *st, int64_t *out)
{
	int e = sqlite3_step(st);

	if (e == SQLITE_ROW)
		*out = sqlite3_column_int64(st, 0);
	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
	return e == SQLITE_ROW || e == SQLITE_DONE ? SQLITE_OK : e;
}

static int put(struct sq *q, const struct journal_op *op)
{
	sqlite3_stmt *st = q->stmt[SQ_PUT];

	bind_name(st, op->ns, op->key);
	sqlite3_bind_blob64(st, 3, op->value.n ? (const void *)op->value.p : "", op->value.n, SQLITE_STATIC);
	sqlite3_bind_int64(st, 4, (int64_t)op->rev);
	sqlite3_bind_int64(st, 5, op->expires_s);
	return run(q, SQ_PUT);
}

static int erase(struct sq *q, const char *ns, const char *key)
{
	bind_name(q->stmt[SQ_DELETE], ns, key);
	return run(q, SQ_DELETE);
}

static int set_counter(struct sq *q, enum sq_stmt which, uint64_t value)
{
	sqlite3_bind_int64(q->stmt[which], 1, (int64_t)value);
	return run(q, which);
}

static int sweep(struct sq *q, int64_t now_s, size_t rows)
{
	sqlite3_bind_int64(q->stmt[SQ_SWEEP], 1, now_s);
	sqlite3_bind_int64(q->stmt[SQ_SWEEP], 2, (int64_t)rows);
	return run(q, SQ_SWEEP);
}

static void roll_back(struct sq *q)
{
	/* Some failures (no space) have rolled back already. */
	if (!sqlite3_get_autocommit(q->writer))
		(void)run(q, SQ_ROLLBACK);
}

/* ---- past the front ---- */

/* *e is sqlite's answer; the result is the verdict on the operation. */
static rc apply(struct sq *q, const struct store_op *op, int64_t now_s, int64_t *rev, int *e, struct why *w)
{
	int64_t there = 0;

	if (op->kind != STORE_PUT && op->kind != STORE_ERASE) {
		bind_name(q->stmt[SQ_REV], op->ns, op->key);
		sqlite3_bind_int64(q->stmt[SQ_REV], 3, now_s);
		*e = read_i64(q->stmt[SQ_REV], &there);
		if (*e != SQLITE_OK)
			return rc_of(OK);
	}
	TRY(store_may_apply(op, (uint64_t)there, w));
	if (op->kind == STORE_DELETE || op->kind == STORE_ERASE) {
		*e = erase(q, op->ns, op->key);
	} else {
		*e = put(q, &(struct journal_op){.ns = op->ns,
		                                 .key = op->key,
		                                 .value = op->value,
		                                 .rev = (uint64_t)(*rev)++,
		                                 .expires_s = op->expires_s});
	}
	return rc_of(OK);
}

static int run_job(struct sq *q, struct sq_job *j, int64_t *rev)
{
	int e = run(q, SQ_SAVE);

	j->result = rc_of(OK);
	for (size_t i = 0; e == SQLITE_OK && rc_ok(j->result) && i < j->n; i++) {
		j->result = apply(q, &j->ops[i], j->now_s, rev, &e, j->w);
		j->refused = i;
	}
	if (e == SQLITE_OK && !rc_ok(j->result))
		e = run(q, SQ_BACK);
	return e == SQLITE_OK ? run(q, SQ_RELEASE) : e;
}

/* All of the group in one transaction, or nothing of it. */
static int run_group(struct sq *q, struct sq_job *group, const struct sq_job *end)
{
	int64_t rev = 0, before;
	int e = run(q, SQ_BEGIN);

	if (e == SQLITE_OK)
		e = read_i64(q->stmt[SQ_NEXT_REV], &rev);
	before = rev;
	if (e == SQLITE_OK)
		e = sweep(q, group->now_s, SWEEP_ROWS);
	for (struct sq_job *j = group; e == SQLITE_OK && j != end; j = j->next)
		e = run_job(q, j, &rev);
	if (e == SQLITE_OK && rev != before)
		e = set_counter(q, SQ_SET_REV, (uint64_t)rev);
	return e == SQLITE_OK ? run(q, SQ_COMMIT) : e;
}

/* A group that failed is tried again batch by batch, so that one too large for the disk fails alone. */
static void serve(struct sq *q, struct sq_job *group)
{
	bool alone = !group->next;

	if (!alone) {
		if (run_group(q, group, NULL) == SQLITE_OK)
			return;
		roll_back(q);
	}
	for (struct sq_job *j = group; j; j = j->next) {
		int e = run_group(q, j, j->next);

		if (e != SQLITE_OK) {
			j->result = sq_fail_sys(q->writer, e, q->sys, "writing", j->w);
			roll_back(q);
		}
	}
}

struct sq_job *sq_take_group(struct sq_job **first, struct sq_job ***last)
{
	struct sq_job *group = *first, *end = group;
	size_t n = 1, bytes = group->bytes;

	while (end->next && n < GROUP_MAX && bytes + end->next->bytes <= GROUP_BYTES_MAX) {
		end = end->next;
		bytes += end->bytes;
		n++;
	}
	*first = end->next;
	if (!*first)
		*last = first;
	end->next = NULL;
	return group;
}

static void serve_queue(struct sq *q)
{
	struct sq_job *group = sq_take_group(&q->first, &q->last), *next;

	pthread_mutex_unlock(&q->lock);
	serve(q, group);
	pthread_mutex_lock(&q->lock);
	for (; group; group = next) {
		next = group->next; /* once `done` is seen, the job is gone */
		group->done = true;
		pthread_cond_signal(&group->wake);
	}
}

rc sq_commit_direct(struct sq *q, struct sq_job *j)
{
	pthread_mutex_lock(&q->lock);
	assert(!q->stop);
	*q->last = j;
	q->last = &j->next;
	pthread_cond_signal(&q->work);
	while (!j->done)
		pthread_cond_wait(&j->wake, &q->lock);
	pthread_mutex_unlock(&q->lock);
	return j->result;
}

/* ---- absorbing ---- */

static int absorb_item(struct sq *q, const struct sq_item *it, int64_t now_s)
{
	const struct sq_val *v = it->v;

	if (v->gone || store_expired(v->expires_s, now_s))
		return erase(q, it->node->ns, it->node->key);
	return put(q, &(struct journal_op){.ns = it->node->ns,
	                                   .key = it->node->key,
	                                   .value = slice_of(v->bytes, v->n),
	                                   .rev = v->rev,
	                                   .expires_s = v->expires_s});
}

static int absorb_all(struct sq *q, const struct sq_item *items, size_t n)
{
	int64_t now_s = clock_now_s(q->base.clock);
	int e = run(q, SQ_BEGIN);

	if (e == SQLITE_OK)
		e = sweep(q, now_s, SWEEP_ROWS + 2 * n);
	for (size_t i = 0; e == SQLITE_OK && i < n; i++)
		e = absorb_item(q, &items[i], now_s);
	if (e == SQLITE_OK)
		e = set_counter(q, SQ_SET_REV, q->absorb_rev);
	if (e == SQLITE_OK)
		e = set_counter(q, SQ_SET_GEN, q->absorbing);
	return e == SQLITE_OK ? run(q, SQ_COMMIT) : e;
}

/* A generation whose absorbing failed is tried again before another one is closed. */
static rc absorb(struct sq *q, struct why *w)
{
	struct sq_item *items;
	size_t n;
	int e;

	if (!q->absorbing)
		TRY(sq_front_rotate(q, &q->absorbing, &q->absorb_rev, w));
	TRY(sq_front_pin(&q->front, q->absorbing, &items, &n, w));
	e = absorb_all(q, items, n);
	if (e != SQLITE_OK) {
		rc r = sq_fail_sys(q->writer, e, q->sys, "moving the journal into the database", w);

		roll_back(q);
		sq_front_unpin(&q->front, items, n, false);
		return r;
	}
	q->absorbing = 0;
	sqlite3_db_release_memory(q->writer);
	sq_front_unpin(&q->front, items, n, true);
	return rc_of(OK);
}

/* Called with the lock, which is open meanwhile. */
static bool absorb_now(struct sq *q)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	rc r;

	q->dirty_ns = 0;
	q->full = false;
	pthread_mutex_unlock(&q->lock);
	r = absorb(q, &w);
	pthread_mutex_lock(&q->lock);
	q->stuck = rc_ok(r) ? NULL : why_reason(&w); /* a literal of this folder */
	snprintf(q->stuck_text, sizeof(q->stuck_text), "%s", rc_ok(r) ? "" : why_text(&w));
	if (!rc_ok(r) && !q->dirty_ns)
		q->dirty_ns = sys_monotonic_ns();
	pthread_cond_broadcast(&q->absorbed);
	arena_free(a);
	return rc_ok(r);
}

/* Waits until there is something to do, or for the time until then. Called with the lock. */
static void wait_for_work(struct sq *q, int64_t due_ns)
{
	if (due_ns)
		(void)timed_cond_wait(&q->work, &q->lock, due_ns);
	else
		pthread_cond_wait(&q->work, &q->lock);
}

static void *writer_main(void *arg)
{
	struct sq *q = arg;

	pthread_mutex_lock(&q->lock);
	while (!q->stop || q->first) {
		int64_t due = 0;

		if (q->first) {
			serve_queue(q);
			continue;
		}
		if (q->dirty_ns)
			due = q->stuck ? q->dirty_ns + RETRY_NS : q->full ? 1 : q->dirty_ns + ABSORB_AFTER_NS;
		if (due && due <= sys_monotonic_ns())
			(void)absorb_now(q);
		else
			wait_for_work(q, due);
	}
	/* A stop leaves the database whole, so that its file alone is a copy of everything. */
	if (q->owned && absorb_now(q) && q->dirty_ns)
		(void)absorb_now(q);
	pthread_mutex_unlock(&q->lock);
	return NULL;
}

/* ---- recovery ---- */

static rc no_op(void *ctx, const struct journal_op *op)
{
	(void)ctx;
	(void)op;
	return rc_of(OK);
}

struct recovery {
	struct sq *q;
	uint64_t rev;
	int e;
};

static rc replay_op(void *ctx, const struct journal_op *op)
{
	struct recovery *r = ctx;

	if (r->e == SQLITE_OK)
		r->e = op->gone ? erase(r->q, op->ns, op->key) : put(r->q, op);
	r->rev = MAX_OF(r->rev, op->rev + 1);
	return rc_of(OK);
}

/* A generation without a record leaves a gap of one. */
#define GAP_MAX 1u

static bool follows(uint64_t gen, uint64_t before)
{
	return gen > before && gen - before <= 1 + GAP_MAX;
}

/* Do the journals continue this database? One that was put back from a backup beside newer journals, or beside those of another store,
 * would otherwise take what never belonged together.
 */
static rc check_generations(const uint64_t of[2], unsigned first, uint64_t absorbed, struct why *w)
{
	uint64_t low = of[first] > absorbed ? of[first] : 0, high = of[!first] > absorbed ? of[!first] : 0;
	char found[24], expected[24];
	rc r;

	if ((!low || follows(low, absorbed)) && (!high || follows(high, low ? low : absorbed)))
		return rc_of(OK);
	snprintf(found, sizeof(found), "%" PRIu64, low ? low : high);
	snprintf(expected, sizeof(expected), "%" PRIu64, absorbed + 1);
	r = deny(w, E_DENIED, "store.journal",
	         "the journal does not continue this database: put back the database and its journals (.j0, .j1) of one moment together; "
	         "a database that was copied after a stop is whole without them");
	why_compared(w, "generation", found, expected);
	return r;
}

/* The journals that the database has not absorbed, the older one first, in one transaction. */
static rc replay(struct sq *q, const struct slice file[2], uint64_t absorbed, struct arena *a, uint64_t *gen, struct why *w)
{
	struct recovery r = {.q = q};
	uint64_t of[2];
	unsigned first;

	for (unsigned i = 0; i < 2; i++)
		TRY(journal_replay(file[i], a, &of[i], no_op, NULL, w));
	first = of[0] < of[1] ? 0 : 1;
	*gen = MAX_OF(absorbed, MAX_OF(of[0], of[1]));
	if (*gen == absorbed)
		return rc_of(OK);
	TRY(check_generations(of, first, absorbed, w));
	r.e = run(q, SQ_BEGIN);
	for (unsigned i = 0; i < 2 && r.e == SQLITE_OK; i++) {
		unsigned at = i ? !first : first;
		uint64_t its;

		if (of[at] > absorbed)
			TRY(journal_replay(file[at], a, &its, replay_op, &r, w));
	}
	if (r.e == SQLITE_OK)
		r.e = set_counter(q, SQ_SET_REV, r.rev);
	if (r.e == SQLITE_OK)
		r.e = set_counter(q, SQ_SET_GEN, *gen);
	if (r.e == SQLITE_OK)
		r.e = run(q, SQ_COMMIT);
	return r.e == SQLITE_OK ? rc_of(OK) : sq_fail_sys(q->writer, r.e, q->sys, "replaying the journal", w);
}

static rc counter(struct sq *q, const char *name, uint64_t *out, struct why *w)
{
	sqlite3_stmt *st = NULL;
	int e = sqlite3_prepare_v2(q->writer, "SELECT value FROM counter WHERE name = ?1", -1, &st, NULL);

	if (e == SQLITE_OK) {
		sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
		e = sqlite3_step(st);
	}
	if (e == SQLITE_ROW)
		*out = (uint64_t)sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return e == SQLITE_ROW ? rc_of(OK) : sq_fail(q->writer, e, "reading a counter", w);
}

/* A new database counts from a number of its own, so that no other store's journal continues it. */
static rc first_generation(struct sq *q, uint64_t *absorbed, struct why *w)
{
	uint64_t random;
	int e;

	TRY(sys_random(&random, sizeof(random), w));
	*absorbed = random >> 4 | 1;	/* far from the end of what SQLite counts */
	e = run(q, SQ_BEGIN);
	if (e == SQLITE_OK)
		e = set_counter(q, SQ_SET_GEN, *absorbed);
	if (e == SQLITE_OK)
		e = run(q, SQ_COMMIT);
	return e == SQLITE_OK ? rc_of(OK) : sq_fail_sys(q->writer, e, q->sys, "numbering the journals", w);
}

static rc recover_in(struct sq *q, struct arena *a, struct why *w)
{
	struct sq_front *f = &q->front;
	struct slice file[2] = {{0}, {0}};
	uint64_t absorbed, gen;

	for (unsigned i = 0; i < 2; i++) {
		char *path = arena_printf(a, "%s.j%u", q->path, i);

		if (!path)
			return store_refuse_memory(w);
		TRY(journal_open(path, &f->file[i], w));
		TRY(file_read(a, path, REPLAY_MAX, &file[i], w));
	}
	TRY(counter(q, "journal", &absorbed, w));
	if (absorbed == 0 && file[0].n == 0 && file[1].n == 0)
		TRY(first_generation(q, &absorbed, w));
	TRY(replay(q, file, absorbed, a, &gen, w));
	TRY(counter(q, "rev", &f->rev, w));
	return journal_restart(&f->file[f->active], gen + 1, w);
}

rc sq_recover(struct sq *q, struct why *w)
{
	struct arena *a = arena_new(2 * REPLAY_MAX);
	rc r = recover_in(q, a, w);

	if (!rc_ok(r))
		roll_back(q);
	arena_free(a);
	return r;
}

rc sq_writer_prepare(struct sq *q, struct why *w)
{
	int e;

	/* All that is absorbed at once fits: a page that spills is written twice, and then all behind it are summed again. */
	e = sqlite3_exec(q->writer, "PRAGMA cache_size=-" WRITER_CACHE_KIB, NULL, NULL, NULL);
	for (size_t i = 0; e == SQLITE_OK && i < SQ_STMT_N; i++)
		e = sqlite3_prepare_v3(q->writer, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &q->stmt[i], NULL);
	return e == SQLITE_OK ? rc_of(OK) : sq_fail(q->writer, e, "preparing the writer", w);
}

rc sq_writer_start(struct sq *q, struct why *w)
{
	sigset_t all, old;
	int e;

	/* Signals are for the threads of `main`. */
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &old);
	e = pthread_create(&q->thread, NULL, writer_main, q);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (e != 0)
		return deny(w, E_UNAVAILABLE, "store.down", "cannot start the writer: %s", strerror(e));
	q->thread_runs = true;
	return rc_of(OK);
}

void sq_writer_stop(struct sq *q)
{
	if (q->thread_runs) {
		pthread_mutex_lock(&q->lock);
		q->stop = true;
		pthread_cond_signal(&q->work);
		pthread_mutex_unlock(&q->lock);
		pthread_join(q->thread, NULL);
		q->thread_runs = false;
	}
	for (size_t i = 0; i < SQ_STMT_N; i++) {
		sqlite3_finalize(q->stmt[i]);
		q->stmt[i] = NULL;
	}
}
