/* conformance.h - recorded cases (cases.json) run through the verifiers: one adapter for each platform.
 *
 * An adapter knows the roles of its platform's cases; drivers know nothing of cases. It turns a case into a job, and
 * compares the facts that the case states with the claims that came out. Threads: one at a time.
 */
#pragma once
#include "evidence/job.h"

struct conf_case {
	const char *root;	/* folder that input paths are relative to: .../evidence */
	const char *shared;	/* where they are looked for next; may be NULL */
	const char *id;
	const struct json *all;		/* the whole case */
	const struct json *inputs, *facts;
	bool ok_expected;
	const char *error_class;	/* "a|b" or NULL */
	bool has_time;
	int64_t time_s;
};

struct conf_adapter {
	const char *platform;
	const char *tee;	/* driver; NULL: `run` does everything in this process */
	/* Fills evidence, bindings, collateral and anchors. E_UNSUPPORTED conformance.skip: this case is skipped, by name. `tee` may
	 * be replaced for one case; NULL sends it to `run`. Time is set already. May be NULL without a driver. */
	RC (*prepare)(struct arena *a, const struct conf_case *c, struct vjob *job, const char **tee, struct why *w);
	/* E_DENIED conformance.fact with what was compared. NULL: conf_facts over the first result. */
	RC (*facts)(struct arena *a, const struct conf_case *c, const struct vjob *job, struct why *w);
	/* For platforms, or cases, without a driver: the verdict. Adds a result whose claims hold the facts. */
	RC (*run)(struct vjob *job, const struct conf_case *c);
};

extern const struct conf_adapter *const conf_adapters[];	/* ends with NULL */

struct pool;

struct conf_options {
	struct pool *pool;
	const char *shared;	/* may be NULL */
	bool verbose;
};

struct conf_count {
	unsigned passed, failed, skipped;
};

/* All cases.json in `dir` (a platform's folder) or in its sub-folders. Prints a row for each platform and a line for each
 * failure, and adds to *total. E_NOTFOUND when there is none. */
RC conf_run_dir(const struct conf_options *o, const char *dir, struct conf_count *total, struct why *w);

/* An input by role: a path of the case, read. p == NULL when the case has no such role. Role's text that is no path:
 * conf_text. E_NOTFOUND when the file is absent. */
RC conf_file(struct arena *a, const struct conf_case *c, const char *role, struct slice *out, struct why *w);
/* A file that no case names: certificates that many share. E_NOTFOUND. */
RC conf_path(struct arena *a, const struct conf_case *c, struct slice path, struct slice *out, struct why *w);
/* A parameter as it stands in the case; "text:" in front is cut. Empty when absent. */
struct slice conf_text(const struct conf_case *c, const char *role);
bool conf_has(const struct conf_case *c, const char *role);
/* A parameter in hex, decoded. p == NULL when absent. */
RC conf_hex(struct arena *a, const struct conf_case *c, const char *role, struct slice *out, struct why *w);
/* Appends to the arrays that a job borrows; at most 32 of each. E_LIMIT. */
RC conf_collateral(struct arena *a, struct vjob *job, const char *kind, const char *key, struct slice bytes, struct why *w);
RC conf_anchor(struct arena *a, struct vjob *job, const char *set, const uint8_t sha256[32], struct why *w);
/* The certificate (DER or PEM) becomes an anchor by the SHA-256 of its DER, and only configured anchors count. */
RC conf_anchor_cert(struct arena *a, struct vjob *job, const char *set, struct slice cert, struct why *w);
/* One fact against one claim. E_DENIED conformance.fact. */
RC conf_same(struct arena *a, const char *fact, const struct json *claim, const struct json *stated, struct why *w);
/* Every fact has a claim of the same name and value in `claims`. */
RC conf_facts(struct arena *a, const struct json *facts, const struct json *claims, struct why *w);
