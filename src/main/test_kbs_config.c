#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/num.h"
#include "codec/toml.h"
#include "main/kbs_config.h"

#define HEAD "[http_server]\ninsecure_http = true\n[admin]\nauthorization_mode = \"DenyAll\"\n"
#define V    "[attestation_service]\ntype = \"coco_as_builtin\"\n[attestation_service.verifier_config"

static enum rc_code read_text(struct arena *a, const char *rest, struct kbs_settings *s, struct why *w)
{
	char *text = arena_printf(a, HEAD "%s", rest);
	struct json *doc;

	assert_true(rc_ok(toml_parse(a, slice_cstr(text), &doc, "test", w)));
	return kbs_settings_read(doc, a, s, w).code;
}

static void sources_of_collateral_are_those_of_the_reference_by_default(void **state)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct kbs_settings s;

	(void)state;
	assert_int_equal(read_text(a, "", &s, &w), OK);
	assert_int_equal(s.as.upstream.amd_n, 1);
	assert_string_equal(s.as.upstream.amd[0].at, UPSTREAM_KDS);
	assert_string_equal(s.as.upstream.intel, UPSTREAM_PCS);
	assert_false(s.as.upstream.intel_standard || s.as.upstream.loopback_http);
	assert_string_equal(s.as.upstream.nvidia_rim, UPSTREAM_RIM);
	assert_string_equal(s.as.upstream.nvidia_ocsp, UPSTREAM_OCSP);
	assert_string_equal(s.as.upstream.nvidia_jwks, UPSTREAM_JWKS);
	assert_string_equal(s.as.upstream.hygon, UPSTREAM_HYGON);
	assert_null(s.as.se.host_keys);
	arena_free(a);
}

static void a_database_is_named_whatever_its_password(void **state)
{
	static const struct {
		const char *password, *want;
	} row[] = {{"simple", "host='h' port=5432 dbname='d' user='u' password='simple'"}, {"two words", "host='h' port=5432 dbname='d' user='u' password='two words'"},
		   {"x' host=evil", "host='h' port=5432 dbname='d' user='u' password='x\\' host=evil'"}, {"back\\\\slash", "host='h' port=5432 dbname='d' user='u' password='back\\\\slash'"}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(row); i++) {
		struct arena *a = arena_new(0);
		struct why w = why_in(a);
		struct kbs_settings s;

		assert_int_equal(read_text(a, arena_printf(a, "[storage_backend]\nstorage_type = \"Postgres\"\n[storage_backend.backends.postgres]\n"
							      "host = \"h\"\ndb = \"d\"\nusername = \"u\"\npassword = \"%s\"\n", row[i].password), &s, &w), OK);
		assert_string_equal(s.store.postgres_url, row[i].want);
		assert_true(s.store.password);
		arena_free(a);
	}
}

/* An authenticated administrator with one access rule. */
static enum rc_code read_rule(struct arena *a, const char *pattern, const char *methods, struct kbs_settings *s, struct why *w)
{
	char *text = arena_printf(a, "[http_server]\ninsecure_http = true\n[admin]\nauthorization_mode = \"AuthenticatedAuthorization\"\n"
				     "[admin.authentication.bearer_jwt]\nidentity_providers = [{public_key_uri = \"/k\"}]\n"
				     "[admin.authorization.regex_acl]\nacls = [{role = \"r\", allowed_endpoints = \"%s\", methods = \"%s\"}]\n",
				  pattern, methods);
	struct json *doc;

	assert_true(rc_ok(toml_parse(a, slice_cstr(text), &doc, "test", w)));
	return kbs_settings_read(doc, a, s, w).code;
}

static void methods_of_an_access_rule_are_methods(void **state)
{
	static const struct {
		const char *methods;
		bool ok;
	} row[] = {{"GET", true}, {"GET,POST", true}, {"GET, DELETE", true}, {"get", false}, {"GET;POST", false}, {"", false}, {",", false}, {"HEAD", false}};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(row); i++) {
		struct arena *a = arena_new(0);
		struct why w = why_in(a);
		struct kbs_settings s;

		if ((read_rule(a, "^/kbs/.*$", row[i].methods, &s, &w) == OK) != row[i].ok)
			fail_msg("row %zu: %s", i, why_text(&w));
		arena_free(a);
	}
}

/* What must be said in words is not said by anything else. */
static void insecure_settings_are_said_in_words(void **state)
{
	static const struct {
		const char *text;
		bool ok;
	} row[] = {
		{V ".sample_verifier]\ninsecure = \"sample evidence proves nothing\"\n", true}, {V ".sample_verifier]\ninsecure = \"yes\"\n", false},
		{V ".sample_verifier]\ninsecure = true\n", false}, {V ".sample_verifier]\n", false},
		{"[protocol]\nallow_rsa1_5 = \"RSA PKCS#1 v1.5 is accepted for 0.1.x clients\"\n", true}, {"[protocol]\nallow_rsa1_5 = true\n", false},
		{"[protocol]\nallow_rsa1_5 = \"\"\n", false}, {V "]\ncollateral_loopback_http = \"collateral comes from this host without TLS\"\n", true},
		{V "]\ncollateral_loopback_http = \"true\"\n", false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(row); i++) {
		struct arena *a = arena_new(0);
		struct why w = why_in(a);
		struct kbs_settings s;

		if ((read_text(a, row[i].text, &s, &w) == OK) != row[i].ok)
			fail_msg("row %zu: %s", i, why_text(&w));
		arena_free(a);
	}
}

static void access_rules_are_anchored_in_their_text(void **state)
{
	static const char *const bad[] = {"", ".*", "^/.*$", "^/kbs/.*", "/kbs/.*$", "^/admin/.*$"};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct arena *a = arena_new(0);
		struct why w = why_in(a);
		struct kbs_settings s;

		assert_int_equal(read_rule(a, bad[i], "GET", &s, &w), E_MALFORMED);
		assert_string_equal(why_reason(&w), "config.admin");
		arena_free(a);
	}
}

static void sources_of_collateral_are_read_in_order(void **state)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct kbs_settings s;

	(void)state;
	assert_int_equal(read_text(a,
				   V ".snp_verifier]\nvcek_sources = [{type = \"OfflineStore\"}, {type = \"OfflineStore\", path = \"/srv/kds\"}, "
				     "{type = \"KDS\"}, {type = \"KDS\", base_url = \"https://kds.example\"}]\n"
				     "[attestation_service.verifier_config.dcap_verifier]\ncollateral_service = \"https://pccs.example:8081/x\"\n"
				     "tcb_update_type = \"standard\"\nuse_secure_cert = true\n",
				   &s, &w),
			 OK);
	assert_int_equal(s.as.upstream.amd_n, 4);
	assert_true(s.as.upstream.amd[0].folder && s.as.upstream.amd[1].folder);
	assert_string_equal(s.as.upstream.amd[0].at, UPSTREAM_KDS_FOLDER);
	assert_string_equal(s.as.upstream.amd[1].at, "/srv/kds");
	assert_string_equal(s.as.upstream.amd[2].at, UPSTREAM_KDS);
	assert_string_equal(s.as.upstream.amd[3].at, "https://kds.example");
	assert_string_equal(s.as.upstream.intel, "https://pccs.example:8081/x");
	assert_true(s.as.upstream.intel_standard);
	assert_int_equal(read_text(a,
				   V ".snp_verifier]\nvcek_sources = []\n"
				     "[attestation_service.verifier_config.dcap_verifier]\ncollateral_service = \"\"\n",
				   &s, &w),
			 OK);
	assert_int_equal(s.as.upstream.amd_n, 0);
	assert_null(s.as.upstream.intel);
	arena_free(a);
}

static void certificates_of_a_mirror_are_verified_whatever_is_said(void **state)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct kbs_settings s;

	(void)state;
	assert_int_equal(read_text(a, V ".dcap_verifier]\ncollateral_service = \"https://pccs.example\"\nuse_secure_cert = false\n", &s, &w), E_UNSUPPORTED);
	assert_string_equal(why_reason(&w), "config.refused");
	assert_non_null(strstr(why_text(&w), "collateral_ca_file"));
	arena_free(a);
}

static void services_of_devices_are_named_or_left_alone(void **state)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct kbs_settings s;

	(void)state;
	assert_int_equal(read_text(a,
				   V ".nvidia_verifier]\ntype = \"Local\"\nrim_service = \"https://rim.example\"\nocsp_service = \"\"\n"
				     "[attestation_service.verifier_config.hygon_verifier]\ncertificate_service = \"\"\n"
				     "[attestation_service.verifier_config.snp_verifier]\nvcek_sources = [{type = \"AzureCache\"}]\n",
				   &s, &w),
			 OK);
	assert_string_equal(s.as.upstream.nvidia_rim, "https://rim.example");
	assert_null(s.as.upstream.nvidia_ocsp);
	assert_string_equal(s.as.upstream.nvidia_jwks, UPSTREAM_JWKS);
	assert_null(s.as.upstream.hygon);
	assert_true(s.as.upstream.amd[0].azure);
	assert_string_equal(s.as.upstream.amd[0].at, UPSTREAM_AZURE);
	assert_int_equal(read_text(a,
				   V ".se_verifier]\nhost_key_documents = \"/etc/hkd\"\nimage_header = \"/etc/hdr.bin\"\nroot_ca = \"/etc/root.pem\"\n",
				   &s, &w),
			 OK);
	assert_string_equal(s.as.se.host_keys, "/etc/hkd");
	assert_string_equal(s.as.se.image_header, "/etc/hdr.bin");
	assert_string_equal(s.as.se.root, "/etc/root.pem");
	assert_null(s.as.se.lists);
	arena_free(a);
}

#define AUTH	  "[http_server]\ninsecure_http = true\n[admin]\nauthorization_mode = \"AuthenticatedAuthorization\"\n"
#define PROVIDERS "[admin.authentication.bearer_jwt]\nidentity_providers = "
#define ACLS	  "[admin.authorization.regex_acl]\nacls = "
#define ONE_KEY	  "[{public_key_uri = \"/k\"}]\n"
#define ONE_RULE  "[{role = \"r\", allowed_endpoints = \"^/kbs/v0/.*$\"}]\n"
#define AS	  "[attestation_service]\ntype = \"coco_as_builtin\"\n"

/* `n` times `item`, as an array. */
static const char *many(struct arena *a, const char *item, size_t n)
{
	struct buf b = buf_in(a, 0);

	buf_putc(&b, '[');
	for (size_t i = 0; i < n; i++)
		buf_printf(&b, "%s%s", i ? ", " : "", item);
	buf_puts(&b, "]\n");
	return buf_cstr(&b);
}

static void refused(struct arena *a, const char *text, const char *reason, const char *words)
{
	struct why w = why_in(a);
	struct kbs_settings s;
	struct json *doc;

	assert_true(rc_ok(toml_parse(a, slice_cstr(text), &doc, "test", &w)));
	if (rc_ok(kbs_settings_read(doc, a, &s, &w)))
		fail_msg("taken: %s", text);
	if (strcmp(why_reason(&w), reason) != 0 || !strstr(why_text(&w), words))
		fail_msg("%s: %s %s, expected %s %s", text, why_reason(&w), why_text(&w), reason, words);
}

static void what_cannot_be_honoured_is_refused_by_name(void **state)
{
	static const struct {
		const char *text, *reason, *words;
	} row[] = {
		{AUTH, "config.missing", "bearer_jwt"},
		{AUTH PROVIDERS ONE_KEY, "config.missing", "regex_acl"},
		{AUTH ACLS ONE_RULE, "config.missing", "bearer_jwt"},
		{AUTH PROVIDERS "[]\n" ACLS ONE_RULE, "config.admin", "0 identity_providers"},
		{AUTH PROVIDERS "[{issuer = \"i\"}]\n" ACLS ONE_RULE, "config.admin", "neither public_key_uri nor jwk_set_uri"},
		{HEAD "[storage_backend]\nstorage_type = \"LocalFs\"\n", "config.missing", "backends.local_fs"},
		{HEAD "[storage_backend]\nstorage_type = \"Postgres\"\n", "config.missing", "backends.postgres"},
		{HEAD "[storage_backend]\nstorage_type = \"Redis\"\n", "config.refused", "Redis"},
		{HEAD "[storage_backend]\nstorage_type = \"LocalJson\"\n", "config.refused", "LocalJson"},
		{HEAD "[[plugins]]\nname = \"resource\"\nstorage_backend_type = \"vault\"\n", "config.refused", "vault"},
		{HEAD "[[plugins]]\nname = \"pkcs11\"\n", "config.refused", "pkcs11"},
		{HEAD "[attestation_service]\ntype = \"coco_as_grpc\"\nas_addr = \"http://as\"\n", "config.refused", "remote attestation service"},
		{HEAD "[attestation_service]\ntype = \"intel_ta\"\n", "config.refused", "intel_ta"},
		{HEAD "[attestation_service]\ntimeout = 5\n", "config.missing", "attestation_service.type"},
		{HEAD AS "[attestation_service.rvps_config]\ntype = \"GrpcRemote\"\n", "config.refused", "GrpcRemote"},
		{HEAD AS "[attestation_service.verifier_config.nvidia_dpu_verifier]\n", "config.refused", "DPU"},
		{"[http_server]\ninsecure_http = true\nsockets = [\"a\\u0000b\"]\n[admin]\nauthorization_mode = \"DenyAll\"\n", "config.type", "NUL"},
	};
	struct arena *a = arena_new(0);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(row); i++)
		refused(a, row[i].text, row[i].reason, row[i].words);
	arena_free(a);
}

/* What is kept in arrays of a fixed size. */
static void lists_have_their_most(void **state)
{
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct kbs_settings s;
	struct json *doc;
	char *most;

	(void)state;
	most = arena_printf(a, AUTH PROVIDERS "%s" ACLS "%s", many(a, "{public_key_uri = \"/k\"}", COUNT_OF(s.admin.providers)),
			    many(a, "{role = \"r\", allowed_endpoints = \"^/kbs/v0/.*$\"}", COUNT_OF(s.admin.acls)));
	assert_true(rc_ok(toml_parse(a, slice_cstr(most), &doc, "test", &w)));
	assert_true(rc_ok(kbs_settings_read(doc, a, &s, &w)));
	assert_true(s.admin.providers_n == COUNT_OF(s.admin.providers) && s.admin.acls_n == COUNT_OF(s.admin.acls));
	refused(a, arena_printf(a, AUTH PROVIDERS "%s" ACLS ONE_RULE, many(a, "{public_key_uri = \"/k\"}", COUNT_OF(s.admin.providers) + 1)), "config.admin",
		"identity_providers, from 1 to");
	refused(a, arena_printf(a, AUTH PROVIDERS ONE_KEY ACLS "%s",
				many(a, "{role = \"r\", allowed_endpoints = \"^/kbs/v0/.*$\"}", COUNT_OF(s.admin.acls) + 1)),
		"config.admin", "acls, at most");
	assert_int_equal(read_text(a, arena_printf(a, V ".snp_verifier]\nvcek_sources = %s", many(a, "{type = \"KDS\"}", UPSTREAM_AMD_MAX)), &s, &w), OK);
	refused(a, arena_printf(a, HEAD V ".snp_verifier]\nvcek_sources = %s", many(a, "{type = \"KDS\"}", UPSTREAM_AMD_MAX + 1)), "config.range",
		"vcek_sources has");
	arena_free(a);
}

static void a_source_that_cannot_be_meant_is_refused(void **state)
{
	static const struct {
		const char *text, *reason;
	} bad[] = {
		{V ".snp_verifier]\nvcek_sources = [{type = \"Ftp\"}]\n", "config.refused"},
		{V ".snp_verifier]\nvcek_sources = [{base_url = \"https://x\"}]\n", "config.missing"},
		{V ".snp_verifier]\nvcek_sources = [{type = \"KDS\", path = \"/x\"}]\n", "config.unknown-key"},
		{V ".snp_verifier]\nvcek_sources = [{type = \"OfflineStore\", base_url = \"https://x\"}]\n", "config.unknown-key"},
		{V ".snp_verifier]\nsources = []\n", "config.unknown-key"},
		{V ".dcap_verifier]\ntcb_update_type = \"early\"\n", "config.missing"},
		{V ".dcap_verifier]\ncollateral_service = \"https://x\"\ntcb_update_type = \"late\"\n", "config.range"},
		{V ".dcap_verifier]\ncollateral_service = \"file:///x.json\"\n", "config.refused"},
		{V "]\ncollateral_loopback_http = \"yes\"\n", "config.loopback"},
		{V ".nvidia_verifier]\ntype = \"Remote\"\n", "config.refused"},
		{V ".nvidia_verifier]\nverifier_url = \"https://x\"\n", "config.refused"},
		{V ".hygon_verifier]\nurl = \"https://x\"\n", "config.unknown-key"},
		{V ".se_verifier]\nimage_header = \"/x\"\n", "config.missing"},
	};
	struct arena *a = arena_new(0);
	struct why w = why_in(a);
	struct kbs_settings s;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		assert_int_not_equal(read_text(a, bad[i].text, &s, &w), OK);
		if (strcmp(why_reason(&w), bad[i].reason) != 0)
			fail_msg("%s: %s", bad[i].text, why_reason(&w));
	}
	assert_int_equal(read_text(a, V "]\ncollateral_loopback_http = \"" LOOPBACK_WORDS "\"\n", &s, &w), OK);
	assert_true(s.as.upstream.loopback_http);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_database_is_named_whatever_its_password),
		cmocka_unit_test(methods_of_an_access_rule_are_methods),
		cmocka_unit_test(insecure_settings_are_said_in_words),
		cmocka_unit_test(access_rules_are_anchored_in_their_text),
		cmocka_unit_test(sources_of_collateral_are_those_of_the_reference_by_default),
		cmocka_unit_test(sources_of_collateral_are_read_in_order),
		cmocka_unit_test(certificates_of_a_mirror_are_verified_whatever_is_said),
		cmocka_unit_test(services_of_devices_are_named_or_left_alone),
		cmocka_unit_test(a_source_that_cannot_be_meant_is_refused),
		cmocka_unit_test(what_cannot_be_honoured_is_refused_by_name),
		cmocka_unit_test(lists_have_their_most),
	};

	return cmocka_run_group_tests_name("kbs_config", tests, NULL, NULL);
}
