/* csv.h - the driver of Hygon CSV evidence: the document of verifiers.md 11.1, or the raw report of the firmware. */
#pragma once
#include "evidence/job.h"

extern const struct vdriver csv_driver;
