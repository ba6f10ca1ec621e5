/* globs.h - regex.globs_match: do two simple patterns (characters, '.', [sets], + and *) share a string? */
#pragma once
#include "base/arena.h"
#include "base/why.h"

#define GLOBS_MAX 4096u	/* bytes of a pattern: the work is the product of both */

/* E_MALFORMED globs.syntax, E_LIMIT globs.size, E_INTERNAL globs.memory. */
RC globs_intersect(struct arena *a, struct slice left, struct slice right, bool *out, struct why *w);
