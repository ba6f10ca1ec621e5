#include "codec/base64.h"
#include "evidence/octets.h"
#include "verifier/az_vtpm/az_priv.h"

#define EVIDENCE_MAX ((size_t)1 << 20)
#define PCR_SIZE 32u
#define RSA_MAX 1024u

/* How a version writes bytes: numbers (0), or text of base16 or base64 (1 and later). */
static RC read_numbers(struct vjob *job, const struct json *o, const char *name, size_t max, struct slice *out,
		       struct why *w)
{
	return octets_need(job->arena, o, name, 0, max, out, "evidence", w);
}

static RC read_hex(struct vjob *job, const struct json *o, const char *name, size_t max, struct slice *out, struct why *w)
{
	struct slice text;

	TRY(json_need_str(o, name, &text, "evidence", w));
	if (text.n > 2 * max)
		return deny(w, E_LIMIT, "az.size", "%s has %zu digits, the most is %zu", name, text.n, 2 * max);
	return hex_decode(job->arena, text, out, name, w);
}

static RC read_b64(struct vjob *job, const struct json *o, const char *name, struct slice *out, struct why *w)
{
	struct slice text;

	TRY(json_need_str(o, name, &text, "evidence", w));
	/* guests pad; other clients of the format leave the padding away */
	return b64_decode(job->arena, text.n % 4 ? B64_URL : B64_URL_PAD, text, out, name, w);
}

static RC read_pcrs(struct vjob *job, const struct json *q, bool numbers, struct tpm_pcrs *out, struct why *w)
{
	const struct json *list;

	TRY(json_need(q, "pcrs", JSON_ARRAY, &list, "quote", w));
	if (list->n != TPM_PCRS)
		return deny(w, E_MALFORMED, "az.pcrs", "the quote comes with %zu PCR values, expected %u", list->n, TPM_PCRS);
	out->n = 1;
	out->bank[0] = (struct tpm_bank){.alg = DIGEST_SHA256, .have = (1u << TPM_PCRS) - 1};
	for (size_t i = 0; i < TPM_PCRS; i++) {
		/* A member of an object, so that one reader serves: the value under its own name. */
		struct json *one = json_new_object(job->arena);
		struct slice *v = &out->bank[0].value[i];

		json_set(job->arena, one, "pcr", json_at(list, i));
		TRY(numbers ? read_numbers(job, one, "pcr", PCR_SIZE, v, w) : read_hex(job, one, "pcr", PCR_SIZE, v, w));
		if (v->n != PCR_SIZE)
			return deny(w, E_MALFORMED, "az.pcrs", "PCR %zu has %zu bytes, expected %u", i, v->n, PCR_SIZE);
	}
	return rc_of(OK);
}

static RC read_quote(struct vjob *job, const struct json *doc, const char *name, bool numbers, struct az_evidence *ev,
		     struct why *w)
{
	const struct json *q;

	TRY(json_need(doc, name, JSON_OBJECT, &q, "evidence", w));
	if (numbers) {
		TRY(read_numbers(job, q, "signature", RSA_MAX, &ev->signature, w));
		TRY(read_numbers(job, q, "message", TPM_ATTEST_MAX, &ev->message, w));
	} else {
		TRY(read_hex(job, q, "signature", RSA_MAX, &ev->signature, w));
		TRY(read_hex(job, q, "message", TPM_ATTEST_MAX, &ev->message, w));
	}
	return read_pcrs(job, q, numbers, &ev->pcrs, w);
}

static RC read_v0(struct vjob *job, const struct json *doc, bool snp, struct az_evidence *ev, struct why *w)
{
	TRY(read_quote(job, doc, snp ? "quote" : "tpm_quote", true, ev, w));
	TRY(read_numbers(job, doc, snp ? "report" : "hcl_report", HCL_REPORT_MAX, &ev->hcl_report, w));
	if (snp)
		return json_need_str(doc, "vcek", &ev->hardware, "evidence", w);
	return read_numbers(job, doc, "td_quote", HCL_REPORT_MAX, &ev->hardware, w);
}

static RC read_v1(struct vjob *job, const struct json *doc, bool snp, struct az_evidence *ev, struct why *w)
{
	TRY(read_quote(job, doc, "tpm_quote", false, ev, w));
	TRY(read_b64(job, doc, "hcl_report", &ev->hcl_report, w));
	return read_b64(job, doc, snp ? "vcek" : "td_quote", &ev->hardware, w);
}

static RC read_document(struct vjob *job, bool snp, struct az_evidence *ev, struct why *w)
{
	struct json_limits limits = {.max_bytes = EVIDENCE_MAX, .max_depth = 8, .max_nodes = 200000};
	struct json *doc;
	uint64_t version = 0;

	TRY(json_parse(job->arena, job->evidence, &limits, &doc, w));
	if (doc->kind != JSON_OBJECT)
		return deny(w, E_MALFORMED, "az.document", "evidence must be an object, not %s", json_kind_name(doc));
	if (json_get(doc, "version"))
		TRY(json_need_u64(doc, "version", UINT32_MAX, &version, "evidence", w));
	if (version > 2 || (version == 0 && json_get(doc, "version")))
		return deny(w, E_UNSUPPORTED, "az.version", "evidence of version %u, taken are 1 and 2, and 0 by absence",
			    (unsigned)version);
	ev->version = (unsigned)version;
	return version == 0 ? read_v0(job, doc, snp, ev, w) : read_v1(job, doc, snp, ev, w);
}

RC az_evidence_read(struct vjob *job, bool snp, const struct az_words *words, struct az_evidence *out)
{
	struct why inner = why_in(job->arena);
	struct az_evidence *ev = ARENA_NEW(job->arena, struct az_evidence);

	if (!ev)
		return deny(job->why, E_INTERNAL, words->memory, "no memory for the evidence");
	TRY(recast(read_document(job, snp, ev, &inner), &inner, words->parse, words->unsupported, job->why));
	*out = *ev;
	return rc_of(OK);
}
