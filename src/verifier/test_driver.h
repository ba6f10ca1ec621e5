/* test_driver.h - runs one driver over one piece of evidence in a test: plan, then collateral, then verify. */
#pragma once
#include "evidence/test_shared.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/test_pace.h"
#include "codec/base64.h"
#include "crypto/digest.h"
#include "crypto/x509.h"
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

/* Mutation tests flip every bit with WARRANT_MUTATE=all, and in the normal run about `samples` of them, evenly spread. */
static inline bool flip_all_bits(void)
{
	const char *how = getenv("WARRANT_MUTATE");

	return how && strcmp(how, "all") == 0;
}

/* Bits from one flip to the next; odd, so that every bit of a byte has its turn. */
static inline size_t flip_step(size_t bits, size_t samples)
{
	size_t step;

	samples = flip_all_bits() ? bits : samples / test_pace();
	step = bits <= samples ? 1 : bits / samples;

	return step > 1 && step % 2 == 0 ? step - 1 : step;
}

/* Were as many flipped as the normal run promises? */
static inline void flips_enough(size_t tried, size_t promised)
{
	assert_true(tried >= promised / test_step());
}

/* Bits of the certificates (DER) of a PEM text. */
static inline size_t pem_bits(struct slice pem)
{
	struct x509 *list[X509_PATH_MAX];
	size_t n = 0, bytes = 0;

	assert_true(rc_ok(x509_list_from_pem(pem, list, X509_PATH_MAX, &n, NULL)));
	for (size_t i = 0; i < n; i++)
		bytes += x509_der(list[i]).n;
	x509_free_all(list, n);
	return bytes * 8;
}

/* The text anew, with one of these bits flipped. */
static inline struct slice pem_flipped(struct arena *a, struct slice pem, size_t bit)
{
	struct x509 *list[X509_PATH_MAX];
	struct buf b = buf_in(a, 0);
	size_t n = 0;

	assert_true(rc_ok(x509_list_from_pem(pem, list, X509_PATH_MAX, &n, NULL)));
	for (size_t i = 0; i < n; i++) {
		struct slice der = x509_der(list[i]);
		uint8_t *copy = exact_copy(der, der.n);

		if (bit < der.n * 8)
			copy[bit / 8] ^= (uint8_t)(1u << bit % 8);
		bit = bit < der.n * 8 ? SIZE_MAX : bit == SIZE_MAX ? bit : bit - der.n * 8;
		buf_puts(&b, "-----BEGIN CERTIFICATE-----\n");
		b64_write(&b, B64_STD, slice_of(copy, der.n));
		buf_puts(&b, "\n-----END CERTIFICATE-----\n");
		free(copy);
	}
	x509_free_all(list, n);
	return buf_view(&b);
}

/* For the log of the longer run. */
static inline void flips_told(const char *what, size_t n)
{
	if (flip_all_bits())
		printf("# %s: %zu flips\n", what, n);
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

/* The same verification in an arena of its own. */
static inline void trial_again(struct trial *t, const struct trial *of)
{
	*t = *of;
	t->a = arena_new(0);
	t->why = why_in(t->a);
	t->job.arena = t->a;
	t->job.why = &t->why;
	t->job.collateral = t->collateral;
	t->job.anchors = t->anchors;
	t->job.results_n = t->job.wants_n = 0;
}

static inline bool same_claims(const struct vjob *x, const struct vjob *y)
{
	for (unsigned i = 0; i < x->results_n && i < y->results_n; i++)
		if (strcmp(x->results[i].tee_class, y->results[i].tee_class) != 0 || !json_equal(x->results[i].claims, y->results[i].claims))
			return false;
	return x->results_n == y->results_n;
}

/* Did fewer than n allocations happen since arena_fail_at(a, n)? Then the failure is still to come. */
static inline bool fault_is_to_come(struct arena *a, uint64_t n)
{
	bool failed = false;

	for (uint64_t i = 0; i < n && !failed; i++)
		failed = !arena_alloc_raw(a, 1);
	return failed;
}

/* Plans and verifies what is accepted with one allocation after the other failing, in the plan as in the verdict: a refusal, or
 * the same claims where nothing was lost but words that nobody needed; never a part of the claims. Each of the first
 * `all_up_to`, then one in `stride`. Returns how many were refused (with a pace, about how many would have been). */
static inline unsigned trial_starve(const struct trial *good, const struct vdriver *d, uint64_t all_up_to, uint64_t stride)
{
	struct trial whole;
	unsigned refused = 0;
	bool done = false;

	trial_again(&whole, good);
	if (!rc_ok(trial_run(&whole, d)))
		fail_msg("%s: %s", d->tee, why_render(&whole.why, whole.a));
	for (uint64_t n = 1; !done; n += (n < all_up_to ? 1 : stride) * test_step()) {
		struct trial t;
		rc r = rc_of(OK);

		trial_again(&t, good);
		arena_fail_at(t.a, n);
		if (d->plan)
			r = d->plan(&t.job);
		if (rc_ok(r))
			r = d->verify(&t.job);
		if (rc_ok(r) && arena_bad(t.a))
			fail_msg("%s: accepted although allocation %llu failed", d->tee, (unsigned long long)n);
		done = fault_is_to_come(t.a, n);
		arena_fail_at(t.a, 0);
		if (rc_ok(r) && !same_claims(&t.job, &whole.job))
			fail_msg("%s: accepted with other claims when allocation %llu fails", d->tee, (unsigned long long)n);
		if (!rc_ok(r) && done)
			fail_msg("%s: refused although nothing failed: %s", d->tee, why_text(&t.why));
		refused += !rc_ok(r);
		trial_end(&t);
	}
	trial_end(&whole);
	return refused * (unsigned)test_step();
}
