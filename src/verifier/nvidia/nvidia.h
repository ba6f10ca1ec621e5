/* nvidia.h - the driver of NVIDIA GPUs (Hopper, Blackwell) and NVSwitches: device_evidence_list of verifiers.md 14.1.
 *
 * One result a device, in the order of the list. The claims are those that the default GPU and switch policies read
 * (attestation-service.md 6.4), computed here and not by a remote service, and the parsed report beside them. The same
 * device twice is a denial, and so is an empty list. Collateral: rims.h.
 */
#pragma once
#include "evidence/job.h"

extern const struct vdriver nvidia_driver;
