/* Whatever is taken can be written as JSON and read again; whatever is refused has a reason. */
#include <assert.h>

#include "codec/toml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct json *v, *again;
	rc r = toml_parse(a, slice_of(data, size), &v, "input", &w);

	if (rc_ok(r)) {
		r = json_parse(a, json_text(a, v), &(struct json_limits){.max_depth = 100}, &again, &w);
		assert(rc_ok(r) && json_equal(v, again));
	} else {
		assert(!why_empty(&w));
	}
	arena_free(a);
	return 0;
}
