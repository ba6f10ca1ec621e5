/* store_sqlite.c - one file, WAL: opening, schema, readers. Writing is in sqlite_writer.c. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/num.h"
#include "base/waiter.h"
#include "store/sqlite_int.h"

#define APPLICATION_ID 0x5761724b /* "WarK": tells our file from another's */

/* The upgrade path: step i brings version i to i + 1. A step is never changed once released. */
static const char *const schema_step[] = {
        "CREATE TABLE schema (version INTEGER NOT NULL) STRICT;"
        "INSERT INTO schema VALUES (0);"
        "CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
        "INSERT INTO counter VALUES ('rev', 1);"
        "CREATE TABLE kv (ns TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, rev INTEGER NOT NULL,"
        " expires INTEGER NOT NULL, PRIMARY KEY (ns, key)) STRICT, WITHOUT ROWID;"
        "CREATE INDEX kv_expires ON kv (expires) WHERE expires <> 0;",
        "INSERT INTO counter VALUES ('journal', 0);",
};

static const char get_sql[] =
        "SELECT value, rev, expires FROM kv WHERE ns = ?1 AND key = ?2 AND (expires = 0 OR expires > ?3)";
/* The default collation compares bytes. ?5 is the first key behind the prefix. */
static const char list_sql[] = "SELECT key FROM kv WHERE ns = ?1 AND key > ?2 AND key >= ?3 AND key < ?4"
                               " AND (expires = 0 OR expires > ?5) ORDER BY key LIMIT ?6";

static const char rev_sql[] = "SELECT rev FROM kv WHERE ns = ?1 AND key = ?2 AND (expires = 0 OR expires > ?3)";
static const char top_sql[] = "SELECT coalesce(max(key), '') FROM kv WHERE ns = ?1";

static struct sq *sq_of(struct store *s)
{
	return (struct sq *)(void *)s;
}

static bool no_space(int e)
{
	return e == ENOSPC || e == EDQUOT || e == EFBIG;
}

rc sq_fail_sys(sqlite3 *db, int code, int sys, const char *what, struct why *w)
{
	const char *text = db ? sqlite3_errmsg(db) : sqlite3_errstr(code);
	int base = code & 0xff;

	if (base == SQLITE_FULL || (base == SQLITE_IOERR && no_space(sys)))
		return deny(w, E_UNAVAILABLE, "store.full", "%s: no space: %s", what, text);
	if (base == SQLITE_BUSY || base == SQLITE_LOCKED)
		return deny(w, E_UNAVAILABLE, "store.locked", "%s: another process holds the database: %s", what, text);
	if (base == SQLITE_CORRUPT || base == SQLITE_NOTADB)
		return deny(w, E_UNAVAILABLE, "store.corrupt", "%s: %s", what, text);
	return deny(w, E_UNAVAILABLE, "store.down", "%s: %s (sqlite %d%s%s)", what, text, code, sys ? ", " : "",
	            sys ? strerror(sys) : "");
}

rc sq_fail(sqlite3 *db, int code, const char *what, struct why *w)
{
	return sq_fail_sys(db, code, db ? sqlite3_system_errno(db) : 0, what, w);
}

rc sq_connect(const struct sq *q, sqlite3 **db, struct why *w)
{
	/* Values beyond a quarter of a page take whole pages of their own: small pages waste less of the last. */
	static const char *const pragma[] = {"PRAGMA page_size=4096", "PRAGMA journal_mode=WAL",        "PRAGMA synchronous=FULL",
	                                     "PRAGMA trusted_schema=OFF",      "PRAGMA cell_size_check=ON",
	                                     "PRAGMA wal_autocheckpoint=8000", "PRAGMA journal_size_limit=67108864"};
	int e = sqlite3_open_v2(q->path, db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, NULL);
	rc r;

	if (e == SQLITE_OK)
		e = sqlite3_busy_timeout(*db, SQ_BUSY_MS);
	for (size_t i = 0; e == SQLITE_OK && i < COUNT_OF(pragma); i++)
		e = sqlite3_exec(*db, pragma[i], NULL, NULL, NULL);
	if (e == SQLITE_OK)
		return rc_of(OK);
	r = sq_fail(*db, e, "opening the database", w);
	sqlite3_close(*db);
	*db = NULL;
	return r;
}

/* ---- reading ---- */

static void reader_close(struct sq_reader *r)
{
	sqlite3_finalize(r->get);
	sqlite3_finalize(r->list);
	sqlite3_finalize(r->rev);
	sqlite3_finalize(r->top);
	sqlite3_close(r->db);
	*r = (struct sq_reader){.busy = r->busy};
}

static rc reader_open(const struct sq *q, struct sq_reader *r, struct why *w)
{
	const struct {
		const char *sql;
		sqlite3_stmt **st;
	} part[] = {{get_sql, &r->get}, {list_sql, &r->list}, {rev_sql, &r->rev}, {top_sql, &r->top}};
	int e = SQLITE_OK;

	TRY(sq_connect(q, &r->db, w));
	for (size_t i = 0; e == SQLITE_OK && i < COUNT_OF(part); i++)
		e = sqlite3_prepare_v3(r->db, part[i].sql, -1, SQLITE_PREPARE_PERSISTENT, part[i].st, NULL);
	if (e != SQLITE_OK) {
		rc res = sq_fail(r->db, e, "preparing a reader", w);

		reader_close(r);
		return res;
	}
	return rc_of(OK);
}

static struct sq_reader *reader_take(struct sq *q)
{
	struct sq_reader *r = NULL;

	pthread_mutex_lock(&q->lock);
	while (!r) {
		for (size_t i = 0; i < SQ_READERS; i++)
			if (!q->reader[i].busy && (!r || (!r->db && q->reader[i].db)))
				r = &q->reader[i]; /* an open one before a new one */
		if (!r)
			pthread_cond_wait(&q->reader_free, &q->lock);
	}
	r->busy = true;
	pthread_mutex_unlock(&q->lock);
	return r;
}

static void reader_give(struct sq *q, struct sq_reader *r)
{
	pthread_mutex_lock(&q->lock);
	r->busy = false;
	pthread_cond_signal(&q->reader_free);
	pthread_mutex_unlock(&q->lock);
}

static void unbind(sqlite3_stmt *st)
{
	sqlite3_reset(st);
	sqlite3_clear_bindings(st);
}

static rc get_row(struct sq_reader *r, const char *ns, const char *key, int64_t now_s, struct arena *a,
                  struct slice *value, uint64_t *rev, int64_t *expires_s, struct why *w)
{
	sqlite3_stmt *st = r->get;
	int e, n;

	sqlite3_bind_text(st, 1, ns, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 2, key, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 3, now_s);
	e = sqlite3_step(st);
	if (e == SQLITE_DONE)
		return store_refuse_absent(ns, key, w);
	if (e != SQLITE_ROW)
		return sq_fail(r->db, e, "reading a value", w);
	n = sqlite3_column_bytes(st, 0);
	*value = arena_dup(a, slice_of(sqlite3_column_blob(st, 0), (size_t)n));
	*rev = (uint64_t)sqlite3_column_int64(st, 1);
	*expires_s = sqlite3_column_int64(st, 2);
	if (!value->p)
		return deny(w, E_LIMIT, "store.size", "no room for the %d bytes of %s/%s", n, ns, key);
	return rc_of(OK);
}

/* A reader that is open, to be given back whatever the result. */
static rc reader(struct sq *q, struct sq_reader **out, struct why *w)
{
	*out = reader_take(q);
	return (*out)->db ? rc_of(OK) : reader_open(q, *out, w);
}

static rc base_get(struct sq *q, const char *ns, const char *key, int64_t now_s, struct arena *a, struct slice *value,
                   uint64_t *rev, int64_t *expires_s, struct why *w)
{
	struct sq_reader *r;
	rc res = reader(q, &r, w);

	if (rc_ok(res)) {
		res = get_row(r, ns, key, now_s, a, value, rev, expires_s, w);
		unbind(r->get);
	}
	reader_give(q, r);
	return res;
}

rc sq_base_rev(struct sq *q, const char *ns, const char *key, int64_t now_s, uint64_t *rev, struct why *w)
{
	struct sq_reader *r;
	rc res = reader(q, &r, w);

	if (rc_ok(res)) {
		int e;

		sqlite3_bind_text(r->rev, 1, ns, -1, SQLITE_STATIC);
		sqlite3_bind_text(r->rev, 2, key, -1, SQLITE_STATIC);
		sqlite3_bind_int64(r->rev, 3, now_s);
		e = sqlite3_step(r->rev);
		if (e == SQLITE_ROW || e == SQLITE_DONE)
			*rev = e == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(r->rev, 0) : 0;
		else
			res = sq_fail(r->db, e, "reading a revision", w);
		unbind(r->rev);
	}
	reader_give(q, r);
	return res;
}

rc sq_base_top(struct sq *q, const char *ns, char key[STORE_KEY_MAX + 1], struct why *w)
{
	struct sq_reader *r;
	rc res = reader(q, &r, w);

	if (rc_ok(res)) {
		int e;

		sqlite3_bind_text(r->top, 1, ns, -1, SQLITE_STATIC);
		e = sqlite3_step(r->top);
		if (e == SQLITE_ROW)
			snprintf(key, STORE_KEY_MAX + 1, "%s", (const char *)sqlite3_column_text(r->top, 0));
		else
			res = sq_fail(r->db, e, "reading the highest key", w);
		unbind(r->top);
	}
	reader_give(q, r);
	return res;
}

/* True when the front answered: *r is its answer. */
static bool front_get(struct sq *q, const char *ns, const char *key, int64_t now_s, struct arena *a, struct slice *value,
                      uint64_t *rev, int64_t *expires_s, rc *r, struct why *w)
{
	const struct sq_val *v;
	bool known;

	pthread_rwlock_rdlock(&q->front.lock);
	known = sq_front_find(&q->front, ns, key, now_s, &v);
	if (known && v) {
		*value = arena_dup(a, slice_of(v->bytes, v->n));
		*rev = v->rev;
		*expires_s = v->expires_s;
		*r = value->p ? rc_of(OK)
		              : deny(w, E_LIMIT, "store.size", "no room for the %zu bytes of %s/%s", v->n, ns, key);
	} else if (known) {
		*r = store_refuse_absent(ns, key, w);
	}
	pthread_rwlock_unlock(&q->front.lock);
	return known;
}

static rc sq_get(struct store *s, const char *ns, const char *key, int64_t now_s, struct arena *a, struct slice *value,
                 uint64_t *rev, int64_t *expires_s, struct why *w)
{
	struct sq *q = sq_of(s);
	rc r;

	if (q->owned && front_get(q, ns, key, now_s, a, value, rev, expires_s, &r, w))
		return r;
	return base_get(q, ns, key, now_s, a, value, rev, expires_s, w);
}

static rc list_rows(struct sq_reader *r, const char *ns, const char *prefix, const char *after, size_t limit,
                    int64_t now_s, struct arena *a, char ***keys, size_t *n, struct why *w)
{
	char end[STORE_KEY_MAX + 2];
	sqlite3_stmt *st = r->list;
	size_t cap = 0;
	int e;

	/* Keys are printable ASCII: 0x7f is behind every continuation of the prefix. */
	snprintf(end, sizeof(end), "%s\x7f", prefix);
	sqlite3_bind_text(st, 1, ns, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 2, after, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 3, prefix, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 4, end, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 5, now_s);
	sqlite3_bind_int64(st, 6, (int64_t)MIN_OF(limit, (size_t)INT64_MAX));
	while ((e = sqlite3_step(st)) == SQLITE_ROW)
		TRY(store_keys_push(a, keys, n, &cap, (const char *)sqlite3_column_text(st, 0), w));
	return e == SQLITE_DONE ? rc_of(OK) : sq_fail(r->db, e, "listing keys", w);
}

static rc base_list(struct sq *q, const char *ns, const char *prefix, const char *after, size_t limit, int64_t now_s,
                    struct arena *a, char ***keys, size_t *n, struct why *w)
{
	struct sq_reader *r;
	rc res = reader(q, &r, w);

	if (rc_ok(res)) {
		res = list_rows(r, ns, prefix, after, limit, now_s, a, keys, n, w);
		unbind(r->list);
	}
	reader_give(q, r);
	return res;
}

/* Keys that the front knows, in order: those there, and those that hide what the database holds. */
struct front_keys {
	char **there, **hidden;
	size_t there_n, hidden_n, there_cap, hidden_cap;
};

static rc front_list(struct sq *q, const char *ns, const char *prefix, const char *after, size_t limit, int64_t now_s,
                     struct arena *a, struct front_keys *out, struct why *w)
{
	bool behind = strcmp(after, prefix) >= 0;
	size_t plen = strlen(prefix);
	rc r = rc_of(OK);

	pthread_rwlock_rdlock(&q->front.lock);
	for (const struct onode *at = omap_seek(&q->front.map, ns, behind ? after : prefix, behind && *after);
	     at && rc_ok(r) && out->there_n < limit && strcmp(at->ns, ns) == 0 && strncmp(at->key, prefix, plen) == 0;
	     at = omap_seek(&q->front.map, ns, at->key, true)) {
		const struct sq_val *v;

		if (!sq_front_find(&q->front, ns, at->key, now_s, &v))
			continue;
		r = v ? store_keys_push(a, &out->there, &out->there_n, &out->there_cap, at->key, w)
		      : store_keys_push(a, &out->hidden, &out->hidden_n, &out->hidden_cap, at->key, w);
	}
	pthread_rwlock_unlock(&q->front.lock);
	return r;
}

/* Two lists in byte order make one; a key in both comes once. */
static rc merge_lists(const struct front_keys *f, char **base, size_t base_n, size_t limit, struct arena *a, char ***keys,
                      size_t *n, struct why *w)
{
	size_t i = 0, k = 0, h = 0, cap = 0;

	while (*n < limit && (i < f->there_n || k < base_n)) {
		int c = i == f->there_n ? 1 : k == base_n ? -1 : strcmp(f->there[i], base[k]);

		if (c > 0) {
			while (h < f->hidden_n && strcmp(f->hidden[h], base[k]) < 0)
				h++;
			if (h < f->hidden_n && strcmp(f->hidden[h], base[k]) == 0) {
				k++;
				continue;
			}
		}
		TRY(store_keys_push(a, keys, n, &cap, c > 0 ? base[k] : f->there[i], w));
		k += c >= 0;
		i += c <= 0;
	}
	return rc_of(OK);
}

static rc sq_list(struct store *s, const char *ns, const char *prefix, const char *after, size_t limit, int64_t now_s,
                  struct arena *a, char ***keys, size_t *n, struct why *w)
{
	struct sq *q = sq_of(s);
	struct front_keys f = {0};
	char **base = NULL;
	size_t base_n = 0;

	if (!q->owned)
		return base_list(q, ns, prefix, after, limit, now_s, a, keys, n, w);
	/* The front first: what leaves it meanwhile is in the database already. */
	TRY(front_list(q, ns, prefix, after, limit, now_s, a, &f, w));
	TRY(base_list(q, ns, prefix, after, limit > SIZE_MAX - f.hidden_n ? SIZE_MAX : limit + f.hidden_n, now_s, a, &base,
	              &base_n, w));
	return merge_lists(&f, base, base_n, limit, a, keys, n, w);
}

/* ---- writing ---- */

static rc sq_commit(struct store *s, const struct store_op *ops, size_t n, int64_t now_s, size_t *refused, struct why *w)
{
	struct sq *q = sq_of(s);
	struct sq_job j = {.ops = ops, .n = n, .now_s = now_s, .w = w};
	bool shared = store_ns_shared(ops[0].ns);
	rc r;

	if (!q->owned && !shared)
		return deny(w, E_DENIED, "store.not-shared", "only its owner writes %s: a tool may write shared_ namespaces",
		            ops[0].ns);
	for (size_t i = 0; i < n; i++)
		j.bytes += ops[i].value.n;
	pthread_cond_init(&j.wake, NULL);
	r = q->owned && !shared ? sq_front_commit(q, &j) : sq_commit_direct(q, &j);
	pthread_cond_destroy(&j.wake);
	*refused = j.refused;
	return r;
}

/* One small row takes the whole way of a write; and the database must take what the front hands it. */
static rc sq_health(struct store *s, struct why *w)
{
	static const struct store_op op = {.kind = STORE_PUT, .ns = "store", .key = "health"};
	struct sq *q = sq_of(s);
	size_t refused;
	rc r = rc_of(OK);

	if (!q->owned)
		return r;
	TRY(sq_commit(s, &op, 1, clock_now_s(s->clock), &refused, w));
	pthread_mutex_lock(&q->lock);
	if (q->stuck)
		r = deny(w, E_UNAVAILABLE, q->stuck, "%s", q->stuck_text);
	pthread_mutex_unlock(&q->lock);
	return r;
}

/* ---- opening ---- */

static void sq_close(struct store *s)
{
	struct sq *q = sq_of(s);

	sq_writer_stop(q);
	for (size_t i = 0; i < SQ_READERS; i++)
		reader_close(&q->reader[i]);
	sqlite3_close(q->writer);
	sq_front_free(&q->front);
	if (q->owner_fd >= 0)
		close(q->owner_fd);
	pthread_mutex_destroy(&q->lock);
	pthread_cond_destroy(&q->work);
	pthread_cond_destroy(&q->absorbed);
	pthread_cond_destroy(&q->reader_free);
	arena_free(q->arena);
}

static const struct store_vtable sqlite_vt = {
        .name = "sqlite",
        .commit = sq_commit,
        .get = sq_get,
        .list = sq_list,
        .health = sq_health,
        .close = sq_close,
};

/* The file is made by us, so that no moment has it wider than 0600; sqlite gives -wal and -shm the mode of the file. */
static rc make_file(const struct sq *q, bool may_make, struct why *w)
{
	int fd = open(q->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | (may_make ? O_CREAT : 0), 0600);
	struct stat st = {0};
	int bad;

	if (fd < 0 && errno == ENOENT)
		return deny(w, E_NOTFOUND, "store.absent", "there is no database %s", q->path);
	if (fd < 0)
		return deny(w, E_UNAVAILABLE, no_space(errno) ? "store.full" : "store.down", "cannot open %s: %s",
		            q->path, strerror(errno));
	bad = fstat(fd, &st);
	close(fd);
	if (bad || !S_ISREG(st.st_mode))
		return deny(w, E_UNAVAILABLE, "store.down", "%s is not a regular file", q->path);
	if (st.st_mode & 077)
		return deny(w, E_DENIED, "store.permissions", "%s has mode %04o: others can read it; chmod 600",
		            q->path, (unsigned)(st.st_mode & 07777));
	return rc_of(OK);
}

/* A lock of its own file: closing another descriptor of the database would drop the locks that sqlite holds on it. */
static rc own(struct sq *q, struct why *w)
{
	char *lock = arena_printf(q->arena, "%s.lock", q->path);

	if (!lock)
		return store_refuse_memory(w);
	q->owner_fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
	if (q->owner_fd < 0)
		return deny(w, E_UNAVAILABLE, no_space(errno) ? "store.full" : "store.down", "cannot open %s: %s", lock,
		            strerror(errno));
	if (flock(q->owner_fd, LOCK_EX | LOCK_NB) != 0)
		return deny(w, E_UNAVAILABLE, "store.locked", "%s belongs to another process that runs", q->path);
	return rc_of(OK);
}

static rc query_i64(sqlite3 *db, const char *sql, int64_t *out, struct why *w)
{
	sqlite3_stmt *st = NULL;
	int e = sqlite3_prepare_v2(db, sql, -1, &st, NULL);

	if (e == SQLITE_OK)
		e = sqlite3_step(st);
	if (e == SQLITE_ROW)
		*out = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return e == SQLITE_ROW ? rc_of(OK) : sq_fail(db, e, sql, w);
}

static rc upgrade_steps(sqlite3 *db, bool shared, struct why *w)
{
	int64_t app, tables, version = 0;
	char sql[128];

	TRY(query_i64(db, "PRAGMA application_id", &app, w));
	TRY(query_i64(db, "SELECT count(*) FROM sqlite_schema", &tables, w));
	if (app != APPLICATION_ID && tables > 0)
		return deny(w, E_UNSUPPORTED, "store.schema", "the file is a database of another program (id %lld)",
		            (long long)app);
	if (tables > 0)
		TRY(query_i64(db, "SELECT version FROM schema", &version, w));
	if (version < 0 || version > (int64_t)COUNT_OF(schema_step))
		return deny(w, E_UNSUPPORTED, "store.schema", "schema version %lld, this program knows up to %zu",
		            (long long)version, COUNT_OF(schema_step));
	if (shared && version != (int64_t)COUNT_OF(schema_step))
		return deny(w, E_UNSUPPORTED, "store.schema",
		            "schema version %lld, expected %zu: its owner upgrades it", (long long)version,
		            COUNT_OF(schema_step));
	for (int64_t v = version; v < (int64_t)COUNT_OF(schema_step); v++) {
		int e = sqlite3_exec(db, schema_step[v], NULL, NULL, NULL);

		snprintf(sql, sizeof(sql), "UPDATE schema SET version = %lld; PRAGMA application_id = %d",
		         (long long)v + 1, APPLICATION_ID);
		if (e == SQLITE_OK)
			e = sqlite3_exec(db, sql, NULL, NULL, NULL);
		if (e != SQLITE_OK)
			return sq_fail(db, e, "upgrading the schema", w);
	}
	return rc_of(OK);
}

static rc upgrade(sqlite3 *db, bool shared, struct why *w)
{
	int e = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	rc r;

	if (e != SQLITE_OK)
		return sq_fail(db, e, "upgrading the schema", w);
	r = upgrade_steps(db, shared, w);
	if (rc_ok(r)) {
		e = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
		if (e != SQLITE_OK)
			r = sq_fail(db, e, "upgrading the schema", w);
	}
	if (!rc_ok(r))
		(void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return r;
}

static rc open_parts(struct sq *q, bool shared, struct why *w)
{
	TRY(make_file(q, !shared, w));
	if (!shared)
		TRY(own(q, w));
	TRY(sq_connect(q, &q->writer, w));
	TRY(upgrade(q->writer, shared, w));
	TRY(sq_writer_prepare(q, w));
	if (!shared) {
		TRY(sq_recover(q, w));
		q->owned = true;
	}
	return sq_writer_start(q, w);
}

static rc open_sqlite(const char *path, const struct clock *clock, bool shared, struct store **out, struct why *w)
{
	struct arena *a = arena_new(1 << 20);
	struct sq *q = ARENA_NEW(a, struct sq);
	const char *own_path = arena_strdup(a, path);
	rc r;

	if (!q || !own_path) {
		arena_free(a);
		return store_refuse_memory(w);
	}
	q->base = (struct store){&sqlite_vt, clock};
	q->arena = a;
	q->path = own_path;
	q->owner_fd = -1;
	q->last = &q->first;
	pthread_mutex_init(&q->lock, NULL);
	timed_cond_init(&q->work);
	timed_cond_init(&q->absorbed);
	pthread_cond_init(&q->reader_free, NULL);
	sq_front_init(&q->front);
	r = open_parts(q, shared, w);
	if (!rc_ok(r)) {
		sq_close(&q->base);
		return note(w, r, "opening the store %s", path);
	}
	*out = &q->base;
	return r;
}

rc store_open_sqlite(const char *path, const struct clock *clock, struct store **out, struct why *w)
{
	return open_sqlite(path, clock, false, out, w);
}

rc store_open_sqlite_shared(const char *path, const struct clock *clock, struct store **out, struct why *w)
{
	return open_sqlite(path, clock, true, out, w);
}
