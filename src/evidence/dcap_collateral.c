#include "evidence/dcap_collateral.h"

#include <stdlib.h>

#include "base/num.h"
#include "codec/base64.h"
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
	const struct memo_key key = {.kind = "dcap.pck-chain", .part = {pem}, .n = 1};
	struct dcap_chain *ch;

	*out = memo_get(memo, &key);
	if (*out)
		return rc_of(OK);
	TRY(dcap_pck_chain_load(pem, &ch, w));
	memo_put(memo, &key, ch, dcap_chain_free);
	*out = ch;
	return rc_of(OK);
}

void dcap_pck_chain_trusted(struct memo *memo, struct slice pem)
{
	memo_prove(memo, &(struct memo_key){.kind = "dcap.pck-chain", .part = {pem}, .n = 1});
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
	const struct memo_key key = {
		.kind = qe ? "dcap.qe-identity" : "dcap.tcb-info", .part = {text, chain_pem}, .n = 2};
	struct dcap_signed *s;
	rc r;

	if (text.n > DCAP_JSON_MAX)
		return deny(w, E_LIMIT, "dcap.parse.size", "collateral of %zu bytes, the most is %u", text.n, DCAP_JSON_MAX);
	*out = memo_get(memo, &key);
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
	memo_put(memo, &key, s, free_signed);
	memo_prove(memo, &key);	/* the host's own collateral */
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
	const struct memo_key key = {.kind = "dcap.crl", .part = {der, x509_der(issuer)}, .n = 2};
	struct x509_crl *crl = NULL;
	rc r;

	*out = memo_get(memo, &key);
	if (*out)
		return rc_of(OK);
	TRY(recast(x509_crl_from(der, &crl, &inner), &inner, "dcap.parse.crl", "dcap.unsupported.crl", w));
	r = check_crl(crl, issuer, w);
	if (!rc_ok(r)) {
		x509_crl_free(crl);
		return r;
	}
	memo_put(memo, &key, crl, free_crl);
	memo_prove(memo, &key);
	*out = crl;
	return r;
}

/* ---- the attestation key ---- */

static void free_key(void *value)
{
	pkey_free(value);
}

static RC check_qe_binding(const struct dcap_quote *q, struct why *w)
{
	uint8_t want[64] = {0};
	const struct slice parts[] = {q->key, q->qe_auth};
	rc r;

	TRY(digest_parts(DIGEST_SHA256, parts, COUNT_OF(parts), want, w));
	if (slice_eq(q->qe.report_data, slice_of(want, sizeof(want))))
		return rc_of(OK);
	r = deny(w, E_DENIED, "dcap.qe-binding", "the quoting enclave's report does not bind the attestation key");
	if (w)
		why_compared(w, "report_data of the QE report", hex_text(w->arena, q->qe.report_data),
			     hex_text(w->arena, slice_of(want, sizeof(want))));
	return r;
}

RC dcap_attestation_key(struct memo *memo, const struct dcap_quote *q, const struct dcap_chain *pck, const struct pkey **out,
			struct why *w)
{
	const struct memo_key known = {.kind = "dcap.attestation-key",
				       .part = {x509_der(pck->leaf), q->qe_report, q->qe_signature, q->key, q->qe_auth},
				       .n = 5};
	struct why inner = why_in(w ? w->arena : NULL);
	struct pkey *key = NULL;
	rc r;

	*out = memo_get(memo, &known);
	if (*out)
		return rc_of(OK);
	TRY(pkey_verify(x509_key(pck->leaf), SIG_ES256, q->qe_report, q->qe_signature, "dcap.qe-signature", w));
	TRY(check_qe_binding(q, w));
	r = pkey_from_ec_xy(KEY_P256, slice_sub(q->key, 0, 32), slice_sub(q->key, 32, 32), &key, &inner);
	if (!rc_ok(r))
		return deny(w, r.code, "dcap.parse.attestation-key", "%s", why_text(&inner));
	memo_put(memo, &known, key, free_key);
	memo_prove(memo, &known);	/* by the PCK key */
	*out = key;
	return r;
}
