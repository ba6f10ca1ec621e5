#include "verifier/tpm/tpm.h"

#include <stdlib.h>

#include "codec/base64.h"
#include "evidence/eventlog.h"
#include "evidence/memo.h"
#include "evidence/octets.h"
#include "evidence/tpm.h"
#include "evidence/tpm_ak.h"

#define REPORT_DATA_SHORT 32u	/* guests quote over the first 32 bytes of a longer digest, never fewer */

static const struct tpm_reasons reasons = {
	.parse = "tpm.parse.quote",
	.bad_magic = "tpm.bad-magic",
	.not_a_quote = "tpm.not-a-quote",
	.signature = "tpm.signature",
	.pcr_mismatch = "tpm.pcr-mismatch",
};

static const struct tpm_ak_reasons ak_reasons = {
	.certificate = "tpm.parse.certificate",
	.chain = "tpm.chain",
	.root = "tpm.untrusted-root",
	.expired = "tpm.expired",
	.untrusted = "tpm.untrusted-root.ak",
};

struct doc {
	struct slice ak_text;	/* base64 as received */
	struct slice ak, message, signature;
	const struct json *pcrs;	/* NULL: not given */
	struct slice cert, chain[TPM_AK_CHAIN_MAX], eventlog;	/* p == NULL: not given */
	size_t chain_n;
};

struct state {
	const struct tpm_key *key;
	struct tpm_key own;	/* where nothing is remembered; empty otherwise */
	struct tpm_quote quote;
	struct tpm_signature sig;
	struct tpm_pcrs pcrs;
	struct eventlog log;
	enum tpm_ak_trust trust;
};

/* ---- reading ---- */

static RC b64_member(struct arena *a, const struct json *v, const char *name, bool needed, struct slice *out, struct why *w)
{
	struct slice text = {0};

	if (needed)
		TRY(json_need_str(v, name, &text, "TPM evidence", w));
	else
		TRY(json_opt_str(v, name, &text, "TPM evidence", w));
	if (!text.p)
		return rc_of(OK);
	TRY(b64_decode(a, B64_STD, text, out, name, w));
	if (!out->p)
		*out = SLICE_LIT("");
	return rc_of(OK);
}

static RC read_chain(struct arena *a, const struct json *v, struct doc *d, struct why *w)
{
	const struct json *list = json_get(v, "ak_cert_chain");

	if (!list || list->kind == JSON_NULL)
		return rc_of(OK);
	if (list->kind != JSON_ARRAY || list->n > TPM_AK_CHAIN_MAX)
		return deny(w, E_MALFORMED, "tpm.parse", "ak_cert_chain must be a list of at most %u certificates", TPM_AK_CHAIN_MAX);
	for (size_t i = 0; i < list->n; i++) {
		const struct json *one = json_at(list, i);

		if (!json_is(one, JSON_STRING))
			return deny(w, E_MALFORMED, "tpm.parse", "ak_cert_chain must hold base64");
		TRY(b64_decode(a, B64_STD, one->text, &d->chain[d->chain_n++], "ak_cert_chain", w));
	}
	return rc_of(OK);
}

static RC read_json(struct arena *a, struct slice in, struct doc *d, struct why *w)
{
	const struct json_limits limits = {.max_bytes = 8u << 20, .max_depth = 8, .max_nodes = 4096};
	const struct json *q;
	struct json *v;

	TRY(json_parse(a, in, &limits, &v, w));
	TRY(json_need_str(v, "ak_public", &d->ak_text, "TPM evidence", w));
	TRY(b64_member(a, v, "ak_public", true, &d->ak, w));
	TRY(json_need(v, "tpm_quote", JSON_OBJECT, &q, "TPM evidence", w));
	TRY(b64_member(a, q, "signature", true, &d->signature, w));
	TRY(b64_member(a, q, "message", true, &d->message, w));
	d->pcrs = json_get(q, "pcrs");
	if (json_is(d->pcrs, JSON_NULL))
		d->pcrs = NULL;
	TRY(b64_member(a, v, "ak_cert", false, &d->cert, w));
	TRY(b64_member(a, v, "eventlog", false, &d->eventlog, w));
	return read_chain(a, v, d, w);
}

static RC read_doc(struct vjob *job, struct doc *d)
{
	struct why inner = why_in(job->arena);
	rc r = read_json(job->arena, job->evidence, d, &inner);

	return recast(r, &inner, "tpm.parse.evidence", "tpm.unsupported.evidence", job->why);
}

/* ---- checks ---- */

static RC check_nonce(struct vjob *job, const struct tpm_quote *q)
{
	enum vfit fit = q->extra_data.n == REPORT_DATA_SHORT ? FIT_FIRST : FIT_ZERO_PAD;

	return vjob_check_report_data(job, q->extra_data, fit, "tpm.nonce-mismatch");
}

/* Each quoted PCR that the log extends must be where the log leads, in each quoted bank; and there must be one. */
static RC check_log(struct vjob *job, struct slice bytes, struct state *s)
{
	uint32_t compared[EVENTLOG_ALGS] = {0};
	bool any = false;

	TRY(eventlog_parse(job->arena, bytes, EVENTLOG_PCR, "tpm.parse.eventlog", &s->log, job->why));
	for (size_t i = 0; i < s->quote.sel_n; i++) {
		enum digest_alg bank = s->quote.sel[i].bank;

		for (unsigned pcr = 0; pcr < TPM_PCRS; pcr++) {
			struct slice value = tpm_pcr(&s->quote, &s->pcrs, bank, pcr);

			if (!value.p || !eventlog_extends(&s->log, bank, pcr))
				continue;
			TRY(eventlog_matches(&s->log, bank, pcr, value, job->arena, "tpm.pcr-mismatch.eventlog", job->why));
			compared[bank] |= 1u << pcr;
			any = true;
		}
	}
	if (!any)
		return deny(job->why, E_DENIED, "tpm.pcr-mismatch.eventlog", "no quoted PCR speaks for the event log");
	eventlog_keep(&s->log, compared);
	return eventlog_check_digests(&s->log, "tpm.event-digest-mismatch", job->why);
}

static void free_key(void *p)
{
	tpm_key_free(p);
	free(p);
}

/* Reading a key costs as much as half of checking its signature, and a guest comes again with the same one. That it was read before
 * says nothing about trust.
 */
static RC load_key(struct vjob *job, const struct memo_key *known, struct slice in, struct state *s)
{
	struct tpm_key k, *kept;

	s->key = memo_get(job->memo, known);
	if (s->key)
		return rc_of(OK);
	TRY(tpm_key_parse(in, job->arena, &reasons, &k, job->why));
	kept = job->memo ? malloc(sizeof(*kept)) : NULL;
	if (!kept) {
		s->own = k;
		s->key = &s->own;
		return rc_of(OK);
	}
	*kept = k;
	memo_put(job->memo, known, kept, free_key);
	s->key = kept;
	return rc_of(OK);
}

static RC check(struct vjob *job, const struct doc *d, struct state *s)
{
	const struct memo_key known = {.kind = "tpm.ak", .part = {d->ak}, .n = 1};
	struct arena *a = job->arena;
	struct why *w = job->why;

	TRY(tpm_quote_parse(d->message, &reasons, &s->quote, w));
	TRY(tpm_signature_parse(d->signature, &reasons, &s->sig, w));
	TRY(load_key(job, &known, d->ak, s));
	TRY(tpm_ak_trusted(job, s->key, d->cert, d->chain, d->chain_n, &ak_reasons, &s->trust));
	memo_prove(job->memo, &known);
	TRY(tpm_signature_check(&s->sig, s->key->key, s->quote.message, a, &reasons, w));
	if (d->pcrs) {
		TRY(tpm_pcrs_from_json(a, d->pcrs, &s->quote, &reasons, &s->pcrs, w));
		TRY(tpm_pcrs_check(&s->quote, &s->pcrs, s->sig.hash, a, &reasons, w));
	}
	TRY(check_nonce(job, &s->quote));
	if (job->init_data.p)
		TRY(tpm_check_init_data(&s->quote, &s->pcrs, job->init_data, a, "tpm.init-data-mismatch", w));
	return d->eventlog.p ? check_log(job, d->eventlog, s) : rc_of(OK);
}

/* ---- claims ---- */

/* The bank whose values stand at the top: SHA-256 where it is quoted. */
static enum digest_alg main_bank(const struct tpm_quote *q)
{
	for (size_t i = 0; i < q->sel_n; i++)
		if (q->sel[i].bank == DIGEST_SHA256)
			return DIGEST_SHA256;
	return q->sel[0].bank;
}

static void pcr_claims(struct arena *a, struct json *o, const struct state *s, enum digest_alg bank)
{
	char name[] = "pcr00";

	for (unsigned pcr = 0; pcr < TPM_PCRS; pcr++) {
		struct slice v = tpm_pcr(&s->quote, &s->pcrs, bank, pcr);

		name[3] = (char)('0' + pcr / 10);
		name[4] = (char)('0' + pcr % 10);
		if (v.p)
			json_set(a, o, name, json_new_hex(a, v));
	}
}

static void other_banks(struct arena *a, struct json *o, const struct state *s)
{
	struct json *banks = json_new_object(a);

	for (size_t i = 0; i < s->quote.sel_n; i++) {
		struct json *values = json_new_object(a);

		pcr_claims(a, values, s, s->quote.sel[i].bank);
		json_set(a, banks, digest_name(s->quote.sel[i].bank), values);
	}
	json_set(a, o, "pcr_banks", banks);
}

static struct json *selection_claim(struct arena *a, const struct tpm_quote *q)
{
	struct json *o = json_new_object(a);

	for (size_t i = 0; i < q->sel_n; i++) {
		struct json *list = json_new_array(a);

		for (unsigned pcr = 0; pcr < TPM_PCRS; pcr++)
			if (q->sel[i].pcrs >> pcr & 1)
				json_push(a, list, json_new_u64(a, pcr));
		json_set(a, o, digest_name(q->sel[i].bank), list);
	}
	return o;
}

static RC add_claims(struct vjob *job, const struct doc *d, const struct state *s)
{
	struct arena *a = job->arena;
	struct json *o = vjob_result(job, "cpu");
	const struct tpm_quote *q = &s->quote;
	enum digest_alg bank = main_bank(q);
	struct slice pcr8 = tpm_pcr(q, &s->pcrs, bank, 8);

	pcr_claims(a, o, s, bank);
	json_set(a, o, "ak_public", json_new_str(a, d->ak_text));
	json_set(a, o, "report_data", json_new_hex(a, q->extra_data));
	if (pcr8.p)
		json_set(a, o, "init_data", json_new_hex(a, pcr8));
	/* beyond the reference's */
	json_set(a, o, "pcr_bank", json_new_cstr(a, digest_name(bank)));
	if (q->sel_n > 1)
		other_banks(a, o, s);
	json_set(a, o, "pcr_selection", selection_claim(a, q));
	json_set(a, o, "ak_trust", json_new_cstr(a, s->trust == TPM_AK_ENROLLED ? "enrolled" : "certificate"));
	json_set(a, o, "ak_sha256", json_new_hex(a, slice_of(s->key->spki_sha256, 32)));
	json_set(a, o, "signature_scheme", json_new_cstr(a, tpm_scheme_name(s->sig.scheme)));
	json_set(a, o, "signature_hash", json_new_cstr(a, digest_name(s->sig.hash)));
	json_set(a, o, "qualified_signer", json_new_hex(a, q->qualified_signer));
	json_set(a, o, "pcr_digest", json_new_hex(a, q->pcr_digest));
	json_set(a, o, "clock", json_new_u64(a, q->clock));
	json_set(a, o, "reset_count", json_new_u64(a, q->reset_count));
	json_set(a, o, "restart_count", json_new_u64(a, q->restart_count));
	json_set(a, o, "clock_safe", json_new_bool(a, q->safe));
	json_set(a, o, "firmware_version", json_new_cstr(a, arena_printf(a, "%016llx", (unsigned long long)q->firmware)));
	if (d->eventlog.p)
		json_set(a, o, "uefi_event_logs", eventlog_json(a, &s->log));
	return vjob_done(job);
}

static RC tpm_verify(struct vjob *job)
{
	struct doc *d = ARENA_NEW(job->arena, struct doc);
	struct state *s = ARENA_NEW(job->arena, struct state);
	rc r;

	if (!d || !s)
		return deny(job->why, E_INTERNAL, "tpm.memory", "no memory");
	TRY(read_doc(job, d));
	r = check(job, d, s);
	if (rc_ok(r))
		r = add_claims(job, d, s);
	tpm_key_free(&s->own);
	return r;
}

static const struct vclaim claim_rows[] = {
	{"pcr0*", "string", "pcr00 to pcr09: each quoted PCR, by its number, of the bank pcr_bank", "pcrs, bound by pcrDigest"},
	{"pcr1*", "string", "pcr10 to pcr19", "pcrs, bound by pcrDigest"},
	{"pcr2*", "string", "pcr20 to pcr23", "pcrs, bound by pcrDigest"},
	{"ak_public", "string", "attestation key, as received", "ak_public"},
	{"report_data", "string", "the nonce", "extraData"},
	{"init_data", "string", "PCR 8, where it is quoted", "pcrs"},
	{"pcr_bank", "string", "bank of the PCRs at the top: sha256 where it is quoted", "pcrSelect"},
	{"pcr_banks.*.*", "string", "every bank, where the quote selects several", "pcrs, bound by pcrDigest"},
	{"pcr_selection.*", "array", "numbers of the quoted PCRs of each bank", "pcrSelect"},
	{"ak_trust", "string", "enrolled or certificate", "anchors tpm-ak, tpm-ek-root"},
	{"ak_sha256", "string", "digest of the key (SubjectPublicKeyInfo)", "ak_public"},
	{"signature_scheme", "string", "rsassa, rsapss, ecdsa", "TPMT_SIGNATURE"},
	{"signature_hash", "string", "sha256, sha384, sha512", "TPMT_SIGNATURE"},
	{"qualified_signer", "string", "name of the key in its hierarchy", "TPMS_ATTEST"},
	{"pcr_digest", "string", "digest over the quoted PCRs", "pcrDigest"},
	{"clock", "number", "milliseconds of power", "clockInfo"},
	{"reset_count", "number", "resets of the TPM", "clockInfo"},
	{"restart_count", "number", "resumes of the TPM", "clockInfo"},
	{"clock_safe", "boolean", "the clock has not gone back", "clockInfo"},
	{"firmware_version", "string", "of the TPM", "firmwareVersion"},
	{"uefi_event_logs", "array", "events of the boot log that quoted PCRs speak for", "eventlog"},
	{NULL},
};

const struct vdriver tpm_driver = {.tee = "tpm", .verify = tpm_verify, .claims = claim_rows};
