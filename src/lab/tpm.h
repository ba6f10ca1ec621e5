/* tpm.h - quotes of a TPM, for the shapes that have one: TPMS_ATTEST over PCRs that a log leaves. */
#pragma once
#include "lab/lab.h"
#include "lab/lab_eventlog.h"

#define LAB_PCRS 24u

/* Fields that a quote takes, for the shape's list. */
#define LAB_TPM_FIELDS                                                                                                          \
	"\"magic\": 4283712327, \"type\": 32792, \"qualified_signer\": \"000b1111111111111111111111111111111111111111111111111111111111111111\"," \
	"\"clock\": 123456789, \"reset_count\": 7, \"restart_count\": 0, \"safe\": true, \"firmware\": 538513443,"                         \
	"\"selection\": 16777215, \"pcr_digest\": \"\","                                                                                    \
	"\"events\": [[0, 8, \"6c61622d6372746d\"], [7, 2147483649, \"736563757265626f6f74\"], [4, 4, \"00000000\"], [11, 13, \"6b65726e656c\"]]"

/* Values of every PCR of every bank: what the events leave; PCR 8 holds the init-data digest in banks of its size. */
struct lab_pcrs {
	uint8_t value[LAB_BANKS_MAX][LAB_PCRS][64];
};
RC lab_pcrs(const struct json *fields, const struct lab_banks *banks, struct slice init_data, struct arena *a, struct lab_pcrs *out,
	    struct why *w);
/* The TPMS_ATTEST; `hash` is that of the signature to come. */
RC lab_quote(const struct json *fields, const struct lab_banks *banks, const struct lab_pcrs *pcrs, enum digest_alg hash, struct slice nonce,
	     struct arena *a, struct slice *out, struct why *w);
