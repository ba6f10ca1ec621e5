/* policies.h - the appraisal policies: texts in the store, programs in memory, one lookup a submodule.
 *
 * A policy of id "default_cpu" is stored as default_cpu.rego in namespace attestation_service_policy. The defaults are written
 * when absent; a stored default that is still the text of an older release is an operator's choice and stays.
 *
 * Threads: any; programs are counted references, replaced under a lock that is held over no evaluation.
 */
#pragma once
#include "base/sys.h"
#include "rego/unit.h"
#include "store/store.h"

struct policies;

#define POLICY_TRUST_CLAIMS 0u	/* queries of a unit */
#define POLICY_EXTENSIONS   1u

RC policies_open(struct store *store, const struct rego_host_fn *fns, size_t fns_n, struct policies **out, struct why *w);
void policies_close(struct policies *p);
/* The program of an id, one owner more: free with rego_unit_free. E_NOTFOUND as.policy-absent; E_UNAVAILABLE as.policy-broken:
 * the stored text does not compile. A change by another replica is seen within a second. */
RC policies_get(struct policies *p, const char *id, struct rego_unit **out, struct why *w);
/* E_MALFORMED as.policy-id; as.policy with "id.rego:line:col: ...": then `by` (may be NULL) is not asked. Decides at once. */
RC policies_set(struct policies *p, struct slice id, struct slice rego, const struct store_committer *by, struct why *w);
RC policies_text(struct policies *p, struct slice id, struct arena *a, struct slice *out, struct why *w);
RC policies_list(struct policies *p, struct arena *a, char ***ids, size_t *n, struct why *w);
