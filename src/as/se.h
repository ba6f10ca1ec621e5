/* se.h - what the service itself knows about guests of IBM Secure Execution: their challenges, and the image's header.
 *
 * Threads: no state.
 */
#pragma once
#include "as/as.h"

/* Is this collateral the service's own, to be found here and nowhere else? */
bool se_own_kind(const char *kind);
/* `challenge`: the only one whose pair is handed out; p == NULL: any of ours. E_NOTFOUND as.se: there is none. E_DENIED
 * se.decrypt.sealed, se.decrypt.other-challenge, se.expired.challenge. */
RC se_own(const struct as_se *se, const char *kind, const char *key, struct slice challenge, int64_t now_s, struct arena *a,
	  struct slice *out, struct why *w);
