#include "lab/lab_x509.h"

#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <string.h>

#include "base/num.h"
#include "codec/base64.h"

static RC broken(struct why *w, const char *what)
{
	return deny(w, E_INTERNAL, "lab.openssl", "OpenSSL does not make %s", what);
}

/* ---- keys ---- */

static EVP_PKEY *open_key(struct slice pem)
{
	BIO *b = pem.p ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
	EVP_PKEY *key = b ? PEM_read_bio_PrivateKey(b, NULL, NULL, NULL) : NULL;

	BIO_free(b);
	return key;
}

rc lab_key_new(enum lab_key kind, struct arena *a, struct slice *pem, struct why *w)
{
	static const char *const curves[] = {[LAB_P256] = "P-256", [LAB_P384] = "P-384", [LAB_P521] = "P-521"};
	EVP_PKEY *key = NULL;
	BIO *b = BIO_new(BIO_s_mem());
	char *p = NULL;
	long n = 0;

	switch (kind) {
	case LAB_P256:
	case LAB_P384:
	case LAB_P521:
		key = EVP_EC_gen(curves[kind]);
		break;
	case LAB_RSA2048:
	case LAB_RSA4096:
		key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)(kind == LAB_RSA2048 ? 2048 : 4096));
		break;
	case LAB_SM2:
		key = EVP_PKEY_Q_keygen(NULL, NULL, "SM2");
		break;
	}
	if (b && key && PEM_write_bio_PKCS8PrivateKey(b, key, NULL, NULL, 0, NULL, NULL) == 1)
		n = BIO_get_mem_data(b, &p);
	*pem = n > 0 ? arena_dup(a, slice_of(p, (size_t)n)) : (struct slice){0};
	EVP_PKEY_free(key);
	BIO_free(b);
	return pem->p ? rc_of(OK) : broken(w, "a key");
}

rc lab_key_public(struct slice key_pem, struct arena *a, struct slice *spki, struct why *w)
{
	EVP_PKEY *key = open_key(key_pem);
	unsigned char *der = NULL;
	int n = key ? i2d_PUBKEY(key, &der) : -1;

	*spki = n > 0 ? arena_dup(a, slice_of(der, (size_t)n)) : (struct slice){0};
	OPENSSL_free(der);
	EVP_PKEY_free(key);
	return spki->p ? rc_of(OK) : broken(w, "a public key");
}

static RC number_of(struct slice key_pem, const char *param, size_t width, struct arena *a, struct slice *out, struct why *w)
{
	EVP_PKEY *key = open_key(key_pem);
	BIGNUM *v = NULL;
	uint8_t *p = NULL;

	if (key && EVP_PKEY_get_bn_param(key, param, &v) == 1) {
		width = width ? width : (size_t)BN_num_bytes(v);
		p = arena_alloc(a, width);
		if (p && BN_bn2binpad(v, p, (int)width) < 0)
			p = NULL;
	}
	BN_free(v);
	EVP_PKEY_free(key);
	*out = (struct slice){p, p ? width : 0};
	return p ? rc_of(OK) : broken(w, "a number of a key");
}

static size_t width_of(const EVP_PKEY *key)
{
	return (size_t)(EVP_PKEY_get_bits(key) + 7) / 8;
}

rc lab_key_xy(struct slice key_pem, struct arena *a, struct slice *x, struct slice *y, struct why *w)
{
	EVP_PKEY *key = open_key(key_pem);
	size_t width = key ? width_of(key) : 0;

	EVP_PKEY_free(key);
	TRY(number_of(key_pem, OSSL_PKEY_PARAM_EC_PUB_X, width, a, x, w));
	return number_of(key_pem, OSSL_PKEY_PARAM_EC_PUB_Y, width, a, y, w);
}

rc lab_key_modulus(struct slice key_pem, struct arena *a, struct slice *n, struct why *w)
{
	return number_of(key_pem, OSSL_PKEY_PARAM_RSA_N, 0, a, n, w);
}

/* ---- signatures ---- */

static const EVP_MD *md_of(enum digest_alg hash)
{
	switch (hash) {
	case DIGEST_SHA1:
		return EVP_sha1();
	case DIGEST_SHA256:
		return EVP_sha256();
	case DIGEST_SHA384:
		return EVP_sha384();
	case DIGEST_SHA512:
		return EVP_sha512();
	case DIGEST_SM3:
		return EVP_sm3();
	case DIGEST_MD5:
		return EVP_md5();
	}
	return NULL;
}

static bool begin_sign(EVP_MD_CTX *c, EVP_PKEY *key, const EVP_MD *md, bool pss, struct slice id)
{
	EVP_PKEY_CTX *pc = c && key ? EVP_PKEY_CTX_new(key, NULL) : NULL;
	EVP_PKEY_CTX *mine = pc;
	bool ok = pc != NULL;

	if (ok && id.p)	/* the identity must be there before the digest begins */
		ok = EVP_PKEY_CTX_set1_id(pc, id.p, (int)id.n) > 0;
	if (ok)
		EVP_MD_CTX_set_pkey_ctx(c, pc);
	ok = ok && EVP_DigestSignInit(c, &pc, md, NULL, key) == 1;
	if (ok && pss)
		ok = EVP_PKEY_CTX_set_rsa_padding(pc, RSA_PKCS1_PSS_PADDING) > 0 && EVP_PKEY_CTX_set_rsa_pss_saltlen(pc, RSA_PSS_SALTLEN_DIGEST) > 0;
	if (!ok) {
		EVP_MD_CTX_set_pkey_ctx(c, NULL);
		EVP_PKEY_CTX_free(mine);
	}
	return ok;
}

/* The context of a key set by the caller is the caller's to free. */
static void end_sign(EVP_MD_CTX *c)
{
	EVP_PKEY_CTX *pc = c ? EVP_MD_CTX_get_pkey_ctx(c) : NULL;

	if (c)
		EVP_MD_CTX_set_pkey_ctx(c, NULL);
	EVP_PKEY_CTX_free(pc);
	EVP_MD_CTX_free(c);
}

static struct slice raw_of(struct slice der, size_t width, struct arena *a)
{
	const uint8_t *p = der.p;
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)der.n);
	uint8_t *out = arena_alloc(a, 2 * width);
	bool ok = sig && out && BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, (int)width) >= 0 &&
		  BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + width, (int)width) >= 0;

	ECDSA_SIG_free(sig);
	return ok ? slice_of(out, 2 * width) : (struct slice){0};
}

static RC sign(struct slice key_pem, enum lab_scheme scheme, const EVP_MD *md, struct slice id, struct slice msg, struct arena *a,
	       struct slice *out, struct why *w)
{
	EVP_PKEY *key = open_key(key_pem);
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	uint8_t sig[1024];
	size_t n = sizeof(sig);

	*out = (struct slice){0};
	if (begin_sign(c, key, md, scheme == LAB_PSS, id) && EVP_DigestSign(c, sig, &n, msg.p, msg.n) == 1)
		*out = scheme == LAB_ECDSA ? raw_of(slice_of(sig, n), width_of(key), a) : arena_dup(a, slice_of(sig, n));
	end_sign(c);
	EVP_PKEY_free(key);
	return out->p ? rc_of(OK) : broken(w, "a signature");
}

rc lab_sign(struct slice key_pem, enum lab_scheme scheme, enum digest_alg hash, struct slice msg, struct arena *a, struct slice *sig,
	    struct why *w)
{
	return sign(key_pem, scheme, md_of(hash), (struct slice){0}, msg, a, sig, w);
}

rc lab_sign_sm2(struct slice key_pem, struct slice id, struct slice msg, struct arena *a, struct slice *sig, struct why *w)
{
	return sign(key_pem, LAB_ECDSA, EVP_sm3(), id, msg, a, sig, w);
}

/* ---- what certificates and lists share ---- */

/* "CN=x,O=y": attributes in this order. */
static X509_NAME *name_of(const char *text)
{
	X509_NAME *n = X509_NAME_new();
	bool ok = n != NULL;

	while (ok && *text) {
		const char *eq = strchr(text, '='), *end = text + strcspn(text, ",");
		char field[8];

		ok = eq && eq < end && (size_t)(eq - text) < sizeof(field);
		if (!ok)
			break;
		memcpy(field, text, (size_t)(eq - text));
		field[eq - text] = 0;
		ok = X509_NAME_add_entry_by_txt(n, field, MBSTRING_UTF8, (const unsigned char *)eq + 1, (int)(end - eq - 1), -1, 0) == 1;
		text = *end ? end + 1 : end;
	}
	if (ok)
		return n;
	X509_NAME_free(n);
	return NULL;
}

static X509_EXTENSION *extension(const char *oid, bool critical, struct slice value)
{
	ASN1_OBJECT *o = OBJ_txt2obj(oid, 1);
	ASN1_OCTET_STRING *v = ASN1_OCTET_STRING_new();
	X509_EXTENSION *e = o && v && ASN1_OCTET_STRING_set(v, value.p, (int)value.n) == 1
				    ? X509_EXTENSION_create_by_OBJ(NULL, o, critical, v) : NULL;

	ASN1_OCTET_STRING_free(v);
	ASN1_OBJECT_free(o);
	return e;
}

static bool add(X509 *x, const char *oid, bool critical, const void *p, size_t n)
{
	X509_EXTENSION *e = extension(oid, critical, slice_of(p, n));
	bool ok = e && X509_add_ext(x, e, -1) == 1;

	X509_EXTENSION_free(e);
	return ok;
}

#define KEY_ID_SIZE 20u

static bool key_id(EVP_PKEY *key, uint8_t out[KEY_ID_SIZE])
{
	unsigned char *der = NULL;
	int n = i2d_PUBKEY(key, &der);
	bool ok = n > 0 && EVP_Digest(der, (size_t)n, out, NULL, EVP_sha1(), NULL) == 1;

	OPENSSL_free(der);
	return ok;
}

static const EVP_MD *hash_for(EVP_PKEY *signer, enum digest_alg hash)
{
	if (hash)
		return md_of(hash);
	return width_of(signer) == 48 ? EVP_sha384() : width_of(signer) == 66 ? EVP_sha512() : EVP_sha256();
}

/* ---- certificates ---- */

static bool add_key_ids(X509 *x, EVP_PKEY *key, EVP_PKEY *signer)
{
	uint8_t subject[2 + KEY_ID_SIZE] = {4, KEY_ID_SIZE}, authority[4 + KEY_ID_SIZE] = {0x30, 2 + KEY_ID_SIZE, 0x80, KEY_ID_SIZE};

	return key_id(key, subject + 2) && key_id(signer, authority + 4) && add(x, "2.5.29.14", false, subject, sizeof(subject)) &&
	       add(x, "2.5.29.35", false, authority, sizeof(authority));
}

/* Basic constraints and key usage. */
static bool add_role(X509 *x, bool ca, uint8_t usage)
{
	static const uint8_t is_ca[] = {0x30, 3, 1, 1, 0xff}, no_ca[] = {0x30, 0};
	uint8_t bits[] = {3, 2, 0, usage ? usage : ca ? 0x06 : 0x80};	/* keyCertSign and cRLSign; digitalSignature */

	while (!(bits[3] >> bits[2] & 1))
		bits[2]++;
	return add(x, "2.5.29.19", true, ca ? is_ca : no_ca, ca ? sizeof(is_ca) : sizeof(no_ca)) && add(x, "2.5.29.15", true, bits, sizeof(bits));
}

static bool fill(X509 *x, const struct lab_cert *c, EVP_PKEY *key, EVP_PKEY *signer)
{
	X509_NAME *subject = name_of(c->subject), *issuer = name_of(c->issuer);
	bool ok = subject && issuer && key && signer && X509_set_version(x, X509_VERSION_3) == 1 &&
		  ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), c->serial) == 1 && X509_set_subject_name(x, subject) == 1 &&
		  X509_set_issuer_name(x, issuer) == 1 && ASN1_TIME_set(X509_getm_notBefore(x), (time_t)c->from_s) &&
		  ASN1_TIME_set(X509_getm_notAfter(x), (time_t)c->to_s) && X509_set_pubkey(x, key) == 1 && add_role(x, c->ca, c->usage) &&
		  add_key_ids(x, key, signer);

	for (size_t i = 0; ok && i < c->ext_n; i++)
		ok = add(x, c->ext[i].oid, c->ext[i].critical, c->ext[i].value.p, c->ext[i].value.n);
	X509_NAME_free(subject);
	X509_NAME_free(issuer);
	return ok;
}

rc lab_cert(const struct lab_cert *c, struct arena *a, struct slice *der, struct why *w)
{
	EVP_PKEY *key = open_key(c->key), *signer = open_key(c->signer);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	X509 *x = X509_new();
	unsigned char *bytes = NULL;
	int n = -1;

	if (x && fill(x, c, key, signer) && begin_sign(md, signer, hash_for(signer, c->hash), c->pss, (struct slice){0}) &&
	    X509_sign_ctx(x, md) > 0)
		n = i2d_X509(x, &bytes);
	*der = n > 0 ? arena_dup(a, slice_of(bytes, (size_t)n)) : (struct slice){0};
	OPENSSL_free(bytes);
	X509_free(x);
	end_sign(md);
	EVP_PKEY_free(key);
	EVP_PKEY_free(signer);
	return der->p ? rc_of(OK) : note(w, broken(w, "a certificate"), "for %s", c->subject);
}

/* ---- revocation lists ---- */

static bool revoke(X509_CRL *crl, uint64_t serial, const ASN1_TIME *when)
{
	X509_REVOKED *r = X509_REVOKED_new();
	ASN1_INTEGER *number = ASN1_INTEGER_new();
	bool ok = r && number && ASN1_INTEGER_set_uint64(number, serial) == 1 && X509_REVOKED_set_serialNumber(r, number) == 1 &&
		  X509_REVOKED_set_revocationDate(r, (ASN1_TIME *)(uintptr_t)when) == 1 && X509_CRL_add0_revoked(crl, r) == 1;

	if (!ok)
		X509_REVOKED_free(r);
	ASN1_INTEGER_free(number);
	return ok;
}

static bool add_to_crl(X509_CRL *crl, const char *oid, const void *p, size_t n)
{
	X509_EXTENSION *e = extension(oid, false, slice_of(p, n));
	bool ok = e && X509_CRL_add_ext(crl, e, -1) == 1;

	X509_EXTENSION_free(e);
	return ok;
}

static bool fill_crl(X509_CRL *crl, const struct lab_crl *c, EVP_PKEY *authority)
{
	uint8_t akid[4 + KEY_ID_SIZE] = {0x30, 2 + KEY_ID_SIZE, 0x80, KEY_ID_SIZE};
	X509_NAME *issuer = name_of(c->issuer);
	ASN1_TIME *from = ASN1_TIME_set(NULL, (time_t)c->this_s), *to = c->next_s == INT64_MIN ? NULL : ASN1_TIME_set(NULL, (time_t)c->next_s);
	ASN1_INTEGER *number = ASN1_INTEGER_new();
	bool ok = issuer && from && number && authority && X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1 &&
		  X509_CRL_set_issuer_name(crl, issuer) == 1 && X509_CRL_set1_lastUpdate(crl, from) == 1 &&
		  (!to || X509_CRL_set1_nextUpdate(crl, to) == 1) && key_id(authority, akid + 4) &&
		  add_to_crl(crl, "2.5.29.35", akid, sizeof(akid));

	if (ok && c->number)
		ok = ASN1_INTEGER_set_uint64(number, c->number) == 1 && X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, 0, 0) == 1;
	for (size_t i = 0; ok && i < c->revoked_n; i++)
		ok = revoke(crl, c->revoked[i], from);
	ASN1_INTEGER_free(number);
	ASN1_TIME_free(from);
	ASN1_TIME_free(to);
	X509_NAME_free(issuer);
	return ok;
}

rc lab_crl(const struct lab_crl *c, struct arena *a, struct slice *der, struct why *w)
{
	EVP_PKEY *signer = open_key(c->signer), *authority = open_key(c->authority_key.p ? c->authority_key : c->signer);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	X509_CRL *crl = X509_CRL_new();
	unsigned char *bytes = NULL;
	int n = -1;

	if (crl && signer && fill_crl(crl, c, authority) && begin_sign(md, signer, hash_for(signer, 0), c->pss, (struct slice){0}) &&
	    X509_CRL_sign_ctx(crl, md) > 0)
		n = i2d_X509_CRL(crl, &bytes);
	*der = n > 0 ? arena_dup(a, slice_of(bytes, (size_t)n)) : (struct slice){0};
	OPENSSL_free(bytes);
	X509_CRL_free(crl);
	end_sign(md);
	EVP_PKEY_free(signer);
	EVP_PKEY_free(authority);
	return der->p ? rc_of(OK) : note(w, broken(w, "a revocation list"), "of %s", c->issuer);
}

struct slice lab_pem(const char *label, struct slice der, struct arena *a)
{
	struct slice text = b64_text(a, B64_STD, der);
	struct buf b = buf_in(a, 0);

	buf_printf(&b, "-----BEGIN %s-----\n", label);
	for (size_t i = 0; i < text.n; i += 64) {
		buf_slice(&b, slice_sub(text, i, 64));
		buf_putc(&b, '\n');
	}
	buf_printf(&b, "-----END %s-----\n", label);
	return buf_ok(&b) ? buf_view(&b) : (struct slice){0};
}
