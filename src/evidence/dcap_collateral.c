#include "evidence/dcap_collateral.h"

#include <stdlib.h>

#include "base/num.h"
#include "evidence/octets.h"

#define SIGNED_ARENA ((size_t)8 << 20)

static void free_signed(void *value)
{
	struct dcap_signed *s = value;

	if (!s)
		return;
	dcap_chain_free(s->own_chain);
	arena_free(s->arena);
	free(s);
}

static void free_crl(void *value)
{
	x509_crl_free(value);
}

RC dcap_pck_chain(struct memo *memo, struct slice pem, const struct dcap_chain **out, struct why *w)
{
	struct dcap_chain *ch;
	uint8_t key[32];

	TRY(digest(DIGEST_SHA256, pem, key, w));
	*out = memo_get(memo, "dcap.pck-chain", key);
	if (*out)
		return rc_of(OK);
	TRY(dcap_pck_chain_load(pem, &ch, w));
	memo_put(memo, "dcap.pck-chain", key, ch, dcap_chain_free);
	*out = ch;
	return rc_of(OK);
}

/* The lengths stand before the parts, so that no byte can move from one to the other. */
static RC key_of(struct slice a, struct slice b, uint8_t key[32], struct why *w)
{
	uint64_t lengths[2] = {a.n, b.n};
	const struct slice parts[] = {slice_of(lengths, sizeof(lengths)), a, b};

	return digest_parts(DIGEST_SHA256, parts, COUNT_OF(parts), key, w);
}

static RC load_signed(struct dcap_signed *s, bool qe, struct slice text, struct slice chain_pem, struct why *w)
{
	struct slice own = arena_dup(s->arena, text), signature;

	if (!own.p)
		return deny(w, E_INTERNAL, "dcap.memory", "no memory for collateral of %zu bytes", text.n);
	if (qe)
		TRY(dcap_qe_identity_parse(s->arena, own, &s->qe, w));
	else
		TRY(dcap_tcb_info_parse(s->arena, own, &s->info, w));
	TRY(note(w, dcap_signing_chain_load(chain_pem, &s->own_chain, w), "reading the issuer chain of the %s",
		 qe ? "QE identity" : "TCB info"));
	s->chain = s->own_chain;
	signature = qe ? slice_of(s->qe.signature, 64) : slice_of(s->info.signature, 64);
	return pkey_verify(x509_key(s->chain->leaf), SIG_ES256, qe ? s->qe.signed_text : s->info.signed_text, signature,
			   qe ? "dcap.collateral-signature.qe-identity" : "dcap.collateral-signature.tcb-info", w);
}

static RC get_signed(struct memo *memo, bool qe, struct slice text, struct slice chain_pem, const struct dcap_signed **out,
		     struct why *w)
{
	const char *kind = qe ? "dcap.qe-identity" : "dcap.tcb-info";
	struct dcap_signed *s;
	uint8_t key[32];
	rc r;

	if (text.n > DCAP_JSON_MAX)
		return deny(w, E_LIMIT, "dcap.parse.size", "collateral of %zu bytes, the most is %u", text.n, DCAP_JSON_MAX);
	TRY(key_of(text, chain_pem, key, w));
	*out = memo_get(memo, kind, key);
	if (*out)
		return rc_of(OK);
	s = calloc(1, sizeof(*s));
	if (s)
		s->arena = arena_new(SIGNED_ARENA);
	r = s && s->arena ? load_signed(s, qe, text, chain_pem, w) : deny(w, E_INTERNAL, "dcap.memory", "no memory for collateral");
	if (!rc_ok(r)) {
		free_signed(s);
		return r;
	}
	memo_put(memo, kind, key, s, free_signed);
	*out = s;
	return r;
}

RC dcap_signed_tcb_info(struct memo *memo, struct slice text, struct slice chain_pem, const struct dcap_signed **out,
			struct why *w)
{
	return get_signed(memo, false, text, chain_pem, out, w);
}

RC dcap_signed_qe_identity(struct memo *memo, struct slice text, struct slice chain_pem, const struct dcap_signed **out,
			   struct why *w)
{
	return get_signed(memo, true, text, chain_pem, out, w);
}

static RC check_crl(const struct x509_crl *crl, const struct x509 *issuer, struct why *w)
{
	if (!x509_crl_is_issuer(crl, issuer))
		return deny(w, E_DENIED, "dcap.collateral-mismatch.crl", "the revocation list is of another issuer");
	return x509_crl_by(crl, issuer, "dcap.collateral-signature.crl", w);
}

RC dcap_signed_crl(struct memo *memo, struct slice der, const struct x509 *issuer, const struct x509_crl **out,
		   struct why *w)
{
	struct why inner = why_in(w ? w->arena : NULL);
	struct x509_crl *crl = NULL;
	uint8_t key[32];
	rc r;

	TRY(key_of(der, slice_of(x509_sha256(issuer), 32), key, w));
	*out = memo_get(memo, "dcap.crl", key);
	if (*out)
		return rc_of(OK);
	TRY(recast(x509_crl_from(der, &crl, &inner), &inner, "dcap.parse.crl", "dcap.unsupported.crl", w));
	r = check_crl(crl, issuer, w);
	if (!rc_ok(r)) {
		x509_crl_free(crl);
		return r;
	}
	memo_put(memo, "dcap.crl", key, crl, free_crl);
	*out = crl;
	return r;
}
