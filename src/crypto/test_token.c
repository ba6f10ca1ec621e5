/* Recorded tokens and the JWS vectors of others, each with the verdict that they give it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/sys.h"
#include "crypto/jose/jwk.h"
#include "crypto/jose/token.h"
#include "crypto/jose/x5c.h"

static struct slice shared(struct arena *a, const char *path, size_t n)
{
	const char *root = getenv("WARRANT_SHARED");
	struct slice s = {0};

	if (!root || !rc_ok(file_read(a, arena_printf(a, "%s/evidence/%.*s", root, (int)n, path), 4u << 20, &s, NULL))) {
		arena_free(a);	/* skip() does not come back */
		skip();
	}
	return s;
}

static struct slice named(struct arena *a, const struct json *inputs, const char *name)
{
	struct slice path = {0};

	assert_true(rc_ok(json_need_str(inputs, name, &path, "case", NULL)));
	return shared(a, (const char *)path.p, path.n);
}

/* Line ends behind a token in a file are the file's. */
static struct slice trim(struct slice s)
{
	while (s.n && (s.p[s.n - 1] == '\n' || s.p[s.n - 1] == '\r'))
		s.n--;
	return s;
}

static const char *class_of(const char *reason)
{
	static const struct {
		const char *reason, *class;
	} map[] = {{"jwt.expired", "expired"},	{"jwt.audience", "audience-mismatch"}, {"jws.signature", "signature"},
		   {"jws.alg", "alg-not-allowed"}, {"key.algorithm", "alg-not-allowed"}, {"x5c.key", "key-mismatch"},	       {"x5c.missing", "no-x5c"}};

	for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++)
		if (strcmp(map[i].reason, reason) == 0)
			return map[i].class;
	return "parse";
}

static rc run_token(const struct json *in, struct arena *a, struct why *w)
{
	struct token_rules r = {.source = TOKEN_HEADER, .any_time = true};
	struct json *jwk = NULL, *claims;
	struct slice time = {0}, audience = {0}, pem;

	assert_true(rc_ok(json_opt_str(in, "time", &time, "case", NULL)) && rc_ok(json_opt_str(in, "audience", &audience, "case", NULL)));
	if (time.p) {
		assert_true(rc_ok(time_parse_rfc3339(time, &r.claims.now_s, NULL)));
		r.any_time = false;
	}
	if (audience.p)
		r.claims.audience = (const char *)audience.p + strlen("text:");
	if (json_get(in, "jwk")) {
		assert_true(rc_ok(json_parse(a, named(a, in, "jwk"), NULL, &jwk, NULL)));
		r.source = TOKEN_JWK;
		r.jwk = jwk;
	} else if (json_get(in, "x5c_root")) {
		pem = named(a, in, "x5c_root");
		r.source = TOKEN_X5C;
		r.trusted_pems = &pem;
		r.n_trusted = 1;
	}
	return token_verify(trim(named(a, in, "jwt")), &r, a, &claims, w);
}

static rc run_trust(const struct json *in, struct arena *a, struct why *w)
{
	struct slice pem = named(a, in, "trust");
	struct pkey *key = NULL;
	struct json *jwk;
	rc r;

	assert_true(rc_ok(json_parse(a, named(a, in, "jwk"), NULL, &jwk, NULL)) && rc_ok(jwk_to_pkey(jwk, &key, NULL)));
	r = x5c_verify(json_get(jwk, "x5c"), key, &pem, 1, X5C_ANY_TIME, a, w);
	pkey_free(key);
	return r;
}

static void recorded_tokens_get_their_recorded_verdict(void **state)
{
	const char *path = "jose/cases.json";
	struct arena *a = arena_new(0);
	struct json *cases;
	size_t ran = 0;

	(void)state;
	assert_true(rc_ok(json_parse(a, shared(a, path, strlen(path)), NULL, &cases, NULL)));
	for (size_t i = 0; i < cases->n; i++) {
		const struct json *c = cases->items[i], *in = json_get(c, "inputs");
		struct slice id = {0}, expect = {0}, class = {0};
		struct why w = why_in(a);
		rc r;

		assert_true(rc_ok(json_need_str(c, "id", &id, "case", NULL)) && rc_ok(json_need_str(c, "expect", &expect, "case", NULL)));
		assert_true(rc_ok(json_opt_str(c, "error_class", &class, "case", NULL)));
		if (json_get(in, "jwt") && !json_get(in, "jwk") && !json_get(in, "x5c_root") && !json_get(in, "key_source"))
			continue;	/* its signer's key is not at hand */
		r = json_get(in, "trust") ? run_trust(in, a, &w) : run_token(in, a, &w);
		ran++;
		if (rc_ok(r) != slice_is(expect, "ok"))
			fail_msg("%.*s: %s", (int)id.n, (const char *)id.p, why_text(&w));
		if (!rc_ok(r) && !memmem(class.p, class.n, class_of(why_reason(&w)), strlen(class_of(why_reason(&w)))))
			fail_msg("%.*s: %s, expected %.*s", (int)id.n, (const char *)id.p, why_reason(&w), (int)class.n, (const char *)class.p);
	}
	if (ran != cases->n - 1)
		fail_msg("%zu of %zu cases", ran, cases->n);
	arena_free(a);
}

/* Vectors of others: no invalid one may verify; valid ones do, where algorithm and key are of those that are taken. */
static void no_invalid_vector_of_others_verifies(void **state)
{
	const char *path = "jose/wycheproof/json_web_signature_test.json";
	struct arena *a = arena_new(256u << 20);
	struct json *doc;
	const struct json *groups;
	size_t valid = 0, invalid = 0;

	(void)state;
	assert_true(rc_ok(json_parse(a, shared(a, path, strlen(path)), NULL, &doc, NULL)));
	groups = json_get(doc, "testGroups");
	for (size_t g = 0; g < groups->n; g++) {
		const struct json *group = groups->items[g], *tests = json_get(group, "tests"), *jwk = json_get(group, "public");
		struct pkey *key = NULL;
		struct slice alg = {0};

		if (!rc_ok(jwk_to_pkey(jwk, &key, NULL)) || !rc_ok(json_opt_str(jwk, "alg", &alg, "JWK", NULL)))
			continue;
		for (size_t i = 0; i < tests->n; i++) {
			struct slice text = {0}, result = {0};
			struct jws j;
			bool ok;

			if (!rc_ok(json_need_str(tests->items[i], "jws", &text, "test", NULL)))
				continue;	/* JSON serialisation */
			assert_true(rc_ok(json_need_str(tests->items[i], "result", &result, "test", NULL)));
			ok = jwk_may_verify(jwk) && rc_ok(jws_parse(text, a, &j, NULL)) &&
			     rc_ok(jws_verify(&j, key, alg.p ? jwa_by_name(alg) : jwa_default(key), NULL));
			valid += ok;
			invalid += !ok;
			if (ok && !slice_is(result, "valid"))
				fail_msg("group %zu test %zu was taken", g, i);
		}
		pkey_free(key);
	}
	if (valid < 20 || invalid < 250)
		fail_msg("%zu valid and %zu invalid vectors", valid, invalid);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recorded_tokens_get_their_recorded_verdict),
		cmocka_unit_test(no_invalid_vector_of_others_verifies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
