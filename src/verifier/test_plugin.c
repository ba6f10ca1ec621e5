#include "evidence/test_shared.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/num.h"
#include "base/sys.h"
#include "codec/base64.h"
#include "sandbox/sandbox.h"
#include "verifier/pool.h"

struct fix {
	struct arena *a;
	struct why w;
	char dir[64];
	const char *paths[2];
	struct pool *pool;
	struct vjob job;
	uint8_t evidence[104];
};

/* A plug-in of the build, installed as root would: its own folder, mode 0755. */
static const char *install(struct fix *f, const char *env, const char *name)
{
	const char *from = getenv(env);
	char *path = arena_printf(f->a, "%s/%s", f->dir, name);
	struct slice so;

	if (!from)
		fail_msg("%s does not name the plug-in", env);
	if (!rc_ok(file_read(f->a, from, 8 << 20, &so, &f->w)) || !rc_ok(file_write_atomic(path, so, 0755, &f->w)))
		fail_msg("%s", why_text(&f->w));
	return path;
}

static int setup(void **state)
{
	struct fix *f = test_calloc(1, sizeof(*f));

	if (geteuid() != 0)
		skip();	/* only root can own a plug-in */
	f->a = arena_new(0);
	f->w = why_in(f->a);
	snprintf(f->dir, sizeof(f->dir), "/tmp/warrant-plugin-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	f->job = (struct vjob){.arena = f->a, .why = &f->w, .now_s = 1795557718};
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fix *f = *state;
	char cmd[128];

	pool_close(f->pool);
	arena_free(f->a);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", f->dir);
	assert_int_equal(system(cmd), 0);
	test_free(f);
	return 0;
}

static rc open_with(struct fix *f, const char *first, const char *second)
{
	const struct pool_options o = {.workers = 1, .plugins = f->paths, .plugins_n = second ? 2 : 1};

	f->paths[0] = first;
	f->paths[1] = second;
	return pool_open(&o, &f->pool, &f->w);
}

static void open_or_fail(struct fix *f, const char *path)
{
	if (!rc_ok(open_with(f, path, NULL)))
		fail_msg("%s", why_render(&f->w, f->a));
}

static rc run(struct fix *f, const char *tee, enum verifier_step step, struct slice evidence)
{
	why_clear(&f->w);
	f->job.evidence = evidence;
	f->job.results_n = f->job.wants_n = 0;
	return pool_run(f->pool, tee, step, &f->job, sys_monotonic_ns() + INT64_C(3000000000));
}

static struct slice example_evidence(struct fix *f)
{
	static const uint8_t head[13] = {'E', 'X', 'M', 'P', 1, 0, 0, 0, 'n', 'o', 'n', 'c', 'e'};

	memcpy(f->evidence, head, sizeof(head));
	memset(f->evidence + 72, 0xab, 32);
	f->job.report_data[0] = SLICE_LIT("nonce");
	f->job.report_data_n = 1;
	return slice_of(f->evidence, sizeof(f->evidence));
}

static void a_plug_in_built_from_the_header_alone_verifies_in_a_worker(void **state)
{
	struct fix *f = *state;
	struct slice e = example_evidence(f);
	const struct json *claims;

	open_or_fail(f, install(f, "EXAMPLE_PLUGIN", "example.so"));
	if (!rc_ok(run(f, "x-example", VERIFIER_VERIFY, e)))
		fail_msg("%s", why_render(&f->w, f->a));
	assert_int_equal(f->job.results_n, 1);
	assert_string_equal(f->job.results[0].tee_class, "cpu");
	claims = f->job.results[0].claims;
	assert_true(slice_is(json_get(claims, "measurement")->text, hex_text(f->a, slice_sub(e, 72, 32))));
	assert_true(json_is(json_get(claims, "debug"), JSON_BOOL) && !json_get(claims, "debug")->boolean);
	assert_true(json_is(json_pointer(claims, "/endorsement/known"), JSON_BOOL));
	assert_false(json_pointer(claims, "/endorsement/known")->boolean);
	/* The built-in ones are still there. */
	assert_int_equal(run(f, "snp", VERIFIER_VERIFY, SLICE_LIT("{}")).code, E_MALFORMED);
	assert_int_equal(run(f, "other", VERIFIER_VERIFY, e).code, E_UNSUPPORTED);
	assert_string_equal(why_reason(&f->w), "verifier.tee");
}

static void what_a_plug_in_plans_is_handed_to_it(void **state)
{
	struct fix *f = *state;
	struct slice e = example_evidence(f);
	struct vcollateral c;

	open_or_fail(f, install(f, "EXAMPLE_PLUGIN", "example.so"));
	assert_true(rc_ok(run(f, "x-example", VERIFIER_PLAN, e)));
	assert_int_equal(f->job.wants_n, 1);
	assert_string_equal(f->job.wants[0].kind, "example-endorsement");
	assert_string_equal(f->job.wants[0].key, hex_text(f->a, slice_sub(e, 72, 32)));
	c = f->job.wants[0];
	c.bytes = SLICE_LIT("release 7");
	f->job.collateral = &c;
	f->job.collateral_n = 1;
	assert_true(rc_ok(run(f, "x-example", VERIFIER_VERIFY, e)));
	assert_true(json_pointer(f->job.results[0].claims, "/endorsement/known")->boolean);
}

static void the_reason_of_a_plug_in_arrives_whole(void **state)
{
	struct fix *f = *state;
	struct slice e = example_evidence(f);

	open_or_fail(f, install(f, "EXAMPLE_PLUGIN", "example.so"));
	f->job.report_data[0] = SLICE_LIT("another");
	assert_int_equal(run(f, "x-example", VERIFIER_VERIFY, e).code, E_DENIED);
	assert_string_equal(why_reason(&f->w), "example.report-data-mismatch");
	assert_string_equal(f->w.first->subject, "report_data");
	assert_string_equal(f->w.first->expected, "what the guest was asked to bind");
	assert_non_null(strstr(why_render(&f->w, f->a), "comparing the report data"));
	assert_int_equal(run(f, "x-example", VERIFIER_VERIFY, slice_sub(e, 0, 103)).code, E_MALFORMED);
	assert_string_equal(why_reason(&f->w), "example.parse");
}

static void what_a_plug_in_does_wrong_is_a_refusal(void **state)
{
	static const struct {
		enum verifier_step step;
		const char *evidence;
		enum rc_code code;
		const char *reason;
	} all[] = {
		{VERIFIER_VERIFY, "0", E_INTERNAL, "verifier.no-result"},
		{VERIFIER_VERIFY, "1", E_INTERNAL, "verifier.no-reason"},
		{VERIFIER_VERIFY, "2", E_INTERNAL, "plugin.misuse"},
		{VERIFIER_VERIFY, "3", E_INTERNAL, "verifier.no-reason"},
		{VERIFIER_VERIFY, "4", E_INTERNAL, "plugin.misuse"},
		{VERIFIER_VERIFY, "5", E_INTERNAL, "plugin.misuse"},
		{VERIFIER_VERIFY, "6", E_INTERNAL, "plugin.misuse"},
		{VERIFIER_VERIFY, "7", E_INTERNAL, "plugin.misuse"},
		{VERIFIER_VERIFY, "8", E_INTERNAL, "plugin.misuse"},
		{VERIFIER_VERIFY, "9", E_INTERNAL, "plugin.misuse"},
		{VERIFIER_VERIFY, "a", E_INTERNAL, "plugin.misuse"},
		{VERIFIER_VERIFY, "b", E_LIMIT, "verifier.memory"},
		{VERIFIER_VERIFY, "", E_MALFORMED, "bad.parse"},
		{VERIFIER_PLAN, "r", E_INTERNAL, "plugin.misuse"},
		{VERIFIER_PLAN, "b", E_INTERNAL, "plugin.misuse"},
		{VERIFIER_PLAN, "n", E_INTERNAL, "plugin.misuse"},
		{VERIFIER_PLAN, "m", E_LIMIT, "job.wants"},
	};
	struct fix *f = *state;

	open_or_fail(f, install(f, "BAD_PLUGIN", "bad.so"));
	for (size_t i = 0; i < COUNT_OF(all); i++) {
		rc r = run(f, "x-bad", all[i].step, slice_cstr(all[i].evidence));

		if (r.code != all[i].code || strcmp(why_reason(&f->w), all[i].reason) != 0)
			fail_msg("\"%s\": %s %s: %s", all[i].evidence, rc_name(r.code), why_reason(&f->w), why_text(&f->w));
		assert_int_equal(f->job.results_n, 0);
	}
	assert_int_equal(pool_replaced(f->pool), 0);
	assert_true(rc_ok(run(f, "x-bad", VERIFIER_VERIFY, SLICE_LIT("g"))));
	assert_true(json_is(json_pointer(f->job.results[0].claims, "/a/b/1/x"), JSON_NULL));
}

static void a_plug_in_has_no_more_than_its_socket(void **state)
{
	struct fix *f = *state;

	if (SANDBOX_COVERAGE)
		skip();
	open_or_fail(f, install(f, "BAD_PLUGIN", "bad.so"));
	assert_true(rc_ok(run(f, "x-bad", VERIFIER_VERIFY, SLICE_LIT("e"))));
	assert_true(slice_is(json_get(f->job.results[0].claims, "a")->text, "closed"));
}

static void a_plug_in_that_crashes_or_hangs_costs_its_own_request(void **state)
{
	static const char *const fatal[] = {"c", "d", "f"};
	struct fix *f = *state;

	open_or_fail(f, install(f, "BAD_PLUGIN", "bad.so"));
	for (size_t i = 0; i < COUNT_OF(fatal); i++) {
		assert_int_equal(run(f, "x-bad", VERIFIER_VERIFY, slice_cstr(fatal[i])).code, E_UNAVAILABLE);
		assert_true(rc_ok(run(f, "x-bad", VERIFIER_VERIFY, SLICE_LIT("g"))));
		assert_int_equal(pool_replaced(f->pool), i + 1);
	}
}

static void is_refused(struct fix *f, const char *first, const char *second, const char *text)
{
	if (rc_ok(open_with(f, first, second)))
		fail_msg("%s was loaded", first);
	f->pool = NULL;
	assert_string_equal(why_reason(&f->w), "verifier.worker");
	if (!strstr(why_text(&f->w), text))
		fail_msg("%s: %s", first, why_text(&f->w));
	why_clear(&f->w);
}

static void a_file_that_others_could_change_is_not_loaded(void **state)
{
	struct fix *f = *state;
	const char *so = install(f, "EXAMPLE_PLUGIN", "example.so");
	char *link = arena_printf(f->a, "%s/link.so", f->dir), *dots = arena_printf(f->a, "%s/../%s/example.so", f->dir, f->dir + 5);

	is_refused(f, "example.so", NULL, "no absolute path");
	is_refused(f, "", NULL, "no absolute path");
	is_refused(f, dots, NULL, "by its own path");
	assert_int_equal(symlink(so, link), 0);
	is_refused(f, link, NULL, "by its own path");
	is_refused(f, f->dir, NULL, "no regular file");
	is_refused(f, "/nonexistent/x.so", NULL, "No such file");
	assert_int_equal(chmod(so, 0775), 0);
	is_refused(f, so, NULL, "can be changed by others");
	assert_int_equal(chmod(so, 0757), 0);
	is_refused(f, so, NULL, "can be changed by others");
	assert_int_equal(chmod(so, 0755), 0);
	assert_int_equal(chown(so, 65534, 65534), 0);
	is_refused(f, so, NULL, "must belong to root");
	assert_int_equal(chown(so, 0, 0), 0);
	assert_int_equal(chmod(f->dir, 0777), 0);
	is_refused(f, so, NULL, "can be changed by others");
	assert_int_equal(chmod(f->dir, 0755), 0);
	assert_int_equal(chown(f->dir, 65534, 65534), 0);
	is_refused(f, so, NULL, "must belong to root");
	assert_int_equal(chown(f->dir, 0, 0), 0);
	open_or_fail(f, so);
}

static void a_file_that_is_no_verifier_is_not_loaded(void **state)
{
	struct fix *f = *state;
	char *text = arena_printf(f->a, "%s/text.so", f->dir);
	const char *so = install(f, "EXAMPLE_PLUGIN", "example.so");

	assert_true(rc_ok(file_write_atomic(text, slice_cstr(arena_printf(f->a, "%04096d", 0)), 0755, &f->w)));
	is_refused(f, text, NULL, "invalid ELF header");
	is_refused(f, install(f, "ABI_PLUGIN", "abi.so"), NULL, "no verifier of ABI");
	is_refused(f, install(f, "SNP_PLUGIN", "snp.so"), NULL, "names no TEE of its own");
	is_refused(f, install(f, "NAMELESS_PLUGIN", "nameless.so"), NULL, "names no TEE of its own");
	is_refused(f, so, so, "two plug-ins");
}

int main(int argc, char **argv)
{
#define ROW(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		ROW(a_plug_in_built_from_the_header_alone_verifies_in_a_worker),
		ROW(what_a_plug_in_plans_is_handed_to_it),
		ROW(the_reason_of_a_plug_in_arrives_whole),
		ROW(what_a_plug_in_does_wrong_is_a_refusal),
		ROW(a_plug_in_has_no_more_than_its_socket),
		ROW(a_plug_in_that_crashes_or_hangs_costs_its_own_request),
		ROW(a_file_that_others_could_change_is_not_loaded),
		ROW(a_file_that_is_no_verifier_is_not_loaded),
	};

	pool_worker_main(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
