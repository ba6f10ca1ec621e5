/* Paths by single steps, as the drivers build them: one fault at a time, each refused, and what is right taken. */
#include "crypto/test_x509_make.h"

#include "codec/base64.h"
#include "codec/json.h"
#include "crypto/jose/x5c.h"

static const struct x509_rules rules = {.chain = "t.chain", .expired = "t.expired"};

/* Builds from the last one through all of them; NULL reason: taken. */
static void expect(struct x509 **c, size_t n, const struct x509_rules *r, bool taken, const char *what)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct x509_path p;
	rc got = x509_path_build(c[n - 1], c, n, r, &p, &w);

	if (rc_ok(got) != taken)
		fail_msg("%s: %s", what, taken ? why_text(&w) : "is taken");
	if (!taken)
		assert_string_equal(why_reason(&w), "t.chain");
	arena_free(a);
}

static void check(struct spec root, struct spec mid, struct spec leaf, bool taken, const char *what)
{
	struct x509 *c[] = {make(root), make(mid), make(leaf)};

	expect(c, 3, &rules, taken, what);
	x509_free_all(c, 3);
}

static void an_issuer_without_the_role_is_refused(void **state)
{
	struct spec root = root_spec(), mid = mid_spec(), leaf = leaf_spec(), s;

	(void)state;
	check(root, mid, leaf, true, "what is right");
	s = mid, s.basic = NULL;
	check(root, s, leaf, false, "an issuer without basic constraints");
	s = mid, s.basic = "critical,CA:FALSE";
	check(root, s, leaf, false, "an issuer that is no authority");
	s = mid, s.usage = "critical,digitalSignature,cRLSign";
	check(root, s, leaf, false, "an issuer whose key may not sign certificates");
	s = mid, s.usage = NULL;
	check(root, s, leaf, true, "an issuer of unstated usage");
	s = root, s.usage = "critical,cRLSign";
	check(s, mid, leaf, false, "a root whose key may not sign certificates");
	s = root, s.basic = NULL;
	check(s, mid, leaf, false, "a root that is no authority");
}

static void a_path_length_is_kept(void **state)
{
	struct spec root = root_spec(), mid = mid_spec(), leaf = leaf_spec(), s;

	(void)state;
	s = root, s.basic = "critical,CA:TRUE,pathlen:0";
	check(s, mid, leaf, false, "an authority under a root that allows none");
	s = root, s.basic = "critical,CA:TRUE,pathlen:1";
	check(s, mid, leaf, true, "one under a root that allows one");
	s = mid, s.basic = "critical,CA:TRUE,pathlen:0";
	check(root, s, leaf, true, "none under one that allows none");
}

/* Names and key identifiers are hints; where they contradict each other the certificate is not the one that was meant. */
static void names_and_key_identifiers_must_fit(void **state)
{
	struct spec root = root_spec(), mid = mid_spec(), leaf = leaf_spec(), s, t;

	(void)state;
	s = leaf, s.issuer = "nobody";
	check(root, mid, s, false, "an issuer of another name, whose key fits");
	s = leaf, s.signer = keys[3];
	check(root, mid, s, false, "an issuer of the name, whose key does not fit");
	t = mid, t.own_id = "DER:0404aabbccdd";
	s = leaf, s.issuer_id = "DER:30068004aabbccdd";
	check(root, t, s, true, "the key identifier of the issuer");
	s.issuer_id = "DER:30068004aabbccde";
	check(root, t, s, false, "the key identifier of another issuer");
	check(root, mid, s, true, "an issuer that states no identifier");
}

static void one_of_two_issuers_of_a_name_is_found(void **state)
{
	struct spec other = mid_spec();
	struct x509 *c[4];

	(void)state;
	other.key = keys[4];
	c[0] = make(root_spec());
	c[1] = make(other);
	c[2] = make(mid_spec());
	c[3] = make(leaf_spec());
	expect(c, 4, &rules, true, "the second of the name");
	x509_free(c[2]);
	c[2] = make(other);
	expect(c, 4, &rules, false, "two of the name, neither the issuer");
	x509_free_all(c, 4);
}

static void weak_signatures_are_refused(void **state)
{
	struct spec root = root_spec(), mid = mid_spec(), leaf = leaf_spec(), s;
	EVP_PKEY *small = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1024);

	(void)state;
	s = leaf, s.md = EVP_sha1();
	check(root, mid, s, false, "SHA-1");
	mid.key = leaf.signer = small;
	check(root, mid, leaf, false, "an issuer with RSA of 1024 bits");
	mid.key = leaf.signer = rsa;
	check(root, mid, leaf, true, "an issuer with RSA of 2048 bits");
	EVP_PKEY_free(small);
}

/* A key for encryption under a trusted root must not sign evidence, and one for certificates neither. */
static void a_leaf_of_another_use_is_refused(void **state)
{
	static const struct {
		const char *usage;
		bool taken;
	} row[] = {
		{NULL, true},
		{"critical,digitalSignature", true},
		{"digitalSignature,keyEncipherment", true},
		{"critical,nonRepudiation", true},
		{"critical,keyEncipherment", false},
		{"keyAgreement", false},
		{"critical,keyCertSign,cRLSign", false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(row); i++) {
		struct spec leaf = leaf_spec();

		leaf.usage = row[i].usage;
		check(root_spec(), mid_spec(), leaf, row[i].taken, row[i].usage ? row[i].usage : "no usage");
	}
}

static void a_critical_extension_that_nobody_reads_is_refused(void **state)
{
	static const char *const known[] = {"1.3.6.1.4.1.3704.1.1", NULL};
	const struct x509_rules knowing = {.chain = "t.chain", .expired = "t.expired", .critical = known};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct spec s[3] = {root_spec(), mid_spec(), leaf_spec()};
		struct x509 *c[3];

		s[i].critical = "1.3.6.1.4.1.3704.1.1";
		for (size_t k = 0; k < 3; k++)
			c[k] = make(s[k]);
		expect(c, 3, &rules, false, "a critical extension");
		expect(c, 3, &knowing, true, "one that the caller reads");
		x509_free_all(c, 3);
	}
}

static void an_extension_that_stands_twice_is_refused(void **state)
{
	struct spec leaf = leaf_spec();

	(void)state;
	leaf.eku = "1.3.6.1.5.5.7.3.9";
	check(root_spec(), mid_spec(), leaf, true, "an extended key usage");
	leaf.twice = true;
	check(root_spec(), mid_spec(), leaf, false, "two of them");
}

/* Self-issued is not self-signed: the end of a path must carry its own signature. */
static void a_root_that_another_signed_is_no_root(void **state)
{
	struct spec root = root_spec();

	(void)state;
	root.signer = keys[5];
	check(root, mid_spec(), leaf_spec(), false, "a root by another key");
}

static void every_certificate_of_the_path_has_its_time(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct spec s[3] = {root_spec(), mid_spec(), leaf_spec()};
		struct arena *a = arena_new(0);
		struct why w = why_in(a);
		struct x509 *c[3];
		struct x509_path p;

		s[i].from = NOW - 5;
		s[i].to = NOW + 5;
		for (size_t k = 0; k < 3; k++)
			c[k] = make(s[k]);
		assert_true(rc_ok(x509_path_build(c[2], c, 3, &rules, &p, NULL)));
		assert_true(rc_ok(x509_path_valid_at(&p, NOW - 5, &rules, &w)) && rc_ok(x509_path_valid_at(&p, NOW + 5, &rules, &w)));
		assert_false(rc_ok(x509_path_valid_at(&p, NOW - 6, &rules, &w)));
		assert_string_equal(why_reason(&w), "t.expired");
		why_clear(&w);
		assert_false(rc_ok(x509_path_valid_at(&p, NOW + 6, &rules, &w)));
		assert_string_equal(why_reason(&w), "t.expired");
		x509_free_all(c, 3);
		arena_free(a);
	}
}

/* Not by the bytes of the name: another purpose may begin or end with them. */
static void a_purpose_is_listed_whole_or_not_at_all(void **state)
{
	static const struct {
		const char *eku;
		bool has;
	} row[] = {
		{"1.3.6.1.5.5.7.3.9", true}, {"1.3.6.1.5.5.7.3.1,1.3.6.1.5.5.7.3.9", true}, {"1.3.6.1.5.5.7.3.9.1", false},
		{"1.2.840.113549.43.6.1.5.5.7.3.9", false}, {"1.3.6.1.5.5.7.3.1", false}, {NULL, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(row); i++) {
		struct spec s = leaf_spec();
		struct x509 *c;

		s.eku = row[i].eku;
		c = make(s);
		if (x509_has_eku(c, "1.3.6.1.5.5.7.3.9") != row[i].has)
			fail_msg("%s", row[i].eku ? row[i].eku : "none");
		x509_free(c);
	}
}

/* A list of `issuer` signed by its key, with one more extension; NULL: none. Its DER is to be freed. */
static struct slice list_of(const char *issuer, EVP_PKEY *signer, const char *oid, bool critical)
{
	X509_CRL *l = X509_CRL_new();
	X509_NAME *name = X509_NAME_new();
	ASN1_TIME *t = ASN1_TIME_new();
	unsigned char *der = NULL;
	int n;

	X509_CRL_set_version(l, X509_CRL_VERSION_2);
	set_name(name, issuer);
	X509_CRL_set_issuer_name(l, name);
	X509_CRL_set1_lastUpdate(l, ASN1_TIME_set(t, (time_t)NOW - DAY));
	X509_CRL_set1_nextUpdate(l, ASN1_TIME_set(t, (time_t)NOW + DAY));
	if (oid) {
		ASN1_OCTET_STRING *v = ASN1_OCTET_STRING_new();
		ASN1_OBJECT *o = OBJ_txt2obj(oid, 1);
		X509_EXTENSION *e;

		ASN1_OCTET_STRING_set(v, (const unsigned char *)"\x02\x01\x05", 3);
		e = X509_EXTENSION_create_by_OBJ(NULL, o, critical, v);
		assert_int_equal(X509_CRL_add_ext(l, e, -1), 1);
		X509_EXTENSION_free(e);
		ASN1_OBJECT_free(o);
		ASN1_OCTET_STRING_free(v);
	}
	assert_true(X509_CRL_sign(l, signer, EVP_sha256()) > 0);
	n = i2d_X509_CRL(l, &der);
	assert_true(n > 0);
	X509_NAME_free(name);
	ASN1_TIME_free(t);
	X509_CRL_free(l);
	return slice_of(der, (size_t)n);
}

/* GHSA-2cjj-h43h-m6xj, RUSTSEC-2026-0049: lists that were not checked, or taken for more than they cover. A list that covers a part, or
 * that says what nobody reads, does not clear a certificate by not naming it. */
static void a_list_must_be_whole_its_issuers_and_understood(void **state)
{
	static const struct {
		const char *issuer, *oid;
		bool critical, by_another, taken;
	} row[] = {
		{"root", NULL, false, false, true},
		{"root", "2.5.29.20", false, false, true},	/* number */
		{"root", "2.5.29.27", true, false, false},	/* changes since another list */
		{"root", "2.5.29.27", false, false, false},
		{"root", "2.5.29.28", true, false, false},	/* for some certificates, or of some issuers */
		{"root", "1.2.3.4", true, false, false},
		{"root", "1.2.3.4", false, false, true},
		{"other", NULL, false, false, false},	/* the right key under another name */
		{"root", NULL, false, true, false},
	};
	struct spec mute = root_spec();
	struct x509 *root = make(root_spec()), *no_lists;

	(void)state;
	mute.usage = "critical,keyCertSign";
	no_lists = make(mute);
	for (size_t i = 0; i < COUNT_OF(row); i++) {
		struct slice der = list_of(row[i].issuer, keys[row[i].by_another ? 3 : 0], row[i].oid, row[i].critical);
		struct x509_crl *l = NULL;
		uint8_t *longer = malloc(der.n + 1);

		assert_true(rc_ok(x509_crl_from(der, &l, NULL)));
		if (rc_ok(x509_crl_by(l, root, "t.crl", NULL)) != row[i].taken)
			fail_msg("row %zu", i);
		assert_false(rc_ok(x509_crl_by(l, no_lists, "t.crl", NULL)));	/* whose key may not sign lists */
		x509_crl_free(l);
		assert_non_null(longer);
		memcpy(longer, der.p, der.n);
		longer[der.n] = 0;
		assert_false(rc_ok(x509_crl_from(slice_of(longer, der.n + 1), &l, NULL)));	/* a byte behind it */
		free(longer);
		OPENSSL_free((void *)(uintptr_t)der.p);
	}
	x509_free(root);
	x509_free(no_lists);
}

static struct slice pem_of(struct arena *a, const struct x509 *c)
{
	struct slice text = b64_text(a, B64_STD, x509_der(c));
	struct buf b = buf_in(a, 0);

	buf_puts(&b, "-----BEGIN CERTIFICATE-----\n");
	for (size_t i = 0; i < text.n; i += 64) {
		buf_slice(&b, slice_sub(text, i, 64));
		buf_putc(&b, '\n');
	}
	buf_puts(&b, "-----END CERTIFICATE-----\n");
	return buf_view(&b);
}

/* CVE-2024-2048, CVE-2025-6037: a certificate that was not made for it let its key in. The chain that comes with a token. */
static void the_key_of_a_token_has_a_certificate_that_may_sign(void **state)
{
	static const struct {
		const char *usage, *basic;
		bool by_another;
		const char *reason;
	} row[] = {
		{NULL, NULL, false, NULL},
		{"digitalSignature", "critical,CA:FALSE", false, NULL},
		{"keyEncipherment", "critical,CA:FALSE", false, "x5c.key"},
		{SIGNS, CA, false, "x5c.key"},
		{"digitalSignature", NULL, true, "x5c.untrusted"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(row); i++) {
		struct spec s = leaf_spec();
		struct arena *a = arena_new(0);
		struct why w = why_in(a);
		struct x509 *root = make(root_spec()), *leaf;
		struct json *chain = json_new_array(a);
		struct pkey *key = NULL;
		struct slice trusted;
		rc r;

		s.issuer = "root";
		s.signer = keys[row[i].by_another ? 4 : 0];
		s.usage = row[i].usage;
		s.basic = row[i].basic;
		leaf = make(s);
		trusted = pem_of(a, root);
		json_push(a, chain, json_new_b64(a, x509_der(leaf)));
		r = x5c_key(chain, &trusted, 1, NOW, a, &key, &w);
		if (rc_ok(r) != !row[i].reason || (row[i].reason && strcmp(why_reason(&w), row[i].reason) != 0))
			fail_msg("row %zu: %s (%s)", i, why_reason(&w), why_text(&w));
		if (rc_ok(r))
			assert_true(pkey_same(key, x509_key(leaf)));
		pkey_free(rc_ok(r) ? key : NULL);
		x509_free(root);
		x509_free(leaf);
		arena_free(a);
	}
}

static void a_path_has_an_end(void **state)
{
	struct x509 *c[X509_PATH_MAX + 1];
	char names[X509_PATH_MAX + 1][8];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(c); i++) {
		snprintf(names[i], sizeof(names[i]), "n%zu", i);
		c[i] = make((struct spec){names[i], names[i ? i - 1 : 0], keys[0], keys[0], CA, "keyCertSign,digitalSignature", .serial = 1});
	}
	expect(c, X509_PATH_MAX, &rules, true, "as many as are allowed");
	expect(c, X509_PATH_MAX + 1, &rules, false, "one more");
	x509_free_all(c, COUNT_OF(c));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_issuer_without_the_role_is_refused),
		cmocka_unit_test(a_path_length_is_kept),
		cmocka_unit_test(names_and_key_identifiers_must_fit),
		cmocka_unit_test(one_of_two_issuers_of_a_name_is_found),
		cmocka_unit_test(weak_signatures_are_refused),
		cmocka_unit_test(a_leaf_of_another_use_is_refused),
		cmocka_unit_test(a_critical_extension_that_nobody_reads_is_refused),
		cmocka_unit_test(an_extension_that_stands_twice_is_refused),
		cmocka_unit_test(a_root_that_another_signed_is_no_root),
		cmocka_unit_test(every_certificate_of_the_path_has_its_time),
		cmocka_unit_test(a_purpose_is_listed_whole_or_not_at_all),
		cmocka_unit_test(a_list_must_be_whole_its_issuers_and_understood),
		cmocka_unit_test(the_key_of_a_token_has_a_certificate_that_may_sign),
		cmocka_unit_test(a_path_has_an_end),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
