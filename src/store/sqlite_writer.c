/* sqlite_writer.c - one thread writes: all batches that wait share one transaction and one sync.
 *
 * Each batch runs in a savepoint, so one that is refused leaves the others alone. A caller is answered when the
 * transaction that holds its batch is durable; a refusal waits for it too, since what it saw may be a neighbour's.
 */
#include <assert.h>
#include <errno.h>
#include <signal.h>

#include "store/sqlite_int.h"

#define GROUP_MAX       512u /* batches of one transaction */
#define GROUP_BYTES_MAX STORE_BATCH_BYTES_MAX
#define SWEEP_ROWS      "32" /* expired rows removed with each transaction */

static const char *const sql[SQ_STMT_N] = {
        [SQ_BEGIN] = "BEGIN IMMEDIATE",
        [SQ_COMMIT] = "COMMIT",
        [SQ_ROLLBACK] = "ROLLBACK",
        [SQ_SAVE] = "SAVEPOINT batch",
        [SQ_BACK] = "ROLLBACK TO batch",
        [SQ_RELEASE] = "RELEASE batch",
        [SQ_REV] = "SELECT rev FROM kv WHERE ns = ?1 AND key = ?2 AND (expires = 0 OR expires > ?3)",
        [SQ_NEXT_REV] = "SELECT value FROM counter WHERE name = 'rev'",
        [SQ_SET_REV] = "UPDATE counter SET value = ?1 WHERE name = 'rev'",
        [SQ_PUT] = "INSERT INTO kv (ns, key, value, rev, expires) VALUES (?1, ?2, ?3, ?4, ?5)"
                   " ON CONFLICT DO UPDATE SET value = excluded.value, rev = excluded.rev, expires = excluded.expires",
        [SQ_DELETE] = "DELETE FROM kv WHERE ns = ?1 AND key = ?2",
        [SQ_SWEEP] = "DELETE FROM kv WHERE (ns, key) IN (SELECT ns, key FROM kv WHERE expires <> 0 AND expires <= ?1"
                     " ORDER BY expires LIMIT " SWEEP_ROWS ")",
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

static void bind_name(sqlite3_stmt *st, const struct store_op *op)
{
	sqlite3_bind_text(st, 1, op->ns, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 2, op->key, -1, SQLITE_STATIC);
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

static int put(struct sq *q, const struct store_op *op, int64_t rev)
{
	sqlite3_stmt *st = q->stmt[SQ_PUT];

	bind_name(st, op);
	sqlite3_bind_blob64(st, 3, op->value.n ? (const void *)op->value.p : "", op->value.n, SQLITE_STATIC);
	sqlite3_bind_int64(st, 4, rev);
	sqlite3_bind_int64(st, 5, op->expires_s);
	return run(q, SQ_PUT);
}

/* *e is sqlite's answer; the result is the verdict on the operation. */
static rc apply(struct sq *q, const struct store_op *op, int64_t now_s, int64_t *rev, int *e, struct why *w)
{
	int64_t there = 0;

	if (op->kind != STORE_PUT && op->kind != STORE_ERASE) {
		bind_name(q->stmt[SQ_REV], op);
		sqlite3_bind_int64(q->stmt[SQ_REV], 3, now_s);
		*e = read_i64(q->stmt[SQ_REV], &there);
		if (*e != SQLITE_OK)
			return rc_of(OK);
	}
	if (op->kind == STORE_INSERT && there)
		return store_refuse_exists(op, w);
	if (op->kind == STORE_CAS && (uint64_t)there != op->if_rev)
		return store_refuse_changed(op, (uint64_t)there, w);
	if (op->kind == STORE_DELETE && !there)
		return store_refuse_absent(op->ns, op->key, w);
	if (op->kind == STORE_DELETE || op->kind == STORE_ERASE) {
		bind_name(q->stmt[SQ_DELETE], op);
		*e = run(q, SQ_DELETE);
	} else {
		*e = put(q, op, (*rev)++);
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
	if (e == SQLITE_OK) {
		sqlite3_bind_int64(q->stmt[SQ_SWEEP], 1, group->now_s);
		e = run(q, SQ_SWEEP);
	}
	for (struct sq_job *j = group; e == SQLITE_OK && j != end; j = j->next)
		e = run_job(q, j, &rev);
	if (e == SQLITE_OK && rev != before) {
		sqlite3_bind_int64(q->stmt[SQ_SET_REV], 1, rev);
		e = run(q, SQ_SET_REV);
	}
	return e == SQLITE_OK ? run(q, SQ_COMMIT) : e;
}

static void roll_back(struct sq *q)
{
	/* Some failures (no space) have rolled back already. */
	if (!sqlite3_get_autocommit(q->writer))
		(void)run(q, SQ_ROLLBACK);
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

/* Takes the head of the queue. Called with the lock. */
static struct sq_job *take_group(struct sq *q)
{
	struct sq_job *group = q->first, *last = group;
	size_t n = 1, bytes = group->bytes;

	while (last->next && n < GROUP_MAX && bytes + last->next->bytes <= GROUP_BYTES_MAX) {
		last = last->next;
		bytes += last->bytes;
		n++;
	}
	q->first = last->next;
	if (!q->first)
		q->last = &q->first;
	last->next = NULL;
	return group;
}

static void *writer_main(void *arg)
{
	struct sq *q = arg;

	pthread_mutex_lock(&q->lock);
	for (;;) {
		struct sq_job *group, *next;

		while (!q->first && !q->stop)
			pthread_cond_wait(&q->work, &q->lock);
		if (!q->first)
			break;
		group = take_group(q);
		pthread_mutex_unlock(&q->lock);
		serve(q, group);
		pthread_mutex_lock(&q->lock);
		for (; group; group = next) {
			next = group->next; /* once `done` is seen, the job is gone */
			group->done = true;
			pthread_cond_signal(&group->wake);
		}
	}
	pthread_mutex_unlock(&q->lock);
	return NULL;
}

rc sq_commit(struct store *s, const struct store_op *ops, size_t n, int64_t now_s, size_t *refused, struct why *w)
{
	struct sq *q = (struct sq *)(void *)s;
	struct sq_job j = {.ops = ops, .n = n, .now_s = now_s, .w = w};

	for (size_t i = 0; i < n; i++)
		j.bytes += ops[i].value.n;
	pthread_cond_init(&j.wake, NULL);
	pthread_mutex_lock(&q->lock);
	assert(!q->stop);
	*q->last = &j;
	q->last = &j.next;
	pthread_cond_signal(&q->work);
	while (!j.done)
		pthread_cond_wait(&j.wake, &q->lock);
	pthread_mutex_unlock(&q->lock);
	pthread_cond_destroy(&j.wake);
	*refused = j.refused;
	return j.result;
}

rc sq_writer_start(struct sq *q, struct why *w)
{
	sigset_t all, old;
	int e = SQLITE_OK;

	for (size_t i = 0; e == SQLITE_OK && i < SQ_STMT_N; i++)
		e = sqlite3_prepare_v3(q->writer, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &q->stmt[i], NULL);
	if (e != SQLITE_OK)
		return sq_fail(q->writer, e, "preparing the writer", w);
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
