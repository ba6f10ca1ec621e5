/* test_driver.h - runs one driver over one piece of evidence in a test: plan, then collateral, then verify. */
#pragma once
#include "evidence/test_shared.h"

#include "crypto/digest.h"
#include "evidence/job.h"
#include "verifier/claims_doc.h"

struct trial {
	struct arena *a;
	struct why why;
	struct vjob job;
	struct vcollateral collateral[16];
	struct vanchor anchors[16];
};

static inline void trial_begin(struct trial *t, struct slice evidence)
{
	*t = (struct trial){.a = arena_new(0)};
	t->why = why_in(t->a);
	t->job.arena = t->a;
	t->job.why = &t->why;
	t->job.evidence = evidence;
	t->job.collateral = t->collateral;
	t->job.anchors = t->anchors;
	t->job.only_configured_anchors = true;
	t->job.no_time = true;
	t->job.without = VJOB_WITHOUT_REPORT_DATA;
}

static inline void trial_end(struct trial *t)
{
	t->a = arena_free(t->a);
}

static inline void trial_collateral(struct trial *t, const char *kind, const char *key, struct slice bytes)
{
	assert_true(t->job.collateral_n < 16);
	t->collateral[t->job.collateral_n++] = (struct vcollateral){.kind = kind, .key = key, .bytes = bytes};
}

/* The SHA-256 of `bytes` becomes an anchor of the set. */
static inline void trial_anchor(struct trial *t, const char *set, struct slice bytes)
{
	struct vanchor *an = &t->anchors[t->job.anchors_n++];

	assert_true(t->job.anchors_n <= 16);
	an->set = set;
	assert_true(rc_ok(digest(DIGEST_SHA256, bytes, an->sha256, NULL)));
}

/* What a driver says is in its table, and so in docs/claims.md. */
static inline void trial_documented(struct trial *t, const struct vdriver *d)
{
	for (unsigned i = 0; d->claims && i < t->job.results_n; i++) {
		const char *path = claims_undocumented(d, t->job.results[i].claims, t->a);

		if (path)
			fail_msg("the claim %s of %s is not documented", path, d->tee);
	}
}

static inline rc trial_run(struct trial *t, const struct vdriver *d)
{
	rc r = d->plan ? d->plan(&t->job) : rc_of(OK);

	if (rc_ok(r))
		r = d->verify(&t->job);
	if (rc_ok(r))
		trial_documented(t, d);
	if (rc_ok(r) && t->job.results_n == 0)
		fail_msg("accepted without a result");
	if (!rc_ok(r) && why_empty(&t->why))
		fail_msg("refused without a reason");
	return r;
}

/* "signature" of "csv.signature.x"; "" without. */
static inline const char *trial_class(struct trial *t)
{
	const char *dot = strchr(why_reason(&t->why), '.'), *end;

	if (!dot)
		return "";
	end = strchr(++dot, '.');
	return end ? arena_strndup(t->a, dot, (size_t)(end - dot)) : dot;
}

/* Verifies with the n-th allocation of the job failing: refused, with whatever code, until there is enough. Returns true when it
 * was enough. The trial must be begun anew for each n. */
static inline bool trial_starve(struct trial *t, const struct vdriver *d, uint64_t n)
{
	rc r;

	arena_fail_at(t->a, n);
	r = d->verify(&t->job);
	arena_fail_at(t->a, 0);
	if (rc_ok(r) && arena_bad(t->a))
		fail_msg("accepted although allocation %llu failed", (unsigned long long)n);
	return rc_ok(r);
}
