/* policy_eval.c - `policy eval`: a query with input and data; why rules gave nothing; where the time goes. */
#include <stdlib.h>
#include <time.h>

#include "base/num.h"
#include "cli/policy.h"
#include "rego/watch.h"

#define PROFILE_ROWS 20u

struct spot {
	struct loc at;
	uint64_t times;
	int64_t ns;
};

struct profile {
	struct spot *spots;
	uint32_t n, cap;
	struct spot *last;
	int64_t since;
	bool full;
};

static struct spot *spot_of(struct profile *p, const struct loc *at)
{
	for (uint32_t i = 0; i < p->n; i++)
		if (p->spots[i].at.off == at->off && p->spots[i].at.mod == at->mod && p->spots[i].at.len == at->len)
			return &p->spots[i];
	if (p->n == p->cap) {
		uint32_t cap = p->cap ? p->cap * 2 : 256;
		struct spot *more = reallocarray(p->spots, cap, sizeof(*more));

		if (!more)
			return NULL;
		p->spots = more;
		p->cap = cap;
	}
	p->spots[p->n] = (struct spot){.at = *at};
	return &p->spots[p->n++];
}

static void see(void *ctx, const struct loc *at)
{
	struct profile *p = ctx;
	int64_t now = sys_monotonic_ns();
	struct spot *s;

	if (p->last)
		p->last->ns += now - p->since;
	s = spot_of(p, at);
	if (s)
		s->times++;
	p->last = s;
	p->since = sys_monotonic_ns();
}

static int by_time(const void *a, const void *b)
{
	const struct spot *x = a, *y = b;

	return x->ns < y->ns ? 1 : x->ns > y->ns ? -1 : x->at.off < y->at.off ? -1 : x->at.off > y->at.off;
}

static void print_profile(const struct policy *p, struct profile *f)
{
	qsort(f->spots, f->n, sizeof(*f->spots), by_time);
	fprintf(stderr, "%10s %8s  place\n", "ns", "steps");
	for (uint32_t i = 0; i < f->n && i < PROFILE_ROWS; i++) {
		const struct spot *s = &f->spots[i];
		struct slice text = s->at.mod < p->n ? slice_of(p->modules[s->at.mod].text, p->modules[s->at.mod].len) : (struct slice){0};
		struct slice expr = slice_sub(text, s->at.off, s->at.len);
		const uint8_t *nl = expr.n ? memchr(expr.p, '\n', expr.n) : NULL;

		if (nl)
			expr.n = (size_t)(nl - expr.p);
		fprintf(stderr, "%10lld %8llu  %s:%u:%u: " SLICE_FMT "\n", (long long)s->ns, (unsigned long long)s->times,
			s->at.mod < p->n ? p->modules[s->at.mod].name : "query", s->at.row, s->at.col, SLICE_ARG(expr));
	}
}

static void print_explanations(const struct rego_result *r)
{
	for (size_t i = 0; i < rego_result_explanations(r); i++) {
		const struct rego_explanation *x = rego_result_explanation(r, i);

		fprintf(stderr, "%s (%s:%u) stopped at %u:%u: %s\n", x->rule, x->file, x->rule_row, x->row, x->col, x->text);
		if (x->left)
			fprintf(stderr, "    left:    %s\n", x->left);
		if (x->right)
			fprintf(stderr, "    right:   %s\n", x->right);
		if (x->nearest)
			fprintf(stderr, "    nearest: %s\n", x->nearest);
	}
}

static int print_rows(const struct policy *p, const struct rego_result *r)
{
	const struct rego_error *e = rego_result_error(r);
	size_t n = 0;

	if (e) {
		policy_error(p, e, stderr);
		return CLI_FAILED;
	}
	if (rego_result_rows(r) == 0) {
		const char *value = rego_result_value(r, &n);	/* false has no row */

		puts(value ? value : "undefined");
		return CLI_FAILED;
	}
	for (size_t i = 0; i < rego_result_rows(r); i++) {
		const char *row = rego_result_row(r, i, &n), *value = rego_result_columns(r) == 0 ? rego_result_value(r, &n) : row;

		puts(value ? value : "(no memory)");
	}
	return CLI_OK;
}

struct request {
	const char *query, *input, *data, *references;
	bool explain, profile, strict;
};

static int evaluate(struct policy *p, const struct request *q)
{
	struct timespec now = {0};
	struct rego_program *program = policy_compile(p, false, true);
	struct rego_eval_options o = {.size = sizeof(o), .host_ctx = p, .print = policy_print, .zone = host_zone, .explain = q->explain, .strict_errors = q->strict};
	struct rego_doc *input = NULL, *data = NULL;
	struct rego_errors *errors = NULL;
	struct rego_query *query = program ? rego_query_compile(program, q->query, strlen(q->query), &errors) : NULL;
	struct rego_result *r = NULL;
	struct profile f = {0};
	int code = query ? policy_document(p, q->input, &input) : CLI_FAILED;

	for (size_t i = 0; program && !query && i < rego_errors_count(errors); i++)
		policy_error(p, rego_errors_at(errors, i), stderr);
	if (!code)
		code = policy_document(p, q->data, &data);
	if (!code)
		code = policy_references(p, q->references);
	if (!code) {
		clock_gettime(CLOCK_REALTIME, &now);
		o.now_ns = now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
		o.input_doc = input;
		o.data = data;
		o.budget.time_ns = 10u * 1000000000ull;
		r = q->profile ? rego_eval_watched(query, &o, see, &f) : rego_eval(query, &o);
		code = r ? print_rows(p, r) : CLI_FAILED;
		if (r && q->explain)
			print_explanations(r);
		if (q->profile)
			print_profile(p, &f);
	}
	free(f.spots);
	rego_result_free(r);
	rego_doc_free(input);
	rego_doc_free(data);
	rego_query_free(query);
	rego_errors_free(errors);
	rego_program_free(program);
	return code;
}

int policy_eval(int argc, char **argv)
{
	struct request q = {0};
	struct policy p;
	struct cli_args args;
	bool done;
	int code;

	policy_begin(&p);
	const struct cli_opt opts[] = {
		{"input", "FILE", "JSON for `input`", &q.input},
		{"data", "FILE", "JSON object for `data`", &q.data},
		{"references", "FILE", "JSON object that query_reference_value answers from", &q.references},
		{"explain", NULL, "tell which expression stopped each rule, with the values on both sides", NULL, &q.explain},
		{"profile", NULL, "tell where steps and time go", NULL, &q.profile},
		{"strict-errors", NULL, "errors of builtins end the evaluation", NULL, &q.strict},
		{"v0", NULL, "the files are Rego v0", NULL, &p.v0},
	};

	code = cli_parse(argc, argv, opts, COUNT_OF(opts), "kbs-client policy eval [options] QUERY FILE...",
			 "Prints the result as JSON, a row a line. Exit code 1 when it is undefined, false or an error.\n\n"
			 "examples:\n"
			 "  kbs-client policy eval --input claims.json data.policy.allow resource.rego\n"
			 "  kbs-client policy eval --references rv.json --input claims.json --explain data.policy.executables cpu.rego\n",
			 &args, &done);
	if (code == CLI_OK && !done && args.n < 2)
		code = cli_usage("eval takes a query and at least one file");
	if (code == CLI_OK && !done)
		code = policy_read(&p, &args, 1);
	if (code == CLI_OK && !done) {
		q.query = args.v[0];
		code = evaluate(&p, &q);
	}
	policy_end(&p);
	return code;
}
