/* x509_path.c - from a certificate to the root that it claims. */
#include <openssl/asn1t.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "crypto/crypto_priv.h"
#include "crypto/x509_priv.h"

bool x509_sig_allowed(int nid)
{
	switch (nid) {
	case NID_ecdsa_with_SHA256:
	case NID_ecdsa_with_SHA384:
	case NID_ecdsa_with_SHA512:
	case NID_sha256WithRSAEncryption:
	case NID_sha384WithRSAEncryption:
	case NID_sha512WithRSAEncryption:
	case NID_rsassaPss:
	case NID_ED25519:
		return true;
	default:
		return false;
	}
}

/* Extensions that this file, or the decoder, takes into account. */
static bool known_critical(const ASN1_OBJECT *obj, const char *const *more)
{
	char oid[80];

	switch (OBJ_obj2nid(obj)) {
	case NID_basic_constraints:
	case NID_key_usage:
	case NID_ext_key_usage:
	case NID_subject_alt_name:
	case NID_subject_key_identifier:
	case NID_authority_key_identifier:
		return true;
	default:
		break;
	}
	if (OBJ_obj2txt(oid, sizeof(oid), obj, 1) <= 0)
		return false;
	for (; more && *more; more++)
		if (!strcmp(*more, oid))
			return true;
	return false;
}

static RC check_extensions(const struct x509 *c, const struct x509_rules *rules, struct why *w)
{
	for (int i = 0; i < X509_get_ext_count(c->x); i++) {
		X509_EXTENSION *e = X509_get_ext(c->x, i);
		char oid[80] = "";

		if (!X509_EXTENSION_get_critical(e) || known_critical(X509_EXTENSION_get_object(e), rules->critical))
			continue;
		(void)OBJ_obj2txt(oid, sizeof(oid), X509_EXTENSION_get_object(e), 1);
		return deny(w, E_DENIED, rules->chain, "a certificate has the critical extension %s, which is not understood", oid);
	}
	if (X509_get_extension_flags(c->x) & EXFLAG_INVALID) {
		ERR_clear_error();
		return deny(w, E_DENIED, rules->chain, "a certificate has an extension that does not decode, or one twice");
	}
	return rc_of(OK);
}

bool x509_critical_ok(const struct x509 *c, const char *const *more, const char *const *own)
{
	for (int i = 0; i < X509_get_ext_count(c->x); i++) {
		X509_EXTENSION *e = X509_get_ext(c->x, i);

		if (X509_EXTENSION_get_critical(e) && !known_critical(X509_EXTENSION_get_object(e), more) &&
		    !known_critical(X509_EXTENSION_get_object(e), own))
			return false;
	}
	return !(X509_get_extension_flags(c->x) & EXFLAG_INVALID);
}

void x509_cn_text(const struct x509 *c, char out[96])
{
	char cn[96] = "";

	if (X509_NAME_get_text_by_NID(X509_get_subject_name(c->x), NID_commonName, cn, sizeof(cn)) <= 0)
		snprintf(cn, sizeof(cn), "(no common name)");
	for (char *p = cn; *p; p++)
		if (*p < 0x20 || *p > 0x7e)
			*p = '?';
	snprintf(out, 96, "%s", cn);
	ERR_clear_error();
}

/* The algorithm of a PSS signature says nothing about its hash: that stands in the parameters, SHA-1 when absent. */
static bool pss_hash_allowed(const X509_ALGOR *alg)
{
	RSA_PSS_PARAMS *p;
	const void *value;
	int type, nid;

	X509_ALGOR_get0(NULL, &type, &value, alg);
	p = type == V_ASN1_SEQUENCE ? ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(RSA_PSS_PARAMS), alg->parameter) : NULL;
	nid = p && p->hashAlgorithm ? OBJ_obj2nid(p->hashAlgorithm->algorithm) : NID_undef;
	RSA_PSS_PARAMS_free(p);
	return nid == NID_sha256 || nid == NID_sha384 || nid == NID_sha512;
}

bool x509_may_sign(const struct x509 *signer, const X509_ALGOR *alg)
{
	const ASN1_OBJECT *oid;
	int nid;

	X509_ALGOR_get0(&oid, NULL, NULL, alg);
	nid = OBJ_obj2nid(oid);
	if (nid == NID_rsassaPss && !pss_hash_allowed(alg))
		return false;
	return signer->key && x509_sig_allowed(nid) && (pkey_kind(signer->key) != KEY_RSA || pkey_bits(signer->key) >= RSA_BITS_MIN);
}

/* NULL when it is right. */
static const char *signature_wrong(const struct x509 *child, const struct x509 *signer)
{
	const X509_ALGOR *alg;
	int ok;

	X509_get0_signature(NULL, &alg, child->x);
	if (!x509_may_sign(signer, alg))
		return "its signature algorithm or its issuer's key is not of the allowed ones";
	ok = X509_verify(child->x, signer->key->evp);
	ERR_clear_error();
	return ok == 1 ? NULL : "its signature does not verify";
}

static RC refuse_link(const struct x509 *child, const struct x509 *issuer, const char *wrong, const char *reason, struct why *w)
{
	char subject[96], by[96];

	ERR_clear_error();
	if (!wrong)
		return rc_of(OK);
	x509_cn_text(child, subject);
	x509_cn_text(issuer, by);
	return deny(w, E_DENIED, reason, "the certificate \"%s\" under \"%s\": %s", subject, by, wrong);
}

RC x509_issued_by(const struct x509 *child, const struct x509 *issuer, const char *reason, struct why *w)
{
	const char *wrong = NULL;

	if (X509_NAME_cmp(X509_get_issuer_name(child->x), X509_get_subject_name(issuer->x)) != 0)
		wrong = "names another issuer";
	else if (!x509_is_ca(issuer))
		wrong = "its issuer is no certificate authority";
	else if (!(X509_get_key_usage(issuer->x) & KU_KEY_CERT_SIGN))
		wrong = "its issuer's key may not sign certificates";
	else if (X509_get0_authority_key_id(child->x) && X509_get0_subject_key_id(issuer->x) &&
		 ASN1_OCTET_STRING_cmp(X509_get0_authority_key_id(child->x), X509_get0_subject_key_id(issuer->x)) != 0)
		wrong = "names another issuer key";
	if (!wrong)
		wrong = signature_wrong(child, issuer);
	return refuse_link(child, issuer, wrong, reason, w);
}

RC x509_signed_by(const struct x509 *child, const struct x509 *signer, const char *reason, struct why *w)
{
	return refuse_link(child, signer, signature_wrong(child, signer), reason, w);
}

/* How many certificates may stand between this CA and the leaf; -1 for any number. */
static RC check_path_length(const struct x509 *ca, size_t between, const struct x509_rules *rules, struct why *w)
{
	long max = X509_get_pathlen(ca->x);

	if (max < 0 || between <= (size_t)max)
		return rc_of(OK);
	return deny(w, E_DENIED, rules->chain, "a CA allows %ld certificates below it, there are %zu", max, between);
}

static bool in_path(const struct x509_path *p, const struct x509 *c)
{
	for (size_t i = 0; i < p->n; i++)
		if (x509_same(p->c[i], c))
			return true;
	return false;
}

/* The one in the pool that signed `child`: names may repeat, the signature decides. */
static const struct x509 *find_issuer(const struct x509 *child, const struct x509_path *p, struct x509 *const *pool, size_t n,
				      const char *reason, struct why *w)
{
	for (size_t i = 0; i < n; i++) {
		if (X509_NAME_cmp(X509_get_issuer_name(child->x), X509_get_subject_name(pool[i]->x)) != 0 || in_path(p, pool[i]))
			continue;
		if (rc_ok(x509_issued_by(child, pool[i], reason, w)))
			return pool[i];
	}
	return NULL;
}

/* A certificate of one use is not taken for another: a key for encryption, or for certificates alone, signs no evidence. */
static RC check_leaf(const struct x509 *leaf, const struct x509_rules *rules, struct why *w)
{
	char subject[96];

	if (x509_may_sign_data(leaf))
		return rc_of(OK);
	x509_cn_text(leaf, subject);
	return deny(w, E_DENIED, rules->chain, "the key usage of \"%s\" allows no signatures over data", subject);
}

RC x509_path_build(const struct x509 *leaf, struct x509 *const *pool, size_t pool_n, const struct x509_rules *rules,
		   struct x509_path *out, struct why *w)
{
	struct x509_path p = {.c = {leaf}, .n = 1};

	TRY(check_extensions(leaf, rules, w));
	TRY(check_leaf(leaf, rules, w));
	while (!x509_self_issued(p.c[p.n - 1])) {
		const struct x509 *child = p.c[p.n - 1], *issuer;
		char subject[96];

		if (p.n == X509_PATH_MAX)
			return deny(w, E_DENIED, rules->chain, "more than %u certificates up to the root", X509_PATH_MAX);
		issuer = find_issuer(child, &p, pool, pool_n, rules->chain, w);
		if (!issuer) {
			x509_cn_text(child, subject);
			return deny(w, E_DENIED, rules->chain, "no certificate at hand has issued and signed \"%s\"", subject);
		}
		if (w)
			why_clear(w);	/* candidates that did not fit */
		TRY(check_extensions(issuer, rules, w));
		TRY(check_path_length(issuer, p.n - 1, rules, w));
		p.c[p.n++] = issuer;
	}
	TRY(x509_issued_by(p.c[p.n - 1], p.c[p.n - 1], rules->chain, w));
	*out = p;
	return rc_of(OK);
}

RC x509_valid_at(const struct x509 *c, int64_t now_s, const char *reason, struct why *w)
{
	char subject[96], from[32], to[32], now[32];
	rc r;

	if (now_s >= c->not_before && now_s <= c->not_after)
		return rc_of(OK);
	x509_cn_text(c, subject);
	time_rfc3339(c->not_before, from);
	time_rfc3339(c->not_after, to);
	time_rfc3339(now_s, now);
	r = deny(w, E_DENIED, reason, "the certificate \"%s\" is valid from %s to %s, not at %s", subject, from, to, now);
	why_compared(w, "time", now, now_s < c->not_before ? from : to);
	return r;
}

RC x509_path_valid_at(const struct x509_path *p, int64_t now_s, const struct x509_rules *rules, struct why *w)
{
	for (size_t i = 0; i < p->n; i++)
		TRY(x509_valid_at(p->c[i], now_s, rules->expired, w));
	return rc_of(OK);
}
