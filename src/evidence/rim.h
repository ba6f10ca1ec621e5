/* rim.h - a reference integrity manifest: a SWID tag with golden measurements, under an enveloped XML signature.
 *
 * The document is read by libxml2 without network, entities or document type; it is capped in size, depth and number of
 * resources. What is read is what is signed: the one signature must cover the whole document.
 * Spec: ISO 19770-2, TCG RIM information model, XML signature 1.1, C14N; verifiers.md 14.6. Threads: no state.
 */
#pragma once
#include "base/arena.h"
#include "base/why.h"

#define RIM_BYTES_MAX (1u << 20)
#define RIM_DEPTH_MAX 16u
#define RIM_MEASURES_MAX 256u
#define RIM_HASHES_MAX 16u	/* alternatives of one measurement */
#define RIM_CERTS_MAX 8u

struct pkey;

struct rim_measure {
	unsigned index;
	bool active;
	uint32_t size;
	struct slice hashes[RIM_HASHES_MAX];
	unsigned hashes_n;
};

struct rim {
	const char *manufacturer, *edition, *product, *version;	/* version: colloquialVersion. NULL when absent */
	struct rim_measure *measures;
	unsigned measures_n;
	struct slice certs[RIM_CERTS_MAX];	/* DER, as KeyInfo has them: the signer first */
	unsigned certs_n;
	/* what the signature says, for rim_check_signature */
	struct slice signed_info;	/* canonical */
	struct slice signature;		/* raw, r || s for ECDSA */
	struct slice digest_found, digest_expected;	/* of the canonical document; of the reference in signed_info */
	int sig_alg;	/* enum sig_alg */
};

/* Loads the XML library, which rim_parse does otherwise at its first call: for a process that will not be able to open files then.
 * false: it is not installed, and no manifest can be read. */
bool rim_prepare(void);

/* E_MALFORMED rim.parse.*, E_UNSUPPORTED rim.unsupported.*, E_LIMIT rim.limit.*. Nothing is verified yet. */
RC rim_parse(struct arena *a, struct slice xml, struct rim *out, struct why *w);

/* The reference digest is that of the document, and the signature over it is by `signer`. E_DENIED `reason`. */
RC rim_check_signature(const struct rim *rim, const struct pkey *signer, const char *reason, struct why *w);
