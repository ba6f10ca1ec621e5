/* commands.h - the sub-commands of kbs-client. */
#pragma once
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
