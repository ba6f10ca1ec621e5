/* lab_eventlog.h - boot logs made here, crypto-agile, and the registers that they leave.
 *
 * Events are the items of a JSON array, each [register, type, "data in hex"]; an event extends its register with the hash of its
 * data in every bank. What stands here is read by evidence/eventlog.h, which shares no code with it. Threads: no state.
 */
#pragma once
#include "base/why.h"
#include "codec/json.h"
#include "crypto/digest.h"

#define LAB_BANKS_MAX 5u

struct lab_banks {
	enum digest_alg alg[LAB_BANKS_MAX];
	size_t n;
};

/* "sha256" or "sha1,sha256". E_MALFORMED lab.field. */
RC lab_banks_read(struct slice text, struct lab_banks *out, struct why *w);
uint16_t lab_tpm_alg(enum digest_alg alg);	/* TPM_ALG_ID */

/* E_MALFORMED lab.field: an event of another form. */
RC lab_eventlog(const struct json *events, const struct lab_banks *banks, struct arena *a, struct slice *out, struct why *w);
/* What a register that began with zeros holds after the log; `out` has the size of the digest. */
RC lab_register(const struct json *events, enum digest_alg bank, uint32_t index, uint8_t *out, struct arena *a, struct why *w);
