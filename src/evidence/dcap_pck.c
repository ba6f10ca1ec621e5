#include "evidence/dcap_pck.h"

#include <stdlib.h>

#include "crypto/der.h"

#define OID_SGX "1.2.840.113741.1.13.1"

/* Which members were there: each exactly once. */
enum {
	HAVE_PPID = 1 << 0,
	HAVE_TCB = 1 << 1,
	HAVE_PCEID = 1 << 2,
	HAVE_FMSPC = 1 << 3,
	HAVE_TYPE = 1 << 4,
	HAVE_INSTANCE = 1 << 5,
	HAVE_CONFIG = 1 << 6,
};
#define HAVE_REQUIRED (HAVE_PPID | HAVE_TCB | HAVE_PCEID | HAVE_FMSPC | HAVE_TYPE)

/* The last arc of an OID that is `prefix` and one arc below 128 more; 0 for any other. */
static unsigned last_arc(struct slice oid, const char *prefix)
{
	uint8_t want[64];
	size_t n = oid_encode(prefix, want);

	if (oid.n != n + 1 || memcmp(oid.p, want, n) != 0 || oid.p[n] & 0x80)
		return 0;
	return oid.p[n];
}

static void take_fixed(struct cur *c, uint8_t *out, size_t n)
{
	struct slice s = der_take(c, DER_OCTET_STRING);

	if (s.n != n)
		cur_spoil(c);
	else
		memcpy(out, s.p, n);
}

static void once(struct cur *c, unsigned *have, unsigned bit)
{
	if (*have & bit)
		cur_spoil(c);
	*have |= bit;
}

static void read_tcb(struct cur *c, struct dcap_pck *p)
{
	struct cur tcb = der_enter(c, DER_SEQUENCE);
	unsigned have = 0;

	while (cur_more(&tcb)) {
		struct cur item = der_enter(&tcb, DER_SEQUENCE);
		unsigned arc = last_arc(der_oid(&item), OID_SGX ".2");
		uint64_t v;

		if (arc == 0 || arc > 18) {
			cur_spoil(&item);
			break;
		}
		once(&item, &have, 1u << arc);
		if (arc == 18) {
			take_fixed(&item, p->cpusvn, sizeof(p->cpusvn));
		} else {
			v = der_u64(&item);
			if (v > (arc == 17 ? UINT16_MAX : UINT8_MAX))
				cur_spoil(&item);
			if (arc == 17)
				p->pcesvn = (uint16_t)v;
			else
				p->components[arc - 1] = (uint8_t)v;
		}
		der_leave(&item);
	}
	if (have != (1u << 19) - 2)	/* 1 to 18, all */
		cur_spoil(&tcb);
	der_leave(&tcb);
}

static void read_config(struct cur *c, struct dcap_pck *p)
{
	bool *const member[] = {&p->dynamic_platform, &p->cached_keys, &p->smt_enabled};
	struct cur config = der_enter(c, DER_SEQUENCE);
	unsigned have = 0;

	while (cur_more(&config)) {
		struct cur item = der_enter(&config, DER_SEQUENCE);
		unsigned arc = last_arc(der_oid(&item), OID_SGX ".7");

		if (arc == 0 || arc > 3) {
			cur_spoil(&item);
			break;
		}
		once(&item, &have, 1u << arc);
		*member[arc - 1] = der_bool(&item);
		der_leave(&item);
	}
	der_leave(&config);
	p->has_config = true;
}

static void read_member(struct cur *item, unsigned arc, struct dcap_pck *p)
{
	uint64_t type;

	switch (arc) {
	case 1:
		take_fixed(item, p->ppid, sizeof(p->ppid));
		break;
	case 2:
		read_tcb(item, p);
		break;
	case 3:
		take_fixed(item, p->pce_id, sizeof(p->pce_id));
		break;
	case 4:
		take_fixed(item, p->fmspc, sizeof(p->fmspc));
		break;
	case 5:
		type = der_enumerated(item);
		if (type > UINT16_MAX)
			cur_spoil(item);
		p->sgx_type = (unsigned)type;
		break;
	case 6:
		take_fixed(item, p->instance_id, sizeof(p->instance_id));
		p->has_instance_id = true;
		break;
	case 7:
		read_config(item, p);
		break;
	default:
		cur_spoil(item);
		break;
	}
}

RC dcap_pck_parse(struct slice extension, struct dcap_pck *out, struct why *w)
{
	struct dcap_pck p = {0};
	struct msg m;
	struct cur c = cur_open(&m, extension), all = der_enter(&c, DER_SEQUENCE);
	unsigned have = 0;

	while (cur_more(&all)) {
		struct cur item = der_enter(&all, DER_SEQUENCE);
		unsigned arc = last_arc(der_oid(&item), OID_SGX);

		if (arc == 0 || arc > 7) {
			cur_spoil(&item);
			break;
		}
		once(&item, &have, 1u << (arc - 1));
		read_member(&item, arc, &p);
		der_leave(&item);
	}
	der_leave(&all);
	TRY(cur_end(&c, w, "dcap.parse.pck", "the SGX extension of a PCK certificate"));
	if ((have & HAVE_REQUIRED) != HAVE_REQUIRED)
		return deny(w, E_MALFORMED, "dcap.parse.pck", "the SGX extension lacks a member (found mask 0x%x)", have);
	*out = p;
	return rc_of(OK);
}

/* ---- chains ---- */

static bool contains(struct slice text, const char *part)
{
	size_t n = strlen(part);

	for (size_t i = 0; i + n <= text.n; i++)
		if (memcmp(text.p + i, part, n) == 0)
			return true;
	return false;
}

static RC need_cn(const struct x509 *c, const char *part, struct why *w)
{
	struct slice cn = x509_subject_cn(c);

	if (contains(cn, part))
		return rc_of(OK);
	return deny(w, E_DENIED, "dcap.chain.role", "a certificate of \"" SLICE_FMT "\" stands where one of \"%s\" must",
		    SLICE_ARG(cn), part);
}

/* Trust in the root is asked later, of every verdict: here any root will do that signed itself. */
static bool any_root(const struct x509 *c, void *ctx)
{
	(void)ctx;
	return x509_self_issued(c);
}

static RC check_path(struct dcap_chain *ch, size_t want, struct why *w)
{
	struct x509_rules rules = {.no_time = true, .is_anchor = any_root};
	struct why inner = why_in(w ? w->arena : NULL);
	struct x509_path path = {0};
	enum x509_fault fault;
	rc r;

	if (ch->certs.n != want)
		return deny(w, E_DENIED, "dcap.chain.length", "the chain has %zu certificates, expected %zu", ch->certs.n, want);
	ch->leaf = ch->certs.v[0];
	r = x509_chain_verify(ch->leaf, &ch->certs, &rules, &path, &fault, &inner);
	if (!rc_ok(r))
		return deny(w, r.code == E_INTERNAL ? E_INTERNAL : E_DENIED, "dcap.chain", "%s (%s)", why_text(&inner),
			    why_reason(&inner));
	if (path.n != want)
		return deny(w, E_DENIED, "dcap.chain.length", "the path has %zu certificates, expected %zu", path.n, want);
	ch->root = path.cert[want - 1];
	ch->ca = want == 3 ? path.cert[1] : NULL;
	/* The pin is of the key; the rest of the root certificate is held by its own signature. */
	r = x509_signed_by(ch->root, ch->root, &rules.sig, &inner);
	if (!rc_ok(r))
		return deny(w, E_DENIED, "dcap.chain.root-signature", "the root is not signed by itself: %s", why_text(&inner));
	TRY(need_cn(ch->root, "SGX Root CA", w));
	return x509_spki_digest(ch->root, DIGEST_SHA256, ch->root_spki_sha256, w);
}

static RC all_p256(const struct dcap_chain *ch, struct why *w)
{
	for (size_t i = 0; i < ch->certs.n; i++) {
		const struct pkey *k;

		TRY(x509_key(ch->certs.v[i], &k, w));
		if (pkey_kind(k) != KEY_P256)
			return deny(w, E_DENIED, "dcap.chain.key", "a key of the chain is not on P-256");
	}
	return rc_of(OK);
}

static RC root_key_id(struct dcap_chain *ch, struct why *w)
{
	/* A P-256 SubjectPublicKeyInfo in DER ends with the uncompressed point. */
	struct slice spki = x509_spki(ch->root);

	if (spki.n < 65 || spki.p[spki.n - 65] != 4)
		return deny(w, E_DENIED, "dcap.chain.key", "the root's key is not an uncompressed point");
	return digest(DIGEST_SHA384, slice_sub(spki, spki.n - 65, 65), ch->root_key_id, w);
}

static RC read_pck(struct dcap_chain *ch, struct why *w)
{
	struct slice cn = x509_subject_cn(ch->ca), ext;

	TRY(need_cn(ch->leaf, "SGX PCK Certificate", w));
	if (contains(cn, "SGX PCK Platform CA"))
		ch->ca_kind = DCAP_CA_PLATFORM;
	else if (contains(cn, "SGX PCK Processor CA"))
		ch->ca_kind = DCAP_CA_PROCESSOR;
	else
		return need_cn(ch->ca, "SGX PCK Platform CA", w);
	if (!x509_extension(ch->leaf, OID_SGX, &ext, NULL))
		return deny(w, E_MALFORMED, "dcap.parse.pck", "the PCK certificate has no SGX extension");
	TRY(dcap_pck_parse(ext, &ch->pck, w));
	if ((ch->ca_kind == DCAP_CA_PLATFORM) != (ch->pck.has_instance_id && ch->pck.has_config) ||
	    (ch->ca_kind == DCAP_CA_PROCESSOR && (ch->pck.has_instance_id || ch->pck.has_config)))
		return deny(w, E_MALFORMED, "dcap.parse.pck",
			    "platform instance id and configuration belong to certificates of the Platform CA only");
	return root_key_id(ch, w);
}

static RC load(struct slice pem, size_t want, struct dcap_chain *ch, struct why *w)
{
	struct why inner = why_in(w ? w->arena : NULL);
	rc r = x509_bundle(pem, &ch->certs, &inner);

	if (!rc_ok(r))
		return deny(w, r.code, "dcap.parse.chain", "the certificates cannot be read: %s (%s)", why_text(&inner),
			    why_reason(&inner));
	TRY(check_path(ch, want, w));
	TRY(all_p256(ch, w));
	return want == 3 ? read_pck(ch, w) : need_cn(ch->leaf, "SGX TCB Signing", w);
}

static RC load_new(struct slice pem, size_t want, struct dcap_chain **out, struct why *w)
{
	struct dcap_chain *ch = calloc(1, sizeof(*ch));
	rc r;

	if (!ch)
		return deny(w, E_INTERNAL, "dcap.memory", "no memory for a certificate chain");
	r = load(pem, want, ch, w);
	if (!rc_ok(r)) {
		dcap_chain_free(ch);
		return r;
	}
	*out = ch;
	return r;
}

RC dcap_pck_chain_load(struct slice pem, struct dcap_chain **out, struct why *w)
{
	return load_new(pem, 3, out, w);
}

RC dcap_signing_chain_load(struct slice pem, struct dcap_chain **out, struct why *w)
{
	return load_new(pem, 2, out, w);
}

void dcap_chain_free(void *chain)
{
	struct dcap_chain *ch = chain;

	if (!ch)
		return;
	x509_list_free(&ch->certs);
	free(ch);
}
