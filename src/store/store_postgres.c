/* store_postgres.c - one table in PostgreSQL, shared by any number of processes.
 *
 * A batch is a transaction. Each operation is one statement that tests and changes in one go, so READ COMMITTED is
 * enough: a statement that waited for a neighbour's row looks at it again. A lost connection during COMMIT leaves open
 * whether the batch happened; the caller hears store.down.
 */
#include <libpq-fe.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/cur.h"
#include "base/num.h"
#include "store/store.h"

#define POOL          8u
#define WAIT_S        5  /* for a free connection */
#define TRIES         8u /* of a batch that met a deadlock */
#define SWEEP_EVERY_S 1

struct pool_slot {
	PGconn *c;
	bool busy;
};

/* One who waits for a connection, on its own stack. */
struct waiter {
	pthread_cond_t cond;
	struct pool_slot *slot; /* once it has been handed one */
	struct waiter *next;
};

struct pg {
	struct store base;
	struct arena *arena;
	const char *conninfo;
	pthread_mutex_t lock; /* guards what follows */
	struct waiter *waiting; /* the first has waited longest */
	struct pool_slot slot[POOL];
	int64_t sweep_at_s;
};

#define ALIVE "(expires = 0 OR expires > "
#define ROW   "INSERT INTO warrant_kv AS t (ns, key, value, rev, expires) VALUES ($1, $2, $3, nextval('warrant_rev'), $4)"
#define REPLACE                                                                                                        \
	" ON CONFLICT (ns, key) DO UPDATE SET value = EXCLUDED.value, rev = EXCLUDED.rev, expires = EXCLUDED.expires"

/* Prepared on every connection. */
static const struct {
	const char *name, *sql;
	int n;
} statement[] = {
        {"put", ROW REPLACE, 4},
        {"insert", ROW REPLACE " WHERE t.expires <> 0 AND t.expires <= $5::bigint", 5},
        {"cas",
         "UPDATE warrant_kv SET value = $3, rev = nextval('warrant_rev'), expires = $4 WHERE ns = $1 AND key = $2"
         " AND " ALIVE "$5::bigint) AND rev = $6::bigint",
         6},
        {"delete", "DELETE FROM warrant_kv WHERE ns = $1 AND key = $2 AND " ALIVE "$3::bigint)", 3},
        {"erase", "DELETE FROM warrant_kv WHERE ns = $1 AND key = $2", 2},
        {"get", "SELECT value, rev, expires FROM warrant_kv WHERE ns = $1 AND key = $2 AND " ALIVE "$3::bigint)", 3},
        {"list",
         "SELECT key FROM warrant_kv WHERE ns = $1 AND key > $2 AND key >= $3 AND key < $4 AND " ALIVE
         "$5::bigint) ORDER BY key LIMIT $6::bigint",
         6},
        {"sweep",
         "DELETE FROM warrant_kv WHERE (ns, key) IN (SELECT ns, key FROM warrant_kv WHERE expires <> 0 AND"
         " expires <= $1::bigint ORDER BY expires LIMIT 64 FOR UPDATE SKIP LOCKED)",
         1},
};

/* Keys are compared by bytes whatever the collation of the database. The lock keeps two first starts apart. */
static const char schema_sql[] =
        "BEGIN;"
        "SELECT pg_advisory_xact_lock(6294867150391512395);"
        "CREATE TABLE IF NOT EXISTS warrant_kv (ns text COLLATE \"C\" NOT NULL, key text COLLATE \"C\" NOT NULL,"
        " value bytea NOT NULL, rev bigint NOT NULL, expires bigint NOT NULL, PRIMARY KEY (ns, key));"
        "CREATE INDEX IF NOT EXISTS warrant_kv_expires ON warrant_kv (expires) WHERE expires <> 0;"
        "CREATE SEQUENCE IF NOT EXISTS warrant_rev;"
        "COMMIT";

/* A limit of time that the operator has set, in the connection string, for the role or for the database, stays as it is. */
#define LIMIT(name, ms)                                                                                                \
	"SELECT set_config('" name "', '" ms "', false) WHERE current_setting('" name "') = '0';"

static const char session_sql[] =
        LIMIT("statement_timeout", "10000") LIMIT("lock_timeout", "5000")
        LIMIT("idle_in_transaction_session_timeout", "10000")
        "SET client_min_messages = warning; SET synchronous_commit = on;"
        "SET default_transaction_isolation = 'read committed'";

static struct pg *pg_of(struct store *s)
{
	return (struct pg *)(void *)s;
}

/* ---- refusals ---- */

static rc fail(const PGconn *c, const PGresult *res, const char *what, struct why *w)
{
	const char *state = res ? PQresultErrorField(res, PG_DIAG_SQLSTATE) : NULL;
	const char *text = res && *PQresultErrorMessage(res) ? PQresultErrorMessage(res)
	                   : c                               ? PQerrorMessage(c)
	                                                     : "no memory";
	const char *reason = "store.down";
	int n = (int)strcspn(text, "\n");

	if (state && strcmp(state, "53100") == 0)
		reason = "store.full";
	else if (state && (strcmp(state, "55P03") == 0 || strcmp(state, "57014") == 0 || strncmp(state, "40", 2) == 0))
		reason = "store.locked";
	return deny(w, E_UNAVAILABLE, reason, "%s: %.*s%s%s", what, n, text, state ? ", SQLSTATE " : "",
	            state ? state : "");
}

/* Deadlock, or a serialization failure: the transaction is gone, and may be tried again. */
static bool again(const PGresult *res)
{
	const char *state = PQresultErrorField(res, PG_DIAG_SQLSTATE);

	return state && (strcmp(state, "40P01") == 0 || strcmp(state, "40001") == 0);
}

/* ---- connections ---- */

static void discard(PGresult *res)
{
	PQclear(res);
}

static rc simple(PGconn *c, const char *sql, struct why *w)
{
	PGresult *res = PQexec(c, sql);
	ExecStatusType st = PQresultStatus(res);
	rc r = st == PGRES_COMMAND_OK || st == PGRES_TUPLES_OK ? rc_of(OK) : fail(c, res, "asking the database", w);

	discard(res);
	return r;
}

static rc prepare_all(PGconn *c, struct why *w)
{
	for (size_t i = 0; i < COUNT_OF(statement); i++) {
		PGresult *res = PQprepare(c, statement[i].name, statement[i].sql, 0, NULL);
		rc r = PQresultStatus(res) == PGRES_COMMAND_OK ? rc_of(OK) : fail(c, res, "preparing a statement", w);

		discard(res);
		TRY(r);
	}
	return rc_of(OK);
}

/* What stands before "dbname" is a default that the operator's connection string may say otherwise, in words. */
static PGconn *dial(const char *conninfo)
{
	const char *const key[] = {
	        "sslmode", "connect_timeout", "tcp_user_timeout", "application_name", "dbname", "client_encoding",
	        NULL};
	const char *const value[] = {"verify-full", "5", "10000", "warrant", conninfo, "UTF8", NULL};

	return PQconnectdbParams(key, value, 1);
}

static rc connect_one(const struct pg *p, PGconn **out, bool schema, struct why *w)
{
	PGconn *c = dial(p->conninfo);
	rc r = rc_of(OK);

	if (!c || PQstatus(c) != CONNECTION_OK)
		r = fail(c, NULL, "connecting to the database", w);
	if (rc_ok(r))
		r = simple(c, session_sql, w);
	if (rc_ok(r) && schema)
		r = simple(c, schema_sql, w);
	if (rc_ok(r))
		r = prepare_all(c, w);
	if (rc_ok(r))
		*out = c;
	else
		PQfinish(c);
	return r;
}

/* Joins the queue and leaves it, with a slot or, after WAIT_S, without. The lock is held. */
static struct pool_slot *wait_in_turn(struct pg *p)
{
	struct waiter me = {.cond = PTHREAD_COND_INITIALIZER}, **at;
	struct timespec until;
	int e = 0;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += WAIT_S;
	for (at = &p->waiting; *at;)
		at = &(*at)->next;
	*at = &me;
	while (!me.slot && !e)
		e = pthread_cond_timedwait(&me.cond, &p->lock, &until);
	if (!me.slot) {
		for (at = &p->waiting; *at != &me;)
			at = &(*at)->next;
		*at = me.next;
	}
	pthread_cond_destroy(&me.cond);
	return me.slot;
}

static struct pool_slot *take(struct pg *p, struct why *w)
{
	struct pool_slot *s = NULL;

	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; i < POOL; i++)
		if (!p->slot[i].busy && (!s || (!s->c && p->slot[i].c)))
			s = &p->slot[i];
	if (s)
		s->busy = true;
	else
		s = wait_in_turn(p);
	pthread_mutex_unlock(&p->lock);
	if (!s)
		(void)rc_ok(
		        deny(w, E_UNAVAILABLE, "store.down", "all %u connections were busy for %d s", POOL, WAIT_S));
	return s;
}

static void give(struct pg *p, struct pool_slot *s)
{
	/* One that is broken, or left in a transaction, is not used again. */
	if (s->c && (PQstatus(s->c) != CONNECTION_OK || PQtransactionStatus(s->c) != PQTRANS_IDLE)) {
		PQfinish(s->c);
		s->c = NULL;
	}
	pthread_mutex_lock(&p->lock);
	/* Handed over, not put down: a thread that comes back at once would take it before one that waits is awake. */
	if (p->waiting) {
		struct waiter *first = p->waiting;

		p->waiting = first->next;
		first->slot = s;
		pthread_cond_signal(&first->cond);
	} else {
		s->busy = false;
	}
	pthread_mutex_unlock(&p->lock);
}

static PGresult *exec(PGconn *c, size_t which, const char *const *value, const int *len, int binary_at,
                      int binary_result)
{
	int format[8] = {0};

	if (binary_at >= 0)
		format[binary_at] = 1;
	return PQexecPrepared(c, statement[which].name, statement[which].n, value, len, format, binary_result);
}

enum { PUT, INSERT, CAS, DELETE, ERASE, GET, LIST, SWEEP };

/* A pooled connection may have died unseen: `body` is tried a second time on a fresh one, if it asks for it by setting
 * *stale before anything was sent that may have had an effect. */
typedef rc body_fn(PGconn *c, void *ctx, bool *stale, struct why *w);

static rc with_connection(struct pg *p, body_fn *body, void *ctx, struct why *w)
{
	struct pool_slot *s = take(p, w);
	rc r = rc_of(OK);

	if (!s)
		return rc_of(E_UNAVAILABLE);
	for (unsigned i = 0; i < 2; i++) {
		bool fresh = !s->c, stale = false;

		if (fresh)
			r = connect_one(p, &s->c, false, w);
		if (!s->c)
			break;
		r = body(s->c, ctx, &stale, w);
		if (rc_ok(r) || !stale || fresh || PQstatus(s->c) == CONNECTION_OK)
			break;
		PQfinish(s->c);
		s->c = NULL;
	}
	give(p, s);
	return r;
}

/* ---- reading ---- */

struct get_args {
	const char *ns, *key;
	int64_t now_s;
	struct arena *a;
	struct slice *value;
	uint64_t *rev;
	int64_t *expires_s;
};

static uint64_t be64_at(const PGresult *res, int col)
{
	struct msg m;
	struct cur c = cur_open(&m, slice_of(PQgetvalue(res, 0, col), (size_t)PQgetlength(res, 0, col)));

	return cur_be64(&c);
}

static rc get_body(PGconn *c, void *ctx, bool *stale, struct why *w)
{
	const struct get_args *g = ctx;
	char now[24];
	const char *const value[] = {g->ns, g->key, now};
	PGresult *res;
	rc r = rc_of(OK);

	snprintf(now, sizeof(now), "%lld", (long long)g->now_s);
	res = exec(c, GET, value, NULL, -1, 1);
	*stale = true;
	if (PQresultStatus(res) != PGRES_TUPLES_OK) {
		r = fail(c, res, "reading a value", w);
	} else if (PQntuples(res) == 0) {
		r = store_refuse_absent(g->ns, g->key, w);
	} else {
		*g->value = arena_dup(g->a, slice_of(PQgetvalue(res, 0, 0), (size_t)PQgetlength(res, 0, 0)));
		*g->rev = be64_at(res, 1);
		*g->expires_s = (int64_t)be64_at(res, 2);
		if (!g->value->p)
			r = deny(w, E_LIMIT, "store.size", "no room for the %d bytes of %s/%s", PQgetlength(res, 0, 0),
			         g->ns, g->key);
	}
	discard(res);
	return r;
}

static rc pg_get(struct store *s, const char *ns, const char *key, int64_t now_s, struct arena *a, struct slice *value,
                 uint64_t *rev, int64_t *expires_s, struct why *w)
{
	struct get_args g = {ns, key, now_s, a, value, rev, expires_s};

	return with_connection(pg_of(s), get_body, &g, w);
}

struct list_args {
	const char *ns, *prefix, *after;
	size_t limit;
	int64_t now_s;
	struct arena *a;
	char ***keys;
	size_t *n;
};

static rc list_body(PGconn *c, void *ctx, bool *stale, struct why *w)
{
	const struct list_args *l = ctx;
	char end[STORE_KEY_MAX + 2], now[24], limit[24];
	const char *const value[] = {l->ns, l->after, l->prefix, end, now, limit};
	size_t cap = 0;
	PGresult *res;
	rc r = rc_of(OK);

	snprintf(end, sizeof(end), "%s\x7f", l->prefix);
	snprintf(now, sizeof(now), "%lld", (long long)l->now_s);
	snprintf(limit, sizeof(limit), "%zu", MIN_OF(l->limit, (size_t)INT64_MAX));
	res = exec(c, LIST, value, NULL, -1, 0);
	*stale = true;
	if (PQresultStatus(res) != PGRES_TUPLES_OK)
		r = fail(c, res, "listing keys", w);
	for (int i = 0; rc_ok(r) && i < PQntuples(res); i++)
		r = store_keys_push(l->a, l->keys, l->n, &cap, PQgetvalue(res, i, 0), w);
	discard(res);
	return r;
}

static rc pg_list(struct store *s, const char *ns, const char *prefix, const char *after, size_t limit, int64_t now_s,
                  struct arena *a, char ***keys, size_t *n, struct why *w)
{
	struct list_args l = {ns, prefix, after, limit, now_s, a, keys, n};

	return with_connection(pg_of(s), list_body, &l, w);
}

/* ---- writing ---- */

struct batch {
	const struct store_op *ops;
	size_t n, refused;
	int64_t now_s;
	bool again; /* out: a deadlock */
};

static rc refuse(PGconn *c, const struct store_op *op, const char *now, struct why *w)
{
	const char *const value[] = {op->ns, op->key, now};
	uint64_t rev = 0;
	PGresult *res;

	if (op->kind == STORE_INSERT)
		return store_refuse_exists(op, w);
	if (op->kind == STORE_DELETE)
		return store_refuse_absent(op->ns, op->key, w);
	res = exec(c, GET, value, NULL, -1, 1);
	if (PQresultStatus(res) == PGRES_TUPLES_OK && PQntuples(res) == 1)
		rev = be64_at(res, 1);
	discard(res);
	return store_refuse_changed(op, rev, w);
}

static rc apply(PGconn *c, struct batch *b, const struct store_op *op, struct why *w)
{
	static const uint8_t none;
	char now[24], expires[24], if_rev[24];
	const char *const with_value[] = {
	        op->ns, op->key, op->value.n ? (const char *)op->value.p : (const char *)&none, expires, now, if_rev};
	const char *const without[] = {op->ns, op->key, now};
	const int len[] = {0, 0, (int)op->value.n, 0, 0, 0};
	PGresult *res = NULL;
	rc r = rc_of(OK);

	snprintf(now, sizeof(now), "%lld", (long long)b->now_s);
	snprintf(expires, sizeof(expires), "%lld", (long long)op->expires_s);
	snprintf(if_rev, sizeof(if_rev), "%llu", (unsigned long long)MIN_OF(op->if_rev, (uint64_t)INT64_MAX));
	switch (op->kind) {
	case STORE_PUT:
		res = exec(c, PUT, with_value, len, 2, 0);
		break;
	case STORE_INSERT:
		res = exec(c, INSERT, with_value, len, 2, 0);
		break;
	case STORE_CAS:
		res = exec(c, op->if_rev ? CAS : INSERT, with_value, len, 2, 0);
		break;
	case STORE_DELETE:
		res = exec(c, DELETE, without, NULL, -1, 0);
		break;
	case STORE_ERASE:
		res = exec(c, ERASE, without, NULL, -1, 0);
		break;
	}
	b->again = PQresultStatus(res) != PGRES_COMMAND_OK && again(res);
	if (PQresultStatus(res) != PGRES_COMMAND_OK)
		r = fail(c, res, "writing", w);
	else if (op->kind != STORE_ERASE && strcmp(PQcmdTuples(res), "0") == 0)
		r = refuse(c, op, now, w);
	discard(res);
	return r;
}

static rc commit_body(PGconn *c, void *ctx, bool *stale, struct why *w)
{
	struct batch *b = ctx;
	rc r = simple(c, "BEGIN", w);

	*stale = !rc_ok(r);
	TRY(r);
	for (size_t i = 0; rc_ok(r) && i < b->n; i++) {
		b->refused = i;
		r = apply(c, b, &b->ops[i], w);
	}
	if (!rc_ok(r)) {
		if (PQstatus(c) == CONNECTION_OK)
			(void)rc_ok(simple(c, "ROLLBACK", NULL));
		return r;
	}
	return simple(c, "COMMIT", w);
}

static rc sweep_body(PGconn *c, void *ctx, bool *stale, struct why *w)
{
	char now[24];
	const char *const value[] = {now};

	(void)stale;
	(void)w;
	snprintf(now, sizeof(now), "%lld", (long long)*(const int64_t *)ctx);
	discard(exec(c, SWEEP, value, NULL, -1, 0));
	return rc_of(OK);
}

static bool sweep_due(struct pg *p, int64_t now_s)
{
	bool due;

	pthread_mutex_lock(&p->lock);
	due = now_s >= p->sweep_at_s;
	if (due)
		p->sweep_at_s = now_s + SWEEP_EVERY_S;
	pthread_mutex_unlock(&p->lock);
	return due;
}

static rc pg_commit(struct store *s, const struct store_op *ops, size_t n, int64_t now_s, size_t *refused,
                    struct why *w)
{
	struct batch b = {.ops = ops, .n = n, .now_s = now_s};
	struct pg *p = pg_of(s);
	rc r;

	for (unsigned i = 0;; i++) {
		b.again = false;
		r = with_connection(p, commit_body, &b, w);
		if (rc_ok(r) || !b.again || i + 1 == TRIES)
			break;
		usleep((useconds_t)(1000u << i));
	}
	*refused = b.refused;
	if (sweep_due(p, now_s))
		(void)rc_ok(with_connection(p, sweep_body, &now_s, NULL));
	return r;
}

static rc pg_health(struct store *s, struct why *w)
{
	static const struct store_op op = {.kind = STORE_PUT, .ns = "store", .key = "health"};
	size_t refused;

	return pg_commit(s, &op, 1, clock_now_s(s->clock), &refused, w);
}

/* ---- opening ---- */

static void pg_close(struct store *s)
{
	struct pg *p = pg_of(s);

	for (size_t i = 0; i < POOL; i++)
		PQfinish(p->slot[i].c);
	pthread_mutex_destroy(&p->lock);
	arena_free(p->arena);
}

static const struct store_vtable postgres_vt = {
        .name = "postgres",
        .commit = pg_commit,
        .get = pg_get,
        .list = pg_list,
        .health = pg_health,
        .close = pg_close,
};

rc store_open_postgres(const char *conninfo, const struct clock *clock, struct store **out, struct why *w)
{
	struct arena *a = arena_new(1 << 20);
	struct pg *p = ARENA_NEW(a, struct pg);
	rc r;

	if (!p || !(p->conninfo = arena_strdup(a, conninfo))) {
		arena_free(a);
		return store_refuse_memory(w);
	}
	p->base = (struct store){&postgres_vt, clock};
	p->arena = a;
	pthread_mutex_init(&p->lock, NULL);
	r = connect_one(p, &p->slot[0].c, true, w);
	if (!rc_ok(r)) {
		pg_close(&p->base);
		return r;
	}
	*out = &p->base;
	return r;
}
