#include "verifier/se/hkd.h"

#include "crypto/der.h"
#include "crypto/x509_chain.h"

/* ---- names ---- */

static bool is_site(struct slice s)
{
	return slice_is(s, "Armonk") || slice_is(s, "Poughkeepsie");
}

/* The value of an RDN that is one localityName; empty otherwise. */
static struct slice locality(struct slice rdn)
{
	struct msg m;
	struct cur c = cur_open(&m, rdn), set = der_enter(&c, DER_SET), pair = der_enter(&set, DER_SEQUENCE);
	struct slice oid = der_oid(&pair), value;
	uint8_t tag;

	value = der_any(&pair, &tag);
	der_leave(&pair);
	der_leave(&set);
	return !m.bad && oid_is(oid, "2.5.4.7") ? value : (struct slice){0};
}

/* Equal part by part, the two sites of IBM taken for one. */
static bool names_equal(struct slice a, struct slice b)
{
	struct msg ma, mb;
	struct cur ca = cur_open(&ma, a), cb = cur_open(&mb, b);
	struct cur ra = der_enter(&ca, DER_SEQUENCE), rb = der_enter(&cb, DER_SEQUENCE);

	while (cur_more(&ra) && cur_more(&rb)) {
		struct slice x = der_raw(&ra), y = der_raw(&rb);

		if (!slice_eq(x, y) && !(is_site(locality(x)) && is_site(locality(y))))
			return false;
	}
	return !ma.bad && !mb.bad && !cur_more(&ra) && !cur_more(&rb);
}

/* Who signs host keys says so in its name. */
static bool is_signing_name(struct slice subject)
{
	static const char unit[] = "Key Signing Service", org[] = "International Business Machines Corporation";
	struct msg m;
	struct cur c = cur_open(&m, subject), seq = der_enter(&c, DER_SEQUENCE);
	bool has_unit = false, has_org = false;

	while (cur_more(&seq)) {
		struct cur set = der_enter(&seq, DER_SET), pair = der_enter(&set, DER_SEQUENCE);
		struct slice oid = der_oid(&pair), value;
		uint8_t tag;

		value = der_any(&pair, &tag);
		der_leave(&pair);
		der_leave(&set);
		if (oid_is(oid, "2.5.4.11") && value.n >= sizeof(unit) - 1)
			has_unit = has_unit || slice_is(slice_sub(value, value.n - (sizeof(unit) - 1), value.n), unit);
		has_org = has_org || (oid_is(oid, "2.5.4.10") && slice_is(value, org));
	}
	return !m.bad && has_unit && has_org;
}

RC se_is_signer(const struct x509 *c, struct arena *a, bool *out, struct why *w)
{
	struct slice subject = x509_subject(c, a);

	if (!subject.p)
		return deny(w, E_INTERNAL, "se.memory", "no memory for a certificate's name");
	*out = is_signing_name(subject) && !x509_is_ca(c);
	return rc_of(OK);
}

/* ---- revocation ---- */

/* A list counts where the issuer named in it signed it; one of the same name by another key is another's, whose certificates may lie
 * beside these. What is on any list that counts is revoked, be the list fresh or not; one must be fresh. */
static RC check_revoked(const struct se_hkd_check *in, const struct x509 *c, const struct x509 *issuer, bool issuer_is_ca,
			struct arena *a, struct why *w)
{
	bool covered = false, forged = false;
	struct why stale = why_in(a);
	rc late = rc_of(OK);

	for (size_t i = 0; i < in->crls_n; i++) {
		const struct x509_crl *l = in->crls[i];
		rc r;

		if (!names_equal(x509_crl_issuer(l, a), x509_subject(issuer, a)))
			continue;
		r = issuer_is_ca ? x509_crl_by(l, issuer, "se.crl-signature", NULL) : x509_crl_signed_by(l, issuer, "se.crl-signature", NULL);
		if (!rc_ok(r)) {
			forged = true;
			continue;
		}
		if (x509_crl_lists(l, c))
			return deny(w, E_DENIED, "se.revoked", "a certificate of the host key's chain is revoked");
		r = in->no_time ? rc_of(OK) : x509_crl_valid_at(l, in->now_s, "se.crl-expired", rc_ok(late) ? &stale : NULL);
		covered = covered || rc_ok(r);
		if (!rc_ok(r))
			late = r;
	}
	if (covered || (!in->require_crls && rc_ok(late) && !forged))
		return rc_of(OK);
	if (!rc_ok(late))
		return deny(w, late.code, "se.crl-expired", "%s", why_text(&stale));
	return deny(w, E_DENIED, in->crls_n ? "se.crl-signature" : "se.crl-missing",
		    "no revocation list of the issuer, signed by it, is at hand");
}

/* ---- the whole ---- */

static RC check_signing_chain(const struct se_hkd_check *in, struct arena *a, struct why *w)
{
	static const struct x509_rules rules = {.chain = "se.chain.signing", .expired = "se.expired"};
	struct x509 *pool[SE_CAS_MAX + 1];
	struct x509_path path;

	if (in->cas_n > SE_CAS_MAX)
		return deny(w, E_LIMIT, "se.chain.count", "more than %u intermediate certificates", SE_CAS_MAX);
	if (!is_signing_name(x509_subject(in->signing, a)))
		return deny(w, E_DENIED, "se.chain.signing-name", "the signing certificate is not that of a host key signing service");
	memcpy(pool, in->cas, in->cas_n * sizeof(pool[0]));
	pool[in->cas_n] = in->root;
	TRY(x509_path_build(in->signing, pool, in->cas_n + 1, &rules, &path, w));
	if (!x509_same(path.c[path.n - 1], in->root))
		return deny(w, E_DENIED, "se.chain.root", "the signing certificate does not lead to the configured root");
	if (!in->no_time)
		TRY(x509_path_valid_at(&path, in->now_s, &rules, w));
	return check_revoked(in, in->signing, path.c[1], true, a, w);
}

static RC check_document(const struct se_hkd_check *in, struct arena *a, struct why *w)
{
	struct slice aki, ski;

	if (!names_equal(x509_issuer(in->hkd, a), x509_subject(in->signing, a)))
		return deny(w, E_DENIED, "se.chain.issuer", "the host key document names another issuer");
	TRY(x509_signed_by(in->hkd, in->signing, "se.chain.document", w));
	/* where both say which key, they say the same; the identifier is the end of the one and the whole of the other */
	TRY(x509_ext(in->hkd, a, "2.5.29.35", &aki, NULL, w));
	TRY(x509_ext(in->signing, a, "2.5.29.14", &ski, NULL, w));
	if (aki.p && ski.n > 2 && !memmem(aki.p, aki.n, ski.p + 2, ski.n - 2))
		return deny(w, E_DENIED, "se.chain.key-id", "the host key document names another signing key");
	if (!in->no_time)
		TRY(x509_valid_at(in->hkd, in->now_s, "se.expired", w));
	return check_revoked(in, in->hkd, in->signing, false, a, w);
}

RC se_hkd_verify(const struct se_hkd_check *in, struct arena *a, struct why *w)
{
	TRY(check_signing_chain(in, a, w));
	TRY(check_document(in, a, w));
	/* without memory for its issuer's name a list would not have been looked at */
	return arena_bad(a) ? deny(w, E_INTERNAL, "se.memory", "no memory to check a host key document") : rc_of(OK);
}
