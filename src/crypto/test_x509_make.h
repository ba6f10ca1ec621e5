/* test_x509_make.h - certificates and lists of any shape, right or wrong, for the tests of chains. */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"
#include "base/sys.h"
#include "crypto/x509.h"

#define DAY 86400
#define NOW ((int64_t)1700000000)

struct spec {
	const char *subject, *issuer;
	EVP_PKEY *key, *signer;
	const char *basic, *usage;	/* NULL: no such extension */
	const char *critical;		/* an unknown critical extension */
	const char *names, *eku, *san;
	int64_t from, to;		/* 0: NOW -+ one day */
	long serial;
	const EVP_MD *md;		/* NULL: SHA-256 */
	const char *own_id, *issuer_id;	/* key identifiers: "abcd", "DER:..." of the whole extension; NULL: none */
	bool twice;			/* the extended key usage stands twice */
	bool pss;
};

static EVP_PKEY *keys[6], *rsa;

static inline void set_name(X509_NAME *n, const char *cn)
{
	assert_int_equal(X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_UTF8, (const unsigned char *)cn, -1, -1, 0), 1);
}

static inline void add_ext(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e = value ? X509V3_EXT_conf_nid(NULL, NULL, nid, value) : NULL;

	if (e)
		assert_int_equal(X509_add_ext(x, e, -1), 1);
	else
		assert_null(value);
	X509_EXTENSION_free(e);
}

static inline void add_unknown(X509 *x, const char *oid)
{
	ASN1_OCTET_STRING *v = ASN1_OCTET_STRING_new();
	ASN1_OBJECT *o = OBJ_txt2obj(oid, 1);
	X509_EXTENSION *e;

	ASN1_OCTET_STRING_set(v, (const unsigned char *)"\x05\x00", 2);
	e = X509_EXTENSION_create_by_OBJ(NULL, o, 1, v);
	assert_int_equal(X509_add_ext(x, e, -1), 1);
	X509_EXTENSION_free(e);
	ASN1_OBJECT_free(o);
	ASN1_OCTET_STRING_free(v);
}

static inline void sign_with(EVP_MD_CTX *c, const struct spec *s)
{
	EVP_PKEY_CTX *pc;

	assert_int_equal(EVP_DigestSignInit(c, &pc, s->md ? s->md : EVP_sha256(), NULL, s->signer), 1);
	if (s->pss)
		assert_true(EVP_PKEY_CTX_set_rsa_padding(pc, RSA_PKCS1_PSS_PADDING) > 0 &&
			    EVP_PKEY_CTX_set_rsa_pss_saltlen(pc, RSA_PSS_SALTLEN_DIGEST) > 0);
}

static inline struct x509 *make(struct spec s)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	unsigned char *der = NULL;
	struct x509 *out = NULL;
	X509 *x = X509_new();
	int n;

	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), s.serial ? s.serial : 1);
	set_name(X509_get_subject_name(x), s.subject);
	set_name(X509_get_issuer_name(x), s.issuer);
	ASN1_TIME_set(X509_getm_notBefore(x), (time_t)(s.from ? s.from : NOW - DAY));
	ASN1_TIME_set(X509_getm_notAfter(x), (time_t)(s.to ? s.to : NOW + DAY));
	X509_set_pubkey(x, s.key);
	add_ext(x, NID_basic_constraints, s.basic);
	add_ext(x, NID_key_usage, s.usage);
	add_ext(x, NID_name_constraints, s.names);
	add_ext(x, NID_ext_key_usage, s.eku);
	if (s.twice)
		add_ext(x, NID_ext_key_usage, s.eku);
	add_ext(x, NID_subject_alt_name, s.san);
	add_ext(x, NID_subject_key_identifier, s.own_id);
	add_ext(x, NID_authority_key_identifier, s.issuer_id);
	if (s.critical)
		add_unknown(x, s.critical);
	sign_with(md, &s);
	assert_true(X509_sign_ctx(x, md) > 0);
	n = i2d_X509(x, &der);
	assert_true(n > 0 && rc_ok(x509_from_der(slice_of(der, (size_t)n), &out, NULL)));
	OPENSSL_free(der);
	X509_free(x);
	EVP_MD_CTX_free(md);
	return out;
}

static inline struct x509_crl *make_crl(const char *issuer, EVP_PKEY *signer, long revoked, int64_t from, int64_t to)
{
	X509_CRL *l = X509_CRL_new();
	ASN1_TIME *t = ASN1_TIME_new();
	struct x509_crl *out = NULL;
	unsigned char *der = NULL;
	int n;

	X509_CRL_set_version(l, X509_CRL_VERSION_2);
	X509_NAME *name = X509_NAME_new();
	set_name(name, issuer);
	X509_CRL_set_issuer_name(l, name);
	X509_NAME_free(name);
	X509_CRL_set1_lastUpdate(l, ASN1_TIME_set(t, (time_t)from));
	if (to != INT64_MIN)
		X509_CRL_set1_nextUpdate(l, ASN1_TIME_set(t, (time_t)to));
	if (revoked) {
		X509_REVOKED *r = X509_REVOKED_new();
		ASN1_INTEGER *i = ASN1_INTEGER_new();

		ASN1_INTEGER_set(i, revoked);
		X509_REVOKED_set_serialNumber(r, i);
		X509_REVOKED_set_revocationDate(r, t);
		X509_CRL_add0_revoked(l, r);
		ASN1_INTEGER_free(i);
	}
	assert_true(X509_CRL_sign(l, signer, EVP_sha256()) > 0);
	n = i2d_X509_CRL(l, &der);
	assert_true(n > 0 && rc_ok(x509_crl_from(slice_of(der, (size_t)n), &out, NULL)));
	OPENSSL_free(der);
	ASN1_TIME_free(t);
	X509_CRL_free(l);
	return out;
}

#define CA    "critical,CA:TRUE"
#define SIGNS "critical,keyCertSign,cRLSign"

static inline struct spec root_spec(void)
{
	return (struct spec){"root", "root", keys[0], keys[0], CA, SIGNS, .serial = 10};
}

static inline struct spec mid_spec(void)
{
	return (struct spec){"mid", "root", keys[1], keys[0], CA, SIGNS, .serial = 20};
}

static inline struct spec leaf_spec(void)
{
	return (struct spec){"leaf", "mid", keys[2], keys[1], .serial = 30};
}

static inline int make_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(keys); i++)
		keys[i] = EVP_PKEY_Q_keygen(NULL, NULL, "EC", i == 1 ? "secp384r1" : "prime256v1");
	rsa = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
	return rsa ? 0 : -1;
}

static inline int free_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(keys); i++)
		EVP_PKEY_free(keys[i]);
	EVP_PKEY_free(rsa);
	return 0;
}
