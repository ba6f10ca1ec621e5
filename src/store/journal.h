/* journal.h - the write-ahead journal of the sqlite back end: what is committed, in the order of the commits.
 *
 * Two files, used in turn. A file belongs to one generation at a time; what an earlier generation left behind the last
 * record is not read, because every record names its generation and its place in it. A record is one commit, whole or
 * not at all: magic, CRC-32C, length, generation, sequence number (little endian), then the operations. Not thread-safe.
 */
#pragma once
#include "store/store.h"

#define JOURNAL_RECORD_MAX ((size_t)STORE_BATCH_BYTES_MAX + ((size_t)8 << 20))

struct journal_op {
	const char *ns, *key;	/* NUL-terminated; read ones are in the arena */
	struct slice value;
	uint64_t rev;
	int64_t expires_s;
	bool gone;	/* deleted: value and expires_s say nothing */
};

/* One file, open for writing. */
struct journal {
	int fd;
	uint64_t gen, seq;	/* of the next record */
	uint64_t at, size;	/* where it goes; the length of the file */
	bool broken;	/* a failed write could not be taken back: nothing is written before that worked */
};

/* A record in the making; the buffer is used again and again. */
struct journal_record {
	uint8_t *p;
	size_t n, cap;
	bool bad;	/* no memory, or over JOURNAL_RECORD_MAX */
};

void journal_record_start(struct journal_record *r);
void journal_record_add(struct journal_record *r, const struct journal_op *op);
void journal_record_free(struct journal_record *r);

/* Makes the file (0600) when there is none. E_UNAVAILABLE store.full, store.down; E_DENIED store.permissions. */
RC journal_open(const char *path, struct journal *out, struct why *w);
void journal_close(struct journal *j);
/* From now on the file holds generation `gen`, which has no record yet. A long file is cut. */
RC journal_restart(struct journal *j, uint64_t gen, struct why *w);
/* Writes the record and waits until it is durable. E_UNAVAILABLE store.full, store.down: it is not there and will not
 * come back after a crash. */
RC journal_append(struct journal *j, struct journal_record *r, struct why *w);

/* Reads the records that belong to one generation: from the first on, until one is torn or of another generation.
 * *gen is 0 when there is none. Each operation goes to `each`, in order. */
RC journal_replay(struct slice file, struct arena *a, uint64_t *gen, rc (*each)(void *ctx, const struct journal_op *op),
		  void *ctx, struct why *w);
