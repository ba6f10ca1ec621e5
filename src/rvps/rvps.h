/* rvps.h - reference values: named JSON values with an expiry that is enforced.
 *
 * Stored as the reference does (spec rvps.md 3.1) in namespace reference_value: {"version","name","expiration","value"}.
 * A value read once is kept for RVPS_CACHE_MS, so that an appraisal costs no storage read and other replicas see a
 * change within that time; the own process sees its changes at once. Thread-safe.
 */
#pragma once
#include "codec/json.h"
#include "store/store.h"

struct rvps;

#define RVPS_CACHE_MS	   1000
#define RVPS_MESSAGE_MAX   ((size_t)2 << 20)
#define RVPS_VALUES_MAX	   1000u	/* in one message; leaves room for a record in the batch */
#define RVPS_DEFAULT_MONTHS 12

enum rvps_state { RV_UNKNOWN = 1, RV_EXPIRED, RV_FOUND };

RC rvps_open(struct store *store, const struct clock *clock, struct rvps **out, struct why *w);
void rvps_close(struct rvps *r);

/* The value of a name. RV_EXPIRED gives no value; expires_s is set whenever the name is known. */
RC rvps_query(struct rvps *r, struct slice name, struct arena *a, enum rvps_state *state, struct json **value,
	      int64_t *expires_s, struct why *w);
/* Registers one value. expires_s 0: now + 12 months. */
RC rvps_set(struct rvps *r, struct slice name, const struct json *value, int64_t expires_s, struct why *w);
/* E_NOTFOUND store.absent. `by` may be NULL. */
RC rvps_delete(struct rvps *r, struct slice name, const struct store_committer *by, struct why *w);
/* Names in byte order behind `after`. */
RC rvps_list(struct rvps *r, const char *after, size_t limit, struct arena *a, char ***names, size_t *n, struct why *w);

/* The register message of spec rvps.md 4: {"version","type","payload"}. All values of a message are stored in one
 * batch, or none. Type "sample": payload is the base64 of a JSON object
 * name -> value. expires_s 0: the default. The caller has authenticated whoever sends it.
 * E_UNSUPPORTED rvps.type names the types that are taken. `by` (may be NULL) is asked once the whole message is understood. */
RC rvps_register(struct rvps *r, struct slice message, int64_t expires_s, const struct store_committer *by, size_t *stored,
		 struct why *w);
