/* The host's side of plug-ins in this process: what it offers, what it refuses to hear, and all of it without memory. */
#include "evidence/test_shared.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/num.h"
#include "verifier/plugin.h"

struct fix {
	struct arena *a;
	struct why w;
	char dir[64];
	struct plugins *plugins;
	struct vjob job;
	struct vcollateral collateral;
	struct vanchor anchor;
};

static const char *install(struct fix *f, const char *env, const char *name)
{
	const char *from = getenv(env);
	char *path = arena_printf(f->a, "%s/%s", f->dir, name);
	struct slice so;

	if (!from || !rc_ok(file_read(f->a, from, 8 << 20, &so, &f->w)) || !rc_ok(file_write_atomic(path, so, 0755, &f->w)))
		fail_msg("%s: %s", env, why_text(&f->w));
	return path;
}

/* With the NUL behind it that ends a path. */
static struct slice paths_of(const char *path)
{
	return slice_of(path, strlen(path) + 1);
}

static void fresh(struct fix *f, struct arena *a)
{
	f->w = why_in(a);
	f->job = (struct vjob){.arena = a, .why = &f->w, .now_s = 1795557718, .collateral = &f->collateral, .collateral_n = 1,
			       .anchors = &f->anchor, .anchors_n = 1, .only_configured_anchors = true};
}

static int setup(void **state)
{
	struct fix *f = test_calloc(1, sizeof(*f));

	if (geteuid() != 0)
		skip();	/* only root can own a plug-in */
	f->a = arena_new(0);
	f->collateral = (struct vcollateral){"kind", "key", SLICE_LIT("bytes")};
	f->anchor = (struct vanchor){"set", {1, 2, 3}};
	snprintf(f->dir, sizeof(f->dir), "/tmp/warrant-plugin-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	fresh(f, f->a);
	if (!rc_ok(plugins_load(paths_of(install(f, "BAD_PLUGIN", "bad.so")), f->a, &f->plugins, &f->w)))
		fail_msg("%s", why_render(&f->w, f->a));
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fix *f = *state;
	char cmd[128];

	arena_free(f->a);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", f->dir);
	assert_int_equal(system(cmd), 0);
	test_free(f);
	return 0;
}

static rc run(struct fix *f, enum verifier_step step, const char *evidence)
{
	fresh(f, f->a);
	f->job.evidence = slice_cstr(evidence);
	return plugins_run(f->plugins, "x-bad", step, &f->job);
}

static void the_clock_and_the_anchors_are_the_hosts(void **state)
{
	struct fix *f = *state;
	const struct json *claims;

	if (!rc_ok(run(f, VERIFIER_VERIFY, "h")))
		fail_msg("%s", why_text(&f->w));
	claims = f->job.results[0].claims;
	assert_string_equal(f->job.results[0].tee_class, "dcu");
	assert_true(slice_is(json_get(claims, "now")->text, "1795557718"));
	assert_true(slice_is(json_text(f->a, json_get(claims, "anchors")), "[1,0,0,0,0]"));
	assert_true(slice_is(json_text(f->a, json_get(claims, "collateral")), "[1,0,0]"));
	/* there is none of it while planning */
	assert_true(rc_ok(run(f, VERIFIER_PLAN, "c")));
}

static void codes_of_a_plug_in_are_those_of_the_host(void **state)
{
	static const enum rc_code codes[] = {E_INTERNAL, E_MALFORMED, E_UNSUPPORTED, E_INTERNAL, E_DENIED, E_NOTFOUND, E_LIMIT, E_UNAVAILABLE,
					     E_INTERNAL, E_INTERNAL};
	struct fix *f = *state;

	for (unsigned i = 0; i < COUNT_OF(codes); i++) {
		assert_int_equal(run(f, VERIFIER_VERIFY, arena_printf(f->a, "u%u", i)).code, codes[i]);
		assert_string_equal(why_reason(&f->w), i == 0 ? "plugin.misuse" : "bad.code");
	}
}

static void calls_that_make_no_sense_are_misuse(void **state)
{
	static const char *const all[] = {"w0", "w1", "w2", "w3", "w4", "w5", "w7", "w8", "w9", "wa", "wb", "wc"};
	struct fix *f = *state;

	for (size_t i = 0; i < COUNT_OF(all); i++) {
		assert_int_equal(run(f, VERIFIER_VERIFY, all[i]).code, E_INTERNAL);
		if (strcmp(why_reason(&f->w), "plugin.misuse") != 0)
			fail_msg("%s: %s", all[i], why_reason(&f->w));
	}
	assert_int_equal(run(f, VERIFIER_PLAN, "k").code, E_INTERNAL);
	assert_string_equal(why_reason(&f->w), "plugin.misuse");
	assert_true(rc_ok(run(f, VERIFIER_VERIFY, "w6")));	/* a path of the greatest depth */
	assert_int_equal(run(f, VERIFIER_VERIFY, "wd").code, E_LIMIT);
	assert_string_equal(why_reason(&f->w), "verifier.memory");
	assert_int_equal(run(f, VERIFIER_PLAN, "wd").code, OK);
}

static void texts_beyond_the_cap_are_left_out_of_a_reason(void **state)
{
	struct fix *f = *state;

	assert_int_equal(run(f, VERIFIER_VERIFY, "we").code, E_DENIED);
	assert_string_equal(why_reason(&f->w), "bad.reason");
	assert_null(f->w.first->subject);
	assert_null(f->w.first->next);
	assert_int_equal(run(f, VERIFIER_VERIFY, "wf").code, E_DENIED);
	assert_string_equal(f->w.first->found, "found");
}

static void only_what_was_loaded_is_run(void **state)
{
	struct fix *f = *state;

	fresh(f, f->a);
	assert_int_equal(plugins_run(f->plugins, "x-other", VERIFIER_VERIFY, &f->job).code, E_UNSUPPORTED);
	assert_int_equal(plugins_run(NULL, "x-bad", VERIFIER_VERIFY, &f->job).code, E_UNSUPPORTED);
	assert_string_equal(why_reason(&f->w), "verifier.tee");
}

static const char *loaded(struct fix *f, struct slice paths)
{
	struct plugins *p = NULL;
	rc r;

	f->w = why_in(f->a);
	r = plugins_load(paths, f->a, &p, &f->w);
	assert_int_equal(p != NULL, rc_ok(r));
	return rc_ok(r) ? "loaded" : why_reason(&f->w);
}

static void a_verifier_is_whole_and_has_a_name_of_its_own(void **state)
{
	static const struct {
		const char *env, *name, *reason;
	} rows[] = {
		{"SELF_PLUGIN", "x-a.so", "loaded"},
		{"SELF_PLUGIN", "x-no-plan.so", "loaded"},
		{"SELF_PLUGIN", "x-of-31-characters-and-no-more.so", "loaded"},
		{"SELF_PLUGIN", "x-of-32-characters-and-one-more0.so", "plugin.tee"},
		{"SELF_PLUGIN", "x-.so", "plugin.tee"},
		{"SELF_PLUGIN", "y-a.so", "plugin.tee"},
		{"SELF_PLUGIN", "x-A.so", "plugin.tee"},
		{"SELF_PLUGIN", "x-a.b.so", "plugin.tee"},
		{"SELF_PLUGIN", "snp.so", "plugin.tee"},
		{"SELF_PLUGIN", "tee-null.so", "plugin.tee"},
		{"SELF_PLUGIN", "null.so", "plugin.abi"},
		{"SELF_PLUGIN", "short.so", "plugin.abi"},
		{"SELF_PLUGIN", "no-verify.so", "plugin.abi"},
		{"EMPTY_PLUGIN", "empty.so", "plugin.abi"},
		{"ABI_PLUGIN", "abi.so", "plugin.abi"},
	};
	struct fix *f = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *got = loaded(f, paths_of(install(f, rows[i].env, rows[i].name)));

		if (strcmp(got, rows[i].reason) != 0)
			fail_msg("%s: %s, expected %s", rows[i].name, got, rows[i].reason);
	}
}

static void a_plug_in_without_a_plan_names_no_collateral(void **state)
{
	struct fix *f = *state;
	struct plugins *p;

	assert_true(rc_ok(plugins_load(paths_of(install(f, "SELF_PLUGIN", "x-no-plan.so")), f->a, &p, &f->w)));
	fresh(f, f->a);
	assert_true(rc_ok(plugins_run(p, "x-no-plan", VERIFIER_PLAN, &f->job)));
	assert_int_equal(f->job.wants_n, 0);
}

static void plug_ins_are_capped_and_each_has_another_name(void **state)
{
	struct fix *f = *state;
	struct buf b = buf_in(f->a, 0);
	const char *path = NULL;

	for (unsigned i = 0; i < PLUGINS_MAX; i++) {
		path = install(f, "SELF_PLUGIN", arena_printf(f->a, "x-many-%u.so", i));
		buf_slice(&b, paths_of(path));
	}
	assert_string_equal(loaded(f, buf_view(&b)), "loaded");
	buf_slice(&b, paths_of(install(f, "SELF_PLUGIN", "x-many-more.so")));
	assert_string_equal(loaded(f, buf_view(&b)), "plugin.count");
	b = buf_in(f->a, 0);
	buf_slice(&b, paths_of(path));
	buf_slice(&b, paths_of(install(f, "BAD_PLUGIN", "bad.so")));
	buf_slice(&b, paths_of(path));
	assert_string_equal(loaded(f, buf_view(&b)), "plugin.tee");
	assert_string_equal(loaded(f, (struct slice){0}), "loaded");	/* none at all */
	assert_string_equal(loaded(f, slice_of(path, strlen(path))), "plugin.path");	/* no end */
	assert_string_equal(loaded(f, paths_of(arena_printf(f->a, "/%05000d", 0))), "plugin.path");
	assert_int_equal(mkdir(arena_printf(f->a, "%s/x-dir.so", f->dir), 0755), 0);
	assert_string_equal(loaded(f, paths_of(arena_printf(f->a, "%s/x-dir.so", f->dir))), "plugin.path");
}

static void without_memory_no_plug_in_says_a_part(void **state)
{
	static const struct {
		enum verifier_step step;
		const char *evidence;
		enum rc_code code;
	} rows[] = {{VERIFIER_VERIFY, "g", OK}, {VERIFIER_VERIFY, "h", OK}, {VERIFIER_VERIFY, "u4", E_DENIED}, {VERIFIER_VERIFY, "wf", E_DENIED},
		    {VERIFIER_PLAN, "m", E_LIMIT}};
	struct fix *f = *state;

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct slice whole = {0};
		bool done = false;
		uint64_t n;

		assert_int_equal(run(f, rows[i].step, rows[i].evidence).code, rows[i].code);
		if (rows[i].code == OK)
			whole = json_text(f->a, f->job.results[0].claims);
		for (n = 1; !done; n++) {
			struct arena *a = arena_new(0);
			rc r;

			fresh(f, a);
			f->job.evidence = slice_cstr(rows[i].evidence);
			arena_fail_at(a, n);
			r = plugins_run(f->plugins, "x-bad", rows[i].step, &f->job);
			arena_fail_at(a, 0);
			done = !arena_bad(a);
			if (rc_ok(r))
				assert_true(done && slice_eq(json_text(a, f->job.results[0].claims), whole));
			if (done)
				assert_int_equal(r.code, rows[i].code);
			arena_free(a);
		}
		assert_true(n > 2);
	}
	fresh(f, f->a);
}

static void without_memory_no_plug_in_is_loaded(void **state)
{
	struct fix *f = *state;
	struct slice paths = paths_of(install(f, "SELF_PLUGIN", "x-a.so"));
	struct plugins *p = NULL;

	arena_fail_at(f->a, 1);
	assert_int_equal(plugins_load(paths, f->a, &p, NULL).code, E_INTERNAL);
	assert_null(p);
}

int main(void)
{
#define ROW(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		ROW(the_clock_and_the_anchors_are_the_hosts),
		ROW(codes_of_a_plug_in_are_those_of_the_host),
		ROW(calls_that_make_no_sense_are_misuse),
		ROW(texts_beyond_the_cap_are_left_out_of_a_reason),
		ROW(only_what_was_loaded_is_run),
		ROW(a_verifier_is_whole_and_has_a_name_of_its_own),
		ROW(a_plug_in_without_a_plan_names_no_collateral),
		ROW(plug_ins_are_capped_and_each_has_another_name),
		ROW(without_memory_no_plug_in_says_a_part),
		ROW(without_memory_no_plug_in_is_loaded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
