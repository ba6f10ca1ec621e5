/* cmd_completion.c - `completion`: a bash script that completes sub-commands. */
#include <stdio.h>

#include "cli/commands.h"

/* The help texts are the one list of sub-commands and options: the script asks for them. */
static const char script[] =
	"_kbs_client() {\n"
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} sub=\"\" i word help\n"
	"\tCOMPREPLY=()\n"
	"\tcase $prev in\n"
	"\t--*file|--in|--out|--key|--store|--evidence|--collateral|--trust|--lab-state|--state|--records|--head|--input)\n"
	"\t\tCOMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n"
	"\tesac\n"
	"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	"\t\tword=${COMP_WORDS[i]}\n"
	"\t\tcase $word in\n"
	"\t\t--url|--cert-file|--admin-token-file) ((i++)) ;;\n"
	"\t\t-*) ;;\n"
	"\t\t*) sub+=\" $word\" ;;\n"
	"\t\tesac\n"
	"\tdone\n"
	"\thelp=$(${COMP_WORDS[0]} $sub --help 2>/dev/null)\n"
	"\tif [[ $cur == -* ]]; then\n"
	"\t\tCOMPREPLY=($(compgen -W \"$(grep -o '^  --[a-z0-9-]*' <<<\"$help\")\" -- \"$cur\")); return\n"
	"\tfi\n"
	"\tword=$(sed -n '/^sub-commands/,/^$/s/^  \\([a-z][a-z-]*\\) .*/\\1/p' <<<\"$help\")\n"
	"\t[[ $sub == *' '*' '* || -n $word ]] || word=$(sed -n '1{s/^usage: kbs-client \\(\\[[^]]*] \\)*[a-z-]* //;s/\\[[^]]*]//g;p}' <<<\"$help\" | grep '|' |"
	" grep -o '\\b[a-z][a-z-]*\\b')\n"
	"\tif [[ -n $word ]]; then COMPREPLY=($(compgen -W \"$word\" -- \"$cur\")); else COMPREPLY=($(compgen -f -- \"$cur\")); fi\n"
	"}\n"
	"complete -F _kbs_client kbs-client\n";

static int completion_run(int argc, char **argv)
{
	bool done;
	int code = cli_parse(argc, argv, NULL, 0, "kbs-client completion",
			     "Prints a bash completion script.\n\nexample:\n  source <(kbs-client completion)\n", NULL, &done);

	if (code || done)
		return code;
	fputs(script, stdout);
	return CLI_OK;
}

const struct cli_command cli_completion = {"completion", "print a bash completion script", completion_run};
