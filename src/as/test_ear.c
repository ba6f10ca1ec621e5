/* Vectors, tiers and submodules of the EAR token. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "as/ear.h"
#include "base/num.h"

struct fix {
	struct arena *a;
	struct why w;
};

static int setup(void **state)
{
	struct fix *f = test_calloc(1, sizeof(*f));

	f->a = arena_new(0);
	f->w = why_in(f->a);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fix *f = *state;

	arena_free(f->a);
	test_free(f);
	return 0;
}

static struct json *parse(struct fix *f, const char *text)
{
	struct json *v;

	if (!rc_ok(json_parse(f->a, slice_cstr(text), NULL, &v, &f->w)))
		fail_msg("%s: %s", text, why_text(&f->w));
	return v;
}

static const char *text_of(struct fix *f, const struct json *v)
{
	return (const char *)json_text(f->a, v).p;
}

/* attestation-service.md 7.4, written out a second time: by the table of every value. */
static enum ear_tier tier_by_table(int v)
{
	static const struct {
		int from, to;
		enum ear_tier tier;
	} row[] = {{-128, -97, EAR_CONTRAINDICATED}, {-96, -33, EAR_WARNING}, {-32, -2, EAR_AFFIRMING}, {-1, 1, EAR_NONE},
		   {2, 31, EAR_AFFIRMING}, {32, 95, EAR_WARNING}, {96, 127, EAR_CONTRAINDICATED}};

	for (size_t i = 0; i < COUNT_OF(row); i++)
		if (v >= row[i].from && v <= row[i].to)
			return row[i].tier;
	fail();
	return EAR_NONE;
}

static void every_value_has_the_tier_of_the_specification(void **state)
{
	(void)state;
	for (int v = -128; v <= 127; v++)
		if (ear_tier_of((int8_t)v) != tier_by_table(v))
			fail_msg("%d is %s", v, ear_tier_name(ear_tier_of((int8_t)v)));
}

static void one_bad_claim_dominates_and_no_claim_counts_as_none(void **state)
{
	static const struct {
		const char *claims, *status;
	} row[] = {
		{"{\"hardware\":0}", "none"},
		{"{\"hardware\":2}", "affirming"},
		{"{\"hardware\":2,\"executables\":0}", "affirming"},
		{"{\"hardware\":2,\"executables\":3,\"configuration\":31}", "affirming"},
		{"{\"hardware\":2,\"executables\":32}", "warning"},
		{"{\"hardware\":97,\"executables\":3}", "contraindicated"},
		{"{\"instance-identity\":2,\"configuration\":2,\"executables\":2,\"file-system\":2,\"hardware\":2,\"runtime-opaque\":2,"
		 "\"storage-opaque\":2,\"sourced-data\":-97}",
		 "contraindicated"},
		{"{\"hardware\":-1}", "none"},
		{"{\"hardware\":1,\"executables\":1}", "none"},
	};
	struct fix *f = *state;

	for (size_t i = 0; i < COUNT_OF(row); i++) {
		struct ear_vector v;

		assert_true(rc_ok(ear_vector_read(parse(f, row[i].claims), &v, &f->w)));
		assert_string_equal(ear_tier_name(ear_vector_status(&v)), row[i].status);
	}
}

static void what_a_policy_may_set_is_eight_claims_of_eight_bits(void **state)
{
	static const char *const bad[] = {
		"{}", "[]", "null", "7", "\"x\"", "true",
		"{\"hardware\":258}",	/* is not 2 */
		"{\"hardware\":128}", "{\"hardware\":-129}", "{\"hardware\":4294967298}", "{\"hardware\":18446744073709551618}",
		"{\"hardware\":1e400}", "{\"hardware\":2.5}", "{\"hardware\":\"2\"}", "{\"hardware\":null}", "{\"hardware\":true}",
		"{\"hardware\":[2]}", "{\"hardware\":2,\"software\":2}", "{\"Hardware\":2}", "{\"hardware \":2}", "{\"\":2}",
		"{\"hardware\":2,\"executables\":258}",
	};
	struct fix *f = *state;
	struct ear_vector v, before;

	memset(&v, 0x5a, sizeof(v));
	before = v;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		rc r = ear_vector_read(parse(f, bad[i]), &v, &f->w);

		if (r.code != E_DENIED || strcmp(why_reason(&f->w), "as.trust-claims") != 0)
			fail_msg("%s: %s %s", bad[i], rc_name(r.code), why_reason(&f->w));
		assert_memory_equal(&v, &before, sizeof(v));
		why_clear(&f->w);
	}
	assert_int_equal(ear_vector_read(NULL, &v, &f->w).code, E_DENIED);
}

static void each_claim_keeps_its_value_and_the_order_is_the_tables(void **state)
{
	static const char *const names[] = {"instance-identity", "configuration",  "executables",    "file-system",
					    "hardware",		 "runtime-opaque", "storage-opaque", "sourced-data"};
	struct json *claims;
	struct fix *f = *state;
	struct ear_vector v;
	struct json *mod;

	claims = json_new_object(f->a);
	for (unsigned i = EAR_CLAIMS; i-- > 0;)
		json_set(f->a, claims, names[i], json_new_i64(f->a, (int64_t)i * 20 - 128));
	assert_true(rc_ok(ear_vector_read(claims, &v, &f->w)));
	for (unsigned i = 0; i < EAR_CLAIMS; i++) {
		assert_string_equal(ear_claim_name(i), names[i]);
		assert_int_equal(v.value[i], (int)i * 20 - 128);
	}
	assert_true(rc_ok(ear_submod(f->a, &v, "default", parse(f, "{\"sample\":{}}"), NULL, &mod, &f->w)));
	assert_string_equal(text_of(f, mod),
			    "{\"ear.status\":\"contraindicated\",\"ear.trustworthiness-vector\":{\"instance-identity\":-128,"
			    "\"configuration\":-108,\"executables\":-88,\"file-system\":-68,\"hardware\":-48,\"runtime-opaque\":-28,"
			    "\"storage-opaque\":-8,\"sourced-data\":12},\"ear.appraisal-policy-id\":\"default\","
			    "\"ear.veraison.annotated-evidence\":{\"sample\":{}}}");
}

static void only_claims_that_were_set_stand_in_the_vector(void **state)
{
	struct fix *f = *state;
	struct ear_vector v;
	struct json *mod;

	assert_true(rc_ok(ear_vector_read(parse(f, "{\"hardware\":2,\"executables\":0}"), &v, &f->w)));
	assert_true(rc_ok(ear_submod(f->a, &v, "p", parse(f, "{}"), NULL, &mod, &f->w)));
	assert_string_equal(text_of(f, json_get(mod, "ear.trustworthiness-vector")), "{\"executables\":0,\"hardware\":2}");
}

static void extensions_become_members_of_the_submodule(void **state)
{
	static const struct {
		const char *extensions;
		const char *member;	/* text of member "x"; NULL: it is absent */
	} row[] = {
		{"[]", NULL},
		{"null", NULL},
		{"[{\"name\":\"x\",\"key\":-18,\"value\":{\"validated\":{}}}]", "{\"validated\":{}}"},
		{"[{\"name\":\"x\",\"key\":2147483647,\"value\":0}]", "0"},
		{"[{\"name\":\"x\",\"key\":-2147483648,\"value\":\"\"}]", "\"\""},
		{"[{\"name\":\"x\",\"key\":1,\"value\":false}]", "false"},
		{"[{\"name\":\"x\",\"key\":1,\"value\":null}]", NULL},
		{"[{\"name\":\"y\",\"key\":1,\"value\":1},{\"name\":\"x\",\"key\":2,\"value\":2}]", "2"},
	};
	struct fix *f = *state;
	struct ear_vector v;

	assert_true(rc_ok(ear_vector_read(parse(f, "{\"hardware\":2}"), &v, &f->w)));
	for (size_t i = 0; i < COUNT_OF(row); i++) {
		struct json *mod;

		if (!rc_ok(ear_submod(f->a, &v, "p", parse(f, "{}"), parse(f, row[i].extensions), &mod, &f->w)))
			fail_msg("%s: %s", row[i].extensions, why_text(&f->w));
		if (row[i].member)
			assert_string_equal(text_of(f, json_get(mod, "x")), row[i].member);
		else
			assert_null(json_get(mod, "x"));
	}
}

static void an_extension_that_is_malformed_or_takes_a_place_is_refused(void **state)
{
	static const char *const bad[] = {
		"{}", "1", "\"x\"", "[1]", "[null]", "[[]]", "[{}]",
		"[{\"key\":1,\"value\":1}]",
		"[{\"name\":1,\"key\":1,\"value\":1}]",
		"[{\"name\":\"x\",\"value\":1}]",
		"[{\"name\":\"x\",\"key\":1}]",
		"[{\"name\":\"x\",\"key\":\"1\",\"value\":1}]",
		"[{\"name\":\"x\",\"key\":1.5,\"value\":1}]",
		"[{\"name\":\"x\",\"key\":2147483648,\"value\":1}]",
		"[{\"name\":\"x\",\"key\":-2147483649,\"value\":1}]",
		"[{\"name\":\"ear.status\",\"key\":1,\"value\":\"affirming\"}]",
		"[{\"name\":\"ear.trustworthiness-vector\",\"key\":1,\"value\":{}}]",
		"[{\"name\":\"ear.appraisal-policy-id\",\"key\":1,\"value\":\"x\"}]",
		"[{\"name\":\"ear.veraison.annotated-evidence\",\"key\":1,\"value\":{}}]",
		"[{\"name\":\"x\",\"key\":1,\"value\":1},{\"name\":\"x\",\"key\":2,\"value\":2}]",
	};
	struct fix *f = *state;
	struct ear_vector v;

	assert_true(rc_ok(ear_vector_read(parse(f, "{\"hardware\":2}"), &v, &f->w)));
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct json *mod = NULL;
		rc r = ear_submod(f->a, &v, "p", parse(f, "{}"), parse(f, bad[i]), &mod, &f->w);

		if (r.code != E_DENIED || strcmp(why_reason(&f->w), "as.extensions") != 0)
			fail_msg("%s: %s %s", bad[i], rc_name(r.code), why_reason(&f->w));
		assert_null(mod);
		why_clear(&f->w);
	}
}

/* attestation-service.md 5.1 */
static void tcb_claims_are_arranged_as_policies_expect(void **state)
{
	static const struct {
		const char *claims, *runtime, *init;	/* NULL: none */
		bool terse;
		const char *out;
		bool given;	/* init-data was, and is not among the claims */
	} row[] = {
		{"{\"svn\":1}", "{\"nonce\":\"n\"}", "{\"a\":1}", false, "{\"snp\":{\"svn\":1}}"},
		{"{\"svn\":1,\"report_data\":\"aa\"}", "{\"nonce\":\"n\"}", NULL, false,
		 "{\"report_data\":\"aa\",\"runtime_data_claims\":{\"nonce\":\"n\"},\"snp\":{\"svn\":1}}"},
		{"{\"report_data\":\"aa\",\"init_data\":\"bb\",\"svn\":null}", NULL, NULL, false,
		 "{\"init_data\":\"bb\",\"init_data_claims\":null,\"report_data\":\"aa\",\"runtime_data_claims\":null,\"snp\":{\"svn\":null}}"},
		{"{\"init_data\":\"bb\"}", NULL, "{\"a\":1}", false, "{\"init_data\":\"bb\",\"init_data_claims\":{\"a\":1},\"snp\":{}}"},
		{"{\"report_data\":\"aa\"}", "{\"nonce\":\"n\",\"additional-evidence\":\"big\",\"z\":1}", NULL, true,
		 "{\"report_data\":\"aa\",\"runtime_data_claims\":{\"nonce\":\"n\",\"z\":1},\"snp\":{}}"},
		{"{\"report_data\":\"aa\"}", "{\"nonce\":\"n\",\"additional-evidence\":\"big\"}", NULL, false,
		 "{\"report_data\":\"aa\",\"runtime_data_claims\":{\"nonce\":\"n\",\"additional-evidence\":\"big\"},\"snp\":{}}"},
		/* only text is moved: a verifier that means something else by the name keeps it */
		{"{\"report_data\":{\"x\":1},\"init_data\":5}", "{}", "{}", false, "{\"snp\":{\"report_data\":{\"x\":1},\"init_data\":5}}"},
		{"{\"svn\":1}", NULL, "{\"a\":1}", false, "{\"init_data_bound\":false,\"snp\":{\"svn\":1}}", true},
		{"{\"init_data\":5}", NULL, "{\"a\":1}", false, "{\"init_data_bound\":false,\"snp\":{\"init_data\":5}}", true},
		{"{\"init_data\":\"bb\"}", NULL, "{\"a\":1}", false, "{\"init_data\":\"bb\",\"init_data_claims\":{\"a\":1},\"snp\":{}}", true},
	};
	struct fix *f = *state;

	for (size_t i = 0; i < COUNT_OF(row); i++) {
		const struct json *out = ear_tcb_claims(f->a, "snp", parse(f, row[i].claims), row[i].runtime ? parse(f, row[i].runtime) : NULL,
							row[i].init ? parse(f, row[i].init) : NULL, row[i].given, row[i].terse);

		assert_string_equal(text_of(f, out), row[i].out);
	}
}

int main(void)
{
#define BEHAVIOUR(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		BEHAVIOUR(every_value_has_the_tier_of_the_specification),
		BEHAVIOUR(one_bad_claim_dominates_and_no_claim_counts_as_none),
		BEHAVIOUR(what_a_policy_may_set_is_eight_claims_of_eight_bits),
		BEHAVIOUR(each_claim_keeps_its_value_and_the_order_is_the_tables),
		BEHAVIOUR(only_claims_that_were_set_stand_in_the_vector),
		BEHAVIOUR(extensions_become_members_of_the_submodule),
		BEHAVIOUR(an_extension_that_is_malformed_or_takes_a_place_is_refused),
		BEHAVIOUR(tcb_claims_are_arranged_as_policies_expect),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
