/* upstream_nvidia.c - NVIDIA's services: manifests (RIM), answers about certificates (OCSP), and the key set of the attestation
 * service. Spec: verifiers.md 14.4, 14.6; RFC 6960 A.1. */
#include "codec/base64.h"
#include "codec/json.h"
#include "collateral/upstream_int.h"
#include "crypto/ocsp.h"

#define RIM_ID_MAX 128u

static RC bad_key(struct why *w, const char *key)
{
	return deny(w, E_NOTFOUND, "upstream.key", "\"%.200s\" names nothing of NVIDIA", key);
}

/* Ids are of what version numbers and part numbers are made of: nothing that could mean more in a URL. */
static bool is_rim_id(const char *key)
{
	size_t n = strspn(key, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_.");

	return n && n <= RIM_ID_MAX && !key[n] && key[0] != '.' && !strstr(key, "..");
}

/* {"id": ..., "rim": base64 of the XML}. What it is of, the verifier finds in the signed document; an answer under another id is
 * refused here, since it would stay in the cache. */
static RC read_rim(struct upstream_call *call, struct slice body, struct slice *out, struct why *w)
{
	const struct json_limits limits = {.max_bytes = COLLATERAL_PIECE_MAX, .max_depth = 8, .max_nodes = 256};
	struct why inner = why_in(call->a);
	struct slice text = {0}, id = {0};
	struct json *doc;
	rc r = json_parse(call->a, body, &limits, &doc, &inner);

	if (rc_ok(r))
		r = json_need_str(doc, "rim", &text, "the answer", &inner);
	if (rc_ok(r))
		r = json_opt_str(doc, "id", &id, "the answer", &inner);
	if (rc_ok(r))
		r = b64_decode(call->a, B64_STD, text, out, "rim", &inner);
	if (!rc_ok(r))
		return deny(w, E_MALFORMED, "upstream.content", "the answer is no manifest: %s", why_text(&inner));
	if (id.p && !slice_is(id, call->key))
		return upstream_other(w, "manifest", arena_strndup(call->a, id.p, id.n), call->key);
	return rc_of(OK);
}

static RC get_rim(struct upstream_call *call, struct why *w)
{
	struct fetch_reply reply;
	struct slice xml = {0};

	if (!is_rim_id(call->key))
		return bad_key(w, call->key);
	TRY(upstream_ask(call, arena_printf(call->a, "%s/v1/rim/%s", call->u->nvidia_rim_base, call->key), &reply, w));
	if (reply.status == 200)
		TRY(read_rim(call, reply.body, &xml, w));
	upstream_add(call, call->kind, &reply, xml);
	return rc_of(OK);
}

/* The request is made anew from the key. No nonce: the answer is kept, and its own dates decide. */
static RC get_ocsp(struct upstream_call *call, struct why *w)
{
	static const struct fetch_header type[] = {{"Content-Type", SLICE_LIT("application/ocsp-request")}};
	struct fetch_request req = {.method = "POST", .url = call->u->nvidia_ocsp, .headers = type, .n_headers = 1};
	struct why inner = why_in(call->a);
	struct fetch_reply reply;
	struct ocsp_id id;

	if (!rc_ok(ocsp_id_parse(call->a, slice_cstr(call->key), &id, &inner)))
		return bad_key(w, call->key);
	TRY(ocsp_request(call->a, &id, (struct slice){0}, &req.body, w));
	TRY(upstream_send(call, &req, &reply, w));
	if (!rc_ok(ocsp_about(call->a, reply.body, &id, "upstream.content", w)))
		return rc_of(E_MALFORMED);
	upstream_add(call, call->kind, &reply, reply.body);
	return rc_of(OK);
}

static RC get_jwks(struct upstream_call *call, struct why *w)
{
	const struct json_limits limits = {.max_bytes = 1u << 20, .max_depth = 8, .max_nodes = 4096};
	struct fetch_reply reply;
	struct json *set;

	if (*call->key)
		return bad_key(w, call->key);
	TRY(upstream_ask(call, call->u->config.nvidia_jwks, &reply, w));
	if (reply.status == 200 && (!rc_ok(json_parse(call->a, reply.body, &limits, &set, NULL)) || !json_is(json_get(set, "keys"), JSON_ARRAY)))
		return deny(w, E_MALFORMED, "upstream.content", "the answer is no key set");
	upstream_add(call, call->kind, &reply, reply.body);
	return rc_of(OK);
}

rc upstream_nvidia(struct upstream_call *call, struct why *w)
{
	if (strcmp(call->kind, "nvidia-rim") == 0)
		return get_rim(call, w);
	return strcmp(call->kind, "nvidia-ocsp") == 0 ? get_ocsp(call, w) : get_jwks(call, w);
}
