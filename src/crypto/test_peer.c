/* The JOSE functions as a program, for test_peer.py: COMMAND KEY-FILE TEXT-FILE, the result on standard output. */
#include <stdio.h>
#include <string.h>

#include "base/sys.h"
#include "crypto/jose/jwe.h"
#include "crypto/jose/jwk.h"
#include "crypto/jose/jws.h"

#define MAX ((size_t)1 << 20)

static rc with_public(const char *command, struct slice jwk_text, struct slice text, struct arena *a, struct slice *out, struct why *w)
{
	struct json *jwk, *payload;
	struct slice alg;
	struct pkey *key;
	rc r;

	TRY(json_parse(a, jwk_text, NULL, &jwk, w));
	if (strcmp(command, "encrypt") == 0)
		return jwe_encrypt(jwk, text, false, true, a, out, w);
	TRY(json_need_str(jwk, "alg", &alg, "JWK", w));
	TRY(jwk_to_pkey(jwk, &key, w));
	r = jws_verify_json(text, key, jwa_by_name(alg), a, &payload, w);
	pkey_free(key);
	if (rc_ok(r))
		*out = json_text(a, payload);
	return r;
}

static rc with_private(const char *command, const char *path, struct slice text, struct arena *a, struct slice *out, struct why *w)
{
	struct pkey *key = NULL;
	SECRET(pem);
	SECRET(plain);
	rc r;

	TRY(file_read_secret(path, MAX, &pem, w));
	TRY(pkey_from_private_pem(&pem, &key, w));
	if (strcmp(command, "decrypt") == 0) {
		r = jwe_decrypt(key, text, &plain, w);
		if (rc_ok(r))
			*out = arena_dup(a, secret_view(&plain));	/* of a test */
	} else {
		r = jws_sign(key, jwa_by_name(slice_cstr(command)), NULL, text, a, out, w);
	}
	pkey_free(key);
	return r;
}

int main(int argc, char **argv)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct slice key, text, out = {0};
	rc r;

	if (argc != 4)
		return 2;
	r = file_read(a, argv[3], MAX, &text, &w);
	if (rc_ok(r) && (strcmp(argv[1], "encrypt") == 0 || strcmp(argv[1], "verify") == 0)) {
		r = file_read(a, argv[2], MAX, &key, &w);
		if (rc_ok(r))
			r = with_public(argv[1], key, text, a, &out, &w);
	} else if (rc_ok(r)) {
		r = with_private(argv[1], argv[2], text, a, &out, &w);
	}
	if (rc_ok(r))
		fwrite(out.p, 1, out.n, stdout);
	else
		fprintf(stderr, "%s\n", why_reason(&w));
	arena_free(a);
	return rc_ok(r) ? 0 : 1;
}
