/* sqlite_int.h - shared by the parts of the sqlite back end: opening and reading, and the writer. */
#pragma once
#include <pthread.h>
#include <sqlite3.h>

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
	SQ_BEGIN, SQ_COMMIT, SQ_ROLLBACK, SQ_SAVE, SQ_BACK, SQ_RELEASE, SQ_REV, SQ_NEXT_REV, SQ_SET_REV, SQ_PUT, SQ_DELETE,
	SQ_SWEEP,
	SQ_STMT_N,
};

struct sq_reader {
	sqlite3 *db;
	sqlite3_stmt *get, *list;
	bool busy;
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

	pthread_mutex_t lock;	/* guards what follows */
	pthread_cond_t work, reader_free;
	struct sq_job *first, **last;
	bool stop;
	struct sq_reader reader[SQ_READERS];
};

/* The refusal for what sqlite answered; `what` says what was tried. */
RC sq_fail(sqlite3 *db, int code, const char *what, struct why *w);
/* The same with the errno behind it: sqlite keeps none for what fails in a commit. */
RC sq_fail_sys(sqlite3 *db, int code, int sys, const char *what, struct why *w);
/* A configured connection to the database. */
RC sq_connect(const struct sq *q, sqlite3 **db, struct why *w);

/* Writer: prepares its statements and starts its thread; stops it after what is queued. */
RC sq_writer_start(struct sq *q, struct why *w);
void sq_writer_stop(struct sq *q);
RC sq_commit(struct store *s, const struct store_op *ops, size_t n, int64_t now_s, size_t *refused, struct why *w);
