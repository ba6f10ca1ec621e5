/* uv.h - the structures of the IBM Secure Execution ultravisor that attestation needs: the SE header of an image, the
 * attestation request control block, and the measurement.
 *
 * All big endian. Spec: verifiers.md 13.3, 13.4. Threads: no state.
 */
#pragma once
#include "base/arena.h"
#include "base/secret.h"
#include "base/why.h"

#define SE_KEY_SIZE 64u		/* measurement key */
#define SE_NONCE_SIZE 16u
#define SE_MEASUREMENT_SIZE 64u
#define SE_TAGS_SIZE 208u	/* pld 64, ald 64, tld 64, tag 16 */

struct se_tags {
	struct slice pld, ald, tld, tag;
};

/* Exactly SE_TAGS_SIZE bytes. E_MALFORMED se.parse.tags. */
RC se_tags_parse(struct slice in, struct se_tags *out, struct why *w);

struct se_header {
	uint32_t version, size;
	struct slice iv;
	uint64_t key_slots, sea, nep, pcf;
	struct slice customer_key;
	struct se_tags tags;
};

/* A whole image header. E_MALFORMED se.parse.header, E_UNSUPPORTED se.unsupported.header. */
RC se_header_parse(struct slice in, struct se_header *out, struct why *w);

enum se_arcb_flag {	/* bits count from the most significant */
	SE_ARCB_NONCE = 1,
	SE_ARCB_IMAGE_PHKH = 2,
	SE_ARCB_ATTESTATION_PHKH = 3,
	SE_ARCB_SECRET_STORE = 4,
	SE_ARCB_FIRMWARE = 5,
};

struct se_arcb {
	uint32_t version, size, algorithm;
	struct slice iv;
	unsigned key_slots_n;
	struct slice key_slots;	/* 80 bytes each */
	uint64_t flags;
	struct slice customer_key;
	struct slice aad;	/* everything before the encrypted area */
	struct slice sealed;	/* ciphertext, then its tag */
};

#define SE_ARCB_KEY_SLOTS_MAX 31u

/* E_MALFORMED se.parse.arcb: sizes, magic, the only algorithm there is (1, HMAC-SHA-512). */
RC se_arcb_parse(struct slice in, struct se_arcb *out, struct why *w);
static inline bool se_arcb_has(const struct se_arcb *r, enum se_arcb_flag f)
{
	return r->flags >> (63 - f) & 1;
}
/* Opens the encrypted area with the request protection key (32 bytes): measurement key, then the nonce where the flag is
 * set. E_DENIED se.decrypt.arcb. */
RC se_arcb_open(const struct se_arcb *r, const struct secret *key, struct secret *measurement_key, struct secret *nonce,
		struct why *w);

/* What a measurement is made of. nonce may be empty, as user_data and additional may. */
struct se_measured {
	struct se_tags tags;
	struct slice cuid;	/* 16 bytes */
	struct slice user_data;	/* at most 256 bytes */
	struct slice nonce;
	struct slice additional;
};

/* HMAC-SHA-512 under the measurement key into out[SE_MEASUREMENT_SIZE]. E_MALFORMED se.parse.sizes. */
RC se_measure(struct arena *a, const struct se_measured *in, struct slice key, uint8_t *out, struct why *w);
