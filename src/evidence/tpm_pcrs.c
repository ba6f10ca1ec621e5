/* tpm_pcrs.c - PCR values that came beside a quote, and the quote's word about them. */
#include "codec/base64.h"
#include "evidence/tpm.h"

static struct tpm_bank *bank_of(struct tpm_pcrs *pcrs, enum digest_alg alg)
{
	for (size_t i = 0; i < pcrs->n; i++)
		if (pcrs->bank[i].alg == alg)
			return &pcrs->bank[i];
	if (pcrs->n == TPM_SELECTIONS_MAX)
		return NULL;
	pcrs->bank[pcrs->n] = (struct tpm_bank){.alg = alg};
	return &pcrs->bank[pcrs->n++];
}

static rc set_value(struct arena *a, struct tpm_bank *b, unsigned pcr, const struct json *v, const char *reason, struct why *w)
{
	struct slice bytes;

	if (!json_is(v, JSON_STRING) || !rc_ok(hex_decode(a, v->text, &bytes, "PCR", NULL)) || bytes.n != digest_size(b->alg))
		return deny(w, E_MALFORMED, reason, "PCR %u of %s is no hexadecimal of %zu bytes", pcr, digest_name(b->alg),
			    digest_size(b->alg));
	if (b->have >> pcr & 1)
		return deny(w, E_MALFORMED, reason, "PCR %u is given twice", pcr);
	b->value[pcr] = bytes;
	b->have |= 1u << pcr;
	return rc_of(OK);
}

/* A name is a decimal without leading zeros, 0 to 23: one way to write each PCR. */
static bool pcr_number(struct slice name, unsigned *out)
{
	unsigned v = 0;

	if (name.n == 0 || name.n > 2 || (name.n == 2 && name.p[0] == '0'))
		return false;
	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] < '0' || name.p[i] > '9')
			return false;
		v = v * 10 + (unsigned)(name.p[i] - '0');
	}
	*out = v;
	return v < TPM_PCRS;
}

static rc from_object(struct arena *a, const struct json *v, const char *reason, struct tpm_pcrs *out, struct why *w)
{
	for (size_t i = 0; i < v->n; i++) {
		enum digest_alg alg = digest_by_name(v->members[i].name);
		const struct json *values = v->members[i].value;
		struct tpm_bank *b = alg && alg != DIGEST_MD5 ? bank_of(out, alg) : NULL;

		if (!b || !json_is(values, JSON_OBJECT))
			return deny(w, E_MALFORMED, reason, "PCR values of an unknown bank");
		for (size_t k = 0; k < values->n; k++) {
			unsigned pcr;

			if (!pcr_number(values->members[k].name, &pcr))
				return deny(w, E_MALFORMED, reason, "a PCR value under a name that is no number from 0 to 23");
			TRY(set_value(a, b, pcr, values->members[k].value, reason, w));
		}
	}
	return rc_of(OK);
}

/* The list has one value for each PCR, by its number: position says nothing but that. */
static rc from_array(struct arena *a, const struct json *v, const struct tpm_quote *q, const char *reason, struct tpm_pcrs *out,
		     struct why *w)
{
	struct tpm_bank *b;

	if (q->sel_n != 1)
		return deny(w, E_MALFORMED, reason, "a list of PCR values needs a quote over one bank, not %zu", q->sel_n);
	if (v->n != TPM_PCRS)
		return deny(w, E_MALFORMED, reason, "a list of %zu PCR values, expected %u", v->n, TPM_PCRS);
	b = bank_of(out, q->sel[0].bank);
	for (unsigned i = 0; b && i < TPM_PCRS; i++)
		TRY(set_value(a, b, i, json_at(v, i), reason, w));
	return rc_of(OK);
}

rc tpm_pcrs_from_json(struct arena *a, const struct json *v, const struct tpm_quote *q, const struct tpm_reasons *why_not,
		      struct tpm_pcrs *out, struct why *w)
{
	struct tpm_pcrs *pcrs = ARENA_NEW(a, struct tpm_pcrs);

	if (!pcrs)
		return deny(w, E_INTERNAL, "tpm.memory", "no memory for PCR values");
	if (json_is(v, JSON_OBJECT))
		TRY(from_object(a, v, why_not->parse, pcrs, w));
	else if (json_is(v, JSON_ARRAY))
		TRY(from_array(a, v, q, why_not->parse, pcrs, w));
	else
		return deny(w, E_MALFORMED, why_not->parse, "PCR values are neither a list nor banks");
	*out = *pcrs;
	return rc_of(OK);
}

static const struct tpm_bank *find_bank(const struct tpm_pcrs *pcrs, enum digest_alg alg)
{
	for (size_t i = 0; i < pcrs->n; i++)
		if (pcrs->bank[i].alg == alg)
			return &pcrs->bank[i];
	return NULL;
}

struct slice tpm_pcr(const struct tpm_quote *q, const struct tpm_pcrs *pcrs, enum digest_alg bank, unsigned pcr)
{
	const struct tpm_bank *b = find_bank(pcrs, bank);

	if (!b || !tpm_quote_selects(q, bank, pcr) || !(b->have >> pcr & 1))
		return (struct slice){0};
	return b->value[pcr];
}

rc tpm_pcrs_check(const struct tpm_quote *q, const struct tpm_pcrs *pcrs, enum digest_alg hash, struct arena *a,
		  const struct tpm_reasons *why_not, struct why *w)
{
	struct slice parts[TPM_SELECTIONS_MAX * TPM_PCRS], found;
	uint8_t d[DIGEST_MAX];
	size_t n = 0;
	rc r;

	for (size_t i = 0; i < q->sel_n; i++) {
		for (unsigned pcr = 0; pcr < TPM_PCRS; pcr++) {
			if (!(q->sel[i].pcrs >> pcr & 1))
				continue;
			parts[n] = tpm_pcr(q, pcrs, q->sel[i].bank, pcr);
			if (!parts[n++].p)
				return deny(w, E_DENIED, why_not->pcr_mismatch, "the quote is over PCR %u of %s, whose value is not given", pcr,
					    digest_name(q->sel[i].bank));
		}
	}
	TRY(digest_parts(hash, parts, n, d, w));
	found = slice_of(d, digest_size(hash));
	if (slice_eq(found, q->pcr_digest))
		return rc_of(OK);
	r = deny(w, E_DENIED, why_not->pcr_mismatch, "the PCR values given are not those that the quote is over");
	why_compared(w, "pcr_digest", hex_text(a, found), hex_text(a, q->pcr_digest));
	return r;
}

rc tpm_check_init_data(const struct tpm_quote *q, const struct tpm_pcrs *pcrs, struct slice bytes, struct arena *a,
		       const char *reason, struct why *w)
{
	static const uint8_t zeros[DIGEST_MAX];
	static const enum digest_alg banks[] = {DIGEST_SHA256, DIGEST_SHA384, DIGEST_SHA512, DIGEST_SHA1};
	uint8_t want[DIGEST_MAX];
	rc r;

	for (size_t i = 0; i < sizeof(banks) / sizeof(banks[0]); i++) {
		size_t n = digest_size(banks[i]);
		struct slice parts[2] = {slice_of(zeros, n), bytes}, found = tpm_pcr(q, pcrs, banks[i], 8);

		if (n != bytes.n)
			continue;
		TRY(digest_parts(banks[i], parts, 2, want, w));
		if (slice_eq(found, slice_of(want, n)))
			return rc_of(OK);
		r = deny(w, E_DENIED, reason, "PCR 8 of %s is not zeros extended by the init-data digest", digest_name(banks[i]));
		why_compared(w, "init_data", found.p ? hex_text(a, found) : "not quoted", hex_text(a, slice_of(want, n)));
		return r;
	}
	return deny(w, E_DENIED, reason, "an init-data digest of %zu bytes fits no bank of PCR 8", bytes.n);
}
