/* Keys of collateral, which come from evidence: none leads out of a folder of certificates, and each refusal has a reason.
 * The first byte picks the kind. */
#include <assert.h>

#include "collateral/kinds.h"
#include "collateral/upstream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const kinds[] = {"amd-vcek", "amd-ask-ark", "amd-crl"};
	const struct upstream_config config = {.amd = {{true, "/dev/null/none"}}, .amd_n = 1};
	struct collateral_answer answer;
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct upstream *u;

	if (size && rc_ok(upstream_open(&config, &u, NULL))) {
		const struct collateral_source *s = upstream_source(u);
		const char *key = arena_strndup(a, data + 1, size - 1);

		assert(s->fetch(s->ctx, kinds[data[0] % 3], key, NULL, a, &answer, &w).code == E_NOTFOUND && !why_empty(&w));
		upstream_close(u);
	}
	arena_free(a);
	return 0;
}
