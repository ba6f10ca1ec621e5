#include "lab/lab_ocsp.h"

#include <openssl/ocsp.h>
#include <openssl/pem.h>

#include "crypto/ocsp.h"

static X509 *read_cert(struct slice der)
{
	const uint8_t *p = der.p;

	return der.p ? d2i_X509(NULL, &p, (long)der.n) : NULL;
}

static bool fill(OCSP_BASICRESP *basic, const struct lab_ocsp *o, X509 *cert, X509 *issuer, EVP_PKEY *key)
{
	OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha384(), cert, issuer);
	ASN1_TIME *from = ASN1_TIME_adj(NULL, (time_t)o->this_s, 0, 0), *to = ASN1_TIME_adj(NULL, (time_t)o->next_s, 0, 0);
	ASN1_GENERALIZEDTIME *from_g = from ? ASN1_TIME_to_generalizedtime(from, NULL) : NULL;
	ASN1_GENERALIZEDTIME *to_g = to ? ASN1_TIME_to_generalizedtime(to, NULL) : NULL;
	int status = o->revoked ? V_OCSP_CERTSTATUS_REVOKED : o->unknown ? V_OCSP_CERTSTATUS_UNKNOWN : V_OCSP_CERTSTATUS_GOOD;
	bool ok = id && from_g && to_g &&
		  OCSP_basic_add1_status(basic, id, status, OCSP_REVOKED_STATUS_KEYCOMPROMISE,
					 o->revoked ? from_g : NULL, from_g, to_g) &&
		  OCSP_basic_sign(basic, issuer, key, EVP_sha384(), NULL, OCSP_NOCERTS) == 1;

	OCSP_CERTID_free(id);
	ASN1_TIME_free(from);
	ASN1_TIME_free(to);
	ASN1_GENERALIZEDTIME_free(from_g);
	ASN1_GENERALIZEDTIME_free(to_g);
	return ok;
}

static struct slice answer(const struct lab_ocsp *o, struct arena *a)
{
	X509 *cert = read_cert(o->cert), *issuer = read_cert(o->issuer);
	BIO *b = o->issuer_key.p ? BIO_new_mem_buf(o->issuer_key.p, (int)o->issuer_key.n) : NULL;
	EVP_PKEY *key = b ? PEM_read_bio_PrivateKey(b, NULL, NULL, NULL) : NULL;
	OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
	OCSP_RESPONSE *resp = NULL;
	unsigned char *der = NULL;
	struct slice out = {0};
	int n = -1;

	if (cert && issuer && key && basic && fill(basic, o, cert, issuer, key))
		resp = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
	if (resp)
		n = i2d_OCSP_RESPONSE(resp, &der);
	if (n > 0)
		out = arena_dup(a, slice_of(der, (size_t)n));
	OPENSSL_free(der);
	OCSP_RESPONSE_free(resp);
	OCSP_BASICRESP_free(basic);
	EVP_PKEY_free(key);
	BIO_free(b);
	X509_free(cert);
	X509_free(issuer);
	return out;
}

static RC name_of(const struct lab_ocsp *o, struct arena *a, const char **name, struct why *w)
{
	struct x509 *cert = NULL, *issuer = NULL;
	struct ocsp_id id;
	rc r = x509_from_der(o->cert, &cert, w);

	if (rc_ok(r))
		r = x509_from_der(o->issuer, &issuer, w);
	if (rc_ok(r))
		r = ocsp_id_of(a, DIGEST_SHA384, cert, issuer, &id, w);
	if (rc_ok(r))
		*name = ocsp_id_text(a, &id);
	x509_free(cert);
	x509_free(issuer);
	return r;
}

rc lab_ocsp(const struct lab_ocsp *o, struct arena *a, struct slice *der, const char **name, struct why *w)
{
	*der = answer(o, a);
	if (!der->p)
		return deny(w, E_INTERNAL, "lab.openssl", "OpenSSL does not make an OCSP answer");
	return name ? name_of(o, a, name, w) : rc_of(OK);
}
