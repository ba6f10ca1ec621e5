/* nitro.h - the driver of AWS Nitro Enclaves attestation documents: the document in CBOR, or {"document": base64}.
 *
 * Certificates of a document live for three hours, so the time of the verdict is always checked unless the job says that
 * there is none. A document of a debug enclave is genuine: its PCRs 0 to 2 are zero, and the claim `debug` says so.
 * Spec: AWS Nitro Enclaves, "Cryptographic attestation"; COSE (RFC 9052). Threads: no state.
 */
#pragma once
#include "evidence/job.h"

#define NITRO_PCRS 32u

extern const struct vdriver nitro_driver;
