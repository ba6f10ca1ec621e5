/* snp.h - the driver of AMD SEV-SNP: the wire document of verifiers.md 4.1, or the binary report of the firmware. */
#pragma once
#include "evidence/job.h"

extern const struct vdriver snp_driver;
