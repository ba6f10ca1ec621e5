/* x509_chain.c - a search over issuers of the right name, depth first. A step is taken when signature and role are right;
 * dates, names and revocation are looked at when a path has reached an anchor. */
#include "crypto/x509_chain.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "base/num.h"
#include "crypto/x509_priv.h"

#define SIGNATURES_MAX 64u	/* checks in one search */

struct search {
	struct x509 *const *pool;
	size_t pool_n, max;
	const struct x509_chain_rules *rules;
	struct x509_path path;
	unsigned signatures;
	/* the refusal that was nearest to success */
	enum x509_fault fault;
	size_t at;
	const char *reason;
	char text[256];
};

/* Always false. */
static bool refuse(struct search *s, enum x509_fault fault, const char *reason, const char *what, const struct x509 *c)
{
	char cn[96];

	if (fault < s->fault || (fault == s->fault && s->path.n <= s->at))
		return false;
	s->fault = fault;
	s->at = s->path.n;
	s->reason = reason;
	x509_cn_text(c, cn);
	snprintf(s->text, sizeof(s->text), "the certificate \"%s\" %s", cn, what);
	return false;
}

static bool anchored(const struct search *s, const struct x509 *c)
{
	for (size_t i = 0; i < s->rules->n_anchors; i++)
		if (x509_same(s->rules->anchors[i], c))
			return true;
	return s->rules->is_anchor && s->rules->is_anchor(c, s->rules->ctx);
}

/* May c stand above the certificates of the path so far? Self-issued ones do not count (RFC 5280 4.2.1.9). */
static bool role_ok(struct search *s, const struct x509 *c)
{
	long below = 0, limit = X509_get_pathlen(c->x);

	for (size_t i = 1; i < s->path.n; i++)
		below += !x509_self_issued(s->path.c[i]);
	if (!x509_is_ca(c))
		return refuse(s, X509_BAD_CHAIN, "x509.chain.role", "is no authority, but issued another", c);
	if (!(X509_get_key_usage(c->x) & KU_KEY_CERT_SIGN))
		return refuse(s, X509_BAD_CHAIN, "x509.chain.role", "may not sign certificates, but issued another", c);
	if (limit >= 0 && below > limit)
		return refuse(s, X509_BAD_CHAIN, "x509.chain.depth", "allows fewer authorities below it", c);
	return true;
}

static bool constraints_ok(struct search *s)
{
	for (size_t i = 1; i < s->path.n; i++) {
		int found = 0;
		NAME_CONSTRAINTS *nc = X509_get_ext_d2i(s->path.c[i]->x, NID_name_constraints, &found, NULL);
		bool ok = nc || found == -1;

		for (size_t j = 0; nc && ok && j < i; j++)
			if (j == 0 || !x509_self_issued(s->path.c[j]))
				ok = NAME_CONSTRAINTS_check(s->path.c[j]->x, nc) == X509_V_OK;
		NAME_CONSTRAINTS_free(nc);
		if (!ok)
			return refuse(s, X509_BAD_CHAIN, "x509.chain.constraints", "constrains names, and one below is outside",
				      s->path.c[i]);
	}
	return true;
}

static bool dates_ok(struct search *s)
{
	for (size_t i = 0; !s->rules->no_time && i < s->path.n; i++) {
		const struct x509 *c = s->path.c[i];

		if (s->rules->now_s > c->not_after)
			return refuse(s, X509_BAD_TIME, "x509.expired", "has expired", c);
		if (s->rules->now_s < c->not_before)
			return refuse(s, X509_BAD_TIME, "x509.expired", "is not valid yet", c);
	}
	return true;
}

static bool revocation_ok(struct search *s, const struct x509 *c, const struct x509 *issuer)
{
	const struct x509_chain_rules *r = s->rules;
	bool fresh = false, stale = false, forged = false;

	for (size_t i = 0; i < r->n_crls; i++) {
		const struct x509_crl *l = r->crls[i];

		if (!x509_crl_is_issuer(l, issuer))
			continue;
		if (!rc_ok(x509_crl_by(l, issuer, "x509.crl-signature", NULL)))
			forged = true;
		else if (x509_crl_lists(l, c))
			return refuse(s, X509_BAD_REVOKED, "x509.revoked", "is revoked", c);
		else if (r->no_time || rc_ok(x509_crl_valid_at(l, r->now_s, "x509.crl-expired", NULL)))
			fresh = true;
		else
			stale = true;
	}
	if (fresh)
		return true;
	if (stale)
		return refuse(s, X509_BAD_TIME, "x509.crl-expired", "is covered by a revocation list out of date alone", c);
	if (forged)
		return refuse(s, X509_BAD_CRL, "x509.crl-signature", "has revocation lists of its issuer's name, none signed by it", c);
	return !r->require_crls || refuse(s, X509_BAD_CRL, "x509.crl-missing", "is covered by no revocation list", c);
}

/* The path ends at an anchor: what remains to be looked at. */
static bool complete(struct search *s)
{
	if (s->rules->eku && !x509_has_eku(s->path.c[0], s->rules->eku))
		return refuse(s, X509_BAD_CHAIN, "x509.chain.eku", "lacks the extended key usage", s->path.c[0]);
	if (!constraints_ok(s))
		return false;
	for (size_t i = 0; i + 1 < s->path.n; i++)
		if (!revocation_ok(s, s->path.c[i], s->path.c[i + 1]))
			return false;
	return dates_ok(s);
}

static bool extend(struct search *s);

static bool signature_ok(const struct search *s, const struct x509 *c, const struct x509 *issuer)
{
	if (s->rules->no_pss && X509_get_signature_nid(c->x) == NID_rsassaPss)
		return false;
	return rc_ok(x509_signed_by(c, issuer, "x509.chain.signature", NULL));
}

static bool try_issuer(struct search *s, const struct x509 *issuer)
{
	const struct x509 *c = s->path.c[s->path.n - 1];

	for (size_t i = 0; i < s->path.n; i++)
		if (x509_same(s->path.c[i], issuer))
			return false;
	if (s->signatures == 0)
		return refuse(s, X509_BAD_CHAIN, "x509.chain.depth", "has too many possible issuers", c);
	s->signatures--;
	if (!signature_ok(s, c, issuer))
		return refuse(s, X509_BAD_CHAIN, "x509.chain.signature", "is not signed, with an allowed algorithm, by the issuer it names", c);
	if (!role_ok(s, issuer))
		return false;
	s->path.c[s->path.n++] = issuer;
	if (extend(s))
		return true;
	s->path.n--;
	return false;
}

static bool try_all(struct search *s, struct x509 *const *list, size_t n, bool *named)
{
	const struct x509 *c = s->path.c[s->path.n - 1];

	for (size_t i = 0; i < n; i++) {
		if (X509_NAME_cmp(X509_get_issuer_name(c->x), X509_get_subject_name(list[i]->x)) != 0)
			continue;
		*named = true;
		if (try_issuer(s, list[i]))
			return true;
	}
	return false;
}

/* The newest certificate of the path is an anchor, or one that an issuer must vouch for. */
static bool extend(struct search *s)
{
	static const char *const own[] = {"2.5.29.30", NULL};	/* names: constraints_ok() */
	const struct x509 *c = s->path.c[s->path.n - 1];
	bool named = false;

	if (!x509_critical_ok(c, s->rules->critical, own))
		return refuse(s, X509_BAD_CHAIN, "x509.chain.critical", "has a critical extension that is not understood, or a damaged one", c);
	if (anchored(s, c))
		return complete(s);
	if (x509_self_issued(c) && signature_ok(s, c, c))
		return refuse(s, X509_BAD_ROOT, "x509.untrusted-root", "is the end of the path, and is not trusted", c);
	if (s->path.n == s->max)
		return refuse(s, X509_BAD_CHAIN, "x509.chain.depth", "is too far from an anchor", c);
	if (try_all(s, s->rules->anchors, s->rules->n_anchors, &named) || try_all(s, s->pool, s->pool_n, &named))
		return true;
	return named ? false : refuse(s, X509_BAD_CHAIN, "x509.chain.issuer-missing", "has an issuer that is not at hand", c);
}

RC x509_chain_verify(const struct x509 *leaf, struct x509 *const *pool, size_t pool_n, const struct x509_chain_rules *rules,
		     struct x509_path *path, enum x509_fault *fault, struct why *w)
{
	struct search s = {.pool = pool, .pool_n = pool_n, .rules = rules, .signatures = SIGNATURES_MAX};
	bool ok;

	s.max = rules->max_depth ? MIN_OF(rules->max_depth, X509_PATH_MAX) : X509_PATH_MAX;
	s.path.c[s.path.n++] = leaf;
	ok = extend(&s);
	ERR_clear_error();
	if (!ok && !s.reason)	/* those that bear the issuer's name were passed over: on the path already, or not an issuer's */
		(void)refuse(&s, X509_BAD_CHAIN, "x509.chain.issuer-missing", "has an issuer that is not at hand", leaf);
	if (fault)
		*fault = ok ? X509_FINE : s.fault;
	if (!ok)
		return deny(w, E_DENIED, s.reason, "%s", s.text);
	if (path)
		*path = s.path;
	return rc_of(OK);
}
