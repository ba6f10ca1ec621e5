/* head.c - a tree head: {"origin","size","root","time","prev"} as a compact JWS with ES256, and its reading back. */
#include <inttypes.h>

#include "audit/audit_int.h"
#include "codec/base64.h"
#include "crypto/jose/jws.h"

/* So that nothing else that the key may have signed passes for a head. */
#define TYP "warrant-head"

rc head_sign(const struct pkey *signer, const char *origin, uint64_t size, uint64_t prev, const uint8_t root[HASH],
             int64_t time_s, struct arena *a, struct slice *jws, struct why *w)
{
	struct json *o = json_new_object(a), *header = json_new_object(a);
	char when[32];

	time_rfc3339(time_s, when);
	json_set(a, header, "typ", json_new_cstr(a, TYP));
	json_set(a, o, "origin", json_new_cstr(a, origin));
	json_set(a, o, "size", json_new_u64(a, size));
	json_set(a, o, "root", json_new_hex(a, slice_of(root, HASH)));
	json_set(a, o, "time", json_new_cstr(a, when));
	json_set(a, o, "prev", json_new_u64(a, prev));
	if (arena_bad(a))
		return store_refuse_memory(w);
	return jws_sign(signer, SIG_ES256, header, json_text(a, o), a, jws, w);
}

rc head_parse(struct slice payload, struct arena *a, struct head *out, struct why *w)
{
	static const struct json_limits limits = {.max_bytes = 4096, .max_depth = 2, .max_nodes = 32};
	struct slice root, when;
	struct json *o;
	struct head h = {0};

	TRY(json_parse(a, payload, &limits, &o, w));
	TRY(json_need_str(o, "origin", &h.origin, "tree head", w));
	TRY(json_need_u64(o, "size", INT64_MAX, &h.pub.size, "tree head", w));
	TRY(json_need_str(o, "root", &root, "tree head", w));
	TRY(hex_decode_into(root, h.pub.root, HASH, "root of a tree head", w));
	TRY(json_need_str(o, "time", &when, "tree head", w));
	TRY(time_parse_rfc3339(when, &h.pub.time_s, w));
	TRY(json_need_u64(o, "prev", h.pub.size, &h.prev, "tree head", w));
	if (o->n != 5)
		return deny(w, E_MALFORMED, "audit.head", "a tree head with %zu members, expected 5", o->n);
	*out = h;
	return rc_of(OK);
}

static rc open_parts(const struct pkey *key, struct slice text, struct arena *a, struct head *out, struct why *w)
{
	struct slice typ;
	struct jws j;

	TRY(jws_parse(text, a, &j, w));
	TRY(jws_verify(&j, key, SIG_ES256, w));
	TRY(json_need_str(j.header, "typ", &typ, "header of a tree head", w));
	if (!slice_is(typ, TYP))
		return deny(w, E_MALFORMED, "audit.head", "a signature of type \"" SLICE_FMT "\", expected " TYP,
		            SLICE_ARG(typ));
	TRY(head_parse(j.payload, a, out, w));
	out->pub.jws = text;
	return rc_of(OK);
}

rc head_open(const struct pkey *key, struct slice jws, struct arena *a, struct head *out, struct why *w)
{
	struct head h = {0};
	rc r = open_parts(key, jws, a, &h, w);

	if (rc_ok(r)) {
		*out = h;
		return r;
	}
	if (r.code == E_UNAVAILABLE || r.code == E_INTERNAL)
		return r;
	return deny(w, E_DENIED, "audit.head-forged", "a tree head does not verify: %s", why_text(w));
}
