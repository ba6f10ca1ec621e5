/* Chains made here: each fault by itself gives its own refusal, and what is right is accepted. */
#include "crypto/test_x509_make.h"

#include "crypto/x509_chain.h"

static struct x509_chain_rules rules_for(struct x509 **root)
{
	return (struct x509_chain_rules){.anchors = root, .n_anchors = 1, .now_s = NOW};
}

static void expect(struct x509 *leaf, struct x509 *const *pool, size_t n, const struct x509_chain_rules *r, const char *reason,
		   enum x509_fault want)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	enum x509_fault fault = X509_FINE;
	rc got = x509_chain_verify(leaf, pool, n, r, NULL, &fault, &w);

	if (!reason && !rc_ok(got))
		fail_msg("%s", why_text(&w));
	assert_int_equal(got.code, reason ? E_DENIED : OK);
	if (reason)
		assert_string_equal(why_reason(&w), reason);
	assert_int_equal(fault, want);
	arena_free(a);
}

/* The chain root, mid, leaf with one of them changed. */
static void check(struct spec root, struct spec mid, struct spec leaf, struct x509_chain_rules r, const char *reason,
		  enum x509_fault want)
{
	struct x509 *c[] = {make(root), make(mid), make(leaf)};

	r.anchors = c;
	r.n_anchors = 1;
	r.now_s = r.now_s ? r.now_s : NOW;
	expect(c[2], c, 2, &r, reason, want);
	x509_free_all(c, 3);
}

static void each_fault_has_its_own_refusal(void **state)
{
	static const char *const known[] = {"1.3.6.1.4.1.3704.1.1", NULL};
	struct x509_chain_rules r = {0};
	struct spec root = root_spec(), mid = mid_spec(), leaf = leaf_spec(), s;

	(void)state;
	check(root, mid, leaf, r, NULL, X509_FINE);
	s = leaf, s.signer = keys[3];
	check(root, mid, s, r, "x509.chain.signature", X509_BAD_CHAIN);
	s = leaf, s.md = EVP_sha1();
	check(root, mid, s, r, "x509.chain.signature", X509_BAD_CHAIN);
	s = leaf, s.issuer = "nobody";
	check(root, mid, s, r, "x509.chain.issuer-missing", X509_BAD_CHAIN);
	s = mid, s.basic = NULL;
	check(root, s, leaf, r, "x509.chain.role", X509_BAD_CHAIN);
	s = mid, s.basic = "critical,CA:FALSE";
	check(root, s, leaf, r, "x509.chain.role", X509_BAD_CHAIN);
	s = mid, s.usage = "critical,digitalSignature";
	check(root, s, leaf, r, "x509.chain.role", X509_BAD_CHAIN);
	s = root, s.basic = "critical,CA:TRUE,pathlen:0";
	check(s, mid, leaf, r, "x509.chain.depth", X509_BAD_CHAIN);
	s = root, s.basic = "critical,CA:TRUE,pathlen:1";
	check(s, mid, leaf, r, NULL, X509_FINE);
	s = leaf, s.critical = "1.3.6.1.4.1.3704.1.1";
	check(root, mid, s, r, "x509.chain.critical", X509_BAD_CHAIN);
	r.critical = known;
	check(root, mid, s, r, NULL, X509_FINE);
	r = (struct x509_chain_rules){.max_depth = 2};
	check(root, mid, leaf, r, "x509.chain.depth", X509_BAD_CHAIN);
	r = (struct x509_chain_rules){.eku = "2.23.133.8.1"};
	check(root, mid, leaf, r, "x509.chain.eku", X509_BAD_CHAIN);
	s = leaf, s.eku = "2.23.133.8.1";
	check(root, mid, s, r, NULL, X509_FINE);
}

static void dates_count_on_every_certificate_unless_told_not_to(void **state)
{
	struct spec base[] = {root_spec(), mid_spec(), leaf_spec()};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct spec s[3] = {base[0], base[1], base[2]};
		struct x509_chain_rules r = {0}, timeless = {.no_time = true};

		s[i].to = NOW - 1;
		check(s[0], s[1], s[2], r, "x509.expired", X509_BAD_TIME);
		check(s[0], s[1], s[2], timeless, NULL, X509_FINE);
		s[i].to = NOW;
		check(s[0], s[1], s[2], r, NULL, X509_FINE);
		s[i].to = 0, s[i].from = NOW + 1;
		check(s[0], s[1], s[2], r, "x509.expired", X509_BAD_TIME);
	}
}

static void a_root_of_the_right_name_and_wrong_key_is_not_trusted(void **state)
{
	struct spec fs = root_spec();
	struct x509 *root = make(root_spec()), *fake, *mid, *leaf = make(leaf_spec());
	struct x509_chain_rules r = rules_for(&root);

	(void)state;
	fs.key = fs.signer = keys[4];
	fake = make(fs);
	fs = mid_spec(), fs.signer = keys[4];
	mid = make(fs);
	expect(leaf, (struct x509 *[]){mid, fake}, 2, &r, "x509.untrusted-root", X509_BAD_ROOT);
	expect(leaf, (struct x509 *[]){mid}, 1, &r, "x509.chain.signature", X509_BAD_CHAIN);
	expect(root, NULL, 0, &r, NULL, X509_FINE);
	expect(fake, NULL, 0, &r, "x509.untrusted-root", X509_BAD_ROOT);
	x509_free_all((struct x509 *[]){root, fake, mid, leaf}, 4);
}

/* One authority certified twice with one key: by a root that is trusted and by one that is not. */
static void every_issuer_of_the_name_is_tried(void **state)
{
	struct spec s = mid_spec(), other = root_spec();
	struct x509 *root = make(root_spec()), *mid = make(s), *leaf = make(leaf_spec()), *stranger, *cross;
	struct x509_chain_rules r = rules_for(&root);
	struct x509_path p;

	(void)state;
	other.subject = other.issuer = "stranger", other.key = other.signer = keys[4];
	stranger = make(other);
	s.issuer = "stranger", s.signer = keys[4];
	cross = make(s);
	expect(leaf, (struct x509 *[]){cross, stranger, mid}, 3, &r, NULL, X509_FINE);
	expect(leaf, (struct x509 *[]){mid, cross, stranger}, 3, &r, NULL, X509_FINE);
	expect(leaf, (struct x509 *[]){cross, stranger}, 2, &r, "x509.untrusted-root", X509_BAD_ROOT);
	/* an anchor need not be self-signed */
	r.anchors = &cross;
	assert_true(rc_ok(x509_chain_verify(leaf, NULL, 0, &r, &p, NULL, NULL)));
	assert_int_equal(p.n, 2);
	assert_ptr_equal(p.c[1], cross);
	x509_free_all((struct x509 *[]){root, mid, leaf, stranger, cross}, 5);
}

static void revocation_is_told_apart(void **state)
{
	struct x509 *c[] = {make(root_spec()), make(mid_spec()), make(leaf_spec())};
	struct x509_crl *of_root = make_crl("root", keys[0], 0, NOW - DAY, NOW + DAY);
	struct x509_crl *of_mid = make_crl("mid", keys[1], 0, NOW - DAY, NOW + DAY);
	struct x509_crl *hit = make_crl("mid", keys[1], 30, NOW - DAY, NOW + DAY);
	struct x509_crl *hit_mid = make_crl("root", keys[0], 20, NOW - DAY, NOW + DAY);
	struct x509_crl *old_hit = make_crl("mid", keys[1], 30, NOW - 3 * DAY, NOW - 2 * DAY);
	struct x509_crl *old = make_crl("mid", keys[1], 0, NOW - 3 * DAY, NOW - 2 * DAY);
	struct x509_crl *forged = make_crl("mid", keys[4], 0, NOW - DAY, NOW + DAY);
	const struct {
		const struct x509_crl *crl[2];
		bool require;
		const char *reason;
		enum x509_fault fault;
	} row[] = {
		{{of_root, of_mid}, true, NULL, X509_FINE},
		{{of_root, of_root}, true, "x509.crl-missing", X509_BAD_CRL},
		{{of_root, of_root}, false, NULL, X509_FINE},
		{{of_root, hit}, false, "x509.revoked", X509_BAD_REVOKED},
		{{hit_mid, of_mid}, true, "x509.revoked", X509_BAD_REVOKED},
		{{of_mid, old_hit}, true, "x509.revoked", X509_BAD_REVOKED},
		{{of_root, old}, true, "x509.crl-expired", X509_BAD_TIME},
		{{of_root, forged}, false, "x509.crl-signature", X509_BAD_CRL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(row); i++) {
		struct x509_chain_rules r = rules_for(c);

		r.crls = row[i].crl;
		r.n_crls = 2;
		r.require_crls = row[i].require;
		expect(c[2], c, 2, &r, row[i].reason, row[i].fault);
	}
	x509_free_all(c, 3);
	for (size_t i = 0; i < 7; i++)
		x509_crl_free((struct x509_crl *[]){of_root, of_mid, hit, hit_mid, old_hit, old, forged}[i]);
}

static void names_outside_of_an_issuers_constraints_are_refused(void **state)
{
	struct spec mid = mid_spec(), leaf = leaf_spec();
	struct x509_chain_rules r = {0};

	(void)state;
	mid.names = "critical,permitted;DNS:good.example";
	leaf.san = "DNS:host.good.example";
	check(root_spec(), mid, leaf, r, NULL, X509_FINE);
	leaf.san = "DNS:bad.example";
	check(root_spec(), mid, leaf, r, "x509.chain.constraints", X509_BAD_CHAIN);
	mid.names = "permitted;DNS:good.example";
	check(root_spec(), mid, leaf, r, "x509.chain.constraints", X509_BAD_CHAIN);
}

/* A key that succeeds another under one name does not lengthen the path. */
static void a_self_issued_authority_is_not_counted(void **state)
{
	struct spec old = mid_spec(), next = {"mid", "mid", keys[3], keys[1], CA, SIGNS, .serial = 40}, leaf = leaf_spec();
	struct x509 *c[4] = {make(root_spec())};
	struct x509_chain_rules r = rules_for(c);

	(void)state;
	old.basic = "critical,CA:TRUE,pathlen:0";
	leaf.signer = keys[3];
	c[1] = make(old);
	c[2] = make(next);
	c[3] = make(leaf);
	expect(c[3], c, 3, &r, NULL, X509_FINE);
	x509_free(c[2]);
	next.subject = "next";
	c[2] = make(next);
	x509_free(c[3]);
	leaf.issuer = "next";
	c[3] = make(leaf);
	expect(c[3], c, 3, &r, "x509.chain.depth", X509_BAD_CHAIN);
	x509_free_all(c, 4);
}

static void the_authorities_of_a_cpu_vendor_hold(void **state)
{
	const char *root = getenv("WARRANT_SHARED");
	struct arena *a = arena_new(0);
	struct slice pem = {0};
	struct x509 *c[4];
	struct x509_chain_rules r;
	size_t n;

	(void)state;
	if (!root || !rc_ok(file_read(a, arena_printf(a, "%s/evidence/snp/certs/kds_cert_chain_milan.pem", root), 1u << 20, &pem, NULL))) {
		arena_free(a);
		skip();
	}
	assert_true(rc_ok(x509_list_from_pem(pem, c, 4, &n, NULL)));
	assert_int_equal(n, 2);
	r = rules_for(c + 1);
	expect(c[0], NULL, 0, &r, NULL, X509_FINE);
	r.no_pss = true;
	expect(c[0], NULL, 0, &r, "x509.chain.signature", X509_BAD_CHAIN);
	x509_free_all(c, n);
	arena_free(a);
}

static void pss_counts_with_its_hash(void **state)
{
	struct spec root = {"root", "root", rsa, rsa, CA, SIGNS}, leaf = {"leaf", "root", keys[2], rsa};
	struct x509 *r = make(root), *good, *weak;
	struct x509_chain_rules rules = rules_for(&r);

	(void)state;
	leaf.pss = true, leaf.md = EVP_sha384();
	good = make(leaf);
	leaf.md = EVP_sha1();
	weak = make(leaf);
	expect(good, NULL, 0, &rules, NULL, X509_FINE);
	expect(weak, NULL, 0, &rules, "x509.chain.signature", X509_BAD_CHAIN);
	rules.no_pss = true;
	expect(good, NULL, 0, &rules, "x509.chain.signature", X509_BAD_CHAIN);
	x509_free_all((struct x509 *[]){r, good, weak}, 3);
}

/* Many issuers of one name cost a bounded number of signature checks. */
static void the_search_is_bounded(void **state)
{
	struct x509 *root = make(root_spec()), *leaf = make(leaf_spec()), *pool[70];
	struct x509_chain_rules r = rules_for(&root);

	(void)state;
	for (long i = 0; i < 70; i++) {
		struct spec s = mid_spec();

		s.serial = 100 + i;
		s.key = i == 69 ? keys[1] : keys[4];
		pool[i] = make(s);
	}
	expect(leaf, pool + 8, 62, &r, NULL, X509_FINE);
	expect(leaf, pool, 70, &r, "x509.chain.signature", X509_BAD_CHAIN);
	x509_free_all(pool, 70);
	x509_free(root);
	x509_free(leaf);
}

/* RFC 5280 5.1.2.5 demands nextUpdate: a list without one could be shown for ever. */
static void a_list_that_names_no_next_update_never_holds(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct x509_crl *l;

	(void)state;
	l = make_crl("Issuer", key, 0, NOW - 10, INT64_MIN);
	assert_true(x509_crl_next_update(l) == INT64_MIN);
	for (int64_t at = NOW - 20; at <= NOW + 20; at += 10) {
		assert_int_equal(x509_crl_valid_at(l, at, "t.crl-expired", &w).code, E_DENIED);
		assert_string_equal(why_reason(&w), "t.crl-expired");
		assert_non_null(strstr(why_text(&w), "no next update"));
		why_clear(&w);
	}
	x509_crl_free(l);
	l = make_crl("Issuer", key, 0, NOW - 10, NOW + 10);
	assert_true(rc_ok(x509_crl_valid_at(l, NOW, "t.crl-expired", &w)));
	x509_crl_free(l);
	EVP_PKEY_free(key);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_fault_has_its_own_refusal),
		cmocka_unit_test(dates_count_on_every_certificate_unless_told_not_to),
		cmocka_unit_test(a_root_of_the_right_name_and_wrong_key_is_not_trusted),
		cmocka_unit_test(every_issuer_of_the_name_is_tried),
		cmocka_unit_test(revocation_is_told_apart),
		cmocka_unit_test(names_outside_of_an_issuers_constraints_are_refused),
		cmocka_unit_test(a_self_issued_authority_is_not_counted),
		cmocka_unit_test(the_authorities_of_a_cpu_vendor_hold),
		cmocka_unit_test(pss_counts_with_its_hash),
		cmocka_unit_test(the_search_is_bounded),
		cmocka_unit_test(a_list_that_names_no_next_update_never_holds),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
