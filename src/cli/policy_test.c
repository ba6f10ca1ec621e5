/* policy_test.c - `policy test`: rules named test_... must be true; which lines of the policy ran. */
#include <stdlib.h>
#include <time.h>

#include "base/num.h"
#include "cli/policy.h"
#include "rego/plan.h"
#include "rego/watch.h"

enum { ROW_NONE, ROW_CODE, ROW_RAN };

struct coverage {
	uint8_t *rows[CLI_POSITIONAL_MAX];	/* by module and row */
	uint32_t n_rows[CLI_POSITIONAL_MAX];
	unsigned n;
};

static uint8_t *row_of(struct coverage *v, const struct loc *at)
{
	return at->mod < v->n && at->row < v->n_rows[at->mod] ? &v->rows[at->mod][at->row] : NULL;
}

static void has_code(void *ctx, const struct loc *at)
{
	uint8_t *row = row_of(ctx, at);

	if (row)
		*row = ROW_CODE;
}

static void ran(void *ctx, const struct loc *at)
{
	uint8_t *row = row_of(ctx, at);

	if (row && *row == ROW_CODE)
		*row = ROW_RAN;
}

static bool coverage_begin(struct policy *p, struct coverage *v, const struct rego_program *program)
{
	*v = (struct coverage){.n = p->n};
	for (unsigned i = 0; i < p->n; i++) {
		uint32_t rows = 2;

		for (size_t k = 0; k < p->modules[i].len; k++)
			rows += p->modules[i].text[k] == '\n';
		v->n_rows[i] = rows;
		v->rows[i] = arena_alloc(p->arena, rows);
		if (!v->rows[i])
			return false;
	}
	rego_program_places(program, has_code, v);
	return true;
}

/* "resource.rego: 12 of 14 lines (85.7 %), not run: 9, 17" */
static void coverage_print(const struct policy *p, const struct coverage *v)
{
	for (unsigned i = 0; i < v->n; i++) {
		unsigned code = 0, done = 0;
		const char *mark = ", not run: ";

		for (uint32_t r = 0; r < v->n_rows[i]; r++) {
			code += v->rows[i][r] != ROW_NONE;
			done += v->rows[i][r] == ROW_RAN;
		}
		printf("%s: %u of %u lines", p->modules[i].name, done, code);
		if (code)
			printf(" (%u.%u %%)", done * 100 / code, done * 1000 / code % 10);
		for (uint32_t r = 0; r < v->n_rows[i]; r++) {
			if (v->rows[i][r] != ROW_CODE)
				continue;
			printf("%s%u", mark, r);
			mark = ", ";
		}
		putchar('\n');
	}
}

struct suite {
	struct policy *p;
	const struct rego_program *program;
	struct rego_doc *data;
	struct coverage cover;
	const char *only;
	bool verbose;
	unsigned passed, failed, skipped;
};

static void explain_failure(const struct rego_result *r)
{
	for (size_t i = 0; i < rego_result_explanations(r); i++) {
		const struct rego_explanation *x = rego_result_explanation(r, i);

		fprintf(stderr, "    %s stopped at %s:%u:%u: %s\n", x->rule, x->file, x->row, x->col, x->text);
		if (x->left && x->right)
			fprintf(stderr, "      %s and %s\n", x->left, x->right);
	}
}

static int run_one(struct suite *s, const struct plan_group *g)
{
	struct rego_errors *errors = NULL;
	struct rego_query *q = rego_query_compile(s->program, g->name, strlen(g->name), &errors);
	struct rego_eval_options o = {.size = sizeof(o), .host_ctx = s->p, .print = policy_print, .zone = host_zone, .data = s->data, .explain = s->verbose};
	struct rego_result *r;
	struct timespec now = {0};
	const struct rego_error *e;
	int64_t from;

	if (!q) {
		if (rego_errors_count(errors))
			policy_error(s->p, rego_errors_at(errors, 0), stderr);
		rego_errors_free(errors);
		return CLI_FAILED;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	o.now_ns = now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
	o.budget.time_ns = 10u * 1000000000ull;
	from = sys_monotonic_ns();
	r = rego_eval_watched(q, &o, ran, &s->cover);
	e = r ? rego_result_error(r) : NULL;
	if (r && rego_result_allowed(r)) {
		s->passed++;
		printf("PASS %s (%lld us)\n", g->name, (long long)((sys_monotonic_ns() - from) / 1000));
	} else {
		s->failed++;
		printf("FAIL %s (%s:%u)\n", g->name, s->p->modules[g->rules[0].loc.mod].name, g->rules[0].loc.row);
		fflush(stdout);
		if (e)
			policy_error(s->p, e, stderr);
		else if (r)
			explain_failure(r);
	}
	rego_result_free(r);
	rego_query_free(q);
	return CLI_OK;
}

static int run_all(struct suite *s)
{
	int code = CLI_OK;

	if (!coverage_begin(s->p, &s->cover, s->program))
		return CLI_FAILED;
	for (uint32_t i = 0; i < s->program->ngroups && !code; i++) {
		const struct plan_group *g = &s->program->groups[i];
		const char *dot = strrchr(g->name, '.'), *name = dot ? dot + 1 : g->name;

		if (strncmp(name, "todo_test_", 10) == 0)
			s->skipped++;
		else if (strncmp(name, "test_", 5) == 0 && g->kind == G_COMPLETE && g->n && (!s->only || strstr(g->name, s->only)))
			code = run_one(s, g);
	}
	printf("%u passed, %u failed, %u skipped\n", s->passed, s->failed, s->skipped);
	coverage_print(s->p, &s->cover);
	if (!code && s->passed + s->failed == 0)
		fputs("error: no rule is named test_...\n", stderr);
	return code ? code : s->failed || !s->passed ? CLI_FAILED : CLI_OK;
}

int policy_test(int argc, char **argv)
{
	const char *data = NULL, *references = NULL;
	struct rego_program *program = NULL;
	struct policy p;
	struct suite s = {.p = &p};
	struct cli_args args;
	bool done;
	int code;

	policy_begin(&p);
	const struct cli_opt opts[] = {
		{"run", "TEXT", "only tests with TEXT in their path", &s.only},
		{"data", "FILE", "JSON object for `data`", &data},
		{"references", "FILE", "JSON object that query_reference_value answers from", &references},
		{"explain", NULL, "tell what stopped the rules of a test that failed", NULL, &s.verbose},
		{"v0", NULL, "the files are Rego v0", NULL, &p.v0},
	};

	code = cli_parse(argc, argv, opts, COUNT_OF(opts), "kbs-client policy test [options] FILE...",
			 "A test is a rule named test_...; it passes when it is true. Then the lines that ran are told for each file.\n\n"
			 "example:\n  kbs-client policy test resource.rego resource_test.rego\n",
			 &args, &done);
	if (code == CLI_OK && !done) {
		code = policy_read(&p, &args, 0);
		if (!code)
			code = policy_document(&p, data, &s.data);
		if (!code)
			code = policy_references(&p, references);
		program = code ? NULL : policy_compile(&p, false, true);
		s.program = program;
		if (!code)
			code = program ? run_all(&s) : CLI_FAILED;
	}
	rego_doc_free(s.data);
	rego_program_free(program);
	policy_end(&p);
	return code;
}
