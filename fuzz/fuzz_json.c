/* Reads, writes, reads again: the two readings agree, and a refusal has a reason. */
#include <assert.h>

#include "codec/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct json *v, *again;
	struct buf b = buf_in(a, 0), jcs = buf_in(a, 0);
	rc r = json_parse(a, slice_of(data, size), NULL, &v, &w);

	if (!rc_ok(r)) {
		assert(!why_empty(&w));
	} else {
		json_write(&b, v);
		assert(buf_ok(&b));
		r = json_parse(a, buf_view(&b), NULL, &again, &w);
		assert(rc_ok(r) && json_equal(v, again));
		if (rc_ok(json_write_jcs(&jcs, v, NULL))) {
			r = json_parse(a, buf_view(&jcs), NULL, &again, &w);
			assert(rc_ok(r));
		}
	}
	arena_free(a);
	return 0;
}
