#include "cli/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/sys.h"

static void print_help(const struct cli_opt *opts, unsigned n, const char *usage, const char *more)
{
	printf("usage: %s\n", usage);
	if (n)
		printf("\noptions:\n");
	for (unsigned i = 0; i < n; i++) {
		char left[64];

		snprintf(left, sizeof(left), "--%s%s%s", opts[i].name, opts[i].arg ? " " : "", opts[i].arg ? opts[i].arg : "");
		printf("  %-28s %s\n", left, opts[i].help);
	}
	printf("  %-28s %s\n", "--help", "this text");
	if (more)
		printf("\n%s", more);
}

static const struct cli_opt *find(const struct cli_opt *opts, unsigned n, const char *name, size_t len)
{
	for (unsigned i = 0; i < n; i++)
		if (strlen(opts[i].name) == len && memcmp(opts[i].name, name, len) == 0)
			return &opts[i];
	return NULL;
}

/* One option at argv[*i]; moves *i over its value. */
static int take_option(int argc, char **argv, int *i, const struct cli_opt *opts, unsigned n)
{
	const char *word = argv[*i] + 2, *eq = strchr(word, '=');
	size_t len = eq ? (size_t)(eq - word) : strlen(word);
	const struct cli_opt *o = find(opts, n, word, len);

	if (!o)
		return cli_usage("unknown option --%.*s", (int)len, word);
	if (!o->arg) {
		if (eq)
			return cli_usage("--%s takes no value", o->name);
		*o->flag = true;
		return CLI_OK;
	}
	if (o->list ? o->list->n == CLI_POSITIONAL_MAX : *o->value != NULL)
		return cli_usage("--%s is given %s", o->name, o->list ? "too often" : "twice");
	if (!eq && *i + 1 >= argc)
		return cli_usage("--%s needs a value: %s", o->name, o->arg);
	*(o->list ? &o->list->v[o->list->n++] : o->value) = eq ? eq + 1 : argv[++*i];
	return CLI_OK;
}

static int parse(int argc, char **argv, const struct cli_opt *opts, unsigned n, const char *usage, const char *more,
		 struct cli_args *args, int *next, bool *done)
{
	bool ended = false;
	int i, r;

	*done = false;
	for (i = 1; i < argc; i++) {
		if (!ended && (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)) {
			print_help(opts, n, usage, more);
			*done = true;
			return CLI_OK;
		}
		if (!ended && strcmp(argv[i], "--") == 0) {
			ended = true;
			continue;
		}
		if (!ended && strncmp(argv[i], "--", 2) == 0) {
			r = take_option(argc, argv, &i, opts, n);
			if (r)
				return r;
			continue;
		}
		if (!args)
			break;
		if (args->n == CLI_POSITIONAL_MAX)
			return cli_usage("too many arguments");
		args->v[args->n++] = argv[i];
	}
	if (next)
		*next = i;
	return CLI_OK;
}

int cli_parse(int argc, char **argv, const struct cli_opt *opts, unsigned n, const char *usage, const char *more,
	      struct cli_args *args, bool *done)
{
	*args = (struct cli_args){0};
	return parse(argc, argv, opts, n, usage, more, args, NULL, done);
}

int cli_parse_head(int argc, char **argv, const struct cli_opt *opts, unsigned n, const char *usage, const char *more, int *next,
		   bool *done)
{
	return parse(argc, argv, opts, n, usage, more, NULL, next, done);
}

/* What was compared, in the words of who compared it. */
static void print_compared(const struct why_frame *f)
{
	if (!f || !f->subject)
		return;
	fprintf(stderr, "  %s: found %s", f->subject, f->found && *f->found ? f->found : "nothing");
	if (f->expected)
		fprintf(stderr, ", expected %s", f->expected);
	fputc('\n', stderr);
}

int cli_fail(const struct why *w)
{
	cli_progress_end();
	fprintf(stderr, "error: %s [%s]\n", why_text(w), why_reason(w));
	print_compared(w->first);
	for (const struct why_frame *f = w->first ? w->first->next : NULL; f; f = f->next) {
		fprintf(stderr, "  while %s\n", f->text);
		print_compared(f);
	}
	return CLI_FAILED;
}

int cli_usage(const char *fmt, ...)
{
	va_list ap;

	fputs("error: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs("; try --help\n", stderr);
	return CLI_USAGE;
}

static int64_t progress_last;	/* a command line has one terminal */

void cli_progress(const char *what, uint64_t done, uint64_t total)
{
	int64_t now = sys_monotonic_ns();

	if (!isatty(STDERR_FILENO) || (progress_last && now - progress_last < 250000000))
		return;
	progress_last = now;
	fprintf(stderr, "\r%s %llu of %llu", what, (unsigned long long)done, (unsigned long long)total);
}

void cli_progress_end(void)
{
	if (progress_last)
		fprintf(stderr, "\r\033[K");
	progress_last = 0;
}
