#include "evidence/hcl.h"

#include "base/cur.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "crypto/digest.h"
#include "evidence/octets.h"

#define HCL_MAGIC 0x414C4348u	/* "HCLA" */
#define HASH_SHA256 1u
#define KEYS_MAX 16u

static RC read_key(struct arena *a, const struct json *key, struct hcl_report *out, struct why *w)
{
	struct slice text;

	TRY(json_need_str(key, "kty", &text, "HCLAkPub", w));
	if (!slice_is(text, "RSA"))
		return deny(w, E_MALFORMED, "hcl.key", "the attestation key is of kind \"" SLICE_FMT "\", expected RSA",
			    SLICE_ARG(text));
	TRY(json_need_str(key, "n", &text, "HCLAkPub", w));
	TRY(b64_decode(a, B64_URL, text, &out->ak_n, "HCLAkPub n", w));
	TRY(json_need_str(key, "e", &text, "HCLAkPub", w));
	return b64_decode(a, B64_URL, text, &out->ak_e, "HCLAkPub e", w);
}

/* Exactly one key may claim to be the attestation key: with two, who reads last would choose. */
static RC find_key(struct arena *a, const struct json *doc, struct hcl_report *out, struct why *w)
{
	const struct json *keys, *found = NULL;
	struct slice kid;

	TRY(json_need(doc, "keys", JSON_ARRAY, &keys, "variable data", w));
	if (keys->n > KEYS_MAX)
		return deny(w, E_LIMIT, "hcl.keys", "the variable data has %zu keys, the most is %u", keys->n, KEYS_MAX);
	for (size_t i = 0; i < keys->n; i++) {
		TRY(json_need_str(json_at(keys, i), "kid", &kid, "a key of the variable data", w));
		if (!slice_is(kid, "HCLAkPub"))
			continue;
		if (found)
			return deny(w, E_MALFORMED, "hcl.key", "the variable data has two keys HCLAkPub");
		found = json_at(keys, i);
	}
	if (!found)
		return deny(w, E_MALFORMED, "hcl.key", "the variable data has no key HCLAkPub");
	return read_key(a, found, out, w);
}

static RC read_var_data(struct arena *a, struct hcl_report *out, struct why *w)
{
	struct json_limits limits = {.max_bytes = HCL_REPORT_MAX, .max_depth = 16, .max_nodes = 10000};
	struct slice user = {0};
	const struct json *config;
	struct json *doc;

	TRY(json_parse(a, out->var_data, &limits, &doc, w));
	TRY(find_key(a, doc, out, w));
	TRY(json_opt_str(doc, "user-data", &user, "variable data", w));
	if (user.p)
		TRY(hex_decode(a, user, &out->user_data, "user-data", w));
	config = json_get(doc, "vm-configuration");
	if (config)
		out->vm_configuration = config->raw;
	return rc_of(OK);
}

static RC check_fields(const struct hcl_report *r, uint32_t magic, uint32_t hash, struct why *w)
{
	if (magic != HCL_MAGIC)
		return deny(w, E_MALFORMED, "hcl.parse.magic", "the report does not begin with HCLA");
	if (r->version != 1 && r->version != 2)
		return deny(w, E_UNSUPPORTED, "hcl.unsupported.version", "version %u, taken are 1 and 2", (unsigned)r->version);
	if (r->type != HCL_SNP && r->type != HCL_TDX)
		return deny(w, E_UNSUPPORTED, "hcl.unsupported.type", "a hardware report of type %u, taken are 2 (SNP) and 4 (TDX)",
			    (unsigned)r->type);
	if (hash != HASH_SHA256)
		return deny(w, E_UNSUPPORTED, "hcl.unsupported.hash", "the variable data is hashed by %u, taken is 1 (SHA-256)",
			    (unsigned)hash);
	return rc_of(OK);
}

RC hcl_parse(struct arena *a, struct slice in, struct hcl_report *out, struct why *w)
{
	struct why inner = why_in(a);
	struct hcl_report r = {0};
	uint32_t magic, hash;
	struct msg m;
	struct cur c = cur_open(&m, in);

	if (in.n > HCL_REPORT_MAX)
		return deny(w, E_LIMIT, "hcl.parse.size", "the HCL report has %zu bytes, the most is %u", in.n, HCL_REPORT_MAX);
	magic = cur_le32(&c);
	r.version = cur_le32(&c);
	(void)cur_take(&c, 24);	/* report size, request type, status, reserved: not signed, not used */
	r.hw_report = cur_take(&c, HCL_HW_REPORT);
	(void)cur_take(&c, 8);	/* data size, version of the runtime data */
	r.type = (enum hcl_type)cur_le32(&c);
	hash = cur_le32(&c);
	r.var_data = cur_take(&c, cur_le32(&c));
	TRY(cur_end_open(&c, w, "hcl.parse", "an HCL report"));
	TRY(check_fields(&r, magic, hash, w));
	TRY(recast(read_var_data(a, &r, &inner), &inner, "hcl.parse.var-data", "hcl.unsupported.key", w));
	*out = r;
	return rc_of(OK);
}

RC hcl_binds(const struct hcl_report *r, struct slice report_data, const char *reason, struct why *w)
{
	uint8_t want[64] = {0};
	rc v;

	TRY(digest(DIGEST_SHA256, r->var_data, want, w));
	if (slice_eq(report_data, slice_of(want, sizeof(want))))
		return rc_of(OK);
	v = deny(w, E_DENIED, reason, "the hardware report does not bind this variable data");
	if (w)
		why_compared(w, "report_data of the hardware report", hex_text(w->arena, report_data),
			     hex_text(w->arena, slice_of(want, sizeof(want))));
	return v;
}
