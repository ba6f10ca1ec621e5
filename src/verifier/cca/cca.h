/* cca.h - the driver of Arm CCA evidence: {"token": [bytes]}, or the token in CBOR.
 *
 *   "cca-cpak"  key: the instance id in hex; bytes: the public key of the platform (CPAK) as a JWK, as PEM or as
 *               SubjectPublicKeyInfo. It counts only if the SHA-256 of its SubjectPublicKeyInfo is an anchor of "cca-cpak":
 *               there is no vendor root behind these keys, an operator enrols them.
 *
 * Spec: verifiers.md 10. Threads: no state.
 */
#pragma once
#include "evidence/job.h"

#define CCA_COLLATERAL_CPAK "cca-cpak"

extern const struct vdriver cca_driver;
