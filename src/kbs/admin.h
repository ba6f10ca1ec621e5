/* admin.h - who may administer: the three modes of the reference, and access rules by role.
 *
 * A rule's pattern is matched against the decoded, canonical path as a whole, never against the query, and may name the
 * methods it is for. Spec: kbs.md 6; where the reference is weak: pitfalls.md part 1, 35 to 37.
 *
 * Threads: what was opened does not change; any may check. Keys and texts of the configuration are borrowed.
 */
#pragma once
#include "base/sys.h"
#include "codec/json.h"
#include "crypto/pkey.h"

enum admin_mode {
	ADMIN_DENY_ALL = 0,
	ADMIN_AUTHENTICATED,
	ADMIN_INSECURE_ALLOW_ALL,	/* the configuration says so in words */
};

struct admin_provider {
	const char *issuer, *audience;	/* NULL: not compared */
	const struct pkey *key;		/* or */
	const struct json *jwks;	/* {"keys":[...]} */
};

struct admin_acl {
	const char *role;
	const char *pattern;	/* RE2, matched as a whole */
	const char *methods;	/* "GET,POST"; NULL: all */
};

struct admin_config {
	enum admin_mode mode;
	const struct admin_provider *providers;
	size_t providers_n;
	const struct admin_acl *acls;
	size_t acls_n;
};

struct admin_identity {
	const char *role;
	const char *subject;	/* of the token; "" when it has none */
	const char *peer;
};

struct admin;

/* Compiles the patterns. E_MALFORMED admin.acl, admin.provider. */
RC admin_open(const struct admin_config *config, const struct clock *clock, struct admin **out, struct why *w);
void admin_close(struct admin *ad);

/* E_UNAUTH admin.no-token, admin.token; E_DENIED admin.deny-all, admin.role. */
RC admin_check(struct admin *ad, const char *method, struct slice path, struct slice bearer, struct arena *a,
	       struct admin_identity *who, struct why *w);
