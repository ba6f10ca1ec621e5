/* file.c - whole files: read with a cap, written so that a crash leaves the old or the new, never a part. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/sys.h"

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static rc open_regular(const char *path, int *fd, struct stat *st, struct why *w)
{
	*fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (*fd < 0)
		return deny(w, errno == ENOENT || errno == ENOTDIR ? E_NOTFOUND : E_UNAVAILABLE, "file.open",
			    "cannot open %s: %s", path, strerror(errno));
	if (fstat(*fd, st) != 0 || S_ISDIR(st->st_mode))
		return deny(w, E_UNAVAILABLE, "file.kind", "%s is not a file that can be read", path);
	return rc_of(OK);
}

static ssize_t read_full(int fd, uint8_t *p, size_t n)
{
	size_t got = 0;

	while (got < n) {
		ssize_t k = read(fd, p + got, n - got);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return -1;
		if (k == 0)
			break;
		got += (size_t)k;
	}
	return (ssize_t)got;
}

rc file_read(struct arena *a, const char *path, size_t max_bytes, struct slice *out, struct why *w)
{
	DEFER(close_fd) int fd = -1;
	size_t n = 0, cap;
	struct stat st;
	uint8_t *p;

	TRY(open_regular(path, &fd, &st, w));
	cap = st.st_size > 0 ? (size_t)st.st_size + 1 : 4096;	/* pipes and /proc have no size */
	for (p = arena_alloc(a, cap);; cap *= 2) {
		uint8_t *q;
		ssize_t k;

		if (!p)
			return deny(w, E_LIMIT, "file.size", "no room for %s", path);
		k = read_full(fd, p + n, cap - 1 - n);
		if (k < 0)
			return deny(w, E_UNAVAILABLE, "file.read", "cannot read %s: %s", path, strerror(errno));
		n += (size_t)k;
		if (n > max_bytes)
			return deny(w, E_LIMIT, "file.size", "%s is larger than %zu bytes", path, max_bytes);
		if (n < cap - 1)
			break;
		q = arena_grow(a, p, cap, cap * 2);
		p = q;
	}
	p[n] = 0;
	*out = (struct slice){p, n};
	return rc_of(OK);
}

rc file_read_secret(const char *path, size_t max_bytes, struct secret *out, struct why *w)
{
	DEFER(close_fd) int fd = -1;
	SECRET(s);
	struct stat st;
	ssize_t k;

	TRY(open_regular(path, &fd, &st, w));
	if (st.st_mode & 077)
		return deny(w, E_DENIED, "file.permissions", "%s has mode %04o: others can read it; chmod 600",
			    path, (unsigned)(st.st_mode & 07777));
	if (st.st_size < 0 || (size_t)st.st_size > max_bytes)
		return deny(w, E_LIMIT, "file.size", "%s is larger than %zu bytes", path, max_bytes);
	TRY(secret_new(&s, (size_t)st.st_size, w));
	k = read_full(fd, s.p, s.n);
	if (k < 0 || (size_t)k != s.n)
		return deny(w, E_UNAVAILABLE, "file.read", "cannot read %s", path);
	*out = secret_move(&s);
	return rc_of(OK);
}

static rc sync_folder(const char *path, struct why *w)
{
	DEFER(close_fd) int fd = -1;
	char dir[4096];
	const char *slash = strrchr(path, '/');
	size_t n = slash ? (size_t)(slash - path) : 0;

	if (n >= sizeof(dir))
		return deny(w, E_LIMIT, "file.path", "path too long");
	memcpy(dir, path, n);
	dir[n] = 0;
	fd = open(slash ? (n ? dir : "/") : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) != 0)
		return deny(w, E_UNAVAILABLE, "file.sync", "cannot sync the folder of %s: %s", path, strerror(errno));
	return rc_of(OK);
}

static rc write_all(int fd, struct slice data, const char *path, struct why *w)
{
	for (size_t done = 0; done < data.n;) {
		ssize_t k = write(fd, data.p + done, data.n - done);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return deny(w, E_UNAVAILABLE, "file.write", "cannot write %s: %s", path, strerror(errno));
		done += (size_t)k;
	}
	if (fsync(fd) != 0)
		return deny(w, E_UNAVAILABLE, "file.sync", "cannot sync %s: %s", path, strerror(errno));
	return rc_of(OK);
}

static rc write_file(const char *path, struct slice data, unsigned mode, bool exclusive, struct why *w)
{
	DEFER(close_fd) int fd = -1;
	uint64_t salt;
	char tmp[4096];
	rc r;

	TRY(sys_random(&salt, sizeof(salt), w));
	if (snprintf(tmp, sizeof(tmp), "%s.%016llx.tmp", path, (unsigned long long)salt) >= (int)sizeof(tmp))
		return deny(w, E_LIMIT, "file.path", "path too long");
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode & 0777);
	if (fd < 0)
		return deny(w, E_UNAVAILABLE, "file.create", "cannot create %s: %s", tmp, strerror(errno));
	r = write_all(fd, data, tmp, w);
	if (rc_ok(r) && exclusive && link(tmp, path) != 0)
		r = errno == EEXIST ? deny(w, E_DENIED, "file.exists", "%s exists already", path)
				    : deny(w, E_UNAVAILABLE, "file.create", "cannot create %s: %s", path, strerror(errno));
	if (rc_ok(r) && !exclusive && rename(tmp, path) != 0)
		r = deny(w, E_UNAVAILABLE, "file.rename", "cannot replace %s: %s", path, strerror(errno));
	if (exclusive || !rc_ok(r))
		(void)unlink(tmp);
	if (rc_ok(r))
		r = sync_folder(path, w);
	return r;
}

rc file_write_atomic(const char *path, struct slice data, unsigned mode, struct why *w)
{
	return write_file(path, data, mode, false, w);
}

rc file_create(const char *path, struct slice data, unsigned mode, struct why *w)
{
	return write_file(path, data, mode, true, w);
}

rc file_mkdirs(const char *path, unsigned mode, struct why *w)
{
	char p[4096];
	size_t n = strlen(path);

	if (n >= sizeof(p))
		return deny(w, E_LIMIT, "file.path", "path too long");
	memcpy(p, path, n + 1);
	for (size_t i = 1; i <= n; i++) {
		if (p[i] != '/' && p[i] != 0)
			continue;
		p[i] = 0;
		if (mkdir(p, (mode_t)mode) != 0 && errno != EEXIST)
			return deny(w, E_UNAVAILABLE, "file.mkdir", "cannot make %s: %s", p, strerror(errno));
		if (i < n)
			p[i] = '/';
	}
	return rc_of(OK);
}

bool file_exists(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0;
}
