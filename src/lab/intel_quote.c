/* intel_quote.c - quotes of SGX (version 3, 4, 5) and TDX (4, 5) with chosen fields, under a platform with chosen properties. */
#include "base/num.h"
#include "crypto/der_write.h"
#include "evidence/dcap_quote.h"
#include "lab/intel_int.h"
#include "lab/lab_eventlog.h"
#include "lab/lab_x509.h"
#include "lab/place.h"
#include "lab/shapes.h"

#define OID_SGX "1.2.840.113741.1.13.1"

static const struct lab_place header_places[] = {{"version", 0, 2}, {"user_data", 28, 20}};

static const struct lab_place enclave_places[] = {
	{"cpu_svn", 0, 16},	   {"misc_select", 16, 4},  {"isv_ext_prod_id", 32, 16}, {"attributes", 48, 16},     {"mr_enclave", 64, 32},
	{"mr_signer", 128, 32},	   {"config_id", 192, 64},  {"isv_prod_id", 256, 2},	 {"isv_svn", 258, 2},	     {"config_svn", 260, 2},
	{"isv_family_id", 304, 16}, {"report_data", 320, 64},
};

static const struct lab_place qe_places[] = {
	{"qe_misc_select", 16, 4}, {"qe_attributes", 48, 16}, {"qe_mr_enclave", 64, 32},
	{"qe_mr_signer", 128, 32}, {"qe_isv_prod_id", 256, 2}, {"qe_isv_svn", 258, 2},
};

static const struct lab_place td_places[] = {
	{"tee_tcb_svn", 0, 16},	     {"mr_seam", 16, 48},	   {"mrsigner_seam", 64, 48}, {"seam_attributes", 112, 8},
	{"td_attributes", 120, 8},   {"xfam", 128, 8},		   {"mr_td", 136, 48},	      {"mr_config_id", 184, 48},
	{"mr_owner", 232, 48},	     {"mr_owner_config", 280, 48}, {"rtmr_0", 328, 48},	      {"rtmr_1", 376, 48},
	{"rtmr_2", 424, 48},	     {"rtmr_3", 472, 48},	   {"report_data", 520, 64},  {"tee_tcb_svn2", 584, 16},
	{"mr_servicetd", 600, 48},
};

/* ---- the platform ---- */

static struct slice member(struct arena *a, const char *oid, struct slice value)
{
	return der_put_of(a, DER_SEQUENCE, der_put_oid(a, oid), value);
}

static struct slice octets(struct arena *a, const uint8_t *p, size_t n)
{
	return der_put(a, DER_OCTET_STRING, slice_of(p, n));
}

static struct slice tcb_member(struct arena *a, const uint8_t *components, uint64_t pcesvn)
{
	struct buf b = buf_in(a, 0);

	for (unsigned i = 1; i <= 16; i++)
		buf_slice(&b, member(a, arena_printf(a, OID_SGX ".2.%u", i), der_put_u64(a, DER_INTEGER, components[i - 1])));
	buf_slice(&b, member(a, OID_SGX ".2.17", der_put_u64(a, DER_INTEGER, pcesvn)));
	buf_slice(&b, member(a, OID_SGX ".2.18", octets(a, components, 16)));
	return member(a, OID_SGX ".2", der_put(a, DER_SEQUENCE, buf_view(&b)));
}

static struct slice config_member(struct arena *a, const struct json *fields)
{
	static const char *const names[] = {"pck_dynamic_platform", "pck_cached_keys", "pck_smt_enabled"};
	struct buf b = buf_in(a, 0);

	for (unsigned i = 0; i < COUNT_OF(names); i++)
		buf_slice(&b, member(a, arena_printf(a, OID_SGX ".7.%u", i + 1), der_put_bool(a, lab_bool(fields, names[i]))));
	return member(a, OID_SGX ".7", der_put(a, DER_SEQUENCE, buf_view(&b)));
}

static enum lab_intel_authority issuer_of(const struct json *fields)
{
	return slice_is(lab_text(fields, "pck_ca"), "processor") ? LAB_INTEL_PROCESSOR : LAB_INTEL_PLATFORM;
}

/* The PCK certificate with the platform's properties. */
static RC platform(const struct lab_world *l, const struct json *fields, int64_t now_s, struct arena *a, struct slice *pem, struct why *w)
{
	uint8_t ppid[16] = {0}, components[16] = {0}, pce_id[2] = {0}, fmspc[6] = {0}, instance[16] = {0};
	bool processor = issuer_of(fields) == LAB_INTEL_PROCESSOR;
	struct slice list[7] = {{0}};

	if (!processor && !slice_is(lab_text(fields, "pck_ca"), "platform"))
		return deny(w, E_MALFORMED, "lab.field", "pck_ca is platform or processor");
	TRY(lab_put_field(ppid, "pck_ppid", 16, fields, w));
	TRY(lab_put_field(components, "pck_components", 16, fields, w));
	TRY(lab_put_field(pce_id, "pck_pce_id", 2, fields, w));
	TRY(lab_put_field(fmspc, "pck_fmspc", 6, fields, w));
	TRY(lab_put_field(instance, "pck_instance_id", 16, fields, w));
	list[0] = member(a, OID_SGX ".1", octets(a, ppid, 16));
	list[1] = tcb_member(a, components, lab_number(fields, "pck_pcesvn"));
	list[2] = member(a, OID_SGX ".3", octets(a, pce_id, 2));
	list[3] = member(a, OID_SGX ".4", octets(a, fmspc, 6));
	list[4] = member(a, OID_SGX ".5", der_put_u64(a, DER_ENUMERATED, lab_number(fields, "pck_sgx_type")));
	if (!processor) {
		list[5] = member(a, OID_SGX ".6", octets(a, instance, 16));
		list[6] = config_member(a, fields);
	}
	return lab_intel_issue_pck(l, issuer_of(fields), now_s, der_put_parts(a, DER_SEQUENCE, list, COUNT_OF(list)), a, pem, w);
}

/* ---- the quote ---- */

static RC qe_report(const struct json *fields, struct slice key, struct slice auth, struct arena *a, struct slice *out, struct why *w)
{
	uint8_t *r = arena_alloc(a, DCAP_SGX_REPORT);
	const struct slice bound[] = {key, auth};

	if (!r)
		return lab_failed(w, "a QE report");
	TRY(lab_put_places(r, DCAP_SGX_REPORT, qe_places, COUNT_OF(qe_places), fields, w));
	TRY(digest_parts(DIGEST_SHA256, bound, 2, r + 320, w));
	*out = slice_of(r, DCAP_SGX_REPORT);
	return rc_of(OK);
}

/* Behind the attestation key: what vouches for it. Version 3 has it bare, the later ones inside certification data of type 6. */
static RC certification(const struct lab_world *l, const struct json *fields, struct slice key, int64_t now_s, struct arena *a,
			struct slice *out, struct why *w)
{
	static const uint8_t auth_bytes[32] = {0xa, 0xb};
	struct slice auth = slice_of(auth_bytes, sizeof(auth_bytes)), report, sig, pem, chain = lab_intel_pck_chain(l, issuer_of(fields), a);
	struct buf b = buf_in(a, 0);

	TRY(qe_report(fields, key, auth, a, &report, w));
	TRY(lab_sign(lab_item(l, "pck.key"), LAB_ECDSA, DIGEST_SHA256, report, a, &sig, w));
	TRY(platform(l, fields, now_s, a, &pem, w));
	buf_slice(&b, report);
	buf_slice(&b, sig);
	buf_le16(&b, (uint16_t)auth.n);
	buf_slice(&b, auth);
	buf_le16(&b, 5);
	buf_le32(&b, (uint32_t)(pem.n + chain.n));
	buf_slice(&b, pem);
	buf_slice(&b, chain);
	*out = buf_view(&b);
	return buf_ok(&b) ? rc_of(OK) : lab_failed(w, "certification data");
}

static RC sign_quote(const struct lab_world *l, const struct json *fields, struct slice signed_part, int64_t now_s, struct arena *a,
		     struct slice *out, struct why *w)
{
	bool old = lab_number(fields, "version") == 3;
	struct slice attestation_key = lab_item(l, "attestation.key"), sig, x, y, key, cert;
	struct buf b = buf_in(a, 0), k = buf_in(a, 0);

	TRY(lab_key_xy(attestation_key, a, &x, &y, w));
	buf_slice(&k, x);
	buf_slice(&k, y);
	key = buf_view(&k);
	TRY(lab_sign(attestation_key, LAB_ECDSA, DIGEST_SHA256, signed_part, a, &sig, w));
	TRY(certification(l, fields, key, now_s, a, &cert, w));
	buf_slice(&b, signed_part);
	buf_le32(&b, (uint32_t)(sig.n + key.n + cert.n + (old ? 0 : 6)));
	buf_slice(&b, sig);
	buf_slice(&b, key);
	if (!old) {
		buf_le16(&b, 6);
		buf_le32(&b, (uint32_t)cert.n);
	}
	buf_slice(&b, cert);
	*out = buf_view(&b);
	return buf_ok(&b) ? rc_of(OK) : lab_failed(w, "a quote");
}

static RC put_header(struct buf *b, bool tdx, const struct json *fields, struct why *w)
{
	static const uint8_t vendor[16] = {0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9, 0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};
	uint8_t *h = buf_reserve(b, DCAP_HEADER);

	if (!h)
		return lab_failed(w, "a quote");
	h[2] = 2;	/* ECDSA on P-256 */
	h[4] = tdx ? 0x81 : 0;
	memcpy(h + 12, vendor, sizeof(vendor));
	return lab_put_places(h, DCAP_HEADER, header_places, COUNT_OF(header_places), fields, w);
}

/* Header, in version 5 the body's descriptor, and room for the body. */
static RC begin_quote(struct buf *b, bool tdx, uint64_t type, size_t size, const struct json *fields, uint8_t **body, struct why *w)
{
	uint64_t version = lab_number(fields, "version");

	if (version < (tdx ? 4 : 3) || version > 5)
		return deny(w, E_MALFORMED, "lab.field", "version is %s", tdx ? "4 or 5" : "3, 4 or 5");
	TRY(put_header(b, tdx, fields, w));
	if (version == 5) {
		buf_le16(b, (uint16_t)type);
		buf_le32(b, (uint32_t)size);
	}
	*body = buf_reserve(b, size);
	return *body ? rc_of(OK) : lab_failed(w, "a quote");
}

/* `log` is what stands under cc_eventlog; NULL: nothing does. */
static RC wrap(const struct lab_world *l, const struct lab_binding *bind, const struct json *fields, struct slice signed_part,
	       const struct json *log, struct arena *a, struct slice *out, struct why *w)
{
	struct json *doc = json_new_object(a);
	struct slice quote;

	TRY(sign_quote(l, fields, signed_part, bind->now_s, a, &quote, w));
	if (log)
		json_set(a, doc, "cc_eventlog", log);
	json_set(a, doc, "quote", json_new_b64(a, quote));
	*out = json_text(a, doc);
	return rc_of(OK);
}

/* Registers that no field names hold what the log leaves; without events there is no log. */
static RC measure(const struct json *fields, uint8_t *td, struct arena *a, const struct json **log, struct why *w)
{
	static const char *const names[] = {"rtmr_0", "rtmr_1", "rtmr_2", "rtmr_3"};
	static const struct lab_banks sha384 = {.alg = {DIGEST_SHA384}, .n = 1};
	const struct json *events = json_get(fields, "events");
	struct slice bytes;

	*log = json_new_null(a);
	if (events->n == 0)
		return rc_of(OK);
	for (uint32_t i = 0; i < COUNT_OF(names); i++)
		if (lab_text(fields, names[i]).n == 0)
			TRY(lab_register(events, DIGEST_SHA384, i + 1, td + 328 + (size_t)48 * i, a, w));
	TRY(lab_eventlog(events, &sha384, a, &bytes, w));
	*log = json_new_b64(a, bytes);
	return rc_of(OK);
}

static RC tdx_evidence(const struct lab_world *l, const struct lab_binding *bind, const struct json *fields, struct arena *a,
		       struct slice *out, struct why *w)
{
	uint64_t type = lab_number(fields, "body_type");
	struct buf b = buf_in(a, 0);
	size_t size = type == 3 ? DCAP_TD15_REPORT : DCAP_TD10_REPORT;
	const struct json *log;
	uint8_t *body;

	if ((type != 2 && type != 3) || (type == 3 && lab_number(fields, "version") != 5))
		return deny(w, E_MALFORMED, "lab.field", "body_type is 2 (TD 1.0), or in version 5 also 3 (TD 1.5)");
	TRY(begin_quote(&b, true, type, size, fields, &body, w));
	TRY(lab_put_places(body, size, td_places, COUNT_OF(td_places), fields, w));
	TRY(measure(fields, body, a, &log, w));
	lab_bind_field(body + 520, 64, "report_data", fields, bind->report_data);
	lab_bind_field(body + 184, 48, "mr_config_id", fields, bind->init_data);
	return wrap(l, bind, fields, buf_view(&b), log, a, out, w);
}

static RC sgx_evidence(const struct lab_world *l, const struct lab_binding *bind, const struct json *fields, struct arena *a,
		       struct slice *out, struct why *w)
{
	struct buf b = buf_in(a, 0);
	uint8_t *body;

	TRY(begin_quote(&b, false, 1, DCAP_SGX_REPORT, fields, &body, w));
	TRY(lab_put_places(body, DCAP_SGX_REPORT, enclave_places, COUNT_OF(enclave_places), fields, w));
	lab_bind_field(body + 320, 64, "report_data", fields, bind->report_data);
	lab_bind_field(body + 192, 64, "config_id", fields, bind->init_data);
	return wrap(l, bind, fields, buf_view(&b), NULL, a, out, w);
}

#define R4(x)  x x x x
#define A32    R4("a1a1a1a1a1a1a1a1")
#define B32    R4("b2b2b2b2b2b2b2b2")
#define A48    R4("a1a1a1a1a1a1a1a1a1a1a1a1")
#define B48    R4("b2b2b2b2b2b2b2b2b2b2b2b2")
#define C48    R4("c3c3c3c3c3c3c3c3c3c3c3c3")
#define XFAM   "e700060000000000"

/* A boot log: the kernel that the firmware started, and its command line, each in a register of its own. */
#define KERNEL_EVENT "0000000000000000000000000000000000000000000000001600000000000000040412006b00650072006e0065006c0000007fff0400"
#define CMDLINE_EVENT "ed223b8f1a0000004c4f414445445f494d4147453a3a4c6f61644f7074696f6e7300"
#define GOOD_EVENTS  "[[1, 4, \"00000000\"], [2, 2147483651, \"" KERNEL_EVENT "\"], [3, 6, \"" CMDLINE_EVENT "\"]]"
/* What stands in the registers then, and the digests of the two events. */
#define KERNEL_RTMR   "be0e12bb4f5f08a2c12886aa5d306289bb0baefc5d9b60196a102ea8b7b5cbe04b7d2c3098b63686deac3ae536f54731"
#define CMDLINE_RTMR  "7bfd7e3c66fd8616b3e25e461c5324bb9d0c858016552a556722637d11366924f3a5c2f03a6c61a3ee534618cfe7eb1f"
#define KERNEL_DIGEST "b5a8860268a19f9555b0d8469f2d1bb5ba3504e1d22c7dec111699dbaa7f6493fbd6f88cd0fab9568f5296ecb51dedd7"
#define CMDLINE_DIGEST "875d1a08cb4d4c48b8cdee6a09e4b3cfd96f88b562343ad92dc7f62508237ff1d0b7b45fb4398d7c958e2fb63da06501"

/* The platform and its quoting enclave, in both shapes. */
#define PLATFORM_FIELDS                                                                                                           \
	"\"qe_misc_select\": \"00000000\", \"qe_attributes\": \"1500000000000000e700000000000000\", \"qe_mr_enclave\": \"" B32 "\","  \
	"\"qe_mr_signer\": \"" LAB_QE_SIGNER "\", \"qe_isv_svn\": 9, \"pck_ca\": \"platform\","                                       \
	"\"pck_ppid\": \"0102030405060708090a0b0c0d0e0f10\", \"pck_components\": \"07070707070707070000000000000000\","               \
	"\"pck_pcesvn\": 13, \"pck_pce_id\": \"0000\", \"pck_fmspc\": \"" LAB_FMSPC "\", \"pck_sgx_type\": 1,"                        \
	"\"pck_instance_id\": \"101112131415161718191a1b1c1d1e1f\", \"pck_dynamic_platform\": true, \"pck_cached_keys\": true,"       \
	"\"pck_smt_enabled\": true"

const struct lab_shape lab_tdx = {
	.tee = "tdx",
	.world = "intel",
	.what = "Intel's root, platforms and quoting enclave; quotes of version 4 and 5, TD 1.0 and 1.5",
	.fields = "{\"version\": 4, \"body_type\": 2, \"user_data\": \"\", \"tee_tcb_svn\": \"08030600000000000000000000000000\","
		  "\"mr_seam\": \"" C48 "\", \"mrsigner_seam\": \"\", \"seam_attributes\": \"\", \"td_attributes\": \"0000001000000000\","
		  "\"xfam\": \"" XFAM "\", \"mr_td\": \"" A48 "\", \"mr_config_id\": \"\", \"mr_owner\": \"\", \"mr_owner_config\": \"\","
		  "\"rtmr_0\": \"\", \"rtmr_1\": \"\", \"rtmr_2\": \"\", \"rtmr_3\": \"\", \"events\": " GOOD_EVENTS ", \"report_data\": \"\","
		  "\"tee_tcb_svn2\": \"08030600000000000000000000000000\", \"mr_servicetd\": \"\", \"qe_isv_prod_id\": 2," PLATFORM_FIELDS "}",
	.values = "{\"mr_td\": [\"" A48 "\"], \"xfam\": [\"" XFAM "\"], \"rtmr_1\": [\"" KERNEL_RTMR "\"],"
		  "\"rtmr_2\": [\"" CMDLINE_RTMR "\"], \"tdvfkernel\": \"" KERNEL_DIGEST "\", \"tdvfkernelparams\": \"" CMDLINE_DIGEST "\"}",
	.make = lab_intel_make,
	.init_data = true,
	.evidence = tdx_evidence,
};

const struct lab_shape lab_sgx = {
	.tee = "sgx",
	.world = "intel",
	.what = "Intel's root, platforms and quoting enclave; quotes of version 3, 4 and 5",
	.fields = "{\"version\": 3, \"user_data\": \"\", \"cpu_svn\": \"07070707070707070000000000000000\", \"misc_select\": \"00000000\","
		  "\"isv_ext_prod_id\": \"\", \"attributes\": \"0500000000000000e700000000000000\", \"mr_enclave\": \"" A32 "\","
		  "\"mr_signer\": \"" B32 "\", \"config_id\": \"\", \"isv_prod_id\": 3, \"isv_svn\": 5, \"config_svn\": 0,"
		  "\"isv_family_id\": \"\", \"report_data\": \"\", \"qe_isv_prod_id\": 1," PLATFORM_FIELDS "}",
	.values = "{\"sgx_mr_enclave\": [\"" A32 "\"], \"sgx_mr_signer\": [\"" B32 "\"], \"sgx_isv_prod_id\": [\"0300\"],"
		  "\"sgx_isv_svn\": [\"0500\"]}",
	.make = lab_intel_make,
	.init_data = true,
	.evidence = sgx_evidence,
};

rc lab_intel_pck(const struct lab_world *l, const struct json *fields, int64_t now_s, struct arena *a, struct slice *pem, struct why *w)
{
	struct json *all;

	TRY(json_parse(a, slice_cstr(lab_sgx.fields), NULL, &all, w));
	for (size_t i = 0; i < fields->n; i++)
		json_set_slice(a, all, fields->members[i].name, fields->members[i].value);
	return platform(l, all, now_s, a, pem, w);
}
