/* dcap_pck.h - the PCK certificate of a platform: its SGX extension, and the chain from it to Intel's root.
 *
 * A loaded chain has correct signatures, names and roles from the leaf to a self-signed root. It says nothing of dates,
 * revocation or trust in that root: those depend on time, lists and configuration and are asked of each verdict.
 * Spec: verifiers.md 5.2, 5.5 step 2. Threads: a chain is immutable.
 */
#pragma once
#include "base/why.h"
#include "crypto/x509.h"
#include "evidence/dcap_tcb.h"

enum dcap_ca { DCAP_CA_PLATFORM = 1, DCAP_CA_PROCESSOR };

/* Extension 1.2.840.113741.1.13.1, by value. */
struct dcap_pck {
	uint8_t ppid[16];
	uint8_t components[DCAP_COMPONENTS];
	uint16_t pcesvn;
	uint8_t cpusvn[16];
	uint8_t pce_id[2];
	uint8_t fmspc[6];
	unsigned sgx_type;	/* 0 Standard, 1 Scalable, 2 Scalable with Integrity */
	bool has_instance_id;	/* these two: Platform CA only */
	uint8_t instance_id[16];
	bool has_config;
	bool dynamic_platform, cached_keys, smt_enabled;
};

/* The content of the extension. E_MALFORMED dcap.parse.pck. */
RC dcap_pck_parse(struct slice extension, struct dcap_pck *out, struct why *w);

struct dcap_chain {
	struct arena *arena;
	struct x509 *certs[3];
	size_t certs_n;
	const struct x509 *leaf, *ca, *root;	/* of certs; ca NULL in a signing chain */
	enum dcap_ca ca_kind;			/* PCK chains */
	struct dcap_pck pck;			/* PCK chains */
	uint8_t root_key_id[48];		/* SHA-384 of the root's uncompressed point */
};

/* Exactly three certificates, the leaf first, the others in any order. Free with dcap_chain_free.
 * E_MALFORMED dcap.parse.chain, dcap.parse.pck; E_DENIED dcap.chain[.detail]. */
RC dcap_pck_chain_load(struct slice pem, struct dcap_chain **out, struct why *w);
/* The signer of TCB info and QE identity, and the root. */
RC dcap_signing_chain_load(struct slice pem, struct dcap_chain **out, struct why *w);
void dcap_chain_free(void *chain);	/* accepts NULL */
