/* Reads requests whole and byte by byte: both readings agree on the verdict, the bytes taken, the path and the body. */
#include <assert.h>

#include "net/http1.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct reading {
	struct http1 *h;
	enum http1_event last;
	size_t used;
};

static struct reading read_in(struct slice in, size_t step)
{
	const struct http1_limits limits = {.head_max = 2048, .body_max = 4096};
	struct reading r = {.h = http1_new(&limits), .last = HTTP1_MORE};

	while (r.h && r.used < in.n && (r.last == HTTP1_MORE || r.last == HTTP1_CONTINUE)) {
		struct slice part = slice_sub(in, r.used, step);
		size_t taken;

		r.last = http1_feed(r.h, part.p, part.n, &taken);
		assert(taken <= part.n);
		r.used += taken;
	}
	return r;
}

static void drop(struct reading *r)
{
	if (r->h && r->last == HTTP1_REQUEST) {
		struct arena *a = http1_request(r->h)->arena;

		http1_next(r->h);
		arena_free(a);
	}
	http1_free(r->h);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);
	struct reading x = read_in(in, size), y = read_in(in, 1);

	if (x.h && y.h) {
		assert((x.last == HTTP1_REFUSED) == (y.last == HTTP1_REFUSED));
		if (x.last == HTTP1_REFUSED)
			assert(http1_status(x.h) == http1_status(y.h) && http1_status(x.h) >= 400);
		if (x.last == HTTP1_REQUEST) {
			assert(y.last == HTTP1_REQUEST && x.used == y.used);
			assert(slice_eq(http1_request(x.h)->body, http1_request(y.h)->body));
			assert(slice_eq(http1_request(x.h)->path, http1_request(y.h)->path));
		}
	}
	drop(&x);
	drop(&y);
	return 0;
}
