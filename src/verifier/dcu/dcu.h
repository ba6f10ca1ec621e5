/* dcu.h - the driver of Hygon DCU accelerator evidence. Spec: verifiers.md 12. */
#pragma once
#include "evidence/job.h"

extern const struct vdriver dcu_driver;
