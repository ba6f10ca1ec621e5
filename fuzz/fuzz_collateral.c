/* Pieces of collateral of every kind, as a vendor or a bundle gives them. The first byte picks the kind. */
#include <assert.h>

#include "collateral/kinds.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct collateral_facts f, again;
	size_t n = 0;

	while (collateral_kinds[n].name)
		n++;
	if (size) {
		const char *kind = collateral_kinds[data[0] % n].name;
		struct slice bytes = slice_of(data + 1, size - 1);

		if (rc_ok(collateral_facts(kind, bytes, a, &f, &w))) {
			assert(rc_ok(collateral_facts(kind, bytes, a, &again, NULL)));
			assert(!collateral_is_older(&f, &again, 0));
		} else {
			assert(!why_empty(&w));
		}
	}
	arena_free(a);
	return 0;
}
