/* kbs_client.c - the command line: options of the connection, then a sub-command. */
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/num.h"
#include "cli/commands.h"
#include "cli/remote.h"
#include "verifier/pool.h"

const struct cli_command *const cli_commands[] = {
	&cli_attest, &cli_get_resource, &cli_config,	&cli_collateral,  &cli_explain,	   &cli_audit,
	&cli_verify, &cli_policy, &cli_tpm_ak,	&cli_admin_key, &cli_admin_token, &cli_completion, NULL,
};

struct remote_options remote_options;

int main(int argc, char **argv)
{
	bool version = false, done;
	const struct cli_opt opts[] = {{"url", "URL", "of the broker; default " REMOTE_DEFAULT_URL, &remote_options.url},
				       {"cert-file", "FILE", "extra root certificate, PEM", &remote_options.cert_file},
				       {"version", NULL, "print the version", NULL, &version}};
	struct arena *a;
	struct buf more;
	int next, code = CLI_USAGE;

	pool_worker_main(argc, argv);
	log_set_level(log_level_of(getenv("RUST_LOG"), LOG_WARN));
	(void)setenv("TSS2_LOG", "all+NONE", 0);	/* what the TPM refused is told once, by the command */
	a = arena_new(0);
	more = buf_in(a, 0);
	buf_puts(&more, "sub-commands (each has --help):\n");
	for (const struct cli_command *const *c = cli_commands; *c; c++)
		buf_printf(&more, "  %-28s %s\n", (*c)->name, (*c)->summary);
	buf_puts(&more, "\nexit codes: 0 done, 1 refused or failed, 2 usage\n");
	code = cli_parse_head(argc, argv, opts, COUNT_OF(opts), "kbs-client [options] SUB-COMMAND ...", buf_cstr(&more), &next, &done);
	if (code == CLI_OK && !done && version) {
		printf("kbs-client %s\n", WARRANT_VERSION);
	} else if (code == CLI_OK && !done && next >= argc) {
		code = cli_usage("a sub-command is required");
	} else if (code == CLI_OK && !done) {
		const struct cli_command *const *c = cli_commands;

		while (*c && strcmp((*c)->name, argv[next]) != 0)
			c++;
		code = *c ? (*c)->run(argc - next, argv + next) : cli_usage("there is no sub-command \"%s\"", argv[next]);
	}
	arena_free(a);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "error: cannot write to standard output [cli.output]\n");
		code = CLI_FAILED;
	}
	return code;
}
