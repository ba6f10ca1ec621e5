/* vendor_route.c - paths of AMD's and Intel's services, taken apart. Spec: verifiers.md 4.4, 5.4. */
#include <stdlib.h>

#include "base/num.h"
#include "codec/base64.h"
#include "lab/vendor_int.h"

static const char *query(const struct http_request *r, const char *name)
{
	const struct json *v = json_get(r->query, name);

	return json_is(v, JSON_STRING) ? (const char *)v->text.p : NULL;
}

static bool segment_is(const struct http_request *r, size_t i, const char *text)
{
	return i < r->segments && slice_is(r->segment[i], text);
}

/* "/vcek/v1/Genoa/<chip id>?blSPL=03&..." */
static bool route_vcek(const struct http_request *r, bool turin, struct asked *out)
{
	static const char *const names[] = {"fmcSPL", "blSPL", "teeSPL", "snpSPL", "ucodeSPL"};
	static const uint8_t at[] = {8, 0, 1, 6, 7}, turin_at[] = {0, 1, 2, 3, 7};
	uint8_t *tcb = arena_alloc(r->arena, 8), *chip = arena_alloc(r->arena, 64);
	size_t n = turin ? 8 : 64;

	if (!tcb || !chip || r->segment[3].n != 2 * n || !rc_ok(hex_decode_into(r->segment[3], chip, n, "chip id", NULL)))
		return false;
	for (size_t i = turin ? 0 : 1; i < COUNT_OF(names); i++) {
		const char *text = query(r, names[i]);
		unsigned long v = text ? strtoul(text, NULL, 10) : 256;

		if (v > 255)
			return false;
		tcb[turin ? turin_at[i] : at[i]] = (uint8_t)v;
	}
	out->kind = "amd-vcek";
	out->chip = slice_of(chip, 64);
	out->tcb = slice_of(tcb, 8);
	return true;
}

static bool route_amd(const struct http_request *r, const char *generation, struct asked *out)
{
	if (r->segments != 4 || !segment_is(r, 1, "v1") || !segment_is(r, 2, generation))
		return false;
	out->vlek = segment_is(r, 0, "vlek");
	if (segment_is(r, 3, "cert_chain"))
		out->kind = "amd-ask-ark";
	else if (segment_is(r, 3, "crl"))
		out->kind = "amd-crl";
	else	/* who owns a VLEK has its certificate from AMD, and no request gets it */
		return !out->vlek && route_vcek(r, strcmp(generation, "Turin") == 0, out);
	return true;
}

/* "?encrypted_ppid=...&cpusvn=<32 hex>&pcesvn=<4 hex, little endian>&pceid=<4 hex>" */
static bool route_pck(const struct http_request *r, struct asked *out)
{
	const char *cpusvn = query(r, "cpusvn"), *pcesvn = query(r, "pcesvn"), *pceid = query(r, "pceid");
	struct json *fields = json_new_object(r->arena);
	uint8_t svn[2];

	if (!cpusvn || !pcesvn || !pceid || strlen(cpusvn) != 32 || strlen(pceid) != 4 ||
	    !rc_ok(hex_decode_into(slice_cstr(pcesvn), svn, 2, "pcesvn", NULL)))
		return false;
	json_set(r->arena, fields, "pck_components", json_new_cstr(r->arena, cpusvn));
	json_set(r->arena, fields, "pck_pcesvn", json_new_u64(r->arena, svn[0] | (uint64_t)svn[1] << 8));
	json_set(r->arena, fields, "pck_pce_id", json_new_cstr(r->arena, pceid));
	out->kind = "pck-cert";
	out->pck = fields;
	return true;
}

static bool route_tcb(const struct http_request *r, struct asked *out)
{
	const char *fmspc = query(r, "fmspc");
	uint8_t bytes[6];

	if (!fmspc || !rc_ok(hex_decode_into(slice_cstr(fmspc), bytes, 6, "fmspc", NULL)))
		return false;
	out->kind = "intel-tcb-info";
	out->fmspc = hex_text(r->arena, slice_of(bytes, 6));
	return true;
}

static bool route_pck_crl(const struct http_request *r, struct asked *out)
{
	const char *ca = query(r, "ca");

	out->kind = "intel-pck-crl";
	out->authority = ca && strcmp(ca, "processor") == 0 ? LAB_INTEL_PROCESSOR : LAB_INTEL_PLATFORM;
	return ca && (strcmp(ca, "processor") == 0 || strcmp(ca, "platform") == 0);
}

static bool route_intel(const struct http_request *r, struct asked *out)
{
	out->tdx = segment_is(r, 0, "tdx");
	if (!segment_is(r, 1, "certification") || !segment_is(r, 2, "v4"))
		return false;
	if (r->segments == 5 && segment_is(r, 3, "qe") && segment_is(r, 4, "identity")) {
		out->kind = "intel-qe-identity";
		return true;
	}
	if (r->segments != 4)
		return false;
	if (segment_is(r, 3, "tcb"))
		return route_tcb(r, out);
	if (out->tdx)
		return false;
	if (segment_is(r, 3, "rootcacrl")) {
		out->kind = "intel-root-crl";
		return true;
	}
	return segment_is(r, 3, "pckcrl") ? route_pck_crl(r, out) : segment_is(r, 3, "pckcert") && route_pck(r, out);
}

/* "POST /ocsp", and "/v1/rim/<id>" of the service for reference measurements. */
static bool route_nvidia(const struct http_request *r, struct asked *out)
{
	if (segment_is(r, 0, "ocsp") && r->segments == 1) {
		out->kind = "nvidia-ocsp";
		out->key = vendor_read_ocsp(r->body, r->arena);
		return out->key != NULL;
	}
	if (r->segments != 3 || !segment_is(r, 1, "rim"))
		return false;
	out->kind = "nvidia-rim";
	out->key = arena_strndup(r->arena, r->segment[2].p, r->segment[2].n);
	return out->key != NULL;
}

bool vendor_route(const struct http_request *r, const char *generation, struct asked *out)
{
	*out = (struct asked){0};
	if (segment_is(r, 0, "ocsp") || segment_is(r, 0, "v1"))
		return route_nvidia(r, out);
	if (generation && (segment_is(r, 0, "vcek") || segment_is(r, 0, "vlek")))
		return route_amd(r, generation, out);
	return (segment_is(r, 0, "sgx") || segment_is(r, 0, "tdx")) && route_intel(r, out);
}
