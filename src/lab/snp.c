/* snp.c - AMD's shape: ARK, ASK and ASVK, keys of a chip (VCEK) and of a cloud (VLEK), and reports of version 2 to 5. */
#include "lab/snp.h"

#include "base/num.h"
#include "codec/base64.h"
#include "crypto/der_write.h"
#include "evidence/snp.h"
#include "lab/lab_x509.h"
#include "lab/place.h"
#include "lab/shapes.h"

#define OID_AMD "1.3.6.1.4.1.3704.1."
#define DAY	86400
#define HEAD	"CN="
#define TAIL	",OU=Engineering,C=US,L=Santa Clara,ST=CA,O=Lab"

/* Serial numbers. */
enum { ARK = 1, ASK, ASVK, VCEK, VLEK };

static const enum snp_generation generations[] = {SNP_GENOA, SNP_MILAN, SNP_TURIN};

static enum snp_generation generation_of(const struct lab_world *l)
{
	struct slice name = lab_item(l, "generation.txt");

	for (size_t i = 0; i < COUNT_OF(generations); i++)
		if (slice_is(name, snp_generation_name(generations[i])))
			return generations[i];
	return SNP_UNKNOWN;
}

const char *lab_snp_generation(const struct lab_world *l, struct arena *a)
{
	return arena_strdup(a, snp_generation_name(generation_of(l)));
}

/* What the chip runs when nothing else is chosen. */
static void good_tcb(enum snp_generation g, uint8_t out[8])
{
	static const uint8_t tcb[8] = {3, 1, 0, 0, 0, 0, 22, 72}, turin[8] = {1, 3, 2, 5, 0, 0, 0, 97};

	memcpy(out, g == SNP_TURIN ? turin : tcb, 8);
}

static void good_chip(enum snp_generation g, uint8_t out[64])
{
	for (size_t i = 0; i < 64; i++)
		out[i] = (uint8_t)(g == SNP_TURIN && i >= 8 ? 0 : 0xc0 + i);
}

/* ---- certificates ---- */

static const char *name_of(const struct lab_world *l, struct arena *a, unsigned serial)
{
	const char *g = snp_generation_name(generation_of(l));

	switch (serial) {
	case ARK:
		return arena_printf(a, HEAD "ARK-%s" TAIL, g);
	case ASK:
		return arena_printf(a, HEAD "SEV-%s" TAIL, g);
	case ASVK:
		return arena_printf(a, HEAD "SEV-VLEK-%s" TAIL, g);
	case VCEK:
		return HEAD "SEV-VCEK" TAIL;
	default:
		return HEAD "SEV-VLEK" TAIL;
	}
}

static RC make_authority(const struct lab_options *o, unsigned serial, const char *file, struct arena *a, struct lab_world *out, struct why *w)
{
	struct lab_cert c = {.subject = name_of(out, a, serial), .issuer = name_of(out, a, ARK), .serial = serial, .from_s = o->now_s - DAY,
			     .to_s = o->now_s + 365 * DAY, .pss = true, .hash = DIGEST_SHA384, .ca = true};
	struct slice der;

	TRY(lab_key_new(o->small_keys ? LAB_RSA2048 : LAB_RSA4096, a, &c.key, w));
	c.signer = serial == ARK ? c.key : lab_item(out, "ark.key");
	TRY(lab_cert(&c, a, &der, w));
	lab_add(out, arena_printf(a, "%s.key", file), c.key);
	lab_add(out, arena_printf(a, "%s.pem", file), lab_pem("CERTIFICATE", der, a))->anchor = serial == ARK ? "amd-ark" : NULL;
	return rc_of(OK);
}

/* The TCB that the key is derived for, a number each, and whose key it is: of a chip, or of a cloud. */
static size_t vek_extensions(const struct lab_world *l, bool vlek, struct slice chip, struct slice tcb, struct arena *a,
			     struct lab_ext ext[6])
{
	bool turin = generation_of(l) == SNP_TURIN;
	const uint8_t *t = tcb.p;
	size_t n = 0;

	ext[n++] = (struct lab_ext){.oid = OID_AMD "3.1", .value = der_put_u64(a, DER_INTEGER, t[turin ? 1 : 0])};
	ext[n++] = (struct lab_ext){.oid = OID_AMD "3.2", .value = der_put_u64(a, DER_INTEGER, t[turin ? 2 : 1])};
	ext[n++] = (struct lab_ext){.oid = OID_AMD "3.3", .value = der_put_u64(a, DER_INTEGER, t[turin ? 3 : 6])};
	ext[n++] = (struct lab_ext){.oid = OID_AMD "3.8", .value = der_put_u64(a, DER_INTEGER, t[7])};
	if (turin)
		ext[n++] = (struct lab_ext){.oid = OID_AMD "3.9", .value = der_put_u64(a, DER_INTEGER, t[0])};
	if (vlek)
		ext[n++] = (struct lab_ext){.oid = OID_AMD "5", .value = der_put_text(a, DER_IA5, "lab")};
	else	/* as it is, without a DER element around it */
		ext[n++] = (struct lab_ext){.oid = OID_AMD "4", .value = slice_sub(chip, 0, turin ? 8 : 64)};
	return n;
}

static RC issue_vek(const struct lab_world *l, bool vlek, struct slice chip, struct slice tcb, int64_t now_s, struct arena *a,
		    struct slice *der, struct why *w)
{
	struct lab_ext ext[6];
	struct lab_cert c = {.subject = name_of(l, a, vlek ? VLEK : VCEK), .issuer = name_of(l, a, vlek ? ASVK : ASK),
			     .serial = vlek ? VLEK : VCEK, .from_s = now_s - DAY, .to_s = now_s + 365 * DAY,
			     .key = lab_item(l, vlek ? "vlek.key" : "vcek.key"), .signer = lab_item(l, vlek ? "asvk.key" : "ask.key"),
			     .pss = true, .hash = DIGEST_SHA384, .ext = ext};

	c.ext_n = vek_extensions(l, vlek, chip, tcb, a, ext);
	return lab_cert(&c, a, der, w);
}

rc lab_snp_vcek(const struct lab_world *l, struct slice chip, struct slice tcb, int64_t now_s, struct arena *a, struct slice *der,
		struct why *w)
{
	return issue_vek(l, false, chip, tcb, now_s, a, der, w);
}

struct slice lab_snp_chain(const struct lab_world *l, bool vlek, struct arena *a)
{
	struct buf b = buf_in(a, 0);

	buf_slice(&b, lab_item(l, vlek ? "asvk.pem" : "ask.pem"));
	buf_slice(&b, lab_item(l, "ark.pem"));
	return buf_view(&b);
}

rc lab_snp_crl(const struct lab_world *l, uint64_t number, int64_t from_s, int64_t to_s, bool revoke, struct arena *a, struct slice *der,
	       struct why *w)
{
	static const uint64_t revoked[] = {ASK, ASVK};
	const struct lab_crl c = {.issuer = name_of(l, a, ARK), .signer = lab_item(l, "ark.key"), .number = number, .this_s = from_s,
				  .next_s = to_s, .revoked = revoked, .revoked_n = revoke ? COUNT_OF(revoked) : 0, .pss = true};

	return lab_crl(&c, a, der, w);
}

/* ---- the world ---- */

static void add_collateral(struct lab_world *out, const char *file, const char *kind, const char *key, struct slice bytes)
{
	struct lab_item *i = lab_add(out, file, bytes);

	i->kind = kind;
	i->key = key;
}

static RC make(const struct lab_options *o, struct arena *a, struct lab_world *out, struct why *w)
{
	const char *g = o->variant ? o->variant : "Genoa", *vlek = arena_printf(a, "%s/vlek", g);
	uint8_t chip[64], tcb[8];
	struct slice key, vek[2], crl;

	lab_add(out, "generation.txt", slice_cstr(g));
	TRY(make_authority(o, ARK, "ark", a, out, w));
	TRY(make_authority(o, ASK, "ask", a, out, w));
	TRY(make_authority(o, ASVK, "asvk", a, out, w));
	TRY(lab_key_new(LAB_P384, a, &key, w));
	lab_add(out, "vcek.key", key);
	TRY(lab_key_new(LAB_P384, a, &key, w));
	lab_add(out, "vlek.key", key);
	good_tcb(generation_of(out), tcb);
	good_chip(generation_of(out), chip);
	for (unsigned i = 0; i < 2; i++)
		TRY(issue_vek(out, i == 1, slice_of(chip, 64), slice_of(tcb, 8), o->now_s, a, &vek[i], w));
	TRY(lab_snp_crl(out, 1, o->now_s - DAY, o->now_s + 30 * DAY, false, a, &crl, w));
	add_collateral(out, "vcek.der", "amd-vcek", "", vek[0]);	/* for any: drivers take it so */
	add_collateral(out, "vlek.der", "amd-vlek", g, vek[1]);
	add_collateral(out, "cert_chain.pem", "amd-ask-ark", g, lab_snp_chain(out, false, a));
	add_collateral(out, "vlek_cert_chain.pem", "amd-ask-ark", vlek, lab_snp_chain(out, true, a));
	add_collateral(out, "crl.der", "amd-crl", g, crl);
	add_collateral(out, "vlek_crl.der", "amd-crl", vlek, crl);
	return arena_bad(a) ? lab_failed(w, "a world of SNP") : rc_of(OK);
}

/* ---- reports ---- */

static const struct lab_place places[] = {
	{"version", 0x00, 4},	      {"guest_svn", 0x04, 4},	     {"policy", 0x08, 8},	     {"family_id", 0x10, 16},
	{"image_id", 0x20, 16},	      {"vmpl", 0x30, 4},	     {"signature_algorithm", 0x34, 4}, {"current_tcb", 0x38, 8},
	{"platform_info", 0x40, 8},   {"key_info", 0x48, 4},	     {"report_data", 0x50, 64},	     {"measurement", 0x90, 48},
	{"host_data", 0xc0, 32},      {"id_key_digest", 0xe0, 48},   {"author_key_digest", 0x110, 48}, {"report_id", 0x140, 32},
	{"report_id_ma", 0x160, 32},  {"reported_tcb", 0x180, 8},    {"cpuid", 0x188, 3},	     {"chip_id", 0x1a0, 64},
	{"committed_tcb", 0x1e0, 8},  {"current_version", 0x1e8, 3}, {"committed_version", 0x1ec, 3}, {"launch_tcb", 0x1f0, 8},
	{"launch_mitigations", 0x1f8, 8}, {"current_mitigations", 0x200, 8},
};

/* What depends on the generation and the version, and is not a number that the fields name. */
static void begin_report(const struct lab_world *l, const struct json *fields, uint8_t *r)
{
	static const uint8_t cpu[][2] = {[SNP_MILAN] = {0x19, 0x01}, [SNP_GENOA] = {0x19, 0x11}, [SNP_TURIN] = {0x1a, 0x02}};
	static const uint16_t tcbs[] = {0x38, 0x180, 0x1e0, 0x1f0};
	enum snp_generation g = generation_of(l);

	for (size_t i = 0; i < COUNT_OF(tcbs); i++)
		good_tcb(g, r + tcbs[i]);
	if (lab_number(fields, "version") >= 3)
		memcpy(r + 0x188, cpu[g], 2);
	/* a cloud's key does not name a chip */
	if (!slice_is(lab_text(fields, "signing_key"), "vlek"))
		good_chip(g, r + 0x1a0);
}

/* r and s, 72 bytes each, little endian. */
static RC sign_report(struct slice key, uint8_t *r, struct arena *a, struct why *w)
{
	struct slice sig;

	TRY(lab_sign(key, LAB_ECDSA, DIGEST_SHA384, slice_of(r, SNP_SIGNED_SIZE), a, &sig, w));
	for (size_t i = 0; i < 48; i++) {
		r[0x2a0 + i] = sig.p[47 - i];
		r[0x2e8 + i] = sig.p[95 - i];
	}
	return rc_of(OK);
}

static RC make_report(const struct lab_world *l, const struct lab_binding *b, const struct json *fields, struct arena *a, uint8_t **out,
		      struct why *w)
{
	bool vlek = slice_is(lab_text(fields, "signing_key"), "vlek");
	uint8_t *r = arena_alloc(a, SNP_REPORT_SIZE);

	if (!r)
		return lab_failed(w, "a report");
	if (!vlek && !slice_is(lab_text(fields, "signing_key"), "vcek"))
		return deny(w, E_MALFORMED, "lab.field", "signing_key is vcek or vlek");
	begin_report(l, fields, r);
	TRY(lab_put_places(r, SNP_SIGNED_SIZE, places, COUNT_OF(places), fields, w));
	if (vlek)
		r[0x48] |= 1 << 2;
	lab_bind_field(r + 0x50, 64, "report_data", fields, b->report_data);
	lab_bind_field(r + 0xc0, 32, "host_data", fields, b->init_data);
	TRY(sign_report(lab_item(l, vlek ? "vlek.key" : "vcek.key"), r, a, w));
	*out = r;
	return rc_of(OK);
}

/* ---- the guest's form ---- */

static struct json *numbers_of(struct arena *a, const uint8_t *p, size_t n)
{
	struct json *v = json_new_array(a);

	for (size_t i = 0; i < n; i++)
		json_push(a, v, json_new_u64(a, p[i]));
	return v;
}

static struct json *number_of(struct arena *a, const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return json_new_u64(a, v);
}

static struct json *tcb_of(struct arena *a, const uint8_t *t, bool turin)
{
	struct json *o = json_new_object(a);

	json_set(a, o, "fmc", turin ? json_new_u64(a, t[0]) : json_new_null(a));
	json_set(a, o, "bootloader", json_new_u64(a, t[turin]));
	json_set(a, o, "tee", json_new_u64(a, t[turin + 1]));
	json_set(a, o, "snp", json_new_u64(a, t[turin ? 3 : 6]));
	json_set(a, o, "microcode", json_new_u64(a, t[7]));
	return o;
}

static struct json *version_of(struct arena *a, const uint8_t *v)
{
	struct json *o = json_new_object(a);

	json_set(a, o, "major", json_new_u64(a, v[2]));
	json_set(a, o, "minor", json_new_u64(a, v[1]));
	json_set(a, o, "build", json_new_u64(a, v[0]));
	return o;
}

static struct json *report_of(struct arena *a, const uint8_t *r, bool turin)
{
	static const struct lab_place numbers[] = {{"version", 0, 4}, {"guest_svn", 4, 4}, {"policy", 8, 8}, {"vmpl", 0x30, 4},
						   {"sig_algo", 0x34, 4}, {"plat_info", 0x40, 8}, {"key_info", 0x48, 4}};
	static const struct lab_place bytes[] = {
		{"family_id", 0x10, 16}, {"image_id", 0x20, 16}, {"report_data", 0x50, 64}, {"measurement", 0x90, 48},
		{"host_data", 0xc0, 32}, {"id_key_digest", 0xe0, 48}, {"author_key_digest", 0x110, 48}, {"report_id", 0x140, 32},
		{"report_id_ma", 0x160, 32}, {"chip_id", 0x1a0, 64}};
	static const struct lab_place tcbs[] = {{"current_tcb", 0x38, 8}, {"reported_tcb", 0x180, 8}, {"committed_tcb", 0x1e0, 8},
						{"launch_tcb", 0x1f0, 8}};
	static const char *const cpuid[] = {"cpuid_fam_id", "cpuid_mod_id", "cpuid_step"};
	struct json *o = json_new_object(a), *sig = json_new_object(a);

	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		json_set(a, o, numbers[i].name, number_of(a, r + numbers[i].at, numbers[i].n));
	for (size_t i = 0; i < COUNT_OF(bytes); i++)
		json_set(a, o, bytes[i].name, numbers_of(a, r + bytes[i].at, bytes[i].n));
	for (size_t i = 0; i < COUNT_OF(tcbs); i++)
		json_set(a, o, tcbs[i].name, tcb_of(a, r + tcbs[i].at, turin));
	for (size_t i = 0; i < COUNT_OF(cpuid); i++)
		json_set(a, o, cpuid[i], r[0] >= 3 ? json_new_u64(a, r[0x188 + i]) : json_new_null(a));
	json_set(a, o, "current", version_of(a, r + 0x1e8));
	json_set(a, o, "committed", version_of(a, r + 0x1ec));
	json_set(a, o, "launch_mit_vector", r[0] >= 5 ? number_of(a, r + 0x1f8, 8) : json_new_null(a));
	json_set(a, o, "current_mit_vector", r[0] >= 5 ? number_of(a, r + 0x200, 8) : json_new_null(a));
	json_set(a, sig, "r", numbers_of(a, r + 0x2a0, 72));
	json_set(a, sig, "s", numbers_of(a, r + 0x2e8, 72));
	json_set(a, o, "signature", sig);
	return o;
}

/* What the host put beside the report: a VLEK always, since nobody else has it; a VCEK and the chain where the field says so. */
static RC certificates_of(const struct lab_world *l, const struct json *fields, const uint8_t *r, int64_t now_s, struct arena *a,
			  struct json **out, struct why *w)
{
	bool vlek = slice_is(lab_text(fields, "signing_key"), "vlek"), all = lab_bool(fields, "certificates");
	struct json *list = json_new_array(a);
	struct {
		const char *type;
		struct slice der;
	} entries[3] = {{vlek ? "VLEK" : "VCEK", {0}}, {"ASK", lab_item(l, vlek ? "asvk.pem" : "ask.pem")}, {"ARK", lab_item(l, "ark.pem")}};

	*out = json_new_null(a);
	if (!vlek && !all)
		return rc_of(OK);
	TRY(issue_vek(l, vlek, slice_of(r + 0x1a0, 64), slice_of(r + 0x180, 8), now_s, a, &entries[0].der, w));
	for (size_t i = 0; i < (all ? 3 : 1); i++) {
		struct json *e = json_new_object(a);

		json_set(a, e, "cert_type", json_new_cstr(a, entries[i].type));
		json_set(a, e, "data", numbers_of(a, entries[i].der.p, entries[i].der.n));
		json_push(a, list, e);
	}
	*out = list;
	return rc_of(OK);
}

rc lab_snp_report(const struct lab_world *l, const struct lab_binding *b, const struct json *fields, struct arena *a, struct slice *out,
		  struct why *w)
{
	uint8_t *r;

	TRY(make_report(l, b, fields, a, &r, w));
	*out = slice_of(r, SNP_REPORT_SIZE);
	return rc_of(OK);
}

static RC evidence(const struct lab_world *l, const struct lab_binding *b, const struct json *fields, struct arena *a, struct slice *out,
		   struct why *w)
{
	struct json *doc = json_new_object(a), *certificates;
	uint8_t *r;

	TRY(make_report(l, b, fields, a, &r, w));
	TRY(certificates_of(l, fields, r, b->now_s, a, &certificates, w));
	json_set(a, doc, "attestation_report", report_of(a, r, generation_of(l) == SNP_TURIN));
	json_set(a, doc, "cert_chain", certificates);
	*out = json_text(a, doc);
	return rc_of(OK);
}

#define A5_48 "a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5"
#define ID_32 "4242424242424242424242424242424242424242424242424242424242424242"

const struct lab_shape lab_snp = {
	.tee = "snp",
	.what = "ARK, ASK and ASVK; keys of a chip (VCEK) and of a cloud (VLEK); reports of version 2 to 5",
	.variants = "Genoa, Milan, Turin",
	/* policy: SMT is allowed, and the bit that must be set */
	.fields = "{\"version\": 3, \"guest_svn\": 0, \"policy\": 196608, \"family_id\": \"\", \"image_id\": \"\", \"vmpl\": 0,"
		  "\"signature_algorithm\": 1, \"current_tcb\": \"\", \"platform_info\": 1, \"key_info\": 0, \"report_data\": \"\","
		  "\"measurement\": \"" A5_48 "\", \"host_data\": \"\", \"id_key_digest\": \"\", \"author_key_digest\": \"\","
		  "\"report_id\": \"" ID_32 "\", \"report_id_ma\": \"\", \"reported_tcb\": \"\", \"cpuid\": \"\", \"chip_id\": \"\","
		  "\"committed_tcb\": \"\", \"current_version\": \"\", \"committed_version\": \"\", \"launch_tcb\": \"\","
		  "\"launch_mitigations\": 0, \"current_mitigations\": 0, \"signing_key\": \"vcek\", \"certificates\": false}",
	.values = "{\"snp_launch_measurement\": [\"" A5_48 "\"], \"snp_bootloader\": [3], \"snp_microcode\": [72, 97], \"snp_snp_svn\": [22, 5],"
		  "\"snp_tee_svn\": [1, 2], \"snp_smt_enabled\": true, \"snp_tsme_enabled\": false, \"snp_guest_abi_major\": 0,"
		  "\"snp_guest_abi_minor\": 0, \"snp_single_socket\": false, \"snp_smt_allowed\": true}",
	.make = make,
	.init_data = true,
	.evidence = evidence,
};
