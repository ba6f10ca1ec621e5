/* cmd_explain.c - `explain ID`: why a request was refused or let through, for people or as JSON. */
#include <stdio.h>

#include "audit/audit.h"
#include "base/num.h"
#include "cli/commands.h"
#include "cli/remote.h"

static rc explain(const char *id, const char *token_file, bool as_json, struct remote **r, struct arena *a, struct why *w)
{
	struct slice token, reply;
	struct json *decision;
	char *text;

	for (const char *p = id; *p; p++)
		if (!((*p >= '0' && *p <= '9') || (*p >= 'a' && *p <= 'z') || *p == '-'))
			return deny(w, E_MALFORMED, "cli.usage.decision", "\"%s\" is not a decision id", id);
	TRY(remote_admin_token(token_file, a, &token, w));
	TRY(remote_open(&remote_options, r, w));
	TRY(remote_admin(*r, token, "GET", arena_printf(a, "/kbs/v0/decision/%s", id), NULL, (struct slice){0},
			 arena_printf(a, "reading the decision %s", id), a, &reply, w));
	TRY(json_parse(a, reply, NULL, &decision, w));
	if (as_json) {
		printf(SLICE_FMT "\n", (int)reply.n, (const char *)reply.p);
		return rc_of(OK);
	}
	text = decision_render(a, decision);
	if (!text)
		return deny(w, E_INTERNAL, "cli.memory", "no memory");
	fputs(text, stdout);
	return rc_of(OK);
}

static int explain_run(int argc, char **argv)
{
	const char *token_file = NULL;
	bool as_json = false, done;
	const struct cli_opt opts[] = {{"admin-token-file", "FILE", "JWT of the administrator; default $HOME/.trustee/admin-token", &token_file},
				       {"json", NULL, "print the whole record as JSON", NULL, &as_json}};
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct remote *r = NULL;
	struct cli_args args;
	int code = cli_parse(argc, argv, opts, COUNT_OF(opts), "kbs-client [--url URL] explain [options] DECISION",
			     "Prints why a request was refused or let through. The decision id stands in the refusal that the guest got.\n\n"
			     "example:\n  kbs-client explain --admin-token-file token 01hf3k2v7q-8x1m2n4p9\n",
			     &args, &done);

	if (code == CLI_OK && !done && args.n != 1)
		code = cli_usage("explain takes one argument, the decision id");
	if (code == CLI_OK && !done && !rc_ok(explain(args.v[0], token_file, as_json, &r, a, &w)))
		code = cli_fail(&w);
	remote_close(r);
	arena_free(a);
	return code;
}

const struct cli_command cli_explain = {"explain", "tell why a request was refused or let through", explain_run};
