/* Why an attestation key is believed: under a root made here, one thing wrong at a time. Advisory: CVE-2021-43310 (a key that is not
 * bound to the TPM's certificate). */
#include "verifier/test_driver.h"

#include "base/num.h"
#include "crypto/der_write.h"
#include "evidence/tpm_ak.h"
#include "lab/lab_x509.h"

#define NOW ((int64_t)1790000000)
#define ROOT "CN=Lab TPM root"

static const struct tpm_ak_reasons words = {"t.parse", "t.chain", "t.root", "t.expired", "t.untrusted"};
static const struct tpm_reasons key_words = {"t.parse", "t.magic", "t.quote", "t.signature", "t.mismatch"};

static struct arena *group;
static struct slice root_key, ak_key, other_key;

static int make_keys(void **state)
{
	(void)state;
	group = arena_new(0);
	return rc_ok(lab_key_new(LAB_P256, group, &root_key, NULL)) && rc_ok(lab_key_new(LAB_P256, group, &ak_key, NULL)) &&
	       rc_ok(lab_key_new(LAB_P256, group, &other_key, NULL)) ? 0 : -1;
}

static int free_keys(void **state)
{
	(void)state;
	group = arena_free(group);
	return 0;
}

static struct slice issue(struct lab_cert c)
{
	struct slice der;

	c.signer = c.signer.p ? c.signer : root_key;
	c.from_s = c.from_s ? c.from_s : NOW - 10;
	c.to_s = c.to_s ? c.to_s : NOW + 10;
	assert_true(rc_ok(lab_cert(&c, group, &der, NULL)));
	return der;
}

/* One: a signature is another each time. */
static struct slice root_cert(void)
{
	static struct slice root;

	if (!root.p)
		root = issue((struct lab_cert){.subject = ROOT, .issuer = ROOT, .serial = 1, .key = root_key, .ca = true});
	return root;
}

static struct lab_cert good_cert(void)
{
	return (struct lab_cert){.subject = "O=Lab", .issuer = ROOT, .serial = 2, .key = ak_key};
}

static void begin(struct trial *t)
{
	trial_begin(t, (struct slice){0});
	t->job.no_time = false;
	t->job.now_s = NOW;
	trial_anchor(t, "tpm-ek-root", root_cert());
}

static struct tpm_key key_of(struct slice pem)
{
	struct tpm_key k;
	struct slice spki;

	assert_true(rc_ok(lab_key_public(pem, group, &spki, NULL)));
	assert_true(rc_ok(tpm_key_parse(spki, group, &key_words, &k, NULL)));
	return k;
}

/* p == NULL: no certificate. reason NULL: believed. */
static void expect(struct trial *t, struct slice key_pem, struct slice cert, struct slice above, const char *reason, const char *what)
{
	struct tpm_key k = key_of(key_pem);
	enum tpm_ak_trust trust = 0;
	rc r = tpm_ak_trusted(&t->job, &k, cert, &above, above.p ? 1 : 0, &words, &trust);

	if (rc_ok(r) != !reason || (reason && strcmp(why_reason(&t->why), reason) != 0))
		fail_msg("%s: %s (%s), expected %s", what, why_reason(&t->why), why_text(&t->why), reason ? reason : "trust");
	why_clear(&t->why);
	tpm_key_free(&k);
}

static void a_certificate_for_another_purpose_certifies_no_key(void **state)
{
	static const struct {
		const char *purpose[2];
		const char *reason;
	} row[] = {
		{{"2.23.133.8.1"}, NULL},		/* what some makers write */
		{{"2.23.133.8.3"}, NULL},
		{{"1.3.6.1.5.5.7.3.1", "2.23.133.8.3"}, NULL},
		{{"1.3.6.1.5.5.7.3.1"}, "t.chain"},	/* of a TLS server */
		{{"1.3.6.1.5.5.7.3.3"}, "t.chain"},	/* of code */
		{{"2.23.133.8.2"}, "t.chain"},		/* of the platform's makers */
		{{"2.23.133.8.3.1"}, "t.chain"},
		{{"2.5.29.37.0"}, "t.chain"},
	};
	struct trial t;

	(void)state;
	begin(&t);
	expect(&t, ak_key, issue(good_cert()), root_cert(), NULL, "no purpose named");
	for (size_t i = 0; i < COUNT_OF(row); i++) {
		struct lab_ext eku = {.oid = "2.5.29.37", .critical = i % 2};
		struct slice second = row[i].purpose[1] ? der_put_oid(group, row[i].purpose[1]) : (struct slice){0};
		struct lab_cert c = good_cert();

		eku.value = der_put_of(group, DER_SEQUENCE, der_put_oid(group, row[i].purpose[0]), second);
		c.ext = &eku;
		c.ext_n = 1;
		expect(&t, ak_key, issue(c), root_cert(), row[i].reason, row[i].purpose[0]);
	}
	trial_end(&t);
}

static void a_certificate_is_of_the_key_and_leads_to_the_root(void **state)
{
	struct lab_cert c = good_cert();
	struct trial t;

	(void)state;
	begin(&t);
	expect(&t, other_key, issue(c), root_cert(), "t.chain", "of another key");
	expect(&t, ak_key, issue(c), (struct slice){0}, "t.chain", "no root at hand");
	c.signer = other_key;
	expect(&t, ak_key, issue(c), root_cert(), "t.chain", "signed by another");
	c = good_cert();
	c.ca = true;
	expect(&t, ak_key, issue(c), root_cert(), "t.chain", "of an authority");
	c.usage = 0x84;	/* one that signs data as well as certificates */
	expect(&t, ak_key, issue(c), root_cert(), "t.chain", "of an authority that signs data");
	/* its own root: by its name, and even as an anchor */
	c = (struct lab_cert){.subject = ROOT, .issuer = ROOT, .serial = 3, .key = ak_key, .signer = ak_key};
	trial_anchor(&t, "tpm-ek-root", issue(c));
	expect(&t, ak_key, issue(c), root_cert(), "t.chain", "signed by itself");
	t.job.anchors_n = 0;
	trial_anchor(&t, "amd-ark", root_cert());
	expect(&t, ak_key, issue(good_cert()), root_cert(), "t.root", "a root that is trusted for other things");
	trial_end(&t);
}

static void each_certificate_has_its_time(void **state)
{
	struct lab_cert c = good_cert();
	struct trial t;

	(void)state;
	begin(&t);
	c.to_s = NOW - 1;
	expect(&t, ak_key, issue(c), root_cert(), "t.expired", "an old certificate");
	c = good_cert();
	c.from_s = NOW + 1;
	expect(&t, ak_key, issue(c), root_cert(), "t.expired", "one of tomorrow");
	t.job.now_s = NOW + 11;
	c = good_cert();
	c.to_s = NOW + 20;
	expect(&t, ak_key, issue(c), root_cert(), "t.expired", "under a root that has ended");
	t.job.no_time = true;
	expect(&t, ak_key, issue(c), root_cert(), NULL, "without time");
	trial_end(&t);
}

/* The anchor of enrolment is a digest: of the public key, in a set of its own. */
static void an_enrolled_key_needs_no_certificate(void **state)
{
	struct slice spki;
	struct trial t;

	(void)state;
	begin(&t);
	assert_true(rc_ok(lab_key_public(ak_key, group, &spki, NULL)));
	expect(&t, ak_key, (struct slice){0}, (struct slice){0}, "t.untrusted", "neither");
	trial_anchor(&t, "tpm-ek-root", spki);
	expect(&t, ak_key, (struct slice){0}, (struct slice){0}, "t.untrusted", "enrolled as a root");
	trial_anchor(&t, "tpm-ak", spki);
	expect(&t, ak_key, (struct slice){0}, (struct slice){0}, NULL, "enrolled");
	expect(&t, other_key, (struct slice){0}, (struct slice){0}, "t.untrusted", "another than the enrolled one");
	trial_end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_certificate_for_another_purpose_certifies_no_key),
		cmocka_unit_test(a_certificate_is_of_the_key_and_leads_to_the_root),
		cmocka_unit_test(each_certificate_has_its_time),
		cmocka_unit_test(an_enrolled_key_needs_no_certificate),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
