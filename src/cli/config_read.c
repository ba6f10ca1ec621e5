/* config_read.c - what administrators read back: names, page by page, and texts. */
#include <stdio.h>

#include "base/num.h"
#include "cli/cli.h"
#include "cli/config.h"
#include "cli/remote.h"
#include "codec/json.h"

#define PAGE 1000u	/* what the broker gives at once */

static rc get(struct admin *ad, const char *path, const char *doing, struct slice *reply)
{
	return path ? remote_admin(ad->remote, ad->token, "GET", path, NULL, (struct slice){0}, doing, ad->a, reply, ad->w)
		    : deny(ad->w, E_INTERNAL, "cli.memory", "no memory");
}

/* path ends in a query that `after` may follow. The names come in order, so a page begins behind the last name of the one before. */
static rc print_names(struct admin *ad, const char *path, const char *doing)
{
	const char *after = "";
	size_t n;

	do {
		struct json *names;
		struct slice reply;

		TRY(get(ad, arena_printf(ad->a, "%s&after=%s", path, remote_quote(ad->a, after, false)), doing, &reply));
		TRY(json_parse(ad->a, reply, NULL, &names, ad->w));
		n = names->kind == JSON_ARRAY ? names->n : 0;
		for (size_t i = 0; i < n; i++) {
			if (names->items[i]->kind != JSON_STRING)
				return deny(ad->w, E_MALFORMED, "cli.names", "%s: the broker's list holds %s", doing, json_kind_name(names->items[i]));
			if (after[0] && strcmp((const char *)names->items[i]->text.p, after) <= 0)
				return rc_of(OK);	/* a list that comes whole, and has come */
			printf(SLICE_FMT "\n", SLICE_ARG(names->items[i]->text));
			after = (const char *)names->items[i]->text.p;
		}
	} while (n >= PAGE);
	return rc_of(OK);
}

/* A list without options of its own. */
static int list(struct admin *ad, int argc, char **argv, const char *usage, const char *more, const char *path, const char *doing)
{
	bool done;
	int code = cli_parse(argc, argv, NULL, 0, usage, more, NULL, &done);

	if (code || done)
		return code;
	return rc_ok(print_names(ad, path, doing)) ? CLI_OK : cli_fail(ad->w);
}

int config_list_resources(struct admin *ad, int argc, char **argv)
{
	const char *prefix = NULL;
	const struct cli_opt opts[] = {{"prefix", "TEXT", "only names that begin so", &prefix}};
	bool done;
	int code = cli_parse(argc, argv, opts, COUNT_OF(opts), "kbs-client config list-resources [--prefix TEXT]",
			     "One name a line; the secrets themselves are for guests alone.\n\nexample:\n  kbs-client config list-resources --prefix default/\n",
			     NULL, &done);

	if (code || done)
		return code;
	return rc_ok(print_names(ad, arena_printf(ad->a, "/kbs/v0/resource?prefix=%s", remote_quote(ad->a, prefix ? prefix : "", false)),
				 "listing resources"))
		       ? CLI_OK
		       : cli_fail(ad->w);
}

int config_list_references(struct admin *ad, int argc, char **argv)
{
	return list(ad, argc, argv, "kbs-client config list-reference-values", "One name a line; expired ones as well.\n",
		    "/kbs/v0/reference-value?limit=1000", "listing reference values");
}

int config_list_attestation_policies(struct admin *ad, int argc, char **argv)
{
	return list(ad, argc, argv, "kbs-client config list-attestation-policies", "One id a line.\n", "/kbs/v0/attestation-policy?limit=10000",
		    "listing attestation policies");
}

int config_list_anchors(struct admin *ad, int argc, char **argv)
{
	return list(ad, argc, argv, "kbs-client config list-anchors",
		    "SET/DIGEST a line: the SHA-256 of the SubjectPublicKeyInfo. Roots of vendors that are built in are not listed.\n",
		    "/kbs/v0/trust-anchor?limit=10000", "listing trust anchors");
}

static int print_text(struct admin *ad, const char *path, const char *doing, const char *end)
{
	struct slice reply;

	if (!rc_ok(get(ad, path, doing, &reply)))
		return cli_fail(ad->w);
	fwrite(reply.p, 1, reply.n, stdout);
	fputs(end, stdout);
	return CLI_OK;
}

int config_get_reference(struct admin *ad, int argc, char **argv)
{
	const char *id = NULL;
	const struct cli_opt opts[] = {{"id", "ID", "name of the reference value", &id}};
	bool done;
	int code = cli_parse(argc, argv, opts, COUNT_OF(opts), "kbs-client config get-reference-value --id ID",
			     "Prints its value as JSON.\n\nexample:\n  kbs-client config get-reference-value --id tpm_pcr11\n", NULL, &done);

	if (code || done)
		return code;
	if (!id)
		return cli_usage("--id is required");
	return print_text(ad, arena_printf(ad->a, "/kbs/v0/reference-value/%s", remote_quote(ad->a, id, true)), "getting the reference value", "\n");
}

int config_get_resource_policy(struct admin *ad, int argc, char **argv)
{
	bool done;
	int code = cli_parse(argc, argv, NULL, 0, "kbs-client config get-resource-policy",
			     "Prints the text as it was uploaded.\n\nexample:\n  kbs-client config get-resource-policy > policy.rego\n", NULL, &done);

	return code || done ? code : print_text(ad, "/kbs/v0/resource-policy?text=1", "getting the resource policy", "");
}

int config_get_attestation_policy(struct admin *ad, int argc, char **argv)
{
	const char *id = NULL;
	const struct cli_opt opts[] = {{"id", "ID", "policy id; default default_cpu", &id}};
	bool done;
	int code = cli_parse(argc, argv, opts, COUNT_OF(opts), "kbs-client config get-attestation-policy [--id ID]",
			     "Prints the text as it was uploaded.\n\nexample:\n  kbs-client config get-attestation-policy --id default_cpu > cpu.rego\n",
			     NULL, &done);

	return code || done ? code
			    : print_text(ad, arena_printf(ad->a, "/kbs/v0/attestation-policy/%s", remote_quote(ad->a, id ? id : "default_cpu", false)),
					 "getting the attestation policy", "");
}
