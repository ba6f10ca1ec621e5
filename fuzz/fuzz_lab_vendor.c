/* What comes to a vendor on loopback: a request whose route is taken apart, a question to a responder, a fault. What is taken is
 * complete, and what is not says so. */
#include <assert.h>

#include "lab/vendor_int.h"
#include "net/http1.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_route(const struct http_request *r)
{
	static const char *const generations[] = {"Genoa", "Turin", NULL};

	for (size_t i = 0; i < 3; i++) {
		struct asked q;

		if (!vendor_route(r, generations[i], &q))
			continue;
		assert(q.kind);
		if (strcmp(q.kind, "amd-vcek") == 0)
			assert(q.chip.n == 64 && q.tcb.n == 8);
		if (strcmp(q.kind, "intel-tcb-info") == 0)
			assert(strlen(q.fmspc) == 12);
		if (strncmp(q.kind, "nvidia-", 7) == 0)
			assert(q.key);
	}
}

static void route(struct slice in)
{
	struct http1 *h = http1_new(&(struct http1_limits){.head_max = 2048, .body_max = 4096});
	enum http1_event e = HTTP1_MORE;

	while (h && in.n && (e == HTTP1_MORE || e == HTTP1_CONTINUE)) {
		size_t taken;

		e = http1_feed(h, in.p, in.n, &taken);
		in = slice_sub(in, taken, in.n);
	}
	if (h && e == HTTP1_REQUEST) {
		struct http_request *r = http1_request(h);
		struct arena *a = r->arena;

		check_route(r);
		http1_next(h);
		arena_free(a);
	}
	http1_free(h);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = slice_of(data, size);
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct fault f = {FAULT_NONE, 0};

	route(in);
	(void)vendor_read_ocsp(in, a);
	if (rc_ok(fault_parse(in, &f, &w)))
		assert(f.kind != FAULT_NONE && f.amount >= 0);
	else
		assert(!why_empty(&w));
	arena_free(a);
	return 0;
}
