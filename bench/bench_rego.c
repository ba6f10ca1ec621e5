/* bench_rego.c - what evaluations of the pack's bench policies cost: one JSON line a policy, averaged over its cases.
 *
 * "fresh" hands the input in as text each time, "reused" as a prepared document. The program is compiled once; what a
 * compilation costs stands beside it. "wrong" counts cases whose result is not the expected one. With --count N each case is
 * evaluated N times from text (--case: only that one) and nothing is timed: for callgrind, which counts what rego_eval spends.
 * --each adds a line a case.
 *
 *   bench-rego [--ms N] [--each] [--count N [--case N]] [--only NAME] FOLDER
 *   bench-rego --threads N [--count N] [--only NAME] FOLDER	evaluations side by side
 *   bench-rego --hostile [--only WORDS]	what the policies of rego/hostile.h cost until their budget ends them
 */
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/num.h"
#include "base/sys.h"
#include "rego/host.h"
#include "rego/hostile.h"

#define PROGRAMS_MAX 16u
#define CASES_MAX   128u
#define MODULES_MAX 8u
#define SLICES	    10
#define THREADS_MAX 64u

struct one {
	struct rego_query *query;
	struct slice input;
	struct rego_doc *doc;
	struct rego_doc *data;
	struct rv want;	/* RV_UNDEF: unknown */
	bool rows;	/* `want` is all rows, not a value */
};

struct bench {
	const char *root, *only;
	int64_t ms;
	unsigned count, at, threads;
	bool each, hostile;
	struct arena *arena;
	struct rv_heap heap;
	struct rv references;
	struct one cases[CASES_MAX];
	unsigned n;
	unsigned printed, wrong;
};

static void die(const char *what, const char *where)
{
	fprintf(stderr, "bench-rego: %s: %s\n", where, what);
	exit(1);
}

static void reference_value(void *ctx, struct rego_host_call *c)
{
	struct bench *b = ctx;
	uint32_t n;
	const struct rv *name = host_args(c, &n), *v = b->references.kind == RV_OBJECT ? rv_get(b->references, *name) : NULL;

	host_reply(c, v ? *v : rv_null());
}

static const struct rego_host_fn host_fns[] = {{"query_reference_value", 1, 0, reference_value}};

static struct slice load(struct bench *b, const char *path)
{
	struct why w = why_in(b->arena);
	struct slice s;

	if (!rc_ok(file_read(b->arena, path, (size_t)64 << 20, &s, &w)))
		die(why_text(&w), path);
	return s;
}

static struct rv load_json(struct bench *b, const char *path)
{
	struct rv v = rv_from_json(&b->heap, load(b, path), NULL, NULL, NULL);

	if (v.kind == RV_UNDEF)
		die("not JSON", path);
	rv_freeze(v);
	return v;
}

static struct slice text_slice(struct bench *b, struct rv v)
{
	struct buf out = buf_in(b->arena, 0);

	rv_to_json(&out, v);
	return buf_view(&out);
}

static struct rego_doc *doc_of(struct bench *b, struct rv v)
{
	struct slice s = text_slice(b, v);

	return rego_doc_parse((const char *)s.p, s.n);
}

static struct rego_program *compile(struct bench *b, const char *folder, const char *const *files, unsigned n, bool v0)
{
	struct rego_module m[MODULES_MAX];
	struct rego_compile_options o = {.size = sizeof(o), .dialect = v0 ? REGO_V0 : REGO_V1};
	struct rego_errors *errors = NULL;
	struct rego_program *p;

	o.host_fns = host_fns;
	o.host_fn_count = COUNT_OF(host_fns);
	for (unsigned i = 0; i < n; i++) {
		/* the name of a file, or the text of a module that has none */
		struct slice s = strchr(files[i], '\n') ? slice_cstr(files[i])
							: load(b, arena_printf(b->arena, "%s/%s", folder, files[i]));

		while (s.n && s.p[s.n - 1] == 0)	/* one policy of the pack ends in a NUL, as C strings do */
			s.n--;
		m[i] = (struct rego_module){files[i], (const char *)s.p, s.n};
	}
	p = rego_compile(m, n, &o, &errors);
	if (!p) {
		const struct rego_error *e = rego_errors_at(errors, 0);

		die(e ? arena_printf(b->arena, "%s:%u:%u: %s", e->file, e->row, e->col, e->message) : "no memory", folder);
	}
	return p;
}

/* The modules that a case names; none: files[0] stays. Returns how many. */
static unsigned modules_of(struct rv c, const char *files[MODULES_MAX])
{
	const struct rv *list = c.kind == RV_OBJECT ? rv_get_c(c, "module_files") : NULL;
	unsigned n = 0;

	for (; list && n < rv_len(*list) && n < MODULES_MAX; n++)
		files[n] = rv_at(*list, n).str->p;
	return n ? n : 1;
}

/* The program of all cases, or one of its own for a case that names other modules than the first; the caller frees those. */
static struct rego_program *program_of(struct bench *b, const char *folder, struct rego_program *common, struct rv first, struct rv c,
				       bool v0, struct rego_program *own[PROGRAMS_MAX], unsigned *own_n)
{
	const struct rv *want = rv_get_c(first, "module_files"), *has = rv_get_c(c, "module_files");
	const char *files[MODULES_MAX];

	if (!has || (want && rv_eq(*want, *has)))
		return common;
	if (*own_n == PROGRAMS_MAX)
		die("too many cases with modules of their own", folder);
	return own[(*own_n)++] = compile(b, folder, files, modules_of(c, files), v0);
}

static void add_case(struct bench *b, const struct rego_program *p, const char *query, struct rv input, struct rv data)
{
	struct one *o = &b->cases[b->n];
	struct rego_errors *errors = NULL;

	if (b->n == CASES_MAX)
		return;
	*o = (struct one){.query = rego_query_compile(p, query, strlen(query), &errors), .want = rv_undef()};
	if (!o->query)
		die(rego_errors_count(errors) ? rego_errors_at(errors, 0)->message : "no memory", query);
	if (input.kind != RV_UNDEF) {
		o->input = text_slice(b, input);
		o->doc = doc_of(b, input);
	}
	if (data.kind != RV_UNDEF)
		o->data = doc_of(b, data);
	b->n++;
}

static struct rego_result *eval(struct bench *b, const struct one *o, bool fresh)
{
	struct rego_eval_options e = {.size = sizeof(e), .data = o->data, .now_ns = 1785000000000000000, .host_ctx = b};
	struct rego_result *r;

	e.budget.time_ns = 60u * 1000000000ull;
	if (fresh) {
		e.input = (const char *)o->input.p;
		e.input_len = o->input.n;
	} else {
		e.input_doc = o->doc;
	}
	r = rego_eval(o->query, &e);
	if (!r)
		die("no memory", "eval");
	return r;
}

static bool right(struct bench *b, const struct one *o, const struct rego_result *r)
{
	struct buf got = buf_in(b->arena, 0);
	const char *text;
	size_t len = 0;

	if (o->want.kind == RV_UNDEF)
		return !rego_result_error(r);
	if (!o->rows) {
		text = rego_result_value(r, &len);
		buf_put(&got, text ? text : "null", text ? len : 4);
	} else {
		buf_putc(&got, '[');
		for (size_t i = 0; i < rego_result_rows(r); i++) {
			text = rego_result_row(r, i, &len);
			buf_puts(&got, i ? "," : "");
			buf_put(&got, text, len);
		}
		buf_putc(&got, ']');
	}
	return rv_eq(rv_from_json(&b->heap, buf_view(&got), NULL, NULL, NULL), o->want);
}

static int64_t thread_ns(void)
{
	struct timespec t;

	return clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) == 0 ? t.tv_sec * 1000000000 + t.tv_nsec : 0;
}

/* Nanoseconds of the processor an evaluation, over the cases from `first` in turn: the best of ten slices of the time, since
 * other work on the machine only ever adds. */
static double measure(struct bench *b, unsigned first, unsigned n, bool fresh)
{
	double best = 0;

	for (unsigned slice = 0; slice < SLICES; slice++) {
		int64_t from = thread_ns(), now;
		uint64_t done = 0;
		double ns;

		do {
			for (unsigned k = 0; k < 16; k++, done += n)	/* reading this clock is a system call */
				for (unsigned i = first; i < first + n; i++)
					rego_result_free(eval(b, &b->cases[i], fresh));
			now = thread_ns();
		} while (now - from < b->ms * 1000000 / SLICES);
		ns = (double)(now - from) / (double)done;
		best = slice == 0 || ns < best ? ns : best;
	}
	return best;
}

/* ---- threads ---- */

struct worker {
	struct bench *b;
	pthread_t thread;
	unsigned rounds;
	double ns;	/* processor time an evaluation; 0: not measured */
};

static void *work(void *arg)
{
	struct worker *w = arg;
	int64_t from = thread_ns();

	for (unsigned k = 0; k < w->rounds; k++)
		for (unsigned i = 0; i < w->b->n; i++)
			rego_result_free(eval(w->b, &w->b->cases[i], true));
	w->ns = (double)(thread_ns() - from) / ((double)w->rounds * w->b->n);
	return NULL;
}

/* The mean over `n` threads that evaluate side by side. */
static double side_by_side(struct bench *b, unsigned n, unsigned rounds)
{
	struct worker w[THREADS_MAX];
	double sum = 0;

	for (unsigned i = 0; i < n; i++) {
		w[i] = (struct worker){.b = b, .rounds = rounds};
		if (pthread_create(&w[i].thread, NULL, work, &w[i]) != 0)
			die("no thread", "threads");
	}
	for (unsigned i = 0; i < n; i++) {
		pthread_join(w[i].thread, NULL);
		sum += w[i].ns;
	}
	return sum / n;
}

/* With --count under callgrind: as many threads as asked for, to count what they spend. Else processor time at 1, 2, 4 and 8. */
static void run_threads(struct bench *b, const char *name)
{
	double ns[4];

	if (b->count) {
		side_by_side(b, b->threads, b->count);
		printf("{\"policy\":\"%s\",\"threads\":%u,\"evaluations\":%u}\n", name, b->threads, b->n * b->count * b->threads);
		return;
	}
	for (unsigned k = 0; k < 4; k++) {
		ns[k] = side_by_side(b, 1u << k, 2000);
		for (unsigned again = 0; again < 4; again++) {
			double more = side_by_side(b, 1u << k, 2000);

			ns[k] = more < ns[k] ? more : ns[k];
		}
	}
	printf("{\"policy\":\"%s\",\"cpu_ns_1_thread\":%.0f,\"2_threads\":%.0f,\"4_threads\":%.0f,\"8_threads\":%.0f}\n", name, ns[0], ns[1], ns[2],
	       ns[3]);
}

static void print_each(struct bench *b, const char *name)
{
	for (unsigned i = 0; b->each && i < b->n; i++)
		printf("{\"policy\":\"%s\",\"case\":%u,\"input_bytes\":%zu,\"eval_fresh_ns\":%.0f,\"eval_reused_ns\":%.0f}\n", name, i,
		       b->cases[i].input.n, measure(b, i, 1, true), measure(b, i, 1, false));
}

static long rss_kib(void)
{
	long pages = 0, resident = 0;
	FILE *f = fopen("/proc/self/statm", "r");

	if (f) {
		if (fscanf(f, "%ld %ld", &pages, &resident) != 2)
			resident = 0;
		fclose(f);
	}
	return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static double compile_us(struct bench *b, const char *folder, const char *const *files, unsigned n, bool v0)
{
	double best = 0;

	for (int i = 0; i < 5; i++) {
		int64_t from = sys_monotonic_ns();
		struct rego_program *p = compile(b, folder, files, n, v0);
		double us = (double)(sys_monotonic_ns() - from) / 1000;

		rego_program_free(p);
		best = i == 0 || us < best ? us : best;
	}
	return best;
}

/* Runs what was gathered; frees it. */
static void finish(struct bench *b, const char *name, const char *folder, const char *const *files, unsigned n, bool v0)
{
	unsigned wrong = 0;

	if (b->threads) {
		run_threads(b, name);
	} else if (b->count) {
		unsigned done = 0;

		for (unsigned i = 0; i < b->n; i++)
			for (unsigned k = 0; k < b->count && (b->at == 0 || b->at == i + 1); k++, done++)
				rego_result_free(eval(b, &b->cases[i], true));
		printf("{\"policy\":\"%s\",\"evaluations\":%u}\n", name, done);
	} else {
		double fresh, reused;

		for (unsigned i = 0; i < b->n; i++) {
			struct rego_result *r = eval(b, &b->cases[i], true);

			if (!right(b, &b->cases[i], r)) {
				const struct rego_error *e = rego_result_error(r);

				wrong++;
				fprintf(stderr, "%s: case %u: %s\n", name, i, e ? e->message : "not the expected result");
			}
			rego_result_free(r);
		}
		print_each(b, name);
		fresh = b->n ? measure(b, 0, b->n, true) : 0;
		reused = b->n ? measure(b, 0, b->n, false) : 0;
		printf("{\"policy\":\"%s\",\"cases\":%u,\"wrong\":%u,\"eval_fresh_ns\":%.0f,\"eval_reused_ns\":%.0f,\"compile_us\":%.0f,"
		       "\"rss_kib\":%ld}\n",
		       name, b->n, wrong, fresh, reused, compile_us(b, folder, files, n, v0), rss_kib());
	}
	fflush(stdout);
	b->wrong += wrong;
	b->printed++;
	for (unsigned i = 0; i < b->n; i++) {
		rego_query_free(b->cases[i].query);
		rego_doc_free(b->cases[i].doc);
		rego_doc_free(b->cases[i].data);
	}
	b->n = 0;
}

static bool wanted(const struct bench *b, const char *name)
{
	return !b->only || strncmp(b->only, name, strlen(b->only)) == 0;
}

static const char *text_of(struct rv c, const char *key)
{
	const struct rv *v = rv_get_c(c, key);

	return v && v->kind == RV_STRING ? v->str->p : NULL;
}

static struct rv member(struct rv c, const char *key)
{
	const struct rv *v = rv_get_c(c, key);

	return v ? *v : rv_undef();
}

/* A folder with cases.json. policy: the file of cases that name none; only cases of that file are run when they do. */
static void run_cases(struct bench *b, const char *name, const char *folder, const char *policy, bool v0)
{
	struct rv cases = load_json(b, arena_printf(b->arena, "%s/cases.json", folder)), data = rv_undef();
	const char *data_path = arena_printf(b->arena, "%s/data.json", folder), *files[MODULES_MAX] = {policy};
	struct rego_program *p, *own_programs[PROGRAMS_MAX];
	unsigned n, own_n = 0;

	if (!wanted(b, name))
		return;
	n = modules_of(rv_len(cases) ? rv_at(cases, 0) : rv_undef(), files);
	if (access(data_path, R_OK) == 0)
		data = load_json(b, data_path);
	p = compile(b, folder, files, n, v0);
	for (uint32_t i = 0; i < rv_len(cases); i++) {
		struct rv c = rv_at(cases, i), own = member(c, "data");
		const char *of = text_of(c, "policy");

		if (of && strcmp(of, policy) != 0)
			continue;
		add_case(b, program_of(b, folder, p, rv_at(cases, 0), c, v0, own_programs, &own_n), text_of(c, "query"), member(c, "input"),
			 own.kind == RV_OBJECT ? own : data);
		b->cases[b->n - 1].rows = rv_get_c(c, "want_result") != NULL;
		b->cases[b->n - 1].want = b->cases[b->n - 1].rows ? member(c, "want_result") : member(c, "want_value");
	}
	finish(b, name, folder, files, n, v0);
	while (own_n)
		rego_program_free(own_programs[--own_n]);
	rego_program_free(p);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char **names_in(struct bench *b, const char *folder, unsigned *n)
{
	char **out = arena_array(b->arena, CASES_MAX, char *);
	DIR *d = opendir(folder);
	struct dirent *e;

	if (!d || !out)
		die("cannot be opened", folder);
	for (*n = 0; *n < CASES_MAX && (e = readdir(d));)
		if (e->d_name[0] != '.')
			out[(*n)++] = arena_strdup(b->arena, e->d_name);
	closedir(d);
	qsort(out, *n, sizeof(*out), by_name);
	return out;
}

static void run_regorus(struct bench *b, const char *folder)
{
	const char *policies = arena_printf(b->arena, "%s/policies", folder);
	unsigned n;
	char **names = names_in(b, policies, &n);

	for (unsigned i = 0; i < n; i++) {
		const char *name = arena_printf(b->arena, "regorus-eval/%s", names[i]), *files[] = {names[i]};
		int stem = (int)(strlen(names[i]) - strlen("_policy.rego"));
		struct rego_program *p;

		if (stem <= 0 || !wanted(b, name))
			continue;
		p = compile(b, policies, files, 1, false);
		for (int k = 1; k <= 3; k++) {
			const char *number = k == 1 ? "" : k == 2 ? "2" : "3";
			const char *path = arena_printf(b->arena, "%s/inputs/%.*s_input%s.json", folder, stem, names[i], number);

			if (access(path, R_OK) == 0)
				add_case(b, p, "data.bench.allow", load_json(b, path), rv_undef());
		}
		finish(b, name, policies, files, 1, false);
		rego_program_free(p);
	}
}

static void run_folders(struct bench *b)
{
	const char *kata = arena_printf(b->arena, "%s/kata", b->root), *trustee = arena_printf(b->arena, "%s/trustee", b->root);
	static const char *const large[] = {"large.rego"};
	unsigned n;
	char **names;

	b->references = load_json(b, arena_printf(b->arena, "%s/reference_values.json", trustee));
	run_regorus(b, arena_printf(b->arena, "%s/regorus-eval", b->root));
	run_cases(b, "trustee/ear_default_policy_cpu.rego", trustee, "ear_default_policy_cpu.rego", false);
	run_cases(b, "aci", arena_printf(b->arena, "%s/aci", b->root), "policy.rego", false);
	run_cases(b, "cts", arena_printf(b->arena, "%s/cts", b->root), "policy.rego", false);
	run_cases(b, "opa-authz", arena_printf(b->arena, "%s/opa-authz", b->root), "policy.rego", false);
	names = names_in(b, kata, &n);
	for (unsigned i = 0; i < n; i++)
		if (!strstr(names[i], ".rego"))
			run_cases(b, arena_printf(b->arena, "kata/%s", names[i]), arena_printf(b->arena, "%s/%s", kata, names[i]), "policy.rego",
				  true);
	if (wanted(b, "kata/large.rego") && !b->count)
		finish(b, "kata/large.rego", kata, large, 1, true);
}

/* ---- hostile policies ---- */

#define HOSTILE_MS  100
#define HOSTILE_MIB 64

static int64_t cpu_ns(void)
{
	struct timespec t;

	return clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) == 0 ? t.tv_sec * 1000000000 + t.tv_nsec : 0;
}

static long status_kib(const char *field)
{
	char line[256];
	long kib = 0;
	FILE *f = fopen("/proc/self/status", "r");

	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, field, strlen(field)) == 0)
			kib = strtol(line + strlen(field), NULL, 10);
	if (f)
		fclose(f);
	return kib;
}

/* In a process of its own, so that its memory is only its own: the processor time of the evaluation and the most that was resident. */
static int hostile_child(const struct hostile *h)
{
	char *text = hostile_text(h);
	struct rego_module m = {"p.rego", text, text ? strlen(text) : 0};
	struct rego_eval_options o = {.size = sizeof(o), .input = h->input, .input_len = h->input ? strlen(h->input) : 0};
	struct rego_errors *errors = NULL;
	const struct rego_error *e;
	struct rego_result *r = NULL;
	struct rego_query *q = NULL;
	struct rego_program *p;
	const char *ended;
	long kib = status_kib("VmRSS:");
	int64_t from = cpu_ns();
	double ms;
	bool good;

	o.budget.time_ns = 60000000000u;	/* a busy machine is no reason: the other budgets have to do */
	p = rego_compile(&m, 1, NULL, &errors);
	if (p) {
		q = rego_query_compile(p, "data.p.x", 8, NULL);
		from = cpu_ns();
		kib = status_kib("VmRSS:");
		r = q ? rego_eval(q, &o) : NULL;
	}
	ms = (double)(cpu_ns() - from) / 1e6;
	kib = status_kib("VmHWM:") - kib;
	e = r ? rego_result_error(r) : NULL;
	ended = !p ? "compile" : e && e->budget ? e->budget : "none";
	good = strcmp(ended, h->budget) == 0 && ms <= HOSTILE_MS && kib <= HOSTILE_MIB * 1024;
	printf("%-45s %-8s %6.1f ms %6.1f MiB %s%s\n", h->name, ended, ms, (double)kib / 1024, good ? "" : "BAD, expected ", good ? "" : h->budget);
	if (!p && strcmp(h->budget, "compile") != 0)
		printf("  %s\n", rego_errors_at(errors, 0)->message);
	rego_errors_free(errors);
	rego_result_free(r);
	rego_query_free(q);
	rego_program_free(p);
	free(text);
	return !good;
}

static int run_hostile(const char *only)
{
	unsigned bad = 0, n = 0;

	for (size_t i = 0; i < COUNT_OF(hostile); i++) {
		int status = 1;
		pid_t pid;

		if (only && !strstr(hostile[i].name, only))
			continue;
		fflush(stdout);
		pid = fork();
		if (pid == 0) {
			status = hostile_child(&hostile[i]);
			fflush(stdout);
			_exit(status);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
			bad++;
		n++;
	}
	printf("%u hostile policies, %u not within %d ms and %d MiB by the budget they exhaust\n", n, bad, HOSTILE_MS, HOSTILE_MIB);
	return bad != 0 || n == 0;
}

static unsigned number(const char *s)
{
	unsigned long v = s ? strtoul(s, NULL, 10) : 0;

	if (!s || *s < '0' || *s > '9' || v > 1000000)
		die("is no number up to 1000000", s ? s : "option");
	return (unsigned)v;
}

int main(int argc, char **argv)
{
	static struct bench b = {.ms = 200};

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--ms") == 0)
			b.ms = number(argv[++i]);
		else if (strcmp(argv[i], "--count") == 0)
			b.count = number(argv[++i]);
		else if (strcmp(argv[i], "--case") == 0)
			b.at = number(argv[++i]) + 1;
		else if (strcmp(argv[i], "--threads") == 0)
			b.threads = number(argv[++i]);
		else if (strcmp(argv[i], "--hostile") == 0)
			b.hostile = true;
		else if (strcmp(argv[i], "--each") == 0)
			b.each = true;
		else if (strcmp(argv[i], "--only") == 0)
			b.only = argv[++i];
		else
			b.root = argv[i];
	}
	if (b.threads > THREADS_MAX)
		die("more threads than it can have", "--threads");
	if (b.hostile)
		return run_hostile(b.only);
	if (!b.root) {
		fputs("usage: bench-rego [--ms N] [--count N] [--only NAME] FOLDER\n"
		      "       bench-rego --threads N [--count N] [--only NAME] FOLDER\n"
		      "       bench-rego --hostile [--only WORDS]\n"
		      "example: bench-rego --ms 500 --only trustee $WARRANT_SHARED/conformance/rego/bench\n",
		      stderr);
		return 2;
	}
	b.arena = arena_new((size_t)1 << 30);
	b.heap = rv_heap_in(b.arena, 0);
	run_folders(&b);
	arena_free(b.arena);
	return b.wrong || !b.printed;
}
