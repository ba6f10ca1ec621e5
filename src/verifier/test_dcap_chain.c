/* Chains of Intel's shape, made here: who stands where, and with which key. */
#include "evidence/test_shared.h"

#include "base/num.h"
#include "evidence/dcap_pck.h"
#include "lab/intel.h"
#include "lab/lab_x509.h"

#define NOW ((int64_t)1790000000)
#define ROOT "CN=Lab SGX Root CA,O=Lab"

static struct arena *a;
static struct slice root_key, leaf_key, wide_key;

static int make_keys(void **state)
{
	(void)state;
	a = arena_new(0);
	return rc_ok(lab_key_new(LAB_P256, a, &root_key, NULL)) && rc_ok(lab_key_new(LAB_P256, a, &leaf_key, NULL)) &&
	       rc_ok(lab_key_new(LAB_P384, a, &wide_key, NULL)) ? 0 : -1;
}

static int free_keys(void **state)
{
	(void)state;
	a = arena_free(a);
	return 0;
}

static struct slice made(const char *subject, const char *issuer, struct slice key, bool ca)
{
	const struct lab_cert c = {.subject = subject, .issuer = issuer, .serial = 7, .from_s = NOW - 10, .to_s = NOW + 10, .key = key,
				   .signer = root_key, .ca = ca};
	struct slice der;

	assert_true(rc_ok(lab_cert(&c, a, &der, NULL)));
	return lab_pem("CERTIFICATE", der, a);
}

static struct slice together(struct slice x, struct slice y, struct slice z)
{
	struct buf b = buf_in(a, 0);

	buf_slice(&b, x);
	buf_slice(&b, y);
	buf_slice(&b, z);
	return buf_view(&b);
}

/* reason NULL: loaded. */
static void expect(RC (*load)(struct slice, struct dcap_chain **, struct why *), struct slice pem, const char *reason, const char *what)
{
	struct dcap_chain *ch = NULL;
	struct why w = why_in(a);
	rc r = load(pem, &ch, &w);

	if (rc_ok(r) != !reason || (reason && strcmp(why_reason(&w), reason) != 0))
		fail_msg("%s: %s (%s), expected %s", what, why_reason(&w), why_text(&w), reason ? reason : "a chain");
	dcap_chain_free(ch);
}

static void a_signer_of_documents_has_its_name_and_a_root_of_that_name(void **state)
{
	const struct slice none = {0}, root = made(ROOT, ROOT, root_key, true);
	static const struct {
		const char *leaf, *reason;
	} row[] = {
		{"CN=Lab SGX TCB Signing", NULL},
		{"CN=Intel SGX PCK Certificate", "dcap.chain.role"},	/* under the same root, and signs too */
		{"CN=SGX TCB Signin", "dcap.chain.role"},
		{"CN=SGX TCB Signing,CN=another", "dcap.chain.role"},
		{"O=SGX TCB Signing", "dcap.chain.role"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(row); i++)
		expect(dcap_signing_chain_load, together(made(row[i].leaf, ROOT, leaf_key, false), root, none), row[i].reason, row[i].leaf);
	expect(dcap_signing_chain_load, together(made("CN=SGX TCB Signing", "CN=SGX Root", leaf_key, false),
						 made("CN=SGX Root", "CN=SGX Root", root_key, true), none), "dcap.chain.role", "a root of another name");
	expect(dcap_signing_chain_load, together(made("CN=SGX TCB Signing", ROOT, leaf_key, true), root, none), "dcap.chain",
	       "an authority as the signer of documents");
}

static void a_chain_has_its_length_and_its_keys(void **state)
{
	const struct slice none = {0}, root = made(ROOT, ROOT, root_key, true), leaf = made("CN=SGX TCB Signing", ROOT, leaf_key, false);

	(void)state;
	expect(dcap_signing_chain_load, leaf, "dcap.chain.length", "no root");
	expect(dcap_signing_chain_load, together(leaf, root, root), "dcap.chain.length", "a root too many");
	expect(dcap_pck_chain_load, together(leaf, root, none), "dcap.chain.length", "two certificates of a platform");
	expect(dcap_signing_chain_load, together(made("CN=SGX TCB Signing", ROOT, wide_key, false), root, none), "dcap.chain.key",
	       "a key of another curve");
	expect(dcap_signing_chain_load, together(leaf, leaf, none), "dcap.chain", "the signer as its own root");
	expect(dcap_signing_chain_load, together(root, leaf, none), "dcap.chain", "the root first");
}

static void a_platform_hangs_from_the_authority_of_its_kind(void **state)
{
	const struct lab_options o = {.now_s = NOW};
	struct lab_world l;
	struct json *fields;
	struct slice pck, root;

	(void)state;
	assert_true(rc_ok(lab_make("sgx", &o, a, &l, NULL)));
	assert_true(rc_ok(lab_merge(lab_shape_find("sgx"), NULL, a, &fields, NULL)));
	assert_true(rc_ok(lab_intel_pck(&l, fields, NOW, a, &pck, NULL)));
	root = lab_item(&l, "root.pem");
	expect(dcap_pck_chain_load, together(pck, lab_item(&l, "platform.pem"), root), NULL, "its own");
	expect(dcap_pck_chain_load, together(pck, root, lab_item(&l, "platform.pem")), NULL, "its own, in another order");
	expect(dcap_pck_chain_load, together(pck, lab_item(&l, "processor.pem"), root), "dcap.chain", "the other authority");
	expect(dcap_pck_chain_load, together(pck, lab_item(&l, "signing.pem"), root), "dcap.chain", "the signer of documents");
	expect(dcap_pck_chain_load, together(lab_item(&l, "signing.pem"), lab_item(&l, "processor.pem"), root), "dcap.chain.length",
	       "the signer of documents as a platform");
	expect(dcap_pck_chain_load, together(lab_item(&l, "processor.pem"), pck, root), "dcap.chain", "an authority as a platform");
}

/* The certificate of a platform under an authority of the wrong kind, or with another name, though all its signatures hold. */
static void a_platform_is_what_its_certificate_says(void **state)
{
	static const struct {
		const char *of, *under, *subject, *reason;	/* whose extension; who signs */
	} row[] = {
		{"platform", "platform", "CN=Lab SGX PCK Certificate", NULL},
		{"processor", "processor", "CN=Lab SGX PCK Certificate", NULL},
		{"platform", "processor", "CN=Lab SGX PCK Certificate", "dcap.parse.pck"},
		{"processor", "platform", "CN=Lab SGX PCK Certificate", "dcap.parse.pck"},
		{"platform", "platform", "CN=Lab SGX Certificate", "dcap.chain.role"},
		{"platform", "platform", "O=SGX PCK Certificate", "dcap.chain.role"},
	};
	const struct lab_options o = {.now_s = NOW};
	struct lab_world l;

	(void)state;
	assert_true(rc_ok(lab_make("sgx", &o, a, &l, NULL)));
	for (size_t i = 0; i < COUNT_OF(row); i++) {
		struct lab_ext ext = {.oid = "1.2.840.113741.1.13.1"};
		struct lab_cert c = {.subject = row[i].subject, .serial = 9, .from_s = NOW - 10, .to_s = NOW + 10, .key = leaf_key,
				     .signer = lab_item(&l, arena_printf(a, "%s.key", row[i].under)), .ext = &ext, .ext_n = 1};
		struct x509 *pck = NULL;
		struct json *given, *fields;
		struct slice pem, der;

		assert_true(rc_ok(json_parse(a, slice_cstr(arena_printf(a, "{\"pck_ca\":\"%s\"}", row[i].of)), NULL, &given, NULL)));
		assert_true(rc_ok(lab_merge(lab_shape_find("sgx"), given, a, &fields, NULL)));
		assert_true(rc_ok(lab_intel_pck(&l, fields, NOW, a, &pem, NULL)));
		assert_true(rc_ok(x509_from_any(pem, &pck, NULL)));
		assert_true(rc_ok(x509_ext(pck, a, ext.oid, &ext.value, NULL, NULL)));
		c.issuer = arena_printf(a, "CN=Lab Intel SGX PCK %s CA,O=Lab,L=Santa Clara,ST=CA,C=US", row[i].under[1] == 'l' ? "Platform" : "Processor");
		assert_true(rc_ok(lab_cert(&c, a, &der, NULL)));
		expect(dcap_pck_chain_load, together(lab_pem("CERTIFICATE", der, a), lab_item(&l, arena_printf(a, "%s.pem", row[i].under)), lab_item(&l, "root.pem")),
		       row[i].reason, arena_printf(a, "row %zu", i));
		x509_free(pck);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_signer_of_documents_has_its_name_and_a_root_of_that_name),
		cmocka_unit_test(a_chain_has_its_length_and_its_keys),
		cmocka_unit_test(a_platform_hangs_from_the_authority_of_its_kind),
		cmocka_unit_test(a_platform_is_what_its_certificate_says),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
