/* plugin.h - verifiers from outside this tree, through include/warrant/verifier.h.
 *
 * They are loaded inside workers alone, before the sandbox closes: their code runs with what every verifier has, and one that
 * crashes or hangs costs its own request. The file must be root's and nobody else's to change, and so must each folder above
 * it. What a plug-in says is checked like any answer: it cannot accept without a result, or refuse without a reason.
 */
#pragma once
#include "evidence/job.h"
#include "verifier/registry.h"

#define PLUGINS_MAX	   16u
#define PLUGIN_PATHS_MAX   ((size_t)32 << 10)	/* bytes of all paths */

struct plugins;

/* `paths`: texts, each with a NUL behind it; may be empty. E_DENIED plugin.path: not absolute, a link, or others may change it;
 * E_UNSUPPORTED plugin.abi; E_MALFORMED plugin.tee: its name does not begin with x-, or is
 * taken. Never unloaded. */
RC plugins_load(struct slice paths, struct arena *a, struct plugins **out, struct why *w);
/* registry_run(), where the registry has no such driver: E_UNSUPPORTED verifier.tee. `p` may be NULL. */
RC plugins_run(const struct plugins *p, const char *tee, enum verifier_step step, struct vjob *job);
