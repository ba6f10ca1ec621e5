/* The journal of the sqlite back end: what is read of any bytes can be written, and then reads the same. */
#include <assert.h>

#include "store/journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	struct journal_record record;
	uint64_t rev;
	unsigned n;
};

static rc see(void *ctx, const struct journal_op *op)
{
	struct seen *s = ctx;

	assert(strlen(op->ns) <= STORE_NS_MAX && strlen(op->key) <= STORE_KEY_MAX && op->ns[0] && op->key[0]);
	assert(op->expires_s >= 0);
	journal_record_add(&s->record, op);
	s->rev ^= op->rev;
	s->n++;
	return rc_of(OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct seen s = {{0}, 0, 0};
	uint64_t gen;
	rc r;

	journal_record_start(&s.record);
	r = journal_replay(slice_of(data, size), a, &gen, see, &s, &w);
	if (rc_ok(r))
		assert(s.n == 0 || gen != 0);
	else
		assert(!why_empty(&w));
	journal_record_free(&s.record);
	arena_free(a);
	return 0;
}
