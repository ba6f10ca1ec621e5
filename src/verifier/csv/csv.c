#include "verifier/csv/csv.h"

#include "codec/base64.h"
#include "evidence/hygon.h"
#include "evidence/octets.h"
#include "verifier/csv/report.h"

/* The evidence in either form, decoded. */
struct doc {
	struct csv_report rep;
	struct hygon_cert pek;
	struct slice serial;
	struct slice hsk, cek;	/* p == NULL: not in the evidence */
	struct slice log_bytes;	/* empty: none */
	struct eventlog log;
};

#define CSV_DATA_SIZE 4096u

/* magic and flags say which version follows: a version 1 report needs neither. */
static RC report_version(struct arena *a, const struct json *att, unsigned *version, struct why *w)
{
	static const uint8_t none[16] = {0};
	struct slice magic;
	uint64_t flags;

	TRY(octets_need(a, att, "magic", 16, 16, &magic, "CSV report", w));
	TRY(json_need_u64(att, "flags", UINT32_MAX, &flags, "CSV report", w));
	if (slice_eq(magic, slice_of(none, 16)))
		*version = 1;
	else if (slice_eq(magic, slice_of("ATTESTATION_EXT\0", 16)) && flags <= 1)
		*version = flags == 1 ? 2 : 1;
	else
		return deny(w, E_MALFORMED, "csv.parse.version", "neither magic nor flags (%llu) name a known report version",
			    (unsigned long long)flags);
	return rc_of(OK);
}

static RC read_json(struct arena *a, struct slice in, struct doc *d, struct why *w)
{
	const struct json_limits limits = {.max_bytes = 8u << 20, .max_depth = 12, .max_nodes = 40000};
	const struct json *att, *chain, *pair, *log;
	struct slice data, pek;
	struct json *v;
	unsigned version = 0;

	TRY(json_parse(a, in, &limits, &v, w));
	TRY(json_need(v, "attestation_report", JSON_OBJECT, &att, "CSV evidence", w));
	TRY(json_need(v, "cert_chain", JSON_OBJECT, &chain, "CSV evidence", w));
	TRY(report_version(a, att, &version, w));
	TRY(octets_need(a, att, "data", CSV_DATA_SIZE, CSV_DATA_SIZE, &data, "CSV report", w));
	TRY(csv_report_parse(a, data, version, &d->rep, w));
	TRY(hygon_csv_from_json(a, json_get(chain, "pek"), &pek, w));
	TRY(hygon_csv_parse(pek, "PEK", &d->pek, w));
	TRY(octets_need(a, v, "serial_number", 64, 64, &d->serial, "CSV evidence", w));
	pair = json_get(chain, "hsk_cek");
	if (pair && pair->kind != JSON_NULL) {
		TRY(hygon_ca_from_json(a, json_get(pair, "hsk"), &d->hsk, w));
		TRY(hygon_csv_from_json(a, json_get(pair, "cek"), &d->cek, w));
	}
	log = json_get(v, "cc_eventlog");
	if (log && log->kind != JSON_NULL) {
		if (log->kind != JSON_STRING)
			return deny(w, E_MALFORMED, "csv.parse.eventlog", "cc_eventlog must be base64 text");
		TRY(b64_decode(a, B64_STD, log->text, &d->log_bytes, "cc_eventlog", w));
	}
	return rc_of(OK);
}

static RC read_doc(struct vjob *job, struct doc *out)
{
	struct why inner = why_in(job->arena);
	struct doc d = {0};
	struct slice pek, serial;
	rc r;

	if (job->evidence.n == CSV_V1_RAW_SIZE) {
		r = csv_report_parse_raw(job->arena, job->evidence, &d.rep, &pek, &d.serial, &inner);
		if (rc_ok(r))
			r = hygon_csv_parse(pek, "PEK", &d.pek, &inner);
	} else {
		r = read_json(job->arena, job->evidence, &d, &inner);
	}
	TRY(recast(r, &inner, "csv.parse.evidence", "csv.unsupported.evidence", job->why));
	TRY(hygon_serial(d.serial, "csv.parse.serial-number", &serial, job->why));
	d.serial = serial;
	*out = d;
	return rc_of(OK);
}

/* The caller does without the chain, in words, and nothing of it is at hand. */
static bool without_chain(const struct vjob *job, const struct doc *d)
{
	return job->without & VJOB_WITHOUT_ISSUERS && !d->hsk.p && !vjob_collateral(job, "hygon-hsk-cek", NULL).p;
}

static struct json *policy_claims(struct arena *a, uint32_t p)
{
	static const struct {
		const char *name;
		unsigned shift, bits;
	} parts[] = {
		{"nodbg", 0, 1}, {"noks", 1, 1}, {"es", 2, 1}, {"nosend", 3, 1}, {"domain", 4, 1}, {"csv", 5, 1},
		{"csv3", 6, 1}, {"asid_reuse", 7, 1}, {"hsk_version", 8, 4}, {"cek_version", 12, 4}, {"api_major", 16, 8},
		{"api_minor", 24, 8},
	};
	struct json *o = json_new_object(a);

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		json_set(a, o, parts[i].name, json_new_u64(a, (p >> parts[i].shift) & ((1u << parts[i].bits) - 1)));
	return o;
}

static struct json *hex_le32(struct arena *a, uint32_t v)
{
	uint8_t b[4] = {(uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24)};

	return json_new_hex(a, slice_of(b, 4));
}

static RC add_claims(struct vjob *job, const struct doc *d)
{
	static const char *const rtmr[5] = {"rtmr0", "rtmr1", "rtmr2", "rtmr3", "rtmr4"};
	const struct csv_report *rep = &d->rep;
	struct arena *a = job->arena;
	struct json *o = vjob_result(job, "cpu");

	json_set(a, o, "version", json_new_cstr(a, rep->version == 1 ? "1" : "2"));
	json_set(a, o, "policy", policy_claims(a, rep->policy));
	json_set(a, o, "user_pubkey_digest", json_new_hex(a, rep->user_pubkey_digest));
	json_set(a, o, "vm_id", json_new_hex(a, rep->vm_id));
	json_set(a, o, "vm_version", json_new_hex(a, rep->vm_version));
	json_set(a, o, "report_data", json_new_hex(a, rep->report_data));
	json_set(a, o, "mnonce", json_new_hex(a, rep->mnonce));
	json_set(a, o, "measure", json_new_hex(a, rep->measure));
	json_set(a, o, "sig_usage", hex_le32(a, rep->sig_usage));
	json_set(a, o, "sig_algo", hex_le32(a, rep->sig_algo));
	json_set(a, o, "serial_number", json_new_str(a, d->serial));
	json_set(a, o, "chain_verified", json_new_bool(a, !without_chain(job, d)));
	if (rep->version == 1) {
		json_set(a, o, "anonce", hex_le32(a, rep->anonce));
	} else {
		json_set(a, o, "build", json_new_u64(a, rep->build));
		json_set(a, o, "rtmr_version", json_new_u64(a, rep->rtmr_version));
		json_set(a, o, "reserved0", json_new_hex(a, rep->reserved0));
		for (unsigned i = 0; i < 5; i++)
			json_set(a, o, rtmr[i], json_new_hex(a, rep->rtmr[i]));
		json_set(a, o, "reserved1", json_new_hex(a, rep->reserved1));
		if (d->log_bytes.n)
			json_set(a, o, "uefi_event_logs", eventlog_json(a, &d->log));
	}
	return vjob_done(job);
}

static RC csv_plan(struct vjob *job)
{
	struct doc d;

	TRY(read_doc(job, &d));
	return hygon_plan(job, d.serial, d.hsk.p != NULL);
}

static RC check_pek(struct vjob *job, const struct doc *d)
{
	struct hygon_cert cek;

	if (without_chain(job, d))
		return rc_of(OK);
	TRY(hygon_chain(job, &hygon_csv_reasons, d->serial, d->hsk, d->cek, &cek));
	if (d->pek.usage != HYGON_PEK)
		return deny(job->why, E_DENIED, "csv.chain.pek", "PEK has usage 0x%x, expected 0x%x", d->pek.usage, HYGON_PEK);
	return hygon_signed_by(&d->pek, &cek, "csv.chain.pek", job->arena, job->why);
}

/* A version 1 report has no registers that could bind a log: then a log is no evidence and no claim. */
static RC check_log(struct vjob *job, struct doc *d)
{
	if (d->rep.version == 1 || d->log_bytes.n == 0)
		return rc_of(OK);
	TRY(eventlog_parse(job->arena, d->log_bytes, EVENTLOG_CC, "csv.parse.eventlog", &d->log, job->why));
	return csv_report_check_log(&d->rep, &d->log, job->arena, job->why);
}

static RC csv_verify(struct vjob *job)
{
	struct doc d;

	TRY(read_doc(job, &d));
	TRY(check_pek(job, &d));
	TRY(csv_report_check_signature(&d.rep, &d.pek, job->arena, job->why));
	TRY(vjob_check_report_data(job, d.rep.report_data, FIT_ZERO_PAD, "csv.report-data-mismatch"));
	TRY(check_log(job, &d));
	return add_claims(job, &d);
}

static const struct vclaim csv_claims[] = {
	{"version", "string", "layout of the report: 1 or 2", "magic and flags"},
	{"policy.nodbg", "number", "1: debugging is not allowed", "0xB0, bit 0"},
	{"policy.noks", "number", "1: keys are not shared", "0xB0, bit 1"},
	{"policy.es", "number", "1: register state is encrypted", "0xB0, bit 2"},
	{"policy.nosend", "number", "1: the guest may not be sent to another machine", "0xB0, bit 3"},
	{"policy.domain", "number", "1: only within its domain", "0xB0, bit 4"},
	{"policy.csv", "number", "1: only to CSV platforms", "0xB0, bit 5"},
	{"policy.csv3", "number", "1: a CSV3 guest", "0xB0, bit 6"},
	{"policy.asid_reuse", "number", "1: address space ids may be reused", "0xB0, bit 7"},
	{"policy.hsk_version", "number", "lowest HSK version", "0xB0, bits 8 to 11"},
	{"policy.cek_version", "number", "lowest CEK version", "0xB0, bits 12 to 15"},
	{"policy.api_major", "number", "lowest firmware API, major", "0xB0, bits 16 to 23"},
	{"policy.api_minor", "number", "lowest firmware API, minor", "0xB0, bits 24 to 31"},
	{"user_pubkey_digest", "string", "digest of the guest owner's key, zeros when none was given", "report 0x00"},
	{"vm_id", "string", "id given at launch", "report 0x20"},
	{"vm_version", "string", "version given at launch", "report 0x30"},
	{"report_data", "string", "64 bytes that the guest bound", "report 0x40"},
	{"mnonce", "string", "nonce of the guest's request", "report 0x80"},
	{"measure", "string", "SM3 measurement of the launched guest", "report 0x90"},
	{"sig_usage", "string", "usage of the signing key, little endian: PEK", "report 0xB4"},
	{"sig_algo", "string", "algorithm of the signature, little endian: SM2", "report 0xB8"},
	{"serial_number", "string", "name under which the chip's certificates were looked up; not signed", "evidence"},
	{"chain_verified", "boolean", "the chain leads to a trusted root; false only where a replay did without it", "verification"},
	{"anonce", "string", "mask of a version 1 report, little endian", "report 0xBC"},
	{"build", "number", "firmware build (version 2)", "report 0xBC"},
	{"rtmr_version", "number", "version of the registers (version 2)", "report 0xC0"},
	{"reserved0", "string", "reserved bytes (version 2)", "report 0xC2"},
	{"rtmr0", "string", "runtime register 0 (version 2)", "report 0xD0"},
	{"rtmr1", "string", "runtime register 1", "report 0xF0"},
	{"rtmr2", "string", "runtime register 2", "report 0x110"},
	{"rtmr3", "string", "runtime register 3", "report 0x130"},
	{"rtmr4", "string", "runtime register 4", "report 0x150"},
	{"reserved1", "string", "reserved bytes (version 2)", "report 0x170"},
	{"uefi_event_logs", "array", "events that replay to registers 1 to 4, of other registers and banks none (version 2)", "cc_eventlog"},
	{NULL},
};

const struct vdriver csv_driver = {.tee = "csv", .plan = csv_plan, .verify = csv_verify, .claims = csv_claims};
