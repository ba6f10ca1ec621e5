/* test_make.h - revocation lists with chosen dates and numbers, for the tests of this folder. */
#pragma once
#include <openssl/x509v3.h>

#include "base/arena.h"

static inline struct slice make_crl(struct arena *a, const char *issuer, long number, int64_t from, int64_t to)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509_CRL *l = X509_CRL_new();
	X509_NAME *name = X509_NAME_new();
	ASN1_TIME *t = ASN1_TIME_new();
	unsigned char *der = NULL;
	struct slice out;

	X509_CRL_set_version(l, X509_CRL_VERSION_2);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)issuer, -1, -1, 0);
	X509_CRL_set_issuer_name(l, name);
	X509_CRL_set1_lastUpdate(l, ASN1_TIME_set(t, (time_t)from));
	X509_CRL_set1_nextUpdate(l, ASN1_TIME_set(t, (time_t)to));
	if (number) {
		ASN1_INTEGER *i = ASN1_INTEGER_new();

		ASN1_INTEGER_set(i, number);
		X509_CRL_add1_ext_i2d(l, NID_crl_number, i, 0, 0);
		ASN1_INTEGER_free(i);
	}
	assert_true(X509_CRL_sign(l, key, EVP_sha256()) > 0);
	out.n = (size_t)i2d_X509_CRL(l, &der);
	out = arena_dup(a, slice_of(der, out.n));
	OPENSSL_free(der);
	ASN1_TIME_free(t);
	X509_NAME_free(name);
	X509_CRL_free(l);
	EVP_PKEY_free(key);
	return out;
}
