/* Which attestation tokens are believed: by the own key, by certificate chain, by kid; and all that is refused. */
#include "kbs/test_fix.h"

#include <openssl/x509v3.h>

#include "codec/base64.h"
#include "crypto/crypto_priv.h"
#include "crypto/jose/jwk.h"
#include "crypto/jose/jws.h"
#include "kbs/token.h"

#define DAY 86400
#define TEE_KEY "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"BB\"}"

/* Made once: key generation is slow under a sanitizer. */
static struct pkey *own, *other, *leaf, *root, *rsa, *p384;

static int make_keys(void **state)
{
	struct why w = {0};
	bool ok = rc_ok(pkey_generate(KEY_P256, 0, &own, &w)) && rc_ok(pkey_generate(KEY_P256, 0, &other, &w)) &&
		  rc_ok(pkey_generate(KEY_P256, 0, &leaf, &w)) && rc_ok(pkey_generate(KEY_P256, 0, &root, &w)) &&
		  rc_ok(pkey_generate(KEY_RSA, 2048, &rsa, &w)) && rc_ok(pkey_generate(KEY_P384, 0, &p384, &w));

	(void)state;
	return ok ? 0 : -1;
}

static int free_keys(void **state)
{
	struct pkey *all[] = {own, other, leaf, root, rsa, p384};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(all); i++)
		pkey_free(all[i]);
	return 0;
}

/* ---- tokens ---- */

struct recipe {
	const struct pkey *signer;
	enum sig_alg alg;
	const struct pkey *header_jwk;	/* NULL: none */
	const char *jwk_alg;		/* NULL: none */
	const char *kid;
	const struct json *x5c;		/* in the jwk */
	bool x5c_in_header;
	const char *claims;		/* NULL: good ones */
};

#define GOOD_CLAIMS "{\"exp\":1795558018,\"iss\":\"as\",\"aud\":\"kbs\",\"jti\":\"d1\",\"tee-pubkey\":" TEE_KEY "}"

static struct slice token_of(struct fix *f, struct recipe r)
{
	struct json *header = json_new_object(f->a), *jwk = NULL;
	struct slice out;

	if (r.header_jwk) {
		OK_OR_FAIL(jwk_from_pkey(r.header_jwk, f->a, &jwk, &f->w), &f->w);
		if (r.jwk_alg)
			json_set(f->a, jwk, "alg", json_new_cstr(f->a, r.jwk_alg));
		if (r.x5c && !r.x5c_in_header)
			json_set(f->a, jwk, "x5c", r.x5c);
		json_set(f->a, header, "jwk", jwk);
	}
	if (r.x5c_in_header)
		json_set(f->a, header, "x5c", r.x5c);
	if (r.kid)
		json_set(f->a, header, "kid", json_new_cstr(f->a, r.kid));
	OK_OR_FAIL(jws_sign(r.signer, r.alg ? r.alg : SIG_ES256, header, slice_cstr(r.claims ? r.claims : GOOD_CLAIMS), f->a, &out, &f->w),
		   &f->w);
	return out;
}

static struct recipe by_own_key(const char *claims)
{
	return (struct recipe){.signer = own, .header_jwk = own, .jwk_alg = "ES256", .claims = claims};
}

/* Every refusal of a token is "attest again"; `reason` says which. */
static void refused_at(struct fix *f, const struct token_config *c, struct slice jwt, const char *reason, int line)
{
	struct token out, before;

	memset(&out, 0xa5, sizeof(out));
	before = out;
	fix_refused_at(kbs_token_verify(c, jwt, f->now_s, f->a, &out, &f->w), &f->w, E_UNAUTH, reason, line);
	assert_memory_equal(&out, &before, sizeof(out));
}
#define TOKEN_REFUSED(f, c, jwt, reason) refused_at((f), (c), (jwt), (reason), __LINE__)

/* ---- certificates ---- */

struct cert {
	const char *subject, *issuer;
	const struct pkey *key, *signer;
	bool ca;
	int64_t from, to;	/* 0: a day around NOW */
};

static void set_name(X509_NAME *n, const char *cn)
{
	assert_int_equal(X509_NAME_add_entry_by_txt(n, "CN", MBSTRING_UTF8, (const unsigned char *)cn, -1, -1, 0), 1);
}

static void add_ext(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	assert_int_equal(X509_add_ext(x, e, -1), 1);
	X509_EXTENSION_free(e);
}

static struct slice der_of(struct fix *f, struct cert c)
{
	unsigned char *der = NULL;
	X509 *x = X509_new();
	struct slice out;
	int n;

	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 7);
	set_name(X509_get_subject_name(x), c.subject);
	set_name(X509_get_issuer_name(x), c.issuer);
	ASN1_TIME_set(X509_getm_notBefore(x), (time_t)(c.from ? c.from : NOW - DAY));
	ASN1_TIME_set(X509_getm_notAfter(x), (time_t)(c.to ? c.to : NOW + DAY));
	X509_set_pubkey(x, c.key->evp);
	add_ext(x, NID_basic_constraints, c.ca ? "critical,CA:TRUE" : "critical,CA:FALSE");
	add_ext(x, NID_key_usage, c.ca ? "critical,keyCertSign" : "critical,digitalSignature");
	assert_true(X509_sign(x, c.signer->evp, EVP_sha256()) > 0);
	n = i2d_X509(x, &der);
	assert_true(n > 0);
	out = arena_dup(f->a, slice_of(der, (size_t)n));
	OPENSSL_free(der);
	X509_free(x);
	return out;
}

static const struct cert root_cert = {"root", "root", NULL, NULL, true, 0, 0}, leaf_cert = {"leaf", "root", NULL, NULL, false, 0, 0};

static struct slice root_pem(struct fix *f, const struct pkey *key)
{
	struct cert c = root_cert;
	struct buf b = buf_in(f->a, 0);

	c.key = c.signer = key;
	buf_puts(&b, "-----BEGIN CERTIFICATE-----\n");
	b64_write(&b, B64_STD, der_of(f, c));
	buf_puts(&b, "\n-----END CERTIFICATE-----\n");
	return slice_cstr(buf_cstr(&b));
}

static struct json *chain_of(struct fix *f, const struct pkey *key, const struct pkey *signer, int64_t from, int64_t to)
{
	struct json *x5c = json_new_array(f->a);
	struct cert c = leaf_cert;

	c.key = key;
	c.signer = signer;
	c.from = from;
	c.to = to;
	json_push(f->a, x5c, json_new_b64(f->a, der_of(f, c)));
	return x5c;
}

/* ---- by key ---- */

static void a_token_of_the_own_key_is_believed(void **state)
{
	struct fix *f = *state;
	const struct token_config c = {.own_key = own};
	struct recipe r = by_own_key(NULL);
	struct token t;

	OK_OR_FAIL(kbs_token_verify(&c, token_of(f, r), NOW, f->a, &t, &f->w), &f->w);
	assert_string_equal(t.id, "d1");
	assert_int_equal(t.expires_s, NOW + 300);
	assert_true(slice_is(json_get(t.tee_pubkey, "kty")->text, "EC"));
	assert_true(slice_is(json_get(t.claims, "iss")->text, "as"));
	r.jwk_alg = NULL;
	OK_OR_FAIL(kbs_token_verify(&c, token_of(f, r), NOW, f->a, &t, &f->w), &f->w);
	r.claims = "{\"exp\":1795558018,\"tee-pubkey\":" TEE_KEY "}";
	OK_OR_FAIL(kbs_token_verify(&c, token_of(f, r), NOW, f->a, &t, &f->w), &f->w);
	assert_string_equal(t.id, "");
}

static void a_key_that_stands_in_the_header_alone_is_not_believed(void **state)
{
	const struct token_config nothing = {0}, mine = {.own_key = own}, words = {.own_key = own, .insecure_header_jwk = true};
	struct recipe r = {.signer = other, .header_jwk = other, .jwk_alg = "ES256"};
	struct fix *f = *state;
	struct token t;

	TOKEN_REFUSED(f, &nothing, token_of(f, r), "token.untrusted");
	TOKEN_REFUSED(f, &mine, token_of(f, r), "token.untrusted");
	TOKEN_REFUSED(f, &nothing, token_of(f, by_own_key(NULL)), "token.untrusted");
	OK_OR_FAIL(kbs_token_verify(&words, token_of(f, r), NOW, f->a, &t, &f->w), &f->w);
}

static void the_own_key_in_the_header_does_not_make_another_signature_good(void **state)
{
	const struct token_config c = {.own_key = own}, words = {.insecure_header_jwk = true};
	struct fix *f = *state;

	TOKEN_REFUSED(f, &c, token_of(f, (struct recipe){.signer = other, .header_jwk = own, .jwk_alg = "ES256"}), "jws.signature");
	TOKEN_REFUSED(f, &words, token_of(f, (struct recipe){.signer = other, .header_jwk = own, .jwk_alg = "ES256"}), "jws.signature");
}

static void a_token_changed_in_any_character_is_refused(void **state)
{
	const struct token_config c = {.own_key = own};
	struct fix *f = *state;
	struct slice jwt = token_of(f, by_own_key(NULL));
	char *text = arena_strndup(f->a, jwt.p, jwt.n);
	struct token t;

	for (size_t i = 0; i < jwt.n; i++) {
		struct arena_mark m = arena_mark(f->a);

		text[i] = jwt.p[i] == 'A' ? 'B' : 'A';
		if (rc_ok(kbs_token_verify(&c, slice_of(text, jwt.n), NOW, f->a, &t, NULL)))
			fail_msg("believed with another character at %zu", i);
		text[i] = (char)jwt.p[i];
		if (rc_ok(kbs_token_verify(&c, slice_of(text, i), NOW, f->a, &t, NULL)))
			fail_msg("believed when cut at %zu", i);
		arena_reset(f->a, m);
	}
	OK_OR_FAIL(kbs_token_verify(&c, slice_of(text, jwt.n), NOW, f->a, &t, &f->w), &f->w);
}

static void the_algorithm_is_the_keys_and_never_the_tokens_choice(void **state)
{
	const struct token_config words = {.insecure_header_jwk = true};
	struct recipe es384 = {.signer = p384, .alg = SIG_ES384, .header_jwk = p384, .jwk_alg = "ES256"};
	struct recipe ps = {.signer = rsa, .alg = SIG_PS256, .header_jwk = rsa, .jwk_alg = "RS256"};
	struct recipe none = {.signer = own, .header_jwk = own, .jwk_alg = "none"};
	struct recipe hmac_name = {.signer = own, .header_jwk = own, .jwk_alg = "HS256"};
	struct fix *f = *state;
	struct token t;

	TOKEN_REFUSED(f, &words, token_of(f, es384), "jws.alg");
	TOKEN_REFUSED(f, &words, token_of(f, ps), "jws.alg");
	TOKEN_REFUSED(f, &words, token_of(f, none), "jws.alg");
	TOKEN_REFUSED(f, &words, token_of(f, hmac_name), "jws.alg");
	es384.jwk_alg = "ES384";
	ps.jwk_alg = "PS256";
	OK_OR_FAIL(kbs_token_verify(&words, token_of(f, es384), NOW, f->a, &t, &f->w), &f->w);
	OK_OR_FAIL(kbs_token_verify(&words, token_of(f, ps), NOW, f->a, &t, &f->w), &f->w);
}

/* ---- tokens that were seen before ---- */

static void what_was_seen_spares_the_signature_and_nothing_else(void **state)
{
	struct fix *f = *state;
	struct token_config c = {.own_key = own, .seen = seen_new()};
	struct slice jwt = token_of(f, by_own_key(NULL));
	char *text = arena_strndup(f->a, jwt.p, jwt.n);
	uint8_t sha256[32];
	struct token t;

	assert_non_null(c.seen);
	assert_true(rc_ok(digest(DIGEST_SHA256, jwt, sha256, NULL)));
	assert_false(seen_has(c.seen, sha256));
	OK_OR_FAIL(kbs_token_verify(&c, jwt, NOW, f->a, &t, &f->w), &f->w);
	assert_true(seen_has(c.seen, sha256));
	OK_OR_FAIL(kbs_token_verify(&c, jwt, NOW, f->a, &t, &f->w), &f->w);
	assert_string_equal(t.id, "d1");
	assert_int_equal(t.expires_s, NOW + 300);
	f->now_s = NOW + 400;
	TOKEN_REFUSED(f, &c, jwt, "jwt.expired");
	f->now_s = NOW;
	c.issuer = "another";
	TOKEN_REFUSED(f, &c, jwt, "jwt.issuer");
	c.issuer = NULL;
	c.audience = "another";
	TOKEN_REFUSED(f, &c, jwt, "jwt.audience");
	c.audience = NULL;
	for (size_t i = 0; i < jwt.n; i++) {
		struct arena_mark m = arena_mark(f->a);

		text[i] = jwt.p[i] == 'A' ? 'B' : 'A';
		if (rc_ok(kbs_token_verify(&c, slice_of(text, jwt.n), NOW, f->a, &t, NULL)))
			fail_msg("believed with another character at %zu", i);
		text[i] = (char)jwt.p[i];
		arena_reset(f->a, m);
	}
	seen_free(c.seen);
}

static void a_refused_token_is_not_remembered(void **state)
{
	struct fix *f = *state;
	const struct token_config c = {.own_key = own, .seen = seen_new()};
	struct slice forged = token_of(f, (struct recipe){.signer = other, .header_jwk = own, .jwk_alg = "ES256"});
	struct slice old = token_of(f, by_own_key("{\"exp\":1,\"tee-pubkey\":" TEE_KEY "}"));
	uint8_t sha256[32];

	for (unsigned i = 0; i < 2; i++) {
		TOKEN_REFUSED(f, &c, forged, "jws.signature");
		TOKEN_REFUSED(f, &c, old, "jwt.expired");
	}
	assert_true(rc_ok(digest(DIGEST_SHA256, forged, sha256, NULL)) && !seen_has(c.seen, sha256));
	assert_true(rc_ok(digest(DIGEST_SHA256, old, sha256, NULL)) && !seen_has(c.seen, sha256));
	seen_free(c.seen);
}

static void more_tokens_than_slots_push_each_other_out(void **state)
{
	struct seen *s = seen_new();
	uint8_t d[32] = {0}, kept = 0;

	(void)state;
	assert_false(seen_has(s, (const uint8_t[32]){1}));
	for (uint32_t i = 1; i <= 3 * SEEN_SLOTS; i++) {
		memcpy(d, &i, sizeof(i));
		d[31] = (uint8_t)(i >> 16);
		seen_add(s, d);
		assert_true(seen_has(s, d));
	}
	for (uint32_t i = 1; i <= SEEN_SLOTS; i++) {
		memcpy(d, &i, sizeof(i));
		d[31] = 0;
		kept |= seen_has(s, d);
	}
	assert_int_equal(kept, 0);
	seen_free(s);
}

/* ---- by certificate ---- */

static void a_key_certified_by_a_trusted_root_is_believed(void **state)
{
	struct fix *f = *state;
	const struct slice pem = root_pem(f, root);
	const struct token_config c = {.own_key = own, .trusted_pems = &pem, .trusted_pems_n = 1};
	struct recipe r = {.signer = leaf, .header_jwk = leaf, .jwk_alg = "ES256", .x5c = chain_of(f, leaf, root, 0, 0)};
	struct token t;

	OK_OR_FAIL(kbs_token_verify(&c, token_of(f, r), NOW, f->a, &t, &f->w), &f->w);
	r.x5c_in_header = true;
	OK_OR_FAIL(kbs_token_verify(&c, token_of(f, r), NOW, f->a, &t, &f->w), &f->w);
}

/* A certificate ends; what it had endorsed must not outlive it by memory. */
static void a_token_under_certificates_is_never_remembered(void **state)
{
	struct fix *f = *state;
	const struct slice pem = root_pem(f, root);
	const struct token_config c = {.own_key = own, .trusted_pems = &pem, .trusted_pems_n = 1, .seen = seen_new()};
	struct recipe r = {.signer = leaf, .header_jwk = leaf, .jwk_alg = "ES256", .x5c = chain_of(f, leaf, root, NOW - DAY, NOW + 100)};
	struct slice jwt = token_of(f, r);
	uint8_t sha256[32];
	struct token t;

	OK_OR_FAIL(kbs_token_verify(&c, jwt, NOW, f->a, &t, &f->w), &f->w);
	assert_true(rc_ok(digest(DIGEST_SHA256, jwt, sha256, NULL)) && !seen_has(c.seen, sha256));
	f->now_s = NOW + 200;	/* the token itself still runs */
	TOKEN_REFUSED(f, &c, jwt, "x5c.expired");
	seen_free(c.seen);
}

static void a_chain_that_does_not_carry_the_key_to_a_trusted_root_is_refused(void **state)
{
	struct fix *f = *state;
	const struct slice pem = root_pem(f, root);
	const struct token_config c = {.trusted_pems = &pem, .trusted_pems_n = 1};
	struct recipe good = {.signer = leaf, .header_jwk = leaf, .jwk_alg = "ES256"};
	const struct {
		const struct json *x5c;
		const char *reason;
	} row[] = {
		{NULL, "x5c.missing"},
		{json_new_array(f->a), "x5c.missing"},
		{json_new_cstr(f->a, "MIIB"), "x5c.missing"},
		{chain_of(f, other, root, 0, 0), "x5c.key"},
		{chain_of(f, leaf, other, 0, 0), "x5c.untrusted"},
		{chain_of(f, leaf, leaf, 0, 0), "x5c.untrusted"},
		{chain_of(f, leaf, root, NOW - 2 * DAY, NOW - 1), "x5c.expired"},
		{chain_of(f, leaf, root, NOW + 1, NOW + DAY), "x5c.expired"},
	};
	struct json *junk = json_new_array(f->a);

	for (size_t i = 0; i < COUNT_OF(row); i++) {
		good.x5c = row[i].x5c;
		refused_at(f, &c, token_of(f, good), row[i].reason, (int)i);
	}
	json_push(f->a, junk, json_new_cstr(f->a, "AAAA"));
	good.x5c = junk;
	TOKEN_REFUSED(f, &c, token_of(f, good), "x5c.malformed");
	/* kid is no way out for a token whose header holds a key */
	good.x5c = NULL;
	good.kid = "k1";
	TOKEN_REFUSED(f, &c, token_of(f, good), "x5c.missing");
}

/* ---- by kid ---- */

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

static void a_key_of_a_configured_set_is_believed_by_its_kid(void **state)
{
	struct fix *f = *state;
	const struct json *sets[] = {set_of(f, other, "k0", "ES256", NULL), set_of(f, leaf, "k1", "ES256", "sig")};
	const struct token_config c = {.jwk_sets = sets, .jwk_sets_n = 2};
	struct recipe r = {.signer = leaf, .kid = "k1"};
	struct token t;

	OK_OR_FAIL(kbs_token_verify(&c, token_of(f, r), NOW, f->a, &t, &f->w), &f->w);
	r.kid = "k0";
	TOKEN_REFUSED(f, &c, token_of(f, r), "jws.signature");
	r.kid = "k2";
	TOKEN_REFUSED(f, &c, token_of(f, r), "token.untrusted");
	r.kid = "K1";
	TOKEN_REFUSED(f, &c, token_of(f, r), "token.untrusted");
	r.kid = NULL;
	TOKEN_REFUSED(f, &c, token_of(f, r), "token.untrusted");
}

static void a_key_of_a_set_must_say_that_it_is_for_this(void **state)
{
	struct fix *f = *state;
	struct recipe r = {.signer = leaf, .kid = "k1"};
	const struct json *set;
	const struct token_config c = {.jwk_sets = &set, .jwk_sets_n = 1};

	set = set_of(f, leaf, "k1", NULL, NULL);
	TOKEN_REFUSED(f, &c, token_of(f, r), "token.untrusted");
	set = set_of(f, leaf, "k1", "ES384", NULL);
	TOKEN_REFUSED(f, &c, token_of(f, r), "jws.alg");
	set = set_of(f, leaf, "k1", "ECDH-ES+A256KW", NULL);
	TOKEN_REFUSED(f, &c, token_of(f, r), "jws.alg");
	set = set_of(f, leaf, "k1", "ES256", "enc");
	TOKEN_REFUSED(f, &c, token_of(f, r), "token.key");
}

/* ---- claims ---- */

static void times_issuer_and_audience_are_checked(void **state)
{
	const struct token_config plain = {.own_key = own}, strict = {.own_key = own, .issuer = "as", .audience = "kbs"};
	static const struct {
		bool strict;
		const char *claims, *reason;	/* NULL: believed */
	} row[] = {
		{false, "{\"tee-pubkey\":" TEE_KEY "}", "jwt.expired"},
		{false, "{\"exp\":null,\"tee-pubkey\":" TEE_KEY "}", "jwt.claims"},
		{false, "{\"exp\":\"1795558018\",\"tee-pubkey\":" TEE_KEY "}", "jwt.claims"},
		{false, "{\"exp\":1e40,\"tee-pubkey\":" TEE_KEY "}", "jwt.claims"},
		{false, "{\"exp\":1795557658,\"tee-pubkey\":" TEE_KEY "}", NULL},	/* 60 s ago: the leeway */
		{false, "{\"exp\":1795557657,\"tee-pubkey\":" TEE_KEY "}", "jwt.expired"},
		{false, "{\"exp\":1795557657.999,\"tee-pubkey\":" TEE_KEY "}", "jwt.expired"},
		{false, "{\"exp\":1795558018,\"nbf\":1795557778,\"tee-pubkey\":" TEE_KEY "}", NULL},
		{false, "{\"exp\":1795558018,\"nbf\":1795557779,\"tee-pubkey\":" TEE_KEY "}", "jwt.not-yet"},
		{false, "{\"exp\":1795558018,\"nbf\":\"0\",\"tee-pubkey\":" TEE_KEY "}", "jwt.claims"},
		{false, "{\"exp\":1795558018,\"iat\":true,\"tee-pubkey\":" TEE_KEY "}", "jwt.claims"},
		{false, "{\"exp\":1795558018,\"iss\":1,\"tee-pubkey\":" TEE_KEY "}", "jwt.claims"},
		{false, "{\"exp\":1795558018,\"jti\":{},\"tee-pubkey\":" TEE_KEY "}", "jwt.claims"},
		{true, "{\"exp\":1795558018,\"iss\":\"as\",\"aud\":\"kbs\",\"tee-pubkey\":" TEE_KEY "}", NULL},
		{true, "{\"exp\":1795558018,\"iss\":\"as\",\"aud\":[\"x\",\"kbs\"],\"tee-pubkey\":" TEE_KEY "}", NULL},
		{true, "{\"exp\":1795558018,\"iss\":\"as\",\"aud\":[\"x\",[\"kbs\"]],\"tee-pubkey\":" TEE_KEY "}", "jwt.audience"},
		{true, "{\"exp\":1795558018,\"iss\":\"as\",\"aud\":\"kbs2\",\"tee-pubkey\":" TEE_KEY "}", "jwt.audience"},
		{true, "{\"exp\":1795558018,\"iss\":\"as\",\"tee-pubkey\":" TEE_KEY "}", "jwt.audience"},
		{true, "{\"exp\":1795558018,\"iss\":\"AS\",\"aud\":\"kbs\",\"tee-pubkey\":" TEE_KEY "}", "jwt.issuer"},
		{true, "{\"exp\":1795558018,\"aud\":\"kbs\",\"tee-pubkey\":" TEE_KEY "}", "jwt.issuer"},
		{false, "[]", "jws.malformed"},
		{false, "7", "jws.malformed"},
		{false, "", "json.syntax"},
		{false, "{\"exp\":1795558018,\"exp\":9995558018,\"tee-pubkey\":" TEE_KEY "}", "json.duplicate"},
	};
	struct fix *f = *state;
	struct token t;

	for (size_t i = 0; i < COUNT_OF(row); i++) {
		const struct token_config *c = row[i].strict ? &strict : &plain;
		struct slice jwt = token_of(f, by_own_key(row[i].claims));

		if (row[i].reason)
			refused_at(f, c, jwt, row[i].reason, (int)i);
		else
			fix_ok_at(kbs_token_verify(c, jwt, NOW, f->a, &t, &f->w), &f->w, (int)i);
	}
}

static void the_guests_key_is_found_where_the_specification_says_and_in_that_order(void **state)
{
	static const struct {
		const char *claims, *kty;	/* NULL: refused */
	} row[] = {
		{"\"tdx\":{\"attester_runtime_data\":{\"tee-pubkey\":{\"kty\":\"1\"}}}", "1"},
		{"\"tdx\":{\"attester_user_data\":{\"tee-pubkey\":{\"kty\":\"2\"}}}", "2"},
		{"\"customized_claims\":{\"runtime_data\":{\"tee-pubkey\":{\"kty\":\"3\"}}}", "3"},
		{"\"submods\":{\"cpu0\":{\"ear.veraison.annotated-evidence\":{\"runtime_data_claims\":{\"tee-pubkey\":{\"kty\":\"4\"}}}}}", "4"},
		{"\"tee-pubkey\":{\"kty\":\"5\"}", "5"},
		{"\"x\":{\"y\":{\"kty\":\"0\"}},\"tee-pubkey\":{\"kty\":\"5\"}", "0"},
		{"\"tee-pubkey\":{\"kty\":\"5\"},\"tdx\":{\"attester_user_data\":{\"tee-pubkey\":{\"kty\":\"2\"}}}", "2"},
		/* the first that is there counts, even when it is no key */
		{"\"tee-pubkey\":{\"kty\":\"5\"},\"tdx\":{\"attester_user_data\":{\"tee-pubkey\":\"2\"}}", NULL},
		{"\"tee-pubkey\":{\"kty\":\"5\"},\"tdx\":{\"attester_user_data\":{\"tee-pubkey\":null}}", NULL},
		{"\"submods\":{\"cpu1\":{\"ear.veraison.annotated-evidence\":{\"runtime_data_claims\":{\"tee-pubkey\":{}}}}}", NULL},
		{"\"tee_pubkey\":{}", NULL},
		{"\"tee-pubkey\":[]", NULL},
	};
	const char *const extra[] = {"/x/y"};
	const struct token_config c = {.own_key = own, .extra_teekey_paths = extra, .extra_teekey_paths_n = 1};
	struct fix *f = *state;
	struct token t;

	for (size_t i = 0; i < COUNT_OF(row); i++) {
		struct slice jwt = token_of(f, by_own_key(arena_printf(f->a, "{\"exp\":1795558018,%s}", row[i].claims)));

		if (!row[i].kty) {
			refused_at(f, &c, jwt, "token.no-key", (int)i);
			continue;
		}
		fix_ok_at(kbs_token_verify(&c, jwt, NOW, f->a, &t, &f->w), &f->w, (int)i);
		assert_true(slice_is(json_get(t.tee_pubkey, "kty")->text, row[i].kty));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BEHAVIOUR(a_token_of_the_own_key_is_believed),
		BEHAVIOUR(a_key_that_stands_in_the_header_alone_is_not_believed),
		BEHAVIOUR(the_own_key_in_the_header_does_not_make_another_signature_good),
		BEHAVIOUR(a_token_changed_in_any_character_is_refused),
		BEHAVIOUR(the_algorithm_is_the_keys_and_never_the_tokens_choice),
		BEHAVIOUR(what_was_seen_spares_the_signature_and_nothing_else),
		BEHAVIOUR(a_refused_token_is_not_remembered),
		BEHAVIOUR(more_tokens_than_slots_push_each_other_out),
		BEHAVIOUR(a_key_certified_by_a_trusted_root_is_believed),
		BEHAVIOUR(a_token_under_certificates_is_never_remembered),
		BEHAVIOUR(a_chain_that_does_not_carry_the_key_to_a_trusted_root_is_refused),
		BEHAVIOUR(a_key_of_a_configured_set_is_believed_by_its_kid),
		BEHAVIOUR(a_key_of_a_set_must_say_that_it_is_for_this),
		BEHAVIOUR(times_issuer_and_audience_are_checked),
		BEHAVIOUR(the_guests_key_is_found_where_the_specification_says_and_in_that_order),
	};

	return cmocka_run_group_tests(tests, make_keys, free_keys);
}
