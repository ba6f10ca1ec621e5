#include "verifier/se/hostkeys.h"

/* ---- what vouches ---- */

static RC add(struct x509 **list, size_t *n, size_t max, const struct x509 *c, const char *what, struct why *w)
{
	if (*n == max)
		return deny(w, E_LIMIT, "se.host-key.certificates", "more than %zu %s", max, what);
	list[(*n)++] = x509_ref(c);
	return rc_of(OK);
}

static RC sort_in(struct se_trust *t, const struct x509 *c, struct arena *a, struct why *w)
{
	bool signer;

	TRY(se_is_signer(c, a, &signer, w));
	if (signer)
		return add(t->signer, &t->signers_n, SE_SIGNERS_MAX, c, "signing certificates", w);
	return add(t->ca, &t->cas_n, SE_CAS_MAX, c, "certificates between the signing certificates and the root", w);
}

RC se_trust_certificates(struct se_trust *t, struct slice bytes, struct arena *a, struct why *w)
{
	struct x509 *list[SE_SIGNERS_MAX + SE_CAS_MAX];
	rc r = rc_of(OK);
	size_t n = 1;

	if (bytes.n && bytes.p[0] == 0x30)
		TRY(x509_from_der(bytes, &list[0], w));
	else
		TRY(x509_list_from_pem(bytes, list, SE_SIGNERS_MAX + SE_CAS_MAX, &n, w));
	for (size_t i = 0; i < n && rc_ok(r); i++)
		r = sort_in(t, list[i], a, w);
	x509_free_all(list, n);
	return r;
}

RC se_trust_list(struct se_trust *t, struct slice bytes, struct why *w)
{
	if (t->lists_n == SE_CRLS_MAX)
		return deny(w, E_LIMIT, "se.host-key.lists", "more than %u revocation lists", SE_CRLS_MAX);
	TRY(x509_crl_from(bytes, &t->list[t->lists_n], w));
	t->lists_n++;
	return rc_of(OK);
}

RC se_trust_root(struct se_trust *t, struct slice bytes, struct why *w)
{
	struct x509 *root;

	TRY(x509_from_any(bytes, &root, w));
	x509_free(t->root);
	t->root = root;
	return rc_of(OK);
}

void se_trust_free(struct se_trust *t)
{
	x509_free_all(t->signer, t->signers_n);
	x509_free_all(t->ca, t->cas_n);
	for (size_t i = 0; i < t->lists_n; i++)
		x509_crl_free(t->list[i]);
	x509_free(t->root);
	*t = (struct se_trust){.root = NULL};
}

/* ---- documents ---- */

/* The document is of another signer than the one that was tried. */
static bool of_another(const struct why *w)
{
	static const char *const reasons[] = {"se.chain.issuer", "se.chain.document", "se.chain.key-id"};

	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (strcmp(why_reason(w), reasons[i]) == 0)
			return true;
	return false;
}

static RC check_document(const struct se_trust *t, const struct x509 *document, int64_t now_s, struct arena *a, struct why *w)
{
	struct se_hkd_check in = {.hkd = document, .cas_n = t->cas_n, .root = t->root, .crls_n = t->lists_n, .require_crls = true, .now_s = now_s};
	struct why best = why_in(a);
	rc refused = rc_of(OK);

	if (!t->signers_n || !t->root)
		return deny(w, E_DENIED, "se.host-key.untrusted",
			    "a host key document counts only with its signing certificate (certificates) and a root (root_ca) at hand");
	memcpy(in.cas, t->ca, t->cas_n * sizeof(in.cas[0]));
	for (size_t i = 0; i < t->lists_n; i++)
		in.crls[i] = t->list[i];
	for (size_t i = 0; i < t->signers_n; i++) {
		struct why inner = why_in(a);
		rc r;

		in.signing = t->signer[i];
		r = se_hkd_verify(&in, a, &inner);
		if (rc_ok(r))
			return r;
		if (i == 0 || of_another(&best)) {
			best = inner;
			refused = r;
		}
	}
	return deny(w, refused.code, why_reason(&best), "%s", why_text(&best));
}

static RC key_of(const struct x509 *c, struct arena *a, struct pkey **out, struct why *w)
{
	struct slice spki;

	if (!x509_key(c))
		return deny(w, E_UNSUPPORTED, "se.host-key.kind", "the key of the host key document is of an unknown kind");
	TRY(pkey_to_spki(x509_key(c), a, &spki, w));
	return pkey_from_spki(spki, out, w);
}

static RC document_key(const struct se_trust *t, struct slice bytes, int64_t now_s, struct arena *a, struct pkey **out, struct why *w)
{
	struct x509 *c;
	rc r;

	TRY(x509_from_any(bytes, &c, w));
	r = check_document(t, c, now_s, a, w);
	if (rc_ok(r))
		r = key_of(c, a, out, w);
	x509_free(c);
	return r;
}

RC se_host_key(const struct se_trust *t, struct slice bytes, int64_t now_s, struct arena *a, struct pkey **out, struct why *w)
{
	struct pkey *key;

	if (slice_starts(bytes, SLICE_LIT("-----BEGIN PUBLIC KEY-----")))
		TRY(pkey_from_pem(bytes, &key, w));
	else
		TRY(document_key(t, bytes, now_s, a, &key, w));
	if (pkey_kind(key) != KEY_P521) {
		pkey_free(key);
		return deny(w, E_UNSUPPORTED, "se.host-key.kind", "a host key that is not on P-521");
	}
	*out = key;
	return rc_of(OK);
}
