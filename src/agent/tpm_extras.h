/* tpm_extras.h - what goes with a TPM's quote beside it: the certificate of the attestation key, and the boot log.
 *
 * Spec: verifiers.md 9, 16. Threads: no state.
 */
#pragma once
#include "codec/json.h"

#define TPM_BOOT_LOG "/sys/kernel/security/tpm0/binary_bios_measurements"

/* "ak_cert" and "ak_cert_chain" into the evidence: the certificates of a file, PEM with the key's own first, or one in DER.
 * E_UNAVAILABLE, E_MALFORMED, E_LIMIT: the file cannot be read, or holds none. */
RC tpm_add_certificates(const char *path, struct arena *a, struct json *evidence, struct why *w);

/* "eventlog" into the evidence, where the log leads to the values of every PCR that it extends (`pcrs`: 24 values of the SHA-256 bank,
 * in hex). A log that does not - PCRs were extended since, or there are no SHA-256 digests in it - would be refused, and is left out, as
 * is one that cannot be read where nobody asked for it (path NULL: TPM_BOOT_LOG). *why_not then says so; else it is NULL. */
RC tpm_add_log(const char *path, const struct json *pcrs, struct arena *a, struct json *evidence, const char **why_not, struct why *w);
