/* claims.h - what a verified device says, in the names of NVIDIA's remote attestation service. */
#pragma once
#include "verifier/nvidia/rims.h"

/* A result of class "gpu" or "switch". E_INTERNAL nvidia.memory. */
RC nv_claims(struct vjob *job, const struct nv_device *d, const struct nv_rims *rims);

/* GPUs and switches of one protected PCIe domain: eight GPUs and four switches that name one another make a further result
 * of class "ppcie". Where a GPU says that it is in such a domain, each device's claim `ppcie_complete` tells whether the whole
 * of it is here. The results of the devices must stand first, in their order. */
RC nv_ppcie(struct vjob *job, const struct nv_device *devices, size_t n);

/* For docs/claims.md. */
extern const struct vclaim nv_claim_table[];
