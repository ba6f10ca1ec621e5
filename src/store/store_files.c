/* store_files.c - a file a value, in the layout of spec kbs.md 9 (LocalFs), written so that nothing is lost or half.
 *
 * A batch of one step is a rename. A batch of more writes its new files beside (.new/), then a journal of the steps
 * (.journal, renamed into place too), then does them; opening does what a journal still asks for. The revision of a
 * value is its file's modification time in nanoseconds, kept unique: a file that somebody replaced by hand has a new
 * one. Once a step behind the journal fails (the disk is gone), the store refuses all until it is opened again: only
 * then it is known whether that last batch was done.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/num.h"
#include "store/files_name.h"

#define SWEEP_EVERY_S 60
#define PATH_SIZE     (FILES_NAME_MAX + STORE_NS_MAX + 2u)
#define HEAD          8u /* the time before a value that expires */

struct files {
	struct store base;
	struct arena *arena;
	const char *journal;
	int dir, fresh, lock_fd; /* the folder, its .new, its .lock */
	pthread_rwlock_t lock;
	uint64_t last_rev, next_fresh;
	int64_t sweep_at_s;
	bool broken;
};

/* What lies on disk under a key. */
struct entry {
	bool there, passing;
	uint64_t rev;
	int64_t expires_s;
	size_t size; /* of the value */
};

static struct files *files_of(struct store *s)
{
	return (struct files *)(void *)s;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static rc io_failed(const char *what, const char *name, struct why *w)
{
	int e = errno;
	bool full = e == ENOSPC || e == EDQUOT || e == EFBIG;

	return deny(w, E_UNAVAILABLE, full ? "store.full" : "store.down", "cannot %s %s: %s", what, name, strerror(e));
}

static rc usable(const struct files *f, struct why *w)
{
	if (!f->broken)
		return rc_of(OK);
	return deny(w, E_UNAVAILABLE, "store.down",
	            "an earlier write failed half way; it is settled when the store is opened again");
}

static void path_of(char out[PATH_SIZE], const char *ns, const char *key, bool passing)
{
	size_t n = strlen(ns);

	memcpy(out, ns, n);
	out[n] = '/';
	files_name(key, passing, out + n + 1);
}

/* ---- reading ---- */

static rc read_all(int fd, uint8_t *p, size_t n, const char *path, struct why *w)
{
	for (size_t got = 0; got < n;) {
		ssize_t k = read(fd, p + got, n - got);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return io_failed("read", path, w);
		if (k == 0)
			return deny(w, E_UNAVAILABLE, "store.corrupt", "%s is shorter than it was", path);
		got += (size_t)k;
	}
	return rc_of(OK);
}

/* Opens one of the two forms of a key; *fd stays -1 when it is not there. Fills e. */
static rc open_form(const struct files *f, const char *path, bool passing, int *fd, struct entry *e, struct why *w)
{
	uint8_t head[HEAD] = {0};
	struct stat st;

	*fd = openat(f->dir, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
	if (*fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return rc_of(OK);
	if (*fd < 0 || fstat(*fd, &st) != 0)
		return io_failed("open", path, w);
	if (!S_ISREG(st.st_mode) || st.st_size < (passing ? (off_t)HEAD : 0) ||
	    (size_t)st.st_size > STORE_VALUE_MAX + HEAD)
		return deny(w, E_UNAVAILABLE, "store.corrupt", "%s is not a value of ours (%lld bytes)", path,
		            (long long)st.st_size);
	if (passing)
		TRY(read_all(*fd, head, HEAD, path, w));
	*e = (struct entry){.there = true, .passing = passing, .size = (size_t)st.st_size - (passing ? HEAD : 0)};
	e->rev = (uint64_t)st.st_mtim.tv_sec * 1000000000u + (uint64_t)st.st_mtim.tv_nsec;
	for (size_t i = 0; i < HEAD; i++)
		e->expires_s = (int64_t)((uint64_t)e->expires_s << 8 | head[i]);
	return rc_of(OK);
}

/* Finds the value of a key, dead or alive; *fd is behind the head, or -1. */
static rc look(const struct files *f, const char *ns, const char *key, int *fd, struct entry *e, struct why *w)
{
	char path[PATH_SIZE];

	*e = (struct entry){0};
	for (int passing = 0; passing < 2 && *fd < 0; passing++) {
		path_of(path, ns, key, passing);
		TRY(open_form(f, path, passing, fd, e, w));
	}
	return rc_of(OK);
}

static rc get_locked(const struct files *f, const char *ns, const char *key, int64_t now_s, struct arena *a,
                     struct slice *value, uint64_t *rev, int64_t *expires_s, struct why *w)
{
	DEFER(close_fd) int fd = -1;
	struct entry e;
	uint8_t *p;

	TRY(usable(f, w));
	TRY(look(f, ns, key, &fd, &e, w));
	if (!e.there || store_expired(e.expires_s, now_s))
		return store_refuse_absent(ns, key, w);
	p = arena_alloc(a, e.size + 1);
	if (!p)
		return deny(w, E_LIMIT, "store.size", "no room for the %zu bytes of %s/%s", e.size, ns, key);
	TRY(read_all(fd, p, e.size, key, w));
	*value = slice_of(p, e.size);
	*rev = e.rev;
	*expires_s = e.expires_s;
	return rc_of(OK);
}

static rc files_get(struct store *s, const char *ns, const char *key, int64_t now_s, struct arena *a,
                    struct slice *value, uint64_t *rev, int64_t *expires_s, struct why *w)
{
	struct files *f = files_of(s);
	rc r;

	pthread_rwlock_rdlock(&f->lock);
	r = get_locked(f, ns, key, now_s, a, value, rev, expires_s, w);
	pthread_rwlock_unlock(&f->lock);
	return r;
}

/* ---- walking a folder ---- */

typedef rc walk_fn(void *ctx, const char *path, const char *key, bool passing, struct why *w);

/* Calls fn for every value below `path` (in which the namespace ends at ns_n). Foreign files are passed over. */
static rc walk(const struct files *f, char path[PATH_SIZE], size_t ns_n, walk_fn *fn, void *ctx, struct why *w)
{
	int fd = openat(f->dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	size_t n = strlen(path);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *e;
	rc r = rc_of(OK);

	if (!d) {
		if (fd >= 0)
			close(fd);
		return fd < 0 && (errno == ENOENT || errno == ENOTDIR) ? r : io_failed("list", path, w);
	}
	while (rc_ok(r) && (e = readdir(d))) {
		size_t k = strlen(e->d_name);
		char key[STORE_KEY_MAX + 1];
		bool passing;

		if (e->d_name[0] == '.' || n + k + 2 > PATH_SIZE)
			continue;
		path[n] = '/';
		memcpy(path + n + 1, e->d_name, k + 1);
		if (k > 2 && memcmp(e->d_name + k - 2, "\\+", 2) == 0)
			r = walk(f, path, ns_n, fn, ctx, w);
		else if (rc_ok(files_key(slice_cstr(path + ns_n + 1), key, &passing, NULL)))
			r = fn(ctx, path, key, passing, w);
		path[n] = 0;
	}
	closedir(d);
	return r;
}

struct lister {
	const struct files *f;
	const char *prefix, *after;
	int64_t now_s;
	struct arena *scratch;
	char **keys;
	size_t n, cap;
};

static rc list_one(void *ctx, const char *path, const char *key, bool passing, struct why *w)
{
	DEFER(close_fd) int fd = -1;
	struct lister *l = ctx;
	struct entry e = {0};

	if (strncmp(key, l->prefix, strlen(l->prefix)) != 0 || strcmp(key, l->after) <= 0)
		return rc_of(OK);
	if (passing) {
		TRY(open_form(l->f, path, true, &fd, &e, w));
		if (!e.there || store_expired(e.expires_s, l->now_s))
			return rc_of(OK);
	}
	return store_keys_push(l->scratch, &l->keys, &l->n, &l->cap, key, w);
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static rc list_sorted(struct lister *l, const char *ns, size_t limit, struct arena *a, char ***keys, size_t *n,
                      struct why *w)
{
	char path[PATH_SIZE];
	size_t cap = 0;

	TRY(usable(l->f, w));
	memcpy(path, ns, strlen(ns) + 1);
	TRY(walk(l->f, path, strlen(ns), list_one, l, w));
	if (l->n)
		qsort(l->keys, l->n, sizeof(*l->keys), by_bytes);
	for (size_t i = 0; i < l->n && i < limit; i++)
		TRY(store_keys_push(a, keys, n, &cap, l->keys[i], w));
	return rc_of(OK);
}

static rc files_list(struct store *s, const char *ns, const char *prefix, const char *after, size_t limit,
                     int64_t now_s, struct arena *a, char ***keys, size_t *n, struct why *w)
{
	struct files *f = files_of(s);
	struct lister l = {
	        .f = f, .prefix = prefix, .after = after, .now_s = now_s, .scratch = arena_new((size_t)256 << 20)};
	rc r;

	pthread_rwlock_rdlock(&f->lock);
	r = list_sorted(&l, ns, limit, a, keys, n, w);
	pthread_rwlock_unlock(&f->lock);
	arena_free(l.scratch);
	return r;
}

/* ---- writing ---- */

static rc sync_dir(const struct files *f, const char *path, struct why *w)
{
	DEFER(close_fd) int fd = openat(f->dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	return fd >= 0 && fsync(fd) == 0 ? rc_of(OK) : io_failed("sync", path, w);
}

/* Makes the folders of `path` that are missing, durably. */
static rc make_folders(const struct files *f, const char *path, struct why *w)
{
	char p[PATH_SIZE], parent[PATH_SIZE] = ".";

	memcpy(p, path, strlen(path) + 1);
	for (char *slash = strchr(p, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		if (mkdirat(f->dir, p, 0700) == 0)
			TRY(sync_dir(f, parent, w));
		else if (errno != EEXIST)
			return io_failed("make the folder", p, w);
		memcpy(parent, p, strlen(p) + 1);
		*slash = '/';
	}
	return rc_of(OK);
}

static rc write_bytes(int fd, struct slice data, const char *name, struct why *w)
{
	for (size_t done = 0; done < data.n;) {
		ssize_t k = write(fd, data.p + done, data.n - done);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return io_failed("write", name, w);
		done += (size_t)k;
	}
	return rc_of(OK);
}

static rc write_fresh(struct files *f, const struct store_op *op, uint64_t rev, const char *name, struct why *w)
{
	DEFER(close_fd) int fd = openat(f->fresh, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct timespec t[2] = {{.tv_nsec = UTIME_OMIT},
	                        {.tv_sec = (time_t)(rev / 1000000000u), .tv_nsec = (long)(rev % 1000000000u)}};
	uint8_t head[HEAD];

	if (fd < 0)
		return io_failed("make", name, w);
	for (size_t i = 0; i < HEAD; i++)
		head[i] = (uint8_t)((uint64_t)op->expires_s >> (56 - 8 * i));
	if (op->expires_s)
		TRY(write_bytes(fd, slice_of(head, HEAD), name, w));
	TRY(write_bytes(fd, op->value, name, w));
	if (futimens(fd, t) != 0 || fsync(fd) != 0)
		return io_failed("sync", name, w);
	return rc_of(OK);
}

static rc do_step(const struct files *f, const struct files_step *step, struct why *w)
{
	int e = step->from ? renameat(f->fresh, step->from, f->dir, step->to) : unlinkat(f->dir, step->to, 0);

	/* Not there: done before the journal was read again. */
	return e == 0 || errno == ENOENT ? rc_of(OK) : io_failed(step->from ? "rename" : "remove", step->to, w);
}

static rc do_steps(const struct files *f, const struct files_step *steps, size_t n, struct why *w)
{
	char parent[PATH_SIZE], last[PATH_SIZE] = "";

	for (size_t i = 0; i < n; i++)
		TRY(do_step(f, &steps[i], w));
	for (size_t i = 0; i < n; i++) {
		const char *slash = strrchr(steps[i].to, '/');
		size_t k = slash ? (size_t)(slash - steps[i].to) : 0;

		if (k == 0 || k >= sizeof(parent))
			return deny(w, E_UNAVAILABLE, "store.corrupt", "a step to %s", steps[i].to);
		memcpy(parent, steps[i].to, k);
		parent[k] = 0;
		if (strcmp(parent, last) != 0)
			TRY(sync_dir(f, parent, w));
		memcpy(last, parent, k + 1);
	}
	return rc_of(OK);
}

static rc end_journal(const struct files *f, struct why *w)
{
	/* Durably: read again later, its removals would hit what was written since. */
	if ((unlinkat(f->dir, ".journal", 0) != 0 && errno != ENOENT) || fsync(f->dir) != 0)
		return io_failed("remove", f->journal, w);
	return rc_of(OK);
}

static uint64_t new_rev(struct files *f)
{
	uint64_t now = (uint64_t)clock_now_ns(&clock_system);

	f->last_rev = MAX_OF(now, f->last_rev + 1);
	return f->last_rev;
}

struct plan {
	struct arena *a;
	struct files_step *steps;
	size_t n, fresh; /* steps; files in .new */
};

static bool is_put(const struct store_op *op)
{
	return op->kind != STORE_DELETE && op->kind != STORE_ERASE;
}

/* The operation before `at` on the same key, or NULL. A pass back: batches are small beside the syncs they cost. */
static const struct store_op *earlier(const struct store_op *ops, size_t at)
{
	for (size_t i = at; i-- > 0;)
		if (strcmp(ops[i].key, ops[at].key) == 0 && strcmp(ops[i].ns, ops[at].ns) == 0)
			return &ops[i];
	return NULL;
}

static bool is_last(const struct store_op *ops, size_t n, size_t at)
{
	for (size_t i = at + 1; i < n; i++)
		if (strcmp(ops[i].key, ops[at].key) == 0 && strcmp(ops[i].ns, ops[at].ns) == 0)
			return false;
	return true;
}

static rc check_ops(const struct files *f, const struct store_op *ops, size_t n, int64_t now_s, size_t *refused,
                    struct why *w)
{
	for (size_t i = 0; i < n; i++) {
		const struct store_op *op = &ops[i], *before = earlier(ops, i);
		DEFER(close_fd) int fd = -1;
		struct entry e = {0};

		*refused = i;
		if (before)
			/* A revision that nobody has seen yet: no CAS in the same batch can name it. */
			e = (struct entry){.there = is_put(before), .rev = UINT64_MAX, .expires_s = before->expires_s};
		else
			TRY(look(f, op->ns, op->key, &fd, &e, w));
		if (e.there && store_expired(e.expires_s, now_s))
			e.there = false;
		TRY(store_may_apply(op, e.there ? e.rev : 0, w));
	}
	return rc_of(OK);
}

static rc add_step(struct plan *p, const char *from, const char *to, struct why *w)
{
	struct files_step *s = &p->steps[p->n];

	s->from = from ? arena_strdup(p->a, from) : NULL;
	s->to = arena_strdup(p->a, to);
	if (!s->to || (from && !s->from))
		return store_refuse_memory(w);
	p->n++;
	return rc_of(OK);
}

static rc plan_op(struct files *f, struct plan *p, const struct store_op *op, struct why *w)
{
	char path[PATH_SIZE], name[32];
	struct stat st;

	for (int passing = 0; passing < 2; passing++) {
		path_of(path, op->ns, op->key, passing);
		if (is_put(op) && (passing != 0) == (op->expires_s != 0)) {
			TRY(make_folders(f, path, w));
			snprintf(name, sizeof(name), "%llu", (unsigned long long)f->next_fresh++);
			TRY(add_step(p, name, path, w));
			TRY(write_fresh(f, op, new_rev(f), name, w));
		} else if (fstatat(f->dir, path, &st, AT_SYMLINK_NOFOLLOW) == 0) {
			TRY(add_step(p, NULL, path, w));
		}
	}
	return rc_of(OK);
}

static rc plan_batch(struct files *f, struct plan *p, const struct store_op *ops, size_t n, struct why *w)
{
	p->steps = arena_array(p->a, 2 * n, struct files_step);
	if (!p->steps)
		return store_refuse_memory(w);
	for (size_t i = 0; i < n; i++)
		if (is_last(ops, n, i))
			TRY(plan_op(f, p, &ops[i], w));
	return rc_of(OK);
}

/* Whole or absent: the steps may begin when this returned OK. */
static rc begin_journal(struct files *f, struct plan *p, struct why *w)
{
	DEFER(close_fd) int fd = -1;
	struct slice journal = files_journal_write(p->a, p->steps, p->n);

	if (!journal.p)
		return store_refuse_memory(w);
	fd = openat(f->fresh, "journal", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return io_failed("make", "the journal", w);
	TRY(write_bytes(fd, journal, "the journal", w));
	if (fsync(fd) != 0 || fsync(f->fresh) != 0)
		return io_failed("sync", "the journal", w);
	if (renameat(f->fresh, "journal", f->dir, ".journal") != 0)
		return io_failed("rename", "the journal", w);
	f->broken = fsync(f->dir) != 0;
	return f->broken ? io_failed("sync", "the journal", w) : rc_of(OK);
}

static rc carry_out(struct files *f, struct plan *p, struct why *w)
{
	rc r;

	if (p->n > 1)
		TRY(begin_journal(f, p, w));
	r = do_steps(f, p->steps, p->n, w);
	if (rc_ok(r) && p->n > 1)
		r = end_journal(f, w);
	f->broken = !rc_ok(r);
	return r;
}

static rc sweep_one(void *ctx, const char *path, const char *key, bool passing, struct why *w)
{
	DEFER(close_fd) int fd = -1;
	const struct lister *l = ctx;
	struct entry e = {0};

	(void)key;
	if (passing && rc_ok(open_form(l->f, path, true, &fd, &e, w)) && e.there &&
	    store_expired(e.expires_s, l->now_s))
		(void)unlinkat(l->f->dir, path, 0);
	return rc_of(OK);
}

/* Removes what has expired, in all namespaces. Whatever fails is tried again the next time. */
static void sweep(struct files *f, int64_t now_s)
{
	struct lister l = {.f = f, .now_s = now_s};
	int fd = openat(f->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *e;
	char path[PATH_SIZE];

	if (!d && fd >= 0)
		close(fd);
	while (d && (e = readdir(d))) {
		size_t n = strlen(e->d_name);

		if (e->d_name[0] == '.' || n > STORE_NS_MAX)
			continue;
		memcpy(path, e->d_name, n + 1);
		(void)rc_ok(walk(f, path, n, sweep_one, &l, NULL));
	}
	if (d)
		closedir(d);
	f->sweep_at_s = now_s + SWEEP_EVERY_S;
}

static rc commit_locked(struct files *f, struct plan *p, const struct store_op *ops, size_t n, int64_t now_s,
                        size_t *refused, struct why *w)
{
	rc r;

	TRY(usable(f, w));
	if (now_s >= f->sweep_at_s)
		sweep(f, now_s);
	TRY(check_ops(f, ops, n, now_s, refused, w));
	r = plan_batch(f, p, ops, n, w);
	if (rc_ok(r) && p->n)
		r = carry_out(f, p, w);
	if (!rc_ok(r) && !f->broken)
		for (size_t i = 0; i < p->n; i++)
			if (p->steps[i].from)
				(void)unlinkat(f->fresh, p->steps[i].from, 0);
	return r;
}

static rc files_commit(struct store *s, const struct store_op *ops, size_t n, int64_t now_s, size_t *refused,
                       struct why *w)
{
	struct files *f = files_of(s);
	struct plan p = {.a = arena_new(0)};
	rc r;

	pthread_rwlock_wrlock(&f->lock);
	r = commit_locked(f, &p, ops, n, now_s, refused, w);
	pthread_rwlock_unlock(&f->lock);
	arena_free(p.a);
	return r;
}

static rc files_health(struct store *s, struct why *w)
{
	static const struct store_op op = {.kind = STORE_PUT, .ns = "store", .key = "health"};
	size_t refused;

	return files_commit(s, &op, 1, clock_now_s(s->clock), &refused, w);
}

/* ---- opening ---- */

static void files_close(struct store *s)
{
	struct files *f = files_of(s);

	close_fd(&f->fresh);
	close_fd(&f->dir);
	close_fd(&f->lock_fd);
	pthread_rwlock_destroy(&f->lock);
	arena_free(f->arena);
}

static const struct store_vtable files_vt = {
        .name = "files",
        .commit = files_commit,
        .get = files_get,
        .list = files_list,
        .health = files_health,
        .close = files_close,
};

/* Does what a journal still asks for. */
static rc replay(struct files *f, struct why *w)
{
	struct files_step *steps;
	struct slice in;
	size_t n;
	rc r = file_read(f->arena, f->journal, (size_t)16 << 20, &in, w);

	if (r.code == E_NOTFOUND)
		return rc_of(OK);
	TRY(r);
	TRY(files_journal_parse(f->arena, in, &steps, &n, w));
	TRY(do_steps(f, steps, n, w));
	return end_journal(f, w);
}

/* What a crash left behind: files that no journal asked for, and a journal that was not finished. */
static void remove_leftovers(int folder)
{
	int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			(void)unlinkat(folder, e->d_name, 0);
	if (d)
		closedir(d);
	else if (fd >= 0)
		close(fd);
}

static rc open_parts(struct files *f, const char *path, struct why *w)
{
	struct stat st;

	TRY(file_mkdirs(path, 0700, w));
	f->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->dir < 0 || fstat(f->dir, &st) != 0)
		return io_failed("open", path, w);
	if (st.st_mode & 077)
		return deny(w, E_DENIED, "store.permissions", "%s has mode %04o: others can enter it; chmod 700", path,
		            (unsigned)(st.st_mode & 07777));
	f->lock_fd = openat(f->dir, ".lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (f->lock_fd < 0)
		return io_failed("open", ".lock", w);
	if (flock(f->lock_fd, LOCK_EX | LOCK_NB) != 0)
		return deny(w, E_UNAVAILABLE, "store.locked", "%s belongs to another process that runs", path);
	if (mkdirat(f->dir, ".new", 0700) != 0 && errno != EEXIST)
		return io_failed("make the folder", ".new", w);
	f->fresh = openat(f->dir, ".new", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (f->fresh < 0)
		return io_failed("open", ".new", w);
	TRY(replay(f, w));
	remove_leftovers(f->fresh);
	return rc_of(OK);
}

rc store_open_files(const char *dir, const struct clock *clock, struct store **out, struct why *w)
{
	struct arena *a = arena_new((size_t)48 << 20);
	struct files *f = ARENA_NEW(a, struct files);
	rc r;

	if (!f || !(f->journal = arena_printf(a, "%s/.journal", dir))) {
		arena_free(a);
		return store_refuse_memory(w);
	}
	f->base = (struct store){&files_vt, clock};
	f->arena = a;
	f->dir = f->fresh = f->lock_fd = -1;
	store_rwlock_init(&f->lock);
	r = open_parts(f, dir, w);
	if (!rc_ok(r)) {
		files_close(&f->base);
		return note(w, r, "opening the store %s", dir);
	}
	*out = &f->base;
	return r;
}
