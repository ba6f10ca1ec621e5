/* What the log reads back from the store: heads, records and decisions of any bytes. */
#include <assert.h>

#include "audit/audit_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct slice in = slice_of(data, size);
	struct json *v;
	struct head h;

	if (rc_ok(head_parse(in, a, &h, &w)))
		assert(h.prev <= h.pub.size && h.pub.size <= INT64_MAX);
	else
		assert(!why_empty(&w));
	why_clear(&w);
	if (!rc_ok(record_check(a, in, 7, &w)))
		assert(!why_empty(&w));
	if (rc_ok(json_parse(a, in, NULL, &v, NULL))) {
		const char *text = decision_render(a, v);

		for (; text && *text; text++)
			assert(*text == '\n' || (unsigned char)*text >= 0x20);
	}
	arena_free(a);
	return 0;
}
