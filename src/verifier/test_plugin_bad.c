/* test_plugin_bad.c - a plug-in that does what the first byte of its evidence says, all of it wrong. Built as a module by the
 * tests, with BAD_TEE and BAD_ABI as they want. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <warrant/verifier.h>

#ifndef BAD_TEE
#define BAD_TEE "x-bad"
#endif
#ifndef BAD_ABI
#define BAD_ABI WARRANT_VERIFIER_ABI
#endif

static int32_t claim(const struct warrant_host *h, void *job, const char *const *path, uint32_t n, const char *json)
{
	return h->claim(job, path, n, (struct warrant_bytes){(const uint8_t *)json, strlen(json)});
}

static int32_t plan(const struct warrant_host *h, void *job, struct warrant_bytes e)
{
	char big[5000];

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	switch (e.n ? e.p[0] : 0) {
	case 'r':
		return h->result(job, "cpu");
	case 'b':
		return h->want(job, "kind", big);
	case 'n':
		return h->want(job, "kind", NULL);
	case 'm':
		for (int i = 0; i < 1000; i++) {
			char key[2] = {(char)('0' + i % 70), '\0'};
			int32_t r = h->want(job, "kind", key);

			if (r)
				return r;
		}
		return 0;
	default:
		return 0;
	}
}

static int32_t verify(const struct warrant_host *h, void *job, struct warrant_bytes e, const struct warrant_bindings *expected)
{
	static const char *const one[] = {"a"}, *const two[] = {"a", "b"};

	(void)expected;
	switch (e.n ? e.p[0] : 0) {
	case '0':	/* accepts, without a result */
		return 0;
	case '1':	/* refuses, without a reason */
		return WARRANT_DENIED;
	case '2':	/* refuses, then accepts */
		h->result(job, "cpu");
		h->deny(job, WARRANT_DENIED, "bad.reason", "text");
		return 0;
	case '3':	/* a code that is none */
		return 4711;
	case '4':
		h->result(job, "nonsense");
		return 0;
	case '5':	/* a claim without a result */
		return claim(h, job, one, 1, "1");
	case '6':
		h->result(job, "cpu");
		return claim(h, job, one, 1, "{\"x\":");
	case '7':
		h->result(job, "cpu");
		claim(h, job, one, 1, "1");
		return claim(h, job, two, 2, "1");
	case '8':	/* collateral outside of planning */
		h->result(job, "cpu");
		return h->want(job, "kind", "key");
	case '9':
		return h->deny(job, WARRANT_DENIED, "No Reason At All", "text");
	case 'a':
		return h->deny(job, 0, "bad.reason", "text");
	case 'b':	/* more memory than there is: told, not fatal */
		if (h->alloc(job, (size_t)1 << 40))
			return 0;
		return h->deny(job, WARRANT_LIMIT, "bad.memory", "none was given");
	case 'c':
		abort();
	case 'd':
		*(volatile int *)16 = 1;
		return 0;
	case 'e':	/* a file */
		h->result(job, "cpu");
		return claim(h, job, one, 1, open("/etc/passwd", O_RDONLY) >= 0 ? "\"opened\"" : "\"closed\"");
	case 'f':
		for (;;)
			pause();
	case 'g':	/* good, for once */
		h->result(job, "cpu");
		return claim(h, job, two, 2, "[1,{\"x\":null}]");
	default:
		return h->deny(job, WARRANT_MALFORMED, "bad.parse", "what?");
	}
}

const struct warrant_verifier *warrant_verifier_entry(uint32_t host_abi)
{
	static const struct warrant_verifier v = {BAD_ABI, sizeof(v), BAD_TEE, plan, verify};

	(void)host_abi;
	return &v;
}
