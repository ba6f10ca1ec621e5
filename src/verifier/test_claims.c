#include "evidence/test_shared.h"

#include "verifier/claims_doc.h"

static const struct vclaim table[] = {
	{"a", "string", "", ""},
	{"b.*", "number or null", "", ""},
	{"c[].d", "boolean", "", ""},
	{"e", "object", "", ""},
	{NULL},
};
static const struct vdriver driver = {.tee = "t", .claims = table};

static void the_document_is_what_the_drivers_say(void **state)
{
	const char *source = getenv("WARRANT_SOURCE");
	struct arena *a = arena_new(0);
	struct buf b = buf_in(a, 0);
	struct slice have = {0};
	const char *path;
	struct why w = why_in(a);

	(void)state;
	if (!source)
		skip();
	path = arena_printf(a, "%s/docs/claims.md", source);
	claims_doc_write(&b);
	assert_true(buf_ok(&b));
	if (getenv("WARRANT_UPDATE"))
		assert_true(rc_ok(file_write_atomic(path, buf_view(&b), 0644, &w)));
	if (!rc_ok(file_read(a, path, 1u << 20, &have, &w)))
		fail_msg("%s", why_text(&w));
	if (!slice_eq(have, buf_view(&b)))
		fail_msg("docs/claims.md is not what the tables say: run this test with WARRANT_UPDATE=1");
	arena_free(a);
}

static void a_claim_without_a_row_is_found(void **state)
{
	static const struct {
		const char *claims, *path;
	} row[] = {
		{"{\"a\":\"x\",\"b\":{\"1\":1,\"2\":null},\"c\":[{\"d\":true},{\"d\":false}],\"e\":{\"x\":1}}", NULL},
		{"{\"a\":1}", "a (a number)"},
		{"{\"z\":1}", "z"},
		{"{\"b\":{\"1\":\"x\"}}", "b.1 (a string)"},
		{"{\"c\":[{\"d\":true},{\"f\":1}]}", "c[].f"},
		{"{\"e\":[]}", "e (an array)"},
		{"{\"aa\":\"x\"}", "aa"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
		struct arena *a = arena_new(0);
		struct json *v = NULL;
		const char *path;

		assert_true(rc_ok(json_parse(a, slice_cstr(row[i].claims), NULL, &v, NULL)));
		path = claims_undocumented(&driver, v, a);
		if (!row[i].path != !path || (path && strncmp(path, row[i].path, strcspn(row[i].path, "("))))
			fail_msg("row %zu: %s", i, path ? path : "documented");
		arena_free(a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_document_is_what_the_drivers_say),
		cmocka_unit_test(a_claim_without_a_row_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
