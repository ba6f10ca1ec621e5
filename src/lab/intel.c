/* intel.c - Intel's root and what hangs from it: authorities of platforms, the signer of documents, documents and lists. */
#include "lab/intel.h"

#include "base/num.h"
#include "base/sys.h"
#include "codec/base64.h"
#include "lab/intel_int.h"
#include "lab/lab_x509.h"

#define DAY 86400
#define TAIL ",O=Lab,L=Santa Clara,ST=CA,C=US"

/* Serial numbers. */
enum { ROOT = 1, PLATFORM, PROCESSOR, SIGNING };

static const struct authority {
	const char *name, *subject;
	uint64_t serial;
	bool ca;
} authorities[] = {
	{"root", "CN=Lab SGX Root CA" TAIL, ROOT, true},
	{"platform", "CN=Lab Intel SGX PCK Platform CA" TAIL, PLATFORM, true},
	{"processor", "CN=Lab Intel SGX PCK Processor CA" TAIL, PROCESSOR, true},
	{"signing", "CN=Lab SGX TCB Signing" TAIL, SIGNING, false},
};

static const struct authority *authority_of(enum lab_intel_authority by)
{
	return &authorities[by];
}

static struct slice key_of(const struct lab_world *l, const char *name, struct arena *a)
{
	return lab_item(l, arena_printf(a, "%s.key", name));
}

/* ---- certificates ---- */

static RC make_authorities(const struct lab_options *o, struct arena *a, struct lab_world *out, struct why *w)
{
	struct slice root = {0};

	for (size_t i = 0; i < COUNT_OF(authorities); i++) {
		const struct authority *n = &authorities[i];
		struct slice key, der;

		TRY(lab_key_new(LAB_P256, a, &key, w));
		root = i ? root : key;
		struct lab_cert c = {.subject = n->subject, .issuer = authorities[0].subject, .serial = n->serial, .from_s = o->now_s - DAY,
				     .to_s = o->now_s + 365 * DAY, .key = key, .signer = root, .ca = n->ca};
		TRY(lab_cert(&c, a, &der, w));
		lab_add(out, arena_printf(a, "%s.key", n->name), key);
		lab_add(out, arena_printf(a, "%s.pem", n->name), lab_pem("CERTIFICATE", der, a))->anchor = i ? NULL : "intel-sgx-root";
	}
	return rc_of(OK);
}

static struct slice chain(const struct lab_world *l, const char *leaf, struct arena *a)
{
	struct buf b = buf_in(a, 0);

	buf_slice(&b, lab_item(l, arena_printf(a, "%s.pem", leaf)));
	buf_slice(&b, lab_item(l, "root.pem"));
	return buf_view(&b);
}

struct slice lab_intel_signing_chain(const struct lab_world *l, struct arena *a)
{
	return chain(l, "signing", a);
}

struct slice lab_intel_pck_chain(const struct lab_world *l, enum lab_intel_authority by, struct arena *a)
{
	return chain(l, authority_of(by)->name, a);
}

rc lab_intel_issue_pck(const struct lab_world *l, enum lab_intel_authority by, int64_t now_s, struct slice extension, struct arena *a,
		       struct slice *pem, struct why *w)
{
	const struct authority *n = authority_of(by);
	const struct lab_ext ext = {.oid = "1.2.840.113741.1.13.1", .value = extension};
	struct lab_cert c = {.subject = "CN=Lab SGX PCK Certificate" TAIL, .issuer = n->subject, .serial = LAB_PCK_SERIAL,
			     .from_s = now_s - DAY, .to_s = now_s + 365 * DAY, .key = lab_item(l, "pck.key"), .signer = key_of(l, n->name, a),
			     .ext = &ext, .ext_n = 1};
	struct slice der;

	TRY(lab_cert(&c, a, &der, w));
	*pem = lab_pem("CERTIFICATE", der, a);
	return rc_of(OK);
}

rc lab_intel_crl(const struct lab_world *l, const struct lab_intel_crl *c, struct arena *a, struct slice *out, struct why *w)
{
	const struct authority *n = authority_of(c->by);
	uint64_t serials[3];
	struct lab_crl crl = {.issuer = n->subject, .signer = key_of(l, n->name, a), .number = c->number, .this_s = c->dates.from_s,
			      .next_s = c->dates.to_s, .revoked = serials};

	if (c->revoke && c->by == LAB_INTEL_ROOT) {
		serials[crl.revoked_n++] = PLATFORM;
		serials[crl.revoked_n++] = PROCESSOR;
	} else if (c->revoke) {
		serials[crl.revoked_n++] = LAB_PCK_SERIAL;
	}
	if (c->revoke_signer)
		serials[crl.revoked_n++] = SIGNING;
	return lab_crl(&crl, a, out, w);
}

/* ---- documents ---- */

#define ZERO16 "00000000000000000000000000000000"
#define ZERO48 ZERO16 ZERO16 ZERO16

/* Sixteen components. */
static struct json *components(struct arena *a, const uint8_t *svn)
{
	struct json *list = json_new_array(a);

	for (size_t i = 0; i < 16; i++) {
		struct json *c = json_new_object(a);

		json_set(a, c, "svn", json_new_u64(a, svn[i]));
		json_push(a, list, c);
	}
	return list;
}

static void set_state(struct arena *a, struct json *level, const char *date, const char *status, const char *advisory)
{
	struct json *list = json_new_array(a);

	json_set(a, level, "tcbDate", json_new_cstr(a, date));
	json_set(a, level, "tcbStatus", json_new_cstr(a, status));
	if (advisory)
		json_push(a, list, json_new_cstr(a, advisory));
	json_set(a, level, "advisoryIDs", list);
}

static struct json *svn_level(struct arena *a, uint64_t isvsvn, const char *date, const char *status, const char *advisory)
{
	struct json *level = json_new_object(a), *tcb = json_new_object(a);

	json_set(a, tcb, "isvsvn", json_new_u64(a, isvsvn));
	json_set(a, level, "tcb", tcb);
	set_state(a, level, date, status, advisory);
	return level;
}

/* What the good platform reaches, what one update behind reaches, and what nobody should run. */
static struct json *platform_levels(struct arena *a, bool tdx)
{
	static const struct {
		uint8_t sgx, tdx;
		uint64_t pcesvn;
		const char *date, *status, *advisory;
	} rows[] = {
		{7, 6, 13, "2026-03-11T00:00:00Z", "UpToDate", NULL},
		{6, 5, 13, "2025-08-13T00:00:00Z", "SWHardeningNeeded", "INTEL-SA-00615"},
		{5, 4, 13, "2025-03-12T00:00:00Z", "ConfigurationNeeded", "INTEL-SA-00657"},
		{3, 3, 11, "2024-03-13T00:00:00Z", "OutOfDate", "INTEL-SA-00837"},
		{1, 1, 5, "2019-05-15T00:00:00Z", "Revoked", "INTEL-SA-00233"},
	};
	struct json *list = json_new_array(a);

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct json *level = json_new_object(a), *tcb = json_new_object(a);
		uint8_t sgx[16] = {0}, td[16] = {0};

		memset(sgx, rows[i].sgx, 8);
		memset(td, rows[i].tdx, 3);
		json_set(a, tcb, "sgxtcbcomponents", components(a, sgx));
		json_set(a, tcb, "pcesvn", json_new_u64(a, rows[i].pcesvn));
		if (tdx)
			json_set(a, tcb, "tdxtcbcomponents", components(a, td));
		json_set(a, level, "tcb", tcb);
		set_state(a, level, rows[i].date, rows[i].status, rows[i].advisory);
		json_push(a, list, level);
	}
	return list;
}

static struct json *module(struct arena *a, const char *id)
{
	struct json *m = json_new_object(a), *levels = json_new_array(a);

	if (id)
		json_set(a, m, "id", json_new_cstr(a, id));
	json_set(a, m, "mrsigner", json_new_cstr(a, ZERO48));
	json_set(a, m, "attributes", json_new_cstr(a, "0000000000000000"));
	json_set(a, m, "attributesMask", json_new_cstr(a, "ffffffffffffffff"));
	if (!id)
		return m;
	json_push(a, levels, svn_level(a, 7, "2026-03-11T00:00:00Z", "UpToDate", NULL));
	json_push(a, levels, svn_level(a, 4, "2025-01-15T00:00:00Z", "OutOfDate", "INTEL-SA-01036"));
	json_push(a, levels, svn_level(a, 1, "2023-02-15T00:00:00Z", "Revoked", "INTEL-SA-00900"));
	json_set(a, m, "tcbLevels", levels);
	return m;
}

static void set_dates(struct arena *a, struct json *body, struct lab_dates d)
{
	char from[32], to[32];

	time_rfc3339(d.from_s, from);
	time_rfc3339(d.to_s, to);
	json_set(a, body, "issueDate", json_new_cstr(a, from));
	json_set(a, body, "nextUpdate", json_new_cstr(a, to));
}

/* The signature covers the bytes of the member, so they are written once and put where they belong. */
static RC seal(const struct lab_world *l, const char *member, struct json *body, const struct json *with, struct arena *a,
	       struct slice *out, struct why *w)
{
	struct slice text, sig;
	struct buf b = buf_in(a, 0);

	for (size_t i = 0; with && i < with->n; i++)
		json_set_slice(a, body, with->members[i].name, with->members[i].value);
	text = json_text(a, body);
	TRY(lab_sign(lab_item(l, "signing.key"), LAB_ECDSA, DIGEST_SHA256, text, a, &sig, w));
	buf_printf(&b, "{\"%s\":", member);
	buf_slice(&b, text);
	buf_puts(&b, ",\"signature\":\"");
	hex_write(&b, sig);
	buf_puts(&b, "\"}");
	*out = buf_view(&b);
	return arena_bad(a) ? lab_failed(w, member) : rc_of(OK);
}

rc lab_intel_tcb_info(const struct lab_world *l, bool tdx, const char *fmspc, struct lab_dates d, const struct json *with, struct arena *a,
		      struct slice *out, struct why *w)
{
	struct json *body = json_new_object(a), *modules = json_new_array(a);

	json_set(a, body, "id", json_new_cstr(a, tdx ? "TDX" : "SGX"));
	json_set(a, body, "version", json_new_u64(a, 3));
	set_dates(a, body, d);
	json_set(a, body, "fmspc", json_new_cstr(a, fmspc));
	json_set(a, body, "pceId", json_new_cstr(a, "0000"));
	json_set(a, body, "tcbType", json_new_u64(a, 0));
	json_set(a, body, "tcbEvaluationDataNumber", json_new_u64(a, 21));
	if (tdx) {
		json_set(a, body, "tdxModule", module(a, NULL));
		json_push(a, modules, module(a, "TDX_03"));
		json_push(a, modules, module(a, "TDX_01"));
		json_set(a, body, "tdxModuleIdentities", modules);
	}
	json_set(a, body, "tcbLevels", platform_levels(a, tdx));
	return seal(l, "tcbInfo", body, with, a, out, w);
}

rc lab_intel_qe_identity(const struct lab_world *l, bool tdx, struct lab_dates d, const struct json *with, struct arena *a,
			 struct slice *out, struct why *w)
{
	struct json *body = json_new_object(a), *levels = json_new_array(a);

	json_set(a, body, "id", json_new_cstr(a, tdx ? "TD_QE" : "QE"));
	json_set(a, body, "version", json_new_u64(a, 2));
	set_dates(a, body, d);
	json_set(a, body, "tcbEvaluationDataNumber", json_new_u64(a, 21));
	json_set(a, body, "miscselect", json_new_cstr(a, "00000000"));
	json_set(a, body, "miscselectMask", json_new_cstr(a, "ffffffff"));
	json_set(a, body, "attributes", json_new_cstr(a, "11000000000000000000000000000000"));
	json_set(a, body, "attributesMask", json_new_cstr(a, "fbffffffffffffff0000000000000000"));
	json_set(a, body, "mrsigner", json_new_cstr(a, LAB_QE_SIGNER));
	json_set(a, body, "isvprodid", json_new_u64(a, tdx ? 2 : 1));
	json_push(a, levels, svn_level(a, 8, "2026-03-11T00:00:00Z", "UpToDate", NULL));
	json_push(a, levels, svn_level(a, 6, "2024-11-13T00:00:00Z", "OutOfDate", "INTEL-SA-00828"));
	json_push(a, levels, svn_level(a, 1, "2019-11-13T00:00:00Z", "Revoked", "INTEL-SA-00219"));
	json_set(a, body, "tcbLevels", levels);
	return seal(l, "enclaveIdentity", body, with, a, out, w);
}

/* ---- the world ---- */

static void add_collateral(struct lab_world *out, const char *file, const char *kind, const char *key, struct slice bytes)
{
	struct lab_item *i = lab_add(out, file, bytes);

	i->kind = kind;
	i->key = key;
}

static RC add_documents(struct lab_world *out, bool tdx, struct lab_dates d, struct arena *a, struct why *w)
{
	struct slice info, qe, signers = lab_intel_signing_chain(out, a);

	TRY(lab_intel_tcb_info(out, tdx, LAB_FMSPC, d, NULL, a, &info, w));
	TRY(lab_intel_qe_identity(out, tdx, d, NULL, a, &qe, w));
	add_collateral(out, tdx ? "tdx-tcb-info.json" : "sgx-tcb-info.json", "intel-tcb-info", tdx ? "tdx/" LAB_FMSPC : "sgx/" LAB_FMSPC, info);
	add_collateral(out, tdx ? "tdx-tcb-info-chain.pem" : "sgx-tcb-info-chain.pem", "intel-tcb-info-chain",
		       tdx ? "tdx/" LAB_FMSPC : "sgx/" LAB_FMSPC, signers);
	add_collateral(out, tdx ? "td-qe-identity.json" : "qe-identity.json", "intel-qe-identity", tdx ? "tdx" : "sgx", qe);
	add_collateral(out, tdx ? "td-qe-identity-chain.pem" : "qe-identity-chain.pem", "intel-qe-identity-chain", tdx ? "tdx" : "sgx",
		       signers);
	return rc_of(OK);
}

rc lab_intel_make(const struct lab_options *o, struct arena *a, struct lab_world *out, struct why *w)
{
	static const struct {
		enum lab_intel_authority by;
		const char *file, *kind, *key;
	} lists[] = {
		{LAB_INTEL_ROOT, "root-crl.der", "intel-root-crl", ""},
		{LAB_INTEL_PLATFORM, "platform-crl.der", "intel-pck-crl", "platform"},
		{LAB_INTEL_PROCESSOR, "processor-crl.der", "intel-pck-crl", "processor"},
	};
	struct lab_dates d = {o->now_s - DAY, o->now_s + 30 * DAY};
	struct slice key;

	TRY(make_authorities(o, a, out, w));
	TRY(lab_key_new(LAB_P256, a, &key, w));
	lab_add(out, "pck.key", key);
	TRY(lab_key_new(LAB_P256, a, &key, w));
	lab_add(out, "attestation.key", key);
	for (size_t i = 0; i < COUNT_OF(lists); i++) {
		const struct lab_intel_crl c = {.by = lists[i].by, .number = 1, .dates = d};
		struct slice der;

		TRY(lab_intel_crl(out, &c, a, &der, w));
		add_collateral(out, lists[i].file, lists[i].kind, lists[i].key, der);
	}
	TRY(add_documents(out, false, d, a, w));
	return add_documents(out, true, d, a, w);
}
