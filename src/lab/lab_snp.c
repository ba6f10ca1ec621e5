#include "lab/lab_snp.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"
#include "codec/base64.h"
#include "evidence/snp.h"

#define OID_AMD "1.3.6.1.4.1.3704.1."
#define DAY	86400

struct lab_snp {
	enum snp_generation generation;
	EVP_PKEY *ark_key, *ask_key, *vcek_key;
	X509 *ark, *ask, *vcek;
	uint8_t chip[64];
	uint8_t tcb[8];	/* as in the report */
};

/* Where each field stands. */
static const struct field {
	const char *name;
	uint16_t at, n;
} layout[] = {
	{"version", 0x00, 4},		 {"guest_svn", 0x04, 4},	  {"policy", 0x08, 8},		   {"family_id", 0x10, 16},
	{"image_id", 0x20, 16},		 {"vmpl", 0x30, 4},		  {"signature_algorithm", 0x34, 4}, {"current_tcb", 0x38, 8},
	{"platform_info", 0x40, 8},	 {"key_info", 0x48, 4},		  {"report_data", 0x50, 64},	   {"measurement", 0x90, 48},
	{"host_data", 0xc0, 32},	 {"id_key_digest", 0xe0, 48},	  {"author_key_digest", 0x110, 48}, {"report_id", 0x140, 32},
	{"report_id_ma", 0x160, 32},	 {"reported_tcb", 0x180, 8},	  {"cpuid_family", 0x188, 1},	   {"cpuid_model", 0x189, 1},
	{"cpuid_stepping", 0x18a, 1},	 {"chip_id", 0x1a0, 64},	  {"committed_tcb", 0x1e0, 8},	   {"launch_tcb", 0x1f0, 8},
};

const char *lab_snp_field(size_t i)
{
	return i < COUNT_OF(layout) ? layout[i].name : NULL;
}

static RC broken(struct why *w, const char *what)
{
	return deny(w, E_INTERNAL, "lab.openssl", "OpenSSL does not make %s", what);
}

/* ---- certificates ---- */

static bool name_of(X509_NAME *n, const char *cn)
{
	static const char *const rdn[][2] = {{"OU", "Engineering"}, {"C", "US"}, {"L", "Santa Clara"}, {"ST", "CA"}, {"O", "Lab"}};
	bool ok = true;

	for (size_t i = 0; i < COUNT_OF(rdn); i++)
		ok = ok && X509_NAME_add_entry_by_txt(n, rdn[i][0], MBSTRING_ASC, (const unsigned char *)rdn[i][1], -1, -1, 0);
	return ok && X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_ASC, (const unsigned char *)cn, -1, -1, 0);
}

static bool sign_pss(EVP_MD_CTX *c, EVP_PKEY *key)
{
	EVP_PKEY_CTX *pc;

	return c && EVP_DigestSignInit(c, &pc, EVP_sha384(), NULL, key) == 1 &&
	       EVP_PKEY_CTX_set_rsa_padding(pc, RSA_PKCS1_PSS_PADDING) > 0 && EVP_PKEY_CTX_set_rsa_pss_saltlen(pc, RSA_PSS_SALTLEN_DIGEST) > 0;
}

static bool add_ext(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	bool ok = e && X509_add_ext(x, e, -1);

	X509_EXTENSION_free(e);
	return ok;
}

/* An extension of AMD's: the value stands as it is in the OCTET STRING. */
static bool add_amd(X509 *x, const char *oid, const uint8_t *p, size_t n)
{
	ASN1_OBJECT *o = OBJ_txt2obj(oid, 1);
	ASN1_OCTET_STRING *v = ASN1_OCTET_STRING_new();
	X509_EXTENSION *e = o && v && ASN1_OCTET_STRING_set(v, p, (int)n) ? X509_EXTENSION_create_by_OBJ(NULL, o, 0, v) : NULL;
	bool ok = e && X509_add_ext(x, e, -1);

	X509_EXTENSION_free(e);
	ASN1_OCTET_STRING_free(v);
	ASN1_OBJECT_free(o);
	return ok;
}

/* DER INTEGER of 0 to 255. */
static bool add_part(X509 *x, const char *oid, uint8_t v)
{
	const uint8_t der[] = {2, (uint8_t)(v >= 0x80 ? 2 : 1), 0, v}, small[] = {2, 1, v};

	return v >= 0x80 ? add_amd(x, oid, der, 4) : add_amd(x, oid, small, 3);
}

static X509 *begin(const char *subject, const char *issuer, long serial, EVP_PKEY *key, int64_t now_s)
{
	X509 *x = X509_new();
	bool ok = x && key && X509_set_version(x, X509_VERSION_3) && ASN1_INTEGER_set(X509_get_serialNumber(x), serial) &&
		  name_of(X509_get_subject_name(x), subject) && name_of(X509_get_issuer_name(x), issuer) &&
		  ASN1_TIME_set(X509_getm_notBefore(x), (time_t)(now_s - DAY)) &&
		  ASN1_TIME_set(X509_getm_notAfter(x), (time_t)(now_s + 365 * DAY)) && X509_set_pubkey(x, key);

	if (!ok) {
		X509_free(x);
		return NULL;
	}
	return x;
}

static bool finish(X509 *x, EVP_PKEY *signer)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	bool ok = x && sign_pss(c, signer) && X509_sign_ctx(x, c) > 0;

	EVP_MD_CTX_free(c);
	return ok;
}

static bool add_ca(X509 *x)
{
	return x && add_ext(x, NID_basic_constraints, "critical,CA:TRUE") && add_ext(x, NID_key_usage, "critical,keyCertSign,cRLSign");
}

static bool add_vcek(X509 *x, const struct lab_snp *l)
{
	bool turin = l->generation == SNP_TURIN;
	const uint8_t *t = turin ? l->tcb + 1 : l->tcb;	/* bootloader, tee; Turin has fmc before them */

	return x && add_part(x, OID_AMD "3.1", t[0]) && add_part(x, OID_AMD "3.2", t[1]) && add_part(x, OID_AMD "3.3", l->tcb[turin ? 3 : 6]) &&
	       add_part(x, OID_AMD "3.8", l->tcb[7]) && (!turin || add_part(x, OID_AMD "3.9", l->tcb[0])) &&
	       add_amd(x, OID_AMD "4", l->chip, turin ? 8 : 64);
}

static RC make_certificates(struct lab_snp *l, const struct lab_snp_options *o, struct why *w)
{
	const char *g = snp_generation_name(l->generation);
	size_t bits = o->rsa_bits ? o->rsa_bits : 4096;
	char ark[32], ask[32];

	(void)snprintf(ark, sizeof(ark), "ARK-%s", g);
	(void)snprintf(ask, sizeof(ask), "SEV-%s", g);
	l->ark_key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", bits);
	l->ask_key = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", bits);
	l->vcek_key = EVP_EC_gen("P-384");
	l->ark = begin(ark, ark, 1, l->ark_key, o->now_s);
	l->ask = begin(ask, ark, 2, l->ask_key, o->now_s);
	l->vcek = begin("SEV-VCEK", ask, 3, l->vcek_key, o->now_s);
	if (!add_ca(l->ark) || !finish(l->ark, l->ark_key))
		return broken(w, "the ARK");
	if (!add_ca(l->ask) || !finish(l->ask, l->ark_key))
		return broken(w, "the ASK");
	if (!add_vcek(l->vcek, l) || !finish(l->vcek, l->ask_key))
		return broken(w, "the VCEK");
	return rc_of(OK);
}

static RC set_up(struct lab_snp *l, const struct lab_snp_options *o, struct why *w)
{
	static const enum snp_generation all[] = {SNP_MILAN, SNP_GENOA, SNP_TURIN};
	static const uint8_t tcb[8] = {3, 1, 0, 0, 0, 0, 22, 72}, turin_tcb[8] = {1, 3, 2, 5, 0, 0, 0, 97};

	for (size_t i = 0; i < COUNT_OF(all); i++)
		if (strcmp(o->generation ? o->generation : "Genoa", snp_generation_name(all[i])) == 0)
			l->generation = all[i];
	if (l->generation == SNP_UNKNOWN)
		return deny(w, E_UNSUPPORTED, "lab.generation", "there is no generation \"%s\"", o->generation);
	memcpy(l->tcb, l->generation == SNP_TURIN ? turin_tcb : tcb, sizeof(tcb));
	for (size_t i = 0; i < sizeof(l->chip); i++)
		l->chip[i] = (uint8_t)(l->generation == SNP_TURIN && i >= 8 ? 0 : 0xc0 + i);
	return make_certificates(l, o, w);
}

rc lab_snp_new(const struct lab_snp_options *options, struct lab_snp **out, struct why *w)
{
	struct lab_snp *l = calloc(1, sizeof(*l));
	rc r = l ? set_up(l, options, w) : deny(w, E_INTERNAL, "lab.memory", "no memory");

	if (!rc_ok(r)) {
		lab_snp_free(l);
		return r;
	}
	*out = l;
	return r;
}

void lab_snp_free(struct lab_snp *l)
{
	if (!l)
		return;
	X509_free(l->ark);
	X509_free(l->ask);
	X509_free(l->vcek);
	EVP_PKEY_free(l->ark_key);
	EVP_PKEY_free(l->ask_key);
	EVP_PKEY_free(l->vcek_key);
	free(l);
}

static void put_pem(struct buf *b, const X509 *x)
{
	unsigned char *der = NULL;
	int n = i2d_X509(x, &der);
	struct slice text = n > 0 ? b64_text(b->arena, B64_STD, slice_of(der, (size_t)n)) : (struct slice){0};

	buf_puts(b, "-----BEGIN CERTIFICATE-----\n");
	for (size_t i = 0; i < text.n; i += 64) {
		buf_slice(b, slice_sub(text, i, 64));
		buf_putc(b, '\n');
	}
	buf_puts(b, "-----END CERTIFICATE-----\n");
	OPENSSL_free(der);
}

rc lab_snp_certificates(const struct lab_snp *l, struct arena *a, struct slice *ark, struct slice *chain, struct slice *vcek,
			struct why *w)
{
	struct buf root = buf_in(a, 0), both = buf_in(a, 0);
	unsigned char *der = NULL;
	int n = i2d_X509(l->vcek, &der);

	put_pem(&root, l->ark);
	put_pem(&both, l->ask);
	put_pem(&both, l->ark);
	*vcek = n > 0 ? arena_dup(a, slice_of(der, (size_t)n)) : (struct slice){0};
	OPENSSL_free(der);
	if (!vcek->p || !buf_ok(&root) || !buf_ok(&both))
		return broken(w, "certificates as text");
	*ark = buf_view(&root);
	*chain = buf_view(&both);
	return rc_of(OK);
}

static bool fill_crl(X509_CRL *c, const struct lab_snp *l, uint64_t number, int64_t from_s, int64_t to_s, bool revoke_ask)
{
	ASN1_TIME *t = ASN1_TIME_new();
	ASN1_INTEGER *i = ASN1_INTEGER_new();
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	X509_REVOKED *r = X509_REVOKED_new();
	bool ok = t && i && r && X509_CRL_set_version(c, X509_CRL_VERSION_2) &&
		  X509_CRL_set_issuer_name(c, X509_get_subject_name(l->ark)) && X509_CRL_set1_nextUpdate(c, ASN1_TIME_set(t, (time_t)to_s)) &&
		  X509_CRL_set1_lastUpdate(c, ASN1_TIME_set(t, (time_t)from_s)) && ASN1_INTEGER_set_uint64(i, number) &&
		  X509_CRL_add1_ext_i2d(c, NID_crl_number, i, 0, 0);

	if (ok && revoke_ask) {
		ok = X509_REVOKED_set_serialNumber(r, X509_get_serialNumber(l->ask)) && X509_REVOKED_set_revocationDate(r, t) &&
		     X509_CRL_add0_revoked(c, r);
		if (ok)
			r = NULL;
	}
	ok = ok && sign_pss(md, l->ark_key) && X509_CRL_sign_ctx(c, md) > 0;
	X509_REVOKED_free(r);
	EVP_MD_CTX_free(md);
	ASN1_INTEGER_free(i);
	ASN1_TIME_free(t);
	return ok;
}

rc lab_snp_crl(const struct lab_snp *l, uint64_t number, int64_t from_s, int64_t to_s, bool revoke_ask, struct arena *a,
	       struct slice *out, struct why *w)
{
	X509_CRL *c = X509_CRL_new();
	unsigned char *der = NULL;
	int n = c && fill_crl(c, l, number, from_s, to_s, revoke_ask) ? i2d_X509_CRL(c, &der) : -1;

	*out = n > 0 ? arena_dup(a, slice_of(der, (size_t)n)) : (struct slice){0};
	OPENSSL_free(der);
	X509_CRL_free(c);
	return out->p ? rc_of(OK) : broken(w, "a revocation list");
}

/* ---- reports ---- */

/* n is at most 8. */
static void put_le(uint8_t *p, size_t n, uint64_t v)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static const struct field *find_field(struct slice name)
{
	for (size_t i = 0; i < COUNT_OF(layout); i++)
		if (slice_is(name, layout[i].name))
			return &layout[i];
	return NULL;
}

static RC set_field(uint8_t *report, struct slice name, const struct json *v, struct why *w)
{
	const struct field *f = find_field(name);
	uint64_t number;

	if (!f)
		return deny(w, E_MALFORMED, "lab.field", "a report has no field \"" SLICE_FMT "\"", SLICE_ARG(slice_sub(name, 0, 64)));
	if (json_u64(v, &number)) {
		if (f->n > 8 || (f->n < 8 && number >> (8 * f->n)))
			return deny(w, E_MALFORMED, "lab.field", "%s has %u bytes: too few for the number, or give hex", f->name, f->n);
		put_le(report + f->at, f->n, number);
		return rc_of(OK);
	}
	if (!json_is(v, JSON_STRING) || v->text.n != 2u * f->n)
		return deny(w, E_MALFORMED, "lab.field", "%s takes a number, or %u hex digits", f->name, 2u * f->n);
	return hex_decode_into(v->text, report + f->at, f->n, f->name, w);
}

static void good_report(const struct lab_snp *l, uint8_t *r)
{
	static const uint8_t cpu[][2] = {[SNP_MILAN] = {0x19, 0x01}, [SNP_GENOA] = {0x19, 0x11}, [SNP_TURIN] = {0x1a, 0x02}};

	memset(r, 0, SNP_REPORT_SIZE);
	put_le(r, 4, 3);
	put_le(r + 0x08, 8, 0x30000);	/* SMT allowed, and the bit that must be set */
	put_le(r + 0x34, 4, 1);
	put_le(r + 0x40, 8, 1);		/* SMT */
	memset(r + 0x90, 0xa5, 48);
	memset(r + 0x140, 0x42, 32);
	r[0x188] = cpu[l->generation][0];
	r[0x189] = cpu[l->generation][1];
	memcpy(r + 0x1a0, l->chip, 64);
	memcpy(r + 0x38, l->tcb, 8);
	memcpy(r + 0x180, l->tcb, 8);
	memcpy(r + 0x1e0, l->tcb, 8);
	memcpy(r + 0x1f0, l->tcb, 8);
}

/* r and s, 72 bytes each, little endian. */
static RC sign_report(EVP_PKEY *key, uint8_t *r, struct why *w)
{
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	uint8_t der[128], be[48];
	const uint8_t *p = der;
	size_t n = sizeof(der);
	ECDSA_SIG *sig = NULL;
	bool ok = c && EVP_DigestSignInit(c, NULL, EVP_sha384(), NULL, key) == 1 && EVP_DigestSign(c, der, &n, r, SNP_SIGNED_SIZE) == 1;

	if (ok)
		sig = d2i_ECDSA_SIG(NULL, &p, (long)n);
	for (unsigned half = 0; sig && half < 2; half++) {
		ok = BN_bn2binpad(half ? ECDSA_SIG_get0_s(sig) : ECDSA_SIG_get0_r(sig), be, sizeof(be)) == sizeof(be) && ok;
		for (unsigned i = 0; i < sizeof(be); i++)
			r[0x2a0 + 72 * half + i] = be[sizeof(be) - 1 - i];
	}
	ok = ok && sig;
	ECDSA_SIG_free(sig);
	EVP_MD_CTX_free(c);
	return ok ? rc_of(OK) : broken(w, "a signature");
}

static RC set_and_sign(uint8_t *r, const struct json *fields, EVP_PKEY *key, struct slice *out, struct why *w)
{
	for (size_t i = 0; fields && i < fields->n; i++)
		TRY(set_field(r, fields->members[i].name, fields->members[i].value, w));
	TRY(sign_report(key, r, w));
	*out = slice_of(r, SNP_REPORT_SIZE);
	return rc_of(OK);
}

rc lab_snp_report(const struct lab_snp *l, const struct json *fields, struct arena *a, struct slice *out, struct why *w)
{
	uint8_t *r = arena_alloc(a, SNP_REPORT_SIZE);

	if (!r)
		return deny(w, E_INTERNAL, "lab.memory", "no memory");
	good_report(l, r);
	return set_and_sign(r, fields, l->vcek_key, out, w);
}

rc lab_snp_key(const struct lab_snp *l, struct arena *a, struct slice *pem, struct why *w)
{
	BIO *b = BIO_new(BIO_s_mem());
	char *p;
	long n = b && PEM_write_bio_PrivateKey(b, l->vcek_key, NULL, NULL, 0, NULL, NULL) ? BIO_get_mem_data(b, &p) : 0;

	*pem = n > 0 ? arena_dup(a, slice_of(p, (size_t)n)) : (struct slice){0};
	BIO_free(b);
	return pem->p ? rc_of(OK) : broken(w, "a key as text");
}

rc lab_snp_again(struct slice base, struct slice key_pem, const struct json *fields, struct arena *a, struct slice *out, struct why *w)
{
	BIO *b = BIO_new_mem_buf(key_pem.p, (int)key_pem.n);
	EVP_PKEY *key = b ? PEM_read_bio_PrivateKey(b, NULL, NULL, NULL) : NULL;
	uint8_t *r = arena_alloc(a, SNP_REPORT_SIZE);
	rc v;

	if (base.n != SNP_REPORT_SIZE || !key || !r) {
		v = deny(w, E_MALFORMED, "lab.report", "there is no report to begin with, or no key");
	} else {
		memcpy(r, base.p, SNP_REPORT_SIZE);
		v = set_and_sign(r, fields, key, out, w);
	}
	EVP_PKEY_free(key);
	BIO_free(b);
	return v;
}

/* ---- the guest's form ---- */

static void set_bytes(struct arena *a, struct json *o, const char *name, struct slice report, size_t at, size_t n)
{
	struct json *v = json_new_array(a);

	for (size_t i = 0; i < n; i++)
		json_push(a, v, json_new_u64(a, report.p[at + i]));
	json_set(a, o, name, v);
}

static void set_number(struct arena *a, struct json *o, const char *name, struct slice report, size_t at, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v |= (uint64_t)report.p[at + i] << (8 * i);
	json_set(a, o, name, json_new_u64(a, v));
}

static void set_tcb(struct arena *a, struct json *o, const char *name, struct slice report, size_t at, bool turin)
{
	struct json *t = json_new_object(a);

	if (turin)
		set_number(a, t, "fmc", report, at, 1);
	else
		json_set(a, t, "fmc", json_new_null(a));
	set_number(a, t, "bootloader", report, at + turin, 1);
	set_number(a, t, "tee", report, at + turin + 1, 1);
	set_number(a, t, "snp", report, at + (turin ? 3 : 6), 1);
	set_number(a, t, "microcode", report, at + 7, 1);
	json_set(a, o, name, t);
}

static void set_version(struct arena *a, struct json *o, const char *name, struct slice report, size_t at)
{
	struct json *v = json_new_object(a);

	set_number(a, v, "major", report, at + 2, 1);
	set_number(a, v, "minor", report, at + 1, 1);
	set_number(a, v, "build", report, at, 1);
	json_set(a, o, name, v);
}

rc lab_snp_evidence(struct slice report, struct arena *a, struct json **out, struct why *w)
{
	static const struct field numbers[] = {{"version", 0, 4}, {"guest_svn", 4, 4}, {"policy", 8, 8}, {"vmpl", 0x30, 4}, {"sig_algo", 0x34, 4},
					       {"plat_info", 0x40, 8}, {"key_info", 0x48, 4}, {"cpuid_fam_id", 0x188, 1},
					       {"cpuid_mod_id", 0x189, 1}, {"cpuid_step", 0x18a, 1}};
	static const struct field bytes[] = {{"family_id", 0x10, 16}, {"image_id", 0x20, 16}, {"report_data", 0x50, 64}, {"measurement", 0x90, 48},
					     {"host_data", 0xc0, 32}, {"id_key_digest", 0xe0, 48}, {"author_key_digest", 0x110, 48},
					     {"report_id", 0x140, 32}, {"report_id_ma", 0x160, 32}, {"chip_id", 0x1a0, 64}};
	static const struct field tcbs[] = {{"current_tcb", 0x38, 8}, {"reported_tcb", 0x180, 8}, {"committed_tcb", 0x1e0, 8},
					    {"launch_tcb", 0x1f0, 8}};
	struct json *doc = json_new_object(a), *o = json_new_object(a), *sig = json_new_object(a);

	if (report.n != SNP_REPORT_SIZE)
		return deny(w, E_MALFORMED, "lab.report", "a report has %u bytes, not %zu", SNP_REPORT_SIZE, report.n);
	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		set_number(a, o, numbers[i].name, report, numbers[i].at, numbers[i].n);
	for (size_t i = 0; i < COUNT_OF(bytes); i++)
		set_bytes(a, o, bytes[i].name, report, bytes[i].at, bytes[i].n);
	for (size_t i = 0; i < COUNT_OF(tcbs); i++)
		set_tcb(a, o, tcbs[i].name, report, tcbs[i].at, report.p[0x188] == 0x1a);
	set_version(a, o, "current", report, 0x1e8);
	set_version(a, o, "committed", report, 0x1ec);
	json_set(a, o, "launch_mit_vector", json_new_null(a));
	json_set(a, o, "current_mit_vector", json_new_null(a));
	set_bytes(a, sig, "r", report, 0x2a0, 72);
	set_bytes(a, sig, "s", report, 0x2e8, 72);
	json_set(a, o, "signature", sig);
	json_set(a, doc, "attestation_report", o);
	json_set(a, doc, "cert_chain", json_new_null(a));
	*out = doc;
	return arena_bad(a) ? deny(w, E_INTERNAL, "lab.memory", "no memory") : rc_of(OK);
}
