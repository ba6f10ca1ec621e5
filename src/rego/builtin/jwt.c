/* jwt.c - JSON Web Tokens: taking apart and verifying. */
#include <math.h>

#include "crypto/digest.h"
#include "crypto/jose/jwk.h"
#include "rego/builtin/jwt.h"
#include "rego/builtin/keys.h"

#define NESTING_MAX 16	/* tokens within tokens */

struct token {
	struct slice part[3];	/* header, payload, signature, as received */
	struct slice signed_part;
	struct rv header;
};

/* Base64url with or without padding, with upstream's text: "JWT header had invalid encoding: ...". */
static RC unbase64(struct rego_call *c, struct slice s, const char *what, struct slice *out)
{
	char err[200];
	struct buf b = lib_buf(c);

	if (!lib_base64url(c, s, &b, err, sizeof(err))) {
		if (!buf_ok(&b))
			return lib_no_memory(c);
		return what ? rego_fail(c, "JWT %s had invalid encoding: %s", what, err) : rego_fail(c, "%s", err);
	}
	*out = buf_view(&b);
	return rc_of(OK);
}

static RC json_object(struct rego_call *c, struct slice text, const char *prefix, struct rv *out)
{
	const char *err = NULL;
	size_t at = 0;

	*out = rv_from_json(c->heap, text, NULL, &err, &at);
	if (rv_heap_bad(c->heap))
		return lib_no_memory(c);
	if (out->kind == RV_UNDEF)
		return rego_fail(c, "%sinvalid JSON: %s", prefix, err ? err : "malformed");
	return out->kind == RV_OBJECT ? rc_of(OK) : rego_fail(c, "%sdecoded JSON type was not an Object", prefix);
}

static RC split(struct rego_call *c, struct rv jwt, struct token *t)
{
	struct slice s;
	size_t dots = 0, at = 0;

	if (jwt.kind != RV_STRING)
		return rego_operand_error(c, 1, "string", jwt);
	s = rv_slice(jwt);
	TRY(rego_charge(c, 10 + s.n / 16));
	for (size_t i = 0; i < s.n; i++)
		dots += s.p[i] == '.';
	if (dots == 0)
		return rego_fail(c, "encoded JWT had no period separators");
	if (dots != 2)
		return rego_fail(c, "encoded JWT must have 3 sections, found %zu", dots + 1);
	for (int p = 0; p < 3; p++) {
		size_t from = at;

		while (at < s.n && s.p[at] != '.')
			at++;
		t->part[p] = slice_sub(s, from, at - from);
		if (p == 1)
			t->signed_part = slice_sub(s, 0, at);
		at++;
	}
	return rc_of(OK);
}

static RC read_header(struct rego_call *c, struct token *t)
{
	struct slice text;

	TRY(unbase64(c, t->part[0], "header", &text));
	TRY(json_object(c, text, "bad JWT header: ", &t->header));
	if (rv_get_c(t->header, "enc"))
		return rego_fail(c, "JWT is a JWE object, which is not supported");
	return rc_of(OK);
}

static struct slice trim_quotes(struct slice s)
{
	while (s.n && (s.p[0] == '"' || s.p[0] == '\''))
		s = slice_sub(s, 1, s.n);
	while (s.n && (s.p[s.n - 1] == '"' || s.p[s.n - 1] == '\''))
		s.n--;
	return s;
}

static rc decode(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct rv jwt = args[0], parts[3];
	struct slice payload, sig = {0};
	struct buf hex = lib_buf(c);

	(void)n;
	for (int level = 0; level < NESTING_MAX; level++) {
		const struct rv *cty;
		struct token t;

		TRY(split(c, jwt, &t));
		TRY(read_header(c, &t));
		TRY(unbase64(c, t.part[1], "payload", &payload));
		cty = rv_get_c(t.header, "cty");
		if (cty && rv_is_str(*cty, "JWT")) {	/* the payload is a token itself */
			payload = trim_quotes(payload);
			jwt = rv_str(c->heap, payload.p, payload.n);
			if (jwt.kind == RV_UNDEF)
				return lib_no_memory(c);
			continue;
		}
		parts[0] = t.header;
		TRY(json_object(c, payload, "", &parts[1]));
		TRY(unbase64(c, t.part[2], "signature", &sig));
		for (size_t i = 0; i < sig.n; i++)
			buf_printf(&hex, "%02x", sig.p[i]);
		TRY(lib_buffer(c, &hex, &parts[2]));
		return lib_return(c, rv_array(c->heap, parts, 3), out);
	}
	return rego_fail(c, "JWT nested deeper than %d", NESTING_MAX);
}

/* ---- header fields ---- */

struct header {
	struct slice alg, kid, cty;
	bool valid;	/* has an algorithm, and knows all that is critical */
};

static RC header_string(struct rego_call *c, struct rv header, const char *name, struct slice *out)
{
	const struct rv *v = rv_get_c(header, name);

	if (!v)
		return rc_of(OK);
	if (v->kind != RV_STRING)
		return rego_fail(c, "%s: must be a string", name);
	*out = rv_slice(*v);
	return rc_of(OK);
}

static bool registered(struct rv name)
{
	return rv_is_str(name, "alg") || rv_is_str(name, "kid") || rv_is_str(name, "typ") || rv_is_str(name, "cty") ||
	       rv_is_str(name, "crit");
}

static RC header_fields(struct rego_call *c, struct rv header, struct header *h)
{
	const struct rv *crit = rv_get_c(header, "crit");
	struct slice typ;

	memset(h, 0, sizeof(*h));
	TRY(header_string(c, header, "alg", &h->alg));
	TRY(header_string(c, header, "kid", &h->kid));
	TRY(header_string(c, header, "typ", &typ));
	TRY(header_string(c, header, "cty", &h->cty));
	h->valid = h->alg.n > 0;
	if (!crit)
		return rc_of(OK);
	if (crit->kind != RV_ARRAY)
		return rego_fail(c, "crit: must be a list");
	if (rv_len(*crit) == 0)
		return rego_fail(c, "crit: must be a nonempty list");
	for (size_t i = 0; i < rv_len(*crit); i++)	/* a member that is there and unknown to us */
		h->valid = h->valid && (registered(rv_at(*crit, i)) || !rv_get(header, rv_at(*crit, i)));
	return rc_of(OK);
}

/* ---- verifying ---- */

static enum digest_alg hs_digest(struct slice alg)
{
	return slice_is(alg, "HS256")   ? DIGEST_SHA256
	       : slice_is(alg, "HS384") ? DIGEST_SHA384
	       : slice_is(alg, "HS512") ? DIGEST_SHA512
					: 0;
}

static bool hs_verifies(enum digest_alg d, struct slice secret, struct slice text, struct slice sig)
{
	uint8_t mac[DIGEST_MAX];

	return d && rc_ok(hmac(d, secret, text, mac, NULL)) && secret_eq(slice_of(mac, digest_size(d)), sig);
}

/* One key with the algorithm that the caller settled. */
static RC try_key(struct rego_call *c, const struct verify_key *k, enum sig_alg alg, const struct token *t, struct slice sig,
		  bool *yes)
{
	TRY(rego_charge(c, 500));
	*yes = alg && rc_ok(pkey_verify(k->key, alg, t->signed_part, sig, "jwt.signature", NULL));
	return rc_of(OK);
}

/* A key that the token names decides alone; else any key that does not name another algorithm. */
static RC any_key(struct rego_call *c, const struct verify_keys *keys, enum sig_alg alg, const struct header *h,
		  const struct token *t, struct slice sig, bool *yes)
{
	*yes = false;
	for (size_t i = 0; h->kid.n && i < keys->n; i++)
		if (slice_eq(keys->k[i].kid, h->kid))
			return try_key(c, &keys->k[i], alg, t, sig, yes);
	for (size_t i = 0; i < keys->n && !*yes; i++)
		if (keys->k[i].alg.n == 0 || slice_eq(keys->k[i].alg, h->alg))
			TRY(try_key(c, &keys->k[i], alg, t, sig, yes));
	return rc_of(OK);
}

static RC verify_with(struct rego_call *c, const struct verify_keys *keys, const char *alg, struct token *t, struct rv *out)
{
	struct header h;
	struct slice sig;
	bool yes;

	TRY(unbase64(c, t->part[2], NULL, &sig));
	TRY(read_header(c, t));
	TRY(header_fields(c, t->header, &h));
	TRY(any_key(c, keys, jwa_by_name(slice_cstr(alg)), &h, t, sig, &yes));
	*out = rv_bool(yes);
	return rc_of(OK);
}

static RC verify(struct rego_call *c, const struct rv *args, const char *alg, struct rv *out)
{
	struct verify_keys *keys = rv_alloc(c->heap, sizeof(*keys));
	struct token t;
	rc r;

	if (!keys)
		return lib_no_memory(c);
	TRY(split(c, args[0], &t));
	ARG_STRING(c, args, 1);
	TRY(verify_keys_read(c, rv_slice(args[1]), keys));
	r = verify_with(c, keys, alg, &t, out);
	verify_keys_free(keys);
	return r;
}

static RC verify_hs(struct rego_call *c, const struct rv *args, enum digest_alg alg, struct rv *out)
{
	struct slice sig;
	struct token t;

	ARG_STRING(c, args, 0);
	ARG_STRING(c, args, 1);
	TRY(split(c, args[0], &t));
	TRY(unbase64(c, t.part[2], NULL, &sig));
	*out = rv_bool(hs_verifies(alg, rv_slice(args[1]), t.signed_part, sig));
	return rc_of(OK);
}

#define VERIFY(name, how, alg)                                                                      \
	static rc name(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)      \
	{                                                                                           \
		(void)n;                                                                            \
		return how(c, args, alg, out);                                                      \
	}
VERIFY(rs256, verify, "RS256")
VERIFY(rs384, verify, "RS384")
VERIFY(rs512, verify, "RS512")
VERIFY(ps256, verify, "PS256")
VERIFY(ps384, verify, "PS384")
VERIFY(ps512, verify, "PS512")
VERIFY(es256, verify, "ES256")
VERIFY(es384, verify, "ES384")
VERIFY(es512, verify, "ES512")
VERIFY(eddsa, verify, "EdDSA")
VERIFY(hs256, verify_hs, DIGEST_SHA256)
VERIFY(hs384, verify_hs, DIGEST_SHA384)
VERIFY(hs512, verify_hs, DIGEST_SHA512)

/* ---- decode_verify ---- */

struct constraints {
	struct verify_keys *keys;	/* NULL: none given */
	struct slice secret, alg, iss, aud, sub;
	bool has_sub;
	long double time_s;
};

static RC constraint_string(struct rego_call *c, struct rv key, struct rv val, struct slice *out)
{
	if (val.kind != RV_STRING)
		return rego_fail(c, "%s constraint: must be a string", key.str->p);
	*out = rv_slice(val);
	return rc_of(OK);
}

static RC constraint(struct rego_call *c, struct rv key, struct rv val, struct constraints *k)
{
	if (key.kind != RV_STRING)
		return rego_fail(c, "unknown token validation constraint");
	if (rv_is_str(key, "secret"))
		return constraint_string(c, key, val, &k->secret);
	if (rv_is_str(key, "alg"))
		return constraint_string(c, key, val, &k->alg);
	if (rv_is_str(key, "iss"))
		return constraint_string(c, key, val, &k->iss);
	if (rv_is_str(key, "aud"))
		return constraint_string(c, key, val, &k->aud);
	if (rv_is_str(key, "sub")) {	/* more than Open Policy Agent takes, which refuses every token then */
		k->has_sub = true;
		return constraint_string(c, key, val, &k->sub);
	}
	if (rv_is_str(key, "time")) {
		if (val.kind != RV_NUMBER)
			return rego_fail(c, "token time constraint: must be a number");
		if (rv_ld(val) < 0)
			return rego_fail(c, "token time constraint: must not be negative");
		k->time_s = (double)rv_ld(val) / 1e9;
		return rc_of(OK);
	}
	if (!rv_is_str(key, "cert"))
		return rego_fail(c, "unknown token validation constraint: %s", key.str->p);
	if (val.kind != RV_STRING)
		return rego_fail(c, "cert constraint: must be a string");
	k->keys = rv_alloc(c->heap, sizeof(*k->keys));
	if (!k->keys)
		return lib_no_memory(c);
	memset(k->keys, 0, sizeof(*k->keys));
	return verify_keys_read(c, rv_slice(val), k->keys);
}

static RC read_constraints(struct rego_call *c, struct rv o, struct constraints *k)
{
	k->time_s = (double)rego_now_ns(c) / 1e9;
	rv_sort(o);
	for (size_t i = 0; i < rv_len(o); i++)
		TRY(constraint(c, rv_key(o, i), rv_val(o, i), k));
	if (k->keys && k->secret.n)
		return rego_fail(c, "duplicate key constraints");
	if (!k->keys && !k->secret.n)
		return rego_fail(c, "no key constraint");
	return rc_of(OK);
}

/* *yes stays false when the token is refused. */
static RC signature_holds(struct rego_call *c, const struct constraints *k, struct token *t, struct header *h, bool *yes)
{
	struct slice sig;

	*yes = false;
	TRY(read_header(c, t));
	TRY(header_fields(c, t->header, h));
	if (!h->valid || (k->alg.n && !slice_eq(k->alg, h->alg)))
		return rc_of(OK);
	TRY(unbase64(c, t->part[2], NULL, &sig));
	if (!k->keys) {
		*yes = hs_verifies(hs_digest(h->alg), k->secret, t->signed_part, sig);
		return rc_of(OK);
	}
	return any_key(c, k->keys, jwa_by_name(h->alg), h, t, sig, yes);
}

static bool audience_ok(struct rv aud, struct slice want)
{
	if (aud.kind == RV_STRING)
		return slice_eq(rv_slice(aud), want);
	for (size_t i = 0; aud.kind == RV_ARRAY && i < rv_len(aud); i++)
		if (rv_at(aud, i).kind == RV_STRING && slice_eq(rv_slice(rv_at(aud, i)), want))
			return true;
	return false;
}

static RC claims_hold(struct rego_call *c, const struct constraints *k, struct rv claims, bool *yes)
{
	const struct rv *iss = rv_get_c(claims, "iss"), *aud = rv_get_c(claims, "aud"), *exp = rv_get_c(claims, "exp"),
			*nbf = rv_get_c(claims, "nbf"), *sub = rv_get_c(claims, "sub");

	*yes = false;
	if (k->has_sub && !(sub && sub->kind == RV_STRING && slice_eq(rv_slice(*sub), k->sub)))
		return rc_of(OK);
	if (k->iss.n && !(iss && iss->kind == RV_STRING && slice_eq(rv_slice(*iss), k->iss)))
		return rc_of(OK);
	if (aud ? !audience_ok(*aud, k->aud) : k->aud.n > 0)
		return rc_of(OK);
	if (exp && exp->kind != RV_NUMBER)
		return rego_fail(c, "exp value must be a number");
	if (exp && k->time_s >= (double)rv_ld(*exp))
		return rc_of(OK);
	if (nbf && nbf->kind != RV_NUMBER)
		return rego_fail(c, "nbf value must be a number");
	*yes = !nbf || k->time_s >= (double)rv_ld(*nbf);
	return rc_of(OK);
}

static bool is_jwt(struct slice cty)
{
	return cty.n == 3 && (cty.p[0] | 32) == 'j' && (cty.p[1] | 32) == 'w' && (cty.p[2] | 32) == 't';
}

static RC check(struct rego_call *c, struct rv jwt, const struct constraints *k, struct rv *out)
{
	struct rv parts[3] = {rv_bool(false), rv_empty_object(c->heap), rv_empty_object(c->heap)}, claims;
	bool yes = false;

	for (int level = 0;; level++) {
		struct slice payload;
		struct header h;
		struct token t;

		if (level == NESTING_MAX)
			return rego_fail(c, "JWT nested deeper than %d", NESTING_MAX);
		TRY(split(c, jwt, &t));
		TRY(signature_holds(c, k, &t, &h, &yes));
		if (!yes)
			break;
		TRY(unbase64(c, t.part[1], "payload", &payload));
		if (is_jwt(h.cty)) {
			jwt = rv_str(c->heap, payload.p, payload.n);
			if (jwt.kind == RV_UNDEF)
				return lib_no_memory(c);
			continue;
		}
		TRY(json_object(c, payload, "", &claims));
		TRY(claims_hold(c, k, claims, &yes));
		if (yes) {
			parts[0] = rv_bool(true);
			parts[1] = t.header;
			parts[2] = claims;
		}
		break;
	}
	return lib_return(c, rv_array(c->heap, parts, 3), out);
}

static rc decode_verify(struct rego_call *c, const struct rv *args, unsigned n, struct rv *out)
{
	struct constraints k = {0};
	rc r;

	(void)n;
	ARG_OBJECT(c, args, 1);
	r = read_constraints(c, args[1], &k);
	if (rc_ok(r))
		r = check(c, args[0], &k, out);
	if (k.keys)
		verify_keys_free(k.keys);
	return r;
}

const struct rego_builtin builtin_jwt[] = {
	{"io.jwt.decode", "string -> array<object[any:any], object[any:any], string>", decode, 1, 0, 4},
	{"io.jwt.decode_verify", "string, object[string:any] -> array<boolean, object[any:any], object[any:any]>",
	 decode_verify, 2, REGO_NONDET, 10},
	{"io.jwt.verify_rs256", "string, string -> boolean", rs256, 2, 0, 10},
	{"io.jwt.verify_rs384", "string, string -> boolean", rs384, 2, 0, 10},
	{"io.jwt.verify_rs512", "string, string -> boolean", rs512, 2, 0, 10},
	{"io.jwt.verify_ps256", "string, string -> boolean", ps256, 2, 0, 10},
	{"io.jwt.verify_ps384", "string, string -> boolean", ps384, 2, 0, 10},
	{"io.jwt.verify_ps512", "string, string -> boolean", ps512, 2, 0, 10},
	{"io.jwt.verify_es256", "string, string -> boolean", es256, 2, 0, 10},
	{"io.jwt.verify_es384", "string, string -> boolean", es384, 2, 0, 10},
	{"io.jwt.verify_es512", "string, string -> boolean", es512, 2, 0, 10},
	{"io.jwt.verify_eddsa", "string, string -> boolean", eddsa, 2, 0, 10},
	{"io.jwt.verify_hs256", "string, string -> boolean", hs256, 2, 0, 10},
	{"io.jwt.verify_hs384", "string, string -> boolean", hs384, 2, 0, 10},
	{"io.jwt.verify_hs512", "string, string -> boolean", hs512, 2, 0, 10},
	{0},
};
