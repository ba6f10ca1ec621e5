/* bench_pool.c - what the worker process costs: one small verification here and through the pool, the difference, and the
 * memory of a worker after evidence of every kind that is given. One line of JSON.
 *
 *   bench-pool [count [EVIDENCE_FOLDER]]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sys.h"
#include "verifier/pool.h"

static void die(const char *what)
{
	fprintf(stderr, "bench-pool: %s\n", what);
	exit(1);
}

/* One verification of sample evidence: no cryptography, so what is left is the way there and back. */
static void once(struct pool *pool)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct vjob *job = ARENA_NEW(a, struct vjob);
	rc r;

	if (!job)
		die("no memory");
	job->arena = a;
	job->why = &w;
	job->evidence = SLICE_LIT("{\"svn\":\"1\",\"report_data\":\"YWJj\"}");
	job->insecure_sample = true;
	r = pool ? pool_run(pool, "sample", VERIFIER_VERIFY, job, 0) : registry_run("sample", VERIFIER_VERIFY, job);
	if (!rc_ok(r))
		die(why_text(&w));
	arena_free(a);
}

static double us_each(struct pool *pool, unsigned count)
{
	int64_t from = sys_monotonic_ns();

	for (unsigned i = 0; i < count; i++)
		once(pool);
	return (double)(sys_monotonic_ns() - from) / 1000.0 / count;
}

static long kib(int pid, const char *what)
{
	char path[64], line[256];
	long n = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "r");
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, what, strlen(what)))
			n = strtol(line + strlen(what), NULL, 10);
	if (f)
		fclose(f);
	return n;
}

/* A log of many events is the largest work that small evidence can ask for. */
static void work(struct pool *pool, const char *root)
{
	static const char *const reports[] = {"snp/milan-v2-trustee/report.bin", "snp/turin-v5-openanolis/report.bin",
					      "tdx/v4-lunal-live/quote.dat"};

	for (size_t i = 0; i < sizeof(reports) / sizeof(reports[0]); i++) {
		struct arena *a = arena_new(0);
		struct why w = why_in(a);
		struct vjob *job = ARENA_NEW(a, struct vjob);

		if (!job || !rc_ok(file_read(a, arena_printf(a, "%s/%s", root, reports[i]), 1u << 20, &job->evidence, &w)))
			die(why_text(&w));
		job->arena = a;
		job->why = &w;
		(void)pool_run(pool, i < 2 ? "snp" : "tdx", VERIFIER_VERIFY, job, 0).code;
		arena_free(a);
	}
}

int main(int argc, char **argv)
{
	unsigned count = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 20000;
	struct arena *a;
	struct pool *pool = NULL;
	struct why w;
	double here, there;
	int64_t from;
	int pid;

	pool_worker_main(argc, argv);
	a = arena_new(0);
	w = why_in(a);
	from = sys_monotonic_ns();
	if (!count || !rc_ok(pool_open(&(struct pool_options){.workers = 1}, &pool, &w)))
		die(why_text(&w));
	from = sys_monotonic_ns() - from;
	if (argc > 2)
		work(pool, argv[2]);
	here = us_each(NULL, count);
	there = us_each(pool, count);
	if (pool_pids(pool, &pid, 1) != 1)
		die("no worker");
	printf("{\"bench\":\"pool\",\"count\":%u,\"start_ms\":%.1f,\"in_process_us\":%.2f,\"pool_us\":%.2f,\"difference_us\":%.2f,"
	       "\"worker_rss_kib\":%ld,\"worker_anonymous_kib\":%ld}\n",
	       count, (double)from / 1e6, here, there, there - here, kib(pid, "VmRSS:"), kib(pid, "RssAnon:"));
	pool_close(pool);
	arena_free(a);
	return 0;
}
