/* tpm.h - the driver of TPM 2.0 quotes.
 *
 * Evidence (verifiers.md 9): {"ak_public": base64, "tpm_quote": {"signature": base64, "message": base64, "pcrs": [24 hex]}}.
 * Taken too: ak_public as PEM, TPMT_PUBLIC or TPM2B_PUBLIC; "pcrs" as {bank: {number: hex}} for quotes over other or several
 * banks, or left out (then no PCR is a claim); "ak_cert" base64 and "ak_cert_chain" [base64]; "eventlog" base64, the boot log.
 */
#pragma once
#include "evidence/job.h"

extern const struct vdriver tpm_driver;
