/* cmd_admin.c - `admin-key` and `admin-token`: an administrator's key, and the tokens it signs. */
#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"
#include "base/sys.h"
#include "cli/commands.h"
#include "codec/json.h"
#include "crypto/jose/jws.h"
#include "crypto/pkey.h"

static rc make_key(const char *file, struct arena *a, struct why *w)
{
	struct pkey *key;
	struct slice pub;
	SECRET(pem);
	rc r;

	TRY(pkey_generate(KEY_ED25519, 0, &key, w));
	r = pkey_to_private_pem(key, &pem, w);
	if (rc_ok(r))
		r = pkey_to_public_pem(key, a, &pub, w);
	pkey_free(key);
	TRY(r);
	TRY(file_create(file, secret_view(&pem), 0600, w));
	return file_create(arena_printf(a, "%s.pub", file), pub, 0644, w);
}

static int key_run(int argc, char **argv)
{
	const char *file = NULL;
	const struct cli_opt opts[] = {{"out", "FILE", "private key (mode 0600); the public one goes to FILE.pub", &file}};
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	bool done;
	int code = cli_parse(argc, argv, opts, COUNT_OF(opts), "kbs-client admin-key --out FILE",
			     "Makes an Ed25519 key. FILE.pub is what the broker's public_key_uri names. An existing file is never replaced.\n\n"
			     "example:\n  kbs-client admin-key --out admin.key\n",
			     NULL, &done);

	if (code == CLI_OK && !done)
		code = !file ? cli_usage("--out is required") : rc_ok(make_key(file, a, &w)) ? CLI_OK : cli_fail(&w);
	arena_free(a);
	return code;
}

struct token_options {
	const char *key, *role, *issuer, *audience, *subject, *hours;
};

static rc make_token(const struct token_options *o, struct arena *a, struct slice *out, struct why *w)
{
	struct json *claims = json_new_object(a), *aud = json_new_array(a), *header = json_new_object(a);
	int64_t now = clock_now_s(&clock_system);
	char *end = NULL;
	long hours = o->hours ? strtol(o->hours, &end, 10) : 8;
	struct pkey *key;
	SECRET(pem);
	rc r;

	if ((end && (*end || end == o->hours)) || hours < 1 || hours > 24 * 366)
		return deny(w, E_MALFORMED, "cli.usage.hours", "--hours must be a number from 1 to 8784, it is %s", o->hours);
	TRY(file_read_secret(o->key, 65536, &pem, w));
	TRY(note(w, pkey_from_private_pem(&pem, &key, w), "reading %s", o->key));
	json_push(a, aud, json_new_cstr(a, o->audience ? o->audience : "KBS"));
	json_set(a, claims, "iss", json_new_cstr(a, o->issuer ? o->issuer : "warrant"));
	json_set(a, claims, "sub", json_new_cstr(a, o->subject ? o->subject : "admin"));
	json_set(a, claims, "aud", aud);
	json_set(a, claims, "role", json_new_cstr(a, o->role ? o->role : "admin"));
	json_set(a, claims, "iat", json_new_i64(a, now));
	json_set(a, claims, "exp", json_new_i64(a, now + hours * 3600));
	json_set(a, header, "typ", json_new_cstr(a, "JWT"));
	r = pkey_kind(key) != KEY_ED25519 ? deny(w, E_UNSUPPORTED, "cli.usage.key", "%s is no Ed25519 key: kbs-client admin-key makes one", o->key)
					  : jws_sign(key, SIG_EDDSA, header, json_text(a, claims), a, out, w);
	pkey_free(key);
	return r;
}

static int token_run(int argc, char **argv)
{
	struct token_options o = {0};
	const struct cli_opt opts[] = {{"key", "FILE", "private key of admin-key", &o.key},
				       {"role", "ROLE", "role of the access rules; default admin", &o.role},
				       {"issuer", "TEXT", "iss; default warrant", &o.issuer},
				       {"audience", "TEXT", "aud; default KBS", &o.audience},
				       {"subject", "TEXT", "sub: who it is for; default admin", &o.subject},
				       {"hours", "N", "how long it is good; default 8", &o.hours}};
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct slice token;
	bool done;
	int code = cli_parse(argc, argv, opts, COUNT_OF(opts), "kbs-client admin-token --key FILE [options]",
			     "Prints a JWT for the broker's administration.\n\nexample:\n"
			     "  kbs-client admin-token --key admin.key --subject alice > ~/.trustee/admin-token\n",
			     NULL, &done);

	if (code == CLI_OK && !done) {
		if (!o.key)
			code = cli_usage("--key is required");
		else if (rc_ok(make_token(&o, a, &token, &w)))
			printf(SLICE_FMT "\n", (int)token.n, (const char *)token.p);
		else
			code = cli_fail(&w);
	}
	arena_free(a);
	return code;
}

const struct cli_command cli_admin_key = {"admin-key", "make an administrator's key", key_run};
const struct cli_command cli_admin_token = {"admin-token", "sign a token with it", token_run};
