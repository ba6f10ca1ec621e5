#include "store/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cur.h"
#include "base/num.h"

#define MAGIC     0x316a4b57u /* "WKj1" */
#define HEAD      32u
#define OP_HEAD   25u
#define KEEP_SIZE ((uint64_t)16 << 20) /* a file is cut to this when it is used again */

/* ---- CRC-32C (RFC 3720 appendix B.4), reflected ---- */

static uint32_t crc_plain(uint32_t crc, const uint8_t *p, size_t n)
{
	for (; n; n--) {
		crc ^= *p++;
		for (int i = 0; i < 8; i++)
			crc = (crc >> 1) ^ (0x82f63b78u & (0u - (crc & 1u)));
	}
	return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc_fast(uint32_t crc, const uint8_t *p, size_t n)
{
	uint64_t c = crc, word;

	for (; n >= 8; p += 8, n -= 8) {
		memcpy(&word, p, 8);
		c = __builtin_ia32_crc32di(c, word);
	}
	for (; n; n--)
		c = __builtin_ia32_crc32qi((uint32_t)c, *p++);
	return (uint32_t)c;
}
#endif

static uint32_t crc32c(const uint8_t *p, size_t n)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("sse4.2"))
		return ~crc_fast(~0u, p, n);
#endif
	return ~crc_plain(~0u, p, n);
}

/* ---- making a record ---- */

static uint8_t *room(struct journal_record *r, size_t n)
{
	size_t need, cap = r->cap ? r->cap : 4096;
	uint8_t *p;

	if (r->bad || !num_add(r->n, n, &need) || need > JOURNAL_RECORD_MAX) {
		r->bad = true;
		return NULL;
	}
	while (cap < need)
		cap *= 2;
	if (cap != r->cap) {
		p = realloc(r->p, cap);
		if (!p) {
			r->bad = true;
			return NULL;
		}
		r->p = p;
		r->cap = cap;
	}
	p = r->p + r->n;
	r->n = need;
	return p;
}

static void le(uint8_t *p, uint64_t v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

void journal_record_start(struct journal_record *r)
{
	if (r->cap > (1u << 20)) {
		free(r->p);
		*r = (struct journal_record){0};
	}
	r->n = 0;
	r->bad = false;
	(void)room(r, HEAD);
}

void journal_record_add(struct journal_record *r, const struct journal_op *op)
{
	struct slice value = op->gone ? (struct slice){0} : op->value;
	size_t ns_n = strlen(op->ns), key_n = strlen(op->key);
	uint8_t *p = room(r, OP_HEAD + ns_n + key_n + value.n);

	if (!p)
		return;
	p[0] = op->gone;
	le(p + 1, ns_n, 2);
	le(p + 3, key_n, 2);
	le(p + 5, value.n, 4);
	le(p + 9, op->rev, 8);
	le(p + 17, op->gone ? 0 : (uint64_t)op->expires_s, 8);
	memcpy(p + OP_HEAD, op->ns, ns_n);
	memcpy(p + OP_HEAD + ns_n, op->key, key_n);
	if (value.n)
		memcpy(p + OP_HEAD + ns_n + key_n, value.p, value.n);
}

void journal_record_free(struct journal_record *r)
{
	free(r->p);
	*r = (struct journal_record){0};
}

/* ---- the file ---- */

static rc failed(const char *what, int e, struct why *w)
{
	bool full = e == ENOSPC || e == EDQUOT || e == EFBIG;

	return deny(w, E_UNAVAILABLE, full ? "store.full" : "store.down", "%s the journal: %s", what, strerror(e));
}

rc journal_open(const char *path, struct journal *out, struct why *w)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
	struct stat st = {0};

	if (fd < 0)
		return failed("opening", errno, w);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return deny(w, E_UNAVAILABLE, "store.down", "%s is not a regular file", path);
	}
	if (st.st_mode & 077) {
		close(fd);
		return deny(w, E_DENIED, "store.permissions", "%s has mode %04o: others can read it; chmod 600", path,
		            (unsigned)(st.st_mode & 07777));
	}
	*out = (struct journal){.fd = fd, .size = (uint64_t)st.st_size};
	return rc_of(OK);
}

void journal_close(struct journal *j)
{
	if (j->fd >= 0)
		close(j->fd);
	j->fd = -1;
}

rc journal_restart(struct journal *j, uint64_t gen, struct why *w)
{
	if (j->size > KEEP_SIZE) {
		if (ftruncate(j->fd, (off_t)KEEP_SIZE) != 0)
			return failed("cutting", errno, w);
		j->size = KEEP_SIZE;
	}
	j->gen = gen;
	j->seq = 0;
	j->at = 0;
	j->broken = false;
	return rc_of(OK);
}

/* 0, or errno. */
static int write_at(int fd, const uint8_t *p, size_t n, uint64_t at)
{
	while (n) {
		ssize_t k = pwrite(fd, p, n, (off_t)at);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return errno;
		if (k == 0)
			return ENOSPC;
		p += k;
		n -= (size_t)k;
		at += (uint64_t)k;
	}
	return fdatasync(fd) == 0 ? 0 : errno;
}

/* What was written of a refused record may be whole on the disk: its head is overwritten, durably. */
static int take_back(struct journal *j)
{
	static const uint8_t nothing[HEAD];
	int e = 0;

	if (j->size > j->at)
		e = write_at(j->fd, nothing, MIN_OF(HEAD, (size_t)(j->size - j->at)), j->at);
	j->broken = e != 0;
	return e;
}

rc journal_append(struct journal *j, struct journal_record *r, struct why *w)
{
	struct stat st;
	int e;

	if (r->bad)
		return deny(w, E_UNAVAILABLE, "store.down", "no memory for a record of the journal");
	if (j->broken && (e = take_back(j)) != 0)
		return failed("repairing", e, w);
	le(r->p, MAGIC, 4);
	le(r->p + 8, r->n - HEAD, 8);
	le(r->p + 16, j->gen, 8);
	le(r->p + 24, j->seq, 8);
	le(r->p + 4, crc32c(r->p + 8, r->n - 8), 4);
	e = write_at(j->fd, r->p, r->n, j->at);
	if (e != 0) {
		if (fstat(j->fd, &st) == 0)
			j->size = (uint64_t)st.st_size;
		(void)take_back(j);
		return failed("writing", e, w);
	}
	j->at += r->n;
	j->size = MAX_OF(j->size, j->at);
	j->seq++;
	return rc_of(OK);
}

/* ---- reading ---- */

/* The payload of the record at the front of `file`; false: there is none. */
static bool next_record(struct slice file, uint64_t *gen, uint64_t seq, struct slice *payload)
{
	struct msg m;
	struct cur c = cur_open(&m, slice_sub(file, 0, HEAD));
	uint32_t magic = cur_le32(&c), crc = cur_le32(&c);
	uint64_t n = cur_le64(&c), its_gen = cur_le64(&c), its_seq = cur_le64(&c);

	if (!rc_ok(cur_end(&c, NULL, "store.journal", "a record's head")))
		return false;
	if (magic != MAGIC || its_seq != seq || its_gen == 0 || (*gen && its_gen != *gen) || n > file.n - HEAD)
		return false;
	if (crc32c(file.p + 8, HEAD - 8 + (size_t)n) != crc)
		return false;
	*gen = its_gen;
	*payload = slice_sub(file, HEAD, (size_t)n);
	return true;
}

static char *name(struct arena *a, struct slice s)
{
	return s.n && !memchr(s.p, 0, s.n) ? arena_strndup(a, s.p, s.n) : NULL;
}

static rc replay_record(struct slice payload, struct arena *a, rc (*each)(void *ctx, const struct journal_op *op),
                        void *ctx, struct why *w)
{
	struct msg m;
	struct cur c = cur_open(&m, payload);

	while (cur_more(&c)) {
		struct journal_op op = {.gone = cur_u8(&c) != 0};
		size_t ns_n = cur_le16(&c), key_n = cur_le16(&c), value_n = cur_le32(&c);
		struct slice ns, key;

		op.rev = cur_le64(&c);
		op.expires_s = (int64_t)cur_le64(&c);
		ns = cur_take(&c, ns_n);
		key = cur_take(&c, key_n);
		op.value = cur_take(&c, value_n);
		if (m.bad)
			break;
		op.ns = name(a, ns);
		op.key = name(a, key);
		if (arena_bad(a))
			return deny(w, E_UNAVAILABLE, "store.down", "no memory for what the journal holds");
		if (!op.ns || !op.key || ns_n > STORE_NS_MAX || key_n > STORE_KEY_MAX || op.expires_s < 0)
			return deny(w, E_UNAVAILABLE, "store.corrupt",
			            "the journal holds an operation that was never committed");
		TRY(each(ctx, &op));
	}
	return cur_end(&c, w, "store.corrupt", "a record of the journal");
}

rc journal_replay(struct slice file, struct arena *a, uint64_t *gen, rc (*each)(void *ctx, const struct journal_op *op),
                  void *ctx, struct why *w)
{
	struct slice payload;

	*gen = 0;
	for (uint64_t seq = 0; next_record(file, gen, seq, &payload); seq++) {
		TRY(replay_record(payload, a, each, ctx, w));
		file = slice_sub(file, HEAD + payload.n, file.n);
	}
	return rc_of(OK);
}
