/* Who may administer: the modes, the providers and their order, the access rules. */
#include "kbs/test_fix.h"

#include "crypto/jose/jwk.h"
#include "crypto/jose/jws.h"
#include "kbs/admin.h"

static struct pkey *first, *second, *ed, *rsa;

static int make_keys(void **state)
{
	struct why w = {0};
	bool ok = rc_ok(pkey_generate(KEY_P256, 0, &first, &w)) && rc_ok(pkey_generate(KEY_P256, 0, &second, &w)) &&
		  rc_ok(pkey_generate(KEY_ED25519, 0, &ed, &w)) && rc_ok(pkey_generate(KEY_RSA, 2048, &rsa, &w));

	(void)state;
	return ok ? 0 : -1;
}

static int free_keys(void **state)
{
	(void)state;
	pkey_free(first);
	pkey_free(second);
	pkey_free(ed);
	pkey_free(rsa);
	return 0;
}

#define CLAIMS(more) "{\"exp\":1795558018,\"role\":\"admin\"" more "}"

static struct slice token_of(struct fix *f, const struct pkey *key, enum sig_alg alg, const char *kid, const char *claims)
{
	struct json *header = json_new_object(f->a);
	struct slice out;

	if (kid)
		json_set(f->a, header, "kid", json_new_cstr(f->a, kid));
	OK_OR_FAIL(jws_sign(key, alg, header, slice_cstr(claims), f->a, &out, &f->w), &f->w);
	return out;
}

static struct admin *open_with(struct fix *f, const struct admin_config *c)
{
	struct admin *ad;

	OK_OR_FAIL(admin_open(c, &f->clock, &ad, &f->w), &f->w);
	return ad;
}

static rc ask(struct fix *f, struct admin *ad, const char *method, const char *path, struct slice bearer, struct admin_identity *who)
{
	return admin_check(ad, method, slice_cstr(path), bearer, f->a, who, &f->w);
}

static const struct slice no_bearer = {NULL, 0};
static const struct admin_acl all = {.role = "admin", .pattern = "/kbs/.*"};

static struct admin_config config_of(const struct admin_provider *p, size_t n)
{
	return (struct admin_config){.mode = ADMIN_AUTHENTICATED, .providers = p, .providers_n = n, .acls = &all, .acls_n = 1};
}

/* ---- modes ---- */

static void nobody_administers_unless_the_configuration_says_so(void **state)
{
	const struct admin_provider p = {.key = first};
	struct admin_config c = config_of(&p, 1);
	struct admin_identity who;
	struct fix *f = *state;
	struct admin *ad;

	c.mode = (enum admin_mode)0;	/* what a forgotten mode is */
	ad = open_with(f, &c);
	REFUSED(ask(f, ad, "GET", "/kbs/v0/resources", token_of(f, first, SIG_ES256, NULL, CLAIMS("")), &who), &f->w, E_DENIED,
		"admin.deny-all");
	admin_close(ad);
}

static void allow_all_takes_anybody_and_calls_him_anonymous(void **state)
{
	const struct admin_config c = {.mode = ADMIN_INSECURE_ALLOW_ALL};
	struct admin_identity who;
	struct fix *f = *state;
	struct admin *ad = open_with(f, &c);

	OK_OR_FAIL(ask(f, ad, "POST", "/kbs/v0/resource/a/b/c", no_bearer, &who), &f->w);
	assert_non_null(strstr(who.role, "anonymous"));
	OK_OR_FAIL(ask(f, ad, "POST", "/kbs/v0/resource/a/b/c", SLICE_LIT("bogus"), &who), &f->w);
	admin_close(ad);
}

static void authenticated_administration_needs_a_provider_and_a_rule(void **state)
{
	const struct admin_provider p = {.key = first};
	struct admin_config c = config_of(&p, 1);
	struct fix *f = *state;
	struct admin *ad = NULL;

	c.providers_n = 0;
	REFUSED(admin_open(&c, &f->clock, &ad, &f->w), &f->w, E_MALFORMED, "admin.provider");
	c.providers_n = 1;
	c.acls_n = 0;
	REFUSED(admin_open(&c, &f->clock, &ad, &f->w), &f->w, E_MALFORMED, "admin.provider");
	assert_null(ad);
}

static void a_rule_that_is_no_regular_expression_stops_the_start(void **state)
{
	static const char *const bad[] = {"(", "[", "*", "a{2,1}", "(?P<n>", "\\", "a)(b", "x)|(?:y", "(?<=a)b", "(a)\\1"};
	const struct admin_provider p = {.key = first};
	struct fix *f = *state;

	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		const struct admin_acl acl[] = {all, {.role = "x", .pattern = bad[i]}};
		struct admin_config c = config_of(&p, 1);
		struct admin *ad = NULL;

		c.acls = acl;
		c.acls_n = 2;
		fix_refused_at(admin_open(&c, &f->clock, &ad, &f->w), &f->w, E_MALFORMED, "admin.acl", (int)i);
		assert_null(ad);
	}
}

/* ---- tokens ---- */

static void the_bearer_is_who_the_token_says(void **state)
{
	const struct admin_provider p[] = {{.key = first}, {.key = ed}, {.key = rsa}};
	const struct admin_config c = config_of(p, 3);
	struct fix *f = *state;
	struct admin *ad = open_with(f, &c);
	struct admin_identity who;

	OK_OR_FAIL(ask(f, ad, "GET", "/kbs/x", token_of(f, first, SIG_ES256, NULL, CLAIMS(",\"sub\":\"ops\"")), &who), &f->w);
	assert_string_equal(who.role, "admin");
	assert_string_equal(who.subject, "ops");
	assert_true(why_empty(&f->w));
	OK_OR_FAIL(ask(f, ad, "GET", "/kbs/x", token_of(f, ed, SIG_EDDSA, NULL, CLAIMS("")), &who), &f->w);
	assert_string_equal(who.subject, "");
	assert_true(why_empty(&f->w));
	OK_OR_FAIL(ask(f, ad, "GET", "/kbs/x", token_of(f, rsa, SIG_PS384, NULL, CLAIMS("")), &who), &f->w);
	admin_close(ad);
}

static void tokens_that_prove_no_administrator_are_refused(void **state)
{
	const struct admin_provider p = {.key = first, .issuer = "ops", .audience = "KBS"};
	const struct admin_config c = config_of(&p, 1);
	struct fix *f = *state;
	struct admin *ad = open_with(f, &c);
	struct admin_identity who;
	static const struct {
		const char *claims;
		bool good;
	} row[] = {
		{"{\"exp\":1795558018,\"role\":\"admin\",\"iss\":\"ops\",\"aud\":[\"KBS\"]}", true},
		{"{\"exp\":1795558018,\"role\":\"admin\",\"iss\":\"ops\",\"aud\":\"KBS\"}", true},
		{"{\"exp\":1795558018,\"role\":\"admin\",\"iss\":\"ops\",\"aud\":\"KBS\",\"nbf\":1795557718}", true},
		{"{\"role\":\"admin\",\"iss\":\"ops\",\"aud\":\"KBS\"}", false},
		{"{\"exp\":1795557657,\"role\":\"admin\",\"iss\":\"ops\",\"aud\":\"KBS\"}", false},
		{"{\"exp\":\"1795558018\",\"role\":\"admin\",\"iss\":\"ops\",\"aud\":\"KBS\"}", false},
		{"{\"exp\":1795558018,\"role\":\"admin\",\"iss\":\"ops\",\"aud\":\"KBS\",\"nbf\":1795557818}", false},
		{"{\"exp\":1795558018,\"role\":\"admin\",\"iss\":\"other\",\"aud\":\"KBS\"}", false},
		{"{\"exp\":1795558018,\"role\":\"admin\",\"aud\":\"KBS\"}", false},
		{"{\"exp\":1795558018,\"role\":\"admin\",\"iss\":\"ops\",\"aud\":\"kbs\"}", false},
		{"{\"exp\":1795558018,\"role\":\"admin\",\"iss\":\"ops\"}", false},
		{"{\"exp\":1795558018,\"iss\":\"ops\",\"aud\":\"KBS\"}", false},
		{"{\"exp\":1795558018,\"role\":[\"admin\"],\"iss\":\"ops\",\"aud\":\"KBS\"}", false},
		{"{\"exp\":1795558018,\"role\":null,\"iss\":\"ops\",\"aud\":\"KBS\"}", false},
		{"{\"exp\":1795558018,\"role\":\"admin\",\"iss\":[\"ops\"],\"aud\":\"KBS\"}", false},
		{"[]", false},
		{"\"admin\"", false},
		{"{", false},
	};

	for (size_t i = 0; i < COUNT_OF(row); i++) {
		rc r = ask(f, ad, "GET", "/kbs/x", token_of(f, first, SIG_ES256, NULL, row[i].claims), &who);

		if (row[i].good) {
			fix_ok_at(r, &f->w, (int)i);
		} else {
			assert_string_equal(who.role, "");
			fix_refused_at(r, &f->w, E_UNAUTH, "admin.token", (int)i);
		}
	}
	REFUSED(ask(f, ad, "GET", "/kbs/x", no_bearer, &who), &f->w, E_UNAUTH, "admin.no-token");
	REFUSED(ask(f, ad, "GET", "/kbs/x", SLICE_LIT(""), &who), &f->w, E_UNAUTH, "admin.token");
	REFUSED(ask(f, ad, "GET", "/kbs/x", SLICE_LIT("a.b.c"), &who), &f->w, E_UNAUTH, "admin.token");
	REFUSED(ask(f, ad, "GET", "/kbs/x", token_of(f, second, SIG_ES256, NULL, row[0].claims), &who), &f->w, E_UNAUTH, "admin.token");
	admin_close(ad);
}

static void a_key_in_the_header_is_never_believed(void **state)
{
	const struct admin_provider p = {.key = first};
	const struct admin_config c = config_of(&p, 1);
	struct fix *f = *state;
	struct admin *ad = open_with(f, &c);
	struct json *header = json_new_object(f->a), *jwk;
	struct admin_identity who;
	struct slice jwt;

	OK_OR_FAIL(jwk_from_pkey(second, f->a, &jwk, &f->w), &f->w);
	json_set(f->a, header, "jwk", jwk);
	OK_OR_FAIL(jws_sign(second, SIG_ES256, header, slice_cstr(CLAIMS("")), f->a, &jwt, &f->w), &f->w);
	REFUSED(ask(f, ad, "GET", "/kbs/x", jwt, &who), &f->w, E_UNAUTH, "admin.token");
	admin_close(ad);
}

static struct json *set_of(struct fix *f, const struct pkey *k, const char *kid, const char *alg, const char *use)
{
	struct json *set = json_new_object(f->a), *keys = json_new_array(f->a), *jwk;

	OK_OR_FAIL(jwk_from_pkey(k, f->a, &jwk, &f->w), &f->w);
	json_set(f->a, jwk, "kid", json_new_cstr(f->a, kid));
	if (alg)
		json_set(f->a, jwk, "alg", json_new_cstr(f->a, alg));
	if (use)
		json_set(f->a, jwk, "use", json_new_cstr(f->a, use));
	json_push(f->a, keys, jwk);
	json_set(f->a, set, "keys", keys);
	return set;
}

static void a_provider_with_a_key_set_is_asked_by_kid(void **state)
{
	struct fix *f = *state;
	static const struct {
		const char *kid, *alg, *use;
		bool good;
	} row[] = {
		{"k1", "ES256", NULL, true}, {"k1", "ES256", "sig", true}, {"k1", "ES256", "enc", false}, {"k1", NULL, NULL, false},
		{"k1", "ES384", NULL, false}, {"k2", "ES256", NULL, false}, {NULL, "ES256", NULL, false},
	};

	for (size_t i = 0; i < COUNT_OF(row); i++) {
		const struct admin_provider p = {.jwks = set_of(f, first, "k1", row[i].alg, row[i].use)};
		const struct admin_config c = config_of(&p, 1);
		struct admin *ad = open_with(f, &c);
		struct admin_identity who;
		rc r = ask(f, ad, "GET", "/kbs/x", token_of(f, first, SIG_ES256, row[i].kid, CLAIMS("")), &who);

		if (row[i].good)
			fix_ok_at(r, &f->w, (int)i);
		else
			fix_refused_at(r, &f->w, E_UNAUTH, "admin.token", (int)i);
		admin_close(ad);
	}
}

static void providers_are_asked_in_order_until_one_knows_the_token(void **state)
{
	const struct admin_provider p[] = {{.key = first, .issuer = "a"}, {.key = second, .issuer = "b"}, {.key = first, .issuer = "c"}};
	const struct admin_config c = config_of(p, 3);
	struct fix *f = *state;
	struct admin *ad = open_with(f, &c);
	struct admin_identity who;

	OK_OR_FAIL(ask(f, ad, "GET", "/kbs/x", token_of(f, first, SIG_ES256, NULL, CLAIMS(",\"iss\":\"a\"")), &who), &f->w);
	OK_OR_FAIL(ask(f, ad, "GET", "/kbs/x", token_of(f, second, SIG_ES256, NULL, CLAIMS(",\"iss\":\"b\"")), &who), &f->w);
	OK_OR_FAIL(ask(f, ad, "GET", "/kbs/x", token_of(f, first, SIG_ES256, NULL, CLAIMS(",\"iss\":\"c\"")), &who), &f->w);
	/* one provider's key does not speak for another */
	REFUSED(ask(f, ad, "GET", "/kbs/x", token_of(f, first, SIG_ES256, NULL, CLAIMS(",\"iss\":\"b\"")), &who), &f->w, E_UNAUTH,
		"admin.token");
	admin_close(ad);
}

/* ---- rules ---- */

static void a_rule_matches_the_whole_path_its_role_and_its_methods(void **state)
{
	static const struct admin_acl acl[] = {
		{.role = "admin", .pattern = "/kbs/v0/resource/team/.*", .methods = "POST, DELETE"},
		{.role = "admin", .pattern = "/kbs/v0/a|b"},	/* shown: two paths; never "anything that ends in b" */
		{.role = "reader", .pattern = ".*", .methods = "GET"},
		{.role = "admin", .pattern = "^/kbs/v0/anchored$"},
		{.role = "admin", .pattern = "/kbs/v0/lines"},
	};
	static const struct {
		const char *role, *method, *path;
		bool good;
	} row[] = {
		{"admin", "POST", "/kbs/v0/resource/team/x/y", true},
		{"admin", "DELETE", "/kbs/v0/resource/team/x/y", true},
		{"admin", "GET", "/kbs/v0/resource/team/x/y", false},
		{"admin", "POS", "/kbs/v0/resource/team/x/y", false},
		{"admin", "post", "/kbs/v0/resource/team/x/y", false},
		{"admin", "POST, DELETE", "/kbs/v0/resource/team/x/y", false},
		{"admin", "", "/kbs/v0/resource/team/x/y", false},
		{"admin", "POST", "/kbs/v0/resource/team2/x/y", false},
		{"admin", "POST", "x/kbs/v0/resource/team/x/y", false},
		{"admin", "POST", "/kbs/v0/resource/other/kbs/v0/resource/team/x", false},
		{"admin", "GET", "/kbs/v0/a", true},
		{"admin", "GET", "b", true},
		{"admin", "GET", "/kbs/v0/ax", false},
		{"admin", "GET", "/kbs/v0/b", false},
		{"admin", "GET", "/kbs/v0/xb", false},
		{"admin", "GET", "/kbs/v0/anchored", true},
		{"admin", "GET", "/kbs/v0/anchored/x", false},
		{"admin", "GET", "/kbs/v0/lines", true},
		{"admin", "GET", "/kbs/v0/lines\n", false},
		{"admin", "GET", "x\n/kbs/v0/lines", false},
		{"admin", "GET", "", false},
		{"reader", "GET", "/kbs/v0/anything", true},
		{"reader", "POST", "/kbs/v0/anything", false},
		{"READER", "GET", "/kbs/v0/anything", false},
		{"", "GET", "/kbs/v0/a", false},
		{"admin|reader", "GET", "/kbs/v0/a", false},
	};
	const struct admin_provider p = {.key = first};
	const struct admin_config c = {.mode = ADMIN_AUTHENTICATED, .providers = &p, .providers_n = 1, .acls = acl,
				       .acls_n = COUNT_OF(acl)};
	struct fix *f = *state;
	struct admin *ad = open_with(f, &c);
	struct admin_identity who;

	for (size_t i = 0; i < COUNT_OF(row); i++) {
		char *claims = arena_printf(f->a, "{\"exp\":1795558018,\"role\":\"%s\"}", row[i].role);
		rc r = ask(f, ad, row[i].method, row[i].path, token_of(f, first, SIG_ES256, NULL, claims), &who);

		if (row[i].good) {
			fix_ok_at(r, &f->w, (int)i);
			assert_string_equal(who.role, row[i].role);
		} else {
			fix_refused_at(r, &f->w, E_DENIED, "admin.role", (int)i);
			assert_string_equal(who.role, "");
		}
	}
	admin_close(ad);
}

/* A pattern cannot close the group that anchors it. */
static void a_pattern_cannot_climb_out_of_its_anchors(void **state)
{
	static const char *const patterns[] = {"x|y", "(?i)x|y", "(?m)^x$|y", "x\\z|y", "\\Qx\\E|y", "(?s:x)|y"};
	static const char *const paths[] = {"xz", "zy", "zx", "yz", "x\nz", "z\ny", "x|y", "/kbs/v0/resource-policy"};
	const struct admin_provider p = {.key = first};
	struct fix *f = *state;

	for (size_t i = 0; i < COUNT_OF(patterns); i++) {
		const struct admin_acl acl = {.role = "admin", .pattern = patterns[i]};
		struct admin_config c = config_of(&p, 1);
		struct admin_identity who;
		struct admin *ad;

		c.acls = &acl;
		ad = open_with(f, &c);
		for (size_t k = 0; k < COUNT_OF(paths); k++)
			fix_refused_at(ask(f, ad, "GET", paths[k], token_of(f, first, SIG_ES256, NULL, CLAIMS("")), &who), &f->w, E_DENIED,
				       "admin.role", (int)(100 * i + k));
		OK_OR_FAIL(ask(f, ad, "GET", "y", token_of(f, first, SIG_ES256, NULL, CLAIMS("")), &who), &f->w);
		admin_close(ad);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BEHAVIOUR(nobody_administers_unless_the_configuration_says_so),
		BEHAVIOUR(allow_all_takes_anybody_and_calls_him_anonymous),
		BEHAVIOUR(authenticated_administration_needs_a_provider_and_a_rule),
		BEHAVIOUR(a_rule_that_is_no_regular_expression_stops_the_start),
		BEHAVIOUR(the_bearer_is_who_the_token_says),
		BEHAVIOUR(tokens_that_prove_no_administrator_are_refused),
		BEHAVIOUR(a_key_in_the_header_is_never_believed),
		BEHAVIOUR(a_provider_with_a_key_set_is_asked_by_kid),
		BEHAVIOUR(providers_are_asked_in_order_until_one_knows_the_token),
		BEHAVIOUR(a_rule_matches_the_whole_path_its_role_and_its_methods),
		BEHAVIOUR(a_pattern_cannot_climb_out_of_its_anchors),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
