/* snp_chain.c - the certificates of an SNP report, from the collateral to the verdict. */
#include <stdlib.h>

#include "base/cur.h"
#include "base/num.h"
#include "codec/base64.h"
#include "evidence/memo.h"
#include "evidence/octets.h"
#include "evidence/snp.h"

#define OID_SPL	 "1.3.6.1.4.1.3704.1.3."
#define OID_HWID "1.3.6.1.4.1.3704.1.4"

void snp_certs_free(struct snp_certs *c)
{
	x509_free(c->vek);
	x509_free_all(c->pool, c->pool_n);
	*c = (struct snp_certs){0};
}

/* What one piece of bytes holds: the certificates of a chain file, or one. */
struct cert_list {
	struct x509 *v[SNP_CERTS_MAX];
	size_t n;
};

static void free_list(void *value)
{
	struct cert_list *l = value;

	x509_free_all(l->v, l->n);
	free(l);
}

static RC read_list(struct slice bytes, struct cert_list *l, struct why *w)
{
	if (bytes.n && bytes.p[0] == 0x30) {
		TRY(x509_from_der(bytes, &l->v[0], w));
		l->n = 1;
		return rc_of(OK);
	}
	return x509_list_from_pem(bytes, l->v, SNP_CERTS_MAX, &l->n, w);
}

/* References to the certificates in `bytes`, at most `room` of them. */
static RC get_certs(struct memo *memo, struct slice bytes, struct x509 **out, size_t room, size_t *n, const struct snp_reasons *why_not,
		    struct why *w)
{
	const struct memo_key key = {.kind = "snp.certificates", .part = {bytes}, .n = 1};
	const struct cert_list *known = memo_get(memo, &key);
	struct why inner = why_in(w->arena);
	struct cert_list *fresh = NULL;
	rc r = rc_of(OK);

	if (!known) {
		fresh = calloc(1, sizeof(*fresh));
		if (!fresh)
			return deny(w, E_INTERNAL, "snp.memory", "no memory for certificates");
		r = read_list(bytes, fresh, &inner);
		known = fresh;
	}
	if (rc_ok(r) && known->n > room)
		r = deny(&inner, E_LIMIT, "x509.count", "more than %u certificates", SNP_CERTS_MAX);
	for (size_t i = 0; rc_ok(r) && i < known->n; i++)
		out[i] = x509_ref(known->v[i]);
	*n = rc_ok(r) ? known->n : 0;
	if (fresh && rc_ok(r) && memo)
		memo_put(memo, &key, fresh, free_list);
	else if (fresh)
		free_list(fresh);
	return recast(r, &inner, why_not->certificate, why_not->certificate, w);
}

rc snp_certs_set_vek(struct snp_certs *c, struct slice bytes, const struct snp_reasons *why_not, struct why *w)
{
	struct x509 *list[SNP_CERTS_MAX];
	size_t n;

	TRY(get_certs(c->memo, bytes, list, SNP_CERTS_MAX, &n, why_not, w));
	x509_free(c->vek);
	c->vek = list[0];
	x509_free_all(list + 1, n - 1);
	return rc_of(OK);
}

rc snp_certs_add(struct snp_certs *c, struct slice bytes, const struct snp_reasons *why_not, struct why *w)
{
	size_t n;

	TRY(get_certs(c->memo, bytes, c->pool + c->pool_n, SNP_CERTS_MAX - c->pool_n, &n, why_not, w));
	c->pool_n += n;
	return rc_of(OK);
}

/* ---- collateral by name ---- */

static const char *vcek_key(struct arena *a, const struct snp_report *r, enum snp_generation g)
{
	const struct snp_tcb *t = &r->reported_tcb;
	bool turin = g == SNP_TURIN;
	const char *id = hex_text(a, slice_sub(r->chip_id, 0, turin ? 8 : 64));

	if (turin)
		return arena_printf(a, "%s/%s/%u.%u.%u.%u.%u", snp_generation_name(g), id, t->bootloader, t->tee, t->snp, t->microcode,
				    t->fmc);
	return arena_printf(a, "%s/%s/%u.%u.%u.%u", snp_generation_name(g), id, t->bootloader, t->tee, t->snp, t->microcode);
}

static const char *vlek_key(struct arena *a, const struct snp_report *r, enum snp_generation g)
{
	(void)a;
	(void)r;
	return snp_generation_name(g);
}

static const char *ca_key(struct arena *a, const struct snp_report *r, enum snp_generation g)
{
	return arena_printf(a, "%s%s", snp_generation_name(g), snp_signing_key(r) == 1 ? "/vlek" : "");
}

/* The generations that a report may be of. */
static unsigned candidates(const struct snp_report *r, enum snp_generation out[2])
{
	if (r->generation == SNP_UNKNOWN) {
		out[0] = SNP_MILAN;
		out[1] = SNP_GENOA;
		return 2;
	}
	out[0] = r->generation;
	return 1;
}

rc snp_plan(struct vjob *job, const struct snp_report *r, bool have_vek, bool have_chain)
{
	enum snp_generation g[2];
	unsigned n = candidates(r, g);

	for (unsigned i = 0; i < n; i++) {
		const char *vcek = vcek_key(job->arena, r, g[i]), *ca = ca_key(job->arena, r, g[i]);

		if (!vcek || !ca)
			return deny(job->why, E_INTERNAL, "job.memory", "no memory to name collateral");
		if (!have_vek && snp_signing_key(r) == 0)
			TRY(vjob_want(job, "amd-vcek", vcek));
		else if (!have_vek)	/* AMD hands it to the cloud that owns it: a host has it from there, or not */
			TRY(vjob_want(job, "amd-vlek", snp_generation_name(g[i])));
		if (!have_chain)
			TRY(vjob_want(job, "amd-ask-ark", ca));
		TRY(vjob_want(job, "amd-crl", ca));
	}
	return rc_of(OK);
}

static struct slice collateral_of(struct vjob *job, const struct snp_report *r, const char *kind,
				  const char *(*key)(struct arena *, const struct snp_report *, enum snp_generation))
{
	enum snp_generation g[2];
	unsigned n = candidates(r, g);

	for (unsigned i = 0; i < n; i++) {
		const char *k = key(job->arena, r, g[i]);
		struct slice s = k ? vjob_collateral(job, kind, k) : (struct slice){0};

		if (s.p)
			return s;
	}
	return vjob_collateral(job, kind, "");
}

/* Names the piece as the host keeps it, for whoever is to bring it. */
static RC missing(struct vjob *job, const struct snp_report *r, const struct snp_reasons *why_not, const char *what, const char *kind,
		  const char *(*key)(struct arena *, const struct snp_report *, enum snp_generation))
{
	enum snp_generation g[2];
	const char *name;

	(void)candidates(r, g);
	name = key(job->arena, r, g[0]);
	return deny(job->why, E_UNAVAILABLE, why_not->missing, "%s not at hand: collateral %s \"%s\"", what, kind, name ? name : "");
}

rc snp_collect(struct vjob *job, const struct snp_report *r, const struct snp_reasons *why_not, struct snp_certs *c)
{
	const char *kind = snp_signing_key(r) == 1 ? "amd-vlek" : "amd-vcek";
	struct slice s;

	if (!c->vek) {
		s = collateral_of(job, r, kind, snp_signing_key(r) == 1 ? vlek_key : vcek_key);
		if (!s.p)
			return missing(job, r, why_not, "the certificate of the key that signed the report is", kind,
				       snp_signing_key(r) == 1 ? vlek_key : vcek_key);
		TRY(snp_certs_set_vek(c, s, why_not, job->why));
	}
	s = collateral_of(job, r, "amd-ask-ark", ca_key);
	if (s.p)
		TRY(snp_certs_add(c, s, why_not, job->why));
	if (c->pool_n == 0)
		return missing(job, r, why_not, "AMD's certificates above that of the key are", "amd-ask-ark", ca_key);
	return rc_of(OK);
}

/* ---- chain ---- */

/* "SEV-Milan" and "SEV-VLEK-Milan" name the generation that a chain is for. */
static RC check_roles(struct snp_report *r, const struct x509_path *p, struct arena *a, const struct snp_reasons *why_not,
		      struct why *w)
{
	static const enum snp_generation all[] = {SNP_MILAN, SNP_GENOA, SNP_TURIN};
	const char *vek = x509_subject_cn(p->c[0], a), *ca = x509_subject_cn(p->c[1], a);
	bool vlek = vek && !strcmp(vek, "SEV-VLEK");
	const char *prefix = vlek ? "SEV-VLEK-" : "SEV-";
	enum snp_generation g = SNP_UNKNOWN;

	if (!vek || (!vlek && strcmp(vek, "SEV-VCEK")))
		return deny(w, E_DENIED, why_not->chain, "the signer's certificate is for \"%s\", expected SEV-VCEK or SEV-VLEK",
			    vek ? vek : "nobody");
	if (vlek != (snp_signing_key(r) == 1) || snp_signing_key(r) > 1)
		return deny(w, E_DENIED, why_not->signature, "the report is signed by key %u (0 VCEK, 1 VLEK), the certificate is for %s",
			    snp_signing_key(r), vek);
	for (size_t i = 0; i < 3; i++)
		if (ca && !strncmp(ca, prefix, strlen(prefix)) && !strcmp(ca + strlen(prefix), snp_generation_name(all[i])))
			g = all[i];
	if (g == SNP_UNKNOWN)
		return deny(w, E_DENIED, why_not->chain, "\"%s\" does not issue certificates for %s", ca ? ca : "nobody", vek);
	if (r->generation == SNP_UNKNOWN && g != SNP_TURIN)
		r->generation = g;
	if (r->generation != g)
		return deny(w, E_DENIED, why_not->chain, "the report is of a %s, the certificates are for %s",
			    snp_generation_name(r->generation), snp_generation_name(g));
	return rc_of(OK);
}

/* Within the grace that the configuration grants, a list counts behind its nextUpdate; never before its time. */
static RC check_crl_dates(struct vjob *job, const struct x509_crl *l, const struct snp_reasons *why_not, enum snp_crl *crl)
{
	int64_t next = x509_crl_next_update(l);

	*crl = SNP_CRL_CHECKED;
	if (job->no_time)
		return rc_of(OK);
	if (job->stale_s > 0 && next != INT64_MIN && job->now_s > next && job->now_s - next <= job->stale_s &&
	    x509_crl_this_update(l) <= job->now_s) {
		*crl = SNP_CRL_STALE;
		return rc_of(OK);
	}
	return x509_crl_valid_at(l, job->now_s, why_not->expired, job->why);
}

static RC check_crl(struct vjob *job, struct slice bytes, const struct x509_path *p, const struct snp_reasons *why_not,
		    enum snp_crl *state)
{
	struct why inner = why_in(job->arena);
	struct x509_crl *crl = NULL;
	rc r = x509_crl_from(bytes, &crl, &inner);

	if (!rc_ok(r))
		return recast(r, &inner, why_not->certificate, why_not->certificate, job->why);
	r = deny(job->why, E_DENIED, why_not->crl, "the revocation list is of no issuer in this chain");
	for (size_t i = 1; i < p->n; i++) {
		if (!x509_crl_is_issuer(crl, p->c[i]))
			continue;
		why_clear(job->why);
		r = x509_crl_by(crl, p->c[i], why_not->crl, job->why);
		if (rc_ok(r))
			r = check_crl_dates(job, crl, why_not, state);
		if (rc_ok(r) && x509_crl_lists(crl, p->c[i - 1]))
			r = deny(job->why, E_DENIED, why_not->revoked, "AMD has revoked the certificate \"%s\"",
				 x509_subject_cn(p->c[i - 1], job->arena));
		break;
	}
	x509_crl_free(crl);
	return r;
}

/* Names, roles and signatures of a chain do not change: RSA-4096 is checked once for each. */
struct known_path {
	struct x509 *c[3];
};

static void free_path(void *value)
{
	struct known_path *k = value;

	x509_free_all(k->c, COUNT_OF(k->c));
	free(k);
}

static void remember_path(struct memo *memo, const struct memo_key *key, const struct x509_path *path)
{
	struct known_path *k = memo && key->n ? calloc(1, sizeof(*k)) : NULL;

	if (!k)
		return;
	for (size_t i = 0; i < COUNT_OF(k->c); i++)
		k->c[i] = x509_ref(path->c[i]);
	memo_put(memo, key, k, free_path);
	memo_prove(memo, key);
}

static RC build_path(struct vjob *job, const struct snp_certs *c, const struct x509_rules *rules, struct x509_path *path)
{
	struct memo_key key = {.kind = "snp.path", .part = {x509_der(c->vek)}, .n = 1};
	const struct known_path *known;

	for (size_t i = 0; i < c->pool_n && key.n; i++)
		if (key.n < MEMO_PARTS_MAX)
			key.part[key.n++] = x509_der(c->pool[i]);
		else
			key.n = 0;
	known = key.n ? memo_get(job->memo, &key) : NULL;
	if (known) {
		*path = (struct x509_path){.c = {known->c[0], known->c[1], known->c[2]}, .n = 3};
		return rc_of(OK);
	}
	TRY(x509_path_build(c->vek, c->pool, c->pool_n, rules, path, job->why));
	if (path->n != 3)
		return deny(job->why, E_DENIED, rules->chain, "%zu certificates from the chip to the root, expected 3", path->n);
	/* a path to no anchor is not worth a place */
	if (vjob_anchor_cert(job, "amd-ark", path->c[2]))
		remember_path(job->memo, &key, path);
	return rc_of(OK);
}

static RC check_chain(struct vjob *job, struct snp_report *r, const struct snp_certs *c, const struct snp_reasons *why_not,
		      enum snp_crl *crl)
{
	const struct x509_rules rules = {.chain = why_not->chain, .expired = why_not->expired};
	struct x509_path path;
	struct slice list;

	TRY(build_path(job, c, &rules, &path));
	if (!vjob_anchor_cert(job, "amd-ark", path.c[2])) {
		rc no = deny(job->why, E_DENIED, why_not->root, "the chain ends in \"%s\", which is no trusted root",
			     x509_subject_cn(path.c[2], job->arena));

		why_compared(job->why, "ark_sha256", hex_text(job->arena, slice_of(x509_sha256(path.c[2]), 32)), "an anchor of amd-ark");
		return no;
	}
	TRY(check_roles(r, &path, job->arena, why_not, job->why));
	if (!job->no_time)
		TRY(x509_path_valid_at(&path, job->now_s, &rules, job->why));
	list = collateral_of(job, r, "amd-crl", ca_key);
	*crl = SNP_CRL_NONE;
	return list.p ? check_crl(job, list, &path, why_not, crl) : rc_of(OK);
}

/* ---- the report under its certificate ---- */

/* 72 bytes, little endian; the upper 24 are beyond the curve and must be zero. */
static bool to_p1363(struct slice le, uint8_t out[48])
{
	uint8_t beyond = 0;

	for (unsigned i = 48; i < 72; i++)
		beyond |= le.p[i];
	for (unsigned i = 0; i < 48; i++)
		out[i] = le.p[47 - i];
	return beyond == 0;
}

static RC check_signature(struct vjob *job, const struct snp_report *r, const struct x509 *vek, const struct snp_reasons *why_not)
{
	const struct pkey *key = x509_key(vek);
	uint8_t sig[96];

	if (!key || pkey_kind(key) != KEY_P384)
		return deny(job->why, E_DENIED, why_not->signature, "the certificate's key is not of P-384");
	if (!to_p1363(slice_sub(r->raw, 0x2a0, 72), sig) || !to_p1363(slice_sub(r->raw, 0x2e8, 72), sig + 48))
		return deny(job->why, E_DENIED, why_not->signature, "r or s is larger than the curve's order");
	return pkey_verify_hash(key, DIGEST_SHA384, false, slice_sub(r->raw, 0, SNP_SIGNED_SIZE), slice_of(sig, 96), why_not->signature,
				job->why);
}

/* A DER INTEGER of 0 to 255, in its one encoding. */
static bool der_u8(struct slice der, uint8_t *out)
{
	bool two = der.n == 4;

	if (!(der.n == 3 || two) || der.p[0] != 2 || der.p[1] != der.n - 2)
		return false;
	if (two != (der.p[der.n - 1] >= 0x80) || (two && der.p[2]))
		return false;
	*out = der.p[der.n - 1];
	return true;
}

static RC check_tcb_part(struct vjob *job, const struct x509 *vek, const char *oid, const char *name, uint8_t found,
			 const struct snp_reasons *why_not)
{
	struct why inner = why_in(job->arena);
	struct slice ext;
	uint8_t expected;
	rc r = x509_ext(vek, job->arena, oid, &ext, NULL, &inner);

	if (!rc_ok(r))
		return recast(r, &inner, why_not->certificate, why_not->certificate, job->why);
	if (!ext.p || !der_u8(ext, &expected))
		return deny(job->why, E_DENIED, why_not->tcb, "the certificate does not say which %s version its key is for", name);
	if (expected == found)
		return rc_of(OK);
	r = deny(job->why, E_DENIED, why_not->tcb, "the report claims %s version %u, the key is for %u", name, found, expected);
	why_compared(job->why, arena_printf(job->arena, "reported_tcb_%s", name), arena_printf(job->arena, "%u", found),
		     arena_printf(job->arena, "%u", expected));
	return r;
}

static RC check_tcb(struct vjob *job, const struct snp_report *r, const struct x509 *vek, const struct snp_reasons *why_not)
{
	const struct snp_tcb *t = &r->reported_tcb;

	TRY(check_tcb_part(job, vek, OID_SPL "1", "bootloader", t->bootloader, why_not));
	TRY(check_tcb_part(job, vek, OID_SPL "2", "tee", t->tee, why_not));
	TRY(check_tcb_part(job, vek, OID_SPL "3", "snp", t->snp, why_not));
	TRY(check_tcb_part(job, vek, OID_SPL "8", "microcode", t->microcode, why_not));
	if (r->generation == SNP_TURIN)
		TRY(check_tcb_part(job, vek, OID_SPL "9", "fmc", t->fmc, why_not));
	return rc_of(OK);
}

/* A VLEK belongs to a cloud, not to a chip: its certificate names none. */
static RC check_chip(struct vjob *job, const struct snp_report *r, const struct x509 *vek, const struct snp_reasons *why_not)
{
	struct slice ext, found = slice_sub(r->chip_id, 0, r->generation == SNP_TURIN ? 8 : 64);
	struct why inner = why_in(job->arena);
	rc no = x509_ext(vek, job->arena, OID_HWID, &ext, NULL, &inner);

	if (!rc_ok(no))
		return recast(no, &inner, why_not->certificate, why_not->certificate, job->why);
	if (snp_signing_key(r) == 1 && !ext.p)
		return rc_of(OK);
	if (ext.n == found.n + 2 && ext.p[0] == 4 && ext.p[1] == found.n)	/* an OCTET STRING inside */
		ext = slice_sub(ext, 2, found.n);
	if (ext.p && slice_eq(ext, found))
		return rc_of(OK);
	no = deny(job->why, E_DENIED, why_not->chip_id, "the report is of another chip than the key");
	why_compared(job->why, "chip_id", hex_text(job->arena, found), ext.p ? hex_text(job->arena, ext) : "a chip id in the certificate");
	return no;
}

rc snp_check(struct vjob *job, struct snp_report *r, const struct snp_certs *c, const struct snp_reasons *why_not,
	     enum snp_crl *crl)
{
	TRY(check_chain(job, r, c, why_not, crl));
	TRY(check_signature(job, r, c->vek, why_not));
	TRY(check_tcb(job, r, c->vek, why_not));
	return check_chip(job, r, c->vek, why_not);
}
