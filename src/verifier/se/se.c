#include "verifier/se/se.h"

#include "codec/base64.h"
#include "evidence/octets.h"
#include "evidence/se_challenge.h"
#include "verifier/se/uv.h"

#define SEALED_MAX 8192u

struct doc {
	struct slice measurement, additional, user_data, cuid, tags_raw;
	struct slice sealed_key, sealed_nonce;	/* base64 text, as received */
	struct se_tags tags;
	const char *challenge_key;
};

static RC need_b64(struct arena *a, const struct json *v, const char *name, size_t max, struct slice *out, struct why *w)
{
	struct slice text;

	TRY(json_need_str(v, name, &text, "SE evidence", w));
	if (text.n > (max + 2) / 3 * 4)
		return deny(w, E_MALFORMED, "se.parse.size", "%s is longer than %zu bytes", name, max);
	return b64_decode(a, B64_STD, text, out, name, w);
}

static RC read_members(struct arena *a, struct slice in, struct doc *d, struct why *w)
{
	const struct json_limits limits = {.max_bytes = 128u << 10, .max_depth = 4, .max_nodes = 64};
	struct json *v;

	TRY(json_parse(a, in, &limits, &v, w));
	TRY(need_b64(a, v, "measurement", SE_MEASUREMENT_SIZE, &d->measurement, w));
	TRY(need_b64(a, v, "additional_data", 32768, &d->additional, w));
	TRY(need_b64(a, v, "user_data", 256, &d->user_data, w));
	TRY(need_b64(a, v, "cuid", 16, &d->cuid, w));
	TRY(need_b64(a, v, "image_hdr_tags", SE_TAGS_SIZE, &d->tags_raw, w));
	TRY(json_need_str(v, "encr_measurement_key", &d->sealed_key, "SE evidence", w));
	TRY(json_need_str(v, "encr_request_nonce", &d->sealed_nonce, "SE evidence", w));
	if (d->sealed_key.n > SEALED_MAX || d->sealed_nonce.n > SEALED_MAX)
		return deny(w, E_MALFORMED, "se.parse.size", "a sealed text is longer than %u characters", SEALED_MAX);
	if (d->measurement.n != SE_MEASUREMENT_SIZE || d->cuid.n != 16)
		return deny(w, E_MALFORMED, "se.parse.size", "measurement %zu bytes, unit id %zu; expected 64 and 16",
			    d->measurement.n, d->cuid.n);
	TRY(se_tags_parse(d->tags_raw, &d->tags, w));
	return se_challenge_name(a, d->sealed_key, d->sealed_nonce, &d->challenge_key, w);
}

static RC read_doc(struct vjob *job, struct doc *d)
{
	struct why inner = why_in(job->arena);

	return recast(read_members(job->arena, job->evidence, d, &inner), &inner, "se.parse.evidence", "se.unsupported.evidence", job->why);
}

/* The image is the one that the host asked about: else a guest could answer for another image. */
static RC check_header(struct vjob *job, const struct doc *d, bool *compared)
{
	struct slice raw = vjob_collateral(job, SE_COLLATERAL_HEADER, "");
	struct se_header h;
	rc r;

	*compared = raw.p != NULL;
	if (!raw.p)
		return rc_of(OK);
	TRY(se_header_parse(raw, &h, job->why));
	if (slice_eq(h.tags.pld, d->tags.pld) && slice_eq(h.tags.ald, d->tags.ald) && slice_eq(h.tags.tld, d->tags.tld) &&
	    slice_eq(h.tags.tag, d->tags.tag))
		return rc_of(OK);
	r = deny(job->why, E_DENIED, "se.binding.image", "the evidence is about another image than the configured one");
	why_compared(job->why, "se.tag", hex_text(job->arena, d->tags.tag), hex_text(job->arena, h.tags.tag));
	return r;
}

static RC check_measurement(struct vjob *job, const struct doc *d)
{
	struct slice sealed = vjob_collateral(job, SE_COLLATERAL_CHALLENGE, d->challenge_key);
	struct se_measured in = {.tags = d->tags, .cuid = d->cuid, .user_data = d->user_data, .additional = d->additional};
	uint8_t found[SE_MEASUREMENT_SIZE];
	rc r;

	if (!sealed.p)
		return deny(job->why, E_DENIED, "se.decrypt.challenge",
			    "the sealed measurement key is none that this server made, or it is too old");
	if (sealed.n != SE_KEY_SIZE + SE_NONCE_SIZE)
		return deny(job->why, E_MALFORMED, "se.parse.challenge", "measurement key and nonce have %zu bytes, expected %u",
			    sealed.n, SE_KEY_SIZE + SE_NONCE_SIZE);
	in.nonce = slice_sub(sealed, SE_KEY_SIZE, SE_NONCE_SIZE);
	TRY(se_measure(job->arena, &in, slice_sub(sealed, 0, SE_KEY_SIZE), found, job->why));
	if (secret_eq(slice_of(found, sizeof(found)), d->measurement))
		return rc_of(OK);
	/* the right value is not told: it would be the measurement to forge */
	r = deny(job->why, E_DENIED, "se.measurement", "the measurement is not that of this image, unit, data and key");
	why_compared(job->why, "se.measurement", hex_text(job->arena, d->measurement), NULL);
	return r;
}

static RC add_claims(struct vjob *job, const struct doc *d, bool compared)
{
	struct arena *a = job->arena;
	struct json *o = vjob_result(job, "cpu");

	json_set(a, o, "cuid", json_new_hex(a, d->cuid));
	json_set(a, o, "tag", json_new_hex(a, d->tags.tag));
	json_set(a, o, "image_phkh", json_new_hex(a, slice_sub(d->additional, 0, 32)));
	json_set(a, o, "attestation_phkh", json_new_hex(a, slice_sub(d->additional, 32, 32)));
	json_set(a, o, "image_header_matched", json_new_bool(a, compared));
	json_set(a, o, "version", json_new_u64(a, 256));
	json_set(a, o, "report_data", json_new_hex(a, slice_sub(d->user_data, 0, 64)));
	return vjob_done(job);
}

static RC se_plan(struct vjob *job)
{
	struct doc d = {0};

	TRY(read_doc(job, &d));
	TRY(vjob_want(job, SE_COLLATERAL_CHALLENGE, d.challenge_key));
	return vjob_want(job, SE_COLLATERAL_HEADER, "");
}

static RC se_verify(struct vjob *job)
{
	struct doc d = {0};
	bool compared;

	TRY(read_doc(job, &d));
	TRY(check_measurement(job, &d));
	if (d.additional.n != 64)
		return deny(job->why, E_MALFORMED, "se.parse.additional", "additional data has %zu bytes, expected two hashes of 32",
			    d.additional.n);
	TRY(check_header(job, &d, &compared));
	TRY(vjob_check_report_data(job, slice_sub(d.user_data, 0, 64), FIT_ZERO_PAD, "se.report-data-mismatch"));
	return add_claims(job, &d, compared);
}

static const struct vclaim se_claims[] = {
	{"cuid", "string", "id of the configuration that the ultravisor measured", "cuid"},
	{"tag", "string", "tag of the image's SE header", "image_hdr_tags, 192"},
	{"image_phkh", "string", "hash of the host key that opened the image", "additional_data, 0"},
	{"attestation_phkh", "string", "hash of the host key that opened the request", "additional_data, 32"},
	{"image_header_matched", "boolean", "the tags are those of the configured header; false: none is configured, compare tag",
	 "verification"},
	{"version", "number", "256, the version of the request", "13.4"},
	{"report_data", "string", "64 bytes that the guest bound", "user_data, 0"},
	{NULL},
};

const struct vdriver se_driver = {.tee = "se", .plan = se_plan, .verify = se_verify, .claims = se_claims};
