/* A canonical path holds nothing that a file system or a second decoder could read otherwise. */
#include <assert.h>

#include "base/utf8.h"
#include "net/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct http_request *r = a ? ARENA_NEW(a, struct http_request) : NULL;

	if (!r) {
		arena_free(a);
		return 0;
	}
	r->arena = a;
	r->target = slice_of(data, size);
	if (rc_ok(http_target(r, &w))) {
		for (size_t i = 0; i < r->segments; i++) {
			struct slice s = r->segment[i];

			assert(s.n && !slice_is(s, ".") && !slice_is(s, "..") && utf8_valid(s));
			assert(!memchr(s.p, 0, s.n) && !memchr(s.p, '/', s.n) && !memchr(s.p, '\\', s.n));
		}
		assert(r->query);
	} else {
		assert(!why_empty(&w));
	}
	arena_free(a);
	return 0;
}
