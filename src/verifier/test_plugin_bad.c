/* test_plugin_bad.c - a plug-in that does what the first byte of its evidence says, nearly all of it wrong. Built as a module by the
 * tests, with BAD_TEE and BAD_ABI as they want; with BAD_SELF the name of its file says what it is. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
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

__attribute__((unused)) static int32_t plan(const struct warrant_host *h, void *job, struct warrant_bytes e)
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
	case 'k':
		return h->want(job, NULL, "key");
	case 'c':	/* there is none to be had yet */
		return h->collateral(job, "kind", "key").p ? h->deny(job, WARRANT_DENIED, "bad.early", "text") : 0;
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

/* The clock, and which anchors the host knows. */
static int32_t world(const struct warrant_host *h, void *job)
{
	static const char *const now[] = {"now"}, *const anchors[] = {"anchors"}, *const got[] = {"collateral"};
	static const uint8_t known[32] = {1, 2, 3}, other[32] = {3, 2, 1};
	char text[64];
	int32_t r = h->result(job, "dcu");

	snprintf(text, sizeof(text), "%lld", (long long)h->now(job));
	if (!r)
		r = claim(h, job, now, 1, text);
	snprintf(text, sizeof(text), "[%d,%d,%d,%d,%d]", h->anchor(job, "set", known), h->anchor(job, "set", other),
		 h->anchor(job, "other", known), h->anchor(job, NULL, known), h->anchor(job, "set", NULL));
	if (!r)
		r = claim(h, job, anchors, 1, text);
	snprintf(text, sizeof(text), "[%d,%d,%d]", h->collateral(job, "kind", "key").p != NULL, h->collateral(job, NULL, "key").p != NULL,
		 h->collateral(job, "kind", NULL).p != NULL);
	return r ? r : claim(h, job, got, 1, text);
}

/* Claims that are none. */
static int32_t bad_claim(const struct warrant_host *h, void *job, char which)
{
	static const char *const deep[17] = {"a", "a", "a", "a", "a", "a", "a", "a", "a", "a", "a", "a", "a", "a", "a", "a", "a"};
	static const char *const one[] = {"a"}, *const none[] = {NULL};
	char big[5000];
	const char *const large[] = {big};
	int32_t r = h->result(job, "cpu");

	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	switch (which) {
	case '0':
		return claim(h, job, NULL, 1, "1");
	case '1':
		return claim(h, job, one, 0, "1");
	case '2':
		return claim(h, job, deep, 17, "1");
	case '3':
		return h->claim(job, one, 1, (struct warrant_bytes){NULL, 0});
	case '4':
		return claim(h, job, none, 1, "1");
	case '5':
		return claim(h, job, large, 1, "1");
	case '6':	/* as deep as may be */
		return claim(h, job, deep, 16, "1");
	case '7':
		return h->result(job, NULL);
	case '8':
		return h->deny(job, WARRANT_DENIED, NULL, "text");
	case '9':
		return h->deny(job, WARRANT_DENIED, "bad.text", NULL);
	case 'a':
		return h->deny(job, WARRANT_DENIED, "bad.text", big);
	case 'b':
		return h->deny(job, WARRANT_DENIED, "", "text");
	case 'c':
		return h->deny(job, WARRANT_DENIED, big, "text");
	case 'd':	/* one more than there may be */
		for (int i = 0; i < 64 && !r; i++)
			r = h->result(job, "gpu");
		return r;
	case 'e':	/* texts that are left out */
		r = h->deny(job, WARRANT_DENIED, "bad.reason", "text");
		h->compared(job, big, "found", "expected");
		h->compared(job, "subject", big, "expected");
		h->compared(job, "subject", "found", big);
		h->note(job, r, big);
		return h->note(job, r, NULL);
	case 'f':	/* parts of a comparison that are not known */
		r = h->deny(job, WARRANT_DENIED, "bad.reason", "text");
		h->compared(job, "subject", NULL, NULL);
		h->compared(job, NULL, "found", "expected");
		return r;
	default:
		return 0;
	}
}

__attribute__((unused)) static int32_t verify(const struct warrant_host *h, void *job, struct warrant_bytes e, const struct warrant_bindings *expected)
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
	case 'h':
		return world(h, job);
	case 'u':	/* the code that comes next, as a digit */
		return h->deny(job, e.n > 1 ? e.p[1] - '0' : 0, "bad.code", "text");
	case 'w':
		return bad_claim(h, job, e.n > 1 ? (char)e.p[1] : 0);
	case 'g':	/* good, for once */
		h->result(job, "cpu");
		return claim(h, job, two, 2, "[1,{\"x\":null}]");
	default:
		return h->deny(job, WARRANT_MALFORMED, "bad.parse", "what?");
	}
}

#if BAD_SELF
/* "x-name.so" is a verifier of x-name; other names say what is wrong with it. */
const struct warrant_verifier *warrant_verifier_entry(uint32_t host_abi)
{
	static struct warrant_verifier v = {WARRANT_VERIFIER_ABI, sizeof(v), NULL, plan, verify};
	static char name[64];
	Dl_info self;

	(void)host_abi;
	if (!dladdr((void *)warrant_verifier_entry, &self))
		return NULL;
	snprintf(name, sizeof(name), "%s", strrchr(self.dli_fname, '/') + 1);
	*strrchr(name, '.') = '\0';
	v.tee = name;
	if (!strcmp(name, "null"))
		return NULL;
	if (!strcmp(name, "tee-null"))
		v.tee = NULL;
	if (!strcmp(name, "short"))
		v.size = 24;
	if (!strcmp(name, "no-verify"))
		v.verify = NULL;
	if (!strcmp(name, "x-no-plan"))
		v.plan = NULL;
	return &v;
}
#elif !BAD_NO_ENTRY
const struct warrant_verifier *warrant_verifier_entry(uint32_t host_abi)
{
	static const struct warrant_verifier v = {BAD_ABI, sizeof(v), BAD_TEE, plan, verify};

	(void)host_abi;
	return &v;
}
#endif
