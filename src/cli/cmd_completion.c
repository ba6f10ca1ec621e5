/* cmd_completion.c - `completion`: a bash script that completes sub-commands. */
#include <stdio.h>

#include "cli/commands.h"

static int completion_run(int argc, char **argv)
{
	struct cli_args args;
	bool done;
	int code = cli_parse(argc, argv, NULL, 0, "kbs-client completion",
			     "Prints a bash completion script.\n\nexample:\n  source <(kbs-client completion)\n", &args, &done);

	if (code || done)
		return code;
	printf("_kbs_client() {\n\tlocal cur=${COMP_WORDS[COMP_CWORD]} word\n\tCOMPREPLY=()\n"
	       "\tif [[ ${COMP_WORDS[COMP_CWORD-1]} == --*file ]]; then COMPREPLY=($(compgen -f -- \"$cur\")); return; fi\n"
	       "\tif [[ $cur == --* ]]; then\n\t\tlocal sub=\"\"\n"
	       "\t\tfor word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do [[ $word != -* ]] && sub+=\" $word\"; done\n"
	       "\t\tCOMPREPLY=($(compgen -W \"$(${COMP_WORDS[0]} $sub --help 2>/dev/null | grep -o -- '--[a-z0-9-]*' | sort -u)\" -- \"$cur\"))\n"
	       "\t\treturn\n\tfi\n\tCOMPREPLY=($(compgen -W \"");
	for (const struct cli_command *const *c = cli_commands; *c; c++)
		printf("%s ", (*c)->name);
	printf("\" -- \"$cur\"))\n}\ncomplete -F _kbs_client kbs-client\n");
	return CLI_OK;
}

const struct cli_command cli_completion = {"completion", "print a bash completion script", completion_run};
