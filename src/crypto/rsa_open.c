#include "crypto/rsa_open.h"

#include <openssl/rsa.h>

#include "crypto/crypto_priv.h"

RC rsa_open_pkcs1(const struct pkey *private_key, struct slice sealed, struct secret *out, struct why *w)
{
	EVP_PKEY_CTX *ctx;
	char text[256];
	size_t n = sealed.n;
	SECRET(plain);
	bool ok;

	if (pkey_kind(private_key) != KEY_RSA || !pkey_is_private(private_key) || sealed.n != pkey_bits(private_key) / 8)
		return deny(w, E_DENIED, "rsa.open", "%zu bytes are not sealed under this key", sealed.n);
	TRY(secret_new(&plain, sealed.n, w));
	ctx = EVP_PKEY_CTX_new(private_key->evp, NULL);
	ok = ctx && EVP_PKEY_decrypt_init(ctx) == 1 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1 &&
	     EVP_PKEY_decrypt(ctx, plain.p, &n, sealed.p, sealed.n) == 1 && n <= plain.n;
	EVP_PKEY_CTX_free(ctx);
	if (!ok)
		return deny(w, E_DENIED, "rsa.open", "the RSA ciphertext does not open: %s", crypto_error(text));
	secret_shrink(&plain, n);
	*out = secret_move(&plain);
	return rc_of(OK);
}
