#include "verifier/dcu/dcu.h"

#include "base/cur.h"
#include "codec/base64.h"
#include "evidence/hygon.h"
#include "evidence/octets.h"

#define DCU_BODY_SIZE 252u
#define DCU_REPORTS_MAX 16u

struct report {
	uint32_t version, sig_usage, sig_algo;
	struct slice chip_id, user_data, measure, reserved;
	struct slice serial;	/* chip_id without the zeros behind it */
	struct slice body;	/* the signed bytes */
	struct hygon_sig sig;
};

struct doc {
	struct report reports[DCU_REPORTS_MAX];
	size_t n;
};

/* The JSON members, written out as the firmware signs them: little endian, 252 bytes. */
static RC read_report(struct arena *a, const struct json *v, struct report *out, struct why *w)
{
	const struct json *body = json_get(v, "body"), *sig = json_get(v, "sig");
	struct buf b = buf_in(a, DCU_BODY_SIZE);
	struct report rep = {0};
	uint64_t version, usage, algo;

	TRY(json_need_u64(body, "version", UINT32_MAX, &version, "DCU report", w));
	TRY(octets_need(a, body, "chip_id", 16, 16, &rep.chip_id, "DCU report", w));
	TRY(octets_need(a, body, "user_data", 64, 64, &rep.user_data, "DCU report", w));
	TRY(octets_need(a, body, "measure", 32, 32, &rep.measure, "DCU report", w));
	TRY(octets_need(a, body, "reserved", 128, 128, &rep.reserved, "DCU report", w));
	TRY(json_need_u64(body, "sig_usage", UINT32_MAX, &usage, "DCU report", w));
	TRY(json_need_u64(body, "sig_algo", UINT32_MAX, &algo, "DCU report", w));
	TRY(octets_need(a, sig, "r", HYGON_FIELD, HYGON_FIELD, &rep.sig.r, "DCU report", w));
	TRY(octets_need(a, sig, "s", HYGON_FIELD, HYGON_FIELD, &rep.sig.s, "DCU report", w));
	rep.version = (uint32_t)version;
	rep.sig_usage = (uint32_t)usage;
	rep.sig_algo = (uint32_t)algo;
	buf_le32(&b, rep.version);
	buf_slice(&b, rep.chip_id);
	buf_slice(&b, rep.user_data);
	buf_slice(&b, rep.measure);
	buf_slice(&b, rep.reserved);
	buf_le32(&b, rep.sig_usage);
	buf_le32(&b, rep.sig_algo);
	if (!buf_ok(&b))
		return deny(w, E_INTERNAL, "hygondcu.memory", "no memory for a report");
	rep.body = buf_view(&b);
	*out = rep;
	return rc_of(OK);
}

static RC read_all(struct vjob *job, struct doc *d, struct why *w)
{
	const struct json_limits limits = {.max_bytes = 1u << 20, .max_depth = 8, .max_nodes = 40000};
	const struct json *list;
	struct json *v;

	TRY(json_parse(job->arena, job->evidence, &limits, &v, w));
	TRY(json_need(v, "attestation_reports", JSON_ARRAY, &list, "DCU evidence", w));
	if (list->n == 0 || list->n > DCU_REPORTS_MAX)
		return deny(w, E_MALFORMED, "hygondcu.parse.count", "%zu reports, expected 1 to %u", list->n, DCU_REPORTS_MAX);
	for (size_t i = 0; i < list->n; i++)
		TRY(read_report(job->arena, json_at(list, i), &d->reports[i], w));
	d->n = list->n;
	return rc_of(OK);
}

static RC read_doc(struct vjob *job, struct doc *d)
{
	struct why inner = why_in(job->arena);

	TRY(recast(read_all(job, d, &inner), &inner, "hygondcu.parse.evidence", "hygondcu.unsupported.evidence", job->why));
	for (size_t i = 0; i < d->n; i++)
		TRY(hygon_serial(d->reports[i].chip_id, "hygondcu.parse.chip-id", &d->reports[i].serial, job->why));
	/* one accelerator is one piece of evidence, however often its report is repeated */
	for (size_t i = 0; i < d->n; i++)
		for (size_t j = 0; j < i; j++)
			if (slice_eq(d->reports[i].serial, d->reports[j].serial))
				return deny(job->why, E_DENIED, "hygondcu.binding.duplicate-device", "chip " SLICE_FMT " is there twice",
					    SLICE_ARG(d->reports[i].serial));
	return rc_of(OK);
}

static struct json *hex_number(struct arena *a, uint32_t v)
{
	return json_new_cstr(a, arena_printf(a, "%x", v));
}

static RC verify_one(struct vjob *job, const struct report *rep)
{
	struct hygon_cert cek;
	struct arena *a = job->arena;
	struct json *o, *body = json_new_object(a);

	TRY(hygon_chain(job, &hygon_dcu_reasons, rep->serial, (struct slice){0}, (struct slice){0}, &cek));
	if (rep->sig_usage != HYGON_CEK || rep->sig_algo != cek.algo)
		return deny(job->why, E_DENIED, "hygondcu.signature", "the report names key usage 0x%x, algorithm %u; CEK has 0x%x, %u",
			    rep->sig_usage, rep->sig_algo, cek.usage, cek.algo);
	TRY(hygon_verify(&cek, rep->body, &rep->sig, "hygondcu.signature", a, job->why));
	TRY(vjob_check_report_data(job, rep->user_data, FIT_ZERO_PAD, "hygondcu.report-data-mismatch"));
	o = vjob_result(job, "dcu");
	json_set(a, body, "version", json_new_u64(a, rep->version));
	json_set(a, body, "chip_id", json_new_hex(a, rep->chip_id));
	json_set(a, body, "user_data", json_new_hex(a, rep->user_data));
	json_set(a, body, "measure", json_new_hex(a, rep->measure));
	json_set(a, body, "reserved", json_new_hex(a, rep->reserved));
	json_set(a, body, "sig_usage", hex_number(a, rep->sig_usage));
	json_set(a, body, "sig_algo", hex_number(a, rep->sig_algo));
	json_set(a, o, "body", body);
	json_set(a, o, "report_data", json_new_hex(a, rep->user_data));
	return vjob_done(job);
}

static RC dcu_plan(struct vjob *job)
{
	struct doc d = {0};

	TRY(read_doc(job, &d));
	for (size_t i = 0; i < d.n; i++)
		TRY(hygon_plan(job, d.reports[i].serial, false));
	return rc_of(OK);
}

static RC dcu_verify(struct vjob *job)
{
	struct doc d = {0};

	TRY(vjob_need_report_data(job, "hygondcu.report-data-mismatch.none"));
	TRY(read_doc(job, &d));
	for (size_t i = 0; i < d.n; i++)
		TRY(note(job->why, verify_one(job, &d.reports[i]), "report %zu, chip " SLICE_FMT, i,
			 SLICE_ARG(d.reports[i].serial)));
	return rc_of(OK);
}

static const struct vclaim dcu_claims[] = {
	{"body.version", "number", "version of the report", "body, 0"},
	{"body.chip_id", "string", "id of the accelerator, zeros behind", "body, 4"},
	{"body.user_data", "string", "64 bytes that the guest bound", "body, 20"},
	{"body.measure", "string", "measurement of the accelerator's firmware", "body, 84"},
	{"body.reserved", "string", "reserved bytes", "body, 116"},
	{"body.sig_usage", "string", "usage of the signing key in hexadecimal: 1004, CEK", "body, 244"},
	{"body.sig_algo", "string", "algorithm of the signature: 4, SM2", "body, 248"},
	{"report_data", "string", "body.user_data once more", "body, 20"},
	{NULL},
};

const struct vdriver dcu_driver = {.tee = "hygondcu", .plan = dcu_plan, .verify = dcu_verify, .claims = dcu_claims};
