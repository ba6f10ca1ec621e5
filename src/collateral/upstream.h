/* upstream.h - the vendors' services as a source of collateral: AMD's KDS and Azure's cache of it, Intel's PCS, and a PCCS in its
 * place, NVIDIA's RIM and OCSP services, Hygon's certificates.
 *
 * Where to ask comes from the configuration alone; what to ask for comes from evidence, so every character of a key is
 * checked before it stands in a URL or a path. An answer is taken only if it is of what was asked for; signatures and
 * dates are for the verifier. Thread-safe. Spec: verifiers.md 4.4, 5.4, 11.4, 14.4, 14.6.
 */
#pragma once
#include "collateral/collateral.h"

#define UPSTREAM_KDS	    "https://kdsintf.amd.com"
#define UPSTREAM_KDS_FOLDER "/opt/confidential-containers/attestation-service/kds-store"
#define UPSTREAM_PCS	    "https://api.trustedservices.intel.com/sgx/certification/v4/"
#define UPSTREAM_AZURE	    "https://americas.acccache.azure.net/SevSnpVM/certificates"
#define UPSTREAM_RIM	    "https://rim.attestation.nvidia.com"
#define UPSTREAM_OCSP	    "https://ocsp.ndis.nvidia.com/"
#define UPSTREAM_JWKS	    "https://nras.attestation.nvidia.com/.well-known/jwks.json"
#define UPSTREAM_HYGON	    "https://cert.hygon.cn"
#define UPSTREAM_AMD_MAX    8u

/* One place to look for AMD's certificates. */
struct upstream_amd {
	bool folder;	/* `at` is a path: spec 4.4 OfflineStore; else the base of URLs */
	const char *at;
	bool azure;	/* Azure's cache (THIM), which knows chips by id and TCB, and has their chain behind them */
};

struct upstream_config {
	struct upstream_amd amd[UPSTREAM_AMD_MAX];	/* asked in this order until one has it */
	size_t amd_n;
	const char *intel;	/* URL, of which scheme, host and port count; NULL: Intel is not asked */
	bool intel_standard;	/* update=standard instead of early */
	const char *nvidia_rim, *nvidia_ocsp, *nvidia_jwks;	/* URLs; NULL: NVIDIA is not asked for that */
	const char *hygon;	/* base of URLs; NULL: Hygon is not asked */
	const char *ca_file;	/* roots of a server of one's own, PEM; NULL: the system's */
	unsigned timeout_ms;	/* of one answer; 0: 5,000 */
	bool loopback_http;	/* http:// to this host is allowed, in words */
};

struct upstream;

/* Strings of the configuration are borrowed. E_MALFORMED upstream.url: not https, or with credentials, query or fragment. */
RC upstream_open(const struct upstream_config *config, struct upstream **out, struct why *w);
void upstream_close(struct upstream *u);	/* accepts NULL */
/* For collateral_open(); lives as long as the upstream. What a fetch refuses: E_NOTFOUND upstream.absent, upstream.key (no such
 * thing can exist); E_LIMIT upstream.busy (429); E_UNAVAILABLE upstream.status, fetch.*; E_MALFORMED upstream.content. */
const struct collateral_source *upstream_source(const struct upstream *u);

/* Retry-After (RFC 9110 10.2.3) in seconds: a number, or a date compared with the answer's own Date. 0 for anything else. */
unsigned upstream_retry_after(struct slice value, struct slice date);
/* An issuer chain as headers carry it, URL-encoded PEM, to PEM. E_MALFORMED upstream.header. */
RC upstream_header_chain(struct arena *a, struct slice value, struct slice *out, struct why *w);
