/* evidence_conformance.c - runs recorded cases through the verifiers in their sandbox. */
#include <stdio.h>

#include "base/num.h"
#include "cli/cli.h"
#include "cli/conformance/conformance.h"
#include "verifier/pool.h"

static int run(struct conf_options *o, const struct cli_args *dirs, struct why *w)
{
	struct conf_count total = {0};
	rc r = pool_open(&(struct pool_options){.workers = 1}, &o->pool, w);

	for (unsigned i = 0; i < dirs->n && rc_ok(r); i++)
		r = conf_run_dir(o, dirs->v[i], &total, w);
	pool_close(o->pool);
	if (!rc_ok(r))
		cli_fail(w);
	printf("%u passed, %u failed, %u skipped\n", total.passed, total.failed, total.skipped);
	return rc_ok(r) && total.failed == 0 && total.passed > 0 ? CLI_OK : CLI_FAILED;
}

int main(int argc, char **argv)
{
	struct conf_options o = {0};
	const struct cli_opt opts[] = {
		{"shared", "DIR", "where input files are looked for that are not below DIR...", &o.shared, NULL},
		{"verbose", NULL, "a line for each case", NULL, &o.verbose},
	};
	static char verbose[] = "--verbose";
	struct cli_args dirs;
	struct arena *a;
	struct why w;
	bool done;
	int code;

	pool_worker_main(argc, argv);
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], "-v"))
			argv[i] = verbose;
	a = arena_new(0);
	w = why_in(a);
	code = cli_parse(argc, argv, opts, COUNT_OF(opts), "evidence-conformance [--shared DIR] [-v] DIR...",
			 "example:\n  evidence-conformance -v ../shared/evidence\n", &dirs, &done);
	if (code == CLI_OK && !done)
		code = dirs.n ? run(&o, &dirs, &w) : cli_usage("a folder of cases is required");
	arena_free(a);
	return code;
}
