#include "evidence/dcap_pck.h"

#include <stdlib.h>

#include "base/num.h"
#include "crypto/der.h"
#include "evidence/octets.h"

#define CHAIN_ARENA ((size_t)256 << 10)
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

static RC need_cn(const struct dcap_chain *ch, const struct x509 *c, const char *part, struct why *w)
{
	const char *cn = x509_subject_cn(c, ch->arena);

	if (cn && strstr(cn, part))
		return rc_of(OK);
	return deny(w, E_DENIED, "dcap.chain.role", "a certificate of \"%s\" stands where one of \"%s\" must", cn ? cn : "",
		    part);
}

/* Names, roles and signatures up to a root that signed itself. The pin is of the root's key: the rest of the root
 * certificate is held by that signature. */
static RC check_path(struct dcap_chain *ch, struct why *w)
{
	static const struct x509_rules rules = {.chain = "dcap.chain", .expired = "dcap.expired"};
	struct x509_path path;

	ch->leaf = ch->certs[0];
	TRY(x509_path_build(ch->leaf, ch->certs, ch->certs_n, &rules, &path, w));
	if (path.n != ch->certs_n)
		return deny(w, E_DENIED, "dcap.chain.length", "%zu certificates lead from leaf to root, expected %zu", path.n,
			    ch->certs_n);
	ch->root = path.c[path.n - 1];
	ch->ca = path.n == 3 ? path.c[1] : NULL;
	for (size_t i = 0; i < path.n; i++)
		if (!x509_key(path.c[i]) || pkey_kind(x509_key(path.c[i])) != KEY_P256)
			return deny(w, E_DENIED, "dcap.chain.key", "a key of the chain is not on P-256");
	return need_cn(ch, ch->root, "SGX Root CA", w);
}

static RC root_key_id(struct dcap_chain *ch, struct why *w)
{
	uint8_t point[65] = {4};
	struct slice x, y;

	TRY(pkey_ec_xy(x509_key(ch->root), ch->arena, &x, &y, w));
	if (x.n != 32 || y.n != 32)
		return deny(w, E_INTERNAL, "dcap.chain.key", "a P-256 coordinate has %zu bytes", x.n);
	memcpy(point + 1, x.p, 32);
	memcpy(point + 33, y.p, 32);
	return digest(DIGEST_SHA384, slice_of(point, sizeof(point)), ch->root_key_id, w);
}

static RC read_pck(struct dcap_chain *ch, struct why *w)
{
	const char *cn = x509_subject_cn(ch->ca, ch->arena);
	struct slice ext;
	bool platform_only;

	TRY(need_cn(ch, ch->leaf, "SGX PCK Certificate", w));
	if (cn && strstr(cn, "SGX PCK Platform CA"))
		ch->ca_kind = DCAP_CA_PLATFORM;
	else if (cn && strstr(cn, "SGX PCK Processor CA"))
		ch->ca_kind = DCAP_CA_PROCESSOR;
	else
		return need_cn(ch, ch->ca, "SGX PCK Platform CA", w);
	TRY(x509_ext(ch->leaf, ch->arena, OID_SGX, &ext, NULL, w));
	if (!ext.p)
		return deny(w, E_MALFORMED, "dcap.parse.pck", "the PCK certificate has no SGX extension");
	TRY(dcap_pck_parse(ext, &ch->pck, w));
	platform_only = ch->ca_kind == DCAP_CA_PLATFORM;
	if (ch->pck.has_instance_id != platform_only || ch->pck.has_config != platform_only)
		return deny(w, E_MALFORMED, "dcap.parse.pck",
			    "platform instance id and configuration belong to certificates of the Platform CA, and to no others");
	return root_key_id(ch, w);
}

static RC load(struct dcap_chain *ch, struct slice pem, size_t want, struct why *w)
{
	struct why inner = why_in(ch->arena);
	rc r = x509_list_from_pem(pem, ch->certs, COUNT_OF(ch->certs), &ch->certs_n, &inner);

	if (r.code == E_LIMIT || (rc_ok(r) && ch->certs_n != want))
		return deny(w, E_DENIED, "dcap.chain.length", "the chain must have %zu certificates", want);
	TRY(recast(r, &inner, "dcap.parse.chain", "dcap.chain.key", w));
	TRY(check_path(ch, w));
	return want == 3 ? read_pck(ch, w) : need_cn(ch, ch->leaf, "SGX TCB Signing", w);
}

static RC load_new(struct slice pem, size_t want, struct dcap_chain **out, struct why *w)
{
	struct dcap_chain *ch = calloc(1, sizeof(*ch));
	rc r;

	if (ch)
		ch->arena = arena_new(CHAIN_ARENA);
	if (!ch || !ch->arena) {
		dcap_chain_free(ch);
		return deny(w, E_INTERNAL, "dcap.memory", "no memory for a certificate chain");
	}
	r = load(ch, pem, want, w);
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
	x509_free_all(ch->certs, ch->certs_n);
	arena_free(ch->arena);
	free(ch);
}
