#include "crypto/jose/x5c.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>

#include "codec/base64.h"
#include "crypto/crypto_priv.h"

#define CHAIN_MAX   8u
#define TRUSTED_MAX 256u

static rc decode(const struct json *item, struct arena *a, X509 **out, struct why *w)
{
	struct slice der;
	const uint8_t *p;

	if (!json_is(item, JSON_STRING) || item->text.n > 65536)
		return deny(w, E_UNAUTH, "x5c.malformed", "x5c must hold certificates in base64");
	TRY(b64_decode(a, B64_STD, item->text, &der, "x5c", w));
	p = der.p;
	*out = d2i_X509(NULL, &p, (long)der.n);
	if (*out && p == der.p + der.n)
		return rc_of(OK);
	X509_free(*out);
	*out = NULL;
	ERR_clear_error();
	return deny(w, E_UNAUTH, "x5c.malformed", "x5c holds something that is no certificate");
}

static bool add_trusted(X509_STORE *store, struct slice pem)
{
	BIO *bio = pem.n <= INT32_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
	unsigned n = 0;
	X509 *c;

	while (bio && n < TRUSTED_MAX && (c = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
		n += X509_STORE_add_cert(store, c) == 1;
		X509_free(c);
	}
	BIO_free(bio);
	ERR_clear_error();
	return n > 0;
}

static rc check(X509 *leaf, STACK_OF(X509) *others, const struct slice *pems, size_t n, int64_t now_s, struct why *w)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	const char *text = "no memory";
	bool ok = store && ctx;

	for (size_t i = 0; ok && i < n; i++)
		ok = add_trusted(store, pems[i]);
	if (ok && X509_STORE_CTX_init(ctx, store, leaf, others) == 1) {
		X509_VERIFY_PARAM_set_time(X509_STORE_CTX_get0_param(ctx), now_s);
		X509_VERIFY_PARAM_set_depth(X509_STORE_CTX_get0_param(ctx), (int)CHAIN_MAX);
		ok = X509_verify_cert(ctx) == 1;
		text = X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx));
	}
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	ERR_clear_error();
	return ok ? rc_of(OK) : deny(w, E_UNAUTH, "x5c.untrusted", "the certificate of the token's key is not trusted: %s", text);
}

rc x5c_verify(const struct json *x5c, const struct pkey *key, const struct slice *trusted_pems, size_t n, int64_t now_s,
	      struct arena *a, struct why *w)
{
	STACK_OF(X509) *others = NULL;
	X509 *leaf = NULL, *c;
	rc r;

	if (!json_is(x5c, JSON_ARRAY) || x5c->n == 0 || x5c->n > CHAIN_MAX)
		return deny(w, E_UNAUTH, "x5c.missing", "the token's key comes without a certificate chain of 1 to %u", CHAIN_MAX);
	TRY(decode(x5c->items[0], a, &leaf, w));
	others = sk_X509_new_null();
	r = others ? rc_of(OK) : deny(w, E_INTERNAL, "x5c.memory", "no memory");
	for (size_t i = 1; rc_ok(r) && i < x5c->n; i++) {
		r = decode(x5c->items[i], a, &c, w);
		if (rc_ok(r) && sk_X509_push(others, c) <= 0) {
			X509_free(c);
			r = deny(w, E_INTERNAL, "x5c.memory", "no memory");
		}
	}
	if (rc_ok(r) && EVP_PKEY_eq(X509_get0_pubkey(leaf), key->evp) != 1)
		r = deny(w, E_UNAUTH, "x5c.key", "the first certificate of x5c is of another key");
	if (rc_ok(r))
		r = check(leaf, others, trusted_pems, n, now_s, w);
	X509_free(leaf);
	sk_X509_pop_free(others, X509_free);
	return r;
}
