/* example.c - a verifier outside the tree, for an invented TEE called "x-example".
 *
 * It needs <warrant/verifier.h> and the C library, nothing else:
 *
 *     cc -std=c17 -shared -fPIC -o example.so example.c
 *
 * Its evidence proves nothing: there is no signature in it. It shows each call of the host in the order of a real one.
 *
 * The JSON document is {"quote": "hex of these bytes"}; the bytes themselves are taken as well.
 *
 *   offset  size
 *   0       4     "EXMP"
 *   4       1     version, 1
 *   5       1     debug, 0 or 1
 *   6       2     zero
 *   8       64    report data
 *   72      32    measurement
 *
 * Collateral "example-endorsement", key: the measurement in hex; bytes: a name for it.
 */
#include <string.h>

#include <warrant/verifier.h>

enum { SIZE = 104, DATA_AT = 8, DATA_N = 64, MEASURE_AT = 72, MEASURE_N = 32 };

static void to_hex(const uint8_t *p, size_t n, char *out)
{
	for (size_t i = 0; i < n; i++) {
		*out++ = "0123456789abcdef"[p[i] >> 4];
		*out++ = "0123456789abcdef"[p[i] & 15];
	}
	*out = '\0';
}

static size_t skip(struct warrant_bytes e, size_t at)
{
	while (at < e.n && memchr(" \t\r\n", e.p[at], 4))
		at++;
	return at;
}

/* Where the word ends that stands there, or 0: no document has anything before its brace. */
static size_t word(struct warrant_bytes e, size_t at, const char *text)
{
	size_t n = strlen(text);

	at = skip(e, at);
	return at + n <= e.n && memcmp(e.p + at, text, n) == 0 ? at + n : 0;
}

static int nibble(uint8_t c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The bytes of the quote: the document's, or the evidence as it is. p == NULL: neither, or no memory. */
static struct warrant_bytes quote_of(const struct warrant_host *host, void *job, struct warrant_bytes e)
{
	size_t at = word(e, 0, "{"), end;
	uint8_t *out;

	if (at == 0)
		return e;
	if (!(at = word(e, at, "\"quote\"")) || !(at = word(e, at, ":")) || !(at = word(e, at, "\"")) || at + 2 * SIZE > e.n)
		return (struct warrant_bytes){NULL, 0};
	end = word(e, at + 2 * SIZE, "\"");
	if (!end || !(end = word(e, end, "}")) || skip(e, end) != e.n || !(out = host->alloc(job, SIZE)))
		return (struct warrant_bytes){NULL, 0};
	for (size_t i = 0; i < SIZE; i++) {
		int hi = nibble(e.p[at + 2 * i]), lo = nibble(e.p[at + 2 * i + 1]);

		if (hi < 0 || lo < 0)
			return (struct warrant_bytes){NULL, 0};
		out[i] = (uint8_t)(hi << 4 | lo);
	}
	return (struct warrant_bytes){out, SIZE};
}

static int32_t check_form(const struct warrant_host *host, void *job, struct warrant_bytes *evidence)
{
	struct warrant_bytes e = *evidence = quote_of(host, job, *evidence);

	if (!e.p || e.n != SIZE || memcmp(e.p, "EXMP", 4) != 0 || e.p[5] > 1 || e.p[6] || e.p[7])
		return host->deny(job, WARRANT_MALFORMED, "example.parse", "this is no evidence of an x-example TEE");
	if (e.p[4] != 1)
		return host->deny(job, WARRANT_UNSUPPORTED, "example.unsupported.version", "only version 1 is known");
	return WARRANT_OK;
}

static int32_t plan(const struct warrant_host *host, void *job, struct warrant_bytes e)
{
	char key[2 * MEASURE_N + 1];
	int32_t r = check_form(host, job, &e);

	if (r != WARRANT_OK)
		return r;
	to_hex(e.p + MEASURE_AT, MEASURE_N, key);
	return host->want(job, "example-endorsement", key);
}

/* The expected value may be shorter than the field: zeros follow. */
static int is_bound(const uint8_t field[DATA_N], const struct warrant_bytes *want)
{
	if (want->n > DATA_N || memcmp(field, want->p, want->n) != 0)
		return 0;
	for (size_t i = want->n; i < DATA_N; i++)
		if (field[i])
			return 0;
	return 1;
}

static int32_t check_report_data(const struct warrant_host *host, void *job, const uint8_t *field,
				 const struct warrant_bindings *expected)
{
	char found[2 * DATA_N + 1];

	for (uint32_t i = 0; i < expected->report_data_n; i++)
		if (is_bound(field, &expected->report_data[i]))
			return WARRANT_OK;
	if (expected->report_data_n == 0)
		return WARRANT_OK;
	host->deny(job, WARRANT_DENIED, "example.report-data-mismatch", "the evidence is bound to something else");
	to_hex(field, DATA_N, found);
	host->compared(job, "report_data", found, "what the guest was asked to bind");
	return host->note(job, WARRANT_DENIED, "comparing the report data");
}

static int32_t claim(const struct warrant_host *host, void *job, const char *name, const char *json)
{
	const char *path[] = {name};

	return host->claim(job, path, 1, (struct warrant_bytes){(const uint8_t *)json, strlen(json)});
}

static int32_t claim_hex(const struct warrant_host *host, void *job, const char *name, const uint8_t *p, size_t n)
{
	char text[2 * DATA_N + 3];

	text[0] = '"';
	to_hex(p, n, text + 1);
	memcpy(text + 1 + 2 * n, "\"", 2);
	return claim(host, job, name, text);
}

static int32_t verify(const struct warrant_host *host, void *job, struct warrant_bytes e, const struct warrant_bindings *expected)
{
	static const char *const endorsed[] = {"endorsement", "known"};
	char key[2 * MEASURE_N + 1];
	struct warrant_bytes known;
	int32_t r = check_form(host, job, &e);

	if (r != WARRANT_OK || (r = check_report_data(host, job, e.p + DATA_AT, expected)) != WARRANT_OK)
		return r;
	to_hex(e.p + MEASURE_AT, MEASURE_N, key);
	known = host->collateral(job, "example-endorsement", key);
	if ((r = host->result(job, "cpu")) != WARRANT_OK)
		return r;
	if ((r = claim_hex(host, job, "report_data", e.p + DATA_AT, DATA_N)) != WARRANT_OK ||
	    (r = claim_hex(host, job, "measurement", e.p + MEASURE_AT, MEASURE_N)) != WARRANT_OK ||
	    (r = claim(host, job, "debug", e.p[5] ? "true" : "false")) != WARRANT_OK)
		return r;
	return host->claim(job, endorsed, 2, (struct warrant_bytes){(const uint8_t *)(known.p ? "true" : "false"), known.p ? 4 : 5});
}

const struct warrant_verifier *warrant_verifier_entry(uint32_t host_abi)
{
	static const struct warrant_verifier v = {
		.abi = WARRANT_VERIFIER_ABI,
		.size = sizeof(v),
		.tee = "x-example",
		.plan = plan,
		.verify = verify,
	};

	return host_abi == WARRANT_VERIFIER_ABI ? &v : NULL;
}
