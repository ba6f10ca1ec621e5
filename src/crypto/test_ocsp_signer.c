/* Who may sign an answer about a certificate: its issuer, or one whom the same root has made for that. Each signer is made here, and the
 * answer carries whatever certificates it likes. */
#include "crypto/test_x509_make.h"

#include <openssl/ocsp.h>

#include "crypto/ocsp.h"
#include "crypto/x509_priv.h"

struct answer {
	EVP_PKEY *key;
	struct x509 *carried[2];	/* beside the answer; NULL: none */
	bool no_next;
};

/* DER, to be freed. */
static struct slice make_answer(const struct answer *s, const struct x509 *leaf, const struct x509 *issuer, const struct x509 *signer)
{
	OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
	OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha384(), leaf->x, issuer->x);
	ASN1_TIME *t = ASN1_TIME_new();
	ASN1_GENERALIZEDTIME *from = ASN1_TIME_to_generalizedtime(ASN1_TIME_set(t, (time_t)NOW - 10), NULL);
	ASN1_GENERALIZEDTIME *to = ASN1_TIME_to_generalizedtime(ASN1_TIME_set(t, (time_t)NOW + 10), NULL);
	STACK_OF(X509) *beside = sk_X509_new_null();
	OCSP_RESPONSE *r;
	unsigned char *der = NULL;
	int n;

	for (size_t i = 0; i < COUNT_OF(s->carried); i++)
		if (s->carried[i])
			sk_X509_push(beside, s->carried[i]->x);
	assert_non_null(OCSP_basic_add1_status(basic, id, V_OCSP_CERTSTATUS_GOOD, 0, NULL, from, s->no_next ? NULL : to));
	assert_int_equal(OCSP_basic_sign(basic, signer->x, s->key, EVP_sha256(), beside, OCSP_NOCERTS), 1);
	/* without OCSP_NOCERTS the signer would be added by itself: each test says what is beside */
	for (int i = 0; i < sk_X509_num(beside); i++)
		assert_int_equal(OCSP_basic_add1_cert(basic, sk_X509_value(beside, i)), 1);
	r = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
	n = i2d_OCSP_RESPONSE(r, &der);
	assert_true(n > 0);
	sk_X509_free(beside);
	OCSP_RESPONSE_free(r);
	OCSP_BASICRESP_free(basic);
	OCSP_CERTID_free(id);
	ASN1_TIME_free(t);
	ASN1_GENERALIZEDTIME_free(from);
	ASN1_GENERALIZEDTIME_free(to);
	return slice_of(der, (size_t)n);
}

/* reason NULL: read. */
static void expect(const struct answer *s, struct spec signer_spec, const char *reason, const char *what)
{
	const struct ocsp_rules rules = {.malformed = "t.parse", .signature = "t.signature", .expired = "t.expired", .now_s = NOW};
	struct x509 *root = make(root_spec()), *mid = make(mid_spec()), *leaf = make(leaf_spec()), *signer = make(signer_spec);
	struct answer with = *s;
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct ocsp_answer an;
	struct slice der;
	rc r;

	with.carried[0] = s->carried[0] ? s->carried[0] : signer;
	der = make_answer(&with, leaf, mid, signer);
	r = ocsp_read(a, der, leaf, mid, root, &rules, &an, &w);
	if (rc_ok(r) != !reason || (reason && strcmp(why_reason(&w), reason) != 0))
		fail_msg("%s: %s (%s)", what, why_reason(&w), why_text(&w));
	OPENSSL_free((void *)(uintptr_t)der.p);
	x509_free(root);
	x509_free(mid);
	x509_free(leaf);
	x509_free(signer);
	arena_free(a);
}

#define SIGNS_ANSWERS "1.3.6.1.5.5.7.3.9"

static void a_delegate_is_made_for_it_by_the_same_root(void **state)
{
	struct spec good = {"responder", "mid", keys[3], keys[1], .usage = "digitalSignature", .eku = SIGNS_ANSWERS, .serial = 40}, s;
	struct spec other_root = {"other root", "other root", keys[4], keys[4], CA, SIGNS, .serial = 50};
	struct x509 *foreign = make(other_root);

	(void)state;
	expect(&(struct answer){.key = keys[3]}, good, NULL, "made by the issuer");
	s = good, s.issuer = "root", s.signer = keys[0];
	expect(&(struct answer){.key = keys[3]}, s, NULL, "made by the root");
	s = good, s.eku = NULL;
	expect(&(struct answer){.key = keys[3]}, s, "t.signature", "for no purpose");
	s = good, s.eku = "1.3.6.1.5.5.7.3.1";
	expect(&(struct answer){.key = keys[3]}, s, "t.signature", "for another purpose");
	s = good, s.eku = SIGNS_ANSWERS ".1";
	expect(&(struct answer){.key = keys[3]}, s, "t.signature", "for a longer purpose that begins so");
	s = good, s.usage = "keyEncipherment";
	expect(&(struct answer){.key = keys[3]}, s, "t.signature", "whose key may not sign");
	s = good, s.to = NOW - 1;
	expect(&(struct answer){.key = keys[3]}, s, "t.expired", "that has ended");
	/* whose own root it brings along: a path, and not ours */
	s = good, s.issuer = "other root", s.signer = keys[4];
	expect(&(struct answer){.key = keys[3], .carried = {NULL, foreign}}, s, "t.signature", "made by a root of its own");
	s = good, s.signer = keys[4];
	expect(&(struct answer){.key = keys[3]}, s, "t.signature", "that only names the issuer");
	x509_free(foreign);
}

static void an_answer_needs_its_signers_key_and_an_end(void **state)
{
	struct spec good = {"responder", "mid", keys[3], keys[1], .usage = "digitalSignature", .eku = SIGNS_ANSWERS, .serial = 40};
	struct x509 *leaf = make(leaf_spec());

	(void)state;
	expect(&(struct answer){.key = keys[3], .no_next = true}, good, "t.expired", "that holds for ever");
	/* it carries the certificate that it is about, and no other: that one may not sign */
	expect(&(struct answer){.key = keys[3], .carried = {leaf, NULL}}, good, "t.signature", "without its signer's certificate");
	x509_free(leaf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_delegate_is_made_for_it_by_the_same_root),
		cmocka_unit_test(an_answer_needs_its_signers_key_and_an_end),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
