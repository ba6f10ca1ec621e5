#include "crypto/aead.h"

#include <openssl/evp.h>
#include <pthread.h>

static EVP_CIPHER *gcm, *wrap128, *wrap192, *wrap256;	/* fetched once, never changed after */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void fetch(void)
{
	gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	wrap128 = EVP_CIPHER_fetch(NULL, "AES-128-WRAP", NULL);
	wrap192 = EVP_CIPHER_fetch(NULL, "AES-192-WRAP", NULL);
	wrap256 = EVP_CIPHER_fetch(NULL, "AES-256-WRAP", NULL);
}

static rc check(const struct secret *key, size_t n, struct why *w)
{
	pthread_once(&once, fetch);
	if (key->n != AEAD_KEY || !gcm || n > INT32_MAX / 2)
		return deny(w, E_INTERNAL, "aead.use", "a key of %zu bytes and a text of %zu cannot be used", key->n, n);
	return rc_of(OK);
}

rc aead_seal(const struct secret *key, const uint8_t nonce[AEAD_NONCE], struct slice aad, struct slice plain, uint8_t *out,
	     struct why *w)
{
	EVP_CIPHER_CTX *c;
	int n = 0, last = 0;
	bool ok;

	TRY(check(key, plain.n + aad.n, w));
	c = EVP_CIPHER_CTX_new();
	ok = c && EVP_EncryptInit_ex2(c, gcm, key->p, nonce, NULL) == 1 &&
	     (aad.n == 0 || EVP_EncryptUpdate(c, NULL, &n, aad.p, (int)aad.n) == 1) &&
	     (plain.n == 0 || EVP_EncryptUpdate(c, out, &n, plain.p, (int)plain.n) == 1) &&
	     EVP_EncryptFinal_ex(c, out + plain.n, &last) == 1 &&
	     EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG, out + plain.n) == 1;
	EVP_CIPHER_CTX_free(c);
	return ok ? rc_of(OK) : deny(w, E_INTERNAL, "aead.seal", "AES-256-GCM failed");
}

rc aead_open(const struct secret *key, const uint8_t nonce[AEAD_NONCE], struct slice aad, struct slice sealed, uint8_t *out,
	     struct why *w)
{
	uint8_t tag[AEAD_TAG];
	EVP_CIPHER_CTX *c;
	int n = 0, last = 0;
	size_t plain;
	bool ok;

	TRY(check(key, sealed.n + aad.n, w));
	if (sealed.n < AEAD_TAG)
		return deny(w, E_DENIED, "aead.open", "%zu bytes are shorter than a tag", sealed.n);
	plain = sealed.n - AEAD_TAG;
	memcpy(tag, sealed.p + plain, AEAD_TAG);
	c = EVP_CIPHER_CTX_new();
	ok = c && EVP_DecryptInit_ex2(c, gcm, key->p, nonce, NULL) == 1 &&
	     (aad.n == 0 || EVP_DecryptUpdate(c, NULL, &n, aad.p, (int)aad.n) == 1) &&
	     (plain == 0 || EVP_DecryptUpdate(c, out, &n, sealed.p, (int)plain) == 1) &&
	     EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, AEAD_TAG, tag) == 1 && EVP_DecryptFinal_ex(c, out + plain, &last) == 1;
	EVP_CIPHER_CTX_free(c);
	if (ok)
		return rc_of(OK);
	secret_wipe(out, plain);
	return deny(w, E_DENIED, "aead.open", "the tag does not fit: wrong key, or the text was changed");
}

static const EVP_CIPHER *wrap_of(size_t key_n)
{
	pthread_once(&once, fetch);
	return key_n == 16 ? wrap128 : key_n == 24 ? wrap192 : key_n == 32 ? wrap256 : NULL;
}

rc keywrap(const struct secret *key, struct slice in, uint8_t *out, struct why *w)
{
	const EVP_CIPHER *cipher = wrap_of(key->n);
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int n = 0;
	bool ok = false;

	if (c && cipher && in.n >= 16 && in.n % 8 == 0 && in.n <= 4096) {
		EVP_CIPHER_CTX_set_flags(c, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
		ok = EVP_EncryptInit_ex2(c, cipher, key->p, NULL, NULL) == 1 && EVP_EncryptUpdate(c, out, &n, in.p, (int)in.n) == 1 &&
		     (size_t)n == in.n + 8;
	}
	EVP_CIPHER_CTX_free(c);
	return ok ? rc_of(OK) : deny(w, E_INTERNAL, "aead.wrap", "the key cannot be wrapped");
}

rc keyunwrap(const struct secret *key, struct slice in, uint8_t *out, struct why *w)
{
	const EVP_CIPHER *cipher = wrap_of(key->n);
	EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
	int n = 0;
	bool ok = false;

	if (c && cipher && in.n >= 24 && in.n % 8 == 0 && in.n <= 4096) {
		EVP_CIPHER_CTX_set_flags(c, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
		ok = EVP_DecryptInit_ex2(c, cipher, key->p, NULL, NULL) == 1 && EVP_DecryptUpdate(c, out, &n, in.p, (int)in.n) == 1 &&
		     (size_t)n == in.n - 8;
	}
	EVP_CIPHER_CTX_free(c);
	return ok ? rc_of(OK) : deny(w, E_DENIED, "aead.unwrap", "the wrapped key does not open");
}
