/* rims.h - the manifests of a device: which ones, their signatures, and what they say of it.
 *
 *   "nvidia-rim"  key: the id at NVIDIA's RIM service; bytes: the SWID tag. A device has two (driver and VBIOS), a switch one
 *
 * Without them the claims say that they were not fetched. One that is there must be right: signature, chain to the pinned
 * root, version, and every golden value. Spec: verifiers.md 14.6. Threads: no state.
 */
#pragma once
#include "evidence/rim.h"
#include "verifier/nvidia/device.h"

#define NV_COLLATERAL_RIM "nvidia-rim"
#define NV_RIMS_MAX 2u

struct nv_rim {
	const char *what;	/* "driver", "vbios", "bios": as in the claims' names */
	const char *id;
	const char *version;	/* that the device reports */
	bool there;
	struct rim rim;
	struct nv_chain chain;
};

struct nv_rims {
	struct nv_rim r[NV_RIMS_MAX];
	unsigned n;
	bool compared;	/* all were there, and every golden value was met */
};

/* Names them. E_MALFORMED nvidia.parse.version when the report lacks what the names are made of. */
RC nv_rims_name(struct vjob *job, const struct nv_device *d, struct nv_rims *out);
RC nv_rims_check(struct vjob *job, const struct nv_device *d, struct nv_rims *rims);
/* One manifest: parsed, signed by its first certificate, chain to an anchor of "nvidia-rim-root", valid now, not revoked.
 * Planning names OCSP answers instead of reading them. */
RC nv_rim_verify(struct vjob *job, struct slice xml, bool planning, struct rim *out, struct nv_chain *chain);
