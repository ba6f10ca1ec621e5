/* policy.h - private to `kbs-client policy`: what its sub-commands share. */
#pragma once
#include <stdio.h>

#include "base/sys.h"
#include "cli/cli.h"
#include "rego/host.h"

#define POLICY_TEXT_MAX ((size_t)16 << 20)

/* Options that every sub-command takes, and the modules that its arguments name. */
struct policy {
	struct arena *arena;
	bool v0, strict;
	struct rego_module modules[CLI_POSITIONAL_MAX];
	unsigned n;
	struct rv_heap heap;
	struct rv references;	/* an object, or RV_UNDEF */
};

void policy_begin(struct policy *p);
void policy_end(struct policy *p);
/* Reads files args->v[from..]; CLI_OK or an exit code, with the error printed. */
int policy_read(struct policy *p, const struct cli_args *args, unsigned from);
/* Reads a JSON file into a frozen document; path NULL: *out stays NULL. */
int policy_document(struct policy *p, const char *path, struct rego_doc **out);
/* The reference values that query_reference_value answers with. */
int policy_references(struct policy *p, const char *path);
/* Compiles; errors are printed with the line and a caret. NULL when there were any. */
struct rego_program *policy_compile(struct policy *p, bool parse_only, bool prints);
/* "error: FILE:ROW:COL: code: message", then the line and a caret. */
void policy_error(const struct policy *p, const struct rego_error *e, FILE *to);
/* For rego_eval_options.print: a line on standard error. */
void policy_print(void *ctx, const char *line, size_t len, const char *file, uint32_t row);
/* The text of a row of a module, without its end. */
struct slice policy_line(const struct policy *p, const char *file, uint32_t row);

int policy_check(int argc, char **argv);
int policy_eval(int argc, char **argv);
int policy_dump(int argc, char **argv);
int policy_test(int argc, char **argv);
int policy_fmt(int argc, char **argv);
int policy_lint(int argc, char **argv);
