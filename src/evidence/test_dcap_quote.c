#include "evidence/test_shared.h"

#include "evidence/test_dcap.h"

static const struct quote_shape shapes[] = {
	{3, 0, 0, 384, "PEM", ""},   {4, 0, 0, 384, "PEM", ""},	     {4, 0x81, 0, 584, "PEM", "text behind"},
	{5, 0, 1, 384, "PEM", ""},   {5, 0x81, 2, 584, "PEM", ""},   {5, 0x81, 3, 648, "PEM", ""},
};

static void every_version_and_body_is_decoded(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		struct arena *a = arena_new(0);
		struct why w = why_in(a);
		struct slice in = make_quote(a, &shapes[i]);
		struct dcap_quote q;

		if (!rc_ok(dcap_quote_parse(in, &q, &w)))
			fail_msg("shape %zu: %s", i, why_text(&w));
		assert_int_equal(q.version, shapes[i].version);
		assert_int_equal(q.tee, shapes[i].tee_type ? DCAP_TDX : DCAP_SGX);
		assert_int_equal(q.body.n, shapes[i].body_size);
		assert_int_equal(q.signed_part.n, q.body.n + (q.version == 5 ? 54 : 48));
		assert_true(slice_is(q.pck_pem, "PEM"));
		assert_int_equal(q.trailing, strlen(shapes[i].behind));
		assert_int_equal(q.td.mr_servicetd.n, shapes[i].body_size == 648 ? 48 : 0);
		arena_free(a);
	}
}

/* Lengths of 48 to 53 bytes are those where a version 5 quote ends inside its body descriptor. */
static void a_quote_cut_at_any_length_is_malformed(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		struct arena *a = arena_new(0);
		struct slice in = make_quote(a, &shapes[i]);

		for (size_t n = 0; n < in.n - strlen(shapes[i].behind); n++) {
			uint8_t *cut = exact_copy(in, n);
			struct dcap_quote q;
			struct arena *scratch = arena_new(0);
			struct why w = why_in(scratch);
			rc r = dcap_quote_parse(slice_of(cut, n), &q, &w);

			if (r.code != E_MALFORMED || strncmp(why_reason(&w), "dcap.parse", 10) != 0)
				fail_msg("shape %zu cut at %zu: %s %s", i, n, rc_name(r.code), why_reason(&w));
			arena_free(scratch);
			free(cut);
		}
		arena_free(a);
	}
}

struct patch {
	unsigned shape;
	size_t at;
	uint8_t bytes[4];
	size_t n;
	enum rc_code code;
	const char *reason;
};

/* GHSA-2cjj-h43h-m6xj and what was fixed with it: the vendor of the quoting enclave was not looked at. */
static void a_quote_that_is_not_what_it_must_be_is_refused_by_class(void **state)
{
	static const struct patch patches[] = {
		{0, 0, {2, 0}, 2, E_UNSUPPORTED, "dcap.unsupported.version"},
		{0, 0, {6, 0}, 2, E_UNSUPPORTED, "dcap.unsupported.version"},
		{2, 2, {3, 0}, 2, E_UNSUPPORTED, "dcap.unsupported.key-type"},
		{2, 4, {1, 0, 0, 0}, 4, E_UNSUPPORTED, "dcap.unsupported.tee-type"},
		{2, 4, {0x81, 0, 1, 0}, 4, E_UNSUPPORTED, "dcap.unsupported.tee-type"},
		{0, 4, {0x81, 0, 0, 0}, 4, E_UNSUPPORTED, "dcap.unsupported.tee-type"},
		{2, 12, {0}, 1, E_UNSUPPORTED, "dcap.unsupported.vendor"},
		{2, 27, {0}, 1, E_UNSUPPORTED, "dcap.unsupported.vendor"},
		{4, 48, {1, 0}, 2, E_UNSUPPORTED, "dcap.unsupported.body-type"},
		{4, 48, {4, 0}, 2, E_UNSUPPORTED, "dcap.unsupported.body-type"},
		{3, 48, {2, 0}, 2, E_UNSUPPORTED, "dcap.unsupported.body-type"},
		{4, 48, {3, 0}, 2, E_MALFORMED, "dcap.parse.body"},
		{4, 50, {0x49, 2}, 2, E_MALFORMED, "dcap.parse.body"},
		{4, 50, {0x48, 2, 1}, 3, E_MALFORMED, "dcap.parse.body"},
		{0, 432, {0xff, 0xff, 0xff, 0xff}, 4, E_MALFORMED, "dcap.parse"},
		{0, 432, {100, 0, 0, 0}, 4, E_MALFORMED, "dcap.parse"},
		{2, 632, {0xff, 0xff, 0xff, 0xff}, 4, E_MALFORMED, "dcap.parse"},
		{2, 632 + 4 + 128, {5, 0}, 2, E_UNSUPPORTED, "dcap.unsupported.certification"},
		{2, 632 + 4 + 128, {0, 0}, 2, E_UNSUPPORTED, "dcap.unsupported.certification"},
		{2, 632 + 4 + 134 + 450 + 32, {0, 0}, 2, E_UNSUPPORTED, "dcap.unsupported.certification"},
		{0, 436 + 128 + 448 + 2 + 32, {0, 0}, 2, E_UNSUPPORTED, "dcap.unsupported.certification"},
		{2, 632 + 4 + 130, {0xff, 0xff, 0xff, 0x7f}, 4, E_MALFORMED, "dcap.parse"},
		{2, 632 + 4 + 134 + 448, {0xff, 0xff}, 2, E_MALFORMED, "dcap.parse"},
		{2, 632 + 4 + 134 + 450 + 32, {4, 0}, 2, E_UNSUPPORTED, "dcap.unsupported.certification"},
		/* a chain length one short leaves a byte in the window that nobody owns */
		{2, 632 + 4 + 134 + 450 + 34, {2, 0}, 2, E_MALFORMED, "dcap.parse"},
		{0, 436 + 128 + 448 + 2 + 32, {1, 0}, 2, E_UNSUPPORTED, "dcap.unsupported.certification"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(patches) / sizeof(patches[0]); i++) {
		const struct patch *p = &patches[i];
		struct arena *a = arena_new(0);
		struct slice in = make_quote(a, &shapes[p->shape]);
		uint8_t *bent = exact_copy(in, in.n);
		struct why w = why_in(a);
		struct dcap_quote q;
		rc r;

		memcpy(bent + p->at, p->bytes, p->n);
		r = dcap_quote_parse(slice_of(bent, in.n), &q, &w);
		if (r.code != p->code || strcmp(why_reason(&w), p->reason) != 0)
			fail_msg("patch %zu: %s %s, expected %s %s", i, rc_name(r.code), why_reason(&w), rc_name(p->code),
				 p->reason);
		free(bent);
		arena_free(a);
	}
}

static void a_quote_over_the_size_limit_is_refused(void **state)
{
	struct arena *a = arena_new(0);
	struct slice small = make_quote(a, &shapes[0]);
	struct buf b = buf_in(a, 0);
	struct why w = why_in(a);
	struct dcap_quote q;

	(void)state;
	buf_slice(&b, small);
	put_zeros(&b, DCAP_QUOTE_MAX - b.n);
	assert_true(rc_ok(dcap_quote_parse(buf_view(&b), &q, &w)));
	put_zeros(&b, 1);
	assert_int_equal(dcap_quote_parse(buf_view(&b), &q, &w).code, E_LIMIT);
	arena_free(a);
}

static void recorded_quotes_have_their_known_fields(void **state)
{
	static const char *const platforms[] = {"tdx", "sgx"};
	struct arena *a = arena_new(0);
	unsigned seen = 0;

	(void)state;
	for (size_t p = 0; p < 2; p++) {
		const struct json *cases = shared_cases(a, platforms[p]);

		for (size_t i = 0; i < cases->n; i++) {
			const struct json *c = json_at(cases, i), *facts = json_get(c, "facts"), *in = json_get(c, "inputs");
			struct dcap_quote q;
			struct why w = why_in(a);
			uint64_t n;

			if (!slice_is(json_get(c, "expect")->text, "ok") || json_get(in, "quote_json_field") ||
			    json_get(in, "quote_offset"))
				continue;
			if (!rc_ok(dcap_quote_parse(shared_file(a, (const char *)json_get(in, "quote")->text.p), &q, &w)))
				fail_msg(SLICE_FMT ": %s", SLICE_ARG(json_get(c, "id")->text), why_text(&w));
			assert_true(json_u64(json_get(facts, "quote_version"), &n) && n == q.version);
			assert_true(json_u64(json_get(facts, "body_type"), &n) && n == (uint64_t)q.body_type);
			assert_true(json_u64(json_get(facts, "trailing_bytes"), &n) && n == q.trailing);
			assert_true(json_u64(json_get(facts, "qe_isvsvn"), &n) && n == q.qe.isv_svn_value);
			if (q.tee == DCAP_TDX)
				assert_string_equal(hex_text(a, q.td.report_data),
						    (const char *)json_get(facts, "reportdata")->text.p);
			else
				assert_string_equal(hex_text(a, q.enclave.mr_enclave),
						    (const char *)json_get(facts, "mrenclave")->text.p);
			seen++;
		}
	}
	assert_true(seen > 30);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_version_and_body_is_decoded),
		cmocka_unit_test(a_quote_cut_at_any_length_is_malformed),
		cmocka_unit_test(a_quote_that_is_not_what_it_must_be_is_refused_by_class),
		cmocka_unit_test(a_quote_over_the_size_limit_is_refused),
		cmocka_unit_test(recorded_quotes_have_their_known_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
