/* runner.c - reads cases.json, runs each case in the pool, compares verdict, class and facts, and counts. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"
#include "base/sys.h"
#include "cli/conformance/conformance.h"
#include "verifier/pool.h"

#define CASES_MAX     ((size_t)16 << 20)
#define PLATFORMS_MAX 64u

struct run {
	const struct conf_options *o;
	struct conf_count count;
	const char *root;
};

static const struct conf_adapter *find_adapter(struct slice platform)
{
	for (size_t i = 0; conf_adapters[i]; i++)
		if (slice_is(platform, conf_adapters[i]->platform))
			return conf_adapters[i];
	return NULL;
}

static RC read_case(struct arena *a, const struct run *r, const struct json *v, struct conf_case *out, struct why *w)
{
	const struct json *inputs, *err = json_get(v, "error_class");
	struct slice id, expect, time = {0};

	TRY(json_need_str(v, "id", &id, "case", w));
	TRY(json_need_str(v, "expect", &expect, "case", w));
	TRY(json_need(v, "inputs", JSON_OBJECT, &inputs, "case", w));
	*out = (struct conf_case){
		.root = r->root,
		.shared = r->o->shared,
		.id = arena_strndup(a, id.p, id.n),
		.all = v,
		.inputs = inputs,
		.facts = json_get(v, "facts"),
		.ok_expected = slice_is(expect, "ok"),
		.error_class = json_is(err, JSON_STRING) ? arena_strndup(a, err->text.p, err->text.n) : NULL,
	};
	if (!out->ok_expected && !slice_is(expect, "fail"))
		return deny(w, E_MALFORMED, "conformance.case", "%s: expect is neither ok nor fail", out->id);
	TRY(json_opt_str(inputs, "time", &time, "case", w));
	out->has_time = time.p != NULL;
	return time.p ? time_parse_rfc3339(time, &out->time_s, w) : rc_of(OK);
}

/* The second part of a reason; "parse" where an adapter could not read a file, in the words of the format's reader. */
static const char *class_of(const char *reason, size_t *n)
{
	static const char *const readers[] = {"json.", "base64.", "hex.", "cbor."};
	const char *from = strchr(reason, '.');

	for (size_t i = 0; i < COUNT_OF(readers); i++)
		if (strncmp(reason, readers[i], strlen(readers[i])) == 0) {
			*n = strlen("parse");
			return "parse";
		}
	*n = from ? strcspn(++from, ".") : 0;
	return from;
}

/* Is it one of "a|b"? */
static bool class_fits(const char *reason, const char *classes)
{
	size_t n;
	const char *from = class_of(reason, &n);

	while (n && classes && *classes) {
		size_t k = strcspn(classes, "|");

		if (k == n && !strncmp(classes, from, n))
			return true;
		classes += k + (classes[k] == '|');
	}
	return false;
}

/* The verdict, by the driver in the pool or by the adapter here. */
static RC verdict(const struct run *r, const struct conf_adapter *ad, const struct conf_case *c, struct vjob *job)
{
	const char *tee = ad->tee;

	if (ad->prepare)
		TRY(ad->prepare(job->arena, c, job, &tee, job->why));
	if (!tee)
		return ad->run(job, c);
	TRY(pool_run(r->o->pool, tee, VERIFIER_PLAN, job, 0));
	return pool_run(r->o->pool, tee, VERIFIER_VERIFY, job, 0);
}

static RC compare_facts(const struct conf_adapter *ad, const struct conf_case *c, const struct vjob *job, struct why *w)
{
	if (ad->facts)
		return ad->facts(job->arena, c, job, w);
	if (job->results_n == 0)
		return deny(w, E_DENIED, "conformance.fact", "no result");
	return conf_facts(job->arena, c->facts, job->results[0].claims, w);
}

/* NULL when the case passes; else what is wrong. */
static const char *judge(const struct conf_adapter *ad, const struct conf_case *c, struct vjob *job, rc v)
{
	struct arena *a = job->arena;
	struct why w = why_in(a);

	if (!rc_ok(v) && c->ok_expected)
		return arena_printf(a, "must verify, but: %s (%s)", why_reason(job->why), why_text(job->why));
	if (!rc_ok(v) && !class_fits(why_reason(job->why), c->error_class))
		return arena_printf(a, "must fail with %s, but: %s (%s)", c->error_class, why_reason(job->why), why_text(job->why));
	if (rc_ok(v) && !c->ok_expected)
		return arena_printf(a, "must fail with %s, but verifies", c->error_class);
	if (rc_ok(v) && !rc_ok(compare_facts(ad, c, job, &w)))
		return arena_printf(a, "fact: %s", why_text(&w));
	return NULL;
}

static void run_case(struct run *r, const struct conf_adapter *ad, const struct json *v)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct vjob *job = ARENA_NEW(a, struct vjob);
	const char *wrong = NULL;
	struct conf_case c;
	rc res;

	if (!job) {
		r->count.failed++;
		return;
	}
	res = read_case(a, r, v, &c, &w);
	if (!rc_ok(res)) {
		printf("FAIL a case that cannot be read: %s\n", why_text(&w));
		r->count.failed++;
		arena_free(a);
		return;
	}
	*job = (struct vjob){.arena = a, .why = &w, .now_s = c.time_s, .no_time = !c.has_time};
	res = verdict(r, ad, &c, job);
	if (!rc_ok(res) && !strcmp(why_reason(&w), "conformance.skip")) {
		r->count.skipped++;
		printf("skip %s: %s\n", c.id, why_text(&w));
	} else {
		wrong = judge(ad, &c, job, res);
		r->count.passed += !wrong;
		r->count.failed += wrong != NULL;
		if (wrong)
			printf("FAIL %s: %s\n", c.id, wrong);
		else if (r->o->verbose)
			printf("ok   %s%s%s\n", c.id, rc_ok(res) ? "" : ": ", rc_ok(res) ? "" : why_reason(&w));
	}
	arena_free(a);
}

static RC run_file(const struct conf_options *o, const char *root, const char *platform, struct conf_count *total, struct why *w)
{
	struct arena *a = arena_new(0);
	struct run r = {.o = o, .root = root};
	const struct conf_adapter *ad;
	struct slice text;
	struct json *v;
	rc res = file_read(a, arena_printf(a, "%s/%s/cases.json", root, platform), CASES_MAX, &text, w);

	if (rc_ok(res))
		res = json_parse(a, text, NULL, &v, w);
	if (rc_ok(res) && v->kind != JSON_ARRAY)
		res = deny(w, E_MALFORMED, "conformance.cases", "%s/cases.json is no list", platform);
	if (rc_ok(res)) {
		ad = find_adapter(slice_cstr(platform));
		for (size_t i = 0; ad && i < v->n; i++)
			run_case(&r, ad, json_at(v, i));
		if (!ad)
			r.count.skipped = (unsigned)v->n;
		printf("%-10s %4u passed, %4u failed, %4u skipped%s\n", platform, r.count.passed, r.count.failed, r.count.skipped,
		       ad ? "" : ": no driver");
		total->passed += r.count.passed;
		total->failed += r.count.failed;
		total->skipped += r.count.skipped;
	}
	arena_free(a);
	return note(w, res, "%s/%s", root, platform);
}

static int by_name(const void *l, const void *r)
{
	return strcmp(*(char *const *)l, *(char *const *)r);
}

static RC run_tree(const struct conf_options *o, const char *dir, struct conf_count *total, struct why *w)
{
	struct arena *a = arena_new(0);
	char **names = arena_array(a, PLATFORMS_MAX, char *);
	DIR *d = opendir(dir);
	struct dirent *e;
	size_t n = 0;
	rc r = rc_of(OK);

	while (d && names && (e = readdir(d)) && n < PLATFORMS_MAX)
		if (e->d_name[0] != '.' && file_exists(arena_printf(a, "%s/%s/cases.json", dir, e->d_name)))
			names[n++] = arena_strdup(a, e->d_name);
	if (d)
		closedir(d);
	if (n == 0)
		r = deny(w, E_NOTFOUND, "conformance.none", "there is no cases.json in %s or in its folders", dir);
	else
		qsort(names, n, sizeof(*names), by_name);
	for (size_t i = 0; i < n && rc_ok(r); i++)
		r = run_file(o, dir, names[i], total, w);
	arena_free(a);
	return r;
}

rc conf_run_dir(const struct conf_options *o, const char *dir, struct conf_count *total, struct why *w)
{
	char real[4096], *slash;
	struct arena *a = arena_new(0);
	bool one = file_exists(arena_printf(a, "%s/cases.json", dir));

	arena_free(a);
	if (!one)
		return run_tree(o, dir, total, w);
	if (!realpath(dir, real) || !(slash = strrchr(real, '/')) || slash == real)
		return deny(w, E_NOTFOUND, "conformance.none", "%s is no folder", dir);
	*slash = 0;
	return run_file(o, real, slash + 1, total, w);
}
