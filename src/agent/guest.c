#include "agent/guest.h"

#include "base/num.h"
#include "codec/base64.h"
#include "crypto/digest.h"
#include "crypto/jose/jwe.h"
#include "crypto/jose/jwk.h"

rc guest_refused(const struct http_answer *answer, const char *doing, struct arena *a, struct why *w)
{
	static const struct {
		int status;
		enum rc_code code;
	} map[] = {{400, E_MALFORMED}, {401, E_UNAUTH}, {403, E_DENIED}, {404, E_NOTFOUND}, {413, E_LIMIT}, {429, E_LIMIT}, {503, E_UNAVAILABLE}};
	struct slice detail = SLICE_LIT("no details"), decision = {0};
	enum rc_code code = E_INTERNAL;
	struct json *doc = NULL;

	for (size_t i = 0; i < COUNT_OF(map); i++)
		if (map[i].status == answer->status)
			code = map[i].code;
	if (rc_ok(json_parse(a, answer->body, NULL, &doc, NULL)) && doc->kind == JSON_OBJECT) {
		if (json_is(json_get(doc, "detail"), JSON_STRING))
			detail = json_get(doc, "detail")->text;
		if (json_is(json_get(doc, "decision"), JSON_STRING))
			decision = json_get(doc, "decision")->text;
	} else if (answer->body.n) {	/* a proxy's page, most likely: its beginning tells whose */
		detail = slice_sub(answer->body, 0, 160);
	}
	return deny(w, code, "broker.refused", "%s: the broker answers %d: " SLICE_FMT "%s" SLICE_FMT "%s", doing, answer->status,
		    SLICE_ARG(slice_sub(detail, 0, 1024)), decision.n ? " (decision " : "", SLICE_ARG(slice_sub(decision, 0, 64)),
		    decision.n ? "; kbs-client explain tells more)" : "");
}

/* The public key as the protocol carries it: kty, alg and the key's own members, nothing else. */
static rc public_jwk(const struct pkey *key, struct arena *a, struct json **out, struct why *w)
{
	struct json *jwk;

	TRY(jwk_from_pkey(key, a, &jwk, w));
	json_set(a, jwk, "alg", json_new_cstr(a, pkey_kind(key) == KEY_RSA ? "RSA-OAEP-256" : "ECDH-ES+A256KW"));
	*out = jwk;
	return rc_of(OK);
}

static rc selected_hash(const struct json *challenge, enum digest_alg *out, struct why *w)
{
	const struct json *v = json_get(json_get(challenge, "extra-params"), "selected-hash-algorithm");

	*out = DIGEST_SHA384;
	if (!v)
		return rc_of(OK);
	*out = v->kind == JSON_STRING ? digest_by_name(v->text) : 0;
	return *out ? rc_of(OK) : deny(w, E_UNSUPPORTED, "guest.hash", "the broker selected an unknown hash algorithm");
}

static rc challenge(struct guest *g, struct arena *a, struct json **out, struct why *w)
{
	struct http_call call = {.method = "POST", .path = "/kbs/v0/auth", .content_type = "application/json"};
	struct http_answer answer;

	call.body = slice_cstr(arena_printf(a,
					    "{\"version\":\"0.4.0\",\"tee\":\"%s\",\"extra-params\":{\"supported-hash-algorithms\":["
					    "\"sha256\",\"sha384\",\"sha512\"]}}",
					    g->attester->tee));
	TRY(g->transport.call(g->transport.ctx, &call, a, &answer, w));
	if (answer.status != 200)
		return guest_refused(&answer, "asking for a challenge", a, w);
	TRY(note(w, json_parse(a, answer.body, NULL, out, w), "reading the challenge: is there a broker at that URL?"));
	if (!answer.cookie.p)
		return deny(w, E_MALFORMED, "guest.cookie", "the broker set no cookie kbs-session-id");
	g->cookie = arena_dup(a, answer.cookie);
	return rc_of(OK);
}

static rc attestation(struct guest *g, const struct json *doc, struct arena *a, struct slice *body, struct why *w)
{
	struct json *runtime = json_new_object(a), *out = json_new_object(a), *evidence = json_new_object(a), *jwk, *primary, *init;
	struct json *hashed = json_new_object(a);
	struct slice nonce, text;
	struct buf jcs = buf_in(a, 0);
	enum digest_alg hash;
	uint8_t d[DIGEST_MAX];

	TRY(json_need_str(doc, "nonce", &nonce, "Challenge", w));
	TRY(selected_hash(doc, &hash, w));
	TRY(public_jwk(g->key, a, &jwk, w));
	json_set(a, hashed, "additional-evidence", json_new_cstr(a, ""));
	json_set(a, hashed, "nonce", json_new_str(a, nonce));
	json_set(a, hashed, "tee-pubkey", jwk);
	TRY(json_write_jcs(&jcs, hashed, w));
	TRY(digest(hash, buf_view(&jcs), d, w));
	g->options.challenge = nonce;
	TRY(g->attester->evidence(&g->options, slice_of(d, digest_size(hash)), a, &text, w));
	TRY(json_parse(a, text, NULL, &primary, w));
	json_set(a, runtime, "nonce", json_new_str(a, nonce));
	json_set(a, runtime, "tee-pubkey", jwk);
	json_set(a, evidence, "primary_evidence", primary);
	json_set(a, evidence, "additional_evidence", json_new_cstr(a, ""));
	if (g->init_data.p) {
		init = json_new_object(a);
		json_set(a, init, "format", json_new_cstr(a, "toml"));
		json_set(a, init, "body", json_new_str(a, g->init_data));
		json_set(a, out, "init-data", init);
	}
	json_set(a, out, "runtime-data", runtime);
	json_set(a, out, "tee-evidence", evidence);
	*body = json_text(a, out);
	return body->p ? rc_of(OK) : deny(w, E_INTERNAL, "guest.memory", "no memory");
}

rc guest_attest(struct guest *g, struct arena *a, struct why *w)
{
	struct http_call call = {.method = "POST", .path = "/kbs/v0/attest", .content_type = "application/json"};
	struct http_answer answer;
	struct json *doc, *reply;

	TRY(challenge(g, a, &doc, w));
	TRY(attestation(g, doc, a, &call.body, w));
	call.cookie = g->cookie;
	TRY(g->transport.call(g->transport.ctx, &call, a, &answer, w));
	if (answer.status != 200)
		return guest_refused(&answer, "attesting", a, w);
	TRY(note(w, json_parse(a, answer.body, NULL, &reply, w), "reading the answer to the attestation"));
	return json_need_str(reply, "token", &g->token, "attestation reply", w);
}

rc guest_get(struct guest *g, const char *path, struct arena *a, struct secret *out, struct why *w)
{
	struct http_call call = {.method = "GET"};
	struct http_answer answer;

	call.path = arena_printf(a, "/kbs/v0/%s", path);
	if (g->cookie.p)
		call.cookie = g->cookie;
	else
		call.bearer = g->token;
	TRY(g->transport.call(g->transport.ctx, &call, a, &answer, w));
	if (answer.status != 200)
		return guest_refused(&answer, arena_printf(a, "getting %s", path), a, w);
	return note(w, jwe_decrypt(g->key, answer.body, out, w), "opening the answer to %s with the guest's key", path);
}
