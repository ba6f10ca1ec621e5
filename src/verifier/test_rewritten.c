/* Good evidence of the lab in which something was rewritten that no signature covers: a length, a type, the text of an event, a piece
 * that belongs to another TEE. Whoever carries the evidence can do that, so each must be refused for what it is, or say nothing. */
#include "base/num.h"
#include "codec/base64.h"
#include "verifier/test_world.h"

#define HCL_TYPE 0x4c8u	/* offset of the report's type */

static struct json *parsed(struct arena *a, struct slice text)
{
	struct json *v = NULL;

	assert_true(rc_ok(json_parse(a, text, NULL, &v, NULL)));
	return v;
}

static uint8_t *member_bytes(struct arena *a, const struct json *doc, const char *name, enum b64 kind, size_t *n)
{
	struct slice bytes;
	uint8_t *copy;

	assert_true(rc_ok(b64_decode(a, kind, json_get(doc, name)->text, &bytes, name, NULL)));
	copy = arena_alloc(a, bytes.n);
	assert_non_null(copy);
	memcpy(copy, bytes.p, bytes.n);
	*n = bytes.n;
	return copy;
}

static void put_bytes(struct arena *a, struct json *doc, const char *name, enum b64 kind, const uint8_t *p, size_t n)
{
	json_set(a, doc, name, json_new_str(a, b64_text(a, kind, slice_of(p, n))));
}

static void expect(struct trial *t, const struct world *w, const char *reason)
{
	if (rc_ok(trial_run(t, w->driver)) != !reason || (reason && strcmp(why_reason(&t->why), reason) != 0))
		fail_msg("%s: %s (%s), expected %s", w->driver->tee, why_reason(&t->why), why_text(&t->why), reason ? reason : "acceptance");
	trial_end(t);
}

static void a_paravisors_report_is_of_the_tee_that_it_says(void **state)
{
	static const struct {
		const char *tee;
		uint8_t type;
		const char *reason;
	} row[] = {
		{"az-snp-vtpm", 2, NULL}, {"az-snp-vtpm", 4, "az-snp-vtpm.unsupported.report"}, {"az-snp-vtpm", 3, "hcl.unsupported.type"},
		{"az-tdx-vtpm", 4, NULL}, {"az-tdx-vtpm", 2, "az-tdx-vtpm.unsupported.report"}, {"az-tdx-vtpm", 0, "hcl.unsupported.type"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(row); i++) {
		struct world w;
		struct trial t;
		struct json *doc;
		uint8_t *hcl;
		size_t n;

		world_open(&w, row[i].tee, NULL);
		begin(&t, &w, NULL);
		doc = parsed(t.a, t.job.evidence);
		hcl = member_bytes(t.a, doc, "hcl_report", B64_URL_PAD, &n);
		assert_true(n > HCL_TYPE);
		hcl[HCL_TYPE] = row[i].type;
		put_bytes(t.a, doc, "hcl_report", B64_URL_PAD, hcl, n);
		t.job.evidence = json_text(t.a, doc);
		expect(&t, &w, row[i].reason);
		world_close(&w);
	}
}

static void a_quote_of_an_enclave_stands_for_no_guest(void **state)
{
	struct world w, sgx;
	struct trial t, s;
	struct json *doc;
	uint8_t *quote;
	size_t n;

	(void)state;
	world_open(&sgx, "sgx", NULL);
	begin(&s, &sgx, NULL);
	quote = member_bytes(s.a, parsed(s.a, s.job.evidence), "quote", B64_STD, &n);
	world_open(&w, "az-tdx-vtpm", NULL);
	begin(&t, &w, NULL);
	doc = parsed(t.a, t.job.evidence);
	put_bytes(t.a, doc, "td_quote", B64_URL_PAD, quote, n);
	t.job.evidence = json_text(t.a, doc);
	expect(&t, &w, "az-tdx-vtpm.unsupported.tee-type");
	world_close(&w);
	world_open(&w, "tdx", NULL);
	begin(&t, &w, NULL);
	doc = parsed(t.a, t.job.evidence);
	put_bytes(t.a, doc, "quote", B64_STD, quote, n);
	t.job.evidence = json_text(t.a, doc);
	expect(&t, &w, "tdx.unsupported.tee-type");
	world_close(&w);
	trial_end(&s);
	world_close(&sgx);
}

/* The digest of a separator is of its data: a text that does not fit it is a lie, though the log replays. */
static void the_text_of_a_bound_event_must_be_that_of_its_digest(void **state)
{
	static const struct {
		const char *tee, *member, *reason;
	} row[] = {{"tpm", "eventlog", "tpm.event-digest-mismatch"}, {"tdx", "cc_eventlog", "tdx.event-digest-mismatch"},
		   {"csv", "cc_eventlog", "csv.event-digest-mismatch"}};
	static const uint8_t separator[8] = {4, 0, 0, 0, 0, 0, 0, 0};	/* the size of the data, and the data */

	(void)state;
	for (size_t i = 0; i < COUNT_OF(row); i++) {
		struct world w;
		struct trial t;
		struct json *doc;
		uint8_t *log, *at;
		size_t n;

		world_open(&w, row[i].tee, i == 2 ? "v2" : NULL);
		begin(&t, &w, NULL);
		doc = parsed(t.a, t.job.evidence);
		if (!json_is(json_get(doc, row[i].member), JSON_STRING))
			fail_msg("%s comes without a log", row[i].tee);
		log = member_bytes(t.a, doc, row[i].member, B64_STD, &n);
		at = n > 100 ? memmem(log + 100, n - 100, separator, sizeof(separator)) : NULL;
		if (!at)
			fail_msg("the log of %s has no separator", row[i].tee);
		at[7] = 1;
		put_bytes(t.a, doc, row[i].member, B64_STD, log, n);
		t.job.evidence = json_text(t.a, doc);
		expect(&t, &w, row[i].reason);
		world_close(&w);
	}
}

/* A log that no quoted register speaks for is a story. */
static void a_log_of_registers_that_are_not_quoted_is_refused(void **state)
{
	struct world w;
	struct trial t;

	(void)state;
	world_open(&w, "tpm", NULL);
	begin(&t, &w, "{\"selection\":65536}");	/* PCR 16 alone */
	expect(&t, &w, "tpm.pcr-mismatch.eventlog");
	world_close(&w);
}

/* Each register by itself: a log that leads to three of the four has a lie in the last. */
static void a_log_must_lead_to_every_register(void **state)
{
	static const char value[] = "{\"%s\":\"%0*d\"}";
	static const struct {
		const char *tee, *reg;
		int digits;
		const char *reason;
	} row[] = {
		{"tdx", "rtmr_0", 96, "tdx.rtmr-mismatch"}, {"tdx", "rtmr_1", 96, "tdx.rtmr-mismatch"}, {"tdx", "rtmr_2", 96, "tdx.rtmr-mismatch"},
		{"tdx", "rtmr_3", 96, "tdx.rtmr-mismatch"}, {"csv", "rtmr1", 64, "csv.rtmr-mismatch"},	{"csv", "rtmr2", 64, "csv.rtmr-mismatch"},
		{"csv", "rtmr3", 64, "csv.rtmr-mismatch"},	 {"csv", "rtmr4", 64, "csv.rtmr-mismatch"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(row); i++) {
		struct world w;
		struct trial t;

		world_open(&w, row[i].tee, NULL);
		begin(&t, &w, arena_printf(w.a, value, row[i].reg, row[i].digits, 7));
		expect(&t, &w, row[i].reason);
		world_close(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_paravisors_report_is_of_the_tee_that_it_says),
		cmocka_unit_test(a_quote_of_an_enclave_stands_for_no_guest),
		cmocka_unit_test(the_text_of_a_bound_event_must_be_that_of_its_digest),
		cmocka_unit_test(a_log_must_lead_to_every_register),
		cmocka_unit_test(a_log_of_registers_that_are_not_quoted_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, forget_worlds);
}
