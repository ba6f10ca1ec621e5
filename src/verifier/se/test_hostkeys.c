/* An operator's folders: several signing certificates, authorities, lists and documents of a service made here, in every order. */
#include "evidence/test_shared.h"

#include "base/num.h"
#include "lab/lab_x509.h"
#include "verifier/se/hostkeys.h"

#define NOW ((int64_t)1795557718)
#define DAY ((int64_t)86400)
#define IBM "International Business Machines Corporation"
#define UNIT "IBM Z Host Key Signing Service"
#define AT(site) "CN=" IBM ",OU=" UNIT ",O=" IBM ",L=" site ",C=US"

enum { ROOT, INTER, OLD, NEW, STRANGER, HOST, OTHER_HOST, P384_HOST, KEYS };

static struct arena *group;
static struct slice key[KEYS];

static int make_keys(void **state)
{
	(void)state;
	group = arena_new(0);
	for (int i = 0; i < KEYS; i++)
		if (!rc_ok(lab_key_new(i == HOST || i == OTHER_HOST ? LAB_P521 : i == P384_HOST ? LAB_P384 : LAB_P256, group, &key[i], NULL)))
			return -1;
	return 0;
}

static int forget_keys(void **state)
{
	(void)state;
	group = arena_free(group);
	return 0;
}

static struct slice cert(const char *subject, const char *issuer, int own, int signer, bool ca, int64_t until)
{
	const struct lab_cert c = {.subject = subject, .issuer = issuer, .serial = (uint64_t)own + 7, .from_s = NOW - DAY, .to_s = until,
				   .key = key[own], .signer = key[signer], .ca = ca};
	struct slice der;

	assert_true(rc_ok(lab_cert(&c, group, &der, NULL)));
	return der;
}

static struct slice list(const char *issuer, int signer, int64_t until, int revoked)
{
	const uint64_t serial = (uint64_t)revoked + 7;
	const struct lab_crl c = {.issuer = issuer, .signer = key[signer], .number = 1, .this_s = NOW - DAY, .next_s = until, .revoked = &serial,
				  .revoked_n = revoked >= 0 ? 1 : 0};
	struct slice der;

	assert_true(rc_ok(lab_crl(&c, group, &der, NULL)));
	return der;
}

#define ROOT_NAME "CN=root,O=x"
#define INTER_NAME "CN=inter,O=x"
#define FRESH (NOW + DAY)

/* The service has renewed its key and kept its name. */
struct world {
	struct slice inter, old, new, lists[3];
	struct se_trust trust;
	struct arena *a;
	struct why w;
};

static void begin(struct world *x)
{
	*x = (struct world){.a = arena_new(0)};
	x->w = why_in(x->a);
	x->inter = cert(INTER_NAME, ROOT_NAME, INTER, ROOT, true, FRESH);
	x->old = cert(AT("Poughkeepsie"), INTER_NAME, OLD, INTER, false, FRESH);
	x->new = cert(AT("Armonk"), INTER_NAME, NEW, INTER, false, FRESH);
	x->lists[0] = list(INTER_NAME, INTER, FRESH, -1);
	x->lists[1] = list(AT("Poughkeepsie"), OLD, FRESH, -1);
	x->lists[2] = list(AT("Armonk"), NEW, FRESH, -1);
	assert_true(rc_ok(se_trust_root(&x->trust, cert(ROOT_NAME, ROOT_NAME, ROOT, ROOT, true, FRESH), &x->w)));
}

static void end(struct world *x)
{
	se_trust_free(&x->trust);
	arena_free(x->a);
}

static void add(struct world *x, struct slice certificate)
{
	if (!rc_ok(se_trust_certificates(&x->trust, certificate, x->a, &x->w)))
		fail_msg("%s", why_text(&x->w));
}

static void add_lists(struct world *x, const struct slice *l, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_true(rc_ok(se_trust_list(&x->trust, l[i], &x->w)));
}

/* reason "": the key of `own`. */
static void expect(struct world *x, struct slice document, int own, const char *reason, const char *what)
{
	struct pkey *found = NULL, *want = NULL;
	struct slice spki;
	rc r;

	why_clear(&x->w);
	r = se_host_key(&x->trust, document, NOW, x->a, &found, &x->w);
	if (strcmp(rc_ok(r) ? "" : why_reason(&x->w), reason) != 0)
		fail_msg("%s: %s (%s), expected \"%s\"", what, why_reason(&x->w), why_text(&x->w), reason);
	if (rc_ok(r)) {
		assert_true(rc_ok(lab_key_public(key[own], x->a, &spki, NULL)) && rc_ok(pkey_from_spki(spki, &want, NULL)));
		assert_true(pkey_same(found, want));
	} else {
		assert_null(found);
	}
	pkey_free(want);
	pkey_free(found);
}

static struct slice document(int signer, int own, int64_t until)
{
	return cert("CN=host,O=x", AT("Poughkeepsie"), own, signer, false, until);
}

/* Which of two signing certificates counted was a matter of the folder's order. */
static void a_document_counts_when_any_of_the_signing_certificates_vouches_for_it(void **state)
{
	static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

	(void)state;
	for (size_t o = 0; o < COUNT_OF(orders); o++) {
		struct world x;
		struct slice all[3];

		begin(&x);
		all[0] = x.old;
		all[1] = x.inter;
		all[2] = x.new;
		for (int i = 0; i < 3; i++) {
			add(&x, all[orders[o][i]]);
			add_lists(&x, &x.lists[orders[o][i]], 1);
		}
		assert_true(x.trust.signers_n == 2 && x.trust.cas_n == 1);
		expect(&x, document(OLD, HOST, FRESH), HOST, "", "of the old key");
		expect(&x, document(NEW, OTHER_HOST, FRESH), OTHER_HOST, "", "of the new key");
		expect(&x, lab_pem("CERTIFICATE", document(NEW, HOST, FRESH), x.a), HOST, "", "as PEM");
		expect(&x, document(STRANGER, HOST, FRESH), 0, "se.chain.document", "of a stranger's key");
		expect(&x, cert("CN=host,O=x", "CN=another", HOST, OLD, false, FRESH), 0, "se.chain.issuer", "under another name");
		expect(&x, document(NEW, HOST, NOW - 1), 0, "se.expired", "out of its time");
		expect(&x, document(OLD, P384_HOST, FRESH), 0, "se.host-key.kind", "on another curve");
		end(&x);
	}
}

static void certificates_may_stand_in_one_file(void **state)
{
	struct world x;
	struct buf pem;

	(void)state;
	begin(&x);
	pem = buf_in(x.a, 0);
	buf_slice(&pem, lab_pem("CERTIFICATE", x.inter, x.a));
	buf_slice(&pem, lab_pem("CERTIFICATE", x.new, x.a));
	buf_slice(&pem, lab_pem("CERTIFICATE", x.old, x.a));
	add(&x, buf_view(&pem));
	add_lists(&x, x.lists, 3);
	expect(&x, document(OLD, HOST, FRESH), HOST, "", "of the last in the file");
	end(&x);
}

static void what_the_folders_lack_or_revoke_is_named(void **state)
{
	const struct slice inter_revokes = list(INTER_NAME, INTER, FRESH, OLD), old_revokes = list(AT("Poughkeepsie"), OLD, FRESH, HOST);
	const struct slice stale_revokes = list(AT("Poughkeepsie"), OLD, NOW - 1, HOST), stale = list(AT("Poughkeepsie"), OLD, NOW - 1, -1);
	const struct slice forged = list(AT("Poughkeepsie"), STRANGER, FRESH, -1);
	struct world x;
	struct {
		struct slice l[3];
		const char *reason;
	} row[] = {
		{{{0}, {0}, {0}}, "se.crl-missing"},
		{{list(INTER_NAME, INTER, FRESH, -1), {0}, {0}}, "se.crl-signature"},	/* none for the document */
		{{list(AT("Poughkeepsie"), OLD, FRESH, -1), {0}, {0}}, "se.crl-signature"},	/* none for the signing certificate */
		{{list(INTER_NAME, INTER, FRESH, -1), list(AT("Poughkeepsie"), OLD, FRESH, -1), {0}}, ""},
		{{list(INTER_NAME, INTER, FRESH, -1), old_revokes, {0}}, "se.revoked"},
		{{inter_revokes, list(AT("Poughkeepsie"), OLD, FRESH, -1), {0}}, "se.revoked"},
		{{list(INTER_NAME, INTER, FRESH, -1), stale, {0}}, "se.crl-expired"},
		{{list(INTER_NAME, INTER, FRESH, -1), stale, list(AT("Poughkeepsie"), OLD, FRESH, -1)}, ""},	/* an older one beside it */
		{{list(INTER_NAME, INTER, FRESH, -1), list(AT("Poughkeepsie"), OLD, FRESH, -1), stale_revokes}, "se.revoked"},
		{{list(INTER_NAME, INTER, FRESH, -1), forged, {0}}, "se.crl-signature"},
		{{list(INTER_NAME, INTER, FRESH, -1), forged, list(AT("Armonk"), OLD, FRESH, -1)}, ""},	/* another's */
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(row); i++) {
		begin(&x);
		add(&x, x.inter);
		add(&x, x.old);
		for (size_t k = 0; k < 3; k++)
			if (row[i].l[k].p)
				add_lists(&x, &row[i].l[k], 1);
		expect(&x, document(OLD, HOST, FRESH), HOST, row[i].reason, arena_printf(x.a, "row %zu", i));
		end(&x);
	}
}

static void nobody_vouches_without_a_signing_certificate_and_a_root(void **state)
{
	struct slice spki;
	struct world x;

	(void)state;
	begin(&x);
	add(&x, x.inter);
	expect(&x, document(OLD, HOST, FRESH), 0, "se.host-key.untrusted", "no signing certificate");
	/* one of that name that is an authority signs no host keys, and one of another name neither */
	add(&x, cert(AT("Poughkeepsie"), INTER_NAME, OLD, INTER, true, FRESH));
	add(&x, cert("CN=" IBM ",OU=Signing Service,O=" IBM, INTER_NAME, OLD, INTER, false, FRESH));
	add(&x, cert("CN=" UNIT ",O=" IBM, INTER_NAME, OLD, INTER, false, FRESH));
	add(&x, cert("CN=x,OU=" UNIT ",O=Other", INTER_NAME, OLD, INTER, false, FRESH));
	expect(&x, document(OLD, HOST, FRESH), 0, "se.host-key.untrusted", "none of these");
	add(&x, x.old);
	add_lists(&x, x.lists, 3);
	expect(&x, document(OLD, HOST, FRESH), HOST, "", "and with it");
	x509_free(x.trust.root);
	x.trust.root = NULL;
	expect(&x, document(OLD, HOST, FRESH), 0, "se.host-key.untrusted", "no root");
	/* the operator's own word needs neither */
	assert_true(rc_ok(lab_key_public(key[HOST], x.a, &spki, NULL)));
	expect(&x, lab_pem("PUBLIC KEY", spki, x.a), HOST, "", "a public key");
	assert_true(rc_ok(lab_key_public(key[P384_HOST], x.a, &spki, NULL)));
	expect(&x, lab_pem("PUBLIC KEY", spki, x.a), 0, "se.host-key.kind", "a public key on another curve");
	expect(&x, SLICE_LIT("neither"), 0, "x509.malformed", "a text");
	end(&x);
}

static void another_root_and_too_many_files_are_refused(void **state)
{
	struct world x;
	rc r = rc_of(OK);

	(void)state;
	begin(&x);
	add(&x, x.inter);
	add(&x, x.old);
	add_lists(&x, x.lists, 3);
	assert_true(rc_ok(se_trust_root(&x.trust, cert(ROOT_NAME, ROOT_NAME, STRANGER, STRANGER, true, FRESH), &x.w)));
	expect(&x, document(OLD, HOST, FRESH), 0, "se.chain.signing", "under another root of the name");
	for (size_t i = 1; i < SE_SIGNERS_MAX; i++)
		add(&x, x.new);
	assert_int_equal(se_trust_certificates(&x.trust, x.new, x.a, &x.w).code, E_LIMIT);
	assert_string_equal(why_reason(&x.w), "se.host-key.certificates");
	why_clear(&x.w);
	for (size_t i = 1; i < SE_CAS_MAX; i++)
		add(&x, x.inter);
	assert_int_equal(se_trust_certificates(&x.trust, x.inter, x.a, &x.w).code, E_LIMIT);
	why_clear(&x.w);
	for (size_t i = 3; i <= SE_CRLS_MAX && rc_ok(r); i++)
		r = se_trust_list(&x.trust, x.lists[0], &x.w);
	assert_int_equal(r.code, E_LIMIT);
	assert_string_equal(why_reason(&x.w), "se.host-key.lists");
	end(&x);
}

/* Want of memory was taken for "no signing certificate". */
static void without_memory_nothing_is_taken_for_something_else(void **state)
{
	struct world x;
	bool done = false;

	(void)state;
	begin(&x);
	add(&x, x.inter);
	add_lists(&x, x.lists, 3);
	for (uint64_t n = 1; !done; n++) {
		struct arena *a = arena_new(0);
		struct why w = why_in(a);
		struct pkey *k = NULL;
		rc r;

		arena_fail_at(a, n);
		r = se_trust_certificates(&x.trust, x.old, a, &w);
		if (rc_ok(r) && x.trust.signers_n == 0)
			fail_msg("allocation %llu fails, and the signing certificate is taken for another", (unsigned long long)n);
		if (rc_ok(r))
			r = se_host_key(&x.trust, document(OLD, HOST, FRESH), NOW, a, &k, &w);
		done = rc_ok(r);
		if (done)
			done = !arena_bad(a);
		pkey_free(k);
		while (x.trust.signers_n)
			x509_free(x.trust.signer[--x.trust.signers_n]);
		arena_fail_at(a, 0);
		arena_free(a);
		assert_true(n < 2000);
	}
	end(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_document_counts_when_any_of_the_signing_certificates_vouches_for_it),
		cmocka_unit_test(certificates_may_stand_in_one_file),
		cmocka_unit_test(what_the_folders_lack_or_revoke_is_named),
		cmocka_unit_test(nobody_vouches_without_a_signing_certificate_and_a_root),
		cmocka_unit_test(another_root_and_too_many_files_are_refused),
		cmocka_unit_test(without_memory_nothing_is_taken_for_something_else),
	};

	return cmocka_run_group_tests(tests, make_keys, forget_keys);
}
