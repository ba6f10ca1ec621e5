#include "crypto/x509.h"

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <time.h>

#include "crypto/crypto_priv.h"
#include "crypto/x509_priv.h"

/* ---- construction ---- */

void x509_free(struct x509 *c)
{
	if (!c || atomic_fetch_sub(&c->refs, 1) != 1)
		return;
	pkey_free(c->key);
	X509_free(c->x);
	free(c->der);
	free(c);
}

void x509_free_all(struct x509 **list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		x509_free(list[i]);
}

struct x509 *x509_ref(const struct x509 *c)
{
	union {
		const struct x509 *in;
		struct x509 *out;
	} u = {.in = c};

	if (c)
		atomic_fetch_add(&u.out->refs, 1);
	return u.out;
}

/* Seconds since 1970 of a certificate time. */
bool x509_time(const ASN1_TIME *t, int64_t *out)
{
	struct tm tm;

	if (!t || ASN1_TIME_to_tm(t, &tm) != 1)
		return false;
	*out = time_from_civil(tm.tm_year + 1900, (unsigned)tm.tm_mon + 1, (unsigned)tm.tm_mday, (unsigned)tm.tm_hour,
			       (unsigned)tm.tm_min, (unsigned)tm.tm_sec);
	return true;
}

static RC fill(struct x509 *c, struct why *w)
{
	unsigned char *spki = NULL;
	EVP_PKEY *evp = X509_get_pubkey(c->x);
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(c->x), &spki);
	rc r;

	if (!x509_time(X509_get0_notBefore(c->x), &c->not_before) || !x509_time(X509_get0_notAfter(c->x), &c->not_after) || n <= 0) {
		EVP_PKEY_free(evp);
		OPENSSL_free(spki);
		return deny(w, E_MALFORMED, "x509.malformed", "a certificate with invalid times or key");
	}
	r = digest(DIGEST_SHA256, slice_of(spki, (size_t)n), c->spki_sha256, w);
	OPENSSL_free(spki);
	if (evp && !rc_ok(pkey_wrap(evp, false, true, &c->key, NULL)))
		c->key = NULL;	/* a kind we do not take: the certificate can be read, nothing can be verified with it */
	ERR_clear_error();
	TRY(r);
	return digest(DIGEST_SHA256, x509_der(c), c->sha256, w);
}

RC x509_from_der(struct slice der, struct x509 **out, struct why *w)
{
	const unsigned char *p = der.p;
	struct x509 *c;
	rc r;

	if (der.n == 0 || der.n > X509_DER_MAX)
		return deny(w, E_MALFORMED, "x509.malformed", "a certificate of %zu bytes, expected 1 to %u", der.n, X509_DER_MAX);
	c = calloc(1, sizeof(*c));
	if (!c || !(c->der = malloc(der.n))) {
		free(c);
		return deny(w, E_INTERNAL, "x509.memory", "no memory for a certificate");
	}
	atomic_store(&c->refs, 1);
	memcpy(c->der, der.p, der.n);
	c->der_n = der.n;
	p = c->der;
	c->x = d2i_X509(NULL, &p, (long)der.n);
	if (!c->x || p != c->der + der.n || X509_get_version(c->x) != X509_VERSION_3) {
		char text[256];

		r = deny(w, E_MALFORMED, "x509.malformed", "no X.509 version 3 certificate, or bytes behind it: %s",
			 crypto_error(text));
	} else {
		r = fill(c, w);
	}
	if (!rc_ok(r)) {
		x509_free(c);
		return r;
	}
	*out = c;
	return r;
}

/* One PEM block of the type `name`: its DER, owned by the caller (OPENSSL_free). */
static bool pem_next(BIO *b, const char *name, unsigned char **der, long *n)
{
	char *type = NULL, *header = NULL;
	bool ok = PEM_read_bio(b, &type, &header, der, n) == 1;

	if (ok && (strcmp(type, name) || *header)) {
		OPENSSL_free(*der);
		ok = false;
	}
	OPENSSL_free(type);
	OPENSSL_free(header);
	ERR_clear_error();
	return ok;
}

RC x509_list_from_pem(struct slice pem, struct x509 **out, size_t max, size_t *n, struct why *w)
{
	BIO *b;
	size_t have = 0;
	rc r = rc_of(OK);
	unsigned char *der;
	long der_n;

	while (pem.n && pem.p[pem.n - 1] == 0)
		pem.n--;
	if (pem.n > X509_CRL_MAX)
		return deny(w, E_LIMIT, "x509.count", "a PEM text of %zu bytes", pem.n);
	b = BIO_new_mem_buf(pem.n ? (const void *)pem.p : "", (int)pem.n);
	if (!b)
		return deny(w, E_INTERNAL, "x509.memory", "no memory to read PEM");
	while (rc_ok(r) && pem_next(b, "CERTIFICATE", &der, &der_n)) {
		r = have == max ? deny(w, E_LIMIT, "x509.count", "more than %zu certificates", max)
				: x509_from_der(slice_of(der, (size_t)der_n), &out[have], w);
		have += rc_ok(r);
		OPENSSL_free(der);
	}
	/* what is left must be white space: a block that does not decode must not be taken for the end */
	while (rc_ok(r)) {
		char rest[256];
		int got = BIO_read(b, rest, sizeof(rest));

		if (got <= 0)
			break;
		for (int i = 0; i < got; i++)
			if (!strchr(" \t\r\n", rest[i]))
				r = deny(w, E_MALFORMED, "x509.malformed", "a PEM block that is no certificate");
	}
	BIO_free(b);
	if (rc_ok(r) && have == 0)
		r = deny(w, E_MALFORMED, "x509.malformed", "no certificate in the PEM text");
	if (!rc_ok(r)) {
		x509_free_all(out, have);
		return r;
	}
	*n = have;
	return r;
}

RC x509_from_any(struct slice in, struct x509 **out, struct why *w)
{
	struct x509 *list[16] = {0};
	size_t n;

	if (in.n && in.p[0] == 0x30)
		return x509_from_der(in, out, w);
	TRY(x509_list_from_pem(in, list, 16, &n, w));
	x509_free_all(list + 1, n - 1);
	*out = list[0];
	return rc_of(OK);
}

/* ---- reading ---- */

struct slice x509_der(const struct x509 *c)
{
	return slice_of(c->der, c->der_n);
}

struct slice x509_tbs(const struct x509 *c)
{
	const unsigned char *p = c->der;
	const uint8_t *start;
	long n;
	int tag, class;

	/* the certificate was decoded whole, so these two heads are there */
	(void)ASN1_get_object(&p, &n, &tag, &class, (long)c->der_n);
	start = p;
	(void)ASN1_get_object(&p, &n, &tag, &class, n);
	return slice_of(start, (size_t)(p - start) + (size_t)n);
}

const uint8_t *x509_sha256(const struct x509 *c)
{
	return c->sha256;
}

const uint8_t *x509_spki_sha256(const struct x509 *c)
{
	return c->spki_sha256;
}

bool x509_same(const struct x509 *a, const struct x509 *b)
{
	return slice_eq(x509_der(a), x509_der(b));
}

const struct pkey *x509_key(const struct x509 *c)
{
	return c->key;
}

static const char *common_name(const X509_NAME *name, struct arena *a)
{
	int at = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
	unsigned char *utf8 = NULL;
	const char *text = NULL;
	int n;

	if (at < 0 || X509_NAME_get_index_by_NID(name, NID_commonName, at) >= 0)
		return NULL;
	n = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
	if (n > 0 && !memchr(utf8, 0, (size_t)n))
		text = arena_strndup(a, utf8, (size_t)n);
	OPENSSL_free(utf8);
	ERR_clear_error();
	return text;
}

const char *x509_subject_cn(const struct x509 *c, struct arena *a)
{
	return common_name(X509_get_subject_name(c->x), a);
}

const char *x509_issuer_cn(const struct x509 *c, struct arena *a)
{
	return common_name(X509_get_issuer_name(c->x), a);
}

const char *x509_subject_text(const struct x509 *c, struct arena *a)
{
	BIO *bio = BIO_new(BIO_s_mem());
	const char *out = NULL;
	char *p = NULL;
	long n;

	if (bio && X509_NAME_print_ex(bio, X509_get_subject_name(c->x), 0, XN_FLAG_RFC2253) >= 0) {
		n = BIO_get_mem_data(bio, &p);
		out = n >= 0 && p ? arena_strndup(a, p, (size_t)n) : NULL;
	}
	BIO_free(bio);
	ERR_clear_error();
	return out;
}

static struct slice name_der(const X509_NAME *name, struct arena *a)
{
	unsigned char *der = NULL;
	int n = i2d_X509_NAME(name, &der);
	struct slice out = n > 0 ? arena_dup(a, slice_of(der, (size_t)n)) : (struct slice){0};

	OPENSSL_free(der);
	return out;
}

struct slice x509_subject(const struct x509 *c, struct arena *a)
{
	return name_der(X509_get_subject_name(c->x), a);
}

struct slice x509_issuer(const struct x509 *c, struct arena *a)
{
	return name_der(X509_get_issuer_name(c->x), a);
}

struct slice x509_serial(const struct x509 *c, struct arena *a)
{
	const ASN1_INTEGER *s = X509_get0_serialNumber(c->x);

	return arena_dup(a, slice_of(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s)));
}

int64_t x509_not_before(const struct x509 *c)
{
	return c->not_before;
}

int64_t x509_not_after(const struct x509 *c)
{
	return c->not_after;
}

bool x509_is_ca(const struct x509 *c)
{
	bool ca = (X509_get_extension_flags(c->x) & (EXFLAG_CA | EXFLAG_INVALID)) == EXFLAG_CA;

	ERR_clear_error();
	return ca;
}

bool x509_self_issued(const struct x509 *c)
{
	return X509_NAME_cmp(X509_get_subject_name(c->x), X509_get_issuer_name(c->x)) == 0;
}

/* Without the extension a key is for any use. */
bool x509_may_sign_data(const struct x509 *c)
{
	return X509_get_key_usage(c->x) & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION);
}

bool x509_has_eku(const struct x509 *c, const char *oid)
{
	EXTENDED_KEY_USAGE *eku = X509_get_ext_d2i(c->x, NID_ext_key_usage, NULL, NULL);
	ASN1_OBJECT *want = OBJ_txt2obj(oid, 1);
	bool found = false;

	for (int i = 0; want && i < sk_ASN1_OBJECT_num(eku); i++)
		found |= OBJ_cmp(sk_ASN1_OBJECT_value(eku, i), want) == 0;
	ASN1_OBJECT_free(want);
	EXTENDED_KEY_USAGE_free(eku);
	return found;
}

RC x509_ext(const struct x509 *c, struct arena *a, const char *oid, struct slice *found, bool *critical, struct why *w)
{
	ASN1_OBJECT *obj = OBJ_txt2obj(oid, 1);
	int at = obj ? X509_get_ext_by_OBJ(c->x, obj, -1) : -1;
	bool twice = at >= 0 && X509_get_ext_by_OBJ(c->x, obj, at) >= 0;
	struct slice out = {0};

	ASN1_OBJECT_free(obj);
	if (!obj)
		return deny(w, E_INTERNAL, "x509.memory", "no memory for an object identifier");
	if (twice)
		return deny(w, E_MALFORMED, "x509.extension", "extension %s stands twice", oid);
	if (at >= 0) {
		const X509_EXTENSION *e = X509_get_ext(c->x, at);
		ASN1_OCTET_STRING *data = X509_EXTENSION_get_data((X509_EXTENSION *)(uintptr_t)e);

		out = arena_dup(a, slice_of(ASN1_STRING_get0_data(data), (size_t)ASN1_STRING_length(data)));
		if (!out.p)
			return deny(w, E_INTERNAL, "x509.memory", "no memory for an extension");
		if (critical)
			*critical = X509_EXTENSION_get_critical(e) == 1;
	}
	*found = out;
	return rc_of(OK);
}
