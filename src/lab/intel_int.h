/* intel_int.h - between the files of Intel's shape. */
#pragma once
#include "lab/intel.h"

#define LAB_PCK_SERIAL 0x1001u
#define LAB_QE_SIGNER  "8c4f5775d796503e96137f77c68a829a0056ac8ded70140b081b094490c57bff"

RC lab_intel_make(const struct lab_options *o, struct arena *a, struct lab_world *out, struct why *w);
/* The PCK certificate of the world's key with this SGX extension, PEM. */
RC lab_intel_issue_pck(const struct lab_world *l, enum lab_intel_authority by, int64_t now_s, struct slice extension, struct arena *a,
		       struct slice *pem, struct why *w);
