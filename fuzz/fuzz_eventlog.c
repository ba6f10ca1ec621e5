/* A log that reads replays and becomes claims, whatever its details are; a refusal has a reason. */
#include <assert.h>

#include "evidence/eventlog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void one(const uint8_t *data, size_t size, enum eventlog_kind kind)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct eventlog l;
	uint8_t v[DIGEST_MAX];

	if (!rc_ok(eventlog_parse(a, slice_of(data, size), kind, "t.parse", &l, &w))) {
		assert(!why_empty(&w));
	} else {
		rc r = eventlog_replay(&l, DIGEST_SHA256, 0, v, &w);

		assert(rc_ok(r) && l.used <= size && l.n > 0);
		assert(eventlog_json(a, &l) || arena_bad(a));
		r = eventlog_check_digests(&l, "t.digest", &w);
		assert(rc_ok(r) || !why_empty(&w));
	}
	arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	one(data, size, EVENTLOG_PCR);
	one(data, size, EVENTLOG_CC);
	return 0;
}
