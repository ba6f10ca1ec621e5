/* policy.h - the resource policy: one Rego text in the store, compiled when it changes, evaluated for every release.
 *
 * input = the token's claims; data = {"plugin","resource-path","query","method"}; rule data.policy.allow. Only the value true
 * allows. Spec: kbs.md 5.
 *
 * Threads: any; the compiled text is shared, and replaced under a lock that is held over no evaluation.
 */
#pragma once
#include "base/sys.h"
#include "codec/json.h"
#include "store/store.h"

struct policy;

/* Writes the default policy when the store has none. E_UNAVAILABLE policy.broken: the stored one does not compile. */
RC policy_open(struct store *store, const struct clock *clock, struct policy **out, struct why *w);
void policy_close(struct policy *p);

/* E_MALFORMED policy.compile "resource-policy.rego:line:col: ...": then `by` (may be NULL) is not asked. */
RC policy_set(struct policy *p, struct slice rego, const struct store_committer *by, struct why *w);
RC policy_text(struct policy *p, struct arena *a, struct slice *rego, struct why *w);

/* OK: allowed. E_DENIED policy.denied, policy.undefined (with the expression that stopped it), policy.error, policy.budget;
 * E_UNAVAILABLE policy.broken, store.*: it cannot be loaded. */
RC policy_allows(struct policy *p, const struct json *claims, const struct json *data, struct arena *a, struct why *w);

/* "default", "allow_all", "deny_all", "affirming"; p == NULL: there is none of that name. */
struct slice policy_builtin(const char *name);
