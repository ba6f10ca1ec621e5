/* The wire document through the driver, and the bytes as each of the structures inside of it. */
#include "driver_target.h"
#include "evidence/tpm.h"
#include "verifier/tpm/tpm.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct tpm_reasons words = {"t.parse", "t.bad-magic", "t.not-a-quote", "t.signature", "t.pcr-mismatch"};
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct slice in = slice_of(data, size);
	struct tpm_signature s;
	struct tpm_quote q;
	struct tpm_key k;

	if (rc_ok(tpm_quote_parse(in, &words, &q, &w)))
		assert(q.sel_n > 0 && q.message.n == size);
	else
		assert(!why_empty(&w));
	why_clear(&w);
	if (rc_ok(tpm_signature_parse(in, &words, &s, &w)))
		assert(s.hash && (s.rsa.p || s.r.p));
	why_clear(&w);
	if (rc_ok(tpm_key_parse(in, a, &words, &k, &w)))
		tpm_key_free(&k);
	else
		assert(!why_empty(&w));
	arena_free(a);
	fuzz_driver(&tpm_driver, data, size, NULL, 0);
	return 0;
}
