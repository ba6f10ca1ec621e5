/* shapes.h - the shapes that the laboratory knows, one file each. */
#pragma once
#include "lab/lab.h"

extern const struct lab_shape lab_az_snp;
extern const struct lab_shape lab_az_tdx;
extern const struct lab_shape lab_cca;
extern const struct lab_shape lab_csv;
extern const struct lab_shape lab_dcu;
extern const struct lab_shape lab_nitro;
extern const struct lab_shape lab_nvidia;
extern const struct lab_shape lab_se;
extern const struct lab_shape lab_sgx;
extern const struct lab_shape lab_snp;
extern const struct lab_shape lab_tdx;
extern const struct lab_shape lab_tpm;
