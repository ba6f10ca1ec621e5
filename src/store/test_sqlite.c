#include "store/test_contract.h"

#include <errno.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/num.h"

static rc open_it(const char *dir, const struct clock *clock, struct store **out, struct why *w)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/kv.db", dir);
	return store_open_sqlite(path, clock, out, w);
}

struct place {
	struct arena *a;
	struct why w;
	char *dir, *db;
};

static int set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	p->a = arena_new(0);
	p->w = why_in(p->a);
	p->dir = scratch_new();
	p->db = arena_printf(p->a, "%s/kv.db", p->dir);
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;

	scratch_free(p->dir);
	arena_free(p->a);
	free(p);
	return 0;
}

static struct store *must_open(struct place *p)
{
	struct store *s = NULL;

	if (!rc_ok(store_open_sqlite(p->db, &clock_system, &s, &p->w)))
		fail_msg("%s: %s", why_reason(&p->w), why_text(&p->w));
	return s;
}

static void refused(struct place *p, rc r, enum rc_code code, const char *reason)
{
	if (r.code != code || strcmp(why_reason(&p->w), reason) != 0)
		fail_msg("%s %s (%s), expected %s", rc_name(r.code), why_reason(&p->w), why_text(&p->w), reason);
}

static void files_are_private_from_the_first_moment(void **state)
{
	static const char *const part[] = {"", "-wal", "-shm", ".lock", ".j0", ".j1"};
	struct place *p = *state;
	mode_t before = umask(0);
	struct store *s = must_open(p), *other;
	struct stat st;

	umask(before);
	for (size_t i = 0; i < COUNT_OF(part); i++) {
		assert_int_equal(stat(arena_printf(p->a, "%s%s", p->db, part[i]), &st), 0);
		assert_int_equal(st.st_mode & 07777, 0600);
	}
	store_close(s);
	chmod(p->db, 0644);
	refused(p, store_open_sqlite(p->db, &clock_system, &other, &p->w), E_DENIED, "store.permissions");
}

static void one_process_owns_the_file_and_tools_read_beside_it(void **state)
{
	struct place *p = *state;
	struct store *s, *tool, *second;
	struct slice v;

	refused(p, store_open_sqlite_shared(p->db, &clock_system, &tool, &p->w), E_NOTFOUND, "store.absent");
	s = must_open(p);
	refused(p, store_open_sqlite(p->db, &clock_system, &second, &p->w), E_UNAVAILABLE, "store.locked");
	assert_true(rc_ok(store_put(s, "shared_t", "k", SLICE_LIT("1"), &p->w)));
	assert_true(rc_ok(store_open_sqlite_shared(p->db, &clock_system, &tool, &p->w)));
	assert_true(rc_ok(store_get(tool, "shared_t", "k", p->a, &v, NULL, NULL, &p->w)));
	assert_true(rc_ok(store_put(tool, "shared_t", "k", SLICE_LIT("2"), &p->w)));
	assert_true(rc_ok(store_get(s, "shared_t", "k", p->a, &v, NULL, NULL, &p->w)));
	assert_true(slice_is(v, "2"));
	refused(p, store_put(tool, "t", "k", SLICE_LIT("3"), &p->w), E_DENIED, "store.not-shared");
	store_close(tool);
	store_close(s);
	store_close(must_open(p));
}

static void run_sql(struct place *p, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(p->db, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	chmod(p->db, 0600);
}

static void the_database_of_another_program_is_left_alone(void **state)
{
	struct place *p = *state;
	struct store *s;

	run_sql(p, "CREATE TABLE theirs (x)");
	refused(p, store_open_sqlite(p->db, &clock_system, &s, &p->w), E_UNSUPPORTED, "store.schema");
	assert_true(rc_ok(file_write_atomic(
	        p->db, SLICE_LIT("this is text, and longer than a header of sqlite would be"), 0600, &p->w)));
	refused(p, store_open_sqlite(p->db, &clock_system, &s, &p->w), E_UNAVAILABLE, "store.corrupt");
}

static void a_newer_schema_is_refused(void **state)
{
	struct place *p = *state;
	struct store *s;

	store_close(must_open(p));
	run_sql(p, "UPDATE schema SET version = 99");
	refused(p, store_open_sqlite(p->db, &clock_system, &s, &p->w), E_UNSUPPORTED, "store.schema");
}

static void holds(struct place *p, struct store *s, const char *key, const char *value)
{
	struct slice v;
	rc r = store_get(s, "t", key, p->a, &v, NULL, NULL, NULL);

	if (!value ? r.code != E_NOTFOUND : !rc_ok(r) || !slice_is(v, value))
		fail_msg("t/%s: expected %s, found %s", key, value ? value : "nothing", rc_ok(r) ? (const char *)v.p : rc_name(r.code));
}

/* The first schema had no journal. */
static void a_database_of_the_first_schema_is_brought_forward(void **state)
{
	struct place *p = *state;
	struct store *s = must_open(p);

	assert_true(rc_ok(store_put(s, "t", "first", SLICE_LIT("1"), &p->w)));
	store_close(s);
	run_sql(p, "DELETE FROM counter WHERE name = 'journal'; UPDATE schema SET version = 1");
	unlink(arena_printf(p->a, "%s.j0", p->db));
	unlink(arena_printf(p->a, "%s.j1", p->db));
	s = must_open(p);
	holds(p, s, "first", "1");
	assert_true(rc_ok(store_put(s, "t", "second", SLICE_LIT("2"), &p->w)));
	store_close(s);
	s = must_open(p);
	holds(p, s, "second", "2");
	store_close(s);
}

static void a_database_held_by_another_is_locked_not_lost(void **state)
{
	struct place *p = *state;
	struct store *s = must_open(p);
	sqlite3 *db;

	assert_int_equal(sqlite3_open(p->db, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	refused(p, store_put(s, "shared_t", "k", SLICE_LIT("1"), &p->w), E_UNAVAILABLE, "store.locked");
	assert_int_equal(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	assert_true(rc_ok(store_put(s, "shared_t", "k", SLICE_LIT("1"), &p->w)));
	sqlite3_close(db);
	store_close(s);
}

/* ---- a disk that fails ---- */

#define FULL_AT 400u /* batches; the limit is far below */

/* In a process of its own: writes until the file size limit refuses. Exit 0 when that was store.full. */
static void fill_up(struct place *p, int fd)
{
	const struct rlimit limit = {2 << 20, 2 << 20};
	struct store *s = must_open(p);
	static uint8_t value[16384];
	uint32_t i = 0;

	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	for (; i < FULL_AT; i++) {
		char a[32], b[32];
		struct store_op op[2] = {
		        {.kind = STORE_INSERT, .ns = "t", .key = a, .value = slice_of(value, sizeof(value))},
		        {.kind = STORE_INSERT, .ns = "t", .key = b, .value = slice_of(value, sizeof(value))}};
		rc r;

		snprintf(a, sizeof(a), "a/%u", i);
		snprintf(b, sizeof(b), "b/%u", i);
		r = store_commit(s, op, 2, &p->w);
		if (!rc_ok(r)) {
			struct slice v;
			bool full = r.code == E_UNAVAILABLE && strcmp(why_reason(&p->w), "store.full") == 0;
			/* It goes on reading, and holds nothing of the refused batch. */
			bool reads = i == 0 || rc_ok(store_get(s, "t", "a/0", p->a, &v, NULL, NULL, NULL));

			if (store_get(s, "t", a, p->a, &v, NULL, NULL, NULL).code != E_NOTFOUND)
				_exit(3);
			(void)!write(fd, &i, sizeof(i));
			if (!full)
				fprintf(stderr, "# %s: %s\n", why_reason(&p->w), why_text(&p->w));
			_exit(full && reads && i > 0 ? 0 : 2);
		}
	}
	_exit(4);
}

static void a_full_disk_is_said_and_nothing_is_half_written(void **state)
{
	struct place *p = *state;
	struct store *s;
	uint32_t good = 0;
	int fd[2], status;
	struct slice v;
	pid_t pid;

	assert_int_equal(pipe(fd), 0);
	pid = fork();
	if (pid == 0)
		fill_up(p, fd[1]);
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	assert_int_equal(read(fd[0], &good, sizeof(good)), sizeof(good));
	close(fd[0]);
	close(fd[1]);
	s = must_open(p);
	for (uint32_t i = 0; i <= good; i++) {
		struct arena_mark m = arena_mark(p->a);
		enum rc_code want = i < good ? OK : E_NOTFOUND;

		assert_int_equal(store_get(s, "t", arena_printf(p->a, "a/%u", i), p->a, &v, NULL, NULL, NULL).code,
		                 want);
		assert_int_equal(store_get(s, "t", arena_printf(p->a, "b/%u", i), p->a, &v, NULL, NULL, NULL).code,
		                 want);
		arena_reset(p->a, m);
	}
	assert_true(rc_ok(store_put(s, "t", "after", SLICE_LIT("x"), &p->w)));
	store_close(s);
}

/* A VFS whose n-th write, sync or truncate fails; the rest is the usual one. */
static struct fault {
	sqlite3_vfs vfs;
	sqlite3_vfs *real;
	sqlite3_io_methods methods;
	int countdown; /* 0: off */
	volatile bool for_ever;
	int code;
} fault;

struct faulty_file {
	sqlite3_file base;
	sqlite3_file *real;
};

static sqlite3_file *real_of(sqlite3_file *f)
{
	return ((struct faulty_file *)(void *)f)->real;
}

static bool fails(void)
{
	int n = __atomic_load_n(&fault.countdown, __ATOMIC_SEQ_CST);

	if (fault.for_ever)
		return true;
	return n > 0 && __atomic_sub_fetch(&fault.countdown, 1, __ATOMIC_SEQ_CST) == 0;
}

#define PASS(name, params, ...)                                                                                        \
	static int f_##name params                                                                                     \
	{                                                                                                              \
		return real_of(f)->pMethods->name(real_of(f), ##__VA_ARGS__);                                          \
	}
#define FAIL(name, params, ...)                                                                                        \
	static int f_##name params                                                                                     \
	{                                                                                                              \
		return fails() ? fault.code : real_of(f)->pMethods->name(real_of(f), ##__VA_ARGS__);                   \
	}
PASS(xClose, (sqlite3_file * f))
PASS(xRead, (sqlite3_file * f, void *p, int n, sqlite3_int64 at), p, n, at)
FAIL(xWrite, (sqlite3_file * f, const void *p, int n, sqlite3_int64 at), p, n, at)
FAIL(xTruncate, (sqlite3_file * f, sqlite3_int64 n), n)
FAIL(xSync, (sqlite3_file * f, int flags), flags)
PASS(xFileSize, (sqlite3_file * f, sqlite3_int64 *n), n)
PASS(xLock, (sqlite3_file * f, int l), l)
PASS(xUnlock, (sqlite3_file * f, int l), l)
PASS(xCheckReservedLock, (sqlite3_file * f, int *out), out)
PASS(xFileControl, (sqlite3_file * f, int op, void *arg), op, arg)
PASS(xSectorSize, (sqlite3_file * f))
PASS(xDeviceCharacteristics, (sqlite3_file * f))
PASS(xShmMap, (sqlite3_file * f, int a, int b, int c, void volatile **out), a, b, c, out)
PASS(xShmLock, (sqlite3_file * f, int a, int b, int c), a, b, c)
PASS(xShmUnmap, (sqlite3_file * f, int del), del)

static void f_xShmBarrier(sqlite3_file *f)
{
	real_of(f)->pMethods->xShmBarrier(real_of(f));
}

static int fault_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
	struct faulty_file *f = (struct faulty_file *)(void *)file;
	int e;

	(void)vfs;
	f->real = (sqlite3_file *)(void *)(f + 1);
	e = fault.real->xOpen(fault.real, name, f->real, flags, out);
	f->base.pMethods = f->real->pMethods ? &fault.methods : NULL;
	return e;
}

static void fault_install(void)
{
	fault.real = sqlite3_vfs_find(NULL);
	fault.vfs = *fault.real;
	fault.vfs.zName = "faulty";
	fault.vfs.pNext = NULL;
	fault.vfs.szOsFile = fault.real->szOsFile + (int)sizeof(struct faulty_file);
	fault.vfs.xOpen = fault_open;
	fault.methods = (sqlite3_io_methods){2,
	                                     f_xClose,
	                                     f_xRead,
	                                     f_xWrite,
	                                     f_xTruncate,
	                                     f_xSync,
	                                     f_xFileSize,
	                                     f_xLock,
	                                     f_xUnlock,
	                                     f_xCheckReservedLock,
	                                     f_xFileControl,
	                                     f_xSectorSize,
	                                     f_xDeviceCharacteristics,
	                                     f_xShmMap,
	                                     f_xShmLock,
	                                     f_xShmBarrier,
	                                     f_xShmUnmap,
	                                     NULL,
	                                     NULL};
	assert_int_equal(sqlite3_vfs_register(&fault.vfs, 1), SQLITE_OK);
}

/* Old or new, and the same for both keys. */
static bool is_new(struct place *p, struct store *s, const char *ns)
{
	struct slice a, b;

	assert_true(rc_ok(store_get(s, ns, "a", p->a, &a, NULL, NULL, &p->w)));
	assert_true(rc_ok(store_get(s, ns, "b", p->a, &b, NULL, NULL, &p->w)));
	assert_true(slice_eq(a, b));
	return slice_is(a, "new");
}

/* The n-th write or sync of the database (past the front) or of the journal fails, for every n. */
static void every_failing_write(struct place *p, const char *ns, void (*arm)(int n), const char *const reason[2], int most)
{
	const struct store_op pair[] = {{.kind = STORE_PUT, .ns = ns, .key = "a", .value = SLICE_LIT("new")},
	                                {.kind = STORE_PUT, .ns = ns, .key = "b", .value = SLICE_LIT("new")}};
	unsigned failed = 0;

	for (int n = 1; n < most; n++) {
		struct store *s = must_open(p);
		bool now_new;
		rc r;

		assert_true(rc_ok(store_put(s, ns, "a", SLICE_LIT("old"), &p->w)));
		assert_true(rc_ok(store_put(s, ns, "b", SLICE_LIT("old"), &p->w)));
		arm(n);
		r = store_commit(s, pair, 2, &p->w);
		arm(0);
		if (!rc_ok(r)) {
			refused(p, r, E_UNAVAILABLE, reason[n % 2]);
			failed++;
		}
		now_new = is_new(p, s, ns);
		assert_int_equal(now_new, rc_ok(r));
		assert_true(rc_ok(store_put(s, ns, "later", SLICE_LIT("x"), &p->w)));
		store_close(s);
		s = must_open(p);
		assert_int_equal(is_new(p, s, ns), now_new);
		store_close(s);
	}
	assert_true(failed >= 2);
}

static void arm_database(int n)
{
	fault.code = n % 2 ? SQLITE_FULL : SQLITE_IOERR_WRITE;
	__atomic_store_n(&fault.countdown, n, __ATOMIC_SEQ_CST);
}

static void every_failing_write_leaves_the_old_or_the_new(void **state)
{
	every_failing_write(*state, "shared_t", arm_database, (const char *const[]){"store.down", "store.full"}, 40);
}

/* ---- the journal ---- */

static int journal_countdown, journal_errno;

static bool journal_fails(void)
{
	if (__atomic_load_n(&journal_countdown, __ATOMIC_SEQ_CST) <= 0 ||
	    __atomic_sub_fetch(&journal_countdown, 1, __ATOMIC_SEQ_CST) != 0)
		return false;
	errno = journal_errno;
	return true;
}

ssize_t __real_pwrite64(int fd, const void *p, size_t n, off_t at);
ssize_t __wrap_pwrite64(int fd, const void *p, size_t n, off_t at);
int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);

/* Half of what is to be written reaches the file. */
ssize_t __wrap_pwrite64(int fd, const void *p, size_t n, off_t at)
{
	if (!journal_fails())
		return __real_pwrite64(fd, p, n, at);
	(void)!__real_pwrite64(fd, p, n / 2, at);
	errno = journal_errno;
	return -1;
}

/* All of it does, which nobody can know. */
int __wrap_fdatasync(int fd)
{
	return journal_fails() ? -1 : __real_fdatasync(fd);
}

static void arm_journal(int n)
{
	journal_errno = n % 2 ? ENOSPC : EIO;
	__atomic_store_n(&journal_countdown, n, __ATOMIC_SEQ_CST);
}

static void every_failing_write_of_the_journal_leaves_the_old_or_the_new(void **state)
{
	every_failing_write(*state, "t", arm_journal, (const char *const[]){"store.down", "store.full"}, 6);
}

/* Like a power cut: nothing is closed. */
static void in_a_process_that_dies(struct place *p, void (*body)(struct place *p, struct store *s))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		body(p, must_open(p));
		_exit(0);
	}
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
}

static void commit_and_delete(struct place *p, struct store *s)
{
	uint64_t rev;
	struct slice v;
	struct store_op op = {.kind = STORE_CAS, .ns = "t", .key = "changed", .value = SLICE_LIT("2")};

	if (!rc_ok(store_get(s, "t", "changed", p->a, &v, &rev, NULL, &p->w)))
		_exit(2);
	op.if_rev = rev;
	if (!rc_ok(store_commit(s, &op, 1, &p->w)) || !rc_ok(store_delete(s, "t", "deleted", &p->w)) ||
	    !rc_ok(store_insert(s, "t", "made", SLICE_LIT("3"), 0, &p->w)))
		_exit(3);
	/* What the journal says about a key twice counts once, the last. */
	if (!rc_ok(store_delete(s, "t", "made", &p->w)) || !rc_ok(store_insert(s, "t", "made", SLICE_LIT("4"), 0, &p->w)))
		_exit(4);
}

static void what_only_the_journal_holds_is_there_after_a_crash(void **state)
{
	struct place *p = *state;
	struct store *s = must_open(p);
	uint64_t before, after;
	struct slice v;

	assert_true(rc_ok(store_put(s, "t", "changed", SLICE_LIT("1"), &p->w)));
	assert_true(rc_ok(store_put(s, "t", "deleted", SLICE_LIT("1"), &p->w)));
	assert_true(rc_ok(store_get(s, "t", "changed", p->a, &v, &before, NULL, &p->w)));
	store_close(s);
	in_a_process_that_dies(p, commit_and_delete);
	s = must_open(p);
	holds(p, s, "changed", "2");
	holds(p, s, "deleted", NULL);
	holds(p, s, "made", "4");
	assert_true(rc_ok(store_get(s, "t", "made", p->a, &v, &after, NULL, &p->w)));
	assert_true(after > before);
	/* New changes get revisions that were not used before the crash. */
	assert_true(rc_ok(store_put(s, "t", "made", SLICE_LIT("5"), &p->w)));
	before = after;
	assert_true(rc_ok(store_get(s, "t", "made", p->a, &v, &after, NULL, &p->w)));
	assert_true(after > before);
	store_close(s);
}

static void one_commit(struct place *p, struct store *s)
{
	const struct store_op op[] = {{.kind = STORE_PUT, .ns = "t", .key = "a", .value = SLICE_LIT("1")},
	                              {.kind = STORE_PUT, .ns = "t", .key = "b", .value = SLICE_LIT("1")}};

	if (!rc_ok(store_put(s, "t", "first", SLICE_LIT("1"), &p->w)) || !rc_ok(store_commit(s, op, 2, &p->w)))
		_exit(2);
}

static struct slice copy_of(struct place *p, const char *path)
{
	struct slice bytes;

	assert_true(rc_ok(file_read(p->a, path, 1 << 20, &bytes, &p->w)));
	return bytes;
}

/* The database as it was copied, with one journal. */
static void put_back(struct place *p, struct slice db, struct slice journal)
{
	unlink(arena_printf(p->a, "%s-wal", p->db));
	unlink(arena_printf(p->a, "%s-shm", p->db));
	unlink(arena_printf(p->a, "%s.j1", p->db));
	assert_true(rc_ok(file_write_atomic(p->db, db, 0600, &p->w)));
	assert_true(rc_ok(file_write_atomic(arena_printf(p->a, "%s.j0", p->db), journal, 0600, &p->w)));
}

static void a_journal_that_does_not_continue_the_database_is_refused(void **state)
{
	struct place *p = *state;
	struct slice old, journal;
	struct store *s;
	rc r;

	store_close(must_open(p));
	old = copy_of(p, p->db);
	/* a backup of some seconds ago, beside the journal of today */
	for (unsigned i = 0; i < 4; i++) {
		s = must_open(p);
		assert_true(rc_ok(store_put(s, "t", "n", slice_of(&i, 1), &p->w)));
		store_close(s);
	}
	in_a_process_that_dies(p, one_commit);
	journal = copy_of(p, arena_printf(p->a, "%s.j0", p->db));
	s = must_open(p);	/* where it belongs, it is taken */
	holds(p, s, "first", "1");
	store_close(s);
	put_back(p, old, journal);
	refused(p, store_open_sqlite(p->db, &clock_system, &s, &p->w), E_DENIED, "store.journal");
	/* the journal of another store */
	unlink(p->db);
	unlink(arena_printf(p->a, "%s.j0", p->db));
	store_close(must_open(p));
	put_back(p, copy_of(p, p->db), journal);
	r = store_open_sqlite(p->db, &clock_system, &s, &p->w);
	if (rc_ok(r)) {	/* its number is one that this store has long taken over */
		holds(p, s, "first", NULL);
		store_close(s);
	} else {
		refused(p, r, E_DENIED, "store.journal");
	}
}

static void a_journal_cut_anywhere_holds_whole_commits(void **state)
{
	struct place *p = *state;
	struct slice journal, db;
	size_t whole = 0;

	store_close(must_open(p));
	db = copy_of(p, p->db);
	in_a_process_that_dies(p, one_commit);
	assert_true(rc_ok(file_read(p->a, arena_printf(p->a, "%s.j0", p->db), 1 << 20, &journal, &p->w)));
	for (size_t n = 0; n <= journal.n; n++) {
		struct store *s;
		struct slice a, b;
		rc ra, rb;

		put_back(p, db, slice_sub(journal, 0, n));
		s = must_open(p);
		ra = store_get(s, "t", "a", p->a, &a, NULL, NULL, NULL);
		rb = store_get(s, "t", "b", p->a, &b, NULL, NULL, NULL);
		assert_int_equal(ra.code, rb.code);
		assert_int_equal(rc_ok(ra), n == journal.n);
		whole += rc_ok(store_get(s, "t", "first", p->a, &a, NULL, NULL, NULL));
		store_close(s);
	}
	assert_true(whole > 1 && whole < journal.n);
}

/* A bit that flipped ends what is taken from the journal: nothing of a commit is seen altered. */
static void a_journal_with_a_flipped_bit_is_taken_up_to_it(void **state)
{
	struct place *p = *state;
	struct slice journal, db;
	size_t whole = 0, step = 7;

	store_close(must_open(p));
	db = copy_of(p, p->db);
	in_a_process_that_dies(p, one_commit);
	journal = copy_of(p, arena_printf(p->a, "%s.j0", p->db));
	for (size_t i = 0; i < journal.n; i += step) {
		struct slice bent = arena_dup(p->a, journal), v;
		struct store *s = NULL;
		rc r;

		((uint8_t *)(uintptr_t)bent.p)[i] ^= 1;
		put_back(p, db, bent);
		r = store_open_sqlite(p->db, &clock_system, &s, &p->w);
		if (!rc_ok(r))
			continue;
		for (const char *key = "first"; key; key = strcmp(key, "first") == 0 ? "a" : strcmp(key, "a") == 0 ? "b" : NULL) {
			r = store_get(s, "t", key, p->a, &v, NULL, NULL, NULL);
			if (rc_ok(r) && !slice_is(v, "1"))
				fail_msg("byte %zu: %s is altered", i, key);
			whole += rc_ok(r) && strcmp(key, "b") == 0;
		}
		store_close(s);
	}
	assert_int_equal(whole, 0);	/* the second commit is never whole, for the flip is in it or before it */
}

#define MANY 40u /* values of 256 KiB: the front hands them over several times */

static void lists_and_values_are_the_same_while_the_database_takes_them_over(void **state)
{
	static uint8_t big[256 << 10];
	struct place *p = *state;
	struct store *s = must_open(p);
	char key[32];

	for (unsigned i = 0; i < MANY; i++) {
		struct arena_mark m = arena_mark(p->a);
		char **keys;
		size_t n;

		snprintf(key, sizeof(key), "%04u", i);
		assert_true(rc_ok(store_insert(s, "t", key, slice_of(big, sizeof(big)), 0, &p->w)));
		if (i % 2) {
			snprintf(key, sizeof(key), "%04u", i / 2 * 2);
			assert_true(rc_ok(store_delete(s, "t", key, &p->w)));
		}
		assert_true(rc_ok(store_list(s, "t", NULL, NULL, 1000, p->a, &keys, &n, &p->w)));
		assert_int_equal(n, i / 2 + 1);
		for (size_t k = 0; k < n; k++)
			assert_int_equal(strtoul(keys[k], NULL, 10), k < i / 2 || i % 2 ? 2 * k + 1 : i);
		assert_true(rc_ok(store_list(s, "t", NULL, "0000", 3, p->a, &keys, &n, &p->w)));
		assert_int_equal(n, MIN_OF(3, i % 2 || i == 0 ? (i + 1) / 2 : i / 2 + 1));
		arena_reset(p->a, m);
	}
	snprintf(key, sizeof(key), "%04u", MANY - 1);
	refused(p, store_insert(s, "t", key, SLICE_LIT("x"), 0, &p->w), E_DENIED, "store.exists");
	store_close(s);
}

static void a_database_that_cannot_be_written_is_said_and_loses_nothing(void **state)
{
	static uint8_t big[1 << 20];
	struct place *p = *state;
	struct store *s = must_open(p);
	bool told = false;

	fault.code = SQLITE_IOERR_WRITE;
	fault.for_ever = true;
	for (unsigned i = 0; i < 8; i++)
		assert_true(rc_ok(store_put(s, "t", i % 2 ? "odd" : "even", slice_of(big, sizeof(big)), &p->w)));
	for (unsigned i = 0; i < 300 && !told; i++) {
		usleep(20000);
		told = store_health(s, NULL).code == E_UNAVAILABLE;
	}
	assert_true(told);
	assert_true(rc_ok(store_put(s, "t", "k", SLICE_LIT("while"), &p->w)));
	holds(p, s, "k", "while");
	fault.for_ever = false;
	for (unsigned i = 0; i < 300 && told; i++) {
		usleep(20000);
		told = !rc_ok(store_health(s, NULL));
	}
	assert_false(told);
	store_close(s);
	s = must_open(p);
	holds(p, s, "k", "while");
	store_close(s);
}

static void a_failing_disk_fails_the_opening_with_a_reason(void **state)
{
	struct place *p = *state;
	unsigned failed = 0;

	for (int n = 1; n < 60; n++) {
		struct store *s = NULL;
		rc r;

		fault.code = SQLITE_IOERR_FSYNC;
		__atomic_store_n(&fault.countdown, n, __ATOMIC_SEQ_CST);
		r = store_open_sqlite(p->db, &clock_system, &s, &p->w);
		__atomic_store_n(&fault.countdown, 0, __ATOMIC_SEQ_CST);
		if (!rc_ok(r)) {
			assert_int_equal(r.code, E_UNAVAILABLE);
			assert_null(s);
			failed++;
		}
		store_close(s);
		store_close(must_open(p));
		unlink(p->db);
	}
	assert_true(failed >= 3);
}

int main(void)
{
	static const struct contract c = {.name = "sqlite", .durable = true, .open = open_it};
#define T(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)
	const struct CMUnitTest own[] = {
	        T(files_are_private_from_the_first_moment),       T(one_process_owns_the_file_and_tools_read_beside_it),
	        T(the_database_of_another_program_is_left_alone), T(a_newer_schema_is_refused), T(a_database_of_the_first_schema_is_brought_forward),
	        T(a_database_held_by_another_is_locked_not_lost), T(a_full_disk_is_said_and_nothing_is_half_written),
	        T(every_failing_write_leaves_the_old_or_the_new), T(a_failing_disk_fails_the_opening_with_a_reason),
	        T(every_failing_write_of_the_journal_leaves_the_old_or_the_new),
	        T(what_only_the_journal_holds_is_there_after_a_crash),
	        T(a_journal_cut_anywhere_holds_whole_commits),
	        T(a_journal_with_a_flipped_bit_is_taken_up_to_it),
	        T(a_journal_that_does_not_continue_the_database_is_refused),
	        T(lists_and_values_are_the_same_while_the_database_takes_them_over),
	        T(a_database_that_cannot_be_written_is_said_and_loses_nothing),
	};

	fault_install();
	return contract_main(&c, own, COUNT_OF(own));
}
