/* wire.h - the JSON form of an SNP report, turned back into the bytes that the firmware signed. */
#pragma once
#include "evidence/snp.h"

/* `att` is the member attestation_report. All reserved bytes are zero, as the firmware writes them. E_MALFORMED
 * snp.parse.report, octets.malformed, json.member. */
RC snp_from_json(struct arena *a, const struct json *att, struct slice *report, struct why *w);
