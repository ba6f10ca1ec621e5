/* az_vtpm.h - confidential VMs of Azure: a vTPM whose attestation key a hardware report vouches for.
 *
 * The paravisor binds its variable data, which holds the key, into an SNP report or a TD quote; the vTPM then quotes the
 * PCRs and the nonce. Every link is checked, and what is quoted is read from the signed structure alone.
 * Spec: verifiers.md 8.
 */
#pragma once
#include "evidence/job.h"

extern const struct vdriver az_snp_vtpm_driver;
extern const struct vdriver az_tdx_vtpm_driver;
