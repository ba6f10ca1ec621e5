#include "collateral/signed.h"

#include "base/num.h"
#include "collateral/kinds.h"
#include "crypto/x509.h"
#include "evidence/dcap_pck.h"

static const struct signed_kind kinds[] = {
	{"amd-ask-ark", "amd-ark", NULL, {NULL}},
	{"amd-crl", "amd-ark", "amd-ask-ark", {NULL}, true},
	{"intel-tcb-info", "intel-sgx-root", "intel-tcb-info-chain", {NULL}},
	{"intel-qe-identity", "intel-sgx-root", "intel-qe-identity-chain", {NULL}},
	{"intel-pck-crl", "intel-sgx-root", "intel-pck-crl-chain", {NULL}},
	{"intel-root-crl", "intel-sgx-root", "intel-qe-identity-chain", {"sgx", "tdx"}},
};

const struct signed_kind *signed_kind_find(const char *kind)
{
	for (size_t i = 0; i < COUNT_OF(kinds); i++)
		if (strcmp(kinds[i].kind, kind) == 0)
			return &kinds[i];
	return NULL;
}

/* ---- certificates at hand ---- */

#define CERTS_MAX (SIGNED_ISSUERS_MAX * X509_PATH_MAX)

struct certs {
	struct x509 *c[CERTS_MAX];
	size_t n;
};

static void load(struct certs *all, const struct slice *pem, size_t n)
{
	*all = (struct certs){.n = 0};
	for (size_t i = 0; i < n && i < SIGNED_ISSUERS_MAX; i++) {
		size_t got = 0;

		if (rc_ok(x509_list_from_pem(pem[i], all->c + all->n, X509_PATH_MAX, &got, NULL)))
			all->n += got;
	}
}

static bool is_anchor(const struct signed_kind *k, const struct x509 *c, const struct signed_trust *t)
{
	return t->anchor(t->ctx, k->set, x509_sha256(c)) || t->anchor(t->ctx, k->set, x509_spki_sha256(c));
}

/* A root that counts, or an authority under one. */
static bool counts(const struct signed_kind *k, const struct x509 *c, const struct certs *all, const struct signed_trust *t)
{
	if (is_anchor(k, c, t))
		return true;
	for (size_t i = 0; i < all->n; i++)
		if (is_anchor(k, all->c[i], t) && rc_ok(x509_issued_by(c, all->c[i], "collateral.signature", NULL)))
			return true;
	return false;
}

/* ---- forms ---- */

static enum signer of_chain(const struct signed_kind *k, struct slice bytes, const struct signed_trust *t)
{
	struct certs all;
	bool good;

	load(&all, &bytes, 1);
	good = all.n > 0;
	for (size_t i = 0; i < all.n && good; i++)
		good = counts(k, all.c[i], &all, t);
	x509_free_all(all.c, all.n);
	return good ? SIGNER_GOOD : SIGNER_UNKNOWN;
}

static enum signer of_crl(const struct signed_kind *k, struct slice bytes, const struct slice *pem, size_t n, const struct signed_trust *t)
{
	enum signer s = SIGNER_UNKNOWN;
	struct x509_crl *crl;
	struct certs all;

	if (!rc_ok(x509_crl_from(bytes, &crl, NULL)))
		return SIGNER_UNKNOWN;
	load(&all, pem, n);
	for (size_t i = 0; i < all.n && s != SIGNER_GOOD; i++)
		if (x509_crl_is_issuer(crl, all.c[i]) && counts(k, all.c[i], &all, t))
			s = rc_ok(x509_crl_by(crl, all.c[i], "collateral.signature", NULL)) ? SIGNER_GOOD : SIGNER_BAD;
	x509_free_all(all.c, all.n);
	x509_crl_free(crl);
	return s;
}

static RC read_signed(bool qe, struct slice bytes, struct arena *a, struct slice *text, struct slice *signature, struct why *w)
{
	struct dcap_qe_identity id;
	struct dcap_tcb_info info;

	if (qe)
		TRY(dcap_qe_identity_parse(a, bytes, &id, w));
	else
		TRY(dcap_tcb_info_parse(a, bytes, &info, w));
	*text = qe ? id.signed_text : info.signed_text;
	*signature = arena_dup(a, qe ? slice_of(id.signature, 64) : slice_of(info.signature, 64));
	return signature->p ? rc_of(OK) : deny(w, E_INTERNAL, "collateral.memory", "no memory");
}

static enum signer of_document(const struct signed_kind *k, bool qe, struct slice bytes, const struct slice *pem, size_t n,
			       const struct signed_trust *t, struct arena *a)
{
	enum signer s = SIGNER_UNKNOWN;
	struct slice text, signature;

	if (!rc_ok(read_signed(qe, bytes, a, &text, &signature, NULL)))
		return s;
	for (size_t i = 0; i < n && s != SIGNER_GOOD; i++) {
		struct dcap_chain *chain;

		if (!rc_ok(dcap_signing_chain_load(pem[i], &chain, NULL)))
			continue;
		if (is_anchor(k, chain->root, t))
			s = rc_ok(pkey_verify(x509_key(chain->leaf), SIG_ES256, text, signature, "collateral.signature", NULL)) ? SIGNER_GOOD
															: SIGNER_BAD;
		dcap_chain_free(chain);
	}
	return s;
}

enum signer signed_by(const struct signed_kind *k, struct slice bytes, const struct slice *pem, size_t n, const struct signed_trust *trust,
		      struct arena *a)
{
	const struct collateral_kind *kind = collateral_kind_find(k->kind);

	switch (kind ? kind->form : COLLATERAL_OTHER) {
	case COLLATERAL_CHAIN:
		return of_chain(k, bytes, trust);
	case COLLATERAL_CRL:
		return of_crl(k, bytes, pem, n, trust);
	case COLLATERAL_TCB_INFO:
	case COLLATERAL_QE_IDENTITY:
		return of_document(k, kind->form == COLLATERAL_QE_IDENTITY, bytes, pem, n, trust, a);
	case COLLATERAL_CERTIFICATE:
	case COLLATERAL_OCSP:
	case COLLATERAL_OTHER:
		break;
	}
	return SIGNER_UNKNOWN;
}
