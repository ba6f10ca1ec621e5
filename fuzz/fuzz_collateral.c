/* Pieces of collateral of every kind, as a vendor or a bundle gives them. The first byte picks the kind. Each is also judged by a chain,
 * what stands from its first PEM block on, of which every certificate counts. */
#include <assert.h>

#include "collateral/kinds.h"
#include "collateral/signed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool every(void *ctx, const char *set, const uint8_t sha256[32])
{
	(void)ctx;
	(void)set;
	(void)sha256;
	return true;
}

static void judge(const char *kind, struct slice bytes, struct arena *a)
{
	static const struct signed_trust trust = {every, NULL};
	const uint8_t *at = bytes.p ? memmem(bytes.p, bytes.n, "-----BEGIN", 10) : NULL;
	const struct signed_kind *k = signed_kind_find(kind);
	struct slice pem = at ? slice_sub(bytes, (size_t)(at - bytes.p), bytes.n) : (struct slice){0};

	/* where no certificate is at hand nothing is known */
	if (k && signed_by(k, bytes, &pem, 1, &trust, a) != SIGNER_UNKNOWN)
		assert(at);
}

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
		judge(kind, bytes, a);
	}
	arena_free(a);
	return 0;
}
