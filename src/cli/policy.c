/* policy.c - `policy`: its sub-commands, and what they share: reading modules, compiling, errors with the line they mean. */
#include "cli/policy.h"

#include "base/num.h"
#include "cli/commands.h"

void policy_begin(struct policy *p)
{
	*p = (struct policy){.arena = arena_new((size_t)256 << 20)};
	p->heap = rv_heap_in(p->arena, 0);
	p->references = rv_undef();
}

void policy_end(struct policy *p)
{
	arena_free(p->arena);
}

static int read_text(struct policy *p, const char *path, struct slice *out)
{
	struct why w = why_in(p->arena);

	return rc_ok(file_read(p->arena, path, POLICY_TEXT_MAX, out, &w)) ? CLI_OK : cli_fail(&w);
}

int policy_read(struct policy *p, const struct cli_args *args, unsigned from)
{
	if (args->n <= from)
		return cli_usage("name at least one policy file");
	for (unsigned i = from; i < args->n; i++) {
		struct slice text;
		int code = read_text(p, args->v[i], &text);

		if (code)
			return code;
		p->modules[p->n++] = (struct rego_module){args->v[i], (const char *)text.p, text.n};
	}
	return CLI_OK;
}

static int read_json(struct policy *p, const char *path, struct rv *out)
{
	const char *err = NULL;
	struct slice text;
	size_t at = 0;
	int code = read_text(p, path, &text);

	if (code)
		return code;
	*out = rv_from_json(&p->heap, text, NULL, &err, &at);
	if (out->kind != RV_UNDEF)
		return CLI_OK;
	fprintf(stderr, "error: %s: at byte %zu: %s\n", path, at, err ? err : "not JSON");
	return CLI_FAILED;
}

int policy_document(struct policy *p, const char *path, struct rego_doc **out)
{
	struct slice text;
	struct rv v;
	int code = path ? read_json(p, path, &v) : CLI_OK;

	if (!path || code)
		return code;
	code = read_text(p, path, &text);
	*out = code ? NULL : rego_doc_parse((const char *)text.p, text.n);
	return *out ? CLI_OK : CLI_FAILED;
}

int policy_references(struct policy *p, const char *path)
{
	int code = path ? read_json(p, path, &p->references) : CLI_OK;

	if (code || !path)
		return code;
	if (p->references.kind != RV_OBJECT) {
		fprintf(stderr, "error: %s: reference values are an object of name to value\n", path);
		return CLI_FAILED;
	}
	rv_freeze(p->references);
	return CLI_OK;
}

/* host_ctx is the struct policy. */
static void reference_value(void *ctx, struct rego_host_call *c)
{
	const struct policy *p = ctx;
	size_t n = 0;
	const char *name = rego_host_arg_string(c, 0, &n);
	const struct rv *v = name && p->references.kind == RV_OBJECT ? rv_get_c(p->references, name) : NULL;

	host_reply(c, v ? *v : rv_null());
}

static const struct rego_host_fn host_fns[] = {{"query_reference_value", 1, 0, reference_value}};

struct rego_program *policy_compile(struct policy *p, bool parse_only, bool prints)
{
	struct rego_compile_options o = {.size = sizeof(o), .dialect = p->v0 ? REGO_V0 : REGO_V1, .strict = p->strict,
					 .keep_print = prints, .parse_only = parse_only, .check_annotations = p->strict, .max_source_bytes = POLICY_TEXT_MAX,
					 .host_fns = host_fns, .host_fn_count = COUNT_OF(host_fns)};
	struct rego_errors *errors = NULL;
	struct rego_program *program = rego_compile(p->modules, p->n, &o, &errors);

	for (size_t i = 0; !program && i < rego_errors_count(errors); i++)
		policy_error(p, rego_errors_at(errors, i), stderr);
	rego_errors_free(errors);
	return program;
}

void policy_print(void *ctx, const char *line, size_t len, const char *file, uint32_t row)
{
	(void)ctx;
	(void)file;
	(void)row;
	fprintf(stderr, "%.*s\n", (int)len, line);
}

struct slice policy_line(const struct policy *p, const char *file, uint32_t row)
{
	for (unsigned i = 0; i < p->n; i++) {
		struct slice s = slice_of(p->modules[i].text, p->modules[i].len);
		size_t from = 0, to;

		if (strcmp(p->modules[i].name, file) != 0)
			continue;
		for (uint32_t r = 1; r < row && from < s.n; from++)
			r += s.p[from] == '\n';
		for (to = from; to < s.n && s.p[to] != '\n' && s.p[to] != '\r';)
			to++;
		return slice_sub(s, from, to - from);
	}
	return (struct slice){0};
}

void policy_error(const struct policy *p, const struct rego_error *e, FILE *to)
{
	struct slice line = policy_line(p, e->file, e->row);

	if (!e->row) {
		fprintf(to, "error: %s: %s\n", e->code, e->message);
		return;
	}
	fprintf(to, "error: %s:%u:%u: %s: %s\n", e->file[0] ? e->file : "query", e->row, e->col, e->code, e->message);
	if (!line.n)
		return;
	fprintf(to, "  " SLICE_FMT "\n  ", SLICE_ARG(line));
	for (size_t i = 0, col = 1; i < line.n; i++) {	/* one for each character; tabs stay tabs */
		if ((line.p[i] & 0xc0) == 0x80)
			continue;
		if (col++ >= e->col)
			break;
		fputc(line.p[i] == '\t' ? '\t' : ' ', to);
	}
	fputs("^\n", to);
}

int policy_check(int argc, char **argv)
{
	struct policy p;
	struct cli_args args;
	bool done;
	int code;

	policy_begin(&p);
	const struct cli_opt opts[] = {{"v0", NULL, "the files are Rego v0", NULL, &p.v0},
				       {"strict", NULL, "unused imports and variables are errors", NULL, &p.strict}};

	code = cli_parse(argc, argv, opts, COUNT_OF(opts), "kbs-client policy check [options] FILE...",
			 "Compiles the files together and prints each error with its line.\n\n"
			 "example:\n  kbs-client policy check --strict resource.rego\n",
			 &args, &done);
	if (code == CLI_OK && !done)
		code = policy_read(&p, &args, 0);
	if (code == CLI_OK && !done) {
		struct rego_program *program = policy_compile(&p, false, true);

		code = program ? CLI_OK : CLI_FAILED;
		rego_program_free(program);
	}
	policy_end(&p);
	return code;
}

static const struct cli_command subs[] = {
	{"check", "compile; errors with file, line, column and a caret", policy_check},
	{"eval", "evaluate a query", policy_eval},
	{"test", "run rules named test_..., with line coverage", policy_test},
	{"fmt", "lay a policy out the canonical way", policy_fmt},
	{"dump", "print what a stage of the compiler made", policy_dump},
	{"lint", "find rules that allow everything, dead rules and unknown inputs", policy_lint},
};

static void help(FILE *to)
{
	fputs("usage: kbs-client policy SUB-COMMAND ...\n\nsub-commands (each has --help):\n", to);
	for (size_t i = 0; i < COUNT_OF(subs); i++)
		fprintf(to, "  %-28s %s\n", subs[i].name, subs[i].summary);
	fputs("\nexamples:\n"
	      "  kbs-client policy check resource.rego\n"
	      "  kbs-client policy eval --input claims.json --explain data.policy.allow resource.rego\n"
	      "  kbs-client policy test resource.rego resource_test.rego\n",
	      to);
}

static int run(int argc, char **argv)
{
	if (argc < 2)
		return cli_usage("policy needs a sub-command: check, eval, test, fmt, dump or lint");
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		help(stdout);
		return CLI_OK;
	}
	for (size_t i = 0; i < COUNT_OF(subs); i++)
		if (strcmp(argv[1], subs[i].name) == 0)
			return subs[i].run(argc - 1, argv + 1);
	return cli_usage("policy has no sub-command \"%s\"", argv[1]);
}

const struct cli_command cli_policy = {"policy", "check, evaluate, test, format and inspect policies", run};
