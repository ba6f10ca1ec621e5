/* attester_tpm.c - a quote of TPM 2.0 over the SHA-256 bank, PCR 0 to 23, by a persistent attestation key. */
#include <tss2/tss2_esys.h>
#include <tss2/tss2_mu.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>

#include "agent/attester.h"
#include "agent/tpm_extras.h"
#include "base/log.h"
#include "base/num.h"
#include "base/secret.h"
#include "base/sys.h"
#include "codec/base64.h"
#include "crypto/pkey.h"

#define AK_HANDLE 0x81010002u
#define PCRS 24u
#define EXTRA_DATA 32u	/* verifiers.md 9: exactly 32 bytes, cut or padded */

struct tpm {
	TSS2_TCTI_CONTEXT *tcti;
	ESYS_CONTEXT *esys;
	ESYS_TR ak;
};

static void tpm_close(struct tpm *t)
{
	if (t->esys && t->ak != ESYS_TR_NONE)
		Esys_TR_Close(t->esys, &t->ak);
	Esys_Finalize(&t->esys);
	Tss2_TctiLdr_Finalize(&t->tcti);
}

static void esys_free(void *p)
{
	Esys_Free(*(void **)p);
}

static rc tpm_error(TSS2_RC code, const char *doing, struct why *w)
{
	return deny(w, E_UNAVAILABLE, "attester.tpm", "%s: %s", doing, Tss2_RC_Decode(code));
}

static rc tpm_open(const struct attester_options *o, struct tpm *t, struct why *w)
{
	uint32_t handle = o && o->ak_handle ? o->ak_handle : AK_HANDLE;
	const char *tcti = o ? o->tcti : NULL;
	TSS2_RC r = Tss2_TctiLdr_Initialize(tcti, &t->tcti);

	if (r)
		return note(w, tpm_error(r, "opening the TPM", w), "TCTI %s", tcti ? tcti : "of this machine: /dev/tpmrm0, /dev/tpm0 or a simulator");
	r = Esys_Initialize(&t->esys, t->tcti, NULL);
	if (r)
		return tpm_error(r, "talking to the TPM", w);
	r = Esys_TR_FromTPMPublic(t->esys, handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &t->ak);
	if (r) {
		t->ak = ESYS_TR_NONE;
		return note(w, tpm_error(r, "finding the attestation key", w), "persistent handle 0x%08x", handle);
	}
	return rc_of(OK);
}

static bool tpm_detect(const struct attester_options *o)
{
	return (o && o->tcti) || file_exists("/dev/tpmrm0") || file_exists("/dev/tpm0");
}

static rc ak_spki(struct tpm *t, struct arena *a, struct slice *spki, struct why *w)
{
	DEFER(esys_free) TPM2B_PUBLIC *pub = NULL;
	static const uint8_t f4[] = {1, 0, 1};
	struct pkey *key = NULL;
	const TPMT_PUBLIC *p;
	enum key_kind curve;
	TSS2_RC r;
	rc result;

	r = Esys_ReadPublic(t->esys, t->ak, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &pub, NULL, NULL);
	if (r)
		return tpm_error(r, "reading the attestation key", w);
	p = &pub->publicArea;
	if (p->type == TPM2_ALG_RSA) {
		if (p->parameters.rsaDetail.exponent != 0 && p->parameters.rsaDetail.exponent != 65537)
			return deny(w, E_UNSUPPORTED, "attester.ak", "the attestation key has the exponent %u",
				    p->parameters.rsaDetail.exponent);
		TRY(pkey_from_rsa(slice_of(p->unique.rsa.buffer, p->unique.rsa.size), slice_of(f4, sizeof(f4)), &key, w));
	} else if (p->type == TPM2_ALG_ECC && (p->parameters.eccDetail.curveID == TPM2_ECC_NIST_P256 ||
					       p->parameters.eccDetail.curveID == TPM2_ECC_NIST_P384)) {
		curve = p->parameters.eccDetail.curveID == TPM2_ECC_NIST_P256 ? KEY_P256 : KEY_P384;
		TRY(pkey_from_ec_xy(curve, slice_of(p->unique.ecc.x.buffer, p->unique.ecc.x.size),
				    slice_of(p->unique.ecc.y.buffer, p->unique.ecc.y.size), &key, w));
	} else {
		return deny(w, E_UNSUPPORTED, "attester.ak", "the attestation key is neither RSA nor on P-256 or P-384");
	}
	result = pkey_to_spki(key, a, spki, w);
	pkey_free(key);
	return result;
}

/* A TPM gives at most eight PCRs at a time; the rest is asked for again. */
static rc read_pcrs(struct tpm *t, struct arena *a, struct json *out, struct why *w)
{
	uint8_t value[PCRS][32];
	uint32_t left = (1u << PCRS) - 1;

	for (unsigned round = 0; left; round++) {
		DEFER(esys_free) TPML_PCR_SELECTION *got = NULL;
		DEFER(esys_free) TPML_DIGEST *digests = NULL;
		TPML_PCR_SELECTION ask = {.count = 1, .pcrSelections[0] = {.hash = TPM2_ALG_SHA256, .sizeofSelect = 3}};
		uint32_t taken = 0, k = 0;
		TSS2_RC r;

		for (unsigned i = 0; i < 3; i++)
			ask.pcrSelections[0].pcrSelect[i] = (uint8_t)(left >> (8 * i));
		r = Esys_PCR_Read(t->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &ask, NULL, &got, &digests);
		if (r)
			return tpm_error(r, "reading the PCRs", w);
		if (got->count == 1)
			for (unsigned i = 0; i < 3; i++)
				taken |= (uint32_t)got->pcrSelections[0].pcrSelect[i] << (8 * i);
		for (unsigned i = 0; i < PCRS; i++)
			if (taken & 1u << i & left) {
				if (k >= digests->count || digests->digests[k].size != 32)
					return deny(w, E_UNAVAILABLE, "attester.pcr", "the TPM gave no SHA-256 value for PCR %u", i);
				memcpy(value[i], digests->digests[k++].buffer, 32);
			}
		if (!(taken & left) || round > PCRS)
			return deny(w, E_UNAVAILABLE, "attester.pcr", "the TPM has no SHA-256 bank with 24 PCRs");
		left &= ~taken;
	}
	for (unsigned i = 0; i < PCRS; i++)
		json_push(a, out, json_new_hex(a, slice_of(value[i], 32)));
	return rc_of(OK);
}

static rc quote(struct tpm *t, struct slice report_data, struct arena *a, struct json *out, struct why *w)
{
	TPML_PCR_SELECTION all = {.count = 1,
				  .pcrSelections[0] = {.hash = TPM2_ALG_SHA256, .sizeofSelect = 3, .pcrSelect = {0xff, 0xff, 0xff}}};
	TPM2B_DATA nonce = {.size = EXTRA_DATA};
	TPMT_SIG_SCHEME scheme = {.scheme = TPM2_ALG_NULL};
	DEFER(esys_free) TPM2B_ATTEST *message = NULL;
	DEFER(esys_free) TPMT_SIGNATURE *signature = NULL;
	uint8_t wire[sizeof(TPMT_SIGNATURE)];
	size_t n = 0;
	TSS2_RC r;

	memcpy(nonce.buffer, report_data.p, MIN_OF(report_data.n, (size_t)EXTRA_DATA));
	r = Esys_Quote(t->esys, t->ak, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &nonce, &scheme, &all, &message, &signature);
	if (r)
		return tpm_error(r, "quoting", w);
	r = Tss2_MU_TPMT_SIGNATURE_Marshal(signature, wire, sizeof(wire), &n);
	if (r)
		return tpm_error(r, "writing the signature", w);
	json_set(a, out, "signature", json_new_b64(a, slice_of(wire, n)));
	json_set(a, out, "message", json_new_b64(a, slice_of(message->attestationData, message->size)));
	return rc_of(OK);
}

static rc build(struct tpm *t, const struct attester_options *o, struct slice report_data, struct arena *a, struct slice *out,
		struct why *w)
{
	struct json *doc = json_new_object(a), *q = json_new_object(a), *pcrs = json_new_array(a);
	const char *why_not;
	struct slice spki;

	TRY(tpm_open(o, t, w));
	TRY(ak_spki(t, a, &spki, w));
	TRY(quote(t, report_data, a, q, w));
	TRY(read_pcrs(t, a, pcrs, w));
	json_set(a, q, "pcrs", pcrs);
	json_set(a, doc, "ak_public", json_new_b64(a, spki));
	json_set(a, doc, "tpm_quote", q);
	if (o && o->ak_cert)
		TRY(tpm_add_certificates(o->ak_cert, a, doc, w));
	TRY(tpm_add_log(o ? o->event_log : NULL, pcrs, a, doc, &why_not, w));
	if (why_not)	/* one that was named was meant to go along */
		LOG(o && o->event_log ? LOG_WARN : LOG_INFO, "no-event-log", LOG_S("why", why_not));
	*out = json_text(a, doc);
	return out->p && !arena_bad(a) ? rc_of(OK) : deny(w, E_INTERNAL, "attester.memory", "no memory");
}

static rc tpm_evidence(const struct attester_options *o, struct slice report_data, struct arena *a, struct slice *out,
		       struct why *w)
{
	DEFER(tpm_close) struct tpm t = {.ak = ESYS_TR_NONE};

	return build(&t, o, report_data, a, out, w);
}

rc attester_tpm_ak(const struct attester_options *o, struct arena *a, struct slice *spki, struct why *w)
{
	DEFER(tpm_close) struct tpm t = {.ak = ESYS_TR_NONE};

	TRY(tpm_open(o, &t, w));
	return ak_spki(&t, a, spki, w);
}

const struct attester attester_tpm = {"tpm", tpm_detect, tpm_evidence};
