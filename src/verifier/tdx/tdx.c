#include "verifier/tdx/tdx.h"

#include "codec/base64.h"
#include "evidence/dcap_claim_rows.h"
#include "evidence/dcap_verify.h"
#include "evidence/eventlog.h"
#include "evidence/octets.h"

static RC read_quote(struct vjob *job, struct dcap_quote *q, const struct json **doc)
{
	struct slice raw;

	TRY(dcap_evidence(job, &raw, doc));
	TRY(dcap_quote_parse(raw, q, job->why));
	if (q->tee != DCAP_TDX)
		return deny(job->why, E_UNSUPPORTED, "tdx.unsupported.tee-type", "the quote is of SGX, not of TDX");
	return rc_of(OK);
}

static RC plan(struct vjob *job)
{
	const struct json *doc;
	struct dcap_quote q;

	TRY(read_quote(job, &q, &doc));
	return dcap_plan(job, &q);
}

static RC log_bytes(struct vjob *job, const struct json *doc, struct slice *out)
{
	struct why inner = why_in(job->arena);
	struct slice text = {0};
	rc r = json_opt_str(doc, "cc_eventlog", &text, "evidence", &inner);

	if (rc_ok(r) && text.n)
		r = b64_decode(job->arena, B64_STD, text, out, "cc_eventlog", &inner);
	return recast(r, &inner, "tdx.parse.eventlog", "tdx.parse.eventlog", job->why);
}

/* A log is optional. One that is there must replay to every RTMR, whole: claims from a part of it would say nothing. */
static RC check_log(struct vjob *job, const struct dcap_quote *q, const struct json *doc, struct json **claim)
{
	const uint32_t compared[EVENTLOG_ALGS] = {[DIGEST_SHA384] = 0x1e};
	struct slice bytes = {0};
	struct eventlog log;

	*claim = NULL;
	TRY(log_bytes(job, doc, &bytes));
	if (!bytes.n)
		return rc_of(OK);
	TRY(eventlog_parse(job->arena, bytes, EVENTLOG_CC, "tdx.parse.eventlog", &log, job->why));
	for (uint32_t i = 0; i < 4; i++) {
		rc r = eventlog_matches(&log, DIGEST_SHA384, i + 1, q->td.rtmr[i], job->arena, "tdx.rtmr-mismatch", job->why);

		if (!rc_ok(r)) {
			why_compared(job->why, arena_printf(job->arena, "quote.body.rtmr_%u", i), NULL, NULL);
			return r;
		}
	}
	eventlog_keep(&log, compared);
	TRY(eventlog_check_digests(&log, "tdx.event-digest-mismatch", job->why));
	*claim = eventlog_json(job->arena, &log);
	return *claim ? rc_of(OK) : deny(job->why, E_INTERNAL, "tdx.memory", "no memory for the event log");
}

static RC verify(struct vjob *job)
{
	const struct json *doc;
	struct dcap_verdict v;
	struct dcap_quote q;
	struct json *claims, *events;

	TRY(read_quote(job, &q, &doc));
	TRY(dcap_verify(job, &q, &v));
	TRY(vjob_check_report_data(job, q.td.report_data, FIT_ZERO_PAD, "tdx.report-data-mismatch"));
	/* MRCONFIGID has 48 bytes: of a longer digest the guest's launcher put in the first 48. */
	TRY(vjob_check_init_data(job, q.td.mr_config_id, FIT_FIRST, "tdx.init-data-mismatch"));
	TRY(check_log(job, &q, doc, &events));
	claims = vjob_result(job, "cpu");
	dcap_td_claims(job->arena, claims, &q);
	dcap_claims(job->arena, claims, &v);
	if (events)
		json_set(job->arena, claims, "uefi_event_logs", events);
	return vjob_done(job);
}

static const struct vclaim claim_rows[] = {
	DCAP_TD_ROWS,
	DCAP_VERDICT_ROWS,
	{"uefi_event_logs", "array", "events that replay to the RTMRs; of other registers and banks none", "cc_eventlog"},
	{NULL},
};

const struct vdriver tdx_driver = {.tee = "tdx", .plan = plan, .verify = verify, .claims = claim_rows};
