/* spdm.h - the SPDM 1.1 measurement exchange that NVIDIA devices sign: GET_MEASUREMENTS request and MEASUREMENTS
 * response, with the vendor's opaque fields.
 *
 * Slices point into the bytes that were parsed. Bytes behind the signature are allowed: recorded reports have some.
 * Spec: DSP0274 1.1; verifiers.md 14.2. Threads: no state.
 */
#pragma once
#include "codec/json.h"

#define SPDM_BLOCKS_MAX 255u
#define SPDM_OPAQUE_MAX 64u	/* fields of one report */
#define SPDM_SIGNATURE 96u	/* r || s of P-384 */

/* Types of the opaque fields that the drivers look at by name. */
enum spdm_opaque_type {
	SPDM_DRIVER_VERSION = 3,
	SPDM_VBIOS_VERSION = 6,
	SPDM_NVDEC0_STATUS = 11,
	SPDM_CHIP_SKU = 15,
	SPDM_PROJECT = 17,
	SPDM_PROJECT_SKU = 18,
	SPDM_FWID = 20,
	SPDM_SWITCH_PDI = 22,
	SPDM_CHIP_INFO = 35,
};

struct spdm_block {
	uint8_t index;	/* counts from 1 */
	uint8_t type;	/* DMTF measurement value type */
	struct slice value;
};

struct spdm_opaque {
	uint16_t type;
	struct slice value;
};

struct spdm_report {
	struct slice nonce;	/* of the request: the verifier's */
	struct slice response_nonce;
	struct spdm_block *blocks;
	unsigned blocks_n;
	struct spdm_opaque opaque[SPDM_OPAQUE_MAX];
	unsigned opaque_n;
	struct slice signature;
	struct slice body;	/* the signed bytes: request and response up to the signature */
	size_t trailing;	/* bytes behind the signature */
};

/* E_MALFORMED spdm.parse.*; E_UNSUPPORTED spdm.unsupported.* (version, specification of a block); doubled block indices
 * and opaque types are malformed. */
RC spdm_parse(struct arena *a, struct slice in, struct spdm_report *out, struct why *w);

/* p == NULL when absent. */
struct slice spdm_opaque(const struct spdm_report *rep, unsigned type);
/* NULL when absent. */
const struct spdm_block *spdm_block(const struct spdm_report *rep, unsigned index);

/* Text of a field: the bytes before the first NUL when they are printable ASCII, else NULL. */
const char *spdm_text(struct arena *a, struct slice field);
/* "96.00.9F.00.01" of the eight bytes of a GPU, in the case that is asked for; of a switch, where the field is text
 * already, that text. NULL when it is neither. */
const char *spdm_vbios_text(struct arena *a, struct slice field, bool upper);

/* {"driver_version": "550.90.07", ...}: each field under the name and in the text form of the table; a type without a row
 * as hex under "opaque_<type>". NULL without memory. */
struct json *spdm_opaque_json(struct arena *a, const struct spdm_report *rep);
/* {"1": hex, ...} */
struct json *spdm_blocks_json(struct arena *a, const struct spdm_report *rep);
