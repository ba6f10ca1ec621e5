/* commands.h - the sub-commands of kbs-client. */
#pragma once
#include "agent/attester.h"
#include "cli/cli.h"

extern const struct cli_command cli_attest, cli_get_resource, cli_tpm_ak;	/* cmd_guest.c */
extern const struct cli_command cli_config;					/* cmd_config.c */
extern const struct cli_command cli_collateral;					/* cmd_collateral.c */
extern const struct cli_command cli_explain;					/* cmd_explain.c */
extern const struct cli_command cli_audit;					/* cmd_audit.c */
extern const struct cli_command cli_admin_key, cli_admin_token;			/* cmd_admin.c */
extern const struct cli_command cli_policy;					/* policy*.c */
extern const struct cli_command cli_verify;					/* verify.c */
extern const struct cli_command cli_completion;					/* cmd_completion.c */

/* All of them; NULL ends. */
extern const struct cli_command *const cli_commands[];

/* Evidence of a laboratory in place of this machine's, for builds that have one: given by main, like the commands. */
struct cli_lab_request {
	const char *state, *tee;	/* folder of the worlds; whose shape */
	const char *const *set;		/* "name=value" */
	size_t set_n;
	struct slice init_data;		/* TOML text; p == NULL: none */
};

struct cli_lab {
	/* An attester whose options carry a struct cli_lab_request in `lab`. */
	RC (*find)(const char *tee, struct attester *out, struct why *w);
};

extern const struct cli_lab *const cli_lab;	/* NULL: this build has none */
