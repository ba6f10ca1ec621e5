/* sgx.h - Intel SGX enclaves, by ECDSA quotes of version 3, 4 and 5. Spec: verifiers.md 5, 7. */
#pragma once
#include "evidence/job.h"

extern const struct vdriver sgx_driver;
