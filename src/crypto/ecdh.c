#include "crypto/ecdh.h"

#include <openssl/err.h>

#include "crypto/crypto_priv.h"

/* The peer's key is not checked once more (a multiplication by the order): it was read from coordinates, so it is on the
 * curve and not at infinity, and the curves that are taken have cofactor 1. */
RC ecdh_agree(const struct pkey *mine, const struct pkey *theirs, struct secret *z, const char *reason, struct why *w)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_pkey(NULL, mine->evp, NULL);
	SECRET(s);
	size_t n = 0;
	bool ok = c && EVP_PKEY_derive_init(c) == 1 && EVP_PKEY_derive_set_peer_ex(c, theirs->evp, 0) == 1 &&
		  EVP_PKEY_derive(c, NULL, &n) == 1 && rc_ok(secret_new(&s, n, w)) && EVP_PKEY_derive(c, s.p, &n) == 1 && n == s.n;

	EVP_PKEY_CTX_free(c);
	ERR_clear_error();
	if (!ok)
		return deny(w, E_UNSUPPORTED, reason, "the keys do not agree");
	*z = secret_move(&s);
	return rc_of(OK);
}
