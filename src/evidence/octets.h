/* octets.h - bytes that a JSON document carries as an array of numbers, and refusals recast into a driver's words.
 *
 * Spec: verifiers.md, head ("int array"). Threads: no state.
 */
#pragma once
#include "codec/json.h"

/* obj[name] must be an array of min..max numbers 0 to 255. The bytes live in the arena.
 * E_MALFORMED octets.malformed names `what` and the member. */
RC octets_need(struct arena *a, const struct json *obj, const char *name, size_t min, size_t max, struct slice *out,
	       const char *what, struct why *w);

/* A decoder keeps its own area in its reasons ("json.syntax"). A driver reports under its name: OK stays OK; any other
 * result of `inner` becomes a root cause in `w` with the code of r and the text of the inner one. E_UNSUPPORTED is
 * called `unsupported`, the rest `malformed`. */
RC recast(rc r, const struct why *inner, const char *malformed, const char *unsupported, struct why *w);
