/* cmd_config.c - `config`: what an administrator sets. What is read back is in config_read.c. */
#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"
#include "base/sys.h"
#include "cli/commands.h"
#include "cli/config.h"
#include "cli/remote.h"
#include "codec/base64.h"
#include "kbs/policies.h"

static rc post_json(struct admin *ad, const char *path, const struct json *doc, const char *doing)
{
	struct slice reply, body = json_text(ad->a, doc);

	return body.p ? remote_admin(ad->remote, ad->token, "POST", path, "application/json", body, doing, ad->a, &reply, ad->w)
		      : deny(ad->w, E_MALFORMED, "cli.text", "%s: the text is not UTF-8", doing);
}

static rc policy_doc(struct admin *ad, struct slice rego, struct json **out)
{
	struct json *doc = json_new_object(ad->a);

	json_set(ad->a, doc, "policy", json_new_str(ad->a, b64_text(ad->a, B64_URL, rego)));
	*out = doc;
	return arena_bad(ad->a) ? deny(ad->w, E_INTERNAL, "cli.memory", "no memory") : rc_of(OK);
}

static void said(const char *what, struct slice b64)
{
	printf("%s\n", what);
	if (b64.n)
		printf(SLICE_FMT "\n", (int)b64.n, (const char *)b64.p);
}

/* ---- one function a sub-sub-command ---- */

static int set_resource_policy(struct admin *ad, int argc, char **argv)
{
	const char *file = NULL;
	bool flag[4] = {0}, done;
	static const char *const names[] = {"allow_all", "deny_all", "affirming", "default"};
	const struct cli_opt opts[] = {{"policy-file", "FILE", "Rego text", &file},
				       {"allow-all", NULL, "every attested guest may have every secret", NULL, &flag[0]},
				       {"deny-all", NULL, "nobody may have anything", NULL, &flag[1]},
				       {"affirming", NULL, "only guests whose every part is affirming", NULL, &flag[2]},
				       {"default", NULL, "attested guests, but not the sample TEE", NULL, &flag[3]}};
	struct slice rego = {0};
	struct json *doc;
	int chosen = 0, code;

	code = cli_parse(argc, argv, opts, COUNT_OF(opts), "kbs-client config set-resource-policy --policy-file FILE | --affirming | ...",
			 "The policy is compiled first; one that does not compile is refused with file, line and column. It decides at once.\n\nexamples:\n"
			 "  kbs-client config set-resource-policy --affirming\n  kbs-client config set-resource-policy --policy-file policy.rego\n",
			 NULL, &done);
	if (code || done)
		return code;
	for (unsigned i = 0; i < 4; i++)
		if (flag[i]) {
			rego = embedded_find(kbs_policies, names[i])->text;
			chosen++;
		}
	if (chosen + (file != NULL) != 1)
		return cli_usage("say one of --policy-file, --allow-all, --deny-all, --affirming and --default");
	if ((file && !rc_ok(file_read(ad->a, file, (size_t)2 << 20, &rego, ad->w))) || !rc_ok(policy_doc(ad, rego, &doc)) ||
	    !rc_ok(note(ad->w, post_json(ad, "/kbs/v0/resource-policy", doc, "setting the resource policy"), "uploading %s", file ? file : "it")))
		return cli_fail(ad->w);
	said("Set resource policy success", json_get(doc, "policy")->text);
	return CLI_OK;
}

static int set_attestation_policy(struct admin *ad, int argc, char **argv)
{
	const char *file = NULL, *type = NULL, *id = NULL;
	const struct cli_opt opts[] = {{"policy-file", "FILE", "Rego text", &file},
				       {"type", "TYPE", "rego", &type},
				       {"id", "ID", "policy id; default default_cpu", &id}};
	struct slice rego;
	struct json *doc;
	bool done;
	int code;

	code = cli_parse(argc, argv, opts, COUNT_OF(opts), "kbs-client config set-attestation-policy --policy-file FILE [--id ID]",
			 "Policies are named default_CLASS: cpu, gpu, switch, ppcie, dcu.\n\nexample:\n"
			 "  kbs-client config set-attestation-policy --policy-file cpu.rego --id default_cpu\n",
			 NULL, &done);
	if (code || done)
		return code;
	if (!file)
		return cli_usage("--policy-file is required");
	if (type && strcmp(type, "rego") != 0)
		return cli_usage("--type must be rego");
	if (!rc_ok(file_read(ad->a, file, (size_t)2 << 20, &rego, ad->w)) || !rc_ok(policy_doc(ad, rego, &doc)))
		return cli_fail(ad->w);
	json_set(ad->a, doc, "type", json_new_cstr(ad->a, "rego"));
	json_set(ad->a, doc, "policy_id", json_new_cstr(ad->a, id ? id : "default_cpu"));
	if (!rc_ok(note(ad->w, post_json(ad, "/kbs/v0/attestation-policy", doc, "setting the attestation policy"), "uploading %s", file)))
		return cli_fail(ad->w);
	said("Set attestation policy success", json_get(doc, "policy")->text);
	return CLI_OK;
}

static int set_resource(struct admin *ad, int argc, char **argv)
{
	const char *path = NULL, *file = NULL;
	const struct cli_opt opts[] = {{"path", "REPO/TYPE/TAG", "name of the secret", &path},
				       {"resource-file", "FILE", "its content", &file}};
	struct slice value, reply;
	bool done;
	int code;

	code = cli_parse(argc, argv, opts, COUNT_OF(opts), "kbs-client config set-resource --path REPO/TYPE/TAG --resource-file FILE",
			 "An existing secret gets a new version. Each part of the name is of [A-Za-z0-9_.-] and begins with no dot.\n\nexample:\n"
			 "  kbs-client config set-resource --path default/key/1 --resource-file key.bin\n",
			 NULL, &done);
	if (code || done)
		return code;
	if (!path || !file)
		return cli_usage("--path and --resource-file are required");
	if (!rc_ok(file_read(ad->a, file, (size_t)64 << 20, &value, ad->w)) ||
	    !rc_ok(remote_admin(ad->remote, ad->token, "POST", arena_printf(ad->a, "/kbs/v0/resource/%s", remote_quote(ad->a, path, true)), "application/octet-stream",
				value, "setting the resource", ad->a, &reply, ad->w)))
		return cli_fail(ad->w);
	/* The reference client prints the secret here; a terminal is no place for it. */
	printf("Set resource success: %s, %zu bytes\n", path, value.n);
	return CLI_OK;
}

static int delete_resource(struct admin *ad, int argc, char **argv)
{
	const char *path = NULL;
	const struct cli_opt opts[] = {{"path", "REPO/TYPE/TAG", "name of the secret", &path}};
	struct slice reply;
	bool done;
	int code = cli_parse(argc, argv, opts, COUNT_OF(opts), "kbs-client config delete-resource --path REPO/TYPE/TAG",
			     "Removes the secret and all its versions.\n\nexample:\n  kbs-client config delete-resource --path default/key/1\n", NULL, &done);

	if (code || done)
		return code;
	if (!path)
		return cli_usage("--path is required");
	if (!rc_ok(remote_admin(ad->remote, ad->token, "DELETE", arena_printf(ad->a, "/kbs/v0/resource/%s", remote_quote(ad->a, path, true)), NULL, (struct slice){0},
				"deleting the resource", ad->a, &reply, ad->w)))
		return cli_fail(ad->w);
	printf("Delete resource success: %s\n", path);
	return CLI_OK;
}

static rc sample_value(struct admin *ad, const char *text, bool as_integer, bool as_bool, struct json **out)
{
	*out = NULL;
	if (as_integer)
		*out = strspn(text + (text[0] == '-'), "0123456789") == strlen(text) - (text[0] == '-') ? json_new_number(ad->a, slice_cstr(text)) : NULL;
	else if (as_bool)
		*out = strcmp(text, "true") == 0 || strcmp(text, "false") == 0 ? json_new_bool(ad->a, text[0] == 't') : NULL;
	else
		*out = json_new_cstr(ad->a, text);
	return *out ? rc_of(OK) : deny(ad->w, E_MALFORMED, "cli.usage.value", "\"%s\" is not %s", text, as_integer ? "an integer" : as_bool ? "true or false" : "UTF-8");
}

static int set_reference(struct admin *ad, int argc, char **argv)
{
	bool as_integer = false, as_bool = false, single = false, done;
	const struct cli_opt opts[] = {{"as-integer", NULL, "the value is an integer", NULL, &as_integer},
				       {"as-bool", NULL, "the value is true or false", NULL, &as_bool},
				       {"as-single-value", NULL, "the value itself, not a list of one", NULL, &single}};
	struct json *value, *list = json_new_array(ad->a), *payload = json_new_object(ad->a), *doc = json_new_object(ad->a);
	struct cli_args args;
	int code = cli_parse(argc, argv, opts, COUNT_OF(opts), "kbs-client config set-sample-reference-value [options] NAME VALUE...",
			     "Several values: any of them is right. The values replace those that the name had, and expire after twelve months.\n\nexamples:\n"
			     "  kbs-client config set-sample-reference-value tpm_pcr11 HEX HEX\n"
			     "  kbs-client config set-sample-reference-value --as-integer --as-single-value minimum_tcb 8\n",
			     &args, &done);

	if (code || done)
		return code;
	if (args.n < 2)
		return cli_usage("NAME and VALUE are required");
	if (as_integer && as_bool)
		return cli_usage("--as-integer and --as-bool: say one");
	if (single && args.n > 2)
		return cli_usage("--as-single-value takes one value, found %u", args.n - 1);
	for (unsigned i = 1; i < args.n; i++) {
		if (!rc_ok(sample_value(ad, args.v[i], as_integer, as_bool, &value)))
			return cli_fail(ad->w);
		json_push(ad->a, list, value);
	}
	json_set(ad->a, payload, args.v[0], single ? list->items[0] : list);
	json_set(ad->a, doc, "version", json_new_cstr(ad->a, "0.1.0"));
	json_set(ad->a, doc, "type", json_new_cstr(ad->a, "sample"));
	json_set(ad->a, doc, "payload", json_new_str(ad->a, b64_text(ad->a, B64_STD, json_text(ad->a, payload))));
	if (!rc_ok(post_json(ad, "/kbs/v0/reference-value", doc, "setting the reference value")))
		return cli_fail(ad->w);
	printf("Set reference value success: %s\n", args.v[0]);
	return CLI_OK;
}

static int delete_reference(struct admin *ad, int argc, char **argv)
{
	const char *id = NULL;
	const struct cli_opt opts[] = {{"id", "ID", "name of the reference value", &id}};
	struct slice reply;
	bool done;
	int code = cli_parse(argc, argv, opts, COUNT_OF(opts), "kbs-client config delete-reference-value --id ID",
			     "Guests that rest on it are affirming no more, from their next attestation on.\n\nexample:\n"
			     "  kbs-client config delete-reference-value --id tpm_pcr11\n",
			     NULL, &done);

	if (code || done)
		return code;
	if (!id)
		return cli_usage("--id is required");
	if (!rc_ok(remote_admin(ad->remote, ad->token, "DELETE", arena_printf(ad->a, "/kbs/v0/reference-value/%s", remote_quote(ad->a, id, true)), NULL,
				(struct slice){0}, "deleting the reference value", ad->a, &reply, ad->w)))
		return cli_fail(ad->w);
	printf("Delete reference value success: %s\n", id);
	return CLI_OK;
}

static int enroll_ak(struct admin *ad, int argc, char **argv)
{
	const char *file = NULL;
	const struct cli_opt opts[] = {{"ak-file", "FILE", "PEM of the public attestation key (kbs-client tpm-ak prints it)", &file}};
	struct slice pem, reply;
	bool done;
	int code = cli_parse(argc, argv, opts, COUNT_OF(opts), "kbs-client config enroll-ak --ak-file FILE",
			     "From then on quotes under that key count. `list-anchors` shows it, `remove-anchor` takes it back.\n\nexample:\n"
			     "  kbs-client tpm-ak > ak.pem            # on the guest\n  kbs-client config enroll-ak --ak-file ak.pem\n",
			     NULL, &done);

	if (code || done)
		return code;
	if (!file)
		return cli_usage("--ak-file is required");
	if (!rc_ok(file_read(ad->a, file, 65536, &pem, ad->w)) ||
	    !rc_ok(remote_admin(ad->remote, ad->token, "POST", "/kbs/v0/trust-anchor/tpm-ak", "application/x-pem-file", pem,
				"enrolling the attestation key", ad->a, &reply, ad->w)))
		return cli_fail(ad->w);
	printf("Enroll attestation key success\n");
	return CLI_OK;
}

static int remove_anchor(struct admin *ad, int argc, char **argv)
{
	const char *anchor = NULL;
	const struct cli_opt opts[] = {{"anchor", "SET/DIGEST", "as list-anchors prints it", &anchor}};
	struct slice reply;
	bool done;
	int code = cli_parse(argc, argv, opts, COUNT_OF(opts), "kbs-client config remove-anchor --anchor SET/DIGEST",
			     "Evidence under that key or root counts no more, at once. Anchors of folders that the configuration names come back at the\n"
			     "next start, unless their file is removed as well.\n\nexample:\n  kbs-client config remove-anchor --anchor tpm-ak/5f0c...\n",
			     NULL, &done);

	if (code || done)
		return code;
	if (!anchor)
		return cli_usage("--anchor is required");
	if (!rc_ok(remote_admin(ad->remote, ad->token, "DELETE", arena_printf(ad->a, "/kbs/v0/trust-anchor/%s", remote_quote(ad->a, anchor, true)), NULL,
				(struct slice){0}, "removing the anchor", ad->a, &reply, ad->w)))
		return cli_fail(ad->w);
	printf("Remove anchor success: %s\n", anchor);
	return CLI_OK;
}

const struct config_command config_commands[] = {
	{"set-resource-policy", "set the policy that guards releases", set_resource_policy},
	{"set-attestation-policy", "set a policy that appraises evidence", set_attestation_policy},
	{"set-resource", "store a secret", set_resource},
	{"delete-resource", "remove a secret", delete_resource},
	{"list-resources", "print the names of the secrets", config_list_resources},
	{"set-sample-reference-value", "register a reference value", set_reference},
	{"get-reference-value", "print a reference value", config_get_reference},
	{"list-reference-values", "print their names", config_list_references},
	{"delete-reference-value", "remove a reference value", delete_reference},
	{"get-resource-policy", "print the policy that guards releases", config_get_resource_policy},
	{"get-attestation-policy", "print a policy that appraises evidence", config_get_attestation_policy},
	{"list-attestation-policies", "print their ids", config_list_attestation_policies},
	{"enroll-ak", "trust a TPM's attestation key", enroll_ak},
	{"list-anchors", "print the trust anchors that were enrolled", config_list_anchors},
	{"remove-anchor", "trust one of them no more", remove_anchor},
	{NULL, NULL, NULL},
};

static int run_sub(struct admin *ad, const char *token_file, int argc, char **argv)
{
	const struct config_command *c = config_commands;
	bool help = false;

	while (c->name && strcmp(c->name, argv[0]) != 0)
		c++;
	if (!c->name)
		return cli_usage("config has no sub-command \"%s\"", argv[0]);
	for (int k = 1; k < argc; k++)
		help = help || strcmp(argv[k], "--help") == 0 || strcmp(argv[k], "-h") == 0;
	if (!help && (!rc_ok(remote_admin_token(token_file, ad->a, &ad->token, ad->w)) || !rc_ok(remote_open(&remote_options, &ad->remote, ad->w))))
		return cli_fail(ad->w);
	return c->run(ad, argc, argv);
}

static int config_run(int argc, char **argv)
{
	const char *token_file = NULL;
	const struct cli_opt opts[] = {{"admin-token-file", "FILE", "JWT of the administrator; default $HOME/.trustee/admin-token", &token_file}};
	struct arena *a = arena_new((size_t)256 << 20);
	struct why w = why_in(a);
	struct admin ad = {.a = a, .w = &w};
	struct buf more = buf_in(a, 0);
	bool done;
	int next, code;

	buf_puts(&more, "sub-commands:\n");
	for (const struct config_command *c = config_commands; c->name; c++)
		buf_printf(&more, "  %-28s %s\n", c->name, c->summary);
	buf_puts(&more, "\nexample:\n  kbs-client --url https://kbs:8080 --cert-file ca.pem config --admin-token-file token \\\n"
			"      set-resource --path default/key/1 --resource-file key.bin\n");
	code = cli_parse_head(argc, argv, opts, COUNT_OF(opts), "kbs-client [--url URL] config [--admin-token-file FILE] SUB-COMMAND ...",
			      buf_cstr(&more), &next, &done);
	if (code == CLI_OK && !done && next >= argc)
		code = cli_usage("config needs a sub-command");
	if (code == CLI_OK && !done)
		code = run_sub(&ad, token_file, argc - next, argv + next);
	remote_close(ad.remote);
	arena_free(a);
	return code;
}

const struct cli_command cli_config = {"config", "set policies, secrets and reference values (administrators)", config_run};
