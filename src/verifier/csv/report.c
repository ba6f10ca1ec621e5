#include "verifier/csv/report.h"

#include "base/cur.h"

/* A copy without the XOR; anonce counts from a multiple of four. */
static struct slice unmask(struct arena *a, struct slice in, uint32_t anonce)
{
	uint8_t *p = arena_array(a, in.n + 1, uint8_t);

	if (!p)
		return (struct slice){0};
	for (size_t i = 0; i < in.n; i++)
		p[i] = (uint8_t)(in.p[i] ^ (uint8_t)(anonce >> (8 * (i % 4))));
	return slice_of(p, in.n);
}

static RC read_head(struct slice head, struct csv_report *rep, struct why *w)
{
	struct msg m;
	struct cur c = cur_open(&m, head);

	rep->user_pubkey_digest = cur_take(&c, 32);
	rep->vm_id = cur_take(&c, 16);
	rep->vm_version = cur_take(&c, 16);
	rep->report_data = cur_take(&c, 64);
	rep->mnonce = cur_take(&c, 16);
	rep->measure = cur_take(&c, 32);
	rep->policy = cur_le32(&c);
	rep->sig_usage = cur_le32(&c);
	rep->sig_algo = cur_le32(&c);
	TRY(cur_end(&c, w, "csv.parse.report", "a CSV report"));
	if (rep->sig_usage != HYGON_PEK || rep->sig_algo != HYGON_SM2_SIGN)
		return deny(w, E_MALFORMED, "csv.parse.signature-kind", "signature usage 0x%x, algorithm %u; expected 0x%x, %u",
			    rep->sig_usage, rep->sig_algo, HYGON_PEK, HYGON_SM2_SIGN);
	return rc_of(OK);
}

static RC parse_v1(struct arena *a, struct slice in, struct csv_report *rep, struct why *w)
{
	struct msg m;
	struct cur c = cur_open(&m, slice_sub(in, 0, CSV_V1_SIZE));
	struct slice masked = cur_take(&c, 0xBC), plain;

	rep->anonce = cur_le32(&c);
	rep->sig.r = cur_take(&c, HYGON_FIELD);
	rep->sig.s = cur_take(&c, HYGON_FIELD);
	TRY(cur_end(&c, w, "csv.parse.report", "a CSV report"));
	plain = unmask(a, masked, rep->anonce);
	if (!plain.p)
		return deny(w, E_INTERNAL, "csv.memory", "no memory for a report");
	rep->body = slice_sub(in, 0, 0xB4);
	return read_head(plain, rep, w);
}

static RC parse_v2(struct slice in, struct csv_report *rep, struct why *w)
{
	struct msg m;
	struct cur c = cur_open(&m, slice_sub(in, 0, CSV_V2_SIZE));
	struct slice head = cur_take(&c, 0xBC);

	rep->build = cur_le32(&c);
	rep->rtmr_version = cur_le16(&c);
	rep->reserved0 = cur_take(&c, 14);
	for (unsigned i = 0; i < 5; i++)
		rep->rtmr[i] = cur_take(&c, 32);
	rep->reserved1 = cur_take(&c, 656);
	rep->sig.r = cur_take(&c, HYGON_FIELD);
	rep->sig.s = cur_take(&c, HYGON_FIELD);
	TRY(cur_end(&c, w, "csv.parse.report", "a CSV report"));
	rep->body = slice_sub(in, 0, 0x400);
	return read_head(head, rep, w);
}

RC csv_report_parse(struct arena *a, struct slice in, unsigned version, struct csv_report *out, struct why *w)
{
	struct csv_report rep = {.version = version};

	TRY(version == 1 ? parse_v1(a, in, &rep, w) : parse_v2(in, &rep, w));
	rep.sig.usage = rep.sig_usage;
	rep.sig.algo = rep.sig_algo;
	*out = rep;
	return rc_of(OK);
}

RC csv_report_parse_raw(struct arena *a, struct slice in, struct csv_report *out, struct slice *pek, struct slice *serial,
			struct why *w)
{
	struct slice tail, sn;
	struct csv_report rep;

	if (in.n != CSV_V1_RAW_SIZE)
		return deny(w, E_MALFORMED, "csv.parse.length", "a raw report has %u bytes, not %zu", CSV_V1_RAW_SIZE, in.n);
	TRY(csv_report_parse(a, in, 1, &rep, w));
	tail = unmask(a, slice_sub(in, CSV_V1_SIZE, HYGON_CSV_SIZE), rep.anonce);
	sn = unmask(a, slice_sub(in, CSV_V1_SIZE + HYGON_CSV_SIZE, 64), rep.anonce);
	if (!tail.p || !sn.p)
		return deny(w, E_INTERNAL, "csv.memory", "no memory for a report");
	*pek = tail;
	*serial = sn;
	*out = rep;
	return rc_of(OK);
}

RC csv_report_check_signature(const struct csv_report *rep, const struct hygon_cert *pek, struct arena *a, struct why *w)
{
	if (pek->usage != rep->sig_usage || pek->algo != rep->sig_algo)
		return deny(w, E_DENIED, "csv.signature", "the signing key has usage 0x%x, algorithm %u; the report names 0x%x, %u",
			    pek->usage, pek->algo, rep->sig_usage, rep->sig_algo);
	return hygon_verify(pek, rep->body, &rep->sig, "csv.signature", a, w);
}

RC csv_report_check_log(const struct csv_report *rep, struct eventlog *log, struct arena *a, struct why *w)
{
	const uint32_t compared[EVENTLOG_ALGS] = {[DIGEST_SM3] = 0x1e};

	if (!eventlog_has(log, DIGEST_SM3))
		return deny(w, E_DENIED, "csv.rtmr-mismatch", "the event log has no SM3 digests");
	for (uint32_t i = 1; i < 5; i++) {
		rc r = eventlog_matches(log, DIGEST_SM3, i, rep->rtmr[i], a, "csv.rtmr-mismatch", w);

		if (!rc_ok(r)) {
			why_compared(w, arena_printf(a, "rtmr%u", i), NULL, NULL);	/* registers are counted from 0 here */
			return r;
		}
	}
	eventlog_keep(log, compared);
	return eventlog_check_digests(log, "csv.event-digest-mismatch", w);
}
