/* sample.h - evidence that proves nothing, for trying things out. Refused unless the configuration says in words that it is
 * insecure; each result says so too. Spec: verifiers.md 3. */
#pragma once
#include "evidence/job.h"

extern const struct vdriver sample_driver;
extern const struct vdriver sampledevice_driver;
