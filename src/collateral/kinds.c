#include "collateral/kinds.h"

#include "crypto/digest.h"
#include "crypto/ocsp.h"
#include "crypto/x509.h"
#include "evidence/dcap_tcb.h"

#define AMD_CA "generation, `/vlek` behind it for the chain of VLEKs: `Genoa`, `Genoa/vlek`"

const struct collateral_kind collateral_kinds[] = {
	{"amd-vcek", COLLATERAL_CERTIFICATE, "amd",
	 "`generation/chip id/bootloader.tee.snp.microcode`, for Turin `.fmc` behind it: `Milan/3ac3…/3.0.8.115`",
	 "certificate of the key that signed an SNP report"},
	{"amd-vlek", COLLATERAL_CERTIFICATE, NULL, "generation: `Milan`", "certificate of a cloud's own signing key"},
	{"amd-ask-ark", COLLATERAL_CHAIN, "amd", AMD_CA, "AMD's certificates above it"},
	{"amd-crl", COLLATERAL_CRL, "amd", AMD_CA, "what the ARK revoked"},
	{"intel-tcb-info", COLLATERAL_TCB_INFO, "intel", "`sgx/` or `tdx/` and the FMSPC in lower case: `tdx/90c06f000000`",
	 "TCB levels of a platform"},
	{"intel-tcb-info-chain", COLLATERAL_CHAIN, "intel", "as the TCB info", "who signed it"},
	{"intel-qe-identity", COLLATERAL_QE_IDENTITY, "intel", "`sgx` or `tdx`", "identity of the quoting enclave"},
	{"intel-qe-identity-chain", COLLATERAL_CHAIN, "intel", "`sgx` or `tdx`", "who signed it"},
	{"intel-pck-crl", COLLATERAL_CRL, "intel", "`platform` or `processor`", "PCK certificates that Intel revoked"},
	{"intel-pck-crl-chain", COLLATERAL_CHAIN, "intel", "`platform` or `processor`", "who signed that list"},
	{"intel-root-crl", COLLATERAL_CRL, "intel", "empty", "authorities that Intel revoked"},
	{"hygon-hrk", COLLATERAL_OTHER, NULL, "empty", "Hygon's root certificate, in Hygon's form"},
	{"hygon-hsk-cek", COLLATERAL_OTHER, "hygon", "chip id", "HSK and CEK certificates of a chip, one behind the other"},
	{"cca-cpak", COLLATERAL_OTHER, NULL, "instance id in hex", "attestation key of a platform, JWK or PEM"},
	{"nvidia-rim", COLLATERAL_OTHER, "nvidia", "RIM id", "reference measurements of a driver or VBIOS, signed XML"},
	{"nvidia-ocsp", COLLATERAL_OCSP, "nvidia", "name of the certificate, as crypto/ocsp.h writes it", "a responder's answer about a certificate"},
	{"nvidia-nras-jwks", COLLATERAL_OTHER, "nvidia", "empty", "key set of NVIDIA's attestation service; its keys count as they are pinned"},
	{"se-challenge", COLLATERAL_OTHER, NULL, "the two sealed texts, joined by a dot", "what a Secure Execution guest was asked; opened by the service that sealed it"},
	{"se-header", COLLATERAL_OTHER, NULL, "empty", "header of the Secure Execution image"},
	{NULL},
};

const struct collateral_kind *collateral_kind_find(const char *name)
{
	for (const struct collateral_kind *k = collateral_kinds; k->name; k++)
		if (strcmp(k->name, name) == 0)
			return k;
	return NULL;
}

static RC facts_of_crl(struct slice bytes, struct arena *a, struct collateral_facts *out, struct why *w)
{
	struct x509_crl *crl;
	int64_t next;
	rc r;

	TRY(x509_crl_from(bytes, &crl, w));
	next = x509_crl_next_update(crl);
	out->dated = true;
	out->issued_s = x509_crl_this_update(crl);
	out->next_s = next == INT64_MIN ? INT64_MAX : next;
	out->number = x509_crl_number(crl);
	r = digest(DIGEST_SHA256, x509_crl_issuer(crl, a), out->issuer, w);
	x509_crl_free(crl);
	return r;
}

/* The first to end is the end of all. */
static RC facts_of_certificates(struct slice bytes, bool one, struct collateral_facts *out, struct why *w)
{
	struct x509 *list[X509_PATH_MAX];
	size_t n = 1;

	if (one)
		TRY(x509_from_any(bytes, &list[0], w));
	else
		TRY(x509_list_from_pem(bytes, list, X509_PATH_MAX, &n, w));
	for (size_t i = 0; i < n; i++)
		if (x509_not_after(list[i]) < out->next_s)
			out->next_s = x509_not_after(list[i]);
	x509_free_all(list, n);
	return rc_of(OK);
}

static RC facts_of_tcb_info(struct slice bytes, struct arena *a, struct collateral_facts *out, struct why *w)
{
	struct dcap_tcb_info info;

	TRY(dcap_tcb_info_parse(a, bytes, &info, w));
	out->dated = true;
	out->issued_s = info.issue_date;
	out->next_s = info.next_update;
	out->number = info.evaluation;
	out->lapses = true;
	return rc_of(OK);
}

static RC facts_of_qe_identity(struct slice bytes, struct arena *a, struct collateral_facts *out, struct why *w)
{
	struct dcap_qe_identity qe;

	TRY(dcap_qe_identity_parse(a, bytes, &qe, w));
	out->dated = true;
	out->issued_s = qe.issue_date;
	out->next_s = qe.next_update;
	out->number = qe.evaluation;
	out->lapses = true;
	return rc_of(OK);
}

/* The answer about one certificate; the first of several. */
static RC facts_of_ocsp(struct slice bytes, struct arena *a, struct collateral_facts *out, struct why *w)
{
	struct ocsp_answer an;

	TRY(ocsp_times(a, bytes, "collateral.content", &an, w));
	out->dated = true;
	out->issued_s = an.this_update;
	out->next_s = an.next_update == INT64_MIN ? INT64_MAX : an.next_update;
	return rc_of(OK);
}

static RC facts_of_form(enum collateral_form form, struct slice bytes, struct arena *a, struct collateral_facts *out, struct why *w)
{
	switch (form) {
	case COLLATERAL_CERTIFICATE:
		return facts_of_certificates(bytes, true, out, w);
	case COLLATERAL_CHAIN:
		return facts_of_certificates(bytes, false, out, w);
	case COLLATERAL_CRL:
		return facts_of_crl(bytes, a, out, w);
	case COLLATERAL_TCB_INFO:
		return facts_of_tcb_info(bytes, a, out, w);
	case COLLATERAL_QE_IDENTITY:
		return facts_of_qe_identity(bytes, a, out, w);
	case COLLATERAL_OCSP:
		return facts_of_ocsp(bytes, a, out, w);
	case COLLATERAL_OTHER:
		return rc_of(OK);
	}
	return rc_of(OK);
}

rc collateral_facts(const char *kind, struct slice bytes, struct arena *a, struct collateral_facts *out, struct why *w)
{
	const struct collateral_kind *k = collateral_kind_find(kind);
	struct collateral_facts f = {.next_s = INT64_MAX};
	struct why inner = why_in(a);
	rc r = facts_of_form(k ? k->form : COLLATERAL_OTHER, bytes, a, &f, &inner);

	if (!rc_ok(r))
		return deny(w, r.code == E_INTERNAL ? r.code : E_MALFORMED, "collateral.content", "this is no %s: %s", kind, why_text(&inner));
	*out = f;
	return r;
}

bool collateral_is_older(const struct collateral_facts *next, const struct collateral_facts *held, int64_t now_s)
{
	if (!next->dated || !held->dated)
		return false;
	if (next->issued_s < held->issued_s)
		return true;
	if (held->lapses && now_s > held->next_s)
		return false;
	return next->number && held->number && next->number < held->number && memcmp(next->issuer, held->issuer, 32) == 0;
}
