/* az.c - confidential guests of Azure: the paravisor's report (HCL) around an SNP report or a TD quote, and the quote of a vTPM whose
 * key that report vouches for. What is below is a world of AMD's or Intel's shape, whose fields stand in an object of their own. */
#include "base/num.h"
#include "codec/base64.h"
#include "lab/lab_x509.h"
#include "lab/shapes.h"
#include "lab/snp.h"
#include "lab/tpm.h"

#define HARDWARE_SIZE 1184u

static const struct lab_banks sha256 = {{DIGEST_SHA256}, 1};

static RC make(const struct lab_shape *below, const struct lab_options *o, struct arena *a, struct lab_world *out, struct why *w)
{
	const struct lab_options plain = {.now_s = o->now_s, .small_keys = o->small_keys};
	struct slice ak;

	TRY(below->make(&plain, a, out, w));
	TRY(lab_key_new(LAB_RSA2048, a, &ak, w));
	lab_add(out, "vtpm-ak.key", ak);
	return rc_of(OK);
}

static RC snp_make(const struct lab_options *o, struct arena *a, struct lab_world *out, struct why *w)
{
	return make(&lab_snp, o, a, out, w);
}

static RC tdx_make(const struct lab_options *o, struct arena *a, struct lab_world *out, struct why *w)
{
	return make(&lab_tdx, o, a, out, w);
}

/* What the paravisor says: the vTPM's key, and what the guest gave to it. */
static RC variable_data(const struct lab_world *l, const struct lab_binding *bind, const struct json *fields, struct arena *a,
			struct slice *out, struct why *w)
{
	struct json *doc = json_new_object(a), *keys = json_new_array(a), *key = json_new_object(a), *config = json_new_object(a);
	struct slice n;

	TRY(lab_key_modulus(lab_item(l, "vtpm-ak.key"), a, &n, w));
	json_set(a, key, "kid", json_new_cstr(a, "HCLAkPub"));
	json_set(a, key, "kty", json_new_cstr(a, "RSA"));
	json_set(a, key, "e", json_new_cstr(a, "AQAB"));
	json_set(a, key, "n", json_new_str(a, b64_text(a, B64_URL, n)));
	json_push(a, keys, key);
	json_set(a, doc, "keys", keys);
	json_set(a, config, "secure-boot", json_new_bool(a, lab_bool(fields, "secure_boot")));
	json_set(a, doc, "vm-configuration", config);
	json_set(a, doc, "user-data", json_new_hex(a, lab_fit(bind->report_data, 64, a)));
	*out = json_text(a, doc);
	return rc_of(OK);
}

static struct slice hcl_report(struct slice hardware, uint32_t type, struct slice data, struct arena *a)
{
	struct buf b = buf_in(a, 0);

	buf_puts(&b, "HCLA");
	buf_le32(&b, 2);
	buf_le32(&b, HARDWARE_SIZE);
	buf_le32(&b, 1);
	(void)buf_reserve(&b, 16);
	buf_slice(&b, lab_fit(hardware, HARDWARE_SIZE, a));
	buf_le32(&b, (uint32_t)data.n + 20);
	buf_le32(&b, 1);
	buf_le32(&b, type);
	buf_le32(&b, 1);	/* SHA-256 */
	buf_le32(&b, (uint32_t)data.n);
	buf_slice(&b, data);
	return buf_view(&b);
}

static RC quote(const struct lab_world *l, const struct lab_binding *bind, const struct json *fields, struct arena *a, struct json **out,
		struct why *w)
{
	struct json *q = json_new_object(a), *list = json_new_array(a);
	struct slice message, signature;
	struct lab_pcrs pcrs;

	TRY(lab_pcrs(fields, &sha256, bind->init_data, a, &pcrs, w));
	TRY(lab_quote(fields, &sha256, &pcrs, DIGEST_SHA256, bind->report_data, a, &message, w));
	TRY(lab_sign(lab_item(l, "vtpm-ak.key"), LAB_PKCS1, DIGEST_SHA256, message, a, &signature, w));
	for (unsigned i = 0; i < LAB_PCRS; i++)
		json_push(a, list, json_new_hex(a, slice_of(pcrs.value[0][i], 32)));
	json_set(a, q, "signature", json_new_hex(a, signature));
	json_set(a, q, "message", json_new_hex(a, message));
	json_set(a, q, "pcrs", list);
	*out = q;
	return rc_of(OK);
}

/* The hardware is asked with the digest of the variable data. */
static RC hardware_binding(struct slice data, const struct lab_binding *bind, struct arena *a, struct lab_binding *out, struct why *w)
{
	uint8_t *d = arena_alloc(a, 64);

	if (!d)
		return lab_failed(w, "a binding");
	TRY(digest(DIGEST_SHA256, data, d, w));
	*out = (struct lab_binding){.report_data = slice_of(d, 64), .now_s = bind->now_s};
	return rc_of(OK);
}

static RC finish(const struct lab_world *l, const struct lab_binding *bind, const struct json *fields, struct slice hcl, const char *name,
		 struct slice hardware, struct arena *a, struct slice *out, struct why *w)
{
	struct json *doc = json_new_object(a), *q;

	TRY(quote(l, bind, fields, a, &q, w));
	json_set(a, doc, "version", json_new_u64(a, lab_number(fields, "evidence_version")));
	json_set(a, doc, "tpm_quote", q);
	json_set(a, doc, "hcl_report", json_new_str(a, b64_text(a, B64_URL_PAD, hcl)));
	json_set(a, doc, name, json_new_str(a, b64_text(a, B64_URL_PAD, hardware)));
	*out = json_text(a, doc);
	return rc_of(OK);
}

static RC snp_evidence(const struct lab_world *l, const struct lab_binding *bind, const struct json *fields, struct arena *a,
		       struct slice *out, struct why *w)
{
	struct slice data, report, vcek;
	struct lab_binding below;
	struct json *snp;

	TRY(variable_data(l, bind, fields, a, &data, w));
	TRY(hardware_binding(data, bind, a, &below, w));
	TRY(lab_merge(&lab_snp, json_get(fields, "snp"), a, &snp, w));
	TRY(lab_snp_report(l, &below, snp, a, &report, w));
	TRY(lab_snp_vcek(l, slice_sub(report, 0x1a0, 64), slice_sub(report, 0x180, 8), bind->now_s, a, &vcek, w));
	return finish(l, bind, fields, hcl_report(report, 2, data, a), "vcek", vcek, a, out, w);
}

static RC tdx_evidence(const struct lab_world *l, const struct lab_binding *bind, const struct json *fields, struct arena *a,
		       struct slice *out, struct why *w)
{
	struct lab_world below_world = *l;
	struct slice data, text, td_quote;
	struct lab_binding below;
	struct json *doc;

	TRY(variable_data(l, bind, fields, a, &data, w));
	TRY(hardware_binding(data, bind, a, &below, w));
	below_world.tee = "tdx";
	TRY(lab_evidence(&below_world, &below, json_get(fields, "tdx"), a, &text, w));
	TRY(json_parse(a, text, NULL, &doc, w));
	TRY(b64_decode(a, B64_STD, json_get(doc, "quote")->text, &td_quote, "quote", w));
	return finish(l, bind, fields, hcl_report((struct slice){0}, 4, data, a), "td_quote", td_quote, a, out, w);
}

/* Zeros extended by the hash of "kernel". */
#define PCR11 "457040d352c9be3893642229b99cb41ab79c24f00c00bfc2dbfbac0f8cf207fe"

#define AZ_FIELDS "\"evidence_version\": 2, \"secure_boot\": true, " LAB_TPM_FIELDS

const struct lab_shape lab_az_snp = {
	.tee = "az-snp-vtpm",
	.what = "a world of AMD's shape below a paravisor's report, and a vTPM; the report's fields stand in \"snp\"",
	.init_data = true,
	.fields = "{" AZ_FIELDS ", \"snp\": {}}",
	.values = "{\"measurement\": [\"paWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWlpaWl\"], \"snp_pcr11\": [\"" PCR11 "\"],"
		  "\"tcb_bootloader\": [\"3\"], \"tcb_microcode\": [\"72\"], \"tcb_snp\": [\"22\"], \"tcb_tee\": [\"1\"],"
		  "\"smt_enabled\": [\"true\"], \"tsme_enabled\": [\"false\"], \"abi_major\": [\"0\"], \"abi_minor\": [\"0\"],"
		  "\"single_socket\": [\"false\"], \"smt_allowed\": [\"true\"]}",
	.make = snp_make,
	.evidence = snp_evidence,
};

const struct lab_shape lab_az_tdx = {
	.tee = "az-tdx-vtpm",
	.what = "a world of Intel's shape below a paravisor's report, and a vTPM; the quote's fields stand in \"tdx\"",
	.init_data = true,
	.fields = "{" AZ_FIELDS ", \"tdx\": {}}",
	.values = "{\"tdx_pcr11\": [\"" PCR11 "\"], \"mr_td\": [\"a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1\"], \"xfam\": [\"e700060000000000\"]}",
	.make = tdx_make,
	.evidence = tdx_evidence,
};
