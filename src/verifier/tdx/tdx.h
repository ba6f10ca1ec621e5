/* tdx.h - Intel TDX trust domains, by quotes of version 4 and 5. Spec: verifiers.md 5, 6, 16. */
#pragma once
#include "evidence/job.h"

extern const struct vdriver tdx_driver;
