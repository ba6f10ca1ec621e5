/* test_dcap.h - a recorded case of tdx or sgx set up as a trial, and what tests do with it. */
#pragma once
#include "verifier/test_driver.h"

#include "crypto/x509.h"
#include "evidence/dcap_quote.h"
#include "evidence/memo.h"

static inline const char *case_text(const struct json *c, const char *name)
{
	const struct json *v = json_get(c, name);

	return json_is(v, JSON_STRING) ? (const char *)v->text.p : NULL;
}

/* The file of a role; p == NULL when the case has no such role. */
static inline struct slice case_file(struct arena *a, const struct json *c, const char *role)
{
	const char *path = case_text(json_get(c, "inputs"), role);

	return path ? shared_file(a, path) : (struct slice){0};
}

static inline int64_t case_time(const struct json *c)
{
	int64_t t = 0;

	assert_true(rc_ok(time_parse_rfc3339(slice_cstr(case_text(json_get(c, "inputs"), "time")), &t, NULL)));
	return t;
}

/* Quotes lie bare, at an offset, or in hex in a member of a JSON document. */
static inline struct slice case_quote(struct arena *a, const struct json *c)
{
	const struct json *in = json_get(c, "inputs");
	struct slice raw = case_file(a, c, "quote"), out;
	uint64_t offset;

	if (json_u64(json_get(in, "quote_offset"), &offset))
		return slice_sub(raw, offset, raw.n);
	if (json_get(in, "quote_json_field")) {
		struct json *doc;

		assert_true(rc_ok(json_parse(a, raw, NULL, &doc, NULL)));
		raw = json_get(doc, case_text(in, "quote_json_field"))->text;
		assert_true(rc_ok(hex_decode(a, raw, &out, "quote", NULL)));
		return out;
	}
	return raw;
}

/* What the case gives under the names that the plan asks for. */
static inline void answer_wants(struct trial *t, const struct json *c)
{
	static const struct {
		const char *kind, *role;
	} roles[] = {
		{"intel-tcb-info", "tcb_info"},	       {"intel-tcb-info-chain", "tcb_signing_chain"},
		{"intel-qe-identity", "qe_identity"},  {"intel-qe-identity-chain", "tcb_signing_chain"},
		{"intel-pck-crl", "pck_crl"},	       {"intel-root-crl", "root_crl"},
	};

	t->job.collateral_n = 0;
	for (unsigned i = 0; i < t->job.wants_n; i++)
		for (size_t k = 0; k < sizeof(roles) / sizeof(roles[0]); k++)
			if (!strcmp(roles[k].kind, t->job.wants[i].kind)) {
				struct slice bytes = case_file(t->a, c, roles[k].role);

				if (bytes.p)
					trial_collateral(t, roles[k].kind, t->job.wants[i].key, bytes);
			}
}

static inline void dcap_begin(struct trial *t, const struct json *c)
{
	const struct json *in = json_get(c, "inputs");
	struct slice anchor;
	struct x509 *root;

	trial_begin(t, (struct slice){0});
	t->job.evidence = case_quote(t->a, c);
	t->job.only_configured_anchors = false;
	t->job.no_time = !json_get(in, "time");
	if (!t->job.no_time)
		t->job.now_s = case_time(c);
	t->job.without = (json_get(in, "tcb_info") ? 0 : VJOB_WITHOUT_TCB) |
			 (json_get(in, "root_crl") && json_get(in, "pck_crl") ? 0 : VJOB_WITHOUT_CRL);
	anchor = case_file(t->a, c, "trust_anchor");
	if (anchor.p) {
		assert_true(rc_ok(x509_from_any(anchor, &root, NULL)));
		t->anchors[0].set = "intel-sgx-root";
		memcpy(t->anchors[0].sha256, x509_spki_sha256(root), 32);
		t->job.anchors_n = 1;
		t->job.only_configured_anchors = true;
		x509_free(root);
	}
	if (json_get(in, "expected_report_data")) {
		assert_true(rc_ok(hex_decode(t->a, slice_cstr(case_text(in, "expected_report_data")), &t->job.report_data[0],
					     "report data", NULL)));
		t->job.report_data_n = 1;
	}
}

static inline rc dcap_run(struct trial *t, const struct vdriver *d, const struct json *c)
{
	rc r = d->plan(&t->job);

	if (!rc_ok(r))
		return r;
	answer_wants(t, c);
	r = d->verify(&t->job);
	if (rc_ok(r))
		trial_documented(t, d);
	return r;
}

/* Is the second part of the reason one of "a|b"? */
static inline bool class_fits(const char *reason, const char *classes)
{
	const char *dot = strchr(reason, '.'), *end;
	size_t n;

	if (!dot)
		return false;
	end = strchr(dot + 1, '.');
	n = end ? (size_t)(end - dot - 1) : strlen(dot + 1);
	while (*classes) {
		size_t k = strcspn(classes, "|");

		if (k == n && !memcmp(classes, dot + 1, n))
			return true;
		classes += k + (classes[k] == '|');
	}
	return false;
}

/* Every case of the platform has its verdict and its class; with a memory twice, so that the second time it is full. */
static inline void run_cases(const char *platform, const struct vdriver *d, bool remember)
{
	struct arena *a = arena_new(0);
	const struct json *cases = shared_cases(a, platform);
	struct memo *memo = remember ? memo_new(MEMO_MIN) : NULL;
	unsigned wrong = 0;

	for (size_t i = 0; i < cases->n * (remember ? 2 : 1); i++) {
		const struct json *c = json_at(cases, i % cases->n), *status = json_get(json_get(c, "facts"), "tcb_status");
		const char *classes = case_text(c, "error_class"), *id = case_text(c, "id");
		struct trial t;
		rc r;

		dcap_begin(&t, c);
		t.job.memo = memo;
		r = dcap_run(&t, d, c);
		if (rc_ok(r) != !strcmp(case_text(c, "expect"), "ok") || (!rc_ok(r) && !class_fits(why_reason(&t.why), classes))) {
			print_error("%s: %s %s (%s), expected %s\n", id, rc_name(r.code), why_reason(&t.why), why_text(&t.why),
				    classes ? classes : "ok");
			wrong++;
		} else if (rc_ok(r) && status && !json_equal(status, json_get(t.job.results[0].claims, "tcb_status"))) {
			print_error("%s: another tcb_status\n", id);
			wrong++;
		}
		trial_end(&t);
	}
	assert_int_equal(wrong, 0);
	memo_free(memo);
	arena_free(a);
}

/* The same numbers in every run: xorshift, seeded by what is tested. */
static inline uint64_t next_number(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

/* How many bits to flip over n bytes: `count`, or all. */
static inline size_t flips_of(size_t n, size_t count)
{
	return flip_all_bits() || n * 8 <= count / test_pace() ? n * 8 : count / test_pace();
}

static inline size_t flip_at(size_t n, size_t count, size_t i, uint64_t *x)
{
	return count == n * 8 ? i : next_number(x) % (n * 8);
}

static inline struct slice claims_text(struct trial *t)
{
	return json_text(t->a, t->job.results[0].claims);
}

/* Flips bits of the quote, certificates included. Accepted may be only what still says the same: PEM text has bits that no
 * decoder looks at (white space), and then the claims are the same to the last byte. */
static inline void flip_quote(const char *platform, const char *id, const struct vdriver *d, size_t samples)
{
	struct arena *a = arena_new(0);
	const struct json *c = shared_case(a, platform, id);
	struct memo *m = memo_new(0);
	struct dcap_quote q;
	struct trial good, t;
	struct slice quote, said;
	uint64_t x = 0x9e3779b97f4a7c15;
	size_t n, pem_from, accepted = 0;
	uint8_t *bytes;

	dcap_begin(&good, c);
	good.job.memo = m;
	assert_true(rc_ok(dcap_run(&good, d, c)));
	said = claims_text(&good);
	quote = good.job.evidence;
	assert_true(rc_ok(dcap_quote_parse(quote, &q, NULL)));
	quote.n -= q.trailing;
	pem_from = (size_t)(q.pck_pem.p - quote.p);
	n = flips_of(quote.n, samples);
	bytes = exact_copy(quote, quote.n);
	for (size_t i = 0; i < n; i++) {
		size_t bit = flip_at(quote.n, n, i, &x);

		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		dcap_begin(&t, c);
		t.job.evidence = slice_of(bytes, quote.n);
		t.job.memo = m;
		if (rc_ok(dcap_run(&t, d, c))) {
			if (bit / 8 < pem_from)
				fail_msg("%s: bit %zu of byte %zu may be anything", id, bit % 8, bit / 8);
			assert_true(slice_eq(claims_text(&t), said));
			accepted++;
		}
		trial_end(&t);
		bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	flips_told(id, n);
	if (test_pace() == 1 && accepted > n / 100)	/* a share, which a small sample does not have */
		fail_msg("%s: %zu of %zu flips were accepted", id, accepted, n);
	free(bytes);
	trial_end(&good);
	memo_free(m);
	arena_free(a);
}

/* The same with each piece of collateral: refused, or of no consequence (the case of a hexadecimal digit). */
static inline void flip_collateral(const char *platform, const char *id, const struct vdriver *d, size_t samples)
{
	struct arena *a = arena_new(0);
	const struct json *c = shared_case(a, platform, id);
	struct memo *m = memo_new(0);
	struct trial good, t;
	struct slice said;
	uint64_t x = 0xd1b54a32d192ed03;

	dcap_begin(&good, c);
	assert_true(rc_ok(dcap_run(&good, d, c)));
	said = claims_text(&good);
	for (size_t k = 0; k < good.job.collateral_n; k++) {
		struct slice whole = good.collateral[k].bytes;
		uint8_t *bytes = exact_copy(whole, whole.n);
		size_t n = flips_of(whole.n, samples), accepted = 0;

		for (size_t i = 0; i < n; i++) {
			size_t bit = flip_at(whole.n, n, i, &x);

			bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
			dcap_begin(&t, c);
			t.job.memo = m;
			assert_true(rc_ok(d->plan(&t.job)));
			answer_wants(&t, c);
			t.collateral[k].bytes = slice_of(bytes, whole.n);
			if (rc_ok(d->verify(&t.job))) {
				accepted++;
				if (!slice_eq(claims_text(&t), said))
					fail_msg("%s: bit %zu of byte %zu of %s changes the claims", id, bit % 8, bit / 8,
						 good.collateral[k].kind);
			}
			trial_end(&t);
			bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		flips_told(good.collateral[k].kind, n);
		if (test_pace() == 1 && accepted > n / 50)
			fail_msg("%s: %zu of %zu flips of %s were accepted", id, accepted, n, good.collateral[k].kind);
		free(bytes);
	}
	trial_end(&good);
	memo_free(m);
	arena_free(a);
}

static inline void cut_quote(const char *platform, const char *id, const struct vdriver *d)
{
	struct arena *a = arena_new(0);
	const struct json *c = shared_case(a, platform, id);
	struct slice quote = case_quote(a, c);
	struct dcap_quote q;

	assert_true(rc_ok(dcap_quote_parse(quote, &q, NULL)));
	for (size_t n = 0; n < quote.n - q.trailing; n += test_step()) {
		uint8_t *bytes = exact_copy(quote, n);
		struct trial t;

		dcap_begin(&t, c);
		t.job.evidence = slice_of(bytes, n);
		if (rc_ok(d->plan(&t.job)) || strcmp(trial_class(&t), "parse") != 0)
			fail_msg("%s cut at %zu: %s", id, n, why_reason(&t.why));
		assert_int_equal(t.job.wants_n, 0);
		trial_end(&t);
		free(bytes);
	}
	arena_free(a);
}

/* Whichever allocation fails: a refusal, never a verdict with a part missing. */
static inline void fail_every_allocation(const char *platform, const char *id, const struct vdriver *d)
{
	struct arena *a = arena_new(0);
	const struct json *c = shared_case(a, platform, id);
	struct trial t;

	dcap_begin(&t, c);
	assert_true(rc_ok(d->plan(&t.job)));
	answer_wants(&t, c);
	t.job.memo = memo_new(0);
	assert_true(trial_starve(&t, d, 600, 3) > 50);
	memo_free(t.job.memo);
	trial_end(&t);
	arena_free(a);
}
