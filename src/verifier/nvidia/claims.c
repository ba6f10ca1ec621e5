#include "verifier/nvidia/claims.h"

#include "base/sys.h"
#include "codec/base64.h"

/* Sets "x-nvidia-<gpu|switch>-<rest>". */
static void set(struct vjob *job, const struct nv_device *d, struct json *o, const char *rest, const struct json *v)
{
	const char *name = arena_printf(job->arena, "x-nvidia-%s-%s", nv_is_switch(d->arch) ? "switch" : "gpu", rest);

	if (name)
		json_set(job->arena, o, name, v);
}

static struct json *chain_json(struct arena *a, const struct nv_chain *c)
{
	struct json *o = json_new_object(a);
	char text[32];

	time_rfc3339(c->expires, text);
	json_set(a, o, "x-nvidia-cert-status", json_new_cstr(a, "valid"));
	json_set(a, o, "x-nvidia-cert-ocsp-status", json_new_cstr(a, c->ocsp_good ? "good" : "unknown"));
	json_set(a, o, "x-nvidia-cert-expiration-date", json_new_cstr(a, text));
	json_set(a, o, "x-nvidia-cert-revocation-reason", json_new_null(a));
	return o;
}

/* A big endian number of any length in decimal, as the service writes serial numbers. */
static const char *decimal(struct arena *a, struct slice n)
{
	size_t digits = n.n * 5 / 2 + 2, at = digits;
	uint8_t *work = arena_array(a, n.n + 1, uint8_t);
	char *out = arena_array(a, digits + 1, char);
	bool more = true;

	if (!work || !out)
		return NULL;
	if (n.n)
		memcpy(work, n.p, n.n);
	while (more && at) {
		unsigned rest = 0;

		more = false;
		for (size_t i = 0; i < n.n; i++) {
			unsigned v = rest << 8 | work[i];

			work[i] = (uint8_t)(v / 10);
			rest = v % 10;
			more = more || work[i];
		}
		out[--at] = (char)('0' + rest);
	}
	return out + at;
}

static void rim_claims(struct vjob *job, const struct nv_device *d, const struct nv_rim *r, struct json *o)
{
	static const char *const facts[] = {"fetched", "schema-validated", "signature-verified", "version-match",
					    "measurements-available"};
	struct arena *a = job->arena;

	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++)
		set(job, d, o, arena_printf(a, "%s-rim-%s", r->what, facts[i]), json_new_bool(a, r->there));
	if (r->there)
		set(job, d, o, arena_printf(a, "%s-rim-cert-chain", r->what), chain_json(a, &r->chain));
	set(job, d, o, arena_printf(a, "%s-version", r->what), json_new_cstr(a, r->version));
}

static struct json *pdis(struct arena *a, struct slice field)
{
	struct json *list = json_new_array(a);

	for (size_t at = 0; at + 8 <= field.n; at += 8)
		json_push(a, list, json_new_hex(a, slice_sub(field, at, 8)));
	return list;
}

RC nv_claims(struct vjob *job, const struct nv_device *d, const struct nv_rims *rims)
{
	struct arena *a = job->arena;
	struct json *o = vjob_result(job, nv_is_switch(d->arch) ? "switch" : "gpu");
	struct slice pdi = spdm_opaque(&d->report, SPDM_SWITCH_PDI);

	json_set(a, o, "arch", json_new_cstr(a, nv_arch_name(d->arch)));
	json_set(a, o, "uuid", json_new_str(a, d->uuid));
	json_set(a, o, "hwmodel", json_new_cstr(a, d->hwmodel));
	json_set(a, o, "ueid", json_new_cstr(a, decimal(a, x509_serial(d->certs[0], a))));
	json_set(a, o, "oemid", json_new_cstr(a, "5703"));
	json_set(a, o, "eat_nonce", json_new_hex(a, d->report.nonce));
	set(job, d, o, "arch-check", json_new_bool(a, true));
	set(job, d, o, "attestation-report-parsed", json_new_bool(a, true));
	set(job, d, o, "attestation-report-nonce-match", json_new_bool(a, job->report_data_n > 0));
	set(job, d, o, "attestation-report-signature-verified", json_new_bool(a, true));
	set(job, d, o, "attestation-report-cert-chain", chain_json(a, &d->chain));
	set(job, d, o, "attestation-report-cert-chain-fwid-match", json_new_bool(a, true));
	for (unsigned i = 0; i < rims->n; i++)
		rim_claims(job, d, &rims->r[i], o);
	if (rims->compared) {
		/* the golden values are of firmware that boots securely and has debugging off */
		json_set(a, o, "measres", json_new_cstr(a, "success"));
		json_set(a, o, "secboot", json_new_bool(a, true));
		json_set(a, o, "dbgstat", json_new_cstr(a, "disabled"));
		if (!nv_is_switch(d->arch))
			set(job, d, o, "vbios-index-no-conflict", json_new_bool(a, true));
	}
	if (pdi.p && nv_is_switch(d->arch))
		json_set(a, o, "x-nvidia-switch-pdi", json_new_hex(a, slice_sub(pdi, 0, 8)));
	else if (pdi.p)
		json_set(a, o, "x-nvidia-gpu-switch-pdis", pdis(a, pdi));
	json_set(a, o, "fwid_in_report", json_new_bool(a, d->fwid_in_report));
	json_set(a, o, "measurements", spdm_blocks_json(a, &d->report));
	json_set(a, o, "config", spdm_opaque_json(a, &d->report));
	json_set(a, o, "report_data", json_new_hex(a, d->report.nonce));
	return vjob_done(job);
}

/* ---- a protected PCIe domain ---- */

#define PPCIE_GPUS 8u
#define PPCIE_SWITCHES 4u
#define SPDM_FEATURE_FLAG 36u
#define FEATURE_PPCIE 2u

static bool wants_ppcie(const struct nv_device *d)
{
	struct slice flag = spdm_opaque(&d->report, SPDM_FEATURE_FLAG);

	return !nv_is_switch(d->arch) && flag.n > 0 && flag.p[0] == FEATURE_PPCIE;
}

/* Zeros stand for a device that is not there, or was not told its own name. */
static bool names_something(struct slice pdi)
{
	return pdi.n == 8 && !slice_is_zero(pdi);
}

/* No other switch bears the name of this one. */
static bool is_only(const struct nv_device *devices, size_t n, size_t one, struct slice name)
{
	for (size_t i = 0; i < n; i++)
		if (i != one && nv_is_switch(devices[i].arch) && slice_eq(spdm_opaque(&devices[i].report, SPDM_SWITCH_PDI), name))
			return false;
	return true;
}

/* Each GPU names exactly the four switches that are there: as many different names, each of one of them. */
static bool names_all(const struct nv_device *gpu, const struct nv_device *devices, size_t n)
{
	struct slice named = spdm_opaque(&gpu->report, SPDM_SWITCH_PDI);

	if (named.n != PPCIE_SWITCHES * 8)
		return false;
	for (size_t i = 0; i < named.n; i += 8) {
		if (!names_something(slice_sub(named, i, 8)))
			return false;
		for (size_t k = 0; k < i; k += 8)
			if (slice_eq(slice_sub(named, i, 8), slice_sub(named, k, 8)))
				return false;
	}
	for (size_t i = 0; i < n; i++) {
		struct slice own = spdm_opaque(&devices[i].report, SPDM_SWITCH_PDI);
		bool found = false;

		if (!nv_is_switch(devices[i].arch))
			continue;
		for (size_t at = 0; at < named.n; at += 8)
			found = found || slice_eq(slice_sub(named, at, 8), own);
		if (!found || !is_only(devices, n, i, own))
			return false;
	}
	return true;
}

RC nv_ppcie(struct vjob *job, const struct nv_device *devices, size_t n)
{
	size_t gpus = 0, switches = 0, wanting = 0;
	bool whole = true;
	struct json *o;

	for (size_t i = 0; i < n; i++) {
		wanting += wants_ppcie(&devices[i]);
		switches += nv_is_switch(devices[i].arch);
		gpus += !nv_is_switch(devices[i].arch);
	}
	if (gpus == PPCIE_GPUS && switches == PPCIE_SWITCHES)
		for (size_t i = 0; i < n; i++)
			whole = whole && (nv_is_switch(devices[i].arch) || names_all(&devices[i], devices, n));
	else
		whole = false;
	/* a domain with a missing piece is no failure of the pieces that are there: it is told, for policy to decide */
	for (size_t i = 0; i < n && wanting + whole > 0; i++)
		json_set(job->arena, job->results[i].claims, "ppcie_complete", json_new_bool(job->arena, whole));
	if (!whole)
		return vjob_done(job);
	o = vjob_result(job, "ppcie");
	json_set(job->arena, o, "gpu_count", json_new_u64(job->arena, gpus));
	json_set(job->arena, o, "switch_count", json_new_u64(job->arena, switches));
	return vjob_done(job);
}

/* ---- the table ---- */

const struct vclaim nv_claim_table[] = {
	{"arch", "string", "Hopper, Blackwell or LS10", "evidence, against the certificates"},
	{"uuid", "string", "name that the guest gives the device; not signed", "evidence"},
	{"hwmodel", "string", "common name of the device's identity", "certificates"},
	{"ueid", "string", "serial number of the signing certificate, decimal", "certificates"},
	{"oemid", "string", "NVIDIA's enterprise number", "constant"},
	{"eat_nonce", "string", "nonce of the request", "report 4"},
	{"report_data", "string", "the same", "report 4"},
	{"fwid_in_report", "boolean", "the report repeats the firmware id of its certificate; older drivers and switches do not",
	 "opaque field 20"},
	{"measres", "string", "success: every golden value of all manifests is met; absent when they were not at hand",
	 "manifests"},
	{"secboot", "boolean", "true with measres success", "manifests"},
	{"dbgstat", "string", "disabled with measres success", "manifests"},
	{"ppcie_complete", "boolean", "of a device in a protected PCIe domain: all eight GPUs and four switches are here",
	 "opaque fields 22, 36"},
	{"measurements.*", "string", "each measurement, by its index from 1", "report, record"},
	{"config", "object", "every opaque field by its name", "report, opaque data"},
	{"gpu_count", "number", "of class ppcie: GPUs of the domain", "list"},
	{"switch_count", "number", "of class ppcie: switches of the domain", "list"},
	{"x-nvidia-gpu-arch-check", "boolean", "true: the certificates are of the stated architecture", "certificates"},
	{"x-nvidia-gpu-attestation-report-parsed", "boolean", "true", "report"},
	{"x-nvidia-gpu-attestation-report-nonce-match", "boolean", "a nonce was expected and is that of the request",
	 "report 4"},
	{"x-nvidia-gpu-attestation-report-signature-verified", "boolean", "true", "report"},
	{"x-nvidia-gpu-attestation-report-cert-chain-fwid-match", "boolean", "true: the report names no other firmware than its certificate",
	 "opaque field 20"},
	{"x-nvidia-gpu-attestation-report-cert-chain.x-nvidia-cert-status", "string", "valid", "certificates"},
	{"x-nvidia-gpu-attestation-report-cert-chain.x-nvidia-cert-ocsp-status", "string", "good: all answers are; unknown: one is not at hand",
	 "OCSP answers"},
	{"x-nvidia-gpu-attestation-report-cert-chain.x-nvidia-cert-expiration-date", "string", "when the first certificate ends",
	 "certificates"},
	{"x-nvidia-gpu-attestation-report-cert-chain.x-nvidia-cert-revocation-reason", "null", "null: a revoked certificate is a denial",
	 "OCSP answers"},
	{"x-nvidia-gpu-driver-rim-cert-chain.x-nvidia-cert-status", "string", "valid", "certificates"},
	{"x-nvidia-gpu-driver-rim-cert-chain.x-nvidia-cert-ocsp-status", "string", "good: all answers are; unknown: one is not at hand",
	 "OCSP answers"},
	{"x-nvidia-gpu-driver-rim-cert-chain.x-nvidia-cert-expiration-date", "string", "when the first certificate ends",
	 "certificates"},
	{"x-nvidia-gpu-driver-rim-cert-chain.x-nvidia-cert-revocation-reason", "null", "null: a revoked certificate is a denial",
	 "OCSP answers"},
	{"x-nvidia-gpu-vbios-rim-cert-chain.x-nvidia-cert-status", "string", "valid", "certificates"},
	{"x-nvidia-gpu-vbios-rim-cert-chain.x-nvidia-cert-ocsp-status", "string", "good: all answers are; unknown: one is not at hand",
	 "OCSP answers"},
	{"x-nvidia-gpu-vbios-rim-cert-chain.x-nvidia-cert-expiration-date", "string", "when the first certificate ends",
	 "certificates"},
	{"x-nvidia-gpu-vbios-rim-cert-chain.x-nvidia-cert-revocation-reason", "null", "null: a revoked certificate is a denial",
	 "OCSP answers"},
	{"x-nvidia-gpu-driver-version", "string", "version that the device reports", "opaque fields 3, 6"},
	{"x-nvidia-gpu-driver-rim-fetched", "boolean", "the manifest was at hand", "manifest"},
	{"x-nvidia-gpu-driver-rim-schema-validated", "boolean", "and decodes", "manifest"},
	{"x-nvidia-gpu-driver-rim-signature-verified", "boolean", "and its signature and chain hold", "manifest"},
	{"x-nvidia-gpu-driver-rim-version-match", "boolean", "and it is of the reported version", "manifest"},
	{"x-nvidia-gpu-driver-rim-measurements-available", "boolean", "and it has golden values", "manifest"},
	{"x-nvidia-gpu-vbios-version", "string", "version that the device reports", "opaque fields 3, 6"},
	{"x-nvidia-gpu-vbios-rim-fetched", "boolean", "the manifest was at hand", "manifest"},
	{"x-nvidia-gpu-vbios-rim-schema-validated", "boolean", "and decodes", "manifest"},
	{"x-nvidia-gpu-vbios-rim-signature-verified", "boolean", "and its signature and chain hold", "manifest"},
	{"x-nvidia-gpu-vbios-rim-version-match", "boolean", "and it is of the reported version", "manifest"},
	{"x-nvidia-gpu-vbios-rim-measurements-available", "boolean", "and it has golden values", "manifest"},
	{"x-nvidia-switch-arch-check", "boolean", "true: the certificates are of the stated architecture",
	 "certificates"},
	{"x-nvidia-switch-attestation-report-parsed", "boolean", "true", "report"},
	{"x-nvidia-switch-attestation-report-nonce-match", "boolean", "a nonce was expected and is that of the request",
	 "report 4"},
	{"x-nvidia-switch-attestation-report-signature-verified", "boolean", "true", "report"},
	{"x-nvidia-switch-attestation-report-cert-chain-fwid-match", "boolean", "true: the report names no other firmware than its certificate",
	 "opaque field 20"},
	{"x-nvidia-switch-attestation-report-cert-chain.x-nvidia-cert-status", "string", "valid", "certificates"},
	{"x-nvidia-switch-attestation-report-cert-chain.x-nvidia-cert-ocsp-status", "string", "good: all answers are; unknown: one is not at hand",
	 "OCSP answers"},
	{"x-nvidia-switch-attestation-report-cert-chain.x-nvidia-cert-expiration-date", "string", "when the first certificate ends",
	 "certificates"},
	{"x-nvidia-switch-attestation-report-cert-chain.x-nvidia-cert-revocation-reason", "null", "null: a revoked certificate is a denial",
	 "OCSP answers"},
	{"x-nvidia-switch-bios-rim-cert-chain.x-nvidia-cert-status", "string", "valid", "certificates"},
	{"x-nvidia-switch-bios-rim-cert-chain.x-nvidia-cert-ocsp-status", "string", "good: all answers are; unknown: one is not at hand",
	 "OCSP answers"},
	{"x-nvidia-switch-bios-rim-cert-chain.x-nvidia-cert-expiration-date", "string", "when the first certificate ends",
	 "certificates"},
	{"x-nvidia-switch-bios-rim-cert-chain.x-nvidia-cert-revocation-reason", "null", "null: a revoked certificate is a denial",
	 "OCSP answers"},
	{"x-nvidia-switch-bios-version", "string", "version that the device reports", "opaque fields 3, 6"},
	{"x-nvidia-switch-bios-rim-fetched", "boolean", "the manifest was at hand", "manifest"},
	{"x-nvidia-switch-bios-rim-schema-validated", "boolean", "and decodes", "manifest"},
	{"x-nvidia-switch-bios-rim-signature-verified", "boolean", "and its signature and chain hold", "manifest"},
	{"x-nvidia-switch-bios-rim-version-match", "boolean", "and it is of the reported version", "manifest"},
	{"x-nvidia-switch-bios-rim-measurements-available", "boolean", "and it has golden values", "manifest"},
	{"x-nvidia-gpu-vbios-index-no-conflict", "boolean", "true with measres success: no index is in both manifests",
	 "manifests"},
	{"x-nvidia-gpu-switch-pdis[]", "string", "switches that a GPU is wired to", "opaque field 22"},
	{"x-nvidia-switch-pdi", "string", "id of a switch", "opaque field 22"},
	{"x-nvidia-overall-att-result", "boolean", "true: NVIDIA's service attests all devices of the request", "service's answer"},
	{"x-nvidia-*", "string or boolean or number or object or array or null", "more that NVIDIA's service says of a device",
	 "service's answer"},
	{"iss", "string", "NVIDIA's service", "service's answer"},
	{"sub", "string", "what the service's token is about", "service's answer"},
	{"jti", "string", "id of the service's token", "service's answer"},
	{"iat", "number", "when the service said so", "service's answer"},
	{"nbf", "number", "from when it holds", "service's answer"},
	{"exp", "number", "until when it holds", "service's answer"},
	{NULL},
};
