/* shapes.h - the shapes that the laboratory knows, one file each. */
#pragma once
#include "lab/lab.h"

extern const struct lab_shape lab_cca, lab_csv, lab_dcu, lab_nitro, lab_tpm;
