/* nras.h - the answer of NVIDIA's Remote Attestation Service, in place of the reports of the devices.
 *
 * Evidence is then the answer as the service gave it: [["JWT", overall], {"GPU-0": token, ...}]. All tokens are signed with keys of the
 * service's key set, which are trusted as the operator pins them:
 *
 *   "nvidia-nras-jwks"  key: empty; bytes: the key set. A key of it counts when the SHA-256 of its SubjectPublicKeyInfo, or a certificate
 *                       that ends its x5c chain, is an anchor of "nvidia-nras". Nothing is pinned by default: without an anchor no
 *                       answer is taken
 *
 * Spec: verifiers.md 14.4; RFC 9711 (detached EAT bundles).
 */
#pragma once
#include "evidence/job.h"

#define NV_COLLATERAL_JWKS "nvidia-nras-jwks"

/* Is the evidence such an answer? Its first byte that is no white space is "[". */
bool nv_nras_is(struct slice evidence);
RC nv_nras_plan(struct vjob *job);
/* A result for each device. E_DENIED nvidia.untrusted-root.nras, nvidia.signature.nras, nvidia.expired.nras, nvidia.nonce-mismatch,
 * nvidia.binding.nras, nvidia.nras-result; E_MALFORMED nvidia.parse.nras; E_UNAVAILABLE nvidia.chain.jwks. */
RC nv_nras_verify(struct vjob *job);
