#include "codec/base64.h"
#include "evidence/octets.h"
#include "verifier/az_vtpm/az_priv.h"

#define ALL_PCRS ((1u << TPM_PCRS) - 1)

static RC check_signature(struct vjob *job, const struct az_state *s, const struct az_words *words)
{
	const struct tpm_signature sig = {.scheme = TPM_RSASSA, .hash = DIGEST_SHA256, .rsa = s->ev.signature};
	struct why inner = why_in(job->arena);
	struct pkey *ak;
	rc r = pkey_from_rsa(s->hcl.ak_n, s->hcl.ak_e, &ak, &inner);

	TRY(note(job->why, recast(r, &inner, words->parse, words->unsupported, job->why), "reading the key HCLAkPub"));
	r = tpm_signature_check(&sig, ak, s->ev.message, job->arena, &words->tpm, job->why);
	pkey_free(ak);
	return r;
}

/* Only the signed selection says which values the digest is over: with another one, a guest could show a resettable PCR in
 * the place of a measured one. */
static RC check_selection(struct vjob *job, const struct az_state *s, const struct az_words *words)
{
	const struct tpm_quote *q = &s->quote;

	if (q->sel_n == 1 && q->sel[0].bank == DIGEST_SHA256 && q->sel[0].pcrs == ALL_PCRS)
		return rc_of(OK);
	return deny(job->why, E_DENIED, words->selection,
		    "the quote must select PCR 0 to 23 of the SHA-256 bank alone; it has %zu selections, the first of 0x%06x",
		    q->sel_n, (unsigned)q->sel[0].pcrs);
}

/* From version 2 on the paravisor repeats the nonce in its variable data: then the hardware report is of this request. */
static RC check_user_data(struct vjob *job, const struct az_state *s, const struct az_words *words)
{
	struct slice found = s->hcl.user_data, want = s->quote.extra_data;
	rc r;

	if (s->ev.version < 2 || vjob_fits(found, want, FIT_ZERO_PAD))
		return rc_of(OK);
	r = deny(job->why, E_DENIED, words->user_data, "the user data of the hardware report is not that of this request");
	why_compared(job->why, "user-data", hex_text(job->arena, found), hex_text(job->arena, want));
	return r;
}

RC az_check(struct vjob *job, struct az_state *s, struct slice report_data, const struct az_words *words)
{
	TRY(hcl_binds(&s->hcl, report_data, words->binding, job->why));
	s->hw_report_data = report_data;
	TRY(check_signature(job, s, words));
	TRY(tpm_quote_parse(s->ev.message, &words->tpm, &s->quote, job->why));
	if (job->report_data_n == 0)
		return deny(job->why, E_DENIED, words->nonce, "a quote of a vTPM is never taken without a nonce to compare");
	TRY(vjob_check_report_data(job, s->quote.extra_data, FIT_EXACT, words->nonce));
	TRY(check_selection(job, s, words));
	TRY(tpm_pcrs_check(&s->quote, &s->ev.pcrs, DIGEST_SHA256, job->arena, &words->tpm, job->why));
	TRY(check_user_data(job, s, words));
	if (!job->init_data.p)
		return rc_of(OK);
	return tpm_check_init_data(&s->quote, &s->ev.pcrs, job->init_data, job->arena, words->init_data, job->why);
}

static struct json *quote_claims(struct arena *a, const struct tpm_quote *q)
{
	struct json *o = json_new_object(a);

	json_set(a, o, "clock", json_new_u64(a, q->clock));
	json_set(a, o, "firmware_version", json_new_u64(a, q->firmware));
	json_set(a, o, "reset_count", json_new_u64(a, q->reset_count));
	json_set(a, o, "restart_count", json_new_u64(a, q->restart_count));
	json_set(a, o, "safe", json_new_bool(a, q->safe));
	json_set(a, o, "pcr_digest", json_new_hex(a, q->pcr_digest));
	return o;
}

static struct json *hcl_claims(struct arena *a, const struct az_state *s)
{
	struct json *o = json_new_object(a), *config;

	json_set(a, o, "version", json_new_u64(a, s->hcl.version));
	json_set(a, o, "report_type", json_new_u64(a, (uint64_t)s->hcl.type));
	json_set(a, o, "var_data_sha256", json_new_hex(a, slice_sub(s->hw_report_data, 0, 32)));
	if (s->hcl.user_data.p)
		json_set(a, o, "user_data", json_new_hex(a, s->hcl.user_data));
	if (s->hcl.vm_configuration.n && rc_ok(json_parse(a, s->hcl.vm_configuration, NULL, &config, NULL)))
		json_set(a, o, "vm_configuration", config);
	return o;
}

void az_claims(struct arena *a, struct json *claims, const struct az_state *s)
{
	struct json *tpm = json_new_object(a);
	char name[8] = "pcr00";

	for (unsigned i = 0; i < TPM_PCRS; i++) {
		name[3] = (char)('0' + i / 10);
		name[4] = (char)('0' + i % 10);
		json_set(a, tpm, name, json_new_hex(a, s->ev.pcrs.bank[0].value[i]));
	}
	json_set(a, claims, "tpm", tpm);
	json_set(a, claims, "init_data", json_new_hex(a, s->ev.pcrs.bank[0].value[8]));
	json_set(a, claims, "report_data", json_new_hex(a, s->quote.extra_data));
	json_set(a, claims, "tpm_quote", quote_claims(a, &s->quote));
	json_set(a, claims, "hcl", hcl_claims(a, s));
	json_set(a, claims, "hardware_report_data", json_new_hex(a, s->hw_report_data));
}
