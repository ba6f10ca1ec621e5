/* cmd_guest.c - `attest` and `get-resource`: what a guest does. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/num.h"
#include "base/sys.h"
#include "cli/commands.h"
#include "cli/remote.h"
#include "codec/base64.h"

struct guest_options {
	const char *tee, *tcti, *ak_handle, *ak_cert, *event_log, *key_file;
	const char *lab, *lab_state;
	struct cli_args set;
	struct attester lab_attester;
	struct cli_lab_request request;
};

#define GUEST_OPTS(o)                                                                                                      \
	{"tee-key-file", "FILE", "PEM of the guest's key (P-256, P-384, P-521 or RSA); default: a new P-256 key", &(o).key_file},      \
	{"tee", "TEE", "attester to use: tpm, sample; default: found", &(o).tee},                                                    \
	{"tcti", "TCTI", "TPM to use, e.g. swtpm:host=127.0.0.1,port=2321; default: found", &(o).tcti},                             \
	{"ak-handle", "HANDLE", "persistent handle of the attestation key; default 0x81010002", &(o).ak_handle},                      \
	{"ak-cert", "FILE", "certificate of the attestation key, and those above it", &(o).ak_cert},                                  \
	{"event-log", "FILE", "boot log that goes with the quote; default: the kernel's", &(o).event_log},                           \
	{"lab", "TEE", "evidence of a laboratory instead of this machine's; only in builds that have one", &(o).lab},                \
	{"lab-state", "DIR", "folder that `warrant-lab make` filled", &(o).lab_state},                                              \
	{"set", "NAME=VALUE", "a field of the laboratory's evidence; several times", NULL, NULL, &(o).set}

static rc open_key(const char *file, struct pkey **out, struct why *w)
{
	SECRET(pem);

	if (!file)
		return pkey_generate(KEY_P256, 0, out, w);
	TRY(file_read_secret(file, 65536, &pem, w));
	TRY(note(w, pkey_from_private_pem(&pem, out, w), "reading the guest's key %s", file));
	if (pkey_kind(*out) == KEY_ED25519)
		return deny(w, E_UNSUPPORTED, "cli.usage.key", "%s is an Ed25519 key, to which nothing can be encrypted; taken are P-256, P-384, P-521 and RSA", file);
	return rc_of(OK);
}

static rc find_lab(struct guest_options *o, const struct cli_args *args, struct guest *g, struct why *w)
{
	if (!cli_lab)
		return deny(w, E_UNSUPPORTED, "cli.lab", "this build has no laboratory: it was configured with -Dlab=false");
	if (!o->lab_state || o->tee)
		return deny(w, E_MALFORMED, "cli.usage.lab", "--lab needs --lab-state, and stands in place of --tee");
	TRY(cli_lab->find(o->lab, &o->lab_attester, w));
	o->request = (struct cli_lab_request){.state = o->lab_state, .tee = o->lab_attester.tee, .set = o->set.v, .set_n = o->set.n};
	if (args->n)
		o->request.init_data = slice_cstr(args->v[0]);
	g->options.lab = &o->request;
	g->attester = &o->lab_attester;
	return rc_of(OK);
}

static rc find_attester(struct guest_options *o, const struct cli_args *args, struct guest *g, struct why *w)
{
	if (o->lab)
		return find_lab(o, args, g, w);
	if (o->lab_state || o->set.n)
		return deny(w, E_MALFORMED, "cli.usage.lab", "--lab-state and --set go with --lab");
	g->attester = o->tee ? attester_find(o->tee) : attester_detect(&g->options);
	if (!o->tee && g->attester == &attester_sample)
		fprintf(stderr, "warning: no TEE was found on this machine: sample evidence is sent, which proves nothing (see --tee and --tcti)\n");
	if (!g->attester)
		return deny(w, E_UNSUPPORTED, "cli.usage.tee", "--tee: there is no attester for \"%s\" here; known are tpm and sample", o->tee);
	return rc_of(OK);
}

/* "0x81010002", or decimal; NULL leaves the default. */
static rc read_handle(const char *text, uint32_t *out, struct why *w)
{
	char *end;
	unsigned long v;

	if (!text)
		return rc_of(OK);
	v = strtoul(text, &end, 0);
	if (*end || end == text || text[0] == '-' || v == 0 || v > UINT32_MAX)
		return deny(w, E_MALFORMED, "cli.usage.handle", "--ak-handle \"%s\" is no handle such as 0x81010002", text);
	*out = (uint32_t)v;
	return rc_of(OK);
}

/* INIT_DATA is the one argument. */
static rc prepare(struct guest_options *o, const struct cli_args *args, struct guest *g, struct pkey **key, struct why *w)
{
	g->options.tcti = o->tcti;
	g->options.ak_cert = o->ak_cert;
	g->options.event_log = o->event_log;
	TRY(read_handle(o->ak_handle, &g->options.ak_handle, w));
	if (args->n)
		g->init_data = slice_cstr(args->v[0]);
	TRY(find_attester(o, args, g, w));
	TRY(open_key(o->key_file, key, w));
	g->key = *key;
	return rc_of(OK);
}

static int attest_run(int argc, char **argv)
{
	struct guest_options o = {0};
	const struct cli_opt opts[] = {GUEST_OPTS(o)};
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct remote *r = NULL;
	struct pkey *key = NULL;
	struct guest g = {0};
	struct cli_args args;
	bool done;
	int code = cli_parse(argc, argv, opts, COUNT_OF(opts), "kbs-client [--url URL] attest [options] [INIT_DATA]",
			     "Attests to the broker and prints the token. INIT_DATA is TOML text.\n\nexample:\n"
			     "  kbs-client --url https://kbs:8080 --cert-file ca.pem attest --tee-key-file key.pem\n",
			     &args, &done);

	if (code == CLI_OK && !done && args.n > 1)
		code = cli_usage("attest takes one argument, INIT_DATA");
	if (code == CLI_OK && !done) {
		rc x = prepare(&o, &args, &g, &key, &w);

		if (rc_ok(x))
			x = remote_open(&remote_options, &r, &w);
		if (rc_ok(x)) {
			g.transport = remote_transport(r);
			x = guest_attest(&g, a, &w);
		}
		if (rc_ok(x))
			printf(SLICE_FMT "\n", (int)g.token.n, (const char *)g.token.p);
		else
			code = cli_fail(&w);
	}
	remote_close(r);
	pkey_free(key);
	arena_free(a);
	return code;
}

/* Base64 of a secret to standard output, from a buffer that is wiped. */
static rc print_base64(const struct secret *s, struct why *w)
{
	static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	SECRET(out);
	size_t n = 0;

	TRY(secret_new(&out, s->n / 3 * 4 + 8, w));
	for (size_t i = 0; i < s->n; i += 3) {
		size_t have = MIN_OF(s->n - i, (size_t)3);
		uint32_t v = (uint32_t)s->p[i] << 16 | (have > 1 ? (uint32_t)s->p[i + 1] << 8 : 0) | (have > 2 ? s->p[i + 2] : 0);

		out.p[n++] = (uint8_t)set[v >> 18];
		out.p[n++] = (uint8_t)set[v >> 12 & 63];
		out.p[n++] = (uint8_t)(have > 1 ? set[v >> 6 & 63] : '=');
		out.p[n++] = (uint8_t)(have > 2 ? set[v & 63] : '=');
	}
	out.p[n++] = '\n';
	for (size_t done = 0; done < n;) {
		ssize_t k = write(STDOUT_FILENO, out.p + done, n - done);

		if (k <= 0)
			return deny(w, E_UNAVAILABLE, "cli.output", "cannot write to standard output");
		done += (size_t)k;
	}
	return rc_of(OK);
}

static rc get(const char *path, const char *token_file, struct guest_options *o, struct cli_args *args, struct guest *g,
	      struct pkey **key, struct remote **r, struct arena *a, struct why *w)
{
	SECRET(secret);

	TRY(prepare(o, args, g, key, w));
	TRY(remote_open(&remote_options, r, w));
	g->transport = remote_transport(*r);
	TRY(token_file ? remote_token(token_file, (size_t)1 << 20, a, &g->token, w) : guest_attest(g, a, w));
	TRY(guest_get(g, path, a, &secret, w));
	return print_base64(&secret, w);
}

/* Told before the machine proves itself for nothing; what the parts may hold is the broker's to say. */
static bool three_parts(const char *path)
{
	unsigned slashes = 0;

	for (const char *p = path; *p; p++)
		slashes += *p == '/';
	return slashes == 2 && path[0] != '/' && path[strlen(path) - 1] != '/' && !strstr(path, "//");
}

static int get_run(int argc, char **argv)
{
	const char *path = NULL, *token_file = NULL;
	struct guest_options o = {0};
	const struct cli_opt opts[] = {{"path", "REPO/TYPE/TAG", "the resource", &path},
				       {"attestation-token", "FILE", "a token from elsewhere instead of a handshake; needs --tee-key-file",
					&token_file},
				       GUEST_OPTS(o)};
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct remote *r = NULL;
	struct pkey *key = NULL;
	struct guest g = {0};
	struct cli_args args;
	bool done;
	int code = cli_parse(argc, argv, opts, COUNT_OF(opts), "kbs-client [--url URL] get-resource --path REPO/TYPE/TAG [options] [INIT_DATA]",
			     "Attests, takes the secret and prints it in base64.\n\nexample:\n"
			     "  kbs-client --url https://kbs:8080 --cert-file ca.pem get-resource --path default/key/1 | base64 -d\n",
			     &args, &done);

	if (code == CLI_OK && !done) {
		if (!path)
			code = cli_usage("--path is required");
		else if (!three_parts(path))
			code = cli_usage("--path \"%s\" is not REPO/TYPE/TAG", path);
		else if (token_file && !o.key_file)
			code = cli_usage("--attestation-token needs --tee-key-file, the key the token names");
		else if (!rc_ok(get(arena_printf(a, "resource/%s", remote_quote(a, path, true)), token_file, &o, &args, &g, &key, &r, a, &w)))
			code = cli_fail(&w);
	}
	remote_close(r);
	pkey_free(key);
	arena_free(a);
	return code;
}

static int ak_run(int argc, char **argv)
{
	const char *tcti = NULL, *handle = NULL;
	const struct cli_opt opts[] = {{"tcti", "TCTI", "TPM to use; default: found", &tcti},
				       {"ak-handle", "HANDLE", "persistent handle; default 0x81010002", &handle}};
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct slice spki, text;
	bool done;
	int code = cli_parse(argc, argv, opts, COUNT_OF(opts), "kbs-client tpm-ak [options]",
			     "Prints the public attestation key of this machine's TPM as PEM, for `config enroll-ak`.\n\nexample:\n  kbs-client tpm-ak > ak.pem\n", NULL, &done);

	if (code == CLI_OK && !done) {
		struct attester_options o = {.tcti = tcti};

		if (rc_ok(read_handle(handle, &o.ak_handle, &w)) && rc_ok(attester_tpm_ak(&o, a, &spki, &w))) {
			text = b64_text(a, B64_STD, spki);
			printf("-----BEGIN PUBLIC KEY-----\n");
			for (size_t i = 0; i < text.n; i += 64)
				printf("%.*s\n", (int)MIN_OF(text.n - i, (size_t)64), (const char *)text.p + i);
			printf("-----END PUBLIC KEY-----\n");
		} else {
			code = cli_fail(&w);
		}
	}
	arena_free(a);
	return code;
}

const struct cli_command cli_attest = {"attest", "attest to the broker and print the token", attest_run};
const struct cli_command cli_get_resource = {"get-resource", "attest, take a secret and print it in base64", get_run};
const struct cli_command cli_tpm_ak = {"tpm-ak", "print the TPM's public attestation key", ak_run};
