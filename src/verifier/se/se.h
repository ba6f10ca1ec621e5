/* se.h - the driver of IBM Secure Execution evidence.
 *
 * The measurement is a MAC, so its key decides everything: whoever knows it can make any measurement. It never comes from the
 * client. The client carries it sealed through the exchange (encr_measurement_key, encr_request_nonce); the host opens
 * the pair that it sealed itself, and hands it over as collateral. A pair that the host did not make does not open, and
 * then there is no key and no verdict.
 *
 *   "se-challenge"  key: the two sealed texts, joined by a dot (evidence/se_challenge.h); bytes: measurement key 64, nonce 16
 *   "se-header"     the SE header of the image that is to be attested; its tags must be those of the evidence.
 *                   Without one the tags are claims that the policy must compare
 *
 * Spec: verifiers.md 13. Threads: no state.
 */
#pragma once
#include "evidence/job.h"

#define SE_COLLATERAL_CHALLENGE "se-challenge"
#define SE_COLLATERAL_HEADER "se-header"

extern const struct vdriver se_driver;
