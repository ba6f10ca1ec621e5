/* units.h - amounts with SI and binary suffixes (units.parse, units.parse_bytes), by exact rationals. */
#pragma once
#include "base/arena.h"
#include "base/why.h"

/* The amount as JSON number text in the arena: an integer, or ten decimals. Case matters for m and M.
 * E_MALFORMED units.syntax, with the text of the error; E_INTERNAL units.memory. */
RC units_parse(struct arena *a, struct slice s, struct slice *out, struct why *w);
/* Bytes as an integer, cut toward zero. Case does not matter. Computed with a 64-bit mantissa. */
RC units_parse_bytes(struct arena *a, struct slice s, struct slice *out, struct why *w);
