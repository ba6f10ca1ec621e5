#include "verifier/nvidia/nras.h"

#include "codec/base64.h"
#include "crypto/jose/jwk.h"
#include "crypto/jose/jws.h"
#include "crypto/x509.h"
#include "evidence/octets.h"

#define ISSUER	    "https://nras.attestation.nvidia.com"
#define DEVICES_MAX 32u
#define X5C_MAX	    8u
#define NONCE_SIZE  32u

struct answer {
	struct slice overall;
	const struct json *devices;	/* name -> token */
	const struct json *keys;	/* JWK set */
};

bool nv_nras_is(struct slice evidence)
{
	size_t i = 0;

	while (i < evidence.n && (evidence.p[i] == ' ' || evidence.p[i] == '\t' || evidence.p[i] == '\n' || evidence.p[i] == '\r'))
		i++;
	return i < evidence.n && evidence.p[i] == '[';
}

/* ---- reading ---- */

static RC malformed(struct why *w, const char *what)
{
	return deny(w, E_MALFORMED, "nvidia.parse.nras", "the service's answer has no valid %s", what);
}

static RC read_answer(struct vjob *job, struct answer *out, struct why *w)
{
	const struct json_limits limits = {.max_bytes = 1u << 20, .max_depth = 6, .max_nodes = 256};
	const struct json *first;
	struct json *v;

	TRY(json_parse(job->arena, job->evidence, &limits, &v, w));
	first = json_at(v, 0);
	if (!json_is(v, JSON_ARRAY) || v->n != 2 || !json_is(first, JSON_ARRAY) || first->n != 2 || !json_is(json_at(first, 0), JSON_STRING) ||
	    !slice_is(json_at(first, 0)->text, "JWT") || !json_is(json_at(first, 1), JSON_STRING))
		return malformed(w, "overall token");
	out->overall = json_at(first, 1)->text;
	out->devices = json_at(v, 1);
	if (!json_is(out->devices, JSON_OBJECT) || out->devices->n == 0 || out->devices->n > DEVICES_MAX)
		return malformed(w, "tokens of devices");
	return rc_of(OK);
}

static RC read_keys(struct vjob *job, struct answer *out)
{
	const struct json_limits limits = {.max_bytes = 1u << 20, .max_depth = 8, .max_nodes = 4096};
	struct slice text = vjob_collateral(job, NV_COLLATERAL_JWKS, "");
	struct why inner = why_in(job->arena);
	struct json *set;

	if (!text.p)
		return deny(job->why, E_UNAVAILABLE, "nvidia.chain.jwks", "the key set of the attestation service is not at hand");
	TRY(recast(json_parse(job->arena, text, &limits, &set, &inner), &inner, "nvidia.parse.jwks", "nvidia.parse.jwks", job->why));
	if (!json_is(json_get(set, "keys"), JSON_ARRAY))
		return deny(job->why, E_MALFORMED, "nvidia.parse.jwks", "the key set has no keys");
	out->keys = set;
	return rc_of(OK);
}

/* ---- is the key the service's? ---- */

static RC check_x5c_path(struct vjob *job, struct x509 *const *certs, size_t n, const struct pkey *key)
{
	static const struct vpath_reasons is = {"nvidia.chain.nras", "nvidia.untrusted-root.nras", "nvidia.expired.nras"};
	struct x509_path path;

	if (!x509_key(certs[0]) || !pkey_same(x509_key(certs[0]), key))
		return deny(job->why, E_DENIED, "nvidia.chain.nras", "the certificate beside the key is for another one");
	return vjob_trusted_path(job, certs[0], certs, n, "nvidia-nras", &is, &path);
}

static RC check_x5c(struct vjob *job, const struct json *x5c, const struct pkey *key)
{
	struct why inner = why_in(job->arena);
	struct x509 *certs[X5C_MAX];
	rc r = rc_of(OK);
	size_t n = 0;

	if (!json_is(x5c, JSON_ARRAY) || x5c->n == 0 || x5c->n > X5C_MAX)
		return deny(job->why, E_DENIED, "nvidia.untrusted-root.nras", "the service's key is no anchor and has no certificates");
	while (rc_ok(r) && n < x5c->n) {
		struct slice der;

		r = json_is(json_at(x5c, n), JSON_STRING) ? b64_decode(job->arena, B64_STD, json_at(x5c, n)->text, &der, "x5c", &inner)
							  : malformed(&inner, "x5c");
		if (rc_ok(r))
			r = x509_from_der(der, &certs[n], &inner);
		n += rc_ok(r);
	}
	r = recast(r, &inner, "nvidia.parse.jwks", "nvidia.parse.jwks", job->why);
	if (rc_ok(r))
		r = check_x5c_path(job, certs, n, key);
	x509_free_all(certs, n);
	return r;
}

static RC check_key(struct vjob *job, const struct json *jwk, const struct pkey *key)
{
	struct slice spki;
	uint8_t sha[32];

	TRY(pkey_to_spki(key, job->arena, &spki, job->why));
	TRY(digest(DIGEST_SHA256, spki, sha, job->why));
	if (vjob_anchor(job, "nvidia-nras", sha))
		return rc_of(OK);
	return check_x5c(job, json_get(jwk, "x5c"), key);
}

/* ---- tokens ---- */

static RC check_signed(struct vjob *job, const struct answer *an, const struct jws *j)
{
	const struct json *kid = json_get(j->header, "kid"), *jwk = json_is(kid, JSON_STRING) ? jwk_find(an->keys, kid->text) : NULL;
	struct why inner = why_in(job->arena);
	struct pkey *key = NULL;
	rc r;

	if (!jwk || !jwk_may_verify(jwk))
		return deny(job->why, E_DENIED, "nvidia.signature.nras", "the key of a token is not in the service's key set");
	TRY(recast(jwk_to_pkey(jwk, &key, &inner), &inner, "nvidia.parse.jwks", "nvidia.unsupported.jwks", job->why));
	r = check_key(job, jwk, key);
	if (rc_ok(r) && !rc_ok(jws_verify(j, key, SIG_ES384, &inner)))
		r = deny(job->why, E_DENIED, "nvidia.signature.nras", "a token of the service does not verify: %s", why_text(&inner));
	pkey_free(key);
	return r;
}

/* The request that the service was asked about. */
static RC check_nonce(struct vjob *job, const struct json *claims, struct why *w)
{
	struct slice text, nonce;

	TRY(json_need_str(claims, "eat_nonce", &text, "a token of the service", w));
	TRY(hex_decode(job->arena, text, &nonce, "eat_nonce", w));
	if (nonce.n != NONCE_SIZE)
		return malformed(w, "eat_nonce");
	return vjob_check_report_data(job, nonce, FIT_FIRST, "nvidia.nonce-mismatch");
}

static RC read_token(struct vjob *job, const struct answer *an, struct slice text, struct json **claims)
{
	const struct jwt_rules times = {.now_s = job->now_s, .leeway_s = 0, .require_exp = true, .no_time = job->no_time, .issuer = ISSUER};
	const struct json_limits limits = {.max_bytes = 256u << 10, .max_depth = 8, .max_nodes = 2048};
	struct why inner = why_in(job->arena);
	struct jws j;
	rc r;

	TRY(recast(jws_parse(text, job->arena, &j, &inner), &inner, "nvidia.parse.nras", "nvidia.unsupported.nras", job->why));
	TRY(check_signed(job, an, &j));
	r = json_parse(job->arena, j.payload, &limits, claims, &inner);
	if (rc_ok(r) && !json_is(*claims, JSON_OBJECT))
		r = malformed(&inner, "claims");
	TRY(recast(r, &inner, "nvidia.parse.nras", "nvidia.parse.nras", job->why));
	if (!rc_ok(jwt_check(*claims, &times, &inner)))
		return deny(job->why, E_DENIED, strcmp(why_reason(&inner), "jwt.issuer") == 0 ? "nvidia.binding.nras" : "nvidia.expired.nras", "%s",
			    why_text(&inner));
	r = check_nonce(job, *claims, &inner);
	return rc_ok(r) || why_empty(&inner) ? r : recast(r, &inner, "nvidia.parse.nras", "nvidia.parse.nras", job->why);
}

/* submods: name -> ["DIGEST", ["SHA-256", hex]]: the overall token vouches for this very token, and for no fewer. */
static RC check_vouched(struct vjob *job, const struct json *overall, const struct json_member *device)
{
	const struct json *entry = json_get_slice(json_get(overall, "submods"), device->name), *value = json_at(entry, 1);
	const struct json *alg = json_at(value, 0), *hash = json_at(value, 1);
	uint8_t found[32], said[32];

	TRY(digest(DIGEST_SHA256, device->value->text, found, job->why));
	if (json_is(alg, JSON_STRING) && slice_is(alg->text, "SHA-256") && json_is(hash, JSON_STRING) &&
	    rc_ok(hex_decode_into(hash->text, said, sizeof(said), "digest", NULL)) && memcmp(found, said, sizeof(said)) == 0)
		return rc_of(OK);
	return deny(job->why, E_DENIED, "nvidia.binding.nras", "the overall token does not vouch for the token of " SLICE_FMT,
		    SLICE_ARG(slice_sub(device->name, 0, 64)));
}

static bool is_true(const struct json *claims, const char *name)
{
	const struct json *v = json_get(claims, name);

	return json_is(v, JSON_BOOL) && v->boolean;
}

/* The service attests whatever list it is sent, so a guest may send one device twice. The last result against those before it. */
static RC refuse_duplicate(struct vjob *job)
{
	unsigned last = job->results_n - 1;
	const struct json *id = json_get(job->results[last].claims, "ueid");

	for (unsigned i = 0; json_is(id, JSON_STRING) && i < last; i++)
		if (json_equal(json_get(job->results[i].claims, "ueid"), id))
			return deny(job->why, E_DENIED, "nvidia.binding.duplicate-device", "devices %u and %u are one", i, last);
	return rc_of(OK);
}

static RC add_device(struct vjob *job, const struct answer *an, const struct json *overall, const struct json_member *device)
{
	bool is_switch = !slice_starts(device->name, SLICE_LIT("GPU-"));
	struct json *claims, *o;

	if (!json_is(device->value, JSON_STRING))
		return malformed(job->why, "tokens of devices");
	TRY(check_vouched(job, overall, device));
	TRY(read_token(job, an, device->value->text, &claims));
	if (!is_true(claims, is_switch ? "x-nvidia-switch-attestation-report-nonce-match" : "x-nvidia-gpu-attestation-report-nonce-match"))
		return deny(job->why, E_DENIED, "nvidia.nonce-mismatch", "the service found another nonce in the report of the device");
	o = vjob_result(job, is_switch ? "switch" : "gpu");
	if (!o)
		return deny(job->why, E_INTERNAL, "nvidia.memory", "no memory for claims");
	for (size_t i = 0; i < claims->n; i++)
		if (!slice_is(claims->members[i].name, "init_data"))	/* would say that the device binds it */
			json_set_slice(job->arena, o, claims->members[i].name, claims->members[i].value);
	json_set(job->arena, o, "x-nvidia-overall-att-result", json_new_bool(job->arena, true));
	json_set(job->arena, o, "report_data", json_get(claims, "eat_nonce"));
	return refuse_duplicate(job);
}

rc nv_nras_plan(struct vjob *job)
{
	return vjob_want(job, NV_COLLATERAL_JWKS, "");
}

rc nv_nras_verify(struct vjob *job)
{
	struct why inner = why_in(job->arena);
	const struct json *submods;
	struct answer an = {0};
	struct json *overall;

	TRY(recast(read_answer(job, &an, &inner), &inner, "nvidia.parse.nras", "nvidia.unsupported.nras", job->why));
	TRY(read_keys(job, &an));
	TRY(note(job->why, read_token(job, &an, an.overall, &overall), "the overall token"));
	if (!is_true(overall, "x-nvidia-overall-att-result"))
		return deny(job->why, E_DENIED, "nvidia.nras-result", "the service does not attest these devices");
	submods = json_get(overall, "submods");
	if (!json_is(submods, JSON_OBJECT) || submods->n != an.devices->n)
		return deny(job->why, E_DENIED, "nvidia.binding.nras", "the overall token is about other devices than those whose tokens are here");
	for (size_t i = 0; i < an.devices->n; i++)
		TRY(note(job->why, add_device(job, &an, overall, &an.devices->members[i]), "device " SLICE_FMT,
			 SLICE_ARG(slice_sub(an.devices->members[i].name, 0, 64))));
	return arena_bad(job->arena) ? deny(job->why, E_INTERNAL, "nvidia.memory", "no memory for claims") : rc_of(OK);
}
