#include "evidence/tpm_ak.h"

#include "codec/base64.h"
#include "crypto/x509.h"
#include "evidence/octets.h"

/* TCG EK Credential Profile 2.5, 3.2.16: extended key usage */
#define OID_KP_EK  "2.23.133.8.1"
#define OID_KP_AIK "2.23.133.8.3"

struct pool_of_certs {
	struct x509 *leaf;
	struct x509 *c[TPM_AK_CHAIN_MAX * 2];
	size_t n;
};

static RC load(struct slice bytes, struct x509 **out, const char *reason, struct why *w)
{
	struct why inner = why_in(w->arena);
	rc r = x509_from_any(bytes, out, &inner);

	return recast(r, &inner, reason, reason, w);
}

static RC load_all(struct slice cert, const struct slice *chain, size_t n, struct pool_of_certs *p, const char *reason, struct why *w)
{
	TRY(load(cert, &p->leaf, reason, w));
	for (size_t i = 0; i < n && i < TPM_AK_CHAIN_MAX; i++) {
		TRY(load(chain[i], &p->c[p->n], reason, w));
		p->n++;
	}
	return rc_of(OK);
}

/* The roots that certify TPMs certify other things too, whose keys sign whatever they are given. Some makers call the purpose of an
 * attestation key that of an endorsement key; its key usage, which the path looks at, tells the two apart. */
static RC check_purpose(struct vjob *job, const struct x509 *leaf, const struct tpm_ak_reasons *why_not)
{
	struct slice eku;

	TRY(x509_ext(leaf, job->arena, "2.5.29.37", &eku, NULL, job->why));
	if (!eku.p || x509_has_eku(leaf, OID_KP_AIK) || x509_has_eku(leaf, OID_KP_EK))
		return rc_of(OK);
	return deny(job->why, E_DENIED, why_not->chain, "the certificate is for another purpose than a TPM's keys");
}

static RC check(struct vjob *job, const struct tpm_key *key, const struct pool_of_certs *p, const struct tpm_ak_reasons *why_not)
{
	const struct vpath_reasons is = {why_not->chain, why_not->root, why_not->expired};
	struct x509_path path;

	if (key && (!x509_key(p->leaf) || !pkey_same(x509_key(p->leaf), key->key)))
		return deny(job->why, E_DENIED, why_not->chain, "the certificate is for another key than the attestation key");
	if (x509_is_ca(p->leaf))
		return deny(job->why, E_DENIED, why_not->chain, "the certificate of an attestation key is one of an authority");
	TRY(check_purpose(job, p->leaf, why_not));
	/* no key vouches for itself: a path of one would be a root, and an authority */
	return vjob_trusted_path(job, p->leaf, p->c, p->n, "tpm-ek-root", &is, &path);
}

rc tpm_ak_certified(struct vjob *job, const struct tpm_key *key, struct slice cert, const struct slice *chain, size_t chain_n,
		    const struct tpm_ak_reasons *why_not)
{
	struct pool_of_certs p = {0};
	rc r = load_all(cert, chain, chain_n, &p, why_not->certificate, job->why);

	if (rc_ok(r))
		r = check(job, key, &p, why_not);
	x509_free(p.leaf);
	x509_free_all(p.c, p.n);
	return r;
}

rc tpm_ak_trusted(struct vjob *job, const struct tpm_key *key, struct slice cert, const struct slice *chain, size_t chain_n,
		  const struct tpm_ak_reasons *why_not, enum tpm_ak_trust *trust)
{
	rc r;

	if (vjob_anchor(job, "tpm-ak", key->spki_sha256) || (key->has_public && vjob_anchor(job, "tpm-ak", key->name_sha256))) {
		*trust = TPM_AK_ENROLLED;
		return rc_of(OK);
	}
	if (cert.p) {
		*trust = TPM_AK_CERTIFIED;
		return tpm_ak_certified(job, key, cert, chain, chain_n, why_not);
	}
	r = deny(job->why, E_DENIED, why_not->untrusted,
		 "the attestation key is neither enrolled nor certified: a key that comes with the evidence proves nothing");
	why_compared(job->why, "ak_public", hex_text(job->arena, slice_of(key->spki_sha256, 32)), "an anchor of tpm-ak (SHA-256)");
	return r;
}
