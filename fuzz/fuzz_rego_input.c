/* An input read when it is touched and one read at once are the same value; every level of the scan sees the same text. */
#include <assert.h>

#include "rego/lazy.h"
#include "rego/scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new((size_t)64 << 20);
	struct rv_heap h = rv_heap_in(a, 0);
	struct slice text = {data, size};
	struct rv eager = rv_from_json(&h, text, NULL, NULL, NULL);
	bool first = false;

	for (int level = SCAN_WORDS; level <= (int)scan_best(); level++) {
		struct rv_source s = {.heap = &h, .text = text, .tape = lazy_index(&h, text, level)};

		if (level == SCAN_WORDS)
			first = s.tape != NULL;
		assert((s.tape != NULL) == first || rv_heap_bad(&h));
		if (s.tape && !rv_heap_bad(&h)) {
			struct rv v = lazy_value(&s, 0);

			assert(eager.kind != RV_UNDEF);
			/* a step before all is opened, and one behind */
			for (int round = 0; round < 2; round++) {
				if (v.kind == RV_OBJECT && eager.coll->n)
					assert(rv_eq(rv_step(v, eager.coll->keys[0]), eager.coll->vals[0]) || rv_heap_bad(&h));
				rv_open_all(v);
			}
			assert(rv_eq(v, eager) || rv_heap_bad(&h));
		}
	}
	arena_free(a);
	return 0;
}
