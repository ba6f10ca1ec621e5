/* Init-data: the digest is of the text as it stands, and the data map is turned into what policies read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "as/initdata.h"
#include "base/num.h"
#include "codec/base64.h"

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

#define HEAD "version = \"0.1.0\"\nalgorithm = \"sha256\"\n[data]\n"

/* The digests of the text `version = "0.1.0"\nalgorithm = "X"\n[data]\n` by coreutils and openssl. */
static void the_digest_is_of_the_text_by_the_algorithm_it_names(void **state)
{
	static const struct {
		const char *algorithm, *digest;
	} row[] = {
		{"sha256", "af398df379eb475aff9f02cd056d0d1f5d496b7a073927cb3ea92407d8ad61a3"},
		{"sha384", "c2d9f12884812d609fffc5ae527195adce05b66d8c8d7d333366d5fbf01637aaf16237578dd7b7f7b7f0e0971d23bc6a"},
		{"sha512", "2fdf9419e43c548a07ee7234ab0b5e72f1d05a0a7d8c267d6f98dbdd490561beb130c07e2f28e8d7a7e7c627bca9ac685a1ad040b7566a019c16344f5ae17cfb"},
		{"sm3", "aaacb27e860773d9d39e6520f1af87af3efb68db788df61d8f88f6e1ef5f704f"},
		{"SHA-384", "ba0a8fafe65b096097d05afe830305cd7dc6ade53e124ce80ff95afbc84eff3cd0238c3ee8346675d4787df6b5fc5e8b"},
	};
	struct fix *f = *state;
	struct initdata d;

	for (size_t i = 0; i < COUNT_OF(row); i++) {
		char *text = arena_printf(f->a, "version = \"0.1.0\"\nalgorithm = \"%s\"\n[data]\n", row[i].algorithm);

		if (!rc_ok(initdata_parse(f->a, slice_cstr(text), &d, &f->w)))
			fail_msg("%s: %s", row[i].algorithm, why_text(&f->w));
		assert_string_equal(hex_text(f->a, d.digest), row[i].digest);
		assert_int_equal(d.claims->n, 0);
	}
}

static void any_change_of_the_text_changes_the_digest(void **state)
{
	static const char *const same_meaning[] = {HEAD "a = \"b\"\n", HEAD "a = \"b\"", HEAD "a  = \"b\"\n", HEAD "a = 'b'\n",
						   HEAD "a = \"b\" # c\n"};
	struct fix *f = *state;
	struct initdata d[COUNT_OF(same_meaning)];

	for (size_t i = 0; i < COUNT_OF(same_meaning); i++) {
		assert_true(rc_ok(initdata_parse(f->a, slice_cstr(same_meaning[i]), &d[i], &f->w)));
		assert_true(json_equal(d[i].claims, d[0].claims));
		for (size_t k = 0; k < i; k++)
			assert_false(slice_eq(d[i].digest, d[k].digest));
	}
}

static void data_is_turned_into_what_policies_read(void **state)
{
	static const struct {
		const char *data, *claims;
	} row[] = {
		{"x = \"y\"\n", "{\"x\":\"y\"}"},
		{"\"aa.toml\" = '''\n[token_configs]\n[token_configs.kbs]\nurl = \"http://kbs\"\n'''\n",
		 "{\"aa.toml\":{\"token_configs\":{\"kbs\":{\"url\":\"http://kbs\"}}}}"},
		{"\"cdh.toml\" = 'n = 1'\n\"aa.toml\" = ''\n", "{\"cdh.toml\":{\"n\":1},\"aa.toml\":{}}"},
		{"\"cdh.toml\" = 'no toml'\n", "{\"cdh.toml\":\"no toml\"}"},
		{"\"other.toml\" = 'n = 1'\n", "{\"other.toml\":\"n = 1\"}"},
		{"\"policy.rego\" = '''package x\npolicy_data := {\"containers\":[{\"OCI\":1}]}\n'''\n",
		 "{\"agent_policy_claims\":{\"containers\":[{\"OCI\":1}]}}"},
		{"\"policy.rego\" = 'policy_data := {}'\n", "{\"agent_policy_claims\":{}}"},
		/* from the first mark to the end of the text: what follows the object makes it no JSON */
		{"\"policy.rego\" = 'policy_data := {} x := 1'\n", "{\"policy.rego\":\"policy_data := {} x := 1\"}"},
		{"\"policy.rego\" = 'policy_data := {\"a\":1} policy_data := {}'\n",
		 "{\"policy.rego\":\"policy_data := {\\\"a\\\":1} policy_data := {}\"}"},
		{"\"policy.rego\" = 'policy_data := [1]'\n", "{\"policy.rego\":\"policy_data := [1]\"}"},
		{"\"policy.rego\" = 'policy_data:={}'\n", "{\"policy.rego\":\"policy_data:={}\"}"},
		{"\"policy.rego\" = 'policy_data := {\"a\":1,\"a\":2}'\n", "{\"policy.rego\":\"policy_data := {\\\"a\\\":1,\\\"a\\\":2}\"}"},
		{"\"policy.rego\" = 'package x'\n", "{\"policy.rego\":\"package x\"}"},
		{"\"policy.rego\" = ''\n", "{\"policy.rego\":\"\"}"},
	};
	struct fix *f = *state;
	struct initdata d;

	for (size_t i = 0; i < COUNT_OF(row); i++) {
		char *text = arena_printf(f->a, HEAD "%s", row[i].data);

		if (!rc_ok(initdata_parse(f->a, slice_cstr(text), &d, &f->w)))
			fail_msg("row %zu: %s", i, why_text(&f->w));
		assert_string_equal((const char *)json_text(f->a, d.claims).p, row[i].claims);
	}
}

/* The claims of the agent's policy come from the policy alone: a member of the same name beside it cannot speak for it. */
static void a_data_member_cannot_pose_as_the_agents_policy(void **state)
{
	static const char *const texts[] = {
		HEAD "agent_policy_claims = \"forged\"\n\"policy.rego\" = 'policy_data := {\"a\":1}'\n",
		HEAD "\"policy.rego\" = 'policy_data := {\"a\":1}'\nagent_policy_claims = \"forged\"\n",
	};
	struct fix *f = *state;
	struct initdata d;

	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		assert_true(rc_ok(initdata_parse(f->a, slice_cstr(texts[i]), &d, &f->w)));
		assert_string_equal((const char *)json_text(f->a, d.claims).p, "{\"agent_policy_claims\":{\"a\":1}}");
	}
}

static void what_is_no_init_data_is_refused(void **state)
{
	static const struct {
		const char *text, *reason;
		enum rc_code code;
	} row[] = {
		{"", "json.member", E_MALFORMED},
		{"x", "toml.syntax", E_MALFORMED},
		{"version = \"0.1.0\"\n[data]\n", "json.member", E_MALFORMED},
		{"algorithm = \"sha256\"\n[data]\n", "json.member", E_MALFORMED},
		{"version = 1\nalgorithm = \"sha256\"\n[data]\n", "json.member", E_MALFORMED},
		{"version = \"0.1.0\"\nalgorithm = \"sha256\"\n", "json.member", E_MALFORMED},
		{"version = \"0.1.0\"\nalgorithm = \"sha256\"\ndata = \"x\"\n", "json.member", E_MALFORMED},
		{"version = \"0.1.0\"\nalgorithm = \"sha256\"\n[[data]]\n", "json.member", E_MALFORMED},
		{"version = \"0.1.0\"\nalgorithm = [\"sha256\"]\n[data]\n", "json.member", E_MALFORMED},
		{"version = \"0.1.0\"\nalgorithm = \"sha1\"\n[data]\n", "initdata.algorithm", E_UNSUPPORTED},
		{"version = \"0.1.0\"\nalgorithm = \"md5\"\n[data]\n", "initdata.algorithm", E_UNSUPPORTED},
		{"version = \"0.1.0\"\nalgorithm = \"\"\n[data]\n", "initdata.algorithm", E_UNSUPPORTED},
		{HEAD "x = 1\n", "initdata.data", E_MALFORMED},
		{HEAD "x = [\"a\"]\n", "initdata.data", E_MALFORMED},
		{HEAD "x.y = \"a\"\n", "initdata.data", E_MALFORMED},
		{HEAD "x = \"a\"\nx = \"b\"\n", "toml.duplicate", E_MALFORMED},
	};
	struct fix *f = *state;
	struct initdata d, before;

	memset(&d, 0x5a, sizeof(d));
	before = d;
	for (size_t i = 0; i < COUNT_OF(row); i++) {
		rc r = initdata_parse(f->a, slice_cstr(row[i].text), &d, &f->w);

		if (r.code != row[i].code || strcmp(why_reason(&f->w), row[i].reason) != 0)
			fail_msg("row %zu: %s %s, expected %s", i, rc_name(r.code), why_reason(&f->w), row[i].reason);
		assert_memory_equal(&d, &before, sizeof(d));
		why_clear(&f->w);
	}
}

static void init_data_has_a_greatest_size(void **state)
{
	struct fix *f = *state;
	struct buf b = buf_in(f->a, 0);
	struct initdata d;

	buf_puts(&b, HEAD "x = '");
	while (b.n < INITDATA_MAX - 1)
		buf_putc(&b, 'x');
	buf_puts(&b, "'");
	assert_true(rc_ok(initdata_parse(f->a, buf_view(&b), &d, &f->w)));
	buf_puts(&b, "\n");
	assert_int_equal(initdata_parse(f->a, buf_view(&b), &d, &f->w).code, E_LIMIT);
	assert_string_equal(why_reason(&f->w), "initdata.size");
}

static void without_memory_nothing_is_half_read(void **state)
{
	static const char text[] = HEAD "\"aa.toml\" = 'n = 1'\n\"policy.rego\" = 'policy_data := {\"a\":[1,2]}'\nx = \"y\"\n";
	struct initdata d, before;
	bool done = false;

	(void)state;
	memset(&before, 0x5a, sizeof(before));
	for (uint64_t n = 1; n < 500 && !done; n++) {
		struct arena *a = arena_new(0);

		d = before;
		arena_fail_at(a, n);
		done = rc_ok(initdata_parse(a, slice_of(text, sizeof(text) - 1), &d, NULL));
		arena_fail_at(a, 0);
		if (!done)
			assert_memory_equal(&d, &before, sizeof(d));
		else
			assert_string_equal((const char *)json_text(a, d.claims).p,
					    "{\"aa.toml\":{\"n\":1},\"agent_policy_claims\":{\"a\":[1,2]},\"x\":\"y\"}");
		arena_free(a);
	}
	assert_true(done);
}

int main(void)
{
#define BEHAVIOUR(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		BEHAVIOUR(the_digest_is_of_the_text_by_the_algorithm_it_names),
		BEHAVIOUR(any_change_of_the_text_changes_the_digest),
		BEHAVIOUR(data_is_turned_into_what_policies_read),
		BEHAVIOUR(a_data_member_cannot_pose_as_the_agents_policy),
		BEHAVIOUR(what_is_no_init_data_is_refused),
		BEHAVIOUR(init_data_has_a_greatest_size),
		cmocka_unit_test(without_memory_nothing_is_half_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
