/* rc.h - the result type of every fallible function.
 *
 * A result is a struct, so `return -1;` and `if (verify())` do not compile, and it is must-use, so a
 * check that was made cannot be forgotten. The code is what the caller branches on; people read `why`.
 */
#pragma once
#include <stdbool.h>

enum rc_code {
	OK = 0,
	E_MALFORMED,	/* bytes that are not what the format says: 400 */
	E_UNSUPPORTED,	/* well formed, but a version or algorithm we do not take: 400 */
	E_UNAUTH,	/* attest (again), or authenticate: 401 */
	E_DENIED,	/* a verdict: checked, and refused: 403 */
	E_NOTFOUND,	/* 404 */
	E_LIMIT,	/* a budget of size, depth, time or rate ran out: 413, 429 */
	E_UNAVAILABLE,	/* something we depend on is down; retrying may help: 503 */
	E_INTERNAL,	/* our own mistake or no memory: 500 */
};

typedef struct {
	enum rc_code code;
} rc;

#define RC __attribute__((warn_unused_result)) rc
#define TRY(call)                              \
	do {                                   \
		rc try_ = (call);              \
		if (try_.code != OK)           \
			return try_;           \
	} while (0)

static inline bool rc_ok(rc r)
{
	return r.code == OK;
}

static inline RC rc_of(enum rc_code code)
{
	return (rc){code};
}

/* "E_DENIED" and so on; never NULL. */
const char *rc_name(enum rc_code code);
