/* glob.h - shell-like patterns of glob.match: * ? ** [abc] [a-z] [!..] {a,b} and backslash escapes.
 *
 * A pattern becomes a small automaton that is run over the text once: time is pattern length times text length,
 * whatever the pattern.
 */
#pragma once
#include "base/buf.h"
#include "base/why.h"

struct glob;

#define GLOB_MAX 65536u	/* bytes of a pattern */

/* `seps`: code points that * and ? do not cross. Borrows nothing. In the arena.
 * E_MALFORMED glob.syntax; E_LIMIT glob.size; E_INTERNAL glob.memory. */
RC glob_compile(struct arena *a, struct slice pattern, const int32_t *seps, size_t n_seps, struct glob **out,
		struct why *w);
/* Instructions of the automaton: what one code point of text may cost. */
size_t glob_cost(const struct glob *g);
/* The whole of s. Scratch memory comes from `a`; E_INTERNAL glob.memory. */
RC glob_match(const struct glob *g, struct slice s, struct arena *a, bool *out, struct why *w);
/* Escapes what has a meaning in a pattern. */
void glob_quote(struct buf *b, struct slice s);
