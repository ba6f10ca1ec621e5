#include "crypto/jose/jwe.h"

#include <openssl/err.h>
#include <openssl/rsa.h>

#include "base/sys.h"
#include "codec/base64.h"
#include "crypto/aead.h"
#include "crypto/crypto_priv.h"
#include "crypto/ecdh.h"
#include "crypto/jose/jwe_priv.h"
#include "crypto/jose/jwk.h"
#include "crypto/kdf.h"

#define ECDH_ALG "ECDH-ES+A256KW"
#define MESSAGE_MAX ((size_t)32 << 20)

/* ---- key management ---- */

static rc rsa_wrap(const struct pkey *key, bool oaep, const struct secret *cek, struct arena *a, struct slice *out, struct why *w)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_pkey(NULL, key->evp, NULL);
	size_t n = 1024;
	uint8_t *p = arena_alloc(a, n);
	bool ok = c && p && EVP_PKEY_encrypt_init(c) == 1 &&
		  EVP_PKEY_CTX_set_rsa_padding(c, oaep ? RSA_PKCS1_OAEP_PADDING : RSA_PKCS1_PADDING) == 1;

	if (ok && oaep)
		ok = EVP_PKEY_CTX_set_rsa_oaep_md(c, digest_evp(DIGEST_SHA256)) == 1 &&
		     EVP_PKEY_CTX_set_rsa_mgf1_md(c, digest_evp(DIGEST_SHA256)) == 1;
	ok = ok && EVP_PKEY_encrypt(c, p, &n, cek->p, cek->n) == 1;
	EVP_PKEY_CTX_free(c);
	ERR_clear_error();
	if (!ok)
		return deny(w, E_UNSUPPORTED, "jwe.key", "the RSA key cannot wrap a content key");
	*out = slice_of(p, n);
	return rc_of(OK);
}

static rc kek_of(const struct pkey *mine, const struct pkey *theirs, struct secret *kek, struct why *w)
{
	SECRET(z);

	TRY(ecdh_agree(mine, theirs, &z, "jwe.key", w));
	return concat_kdf(&z, SLICE_LIT(ECDH_ALG), 32, kek, w);
}

static rc ecdh_wrap(const struct pkey *key, const struct pkey *fixed, const struct secret *cek, struct json *header, struct arena *a,
		    struct slice *out, struct why *w)
{
	struct pkey *eph = fixed ? pkey_ref(fixed) : NULL;
	uint8_t *p = arena_alloc(a, cek->n + 8);
	struct json *epk;
	SECRET(kek);
	rc r = rc_of(OK);

	if (!eph)
		r = pkey_generate(key->kind, 0, &eph, w);
	if (rc_ok(r))
		r = jwk_from_pkey(eph, a, &epk, w);
	if (rc_ok(r)) {
		json_set(a, header, "epk", epk);
		r = kek_of(eph, key, &kek, w);
	}
	if (rc_ok(r) && p)
		r = keywrap(&kek, secret_view(cek), p, w);
	pkey_free(eph);
	if (rc_ok(r) && !p)
		return deny(w, E_INTERNAL, "jwe.memory", "no memory");
	*out = slice_of(p, cek->n + 8);
	return r;
}

/* ---- encryption ---- */

static rc wrap_key(const struct json *jwk, const struct pkey *key, bool allow_rsa1_5, const struct secret *cek,
		   const struct jwe_random *fixed, struct json *header, struct arena *a, struct slice *wrapped, struct why *w)
{
	struct slice alg = {0};
	bool rsa1_5;

	TRY(json_opt_str(jwk, "alg", &alg, "JWK", w));
	rsa1_5 = slice_is(alg, "RSA1_5");
	/* RFC 7518 4.2, 4.3 */
	if (key->kind == KEY_RSA && pkey_bits(key) < RSA_BITS_MIN)
		return deny(w, E_UNSUPPORTED, "jwe.key", "an RSA key of %u bits keeps no secret, it takes %u", pkey_bits(key), RSA_BITS_MIN);
	if (key->kind == KEY_RSA && (slice_is(alg, "RSA-OAEP-256") || (rsa1_5 && allow_rsa1_5))) {
		json_set(a, header, "alg", json_new_str(a, alg));
		json_set(a, header, "enc", json_new_cstr(a, "A256GCM"));
		return rsa_wrap(key, !rsa1_5, cek, a, wrapped, w);
	}
	if ((key->kind == KEY_P256 || key->kind == KEY_P384 || key->kind == KEY_P521) && slice_is(alg, ECDH_ALG)) {
		json_set(a, header, "alg", json_new_cstr(a, ECDH_ALG));
		json_set(a, header, "enc", json_new_cstr(a, "A256GCM"));
		return ecdh_wrap(key, fixed ? fixed->ephemeral : NULL, cek, header, a, wrapped, w);
	}
	return deny(w, E_UNSUPPORTED, "jwe.key", "no key wrapping for alg \"" SLICE_FMT "\" with this key%s", SLICE_ARG(slice_sub(alg, 0, 32)),
		    rsa1_5 ? " (the configuration does not allow it)" : "");
}

static void put_b64(struct buf *b, const char *name, struct slice bytes)
{
	buf_printf(b, "\"%s\":\"", name);
	b64_write(b, B64_URL, bytes);
	buf_puts(b, "\"");
}

static rc write_message(const struct secret *cek, const uint8_t iv[12], struct slice header, struct slice wrapped, struct slice plain,
			bool legacy, struct arena *a, struct slice *out, struct why *w)
{
	struct slice protected_text = legacy ? (struct slice){0} : b64_text(a, B64_URL, header);
	uint8_t *sealed = arena_alloc(a, plain.n + AEAD_TAG);
	struct buf b = buf_in(a, MESSAGE_MAX);

	if (!sealed || (!legacy && !protected_text.p))
		return deny(w, E_LIMIT, "jwe.memory", "no room for the message");
	TRY(aead_seal(cek, iv, protected_text, plain, sealed, w));
	buf_puts(&b, "{\"protected\":");
	json_write_quoted(&b, legacy ? header : protected_text);
	buf_putc(&b, ',');
	put_b64(&b, "encrypted_key", wrapped);
	buf_putc(&b, ',');
	put_b64(&b, "iv", slice_of(iv, 12));
	buf_putc(&b, ',');
	put_b64(&b, "ciphertext", slice_of(sealed, plain.n + (legacy ? AEAD_TAG : 0)));
	buf_putc(&b, ',');
	put_b64(&b, "tag", slice_of(sealed + plain.n, legacy ? 0 : AEAD_TAG));
	buf_putc(&b, '}');
	if (!buf_cstr(&b))
		return deny(w, E_LIMIT, "jwe.memory", "no room for the message");
	*out = buf_view(&b);
	return rc_of(OK);
}

rc jwe_encrypt_with(const struct json *jwk, struct slice plain, bool legacy, bool allow_rsa1_5, const struct jwe_random *fixed,
		    struct arena *a, struct slice *out, struct why *w)
{
	struct json *header = json_new_object(a);
	struct pkey *key = NULL;
	struct slice wrapped;
	uint8_t iv[12];
	SECRET(cek);
	rc r;

	TRY(fixed ? secret_copy(&cek, secret_view(fixed->cek), w) : secret_random(&cek, 32, w));
	TRY(fixed ? rc_of(OK) : sys_random(iv, sizeof(iv), w));
	if (fixed)
		memcpy(iv, fixed->iv, sizeof(iv));
	TRY(jwk_to_pkey(jwk, &key, w));
	r = wrap_key(jwk, key, allow_rsa1_5, &cek, fixed, header, a, &wrapped, w);
	pkey_free(key);
	TRY(r);
	return write_message(&cek, iv, json_text(a, header), wrapped, plain, legacy, a, out, w);
}

rc jwe_encrypt(const struct json *jwk, struct slice plain, bool legacy, bool allow_rsa1_5, struct arena *a, struct slice *out,
	       struct why *w)
{
	return jwe_encrypt_with(jwk, plain, legacy, allow_rsa1_5, NULL, a, out, w);
}

/* ---- decryption: what a guest does ---- */

static rc rsa_unwrap(const struct pkey *key, struct slice wrapped, struct secret *cek, struct why *w)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_pkey(NULL, key->evp, NULL);
	SECRET(s);
	size_t n = 1024;
	bool ok = c && rc_ok(secret_new(&s, n, w)) && EVP_PKEY_decrypt_init(c) == 1 &&
		  EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_OAEP_PADDING) == 1 &&
		  EVP_PKEY_CTX_set_rsa_oaep_md(c, digest_evp(DIGEST_SHA256)) == 1 &&
		  EVP_PKEY_CTX_set_rsa_mgf1_md(c, digest_evp(DIGEST_SHA256)) == 1 &&
		  EVP_PKEY_decrypt(c, s.p, &n, wrapped.p, wrapped.n) == 1 && n == 32;

	EVP_PKEY_CTX_free(c);
	ERR_clear_error();
	if (!ok)
		return deny(w, E_DENIED, "jwe.open", "the message does not open with this key");
	secret_shrink(&s, n);
	*cek = secret_move(&s);
	return rc_of(OK);
}

static rc ecdh_unwrap(const struct pkey *key, const struct json *header, struct slice wrapped, struct secret *cek, struct why *w)
{
	struct pkey *epk = NULL;
	SECRET(kek);
	SECRET(s);
	rc r;

	TRY(jwk_to_pkey(json_get(header, "epk"), &epk, w));
	r = epk->kind == key->kind ? kek_of(key, epk, &kek, w) : deny(w, E_DENIED, "jwe.open", "the message does not open with this key");
	pkey_free(epk);
	TRY(r);
	if (wrapped.n != 40)
		return deny(w, E_DENIED, "jwe.open", "the message does not open with this key");
	TRY(secret_new(&s, 32, w));
	if (!rc_ok(keyunwrap(&kek, wrapped, s.p, NULL)))
		return deny(w, E_DENIED, "jwe.open", "the message does not open with this key");
	*cek = secret_move(&s);
	return rc_of(OK);
}

static rc part(const struct json *doc, const char *name, struct arena *a, struct slice *out, struct why *w)
{
	struct slice text;

	TRY(json_need_str(doc, name, &text, "JWE", w));
	return b64_decode(a, B64_URL, text, out, name, w);
}

static rc open_message(const struct pkey *key, struct slice text, struct arena *a, struct secret *out, struct why *w)
{
	struct slice protected_text, header_text, wrapped, iv, ciphertext, tag, alg, enc;
	struct json *doc, *header;
	struct buf sealed = buf_in(a, MESSAGE_MAX);
	SECRET(cek);
	SECRET(plain);

	TRY(json_parse(a, text, &(struct json_limits){.max_bytes = MESSAGE_MAX, .max_depth = 4}, &doc, w));
	TRY(json_need_str(doc, "protected", &protected_text, "JWE", w));
	TRY(part(doc, "protected", a, &header_text, w));
	TRY(part(doc, "encrypted_key", a, &wrapped, w));
	TRY(part(doc, "iv", a, &iv, w));
	TRY(part(doc, "ciphertext", a, &ciphertext, w));
	TRY(part(doc, "tag", a, &tag, w));
	TRY(json_parse(a, header_text, &(struct json_limits){.max_depth = 4}, &header, w));
	TRY(json_need_str(header, "alg", &alg, "JWE header", w));
	TRY(json_need_str(header, "enc", &enc, "JWE header", w));
	if (!slice_is(enc, "A256GCM") || json_get(header, "crit") || json_get(header, "zip"))
		return deny(w, E_UNSUPPORTED, "jwe.header", "the JWE header asks for what is not taken");
	if (iv.n != AEAD_NONCE || tag.n != AEAD_TAG)
		return deny(w, E_MALFORMED, "jwe.malformed", "an iv of %zu and a tag of %zu bytes, expected 12 and 16", iv.n, tag.n);
	if (slice_is(alg, "RSA-OAEP-256") && key->kind == KEY_RSA)
		TRY(rsa_unwrap(key, wrapped, &cek, w));
	else if (slice_is(alg, ECDH_ALG) && key->kind != KEY_RSA)
		TRY(ecdh_unwrap(key, header, wrapped, &cek, w));
	else
		return deny(w, E_UNSUPPORTED, "jwe.header", "the algorithm \"" SLICE_FMT "\" does not suit the key", SLICE_ARG(slice_sub(alg, 0, 32)));
	buf_slice(&sealed, ciphertext);
	buf_slice(&sealed, tag);
	TRY(secret_new(&plain, ciphertext.n, w));
	if (!buf_ok(&sealed) || !rc_ok(aead_open(&cek, iv.p, protected_text, buf_view(&sealed), plain.p, NULL)))
		return deny(w, E_DENIED, "jwe.open", "the message does not open with this key");
	*out = secret_move(&plain);
	return rc_of(OK);
}

rc jwe_decrypt(const struct pkey *key, struct slice message, struct secret *out, struct why *w)
{
	struct arena *a = arena_new(MESSAGE_MAX * 8);
	rc r = a ? open_message(key, message, a, out, w) : deny(w, E_INTERNAL, "jwe.memory", "no memory");

	arena_free(a);
	return r;
}
