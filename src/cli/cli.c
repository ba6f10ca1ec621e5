#include "cli/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/sys.h"
#include "base/utf8.h"

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
		if (next)
			break;
		if (!args)
			return cli_usage("%s takes no argument, found \"%s\"", argv[0], argv[i]);
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
	if (args)
		*args = (struct cli_args){0};
	return parse(argc, argv, opts, n, usage, more, args, NULL, done);
}

int cli_parse_head(int argc, char **argv, const struct cli_opt *opts, unsigned n, const char *usage, const char *more, int *next,
		   bool *done)
{
	return parse(argc, argv, opts, n, usage, more, NULL, next, done);
}

static void put(struct buf *b, const char *before, const char *text)
{
	buf_puts(b, before);
	utf8_write_terminal(b, slice_cstr(text));
}

/* What was compared, in the words of who compared it. */
static void put_compared(struct buf *b, const struct why_frame *f)
{
	if (!f || !f->subject)
		return;
	put(b, "  ", f->subject);
	put(b, ": found ", f->found && *f->found ? f->found : "nothing");
	if (f->expected)
		put(b, ", expected ", f->expected);
	buf_putc(b, '\n');
}

/* Parts of the text come from a broker, or from evidence. */
int cli_fail(const struct why *w)
{
	struct arena *a = arena_new(0);
	struct buf b = buf_in(a, 0);
	const char *reason = why_reason(w);

	cli_progress_end();
	put(&b, "error: ", why_text(w));
	buf_printf(&b, " [%s]\n", reason);
	put_compared(&b, w->first);
	for (const struct why_frame *f = w->first ? w->first->next : NULL; f; f = f->next) {
		put(&b, "  while ", f->text);
		buf_putc(&b, '\n');
		put_compared(&b, f);
	}
	fputs(buf_cstr(&b) ? (const char *)b.p : "error: no memory\n", stderr);
	arena_free(a);
	return strncmp(reason, "cli.usage.", 10) == 0 ? CLI_USAGE : CLI_FAILED;
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
