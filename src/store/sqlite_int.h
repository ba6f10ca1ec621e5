/* sqlite_int.h - shared by the parts of the sqlite back end.
 *
 * A commit goes to the front: a map in memory of what is newer than the database, and a journal that makes it durable
 * with one small write (sqlite_front.c). The writer thread moves it into the database now and then, many commits in one
 * transaction, where a name that was written a hundred times costs one row (sqlite_writer.c). Readers look into the front
 * first (store_sqlite.c). Only the process that owns the file has a front. Namespaces shared with tools go past it.
 */
#pragma once
#include <pthread.h>
#include <sqlite3.h>

#include "store/journal.h"
#include "store/omap.h"
#include "store/store.h"

#define SQ_READERS 8u
#define SQ_BUSY_MS 5000

/* One batch on its way through the writer. It lives on the stack of the caller, who waits. */
struct sq_job {
	const struct store_op *ops;
	size_t n, refused, bytes;
	int64_t now_s;
	struct why *w;
	rc result;
	bool done;
	pthread_cond_t wake;
	struct sq_job *next;
};

enum sq_stmt {
	SQ_BEGIN, SQ_COMMIT, SQ_ROLLBACK, SQ_SAVE, SQ_BACK, SQ_RELEASE, SQ_REV, SQ_NEXT_REV, SQ_SET_REV, SQ_SET_GEN, SQ_PUT,
	SQ_DELETE, SQ_SWEEP,
	SQ_STMT_N,
};

struct sq_reader {
	sqlite3 *db;
	sqlite3_stmt *get, *list, *rev, *top;
	bool busy;
};

/* A value in the front; never changed once made. */
struct sq_val {
	struct sq_val *grave;
	uint64_t rev, gen;
	int64_t expires_s;
	size_t n;
	bool gone;
	uint8_t bytes[];
};

/* The highest key of a namespace in the database: what is behind it is not there, and needs no look. */
struct sq_top {
	char ns[STORE_NS_MAX + 1], key[STORE_KEY_MAX + 1];
};
#define SQ_TOPS 16u

/* What a commit in the making changed, to be kept or taken back. */
struct sq_row {
	struct onode *node;
	struct sq_val *before;	/* the value that an earlier operation of the same group left */
};

struct sq_front {
	/* Node: v is the durable value, next the one that the leader is making durable. Readers see v alone. */
	pthread_rwlock_t lock;	/* guards map, bytes, pinned, grave, top */
	struct omap map;
	size_t bytes;
	bool pinned;	/* values that are replaced go to the grave: the writer thread may be reading them */
	struct sq_val *grave;
	struct sq_top top[SQ_TOPS];
	unsigned tops;

	pthread_mutex_t queue;	/* guards what follows; leading means to own the rest of this struct */
	pthread_cond_t free;	/* nobody leads, for the writer thread */
	struct sq_job *first, **last;
	bool led, wanted;	/* wanted: the writer thread leads next */

	struct journal file[2];
	unsigned active;
	uint64_t rev;	/* of the next change */
	struct journal_record record;
	struct sq_row *row;
	size_t rows, rows_cap;
};

struct sq {
	struct store base;
	struct arena *arena;	/* holds this struct and the path; not used after opening */
	const char *path;
	int owner_fd;	/* flock on path.lock; -1 when shared */

	sqlite3 *writer;	/* the writer thread's alone */
	sqlite3_stmt *stmt[SQ_STMT_N];
	int sys;	/* errno of the statement that failed last */
	pthread_t thread;
	bool thread_runs;
	uint64_t absorbing;	/* the writer thread's: a generation whose journal is closed but not yet in the database */
	uint64_t absorb_rev;

	bool owned;	/* there is a front */
	struct sq_front front;

	pthread_mutex_t lock;	/* guards what follows */
	pthread_cond_t work, absorbed, reader_free;
	struct sq_job *first, **last;
	bool stop;
	int64_t dirty_ns;	/* when the front got something to absorb; 0: it has nothing */
	bool full;	/* it is large enough to absorb at once */
	const char *stuck;	/* reason why absorbing failed last, NULL: it did not */
	char stuck_text[256];
	struct sq_reader reader[SQ_READERS];
};

/* The refusal for what sqlite answered; `what` says what was tried. */
RC sq_fail(sqlite3 *db, int code, const char *what, struct why *w);
/* The same with the errno behind it: sqlite keeps none for what fails in a commit. */
RC sq_fail_sys(sqlite3 *db, int code, int sys, const char *what, struct why *w);
/* A configured connection to the database. */
RC sq_connect(const struct sq *q, sqlite3 **db, struct why *w);

/* ---- store_sqlite.c: what the database alone says ---- */

/* Revision of a key, 0 when it is absent or expired. */
RC sq_base_rev(struct sq *q, const char *ns, const char *key, int64_t now_s, uint64_t *rev, struct why *w);
/* The highest key of a namespace; "" when it has none. */
RC sq_base_top(struct sq *q, const char *ns, char key[STORE_KEY_MAX + 1], struct why *w);

/* ---- sqlite_front.c ---- */

/* `gen` and `rev` continue what the database has absorbed; files are open and replayed. */
void sq_front_init(struct sq_front *f);
void sq_front_free(struct sq_front *f);
RC sq_front_commit(struct sq *q, struct sq_job *j);
/* True when the front knows the key: then *v is its value, NULL when it is deleted or expired. Called with the lock. */
bool sq_front_find(const struct sq_front *f, const char *ns, const char *key, int64_t now_s, const struct sq_val **v);
/* Closes the active journal and opens the other; *gen is what the closed one holds, *rev what follows it. */
RC sq_front_rotate(struct sq *q, uint64_t *gen, uint64_t *rev, struct why *w);
/* Everything durable of generations up to `gen`, in order, pinned: n nodes and their values of now. */
struct sq_item {
	struct onode *node;
	const struct sq_val *v;
};
RC sq_front_pin(struct sq_front *f, uint64_t gen, struct sq_item **items, size_t *n, struct why *w);
/* `kept`: they are in the database now, and leave the front where nothing newer came. Frees `items`. */
void sq_front_unpin(struct sq_front *f, struct sq_item *items, size_t n, bool kept);

/* ---- sqlite_writer.c ---- */

RC sq_writer_prepare(struct sq *q, struct why *w);
/* Starts the thread; stops it after what is queued, with the front absorbed. */
RC sq_writer_start(struct sq *q, struct why *w);
void sq_writer_stop(struct sq *q);
/* Takes what one transaction or record may hold from the head of a queue that is not empty. Called with its lock. */
struct sq_job *sq_take_group(struct sq_job **first, struct sq_job ***last);
/* Through the writer thread, into the database itself. */
RC sq_commit_direct(struct sq *q, struct sq_job *j);
/* What the journals at path.j0 and path.j1 hold beyond the database goes into it; then both are open and empty. Before the
 * thread starts. */
RC sq_recover(struct sq *q, struct why *w);
