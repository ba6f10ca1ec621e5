/* ecdh.h - the shared secret of two EC keys of one curve. */
#pragma once
#include "crypto/pkey.h"

/* Z, the x-coordinate at the curve's full width. `mine` is private. E_UNSUPPORTED `reason` when the keys do not agree. */
RC ecdh_agree(const struct pkey *mine, const struct pkey *theirs, struct secret *z, const char *reason, struct why *w);
