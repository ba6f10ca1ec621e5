/* cli.h - the command line: a table of sub-commands, and the options of each as rows.
 *
 * Exit codes everywhere: 0 done, 1 refused or failed, 2 usage.
 *
 * Threads: one; a command line has one terminal.
 */
#pragma once
#include "base/why.h"

#define CLI_OK	   0
#define CLI_FAILED 1
#define CLI_USAGE  2

struct cli_command {
	const char *name;
	const char *summary;	/* one line of `--help` */
	int (*run)(int argc, char **argv);	/* argv[0] is the sub-command's name */
};

#define CLI_POSITIONAL_MAX 16u

struct cli_args {
	const char *v[CLI_POSITIONAL_MAX];
	unsigned n;
};

struct cli_opt {
	const char *name;	/* without the dashes */
	const char *arg;	/* name of its value in the help; NULL: a flag */
	const char *help;
	const char **value;	/* set to the value; an option given twice is a usage error */
	bool *flag;
	struct cli_args *list;	/* instead of value: one that may be given several times */
};

/* Reads "--name value", "--name=value" and "--flag"; "--" ends options. Prints help and returns CLI_OK with *done set for
 * --help; prints the error and returns CLI_USAGE. `usage` is the line behind "usage:"; `more` follows the options: examples.
 * args == NULL: the command takes no argument, and one is a usage error. */
int cli_parse(int argc, char **argv, const struct cli_opt *opts, unsigned n, const char *usage, const char *more,
	      struct cli_args *args, bool *done);
/* Stops at the first word that is no option: for options that stand before a sub-command. *next is its index. */
int cli_parse_head(int argc, char **argv, const struct cli_opt *opts, unsigned n, const char *usage, const char *more, int *next,
		   bool *done);

/* "error: <text>" and the frames around it, to standard error. Returns CLI_USAGE where the reason is of cli.usage (what was typed is wrong,
 * not what was met), else CLI_FAILED. */
int cli_fail(const struct why *w);
/* "error: ..." and "try --help". Returns CLI_USAGE. */
int cli_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* One line of progress on a terminal, at most four a second; nothing where standard error is no terminal. */
void cli_progress(const char *what, uint64_t done, uint64_t total);
void cli_progress_end(void);
