/* What a responder says about each certificate of a device and of its manifests, one answer at a time. CVE-2024-2660, CVE-2022-41316:
 * good, revoked, unknown, unsigned, stale, and none. */
#include "base/num.h"
#include "crypto/x509.h"
#include "lab/lab_ocsp.h"
#include "verifier/test_world.h"

#define DAY 86400

static const struct kind {
	const char *what;
	bool revoked, unknown, forged, absent;
	int64_t from_s, to_s;
	const char *reason;	/* NULL: taken */
} kinds[] = {
	{"good", false, false, false, false, NOW - DAY, NOW + DAY, NULL},
	{"revoked", true, false, false, false, NOW - DAY, NOW + DAY, "nvidia.revoked"},
	{"unknown", false, true, false, false, NOW - DAY, NOW + DAY, "nvidia.chain.ocsp-unknown"},
	{"with another signature", false, false, true, false, NOW - DAY, NOW + DAY, "nvidia.chain.ocsp"},
	{"old", false, false, false, false, NOW - 2 * DAY, NOW - 1, "nvidia.expired.ocsp"},
	{"of tomorrow", false, false, false, false, NOW + 1, NOW + DAY, "nvidia.expired.ocsp"},
	{"absent", false, false, false, true, 0, 0, NULL},
};

static struct slice answer(const struct world *w, const struct lab_item *i, const struct kind *k)
{
	struct lab_ocsp o = {.revoked = k->revoked, .unknown = k->unknown, .this_s = k->from_s, .next_s = k->to_s};
	struct x509 *pair[2];
	struct slice der;
	const char *name;
	size_t n;

	o.issuer_key = lab_item(&w->lab, arena_printf(w->a, "%s.key", i->name));
	assert_true(rc_ok(x509_list_from_pem(lab_item(&w->lab, arena_printf(w->a, "%s.pem", i->name)), pair, COUNT_OF(pair), &n, NULL)));
	assert_int_equal(n, 2);
	o.cert = x509_der(pair[0]);
	o.issuer = x509_der(pair[1]);
	assert_true(rc_ok(lab_ocsp(&o, w->a, &der, &name, NULL)));
	x509_free_all(pair, n);
	if (k->forged)	/* the last byte is the signature's */
		((uint8_t *)(uintptr_t)der.p)[der.n - 1] ^= 1;
	return der;
}

/* Does any chain among the claims say that nobody answered for it? */
static bool says_unknown(const struct trial *t)
{
	struct slice text = json_text(t->a, t->job.results[0].claims);

	return memmem(text.p, text.n, "\"x-nvidia-cert-ocsp-status\":\"unknown\"", 37) != NULL;
}

static void try(const struct lab_item *item, const char *variant, const struct kind *k)
{
	struct world w;
	struct trial t;
	rc r;

	world_open(&w, "nvidia", variant);
	begin(&t, &w, NULL);
	for (size_t i = 0; i < t.job.collateral_n; i++)
		if (!strcmp(t.collateral[i].kind, "nvidia-ocsp") && !strcmp(t.collateral[i].key, item->key))
			t.collateral[i].bytes = k->absent ? (struct slice){0} : answer(&w, item, k);
	r = trial_run(&t, w.driver);
	if (rc_ok(r) != !k->reason || (k->reason && strcmp(why_reason(&t.why), k->reason) != 0))
		fail_msg("%s, %s: %s (%s)", item->name, k->what, why_reason(&t.why), why_text(&t.why));
	if (rc_ok(r) && says_unknown(&t) != k->absent)
		fail_msg("%s, %s: the claims do not say so", item->name, k->what);
	trial_end(&t);
	world_close(&w);
}

static void every_certificate_is_asked_about_and_every_answer_counts(void **state)
{
	static const char *const variants[] = {"hopper", "ls10"};

	(void)state;
	for (size_t v = 0; v < COUNT_OF(variants); v++) {
		struct world w;
		unsigned asked = 0;

		world_open(&w, "nvidia", variants[v]);
		for (size_t i = 0; i < w.lab.n; i++) {
			if (!w.lab.item[i].kind || strcmp(w.lab.item[i].kind, "nvidia-ocsp") != 0)
				continue;
			for (size_t k = 0; k < COUNT_OF(kinds); k++)
				try(&w.lab.item[i], variants[v], &kinds[k]);
			asked++;
		}
		assert_true(asked >= 3);	/* two of the device, and those of the manifests */
		world_close(&w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_certificate_is_asked_about_and_every_answer_counts)};

	return cmocka_run_group_tests(tests, NULL, forget_worlds);
}
