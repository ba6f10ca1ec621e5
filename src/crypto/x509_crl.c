/* x509_crl.c - revocation lists. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "crypto/crypto_priv.h"
#include "crypto/x509_priv.h"

void x509_crl_free(struct x509_crl *crl)
{
	if (!crl)
		return;
	X509_CRL_free(crl->crl);
	free(crl);
}

static X509_CRL *decode(struct slice in)
{
	const unsigned char *p = in.p;
	X509_CRL *crl = NULL;
	BIO *b;

	if (in.n && in.p[0] == 0x30) {
		crl = d2i_X509_CRL(NULL, &p, (long)in.n);
		if (crl && p != in.p + in.n) {
			X509_CRL_free(crl);
			crl = NULL;
		}
		return crl;
	}
	b = BIO_new_mem_buf(in.n ? (const void *)in.p : "", (int)in.n);
	if (b)
		crl = PEM_read_bio_X509_CRL(b, NULL, NULL, NULL);
	BIO_free(b);
	return crl;
}

RC x509_crl_from(struct slice in, struct x509_crl **out, struct why *w)
{
	struct x509_crl *c;
	ASN1_INTEGER *number;
	char text[256];

	if (in.n > X509_CRL_MAX)
		return deny(w, E_LIMIT, "x509.crl-size", "a revocation list of %zu bytes, at most %u are read", in.n, X509_CRL_MAX);
	c = calloc(1, sizeof(*c));
	if (!c)
		return deny(w, E_INTERNAL, "x509.memory", "no memory for a revocation list");
	c->crl = decode(in);
	c->next_update = INT64_MIN;
	if (!c->crl || !x509_time(X509_CRL_get0_lastUpdate(c->crl), &c->this_update) ||
	    (X509_CRL_get0_nextUpdate(c->crl) && !x509_time(X509_CRL_get0_nextUpdate(c->crl), &c->next_update))) {
		x509_crl_free(c);
		return deny(w, E_MALFORMED, "x509.crl", "no revocation list, or bytes behind it: %s", crypto_error(text));
	}
	number = X509_CRL_get_ext_d2i(c->crl, NID_crl_number, NULL, NULL);
	if (number && ASN1_INTEGER_get_uint64(&c->number, number) != 1)
		c->number = 0;
	ASN1_INTEGER_free(number);
	ERR_clear_error();
	*out = c;
	return rc_of(OK);
}

RC x509_crl_signed_by(const struct x509_crl *crl, const struct x509 *signer, const char *reason, struct why *w)
{
	const X509_ALGOR *alg;
	int ok;

	for (int i = 0; i < X509_CRL_get_ext_count(crl->crl); i++) {
		X509_EXTENSION *e = X509_CRL_get_ext(crl->crl, i);
		int nid = OBJ_obj2nid(X509_EXTENSION_get_object(e));

		/* a part of a list says nothing about what it leaves out */
		if (nid == NID_delta_crl ||
		    (X509_EXTENSION_get_critical(e) && nid != NID_crl_number && nid != NID_authority_key_identifier))
			return deny(w, E_DENIED, reason, "the revocation list is partial or has a critical extension");
	}
	X509_CRL_get0_signature(crl->crl, NULL, &alg);
	if (!x509_may_sign(signer, alg))
		return deny(w, E_DENIED, reason, "signature algorithm or key of the revocation list is not an allowed one");
	ok = X509_CRL_verify(crl->crl, signer->key->evp);
	ERR_clear_error();
	return ok == 1 ? rc_of(OK) : deny(w, E_DENIED, reason, "the signature of the revocation list does not verify");
}

RC x509_crl_by(const struct x509_crl *crl, const struct x509 *issuer, const char *reason, struct why *w)
{
	if (!x509_crl_is_issuer(crl, issuer))
		return deny(w, E_DENIED, reason, "the revocation list names another issuer");
	if (!(X509_get_key_usage(issuer->x) & KU_CRL_SIGN))
		return deny(w, E_DENIED, reason, "the issuer's key may not sign revocation lists");
	return x509_crl_signed_by(crl, issuer, reason, w);
}

RC x509_crl_valid_at(const struct x509_crl *crl, int64_t now_s, const char *reason, struct why *w)
{
	char from[32], to[32], now[32];
	rc r;

	if (now_s >= crl->this_update && now_s <= crl->next_update)
		return rc_of(OK);
	time_rfc3339(crl->this_update, from);
	time_rfc3339(now_s, now);
	if (crl->next_update == INT64_MIN)
		return deny(w, E_DENIED, reason, "the revocation list of %s says no next update", from);
	time_rfc3339(crl->next_update, to);
	r = deny(w, E_DENIED, reason, "the revocation list holds from %s to %s, not at %s", from, to, now);
	why_compared(w, "time", now, now_s < crl->this_update ? from : to);
	return r;
}

struct slice x509_crl_issuer(const struct x509_crl *crl, struct arena *a)
{
	unsigned char *der = NULL;
	int n = i2d_X509_NAME(X509_CRL_get_issuer(crl->crl), &der);
	struct slice out = n > 0 ? arena_dup(a, slice_of(der, (size_t)n)) : (struct slice){0};

	OPENSSL_free(der);
	return out;
}

bool x509_crl_is_issuer(const struct x509_crl *crl, const struct x509 *issuer)
{
	return X509_NAME_cmp(X509_CRL_get_issuer(crl->crl), X509_get_subject_name(issuer->x)) == 0;
}

bool x509_crl_lists(const struct x509_crl *crl, const struct x509 *c)
{
	X509_REVOKED *found = NULL;

	/* removeFromCRL (2) stands in delta lists only; any other answer counts as revoked */
	return X509_CRL_get0_by_serial(crl->crl, &found, (ASN1_INTEGER *)(uintptr_t)X509_get0_serialNumber(c->x)) != 0;
}

int64_t x509_crl_this_update(const struct x509_crl *crl)
{
	return crl->this_update;
}

int64_t x509_crl_next_update(const struct x509_crl *crl)
{
	return crl->next_update;
}

uint64_t x509_crl_number(const struct x509_crl *crl)
{
	return crl->number;
}
