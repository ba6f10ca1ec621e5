/* kinds.h - the kinds of collateral, in one table, and what a piece says about its own age.
 *
 * The names are those that drivers ask for (vjob_want); a test holds docs/collateral.md and the drivers to this table.
 * Threads: no state.
 */
#pragma once
#include "base/why.h"

enum collateral_form {
	COLLATERAL_CERTIFICATE,	/* one, DER or PEM */
	COLLATERAL_CHAIN,	/* PEM */
	COLLATERAL_CRL,		/* DER or PEM */
	COLLATERAL_TCB_INFO,	/* Intel's JSON, signed */
	COLLATERAL_QE_IDENTITY,
	COLLATERAL_OCSP,	/* DER */
	COLLATERAL_OTHER,	/* whatever its driver reads */
};

struct collateral_kind {
	const char *name;
	enum collateral_form form;
	const char *vendor;	/* whose budget a fetch counts against; NULL: it is never fetched */
	const char *key;	/* for the documentation */
	const char *what;
};

extern const struct collateral_kind collateral_kinds[];	/* ends with a NULL name */

/* NULL when there is none. */
const struct collateral_kind *collateral_kind_find(const char *name);

/* What stands in the piece; unsigned for us, since its verifier checks the signature. */
struct collateral_facts {
	bool dated;			/* issued_s holds */
	int64_t issued_s;		/* thisUpdate, issueDate */
	int64_t next_s;			/* nextUpdate, notAfter; INT64_MAX: it names none */
	uint64_t number;		/* CRL number; tcbEvaluationDataNumber; 0: none */
	bool lapses;			/* the number binds only until next_s (collateral_is_older) */
	uint8_t issuer[32];		/* of a CRL: SHA-256 of the issuer's name */
};

/* Of an unknown kind, and of forms without dates: undated, never due. E_MALFORMED collateral.content: it is not of that form. */
RC collateral_facts(const char *kind, struct slice bytes, struct arena *a, struct collateral_facts *out, struct why *w);
/* Would `next` in place of `held` be a step back? By date; for lists of one issuer also by number. A vendor publishes documents of
 * several evaluations side by side, each with dates of today: one of an earlier evaluation does not replace a later one that still
 * holds. Behind its nextUpdate it does: whoever goes back to the slower publication gets there, at the latest then. */
bool collateral_is_older(const struct collateral_facts *next, const struct collateral_facts *held, int64_t now_s);
