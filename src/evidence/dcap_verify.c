#include "evidence/dcap_verify.h"

#include <stdio.h>

#include "base/num.h"
#include "base/sys.h"
#include "codec/base64.h"
#include "evidence/dcap_collateral.h"

#define ROOT_SET "intel-sgx-root"
#define KEY_TEXT 32u

/* One verification under way. */
struct run {
	struct vjob *job;
	struct why *w;
	struct memo *memo;
	const struct dcap_quote *q;
	const struct dcap_chain *pck;
	const struct x509_crl *root_crl, *pck_crl;	/* NULL when the job does without */
	const struct dcap_signed *info, *qe;		/* both, or neither */
	bool dated;					/* the dates of v hold something */
	struct dcap_verdict v;
};

/* ---- the quote itself: steps 2, 8, 9, 11 ---- */

static RC trusted_root(struct run *r, const struct dcap_chain *chain)
{
	const uint8_t *key = x509_spki_sha256(chain->root);
	rc v;

	if (vjob_anchor(r->job, ROOT_SET, key))
		return rc_of(OK);
	v = deny(r->w, E_DENIED, "dcap.untrusted-root", "the chain ends in a root whose key is no anchor of " ROOT_SET);
	why_compared(r->w, "SHA-256 of the root's public key", hex_text(r->job->arena, slice_of(key, 32)), ROOT_SET);
	return v;
}

static RC load_pck(struct run *r)
{
	TRY(dcap_pck_chain(r->memo, r->q->pck_pem, &r->pck, r->w));
	TRY(trusted_root(r, r->pck));
	dcap_pck_chain_trusted(r->memo, r->q->pck_pem);
	return rc_of(OK);
}

static RC check_signatures(struct run *r)
{
	const struct pkey *key;

	TRY(dcap_attestation_key(r->memo, r->q, r->pck, &key, r->w));
	return pkey_verify(key, SIG_ES256, r->q->signed_part, r->q->signature, "dcap.signature", r->w);
}

/* ---- dates ---- */

static void saw_dates(struct run *r, int64_t issued, int64_t expires)
{
	struct dcap_verdict *v = &r->v;

	v->earliest_issue = r->dated ? MIN_OF(v->earliest_issue, issued) : issued;
	v->latest_issue = r->dated ? MAX_OF(v->latest_issue, issued) : issued;
	v->earliest_expiration = r->dated ? MIN_OF(v->earliest_expiration, expires) : expires;
	r->dated = true;
}

/* A certificate has no grace: who issued it can renew it. */
static RC check_chain_dates(struct run *r, const struct dcap_chain *chain)
{
	for (size_t i = 0; i < chain->certs_n; i++) {
		saw_dates(r, x509_not_before(chain->certs[i]), x509_not_after(chain->certs[i]));
		if (!r->job->no_time)
			TRY(x509_valid_at(chain->certs[i], r->job->now_s, "dcap.expired.certificate", r->w));
	}
	return rc_of(OK);
}

/* Lists and documents: behind nextUpdate they may count for a while, before their issue never. */
static RC check_update(struct run *r, int64_t issued, int64_t next, const char *reason, const char *what)
{
	int64_t now = r->job->now_s, last = next;
	char from[32], to[32], at[32];
	rc v;

	saw_dates(r, issued, next);
	if (r->job->no_time)
		return rc_of(OK);
	if (r->job->stale_s > 0 && !num_add_i64(next, r->job->stale_s, &last))
		last = INT64_MAX;
	if (now >= issued && now <= last) {
		r->v.stale |= now >= next;
		return rc_of(OK);
	}
	time_rfc3339(issued, from);
	time_rfc3339(next, to);
	time_rfc3339(now, at);
	v = deny(r->w, E_DENIED, reason, "%s holds from %s to %s, not at %s", what, from, to, at);
	why_compared(r->w, "time", at, now < issued ? from : to);
	return v;
}

/* ---- revocation: steps 2 and 5 ---- */

/* Names the piece as the host keeps it, for whoever is to bring it. */
static RC missing(struct run *r, const char *what, const char *kind, const char *key)
{
	return deny(r->w, E_UNAVAILABLE, "dcap.collateral-missing", "the %s is not at hand: collateral %s \"%s\"", what, kind, key);
}

/* The piece that was asked for; a host that keeps one only may leave its key empty. */
static struct slice collateral(const struct run *r, const char *kind, const char *key)
{
	struct slice s = vjob_collateral(r->job, kind, key);

	return s.p ? s : vjob_collateral(r->job, kind, "");
}

static const char *ca_name(enum dcap_ca ca)
{
	return ca == DCAP_CA_PLATFORM ? "platform" : "processor";
}

static RC check_crl_dates(struct run *r, const struct x509_crl *crl, const char *reason, const char *what)
{
	int64_t next = x509_crl_next_update(crl);

	if (next == INT64_MIN)
		return deny(r->w, E_DENIED, reason, "%s says no next update", what);
	return check_update(r, x509_crl_this_update(crl), next, reason, what);
}

static RC not_revoked(struct run *r, const struct x509_crl *crl, const struct x509 *c, const char *reason)
{
	rc v;

	if (!crl || !x509_crl_lists(crl, c))
		return rc_of(OK);
	v = deny(r->w, E_DENIED, reason, "the issuer has revoked a certificate");
	why_compared(r->w, "serial number", hex_text(r->job->arena, x509_serial(c, r->job->arena)), "one that is not listed");
	return v;
}

static RC check_revocation(struct run *r)
{
	struct slice root = collateral(r, "intel-root-crl", "");
	struct slice pck = collateral(r, "intel-pck-crl", ca_name(r->pck->ca_kind));
	bool without = r->job->without & VJOB_WITHOUT_CRL;

	if (root.p) {
		TRY(note(r->w, dcap_signed_crl(r->memo, root, r->pck->root, &r->root_crl, r->w), "reading the root CRL"));
		TRY(check_crl_dates(r, r->root_crl, "dcap.expired.root-crl", "the root CRL"));
		TRY(not_revoked(r, r->root_crl, r->pck->ca, "dcap.revoked.pck-ca"));
	} else if (!without) {
		return missing(r, "root CRL", "intel-root-crl", "");
	}
	if (pck.p) {
		TRY(note(r->w, dcap_signed_crl(r->memo, pck, r->pck->ca, &r->pck_crl, r->w), "reading the PCK CRL"));
		TRY(check_crl_dates(r, r->pck_crl, "dcap.expired.pck-crl", "the PCK CRL"));
		TRY(not_revoked(r, r->pck_crl, r->pck->leaf, "dcap.revoked.pck"));
	} else if (!without) {
		return missing(r, "PCK CRL", "intel-pck-crl", ca_name(r->pck->ca_kind));
	}
	r->v.has_crls = r->root_crl && r->pck_crl;
	r->v.root_crl_number = r->root_crl ? x509_crl_number(r->root_crl) : 0;
	r->v.pck_crl_number = r->pck_crl ? x509_crl_number(r->pck_crl) : 0;
	return rc_of(OK);
}

/* ---- TCB info and QE identity: steps 3, 4, 6, 7, 10 ---- */

static const char *tee_name(const struct dcap_quote *q)
{
	return q->tee == DCAP_TDX ? "tdx" : "sgx";
}

static void tcb_key(const struct run *r, char out[KEY_TEXT])
{
	const uint8_t *f = r->pck->pck.fmspc;

	(void)snprintf(out, KEY_TEXT, "%s/%02x%02x%02x%02x%02x%02x", tee_name(r->q), f[0], f[1], f[2], f[3], f[4], f[5]);
}

static RC check_signer(struct run *r, const struct dcap_chain *chain)
{
	TRY(trusted_root(r, chain));
	if (memcmp(x509_spki_sha256(chain->root), x509_spki_sha256(r->pck->root), 32) != 0)
		return deny(r->w, E_DENIED, "dcap.untrusted-root.signing", "platform and collateral are under different roots");
	TRY(check_chain_dates(r, chain));
	return not_revoked(r, r->root_crl, chain->leaf, "dcap.revoked.tcb-signing");
}

static RC load_documents(struct run *r)
{
	char key[KEY_TEXT];
	struct slice info, info_chain, qe, qe_chain;

	tcb_key(r, key);
	info = collateral(r, "intel-tcb-info", key);
	info_chain = collateral(r, "intel-tcb-info-chain", key);
	qe = collateral(r, "intel-qe-identity", tee_name(r->q));
	qe_chain = collateral(r, "intel-qe-identity-chain", tee_name(r->q));
	if (!info.p && !qe.p && r->job->without & VJOB_WITHOUT_TCB)
		return rc_of(OK);
	if (!info.p)
		return missing(r, "TCB info", "intel-tcb-info", key);
	if (!info_chain.p)
		return missing(r, "issuer chain of the TCB info", "intel-tcb-info-chain", key);
	if (!qe.p)
		return missing(r, "QE identity", "intel-qe-identity", tee_name(r->q));
	if (!qe_chain.p)
		return missing(r, "issuer chain of the QE identity", "intel-qe-identity-chain", tee_name(r->q));
	TRY(dcap_signed_tcb_info(r->memo, info, info_chain, &r->info, r->w));
	TRY(note(r->w, check_signer(r, r->info->chain), "checking who signed the TCB info"));
	TRY(check_update(r, r->info->info.issue_date, r->info->info.next_update, "dcap.expired.tcb-info", "the TCB info"));
	TRY(dcap_signed_qe_identity(r->memo, qe, qe_chain, &r->qe, r->w));
	TRY(note(r->w, check_signer(r, r->qe->chain), "checking who signed the QE identity"));
	return check_update(r, r->qe->qe.issue_date, r->qe->qe.next_update, "dcap.expired.qe-identity", "the QE identity");
}

static RC differ(struct run *r, const char *reason, const char *subject, struct slice found, struct slice expected)
{
	rc v = deny(r->w, E_DENIED, reason, "%s differs", subject);

	why_compared(r->w, subject, hex_text(r->job->arena, found), hex_text(r->job->arena, expected));
	return v;
}

static RC check_platform(struct run *r)
{
	const struct dcap_tcb_info *info = &r->info->info;
	const struct dcap_pck *pck = &r->pck->pck;

	if (info->tee != r->q->tee)
		return deny(r->w, E_DENIED, "dcap.tcb-info-mismatch", "the TCB info is of %s, the quote of %s",
			    info->tee == DCAP_TDX ? "TDX" : "SGX", tee_name(r->q));
	if (memcmp(info->fmspc, pck->fmspc, sizeof(info->fmspc)) != 0)
		return differ(r, "dcap.fmspc-mismatch", "FMSPC", slice_of(pck->fmspc, 6), slice_of(info->fmspc, 6));
	if (memcmp(info->pce_id, pck->pce_id, sizeof(info->pce_id)) != 0)
		return differ(r, "dcap.pceid-mismatch", "PCEID", slice_of(pck->pce_id, 2), slice_of(info->pce_id, 2));
	return rc_of(OK);
}

/* Every SEAM attribute must be zero: the mask of the TCB info is not applied. */
static RC check_module(struct run *r, struct slice svn)
{
	static const uint8_t zero[8];
	const struct dcap_td *td = &r->q->td;
	const struct dcap_module *m;

	TRY(dcap_tcb_module(&r->info->info, svn, &m, r->w));
	if (!slice_eq(td->mrsigner_seam, slice_of(m->mrsigner, sizeof(m->mrsigner))))
		return differ(r, "dcap.tdx-module-mismatch.mrsigner", "mrsigner_seam", td->mrsigner_seam,
			      slice_of(m->mrsigner, sizeof(m->mrsigner)));
	if (!slice_eq(td->seam_attributes, slice_of(m->attributes, sizeof(m->attributes))) ||
	    !slice_eq(td->seam_attributes, slice_of(zero, sizeof(zero))))
		return differ(r, "dcap.tdx-module-mismatch.attributes", "seam_attributes", td->seam_attributes,
			      slice_of(m->attributes, sizeof(m->attributes)));
	return rc_of(OK);
}

/* (found & mask) == want, byte by byte in memory order. */
static bool masked_eq(struct slice found, const uint8_t *mask, const uint8_t *want)
{
	uint8_t d = 0;

	for (size_t i = 0; i < found.n; i++)
		d |= (uint8_t)((found.p[i] & mask[i]) ^ want[i]);
	return d == 0;
}

static RC check_qe_identity(struct run *r)
{
	const struct dcap_qe_identity *id = &r->qe->qe;
	const struct dcap_enclave *qe = &r->q->qe;
	const char *want = r->q->tee == DCAP_TDX ? "TD_QE" : "QE";

	if (!slice_is(id->id, want))
		return deny(r->w, E_DENIED, "dcap.qe-identity-mismatch.id", "the identity is of \"" SLICE_FMT "\", expected %s",
			    SLICE_ARG(id->id), want);
	if (!masked_eq(qe->misc_select, id->miscselect_mask, id->miscselect))
		return differ(r, "dcap.qe-identity-mismatch.miscselect", "miscselect of the QE", qe->misc_select,
			      slice_of(id->miscselect, 4));
	if (!masked_eq(qe->attributes, id->attributes_mask, id->attributes))
		return differ(r, "dcap.qe-identity-mismatch.attributes", "attributes of the QE", qe->attributes,
			      slice_of(id->attributes, 16));
	if (!slice_eq(qe->mr_signer, slice_of(id->mrsigner, 32)))
		return differ(r, "dcap.qe-identity-mismatch.mrsigner", "MRSIGNER of the QE", qe->mr_signer,
			      slice_of(id->mrsigner, 32));
	if (qe->isv_prod_id_value != id->isvprodid) {
		rc v = deny(r->w, E_DENIED, "dcap.qe-identity-mismatch.isvprodid", "ISVPRODID of the QE differs");

		why_compared(r->w, "ISVPRODID of the QE", arena_printf(r->job->arena, "%u", qe->isv_prod_id_value),
			     arena_printf(r->job->arena, "%u", id->isvprodid));
		return v;
	}
	return rc_of(OK);
}

static RC check_documents(struct run *r)
{
	struct dcap_tcb_input in = {
		.pcesvn = r->pck->pck.pcesvn,
		.qe_isvsvn = r->q->qe.isv_svn_value,
		.tee = r->q->tee,
		.body_type = r->q->body_type,
		.tee_tcb_svn = r->q->td.tee_tcb_svn,
		.tee_tcb_svn2 = r->q->td.tee_tcb_svn2,
	};

	memcpy(in.components, r->pck->pck.components, sizeof(in.components));
	TRY(check_platform(r));
	if (r->q->tee == DCAP_TDX)
		TRY(check_module(r, r->q->td.tee_tcb_svn));
	TRY(check_qe_identity(r));
	TRY(dcap_tcb_evaluate(r->job->arena, &r->info->info, &r->qe->qe, &in, &r->v.launch, &r->v.current, r->w));
	r->v.evaluation = MIN_OF(r->info->info.evaluation, r->qe->qe.evaluation);
	r->v.has_tcb = true;
	return rc_of(OK);
}

static RC keep_list(struct run *r, const struct slice **list, size_t n)
{
	struct slice *own = arena_array(r->job->arena, n + 1, struct slice);

	for (size_t i = 0; own && i < n; i++) {
		own[i] = arena_dup(r->job->arena, (*list)[i]);
		if (!own[i].p)
			own = NULL;
	}
	if (!own)
		return deny(r->w, E_INTERNAL, "dcap.memory", "no memory for advisories");
	*list = own;
	return rc_of(OK);
}

/* The memo may forget a document before the claims are written: what they quote moves to the job. */
static RC keep_advisories(struct run *r, struct dcap_tcb_result *t)
{
	TRY(keep_list(r, &t->advisories, t->advisories_n));
	return keep_list(r, &t->platform_advisories, t->platform_advisories_n);
}

static RC run_all(struct run *r)
{
	TRY(load_pck(r));
	TRY(check_signatures(r));
	TRY(check_chain_dates(r, r->pck));
	TRY(check_revocation(r));
	TRY(load_documents(r));
	if (r->info)
		TRY(check_documents(r));
	r->v.pck = r->pck->pck;
	r->v.ca_kind = r->pck->ca_kind;
	r->v.qe_isv_svn = r->q->qe.isv_svn_value;
	memcpy(r->v.root_key_id, r->pck->root_key_id, sizeof(r->v.root_key_id));
	TRY(keep_advisories(r, &r->v.launch));
	return keep_advisories(r, &r->v.current);
}

static RC with_memo(struct vjob *job, const struct dcap_quote *q, RC (*step)(struct run *), struct run *r)
{
	struct memo *own = NULL;
	rc v;

	*r = (struct run){.job = job, .w = job->why, .memo = job->memo, .q = q};
	if (!r->memo) {
		own = memo_new(0);
		if (!own)
			return deny(job->why, E_INTERNAL, "dcap.memory", "no memory for a verification");
		r->memo = own;
	}
	v = step(r);
	memo_free(own);
	return v;
}

RC dcap_verify(struct vjob *job, const struct dcap_quote *q, struct dcap_verdict *out)
{
	struct run r;

	TRY(with_memo(job, q, run_all, &r));
	*out = r.v;
	return rc_of(OK);
}

static RC name_collateral(struct run *r)
{
	char key[KEY_TEXT];

	TRY(load_pck(r));
	tcb_key(r, key);
	TRY(vjob_want(r->job, "intel-tcb-info", key));
	TRY(vjob_want(r->job, "intel-tcb-info-chain", key));
	TRY(vjob_want(r->job, "intel-qe-identity", tee_name(r->q)));
	TRY(vjob_want(r->job, "intel-qe-identity-chain", tee_name(r->q)));
	TRY(vjob_want(r->job, "intel-pck-crl", ca_name(r->pck->ca_kind)));
	return vjob_want(r->job, "intel-root-crl", "");
}

RC dcap_plan(struct vjob *job, const struct dcap_quote *q)
{
	struct run r;

	return with_memo(job, q, name_collateral, &r);
}
