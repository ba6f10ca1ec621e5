/* token.h - the Arm CCA attestation token: a platform token and a realm token in one collection.
 *
 * Slices and texts point into the bytes that were parsed. Spec: verifiers.md 10.2; RMM specification, "Attestation token";
 * draft-ffm-rats-cca-token. Threads: no state.
 */
#pragma once
#include "crypto/cose/cose.h"

#define CCA_SW_MAX 32u
#define CCA_REMS 4u

struct cca_sw {
	struct slice type, version, hash_alg;	/* texts; p == NULL when absent */
	struct slice measurement, signer;
};

struct cca_platform {
	struct slice profile, challenge, implementation_id, instance_id, config, hash_alg;
	struct slice service;	/* p == NULL when absent */
	uint64_t lifecycle;
	struct cca_sw sw[CCA_SW_MAX];
	unsigned sw_n;
};

struct cca_realm {
	struct slice profile;	/* p == NULL: legacy, the key is a raw point */
	struct slice challenge, personalization, hash_alg, rim, rak, rak_hash_alg;
	struct slice rem[CCA_REMS];
};

struct cca_token {
	struct cose_sign1 platform_cose, realm_cose;
	struct cca_platform platform;
	struct cca_realm realm;
};

/* E_MALFORMED cca.parse.*, E_UNSUPPORTED cca.unsupported.*. Nothing is verified yet. */
RC cca_token_parse(struct arena *a, struct slice in, struct cca_token *out, struct why *w);

/* The realm attestation key, in the form of the realm's profile. E_MALFORMED cca.parse.rak, E_UNSUPPORTED cca.unsupported.rak. */
RC cca_rak(const struct cca_realm *realm, struct arena *a, struct pkey **out, struct why *w);
